//! What becomes of each step once it is settled what reruns write, and the image it leads to.
//!
//! The ids of images are *stand-ins*: a real one hashes a configuration with times in it. These
//! hash what an image was made of, so that they are equal exactly where the images are one, in all
//! builds of a store, and the same at each replay. The id of a base is its own where that is known.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::files::Inputs;
use super::plan::Plan;
use super::solve::{Given, Solver, State};
use super::store::{Image, ImageName, LegacyStore};
use crate::cache::course::Course;
use crate::cache::solve::Reruns;
use crate::digest::{Digest, Hasher};
use crate::graph::StepId;

/// One step as it happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Carried {
    /// What becomes of it; a FROM, which has no cache, is carried out.
    pub course: Course,
    /// The id of the image it leads to; none for nothing, and where it fails.
    pub image: Option<Digest>,
}

/// The course of every step of a plan. `reruns` says for each conditional step what its reruns
/// write; `fails` names the steps that fail when they are carried out.
#[must_use]
pub fn of(
    plan: &Plan,
    inputs: &Inputs,
    store: &LegacyStore,
    reruns: &dyn Fn(StepId) -> Reruns,
    fails: &BTreeSet<StepId>,
) -> Vec<Carried> {
    let given = Given { plan, inputs, store, fails, sums: RefCell::default() };
    let solver = Solver::run(&given, reruns);
    let ids = ids(store.images().iter().chain(&solver.images));
    let course = |state: State| match state {
        State::Begun | State::Ran => Course::Runs,
        State::Hit { .. } => Course::Cached,
        State::Failed => Course::Fails,
        State::Refused(reason) | State::Broke(reason) => Course::Refused(reason),
        State::Blocked => Course::Blocked,
        State::Unknown => Course::Unknown,
    };
    let carried = solver.steps.into_iter().map(|judged| Carried {
        image: judged.image.as_ref().and_then(|name| id_of(name, &ids)),
        course: course(judged.state),
    });
    carried.collect()
}

/// The id of every image, in their order.
fn ids<'a>(images: impl Iterator<Item = &'a Image>) -> Vec<Digest> {
    let mut ids: Vec<Digest> = Vec::new();
    // Of equal images on one parent, as `--no-cache` makes them, each has an id of its own.
    let mut n_equal: BTreeMap<(Option<Digest>, &[String]), u64> = BTreeMap::new();
    for image in images {
        let parent = image.parent.as_ref().and_then(|parent| id_of(parent, &ids));
        let nth = n_equal.entry((parent, &image.command)).or_default();
        let mut hasher = Hasher::default();
        hasher.field("image");
        hasher.field(&parent.map_or_else(String::new, |parent| parent.to_string()));
        image.command.iter().for_each(|word| hasher.field(word));
        hasher.field(&nth.to_string());
        *nth += 1;
        ids.push(hasher.finish());
    }
    ids
}

fn id_of(name: &ImageName, ids: &[Digest]) -> Option<Digest> {
    match name {
        ImageName::Base(id) => Some(Digest::parse(id).unwrap_or_else(|| Digest::of(id.as_bytes()))),
        ImageName::Built(idx) => ids.get(*idx).copied(),
    }
}
