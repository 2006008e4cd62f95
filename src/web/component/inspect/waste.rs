//! Bytes that the image carries for nothing: how many, what gave rise to them, what to write instead.

use std::rc::Rc;

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::PartProps;
use super::overview::percent;
use super::verdict::Verdicts;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::answers::Topic;
use crate::app::inspect::waste::{Instead, WasteMessage, cause_words, instead, kind_words, unhidden};
use crate::app::state::OpenImage;
use crate::app::update::Message;
use crate::protocol::inspect::waste::{FindingRow, HiddenRow, Top, Visibility, WasteReport};
use crate::protocol::inspect::{Answer, SettleScope};
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::{exact, human, size};

/// What the parts of the view have to do with.
struct View<'a> {
    report: &'a WasteReport,
    open: &'a OpenImage,
    on_message: &'a Callback<Message>,
}

/// Scores, what is to be read, secrets, leftovers, hidden content, copies, and dive's verdict.
#[component(Waste)]
pub(super) fn waste(props: &PartProps) -> Html {
    let state = &props.state;
    let Some(open) = state.archives.image() else { return Html::default() };
    if !open.is_all_listed() {
        return html! { <p class="empty" role="status">{ "Waste is worked out once all layers were read." }</p> };
    }
    let kept = state.inspect.kept.get(&Topic::Waste);
    if let Some(problem) = kept.and_then(|kept| kept.problem()) {
        return html! { <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("Waste cannot be worked out: {problem}.")) }</p> };
    }
    let Some(Answer::Waste(report)) = state.inspect.last(Topic::Waste) else {
        return html! { <p class="empty" role="status">{ "Working out what the image carries for nothing." }</p> };
    };
    let is_late = kept.is_some_and(|kept| kept.answer.is_none());
    let view = View { report, open, on_message: &props.on_message };
    html! {
        <div class="waste" aria-busy={is_late.to_string()}>
            if is_late { <p class="note" role="status">{ "More became known: working it out again." }</p> }
            { view.missing() }
            { view.scores() }
            { view.undecided(props) }
            { view.findings(true) }
            { view.hidden() }
            { view.layers() }
            { view.findings(false) }
            { view.duplicates() }
            <Verdicts state={Rc::clone(state)} on_message={props.on_message.clone()} />
        </div>
    }
}

/// How many rows are left out of a list.
fn more<T>(top: &Top<T>) -> Html {
    if top.n_more == 0 {
        return Html::default();
    }
    html! { <p class="note more">{ format!("{} more, with {}", top.n_more, human(top.more_bytes)) }</p> }
}

fn instead_html(instead: Instead) -> Html {
    html! {
        <div class="instead">
            <span>{ instead.sentence }</span>
            if !instead.code.is_empty() { <code><bdi>{ visible(&instead.code) }</bdi></code> }
        </div>
    }
}

/// A share of two numbers of bytes.
#[allow(clippy::cast_precision_loss, reason = "a share for people")]
pub(super) fn share(part: u64, whole: u64) -> String {
    percent(part as f64 / (whole.max(1)) as f64)
}

impl View<'_> {
    fn on(&self, message: InspectMessage) -> Callback<MouseEvent> {
        self.on_message.reform(move |_: MouseEvent| Message::Inspect(message.clone()))
    }

    fn path(&self, path: &str, layer_idx: u32) -> Html {
        let onclick = self.on(InspectMessage::PathSought { layer_idx, path: path.to_owned() });
        html! { <button class="link path" title="Show in Files" {onclick}><bdi>{ visible(&format!("/{path}")) }</bdi></button> }
    }

    fn layer(&self, layer_idx: u32) -> Html {
        let instruction = self.instruction(layer_idx).map(visible);
        html! { <button class="link layer-link" title={instruction} onclick={self.on(InspectMessage::LayerSelected(layer_idx))}>{ format!("layer {}", layer_idx + 1) }</button> }
    }

    fn instruction(&self, layer_idx: u32) -> Option<&str> {
        self.report.layers.get(usize::try_from(layer_idx).ok()?)?.instruction.as_deref()
    }

    fn by(&self, layer_idx: u32, instruction: Option<&str>) -> Html {
        html! {
            <span class="by">{ self.layer(layer_idx) }if let Some(code) = instruction { <code title={visible(code)}><bdi>{ visible(code) }</bdi></code> }</span>
        }
    }

    fn missing(&self) -> Html {
        let missing = &self.report.missing_layers;
        if missing.is_empty() {
            return Html::default();
        }
        let numbers: Vec<String> = missing.iter().map(|idx| (idx + 1).to_string()).collect();
        html! { <p class="notice calm">{ icon("info") }{ format!("Not read, and taken as empty: layer {}.", numbers.join(", ")) }</p> }
    }

    fn scores(&self) -> Html {
        let report = self.report;
        let dive = &report.dive;
        let n_base = self.open.look.waste.n_base_layers;
        let leaves = report.hidden_bytes + report.duplicate_bytes;
        let stored = report.totals.content_bytes;
        let choose = {
            let on_message = self.on_message.clone();
            Callback::from(move |event: Event| {
                let select = event.target_dyn_into::<HtmlSelectElement>();
                if let Some(n) = select.and_then(|select| select.value().parse().ok()) {
                    on_message.emit(Message::Inspect(InspectMessage::Waste(WasteMessage::BaseChosen(n))));
                }
            })
        };
        let name = |n: usize| match n {
            0 => "none".to_owned(),
            1 => "layer 1".to_owned(),
            n => format!("layers 1 to {n}"),
        };
        html! {
            <div class="scores">
                <section class="score" aria-label="Layerlab's measure">
                    <h3>{ "Would leave" }</h3>
                    <p class="score-value">{ size(leaves) }</p>
                    <p>{ "Stored bytes that the image does not show, and copies of what it shows." }</p>
                    <dl class="sum">
                        <div><dt>{ "Hidden" }</dt><dd>{ size(report.hidden_bytes) }</dd></div>
                        <div><dt>{ "Copies" }</dt><dd>{ size(report.duplicate_bytes) }</dd></div>
                        <div><dt>{ "Share of all stored" }</dt><dd title={format!("{} of {}", exact(leaves), exact(stored))}>{ share(leaves, stored) }</dd></div>
                    </dl>
                    <label class="field">
                        <span>{ "Base layers left out" }</span>
                        <select onchange={choose}>
                            { for (0..=report.layers.len()).map(|n| html! {
                                <option value={n.to_string()} selected={u32::try_from(n).is_ok_and(|n| n == n_base)}>{ name(n) }</option>
                            }) }
                        </select>
                    </label>
                </section>
                <section class="score" aria-label="dive's measure">
                    <h3>{ "dive: efficiency" }</h3>
                    <p class="score-value">{ percent(dive.efficiency()) }</p>
                    <p>{ "The smallest size at each path by all sizes at all paths." }</p>
                    <dl class="sum">
                        <div><dt>{ "Smallest sizes" }</dt><dd>{ size(dive.smallest_bytes) }</dd></div>
                        <div><dt>{ "All sizes" }</dt><dd>{ size(dive.discovered_bytes) }</dd></div>
                        <div><dt>{ "Wasted" }</dt><dd>{ size(dive.wasted_bytes) }</dd></div>
                    </dl>
                    <p class="note">{ "Wasted: all sizes at paths that two layers or more have, the copy that is shown among them." }</p>
                </section>
            </div>
        }
    }

    fn undecided(&self, props: &PartProps) -> Html {
        let undecided = self.report.undecided;
        let settling = props.state.inspect.kept.get(&Topic::Settle).filter(|kept| kept.answer.is_none());
        if let Some(kept) = settling {
            let said = match kept.progress {
                Some((done_bytes, total_bytes)) => {
                    format!("Comparing contents: {} of {}.", human(done_bytes), human(total_bytes))
                }
                None => "Comparing contents.".to_owned(),
            };
            return html! {
                <p class="notice calm told" role="status">{ icon("info") }<span>{ said }</span><button class="link" onclick={self.on(InspectMessage::FetchCancelled)}>{ "Cancel" }</button></p>
            };
        }
        let (scope, bytes, what) = match undecided {
            undecided if undecided.n_copies > 0 => (
                SettleScope::Copies,
                undecided.copies_bytes,
                "Some files have the length of another: whether they are copies is not known yet.",
            ),
            undecided if undecided.n_rewrites > 0 => (
                SettleScope::Rewrites,
                undecided.rewrites_bytes,
                "Some files were written again with the same length: whether they changed is not known yet.",
            ),
            _ => return Html::default(),
        };
        html! {
            <p class="notice calm told">
                { icon("info") }<span>{ what }</span>
                <button class="button" title={exact(bytes)} onclick={self.on(InspectMessage::Waste(WasteMessage::SettleAsked(scope)))}>{ format!("Read {} to be sure", human(bytes)) }</button>
            </p>
        }
    }

    fn findings(&self, is_secret: bool) -> Html {
        let findings = &self.report.findings;
        let rows: Vec<&FindingRow> =
            findings.rows.iter().filter(|row| row.kind.is_secret() == is_secret).collect();
        if rows.is_empty() {
            return Html::default();
        }
        let name = if is_secret { "Secrets" } else { "Leftovers" };
        html! {
            <section class={classes!("findings", is_secret.then_some("secrets"))} aria-label={name}>
                <h3>{ is_secret.then(|| icon("triangle-alert")) }{ if is_secret { "Secrets, by their names" } else { "Leftovers of tools" } }</h3>
                <ul>{ for rows.into_iter().map(|row| self.finding(row)) }</ul>
                if !is_secret { { more(findings) } }
            </section>
        }
    }

    fn finding(&self, row: &FindingRow) -> Html {
        let is_pretended = row.kind.is_secret() && row.visibility == Visibility::Hidden;
        let gone = match row.visibility {
            Visibility::Shown | Visibility::Hidden => "Hidden by ",
            Visibility::Partly => "Partly hidden by ",
        };
        html! {
            <li class={classes!(is_pretended.then_some("pretended"))}>
                <p class="finding-head">
                    <strong>{ kind_words(row.kind) }</strong>
                    { self.path(&row.path, row.layer_idx) }
                    { size(row.bytes) }
                    if row.n_files > 1 { <span class="note">{ format!("{} files", row.n_files) }</span> }
                </p>
                { self.by(row.layer_idx, row.instruction.as_deref()) }
                if let Some(hidden_by) = row.hidden_by {
                    <p class="deleted">
                        if is_pretended { { icon("triangle-alert") } }
                        <span>{ gone }{ self.layer(hidden_by) }{ if is_pretended { ", and still in the image: whoever has it can read the secret." } else { ", and stored all the same." } }</span>
                    </p>
                }
                { instead_html(instead(row)) }
            </li>
        }
    }

    fn hidden(&self) -> Html {
        let (hidden, paths) = (&self.report.hidden, &self.report.paths);
        let row = |row: &HiddenRow| {
            html! {
                <tr>
                    <td class="bytes">{ size(row.size_bytes) }</td>
                    <td>
                        <p class="finding-head">{ self.path(&row.path, row.layer_idx) }<span class="note">{ cause_words(row) }{ " by " }{ self.layer(row.hidden_by) }</span></p>
                        { self.by(row.layer_idx, self.instruction(row.layer_idx)) }
                        { instead_html(unhidden(row, self.instruction(row.layer_idx))) }
                    </td>
                </tr>
            }
        };
        html! {
            <section aria-label="Hidden content">
                <h3>{ "Hidden content" }<span class="note">{ human(self.report.hidden_bytes) }</span></h3>
                if hidden.rows.is_empty() {
                    <p class="empty">{ "None: the image shows all that its layers store." }</p>
                } else {
                    <table aria-label="Hidden content"><tbody>{ for hidden.rows.iter().map(row) }</tbody></table>
                    { more(hidden) }
                    <details class="by-path">
                        <summary>{ "By path" }</summary>
                        <table aria-label="Hidden content by path">
                            <thead><tr><th scope="col" class="bytes">{ "Hidden" }</th><th scope="col">{ "Path" }</th><th scope="col" class="bytes">{ "Times" }</th></tr></thead>
                            <tbody>{ for paths.rows.iter().map(|row| html! {
                                <tr><td class="bytes">{ size(row.bytes) }</td><td><code><bdi>{ visible(&format!("/{}", row.path)) }</bdi></code></td><td class="bytes">{ row.n_copies }</td></tr>
                            }) }</tbody>
                        </table>
                        { more(paths) }
                    </details>
                }
            </section>
        }
    }

    fn layers(&self) -> Html {
        let rows: Vec<_> = (0_u32..)
            .zip(&self.report.layers)
            .filter(|(_, row)| row.stores_bytes > 0 || row.hides_bytes > 0)
            .collect();
        if rows.is_empty() {
            return Html::default();
        }
        html! {
            <section aria-label="By layer">
                <h3>{ "By layer and instruction" }</h3>
                <table aria-label="Waste by layer">
                    <thead><tr><th scope="col">{ "Instruction" }</th><th scope="col" class="bytes">{ "Stores for nothing" }</th><th scope="col" class="bytes">{ "Hides of others" }</th></tr></thead>
                    <tbody>{ for rows.into_iter().map(|(idx, row)| html! {
                        <tr><td>{ self.by(idx, row.instruction.as_deref()) }</td><td class="bytes">{ size(row.stores_bytes) }</td><td class="bytes">{ size(row.hides_bytes) }</td></tr>
                    }) }</tbody>
                </table>
            </section>
        }
    }

    fn duplicates(&self) -> Html {
        let duplicates = &self.report.duplicates;
        if duplicates.rows.is_empty() {
            return Html::default();
        }
        let top_idx = u32::try_from(self.report.layers.len().saturating_sub(1)).unwrap_or(0);
        html! {
            <section aria-label="Copies">
                <h3>{ "Copies" }<span class="note">{ human(self.report.duplicate_bytes) }</span></h3>
                <p class="note">{ "The same content at several paths. Keep one, and link to it: " }<code>{ "ln FIRST SECOND" }</code>{ " in the RUN that makes them." }</p>
                <table aria-label="Copies"><tbody>{ for duplicates.rows.iter().map(|row| html! {
                    <tr>
                        <td class="bytes">{ size(row.extra_bytes) }</td>
                        <td class="paths">
                            { for row.paths.iter().map(|path| self.path(path, top_idx)) }
                            if row.n_paths > row.paths.len() as u64 { <span class="note">{ format!("and {} more", row.n_paths - row.paths.len() as u64) }</span> }
                        </td>
                    </tr>
                }) }</tbody></table>
                { more(duplicates) }
            </section>
        }
    }
}
