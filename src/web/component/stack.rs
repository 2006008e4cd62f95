//! Stages as columns of slabs, with the rebuild path drawn from its first cause upward.

use std::rc::Rc;

use yew::prelude::*;

use super::icon::{badge, mark_icon};
use super::size::size;
use crate::app::impact::InstructionImpact;
use crate::app::rows::InstructionRow;
use crate::app::sketch::ImageSketch;
use crate::app::stack::{Column, Slab, SlabKind};
use crate::app::terminal::Printed;
use crate::app::update::Message;
use crate::app::view::{Answer, Mark, SimulateView};

const SLAB_WIDTH: i32 = 300;
const SLAB_HEIGHT: i32 = 46;
const GAP: i32 = 6;
const COLUMN_GAP: i32 = 72;
const MARGIN: i32 = 18;
const HEAD: i32 = 30;
/// Room for the rebuild path right of the slabs.
const PATH_ROOM: i32 = 26;

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
            <div class="panel-head"><h2>{ "Stack" }</h2></div>
            if view.columns.is_empty() {
                <p class="empty">{ "A builder refuses this Dockerfile, so there is no stack to show. The message stands at the line." }</p>
            } else {
                <div class="picture"><Picture columns={view.columns.clone()} selected={view.selected} on_message={props.on_message.clone()} /></div>
            }
            <details class="steps">
                <summary>{ "Steps as a table" }</summary>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Steps">
                <table aria-label="Steps">
                    <thead><tr><th>{ "Line" }</th><th>{ "Instruction" }</th><th>{ "Verdict" }</th><th>{ "Why" }</th></tr></thead>
                    <tbody>
                        { for view.rows.iter().map(|row| html! {
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
            </details>
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
            <p class="note">{ "What a command prints, times and sizes of transfers are not known: they are shown as …; ids are stand-ins." }</p>
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

#[derive(Properties, PartialEq)]
struct PictureProps {
    columns: Vec<Column>,
    selected: Option<usize>,
    on_message: Callback<Message>,
}

fn as_len(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX / 1024)
}

/// Where each stage stands: its left edge and the lower edge of its lowest slab.
struct Layout {
    places: Vec<(i32, i32)>,
    width: i32,
    height: i32,
}

/// The height that a stage takes, its name included.
fn stage_height(column: &Column) -> i32 {
    HEAD + as_len(column.slabs.len()) * (SLAB_HEIGHT + GAP)
}

/// Stages of equal depth share a column, the later one on top.
fn lay_out(columns: &[Column]) -> Layout {
    let n_columns = columns.iter().map(|column| column.depth + 1).max().unwrap_or(1);
    let mut used = vec![0; n_columns];
    for column in columns {
        if let Some(slot) = used.get_mut(column.depth) {
            *slot += stage_height(column);
        }
    }
    let height = 2 * MARGIN + used.iter().copied().max().unwrap_or(0);
    let mut floor = vec![height - MARGIN; n_columns];
    let mut places = Vec::new();
    for column in columns {
        let left = MARGIN + as_len(column.depth) * (SLAB_WIDTH + COLUMN_GAP);
        let Some(slot) = floor.get_mut(column.depth) else { continue };
        places.push((left, *slot));
        *slot -= stage_height(column);
    }
    let n = as_len(n_columns);
    Layout { places, width: 2 * MARGIN + n * SLAB_WIDTH + (n - 1) * COLUMN_GAP + PATH_ROOM, height }
}

impl Layout {
    fn left(&self, idx: usize) -> i32 {
        self.places.get(idx).map_or(0, |place| place.0)
    }

    /// The upper edge of a stage's slab.
    fn top(&self, idx: usize, slab: usize) -> i32 {
        self.places.get(idx).map_or(0, |place| place.1) - (as_len(slab) + 1) * (SLAB_HEIGHT + GAP)
    }
}

#[component(Picture)]
fn picture(props: &PictureProps) -> Html {
    let columns = &props.columns;
    let layout = lay_out(columns);
    let Layout { width, height, .. } = layout;
    let column_of = |name: &str| columns.iter().position(|column| column.name == name);
    let has_names = columns.len() > 1;
    let is_wide = columns.iter().any(|column| column.depth > 0);
    html! {
        <svg
            class={classes!("stack-svg", is_wide.then_some("wide-picture"))}
            viewBox={format!("0 0 {width} {height}")}
            width={width.to_string()}
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
            { for columns.iter().enumerate().flat_map(|(idx, column)| {
                column.sources.iter().filter_map(|source| Some(connector(columns, &layout, column_of(source)?, idx))).collect::<Vec<_>>()
            }) }
            { for columns.iter().enumerate().map(|(idx, column)| html! {
                <g class={classes!("stage", (!column.is_needed).then_some("unneeded"))}>
                    if has_names && column.is_needed {
                        <text class="stage-name" x={layout.left(idx).to_string()} y={(layout.top(idx, column.slabs.len().saturating_sub(1)) - 8).to_string()}>
                            { format!("{}{}", column.name, if column.is_target { " · target" } else { "" }) }
                        </text>
                    }
                    { for column.slabs.iter().enumerate().map(|(place, slab)| html! {
                        <SlabShape
                            slab={slab.clone()}
                            x={layout.left(idx)}
                            y={layout.top(idx, place)}
                            is_selected={slab.instruction.is_some() && slab.instruction == props.selected}
                            on_message={props.on_message.clone()}
                        />
                    }) }
                    { rebuild_path(column, &layout, idx) }
                </g>
            }) }
        </svg>
    }
}

/// From a stage's top slab to the slab that begins with it or takes files from it.
fn connector(columns: &[Column], layout: &Layout, from: usize, to: usize) -> Html {
    let (Some(source), Some(taker)) = (columns.get(from), columns.get(to)) else { return Html::default() };
    let names_it = |slab: &Slab| {
        let by_name = [
            format!("--from={}", source.name),
            format!("from={},", source.name),
            format!("from={} ", source.name),
        ];
        by_name.iter().any(|name| slab.label.contains(name.as_str()))
            || slab.label.contains(&format!("--from={from} "))
    };
    let place = taker.slabs.iter().position(names_it).unwrap_or(0);
    let top = source.slabs.iter().rposition(|slab| slab.kind != SlabKind::Container).unwrap_or(0);
    let (start_x, end_x) = (layout.left(from) + SLAB_WIDTH, layout.left(to));
    let (start_y, end_y) = (layout.top(from, top) + SLAB_HEIGHT / 2, layout.top(to, place) + SLAB_HEIGHT / 2);
    let middle = (start_x + end_x) / 2;
    html! {
        <path class="connector" d={format!("M{start_x} {start_y} C{middle} {start_y} {middle} {end_y} {end_x} {end_y}")} marker-end="url(#arrow)" />
    }
}

/// A line from the first slab that rebuilds up to the last one.
fn rebuild_path(column: &Column, layout: &Layout, idx: usize) -> Html {
    let is_hot = |slab: &Slab| {
        matches!(slab.mark, Mark::Rebuild | Mark::Conditional) && slab.kind != SlabKind::Container
    };
    let first = column.slabs.iter().position(is_hot);
    let last = column.slabs.iter().rposition(is_hot);
    let (Some(first), Some(last)) = (first, last) else { return Html::default() };
    let x = layout.left(idx) + SLAB_WIDTH;
    let start = layout.top(idx, first) + SLAB_HEIGHT / 2;
    let end = layout.top(idx, last) + SLAB_HEIGHT / 2;
    let rail = x + 14;
    if first == last {
        return html! { <circle class="path-start" cx={rail.to_string()} cy={start.to_string()} r="4.5" /> };
    }
    html! {
        <g class="path">
            <path class="path-line" d={format!("M{x} {start} H{rail} V{end} H{}", x + 3)} marker-end="url(#arrow)" />
            <circle class="path-start" cx={rail.to_string()} cy={start.to_string()} r="4.5" />
        </g>
    }
}

#[derive(Properties, PartialEq)]
struct SlabProps {
    slab: Slab,
    x: i32,
    y: i32,
    is_selected: bool,
    on_message: Callback<Message>,
}

/// How many characters of a label fit.
const LABEL_CHARS: usize = 31;

fn cut(text: &str) -> String {
    if text.chars().count() <= LABEL_CHARS {
        return text.to_owned();
    }
    text.chars().take(LABEL_CHARS - 1).chain(['…']).collect()
}

#[component(SlabShape)]
fn slab_shape(props: &SlabProps) -> Html {
    let SlabProps { slab, x, y, is_selected, on_message } = props;
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
    let name =
        format!("{}: {}{}", slab.label, slab.note, if slab.is_first_cause { ", first cause" } else { "" });
    let icon = match slab.kind {
        SlabKind::Base => "layers",
        SlabKind::Layer => mark_icon(slab.mark),
        SlabKind::Container => "container",
    };
    let is_button = slab.instruction.is_some();
    let note = if slab.is_first_cause { format!("{} · first cause", slab.note) } else { slab.note.clone() };
    html! {
        <g
            class={class}
            role={if is_button { "button" } else { "img" }}
            tabindex={is_button.then_some("0")}
            aria-pressed={is_button.then(|| is_selected.to_string())}
            {onclick}
            {onkeydown}
        >
            <title>{ name }</title>
            <rect class="slab-back" x={x.to_string()} y={y.to_string()} width={SLAB_WIDTH.to_string()} height={SLAB_HEIGHT.to_string()} rx="7" />
            <rect class="slab-pattern" x={x.to_string()} y={y.to_string()} width={SLAB_WIDTH.to_string()} height={SLAB_HEIGHT.to_string()} rx="7" />
            <rect class="slab-edge" x={x.to_string()} y={y.to_string()} width="5" height={SLAB_HEIGHT.to_string()} rx="2.5" />
            <use class="slab-icon icon" href={format!("#icon-{icon}")} x={(x + 14).to_string()} y={(y + 14).to_string()} width="18" height="18" />
            <text class="slab-label" x={(x + 42).to_string()} y={(y + 20).to_string()}>{ cut(&slab.label) }</text>
            <text class="slab-note" x={(x + 42).to_string()} y={(y + 36).to_string()}>{ note }</text>
        </g>
    }
}
