//! Files read out of layers again, in any order, and what that costs.

#![allow(clippy::disallowed_methods, reason = "records are files")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use layerlab::archive::tar::MemberKind;
use layerlab::archive::{ByteSource, Limits, SliceSource, SourceError};
use layerlab::digest::{Digest, Hasher};
use layerlab::image::content::{
    ContentError, Contents, Event, KEPT_BYTES, LayerForm, MAX_OPEN, MAX_VIEW_BYTES, View,
};
use layerlab::image::problem::Problem;
use layerlab::image::{self, ImagePlan, Layer, LayerOutcome, LayerPlan, LayerWanted};
use layerlab::layer::stack::Stack;
use layerlab::layer::{LayerEntry, LayerTree, unhashed};
use serde_json::json;

use super::archives::{Seed, Store, WAYS, browser, config, gzip, header, pad, plain, tar};
use super::conformance::corpus::Corpus;

/// Bytes that are owned; what is read of them is noted.
#[derive(Clone)]
struct Noting {
    bytes: Rc<[u8]>,
    /// Offset and length of each read.
    reads: Rc<RefCell<Vec<(u64, u64)>>>,
    /// No read gives more.
    most_bytes: usize,
}

impl Noting {
    fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), reads: Rc::default(), most_bytes: usize::MAX }
    }

    fn n_read(&self) -> u64 {
        self.reads.borrow().iter().map(|(_, n)| n).sum()
    }
}

impl ByteSource for Noting {
    fn size_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        let rest = &self.bytes[usize::try_from(offset).unwrap().min(self.bytes.len())..];
        let n = rest.len().min(buf.len()).min(self.most_bytes);
        buf[..n].copy_from_slice(&rest[..n]);
        self.reads.borrow_mut().push((offset, n as u64));
        Ok(n)
    }
}

/// An archive, its images and layers, and its contents.
struct Opened {
    source: Noting,
    images: Vec<(ImagePlan, Vec<Layer>)>,
    contents: Contents<'static>,
}

impl Opened {
    fn new(bytes: &[u8], limits: Limits, kept_bytes: usize) -> Option<Self> {
        let mut source = Noting::new(bytes);
        let mut images: Vec<(ImagePlan, Vec<Layer>)> = Vec::new();
        image::open(&mut source, limits, &mut |event| {
            match event {
                image::Event::Images(plans) => {
                    images.extend(plans.iter().map(|plan| (plan.clone(), Vec::new())))
                }
                image::Event::Layer { image_idx, layer, .. } => images[image_idx].1.push(*layer),
                _ => {}
            }
            ControlFlow::Continue(())
        })
        .ok()?;
        source.reads.borrow_mut().clear();
        let contents = Contents::new(Box::new(source.clone()), limits, kept_bytes).unwrap();
        Some(Self { source, images, contents })
    }

    /// Every entry with its layer, in the order of the stacks and in that of the tars.
    fn entries(&self) -> Vec<(LayerPlan, String, LayerEntry)> {
        let mut all = Vec::new();
        for (plan, layer) in self.images.iter().flat_map(|(image, layers)| image.layers.iter().zip(layers)) {
            let mut entries: Vec<_> = layer.tree.iter().collect();
            entries.sort_by_key(|(_, entry)| entry.offset);
            all.extend(
                entries.into_iter().map(|(path, entry)| (plan.clone(), path.to_owned(), entry.clone())),
            );
        }
        all
    }

    fn entry(&self, layer_idx: usize, path: &str) -> (LayerPlan, LayerEntry) {
        let (image, layers) = &self.images[0];
        (image.layers[layer_idx].clone(), layers[layer_idx].tree.get(path).unwrap().clone())
    }

    fn read(&mut self, layer_idx: usize, path: &str, first_byte: u64, max_bytes: u64) -> View {
        let (plan, entry) = self.entry(layer_idx, path);
        view(&mut self.contents, &plan, &entry, first_byte, max_bytes)
    }

    fn stream(&mut self, layer_idx: usize, path: &str) -> (Vec<u8>, Result<u64, ContentError>) {
        let (plan, entry) = self.entry(layer_idx, path);
        let mut bytes = Vec::new();
        let outcome = self.contents.stream(&plan, &entry, &mut collect(&mut bytes));
        (bytes, outcome)
    }
}

fn view(
    contents: &mut Contents<'_>,
    plan: &LayerPlan,
    entry: &LayerEntry,
    first_byte: u64,
    max_bytes: u64,
) -> View {
    contents.read(plan, entry, first_byte, max_bytes, &mut |done_bytes, total_bytes| {
        assert!(done_bytes <= total_bytes, "{done_bytes} of {total_bytes}");
        ControlFlow::Continue(())
    })
}

/// Takes the bytes, and looks at the rest of the events.
fn collect(bytes: &mut Vec<u8>) -> impl FnMut(Event<'_>) -> ControlFlow<()> {
    let mut begun = None;
    move |event| {
        match event {
            Event::Progress { done_bytes, total_bytes } => {
                assert!(done_bytes <= total_bytes, "{done_bytes} of {total_bytes}")
            }
            Event::Begun { size_bytes } => assert_eq!(begun.replace(size_bytes), None),
            Event::Bytes(piece) => {
                assert!(!piece.is_empty());
                bytes.extend_from_slice(piece);
            }
        }
        ControlFlow::Continue(())
    }
}

/// A saved image of these layers, each stored in a way of its own.
fn save(layers: &[Vec<u8>], stores: &[Store]) -> Vec<u8> {
    let config = config(layers);
    let names: Vec<String> = (0..layers.len()).map(|n| format!("layer{n}/layer.tar")).collect();
    let manifest = json!([{ "Config": "c.json", "RepoTags": ["t:1"], "Layers": names }]).to_string();
    let stored: Vec<Vec<u8>> =
        layers.iter().zip(stores.iter().cycle()).map(|(tar, store)| store(tar)).collect();
    let mut files: Vec<(&str, &[u8])> =
        names.iter().zip(&stored).map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    files.extend([("c.json", &config[..]), ("manifest.json", manifest.as_bytes())]);
    tar(&files)
}

/// Bytes that do not compress much, other ones for each seed.
fn noise(seed: u64, n_bytes: usize) -> Vec<u8> {
    let mut seed = Seed(seed);
    (0..n_bytes).map(|_| u8::try_from(seed.next() % 61).unwrap()).collect()
}

/// Files of a layer by name.
fn files(seed: u64, sizes: &[usize]) -> BTreeMap<String, Vec<u8>> {
    let file = |(idx, size): (usize, &usize)| (format!("d/f{idx:02}"), noise(seed + idx as u64, *size));
    sizes.iter().enumerate().map(file).collect()
}

fn layer_of(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    tar(&files.iter().map(|(name, body)| (name.as_str(), &body[..])).collect::<Vec<_>>())
}

/// The archives of the sets that are there.
fn recorded(sets: &[&str]) -> Vec<(String, Vec<u8>)> {
    let corpus = Corpus::from_environment();
    sets.iter().filter_map(|set| corpus.folder(set)).flat_map(|folder| archives_in(&folder)).collect()
}

fn archives_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.to_string_lossy().contains(".json") && path.is_file());
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

#[test]
fn contents_of_recorded_images_have_their_digests() {
    let mut n_files = 0;
    for (name, bytes) in recorded(&["images", "images-dive"]) {
        // With little kept, and backward, layers are begun again and again.
        for (kept_bytes, is_backward) in [(KEPT_BYTES, false), (KEPT_BYTES, true), (0, false)] {
            let Some(mut opened) = Opened::new(&bytes, browser(), kept_bytes) else { continue };
            let mut entries = opened.entries();
            if is_backward {
                entries.reverse();
            }
            for (plan, path, entry) in entries {
                let at = format!("{path:?} of {} in {name}", plan.member);
                let mut hasher = Hasher::default();
                let outcome = opened.contents.stream(&plan, &entry, &mut |event| {
                    if let Event::Bytes(piece) = event {
                        hasher.update(piece);
                    }
                    ControlFlow::Continue(())
                });
                match (entry.kind, entry.digest) {
                    (MemberKind::File | MemberKind::HardLink, Some(digest)) => {
                        assert!(outcome.is_ok(), "{at}: {outcome:?}");
                        assert_eq!(hasher.finish(), digest, "{at}");
                        n_files += 1;
                    }
                    // Links that lead nowhere, and more holes than the limit.
                    (MemberKind::File | MemberKind::HardLink, None) => {}
                    (kind, _) => assert_eq!(outcome, Err(ContentError::NoContent { kind }), "{at}"),
                }
            }
        }
    }
    assert!(n_files > 1000, "{n_files} files");
}

#[test]
fn contents_of_recorded_images_through_an_odd_window() {
    for (name, bytes) in recorded(&["images", "images-dive"]) {
        let Some(mut opened) = Opened::new(&bytes, browser(), KEPT_BYTES) else { continue };
        opened.source.most_bytes = 1013;
        for (plan, path, entry) in opened.entries() {
            let Some(digest) = entry.digest else { continue };
            let mut hasher = Hasher::default();
            let mut pos = 0;
            loop {
                let view = view(&mut opened.contents, &plan, &entry, pos, 77_777);
                assert_eq!(view.error, None, "{path:?} in {name}");
                hasher.update(&view.bytes);
                pos += view.bytes.len() as u64;
                assert!(pos <= view.size_bytes.unwrap());
                if view.bytes.is_empty() {
                    break;
                }
            }
            assert_eq!(hasher.finish(), digest, "{path:?} in {name}");
        }
    }
}

/// Any stretch of any file, whatever is asked before, however bytes come and are stored.
#[test]
fn any_stretch_in_any_order() {
    let layers: Vec<_> =
        (0..6).map(|n| files(n * 100, &[0, 1, 511, 512, 100_000, 3, 300_000, 70_000])).collect();
    let tars: Vec<_> = layers.iter().map(layer_of).collect();
    let bytes = save(&tars, &WAYS);
    let mut seed = Seed(5);
    let mut below = |most: u64| seed.next() % most;
    for whole in WAYS {
        let bytes = whole(&bytes);
        for kept_bytes in [0, 300_000] {
            let mut opened = Opened::new(&bytes, browser(), kept_bytes).unwrap();
            let chopped = Noting { most_bytes: 10_007, ..opened.source.clone() };
            opened.contents = Contents::new(Box::new(chopped), browser(), kept_bytes).unwrap();
            for _ in 0..25 {
                let layer_idx = usize::try_from(below(6)).unwrap();
                let path = format!("d/f{:02}", below(8));
                let content = &layers[layer_idx][&path];
                let first = usize::try_from(below(content.len() as u64 + 10)).unwrap();
                let most = usize::try_from(below(200_000)).unwrap();
                let expected = content.iter().skip(first).take(most).copied().collect();
                let view = opened.read(layer_idx, &path, first as u64, most as u64);
                let size_bytes = Some(content.len() as u64);
                assert_eq!(view, View { bytes: expected, size_bytes, error: None });
            }
        }
    }
}

#[test]
fn neighbors_are_not_inflated_twice() {
    let files = files(1, &[100_000; 40]);
    let layer = layer_of(&files);
    for store in &WAYS[1..] {
        let bytes = save(std::slice::from_ref(&layer), &[*store]);
        let mut opened = Opened::new(&bytes, browser(), KEPT_BYTES).unwrap();
        let mut most = 0;
        for idx in [20, 21, 19, 20, 3, 22, 0, 39, 5] {
            let path = format!("d/f{idx:02}");
            let end = opened.entry(0, &path).1.offset + 512 + 100_000;
            // No more than the farthest file and one piece was inflated.
            most = end.max(most);
            assert_eq!(opened.stream(0, &path), (files[&path].clone(), Ok(100_000)));
            let n_inflated = opened.contents.inflated_bytes();
            assert!(n_inflated <= most + (64 << 10), "{n_inflated} bytes for {path}, {most} are enough");
        }
        assert!(opened.source.n_read() <= bytes.len() as u64 + (64 << 10));
        // What was passed long ago is only had by beginning again.
        let mut opened = Opened::new(&bytes, browser(), 300_000).unwrap();
        for (idx, most) in [(20, 2_300_000), (19, 2_300_000), (5, 3_000_000), (7, 3_200_000)] {
            let path = format!("d/f{idx:02}");
            assert_eq!(opened.read(0, &path, 0, u64::MAX).bytes, files[&path]);
            let n_inflated = opened.contents.inflated_bytes();
            assert!(n_inflated <= most, "{n_inflated} bytes for {path}");
        }
    }
}

/// Of an archive that can be sought in, only the layer is read; if that is plain, only the file.
#[test]
fn layers_before_are_not_read() {
    let layers: Vec<_> = (0..3).map(|n| files(n, &[50_000; 10])).collect();
    let tars: Vec<_> = layers.iter().map(layer_of).collect();
    for store in WAYS {
        let bytes = save(&tars, &[store]);
        let mut opened = Opened::new(&bytes, browser(), KEPT_BYTES).unwrap();
        let stored = store(&tars[2]);
        let start = bytes.windows(64).position(|window| window == &stored[..64]);
        let start =
            bytes.windows(stored.len()).rposition(|window| window == stored).or(start).unwrap() as u64;
        opened.source.reads.borrow_mut().clear();
        assert_eq!(opened.read(2, "d/f05", 0, u64::MAX).bytes, layers[2]["d/f05"]);
        let end = start + stored.len() as u64;
        for (offset, n) in opened.source.reads.borrow().iter() {
            assert!(*offset >= start && offset + n <= end, "{offset} + {n} is outside of {start}..{end}");
        }
        if store(b"") == b"" {
            assert!(opened.source.n_read() <= 50_000 + (8 << 10) + 16, "{}", opened.source.n_read());
            assert_eq!(opened.contents.inflated_bytes(), 0);
        }
    }
}

/// Layers that gave way are opened again.
#[test]
fn more_layers_than_are_held_open() {
    let layers: Vec<_> = (0..MAX_OPEN as u64 + 3).map(|n| files(n, &[5000, 600])).collect();
    let tars: Vec<_> = layers.iter().map(layer_of).collect();
    let mut opened = Opened::new(&save(&tars, &WAYS), browser(), KEPT_BYTES).unwrap();
    for _ in 0..3 {
        for (idx, files) in layers.iter().enumerate() {
            for (path, content) in files {
                assert_eq!(&opened.read(idx, path, 0, u64::MAX).bytes, content);
            }
        }
    }
}

#[test]
fn layers_are_saved_in_both_forms() {
    let tars: Vec<_> = (0..WAYS.len() as u64).map(|n| layer_of(&files(n, &[0, 70_000, 1_500_000]))).collect();
    let bytes = save(&tars, &WAYS);
    for whole in WAYS {
        let mut opened = Opened::new(&whole(&bytes), browser(), KEPT_BYTES).unwrap();
        let (image, layers) = opened.images[0].clone();
        for idx in [0, 4, 2, 1, 3] {
            for form in [LayerForm::Tar, LayerForm::Stored] {
                let mut saved = Vec::new();
                let outcome =
                    opened.contents.stream_layer(&image.layers[idx], form, &mut collect(&mut saved));
                assert_eq!(outcome, Ok(saved.len() as u64));
                let expected = match form {
                    LayerForm::Stored => layers[idx].blob_digest.unwrap(),
                    LayerForm::Tar => layers[idx].diff_id.unwrap().0,
                };
                assert_eq!(Digest::of(&saved), expected, "layer {idx} as {form:?}");
            }
        }
    }
}

/// A header and a body of any kind.
fn member(out: &mut Vec<u8>, name: &str, flag: u8, link: &str, body: &[u8]) {
    out.extend(header(name, body.len() as u64, flag, link));
    out.extend(body);
    pad(out);
}

/// PAX records.
fn records(out: &mut Vec<u8>, pairs: &[(&str, &str)]) {
    let mut body = Vec::new();
    for (key, value) in pairs {
        let rest = format!(" {key}={value}\n");
        let length = (1..).find(|length| *length == length.to_string().len() + rest.len()).unwrap();
        body.extend(format!("{length}{rest}").into_bytes());
    }
    member(out, "x", b'x', "", &body);
}

#[test]
fn links_and_what_has_no_content() {
    let mut layer = Vec::new();
    member(&mut layer, "before", b'1', "twice", b"");
    member(&mut layer, "twice", b'0', "", b"first");
    member(&mut layer, "dir/", b'5', "", b"");
    member(&mut layer, "symlink", b'2', "twice", b"");
    member(&mut layer, "fifo", b'6', "", b"");
    member(&mut layer, "null", b'3', "", b"");
    member(&mut layer, "nowhere", b'1', "gone", b"");
    member(&mut layer, "to-symlink", b'1', "symlink", b"");
    let long = "x".repeat(9000);
    member(&mut layer, "././@LongLink", b'L', "", format!("{long}\0").as_bytes());
    member(&mut layer, "short", b'0', "", b"behind a name that is longer than the first try");
    member(&mut layer, "twice", b'0', "", b"second one");
    member(&mut layer, "after", b'1', "before", b"");
    for store in WAYS {
        let mut opened = Opened::new(&save(&[layer.clone()], &[store]), browser(), KEPT_BYTES).unwrap();
        for path in ["before", "after", "twice"] {
            let size_bytes = Some(10);
            assert_eq!(opened.read(0, path, 7, 9), View { bytes: b"one".to_vec(), size_bytes, error: None });
            assert_eq!(opened.stream(0, path), (b"second one".to_vec(), Ok(10)));
        }
        assert_eq!(opened.read(0, &long, 0, 6).bytes, b"behind");
        let mut error = |path: &str| opened.read(0, path, 0, 9).error.unwrap();
        let sentences =
            ["dir", "symlink", "fifo", "null", "to-symlink", "nowhere"].map(|path| error(path).to_string());
        let expected = [
            "a folder has no content",
            "a symbolic link has no content",
            "a named pipe has no content",
            "a character device has no content",
            "a symbolic link has no content",
            "the link names \"gone\", which is no file of this layer",
        ];
        assert_eq!(sentences, expected);
    }
}

/// The forms of GNU tar: in PAX records (0.1) and in front of the body (1.0).
#[test]
fn holes_are_zeros() {
    let mut content = vec![0; 100_000];
    content[1000..1010].copy_from_slice(b"0123456789");
    content[90_000..90_003].copy_from_slice(b"abc");
    let mut layer = Vec::new();
    let (map, size) = (("GNU.sparse.map", "1000,10,90000,3,100000,0"), ("GNU.sparse.size", "100000"));
    records(&mut layer, &[map, size]);
    member(&mut layer, "map", b'0', "", b"0123456789abc");
    records(
        &mut layer,
        &[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "100000")],
    );
    let mut body = b"2\n1000\n10\n90000\n3\n".to_vec();
    pad(&mut body);
    body.extend(b"0123456789abc");
    member(&mut layer, "list", b'0', "", &body);
    records(&mut layer, &[("GNU.sparse.map", "5,3"), ("GNU.sparse.size", "9000000000000000000")]);
    member(&mut layer, "huge", b'0', "", b"abc");
    for store in WAYS {
        let mut opened = Opened::new(&save(&[layer.clone()], &[store]), browser(), KEPT_BYTES).unwrap();
        for path in ["map", "list"] {
            assert_eq!(opened.stream(0, path), (content.clone(), Ok(100_000)));
            for (first, most) in [(0, 5), (995, 10), (1009, 2), (1005, 90_000), (89_999, 99), (99_999, 9)] {
                let expected: Vec<u8> = content.iter().skip(first).take(most).copied().collect();
                assert_eq!(opened.read(0, path, first as u64, most as u64).bytes, expected, "{path} {first}");
            }
        }
        assert_eq!(opened.read(0, "huge", 3, 6).bytes, b"\0\0abc\0");
        assert_eq!(opened.read(0, "huge", 8_000_000_000_000_000_000, 2).bytes, b"\0\0");
        let holes_bytes = 9_000_000_000_000_000_000 - 3;
        assert_eq!(opened.stream(0, "huge"), (Vec::new(), Err(ContentError::TooManyZeros { holes_bytes })));
    }
    let mut opened = Opened::new(&save(&[layer.clone()], &[plain]), browser(), KEPT_BYTES).unwrap();
    assert_eq!(opened.read(0, "huge", 0, u64::MAX).bytes.len() as u64, MAX_VIEW_BYTES);
}

/// What stands before damage is told, then the damage.
#[test]
fn damage_within_a_file() {
    let files = files(3, &[1000, 400_000, 1000]);
    let layer = layer_of(&files);
    for store in &WAYS[1..] {
        let mut bytes = save(std::slice::from_ref(&layer), &[*store]);
        let mut opened = Opened::new(&bytes, browser(), KEPT_BYTES).unwrap();
        let stored_bytes = store(&layer).len();
        bytes[512 + stored_bytes * 2 / 3..][..300].fill(0xa5);
        opened.contents = Contents::new(Box::new(Noting::new(&bytes)), browser(), KEPT_BYTES).unwrap();
        assert_eq!(opened.read(0, "d/f00", 0, 2000).bytes, files["d/f00"]);
        let view = opened.read(0, "d/f01", 0, u64::MAX);
        // gzip goes on for a while with wrong bytes, and Zstandard holds its window back.
        let n_right = view.bytes.iter().zip(&files["d/f01"]).take_while(|(got, put)| got == put).count();
        assert!(n_right > 100_000 || view.bytes.is_empty(), "{n_right} bytes are right");
        let is_told = |error: &Option<ContentError>| {
            matches!(error, Some(ContentError::Damaged(Problem::CorruptCompression { .. })))
        };
        assert!(is_told(&view.error) || view.bytes.len() == 400_000, "{:?}", view.error);
        let (streamed, outcome) = opened.stream(0, "d/f01");
        assert_eq!((streamed, outcome.err()), (view.bytes, view.error));
        let plan = opened.entry(0, "d/f01").0;
        let saved = opened.contents.stream_layer(&plan, LayerForm::Tar, &mut |_| ControlFlow::Continue(()));
        assert!(is_told(&saved.err()));
        assert_eq!(opened.read(0, "d/f00", 10, 2000).bytes, files["d/f00"][10..]);
    }
    // Cut within the file, and another archive than was listed.
    let bytes = save(std::slice::from_ref(&layer), &[plain]);
    let mut opened = Opened::new(&bytes, browser(), KEPT_BYTES).unwrap();
    let mut with = |bytes: &[u8]| {
        opened.contents = Contents::new(Box::new(Noting::new(bytes)), browser(), KEPT_BYTES).unwrap();
        opened.read(0, "d/f01", 0, u64::MAX)
    };
    let view = with(&bytes[..10_000]);
    assert_eq!(view.bytes, files["d/f01"][..view.bytes.len()]);
    assert_eq!(view.error.unwrap().to_string(), "the archive ends within this file");
    assert_eq!(with(&vec![0; bytes.len()]).error, Some(ContentError::Changed));
    assert_eq!(with(&noise(1, bytes.len())).error, Some(ContentError::Changed));
    // Cut around the layer.
    let (whole, stored) = (gzip(&bytes), opened.images[0].0.layers[0].clone());
    let cut = Noting::new(&whole[..whole.len() / 2]);
    opened.contents = Contents::new(Box::new(cut), browser(), KEPT_BYTES).unwrap();
    let mut saved = Vec::new();
    let outcome = opened.contents.stream_layer(&stored, LayerForm::Tar, &mut collect(&mut saved));
    assert!(!saved.is_empty() && layer.starts_with(&saved));
    assert_eq!(outcome.unwrap_err().to_string(), "the compressed data ends too early");
}

#[test]
fn limits_are_kept() {
    let mut content = noise(1, 1000);
    content.resize(2_000_000, 0);
    let layer = tar(&[("first", &content), ("second", &content)]);
    for store in &WAYS[1..] {
        let bytes = save(std::slice::from_ref(&layer), &[*store]);
        let mut opened = Opened::new(&bytes, browser(), KEPT_BYTES).unwrap();
        let limits = Limits { free_inflated_bytes: 2_500_000, inflate_ratio: 1, ..browser() };
        opened.contents = Contents::new(Box::new(opened.source.clone()), limits, KEPT_BYTES).unwrap();
        assert_eq!(opened.stream(0, "first"), (content.clone(), Ok(2_000_000)));
        let view = opened.read(0, "second", 0, u64::MAX);
        assert_eq!(view.error, Some(ContentError::Damaged(Problem::InflatedTooLarge)));
        assert!(content.starts_with(&view.bytes));
        assert!(opened.contents.inflated_bytes() <= 2_500_000);
    }
}

#[test]
fn stops_at_each_event() {
    let layer = layer_of(&files(3, &[200_000, 100_000]));
    for store in WAYS {
        for whole in [plain, gzip] {
            let bytes = whole(&save(std::slice::from_ref(&layer), &[store]));
            let mut opened = Opened::new(&bytes, browser(), 0).unwrap();
            let (plan, entry) = opened.entry(0, "d/f01");
            for stop_at in 0.. {
                let n_events = Cell::new(0);
                let mut stop = |_: Event<'_>| {
                    n_events.set(n_events.get() + 1);
                    if n_events.get() > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                let outcome = if stop_at % 2 == 0 {
                    opened.contents.stream(&plan, &entry, &mut stop)
                } else {
                    opened.contents.stream_layer(&plan, LayerForm::Tar, &mut stop)
                };
                if outcome.is_ok() {
                    break;
                }
                assert_eq!((outcome, n_events.get()), (Err(ContentError::Stopped), stop_at + 1));
            }
            // A stop spoils nothing.
            assert_eq!(opened.stream(0, "d/f01").1, Ok(100_000));
        }
    }
}

/// They take long to open, and their files are empty.
const LONG_TO_OPEN: [&str; 2] = ["many-tags.tar.gz", "million-entries.tar.gz"];

/// Of every entry of hostile files a few bytes: an answer, whatever it is.
#[test]
fn hostile_files_stay_within_limits() {
    let mut n_read = 0;
    for (name, bytes) in recorded(&["hostile"]) {
        if LONG_TO_OPEN.contains(&name.as_str()) {
            continue;
        }
        let Some(mut opened) = Opened::new(&bytes, browser(), KEPT_BYTES) else { continue };
        let entries = opened.entries();
        for (plan, path, entry) in &entries {
            let view = view(&mut opened.contents, plan, entry, 1, 64);
            assert!(view.bytes.len() <= 64, "{path:?} in {name}");
            let is_file = matches!(entry.kind, MemberKind::File | MemberKind::HardLink);
            assert!(
                view.error.is_none() || !is_file || entry.digest.is_none(),
                "{path:?} in {name}: {view:?}"
            );
            n_read += usize::from(view.error.is_none());
        }
        let tar_bytes: u64 =
            opened.images.iter().flat_map(|(_, layers)| layers).map(|layer| layer.tar_bytes).sum();
        let n_inflated = opened.contents.inflated_bytes();
        // Both the archive and its layers may be compressed.
        let most = 4 * (tar_bytes + bytes.len() as u64) + (64 << 20);
        assert!(n_inflated <= most, "{n_inflated} bytes came out of {name}, {most} are enough");
        let plans: Vec<LayerPlan> =
            opened.images.iter().flat_map(|(image, _)| image.layers.iter().cloned()).take(20).collect();
        for plan in plans {
            for form in [LayerForm::Stored, LayerForm::Tar] {
                let mut n_bytes = 0;
                let _ = opened.contents.stream_layer(&plan, form, &mut |event| {
                    if let Event::Bytes(piece) = event {
                        n_bytes += piece.len();
                    }
                    if n_bytes < 8 << 20 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
            }
        }
    }
    assert!(n_read > 100, "{n_read} files");
}

/// What two layers have in common is hashed, and then the stack says what it says of layers that
/// were hashed in full.
#[test]
fn of_listed_layers_few_contents_are_hashed() {
    let (mut n_files, mut n_hashed, mut n_changes) = (0, 0, 0);
    for (name, bytes) in recorded(&["images", "images-dive"]) {
        let Some(opened) = Opened::new(&bytes, Limits::for_browser(), KEPT_BYTES) else { continue };
        let mut contents = opened.contents;
        let mut listed = BTreeMap::new();
        let mut source = SliceSource(&bytes);
        // Where the archive is compressed as a whole, no layer can be read by itself.
        let is_plain = bytes.get(257..262) == Some(&b"ustar"[..]);
        for (image_idx, (plan, _)) in opened.images.iter().enumerate().filter(|_| is_plain) {
            for (layer_idx, plan) in plan.layers.iter().enumerate().filter(|(_, plan)| plan.key().is_some()) {
                let wanted = LayerWanted::Entries;
                let limits = Limits::for_browser();
                let plans = std::slice::from_ref(plan);
                let read = image::read_layer(&mut source, plans, wanted, limits, u64::MAX, &mut |_| {
                    ControlFlow::Continue(())
                });
                if let Ok(LayerOutcome::Listed(layer)) = read {
                    listed.insert((image_idx, layer_idx), layer.tree);
                }
            }
        }
        for (image_idx, (plan, layers)) in opened.images.iter().enumerate() {
            // A compressed layer is not listed; here it has its digests.
            let tree = |layer_idx| listed.get(&(image_idx, layer_idx));
            let all: Vec<&LayerTree> =
                layers.iter().enumerate().map(|(idx, layer)| tree(idx).unwrap_or(&layer.tree)).collect();
            let wanted = unhashed::rewritten(&all);
            let mut all: Vec<LayerTree> = all.into_iter().cloned().collect();
            for ((tree, paths), plan) in all.iter_mut().zip(&wanted).zip(&plan.layers) {
                n_hashed += paths.len();
                contents.hash(plan, tree, paths, &mut |_, _| ControlFlow::Continue(())).unwrap();
            }
            let (before, now) = (Stack::new(layers.iter().map(|layer| &layer.tree)), Stack::new(&all));
            for (layer_idx, layer) in layers.iter().enumerate() {
                n_files += layer.tree.iter().count();
                n_changes += before.changes(layer_idx).count();
                assert!(now.changes(layer_idx).eq(before.changes(layer_idx)), "{name}");
            }
        }
    }
    assert!(n_changes > 500 && n_hashed > 10 && n_hashed * 5 < n_files, "{n_hashed} of {n_files}");
}
