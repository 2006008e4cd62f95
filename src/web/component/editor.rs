//! The texts: the Dockerfile in the editor, the ignore file in a plain area.

use std::rc::Rc;

use web_sys::{HtmlElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::disk::disk_note;
use super::icon::icon;
use super::options::OptionsForm;
use super::shortcuts::key_table;
use super::tabs::{PANEL, Tabs, shown_id};
use crate::app::commands::table::Group;
use crate::app::disk::DiskMessage;
use crate::app::state::{Comparison, EditorTab, State};
use crate::app::update::{EditorCommand, Message};
use crate::app::view::{EditorDiagnostic, SimulateView};
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
    let is_dockerfile = session.tab == EditorTab::Dockerfile;
    let is_plain = props.mode == EditorMode::Plain;
    html! {
        <section class="panel editor-panel" aria-label="Texts">
            <Tabs state={Rc::clone(&props.state)} view={Rc::clone(&props.view)} on_message={props.on_message.clone()} />
            { disk_note(&props.state.disk, &props.on_message) }
            <div role="tabpanel" id={PANEL} aria-labelledby={shown_id(&props.state)}>
            if is_dockerfile && props.mode == EditorMode::Full { { tools(props) } }
            // The editor's element stays on the page, so that the caret and undo steps survive a look at the other tab.
            <div class={classes!("editor-host", (!is_dockerfile || is_plain).then_some("hidden"))} ref={host}></div>
            if session.tab == EditorTab::Options {
                <OptionsForm build_file={props.state.build_file.clone()} options={session.now.options.clone()} view={Rc::clone(&props.view)} on_message={props.on_message.clone()} />
            }
            if is_plain && is_dockerfile {
                { text_area("Dockerfile", &session.now.dockerfile, Message::DockerfileEdited) }
            }
            if is_ignore {
                { text_area(".dockerignore", &session.now.dockerignore, Message::IgnoreEdited) }
                if let Some(problem) = &props.view.ignore_problem {
                    <p class="notice" role="alert">{ icon("circle-alert") }{ format!("A builder refuses this file: {problem}.") }</p>
                }
            }
            if is_dockerfile { { problems(props) } }
            if is_dockerfile && props.mode == EditorMode::Full { { keys(props.state.is_mac) } }
            </div>
        </section>
    }
}

/// What can be done with the Dockerfile as a whole.
fn tools(props: &EditorProps) -> Html {
    let send = |message: Message| {
        let on_message = props.on_message.clone();
        Callback::from(move |_: MouseEvent| on_message.emit(message.clone()))
    };
    let built = props.view.last_build();
    let comparison = props.state.comparison.filter(|_| built.is_some());
    let way = |way: Comparison, name: &'static str| {
        let is_on = (comparison == Some(way)).to_string();
        html! { <button class="button quiet wide-only" aria-pressed={is_on} onclick={send(Message::ComparisonChosen(Some(way)))}>{ name }</button> }
    };
    let step = |command: EditorCommand, icon_name: &'static str, name: &'static str, key: &'static str| {
        html! {
            <button class="button quiet square" aria-label={name} title={format!("{name} ({key})")} onclick={send(Message::EditorAsked(command))}>
                { icon(icon_name) }
            </button>
        }
    };
    html! {
        <div class="editor-tools" role="group" aria-label="Dockerfile tools">
            <button class="button quiet" title="Format the Dockerfile (Shift+Alt+F)" onclick={send(Message::EditorAsked(EditorCommand::Format))}>
                { "Format" }
            </button>
            <button class="button quiet" title="Open Dockerfiles from disk, each in a tab" onclick={send(Message::Disk(DiskMessage::OpenAsked))}>
                { "Open" }
            </button>
            <button class="button quiet" title="Save the Dockerfile to its file on disk (Ctrl+S)" onclick={send(Message::Disk(DiskMessage::SaveAsked))}>
                { "Save" }
            </button>
            if let Some(built) = built {
                <button
                    class="button quiet"
                    aria-pressed={comparison.is_some().to_string()}
                    onclick={send(Message::ComparisonChosen(comparison.is_none().then_some(Comparison::Inline)))}
                >
                    { format!("Compare with {}", built.to_lowercase()) }
                </button>
            }
            if comparison.is_some() {
                <span class="comparison" role="group" aria-label="Comparison">
                    { way(Comparison::Inline, "Inline") }
                    { way(Comparison::SideBySide, "Side by side") }
                    { step(EditorCommand::PreviousChange, "arrow-up", "Previous change", "Shift+F7") }
                    { step(EditorCommand::NextChange, "arrow-down", "Next change", "F7") }
                </span>
            }
        </div>
    }
}

/// Keys of the editor, as the sheet of shortcuts has them, too.
fn keys(is_mac: bool) -> Html {
    html! {
        <details class="missed keys">
            <summary>{ "Keys of the editor" }</summary>
            { key_table(Group::Editor, is_mac) }
        </details>
    }
}

/// More findings than this are counted, not listed.
const MAX_PROBLEMS: usize = 30;

/// Everything that is underlined, as a list: the way to a repair by keyboard.
fn problems(props: &EditorProps) -> Html {
    let found = &props.view.diagnostics;
    let missed = &props.view.not_checked;
    let row = |found: &EditorDiagnostic| {
        let (icon_name, class) = if found.is_error { ("circle-alert", "error") } else { ("info", "warning") };
        let select = {
            // A line between instructions belongs to the one that follows.
            let row = props.view.rows.iter().find(|row| found.line <= row.lines.last);
            let (on_message, idx) = (props.on_message.clone(), row.map(|row| row.idx));
            Callback::from(move |_: MouseEvent| {
                idx.into_iter().for_each(|idx| on_message.emit(Message::InstructionSelected(idx)));
            })
        };
        let fix = found.fix.as_ref().map(|fix| {
            let (on_message, edits) = (props.on_message.clone(), fix.edits.clone());
            let onclick =
                Callback::from(move |_: MouseEvent| on_message.emit(Message::FixApplied(edits.clone())));
            html! { <button class="button fix" {onclick}>{ sentence_case(&fix.label) }</button> }
        });
        html! {
            <li class={class}>
                { icon(icon_name) }
                <span class="problem-text">
                    <button class="link" onclick={select}>{ format!("line {}", found.line) }</button>
                    { " " }
                    { found.message.clone() }
                    if let Some(url) = found.url {
                        { " " }<a href={url} target="_blank" rel="noreferrer">{ found.code }</a>
                    }
                </span>
                { fix }
            </li>
        }
    };
    html! {
        <>
            <ul class="problems" aria-label="Problems">
                { for found.iter().take(MAX_PROBLEMS).map(row) }
                if found.len() > MAX_PROBLEMS { <li>{ format!("and {} more", found.len() - MAX_PROBLEMS) }</li> }
            </ul>
            if !missed.is_empty() {
                <details class="missed">
                    <summary>{ format!("{} {} not be made", missed.len(), if missed.len() == 1 { "check could" } else { "checks could" }) }</summary>
                    <ul>{ for missed.iter().map(|text| html! { <li>{ text.clone() }</li> }) }</ul>
                </details>
            }
        </>
    }
}

fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
