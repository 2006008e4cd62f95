//! How two images differ.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::rows::{RowAspect, RowFilter};
use crate::protocol::RowKind;

/// How two images differ.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CompareReport {
    /// Layers: those of the image after, lowest first, then those that only the image before has.
    pub layers: Vec<ComparedLayer>,
    /// Paths that differ, in numbers.
    pub files: FileCounts,
    /// Fields of the configurations that differ, by name; history and the list of layers aside.
    pub config: Vec<ConfigChange>,
    /// Bytes of stored layers that are pulled by someone who has the image before; pushing takes the
    /// same where the registry has that one.
    pub pull_bytes: u64,
    /// The same the other way round.
    pub pull_back_bytes: u64,
    /// Bytes of all stored layers of the image before, each once.
    pub before_stored_bytes: u64,
    /// And after.
    pub after_stored_bytes: u64,
    /// Bytes of the files of the image before, all layers together as shown.
    pub before_tree_bytes: u64,
    /// And after.
    pub after_tree_bytes: u64,
    /// Paths of the image before.
    pub n_before_paths: u64,
    /// And after.
    pub n_after_paths: u64,
    /// Layers whose digest was not computed yet, in either image: told by the digest that the image
    /// names, or taken for another one where it names none.
    pub n_unverified_layers: u32,
    /// Paths that count as the same though their contents were not read: they have the same length.
    /// [`Question::Settle`](super::Question::Settle) tells.
    pub n_undecided: u64,
    /// Bytes to be read for that, of both images.
    pub undecided_bytes: u64,
    /// Layers of the image before whose entries are not known.
    pub before_missing_layers: Vec<u32>,
    /// And after.
    pub after_missing_layers: Vec<u32>,
}

/// What became of a layer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum LayerFate {
    /// The same stored bytes: not transferred again.
    Shared,
    /// The same tar, stored otherwise: another blob with the same files.
    SameTar,
    /// Another content from the same instruction.
    Replaced,
    /// Only the image after has it.
    Added,
    /// Only the image before has it.
    Removed,
}

/// A layer of either image.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ComparedLayer {
    /// What became of it.
    pub fate: LayerFate,
    /// Which layer of the image before.
    pub before_idx: Option<u32>,
    /// Which layer of the image after.
    pub after_idx: Option<u32>,
    /// The instruction that made it, of the image after where both have one.
    pub instruction: Option<String>,
    /// Bytes stored, of the image before.
    pub before_bytes: u64,
    /// And after.
    pub after_bytes: u64,
    /// Digest of the stored bytes or, where that is not known, of the tar; of the image after where
    /// both have one.
    pub digest: Option<String>,
}

/// Paths that differ, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FileCounts {
    /// Paths that only the image after has.
    pub n_added: u64,
    /// Their bytes.
    pub added_bytes: u64,
    /// Paths that only the image before has.
    pub n_removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Paths whose content, link target or kind differs.
    pub n_content: u64,
    /// Their bytes before.
    pub content_before_bytes: u64,
    /// And after.
    pub content_after_bytes: u64,
    /// Paths of which only other things differ.
    pub n_metadata: u64,
}

/// A kind of difference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum DifferenceKind {
    /// Only the image after has it.
    Added,
    /// Only the image before has it.
    Removed,
    /// Its content, link target or kind differs.
    Content,
    /// Only other things differ.
    Metadata,
}

/// What differences are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum DifferenceSort {
    /// By how much longer or shorter the content became, the most first; then by path.
    #[default]
    Difference,
    /// By bytes before or after, whichever is more, the most first; then by path.
    Bytes,
    /// By path.
    Path,
}

/// Which differences are shown, and in which order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CompareFilter {
    /// Kinds; empty for all.
    pub kinds: BTreeSet<DifferenceKind>,
    /// Pattern and least size, by the bytes before or after, whichever is more. Its own kinds do not
    /// count.
    pub rows: RowFilter,
    /// The order.
    pub sort: DifferenceSort,
    /// The other way round.
    pub is_reversed: bool,
}

/// A path at which two images differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ComparedFile {
    /// The path.
    pub path: String,
    /// How.
    pub kind: DifferenceKind,
    /// What differs, where both have it.
    pub aspects: Vec<RowAspect>,
    /// What it is before.
    pub before: Option<ComparedEntry>,
    /// And after.
    pub after: Option<ComparedEntry>,
}

/// What is at a path of one of two images.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ComparedEntry {
    /// What it is.
    pub kind: RowKind,
    /// Bytes of its content.
    pub bytes: u64,
    /// The 12 mode bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// What a link leads to.
    pub link: String,
    /// The layer that wrote it.
    pub written_by: u32,
}

/// A field of the configurations that differs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ConfigChange {
    /// Its place: `config.Env.PATH`.
    pub field: String,
    /// Its value before, as text or JSON.
    pub before: Option<String>,
    /// And after.
    pub after: Option<String>,
}
