//! A layer that is listed while its bytes come, whoever brings them.

use std::mem;

use super::Layer;
use super::LayerPlan;
use super::problem::Problem;
use super::read::{empty_layer, media_type_problem, note, note_names};
use crate::archive::Limits;
use crate::archive::compression::{Compression, unread_compression};
use crate::archive::fed::Fed;
use crate::archive::tar::TarError;
use crate::layer;

/// How many bytes tell what a layer is compressed with.
const HEAD_BYTES: u64 = 16;

/// What a listing needs to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Bytes of the archive from this offset on; what lies before is not looked at.
    BytesFrom(u64),
    /// Nothing: the end was reached, or damage.
    Nothing,
    /// It cannot be listed by headers: the layer is compressed, or not to be read.
    Inflating,
}

/// The entries of one layer by its headers alone, as far as its bytes have come.
#[derive(Debug)]
pub struct Listing {
    /// Where the layer stands in the archive.
    offset: u64,
    /// How many of its bytes the archive has.
    tar_bytes: u64,
    is_encrypted: bool,
    is_plain: bool,
    /// How it ended, once it did.
    outcome: Option<Result<(), TarError>>,
    entries: layer::Listing,
    /// Bytes that are still needed, and where in the layer they stand.
    held: Vec<u8>,
    held_start: u64,
}

impl Listing {
    /// Begins to list a layer of an archive of this length; `None` where its bytes are not there.
    #[must_use]
    pub fn new(plan: &LayerPlan, archive_bytes: u64, limits: Limits) -> Option<Self> {
        let offset = plan.offset?;
        let media_type = plan.media_type.as_deref().and_then(media_type_problem);
        let mut listing = Self {
            offset,
            tar_bytes: plan.stored_bytes.min(archive_bytes.saturating_sub(offset)),
            is_encrypted: matches!(media_type, Some(Problem::Encrypted { .. })),
            is_plain: false,
            outcome: None,
            entries: layer::Listing::new(limits),
            held: Vec::new(),
            held_start: 0,
        };
        if listing.tar_bytes == 0 {
            listing.feed(offset, &[]);
        }
        Some(listing)
    }

    /// What comes next.
    #[must_use]
    pub fn needs(&self) -> Needs {
        if self.outcome.is_some() {
            return if self.is_plain { Needs::Nothing } else { Needs::Inflating };
        }
        let held_end = self.held_start.saturating_add(self.held.len() as u64);
        let next = if self.held.is_empty() { self.entries.place().next_header() } else { held_end };
        Needs::BytesFrom(self.offset.saturating_add(next))
    }

    /// How long the layer is.
    #[must_use]
    pub fn tar_bytes(&self) -> u64 {
        self.tar_bytes
    }

    /// Where in the archive the layer ends: no byte from there on is needed.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.tar_bytes)
    }

    /// Bytes of the archive from `offset` on, which is not behind what is needed next.
    pub fn feed(&mut self, offset: u64, bytes: &[u8]) {
        let Needs::BytesFrom(needed) = self.needs() else { return };
        let passed = usize::try_from(needed.saturating_sub(offset)).unwrap_or(usize::MAX);
        let bytes = bytes.get(passed..).unwrap_or(&[]);
        let mut held = mem::take(&mut self.held);
        if held.is_empty() {
            self.held_start = needed.saturating_sub(self.offset);
            self.go_on(bytes);
            let n_passed = self.n_passed();
            held.extend_from_slice(bytes.get(n_passed..).unwrap_or(&[]));
            self.held_start += n_passed as u64;
        } else {
            held.extend_from_slice(bytes);
            self.go_on(&held);
            let n_passed = self.n_passed().min(held.len());
            held.drain(..n_passed);
            self.held_start += n_passed as u64;
        }
        self.held = held;
    }

    /// How many of the bytes that were there are not needed any more.
    fn n_passed(&self) -> usize {
        let next = if self.is_plain { self.entries.place().next_header() } else { 0 };
        usize::try_from(next.saturating_sub(self.held_start)).unwrap_or(usize::MAX)
    }

    fn go_on(&mut self, bytes: &[u8]) {
        if !self.is_plain {
            if (bytes.len() as u64) < HEAD_BYTES.min(self.tar_bytes) {
                return;
            }
            let is_compressed =
                Compression::sniff(bytes) != Compression::None || unread_compression(bytes).is_some();
            if self.is_encrypted || is_compressed {
                self.outcome = Some(Ok(()));
                return;
            }
            self.is_plain = true;
        }
        let pos = self.entries.place().pos();
        let mut reader = Fed::new(bytes, self.held_start, pos, self.tar_bytes);
        match self.entries.go_on(&mut reader) {
            Ok(false) => {}
            Ok(true) => self.outcome = Some(Ok(())),
            Err(error) => self.outcome = Some(Err(error)),
        }
    }

    /// The layer without its digests.
    #[must_use]
    pub fn finish(self) -> Layer {
        let mut layer = Layer { tar_bytes: self.tar_bytes, ..empty_layer() };
        layer.tree = self.entries.finish();
        note(&mut layer, self.outcome.and_then(Result::err));
        note_names(&mut layer);
        layer
    }
}
