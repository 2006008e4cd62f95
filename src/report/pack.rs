//! Numbers, texts and trees as few bytes.
//!
//! ```text
//! number = LEB128, the low seven bits first
//! text   = number of bytes, bytes
//! tree   = number of entries, { entry }, { digest of 32 bytes }
//! entry  = bytes shared with the path before, text of the rest, number: kind | flags, fields
//! ```
//!
//! Digests stand behind all entries, since nothing makes them shorter. A stand-in, whose digest is
//! that of its own path, has none.

use crate::context::path;
use crate::context::{Assumed, Entry, EntryKind, Tree};
use crate::digest::Digest;

/// Writes one thing behind the other.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    /// What was written.
    pub bytes: Vec<u8>,
}

/// Reads what a [`Writer`] wrote; everything is `None` once bytes are missing or make no sense.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// What begins like the path before it is longer than its bytes here.
    path_bytes_left: usize,
}

/// All paths together are not longer: no page writes that many.
const MAX_PATHS_BYTES: usize = 64 << 20;

/// What stands at a path, or that nothing does any more.
pub type Change = (String, Option<Entry>);

const GONE: u64 = 0;
const FILE: u64 = 1;
const STAND_IN: u64 = 2;
const DIR: u64 = 3;
const SYMLINK: u64 = 4;
const HARD_LINK: u64 = 5;
const KIND: u64 = 7;
/// It has an owner that is not root.
const OWNED: u64 = 8;
/// Something of it is assumed.
const ASSUMED: u64 = 16;
/// It has another mode than the entry before it.
const MODE: u64 = 32;
/// It has another time than the entry before it.
const TIME: u64 = 64;

/// What consecutive entries mostly have in common.
struct Before {
    path: String,
    mode: u32,
    mtime_secs: i64,
}

impl Before {
    fn new() -> Self {
        Self { path: String::new(), mode: 0o644, mtime_secs: 0 }
    }
}

impl Writer {
    /// A number.
    pub fn number(&mut self, number: u64) {
        let mut left = number;
        loop {
            let [low, ..] = left.to_le_bytes();
            left >>= 7;
            if left == 0 {
                return self.bytes.push(low & 0x7f);
            }
            self.bytes.push(low | 0x80);
        }
    }

    fn signed(&mut self, number: i64) {
        self.number((number.wrapping_shl(1) ^ (number >> 63)).cast_unsigned());
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }

    /// All entries of a tree. Folders that are as a folder is by itself come with what is in them.
    pub fn tree(&mut self, tree: &Tree) {
        let is_told =
            |(path, entry): &(String, &Entry)| **entry != Entry::dir() || tree.below(path).next().is_none();
        let entries = tree.iter().filter(is_told).map(|(path, entry)| (path, Some(entry.clone())));
        self.changes(&entries.collect::<Vec<Change>>());
    }

    /// Entries by path, in the order in which they are to be put into a tree.
    pub fn changes(&mut self, changes: &[Change]) {
        let mut digests: Vec<u8> = Vec::new();
        let mut before = Before::new();
        self.number(changes.len() as u64);
        for (path, entry) in changes {
            let is_same = |(a, b): &(char, char)| a == b;
            let shared: usize =
                before.path.chars().zip(path.chars()).take_while(is_same).map(|(ch, _)| ch.len_utf8()).sum();
            self.number(shared as u64);
            self.text(path.get(shared..).unwrap_or(""));
            before.path.clone_from(path);
            match entry {
                Some(entry) => self.entry(path, entry, &mut before, &mut digests),
                None => self.number(GONE),
            }
        }
        self.bytes.extend(digests);
    }

    fn entry(&mut self, path: &str, entry: &Entry, before: &mut Before, digests: &mut Vec<u8>) {
        let Entry { kind, mode, uid, gid, mtime_secs, assumed } = entry;
        let mut head = match kind {
            EntryKind::File { digest, .. } if *digest == Digest::of(path.as_bytes()) => STAND_IN,
            EntryKind::File { .. } => FILE,
            EntryKind::Dir => DIR,
            EntryKind::Symlink { .. } => SYMLINK,
            EntryKind::HardLink { .. } => HARD_LINK,
        };
        let flags = [
            ((*uid, *gid) != (0, 0), OWNED),
            (*assumed != Assumed::NOTHING, ASSUMED),
            (*mode != before.mode, MODE),
            (*mtime_secs != before.mtime_secs, TIME),
        ];
        for (_, flag) in flags.into_iter().filter(|(is_set, _)| *is_set) {
            head |= flag;
        }
        self.number(head);
        if head & OWNED != 0 {
            self.number(u64::from(*uid));
            self.number(u64::from(*gid));
        }
        if head & ASSUMED != 0 {
            let bits = [(Assumed::MODE, 1), (Assumed::CONTENT, 2), (Assumed::EXISTENCE, 4)];
            self.number(bits.iter().filter(|(what, _)| assumed.includes(*what)).map(|(_, bit)| bit).sum());
        }
        if head & MODE != 0 {
            self.number(u64::from(*mode));
        }
        if head & TIME != 0 {
            self.signed(mtime_secs.wrapping_sub(before.mtime_secs));
        }
        (before.mode, before.mtime_secs) = (*mode, *mtime_secs);
        match kind {
            EntryKind::File { digest, size_bytes } => {
                self.number(*size_bytes);
                if head & KIND == FILE {
                    digests.extend(digest.as_bytes());
                }
            }
            EntryKind::Dir => {}
            EntryKind::Symlink { target } | EntryKind::HardLink { target } => self.text(target),
        }
    }
}

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, path_bytes_left: MAX_PATHS_BYTES }
    }

    /// Nothing is left.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// A number.
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for place in 0..10 {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn bytes(&mut self, n: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(usize::try_from(n).ok()?)?;
        self.rest = rest;
        Some(bytes)
    }

    /// A text.
    pub fn text(&mut self) -> Option<&'a str> {
        let n = self.number()?;
        std::str::from_utf8(self.bytes(n)?).ok()
    }

    /// A tree.
    pub fn tree(&mut self) -> Option<Tree> {
        let mut tree = Tree::default();
        for (path, entry) in self.changes()? {
            tree.insert(&path, entry?);
        }
        Some(tree)
    }

    /// Entries by path.
    pub fn changes(&mut self) -> Option<Vec<Change>> {
        let mut changes: Vec<Change> = Vec::new();
        let mut without_digest: Vec<usize> = Vec::new();
        let mut before = Before::new();
        // Each takes some bytes, so that what is announced is not trusted but met.
        for idx in 0..usize::try_from(self.number()?).ok()? {
            let shared = usize::try_from(self.number()?).ok()?;
            let path = format!("{}{}", before.path.get(..shared)?, self.text()?);
            // A path that no context can have comes from no page.
            if path.is_empty() || path::clean(&path).ok()?.path != path {
                return None;
            }
            self.path_bytes_left = self.path_bytes_left.checked_sub(path.len())?;
            before.path.clone_from(&path);
            let head = self.number()?;
            let entry = match head & KIND {
                GONE => None,
                _ => Some(self.entry(head, &path, &mut before)?),
            };
            if head & KIND == FILE {
                without_digest.push(idx);
            }
            changes.push((path, entry));
        }
        for idx in without_digest {
            let read = Digest::from_bytes(self.bytes(32)?.try_into().ok()?);
            if let Some((_, Some(Entry { kind: EntryKind::File { digest, .. }, .. }))) = changes.get_mut(idx)
            {
                *digest = read;
            }
        }
        Some(changes)
    }

    fn entry(&mut self, head: u64, path: &str, before: &mut Before) -> Option<Entry> {
        let mut narrow = || u32::try_from(self.number()?).ok();
        let (mut uid, mut gid, mut assumed) = (0, 0, Assumed::NOTHING);
        if head & OWNED != 0 {
            (uid, gid) = (narrow()?, narrow()?);
        }
        if head & ASSUMED != 0 {
            let bits = narrow()?;
            for (what, bit) in [(Assumed::MODE, 1), (Assumed::CONTENT, 2), (Assumed::EXISTENCE, 4)] {
                if bits & bit != 0 {
                    assumed = assumed.and(what);
                }
            }
        }
        if head & MODE != 0 {
            before.mode = narrow()? & 0o7777;
        }
        if head & TIME != 0 {
            before.mtime_secs = before.mtime_secs.wrapping_add(self.signed()?);
        }
        let kind = match head & KIND {
            FILE | STAND_IN => {
                let digest = Digest::of(path.as_bytes());
                EntryKind::File { digest, size_bytes: self.number()? }
            }
            DIR => EntryKind::Dir,
            SYMLINK => EntryKind::Symlink { target: self.text()?.to_owned() },
            HARD_LINK => EntryKind::HardLink { target: self.text()?.to_owned() },
            _ => return None,
        };
        Some(Entry { kind, mode: before.mode, uid, gid, mtime_secs: before.mtime_secs, assumed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(changes: &[Change]) -> usize {
        let mut writer = Writer::default();
        writer.changes(changes);
        let mut reader = Reader::new(&writer.bytes);
        assert_eq!(reader.changes().as_deref(), Some(changes));
        assert!(reader.is_at_end());
        // Cut anywhere, it is nothing rather than something else.
        for end in 0..writer.bytes.len() {
            assert_eq!(Reader::new(&writer.bytes[..end]).changes(), None, "cut at {end}");
        }
        writer.bytes.len()
    }

    #[test]
    fn numbers() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut writer = Writer::default();
            writer.number(number);
            assert_eq!(Reader::new(&writer.bytes).number(), Some(number));
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            let mut writer = Writer::default();
            writer.signed(number);
            assert_eq!(Reader::new(&writer.bytes).signed(), Some(number));
        }
        assert_eq!(Reader::new(&[0xff; 11]).number(), None);
    }

    #[test]
    fn entries_of_all_kinds() {
        let file = Entry::file(Digest::of(b"x"), 5_000_000_000);
        let link = |target: &str| EntryKind::Symlink { target: target.into() };
        let entries = [
            ("a/b", Some(file.clone())),
            ("a/bä", Some(Entry { mode: 0o4755, mtime_secs: -7, ..file.clone() })),
            ("a/bü", Some(Entry { uid: 7, gid: 8, assumed: Assumed::MODE, ..file.clone() })),
            ("a/c", None),
            ("d", Some(Entry::dir())),
            ("l", Some(Entry { kind: link("../ü"), ..file.clone() })),
            ("m", Some(Entry { kind: EntryKind::HardLink { target: "l".into() }, ..file })),
            ("p", Some(Entry { assumed: Assumed::EVERYTHING, ..Entry::file(Digest::of(b"p"), 0) })),
        ];
        check(&entries.map(|(path, entry)| (path.to_owned(), entry)));
    }

    #[test]
    fn stand_ins_need_no_digest() {
        let stand_in = Entry { assumed: Assumed::EVERYTHING, ..Entry::file(Digest::of(b"src/a"), 0) };
        assert!(check(&[("src/a".to_owned(), Some(stand_in))]) < 14);
    }

    #[test]
    fn folders_come_with_what_is_in_them() {
        let mut tree = Tree::default();
        tree.insert("a/b/c", Entry::file(Digest::of(b"1"), 1));
        tree.insert("e", Entry::dir());
        tree.insert("s", Entry { mode: 0o700, ..Entry::dir() });
        tree.insert("s/t", Entry::file(Digest::of(b"2"), 1));
        let mut writer = Writer::default();
        writer.tree(&tree);
        assert_eq!(Reader::new(&writer.bytes).number(), Some(4));
        assert_eq!(Reader::new(&writer.bytes).tree(), Some(tree));
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for path in ["../x", "/x", "a//b", ""] {
            let mut writer = Writer::default();
            writer.changes(&[(path.to_owned(), Some(Entry::dir()))]);
            assert_eq!(Reader::new(&writer.bytes).changes(), None, "{path}");
        }
    }
}
