//! Files on the reader's disk, by the browser's File System Access API where it has one: elsewhere a
//! file is chosen as in any form, and saved as a download.
//!
//! A handle is kept in the page's database, so that a file can be saved back after a reload; the
//! browser asks the reader again then.
//! <https://developer.mozilla.org/en-US/docs/Web/API/File_System_API>

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DataTransfer, File, HtmlInputElement};
use yew::Callback;

use super::blob::whole;
use super::error::message;
use super::folder::list;
use super::handout;
use super::storage::Storage;
use crate::app::disk::{DiskFile, DiskMessage, DiskRequest, MAX_BYTES, recognized};
use crate::digest::Digest;

#[wasm_bindgen]
extern "C" {
    type Pickers;

    #[wasm_bindgen(method, catch, js_name = showOpenFilePicker)]
    async fn show_open(this: &Pickers, options: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = showSaveFilePicker)]
    async fn show_save(this: &Pickers, options: &JsValue) -> Result<JsValue, JsValue>;

    /// A file that the browser lets the page come back to.
    #[derive(Clone)]
    pub(super) type Handle;

    #[wasm_bindgen(method, getter)]
    fn kind(this: &Handle) -> String;

    #[wasm_bindgen(method, catch, js_name = getFile)]
    async fn get_file(this: &Handle) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = createWritable)]
    async fn create_writable(this: &Handle) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = requestPermission)]
    async fn request_permission(this: &Handle, options: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = isSameEntry)]
    async fn is_same_entry(this: &Handle, other: &Handle) -> Result<JsValue, JsValue>;

    type Writable;

    #[wasm_bindgen(method, catch)]
    async fn write(this: &Writable, text: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn close(this: &Writable) -> Result<JsValue, JsValue>;

    type Dropped;

    #[wasm_bindgen(method, catch, js_name = getAsFileSystemHandle)]
    fn handle(this: &Dropped) -> Result<js_sys::Promise, JsValue>;
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Options<'a> {
    multiple: bool,
    suggested_name: Option<&'a str>,
    mode: &'a str,
}

fn options(name: Option<&str>) -> JsValue {
    let options = Options { multiple: true, suggested_name: name, mode: "readwrite" };
    serde_wasm_bindgen::to_value(&options).unwrap_or(JsValue::UNDEFINED)
}

/// The window, if it has this dialog.
fn pickers(name: &str) -> Option<Pickers> {
    let window = web_sys::window()?;
    js_sys::Reflect::get(&window, &name.into()).ok()?.is_function().then(|| window.unchecked_into())
}

/// The name of an error of the browser's.
fn is_named(error: &JsValue, name: &str) -> bool {
    error.dyn_ref::<js_sys::Error>().is_some_and(|error| error.name() == name)
}

/// A file of a drop, and the browser's promise of a handle for it.
pub(super) type DroppedFile = (File, Option<js_sys::Promise>);

/// The files of a drop. They have to be asked for before anything is waited for.
pub(super) fn of_drop(data: &DataTransfer) -> Vec<DroppedFile> {
    let items = data.items();
    let all = (0..items.length()).filter_map(|idx| items.get(idx));
    let dropped = all.filter_map(|item| {
        let file = item.get_as_file().ok().flatten()?;
        let has_handles =
            js_sys::Reflect::get(&item, &"getAsFileSystemHandle".into()).is_ok_and(|it| it.is_function());
        let handle = has_handles.then(|| item.unchecked_into::<Dropped>().handle().ok()).flatten();
        Some((file, handle))
    });
    dropped.collect()
}

/// Those of them that are Dockerfiles.
pub(super) async fn dockerfiles_among(dropped: Vec<DroppedFile>) -> Vec<(File, Option<Handle>)> {
    let mut found = Vec::new();
    for (file, promise) in dropped {
        let is_short = whole(file.size()) <= MAX_BYTES;
        if !is_short || bytes(&file).await.and_then(|bytes| recognized(&file.name(), &bytes)).is_none() {
            continue;
        }
        let handle = match promise {
            Some(promise) => JsFuture::from(promise).await.ok().filter(JsValue::is_object),
            None => None,
        };
        found.push((file, handle.map(JsCast::unchecked_into).filter(|it: &Handle| it.kind() == "file")));
    }
    found
}

async fn bytes(file: &File) -> Option<Vec<u8>> {
    let buffer = JsFuture::from(file.array_buffer()).await.ok()?;
    Some(js_sys::Uint8Array::new(&buffer).to_vec())
}

/// Reads and writes files, and tells what came of it.
#[derive(Clone)]
pub(super) struct Disk {
    handles: Rc<RefCell<BTreeMap<String, Handle>>>,
    tell: Callback<DiskMessage>,
}

impl Disk {
    pub(super) fn new(tell: Callback<DiskMessage>) -> Self {
        Self { handles: Rc::default(), tell }
    }

    /// Does what is asked for.
    pub(super) fn run(&self, storage: Option<Storage>, request: DiskRequest) {
        let disk = self.clone();
        spawn_local(async move {
            match request {
                DiskRequest::Open => disk.ask(storage).await,
                DiskRequest::Save { document, text, file, is_forced } => {
                    let name = file.name.clone();
                    match disk.save(storage, document, text, file, is_forced).await {
                        Ok(message) => disk.tell.emit(message),
                        // The dialog was closed without a choice.
                        Err(error) if is_named(&error, "AbortError") => {}
                        Err(error) => {
                            let why = format!("{name} was not saved: {}", message(&error));
                            disk.tell.emit(DiskMessage::Failed(why));
                        }
                    }
                }
            }
        });
    }

    async fn ask(&self, storage: Option<Storage>) {
        let Some(pickers) = pickers("showOpenFilePicker") else {
            self.ask_by_form();
            return;
        };
        match pickers.show_open(&options(None)).await {
            Ok(chosen) => {
                for handle in js_sys::Array::from(&chosen).iter() {
                    let handle: Handle = handle.unchecked_into();
                    match handle.get_file().await {
                        Ok(file) => self.open(storage.clone(), file.unchecked_into(), Some(handle)).await,
                        Err(error) => self.tell.emit(DiskMessage::Failed(message(&error))),
                    }
                }
            }
            Err(error) if is_named(&error, "AbortError") => {}
            Err(error) => self.tell.emit(DiskMessage::Failed(message(&error))),
        }
    }

    fn ask_by_form(&self) {
        let document = web_sys::window().and_then(|window| window.document());
        let input = document.and_then(|document| document.create_element("input").ok());
        let Some(input) = input.map(JsCast::unchecked_into::<HtmlInputElement>) else { return };
        input.set_type("file");
        input.set_multiple(true);
        let (disk, listening) = (self.clone(), input.clone());
        let listener = Closure::once_into_js(move || {
            let files = listening.files().map(list).unwrap_or_default();
            spawn_local(async move {
                for file in files {
                    disk.open(None, file, None).await;
                }
            });
        });
        let _ = input.add_event_listener_with_callback("change", listener.unchecked_ref());
        input.click();
    }

    /// Reads a file that was chosen or dropped.
    pub(super) async fn open(&self, storage: Option<Storage>, file: File, handle: Option<Handle>) {
        let name = file.name();
        let refuse = |why: &str| self.tell.emit(DiskMessage::Failed(format!("{name} was not opened: {why}")));
        if whole(file.size()) > MAX_BYTES {
            return refuse("it is longer than a Dockerfile can be here (1 MB)");
        }
        let Some(bytes) = bytes(&file).await else { return refuse("it cannot be read") };
        let Ok(text) = String::from_utf8(bytes) else { return refuse("it is no text in UTF-8") };
        let handle = match handle {
            Some(handle) => Some(self.keep(storage, handle).await),
            None => None,
        };
        let digest = Digest::of(text.as_bytes());
        let file = DiskFile { name, digest, modified_millis: whole(file.last_modified()), handle };
        self.tell.emit(DiskMessage::Opened { text, file });
    }

    /// Keeps a handle, and gives its name: the one that it has already, if the page knows the file.
    async fn keep(&self, storage: Option<Storage>, handle: Handle) -> String {
        let known: Vec<(String, Handle)> =
            self.handles.borrow().iter().map(|(name, it)| (name.clone(), it.clone())).collect();
        for (name, it) in known {
            if it.is_same_entry(&handle).await.is_ok_and(|is_same| is_same.is_truthy()) {
                return name;
            }
        }
        let n_known = self.handles.borrow().len();
        let name = format!("handle-{}-{n_known}", whole(js_sys::Date::now()));
        if let Some(storage) = storage {
            // Where the browser does not let it, the file is asked for again after a reload.
            let _ = storage.write_handle(&name, &handle);
        }
        self.handles.borrow_mut().insert(name.clone(), handle);
        name
    }

    async fn find(&self, storage: Option<&Storage>, name: Option<&str>) -> Option<Handle> {
        let name = name?;
        if let Some(handle) = self.handles.borrow().get(name) {
            return Some(handle.clone());
        }
        let handle: Handle = storage?.read_handle(name).await?.unchecked_into();
        self.handles.borrow_mut().insert(name.to_owned(), handle.clone());
        Some(handle)
    }

    async fn save(
        &self,
        storage: Option<Storage>,
        document: u32,
        text: String,
        file: DiskFile,
        is_forced: bool,
    ) -> Result<DiskMessage, JsValue> {
        let digest = Digest::of(text.as_bytes());
        let mut known = self.find(storage.as_ref(), file.handle.as_deref()).await;
        if let Some(handle) = &known {
            match handle.request_permission(&options(None)).await {
                Ok(answer) if answer.as_string().is_some_and(|answer| answer != "granted") => {
                    return Err("the browser was not allowed to write it".into());
                }
                // A browser that does not ask allows it, or refuses to write.
                Ok(_) | Err(_) => {}
            }
            match handle.get_file().await {
                Ok(there) => {
                    let there: File = there.unchecked_into();
                    let modified_millis = whole(there.last_modified());
                    if !is_forced && modified_millis != file.modified_millis {
                        let theirs = bytes(&there).await.and_then(|bytes| String::from_utf8(bytes).ok());
                        let theirs =
                            theirs.ok_or("it was written by somebody else and is no text any more")?;
                        let changed = Digest::of(theirs.as_bytes());
                        // That it was written means nothing where its text is the same.
                        if changed != file.digest && changed != digest {
                            let file = DiskFile { digest: changed, modified_millis, ..file };
                            return Ok(DiskMessage::ChangedOnDisk { document, text: theirs, file });
                        }
                    }
                }
                // It was moved or deleted: the reader says where it goes.
                Err(error) if is_named(&error, "NotFoundError") => known = None,
                Err(error) => return Err(error),
            }
        }
        let handle = match (known, pickers("showSaveFilePicker")) {
            (Some(handle), _) => handle,
            (None, Some(pickers)) => pickers.show_save(&options(Some(&file.name))).await?.unchecked_into(),
            (None, None) => {
                handout::save(&file.name, "text/plain", &text)?;
                return Ok(DiskMessage::Saved { document, file: DiskFile { digest, handle: None, ..file } });
            }
        };
        let writable: Writable = handle.create_writable().await?.unchecked_into();
        writable.write(&text).await?;
        writable.close().await?;
        let written: File = handle.get_file().await?.unchecked_into();
        let (name, modified_millis) = (written.name(), whole(written.last_modified()));
        let handle = Some(self.keep(storage, handle).await);
        Ok(DiskMessage::Saved { document, file: DiskFile { name, digest, modified_millis, handle } })
    }
}
