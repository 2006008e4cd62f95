//! A dialog over the page, with a heading and a way out.

use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::icon::icon;

#[derive(Properties, PartialEq)]
pub(super) struct ModalProps {
    pub(super) title: &'static str,
    pub(super) on_closed: Callback<Event>,
    pub(super) children: Html,
}

/// Makes a dialog modal once it is drawn. The browser itself then keeps the focus in it, closes it
/// by Escape, and puts the focus back.
#[hook]
pub(super) fn use_modal() -> NodeRef {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with((), move |()| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                let _ = dialog.show_modal();
            }
        });
    }
    dialog
}

/// Closes a dialog, which puts the focus back to where it was.
pub(super) fn close(dialog: &NodeRef) {
    if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
        dialog.close();
    }
}

/// The dialog.
#[component(Modal)]
pub(super) fn modal(props: &ModalProps) -> Html {
    let dialog = use_modal();
    let onclick = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| close(&dialog))
    };
    html! {
        <dialog class="share" ref={dialog} onclose={props.on_closed.clone()} aria-labelledby="modal-title">
            <div class="share-head">
                <h2 id="modal-title" class="modal-title">{ props.title }</h2>
                <button class="button quiet square" {onclick} aria-label="Close">{ icon("x") }</button>
            </div>
            { props.children.clone() }
        </dialog>
    }
}
