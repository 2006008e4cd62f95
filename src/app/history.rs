//! What happened to the cache, oldest first, and the cache that it leaves.
//!
//! Nothing derived is ever saved: the store of keys is replayed from the
//! texts and files of the builds. A longer history goes on from a shorter one.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Deserializer, Serialize};

use super::analysis::Judged;
use super::known::{KnownImage, KnownImages};
use super::legacy;
use super::options::Builder;
use super::state::Version;
use crate::cache::Simulation;
use crate::cache::legacy::store::LegacyStore;
use crate::cache::solve::{Reruns, record, simulate};
use crate::cache::store::{CacheStore, Export};

/// Something that changed what the cache holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A build; shared, since every step of undo holds it.
    Built(Rc<Version>),
    /// `docker builder prune --all`.
    Pruned,
    /// The next build runs on a machine that has nothing but what it imports.
    FreshRunner(Import),
}

/// What a fresh machine imports of the builds before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Import {
    /// Nothing.
    Nothing,
    /// `--cache-to type=inline` or `mode=min`: the layers of the image that was built last.
    Min,
    /// `mode=max`: every step of the last build.
    Max,
}

impl Import {
    /// As people read it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Nothing => "an empty cache",
            Self::Min => "cache-from, mode=min or inline",
            Self::Max => "cache-from, mode=max",
        }
    }
}

/// Sessions of the first version held builds alone.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Tagged {
            Built(Rc<Version>),
            Pruned,
            FreshRunner(Import),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Tagged(Tagged),
            Version(Rc<Version>),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Tagged(Tagged::Built(version)) | Either::Version(version) => Self::Built(version),
            Either::Tagged(Tagged::Pruned) => Self::Pruned,
            Either::Tagged(Tagged::FreshRunner(import)) => Self::FreshRunner(import),
        })
    }
}

/// A base image as the registry has it: how often its tag moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BaseState {
    /// To other layers.
    pub n_layers: u32,
    /// To the same layers with another configuration that no step looks at.
    pub n_configs: u32,
}

/// Base images by full name.
pub type Bases = BTreeMap<String, BaseState>;

/// One event as it was replayed.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The event.
    pub event: Event,
    /// The build, if it is one.
    pub judged: Option<Rc<Judged>>,
    /// What became of its steps.
    pub simulation: Simulation,
}

/// All events, replayed into a cache.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The cache after them.
    pub store: CacheStore,
    /// The base images that the machine holds.
    pub pulled: Bases,
    /// The events.
    pub replayed: Vec<Replayed>,
    reruns: Reruns,
    /// What is known of base images; it was true of every build.
    images: KnownImages,
    /// The classic builder's cache; made once it is asked.
    legacy: OnceCell<LegacyStore>,
}

impl History {
    /// The classic builder's cache after the same events.
    #[must_use]
    pub fn legacy(&self) -> &LegacyStore {
        self.legacy.get_or_init(|| legacy::replay(&self.replayed, self.reruns))
    }

    /// Replays events, and goes on from `before` where that is their beginning.
    #[must_use]
    pub fn replay(events: &[Event], reruns: Reruns, images: &KnownImages, before: Option<&Self>) -> Self {
        let is_beginning = |before: &&Self| {
            before.reruns == reruns
                && before.images == *images
                && before.replayed.len() <= events.len()
                && before.replayed.iter().zip(events).all(|(old, event)| old.event == *event)
        };
        let mut history = before.filter(is_beginning).cloned().unwrap_or_else(|| Self {
            reruns,
            images: images.clone(),
            ..Self::default()
        });
        for event in events.get(history.replayed.len()..).unwrap_or(&[]) {
            history.add(event);
        }
        history
    }

    fn add(&mut self, event: &Event) {
        self.legacy.take();
        let mut replayed = Replayed { event: event.clone(), judged: None, simulation: Simulation::default() };
        match event {
            Event::Built(version) => {
                let judged = Judged::new(version, self, None);
                if let Ok(graph) = &judged.graph {
                    let inputs = judged.inputs();
                    replayed.simulation = simulate(graph, &inputs, &self.store);
                    record(graph, &inputs, &mut self.store, &|_| self.reruns, &BTreeSet::new());
                    self.pulled.extend(judged.bases.clone());
                }
                replayed.judged = Some(Rc::new(judged));
            }
            Event::Pruned => self.store.prune(),
            Event::FreshRunner(import) => {
                self.pulled.clear();
                self.store = match (import, self.last().and_then(|last| last.graph.as_ref().ok())) {
                    (Import::Nothing, _) | (_, None) => CacheStore::default(),
                    (Import::Min, Some(graph)) => self.store.exported(graph, Export::Min),
                    (Import::Max, Some(graph)) => self.store.exported(graph, Export::Max),
                };
            }
        }
        self.replayed.push(replayed);
    }

    /// What is known of an image.
    #[must_use]
    pub fn known(&self, reference: &str) -> Option<&KnownImage> {
        self.images.get(reference)
    }

    /// The last build.
    #[must_use]
    pub fn last(&self) -> Option<&Rc<Judged>> {
        self.replayed.iter().rev().find_map(|replayed| replayed.judged.as_ref())
    }

    /// The base images that a version builds upon: without `--pull` the engine
    /// takes those that it holds.
    #[must_use]
    pub fn bases(&self, version: &Version) -> Bases {
        let mut bases = version.bases.clone();
        if version.options.builder != Builder::Container && !version.options.pulls {
            bases.extend(self.pulled.clone());
        }
        bases
    }
}
