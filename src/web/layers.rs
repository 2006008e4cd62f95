//! Layers whose bytes come as a stream: listed while they come, hashed by the browser.

use std::cell::RefCell;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DedicatedWorkerGlobalScope, SubtleCrypto};

use super::blob::{MAX_HELD_BYTES, whole};
use super::stream::{Buffer, Stream};
use super::worker::post;
use crate::digest::{Digest, Hasher};
use crate::image::listing::Needs;
use crate::job::{Hashable, Listable};
use crate::protocol::{Reply, Request};

/// What is listed is read in pieces of this length: about what a browser hands over at once.
const LISTED_BYTES: u32 = 1 << 20;

/// A body that is longer than this is left out; it costs less to read a shorter one on.
const SKIPPED_BYTES: u64 = 8 << 20;

/// Reads layers, one at a time.
///
/// A layer that can be held is handed to the browser in one piece: it hashes three times as fast as
/// this program can (890 and 300 MB in a second of one core), but only what is in memory as a whole.
#[derive(Default)]
pub(super) struct Layers {
    /// Holds the layer that is hashed; kept for the next one.
    whole: RefCell<Option<Buffer>>,
}

impl Layers {
    /// Answers a request, if bytes in order are enough for that.
    pub(super) async fn read(&self, blob: &Blob, request: &Request) -> Result<(), JsValue> {
        let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into()?;
        if let Some(layer) = Listable::of(request, whole(blob.size())) {
            return list(&scope, blob, layer).await;
        }
        let layer = Hashable::of(request).ok_or(JsValue::UNDEFINED)?;
        post(&scope, self.hash(&scope, blob, layer).await?);
        Ok(())
    }

    async fn hash(
        &self,
        scope: &DedicatedWorkerGlobalScope,
        blob: &Blob,
        mut layer: Hashable,
    ) -> Result<Reply, JsValue> {
        let subtle = scope.crypto()?.subtle();
        // Only where the page came over a safe connection.
        let is_at_once = !subtle.is_undefined() && layer.stored_bytes <= MAX_HELD_BYTES;
        let n_wanted = if is_at_once { u32::try_from(layer.stored_bytes).unwrap_or(0) } else { LISTED_BYTES };
        let held = self.whole.take().filter(|buffer| buffer.n_bytes() >= n_wanted);
        let mut buffer = held.unwrap_or_else(|| Buffer::new(n_wanted));
        let stream = Stream::open(blob, layer.key, layer.stored_bytes)?;
        let (mut n_read, mut at, mut hasher) = (0, 0, Hasher::default());
        let mut piece = Vec::new();
        while n_read < layer.stored_bytes {
            let n = stream.read(&mut buffer, at).await?;
            if n == 0 {
                break;
            }
            n_read += u64::from(n);
            if is_at_once {
                at += n;
            } else {
                piece.resize(usize::try_from(n).unwrap_or(0), 0);
                buffer.front(n).copy_to(&mut piece);
                hasher.update(&piece);
            }
            if let Some(progress) = layer.progress(n_read) {
                post(scope, progress);
            }
        }
        let digest = if is_at_once { digest(&subtle, &buffer, at).await? } else { hasher.finish() };
        self.whole.replace(Some(buffer));
        Ok(layer.hashed(digest, n_read))
    }
}

/// Has the browser hash the front of a buffer.
async fn digest(subtle: &SubtleCrypto, buffer: &Buffer, n_bytes: u32) -> Result<Digest, JsValue> {
    let promise = subtle.digest_with_str_and_buffer_source("SHA-256", &buffer.front(n_bytes))?;
    Ok(digest_of(&js_sys::Uint8Array::new(&JsFuture::from(promise).await?)))
}

/// A digest as the browser tells it.
pub(super) fn digest_of(told: &js_sys::Uint8Array) -> Digest {
    let mut bytes = [0; 32];
    told.copy_to(&mut bytes);
    Digest::from_bytes(bytes)
}

/// Lists a layer while its bytes come.
async fn list(scope: &DedicatedWorkerGlobalScope, blob: &Blob, mut layer: Listable) -> Result<(), JsValue> {
    let mut buffer = Buffer::new(LISTED_BYTES);
    let mut piece = Vec::new();
    let mut stream: Option<Stream> = None;
    let (mut at, mut start) = (0, None);
    while let Needs::BytesFrom(needed) = layer.listing.needs() {
        let open = match stream.take() {
            Some(open) if needed <= at + SKIPPED_BYTES => open,
            left => {
                left.iter().for_each(Stream::cancel);
                at = needed;
                Stream::open(blob, at, layer.listing.end().saturating_sub(at))?
            }
        };
        let n = open.read(&mut buffer, 0).await?;
        if n == 0 {
            return Err("the file is shorter than it was".into());
        }
        if needed < at + u64::from(n) {
            piece.resize(usize::try_from(n).unwrap_or(0), 0);
            buffer.front(n).copy_to(&mut piece);
            layer.listing.feed(at, &piece);
        }
        at += u64::from(n);
        if let Some(progress) = layer.progress(at - *start.get_or_insert(needed)) {
            post(scope, progress);
        }
        stream = Some(open);
    }
    stream.iter().for_each(Stream::cancel);
    if layer.listing.needs() != Needs::Nothing {
        return Err(JsValue::UNDEFINED);
    }
    layer.tell(&mut |reply| post(scope, reply));
    Ok(())
}
