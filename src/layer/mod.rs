//! The files of one layer: entries, folders, whiteouts.
//!
//! Words: an *entry* is one tar member, a *whiteout* removes one name of the
//! layers below, an *opaque whiteout* hides all that a folder has there. See the
//! [OCI specification](https://github.com/opencontainers/image-spec/blob/main/layer.md).
//!
//! A [`LayerTree`] is made while the layer streams by; contents are not kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::Limits;
use crate::archive::tar::{Member, MemberKind, Skip, TarError, Walk};

/// One entry of a layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LayerEntry {
    /// What it is.
    pub kind: MemberKind,
    /// The 12 mode bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Length of its content.
    pub size_bytes: u64,
    /// When it was changed, in seconds since 1970.
    pub mtime_secs: i64,
    /// What a link leads to.
    pub link: String,
    /// The folder has no entry of its own; only something below it has.
    pub is_implicit: bool,
}

/// What a row of a folder is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Name within its folder.
    pub name: String,
    /// The entry; for a whiteout nothing.
    pub entry: Option<LayerEntry>,
    /// Bytes of the entry and all below it.
    pub total_bytes: u64,
    /// Entries below it.
    pub n_below: u64,
    /// The folder hides what lower layers have in it.
    pub is_opaque: bool,
}

/// All entries of a layer by path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LayerTree {
    entries: BTreeMap<String, LayerEntry>,
    /// Paths of lower layers that this layer removes.
    pub whiteouts: BTreeSet<String>,
    /// Folders whose lower content this layer hides.
    pub opaque: BTreeSet<String>,
    /// How many members the tar has.
    pub n_members: u64,
    /// The sum of the members' sizes.
    pub content_bytes: u64,
    /// Names that lead out of the image's root, the first few.
    pub unsafe_paths: Vec<String>,
    /// Whiteouts that name nothing, the first few.
    pub bad_whiteouts: Vec<String>,
    /// A single block of zeros stands before a further entry, where some readers stop.
    pub has_lone_zeros: bool,
}

/// How many odd names of a kind are kept.
const MAX_ODD: usize = 16;

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

impl LayerTree {
    /// Reads a layer's tar. What was read before damage is kept.
    ///
    /// # Errors
    /// The damage, beside what was read.
    pub fn read(reader: &mut impl Skip, limits: Limits) -> (Self, Option<TarError>) {
        let mut tree = Self::default();
        let mut walk = Walk::new(reader, limits);
        loop {
            match walk.next_member() {
                Ok(Some(member)) => tree.add(member),
                Ok(None) => {
                    tree.has_lone_zeros = walk.n_lone_zeros() > 0;
                    return (tree, None);
                }
                // A layer may be empty to the last byte.
                Err(TarError::NotTar) if tree.n_members == 0 => return (tree, Some(TarError::NotTar)),
                Err(error) => return (tree, Some(error)),
            }
        }
    }

    fn add(&mut self, member: Member) {
        self.n_members += 1;
        // Announced sizes may add up to anything.
        self.content_bytes = self.content_bytes.saturating_add(member.size_bytes);
        let path = layer_path(&member.path);
        if path.split('/').any(|part| part == "..") && self.unsafe_paths.len() < MAX_ODD {
            self.unsafe_paths.push(path.clone());
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path.as_str()));
        if name == OPAQUE {
            self.opaque.insert(folder.to_owned());
            return;
        }
        if let Some(removed) = name.strip_prefix(WHITEOUT) {
            // Other names with this mark are left over from AUFS and remove nothing.
            let is_bad = matches!(removed, "" | "." | "..") || member.kind == MemberKind::Dir;
            if is_bad && !removed.starts_with(WHITEOUT) && self.bad_whiteouts.len() < MAX_ODD {
                self.bad_whiteouts.push(path.clone());
            }
            if !is_bad && !removed.starts_with(WHITEOUT) {
                let removed =
                    if folder.is_empty() { removed.to_owned() } else { format!("{folder}/{removed}") };
                self.whiteouts.insert(removed);
            }
            return;
        }
        if path.is_empty() {
            return;
        }
        for (idx, _) in path.match_indices('/') {
            let above = path.get(..idx).unwrap_or("");
            self.entries.entry(above.to_owned()).or_insert_with(|| LayerEntry {
                kind: MemberKind::Dir,
                mode: 0o755,
                uid: 0,
                gid: 0,
                size_bytes: 0,
                mtime_secs: 0,
                link: String::new(),
                is_implicit: true,
            });
        }
        let Member { path: _, kind, mode, uid, gid, size_bytes, mtime_secs, link, body_offset: _ } = member;
        // A hard link names an entry of the same tar, as that is named here.
        let link = if kind == MemberKind::HardLink { layer_path(&link) } else { link };
        let entry = LayerEntry { kind, mode, uid, gid, size_bytes, mtime_secs, link, is_implicit: false };
        // Of an entry that stands twice the last one counts.
        self.entries.insert(path, entry);
    }

    /// All entries by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &LayerEntry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// What a folder of this layer has, whiteouts among it; folders first, then by name.
    #[must_use]
    pub fn rows(&self, folder: &str) -> Vec<Row> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for (path, entry) in
            self.entries.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix))
        {
            let relative = path.get(prefix.len()..).unwrap_or("");
            let (name, is_below) =
                relative.split_once('/').map_or((relative, false), |(name, _)| (name, true));
            let row = rows.entry(name.to_owned()).or_insert_with(|| Row {
                name: name.to_owned(),
                entry: None,
                total_bytes: 0,
                n_below: 0,
                is_opaque: self.opaque.contains(&format!("{prefix}{name}")),
            });
            row.total_bytes = row.total_bytes.saturating_add(entry.size_bytes);
            if is_below {
                row.n_below += 1;
            } else {
                row.entry = Some(entry.clone());
            }
        }
        for path in self.whiteouts.range(prefix.clone()..).take_while(|path| path.starts_with(&prefix)) {
            let relative = path.get(prefix.len()..).unwrap_or("");
            if let Some((folder, _)) = relative.split_once('/') {
                // The folder itself may have no entry in this layer.
                let name = folder.to_owned();
                let row =
                    Row { name: name.clone(), entry: None, total_bytes: 0, n_below: 0, is_opaque: false };
                rows.entry(name).or_insert(row).n_below += 1;
            } else {
                let row = Row {
                    name: relative.to_owned(),
                    entry: None,
                    total_bytes: 0,
                    n_below: 0,
                    is_opaque: false,
                };
                rows.entry(relative.to_owned()).or_insert(row);
            }
        }
        let mut rows: Vec<Row> = rows.into_values().collect();
        let is_dir = |row: &Row| {
            row.n_below > 0 || row.entry.as_ref().is_some_and(|entry| entry.kind == MemberKind::Dir)
        };
        rows.sort_by_key(|row| !is_dir(row));
        rows
    }
}

/// A member's name as a path in the image: no leading `/` or `./`.
fn layer_path(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str]) -> LayerTree {
        let mut tree = LayerTree::default();
        for name in names {
            tree.add(Member {
                path: (*name).to_owned(),
                kind: if name.ends_with('/') { MemberKind::Dir } else { MemberKind::File },
                mode: 0o644,
                uid: 0,
                gid: 0,
                size_bytes: 10,
                mtime_secs: 0,
                link: String::new(),
                body_offset: 0,
            });
        }
        tree
    }

    #[test]
    fn folders_and_whiteouts() {
        let tree = tree(&["./a/b", "a/.wh.old", "/c", "d/.wh..wh..opq", ".wh..wh.plnk"]);
        assert_eq!(tree.whiteouts.iter().collect::<Vec<_>>(), ["a/old"]);
        assert_eq!(tree.opaque.iter().collect::<Vec<_>>(), ["d"]);
        let names: Vec<String> = tree.rows("").into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["a", "c"]);
        let rows = tree.rows("a");
        assert_eq!(rows.len(), 2);
        assert!(rows[1].entry.is_none() && rows[1].name == "old");
        assert_eq!(tree.rows("")[0].total_bytes, 10);
    }
}
