//! Hands texts to the clipboard, to a file, or to the printer. Nothing of it asks the network.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, HtmlElement, HtmlTextAreaElement, Url};

use super::folder::next_turn;

/// Copies a text and tells whether that worked: a browser may refuse, or have no clipboard to offer.
pub(super) fn copy(text: String, on_done: impl FnOnce(bool) + 'static) {
    let Some(window) = web_sys::window() else { return };
    let navigator = window.navigator();
    // Where the page is not served safely there is none, which the bindings do not foresee.
    let has_clipboard = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard"))
        .is_ok_and(|clipboard| clipboard.is_object());
    spawn_local(async move {
        on_done(has_clipboard && JsFuture::from(navigator.clipboard().write_text(&text)).await.is_ok());
    });
}

/// Selects all of a text area, so that it can be copied by hand.
pub(super) fn select(id: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    let area = document.and_then(|document| document.get_element_by_id(id));
    if let Some(area) = area.and_then(|area| area.dyn_into::<HtmlTextAreaElement>().ok()) {
        let _ = area.focus();
        area.select();
    }
}

/// Offers a text as a file.
pub(super) fn save(name: &str, media_type: &str, text: &str) -> Result<(), JsValue> {
    save_blob(name, &text_blob(media_type, text)?)
}

/// A text as the bytes of a file.
pub(super) fn text_blob(media_type: &str, text: &str) -> Result<Blob, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    Blob::new_with_str_sequence_and_options(&parts, &options)
}

/// Offers bytes as a file.
pub(super) fn save_blob(name: &str, blob: &Blob) -> Result<(), JsValue> {
    let document = web_sys::window().and_then(|window| window.document()).ok_or("there is no document")?;
    let url = Url::create_object_url_with_blob(blob)?;
    let anchor: HtmlElement = document.create_element("a")?.dyn_into()?;
    anchor.set_attribute("href", &url)?;
    anchor.set_attribute("download", name)?;
    anchor.click();
    spawn_local(async move {
        // The browser has taken it by then.
        next_turn().await;
        let _ = Url::revoke_object_url(&url);
    });
    Ok(())
}

/// Prints the page once what is printed stands on it.
pub(super) fn print() {
    spawn_local(async {
        next_turn().await;
        if let Some(window) = web_sys::window() {
            let _ = window.print();
        }
    });
}

/// The address of the page with another fragment.
pub(super) fn address(fragment: &str) -> String {
    let href = web_sys::window().and_then(|window| window.location().href().ok()).unwrap_or_default();
    format!("{}#{fragment}", href.split('#').next().unwrap_or(""))
}
