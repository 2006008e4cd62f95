//! The menu of examples.

use wasm_bindgen::JsCast;
use yew::prelude::*;

use super::icon::icon;
use crate::app::example::EXAMPLES;
use crate::app::update::Message;

#[derive(Properties, PartialEq)]
pub(super) struct ExamplesProps {
    pub(super) on_message: Callback<Message>,
}

/// Folds the menu up and leaves the focus on what unfolds it.
fn close(menu: &NodeRef) {
    let Some(menu) = menu.cast::<web_sys::Element>() else { return };
    let _ = menu.remove_attribute("open");
    let summary = menu.query_selector("summary").ok().flatten();
    if let Some(summary) = summary.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = summary.focus();
    }
}

/// Real-life files to begin with.
#[component(Examples)]
pub(super) fn examples(props: &ExamplesProps) -> Html {
    let menu = use_node_ref();
    let onkeydown = {
        let menu = menu.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                close(&menu);
            }
        })
    };
    html! {
        <details class="examples" ref={menu.clone()} {onkeydown}>
            <summary class="button quiet">{ icon("book-open") }<span class="bar-name">{ "Examples" }</span></summary>
            <ul class="examples-list" aria-label="Examples">
                { for EXAMPLES.iter().enumerate().map(|(idx, example)| {
                    let (menu, on_message) = (menu.clone(), props.on_message.clone());
                    let onclick = Callback::from(move |_: MouseEvent| {
                        close(&menu);
                        on_message.emit(Message::ExampleChosen(idx));
                    });
                    html! {
                        <li><button class="examples-item" {onclick}><strong>{ example.title }</strong><span class="note">{ example.teaches }</span></button></li>
                    }
                }) }
            </ul>
        </details>
    }
}
