//! Simulate: summary, builds, and the three columns.

use std::rc::Rc;

use yew::prelude::*;

use super::context::ContextPanel;
use super::editor::EditorPanel;
use super::icon::{badge, icon};
use super::stack::Stack;
use super::timeline::Timeline;
use super::undo::UndoButtons;
use super::why::WhyPanel;
use crate::app::state::{Comparison, EditorTab, Pane, State};
use crate::app::undo::UndoMessage;
use crate::app::update::Message;
use crate::app::view::{Mark, SimulateView};
use crate::cache::solve::Reruns;
use crate::web::folder::Chosen;
use crate::web::root::EditorMode;

#[derive(Properties, PartialEq)]
pub(super) struct SimulateProps {
    pub(super) state: Rc<State>,
    pub(super) view: Rc<SimulateView>,
    pub(super) editor_mode: EditorMode,
    pub(super) on_message: Callback<Message>,
    pub(super) on_context: Callback<Chosen>,
    pub(super) on_editor_host: Callback<web_sys::HtmlElement>,
}

/// The place that tells what will rebuild.
#[component(Simulate)]
pub(super) fn simulate(props: &SimulateProps) -> Html {
    let view = &props.view;
    let send = |message: Message| {
        let on_message = props.on_message.clone();
        Callback::from(move |_: MouseEvent| on_message.emit(message.clone()))
    };
    let order = [
        Mark::Error,
        Mark::Cached,
        Mark::Rebuild,
        Mark::Conditional,
        Mark::Unknown,
        Mark::Blocked,
        Mark::Metadata,
    ];
    let cause_idx = view.rows.iter().find(|row| row.is_first_cause).map(|row| row.idx);
    let has_conditional =
        view.summary.counts.contains_key(&Mark::Conditional) || props.state.session.reruns == Reruns::Same;
    let pane = |pane: Pane, name: &'static str| {
        let is_here = props.state.pane == pane;
        html! {
            <button role="tab" class="tab" aria-selected={is_here.to_string()} onclick={send(Message::PaneChosen(pane))}>{ name }</button>
        }
    };
    let shown = match props.state.pane {
        Pane::Edit => "shows-edit",
        Pane::Stack => "shows-stack",
        Pane::Why => "shows-why",
    };
    // Two texts need the whole width.
    let is_wide = props.state.comparison == Some(Comparison::SideBySide)
        && props.state.session.tab == EditorTab::Dockerfile
        && view.last_build().is_some();
    html! {
        <main class={classes!("simulate", shown)}>
            <section class="summary" aria-label="Summary">
                <div class="verdicts">
                    { for order.iter().filter_map(|mark| view.summary.counts.get(mark).map(|count| html! { { badge(*mark, Some(*count)) } })) }
                    if let Some((line, reason)) = &view.summary.refusal {
                        <span class="refusal">
                            <span class="cause-label">{ "Refused" }</span>
                            { line.map_or_else(|| reason.clone(), |line| format!("line {line}, {reason}")) }
                        </span>
                    }
                    if let Some((line, reason)) = &view.summary.first_cause {
                        <button class="cause" onclick={cause_idx.map(|idx| send(Message::InstructionSelected(idx)))}>
                            <span class="cause-label">{ "First cause" }</span>
                            { format!("line {line}, {reason}") }
                        </button>
                    }
                </div>
                <p class={if view.summary.first_cause.is_some() { "visually-hidden" } else { "sentence" }} role="status">{ view.summary.sentence.clone() }</p>
                { for view.summary.notes.iter().map(|note| html! { <p class="note">{ icon("info") }{ format!("{note}.") }</p> }) }
            </section>
            if props.state.undo.is_replaced() {
                <p class="notice calm" role="status">
                    { icon("info") }{ "Texts and files were replaced." }
                    <button class="link" onclick={send(Message::Undo(UndoMessage::ReplacementUndone))}>{ "Take them back" }</button>
                    <button class="link" onclick={send(Message::Undo(UndoMessage::ReplacementKept))}>{ "Keep these" }</button>
                </p>
            }
            <section class="builds" aria-label="Builds">
                <Timeline view={Rc::clone(view)} on_message={props.on_message.clone()} />
                <div class="build-tools">
                    if has_conditional {
                        <label class="field">
                            <span>{ "Assume that reruns write" }</span>
                            <select onchange={
                                let on_message = props.on_message.clone();
                                Callback::from(move |event: Event| {
                                    let same = event.target_dyn_into::<web_sys::HtmlSelectElement>().is_some_and(|select| select.value() == "same");
                                    on_message.emit(Message::RerunsChosen(if same { Reruns::Same } else { Reruns::Different }));
                                })
                            }>
                                <option value="different" selected={props.state.session.reruns == Reruns::Different}>{ "different bytes" }</option>
                                <option value="same" selected={props.state.session.reruns == Reruns::Same}>{ "the same bytes" }</option>
                            </select>
                        </label>
                    }
                    <UndoButtons undo={props.state.undo.clone()} on_message={props.on_message.clone()} />
                    <button class="button primary" onclick={send(Message::BuildRequested)}>
                        { icon("hammer") }{ "Build" }
                    </button>
                </div>
            </section>
            <div class="tabs panes" role="tablist" aria-label="Panes">
                { pane(Pane::Edit, "Edit") }
                { pane(Pane::Stack, "Stack") }
                { pane(Pane::Why, "Why") }
            </div>
            <div class={classes!("columns", is_wide.then_some("wide-editor"))}>
                <div class="column edit">
                    <EditorPanel
                        state={Rc::clone(&props.state)}
                        view={Rc::clone(view)}
                        mode={props.editor_mode}
                        on_message={props.on_message.clone()}
                        on_host={props.on_editor_host.clone()}
                    />
                    <ContextPanel
                        view={Rc::clone(view)}
                        state={Rc::clone(&props.state)}
                        on_message={props.on_message.clone()}
                        on_context={props.on_context.clone()}
                    />
                </div>
                <div class="column stack">
                    <Stack view={Rc::clone(view)} is_impact_open={props.state.is_impact_open} is_image_open={props.state.is_image_open} is_builders_open={props.state.is_builders_open} on_message={props.on_message.clone()} />
                </div>
                <div class="column why">
                    <WhyPanel view={Rc::clone(view)} on_message={props.on_message.clone()} />
                </div>
            </div>
        </main>
    }
}
