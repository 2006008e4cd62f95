//! Saved images: which tar holds what, and each layer read, checked and listed.
//!
//! Two forms are understood, and both at once: *docker-archive*, where
//! `manifest.json` names members, and the *OCI layout*, where `index.json`
//! leads by digests to manifests, configurations and layers under `blobs/`.
//!
//! [`open`] makes one pass over the headers of the archive, seeking over
//! bodies, and then reads each layer once: its stored bytes are hashed for the
//! digest, the tar inside for the diffID, and its entries listed, all on the
//! way. What is wrong with a part is a [`Problem`] at that part; the rest is
//! still shown. Only a file that is no image at all is an error.
//!
//! Not read yet: archives that are compressed as a whole, layers in Zstandard;
//! both are named as such.

pub mod history;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use crate::archive::compression::{Capped, Compression, gunzip, known_kind};
use crate::archive::tar::{MemberKind, Seeking, Streaming, TarError, Walk};
use crate::archive::{ByteSource, Limits, Window, is_stop};
use crate::digest::{ChainId, DiffId, Digest, HashingReader};
use crate::layer::LayerTree;
use crate::oci::{Descriptor, DockerManifest, HistoryEntry, ImageConfig, Index, Manifest, Platform};

/// Why a file cannot be opened as an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OpenError {
    /// No tar, and what it looks like instead.
    NotAnArchive {
        /// "a PNG picture"; `None` if nothing is recognized.
        looks_like: Option<String>,
    },
    /// The archive is compressed as a whole, which is not read yet.
    Compressed {
        /// `gzip` or `zstd`.
        compression: String,
    },
    /// A tar, but of something else.
    NotAnImage,
    /// The archive is damaged before an image was found in it.
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// It lists no image.
    NoImages,
    /// Bytes cannot be had.
    Unreadable {
        /// What the source said.
        message: String,
    },
    /// Stopped on request.
    Stopped,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArchive { looks_like: Some(kind) } => {
                write!(f, "this is {kind}, not an image tarball")
            }
            Self::NotAnArchive { looks_like: None } => f.write_str("this is not a tar archive"),
            Self::Compressed { compression } => {
                write!(
                    f,
                    "this archive is compressed with {compression} as a whole; unpack it once and open the .tar"
                )
            }
            Self::NotAnImage => {
                f.write_str("this tar archive holds no image: neither manifest.json nor index.json is in it")
            }
            Self::Damaged { what } => write!(f, "the archive is damaged: {what}"),
            Self::NoImages => f.write_str("the archive lists no image"),
            Self::Unreadable { message } => write!(f, "the file cannot be read: {message}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for OpenError {}

/// Something that is wrong with a part of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// A member or blob that is named is not there.
    Missing {
        /// Its name.
        name: String,
    },
    /// The bytes are not those that the digest names.
    DigestMismatch {
        /// As named.
        expected: String,
        /// As hashed.
        actual: String,
    },
    /// The tar is not the one that the configuration names.
    DiffIdMismatch {
        /// As named.
        expected: String,
        /// As hashed.
        actual: String,
    },
    /// The length is not the one that the descriptor names.
    SizeMismatch {
        /// As named, in bytes.
        expected: u64,
        /// As found.
        actual: u64,
    },
    /// A digest that is none, or of an algorithm that is not computed.
    BadDigest {
        /// As written.
        digest: String,
    },
    /// A JSON document that cannot be read.
    BadJson {
        /// Its name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A JSON document beyond the limit.
    JsonTooLarge {
        /// Its name.
        name: String,
    },
    /// A compression that is not read.
    UnsupportedCompression {
        /// Its name.
        compression: String,
    },
    /// A layer that is encrypted or kept elsewhere.
    UnsupportedMediaType {
        /// The media type.
        media_type: String,
    },
    /// The compressed data or the tar in it is damaged.
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// More than the limit.
    TooLarge {
        /// What.
        what: String,
    },
    /// The history and the layers do not fit.
    HistoryMismatch {
        /// Entries of the history that made a layer.
        n_history: usize,
        /// Layers.
        n_layers: usize,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "{name} is named but is not in the archive"),
            Self::DigestMismatch { expected, actual } => {
                write!(f, "the stored bytes have digest {actual}, the manifest names {expected}")
            }
            Self::DiffIdMismatch { expected, actual } => {
                write!(f, "the layer has diffID {actual}, the configuration names {expected}")
            }
            Self::SizeMismatch { expected, actual } => {
                write!(f, "it has {actual} bytes, the descriptor names {expected}")
            }
            Self::BadDigest { digest } => write!(f, "“{digest}” is no sha256 digest"),
            Self::BadJson { name, message } => write!(f, "{name} cannot be read: {message}"),
            Self::JsonTooLarge { name } => write!(f, "{name} is larger than the limit for one document"),
            Self::UnsupportedCompression { compression } => {
                write!(f, "it is compressed with {compression}, which is not read yet")
            }
            Self::UnsupportedMediaType { media_type } => write!(f, "its media type {media_type} is not read"),
            Self::Damaged { what } => f.write_str(what),
            Self::TooLarge { what } => f.write_str(what),
            Self::HistoryMismatch { n_history, n_layers } => {
                write!(f, "the history tells of {n_history} layers, the image has {n_layers}")
            }
        }
    }
}

/// A layer as the manifest lists it, and where its bytes stand.
#[derive(Clone, PartialEq, Eq, Debug)]
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
    /// Digest of the configuration: the image ID.
    pub config_digest: Digest,
    /// The configuration.
    pub config: ImageConfig,
    /// The layers, lowest first.
    pub layers: Vec<LayerPlan>,
    /// What is wrong with the image as a whole.
    pub problems: Vec<Problem>,
}

/// A layer that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layer {
    /// How its bytes are compressed.
    pub compression: Compression,
    /// Digest of the stored bytes.
    pub blob_digest: Option<Digest>,
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
    /// The images are known.
    Images(&'a [ImagePlan]),
    /// A layer was read.
    Layer {
        /// Which image.
        image_idx: usize,
        /// Which layer, 0 is the lowest.
        layer_idx: usize,
        /// The layer.
        layer: Layer,
    },
}

/// Told of each event; answers whether to go on.
pub type OnEvent<'a> = dyn FnMut(Event<'_>) -> ControlFlow<()> + 'a;

/// A member of the archive.
#[derive(Clone, Debug)]
struct Place {
    kind: MemberKind,
    offset: u64,
    size_bytes: u64,
    link: String,
}

/// The members of an archive by name.
type Members = BTreeMap<String, Place>;

/// Opens a saved image and reads its layers in order.
///
/// # Errors
/// Only where there is no image to show.
pub fn open(
    source: &mut dyn ByteSource,
    limits: Limits,
    on_event: &mut OnEvent<'_>,
) -> Result<(), OpenError> {
    let members = index(source, limits, on_event)?;
    let images = plan(source, &members, limits)?;
    if on_event(Event::Images(&images)).is_break() {
        return Err(OpenError::Stopped);
    }
    // Layers that several images share are read once.
    let mut known: BTreeMap<u64, Layer> = BTreeMap::new();
    let mut offsets: Vec<(u64, u64)> = images
        .iter()
        .flat_map(|image| &image.layers)
        .filter_map(|layer| Some((layer.offset?, layer.stored_bytes)))
        .collect();
    offsets.sort_unstable();
    offsets.dedup();
    let total_bytes: u64 = offsets.iter().map(|(_, bytes)| bytes).sum();
    let mut done_bytes = 0;
    for (image_idx, image) in images.iter().enumerate() {
        let mut chain = Some(None);
        for (layer_idx, plan) in image.layers.iter().enumerate() {
            let mut layer = match plan.offset.and_then(|offset| known.get(&offset)) {
                Some(layer) => layer.clone(),
                None => {
                    let layer = read_layer(source, plan, limits, &mut |n_read| {
                        on_event(Event::Progress {
                            done_bytes: (done_bytes + n_read).min(total_bytes),
                            total_bytes,
                        })
                    })?;
                    done_bytes += plan.stored_bytes;
                    if let Some(offset) = plan.offset {
                        known.insert(offset, layer.clone());
                    }
                    layer
                }
            };
            check(plan, &mut layer);
            chain = match (chain, layer.diff_id) {
                (Some(below), Some(diff_id)) => Some(Some(ChainId::push(below, diff_id))),
                _ => None,
            };
            layer.chain_id = chain.flatten();
            if on_event(Event::Layer { image_idx, layer_idx, layer }).is_break() {
                return Err(OpenError::Stopped);
            }
        }
    }
    Ok(())
}

fn from_io(error: &io::Error) -> OpenError {
    if is_stop(error) { OpenError::Stopped } else { OpenError::Unreadable { message: error.to_string() } }
}

/// Lists the members; bodies are skipped.
fn index(
    source: &mut dyn ByteSource,
    limits: Limits,
    on_event: &mut OnEvent<'_>,
) -> Result<Members, OpenError> {
    let size_bytes = source.size_bytes();
    let mut head = vec![0; 512];
    let n =
        source.read_at(0, &mut head).map_err(|error| OpenError::Unreadable { message: error.to_string() })?;
    head.truncate(n);
    let compression = Compression::sniff(&head);
    if compression != Compression::None {
        return Err(OpenError::Compressed { compression: compression.name().to_owned() });
    }
    let mut on_read = |_| on_event(Event::Progress { done_bytes: 0, total_bytes: size_bytes });
    let mut reader = Seeking(Window::new(source, &mut on_read));
    let mut walk = Walk::new(&mut reader, limits);
    let mut members = Members::new();
    loop {
        match walk.next_member() {
            Ok(Some(member)) => {
                let name = member.path.strip_prefix("./").unwrap_or(&member.path).to_owned();
                let place = Place {
                    kind: member.kind,
                    offset: member.body_offset,
                    size_bytes: member.size_bytes,
                    link: member.link,
                };
                members.insert(name, place);
            }
            Ok(None) => return Ok(members),
            Err(TarError::NotTar) => {
                let looks_like = known_kind(&head).map(str::to_owned);
                return Err(OpenError::NotAnArchive { looks_like });
            }
            Err(TarError::Io(error)) => return Err(from_io(&error)),
            // What was found before the damage may be enough.
            Err(error) if members.is_empty() => return Err(OpenError::Damaged { what: error.to_string() }),
            Err(_) => return Ok(members),
        }
    }
}

/// The member of this name, links followed.
fn resolve<'m>(members: &'m Members, name: &str) -> Option<(String, &'m Place)> {
    let mut name = name.strip_prefix("./").unwrap_or(name).to_owned();
    for _ in 0..members.len().min(64) {
        let place = members.get(&name)?;
        let base = match place.kind {
            MemberKind::Symlink => name.rsplit_once('/').map_or("", |(folder, _)| folder),
            MemberKind::HardLink => "",
            _ => return Some((name, place)),
        };
        name = crate::context::normal_path(&format!("{base}/{}", place.link));
    }
    None
}

struct Documents<'a> {
    source: &'a mut dyn ByteSource,
    members: &'a Members,
    limits: Limits,
}

impl Documents<'_> {
    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Problem> {
        let missing = || Problem::Missing { name: name.to_owned() };
        let (_, place) = resolve(self.members, name).ok_or_else(missing)?;
        if place.size_bytes > self.limits.json_bytes {
            return Err(Problem::JsonTooLarge { name: name.to_owned() });
        }
        let damaged = |message: String| Problem::BadJson { name: name.to_owned(), message };
        let mut go_on = |_| ControlFlow::Continue(());
        let mut window = Window::new(&mut *self.source, &mut go_on);
        window.seek(SeekFrom::Start(place.offset)).map_err(|error| damaged(error.to_string()))?;
        let mut bytes = Vec::new();
        window.take(place.size_bytes).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        if (bytes.len() as u64) < place.size_bytes {
            return Err(damaged("the archive ends within it".to_owned()));
        }
        Ok(bytes)
    }

    fn json<T: DeserializeOwned>(&mut self, name: &str) -> Result<(T, Vec<u8>), Problem> {
        let bytes = self.bytes(name)?;
        let bad =
            |error: serde_json::Error| Problem::BadJson { name: name.to_owned(), message: error.to_string() };
        Ok((serde_json::from_slice(&bytes).map_err(bad)?, bytes))
    }
}

/// The member that holds the blob of a digest.
fn blob_name(digest: &str) -> Option<String> {
    let (algorithm, hex) = digest.split_once(':')?;
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain(algorithm) && is_plain(hex)).then(|| format!("blobs/{algorithm}/{hex}"))
}

/// Finds the images of an archive.
fn plan(source: &mut dyn ByteSource, members: &Members, limits: Limits) -> Result<Vec<ImagePlan>, OpenError> {
    let has = |name: &str| resolve(members, name).is_some();
    let (has_docker, has_index) = (has("manifest.json"), has("index.json"));
    if !has_docker && !has_index {
        return Err(OpenError::NotAnImage);
    }
    let mut documents = Documents { source, members, limits };
    let mut images: Vec<ImagePlan> = Vec::new();
    let mut failure = None;
    if has_index {
        match documents.json::<Index>("index.json") {
            Ok((index, _)) => walk_index(&mut documents, &index, 0, &mut images, &mut failure),
            Err(problem) => failure = Some(problem),
        }
    }
    if has_docker {
        match documents.json::<Vec<DockerManifest>>("manifest.json") {
            Ok((list, _)) => {
                for docker in list {
                    add_docker_image(&mut documents, &docker, &mut images, &mut failure);
                }
            }
            Err(problem) => failure = failure.or(Some(problem)),
        }
    }
    match (images.is_empty(), failure) {
        (false, _) => Ok(images),
        (true, Some(problem)) => Err(OpenError::Damaged { what: problem.to_string() }),
        (true, None) => Err(OpenError::NoImages),
    }
}

/// Indexes may lead to further indexes, this deep.
const MAX_INDEX_DEPTH: usize = 16;

fn walk_index(
    documents: &mut Documents<'_>,
    index: &Index,
    depth: usize,
    images: &mut Vec<ImagePlan>,
    failure: &mut Option<Problem>,
) {
    for descriptor in &index.manifests {
        let is_attestation = descriptor
            .annotations
            .get("vnd.docker.reference.type")
            .is_some_and(|kind| kind == "attestation-manifest");
        if is_attestation {
            continue;
        }
        let Some(name) = blob_name(&descriptor.digest) else {
            *failure = Some(Problem::BadDigest { digest: descriptor.digest.clone() });
            continue;
        };
        let bytes = match documents.bytes(&name) {
            Ok(bytes) => bytes,
            Err(problem) => {
                *failure = Some(problem);
                continue;
            }
        };
        if let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) {
            let tag = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
            let tag = tag.iter().find_map(|key| descriptor.annotations.get(*key)).cloned();
            let digest = Digest::of(&bytes);
            if let Some(known) = images.iter_mut().find(|image| image.manifest_digest == Some(digest)) {
                known.tags.extend(tag);
                continue;
            }
            add_oci_image(documents, descriptor, &manifest, digest, tag, images, failure);
            continue;
        }
        match serde_json::from_slice::<Index>(&bytes) {
            Ok(inner) if depth < MAX_INDEX_DEPTH => walk_index(documents, &inner, depth + 1, images, failure),
            Ok(_) => {
                *failure =
                    Some(Problem::TooLarge { what: "indexes lead to further indexes without end".to_owned() })
            }
            Err(error) => *failure = Some(Problem::BadJson { name, message: error.to_string() }),
        }
    }
}

fn add_oci_image(
    documents: &mut Documents<'_>,
    descriptor: &Descriptor,
    manifest: &Manifest,
    digest: Digest,
    tag: Option<String>,
    images: &mut Vec<ImagePlan>,
    failure: &mut Option<Problem>,
) {
    let config_name = blob_name(&manifest.config.digest);
    let config = config_name.ok_or_else(|| Problem::BadDigest { digest: manifest.config.digest.clone() });
    let (config, bytes) = match config.and_then(|name| documents.json::<ImageConfig>(&name)) {
        Ok(found) => found,
        Err(problem) => {
            *failure = Some(problem);
            return;
        }
    };
    let mut problems = Vec::new();
    if Digest::parse(&descriptor.digest).is_some_and(|expected| expected != digest) {
        problems.push(Problem::DigestMismatch {
            expected: descriptor.digest.clone(),
            actual: digest.to_string(),
        });
    }
    let config_digest = Digest::of(&bytes);
    if Digest::parse(&manifest.config.digest).is_some_and(|expected| expected != config_digest) {
        let expected = manifest.config.digest.clone();
        problems.push(Problem::DigestMismatch { expected, actual: config_digest.to_string() });
    }
    let named = manifest.layers.iter().map(|layer| {
        let name = blob_name(&layer.digest).unwrap_or_else(|| layer.digest.clone());
        (name, Some(layer))
    });
    let layers = plan_layers(documents.members, named, &config, &mut problems);
    images.push(ImagePlan {
        tags: tag.into_iter().collect(),
        platform: descriptor.platform.clone().or_else(|| own_platform(&config)),
        manifest_digest: Some(digest),
        config_digest,
        config,
        layers,
        problems,
    });
}

fn add_docker_image(
    documents: &mut Documents<'_>,
    docker: &DockerManifest,
    images: &mut Vec<ImagePlan>,
    failure: &mut Option<Problem>,
) {
    let (config, bytes) = match documents.json::<ImageConfig>(&docker.config) {
        Ok(found) => found,
        Err(problem) => {
            *failure = Some(problem);
            return;
        }
    };
    let config_digest = Digest::of(&bytes);
    // The same image may be listed in both forms.
    if let Some(known) = images.iter_mut().find(|image| image.config_digest == config_digest) {
        for tag in &docker.repo_tags {
            if !known.tags.contains(tag) {
                known.tags.push(tag.clone());
            }
        }
        known.tags.retain(|tag| docker.repo_tags.is_empty() || docker.repo_tags.contains(tag));
        return;
    }
    let mut problems = Vec::new();
    let named = docker.layers.iter().map(|name| (name.clone(), None));
    let layers = plan_layers(documents.members, named, &config, &mut problems);
    images.push(ImagePlan {
        tags: docker.repo_tags.clone(),
        platform: own_platform(&config),
        manifest_digest: None,
        config_digest,
        config,
        layers,
        problems,
    });
}

fn own_platform(config: &ImageConfig) -> Option<Platform> {
    let platform = Platform {
        architecture: config.architecture.clone(),
        os: config.os.clone(),
        variant: config.variant.clone(),
        os_version: None,
    };
    (!config.os.is_empty()).then_some(platform)
}

fn plan_layers<'d>(
    members: &Members,
    named: impl Iterator<Item = (String, Option<&'d Descriptor>)>,
    config: &ImageConfig,
    problems: &mut Vec<Problem>,
) -> Vec<LayerPlan> {
    let mut layers: Vec<LayerPlan> = named
        .enumerate()
        .map(|(idx, (name, descriptor))| {
            let found = resolve(members, &name);
            LayerPlan {
                member: found.as_ref().map_or(name, |(name, _)| name.clone()),
                media_type: descriptor.map(|descriptor| descriptor.media_type.clone()),
                descriptor: descriptor.map(|descriptor| (descriptor.digest.clone(), descriptor.size)),
                expected_diff_id: config.rootfs.diff_ids.get(idx).cloned(),
                stored_bytes: found.as_ref().map_or(0, |(_, place)| place.size_bytes),
                offset: found.map(|(_, place)| place.offset),
                history: None,
            }
        })
        .collect();
    let made: Vec<&HistoryEntry> = config.history.iter().filter(|entry| !entry.empty_layer).collect();
    if made.len() == layers.len() {
        for (layer, entry) in layers.iter_mut().zip(made) {
            layer.history = Some(entry.clone());
        }
    } else if !config.history.is_empty() {
        problems.push(Problem::HistoryMismatch { n_history: made.len(), n_layers: layers.len() });
    }
    layers
}

/// Reads a layer: digests and entries in one pass.
fn read_layer(
    source: &mut dyn ByteSource,
    plan: &LayerPlan,
    limits: Limits,
    on_read: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Layer, OpenError> {
    let mut layer = Layer {
        compression: Compression::None,
        blob_digest: None,
        diff_id: None,
        chain_id: None,
        tar_bytes: 0,
        tree: LayerTree::default(),
        problems: Vec::new(),
    };
    let Some(offset) = plan.offset else {
        layer.problems.push(Problem::Missing { name: plan.member.clone() });
        return Ok(layer);
    };
    let mut window = Window::new(source, on_read);
    window.seek(SeekFrom::Start(offset)).map_err(|error| from_io(&error))?;
    let mut head = Vec::new();
    (&mut window).take(plan.stored_bytes.min(4)).read_to_end(&mut head).map_err(|error| from_io(&error))?;
    window.seek(SeekFrom::Start(offset)).map_err(|error| from_io(&error))?;
    layer.compression = Compression::sniff(&head);
    let stored = window.take(plan.stored_bytes);
    let outcome = match layer.compression {
        Compression::None => read_plain(&mut layer, stored, limits),
        Compression::Gzip => read_gzip(&mut layer, stored, plan.stored_bytes, limits),
        Compression::Zstd => {
            let compression = layer.compression.name().to_owned();
            layer.problems.push(Problem::UnsupportedCompression { compression });
            hash_only(&mut layer, stored)
        }
    };
    match outcome {
        Ok(()) => Ok(layer),
        Err(error) if is_stop(&error) => Err(OpenError::Stopped),
        Err(error) => {
            let is_source = error.get_ref().is_some_and(|inner| inner.is::<crate::archive::SourceError>());
            if is_source {
                return Err(OpenError::Unreadable { message: error.to_string() });
            }
            let what = format!("the compressed data is damaged: {error}");
            layer.problems.push(Problem::Damaged { what });
            Ok(layer)
        }
    }
}

/// A tar's own damage becomes a problem of the layer; reading errors go up.
fn note(layer: &mut Layer, error: Option<TarError>) -> io::Result<()> {
    match error {
        None => {}
        Some(TarError::Io(error)) => return Err(error),
        // A layer without any member, not even the closing zeros, is an empty one.
        Some(TarError::NotTar) if layer.tar_bytes == 0 => {}
        Some(error @ TarError::TooManyEntries) => {
            layer.problems.push(Problem::TooLarge { what: error.to_string() })
        }
        Some(error) => layer.problems.push(Problem::Damaged { what: error.to_string() }),
    }
    Ok(())
}

fn read_plain(layer: &mut Layer, stored: impl Read, limits: Limits) -> io::Result<()> {
    let mut reader = Streaming::new(HashingReader::new(stored));
    let (tree, error) = LayerTree::read(&mut reader, limits);
    layer.tree = tree;
    let is_io = matches!(error, Some(TarError::Io(_)));
    if !is_io {
        let (digest, n_bytes, _) = reader.drain()?.finish();
        layer.tar_bytes = n_bytes;
        layer.blob_digest = Some(digest);
        layer.diff_id = Some(DiffId(digest));
    }
    note(layer, error)
}

fn read_gzip(layer: &mut Layer, stored: impl Read, stored_bytes: u64, limits: Limits) -> io::Result<()> {
    let most = limits.free_inflated_bytes.max(stored_bytes.saturating_mul(limits.inflate_ratio));
    let inflated = Capped::new(gunzip(HashingReader::new(stored)), most);
    let mut reader = Streaming::new(HashingReader::new(inflated));
    let (tree, error) = LayerTree::read(&mut reader, limits);
    layer.tree = tree;
    if !matches!(error, Some(TarError::Io(_))) {
        let (digest, n_bytes, inflated) = reader.drain()?.finish();
        layer.tar_bytes = n_bytes;
        layer.diff_id = Some(DiffId(digest));
        // What follows the last member of the stream still belongs to the blob.
        let blob = Streaming::new(inflated.into_inner().into_inner().into_inner()).drain()?;
        layer.blob_digest = Some(blob.finish().0);
    }
    note(layer, error)
}

fn hash_only(layer: &mut Layer, stored: impl Read) -> io::Result<()> {
    let (digest, _, _) = Streaming::new(HashingReader::new(stored)).drain()?.finish();
    layer.blob_digest = Some(digest);
    Ok(())
}

/// Compares what was computed with what the manifest and the configuration name.
fn check(plan: &LayerPlan, layer: &mut Layer) {
    if let Some((expected, size_bytes)) = &plan.descriptor {
        if *size_bytes != plan.stored_bytes && plan.offset.is_some() {
            layer.problems.push(Problem::SizeMismatch { expected: *size_bytes, actual: plan.stored_bytes });
        }
        match (Digest::parse(expected), layer.blob_digest) {
            (Some(named), Some(actual)) if named != actual => {
                let (expected, actual) = (expected.clone(), actual.to_string());
                layer.problems.push(Problem::DigestMismatch { expected, actual });
            }
            (None, _) if !expected.starts_with("sha512:") => {
                layer.problems.push(Problem::BadDigest { digest: expected.clone() });
            }
            _ => {}
        }
    }
    if let (Some(expected), Some(actual)) = (&plan.expected_diff_id, layer.diff_id)
        && Digest::parse(expected) != Some(actual.0)
    {
        let (expected, actual) = (expected.clone(), actual.to_string());
        layer.problems.push(Problem::DiffIdMismatch { expected, actual });
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
        assert_eq!(error_of(&[0x1f, 0x8b, 8, 0]), OpenError::Compressed { compression: "gzip".into() });
        assert!(matches!(error_of(b""), OpenError::NotAnArchive { .. }));
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, "etc/passwd", &b"x"[..]).unwrap();
        assert_eq!(error_of(&builder.into_inner().unwrap()), OpenError::NotAnImage);
    }

    #[test]
    fn blobs_have_plain_names() {
        assert_eq!(blob_name("sha256:ab"), Some("blobs/sha256/ab".into()));
        assert_eq!(blob_name("sha256:../../x"), None);
        assert_eq!(blob_name("nothing"), None);
    }
}
