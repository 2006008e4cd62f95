//! Which steps a builder takes from its cache, and why.
//!
//! [`store::CacheStore`] remembers every build; [`solve::simulate`] judges a
//! graph against it. The model is that of BuildKit's solver (`solver/edge.go`,
//! `solver/cachemanager.go`), see also the table below.
//!
//! - A step's *definition* is hashed to the digest of its operation ([`key`]).
//! - A result is known by *keys*. A key is reached by links: from a key of each
//!   input, by the operation and a selector. Several keys can lead to one result.
//! - Inputs that a step reads files from, and does not build upon, also have a
//!   key made of the *content* of those files. The root parent never has: where
//!   it reruns, all on top of it reruns.
//! - Old results stay. An edit taken back hits again.
//!
//! | input | counts for |
//! | --- | --- |
//! | a base image, by the chain of its layers | all steps on top of it |
//! | the final command, directory, user, ordered environment, mounts, network, security, platform | RUN |
//! | target, base name of each source, chown, chmod, patterns, unpacking | COPY, ADD |
//! | bytes, modes, owners, relative names of selected files | COPY, ADD, bind mounts |
//! | the folder and its owner | WORKDIR |
//! | labels, ports, CMD and its like, modification times, addresses of extra hosts, values of secrets | nothing |
//!
//! What depends on the bytes that a rerun will write cannot be known. Such a
//! step is *conditional*: cached exactly if the rerun writes what it wrote before.
//!
//! All of this is BuildKit's cache. The classic builder's is the module [`legacy`],
//! with the same verdicts and reasons.
//!
//! Not modeled, and therefore *unknown*: sources from the web or from git, other
//! front ends, Windows. Where the layers of a base are not known, those of each
//! platform are taken for others.

pub mod course;
mod definition;
mod explain;
pub mod files;
pub mod impact;
pub mod key;
pub mod layer;
pub mod legacy;
mod made;
pub mod reason;
pub mod solve;
pub mod store;

use std::collections::BTreeSet;

use crate::context::assumed::AssumedFiles;
use crate::graph::StepId;
use reason::Reason;

/// What will become of a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Verdict {
    /// A real build takes the result from the cache.
    Cached,
    /// A real build runs the step.
    Rebuild,
    /// Cached exactly if steps that rerun write the same bytes as before.
    Conditional,
    /// Not modeled.
    Unknown,
    /// A real build refuses.
    Error,
    /// Cannot be reached because of an error earlier in the graph.
    Blocked,
}

/// What will become of one step, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepOutcome {
    /// What.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The step whose change began it, and its reason; the step itself if it is that one.
    pub first_cause: Option<StepId>,
    /// Steps that rerun and whose bytes decide, for a conditional step.
    pub depends_on: BTreeSet<StepId>,
    /// This step stands for another one of equal definition.
    pub same_as: Option<StepId>,
    /// Files that it takes of a context and of which something is assumed, where the verdict would
    /// be another one if that were wrong.
    pub assumes: Option<AssumedFiles>,
}

impl StepOutcome {
    /// The step that this one runs for, or waits for: one link of the chain of causes.
    #[must_use]
    pub fn caused_by(&self) -> Option<StepId> {
        match &self.reason {
            Reason::ParentMissed { parent } => Some(*parent),
            Reason::SourceMissed { source } => Some(*source),
            Reason::DependsOnReruns => self.depends_on.first().copied(),
            Reason::NeedsFailed => self.first_cause,
            _ => None,
        }
    }
}

/// A judged build.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Simulation {
    /// One for each step of the graph, in its order.
    pub steps: Vec<StepOutcome>,
}

impl Simulation {
    /// The outcome of a step.
    #[must_use]
    pub fn step(&self, id: StepId) -> Option<&StepOutcome> {
        self.steps.get(id.0)
    }
}
