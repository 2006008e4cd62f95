//! The files of one layer, and of layers on top of each other.
//!
//! Words: an *entry* is one tar member, a *whiteout* removes one name of the
//! layers below, an *opaque whiteout* hides all that a folder has there. See the
//! [OCI specification](https://github.com/opencontainers/image-spec/blob/main/layer.md).
//!
//! A [`LayerTree`] is made while the layer streams by; each file's content is
//! hashed on the way and not kept. A [`stack::Stack`] puts layers on top of each
//! other, [`attributes`] reads what entries are marked with, [`unhashed`] whose content is still to be hashed where layers were only
//! listed, [`waste`] tells which of their bytes the final tree does not show,
//! [`dive`] tells what the tool of that name says of them, [`findings`] which
//! leftovers and secrets they store.

pub mod attributes;
pub mod dive;
pub mod findings;
pub mod stack;
pub mod unhashed;
pub mod waste;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::archive::Limits;
use crate::archive::sparse::ContentHasher;
use crate::archive::tar::{Member, MemberKind, Place, Skip, TarError, Walk};
use crate::digest::Digest;

/// What few entries have.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rare {
    /// What a link leads to.
    pub link: Box<str>,
    /// Major and minor number of a device.
    pub device: Option<(u32, u32)>,
    /// Extended attributes by name.
    pub xattrs: Vec<(String, Vec<u8>)>,
}

impl Rare {
    /// Most entries need no room for it.
    #[must_use]
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// One entry of a layer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
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
    /// Digest of its content; a hard link has that of the file that it names.
    pub digest: Option<Digest>,
    /// What few entries have.
    pub rare: Option<Box<Rare>>,
    /// Where in the layer's tar its content can be read from: the first of its
    /// headers; for a hard link that of the file that it names.
    pub offset: u64,
    /// Holes of it are not stored.
    pub is_sparse: bool,
    /// How often its path stands in the tar; the last one counts.
    pub n_times: u32,
    /// The folder has no entry of its own; only something below it has.
    pub is_implicit: bool,
}

/// What a row of a folder is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Name within its folder.
    pub name: String,
    /// The entry; for a whiteout nothing.
    pub entry: Option<Rc<LayerEntry>>,
    /// Bytes of the entry and all below it.
    pub total_bytes: u64,
    /// Entries below it.
    pub n_below: u64,
    /// The folder hides what lower layers have in it.
    pub is_opaque: bool,
}

impl LayerEntry {
    /// What a link leads to; empty for anything else.
    #[must_use]
    pub fn link(&self) -> &str {
        self.rare.as_ref().map_or("", |rare| &rare.link)
    }

    /// Major and minor number of a device.
    #[must_use]
    pub fn device(&self) -> Option<(u32, u32)> {
        self.rare.as_ref().and_then(|rare| rare.device)
    }

    /// Extended attributes by name.
    #[must_use]
    pub fn xattrs(&self) -> &[(String, Vec<u8>)] {
        self.rare.as_ref().map_or(&[], |rare| &rare.xattrs)
    }

    /// A folder that only something below it tells of.
    fn implicit() -> Self {
        Self {
            kind: MemberKind::Dir,
            mode: 0o755,
            uid: 0,
            gid: 0,
            size_bytes: 0,
            mtime_secs: 0,
            digest: None,
            rare: None,
            offset: 0,
            is_sparse: false,
            n_times: 0,
            is_implicit: true,
        }
    }
}

/// A file of a layer that a later entry of the same tar replaces.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Replaced {
    /// Its path.
    pub path: String,
    /// Length of its content.
    pub size_bytes: u64,
}

/// All entries of a layer by path.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LayerTree {
    /// Shared with the stacks that the layer is part of.
    entries: BTreeMap<String, Rc<LayerEntry>>,
    /// Paths of lower layers that this layer removes.
    pub whiteouts: BTreeSet<String>,
    /// Folders whose lower content this layer hides.
    pub opaque: BTreeSet<String>,
    /// Old marks of AUFS: names that begin with `.wh..wh.`, and their sizes. They are no files.
    pub marks: BTreeMap<String, u64>,
    /// Files that are stored and then replaced within the tar.
    pub replaced: Vec<Replaced>,
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

/// Hard links that name hard links are followed this far.
const MAX_LINKS: usize = 32;

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
        // Holes cost no input, so that all of them together have a limit.
        let mut holes_bytes = limits.free_inflated_bytes;
        let error = loop {
            match walk.next_member() {
                Ok(Some(member)) => {
                    let (mut digest, mut outcome) = (empty_digest(&member), Ok(0));
                    if member.kind == MemberKind::File {
                        let map = member.sparse.as_ref();
                        let mut hasher = ContentHasher::new(map, member.size_bytes, &mut holes_bytes);
                        outcome = walk.stream_body(&mut |piece| hasher.update(piece));
                        digest = if outcome.is_ok() { hasher.finish() } else { None };
                    }
                    tree.add(member, digest);
                    if let Err(error) = outcome {
                        break Some(error);
                    }
                }
                Ok(None) => {
                    tree.has_lone_zeros = walk.n_lone_zeros() > 0;
                    break None;
                }
                Err(error) => break Some(error),
            }
        };
        tree.link_contents();
        (tree, error)
    }

    /// The same by headers alone: bodies are skipped, and no content has a digest.
    ///
    /// # Errors
    /// The damage, beside what was read.
    pub fn list(reader: &mut impl Skip, limits: Limits) -> (Self, Option<TarError>) {
        let mut listing = Listing::new(limits);
        let error = listing.go_on(reader).err();
        (listing.finish(), error)
    }

    /// Trees of at most so many of its entries, in order. What is told of the tree as a whole is with
    /// the first one.
    pub fn into_pieces(mut self, n_entries: usize) -> impl Iterator<Item = Self> {
        let mut left = std::mem::take(&mut self.entries);
        let mut whole = Some(self);
        std::iter::from_fn(move || {
            let mut piece = whole.take().or_else(|| (!left.is_empty()).then(Self::default))?;
            while piece.entries.len() < n_entries
                && let Some((path, entry)) = left.pop_first()
            {
                piece.entries.insert(path, entry);
            }
            Some(piece)
        })
    }

    /// Puts the next piece behind those that came before.
    pub fn append(&mut self, mut piece: Self) {
        self.entries.append(&mut piece.entries);
    }

    /// A tree of some of its entries.
    #[must_use]
    pub fn only(&self, paths: &[String]) -> Self {
        let mut some = Self::default();
        for path in paths {
            if let Some(entry) = self.entries.get(path) {
                some.entries.insert(path.clone(), Rc::clone(entry));
            }
        }
        some
    }

    fn add(&mut self, member: Member, digest: Option<Digest>) {
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
            } else if removed.starts_with(WHITEOUT) {
                self.marks.insert(path, member.size_bytes);
            }
            return;
        }
        if path.is_empty() {
            return;
        }
        for (idx, _) in path.match_indices('/') {
            let above = path.get(..idx).unwrap_or("");
            let implicit = || Rc::new(LayerEntry::implicit());
            self.entries.entry(above.to_owned()).or_insert_with(implicit);
        }
        let mut xattrs = member.xattrs;
        xattrs.sort();
        // A hard link names an entry of the same tar, as that is named here.
        let link = if member.kind == MemberKind::HardLink { layer_path(&member.link) } else { member.link };
        let before = self.entries.get(&path).filter(|before| !before.is_implicit);
        if let Some(before) = before.filter(|before| before.kind == MemberKind::File) {
            self.replaced.push(Replaced { path: path.clone(), size_bytes: before.size_bytes });
        }
        let entry = LayerEntry {
            kind: member.kind,
            mode: member.mode,
            uid: member.uid,
            gid: member.gid,
            size_bytes: member.size_bytes,
            mtime_secs: member.mtime_secs,
            digest,
            rare: Rare { link: link.into(), device: member.device, xattrs }.boxed(),
            offset: member.offset,
            is_sparse: member.sparse.is_some(),
            n_times: before.map_or(0, |before| before.n_times).saturating_add(1),
            is_implicit: false,
        };
        // Of an entry that stands twice the last one counts.
        self.entries.insert(path, Rc::new(entry));
    }

    /// Gives hard links digest and place of what they name, which may stand after them.
    fn link_contents(&mut self) {
        let is_link = |entry: &LayerEntry| entry.kind == MemberKind::HardLink;
        let links: Vec<String> =
            self.entries.iter().filter(|(_, entry)| is_link(entry)).map(|(path, _)| path.clone()).collect();
        for path in links {
            let Some((digest, offset)) = self.linked(&path).map(|(_, file)| (file.digest, file.offset))
            else {
                continue;
            };
            if let Some(entry) = self.entries.get_mut(&path).map(Rc::make_mut) {
                (entry.digest, entry.offset) = (digest, offset);
            }
        }
    }

    /// Tells the contents of files that were only listed.
    pub fn set_digests(&mut self, digests: impl IntoIterator<Item = (String, Digest)>) {
        for (path, digest) in digests {
            if let Some(entry) = self.entries.get_mut(&path) {
                Rc::make_mut(entry).digest = Some(digest);
            }
        }
        self.link_contents();
    }

    /// The entry at a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&LayerEntry> {
        self.entries.get(path).map(Rc::as_ref)
    }

    /// What a hard link names in the end, with its path; none where that is not in this layer.
    #[must_use]
    pub fn linked(&self, path: &str) -> Option<(&str, &LayerEntry)> {
        let (mut name, mut entry) = self.entries.get_key_value(path)?;
        for _ in 0..MAX_LINKS {
            if entry.kind != MemberKind::HardLink {
                return Some((name, entry));
            }
            (name, entry) = self.entries.get_key_value(entry.link())?;
        }
        None
    }

    /// All entries by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &LayerEntry)> {
        self.shared().map(|(path, entry)| (path, entry.as_ref()))
    }

    fn shared(&self) -> impl Iterator<Item = (&str, &Rc<LayerEntry>)> {
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
                row.entry = Some(Rc::clone(entry));
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

/// Nothing has to be read to know what is in an empty file.
fn empty_digest(member: &Member) -> Option<Digest> {
    (member.kind == MemberKind::File && member.size_bytes == 0).then(|| Digest::of(b""))
}

/// A layer's tar that is listed by its headers as its bytes come.
#[derive(Debug)]
pub struct Listing {
    tree: LayerTree,
    at: Place,
    limits: Limits,
}

impl Listing {
    /// Nothing is listed yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { tree: LayerTree::default(), at: Place::default(), limits }
    }

    /// Where the walk through the tar stands: where a reader has to stand for it to go on.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.at
    }

    /// Goes on, to the end of the tar or to where the reader has nothing yet, which it says by an
    /// error of the kind [`ErrorKind::WouldBlock`]; tells whether the end was reached.
    ///
    /// # Errors
    /// Damage. What was listed before it is kept.
    pub fn go_on(&mut self, reader: &mut impl Skip) -> Result<bool, TarError> {
        let mut walk = Walk::from_place(reader, self.limits, self.at.clone());
        loop {
            match walk.next_member() {
                Ok(Some(member)) => {
                    let digest = empty_digest(&member);
                    self.tree.add(member, digest);
                    self.at = walk.place();
                }
                Ok(None) => {
                    self.tree.has_lone_zeros = walk.n_lone_zeros() > 0;
                    return Ok(true);
                }
                // The member that was begun is read again.
                Err(TarError::Io(error)) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// What was listed.
    #[must_use]
    pub fn finish(mut self) -> LayerTree {
        self.tree.link_contents();
        self.tree
    }
}

/// A member's name as a path in the image: no leading `/` or `./`.
fn layer_path(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

#[cfg(test)]
mod testing {
    //! Layers for the tests of this module.

    use super::*;

    impl LayerTree {
        /// As if it had been listed only.
        pub(super) fn forget_digests(&mut self) {
            self.entries.values_mut().for_each(|entry| Rc::make_mut(entry).digest = None);
        }
    }

    pub(super) fn member(name: &str, kind: MemberKind, size_bytes: u64) -> Member {
        Member {
            path: name.to_owned(),
            kind,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size_bytes,
            mtime_secs: 0,
            link: String::new(),
            device: None,
            xattrs: Vec::new(),
            sparse: None,
            offset: 0,
            body_offset: 0,
            body_bytes: size_bytes,
        }
    }

    /// A layer of `NAME=CONTENT` files, `NAME/` folders, `NAME>TARGET` hard links and whiteouts.
    pub(super) fn layer(names: &[&str]) -> LayerTree {
        let mut tree = LayerTree::default();
        for name in names {
            if let Some((name, content)) = name.split_once('=') {
                let file = member(name, MemberKind::File, content.len() as u64);
                tree.add(file, Some(Digest::of(content.as_bytes())));
            } else if let Some((name, to)) = name.split_once('>') {
                tree.add(Member { link: to.to_owned(), ..member(name, MemberKind::HardLink, 0) }, None);
            } else {
                let kind = if name.ends_with('/') { MemberKind::Dir } else { MemberKind::File };
                tree.add(member(name, kind, 0), None);
            }
        }
        tree.link_contents();
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str]) -> LayerTree {
        let mut tree = LayerTree::default();
        for name in names {
            let kind = if name.ends_with('/') { MemberKind::Dir } else { MemberKind::File };
            tree.add(testing::member(name, kind, 10), None);
        }
        tree
    }

    #[test]
    fn links_have_the_content_that_they_name() {
        let mut tree = LayerTree::default();
        let link = |name: &str, to: &str| Member {
            link: to.to_owned(),
            ..testing::member(name, MemberKind::HardLink, 0)
        };
        tree.add(link("b", "./a"), None);
        tree.add(link("c", "b"), None);
        tree.add(link("loop", "loop"), None);
        for (offset, content) in [(512, b"1"), (1536, b"2")] {
            let file = Member { offset, ..testing::member("a", MemberKind::File, 1) };
            tree.add(file, Some(Digest::of(content)));
        }
        tree.link_contents();
        let offset = |path: &str| tree.get(path).unwrap().offset;
        assert_eq!([offset("a"), offset("b"), offset("c"), offset("loop")], [1536, 1536, 1536, 0]);
        let digest = |path: &str| tree.get(path).unwrap().digest;
        assert_eq!([digest("a"), digest("b"), digest("c")], [Some(Digest::of(b"2")); 3]);
        assert_eq!((digest("loop"), tree.get("a").unwrap().n_times), (None, 2));
        assert_eq!(tree.replaced, [Replaced { path: "a".into(), size_bytes: 1 }]);
    }

    /// There are millions of them. Its path, the counts of its `Rc` and the pointer to it come on top.
    #[test]
    fn an_entry_is_small() {
        let n_bytes = size_of::<LayerEntry>() + 3 * size_of::<usize>();
        assert!(n_bytes <= 200, "{n_bytes} bytes");
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
