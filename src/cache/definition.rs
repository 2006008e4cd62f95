//! What counts of the definitions of a graph's steps, and which of them are one step of a build.

use std::collections::{BTreeMap, BTreeSet};

use super::key::{Dep, OpKey, deps};
use crate::digest::{Digest, Hasher};
use crate::graph::{Graph, Step, StepId};

/// What counts of each step's definition, which both worlds have in common.
pub(super) struct Definitions {
    pub(super) steps: Vec<(OpKey, Digest, Vec<Dep>)>,
    pub(super) merged: Merged,
}

impl Definitions {
    pub(super) fn of(graph: &Graph) -> Self {
        let define = |step: &Step| {
            let key = OpKey::of(step);
            let op = key.digest();
            (key, op, deps(step))
        };
        let steps: Vec<_> = graph.steps.iter().map(define).collect();
        let merged = Merged::of(graph, &steps);
        Self { steps, merged }
    }
}

/// Equal operations on equal inputs, which a build has once.
pub(super) struct Merged {
    definitions: Vec<Digest>,
    /// The first step of each definition.
    first: BTreeMap<Digest, StepId>,
    /// The step whose name is shown: the one visited last.
    shown: BTreeMap<Digest, StepId>,
    /// Definitions that run even if the cache has them.
    fresh: BTreeSet<Digest>,
}

impl Merged {
    fn of(graph: &Graph, steps: &[(OpKey, Digest, Vec<Dep>)]) -> Self {
        let mut definitions: Vec<Digest> = Vec::new();
        let mut first = BTreeMap::new();
        let mut fresh = BTreeSet::new();
        for (idx, (step, (_, op, deps))) in graph.steps.iter().zip(steps).enumerate() {
            let mut hasher = Hasher::default();
            hasher.update(op.as_bytes());
            hasher.field(&step.platform.as_ref().map_or(String::new(), ToString::to_string));
            for (dep, input) in deps.iter().zip(&step.inputs) {
                definitions.get(input.0).iter().for_each(|input| hasher.update(input.as_bytes()));
                hasher.field(&format!("{:?}", dep.selector_digest()));
            }
            let definition = hasher.finish();
            first.entry(definition).or_insert(StepId(idx));
            if step.ignores_cache {
                fresh.insert(definition);
            }
            definitions.push(definition);
        }
        let mut shown = first.clone();
        let mut is_visited = vec![false; graph.steps.len()];
        for result in graph.results.iter().flatten() {
            // Depth first, the root parent before the sources, with a stack of our own.
            let mut open: Vec<(StepId, bool)> = vec![(*result, false)];
            while let Some((id, is_done)) = open.pop() {
                let (Some(step), Some(visited)) = (graph.step(id), is_visited.get_mut(id.0)) else {
                    continue;
                };
                if is_done {
                    if let Some(definition) = definitions.get(id.0) {
                        shown.insert(*definition, id);
                    }
                } else if !std::mem::replace(visited, true) {
                    open.push((id, true));
                    open.extend(step.inputs.iter().rev().map(|input| (*input, false)));
                }
            }
        }
        Self { definitions, first, shown, fresh }
    }

    pub(super) fn definition(&self, id: StepId) -> Digest {
        self.definitions.get(id.0).copied().unwrap_or(Digest::of(b""))
    }

    /// The first step of equal definition, if it is another one.
    pub(super) fn first(&self, id: StepId) -> Option<StepId> {
        self.first.get(&self.definition(id)).copied().filter(|first| *first != id)
    }

    /// The step that this one is shown as, if it is another one.
    pub(super) fn shown_as(&self, id: StepId) -> Option<StepId> {
        self.shown.get(&self.definition(id)).copied().filter(|shown| *shown != id)
    }

    pub(super) fn ignores_cache(&self, id: StepId) -> bool {
        self.fresh.contains(&self.definition(id))
    }
}
