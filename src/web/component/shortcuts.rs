//! The sheet of shortcuts.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::modal::Modal;
use crate::app::commands::CommandMessage;
use crate::app::commands::keys::Keys;
use crate::app::commands::table::{COMMANDS, Group};
use crate::app::update::Message;

#[derive(Properties, PartialEq)]
pub(super) struct ShortcutsProps {
    pub(super) has_single_keys: bool,
    pub(super) is_mac: bool,
    pub(super) on_message: Callback<Message>,
    pub(super) on_closed: Callback<Event>,
}

/// Keys as they are printed on a keyboard; any of them is enough.
pub(super) fn keys(keys: &[Keys], is_mac: bool) -> Html {
    html! {
        { for keys.iter().enumerate().map(|(idx, keys)| html! {
            <>
                if idx > 0 { <span class="or">{ " or " }</span> }
                <kbd>{ keys.label(is_mac) }</kbd>
            </>
        }) }
    }
}

/// The commands of a group that have keys.
pub(super) fn key_table(group: Group, is_mac: bool) -> Html {
    html! {
        <table class="key-table" aria-label={group.label()}>
            <tbody>
                { for COMMANDS.iter().filter(|command| command.group == group && !command.keys.is_empty()).map(|command| html! {
                    <tr><th scope="row">{ command.name }</th><td>{ keys(command.keys, is_mac) }</td></tr>
                }) }
            </tbody>
        </table>
    }
}

/// The dialog.
#[component(ShortcutsDialog)]
pub(super) fn shortcuts_dialog(props: &ShortcutsProps) -> Html {
    let onchange = {
        let on_message = props.on_message.clone();
        Callback::from(move |event: Event| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                let switched = CommandMessage::SingleKeysSwitched(input.checked());
                on_message.emit(Message::Command(switched));
            }
        })
    };
    let has_keys = |group: &Group| COMMANDS.iter().any(|it| it.group == *group && !it.keys.is_empty());
    html! {
        <Modal title="Keyboard shortcuts" on_closed={props.on_closed.clone()}>
            <label class="field">
                <input type="checkbox" checked={props.has_single_keys} {onchange} />
                { "Single keys work outside of text fields" }
            </label>
            <div class="key-groups">
                { for Group::ALL.iter().filter(|group| has_keys(group)).map(|group| html! {
                    <section class="key-group"><h3>{ group.label() }</h3>{ key_table(*group, props.is_mac) }</section>
                }) }
            </div>
        </Modal>
    }
}
