//! Files by path, kept so that versions share what they have in common.
//!
//! A copy of a [`Tree`] costs nothing, a change copies the folders above it
//! alone, and two versions are compared by looking where they do not share.
//! Every folder knows one digest of all below it. It is made of a *sum* over
//! what stands in the folder, so that a changed file is subtracted and added
//! instead of hashing its neighbors again.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

use imbl::GenericOrdMap;
use imbl::ordmap::DiffItem;
use imbl::shared_ptr::RcK;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::select::Selector;
use super::{Assumed, Entry, normal_path};
use crate::digest::{Digest, Hasher};

/// What stands in a folder, by name.
pub(super) type Children = GenericOrdMap<Rc<str>, Link, RcK>;

/// A node as a folder holds it; equal means the very same.
#[derive(Clone, Debug)]
pub(super) struct Link(pub(super) Rc<Node>);

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Link {}

/// A file, a link, or a folder with all below it.
#[derive(Clone, Debug)]
pub struct Node {
    entry: Entry,
    children: OnceCell<Children>,
    /// Where the children come from that were not made yet, and what changes of them.
    source: Option<(Rc<Node>, Change)>,
    n_below: usize,
    /// How many of those have something assumed.
    n_assumed: usize,
    digest: OnceCell<Digest>,
    sum: OnceCell<Sum>,
    /// Digests of selections below this node, by what selects them.
    selections: RefCell<BTreeMap<Selector, Digest>>,
}

/// A header given to files by a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// Mode.
    pub mode: Option<u32>,
    /// Owner and group.
    pub owner: Option<(u32, u32)>,
}

impl Change {
    fn apply(self, mut entry: Entry) -> Entry {
        if let Some(mode) = self.mode {
            entry.mode = mode;
            entry.assumed = entry.assumed.without(Assumed::MODE);
        }
        (entry.uid, entry.gid) = self.owner.unwrap_or((entry.uid, entry.gid));
        entry
    }
}

/// A sum of digests modulo 2^256, lowest word first: the order of what is added does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Sum([u64; 4]);

impl Sum {
    fn of(name: &str, child: &Node) -> Self {
        let mut hasher = Hasher::default();
        hasher.field(name);
        hasher.update(child.digest().as_bytes());
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(hasher.finish().as_bytes().chunks_exact(8)) {
            *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        Self(words)
    }

    fn plus(self, other: Self) -> Self {
        let mut carry = false;
        let mut words = self.0;
        for (word, other) in words.iter_mut().zip(other.0) {
            let (sum, is_over) = word.overflowing_add(other);
            let (sum, is_over_again) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, is_over || is_over_again);
        }
        Self(words)
    }

    fn minus(self, other: Self) -> Self {
        // The two's complement.
        let negated = Self(other.0.map(|word| !word)).plus(Self([1, 0, 0, 0]));
        self.plus(negated)
    }
}

impl Node {
    /// A node without anything below it.
    #[must_use]
    pub fn new(entry: Entry) -> Self {
        Self {
            entry,
            children: OnceCell::new(),
            source: None,
            n_below: 0,
            n_assumed: 0,
            digest: OnceCell::new(),
            sum: OnceCell::new(),
            selections: RefCell::default(),
        }
    }

    /// A node with what stands in it.
    pub(super) fn with(entry: Entry, children: Children) -> Self {
        let n_below = children.values().map(|child| child.0.n_below + 1).sum();
        let n_assumed = children.values().map(|child| child.0.n_assumed()).sum();
        Self { children: OnceCell::from(children), n_below, n_assumed, ..Self::new(entry) }
    }

    /// The same with other headers, here and below; what is below is made once it is looked at.
    #[must_use]
    pub fn changed(of: &Rc<Self>, change: Change) -> Self {
        let source = Some((Rc::clone(of), change));
        let (n_below, n_assumed) = (of.n_below, of.n_assumed);
        Self { source, n_below, n_assumed, ..Self::new(change.apply(of.entry.clone())) }
    }

    /// The file, link or folder itself.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// How many entries are below it.
    #[must_use]
    pub fn n_below(&self) -> usize {
        self.n_below
    }

    /// How many entries have something assumed, itself among them.
    #[must_use]
    pub fn n_assumed(&self) -> usize {
        self.n_assumed + usize::from(self.entry.assumed != Assumed::NOTHING)
    }

    pub(super) fn children(&self) -> &Children {
        self.children.get_or_init(|| {
            let Some((of, change)) = &self.source else { return Children::default() };
            let changed = |(name, child): (&Rc<str>, &Link)| {
                (Rc::clone(name), Link(Rc::new(Self::changed(&child.0, *change))))
            };
            of.children().iter().map(changed).collect()
        })
    }

    /// What stands directly in it, by name.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Rc<Node>)> {
        self.children().iter().map(|(name, child)| (name.as_ref(), &child.0))
    }

    /// What stands directly in it and begins with `prefix`, by name.
    pub(super) fn iter_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Rc<Node>)> {
        let from = self.children().range::<_, str>((Bound::Included(prefix), Bound::Unbounded));
        from.map(|(name, child)| (name.as_ref(), &child.0))
            .take_while(move |(name, _)| name.starts_with(prefix))
    }

    /// What stands directly in it under a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Rc<Node>> {
        self.children().get(name).map(|child| &child.0)
    }

    /// What stands at a path below it; itself for the empty path.
    fn find(self: &Rc<Self>, path: &str) -> Option<&Rc<Self>> {
        path.split('/').filter(|name| !name.is_empty()).try_fold(self, |node, name| node.child(name))
    }

    /// The digest of all that counts here and below. Names count relative to this node.
    #[must_use]
    pub fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| {
            let own = self.entry.header_digest();
            if !self.entry.is_dir() {
                return own;
            }
            let mut hasher = Hasher::default();
            hasher.update(own.as_bytes());
            self.sum().0.iter().for_each(|word| hasher.update(&word.to_le_bytes()));
            hasher.finish()
        })
    }

    /// The digest of a selection, which is computed once as long as nothing below this node changes.
    pub(super) fn selection(&self, selector: &Selector, compute: impl FnOnce() -> Digest) -> Digest {
        if let Some(known) = self.selections.borrow().get(selector) {
            return *known;
        }
        let digest = compute();
        self.selections.borrow_mut().insert(selector.clone(), digest);
        digest
    }

    fn sum(&self) -> Sum {
        let add = |sum: Sum, (name, child): (&str, &Rc<Node>)| sum.plus(Sum::of(name, child));
        *self.sum.get_or_init(|| self.iter().fold(Sum::default(), add))
    }

    /// Replaces itself, and keeps what is below if both are folders.
    fn set_entry(&mut self, entry: Entry) {
        self.forget();
        if !entry.is_dir() {
            (self.children, self.sum, self.source) = (OnceCell::new(), OnceCell::new(), None);
            (self.n_below, self.n_assumed) = (0, 0);
        }
        self.entry = entry;
    }

    fn forget(&mut self) {
        self.digest.take();
        self.selections = RefCell::default();
    }

    /// Changes what stands under a name; `None` is nothing there. Digests that
    /// are known are kept up.
    pub(super) fn alter(&mut self, name: &str, change: impl FnOnce(Option<Rc<Node>>) -> Option<Rc<Node>>) {
        self.children();
        self.source = None;
        self.forget();
        let mut children = self.children.take().unwrap_or_default();
        let mut sum = self.sum.take();
        // Taken out while it changes, so that a node that nobody else holds changes in place.
        let before = match sum {
            None => children.remove(name).map(|link| link.0),
            Some(_) => children.get(name).map(|link| Rc::clone(&link.0)),
        };
        if let (Some(before), Some(sum)) = (&before, &mut sum) {
            *sum = sum.minus(Sum::of(name, before));
        }
        self.n_below -= before.as_ref().map_or(0, |before| before.n_below + 1);
        self.n_assumed -= before.as_ref().map_or(0, |before| before.n_assumed());
        match change(before) {
            Some(after) => {
                if let Some(sum) = &mut sum {
                    *sum = sum.plus(Sum::of(name, &after));
                }
                self.n_below += after.n_below + 1;
                self.n_assumed += after.n_assumed();
                children.insert(Rc::from(name), Link(after));
            }
            None => drop(children.remove(name)),
        }
        self.children = OnceCell::from(children);
        self.sum = sum.map_or_else(OnceCell::new, OnceCell::from);
    }

    /// Puts something at a path below. Folders on the way are made where they are missing.
    fn put(&mut self, path: &str, set: &mut dyn FnMut(Option<Rc<Node>>) -> Rc<Node>) {
        let (name, rest) = path.split_once('/').unwrap_or((path, ""));
        self.alter(name, |known| {
            if rest.is_empty() {
                return Some(set(known));
            }
            let mut folder = known
                .filter(|known| known.entry.is_dir())
                .unwrap_or_else(|| Rc::new(Self::new(Entry::dir())));
            Rc::make_mut(&mut folder).put(rest, set);
            Some(folder)
        });
    }

    fn take(&mut self, path: &str) {
        let (name, rest) = path.split_once('/').unwrap_or((path, ""));
        let is_there = |node: &Rc<Node>| rest.is_empty() || node.find(rest).is_some();
        if self.child(name).is_some_and(is_there) {
            self.alter(name, |known| {
                let mut known = known.filter(|_| !rest.is_empty())?;
                Rc::make_mut(&mut known).take(rest);
                Some(known)
            });
        }
    }

    /// The node that a builder holds after it was sent this one, where it held `before`.
    fn transferred(self: &Rc<Self>, before: &Rc<Self>) -> Rc<Self> {
        if Rc::ptr_eq(self, before) {
            return Rc::clone(self);
        }
        let is_unnoticed = self.entry.is_unnoticed_after(&before.entry);
        let entry = if is_unnoticed { &before.entry } else { &self.entry };
        let mut held = Node { entry: entry.clone(), ..Node::clone(self) };
        held.forget();
        let (mut is_now, mut is_before) = (*entry == self.entry, *entry == before.entry);
        if self.entry.is_dir() && before.entry.is_dir() {
            for (name, then, now) in changed_children(before, self) {
                let (Some(then), Some(now)) = (then, now) else {
                    is_before = false;
                    continue;
                };
                let child = now.transferred(then);
                is_before &= Rc::ptr_eq(&child, then);
                if !Rc::ptr_eq(&child, now) {
                    is_now = false;
                    held.alter(name, |_| Some(child));
                }
            }
        } else {
            is_before &= self.n_below == 0 && before.n_below == 0;
        }
        match (is_now, is_before) {
            (true, _) => Rc::clone(self),
            (_, true) => Rc::clone(before),
            _ => Rc::new(held),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let is_same = |then: Option<&Rc<Node>>, now: Option<&Rc<Node>>| match (then, now) {
            (Some(then), Some(now)) => then.is_same(now),
            _ => false,
        };
        std::ptr::eq(self, other)
            || (self.entry == other.entry
                && self.n_below == other.n_below
                && changed_children(self, other).all(|(_, then, now)| is_same(then, now)))
    }

    fn differences<'a>(
        before: Option<&'a Rc<Self>>,
        after: Option<&'a Rc<Self>>,
        path: &str,
        found: &mut Vec<Difference<'a>>,
    ) {
        if let (Some(before), Some(after)) = (before, after)
            && Rc::ptr_eq(before, after)
        {
            return;
        }
        let entries = (before.map(|node| &node.entry), after.map(|node| &node.entry));
        if entries.0 != entries.1 {
            found.push(Difference { path: path.to_owned(), before: entries.0, after: entries.1 });
        }
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        match (before, after) {
            (Some(one), Some(other)) => {
                for (name, then, now) in changed_children(one, other) {
                    Self::differences(then, now, &below(name), found);
                }
            }
            (Some(one), None) => {
                one.iter().for_each(|(name, node)| Self::differences(Some(node), None, &below(name), found))
            }
            (None, Some(other)) => {
                other.iter().for_each(|(name, node)| Self::differences(None, Some(node), &below(name), found))
            }
            (None, None) => {}
        }
    }
}

/// What stands in two folders and is not the very same, by name.
pub(super) fn changed_children<'a>(
    before: &'a Node,
    after: &'a Node,
) -> impl Iterator<Item = (&'a str, Option<&'a Rc<Node>>, Option<&'a Rc<Node>>)> {
    before.children().diff(after.children()).map(|item| match item {
        DiffItem::Add(name, now) => (name.as_ref(), None, Some(&now.0)),
        DiffItem::Update { old: (name, then), new: (_, now) } => (name.as_ref(), Some(&then.0), Some(&now.0)),
        DiffItem::Remove(name, then) => (name.as_ref(), Some(&then.0), None),
    })
}

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
        self.node(path).filter(|_| !path.is_empty()).map(|node| &node.entry)
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
        self.root.n_below
    }

    /// No entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.n_below == 0
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
        Some((path, &node.entry))
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
    fn changed_headers_reach_everything_below() {
        let source = tree(&["a/b"]);
        let change = Change { mode: Some(0o600), owner: Some((7, 8)) };
        let mut copied = Tree::default();
        copied.graft("x", &Rc::new(Node::changed(source.node("a").unwrap(), change)));
        let entry = copied.get("x/b").unwrap();
        assert_eq!((entry.mode, entry.uid, entry.gid), (0o600, 7, 8));
        assert_eq!((copied.len(), copied.get("x").map(|entry| entry.mode)), (2, Some(0o600)));
    }
}
