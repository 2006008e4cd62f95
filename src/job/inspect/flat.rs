//! A tree as a list of rows, as it is unfolded, sorted and filtered.
//!
//! The list holds 24 bytes a row and is kept until the question is another one, so that scrolling
//! costs the rows that come into view. Folders come before what is in them among the nodes of a
//! stack, which lets filters look at all of them in two passes without recursion.

use std::cmp::Reverse;

use super::filter::Filter;
use super::rows::change_of;
use crate::layer::stack::rows::{Brief, LayerSums};
use crate::layer::stack::{ChangeKind, NodeId, ROOT, Stack};
use crate::protocol::inspect::rows::{BadPattern, SortBy, TreeOf, TreeQuery};

/// A row, as far as the list tells it.
#[derive(Clone, Copy)]
pub(super) struct FlatRow {
    pub(super) node: NodeId,
    pub(super) depth: u32,
    /// From 1.
    pub(super) pos: u32,
    pub(super) set_size: u32,
    pub(super) is_matching: bool,
    /// None where nothing can be shown below it.
    pub(super) is_unfolded: Option<bool>,
}

/// The list.
pub(super) struct Flat {
    pub(super) query: TreeQuery,
    /// Of the archive when the list was made.
    pub(super) revision: u64,
    pub(super) rows: Vec<FlatRow>,
    pub(super) n_matching: u32,
    pub(super) bad_pattern: Option<BadPattern>,
    pub(super) missing: Vec<u32>,
    pub(super) tree: Shown,
    /// What the filter says of each node; empty without a filter.
    marks: Vec<u8>,
    is_search: bool,
}

/// Which tree of a stack is shown.
pub(super) struct Shown {
    pub(super) of: TreeOf,
    pub(super) layer_idx: usize,
    /// Of a layer alone.
    pub(super) sums: LayerSums,
}

/// The filter lets it through.
const LET_THROUGH: u8 = 1;
/// Something below it is let through.
const ABOVE: u8 = 2;
/// Something below it is met by the filter itself.
const ABOVE_FOUND: u8 = 4;
/// It is met by the filter itself.
const FOUND: u8 = 8;
/// The pattern is met by it or by a folder above it.
const IN_PATTERN: u8 = 16;

impl Shown {
    pub(super) fn new(stack: &Stack, of: TreeOf, layer_idx: u32) -> Self {
        let layer_idx = layer_idx as usize;
        let sums = if of == TreeOf::Layer { stack.layer_sums(layer_idx) } else { LayerSums::default() };
        Self { of, layer_idx, sums }
    }

    /// What is shown of a node, with the bytes that count here.
    pub(super) fn brief(&self, stack: &Stack, node: NodeId) -> Option<Brief> {
        let brief = stack.brief(node, self.layer_idx)?;
        if self.of == TreeOf::Stack {
            return Some(brief);
        }
        let total_bytes = if brief.is_removed { brief.total_bytes } else { self.sums.at(node).0 };
        brief.is_touched.then_some(Brief { total_bytes, ..brief })
    }
}

impl Flat {
    pub(super) fn new(stack: &Stack, query: TreeQuery, revision: u64, missing: Vec<u32>) -> Self {
        let mut flat = Self {
            revision,
            rows: Vec::new(),
            n_matching: 0,
            bad_pattern: None,
            missing,
            tree: Shown::new(stack, query.of, query.layer_idx),
            marks: Vec::new(),
            is_search: false,
            query,
        };
        let filter = flat.query.filter.clone();
        match Filter::new(&filter) {
            Ok(filter) if filter.is_all() => flat.unfold(stack),
            Ok(filter) => {
                flat.is_search = filter.is_search();
                flat.mark(stack, &filter);
                flat.unfold(stack);
            }
            Err(bad) => flat.bad_pattern = Some(bad),
        }
        flat
    }

    /// Looks at all nodes with the filter.
    fn mark(&mut self, stack: &Stack, filter: &Filter<'_>) {
        let mut marks = vec![0_u8; stack.n_nodes()];
        let mark_at = |marks: &[u8], node: NodeId| marks.get(node.idx()).copied().unwrap_or(0);
        let mut n_matching = 0_u32;
        let mut path = String::new();
        // Nodes with the length of the path above them; the last one comes next.
        let mut open: Vec<(NodeId, usize)> = Vec::new();
        let children =
            |node: NodeId, len: usize| stack.in_folder(node).iter().rev().map(move |child| (*child, len));
        open.extend(children(ROOT, 0));
        while let Some((node, above_len)) = open.pop() {
            let Some(brief) = self.tree.brief(stack, node) else { continue };
            path.truncate(above_len);
            if above_len > 0 {
                path.push('/');
            }
            let name_start = path.len();
            path.push_str(stack.name(node));
            let is_below = mark_at(&marks, stack.parent(node)) & IN_PATTERN != 0;
            let is_own = filter.is_match(&path, name_start);
            let change = || change_of(stack, node, self.tree.layer_idx);
            let mut mark = 0;
            if is_own || is_below {
                if filter.is_inherited() {
                    mark |= IN_PATTERN;
                }
                if filter.lets_through(brief.total_bytes, change) {
                    mark |= if is_own { LET_THROUGH | FOUND } else { LET_THROUGH };
                    n_matching += 1;
                }
            }
            if let Some(slot) = marks.get_mut(node.idx()) {
                *slot = mark;
            }
            open.extend(children(node, path.len()));
        }
        for node in stack.all_nodes().rev() {
            let mark = mark_at(&marks, node);
            let above = if mark & (LET_THROUGH | ABOVE) == 0 { 0 } else { ABOVE }
                | if mark & (FOUND | ABOVE_FOUND) == 0 { 0 } else { ABOVE_FOUND };
            if let Some(slot) = marks.get_mut(stack.parent(node).idx()) {
                *slot |= above;
            }
        }
        (self.marks, self.n_matching) = (marks, n_matching);
    }

    fn mark_of(&self, node: NodeId) -> u8 {
        if self.marks.is_empty() { LET_THROUGH } else { self.marks.get(node.idx()).copied().unwrap_or(0) }
    }

    /// What is shown of a node, if anything.
    fn shown(&self, stack: &Stack, node: NodeId) -> Option<Brief> {
        if self.mark_of(node) & (LET_THROUGH | ABOVE) == 0 {
            return None;
        }
        self.tree.brief(stack, node)
    }

    /// A folder at this path shows what is in it.
    fn is_unfolded(&self, node: NodeId, path: &str) -> bool {
        let is_found = self.is_search && self.mark_of(node) & ABOVE_FOUND != 0;
        let query = &self.query;
        !query.folded.contains(path) && (query.is_all_unfolded || is_found || query.unfolded.contains(path))
    }

    /// What is shown in a folder, in order.
    fn sorted(&self, stack: &Stack, folder: NodeId) -> Vec<NodeId> {
        let shown = |node: &NodeId| Some((*node, self.shown(stack, *node)?));
        // They come by name.
        let mut rows: Vec<(NodeId, Brief)> = stack.in_folder(folder).iter().filter_map(shown).collect();
        let is_descending = self.query.is_descending;
        match (self.query.sort, is_descending) {
            (SortBy::Name, _) => {
                if is_descending {
                    rows.reverse();
                }
                rows.sort_by_key(|(_, brief)| !brief.is_dir);
            }
            (SortBy::Size, false) => rows.sort_by_key(|(_, brief)| brief.total_bytes),
            (SortBy::Size, true) => rows.sort_by_key(|(_, brief)| Reverse(brief.total_bytes)),
            (SortBy::Change, false) => {
                rows.sort_by_cached_key(|(node, brief)| self.rank(stack, *node, *brief))
            }
            (SortBy::Change, true) => {
                rows.sort_by_cached_key(|(node, brief)| Reverse(self.rank(stack, *node, *brief)));
            }
        }
        rows.into_iter().map(|(node, _)| node).collect()
    }

    /// The more there is to see, the further in front.
    fn rank(&self, stack: &Stack, node: NodeId, brief: Brief) -> u8 {
        if brief.is_removed {
            return 0;
        }
        match stack.change(node, self.tree.layer_idx) {
            Some(ChangeKind::Removed { .. }) => 0,
            Some(ChangeKind::Modified(_)) => 1,
            Some(ChangeKind::Added) => 2,
            Some(ChangeKind::Unchanged) => 3,
            None if brief.is_touched => 4,
            None => 5,
        }
    }

    /// Makes the rows.
    fn unfold(&mut self, stack: &Stack) {
        struct Level {
            nodes: Vec<NodeId>,
            next: usize,
            path_len: usize,
        }
        let mut rows = Vec::new();
        let mut path = String::new();
        let mut levels = vec![Level { nodes: self.sorted(stack, ROOT), next: 0, path_len: 0 }];
        while let Some(level) = levels.last_mut() {
            let Some(node) = level.nodes.get(level.next).copied() else {
                levels.pop();
                continue;
            };
            level.next += 1;
            path.truncate(level.path_len);
            if level.path_len > 0 {
                path.push('/');
            }
            path.push_str(stack.name(node));
            let (pos, set_size) =
                (super::archive::narrow(level.next), super::archive::narrow(level.nodes.len()));
            let depth = super::archive::narrow(levels.len()).saturating_sub(1);
            let has_below = stack.in_folder(node).iter().any(|child| self.shown(stack, *child).is_some());
            let is_unfolded = has_below.then(|| self.is_unfolded(node, &path));
            let is_matching = self.mark_of(node) & LET_THROUGH != 0;
            rows.push(FlatRow { node, depth, pos, set_size, is_matching, is_unfolded });
            if is_unfolded == Some(true) {
                levels.push(Level { nodes: self.sorted(stack, node), next: 0, path_len: path.len() });
            }
        }
        if self.marks.is_empty() {
            let is_there = |node: &NodeId| self.tree.brief(stack, *node).is_some();
            self.n_matching = super::archive::narrow(stack.all_nodes().filter(is_there).count());
        }
        self.rows = rows;
    }

    /// Folders above a path that are folded, the topmost first; none where the path is not shown at all.
    pub(super) fn folded_above(&self, stack: &Stack, path: &str) -> Option<Vec<String>> {
        let node = stack.find(path).filter(|node| *node != ROOT)?;
        self.shown(stack, node)?;
        let ends = path.match_indices('/').map(|(idx, _)| idx);
        let above = ends.filter_map(|end| path.get(..end));
        let is_folded =
            |folder: &&str| stack.find(folder).is_some_and(|node| !self.is_unfolded(node, folder));
        Some(above.filter(is_folded).map(str::to_owned).collect())
    }

    /// The row of a node.
    pub(super) fn position(&self, node: NodeId) -> Option<usize> {
        self.rows.iter().position(|row| row.node == node)
    }

    /// The first row that fits, from a row on and around the end; the row itself comes first or last.
    pub(super) fn search(
        &self,
        from: u32,
        is_own_first: bool,
        is_backward: bool,
        fits: impl Fn(&FlatRow) -> bool,
    ) -> Option<usize> {
        let n_rows = self.rows.len();
        let from = (from as usize).min(n_rows.checked_sub(1)?);
        let start = usize::from(!is_own_first);
        (start..start + n_rows).find_map(|step| {
            let ahead = if is_backward { n_rows + n_rows - step } else { step };
            let at = (from + ahead) % n_rows;
            self.rows.get(at).filter(|row| fits(row)).map(|_| at)
        })
    }

    /// The layer changes the row's path, or the filter lets it through by itself.
    pub(super) fn is_worth_a_stop(&self, stack: &Stack, row: &FlatRow) -> bool {
        if !self.marks.is_empty() {
            return self.mark_of(row.node) & FOUND != 0;
        }
        stack.brief(row.node, self.tree.layer_idx).is_some_and(|brief| brief.is_removed || brief.is_written)
    }
}
