//! What stands in the address behind the page's name: a place, or a link that was shared.

use wasm_bindgen::JsValue;

use crate::app::state::Place;

fn fragment() -> String {
    web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// The fragment, where it is a link's.
pub(super) fn linked() -> Option<String> {
    Some(fragment()).filter(|hash| hash.trim_start_matches('#').starts_with(crate::report::link::PREFIX))
}

/// The place that the address names, if it names one.
pub(super) fn named_place() -> Option<Place> {
    let hash = fragment();
    (!hash.is_empty()).then(|| Place::from_fragment(&hash))
}

pub(super) fn current_place() -> Place {
    named_place().unwrap_or_default()
}

pub(super) fn show_place(place: Place) {
    let Some(window) = web_sys::window() else { return };
    // A link that could not be opened stays, so that it can be tried again.
    let is_named = |hash: String| {
        hash.trim_start_matches('#').split('?').next().is_some_and(|named| named == place.fragment())
    };
    if !window.location().hash().is_ok_and(is_named) {
        let _ = window.location().set_hash(place.fragment());
    }
}

/// A reload shows what became of it since, and not the link once more.
pub(super) fn forget_link(place: Place) {
    let history = web_sys::window().and_then(|window| window.history().ok());
    if let Some(history) = history {
        let address = format!("#{}", place.fragment());
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}
