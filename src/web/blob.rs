//! A dropped file as a source of bytes, read synchronously in the worker.

use wasm_bindgen::JsValue;

use super::error::message;
use crate::archive::{ByteSource, SourceError};

/// A `File` or `Blob` and the reader for it.
pub struct BlobSource {
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
        Ok(Self { reader: web_sys::FileReaderSync::new()?, blob, size_bytes })
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
