//! Ways to give a context: a folder, an archive, a list or changes that are pasted.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::icon::icon;
use super::size::human;
use crate::app::import::{ContextMessage, ImportNote, ImportState};
use crate::app::pasted::{self, Pasted};
use crate::app::state::State;
use crate::app::update::Message;
use crate::context::patch::PatchKind;
use crate::web::folder::{Chosen, list};

/// Above this a pasted text is kept beside its box: Chromium takes minutes to put 200 kB into one.
const MAX_SHOWN_BYTES: usize = 16 << 10;

#[derive(Properties, PartialEq)]
pub(super) struct ImportProps {
    pub(super) state: Rc<State>,
    pub(super) on_message: Callback<Message>,
    pub(super) on_context: Callback<Chosen>,
}

/// Buttons, what is going on, and what came of it.
#[component(Import)]
pub(super) fn import(props: &ImportProps) -> Html {
    let send = |message: ContextMessage| {
        let on_message = props.on_message.clone();
        Callback::from(move |_: MouseEvent| on_message.emit(Message::Context(message.clone())))
    };
    // The text stays in its box: it is not drawn again with each key.
    let area = use_node_ref();
    let kind = use_state_eq(|| Pasted::Nothing);
    let held = use_state(|| None::<Rc<str>>);
    let picker = |label: &'static str, image: &'static str, is_folder: bool| {
        let on_context = props.on_context.clone();
        let onchange = Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            let files = input.files().map(list).unwrap_or_default();
            let chosen = if is_folder {
                Chosen::of_dialog(files)
            } else {
                files.into_iter().next().map(Chosen::Archive)
            };
            chosen.into_iter().for_each(|chosen| on_context.emit(chosen));
            // The same may be chosen again.
            input.set_value("");
        });
        html! {
            <label class="button file-button">
                { icon(image) }{ label }
                <input type="file" class="visually-hidden" webkitdirectory={is_folder} {onchange} />
            </label>
        }
    };
    let on_text = {
        let kind = kind.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() {
                kind.set(pasted::looks_like(&area.value()));
            }
        })
    };
    let on_paste = {
        let (kind, held) = (kind.clone(), held.clone());
        Callback::from(move |event: Event| {
            let data = event.dyn_ref::<ClipboardEvent>().and_then(ClipboardEvent::clipboard_data);
            let text = data.and_then(|data| data.get_data("text").ok()).unwrap_or_default();
            if text.len() > MAX_SHOWN_BYTES {
                event.prevent_default();
                kind.set(pasted::looks_like(&text));
                held.set(Some(text.into()));
            }
        })
    };
    // What was typed stays in the box while a long text is held beside it, and is looked at again after.
    let let_go = {
        let (area, kind, held) = (area.clone(), kind.clone(), held.clone());
        Callback::from(move |()| {
            let area = area.cast::<HtmlTextAreaElement>();
            held.set(None);
            kind.set(area.map_or(Pasted::Nothing, |area| pasted::looks_like(&area.value())));
        })
    };
    let on_taken = |message: fn(String) -> ContextMessage| {
        let (area, held, let_go, on_message) =
            (area.clone(), held.clone(), let_go.clone(), props.on_message.clone());
        Callback::from(move |_: MouseEvent| {
            let text = match (held.as_deref(), area.cast::<HtmlTextAreaElement>()) {
                (Some(text), _) => text.to_owned(),
                (None, Some(area)) => {
                    let text = area.value();
                    area.set_value("");
                    text
                }
                (None, None) => return,
            };
            on_message.emit(Message::Context(message(text)));
            let_go.emit(());
        })
    };
    let old_area = use_node_ref();
    let on_old = {
        let (old_area, on_message) = (old_area.clone(), props.on_message.clone());
        Callback::from(move |_: MouseEvent| {
            let Some(area) = old_area.cast::<HtmlTextAreaElement>() else { return };
            let text = area.value();
            if !text.trim().is_empty() {
                area.set_value("");
                on_message.emit(Message::Context(ContextMessage::OldDockerfileGiven(text)));
            }
        })
    };
    let on_discard = let_go.reform(|_: MouseEvent| ());
    let is_empty = *kind == Pasted::Nothing;
    html! {
        <div class="import">
            <div class="import-tools">
                { picker("Folder", "folder-open", true) }
                { picker("Archive", "file-archive", false) }
                if props.state.session.context_name.is_some() {
                    <button class="button" onclick={send(ContextMessage::RereadAsked)} title="Look at the files on disk again; only what changed is read">
                        { icon("rotate-cw") }{ "Re-read" }
                    </button>
                }
            </div>
            <details class="paste">
                <summary>{ "Paste changes or a list of files" }</summary>
                <p class="note" id="paste-help">{ "git diff, git diff --name-status, git status --porcelain; git ls-files -s for the true modes; or paths, one on a line." }</p>
                if let Some(text) = held.as_deref() {
                    <p role="status">{ format!("{} pasted; too long to be shown here.", human(text.len() as u64)) }</p>
                }
                <textarea hidden={held.is_some()} onpaste={on_paste} ref={area.clone()} rows="5" spellcheck="false" aria-label="Changes or a list of files" aria-describedby="paste-help" oninput={on_text} />
                <div class="paste-tools">
                    <button class="button" disabled={is_empty} onclick={on_taken(ContextMessage::Pasted)}>{ "Apply" }</button>
                    if *kind == Pasted::Changes(PatchKind::Diff) {
                        <button class="button" onclick={on_taken(ContextMessage::ChangePasted)} title="Its old side becomes the built version, its new side the present one: Dockerfile, ignore file and files at once">
                            { "Judge this change" }
                        </button>
                    }
                    if held.is_some() { <button class="button" onclick={on_discard}>{ "Discard" }</button> }
                    if !is_empty { <span class="note">{ kind.label() }</span> }
                </div>
            </details>
            <details class="paste">
                <summary>{ "Compare with an older Dockerfile" }</summary>
                <p class="note" id="old-help">{ "Paste the Dockerfile as it was built. The one in the editor is judged against it; all files stay as they are." }</p>
                <textarea ref={old_area.clone()} rows="5" spellcheck="false" aria-label="The Dockerfile that was built" aria-describedby="old-help" />
                <div class="paste-tools"><button class="button" onclick={on_old}>{ "Judge against it" }</button></div>
            </details>
            { status(props, &send) }
        </div>
    }
}

fn status(props: &ImportProps, send: &dyn Fn(ContextMessage) -> Callback<MouseEvent>) -> Html {
    let cancel =
        || html! { <button class="button" onclick={send(ContextMessage::Cancelled)}>{ "Cancel" }</button> };
    match &props.state.import {
        ImportState::Idle => Html::default(),
        ImportState::Walking { name, n_files } => html! {
            <div class="import-status" role="status">
                <p>{ format!("Looking through {name}: {n_files} files found so far.") }</p>
                { cancel() }
            </div>
        },
        ImportState::Reading { name, done_bytes, total_bytes, .. } => html! {
            <div class="import-status">
                <p role="status">{ format!("Reading {name}") }</p>
                if *done_bytes == 0 {
                    <progress aria-label="Reading the context" />
                    <span class="note">{ if *total_bytes == 0 { "looking at its files".to_owned() } else { format!("looking at its files: {} so far", human(*total_bytes)) } }</span>
                } else {
                    <progress aria-label="Reading the context" max={total_bytes.to_string()} value={done_bytes.to_string()} />
                    <span class="note">{ format!("{} of {}", human(*done_bytes), human(*total_bytes)) }</span>
                }
                { cancel() }
            </div>
        },
        ImportState::Failed { name, message } => html! {
            <div class="import-status">
                <p role="alert">{ icon("circle-alert") }{ format!("{name}: {message}.") }</p>
                <button class="button" onclick={send(ContextMessage::NoteClosed)}>{ "Close" }</button>
            </div>
        },
        ImportState::Read(note) => read(note, props, send),
    }
}

fn read(
    note: &ImportNote,
    props: &ImportProps,
    send: &dyn Fn(ContextMessage) -> Callback<MouseEvent>,
) -> Html {
    html! {
        <div class="import-status">
            <div role="status">
                { for note.done.iter().map(|line| html! { <p>{ line.clone() }</p> }) }
                if !note.problems.is_empty() {
                    <ul class="import-problems" aria-label="Problems">
                        { for note.problems.iter().map(|line| html! { <li>{ icon("triangle-alert") }{ line.clone() }</li> }) }
                    </ul>
                }
            </div>
            if let Some(root) = &note.single_root {
                <button class="button" onclick={send(ContextMessage::RootEntered)}>{ format!("Take {root}/ as the context") }</button>
            }
            if !note.dockerfiles.is_empty() { { dockerfile_choice(&note.dockerfiles, props) } }
            <button class="button" onclick={send(ContextMessage::NoteClosed)}>{ "Close" }</button>
        </div>
    }
}

fn dockerfile_choice(paths: &[String], props: &ImportProps) -> Html {
    let onchange = {
        let on_message = props.on_message.clone();
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                on_message.emit(Message::Context(ContextMessage::DockerfileChosen(select.value())));
            }
        })
    };
    let now = &props.state.session.now.dockerfile_path;
    html! {
        <label class="field"><span>{ "Dockerfile" }</span>
            <select {onchange}>
                { for paths.iter().map(|path| html! { <option value={path.clone()} selected={path == now}>{ path.clone() }</option> }) }
            </select>
        </label>
    }
}
