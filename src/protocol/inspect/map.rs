//! Nested folders by bytes, for a treemap.

use serde::{Deserialize, Serialize};

/// The nodes of a treemap.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MapReport {
    /// The folder that is shown comes first, then what is in it: each node stands behind its folder,
    /// and the children of a folder in the order of their bytes, the biggest first.
    pub nodes: Vec<MapNode>,
    /// Layers whose entries are not known.
    pub missing_layers: Vec<u32>,
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum MapKind {
    /// A folder.
    Folder,
    /// A file, or anything else that is no folder.
    File,
    /// The rest of a folder, too small or too much to be shown.
    Rest,
}

/// A node of a treemap.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MapNode {
    /// Its path; of a rest that of the folder.
    pub path: String,
    /// Its name; empty for the root and for a rest.
    pub name: String,
    /// What it is.
    pub kind: MapKind,
    /// The folder that it is in, by its place in the list; none for the first node.
    pub parent: Option<u32>,
    /// Folders between the one that is shown and this node; 0 for that one itself.
    pub depth: u32,
    /// Bytes of it and all below it; of a layer those that it stores.
    pub bytes: u64,
    /// Bytes at it and below it that layers up to this one store and that the image does not show in
    /// the end; of a layer only those that it stores itself. Of a layer they are part of `bytes`.
    pub hidden_bytes: u64,
    /// Bytes of it and all below it that are copies of contents at other paths of the image.
    pub duplicate_bytes: u64,
    /// The layer that wrote most of its bytes.
    pub written_by: u32,
    /// Entries below it; of a rest those in it.
    pub n_below: u64,
    /// It is a folder whose children are in the list.
    pub is_open: bool,
}
