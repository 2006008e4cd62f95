//! One row for each instruction, and the sentence about all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::analysis::Analysis;
use super::state::State;
use super::view::Mark;
use crate::cache::reason::Reason;
use crate::cache::solve::Reruns;
use crate::cache::{StepOutcome, Verdict};
use crate::graph::{Graph, Role, StepId};
use crate::text::Lines;

/// One instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstructionRow {
    /// Its place among all instructions.
    pub idx: usize,
    /// Its lines.
    pub lines: Lines,
    /// The instruction in one line.
    pub code: String,
    /// Its state.
    pub mark: Mark,
    /// One sentence on why.
    pub reason: String,
    /// Its stage.
    pub stage: Option<usize>,
    /// Its step, the one that tells most.
    pub step: Option<StepId>,
    /// All of its steps.
    pub steps: Vec<StepId>,
    /// What became of it.
    pub outcome: Option<StepOutcome>,
    /// It is the change that began the rebuild.
    pub is_first_cause: bool,
    /// A base image or the stage that it begins with.
    pub is_from: bool,
    /// It makes a layer of the image.
    pub makes_layer: bool,
}

/// What the summary line says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Steps by state, as BuildKit counts steps.
    pub counts: BTreeMap<Mark, usize>,
    /// Steps in all that have a verdict.
    pub n_steps: usize,
    /// The first cause in words, with its line.
    pub first_cause: Option<(u32, String)>,
    /// Why a builder refuses the file, and at which line.
    pub refusal: Option<(Option<u32>, String)>,
    /// One sentence for everyone, announced when it changes.
    pub sentence: String,
    /// Changes that rebuild nothing, and why.
    pub notes: Vec<String>,
}

pub(super) fn one_line(code: &str) -> String {
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One row for each instruction of the file. One that is refused has no verdict but its message;
/// the others are judged as if it were not there.
pub(super) fn instruction_rows(state: &State, analysis: &Analysis) -> Vec<InstructionRow> {
    let Some(graph) = analysis.now.shown_graph() else { return refused_rows(analysis) };
    let causes: BTreeSet<StepId> =
        analysis.simulation.steps.iter().filter_map(|outcome| outcome.first_cause).collect();
    let file = &analysis.now.file;
    let placed: BTreeMap<usize, &crate::graph::Placed> =
        graph.placed.iter().map(|placed| (placed.range.start(), placed)).collect();
    let mut rows: Vec<InstructionRow> = Vec::new();
    for (idx, node) in file.parse.nodes.iter().enumerate() {
        let found = placed.get(&node.range.start()).copied();
        let mut row = InstructionRow {
            idx,
            lines: node.lines,
            code: one_line(&node.original),
            mark: Mark::Metadata,
            reason: String::new(),
            stage: found.and_then(|placed| placed.stage).map(|stage| stage.0),
            step: None,
            steps: Vec::new(),
            outcome: None,
            is_first_cause: false,
            is_from: node.keyword_upper() == "FROM",
            makes_layer: false,
        };
        match found.map(|placed| &placed.role) {
            None => {
                let refusal = file.refusals.iter().find(|refusal| node.range.contains(refusal.range));
                row.mark = Mark::Error;
                row.reason = refusal
                    .map_or_else(|| "a builder refuses it".to_owned(), |refusal| refusal.problem.message());
            }
            Some(Role::Pruned) => {
                row.mark = Mark::Pruned;
                row.reason = "the target does not need this stage, so a build never looks at it".into();
            }
            Some(Role::Metadata) => row.reason = metadata_reason(&node.keyword_upper()).into(),
            Some(Role::NoStep) => row.reason = no_step_reason(&node.keyword_upper()).into(),
            Some(Role::Steps(steps)) => {
                judge(&mut row, steps, analysis, graph, &causes, state.session.reruns);
            }
        }
        rows.push(row);
    }
    rows
}

/// Of an instruction's steps the one that tells most speaks for it.
fn judge(
    row: &mut InstructionRow,
    steps: &[StepId],
    analysis: &Analysis,
    graph: &Graph,
    causes: &BTreeSet<StepId>,
    reruns: Reruns,
) {
    row.makes_layer = !row.is_from;
    row.steps = steps.to_vec();
    for id in steps {
        let Some(outcome) = analysis.simulation.step(*id) else { continue };
        let mark = Mark::of(outcome.verdict);
        if row.step.is_none() || mark.weight() > row.mark.weight() {
            row.mark = mark;
            row.step = Some(*id);
            row.outcome = Some(outcome.clone());
            row.reason = outcome.reason.sentence(graph);
        }
        row.is_first_cause |=
            causes.contains(id) && matches!(outcome.verdict, Verdict::Rebuild | Verdict::Error);
    }
    if row.mark == Mark::Conditional {
        let assumed = match reruns {
            Reruns::Different => "as assumed now they write others, so it would rebuild",
            Reruns::Same => "as assumed now they do, so it would be cached",
        };
        row.reason = format!("{}; {assumed}", row.reason);
    }
    let is_new_base = matches!(reason_of(row), Some(Reason::NeverBuilt | Reason::FirstBuild));
    if row.is_from && is_new_base {
        row.reason = "no build has had this base image yet".into();
        return;
    }
    let is_changed_base = matches!(reason_of(row), Some(Reason::BaseChanged { .. }));
    if row.is_from && row.mark == Mark::Rebuild && !is_changed_base {
        row.reason = "the base image is looked up in each build; its layers decide".into();
    }
}

pub(super) fn reason_of(row: &InstructionRow) -> Option<&Reason> {
    row.outcome.as_ref().map(|outcome| &outcome.reason)
}

/// Without a graph every instruction waits for the one that is refused.
fn refused_rows(analysis: &Analysis) -> Vec<InstructionRow> {
    let error = analysis.now.graph.as_ref().err();
    let nodes = &analysis.now.file.parse.nodes;
    let row = |(idx, node): (usize, &crate::dockerfile::syntax::Node)| {
        let is_refused = error.is_some_and(|error| {
            error.lines.iter().any(|lines| lines.first <= node.lines.last && node.lines.first <= lines.last)
        });
        let message = error.map(|error| error.message.clone()).unwrap_or_default();
        InstructionRow {
            idx,
            lines: node.lines,
            code: one_line(&node.original),
            mark: if is_refused { Mark::Error } else { Mark::Blocked },
            reason: if is_refused {
                message
            } else {
                "a builder refuses this file before any step runs".into()
            },
            stage: None,
            step: None,
            steps: Vec::new(),
            outcome: None,
            is_first_cause: is_refused,
            is_from: node.keyword_upper() == "FROM",
            makes_layer: false,
        }
    };
    nodes.iter().enumerate().map(row).collect()
}

fn metadata_reason(keyword: &str) -> &'static str {
    match keyword {
        "ENV" | "ARG" => "no step of its own: it enters the key of each RUN below it",
        "USER" | "SHELL" => "no step of its own: it enters the key of the steps that it changes",
        _ => "no step of its own: it edits the image configuration only, and never rebuilds anything",
    }
}

fn no_step_reason(keyword: &str) -> &'static str {
    match keyword {
        "FROM" => "it makes no step: the stage goes on from what is there",
        "WORKDIR" => "the root folder is always there, so nothing has to be made",
        _ => "it makes no step",
    }
}

pub(super) fn summarize(analysis: &Analysis, rows: &[InstructionRow], notes: Vec<String>) -> Summary {
    let mut summary = Summary { notes, ..Summary::default() };
    if let Err(error) = &analysis.now.graph {
        let refused = rows.iter().find(|row| row.mark == Mark::Error && row.outcome.is_none());
        let line = refused
            .map(|row| row.lines.first)
            .or_else(|| error.lines.first().map(|lines| lines.first.max(1)));
        let reason = refused.map_or_else(|| error.message.clone(), |row| row.reason.clone());
        let place = line.map_or(String::new(), |line| format!(" at line {line}"));
        summary.counts.insert(Mark::Error, rows.iter().filter(|row| row.mark == Mark::Error).count().max(1));
        summary.refusal = Some((line, reason.clone()));
        let rest = if analysis.now.shown_graph().is_some() {
            " The rest is judged as if that line were not there."
        } else {
            ""
        };
        summary.sentence = format!("A builder refuses this Dockerfile{place}: {reason}.{rest}");
        return summary;
    }
    // FROM counts, too, as it does in a builder's `[k/n]`.
    for row in rows.iter().filter(|row| row.outcome.is_some()) {
        *summary.counts.entry(row.mark).or_default() += 1;
        summary.n_steps += 1;
    }
    let n_metadata = rows.iter().filter(|row| row.mark == Mark::Metadata && !row.is_from).count();
    if n_metadata > 0 {
        summary.counts.insert(Mark::Metadata, n_metadata);
    }
    let count = |mark: Mark| summary.counts.get(&mark).copied().unwrap_or(0);
    let cause = rows.iter().find(|row| row.is_first_cause);
    summary.first_cause = cause.map(|row| (row.lines.first, row.reason.clone()));
    let (n_cached, n_rebuild) = (count(Mark::Cached), count(Mark::Rebuild));
    let steps = |n: usize| if n == 1 { "step" } else { "steps" };
    let rebuilds = if n_rebuild == 1 { "rebuilds" } else { "rebuild" };
    let mut sentence = if !analysis.has_cache {
        format!("Nothing was built yet: all {} {} run.", summary.n_steps, steps(summary.n_steps))
    } else if summary.n_steps == 0 {
        "There is no step to run.".to_owned()
    } else if n_cached == summary.n_steps {
        format!("Nothing rebuilds: all {n_cached} {} are cached.", steps(n_cached))
    } else {
        let mut parts = vec![format!("{n_cached} of {} {} cached", summary.n_steps, steps(summary.n_steps))];
        let further = [
            (Mark::Rebuild, rebuilds),
            (Mark::Conditional, "conditional"),
            (Mark::Unknown, "unknown"),
            (Mark::Error, "refused"),
            (Mark::Blocked, "not reached"),
        ];
        parts.extend(
            further
                .iter()
                .filter(|(mark, _)| count(*mark) > 0)
                .map(|(mark, word)| format!("{} {word}", count(*mark))),
        );
        format!("{}.", parts.join(", "))
    };
    if let (Some((line, reason)), false) = (&summary.first_cause, !analysis.has_cache) {
        sentence.push_str(&format!(" First cause: line {line}, {reason}."));
    }
    summary.sentence = sentence;
    summary
}
