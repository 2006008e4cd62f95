//! How the image was made: its steps, and the Dockerfile that they tell.

use std::rc::Rc;

use yew::prelude::*;

use super::PartProps;
use super::handed::Handed;
use super::text::TextView;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::answers::Topic;
use crate::app::inspect::history::{InDockerfile, history, in_dockerfile, instruction_at_line};
use crate::app::state::Place;
use crate::app::update::Message;
use crate::protocol::inspect::documents::HistoryStepReport;
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::size;

/// Steps first to last, then the Dockerfile.
#[component(HistoryView)]
pub(super) fn history_view(props: &PartProps) -> Html {
    let state = &props.state;
    if let Some(problem) = state.inspect.kept.get(&Topic::History).and_then(|kept| kept.problem()) {
        return html! { <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("The history cannot be shown: {problem}.")) }</p> };
    }
    let Some(report) = history(state) else {
        return html! { <p class="empty">{ "The history is being put together." }</p> };
    };
    let dockerfile = &state.session.now.dockerfile;
    let step = |(number, step): (usize, &HistoryStepReport)| {
        let place = match in_dockerfile(step, dockerfile) {
            InDockerfile::Same(line) => {
                let idx = instruction_at_line(dockerfile, line);
                let on_message = props.on_message.clone();
                let onclick = Callback::from(move |_: MouseEvent| {
                    idx.into_iter().for_each(|idx| on_message.emit(Message::InstructionSelected(idx)));
                });
                html! {
                    <a class="link" href={format!("#{}", Place::Simulate.fragment())} {onclick}>{ format!("line {line}") }</a>
                }
            }
            InDockerfile::Missing => html! { <span class="note">{ "no" }</span> },
        };
        let layer = match step.layer_idx {
            Some(idx) => html! {
                <button class="link" onclick={props.on_message.reform(move |_: MouseEvent| Message::Inspect(InspectMessage::LayerSelected(idx)))}>{ format!("layer {}", idx + 1) }</button>
            },
            None if step.is_empty_layer => html! { <span class="note">{ "no layer" }</span> },
            None => html! { <span class="note">{ "not known" }</span> },
        };
        let created = step.created.as_deref().unwrap_or_default();
        let remarks = [("author", &step.author), ("comment", &step.comment)];
        html! {
            <tr>
                <td class="number">{ number }</td>
                <td class="told-instruction">
                    <code title={visible(&step.created_by)}>{ visible(&step.instruction) }</code>
                    { for remarks.into_iter().filter_map(|(what, text)| {
                        let text = text.as_deref().filter(|text| !text.is_empty())?;
                        Some(html! { <span class="note">{ visible(&format!("{what}: {text}")) }</span> })
                    }) }
                </td>
                <td>{ layer }</td>
                <td class="number">{ for step.content_bytes.map(size) }</td>
                <td class="number">{ for step.stored_bytes.map(size) }</td>
                <td title={visible(created)}>{ visible(created.get(..10).unwrap_or(created)) }</td>
                <td>{ visible(&step.builder) }</td>
                <td>{ place }</td>
            </tr>
        }
    };
    let n_layers = report.steps.iter().filter(|step| step.layer_idx.is_some()).count();
    let n_same = report
        .steps
        .iter()
        .filter(|step| step.layer_idx.is_some())
        .filter(|step| in_dockerfile(step, dockerfile) != InDockerfile::Missing)
        .count();
    let open = props.on_message.reform(|_: MouseEvent| Message::Inspect(InspectMessage::DockerfileWanted));
    html! {
        <div class="account" tabindex="0" role="region" aria-label="History">
            if report.steps.is_empty() {
                <p class="empty">{ "This image has no history." }</p>
            } else {
                <p class="told-lead">
                    { visible(&format!("Made by {}", if report.builder.is_empty() { "an unknown builder" } else { &report.builder })) }
                    { for report.base_name.as_deref().map(|name| visible(&format!(", from {name}"))) }
                    { "." }
                </p>
                if report.is_mismatched {
                    <p class="notice">{ icon("circle-alert") }{ "The history and the layers differ in number. Which step made which layer is not known." }</p>
                }
                <p class="note">
                    { if n_same == 0 {
                        "No step that made a layer has the words of an instruction in the Dockerfile of Simulate. It belongs to another image, or its arguments were filled in since.".to_owned()
                    } else {
                        format!("{n_same} of {n_layers} steps that made a layer have the words of an instruction in the Dockerfile of Simulate. Those have their real sizes there; the others were written otherwise, or come from the base.")
                    } }
                </p>
                <div class="told-table">
                    <table>
                        <thead><tr>
                            <th scope="col" class="number">{ "Step" }</th><th scope="col">{ "Instruction" }</th><th scope="col">{ "Layer" }</th>
                            <th scope="col" class="number">{ "Files" }</th><th scope="col" class="number">{ "Stored" }</th>
                            <th scope="col">{ "Created" }</th><th scope="col">{ "Builder" }</th><th scope="col">{ "In Dockerfile" }</th>
                        </tr></thead>
                        <tbody>{ for (1..).zip(&report.steps).map(step) }</tbody>
                    </table>
                </div>
            }
            if !report.dockerfile.is_empty() {
                <section class="told-part" aria-label="Dockerfile from history">
                    <div class="told-head">
                        <h3>{ "Dockerfile, as far as the history tells it" }</h3>
                        <button class="button" onclick={open}>{ icon("arrow-right") }{ "Open in Simulate" }</button>
                        <Handed text={Rc::<str>::from(report.dockerfile.as_str())} name="Dockerfile" what="Dockerfile" />
                    </div>
                    <p class="note">{ "In Simulate each step has the size of its layer here, and this image is offered as base. What was there can be had back." }</p>
                    <TextView text={Rc::<str>::from(report.dockerfile.as_str())} before={None::<Rc<str>>} path="Dockerfile" names={(String::new(), String::new())} />
                </section>
            }
        </div>
    }
}
