//! What Simulate draws, put together. All derived; components compute nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::analysis::Analysis;
use super::document::{self, TabRow};
use super::files::{FilesView, files};
use super::history::{Event, History, Replayed};
use super::impact::{InstructionImpact, instructions};
use super::known;
use super::legacy::{self, LegacyAnalysis, LegacyRow};
use super::options::{Builder, OptionProblem};
use super::rows::{InstructionRow, Summary, instruction_rows, summarize};
use super::share::{self, ShareView};
use super::sketch::{ImageSketch, sketch};
use super::stack::{Column, columns};
use super::state::State;
use super::survival::{Survival, survivals};
use super::terminal::{Terminals, terminals};
use super::why::{Why, why};
use crate::cache::Verdict;
use crate::diagnostic::{Diagnostic, Fix, Severity};
use crate::text::utf16_offset;

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

    pub(super) fn of(verdict: Verdict) -> Self {
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
    pub(super) fn weight(self) -> u8 {
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
    /// The tabs of Dockerfiles.
    pub tabs: Vec<TabRow>,
    /// Dockerfiles of the context that stand in no tab.
    pub closed_dockerfiles: Vec<String>,
    /// The picture.
    pub columns: Rc<Vec<Column>>,
    /// The explanation of the chosen instruction.
    pub why: Option<Why>,
    /// The context.
    pub files: FilesView,
    /// Why the ignore file cannot be used.
    pub ignore_problem: Option<String>,
    /// The chosen instruction.
    pub selected: Option<usize>,
    /// What happened to the cache, oldest first.
    pub timeline: Vec<Moment>,
    /// The present version is the one that was built last.
    pub is_as_built: bool,
    /// The cache holds something.
    pub has_cache: bool,
    /// What an edit of each instruction would rebuild; none while nobody looks.
    pub impact: Vec<InstructionImpact>,
    /// The image that the build yields; none while nobody looks.
    pub image: Option<ImageSketch>,
    /// BuildKit's and the classic builder's answers to each instruction; none while nobody looks.
    pub builders: Vec<(Answer, Answer)>,
    /// What both would print, while that is looked at.
    pub terminals: Option<Terminals>,
    /// The base images of the file, and what is assumed of their tags.
    pub bases: Vec<BaseRow>,
    /// Names of the stages.
    pub stages: Vec<String>,
    /// What of the options cannot be taken.
    pub option_problems: Vec<OptionProblem>,
    /// The command line that the options stand for.
    pub command: String,
    /// What is handed around, while the dialog for it is open.
    pub share: Option<ShareView>,
}

/// What a builder says of an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Its state.
    pub mark: Mark,
    /// One sentence on why.
    pub reason: String,
}

impl Answer {
    fn of(row: &InstructionRow) -> Self {
        Self { mark: row.mark, reason: row.reason.clone() }
    }

    /// Two builders do the same: an instruction that only configures is no step to one of them.
    #[must_use]
    pub fn agree(buildkit: &Self, legacy: &Self) -> bool {
        let is_idle = |mark: Mark| matches!(mark, Mark::Cached | Mark::Metadata);
        buildkit.mark == legacy.mark || is_idle(buildkit.mark) && is_idle(legacy.mark)
    }

    fn of_legacy(row: &LegacyRow) -> Self {
        Self { mark: row.mark, reason: row.reason.clone() }
    }
}

/// A base image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BaseRow {
    /// Its full name.
    pub reference: String,
    /// What is known of its tag.
    pub note: String,
    /// The file that its configuration and layers are known from.
    pub known_from: Option<String>,
    /// Opened images that could be it, the likeliest first.
    pub candidates: Vec<known::Candidate>,
}

fn bases(state: &State, history: &History, analysis: &Analysis) -> Vec<BaseRow> {
    let row = |reference: &String| {
        let moved = state.session.now.bases.get(reference).copied().unwrap_or_default();
        let held = history.pulled.get(reference).copied();
        let used = analysis.now.bases.get(reference).copied().unwrap_or_default();
        let note = match held {
            _ if used != moved => {
                "moved at the registry; without --pull the engine takes the image that it holds".to_owned()
            }
            Some(held) if held.n_layers != used.n_layers => {
                "moved to other layers since the last build".to_owned()
            }
            Some(held) if held != used => "moved since the last build, with the same layers".to_owned(),
            Some(_) => "as in the last build".to_owned(),
            None => "not pulled by any build yet".to_owned(),
        };
        BaseRow {
            reference: reference.clone(),
            note,
            known_from: history.known(reference).map(|known| known.file_name.clone()),
            candidates: known::candidates(state, reference),
        }
    };
    analysis.now.bases.keys().map(row).collect()
}

impl SimulateView {
    /// The name of the last build on the timeline.
    #[must_use]
    pub fn last_build(&self) -> Option<&str> {
        self.timeline.iter().rev().find(|moment| moment.is_build).map(|moment| moment.label.as_str())
    }
}

/// An event on the timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Its place among all events.
    pub idx: usize,
    /// In a word or two.
    pub label: String,
    /// More of it.
    pub note: String,
    /// It is a build, whose texts and files can be had back.
    pub is_build: bool,
    /// Its steps by state.
    pub counts: BTreeMap<Mark, usize>,
}

fn timeline(history: &History) -> Vec<Moment> {
    let mut n_builds = 0;
    let moment = |(idx, replayed): (usize, &Replayed)| {
        let mut counts: BTreeMap<Mark, usize> = BTreeMap::new();
        let (label, note, is_build) = match &replayed.event {
            Event::Built(version) => {
                n_builds += 1;
                let graph = replayed.judged.as_ref().and_then(|judged| judged.graph.as_ref().ok());
                let steps = graph.map_or(&[][..], |graph| graph.steps.as_slice());
                for (step, outcome) in steps.iter().zip(&replayed.simulation.steps) {
                    if step.position.is_some() {
                        *counts.entry(Mark::of(outcome.verdict)).or_default() += 1;
                    }
                }
                let of = |mark: Mark| counts.get(&mark).copied().unwrap_or(0);
                let note = match graph {
                    None => "refused: nothing was stored".to_owned(),
                    Some(_) => format!(
                        "{}: {} cached, {} run",
                        version.options.command(&version.dockerfile_path),
                        of(Mark::Cached),
                        counts.values().sum::<usize>() - of(Mark::Cached)
                    ),
                };
                (format!("Build {n_builds}"), note, true)
            }
            Event::Pruned => ("Pruned".to_owned(), "docker builder prune --all".to_owned(), false),
            Event::FreshRunner(import) => {
                ("Fresh runner".to_owned(), format!("a new machine with {}", import.label()), false)
            }
        };
        Moment { idx, label, note, is_build, counts }
    };
    history.replayed.iter().enumerate().map(moment).collect()
}

/// Derives all of it.
#[must_use]
pub fn simulate(state: &State, history: &History, analysis: &Analysis) -> SimulateView {
    let mut rows = instruction_rows(state, analysis);
    let is_legacy = state.session.now.options.builder == Builder::Legacy;
    let legacy = (is_legacy || state.is_builders_open)
        .then(|| LegacyAnalysis::new(&state.session.now, &analysis.now, history.legacy()));
    let legacy_rows = legacy.as_ref().map_or_else(Vec::new, |legacy| legacy.rows(analysis));
    let buildkit = if state.is_builders_open { rows.iter().map(Answer::of).collect() } else { Vec::new() };
    let looked_at = legacy.as_ref().filter(|_| state.is_builders_open);
    let terminals = looked_at.map(|legacy| terminals(state, history, analysis, legacy));
    if is_legacy {
        legacy::put_in_place(&mut rows, &legacy_rows);
    }
    let survived = survivals(state, analysis);
    let notes = survived.iter().map(Survival::sentence).collect();
    let summary = summarize(analysis, &rows, notes);
    let first_cause = rows.iter().find(|row| row.is_first_cause).map(|row| row.idx);
    let selected = state.selected.filter(|idx| *idx < rows.len()).or(first_cause);
    let why = selected.and_then(|idx| rows.get(idx)).map(|row| {
        let legacy = legacy.as_ref().filter(|_| is_legacy);
        why(state, analysis, &rows, row, &survived, legacy)
    });
    let timeline = timeline(history);
    let share = state.share.map(|leave_out| {
        let legacy = legacy.as_ref().filter(|_| is_legacy);
        let (rows, summary, timeline) = (&rows, &summary, &timeline);
        share::view(state, leave_out, &share::Shown { analysis, rows, summary, timeline, legacy })
    });
    SimulateView {
        diagnostics: diagnostics(state, analysis),
        not_checked: not_checked(analysis),
        tabs: document::tabs(&state.session),
        closed_dockerfiles: document::closed_dockerfiles(&state.session),
        columns: Rc::new(columns(state, history, analysis, &rows)),
        why,
        files: files(state, analysis),
        ignore_problem: analysis.now.ignore.clone().err(),
        selected,
        timeline,
        share,
        impact: if state.is_impact_open {
            instructions(&state.session.now.dockerfile, analysis, &rows)
        } else {
            Vec::new()
        },
        image: if state.is_image_open { sketch(state, analysis, &rows) } else { None },
        terminals,
        builders: buildkit.into_iter().zip(legacy_rows.iter().map(Answer::of_legacy)).collect(),
        bases: bases(state, history, analysis),
        stages: analysis.now.file.stages.iter().filter_map(|stage| stage.name().map(str::to_owned)).collect(),
        has_cache: analysis.has_cache,
        is_as_built: state.session.last_build() == Some(&state.session.now),
        option_problems: analysis.now.option_problems.clone(),
        command: state.session.now.options.command(&state.session.now.dockerfile_path),
        rows,
        summary,
    }
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

#[cfg(test)]
mod tests {
    use super::super::state::Session;
    use super::super::update::{Message, update};
    use super::*;

    /// The verdict of each step after some messages, and what the page says.
    fn judge(messages: Vec<Message>) -> (Vec<(u32, &'static str)>, SimulateView) {
        let mut state = State::new(Session::example(), "test");
        for message in messages {
            let _ = update(&mut state, message);
        }
        let history =
            History::replay(&state.session.events, state.session.reruns, &state.session.images, None);
        let view = simulate(&state, &history, &Analysis::new(&state, &history, None));
        (view.rows.iter().map(|row| (row.lines.first, row.mark.class())).collect(), view)
    }

    fn check(messages: Vec<Message>, expected: [&'static str; 6], sentence: &str) {
        let (marks, view) = judge(messages);
        let expected: Vec<(u32, &str)> = (1..).zip(expected).collect();
        assert_eq!(marks, expected);
        assert_eq!(view.summary.sentence, sentence);
    }

    #[test]
    fn the_four_edits() {
        let all = ["cached", "cached", "cached", "cached", "cached", "metadata"];
        check(vec![], all, "Nothing rebuilds: all 5 steps are cached.");
        check(
            vec![Message::FileEdited("package.json".into())],
            ["cached", "cached", "rebuild", "rebuild", "rebuild", "metadata"],
            "2 of 5 steps cached, 3 rebuild. First cause: line 3, package.json changed.",
        );
        check(
            vec![Message::FileEdited("index.js".into())],
            ["cached", "cached", "cached", "cached", "rebuild", "metadata"],
            "4 of 5 steps cached, 1 rebuilds. First cause: line 5, index.js changed.",
        );
        check(
            vec![Message::FileTouched("index.js".into())],
            all,
            "Nothing rebuilds: all 5 steps are cached.",
        );
        let other = super::super::example::DOCKERFILE.replace("start", "run");
        check(vec![Message::DockerfileEdited(other)], all, "Nothing rebuilds: all 5 steps are cached.");
    }

    #[test]
    fn what_rebuilds_nothing_is_explained() {
        let (_, view) = judge(vec![Message::FileTouched("index.js".into())]);
        assert_eq!(
            view.summary.notes,
            ["index.js was touched: only its time changed, and times never count"]
        );
        let other = super::super::example::DOCKERFILE.replace("start", "run");
        let (_, view) = judge(vec![Message::DockerfileEdited(other)]);
        assert_eq!(view.summary.notes, ["CMD changed: that edits the image configuration and makes no step"]);
    }

    #[test]
    fn the_dockerfile_is_part_of_the_context() {
        let other = super::super::example::DOCKERFILE.replace("start", "run");
        let ignore = "node_modules\n.dockerignore\n".to_owned();
        check(
            vec![Message::IgnoreEdited(ignore), Message::BuildRequested, Message::DockerfileEdited(other)],
            ["cached", "cached", "cached", "cached", "rebuild", "metadata"],
            "4 of 5 steps cached, 1 rebuilds. First cause: line 5, Dockerfile changed.",
        );
    }

    #[test]
    fn an_edit_taken_back_hits_again() {
        let edit = || Message::FileEdited("index.js".into());
        let back = Message::FileReverted("index.js".into());
        let (marks, _) = judge(vec![edit(), back]);
        assert!(marks.iter().all(|(_, mark)| *mark != "rebuild"));
    }

    #[test]
    fn a_refused_line_leaves_the_rest_judged() {
        let text = super::super::example::DOCKERFILE.replace("RUN npm", "RUNN npm");
        let (marks, view) = judge(vec![Message::DockerfileEdited(text)]);
        let marks: Vec<&str> = marks.into_iter().map(|(_, mark)| mark).collect();
        assert_eq!(marks, ["cached", "cached", "cached", "error", "rebuild", "metadata"]);
        assert_eq!(view.summary.refusal, Some((Some(4), "`RUNN` is no Dockerfile instruction".into())));
    }
}
