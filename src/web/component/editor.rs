//! The texts: the Dockerfile in the editor, the ignore file in a plain area.

use std::rc::Rc;

use web_sys::{HtmlElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::icon::{icon, mark_icon};
use crate::app::state::{EditorTab, State};
use crate::app::update::Message;
use crate::app::view::SimulateView;
use crate::web::root::EditorMode;

#[derive(Properties, PartialEq)]
pub(super) struct EditorProps {
    pub(super) state: Rc<State>,
    pub(super) view: Rc<SimulateView>,
    pub(super) mode: EditorMode,
    pub(super) on_message: Callback<Message>,
    pub(super) on_host: Callback<HtmlElement>,
}

/// The editor with its tabs.
#[component(EditorPanel)]
pub(super) fn editor_panel(props: &EditorProps) -> Html {
    let session = &props.state.session;
    let host = use_node_ref();
    {
        let (host, on_host) = (host.clone(), props.on_host.clone());
        use_effect_with((), move |()| {
            if let Some(element) = host.cast::<HtmlElement>() {
                on_host.emit(element);
            }
        });
    }
    let tab = |tab: EditorTab, name: &'static str| {
        let on_message = props.on_message.clone();
        let onclick = Callback::from(move |_: MouseEvent| on_message.emit(Message::TabChosen(tab)));
        html! {
            <button role="tab" class="tab" aria-selected={(session.tab == tab).to_string()} {onclick}>{ name }</button>
        }
    };
    let text_area = |label: &'static str, text: &str, message: fn(String) -> Message| {
        let on_message = props.on_message.clone();
        let oninput = Callback::from(move |event: InputEvent| {
            if let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() {
                on_message.emit(message(area.value()));
            }
        });
        html! { <textarea class="plain-editor" aria-label={label} spellcheck="false" value={text.to_owned()} {oninput} /> }
    };
    let is_ignore = session.tab == EditorTab::Ignore;
    let is_plain = props.mode == EditorMode::Plain;
    html! {
        <section class="panel editor-panel" aria-label="Texts">
            <div class="tabs" role="tablist" aria-label="Texts">
                { tab(EditorTab::Dockerfile, "Dockerfile") }
                { tab(EditorTab::Ignore, ".dockerignore") }
            </div>
            // The editor's element stays on the page, so that the caret and undo steps survive a look at the other tab.
            <div class={classes!("editor-host", (is_ignore || is_plain).then_some("hidden"))} ref={host}></div>
            if is_plain && !is_ignore {
                { text_area("Dockerfile", &session.now.dockerfile, Message::DockerfileEdited) }
                <ul class="findings">
                    { for props.view.diagnostics.iter().map(|found| html! { <li>{ found.message.clone() }</li> }) }
                </ul>
            }
            if is_ignore {
                { text_area(".dockerignore", &session.now.dockerignore, Message::IgnoreEdited) }
                if let Some(problem) = &props.view.ignore_problem {
                    <p class="notice" role="alert">{ icon("circle-alert") }{ format!("A builder refuses this file: {problem}.") }</p>
                }
            }
            if !is_ignore {
                <ul class="errors" aria-label="Problems">
                    { for props.view.diagnostics.iter().filter(|found| found.is_error).take(3).map(|found| html! {
                        <li>{ icon(mark_icon(crate::app::view::Mark::Error)) }{ found.message.clone() }</li>
                    }) }
                </ul>
            }
        </section>
    }
}
