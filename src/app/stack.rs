//! The stack: stages as columns of slabs.

use super::analysis::Analysis;
use super::history::History;
use super::rows::{InstructionRow, one_line, reason_of};
use super::sketch::layer_bytes;
use super::state::State;
use super::view::Mark;
use crate::cache::reason::Reason;
use crate::graph::{Graph, GraphStage, reference};
use crate::protocol::instruction_of;
use crate::text::visible;

/// A slab of the stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slab {
    /// What it shows.
    pub kind: SlabKind,
    /// Its text.
    pub label: String,
    /// A second, smaller text.
    pub note: String,
    /// Its state.
    pub mark: Mark,
    /// The instruction to choose.
    pub instruction: Option<usize>,
    /// It is the first cause.
    pub is_first_cause: bool,
    /// Bytes of the layer's files, where they are known.
    pub size_bytes: Option<u64>,
}

/// What a slab shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlabKind {
    /// The base image's layers.
    Base,
    /// A step's layer.
    Layer,
    /// The writable layer of a container.
    Container,
}

/// How a stage uses another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum UseKind {
    /// It begins with it.
    From,
    /// It copies files from it.
    Copy,
    /// A command has its files mounted.
    Mount,
}

/// A stage that another one uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Use {
    /// The stage that is used.
    pub stage: usize,
    /// The instruction that uses it.
    pub instruction: usize,
    /// How.
    pub kind: UseKind,
}

/// A stage as a column of slabs, lowest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// The stage's name.
    pub name: String,
    /// It is the target.
    pub is_target: bool,
    /// The target needs it.
    pub is_needed: bool,
    /// Slabs, lowest first.
    pub slabs: Vec<Slab>,
    /// The stages that it uses.
    pub uses: Vec<Use>,
    /// What made the layers of its base, lowest first, where the image is known.
    pub base_layers: Vec<String>,
    /// How many stages lie before it, along the longest way; stages of equal depth share a column.
    pub depth: usize,
}

pub(super) fn columns(
    state: &State,
    history: &History,
    analysis: &Analysis,
    rows: &[InstructionRow],
) -> Vec<Column> {
    let Some(graph) = analysis.now.shown_graph() else { return Vec::new() };
    let mut columns: Vec<Column> = Vec::new();
    for (idx, stage) in graph.stages.iter().enumerate() {
        let is_target = graph.target.is_some_and(|target| target.0 == idx);
        let mut slabs = Vec::new();
        for row in rows.iter().filter(|row| row.stage == Some(idx)) {
            if row.is_from {
                let parent = stage.parent.and_then(|parent| graph.stages.get(parent.0));
                let (label, note) = match parent {
                    Some(parent) => (parent.name.clone(), "the stage it begins with".to_owned()),
                    None if stage.base == "scratch" => ("scratch".to_owned(), "nothing below".to_owned()),
                    None => (stage.base.clone(), "base image layers".to_owned()),
                };
                // What counts of a base is known: it changes with its layers only.
                let mark = match (row.mark, reason_of(row)) {
                    (Mark::Pruned, _) => Mark::Pruned,
                    (_, Some(Reason::BaseChanged { .. } | Reason::FirstBuild | Reason::NeverBuilt)) => {
                        Mark::Rebuild
                    }
                    _ => Mark::Cached,
                };
                slabs.push(Slab {
                    kind: SlabKind::Base,
                    label,
                    note,
                    mark,
                    instruction: Some(row.idx),
                    is_first_cause: row.is_first_cause,
                    size_bytes: None,
                });
            } else if row.makes_layer || row.mark == Mark::Pruned && is_layer_keyword(&row.code) {
                slabs.push(Slab {
                    kind: SlabKind::Layer,
                    label: row.code.clone(),
                    note: row.mark.label().to_owned(),
                    mark: row.mark,
                    instruction: Some(row.idx),
                    is_first_cause: row.is_first_cause,
                    size_bytes: layer_bytes(state, analysis, row),
                });
            }
        }
        if is_target {
            slabs.push(Slab {
                kind: SlabKind::Container,
                label: "container".into(),
                note: "writable layer, made by docker run".into(),
                mark: Mark::Metadata,
                instruction: None,
                is_first_cause: false,
                size_bytes: None,
            });
        }
        let before = stage.parent.iter().chain(&stage.sources);
        let depth = before
            .clone()
            .filter_map(|id| columns.get(id.0))
            .map(|column| column.depth + 1)
            .max()
            .unwrap_or(0);
        let uses = uses(graph, idx, rows);
        // A stage that is not needed takes one slab: there is nothing to follow in it.
        if !stage.is_reachable {
            let n_steps = slabs.iter().filter(|slab| slab.kind == SlabKind::Layer).count();
            slabs.truncate(1);
            for slab in &mut slabs {
                slab.label.clone_from(&stage.name);
                slab.note = format!("not needed, {n_steps} {}", if n_steps == 1 { "step" } else { "steps" });
            }
        }
        columns.push(Column {
            name: stage.name.clone(),
            is_target,
            is_needed: stage.is_reachable,
            slabs,
            uses,
            base_layers: base_layers(history, stage),
            depth,
        });
    }
    columns
}

/// The stages that an instruction of a stage reads, told by the steps that it reads.
fn uses(graph: &Graph, idx: usize, rows: &[InstructionRow]) -> Vec<Use> {
    let mut uses = Vec::new();
    for row in rows.iter().filter(|row| row.stage == Some(idx)) {
        let parent = graph.stages.get(idx).and_then(|stage| stage.parent).filter(|_| row.is_from);
        uses.extend(parent.map(|parent| Use { stage: parent.0, instruction: row.idx, kind: UseKind::From }));
        let kind = if row.code.get(..3).is_some_and(|keyword| keyword.eq_ignore_ascii_case("RUN")) {
            UseKind::Mount
        } else {
            UseKind::Copy
        };
        // The first input of a step is the file system that it goes on from.
        let steps = row.steps.iter().filter_map(|step| graph.step(*step));
        let read = steps.flat_map(|step| &step.inputs).filter_map(|input| graph.step(*input));
        let mut stages: Vec<usize> = read.filter_map(|step| Some(step.stage?.0)).collect();
        stages.sort_unstable();
        stages.dedup();
        let own = |stage: &usize| *stage == idx || Some(*stage) == graph_parent(graph, idx);
        uses.extend(stages.into_iter().filter(|stage| !own(stage)).map(|stage| Use {
            stage,
            instruction: row.idx,
            kind,
        }));
    }
    uses
}

fn graph_parent(graph: &Graph, idx: usize) -> Option<usize> {
    graph.stages.get(idx)?.parent.map(|parent| parent.0)
}

/// What the history of a stage's base tells, where an opened image serves as that.
fn base_layers(history: &History, stage: &GraphStage) -> Vec<String> {
    let reference = reference::normalize(&stage.base).ok().filter(|_| stage.parent.is_none());
    let Some(known) = reference.and_then(|reference| history.known(&reference)) else { return Vec::new() };
    let told = known.config.history.iter().filter(|entry| !entry.empty_layer);
    let mut layers: Vec<String> =
        told.map(|entry| visible(&one_line(&instruction_of(&entry.created_by)))).collect();
    // A history may tell of fewer layers than there are.
    layers.resize(known.config.rootfs.diff_ids.len(), "not told by the history".to_owned());
    layers
}

fn is_layer_keyword(code: &str) -> bool {
    let keyword = code.split(' ').next().unwrap_or("").to_uppercase();
    matches!(keyword.as_str(), "RUN" | "COPY" | "ADD" | "WORKDIR")
}
