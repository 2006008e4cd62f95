//! A dropped file as a source of bytes, read synchronously in the worker.

use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::error::message;
use super::stream::{Buffer, Stream};
use crate::archive::compression::Compression;
use crate::archive::{ByteSource, SourceError};

/// Up to this length a stretch of a file is held as a whole where that is faster.
pub(super) const MAX_HELD_BYTES: u64 = 256 << 20;

/// A stretch of a file that was read ahead by a stream, which takes a third of the time.
pub(super) struct Held {
    offset: u64,
    n_bytes: u32,
    buffer: Buffer,
}

impl Held {
    /// So many bytes of a file from an offset on, if they can be held.
    pub(super) async fn read(blob: &web_sys::Blob, offset: u64, n_bytes: u64) -> Option<Self> {
        let n_wanted = u32::try_from(n_bytes).ok().filter(|_| (1..=MAX_HELD_BYTES).contains(&n_bytes))?;
        let mut held = Self { offset, n_bytes: 0, buffer: Buffer::new(n_wanted) };
        let stream = Stream::open(blob, offset, n_bytes).ok()?;
        while held.n_bytes < n_wanted {
            match stream.read(&mut held.buffer, held.n_bytes).await.ok()? {
                0 => return None,
                n => held.n_bytes += n,
            }
        }
        Some(held)
    }

    /// It begins as compressed data does.
    pub(super) fn is_compressed(&self) -> bool {
        let mut head = vec![0; usize::try_from(self.n_bytes).unwrap_or(0)];
        self.copy(self.offset, &mut head);
        Compression::sniff(&head) != Compression::None
    }

    /// Copies what is held from an offset on; `None` where that is elsewhere.
    fn copy(&self, offset: u64, buf: &mut [u8]) -> Option<usize> {
        let at = u32::try_from(offset.checked_sub(self.offset)?).ok()?;
        let n_left = self.n_bytes.checked_sub(at).filter(|n_left| *n_left > 0)?;
        let n = buf.len().min(usize::try_from(n_left).ok()?);
        self.buffer.stretch(at, u32::try_from(n).ok()?).copy_to(buf.get_mut(..n)?);
        Some(n)
    }
}

/// A `File` or `Blob` and the reader for it.
pub struct BlobSource {
    held: Option<Rc<Held>>,
    blob: web_sys::Blob,
    reader: web_sys::FileReaderSync,
    size_bytes: u64,
}

impl BlobSource {
    /// Wraps a blob.
    ///
    /// # Errors
    /// Outside a worker, where nothing is read synchronously.
    pub fn new(blob: web_sys::Blob) -> Result<Self, JsValue> {
        let size_bytes = whole(blob.size());
        Ok(Self { held: None, reader: web_sys::FileReaderSync::new()?, blob, size_bytes })
    }

    /// What is held of it is taken from there.
    pub(super) fn with_held(self, held: Option<Rc<Held>>) -> Self {
        Self { held, ..self }
    }
}

/// A size as JavaScript counts it: a whole number below 2^53.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are whole, positive and exact"
)]
pub(super) fn whole(size: f64) -> u64 {
    size as u64
}

/// Milliseconds as JavaScript counts time, as whole seconds.
#[allow(clippy::cast_possible_truncation, reason = "times of files are far below 2^53 milliseconds")]
pub(super) fn seconds(millis: f64) -> i64 {
    (millis / 1000.0).floor() as i64
}

#[allow(clippy::cast_precision_loss, reason = "no file has 2^53 bytes")]
fn number(bytes: u64) -> f64 {
    bytes as f64
}

/// So many bytes of a blob from an offset on, or as many as there are.
pub(super) fn stretch(blob: &web_sys::Blob, offset: u64, n_bytes: u64) -> Result<web_sys::Blob, JsValue> {
    blob.slice_with_f64_and_f64(number(offset), number(offset.saturating_add(n_bytes)))
}

impl ByteSource for BlobSource {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        let end = offset.saturating_add(buf.len() as u64).min(self.size_bytes);
        if offset >= end {
            return Ok(0);
        }
        if let Some(n) = self.held.as_ref().and_then(|held| held.copy(offset, buf)) {
            return Ok(n);
        }
        let failed = |error: JsValue| {
            let said = message(&error);
            let said = said.trim_end_matches('.');
            // The usual cause by far: browsers refuse a file that changed since it was chosen.
            let message = format!("{said}; if the file changed on disk, open it again");
            SourceError { offset, message }
        };
        let slice = stretch(&self.blob, offset, end - offset).map_err(failed)?;
        let bytes =
            js_sys::Uint8Array::new(&self.reader.read_as_array_buffer(&slice).map_err(failed)?.into());
        let n = usize::try_from(bytes.length()).unwrap_or(0).min(buf.len());
        if let Some(front) = buf.get_mut(..n) {
            bytes.copy_to(front);
        }
        Ok(n)
    }
}
