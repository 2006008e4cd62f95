//! What each layer did at a path.

use yew::prelude::*;

use super::PartProps;
use crate::app::inspect::answers::Topic;
use crate::app::inspect::rows::change_words;
use crate::app::inspect::{InspectMessage, life};
use crate::app::update::Message;
use crate::protocol::inspect::rows::{LifeStep, RowChange};
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::size;

/// The layers that did something at the path of the open file, each a link to what it left.
#[component(Life)]
pub(super) fn path_life(props: &PartProps) -> Html {
    let Some(file) = props.state.archives.image().and_then(|open| open.look.file.as_ref()) else {
        return Html::default();
    };
    let kept = props.state.inspect.kept.get(&Topic::Life);
    let steps = life(&props.state);
    let shown = steps.iter().rfind(|step| step.layer_idx <= file.layer_idx).map(|step| step.layer_idx);
    let step = |step: &LifeStep| {
        let words = change_words(&step.row.change);
        let (layer_idx, path) = (step.layer_idx, file.path.clone());
        let onclick = props.on_message.reform(move |_: MouseEvent| {
            Message::Inspect(InspectMessage::FileOpened { layer_idx, path: path.clone() })
        });
        let is_removed = matches!(step.row.change, RowChange::Removed { .. });
        html! {
            <li key={layer_idx} class={classes!("life-step", words.class)}>
                <button class="life-button" aria-current={(shown == Some(layer_idx)).then_some("true")} {onclick}>
                    <span class="life-what">
                        <strong>{ format!("Layer {}", layer_idx + 1) }</strong>
                        <span class="change-word">{ words.word }</span>
                        if !words.more.is_empty() { <span class="change-more">{ words.more.clone() }</span> }
                    </span>
                    if let Some(instruction) = &step.instruction { <code class="life-instruction"><bdi>{ visible(instruction) }</bdi></code> }
                    <span class="life-size">{ size(step.row.own_bytes) }if is_removed { { " gone" } }</span>
                </button>
            </li>
        }
    };
    html! {
        <section class="life" aria-label="Across layers">
            <h3>{ icon("history") }{ "Across layers" }</h3>
            if let Some(problem) = kept.and_then(|kept| kept.problem()) { <p class="empty">{ visible(&format!("{problem}.")) }</p> }
            <ol>{ for steps.iter().map(step) }</ol>
        </section>
    }
}
