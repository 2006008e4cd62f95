//! Stages as columns of slabs, with the rebuild path drawn from its first cause upward.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use yew::prelude::*;

use super::icon::{icon, mark_icon};
use super::size::human;
use crate::app::picture::{Connector, Direction, Folds, Placed, SLAB_WIDTH, Stage, THIN_HEIGHT, lay_out};
use crate::app::stack::{Column, SlabKind, UseKind};
use crate::app::update::Message;
use crate::web::export;

#[derive(Properties, PartialEq)]
pub(super) struct PictureProps {
    pub(super) columns: Rc<Vec<Column>>,
    pub(super) selected: Option<usize>,
    pub(super) on_message: Callback<Message>,
}

/// Percent of the drawing's own size; none is as it was at first.
type Zoom = Option<i32>;

/// It is made as wide as the room that there is.
const FIT: i32 = 0;

const ZOOM_STEPS: [i32; 7] = [25, 40, 60, 80, 100, 130, 170];

/// The next step of the zoom.
fn zoomed(zoom: Zoom, is_in: bool) -> Zoom {
    let now = zoom.filter(|percent| *percent != FIT).unwrap_or(100);
    let mut steps = ZOOM_STEPS.iter().copied();
    let found = if is_in { steps.find(|step| *step > now) } else { steps.rfind(|step| *step < now) };
    found.or(zoom)
}

fn turned(set: &BTreeSet<usize>, idx: usize) -> BTreeSet<usize> {
    let mut set = set.clone();
    if !set.remove(&idx) {
        set.insert(idx);
    }
    set
}

/// Where a drag of the background began: the pointer, and how far the picture was scrolled.
type Drag = Cell<Option<(i32, i32, i32, i32)>>;

/// The picture with its tools.
#[component(Picture)]
pub(super) fn picture(props: &PictureProps) -> Html {
    let folds = use_state(Folds::default);
    // Several stages are drawn in their own size, so that they can be read.
    let zoom = use_state(|| None as Zoom);
    let frame = use_node_ref();
    let drag = use_memo((), |()| Drag::new(None));
    let columns = &props.columns;
    let picture =
        use_memo((Rc::clone(columns), (*folds).clone(), props.selected), |(columns, folds, selected)| {
            lay_out(columns, folds, *selected)
        });
    let entry = picture.entry(props.selected);
    let has_names = columns.len() > 1;
    let onkeydown = {
        let (picture, on_message, zoom) = (Rc::clone(&picture), props.on_message.clone(), zoom.clone());
        let frame = frame.clone();
        Callback::from(move |event: KeyboardEvent| {
            let direction = match event.key().as_str() {
                "ArrowUp" => Direction::Up,
                "ArrowDown" => Direction::Down,
                "ArrowLeft" => Direction::Left,
                "ArrowRight" => Direction::Right,
                "Home" => Direction::First,
                "End" => Direction::Last,
                "+" => return zoom.set(zoomed(*zoom, true)),
                "-" => return zoom.set(zoomed(*zoom, false)),
                "0" => return zoom.set(None),
                "f" => return zoom.set(Some(FIT)),
                _ => return,
            };
            if event.ctrl_key() || event.alt_key() || event.meta_key() {
                return;
            }
            let slab = event.target_dyn_into::<web_sys::Element>();
            let from = slab.and_then(|slab| slab.get_attribute("data-instruction")?.parse().ok());
            let Some(from) = from else { return };
            event.prevent_default();
            if let Some(next) = picture.next(from, direction) {
                on_message.emit(Message::InstructionSelected(next));
                let found = frame.cast::<web_sys::Element>().and_then(|frame| {
                    frame.query_selector(&format!("[data-instruction=\"{next}\"]")).ok().flatten()
                });
                if let Some(slab) = found.and_then(|found| found.dyn_into::<web_sys::SvgElement>().ok()) {
                    let _ = slab.focus();
                }
            }
        })
    };
    let set_zoom = |to: Zoom| {
        let zoom = zoom.clone();
        Callback::from(move |_: MouseEvent| zoom.set(to))
    };
    let fold_stage = use_callback(folds.clone(), |idx, folds| {
        folds.set(Folds { stages: turned(&folds.stages, idx), ..(**folds).clone() });
    });
    let fold_base = use_callback(folds.clone(), |idx, folds| {
        folds.set(Folds { bases: turned(&folds.bases, idx), ..(**folds).clone() });
    });
    let save = |is_png: bool| {
        let frame = frame.clone();
        Callback::from(move |_: MouseEvent| {
            let svg = frame.cast::<web_sys::Element>();
            if let Some(svg) = svg.and_then(|frame| frame.query_selector("svg.stack-svg").ok().flatten()) {
                export::save_picture(&svg, is_png);
            }
        })
    };
    let (width, height) = (picture.width, picture.height);
    let is_wide = columns.iter().any(|column| column.depth > 0);
    let shown_width = zoom.filter(|percent| *percent != FIT).map_or(width, |percent| width * percent / 100);
    html! {
        <>
        <div class="panel-head">
            <h2>{ "Stack" }</h2>
            <div class="picture-tools" role="group" aria-label="Picture">
                <button class="tool" title="Smaller (-)" onclick={set_zoom(zoomed(*zoom, false))}>{ icon("zoom-out") }<span class="visually-hidden">{ "Smaller" }</span></button>
                <button class="tool" title="Larger (+)" onclick={set_zoom(zoomed(*zoom, true))}>{ icon("zoom-in") }<span class="visually-hidden">{ "Larger" }</span></button>
                <button class="tool" title="Fit to the panel (f), real size (0)" aria-pressed={(*zoom == Some(FIT)).to_string()} onclick={set_zoom(if *zoom == Some(FIT) { None } else { Some(FIT) })}>{ "Fit" }</button>
                <button class="tool" title="Save the picture as SVG" onclick={save(false)}>{ icon("download") }{ "SVG" }</button>
                <button class="tool" title="Save the picture as PNG" onclick={save(true)}>{ icon("download") }{ "PNG" }</button>
            </div>
        </div>
        <div
            class="picture"
            ref={frame.clone()}
            {onkeydown}
            onmousedown={drag_begins(&frame, &drag)}
            onmousemove={drag_goes_on(&frame, &drag)}
            onmouseup={drag_ends(&drag)}
            onmouseleave={drag_ends(&drag)}
        >
        <svg
            class={classes!("stack-svg", if *zoom == Some(FIT) { "fit-picture" } else if is_wide || zoom.is_some() { "wide-picture" } else { "" })}
            viewBox={format!("0 0 {width} {height}")}
            width={shown_width.to_string()}
            role="group"
            aria-label="Layers from the base image up to the container"
        >
            <defs>
                <pattern id="stripes" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <rect class="stripe" width="3" height="8" />
                </pattern>
                <pattern id="dots" width="7" height="7" patternUnits="userSpaceOnUse">
                    <circle class="dot" cx="2" cy="2" r="1.2" />
                </pattern>
                <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" orient="auto-start-reverse">
                    <path class="arrow-head" d="M0 0 L8 4 L0 8 Z" />
                </marker>
            </defs>
            // Connectors lie below the slabs.
            { for picture.connectors.iter().map(connector) }
            { for picture.stages.iter().map(|stage| {
                let has_entry = stage.slabs.iter().any(|placed| placed.slab.instruction.is_some() && placed.slab.instruction == entry);
                html! {
                    <StageShape
                        key={stage.idx}
                        stage={stage.clone()}
                        {has_names}
                        selected={props.selected.filter(|idx| stage.slabs.iter().any(|placed| placed.slab.instruction == Some(*idx)))}
                        entry={entry.filter(|_| has_entry)}
                        on_message={props.on_message.clone()}
                        fold_stage={fold_stage.clone()}
                        fold_base={fold_base.clone()}
                    />
                }
            }) }
        </svg>
        </div>
        </>
    }
}

/// The background is dragged to see other parts; slabs are clicked.
fn drag_begins(frame: &NodeRef, drag: &Rc<Drag>) -> Callback<MouseEvent> {
    let (frame, drag) = (frame.clone(), Rc::clone(drag));
    Callback::from(move |event: MouseEvent| {
        let target = event.target_dyn_into::<web_sys::Element>();
        let is_on_slab =
            target.is_some_and(|target| target.closest("[role=button]").is_ok_and(|found| found.is_some()));
        if let Some(frame) = frame.cast::<web_sys::Element>().filter(|_| !is_on_slab && event.button() == 0) {
            let at = (event.client_x(), event.client_y(), frame.scroll_left(), frame.scroll_top());
            drag.set(Some(at));
        }
    })
}

fn drag_goes_on(frame: &NodeRef, drag: &Rc<Drag>) -> Callback<MouseEvent> {
    let (frame, drag) = (frame.clone(), Rc::clone(drag));
    Callback::from(move |event: MouseEvent| {
        let frame = frame.cast::<web_sys::Element>();
        if let (Some((x, y, left, top)), Some(frame)) = (drag.get(), frame) {
            frame.set_scroll_left(left + x - event.client_x());
            frame.set_scroll_top(top + y - event.client_y());
        }
    })
}

fn drag_ends(drag: &Rc<Drag>) -> Callback<MouseEvent> {
    let drag = Rc::clone(drag);
    Callback::from(move |_: MouseEvent| drag.set(None))
}

/// From a stage's last layer to what uses it.
fn connector(connector: &Connector) -> Html {
    let ((start_x, start_y), (end_x, end_y)) = (connector.from, connector.to);
    let middle = (start_x + end_x) / 2;
    let kind = match connector.kind {
        UseKind::From => "use-from",
        UseKind::Copy => "use-copy",
        UseKind::Mount => "use-mount",
    };
    html! {
        <path
            class={classes!("connector", kind, connector.is_hot.then_some("hot"))}
            d={format!("M{start_x} {start_y} C{middle} {start_y} {middle} {end_y} {end_x} {end_y}")}
            marker-end="url(#arrow)"
        ><title>{ connector.label.clone() }</title></path>
    }
}

#[derive(Properties, PartialEq)]
struct StageProps {
    stage: Stage,
    has_names: bool,
    selected: Option<usize>,
    /// The slab of this stage that the keyboard reaches, if it is in this stage.
    entry: Option<usize>,
    on_message: Callback<Message>,
    fold_stage: Callback<usize>,
    fold_base: Callback<usize>,
}

#[component(StageShape)]
fn stage_shape(props: &StageProps) -> Html {
    let StageProps { stage, selected, entry, on_message, .. } = props;
    let top = stage.slabs.last().map_or(stage.y, |placed| placed.y);
    let fold = |name: String, is_open: bool, x: i32, y: i32, on_fold: &Callback<usize>| {
        let (on_fold, idx) = (on_fold.clone(), stage.idx);
        let onclick = {
            let on_fold = on_fold.clone();
            Callback::from(move |_: MouseEvent| on_fold.emit(idx))
        };
        let onkeydown = Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Enter" || event.key() == " " {
                event.prevent_default();
                on_fold.emit(idx);
            }
        });
        html! {
            <g class="fold" role="button" tabindex={if entry.is_some() { "0" } else { "-1" }} aria-expanded={is_open.to_string()} {onclick} {onkeydown}>
                <title>{ name }</title>
                <rect class="fold-back" x={x.to_string()} y={y.to_string()} width="24" height="24" rx="5" />
                <use class="icon" href={if is_open { "#icon-chevron-down" } else { "#icon-chevron-right" }} x={(x + 5).to_string()} y={(y + 5).to_string()} width="14" height="14" />
            </g>
        }
    };
    let name_x = stage.x + if stage.can_fold { 28 } else { 0 };
    html! {
        <g class={classes!("stage", (!stage.is_needed).then_some("unneeded"))}>
            if props.has_names && stage.is_needed {
                if stage.can_fold {
                    { fold(format!("Layers of {}", stage.name), !stage.is_folded, stage.x, top - 27, &props.fold_stage) }
                }
                <text class="stage-name" x={name_x.to_string()} y={(top - 10).to_string()}>
                    { format!("{}{}", stage.name, if stage.is_target { " · target" } else { "" }) }
                </text>
            }
            { for stage.base_layers.iter().map(|(label, y)| html! {
                <g class="thin" role="img">
                    <title>{ format!("Layer of the base image: {label}") }</title>
                    <rect class="thin-back" x={stage.x.to_string()} y={y.to_string()} width={SLAB_WIDTH.to_string()} height={(THIN_HEIGHT - 3).to_string()} rx="4" />
                    <text class="thin-label" x={(stage.x + 42).to_string()} y={(y + 13).to_string()}>{ cut(label, THIN_CHARS) }</text>
                </g>
            }) }
            { for stage.slabs.iter().map(|placed| html! {
                <SlabShape
                    placed={placed.clone()}
                    is_selected={placed.slab.instruction.is_some() && placed.slab.instruction == *selected}
                    is_entry={placed.slab.instruction.is_some() && placed.slab.instruction == *entry}
                    on_message={on_message.clone()}
                />
            }) }
            if stage.n_base_layers > 0 {
                if let Some(base) = stage.slabs.first() {
                    { fold(format!("{} layers of the base image", stage.n_base_layers), !stage.base_layers.is_empty(), base.x + SLAB_WIDTH - 32, base.y + 11, &props.fold_base) }
                }
            }
            if let Some((first, last)) = stage.path { { rebuild_path(stage, first, last) } }
        </g>
    }
}

/// A line from the first slab that rebuilds up to the last one.
fn rebuild_path(stage: &Stage, first: i32, last: i32) -> Html {
    let x = stage.x + SLAB_WIDTH;
    let rail = x + 14;
    html! {
        <g class="path">
            if first != last {
                <path class="path-line" d={format!("M{x} {first} H{rail} V{last} H{}", x + 3)} marker-end="url(#arrow)" />
            }
            <circle class="path-start" cx={rail.to_string()} cy={first.to_string()} r="4.5" />
        </g>
    }
}

/// How many characters of a label fit.
const LABEL_CHARS: usize = 31;
const THIN_CHARS: usize = 37;

fn cut(text: &str, n_chars: usize) -> String {
    if text.chars().count() <= n_chars {
        return text.to_owned();
    }
    text.chars().take(n_chars - 1).chain(['…']).collect()
}

#[derive(Properties, PartialEq)]
struct SlabProps {
    placed: Placed,
    is_selected: bool,
    /// The keyboard reaches the picture here.
    is_entry: bool,
    on_message: Callback<Message>,
}

#[component(SlabShape)]
fn slab_shape(props: &SlabProps) -> Html {
    let SlabProps { placed: Placed { slab, x, y, height, delay }, is_selected, is_entry, on_message } = props;
    let before = use_mut_ref(|| slab.mark);
    // What stays as it was does not move.
    let is_flipped = use_mut_ref(|| false);
    if *before.borrow() != slab.mark {
        *before.borrow_mut() = slab.mark;
        *is_flipped.borrow_mut() = true;
    }
    let select = {
        let (on_message, instruction) = (on_message.clone(), slab.instruction);
        Callback::from(move |()| {
            if let Some(idx) = instruction {
                on_message.emit(Message::InstructionSelected(idx));
            }
        })
    };
    let onclick = {
        let select = select.clone();
        Callback::from(move |_: MouseEvent| select.emit(()))
    };
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        if event.key() == "Enter" || event.key() == " " {
            event.prevent_default();
            select.emit(());
        }
    });
    let kind = match slab.kind {
        SlabKind::Base => "base",
        SlabKind::Layer => "layer",
        SlabKind::Container => "container",
    };
    let class = classes!(
        "slab",
        kind,
        slab.mark.class(),
        slab.is_first_cause.then_some("first-cause"),
        is_selected.then_some("selected")
    );
    let cause = if slab.is_first_cause { ", first cause" } else { "" };
    let name = format!("{}: {}{cause}", slab.label, slab.note);
    let icon = match slab.kind {
        SlabKind::Base => "layers",
        SlabKind::Layer => mark_icon(slab.mark),
        SlabKind::Container => "container",
    };
    let is_button = slab.instruction.is_some();
    let note = if slab.is_first_cause { format!("{} · first cause", slab.note) } else { slab.note.clone() };
    let (width, height) = (SLAB_WIDTH.to_string(), height.to_string());
    html! {
        <g
            {class}
            role={if is_button { "button" } else { "img" }}
            tabindex={is_button.then_some(if *is_entry { "0" } else { "-1" })}
            aria-pressed={is_button.then(|| is_selected.to_string())}
            data-instruction={slab.instruction.map(|idx| idx.to_string())}
            {onclick}
            {onkeydown}
        >
            <title>{ name }</title>
            if let Some(bytes) = slab.size_bytes { <desc>{ human(bytes) }</desc> }
            <rect class="slab-back" x={x.to_string()} y={y.to_string()} width={width.clone()} height={height.clone()} rx="7" />
            <rect class="slab-pattern" x={x.to_string()} y={y.to_string()} width={width.clone()} height={height.clone()} rx="7" />
            if *is_flipped.borrow() {
                <rect key={slab.mark.class()} class={classes!("slab-flip", format!("delay-{}", (*delay).min(7)))} x={x.to_string()} y={y.to_string()} {width} height={height.clone()} rx="7" />
            }
            <rect class="slab-edge" x={x.to_string()} y={y.to_string()} width="5" {height} rx="2.5" />
            <use class="slab-icon icon" href={format!("#icon-{icon}")} x={(x + 14).to_string()} y={(y + 14).to_string()} width="18" height="18" />
            <text class="slab-label" x={(x + 42).to_string()} y={(y + 20).to_string()}>{ cut(&slab.label, LABEL_CHARS) }</text>
            <text class="slab-note" x={(x + 42).to_string()} y={(y + 36).to_string()}>{ note }</text>
            if let Some(bytes) = slab.size_bytes {
                <text class="slab-note slab-size" x={(x + SLAB_WIDTH - 12).to_string()} y={(y + 36).to_string()} text-anchor="end">{ human(bytes) }</text>
            }
        </g>
    }
}
