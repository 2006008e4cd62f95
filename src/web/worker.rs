//! The worker's entry point: messages in, replies out.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

use super::aside::BrowserAside;
use super::blob::{BlobSource, Held, seconds, whole};
use super::error::message;
use super::layers::Layers;
use crate::archive::ByteSource;
use crate::job::{Files, Job, Passed, stored_stretch};
use crate::protocol::{Reply, Request};

/// Waits for requests, each an array of the request and the files that travel with it; some of them
/// may have come ahead, without a request.
pub(super) fn start(build: &'static str) {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    let job = Rc::new(RefCell::new(Job::default()));
    let ahead = RefCell::new(js_sys::Array::new());
    let layers = Rc::new(Layers::default());
    let handler = {
        let scope = scope.clone();
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let parts = js_sys::Array::from(&event.data());
            let files = ahead.take().concat(&js_sys::Array::from(&parts.get(1)));
            if parts.get(0).is_undefined() {
                ahead.replace(files);
                return;
            }
            let Ok(mut request) = serde_wasm_bindgen::from_value::<Request>(parts.get(0)) else { return };
            if let Request::KeepEntries { entries, .. } = &mut request {
                *entries = js_sys::Uint8Array::new(&files.get(0)).to_vec().into();
            }
            let (job, scope, layers) = (Rc::clone(&job), scope.clone(), Rc::clone(&layers));
            let run = move |request, files, held: Option<Held>| {
                let Ok(mut job) = job.try_borrow_mut() else { return };
                let (mut files, mut aside) =
                    (Blobs { files, held: held.map(Rc::new) }, BrowserAside::new(&scope));
                let passed = job.run(request, &mut files, &mut aside, &mut |reply| post(&scope, reply));
                if let Some(passed) = passed {
                    spawn_local(tell_passed(scope.clone(), passed, aside));
                }
            };
            let blob = files.get(0).dyn_into::<Blob>();
            match (request, blob) {
                (request @ Request::ReadLayer { .. }, Ok(blob)) => {
                    spawn_local(async move {
                        // What cannot be had so, can be read piece by piece, or there is more to be told.
                        if layers.read(&blob, &request).await.is_err() {
                            let held = match stored_stretch(&request) {
                                Some((offset, n_bytes)) => Held::read(&blob, offset, n_bytes).await,
                                None => None,
                            };
                            run(request, files, held);
                        }
                    });
                }
                (request @ Request::Open { .. }, Ok(blob)) => {
                    spawn_local(async move {
                        let head = Held::read(&blob, 0, HEAD_BYTES.min(whole(blob.size()))).await;
                        let held = if head.is_some_and(|head| head.is_compressed()) {
                            Held::read(&blob, 0, whole(blob.size())).await
                        } else {
                            None
                        };
                        run(request, files, held);
                    });
                }
                (request, _) => run(request, files, None),
            }
        })
    };
    scope.set_onmessage(Some(handler.as_ref().unchecked_ref()));
    // The handler lives as long as the worker does.
    handler.forget();
    post(&scope, Reply::Ready { build: build.to_owned() });
}

/// Tells of layers that were listed as they passed, as soon as the browser has hashed them.
async fn tell_passed(scope: DedicatedWorkerGlobalScope, passed: Passed, mut aside: BrowserAside) {
    for layer in &passed.layers {
        post(
            &scope,
            match aside.digest(layer.key).await {
                Ok(digest) => layer.hashed(digest, layer.stored_bytes),
                Err(error) => layer.failed(message(&error)),
            },
        );
    }
    post(&scope, passed.read());
}

/// Entries are handed over beside their reply, so that nobody on the way copies them.
pub(super) fn post(scope: &DedicatedWorkerGlobalScope, mut reply: Reply) {
    let entries = reply.take_entries().map(|bytes| js_sys::Uint8Array::from(bytes.as_slice()).buffer());
    // A reply that cannot be posted has no one to be told to.
    let Ok(value) = serde_wasm_bindgen::to_value(&reply) else { return };
    let parts = js_sys::Array::of1(&value);
    let handed_over: js_sys::Array = entries.iter().collect();
    parts.push(&handed_over);
    let _ = scope.post_message_with_transfer(&parts, &handed_over);
}

/// How many bytes tell what a file is compressed with.
const HEAD_BYTES: u64 = 16;

/// The files that came with a request, and what is held of the first one.
struct Blobs {
    files: js_sys::Array,
    held: Option<Rc<Held>>,
}

impl Blobs {
    fn at(&self, idx: usize) -> JsValue {
        u32::try_from(idx).map_or(JsValue::UNDEFINED, |idx| self.files.get(idx))
    }
}

impl Files for Blobs {
    fn open(&mut self, idx: usize) -> Result<Box<dyn ByteSource>, String> {
        let blob = self.at(idx).dyn_into::<Blob>();
        let blob = blob.map_err(|_| "no file came with the request".to_owned())?;
        let source = BlobSource::new(blob).map_err(|error| message(&error))?;
        Ok(Box::new(source.with_held(self.held.clone().filter(|_| idx == 0))))
    }

    fn facts(&mut self, idx: usize) -> (u64, i64) {
        let file = self.at(idx).dyn_into::<web_sys::File>();
        file.map_or((0, 0), |file| (whole(file.size()), seconds(file.last_modified())))
    }
}
