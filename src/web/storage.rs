//! What survives a reload, in the browser's own database.
//!
//! A page may go away before the database has taken the last key press. So the
//! texts, which are small, are also written where writing is immediate.

use std::collections::BTreeMap;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransactionMode};

use crate::app::saved::Part;

const DATABASE: &str = "layerlab";
const STORE: &str = "session";

/// The open database.
#[derive(Clone)]
pub(super) struct Storage(IdbDatabase);

/// Waits for a request to succeed or fail.
async fn done(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let promise = js_sys::Promise::new(&mut |resolve, reject| {
        let succeeded = {
            let request = request.clone();
            Closure::once_into_js(move || {
                let _ = resolve.call1(&JsValue::NULL, &request.result().unwrap_or(JsValue::UNDEFINED));
            })
        };
        let failed = {
            let request = request.clone();
            Closure::once_into_js(move || {
                let error = request.error().ok().flatten().map_or(JsValue::UNDEFINED, JsValue::from);
                let _ = reject.call1(&JsValue::NULL, &error);
            })
        };
        request.set_onsuccess(Some(succeeded.unchecked_ref()));
        request.set_onerror(Some(failed.unchecked_ref()));
    });
    JsFuture::from(promise).await
}

/// Where writing is immediate, if the browser allows it.
fn immediate() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

impl Storage {
    /// Opens the database and makes it where it is missing.
    pub(super) async fn open() -> Result<Self, JsValue> {
        let window = web_sys::window().ok_or("there is no window")?;
        let factory = window.indexed_db()?.ok_or("this browser keeps nothing in private windows")?;
        let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, 1)?;
        let upgrading = request.clone();
        let upgrade = Closure::once_into_js(move || {
            if let Ok(database) = upgrading.result().map(JsCast::unchecked_into::<IdbDatabase>) {
                let _ = database.create_object_store(STORE);
            }
        });
        request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
        Ok(Self(done(&request).await?.dyn_into()?))
    }

    fn store(&self, mode: IdbTransactionMode) -> Result<IdbObjectStore, JsValue> {
        self.0.transaction_with_str_and_mode(STORE, mode)?.object_store(STORE)
    }

    /// The parts that were written.
    pub(super) async fn read(&self) -> Result<BTreeMap<Part, String>, JsValue> {
        let mut parts = BTreeMap::new();
        for part in Part::ALL {
            let request = self.store(IdbTransactionMode::Readonly)?.get(&JsValue::from_str(part.key()))?;
            if let Some(text) = done(&request).await?.as_string() {
                parts.insert(part, text);
            }
        }
        // Never older than what the database has.
        let immediate = immediate().and_then(|store| store.get_item(Part::Texts.key()).ok().flatten());
        immediate.into_iter().for_each(|text| drop(parts.insert(Part::Texts, text)));
        Ok(parts)
    }

    /// Writes a part. Writes are done in the order in which they are asked for.
    pub(super) fn write(&self, part: Part, text: &str) -> Result<(), JsValue> {
        if let Some(store) = immediate().filter(|_| part == Part::Texts)
            && store.set_item(part.key(), text).is_err()
        {
            // Too long for it: an older text must not win over the database's.
            let _ = store.remove_item(part.key());
        }
        let store = self.store(IdbTransactionMode::Readwrite)?;
        store.put_with_key(&JsValue::from_str(text), &JsValue::from_str(part.key()))?;
        Ok(())
    }

    /// Writes what a browser gave for a file, under a name of its own.
    pub(super) fn write_handle(&self, name: &str, handle: &JsValue) -> Result<(), JsValue> {
        let store = self.store(IdbTransactionMode::Readwrite)?;
        store.put_with_key(handle, &JsValue::from_str(name)).map(drop)
    }

    /// Reads it.
    pub(super) async fn read_handle(&self, name: &str) -> Option<JsValue> {
        let request = self.store(IdbTransactionMode::Readonly).ok()?.get(&JsValue::from_str(name)).ok()?;
        done(&request).await.ok().filter(JsValue::is_object)
    }

    /// Waits until everything was taken that was asked to be written.
    pub(super) async fn settled(&self) -> Result<(), JsValue> {
        // Whatever asks later is answered later.
        done(&self.store(IdbTransactionMode::Readwrite)?.count()?).await.map(drop)
    }

    /// Forgets everything.
    pub(super) fn clear(&self) -> Result<(), JsValue> {
        if let Some(store) = immediate() {
            let _ = store.remove_item(Part::Texts.key());
        }
        self.store(IdbTransactionMode::Readwrite)?.clear()?;
        Ok(())
    }
}
