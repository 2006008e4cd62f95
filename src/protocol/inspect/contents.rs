//! A part of a file, and what the file looks like.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::protocol::RowKind;

/// A part of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContentsReport {
    /// The path.
    pub path: String,
    /// What it is.
    pub kind: RowKind,
    /// The layer that wrote it.
    pub written_by: u32,
    /// What a link leads to; empty for anything else.
    pub link: String,
    /// The path of the file that a hard link names; where a symbolic link leads within the image,
    /// should there be something.
    pub target: Option<String>,
    /// Where the part begins.
    pub from_bytes: u64,
    /// The part; up to the damage, if there is any. Holes of a sparse file are zeros.
    pub bytes: ByteBuf,
    /// Length of the whole content, once that is found.
    pub size_bytes: Option<u64>,
    /// Holes of it are not stored.
    pub is_sparse: bool,
    /// What it looks like, by its first bytes; [`Looks::Unknown`] where the part begins later.
    pub looks: Looks,
    /// Why there is not more, as a sentence.
    pub problem: Option<String>,
}

/// What a content looks like.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Looks {
    /// It was not looked at.
    #[default]
    Unknown,
    /// There is nothing in it.
    Empty,
    /// A text.
    Text {
        /// How its characters are written.
        encoding: TextEncoding,
    },
    /// A picture that a browser shows.
    Image {
        /// Its media type, such as `image/png`. A vector picture is a text as well.
        media_type: String,
    },
    /// A program or a library of Linux, by its header.
    Elf {
        /// For which processor, such as `x86-64`.
        machine: String,
        /// What it is: `program`, `program or library`, `object`, `core` or `file`.
        kind: String,
    },
    /// Something else that is known by its first bytes.
    Known {
        /// What, as a word or two, such as `gzip archive`.
        what: String,
    },
    /// Other bytes.
    Binary,
}

/// How the characters of a text are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TextEncoding {
    /// UTF-8, ASCII among it.
    Utf8,
    /// UTF-16, the lower byte first, behind its mark.
    Utf16Le,
    /// UTF-16, the higher byte first, behind its mark.
    Utf16Be,
    /// A single byte each: Latin-1 or one of its relatives.
    Latin1,
}
