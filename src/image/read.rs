//! One layer: its stored bytes hashed, the tar inside hashed, its entries listed, in one pass.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use super::problem::{OpenError, Problem};
use super::{Layer, LayerPlan, from_io, tar_problem};
use crate::archive::compression::{Compression, Gunzip, InflatedTooLarge};
use crate::archive::tar::{Streaming, TarError};
use crate::archive::{ByteSource, Limits, SourceError, Window, is_stop};
use crate::digest::{DiffId, Digest, HashingReader};
use crate::layer::LayerTree;

/// Reads a layer: digests and entries in one pass.
pub(super) fn read_layer(
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
    let media_type = plan.media_type.as_deref().and_then(media_type_problem);
    let Some(offset) = plan.offset else {
        // What is kept elsewhere is not expected here.
        let missing = || Problem::Missing { name: plan.member.clone() };
        let foreign = media_type.filter(|problem| matches!(problem, Problem::Foreign { .. }));
        layer.problems.push(foreign.unwrap_or_else(missing));
        return Ok(layer);
    };
    layer.problems.extend(media_type.filter(|problem| !matches!(problem, Problem::Foreign { .. })));
    let is_encrypted = layer.problems.iter().any(|problem| matches!(problem, Problem::Encrypted { .. }));
    let mut window = Window::new(source, on_read);
    window.seek(SeekFrom::Start(offset)).map_err(|error| from_io(&error))?;
    let mut head = Vec::new();
    (&mut window).take(plan.stored_bytes.min(6)).read_to_end(&mut head).map_err(|error| from_io(&error))?;
    window.seek(SeekFrom::Start(offset)).map_err(|error| from_io(&error))?;
    layer.compression = Compression::sniff(&head);
    let stored = window.take(plan.stored_bytes);
    let unread = match (layer.compression, head.as_slice()) {
        (Compression::Zstd, _) => Some("zstd"),
        (_, [0xfd, b'7', b'z', b'X', b'Z', ..]) => Some("xz"),
        (_, [b'B', b'Z', b'h', ..]) => Some("bzip2"),
        _ => None,
    };
    let outcome = match (layer.compression, unread) {
        _ if is_encrypted => hash_only(&mut layer, stored),
        (_, Some(compression)) => {
            let compression = compression.to_owned();
            layer.problems.push(Problem::UnsupportedCompression { compression });
            hash_only(&mut layer, stored)
        }
        (Compression::Gzip, None) => read_gzip(&mut layer, stored, limits),
        (Compression::None | Compression::Zstd, None) => read_plain(&mut layer, stored, limits),
    };
    let names = layer.tree.unsafe_paths.iter().map(|path| Problem::UnsafePath { path: path.clone() });
    let whiteouts = layer.tree.bad_whiteouts.iter().map(|path| Problem::BadWhiteout { path: path.clone() });
    layer.problems.extend(names.chain(whiteouts));
    match outcome {
        Ok(()) => Ok(layer),
        Err(error) if is_stop(&error) => Err(OpenError::Stopped),
        Err(error) => {
            if error.get_ref().is_some_and(|inner| inner.is::<SourceError>()) {
                return Err(OpenError::Unreadable { message: error.to_string() });
            }
            let is_limit = error.get_ref().is_some_and(|inner| inner.is::<InflatedTooLarge>());
            let what = format!("the compressed data is damaged: {error}");
            layer.problems.push(if is_limit {
                Problem::InflatedTooLarge
            } else if error.kind() == io::ErrorKind::UnexpectedEof {
                Problem::Truncated { what }
            } else {
                Problem::CorruptCompression { what }
            });
            Ok(layer)
        }
    }
}

/// What is said of a layer whose media type is not one of those that are read.
fn media_type_problem(media_type: &str) -> Option<Problem> {
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

/// A tar's own damage becomes a problem of the layer; reading errors go up.
fn note(layer: &mut Layer, error: Option<TarError>) -> io::Result<()> {
    match error {
        None => {}
        Some(TarError::Io(error)) => return Err(error),
        // A layer without any member, not even the closing zeros, is an empty one.
        Some(TarError::NotTar) if layer.tar_bytes == 0 => {}
        Some(error) => layer.problems.push(tar_problem(&error)),
    }
    Ok(())
}

fn read_plain(layer: &mut Layer, stored: io::Take<Window<'_>>, limits: Limits) -> io::Result<()> {
    let announced_bytes = stored.limit();
    let mut reader = Streaming::new(HashingReader::new(stored));
    let (tree, error) = LayerTree::read(&mut reader, limits);
    layer.tree = tree;
    if matches!(error, Some(TarError::Io(_))) {
        return note(layer, error);
    }
    let (digest, n_bytes, _) = reader.drain()?.finish();
    layer.tar_bytes = n_bytes;
    layer.blob_digest = Some(digest);
    layer.diff_id = Some(DiffId(digest));
    if n_bytes < announced_bytes && error.is_none() {
        layer.problems.push(cut());
    }
    note(layer, error)
}

fn read_gzip(layer: &mut Layer, stored: io::Take<Window<'_>>, limits: Limits) -> io::Result<()> {
    let announced_bytes = stored.limit();
    let inflated = Gunzip::new(HashingReader::new(stored), limits.free_inflated_bytes, limits.inflate_ratio);
    let mut reader = Streaming::new(HashingReader::new(inflated));
    let (tree, error) = LayerTree::read(&mut reader, limits);
    layer.tree = tree;
    if matches!(error, Some(TarError::Io(_))) {
        return note(layer, error);
    }
    let (digest, n_bytes, inflated) = reader.drain()?.finish();
    layer.tar_bytes = n_bytes;
    layer.diff_id = Some(DiffId(digest));
    if inflated.has_data_after_end() {
        layer.problems.push(Problem::DataAfterEnd);
    }
    // What follows the last member of the stream still belongs to the blob.
    if let Some(blob) = inflated.into_inner() {
        let blob = Streaming::new(blob).drain()?;
        if blob.n_bytes() < announced_bytes {
            layer.problems.push(cut());
        }
        layer.blob_digest = Some(blob.finish().0);
    }
    note(layer, error)
}

/// The archive ends within the layer's bytes.
fn cut() -> Problem {
    Problem::Truncated { what: "the archive ends within this layer".to_owned() }
}

fn hash_only(layer: &mut Layer, stored: io::Take<Window<'_>>) -> io::Result<()> {
    let announced_bytes = stored.limit();
    let (digest, n_bytes, _) = Streaming::new(HashingReader::new(stored)).drain()?.finish();
    layer.blob_digest = Some(digest);
    if n_bytes < announced_bytes {
        layer.problems.push(cut());
    }
    Ok(())
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
