//! Trees of files: the row that they have in common, and the tree of a layer that is not built yet.

use std::collections::BTreeSet;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::icon::icon;
use super::size::{octal, size};
use crate::app::sketch::folder_rows;
use crate::context::Tree;
use crate::protocol::{FolderRow, RowKind};
use crate::text::visible;

/// Of small trees all folders begin unfolded.
const MAX_UNFOLDED: usize = 40;

/// More rows of one folder than this are cut, so that the page stays quick.
const MAX_ROWS: usize = 400;

#[derive(Properties, PartialEq)]
pub(super) struct SketchTreeProps {
    pub(super) tree: Rc<Tree>,
    pub(super) label: &'static str,
}

/// The files of a layer as a build would write it.
#[component(SketchTree)]
pub(super) fn sketch_tree(props: &SketchTreeProps) -> Html {
    // Folders that are not as they begin.
    let toggled = use_state(BTreeSet::<String>::new);
    let on_toggle = {
        let toggled = toggled.clone();
        Callback::from(move |path: String| {
            let mut now = (*toggled).clone();
            if !now.remove(&path) {
                now.insert(path);
            }
            toggled.set(now);
        })
    };
    html! {
        <div class="tree" role="tree" aria-label={props.label}>
            { folder(props, &toggled, &on_toggle, "", 0) }
        </div>
    }
}

fn folder(
    props: &SketchTreeProps,
    toggled: &BTreeSet<String>,
    on_toggle: &Callback<String>,
    path: &str,
    depth: u32,
) -> Html {
    let rows = folder_rows(&props.tree, path);
    let begins_open = props.tree.len() <= MAX_UNFOLDED;
    let row = |(idx, row): (usize, &FolderRow)| {
        let below = if path.is_empty() { row.name.clone() } else { format!("{path}/{}", row.name) };
        let is_unfolded = row.kind == RowKind::Dir && begins_open != toggled.contains(&below);
        html! {
            <>
                <TreeRow row={row.clone()} path={below.clone()} {depth} {is_unfolded} is_first={idx == 0 && depth == 0} on_toggle={on_toggle.clone()} />
                if is_unfolded {
                    <div role="group">{ folder(props, toggled, on_toggle, &below, depth + 1) }</div>
                }
            </>
        }
    };
    html! {
        <>
            { for rows.iter().take(MAX_ROWS).enumerate().map(row) }
            if rows.len() > MAX_ROWS { <p class="empty">{ format!("{} more", rows.len() - MAX_ROWS) }</p> }
        </>
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct TreeRowProps {
    pub(super) row: FolderRow,
    pub(super) path: String,
    pub(super) depth: u32,
    pub(super) is_unfolded: bool,
    pub(super) is_first: bool,
    /// Hears the path of a folder that is to be unfolded or folded.
    pub(super) on_toggle: Callback<String>,
}

/// A file or folder of a layer.
#[component(TreeRow)]
pub(super) fn tree_row(props: &TreeRowProps) -> Html {
    let row = &props.row;
    let is_dir = row.kind == RowKind::Dir;
    let toggle = {
        let (on_toggle, path) = (props.on_toggle.clone(), props.path.clone());
        Callback::from(move |()| {
            if is_dir {
                on_toggle.emit(path.clone());
            }
        })
    };
    let onclick = {
        let toggle = toggle.clone();
        Callback::from(move |_: MouseEvent| toggle.emit(()))
    };
    let is_unfolded = props.is_unfolded;
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        let wants = match event.key().as_str() {
            "Enter" | " " => true,
            "ArrowRight" => !is_unfolded,
            "ArrowLeft" => is_unfolded,
            "ArrowDown" | "ArrowUp" => {
                event.prevent_default();
                return focus_neighbour(&event);
            }
            _ => false,
        };
        if wants && is_dir {
            event.prevent_default();
            toggle.emit(());
        }
    });
    let (image, word) = match row.kind {
        RowKind::Dir => ("folder", ""),
        RowKind::File => ("file", ""),
        RowKind::Symlink => ("link", "link"),
        RowKind::HardLink => ("link", "hard link"),
        RowKind::Special => ("file", "special"),
        RowKind::Whiteout => ("trash-2", "removed"),
    };
    let indent = format!("indent-{}", props.depth.min(12));
    html! {
        <div
            class={classes!("tree-row", indent, (row.kind == RowKind::Whiteout).then_some("whiteout"))}
            role="treeitem"
            // One row is a stop of the Tab key; arrows lead to the others.
            tabindex={if props.is_first { "0" } else { "-1" }}
            aria-level={(props.depth + 1).to_string()}
            aria-expanded={is_dir.then(|| props.is_unfolded.to_string())}
            {onclick}
            {onkeydown}
        >
            <span class={classes!("twist", is_dir.then_some("folder"), props.is_unfolded.then_some("open"))}>if is_dir { { icon("chevron-right") } }</span>
            { icon(image) }
            <bdi class="tree-name">{ visible(&row.name) }</bdi>
            if !row.link.is_empty() { <span class="tree-link">{ "→ " }<bdi>{ visible(&row.link) }</bdi></span> }
            if !word.is_empty() { <span class="tree-kind">{ word }</span> }
            if row.n_times > 1 { <span class="tree-kind" title="The layer has its path more than once; the last entry counts">{ format!("stands {} times", row.n_times) }</span> }
            if row.is_opaque { <span class="tree-kind">{ "hides what is below" }</span> }
            <span class="tree-mode">{ if row.kind == RowKind::Whiteout { String::new() } else { octal(row.mode) } }</span>
            if row.kind != RowKind::Whiteout { { size(row.total_bytes) } }
        </div>
    }
}

/// Moves the focus from a row of a tree to the one above or below it.
fn focus_neighbour(event: &KeyboardEvent) {
    let Some(row) = event.target_dyn_into::<Element>() else { return };
    let Ok(Some(tree)) = row.closest("[role=tree]") else { return };
    let Ok(rows) = tree.query_selector_all("[role=treeitem]") else { return };
    let Some(at) = (0..rows.length()).find(|idx| rows.get(*idx).as_ref() == Some(row.as_ref())) else {
        return;
    };
    let next = if event.key() == "ArrowDown" { at.checked_add(1) } else { at.checked_sub(1) };
    if let Some(next) =
        next.and_then(|idx| rows.get(idx)).and_then(|next| next.dyn_into::<HtmlElement>().ok())
    {
        let _ = next.focus();
    }
}
