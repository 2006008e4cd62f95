//! Saved images: which tar holds what, and each layer read, checked and listed.
//!
//! Two forms are understood, and both at once: *docker-archive*, where
//! `manifest.json` names members, and the *OCI layout*, where `index.json`
//! leads by digests to manifests, configurations and layers under `blobs/`.
//! Where neither is there, the `repositories` of Docker before 1.10 is read.
//!
//! [`open`] makes one pass over the headers of the archive, seeking over
//! bodies, and then reads each layer once: its stored bytes are hashed for the
//! digest, the tar inside for the diffID, and its entries listed, all on the
//! way. What is wrong with a part is a [`Problem`] at that part; the rest is
//! still shown. Only a file that is no image at all is an error.
//!
//! Whoever waits for the tree takes several steps instead: [`find`] finds the
//! images, [`read_layer`] reads any single layer, first for its entries, of a layer
//! that is not compressed by headers alone, and later for its digests, so that
//! several workers can share them out. Where bytes come by themselves, a
//! [`listing::Listing`] is fed with them.
//!
//! Both the archive and each layer may be compressed with gzip or Zstandard;
//! bytes decide, not names or media types. An archive that is compressed as a
//! whole is read in one pass where its layers can be listed and hashed as they
//! pass (`passing`), and else in two (`members`), with its layers in the order
//! in which they are stored. Other compressions are named as unsupported.
//!
//! Contents are not kept; [`content`] reads a file again from its place.

pub mod compare;
pub mod content;
pub mod documents;
pub mod history;
pub mod listing;
mod members;
mod passing;
mod plan;
pub mod problem;
mod read;
pub mod recovered;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use self::documents::Documents;
use self::passing::Passing;
use self::problem::{Finding, OpenError, Problem};
use self::read::Wanted;
use crate::archive::compression::{Compression, Damage, Quota, unread_compression};
use crate::archive::inflated::{Flow, Inflated};
use crate::archive::tar::TarError;
use crate::archive::{ByteSource, Limits, OnRead, Window, is_stop};
use crate::digest::{ChainId, DiffId, Digest, HashAside, Sha512};
use crate::layer::LayerTree;
use crate::oci::{Descriptor, DockerManifest, HistoryEntry, ImageConfig, Manifest, Platform};

/// A layer as the manifest lists it, and where its bytes stand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LayerPlan {
    /// The member that holds it, links followed.
    pub member: String,
    /// The media type, where a manifest gives one.
    pub media_type: Option<String>,
    /// The digest and size that a descriptor names.
    pub descriptor: Option<(String, u64)>,
    /// The diffID that the configuration names.
    pub expected_diff_id: Option<String>,
    /// Bytes stored, 0 where the member is missing.
    pub stored_bytes: u64,
    /// Where they begin.
    offset: Option<u64>,
    /// Its line of the history.
    pub history: Option<HistoryEntry>,
    /// Which line that is, those without a layer counted.
    pub history_idx: Option<usize>,
}

/// One image of an archive, before its layers are read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImagePlan {
    /// Names, as `manifest.json` or annotations give them.
    pub tags: Vec<String>,
    /// What it runs on.
    pub platform: Option<Platform>,
    /// Digest of the manifest.
    pub manifest_digest: Option<Digest>,
    /// Digest of the configuration: the image ID; as named where it is not there.
    pub config_digest: Option<Digest>,
    /// The digest under which the configuration is named, of whatever algorithm.
    pub named_config_digest: Option<String>,
    /// As the index lists it, once for each of its names.
    pub descriptors: Vec<Descriptor>,
    /// Its element of `manifest.json`.
    pub docker: Option<DockerManifest>,
    /// The manifest's text.
    pub manifest: Option<String>,
    /// The configuration's text.
    pub config_text: Option<String>,
    /// The configuration.
    pub config: ImageConfig,
    /// The layers, lowest first.
    pub layers: Vec<LayerPlan>,
    /// What is wrong with the image as a whole.
    pub problems: Vec<Finding>,
}

impl LayerPlan {
    /// A file as the only layer of an image.
    fn of_file(size_bytes: u64) -> Self {
        Self { member: "this file".to_owned(), ..Self::of_stretch(0, size_bytes) }
    }

    /// So many bytes from an offset on, whatever names them.
    fn of_stretch(offset: u64, size_bytes: u64) -> Self {
        Self {
            member: String::new(),
            media_type: None,
            descriptor: None,
            expected_diff_id: None,
            stored_bytes: size_bytes,
            offset: Some(offset),
            history: None,
            history_idx: None,
        }
    }

    /// Tells the layers of an archive apart; the same for a layer that is listed twice, none for
    /// one that is missing.
    #[must_use]
    pub fn key(&self) -> Option<u64> {
        self.offset
    }

    /// A sha256 of its stored bytes is all that it takes to check it.
    #[must_use]
    pub fn needs_sha256_only(&self) -> bool {
        !self.descriptor.as_ref().is_some_and(|(digest, _)| digest.starts_with("sha512:"))
    }
}

impl ImagePlan {
    /// The image that a tar would be as its only layer: what `docker import` makes of it.
    fn of_layer(size_bytes: u64) -> Self {
        Self {
            tags: Vec::new(),
            platform: None,
            manifest_digest: None,
            config_digest: None,
            named_config_digest: None,
            descriptors: Vec::new(),
            docker: None,
            manifest: None,
            config_text: None,
            config: ImageConfig::default(),
            layers: vec![LayerPlan::of_file(size_bytes)],
            problems: Vec::new(),
        }
    }

    /// What it runs on, with the variant that the configuration names: `linux/arm64/v8`.
    #[must_use]
    pub fn platform_name(&self) -> Option<String> {
        let mut platform = self.platform.clone()?;
        platform.variant = platform.variant.or_else(|| self.config.variant.clone());
        Some(platform.to_string())
    }

    /// The name of its base image, where an annotation of the manifest gives it.
    #[must_use]
    pub fn base_name(&self) -> Option<String> {
        let manifest: Manifest = serde_json::from_str(self.manifest.as_deref()?).ok()?;
        manifest.annotations.get("org.opencontainers.image.base.name").cloned()
    }
}

/// A layer that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layer {
    /// How its bytes are compressed.
    pub compression: Compression,
    /// Digest of the stored bytes.
    pub blob_digest: Option<Digest>,
    /// The same by sha512, where a descriptor names the layer by it.
    pub blob_sha512: Option<Sha512>,
    /// Digest of the tar inside.
    pub diff_id: Option<DiffId>,
    /// Digest of the stack up to it, as far as all layers below were read.
    pub chain_id: Option<ChainId>,
    /// Length of the tar.
    pub tar_bytes: u64,
    /// Its entries.
    pub tree: LayerTree,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// What happens while an archive is opened.
pub enum Event<'a> {
    /// Bytes read of all that will be.
    Progress {
        /// So far.
        done_bytes: u64,
        /// In all, as far as known yet.
        total_bytes: u64,
    },
    /// What the archive is, beside its images.
    Documents(&'a Documents),
    /// The images are known.
    Images(&'a [ImagePlan]),
    /// A layer of an archive that is compressed as a whole was listed as it passed. The stretch of
    /// bytes of this key was hashed aside: [`hashed_layer`] tells the rest.
    LayerPassed {
        /// Which layer: [`LayerPlan::key`].
        key: u64,
        /// The layer without its digests.
        layer: Box<Layer>,
    },
    /// A layer was read.
    Layer {
        /// Which image.
        image_idx: usize,
        /// Which layer, 0 is the lowest.
        layer_idx: usize,
        /// The layer.
        layer: Box<Layer>,
    },
}

/// Told of each event; answers whether to go on.
pub type OnEvent<'a> = dyn FnMut(Event<'_>) -> ControlFlow<()> + 'a;

/// Opens a saved image and reads its layers in order.
///
/// # Errors
/// Only where there is no image to show.
pub fn open(
    source: &mut dyn ByteSource,
    limits: Limits,
    on_event: &mut OnEvent<'_>,
) -> Result<(), OpenError> {
    open_for(source, Wanted::All, None, limits, on_event)
}

fn open_for(
    source: &mut dyn ByteSource,
    wanted: Wanted,
    aside: Option<&mut dyn HashAside>,
    limits: Limits,
    on_event: &mut OnEvent<'_>,
) -> Result<(), OpenError> {
    let size_bytes = source.size_bytes();
    let mut head = Vec::new();
    Window::quiet(source).take(16).read_to_end(&mut head).map_err(|error| from_io(&error))?;
    if let Some(name) = unread_compression(&head) {
        return Err(OpenError::Compressed { compression: name.to_owned() });
    }
    let compression = Compression::sniff(&head);
    if compression == Compression::None {
        let archive = Archive { source, flow: None, compression, size_bytes };
        return open_archive(archive, wanted, None, limits, on_event);
    }
    let mut inflated = Inflated::new(source, compression, Quota::new(&limits));
    let flow = Some(inflated.flow());
    let archive = Archive { source: &mut inflated, flow, compression, size_bytes };
    open_archive(archive, wanted, aside.map(|aside| Passing::new(aside, limits)), limits, on_event)
}

/// What a file is opened as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum OpenAs {
    /// An archive of images.
    #[default]
    Image,
    /// One layer, such as the tar that `docker export` writes.
    Layer,
}

/// Finds the images of an archive. Their layers are left to [`read_layer`], but for those that are
/// not there; an archive that is compressed as a whole is read at once, contents aside, and it is
/// told whether it was. What of it only had to pass is hashed by `aside`.
///
/// # Errors
/// Only where there is no image to show.
pub fn find(
    source: &mut dyn ByteSource,
    open_as: OpenAs,
    limits: Limits,
    aside: &mut dyn HashAside,
    on_event: &mut OnEvent<'_>,
) -> Result<bool, OpenError> {
    let size_bytes = source.size_bytes();
    let (images, documents) = match open_as {
        OpenAs::Layer => (vec![ImagePlan::of_layer(size_bytes)], Documents::default()),
        OpenAs::Image => {
            let mut head = Vec::new();
            Window::quiet(source).take(16).read_to_end(&mut head).map_err(|error| from_io(&error))?;
            if Compression::sniff(&head) != Compression::None || unread_compression(&head).is_some() {
                return open_for(source, Wanted::Entries, Some(aside), limits, on_event).map(|()| true);
            }
            let compression = Compression::None;
            let mut archive = Archive { source: &mut *source, flow: None, compression, size_bytes };
            let members = members::index(&mut archive, limits, None, on_event)?;
            plan::plan(source, &members, limits)?
        }
    };
    told(on_event(Event::Documents(&documents)))?;
    told(on_event(Event::Images(&images)))?;
    tell_missing(&images, on_event)?;
    Ok(false)
}

/// Tells of the layers that are not there.
fn tell_missing(images: &[ImagePlan], on_event: &mut OnEvent<'_>) -> Result<(), OpenError> {
    for (image_idx, image) in images.iter().enumerate() {
        let missing = image.layers.iter().enumerate().filter(|(_, plan)| plan.offset.is_none());
        for (layer_idx, plan) in missing {
            let mut layer = Box::new(read::missing_layer(plan));
            read::check(plan, &mut layer);
            told(on_event(Event::Layer { image_idx, layer_idx, layer }))?;
        }
    }
    Ok(())
}

/// What of a layer is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LayerWanted {
    /// Its entries as soon as can be: digests come along where it is compressed.
    Entries,
    /// Its digests, once its entries are known.
    Digests,
    /// Both.
    All,
}

/// What came of reading a layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LayerOutcome {
    /// It is not compressed, and its entries are known; its digests are not.
    Listed(Layer),
    /// Its digests are known, and what is wrong with it for each of the plans that name it.
    Read(Layer, Vec<Vec<Problem>>),
}

/// Reads one layer, which `plans` name, all of them. No more than `most_bytes` are inflated, and no
/// content is hashed: see [`unhashed`](crate::layer::unhashed).
///
/// # Errors
/// Where bytes cannot be had, and where it is stopped.
pub fn read_layer(
    source: &mut dyn ByteSource,
    plans: &[LayerPlan],
    wanted: LayerWanted,
    limits: Limits,
    most_bytes: u64,
    on_read: &mut OnRead<'_>,
) -> Result<LayerOutcome, OpenError> {
    let Some(plan) = plans.first() else { return Err(OpenError::NoImages { part: problem::Part::Archive }) };
    if wanted == LayerWanted::Entries
        && let Some(layer) = read::list_layer(source, plan, limits, on_read)?
    {
        return Ok(LayerOutcome::Listed(layer));
    }
    let wanted = if wanted == LayerWanted::Digests { Wanted::Digests } else { Wanted::Entries };
    let mut layer = read::read_layer(source, plan, wanted, limits, most_bytes, on_read)?;
    let problems = compare(plans, &mut layer);
    Ok(LayerOutcome::Read(layer, problems))
}

/// The same for a layer that is not compressed, once somebody else hashed its stored bytes, of
/// which there were so many; a browser does that faster.
#[must_use]
pub fn hashed_layer(
    plans: &[LayerPlan],
    digest: Digest,
    n_stored: u64,
) -> Option<(Layer, Vec<Vec<Problem>>)> {
    let mut layer = read::hashed_layer(plans.first()?, digest, n_stored);
    let problems = compare(plans, &mut layer);
    Some((layer, problems))
}

/// What is wrong with a layer, for each of the plans that name it.
fn compare(plans: &[LayerPlan], layer: &mut Layer) -> Vec<Vec<Problem>> {
    let common = std::mem::take(&mut layer.problems);
    let of_plan = |plan| {
        layer.problems.clone_from(&common);
        read::check(plan, layer);
        std::mem::take(&mut layer.problems)
    };
    plans.iter().map(of_plan).collect()
}

fn told(flow: ControlFlow<()>) -> Result<(), OpenError> {
    if flow.is_break() { Err(OpenError::Stopped) } else { Ok(()) }
}

/// An archive, what it is compressed with undone.
struct Archive<'a> {
    source: &'a mut dyn ByteSource,
    /// Where reading stands, if it is compressed as a whole.
    flow: Option<Rc<Flow>>,
    compression: Compression,
    /// Length of the file.
    size_bytes: u64,
}

fn open_archive(
    mut archive: Archive<'_>,
    wanted: Wanted,
    mut passing: Option<Passing<'_>>,
    limits: Limits,
    on_event: &mut OnEvent<'_>,
) -> Result<(), OpenError> {
    let members = members::index(&mut archive, limits, passing.as_mut(), on_event)?;
    let is_sound = archive.flow.as_ref().is_none_or(|flow| flow.damage().is_none());
    let (images, mut documents) = plan::plan(&mut *archive.source, &members, limits)?;
    documents.compression = archive.compression;
    drop(members);
    told(on_event(Event::Documents(&documents)))?;
    told(on_event(Event::Images(&images)))?;
    if let Some(taken) = passing.filter(|_| is_sound).and_then(|passing| passing.taken(&images)) {
        for (key, layer) in taken {
            told(on_event(Event::LayerPassed { key, layer: Box::new(layer) }))?;
        }
        return tell_missing(&images, on_event);
    }
    Reading::new(archive, &images, wanted, limits).run(on_event)
}

/// The layers of all images while they are read. Those that several images
/// share are read once.
struct Reading<'a, 'i> {
    archive: Archive<'a>,
    images: &'i [ImagePlan],
    wanted: Wanted,
    limits: Limits,
    /// How many layers, by their offset, are still to be told.
    n_uses: BTreeMap<u64, usize>,
    /// Layers that were read and are still to be told.
    known: BTreeMap<u64, Layer>,
    /// What all layers may still inflate to.
    left_bytes: u64,
    /// The next one to be told: image and layer.
    next: (usize, usize),
    /// The chain of the image that is being told; `None` where a diffID is missing.
    chain: Option<Option<ChainId>>,
}

impl<'a, 'i> Reading<'a, 'i> {
    fn new(archive: Archive<'a>, images: &'i [ImagePlan], wanted: Wanted, limits: Limits) -> Self {
        let left_bytes = limits.inflated_bytes_in_all(archive.size_bytes);
        let mut n_uses = BTreeMap::new();
        for offset in images.iter().flat_map(|image| &image.layers).filter_map(|layer| layer.offset) {
            *n_uses.entry(offset).or_default() += 1;
        }
        let known = BTreeMap::new();
        Self { archive, images, wanted, limits, n_uses, known, left_bytes, next: (0, 0), chain: Some(None) }
    }

    fn run(mut self, on_event: &mut OnEvent<'_>) -> Result<(), OpenError> {
        // Layers by offset, in the order in which they are needed.
        let mut seen = std::collections::BTreeSet::new();
        let mut plans: Vec<&LayerPlan> = self
            .images
            .iter()
            .flat_map(|image| &image.layers)
            .filter(|plan| plan.offset.is_some_and(|offset| seen.insert(offset)))
            .collect();
        if self.archive.flow.is_some() {
            // What can only be read onward is read in the order in which it stands.
            plans.sort_by_key(|plan| plan.offset);
        }
        // Announced sizes may add up to anything.
        let layers_bytes = plans.iter().fold(0_u64, |sum, plan| sum.saturating_add(plan.stored_bytes));
        let mut done_bytes = 0_u64;
        for plan in plans {
            let flow = self.archive.flow.clone();
            let size_bytes = self.archive.size_bytes;
            let mut on_read = |n_read| {
                let (done_bytes, total_bytes) = match &flow {
                    Some(flow) => (size_bytes + flow.n_stored(), size_bytes.saturating_mul(2)),
                    None => (done_bytes.saturating_add(n_read), layers_bytes),
                };
                on_event(Event::Progress { done_bytes: done_bytes.min(total_bytes), total_bytes })
            };
            let source = &mut *self.archive.source;
            let (limits, left_bytes) = (self.limits, self.left_bytes);
            let layer = read::read_layer(source, plan, self.wanted, limits, left_bytes, &mut on_read)?;
            done_bytes = done_bytes.saturating_add(plan.stored_bytes);
            if layer.compression != Compression::None {
                self.left_bytes = self.left_bytes.saturating_sub(layer.tar_bytes);
            }
            if let Some(offset) = plan.offset {
                self.known.insert(offset, layer);
            }
            self.tell(on_event)?;
        }
        self.tell(on_event)
    }

    /// Tells of the layers whose turn it is, lowest first, image by image.
    fn tell(&mut self, on_event: &mut OnEvent<'_>) -> Result<(), OpenError> {
        while let Some(image) = self.images.get(self.next.0) {
            let Some(plan) = image.layers.get(self.next.1) else {
                (self.next, self.chain) = ((self.next.0 + 1, 0), Some(None));
                continue;
            };
            let mut layer = match plan.offset {
                None => read::missing_layer(plan),
                Some(offset) => {
                    let Some(layer) = self.take(offset) else { return Ok(()) };
                    layer
                }
            };
            read::check(plan, &mut layer);
            self.chain = match (self.chain, layer.diff_id) {
                (Some(below), Some(diff_id)) => Some(Some(ChainId::push(below, diff_id))),
                _ => None,
            };
            layer.chain_id = self.chain.flatten();
            let (image_idx, layer_idx) = self.next;
            self.next.1 += 1;
            told(on_event(Event::Layer { image_idx, layer_idx, layer: Box::new(layer) }))?;
        }
        Ok(())
    }

    /// The layer that was read from there; it is forgotten with its last use.
    fn take(&mut self, offset: u64) -> Option<Layer> {
        let n_uses = self.n_uses.get_mut(&offset)?;
        if !self.known.contains_key(&offset) {
            return None;
        }
        *n_uses -= 1;
        if *n_uses == 0 { self.known.remove(&offset) } else { self.known.get(&offset).cloned() }
    }
}

fn from_io(error: &io::Error) -> OpenError {
    if is_stop(error) { OpenError::Stopped } else { OpenError::Unreadable { message: error.to_string() } }
}

/// Damage of compressed data as a problem.
fn damage_problem(damage: Damage) -> Problem {
    match damage {
        Damage::Truncated => Problem::Truncated { what: "the compressed data ends too early".to_owned() },
        Damage::Corrupt { message } => {
            Problem::CorruptCompression { what: format!("the compressed data is damaged: {message}") }
        }
        Damage::TooLarge => Problem::InflatedTooLarge,
        Damage::NotSupported { what } => Problem::UnsupportedCompression { compression: what },
    }
}

/// A tar's damage as a problem.
fn tar_problem(error: &TarError) -> Problem {
    let what = error.to_string();
    match error {
        TarError::Truncated { .. } => Problem::Truncated { what },
        TarError::NameTooLong { .. } => Problem::PathTooLong { what },
        TarError::TooManyEntries => Problem::TooManyEntries { what },
        TarError::NotTar | TarError::BadHeader { .. } | TarError::Io(_) => Problem::BadHeader { what },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::SliceSource;

    fn error_of(bytes: &[u8]) -> OpenError {
        let outcome =
            open(&mut SliceSource(bytes), Limits::for_browser(), &mut |_| ControlFlow::Continue(()));
        outcome.unwrap_err()
    }

    #[test]
    fn names_what_is_no_image() {
        let png = OpenError::NotAnArchive { looks_like: Some("a PNG picture".into()) };
        assert_eq!(error_of(b"\x89PNG\r\n\x1a\n0000"), png);
        assert_eq!(error_of(b"BZh91AY"), OpenError::Compressed { compression: "bzip2".into() });
        assert!(matches!(error_of(&[0x1f, 0x8b, 8, 0]), OpenError::Damaged(_)));
        assert!(matches!(error_of(b""), OpenError::NotAnArchive { .. }));
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, "etc/passwd", &b"x"[..]).unwrap();
        assert_eq!(error_of(&builder.into_inner().unwrap()), OpenError::NotAnImage { is_root_fs: false });
    }
}
