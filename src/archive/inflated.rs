//! An archive that is compressed as a whole, read as if it were not.
//!
//! Compressed data has no places to begin at: an [`Inflated`] source is read
//! onward, and begins again at the first byte where something before is asked
//! for. Whoever reads it therefore goes through it in order of the offsets.
//! Points to restart from would save a second pass, but each has to keep what
//! the decoder may refer to, up to 128 MiB for Zstandard, and the decoders
//! give no such state away; beginning again needs no memory whatever the size.
//!
//! Damage of the compressed data ends the source there, like a file that is
//! cut; [`Flow`] tells of it.

use std::cell::{Cell, RefCell};
use std::io::{Read, Seek, SeekFrom};
use std::rc::Rc;

use super::compression::{Compression, Damage, Inflate, Quota};
use super::{ByteSource, SourceError, Window};

/// How far reading got, and what was wrong.
#[derive(Default, Debug)]
pub struct Flow {
    n_stored: Cell<u64>,
    has_more: Cell<bool>,
    damage: RefCell<Option<Damage>>,
}

impl Flow {
    /// Compressed bytes that were taken in this pass.
    #[must_use]
    pub fn n_stored(&self) -> u64 {
        self.n_stored.get()
    }

    /// Something follows the compressed data, known once all was read.
    #[must_use]
    pub fn has_data_after_end(&self) -> bool {
        self.has_more.get()
    }

    /// Where the data is damaged, as far as it was read.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        self.damage.borrow().clone()
    }
}

/// The bytes inside a compressed source.
pub struct Inflated<'a> {
    /// `None` only where the wrapped source got lost, which does not happen.
    inflate: Option<Inflate<Window<'a>>>,
    compression: Compression,
    quota: Quota,
    pos: u64,
    /// Known once the end was seen.
    size_bytes: Option<u64>,
    flow: Rc<Flow>,
}

/// Bytes that are passed are read in pieces of this length.
const SCRATCH_BYTES: usize = 64 << 10;

impl<'a> Inflated<'a> {
    /// Wraps a source.
    pub fn new(source: &'a mut dyn ByteSource, compression: Compression, quota: Quota) -> Self {
        let inflate = Inflate::new(compression, Window::quiet(source), quota);
        Self { inflate, compression, quota, pos: 0, size_bytes: None, flow: Rc::default() }
    }

    /// How far reading got, told while it goes on.
    #[must_use]
    pub fn flow(&self) -> Rc<Flow> {
        Rc::clone(&self.flow)
    }

    fn restart(&mut self) -> Result<(), SourceError> {
        let window = self.inflate.take().and_then(Inflate::into_inner);
        if let Some(mut window) = window {
            let lost = |error: std::io::Error| SourceError { offset: 0, message: error.to_string() };
            window.seek(SeekFrom::Start(0)).map_err(lost)?;
            self.inflate = Inflate::new(self.compression, window, self.quota);
        }
        self.pos = 0;
        Ok(())
    }

    /// Reads onward; 0 at the end and where damage is.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, SourceError> {
        let Some(inflate) = &mut self.inflate else { return Ok(0) };
        let outcome = inflate.read(buf);
        self.flow.n_stored.set(inflate.n_in());
        match outcome {
            Ok(0) if !buf.is_empty() => {
                self.flow.has_more.set(inflate.has_data_after_end());
                self.size_bytes = Some(self.pos);
                Ok(0)
            }
            Ok(n) => {
                self.pos += n as u64;
                Ok(n)
            }
            Err(error) => match Damage::of(&error) {
                Some(damage) => {
                    *self.flow.damage.borrow_mut() = Some(damage);
                    self.size_bytes = Some(self.pos);
                    Ok(0)
                }
                None => Err(SourceError { offset: self.pos, message: error.to_string() }),
            },
        }
    }
}

impl ByteSource for Inflated<'_> {
    /// As large as can be until the end was seen.
    fn size_bytes(&self) -> u64 {
        self.size_bytes.unwrap_or(u64::MAX)
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        if buf.is_empty() || offset >= self.size_bytes() {
            return Ok(0);
        }
        if offset < self.pos {
            self.restart()?;
        }
        let mut scratch = vec![0; if offset > self.pos { SCRATCH_BYTES } else { 0 }];
        while self.pos < offset {
            let most = usize::try_from(offset - self.pos).unwrap_or(usize::MAX).min(scratch.len());
            if self.read(scratch.get_mut(..most).unwrap_or(&mut []))? == 0 {
                return Ok(0);
            }
        }
        self.read(buf)
    }

    fn flows_from(&self) -> Option<u64> {
        Some(self.pos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::testing::gzip;
    use crate::archive::{Limits, SliceSource};

    #[test]
    fn any_place_in_any_order() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
        let stored = gzip(&bytes);
        let mut source = SliceSource(&stored);
        let quota = Quota::new(&Limits::for_browser());
        let mut inflated = Inflated::new(&mut source, Compression::Gzip, quota);
        for offset in [0, 299_999, 5, 100_000, 100_001, 70_000] {
            let mut one = [0; 1];
            assert_eq!(inflated.read_at(offset, &mut one), Ok(1));
            assert_eq!(one[0], bytes[usize::try_from(offset).unwrap()]);
        }
        let mut window = Window::quiet(&mut inflated);
        let mut all = Vec::new();
        window.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes);
        assert_eq!(inflated.size_bytes(), 300_000);
        assert_eq!(inflated.flow().n_stored(), stored.len() as u64);
    }

    #[test]
    fn damage_is_the_end() {
        let stored = gzip(&[7; 5000]);
        let mut source = SliceSource(&stored[..stored.len() - 3]);
        let quota = Quota::new(&Limits::for_browser());
        let mut inflated = Inflated::new(&mut source, Compression::Gzip, quota);
        let mut all = Vec::new();
        Window::quiet(&mut inflated).read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), 5000);
        assert_eq!(inflated.flow().damage(), Some(Damage::Truncated));
    }
}
