//! What there is to say of the image as a whole.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::PartProps;
use super::copy::Copy;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::answers::Topic;
use crate::app::state::ImageState;
use crate::app::update::Message;
use crate::protocol::inspect::Answer;
use crate::protocol::{ImageReport, LayerReport, OpenAs};
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::{exact, size};

/// A share of one as people read it: `97.3 %`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of one in thousandths")]
pub(super) fn percent(share: f64) -> String {
    let thousandths = (share.clamp(0.0, 1.0) * 1000.0).floor() as u32;
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

/// Name, platform, sizes and digests of the image; which one it is where there are several.
#[component(Overview)]
pub(super) fn overview(props: &PartProps) -> Html {
    let archives = &props.state.archives;
    let Some(open) = archives.image() else { return Html::default() };
    let Some(image) = usize::try_from(open.image_idx).ok().and_then(|idx| open.images.get(idx)) else {
        return Html::default();
    };
    let is_done = matches!(archives.shown(), ImageState::Open(_));
    let stored: u64 = image.layers.iter().map(|layer| layer.stored_bytes).sum();
    let reports: Vec<&LayerReport> =
        open.layers.iter().filter(|((idx, _), _)| *idx == open.image_idx).map(|(_, report)| report).collect();
    let unpacked: u64 = reports.iter().map(|report| report.content_bytes).sum();
    let n_problems = image.problems.len() + reports.iter().map(|report| report.problems.len()).sum::<usize>();
    let n_odd = reports.iter().filter(|report| !report.is_sound).count();
    let n_verified = reports.iter().filter(|report| report.is_verified()).count();
    let is_listed = reports.len() == image.layers.len();
    let verified = match open.open_as {
        OpenAs::Image => "Every layer was hashed and is what the configuration names.",
        OpenAs::Layer => "It was hashed. No configuration names it.",
    };
    let choose = {
        let on_message = props.on_message.clone();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            if let Some(idx) = select.and_then(|select| select.value().parse().ok()) {
                on_message.emit(Message::Inspect(InspectMessage::ImageSelected(idx)));
            }
        })
    };
    let name_of = |image: &ImageReport| {
        let tag = visible(image.tags.first().map_or("untagged", String::as_str));
        if image.platform.is_empty() { tag } else { format!("{tag} ({})", visible(&image.platform)) }
    };
    let dive = match props.state.inspect.last(Topic::Waste) {
        Some(Answer::Waste(report)) if is_listed => Some(&report.dive),
        _ => None,
    };
    html! {
        <section class="panel overview" aria-label="Overview">
            <div class="overview-head">
                <h2><bdi>{ visible(image.tags.first().unwrap_or(&open.name)) }</bdi></h2>
                { for image.tags.iter().skip(1).map(|tag| html! { <code class="tag"><bdi>{ visible(tag) }</bdi></code> }) }
                if open.images.len() > 1 {
                    <label class="field">
                        <span>{ format!("{} images in this archive", open.images.len()) }</span>
                        <select onchange={choose}>
                            { for open.images.iter().enumerate().map(|(idx, image)| html! {
                                <option value={idx.to_string()} selected={u32::try_from(idx).is_ok_and(|idx| idx == open.image_idx)}>{ name_of(image) }</option>
                            }) }
                        </select>
                    </label>
                }
                if is_done && n_problems == 0 && n_verified == image.layers.len() {
                    <p class="verified" role="status">{ icon("check") }{ verified }</p>
                }
            </div>
            <dl class="facts">
                <div><dt>{ "Platform" }</dt><dd>{ if image.platform.is_empty() { "not given".to_owned() } else { visible(&image.platform) } }</dd></div>
                <div><dt>{ "Stored" }</dt><dd>{ size(stored) }</dd></div>
                if is_listed { <div><dt>{ "Unpacked" }</dt><dd>{ size(unpacked) }</dd></div> }
                <div><dt>{ "Layers" }</dt><dd>{ image.layers.len() }</dd></div>
                if let Some(dive) = dive {
                    <div><dt>{ "Efficiency" }</dt><dd title={format!("As dive counts: {} of {} stored at all paths are the smallest at each", exact(dive.smallest_bytes), exact(dive.discovered_bytes))}>{ percent(dive.efficiency()) }</dd></div>
                }
                if !image.created.is_empty() { <div><dt>{ "Created" }</dt><dd title={visible(&image.created)}>{ visible(image.created.get(..10).unwrap_or(&image.created)) }</dd></div> }
                if let Some(digest) = &image.manifest_digest { <div class="digest-fact"><dt>{ "Digest" }</dt><dd><Copy text={digest.clone()} what="digest" /></dd></div> }
                if !image.config_digest.is_empty() { <div class="digest-fact"><dt>{ "Image ID" }</dt><dd><Copy text={image.config_digest.clone()} what="image ID" /></dd></div> }
            </dl>
            { for image.problems.iter().map(|problem| html! { <p class="notice">{ icon("circle-alert") }{ visible(&format!("{problem}.")) }</p> }) }
            if is_done && n_odd > 0 {
                <p class="notice" role="alert">{ icon("circle-alert") }{ match n_odd {
                    1 => "Something is wrong with one layer: it says what.".to_owned(),
                    _ => format!("Something is wrong with {n_odd} layers: each says what."),
                } }</p>
            }
            if is_done && !open.waiting.is_empty() {
                <p class="offer" role="status">
                    <span>{ format!("Reading was cancelled: {n_verified} of {} layers are hashed.", image.layers.len()) }</span>
                    <button class="button" onclick={props.on_message.reform(|_: MouseEvent| Message::OpeningResumed)}>{ icon("rotate-cw") }{ "Go on" }</button>
                </p>
            }
        </section>
    }
}
