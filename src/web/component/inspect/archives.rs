//! The archives that are open, one of which is shown.

use yew::prelude::*;

use super::PartProps;
use crate::app::inspect::InspectMessage;
use crate::app::state::ImageState;
use crate::app::update::Message;
use crate::text::visible;
use crate::web::component::icon::icon;

/// One button for each archive, and one to close it.
#[component(ArchiveTabs)]
pub(super) fn archive_tabs(props: &PartProps) -> Html {
    let archives = &props.state.archives;
    if archives.all().is_empty() {
        return Html::default();
    }
    let shown = archives.shown().file();
    let item = |archive: &ImageState| {
        let file = archive.file();
        let on = |message: InspectMessage| {
            props.on_message.reform(move |_: MouseEvent| Message::Inspect(message.clone()))
        };
        let state = match archive {
            ImageState::Opening { .. } => Some("being read"),
            ImageState::Failed { .. } => Some("not opened"),
            ImageState::Cancelled { .. } => Some("cancelled"),
            ImageState::Empty | ImageState::Open(_) => None,
        };
        let name = visible(archive.name());
        html! {
            <li key={file.0} class={classes!("archive", (file == shown).then_some("shown"))}>
                <button class="archive-name" aria-pressed={(file == shown).to_string()} title={name.clone()} onclick={on(InspectMessage::ArchiveShown(file))}>
                    { icon(if matches!(archive, ImageState::Failed { .. }) { "circle-alert" } else { "file-archive" }) }
                    <bdi>{ name.clone() }</bdi>
                    if let Some(state) = state { <span class="archive-state">{ state }</span> }
                </button>
                <button class="button quiet square tiny" aria-label={format!("Close {name}")} title={format!("Close {name}")} onclick={on(InspectMessage::ArchiveClosed(file))}>{ icon("x") }</button>
            </li>
        }
    };
    html! {
        <ul class="archives" aria-label="Archives">
            { for archives.all().iter().map(item) }
        </ul>
    }
}
