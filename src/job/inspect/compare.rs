//! Two images, as they travel.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::archive::{Archive, Known, narrow};
use super::bytes::Wanted;
use super::filter::Filter;
use super::rows::kind_of;
use crate::image::ImagePlan;
use crate::image::compare::{
    self, Comparison, FileDifference, FileDifferenceKind, LayerIds, LayerMatch, Side, Undecided,
};
use crate::image::history::instruction_of;
use crate::layer::stack::{ROOT, Stack};
use crate::protocol::inspect::compare::{
    CompareFilter, CompareReport, ComparedEntry, ComparedFile, ComparedLayer, ConfigChange, DifferenceKind,
    DifferenceSort, FileCounts, LayerFate,
};
use crate::protocol::inspect::rows::RowAspect;
use crate::protocol::inspect::{Answer, ImageAt, MAX_ROWS};
use crate::protocol::{JobId, exact};

/// What of an image is compared.
struct Half {
    at: ImageAt,
    revision: u64,
    stack: Rc<Stack>,
    missing: Vec<u32>,
    ids: Vec<LayerIds>,
    n_unverified: u32,
}

/// Two images that were compared.
pub(super) struct Compared {
    before: Half,
    after: Half,
    comparison: Comparison,
    undecided: Vec<Undecided>,
    /// The rows of the last filter, by their place among the differences.
    order: Option<(CompareFilter, Vec<usize>)>,
}

fn half(archives: &mut BTreeMap<JobId, Archive>, at: ImageAt) -> Result<Half, String> {
    let archive = archives.get_mut(&at.archive).ok_or_else(super::closed)?;
    let n_layers = archive.plan(at.image_idx)?.layers.len();
    let known = if n_layers == 0 {
        Known { stack: Rc::default(), missing: Vec::new() }
    } else {
        archive.whole_stack(at.image_idx)?
    };
    let layers = &archive.plan(at.image_idx)?.layers;
    let (mut ids, mut n_unverified) = (Vec::new(), 0);
    for plan in layers {
        let (id, is_verified) = archive.layer_ids(plan);
        n_unverified += u32::from(!is_verified);
        ids.push(id);
    }
    let revision = archive.revision();
    Ok(Half { at, revision, stack: known.stack, missing: known.missing, ids, n_unverified })
}

fn plan_of(archives: &BTreeMap<JobId, Archive>, at: ImageAt) -> Result<&ImagePlan, String> {
    archives.get(&at.archive).ok_or_else(super::closed)?.plan(at.image_idx)
}

/// Compares two images, unless that was done last.
pub(super) fn compared<'c>(
    known: &'c mut Option<Compared>,
    archives: &mut BTreeMap<JobId, Archive>,
    before: ImageAt,
    after: ImageAt,
) -> Result<&'c mut Compared, String> {
    let revision = |at: ImageAt| archives.get(&at.archive).map(Archive::revision);
    let is_same = |half: &Half, at: ImageAt| half.at == at && Some(half.revision) == revision(at);
    let last = known.take().filter(|last| is_same(&last.before, before) && is_same(&last.after, after));
    let made = match last {
        Some(last) => last,
        None => {
            let (before, after) = (half(archives, before)?, half(archives, after)?);
            let side = |half: &Half| plan_of(archives, half.at);
            let (old_plan, new_plan) = (side(&before)?, side(&after)?);
            let old = Side { plan: old_plan, layers: &before.ids, stack: &before.stack };
            let new = Side { plan: new_plan, layers: &after.ids, stack: &after.stack };
            let comparison = Comparison::of(old, new);
            let undecided = compare::undecided(old, new, &comparison.layers);
            Compared { before, after, comparison, undecided, order: None }
        }
    };
    Ok(known.insert(made))
}

impl Compared {
    /// It is of this archive.
    pub(super) fn is_of(&self, archive: JobId) -> bool {
        self.before.at.archive == archive || self.after.at.archive == archive
    }

    /// It is of these two, in this order.
    pub(super) fn is_of_pair(&self, before: ImageAt, after: ImageAt) -> bool {
        self.before.at == before && self.after.at == after
    }

    /// What has to be hashed of one of its images.
    pub(super) fn wanted(&self, at: ImageAt) -> Wanted {
        let is_before = self.before.at == at;
        let half = if is_before { &self.before } else { &self.after };
        let mut lists = vec![Vec::new(); half.ids.len()];
        for one in &self.undecided {
            let layer_idx = if is_before { one.before_idx } else { one.after_idx };
            let node = half.stack.find(&one.path);
            let entry = node.and_then(|node| half.stack.view(node, half.ids.len().saturating_sub(1))?.entry);
            // Digest and content of a link are those of the file that it names.
            let is_unread = entry.is_some_and(|entry| entry.digest.is_none());
            if let Some(list) = lists.get_mut(layer_idx).filter(|_| is_unread) {
                list.push(one.path.clone());
            }
        }
        Wanted::These(lists)
    }

    /// The comparison as a whole.
    pub(super) fn report(&self, archives: &BTreeMap<JobId, Archive>) -> Result<Answer, String> {
        let Comparison { config, pull_bytes, pull_back_bytes, files, .. } = &self.comparison;
        let config = config.iter().map(|one| ConfigChange {
            field: one.field.clone(),
            before: one.before.clone(),
            after: one.after.clone(),
        });
        let stored = |half: &Half| {
            let mut seen = std::collections::BTreeSet::new();
            let is_new = |ids: &&LayerIds| ids.blob_digest.is_none_or(|digest| seen.insert(digest));
            half.ids.iter().filter(is_new).fold(0_u64, |sum, ids| sum.saturating_add(ids.stored_bytes))
        };
        let tree = |half: &Half| {
            let top = half.ids.len().checked_sub(1);
            let root = top.and_then(|top| half.stack.view(ROOT, top));
            root.map_or((0, 0), |view| (view.total_bytes, view.n_below))
        };
        let ((before_tree_bytes, n_before_paths), (after_tree_bytes, n_after_paths)) =
            (tree(&self.before), tree(&self.after));
        let undecided_bytes = self.undecided.iter().fold(0_u64, |sum, one| sum.saturating_add(one.bytes));
        Ok(Answer::Compare(Box::new(CompareReport {
            layers: self.layers(plan_of(archives, self.before.at)?, plan_of(archives, self.after.at)?),
            files: counts(files),
            config: config.collect(),
            pull_bytes: exact(*pull_bytes),
            pull_back_bytes: exact(*pull_back_bytes),
            before_stored_bytes: exact(stored(&self.before)),
            after_stored_bytes: exact(stored(&self.after)),
            before_tree_bytes: exact(before_tree_bytes),
            after_tree_bytes: exact(after_tree_bytes),
            n_before_paths,
            n_after_paths,
            n_unverified_layers: self.before.n_unverified + self.after.n_unverified,
            n_undecided: self.undecided.len() as u64,
            undecided_bytes: exact(undecided_bytes),
            before_missing_layers: self.before.missing.clone(),
            after_missing_layers: self.after.missing.clone(),
        })))
    }

    fn layers(&self, before: &ImagePlan, after: &ImagePlan) -> Vec<ComparedLayer> {
        let instruction = |plan: &ImagePlan, idx: usize| {
            let layer = plan.layers.get(idx)?;
            layer.history.as_ref().map(|entry| instruction_of(&entry.created_by))
        };
        let digest = |ids: &LayerIds| {
            let blob = ids.blob_digest.map(|digest| digest.to_string());
            blob.or_else(|| ids.diff_id.map(|diff_id| diff_id.to_string()))
        };
        let stored = |half: &Half, idx: usize| exact(half.ids.get(idx).map_or(0, |ids| ids.stored_bytes));
        let of_after = self.comparison.layers.iter().zip(&self.after.ids).enumerate();
        let mut layers: Vec<ComparedLayer> = of_after
            .map(|(after_idx, (found, ids))| ComparedLayer {
                fate: match found {
                    LayerMatch::SameBlob { .. } => LayerFate::Shared,
                    LayerMatch::SameDiffId { .. } => LayerFate::SameTar,
                    LayerMatch::Replaced { .. } => LayerFate::Replaced,
                    LayerMatch::New => LayerFate::Added,
                },
                before_idx: found.before_idx().map(narrow),
                after_idx: Some(narrow(after_idx)),
                instruction: instruction(after, after_idx),
                before_bytes: found.before_idx().map_or(0, |idx| stored(&self.before, idx)),
                after_bytes: exact(ids.stored_bytes),
                digest: digest(ids),
            })
            .collect();
        layers.extend(self.comparison.dropped_layers.iter().map(|idx| ComparedLayer {
            fate: LayerFate::Removed,
            before_idx: Some(narrow(*idx)),
            after_idx: None,
            instruction: instruction(before, *idx),
            before_bytes: stored(&self.before, *idx),
            after_bytes: 0,
            digest: self.before.ids.get(*idx).and_then(digest),
        }));
        layers
    }

    /// A window of the differences.
    pub(super) fn rows(&mut self, filter: CompareFilter, first: u32, n_rows: u32) -> Answer {
        let is_known = self.order.as_ref().is_some_and(|(known, _)| *known == filter);
        if !is_known {
            match order(&self.comparison.files, &filter) {
                Ok(order) => self.order = Some((filter, order)),
                Err(bad) => {
                    return Answer::CompareRows { n_rows: 0, rows: Vec::new(), bad_pattern: Some(bad) };
                }
            }
        }
        let order = self.order.as_ref().map_or(&[][..], |(_, order)| order);
        let end = (first.saturating_add(n_rows.min(MAX_ROWS)) as usize).min(order.len());
        let window = order.get(first as usize..end).unwrap_or(&[]);
        let files = window.iter().filter_map(|idx| self.comparison.files.get(*idx));
        let rows = files.map(|file| self.file(file)).collect();
        Answer::CompareRows { n_rows: narrow(order.len()), rows, bad_pattern: None }
    }

    fn file(&self, file: &FileDifference) -> ComparedFile {
        let aspects = match &file.kind {
            FileDifferenceKind::Changed(aspects) => {
                aspects.iter().map(|aspect| RowAspect::from(*aspect)).collect()
            }
            FileDifferenceKind::Added | FileDifferenceKind::Removed => Vec::new(),
        };
        ComparedFile {
            path: file.path.clone(),
            kind: kind(file),
            aspects,
            before: entry(&self.before, &file.path, file.before_bytes),
            after: entry(&self.after, &file.path, file.after_bytes),
        }
    }
}

fn entry(half: &Half, path: &str, bytes: u64) -> Option<ComparedEntry> {
    let top = half.ids.len().checked_sub(1)?;
    let view = half.stack.view(half.stack.find(path)?, top)?;
    let entry = view.entry.map(|entry| &**entry);
    Some(ComparedEntry {
        kind: kind_of(entry),
        bytes: exact(bytes),
        mode: entry.map_or(0, |entry| entry.mode),
        uid: entry.map_or(0, |entry| exact(entry.uid)),
        gid: entry.map_or(0, |entry| exact(entry.gid)),
        link: entry.map_or(String::new(), |entry| entry.link().to_owned()),
        written_by: narrow(view.written_by),
    })
}

fn kind(file: &FileDifference) -> DifferenceKind {
    match &file.kind {
        FileDifferenceKind::Added => DifferenceKind::Added,
        FileDifferenceKind::Removed => DifferenceKind::Removed,
        FileDifferenceKind::Changed(aspects) => {
            let is_content = aspects.iter().any(|aspect| RowAspect::from(*aspect).is_content());
            if is_content { DifferenceKind::Content } else { DifferenceKind::Metadata }
        }
    }
}

fn counts(files: &[FileDifference]) -> FileCounts {
    let mut counts = FileCounts::default();
    let add = |sum: &mut u64, bytes: u64| *sum = exact(sum.saturating_add(bytes));
    for file in files {
        match kind(file) {
            DifferenceKind::Added => {
                counts.n_added += 1;
                add(&mut counts.added_bytes, file.after_bytes);
            }
            DifferenceKind::Removed => {
                counts.n_removed += 1;
                add(&mut counts.removed_bytes, file.before_bytes);
            }
            DifferenceKind::Content => {
                counts.n_content += 1;
                add(&mut counts.content_before_bytes, file.before_bytes);
                add(&mut counts.content_after_bytes, file.after_bytes);
            }
            DifferenceKind::Metadata => counts.n_metadata += 1,
        }
    }
    counts
}

/// Which differences a filter lets through, in its order. They come by path.
fn order(
    files: &[FileDifference],
    wanted: &CompareFilter,
) -> Result<Vec<usize>, crate::protocol::inspect::rows::BadPattern> {
    let filter = Filter::new(&wanted.rows)?;
    let bytes = |file: &FileDifference| file.before_bytes.max(file.after_bytes);
    let is_let_through = |file: &FileDifference| {
        (wanted.kinds.is_empty() || wanted.kinds.contains(&kind(file)))
            && bytes(file) >= wanted.rows.min_bytes
            && filter.is_match_anywhere(&file.path)
    };
    let mut found: Vec<(usize, &FileDifference)> =
        files.iter().enumerate().filter(|(_, file)| is_let_through(file)).collect();
    match wanted.sort {
        DifferenceSort::Difference => {
            found.sort_by_key(|(_, file)| Reverse(file.before_bytes.abs_diff(file.after_bytes)));
        }
        DifferenceSort::Bytes => found.sort_by_key(|(_, file)| Reverse(bytes(file))),
        DifferenceSort::Path => {}
    }
    if wanted.is_reversed {
        found.reverse();
    }
    Ok(found.into_iter().map(|(idx, _)| idx).collect())
}
