//! The image under inspection: what the workers tell of it, and what they are asked.
//!
//! One worker finds the images and keeps the entries; it answers as long as the image is there.
//! Layers are shared out among others, one at a time each: first all are listed, then those that
//! were listed by their headers alone are hashed. The entries go to the worker that keeps them.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::import;
use super::saved::Part;
use super::state::{ImageState, OpenImage, ReadingLayer, State, WorkerState};
use super::update::Effect;
use crate::digest::{ChainId, DiffId, Digest};
use crate::protocol::{ImageReport, JobId, LayerReport, LayerWanted, OpenAs, PlannedLayer, Reply, Request};

/// How many times the limits are raised at once.
const RAISE: u32 = 8;

/// A file was chosen.
pub(super) fn choose(state: &mut State, name: String, size_bytes: u64) -> Vec<Effect> {
    state.session.last_image_name = Some(name.clone());
    state.session.place = super::state::Place::Inspect;
    let mut effects = vec![Effect::Save(Part::Texts), Effect::ShowPlace];
    if let WorkerState::Broken { message } = &state.worker {
        let message = message.clone();
        state.image = ImageState::Failed { name, message, size_bytes, may_be_layer: false };
        return effects;
    }
    let image = OpenImage { name, size_bytes, limits_times: 1, ..OpenImage::default() };
    effects.extend(open(state, image));
    effects
}

/// The same file once more, taken for something else or with other limits.
pub(super) fn again(state: &mut State, open_as: OpenAs, limits_times: u32) -> Vec<Effect> {
    let (name, size_bytes) = match &state.image {
        ImageState::Failed { name, size_bytes, .. } => (name.clone(), *size_bytes),
        ImageState::Opening { image, .. } | ImageState::Open(image) => (image.name.clone(), image.size_bytes),
        ImageState::Empty | ImageState::Cancelled { .. } => return Vec::new(),
    };
    open(state, OpenImage { name, size_bytes, open_as, limits_times, ..OpenImage::default() })
}

fn open(state: &mut State, image: OpenImage) -> Vec<Effect> {
    let mut effects = Vec::new();
    if matches!(state.image, ImageState::Opening { .. }) {
        effects = vec![Effect::RestartWorker, Effect::RestartReaders];
    } else if let Some(before) = state.image.image() {
        effects = vec![Effect::Send(Request::Close { archive: before.job })];
    }
    state.n_jobs += 1;
    let job = JobId(state.n_jobs);
    let (open_as, limits_times) = (image.open_as, image.limits_times);
    let total_bytes = image.size_bytes;
    let image = Box::new(OpenImage { job, is_listing: true, ..image });
    state.image = ImageState::Opening { image, done_bytes: 0, total_bytes };
    effects.push(Effect::SendFile(Request::Open { job, open_as, limits_times }));
    effects
}

/// The reader has had enough. What is listed stays; the layers that are left can be read later.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    let ImageState::Opening { image, .. } = &mut state.image else { return Vec::new() };
    if !image.is_listing {
        for key in std::mem::take(&mut image.reading).into_keys().rev() {
            image.waiting.push_front(key);
        }
        state.image = ImageState::Open(std::mem::take(image));
        return vec![Effect::RestartReaders];
    }
    state.image = ImageState::Cancelled { name: image.name.clone() };
    // Replies that are still on their way belong to no job any more.
    state.n_jobs += 1;
    vec![Effect::RestartWorker, Effect::RestartReaders]
}

/// The layers that are left are read after all.
pub(super) fn resume(state: &mut State) -> Vec<Effect> {
    if let ImageState::Open(image) = &mut state.image
        && !image.waiting.is_empty()
    {
        let image = std::mem::take(image);
        state.image = ImageState::Opening { image, done_bytes: 0, total_bytes: 0 };
    }
    read_next(state)
}

/// A layer that reached a limit is read again with higher ones.
pub(super) fn read_on(state: &mut State, layer_idx: u32) -> Vec<Effect> {
    let Some(image) = state.image.image_mut() else { return Vec::new() };
    if image.is_read_at_once {
        let (open_as, limits_times) = (image.open_as, image.limits_times.saturating_mul(RAISE));
        return again(state, open_as, limits_times);
    }
    let place = (image.image_idx, layer_idx);
    let Some(key) = image.planned(place).and_then(|planned| planned.key) else { return Vec::new() };
    if image.waiting.contains(&key) || image.reading.contains_key(&key) {
        return Vec::new();
    }
    let times = image.raised.entry(key).or_insert(image.limits_times);
    *times = times.saturating_mul(RAISE);
    image.waiting.push_front(key);
    resume(state)
}

/// One of the workers that read layers crashed.
pub(super) fn reader_failed(state: &mut State, reader: u32, message: String) -> Vec<Effect> {
    let reading = state.image.image().map(|image| (image.job, &image.reading));
    let of_reader = reading.and_then(|(job, reading)| {
        let mut all = reading.iter();
        all.find(|(_, layer)| layer.reader == reader).map(|(key, _)| (job, *key))
    });
    let mut effects = vec![Effect::RestartReader(reader)];
    if let Some((job, key)) = of_reader {
        effects.extend(replied(state, Reply::LayerFailed { job, key, message }));
    }
    effects
}

/// The image cannot be read.
pub(super) fn fail(state: &mut State, message: &str) {
    if let ImageState::Opening { image, .. } = &state.image {
        let (name, message, size_bytes) = (image.name.clone(), message.to_owned(), image.size_bytes);
        state.image = ImageState::Failed { name, message, size_bytes, may_be_layer: false };
    }
}

impl OpenImage {
    /// All layers are to be read, in stack order.
    fn queue_all(&mut self) {
        let mut queued = BTreeSet::new();
        let layers = self.images.iter().flat_map(|image| &image.layers);
        self.waiting = layers.filter_map(|layer| layer.key).filter(|key| queued.insert(*key)).collect();
    }

    /// The layer that comes next. They are listed in stack order. Then the longest one is hashed
    /// first, so that no worker is left alone with it in the end.
    fn next(&mut self) -> Option<u64> {
        let first = *self.waiting.front()?;
        let is_listed = self.is_listed(first) && !self.raised.contains_key(&first);
        let longest = self.waiting.iter().enumerate().rev().max_by_key(|(_, key)| self.stored_bytes(**key));
        let idx = longest.filter(|_| is_listed).map_or(0, |(idx, _)| idx);
        self.waiting.remove(idx)
    }

    /// Its entries are known.
    fn is_listed(&self, key: u64) -> bool {
        self.places(key).iter().any(|place| self.layers.contains_key(place))
    }

    /// The entries of all layers that can be read are known.
    #[must_use]
    pub fn is_all_listed(&self) -> bool {
        !self.is_listing && self.places.keys().all(|key| self.is_listed(*key))
    }

    fn set_images(&mut self, images: Vec<ImageReport>) {
        for (image, image_idx) in images.iter().zip(0..) {
            for (layer, layer_idx) in image.layers.iter().zip(0..) {
                if let Some(key) = layer.key {
                    self.places.entry(key).or_default().push((image_idx, layer_idx));
                }
            }
        }
        self.images = images;
    }

    fn places(&self, key: u64) -> &[(u32, u32)] {
        self.places.get(&key).map_or(&[], Vec::as_slice)
    }

    /// What is planned at a place.
    fn planned(&self, (image_idx, layer_idx): (u32, u32)) -> Option<&PlannedLayer> {
        let image = self.images.get(usize::try_from(image_idx).ok()?)?;
        image.layers.get(usize::try_from(layer_idx).ok()?)
    }

    fn stored_bytes(&self, key: u64) -> u64 {
        let planned = self.places(key).first().and_then(|place| self.planned(*place));
        planned.map_or(0, |planned| planned.stored_bytes)
    }

    /// Bytes of layers that were read, and of all. Listing a layer counts as much as hashing it.
    fn progress(&self) -> (u64, u64) {
        let mut total_bytes = 0_u64;
        let mut done_halves = 0_u64;
        let waiting: BTreeSet<&u64> = self.waiting.iter().collect();
        for key in self.places.keys() {
            let stored_bytes = self.stored_bytes(*key);
            total_bytes = total_bytes.saturating_add(stored_bytes);
            let reading = self.reading.get(key);
            let is_left = reading.is_some() || waiting.contains(key);
            let is_listed = self.is_listed(*key);
            let passed = if is_listed { stored_bytes } else { 0 };
            let passed = passed.saturating_add(reading.map_or(0, |layer| layer.done_bytes.min(stored_bytes)));
            let passed = if is_left { passed } else { stored_bytes.saturating_mul(2) };
            done_halves = done_halves.saturating_add(passed);
        }
        (done_halves / 2, total_bytes)
    }

    /// What compressed layers other than this one inflated to, all together.
    fn inflated_bytes(&self, but: u64) -> u64 {
        let others = self.places.iter().filter(|(key, _)| **key != but && !self.reading.contains_key(key));
        let reports = others.filter_map(|(_, places)| self.layers.get(places.first()?));
        let inflated = reports.filter(|report| report.is_compressed());
        inflated.fold(0, |sum, report| sum.saturating_add(report.tar_bytes))
    }

    /// The chains of all images, as far as the layers are read.
    fn chain(&mut self) {
        for (image, image_idx) in self.images.iter().zip(0..) {
            let mut below = None;
            for (_, layer_idx) in image.layers.iter().zip(0..) {
                let Some(report) = self.layers.get_mut(&(image_idx, layer_idx)) else { break };
                let known = |text: &Option<String>| text.as_deref().and_then(Digest::parse);
                let Some(diff_id) = known(&report.diff_id) else { break };
                let told = known(&report.chain_id).map(ChainId);
                let chain_id = told.unwrap_or_else(|| ChainId::push(below, DiffId(diff_id)));
                if told.is_none() {
                    report.chain_id = Some(chain_id.to_string());
                }
                below = Some(chain_id);
            }
        }
    }
}

/// Gives workers that have nothing to do the layers that come next.
fn read_next(state: &mut State) -> Vec<Effect> {
    let ImageState::Opening { image, done_bytes, total_bytes } = &mut state.image else { return Vec::new() };
    let mut effects = Vec::new();
    for reader in 0..state.n_readers.max(1) {
        if image.reading.values().any(|layer| layer.reader == reader) {
            continue;
        }
        let Some(key) = image.next() else { break };
        let raised = image.raised.get(&key).copied();
        let limits_times = raised.unwrap_or(image.limits_times);
        let places = image.places(key);
        let planned = places.iter().filter_map(|place| image.planned(*place));
        let plans = planned.map(|planned| planned.plan.clone()).collect();
        let wanted = match raised {
            Some(_) => LayerWanted::All,
            None if image.is_listed(key) => LayerWanted::Digests,
            None => LayerWanted::Entries,
        };
        let (job, inflated_bytes) = (image.job, image.inflated_bytes(key));
        image.reading.insert(key, ReadingLayer { reader, done_bytes: 0 });
        let request = Request::ReadLayer { job, key, plans, wanted, inflated_bytes, limits_times };
        effects.push(Effect::SendLayer { reader, request });
    }
    if image.is_listing {
        return effects;
    }
    if image.reading.is_empty() && image.waiting.is_empty() {
        state.image = ImageState::Open(std::mem::take(image));
        // Sizes that are known in full may be those of steps.
        state.view_revision += 1;
        return effects;
    }
    (*done_bytes, *total_bytes) = image.progress();
    effects
}

/// A layer was read, or cannot be.
fn hashed(state: &mut State, key: u64, reports: Vec<LayerReport>, is_complete: bool) -> Vec<Effect> {
    let Some(image) = state.image.image_mut() else { return Vec::new() };
    if image.reading.remove(&key).is_none() {
        return Vec::new();
    }
    for (place, report) in image.places(key).to_vec().into_iter().zip(reports) {
        if is_complete {
            // Other entries are there now.
            image.folders.retain(|(image_idx, layer_idx, _), _| (*image_idx, *layer_idx) != place);
        }
        let report = match image.layers.get(&place).filter(|_| !is_complete) {
            Some(listed) => report.after(listed),
            None => report,
        };
        image.layers.insert(place, report);
    }
    image.chain();
    state.view_revision += 1;
    let mut effects = read_next(state);
    effects.extend(show_folder(state, ""));
    effects
}

/// Asks for a folder's rows, unless they are there.
pub(super) fn show_folder(state: &mut State, path: &str) -> Vec<Effect> {
    let Some(image) = state.image.image_mut() else { return Vec::new() };
    let (image_idx, layer_idx) = (image.image_idx, image.layer_idx);
    let key = (image_idx, layer_idx, path.to_owned());
    if !image.layers.contains_key(&(image_idx, layer_idx)) || image.folders.contains_key(&key) {
        return Vec::new();
    }
    image.folders.insert(key, None);
    let job = image.job;
    vec![Effect::Send(Request::ListFolder { job, image_idx, layer_idx, path: path.to_owned() })]
}

pub(super) fn replied(state: &mut State, reply: Reply) -> Vec<Effect> {
    if let Reply::Ready { build } = &reply {
        state.worker = if *build == state.build {
            WorkerState::Ready
        } else {
            let message = "the page was updated while it was open; reload it to inspect images".to_owned();
            WorkerState::Broken { message }
        };
        return Vec::new();
    }
    let job = state.image.image().map(|image| image.job);
    if job.is_none() || reply.job() != job {
        return import::replied(state, reply);
    }
    match reply {
        Reply::Ready { .. }
        | Reply::ContextFiles { .. }
        | Reply::ArchiveFound { .. }
        | Reply::ArchiveEntries { .. }
        | Reply::ContextRead { .. }
        | Reply::Inspected { .. }
        | Reply::InspectProgressed { .. }
        | Reply::InspectFailed { .. }
        | Reply::BuildFileRead { .. }
        | Reply::BuildFileFailed { .. } => {}
        Reply::Progressed { done_bytes: now, total_bytes: all, .. } => {
            if let ImageState::Opening { done_bytes, total_bytes, .. } = &mut state.image {
                (*done_bytes, *total_bytes) = (now, all);
            }
        }
        Reply::ImagesFound { images, .. } => {
            if let Some(image) = state.image.image_mut() {
                image.set_images(images);
                // They may serve as bases.
                state.view_revision += 1;
            }
        }
        Reply::LayerEntries { job, key, is_first, entries } => {
            let keep = Request::KeepEntries { job, key, is_first, entries };
            let is_wanted = state.image.image().is_some_and(|image| image.reading.contains_key(&key));
            return if is_wanted { vec![Effect::Send(keep)] } else { Vec::new() };
        }
        Reply::LayerListed { key, report, .. } => {
            let Some(image) = state.image.image_mut() else { return Vec::new() };
            if image.reading.remove(&key).is_none() {
                return Vec::new();
            }
            for place in image.places(key).to_vec() {
                image.layers.insert(place, report.clone());
            }
            // All layers are listed before the first one is hashed.
            image.waiting.push_back(key);
            let mut effects = read_next(state);
            effects.extend(show_folder(state, ""));
            return effects;
        }
        Reply::LayerRead { image_idx, layer_idx, report, .. } => {
            if let Some(image) = state.image.image_mut() {
                image.layers.insert((image_idx, layer_idx), report);
                state.view_revision += 1;
            }
        }
        Reply::Listed { is_read, .. } => {
            if let Some(image) = state.image.image_mut() {
                (image.is_read_at_once, image.is_listing) = (is_read, false);
                if !is_read {
                    image.queue_all();
                }
                image.chain();
            }
            let mut effects = read_next(state);
            effects.extend(show_folder(state, ""));
            return effects;
        }
        Reply::LayerProgressed { key, done_bytes, .. } => {
            if let Some(layer) = state.image.image_mut().and_then(|image| image.reading.get_mut(&key)) {
                layer.done_bytes = done_bytes;
            }
            return read_next(state);
        }
        Reply::LayerHashed { job, key, reports, has_entries } => {
            let keep = reports.first().map(|report| Request::KeepReport {
                job,
                key,
                blob_digest: report.blob_digest.clone(),
                diff_id: report.diff_id.clone(),
            });
            let mut effects = hashed(state, key, reports, has_entries);
            effects.extend(keep.map(Effect::Send));
            return effects;
        }
        Reply::LayerFailed { key, message, .. } => {
            let report = LayerReport { problems: vec![message], ..LayerReport::default() };
            let n_places = state.image.image().map_or(0, |image| image.places(key).len());
            return hashed(state, key, vec![report; n_places], false);
        }
        Reply::Failed { message, may_be_layer, .. } => {
            let image = state.image.image();
            let (name, size_bytes) =
                image.map(|image| (image.name.clone(), image.size_bytes)).unwrap_or_default();
            state.image = ImageState::Failed { name, message, size_bytes, may_be_layer };
        }
        Reply::FolderListed { image_idx, layer_idx, path, rows, .. } => {
            if let Some(image) = state.image.image_mut() {
                image.folders.insert((image_idx, layer_idx, path), Some(Rc::new(rows)));
            }
        }
    }
    Vec::new()
}
