//! What there is to say of files on disk.

use yew::prelude::*;

use super::icon::icon;
use crate::app::disk::{DiskMessage, DiskNote, Keep};
use crate::app::update::Message;

/// A notice above the text, if there is something to say.
pub(super) fn disk_note(note: &DiskNote, on_message: &Callback<Message>) -> Html {
    let button = |name: &'static str, message: DiskMessage| {
        let on_message = on_message.clone();
        let onclick = Callback::from(move |_: MouseEvent| on_message.emit(Message::Disk(message.clone())));
        html! { <button class="link" {onclick}>{ name }</button> }
    };
    match note {
        DiskNote::Nothing => Html::default(),
        DiskNote::Saved(name) => html! {
            <p class="notice calm told" role="status">
                { icon("check") }<span>{ format!("{name} was saved.") }</span>
                { button("Close", DiskMessage::NoteClosed) }
            </p>
        },
        DiskNote::Changed { file, .. } => html! {
            <p class="notice told" role="alert">
                { icon("triangle-alert") }
                <span>{ format!("{} was not saved: it changed on disk since it was opened here.", file.name) }</span>
                { button("Overwrite it", DiskMessage::Chosen(Keep::Mine)) }
                { button("Take the one on disk", DiskMessage::Chosen(Keep::Theirs)) }
                { button("Decide later", DiskMessage::Chosen(Keep::Both)) }
            </p>
        },
        DiskNote::Failed(message) => html! {
            <p class="notice told" role="alert">
                { icon("circle-alert") }<span>{ format!("{message}.") }</span>
                { button("Close", DiskMessage::NoteClosed) }
            </p>
        },
    }
}
