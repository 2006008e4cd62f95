//! What is answered about each archive of the corpus, against the truth about it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use layerlab::protocol::RowKind;
use layerlab::protocol::inspect::rows::{LayerCounts, RowChange, TreeOf, TreeQuery, TreeRow};
use layerlab::protocol::inspect::waste::{HiddenCause, Undecided};
use layerlab::protocol::inspect::{Answer, ImageAt, Question, SettleScope};
use serde_json::{Value, json};

use super::super::conformance::corpus as records;
use super::super::conformance::images::shown;
use super::{Desk, corpus};

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// All truths that name an archive of the corpus.
fn truths() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/images");
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names: BTreeSet<String> = names.filter_map(|name| name.to_str().map(str::to_owned)).collect();
    let truths = names.iter().filter_map(|name| name.strip_suffix(".truth.json.gz"));
    let read = |stem: &str| {
        let text = records::read_text(&folder.join(format!("{stem}.truth.json"))).unwrap().unwrap();
        (stem.to_owned(), serde_json::from_str::<Value>(&text).unwrap())
    };
    truths.map(read).collect()
}

/// A list as a set: sorted texts.
fn sorted(values: impl Iterator<Item = Value>) -> Vec<String> {
    let mut lines: Vec<String> = values.map(|value| value.to_string()).collect();
    lines.sort();
    lines
}

fn kind(row: &TreeRow) -> &'static str {
    match row.kind {
        RowKind::File => "file",
        RowKind::Dir => "dir",
        RowKind::Symlink => "symlink",
        RowKind::HardLink => "hardlink",
        RowKind::Special => "special",
        RowKind::Whiteout => "whiteout",
    }
}

/// The type of an entry in a truth, as far as rows tell types apart.
fn truth_kind(value: &Value) -> &str {
    let kind = value.as_str().unwrap_or("");
    if matches!(kind, "char" | "block" | "fifo") || kind.starts_with("other:") { "special" } else { kind }
}

fn change_row(row: &TreeRow) -> Value {
    let change = match &row.change {
        RowChange::None => "none",
        RowChange::Added => "added",
        RowChange::Modified { .. } => "modified",
        RowChange::Again { .. } => "unchanged",
        RowChange::Removed { n_entries, bytes } => {
            return json!([shown(&row.path), kind(row), "removed", n_entries, bytes]);
        }
    };
    let (mode, uid, gid, size) = (row.mode, row.uid, row.gid, row.own_bytes);
    json!([
        shown(&row.path),
        kind(row),
        change,
        mode,
        uid,
        gid,
        size,
        row.mtime_secs,
        shown(&row.link),
        row.is_opaque
    ])
}

fn change_truth(change: &Value) -> Value {
    let kind = truth_kind(&change["type"]);
    if change["kind"] == "removed" {
        return json!([change["path"], kind, "removed", change["entries"], change["bytes"]]);
    }
    let size = if kind == "file" { change["size"].clone() } else { json!(0) };
    json!([
        change["path"],
        kind,
        change["kind"],
        change["mode"],
        change["uid"],
        change["gid"],
        size,
        change["mtime"],
        change["link"].as_str().unwrap_or(""),
        change["opaque"].as_bool().unwrap_or(false)
    ])
}

/// What a layer changes, from its rows: of a removed folder only itself, and no folder that has no
/// entry of its own.
fn changes(rows: &[TreeRow]) -> Vec<String> {
    let removed: BTreeSet<&str> = rows
        .iter()
        .filter(|row| matches!(row.change, RowChange::Removed { .. }))
        .map(|row| row.path.as_str())
        .collect();
    let is_topmost = |row: &&TreeRow| {
        let above = row.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if is_removed(row) { !removed.contains(above) } else { !row.is_implicit }
    };
    sorted(rows.iter().filter(|row| row.change != RowChange::None).filter(is_topmost).map(change_row))
}

#[test]
fn numbers_are_those_of_the_truth() {
    let mut n_layers = 0;
    for (stem, truth) in truths() {
        let mut desk = Desk::default();
        let (archive, images) = desk.open(&corpus(truth["file"].as_str().unwrap()));
        assert_eq!(images.len(), list(&truth["images"]).len(), "{stem}");
        for (image_idx, truth) in list(&truth["images"]).iter().enumerate() {
            let image = ImageAt { archive, image_idx: u32::try_from(image_idx).unwrap() };
            desk.settle(image, SettleScope::Copies);
            n_layers += layers(&mut desk, image, truth, &stem);
            waste(&mut desk, image, truth, &stem);
        }
        documents(&mut desk, archive, &truth, &stem);
    }
    assert!(n_layers > 150, "{n_layers}");
}

fn layers(desk: &mut Desk, image: ImageAt, truth: &Value, stem: &str) -> usize {
    let Answer::Layers(counts) = desk.ask(Question::Layers { image }) else { panic!() };
    let of_truth = list(&truth["layers"]);
    assert_eq!(counts.len(), of_truth.len(), "{stem}");
    for (layer, LayerCounts { layer_idx, n_added, n_content, n_metadata, n_again, n_removed, .. }) in
        of_truth.iter().zip(&counts)
    {
        let expected = |name: &str| layer["counts"][name].as_u64().unwrap_or(0);
        let got = [*n_added, n_content + n_metadata, *n_again, *n_removed];
        assert_eq!(got, ["added", "modified", "unchanged", "removed"].map(expected), "{stem} {layer_idx}");
        let query = TreeQuery { image, layer_idx: *layer_idx, is_all_unfolded: true, ..TreeQuery::default() };
        let rows = desk.rows(&query);
        let expected = sorted(list(&layer["changes"]).iter().map(change_truth));
        assert_eq!(changes(&rows), expected, "{stem} {layer_idx}");
        let stacked = desk.rows(&TreeQuery { of: TreeOf::Stack, ..query });
        assert_eq!(changes(&stacked), expected, "{stem} {layer_idx} in the stack");
        // What a layer stores adds up at its top.
        let own: u64 = rows
            .iter()
            .filter(|row| !is_removed(row) && row.change != RowChange::None)
            .map(|row| row.own_bytes)
            .sum();
        let top: u64 =
            rows.iter().filter(|row| row.depth == 0 && !is_removed(row)).map(|row| row.total_bytes).sum();
        assert_eq!(own, top, "{stem} {layer_idx}");
    }
    if let Some(last) = counts.last() {
        let query = TreeQuery {
            image,
            layer_idx: last.layer_idx,
            of: TreeOf::Stack,
            is_all_unfolded: true,
            ..TreeQuery::default()
        };
        let rows = desk.rows(&query);
        let there = rows.iter().filter(|row| !is_removed(row));
        let got =
            sorted(there.map(|row| json!([shown(&row.path), kind(row), row.own_bytes, row.written_by])));
        let expected = list(&truth["tree"]).iter().map(|entry| {
            let kind = truth_kind(&entry["type"]);
            let bytes = if kind == "file" { entry["size"].clone() } else { json!(0) };
            json!([entry["path"], kind, bytes, entry["layer"]])
        });
        assert_eq!(got, sorted(expected), "{stem}");
        assert_eq!(
            json!([last.n_paths, last.tree_bytes]),
            json!([truth["totals"]["paths"], truth["totals"]["treeBytes"]])
        );
    }
    counts.len()
}

fn is_removed(row: &TreeRow) -> bool {
    matches!(row.change, RowChange::Removed { .. })
}

fn waste(desk: &mut Desk, image: ImageAt, truth: &Value, stem: &str) {
    let report = desk.waste(image);
    let totals = &report.totals;
    let got = json!({
        "layers": totals.n_layers,
        "paths": totals.n_paths,
        "treeBytes": totals.tree_bytes,
        "contentBytes": totals.content_bytes,
        "linkedBytes": totals.linked_bytes,
        "hiddenBytes": totals.hidden_bytes,
    });
    assert_eq!(got, truth["totals"], "{stem}");
    let hidden = report.hidden.rows.iter().map(|row| {
        let how = if row.cause == HiddenCause::Removed { "removed" } else { "overwritten" };
        json!([shown(&row.path), row.layer_idx, row.size_bytes, row.hidden_by, how])
    });
    let expected = list(&truth["hidden"])
        .iter()
        .map(|row| json!([row["path"], row["layer"], row["size"], row["hiddenBy"], row["how"]]));
    assert_eq!(sorted(hidden), sorted(expected), "{stem}");
    let by_path: u64 = report.paths.rows.iter().map(|row| row.bytes).sum();
    let by_layer: u64 = report.layers.iter().map(|row| row.stores_bytes).sum();
    assert_eq!([by_path, by_layer], [report.hidden_bytes; 2], "{stem}");
    let duplicates = report.duplicates.rows.iter().map(|row| {
        let paths: Vec<String> = row.paths.iter().map(|path| shown(path)).collect();
        json!([row.digest.trim_start_matches("sha256:"), row.size_bytes, paths])
    });
    let expected =
        list(&truth["duplicateContent"]).iter().map(|row| json!([row["sha256"], row["size"], row["paths"]]));
    assert_eq!(sorted(duplicates), sorted(expected), "{stem}");
    let dive = &report.dive;
    assert_eq!(
        json!([dive.wasted_bytes, dive.size_bytes]),
        json!([truth["dive"]["wastedBytes"], truth["dive"]["sizeBytes"]]),
        "{stem}"
    );
    let efficiency = truth["dive"]["efficiency"].as_f64().unwrap();
    assert!((dive.efficiency() - efficiency).abs() < 1e-12, "{stem}");
    let files =
        dive.files.rows.iter().map(|row| json!([format!("/{}", shown(&row.path)), row.n_layers, row.bytes]));
    let expected =
        list(&truth["dive"]["files"]).iter().map(|row| json!([row["path"], row["count"], row["bytes"]]));
    assert_eq!(sorted(files), sorted(expected), "{stem}");
    assert_eq!(report.undecided, Undecided::default(), "{stem}");
}

fn documents(desk: &mut Desk, archive: layerlab::protocol::JobId, truth: &Value, stem: &str) {
    use layerlab::protocol::inspect::documents::DocumentRole;
    let Answer::Documents(report) = desk.ask(Question::Documents { archive }) else { panic!() };
    let got = json!([report.form, report.compression, report.n_members]);
    assert_eq!(got, json!([truth["form"], truth["compression"], truth["members"]]), "{stem}");
    let of_role = |role| report.documents.iter().filter(move |document| document.role == role);
    assert!(report.documents.iter().all(|document| document.is_json && !document.is_cut), "{stem}");
    let configs: Vec<Value> =
        of_role(DocumentRole::Config).map(|one| serde_json::from_str(&one.text).unwrap()).collect();
    let expected: Vec<Value> = list(&truth["images"]).iter().map(|image| image["config"].clone()).collect();
    assert_eq!(configs, expected, "{stem}");
    let mut predicates: BTreeMap<&str, usize> = BTreeMap::new();
    for document in of_role(DocumentRole::Statement) {
        *predicates.entry(document.predicate_type.as_deref().unwrap()).or_default() += 1;
        assert!(!document.subjects.is_empty() && document.image_idx.is_some(), "{stem}");
    }
    let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
    for predicate in list(&truth["attestations"]).iter().flat_map(|one| list(&one["predicates"])) {
        *expected.entry(predicate.as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(predicates, expected, "{stem}");
    assert_eq!(of_role(DocumentRole::Artifact).count(), list(&truth["artifacts"]).len(), "{stem}");
}

#[test]
fn before_contents_are_read_what_is_not_known_is_said() {
    let mut desk = Desk::default();
    let (archive, _) = desk.open(&corpus("docker20-sample.tar"));
    let image = ImageAt { archive, image_idx: 0 };
    let before = desk.waste(image).undecided;
    assert!(before.n_rewrites > 0 && before.n_copies > before.n_rewrites, "{before:?}");
    let n_rewrites = desk.settle(image, SettleScope::Rewrites);
    assert_eq!(u64::from(n_rewrites), before.n_rewrites);
    let after = desk.waste(image).undecided;
    assert_eq!((after.n_rewrites, after.n_copies), (0, before.n_copies - before.n_rewrites));
    assert_eq!(desk.settle(image, SettleScope::Rewrites), 0);
    assert_eq!(u64::from(desk.settle(image, SettleScope::Copies)), after.n_copies);
    assert_eq!(desk.waste(image).undecided, Undecided::default());
}
