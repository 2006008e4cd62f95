//! The worker's entry point: messages in, replies out.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::blob::{BlobSource, seconds, stretch, whole};
use super::error::message;
use crate::archive::ByteSource;
use crate::digest::Digest;
use crate::job::{Files, Hashable, Job};
use crate::protocol::{Reply, Request};

/// Waits for requests, each an array of the request and the files that travel with it; some of them
/// may have come ahead, without a request.
pub(super) fn start(build: &'static str) {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    let post = {
        let scope = scope.clone();
        move |reply: &Reply| {
            // A reply that cannot be posted has no one to be told to.
            if let Ok(value) = serde_wasm_bindgen::to_value(reply) {
                let _ = scope.post_message(&value);
            }
        }
    };
    let job = Rc::new(RefCell::new(Job::default()));
    let ahead = RefCell::new(js_sys::Array::new());
    let handler = {
        let post = post.clone();
        let again = post.clone();
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let parts = js_sys::Array::from(&event.data());
            let files = ahead.take().concat(&js_sys::Array::from(&parts.get(1)));
            if parts.get(0).is_undefined() {
                ahead.replace(files);
                return;
            }
            let Ok(request) = serde_wasm_bindgen::from_value::<Request>(parts.get(0)) else { return };
            let (job, post) = (Rc::clone(&job), post.clone());
            let run = move |request, files| {
                if let Ok(mut job) = job.try_borrow_mut() {
                    job.run(request, &mut Blobs(files), &mut |reply| post(&reply));
                }
            };
            match Hashable::of(&request).filter(|layer| layer.stored_bytes <= MAX_AT_ONCE_BYTES) {
                None => run(request, files),
                Some(layer) => {
                    let post = again.clone();
                    spawn_local(async move {
                        match hash_at_once(&files.get(0), &layer).await {
                            Ok(reply) => post(&reply),
                            // Piece by piece it may work, or there is more to be told.
                            Err(_) => run(request, files),
                        }
                    });
                }
            }
        })
    };
    scope.set_onmessage(Some(handler.as_ref().unchecked_ref()));
    // The handler lives as long as the worker does.
    handler.forget();
    post(&Reply::Ready { build: build.to_owned() });
}

/// A layer up to this length is handed to the browser in one piece: it hashes twice as fast as this
/// program can (373 and 180 MB in a second of one core), but only what is in memory as a whole.
const MAX_AT_ONCE_BYTES: u64 = 256 << 20;

/// Has the browser hash a layer.
async fn hash_at_once(file: &JsValue, layer: &Hashable) -> Result<Reply, JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into()?;
    let subtle = scope.crypto()?.subtle();
    // Only where the page came over a safe connection.
    if subtle.is_undefined() {
        return Err(JsValue::UNDEFINED);
    }
    let blob: &web_sys::Blob = file.dyn_ref().ok_or("no file came with the request")?;
    let stored = stretch(blob, layer.offset, layer.stored_bytes)?;
    let bytes = JsFuture::from(stored.array_buffer()).await?;
    let bytes: js_sys::ArrayBuffer = bytes.dyn_into()?;
    let n_bytes = u64::from(bytes.byte_length());
    let digest = JsFuture::from(subtle.digest_with_str_and_buffer_source("SHA-256", &bytes)?).await?;
    let mut digest_bytes = [0; 32];
    js_sys::Uint8Array::new(&digest).copy_to(&mut digest_bytes);
    Ok(layer.hashed(Digest::from_bytes(digest_bytes), n_bytes))
}

/// The files that came with a request.
struct Blobs(js_sys::Array);

impl Blobs {
    fn at(&self, idx: usize) -> JsValue {
        u32::try_from(idx).map_or(JsValue::UNDEFINED, |idx| self.0.get(idx))
    }
}

impl Files for Blobs {
    fn open(&mut self, idx: usize) -> Result<Box<dyn ByteSource + '_>, String> {
        let value = u32::try_from(idx).map_or(JsValue::UNDEFINED, |idx| self.0.get(idx));
        let blob =
            value.dyn_into::<web_sys::Blob>().map_err(|_| "no file came with the request".to_owned())?;
        let source = BlobSource::new(blob).map_err(|error| message(&error))?;
        Ok(Box::new(source))
    }

    fn facts(&mut self, idx: usize) -> (u64, i64) {
        let file = self.at(idx).dyn_into::<web_sys::File>();
        file.map_or((0, 0), |file| (whole(file.size()), seconds(file.last_modified())))
    }
}
