//! The keys of the tree.

use yew::prelude::*;

use crate::web::component::icon::icon;

const KEYS: [(&str, &str); 14] = [
    ("↑ ↓", "Row by row"),
    ("← →", "Fold, unfold, to the folder above"),
    ("Home End", "First and last row"),
    ("Page Up Page Down", "A screen of rows"),
    ("Space", "Fold or unfold"),
    ("Enter", "Open the file, fold or unfold the folder"),
    ("letters", "To the next name that begins so"),
    ("F7", "To the next change; with Shift the one before"),
    ("Ctrl Space", "Fold all"),
    ("Ctrl F", "Filter"),
    ("Ctrl A", "Only what is added"),
    ("Ctrl M", "Only what is modified"),
    ("Ctrl B", "Mode, owner and time"),
    ("Ctrl O, Ctrl E", "Next order; save the file"),
];

/// A button that shows them.
#[component(Keys)]
pub(super) fn keys() -> Html {
    html! {
        <details class="drop grid-keys">
            <summary class="button quiet square" aria-label="Keys" title="Keys">{ icon("circle-question-mark") }</summary>
            <dl class="drop-body">
                { for KEYS.iter().map(|(key, what)| html! { <div><dt><kbd>{ *key }</kbd></dt><dd>{ *what }</dd></div> }) }
            </dl>
        </details>
    }
}
