//! What of a context is not known but assumed, and which selections hang on it.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::select::{Selector, follow, select};
use super::{Entry, Node, Tree};

/// What of an entry is not known but assumed. The owner never is: a client
/// sends every file of a context as root's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Assumed(u8);

impl Assumed {
    /// All is known.
    pub const NOTHING: Self = Self(0);
    /// The mode bits, and whether it is a link: a browser shows neither.
    pub const MODE: Self = Self(1);
    /// The bytes.
    pub const CONTENT: Self = Self(2);
    /// That it is there at all: it stands in for what is not known.
    pub const EXISTENCE: Self = Self(4);
    /// All of it.
    pub const EVERYTHING: Self = Self(7);

    /// All that `other` names is among it.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same without what `other` names.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Files among those that a step takes, of which something is assumed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssumedFiles {
    /// How many.
    pub n_files: usize,
    /// The first one's path.
    pub first: String,
    /// What is assumed of that one.
    pub what: Assumed,
}

/// Looks for assumptions among what `selectors` take. Of what is taken whole, the folders know how
/// many there are, and only the way to the first one is walked.
#[must_use]
pub fn assumed_files(tree: &Tree, selectors: &[Selector]) -> Option<AssumedFiles> {
    if tree.root().totals().n_assumed == 0 {
        return None;
    }
    let mut found: Option<AssumedFiles> = None;
    let mut add = |n_files: usize, first: String, what: Assumed| match &mut found {
        Some(found) => found.n_files += n_files,
        None => found = Some(AssumedFiles { n_files, first, what }),
    };
    let is_assumed = |entry: &Entry| !entry.is_dir() && entry.assumed != Assumed::NOTHING;
    for selector in selectors {
        if selector.is_plain() {
            let path = follow(tree, &selector.path, selector.follows_links);
            let Some((path, node)) = path.and_then(|path| Some((path.clone(), tree.node(&path)?))) else {
                continue;
            };
            let n_files = node.totals().n_assumed;
            if let Some((first, what)) = first_of(path, node).filter(|_| n_files > 0) {
                add(n_files, first, what);
            }
            continue;
        }
        let files = select(tree, std::slice::from_ref(selector)).map(|found| found.files);
        for (path, _) in files.unwrap_or_default() {
            if let Some(entry) = tree.get(&path).filter(|entry| is_assumed(entry)) {
                add(1, path, entry.assumed);
            }
        }
    }
    found
}

fn first_of(mut path: String, mut node: &Rc<Node>) -> Option<(String, Assumed)> {
    while node.entry().is_dir() {
        let (name, child) = node.iter().find(|(_, child)| child.totals().n_assumed > 0)?;
        path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        node = child;
    }
    Some((path, node.entry().assumed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn the_first_one_and_how_many() {
        let mut tree = Tree::default();
        for (path, assumed) in [
            ("a/x", Assumed::NOTHING),
            ("b/c/y", Assumed::MODE),
            ("b/z", Assumed::MODE),
            ("d", Assumed::EVERYTHING),
        ] {
            tree.insert(path, Entry { assumed, ..Entry::file(Digest::of(b""), 0) });
        }
        let of = |path: &str, is_wildcard: bool| {
            let selector = Selector { path: path.into(), is_wildcard, ..Selector::default() };
            assumed_files(&tree, &[selector]).map(|found| (found.n_files, found.first))
        };
        assert_eq!(of("/", false), Some((3, "b/c/y".into())));
        assert_eq!(of("/b", false), Some((2, "b/c/y".into())));
        assert_eq!(of("/b/*", true), Some((2, "b/c/y".into())));
        assert_eq!(of("/a", false), None);
        assert_eq!(of("/nope", false), None);
    }
}
