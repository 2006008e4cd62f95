//! A file that was opened: its contents, where it leads, and its life across layers.

use std::rc::Rc;

use web_sys::{Blob, BlobPropertyBag, Url};
use yew::prelude::*;

use super::PartProps;
use super::hex::Hex;
use super::life::Life;
use super::text::TextView;
use crate::app::inspect::answers::{Kept, Topic};
use crate::app::inspect::look::{FileLook, ShownAs, TEXT_BYTES};
use crate::app::inspect::rows::{before, contents, shown_as, text_of};
use crate::app::inspect::save::SaveWhat;
use crate::app::inspect::{InspectMessage, life};
use crate::app::state::State;
use crate::app::update::Message;
use crate::protocol::RowKind;
use crate::protocol::inspect::contents::{ContentsReport, Looks};
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::{exact, human};

/// The open file.
#[component(FileView)]
pub(super) fn file_view(props: &PartProps) -> Html {
    let state = &props.state;
    let Some(file) = state.archives.image().and_then(|open| open.look.file.as_ref()) else {
        return Html::default();
    };
    let on = |message: InspectMessage| {
        props.on_message.reform(move |_: MouseEvent| Message::Inspect(message.clone()))
    };
    let report = contents(state, Topic::Contents).filter(|report| report.path == file.path);
    let shown = shown_as(state, file);
    let earlier = before(life(state), file.layer_idx);
    let choice = |this: ShownAs, sign: &'static str, name: &'static str| {
        html! {
            <button class="choice" aria-pressed={(shown == Some(this)).to_string()} onclick={on(InspectMessage::FileShownAs(this))}>{ icon(sign) }{ name }</button>
        }
    };
    let (is_text, is_image) = match report.map(|report| &report.looks) {
        Some(Looks::Text { .. } | Looks::Empty) => (true, false),
        // A drawing is a text as well.
        Some(Looks::Image { media_type }) => (media_type.contains("svg"), true),
        _ => (false, false),
    };
    let is_file = report.is_some_and(|report| matches!(report.kind, RowKind::File | RowKind::HardLink));
    let (layer_idx, path) = (file.layer_idx, file.path.clone());
    let save = SaveWhat::File { layer_idx, path: path.clone() };
    html! {
        <div class="file-view">
            <div class="view-bar">
                <button class="button quiet square" aria-label="Close the file" title="Back to the tree" onclick={on(InspectMessage::FileClosed)}>{ icon("arrow-left") }</button>
                <h3 class="file-path"><bdi>{ visible(&format!("/{path}")) }</bdi><span class="note">{ format!(" in layer {}", layer_idx + 1) }</span></h3>
                if is_file {
                    <span class="choices" role="group" aria-label="Shown as">
                        if is_text { { choice(ShownAs::Text, "file-text", "Text") } }
                        if is_image { { choice(ShownAs::Picture, "image", "Image") } }
                        { choice(ShownAs::Hex, "binary", "Hex") }
                        if earlier.is_some() { { choice(ShownAs::Difference, "file-diff", "Difference") } }
                    </span>
                    <button class="button quiet" onclick={on(InspectMessage::SaveAsked(save))}>{ icon("download") }{ "Save" }</button>
                }
                <button class="button quiet" onclick={on(InspectMessage::PathSought { layer_idx, path })}>{ icon("folder") }{ "Show in tree" }</button>
            </div>
            <div class="file-columns">
                <div class="file-body">{ body(props, file, report, shown, earlier) }</div>
                <Life state={Rc::clone(state)} on_message={props.on_message.clone()} />
            </div>
        </div>
    }
}

fn body(
    props: &PartProps,
    file: &FileLook,
    report: Option<&ContentsReport>,
    shown: Option<ShownAs>,
    earlier: Option<u32>,
) -> Html {
    let state = &props.state;
    let kept = state.inspect.kept.get(&Topic::Contents);
    if let Some(problem) = kept.and_then(Kept::problem) {
        return html! { <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("It cannot be shown: {problem}.")) }</p> };
    }
    let (Some(report), Some(kept)) = (report, kept) else { return waiting(props, kept) };
    let lead = report.link.as_str();
    html! {
        <>
            { facts(report) }
            if !lead.is_empty() { { leads(props, file, report) } }
            if let Some(problem) = &report.problem { <p class="notice">{ icon("circle-alert") }{ visible(&format!("{problem}.")) }</p> }
            {
                match (report.kind, shown) {
                    (RowKind::Dir, _) => html! { <p class="empty">{ "A folder." }</p> },
                    (RowKind::Symlink | RowKind::Special | RowKind::Whiteout, _) => Html::default(),
                    _ if report.looks == Looks::Empty => html! { <p class="empty">{ "Nothing: the file is empty." }</p> },
                    (_, Some(ShownAs::Hex)) => html! { <Hex key={file.path.clone()} state={Rc::clone(state)} on_message={props.on_message.clone()} /> },
                    (_, Some(ShownAs::Picture)) => html! { <Picture key={kept.job.0} state={Rc::clone(state)} on_message={props.on_message.clone()} /> },
                    (_, Some(ShownAs::Difference)) => difference(props, file, report, earlier),
                    (_, Some(ShownAs::Text)) => html! {
                        <>
                            { cut(report) }
                            <Shown state={Rc::clone(state)} path={file.path.clone()} names={(String::new(), format!("Layer {}", file.layer_idx + 1))} is_compared=false />
                        </>
                    },
                    (_, None) => Html::default(),
                }
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct ShownProps {
    state: Rc<State>,
    path: String,
    names: (String, String),
    is_compared: bool,
}

/// The text of the file, and of what was there before where both are compared.
#[component(Shown)]
fn shown_text(props: &ShownProps) -> Html {
    let state = &props.state;
    let job_of = |topic| state.inspect.kept.get(&topic).map_or(0, |kept| kept.job.0);
    let text = |topic| contents(state, topic).map(text_of).unwrap_or_default().into();
    let (now, before) = (job_of(Topic::Contents), job_of(Topic::Before));
    // Made once for each answer, since they may be long.
    let new: Rc<Rc<str>> = use_memo(now, |_| text(Topic::Contents));
    let old: Rc<Rc<str>> =
        use_memo(
            (before, props.is_compared),
            |(_, is_compared)| {
                if *is_compared { text(Topic::Before) } else { Rc::default() }
            },
        );
    let before = props.is_compared.then(|| Rc::clone(old.as_ref()));
    html! { <TextView text={Rc::clone(new.as_ref())} {before} path={props.path.clone()} names={props.names.clone()} /> }
}

fn waiting(props: &PartProps, kept: Option<&Kept>) -> Html {
    let far = kept.and_then(|kept| kept.progress);
    html! {
        <p class="empty told" role="status">
            <span>{ match far {
                Some((done_bytes, total_bytes)) => format!("Reading: {} of {} gone through.", human(done_bytes), human(total_bytes)),
                None => "Reading.".to_owned(),
            } }</span>
            if far.is_some() {
                <button class="link" onclick={props.on_message.reform(|_: MouseEvent| Message::Inspect(InspectMessage::FileClosed))}>{ "Cancel" }</button>
            }
        </p>
    }
}

/// What the file looks like, and its length.
fn facts(report: &ContentsReport) -> Html {
    let what = match (&report.kind, &report.looks) {
        (RowKind::Symlink, _) => "symbolic link".to_owned(),
        (RowKind::Special, _) => "device or pipe".to_owned(),
        (_, Looks::Unknown) => String::new(),
        (_, Looks::Empty) => "empty".to_owned(),
        (_, Looks::Text { encoding }) => match encoding {
            crate::protocol::inspect::contents::TextEncoding::Utf8 => "text".to_owned(),
            crate::protocol::inspect::contents::TextEncoding::Latin1 => "text, Latin-1".to_owned(),
            _ => "text, UTF-16".to_owned(),
        },
        (_, Looks::Image { media_type }) => visible(media_type),
        (_, Looks::Elf { machine, kind }) => format!("ELF {kind} for {machine}"),
        (_, Looks::Known { what }) => what.clone(),
        (_, Looks::Binary) => "binary".to_owned(),
    };
    let bytes = report.size_bytes.map(exact);
    let written = format!("written by layer {}", report.written_by + 1);
    let sparse = report.is_sparse.then(|| "sparse".to_owned());
    let words: Vec<String> = [Some(what), bytes, sparse, Some(written)]
        .into_iter()
        .flatten()
        .filter(|word| !word.is_empty())
        .collect();
    html! { <p class="file-facts">{ words.join(" · ") }</p> }
}

/// Where a link leads.
fn leads(props: &PartProps, file: &FileLook, report: &ContentsReport) -> Html {
    let layer_idx = file.layer_idx;
    html! {
        <p class="offer">
            <span>{ if report.kind == RowKind::HardLink { "The same file as " } else { "Leads to " } }<code><bdi>{ visible(&report.link) }</bdi></code></span>
            if let Some(target) = report.target.clone() {
                <button class="button" onclick={props.on_message.reform(move |_: MouseEvent| {
                    Message::Inspect(InspectMessage::FileOpened { layer_idx, path: target.clone() })
                })}>{ icon("arrow-right") }{ "Go there" }</button>
            } else {
                <span class="note">{ "There is nothing in this image." }</span>
            }
        </p>
    }
}

/// Says where only the beginning is shown.
fn cut(report: &ContentsReport) -> Html {
    match report.size_bytes {
        Some(size_bytes) if size_bytes > TEXT_BYTES => html! {
            <p class="note cut">{ format!("The first {} of {}. Hex goes through all of it; Save has all of it.", human(TEXT_BYTES), human(size_bytes)) }</p>
        },
        _ => Html::default(),
    }
}

fn difference(props: &PartProps, file: &FileLook, report: &ContentsReport, earlier: Option<u32>) -> Html {
    let state = &props.state;
    let Some(earlier) = earlier else {
        return html! { <p class="empty">{ "No layer below has it." }</p> };
    };
    let before = state.inspect.kept.get(&Topic::Before);
    if let Some(problem) = before.and_then(|kept| kept.problem()) {
        return html! { <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("What was there before cannot be shown: {problem}.")) }</p> };
    }
    let Some(old) = contents(state, Topic::Before) else {
        return waiting(props, before);
    };
    if old.bytes == report.bytes && old.size_bytes == report.size_bytes {
        return html! { <p class="empty">{ format!("The content is the same as in layer {}.", earlier + 1) }</p> };
    }
    let is_text = |report: &ContentsReport| matches!(report.looks, Looks::Text { .. } | Looks::Empty);
    if !is_text(old) || !is_text(report) {
        let length = |report: &ContentsReport| report.size_bytes.map_or_else(String::new, exact);
        let at = old.bytes.iter().zip(report.bytes.iter()).position(|(old, new)| old != new);
        let first = match at {
            Some(at) => format!(" The first byte that differs is at {at:#x}."),
            None => String::new(),
        };
        return html! { <p class="empty">{ format!("Not a text: {} in layer {}, {} now.{first}", length(old), earlier + 1, length(report)) }</p> };
    }
    html! {
        <>
            { cut(report) }
            <Shown
                state={Rc::clone(state)}
                path={file.path.clone()}
                is_compared=true
                names={(format!("Layer {}", earlier + 1), format!("Layer {}", file.layer_idx + 1))}
            />
        </>
    }
}

/// A picture, from the bytes that came.
#[component(Picture)]
fn picture(props: &PartProps) -> Html {
    let address = use_state(|| None::<String>);
    {
        let (address, state) = (address.clone(), Rc::clone(&props.state));
        use_effect_with((), move |()| {
            let url = picture_address(&state);
            address.set(url.clone());
            move || {
                if let Some(url) = url {
                    let _ = Url::revoke_object_url(&url);
                }
            }
        });
    }
    let Some(report) = contents(&props.state, Topic::Contents) else { return Html::default() };
    if report.size_bytes.is_some_and(|size_bytes| size_bytes > TEXT_BYTES) {
        return html! { <p class="empty">{ format!("The image is longer than {}: save it to see it.", human(TEXT_BYTES)) }</p> };
    }
    html! {
        <div class="picture-view">
            if let Some(address) = address.as_ref() { <img src={address.clone()} alt={format!("Contents of {}", visible(&report.path))} /> }
        </div>
    }
}

fn picture_address(state: &State) -> Option<String> {
    let report = contents(state, Topic::Contents)?;
    let Looks::Image { media_type } = &report.looks else { return None };
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(report.bytes.as_slice()));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options).ok()?;
    Url::create_object_url_with_blob(&blob).ok()
}
