//! Why an instruction has its verdict: a sentence, the chain of causes, the inputs of its key.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::analysis::Analysis;
use super::legacy::LegacyAnalysis;
use super::rows::{InstructionRow, reason_of};
use super::sketch::{Written, written};
use super::state::State;
use super::survival::{Survival, concerning};
use super::view::Mark;
use crate::cache::key::{OpKey, deps};
use crate::cache::reason::Reason;
use crate::context::assumed::AssumedFiles;
use crate::context::changes::{FileChangeKind, changes, first_files};
use crate::context::{Assumed, Entry, EntryKind};
use crate::dockerfile::syntax::Node;
use crate::graph::{Graph, Op, StepId};
use crate::text::align::{Piece, word_difference};

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
    /// What of its own changed, word by word.
    pub difference: Vec<Piece>,
    /// What its layer holds.
    pub written: Option<Written>,
    /// Where the variable that changed is set.
    pub set_at: Option<String>,
    /// Why it survived changes that one would expect to matter.
    pub survived: Vec<Survival>,
    /// What the verdict takes for true without anybody having told, as a sentence.
    pub assumes: Option<String>,
    /// The documentation of the rule that decides.
    pub url: &'static str,
}

/// What counts of a file: digest, mode, and how long it is.
fn shown(entry: &Entry) -> String {
    let mode = format!("{:04o}", entry.mode & 0o7777);
    match &entry.kind {
        EntryKind::File { digest, size_bytes } => {
            format!("{}, mode {mode}, {size_bytes} bytes", digest.short())
        }
        EntryKind::Dir => format!("folder, mode {mode}"),
        EntryKind::Symlink { target } | EntryKind::HardLink { target } => format!("link to {target}"),
    }
}

/// Says what is assumed.
fn assumption(assumed: &AssumedFiles) -> String {
    let AssumedFiles { n_files, first, what } = assumed;
    let files = if *n_files == 1 { first.clone() } else { format!("{n_files} files, {first} among them,") };
    if what.includes(Assumed::CONTENT) {
        return format!("The content of {files} is not known: this verdict takes it for unchanged");
    }
    format!(
        "The mode of {files} is assumed, since a browser does not show it: this verdict holds if it is right"
    )
}

/// The chain of causes as the classic builder has it.
fn legacy_chain(legacy: &LegacyAnalysis, rows: &[InstructionRow], row: &InstructionRow) -> Vec<CauseLink> {
    let link = |(line, code, reason): (u32, String, String)| {
        let row = rows.iter().find(|row| row.lines.first == line);
        CauseLink {
            instruction: row.map(|row| row.idx),
            line: row.map(|row| row.lines.first),
            code: row.map_or(code, |row| row.code.clone()),
            reason,
        }
    };
    let links: Vec<CauseLink> = legacy.chain(row.lines.first).into_iter().map(link).collect();
    if links.len() < 2 { Vec::new() } else { links }
}

pub(super) fn why(
    state: &State,
    analysis: &Analysis,
    rows: &[InstructionRow],
    row: &InstructionRow,
    survived: &[Survival],
    legacy: Option<&LegacyAnalysis>,
) -> Why {
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
        _ if legacy.is_some() => (legacy.map_or_else(Vec::new, |it| legacy_chain(it, rows, row)), Vec::new()),
        (Some(graph), Some(step)) => (chain(analysis, graph, rows, step), key_inputs(analysis, graph, step)),
        _ => (Vec::new(), Vec::new()),
    };
    let survived = match row.mark {
        Mark::Cached | Mark::Metadata | Mark::Conditional => {
            concerning(survived, row, analysis.now.shown_graph())
        }
        _ => Vec::new(),
    };
    let reason = reason_of(row);
    Why {
        code: row.code.clone(),
        line: row.lines.first,
        mark: row.mark,
        sentence,
        chain,
        inputs,
        difference: reason.map_or_else(Vec::new, difference),
        written: written(state, analysis, row),
        set_at: reason.and_then(|reason| set_at(analysis, row, reason)),
        survived,
        assumes: row.outcome.as_ref().and_then(|outcome| outcome.assumes.as_ref()).map(assumption),
        url: rule_url(row),
    }
}

/// Before and after of a reason that has both.
fn difference(reason: &Reason) -> Vec<Piece> {
    match reason {
        Reason::InstructionChanged { before, after }
        | Reason::SettingChanged { before, after, .. }
        | Reason::BaseChanged { before, after }
        | Reason::ParentReplaced { before, after } => word_difference(before, after),
        Reason::VariableChanged { before, after, .. } => {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            word_difference(&text(before), &text(after))
        }
        Reason::ParentDiffers { change, .. } => difference(change),
        _ => Vec::new(),
    }
}

/// Where the variable of a reason gets its value: the instruction above that sets it last, or the
/// command line.
fn set_at(analysis: &Analysis, row: &InstructionRow, reason: &Reason) -> Option<String> {
    let Reason::VariableChanged { name, .. } = reason else { return None };
    let sets = |node: &&Node| {
        let names: Vec<&str> = match node.keyword_upper().as_str() {
            "ENV" => node.args.iter().step_by(3).map(|arg| arg.value.as_str()).collect(),
            "ARG" => node.args.iter().filter_map(|arg| arg.value.split('=').next()).collect(),
            _ => Vec::new(),
        };
        node.lines.first < row.lines.first && names.contains(&name.as_str())
    };
    let node = analysis.now.file.parse.nodes.iter().rfind(sets)?;
    let is_given = node.keyword_upper() == "ARG" && analysis.now.options.build_args.contains_key(name);
    Some(if is_given {
        format!("{name} is declared at line {} and given by --build-arg", node.lines.first)
    } else {
        format!("{name} is set at line {}", node.lines.first)
    })
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
        match outcome.caused_by() {
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

/// The files that a step takes of the context: those that changed, then others as far as there is room.
fn file_inputs(analysis: &Analysis, graph: &Graph, id: StepId) -> Vec<KeyInput> {
    let Some(step) = graph.step(id) else { return Vec::new() };
    let mut rows = Vec::new();
    for (input, dep) in step.inputs.iter().zip(&deps(step)).filter(|(_, dep)| dep.by_content) {
        let Some(Op::Local { name }) = graph.step(*input).map(|source| &source.op) else { continue };
        let empty = Rc::default();
        let inputs = analysis.now.inputs();
        let now = inputs.locals.get(name).unwrap_or(&empty);
        let last = analysis.last.as_ref().map(|last| last.inputs());
        let before = last.as_ref().and_then(|last| last.locals.get(name)).unwrap_or(&empty);
        let selectors = &dep.selectors;
        let changes = changes(before, selectors, now, selectors);
        for change in changes.iter().take(MAX_FILE_INPUTS) {
            let now = match (change.kind, &change.after) {
                (FileChangeKind::Deleted, _) if analysis.now.all.get(&change.path).is_some() => {
                    "ignored".into()
                }
                (_, None) => "gone".to_owned(),
                (_, Some(entry)) => shown(entry),
            };
            let before = change.before.as_ref().map(shown);
            rows.push(KeyInput { name: change.path.clone(), is_changed: true, before, now });
        }
        let changed: BTreeSet<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        for path in first_files(now, selectors, MAX_FILE_INPUTS + changed.len()) {
            let entry = now.get(&path).filter(|_| !changed.contains(path.as_str()));
            if let Some(text) = entry.map(shown) {
                let before = Some(text.clone()).filter(|_| analysis.last.is_some());
                rows.push(KeyInput { name: path, is_changed: false, before, now: text });
            }
        }
    }
    rows.sort_by_key(|row| !row.is_changed);
    rows.truncate(MAX_FILE_INPUTS);
    rows
}
