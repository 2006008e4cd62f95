//! Bytes of any size, read in windows; tar members; compression by its magic.
//!
//! Nothing here holds an archive in memory: a [`ByteSource`] is asked for
//! ranges, a [`Window`] turns it into a seekable reader with one buffer of
//! fixed size, and [`tar::Walk`] goes through members with the bodies skipped
//! or streamed. What an input could make grow without end has a named limit.

pub mod compression;
pub mod fed;
mod header;
pub mod inflated;
pub mod onward;
mod skip;
pub mod sparse;
mod stretches;
pub mod tar;
pub mod zstd;

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

/// Something with bytes that can be read from any offset, again and again.
pub trait ByteSource {
    /// Its length.
    fn size_bytes(&self) -> u64;

    /// Fills the front of `buf` with bytes from `offset` on and tells how many;
    /// 0 only at the end.
    ///
    /// # Errors
    /// Where the bytes cannot be had, such as for a file that changed on disk.
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError>;

    /// Where a source stands that can only be read onward: what lies before is
    /// read again from the first byte on, what lies behind has to be passed.
    fn flows_from(&self) -> Option<u64> {
        None
    }
}

/// Bytes that cannot be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceError {
    /// Where it was tried.
    pub offset: u64,
    /// What the source said.
    pub message: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read at byte {}: {}", self.offset, self.message)
    }
}

impl std::error::Error for SourceError {}

/// Bytes in memory.
pub struct SliceSource<'a>(pub &'a [u8]);

impl ByteSource for SliceSource<'_> {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let rest = self.0.get(start..).unwrap_or(&[]);
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

/// How much of what an input may ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Length of one JSON document.
    pub json_bytes: u64,
    /// How deep arrays and objects of a JSON document are nested.
    pub json_depth: usize,
    /// Indexes in indexes.
    pub index_depth: usize,
    /// Of an archive that is compressed as a whole: the length of all its JSON
    /// documents, which are kept, since going back for each would take too long.
    pub documents_bytes: u64,
    /// Entries of one layer, and members of an archive.
    pub n_entries: u64,
    /// Length of a name or of a link's target.
    pub path_bytes: u64,
    /// Length of the PAX records of one member: names, attributes, sparse maps.
    pub pax_bytes: u64,
    /// Pieces of one sparse file.
    pub n_sparse_pieces: usize,
    /// Bytes that a layer, or a whole archive, may inflate to whatever its compressed size is.
    pub free_inflated_bytes: u64,
    /// The same for all layers of an archive together.
    pub free_inflated_bytes_in_all: u64,
    /// Beyond that, how many bytes one stored byte may become.
    pub inflate_ratio: u64,
    /// How far back a Zstandard frame may refer, which has to be kept.
    pub zstd_window_bytes: u64,
    /// Files of a context that are looked into because they begin, or are named, like an archive.
    pub n_archives: u64,
    /// Members of one of them that are listed.
    pub n_archive_members: u64,
    /// The same for all of them together.
    pub n_archive_members_in_all: u64,
    /// Bytes of the tar in one of them that are read, inflated where it is compressed.
    pub archive_tar_bytes: u64,
    /// The same for all of them together.
    pub archive_tar_bytes_in_all: u64,
}

impl Limits {
    /// What a page in a browser can bear; no ordinary image comes near.
    #[must_use]
    pub fn for_browser() -> Self {
        Self {
            json_bytes: 16 << 20,
            json_depth: 128,
            index_depth: 16,
            documents_bytes: 64 << 20,
            n_entries: 4_000_000,
            path_bytes: 16 << 10,
            pax_bytes: 1 << 20,
            n_sparse_pieces: 1 << 20,
            free_inflated_bytes: 1 << 30,
            free_inflated_bytes_in_all: 8 << 30,
            inflate_ratio: 200,
            zstd_window_bytes: 128 << 20,
            n_archives: 1000,
            n_archive_members: 50_000,
            n_archive_members_in_all: 100_000,
            archive_tar_bytes: 1 << 30,
            archive_tar_bytes_in_all: 4 << 30,
        }
    }

    /// What all layers of an archive of this length may inflate to together.
    #[must_use]
    pub fn inflated_bytes_in_all(&self, archive_bytes: u64) -> u64 {
        self.free_inflated_bytes_in_all.max(archive_bytes.saturating_mul(self.inflate_ratio))
    }

    /// What someone asks for who wants to go on past one of them: all that costs time and memory,
    /// so many times as much.
    #[must_use]
    pub fn raised(self, times: u32) -> Self {
        let times = times.max(1);
        let more = |limit: u64| limit.saturating_mul(u64::from(times));
        let many = |limit: usize| limit.saturating_mul(usize::try_from(times).unwrap_or(usize::MAX));
        Self {
            json_bytes: more(self.json_bytes),
            documents_bytes: more(self.documents_bytes),
            n_entries: more(self.n_entries),
            path_bytes: more(self.path_bytes),
            pax_bytes: more(self.pax_bytes),
            n_sparse_pieces: many(self.n_sparse_pieces),
            free_inflated_bytes: more(self.free_inflated_bytes),
            free_inflated_bytes_in_all: more(self.free_inflated_bytes_in_all),
            inflate_ratio: more(self.inflate_ratio),
            // What nests is walked by calls, and the stack is what it is; a wider window needs as much memory.
            json_depth: self.json_depth,
            index_depth: self.index_depth,
            zstd_window_bytes: self.zstd_window_bytes,
            // No layer has to do with these.
            n_archives: self.n_archives,
            n_archive_members: self.n_archive_members,
            n_archive_members_in_all: self.n_archive_members_in_all,
            archive_tar_bytes: self.archive_tar_bytes,
            archive_tar_bytes_in_all: self.archive_tar_bytes_in_all,
        }
    }
}

/// Told how many bytes were read from the source so far; answers whether to go on.
pub type OnRead<'a> = dyn FnMut(u64) -> ControlFlow<()> + 'a;

/// The error that carries a stop through readers that only know [`io::Error`].
#[derive(Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

/// The error says that reading was stopped.
#[must_use]
pub fn is_stop(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Stopped>())
}

/// Each read of a source costs a message to another process, so that large
/// pieces pay off; but not where most of one would be skipped.
const SEQUENTIAL_BYTES: usize = 4 << 20;
const SEEKING_BYTES: usize = 256 << 10;

/// A seekable reader over a source, with one buffer.
pub struct Window<'a> {
    source: &'a mut dyn ByteSource,
    on_read: Option<&'a mut OnRead<'a>>,
    buf: Vec<u8>,
    buf_start: u64,
    pos: u64,
    size_bytes: u64,
    n_read: u64,
    /// How much was wanted last.
    wanted: usize,
}

impl<'a> Window<'a> {
    /// Begins at the first byte.
    pub fn new(source: &'a mut dyn ByteSource, on_read: &'a mut OnRead<'a>) -> Self {
        Self { on_read: Some(on_read), ..Self::quiet(source) }
    }

    /// The same, but nobody is told of what is read.
    pub fn quiet(source: &'a mut dyn ByteSource) -> Self {
        let size_bytes = source.size_bytes();
        let wanted = SEEKING_BYTES;
        Self { source, on_read: None, buf: Vec::new(), buf_start: 0, pos: 0, size_bytes, n_read: 0, wanted }
    }

    /// Nothing is read from this offset on, not even ahead.
    #[must_use]
    pub fn until(mut self, end: u64) -> Self {
        self.size_bytes = self.size_bytes.min(end);
        self
    }

    /// The length of the source.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn fill(&mut self) -> io::Result<()> {
        let end = self.buf_start + self.buf.len() as u64;
        let gap_bytes = self.pos.checked_sub(end).filter(|_| self.pos > 0);
        self.wanted = match gap_bytes {
            Some(0) => SEQUENTIAL_BYTES,
            // Little was left out: the members here are small, and most of a larger piece is wanted.
            Some(gap_bytes) if gap_bytes < self.wanted as u64 => (self.wanted * 2).min(SEQUENTIAL_BYTES),
            _ => SEEKING_BYTES,
        };
        if let Some(at) = self.source.flows_from() {
            // Passed in pieces, so that a stop is heard on the way.
            let mut at = if at > self.pos { 0 } else { at };
            while at < self.pos {
                self.fill_from(at, self.pos - at, SEQUENTIAL_BYTES)?;
                if self.buf.is_empty() {
                    break;
                }
                at += self.buf.len() as u64;
            }
        }
        self.fill_from(self.pos, self.size_bytes.saturating_sub(self.pos), self.wanted)
    }

    /// Makes the buffer hold bytes from `start` on: `left` of them, but no more than `most`.
    fn fill_from(&mut self, start: u64, left: u64, most: usize) -> io::Result<()> {
        self.buf.resize(most.min(usize::try_from(left).unwrap_or(usize::MAX)), 0);
        self.buf_start = start;
        let mut n_filled = 0;
        while let Some(rest) = self.buf.get_mut(n_filled..).filter(|rest| !rest.is_empty()) {
            let n = self.source.read_at(start + n_filled as u64, rest).map_err(io::Error::other)?;
            if n == 0 {
                break;
            }
            n_filled += n;
        }
        self.buf.truncate(n_filled);
        self.n_read += n_filled as u64;
        let Some(on_read) = &mut self.on_read else { return Ok(()) };
        match on_read(self.n_read) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(io::Error::other(Stopped)),
        }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || self.pos >= self.size_bytes {
            return Ok(0);
        }
        let end = self.buf_start + self.buf.len() as u64;
        if self.pos < self.buf_start || self.pos >= end {
            self.fill()?;
        }
        let start = usize::try_from(self.pos - self.buf_start).unwrap_or(usize::MAX);
        let ready = self.buf.get(start..).unwrap_or(&[]);
        let n = ready.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), ready.get(..n)) {
            to.copy_from_slice(from);
        }
        self.pos += n as u64;
        Ok(n)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size_bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.pos.checked_add_signed(offset),
        };
        self.pos = target
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the first byte"))?;
        Ok(self.pos)
    }
}

#[cfg(test)]
mod testing {
    use std::io::Write as _;

    pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_seeks() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
        let mut source = SliceSource(&bytes);
        let mut seen = 0;
        let mut on_read = |n| {
            seen = n;
            ControlFlow::Continue(())
        };
        let mut window = Window::new(&mut source, &mut on_read);
        let mut all = Vec::new();
        window.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes);
        window.seek(SeekFrom::Start(999_999)).unwrap();
        let mut one = [0; 2];
        assert_eq!(window.read(&mut one).unwrap(), 1);
        assert_eq!(one[0], bytes[999_999]);
        assert!(seen >= 1_000_000);
    }

    #[test]
    fn stops_when_told() {
        let mut source = SliceSource(b"abc");
        let mut on_read = |_| ControlFlow::Break(());
        let mut window = Window::new(&mut source, &mut on_read);
        assert!(is_stop(&window.read(&mut [0; 1]).unwrap_err()));
    }
}
