//! Layers listed as they pass, before anything tells that they are layers.
//!
//! In an archive that is compressed as a whole the documents often stand behind
//! the layers. Going through it twice costs inflating it twice; so every member
//! that is a tar is taken for a layer as it passes: its headers are listed, its
//! bytes are handed on to be hashed. Where the documents then name other
//! members as layers, or one of them is compressed once more, damaged or not to
//! be read, nothing is taken for known and the layers are read in a second pass.

use std::collections::BTreeMap;

use super::listing::{Listing, Needs};
use super::read::media_type_problem;
use super::{ImagePlan, Layer, LayerPlan};
use crate::archive::Limits;
use crate::archive::tar::is_header;
use crate::digest::HashAside;

/// What was taken of an archive's members.
pub(super) struct Passing<'a> {
    aside: &'a mut dyn HashAside,
    limits: Limits,
    /// How many entries all that were taken have.
    n_entries: u64,
    /// Without their digests, by their offset.
    layers: BTreeMap<u64, Layer>,
    current: Option<Listing>,
    /// Where the next piece of the current one stands.
    at: u64,
}

impl<'a> Passing<'a> {
    pub(super) fn new(aside: &'a mut dyn HashAside, limits: Limits) -> Self {
        Self { aside, limits, n_entries: 0, layers: BTreeMap::new(), current: None, at: 0 }
    }

    /// A member begins, whose first bytes are these.
    pub(super) fn begin(&mut self, offset: u64, size_bytes: u64, head: &[u8]) {
        self.current = None;
        let is_tar = is_header(head) || (!head.is_empty() && head.iter().all(|byte| *byte == 0));
        // What a hostile archive makes of this is bounded as a single layer is.
        if !is_tar || self.n_entries >= self.limits.n_entries {
            return;
        }
        self.current = Listing::new(&LayerPlan::of_stretch(offset, size_bytes), u64::MAX, self.limits);
        self.at = offset;
        self.aside.begin(offset, size_bytes);
        self.feed(head);
    }

    /// The member that began is taken.
    pub(super) fn is_taking(&self) -> bool {
        self.current.is_some()
    }

    /// What comes next of it.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let Some(listing) = &mut self.current else { return };
        let end = self.at.saturating_add(bytes.len() as u64);
        if let Needs::BytesFrom(needed) = listing.needs()
            && needed < end
        {
            listing.feed(self.at, bytes);
        }
        self.aside.update(bytes);
        self.at = end;
    }

    /// All of it came.
    pub(super) fn end(&mut self) {
        let Some(listing) = self.current.take().filter(|listing| listing.needs() == Needs::Nothing) else {
            return;
        };
        let start = listing.end().saturating_sub(listing.tar_bytes());
        let layer = listing.finish();
        self.n_entries = self.n_entries.saturating_add(layer.tree.n_members);
        self.aside.end();
        self.layers.insert(start, layer);
    }

    /// The layers of these images without their digests, if all that are in the archive were taken.
    pub(super) fn taken(mut self, images: &[ImagePlan]) -> Option<Vec<(u64, Layer)>> {
        let plans = || images.iter().flat_map(|image| &image.layers);
        let is_plain = |plan: &LayerPlan| {
            let media_type = plan.media_type.as_deref().and_then(media_type_problem);
            plan.needs_sha256_only() && media_type.is_none()
        };
        let is_known =
            |plan: &LayerPlan| plan.key().is_none_or(|key| self.layers.contains_key(&key) && is_plain(plan));
        if !plans().all(is_known) {
            return None;
        }
        Some(plans().filter_map(|plan| self.layers.remove_entry(&plan.key()?)).collect())
    }
}
