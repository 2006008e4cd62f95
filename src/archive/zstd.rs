//! Zstandard, frame by frame.
//!
//! Frames follow one another and skippable frames, which hold anything else,
//! such as the table of contents of zstd:chunked, are left out. Checksums and
//! lengths that a frame carries are compared. A frame that asks for a larger
//! window than the limit, or for a dictionary, is refused before anything is
//! allocated. Format: [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878).

use std::io::{self, BufReader, Read};

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::compression::{Counted, NotSupported, Quota};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Remembers why reading ended, which the decoder's errors only tell in words.
struct Watched<R> {
    inner: BufReader<Counted<R>>,
    error: Option<io::Error>,
    is_at_end: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        match self.inner.read(buf) {
            Ok(n) => {
                self.is_at_end |= n == 0;
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.error = Some(error);
                Err(kind.into())
            }
        }
    }
}

/// Where an [`Unzstd`] stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    Inside,
    Done,
}

/// Undoes Zstandard, all frames, up to a limit.
pub struct Unzstd<R> {
    source: Watched<R>,
    decoder: FrameDecoder,
    state: State,
    n_frame_out: u64,
    n_out: u64,
    has_more: bool,
    quota: Quota,
}

impl<R: Read> Unzstd<R> {
    /// Wraps `inner`.
    pub fn new(inner: R, quota: Quota) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(quota.window_bytes);
        let inner = BufReader::with_capacity(256 << 10, Counted { inner, n_bytes: 0 });
        let source = Watched { inner, error: None, is_at_end: false };
        Self { source, decoder, state: State::Between, n_frame_out: 0, n_out: 0, has_more: false, quota }
    }

    /// Something that is no frame follows the last one, known once all was read.
    #[must_use]
    pub fn has_data_after_end(&self) -> bool {
        self.has_more
    }

    /// Bytes taken from the wrapped reader.
    #[must_use]
    pub fn n_in(&self) -> u64 {
        self.source.inner.get_ref().n_bytes
    }

    /// The wrapped reader; what was buffered of it is gone.
    pub fn into_inner(self) -> R {
        self.source.inner.into_inner().inner
    }

    /// The decoder's error, or the reason why it got no bytes.
    fn error(&mut self, error: &FrameDecoderError) -> io::Error {
        if let Some(error) = self.source.error.take() {
            return error;
        }
        match error {
            FrameDecoderError::WindowSizeTooBig { requested, .. } => {
                io::Error::other(NotSupported { what: format!("zstd with a window of {requested} bytes") })
            }
            FrameDecoderError::DictNotProvided { .. } => {
                io::Error::other(NotSupported { what: "zstd with a dictionary".to_owned() })
            }
            _ if self.source.is_at_end => io::ErrorKind::UnexpectedEof.into(),
            error => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
        }
    }

    /// Reads up to four bytes.
    fn word(&mut self) -> io::Result<([u8; 4], usize)> {
        let mut word = [0; 4];
        let mut n_read = 0;
        while let Some(rest) = word.get_mut(n_read..).filter(|rest| !rest.is_empty()) {
            match self.source.inner.read(rest) {
                Ok(0) => break,
                Ok(n) => n_read += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok((word, n_read))
    }

    fn next_frame(&mut self) -> io::Result<()> {
        let (magic, n_read) = self.word()?;
        match (magic, n_read) {
            (_, 0) => self.state = State::Done,
            (MAGIC, 4) => {
                let outcome = self.decoder.init(magic.chain(&mut self.source));
                outcome.map_err(|error| self.error(&error))?;
                self.n_frame_out = 0;
                self.state = State::Inside;
            }
            ([0x50..=0x5f, 0x2a, 0x4d, 0x18], 4) => {
                let (length, n_read) = self.word()?;
                let wanted = u64::from(u32::from_le_bytes(length));
                let n_skipped = io::copy(&mut (&mut self.source.inner).take(wanted), &mut io::sink())?;
                if n_read < length.len() || n_skipped < wanted {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            (_, 1..4) if is_magic_begun(magic.get(..n_read).unwrap_or(&[])) => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            _ => {
                self.has_more = true;
                self.state = State::Done;
            }
        }
        Ok(())
    }

    /// Compares what a frame says of itself with what came out.
    fn end_frame(&mut self) -> io::Result<()> {
        self.state = State::Between;
        let wrong = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        let announced = self.decoder.content_size();
        if announced != 0 && announced != self.n_frame_out {
            return wrong("a frame has another length than it says");
        }
        let stored = self.decoder.get_checksum_from_data();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return wrong("the checksum of a frame is wrong");
        }
        Ok(())
    }
}

impl<R: Read> Read for Unzstd<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::Done => return Ok(0),
                State::Between => self.next_frame()?,
                State::Inside => {
                    let n = self.decoder.read(buf)?;
                    if n > 0 {
                        self.n_frame_out += n as u64;
                        self.n_out += n as u64;
                        self.quota.check(self.n_in(), self.n_out)?;
                        return Ok(n);
                    }
                    if self.decoder.is_finished() {
                        self.end_frame()?;
                        continue;
                    }
                    let step = BlockDecodingStrategy::UptoBlocks(1);
                    let outcome = self.decoder.decode_blocks(&mut self.source, step);
                    outcome.map_err(|error| self.error(&error))?;
                }
            }
        }
    }
}

/// Up to three bytes with which a frame begins, to be skipped or not.
fn is_magic_begun(bytes: &[u8]) -> bool {
    let is_skipped = matches!(bytes, [0x50..=0x5f] | [0x50..=0x5f, 0x2a] | [0x50..=0x5f, 0x2a, 0x4d]);
    is_skipped || MAGIC.starts_with(bytes)
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn quota(free_bytes: u64) -> Quota {
        Quota { free_bytes, ratio: 2, most_bytes: u64::MAX, window_bytes: 128 << 20 }
    }

    fn inflate(stored: &[u8], free_bytes: u64) -> io::Result<(Vec<u8>, bool)> {
        let mut reader = Unzstd::new(stored, quota(free_bytes));
        let mut out = Vec::new();
        reader.read_to_end(&mut out)?;
        Ok((out, reader.has_data_after_end()))
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    #[test]
    fn frames_and_what_follows() {
        let skipped = [0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let frames = [&skipped[..], &zstd(b"ab"), &zstd(b""), &skipped, &zstd(b"c")].concat();
        assert_eq!(inflate(&frames, 100).unwrap(), (b"abc".to_vec(), false));
        assert_eq!(inflate(&[&frames[..], b"garbage"].concat(), 100).unwrap(), (b"abc".to_vec(), true));
        for end in [frames.len() - 1, frames.len() - 5, 2, 10] {
            let error = inflate(&frames[..end], 100).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {end}");
        }
    }

    #[test]
    fn checksums_and_windows_are_looked_at() {
        let mut stored = zstd(b"some text");
        *stored.last_mut().unwrap() ^= 1;
        assert_eq!(inflate(&stored, 100).unwrap_err().kind(), io::ErrorKind::InvalidData);
        // A window descriptor of 2 GiB.
        let error = inflate(&[0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0], 100).unwrap_err();
        assert!(error.get_ref().unwrap().is::<NotSupported>(), "{error}");
    }

    #[test]
    fn stops_at_the_limit() {
        let zeros = zstd(&[0; 1_000_000]);
        assert!(inflate(&zeros, 1_000_000).is_ok());
        assert!(inflate(&zeros, 900_000).is_err());
    }
}
