//! Views of the chosen layer, as tabs.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::PartProps;
use super::documents::Documents;
use super::file::FileView;
use super::files::Files;
use super::history::HistoryView;
use super::map::Map;
use super::waste::Waste;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::look::{Look, Tab};
use crate::app::update::Message;
use crate::text::visible;
use crate::web::component::icon::icon;

/// A tab with its icon and its name.
fn tabs(look: &Look) -> Vec<(Tab, &'static str, String)> {
    let mut tabs = vec![
        (Tab::Files, "folder", "Files".to_owned()),
        (Tab::Map, "layout-dashboard", "Map".to_owned()),
        (Tab::Waste, "trash-2", "Waste".to_owned()),
    ];
    if let Some(file) = &look.file {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        tabs.push((Tab::File, "file", visible(name)));
    }
    tabs.push((Tab::History, "history", "History".to_owned()));
    tabs.push((Tab::Documents, "book-open", "Documents".to_owned()));
    tabs
}

/// The tabs, and the panel of the one that was chosen.
#[component(Views)]
pub(super) fn views(props: &PartProps) -> Html {
    let Some(open) = props.state.archives.image() else { return Html::default() };
    let tab = open.look.tab;
    let button = |(this, sign, name): (Tab, &'static str, String)| {
        let is_chosen = this == tab;
        let onclick =
            props.on_message.reform(move |_: MouseEvent| Message::Inspect(InspectMessage::TabChosen(this)));
        html! {
            <button key={format!("{this:?}")} role="tab" class="tab" id={format!("tab-{this:?}")} aria-selected={is_chosen.to_string()} aria-controls="inspect-view" tabindex={if is_chosen { "0" } else { "-1" }} {onclick}>
                { icon(sign) }<bdi>{ name }</bdi>
            </button>
        }
    };
    html! {
        <section class="panel views" aria-label="View">
            <div class="tabs view-tabs" role="tablist" aria-label="Views" onkeydown={Callback::from(walk)}>
                { for tabs(&open.look).into_iter().map(button) }
            </div>
            <div class="view" id="inspect-view" role="tabpanel" aria-labelledby={format!("tab-{tab:?}")}>
                {
                    match tab {
                        Tab::Files => html! { <Files state={Rc::clone(&props.state)} on_message={props.on_message.clone()} /> },
                        Tab::Map => html! { <Map state={Rc::clone(&props.state)} on_message={props.on_message.clone()} /> },
                        Tab::Waste => html! { <Waste state={Rc::clone(&props.state)} on_message={props.on_message.clone()} /> },
                        Tab::File => html! { <FileView state={Rc::clone(&props.state)} on_message={props.on_message.clone()} /> },
                        Tab::History => html! { <HistoryView state={Rc::clone(&props.state)} on_message={props.on_message.clone()} /> },
                        Tab::Documents => html! { <Documents state={Rc::clone(&props.state)} on_message={props.on_message.clone()} /> },
                    }
                }
            </div>
        </section>
    }
}

/// Arrow keys go from tab to tab.
fn walk(event: KeyboardEvent) {
    let Some(tab) = event.target_dyn_into::<Element>() else { return };
    let next = match event.key().as_str() {
        "ArrowRight" => tab.next_element_sibling(),
        "ArrowLeft" => tab.previous_element_sibling(),
        _ => return,
    };
    event.prevent_default();
    if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        let _ = next.focus();
        next.click();
    }
}
