//! Rows of a tree, as a treegrid shows them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ImageAt;
use crate::layer::stack::Aspect;
use crate::protocol::RowKind;

/// Which tree is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum TreeOf {
    /// What one layer stores and removes, with the folders above. Bytes are those that it stores.
    #[default]
    Layer,
    /// All layers up to it on top of each other, and what it removes. Bytes are those that are shown.
    Stack,
}

/// What rows are sorted by, within each folder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum SortBy {
    /// Folders first, then by name.
    #[default]
    Name,
    /// By bytes, those of a folder with all below it; then by name.
    Size,
    /// Removed, modified, added, stored again, the rest; then by name.
    Change,
}

/// A kind of change that a filter lets through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ChangeClass {
    /// It was not there.
    Added,
    /// Its content, link target or kind is another one.
    Content,
    /// Its mode, owner or attributes are others; content may be, too.
    Metadata,
    /// Stored once more, all the same.
    Again,
    /// It is gone.
    Removed,
    /// The layer does nothing to it.
    Untouched,
}

/// What is let through. All of it has to be met; folders above a row that meets it are shown too.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RowFilter {
    /// A pattern for the path; empty for all.
    ///
    /// Without `*`, `?` and `[` a text that stands anywhere in the path, in any letter case unless it
    /// has a capital. Otherwise a pattern as in `.gitignore`: without `/` it is for names in any
    /// folder, with one for the end of the path, from the root where it begins with `/`; `**` is for
    /// any number of folders. What is below a folder that matches is let through as well.
    pub pattern: String,
    /// The pattern is a regular expression, looked for anywhere in the path, which begins with `/`.
    pub is_regex: bool,
    /// Rows with fewer bytes are left out; those of folders are with all below.
    pub min_bytes: u64,
    /// Kinds of change; empty for all.
    pub kinds: BTreeSet<ChangeClass>,
}

/// A tree and how it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TreeQuery {
    /// The image.
    pub image: ImageAt,
    /// The layer.
    pub layer_idx: u32,
    /// What of it.
    pub of: TreeOf,
    /// All folders are unfolded, but those in `folded`.
    pub is_all_unfolded: bool,
    /// Folders that are unfolded. Those above what a pattern or a least size finds are, too.
    pub unfolded: BTreeSet<String>,
    /// Folders that are folded, whatever the rest says.
    pub folded: BTreeSet<String>,
    /// The order within each folder.
    pub sort: SortBy,
    /// The other way round.
    pub is_descending: bool,
    /// What is let through.
    pub filter: RowFilter,
}

/// A window of rows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RowsReport {
    /// Rows in all, as they are unfolded now.
    pub n_rows: u32,
    /// Rows that the filter lets through by themselves, folded ones among them; without a filter all.
    pub n_matching: u32,
    /// The first row of the window.
    pub first: u32,
    /// The window.
    pub rows: Vec<TreeRow>,
    /// The pattern could not be read, and nothing is let through.
    pub bad_pattern: Option<BadPattern>,
    /// Layers up to this one whose entries are not known: shown as if they were empty.
    pub missing_layers: Vec<u32>,
}

/// Why a pattern cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BadPattern {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// Where, in characters from the start, if that is known.
    pub at: Option<u32>,
}

/// What a layer does at a path.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum RowChange {
    /// Nothing.
    #[default]
    None,
    /// It was not there.
    Added,
    /// It was, and these differ.
    Modified {
        /// What differs, in a fixed order.
        aspects: Vec<RowAspect>,
        /// Whether the content differs, too, is not known yet: it has the same length, and was not
        /// read. [`Question::Settle`](super::Question::Settle) tells.
        is_content_undecided: bool,
    },
    /// Stored once more for nothing.
    Again {
        /// Whether its content is the same is not known yet.
        is_content_undecided: bool,
    },
    /// It is gone.
    Removed {
        /// It and all below it.
        n_entries: u64,
        /// Their bytes.
        bytes: u64,
    },
}

/// Something about an entry that differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum RowAspect {
    /// What it is: file, folder, link.
    Type,
    /// Its bytes.
    Content,
    /// The mode.
    Mode,
    /// User or group.
    Owner,
    /// What a symbolic link leads to.
    LinkTarget,
    /// The numbers of a device.
    Device,
    /// Extended attributes.
    Xattrs,
    /// Whether the folder has an entry of its own.
    OwnEntry,
}

/// A row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TreeRow {
    /// Its path.
    pub path: String,
    /// Its name within its folder.
    pub name: String,
    /// Folders above it.
    pub depth: u32,
    /// What it is, or was before the layer removed it.
    pub kind: RowKind,
    /// What the layer does to it.
    pub change: RowChange,
    /// The layer changes something below it.
    pub has_changes_below: bool,
    /// The folder hides what lower layers have in it.
    pub is_opaque: bool,
    /// The folder has no entry of its own; mode, owner and time are not known.
    pub is_implicit: bool,
    /// Bytes of it and all below it.
    pub total_bytes: u64,
    /// Bytes of its own content.
    pub own_bytes: u64,
    /// Entries below it.
    pub n_below: u64,
    /// The 12 mode bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// When it was changed, in seconds since 1970.
    pub mtime_secs: i64,
    /// What a link leads to; empty for anything else.
    pub link: String,
    /// Major and minor number of a device.
    pub device: Option<(u32, u32)>,
    /// Extended attributes.
    pub attributes: Vec<Attribute>,
    /// Holes of it are not stored.
    pub is_sparse: bool,
    /// How often its path stands in the layer that wrote it; the last one counts.
    pub n_times: u32,
    /// The layer that wrote it last; for a removed one the layer that had written it.
    pub written_by: u32,
    /// The filter lets it through by itself, and not only for what is below it or above it.
    pub is_matching: bool,
    /// Whether it is unfolded; none where nothing could be shown below it.
    pub is_unfolded: Option<bool>,
    /// Its place among the rows of its folder, from 1.
    pub pos_in_set: u32,
    /// Rows of its folder.
    pub set_size: u32,
}

/// An extended attribute.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name, such as `security.capability`.
    pub name: String,
    /// Its value to read: capabilities as `cap_net_raw=ep`, a text as it is, other bytes as hex.
    pub text: String,
}

/// Where a row is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RowPlace {
    /// Which row, once the folders below are unfolded.
    pub row_idx: u32,
    /// Its path.
    pub path: String,
    /// Folders that have to be unfolded before it shows, the topmost first.
    pub unfold: Vec<String>,
}

/// What a layer changes, in numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LayerCounts {
    /// Which layer.
    pub layer_idx: u32,
    /// Its entries are not known, and all numbers are 0.
    pub is_missing: bool,
    /// Paths that were not there.
    pub n_added: u64,
    /// Paths whose content, link target or kind differs.
    pub n_content: u64,
    /// Paths of which only other things differ.
    pub n_metadata: u64,
    /// Paths that are stored again for nothing.
    pub n_again: u64,
    /// Paths that are gone, those below a removed folder not counted.
    pub n_removed: u64,
    /// Of those that count as differing in nothing or not in content, so many may differ in content:
    /// they have the same length and were not read.
    pub n_undecided: u64,
    /// Bytes of files that it adds.
    pub added_bytes: u64,
    /// Bytes of files that it stores at paths that were there.
    pub rewritten_bytes: u64,
    /// Bytes that it takes out of sight by removing.
    pub removed_bytes: u64,
    /// Bytes shown after it.
    pub tree_bytes: u64,
    /// Paths shown after it.
    pub n_paths: u64,
}

/// What a layer did at a path.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LifeStep {
    /// The layer.
    pub layer_idx: u32,
    /// Its line of the history.
    pub history_idx: Option<u32>,
    /// The instruction that made it.
    pub instruction: Option<String>,
    /// What it did, and what is at the path since; for a removed one what was.
    pub row: TreeRow,
    /// Digest of the content, where it was read.
    pub digest: Option<String>,
}

impl From<Aspect> for RowAspect {
    fn from(aspect: Aspect) -> Self {
        match aspect {
            Aspect::Type => Self::Type,
            Aspect::Content => Self::Content,
            Aspect::Mode => Self::Mode,
            Aspect::Owner => Self::Owner,
            Aspect::LinkTarget => Self::LinkTarget,
            Aspect::Device => Self::Device,
            Aspect::Xattrs => Self::Xattrs,
            Aspect::OwnEntry => Self::OwnEntry,
        }
    }
}

impl RowAspect {
    /// It is about what the path holds, and not about how it is marked.
    #[must_use]
    pub fn is_content(self) -> bool {
        matches!(self, Self::Type | Self::Content | Self::LinkTarget | Self::Device)
    }
}

impl RowChange {
    /// A filter's kind lets it through.
    #[must_use]
    pub fn is_of(&self, class: ChangeClass) -> bool {
        match (self, class) {
            (Self::None, ChangeClass::Untouched)
            | (Self::Added, ChangeClass::Added)
            | (Self::Again { .. }, ChangeClass::Again)
            | (Self::Removed { .. }, ChangeClass::Removed) => true,
            (Self::Modified { aspects, .. }, ChangeClass::Content) => {
                aspects.iter().any(|aspect| aspect.is_content())
            }
            (Self::Modified { aspects, .. }, ChangeClass::Metadata) => {
                aspects.iter().any(|aspect| !aspect.is_content())
            }
            _ => false,
        }
    }
}
