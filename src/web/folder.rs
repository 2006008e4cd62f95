//! Folders that were dropped or chosen: which files are in them.

use std::rc::Rc;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, File, FileSystemDirectoryEntry, FileSystemDirectoryReader, FileSystemEntry,
    FileSystemFileEntry,
};

use super::blob::whole;
use crate::protocol::ContextSource;

/// What a context is read from, kept so that it can be read again.
#[derive(Clone)]
pub(super) enum Chosen {
    /// A folder that was dropped: the browser looks into it anew each time.
    Dropped(FileSystemDirectoryEntry),
    /// Files as a dialog gave them, with their paths.
    Files {
        /// The folder's name.
        name: String,
        /// The files.
        files: Vec<File>,
    },
    /// A tar or a zip.
    Archive(File),
}

impl Chosen {
    /// What was dropped, if it is a folder or a single file.
    pub(super) fn of_drop(data: &DataTransfer) -> Option<Self> {
        let entry = data.items().get(0).and_then(|item| item.webkit_get_as_entry().ok().flatten());
        match entry.filter(FileSystemEntry::is_directory) {
            Some(entry) => Some(Self::Dropped(entry.unchecked_into())),
            None => data.files().and_then(|files| files.get(0)).map(Self::Archive),
        }
    }

    /// It is a folder that was dropped.
    pub(super) fn is_dropped_folder(&self) -> bool {
        matches!(self, Self::Dropped(_))
    }

    /// What a dialog for folders gave: every path begins with the folder's name.
    pub(super) fn of_dialog(files: Vec<File>) -> Option<Self> {
        let path = relative_path(files.first()?);
        let name = path.split('/').next().unwrap_or("").to_owned();
        Some(Self::Files { name, files })
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Dropped(entry) => entry.name(),
            Self::Files { name, .. } => name.clone(),
            Self::Archive(file) => file.name(),
        }
    }

    /// Finds its files. `on_found` hears how many there are so far.
    pub(super) async fn find(&self, on_found: &dyn Fn(usize)) -> Result<(ContextSource, Vec<File>), JsValue> {
        match self {
            Self::Archive(file) => {
                let source = ContextSource::Archive { size_bytes: whole(file.size()) };
                Ok((source, vec![file.clone()]))
            }
            Self::Files { files, .. } => {
                let inside = |file: &File| {
                    let path = relative_path(file);
                    path.split_once('/').map_or(path.clone(), |(_, rest)| rest.to_owned())
                };
                let paths = files.iter().map(inside).collect();
                let source = ContextSource::Folder { paths, folders: Vec::new() };
                Ok((source, files.clone()))
            }
            Self::Dropped(root) => {
                let (mut paths, mut files, mut folders) = (Vec::new(), Vec::new(), Vec::new());
                let mut open: Vec<(String, FileSystemDirectoryEntry)> = vec![(String::new(), root.clone())];
                while let Some((path, folder)) = open.pop() {
                    for entry in children(&folder).await? {
                        let name = entry.name();
                        let full = if path.is_empty() { name } else { format!("{path}/{name}") };
                        if entry.is_directory() {
                            folders.push(full.clone());
                            open.push((full, entry.unchecked_into()));
                        } else {
                            files.push(file_of(&entry.unchecked_into()).await?);
                            paths.push(full);
                        }
                    }
                    on_found(files.len());
                }
                Ok((ContextSource::Folder { paths, folders }, files))
            }
        }
    }
}

fn relative_path(file: &File) -> String {
    let path = js_sys::Reflect::get(file, &"webkitRelativePath".into()).ok();
    path.and_then(|path| path.as_string()).filter(|path| !path.is_empty()).unwrap_or_else(|| file.name())
}

/// All that stands in a folder; browsers tell it in parts.
async fn children(folder: &FileSystemDirectoryEntry) -> Result<Vec<FileSystemEntry>, JsValue> {
    let reader: FileSystemDirectoryReader = folder.create_reader();
    let mut all = Vec::new();
    loop {
        let part = called_back(&|done, failed| {
            let _ = reader.read_entries_with_callback_and_callback(done, failed);
        });
        let part = js_sys::Array::from(&JsFuture::from(part).await?);
        if part.length() == 0 {
            return Ok(all);
        }
        all.extend(part.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
}

async fn file_of(entry: &FileSystemFileEntry) -> Result<File, JsValue> {
    let file = called_back(&|done, failed| entry.file_with_callback_and_callback(done, failed));
    Ok(JsFuture::from(file).await?.unchecked_into())
}

/// A promise for a call that answers through one of two functions.
fn called_back(call: &dyn Fn(&js_sys::Function, &js_sys::Function)) -> js_sys::Promise {
    js_sys::Promise::new(&mut |resolve, reject| call(&resolve, &reject))
}

/// Finds the files in the background and tells of it.
pub(super) fn find(
    chosen: Chosen,
    on_found: Rc<dyn Fn(usize)>,
    on_done: impl FnOnce(Result<(ContextSource, Vec<File>), JsValue>) + 'static,
) {
    wasm_bindgen_futures::spawn_local(async move {
        on_done(chosen.find(on_found.as_ref()).await);
    });
}

/// Opens the dialog for folders. It tells nothing where it is closed without a choice.
pub(super) fn ask(on_chosen: impl Fn(Chosen) + 'static) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let Ok(input) = document.create_element("input").map(JsCast::unchecked_into::<web_sys::HtmlInputElement>)
    else {
        return;
    };
    input.set_type("file");
    let _ = input.set_attribute("webkitdirectory", "");
    let listening = input.clone();
    let listener = Closure::once_into_js(move || {
        let files = listening.files().map(list).unwrap_or_default();
        Chosen::of_dialog(files).into_iter().for_each(on_chosen);
    });
    let _ = input.add_event_listener_with_callback("change", listener.unchecked_ref());
    input.click();
}

/// Waits until the browser has done what else there is to do.
pub(super) async fn next_turn() {
    let turn = js_sys::Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            let _ = window.set_timeout_with_callback(&resolve);
        }
    });
    let _ = JsFuture::from(turn).await;
}

/// The file begins as a zip does.
pub(super) async fn is_zip(file: &File) -> bool {
    let Ok(head) = file.slice_with_f64_and_f64(0.0, 4.0) else { return false };
    let bytes = JsFuture::from(head.array_buffer()).await;
    bytes.is_ok_and(|bytes| js_sys::Uint8Array::new(&bytes).to_vec().starts_with(b"PK"))
}

/// The files of a list.
pub(super) fn list(files: web_sys::FileList) -> Vec<File> {
    (0..files.length()).filter_map(|idx| files.get(idx)).collect()
}
