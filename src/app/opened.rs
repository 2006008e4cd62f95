//! Archives under inspection: what the workers tell of them, and what they are asked.
//!
//! One worker, the keeper, finds the images and keeps the entries; it answers as long as an archive
//! is open. Layers are shared out among others, one at a time each: first all are listed, then those
//! that were listed by their headers alone are hashed. The entries go to the keeper. Several archives
//! share the same workers: what was opened first is read first.

use std::collections::BTreeSet;

use super::import;
use super::inspect;
use super::saved::Part;
use super::state::{ImageState, OpenImage, Place, ReadingLayer, State, WorkerState};
use super::update::Effect;
use crate::digest::{ChainId, DiffId, Digest};
use crate::protocol::{ImageReport, JobId, LayerReport, LayerWanted, OpenAs, PlannedLayer, Reply, Request};

/// How many times the limits are raised at once.
const RAISE: u32 = 8;

/// A file was chosen.
pub(super) fn choose(state: &mut State, name: String, size_bytes: u64) -> Vec<Effect> {
    state.session.last_image_name = Some(name.clone());
    if state.session.place != Place::Compare {
        state.session.place = Place::Inspect;
    }
    let mut effects = vec![Effect::Save(Part::Texts), Effect::ShowPlace];
    // What could not be opened makes room.
    let is_void = |archive: &&ImageState| archive.image().is_none();
    let void: Vec<JobId> = state.archives.all().iter().filter(is_void).map(ImageState::file).collect();
    void.into_iter().for_each(|file| effects.extend(close(state, file)));
    state.n_jobs += 1;
    let file = JobId(state.n_jobs);
    effects.push(Effect::KeepFile(file));
    if let WorkerState::Broken { message } = &state.worker {
        let message = message.clone();
        state.archives.push(ImageState::Failed { file, name, message, size_bytes, may_be_layer: false });
        return effects;
    }
    let image = OpenImage { name, size_bytes, file, job: file, limits_times: 1, ..OpenImage::default() };
    let (opening, effect) = opening(image);
    state.archives.push(opening);
    effects.push(effect);
    effects
}

/// The same file once more, taken for something else or with other limits.
pub(super) fn again(state: &mut State, open_as: OpenAs, limits_times: u32) -> Vec<Effect> {
    let (file, name, size_bytes) = match state.archives.shown() {
        ImageState::Failed { file, name, size_bytes, .. }
        | ImageState::Cancelled { file, name, size_bytes, .. } => (*file, name.clone(), *size_bytes),
        ImageState::Opening { image, .. } | ImageState::Open(image) => {
            (image.file, image.name.clone(), image.size_bytes)
        }
        ImageState::Empty => return Vec::new(),
    };
    let mut effects = state.archives.image().map(let_go).unwrap_or_default();
    state.n_jobs += 1;
    let job = JobId(state.n_jobs);
    let (opening, effect) =
        opening(OpenImage { name, size_bytes, file, job, open_as, limits_times, ..OpenImage::default() });
    state.archives.shown_mut().into_iter().for_each(|shown| *shown = opening.clone());
    effects.push(effect);
    effects.extend(read_next(state));
    effects
}

/// An archive whose images are to be looked for.
fn opening(image: OpenImage) -> (ImageState, Effect) {
    let OpenImage { file, job, open_as, limits_times, size_bytes, .. } = image;
    let image = Box::new(OpenImage { is_listing: true, ..image });
    let request = Request::Open { job, open_as, limits_times };
    let opening = ImageState::Opening { image, done_bytes: 0, total_bytes: size_bytes };
    (opening, Effect::SendFile { file, request })
}

/// Nobody reads it any more, and what is kept of it is forgotten.
fn let_go(image: &OpenImage) -> Vec<Effect> {
    let mut effects: Vec<Effect> =
        image.reading.values().map(|layer| Effect::RestartReader(layer.reader)).collect();
    effects.push(Effect::Send(Request::Close { archive: image.job }));
    effects
}

/// An archive is not wanted any more.
pub(super) fn close(state: &mut State, file: JobId) -> Vec<Effect> {
    let Some(archive) = state.archives.remove(file) else { return Vec::new() };
    let mut effects = vec![Effect::DropFile(file)];
    if let ImageState::Opening { image, .. } | ImageState::Open(image) = &archive {
        // While it looks for images it cannot hear that they are not wanted.
        let is_busy = image.is_listing;
        effects.extend(if is_busy { replace_keeper(state) } else { let_go(image) });
        state.view_revision += 1;
    }
    effects.extend(read_next(state));
    effects.extend(inspect::sync(state));
    effects
}

/// The keeper is replaced: whatever else is open is read anew.
fn replace_keeper(state: &mut State) -> Vec<Effect> {
    let mut effects = vec![Effect::RestartWorker, Effect::RestartReaders];
    for archive in state.archives.all_mut() {
        let Some(image) = archive.image_mut() else { continue };
        // Replies that are still on their way belong to no job any more.
        state.n_jobs += 1;
        let known = std::mem::take(image);
        let OpenImage { name, size_bytes, file, open_as, limits_times, image_idx, layer_idx, look, .. } =
            known;
        let job = JobId(state.n_jobs);
        let image = OpenImage { name, size_bytes, file, job, open_as, limits_times, ..OpenImage::default() };
        let (opening, effect) = opening(OpenImage { image_idx, layer_idx, look, ..image });
        *archive = opening;
        effects.push(effect);
    }
    effects
}

/// The reader has had enough of the archive that is shown. What is listed stays; the layers that are
/// left can be read later.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    let Some(ImageState::Opening { image, .. }) = state.archives.shown_mut() else { return Vec::new() };
    let image = std::mem::take(image);
    let mut effects = Vec::new();
    if image.is_listing {
        let OpenImage { file, name, size_bytes, open_as, .. } = *image;
        let cancelled = ImageState::Cancelled { file, name, size_bytes, open_as };
        state.archives.shown_mut().into_iter().for_each(|shown| *shown = cancelled.clone());
        effects.extend(replace_keeper(state));
    } else {
        let mut image = image;
        for (key, layer) in std::mem::take(&mut image.reading).into_iter().rev() {
            effects.push(Effect::RestartReader(layer.reader));
            image.waiting.push_front(key);
        }
        state.archives.shown_mut().into_iter().for_each(|shown| *shown = ImageState::Open(image.clone()));
    }
    effects.extend(read_next(state));
    effects
}

/// The layers that are left are read after all.
pub(super) fn resume(state: &mut State) -> Vec<Effect> {
    if let Some(archive) = state.archives.shown_mut()
        && let ImageState::Open(image) = archive
        && !image.waiting.is_empty()
    {
        let image = std::mem::take(image);
        *archive = ImageState::Opening { image, done_bytes: 0, total_bytes: 0 };
    }
    read_next(state)
}

/// A layer that reached a limit is read again with higher ones.
pub(super) fn read_on(state: &mut State, layer_idx: u32) -> Vec<Effect> {
    let Some(image) = state.archives.image_mut() else { return Vec::new() };
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
    let of_reader = state.archives.images().find_map(|image| {
        let mut all = image.reading.iter();
        all.find(|(_, layer)| layer.reader == reader).map(|(key, _)| (image.job, *key))
    });
    let mut effects = vec![Effect::RestartReader(reader)];
    if let Some((job, key)) = of_reader {
        effects.extend(replied(state, Reply::LayerFailed { job, key, message }));
    }
    effects
}

/// The keeper is gone: what it was reading fails with it, or all that was being read where no worker
/// can be had.
pub(super) fn fail(state: &mut State, message: &str, is_for_good: bool) -> Vec<Effect> {
    let is_listing = |archive: &ImageState| archive.image().is_some_and(|image| image.is_listing);
    let is_any_listing = state.archives.all().iter().any(is_listing);
    let mut has_failed = false;
    for archive in state.archives.all_mut() {
        let ImageState::Opening { image, .. } = archive else { continue };
        // It reads one at a time, in their order.
        let is_at_fault = !has_failed && (image.is_listing || !is_any_listing);
        if is_at_fault || is_for_good {
            has_failed = true;
            let OpenImage { file, name, size_bytes, .. } = *std::mem::take(image);
            let message = message.to_owned();
            *archive = ImageState::Failed { file, name, message, size_bytes, may_be_layer: false };
        }
    }
    if has_failed && !is_for_good { replace_keeper(state) } else { Vec::new() }
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

    /// Gives a worker the layer that comes next.
    fn read(&mut self, reader: u32) -> Option<Request> {
        let key = self.next()?;
        let raised = self.raised.get(&key).copied();
        let limits_times = raised.unwrap_or(self.limits_times);
        let planned = self.places(key).iter().filter_map(|place| self.planned(*place));
        let plans = planned.map(|planned| planned.plan.clone()).collect();
        let wanted = match raised {
            Some(_) => LayerWanted::All,
            None if self.is_listed(key) => LayerWanted::Digests,
            None => LayerWanted::Entries,
        };
        let (job, inflated_bytes) = (self.job, self.inflated_bytes(key));
        self.reading.insert(key, ReadingLayer { reader, done_bytes: 0 });
        Some(Request::ReadLayer { job, key, plans, wanted, inflated_bytes, limits_times })
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
    let busy: BTreeSet<u32> =
        state.archives.images().flat_map(|image| image.reading.values().map(|layer| layer.reader)).collect();
    let mut free = (0..state.n_readers.max(1)).filter(|reader| !busy.contains(reader));
    let mut effects = Vec::new();
    for archive in state.archives.all_mut() {
        let ImageState::Opening { image, done_bytes, total_bytes } = archive else { continue };
        while !image.waiting.is_empty()
            && let Some(reader) = free.next()
        {
            let file = image.file;
            effects.extend(image.read(reader).map(|request| Effect::SendLayer { reader, file, request }));
        }
        if image.is_listing {
            continue;
        }
        if image.reading.is_empty() && image.waiting.is_empty() {
            *archive = ImageState::Open(std::mem::take(image));
            // Sizes that are known in full may be those of steps.
            state.view_revision += 1;
            continue;
        }
        (*done_bytes, *total_bytes) = image.progress();
    }
    effects
}

/// A layer was read, or cannot be.
fn hashed(
    state: &mut State,
    job: JobId,
    key: u64,
    reports: Vec<LayerReport>,
    is_complete: bool,
) -> Vec<Effect> {
    let Some(image) = state.archives.by_job_mut(job).and_then(ImageState::image_mut) else {
        return Vec::new();
    };
    if image.reading.remove(&key).is_none() && !image.is_listing {
        return Vec::new();
    }
    let mut effects = Vec::new();
    if let Some(LayerReport { blob_digest, diff_id, .. }) = reports.first().cloned() {
        effects.push(Effect::Send(Request::KeepReport { job, key, blob_digest, diff_id }));
    }
    for (place, report) in image.places(key).to_vec().into_iter().zip(reports) {
        let report = match image.layers.get(&place).filter(|_| !is_complete) {
            Some(listed) => report.after(listed),
            None => report,
        };
        image.layers.insert(place, report);
    }
    image.chain();
    image.n_changes += u32::from(is_complete);
    state.view_revision += 1;
    effects.extend(read_next(state));
    effects.extend(inspect::sync(state));
    effects
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
    let job = reply.job().filter(|job| state.archives.by_job(*job).is_some());
    match job {
        Some(job) => read(state, job, reply),
        None if inspect::is_answer(&reply) => inspect::replied(state, reply),
        None => import::replied(state, reply),
    }
}

/// Something was read of the archive that a job reads.
fn read(state: &mut State, job: JobId, reply: Reply) -> Vec<Effect> {
    let Some(archive) = state.archives.by_job_mut(job) else { return Vec::new() };
    if let (Reply::Progressed { done_bytes: now, total_bytes: all, .. }, ImageState::Opening { .. }) =
        (&reply, &archive)
    {
        let ImageState::Opening { done_bytes, total_bytes, .. } = archive else { return Vec::new() };
        (*done_bytes, *total_bytes) = (*now, *all);
        return Vec::new();
    }
    if let Reply::Failed { message, may_be_layer, .. } = reply {
        let Some(image) = archive.image_mut().map(std::mem::take) else { return Vec::new() };
        let OpenImage { file, name, size_bytes, .. } = image;
        *archive = ImageState::Failed { file, name, message, size_bytes, may_be_layer };
        return read_next(state);
    }
    let Some(image) = archive.image_mut() else { return Vec::new() };
    match reply {
        Reply::ImagesFound { images, .. } => {
            image.set_images(images);
            // They may serve as bases.
            state.view_revision += 1;
            inspect::sync(state)
        }
        Reply::LayerEntries { job, key, is_first, entries } => {
            let keep = Request::KeepEntries { job, key, is_first, entries };
            if image.reading.contains_key(&key) { vec![Effect::Send(keep)] } else { Vec::new() }
        }
        Reply::LayerListed { key, report, .. } => {
            let is_passing = image.is_listing;
            if !is_passing && image.reading.remove(&key).is_none() {
                return Vec::new();
            }
            for place in image.places(key).to_vec() {
                image.layers.insert(place, report.clone());
            }
            image.n_changes += 1;
            if is_passing {
                // It is hashed already, where it passed.
                return Vec::new();
            }
            // All layers are listed before the first one is hashed.
            image.waiting.push_back(key);
            let mut effects = read_next(state);
            effects.extend(inspect::sync(state));
            effects
        }
        Reply::LayerRead { image_idx, layer_idx, report, .. } => {
            image.layers.insert((image_idx, layer_idx), report);
            image.n_changes += 1;
            state.view_revision += 1;
            Vec::new()
        }
        Reply::Listed { is_read, .. } => {
            (image.is_read_at_once, image.is_listing) = (is_read, false);
            if !is_read {
                image.queue_all();
            }
            image.chain();
            image.n_changes += 1;
            let mut effects = read_next(state);
            effects.extend(inspect::sync(state));
            effects
        }
        Reply::LayerProgressed { key, done_bytes, .. } => {
            image.reading.get_mut(&key).into_iter().for_each(|layer| layer.done_bytes = done_bytes);
            read_next(state)
        }
        Reply::LayerHashed { key, reports, has_entries, .. } => hashed(state, job, key, reports, has_entries),
        Reply::LayerFailed { key, message, .. } => {
            let report = LayerReport { problems: vec![message], ..LayerReport::default() };
            let n_places = image.places(key).len();
            hashed(state, job, key, vec![report; n_places], false)
        }
        _ => Vec::new(),
    }
}
