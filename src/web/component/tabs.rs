//! The tabs of the editor: Dockerfiles, the ignore file and the options of the present one.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::icon::icon;
use crate::app::disk::DiskMessage;
use crate::app::document::{DocumentMessage, Start, TabRow, path_problem};
use crate::app::import::ContextMessage;
use crate::app::state::{EditorTab, State};
use crate::app::update::Message;
use crate::app::view::SimulateView;

/// What the tabs show.
pub(super) const PANEL: &str = "texts-panel";

#[derive(Properties, PartialEq)]
pub(super) struct TabsProps {
    pub(super) state: Rc<State>,
    pub(super) view: Rc<SimulateView>,
    pub(super) on_message: Callback<Message>,
}

/// The identifiers of the present tab's element, and of the others.
fn element_id(tab: EditorTab, document: u32) -> String {
    match tab {
        EditorTab::Dockerfile => format!("tab-{document}"),
        EditorTab::Ignore => "tab-ignore".to_owned(),
        EditorTab::Options => "tab-options".to_owned(),
    }
}

/// The element of the tab that is shown.
pub(super) fn shown_id(state: &State) -> String {
    element_id(state.session.tab, state.session.document)
}

fn focus(id: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    let element = document.and_then(|document| document.get_element_by_id(id));
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// The tabs, and what can be done with those of Dockerfiles.
#[component(Tabs)]
pub(super) fn tabs(props: &TabsProps) -> Html {
    let session = &props.state.session;
    let (rows, tab) = (&props.view.tabs, session.tab);
    let renaming = use_state(|| None::<String>);
    let field = use_node_ref();
    {
        let field = field.clone();
        use_effect_with(renaming.is_some(), move |is_renaming| {
            if let Some(input) = field.cast::<HtmlInputElement>().filter(|_| *is_renaming) {
                let _ = input.focus();
                input.select();
            }
        });
    }
    {
        // Another document is not the one whose path was being typed.
        let renaming = renaming.clone();
        use_effect_with(session.document, move |_| renaming.set(None));
    }
    let send = |message: Message| {
        let on_message = props.on_message.clone();
        Callback::from(move |_: MouseEvent| on_message.emit(message.clone()))
    };
    // In the order of the screen, each with what choosing it tells.
    let mut all: Vec<(String, Message)> = Vec::new();
    for row in rows {
        let chosen = Message::Document(DocumentMessage::Chosen(row.id));
        all.push((element_id(EditorTab::Dockerfile, row.id), chosen));
    }
    for other in [EditorTab::Ignore, EditorTab::Options] {
        all.push((element_id(other, 0), Message::TabChosen(other)));
    }
    let shown = shown_id(&props.state);
    let here = all.iter().position(|(id, _)| *id == shown).unwrap_or(0);
    let present = rows.iter().position(|row| row.is_here).unwrap_or(0);
    let begin_renaming = {
        let (renaming, path) = (renaming.clone(), session.now.dockerfile_path.clone());
        Callback::from(move |()| renaming.set(Some(path.clone())))
    };
    let close = {
        let (on_message, document) = (props.on_message.clone(), session.document);
        let beside = rows.get(present + 1).or_else(|| rows.get(present.checked_sub(1)?));
        let beside = beside.map(|row| element_id(EditorTab::Dockerfile, row.id));
        Callback::from(move |()| {
            if let Some(beside) = &beside {
                focus(beside);
                on_message.emit(Message::Document(DocumentMessage::Closed(document)));
            }
        })
    };
    let onkeydown = {
        let (on_message, begin_renaming, close) =
            (props.on_message.clone(), begin_renaming.clone(), close.clone());
        let is_document = tab == EditorTab::Dockerfile;
        Callback::from(move |event: KeyboardEvent| {
            let last = all.len() - 1;
            let to = match event.key().as_str() {
                "ArrowRight" => {
                    if here == last {
                        0
                    } else {
                        here + 1
                    }
                }
                "ArrowLeft" => here.checked_sub(1).unwrap_or(last),
                "Home" => 0,
                "End" => last,
                "F2" if is_document => {
                    event.prevent_default();
                    return begin_renaming.emit(());
                }
                "Delete" if is_document => return close.emit(()),
                _ => return,
            };
            event.prevent_default();
            if let Some((id, message)) = all.get(to) {
                focus(id);
                on_message.emit(message.clone());
            }
        })
    };
    let tab_button = |of: EditorTab,
                      document: u32,
                      name: Html,
                      title: String,
                      class: Classes,
                      message: Message| {
        let id = element_id(of, document);
        let is_shown = id == shown;
        html! {
            <button role="tab" key={id.clone()} {id} class={classes!("tab", class)} {title} aria-selected={is_shown.to_string()}
                aria-controls={PANEL} tabindex={if is_shown { "0" } else { "-1" }} onclick={send(message)}>{ name }</button>
        }
    };
    let of_document = |row: &TabRow| {
        let class = classes!((row.is_here && rows.len() > 1).then_some("here"));
        let name = html! {
            <><span class="tab-name">{ row.label.clone() }</span>if row.is_unsaved { <span class="unsaved" aria-hidden="true"></span><span class="visually-hidden">{ "not saved" }</span> }</>
        };
        let title =
            if row.is_unsaved { format!("{}: not saved to its file", row.title) } else { row.title.clone() };
        tab_button(
            EditorTab::Dockerfile,
            row.id,
            name,
            title,
            class,
            Message::Document(DocumentMessage::Chosen(row.id)),
        )
    };
    let of_text = |of: EditorTab, name: &'static str, title: String| {
        tab_button(of, 0, html! { name }, title, Classes::new(), Message::TabChosen(of))
    };
    let path = &session.now.dockerfile_path;
    html! {
        <>
            <div class="editor-head">
                <div class={classes!("tabs", (rows.len() > 1).then_some("several"))} role="tablist" aria-label="Texts" {onkeydown}>
                    <div class="documents" role="presentation">{ for rows.iter().map(of_document) }</div>
                    <div class="texts" role="presentation">
                        { of_text(EditorTab::Ignore, ".dockerignore", format!("{} of {path}", session.now.ignore_path)) }
                        { of_text(EditorTab::Options, "Options", format!("Build options of {path}")) }
                    </div>
                </div>
                <div class="tab-tools" role="group" aria-label="Tabs">
                    <NewTab closed={props.view.closed_dockerfiles.clone()} path={path.clone()} on_message={props.on_message.clone()} />
                    <button class="button quiet square" aria-label="Rename tab" title={format!("Rename {path} (F2)")} onclick={begin_renaming.reform(|_: MouseEvent| ())}>{ icon("pencil") }</button>
                    if rows.len() > 1 {
                        <button class="button quiet square" aria-label="Close tab" title={format!("Close {path} (Delete)")} onclick={close.reform(|_: MouseEvent| ())}>{ icon("x") }</button>
                    }
                </div>
            </div>
            if let Some(typed) = renaming.as_ref() { { rename_form(props, &renaming, typed, &field, &shown) } }
        </>
    }
}

fn rename_form(
    props: &TabsProps,
    renaming: &UseStateHandle<Option<String>>,
    typed: &str,
    field: &NodeRef,
    shown: &str,
) -> Html {
    let problem = path_problem(&props.state.session, typed);
    let done = {
        let (renaming, shown) = (renaming.clone(), shown.to_owned());
        Callback::from(move |()| {
            renaming.set(None);
            focus(&shown);
        })
    };
    let oninput = {
        let renaming = renaming.clone();
        Callback::from(move |event: InputEvent| {
            renaming.set(event.target_dyn_into::<HtmlInputElement>().map(|input| input.value()));
        })
    };
    let onsubmit = {
        let (done, on_message, typed) = (done.clone(), props.on_message.clone(), typed.to_owned());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if problem.is_none() {
                on_message.emit(Message::Document(DocumentMessage::Renamed(typed.clone())));
                done.emit(());
            }
        })
    };
    let onkeydown = {
        let done = done.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                done.emit(());
            }
        })
    };
    html! {
        <form class="rename" {onsubmit} {onkeydown}>
            <input ref={field.clone()} aria-label="Path in the context" aria-invalid={problem.is_some().to_string()} aria-describedby="rename-problem" spellcheck="false" value={typed.to_owned()} {oninput} />
            <button class="button" type="submit" disabled={problem.is_some()}>{ "Rename" }</button>
            <button class="button quiet" type="button" onclick={done.reform(|_: MouseEvent| ())}>{ "Cancel" }</button>
            <p class="note" id="rename-problem" role="status">{ problem.unwrap_or("") }</p>
        </form>
    }
}

#[derive(Properties, PartialEq)]
struct NewTabProps {
    closed: Vec<String>,
    path: String,
    on_message: Callback<Message>,
}

/// The menu of what a new tab can begin with.
#[component(NewTab)]
fn new_tab(props: &NewTabProps) -> Html {
    let menu = use_node_ref();
    let close = {
        let menu = menu.clone();
        move || {
            let Some(menu) = menu.cast::<HtmlElement>() else { return };
            let _ = menu.remove_attribute("open");
            let summary = menu.query_selector("summary").ok().flatten();
            if let Some(summary) = summary.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
                let _ = summary.focus();
            }
        }
    };
    let onkeydown = {
        let close = close.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                close();
            }
        })
    };
    let item = |name: String, message: Message| {
        let (close, on_message) = (close.clone(), props.on_message.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            close();
            on_message.emit(message.clone());
        });
        html! { <li><button class="button quiet" {onclick}>{ name }</button></li> }
    };
    let added = |start: Start| Message::Document(DocumentMessage::Added(start));
    let of_context =
        |path: &String| item(path.clone(), Message::Context(ContextMessage::DockerfileChosen(path.clone())));
    html! {
        <details class="menu new-tab" ref={menu.clone()} {onkeydown}>
            <summary class="button quiet square" aria-label="New tab" title="Another Dockerfile in a tab">{ icon("plus") }</summary>
            <div class="new-tab-body">
                <ul aria-label="New tab">
                    { item("Empty Dockerfile".to_owned(), added(Start::Empty)) }
                    { item(format!("Copy of {}", props.path), added(Start::Copy)) }
                    { item("Open from disk…".to_owned(), Message::Disk(DiskMessage::OpenAsked)) }
                </ul>
                if !props.closed.is_empty() {
                    <h2>{ "In the context" }</h2>
                    <ul aria-label="Dockerfiles of the context">{ for props.closed.iter().map(of_context) }</ul>
                }
            </div>
        </details>
    }
}
