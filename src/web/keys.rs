//! The shortcuts of the page, all in one place. What the editor does with keys is its own.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlTextAreaElement, KeyboardEvent};

use super::address::current_place;
use crate::app::disk::DiskMessage;
use crate::app::state::Place;
use crate::app::undo::UndoMessage;
use crate::app::update::Message;

/// A key that is pressed with Ctrl, or with Cmd on a Mac.
struct Shortcut {
    key: &'static str,
    with_shift: bool,
    /// It also counts while a text is edited: there, undo is that of the text.
    counts_in_texts: bool,
    message: fn() -> Message,
}

const fn undo(key: &'static str, with_shift: bool, message: fn() -> Message) -> Shortcut {
    Shortcut { key, with_shift, counts_in_texts: false, message }
}

const SHORTCUTS: [Shortcut; 4] = [
    Shortcut {
        key: "s",
        with_shift: false,
        counts_in_texts: true,
        message: || Message::Disk(DiskMessage::SaveAsked),
    },
    undo("z", false, || Message::Undo(UndoMessage::Undone)),
    undo("z", true, || Message::Undo(UndoMessage::Redone)),
    undo("y", false, || Message::Undo(UndoMessage::Redone)),
];

/// What a pressed key tells, if it is a shortcut.
pub(super) fn message_of(event: &KeyboardEvent) -> Option<Message> {
    let is_plain = !event.ctrl_key() && !event.meta_key();
    if is_plain || event.alt_key() || event.default_prevented() || current_place() != Place::Simulate {
        return None;
    }
    let key = event.key().to_lowercase();
    let is_meant = |it: &&Shortcut| it.key == key && it.with_shift == event.shift_key();
    let found = SHORTCUTS.iter().find(is_meant)?;
    let is_elsewhere = has_open_dialog() || (!found.counts_in_texts && is_in_text(event));
    (!is_elsewhere).then(found.message)
}

/// A dialog is in front of what the shortcuts are about.
fn has_open_dialog() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_some_and(|document| document.query_selector("dialog[open]").is_ok_and(|it| it.is_some()))
}

/// The key was pressed where text is edited, which has an undo of its own.
fn is_in_text(event: &KeyboardEvent) -> bool {
    // The editor lives in a shadow root: the event's target would be the element around it.
    let Ok(target) = event.composed_path().get(0).dyn_into::<Element>() else { return false };
    match target.dyn_ref::<HtmlInputElement>() {
        Some(input) => !matches!(input.type_().as_str(), "checkbox" | "radio" | "file" | "button"),
        None => {
            target.has_type::<HtmlTextAreaElement>()
                || target.dyn_ref::<HtmlElement>().is_some_and(HtmlElement::is_content_editable)
        }
    }
}
