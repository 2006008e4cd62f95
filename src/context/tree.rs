//! Files by path, kept so that versions share what they have in common.
//!
//! A copy of a [`Tree`] costs nothing, a change copies the folders above it
//! alone, and two versions are compared by looking where they do not share.
//! What it is made of is the subject of [`super::node`].

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::node::Node;
use super::{Entry, normal_path};

/// How an entry differs between two trees, its time included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference<'a> {
    /// Where.
    pub path: String,
    /// Then; `None` for nothing.
    pub before: Option<&'a Entry>,
    /// Now; `None` for nothing.
    pub after: Option<&'a Entry>,
}

/// Files by path, in order. Folders above a file are always in it.
#[derive(Clone)]
pub struct Tree {
    root: Rc<Node>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { root: Rc::new(Node::new(Entry::dir())) }
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.root.is_same(&other.root)
    }
}

impl Eq for Tree {}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl From<Rc<Node>> for Tree {
    fn from(root: Rc<Node>) -> Self {
        Self { root }
    }
}

impl Tree {
    /// Puts an entry in, in place of what was there. Folders above it are made
    /// where they are missing; a file in the place of such a folder goes.
    pub fn insert(&mut self, path: &str, entry: Entry) {
        let mut entry = Some(entry);
        self.put(path, &mut |known| {
            let entry = entry.take().unwrap_or_else(Entry::dir);
            match known {
                Some(mut known) => {
                    Rc::make_mut(&mut known).set_entry(entry);
                    known
                }
                None => Rc::new(Node::new(entry)),
            }
        });
    }

    /// Puts a node in with all below it, in place of what was there.
    pub fn graft(&mut self, path: &str, node: &Rc<Node>) {
        if normal_path(path).is_empty() {
            self.root = Rc::clone(node);
        }
        self.put(path, &mut |_| Rc::clone(node));
    }

    fn put(&mut self, path: &str, set: &mut dyn FnMut(Option<Rc<Node>>) -> Rc<Node>) {
        let path = normal_path(path);
        if !path.is_empty() {
            Rc::make_mut(&mut self.root).put(&path, set);
        }
    }

    /// This tree on top of another: folders are joined, and keep the header of the lower one.
    #[must_use]
    pub fn on(&self, lower: &Self) -> Self {
        Self { root: self.root.on(&lower.root) }
    }

    /// Changes an entry that is there; `false` if there is none.
    pub fn change(&mut self, path: &str, change: impl FnOnce(&mut Entry)) -> bool {
        let Some(mut entry) = self.get(path).cloned() else { return false };
        change(&mut entry);
        self.insert(path, entry);
        true
    }

    /// Takes an entry and all below it out. Folders above stay.
    pub fn remove(&mut self, path: &str) {
        let path = normal_path(path);
        if path.is_empty() {
            *self = Self::default();
        } else if self.node(&path).is_some() {
            Rc::make_mut(&mut self.root).take(&path);
        }
    }

    /// The root with all below it.
    #[must_use]
    pub fn root(&self) -> &Rc<Node> {
        &self.root
    }

    /// What stands at a path; the root for the empty path.
    #[must_use]
    pub fn node(&self, path: &str) -> Option<&Rc<Node>> {
        self.root.find(path)
    }

    /// The entry at a path; none for the root.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.node(path).filter(|_| !path.is_empty()).map(|node| node.entry())
    }

    /// All entries: a folder, then what is below it.
    pub fn iter(&self) -> Walk<'_> {
        self.below("")
    }

    /// The entries below a folder, at any depth; all of them for the root, which is the empty path.
    #[must_use]
    pub fn below(&self, folder: &str) -> Walk<'_> {
        let mut walk = Walk { open: Vec::new() };
        if let Some(node) = self.node(folder) {
            walk.enter(folder, node);
        }
        walk
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.root.n_below()
    }

    /// No entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.n_below() == 0
    }

    /// The tree that a builder holds after it was sent this one, where it held
    /// `before` from an earlier build.
    ///
    /// Contexts are transferred incrementally: a file of equal mode, size and
    /// time is not sent again even if its bytes differ, and neither is a folder
    /// that was there.
    #[must_use]
    pub fn transferred(&self, before: &Tree) -> Tree {
        Tree { root: self.root.transferred(&before.root) }
    }

    /// Where `after` differs, in order; what they share is not looked at.
    #[must_use]
    pub fn differences<'a>(&'a self, after: &'a Tree) -> Vec<Difference<'a>> {
        let mut found = Vec::new();
        Node::differences(Some(&self.root), Some(&after.root), "", &mut found);
        found
    }
}

/// A walk over entries with their paths.
#[derive(Debug)]
pub struct Walk<'a> {
    /// What is still to come, the next last.
    open: Vec<(String, &'a Rc<Node>)>,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, path: &str, node: &'a Rc<Node>) {
        let full = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        self.open.extend(node.iter().rev().map(|(name, child)| (full(name), child)));
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (String, &'a Entry);

    fn next(&mut self) -> Option<Self::Item> {
        let (path, node) = self.open.pop()?;
        self.enter(&path, node);
        Some((path, node.entry()))
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (path, entry) in self.iter() {
            map.serialize_entry(&path, entry)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, Entry>::deserialize(deserializer)?;
        let mut tree = Self::default();
        // A folder stands in front of what is below it, so its own header comes first.
        for (path, entry) in entries {
            tree.insert(&path, entry);
        }
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::node::Change;
    use crate::digest::Digest;

    fn file(text: &str) -> Entry {
        Entry::file(Digest::of(text.as_bytes()), text.len() as u64)
    }

    fn tree(paths: &[&str]) -> Tree {
        let mut tree = Tree::default();
        paths.iter().for_each(|path| tree.insert(path, file(path)));
        tree
    }

    #[test]
    fn folders_come_and_files_give_way() {
        let mut tree = Tree::default();
        tree.insert("/a/b/c", file("1"));
        assert_eq!(tree.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        tree.insert("a/b", file("2"));
        assert_eq!(tree.len(), 2);
        tree.remove("a");
        assert!(tree.is_empty());
    }

    #[test]
    fn what_is_below_a_folder_comes_right_behind_it() {
        let paths = ["a", "a/z", "a-b", "a.txt"];
        let found: Vec<String> = tree(&["a-b", "a.txt", "a/z"]).iter().map(|(path, _)| path).collect();
        assert_eq!(found, paths);
    }

    #[test]
    fn a_transfer_does_not_see_equal_size_and_time() {
        let (mut before, mut now) = (Tree::default(), Tree::default());
        before.insert("f", file("a"));
        now.insert("f", file("b"));
        assert_eq!(now.transferred(&before), before);
        now.change("f", |entry| entry.mtime_secs = 1);
        assert_eq!(now.transferred(&before), now);
    }

    #[test]
    fn digests_are_kept_up_and_do_not_depend_on_the_way_there() {
        let mut one = tree(&["a/b", "a/c", "d"]);
        let first = one.root().digest();
        one.insert("a/x/y", file("new"));
        let other = tree(&["d", "a/c", "a/b"]);
        assert_eq!(other.root().digest(), first);
        let mut again = other.clone();
        again.insert("a/x/y", file("new"));
        assert_eq!(one.root().digest(), again.root().digest());
        assert_ne!(one.root().digest(), first);
        one.remove("a/x");
        assert_eq!((one.root().digest(), one.len()), (first, 4));
        // The same names one folder further up are something else.
        assert_ne!(tree(&["a/b"]).root().digest(), tree(&["b"]).root().digest());
    }

    #[test]
    fn differences_are_found_where_versions_do_not_share() {
        let before = tree(&["a/b", "a/c", "d/e"]);
        let mut after = before.clone();
        after.insert("a/c", file("other"));
        after.remove("d");
        after.insert("n", file("n"));
        let found: Vec<(String, bool, bool)> = before
            .differences(&after)
            .into_iter()
            .map(|it| (it.path, it.before.is_some(), it.after.is_some()))
            .collect();
        let expected = [("a/c", true, true), ("d", true, false), ("d/e", true, false), ("n", false, true)];
        assert_eq!(found, expected.map(|(path, then, now)| (path.to_owned(), then, now)));
    }

    #[test]
    fn trees_on_top_of_each_other() {
        let mut lower = tree(&["a/b", "a/c", "d"]);
        lower.change("a", |entry| entry.mode = 0o700);
        let upper = tree(&["a/c/x", "a/z", "e"]);
        let joined = upper.on(&lower);
        let mut expected = lower.clone();
        expected.remove("a/c");
        ["a/c/x", "a/z", "e"].iter().for_each(|path| expected.insert(path, file(path)));
        assert_eq!((&joined, joined.len()), (&expected, expected.len()));
        assert_eq!(joined.root().digest(), expected.root().digest());
        assert_eq!(joined.root().totals().size_bytes, (3 + 5 + 3 + 1 + 1));
        assert_eq!(joined, upper.on(&tree(&[])).on(&lower));
    }

    #[test]
    fn changed_headers_reach_everything_below() {
        let source = tree(&["a/b"]);
        let change = Change::new(Some(0o600), Some((7, 8)));
        let mut copied = Tree::default();
        copied.graft("x", &Rc::new(Node::changed(source.node("a").unwrap(), change)));
        let entry = copied.get("x/b").unwrap();
        assert_eq!((entry.mode, entry.uid, entry.gid), (0o600, 7, 8));
        assert_eq!((copied.len(), copied.get("x").map(|entry| entry.mode)), (2, Some(0o600)));
    }
}
