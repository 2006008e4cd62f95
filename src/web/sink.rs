//! Where something is saved to: a file that the browser writes piece by piece, or a download that is
//! collected first where it cannot.

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Blob;

use super::error::message;
use super::handout::save_blob;
use crate::app::inspect::InspectMessage;
use crate::protocol::JobId;

#[wasm_bindgen(inline_js = "
export const can_pick = () => typeof showSaveFilePicker === 'function';
export const pick = async (name) => (await showSaveFilePicker({ suggestedName: name })).createWritable();
")]
extern "C" {
    fn can_pick() -> bool;

    #[wasm_bindgen(catch)]
    async fn pick(name: &str) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// A `FileSystemWritableFileStream`: what it is told to write waits in order.
    #[derive(Clone)]
    type Writable;

    #[wasm_bindgen(method, catch)]
    fn write(this: &Writable, data: &JsValue) -> Result<js_sys::Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn close(this: &Writable) -> Result<js_sys::Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn abort(this: &Writable) -> Result<js_sys::Promise, JsValue>;
}

/// A download is collected up to this length.
const MAX_COLLECTED_BYTES: u64 = 1 << 30;

enum To {
    /// The browser asks the reader.
    Asking,
    File(Writable),
    Download {
        parts: js_sys::Array,
        n_bytes: u64,
    },
}

/// What is being saved.
pub(super) struct Sink {
    id: JobId,
    name: String,
    to: To,
    on_message: yew::Callback<InspectMessage>,
}

impl Sink {
    /// Asks where to save, if the browser can. `on_file` hears of what was chosen.
    pub(super) fn open(
        id: JobId,
        name: String,
        on_message: yew::Callback<InspectMessage>,
        on_file: impl FnOnce(JsValue) + 'static,
    ) -> Self {
        if !can_pick() {
            on_message.emit(InspectMessage::SinkOpened { sink: id, is_open: true });
            let to = To::Download { parts: js_sys::Array::new(), n_bytes: 0 };
            return Self { id, name, to, on_message };
        }
        let (asked, heard) = (name.clone(), on_message.clone());
        spawn_local(async move {
            match pick(&asked).await {
                Ok(writable) => on_file(writable),
                // Closing the dialog is an answer as well.
                Err(error) => {
                    heard.emit(InspectMessage::SinkOpened { sink: id, is_open: false });
                    let name = js_sys::Reflect::get(&error, &"name".into()).ok();
                    if name.and_then(|name| name.as_string()).is_some_and(|name| name != "AbortError") {
                        heard.emit(InspectMessage::SinkFailed { sink: id, message: message(&error) });
                    }
                }
            }
        });
        Self { id, name, to: To::Asking, on_message }
    }

    /// It is this one that is being saved.
    pub(super) fn is(&self, id: JobId) -> bool {
        self.id == id
    }

    /// The reader said where to.
    pub(super) fn chosen(&mut self, writable: JsValue) {
        self.to = To::File(writable.unchecked_into());
        self.on_message.emit(InspectMessage::SinkOpened { sink: self.id, is_open: true });
    }

    /// Writes some bytes behind the others.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let piece = js_sys::Uint8Array::from(bytes);
        match &mut self.to {
            To::Asking => {}
            To::File(writable) => {
                let written = writable.write(&piece);
                self.heed(written, false);
            }
            To::Download { parts, n_bytes } => {
                *n_bytes += bytes.len() as u64;
                if *n_bytes > MAX_COLLECTED_BYTES {
                    let message = "this browser cannot write a file piece by piece, \
                                   and more than 1 GB cannot be collected for a download";
                    self.failed(message.to_owned());
                } else if let Ok(blob) = Blob::new_with_u8_array_sequence(&js_sys::Array::of1(&piece)) {
                    // As a blob it need not stay in memory.
                    parts.push(&blob);
                }
            }
        }
    }

    /// Writes a part of a file, and nothing more.
    pub(super) fn write_slice(&mut self, slice: &Blob) {
        match &self.to {
            To::Asking => {}
            To::File(writable) => {
                self.heed(writable.write(slice), false);
                self.close();
            }
            To::Download { .. } => {
                // It is not copied: a blob is a place in a file.
                let saved = save_blob(&self.name, slice);
                self.told(saved);
            }
        }
    }

    /// All of it was written.
    pub(super) fn close(&mut self) {
        match &self.to {
            To::Asking => {}
            To::File(writable) => self.heed(writable.close(), true),
            To::Download { parts, .. } => {
                let saved = Blob::new_with_blob_sequence(parts).and_then(|blob| save_blob(&self.name, &blob));
                self.told(saved);
            }
        }
    }

    /// None of it is wanted.
    pub(super) fn drop(self) {
        if let To::File(writable) = &self.to {
            let _ = writable.abort();
        }
    }

    fn told(&self, saved: Result<(), JsValue>) {
        match saved {
            Ok(()) => self.on_message.emit(InspectMessage::SinkClosed(self.id)),
            Err(error) => self.failed(message(&error)),
        }
    }

    fn failed(&self, message: String) {
        self.on_message.emit(InspectMessage::SinkFailed { sink: self.id, message });
    }

    /// Tells how it went once it is done.
    fn heed(&self, promised: Result<js_sys::Promise, JsValue>, is_last: bool) {
        let (on_message, sink) = (self.on_message.clone(), self.id);
        spawn_local(async move {
            let done = match promised {
                Ok(promise) => JsFuture::from(promise).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(_) if is_last => on_message.emit(InspectMessage::SinkClosed(sink)),
                Ok(_) => {}
                Err(error) => {
                    on_message.emit(InspectMessage::SinkFailed { sink, message: message(&error) });
                }
            }
        });
    }
}
