//! The build context: files with what a builder can see of them.
//!
//! - [`Tree`] is the files: content digest, mode, owner, kind, link target.
//! - [`ignore`] is `.dockerignore`: which of them are sent.
//! - [`select`] is what a COPY takes: the files, and one digest over what
//!   counts of them.
//!
//! What counts for a cache: bytes, mode bits, owner, link text, and names
//! relative to what is copied. What does not: when a file was changed, and the
//! folder that a single source stands in. The rules are those of BuildKit's
//! `cache/contenthash`.
//!
//! Paths are relative to the context's root, with `/`, and have no `.` or `..`.

pub mod glob;
pub mod ignore;
pub mod select;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Hasher};

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
    /// Mode and owner are not known but assumed.
    pub is_assumed: bool,
}

impl Entry {
    /// A file with the mode and owner that most have.
    #[must_use]
    pub fn file(digest: Digest, size_bytes: u64) -> Self {
        let kind = EntryKind::File { digest, size_bytes };
        Self { kind, mode: 0o644, uid: 0, gid: 0, mtime_secs: 0, is_assumed: false }
    }

    /// A folder with the mode and owner that most have.
    #[must_use]
    pub fn dir() -> Self {
        Self { kind: EntryKind::Dir, mode: 0o755, uid: 0, gid: 0, mtime_secs: 0, is_assumed: false }
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
        }
        hasher.finish()
    }

    /// A folder.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == EntryKind::Dir
    }
}

/// Files by path, in order. Folders above a file are always in it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
}

impl Tree {
    /// Puts an entry in, in place of what was there. Folders above it are made
    /// where they are missing; a file in the place of such a folder goes.
    pub fn insert(&mut self, path: &str, entry: Entry) {
        let path = normal_path(path);
        if path.is_empty() {
            return;
        }
        for (idx, _) in path.match_indices('/') {
            let above = path.get(..idx).unwrap_or("");
            if !self.entries.get(above).is_some_and(Entry::is_dir) {
                self.entries.insert(above.to_owned(), Entry::dir());
            }
        }
        if !entry.is_dir() && self.entries.get(&path).is_some_and(Entry::is_dir) {
            self.remove(&path);
        }
        self.entries.insert(path, entry);
    }

    /// Takes an entry and all below it out. Folders above stay.
    pub fn remove(&mut self, path: &str) {
        let path = normal_path(path);
        let below: Vec<String> = self.below(&path).map(|(path, _)| path.to_owned()).collect();
        self.entries.remove(&path);
        for path in below {
            self.entries.remove(&path);
        }
    }

    /// The entry at a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// The same for change.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Entry> {
        self.entries.get_mut(path)
    }

    /// All entries, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The entries below a folder, at any depth; all of them for the root, which is the empty path.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a Entry)> + use<'a> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let range = self.entries.range(prefix.clone()..);
        range
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, entry)| (path.as_str(), entry))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// No entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The tree that a builder holds after it was sent this one, where it held
    /// `before` from an earlier build.
    ///
    /// Contexts are transferred incrementally: a file of equal mode, size and
    /// time is not sent again even if its bytes differ, and neither is a folder
    /// that was there.
    #[must_use]
    pub fn transferred(&self, before: &Tree) -> Tree {
        let mut entries = self.entries.clone();
        for (path, entry) in &mut entries {
            let Some(known) = before.entries.get(path) else { continue };
            let is_unnoticed = match (&entry.kind, &known.kind) {
                (EntryKind::Dir, EntryKind::Dir) => true,
                (EntryKind::File { size_bytes, .. }, EntryKind::File { size_bytes: known_bytes, .. }) => {
                    size_bytes == known_bytes
                        && entry.mode == known.mode
                        && (entry.uid, entry.gid) == (known.uid, known.gid)
                        && entry.mtime_secs == known.mtime_secs
                }
                _ => false,
            };
            if is_unnoticed {
                entry.clone_from(known);
            }
        }
        Tree { entries }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Entry {
        Entry::file(Digest::of(text.as_bytes()), text.len() as u64)
    }

    #[test]
    fn folders_come_and_files_give_way() {
        let mut tree = Tree::default();
        tree.insert("/a/b/c", file("1"));
        assert_eq!(tree.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        tree.insert("a/b", file("2"));
        assert_eq!(tree.len(), 2);
        tree.remove("a");
        assert!(tree.is_empty());
    }

    #[test]
    fn a_transfer_does_not_see_equal_size_and_time() {
        let (mut before, mut now) = (Tree::default(), Tree::default());
        before.insert("f", file("a"));
        now.insert("f", file("b"));
        assert_eq!(now.transferred(&before), before);
        now.get_mut("f").unwrap().mtime_secs = 1;
        assert_eq!(now.transferred(&before), now);
    }
}
