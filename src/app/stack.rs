//! The stack: stages as columns of slabs.

use super::analysis::Analysis;
use super::rows::{InstructionRow, reason_of};
use super::view::Mark;
use crate::cache::reason::Reason;

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
    /// Names of the stages that it begins with or takes files from.
    pub sources: Vec<String>,
    /// How many stages lie before it, along the longest way; stages of equal depth share a column.
    pub depth: usize,
}

pub(super) fn columns(analysis: &Analysis, rows: &[InstructionRow]) -> Vec<Column> {
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
                });
            } else if row.makes_layer || row.mark == Mark::Pruned && is_layer_keyword(&row.code) {
                slabs.push(Slab {
                    kind: SlabKind::Layer,
                    label: row.code.clone(),
                    note: row.mark.label().to_owned(),
                    mark: row.mark,
                    instruction: Some(row.idx),
                    is_first_cause: row.is_first_cause,
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
            });
        }
        let before = stage.parent.iter().chain(&stage.sources);
        let depth = before
            .clone()
            .filter_map(|id| columns.get(id.0))
            .map(|column| column.depth + 1)
            .max()
            .unwrap_or(0);
        // A stage that is not needed takes one slab: there is nothing to follow in it.
        if !stage.is_reachable {
            let n_steps = slabs.iter().filter(|slab| slab.kind == SlabKind::Layer).count();
            slabs.truncate(1);
            for slab in &mut slabs {
                slab.label.clone_from(&stage.name);
                slab.note = format!("not needed, {n_steps} {}", if n_steps == 1 { "step" } else { "steps" });
            }
        }
        let name_of = |id: &crate::graph::StageId| graph.stages.get(id.0).map(|stage| stage.name.clone());
        columns.push(Column {
            name: stage.name.clone(),
            is_target,
            is_needed: stage.is_reachable,
            slabs,
            sources: before.filter_map(name_of).collect(),
            depth,
        });
    }
    columns
}

fn is_layer_keyword(code: &str) -> bool {
    let keyword = code.split(' ').next().unwrap_or("").to_uppercase();
    matches!(keyword.as_str(), "RUN" | "COPY" | "ADD" | "WORKDIR")
}
