//! What is known of the files that a step leaves behind, without running it.
//!
//! Files that were copied are known; what a command writes is not. A
//! [`Files`] is a stack of both, so that a later `COPY --from` of copied files
//! is judged by their content even where a command ran below them.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::context::node::Change;
use crate::context::select::{self, Selector, has_wildcard};
use crate::context::{Assumed, Entry, EntryKind, Node, Tree, normal_path};
use crate::digest::{Digest, Hasher};
use crate::graph::StepId;

/// Files as far as they are known.
#[derive(Clone, Debug)]
pub enum Files {
    /// None.
    Empty,
    /// A tree that is wholly known: a build context.
    Whole(Rc<Tree>),
    /// Something that is known by a name only: an image, the result of a command.
    Opaque {
        /// Equal tokens mean equal files.
        token: Digest,
        /// Steps of this build that rerun and whose bytes decide.
        reruns: BTreeSet<StepId>,
        /// What stood there before and surely still stands there, though nothing is known of its bytes.
        keeps: Option<Rc<Files>>,
    },
    /// Known files on top of others.
    Overlay {
        /// Below.
        on: Rc<Files>,
        /// On top.
        tree: Rc<Tree>,
        /// Paths on top whose content comes from reruns.
        reruns: BTreeSet<StepId>,
    },
}

/// What a selection of files is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// Known, or as good as: equal digests mean equal content.
    Exact(Digest),
    /// Decided by the bytes that these steps will write.
    Open(BTreeSet<StepId>),
    /// A path that is not there.
    Missing(String),
}

impl Files {
    /// The content of a selection.
    #[must_use]
    pub fn content(&self, selectors: &[Selector]) -> Content {
        let whole = [Selector { path: "/".into(), ..Selector::default() }];
        let selectors = if selectors.is_empty() { whole.as_slice() } else { selectors };
        let mut hasher = Hasher::default();
        for selector in selectors {
            match self.one(selector) {
                Content::Exact(digest) => hasher.update(digest.as_bytes()),
                other => return other,
            }
        }
        Content::Exact(hasher.finish())
    }

    fn one(&self, selector: &Selector) -> Content {
        match self {
            Self::Empty => {
                if selector.is_wildcard && has_wildcard(&selector.path)
                    || normal_path(&selector.path).is_empty()
                {
                    return Content::Exact(Digest::of(b"empty"));
                }
                Content::Missing(selector.path.clone())
            }
            Self::Whole(tree) => selected(tree, selector),
            Self::Opaque { token, reruns, .. } => {
                if !reruns.is_empty() {
                    return Content::Open(reruns.clone());
                }
                let mut hasher = Hasher::default();
                hasher.update(token.as_bytes());
                hasher.field(&normal_path(&selector.path));
                hasher.field(&format!("{:?} {:?}", selector.includes, selector.excludes));
                Content::Exact(hasher.finish())
            }
            Self::Overlay { on, tree, reruns } => {
                let path = normal_path(&selector.path);
                let is_plain = !(selector.is_wildcard && has_wildcard(&selector.path));
                let known = tree.get(&path).filter(|_| is_plain && !path.is_empty());
                match known {
                    // A file on top hides whatever was below. So does a folder that nothing below is known to have.
                    Some(entry) if !entry.is_dir() || !on.may_have(&path) => {
                        if !reruns.is_empty() {
                            return Content::Open(reruns.clone());
                        }
                        selected(tree, selector)
                    }
                    None if is_plain && !touches(tree, &path) => on.one(selector),
                    _ => self.combined(selector, on, tree, reruns),
                }
            }
        }
    }

    /// Files both on top and below: known by both.
    fn combined(&self, selector: &Selector, on: &Files, tree: &Tree, reruns: &BTreeSet<StepId>) -> Content {
        let below = match on.one(selector) {
            Content::Missing(_) => Content::Exact(Digest::of(b"missing")),
            other => other,
        };
        let digest = match (below, reruns.is_empty()) {
            (Content::Exact(digest), true) => digest,
            (Content::Open(mut open), _) => {
                open.extend(reruns);
                return Content::Open(open);
            }
            _ => return Content::Open(reruns.clone()),
        };
        let mut hasher = Hasher::default();
        hasher.update(digest.as_bytes());
        match select::digest(tree, std::slice::from_ref(selector)) {
            Ok(digest) => hasher.update(digest.as_bytes()),
            Err(_) => hasher.field("missing"),
        }
        Content::Exact(hasher.finish())
    }

    /// Something may be at the path. An image, and what commands of earlier
    /// builds wrote, is taken to have nothing at a path that a copy made; a
    /// command that runs now may write anything anywhere.
    pub(super) fn may_have(&self, path: &str) -> bool {
        match self {
            Self::Empty => false,
            Self::Opaque { reruns, .. } => !reruns.is_empty(),
            Self::Whole(tree) => tree.get(path).is_some(),
            Self::Overlay { on, tree, .. } => tree.get(path).is_some() || on.may_have(path),
        }
    }

    /// What is known to stand at a path.
    fn known_at(&self, path: &str) -> Option<&Entry> {
        match self {
            Self::Empty => None,
            Self::Opaque { keeps, .. } => keeps.as_ref()?.known_at(path),
            Self::Whole(tree) => tree.get(path),
            Self::Overlay { on, tree, .. } => tree.get(path).or_else(|| on.known_at(path)),
        }
    }

    /// A file surely stands there.
    pub(super) fn is_known_file(&self, path: &str) -> bool {
        let is_file = |entry: &Entry| {
            matches!(entry.kind, EntryKind::File { .. }) && !entry.assumed.includes(Assumed::EXISTENCE)
        };
        self.known_at(path).is_some_and(is_file)
    }

    /// The bytes of the file at a path, where it is sure which they are.
    pub(super) fn known_content(&self, path: &str) -> Option<Digest> {
        let of_file = |entry: &Entry| match &entry.kind {
            EntryKind::File { digest, .. } if entry.assumed == Assumed::NOTHING => Some(*digest),
            _ => None,
        };
        match self {
            Self::Empty | Self::Opaque { .. } => None,
            Self::Whole(tree) => tree.get(path).and_then(of_file),
            Self::Overlay { on, tree, reruns } => match tree.get(path) {
                None => on.known_content(path),
                Some(entry) if reruns.is_empty() => of_file(entry),
                Some(_) => None,
            },
        }
    }

    /// A folder surely stands there.
    pub(super) fn is_known_folder(&self, path: &str) -> bool {
        self.known_at(path).is_some_and(Entry::is_dir)
    }

    /// What stands at a path with all below it, where all of that is known.
    fn known_node(&self, path: &str) -> Option<&Rc<Node>> {
        match self {
            Self::Whole(tree) => tree.node(path),
            Self::Overlay { on, tree, reruns } if reruns.is_empty() && !on.may_have(path) => tree.node(path),
            Self::Overlay { .. } | Self::Empty | Self::Opaque { .. } => None,
        }
    }
}

fn selected(tree: &Tree, selector: &Selector) -> Content {
    match select::digest(tree, std::slice::from_ref(selector)) {
        Ok(digest) => Content::Exact(digest),
        Err(missing) => Content::Missing(missing.path),
    }
}

/// The tree has something at, above or below the path.
fn touches(tree: &Tree, path: &str) -> bool {
    path.is_empty() || tree.get(path).is_some() || tree.below(path).next().is_some()
}

/// A copy as far as it matters for what files come out of it.
#[derive(Clone, Copy, Debug)]
pub struct CopyOf<'a> {
    /// What is taken.
    pub selector: &'a Selector,
    /// Where it goes; a trailing slash means into that folder.
    pub dest: &'a str,
    /// `--chown` and `--chmod` together with what else changes the files.
    pub options: &'a str,
    /// Mode and owner, where they are given as numbers.
    pub change: Change,
    /// The source is one of several, so that the target is a folder.
    pub is_one_of_many: bool,
}

/// Puts what a copy makes of `source` into `tree`, and adds the reruns that decide it.
pub fn add_copy(tree: &mut Tree, reruns: &mut BTreeSet<StepId>, source: &Files, copy: CopyOf<'_>) {
    let path = normal_path(&copy.selector.path);
    let is_plain = !has_wildcard(&copy.selector.path)
        && copy.selector.includes.is_empty()
        && copy.selector.excludes.is_empty();
    let known = if is_plain && copy.options.is_empty() { source.known_node(&path) } else { None };
    let into_folder = copy.dest.ends_with('/') || copy.is_one_of_many;
    let dest = normal_path(copy.dest);
    let base = path.rsplit('/').next().unwrap_or("");
    let Some(known) = known else {
        // Not known in detail: one entry stands for all that the copy makes.
        let token = match source.content(std::slice::from_ref(copy.selector)) {
            Content::Exact(digest) => digest,
            Content::Open(open) => {
                reruns.extend(open);
                Digest::of(b"open")
            }
            Content::Missing(_) => Digest::of(b"missing"),
        };
        let mut hasher = Hasher::default();
        hasher.update(token.as_bytes());
        hasher.field(copy.options);
        hasher.field(&format!("{:?}", copy.change));
        let digest = hasher.finish();
        let entry = Entry {
            kind: EntryKind::File { digest, size_bytes: 0 },
            assumed: Assumed::EVERYTHING,
            ..Entry::dir()
        };
        let name = if into_folder && is_plain { format!("{dest}/{base}") } else { dest };
        tree.insert(if name.is_empty() { "." } else { &name }, entry);
        return;
    };
    // Of a folder its content is copied, of a file the file itself.
    let target = match (known.entry().is_dir(), into_folder) {
        (false, true) => format!("{dest}/{base}"),
        _ => dest,
    };
    if copy.change == Change::default() {
        tree.graft(&target, known);
    } else {
        tree.graft(&target, &Rc::new(Node::changed(known, copy.change)));
    }
}
