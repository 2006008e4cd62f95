//! What becomes of each step once it is settled what reruns write: one world of the two that a
//! [`Verdict`](super::Verdict) weighs. Whoever shows a build as it happens goes by this.

use std::collections::BTreeSet;

use super::reason::Reason;
use super::solve::{Common, Given, Inputs, Reruns, Solver, State};
use super::store::CacheStore;
use crate::graph::{Graph, StepId};

/// What becomes of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Course {
    /// Its result is taken from the cache.
    Cached,
    /// It is carried out.
    Runs,
    /// It is carried out, and was declared to fail.
    Fails,
    /// It cannot be done.
    Refused(Reason),
    /// The build stops in front of it.
    Blocked,
    /// Not modeled.
    Unknown,
}

/// The course of every step of a graph. `reruns` says for each conditional step what its reruns
/// write; `fails` names the steps that fail when they run.
#[must_use]
pub fn of(
    graph: &Graph,
    inputs: &Inputs,
    store: &CacheStore,
    reruns: &dyn Fn(StepId) -> Reruns,
    fails: &BTreeSet<StepId>,
) -> Vec<Course> {
    let common = Common::of(graph, inputs, store);
    let given = Given { graph, inputs, store, common: &common, fails };
    let steps = Solver::run(&given, reruns).steps.into_iter();
    let course = |state: State| match state {
        State::Hit | State::Skipped => Course::Cached,
        State::Ran => Course::Runs,
        State::Failed => Course::Fails,
        State::Refused(reason) => Course::Refused(reason),
        State::Blocked => Course::Blocked,
        State::Remote => Course::Unknown,
    };
    steps.map(|judged| course(judged.state)).collect()
}
