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

pub mod compare;
pub mod documents;
pub mod history;
mod plan;
pub mod problem;
mod read;
pub mod recovered;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::ControlFlow;

use self::documents::Documents;
use self::problem::{Finding, OpenError, Problem};
use crate::archive::compression::Compression;
use crate::archive::tar::TarError;
use crate::archive::{ByteSource, Limits, is_stop};
use crate::digest::{ChainId, DiffId, Digest};
use crate::layer::LayerTree;
use crate::oci::{Descriptor, DockerManifest, HistoryEntry, ImageConfig, Manifest, Platform};

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

impl ImagePlan {
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
    let members = plan::index(source, limits, on_event)?;
    let (images, documents) = plan::plan(source, &members, limits)?;
    if on_event(Event::Documents(&documents)).is_break() {
        return Err(OpenError::Stopped);
    }
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
    let mut shared: BTreeSet<u64> = BTreeSet::new();
    for pair in offsets.windows(2) {
        if let [(first, _), (second, _)] = pair
            && first == second
        {
            shared.insert(*first);
        }
    }
    offsets.dedup();
    let total_bytes: u64 = offsets.iter().map(|(_, bytes)| bytes).sum();
    let mut done_bytes = 0;
    for (image_idx, image) in images.iter().enumerate() {
        let mut chain = Some(None);
        for (layer_idx, plan) in image.layers.iter().enumerate() {
            let mut layer = match plan.offset.and_then(|offset| known.get(&offset)) {
                Some(layer) => layer.clone(),
                None => {
                    let layer = read::read_layer(source, plan, limits, &mut |n_read| {
                        on_event(Event::Progress {
                            done_bytes: (done_bytes + n_read).min(total_bytes),
                            total_bytes,
                        })
                    })?;
                    done_bytes += plan.stored_bytes;
                    if let Some(offset) = plan.offset.filter(|offset| shared.contains(offset)) {
                        known.insert(offset, layer.clone());
                    }
                    layer
                }
            };
            read::check(plan, &mut layer);
            chain = match (chain, layer.diff_id) {
                (Some(below), Some(diff_id)) => Some(Some(ChainId::push(below, diff_id))),
                _ => None,
            };
            layer.chain_id = chain.flatten();
            if on_event(Event::Layer { image_idx, layer_idx, layer: Box::new(layer) }).is_break() {
                return Err(OpenError::Stopped);
            }
        }
    }
    Ok(())
}

fn from_io(error: &io::Error) -> OpenError {
    if is_stop(error) { OpenError::Stopped } else { OpenError::Unreadable { message: error.to_string() } }
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
        assert_eq!(error_of(&[0x1f, 0x8b, 8, 0]), OpenError::Compressed { compression: "gzip".into() });
        assert!(matches!(error_of(b""), OpenError::NotAnArchive { .. }));
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, "etc/passwd", &b"x"[..]).unwrap();
        assert_eq!(error_of(&builder.into_inner().unwrap()), OpenError::NotAnImage);
    }
}
