//! A Compose or bake file, whose builds are offered as options.

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ClipboardEvent, HtmlInputElement};
use yew::prelude::*;

use super::icon::icon;
use crate::app::build_file::{BuildFileMessage, BuildFileState};
use crate::app::update::Message;
use crate::protocol::build_file::{BuildFileReport, BuildReport};
use crate::text::visible;

#[derive(Properties, PartialEq)]
pub(super) struct BuildFileProps {
    pub(super) file: BuildFileState,
    pub(super) on_message: Callback<Message>,
}

/// How to give one, and what it holds.
#[component(BuildFile)]
pub(super) fn build_file(props: &BuildFileProps) -> Html {
    let tell = props.on_message.reform(Message::BuildFile);
    let on_file = {
        let tell = tell.clone();
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            let file = input.files().and_then(|files| files.get(0));
            let tell = tell.clone();
            if let Some(file) = file {
                spawn_local(async move {
                    // Bytes that are no text become signs that the reader of the file points at.
                    let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
                    let (name, text) = (file.name(), text.unwrap_or_default());
                    tell.emit(BuildFileMessage::Given { name, text });
                });
            }
            // The same may be chosen again.
            input.set_value("");
        })
    };
    let on_paste = {
        let tell = tell.clone();
        Callback::from(move |event: Event| {
            event.prevent_default();
            let data = event.dyn_ref::<ClipboardEvent>().and_then(ClipboardEvent::clipboard_data);
            let text = data.and_then(|data| data.get_data("text").ok()).unwrap_or_default();
            tell.emit(BuildFileMessage::Given { name: String::new(), text });
        })
    };
    let called = |name: &str| if name.is_empty() { "the pasted text".to_owned() } else { visible(name) };
    html! {
        <section class="build-file" aria-label="Compose or bake file">
            <div class="build-file-tools">
                <label class="button file-button">
                    { icon("file") }{ "Compose or bake file" }
                    <input type="file" class="visually-hidden" accept=".yml,.yaml,.hcl,.json" onchange={on_file} />
                </label>
                <input type="text" class="paste-target" aria-label="Paste a Compose or bake file" placeholder="or paste it here" value="" onpaste={on_paste} />
            </div>
            { match &props.file {
                BuildFileState::Nothing => html! { <p class="note">{ "Takes context, Dockerfile, target and arguments of one of its builds." }</p> },
                BuildFileState::Reading { name, .. } => html! { <p class="note" role="status">{ format!("Reading {}.", called(name)) }</p> },
                BuildFileState::Failed { name, message } => html! {
                    <p class="notice" role="alert">{ icon("circle-alert") }{ format!("{} cannot be read: {}.", called(name), visible(message)) }</p>
                },
                BuildFileState::Read { name, report, taken } => builds(&called(name), report, taken.as_ref(), &tell),
            } }
        </section>
    }
}

fn builds(
    name: &str,
    report: &BuildFileReport,
    taken: Option<&(usize, Vec<String>)>,
    tell: &Callback<BuildFileMessage>,
) -> Html {
    let n_builds = report.builds.len();
    let build = |(idx, build): (usize, &BuildReport)| {
        let is_taken = taken.is_some_and(|(taken, _)| *taken == idx);
        html! {
            <li>
                <button class="build-choice" aria-pressed={is_taken.to_string()} onclick={tell.reform(move |_: MouseEvent| BuildFileMessage::Chosen(idx))}>
                    <strong>{ visible(&build.name) }</strong>
                    <span class="note">{ visible(&facts(build)) }</span>
                </button>
            </li>
        }
    };
    html! {
        <>
            <p role="status">
                { match n_builds {
                    0 => format!("{name} is a {} without a build.", report.kind.label()),
                    1 => format!("{name} is a {} with one build. Choose it to take its options.", report.kind.label()),
                    n => format!("{name} is a {} with {n} builds. Choose one to take its options.", report.kind.label()),
                } }
                { " " }<button class="link" onclick={tell.reform(|_: MouseEvent| BuildFileMessage::Closed)}>{ "Close" }</button>
            </p>
            <ul class="build-choices" aria-label="Builds of the file">{ for report.builds.iter().enumerate().map(build) }</ul>
            { for report.notes.iter().map(|note| html! { <p class="note">{ format!("Line {}: {}.", note.line, visible(&note.message)) }</p> }) }
            if let Some((_, notes)) = taken {
                { for notes.iter().map(|note| html! { <p class="note">{ icon("info") }{ visible(note) }</p> }) }
            }
        </>
    }
}

/// What tells a build apart.
fn facts(build: &BuildReport) -> String {
    let mut facts = vec![format!("context {}", build.context)];
    facts.push(match build.dockerfile_inline {
        Some(_) => "the file holds its Dockerfile".to_owned(),
        None => build.dockerfile.clone(),
    });
    facts.extend(build.target.iter().map(|target| format!("target {target}")));
    match build.args.len() {
        0 => {}
        1 => facts.push("1 argument".to_owned()),
        n => facts.push(format!("{n} arguments")),
    }
    facts.join(" · ")
}
