//! Why a file's content cannot be had.

use std::fmt;
use std::io;

use crate::archive::SourceError;
use crate::archive::tar::MemberKind;
use crate::image::problem::Problem;

/// Why a content cannot be had, or not all of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContentError {
    /// It is no file.
    NoContent {
        /// What it is instead.
        kind: MemberKind,
    },
    /// A hard link that names no file of its layer.
    LinkLeadsNowhere {
        /// What it names.
        link: String,
    },
    /// The layer, or the archive around it, is damaged or cannot be read.
    Damaged(Problem),
    /// Something else stands where the entry was listed.
    Changed,
    /// More zeros would come out of a sparse file than the limit.
    TooManyZeros {
        /// How many.
        holes_bytes: u64,
    },
    /// Bytes cannot be had.
    Unreadable {
        /// What the source said.
        message: String,
    },
    /// Stopped on request.
    Stopped,
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoContent { kind } => {
                let kind = match kind {
                    MemberKind::File | MemberKind::HardLink => "an entry of its kind",
                    MemberKind::Symlink => "a symbolic link",
                    MemberKind::Char => "a character device",
                    MemberKind::Block => "a block device",
                    MemberKind::Dir => "a folder",
                    MemberKind::Fifo => "a named pipe",
                    MemberKind::Other(_) => "an entry of a kind that is not known",
                };
                write!(f, "{kind} has no content")
            }
            Self::LinkLeadsNowhere { link } => {
                write!(f, "the link names {link:?}, which is no file of this layer")
            }
            Self::Damaged(problem) => problem.fmt(f),
            Self::Changed => f.write_str("something else stands here than was listed; open the file again"),
            Self::TooManyZeros { holes_bytes } => {
                write!(f, "{holes_bytes} bytes of it are holes, and so many zeros are beyond the limit")
            }
            Self::Unreadable { message } => write!(f, "the file cannot be read: {message}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for ContentError {}

impl From<SourceError> for ContentError {
    fn from(error: SourceError) -> Self {
        Self::Unreadable { message: error.to_string() }
    }
}

pub(super) fn from_io(error: &io::Error) -> ContentError {
    ContentError::Unreadable { message: error.to_string() }
}
