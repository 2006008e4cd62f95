//! Rows as they travel, and the answers made of them.

use std::rc::Rc;

use super::archive::{Archive, Known, narrow};
use super::flat::{Flat, FlatRow, Shown};
use crate::archive::tar::MemberKind;
use crate::layer::stack::rows::{Brief, StackRow};
use crate::layer::stack::{ChangeKind, NodeId, Stack};
use crate::layer::{LayerEntry, attributes};
use crate::protocol::inspect::rows::{
    Attribute, LayerCounts, LifeStep, RowAspect, RowChange, RowPlace, RowsReport, TreeOf, TreeQuery, TreeRow,
};
use crate::protocol::inspect::{Answer, ImageAt, MAX_ROWS};
use crate::protocol::{RowKind, exact};

/// What an entry is.
pub(super) fn kind_of(entry: Option<&LayerEntry>) -> RowKind {
    match entry.map(|entry| entry.kind) {
        Some(MemberKind::File) => RowKind::File,
        Some(MemberKind::Symlink) => RowKind::Symlink,
        Some(MemberKind::HardLink) => RowKind::HardLink,
        Some(MemberKind::Char | MemberKind::Block | MemberKind::Fifo | MemberKind::Other(_)) => {
            RowKind::Special
        }
        Some(MemberKind::Dir) | None => RowKind::Dir,
    }
}

/// What a layer does at a node.
pub(super) fn change_of(stack: &Stack, node: NodeId, layer_idx: usize) -> RowChange {
    let is_undecided = || stack.is_content_undecided(node, layer_idx);
    match stack.change(node, layer_idx) {
        None => RowChange::None,
        Some(ChangeKind::Added) => RowChange::Added,
        Some(ChangeKind::Modified(aspects)) => RowChange::Modified {
            aspects: aspects.into_iter().map(RowAspect::from).collect(),
            is_content_undecided: is_undecided(),
        },
        Some(ChangeKind::Unchanged) => RowChange::Again { is_content_undecided: is_undecided() },
        Some(ChangeKind::Removed { n_entries, bytes }) => {
            RowChange::Removed { n_entries: exact(n_entries), bytes: exact(bytes) }
        }
    }
}

/// The largest time that JavaScript counts exactly.
const MAX_SECS: i64 = (1 << 53) - 1;

fn attributes_of(entry: &LayerEntry) -> Vec<Attribute> {
    let attribute = |(name, value): &(String, Vec<u8>)| Attribute {
        name: name.clone(),
        text: attributes::text(name, value),
    };
    entry.xattrs().iter().map(attribute).collect()
}

/// A row of a tree; none where it does not show the node.
pub(super) fn tree_row(stack: &Stack, shown: &Shown, flat: &FlatRow) -> Option<TreeRow> {
    let Brief { total_bytes, is_removed, .. } = shown.brief(stack, flat.node)?;
    let StackRow { name, entry, written_by, has_changes_below, is_opaque, n_below, .. } =
        stack.row(flat.node, shown.layer_idx)?;
    let of_layer = shown.of == TreeOf::Layer && !is_removed;
    let n_below = if of_layer {
        let own = u64::from(stack.change(flat.node, shown.layer_idx).is_some());
        shown.sums.at(flat.node).1.saturating_sub(own)
    } else {
        n_below
    };
    let entry = entry.as_deref();
    let own_bytes = entry.filter(|entry| entry.kind == MemberKind::File).map_or(0, |entry| entry.size_bytes);
    Some(TreeRow {
        path: stack.path(flat.node),
        name,
        depth: flat.depth,
        kind: kind_of(entry),
        change: change_of(stack, flat.node, shown.layer_idx),
        has_changes_below,
        is_opaque,
        is_implicit: entry.is_none(),
        total_bytes: exact(total_bytes),
        own_bytes: exact(own_bytes),
        n_below: exact(n_below),
        mode: entry.map_or(0, |entry| entry.mode),
        uid: entry.map_or(0, |entry| exact(entry.uid)),
        gid: entry.map_or(0, |entry| exact(entry.gid)),
        mtime_secs: entry.map_or(0, |entry| entry.mtime_secs.clamp(-MAX_SECS, MAX_SECS)),
        link: entry.map_or(String::new(), |entry| entry.link().to_owned()),
        device: entry.and_then(LayerEntry::device),
        attributes: entry.map_or(Vec::new(), attributes_of),
        is_sparse: entry.is_some_and(|entry| entry.is_sparse),
        n_times: entry.map_or(1, |entry| entry.n_times.max(1)),
        written_by: narrow(written_by),
        is_matching: flat.is_matching,
        is_unfolded: flat.is_unfolded,
        pos_in_set: flat.pos,
        set_size: flat.set_size,
    })
}

/// A row that stands for itself.
fn lone_row(stack: &Stack, shown: &Shown, node: NodeId, (pos, set_size): (usize, usize)) -> Option<TreeRow> {
    let (pos, set_size) = (narrow(pos), narrow(set_size));
    let flat = FlatRow { node, depth: 0, pos, set_size, is_matching: true, is_unfolded: None };
    tree_row(stack, shown, &flat)
}

/// A window of rows.
pub(super) fn window(stack: &Stack, flat: &Flat, first: u32, n_rows: u32) -> RowsReport {
    let end = first.saturating_add(n_rows.min(MAX_ROWS)) as usize;
    let rows = flat.rows.get(first as usize..end.min(flat.rows.len())).unwrap_or(&[]);
    RowsReport {
        n_rows: narrow(flat.rows.len()),
        n_matching: flat.n_matching,
        first,
        rows: rows.iter().filter_map(|row| tree_row(stack, &flat.tree, row)).collect(),
        bad_pattern: flat.bad_pattern.clone(),
        missing_layers: flat.missing.clone(),
    }
}

/// Lists that were made, the one that was used last in front.
#[derive(Default)]
pub(super) struct Lists(Vec<Flat>);

/// So many lists are kept: of the trees that are on the screen, and of the ones before.
const MAX_LISTS: usize = 3;

impl Lists {
    /// The list of a question, made if it is not there.
    pub(super) fn get(
        &mut self,
        archive: &mut Archive,
        query: TreeQuery,
    ) -> Result<(Rc<Stack>, &Flat), String> {
        archive.layer_plan(query.image.image_idx, query.layer_idx)?;
        let Known { stack, missing } = archive.stack(query.image.image_idx, query.layer_idx)?;
        let revision = archive.revision();
        let known = self.0.iter().position(|flat| flat.revision == revision && flat.query == query);
        let flat = match known {
            Some(idx) => self.0.remove(idx),
            None => Flat::new(&stack, query, revision, missing),
        };
        self.0.truncate(MAX_LISTS - 1);
        self.0.insert(0, flat);
        let flat = self.0.first().ok_or_else(|| "the list was lost".to_owned())?;
        Ok((stack, flat))
    }

    /// Nothing of an archive is kept.
    pub(super) fn forget(&mut self, archive: crate::protocol::JobId) {
        self.0.retain(|flat| flat.query.image.archive != archive);
    }
}

/// Where the row of a path is, once all above it is unfolded.
pub(super) fn row_at(
    lists: &mut Lists,
    archive: &mut Archive,
    query: TreeQuery,
    path: &str,
) -> Result<Answer, String> {
    let (stack, flat) = lists.get(archive, query.clone())?;
    let Some(unfold) = flat.folded_above(&stack, path) else { return Ok(Answer::RowAt(None)) };
    let mut query = query;
    for folder in &unfold {
        query.folded.remove(folder);
        if !query.is_all_unfolded {
            query.unfolded.insert(folder.clone());
        }
    }
    drop(stack);
    let (stack, flat) = lists.get(archive, query)?;
    let idx = stack.find(path).and_then(|node| flat.position(node));
    let place = |idx| RowPlace { row_idx: narrow(idx), path: path.to_owned(), unfold };
    Ok(Answer::RowAt(idx.map(place)))
}

/// The place of a row that is there already.
pub(super) fn place(stack: &Stack, flat: &Flat, idx: Option<usize>) -> Answer {
    let place = idx.and_then(|idx| {
        let row = flat.rows.get(idx)?;
        Some(RowPlace { row_idx: narrow(idx), path: stack.path(row.node), unfold: Vec::new() })
    });
    Answer::RowAt(place)
}

/// The biggest files and folders.
pub(super) fn biggest(
    archive: &mut Archive,
    image: ImageAt,
    layer_idx: u32,
    of: TreeOf,
    n: u32,
) -> Result<Answer, String> {
    archive.layer_plan(image.image_idx, layer_idx)?;
    let Known { stack, .. } = archive.stack(image.image_idx, layer_idx)?;
    let shown = Shown::new(&stack, of, layer_idx);
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for node in stack.all_nodes() {
        let Some(brief) = shown.brief(&stack, node).filter(|brief| !brief.is_removed) else { continue };
        if brief.total_bytes > 0 {
            let list = if brief.is_dir { &mut folders } else { &mut files };
            list.push((std::cmp::Reverse(brief.total_bytes), node));
        }
    }
    let rows = |mut list: Vec<(std::cmp::Reverse<u64>, NodeId)>| -> Vec<TreeRow> {
        list.sort_unstable();
        list.truncate(n.min(MAX_ROWS) as usize);
        let set_size = list.len();
        let row =
            |(idx, (_, node)): (usize, &(_, NodeId))| lone_row(&stack, &shown, *node, (idx + 1, set_size));
        list.iter().enumerate().filter_map(row).collect()
    };
    Ok(Answer::Biggest { files: rows(files), folders: rows(folders) })
}

/// What each layer did at a path.
pub(super) fn life(archive: &mut Archive, image: ImageAt, path: &str) -> Result<Answer, String> {
    let Known { stack, .. } = archive.whole_stack(image.image_idx)?;
    let Some(node) = stack.find(path) else { return Ok(Answer::Life(Vec::new())) };
    let steps = stack.touches(path).into_iter().filter_map(|(layer_idx, change)| {
        let shown = Shown { of: TreeOf::Stack, layer_idx, sums: Default::default() };
        let row = lone_row(&stack, &shown, node, (1, 1))?;
        let (history_idx, instruction) = archive.instruction(image.image_idx, layer_idx);
        let is_removed = matches!(change, ChangeKind::Removed { .. });
        let digest = stack.file_at(node, layer_idx).filter(|_| !is_removed).and_then(|entry| entry.digest);
        let digest = digest.map(|digest| digest.to_string());
        Some(LifeStep { layer_idx: narrow(layer_idx), history_idx, instruction, row, digest })
    });
    Ok(Answer::Life(steps.collect()))
}

/// What each layer changes, in numbers.
pub(super) fn layers(archive: &mut Archive, image: ImageAt) -> Result<Answer, String> {
    let n_layers = archive.plan(image.image_idx)?.layers.len();
    if n_layers == 0 {
        return Ok(Answer::Layers(Vec::new()));
    }
    let Known { stack, missing } = archive.whole_stack(image.image_idx)?;
    let counts = (0..n_layers).map(|layer_idx| {
        let mut counts = LayerCounts { layer_idx: narrow(layer_idx), ..LayerCounts::default() };
        counts.is_missing = missing.contains(&counts.layer_idx);
        for change in stack.changes(layer_idx) {
            let own = stack.view(change.node, layer_idx).and_then(|view| view.entry);
            let own = own.filter(|entry| entry.kind == MemberKind::File).map_or(0, |entry| entry.size_bytes);
            let is_undecided = stack.is_content_undecided(change.node, layer_idx);
            match change.kind {
                ChangeKind::Added => {
                    counts.n_added += 1;
                    counts.added_bytes = counts.added_bytes.saturating_add(own);
                }
                ChangeKind::Removed { bytes, .. } => {
                    counts.n_removed += 1;
                    counts.removed_bytes = counts.removed_bytes.saturating_add(bytes);
                }
                kind => {
                    counts.rewritten_bytes = counts.rewritten_bytes.saturating_add(own);
                    counts.n_undecided += u64::from(is_undecided);
                    let is_content =
                        |aspects: &Vec<_>| aspects.iter().any(|aspect| RowAspect::from(*aspect).is_content());
                    match kind {
                        ChangeKind::Modified(aspects) if is_content(&aspects) => counts.n_content += 1,
                        ChangeKind::Modified(_) => counts.n_metadata += 1,
                        _ => counts.n_again += 1,
                    }
                }
            }
        }
        let root = stack.view(crate::layer::stack::ROOT, layer_idx);
        counts.tree_bytes = exact(root.map_or(0, |view| view.total_bytes));
        counts.n_paths = root.map_or(0, |view| view.n_below);
        for bytes in [&mut counts.added_bytes, &mut counts.rewritten_bytes, &mut counts.removed_bytes] {
            *bytes = exact(*bytes);
        }
        counts
    });
    Ok(Answer::Layers(counts.collect()))
}
