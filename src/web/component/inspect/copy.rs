//! A text with a button that copies it.

use yew::prelude::*;

use crate::web::component::icon::icon;
use crate::web::handout;

#[derive(Properties, PartialEq)]
pub(super) struct CopyProps {
    /// The text.
    pub(super) text: String,
    /// What it is, for the button's name.
    pub(super) what: String,
}

/// A digest, or anything else that is handed on letter by letter.
#[component(Copy)]
pub(super) fn copy(props: &CopyProps) -> Html {
    let done = use_state(|| None::<bool>);
    let onclick = {
        let (done, text) = (done.clone(), props.text.clone());
        Callback::from(move |_: MouseEvent| {
            let done = done.clone();
            handout::copy(text.clone(), move |is_copied| done.set(Some(is_copied)));
        })
    };
    let (sign, said) = match *done {
        Some(true) => ("check", "copied"),
        Some(false) => ("x", "the browser refused to copy"),
        None => ("copy", ""),
    };
    html! {
        <span class="copied">
            <code title={props.text.clone()}>{ props.text.clone() }</code>
            <button class="button quiet square tiny" {onclick} aria-label={format!("Copy {}", props.what)} title={format!("Copy {}", props.what)}>{ icon(sign) }</button>
            <span class="visually-hidden" aria-live="polite">{ said }</span>
        </span>
    }
}
