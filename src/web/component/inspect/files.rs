//! The tree of the chosen layer, or of the layers up to it: what is shown of it, and the tree itself.

use std::rc::Rc;

use yew::prelude::*;

use super::PartProps;
use super::filter::Filter;
use super::grid::{Biggest, Grid};
use super::keys::Keys;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::answers::Topic;
use crate::app::inspect::look::Column;
use crate::app::inspect::save::SaveWhat;
use crate::app::update::Message;
use crate::protocol::inspect::rows::TreeOf;
use crate::protocol::inspect::{Answer, ListingFormat};
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::human;

/// Toolbar, filter, tree, and a line about it.
#[component(Files)]
pub(super) fn files(props: &PartProps) -> Html {
    let Some(open) = props.state.archives.image() else { return Html::default() };
    if open.is_listing {
        return html! { <p class="empty">{ "You can browse its files once the archive is read." }</p> };
    }
    let look = &open.look;
    let on = |message: InspectMessage| {
        props.on_message.reform(move |_: MouseEvent| Message::Inspect(message.clone()))
    };
    let tree = |of: TreeOf, name: &'static str, title: &'static str| {
        html! {
            <button class="choice" aria-pressed={(look.of == of).to_string()} {title} onclick={on(InspectMessage::TreeChosen(of))}>{ name }</button>
        }
    };
    let column = |column: Column| {
        let onchange =
            props.on_message.reform(move |_: Event| Message::Inspect(InspectMessage::ColumnSwitched(column)));
        html! {
            <label class="check"><input type="checkbox" checked={look.columns.contains(&column)} {onchange} />{ column.label() }</label>
        }
    };
    let list = |format: ListingFormat| on(InspectMessage::SaveAsked(SaveWhat::List(format)));
    html! {
        <div class="files-view">
            <div class="view-bar" role="group" aria-label="Tree">
                <span class="choices" role="group" aria-label="Which files">
                    { tree(TreeOf::Layer, "Layer", "What this layer stores and removes") }
                    { tree(TreeOf::Stack, "Aggregated", "All layers up to this one, on top of each other") }
                </span>
                <button class="button quiet" aria-pressed={look.is_biggest.to_string()} onclick={on(InspectMessage::BiggestSwitched(!look.is_biggest))}>{ icon("arrow-down") }{ "Biggest first" }</button>
                if !look.is_biggest {
                    <button class="button quiet square" aria-label="Unfold all" title="Unfold all" onclick={on(InspectMessage::AllToggled(true))}>{ icon("chevrons-up-down") }</button>
                    <button class="button quiet square" aria-label="Fold all" title="Fold all (Ctrl+Space)" onclick={on(InspectMessage::AllToggled(false))}>{ icon("chevrons-down-up") }</button>
                }
                <details class="drop">
                    <summary class="button quiet">{ icon("columns-3") }{ "Columns" }</summary>
                    <div class="drop-body" role="group" aria-label="Columns">{ for Column::ALL.into_iter().map(column) }</div>
                </details>
                <details class="drop">
                    <summary class="button quiet">{ icon("download") }{ "Save list" }</summary>
                    <div class="drop-body">
                        <button class="button" onclick={list(ListingFormat::Csv)}>{ "CSV" }</button>
                        <button class="button" onclick={list(ListingFormat::Json)}>{ "JSON" }</button>
                    </div>
                </details>
                <Keys />
            </div>
            if look.is_biggest {
                <Biggest state={Rc::clone(&props.state)} on_message={props.on_message.clone()} />
            } else {
                <Filter state={Rc::clone(&props.state)} on_message={props.on_message.clone()} />
                { notes(props) }
                <Grid state={Rc::clone(&props.state)} on_message={props.on_message.clone()} />
            }
        </div>
    }
}

/// What the rows do not tell by themselves.
fn notes(props: &PartProps) -> Html {
    let state = &props.state;
    let Some(open) = state.archives.image() else { return Html::default() };
    let pages = &state.inspect.pages;
    let layers = |layers: &[u32]| {
        let numbers: Vec<String> = layers.iter().take(8).map(|idx| (idx + 1).to_string()).collect();
        let more = if layers.len() > 8 { ", ..." } else { "" };
        format!("{}{more}", numbers.join(", "))
    };
    let missing = pages.any().map(|report| report.missing_layers.as_slice()).unwrap_or_default();
    let is_reading = !open.is_all_listed();
    let undecided = match state.inspect.last(Topic::Waste) {
        Some(Answer::Waste(report)) => report.undecided,
        _ => Default::default(),
    };
    let settling = state.inspect.kept.get(&Topic::Settle).filter(|kept| kept.answer.is_none());
    html! {
        <>
            if let Some(problem) = &pages.problem {
                <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("The files cannot be shown: {problem}.")) }</p>
            }
            if !missing.is_empty() {
                <p class="notice calm" role="status">{ icon("info") }{ match (is_reading, missing.len()) {
                    (true, 1) => format!("Layer {} is not read yet, and counts as empty.", layers(missing)),
                    (true, _) => format!("Layers {} are not read yet, and count as empty.", layers(missing)),
                    (false, 1) => format!("Layer {} could not be read, and counts as empty.", layers(missing)),
                    (false, _) => format!("Layers {} could not be read, and count as empty.", layers(missing)),
                } }</p>
            }
            if let Some(kept) = settling {
                <p class="notice calm told" role="status">
                    { icon("info") }<span>{ match kept.progress {
                        Some((done_bytes, total_bytes)) => format!("Comparing contents: {} of {}.", human(done_bytes), human(total_bytes)),
                        None => "Comparing contents.".to_owned(),
                    } }</span>
                    <button class="link" onclick={props.on_message.reform(|_: MouseEvent| Message::Inspect(InspectMessage::FetchCancelled))}>{ "Cancel" }</button>
                </p>
            } else if undecided.n_rewrites > 0 {
                <p class="notice calm told">
                    { icon("info") }<span>{ format!("{} written again with the same length: whether content changed is not known.", match undecided.n_rewrites { 1 => "1 file is".to_owned(), n => format!("{n} files are") }) }</span>
                    <button class="link" onclick={props.on_message.reform(|_: MouseEvent| Message::Inspect(InspectMessage::SettleAsked))}>{ format!("Compare contents ({})", human(undecided.rewrites_bytes)) }</button>
                </p>
            }
        </>
    }
}
