//! How far saving is.

use yew::prelude::*;

use super::PartProps;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::save::SaveStage;
use crate::app::update::Message;
use crate::protocol::inspect::Question;
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::human;

/// A line at the bottom of the screen while something is saved, and how it went.
#[component(SavingNote)]
pub(super) fn saving_note(props: &PartProps) -> Html {
    let Some(saving) = &props.state.inspect.saving else { return Html::default() };
    let name = visible(&saving.name);
    let is_list = matches!(saving.question, Question::Listing { .. });
    let (sign, text, button) = match &saving.stage {
        SaveStage::Asking => ("download", format!("Where to save {name}?"), "Cancel"),
        SaveStage::Writing(done, Some(all)) if is_list => {
            ("download", format!("Saving {name}: {done} of {all} rows."), "Cancel")
        }
        SaveStage::Writing(done, _) => ("download", format!("Saving {name}: {}.", human(*done)), "Cancel"),
        SaveStage::Done => ("check", format!("{name} is saved."), "Close"),
        SaveStage::Failed(why) => {
            ("circle-alert", visible(&format!("{name} could not be saved in full: {why}.")), "Close")
        }
    };
    html! {
        <p class="saving" role="status">
            { icon(sign) }<span>{ text }</span>
            <button class="link" onclick={props.on_message.reform(|_: MouseEvent| Message::Inspect(InspectMessage::SaveCancelled))}>{ button }</button>
        </p>
    }
}
