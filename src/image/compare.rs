//! Two images: which layers they share, how their files and configurations differ, what a pull costs.
//!
//! A registry and a daemon know a layer by the digest of its stored bytes; the
//! same tar compressed otherwise is another blob, and only its diffID tells
//! that it is the same. Both are told apart: the files are the same either way,
//! but a pull takes the bytes of every blob that is not there.
//!
//! A layer is *replaced* by the one that the same line of the history made,
//! where neither is shared. Files are those of the final trees; that they stand
//! in other layers is no difference.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{ImagePlan, Layer, LayerPlan};
use crate::digest::{DiffId, Digest};
use crate::layer::LayerEntry;
use crate::layer::stack::{Aspect, NodeId, Stack, differences, is_undecided};
use crate::oci::ImageConfig;

/// What a layer is known by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LayerIds {
    /// Digest of the stored bytes.
    pub blob_digest: Option<Digest>,
    /// Digest of the tar inside.
    pub diff_id: Option<DiffId>,
    /// Bytes stored.
    pub stored_bytes: u64,
    /// The line of the history that made it.
    pub created_by: Option<String>,
}

impl LayerIds {
    /// Those of a layer that was read.
    #[must_use]
    pub fn of(plan: &LayerPlan, layer: &Layer) -> Self {
        Self {
            blob_digest: layer.blob_digest,
            diff_id: layer.diff_id,
            stored_bytes: plan.stored_bytes,
            created_by: plan.history.as_ref().map(|entry| entry.created_by.clone()),
        }
    }
}

/// One of two images.
#[derive(Clone, Copy)]
pub struct Side<'i> {
    /// Its plan.
    pub plan: &'i ImagePlan,
    /// Its layers, lowest first.
    pub layers: &'i [LayerIds],
    /// Its files.
    pub stack: &'i Stack,
}

/// What became of a layer of the image before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayerMatch {
    /// The same blob.
    SameBlob {
        /// The layer of the image before.
        before_idx: usize,
    },
    /// The same tar, stored otherwise.
    SameDiffId {
        /// The layer of the image before.
        before_idx: usize,
    },
    /// Another content from the same line of the history.
    Replaced {
        /// The layer of the image before.
        before_idx: usize,
    },
    /// Nothing like it was there.
    New,
}

/// A path at which the final trees differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileDifference {
    /// The path.
    pub path: String,
    /// What it has in one image only, or what differs.
    pub kind: FileDifferenceKind,
    /// Bytes of its content before.
    pub before_bytes: u64,
    /// And after.
    pub after_bytes: u64,
}

/// How the final trees differ at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileDifferenceKind {
    /// Only the image after has it.
    Added,
    /// Only the image before has it.
    Removed,
    /// These differ.
    Changed(Vec<Aspect>),
}

/// A field of the configurations that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigDifference {
    /// Its place: `config.Env.PATH`.
    pub field: String,
    /// Its value before, as text or JSON.
    pub before: Option<String>,
    /// And after.
    pub after: Option<String>,
}

/// How two images differ.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Comparison {
    /// For each layer of the image after, what it is to the image before.
    pub layers: Vec<LayerMatch>,
    /// Layers of the image before that nothing of the image after comes from.
    pub dropped_layers: Vec<usize>,
    /// Files by path.
    pub files: Vec<FileDifference>,
    /// Fields of the configurations; history and the list of layers are left out.
    pub config: Vec<ConfigDifference>,
    /// Bytes of the layers that someone pulls who has the image before.
    pub pull_bytes: u64,
    /// Bytes of the layers that someone pulls the other way.
    pub pull_back_bytes: u64,
}

impl Comparison {
    /// Compares an image with the one before.
    #[must_use]
    pub fn of(before: Side<'_>, after: Side<'_>) -> Self {
        let layers = match_layers(before.layers, after.layers);
        let used: BTreeSet<usize> = layers.iter().filter_map(|found| found.before_idx()).collect();
        Self {
            dropped_layers: (0..before.layers.len()).filter(|idx| !used.contains(idx)).collect(),
            layers,
            files: compare_files(before.stack, after.stack),
            config: compare_configs(&before.plan.config, &after.plan.config),
            pull_bytes: pull_bytes(before.layers, after.layers),
            pull_back_bytes: pull_bytes(after.layers, before.layers),
        }
    }

    /// Bytes of content in the final tree after, less those before.
    #[must_use]
    pub fn grown_bytes(&self) -> i128 {
        let grown = |file: &FileDifference| i128::from(file.after_bytes) - i128::from(file.before_bytes);
        self.files.iter().map(grown).sum()
    }
}

impl LayerMatch {
    /// The layer of the image before.
    #[must_use]
    pub fn before_idx(self) -> Option<usize> {
        match self {
            Self::SameBlob { before_idx }
            | Self::SameDiffId { before_idx }
            | Self::Replaced { before_idx } => Some(before_idx),
            Self::New => None,
        }
    }
}

/// Each layer before is taken once, for the first layer after that fits best.
fn match_layers(before: &[LayerIds], after: &[LayerIds]) -> Vec<LayerMatch> {
    let mut found = vec![LayerMatch::New; after.len()];
    let mut used = BTreeSet::new();
    let mut pass = |fits: &dyn Fn(&LayerIds, &LayerIds) -> bool, make: &dyn Fn(usize) -> LayerMatch| {
        for (slot, layer) in found.iter_mut().zip(after) {
            if *slot != LayerMatch::New {
                continue;
            }
            let same = before.iter().enumerate().find(|(idx, old)| !used.contains(idx) && fits(old, layer));
            if let Some((before_idx, _)) = same {
                used.insert(before_idx);
                *slot = make(before_idx);
            }
        }
    };
    pass(&|old, new| old.blob_digest.is_some() && old.blob_digest == new.blob_digest, &|before_idx| {
        LayerMatch::SameBlob { before_idx }
    });
    pass(&|old, new| old.diff_id.is_some() && old.diff_id == new.diff_id, &|before_idx| {
        LayerMatch::SameDiffId { before_idx }
    });
    pass(&|old, new| old.created_by.is_some() && old.created_by == new.created_by, &|before_idx| {
        LayerMatch::Replaced { before_idx }
    });
    found
}

/// Bytes of the blobs of `wanted` that are not among those of `owned`, each counted once.
fn pull_bytes(owned: &[LayerIds], wanted: &[LayerIds]) -> u64 {
    let mut there: BTreeSet<Digest> = owned.iter().filter_map(|layer| layer.blob_digest).collect();
    let is_new = |layer: &&LayerIds| layer.blob_digest.is_none_or(|digest| there.insert(digest));
    wanted.iter().filter(is_new).fold(0, |sum, layer| sum.saturating_add(layer.stored_bytes))
}

fn compare_files(before: &Stack, after: &Stack) -> Vec<FileDifference> {
    /// The final tree: what stands at a path, and the bytes of its content.
    fn entries(stack: &Stack) -> BTreeMap<String, Option<&LayerEntry>> {
        let Some(top) = stack.n_layers().checked_sub(1) else { return BTreeMap::new() };
        stack.tree(top).into_iter().map(|(path, node)| (path, stack.file_at(node, top))).collect()
    }
    fn bytes(entry: Option<&LayerEntry>) -> u64 {
        entry.map_or(0, |entry| entry.size_bytes)
    }
    let (before, mut after) = (entries(before), entries(after));
    let mut found = Vec::new();
    for (path, old) in before {
        let before_bytes = bytes(old);
        let Some(new) = after.remove(&path) else {
            let kind = FileDifferenceKind::Removed;
            found.push(FileDifference { path, kind, before_bytes, after_bytes: 0 });
            continue;
        };
        let aspects = match (old, new) {
            (Some(old), Some(new)) => differences(old, new),
            (None, None) => Vec::new(),
            _ => vec![Aspect::OwnEntry],
        };
        if !aspects.is_empty() {
            let kind = FileDifferenceKind::Changed(aspects);
            found.push(FileDifference { path, kind, before_bytes, after_bytes: bytes(new) });
        }
    }
    found.extend(after.into_iter().map(|(path, new)| FileDifference {
        path,
        kind: FileDifferenceKind::Added,
        before_bytes: 0,
        after_bytes: bytes(new),
    }));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// A path whose content is told to be the same by its length alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undecided {
    /// The path.
    pub path: String,
    /// The layer of the image before that wrote it.
    pub before_idx: usize,
    /// The layer of the image after that wrote it.
    pub after_idx: usize,
    /// Bytes to be read of both images.
    pub bytes: u64,
}

/// Paths of both final trees with contents of the same length that were not read, other than those
/// that come from the same layer.
#[must_use]
pub fn undecided(before: Side<'_>, after: Side<'_>, layers: &[LayerMatch]) -> Vec<Undecided> {
    let tops = before.stack.n_layers().checked_sub(1).zip(after.stack.n_layers().checked_sub(1));
    let Some((old_top, new_top)) = tops else { return Vec::new() };
    let found = |(path, node): (String, NodeId)| {
        let old_node = before.stack.find(&path)?;
        let before_idx = before.stack.view(old_node, old_top)?.written_by;
        let after_idx = after.stack.view(node, new_top)?.written_by;
        let is_same_layer = match layers.get(after_idx)? {
            LayerMatch::SameBlob { before_idx: same } | LayerMatch::SameDiffId { before_idx: same } => {
                *same == before_idx
            }
            LayerMatch::Replaced { .. } | LayerMatch::New => false,
        };
        let old = before.stack.file_at(old_node, old_top)?;
        let new = after.stack.file_at(node, new_top)?;
        let unread = [old, new].into_iter().filter(|entry| entry.digest.is_none());
        let bytes = unread.fold(0, |sum: u64, entry| sum.saturating_add(entry.size_bytes));
        (!is_same_layer && is_undecided(old, new)).then_some(Undecided { path, before_idx, after_idx, bytes })
    };
    after.stack.tree(new_top).into_iter().filter_map(found).collect()
}

fn compare_configs(before: &ImageConfig, after: &ImageConfig) -> Vec<ConfigDifference> {
    let (before, after) = (fields(before), fields(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let difference = |name: &String| ConfigDifference {
        field: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    differs.map(difference).collect()
}

/// The fields of a configuration by their place; variables by their names.
fn fields(config: &ImageConfig) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let Ok(Value::Object(top)) = serde_json::to_value(config) else { return fields };
    let mut open: Vec<(String, Value)> = top.into_iter().collect();
    while let Some((place, value)) = open.pop() {
        match value {
            _ if matches!(place.as_str(), "history" | "rootfs") => {}
            Value::Object(inner) if place == "config" || place == "config.Labels" => {
                open.extend(inner.into_iter().map(|(name, value)| (format!("{place}.{name}"), value)));
            }
            Value::Array(list) if place == "config.Env" => {
                for variable in list.iter().filter_map(Value::as_str) {
                    let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
                    fields.insert(format!("{place}.{name}"), value.to_owned());
                }
            }
            Value::String(text) => drop(fields.insert(place, text)),
            other => drop(fields.insert(place, other.to_string())),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(blob: &[u8], diff_id: &[u8], stored_bytes: u64, created_by: &str) -> LayerIds {
        LayerIds {
            blob_digest: Some(Digest::of(blob)),
            diff_id: Some(DiffId(Digest::of(diff_id))),
            stored_bytes,
            created_by: Some(created_by.to_owned()),
        }
    }

    #[test]
    fn layers_are_the_same_in_two_ways() {
        let before = [ids(b"1", b"1", 10, "FROM"), ids(b"2", b"2", 20, "COPY"), ids(b"3", b"3", 30, "RUN")];
        let after = [ids(b"1", b"1", 10, "FROM"), ids(b"2z", b"2", 5, "COPY"), ids(b"4", b"4", 40, "RUN")];
        let found = match_layers(&before, &after);
        let expected = [
            LayerMatch::SameBlob { before_idx: 0 },
            LayerMatch::SameDiffId { before_idx: 1 },
            LayerMatch::Replaced { before_idx: 2 },
        ];
        assert_eq!(found, expected);
        assert_eq!((pull_bytes(&before, &after), pull_bytes(&after, &before)), (45, 50));
        assert_eq!(match_layers(&[], &after), [LayerMatch::New; 3]);
    }

    #[test]
    fn variables_are_told_by_name() {
        let config = |text: &str| serde_json::from_str::<ImageConfig>(text).unwrap();
        let before = config(r#"{"os":"linux","config":{"Env":["A=1","B=2"],"Labels":{"l":"1"}}}"#);
        let after = config(r#"{"os":"linux","config":{"Env":["B=2","A=3"],"Cmd":["x"]},"history":[{}]}"#);
        let differences = compare_configs(&before, &after);
        let fields: Vec<&str> = differences.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["config.Cmd", "config.Env.A", "config.Labels.l"]);
        assert_eq!(differences[1].after.as_deref(), Some("3"));
    }
}
