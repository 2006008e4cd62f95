//! The buttons that take steps back and do them again.

use yew::prelude::*;

use super::icon::icon;
use crate::app::undo::{Undo, UndoMessage};
use crate::app::update::Message;

#[derive(Properties, PartialEq)]
pub(super) struct UndoProps {
    pub(super) undo: Undo,
    pub(super) on_message: Callback<Message>,
}

/// Each button is named after its step.
#[component(UndoButtons)]
pub(super) fn undo_buttons(props: &UndoProps) -> Html {
    let button = |what: &str, keys: &str, name: Option<&str>, image: &'static str, message: UndoMessage| {
        let on_message = props.on_message.clone();
        let onclick = Callback::from(move |_: MouseEvent| on_message.emit(Message::Undo(message)));
        let label = name.map_or_else(|| what.to_owned(), |name| format!("{what}: {name}"));
        // Not disabled, so that whoever presses it until nothing is left keeps the focus.
        html! {
            <button class="button quiet square" aria-disabled={name.is_none().to_string()} title={format!("{label} ({keys})")} aria-label={label} {onclick}>
                { icon(image) }
            </button>
        }
    };
    let undo = &props.undo;
    html! {
        <span class="undo" role="group" aria-label="Steps">
            { button("Undo", "Ctrl+Z", undo.last_done(), "undo-2", UndoMessage::Undone) }
            { button("Redo", "Ctrl+Shift+Z", undo.last_undone(), "redo-2", UndoMessage::Redone) }
            <span class="visually-hidden" role="status">{ undo.told().to_owned() }</span>
        </span>
    }
}
