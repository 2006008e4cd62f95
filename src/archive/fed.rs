//! A stretch of a longer stream, as far as its bytes have come.

use std::io::{self, ErrorKind, Read};

use super::skip::Skip;

/// Reads what has come. Before the stream ends, what has not come yet is an error of the kind
/// [`ErrorKind::WouldBlock`]: whoever feeds it knows where to go on.
pub struct Fed<'a> {
    bytes: &'a [u8],
    /// Where they stand in the stream.
    start: u64,
    pos: u64,
    end: u64,
}

impl<'a> Fed<'a> {
    /// `bytes` stand at `start` of a stream that ends at `end`; reading begins at `pos`.
    #[must_use]
    pub fn new(bytes: &'a [u8], start: u64, pos: u64, end: u64) -> Self {
        Self { bytes, start, pos, end }
    }
}

impl Read for Fed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.pos);
        if left == 0 || out.is_empty() {
            return Ok(0);
        }
        let from = self.pos.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        let ready = from.and_then(|from| self.bytes.get(from..)).filter(|ready| !ready.is_empty());
        let Some(ready) = ready else { return Err(ErrorKind::WouldBlock.into()) };
        let n = ready.len().min(out.len()).min(usize::try_from(left).unwrap_or(usize::MAX));
        if let (Some(to), Some(from)) = (out.get_mut(..n), ready.get(..n)) {
            to.copy_from_slice(from);
        }
        self.pos += n as u64;
        Ok(n)
    }
}

impl Skip for Fed<'_> {
    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let n = n.min(self.end.saturating_sub(self.pos));
        self.pos += n;
        Ok(n)
    }
}
