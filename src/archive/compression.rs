//! What bytes are, by their first few, and how to undo a compression.
//!
//! Neither a name nor a media type decides: people rename files, and tools
//! write gzip into `layer.tar`.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

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

/// Inflates gzip, all of its members.
#[must_use]
pub fn gunzip<R: Read>(reader: R) -> MultiGzDecoder<BufReader<R>> {
    MultiGzDecoder::new(BufReader::with_capacity(256 << 10, reader))
}

/// A reader that fails once more comes out than `n_max` bytes.
pub struct Capped<R> {
    inner: R,
    left: u64,
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

impl<R: Read> Capped<R> {
    /// Wraps `inner`.
    pub fn new(inner: R, n_max: u64) -> Self {
        Self { inner, left: n_max }
    }

    /// The wrapped reader.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        match self.left.checked_sub(n as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(InflatedTooLarge)),
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_magic() {
        assert_eq!(Compression::sniff(&[0x1f, 0x8b, 8]), Compression::Gzip);
        assert_eq!(Compression::sniff(&[0x28, 0xb5, 0x2f, 0xfd]), Compression::Zstd);
        assert_eq!(Compression::sniff(b"manifest.json"), Compression::None);
        assert_eq!(known_kind(b"\x89PNG\r\n"), Some("a PNG picture"));
        assert_eq!(known_kind(b"hello"), Some("a text"));
        assert_eq!(known_kind(&[0, 1, 2]), None);
    }

    #[test]
    fn capped() {
        let mut out = Vec::new();
        assert!(Capped::new(&b"1234"[..], 4).read_to_end(&mut out).is_ok());
        assert!(Capped::new(&b"1234"[..], 3).read_to_end(&mut out).is_err());
    }
}
