//! The middle of Simulate: the picture, and what is told beside it.

use std::rc::Rc;

use yew::prelude::*;

use super::icon::badge;
use super::picture::Picture;
use super::size::size;
use crate::app::impact::InstructionImpact;
use crate::app::rows::InstructionRow;
use crate::app::sketch::ImageSketch;
use crate::app::terminal::Printed;
use crate::app::update::Message;
use crate::app::view::{Answer, Mark, SimulateView};

#[derive(Properties, PartialEq)]
pub(super) struct StackProps {
    pub(super) view: Rc<SimulateView>,
    pub(super) is_impact_open: bool,
    pub(super) is_image_open: bool,
    pub(super) is_builders_open: bool,
    pub(super) on_message: Callback<Message>,
}

/// The picture and its tables.
#[component(Stack)]
pub(super) fn stack(props: &StackProps) -> Html {
    let view = &props.view;
    html! {
        <section class="panel stack-panel" aria-label="Stack">
            if view.columns.is_empty() {
                <div class="panel-head"><h2>{ "Stack" }</h2></div>
                <p class="empty">{ "A builder refuses this Dockerfile, so there is no stack to show. The list below the editor says why." }</p>
            } else {
                <Picture columns={Rc::clone(&view.columns)} selected={view.selected} on_message={props.on_message.clone()} />
            }
            <Steps view={Rc::clone(view)} />
            <details class="steps" open={props.is_impact_open} ontoggle={toggled(&props.on_message, Message::ImpactToggled)}>
                <summary>{ "Impact map: what an edit of each line would rebuild" }</summary>
                if props.is_impact_open { { impact_map(view) } }
            </details>
            <details class="steps" open={props.is_builders_open} ontoggle={toggled(&props.on_message, Message::BuildersToggled)}>
                <summary>{ "BuildKit and the legacy builder, side by side" }</summary>
                if props.is_builders_open { { builders(view) } }
            </details>
            <details class="steps" open={props.is_image_open} ontoggle={toggled(&props.on_message, Message::ImageSketchToggled)}>
                <summary>{ "The image that this build yields" }</summary>
                { view.image.as_ref().map(image_sketch) }
            </details>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct StepsProps {
    view: Rc<SimulateView>,
}

/// The same as a table, drawn while it is unfolded.
#[component(Steps)]
fn steps(props: &StepsProps) -> Html {
    let is_open = use_state(|| false);
    let ontoggle = {
        let is_open = is_open.clone();
        Callback::from(move |event: Event| {
            let details = event.target_dyn_into::<web_sys::Element>();
            is_open.set(details.is_some_and(|details| details.has_attribute("open")));
        })
    };
    html! {
        <details class="steps" {ontoggle}>
            <summary>{ "Steps as a table" }</summary>
            if *is_open {
                <div class="table-scroll" tabindex="0" role="region" aria-label="Steps">
                <table aria-label="Steps">
                    <thead><tr><th>{ "Line" }</th><th>{ "Instruction" }</th><th>{ "Verdict" }</th><th>{ "Why" }</th></tr></thead>
                    <tbody>
                        { for props.view.rows.iter().map(|row| html! {
                            <tr class={classes!(row.is_first_cause.then_some("changed"))}>
                                <td>{ row.lines.first }</td>
                                <th scope="row"><code>{ row.code.clone() }</code></th>
                                <td>{ badge(row.mark, None) }</td>
                                <td>{ row.reason.clone() }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
                </div>
            }
        </details>
    }
}

/// Tells whether a part that unfolds is open.
fn toggled(on_message: &Callback<Message>, message: fn(bool) -> Message) -> Callback<Event> {
    let on_message = on_message.clone();
    Callback::from(move |event: Event| {
        let details = event.target_dyn_into::<web_sys::Element>();
        on_message.emit(message(details.is_some_and(|details| details.has_attribute("open"))));
    })
}

/// Layers, history, configuration and manifest.
fn image_sketch(image: &ImageSketch) -> Html {
    let n_shown = |n: Option<usize>| n.map_or_else(String::new, |n| n.to_string());
    html! {
        <div class="image-sketch">
            <h3>{ "Layers, lowest first" }</h3>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Layers of the image">
                <table aria-label="Layers of the image">
                    <thead><tr><th>{ "Made by" }</th><th>{ "Entries" }</th><th>{ "Size" }</th><th>{ "Note" }</th></tr></thead>
                    <tbody>{ for image.layers.iter().map(|layer| html! {
                        <tr>
                            <th scope="row"><code>{ layer.label.clone() }</code></th>
                            <td>{ n_shown(layer.n_entries) }</td>
                            <td>{ layer.size_bytes.map(size) }</td>
                            <td>{ layer.note.clone() }</td>
                        </tr>
                    }) }</tbody>
                </table>
            </div>
            <h3>{ "History" }</h3>
            <ol class="history">{ for image.history.iter().map(|(line, is_empty)| html! {
                <li><code>{ line.clone() }</code>if *is_empty { <span class="same">{ " no layer" }</span> }</li>
            }) }</ol>
            <details><summary>{ "Configuration" }</summary><pre tabindex="0">{ image.config.clone() }</pre></details>
            <details><summary>{ "Manifest" }</summary><pre tabindex="0">{ image.manifest.clone() }</pre></details>
        </div>
    }
}

/// Both builders' answers; where they differ is marked.
fn builders(view: &SimulateView) -> Html {
    let answer = |answer: &Answer| {
        html! { <td>{ badge(answer.mark, None) }<span class="answer-reason">{ answer.reason.clone() }</span></td> }
    };
    let row = |(row, (buildkit, legacy)): (&InstructionRow, &(Answer, Answer))| {
        let is_same = Answer::agree(buildkit, legacy);
        html! {
            <tr class={classes!((!is_same).then_some("differs"))}>
                <td>{ row.lines.first }</td>
                <th scope="row"><code>{ row.code.clone() }</code></th>
                { answer(buildkit) }
                { answer(legacy) }
            </tr>
        }
    };
    let terminal = |name: &'static str, command: &'static str, lines: &[Printed]| {
        html! {
            <figure class="terminal">
                <figcaption>{ name }{ " " }<code>{ command }</code></figcaption>
                <pre tabindex="0" role="region" aria-label={format!("Terminal of {name}")}>
                    { for lines.iter().map(|line| html! { <span class={line.class}>{ format!("{}\n", line.text) }</span> }) }
                </pre>
            </figure>
        }
    };
    let n_different = view.builders.iter().filter(|(one, other)| !Answer::agree(one, other)).count();
    html! {
        <>
        <div class="table-scroll" tabindex="0" role="region" aria-label="Both builders">
            <p class="note">{ match n_different {
                0 => "They agree on every line.".to_owned(),
                1 => "They differ on one line.".to_owned(),
                n => format!("They differ on {n} lines."),
            } }</p>
            <table aria-label="Both builders">
                <thead><tr><th>{ "Line" }</th><th>{ "Instruction" }</th><th>{ "BuildKit" }</th><th>{ "Legacy builder" }</th></tr></thead>
                <tbody>{ for view.rows.iter().zip(&view.builders).map(row) }</tbody>
            </table>
        </div>
        if let Some(terminals) = &view.terminals {
            <div class="printed">
            <h3>{ "What they would print" }</h3>
            <p class="note">{ "What commands print, times and sizes of transfers are unknown, and shown as …. Ids are stand-ins." }</p>
            <div class="terminals">
                { terminal("BuildKit", "docker build --progress=plain .", &terminals.buildkit) }
                { terminal("Legacy builder", "DOCKER_BUILDKIT=0 docker build .", &terminals.legacy) }
            </div>
            </div>
        }
        </>
    }
}

/// What an edit of each instruction would rebuild, as a table with a bar for each.
fn impact_map(view: &SimulateView) -> Html {
    let n_steps = view.rows.iter().filter(|row| row.makes_layer).count().max(1);
    let list = |lines: &[u32]| lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let row = |impact: &InstructionImpact| {
        let Some(row) = view.rows.get(impact.idx).filter(|row| row.mark != Mark::Pruned) else {
            return Html::default();
        };
        let (n_sure, n_open) = (impact.rebuilds.len(), impact.may_rebuild.len());
        html! {
            <tr>
                <td>{ row.lines.first }</td>
                <th scope="row"><code>{ row.code.clone() }</code></th>
                <td>
                    <svg class="impact-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                        <rect class="impact-sure" width={(100 * n_sure / n_steps).to_string()} height="8" />
                        <rect class="impact-open" x={(100 * n_sure / n_steps).to_string()} width={(100 * n_open / n_steps).to_string()} height="8" />
                    </svg>
                    {
                        match (n_sure, n_open) {
                            (0, 0) => "nothing".to_owned(),
                            (_, 0) => list(&impact.rebuilds),
                            (0, _) => format!("perhaps {}", list(&impact.may_rebuild)),
                            _ => format!("{}; perhaps {}", list(&impact.rebuilds), list(&impact.may_rebuild)),
                        }
                    }
                </td>
            </tr>
        }
    };
    html! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Impact map">
            <table aria-label="Impact map">
                <thead><tr><th>{ "Line" }</th><th>{ "Instruction" }</th><th>{ "An edit rebuilds lines" }</th></tr></thead>
                <tbody>{ for view.impact.iter().map(row) }</tbody>
            </table>
        </div>
    }
}
