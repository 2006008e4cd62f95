//! A treemap of bytes by folder, with a table of the same beside it.
//!
//! Boxes are placed in parts of a whole, so that the picture follows the width of the page and letters
//! keep their size. One of the boxes takes the focus; arrows go to the box beside it.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, SvgElement};
use yew::prelude::*;

use super::PartProps;
use super::waste::share;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::answers::Topic;
use crate::app::inspect::tiles::{Rect, Way, neighbor, squarify};
use crate::app::update::Message;
use crate::protocol::inspect::Answer;
use crate::protocol::inspect::map::{MapKind, MapNode, MapReport};
use crate::protocol::inspect::rows::TreeOf;
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::{exact, human, size};

/// The room of the picture; its height is that of the style sheet, in pixels.
const WHOLE: Rect = Rect { x: 0.0, y: 0.0, w: 760.0, h: 460.0 };
/// Room for the name of a folder above what is in it.
const HEAD: f64 = 22.0;

/// So many colors of layers there are.
const N_COLORS: u32 = 8;

/// What a node stands for, hidden bytes among it.
fn weight(node: &MapNode, of: TreeOf) -> u64 {
    match of {
        // Of a layer they are a part of its bytes already.
        TreeOf::Layer => node.bytes,
        TreeOf::Stack => node.bytes + node.hidden_bytes,
    }
}

fn name_of(node: &MapNode) -> String {
    match node.kind {
        MapKind::Rest => format!("{} smaller", node.n_below),
        MapKind::Folder => format!("{}/", visible(&node.name)),
        MapKind::File => visible(&node.name),
    }
}

/// The children of a node, by their places in the list, the heaviest first.
fn children(report: &MapReport, parent: usize, of: TreeOf) -> Vec<usize> {
    let is_child = |node: &MapNode| node.parent.is_some_and(|idx| usize::try_from(idx) == Ok(parent));
    let mut found: Vec<(u64, usize)> = Vec::new();
    for (idx, node) in report.nodes.iter().enumerate().skip(parent + 1) {
        if is_child(node) {
            found.push((weight(node, of), idx));
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    found.into_iter().map(|(_, idx)| idx).collect()
}

#[allow(clippy::cast_precision_loss, reason = "no image reaches 2^53 bytes")]
fn layout(report: &MapReport, places: &[usize], of: TreeOf, whole: Rect) -> Vec<Rect> {
    let weights: Vec<f64> =
        places.iter().filter_map(|idx| report.nodes.get(*idx)).map(|node| weight(node, of) as f64).collect();
    squarify(&weights, whole)
}

/// A part of the whole as the attribute of a picture.
fn part(value: f64, whole: f64) -> String {
    format!("{:.3}%", value / whole * 100.0)
}

/// A box with its stripes, its name, and what is in it.
fn tile(report: &MapReport, idx: usize, rect: Rect, of: TreeOf) -> Html {
    let Some(node) = report.nodes.get(idx) else { return Html::default() };
    let all = weight(node, of);
    #[allow(clippy::cast_precision_loss, reason = "no image reaches 2^53 bytes")]
    let hidden = if all == 0 { 0.0 } else { node.hidden_bytes as f64 / all as f64 };
    let is_named = rect.w > 44.0 && rect.h > 18.0;
    let inner = Rect { x: rect.x + 3.0, y: rect.y + HEAD, w: rect.w - 6.0, h: rect.h - HEAD - 3.0 };
    let places =
        if node.is_open && inner.w > 50.0 && inner.h > 30.0 { children(report, idx, of) } else { Vec::new() };
    let rects = layout(report, &places, of, inner);
    let has_children = !places.is_empty();
    html! {
        <>
            <svg class={format!("tile color-{}", node.written_by % N_COLORS)} x={part(rect.x, WHOLE.w)} y={part(rect.y, WHOLE.h)} width={part(rect.w, WHOLE.w)} height={part(rect.h, WHOLE.h)}>
                <rect class="tile-fill" width="100%" height="100%" />
                // From the right edge, so that the name stays readable.
                if hidden > 0.0 && !has_children { <rect class="tile-waste" x={part(1.0 - hidden, 1.0)} width={part(hidden, 1.0)} height="100%" /> }
                <rect class="tile-edge" width="100%" height="100%" />
                if is_named {
                    <text x="6" y="15">{ name_of(node) }</text>
                    if !has_children && rect.h > 36.0 { <text class="tile-more" x="6" y="31">{ format!("{} · layer {}", human(all), node.written_by + 1) }</text> }
                }
            </svg>
            { for places.into_iter().zip(rects).map(|(idx, rect)| tile(report, idx, rect, of)) }
        </>
    }
}

fn label(node: &MapNode, of: TreeOf, total: u64) -> String {
    let all = weight(node, of);
    let waste = match node.hidden_bytes {
        0 => String::new(),
        bytes => format!(", {} of it waste", human(bytes)),
    };
    format!("{}, {}, {}, layer {}{waste}", name_of(node), human(all), share(all, total), node.written_by + 1)
}

/// Picture, table, and the way up.
#[component(Map)]
pub(super) fn map(props: &PartProps) -> Html {
    let at = use_state(|| 0_usize);
    let picture = use_node_ref();
    let shown = use_mut_ref(|| None::<MapReport>);
    let is_zoomed = use_mut_ref(|| false);
    let state = &props.state;
    let answer = match state.inspect.last(Topic::Map) {
        Some(Answer::Map(report)) => Some(report.as_ref().clone()),
        _ => None,
    };
    let is_late = answer.is_none();
    if answer.is_some() {
        shown.replace(answer);
    }
    let report = shown.borrow().clone();
    let root = report.as_ref().and_then(|report| report.nodes.first()).map(|node| node.path.clone());
    {
        let (at, picture, is_zoomed) = (at.clone(), picture.clone(), Rc::clone(&is_zoomed));
        // The box that had the focus is gone with the folder that it was in.
        use_effect_with(root, move |_| {
            at.set(0);
            if is_zoomed.replace(false)
                && let Some(picture) = picture.cast::<Element>()
                && let Ok(Some(first)) = picture.query_selector("[role=button]")
                && let Ok(first) = first.dyn_into::<SvgElement>()
            {
                let _ = first.focus();
            }
        });
    }
    let Some(open) = state.archives.image() else { return Html::default() };
    let problem = state.inspect.kept.get(&Topic::Map).and_then(|kept| kept.problem());
    if let Some(problem) = problem {
        return html! { <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("The map cannot be shown: {problem}.")) }</p> };
    }
    let Some(report) = report else {
        return html! { <p class="empty" role="status">{ "Adding up folders." }</p> };
    };
    let (of, layer_idx) = (open.look.of, open.layer_idx);
    let places = children(&report, 0, of);
    let rects = layout(&report, &places, of, WHOLE);
    let total = report.nodes.first().map_or(0, |node| weight(node, of));
    let folder = open.look.map_folder.clone();
    let send = props.on_message.reform(Message::Inspect);
    let zoom = {
        let (send, is_zoomed) = (send.clone(), Rc::clone(&is_zoomed));
        Callback::from(move |(path, by_key): (String, bool)| {
            is_zoomed.replace(by_key);
            send.emit(InspectMessage::MapZoomed(path));
        })
    };
    let choose = {
        let (send, zoom) = (send.clone(), zoom.clone());
        Callback::from(move |(kind, path, by_key): (MapKind, String, bool)| match kind {
            MapKind::Folder => zoom.emit((path, by_key)),
            MapKind::File => send.emit(InspectMessage::FileOpened { layer_idx, path }),
            MapKind::Rest => send.emit(InspectMessage::PathSought { layer_idx, path }),
        })
    };
    let onkeydown = {
        let (at, picture, rects, zoom, folder) =
            (at.clone(), picture.clone(), rects.clone(), zoom.clone(), folder.clone());
        Callback::from(move |event: KeyboardEvent| {
            let way = match event.key().as_str() {
                "ArrowLeft" => Way::Left,
                "ArrowRight" => Way::Right,
                "ArrowUp" => Way::Up,
                "ArrowDown" => Way::Down,
                "Escape" | "Backspace" if !folder.is_empty() => {
                    event.prevent_default();
                    zoom.emit((above(&folder), true));
                    return;
                }
                _ => return,
            };
            event.prevent_default();
            let Some(next) = neighbor(&rects, *at, way) else { return };
            at.set(next);
            let found = picture.cast::<Element>().and_then(|picture| {
                picture.query_selector(&format!("[data-place=\"{next}\"]")).ok().flatten()
            });
            if let Some(next) = found.and_then(|found| found.dyn_into::<SvgElement>().ok()) {
                let _ = next.focus();
            }
        })
    };
    let tree = |of: TreeOf, name: &'static str, title: &'static str| {
        html! {
            <button class="choice" aria-pressed={(open.look.of == of).to_string()} {title} onclick={send.reform(move |_: MouseEvent| InspectMessage::TreeChosen(of))}>{ name }</button>
        }
    };
    let crumb = |(name, path): (String, String)| {
        let is_here = path == folder;
        let onclick = zoom.reform(move |_: MouseEvent| (path.clone(), false));
        html! { <li><button class="link" aria-current={is_here.then_some("true")} {onclick}><bdi>{ name }</bdi></button></li> }
    };
    let box_of = |(place, (idx, rect)): (usize, (&usize, &Rect))| {
        let Some(node) = report.nodes.get(*idx) else { return Html::default() };
        let (kind, path) = (node.kind, node.path.clone());
        let onclick = {
            let (choose, path) = (choose.clone(), path.clone());
            Callback::from(move |_: MouseEvent| choose.emit((kind, path.clone(), false)))
        };
        let onkeydown = {
            let choose = choose.clone();
            Callback::from(move |event: KeyboardEvent| {
                if matches!(event.key().as_str(), "Enter" | " ") {
                    event.prevent_default();
                    choose.emit((kind, path.clone(), true));
                }
            })
        };
        let onfocus = {
            let at = at.clone();
            Callback::from(move |_: FocusEvent| at.set(place))
        };
        html! {
            <g key={format!("{kind:?}{}", node.path)} class="map-box" role="button" data-place={place.to_string()} tabindex={if place == *at { "0" } else { "-1" }} aria-label={label(node, of, total)} {onclick} {onkeydown} {onfocus}>
                <title>{ label(node, of, total) }</title>
                <rect class="map-hit" x={part(rect.x, WHOLE.w)} y={part(rect.y, WHOLE.h)} width={part(rect.w, WHOLE.w)} height={part(rect.h, WHOLE.h)} />
            </g>
        }
    };
    let row = |idx: &usize| {
        let Some(node) = report.nodes.get(*idx) else { return Html::default() };
        let (kind, path) = (node.kind, node.path.clone());
        let onclick = choose.reform(move |_: MouseEvent| (kind, path.clone(), false));
        let all = weight(node, of);
        let layer = node.written_by;
        html! {
            <tr key={format!("{kind:?}{}", node.path)}>
                <td><button class="link path" {onclick}>{ icon(if kind == MapKind::File { "file" } else { "folder" }) }<bdi>{ name_of(node) }</bdi></button></td>
                <td class="bytes">{ size(all) }</td>
                <td class="bytes">{ share(all, total) }</td>
                <td class="layer-of"><button class="link" onclick={send.reform(move |_: MouseEvent| InspectMessage::LayerSelected(layer))}><span class={format!("swatch color-{}", layer % N_COLORS)}></span>{ layer + 1 }</button></td>
                <td class="bytes" title={exact(node.hidden_bytes)}>{ if node.hidden_bytes == 0 { "–".to_owned() } else { human(node.hidden_bytes) } }</td>
            </tr>
        }
    };
    html! {
        <div class="map-view" aria-busy={is_late.to_string()}>
            <div class="view-bar" role="group" aria-label="Map">
                <span class="choices" role="group" aria-label="Which files">
                    { tree(TreeOf::Layer, "Layer", "What this layer stores") }
                    { tree(TreeOf::Stack, "Aggregated", "All layers up to this one, on top of each other") }
                </span>
                <nav aria-label="Folder"><ol class="crumbs">{ for crumbs(&folder).into_iter().map(crumb) }</ol></nav>
                <span class="map-sum">{ size(total) }</span>
            </div>
            if total == 0 {
                <p class="empty">{ "No bytes here." }</p>
            } else {
                <div class="map-columns">
                    <div class="map-picture">
                        <svg ref={picture} class="map" role="group" aria-label="Bytes by folder" {onkeydown}>
                            <defs><pattern id="map-stripes" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="map-stripe" width="3" height="8" /></pattern></defs>
                            // The names in the picture are those of the buttons, with more to them.
                            <g aria-hidden="true">{ for places.iter().zip(&rects).map(|(idx, rect)| tile(&report, *idx, *rect, of)) }</g>
                            { for places.iter().zip(&rects).enumerate().map(box_of) }
                        </svg>
                        <p class="note map-key"><svg aria-hidden="true" width="22" height="12"><rect class="tile-waste" width="22" height="12" /></svg>{ "Waste: stored, and not shown in the end. Colors: the layer that wrote most." }</p>
                    </div>
                    <div class="map-table" role="region" aria-label="Bytes by folder, as a table" tabindex="0">
                        <table aria-label="Bytes by folder">
                            <thead><tr><th scope="col">{ "Name" }</th><th scope="col" class="bytes">{ "Bytes" }</th><th scope="col" class="bytes">{ "Share" }</th><th scope="col" class="layer-of">{ "Layer" }</th><th scope="col" class="bytes">{ "Waste" }</th></tr></thead>
                            <tbody>{ for places.iter().map(row) }</tbody>
                        </table>
                    </div>
                </div>
            }
        </div>
    }
}

/// The folder that a folder is in.
fn above(folder: &str) -> String {
    folder.rsplit_once('/').map_or_else(String::new, |(above, _)| above.to_owned())
}

/// The folders from the root to this one, with their names.
fn crumbs(folder: &str) -> Vec<(String, String)> {
    let mut crumbs = vec![("/".to_owned(), String::new())];
    let mut path = String::new();
    for name in folder.split('/').filter(|name| !name.is_empty()) {
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        crumbs.push((visible(name), path.clone()));
    }
    crumbs
}
