//! A text with its highlighting, and two of them compared: the editor's module, read-only.

use std::rc::Rc;

use yew::prelude::*;

use crate::web::editor;

#[derive(Properties, PartialEq)]
pub(super) struct TextProps {
    /// The text.
    pub(super) text: Rc<str>,
    /// What it is compared with.
    pub(super) before: Option<Rc<str>>,
    /// The path, which tells the kind.
    pub(super) path: String,
    /// What each is, to be said above them.
    pub(super) names: (String, String),
}

/// A text that can be read, searched and copied.
#[component(TextView)]
pub(super) fn text_view(props: &TextProps) -> Html {
    let host = use_node_ref();
    {
        let host = host.clone();
        let names = props.names.clone();
        let key = (Rc::clone(&props.text), props.before.clone(), props.path.clone());
        use_effect_with(key, move |(text, before, path)| {
            if let Some(host) = host.cast::<web_sys::HtmlElement>() {
                editor::view(host, Rc::clone(text), before.clone(), path.clone(), names);
            }
        });
    }
    html! { <div class="text-view" ref={host}></div> }
}
