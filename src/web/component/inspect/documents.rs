//! Documents of the archive: each with what it says in short, and its text.

use std::rc::Rc;

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::PartProps;
use super::copy::Copy;
use super::handed::Handed;
use super::text::TextView;
use crate::app::inspect::answers::Topic;
use crate::protocol::inspect::Answer;
use crate::protocol::inspect::documents::{DocumentReport, DocumentRole};
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::size;

fn role_name(role: DocumentRole) -> &'static str {
    match role {
        DocumentRole::DockerManifest => "List of images",
        DocumentRole::Index => "Index",
        DocumentRole::Repositories => "Old list of images",
        DocumentRole::Layout => "Layout",
        DocumentRole::Manifest => "Manifest",
        DocumentRole::Config => "Configuration",
        DocumentRole::Attestation => "Attestation",
        DocumentRole::Statement => "Statement",
        DocumentRole::Artifact => "Artifact",
    }
}

fn label(document: &DocumentReport) -> String {
    let of = document.image_idx.map_or(String::new(), |idx| format!(" of image {}", idx + 1));
    let kind = document.predicate_type.as_deref().map_or(String::new(), |kind| format!(", {kind}"));
    visible(&format!("{}{of}{kind}: {}", role_name(document.role), document.name))
}

/// A JSON text with one value on a line. Nothing but space between its words is changed, so that
/// numbers and the order of fields stay as they are.
fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    let mut chars = text.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str("  "));
    };
    while let Some(ch) = chars.next() {
        if is_text {
            out.push(ch);
            is_text = is_escaped || ch != '"';
            is_escaped = !is_escaped && ch == '\\';
            continue;
        }
        match ch {
            '{' | '[' => {
                out.push(ch);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(ch);
            }
            ',' => {
                out.push(ch);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => {
                is_text = true;
                out.push(ch);
            }
            ch if ch.is_ascii_whitespace() => {}
            ch => out.push(ch),
        }
    }
    out
}

/// The list of documents, and the chosen one.
#[component(Documents)]
pub(super) fn documents(props: &PartProps) -> Html {
    let chosen = use_state(|| 0_usize);
    let is_raw = use_state(|| false);
    let state = &props.state;
    if let Some(problem) = state.inspect.kept.get(&Topic::Documents).and_then(|kept| kept.problem()) {
        return html! { <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("The documents cannot be shown: {problem}.")) }</p> };
    }
    let Some(Answer::Documents(report)) = state.inspect.last(Topic::Documents) else {
        return html! { <p class="empty">{ "The documents are being put together." }</p> };
    };
    let idx = if *chosen < report.documents.len() { *chosen } else { 0 };
    let Some(document) = report.documents.get(idx) else {
        return html! { <p class="empty">{ "This archive has no documents: it is one layer." }</p> };
    };
    let choose = {
        let chosen = chosen.clone();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            select.and_then(|select| select.value().parse().ok()).into_iter().for_each(|idx| chosen.set(idx));
        })
    };
    let form = |raw: bool, name: &'static str| {
        let is_raw = is_raw.clone();
        html! { <button class="choice" aria-pressed={(*is_raw == raw).to_string()} onclick={move |_: MouseEvent| is_raw.set(raw)}>{ name }</button> }
    };
    let raw: Rc<str> = document.text.as_str().into();
    let shown: Rc<str> =
        if document.is_json && !*is_raw { pretty(&document.text).into() } else { Rc::clone(&raw) };
    let fact = |name: &'static str, value: Option<&str>| {
        let value = value.filter(|value| !value.is_empty())?;
        Some(html! { <div><dt>{ name }</dt><dd>{ visible(value) }</dd></div> })
    };
    let file_name = document.name.rsplit('/').next().unwrap_or("document").replace(':', "-");
    html! {
        <div class="account" tabindex="0" role="region" aria-label="Documents">
            <div class="told-head">
                <label class="field">
                    <span>{ format!("{} documents", report.documents.len()) }</span>
                    <select onchange={choose}>
                        { for report.documents.iter().enumerate().map(|(this, document)| html! {
                            <option value={this.to_string()} selected={this == idx}>{ label(document) }</option>
                        }) }
                    </select>
                </label>
            </div>
            <dl class="facts">
                <div><dt>{ "Kind" }</dt><dd>{ role_name(document.role) }</dd></div>
                <div><dt>{ "Length" }</dt><dd>{ size(document.size_bytes) }</dd></div>
                { for fact("Media type", Some(&document.media_type)) }
                { for fact("Says", document.predicate_type.as_deref()) }
                if !document.digest.is_empty() { <div><dt>{ "Digest" }</dt><dd><Copy text={document.digest.clone()} what="digest of the document" /></dd></div> }
                { for fact("About", document.about.as_deref()) }
                { for document.subjects.iter().filter_map(|subject| fact("Subject", Some(subject))) }
                { for document.annotations.iter().map(|(name, value)| html! { <div><dt>{ visible(name) }</dt><dd>{ visible(value) }</dd></div> }) }
            </dl>
            <section class="told-part" aria-label="Text of the document">
                <div class="told-head">
                    if document.is_json {
                        <span class="choices" role="group" aria-label="Form">{ form(false, "Indented") }{ form(true, "As it stands") }</span>
                    }
                    <Handed text={raw} name={file_name} what="document" />
                </div>
                if document.is_cut { <p class="note">{ "It is long: this is its beginning." }</p> }
                <TextView text={shown} before={None::<Rc<str>>} path={if document.is_json { "document.json" } else { "document.txt" }} names={(String::new(), String::new())} />
            </section>
        </div>
    }
}
