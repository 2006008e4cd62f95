//! Plain rows, ready to draw. All derived; components compute nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::analysis::Analysis;
use super::state::{Session, State};
use crate::cache::Verdict;
use crate::cache::key::OpKey;
use crate::cache::reason::Reason;
use crate::context::{EntryKind, Tree};
use crate::diagnostic::{Diagnostic, Fix, Severity};
use crate::graph::{Graph, Op, Role, StepId};
use crate::text::{Lines, utf16_offset};

/// The state of an instruction, one encoding everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Mark {
    /// From the cache.
    Cached,
    /// It runs.
    Rebuild,
    /// Decided by bytes that a rerun writes.
    Conditional,
    /// The target does not need it.
    Pruned,
    /// It edits the configuration only.
    Metadata,
    /// Not modeled.
    Unknown,
    /// A builder refuses.
    Error,
    /// Not reached.
    Blocked,
}

impl Mark {
    /// Its name in classes and icons.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Rebuild => "rebuild",
            Self::Conditional => "conditional",
            Self::Pruned => "pruned",
            Self::Metadata => "metadata",
            Self::Unknown => "unknown",
            Self::Error => "error",
            Self::Blocked => "blocked",
        }
    }

    /// As people read it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Rebuild => "rebuilds",
            Self::Conditional => "conditional",
            Self::Pruned => "not needed",
            Self::Metadata => "metadata only",
            Self::Unknown => "unknown",
            Self::Error => "error",
            Self::Blocked => "blocked",
        }
    }

    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Cached => Self::Cached,
            Verdict::Rebuild => Self::Rebuild,
            Verdict::Conditional => Self::Conditional,
            Verdict::Unknown => Self::Unknown,
            Verdict::Error => Self::Error,
            Verdict::Blocked => Self::Blocked,
        }
    }

    /// Of two steps of one instruction, which tells more.
    fn weight(self) -> u8 {
        match self {
            Self::Error => 7,
            Self::Blocked => 6,
            Self::Unknown => 5,
            Self::Rebuild => 4,
            Self::Conditional => 3,
            Self::Cached => 2,
            Self::Metadata => 1,
            Self::Pruned => 0,
        }
    }
}

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

/// One place where a diagnostic points.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EditorDiagnostic {
    /// From, in UTF-16 units as the editor counts.
    pub from: usize,
    /// To.
    pub to: usize,
    /// The line that it begins on.
    pub line: u32,
    /// It is an error and not a warning.
    pub is_error: bool,
    /// The code or the rule's name.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The documentation of the rule.
    pub url: Option<&'static str>,
    /// A repair.
    pub fix: Option<Fix>,
    /// The repair's edits in UTF-16 units.
    pub fix_edits: Vec<(usize, usize, String)>,
}

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

/// A row of the why panel's table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyInput {
    /// What counts.
    pub name: String,
    /// In the last build; `None` if it has no counterpart there.
    pub before: Option<String>,
    /// Now.
    pub now: String,
    /// The two differ.
    pub is_changed: bool,
}

/// One link of the chain of causes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CauseLink {
    /// The instruction.
    pub instruction: Option<usize>,
    /// Its line.
    pub line: Option<u32>,
    /// The instruction in short.
    pub code: String,
    /// Why it runs.
    pub reason: String,
}

/// The why panel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// The instruction.
    pub code: String,
    /// Its line.
    pub line: u32,
    /// Its state.
    pub mark: Mark,
    /// The verdict in one sentence.
    pub sentence: String,
    /// From this instruction to the first cause.
    pub chain: Vec<CauseLink>,
    /// What its key is made of.
    pub inputs: Vec<KeyInput>,
    /// Why it survived changes that one would expect to matter.
    pub notes: Vec<String>,
    /// The documentation of the rule that decides.
    pub url: &'static str,
}

/// What happened to a file since the last build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileStatus {
    /// Nothing.
    Same,
    /// Its bytes.
    Edited,
    /// Its time only.
    Touched,
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Nobody gave it: a COPY names it.
    Inferred,
}

/// A file of the context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRow {
    /// Its path.
    pub path: String,
    /// What happened to it.
    pub status: FileStatus,
    /// The pattern that hides it, and its line.
    pub ignored_by: Option<(String, u32)>,
    /// It is the Dockerfile or the ignore file, which the editor holds.
    pub is_text: bool,
    /// Lines of the instructions that take it.
    pub taken_by: Vec<u32>,
}

/// Everything that Simulate draws.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SimulateView {
    /// The instructions in order.
    pub rows: Vec<InstructionRow>,
    /// The summary line.
    pub summary: Summary,
    /// For the editor.
    pub diagnostics: Vec<EditorDiagnostic>,
    /// Checks that could not be made, and why.
    pub not_checked: Vec<String>,
    /// The picture.
    pub columns: Vec<Column>,
    /// The explanation of the chosen instruction.
    pub why: Option<Why>,
    /// The context.
    pub files: Vec<FileRow>,
    /// Why the ignore file cannot be used.
    pub ignore_problem: Option<String>,
    /// The chosen instruction.
    pub selected: Option<usize>,
    /// How many builds there are.
    pub n_builds: usize,
    /// The present version is the one that was built last.
    pub is_as_built: bool,
}

/// Derives all of it.
#[must_use]
pub fn simulate(state: &State, analysis: &Analysis) -> SimulateView {
    let rows = instruction_rows(analysis);
    let notes = survived(state, analysis);
    let summary = summarize(state, analysis, &rows, notes.clone());
    let first_cause = rows.iter().find(|row| row.is_first_cause).map(|row| row.idx);
    let selected = state.selected.filter(|idx| *idx < rows.len()).or(first_cause);
    let why = selected.and_then(|idx| rows.get(idx)).map(|row| why(analysis, &rows, row, notes));
    SimulateView {
        diagnostics: diagnostics(state, analysis),
        not_checked: not_checked(analysis),
        columns: columns(analysis, &rows),
        why,
        files: files(state, analysis),
        ignore_problem: analysis.now.ignore.clone().err(),
        selected,
        n_builds: state.session.builds.len(),
        is_as_built: state.session.builds.last() == Some(&state.session.now),
        rows,
        summary,
    }
}

fn one_line(code: &str) -> String {
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One row for each instruction of the file. One that is refused has no verdict but its message;
/// the others are judged as if it were not there.
fn instruction_rows(analysis: &Analysis) -> Vec<InstructionRow> {
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
            Some(Role::Steps(steps)) => judge(&mut row, steps, analysis, graph, &causes),
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
) {
    row.makes_layer = !row.is_from;
    row.steps = steps.to_vec();
    for id in steps {
        let Some(outcome) = analysis.simulation.step(*id) else { continue };
        let mark = Mark::of(outcome.verdict);
        if row.step.is_none() || mark.weight() > row.mark.weight() {
            row.mark = mark;
            row.step = Some(*id);
            row.reason = outcome.reason.sentence(graph);
        }
        row.is_first_cause |=
            causes.contains(id) && matches!(outcome.verdict, Verdict::Rebuild | Verdict::Error);
    }
    let is_changed_base = matches!(reason_of(analysis, row.step), Some(Reason::BaseChanged { .. }));
    if row.is_from && row.mark == Mark::Rebuild && !is_changed_base {
        row.reason = "the base image is looked up in each build; its layers decide".into();
    }
}

fn reason_of(analysis: &Analysis, step: Option<StepId>) -> Option<&Reason> {
    step.and_then(|id| analysis.simulation.step(id)).map(|outcome| &outcome.reason)
}

/// Without a graph every instruction waits for the one that is refused.
fn refused_rows(analysis: &Analysis) -> Vec<InstructionRow> {
    let error = analysis.now.graph.as_ref().err();
    let nodes = &analysis.now.file.parse.nodes;
    let row = |(idx, node): (usize, &crate::dockerfile::syntax::Node)| {
        let is_refused = error.is_some_and(|error| {
            error.lines.is_some_and(|lines| lines.first <= node.lines.last && node.lines.first <= lines.last)
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

fn summarize(state: &State, analysis: &Analysis, rows: &[InstructionRow], notes: Vec<String>) -> Summary {
    let mut summary = Summary { notes, ..Summary::default() };
    if let Err(error) = &analysis.now.graph {
        let refused = rows.iter().find(|row| row.mark == Mark::Error && row.step.is_none());
        let line = refused.map(|row| row.lines.first).or_else(|| error.lines.map(|lines| lines.first.max(1)));
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
    for row in rows.iter().filter(|row| row.step.is_some()) {
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
    let mut sentence = if state.session.builds.is_empty() {
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
    if let (Some((line, reason)), false) = (&summary.first_cause, state.session.builds.is_empty()) {
        sentence.push_str(&format!(" First cause: line {line}, {reason}."));
    }
    summary.sentence = sentence;
    summary
}

/// Changes since the last build that rebuild nothing by themselves, and why.
fn survived(state: &State, analysis: &Analysis) -> Vec<String> {
    let (Some(last), Some(graph)) = (&analysis.last, analysis.now.shown_graph()) else { return Vec::new() };
    let mut notes = Vec::new();
    for row in files(state, analysis) {
        match (&row.ignored_by, row.status) {
            (_, FileStatus::Touched) => {
                notes.push(format!("{} was touched: only its time changed, and times never count", row.path));
            }
            (Some((pattern, line)), FileStatus::Edited | FileStatus::Added | FileStatus::Deleted)
                if !row.is_text =>
            {
                notes.push(format!(
                    "{} is left out by “{pattern}” (.dockerignore line {line}), so its change never counts",
                    row.path
                ));
            }
            _ => {}
        }
    }
    let Ok(old) = &last.graph else { return notes };
    let metadata = |graph: &Graph| -> Vec<(String, String)> {
        let is_metadata = |keyword: &str| !matches!(keyword, "ENV" | "ARG" | "USER" | "SHELL");
        let list = graph
            .placed
            .iter()
            .filter(|placed| placed.role == Role::Metadata && is_metadata(&placed.keyword));
        list.map(|placed| (placed.keyword.clone(), one_line(&placed.code))).collect()
    };
    let (before, now) = (metadata(old), metadata(graph));
    for (keyword, _) in now.iter().filter(|pair| !before.contains(pair)) {
        notes.push(format!("{keyword} changed: that edits the image configuration and makes no step"));
    }
    for (keyword, _) in before.iter().filter(|pair| !now.contains(pair)) {
        if !now.iter().any(|(other, _)| other == keyword) {
            notes.push(format!("{keyword} is gone: that edits the image configuration and makes no step"));
        }
    }
    notes
}

/// What the editor underlines, in the order of the text.
fn diagnostics(state: &State, analysis: &Analysis) -> Vec<EditorDiagnostic> {
    let file = &analysis.now.file;
    let mut found: Vec<Diagnostic> = file.diagnostics().collect();
    found.extend(analysis.report.warnings.iter().cloned());
    // What only the graph refuses comes on top.
    if let Some(stop) = analysis.report.stop.as_ref().filter(|stop| !stop.is_refusal) {
        found.push(stop.to_diagnostic());
    }
    found.sort_by_key(|diagnostic| (diagnostic.range, diagnostic.severity));
    let text = &state.session.now.dockerfile;
    let utf16 = |offset: usize| utf16_offset(text, offset);
    let row = |diagnostic: Diagnostic| {
        let Diagnostic { code, severity, message, range, help, url, fix, .. } = diagnostic;
        let edits = fix.iter().flat_map(|fix| &fix.edits);
        EditorDiagnostic {
            from: utf16(range.start()),
            to: utf16(range.end()),
            line: file.parse.line_index.line(range.start()),
            is_error: severity == Severity::Error,
            code,
            message: help.map_or(message.clone(), |help| format!("{message}\n{help}")),
            url,
            fix_edits: edits
                .map(|edit| (utf16(edit.range.start()), utf16(edit.range.end()), edit.insert.clone()))
                .collect(),
            fix,
        }
    };
    found.into_iter().map(row).collect()
}

/// Checks that could not look at something, each with what is missing.
fn not_checked(analysis: &Analysis) -> Vec<String> {
    let said =
        analysis.report.not_checked.iter().map(|missed| format!("{}: {}", missed.rule.name, missed.reason));
    said.collect::<BTreeSet<String>>().into_iter().collect()
}

fn columns(analysis: &Analysis, rows: &[InstructionRow]) -> Vec<Column> {
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
                let mark = match (row.mark, reason_of(analysis, row.step)) {
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

fn why(analysis: &Analysis, rows: &[InstructionRow], row: &InstructionRow, notes: Vec<String>) -> Why {
    let mut sentence = match row.mark {
        Mark::Cached => format!("Cached: {}.", row.reason),
        Mark::Rebuild => format!("Rebuilds because {}.", row.reason),
        Mark::Conditional => format!("Conditional: {}.", row.reason),
        Mark::Pruned => format!("Not needed: {}.", row.reason),
        Mark::Metadata => format!("Metadata only: {}.", row.reason),
        Mark::Unknown => format!("Unknown: {}.", row.reason),
        Mark::Error => format!("Refused: {}.", row.reason),
        Mark::Blocked => format!("Not reached: {}.", row.reason),
    };
    if row.is_from && row.mark == Mark::Rebuild {
        sentence = format!("Resolved anew: {}.", row.reason);
    }
    let (chain, inputs) = match (analysis.now.shown_graph(), row.step) {
        (Some(graph), Some(step)) => (chain(analysis, graph, rows, step), key_inputs(analysis, graph, step)),
        _ => (Vec::new(), Vec::new()),
    };
    let keeps_notes = matches!(row.mark, Mark::Cached | Mark::Metadata);
    Why {
        code: row.code.clone(),
        line: row.lines.first,
        mark: row.mark,
        sentence,
        chain,
        inputs,
        notes: if keeps_notes { notes } else { Vec::new() },
        url: rule_url(row),
    }
}

fn rule_url(row: &InstructionRow) -> &'static str {
    match row.mark {
        Mark::Pruned => "https://docs.docker.com/build/building/multi-stage/",
        Mark::Error | Mark::Metadata => "https://docs.docker.com/reference/dockerfile/",
        _ => "https://docs.docker.com/build/cache/invalidation/",
    }
}

/// From a step to the one whose change began it.
fn chain(analysis: &Analysis, graph: &Graph, rows: &[InstructionRow], step: StepId) -> Vec<CauseLink> {
    let mut links = Vec::new();
    let mut at = step;
    for _ in 0..graph.steps.len() {
        let Some(outcome) = analysis.simulation.step(at) else { break };
        let row = rows.iter().find(|row| row.steps.contains(&at));
        links.push(CauseLink {
            instruction: row.map(|row| row.idx),
            line: row.map(|row| row.lines.first),
            code: row.map_or_else(
                || graph.step(at).map_or(String::new(), |step| step.text.clone()),
                |row| row.code.clone(),
            ),
            reason: outcome.reason.sentence(graph),
        });
        let next = match &outcome.reason {
            Reason::ParentMissed { parent } => Some(*parent),
            Reason::SourceMissed { source } => Some(*source),
            Reason::DependsOnReruns => outcome.depends_on.first().copied(),
            Reason::NeedsFailed => outcome.first_cause,
            _ => None,
        };
        match next {
            Some(next) if next != at => at = next,
            _ => break,
        }
    }
    if links.len() < 2 { Vec::new() } else { links }
}

/// What a step's key is made of, with its counterpart's before.
fn key_inputs(analysis: &Analysis, graph: &Graph, id: StepId) -> Vec<KeyInput> {
    let Some(step) = graph.step(id) else { return Vec::new() };
    let old = counterpart(analysis, graph, id);
    let mut inputs = Vec::new();
    let mut push = |name: &str, before: Option<String>, now: String| {
        let is_changed = before.as_ref().is_some_and(|before| *before != now);
        inputs.push(KeyInput { name: name.to_owned(), before, now, is_changed });
    };
    push("instruction", old.map(|(_, old)| old.text.clone()), step.text.clone());
    let below = |graph: &Graph, step: &crate::graph::Step| {
        step.inputs
            .first()
            .and_then(|id| graph.step(*id))
            .map_or("nothing".to_owned(), |below| below.text.clone())
    };
    push("stands on", old.map(|(graph, old)| below(graph, old)), below(graph, step));
    match (&step.op, OpKey::of(step)) {
        (Op::Exec(exec), _) => {
            let old_exec =
                old.and_then(|(_, old)| if let Op::Exec(exec) = &old.op { Some(exec) } else { None });
            push("directory", old_exec.map(|exec| exec.cwd.clone()), exec.cwd.clone());
            push("environment", old_exec.map(|exec| exec.env.join("\n")), exec.env.join("\n"));
            if !exec.user.is_empty() || old_exec.is_some_and(|old| !old.user.is_empty()) {
                push("user", old_exec.map(|exec| exec.user.clone()), exec.user.clone());
            }
        }
        (Op::Image { .. }, OpKey::Image { identity, .. }) => {
            let identity_of = |step: &crate::graph::Step| match OpKey::of(step) {
                OpKey::Image { identity, .. } => identity,
                _ => String::new(),
            };
            push("layers", old.map(|(_, old)| identity_of(old)), identity);
        }
        _ => {}
    }
    inputs.extend(file_inputs(analysis, graph, id));
    inputs
}

/// The step of the last build in the same stage with the same words, else at the same place.
fn counterpart<'a>(
    analysis: &'a Analysis,
    graph: &Graph,
    id: StepId,
) -> Option<(&'a Graph, &'a crate::graph::Step)> {
    let old = analysis.last.as_ref()?.graph.as_ref().ok()?;
    let step = graph.step(id)?;
    let same_words = old.steps.iter().find(|old| old.stage == step.stage && old.text == step.text);
    let same_place = || {
        let keyword = |text: &str| text.split(' ').next().unwrap_or("").to_owned();
        old.steps.iter().find(|old| {
            old.stage == step.stage
                && old.position == step.position
                && keyword(&old.text) == keyword(&step.text)
        })
    };
    same_words.or_else(same_place).map(|step| (old, step))
}

const MAX_FILE_INPUTS: usize = 50;

fn file_inputs(analysis: &Analysis, graph: &Graph, id: StepId) -> Vec<KeyInput> {
    let Some(step) = graph.step(id) else { return Vec::new() };
    let select = |tree: &Tree| -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for (idx, dep) in crate::cache::key::deps(step).iter().enumerate().filter(|(_, dep)| dep.by_content) {
            let source = step.inputs.get(idx).and_then(|id| graph.step(*id));
            if !source.is_some_and(|source| matches!(source.op, Op::Local { .. })) {
                continue;
            }
            let Ok(selection) = crate::context::select::select(tree, &dep.selectors) else { continue };
            found.extend(selection.files.into_iter().map(|(path, digest)| (path, digest.short())));
        }
        found
    };
    let now = select(&analysis.now.sent);
    let before = analysis.last.as_ref().map(|last| select(&last.sent)).unwrap_or_default();
    let paths: BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let row = |path: &String| {
        let (old, new) = (before.get(path).cloned(), now.get(path).cloned());
        KeyInput {
            name: path.clone(),
            is_changed: old != new,
            before: old,
            now: new.unwrap_or_else(|| "gone".to_owned()),
        }
    };
    let mut rows: Vec<KeyInput> = paths.into_iter().map(row).collect();
    // What changed comes first; a long list is cut.
    rows.sort_by_key(|row| !row.is_changed);
    rows.truncate(MAX_FILE_INPUTS);
    rows
}

/// The context's files, with what happened to each since the last build.
fn files(state: &State, analysis: &Analysis) -> Vec<FileRow> {
    let Session { now, .. } = &state.session;
    let now_tree = &analysis.now.all;
    let old_tree = analysis.last.as_ref().map(|last| &last.all);
    let mut paths: BTreeSet<&str> = file_paths(now_tree).collect();
    if let Some(old) = old_tree {
        paths.extend(file_paths(old));
    }
    let takers = takers(analysis);
    let mut rows = Vec::new();
    for path in paths {
        let (entry, old) = (now_tree.get(path), old_tree.and_then(|tree| tree.get(path)));
        let is_inferred = analysis
            .now
            .inferred
            .iter()
            .any(|inferred| path == inferred || path.starts_with(&format!("{inferred}/")));
        let status = match (old, entry) {
            (None, None) | (Some(_), None) => FileStatus::Deleted,
            (_, Some(_)) if is_inferred => FileStatus::Inferred,
            (None, Some(_)) if old_tree.is_none() => FileStatus::Same,
            (None, Some(_)) => FileStatus::Added,
            (Some(old), Some(entry)) if old.kind != entry.kind || old.mode != entry.mode => {
                FileStatus::Edited
            }
            (Some(old), Some(entry)) if old.mtime_secs != entry.mtime_secs => FileStatus::Touched,
            _ => FileStatus::Same,
        };
        let rule = analysis.now.ignore.as_ref().ok().and_then(|list| list.hidden_by(path));
        let is_text = now.has_dockerfile_in_context && matches!(path, "Dockerfile" | ".dockerignore");
        rows.push(FileRow {
            path: path.to_owned(),
            status,
            ignored_by: rule.map(|rule| (rule.text.clone(), rule.line)),
            is_text,
            taken_by: takers.get(path).cloned().unwrap_or_default(),
        });
    }
    rows
}

fn file_paths(tree: &Tree) -> impl Iterator<Item = &str> {
    tree.iter().filter(|(_, entry)| !matches!(entry.kind, EntryKind::Dir)).map(|(path, _)| path)
}

/// For each file the lines of the instructions that take it.
fn takers(analysis: &Analysis) -> BTreeMap<String, Vec<u32>> {
    let mut takers: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let Some(graph) = analysis.now.shown_graph() else { return takers };
    for step in &graph.steps {
        for (idx, dep) in crate::cache::key::deps(step).iter().enumerate().filter(|(_, dep)| dep.by_content) {
            let source = step.inputs.get(idx).and_then(|id| graph.step(*id));
            let Some(lines) =
                step.lines.filter(|_| source.is_some_and(|source| matches!(source.op, Op::Local { .. })))
            else {
                continue;
            };
            let Ok(selection) = crate::context::select::select(&analysis.now.sent, &dep.selectors) else {
                continue;
            };
            for (path, _) in selection.files {
                takers.entry(path).or_default().push(lines.first);
            }
        }
    }
    takers
}
