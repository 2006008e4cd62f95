//! The image that a build yields: layers, configuration and manifest, as far as they are known.

use std::rc::Rc;

use serde_json::{Value, json};

use super::analysis::Analysis;
use super::known::{SizeSource, layer_size};
use super::rows::InstructionRow;
use super::state::State;
use crate::cache::layer::{LayerContent, image_steps, layer};
use crate::context::{EntryKind, Node, Tree};
use crate::graph::{Graph, Op};
use crate::oci::RootFs;
use crate::protocol::{FolderRow, RowKind};

/// One layer of the image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LayerRow {
    /// The instruction's place among all of them, if one made it.
    pub instruction: Option<usize>,
    /// What made it.
    pub label: String,
    /// Bytes of its files; none where they are not known.
    pub size_bytes: Option<u64>,
    /// How many entries it has.
    pub n_entries: Option<usize>,
    /// What is to be said of what is not known.
    pub note: String,
}

/// What an instruction's layer holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Its entries, as far as they are known.
    pub tree: Option<Rc<Tree>>,
    /// How many there are.
    pub n_entries: usize,
    /// Bytes of its files, where all are known.
    pub size_bytes: Option<u64>,
    /// What is to be said of what is not known.
    pub note: String,
}

/// The image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageSketch {
    /// Its layers, lowest first.
    pub layers: Vec<LayerRow>,
    /// Its history: what made it, and whether that made no layer.
    pub history: Vec<(String, bool)>,
    /// Its configuration file.
    pub config: String,
    /// Its manifest.
    pub manifest: String,
}

const OF_A_COMMAND: &str = "what a command writes is known once it ran";

/// What the layer of an instruction holds.
pub(super) fn written(state: &State, analysis: &Analysis, row: &InstructionRow) -> Option<Written> {
    let graph = analysis.now.shown_graph()?;
    // Of `COPY --link` the second step puts on top what the first one copied.
    let step = row.steps.last().filter(|_| row.makes_layer)?;
    let content = layer(graph, analysis.built(), &state.session.archives, *step)?;
    let (size_bytes, note) = size_of(state, &content, &row.code);
    let tree = content.tree().map(|tree| Rc::new(tree.clone()));
    Some(Written { n_entries: tree.as_ref().map_or(0, |tree| tree.len()), tree, size_bytes, note })
}

/// Bytes of the files of an instruction's layer, where they are known.
pub(super) fn layer_bytes(state: &State, analysis: &Analysis, row: &InstructionRow) -> Option<u64> {
    let graph = analysis.now.shown_graph()?;
    let step = row.steps.last().filter(|_| row.makes_layer)?;
    let content = layer(graph, analysis.built(), &state.session.archives, *step)?;
    size_of(state, &content, &row.code).0
}

/// What stands directly in a folder, in the form in which opened images tell it.
#[must_use]
pub fn folder_rows(tree: &Tree, path: &str) -> Vec<FolderRow> {
    let row = |(name, node): (&str, &Rc<Node>)| {
        let entry = node.entry();
        let (kind, link) = match &entry.kind {
            EntryKind::File { .. } => (RowKind::File, String::new()),
            EntryKind::Dir => (RowKind::Dir, String::new()),
            EntryKind::Symlink { target } => (RowKind::Symlink, target.clone()),
            EntryKind::HardLink { target } => (RowKind::HardLink, target.clone()),
        };
        FolderRow {
            name: name.to_owned(),
            kind,
            mode: entry.mode,
            uid: entry.uid.into(),
            gid: entry.gid.into(),
            total_bytes: node.totals().size_bytes,
            n_below: node.n_below() as u64,
            link,
            is_opaque: false,
            n_times: 1,
        }
    };
    tree.node(path).map_or_else(Vec::new, |node| node.iter().map(row).collect())
}

/// How long a layer is, and what is to be said of that.
fn size_of(state: &State, content: &LayerContent, code: &str) -> (Option<u64>, String) {
    match (content.size_bytes(), layer_size(state, code)) {
        (Some(size_bytes), _) => (Some(size_bytes), String::new()),
        (None, Some((size_bytes, SizeSource::Reader))) => (Some(size_bytes), "as you said".into()),
        (None, Some((size_bytes, SizeSource::OpenedImage))) => {
            (Some(size_bytes), "as in the opened image".into())
        }
        (None, None) => (None, note(content)),
    }
}

fn note(content: &LayerContent) -> String {
    match content {
        LayerContent::Known(_) => String::new(),
        LayerContent::Partly(_, unsure) => unsure.to_string(),
        LayerContent::Unknown => OF_A_COMMAND.to_owned(),
    }
}

/// Sketches the image.
pub(super) fn sketch(state: &State, analysis: &Analysis, rows: &[InstructionRow]) -> Option<ImageSketch> {
    let graph = analysis.now.graph.as_ref().ok()?;
    let mut list: Vec<LayerRow> = base_layers(graph);
    let mut diff_ids: Vec<String> = list.iter().map(|layer| layer.label.clone()).collect();
    for id in image_steps(graph) {
        let Some(content) = layer(graph, analysis.built(), &state.session.archives, id) else { continue };
        let row = rows.iter().find(|row| row.steps.contains(&id));
        let (size_bytes, note) = size_of(state, &content, row.map_or("", |row| row.code.as_str()));
        list.push(LayerRow {
            instruction: row.map(|row| row.idx),
            label: graph.step(id).map_or(String::new(), |step| step.text.clone()),
            size_bytes,
            n_entries: content.tree().map(Tree::len),
            note,
        });
        diff_ids.push(UNKNOWN.to_owned());
    }
    let mut config = graph.image.clone();
    config.rootfs = RootFs { kind: "layers".into(), diff_ids };
    let layer = |_: &LayerRow| json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": UNKNOWN, "size": 0 });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": UNKNOWN, "size": 0 },
        "layers": list.iter().map(layer).collect::<Vec<Value>>(),
    });
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let history = config.history.iter().map(|entry| (entry.created_by.clone(), entry.empty_layer)).collect();
    Some(ImageSketch {
        layers: list,
        history,
        config: serde_json::to_string_pretty(&config).unwrap_or_default(),
        manifest: pretty(&manifest),
    })
}

/// In place of a digest of bytes that only a build writes.
const UNKNOWN: &str = "known once it is built";

fn base_layers(graph: &Graph) -> Vec<LayerRow> {
    let mut at = graph.results.first().copied().flatten();
    while let Some(step) = at.and_then(|id| graph.step(id)) {
        if let Op::Image { reference, base } = &step.op {
            let row = |label: String| LayerRow {
                instruction: None,
                label,
                size_bytes: None,
                n_entries: None,
                note: "a layer of the base image".to_owned(),
            };
            if base.is_known {
                return base.layers.iter().map(|layer| row(layer.to_string())).collect();
            }
            return vec![row(format!("the layers of {reference}"))];
        }
        at = step.inputs.first().copied();
    }
    Vec::new()
}
