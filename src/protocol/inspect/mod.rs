//! Questions about images that are open, and their answers: what Inspect and Compare show.
//!
//! Words: an *archive* is named by the [`JobId`] of its `Open`; several are open at once, each until
//! `Request::Close`. A question goes to the first worker, the *keeper*, which has the entries of all
//! layers and answers from memory. The keeper never reads a file, so that it answers at once whatever
//! else is going on.
//!
//! What takes bytes out of the file is asked for in two steps. The keeper answers
//! [`Question::Contents`], [`Question::Save`], [`Question::SaveLayer`] and [`Question::Settle`] with an
//! [`Answer::Ticket`]: all that it takes to do the work, opaque to the page. The page hands the ticket
//! on with `Request::Redeem` and the archive's file to any worker that reads; that one answers with
//! [`Answer::Contents`], [`Answer::Piece`] or [`Answer::Digests`]. A worker that takes too long is
//! replaced, as one that reads a layer is, and nothing that the keeper has is lost. Tickets of an
//! archive are best given to the same worker, since it keeps the archive open between them and does
//! not inflate a layer twice. Where no bytes are needed (a symbolic link, an empty file), the answer
//! comes at once in place of a ticket.
//!
//! Contents that were hashed for [`Question::Settle`] go back to the keeper by
//! [`Question::KeepDigests`]; answers that were given before may be other ones then, as they may be
//! when more of an archive's layers come. What an answer could not know yet it says.
//!
//! All answers are bounded: lists by the numbers in the question and by those here, texts and bytes
//! by [`MAX_PIECE_BYTES`]. Paths have no `/` in front; the root is the empty path. Names are as they
//! stand in the tar, with characters that the page shows as it sees fit.

pub mod compare;
pub mod contents;
pub mod documents;
pub mod map;
pub mod rows;
pub mod waste;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use self::compare::{CompareFilter, CompareReport, ComparedFile};
use self::contents::ContentsReport;
use self::documents::{DocumentsReport, HistoryReport};
use self::map::MapReport;
use self::rows::{LayerCounts, LifeStep, RowPlace, RowsReport, TreeOf, TreeQuery, TreeRow};
use self::waste::WasteReport;
use super::JobId;

/// No more bytes or characters than these travel in one answer.
pub const MAX_PIECE_BYTES: u64 = 1 << 20;

/// No more rows than these travel in one answer.
pub const MAX_ROWS: u32 = 5_000;

/// An image of an archive that is open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ImageAt {
    /// The job that opened the archive.
    pub archive: JobId,
    /// Which of its images.
    pub image_idx: u32,
}

/// What is asked. Layers count from the lowest, 0.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Question {
    /// A window of the rows of a tree. Answer: [`Answer::Rows`].
    Rows {
        /// Which tree, and how it is shown.
        query: TreeQuery,
        /// The first row of the window.
        first: u32,
        /// How many, at most [`MAX_ROWS`].
        n_rows: u32,
    },
    /// Where the row of a path is, folders above unfolded as needed. Answer: [`Answer::RowAt`].
    RowAt {
        /// Which tree, and how it is shown.
        query: TreeQuery,
        /// The path.
        path: String,
    },
    /// The next row whose name begins with what was typed, letter case aside, from a row on and
    /// around the end; the row itself comes first where `is_next` is false. Answer:
    /// [`Answer::RowAt`].
    RowNamed {
        /// Which tree, and how it is shown.
        query: TreeQuery,
        /// The row where the cursor is.
        from: u32,
        /// What was typed.
        typed: String,
        /// The cursor moves on in any case, as when the same key is pressed again.
        is_next: bool,
        /// Upward.
        is_backward: bool,
    },
    /// The next row that the layer changes, or that a filter matches itself, beyond a row and around
    /// the end. Answer: [`Answer::RowAt`].
    RowChanged {
        /// Which tree, and how it is shown.
        query: TreeQuery,
        /// The row where the cursor is.
        from: u32,
        /// Upward.
        is_backward: bool,
    },
    /// What each layer changes, in numbers. Answer: [`Answer::Layers`].
    Layers {
        /// The image.
        image: ImageAt,
    },
    /// The biggest files and folders. Answer: [`Answer::Biggest`].
    Biggest {
        /// The image.
        image: ImageAt,
        /// The layer.
        layer_idx: u32,
        /// What of it.
        of: TreeOf,
        /// How many of each, at most [`MAX_ROWS`].
        n: u32,
    },
    /// Nested folders by bytes. Answer: [`Answer::Map`].
    Map {
        /// The image.
        image: ImageAt,
        /// The layer.
        layer_idx: u32,
        /// What of it.
        of: TreeOf,
        /// The folder that is shown, empty for the root.
        folder: String,
        /// How many nodes at most; no more than [`MAX_ROWS`].
        n_nodes: u32,
    },
    /// What each layer did at a path. Answer: [`Answer::Life`].
    Life {
        /// The image.
        image: ImageAt,
        /// The path.
        path: String,
    },
    /// Bytes that the image carries for nothing. Answer: [`Answer::Waste`].
    Waste {
        /// The image.
        image: ImageAt,
        /// So many of its lowest layers are somebody else's: what they store is left out.
        n_base_layers: u32,
        /// How many rows of each list at most; no more than [`MAX_ROWS`].
        n_rows: u32,
    },
    /// What has to be read to tell contents apart that have the same length. Answer: a ticket, or
    /// [`Answer::Settled`] where nothing is left to read.
    Settle {
        /// The image.
        image: ImageAt,
        /// Which contents.
        scope: SettleScope,
    },
    /// Digests that a worker found for [`Question::Settle`]. Answer: [`Answer::Settled`].
    KeepDigests {
        /// The archive.
        archive: JobId,
        /// As they came in [`Answer::Digests`].
        digests: ByteBuf,
    },
    /// A part of a file as a layer shows it. Answer: a ticket, or [`Answer::Contents`].
    Contents {
        /// The image.
        image: ImageAt,
        /// The layer after which it is looked at. A path that this layer removes is shown as it was.
        layer_idx: u32,
        /// The path.
        path: String,
        /// The first byte.
        from_bytes: u64,
        /// How many at most; no more than [`MAX_PIECE_BYTES`].
        max_bytes: u64,
    },
    /// A whole file, to be saved. Answer: a ticket, or [`Answer::Piece`]s.
    Save {
        /// The image.
        image: ImageAt,
        /// The layer after which it is looked at.
        layer_idx: u32,
        /// The path.
        path: String,
    },
    /// A whole layer, to be saved. Answer: a ticket, or [`Answer::Slice`].
    SaveLayer {
        /// The image.
        image: ImageAt,
        /// The layer.
        layer_idx: u32,
        /// In which form.
        form: SavedForm,
    },
    /// A part of the rows of a tree as text. Answer: [`Answer::Listing`]; the page asks for the next
    /// part until there is none, so that it can show how far it is, and stop.
    Listing {
        /// Which tree, and how it is shown.
        query: TreeQuery,
        /// In which form.
        format: ListingFormat,
        /// The row to begin with.
        from_row: u32,
    },
    /// What an archive holds beside layers. Answer: [`Answer::Documents`].
    Documents {
        /// The archive.
        archive: JobId,
    },
    /// How an image was made. Answer: [`Answer::History`].
    History {
        /// The image.
        image: ImageAt,
    },
    /// How two images differ. Answer: [`Answer::Compare`].
    Compare {
        /// The image before.
        before: ImageAt,
        /// The image after.
        after: ImageAt,
    },
    /// A window of the paths at which two images differ. Answer: [`Answer::CompareRows`].
    CompareRows {
        /// The image before.
        before: ImageAt,
        /// The image after.
        after: ImageAt,
        /// Which of them, and in which order.
        filter: CompareFilter,
        /// The first row of the window.
        first: u32,
        /// How many, at most [`MAX_ROWS`].
        n_rows: u32,
    },
}

/// Which contents are told apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum SettleScope {
    /// Those that another layer writes again at the same path with the same length: few. Tells a
    /// change of content from one of mode or owner, and from one for nothing.
    Rewrites,
    /// All that have the length of another file, rewrites among them: finds copies at other paths.
    Copies,
    /// Those that the other image has at the same path with the same length in another layer. To be
    /// asked for each of both images.
    Against {
        /// The other image.
        other: ImageAt,
    },
}

/// In which form a layer is saved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum SavedForm {
    /// As stored: what its blob digest names.
    Stored,
    /// The tar inside: what its diffID names.
    Tar,
}

/// In which form rows are saved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ListingFormat {
    /// Comma-separated values by [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180), with a header.
    /// Nothing in it is taken for a formula by a spreadsheet.
    Csv,
    /// One JSON array of objects.
    Json,
}

/// What is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// Bytes have to be read: to be handed on by `Request::Redeem`, with the archive's file.
    Ticket {
        /// The archive whose file is needed.
        archive: JobId,
        /// What is to be done.
        ticket: ByteBuf,
    },
    /// A window of rows.
    Rows(Box<RowsReport>),
    /// Where a row is; none where no row is like that.
    RowAt(Option<RowPlace>),
    /// What each layer changes, as far as layers are known from the lowest on.
    Layers(Vec<LayerCounts>),
    /// The biggest files and folders, the biggest first.
    Biggest {
        /// Files.
        files: Vec<TreeRow>,
        /// Folders, by all that is below them; the root is none of them.
        folders: Vec<TreeRow>,
    },
    /// Nested folders by bytes.
    Map(Box<MapReport>),
    /// What each layer did at a path, lowest first; layers that did nothing are left out.
    Life(Vec<LifeStep>),
    /// Bytes for nothing.
    Waste(Box<WasteReport>),
    /// Digests of some contents, for [`Question::KeepDigests`]; more may follow.
    Digests {
        /// The archive.
        archive: JobId,
        /// Opaque to the page.
        digests: ByteBuf,
        /// Nothing follows.
        is_last: bool,
    },
    /// Digests were kept, or none were missing: what was answered before may be out of date.
    Settled {
        /// How many contents.
        n_files: u32,
    },
    /// A part of a file.
    Contents(Box<ContentsReport>),
    /// The next bytes of what is saved.
    Piece {
        /// At most [`MAX_PIECE_BYTES`].
        bytes: ByteBuf,
        /// Nothing follows.
        is_last: bool,
        /// Why not all of it could be had; with the last piece.
        problem: Option<String>,
    },
    /// What is saved stands in the archive's file as it is: no worker is needed.
    Slice {
        /// Where it begins.
        from_bytes: u64,
        /// Its length.
        size_bytes: u64,
    },
    /// Rows as text.
    Listing {
        /// The next part of it.
        text: String,
        /// The row to go on with; none at the end.
        next_row: Option<u32>,
        /// Rows in all.
        n_rows: u32,
    },
    /// What an archive holds beside layers.
    Documents(Box<DocumentsReport>),
    /// How an image was made.
    History(Box<HistoryReport>),
    /// How two images differ.
    Compare(Box<CompareReport>),
    /// A window of the paths at which two images differ.
    CompareRows {
        /// Rows in all that the filter lets through.
        n_rows: u32,
        /// The window.
        rows: Vec<ComparedFile>,
        /// The pattern could not be read, and nothing is let through.
        bad_pattern: Option<rows::BadPattern>,
    },
}
