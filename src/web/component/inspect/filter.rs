//! What is let through of the tree.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::PartProps;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::rows::{CLASSES, class_word};
use crate::app::update::Message;
use crate::protocol::inspect::rows::{ChangeClass, TreeOf};
use crate::text::visible;
use crate::web::component::icon::icon;

/// The id of the field for the pattern, which a key of the tree leads to.
pub(super) const PATTERN_ID: &str = "files-pattern";

fn value(event: &InputEvent) -> String {
    event.target_dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default()
}

/// Pattern, least size and kinds of change.
#[component(Filter)]
pub(super) fn filter(props: &PartProps) -> Html {
    let Some(open) = props.state.archives.image() else { return Html::default() };
    let (look, typed) = (&open.look, &open.look.filter);
    let on_message = &props.on_message;
    let report = props.state.inspect.pages.any().filter(|_| !props.state.inspect.pages.is_old);
    let bad = report.and_then(|report| report.bad_pattern.as_ref());
    let bad = bad.map(|bad| match bad.at {
        Some(at) => format!("{}, at character {}", bad.message, at + 1),
        None => bad.message.clone(),
    });
    let kind = |class: ChangeClass| {
        let onclick =
            on_message.reform(move |_: MouseEvent| Message::Inspect(InspectMessage::KindSwitched(class)));
        let name = match class {
            ChangeClass::Added => "added",
            ChangeClass::Content | ChangeClass::Metadata => "modified",
            ChangeClass::Again => "again",
            ChangeClass::Removed => "removed",
            ChangeClass::Untouched => "none",
        };
        html! {
            <button class={classes!("chip", name)} aria-pressed={typed.kinds.contains(&class).to_string()} {onclick}>{ class_word(class) }</button>
        }
    };
    // A layer alone has nothing that it does nothing to, but the folders above.
    let classes =
        CLASSES.into_iter().filter(|class| look.of == TreeOf::Stack || *class != ChangeClass::Untouched);
    html! {
        <div class="filter" role="search" aria-label="Filter files">
            <span class="filter-field">
                { icon("search") }
                <input
                    id={PATTERN_ID}
                    type="search"
                    class="input"
                    aria-label="Filter by path"
                    placeholder={if typed.is_regex { r"\.pyc$" } else { "*.pyc, /etc, passwd" }}
                    value={typed.pattern.clone()}
                    aria-invalid={bad.is_some().to_string()}
                    aria-describedby={bad.is_some().then_some("pattern-problem")}
                    spellcheck="false"
                    autocomplete="off"
                    oninput={on_message.reform(|event: InputEvent| Message::Inspect(InspectMessage::PatternTyped(value(&event))))}
                />
                <button class="chip mono" aria-pressed={typed.is_regex.to_string()} title="The pattern is a regular expression" aria-label="Regular expression" onclick={
                    let is_regex = !typed.is_regex;
                    on_message.reform(move |_: MouseEvent| Message::Inspect(InspectMessage::RegexSwitched(is_regex)))
                }>{ ".*" }</button>
            </span>
            <input
                class="input least"
                aria-label="Least size"
                placeholder="≥ 1 MB"
                value={typed.least.clone()}
                aria-invalid={typed.is_least_bad().to_string()}
                aria-describedby={typed.is_least_bad().then_some("least-problem")}
                autocomplete="off"
                oninput={on_message.reform(|event: InputEvent| Message::Inspect(InspectMessage::LeastTyped(value(&event))))}
            />
            <span class="chips" role="group" aria-label="Kinds of change">{ for classes.map(kind) }</span>
            if typed.is_any() {
                <span class="note" role="status">{ match report.map(|report| report.n_matching) {
                    Some(1) => "1 match".to_owned(),
                    Some(n) => format!("{n} matches"),
                    None => String::new(),
                } }</span>
                <button class="link" onclick={on_message.reform(|_: MouseEvent| Message::Inspect(InspectMessage::FilterCleared))}>{ "Clear" }</button>
            }
            if let Some(bad) = bad { <p class="field-problem" id="pattern-problem" role="alert">{ visible(&format!("{bad}.")) }</p> }
            if typed.is_least_bad() { <p class="field-problem" id="least-problem" role="alert">{ "This is no size: write 500 kB, 1.5 MiB or 4096." }</p> }
        </div>
    }
}
