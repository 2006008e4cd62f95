//! The layers that a build would write, as far as they are known without running it.
//!
//! A copy writes the files that it copies and the folders above them; WORKDIR
//! the folders that are missing. What a command writes is known to nobody.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::files::Files;
use super::solve::{Inputs, files_of_build};
use crate::context::{Assumed, EntryKind, Tree};
use crate::graph::{Graph, Op, StepId};

/// What a step adds to the file system that it stands on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LayerContent {
    /// These entries, and no others.
    Known(Tree),
    /// These entries, some of which stand for files that are not known one by one: what a wildcard
    /// takes of a stage, an archive that is unpacked, a file that nobody gave.
    Partly(Tree),
    /// What a command writes.
    Unknown,
}

impl LayerContent {
    /// The entries, as far as they are known.
    #[must_use]
    pub fn tree(&self) -> Option<&Tree> {
        match self {
            Self::Known(tree) | Self::Partly(tree) => Some(tree),
            Self::Unknown => None,
        }
    }

    /// Bytes of the files, where all are known.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        let Self::Known(tree) = self else { return None };
        let size = |(_, entry): (String, &crate::context::Entry)| match entry.kind {
            EntryKind::File { size_bytes, .. } => size_bytes,
            EntryKind::Dir | EntryKind::Symlink { .. } => 0,
        };
        Some(tree.iter().map(size).sum())
    }
}

/// What each step of a build adds, `None` for one that writes no layer.
#[must_use]
pub fn layers(graph: &Graph, inputs: &Inputs) -> Vec<Option<LayerContent>> {
    let files = files_of_build(graph, inputs);
    let of_step = |(step, files_after): (&crate::graph::Step, &Rc<Files>)| match &step.op {
        Op::Image { .. } | Op::Local { .. } | Op::Http { .. } | Op::Git { .. } => None,
        Op::Exec(_) => Some(LayerContent::Unknown),
        Op::File(_) | Op::Merge => {
            let below = step.inputs.first().and_then(|below| files.get(below.0));
            Some(added(files_after, below))
        }
    };
    graph.steps.iter().zip(&files).map(of_step).collect()
}

/// The steps whose layers make up the image, lowest first; the base's own come before them.
#[must_use]
pub fn image_steps(graph: &Graph) -> Vec<StepId> {
    let mut steps = Vec::new();
    let mut at = graph.results.first().copied().flatten();
    while let Some(step) = at.and_then(|id| graph.step(id)) {
        if matches!(step.op, Op::Exec(_) | Op::File(_) | Op::Merge) {
            steps.extend(at);
        }
        let reads_content = super::key::deps(step).first().is_some_and(|dep| dep.by_content);
        at = step.inputs.first().copied().filter(|_| !reads_content);
    }
    steps.reverse();
    steps
}

/// What stands on top of `below`, from the lowest up.
fn added(files: &Rc<Files>, below: Option<&Rc<Files>>) -> LayerContent {
    let mut trees: Vec<&Tree> = Vec::new();
    let mut reruns: BTreeSet<StepId> = BTreeSet::new();
    let mut at = files;
    while below.is_none_or(|below| !Rc::ptr_eq(at, below)) {
        let Files::Overlay { on, tree, reruns: open } = at.as_ref() else { break };
        trees.push(tree);
        reruns.extend(open);
        at = on;
    }
    let mut whole = Tree::default();
    for tree in trees.into_iter().rev() {
        for (path, entry) in tree.iter() {
            // A folder that is there already keeps its header; a copy only fills it.
            let is_kept = entry.is_dir() && whole.get(&path).is_some_and(crate::context::Entry::is_dir);
            if !is_kept {
                whole.insert(&path, entry.clone());
            }
        }
    }
    let stands_for_more = |(_, entry): (String, &crate::context::Entry)| {
        !entry.is_dir() && entry.assumed.includes(Assumed::CONTENT)
    };
    if !reruns.is_empty() || whole.iter().any(stands_for_more) {
        LayerContent::Partly(whole)
    } else {
        LayerContent::Known(whole)
    }
}
