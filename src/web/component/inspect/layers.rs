//! The layers of the image that is shown, and what there is to say of the chosen one.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::copy::Copy;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::rows::{LayerRow, layer_rows};
use crate::app::inspect::save::SaveWhat;
use crate::app::rows::InstructionRow;
use crate::app::state::{ImageState, OpenImage, Place, State};
use crate::app::update::Message;
use crate::app::view::SimulateView;
use crate::protocol::LayerReport;
use crate::protocol::inspect::SavedForm;
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::{exact, human, size};

#[derive(Properties, PartialEq)]
pub(super) struct LayersProps {
    pub(super) state: Rc<State>,
    /// The open Dockerfile, line by line.
    pub(super) view: Rc<SimulateView>,
    pub(super) on_message: Callback<Message>,
}

/// What stands in place of an instruction that is not known.
const UNKNOWN: &str = "not told by the history";

/// The list, the top layer first as a history is read, and the chosen layer below it.
#[component(Layers)]
pub(super) fn layers(props: &LayersProps) -> Html {
    let Some(open) = props.state.archives.image() else { return Html::default() };
    let rows = layer_rows(&props.state, open);
    let total_bytes = rows.last().map_or(0, |row| row.stack_bytes);
    let chosen = usize::try_from(open.layer_idx).ok().and_then(|idx| rows.get(idx));
    html! {
        <div class="layers-column">
            <section class="panel layers-panel" aria-label="Layers">
                <div class="panel-head"><h2>{ "Layers" }</h2><span class="note">{ format!("{} stored", human(total_bytes)) }</span></div>
                <ol class="layers" aria-label="Layers" onkeydown={Callback::from(walk)}>
                    { for rows.iter().rev().map(|row| layer_row(props, row, row.idx == open.layer_idx, total_bytes)) }
                </ol>
            </section>
            if let Some(row) = chosen { { detail(props, open, row) } }
        </div>
    }
}

/// Arrow keys go from layer to layer, as in dive.
fn walk(event: KeyboardEvent) {
    let target = event.target_dyn_into::<Element>();
    let Some(item) = target.and_then(|target| target.closest("li").ok().flatten()) else { return };
    let next = match event.key().as_str() {
        "ArrowDown" => item.next_element_sibling(),
        "ArrowUp" => item.previous_element_sibling(),
        "Home" => item.parent_element().and_then(|list| list.first_element_child()),
        "End" => item.parent_element().and_then(|list| list.last_element_child()),
        _ => return,
    };
    event.prevent_default();
    let button = next.and_then(|next| next.query_selector("button").ok().flatten());
    if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
        let _ = button.focus();
        button.click();
    }
}

fn layer_row(props: &LayersProps, row: &LayerRow, is_selected: bool, total_bytes: u64) -> Html {
    let idx = row.idx;
    let onclick =
        props.on_message.reform(move |_: MouseEvent| Message::Inspect(InspectMessage::LayerSelected(idx)));
    let instruction = row.planned.instruction.as_deref().unwrap_or(UNKNOWN);
    let n_problems = row.report.as_ref().map_or(0, |report| report.problems.len());
    // In thousandths of all that is stored.
    let share = |bytes: u64| bytes.saturating_mul(1000) / total_bytes.max(1);
    let below_bytes = row.stack_bytes.saturating_sub(row.planned.stored_bytes);
    let width = share(row.planned.stored_bytes).max(6);
    let read = row
        .reading
        .map(|done_bytes| format!("{} %", done_bytes.saturating_mul(100) / row.planned.stored_bytes.max(1)));
    html! {
        <li key={idx}>
            <button class={classes!("layer-row", (n_problems > 0).then_some("damaged"))} aria-pressed={is_selected.to_string()} tabindex={if is_selected { "0" } else { "-1" }} {onclick}>
                <span class="layer-number">{ idx + 1 }</span>
                <code class="layer-instruction" title={visible(instruction)}><bdi>{ visible(instruction) }</bdi></code>
                { size(row.planned.stored_bytes) }
                <svg class="bar-svg" aria-hidden="true" viewBox="0 0 1000 4" preserveAspectRatio="none">
                    <rect class="bar-below" width={share(below_bytes).to_string()} height="4" />
                    <rect class="bar-fill" x={share(below_bytes).min(1000 - width.min(1000)).to_string()} width={width.to_string()} height="4" />
                </svg>
                <span class="layer-facts">
                    <span class="layer-sum" title={format!("{} with all layers below", exact(row.stack_bytes))}><span class="visually-hidden">{ ", with those below " }</span>{ format!("∑ {}", human(row.stack_bytes)) }</span>
                    if let Some(counts) = &row.counts {
                        <span class="count added" title="Paths added"><span aria-hidden="true">{ "+" }</span>{ counts.n_added }<span class="visually-hidden">{ " added" }</span></span>
                        <span class="count modified" title="Paths modified"><span aria-hidden="true">{ "~" }</span>{ counts.n_content + counts.n_metadata }<span class="visually-hidden">{ " modified" }</span></span>
                        <span class="count removed" title="Paths removed"><span aria-hidden="true">{ "−" }</span>{ counts.n_removed }<span class="visually-hidden">{ " removed" }</span></span>
                        if counts.n_again > 0 {
                            <span class="count again" title="Paths stored again for nothing"><span aria-hidden="true">{ "=" }</span>{ counts.n_again }<span class="visually-hidden">{ " stored again" }</span></span>
                        }
                    }
                    if let Some(read) = read { <span class="note">{ format!("reading {read}") }</span> }
                    if row.is_waiting { <span class="note">{ "waits" }</span> }
                    if n_problems > 0 { <span class="layer-problem">{ icon("circle-alert") }{ "problem" }</span> }
                    if row.report.as_ref().is_some_and(LayerReport::is_verified) {
                        <span class="layer-verified" title="Hashed, and what the image names">{ icon("check") }<span class="visually-hidden">{ "verified" }</span></span>
                    }
                </span>
            </button>
        </li>
    }
}

/// The line of the open Dockerfile that says the same as the layer's instruction.
fn dockerfile_row<'v>(view: &'v SimulateView, instruction: &str) -> Option<&'v InstructionRow> {
    let is_same = |code: &str| code.split_whitespace().eq(instruction.split_whitespace());
    view.rows.iter().find(|row| row.makes_layer && is_same(&row.code))
}

fn detail(props: &LayersProps, open: &OpenImage, row: &LayerRow) -> Html {
    let layer_idx = row.idx;
    let is_done = matches!(props.state.archives.shown(), ImageState::Open(_));
    let Some(report) = &row.report else {
        let what = match (&row.reading, row.planned.key) {
            (Some(_), _) => "This layer is being read.",
            (None, None) => "The archive does not hold this layer.",
            (None, Some(_)) => "This layer has not been read yet.",
        };
        return html! { <section class="panel layer-detail" aria-label="Layer"><div class="panel-head"><h2>{ format!("Layer {}", layer_idx + 1) }</h2></div><p class="empty">{ what }</p></section> };
    };
    let digest = |name: &'static str, value: &Option<String>| match value {
        Some(value) => {
            html! { <div class="digest-fact"><dt>{ name }</dt><dd><Copy text={value.clone()} what={name} /></dd></div> }
        }
        None => Html::default(),
    };
    let compressed = if report.is_compressed() { format!(", {}", report.compression) } else { String::new() };
    let save = |form: SavedForm, name: &'static str| {
        let what = SaveWhat::Layer { layer_idx, form };
        let onclick = props
            .on_message
            .reform(move |_: MouseEvent| Message::Inspect(InspectMessage::SaveAsked(what.clone())));
        html! { <button class="button quiet" {onclick}>{ icon("download") }{ name }</button> }
    };
    let instruction = row.planned.instruction.as_deref();
    let same = instruction.and_then(|instruction| dockerfile_row(&props.view, instruction));
    let same = same.map(|same| (same.idx, same.lines.first));
    html! {
        <section class="panel layer-detail" aria-label="Layer">
            <div class="panel-head"><h2>{ format!("Layer {}", layer_idx + 1) }</h2>
                if let Some((idx, line)) = same {
                    <a class="link" href={format!("#{}", Place::Simulate.fragment())} onclick={props.on_message.reform(move |_: MouseEvent| Message::InstructionSelected(idx))}>{ format!("line {line} of the Dockerfile") }</a>
                }
            </div>
            <pre class="layer-command" tabindex="0" aria-label="Instruction"><code><bdi>{ visible(instruction.unwrap_or(UNKNOWN)) }</bdi></code></pre>
            <dl class="facts">
                <div><dt>{ "Stored" }</dt><dd>{ size(row.planned.stored_bytes) }{ compressed }</dd></div>
                <div><dt>{ "Tar" }</dt><dd>{ size(report.tar_bytes) }</dd></div>
                <div><dt>{ "Files" }</dt><dd>{ size(report.content_bytes) }</dd></div>
                <div><dt>{ "Entries" }</dt><dd>{ report.n_entries }</dd></div>
                if report.n_whiteouts > 0 { <div><dt>{ "Removes" }</dt><dd>{ report.n_whiteouts }</dd></div> }
                { digest("Digest", &report.blob_digest) }
                { digest("diffID", &report.diff_id) }
                { digest("chainID", &report.chain_id) }
            </dl>
            { for report.problems.iter().map(|problem| html! { <p class="notice">{ icon("circle-alert") }{ visible(&format!("{problem}.")) }</p> }) }
            if report.is_limited {
                <p class="offer">
                    <button class="button" disabled={!is_done} onclick={props.on_message.reform(move |_: MouseEvent| Message::LayerReadOn(layer_idx))}>{ icon("rotate-cw") }{ "Read on past the limit" }</button>
                    <span class="note">{ "Reads it again with limits eight times as high. That takes longer and more memory." }</span>
                </p>
            }
            if !open.is_listing && row.planned.key.is_some() {
                <div class="save-row">
                    if report.is_compressed() {
                        { save(SavedForm::Stored, "Save as stored") }
                        { save(SavedForm::Tar, "Save tar") }
                    } else {
                        { save(SavedForm::Stored, "Save layer") }
                    }
                </div>
            }
        </section>
    }
}
