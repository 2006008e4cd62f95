//! The build context: what is sent, what is left out, and one-click edits.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::icon::icon;
use crate::app::files::{FileRow, FileStatus};
use crate::app::update::Message;
use crate::app::view::SimulateView;

#[derive(Properties, PartialEq)]
pub(super) struct ContextProps {
    pub(super) view: Rc<SimulateView>,
    pub(super) has_dockerfile_in_context: bool,
    pub(super) on_message: Callback<Message>,
}

/// The list of files.
#[component(ContextPanel)]
pub(super) fn context_panel(props: &ContextProps) -> Html {
    let name = use_state(String::new);
    let on_switch = {
        let on_message = props.on_message.clone();
        Callback::from(move |event: Event| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                on_message.emit(Message::DockerfileInContextSwitched(input.checked()));
            }
        })
    };
    let on_name = {
        let name = name.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                name.set(input.value());
            }
        })
    };
    let on_add = {
        let (name, on_message) = (name.clone(), props.on_message.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if !name.trim().is_empty() {
                on_message.emit(Message::FileAdded(name.trim().to_owned()));
                name.set(String::new());
            }
        })
    };
    html! {
        <section class="panel context-panel" aria-label="Build context">
            <div class="panel-head">
                <h2>{ "Build context" }</h2>
                <label class="switch">
                    <input type="checkbox" checked={props.has_dockerfile_in_context} onchange={on_switch} />
                    { "Dockerfile is part of it" }
                </label>
            </div>
            <ul class="files">
                { for props.view.files.iter().map(|row| html! {
                    <File key={row.path.clone()} row={row.clone()} on_message={props.on_message.clone()} />
                }) }
            </ul>
            <form class="add-file" onsubmit={on_add}>
                <input aria-label="Path of a new file" placeholder="src/new.js" value={(*name).clone()} oninput={on_name} />
                <button class="button" type="submit" disabled={name.trim().is_empty()}>{ icon("file-plus") }{ "Add file" }</button>
            </form>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct FileProps {
    row: FileRow,
    on_message: Callback<Message>,
}

#[component(File)]
fn file(props: &FileProps) -> Html {
    let row = &props.row;
    let action = |image: &'static str, verb: &'static str, message: fn(String) -> Message| {
        let (on_message, path) = (props.on_message.clone(), row.path.clone());
        let onclick = Callback::from(move |event: MouseEvent| {
            // A button that goes away with its change leaves the focus to its row.
            let row =
                event.target_dyn_into::<Element>().and_then(|target| target.closest("li").ok().flatten());
            if let Some(row) =
                row.and_then(|row| row.dyn_into::<HtmlElement>().ok()).filter(|_| image == "undo-2")
            {
                let _ = row.focus();
            }
            on_message.emit(message(path.clone()));
        });
        let name = format!("{verb} {}", row.path);
        html! { <button class="button quiet small" {onclick} aria-label={name} title={verb}>{ icon(image) }</button> }
    };
    let (class, word) = match row.status {
        FileStatus::Same => ("same", ""),
        FileStatus::Edited => ("edited", "edited"),
        FileStatus::Touched => ("touched", "touched"),
        FileStatus::Added => ("added", "added"),
        FileStatus::Deleted => ("deleted", "deleted"),
        FileStatus::Inferred => ("inferred", "inferred"),
    };
    let is_gone = row.status == FileStatus::Deleted;
    let is_changed = !matches!(row.status, FileStatus::Same | FileStatus::Inferred);
    let lines: Vec<String> = row.taken_by.iter().map(ToString::to_string).collect();
    let ignored = row
        .ignored_by
        .as_ref()
        .map(|(pattern, line)| format!("left out by “{pattern}”, .dockerignore line {line}"));
    let note = match (&ignored, lines.as_slice()) {
        (Some(_), _) => "ignored".to_owned(),
        (None, []) => "not copied".to_owned(),
        (None, [line]) => format!("line {line}"),
        (None, lines) => format!("lines {}", lines.join(", ")),
    };
    let title = ignored.unwrap_or_else(|| {
        if lines.is_empty() { "no instruction takes it".to_owned() } else { format!("taken by {note}") }
    });
    html! {
        <li tabindex="-1" class={classes!("file", class, row.ignored_by.is_some().then_some("ignored"))}>
            <span class="file-name">{ row.path.clone() }</span>
            if !word.is_empty() { <span class="file-status">{ word }</span> }
            <span class="file-note" title={title}>{ note }</span>
            <span class="file-actions">
                if row.is_text {
                    <span class="file-hint">{ "edit above" }</span>
                } else {
                    if is_changed { { action("undo-2", "Undo change of", Message::FileReverted) } }
                    if !is_gone {
                        { action("pencil", "Edit", Message::FileEdited) }
                        { action("clock", "Touch", Message::FileTouched) }
                        { action("trash-2", "Delete", Message::FileDeleted) }
                    }
                }
            </span>
        </li>
    }
}
