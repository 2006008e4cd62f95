//! The images that earlier builds made.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::plan::{PlanStep, PlannedStage};
use crate::cache::files::Files;
use crate::context::Tree;

/// An image.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum ImageName {
    /// One that no build made, by its id.
    Base(String),
    /// One that a step made, in the order they were made.
    Built(usize),
}

/// An image that a step made.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// What it was made on; `None` for nothing.
    pub(super) parent: Option<ImageName>,
    /// What it was made by, with sums made of digests.
    pub(super) command: Vec<String>,
    /// For a copy from a stage or an image: what it copied.
    pub(super) copied: Option<Copied>,
    /// Its files, as far as they are known.
    pub(super) files: Rc<Files>,
}

/// What was copied from a stage or an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Copied {
    /// All that counts of the copy but the content of its files.
    pub(super) outline: Vec<String>,
    /// The sum over its files.
    pub(super) sum: String,
    /// The same with a name of its own for whatever a command of that build wrote.
    pub(super) by_writer: String,
}

/// What is remembered of a step, to explain later ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepRecord {
    /// The step.
    pub step: PlanStep,
    /// What it stores, with sums made of digests.
    pub(super) command: Option<Vec<String>>,
    /// The image it led to; `None` for nothing, and where it failed.
    pub image: Option<ImageName>,
}

/// One remembered build.
#[derive(Clone, Debug, Default)]
pub struct BuildRecord {
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// Its stages.
    pub stages: Vec<PlannedStage>,
    /// Its context as it was sent.
    pub context: Rc<Tree>,
}

/// Everything the classic builder remembers.
#[derive(Clone, Debug, Default)]
pub struct LegacyStore {
    images: Vec<Image>,
    /// Images by what they were made on, oldest first.
    children: BTreeMap<Option<ImageName>, Vec<usize>>,
    /// Sums of files from images that turned out to be equal to others.
    same_sums: BTreeMap<String, String>,
    /// Earlier builds, oldest first.
    pub builds: Vec<BuildRecord>,
}

impl LegacyStore {
    /// How many images were made so far.
    #[must_use]
    pub fn n_images(&self) -> usize {
        self.images.len()
    }

    /// All images, oldest first.
    pub(super) fn images(&self) -> &[Image] {
        &self.images
    }

    /// Images made on `parent`, youngest first.
    pub(super) fn children(
        &self,
        parent: Option<&ImageName>,
    ) -> impl Iterator<Item = (ImageName, &Image)> + use<'_> {
        let known = self.children.get(&parent.cloned()).map_or(&[][..], Vec::as_slice);
        known.iter().rev().filter_map(|idx| Some((ImageName::Built(*idx), self.images.get(*idx)?)))
    }

    /// The sum that stands for all that are equal to `sum`.
    pub(super) fn sum(&self, sum: &str) -> Option<&String> {
        self.same_sums.get(sum)
    }

    /// Takes a build in.
    pub(super) fn add(
        &mut self,
        images: Vec<Image>,
        same_sums: BTreeMap<String, String>,
        build: BuildRecord,
    ) {
        for image in images {
            self.children.entry(image.parent.clone()).or_default().push(self.images.len());
            self.images.push(image);
        }
        self.same_sums.extend(same_sums);
        self.builds.push(build);
    }

    /// Forgets every image, as removing them all does.
    pub fn prune(&mut self) {
        *self = Self::default();
    }
}
