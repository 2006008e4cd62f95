//! Archives made by a small writer, opened in odd ways.

use std::io::Write as _;
use std::ops::ControlFlow;

use layerlab::archive::tar::{MemberKind, Seeking, Streaming, TarError, Walk};
use layerlab::archive::{ByteSource, Limits, SliceSource, SourceError, Window};
use layerlab::digest::{Digest, HashHere};
use layerlab::image::compare::{Comparison, FileDifferenceKind, LayerIds, LayerMatch, Side};
use layerlab::image::problem::{OpenError, Problem};
use layerlab::image::{self, Event, ImagePlan, Layer, OpenAs};
use layerlab::job::{Files, Job};
use layerlab::layer::LayerTree;
use layerlab::layer::stack::Stack;
use layerlab::protocol::{JobId, LayerWanted, Reply, Request};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::json;

use super::inspect::Owned;

const BLOCK: usize = 512;

/// One header with its checksum.
pub(super) fn header(name: &str, size_bytes: u64, flag: u8, link: &str) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(136, "14524670000");
    put(157, link);
    put(257, "ustar");
    put(263, "00");
    put(148, "        ");
    if size_bytes < 1 << 33 {
        put(124, &format!("{size_bytes:011o}"));
    } else {
        block[124] = 0x80;
        block[128..136].copy_from_slice(&size_bytes.to_be_bytes());
    }
    block[156] = flag;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

pub(super) fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().div_ceil(BLOCK) * BLOCK, 0);
}

/// A tar of regular files; names that end in `/` are folders.
pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, body) in files {
        let flag = if name.ends_with('/') { b'5' } else { b'0' };
        out.extend(header(name, body.len() as u64, flag, ""));
        out.extend(*body);
        pad(&mut out);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two members, as parallel compressors and eStargz write.
fn gzip_members(bytes: &[u8]) -> Vec<u8> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    [gzip(first), gzip(second)].concat()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// Two frames and two to be skipped, as zstd:chunked is laid out.
fn zstd_frames(bytes: &[u8]) -> Vec<u8> {
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 9, 9, 9, 9];
    let (first, second) = bytes.split_at(bytes.len() / 2);
    [&skipped[..], &zstd(first), &zstd(second), &skipped].concat()
}

pub(super) fn plain(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// Compresses, or not.
pub(super) type Store = fn(&[u8]) -> Vec<u8>;

/// Every way in which bytes are stored.
pub(super) const WAYS: [Store; 5] = [plain, gzip, gzip_members, zstd, zstd_frames];

fn layers() -> Vec<Vec<u8>> {
    let long: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    vec![
        tar(&[("etc/", b""), ("etc/os-release", b"ID=test\n"), ("bin/data", &long)]),
        tar(&[("app/", b""), ("app/index.js", b"1"), ("etc/.wh.os-release", b"")]),
    ]
}

pub(super) fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
    let history: Vec<_> = (0..layers.len()).map(|n| json!({ "created_by": format!("RUN {n}") })).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "history": history,
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    config.to_string().into_bytes()
}

/// As `docker save` writes it.
fn docker_save(store: Store) -> Vec<u8> {
    let layers = layers();
    let config = config(&layers);
    let config_name = format!("{}.json", Digest::of(&config).hex());
    let names: Vec<String> = (0..layers.len()).map(|n| format!("layer{n}/layer.tar")).collect();
    let manifest = json!([{ "Config": config_name, "RepoTags": ["test:1"], "Layers": names }]).to_string();
    let stored: Vec<Vec<u8>> = layers.iter().map(|layer| store(layer)).collect();
    let mut files: Vec<(&str, &[u8])> =
        names.iter().zip(&stored).map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    files.push((&config_name, &config));
    files.push(("manifest.json", manifest.as_bytes()));
    tar(&files)
}

/// As an OCI layout.
fn oci_layout(store: Store) -> Vec<u8> {
    let layers = layers();
    let config = config(&layers);
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    let mut descriptor = |bytes: Vec<u8>, media_type: &str| {
        let descriptor =
            json!({ "mediaType": media_type, "digest": Digest::of(&bytes).to_string(), "size": bytes.len() });
        blobs.push(bytes);
        descriptor
    };
    // Whatever the bytes are: they decide.
    let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    let listed: Vec<_> = layers.iter().map(|layer| descriptor(store(layer), media_type)).collect();
    let config = descriptor(config, "application/vnd.oci.image.config.v1+json");
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": listed }).to_string();
    let manifest = descriptor(manifest.into_bytes(), "application/vnd.oci.image.manifest.v1+json");
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] }).to_string();
    let names: Vec<String> =
        blobs.iter().map(|blob| format!("blobs/sha256/{}", Digest::of(blob).hex())).collect();
    let mut files: Vec<(&str, &[u8])> =
        names.iter().zip(&blobs).map(|(name, blob)| (name.as_str(), &blob[..])).collect();
    files.push(("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#));
    files.push(("index.json", index.as_bytes()));
    tar(&files)
}

fn all_forms() -> Vec<Vec<u8>> {
    WAYS.into_iter().flat_map(|store| [docker_save(store), oci_layout(store)]).collect()
}

/// Compressed as a whole, with layers that are plain or compressed themselves.
fn compressed_forms() -> Vec<Vec<u8>> {
    let forms = [docker_save(plain), oci_layout(gzip), docker_save(zstd)];
    WAYS.into_iter().skip(1).flat_map(|store| forms.clone().map(|form| store(&form))).collect()
}

type Opened = (Vec<ImagePlan>, Vec<Layer>);

fn open(source: &mut dyn ByteSource, limits: Limits) -> Result<Opened, OpenError> {
    let mut opened = (Vec::new(), Vec::new());
    image::open(source, limits, &mut |event| {
        match event {
            Event::Progress { done_bytes, total_bytes } => assert!(done_bytes <= total_bytes),
            Event::Images(images) => opened.0 = images.to_vec(),
            Event::Documents(_) | Event::LayerPassed { .. } => {}
            Event::Layer { layer, .. } => opened.1.push(*layer),
        }
        ControlFlow::Continue(())
    })?;
    Ok(opened)
}

pub(super) fn browser() -> Limits {
    Limits::for_browser()
}

/// A pseudorandom sequence: the same on each run.
pub(super) struct Seed(pub(super) u64);

impl Seed {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// Gives fewer bytes than asked for.
struct Chopped<'a> {
    inner: SliceSource<'a>,
    seed: Seed,
}

impl ByteSource for Chopped<'_> {
    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        let most = usize::try_from(self.seed.next() % 700 + 1).unwrap().min(buf.len());
        self.inner.read_at(offset, &mut buf[..most])
    }
}

#[test]
fn both_forms_both_ways() {
    for bytes in all_forms().into_iter().chain(compressed_forms()) {
        let (images, layers) = open(&mut SliceSource(&bytes), browser()).unwrap();
        assert_eq!(images.len(), 1);
        assert!(images[0].problems.is_empty(), "{:?}", images[0].problems);
        assert_eq!(layers.len(), 2);
        for (layer, tar) in layers.iter().zip(self::layers()) {
            assert!(layer.problems.is_empty(), "{:?}", layer.problems);
            assert_eq!(layer.diff_id.unwrap().0, Digest::of(&tar));
            assert_eq!(layer.tar_bytes, tar.len() as u64);
            assert!(layer.chain_id.is_some());
        }
        assert!(layers[1].tree.whiteouts.contains("etc/os-release"));
        assert_eq!(images[0].layers[1].history.as_ref().unwrap().created_by, "RUN 1");
    }
}

#[test]
fn images_are_compared() {
    fn ids(images: &[ImagePlan], layers: &[Layer]) -> Vec<LayerIds> {
        images[0].layers.iter().zip(layers).map(|(plan, layer)| LayerIds::of(plan, layer)).collect()
    }
    let (before_images, before) = open(&mut SliceSource(&docker_save(plain)), browser()).unwrap();
    let (after_images, after) = open(&mut SliceSource(&oci_layout(gzip)), browser()).unwrap();
    let (before_ids, after_ids) = (ids(&before_images, &before), ids(&after_images, &after));
    let stack = |layers: &[Layer]| Stack::new(layers.iter().map(|layer| &layer.tree));
    let (before_stack, after_stack) = (stack(&before), stack(&after));
    let before_side = Side { plan: &before_images[0], layers: &before_ids, stack: &before_stack };
    let after_side = Side { plan: &after_images[0], layers: &after_ids, stack: &after_stack };
    let same = Comparison::of(before_side, after_side);
    let expected = [LayerMatch::SameDiffId { before_idx: 0 }, LayerMatch::SameDiffId { before_idx: 1 }];
    assert_eq!((&same.layers[..], same.files.len(), same.config.len()), (&expected[..], 0, 0));
    assert_eq!(same.pull_bytes, after_ids.iter().map(|ids| ids.stored_bytes).sum::<u64>());

    let lowest = stack(&before[..1]);
    let lowest_side = Side { layers: &before_ids[..1], stack: &lowest, ..before_side };
    let more = Comparison::of(lowest_side, before_side);
    let files: Vec<_> =
        more.files.iter().map(|file| (file.path.as_str(), &file.kind, file.after_bytes)).collect();
    let expected = [
        ("app", &FileDifferenceKind::Added, 0),
        ("app/index.js", &FileDifferenceKind::Added, 1),
        ("etc/os-release", &FileDifferenceKind::Removed, 0),
    ];
    assert_eq!((files, more.grown_bytes()), (expected.to_vec(), 1 - 8));
    assert_eq!((more.pull_bytes, more.pull_back_bytes), (before_ids[1].stored_bytes, 0));
    assert_eq!(Comparison::of(before_side, lowest_side).dropped_layers, [1]);
}

#[test]
fn any_chunking_gives_the_same() {
    for bytes in all_forms().into_iter().chain(compressed_forms()) {
        let whole = open(&mut SliceSource(&bytes), browser()).unwrap();
        for seed in 0..20 {
            let mut chopped = Chopped { inner: SliceSource(&bytes), seed: Seed(seed) };
            assert_eq!(open(&mut chopped, browser()).unwrap(), whole, "seed {seed}");
        }
    }
}

/// Cut anywhere, an archive is refused or says what is missing.
#[test]
fn cut_at_any_byte() {
    for bytes in all_forms() {
        // The zeros at the end and the padding before them may be missing.
        let content = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        for end in (0..content).step_by(1 + content / 3000).chain(content - 600..content) {
            if let Ok((images, layers)) = open(&mut SliceSource(&bytes[..end]), browser()) {
                let n_problems = images.iter().map(|image| image.problems.len()).sum::<usize>()
                    + layers.iter().map(|layer| layer.problems.len()).sum::<usize>();
                assert!(n_problems > 0, "cut at {end} of {}", bytes.len());
            }
        }
    }
}

/// The same of one that is compressed as a whole, where only bytes to be skipped may be missing.
#[test]
fn compressed_and_cut_at_any_byte() {
    for bytes in compressed_forms() {
        let content = bytes.len() - if bytes.ends_with(&[9; 4]) { 12 } else { 0 };
        for end in (1..content).step_by(1 + content / 300).chain(content - 60..content) {
            if let Ok((images, layers)) = open(&mut SliceSource(&bytes[..end]), browser()) {
                let n_problems = images.iter().map(|image| image.problems.len()).sum::<usize>()
                    + layers.iter().map(|layer| layer.problems.len()).sum::<usize>();
                assert!(n_problems > 0, "cut at {end} of {}", bytes.len());
            }
        }
    }
}

/// Compressed or not, the same images and layers.
#[test]
fn compressed_as_a_whole() {
    for store in WAYS {
        let bytes = docker_save(store);
        let expected = open(&mut SliceSource(&bytes), browser()).unwrap();
        for whole in WAYS {
            assert_eq!(open(&mut SliceSource(&whole(&bytes)), browser()).unwrap(), expected);
        }
        let twice = open(&mut SliceSource(&gzip(&zstd(&bytes))), browser());
        assert!(matches!(twice, Err(OpenError::Compressed { .. })), "{twice:?}");
    }
}

/// Whatever the order of documents and layers, compressed bytes are gone through twice.
#[test]
fn two_passes_are_enough() {
    let names: Vec<String> = (0..40).map(|n| format!("{}/layer.tar", (n * 17) % 40)).collect();
    let layer = |n: usize| tar(&[(&format!("file{n}"), &[u8::try_from(n).unwrap(); 3000][..])]);
    let layers: Vec<Vec<u8>> = (0..40).map(layer).collect();
    let config = config(&layers);
    let manifest = json!([{ "Config": "config.json", "RepoTags": ["t:1"], "Layers": names }]).to_string();
    let mut files: Vec<(&str, &[u8])> =
        names.iter().zip(&layers).map(|(name, layer)| (name.as_str(), &layer[..])).collect();
    files.extend([("config.json", &config[..]), ("manifest.json", manifest.as_bytes())]);
    files.sort_unstable();
    let stored = gzip(&tar(&files));
    let size_bytes = stored.len() as u64;
    let mut source = Sparse { pieces: vec![(0, stored)], size_bytes, n_read: 0 };
    let (images, layers) = open(&mut source, browser()).unwrap();
    assert!(layers.len() == 40 && layers.iter().all(|layer| layer.problems.is_empty()));
    assert_eq!(images[0].layers.len(), 40);
    assert!(source.n_read <= 2 * size_bytes + 16, "{} of {size_bytes} bytes were read", source.n_read);
}

/// Documents of a compressed archive are kept up to a limit.
#[test]
fn kept_documents_have_a_limit() {
    let bytes = gzip(&docker_save(plain));
    let refused = open(&mut SliceSource(&bytes), Limits { documents_bytes: 10, ..browser() }).unwrap_err();
    let OpenError::Damaged(finding) = refused else { panic!("{refused:?}") };
    assert_eq!(finding.problem, Problem::JsonTooLarge { name: "manifest.json".into() });
}

/// All layers together have a limit of their own.
#[test]
fn layers_together_beyond_the_limit() {
    let bytes = docker_save(gzip);
    let sizes: Vec<u64> = layers().iter().map(|layer| layer.len() as u64).collect();
    let limits = Limits { free_inflated_bytes_in_all: sizes[0] + 10, inflate_ratio: 0, ..browser() };
    let (_, layers) = open(&mut SliceSource(&bytes), limits).unwrap();
    assert!(layers[0].problems.is_empty());
    assert!(layers[1].problems.contains(&Problem::InflatedTooLarge));
}

/// What Docker wrote before 1.10: layers that name the one below.
#[test]
fn an_archive_without_manifest() {
    let layers = layers();
    let upper = json!({
        "id": "bb", "parent": "aa", "os": "linux", "architecture": "amd64", "config": { "Cmd": ["sh"] },
        "container_config": { "Cmd": ["/bin/sh", "-c", "#(nop) CMD [sh]"] },
    })
    .to_string();
    let lower = json!({ "id": "aa", "container_config": { "Cmd": ["/bin/sh", "-c", "make"] } }).to_string();
    let repositories = json!({ "old": { "1": "bb", "latest": "bb" }, "gone": { "1": "cc" } }).to_string();
    let bytes = tar(&[
        ("aa/json", lower.as_bytes()),
        ("aa/layer.tar", &layers[0]),
        ("bb/json", upper.as_bytes()),
        ("bb/layer.tar", &layers[1]),
        ("repositories", repositories.as_bytes()),
    ]);
    let (images, read) = open(&mut SliceSource(&bytes), browser()).unwrap();
    assert_eq!((images.len(), read.len()), (1, 2));
    assert_eq!(images[0].tags, ["old:1", "old:latest"]);
    assert_eq!(images[0].config.config.cmd, Some(vec!["sh".to_owned()]));
    let made: Vec<&str> =
        images[0].layers.iter().map(|layer| layer.history.as_ref().unwrap().created_by.as_str()).collect();
    assert_eq!(made, ["/bin/sh -c make", "/bin/sh -c #(nop) CMD [sh]"]);
    assert!(read.iter().all(|layer| layer.problems.is_empty()));
    let missing = Problem::Missing { name: "cc/json".into() };
    assert_eq!(images[0].problems.iter().map(|finding| &finding.problem).collect::<Vec<_>>(), [&missing]);
    let other = tar(&[("repositories", b"{}"), ("etc/x", b"")]);
    assert!(matches!(open(&mut SliceSource(&other), browser()), Err(OpenError::NotAnImage { .. })));
}

/// Where readers differ, what stands behind is read, and it is said.
#[test]
fn lone_zeros_are_told() {
    let bytes = docker_save(plain);
    let lone = |at: usize| [&bytes[..at], &[0; BLOCK][..], &bytes[at..]].concat();
    let first = layers()[0].len().next_multiple_of(BLOCK) + BLOCK;
    let (images, layers) = open(&mut SliceSource(&lone(first)), browser()).unwrap();
    assert!(images[0].problems.iter().any(|finding| finding.problem == Problem::LoneZeros));
    assert!(layers.iter().all(|layer| layer.problems.is_empty()));
}

/// An archive that lost its end is no archive of something else.
#[test]
fn an_end_that_is_missing_is_told() {
    let mut bytes = tar(&[("0/layer.tar", &layers()[0])]);
    let refused = open(&mut SliceSource(&bytes), browser());
    assert_eq!(refused, Err(OpenError::NotAnImage { is_root_fs: false }));
    bytes.truncate(bytes.len() - 2 * BLOCK);
    let refused = open(&mut SliceSource(&bytes), browser()).unwrap_err();
    assert!(
        matches!(refused, OpenError::Damaged(finding) if matches!(finding.problem, Problem::Truncated { .. }))
    );
    let root = tar(&[("bin/sh", b"1"), ("etc/passwd", b"2"), ("usr/", b"")]);
    let refused = open(&mut SliceSource(&gzip(&root)), browser());
    assert_eq!(refused, Err(OpenError::NotAnImage { is_root_fs: true }));
}

/// Any byte changed: an answer, whatever it is.
#[test]
fn flipped_bytes_never_panic() {
    let mut seed = Seed(1);
    for bytes in all_forms().into_iter().chain(compressed_forms()) {
        for _ in 0..300 {
            let mut bytes = bytes.clone();
            let at = usize::try_from(seed.next()).unwrap() % bytes.len();
            bytes[at] ^= 1 << (seed.next() % 8);
            let _ = open(&mut SliceSource(&bytes), browser());
        }
    }
}

#[test]
fn limits_are_kept() {
    let bytes = docker_save(gzip);
    let with = |limits: Limits| open(&mut SliceSource(&bytes), limits);
    let (_, layers) = with(Limits { free_inflated_bytes: 1000, inflate_ratio: 0, ..browser() }).unwrap();
    assert!(layers.iter().all(|layer| layer.problems.contains(&Problem::InflatedTooLarge)));
    let (_, layers) = with(Limits { path_bytes: 20, n_entries: 4, ..browser() }).unwrap_or_default();
    assert!(layers.is_empty(), "the names of the archive itself are longer");
    let refused = with(Limits { json_bytes: 10, ..browser() }).unwrap_err();
    assert!(
        matches!(refused, OpenError::Damaged(finding) if matches!(finding.problem, Problem::JsonTooLarge { .. }))
    );
}

#[test]
fn entries_beyond_the_limit() {
    let names: Vec<String> = (0..10).map(|n| format!("f{n}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let bytes = tar(&files);
    let mut source = SliceSource(&bytes);
    let mut go_on = |_| ControlFlow::Continue(());
    let mut reader = Seeking(Window::new(&mut source, &mut go_on));
    let mut walk = Walk::new(&mut reader, Limits { n_entries: 5, ..browser() });
    for _ in 0..5 {
        assert!(walk.next_member().unwrap().is_some());
    }
    assert!(matches!(walk.next_member(), Err(TarError::TooManyEntries)));
}

#[test]
fn stops_at_each_event() {
    for bytes in all_forms() {
        for stop_at in 0.. {
            let mut n_events = 0;
            let outcome = image::open(&mut SliceSource(&bytes), browser(), &mut |_| {
                n_events += 1;
                if n_events > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if outcome.is_ok() {
                assert!(stop_at > 2);
                break;
            }
            assert_eq!(outcome, Err(OpenError::Stopped));
            assert_eq!(n_events, stop_at + 1, "nothing is told after a stop");
        }
    }
}

/// Pieces with zeros between them, made up when read.
struct Sparse {
    pieces: Vec<(u64, Vec<u8>)>,
    size_bytes: u64,
    n_read: u64,
}

impl ByteSource for Sparse {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        let n = usize::try_from(self.size_bytes.saturating_sub(offset)).unwrap().min(buf.len());
        buf[..n].fill(0);
        for (start, piece) in &self.pieces {
            let from = offset.max(*start);
            let to = (offset + n as u64).min(start + piece.len() as u64);
            if from < to {
                let at = |place: u64, base: u64| usize::try_from(place - base).unwrap();
                buf[at(from, offset)..at(to, offset)]
                    .copy_from_slice(&piece[at(from, *start)..at(to, *start)]);
            }
        }
        self.n_read += n as u64;
        Ok(n)
    }
}

/// Members that begin beyond 4 GiB are found, and bodies are not read on the way.
#[test]
fn five_gibibytes_by_offsets() {
    let body_bytes: u64 = 5 << 30;
    let tail = docker_save(plain);
    let tail_at = 512 + body_bytes;
    let mut source = Sparse {
        pieces: vec![(0, header("big", body_bytes, b'0', "")), (tail_at, tail.clone())],
        size_bytes: tail_at + tail.len() as u64,
        n_read: 0,
    };
    let (images, layers) = open(&mut source, browser()).unwrap();
    assert_eq!((images.len(), layers.len()), (1, 2));
    assert!(layers.iter().all(|layer| layer.problems.is_empty()));
    assert!(source.n_read < 64 << 20, "{} bytes were read", source.n_read);
    let mut go_on = |_| ControlFlow::Continue(());
    let mut reader = Seeking(Window::new(&mut source, &mut go_on));
    let mut walk = Walk::new(&mut reader, browser());
    assert_eq!(walk.next_member().unwrap().unwrap().size_bytes, body_bytes);
    assert!(walk.next_member().unwrap().unwrap().body_offset > 4 << 30);
}

/// A size that is announced and not there is damage, and nothing is allocated by it.
#[test]
fn announced_sizes_are_not_believed() {
    let mut bytes = tar(&[("manifest.json", b"[]")]);
    bytes.truncate(1024);
    bytes.extend(header("layer.tar", 1 << 62, b'0', ""));
    assert!(open(&mut SliceSource(&bytes), browser()).is_err());
    let longname = header("././@LongLink", 1 << 31, b'L', "");
    assert!(open(&mut SliceSource(&longname), browser()).is_err());
}

/// Sizes that are announced may add up to more than a number can hold.
#[test]
fn announced_sizes_have_no_sum() {
    let layers = layers();
    let manifest = json!([{ "Config": "config.json", "Layers": ["a.tar", "b.tar"] }]).to_string();
    let mut bytes = tar(&[
        ("manifest.json", manifest.as_bytes()),
        ("config.json", &config(&layers)),
        ("a.tar", &layers[0]),
    ]);
    bytes.truncate(bytes.len() - 2 * BLOCK);
    bytes.extend(header("b.tar", u64::MAX - 1, b'0', ""));
    let (_, read) = open(&mut SliceSource(&bytes), browser()).unwrap();
    assert!(read[0].problems.is_empty());
    assert!(read[1].problems.iter().any(|problem| matches!(problem, Problem::Truncated { .. })));
}

/// What is stored of a sparse file is not its content, wherever its map stands.
#[test]
fn sparse_members_are_told() {
    let manifest = json!([{ "Config": "config.json", "Layers": ["layer.tar"] }]).to_string();
    let config = config(&layers()[..1]);
    for map in ["19 GNU.sparse.map=\n24 GNU.sparse.size=1000\n", "22 GNU.sparse.major=1\n"] {
        let mut bytes = header("pax", map.len() as u64, b'x', "");
        bytes.extend(map.as_bytes());
        pad(&mut bytes);
        bytes.extend(header("layer.tar", 0, b'0', ""));
        bytes.extend(tar(&[("manifest.json", manifest.as_bytes()), ("config.json", &config)]));
        let (images, layers) = open(&mut SliceSource(&bytes), browser()).unwrap();
        let problem = Problem::SparseMember { name: "layer.tar".into() };
        assert!(images[0].problems.iter().any(|finding| finding.problem == problem));
        assert_eq!(layers[0].problems, [Problem::Missing { name: "layer.tar".into() }]);
        // Nothing of the next member is taken for it.
        assert_eq!(open(&mut SliceSource(&gzip(&bytes)), browser()).unwrap(), (images, layers));
    }
}

/// A document that is no file is as empty in a compressed archive as in another.
#[test]
fn a_folder_is_no_document() {
    let bytes = tar(&[("manifest.json/", b""), ("b", b"")]);
    let bytes = [&header("manifest.json", 0, b'5', "")[..], &bytes].concat();
    let refused = open(&mut SliceSource(&bytes), browser()).unwrap_err();
    assert!(
        matches!(&refused, OpenError::Damaged(finding) if matches!(finding.problem, Problem::BadJson { .. }))
    );
    assert_eq!(open(&mut SliceSource(&gzip(&bytes)), browser()).unwrap_err(), refused);
}

/// Old writers know folders by the `/` of their names only, and some tell a size.
#[test]
fn an_old_folder_has_no_size() {
    let mut bytes = header("d/", 5, b'0', "");
    bytes.extend(b"12345");
    pad(&mut bytes);
    bytes.extend(tar(&[("d/f", b"x")]));
    let (tree, error) = LayerTree::read(&mut Streaming::new(&bytes[..]), browser());
    assert!(error.is_none(), "{error:?}");
    let folder = tree.get("d").unwrap();
    assert_eq!((folder.kind, folder.size_bytes, tree.content_bytes), (MemberKind::Dir, 0, 1));
    assert_eq!(tree.rows("")[0].total_bytes, 1);
}

/// A request with one file.
struct One<'a>(&'a [u8]);

impl Files for One<'_> {
    fn open(&mut self, _: usize) -> Result<Box<dyn ByteSource>, String> {
        Ok(Box::new(Owned(self.0.into())))
    }

    fn facts(&mut self, _: usize) -> (u64, i64) {
        (self.0.len() as u64, 0)
    }
}

#[test]
fn a_job_replies_in_order() {
    let bytes = oci_layout(plain);
    let mut replies = Vec::new();
    let mut job = Job::default();
    let id = JobId(3);
    let passed = job.run(
        Request::Open { job: id, open_as: OpenAs::Image, limits_times: 1 },
        &mut One(&bytes),
        &mut HashHere::default(),
        &mut |reply| replies.push(reply),
    );
    assert_eq!(passed, None);
    let letter = |reply: &Reply| match reply {
        Reply::Progressed { .. } => 'p',
        Reply::ImagesFound { .. } => 'i',
        Reply::Listed { is_read: false, .. } => 'f',
        _ => '?',
    };
    let mut order: Vec<char> = replies.iter().map(letter).collect();
    order.retain(|letter| *letter != 'p');
    assert_eq!(order.iter().collect::<String>(), "if");
    assert!(replies.iter().all(|reply| reply.job() == Some(id)));
    let Some(Reply::ImagesFound { images, .. }) = replies.iter().find(|reply| letter(reply) == 'i') else {
        panic!("{replies:?}")
    };
    let layer = &images[0].layers[0];
    let (key, plans) = (layer.key.unwrap(), vec![layer.plan.clone()]);
    let wanted = LayerWanted::Entries;
    let mut told = Vec::new();
    let _ = Job::default().run(
        Request::ReadLayer { job: id, key, plans, wanted, inflated_bytes: 0, limits_times: 1 },
        &mut One(&bytes),
        &mut HashHere::default(),
        &mut |reply| told.push(reply),
    );
    let [Reply::LayerEntries { is_first: true, entries, .. }, Reply::LayerListed { .. }] = told.as_slice()
    else {
        panic!("{told:?}")
    };
    // Those of an archive that was left are not kept.
    for job_id in [id, JobId(2)] {
        let entries = if job_id == id { entries.clone() } else { Default::default() };
        let keep = Request::KeepEntries { job: job_id, key, is_first: true, entries };
        let _ = job.run(keep, &mut One(&bytes), &mut HashHere::default(), &mut |reply| panic!("{reply:?}"));
    }
    let path = "etc".to_owned();
    let request = Request::ListFolder { job: id, image_idx: 0, layer_idx: 0, path };
    let _ = job.run(request, &mut One(&bytes), &mut HashHere::default(), &mut |reply| {
        let Reply::FolderListed { rows, .. } = reply else { panic!("{reply:?}") };
        assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["os-release"]);
    });
}
