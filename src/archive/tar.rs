//! Members of a tar, one after the other.
//!
//! ```text
//! tar    = { member } two blocks of zeros
//! member = { extension } header body          blocks of 512 bytes
//! ```
//!
//! Headers are read by [`tar::Header`]; the walk is ours, because it must skip
//! bodies by seeking, go on where the crate stops, and never trust a size: GNU
//! long names, PAX records and base-256 numbers are understood, and a name or
//! record beyond the limit is refused before it is read.
//!
//! Format: [POSIX pax](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html),
//! [GNU tar](https://www.gnu.org/software/tar/manual/html_node/Standard.html).

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use tar::{EntryType, GnuExtSparseHeader, Header};

use super::Limits;
use super::header::{device, is_checksum_right, kind_of, mode_bits, mtime, number};
use super::skip::SCRATCH_BYTES;
pub use super::skip::{Seeking, Skip, Streaming};
use super::sparse::SparseMap;
use super::stretches::Stretches;
use crate::text::from_bytes;

/// What a member is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub enum MemberKind {
    /// A regular file.
    File,
    /// Another name of a file.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A folder.
    Dir,
    /// A named pipe.
    Fifo,
    /// A kind that is not known; its type flag.
    Other(u8),
}

/// One member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its name as stored.
    pub path: String,
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
    /// Major and minor number of a device.
    pub device: Option<(u32, u32)>,
    /// Extended attributes by name.
    pub xattrs: Vec<(String, Vec<u8>)>,
    /// Which stretches are stored, for a file with holes.
    pub sparse: Option<SparseMap>,
    /// Where it begins, counted from where the walk began: the first of the
    /// headers that say something about it. A walk from there gives it again.
    pub offset: u64,
    /// Where its body begins, counted in the same way.
    pub body_offset: u64,
    /// Length of its body: of a file with holes only what is stored, with the list in front.
    pub body_bytes: u64,
}

/// Why a walk ends early.
#[derive(Debug)]
pub enum TarError {
    /// The first header is none: this is no tar at all.
    NotTar,
    /// A header whose checksum or numbers are wrong.
    BadHeader {
        /// Where it stands.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The data ends within a member.
    Truncated {
        /// Where it ends.
        offset: u64,
    },
    /// A name or record beyond the limit.
    NameTooLong {
        /// Where it stands.
        offset: u64,
    },
    /// More members than the limit.
    TooManyEntries,
    /// Reading failed.
    Io(io::Error),
}

impl std::fmt::Display for TarError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotTar => f.write_str("this is no tar archive"),
            Self::BadHeader { offset, what } => write!(f, "the header at byte {offset} is damaged: {what}"),
            Self::Truncated { offset } => write!(f, "the data ends too early, at byte {offset}"),
            Self::NameTooLong { offset } => write!(f, "the name at byte {offset} is longer than the limit"),
            Self::TooManyEntries => f.write_str("there are more entries than the limit"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TarError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for TarError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

const BLOCK: u64 = 512;

/// Extensions that wait for the header they belong to.
#[derive(Default)]
struct Pending {
    path: Option<String>,
    link: Option<String>,
    size_bytes: Option<u64>,
    mtime_secs: Option<i64>,
    uid: Option<u64>,
    gid: Option<u64>,
    /// Name and length of a sparse file with its holes.
    sparse_path: Option<String>,
    sparse_bytes: Option<u64>,
    stretches: Option<Stretches>,
    /// The list of stretches stands in front of the body.
    has_list_in_body: bool,
    xattrs: Vec<(String, Vec<u8>)>,
}

/// Where a walk stands.
#[derive(Clone, Default, Debug)]
pub struct Place {
    pos: u64,
    /// What is left of the last member's body and padding.
    left: u64,
    /// The body's part of that; of the padding, some may be missing at the end.
    body_left: u64,
    n_members: u64,
    is_done: bool,
    has_end: bool,
    n_lone_zeros: u64,
}

impl Place {
    /// What was read or passed so far: a reader has to stand there for the walk to go on.
    #[must_use]
    pub fn pos(&self) -> u64 {
        self.pos
    }

    /// Where the next headers begin: what lies before is not asked for any more.
    #[must_use]
    pub fn next_header(&self) -> u64 {
        self.pos.saturating_add(self.left)
    }
}

/// Goes through a tar.
pub struct Walk<'r, R> {
    reader: &'r mut R,
    limits: Limits,
    at: Place,
}

impl<'r, R: Skip> Walk<'r, R> {
    /// Begins at the reader's place.
    pub fn new(reader: &'r mut R, limits: Limits) -> Self {
        Self::from_place(reader, limits, Place::default())
    }

    /// Goes on where another walk stood between two members.
    pub fn from_place(reader: &'r mut R, limits: Limits, at: Place) -> Self {
        Self { reader, limits, at }
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        self.at.clone()
    }

    /// The zeros at the end were there, known once all members were read.
    #[must_use]
    pub fn has_end(&self) -> bool {
        self.at.has_end
    }

    /// How often a single block of zeros stood before a further header.
    #[must_use]
    pub fn n_lone_zeros(&self) -> u64 {
        self.at.n_lone_zeros
    }

    /// The next member; `None` at the end of the archive.
    ///
    /// # Errors
    /// Damage and failed reads; the walk cannot go on after one.
    pub fn next_member(&mut self) -> Result<Option<Member>, TarError> {
        let mut pending = Pending::default();
        let mut member_offset = None;
        loop {
            self.skip_body()?;
            let header_offset = self.at.pos;
            let Some(header) = self.header()? else { return Ok(None) };
            // A block of zeros may have been passed.
            let offset = *member_offset.get_or_insert(self.at.pos - BLOCK);
            let bad = |what: &str| TarError::BadHeader { offset: header_offset, what: what.to_owned() };
            // A base-256 number below zero; the crate reads it as a large one.
            if header.as_old().size.first() == Some(&0xff) {
                return Err(bad("its size is negative"));
            }
            let stored = header.entry_size().map_err(|_| bad("its size is no number"))?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    pending.path = Some(self.long_name(stored)?);
                    continue;
                }
                EntryType::GNULongLink => {
                    pending.link = Some(self.long_name(stored)?);
                    continue;
                }
                EntryType::XHeader => {
                    let records = self.extension(stored, self.limits.pax_bytes)?;
                    read_pax(&records, &mut pending, self.limits.n_sparse_pieces).map_err(bad)?;
                    continue;
                }
                EntryType::XGlobalHeader => {
                    let _ = self.extension(stored, self.limits.pax_bytes)?;
                    continue;
                }
                _ => {}
            }
            self.at.n_members += 1;
            if self.at.n_members > self.limits.n_entries {
                return Err(TarError::TooManyEntries);
            }
            let size_bytes = pending.size_bytes.take().unwrap_or(stored);
            let kind = kind_of(&header);
            let mut full_bytes = pending.sparse_bytes.take().unwrap_or(size_bytes);
            if let Some(gnu) = header.as_gnu().filter(|_| header.entry_type() == EntryType::GNUSparse) {
                full_bytes = gnu.real_size().map_err(|_| bad("its size is no number"))?;
                let mut stretches = Stretches::default();
                stretches.add_block(&gnu.sparse, self.limits.n_sparse_pieces).map_err(bad)?;
                if gnu.is_extended() {
                    self.sparse_map(&mut stretches)?;
                }
                pending.stretches = Some(stretches);
            }
            // Only files have a body; other headers may claim a size all the same.
            let body_bytes =
                if matches!(kind, MemberKind::File | MemberKind::Other(_)) { size_bytes } else { 0 };
            self.at.left = padded(body_bytes);
            self.at.body_left = body_bytes;
            let mut sparse = (std::mem::take(&mut pending.has_list_in_body) && kind == MemberKind::File)
                .then_some(SparseMap::InBody);
            if let Some(stretches) = pending.stretches.take().filter(|_| kind == MemberKind::File) {
                stretches.check(full_bytes, body_bytes).map_err(bad)?;
                sparse = Some(SparseMap::Listed(stretches.into_list()));
            }
            let path = pending.sparse_path.take().or_else(|| pending.path.take());
            let path = path.unwrap_or_else(|| from_bytes(&header.path_bytes()));
            let link = pending.link.take();
            let link =
                link.or_else(|| header.link_name_bytes().map(|bytes| from_bytes(&bytes))).unwrap_or_default();
            let too_long =
                path.len() as u64 > self.limits.path_bytes || link.len() as u64 > self.limits.path_bytes;
            if too_long {
                return Err(TarError::NameTooLong { offset: header_offset });
            }
            // Old writers know no type of folders. What is stored of one is no content.
            let is_named_dir = kind == MemberKind::File && path.ends_with('/');
            let kind = if is_named_dir { MemberKind::Dir } else { kind };
            return Ok(Some(Member {
                kind,
                // What only labels a file is taken as zero where it is no number.
                mode: mode_bits(number(header.mode().map(u64::from))),
                uid: pending.uid.take().unwrap_or_else(|| number(header.uid())),
                gid: pending.gid.take().unwrap_or_else(|| number(header.gid())),
                size_bytes: if kind == MemberKind::File { full_bytes } else { 0 },
                mtime_secs: pending.mtime_secs.take().unwrap_or_else(|| mtime(&header)),
                path,
                link,
                device: if matches!(kind, MemberKind::Char | MemberKind::Block) {
                    device(&header)
                } else {
                    None
                },
                xattrs: std::mem::take(&mut pending.xattrs),
                sparse,
                offset,
                body_offset: self.at.pos,
                body_bytes,
            }));
        }
    }

    /// Reads from the body of the member that came last.
    ///
    /// # Errors
    /// Where reading fails.
    pub fn read_body(&mut self, member: &Member, limit_bytes: u64) -> Result<Vec<u8>, TarError> {
        // Of a file with holes less is stored than its length.
        let wanted = member.size_bytes.min(limit_bytes).min(self.at.body_left);
        let mut body = Vec::new();
        let mut part = Read::take(&mut *self.reader, wanted);
        part.read_to_end(&mut body)?;
        let n_read = body.len() as u64;
        self.at.pos += n_read;
        self.at.left = self.at.left.saturating_sub(n_read);
        self.at.body_left = self.at.body_left.saturating_sub(n_read);
        if n_read < wanted {
            return Err(TarError::Truncated { offset: self.at.pos });
        }
        Ok(body)
    }

    /// Hands the stored body of the member that came last to `take`, piece by
    /// piece, and tells its length. That of a sparse file is another than the
    /// length of its content: holes are not stored.
    ///
    /// # Errors
    /// Where reading fails, or the data ends within the body.
    pub fn stream_body(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<u64, TarError> {
        let wanted = self.at.body_left;
        let mut scratch = vec![0; usize::try_from(wanted).unwrap_or(usize::MAX).min(SCRATCH_BYTES)];
        while self.at.body_left > 0 {
            let n_read = read_full(&mut self.body(), &mut scratch)?;
            take(scratch.get(..n_read).unwrap_or(&[]));
            if n_read < scratch.len() {
                self.end_body()?;
            }
        }
        Ok(wanted)
    }

    /// The stored length of what is left to read of the body of the member that came last.
    #[must_use]
    pub fn body_bytes(&self) -> u64 {
        self.at.body_left
    }

    /// The stored body of the member that came last, to be read to its end. Where the data ends
    /// before the body does, so does the reader: [`Self::end_body`] tells.
    pub fn body(&mut self) -> Body<'_, 'r, R> {
        Body(self)
    }

    /// Tells whether the body that was read was whole.
    ///
    /// # Errors
    /// Where the data ends within the body.
    pub fn end_body(&mut self) -> Result<(), TarError> {
        if self.at.body_left == 0 {
            return Ok(());
        }
        // Nothing is left to be skipped.
        (self.at.left, self.at.body_left) = (0, 0);
        Err(TarError::Truncated { offset: self.at.pos })
    }

    fn skip_body(&mut self) -> Result<(), TarError> {
        let wanted = std::mem::take(&mut self.at.left);
        let n = self.reader.skip(wanted)?;
        self.at.pos += n;
        let body_bytes = std::mem::take(&mut self.at.body_left);
        // The padding of the very last member may be missing.
        if n < body_bytes.min(wanted) {
            return Err(TarError::Truncated { offset: self.at.pos });
        }
        Ok(())
    }

    fn header(&mut self) -> Result<Option<Header>, TarError> {
        if self.at.is_done {
            return Ok(None);
        }
        let mut is_after_zeros = false;
        loop {
            let mut header = Header::new_old();
            let n = read_full(self.reader, header.as_mut_bytes())?;
            let offset = self.at.pos;
            self.at.pos += n as u64;
            let is_first = offset == 0;
            if n == 0 && !is_first {
                (self.at.is_done, self.at.has_end) = (true, is_after_zeros);
                return Ok(None);
            }
            let is_whole = n == header.as_bytes().len();
            let is_zero = is_whole && header.as_bytes().iter().all(|byte| *byte == 0);
            // Two blocks of zeros are the end, and one is if no header follows.
            // Readers differ where one does: it is read, and the zeros are told.
            if is_zero && !is_after_zeros {
                is_after_zeros = true;
                continue;
            }
            if is_after_zeros && (is_zero || !is_whole || !is_checksum_right(&header)) {
                (self.at.is_done, self.at.has_end) = (true, true);
                return Ok(None);
            }
            if !is_whole {
                return Err(if is_first {
                    TarError::NotTar
                } else {
                    TarError::Truncated { offset: self.at.pos }
                });
            }
            if !is_checksum_right(&header) {
                let what = "its checksum is wrong".to_owned();
                return Err(if is_first { TarError::NotTar } else { TarError::BadHeader { offset, what } });
            }
            self.at.n_lone_zeros += u64::from(is_after_zeros);
            return Ok(Some(header));
        }
    }

    /// Blocks that go on with the map of a sparse file.
    fn sparse_map(&mut self, stretches: &mut Stretches) -> Result<(), TarError> {
        let mut block = GnuExtSparseHeader::new();
        loop {
            let offset = self.at.pos;
            let n = read_full(self.reader, block.as_mut_bytes())?;
            self.at.pos += n as u64;
            if (n as u64) < BLOCK {
                return Err(TarError::Truncated { offset: self.at.pos });
            }
            let bad = |what: &str| TarError::BadHeader { offset, what: what.to_owned() };
            stretches.add_block(&block.sparse, self.limits.n_sparse_pieces).map_err(bad)?;
            if !block.is_extended() {
                return Ok(());
            }
        }
    }

    /// A GNU long name or link target; its zero at the end counts as well.
    fn long_name(&mut self, size_bytes: u64) -> Result<String, TarError> {
        let limit_bytes = self.limits.path_bytes.saturating_add(1);
        Ok(from_bytes(trim_nul(&self.extension(size_bytes, limit_bytes)?)))
    }

    /// The body of an extension, which must not be long.
    fn extension(&mut self, size_bytes: u64, limit_bytes: u64) -> Result<Vec<u8>, TarError> {
        if size_bytes > limit_bytes {
            return Err(TarError::NameTooLong { offset: self.at.pos });
        }
        let mut body = Vec::new();
        let mut part = Read::take(&mut *self.reader, size_bytes);
        part.read_to_end(&mut body)?;
        self.at.pos += body.len() as u64;
        if (body.len() as u64) < size_bytes {
            return Err(TarError::Truncated { offset: self.at.pos });
        }
        self.at.left = padded(size_bytes) - size_bytes;
        Ok(body)
    }
}

/// Reads the stored body of a member.
pub struct Body<'w, 'r, R>(&'w mut Walk<'r, R>);

impl<R: Skip> Read for Body<'_, '_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let walk = &mut *self.0;
        let most = usize::try_from(walk.at.body_left).unwrap_or(usize::MAX).min(buf.len());
        let n_read = walk.reader.read(buf.get_mut(..most).unwrap_or(&mut []))?;
        walk.at.pos += n_read as u64;
        walk.at.left = walk.at.left.saturating_sub(n_read as u64);
        walk.at.body_left = walk.at.body_left.saturating_sub(n_read as u64);
        Ok(n_read)
    }
}

/// A block is the header of a member, by its checksum.
#[must_use]
pub fn is_header(block: &[u8]) -> bool {
    block.len() as u64 == BLOCK && is_checksum_right(Header::from_byte_slice(block))
}

fn padded(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(BLOCK).saturating_mul(BLOCK)
}

fn read_full(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut n_filled = 0;
    while let Some(rest) = buf.get_mut(n_filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => n_filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n_filled)
}

fn trim_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}

/// PAX records: `LENGTH KEY=VALUE\n`, up to zeros or the end.
///
/// # Errors
/// What is wrong with the first record that is none.
fn read_pax(mut records: &[u8], pending: &mut Pending, n_pieces: usize) -> Result<(), &'static str> {
    while !trim_nul(records).is_empty() {
        let space = records.iter().position(|byte| *byte == b' ').ok_or("a PAX record has no length")?;
        let length = std::str::from_utf8(records.get(..space).unwrap_or(&[]))
            .ok()
            .and_then(|text| text.parse::<usize>().ok())
            .ok_or("a PAX record has no length")?;
        let record = records
            .get(space + 1..length)
            .and_then(|record| record.strip_suffix(b"\n"))
            .ok_or("a PAX record has a wrong length")?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or("a PAX record has no value")?;
        let value = record.get(equals + 1..).unwrap_or(&[]);
        let text = || from_bytes(value);
        let number = || text().parse().map_err(|_| "a PAX record has no number");
        match record.get(..equals).unwrap_or(&[]) {
            b"path" => pending.path = Some(text()),
            b"linkpath" => pending.link = Some(text()),
            b"size" => pending.size_bytes = Some(number()?),
            // What only labels a file is left to the header where it is no number.
            b"uid" => pending.uid = number().ok(),
            b"gid" => pending.gid = number().ok(),
            b"mtime" => {
                // Whole seconds, rounded down.
                let text = text();
                let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
                let is_below = text.starts_with('-') && fraction.bytes().any(|byte| byte != b'0');
                let whole: Option<i64> = whole.parse().ok();
                pending.mtime_secs = whole.map(|secs| secs.saturating_sub(i64::from(is_below)));
            }
            // GNU's sparse forms 0.1 and 1.0: the file's own name and length.
            b"GNU.sparse.name" => pending.sparse_path = Some(text()),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => pending.sparse_bytes = Some(number()?),
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                pending.stretches.get_or_insert_default().add_text(&text(), n_pieces)?;
            }
            b"GNU.sparse.map" => pending.stretches.get_or_insert_default().add_record(&text(), n_pieces)?,
            b"GNU.sparse.major" => pending.has_list_in_body = value == b"1",
            key => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    pending.xattrs.push((from_bytes(name), value.to_vec()));
                }
            }
        }
        records = records.get(length..).unwrap_or(&[]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bytes: &[u8]) -> Result<Vec<(String, u64)>, TarError> {
        let mut reader = Streaming::new(bytes);
        let mut walk = Walk::new(&mut reader, Limits::for_browser());
        let mut found = Vec::new();
        while let Some(member) = walk.next_member()? {
            found.push((member.path, member.size_bytes));
        }
        Ok(found)
    }

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, body) in files {
            let mut header = Header::new_gnu();
            header.set_size(body.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *body).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn walks_long_names() {
        let long = "d/".repeat(120) + "f";
        let bytes = archive(&[("a", b"12345"), (&long, b""), ("z", &[7; 600])]);
        assert_eq!(names(&bytes).unwrap(), [("a".to_owned(), 5), (long, 0), ("z".to_owned(), 600)]);
    }

    #[test]
    fn a_walk_from_a_member_gives_it_again() {
        let long = "d/".repeat(120) + "f";
        let mut bytes = archive(&[("a", b"12345"), (&long, &[1; 700])]);
        // Between the two members stands a single block of zeros.
        bytes.splice(1024..1024, [0; 512]);
        let mut reader = Streaming::new(&bytes[..]);
        let mut walk = Walk::new(&mut reader, Limits::for_browser());
        let offsets = [0, 1536];
        for offset in offsets {
            let member = walk.next_member().unwrap().unwrap();
            assert_eq!((member.offset, member.body_bytes), (offset as u64, member.size_bytes));
            let mut reader = Streaming::new(&bytes[offset..]);
            let again = Walk::new(&mut reader, Limits::for_browser()).next_member().unwrap().unwrap();
            let body_offset = again.body_offset + offset as u64;
            assert_eq!(Member { offset: member.offset, body_offset, ..again }, member);
        }
    }

    #[test]
    fn bodies_are_streamed() {
        let long = vec![7; SCRATCH_BYTES + 600];
        let bytes = archive(&[("a", b"12345"), ("b", &long), ("c", b"")]);
        let bodies = |bytes: &[u8]| -> Result<Vec<Vec<u8>>, TarError> {
            let mut reader = Streaming::new(bytes);
            let mut walk = Walk::new(&mut reader, Limits::for_browser());
            let mut found = Vec::new();
            while let Some(member) = walk.next_member()? {
                let mut body = Vec::new();
                let n_bytes = walk.stream_body(&mut |piece| body.extend_from_slice(piece))?;
                assert_eq!(n_bytes, member.size_bytes);
                found.push(body);
            }
            Ok(found)
        };
        assert_eq!(bodies(&bytes).unwrap(), [b"12345".to_vec(), long.clone(), Vec::new()]);
        assert!(matches!(bodies(&bytes[..4000]), Err(TarError::Truncated { offset: 4000 })));
    }

    #[test]
    fn tells_damage() {
        assert!(matches!(names(b"hello"), Err(TarError::NotTar)));
        let bytes = archive(&[("a", &[1; 5000]), ("b", b"x")]);
        assert!(matches!(names(&bytes[..2000]), Err(TarError::Truncated { .. })));
        let mut flipped = bytes.clone();
        flipped[512 + 5120 + 3] ^= 1;
        assert!(matches!(names(&flipped), Err(TarError::BadHeader { .. })));
        // Zeros at the end may be missing.
        assert_eq!(names(&bytes[..512 + 5120 + 1024]).unwrap().len(), 2);
    }
}
