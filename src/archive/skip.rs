//! Readers that can leave bytes out, by seeking or by reading on.

use std::io::{self, Read, Seek, SeekFrom};

/// What is left out is read in pieces of this length.
pub(super) const SCRATCH_BYTES: usize = 64 << 10;

/// A reader that can leave bytes out.
pub trait Skip: Read {
    /// Leaves out `n` bytes; tells how many there were.
    ///
    /// # Errors
    /// Where reading fails.
    fn skip(&mut self, n: u64) -> io::Result<u64>;
}

/// Skips by seeking.
pub struct Seeking<R>(pub R);

impl<R: Read> Read for Seeking<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<R: Read + Seek> Skip for Seeking<R> {
    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let before = self.0.stream_position()?;
        let end = self.0.seek(SeekFrom::End(0))?;
        let target = before.saturating_add(n).min(end);
        self.0.seek(SeekFrom::Start(target))?;
        Ok(target - before.min(target))
    }
}

/// Skips by reading, for streams that are hashed or inflated on the way.
pub struct Streaming<R> {
    inner: R,
    scratch: Vec<u8>,
}

impl<R: Read> Streaming<R> {
    /// Wraps `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, scratch: vec![0; SCRATCH_BYTES] }
    }

    /// Reads what is left, and gives the wrapped reader back.
    ///
    /// # Errors
    /// Where reading fails.
    pub fn drain(mut self) -> io::Result<R> {
        self.read_to_end()?;
        Ok(self.inner)
    }

    /// Reads what is left.
    ///
    /// # Errors
    /// Where reading fails.
    pub fn read_to_end(&mut self) -> io::Result<()> {
        while self.inner.read(&mut self.scratch)? > 0 {}
        Ok(())
    }

    /// The wrapped reader.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Streaming<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf)
    }
}

impl<R: Read> Skip for Streaming<R> {
    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut left = n;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(self.scratch.len());
            let got = self.inner.read(self.scratch.get_mut(..wanted).unwrap_or(&mut []))?;
            if got == 0 {
                break;
            }
            left -= got as u64;
        }
        Ok(n - left)
    }
}
