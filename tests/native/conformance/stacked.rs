//! The sections of `images` that speak of an archive's documents and of layers on top of each other.

use std::collections::BTreeMap;

use layerlab::image::{ImagePlan, Layer};
use layerlab::layer::dive::Dive;
use layerlab::layer::stack::{Change, ChangeKind, Counts, NodeId, Stack};
use layerlab::layer::waste::{Cause, Duplicate, Hidden, Waste};
use layerlab::layer::{LayerEntry, LayerTree};
use serde_json::{Value, json};

use super::compare::same;
use super::images::{Told, entry, only, shown};
use super::score::Verdict;

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn archive(truth: &Value, told: &Told) -> Verdict {
    let expected = only(truth, &["bytes", "sha256", "form", "compression", "members"]);
    let got = json!({
        "bytes": told.size_bytes,
        "sha256": told.digest,
        "form": told.documents.form.name(),
        "compression": told.documents.compression.name(),
        "members": told.documents.n_members,
    });
    same(&expected, &got)
}

/// A list as a set: by the text of each.
fn set(list: impl Iterator<Item = Value>) -> Value {
    let by_text: BTreeMap<String, Value> = list.map(|value| (value.to_string(), value)).collect();
    by_text.into_values().collect()
}

/// Names as each document gives them, the documents themselves, attestations and artifacts.
pub(super) fn documents(truth: &Value, told: &Told) -> Verdict {
    let image = |image: &Value| {
        json!({
            "repoTags": set(list(&image["repoTags"]).iter().cloned()),
            "dockerManifest": image["dockerManifest"],
            "descriptors": set(list(&image["descriptors"]).iter().cloned()),
            "manifest": image["manifest"],
            "config": image["config"],
            "layers": list(&image["layers"]).iter().map(|layer| layer["history"].clone()).collect::<Value>(),
        })
    };
    let expected = json!({
        "images": list(&truth["images"]).iter().map(image).collect::<Value>(),
        "attestations": set(list(&truth["attestations"]).iter().cloned()),
        "artifacts": set(list(&truth["artifacts"]).iter().cloned()),
    });
    let json_of = |text: &Option<String>| -> Value {
        text.as_ref().map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_default())
    };
    let image = |image: &ImagePlan| {
        let tags = image.docker.iter().flat_map(|docker| &docker.repo_tags);
        json!({
            "repoTags": set(tags.map(|tag| json!(tag))),
            "dockerManifest": image.docker,
            "descriptors": set(image.descriptors.iter().map(|descriptor| json!(descriptor))),
            "manifest": json_of(&image.manifest),
            "config": json_of(&image.config_text),
            "layers": image.layers.iter().map(|layer| json!(layer.history_idx)).collect::<Value>(),
        })
    };
    let attestations = told.documents.attestations.iter().map(|told| {
        json!({ "manifestDigest": told.manifest_digest, "about": told.about, "predicates": told.predicates })
    });
    let artifacts = told.documents.artifacts.iter().map(|told| {
        json!({
            "descriptor": told.descriptor,
            "manifestDigest": told.manifest_digest,
            "manifest": json_of(&Some(told.manifest.clone())),
        })
    });
    let got = json!({
        "images": told.images.iter().map(image).collect::<Value>(),
        "attestations": set(attestations),
        "artifacts": set(artifacts),
    });
    same(&without_empty(expected), &without_empty(got))
}

/// Leaves out what is null or an empty list: both mean the same as nothing.
fn without_empty(value: Value) -> Value {
    let is_something =
        |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, without_empty(value)));
            Value::Object(fields.filter(|(_, value)| is_something(value)).collect())
        }
        Value::Array(list) => list.into_iter().map(without_empty).collect(),
        value => value,
    }
}

/// The layers of each image, on top of each other.
fn stacks(told: &Told) -> Vec<(Vec<&LayerTree>, Stack)> {
    fn of_image(layers: &[Layer]) -> (Vec<&LayerTree>, Stack) {
        let trees: Vec<&LayerTree> = layers.iter().map(|layer| &layer.tree).collect();
        let stack = Stack::new(trees.iter().copied());
        (trees, stack)
    }
    told.layers.iter().map(|layers| of_image(layers)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All fields of an entry.
fn full(path: &str, told: &LayerEntry) -> Value {
    let mut value = entry(path, told);
    let bytes = layerlab::text::to_bytes(path);
    if std::str::from_utf8(&bytes).is_err() {
        value["pathHex"] = json!(hex(&bytes));
    }
    value["sha256"] = json!(told.digest.map(|digest| digest.hex()));
    value["device"] = json!(told.device().map(|(major, minor)| format!("{major}:{minor}")));
    let xattrs: BTreeMap<String, String> =
        told.xattrs().iter().map(|(name, value)| (shown(name), hex(value))).collect();
    value["xattrs"] = if xattrs.is_empty() { Value::Null } else { json!(xattrs) };
    value["sparse"] = json!(told.is_sparse);
    value["times"] = json!(if told.n_times > 1 { told.n_times } else { 0 });
    value
}

/// By path; a path that stands twice is told by its number.
fn by_path(list: impl Iterator<Item = Value>) -> Value {
    let mut by_path: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for value in list {
        let path = value["path"].as_str().unwrap_or("").to_owned();
        by_path.entry(path).or_default().push(value);
    }
    for same in by_path.values_mut() {
        same.sort_by_key(ToString::to_string);
    }
    json!(by_path)
}

/// Kinds of change, content digests, devices, attributes, whiteouts that had an effect.
pub(super) fn changes(truth: &Value, told: &Told) -> Verdict {
    let expect = |layer: &Value| {
        json!({
            "counts": layer["counts"],
            "changes": by_path(list(&layer["changes"]).iter().cloned()),
            "whiteouts": by_path(list(&layer["whiteouts"]).iter().cloned()),
            "opaque": set(list(&layer["opaque"]).iter().cloned()),
        })
    };
    let expected: Value = list(truth)
        .iter()
        .map(|image| list(&image["layers"]).iter().map(expect).collect::<Value>())
        .collect();
    let got: Value = stacks(told)
        .iter()
        .map(|(trees, stack)| {
            (0..stack.n_layers()).map(|idx| layer_changes(trees[idx], stack, idx)).collect::<Value>()
        })
        .collect();
    same(&expected, &got)
}

fn layer_changes(tree: &LayerTree, stack: &Stack, idx: usize) -> Value {
    let change = |change: Change| {
        let path = stack.path(change.node);
        let mut value = match change.kind {
            ChangeKind::Removed { n_entries, bytes } => {
                let before = stack.view(change.node, idx - 1).unwrap();
                let kind = before.entry.map_or(json!("dir"), |told| entry(&path, told)["type"].clone());
                json!({ "path": shown(&path), "type": kind, "entries": n_entries, "bytes": bytes })
            }
            _ => full(&path, tree.get(&path).unwrap()),
        };
        value["opaque"] = json!(change.is_opaque);
        value["kind"] = json!(match change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Modified(_) => "modified",
            ChangeKind::Unchanged => "unchanged",
            ChangeKind::Removed { .. } => "removed",
        });
        value
    };
    let Counts { n_added, n_modified, n_unchanged, n_removed } = stack.counts(idx);
    let whiteouts = stack.whiteouts(idx).iter();
    let opaque = stack.opaque(idx).iter().map(|opaque| json!(shown(&opaque.path)));
    json!({
        "counts": {
            "added": n_added, "modified": n_modified, "unchanged": n_unchanged, "removed": n_removed,
        },
        "changes": by_path(stack.changes(idx).map(change)),
        "whiteouts": by_path(
            whiteouts.map(|one| json!({ "path": shown(&one.path), "effective": one.is_effective }))
        ),
        "opaque": set(opaque),
    })
}

/// The final tree, and what it adds up to.
pub(super) fn trees(truth: &Value, told: &Told) -> Verdict {
    let expect = |image: &Value| json!({ "tree": image["tree"], "totals": image["totals"] });
    let expected: Value = list(truth).iter().map(expect).collect();
    let got: Value = stacks(told)
        .iter()
        .map(|(_, stack)| {
            let top = stack.n_layers().saturating_sub(1);
            let row = |(path, node): (String, NodeId)| {
                let view = stack.view(node, top).unwrap();
                let mut value = match view.entry {
                    Some(told) => full(&path, told),
                    None => json!({ "path": shown(&path), "type": "dir", "implicit": true }),
                };
                value["layer"] = json!(view.written_by);
                value["times"] = Value::Null;
                value
            };
            let mut tree: Vec<Value> = stack.tree(top).into_iter().map(row).collect();
            // The recorded order is that of the paths as they are shown.
            tree.sort_by(|a, b| a["path"].as_str().cmp(&b["path"].as_str()));
            let totals = Waste::of(stack, 0).totals;
            json!({
                "tree": tree,
                "totals": {
                    "layers": totals.n_layers,
                    "paths": totals.n_paths,
                    "treeBytes": totals.tree_bytes,
                    "contentBytes": totals.content_bytes,
                    "linkedBytes": totals.linked_bytes,
                    "hiddenBytes": totals.hidden_bytes,
                },
            })
        })
        .collect();
    same(&expected, &got)
}

/// Content that is stored and not shown, and content that is shown twice.
pub(super) fn hidden(truth: &Value, told: &Told) -> Verdict {
    let expect = |image: &Value| {
        json!({
            "hidden": by_path(list(&image["hidden"]).iter().cloned()),
            "duplicateContent": set(list(&image["duplicateContent"]).iter().cloned()),
        })
    };
    let expected: Value = list(truth).iter().map(expect).collect();
    let hidden = |one: &Hidden| {
        json!({
            "path": shown(&one.path),
            "layer": one.layer_idx,
            "size": one.size_bytes,
            "hiddenBy": one.hidden_by,
            "how": if one.cause == Cause::Removed { "removed" } else { "overwritten" },
        })
    };
    let duplicate = |one: &Duplicate| {
        let paths: Vec<String> = one.paths.iter().map(|path| shown(path)).collect();
        json!({ "sha256": one.digest.hex(), "size": one.size_bytes, "paths": paths })
    };
    let got: Value = stacks(told)
        .iter()
        .map(|(_, stack)| {
            let waste = Waste::of(stack, 0);
            json!({
                "hidden": by_path(waste.hidden.iter().map(hidden)),
                "duplicateContent": set(waste.duplicates.iter().map(duplicate)),
            })
        })
        .collect();
    same(&expected, &got)
}

/// The figures of dive.
pub(super) fn dive(truth: &Value, told: &Told) -> Verdict {
    let expect = |image: &Value| {
        let mut dive = image["dive"].clone();
        dive["files"] = by_path(list(&image["dive"]["files"]).iter().cloned());
        dive.as_object_mut().and_then(|dive| dive.remove("efficiency"));
        dive
    };
    let expected: Value = list(truth).iter().map(expect).collect();
    let all: Vec<Dive> = stacks(told).into_iter().map(|(trees, _)| Dive::of(trees)).collect();
    let got: Value = all
        .iter()
        .map(|dive| {
            let file = |file: &layerlab::layer::dive::DiveFile| {
                json!({ "path": shown(&file.path), "count": file.n_layers, "bytes": file.bytes })
            };
            json!({
                "wastedBytes": dive.wasted_bytes,
                "sizeBytes": dive.size_bytes,
                "layerSizes": dive.layer_bytes,
                "files": by_path(dive.files.iter().map(file)),
            })
        })
        .collect();
    same(&expected, &got)?;
    for (image, dive) in list(truth).iter().zip(&all) {
        let expected = image["dive"]["efficiency"].as_f64().unwrap_or(f64::NAN);
        let is_equal = (expected - dive.efficiency).abs() < 1e-12;
        if !is_equal {
            return Err(format!("efficiency expected {expected}, got {}", dive.efficiency));
        }
    }
    Ok(())
}
