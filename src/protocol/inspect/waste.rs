//! Bytes that an image carries for nothing, and what gave rise to them.

use serde::{Deserialize, Serialize};

use super::rows::RowAspect;
pub use crate::layer::findings::{Advice, FindingKind, Visibility};

/// What an image carries for nothing. Lists have the most wasteful first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WasteReport {
    /// Sums over the whole image, base layers included.
    pub totals: WasteTotals,
    /// Hidden bytes of the layers above the base: what a rebuild without them saves.
    pub hidden_bytes: u64,
    /// Bytes of copies above the base: what it saves when each content stands once.
    pub duplicate_bytes: u64,
    /// Hidden content, piece by piece.
    pub hidden: Top<HiddenRow>,
    /// Hidden content by path.
    pub paths: Top<PathRow>,
    /// Content that stands several times in the final tree.
    pub duplicates: Top<DuplicateRow>,
    /// For each layer, lowest first.
    pub layers: Vec<LayerWasteRow>,
    /// Leftovers of package managers and secrets, secrets first.
    pub findings: Top<FindingRow>,
    /// What dive says.
    pub dive: DiveReport,
    /// What is not known before contents are read.
    pub undecided: Undecided,
    /// Layers whose entries are not known: taken as if they were empty.
    pub missing_layers: Vec<u32>,
}

/// The first rows of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Top<T> {
    /// The first rows.
    pub rows: Vec<T>,
    /// Rows that are left out.
    pub n_more: u64,
    /// Their bytes.
    pub more_bytes: u64,
}

impl<T> Default for Top<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), n_more: 0, more_bytes: 0 }
    }
}

/// Sums over a whole image: `content_bytes` is the sum of the four others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WasteTotals {
    /// Layers.
    pub n_layers: u64,
    /// Paths of the final tree.
    pub n_paths: u64,
    /// Sizes of the files in it.
    pub tree_bytes: u64,
    /// Sizes of all that the layers store.
    pub content_bytes: u64,
    /// Content whose own name is gone and that hard links still show.
    pub linked_bytes: u64,
    /// Hidden content.
    pub hidden_bytes: u64,
    /// Old marks of AUFS, which are no files.
    pub marks_bytes: u64,
}

/// Why stored content is not shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HiddenCause {
    /// It was removed.
    Removed,
    /// Something else was written at its path.
    Overwritten,
    /// The same content was written again with other metadata, such as by `chmod` or `chown`.
    Metadata(Vec<RowAspect>),
    /// All the same was written again.
    Repeated,
    /// The same tar has its path once more.
    WithinLayer,
}

/// Stored content that the final tree does not show.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HiddenRow {
    /// Its path.
    pub path: String,
    /// Its length.
    pub size_bytes: u64,
    /// The layer that stores it.
    pub layer_idx: u32,
    /// The layer that hides it.
    pub hidden_by: u32,
    /// How.
    pub cause: HiddenCause,
    /// Whether the content is the same is not known yet: it has the same length, and was not read.
    pub is_undecided: bool,
}

/// What is hidden of a path.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PathRow {
    /// The path.
    pub path: String,
    /// Hidden copies.
    pub n_copies: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Files of the final tree with the same content.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DuplicateRow {
    /// Digest of the content.
    pub digest: String,
    /// Its length.
    pub size_bytes: u64,
    /// Where it is, in order; the first few.
    pub paths: Vec<String>,
    /// In how many places it is.
    pub n_paths: u64,
    /// What would leave if it stood once: copies of base layers are not counted.
    pub extra_bytes: u64,
}

/// What a layer has to do with hidden content, and the instruction behind it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LayerWasteRow {
    /// Hidden bytes that it stores.
    pub stores_bytes: u64,
    /// Bytes of others that it hides.
    pub hides_bytes: u64,
    /// Bytes of all files that it stores.
    pub content_bytes: u64,
    /// Its line of the history.
    pub history_idx: Option<u32>,
    /// The instruction.
    pub instruction: Option<String>,
}

/// A leftover or a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FindingRow {
    /// Which rule found it.
    pub kind: FindingKind,
    /// What to write instead.
    pub advice: Advice,
    /// A file, or the folder that all of it lies in.
    pub path: String,
    /// The layer that stores it.
    pub layer_idx: u32,
    /// Its line of the history.
    pub history_idx: Option<u32>,
    /// The instruction.
    pub instruction: Option<String>,
    /// Its bytes in that layer.
    pub bytes: u64,
    /// Its files in that layer.
    pub n_files: u64,
    /// Whether the image still shows it.
    pub visibility: Visibility,
    /// The layer that takes the last of it out of sight; whoever has the image reads it all the same.
    pub hidden_by: Option<u32>,
}

/// The figures of dive 0.13.1, to the byte, with the numbers that they are made of.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DiveReport {
    /// Over all paths, the sum of the smallest size that any layer has at it.
    pub smallest_bytes: u64,
    /// Paths that only a whiteout names that removes nothing: each counts for -1 byte of the smallest.
    pub n_unknown: u64,
    /// Over all paths, the sum of the sizes in all layers.
    pub discovered_bytes: u64,
    /// The sum over paths that are in two layers or more.
    pub wasted_bytes: u64,
    /// Sizes of all that the layers store.
    pub size_bytes: u64,
    /// The same without the lowest layer, which dive takes for the base.
    pub user_bytes: u64,
    /// Paths that are in two layers or more.
    pub files: Top<DiveRow>,
}

/// A path that dive counts as wasted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DiveRow {
    /// The path.
    pub path: String,
    /// How many layers have it.
    pub n_layers: u64,
    /// The sum of its sizes.
    pub bytes: u64,
}

/// The thresholds of dive's three rules; a rule without one is off.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DiveThresholds {
    /// `lowestEfficiency`, from 0 to 1.
    pub lowest_efficiency: Option<f64>,
    /// `highestWastedBytes`.
    pub highest_wasted_bytes: Option<u64>,
    /// `highestUserWastedPercent`, from 0 to 1.
    pub highest_user_wasted: Option<f64>,
}

impl Default for DiveThresholds {
    /// What dive checks where nothing is configured.
    fn default() -> Self {
        Self { lowest_efficiency: Some(0.9), highest_wasted_bytes: None, highest_user_wasted: Some(0.1) }
    }
}

/// What each of dive's rules says; none for one that is off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DiveVerdict {
    /// The efficiency is not too low.
    pub is_efficient: Option<bool>,
    /// Not too many bytes are wasted.
    pub is_wasted_few: Option<bool>,
    /// Nor too many of those above the lowest layer.
    pub is_user_wasted_few: Option<bool>,
}

impl DiveReport {
    /// The smallest sizes by the discovered ones, from 0 to 1; 1 where there is nothing.
    #[must_use]
    pub fn efficiency(&self) -> f64 {
        if self.discovered_bytes == 0 {
            return 1.0;
        }
        (to_f64(self.smallest_bytes) - to_f64(self.n_unknown)) / to_f64(self.discovered_bytes)
    }

    /// Wasted bytes by those above the lowest layer. They may be more; none where there are no such
    /// bytes.
    #[must_use]
    pub fn user_wasted(&self) -> Option<f64> {
        (self.user_bytes > 0).then(|| to_f64(self.wasted_bytes) / to_f64(self.user_bytes))
    }

    /// What dive's rules say. A value that equals its threshold passes.
    #[must_use]
    pub fn verdict(&self, thresholds: &DiveThresholds) -> DiveVerdict {
        let efficiency = self.efficiency();
        // Where nothing is above the lowest layer dive divides by zero: any waste is too much then.
        let is_below = |most: f64| self.user_wasted().map_or(self.wasted_bytes == 0, |share| share <= most);
        DiveVerdict {
            is_efficient: thresholds.lowest_efficiency.map(|least| efficiency >= least),
            is_wasted_few: thresholds.highest_wasted_bytes.map(|most| self.wasted_bytes <= most),
            is_user_wasted_few: thresholds.highest_user_wasted.map(is_below),
        }
    }
}

/// The nearest number; these are below 2^53.
fn to_f64(n: u64) -> f64 {
    let high = u32::try_from(n >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(n & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// Contents that have to be read before they can be told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Undecided {
    /// Files that another layer writes again with the same length.
    pub n_rewrites: u64,
    /// Their bytes.
    pub rewrites_bytes: u64,
    /// Files that have the length of another file, those above among them.
    pub n_copies: u64,
    /// Their bytes.
    pub copies_bytes: u64,
}
