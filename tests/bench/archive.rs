//! Opens a generated image of plain, gzip and zstd layers, and compressed as a whole.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "measures and tells")]

#[path = "common.rs"]
mod common;

use std::io::Write as _;
use std::ops::ControlFlow;

use common::{Seed, best_of, millis, ratio, sha256_of};
use layerlab::archive::{Limits, SliceSource};
use layerlab::digest::Digest;
use layerlab::image::{self, Event};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

const N_LAYERS: usize = 4;
const LAYER_BYTES: usize = 24 << 20;

fn add(builder: &mut tar::Builder<Vec<u8>>, name: &str, body: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(body.len() as u64);
    header.set_mode(0o644);
    if let Err(error) = builder.append_data(&mut header, name, body) {
        panic!("{name}: {error}");
    }
}

fn finish(builder: tar::Builder<Vec<u8>>) -> Vec<u8> {
    builder.into_inner().unwrap_or_default()
}

/// Files of some kilobytes, half of them text that compresses.
fn layer(seed: &mut Seed) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    while builder.get_ref().len() < LAYER_BYTES {
        let n_bytes = seed.below(64 << 10);
        let is_text = seed.below(2) == 0;
        let byte = |_| u8::try_from(if is_text { 97 + seed.below(4) } else { seed.below(256) }).unwrap_or(0);
        let body: Vec<u8> = (0..n_bytes).map(byte).collect();
        let name = format!("usr/lib/dir{}/file{}", builder.get_ref().len() % 97, builder.get_ref().len());
        add(&mut builder, &name, &body);
    }
    finish(builder)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn plain(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// Compresses, or not.
type Store = fn(&[u8]) -> Vec<u8>;

fn archive(layers: &[Vec<u8>], store: Store) -> Vec<u8> {
    let ids: Vec<String> = layers.iter().map(|layer| format!("\"{}\"", Digest::of(layer))).collect();
    let names: Vec<String> = (0..layers.len()).map(|n| format!("\"{n}/layer.tar\"")).collect();
    let mut builder = tar::Builder::new(Vec::new());
    for (n, layer) in layers.iter().enumerate() {
        add(&mut builder, &format!("{n}/layer.tar"), &store(layer));
    }
    let config = format!(r#"{{"os":"linux","rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#, ids.join(","));
    add(&mut builder, "config.json", config.as_bytes());
    let manifest = format!(r#"[{{"Config":"config.json","Layers":[{}]}}]"#, names.join(","));
    add(&mut builder, "manifest.json", manifest.as_bytes());
    finish(builder)
}

/// Opens it, and tells how many entries there were.
fn open(bytes: &[u8]) -> u64 {
    let mut n_entries = 0;
    let outcome = image::open(&mut SliceSource(bytes), Limits::for_browser(), &mut |event| {
        if let Event::Layer { layer, .. } = event {
            assert!(layer.problems.is_empty(), "{:?}", layer.problems);
            n_entries += layer.tree.n_members;
        }
        ControlFlow::Continue(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
    n_entries
}

fn main() {
    let mut seed = Seed(3);
    let layers: Vec<Vec<u8>> = (0..N_LAYERS).map(|_| layer(&mut seed)).collect();
    let forms: [(&str, Store, Store); 5] = [
        ("plain", plain, plain),
        ("gzip", gzip, plain),
        ("zstd", zstd, plain),
        ("gzip as a whole", plain, gzip),
        ("zstd as a whole", plain, zstd),
    ];
    for (form, store, whole) in forms {
        let bytes = whole(&archive(&layers, store));
        let tar_bytes: usize = layers.iter().map(Vec::len).sum();
        let n_entries = open(&bytes);
        let time = best_of(3, || open(&bytes));
        let hash = sha256_of(tar_bytes);
        let rate = f64::from(u32::try_from(tar_bytes >> 10).unwrap_or(0)) / 1024.0 / time.as_secs_f64();
        println!(
            "archive: {form}, {} MiB stored, {} MiB of tar, {n_entries} entries: {}, {rate:.0} MiB/s of tar, {}x sha256 of the tar",
            bytes.len() >> 20,
            tar_bytes >> 20,
            millis(time),
            ratio(time, hash),
        );
    }
}
