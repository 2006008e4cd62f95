//! A file, a link, or a folder with all below it: what a tree is made of.
//!
//! Every folder knows one digest of all below it. It is made of a *sum* over
//! what stands in the folder, so that a changed file is subtracted and added
//! instead of hashing its neighbors again. It also knows what the entries below
//! add up to.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use imbl::GenericOrdMap;
use imbl::ordmap::DiffItem;
use imbl::shared_ptr::RcK;

use super::select::Selector;
use super::tree::Difference;
use super::{Assumed, Entry, EntryKind};
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

/// What some entries add up to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// How many there are.
    pub n_entries: usize,
    /// How many files and links have something assumed.
    pub n_assumed: usize,
    /// How many have bytes that are assumed.
    pub n_unknown: usize,
    /// Bytes of the files.
    pub size_bytes: u64,
}

impl Totals {
    fn plus(self, other: Self) -> Self {
        Self {
            n_entries: self.n_entries + other.n_entries,
            n_assumed: self.n_assumed + other.n_assumed,
            n_unknown: self.n_unknown + other.n_unknown,
            size_bytes: self.size_bytes.saturating_add(other.size_bytes),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            n_entries: self.n_entries - other.n_entries,
            n_assumed: self.n_assumed - other.n_assumed,
            n_unknown: self.n_unknown - other.n_unknown,
            size_bytes: self.size_bytes.saturating_sub(other.size_bytes),
        }
    }
}

/// A file, a link, or a folder with all below it.
#[derive(Clone, Debug)]
pub struct Node {
    entry: Entry,
    children: OnceCell<Children>,
    /// Where the children come from that were not made yet, and what changes of them.
    source: Option<(Rc<Node>, Change)>,
    below: Totals,
    digest: OnceCell<Digest>,
    sum: OnceCell<Sum>,
    /// Digests of selections below this node, by what selects them.
    selections: RefCell<BTreeMap<Selector, Digest>>,
}

/// A header given to files by a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Change {
    mode: Option<u32>,
    /// Owner and group.
    owner: Option<(u32, u32)>,
    /// All of it counts as edited, in whatever way.
    is_edit: bool,
}

impl Change {
    /// Gives a mode, an owner and group, or leaves them.
    #[must_use]
    pub fn new(mode: Option<u32>, owner: Option<(u32, u32)>) -> Self {
        Self { mode, owner, is_edit: false }
    }

    fn apply(self, mut entry: Entry) -> Entry {
        if let Some(mode) = self.mode {
            entry.mode = mode;
            entry.assumed = entry.assumed.without(Assumed::MODE);
        }
        (entry.uid, entry.gid) = self.owner.unwrap_or((entry.uid, entry.gid));
        if self.is_edit {
            // No real owner has these numbers.
            (entry.uid, entry.gid) = (entry.uid ^ u32::MAX, u32::MAX);
        }
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
            below: Totals::default(),
            digest: OnceCell::new(),
            sum: OnceCell::new(),
            selections: RefCell::default(),
        }
    }

    /// A node with what stands in it.
    pub(super) fn with(entry: Entry, children: Children) -> Self {
        let add = |sum: Totals, child: &Link| sum.plus(child.0.totals());
        let below = children.values().fold(Totals::default(), add);
        Self { children: OnceCell::from(children), below, ..Self::new(entry) }
    }

    /// The same with other headers, here and below; what is below is made once it is looked at.
    #[must_use]
    pub fn changed(of: &Rc<Self>, change: Change) -> Self {
        let source = Some((Rc::clone(of), change));
        let mut below = of.below;
        if change.mode.is_some() {
            // Only bytes can still be assumed then.
            below.n_assumed = below.n_unknown;
        }
        Self { source, below, ..Self::new(change.apply(of.entry.clone())) }
    }

    /// The same after an edit of everything here and below, in whatever way: only to compare with
    /// what was there. What an edit would change is asked of large folders, so nothing below is looked at.
    #[must_use]
    pub fn edited(of: &Rc<Self>) -> Self {
        Self::changed(of, Change { is_edit: true, ..Change::default() })
    }

    /// The file, link or folder itself.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// How many entries are below it.
    #[must_use]
    pub fn n_below(&self) -> usize {
        self.below.n_entries
    }

    /// What it and all below it add up to.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let size_bytes =
            if let EntryKind::File { size_bytes, .. } = self.entry.kind { size_bytes } else { 0 };
        self.below.plus(Totals {
            n_entries: 1,
            // A transfer does not notice the mode of a folder that is there, so no verdict hangs on it.
            n_assumed: usize::from(self.entry.assumed != Assumed::NOTHING && !self.entry.is_dir()),
            n_unknown: usize::from(self.entry.assumed.includes(Assumed::CONTENT)),
            size_bytes,
        })
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
    pub(super) fn find(self: &Rc<Self>, path: &str) -> Option<&Rc<Self>> {
        path.split('/').filter(|name| !name.is_empty()).try_fold(self, |node, name| node.child(name))
    }

    /// The digest of all that counts here and below. Names count relative to this node.
    #[must_use]
    pub fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| {
            if let Some((of, Change { is_edit: true, .. })) = &self.source {
                let mut hasher = Hasher::default();
                hasher.field("edited");
                hasher.update(of.digest().as_bytes());
                return hasher.finish();
            }
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
    pub(super) fn set_entry(&mut self, entry: Entry) {
        self.forget();
        if !entry.is_dir() {
            (self.children, self.sum, self.source) = (OnceCell::new(), OnceCell::new(), None);
            self.below = Totals::default();
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
        if let Some(before) = &before {
            self.below = self.below.minus(before.totals());
        }
        match change(before) {
            Some(after) => {
                if let Some(sum) = &mut sum {
                    *sum = sum.plus(Sum::of(name, &after));
                }
                self.below = self.below.plus(after.totals());
                children.insert(Rc::from(name), Link(after));
            }
            None => drop(children.remove(name)),
        }
        self.children = OnceCell::from(children);
        self.sum = sum.map_or_else(OnceCell::new, OnceCell::from);
    }

    /// Puts something at a path below. Folders on the way are made where they are missing.
    pub(super) fn put(&mut self, path: &str, set: &mut dyn FnMut(Option<Rc<Node>>) -> Rc<Node>) {
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

    pub(super) fn take(&mut self, path: &str) {
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

    /// This node on top of another: folders are joined, and keep the header of the lower one.
    pub(super) fn on(self: &Rc<Self>, lower: &Rc<Self>) -> Rc<Self> {
        if !self.entry.is_dir() || !lower.entry.is_dir() {
            return Rc::clone(self);
        }
        let (small, large) =
            if lower.children().len() < self.children().len() { (lower, self) } else { (self, lower) };
        let mut joined = Node::clone(large);
        joined.forget();
        joined.entry.clone_from(&lower.entry);
        for (name, child) in small.iter() {
            joined.alter(name, |there| {
                let Some(there) = there else { return Some(Rc::clone(child)) };
                Some(if Rc::ptr_eq(small, self) { child.on(&there) } else { there.on(child) })
            });
        }
        Rc::new(joined)
    }

    /// The node that a builder holds after it was sent this one, where it held `before`.
    pub(super) fn transferred(self: &Rc<Self>, before: &Rc<Self>) -> Rc<Self> {
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
            is_before &= self.n_below() == 0 && before.n_below() == 0;
        }
        match (is_now, is_before) {
            (true, _) => Rc::clone(self),
            (_, true) => Rc::clone(before),
            _ => Rc::new(held),
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_same = |then: Option<&Rc<Node>>, now: Option<&Rc<Node>>| match (then, now) {
            (Some(then), Some(now)) => then.is_same(now),
            _ => false,
        };
        std::ptr::eq(self, other)
            || (self.entry == other.entry
                && self.below == other.below
                && changed_children(self, other).all(|(_, then, now)| is_same(then, now)))
    }

    pub(super) fn differences<'a>(
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
