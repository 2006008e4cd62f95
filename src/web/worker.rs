//! The worker's entry point: messages in, replies out.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

use super::blob::{BlobSource, seconds, whole};
use super::error::message;
use super::layers::Layers;
use crate::archive::ByteSource;
use crate::job::{Files, Job};
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
            let run = move |request, files: Blobs| {
                if let Ok(mut job) = job.try_borrow_mut() {
                    job.run(request, &mut { files }, &mut |reply| post(&scope, reply));
                }
            };
            let blob = files.get(0).dyn_into::<Blob>();
            match (request, blob) {
                (request @ Request::ReadLayer { .. }, Ok(blob)) => {
                    spawn_local(async move {
                        // What cannot be had so, can be read piece by piece, or there is more to be told.
                        if layers.read(&blob, &request).await.is_err() {
                            run(request, Blobs(files));
                        }
                    });
                }
                (request, _) => run(request, Blobs(files)),
            }
        })
    };
    scope.set_onmessage(Some(handler.as_ref().unchecked_ref()));
    // The handler lives as long as the worker does.
    handler.forget();
    post(&scope, Reply::Ready { build: build.to_owned() });
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

/// The files that came with a request.
struct Blobs(js_sys::Array);

impl Blobs {
    fn at(&self, idx: usize) -> JsValue {
        u32::try_from(idx).map_or(JsValue::UNDEFINED, |idx| self.0.get(idx))
    }
}

impl Files for Blobs {
    fn open(&mut self, idx: usize) -> Result<Box<dyn ByteSource>, String> {
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
