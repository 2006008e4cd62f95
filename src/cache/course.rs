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
    let steps = Solver::run(&given, reruns).steps;
    let course = |state: &State| match state {
        State::Hit | State::Skipped => Course::Cached,
        State::Ran => Course::Runs,
        State::Failed => Course::Fails,
        State::Refused(reason) => Course::Refused(reason.clone()),
        State::Blocked => Course::Blocked,
        State::Remote => Course::Unknown,
    };
    let mut courses: Vec<Course> = steps.iter().map(|judged| course(&judged.state)).collect();
    let platform = |idx: usize| graph.steps.get(idx).and_then(|step| step.platform.as_ref());
    for (idx, judged) in steps.iter().enumerate().filter(|(_, judged)| judged.same_as.is_none()) {
        // Of equal steps of several platforms the last one was seen to run for all.
        let twin = judged.twin_of.filter(|twin| platform(twin.0) != platform(idx));
        if let Some(twin) = twin.filter(|twin| twin.0 < courses.len()) {
            courses.swap(idx, twin.0);
        }
    }
    courses
}
