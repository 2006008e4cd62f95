//! One source for several readers, and compressed parts of it that are read onward.
//!
//! A [`Part`] reads a stretch of a [`Shared`] source. An [`Onward`] is what comes
//! out of a compressed part: it stands where it last stopped, keeps what came
//! out last, up to a limit, and begins again only where something before that is
//! asked for. Both are byte sources themselves. [`super::inflated`] is the same
//! for a single pass in order, where nothing has to be kept.
//!
//! Damage of the compressed data ends the source there, like a file that is cut;
//! [`Onward::damage`] tells of it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use super::compression::{Compression, Damage, Inflate, Quota};
use super::{ByteSource, SourceError};

/// A source that several readers use in turns.
pub type Shared<'s> = Rc<RefCell<dyn ByteSource + 's>>;

/// Shares a source.
#[must_use]
pub fn share<'s>(source: Box<dyn ByteSource + 's>) -> Shared<'s> {
    Rc::new(RefCell::new(Owned(source)))
}

struct Owned<'s>(Box<dyn ByteSource + 's>);

impl ByteSource for Owned<'_> {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        self.0.read_at(offset, buf)
    }

    fn flows_from(&self) -> Option<u64> {
        self.0.flows_from()
    }
}

/// A stretch of a source, as if it were all of it.
#[derive(Clone)]
pub struct Part<'s> {
    source: Shared<'s>,
    start: u64,
    size_bytes: u64,
}

impl<'s> Part<'s> {
    /// `size_bytes` from `start` on; the source may end before.
    #[must_use]
    pub fn new(source: Shared<'s>, start: u64, size_bytes: u64) -> Self {
        Self { source, start, size_bytes }
    }
}

impl ByteSource for Part<'_> {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        let left = usize::try_from(self.size_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let most = left.min(buf.len());
        match (self.start.checked_add(offset), buf.get_mut(..most)) {
            (Some(at), Some(buf)) if most > 0 => self.source.borrow_mut().read_at(at, buf),
            _ => Ok(0),
        }
    }
}

/// Reads a part from its first byte on.
struct PartReader<'s> {
    part: Part<'s>,
    /// Where it stands, told to the [`Onward`] that it belongs to.
    pos: Rc<Cell<u64>>,
}

impl Read for PartReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.part.read_at(self.pos.get(), buf).map_err(io::Error::other)?;
        self.pos.set(self.pos.get() + n as u64);
        Ok(n)
    }
}

/// Compressed bytes are fetched in pieces of this length: each costs a message to another process.
const FETCH_BYTES: usize = 1 << 20;

/// Bytes come out in pieces of this length.
const SCRATCH_BYTES: usize = 64 << 10;

/// What comes out of a compressed part.
pub struct Onward<'s> {
    part: Part<'s>,
    compression: Compression,
    quota: Quota,
    /// `None` before the first byte.
    inflate: Option<Inflate<BufReader<PartReader<'s>>>>,
    stored_pos: Rc<Cell<u64>>,
    scratch: Vec<u8>,
    /// The bytes before `pos`.
    kept: VecDeque<u8>,
    most_kept: usize,
    /// How much came out since the first byte.
    pos: u64,
    is_at_end: bool,
    damage: Option<Damage>,
    n_inflated: Rc<Cell<u64>>,
}

impl<'s> Onward<'s> {
    /// Keeps about `kept_bytes`; all that comes out, again or not, is added to `n_inflated`.
    #[must_use]
    pub fn new(
        part: Part<'s>,
        compression: Compression,
        quota: Quota,
        kept_bytes: usize,
        n_inflated: Rc<Cell<u64>>,
    ) -> Self {
        Self {
            part,
            compression,
            quota,
            inflate: None,
            stored_pos: Rc::default(),
            scratch: Vec::new(),
            kept: VecDeque::new(),
            most_kept: kept_bytes.max(SCRATCH_BYTES),
            pos: 0,
            is_at_end: false,
            damage: None,
            n_inflated,
        }
    }

    /// What is wrong with the compressed data, if its end was reached by that.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Compressed bytes that were taken since the first byte.
    #[must_use]
    pub fn n_stored(&self) -> u64 {
        self.stored_pos.get()
    }

    /// Where the compressed data will be read next if bytes from `offset` on are asked for; `None`
    /// where that is not necessary.
    #[must_use]
    pub fn stored_pos(&self, offset: u64) -> Option<u64> {
        if offset < self.kept_from() {
            return Some(0);
        }
        (offset >= self.pos && !self.is_at_end).then(|| self.stored_pos.get())
    }

    /// How many bytes have to come out to get to `offset`.
    #[must_use]
    pub fn distance(&self, offset: u64) -> u64 {
        if offset < self.kept_from() { offset } else { offset.saturating_sub(self.pos) }
    }

    /// Goes on to `offset`, in steps: `hear` is told after each how many bytes were passed, and
    /// answers whether to go on.
    ///
    /// # Errors
    /// Where the compressed bytes cannot be had.
    pub fn approach(
        &mut self,
        offset: u64,
        hear: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SourceError> {
        if offset < self.kept_from() {
            self.restart();
        }
        let mut n_passed = 0;
        while self.pos < offset && !self.is_at_end {
            n_passed += self.step()?;
            if hear(n_passed).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn kept_from(&self) -> u64 {
        self.pos - self.kept.len() as u64
    }

    fn restart(&mut self) {
        self.inflate = None;
        self.stored_pos = Rc::default();
        self.kept.clear();
        (self.pos, self.is_at_end, self.damage) = (0, false, None);
    }

    /// Inflates a piece and tells how long it is; 0 at the end.
    fn step(&mut self) -> Result<u64, SourceError> {
        if self.inflate.is_none() {
            let reader = PartReader { part: self.part.clone(), pos: Rc::clone(&self.stored_pos) };
            let reader = BufReader::with_capacity(FETCH_BYTES, reader);
            self.inflate = Inflate::new(self.compression, reader, self.quota);
        }
        self.scratch.resize(SCRATCH_BYTES, 0);
        let outcome = self.inflate.as_mut().map_or(Ok(0), |inflate| inflate.read(&mut self.scratch));
        let n = match outcome {
            Ok(n) => n,
            Err(error) => match Damage::of(&error) {
                Some(damage) => {
                    self.damage = Some(damage);
                    0
                }
                None => {
                    // A decoder cannot go on where it was refused bytes.
                    self.restart();
                    return Err(SourceError { offset: self.part.start, message: error.to_string() });
                }
            },
        };
        self.is_at_end = n == 0;
        let n_over = (self.kept.len() + n).saturating_sub(self.most_kept);
        self.kept.drain(..n_over);
        self.kept.extend(self.scratch.get(..n).unwrap_or(&[]));
        self.pos += n as u64;
        self.n_inflated.set(self.n_inflated.get() + n as u64);
        Ok(n as u64)
    }
}

impl ByteSource for Onward<'_> {
    /// As large as can be until the end was seen.
    fn size_bytes(&self) -> u64 {
        if self.is_at_end { self.pos } else { u64::MAX }
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        if buf.is_empty() {
            return Ok(0);
        }
        if offset < self.kept_from() {
            self.restart();
        }
        while self.pos <= offset && !self.is_at_end {
            self.step()?;
        }
        let start = usize::try_from(offset - self.kept_from()).unwrap_or(usize::MAX);
        let (front, back) = self.kept.as_slices();
        let ready = match front.get(start..) {
            Some(ready) if !ready.is_empty() => ready,
            _ => back.get(start.saturating_sub(front.len())..).unwrap_or(&[]),
        };
        let n = ready.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), ready.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::testing::gzip;
    use crate::archive::{Limits, SliceSource};

    fn onward(stored: &[u8], kept_bytes: usize) -> (Onward<'_>, Rc<Cell<u64>>) {
        let n_inflated = Rc::default();
        let source = share(Box::new(SliceSource(stored)));
        let part = Part::new(source, 0, stored.len() as u64);
        let quota = Quota::new(&Limits::for_browser());
        (Onward::new(part, Compression::Gzip, quota, kept_bytes, Rc::clone(&n_inflated)), n_inflated)
    }

    #[test]
    fn what_came_last_is_not_inflated_again() {
        let bytes: Vec<u8> = (0..900_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
        let stored = gzip(&bytes);
        let (mut onward, n_inflated) = onward(&stored, 256 << 10);
        for (offset, most) in [(500_000, 600_000), (300_000, 600_000), (899_999, 900_000), (0, 1_000_000)] {
            let mut some = [0; 100];
            let n = onward.read_at(offset, &mut some).unwrap();
            let at = usize::try_from(offset).unwrap();
            assert!(n > 0 && some[..n] == bytes[at..at + n], "at {offset}");
            assert!(n_inflated.get() <= most, "{} bytes at {offset}", n_inflated.get());
            assert!(onward.kept.len() <= 256 << 10);
        }
    }

    #[test]
    fn passing_can_be_stopped_and_goes_on() {
        let stored = gzip(&[7; 500_000]);
        let (mut onward, n_inflated) = onward(&stored, 0);
        let stopped = onward.approach(400_000, &mut |n| {
            if n > 100_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((stopped, n_inflated.get()), (Ok(ControlFlow::Break(())), 131_072));
        assert_eq!(onward.distance(400_000), 400_000 - 131_072);
        assert_eq!(
            onward.approach(400_000, &mut |_| ControlFlow::Continue(())),
            Ok(ControlFlow::Continue(()))
        );
        assert_eq!(onward.read_at(499_999, &mut [0; 2]), Ok(1));
        assert_eq!((onward.read_at(500_000, &mut [0; 2]), onward.size_bytes()), (Ok(0), 500_000));
        assert_eq!(n_inflated.get(), 500_000);
    }

    #[test]
    fn damage_is_the_end() {
        let stored = gzip(&[7; 5000]);
        let (mut onward, _) = onward(&stored[..stored.len() - 3], 0);
        assert_eq!(onward.read_at(4999, &mut [0; 10]), Ok(1));
        assert_eq!((onward.read_at(5000, &mut [0; 10]), onward.damage()), (Ok(0), Some(&Damage::Truncated)));
        assert_eq!(onward.read_at(0, &mut [0; 10]), Ok(10));
    }
}
