//! The page's only door to the worker.
//!
//! The worker's code is fetched and compiled once, after the first paint. Each
//! worker then starts from a `blob:` address and is handed the compiled module,
//! so that a fresh one after a cancel needs no network.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, ErrorEvent, MessageEvent, Url, Worker};

use super::error::message;
use crate::protocol::{Reply, Request};

/// What the bridge hears from a worker.
pub(super) enum Heard {
    /// A reply, with the entries that travel beside it.
    Reply(Reply, Option<js_sys::ArrayBuffer>),
    /// The worker crashed or cannot be started; a sentence.
    Failed(String),
    /// The worker's code cannot be had; a sentence.
    Missing(String),
}

type Listener = Rc<dyn Fn(Heard)>;

/// What is needed to start a worker without the network.
struct Code {
    /// Address of the script.
    script_url: String,
    module: JsValue,
}

/// The code, once it is there, which all bridges have in common, and those that wait for it.
#[derive(Default)]
struct Shared {
    code: Option<Rc<Code>>,
    waiting: Vec<Bridge>,
}

/// A worker that is running, and what keeps it heard.
struct Running {
    worker: Worker,
    is_ready: bool,
    /// Requests that wait for the worker's first word.
    waiting: Vec<js_sys::Array>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

#[derive(Default)]
struct Inner {
    running: Option<Running>,
    /// Requests that wait for the code.
    early: Vec<js_sys::Array>,
}

/// The bridge.
#[derive(Clone)]
pub(super) struct Bridge {
    shared: Rc<RefCell<Shared>>,
    inner: Rc<RefCell<Inner>>,
    listener: Listener,
}

impl Bridge {
    /// Fetches the code and starts a worker.
    pub(super) fn start(listener: Listener) -> Self {
        let bridge = Self { shared: Rc::default(), inner: Rc::default(), listener };
        let fetching = bridge.clone();
        spawn_local(async move {
            match fetch_code().await {
                Ok(code) => {
                    let waiting = {
                        let mut shared = fetching.shared.borrow_mut();
                        shared.code = Some(Rc::new(code));
                        std::mem::take(&mut shared.waiting)
                    };
                    fetching.spawn();
                    waiting.iter().for_each(Self::spawn);
                }
                Err(error) => {
                    let why = message(&error);
                    (fetching.listener)(Heard::Missing(format!(
                        "the part of the page that reads images did not load: {why}"
                    )));
                }
            }
        });
        bridge
    }

    /// A bridge to a worker of its own, which starts with the first request.
    pub(super) fn another(&self, listener: Listener) -> Self {
        Self { shared: Rc::clone(&self.shared), inner: Rc::default(), listener }
    }

    /// Sends a request with the files that travel with it.
    pub(super) fn send(&self, request: &Request, files: &[web_sys::File]) {
        let Ok(value) = serde_wasm_bindgen::to_value(request) else { return };
        self.post(&value, &files.iter().collect());
    }

    /// Sends a request with entries that another worker sent: they are handed over.
    pub(super) fn send_entries(&self, request: &Request, entries: &js_sys::ArrayBuffer) {
        let Ok(value) = serde_wasm_bindgen::to_value(request) else { return };
        self.post(&value, &js_sys::Array::of1(entries));
    }

    /// Starts the worker if there is none, and tells whether it listens already.
    pub(super) fn is_ready(&self) -> bool {
        self.warm_up();
        self.inner.borrow().running.as_ref().is_some_and(|running| running.is_ready)
    }

    /// Starts the worker ahead of its first request.
    pub(super) fn warm_up(&self) {
        if self.inner.borrow().running.is_none() {
            self.spawn();
        }
    }

    /// Sends files ahead of the request that they travel with: a browser looks at the disk for
    /// each that is sent, so that many at once would hold the page up.
    pub(super) fn send_ahead(&self, files: &[web_sys::File]) {
        self.post(&JsValue::UNDEFINED, &files.iter().collect());
    }

    fn post(&self, value: &JsValue, beside: &js_sys::Array) {
        let parts = js_sys::Array::of2(value, beside);
        let mut inner = self.inner.borrow_mut();
        match &mut inner.running {
            Some(running) if running.is_ready => hand_over(&running.worker, &parts),
            Some(running) => running.waiting.push(parts),
            None => {
                inner.early.push(parts);
                drop(inner);
                self.spawn();
            }
        }
    }

    /// Replaces the worker: it may be deep in a file and cannot hear.
    pub(super) fn restart(&self) {
        // Let go of before a new one takes its place.
        let running = self.inner.borrow_mut().running.take();
        if let Some(running) = running {
            running.worker.terminate();
            self.spawn();
        }
    }

    fn spawn(&self) {
        // A request may have asked for it before the code was there, beside who fetches that.
        if self.inner.borrow().running.is_some() {
            return;
        }
        let started = {
            let mut shared = self.shared.borrow_mut();
            let Some(code) = shared.code.clone() else {
                let is_mine = |waiting: &Self| Rc::ptr_eq(&waiting.inner, &self.inner);
                if !shared.waiting.iter().any(is_mine) {
                    shared.waiting.push(self.clone());
                }
                return;
            };
            Worker::new(&code.script_url).map(|worker| (worker, code.module.clone()))
        };
        let (worker, module) = match started {
            Ok(started) => started,
            Err(error) => return (self.listener)(Heard::Failed(message(&error))),
        };
        let bridge = self.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let parts = js_sys::Array::from(&event.data());
            let entries = js_sys::Array::from(&parts.get(1)).get(0).dyn_into::<js_sys::ArrayBuffer>().ok();
            match serde_wasm_bindgen::from_value::<Reply>(parts.get(0)) {
                Ok(reply) => {
                    if matches!(reply, Reply::Ready { .. }) {
                        bridge.ready();
                    }
                    (bridge.listener)(Heard::Reply(reply, entries));
                }
                Err(error) => {
                    (bridge.listener)(Heard::Failed(format!("the worker said something unreadable: {error}")))
                }
            }
        });
        let listener = Rc::clone(&self.listener);
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            event.prevent_default();
            let said = event.message();
            let why = if said.is_empty() { String::new() } else { format!(" ({said})") };
            listener(Heard::Failed(format!("reading stopped because the reader crashed{why}")));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let posted = worker.post_message(&module);
        let mut inner = self.inner.borrow_mut();
        let waiting = std::mem::take(&mut inner.early);
        inner.running =
            Some(Running { worker, is_ready: false, waiting, _on_message: on_message, _on_error: on_error });
        drop(inner);
        if let Err(error) = posted {
            (self.listener)(Heard::Failed(message(&error)));
        }
    }

    fn ready(&self) {
        let mut inner = self.inner.borrow_mut();
        let Some(running) = &mut inner.running else { return };
        running.is_ready = true;
        for parts in std::mem::take(&mut running.waiting) {
            hand_over(&running.worker, &parts);
        }
    }
}

/// Posts a request and what travels beside it. Entries are not copied.
fn hand_over(worker: &Worker, parts: &js_sys::Array) {
    let beside = js_sys::Array::from(&parts.get(1));
    let entries: js_sys::Array = beside.iter().filter(JsCast::has_type::<js_sys::ArrayBuffer>).collect();
    let _ = worker.post_message_with_transfer(parts, &entries);
}

/// The content of a `<meta>` element of the page.
pub(super) fn meta(name: &str) -> Option<String> {
    let document = web_sys::window()?.document()?;
    let element = document.query_selector(&format!("meta[name=\"{name}\"]")).ok()??;
    element.get_attribute("content")
}

async fn fetch(url: &str) -> Result<web_sys::Response, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    let response: web_sys::Response = JsFuture::from(window.fetch_with_str(url)).await?.dyn_into()?;
    if response.ok() { Ok(response) } else { Err(format!("{url} answered {}", response.status()).into()) }
}

/// The sample image that comes with the page.
pub(super) async fn fetch_sample() -> Result<web_sys::File, JsValue> {
    let url = meta("layerlab-sample").ok_or("the page does not name its sample")?;
    let blob = JsFuture::from(fetch(&url).await?.blob()?).await?;
    web_sys::File::new_with_blob_sequence(&js_sys::Array::of1(&blob), "sample.tar")
}

async fn fetch_code() -> Result<Code, JsValue> {
    let script = meta("layerlab-worker-js").ok_or("the page does not name its worker")?;
    let wasm = meta("layerlab-worker-wasm").ok_or("the page does not name its worker")?;
    let (script, wasm) = (fetch(&script).await?, fetch(&wasm).await?);
    let text = JsFuture::from(script.text()?).await?.as_string().unwrap_or_default();
    let bytes = JsFuture::from(wasm.array_buffer()?).await?;
    let module = JsFuture::from(js_sys::WebAssembly::compile(&bytes)).await?;
    // The first message is the module; after that the program listens itself. Its memory is named for
    // the bench.
    let start = "\nonmessage = async (event) => { onmessage = null; ({ memory: self.memory } = \
        await wasm_bindgen({ module_or_path: event.data })); };\n";
    let parts = js_sys::Array::of1(&JsValue::from_str(&(text + start)));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type("text/javascript");
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
    Ok(Code { script_url: Url::create_object_url_with_blob(&blob)?, module })
}
