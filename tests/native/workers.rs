//! The page and its workers together, without a browser: what is listed first and hashed later,
//! in several workers, is what one pass over the archive tells.

#![allow(clippy::disallowed_methods, reason = "records are files")]

use std::collections::VecDeque;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use layerlab::app::state::{ImageState, OpenImage, Session, State};
use layerlab::app::update::{Effect, Message, update};
use layerlab::archive::{ByteSource, Limits, SliceSource};
use layerlab::digest::HashHere;
use layerlab::image::listing::{Listing, Needs};
use layerlab::image::{self, Event, LayerOutcome, LayerWanted, OpenAs};
use layerlab::job::{Files, Job};
use layerlab::protocol::{LayerReport, PlannedLayer, Request};

use super::inspect::Owned;

/// The file that was chosen.
struct Chosen<'a>(&'a [u8]);

impl Files for Chosen<'_> {
    fn open(&mut self, _: usize) -> Result<Box<dyn ByteSource>, String> {
        Ok(Box::new(Owned(self.0.into())))
    }

    fn facts(&mut self, _: usize) -> (u64, i64) {
        (self.0.len() as u64, 0)
    }
}

/// A page with its workers. Each message is carried out before the next one is heard.
struct Page<'a> {
    state: State,
    bytes: &'a [u8],
    keeper: Job,
    /// What the workers that read layers were asked.
    asked: VecDeque<(u32, Request)>,
    /// Layers that were listed and hashed as they passed.
    n_passed: usize,
}

impl<'a> Page<'a> {
    fn new(bytes: &'a [u8], n_readers: u32) -> Self {
        let state = State { n_readers, ..State::new(Session::example(), "test") };
        Self { state, bytes, keeper: Job::default(), asked: VecDeque::new(), n_passed: 0 }
    }

    fn tell(&mut self, message: Message) {
        for effect in update(&mut self.state, message) {
            match effect {
                Effect::SendFile { request, .. } | Effect::Send(request) => {
                    let mut replies = Vec::new();
                    let (mut files, mut aside) = (Chosen(self.bytes), HashHere::default());
                    let reply = &mut |reply| replies.push(reply);
                    if let Some(passed) = self.keeper.run(request, &mut files, &mut aside, reply) {
                        self.n_passed += passed.layers.len();
                        passed.tell(&aside.digests, reply);
                    }
                    replies.into_iter().for_each(|reply| self.tell(Message::WorkerReplied(reply)));
                }
                Effect::SendLayer { reader, request, .. } => self.asked.push_back((reader, request)),
                Effect::RestartReaders => self.asked.clear(),
                Effect::RestartReader(reader) => self.asked.retain(|(other, _)| *other != reader),
                _ => {}
            }
        }
    }

    /// One of the readers does what it was asked, the one that was asked first or last.
    fn read(&mut self, is_last: bool) -> bool {
        let next = if is_last { self.asked.pop_back() } else { self.asked.pop_front() };
        let Some((_, request)) = next else { return false };
        let mut replies = Vec::new();
        let (mut files, mut aside) = (Chosen(self.bytes), HashHere::default());
        let passed = Job::default().run(request, &mut files, &mut aside, &mut |reply| replies.push(reply));
        assert_eq!(passed, None);
        replies.into_iter().for_each(|reply| self.tell(Message::WorkerReplied(reply)));
        true
    }

    fn open(&mut self) {
        let size_bytes = self.bytes.len() as u64;
        self.tell(Message::ImageChosen { name: "a.tar".into(), size_bytes });
    }

    fn opened(&self) -> Option<&OpenImage> {
        match self.state.archives.shown() {
            ImageState::Open(image) => Some(image),
            ImageState::Failed { .. } => None,
            other => panic!("{other:?}"),
        }
    }
}

/// What is said of each layer, problems in any order.
type Said = Vec<((u32, u32), LayerReport)>;

fn sorted(place: (u32, u32), mut report: LayerReport) -> ((u32, u32), LayerReport) {
    report.problems.sort();
    (place, report)
}

fn in_one_pass(bytes: &[u8]) -> Option<Said> {
    let mut said = Said::new();
    let outcome = image::open(&mut SliceSource(bytes), Limits::for_browser(), &mut |event| {
        if let Event::Layer { image_idx, layer_idx, layer } = event {
            let place = (u32::try_from(image_idx).unwrap(), u32::try_from(layer_idx).unwrap());
            said.push(sorted(place, LayerReport::new(&layer)));
        }
        ControlFlow::Continue(())
    });
    outcome.is_ok().then_some(said)
}

fn by_workers(bytes: &[u8], n_readers: u32, is_last: bool) -> Option<Said> {
    let mut page = Page::new(bytes, n_readers);
    page.open();
    while page.read(is_last) {}
    let image = page.opened()?;
    Some(image.layers.iter().map(|(place, report)| sorted(*place, report.clone())).collect())
}

fn corpus(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.to_string_lossy().contains(".json") && path.is_file());
    paths.sort();
    paths
}

#[test]
fn several_workers_tell_what_one_pass_tells() {
    let mut n_layers = 0;
    for path in corpus("images").into_iter().chain(corpus("hostile")) {
        let bytes = fs::read(&path).unwrap();
        let expected = in_one_pass(&bytes);
        n_layers += expected.as_ref().map_or(0, Vec::len);
        for (n_readers, is_last) in [(1, false), (3, true)] {
            let said = by_workers(&bytes, n_readers, is_last);
            assert_eq!(said, expected, "{} with {n_readers} readers", path.display());
        }
    }
    assert!(n_layers > 300, "{n_layers}");
}

/// Where the documents stand behind the layers, and the layers are plain, nothing is inflated twice;
/// and what is told is the same.
#[test]
fn what_is_compressed_as_a_whole_tells_what_is_inside() {
    let (mut n_passed, mut n_others) = (0, 0);
    for path in corpus("images").into_iter().chain(corpus("hostile")) {
        let bytes = fs::read(&path).unwrap();
        if bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            continue;
        }
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).unwrap();
        let compressed = encoder.finish().unwrap();
        let mut page = Page::new(&compressed, 1);
        page.open();
        assert!(page.asked.is_empty(), "{}", path.display());
        let expected = in_one_pass(&compressed);
        let said = page.opened().map(|image| {
            let layers = image.layers.iter();
            layers.map(|(place, report)| sorted(*place, report.clone())).collect::<Said>()
        });
        assert_eq!(said, expected, "{}", path.display());
        n_passed += page.n_passed;
        n_others += expected.map_or(0, |said| said.len()).saturating_sub(page.n_passed);
    }
    assert!(n_passed > 100 && n_others > 10, "{n_passed} passed, {n_others} others");
}

#[test]
fn what_is_listed_stays_when_reading_is_cancelled_and_goes_on() {
    let bytes = fs::read(corpus("images").iter().find(|path| path.ends_with("docker20-sample.tar")).unwrap());
    let bytes = bytes.unwrap();
    let mut page = Page::new(&bytes, 2);
    page.open();
    page.read(false);
    page.tell(Message::OpeningCancelled);
    let n_left = page.opened().unwrap().waiting.len();
    assert!(n_left > 0 && page.asked.is_empty());
    page.tell(Message::OpeningResumed);
    let ImageState::Opening { image, done_bytes, total_bytes } = page.state.archives.shown() else {
        panic!()
    };
    let of_layers = |layers: &[PlannedLayer]| layers.iter().map(|layer| layer.stored_bytes).sum::<u64>();
    assert_eq!(*total_bytes, of_layers(&image.images[0].layers));
    // It was listed and is still to be hashed.
    assert_eq!(*done_bytes, image.images[0].layers[0].stored_bytes / 2);
    while page.read(false) {}
    let image = page.opened().unwrap();
    assert!(image.layers.values().all(LayerReport::is_verified));
}

#[test]
fn a_reader_that_crashes_costs_its_layer_only() {
    let bytes = fs::read(corpus("images").iter().find(|path| path.ends_with("docker20-sample.tar")).unwrap());
    let bytes = bytes.unwrap();
    let mut page = Page::new(&bytes, 2);
    page.open();
    let (reader, _) = page.asked.pop_front().unwrap();
    page.tell(Message::ReaderFailed { reader, message: "it crashed".into() });
    while page.read(false) {}
    let image = page.opened().unwrap();
    let unread: Vec<_> = image.layers.values().filter(|report| !report.is_verified()).collect();
    let [report] = unread.as_slice() else { panic!("{unread:?}") };
    assert_eq!((report.problems.as_slice(), report.is_sound), (&["it crashed".to_owned()][..], false));
}

#[test]
fn a_tar_without_an_image_opens_as_one_layer() {
    let bytes = layer_of(&["etc/passwd"]);
    let mut page = Page::new(&bytes, 1);
    page.open();
    assert!(matches!(page.state.archives.shown(), ImageState::Failed { may_be_layer: true, .. }));
    page.tell(Message::OpenedAgain { open_as: OpenAs::Layer, limits_times: 1 });
    while page.read(false) {}
    let image = page.opened().unwrap();
    assert_eq!(image.layers[&(0, 0)].n_entries, 1);
}

#[test]
fn past_a_limit_a_layer_is_read_on_when_asked() {
    let long = "deep/".repeat(5_000) + "end";
    let bytes = layer_of(&["first", &long, "last"]);
    let mut page = Page::new(&bytes, 1);
    page.open();
    page.tell(Message::OpenedAgain { open_as: OpenAs::Layer, limits_times: 1 });
    while page.read(false) {}
    let report = page.opened().unwrap().layers[&(0, 0)].clone();
    assert!(report.is_limited && !report.is_sound, "{report:?}");
    assert_eq!(report.n_entries, 1);
    page.tell(Message::LayerReadOn(0));
    while page.read(false) {}
    let report = &page.opened().unwrap().layers[&(0, 0)];
    assert!(report.is_verified(), "{report:?}");
    assert_eq!(report.n_entries, 3);
}

/// A layer of a browser's file comes in pieces of any length, and what is not needed may be left out.
#[test]
fn bytes_that_come_by_themselves_are_listed_the_same() {
    let mut n_listed = 0;
    for path in corpus("images").into_iter().chain(corpus("hostile")) {
        let bytes = fs::read(&path).unwrap();
        let mut plans = Vec::new();
        let _ = image::find(
            &mut SliceSource(&bytes),
            OpenAs::Image,
            Limits::for_browser(),
            &mut HashHere::default(),
            &mut |event| {
                if let Event::Images(images) = event {
                    plans = images.iter().flat_map(|image| image.layers.clone()).collect();
                }
                ControlFlow::Continue(())
            },
        );
        for plan in plans {
            let read = |source: &mut dyn ByteSource| {
                let plans = std::slice::from_ref(&plan);
                let (wanted, limits) = (LayerWanted::Entries, Limits::for_browser());
                image::read_layer(source, plans, wanted, limits, u64::MAX, &mut |_| ControlFlow::Continue(()))
            };
            let expected = match read(&mut SliceSource(&bytes)) {
                Ok(LayerOutcome::Listed(layer)) => Some(layer),
                _ => None,
            };
            for piece in [7, 512, 1000, 70_000] {
                let Some(mut listing) = Listing::new(&plan, bytes.len() as u64, Limits::for_browser()) else {
                    continue;
                };
                // Some of what is passed over comes all the same.
                let mut at = 0;
                while let Needs::BytesFrom(needed) = listing.needs() {
                    at = if needed > at + 4096 { needed - 13 } else { at };
                    let end = (at + piece).min(listing.end());
                    let part = &bytes[usize::try_from(at).unwrap()..usize::try_from(end).unwrap()];
                    if end > needed {
                        listing.feed(at, part);
                    }
                    at = end;
                }
                let fed = (listing.needs() == Needs::Nothing).then(|| listing.finish());
                assert_eq!(fed, expected, "{} in pieces of {piece}", path.display());
            }
            n_listed += usize::from(expected.is_some());
        }
    }
    assert!(n_listed > 50, "{n_listed}");
}

/// A tar of files of one byte.
fn layer_of(names: &[&str]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for name in names {
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, name, &b"x"[..]).unwrap();
    }
    builder.into_inner().unwrap()
}
