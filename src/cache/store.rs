//! The cache as a builder keeps it: keys, links between them, results.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::files::Files;
use super::key::{Dep, OpKey};
use super::solve::Judged;
use crate::context::Tree;
use crate::digest::Digest;
use crate::graph::{Graph, StageId, Step, StepId};
use crate::text::Lines;

/// A key of a result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyId(u64);

/// How a key is reached from a key of one input.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Link {
    from: KeyId,
    input: usize,
    op: Digest,
    selector: Option<Digest>,
}

/// What the store knows of one step of an earlier build, to explain later ones.
#[derive(Clone, Debug)]
pub struct StepRecord {
    /// The step.
    pub id: StepId,
    /// Its stage.
    pub stage: Option<StageId>,
    /// Its stage's name.
    pub stage_name: String,
    /// Lines of its instruction.
    pub lines: Option<Lines>,
    /// The instruction as shown.
    pub text: String,
    /// What counted of its definition.
    pub key: OpKey,
    /// The hash of that.
    pub op: Digest,
    /// Its root parent.
    pub inputs: Vec<StepId>,
    /// How it looked at its inputs.
    pub deps: Vec<Dep>,
    /// Operation and inputs hashed: equal for equal steps on equal parents.
    pub definition: Digest,
    /// The key of its result, if it has one.
    result: Option<KeyId>,
}

/// One remembered build.
#[derive(Clone, Debug, Default)]
pub struct BuildRecord {
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// Its context and named contexts, as the builder saw them.
    pub locals: BTreeMap<String, Rc<Tree>>,
    /// The same before ignore patterns were applied, where they were.
    pub unfiltered: BTreeMap<String, Rc<Tree>>,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// It ran on another machine, whose cache was imported.
    pub is_elsewhere: bool,
}

/// What a build exports of its cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Export {
    /// The layers of its image: `mode=min`, and inline.
    Min,
    /// Every step.
    Max,
}

/// Keys, the links between them, and results.
#[derive(Clone, Debug, Default)]
struct Keys {
    roots: BTreeMap<Digest, KeyId>,
    links: BTreeMap<Link, BTreeSet<KeyId>>,
    /// Where the links of an operation's input lead to, whatever they come from.
    ends: BTreeMap<(Digest, usize), BTreeSet<KeyId>>,
    /// The youngest result of each key.
    results: BTreeMap<KeyId, Rc<Files>>,
    n_keys: u64,
}

impl Keys {
    fn link(&mut self, link: Link, to: KeyId) {
        self.ends.entry((link.op, link.input)).or_default().insert(to);
        self.links.entry(link).or_default().insert(to);
    }

    fn add(&mut self, other: Self) {
        let Self { roots, links, ends, results, n_keys } = other;
        self.roots.extend(roots);
        for (link, to) in links {
            self.links.entry(link).or_default().extend(to);
        }
        for (end, to) in ends {
            self.ends.entry(end).or_default().extend(to);
        }
        self.results.extend(results);
        self.n_keys = n_keys;
    }
}

/// What a build adds to a store; the store itself stays as it is.
#[derive(Debug)]
pub(super) struct Journal<'a> {
    old: &'a Keys,
    new: Keys,
}

/// What a [`Journal`] has gathered.
#[derive(Debug)]
pub(super) struct Added(Keys);

/// A key of an input, and how it is looked at.
pub(super) type InputKey = (KeyId, Option<Digest>);

impl<'a> Journal<'a> {
    /// A journal in front of `store`.
    pub(super) fn new(store: &'a CacheStore) -> Self {
        let new = Keys { n_keys: store.keys.n_keys, ..Keys::default() };
        Self { old: &store.keys, new }
    }

    /// What was added.
    pub(super) fn finish(self) -> Added {
        Added(self.new)
    }

    fn new_key(&mut self) -> KeyId {
        self.new.n_keys += 1;
        KeyId(self.new.n_keys)
    }

    /// The key of something that has no inputs, if it was there before this build.
    pub(super) fn known_root(&self, digest: Digest) -> Option<KeyId> {
        self.old.roots.get(&digest).copied()
    }

    /// The key of something that has no inputs.
    pub(super) fn root(&mut self, digest: Digest) -> KeyId {
        let known = self.old.roots.get(&digest).or_else(|| self.new.roots.get(&digest));
        if let Some(known) = known {
            return *known;
        }
        let key = self.new_key();
        self.new.roots.insert(digest, key);
        key
    }

    /// The keys that keys of one input lead to. All that lead somewhere lead
    /// to the same from now on: they are keys of one result.
    pub(super) fn query(&mut self, keys: &[InputKey], input: usize, op: Digest) -> BTreeSet<KeyId> {
        let links: Vec<Link> = keys
            .iter()
            .map(|(from, selector)| Link { from: *from, input, op, selector: *selector })
            .collect();
        let mut found = BTreeSet::new();
        for link in &links {
            found.extend(self.old.links.get(link).into_iter().flatten().copied());
            found.extend(self.new.links.get(link).into_iter().flatten().copied());
        }
        if links.len() > 1 {
            for link in links {
                for to in &found {
                    self.link(link.clone(), *to);
                }
            }
        }
        found
    }

    /// The keys that any key of an input leads to.
    pub(super) fn reached_by_any(&self, input: usize, op: Digest) -> BTreeSet<KeyId> {
        let ends = [&self.old.ends, &self.new.ends];
        ends.iter().filter_map(|ends| ends.get(&(op, input))).flatten().copied().collect()
    }

    /// The youngest result of a key.
    pub(super) fn result(&self, key: KeyId) -> Option<&Rc<Files>> {
        self.new.results.get(&key).or_else(|| self.old.results.get(&key))
    }

    /// Remembers a result under a key that all inputs lead to already, or under a new one;
    /// an earlier one of this build stays, and `true` says so.
    pub(super) fn save(&mut self, op: Digest, inputs: &[Vec<InputKey>], files: Rc<Files>) -> (KeyId, bool) {
        let mut known: Option<BTreeSet<KeyId>> = None;
        for (idx, keys) in inputs.iter().enumerate() {
            let reached = self.query(keys, idx, op);
            known = Some(match known {
                None => reached,
                Some(known) => known.intersection(&reached).copied().collect(),
            });
        }
        let key = if inputs.is_empty() {
            self.root(op)
        } else {
            known.and_then(|known| known.first().copied()).unwrap_or_else(|| self.new_key())
        };
        for (idx, keys) in inputs.iter().enumerate() {
            self.link_all(keys, idx, op, key);
        }
        let is_known = self.new.results.contains_key(&key);
        if !is_known {
            self.new.results.insert(key, files);
        }
        (key, is_known)
    }

    /// Makes every key of an input lead to `to`.
    pub(super) fn link_all(&mut self, keys: &[InputKey], input: usize, op: Digest, to: KeyId) {
        for (from, selector) in keys {
            self.link(Link { from: *from, input, op, selector: *selector }, to);
        }
    }

    /// Takes the result of this build away from a key: it turned out that nothing ran.
    pub(super) fn forget(&mut self, key: KeyId) {
        self.new.results.remove(&key);
    }

    fn link(&mut self, link: Link, to: KeyId) {
        if self.old.links.get(&link).is_none_or(|known| !known.contains(&to)) {
            self.new.link(link, to);
        }
    }
}

/// Everything a builder remembers.
#[derive(Clone, Debug, Default)]
pub struct CacheStore {
    keys: Keys,
    /// Earlier builds, oldest first.
    pub builds: Vec<BuildRecord>,
}

impl CacheStore {
    /// Takes a build in.
    pub(super) fn add(&mut self, added: Added, build: BuildRecord) {
        self.keys.add(added.0);
        self.builds.push(build);
    }

    /// Forgets every result, as `docker builder prune --all` does.
    pub fn prune(&mut self) {
        *self = Self::default();
    }

    /// What a builder holds that imports the cache which the last build exported.
    ///
    /// This follows BuildKit's exporter as its source reads (`solver/exporter.go`): links between
    /// keys are exported with what they lead to, results only for the layers of the image
    /// (`mode=min` and inline) or for every step (`mode=max`). It is not recorded from a real one.
    #[must_use]
    pub fn exported(&self, graph: &Graph, export: Export) -> Self {
        let Some(last) = self.builds.last() else { return Self::default() };
        let mut layers: BTreeSet<StepId> = BTreeSet::new();
        let mut open: Vec<StepId> = graph.results.iter().flatten().copied().collect();
        while let Some(id) = open.pop() {
            let Some(step) = last.steps.get(id.0).filter(|_| layers.insert(id)) else { continue };
            let below = step.inputs.iter().zip(&step.deps).filter(|(_, dep)| !dep.by_content);
            open.extend(below.map(|(input, _)| *input));
        }
        let is_kept = |step: &&StepRecord| export == Export::Max || layers.contains(&step.id);
        let key = |step: &StepRecord| step.result;
        let known: BTreeSet<KeyId> = last.steps.iter().filter_map(key).collect();
        let kept: BTreeSet<KeyId> = last.steps.iter().filter(is_kept).filter_map(key).collect();
        let mut keys = self.keys.clone();
        keys.results.retain(|key, _| kept.contains(key));
        for reached in keys.links.values_mut().chain(keys.ends.values_mut()) {
            reached.retain(|key| known.contains(key));
        }
        keys.links.retain(|_, reached| !reached.is_empty());
        keys.ends.retain(|_, reached| !reached.is_empty());
        // What was sent of the context stays on the machine that it was sent to.
        let last = BuildRecord { is_elsewhere: true, ..last.clone() };
        Self { keys, builds: vec![last] }
    }

    /// The context as a builder would hold it after it was sent `tree` now.
    #[must_use]
    pub fn transferred(&self, name: &str, tree: &Rc<Tree>) -> Rc<Tree> {
        let here = self.builds.iter().rev().filter(|build| !build.is_elsewhere);
        let before = here.into_iter().find_map(|build| build.locals.get(name));
        before.map_or_else(|| Rc::clone(tree), |before| Rc::new(tree.transferred(before)))
    }

    /// The record of a step of the last build.
    #[must_use]
    pub fn last_step(&self, id: StepId) -> Option<&StepRecord> {
        self.builds.last().and_then(|build| build.steps.get(id.0))
    }
}

impl StepRecord {
    pub(super) fn new(step: &Step, id: StepId, stage_name: String, judged: Judged) -> Self {
        Self {
            id,
            stage: step.stage,
            stage_name,
            lines: step.lines,
            text: step.text.clone(),
            key: judged.key,
            op: judged.op,
            inputs: step.inputs.clone(),
            deps: judged.deps,
            definition: judged.definition,
            result: judged.result,
        }
    }
}
