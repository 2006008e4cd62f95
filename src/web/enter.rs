//! Keys that are commands, and where the focus goes then.

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

use super::folder::next_turn;
use crate::app::commands::keys::{Pressed, meant};
use crate::app::commands::table::Command;

/// Where it is kept whether single keys are commands: with the browser, not with the work.
const SINGLE_KEYS: &str = "single-keys";

/// The reader's system writes keys as a Mac does.
pub(super) fn is_mac() -> bool {
    let agent = web_sys::window().and_then(|window| window.navigator().user_agent().ok());
    agent.is_some_and(|agent| ["Mac", "iPhone", "iPad"].iter().any(|name| agent.contains(name)))
}

pub(super) fn has_single_keys() -> bool {
    let kept = web_sys::window()
        .and_then(|window| window.local_storage().ok().flatten()?.get_item(SINGLE_KEYS).ok()?);
    kept.as_deref() != Some("off")
}

pub(super) fn save_single_keys(is_on: bool) {
    if let Some(store) = web_sys::window().and_then(|window| window.local_storage().ok().flatten()) {
        let _ = store.set_item(SINGLE_KEYS, if is_on { "on" } else { "off" });
    }
}

/// What takes text, or letters to choose by.
const TEXT: &str =
    "input:not([type=\"checkbox\"]):not([type=\"file\"]), textarea, select, [contenteditable=\"true\"]";

/// The command of a key press. While a dialog is open keys are the dialog's.
pub(super) fn command(event: &Event, has_single_keys: bool) -> Option<&'static Command> {
    let key: &KeyboardEvent = event.dyn_ref()?;
    if key.is_composing() || key.default_prevented() {
        return None;
    }
    let (has_mod, has_other) =
        if is_mac() { (key.meta_key(), key.ctrl_key()) } else { (key.ctrl_key(), key.meta_key()) };
    // Also within the editor, which has a tree of its own.
    let target: Option<Element> = event.composed_path().get(0).dyn_into().ok();
    let is_typing = target.is_some_and(|target| target.closest(TEXT).is_ok_and(|found| found.is_some()));
    let name = key.key();
    let has_other = has_other || key.alt_key();
    let found = meant(
        &Pressed { key: &name, has_mod, has_shift: key.shift_key(), has_other, is_typing },
        has_single_keys,
    )?;
    // A key that is held leads on from step to step, and does nothing else twice.
    let may_repeat = name.eq_ignore_ascii_case("j") || name.eq_ignore_ascii_case("k") && !has_mod;
    let document = web_sys::window()?.document()?;
    let is_below = document.query_selector("dialog[open]").ok()?.is_some();
    (!is_below && (may_repeat || !key.repeat())).then_some(found)
}

/// Puts the focus on the first of these that is on the page, once it is.
pub(super) fn focus(selector: &'static str) {
    spawn_local(async move {
        next_turn().await;
        let document = web_sys::window().and_then(|window| window.document());
        let found = document.and_then(|document| document.query_selector(selector).ok().flatten());
        if let Some(found) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
            let _ = found.focus();
            found.scroll_into_view_with_bool(false);
        }
    });
}
