//! Rows of the tree after a layer: what a folder shows, one node at a time.

use std::rc::Rc;

use super::{ChangeKind, NodeId, ROOT, Stack, State, View, narrow, view};
use crate::archive::tar::MemberKind;
use crate::layer::LayerEntry;

/// A row of a folder: something that is there after a layer, or that the layer removed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackRow {
    /// Where.
    pub node: NodeId,
    /// Name within its folder.
    pub name: String,
    /// The entry; of a removed one as it was; none for a folder that has none of its own.
    pub entry: Option<Rc<LayerEntry>>,
    /// The layer that wrote it last.
    pub written_by: usize,
    /// What the layer does to it.
    pub change: Option<ChangeKind>,
    /// The layer changes something below it.
    pub has_changes_below: bool,
    /// The layer hides what was in it.
    pub is_opaque: bool,
    /// Bytes of it and all below it.
    pub total_bytes: u64,
    /// Entries below it.
    pub n_below: u64,
}

/// As much of a row as order and filters need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Brief {
    /// It is a folder, or was before the layer removed it.
    pub is_dir: bool,
    /// The layer removes it.
    pub is_removed: bool,
    /// The layer writes it.
    pub is_written: bool,
    /// The layer does something to it or to what is below it.
    pub is_touched: bool,
    /// Bytes of it and all below it; of a removed one as they were.
    pub total_bytes: u64,
}

/// What a layer itself stores at each node and below it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LayerSums(Vec<(u64, u64)>);

impl LayerSums {
    /// Bytes of files, and entries, the node's own ones among both.
    #[must_use]
    pub fn at(&self, id: NodeId) -> (u64, u64) {
        self.0.get(id.0 as usize).copied().unwrap_or_default()
    }
}

impl NodeId {
    /// Its place among all nodes; a folder comes before what is in it.
    #[must_use]
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

impl Stack {
    /// How many nodes there are, the root among them.
    #[must_use]
    pub fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    /// All nodes but the root, each folder before what is in it.
    pub fn all_nodes(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (1..narrow(self.nodes.len())).map(NodeId)
    }

    /// The folder that a node is in; the root is in itself.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> NodeId {
        self.node(id).map_or(ROOT, |node| node.parent)
    }

    /// The name of a node within its folder.
    #[must_use]
    pub fn name(&self, id: NodeId) -> &str {
        self.node(id).map_or("", |node| &node.name)
    }

    /// What any layer has in a folder, by name.
    #[must_use]
    pub fn in_folder(&self, id: NodeId) -> &[NodeId] {
        self.children(id)
    }

    /// What a row shows in short; none where the node is not there after the layer and was not
    /// removed by it.
    #[must_use]
    pub fn brief(&self, id: NodeId, layer_idx: usize) -> Option<Brief> {
        let layer = narrow(layer_idx);
        let node = self.node(id)?;
        let version = node.at(layer)?;
        let is_touched = version.layer == layer;
        let is_removed = version.state == State::Absent;
        let shown = if is_removed {
            let before = node.exactly(layer)?.1?;
            (before.state != State::Absent).then_some(before)?
        } else {
            version
        };
        Some(Brief {
            is_dir: shown.state.is_dir(),
            is_removed,
            is_written: is_touched && !is_removed && version.written_by == layer && id != ROOT,
            is_touched,
            total_bytes: shown.total_bytes,
        })
    }

    /// What a layer stores itself, added up over folders.
    #[must_use]
    pub fn layer_sums(&self, layer_idx: usize) -> LayerSums {
        let layer = narrow(layer_idx);
        let mut sums = vec![(0_u64, 0_u64); self.nodes.len()];
        // A folder comes before what is in it.
        for idx in (0..self.nodes.len()).rev() {
            let Some(node) = self.nodes.get(idx) else { continue };
            let own = node.exactly(layer).map(|(version, _)| version);
            let own = own.filter(|version| version.written_by == layer && idx != 0);
            let own = own.filter(|version| version.state != State::Absent);
            let Some(sum) = sums.get_mut(idx) else { continue };
            if let Some(version) = own {
                sum.0 = sum.0.saturating_add(version.state.own_bytes());
                sum.1 += 1;
            }
            let sum = *sum;
            if idx != 0
                && let Some(above) = sums.get_mut(node.parent.0 as usize)
            {
                *above = (above.0.saturating_add(sum.0), above.1 + sum.1);
            }
        }
        LayerSums(sums)
    }

    /// The row of a node.
    #[must_use]
    pub fn row(&self, id: NodeId, layer_idx: usize) -> Option<StackRow> {
        let layer = narrow(layer_idx);
        let node = self.node(id)?;
        let change = self.change(id, layer_idx);
        let (shown, is_here) = match &change {
            Some(ChangeKind::Removed { .. }) => (node.at(layer.checked_sub(1)?)?, true),
            _ => {
                let version = node.at(layer).filter(|version| version.state != State::Absent)?;
                (version, version.layer == layer)
            }
        };
        let View { entry, written_by, total_bytes, n_below } = view(shown);
        Some(StackRow {
            node: id,
            name: node.name.to_string(),
            entry: entry.cloned(),
            written_by,
            has_changes_below: is_here && change.is_none(),
            is_opaque: is_here && self.is_opaque(id, layer_idx),
            change,
            total_bytes,
            n_below,
        })
    }

    /// What is in a folder after a layer, and what the layer removed there; folders first, then by name.
    #[must_use]
    pub fn rows(&self, folder: NodeId, layer_idx: usize) -> Vec<StackRow> {
        let row = |id: &NodeId| self.row(*id, layer_idx);
        let mut rows: Vec<StackRow> = self.children(folder).iter().filter_map(row).collect();
        rows.sort_by_key(|row| row.entry.as_ref().is_some_and(|entry| entry.kind != MemberKind::Dir));
        rows
    }
}
