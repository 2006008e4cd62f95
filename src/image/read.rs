//! One layer: its stored bytes hashed, the tar inside hashed, its entries listed, in one pass.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use super::listing::{Listing, Needs};
use super::problem::{OpenError, Problem};
use super::{Layer, LayerPlan, damage_problem, from_io, tar_problem};
use crate::archive::compression::{Compression, Damage, Inflate, Quota, unread_compression};
use crate::archive::tar::{Skip, Streaming, TarError};
use crate::archive::{ByteSource, Limits, Window};
use crate::digest::{DiffId, Digest, HashingReader, Sha512, Sha512Reader};
use crate::layer::LayerTree;

pub(super) fn empty_layer() -> Layer {
    Layer {
        compression: Compression::None,
        blob_digest: None,
        blob_sha512: None,
        diff_id: None,
        chain_id: None,
        tar_bytes: 0,
        tree: LayerTree::default(),
        problems: Vec::new(),
    }
}

/// A layer whose bytes are not in the archive. What is kept elsewhere by design is not expected there.
pub(super) fn missing_layer(plan: &LayerPlan) -> Layer {
    let media_type = plan.media_type.as_deref().and_then(media_type_problem);
    let foreign = media_type.filter(|problem| matches!(problem, Problem::Foreign { .. }));
    let problem = foreign.unwrap_or_else(|| Problem::Missing { name: plan.member.clone() });
    Layer { problems: vec![problem], ..empty_layer() }
}

/// The stored bytes of a layer, hashed on the way.
type Stored<'a> = HashingReader<Sha512Reader<io::Take<Window<'a>>>>;

/// What of a layer is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// Digests and entries, contents hashed, in one pass.
    All,
    /// Digests and entries, but contents are not hashed.
    Entries,
    /// Digests of the layer. Entries come only where the pass meets them anyway, in a compressed
    /// layer, and contents are not hashed.
    Digests,
}

impl Wanted {
    fn tree(self, reader: &mut impl Skip, limits: Limits) -> (LayerTree, Option<TarError>) {
        match self {
            Self::All => LayerTree::read(reader, limits),
            Self::Entries | Self::Digests => LayerTree::list(reader, limits),
        }
    }
}

/// Of a layer that is listed, so much is read at once: most bodies are shorter.
const LISTED_BYTES: usize = 1 << 20;

/// Lists a layer that is not compressed by its headers alone; `None` for any other.
pub(super) fn list_layer(
    source: &mut dyn ByteSource,
    plan: &LayerPlan,
    limits: Limits,
    on_read: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Option<Layer>, OpenError> {
    let Some(mut listing) = Listing::new(plan, source.size_bytes(), limits) else { return Ok(None) };
    let mut buf = vec![0; LISTED_BYTES];
    let mut n_read = 0;
    while let Needs::BytesFrom(offset) = listing.needs() {
        let most = usize::try_from(listing.end().saturating_sub(offset)).unwrap_or(usize::MAX);
        let part = buf.get_mut(..most.min(LISTED_BYTES)).unwrap_or(&mut []);
        let n = source.read_at(offset, part).map_err(|error| from_io(&io::Error::other(error)))?;
        if n == 0 {
            let message = format!("the file is shorter than it was, at byte {offset}");
            return Err(OpenError::Unreadable { message });
        }
        listing.feed(offset, part.get(..n).unwrap_or(&[]));
        n_read += n as u64;
        if on_read(n_read).is_break() {
            return Err(OpenError::Stopped);
        }
    }
    Ok((listing.needs() == Needs::Nothing).then(|| listing.finish()))
}

/// The first bytes of a layer; the window stands before them again.
fn head(window: &mut Window<'_>, plan: &LayerPlan, offset: u64) -> Result<Vec<u8>, OpenError> {
    let mut head = Vec::new();
    window.seek(SeekFrom::Start(offset)).map_err(|error| from_io(&error))?;
    window.take(plan.stored_bytes.min(16)).read_to_end(&mut head).map_err(|error| from_io(&error))?;
    window.seek(SeekFrom::Start(offset)).map_err(|error| from_io(&error))?;
    Ok(head)
}

/// What is odd about the entries is a problem of the layer.
pub(super) fn note_names(layer: &mut Layer) {
    let names = layer.tree.unsafe_paths.iter().map(|path| Problem::UnsafePath { path: path.clone() });
    let whiteouts = layer.tree.bad_whiteouts.iter().map(|path| Problem::BadWhiteout { path: path.clone() });
    layer.problems.extend(names.chain(whiteouts));
    if layer.tree.has_lone_zeros {
        layer.problems.push(Problem::LoneZeros);
    }
}

/// Reads a layer. No more than `most_bytes` are inflated.
pub(super) fn read_layer(
    source: &mut dyn ByteSource,
    plan: &LayerPlan,
    wanted: Wanted,
    limits: Limits,
    most_bytes: u64,
    on_read: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Layer, OpenError> {
    let mut layer = empty_layer();
    let Some(offset) = plan.offset else { return Ok(missing_layer(plan)) };
    let media_type = plan.media_type.as_deref().and_then(media_type_problem);
    layer.problems.extend(media_type.filter(|problem| !matches!(problem, Problem::Foreign { .. })));
    let is_encrypted = layer.problems.iter().any(|problem| matches!(problem, Problem::Encrypted { .. }));
    // Nothing is read ahead: what lies behind may be the next layer, and going back be dear.
    let mut window = Window::new(source, on_read).until(offset.saturating_add(plan.stored_bytes));
    let head = head(&mut window, plan, offset)?;
    layer.compression = Compression::sniff(&head);
    let has_sha512 = plan.descriptor.as_ref().is_some_and(|(digest, _)| digest.starts_with("sha512:"));
    let stored = window.take(plan.stored_bytes);
    let stored = HashingReader::new(Sha512Reader::new(stored, has_sha512));
    let outcome = if is_encrypted {
        end(&mut layer, stored)
    } else if let Some(name) = unread_compression(&head) {
        layer.problems.push(Problem::UnsupportedCompression { compression: name.to_owned() });
        end(&mut layer, stored)
    } else if layer.compression == Compression::None && wanted == Wanted::Digests {
        let n_stored = end(&mut layer, stored);
        layer.tar_bytes = n_stored.as_ref().copied().unwrap_or(0);
        layer.diff_id = layer.blob_digest.map(DiffId);
        n_stored
    } else {
        let quota = Quota { most_bytes, ..Quota::new(&limits) };
        read_tar(&mut layer, stored, wanted, limits, quota)
    };
    note_names(&mut layer);
    match outcome {
        Ok(n_stored) if n_stored < plan.stored_bytes => {
            layer.problems.push(Problem::Truncated { what: "the archive ends within this layer".to_owned() })
        }
        Ok(_) => {}
        Err(error) => return Err(from_io(&error)),
    }
    Ok(layer)
}

/// What is said of a layer whose media type is not one of those that are read.
pub(super) fn media_type_problem(media_type: &str) -> Option<Problem> {
    let text = media_type.to_owned();
    if media_type.ends_with("+encrypted") {
        return Some(Problem::Encrypted { media_type: text });
    }
    if media_type.contains(".nondistributable.") || media_type.contains(".foreign.") {
        return Some(Problem::Foreign { media_type: text });
    }
    let form = ["application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"]
        .iter()
        .find_map(|form| media_type.strip_prefix(form));
    let is_known = matches!(form, Some("" | "+gzip" | "+zstd" | ".gzip" | ".zstd")) || media_type.is_empty();
    (!is_known).then_some(Problem::UnsupportedMediaType { media_type: text })
}

/// Lists the tar inside, and tells how many stored bytes there were. Only
/// errors of the source go up: what is damaged is a problem of the layer.
fn read_tar(
    layer: &mut Layer,
    stored: Stored<'_>,
    wanted: Wanted,
    limits: Limits,
    quota: Quota,
) -> io::Result<u64> {
    if layer.compression == Compression::None {
        let mut reader = Streaming::new(stored);
        let (tree, error) = wanted.tree(&mut reader, limits);
        layer.tree = tree;
        let stored = match error {
            Some(TarError::Io(error)) => return Err(error),
            _ => reader.drain()?,
        };
        layer.tar_bytes = stored.n_bytes();
        note(layer, error);
        let n_stored = end(layer, stored)?;
        layer.diff_id = layer.blob_digest.map(DiffId);
        return Ok(n_stored);
    }
    let Some(inflate) = Inflate::new(layer.compression, stored, quota) else { return Ok(0) };
    let mut reader = Streaming::new(HashingReader::new(inflate));
    let (tree, error) = wanted.tree(&mut reader, limits);
    layer.tree = tree;
    let error = match error {
        Some(TarError::Io(error)) => Err(error),
        error => reader.read_to_end().map(|()| error),
    };
    let (digest, n_bytes, inflate) = reader.into_inner().finish();
    layer.tar_bytes = n_bytes;
    if inflate.has_data_after_end() {
        layer.problems.push(Problem::DataAfterEnd);
    }
    match error {
        Ok(error) => {
            layer.diff_id = Some(DiffId(digest));
            note(layer, error);
        }
        Err(error) => match Damage::of(&error) {
            Some(damage) => layer.problems.push(damage_problem(damage)),
            None => return Err(error),
        },
    }
    // What follows the compressed data, or its damage, still belongs to the blob.
    match inflate.into_inner() {
        Some(stored) => end(layer, stored),
        None => Ok(0),
    }
}

/// A tar's own damage becomes a problem of the layer.
pub(super) fn note(layer: &mut Layer, error: Option<TarError>) {
    match error {
        None => {}
        // A layer without any member, not even the closing zeros, is an empty one.
        Some(TarError::NotTar) if layer.tar_bytes == 0 => {}
        Some(error) => layer.problems.push(tar_problem(&error)),
    }
}

/// Reads what is left of the stored bytes, and tells how many there were.
fn end(layer: &mut Layer, stored: Stored<'_>) -> io::Result<u64> {
    let (digest, n_bytes, inner) = Streaming::new(stored).drain()?.finish();
    layer.blob_digest = Some(digest);
    layer.blob_sha512 = inner.finish();
    Ok(n_bytes)
}

/// A layer that is not compressed, of which somebody else hashed the stored bytes: so many of them.
pub(super) fn hashed_layer(plan: &LayerPlan, digest: Digest, n_stored: u64) -> Layer {
    let media_type = plan.media_type.as_deref().and_then(media_type_problem);
    let truncated = || Problem::Truncated { what: "the archive ends within this layer".to_owned() };
    let mut problems: Vec<Problem> = media_type.into_iter().collect();
    problems.retain(|problem| !matches!(problem, Problem::Foreign { .. }));
    problems.extend((n_stored < plan.stored_bytes).then(truncated));
    let (blob_digest, diff_id) = (Some(digest), Some(DiffId(digest)));
    Layer { blob_digest, diff_id, tar_bytes: n_stored, problems, ..empty_layer() }
}

/// Compares what was computed with what the manifest and the configuration name.
pub(super) fn check(plan: &LayerPlan, layer: &mut Layer) {
    if let Some((expected, size_bytes)) = &plan.descriptor {
        if *size_bytes != plan.stored_bytes && plan.offset.is_some() {
            layer.problems.push(Problem::SizeMismatch { expected: *size_bytes, actual: plan.stored_bytes });
        }
        match (Digest::parse(expected), layer.blob_digest) {
            (Some(named), Some(actual)) if named != actual => {
                let (expected, actual) = (expected.clone(), actual.to_string());
                layer.problems.push(Problem::DigestMismatch { expected, actual });
            }
            (None, _) => match (Sha512::parse(expected), layer.blob_sha512) {
                (Some(named), Some(actual)) if named != actual => {
                    let (expected, actual) = (expected.clone(), actual.to_string());
                    layer.problems.push(Problem::DigestMismatch { expected, actual });
                }
                (Some(_), _) => {}
                (None, _) => layer.problems.push(Problem::BadDigest { digest: expected.clone() }),
            },
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
