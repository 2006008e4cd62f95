//! The worker's entry point: messages in, replies out.

use std::cell::RefCell;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::blob::{BlobSource, seconds, whole};
use super::error::message;
use crate::archive::ByteSource;
use crate::job::{Files, Job};
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
    let job = RefCell::new(Job::default());
    let ahead = RefCell::new(js_sys::Array::new());
    let handler = {
        let post = post.clone();
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let parts = js_sys::Array::from(&event.data());
            let files = ahead.take().concat(&js_sys::Array::from(&parts.get(1)));
            if parts.get(0).is_undefined() {
                ahead.replace(files);
                return;
            }
            let Ok(request) = serde_wasm_bindgen::from_value::<Request>(parts.get(0)) else { return };
            let mut files = Blobs(files);
            if let Ok(mut job) = job.try_borrow_mut() {
                job.run(request, &mut files, &mut |reply| post(&reply));
            }
        })
    };
    scope.set_onmessage(Some(handler.as_ref().unchecked_ref()));
    // The handler lives as long as the worker does.
    handler.forget();
    post(&Reply::Ready { build: build.to_owned() });
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
