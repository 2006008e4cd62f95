//! The tree as a grid of which only the rows in view are on the page.
//!
//! The grid is one stop for the Tab key; which row the cursor is on is told by
//! `aria-activedescendant`, so that it is not lost when its row leaves the page. Keys are those of the
//! [treegrid pattern](https://www.w3.org/WAI/ARIA/apg/patterns/treegrid/).

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use super::PartProps;
use super::filter::PATTERN_ID;
use super::scroller::use_rows;
use crate::app::inspect::InspectMessage;
use crate::app::inspect::answers::{PAGE_ROWS, Topic};
use crate::app::inspect::look::{Column, Look};
use crate::app::inspect::rows::{change_words, mode_text, remarks, time_text};
use crate::app::inspect::save::SaveWhat;
use crate::app::state::State;
use crate::app::update::Message;
use crate::protocol::RowKind;
use crate::protocol::inspect::Answer;
use crate::protocol::inspect::rows::{ChangeClass, SortBy, TreeOf, TreeRow};
use crate::text::visible;
use crate::web::component::icon::icon;
use crate::web::component::size::{octal, size};

/// The tree.
#[component(Grid)]
pub(super) fn grid(props: &PartProps) -> Html {
    let state = &props.state;
    let pages = &state.inspect.pages;
    let n_rows = pages.n_rows();
    let rows = use_rows(n_rows);
    let search = use_mut_ref(Search::default);
    let (first, last) = rows.seen;
    {
        let on_message = props.on_message.clone();
        use_effect_with((first / PAGE_ROWS, last / PAGE_ROWS, n_rows, pages.key), move |_| {
            on_message.emit(Message::Inspect(InspectMessage::RowsSeen(first, last)));
        });
    }
    let cursor = state.archives.image().map_or((0, 0), |open| (open.look.n_jumps, open.look.cursor.0));
    {
        let reveal = rows.reveal();
        use_effect_with(cursor, move |(_, row)| reveal(*row));
    }
    let Some(open) = state.archives.image() else { return Html::default() };
    let look = &open.look;
    let n_visible = rows.n_visible;
    let onkeydown = {
        let (state, on_message) = (Rc::clone(state), props.on_message.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(open) = state.archives.image() else { return };
            let messages = on_key(&event, &state, &open.look, n_visible, &mut search.borrow_mut());
            if let Some(messages) = messages {
                event.prevent_default();
                messages.into_iter().for_each(|message| on_message.emit(Message::Inspect(message)));
            }
        })
    };
    let label = match look.of {
        TreeOf::Layer => "Files of this layer",
        TreeOf::Stack => "Files of all layers up to this one",
    };
    if n_rows == 0 && !pages.is_old && pages.last.is_some() {
        let what = if look.filter.is_any() {
            "No path is like that."
        } else {
            "Nothing: this layer changes no file."
        };
        return html! { <p class="empty">{ what }</p> };
    }
    let cursor = look.cursor.0;
    let is_drawn = rows.drawn.contains(&cursor);
    html! {
        <div
            ref={rows.outer.clone()}
            class="grid"
            role="treegrid"
            tabindex="0"
            aria-label={label}
            aria-rowcount={(n_rows + 1).to_string()}
            aria-colcount={(look.columns.len() + 1).to_string()}
            aria-busy={(n_rows == 0).to_string()}
            aria-activedescendant={is_drawn.then(|| format!("row-{cursor}"))}
            onscroll={rows.onscroll.clone()}
            {onkeydown}
        >
            <div role="rowgroup">{ head(props, look) }</div>
            <div class="grid-space" ref={rows.space.clone()} role="rowgroup">
                <div class="grid-window" ref={rows.window.clone()} role="presentation">
                    { for rows.drawn.clone().map(|idx| grid_row(props, look, idx, pages.row(idx), open.layer_idx)) }
                </div>
            </div>
        </div>
    }
}

fn head(props: &PartProps, look: &Look) -> Html {
    let sortable = |class: &'static str, name: &'static str, sort: SortBy| {
        let is_sorted = look.sort == sort;
        let order = match (is_sorted, look.is_descending) {
            (true, true) => "descending",
            (true, false) => "ascending",
            (false, _) => "none",
        };
        let onclick =
            props.on_message.reform(move |_: MouseEvent| Message::Inspect(InspectMessage::SortChosen(sort)));
        html! {
            <span role="columnheader" class={classes!("cell", class)} aria-sort={order}>
                <button class="grid-sort" tabindex="-1" {onclick}>{ name }if is_sorted { { icon(if look.is_descending { "arrow-down" } else { "arrow-up" }) } }</button>
            </span>
        }
    };
    let plain = |class: &'static str, name: &'static str| {
        html! { <span role="columnheader" class={classes!("cell", class)}>{ name }</span> }
    };
    html! {
        <div class="grid-row grid-head" role="row" aria-rowindex="1">
            { sortable("name", "Name", SortBy::Name) }
            { for look.columns.iter().map(|column| match column {
                Column::Change => sortable("change", "Change", SortBy::Change),
                Column::Size => sortable("bytes", "Size", SortBy::Size),
                Column::Mode => plain("mode", "Mode"),
                Column::Owner => plain("owner", "Owner"),
                Column::Time => plain("time", "Modified"),
            }) }
        </div>
    }
}

/// The icon of a change.
fn change_icon(class: &str) -> Option<&'static str> {
    Some(match class {
        "added" => "plus",
        "modified" => "pencil",
        "removed" => "minus",
        "again" => "repeat",
        _ => return None,
    })
}

fn grid_row(props: &PartProps, look: &Look, idx: u32, row: Option<&TreeRow>, layer_idx: u32) -> Html {
    let at = (idx + 2).to_string();
    let Some(row) = row else {
        return html! {
            <div key={idx} class="grid-row waiting" role="row" aria-rowindex={at} aria-busy="true">
                <span role="gridcell" class="cell name"><span class="placeholder"></span></span>
            </div>
        };
    };
    let is_cursor = look.cursor.0 == idx;
    let words = change_words(&row.change);
    let onclick = {
        let on_message = props.on_message.clone();
        let (path, is_unfolded, kind) = (row.path.clone(), row.is_unfolded, row.kind);
        Callback::from(move |_: MouseEvent| {
            let send = |message| on_message.emit(Message::Inspect(message));
            send(InspectMessage::CursorMoved(idx));
            let path = path.clone();
            match is_unfolded {
                Some(is_unfolded) => send(InspectMessage::FolderToggled { path, is_unfolded: !is_unfolded }),
                None if kind == RowKind::Dir => {}
                None => send(InspectMessage::FileOpened { layer_idx, path }),
            }
        })
    };
    html! {
        <div
            key={idx}
            id={format!("row-{idx}")}
            class={classes!("grid-row", words.class, is_cursor.then_some("cursor"), (!row.is_matching).then_some("beside"))}
            role="row"
            aria-rowindex={at}
            aria-level={(row.depth + 1).to_string()}
            aria-posinset={row.pos_in_set.to_string()}
            aria-setsize={row.set_size.to_string()}
            aria-expanded={row.is_unfolded.map(|is_unfolded| is_unfolded.to_string())}
            aria-selected={is_cursor.to_string()}
            {onclick}
        >
            { name_cell(row) }
            { for look.columns.iter().map(|column| match column {
                Column::Change => html! {
                    <span role="gridcell" class="cell change">
                        if let Some(sign) = change_icon(words.class) { { icon(sign) } }
                        <span class="change-word">{ words.word }</span>
                        if !words.more.is_empty() { <span class="change-more">{ format!(" {}", words.more) }</span> }
                        if row.has_changes_below && words.class == "none" { <span class="change-below" title="The layer changes something in it">{ icon("circle-dot") }<span class="visually-hidden">{ "changes below" }</span></span> }
                    </span>
                },
                Column::Size => html! { <span role="gridcell" class="cell bytes">{ size(row.total_bytes) }</span> },
                Column::Mode => html! { <span role="gridcell" class="cell mode" title={octal(row.mode)}>{ if row.is_implicit { String::new() } else { mode_text(row.kind, row.mode) } }</span> },
                Column::Owner => html! { <span role="gridcell" class="cell owner">{ if row.is_implicit { String::new() } else { format!("{}:{}", row.uid, row.gid) } }</span> },
                Column::Time => html! { <span role="gridcell" class="cell time">{ if row.is_implicit { String::new() } else { time_text(row.mtime_secs) } }</span> },
            }) }
        </div>
    }
}

/// The name, indented, with what there is to say of it.
fn name_cell(row: &TreeRow) -> Html {
    let sign = match row.kind {
        RowKind::Dir if row.is_unfolded == Some(true) => "folder-open",
        RowKind::Dir => "folder",
        RowKind::Symlink | RowKind::HardLink => "link",
        RowKind::File | RowKind::Special => "file",
        RowKind::Whiteout => "trash-2",
    };
    let is_open = row.is_unfolded == Some(true);
    html! {
        <span role="gridcell" class="cell name">
            <span class={format!("indent-{}", row.depth.min(20))}></span>
            <span class={classes!("twist", is_open.then_some("open"))}>if row.is_unfolded.is_some() { { icon("chevron-right") } }</span>
            { icon(sign) }
            <bdi class="tree-name">{ visible(if row.name.is_empty() { "/" } else { &row.name }) }</bdi>
            if !row.link.is_empty() { <span class="tree-link">{ "→ " }<bdi>{ visible(&row.link) }</bdi></span> }
            { for remarks(row).into_iter().map(|remark| html! { <span class="tree-kind">{ visible(&remark) }</span> }) }
        </span>
    }
}

/// What was typed to find a name, and when.
#[derive(Default)]
struct Search {
    typed: String,
    at_millis: f64,
}

/// Keys typed within this time belong together.
const TYPED_MILLIS: f64 = 700.0;

fn on_key(
    event: &KeyboardEvent,
    state: &State,
    look: &Look,
    n_visible: u32,
    search: &mut Search,
) -> Option<Vec<InspectMessage>> {
    let target = event.target_dyn_into::<Element>();
    if target.is_some_and(|target| target.tag_name() == "BUTTON") {
        return None;
    }
    let pages = &state.inspect.pages;
    let last = pages.n_rows().saturating_sub(1);
    let cursor = look.cursor.0.min(last);
    let row = pages.row(cursor);
    let layer_idx = state.archives.image().map_or(0, |open| open.layer_idx);
    let to = |row: u32| Some(vec![InspectMessage::CursorMoved(row.min(last))]);
    let toggled = |row: &TreeRow, is_unfolded: bool| {
        Some(vec![InspectMessage::FolderToggled { path: row.path.clone(), is_unfolded }])
    };
    let is_ctrl = event.ctrl_key() || event.meta_key();
    let key = event.key();
    if is_ctrl {
        return match key.as_str() {
            " " => Some(vec![InspectMessage::AllToggled(false)]),
            "f" => {
                let document = web_sys::window().and_then(|window| window.document());
                let field = document.and_then(|document| document.get_element_by_id(PATTERN_ID));
                let field = field.and_then(|field| field.dyn_into::<web_sys::HtmlInputElement>().ok())?;
                let _ = field.focus();
                field.select();
                Some(Vec::new())
            }
            "a" => Some(vec![InspectMessage::KindSwitched(ChangeClass::Added)]),
            "m" => Some(vec![
                InspectMessage::KindSwitched(ChangeClass::Content),
                InspectMessage::KindSwitched(ChangeClass::Metadata),
            ]),
            "b" => Some(vec![InspectMessage::AttributesSwitched]),
            "o" => Some(vec![InspectMessage::SortChosen(match look.sort {
                SortBy::Name => SortBy::Size,
                SortBy::Size => SortBy::Change,
                SortBy::Change => SortBy::Name,
            })]),
            "e" => {
                let row = row.filter(|row| row.kind == RowKind::File)?;
                let what = SaveWhat::File { layer_idx, path: row.path.clone() };
                Some(vec![InspectMessage::SaveAsked(what)])
            }
            "Home" => to(0),
            "End" => to(last),
            _ => None,
        };
    }
    if event.alt_key() {
        return None;
    }
    match key.as_str() {
        "ArrowDown" => to(cursor + 1),
        "ArrowUp" => to(cursor.saturating_sub(1)),
        "Home" => to(0),
        "End" => to(last),
        "PageDown" => to(cursor.saturating_add(n_visible.saturating_sub(2).max(1))),
        "PageUp" => to(cursor.saturating_sub(n_visible.saturating_sub(2).max(1))),
        "F7" => Some(vec![InspectMessage::ChangeSought { is_backward: event.shift_key() }]),
        "ArrowRight" => match row?.is_unfolded {
            Some(false) => toggled(row?, true),
            Some(true) => to(cursor + 1),
            None => Some(Vec::new()),
        },
        "ArrowLeft" => match row {
            Some(row) if row.is_unfolded == Some(true) => toggled(row, false),
            Some(row) => {
                let (above, _) = row.path.rsplit_once('/')?;
                let path = above.to_owned();
                Some(vec![InspectMessage::PathSought { layer_idx, path }])
            }
            None => None,
        },
        " " if search.typed.is_empty() || event.time_stamp() > search.at_millis + TYPED_MILLIS => {
            let row = row?;
            row.is_unfolded.map_or(Some(Vec::new()), |is_unfolded| toggled(row, !is_unfolded))
        }
        "Enter" => {
            let row = row?;
            match row.is_unfolded {
                Some(is_unfolded) => toggled(row, !is_unfolded),
                None if row.kind == RowKind::Dir => Some(Vec::new()),
                None => Some(vec![InspectMessage::FileOpened { layer_idx, path: row.path.clone() }]),
            }
        }
        _ if key.chars().count() == 1 => {
            let is_later = event.time_stamp() > search.at_millis + TYPED_MILLIS;
            let is_same = search.typed == key;
            if is_later {
                search.typed.clear();
            }
            search.at_millis = event.time_stamp();
            // The same letter again goes on to the next name.
            let is_next = is_later || is_same;
            if !is_same || is_later {
                search.typed.push_str(&key);
            }
            Some(vec![InspectMessage::NameTyped { typed: search.typed.clone(), is_next }])
        }
        _ => None,
    }
}

/// The biggest files and folders, whatever folder they are in.
#[component(Biggest)]
pub(super) fn biggest(props: &PartProps) -> Html {
    let Some(open) = props.state.archives.image() else { return Html::default() };
    let kept = props.state.inspect.kept.get(&Topic::Biggest);
    if let Some(problem) = kept.and_then(|kept| kept.problem()) {
        return html! { <p class="notice" role="alert">{ icon("circle-alert") }{ visible(&format!("{problem}.")) }</p> };
    }
    let Some(Answer::Biggest { files, folders }) = props.state.inspect.last(Topic::Biggest) else {
        return html! { <p class="empty">{ "Looking for them." }</p> };
    };
    let layer_idx = open.layer_idx;
    let row = |row: &TreeRow| {
        let path = row.path.clone();
        let is_dir = row.kind == RowKind::Dir;
        let onclick = props.on_message.reform(move |_: MouseEvent| {
            let path = path.clone();
            Message::Inspect(if is_dir {
                InspectMessage::PathSought { layer_idx, path }
            } else {
                InspectMessage::FileOpened { layer_idx, path }
            })
        });
        html! {
            <tr key={row.path.clone()}>
                <td class="bytes">{ size(row.total_bytes) }</td>
                <td><button class="link path" {onclick}>{ icon(if is_dir { "folder" } else { "file" }) }<bdi>{ visible(&format!("/{}", row.path)) }</bdi></button></td>
                <td class="layer-of">{ format!("layer {}", row.written_by + 1) }</td>
            </tr>
        }
    };
    let table = |name: &'static str, rows: &[TreeRow]| {
        html! {
            <section class="biggest-list" aria-label={name}>
                <h3>{ name }</h3>
                if rows.is_empty() {
                    <p class="empty">{ "None." }</p>
                } else {
                    <table aria-label={name}><tbody>{ for rows.iter().map(row) }</tbody></table>
                }
            </section>
        }
    };
    html! { <div class="biggest">{ table("Biggest files", files) }{ table("Biggest folders", folders) }</div> }
}
