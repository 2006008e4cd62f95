//! Build options, and the base images whose tags may move.

use std::rc::Rc;

use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::build_file::BuildFile;
use super::icon::icon;
use crate::app::build_file::BuildFileState;
use crate::app::options::{Builder, Field, Options};
use crate::app::update::Message;
use crate::app::view::{BaseRow, SimulateView};

#[derive(Properties, PartialEq)]
pub(super) struct OptionsProps {
    pub(super) options: Options,
    pub(super) build_file: BuildFileState,
    pub(super) view: Rc<SimulateView>,
    pub(super) on_message: Callback<Message>,
}

/// More images of an opened archive are not offered as a base.
const MAX_CANDIDATES: usize = 4;

/// The form.
#[component(OptionsForm)]
pub(super) fn options_form(props: &OptionsProps) -> Html {
    let OptionsProps { options, build_file, view, on_message } = props;
    let on_builder = {
        let on_message = on_message.clone();
        Callback::from(move |event: Event| {
            let idx = event.target_dyn_into::<HtmlSelectElement>().map(|select| select.selected_index());
            let builder = idx.and_then(|idx| Builder::ALL.get(usize::try_from(idx).ok()?));
            builder.into_iter().for_each(|builder| on_message.emit(Message::BuilderChosen(*builder)));
        })
    };
    let switch = |label: &'static str, is_on: bool, message: fn(bool) -> Message| {
        let on_message = on_message.clone();
        let onchange = Callback::from(move |event: Event| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                on_message.emit(message(input.checked()));
            }
        });
        html! { <label class="switch"><input type="checkbox" checked={is_on} {onchange} /><code>{ label }</code></label> }
    };
    html! {
        <div class="options">
            <BuildFile file={build_file.clone()} on_message={on_message.clone()} />
            <label class="option"><span>{ "Builder" }</span>
                <select onchange={on_builder}>
                    { for Builder::ALL.iter().map(|builder| html! {
                        <option selected={options.builder == *builder}>{ builder.label() }</option>
                    }) }
                </select>
            </label>
            { for Field::ALL.iter().map(|field| option(*field, props)) }
            <div class="option-switches">
                { switch("--no-cache", options.no_cache, Message::NoCacheSwitched) }
                { switch("--pull", options.pulls, Message::PullSwitched) }
            </div>
            <p class="command" aria-label="The same as a command"><code>{ view.command.clone() }</code></p>
            if !view.bases.is_empty() {
                <h2>{ "Base images" }</h2>
                <ul class="bases">{ for view.bases.iter().map(|base| base_row(base, on_message)) }</ul>
            }
        </div>
    }
}

fn option(field: Field, props: &OptionsProps) -> Html {
    let text = props.options.field(field).to_owned();
    let problems: Vec<&str> = props
        .view
        .option_problems
        .iter()
        .filter(|problem| problem.field == field)
        .map(|problem| problem.message.as_str())
        .collect();
    let id = format!("option{}", field.flag());
    let problem_id = format!("{id}-problem");
    let described = (!problems.is_empty()).then(|| problem_id.clone());
    let on_message = props.on_message.clone();
    let oninput = Callback::from(move |event: InputEvent| {
        let typed = match event.target_dyn_into::<HtmlInputElement>() {
            Some(input) => Some(input.value()),
            None => event.target_dyn_into::<HtmlTextAreaElement>().map(|area| area.value()),
        };
        typed.into_iter().for_each(|typed| on_message.emit(Message::OptionEdited(field, typed)));
    });
    let list = (field == Field::Target || field == Field::NoCacheFilter).then_some("stage-names");
    html! {
        <div class="option">
            <label for={id.clone()}><code>{ field.flag() }</code></label>
            if field.is_list() {
                <textarea {id} rows="2" spellcheck="false" placeholder={field.example()} value={text} {oninput} aria-describedby={described} />
            } else {
                <input {id} type="text" spellcheck="false" autocomplete="off" {list} placeholder={field.example()} value={text} {oninput} aria-describedby={described} />
            }
            if field == Field::Target {
                <datalist id="stage-names">{ for props.view.stages.iter().map(|name| html! { <option value={name.clone()} /> }) }</datalist>
            }
            if !problems.is_empty() {
                <p class="option-problem" id={problem_id}>{ icon("circle-alert") }{ format!("{}.", problems.join("; ")) }</p>
            }
        </div>
    }
}

fn base_row(base: &BaseRow, on_message: &Callback<Message>) -> Html {
    let moved = |has_new_layers: bool| {
        let (on_message, reference) = (on_message.clone(), base.reference.clone());
        Callback::from(move |_: MouseEvent| {
            on_message.emit(Message::BaseMoved { reference: reference.clone(), has_new_layers });
        })
    };
    html! {
        <li class="base-row">
            <code>{ base.reference.clone() }</code>
            <span class="base-note">{ base.note.clone() }</span>
            if let Some(file) = &base.known_from {
                <span class="base-note">{ format!("configuration and layers as in {file}") }</span>
            }
            <span class="base-actions">
                <button class="button" onclick={moved(true)} aria-label={format!("Move tag to other layers: {}", base.reference)}>{ "Move tag to other layers" }</button>
                { for base.candidates.iter().take(MAX_CANDIDATES).map(|(file, image_idx, label)| {
                    let (on_message, reference) = (on_message.clone(), base.reference.clone());
                    let (file, image_idx) = (*file, *image_idx);
                    let onclick = Callback::from(move |_: MouseEvent| {
                        on_message.emit(Message::BaseTaken { reference: reference.clone(), file, image_idx });
                    });
                    html! { <button class="button" {onclick}>{ format!("It is {label}") }</button> }
                }) }
                if base.known_from.is_some() {
                    <button class="button" onclick={
                        let (on_message, reference) = (on_message.clone(), base.reference.clone());
                        Callback::from(move |_: MouseEvent| on_message.emit(Message::BaseForgotten(reference.clone())))
                    } aria-label={format!("Forget what is known: {}", base.reference)}>{ "Forget what is known" }</button>
                }
                <button class="button" onclick={moved(false)} aria-label={format!("Same layers, other configuration: {}", base.reference)}>{ "Same layers, other configuration" }</button>
            </span>
        </li>
    }
}
