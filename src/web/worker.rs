//! The worker's entry point: messages in, replies out.

use std::cell::RefCell;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::blob::BlobSource;
use super::error::message;
use crate::archive::ByteSource;
use crate::job::Job;
use crate::protocol::{Reply, Request};

/// Waits for requests, each an array of the request and, where one travels with it, a file.
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
    let handler = {
        let post = post.clone();
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let parts = js_sys::Array::from(&event.data());
            let Ok(request) = serde_wasm_bindgen::from_value::<Request>(parts.get(0)) else { return };
            let id = request.job();
            let mut source = match source_of(parts.get(1)) {
                Ok(source) => source,
                Err(error) => return post(&Reply::Failed { job: id, message: message(&error) }),
            };
            let source = source.as_mut().map(|source| source as &mut dyn ByteSource);
            if let Ok(mut job) = job.try_borrow_mut() {
                job.run(request, source, &mut |reply| post(&reply));
            }
        })
    };
    scope.set_onmessage(Some(handler.as_ref().unchecked_ref()));
    // The handler lives as long as the worker does.
    handler.forget();
    post(&Reply::Ready { build: build.to_owned() });
}

fn source_of(value: JsValue) -> Result<Option<BlobSource>, JsValue> {
    match value.dyn_into::<web_sys::Blob>() {
        Ok(blob) => BlobSource::new(blob).map(Some),
        Err(_) => Ok(None),
    }
}
