//! Stretches of bytes that pass by, hashed by the browser while the program goes on.

use std::collections::BTreeMap;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, SubtleCrypto};

use super::blob::MAX_HELD_BYTES;
use super::layers::digest_of;
use super::stream::Buffer;
use crate::digest::{Digest, HashAside, HashHere};

/// Hands what fits a buffer to the browser, which hashes a copy of it on a thread of its own; what
/// does not is hashed here.
#[derive(Default)]
pub(super) struct BrowserAside {
    /// There where the page came over a safe connection.
    subtle: Option<SubtleCrypto>,
    /// Used again for each stretch.
    buffer: Option<Buffer>,
    /// The stretch that comes: its key, and how much of it is in the buffer.
    current: Option<(u64, u32)>,
    promised: BTreeMap<u64, Promise>,
    here: HashHere,
}

impl BrowserAside {
    pub(super) fn new(scope: &DedicatedWorkerGlobalScope) -> Self {
        let subtle = scope.crypto().ok().map(|crypto| crypto.subtle());
        Self { subtle: subtle.filter(|subtle| !subtle.is_undefined()), ..Self::default() }
    }

    /// The digest of a stretch that came whole, as soon as it is there.
    pub(super) async fn digest(&mut self, key: u64) -> Result<Digest, JsValue> {
        match self.promised.remove(&key) {
            Some(promise) => {
                let bytes: Uint8Array = Uint8Array::new(&JsFuture::from(promise).await?);
                Ok(digest_of(&bytes))
            }
            None => self.here.digests.remove(&key).ok_or(JsValue::UNDEFINED),
        }
    }
}

impl HashAside for BrowserAside {
    fn begin(&mut self, key: u64, n_bytes: u64) {
        self.current = None;
        let n_whole = u32::try_from(n_bytes).ok().filter(|_| n_bytes <= MAX_HELD_BYTES);
        let Some(n_whole) = n_whole.filter(|_| self.subtle.is_some()) else {
            self.here.begin(key, n_bytes);
            return;
        };
        if self.buffer.as_ref().is_none_or(|buffer| buffer.n_bytes() < n_whole) {
            self.buffer = Some(Buffer::new(n_whole));
        }
        self.current = Some((key, 0));
    }

    fn update(&mut self, bytes: &[u8]) {
        let (Some((_, n_held)), Some(buffer)) = (&mut self.current, &self.buffer) else {
            self.here.update(bytes);
            return;
        };
        let n_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        buffer.stretch(*n_held, n_bytes).copy_from(bytes);
        *n_held += n_bytes;
    }

    fn end(&mut self) {
        let Some((key, n_held)) = self.current.take() else {
            self.here.end();
            return;
        };
        let (Some(subtle), Some(buffer)) = (&self.subtle, &self.buffer) else { return };
        let promise = subtle.digest_with_str_and_buffer_source("SHA-256", &buffer.front(n_held));
        self.promised.extend(promise.ok().map(|promise| (key, promise.unchecked_into())));
    }
}
