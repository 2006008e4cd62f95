//! Bytes that an image carries for nothing, told honestly.
//!
//! *Hidden* content is stored in some layer and shown by no path of the final
//! tree: rebuilt without it, the image is smaller by just these bytes. Content
//! of which only the first name is gone, while a hard link still shows it, is
//! *linked* and no waste. *Duplicate* content is shown, but by several paths
//! that do not share it. Both are told apart, since they are repaired in
//! different ways; for the figures of dive, which count otherwise, see
//! [`dive`](super::dive).
//!
//! The layer that hides a file is the one that takes the name away under which
//! it is stored, also where its last hard link goes later.

use std::collections::{BTreeMap, BTreeSet};

use super::LayerEntry;
use super::stack::{Aspect, Stack, differences};
use crate::archive::tar::MemberKind;
use crate::digest::Digest;

/// Why stored content is not shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cause {
    /// A whiteout, an opaque folder or a file in a folder's place removed it.
    Removed,
    /// Something else was written at its path.
    Overwritten,
    /// The same content was written again with other metadata, such as by `chmod` or `chown`.
    Metadata(Vec<Aspect>),
    /// All the same was written again.
    Repeated,
    /// The same tar has its path once more.
    WithinLayer,
}

/// Stored content that the final tree does not show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hidden {
    /// Its path.
    pub path: String,
    /// The layer that stores it.
    pub layer_idx: usize,
    /// Its length.
    pub size_bytes: u64,
    /// The layer that hides it.
    pub hidden_by: usize,
    /// How.
    pub cause: Cause,
}

/// Files of the final tree with the same content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Duplicate {
    /// Digest of the content.
    pub digest: Digest,
    /// Its length.
    pub size_bytes: u64,
    /// Where it is, in order.
    pub paths: Vec<String>,
    /// What would leave if it stood once: copies of base layers are not counted.
    pub extra_bytes: u64,
}

/// What is hidden of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathWaste {
    /// The path.
    pub path: String,
    /// Hidden copies.
    pub n_copies: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What a layer has to do with hidden content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LayerWaste {
    /// Hidden bytes that it stores.
    pub stores_bytes: u64,
    /// Bytes that it hides.
    pub hides_bytes: u64,
}

/// Sums over the whole image, base layers included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Layers.
    pub n_layers: u64,
    /// Paths of the final tree.
    pub n_paths: u64,
    /// Sizes of the files in it.
    pub tree_bytes: u64,
    /// Sizes of all that the layers store.
    pub content_bytes: u64,
    /// Content that only hard links reach any more.
    pub linked_bytes: u64,
    /// Hidden content.
    pub hidden_bytes: u64,
    /// Old marks of AUFS, which are no files.
    pub marks_bytes: u64,
}

/// What is wasted in a stack.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Waste {
    /// Hidden content of the layers above the base, the largest first.
    pub hidden: Vec<Hidden>,
    /// Content that stands several times in the final tree, the most wasteful first.
    pub duplicates: Vec<Duplicate>,
    /// By layer.
    pub layers: Vec<LayerWaste>,
    /// Sums over the whole image.
    pub totals: Totals,
}

impl Waste {
    /// What is wasted in a stack. The first `n_base_layers` are somebody else's:
    /// what they store is left out, since a rebuild does not change it.
    #[must_use]
    pub fn of(stack: &Stack, n_base_layers: usize) -> Self {
        let mut waste = Self { layers: vec![LayerWaste::default(); stack.n_layers()], ..Self::default() };
        waste.totals.n_layers = stack.n_layers() as u64;
        let mut hidden = Vec::new();
        for layer_idx in 0..stack.n_layers() {
            let (content_bytes, marks_bytes) = stack.stored_bytes(layer_idx);
            add(&mut waste.totals.content_bytes, content_bytes);
            add(&mut waste.totals.marks_bytes, marks_bytes);
            hidden.extend(stack.replaced(layer_idx).iter().map(|replaced| Hidden {
                path: replaced.path.clone(),
                layer_idx,
                size_bytes: replaced.size_bytes,
                hidden_by: layer_idx,
                cause: Cause::WithinLayer,
            }));
        }
        let linked: BTreeSet<_> = stack.named_by_links().collect();
        for node in stack.nodes() {
            let mut writes = stack.writes(node).peekable();
            while let Some((layer_idx, entry)) = writes.next() {
                let Some(entry) = entry.filter(|entry| entry.kind == MemberKind::File) else { continue };
                let Some((hidden_by, next)) = writes.peek() else { continue };
                if linked.contains(&(node, layer_idx)) {
                    add(&mut waste.totals.linked_bytes, entry.size_bytes);
                    continue;
                }
                hidden.push(Hidden {
                    path: stack.path(node),
                    layer_idx,
                    size_bytes: entry.size_bytes,
                    hidden_by: *hidden_by,
                    cause: cause(stack, node, *hidden_by, entry, next.map(|next| &**next)),
                });
            }
        }
        // An empty file costs nothing.
        hidden.retain(|hidden| hidden.size_bytes > 0);
        for one in &hidden {
            add(&mut waste.totals.hidden_bytes, one.size_bytes);
        }
        hidden.retain(|hidden| hidden.layer_idx >= n_base_layers);
        for one in &hidden {
            if let Some(layer) = waste.layers.get_mut(one.layer_idx) {
                add(&mut layer.stores_bytes, one.size_bytes);
            }
            if let Some(layer) = waste.layers.get_mut(one.hidden_by) {
                add(&mut layer.hides_bytes, one.size_bytes);
            }
        }
        hidden.sort_by(|a, b| {
            b.size_bytes
                .cmp(&a.size_bytes)
                .then_with(|| (&a.path, a.layer_idx, a.hidden_by).cmp(&(&b.path, b.layer_idx, b.hidden_by)))
        });
        waste.hidden = hidden;
        waste.find_duplicates(stack, n_base_layers);
        waste
    }

    fn find_duplicates(&mut self, stack: &Stack, n_base_layers: usize) {
        let Some(top) = stack.n_layers().checked_sub(1) else { return };
        let mut by_digest: BTreeMap<Digest, (u64, Vec<(String, usize)>)> = BTreeMap::new();
        for (path, node) in stack.tree(top) {
            let Some(view) = stack.view(node, top) else { continue };
            self.totals.n_paths += 1;
            let Some(entry) = view.entry.filter(|entry| entry.kind == MemberKind::File) else { continue };
            add(&mut self.totals.tree_bytes, entry.size_bytes);
            if let Some(digest) = entry.digest.filter(|_| entry.size_bytes > 0) {
                let known = by_digest.entry(digest).or_insert((entry.size_bytes, Vec::new()));
                known.1.push((path, view.written_by));
            }
        }
        for (digest, (size_bytes, copies)) in by_digest {
            if copies.len() < 2 {
                continue;
            }
            let n_own = copies.iter().filter(|(_, layer_idx)| *layer_idx >= n_base_layers).count();
            let n_extra = n_own.min(copies.len() - 1) as u64;
            let paths = copies.into_iter().map(|(path, _)| path).collect();
            let extra_bytes = size_bytes.saturating_mul(n_extra);
            self.duplicates.push(Duplicate { digest, size_bytes, paths, extra_bytes });
        }
        self.duplicates.sort_by(|a, b| b.extra_bytes.cmp(&a.extra_bytes).then_with(|| a.paths.cmp(&b.paths)));
    }

    /// Hidden content by path, the most first.
    #[must_use]
    pub fn by_path(&self) -> Vec<PathWaste> {
        let mut by_path: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for hidden in &self.hidden {
            let known = by_path.entry(&hidden.path).or_default();
            known.0 += 1;
            add(&mut known.1, hidden.size_bytes);
        }
        let row = |(path, (n_copies, bytes)): (&str, (u64, u64))| PathWaste {
            path: path.to_owned(),
            n_copies,
            bytes,
        };
        let mut rows: Vec<PathWaste> = by_path.into_iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
        rows
    }

    /// Bytes that leave if the image is rebuilt without its hidden content.
    #[must_use]
    pub fn hidden_bytes(&self) -> u64 {
        self.hidden.iter().fold(0, |sum, hidden| sum.saturating_add(hidden.size_bytes))
    }

    /// Bytes that leave if content stands once that now stands several times.
    #[must_use]
    pub fn duplicate_bytes(&self) -> u64 {
        self.duplicates.iter().fold(0, |sum, duplicate| sum.saturating_add(duplicate.extra_bytes))
    }
}

fn cause(
    stack: &Stack,
    node: super::stack::NodeId,
    hidden_by: usize,
    entry: &LayerEntry,
    next: Option<&LayerEntry>,
) -> Cause {
    let Some(next) = next else {
        // A folder without an entry of its own may stand there now.
        let is_there = stack.view(node, hidden_by).is_some();
        return if is_there { Cause::Overwritten } else { Cause::Removed };
    };
    let aspects = differences(entry, next);
    if aspects.is_empty() {
        Cause::Repeated
    } else if aspects.iter().any(|aspect| matches!(aspect, Aspect::Type | Aspect::Content)) {
        Cause::Overwritten
    } else {
        Cause::Metadata(aspects)
    }
}

fn add(sum: &mut u64, bytes: u64) {
    *sum = sum.saturating_add(bytes);
}

#[cfg(test)]
mod tests {
    use super::super::testing::layer;
    use super::*;

    #[test]
    fn hidden_content_has_a_cause() {
        let stack = Stack::new(&[
            layer(&["a=1", "b=22", "c=333", "d/e=4444", "empty="]),
            layer(&["a=2", "b=22", ".wh.c", ".wh..wh.aufs", "empty=", "twice=1", "twice=12"]),
            layer(&["d=now a file"]),
        ]);
        let waste = Waste::of(&stack, 0);
        let rows: Vec<_> =
            waste.hidden.iter().map(|one| (one.path.as_str(), one.hidden_by, &one.cause)).collect();
        let expected = [
            ("d/e", 2, &Cause::Removed),
            ("c", 1, &Cause::Removed),
            ("b", 1, &Cause::Repeated),
            ("a", 1, &Cause::Overwritten),
            ("twice", 1, &Cause::WithinLayer),
        ];
        assert_eq!(rows, expected);
        assert_eq!((waste.hidden_bytes(), waste.by_path()[0].bytes), (11, 4));
        assert_eq!(waste.layers[0], LayerWaste { stores_bytes: 10, hides_bytes: 0 });
        let totals = waste.totals;
        assert_eq!(totals.content_bytes, totals.tree_bytes + totals.hidden_bytes + totals.marks_bytes);
        // Of the base only what the layers above store again counts.
        assert_eq!(Waste::of(&stack, 1).hidden_bytes(), 1);
    }

    #[test]
    fn a_link_keeps_content_alive() {
        let stack = Stack::new(&[layer(&["f=1234", "link>f"]), layer(&[".wh.f"])]);
        assert_eq!(Waste::of(&stack, 0).totals.linked_bytes, 4);
        let stack = Stack::new(&[layer(&["f=1234", "link>f"]), layer(&[".wh.f", ".wh.link"])]);
        assert_eq!(Waste::of(&stack, 0).hidden_bytes(), 4);
    }

    #[test]
    fn copies_are_told_apart_from_what_is_hidden() {
        let stack = Stack::new(&[layer(&["a=same", "empty="]), layer(&["b=same", "c=same", "void="])]);
        let waste = Waste::of(&stack, 0);
        assert_eq!((waste.duplicates.len(), waste.duplicate_bytes(), waste.hidden_bytes()), (1, 8, 0));
        assert_eq!(waste.duplicates[0].paths, ["a", "b", "c"]);
    }
}
