//! What an image carries for nothing, as it travels.

use std::rc::Rc;

use super::archive::{Archive, Known, narrow};
use crate::layer::dive::Dive;
use crate::layer::findings::{self, Advice};
use crate::layer::stack::is_undecided;
use crate::layer::unhashed;
use crate::layer::waste::{Cause, Hidden, Waste};
use crate::layer::{LayerEntry, LayerTree};
use crate::protocol::exact;
use crate::protocol::inspect::rows::RowAspect;
use crate::protocol::inspect::waste::{
    DiveReport, DiveRow, DuplicateRow, FindingRow, HiddenCause, HiddenRow, LayerWasteRow, PathRow, Top,
    Undecided, WasteReport, WasteTotals,
};
use crate::protocol::inspect::{Answer, ImageAt, MAX_ROWS};

/// So many paths of a content are told.
const MAX_PATHS: usize = 50;

/// The first rows of a list, and what the others add up to.
fn top<T, R>(list: &[T], n_rows: usize, bytes: impl Fn(&T) -> u64, row: impl Fn(&T) -> R) -> Top<R> {
    let (shown, more) = list.split_at_checked(n_rows).unwrap_or((list, &[]));
    Top {
        rows: shown.iter().map(row).collect(),
        n_more: more.len() as u64,
        more_bytes: exact(more.iter().fold(0, |sum, one| sum.saturating_add(bytes(one)))),
    }
}

/// Whether hidden content is the same as what hides it is not known.
fn is_hidden_undecided(trees: &[Option<&LayerTree>], hidden: &Hidden) -> bool {
    let entry =
        |layer_idx: usize| -> Option<&LayerEntry> { trees.get(layer_idx).copied()??.get(&hidden.path) };
    let entries = entry(hidden.layer_idx).zip(entry(hidden.hidden_by));
    hidden.cause != Cause::WithinLayer && entries.is_some_and(|(before, now)| is_undecided(before, now))
}

fn hidden_row(trees: &[Option<&LayerTree>], hidden: &Hidden) -> HiddenRow {
    HiddenRow {
        path: hidden.path.clone(),
        size_bytes: exact(hidden.size_bytes),
        layer_idx: narrow(hidden.layer_idx),
        hidden_by: narrow(hidden.hidden_by),
        cause: match &hidden.cause {
            Cause::Removed => HiddenCause::Removed,
            Cause::Overwritten => HiddenCause::Overwritten,
            Cause::Metadata(aspects) => {
                HiddenCause::Metadata(aspects.iter().map(|aspect| RowAspect::from(*aspect)).collect())
            }
            Cause::Repeated => HiddenCause::Repeated,
            Cause::WithinLayer => HiddenCause::WithinLayer,
        },
        is_undecided: is_hidden_undecided(trees, hidden),
    }
}

/// The answer.
pub(super) fn waste(
    archive: &mut Archive,
    image: ImageAt,
    n_base_layers: u32,
    n_rows: u32,
) -> Result<Answer, String> {
    if archive.plan(image.image_idx)?.layers.is_empty() {
        return Ok(Answer::Waste(Box::default()));
    }
    let waste: Rc<Waste> = archive.waste(image.image_idx, n_base_layers as usize)?;
    let Known { stack, missing } = archive.whole_stack(image.image_idx)?;
    let archive = &*archive;
    let known = archive.trees(image.image_idx)?;
    let empty = LayerTree::default();
    let trees: Vec<&LayerTree> = known.iter().map(|tree| tree.unwrap_or(&empty)).collect();
    let n_rows = n_rows.min(MAX_ROWS) as usize;
    let by_path = waste.by_path();
    let findings: Vec<findings::Finding> = findings::find(&trees, &stack)
        .into_iter()
        .filter(|one| one.layer_idx >= n_base_layers as usize)
        .collect();
    let totals = waste.totals;
    let layer_row = |(layer_idx, layer): (usize, &crate::layer::waste::LayerWaste)| {
        let (history_idx, instruction) = archive.instruction(image.image_idx, layer_idx);
        LayerWasteRow {
            stores_bytes: exact(layer.stores_bytes),
            hides_bytes: exact(layer.hides_bytes),
            content_bytes: exact(trees.get(layer_idx).map_or(0, |tree| tree.content_bytes)),
            history_idx,
            instruction,
        }
    };
    let report = WasteReport {
        totals: WasteTotals {
            n_layers: totals.n_layers,
            n_paths: totals.n_paths,
            tree_bytes: exact(totals.tree_bytes),
            content_bytes: exact(totals.content_bytes),
            linked_bytes: exact(totals.linked_bytes),
            hidden_bytes: exact(totals.hidden_bytes),
            marks_bytes: exact(totals.marks_bytes),
        },
        hidden_bytes: exact(waste.hidden_bytes()),
        duplicate_bytes: exact(waste.duplicate_bytes()),
        hidden: top(&waste.hidden, n_rows, |one| one.size_bytes, |one| hidden_row(&known, one)),
        paths: top(
            &by_path,
            n_rows,
            |one| one.bytes,
            |one| PathRow { path: one.path.clone(), n_copies: one.n_copies, bytes: exact(one.bytes) },
        ),
        duplicates: top(
            &waste.duplicates,
            n_rows,
            |one| one.extra_bytes,
            |one| DuplicateRow {
                digest: one.digest.to_string(),
                size_bytes: exact(one.size_bytes),
                paths: one.paths.iter().take(MAX_PATHS).cloned().collect(),
                n_paths: one.paths.len() as u64,
                extra_bytes: exact(one.extra_bytes),
            },
        ),
        layers: waste.layers.iter().enumerate().map(layer_row).collect(),
        findings: top(&findings, n_rows, |one| one.bytes, |one| finding_row(archive, image, one)),
        dive: dive(&trees, n_rows),
        undecided: undecided(&trees),
        missing_layers: missing,
    };
    Ok(Answer::Waste(Box::new(report)))
}

fn finding_row(archive: &Archive, image: ImageAt, one: &findings::Finding) -> FindingRow {
    let (history_idx, instruction) = archive.instruction(image.image_idx, one.layer_idx);
    // What was copied was made elsewhere: no switch of a tool keeps it out.
    let is_copied =
        instruction.as_deref().is_some_and(|text| text.starts_with("COPY ") || text.starts_with("ADD "));
    FindingRow {
        kind: one.kind,
        advice: if is_copied { Advice::Ignore } else { one.advice },
        path: one.path.clone(),
        layer_idx: narrow(one.layer_idx),
        history_idx,
        instruction,
        bytes: exact(one.bytes),
        n_files: one.n_files,
        visibility: one.visibility,
        hidden_by: one.hidden_by.map(narrow),
    }
}

fn dive(trees: &[&LayerTree], n_rows: usize) -> DiveReport {
    let dive = Dive::of(trees.iter().copied());
    let user_bytes = dive.layer_bytes.iter().skip(1).fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
    DiveReport {
        smallest_bytes: exact(dive.smallest_bytes),
        n_unknown: dive.n_unknown,
        discovered_bytes: exact(dive.discovered_bytes),
        wasted_bytes: exact(dive.wasted_bytes),
        size_bytes: exact(dive.size_bytes),
        user_bytes: exact(user_bytes),
        files: top(
            &dive.files,
            n_rows,
            |one| one.bytes,
            |one| DiveRow {
                path: one.path.trim_start_matches('/').to_owned(),
                n_layers: one.n_layers,
                bytes: exact(one.bytes),
            },
        ),
    }
}

/// How much has to be read.
fn undecided(trees: &[&LayerTree]) -> Undecided {
    let sum = |lists: Vec<Vec<String>>| {
        let entries =
            trees.iter().zip(&lists).flat_map(|(tree, paths)| paths.iter().filter_map(|path| tree.get(path)));
        let bytes = entries.fold(0_u64, |sum, entry| sum.saturating_add(entry.size_bytes));
        (lists.iter().map(|paths| paths.len() as u64).sum::<u64>(), exact(bytes))
    };
    let (n_rewrites, rewrites_bytes) = sum(unhashed::rewritten(trees));
    let (n_copies, copies_bytes) = sum(unhashed::of_same_length(trees));
    Undecided { n_rewrites, rewrites_bytes, n_copies, copies_bytes }
}
