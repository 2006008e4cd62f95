//! Buttons that copy a text and save it.

use std::rc::Rc;

use yew::prelude::*;

use crate::web::component::icon::icon;
use crate::web::handout;

#[derive(Properties, PartialEq)]
pub(in crate::web::component) struct HandedProps {
    /// The text.
    pub(in crate::web::component) text: Rc<str>,
    /// The file's name.
    pub(in crate::web::component) name: String,
    /// What it is, for the names of the buttons.
    pub(in crate::web::component) what: String,
}

/// Copy and save.
#[component(Handed)]
pub(in crate::web::component) fn handed(props: &HandedProps) -> Html {
    let said = use_state(|| "");
    let copy = {
        let (said, text) = (said.clone(), Rc::clone(&props.text));
        Callback::from(move |_: MouseEvent| {
            let said = said.clone();
            handout::copy(text.to_string(), move |is_copied| {
                said.set(if is_copied { "Copied." } else { "The browser refused to copy." });
            });
        })
    };
    let save = {
        let (said, text, name) = (said.clone(), Rc::clone(&props.text), props.name.clone());
        Callback::from(move |_: MouseEvent| {
            let is_saved = handout::save(&name, "text/plain", &text).is_ok();
            said.set(if is_saved { "" } else { "The browser refused to save." });
        })
    };
    html! {
        <span class="handed">
            <button class="button quiet" aria-label={format!("Copy {}", props.what)} onclick={copy}>{ icon("copy") }{ "Copy" }</button>
            <button class="button quiet" aria-label={format!("Save {}", props.what)} onclick={save}>{ icon("download") }{ "Save" }</button>
            <span class="note" role="status">{ *said }</span>
        </span>
    }
}
