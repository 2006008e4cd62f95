//! A graph against the store: what would be taken, what would run.
//!
//! Steps are judged in order, inputs first. For each input the solver looks
//! for keys by definition; only where that finds nothing are selected files
//! compared by content. A step that runs has no keys for what stands on it to
//! be found by: its key is known only once it ran, which is too late to look.
//!
//! What depends on bytes that a rerun writes is judged twice: once as if reruns
//! wrote the same as before, once as if they wrote something else. Where the
//! two differ, the step is conditional.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::definition::Definitions;
use super::explain::Explainer;
use super::files::{Content, Files};
use super::key::{Dep, OpKey};
use super::made::{as_stored, files_of, image_files};
use super::reason::Reason;
use super::store::{BuildRecord, CacheStore, InputKey, Journal, KeyId, StepRecord};
use super::{Simulation, StepOutcome, Verdict};
use crate::context::assumed::{AssumedFiles, assumed_files};
use crate::context::changes::{FileChange, FileChangeKind};
use crate::context::select::Selector;
use crate::context::{Assumed, Tree};
use crate::digest::{Digest, Hasher};
use crate::dockerfile::mount::MountKind;
use crate::graph::{Graph, Op, Step, StepId};

/// What a build is given besides the graph.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The build context under `context`, named contexts under their names; ignore patterns applied.
    pub locals: BTreeMap<String, Rc<Tree>>,
    /// Contexts that ignore patterns were applied to, as they were before: to tell what is hidden
    /// from what is gone.
    pub unfiltered: BTreeMap<String, Rc<Tree>>,
    /// Build arguments, to name the one that changed.
    pub build_args: BTreeMap<String, String>,
    /// What is known of the files of images, by reference.
    pub images: BTreeMap<String, ImageFiles>,
}

/// What is known of an image's files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImageFiles {
    /// The files of its topmost layer; whiteouts left out.
    pub top_layer: Rc<Tree>,
}

/// What reruns are taken to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum Reruns {
    /// Other bytes than before.
    #[default]
    Different,
    /// The bytes that they wrote before.
    Same,
}

/// Judges a build.
#[must_use]
pub fn simulate(graph: &Graph, inputs: &Inputs, store: &CacheStore) -> Simulation {
    simulate_failing(graph, inputs, store, &BTreeSet::new())
}

/// Judges a build of which it is known that some steps fail when they run.
#[must_use]
pub fn simulate_failing(
    graph: &Graph,
    inputs: &Inputs,
    store: &CacheStore,
    fails: &BTreeSet<StepId>,
) -> Simulation {
    let common = Common::of(graph, inputs, store);
    let is_asked = Cell::new(false);
    let different = |_: StepId| {
        is_asked.set(true);
        Reruns::Different
    };
    let given = Given { graph, inputs, store, common: &common, fails };
    let different = Solver::run(&given, &different);
    // Where nothing turned on bytes of reruns, both worlds are one.
    let same = is_asked.get().then(|| Solver::run(&given, &|_| Reruns::Same));
    let same = same.as_ref().unwrap_or(&different);
    let explainer = Explainer::new(graph, &different.steps, &common.locals, &inputs.unfiltered, store);
    let mut outcomes: Vec<StepOutcome> = Vec::new();
    for (idx, (one, other)) in same.steps.iter().zip(&different.steps).enumerate() {
        let id = StepId(idx);
        let (verdict, depends_on) = match (&one.state, &other.state) {
            (State::Refused(_), _) | (_, State::Refused(_)) => (Verdict::Error, BTreeSet::new()),
            (State::Blocked, _) | (_, State::Blocked) => (Verdict::Blocked, BTreeSet::new()),
            (State::Remote, _) | (_, State::Remote) => (Verdict::Unknown, BTreeSet::new()),
            (State::Hit | State::Skipped, State::Hit | State::Skipped) => (Verdict::Cached, BTreeSet::new()),
            (State::Ran | State::Failed, State::Ran | State::Failed) => (Verdict::Rebuild, BTreeSet::new()),
            _ => (Verdict::Conditional, one.depends_on.union(&other.depends_on).copied().collect()),
        };
        // Whether it stands on what stood there before is open: then so is the step, even where
        // something else of it makes sure that it runs.
        let stands_on =
            graph.step(id).and_then(|step| step.inputs.first()).filter(|_| !other.reads_content_first());
        let below = stands_on.and_then(|below| outcomes.get(below.0));
        let is_open = below.is_some_and(|below| below.verdict == Verdict::Conditional);
        let explained = verdict;
        let (verdict, depends_on) = match below {
            Some(below) if is_open && verdict == Verdict::Rebuild => {
                (Verdict::Conditional, below.depends_on.clone())
            }
            _ => (verdict, depends_on),
        };
        let (reason, first_cause) = match (&one.state, &other.state) {
            (State::Refused(reason), _) | (_, State::Refused(reason)) => (reason.clone(), Some(id)),
            (State::Skipped, State::Skipped) => (Reason::NotExported, None),
            _ => explainer.explain(id, explained, is_open, &outcomes),
        };
        let assumes = match (&verdict, &reason) {
            (Verdict::Cached, _) => given.assumed(id, &other.deps),
            // Only a mode differs, and one of the two was assumed.
            (Verdict::Rebuild, Reason::FilesChanged { changes }) => of_assumed_modes(changes),
            _ => None,
        };
        let same_as = other.same_as;
        outcomes.push(StepOutcome { verdict, reason, first_cause, depends_on, same_as, assumes });
    }
    for (idx, judged) in different.steps.iter().enumerate() {
        let Some(twin) = judged.twin_of.filter(|_| judged.same_as.is_none()) else { continue };
        let platform = |id: StepId| graph.step(id).and_then(|step| step.platform.as_ref());
        // Of equal steps of several platforms the last one was seen to run for all.
        let (runs, shares) =
            if platform(twin) == platform(StepId(idx)) { (twin.0, idx) } else { (idx, twin.0) };
        let both = outcomes.get(runs).cloned().zip(outcomes.get(shares).cloned());
        let Some((one, other)) = both.filter(|(one, other)| {
            [one.verdict, other.verdict].iter().all(|it| matches!(it, Verdict::Cached | Verdict::Rebuild))
        }) else {
            continue;
        };
        let ran = if one.verdict == Verdict::Rebuild { one } else { other };
        let reason = Reason::SharedWith { step: StepId(runs) };
        let shared = StepOutcome { verdict: Verdict::Cached, reason, first_cause: None, ..ran.clone() };
        outcomes.get_mut(runs).into_iter().for_each(|slot| slot.clone_from(&ran));
        outcomes.get_mut(shares).into_iter().for_each(|slot| slot.clone_from(&shared));
    }
    Simulation { steps: outcomes }
}

/// The changes, if all of them are of modes of which one was assumed.
fn of_assumed_modes(changes: &[FileChange]) -> Option<AssumedFiles> {
    let assumed = |change: &FileChange| {
        let entries = change.before.iter().chain(&change.after);
        let assumed = entries.fold(Assumed::NOTHING, |all, entry| all.and(entry.assumed));
        (change.kind == FileChangeKind::Header && assumed != Assumed::NOTHING).then_some(assumed)
    };
    let all: Option<Vec<Assumed>> = changes.iter().map(assumed).collect();
    let (what, first) = all?.first().copied().zip(changes.first())?;
    Some(AssumedFiles { n_files: changes.len(), first: first.path.clone(), what })
}

/// Records a build as done. `reruns` says for each conditional step what its
/// reruns wrote; `fails` names the steps that failed or were stopped, so that
/// nothing of them or after them is stored.
pub fn record(
    graph: &Graph,
    inputs: &Inputs,
    store: &mut CacheStore,
    reruns: &dyn Fn(StepId) -> Reruns,
    fails: &BTreeSet<StepId>,
) {
    let common = Common::of(graph, inputs, store);
    let given = Given { graph, inputs, store, common: &common, fails };
    let solver = Solver::run(&given, reruns);
    let mut build = BuildRecord {
        locals: common.locals.clone(),
        unfiltered: inputs.unfiltered.clone(),
        build_args: inputs.build_args.clone(),
        ..BuildRecord::default()
    };
    for (idx, (step, judged)) in graph.steps.iter().zip(solver.steps).enumerate() {
        let stage_name = stage_name(graph, step);
        let record = StepRecord::new(step, StepId(idx), stage_name, judged);
        build.steps.push(record);
    }
    let added = solver.journal.finish();
    store.add(added, build);
}

/// A build of which nothing was cached: what each step leaves.
#[derive(Clone, Debug, Default)]
pub struct Built {
    steps: Vec<FilesOfStep>,
}

/// The files that a step leaves.
#[derive(Clone, Debug)]
pub(super) struct FilesOfStep {
    /// While it runs: what a command writes is open.
    pub(super) files: Rc<Files>,
    /// As the next build finds them.
    pub(super) settled: Rc<Files>,
}

impl Built {
    /// Builds with an empty cache.
    #[must_use]
    pub fn new(graph: &Graph, inputs: &Inputs) -> Self {
        let store = CacheStore::default();
        let common = Common::of(graph, inputs, &store);
        let fails = BTreeSet::new();
        let given = Given { graph, inputs, store: &store, common: &common, fails: &fails };
        let steps = Solver::run(&given, &|_| Reruns::Different).steps.into_iter();
        let steps = steps.map(|step| FilesOfStep { files: step.files, settled: step.settled });
        Self { steps: steps.collect() }
    }

    pub(super) fn step(&self, id: StepId) -> Option<&FilesOfStep> {
        self.steps.get(id.0)
    }
}

pub(super) fn stage_name(graph: &Graph, step: &Step) -> String {
    let stage = step.stage.and_then(|stage| graph.stages.get(stage.0));
    stage.map_or(String::new(), |stage| stage.name.clone())
}

/// What became of a step in one of the two worlds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum State {
    Hit,
    Ran,
    /// Known by its key, but without a result; nothing that runs needs one.
    Skipped,
    /// It runs, and was declared to fail.
    Failed,
    /// It cannot be done: a source is not there.
    Refused(Reason),
    /// An input failed.
    Blocked,
    /// It comes from the web, or stands on what does.
    Remote,
}

/// A step as judged in one of the two worlds.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) state: State,
    pub(super) key: OpKey,
    /// The hash of the key.
    pub(super) op: Digest,
    pub(super) deps: Vec<Dep>,
    pub(super) definition: Digest,
    /// Reruns whose bytes decide about this step.
    pub(super) depends_on: BTreeSet<StepId>,
    pub(super) same_as: Option<StepId>,
    /// Another step of this build that runs for this one, too.
    pub(super) twin_of: Option<StepId>,
    /// The keys that what stands on it is looked up by.
    known_by: BTreeSet<KeyId>,
    /// The key of its result, once it is there.
    pub(super) result: Option<KeyId>,
    files: Rc<Files>,
    /// The same as later builds find them: bytes that are open now were written.
    settled: Rc<Files>,
}

impl Judged {
    fn new(state: State, key: OpKey, op: Digest, deps: Vec<Dep>, definition: Digest) -> Self {
        Self {
            state,
            key,
            op,
            deps,
            definition,
            depends_on: BTreeSet::new(),
            same_as: None,
            twin_of: None,
            known_by: BTreeSet::new(),
            result: None,
            files: Rc::new(Files::Empty),
            settled: Rc::new(Files::Empty),
        }
    }

    /// Its first input is one that it reads from, not one that it builds upon.
    fn reads_content_first(&self) -> bool {
        self.deps.first().is_some_and(|dep| dep.by_content)
    }
}

/// Contexts as the builder holds them once they were sent.
fn transferred(inputs: &Inputs, store: &CacheStore) -> BTreeMap<String, Rc<Tree>> {
    inputs.locals.iter().map(|(name, tree)| (name.clone(), store.transferred(name, tree))).collect()
}

/// Digests of selections of contexts, which both worlds have in common.
type Contents = RefCell<BTreeMap<Selection, Content>>;

/// A context's name and what is selected of it.
type Selection = (String, Vec<Selector>);

/// What both worlds of a build have in common.
pub(super) struct Common {
    definitions: Definitions,
    /// Contexts as the builder holds them.
    locals: BTreeMap<String, Rc<Tree>>,
    contents: Contents,
    assumptions: RefCell<BTreeMap<Selection, Option<AssumedFiles>>>,
}

impl Common {
    pub(super) fn of(graph: &Graph, inputs: &Inputs, store: &CacheStore) -> Self {
        Self {
            definitions: Definitions::of(graph),
            locals: transferred(inputs, store),
            contents: Contents::default(),
            assumptions: RefCell::default(),
        }
    }
}

/// What a solver is given.
pub(super) struct Given<'a> {
    pub(super) graph: &'a Graph,
    pub(super) inputs: &'a Inputs,
    pub(super) store: &'a CacheStore,
    pub(super) common: &'a Common,
    pub(super) fails: &'a BTreeSet<StepId>,
}

impl Given<'_> {
    /// What a step takes of contexts and of which something is assumed.
    fn assumed(&self, id: StepId, deps: &[Dep]) -> Option<AssumedFiles> {
        let step = self.graph.step(id)?;
        step.inputs.iter().zip(deps).filter(|(_, dep)| dep.by_content).find_map(|(input, dep)| {
            let Op::Local { name } = &self.graph.step(*input)?.op else { return None };
            let key = (name.clone(), dep.selectors.clone());
            if let Some(known) = self.common.assumptions.borrow().get(&key) {
                return known.clone();
            }
            let found = assumed_files(self.common.locals.get(name)?, &dep.selectors);
            self.common.assumptions.borrow_mut().insert(key, found.clone());
            found
        })
    }
}

pub(super) struct Solver<'a> {
    journal: Journal<'a>,
    given: &'a Given<'a>,
    reruns: &'a dyn Fn(StepId) -> Reruns,
    pub(super) steps: Vec<Judged>,
    n_builds: usize,
}

impl<'a> Solver<'a> {
    pub(super) fn run(given: &'a Given<'a>, reruns: &'a dyn Fn(StepId) -> Reruns) -> Self {
        let graph = given.graph;
        let mut solver = Self {
            journal: Journal::new(given.store),
            given,
            reruns,
            steps: Vec::new(),
            n_builds: given.store.builds.len(),
        };
        let merged = &given.common.definitions.merged;
        for (idx, step) in graph.steps.iter().enumerate() {
            let id = StepId(idx);
            let judged = match merged.first(id).and_then(|first| solver.steps.get(first.0)) {
                // Equal operations on equal inputs are one step of a build.
                Some(twin) => twin.clone(),
                None => solver.judge(id, step),
            };
            solver.steps.push(Judged { same_as: merged.shown_as(id), ..judged });
        }
        solver.skip_unneeded();
        solver
    }

    /// A step whose key is known and whose result was not imported runs only if something that runs
    /// reads it.
    fn skip_unneeded(&mut self) {
        let mut is_needed = vec![false; self.steps.len()];
        for result in self.given.graph.results.iter().flatten() {
            is_needed.get_mut(result.0).into_iter().for_each(|slot| *slot = true);
        }
        for (idx, step) in self.given.graph.steps.iter().enumerate().rev() {
            let Some(judged) = self.steps.get_mut(idx) else { continue };
            if !is_needed.get(idx).copied().unwrap_or(true) && !judged.known_by.is_empty() {
                if judged.state == State::Ran {
                    judged.state = State::Skipped;
                    judged.result.into_iter().for_each(|key| self.journal.forget(key));
                }
            } else if judged.state == State::Ran {
                for input in &step.inputs {
                    is_needed.get_mut(input.0).into_iter().for_each(|slot| *slot = true);
                }
            }
        }
    }

    fn input(&self, step: &Step, idx: usize) -> Option<&Judged> {
        step.inputs.get(idx).and_then(|id| self.steps.get(id.0))
    }

    fn judge(&mut self, id: StepId, step: &Step) -> Judged {
        let Definitions { steps, merged } = &self.given.common.definitions;
        let (key, op, deps) = match steps.get(id.0) {
            Some((key, op, deps)) => (key.clone(), *op, deps.clone()),
            None => (OpKey::Merge, OpKey::Merge.digest(), Vec::new()),
        };
        let judged = Judged::new(State::Blocked, key, op, deps, merged.definition(id));
        let inputs: Vec<&Judged> = (0..step.inputs.len()).filter_map(|idx| self.input(step, idx)).collect();
        let is_broken = |state: &State| matches!(state, State::Refused(_) | State::Blocked | State::Failed);
        if inputs.iter().any(|input| is_broken(&input.state)) {
            return judged;
        }
        if inputs.iter().any(|input| input.state == State::Remote)
            || matches!(step.op, Op::Http { .. } | Op::Git { .. })
            || self.given.graph.not_modeled.is_some()
        {
            return Judged { state: State::Remote, ..judged };
        }
        match &step.op {
            Op::Image { reference, base } => {
                let known = self.journal.known_root(op);
                let files = Rc::new(image_files(op, base, self.given.inputs.images.get(reference)));
                Judged {
                    state: if known.is_some() { State::Hit } else { State::Ran },
                    known_by: known.into_iter().collect(),
                    result: Some(self.journal.root(op)),
                    files: Rc::clone(&files),
                    settled: files,
                    ..judged
                }
            }
            Op::Local { name } => {
                // Loaded at every build: by definition it is never equal to the one before.
                let mut hasher = Hasher::default();
                hasher.update(op.as_bytes());
                hasher.field(&self.n_builds.to_string());
                let tree = self.given.common.locals.get(name).cloned().unwrap_or_default();
                let files = Rc::new(Files::Whole(tree));
                Judged {
                    state: State::Ran,
                    result: Some(self.journal.root(hasher.finish())),
                    files: Rc::clone(&files),
                    settled: files,
                    ..judged
                }
            }
            _ => self.lookup(id, step, op, judged, merged.ignores_cache(id)),
        }
    }

    /// Looks a step up by its operation, and runs it where it is not found.
    fn lookup(&mut self, id: StepId, step: &Step, op: Digest, judged: Judged, ignores_cache: bool) -> Judged {
        let mut search = Search {
            op,
            ignores_cache,
            found: Vec::new(),
            results: Vec::new(),
            hits: BTreeSet::new(),
            depends_on: BTreeSet::new(),
        };
        for (idx, dep) in judged.deps.iter().enumerate() {
            let selector = dep.selector_digest();
            let input = self.input(step, idx);
            let keys = |keys: &BTreeSet<KeyId>| -> Vec<InputKey> {
                keys.iter().map(|key| (*key, selector)).collect()
            };
            let known_by = input.map_or(Vec::new(), |input| keys(&input.known_by));
            let result = input.and_then(|input| input.result).map(|key| (key, selector));
            search.results.push(result.into_iter().collect());
            search.depends_on.extend(input.into_iter().flat_map(|input| &input.depends_on));
            let found = if ignores_cache { BTreeSet::new() } else { self.journal.query(&known_by, idx, op) };
            search.found.push(found);
        }
        if step.inputs.is_empty() && !ignores_cache {
            search.hits.extend(self.journal.known_root(op));
        }
        search.hits.extend(search.common(&self.journal));
        // Keys whose results were left out of an imported cache still lead on.
        let known = search.known();
        if search.hits.is_empty()
            && let Err(reason) = self.look_at_content(id, step, &judged.deps, &mut search)
        {
            return Judged { state: State::Refused(reason), ..judged };
        }
        let depends_on = std::mem::take(&mut search.depends_on);
        if let Some(key) = search.hits.last().copied() {
            let files = self.journal.result(key).cloned().unwrap_or_else(|| Rc::new(Files::Empty));
            let known_by = search.hits;
            let (result, settled) = (Some(key), Rc::clone(&files));
            return Judged { state: State::Hit, depends_on, known_by, result, files, settled, ..judged };
        }
        if let Some(secret) = self.missing_secret(step) {
            return Judged { state: State::Refused(Reason::SecretMissing { id: secret }), ..judged };
        }
        if self.given.fails.contains(&id) {
            return Judged { state: State::Failed, depends_on, ..judged };
        }
        let inputs: Vec<Rc<Files>> = (0..step.inputs.len())
            .map(|idx| {
                self.input(step, idx).map_or_else(|| Rc::new(Files::Empty), |input| Rc::clone(&input.files))
            })
            .collect();
        let files = match files_of(id, &step.op, &inputs) {
            Ok(files) => files,
            Err(reason) => return Judged { state: State::Refused(reason), ..judged },
        };
        let became: Vec<(&Rc<Files>, &Rc<Files>)> = (0..step.inputs.len())
            .filter_map(|idx| self.input(step, idx))
            .map(|input| (&input.files, &input.settled))
            .collect();
        let settled = as_stored(&files, &became, self.n_builds);
        let (key, is_twin) = self.journal.save(op, &search.results, Rc::clone(&settled));
        if is_twin && !ignores_cache {
            // Another step of this build has the same key: it runs for both. What stands on
            // this one is not found by it, for there was no result when it was looked for.
            let twin =
                self.steps.iter().position(|step| step.state == State::Ran && step.result == Some(key));
            let (twin_of, result) = (twin.map(StepId), Some(key));
            return Judged { state: State::Hit, depends_on, twin_of, result, files, settled, ..judged };
        }
        Judged { state: State::Ran, depends_on, known_by: known, result: Some(key), files, settled, ..judged }
    }

    /// Looks a step up by the content of what it reads: first of the inputs
    /// that no definition was found for, then of the others.
    fn look_at_content(
        &mut self,
        id: StepId,
        step: &Step,
        deps: &[Dep],
        search: &mut Search,
    ) -> Result<(), Reason> {
        let is_lost = |idx: usize| search.found.get(idx).is_none_or(BTreeSet::is_empty);
        // Without a key for the root parent there is nothing to find, and all is loaded at once.
        let is_hopeless = deps.iter().enumerate().any(|(idx, dep)| !dep.by_content && is_lost(idx));
        let (first, then): (Vec<usize>, Vec<usize>) = (0..deps.len())
            .filter(|idx| deps.get(*idx).is_some_and(|dep| dep.by_content))
            .partition(|idx| is_hopeless || is_lost(*idx));
        let mut open: BTreeMap<usize, BTreeSet<StepId>> = BTreeMap::new();
        for phase in [first, then] {
            for idx in phase {
                let Some((dep, input)) = deps.get(idx).zip(self.input(step, idx)) else { continue };
                match self.content(step, idx, input, dep) {
                    Content::Exact(digest) => {
                        let key = self.journal.root(content_key(digest));
                        search.add_content(idx, key, &mut self.journal);
                    }
                    Content::Open(reruns) => {
                        // Too late to be found by, but the result is stored by it.
                        if let Content::Exact(digest) = input.settled.content(&dep.selectors) {
                            let key = self.journal.root(content_key(digest));
                            search.results.get_mut(idx).into_iter().for_each(|keys| keys.push((key, None)));
                        }
                        open.insert(idx, reruns);
                    }
                    Content::Missing(path) => return Err(Reason::SourceMissing { path }),
                }
            }
            search.hits = search.common(&self.journal);
            if !search.hits.is_empty() {
                return Ok(());
            }
        }
        if open.is_empty() || search.ignores_cache {
            return Ok(());
        }
        for idx in open.keys() {
            let anywhere = self.journal.reached_by_any(*idx, search.op);
            if let Some(found) = search.found.get_mut(*idx) {
                found.extend(anywhere);
            }
        }
        let possible = search.common(&self.journal);
        if possible.is_empty() {
            return Ok(());
        }
        search.depends_on.extend(open.values().flatten());
        if (self.reruns)(id) == Reruns::Same {
            // Of several earlier results the youngest is what the rerun is taken to repeat.
            search.hits = possible.last().copied().into_iter().collect();
            for idx in open.keys() {
                let keys = search.results.get(*idx).map_or(&[][..], Vec::as_slice);
                for key in &search.hits {
                    self.journal.link_all(keys, *idx, search.op, *key);
                }
            }
        }
        Ok(())
    }

    /// The content of what a step takes of an input.
    fn content(&self, step: &Step, idx: usize, input: &Judged, dep: &Dep) -> Content {
        let source = step.inputs.get(idx).and_then(|id| self.given.graph.step(*id));
        let Some(Step { op: Op::Local { name }, .. }) = source else {
            return input.files.content(&dep.selectors);
        };
        let key = (name.clone(), dep.selectors.clone());
        if let Some(known) = self.given.common.contents.borrow().get(&key) {
            return known.clone();
        }
        let content = input.files.content(&dep.selectors);
        self.given.common.contents.borrow_mut().insert(key, content.clone());
        content
    }

    fn missing_secret(&self, step: &Step) -> Option<String> {
        let (Op::Exec(exec), Some(given)) = (&step.op, &self.given.graph.secrets) else { return None };
        let mounted = exec.mounts.iter().filter(|mount| mount.kind == MountKind::Secret && mount.is_required);
        let of_env = exec.secret_env.iter().filter(|(_, _, is_required)| *is_required).map(|(_, id, _)| id);
        mounted.map(|mount| &mount.secret_id).chain(of_env).find(|id| !given.contains(*id)).cloned()
    }
}

fn content_key(digest: Digest) -> Digest {
    let mut hasher = Hasher::default();
    hasher.field("content");
    hasher.update(digest.as_bytes());
    hasher.finish()
}

/// A search for one step: for each input what was found.
#[derive(Debug)]
struct Search {
    op: Digest,
    ignores_cache: bool,
    /// What the keys of each input lead to.
    found: Vec<BTreeSet<KeyId>>,
    /// The keys of each input's result, to store the step by.
    results: Vec<Vec<InputKey>>,
    hits: BTreeSet<KeyId>,
    depends_on: BTreeSet<StepId>,
}

impl Search {
    /// Keys that all inputs lead to and that have a result.
    fn common(&self, journal: &Journal<'_>) -> BTreeSet<KeyId> {
        let mut common = self.known();
        common.retain(|key| journal.result(*key).is_some());
        common
    }

    /// Keys that all inputs lead to.
    fn known(&self) -> BTreeSet<KeyId> {
        let mut sets = self.found.iter();
        let Some(first) = sets.next() else { return BTreeSet::new() };
        let mut common = first.clone();
        for set in sets {
            common.retain(|key| set.contains(key));
        }
        common
    }

    /// Takes the key of an input's content in.
    fn add_content(&mut self, idx: usize, key: KeyId, journal: &mut Journal<'_>) {
        if !self.ignores_cache
            && let Some(found) = self.found.get_mut(idx)
        {
            found.extend(journal.query(&[(key, None)], idx, self.op));
        }
        if let Some(results) = self.results.get_mut(idx) {
            results.push((key, None));
            // Definition and content now lead to the same.
            journal.query(results, idx, self.op);
        }
    }
}
