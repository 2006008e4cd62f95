//! The dialog to share: a link, a report as Markdown and as JSON, and paper.

use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use super::icon::icon;
use crate::app::share::{LeaveOut, LinkView, ShareMessage, ShareView};
use crate::app::update::Message;
use crate::report::link::LIMITS;
use crate::web::handout;

#[derive(Properties, PartialEq)]
pub(super) struct ShareProps {
    pub(super) share: ShareView,
    pub(super) leave_out: LeaveOut,
    pub(super) on_message: Callback<Message>,
}

/// The dialog. It is modal from when it is drawn, and tells when it was closed.
#[component(ShareDialog)]
pub(super) fn share_dialog(props: &ShareProps) -> Html {
    let dialog = use_node_ref();
    let said = use_state(|| "");
    {
        let dialog = dialog.clone();
        use_effect_with((), move |()| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                let _ = dialog.show_modal();
            }
        });
    }
    let on_closed = {
        let on_message = props.on_message.clone();
        Callback::from(move |_: Event| on_message.emit(Message::Share(ShareMessage::Changed(None))))
    };
    // The browser itself closes, which puts the focus back to where it was.
    let close = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
        })
    };
    let print = {
        let (on_message, dialog) = (props.on_message.clone(), dialog.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
            on_message.emit(Message::Share(ShareMessage::PrintingSwitched(true)));
            handout::print();
        })
    };
    let share = &props.share;
    html! {
        <dialog class="share" ref={dialog} onclose={on_closed} aria-labelledby="share-title">
            <div class="share-head">
                <h2 id="share-title">{ "Share" }</h2>
                <p class="share-said" role="status">{ *said }</p>
                <button class="button quiet square" onclick={close} aria-label="Close">{ icon("x") }</button>
            </div>
            if !share.secrets.is_empty() { { secrets(share) } }
            <section aria-labelledby="share-link">
                <h3 id="share-link">{ "Link" }</h3>
                {
                    match &share.link {
                        Ok(link) => link_part(link, props, &said),
                        Err(error) => html! { <p class="notice" role="alert">{ icon("circle-alert") }{ format!("No link can be made: {error}.") }</p> },
                    }
                }
            </section>
            <section aria-labelledby="share-markdown">
                <h3 id="share-markdown">{ "Markdown for a pull request" }</h3>
                { text_part("Markdown", "8", &share.markdown, Some(("layerlab-report.md", "text/markdown")), &said) }
            </section>
            <section aria-labelledby="share-json">
                <h3 id="share-json">{ "JSON for programs" }</h3>
                { text_part("JSON", "4", &share.json, Some(("layerlab-report.json", "application/json")), &said) }
            </section>
            <section aria-labelledby="share-print">
                <h3 id="share-print">{ "Paper or PDF" }</h3>
                <p class="note">{ "Prints the summary, the verdicts with their reasons, and the Dockerfile." }</p>
                <div class="share-actions"><button class="button" onclick={print}>{ icon("printer") }{ "Print" }</button></div>
            </section>
        </dialog>
    }
}

fn secrets(share: &ShareView) -> Html {
    html! {
        <div class="notice share-secrets" role="alert">
            { icon("triangle-alert") }
            <div>
                <p>{ "This looks like it holds secrets. Whoever gets the link or the report can read them." }</p>
                <ul aria-label="Possible secrets">
                    { for share.secrets.iter().map(|row| html! { <li>{ format!("{}: {}", row.place, row.what) }</li> }) }
                </ul>
            </div>
        </div>
    }
}

fn link_part(link: &LinkView, props: &ShareProps, said: &UseStateHandle<&'static str>) -> Html {
    let (share, leave_out) = (&props.share, props.leave_out);
    let address = handout::address(&link.fragment);
    let n_chars = address.chars().count();
    let passed: Vec<_> = LIMITS.iter().filter(|limit| n_chars > limit.max_chars).collect();
    let choice = |label: String, is_on: bool, chosen: fn(LeaveOut, bool) -> LeaveOut| {
        let on_message = props.on_message.clone();
        let onchange = Callback::from(move |event: Event| {
            let is_on = event.target_dyn_into::<HtmlInputElement>().is_some_and(|input| input.checked());
            on_message.emit(Message::Share(ShareMessage::Changed(Some(chosen(leave_out, is_on)))));
        });
        html! { <label class="field"><input type="checkbox" checked={is_on} {onchange} />{ label }</label> }
    };
    let lines: Vec<String> = link.differing_lines.iter().take(10).map(u32::to_string).collect();
    html! {
        <>
            { text_part("Link", "2", &address, None, said) }
            <p class="share-length">
                { format!("{} characters. ", grouped(n_chars)) }
                if passed.is_empty() { { "It fits everywhere that is known to have a limit." } }
            </p>
            if !passed.is_empty() {
                <ul class="share-list" aria-label="Too long for">
                    { for passed.iter().map(|limit| html! { <li>{ format!("Too long for {} ({}).", limit.whose, grouped(limit.max_chars)) }</li> }) }
                </ul>
            }
            if share.n_events_to_leave > 0 {
                { choice(format!("Leave out what happened before the last build ({})", grouped(share.n_events_to_leave)), leave_out.builds, |it, builds| LeaveOut { builds, ..it }) }
            }
            if share.n_files_to_leave > 0 {
                { choice(format!("Leave out files that are the same in every version ({})", grouped(share.n_files_to_leave)), leave_out.files, |it, files| LeaveOut { files, ..it }) }
            }
            if lines.is_empty() {
                <p class="note">{ icon("check") }{ "It opens with the same verdicts and reasons." }</p>
            } else {
                <p class="notice" role="alert">{ icon("triangle-alert") }{ format!("It opens with another verdict or reason at line {}.", lines.join(", ")) }</p>
            }
            if !link.left_out.is_empty() {
                <p class="note">{ "It does not hold:" }</p>
                <ul class="share-list" aria-label="Left out">{ for link.left_out.iter().map(|item| html! { <li>{ item.clone() }</li> }) }</ul>
            }
        </>
    }
}

/// `12,345`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A text that can be copied and, where it is to have a file's name and media type, saved. A
/// function and no component: its place in the page is all that it has.
fn text_part(
    label: &'static str,
    rows: &'static str,
    text: &str,
    file: Option<(&'static str, &'static str)>,
    said: &UseStateHandle<&'static str>,
) -> Html {
    let id = format!("share-text-{label}");
    let copy = {
        let (id, text, said) = (id.clone(), text.to_owned(), said.setter());
        Callback::from(move |_: MouseEvent| {
            let (id, said) = (id.clone(), said.clone());
            // What is said twice would not be heard twice.
            said.set("");
            handout::copy(text.clone(), move |is_copied| {
                if is_copied {
                    said.set(match label {
                        "Link" => "The link is copied.",
                        "JSON" => "The JSON is copied.",
                        _ => "The Markdown is copied.",
                    });
                    return;
                }
                handout::select(&id);
                said.set("This browser does not let the page copy. The text is selected: copy it with Ctrl+C or Command+C.");
            });
        })
    };
    let save = file.map(|(name, media_type)| {
        let (text, said) = (text.to_owned(), said.setter());
        let onclick = Callback::from(move |_: MouseEvent| {
            said.set(match handout::save(name, media_type, &text) {
                Ok(()) => "The file is saved.",
                Err(_) => "This browser does not let the page save a file. Copy the text instead.",
            });
        });
        html! { <button class="button" {onclick}>{ icon("download") }{ format!("Save {label}") }</button> }
    });
    html! {
        <>
            <textarea class="share-text" {id} aria-label={label} {rows} readonly=true spellcheck="false" value={text.to_owned()} />
            <div class="share-actions">
                <button class="button" onclick={copy}>{ icon("copy") }{ format!("Copy {}", if label == "Link" { "link" } else { label }) }</button>
                { save }
            </div>
        </>
    }
}
