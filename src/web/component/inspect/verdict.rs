//! What dive's rules say of the image, with thresholds that can be changed.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::PartProps;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::answers::Topic;
use crate::app::inspect::waste::{Rule, Verdict, WasteMessage, verdicts};
use crate::app::update::Message;
use crate::protocol::inspect::Answer;
use crate::protocol::inspect::waste::DiveReport;
use crate::web::component::icon::icon;
use crate::web::component::size::exact;
use crate::web::handout;

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "check",
        Verdict::Fail => "x",
        Verdict::Skip => "minus",
        Verdict::Bad => "circle-alert",
    }
}

fn class(verdict: Verdict) -> Classes {
    classes!("verdict", verdict.word().to_ascii_lowercase())
}

/// What a rule measures, and the value.
fn measured(rule: Rule, dive: &DiveReport) -> (&'static str, String) {
    match rule {
        Rule::HighestUserWastedPercent => (
            "Wasted by what is above the lowest layer",
            dive.user_wasted().map_or_else(|| "nothing above".to_owned(), |share| format!("{share:.4}")),
        ),
        Rule::HighestWastedBytes => ("Wasted bytes", exact(dive.wasted_bytes)),
        Rule::LowestEfficiency => ("Efficiency", format!("{:.4}", dive.efficiency())),
    }
}

/// The three rules, the verdict, and the file to copy.
#[component(Verdicts)]
pub(super) fn verdicts_of(props: &PartProps) -> Html {
    let copied = use_state(|| None::<bool>);
    let Some(open) = props.state.archives.image() else { return Html::default() };
    let Some(Answer::Waste(report)) = props.state.inspect.last(Topic::Waste) else { return Html::default() };
    let (dive, look) = (&report.dive, &open.look.waste);
    let (each, all) = verdicts(dive, look);
    let row = |(rule, verdict): (Rule, Verdict)| {
        let oninput = {
            let on_message = props.on_message.clone();
            Callback::from(move |event: InputEvent| {
                if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                    let typed = WasteMessage::ThresholdTyped(rule, input.value());
                    on_message.emit(Message::Inspect(InspectMessage::Waste(typed)));
                }
            })
        };
        let (what, value) = measured(rule, dive);
        let is_bad = verdict == Verdict::Bad;
        html! {
            <tr key={rule.key()}>
                <td><span class={class(verdict)}>{ icon(sign(verdict)) }{ verdict.word() }</span></td>
                <th scope="row"><code>{ rule.key() }</code><span class="note">{ what }</span></th>
                <td class="bytes">{ value }</td>
                <td class="threshold">
                    <input type="text" aria-label={format!("Threshold of {}", rule.key())} aria-invalid={is_bad.to_string()} value={look.typed(rule).to_owned()} {oninput} spellcheck="false" autocomplete="off" />
                    if is_bad { <span class="note" role="alert">{ if rule == Rule::HighestWastedBytes { "a length such as 20MB, or disabled" } else { "from 0 to 1, or disabled" } }</span> }
                </td>
            </tr>
        }
    };
    let text = look.dive_ci();
    let onclick = {
        let (copied, text) = (copied.clone(), text.clone());
        Callback::from(move |_: MouseEvent| {
            let copied = copied.clone();
            handout::copy(text.clone(), move |is_copied| copied.set(Some(is_copied)));
        })
    };
    let (said, shown) = match *copied {
        Some(true) => ("copied", "check"),
        Some(false) => ("the browser refused to copy", "x"),
        None => ("", "copy"),
    };
    html! {
        <section class="dive-rules" aria-label="dive's rules">
            <h3>{ "dive --ci" }<span class={class(all)} role="status">{ icon(sign(all)) }{ format!("Result: {}", all.word()) }</span></h3>
            <table aria-label="dive's rules">
                <thead><tr><th scope="col">{ "Says" }</th><th scope="col">{ "Rule" }</th><th scope="col" class="bytes">{ "Measured" }</th><th scope="col">{ "Threshold" }</th></tr></thead>
                <tbody>{ for Rule::ALL.into_iter().zip(each).map(row) }</tbody>
            </table>
            <div class="dive-ci">
                <pre tabindex="0" aria-label=".dive-ci"><code>{ text }</code></pre>
                <button class="button" {onclick}>{ icon(shown) }{ "Copy .dive-ci" }</button>
                <span class="visually-hidden" role="status">{ said }</span>
            </div>
        </section>
    }
}
