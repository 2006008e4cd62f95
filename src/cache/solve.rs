//! A graph against the store: what would be taken, what would run.
//!
//! Steps are judged in order, inputs first. For each input the solver looks
//! for keys by definition; only where that finds nothing are selected files
//! compared by content. What depends on bytes that a rerun writes is judged
//! twice: once as if reruns wrote the same as before, once as if they wrote
//! something else. Where the two differ, the step is conditional.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::files::{Content, CopyOf, Files, add_copy};
use super::key::{Dep, OpKey, deps};
use super::reason::{Explainer, Reason};
use super::store::{BuildRecord, CacheStore, KeyId, StepRecord};
use super::{Simulation, StepOutcome, Verdict};
use crate::context::Tree;
use crate::context::select::Selector;
use crate::digest::{Digest, Hasher};
use crate::graph::{FileAction, FileInput, Graph, Op, Step, StepId};

/// What a build is given besides the graph.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The build context under `context`, named contexts under their names; ignore patterns applied.
    pub locals: BTreeMap<String, Rc<Tree>>,
    /// Build arguments, to name the one that changed.
    pub build_args: BTreeMap<String, String>,
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
    let same = Solver::run(graph, inputs, store.clone(), &|_| Reruns::Same);
    let different = Solver::run(graph, inputs, store.clone(), &|_| Reruns::Different);
    let mut outcomes = Vec::new();
    let explainer = Explainer::new(graph, &different.steps, &different.locals, store);
    for (idx, (one, other)) in same.steps.iter().zip(&different.steps).enumerate() {
        let id = StepId(idx);
        let (verdict, depends_on) = match (&one.state, &other.state) {
            (State::Missing(_), _) | (_, State::Missing(_)) => (Verdict::Error, BTreeSet::new()),
            (State::Blocked, _) | (_, State::Blocked) => (Verdict::Blocked, BTreeSet::new()),
            (State::Remote, _) | (_, State::Remote) => (Verdict::Unknown, BTreeSet::new()),
            (State::Hit, State::Hit) => (Verdict::Cached, BTreeSet::new()),
            (State::Ran, State::Ran) => (Verdict::Rebuild, BTreeSet::new()),
            _ => (Verdict::Conditional, one.depends_on.union(&other.depends_on).copied().collect()),
        };
        let (reason, first_cause) = match (&one.state, &other.state) {
            (State::Missing(path), _) | (_, State::Missing(path)) => {
                (Reason::SourceMissing { path: path.clone() }, Some(id))
            }
            _ => explainer.explain(id, verdict),
        };
        outcomes.push(StepOutcome { verdict, reason, first_cause, depends_on, same_as: other.same_as });
    }
    Simulation { steps: outcomes }
}

/// Records a build as done. `reruns` says for each conditional step what its
/// reruns wrote; `fails` names a step whose command failed, so that nothing of
/// it or after it is stored.
pub fn record(
    graph: &Graph,
    inputs: &Inputs,
    store: &mut CacheStore,
    reruns: &dyn Fn(StepId) -> Reruns,
    fails: &BTreeSet<StepId>,
) {
    let taken = std::mem::take(store);
    let solver = Solver::run_failing(graph, inputs, taken, reruns, fails);
    *store = solver.store;
    let mut build =
        BuildRecord { steps: Vec::new(), locals: solver.locals, build_args: inputs.build_args.clone() };
    for (idx, (step, judged)) in graph.steps.iter().zip(solver.steps).enumerate() {
        let stage_name = stage_name(graph, step);
        let record =
            StepRecord::new(step, StepId(idx), stage_name, judged.key, judged.deps, judged.definition);
        build.steps.push(record);
    }
    store.builds.push(build);
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
    /// A source is not there.
    Missing(String),
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
    pub(super) deps: Vec<Dep>,
    pub(super) definition: Digest,
    /// Reruns whose bytes decide about this step.
    pub(super) depends_on: BTreeSet<StepId>,
    pub(super) same_as: Option<StepId>,
    keys: BTreeSet<KeyId>,
    files: Rc<Files>,
}

struct Solver<'a> {
    store: CacheStore,
    locals: BTreeMap<String, Rc<Tree>>,
    reruns: &'a dyn Fn(StepId) -> Reruns,
    fails: &'a BTreeSet<StepId>,
    steps: Vec<Judged>,
    build: usize,
}

impl<'a> Solver<'a> {
    fn run(
        graph: &'a Graph,
        inputs: &Inputs,
        store: CacheStore,
        reruns: &'a dyn Fn(StepId) -> Reruns,
    ) -> Self {
        const NONE: &BTreeSet<StepId> = &BTreeSet::new();
        Self::run_failing(graph, inputs, store, reruns, NONE)
    }

    fn run_failing(
        graph: &'a Graph,
        inputs: &Inputs,
        store: CacheStore,
        reruns: &'a dyn Fn(StepId) -> Reruns,
        fails: &'a BTreeSet<StepId>,
    ) -> Self {
        let locals =
            inputs.locals.iter().map(|(name, tree)| (name.clone(), store.transferred(name, tree))).collect();
        let build = store.builds.len();
        let mut solver = Self { store, locals, reruns, fails, steps: Vec::new(), build };
        let mut known: BTreeMap<Digest, StepId> = BTreeMap::new();
        for (idx, step) in graph.steps.iter().enumerate() {
            let mut judged = solver.judge(StepId(idx), step);
            // Equal operations on equal inputs are one step of a build.
            if let Some(first) = known.get(&judged.definition) {
                let twin = solver.steps.get(first.0).cloned();
                if let Some(twin) = twin {
                    judged = Judged { same_as: Some(*first), ..twin };
                }
            } else {
                known.insert(judged.definition, StepId(idx));
            }
            solver.steps.push(judged);
        }
        solver
    }

    fn input(&self, step: &Step, idx: usize) -> Option<&Judged> {
        step.inputs.get(idx).and_then(|id| self.steps.get(id.0))
    }

    fn judge(&mut self, id: StepId, step: &Step) -> Judged {
        let key = OpKey::of(step);
        let op = key.digest();
        let step_deps = deps(step);
        let mut hasher = Hasher::default();
        hasher.update(op.as_bytes());
        for (idx, dep) in step_deps.iter().enumerate() {
            if let Some(input) = self.input(step, idx) {
                hasher.update(input.definition.as_bytes());
            }
            hasher.field(&format!("{:?}", dep.selector_digest()));
        }
        let definition = hasher.finish();
        let judged = |state, keys, files| Judged {
            state,
            key: key.clone(),
            deps: step_deps.clone(),
            definition,
            depends_on: BTreeSet::new(),
            same_as: None,
            keys,
            files,
        };
        let inputs: Vec<&Judged> = (0..step.inputs.len()).filter_map(|idx| self.input(step, idx)).collect();
        if inputs.iter().any(|input| matches!(input.state, State::Missing(_) | State::Blocked)) {
            return judged(State::Blocked, BTreeSet::new(), Rc::new(Files::Empty));
        }
        if inputs.iter().any(|input| input.state == State::Remote) || matches!(key, OpKey::Remote { .. }) {
            return judged(State::Remote, BTreeSet::new(), Rc::new(Files::Empty));
        }
        match &step.op {
            Op::Image { .. } => {
                let root = self.store.root(op);
                let is_known = self
                    .store
                    .builds
                    .iter()
                    .any(|build| build.steps.iter().any(|old| old.key.digest() == op));
                let files = Rc::new(Files::Opaque { token: op, reruns: BTreeSet::new() });
                judged(if is_known { State::Hit } else { State::Ran }, BTreeSet::from([root]), files)
            }
            Op::Local { name } => {
                // Loaded at every build: by definition it is never equal to the one before.
                let mut hasher = Hasher::default();
                hasher.update(op.as_bytes());
                hasher.field(&self.build.to_string());
                let root = self.store.root(hasher.finish());
                let tree = self.locals.get(name).cloned().unwrap_or_default();
                judged(State::Ran, BTreeSet::from([root]), Rc::new(Files::Whole(tree)))
            }
            Op::Exec(_) | Op::File(_) | Op::Merge | Op::Http { .. } | Op::Git { .. } => {
                self.lookup(id, step, op, judged)
            }
        }
    }

    /// Looks a step with a definition up, and runs it where it is not found.
    fn lookup(
        &mut self,
        id: StepId,
        step: &Step,
        op: Digest,
        judged: impl Fn(State, BTreeSet<KeyId>, Rc<Files>) -> Judged,
    ) -> Judged {
        let step_deps = deps(step);
        let mut inputs: Vec<Vec<(KeyId, Option<Digest>)>> = Vec::new();
        for (idx, dep) in step_deps.iter().enumerate() {
            let keys = self.input(step, idx).map_or(BTreeSet::new(), |input| input.keys.clone());
            inputs.push(keys.into_iter().map(|key| (key, dep.selector_digest())).collect());
        }
        if step.inputs.is_empty() {
            let key = self.store.root(op);
            let hit = self.store.result(key).is_some() && !step.ignores_cache;
            let files = self.files_of(id, step);
            if !self.fails.contains(&id) {
                self.store.save(op, &[], Rc::clone(&files));
            }
            return judged(if hit { State::Hit } else { State::Ran }, BTreeSet::from([key]), files);
        }
        let mut found =
            if step.ignores_cache { BTreeSet::new() } else { self.candidates(op, &inputs, &BTreeSet::new()) };
        let mut open: BTreeSet<StepId> = BTreeSet::new();
        let mut open_inputs: BTreeSet<usize> = BTreeSet::new();
        if found.is_empty() {
            for (idx, dep) in step_deps.iter().enumerate().filter(|(_, dep)| dep.by_content) {
                let Some(input) = self.input(step, idx) else { continue };
                match input.files.content(&dep.selectors) {
                    Content::Exact(digest) => {
                        let mut hasher = Hasher::default();
                        hasher.field("content");
                        hasher.update(digest.as_bytes());
                        let key = self.store.root(hasher.finish());
                        if let Some(keys) = inputs.get_mut(idx) {
                            keys.push((key, None));
                        }
                    }
                    Content::Open(reruns) => {
                        open.extend(reruns);
                        open_inputs.insert(idx);
                    }
                    Content::Missing(path) => {
                        return judged(State::Missing(path), BTreeSet::new(), Rc::new(Files::Empty));
                    }
                }
            }
            if !step.ignores_cache {
                found = self.candidates(op, &inputs, &BTreeSet::new());
            }
        }
        let mut depends_on: BTreeSet<StepId> = BTreeSet::new();
        for idx in 0..step.inputs.len() {
            depends_on
                .extend(self.input(step, idx).into_iter().flat_map(|input| input.depends_on.iter().copied()));
        }
        if found.is_empty() && !open_inputs.is_empty() && !step.ignores_cache {
            let possible = self.candidates(op, &inputs, &open_inputs);
            if !possible.is_empty() {
                depends_on.extend(&open);
                if (self.reruns)(id) == Reruns::Same {
                    // Of several earlier results the youngest is what the rerun is taken to repeat.
                    found = possible.last().copied().into_iter().collect();
                }
            }
        }
        if let Some(key) = found.last().copied() {
            let files = self.store.result(key).cloned().unwrap_or_else(|| Rc::new(Files::Empty));
            for key in &found {
                self.store.link(op, &inputs, *key);
            }
            return Judged { depends_on, ..judged(State::Hit, found, files) };
        }
        let files = self.files_of(id, step);
        if self.fails.contains(&id) {
            return judged(State::Blocked, BTreeSet::new(), Rc::new(Files::Empty));
        }
        let stored = Rc::new(as_stored(&files, self.build, id));
        let key = self.store.save(op, &inputs, stored);
        Judged { depends_on, ..judged(State::Ran, BTreeSet::from([key]), files) }
    }

    /// Keys that all inputs lead to and that have a result; inputs in `open` may lead anywhere.
    fn candidates(
        &self,
        op: Digest,
        inputs: &[Vec<(KeyId, Option<Digest>)>],
        open: &BTreeSet<usize>,
    ) -> BTreeSet<KeyId> {
        let mut found: Option<BTreeSet<KeyId>> = None;
        for (idx, keys) in inputs.iter().enumerate() {
            let reached = if open.contains(&idx) {
                self.store.reached_by_any(idx, op)
            } else {
                let mut reached = BTreeSet::new();
                for (key, selector) in keys {
                    reached.extend(self.store.reached(&BTreeSet::from([*key]), idx, op, *selector));
                }
                reached
            };
            found = Some(match found {
                None => reached,
                Some(found) => found.intersection(&reached).copied().collect(),
            });
        }
        let mut found = found.unwrap_or_default();
        found.retain(|key| self.store.result(*key).is_some());
        found
    }

    /// What is known of the files that a step leaves behind when it runs.
    fn files_of(&self, id: StepId, step: &Step) -> Rc<Files> {
        let input = |idx: usize| {
            self.input(step, idx).map_or_else(|| Rc::new(Files::Empty), |input| Rc::clone(&input.files))
        };
        match &step.op {
            Op::File(actions) => {
                let mut results: Vec<Rc<Files>> = Vec::new();
                for action in actions {
                    let find = |place: &FileInput| match place {
                        FileInput::Scratch => Rc::new(Files::Empty),
                        FileInput::Input(idx) => input(*idx),
                        FileInput::Action(idx) => {
                            results.get(*idx).cloned().unwrap_or_else(|| Rc::new(Files::Empty))
                        }
                    };
                    let mut tree = Tree::default();
                    let mut reruns = BTreeSet::new();
                    let on = match action {
                        FileAction::Copy(copy) => {
                            let selector = Selector {
                                path: copy.source.clone(),
                                is_wildcard: copy.is_path,
                                follows_links: copy.is_path,
                                includes: copy.includes.clone(),
                                excludes: copy.excludes.clone(),
                            };
                            let mode = u32::from_str_radix(&copy.chmod, 8).ok();
                            let owner = numeric_owner(&copy.chown);
                            let is_special = (!copy.chmod.is_empty() && mode.is_none())
                                || (!copy.chown.is_empty() && owner.is_none())
                                || (copy.unpacks && copy.source.contains(".t"));
                            let options = if is_special {
                                format!("{} {} {}", copy.chown, copy.chmod, copy.unpacks)
                            } else {
                                String::new()
                            };
                            let made = CopyOf {
                                selector: &selector,
                                dest: &copy.dest,
                                options: &options,
                                mode,
                                owner,
                                is_one_of_many: actions.len() > 1,
                            };
                            add_copy(&mut tree, &mut reruns, &find(&copy.from), made);
                            find(&copy.on)
                        }
                        FileAction::Mkdir { on, .. } => find(on),
                        FileAction::Mkfile { on, path, mode, data } => {
                            let mut entry =
                                crate::context::Entry::file(Digest::of(data.as_bytes()), data.len() as u64);
                            entry.mode = *mode;
                            tree.insert(path, entry);
                            find(on)
                        }
                    };
                    results.push(if tree.is_empty() {
                        on
                    } else {
                        Rc::new(Files::Overlay { on, tree: Rc::new(tree), reruns })
                    });
                }
                results.pop().unwrap_or_else(|| Rc::new(Files::Empty))
            }
            // A command may write anything anywhere.
            _ => Rc::new(Files::Opaque { token: Digest::of(b"rerun"), reruns: BTreeSet::from([id]) }),
        }
    }
}

/// What a later build finds: bytes that were open are settled now.
fn as_stored(files: &Rc<Files>, build: usize, id: StepId) -> Files {
    let settled = |token: &str| {
        let mut hasher = Hasher::default();
        hasher.field(token);
        hasher.field(&format!("{build} {}", id.0));
        hasher.finish()
    };
    match files.as_ref() {
        Files::Opaque { token, reruns } => {
            let token = match reruns.first() {
                None => *token,
                // The token names the step that wrote the bytes, so that a step on top sees the same.
                Some(rerun) => {
                    let mut hasher = Hasher::default();
                    hasher.field(&format!("{build} {}", rerun.0));
                    hasher.finish()
                }
            };
            Files::Opaque { token, reruns: BTreeSet::new() }
        }
        Files::Overlay { on, tree, reruns } => {
            let on = Rc::new(as_stored(on, build, id));
            if reruns.is_empty() {
                return Files::Overlay { on, tree: Rc::clone(tree), reruns: BTreeSet::new() };
            }
            Files::Opaque { token: settled("copied"), reruns: BTreeSet::new() }
        }
        other => other.clone(),
    }
}

fn numeric_owner(chown: &str) -> Option<(u32, u32)> {
    let (user, group) = chown.split_once(':').unwrap_or((chown, chown));
    let user = user.parse().ok()?;
    Some((user, if group.is_empty() { 0 } else { group.parse().ok()? }))
}
