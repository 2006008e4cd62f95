//! JavaScript's errors as sentences.

use wasm_bindgen::{JsCast, JsValue};

/// What an exception says.
pub(super) fn message(value: &JsValue) -> String {
    if let Some(error) = value.dyn_ref::<js_sys::Error>() {
        return String::from(error.message());
    }
    value.as_string().unwrap_or_else(|| "an unknown error".to_owned())
}
