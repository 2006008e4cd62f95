//! The build context: files with what a builder can see of them.
//!
//! - [`Tree`] is the files: content digest, mode, owner, kind, link target; versions share what they have in common.
//! - [`ignore`] is `.dockerignore`: which of them are sent.
//! - [`select`] is what a COPY takes: the files, and one digest over what
//!   counts of them.
//! - [`assumed`] is what of it nobody told.
//! - [`changes`] is how what it takes differs between two versions.
//! - [`import`] reads a folder out of an archive, or file by file;
//!   [`listing`] takes the files from a pasted list, [`patch`] changes many at once.
//! - [`unpacked`] is what an ADD makes of the archives among them.
//!
//! What counts for a cache: bytes, mode bits, owner, link text, and names
//! relative to what is copied. What does not: when a file was changed, and the
//! folder that a single source stands in. The rules are those of BuildKit's
//! `cache/contenthash`.
//!
//! Paths are relative to the context's root, with `/`, and have no `.` or `..`.

pub mod assumed;
pub mod changes;
pub mod git;
pub mod glob;
pub mod ignore;
pub mod import;
pub mod listing;
pub mod node;
pub mod patch;
pub mod path;
pub mod select;
pub mod tree;
pub mod unpacked;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Hasher};
pub use assumed::Assumed;
pub use node::Node;
pub use tree::Tree;

/// What an entry is.
#[derive(Clone, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// The sha256 of its bytes.
        digest: Digest,
        /// Its length.
        size_bytes: u64,
    },
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink {
        /// Its text.
        target: String,
    },
    /// Another name of a file. A context has none, since a client sends every name as a file of its
    /// own; what is unpacked of an archive may.
    HardLink {
        /// The path of the file.
        target: String,
    },
}

/// One file, folder or link.
#[derive(Clone, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// The 12 mode bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// When it was changed, in seconds since 1970. The transfer of a context
    /// looks at this, a cache never does.
    pub mtime_secs: i64,
    /// What of it nobody told.
    #[serde(default)]
    pub assumed: Assumed,
}

impl Entry {
    /// A file with the mode and owner that most have.
    #[must_use]
    pub fn file(digest: Digest, size_bytes: u64) -> Self {
        let kind = EntryKind::File { digest, size_bytes };
        Self { kind, mode: 0o644, uid: 0, gid: 0, mtime_secs: 0, assumed: Assumed::NOTHING }
    }

    /// A folder with the mode and owner that most have.
    #[must_use]
    pub fn dir() -> Self {
        Self { kind: EntryKind::Dir, mode: 0o755, uid: 0, gid: 0, mtime_secs: 0, assumed: Assumed::NOTHING }
    }

    /// The digest of all that counts of this entry alone; its name does not.
    #[must_use]
    pub fn header_digest(&self) -> Digest {
        let mut hasher = Hasher::default();
        hasher.field(&format!("{:o} {} {}", self.mode, self.uid, self.gid));
        match &self.kind {
            EntryKind::File { digest, .. } => hasher.update(digest.as_bytes()),
            EntryKind::Dir => hasher.field("dir"),
            EntryKind::Symlink { target } => hasher.field(target),
            EntryKind::HardLink { target } => hasher.field(&format!("hard link {target}")),
        }
        hasher.finish()
    }

    /// A transfer takes this one for the one that was sent before.
    fn is_unnoticed_after(&self, sent: &Self) -> bool {
        match (&self.kind, &sent.kind) {
            (EntryKind::Dir, EntryKind::Dir) => true,
            (EntryKind::File { size_bytes, .. }, EntryKind::File { size_bytes: sent_bytes, .. }) => {
                size_bytes == sent_bytes
                    && self.mode == sent.mode
                    && (self.uid, self.gid) == (sent.uid, sent.gid)
                    && self.mtime_secs == sent.mtime_secs
            }
            _ => false,
        }
    }

    /// A folder.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == EntryKind::Dir
    }
}

/// A path without leading `/` and `./`, with `..` resolved.
#[must_use]
pub fn normal_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}
