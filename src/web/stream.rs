//! A file's bytes in order, through one buffer that is used again and again.
//!
//! A browser gives a stream's bytes into a buffer that is handed to it and comes back with the
//! bytes (a *BYOB* reader). Nothing is allocated on the way, which makes this twice as fast as
//! reading synchronously, and leaves nothing behind to be collected: 1.0 to 1.8 GB in a second, while
//! `FileReaderSync` gives 0.4 GB in pieces of 4 MiB and 0.8 GB in pieces of 32 MiB.

use js_sys::{ArrayBuffer, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStreamByobReader, ReadableStreamGetReaderOptions, ReadableStreamReaderMode};

use super::blob::stretch;

/// What is read into.
pub(super) struct Buffer(ArrayBuffer);

impl Buffer {
    pub(super) fn new(n_bytes: u32) -> Self {
        Self(ArrayBuffer::new(n_bytes))
    }

    pub(super) fn n_bytes(&self) -> u32 {
        self.0.byte_length()
    }

    /// The first bytes of it.
    pub(super) fn front(&self, n_bytes: u32) -> Uint8Array {
        self.stretch(0, n_bytes)
    }

    /// So many bytes of it from an offset on.
    pub(super) fn stretch(&self, offset: u32, n_bytes: u32) -> Uint8Array {
        Uint8Array::new_with_byte_offset_and_length(&self.0, offset, n_bytes)
    }
}

/// Bytes that come.
pub(super) struct Stream(ReadableStreamByobReader);

impl Stream {
    /// So many bytes of a file from an offset on; not every browser can.
    pub(super) fn open(blob: &Blob, offset: u64, n_bytes: u64) -> Result<Self, JsValue> {
        let options = ReadableStreamGetReaderOptions::new();
        options.set_mode(ReadableStreamReaderMode::Byob);
        let stream = stretch(blob, offset, n_bytes)?.stream();
        // Where such a reader is not known, asking for one throws.
        let get: js_sys::Function = Reflect::get(&stream, &"getReader".into())?.dyn_into()?;
        Ok(Self(get.call1(&stream, &options)?.dyn_into()?))
    }

    /// Reads what is there, at least a byte, to `at` of the buffer; tells how many, 0 at the end.
    pub(super) async fn read(&self, buffer: &mut Buffer, at: u32) -> Result<u32, JsValue> {
        let n_free = buffer.n_bytes().saturating_sub(at);
        let view = buffer.stretch(at, n_free);
        let result = JsFuture::from(self.0.read_with_array_buffer_view(&view)).await?;
        let value: Uint8Array = Reflect::get(&result, &"value".into())?.dyn_into()?;
        buffer.0 = value.buffer();
        Ok(value.length())
    }

    /// No more is wanted.
    pub(super) fn cancel(&self) {
        let _ = self.0.cancel();
    }
}
