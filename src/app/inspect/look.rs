//! How the layers of an archive are looked at: what the reader chose, and nothing that is derived.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::waste::WasteLook;
use crate::app::known::read_size;
use crate::protocol::LayerReport;
use crate::protocol::inspect::rows::{ChangeClass, RowFilter, SortBy, TreeOf, TreeQuery};
use crate::protocol::inspect::{ImageAt, Question};

/// Views of the chosen layer, or of the image.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Tab {
    /// The tree.
    #[default]
    Files,
    /// Bytes by folder.
    Map,
    /// Bytes for nothing.
    Waste,
    /// A file that was opened.
    File,
    /// How the image was made.
    History,
    /// What the archive holds beside layers.
    Documents,
}

/// A column of the tree that can be left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Column {
    /// What the layer does to it.
    Change,
    /// Bytes.
    Size,
    /// Mode bits.
    Mode,
    /// User and group.
    Owner,
    /// When it was changed.
    Time,
}

impl Column {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Change, Self::Size, Self::Mode, Self::Owner, Self::Time];

    /// Its head.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Change => "Change",
            Self::Size => "Size",
            Self::Mode => "Mode",
            Self::Owner => "Owner",
            Self::Time => "Modified",
        }
    }
}

/// What a filter's fields have in them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FilterTyped {
    /// The pattern.
    pub pattern: String,
    /// It is a regular expression.
    pub is_regex: bool,
    /// The least size, as people write it.
    pub least: String,
    /// Kinds of change; empty for all.
    pub kinds: BTreeSet<ChangeClass>,
}

impl FilterTyped {
    /// The least size cannot be read.
    #[must_use]
    pub fn is_least_bad(&self) -> bool {
        !self.least.trim().is_empty() && read_size(&self.least).is_none()
    }

    /// Something is typed or chosen.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.pattern.is_empty() || !self.least.trim().is_empty() || !self.kinds.is_empty()
    }
}

/// How a file is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShownAs {
    /// As a text.
    Text,
    /// As a picture.
    Picture,
    /// Byte by byte.
    Hex,
    /// Beside what an earlier layer had at the path.
    Difference,
}

/// A file that was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileLook {
    /// The layer after which it is looked at.
    pub layer_idx: u32,
    /// Its path.
    pub path: String,
    /// How it is shown; as it looks by itself where nothing was chosen.
    pub shown_as: Option<ShownAs>,
    /// The first and the last byte that are in view.
    pub seen: (u64, u64),
}

/// How the layers of an archive are looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    /// The view.
    pub tab: Tab,
    /// Which tree.
    pub of: TreeOf,
    /// All folders are unfolded, or none; as it fits the number of entries where nothing was chosen.
    pub is_all_unfolded: Option<bool>,
    /// Folders that were unfolded since.
    pub unfolded: Rc<BTreeSet<String>>,
    /// Folders that were folded since.
    pub folded: Rc<BTreeSet<String>>,
    /// The order.
    pub sort: SortBy,
    /// The other way round.
    pub is_descending: bool,
    /// What is let through.
    pub filter: FilterTyped,
    /// The biggest files and folders are listed in place of the tree.
    pub is_biggest: bool,
    /// Grows with whatever makes other rows of the tree.
    pub n_queries: u32,
    /// The row of the cursor, and its path once known.
    pub cursor: (u32, Option<String>),
    /// Grows each time that the cursor is to be brought into view.
    pub n_jumps: u32,
    /// The first and the last row that are in view.
    pub seen: (u32, u32),
    /// Columns beside the name.
    pub columns: BTreeSet<Column>,
    /// The file that was opened.
    pub file: Option<FileLook>,
    /// The folder that the map shows.
    pub map_folder: String,
    /// What was chosen for the view of waste.
    pub waste: WasteLook,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            tab: Tab::Files,
            of: TreeOf::Layer,
            is_all_unfolded: None,
            unfolded: Rc::default(),
            folded: Rc::default(),
            sort: SortBy::Name,
            is_descending: false,
            filter: FilterTyped::default(),
            is_biggest: false,
            n_queries: 0,
            cursor: (0, None),
            n_jumps: 0,
            seen: (0, 0),
            columns: Column::ALL.into_iter().collect(),
            file: None,
            map_folder: String::new(),
            waste: WasteLook::default(),
        }
    }
}

/// A tree with no more entries is unfolded at first.
const MAX_UNFOLDED: u64 = 150;

impl Look {
    /// All folders are unfolded, but those that were folded since.
    #[must_use]
    pub fn begins_unfolded(&self, reports: &[Option<&LayerReport>]) -> bool {
        self.is_all_unfolded.unwrap_or_else(|| {
            let of_layer = |report: &Option<&LayerReport>| report.map_or(0, |report| report.n_entries);
            let n_entries = match self.of {
                TreeOf::Layer => reports.last().map_or(0, of_layer),
                TreeOf::Stack => reports.iter().map(of_layer).sum(),
            };
            n_entries <= MAX_UNFOLDED
        })
    }

    /// The tree that is shown of a layer. `reports` are those of the layers up to it.
    #[must_use]
    pub fn query(&self, image: ImageAt, layer_idx: u32, reports: &[Option<&LayerReport>]) -> TreeQuery {
        TreeQuery {
            image,
            layer_idx,
            of: self.of,
            is_all_unfolded: self.begins_unfolded(reports),
            unfolded: self.unfolded.as_ref().clone(),
            folded: self.folded.as_ref().clone(),
            sort: self.sort,
            is_descending: self.is_descending,
            filter: RowFilter {
                pattern: self.filter.pattern.clone(),
                is_regex: self.filter.is_regex,
                min_bytes: read_size(&self.filter.least).unwrap_or(0),
                kinds: self.filter.kinds.clone(),
            },
        }
    }

    /// A folder is unfolded or folded.
    pub(super) fn toggle(&mut self, path: String, is_unfolded: bool) {
        let (unfolded, folded) = (Rc::make_mut(&mut self.unfolded), Rc::make_mut(&mut self.folded));
        let (from, to) = if is_unfolded { (folded, unfolded) } else { (unfolded, folded) };
        from.remove(&path);
        to.insert(path);
        self.n_queries += 1;
    }

    /// All folders are unfolded or folded.
    pub(super) fn toggle_all(&mut self, is_unfolded: bool) {
        self.is_all_unfolded = Some(is_unfolded);
        self.unfolded = Rc::default();
        self.folded = Rc::default();
        self.n_queries += 1;
    }
}

/// How many bytes of a file are shown as a text at most, and how many a page of bytes has.
pub const TEXT_BYTES: u64 = 1 << 20;
/// The same of a page of bytes.
pub const HEX_BYTES: u64 = 1 << 16;

impl FileLook {
    /// The beginning of the file, as far as a text or a picture shows it.
    #[must_use]
    pub fn beginning(&self, image: ImageAt) -> Question {
        self.part(image, 0, TEXT_BYTES)
    }

    /// A page of its bytes.
    #[must_use]
    pub fn page(&self, image: ImageAt, page: u32) -> Question {
        self.part(image, u64::from(page) * HEX_BYTES, HEX_BYTES)
    }

    fn part(&self, image: ImageAt, from_bytes: u64, max_bytes: u64) -> Question {
        let (layer_idx, path) = (self.layer_idx, self.path.clone());
        Question::Contents { image, layer_idx, path, from_bytes, max_bytes }
    }
}
