//! Any bytes are opened as a saved image: whole, in pieces, and compressed as a whole.
//!
//! `make fuzz ARGS=archive` runs it for a while. No part of `make test`.

#![no_main]

mod common;

use std::io::Write;
use std::ops::ControlFlow;

use common::{Chopped, MAX_BYTES, limits, mutate};
use flate2::write::GzEncoder;
use layerlab::archive::compression::{Compression, unread_compression};
use layerlab::archive::{ByteSource, SliceSource};
use layerlab::digest::{ChainId, Digest, HashHere, Sha512};
use layerlab::image::compare::{Comparison, LayerIds, Side};
use layerlab::image::documents::Documents;
use layerlab::image::problem::{OpenError, Problem};
use layerlab::image::{self, Event, ImagePlan, Layer, OpenAs, history, recovered};
use layerlab::layer::stack::Stack;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > MAX_BYTES {
        return;
    }
    let whole = open(&mut SliceSource(bytes));
    assert_eq!(open(&mut Chopped::new(bytes)), whole);
    if let Ok(opened) = &whole {
        opened.images.iter().enumerate().for_each(|(idx, image)| check_image(image, &opened.layers[idx]));
    }
    let is_plain = Compression::sniff(bytes) == Compression::None && unread_compression(bytes).is_none();
    if is_plain {
        // One way for each input: both would take half as long again.
        let stored = match bytes.len() / 512 % 2 {
            0 => gzip(bytes),
            _ => compress_to_vec(bytes, CompressionLevel::Uncompressed),
        };
        let mut inflated = open(&mut SliceSource(&stored));
        if let Ok(opened) = &mut inflated {
            assert_ne!(opened.documents.compression, Compression::None);
            opened.documents.compression = Compression::None;
        }
        assert_eq!(inflated, whole);
        check_passing(&stored, &whole);
    }
});

/// Layers that are listed and hashed as they pass are those that are read one by one.
fn check_passing(stored: &[u8], whole: &Result<Opened, OpenError>) {
    let mut aside = HashHere::default();
    let mut passed = Vec::new();
    let found = image::find(&mut SliceSource(stored), OpenAs::Image, limits(), &mut aside, &mut |event| {
        if let Event::LayerPassed { key, layer } = event {
            passed.push((key, layer));
        }
        ControlFlow::Continue(())
    });
    let Ok(whole) = whole else {
        assert_eq!(found.err().as_ref(), whole.as_ref().err());
        return;
    };
    assert_eq!(found, Ok(true));
    let sorted = |problems: &[Problem]| {
        let mut said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        said.sort();
        said
    };
    let layers =
        whole.images.iter().zip(&whole.layers).flat_map(|(image, layers)| image.layers.iter().zip(layers));
    for (plan, expected) in layers {
        let Some((key, listed)) = passed.iter().find(|(key, _)| plan.key() == Some(*key)) else { continue };
        let plans = std::slice::from_ref(plan);
        let (hashed, problems) = image::hashed_layer(plans, aside.digests[key], plan.stored_bytes).unwrap();
        assert_eq!((hashed.blob_digest, hashed.diff_id), (expected.blob_digest, expected.diff_id));
        let told = (listed.tree.n_members, listed.tree.content_bytes, listed.tar_bytes);
        assert_eq!(told, (expected.tree.n_members, expected.tree.content_bytes, expected.tar_bytes));
        assert_eq!(sorted(&[&listed.problems[..], &problems[0]].concat()), sorted(&expected.problems));
    }
}

/// All that was told.
#[derive(PartialEq, Debug, Default)]
struct Opened {
    documents: Documents,
    images: Vec<ImagePlan>,
    /// By image.
    layers: Vec<Vec<Layer>>,
}

/// Opens, and looks at the order in which things are told.
fn open(source: &mut dyn ByteSource) -> Result<Opened, OpenError> {
    let mut opened = Opened::default();
    let mut n_documents = 0;
    image::open(source, limits(), &mut |event| {
        match event {
            Event::Progress { done_bytes, total_bytes } => assert!(done_bytes <= total_bytes),
            Event::Documents(documents) => {
                n_documents += 1;
                opened.documents = documents.clone();
            }
            Event::Images(images) => {
                assert!(n_documents == 1 && opened.images.is_empty() && !images.is_empty());
                opened.images = images.to_vec();
                opened.layers = vec![Vec::new(); images.len()];
            }
            Event::Layer { image_idx, layer_idx, layer } => {
                let is_rest_to_come = opened.layers[image_idx + 1..].iter().all(Vec::is_empty);
                assert!(is_rest_to_come && opened.layers[image_idx].len() == layer_idx);
                opened.layers[image_idx].push(*layer);
            }
            Event::LayerPassed { .. } => panic!("nobody hashes aside"),
        }
        ControlFlow::Continue(())
    })?;
    Ok(opened)
}

fn check_image(plan: &ImagePlan, layers: &[Layer]) {
    assert_eq!(layers.len(), plan.layers.len());
    let mut chain = Some(None);
    for (planned, layer) in plan.layers.iter().zip(layers) {
        chain = match (chain, layer.diff_id) {
            (Some(below), Some(diff_id)) => Some(Some(ChainId::push(below, diff_id))),
            _ => None,
        };
        assert_eq!(layer.chain_id, chain.flatten());
        assert!(layer.tree.n_members <= limits().n_entries);
        assert!(layer.diff_id.is_none() || layer.blob_digest.is_some());
        if layer.compression == Compression::None {
            assert!(layer.diff_id.is_none_or(|diff_id| Some(diff_id.0) == layer.blob_digest));
            assert!(layer.tar_bytes <= planned.stored_bytes);
        }
        if layer.problems.is_empty() {
            // Nothing is said only of what is just as it is named.
            assert!(layer.diff_id.is_some() && layer.blob_digest.is_some());
            if let Some(expected) = &planned.expected_diff_id {
                assert_eq!(Digest::parse(expected), layer.diff_id.map(|diff_id| diff_id.0));
            }
            if let Some((expected, size_bytes)) = &planned.descriptor {
                assert_eq!(*size_bytes, planned.stored_bytes);
                let is_named = Digest::parse(expected).is_some_and(|named| Some(named) == layer.blob_digest)
                    || Sha512::parse(expected).is_some_and(|named| Some(named) == layer.blob_sha512);
                assert!(is_named);
            }
        }
    }
    let steps = history::steps(&plan.config, layers.len());
    assert_eq!(steps.len(), plan.config.history.len());
    let _ = recovered::dockerfile(&steps, plan.base_name().as_deref());

    let stack = Stack::new(layers.iter().map(|layer| &layer.tree));
    let ids: Vec<LayerIds> =
        plan.layers.iter().zip(layers).map(|(planned, layer)| LayerIds::of(planned, layer)).collect();
    let side = Side { plan, layers: &ids, stack: &stack };
    let same = Comparison::of(side, side);
    assert!(same.files.is_empty() && same.config.is_empty() && same.grown_bytes() == 0);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
