//! What an edit of each instruction would rebuild.

use std::collections::BTreeSet;

use super::analysis::Analysis;
use super::files::lines;
use super::rows::InstructionRow;
use crate::cache::impact::of_steps;
use crate::cache::key::OpKey;
use crate::dockerfile::stage::Dockerfile;
use crate::graph::{Graph, StepId, convert};

/// One instruction of the impact map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstructionImpact {
    /// Its place among all instructions.
    pub idx: usize,
    /// Lines that an edit of it rebuilds.
    pub rebuilds: Vec<u32>,
    /// Lines that it rebuilds if reruns write other bytes.
    pub may_rebuild: Vec<u32>,
}

/// The impact map. An instruction without a step is edited in fact: those steps count whose
/// definitions come out different.
pub(super) fn instructions(
    dockerfile: &str,
    analysis: &Analysis,
    rows: &[InstructionRow],
) -> Vec<InstructionImpact> {
    let Some(graph) = analysis.now.shown_graph() else { return Vec::new() };
    let keys: Vec<OpKey> = graph.steps.iter().map(OpKey::of).collect();
    let impact = |row: &InstructionRow| {
        let edited: BTreeSet<StepId> = if row.steps.is_empty() {
            edited_steps(dockerfile, analysis, row, &keys)
        } else {
            row.steps.iter().copied().collect()
        };
        let impact = of_steps(graph, &edited);
        InstructionImpact {
            idx: row.idx,
            rebuilds: shown_lines(graph, &impact.rebuilds),
            may_rebuild: shown_lines(graph, &impact.conditional),
        }
    };
    rows.iter().map(impact).collect()
}

/// A base image is looked up and not rebuilt, so its line is not among them.
fn shown_lines(graph: &Graph, steps: &BTreeSet<StepId>) -> Vec<u32> {
    let is_run = |id: &&StepId| graph.step(**id).is_some_and(|step| !step.inputs.is_empty());
    lines(graph, &steps.iter().filter(is_run).copied().collect())
}

/// The steps whose definitions change where a character is added to an instruction.
fn edited_steps(
    dockerfile: &str,
    analysis: &Analysis,
    row: &InstructionRow,
    keys: &[OpKey],
) -> BTreeSet<StepId> {
    let Some(node) = analysis.now.file.parse.nodes.get(row.idx) else { return BTreeSet::new() };
    let line_start = node.range.start();
    let code = dockerfile.get(line_start..node.range.end()).unwrap_or("");
    // In front of a closing quote or bracket, so that a list stays one.
    let end = line_start + code.trim_end().trim_end_matches(['"', '\'', ']', ' ']).len();
    let mut edited = dockerfile.to_owned();
    if !edited.is_char_boundary(end) {
        return BTreeSet::new();
    }
    edited.insert(end, 'x');
    let file = Dockerfile::read(&edited);
    let Ok(graph) = convert::build(&file, &analysis.now.options, &|_, _| None) else {
        return BTreeSet::new();
    };
    let differs = |(idx, step): (usize, &crate::graph::Step)| {
        let key = OpKey::of(step);
        let is_image = matches!(key, OpKey::Image { .. });
        (!is_image && keys.get(idx).is_some_and(|known| *known != key)).then_some(StepId(idx))
    };
    if graph.steps.len() != keys.len() {
        return BTreeSet::new();
    }
    graph.steps.iter().enumerate().filter_map(differs).collect()
}
