//! Inspect: an image tarball, its layers and their files.

use std::rc::Rc;

use web_sys::{File, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::icon::icon;
use super::size::{exact, human, size};
use super::tree::TreeRow;
use crate::app::state::{ImageState, OpenImage, State, WorkerState};
use crate::app::update::Message;
use crate::protocol::{LayerReport, OpenAs, PlannedLayer};
use crate::text::visible;

#[derive(Properties, PartialEq)]
pub(super) struct InspectProps {
    pub(super) state: Rc<State>,
    pub(super) on_message: Callback<Message>,
    pub(super) on_file: Callback<File>,
}

/// The place that shows what is in an image.
#[component(Inspect)]
pub(super) fn inspect(props: &InspectProps) -> Html {
    let image = &props.state.image;
    html! {
        <main class="inspect">
            <Opener on_file={props.on_file.clone()} is_small={image.image().is_some()} last_name={props.state.session.last_image_name.clone().filter(|_| *image == ImageState::Empty)} />
            if let WorkerState::Broken { message } = &props.state.worker {
                <p class="notice" role="alert">{ icon("circle-alert") }{ format!("Images cannot be read: {message}.") }</p>
            }
            {
                match image {
                    ImageState::Empty => Html::default(),
                    ImageState::Cancelled { name } => html! {
                        <p class="notice calm" role="status">{ format!("Reading {name} was cancelled. Open it again to go on.") }</p>
                    },
                    ImageState::Failed { name, message, may_be_layer, .. } => html! {
                        <>
                            <p class="notice" role="alert">{ icon("circle-alert") }<span><strong>{ format!("{name} cannot be opened: ") }</strong>{ visible(&format!("{message}.")) }</span></p>
                            if *may_be_layer {
                                <p class="offer">
                                    <button class="button" onclick={props.on_message.reform(|_: MouseEvent| Message::OpenedAgain { open_as: OpenAs::Layer, limits_times: 1 })}>{ icon("layers") }{ "Open it as one layer" }</button>
                                    <span class="note">{ "Its files are shown as those of a single layer, as docker import would make it." }</span>
                                </p>
                            }
                        </>
                    },
                    ImageState::Opening { image, done_bytes, total_bytes } => html! {
                        <>
                            <Reading name={image.name.clone()} done_bytes={*done_bytes} total_bytes={*total_bytes} on_message={props.on_message.clone()} />
                            <Overview image={(**image).clone()} is_done=false on_message={props.on_message.clone()} />
                        </>
                    },
                    ImageState::Open(image) => html! {
                        <Overview image={(**image).clone()} is_done=true on_message={props.on_message.clone()} />
                    },
                }
            }
        </main>
    }
}

#[derive(Properties, PartialEq)]
struct OpenerProps {
    on_file: Callback<File>,
    is_small: bool,
    last_name: Option<String>,
}

#[component(Opener)]
fn opener(props: &OpenerProps) -> Html {
    let onchange = {
        let on_file = props.on_file.clone();
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            if let Some(file) = input.files().and_then(|files| files.get(0)) {
                on_file.emit(file);
            }
            // The same file may be chosen again.
            input.set_value("");
        })
    };
    html! {
        <section class={classes!("opener", props.is_small.then_some("small"))} aria-label="Open">
            <label class="button primary file-button">
                { icon("upload") }{ "Open image tarball" }
                <input type="file" class="visually-hidden" {onchange} />
            </label>
            if props.is_small {
                <p>{ "or drop another one anywhere" }</p>
            } else {
                <h2>{ "See what is inside an image" }</h2>
                <p>{ "Drop a tarball anywhere on this page. It is read here, in your browser, and goes nowhere." }</p>
                <pre class="commands"><code>{ "docker save node:alpine -o image.tar\ndocker buildx build --output type=oci,dest=image.tar ." }</code></pre>
                if let Some(name) = &props.last_name {
                    <p class="hint">{ format!("Last time it was {name}. Browsers do not keep dropped files: drop it again to go on.") }</p>
                }
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct ReadingProps {
    name: String,
    done_bytes: u64,
    total_bytes: u64,
    on_message: Callback<Message>,
}

#[component(Reading)]
fn reading(props: &ReadingProps) -> Html {
    let cancel = {
        let on_message = props.on_message.clone();
        Callback::from(move |_: MouseEvent| on_message.emit(Message::OpeningCancelled))
    };
    let label = format!("Reading {}", props.name);
    html! {
        <section class="reading" aria-label="Progress">
            <progress aria-label={label.clone()} max={props.total_bytes.max(1).to_string()} value={props.done_bytes.to_string()}></progress>
            <span class="reading-text" title={exact(props.done_bytes)}>{ format!("{label}: {} of {}", human(props.done_bytes), human(props.total_bytes)) }</span>
            <button class="button" onclick={cancel}>{ icon("x") }{ "Cancel" }</button>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct OverviewProps {
    image: OpenImage,
    is_done: bool,
    on_message: Callback<Message>,
}

#[component(Overview)]
fn overview(props: &OverviewProps) -> Html {
    let open = &props.image;
    let Some(image) = open.images.get(open.image_idx as usize) else {
        return html! { <p class="empty">{ "Looking for the image in the archive." }</p> };
    };
    let stored: u64 = image.layers.iter().map(|layer| layer.stored_bytes).sum();
    let reports: Vec<&LayerReport> =
        open.layers.iter().filter(|((idx, _), _)| *idx == open.image_idx).map(|(_, report)| report).collect();
    let unpacked: u64 = reports.iter().map(|report| report.content_bytes).sum();
    let n_problems = image.problems.len() + reports.iter().map(|report| report.problems.len()).sum::<usize>();
    let n_odd = reports.iter().filter(|report| !report.is_sound).count();
    let n_verified = reports.iter().filter(|report| report.is_verified()).count();
    let verified = match open.open_as {
        OpenAs::Image => "Every layer was hashed and is what the configuration names.",
        OpenAs::Layer => "It was hashed. No configuration names it.",
    };
    let choose = {
        let on_message = props.on_message.clone();
        Callback::from(move |event: Event| {
            let value =
                event.target_dyn_into::<HtmlSelectElement>().and_then(|select| select.value().parse().ok());
            if let Some(idx) = value {
                on_message.emit(Message::ImageSelected(idx));
            }
        })
    };
    let name_of = |image: &crate::protocol::ImageReport| {
        let tag = image.tags.first().cloned().unwrap_or_else(|| "untagged".to_owned());
        let tag = visible(&tag);
        if image.platform.is_empty() { tag } else { format!("{tag} ({})", image.platform) }
    };
    html! {
        <>
            <section class="panel overview" aria-label="Overview">
                <h2><bdi>{ visible(image.tags.first().unwrap_or(&open.name)) }</bdi></h2>
                if open.images.len() > 1 {
                    <label class="field">
                        <span>{ format!("{} images in this archive", open.images.len()) }</span>
                        <select onchange={choose}>
                            { for open.images.iter().enumerate().map(|(idx, image)| html! {
                                <option value={idx.to_string()} selected={idx == open.image_idx as usize}>{ name_of(image) }</option>
                            }) }
                        </select>
                    </label>
                }
                <dl class="facts">
                    <div><dt>{ "Platform" }</dt><dd>{ if image.platform.is_empty() { "not given" } else { &image.platform }.to_owned() }</dd></div>
                    <div><dt>{ "Stored" }</dt><dd>{ size(stored) }</dd></div>
                    if props.is_done { <div><dt>{ "Unpacked" }</dt><dd>{ size(unpacked) }</dd></div> }
                    <div><dt>{ "Layers" }</dt><dd>{ image.layers.len() }</dd></div>
                    if !image.created.is_empty() { <div><dt>{ "Created" }</dt><dd>{ image.created.get(..10).unwrap_or(&image.created).to_owned() }</dd></div> }
                    if !image.config_digest.is_empty() { <div class="wide-fact"><dt>{ "Image ID" }</dt><dd><code>{ image.config_digest.clone() }</code></dd></div> }
                </dl>
                { for image.problems.iter().map(|problem| html! { <p class="notice">{ icon("circle-alert") }{ visible(&format!("{problem}.")) }</p> }) }
                if props.is_done && n_problems == 0 && n_verified == image.layers.len() {
                    <p class="verified" role="status">{ icon("check") }{ verified }</p>
                }
                if props.is_done && n_odd > 0 {
                    <p class="notice" role="alert">{ icon("circle-alert") }{ match n_odd {
                        1 => "Something is wrong with one layer: it says what.".to_owned(),
                        _ => format!("Something is wrong with {n_odd} layers: each says what."),
                    } }</p>
                }
                if props.is_done && !open.waiting.is_empty() {
                    <p class="offer" role="status">
                        <span>{ format!("Reading was cancelled: {n_verified} of {} layers are hashed.", image.layers.len()) }</span>
                        <button class="button" onclick={props.on_message.reform(|_: MouseEvent| Message::OpeningResumed)}>{ icon("rotate-cw") }{ "Go on" }</button>
                    </p>
                }
            </section>
            <div class="inspect-columns">
                <section class="panel" aria-label="Layers">
                    <div class="panel-head"><h2>{ "Layers" }</h2></div>
                    <ol class="layers" aria-label="Layers">
                        { for image.layers.iter().enumerate().rev().map(|(idx, planned)| {
                            let idx = u32::try_from(idx).unwrap_or(u32::MAX);
                            let report = open.layers.get(&(open.image_idx, idx)).cloned();
                            html! {
                                <LayerRow
                                    key={idx}
                                    {idx}
                                    planned={planned.clone()}
                                    {report}
                                    is_selected={idx == open.layer_idx}
                                    most_bytes={image.layers.iter().map(|layer| layer.stored_bytes).max().unwrap_or(1)}
                                    on_message={props.on_message.clone()}
                                />
                            }
                        }) }
                    </ol>
                </section>
                <LayerDetail image={open.clone()} is_done={props.is_done} on_message={props.on_message.clone()} />
            </div>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct LayerRowProps {
    idx: u32,
    planned: PlannedLayer,
    report: Option<LayerReport>,
    is_selected: bool,
    most_bytes: u64,
    on_message: Callback<Message>,
}

#[component(LayerRow)]
fn layer_row(props: &LayerRowProps) -> Html {
    let onclick = {
        let (on_message, idx) = (props.on_message.clone(), props.idx);
        Callback::from(move |_: MouseEvent| on_message.emit(Message::LayerSelected(idx)))
    };
    let instruction =
        props.planned.instruction.clone().unwrap_or_else(|| "not told by the history".to_owned());
    let n_problems = props.report.as_ref().map_or(0, |report| report.problems.len());
    let share = props.planned.stored_bytes.saturating_mul(100) / props.most_bytes.max(1);
    html! {
        <li>
            <button class={classes!("layer-row", (n_problems > 0).then_some("damaged"))} aria-pressed={props.is_selected.to_string()} {onclick}>
                <span class="layer-number">{ props.idx + 1 }</span>
                <code class="layer-instruction"><bdi>{ visible(&instruction) }</bdi></code>
                { size(props.planned.stored_bytes) }
                <svg class="bar-svg" aria-hidden="true" viewBox="0 0 100 4" preserveAspectRatio="none"><rect class="bar-fill" width={share.max(1).to_string()} height="4" /></svg>
                if props.report.as_ref().is_some_and(LayerReport::is_verified) { <span class="layer-verified" title="Hashed, and what the image names">{ icon("check") }<span class="visually-hidden">{ "verified" }</span></span> }
                if n_problems > 0 { <span class="layer-problem">{ icon("circle-alert") }{ "problem" }</span> }
            </button>
        </li>
    }
}

#[derive(Properties, PartialEq)]
struct DetailProps {
    image: OpenImage,
    is_done: bool,
    on_message: Callback<Message>,
}

#[component(LayerDetail)]
fn layer_detail(props: &DetailProps) -> Html {
    let open = &props.image;
    let layer_idx = open.layer_idx;
    let key = (open.image_idx, layer_idx);
    let Some(report) = open.layers.get(&key) else {
        return html! { <section class="panel" aria-label="Layer"><p class="empty">{ "This layer has not been read yet." }</p></section> };
    };
    let planned =
        open.images.get(open.image_idx as usize).and_then(|image| image.layers.get(open.layer_idx as usize));
    let stored_bytes = planned.map_or(0, |planned| planned.stored_bytes);
    let digest = |name: &'static str, value: &Option<String>| match value {
        Some(value) => {
            html! { <div class="wide-fact"><dt>{ name }</dt><dd><code>{ value.clone() }</code></dd></div> }
        }
        None => Html::default(),
    };
    let root = open.folders.get(&(open.image_idx, layer_idx, String::new()));
    let has_rows = root.is_some_and(|rows| rows.as_ref().is_some_and(|rows| !rows.is_empty()));
    let compressed = if report.is_compressed() { format!(", {}", report.compression) } else { String::new() };
    html! {
        <section class="panel layer-detail" aria-label="Layer">
            <div class="panel-head"><h2>{ format!("Layer {}", open.layer_idx + 1) }</h2></div>
            <dl class="facts">
                <div><dt>{ "Stored" }</dt><dd>{ size(stored_bytes) }{ compressed }</dd></div>
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
                    <button class="button" disabled={!props.is_done} onclick={props.on_message.reform(move |_: MouseEvent| Message::LayerReadOn(layer_idx))}>{ icon("rotate-cw") }{ "Read on past the limit" }</button>
                    <span class="note">{ "Reads it again with limits eight times as high. That takes longer and more memory." }</span>
                </p>
            }
            if props.is_done || !open.is_listing {
                <h3>{ "Files of this layer" }</h3>
                // A tree without a row is none.
                if has_rows {
                    <div class="tree" role="tree" aria-label="Files of this layer">
                        <Folder image={open.clone()} path={String::new()} depth={0} on_message={props.on_message.clone()} />
                    </div>
                } else {
                    <Folder image={open.clone()} path={String::new()} depth={0} on_message={props.on_message.clone()} />
                }
            } else {
                <p class="empty">{ "You can browse its files once the archive is read." }</p>
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct FolderProps {
    image: OpenImage,
    path: String,
    depth: u32,
    on_message: Callback<Message>,
}

/// More rows of one folder than this are cut, so that the page stays quick.
const MAX_ROWS: usize = 1000;

#[component(Folder)]
fn folder(props: &FolderProps) -> Html {
    let open = &props.image;
    let key = (open.image_idx, open.layer_idx, props.path.clone());
    let Some(Some(rows)) = open.folders.get(&key) else {
        return html! { <p class="empty">{ "Listing." }</p> };
    };
    if rows.is_empty() {
        return html! { <p class="empty">{ "Nothing: this layer changes no file." }</p> };
    }
    html! {
        <>
            { for rows.iter().take(MAX_ROWS).enumerate().map(|(idx, row)| {
                let path = if props.path.is_empty() { row.name.clone() } else { format!("{}/{}", props.path, row.name) };
                let is_unfolded = open.unfolded.contains(&path);
                html! {
                    <>
                        <TreeRow row={row.clone()} path={path.clone()} depth={props.depth} {is_unfolded} is_first={idx == 0 && props.depth == 0} on_toggle={props.on_message.reform(Message::FolderToggled)} />
                        if is_unfolded {
                            <div role="group"><Folder image={open.clone()} {path} depth={props.depth + 1} on_message={props.on_message.clone()} /></div>
                        }
                    </>
                }
            }) }
            if rows.len() > MAX_ROWS { <p class="empty">{ format!("{} more", rows.len() - MAX_ROWS) }</p> }
        </>
    }
}
