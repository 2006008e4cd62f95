//! What `git` says of a file: its mode and its blob.
//!
//! `git` knows two modes of files, and none of folders; the bits are those that
//! a checkout gives them under the usual umask of 022.

use super::path::unquote;
use super::{Assumed, Entry, EntryKind};
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

    /// The mode bits for a file that is there. `git` tells of a file no more than
    /// whether its owner may run it; where bits are known that say the same, they stay.
    #[must_use]
    pub fn bits_for(self, entry: &Entry) -> u32 {
        let is_known = !entry.assumed.includes(Assumed::MODE);
        let is_file =
            matches!(entry.kind, EntryKind::File { .. }) && matches!(self, Self::File | Self::Executable);
        let is_same = (entry.mode & 0o100 != 0) == (self == Self::Executable);
        if is_known && is_file && is_same { entry.mode } else { self.bits() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_bits_stay_where_they_say_the_same() {
        let bits = |known: u32, assumed: Assumed, mode: GitMode| {
            mode.bits_for(&Entry { mode: known, assumed, ..Entry::file(Digest::of(b""), 0) })
        };
        assert_eq!(bits(0o664, Assumed::NOTHING, GitMode::File), 0o664);
        assert_eq!(bits(0o664, Assumed::NOTHING, GitMode::Executable), 0o755);
        assert_eq!(bits(0o775, Assumed::NOTHING, GitMode::Executable), 0o775);
        assert_eq!(bits(0o600, Assumed::MODE, GitMode::File), 0o644);
        assert_eq!(bits(0o644, Assumed::NOTHING, GitMode::Symlink), 0o777);
    }
}
