//! Why an instruction has its verdict.

use std::rc::Rc;

use yew::prelude::*;

use super::icon::{badge, icon};
use super::size::size;
use super::tree::SketchTree;
use crate::app::sketch::Written;
use crate::app::update::Message;
use crate::app::view::SimulateView;
use crate::app::why::Why;
use crate::text::align::Piece;

#[derive(Properties, PartialEq)]
pub(super) struct WhyProps {
    pub(super) view: Rc<SimulateView>,
    pub(super) on_message: Callback<Message>,
}

/// The panel on the right.
#[component(WhyPanel)]
pub(super) fn why_panel(props: &WhyProps) -> Html {
    html! {
        <section class="panel why-panel" aria-label="Why">
            <div class="panel-head"><h2>{ "Why" }</h2></div>
            {
                match &props.view.why {
                    Some(why) => html! { <Explanation why={why.clone()} on_message={props.on_message.clone()} /> },
                    None => html! {
                        <p class="empty">{ "Choose a layer of the stack or a line of the Dockerfile to see why it is cached or rebuilds. Edit a line or a file to start a rebuild." }</p>
                    },
                }
            }
        </section>
    }
}

/// What the layer of an instruction holds.
fn written(written: &Written, why: &Why, on_message: &Callback<Message>) -> Html {
    let onchange = {
        let (on_message, code) = (on_message.clone(), why.code.clone());
        Callback::from(move |event: Event| {
            if let Some(input) = event.target_dyn_into::<web_sys::HtmlInputElement>() {
                let text = input.value();
                on_message.emit(Message::LayerSizeTold { code: code.clone(), text });
            }
        })
    };
    let count = match (written.n_entries, written.size_bytes) {
        (0, Some(_)) => format!("Its files are not known; {}: ", written.note),
        (0, None) => format!("Nothing is known of it: {}.", written.note),
        (n, Some(_)) => format!("{n} {}", if n == 1 { "entry, " } else { "entries, " }),
        (n, None) => {
            format!("{n} {} known: {}.", if n == 1 { "entry is" } else { "entries are" }, written.note)
        }
    };
    html! {
        <>
            <h3>{ "What its layer holds" }</h3>
            <p class="note">{ count }{ written.size_bytes.map(size) }</p>
            if let Some(tree) = &written.tree {
                <SketchTree tree={Rc::clone(tree)} label="What its layer holds" />
            } else {
                <label class="field"><span>{ "Its size, if you know it" }</span>
                    <input type="text" placeholder="92 MB" {onchange} />
                </label>
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct ExplanationProps {
    why: Why,
    on_message: Callback<Message>,
}

#[component(Explanation)]
fn explanation(props: &ExplanationProps) -> Html {
    let why = &props.why;
    let link = |idx: Option<usize>, text: String| match idx {
        Some(idx) => {
            let on_message = props.on_message.clone();
            let onclick =
                Callback::from(move |_: MouseEvent| on_message.emit(Message::InstructionSelected(idx)));
            html! { <button class="link" {onclick}>{ text }</button> }
        }
        None => html! { <span>{ text }</span> },
    };
    html! {
        <>
            <p class="why-code"><span class="line-number">{ why.line }</span><code>{ why.code.clone() }</code></p>
            <p class="why-verdict">{ badge(why.mark, None) }</p>
            <p class="why-sentence">{ why.sentence.clone() }</p>
            if !why.difference.is_empty() {
                <p class="difference" aria-label="What changed">
                    { for why.difference.iter().map(|piece| match piece {
                        Piece::Same(text) => html! { <span>{ text.clone() }</span> },
                        Piece::Gone(text) => html! { <del>{ text.clone() }</del> },
                        Piece::New(text) => html! { <ins>{ text.clone() }</ins> },
                    }) }
                </p>
            }
            if let Some(set_at) = &why.set_at { <p class="note">{ icon("info") }{ format!("{set_at}.") }</p> }
            if let Some(assumes) = &why.assumes { <p class="note">{ icon("circle-question-mark") }{ format!("{assumes}.") }</p> }
            { for why.survived.iter().map(|survival| html! { <p class="note">{ icon("info") }{ format!("{}.", survival.sentence()) }</p> }) }
            if !why.chain.is_empty() {
                <h3>{ "Chain of causes" }</h3>
                <ol class="chain">
                    { for why.chain.iter().map(|cause| html! {
                        <li>
                            { link(cause.instruction, cause.line.map_or(cause.code.clone(), |line| format!("{line}  {}", cause.code))) }
                            <span class="chain-reason">{ cause.reason.clone() }</span>
                        </li>
                    }) }
                </ol>
            }
            if !why.inputs.is_empty() {
                <h3>{ "What its key is made of" }</h3>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Key inputs">
                <table class="inputs" aria-label="Key inputs">
                    <thead><tr><th>{ "Input" }</th><th>{ "Last build" }</th><th>{ "Now" }</th></tr></thead>
                    <tbody>
                        { for why.inputs.iter().map(|input| html! {
                            <tr class={classes!(input.is_changed.then_some("changed"))}>
                                <th scope="row">{ input.name.clone() }</th>
                                <td>
                                    {
                                        match (&input.before, input.is_changed) {
                                            (Some(_), false) => html! { <span class="same">{ "same" }</span> },
                                            (Some(before), true) => html! { <code>{ before.clone() }</code> },
                                            (None, _) => html! { <span class="same">{ "not there" }</span> },
                                        }
                                    }
                                </td>
                                <td><code>{ input.now.clone() }</code>if input.is_changed { <span class="visually-hidden">{ " (changed)" }</span> }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
                </div>
            }
            { why.written.as_ref().map(|it| written(it, why, &props.on_message)) }
            <p class="rule"><a href={why.url} target="_blank" rel="noreferrer">{ icon("link") }{ "The rule that decides" }</a></p>
        </>
    }
}
