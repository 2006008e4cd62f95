//! The layers that a build would write, as far as they are known without running it.
//!
//! A copy writes the files that it copies and the folders above them; WORKDIR
//! the folders that are missing. What a command writes is known to nobody.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::files::Files;
use super::made::add_folders;
use super::solve::Built;
use crate::context::Tree;
use crate::graph::{FileAction, Graph, Op, StepId};

/// What a step adds to the file system that it stands on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LayerContent {
    /// These entries, and no others.
    Known(Tree),
    /// These entries, some of which stand for files that are not known one by one: what a wildcard
    /// takes of a stage, an archive that is unpacked, a file that nobody gave; or which may be there
    /// already.
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
        Some(tree.root().totals().size_bytes)
    }
}

/// What a step of a build adds, `None` if it writes no layer.
#[must_use]
pub fn layer(graph: &Graph, built: &Built, id: StepId) -> Option<LayerContent> {
    let step = graph.step(id)?;
    match &step.op {
        Op::Image { .. } | Op::Local { .. } | Op::Http { .. } | Op::Git { .. } => None,
        Op::Exec(_) => Some(LayerContent::Unknown),
        Op::File(_) | Op::Merge => {
            let below = step.inputs.first().and_then(|below| built.step(*below)).map(|below| &below.files);
            if let Op::File(actions) = &step.op
                && let [FileAction::Mkdir { path, mode, owner, .. }] = actions.as_slice()
            {
                return Some(folders(below, path, *mode, owner));
            }
            Some(added(&built.step(id)?.files, below))
        }
    }
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

/// The folders of a WORKDIR. Those that a command may have made already are taken for missing.
fn folders(below: Option<&Rc<Files>>, path: &str, mode: u32, owner: &str) -> LayerContent {
    let mut tree = Tree::default();
    let is_there = |folder: &str| below.is_some_and(|below| below.is_known_folder(folder));
    add_folders(&mut tree, &is_there, path, mode, owner);
    let may_be_there = tree.iter().any(|(path, _)| below.is_some_and(|below| below.may_have(&path)));
    if may_be_there { LayerContent::Partly(tree) } else { LayerContent::Known(tree) }
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
    let whole = trees.into_iter().rev().fold(Tree::default(), |whole, tree| tree.on(&whole));
    if !reruns.is_empty() || whole.root().totals().n_unknown > 0 {
        LayerContent::Partly(whole)
    } else {
        LayerContent::Known(whole)
    }
}
