//! The browser side: components, the worker's entry point, storage.
//! Replaced by the real thing soon.

use yew::prelude::*;

#[component(Root)]
fn root() -> Html {
    html! { <h1>{ "Layerlab" }</h1> }
}

/// Starts the page.
pub fn start_app() {
    yew::Renderer::<Root>::new().render();
}

/// Starts the worker.
pub fn start_worker() {}
