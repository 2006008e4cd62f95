//! Nested folders by bytes: the biggest folder is opened first, until there are enough nodes.

use std::collections::{BTreeMap, BinaryHeap};

use super::archive::{Archive, Known, narrow};
use super::flat::Shown;
use crate::layer::stack::{NodeId, ROOT, Stack};
use crate::layer::waste::Waste;
use crate::protocol::exact;
use crate::protocol::inspect::map::{MapKind, MapNode, MapReport};
use crate::protocol::inspect::rows::TreeOf;
use crate::protocol::inspect::{Answer, ImageAt, MAX_ROWS};

/// What has a smaller share of the whole is nothing to look at.
const SMALLEST_SHARE: u64 = 2000;

/// What is wasted at each node and below it.
struct Wasted {
    hidden: Vec<u64>,
    duplicate: Vec<u64>,
}

impl Wasted {
    fn new(stack: &Stack, shown: &Shown, waste: &Waste) -> Self {
        let mut wasted = Self { hidden: vec![0; stack.n_nodes()], duplicate: vec![0; stack.n_nodes()] };
        let counts = |layer_idx: usize| match shown.of {
            TreeOf::Layer => layer_idx == shown.layer_idx,
            TreeOf::Stack => layer_idx <= shown.layer_idx,
        };
        for hidden in waste.hidden.iter().filter(|hidden| counts(hidden.layer_idx)) {
            add(&mut wasted.hidden, stack, &hidden.path, hidden.size_bytes);
        }
        let top = stack.n_layers().saturating_sub(1);
        for duplicate in &waste.duplicates {
            for path in duplicate.paths.iter().skip(1) {
                let view = stack.find(path).and_then(|node| stack.view(node, top));
                if view.is_some_and(|view| counts(view.written_by)) {
                    add(&mut wasted.duplicate, stack, path, duplicate.size_bytes);
                }
            }
        }
        for node in stack.all_nodes().rev() {
            for sums in [&mut wasted.hidden, &mut wasted.duplicate] {
                let own = at(sums, node);
                if let Some(above) = sums.get_mut(stack.parent(node).idx()) {
                    *above = above.saturating_add(own);
                }
            }
        }
        wasted
    }
}

fn add(sums: &mut [u64], stack: &Stack, path: &str, bytes: u64) {
    if let Some(sum) = stack.find(path).and_then(|node| sums.get_mut(node.idx())) {
        *sum = sum.saturating_add(bytes);
    }
}

fn at(sums: &[u64], node: NodeId) -> u64 {
    sums.get(node.idx()).copied().unwrap_or(0)
}

/// The nodes while they are found.
struct Mapping<'s> {
    stack: &'s Stack,
    shown: Shown,
    wasted: Wasted,
    nodes: Vec<MapNode>,
    /// Where in the list a node of the stack is.
    slots: BTreeMap<NodeId, usize>,
    /// Where in the list the rest of a folder is.
    rests: BTreeMap<NodeId, usize>,
}

impl Mapping<'_> {
    fn push(&mut self, node: NodeId, parent: Option<usize>) -> Option<(u64, bool)> {
        let brief = self.shown.brief(self.stack, node)?;
        let n_below = match self.shown.of {
            TreeOf::Layer => self.shown.sums.at(node).1.saturating_sub(u64::from(brief.is_written)),
            TreeOf::Stack => self.stack.view(node, self.shown.layer_idx).map_or(0, |view| view.n_below),
        };
        self.slots.insert(node, self.nodes.len());
        self.nodes.push(MapNode {
            path: self.stack.path(node),
            name: self.stack.name(node).to_owned(),
            kind: if brief.is_dir { MapKind::Folder } else { MapKind::File },
            parent: parent.map(narrow),
            depth: self.depth_below(parent),
            bytes: exact(brief.total_bytes),
            hidden_bytes: exact(at(&self.wasted.hidden, node)),
            duplicate_bytes: exact(at(&self.wasted.duplicate, node)),
            written_by: narrow(self.shown.layer_idx),
            n_below,
            is_open: false,
        });
        Some((brief.total_bytes, brief.is_dir))
    }

    fn depth_below(&self, parent: Option<usize>) -> u32 {
        parent.and_then(|parent| self.nodes.get(parent)).map_or(0, |node| node.depth + 1)
    }

    /// Puts what is in a folder into the list, at most so many nodes; tells the folders among it.
    fn open(
        &mut self,
        folder: NodeId,
        slot: usize,
        room: usize,
        least_bytes: u64,
    ) -> Vec<(u64, NodeId, usize)> {
        let bytes_of = |node: &NodeId| {
            let brief = self.shown.brief(self.stack, *node)?;
            (!brief.is_removed && brief.total_bytes > 0).then_some((brief.total_bytes, *node))
        };
        let mut children: Vec<(u64, NodeId)> =
            self.stack.in_folder(folder).iter().filter_map(bytes_of).collect();
        children.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let n_big = children.iter().take_while(|(bytes, _)| *bytes >= least_bytes).count();
        // One place is for the rest.
        let n_shown = if children.len() <= room { n_big } else { n_big.min(room.saturating_sub(1)) };
        let (shown, rest) = children.split_at_checked(n_shown).unwrap_or((&children, &[]));
        let mut folders = Vec::new();
        for (bytes, node) in shown {
            let at = self.nodes.len();
            if self.push(*node, Some(slot)).is_some_and(|(_, is_dir)| is_dir) {
                folders.push((*bytes, *node, at));
            }
        }
        if !rest.is_empty() {
            self.push_rest(folder, slot, rest);
        }
        if let Some(node) = self.nodes.get_mut(slot) {
            node.is_open = true;
        }
        folders
    }

    fn push_rest(&mut self, folder: NodeId, slot: usize, rest: &[(u64, NodeId)]) {
        let sum = |of: &dyn Fn(NodeId) -> u64| {
            rest.iter().fold(0_u64, |sum, (_, node)| sum.saturating_add(of(*node)))
        };
        let n_entries = |node: NodeId| match self.shown.of {
            TreeOf::Layer => self.shown.sums.at(node).1,
            TreeOf::Stack => self.stack.view(node, self.shown.layer_idx).map_or(0, |view| view.n_below + 1),
        };
        let bytes = rest.iter().fold(0_u64, |sum, (bytes, _)| sum.saturating_add(*bytes));
        let node = MapNode {
            path: self.stack.path(folder),
            name: String::new(),
            kind: MapKind::Rest,
            parent: Some(narrow(slot)),
            depth: self.depth_below(Some(slot)),
            bytes: exact(bytes),
            hidden_bytes: exact(sum(&|node| at(&self.wasted.hidden, node))),
            duplicate_bytes: exact(sum(&|node| at(&self.wasted.duplicate, node))),
            written_by: narrow(self.shown.layer_idx),
            n_below: sum(&n_entries),
            is_open: false,
        };
        self.rests.insert(folder, self.nodes.len());
        self.nodes.push(node);
    }

    /// Which layer wrote most of each node.
    fn attribute(&mut self, folder: NodeId) {
        let n_layers = self.shown.layer_idx + 1;
        let mut by_layer = vec![vec![0_u64; n_layers]; self.nodes.len()];
        let mut open = vec![(folder, 0_usize)];
        while let Some((node, slot)) = open.pop() {
            let own = self.stack.view(node, self.shown.layer_idx);
            let file = own.filter(|view| view.n_below == 0);
            if let Some(view) = file
                && let Some(sum) = by_layer.get_mut(slot).and_then(|sums| sums.get_mut(view.written_by))
            {
                *sum = sum.saturating_add(view.total_bytes);
            }
            for child in self.stack.in_folder(node) {
                let is_there = self.stack.view(*child, self.shown.layer_idx).is_some();
                if is_there {
                    let rest = self.rests.get(&node).copied().unwrap_or(slot);
                    open.push((*child, self.slots.get(child).copied().unwrap_or(rest)));
                }
            }
        }
        for idx in (1..self.nodes.len()).rev() {
            let parent = self.nodes.get(idx).and_then(|node| node.parent).map_or(0, |parent| parent as usize);
            let own = by_layer.get(idx).cloned().unwrap_or_default();
            if let Some(above) = by_layer.get_mut(parent) {
                above.iter_mut().zip(own).for_each(|(above, own)| *above = above.saturating_add(own));
            }
        }
        for (node, sums) in self.nodes.iter_mut().zip(by_layer) {
            // Of equal layers the lowest one.
            let most = sums.iter().enumerate().rev().max_by_key(|(_, bytes)| **bytes);
            node.written_by = narrow(most.map_or(0, |(idx, _)| idx));
        }
    }
}

/// The nodes of a treemap.
pub(super) fn map(
    archive: &mut Archive,
    image: ImageAt,
    layer_idx: u32,
    of: TreeOf,
    folder: &str,
    n_nodes: u32,
) -> Result<Answer, String> {
    archive.layer_plan(image.image_idx, layer_idx)?;
    let waste = archive.waste(image.image_idx, 0)?;
    let Known { stack, missing } = archive.whole_stack(image.image_idx)?;
    let shown = Shown::new(&stack, of, layer_idx);
    let wasted = Wasted::new(&stack, &shown, &waste);
    let none = || format!("there is no folder {folder:?} here");
    let start = stack.find(folder).ok_or_else(none)?;
    let mut mapping = Mapping {
        stack: &stack,
        shown,
        wasted,
        nodes: Vec::new(),
        slots: BTreeMap::new(),
        rests: BTreeMap::new(),
    };
    let (total_bytes, is_dir) =
        mapping.push(start, None).filter(|(_, is_dir)| *is_dir || start == ROOT).ok_or_else(none)?;
    let n_nodes = n_nodes.clamp(2, MAX_ROWS) as usize;
    let least_bytes = (total_bytes / SMALLEST_SHARE).max(1);
    let mut folders = BinaryHeap::new();
    folders.extend(is_dir.then_some((total_bytes, std::cmp::Reverse(0), start)));
    while let Some((_, std::cmp::Reverse(slot), folder)) = folders.pop() {
        let room = n_nodes.saturating_sub(mapping.nodes.len());
        if room < 2 {
            break;
        }
        // A folder of many files leaves some room for the others.
        let room = if slot == 0 { room } else { (room / 2).max(2) };
        let found = mapping.open(folder, slot, room, least_bytes);
        folders.extend(found.into_iter().map(|(bytes, node, slot)| (bytes, std::cmp::Reverse(slot), node)));
    }
    if of == TreeOf::Stack {
        mapping.attribute(start);
    }
    Ok(Answer::Map(Box::new(MapReport { nodes: mapping.nodes, missing_layers: missing })))
}
