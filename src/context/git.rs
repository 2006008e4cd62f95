//! What `git` says of a file: its mode and its blob.
//!
//! `git` knows two modes of files, and none of folders; the bits are those that
//! a checkout gives them under the usual umask of 022.

use super::path::unquote;
use crate::digest::{Digest, Hasher};

/// A mode as `git` keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum GitMode {
    /// 100644.
    File,
    /// 100755.
    Executable,
    /// 120000.
    Symlink,
    /// 160000: the commit of a submodule.
    Submodule,
    /// 040000.
    Dir,
}

impl GitMode {
    /// Reads six octal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            // Very old repositories have the second one.
            "100644" | "100664" => Self::File,
            "100755" => Self::Executable,
            "120000" => Self::Symlink,
            "160000" => Self::Submodule,
            "040000" => Self::Dir,
            _ => return None,
        })
    }

    /// The mode bits of a checkout.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::File => 0o644,
            Self::Executable | Self::Submodule | Self::Dir => 0o755,
            Self::Symlink => 0o777,
        }
    }
}

/// The content identity of a file whose blob is known: the sha256 of the words
/// "git blob" and the whole id in lower case, each with its length. It differs
/// where blobs differ; it is never that of the bytes themselves.
#[must_use]
pub fn blob_digest(id: &str) -> Digest {
    let mut hasher = Hasher::default();
    hasher.field("git blob");
    hasher.field(&id.to_ascii_lowercase());
    hasher.finish()
}

/// Stands for the target of a link of which only the blob is known; it leads nowhere.
#[must_use]
pub fn unknown_target(id: &str) -> String {
    format!("(git blob {})", id.to_ascii_lowercase())
}

/// An object's id, whole or abbreviated.
pub(super) fn is_id(text: &str) -> bool {
    (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A name as `git` lists it, quoted or not.
pub(super) fn listed_name(text: &str) -> String {
    match unquote(text) {
        Some((name, "")) => name,
        _ => text.to_owned(),
    }
}

/// An object's id with all of its digits, of sha1 or sha256.
pub(super) fn is_whole_id(text: &str) -> bool {
    is_id(text) && matches!(text.len(), 40 | 64)
}
