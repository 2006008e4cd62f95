//! The classic builder's answers beside BuildKit's: the difference teaches.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::analysis::{Analysis, Judged};
use super::history::{Event, Import, Replayed};
use super::placeholder;
use super::rows::InstructionRow;
use super::state::Version;
use super::view::Mark;
use crate::cache::legacy::convert::plan;
use crate::cache::legacy::files::Inputs;
use crate::cache::legacy::plan::{Action, DockerfilePlace, Plan};
use crate::cache::legacy::solve::{record, simulate};
use crate::cache::legacy::store::LegacyStore;
use crate::cache::reason::Reason;
use crate::cache::solve::Reruns;
use crate::cache::{Simulation, StepOutcome, Verdict};
use crate::context::Tree;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::Dialect;
use crate::graph::{GraphError, StepId};
use crate::terminal::Screen;
use crate::terminal::legacy::{Build, Cli, refused, screen, sent_bytes};

/// A version as the classic builder sees it.
#[derive(Clone, Debug)]
pub struct LegacyJudged {
    /// Its steps, or why it is refused.
    pub plan: Result<Plan, GraphError>,
    file: Dockerfile,
    inputs: Inputs,
    /// Bytes that its client sends; not known where files are inferred.
    sent_bytes: Option<u64>,
}

impl LegacyJudged {
    /// Understands a version that BuildKit's side has understood already.
    #[must_use]
    pub fn new(version: &Version, judged: &Judged) -> Self {
        let file = Dockerfile::read_as(&version.dockerfile, Dialect::Classic);
        let place = if version.has_dockerfile_in_context {
            DockerfilePlace::InContext { path: version.dockerfile_path.clone() }
        } else {
            DockerfilePlace::Outside
        };
        let find_base = |reference: &str, platform: &_| judged.find_base(reference, platform);
        let plan = plan(&file, &judged.options, &place, &find_base);
        let mut all = Tree::clone(&judged.all);
        if let Ok(plan) = &plan {
            // It builds stages that BuildKit never looks at; nobody gave their files either.
            for path in sources(plan).filter(|path| all.get(path).is_none()).collect::<BTreeSet<_>>() {
                placeholder::insert(&mut all, &path);
            }
        }
        // The classic client knows no ignore file but this one.
        let is_usual = version.ignore_path == ".dockerignore";
        let packed = match judged.ignore.as_ref().ok().filter(|_| is_usual) {
            Some(list) => list.pack(&all),
            None => crate::context::ignore::IgnoreList::default().pack(&all),
        };
        let dockerfile_bytes = version.dockerfile.len() as u64;
        let is_known = judged.inferred.is_empty();
        let sent_bytes = is_known.then(|| sent_bytes(&all, &packed, &place, dockerfile_bytes));
        Self { plan, file, inputs: Inputs { context: Rc::new(packed), ..Inputs::default() }, sent_bytes }
    }
}

/// Plain paths that copies take of the context.
fn sources(plan: &Plan) -> impl Iterator<Item = String> {
    let copies = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Copy(copy) if copy.from.is_none() => Some(copy),
        _ => None,
    });
    let plain = |path: &&String| !crate::context::select::has_wildcard(path) && !path.contains("://");
    let paths = copies.flat_map(|copy| &copy.sources).filter(plain);
    paths.map(|path| crate::context::normal_path(path)).filter(|path| !path.is_empty())
}

/// The classic builder's cache after what happened.
#[must_use]
pub fn replay(replayed: &[Replayed], reruns: Reruns) -> LegacyStore {
    let mut store = LegacyStore::default();
    for event in replayed {
        match (&event.event, &event.judged) {
            (Event::Built(version), Some(judged)) => {
                let legacy = LegacyJudged::new(version, judged);
                if let Ok(plan) = &legacy.plan {
                    record(plan, &legacy.inputs, &mut store, &|_| reruns, &BTreeSet::new());
                }
            }
            // What it would import is not modeled, so that a fresh machine has nothing.
            (Event::Pruned | Event::FreshRunner(Import::Nothing | Import::Min | Import::Max), _) => {
                store = LegacyStore::default();
            }
            (Event::Built(_), None) => {}
        }
    }
    store
}

/// What the classic builder says of the present version.
#[derive(Clone, Debug)]
pub struct LegacyAnalysis {
    judged: LegacyJudged,
    simulation: Simulation,
}

/// What it says of one instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LegacyRow {
    /// The instruction's place among all of them.
    pub idx: usize,
    /// Its state.
    pub mark: Mark,
    /// One sentence on why.
    pub reason: String,
    /// It is the change that began it.
    pub is_first_cause: bool,
    /// What became of it, for the reason's data.
    pub outcome: Option<StepOutcome>,
}

impl LegacyAnalysis {
    /// Judges the present version.
    #[must_use]
    pub fn new(version: &Version, judged: &Judged, store: &LegacyStore) -> Self {
        let judged = LegacyJudged::new(version, judged);
        let simulation = match &judged.plan {
            Ok(plan) => simulate(plan, &judged.inputs, store),
            Err(_) => Simulation::default(),
        };
        Self { judged, simulation }
    }

    /// One row for each instruction of the file.
    #[must_use]
    pub fn rows(&self, analysis: &Analysis) -> Vec<LegacyRow> {
        let nodes = &analysis.now.file.parse.nodes;
        let refused = |idx: usize, lines: crate::text::Lines, error: &GraphError| {
            let is_here = error.lines.iter().any(|it| it.first <= lines.last && lines.first <= it.last);
            let reason =
                if is_here { error.message.clone() } else { "it refuses this file before any step".into() };
            let mark = if is_here { Mark::Error } else { Mark::Blocked };
            LegacyRow { idx, mark, reason, is_first_cause: is_here, outcome: None }
        };
        let causes: BTreeSet<StepId> = self.simulation.steps.iter().filter_map(|it| it.first_cause).collect();
        let row = |(idx, node): (usize, &crate::dockerfile::syntax::Node)| {
            let plan = match &self.judged.plan {
                Ok(plan) => plan,
                Err(error) => return refused(idx, node.lines, error),
            };
            let is_here = |(_, step): &(usize, &crate::cache::legacy::plan::PlanStep)| {
                step.lines.is_some_and(|lines| lines.first == node.lines.first)
            };
            let found = plan.steps.iter().enumerate().filter(is_here);
            // Triggers stand on the line of the FROM; of several steps the one that tells most speaks.
            let told = found
                .filter_map(|(at, _)| Some((StepId(at), self.simulation.step(StepId(at))?)))
                .max_by_key(|(at, outcome)| (Mark::of(outcome.verdict).weight(), std::cmp::Reverse(*at)));
            let Some((at, outcome)) = told else {
                let reason = "it is below the target, so it is not built".to_owned();
                return LegacyRow { idx, mark: Mark::Pruned, reason, is_first_cause: false, outcome: None };
            };
            let is_cause =
                causes.contains(&at) && matches!(outcome.verdict, Verdict::Rebuild | Verdict::Error);
            LegacyRow {
                idx,
                mark: Mark::of(outcome.verdict),
                reason: self.sentence(&outcome.reason),
                is_first_cause: is_cause,
                outcome: Some(outcome.clone()),
            }
        };
        nodes.iter().enumerate().map(row).collect()
    }

    fn sentence(&self, reason: &Reason) -> String {
        let text = |id: StepId| self.judged.plan.as_ref().ok()?.step(id).map(|step| step.text.as_str());
        reason.sentence_of(&text)
    }

    /// What it would print, once reruns write what they are taken to write.
    #[must_use]
    pub fn screen(&self, store: &LegacyStore, reruns: Reruns) -> Screen {
        let cli = Cli { context_bytes: self.judged.sent_bytes, ..Cli::default() };
        match &self.judged.plan {
            Ok(plan) => screen(
                &Build {
                    file: &self.judged.file,
                    plan,
                    inputs: &self.judged.inputs,
                    store,
                    simulation: &self.simulation,
                    reruns: &|_| reruns,
                    fails: &BTreeMap::new(),
                },
                &cli,
            ),
            Err(error) => refused(error, &cli),
        }
    }

    /// Why a step runs, then why that one does, down to the first cause: lines, texts and sentences.
    #[must_use]
    pub fn chain(&self, line: u32) -> Vec<(u32, String, String)> {
        let Ok(plan) = &self.judged.plan else { return Vec::new() };
        let is_here =
            |step: &crate::cache::legacy::plan::PlanStep| step.lines.is_some_and(|it| it.first == line);
        let mut at = plan.steps.iter().rposition(is_here).map(StepId);
        let mut links = Vec::new();
        while let Some((step, outcome)) = at.and_then(|at| plan.step(at).zip(self.simulation.step(at))) {
            let line = step.lines.map_or(0, |lines| lines.first);
            links.push((line, step.text.clone(), self.sentence(&outcome.reason)));
            at = outcome.caused_by().filter(|next| Some(*next) < at);
        }
        links
    }
}

/// Puts the classic builder's verdicts in place of BuildKit's.
pub(super) fn put_in_place(rows: &mut [InstructionRow], legacy: &[LegacyRow]) {
    for (row, legacy) in rows.iter_mut().zip(legacy) {
        row.mark = legacy.mark;
        row.reason.clone_from(&legacy.reason);
        row.is_first_cause = legacy.is_first_cause;
        row.outcome.clone_from(&legacy.outcome);
        // Every instruction makes an image; those that copy, run or make a folder also a layer.
        row.makes_layer &= legacy.mark != Mark::Pruned;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::history::History;
    use crate::app::state::{Session, State};
    use crate::app::update::{Message, update};

    fn both(messages: Vec<Message>) -> Vec<(u32, &'static str, &'static str)> {
        let mut state = State::new(Session::example(), "test");
        for message in messages {
            let _ = update(&mut state, message);
        }
        let history =
            History::replay(&state.session.events, state.session.reruns, &state.session.images, None);
        let analysis = Analysis::new(&state, &history, None);
        let legacy = LegacyAnalysis::new(&state.session.now, &analysis.now, history.legacy());
        let rows = super::super::rows::instruction_rows(&state, &analysis);
        let marks = rows.iter().zip(legacy.rows(&analysis));
        marks.map(|(row, legacy)| (row.lines.first, row.mark.class(), legacy.mark.class())).collect()
    }

    #[test]
    fn a_label_in_front_of_a_run_is_where_they_differ() {
        let text = Session::example().now.dockerfile;
        let edited = text.replacen("WORKDIR", "LABEL a=1\nWORKDIR", 1);
        let found = both(vec![Message::DockerfileEdited(edited)]);
        let classic: Vec<&str> = found.iter().map(|(_, _, legacy)| *legacy).collect();
        assert_eq!(classic, ["cached", "rebuild", "rebuild", "rebuild", "rebuild", "rebuild", "rebuild"]);
        assert!(found.iter().all(|(_, buildkit, _)| matches!(*buildkit, "cached" | "metadata" | "rebuild")));
        assert_eq!(found[4].1, "cached", "RUN stays cached with BuildKit");
    }

    #[test]
    fn nothing_changed() {
        let found = both(vec![]);
        assert!(found.iter().all(|(_, _, legacy)| *legacy == "cached"), "{found:?}");
    }
}
