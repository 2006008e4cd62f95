//! What an ADD makes of the archives among the files of a context.
//!
//! A builder unpacks a local archive into the target of the ADD. It tells archives by their bytes:
//! the first few say how they are compressed, and a tar is what begins with a header of one. What
//! it does then is told here as BuildKit does it
//! ([`solver/llbsolver/file`](https://github.com/moby/buildkit/tree/master/solver/llbsolver/file)):
//!
//! | of the archive | becomes |
//! | --- | --- |
//! | modes and owners | those of the files, unless `--chown` names an owner; `--chmod` is left aside |
//! | a folder that has no entry | a folder of root's with the mode 0755 |
//! | the entry `./` | nothing: the target keeps its own mode |
//! | `.wh.x` | a file of that name; nothing is removed |
//! | a name that leads out | the build fails |
//!
//! A list hangs on nothing but the bytes of the archive, so that [`Archives`] knows it by their
//! digest. No verdict of a cache looks at it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::node::Change;
use super::path::{self, folders_above};
use super::{Assumed, Entry, EntryKind, Node, Tree};
use crate::archive::tar::{Member, MemberKind};
use crate::digest::Digest;

/// What is known of archives, by the digest of their bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Archives {
    by_digest: BTreeMap<Digest, Holds>,
    /// There were more than are looked into.
    pub is_full: bool,
}

/// What a file that looks like an archive holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Holds {
    /// A tar with these members.
    Members(Members),
    /// It cannot be said.
    Unknown(Unlisted),
    /// No tar, whatever its name says: a builder copies it.
    NoTar,
}

/// The members of an archive as they come out of it.
///
/// A folder that only something below it tells of has its mode *assumed*, which tells it from those
/// that have an entry.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Tree", into = "Tree")]
pub struct Members {
    tree: Tree,
    /// Entries that are not simply put below another folder: hard links, and folders without entry.
    special: BTreeSet<String>,
}

/// Why it is not known what comes out of an archive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Unlisted {
    /// Nobody has read its bytes.
    NotRead,
    /// There are more archives than are looked into.
    TooManyArchives,
    /// It has more members than are listed.
    TooManyMembers,
    /// The tar in it is longer than is read.
    TooLong,
    /// A compression that is not read.
    Compressed {
        /// Its name.
        with: String,
    },
    /// It is damaged, and so the build fails.
    Damaged {
        /// What is wrong with it.
        message: String,
    },
    /// A builder refuses one of the members, and so the build fails.
    Refused {
        /// Which, and why.
        message: String,
    },
    /// Builders differ in what they make of one of the members.
    Differs {
        /// Which, and why.
        message: String,
    },
}

/// What becomes of a file that is added with unpacking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unpacking<'a> {
    /// It is copied.
    Copied,
    /// These members come out of it.
    Unpacked(&'a Members),
    /// It cannot be said.
    Unknown(&'a Unlisted),
}

/// The last length that JavaScript counts exactly.
const MAX_FILE_BYTES: u64 = (1 << 53) - 1;

/// So many characters of a name are shown.
const MAX_NAME: usize = 100;

/// Lists with more members in all are kept for files that are there, and not for those that were.
const MAX_KEPT_MEMBERS: usize = 200_000;

impl fmt::Display for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRead => f.write_str("its bytes were not read"),
            Self::TooManyArchives => f.write_str("there are more archives than are looked into"),
            Self::TooManyMembers => f.write_str("it has more members than are listed"),
            Self::TooLong => f.write_str("what is in it is longer than is read"),
            Self::Compressed { with } => write!(f, "it is compressed with {with}, which is not read here"),
            Self::Damaged { message } => write!(f, "it is damaged, so that a build fails: {message}"),
            Self::Refused { message } => write!(f, "a build fails, since {message}"),
            Self::Differs { message } => write!(f, "builders differ, since {message}"),
        }
    }
}

impl Archives {
    /// What a file with these bytes holds; `None` if nothing is known of it.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<&Holds> {
        self.by_digest.get(digest)
    }

    /// All that is known, by digest.
    pub fn iter(&self) -> impl Iterator<Item = (&Digest, &Holds)> {
        self.by_digest.iter()
    }

    /// Puts in what a file holds.
    pub fn insert(&mut self, digest: Digest, holds: Holds) {
        self.by_digest.insert(digest, holds);
    }

    /// Puts in some more of what comes out of an archive, folders in front of what is in them.
    pub fn extend(&mut self, digest: Digest, entries: Vec<(String, Entry)>) {
        let known = self.by_digest.entry(digest).or_insert_with(|| Holds::Members(Members::default()));
        if let Holds::Members(known) = known {
            entries.into_iter().for_each(|(path, entry)| known.insert(&path, entry));
        }
    }

    /// The same with what was known before, since files that did not change are not read again, and
    /// earlier builds may have had others. `files` are those that are there now.
    #[must_use]
    pub fn with_earlier(mut self, earlier: &Self, files: &Tree) -> Self {
        for (digest, holds) in earlier.iter() {
            self.by_digest.entry(*digest).or_insert_with(|| holds.clone());
        }
        self.is_full |= earlier.is_full;
        let n_members = |holds: &Holds| if let Holds::Members(members) = holds { members.len() } else { 1 };
        if self.by_digest.values().map(n_members).sum::<usize>() > MAX_KEPT_MEMBERS {
            let digest = |entry: &Entry| match entry.kind {
                EntryKind::File { digest, .. } => Some(digest),
                _ => None,
            };
            let there: BTreeSet<Digest> = files.iter().filter_map(|(_, entry)| digest(entry)).collect();
            self.by_digest.retain(|digest, _| there.contains(digest));
        }
        self
    }

    /// What becomes of a file that is added with unpacking.
    #[must_use]
    pub fn unpacking(&self, path: &str, entry: &Entry) -> Unpacking<'_> {
        let known = match &entry.kind {
            EntryKind::File { digest, .. } if !entry.assumed.includes(Assumed::CONTENT) => self.get(digest),
            EntryKind::File { .. } => None,
            // A folder is copied with the archives in it.
            _ => return Unpacking::Copied,
        };
        match known {
            Some(Holds::Members(members)) => Unpacking::Unpacked(members),
            Some(Holds::Unknown(why)) => Unpacking::Unknown(why),
            Some(Holds::NoTar) => Unpacking::Copied,
            None if !is_named_like_one(path) => Unpacking::Copied,
            None if self.is_full => Unpacking::Unknown(&Unlisted::TooManyArchives),
            None => Unpacking::Unknown(&Unlisted::NotRead),
        }
    }
}

/// The name says archive. A builder does not look at names; they are what there is to go by where
/// nobody has read the bytes.
#[must_use]
pub fn is_named_like_one(path: &str) -> bool {
    const ENDINGS: [&str; 10] = ["tar", "gz", "tgz", "bz2", "tbz", "tbz2", "xz", "txz", "zst", "tzst"];
    let name = path.rsplit('/').next().unwrap_or("");
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.iter().any(|it| ending.eq_ignore_ascii_case(it)))
}

impl From<Tree> for Members {
    fn from(tree: Tree) -> Self {
        let is_special = |(path, entry): (String, &Entry)| Self::is_special(entry).then_some(path);
        let special = tree.iter().filter_map(is_special).collect();
        Self { tree, special }
    }
}

impl From<Members> for Tree {
    fn from(members: Members) -> Self {
        members.tree
    }
}

impl Members {
    /// What comes out, relative to the target.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// How many files, folders and links come out.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Nothing comes out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    fn is_special(entry: &Entry) -> bool {
        match entry.kind {
            EntryKind::HardLink { .. } => true,
            EntryKind::Dir => entry.assumed.includes(Assumed::MODE),
            EntryKind::File { .. } | EntryKind::Symlink { .. } => false,
        }
    }

    /// Puts an entry in, in place of what was there.
    fn insert(&mut self, path: &str, entry: Entry) {
        if Self::is_special(&entry) {
            self.special.insert(path.to_owned());
        } else {
            self.special.remove(path);
        }
        self.tree.insert(path, entry);
    }

    /// Unpacks a member on top of those before it. `digest` is that of a file's content.
    ///
    /// # Errors
    /// Why nothing is known of what comes out of the archive.
    pub(super) fn add(&mut self, member: &Member, digest: Option<Digest>) -> Result<(), Unlisted> {
        let message = |what: &str| {
            let name: String = member.path.chars().take(MAX_NAME).collect();
            format!("{name} in it {what}")
        };
        let refused = |what| Err(Unlisted::Refused { message: message(what) });
        let differs = |what| Err(Unlisted::Differs { message: message(what) });
        let clean = match path::clean(&member.path) {
            Ok(clean) => clean,
            Err(_) => return differs("has a name that is too long or too deep"),
        };
        let path = clean.path.as_str();
        if clean.is_outside {
            return refused("leads out of the folder that it is unpacked into");
        }
        if path.is_empty() {
            return Ok(());
        }
        let mut missing: Vec<&str> = Vec::new();
        for folder in folders_above(path) {
            match self.tree.get(folder).map(|above| &above.kind) {
                Some(EntryKind::Dir) => break,
                None => missing.push(folder),
                Some(EntryKind::Symlink { .. }) => return differs("stands behind a link of the archive"),
                Some(_) => return refused("stands below a file of the archive"),
            }
        }
        for folder in missing.into_iter().rev() {
            self.insert(folder, Entry { assumed: Assumed::MODE, ..Entry::dir() });
        }
        let owner = |id: u64| u32::try_from(id).unwrap_or(u32::MAX);
        let entry = |kind, mode| Entry {
            kind,
            mode,
            uid: owner(member.uid),
            gid: owner(member.gid),
            // It counts for nothing, and may be any number.
            mtime_secs: 0,
            assumed: Assumed::NOTHING,
        };
        let entry = match member.kind {
            MemberKind::File => {
                let digest_or_any = digest.unwrap_or_else(|| Digest::of(path.as_bytes()));
                // Holes may announce any length.
                let size_bytes = member.size_bytes.min(MAX_FILE_BYTES);
                let kind = EntryKind::File { digest: digest_or_any, size_bytes };
                let assumed = if digest.is_none() { Assumed::CONTENT } else { Assumed::NOTHING };
                Entry { assumed, ..entry(kind, member.mode) }
            }
            MemberKind::Dir => {
                if matches!(self.tree.get(path), Some(Entry { kind: EntryKind::Symlink { .. }, .. })) {
                    return differs("is a folder in the place of a link");
                }
                entry(EntryKind::Dir, member.mode)
            }
            // Of a link no mode is ever set.
            MemberKind::Symlink => entry(EntryKind::Symlink { target: member.link.clone() }, 0o777),
            MemberKind::HardLink => {
                let Ok(target) = path::clean(&member.link) else {
                    return refused("links to nothing in front of it");
                };
                match self.tree.get(&target.path).map(|there| &there.kind) {
                    Some(EntryKind::File { .. } | EntryKind::HardLink { .. }) => {
                        entry(EntryKind::HardLink { target: target.path }, member.mode)
                    }
                    Some(EntryKind::Symlink { .. }) => return differs("is a second name of a link"),
                    Some(EntryKind::Dir) | None => return refused("links to nothing in front of it"),
                }
            }
            MemberKind::Char | MemberKind::Block | MemberKind::Fifo => {
                return differs("is a device or a pipe");
            }
            MemberKind::Other(_) => return differs("is of a kind that is not known"),
        };
        self.insert(path, entry);
        Ok(())
    }

    /// Unpacks all of it into a folder. `owner` is the one that is named for everything.
    #[must_use]
    pub fn unpack(&self, target: &str, owner: Option<(u32, u32)>) -> Tree {
        let mut unpacked = Tree::default();
        let root = self.tree.root();
        match owner {
            None => unpacked.graft(target, root),
            Some(_) => unpacked.graft(target, &Rc::new(Node::changed(root, Change::new(None, owner)))),
        }
        let full = |path: &str| if target.is_empty() { path.to_owned() } else { format!("{target}/{path}") };
        for path in &self.special {
            let at = full(path);
            match unpacked.get(&at).cloned() {
                Some(mut link) if matches!(link.kind, EntryKind::HardLink { .. }) => {
                    if let EntryKind::HardLink { target } = &mut link.kind {
                        *target = full(target);
                    }
                    unpacked.insert(&at, link);
                }
                // A folder that has no entry is root's, whoever owns the others.
                Some(folder) if folder.is_dir() && folder.assumed != Assumed::NOTHING => {
                    unpacked.insert(&at, Entry::dir());
                }
                _ => {}
            }
        }
        unpacked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, kind: MemberKind, link: &str) -> Member {
        Member {
            path: name.to_owned(),
            kind,
            mode: 0o640,
            uid: 7,
            gid: 8,
            size_bytes: u64::from(kind == MemberKind::File) * 3,
            mtime_secs: 0,
            link: link.to_owned(),
            device: None,
            xattrs: Vec::new(),
            sparse: None,
            offset: 0,
            body_offset: 0,
            body_bytes: 0,
        }
    }

    fn all(members: &[(&str, MemberKind, &str)]) -> Result<Members, Unlisted> {
        let mut all = Members::default();
        for (name, kind, link) in members {
            all.add(&member(name, *kind, link), Some(Digest::of(b"abc")))?;
        }
        Ok(all)
    }

    fn shown(tree: &Tree) -> Vec<String> {
        let kind = |entry: &Entry| match &entry.kind {
            EntryKind::File { size_bytes, .. } => format!("{size_bytes} bytes"),
            EntryKind::Dir => "folder".to_owned(),
            EntryKind::Symlink { target } => format!("-> {target}"),
            EntryKind::HardLink { target } => format!("= {target}"),
        };
        let row = |(path, entry): (String, &Entry)| {
            format!("{path} {:o} {}:{} {}", entry.mode, entry.uid, entry.gid, kind(entry))
        };
        tree.iter().map(row).collect()
    }

    use MemberKind::{Char, Dir, File, HardLink, Symlink};

    #[test]
    fn members_come_out_with_their_own_headers() {
        let members = all(&[
            ("./", Dir, ""),
            ("./lib/a", File, ""),
            ("b/", Dir, ""),
            ("/b/.wh.c", File, ""),
            ("b/d", HardLink, "./lib/a"),
            ("e", Symlink, "/b"),
        ])
        .unwrap();
        let alone = [
            "x 755 0:0 folder",
            "x/b 640 7:8 folder",
            "x/b/.wh.c 640 7:8 3 bytes",
            "x/b/d 640 7:8 = x/lib/a",
            "x/e 777 7:8 -> /b",
            "x/lib 755 0:0 folder",
            "x/lib/a 640 7:8 3 bytes",
        ];
        assert_eq!(shown(&members.unpack("x", None)), alone);
        let owned = shown(&members.unpack("", Some((1, 2))));
        assert_eq!(owned.first().map(String::as_str), Some("b 640 1:2 folder"));
        assert!(owned.contains(&"lib 755 0:0 folder".to_owned()), "a folder without entry stays root's");
        assert_eq!(members.unpack("x", None).root().totals().size_bytes, 6);
        // What travels and what is kept is the tree alone.
        let json = serde_json::to_string(&members).unwrap();
        assert_eq!(serde_json::from_str::<Members>(&json).unwrap(), members);
    }

    #[test]
    fn the_last_entry_of_a_name_counts() {
        let members = all(&[("a/b", File, ""), ("a", File, ""), ("c/d", File, ""), ("c", Dir, "")]).unwrap();
        assert_eq!(
            shown(&members.unpack("", None)),
            ["a 640 7:8 3 bytes", "c 640 7:8 folder", "c/d 640 7:8 3 bytes"]
        );
    }

    #[test]
    fn what_builders_refuse_or_disagree_on() {
        let check = |members: &[(&str, MemberKind, &str)], expected: &str| {
            assert_eq!(all(members).unwrap_err().to_string(), expected);
        };
        check(
            &[("../a", File, "")],
            "a build fails, since ../a in it leads out of the folder that it is unpacked into",
        );
        check(
            &[("a", File, ""), ("a/b", File, "")],
            "a build fails, since a/b in it stands below a file of the archive",
        );
        check(&[("a", HardLink, "b")], "a build fails, since a in it links to nothing in front of it");
        check(
            &[("a", Symlink, "b"), ("a/c/d", File, "")],
            "builders differ, since a/c/d in it stands behind a link of the archive",
        );
        check(
            &[("a", Symlink, "b"), ("a", Dir, "")],
            "builders differ, since a in it is a folder in the place of a link",
        );
        check(&[("a", Char, "")], "builders differ, since a in it is a device or a pipe");
    }

    #[test]
    fn what_is_known_decides_and_else_the_name() {
        let mut archives = Archives::default();
        let file = |text: &str| Entry::file(Digest::of(text.as_bytes()), 1);
        archives.insert(Digest::of(b"tar"), Holds::Members(Members::default()));
        archives.insert(Digest::of(b"text"), Holds::NoTar);
        assert!(matches!(archives.unpacking("a.bin", &file("tar")), Unpacking::Unpacked(_)));
        assert_eq!(archives.unpacking("a.tar", &file("text")), Unpacking::Copied);
        assert_eq!(archives.unpacking("a.txt", &file("other")), Unpacking::Copied);
        assert_eq!(archives.unpacking("a.tar.GZ", &file("other")), Unpacking::Unknown(&Unlisted::NotRead));
        assert_eq!(archives.unpacking("a.tar", &Entry::dir()), Unpacking::Copied);
        let assumed = Entry { assumed: Assumed::CONTENT, ..file("tar") };
        assert_eq!(archives.unpacking("a.tgz", &assumed), Unpacking::Unknown(&Unlisted::NotRead));
        archives.is_full = true;
        assert_eq!(
            archives.unpacking("a.tgz", &file("other")),
            Unpacking::Unknown(&Unlisted::TooManyArchives)
        );
    }

    #[test]
    fn lists_that_were_read_before_are_kept() {
        let one = |text: &str| {
            let mut archives = Archives::default();
            archives.insert(Digest::of(text.as_bytes()), Holds::NoTar);
            archives
        };
        let both = one("now").with_earlier(&one("before"), &Tree::default());
        assert_eq!(both.iter().count(), 2);
        let mut long = Archives::default();
        let entry = |idx: usize| (idx.to_string(), Entry::file(Digest::of(b""), 0));
        long.extend(Digest::of(b"long"), (0..=MAX_KEPT_MEMBERS).map(entry).collect());
        let mut files = Tree::default();
        files.insert("a", Entry::file(Digest::of(b"now"), 1));
        let kept = one("now").with_earlier(&long, &files);
        assert_eq!(kept, one("now"), "a list that is too long goes with its file");
    }
}
