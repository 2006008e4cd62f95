//! The build context: what is sent, what is left out, and one-click edits.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::icon::icon;
use super::import::Import;
use super::size::{octal, size};
use crate::app::files::{FileRow, FileStatus, Folder};
use crate::app::state::State;
use crate::app::update::Message;
use crate::app::view::SimulateView;
use crate::web::folder::Chosen;

#[derive(Properties, PartialEq)]
pub(super) struct ContextProps {
    pub(super) view: Rc<SimulateView>,
    pub(super) state: Rc<State>,
    pub(super) on_message: Callback<Message>,
    pub(super) on_context: Callback<Chosen>,
}

/// The list of files.
#[component(ContextPanel)]
pub(super) fn context_panel(props: &ContextProps) -> Html {
    let name = use_state(String::new);
    let files = &props.view.files;
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
    let on_filter = {
        let on_message = props.on_message.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                on_message.emit(Message::FilesFiltered(input.value()));
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
    let entries = if files.n_entries == 1 { "entry" } else { "entries" };
    html! {
        <section class="panel context-panel" aria-label="Build context">
            <div class="panel-head">
                <h2>{ "Build context" }</h2>
                <label class="switch">
                    <input type="checkbox" checked={props.state.session.now.has_dockerfile_in_context} onchange={on_switch} />
                    { "Dockerfile is part of it" }
                </label>
            </div>
            <Import state={Rc::clone(&props.state)} on_message={props.on_message.clone()} on_context={props.on_context.clone()} />
            <div class="context-facts">
                <span>{ props.state.session.context_name.as_ref().map_or(String::new(), |name| format!("{name}: ")) }{ format!("{} {entries}, {} sent, {} changed", files.n_entries, files.n_sent, files.n_changed) }</span>
                if files.n_entries > 20 || !props.state.file_filter.is_empty() {
                    <input type="search" aria-label="Show only files with this in their path" placeholder="filter" value={props.state.file_filter.clone()} oninput={on_filter} />
                }
            </div>
            if files.is_assumed {
                <p class="note context-note">
                    { icon("info") }
                    { "Modes of a dropped folder are assumed: 0644, folders 0755, no links; a browser does not show them. Paste the output of git ls-files -s, or drop a tar, to be sure." }
                </p>
            }
            <ul class="files" aria-label="Files">
                { for files.rows.iter().map(|row| html! {
                    <File key={row.path.clone()} row={row.clone()} on_message={props.on_message.clone()} />
                }) }
            </ul>
            if files.is_cut { <p class="note context-note">{ icon("info") }{ "More files than fit here: fold folders or filter by path." }</p> }
            if files.rows.is_empty() { <p class="empty">{ "No file has this in its path." }</p> }
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

/// What takes a file, and what an edit of it would rebuild.
fn notes(row: &FileRow) -> (String, String) {
    if let Some((pattern, line)) = &row.ignored_by {
        return ("ignored".into(), format!("left out by “{pattern}”, .dockerignore line {line}"));
    }
    let list = |lines: &[u32]| {
        let words: Vec<String> = lines.iter().map(ToString::to_string).collect();
        format!("{} {}", if lines.len() == 1 { "line" } else { "lines" }, words.join(", "))
    };
    if row.taken_by.is_empty() {
        return ("not copied".into(), "no instruction takes it".into());
    }
    let mut title = format!("taken by {}", list(&row.taken_by));
    if !row.rebuilds.is_empty() {
        title.push_str(&format!("; an edit of it rebuilds {}", list(&row.rebuilds)));
    }
    if !row.may_rebuild.is_empty() {
        title.push_str(&format!(", and {} unless reruns write the same bytes", list(&row.may_rebuild)));
    }
    (list(&row.taken_by), title)
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
        FileStatus::Mode => ("edited", "mode changed"),
        FileStatus::Touched => ("touched", "touched"),
        FileStatus::Added => ("added", "added"),
        FileStatus::Deleted => ("deleted", "deleted"),
        FileStatus::Inferred => ("inferred", "inferred"),
    };
    let is_gone = row.status == FileStatus::Deleted;
    let is_changed = !matches!(row.status, FileStatus::Same | FileStatus::Inferred);
    let (note, title) = notes(row);
    let indent = format!("indent-{}", row.depth.min(12));
    let indent = classes!((row.depth > 0).then_some(indent));
    let shown = row.path.rsplit('/').next().unwrap_or(&row.path).to_owned();
    if let Some(Folder { is_open, n_below, n_changed }) = row.folder {
        let toggle = {
            let (on_message, path) = (props.on_message.clone(), row.path.clone());
            Callback::from(move |_: MouseEvent| on_message.emit(Message::ContextFolderToggled(path.clone())))
        };
        return html! {
            <li class={classes!("file", "folder", class, row.ignored_by.is_some().then_some("ignored"), indent)}>
                <button class="fold" aria-expanded={is_open.to_string()} onclick={toggle}>
                    <span class={classes!("twist", is_open.then_some("open"))}>{ icon("chevron-right") }</span>
                    <span class="file-name">{ format!("{shown}/") }</span>
                </button>
                if !is_open { <span class="file-status">{ if n_changed > 0 { format!("{n_changed} changed of {n_below}") } else { format!("{n_below}") } }</span> }
                <span class="file-note" title={title.clone()}>
                    { note }
                    if !row.rebuilds.is_empty() && !is_gone {
                        <span class="file-impact">{ icon("rotate-cw") }{ row.rebuilds.len() }<span class="visually-hidden">{ format!(" rebuilt by an edit in it: {title}") }</span></span>
                    }
                </span>
                <span class="file-actions">
                    if !is_gone { { action("trash-2", "Delete", Message::FileDeleted) } }
                </span>
            </li>
        };
    }
    let rebuilt = (!row.rebuilds.is_empty() && !is_gone).then_some(row.rebuilds.len());
    let mode_title = if row.is_assumed {
        format!("{} (assumed): switch executable", octal(row.mode))
    } else {
        format!("{}: switch executable", octal(row.mode))
    };
    html! {
        <li tabindex="-1" class={classes!("file", class, row.ignored_by.is_some().then_some("ignored"), indent)}>
            <span class="file-name" title={row.path.clone()}>
                { if row.depth == 0 { row.path.clone() } else { shown } }
                if let Some(target) = &row.target { <span class="file-target">{ format!(" → {target}") }</span> }
            </span>
            if !word.is_empty() { <span class="file-status">{ word }</span> }
            if row.mode & 0o111 != 0 { <span class="file-status" title={octal(row.mode)}>{ "executable" }</span> }
            if row.size_bytes > 0 { <span class="file-size">{ size(row.size_bytes) }</span> }
            <span class="file-note" title={title.clone()}>
                { note }
                if let Some(n) = rebuilt {
                    <span class="file-impact">{ icon("rotate-cw") }{ n }<span class="visually-hidden">{ format!(" rebuilt by an edit: {title}") }</span></span>
                }
            </span>
            <span class="file-actions">
                if row.is_text {
                    <span class="file-hint">{ "edit above" }</span>
                } else {
                    if is_changed { { action("undo-2", "Undo change of", Message::FileReverted) } }
                    if !is_gone {
                        { action("pencil", "Edit", Message::FileEdited) }
                        { action("clock", "Touch", Message::FileTouched) }
                        <span title={mode_title}>{ action("terminal", "Switch executable of", Message::FileModeSwitched) }</span>
                        { action("trash-2", "Delete", Message::FileDeleted) }
                    }
                }
            </span>
        </li>
    }
}
