//! What happened to the cache, and what can happen to it next.

use std::rc::Rc;

use yew::prelude::*;

use super::icon::{badge, icon};
use crate::app::history::Import;
use crate::app::update::Message;
use crate::app::view::{Moment, SimulateView};

#[derive(Properties, PartialEq)]
pub(super) struct TimelineProps {
    pub(super) view: Rc<SimulateView>,
    pub(super) on_message: Callback<Message>,
}

/// Events on the line; older ones are in the list behind it.
const N_SHOWN: usize = 6;

/// The line, the list, and the buttons.
#[component(Timeline)]
pub(super) fn timeline(props: &TimelineProps) -> Html {
    let view = &props.view;
    let send = |message: Message| {
        let on_message = props.on_message.clone();
        Callback::from(move |_: MouseEvent| on_message.emit(message.clone()))
    };
    let n_hidden = view.timeline.len().saturating_sub(N_SHOWN);
    let runner = |import: Import| {
        html! { <button class="button quiet" onclick={send(Message::RunnerChanged(import))}>{ format!("Fresh runner: {}", import.label()) }</button> }
    };
    let is_empty = view.timeline.is_empty();
    html! {
        <>
            <ol class="timeline" aria-label="Timeline">
                { for view.timeline.iter().skip(n_hidden).map(|moment| html! {
                    <li class={classes!(if moment.is_build { "built" } else { "event" })} title={moment.note.clone()}>{ moment.label.clone() }</li>
                }) }
                <li class={classes!("now", view.is_as_built.then_some("same"))}>{ if view.is_as_built { "now: as built" } else { "now: edited" } }</li>
            </ol>
            <details class="menu">
                <summary class="button quiet">{ "Timeline" }</summary>
                <div class="menu-body">
                    if is_empty {
                        <p class="empty">{ "Nothing happened yet. Build records the present texts, files and options as built." }</p>
                    } else {
                        <table aria-label="Events">
                            <thead><tr><th>{ "Event" }</th><th>{ "What it was" }</th><th>{ "Steps" }</th><th><span class="visually-hidden">{ "Actions" }</span></th></tr></thead>
                            <tbody>{ for view.timeline.iter().map(|moment| event_row(moment, &props.on_message)) }</tbody>
                        </table>
                    }
                    <h2>{ "What else happens to caches" }</h2>
                    <div class="menu-actions">
                        { runner(Import::Nothing) }
                        { runner(Import::Min) }
                        { runner(Import::Max) }
                    </div>
                    <p class="note">{ icon("info") }{ "What an imported cache answers follows BuildKit's source; no recording backs it." }</p>
                </div>
            </details>
            <button class="button quiet" onclick={send(Message::CachePruned)} disabled={!view.has_cache} title="Forget all results, as docker builder prune --all does">
                { "Prune cache" }
            </button>
        </>
    }
}

fn event_row(moment: &Moment, on_message: &Callback<Message>) -> Html {
    let send = |message: Message| {
        let on_message = on_message.clone();
        Callback::from(move |_: MouseEvent| on_message.emit(message.clone()))
    };
    html! {
        <tr>
            <th scope="row">{ moment.label.clone() }</th>
            <td>{ moment.note.clone() }</td>
            <td class="counts">{ for moment.counts.iter().map(|(mark, n)| badge(*mark, Some(*n))) }</td>
            <td class="row-actions">
                if moment.is_build {
                    <button class="button quiet" onclick={send(Message::VersionRestored(moment.idx))} aria-label={format!("Take back the texts and files of {}", moment.label)}>{ "Take back" }</button>
                }
                <button class="button quiet" onclick={send(Message::TimelineCut(moment.idx))} aria-label={format!("Forget from here: {} and what came after it", moment.label)}>{ "Forget from here" }</button>
            </td>
        </tr>
    }
}
