//! The layers that a build would write, as far as they are known without running it.
//!
//! A copy writes the files that it copies and the folders above them, an ADD what it unpacks of
//! archives, as far as their members are listed; WORKDIR the folders that are missing. What a command
//! writes is known to nobody.
//!
//! More is told here than verdicts hang on: what comes out of an archive, and what a wildcard takes
//! of a context. Both are looked up once a layer is asked for.

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use super::files::Files;
use super::made::{Action, add_folders, copied, each_action, numeric_owner};
use super::solve::Built;
use crate::context::select::{self, follow, has_wildcard};
use crate::context::unpacked::{Archives, Unlisted, Unpacking};
use crate::context::{Assumed, Entry, EntryKind, Tree, normal_path};
use crate::digest::Digest;
use crate::graph::{CopyAction, FileAction, Graph, Op, StepId};

/// What a step adds to the file system that it stands on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LayerContent {
    /// These entries, and no others.
    Known(Tree),
    /// These entries, some of which stand for files that are not known one by one, and why.
    Partly(Tree, Unsure),
    /// What a command writes.
    Unknown,
}

/// Why a layer is known in part only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unsure {
    /// Entries stand for what a pattern takes of a stage, or for a file that nobody gave; or they may
    /// be there already.
    StandIns,
    /// What comes out of an archive is not known.
    Archive {
        /// Its path.
        path: String,
        /// Why.
        why: Unlisted,
    },
    /// What comes out of an archive is given an owner whom the image knows by that name.
    Owner {
        /// The archive's path.
        path: String,
        /// Owner and group as written.
        name: String,
    },
}

impl fmt::Display for Unsure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandIns => f.write_str("some entries are known only to a real build"),
            Self::Archive { path, why } => write!(f, "what comes out of {path} is not known; {why}"),
            Self::Owner { path, name } => {
                write!(f, "what comes out of {path} is given to {name}, whose number only the image knows")
            }
        }
    }
}

impl LayerContent {
    /// The entries, as far as they are known.
    #[must_use]
    pub fn tree(&self) -> Option<&Tree> {
        match self {
            Self::Known(tree) | Self::Partly(tree, _) => Some(tree),
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

/// What a step of a build adds, `None` if it writes no layer. `archives` tells what those of the
/// context hold.
#[must_use]
pub fn layer(graph: &Graph, built: &Built, archives: &Archives, id: StepId) -> Option<LayerContent> {
    let step = graph.step(id)?;
    let files = |id: &StepId| built.step(*id).map(|step| Rc::clone(&step.files));
    match &step.op {
        Op::Image { .. } | Op::Local { .. } | Op::Http { .. } | Op::Git { .. } => None,
        Op::Exec(_) => Some(LayerContent::Unknown),
        // What was copied by itself is put on top as it is.
        Op::Merge => layer(graph, built, archives, *step.inputs.get(1)?),
        Op::File(actions) => {
            if let [FileAction::Mkdir { path, mode, owner, .. }] = actions.as_slice() {
                let below = step.inputs.first().and_then(files);
                return Some(folders(below.as_ref(), path, *mode, owner));
            }
            let inputs: Option<Vec<Rc<Files>>> = step.inputs.iter().map(files).collect();
            Some(written(actions, &inputs?, archives))
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
    if may_be_there { LayerContent::Partly(tree, Unsure::StandIns) } else { LayerContent::Known(tree) }
}

/// What a step writes, action by action.
fn written(actions: &[FileAction], inputs: &[Rc<Files>], archives: &Archives) -> LayerContent {
    let mut whole = Written::default();
    // One that is refused writes nothing.
    let done = each_action(actions, inputs).unwrap_or_default();
    for (action, done) in actions.iter().zip(&done) {
        let in_detail = match action {
            FileAction::Copy(copy) => copied_in_detail(copy, done, archives, actions.len() > 1),
            FileAction::Mkdir { .. } | FileAction::Mkfile { .. } => None,
        };
        whole.add(in_detail.unwrap_or_else(|| Written::by(done)));
    }
    match whole.unsure {
        Some(unsure) => LayerContent::Partly(whole.tree, unsure),
        None if whole.tree.root().totals().n_unknown > 0 => {
            LayerContent::Partly(whole.tree, Unsure::StandIns)
        }
        None => LayerContent::Known(whole.tree),
    }
}

/// What is written, and the first reason why that is not all of it.
#[derive(Default)]
struct Written {
    tree: Tree,
    unsure: Option<Unsure>,
}

impl Written {
    /// By an action, as far as verdicts need to know.
    fn by(action: &Action) -> Self {
        match action.files.as_ref() {
            Files::Overlay { tree, reruns, .. } if !Rc::ptr_eq(&action.files, &action.on) => {
                Self { tree: Tree::clone(tree), unsure: (!reruns.is_empty()).then_some(Unsure::StandIns) }
            }
            _ => Self::default(),
        }
    }

    /// Puts something on top.
    fn add(&mut self, top: Self) {
        self.tree = top.tree.on(&self.tree);
        self.unsure = self.unsure.take().or(top.unsure);
    }
}

/// What a copy from a context writes, file by file: what a wildcard takes, and what comes out of
/// archives. `None` where no more is known than verdicts need.
fn copied_in_detail(
    copy: &CopyAction,
    action: &Action,
    archives: &Archives,
    is_one_of_many: bool,
) -> Option<Written> {
    let Files::Whole(context) = action.from.as_ref() else { return None };
    let source = normal_path(&copy.source);
    let is_wildcard = copy.is_path && has_wildcard(&copy.source);
    if !copy.includes.is_empty() || !(is_wildcard || copy.unpacks) {
        return None;
    }
    let paths = if is_wildcard { select::matches(context, &source) } else { vec![source] };
    let mut whole = Written::default();
    for path in paths {
        // Links are followed before a builder looks into a file.
        let file = follow(context, &path, true).and_then(|path| context.get(&path));
        let unpacking = match file.filter(|_| copy.unpacks) {
            Some(file) => archives.unpacking(&path, file),
            None => Unpacking::Copied,
        };
        let top = match unpacking {
            // Such a name cannot be told from a pattern.
            Unpacking::Copied if has_wildcard(&path) => return None,
            Unpacking::Copied => {
                let copy = CopyAction { source: format!("/{path}"), unpacks: false, ..copy.clone() };
                let (mut tree, mut reruns) = (Tree::default(), BTreeSet::new());
                copied(&copy, &action.on, &action.from, is_one_of_many, &mut tree, &mut reruns).ok()?;
                Written { tree, unsure: (!reruns.is_empty()).then_some(Unsure::StandIns) }
            }
            Unpacking::Unknown(why) => {
                stand_in(copy, &path, Unsure::Archive { path: path.clone(), why: why.clone() })
            }
            Unpacking::Unpacked(members) => {
                let owner = numeric_owner(&copy.chown);
                if owner.is_none() && !copy.chown.is_empty() {
                    let name = copy.chown.clone();
                    stand_in(copy, &path, Unsure::Owner { path: path.clone(), name })
                } else {
                    let dest = normal_path(&copy.dest);
                    let mut tree = members.unpack(&dest, owner);
                    // The target is a folder in any case, and one that is there keeps its header.
                    tree.insert(&dest, Entry::dir());
                    let is_there = |folder: &str| action.on.is_known_folder(folder);
                    add_folders(&mut tree, &is_there, &dest, 0o755, &copy.chown);
                    Written { tree, unsure: None }
                }
            }
        };
        whole.add(top);
    }
    Some(whole)
}

/// One entry that stands for all that comes out of an archive.
fn stand_in(copy: &CopyAction, path: &str, unsure: Unsure) -> Written {
    let mut tree = Tree::default();
    let kind = EntryKind::File { digest: Digest::of(path.as_bytes()), size_bytes: 0 };
    let name = path.rsplit('/').next().unwrap_or("");
    tree.insert(
        &format!("{}/{name}", copy.dest),
        Entry { kind, assumed: Assumed::EVERYTHING, ..Entry::dir() },
    );
    Written { tree, unsure: Some(unsure) }
}
