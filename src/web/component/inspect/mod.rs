//! Inspect: archives that are open, the layers of one, and views of the chosen layer.
//!
//! A view of its own is a tab in [`views`] and a component beside the others here.

mod archives;
pub(super) mod compare;
mod copy;
mod documents;
mod file;
mod files;
mod filter;
mod grid;
mod handed;
mod hex;
mod history;
mod keys;
mod layers;
mod life;
mod map;
mod opener;
mod overview;
mod saving;
mod scroller;
mod text;
mod verdict;
mod views;
mod waste;

use std::rc::Rc;

use web_sys::File;
use yew::prelude::*;

use self::archives::ArchiveTabs;
use self::layers::Layers;
use self::opener::Opener;
use self::overview::Overview;
use self::saving::SavingNote;
use self::views::Views;
use super::icon::icon;
use super::size::{exact, human};
use crate::app::state::{ImageState, State, WorkerState};
use crate::app::update::Message;
use crate::app::view::SimulateView;
use crate::protocol::OpenAs;
use crate::text::visible;

#[derive(Properties, PartialEq)]
pub(super) struct InspectProps {
    pub(super) state: Rc<State>,
    pub(super) view: Rc<SimulateView>,
    pub(super) on_message: Callback<Message>,
    pub(super) on_file: Callback<File>,
    pub(super) on_sample: Option<Callback<()>>,
}

/// What the parts of Inspect are given.
#[derive(Properties, PartialEq)]
struct PartProps {
    state: Rc<State>,
    on_message: Callback<Message>,
}

/// The place that shows what is in an image.
#[component(Inspect)]
pub(super) fn inspect(props: &InspectProps) -> Html {
    let (state, on_message) = (&props.state, &props.on_message);
    let shown = state.archives.shown();
    let part = |image: &crate::app::state::OpenImage| {
        let is_known = usize::try_from(image.image_idx).is_ok_and(|idx| idx < image.images.len());
        if !is_known {
            return html! { <p class="empty">{ "Looking for the image in the archive." }</p> };
        }
        html! {
            <>
                <Overview state={Rc::clone(state)} on_message={on_message.clone()} />
                <div class="inspect-columns">
                    <Layers state={Rc::clone(state)} view={Rc::clone(&props.view)} on_message={on_message.clone()} />
                    <Views state={Rc::clone(state)} on_message={on_message.clone()} />
                </div>
            </>
        }
    };
    html! {
        <main class={classes!("inspect", shown.image().map(|_| "with-image"))}>
            <div class="archive-bar">
                <ArchiveTabs state={Rc::clone(state)} on_message={on_message.clone()} />
                <Opener
                    on_file={props.on_file.clone()}
                    on_sample={props.on_sample.clone()}
                    is_small={!state.archives.all().is_empty()}
                    last_name={state.session.last_image_name.clone().filter(|_| state.archives.all().is_empty())}
                />
            </div>
            if let WorkerState::Broken { message } = &state.worker {
                <p class="notice" role="alert">{ icon("circle-alert") }{ format!("Images cannot be read: {message}.") }</p>
            }
            {
                match shown {
                    ImageState::Empty => Html::default(),
                    ImageState::Cancelled { name, open_as, .. } => {
                        let open_as = *open_as;
                        html! {
                            <p class="offer">
                                <span role="status">{ format!("Reading {} was cancelled.", visible(name)) }</span>
                                <button class="button" onclick={on_message.reform(move |_: MouseEvent| Message::OpenedAgain { open_as, limits_times: 1 })}>{ icon("rotate-cw") }{ "Open it again" }</button>
                            </p>
                        }
                    }
                    ImageState::Failed { name, message, may_be_layer, .. } => html! {
                        <>
                            <p class="notice" role="alert">{ icon("circle-alert") }<span><strong>{ format!("{} cannot be opened: ", visible(name)) }</strong>{ visible(&format!("{message}.")) }</span></p>
                            if *may_be_layer {
                                <p class="offer">
                                    <button class="button" onclick={on_message.reform(|_: MouseEvent| Message::OpenedAgain { open_as: OpenAs::Layer, limits_times: 1 })}>{ icon("layers") }{ "Open it as one layer" }</button>
                                    <span class="note">{ "Its files are shown as those of a single layer, as docker import would make it." }</span>
                                </p>
                            }
                        </>
                    },
                    ImageState::Opening { image, done_bytes, total_bytes } => html! {
                        <>
                            <Reading name={image.name.clone()} done_bytes={*done_bytes} total_bytes={*total_bytes} on_message={on_message.clone()} />
                            { part(image) }
                        </>
                    },
                    ImageState::Open(image) => part(image),
                }
            }
            <SavingNote state={Rc::clone(state)} on_message={on_message.clone()} />
        </main>
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
    let cancel = props.on_message.reform(|_: MouseEvent| Message::OpeningCancelled);
    let label = format!("Reading {}", visible(&props.name));
    html! {
        <section class="reading" aria-label="Progress">
            <progress aria-label={label.clone()} max={props.total_bytes.max(1).to_string()} value={props.done_bytes.to_string()}></progress>
            <span class="reading-text" title={exact(props.done_bytes)}>{ format!("{label}: {} of {}", human(props.done_bytes), human(props.total_bytes)) }</span>
            <button class="button" onclick={cancel}>{ icon("x") }{ "Cancel" }</button>
        </section>
    }
}
