//! Compare: two images side by side.

use std::rc::Rc;

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::InspectProps;
use super::handed::Handed;
use super::opener::Opener;
use super::scroller::use_rows;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::answers::Topic;
use crate::app::inspect::compare::{
    self, Chosen, CompareMessage, choices, fate_word, markdown, pair, report, sentence,
};
use crate::app::state::State;
use crate::app::update::Message;
use crate::protocol::inspect::compare::{
    CompareReport, ComparedEntry, ComparedLayer, DifferenceKind, DifferenceSort,
};
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::{exact, human, size};

#[derive(Properties, PartialEq)]
struct ShownProps {
    state: Rc<State>,
    on: Callback<CompareMessage>,
}

fn value(event: &InputEvent) -> String {
    event.target_dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default()
}

/// The place that shows how two images differ.
#[component(Compare)]
pub(in crate::web::component) fn compare(props: &InspectProps) -> Html {
    let state = &props.state;
    let all = choices(state);
    let on = props.on_message.reform(|message| Message::Inspect(InspectMessage::Compare(message)));
    let select = |name: &'static str, chosen: Chosen, message: fn(Chosen) -> CompareMessage| {
        let (on, values) = (on.clone(), all.iter().map(|(chosen, _)| *chosen).collect::<Vec<_>>());
        let onchange = move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            let idx = select.and_then(|select| usize::try_from(select.selected_index()).ok());
            idx.and_then(|idx| values.get(idx)).into_iter().for_each(|chosen| on.emit(message(*chosen)));
        };
        html! {
            <label class="field"><span>{ name }</span>
                <select {onchange}>
                    { for all.iter().map(|(this, label)| html! { <option selected={*this == chosen}>{ label.clone() }</option> }) }
                </select>
            </label>
        }
    };
    let both = pair(state);
    html! {
        <main class="inspect">
            <div class="archive-bar">
                <Opener on_file={props.on_file.clone()} on_sample={None::<Callback<()>>} is_small={!state.archives.all().is_empty()} last_name={None::<String>} />
            </div>
            { for state.archives.all().iter().filter(|archive| archive.image().is_none()).map(|archive| html! {
                <p class="notice" role="alert">{ icon("circle-alert") }{ format!("{} cannot be opened. Inspect says why.", visible(archive.name())) }</p>
            }) }
            if let Some((before, after)) = both {
                <section class="panel compare-choice" aria-label="Images">
                    { select("Before", before, CompareMessage::BeforeChosen) }
                    <button class="button quiet" onclick={on.reform(|_: MouseEvent| CompareMessage::Swapped)}>{ icon("repeat") }{ "Swap" }</button>
                    { select("After", after, CompareMessage::AfterChosen) }
                </section>
                <Shown state={Rc::clone(state)} {on} />
            } else {
                <section class="panel compare-choice" aria-label="About">
                    <h2>{ "Compare two images" }</h2>
                    <p>{ "See which layers they share, what a pull or a push transfers, and which files and settings differ. Open two tarballs, or one that holds several images or platforms." }</p>
                    if all.len() == 1 { <p role="status">{ "One image is open. Open the other one." }</p> }
                </section>
            }
        </main>
    }
}

fn layer_row(layer: &ComparedLayer) -> Html {
    let side = |idx: Option<u32>, bytes: u64| match idx {
        Some(idx) => html! { <>{ format!("layer {}, ", idx + 1) }{ size(bytes) }</> },
        None => html! { <span class="note">{ "none" }</span> },
    };
    html! {
        <tr>
            <td class="number">{ side(layer.before_idx, layer.before_bytes) }</td>
            <td>{ fate_word(layer.fate) }</td>
            <td class="number">{ side(layer.after_idx, layer.after_bytes) }</td>
            <td class="told-instruction"><code>{ visible(layer.instruction.as_deref().unwrap_or("instruction not known")) }</code></td>
        </tr>
    }
}

/// What is known of the two.
#[component(Shown)]
fn shown(props: &ShownProps) -> Html {
    let (state, on) = (&props.state, &props.on);
    let problem = state.inspect.kept.get(&Topic::Compare).and_then(|kept| kept.problem());
    if let Some(problem) = problem {
        return html! { <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("They cannot be compared: {problem}.")) }</p> };
    }
    let (Some(report), Some((before, after))) = (report(state), pair(state)) else {
        return html! { <p class="empty" role="status">{ "The images are being compared." }</p> };
    };
    let all = choices(state);
    let name = |chosen: Chosen| {
        all.iter().find(|(one, _)| *one == chosen).map(|(_, name)| name.clone()).unwrap_or_default()
    };
    let text = markdown(report, &name(before), &name(after), human);
    let json = serde_json::to_string_pretty(report).unwrap_or_default();
    let n_missing = report.before_missing_layers.len() + report.after_missing_layers.len();
    html! {
        <>
            <section class="panel compare-said" aria-label="In short">
                <p class="compare-lead" role="status">{ sentence(report, &name(before), human) }</p>
                <dl class="facts">
                    <div><dt>{ "Pull or push of after, having before" }</dt><dd>{ size(report.pull_bytes) }</dd></div>
                    <div><dt>{ "Of before, having after" }</dt><dd>{ size(report.pull_back_bytes) }</dd></div>
                    <div><dt>{ "Stored" }</dt><dd>{ size(report.before_stored_bytes) }{ " before, " }{ size(report.after_stored_bytes) }{ " after" }</dd></div>
                    <div><dt>{ "Files" }</dt><dd>{ size(report.before_tree_bytes) }{ " before, " }{ size(report.after_tree_bytes) }{ " after" }</dd></div>
                </dl>
                <div class="told-head">
                    <span>{ "Markdown" }</span><Handed text={Rc::<str>::from(text)} name="compare.md" what="Markdown" />
                    <span>{ "JSON" }</span><Handed text={Rc::<str>::from(json)} name="compare.json" what="JSON" />
                </div>
                if n_missing > 0 {
                    <p class="notice">{ icon("circle-alert") }{ format!("The files of {n_missing} layers are not known yet, or cannot be read: differences in them are left out.") }</p>
                }
                if report.n_unverified_layers > 0 {
                    <p class="note">{ format!("{} layers were not hashed yet: they are told apart by the digests that the images name.", report.n_unverified_layers) }</p>
                }
                { undecided(state, report, on) }
            </section>
            <section class="panel told" aria-label="Layers">
                <h2>{ "Layers" }</h2>
                <div class="told-table" tabindex="0" role="region" aria-label="Table of layers"><table>
                    <thead><tr><th scope="col" class="number">{ "Before" }</th><th scope="col">{ "Fate" }</th><th scope="col" class="number">{ "After" }</th><th scope="col">{ "Instruction" }</th></tr></thead>
                    <tbody>{ for report.layers.iter().map(layer_row) }</tbody>
                </table></div>
            </section>
            <Differences state={Rc::clone(state)} on={on.clone()} />
            <section class="panel told" aria-label="Configuration">
                <h2>{ "Configuration" }</h2>
                if report.config.is_empty() {
                    <p class="note">{ "No setting differs." }</p>
                } else {
                    <div class="told-table" tabindex="0" role="region" aria-label="Table of settings"><table>
                        <thead><tr><th scope="col">{ "Setting" }</th><th scope="col">{ "Before" }</th><th scope="col">{ "After" }</th></tr></thead>
                        <tbody>{ for report.config.iter().map(|change| {
                            let value = |value: &Option<String>| match value {
                                Some(value) => html! { <code>{ visible(value) }</code> },
                                None => html! { <span class="note">{ "not set" }</span> },
                            };
                            html! { <tr><td>{ visible(&change.field) }</td><td class="told-instruction">{ value(&change.before) }</td><td class="told-instruction">{ value(&change.after) }</td></tr> }
                        }) }</tbody>
                    </table></div>
                }
            </section>
        </>
    }
}

fn undecided(state: &State, report: &CompareReport, on: &Callback<CompareMessage>) -> Html {
    let kept = [Topic::SettleBefore, Topic::SettleAfter].map(|topic| state.inspect.kept.get(&topic));
    let is_settling = kept.iter().flatten().any(|kept| kept.answer.is_none());
    let problem = kept.iter().flatten().find_map(|kept| kept.problem());
    html! {
        <>
            if let Some(problem) = problem { <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("Contents cannot be read: {problem}.")) }</p> }
            if report.n_undecided > 0 {
                <p class="offer">
                    <span>{ format!("{} paths have the same length in both and count as the same: their contents were not read.", report.n_undecided) }</span>
                    <button class="button" disabled={is_settling} onclick={on.reform(|_: MouseEvent| CompareMessage::SettleAsked)}>
                        { if is_settling { "Reading".to_owned() } else { format!("Read {}", human(report.undecided_bytes)) } }
                    </button>
                </p>
            }
        </>
    }
}

const KINDS: [(DifferenceKind, &str); 4] = [
    (DifferenceKind::Added, "added"),
    (DifferenceKind::Removed, "removed"),
    (DifferenceKind::Content, "content"),
    (DifferenceKind::Metadata, "metadata"),
];

const SORTS: [(DifferenceSort, &str); 3] = [
    (DifferenceSort::Difference, "Most difference first"),
    (DifferenceSort::Bytes, "Biggest first"),
    (DifferenceSort::Path, "By path"),
];

/// The paths that differ.
#[component(Differences)]
fn differences(props: &ShownProps) -> Html {
    let (state, on) = (&props.state, &props.on);
    let look = &state.inspect.compare;
    let (n_rows, bad) = compare::n_rows(state).unwrap_or_default();
    let rows = use_rows(n_rows);
    {
        let on = on.clone();
        use_effect_with(rows.seen, move |(first, last)| on.emit(CompareMessage::RowsSeen(*first, *last)));
    }
    let both = pair(state);
    let line = |idx: u32| {
        let Some(row) = compare::row(state, idx) else {
            return html! { <li key={idx} class="difference"></li> };
        };
        let bytes = |entry: &Option<ComparedEntry>| entry.as_ref().map(|entry| entry.bytes);
        let target = match (&row.after, &row.before, both) {
            (Some(entry), _, Some((_, after))) => Some((after, entry.written_by)),
            (None, Some(entry), Some((before, _))) => Some((before, entry.written_by)),
            _ => None,
        };
        let path = row.path.clone();
        let show = target.map(|(image, layer_idx)| {
            on.reform(move |_: MouseEvent| CompareMessage::PathShown { image, layer_idx, path: path.clone() })
        });
        let word = KINDS.iter().find(|(kind, _)| *kind == row.kind).map_or("", |(_, word)| word);
        html! {
            <li key={idx} class="difference">
                <span class="difference-kind">{ word }</span>
                <button class="link" title="Show it in Inspect" onclick={show}><bdi>{ visible(&row.path) }</bdi></button>
                <span class="number">{ match (bytes(&row.before), bytes(&row.after)) {
                    (Some(before), Some(after)) if before != after => html! { <>{ size(before) }{ " → " }{ size(after) }</> },
                    (before, after) => html! { { for after.or(before).map(size) } },
                } }</span>
            </li>
        }
    };
    let sort = {
        let on = on.clone();
        move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            let idx = select.and_then(|select| usize::try_from(select.selected_index()).ok());
            let chosen = idx.and_then(|idx| SORTS.get(idx));
            chosen.into_iter().for_each(|(sort, _)| on.emit(CompareMessage::SortChosen(*sort)));
        }
    };
    html! {
        <section class="panel told" aria-label="Files">
            <h2>{ "Files" }</h2>
            <div class="filter" role="search" aria-label="Filter differences">
                <input type="search" class="input" aria-label="Filter by path" placeholder="*.pyc, /etc, passwd" value={look.pattern.clone()} aria-invalid={bad.is_some().to_string()}
                    oninput={on.reform(|event: InputEvent| CompareMessage::PatternTyped(value(&event)))} />
                <input class="input least" aria-label="Least size" placeholder="≥ 1 MB" value={look.least.clone()} title={exact(crate::app::known::read_size(&look.least).unwrap_or(0))}
                    oninput={on.reform(|event: InputEvent| CompareMessage::LeastTyped(value(&event)))} />
                <span class="chips" role="group" aria-label="Kinds of difference">
                    { for KINDS.into_iter().map(|(kind, word)| html! {
                        <button class="chip" aria-pressed={look.filter.kinds.contains(&kind).to_string()} onclick={on.reform(move |_: MouseEvent| CompareMessage::KindSwitched(kind))}>{ word }</button>
                    }) }
                </span>
                <select aria-label="Order" onchange={sort}>
                    { for SORTS.into_iter().map(|(sort, word)| html! { <option selected={sort == look.filter.sort}>{ word }</option> }) }
                </select>
                <span class="note" role="status">{ if n_rows == 1 { "1 path".to_owned() } else { format!("{n_rows} paths") } }</span>
            </div>
            if let Some(bad) = bad { <p class="field-problem" role="alert">{ visible(&format!("{}.", bad.message)) }</p> }
            <div class="differences" ref={rows.outer.clone()} onscroll={rows.onscroll.clone()} tabindex="0" role="region" aria-label="Paths that differ">
                <div ref={rows.space.clone()}>
                    <ul ref={rows.window.clone()}>{ for rows.drawn.clone().map(line) }</ul>
                </div>
            </div>
        </section>
    }
}
