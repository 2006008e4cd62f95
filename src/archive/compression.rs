//! What bytes are, by their first few, and how to undo a compression.
//!
//! Neither a name nor a media type decides: people rename files, and tools
//! write gzip into `layer.tar`.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::zstd::Unzstd;
use super::{Limits, SourceError, is_stop};

/// How something is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Looks at the first bytes; four are enough.
    #[must_use]
    pub fn sniff(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A frame to be skipped may come first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// The name of a compression that is not read, if the first bytes are those of one.
#[must_use]
pub fn unread_compression(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("xz"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some("bzip2"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
        [0x5d, 0, 0, _, _, _, _, _, _, _, _, _, 0, ..] => Some("lzma"),
        _ => None,
    }
}

/// What a file that is no tar looks like, for a message; `None` if it looks like nothing known.
#[must_use]
pub fn known_kind(head: &[u8]) -> Option<&'static str> {
    Some(match head {
        [0x89, b'P', b'N', b'G', ..] => "a PNG picture",
        [0xff, 0xd8, 0xff, ..] => "a JPEG picture",
        [b'G', b'I', b'F', b'8', ..] => "a GIF picture",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        [0x7f, b'E', b'L', b'F', ..] => "a Linux program",
        [b'M', b'Z', ..] => "a Windows program",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "an xz file",
        [b'B', b'Z', b'h', ..] => "a bzip2 file",
        [b'7', b'z', 0xbc, 0xaf, ..] => "a 7-Zip archive",
        [0x1f, 0x8b, ..] => "a gzip file",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a Zstandard file",
        [b'{' | b'[', ..] => "a JSON text",
        [] => "an empty file",
        _ if !head.is_empty() && std::str::from_utf8(head).is_ok_and(|text| !text.contains('\0')) => "a text",
        _ => return None,
    })
}

/// How much may come out of compressed data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// So many bytes come out in any case.
    pub free_bytes: u64,
    /// Beyond them, so many for each byte that went in.
    pub ratio: u64,
    /// Never more than this.
    pub most_bytes: u64,
    /// How far back a Zstandard frame may refer, which has to be kept.
    pub window_bytes: u64,
}

impl Quota {
    /// That of one stream.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            free_bytes: limits.free_inflated_bytes,
            ratio: limits.inflate_ratio,
            most_bytes: u64::MAX,
            window_bytes: limits.zstd_window_bytes,
        }
    }

    pub(super) fn check(&self, n_in: u64, n_out: u64) -> io::Result<()> {
        let allowed = self.free_bytes.max(n_in.saturating_mul(self.ratio)).min(self.most_bytes);
        if n_out > allowed { Err(io::Error::other(InflatedTooLarge)) } else { Ok(()) }
    }
}

/// Counts what is taken out of it.
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) n_bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.n_bytes += n as u64;
        Ok(n)
    }
}

/// Where a [`Gunzip`] stands.
enum State<R> {
    /// Within a member.
    Inside(Box<GzDecoder<BufReader<Counted<R>>>>),
    /// Behind the last one.
    Done { rest: BufReader<Counted<R>>, has_more: bool },
    /// Between two states only.
    Moving,
}

/// Inflates gzip, all of its members, up to a limit.
///
/// Bytes behind the last member that begin no further one are left alone, as
/// `gzip` does with zeros; [`Gunzip::has_data_after_end`] tells of them.
pub struct Gunzip<R: Read> {
    state: State<R>,
    n_out: u64,
    quota: Quota,
}

/// More came out of a compressed stream than the limit allows.
#[derive(Debug)]
pub struct InflatedTooLarge;

impl std::fmt::Display for InflatedTooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it inflates beyond the limit")
    }
}

impl std::error::Error for InflatedTooLarge {}

impl<R: Read> Gunzip<R> {
    /// Wraps `inner`.
    pub fn new(inner: R, quota: Quota) -> Self {
        let buffered = BufReader::with_capacity(256 << 10, Counted { inner, n_bytes: 0 });
        Self { state: State::Inside(Box::new(GzDecoder::new(buffered))), n_out: 0, quota }
    }

    /// Bytes taken from the wrapped reader.
    #[must_use]
    pub fn n_in(&self) -> u64 {
        match &self.state {
            State::Inside(decoder) => decoder.get_ref().get_ref().n_bytes,
            State::Done { rest, .. } => rest.get_ref().n_bytes,
            State::Moving => 0,
        }
    }

    /// Something follows the last member, known once all was read.
    #[must_use]
    pub fn has_data_after_end(&self) -> bool {
        matches!(self.state, State::Done { has_more: true, .. })
    }

    /// Goes on behind a member.
    fn next_member(&mut self) -> io::Result<()> {
        if let State::Inside(decoder) = std::mem::replace(&mut self.state, State::Moving) {
            let mut rest = decoder.into_inner();
            let head = rest.fill_buf()?;
            let (has_more, is_member) = (!head.is_empty(), matches!(head, [0x1f, 0x8b, ..] | [0x1f]));
            self.state = if is_member {
                State::Inside(Box::new(GzDecoder::new(rest)))
            } else {
                State::Done { rest, has_more }
            };
        }
        Ok(())
    }

    /// The wrapped reader; what was buffered of it is gone.
    pub fn into_inner(self) -> Option<R> {
        let buffered = match self.state {
            State::Inside(decoder) => decoder.into_inner(),
            State::Done { rest, .. } => rest,
            State::Moving => return None,
        };
        Some(buffered.into_inner().inner)
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let State::Inside(decoder) = &mut self.state else { return Ok(0) };
            let n = decoder.read(buf)?;
            let n_in = decoder.get_ref().get_ref().n_bytes;
            if n == 0 {
                self.next_member()?;
                continue;
            }
            self.n_out += n as u64;
            self.quota.check(n_in, self.n_out)?;
            return Ok(n);
        }
    }
}

/// A setting of a compression that is not read.
#[derive(Debug)]
pub(super) struct NotSupported {
    /// Compression and setting.
    pub(super) what: String,
}

impl std::fmt::Display for NotSupported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is not read", self.what)
    }
}

impl std::error::Error for NotSupported {}

/// What is wrong with compressed data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Damage {
    /// It ends too early.
    Truncated,
    /// A checksum, a length or the data itself is wrong.
    Corrupt {
        /// What the decoder says.
        message: String,
    },
    /// More comes out than the limit.
    TooLarge,
    /// A setting that is not read.
    NotSupported {
        /// Compression and setting.
        what: String,
    },
}

impl Damage {
    /// What a failed read of an [`Inflate`] means; `None` where it was stopped
    /// or the stored bytes could not be had.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref();
        if is_stop(error) || inner.is_some_and(|inner| inner.is::<SourceError>()) {
            return None;
        }
        if inner.is_some_and(|inner| inner.is::<InflatedTooLarge>()) {
            return Some(Self::TooLarge);
        }
        if let Some(refused) = inner.and_then(|inner| inner.downcast_ref::<NotSupported>()) {
            return Some(Self::NotSupported { what: refused.what.clone() });
        }
        Some(match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Corrupt { message: error.to_string() },
        })
    }
}

/// Undoes a compression that was recognized.
pub enum Inflate<R: Read> {
    /// gzip.
    Gzip(Gunzip<R>),
    /// Zstandard.
    Zstd(Box<Unzstd<R>>),
}

impl<R: Read> Inflate<R> {
    /// Wraps `inner`; `None` where nothing is to be undone.
    pub fn new(compression: Compression, inner: R, quota: Quota) -> Option<Self> {
        match compression {
            Compression::None => None,
            Compression::Gzip => Some(Self::Gzip(Gunzip::new(inner, quota))),
            Compression::Zstd => Some(Self::Zstd(Box::new(Unzstd::new(inner, quota)))),
        }
    }

    /// Something follows the compressed data, known once all was read.
    #[must_use]
    pub fn has_data_after_end(&self) -> bool {
        match self {
            Self::Gzip(gunzip) => gunzip.has_data_after_end(),
            Self::Zstd(unzstd) => unzstd.has_data_after_end(),
        }
    }

    /// Bytes taken from the wrapped reader.
    #[must_use]
    pub fn n_in(&self) -> u64 {
        match self {
            Self::Gzip(gunzip) => gunzip.n_in(),
            Self::Zstd(unzstd) => unzstd.n_in(),
        }
    }

    /// The wrapped reader; what was buffered of it is gone.
    pub fn into_inner(self) -> Option<R> {
        match self {
            Self::Gzip(gunzip) => gunzip.into_inner(),
            Self::Zstd(unzstd) => Some(unzstd.into_inner()),
        }
    }
}

impl<R: Read> Read for Inflate<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(gunzip) => gunzip.read(buf),
            Self::Zstd(unzstd) => unzstd.read(buf),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::testing::gzip;

    #[test]
    fn by_magic() {
        assert_eq!(Compression::sniff(&[0x1f, 0x8b, 8]), Compression::Gzip);
        assert_eq!(Compression::sniff(&[0x28, 0xb5, 0x2f, 0xfd]), Compression::Zstd);
        assert_eq!(Compression::sniff(b"manifest.json"), Compression::None);
        assert_eq!(known_kind(b"\x89PNG\r\n"), Some("a PNG picture"));
        assert_eq!(known_kind(b"hello"), Some("a text"));
        assert_eq!(known_kind(&[0, 1, 2]), None);
    }

    fn inflate(stored: &[u8], free_bytes: u64) -> io::Result<(Vec<u8>, bool)> {
        let mut reader =
            Gunzip::new(stored, Quota { free_bytes, ratio: 2, most_bytes: u64::MAX, window_bytes: 0 });
        let mut out = Vec::new();
        reader.read_to_end(&mut out)?;
        Ok((out, reader.has_data_after_end()))
    }

    #[test]
    fn members_and_what_follows() {
        let two = [gzip(b"ab"), gzip(b""), gzip(b"c")].concat();
        assert_eq!(inflate(&two, 100).unwrap(), (b"abc".to_vec(), false));
        let followed = [&two[..], b"garbage"].concat();
        assert_eq!(inflate(&followed, 100).unwrap(), (b"abc".to_vec(), true));
        assert!(inflate(&two[..two.len() - 1], 100).is_err());
    }

    #[test]
    fn stops_at_the_limit() {
        let zeros = gzip(&[0; 100_000]);
        assert!(inflate(&zeros, 100_000).is_ok());
        let error = inflate(&zeros, 99_999).unwrap_err();
        assert!(error.get_ref().unwrap().is::<InflatedTooLarge>());
    }
}
