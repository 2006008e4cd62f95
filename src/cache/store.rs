//! The cache as a builder keeps it: keys, links between them, results.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::files::Files;
use super::key::{Dep, OpKey};
use crate::context::Tree;
use crate::digest::Digest;
use crate::graph::{StageId, Step, StepId};
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
    /// Its root parent.
    pub inputs: Vec<StepId>,
    /// How it looked at its inputs.
    pub deps: Vec<Dep>,
    /// Operation and inputs hashed: equal for equal steps on equal parents.
    pub definition: Digest,
}

/// One remembered build.
#[derive(Clone, Debug, Default)]
pub struct BuildRecord {
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// Its context and named contexts, as the builder saw them.
    pub locals: BTreeMap<String, Rc<Tree>>,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
}

/// Everything a builder remembers.
#[derive(Clone, Debug, Default)]
pub struct CacheStore {
    roots: BTreeMap<Digest, KeyId>,
    links: BTreeMap<Link, BTreeSet<KeyId>>,
    /// The youngest result of each key.
    results: BTreeMap<KeyId, Rc<Files>>,
    next_key: u64,
    /// Earlier builds, oldest first.
    pub builds: Vec<BuildRecord>,
}

impl CacheStore {
    fn new_key(&mut self) -> KeyId {
        self.next_key += 1;
        KeyId(self.next_key)
    }

    /// The key of something that has no inputs.
    pub(super) fn root(&mut self, digest: Digest) -> KeyId {
        if let Some(known) = self.roots.get(&digest) {
            return *known;
        }
        let key = self.new_key();
        self.roots.insert(digest, key);
        key
    }

    /// The keys that an input's keys lead to.
    pub(super) fn reached(
        &self,
        from: &BTreeSet<KeyId>,
        input: usize,
        op: Digest,
        selector: Option<Digest>,
    ) -> BTreeSet<KeyId> {
        let mut found = BTreeSet::new();
        for key in from {
            let link = Link { from: *key, input, op, selector };
            found.extend(self.links.get(&link).into_iter().flatten());
        }
        found
    }

    /// The keys that any key of an input leads to.
    pub(super) fn reached_by_any(&self, input: usize, op: Digest) -> BTreeSet<KeyId> {
        let links = self.links.iter().filter(|(link, _)| link.input == input && link.op == op);
        links.flat_map(|(_, to)| to.iter().copied()).collect()
    }

    /// The youngest result of a key.
    pub(super) fn result(&self, key: KeyId) -> Option<&Rc<Files>> {
        self.results.get(&key)
    }

    /// Remembers a result under the key that all inputs lead to already, or under a new one.
    pub(super) fn save(
        &mut self,
        op: Digest,
        inputs: &[Vec<(KeyId, Option<Digest>)>],
        files: Rc<Files>,
    ) -> KeyId {
        let mut known: Option<BTreeSet<KeyId>> = None;
        for (idx, keys) in inputs.iter().enumerate() {
            let mut reached = BTreeSet::new();
            for (from, selector) in keys {
                let link = Link { from: *from, input: idx, op, selector: *selector };
                reached.extend(self.links.get(&link).into_iter().flatten().copied());
            }
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
        self.link(op, inputs, key);
        self.results.insert(key, files);
        key
    }

    /// Makes every key of every input lead to `key`.
    pub(super) fn link(&mut self, op: Digest, inputs: &[Vec<(KeyId, Option<Digest>)>], key: KeyId) {
        for (idx, keys) in inputs.iter().enumerate() {
            for (from, selector) in keys {
                let link = Link { from: *from, input: idx, op, selector: *selector };
                self.links.entry(link).or_default().insert(key);
            }
        }
    }

    /// Forgets every result, as `docker builder prune --all` does.
    pub fn prune(&mut self) {
        *self = Self::default();
    }

    /// The context as a builder would hold it after it was sent `tree` now.
    #[must_use]
    pub fn transferred(&self, name: &str, tree: &Rc<Tree>) -> Rc<Tree> {
        let before = self.builds.iter().rev().find_map(|build| build.locals.get(name));
        before.map_or_else(|| Rc::clone(tree), |before| Rc::new(tree.transferred(before)))
    }

    /// The record of a step of the last build.
    #[must_use]
    pub fn last_step(&self, id: StepId) -> Option<&StepRecord> {
        self.builds.last().and_then(|build| build.steps.get(id.0))
    }
}

impl StepRecord {
    pub(super) fn new(
        step: &Step,
        id: StepId,
        stage_name: String,
        key: OpKey,
        deps: Vec<Dep>,
        definition: Digest,
    ) -> Self {
        Self {
            id,
            stage: step.stage,
            stage_name,
            lines: step.lines,
            text: step.text.clone(),
            key,
            inputs: step.inputs.clone(),
            deps,
            definition,
        }
    }
}
