//! The worker's side: requests run on the core, replies as they come.
//!
//! Knows nothing of a browser: bytes come from a [`ByteSource`], replies leave
//! through a closure. The entry point in `web` connects both.

mod build_file;
mod context;
mod inspect;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use self::inspect::{Inspector, Reader};
use crate::archive::compression::Compression;
use crate::archive::{ByteSource, Limits};
use crate::context::Tree;
use crate::digest::{Digest, HashAside};
use crate::image::listing::Listing;
use crate::image::problem::Problem;
use crate::image::{self, Event, Layer, LayerOutcome, LayerPlan};
use crate::layer::LayerTree;
use crate::protocol::{FolderRow, ImageReport, JobId, LayerReport, LayerWanted, OpenAs, Reply, Request};

/// Progress is told each time this many bytes were read, not by a clock.
const PROGRESS_STEP_BYTES: u64 = 8 << 20;

/// The files that travel with a request, in its order.
pub trait Files {
    /// Opens one of them. It may stay open beyond the request.
    ///
    /// # Errors
    /// A sentence on why it cannot be read.
    fn open(&mut self, idx: usize) -> Result<Box<dyn ByteSource>, String>;

    /// How long one of them is, and when it was changed, in seconds since 1970.
    fn facts(&mut self, idx: usize) -> (u64, i64);
}

/// What a worker holds between two requests.
#[derive(Default)]
pub struct Job {
    /// The archives that are open, and what was answered of them.
    inspector: Inspector,
    /// The archive that was read out of last.
    reader: Option<Reader>,
    /// The context that was read last.
    context: Tree,
}

impl Job {
    /// Runs a request. What it leaves to be hashed aside is answered by whoever calls.
    #[must_use]
    pub fn run(
        &mut self,
        request: Request,
        files: &mut dyn Files,
        aside: &mut dyn HashAside,
        reply: &mut dyn FnMut(Reply),
    ) -> Option<Passed> {
        match request {
            Request::Open { job, open_as, limits_times } => match files.open(0) {
                Ok(mut source) => {
                    let limits = Limits::for_browser().raised(limits_times);
                    return self.open(job, source.as_mut(), open_as, limits, aside, reply);
                }
                Err(message) => reply(Reply::Failed { job, message, may_be_layer: false }),
            },
            Request::ReadLayer { job, key, plans, wanted, inflated_bytes, limits_times } => {
                let limits = Limits::for_browser().raised(limits_times);
                let mut progress = |done_bytes| reply(Reply::LayerProgressed { job, key, done_bytes });
                let read = read_layer(files, &plans, wanted, limits, inflated_bytes, &mut progress);
                match read {
                    Ok(outcome) => tell_layer(job, key, wanted, outcome, reply),
                    Err(message) => reply(Reply::LayerFailed { job, key, message }),
                }
            }
            Request::KeepEntries { job, key, is_first, entries } => {
                // Another worker of the same build made them, maybe of an archive that was left since.
                let archive = self.inspector.archive(job)?;
                let piece = postcard::from_bytes(&entries).ok()?;
                archive.keep(key, piece, is_first);
            }
            Request::KeepReport { job, key, blob_digest, diff_id } => {
                if let Some(archive) = self.inspector.archive(job) {
                    archive.keep_report(key, blob_digest.as_deref(), diff_id.as_deref());
                }
            }
            Request::Close { archive } => self.inspector.close(archive),
            Request::Inspect { job, question } => reply(self.inspector.answer(job, question)),
            Request::Redeem { job, ticket, limits_times } => {
                inspect::redeem(&mut self.reader, job, (&ticket, limits_times), files, reply);
            }
            Request::ReadContext { job, source, is_again } => {
                let earlier = if is_again { std::mem::take(&mut self.context) } else { Tree::default() };
                self.context = context::read(job, source, earlier, files, reply);
            }
            Request::ListFolder { job, image_idx, layer_idx, path } => {
                let tree = self.inspector.archive(job).and_then(|archive| archive.tree(image_idx, layer_idx));
                let rows =
                    tree.map_or(Vec::new(), |tree| tree.rows(&path).iter().map(FolderRow::new).collect());
                reply(Reply::FolderListed { job, image_idx, layer_idx, path, rows });
            }
            Request::ReadBuildFile { job, name, text, environment } => {
                reply(build_file::read(job, &name, &text, &environment));
            }
        }
        None
    }

    fn open(
        &mut self,
        job: JobId,
        source: &mut dyn ByteSource,
        open_as: OpenAs,
        limits: Limits,
        aside: &mut dyn HashAside,
        reply: &mut dyn FnMut(Reply),
    ) -> Option<Passed> {
        let archive = self.inspector.open(job);
        let mut told_bytes = 0;
        let narrow = |idx: usize| u32::try_from(idx).unwrap_or(u32::MAX);
        let mut plans: BTreeMap<u64, Vec<LayerPlan>> = BTreeMap::new();
        let mut passed = Vec::new();
        let outcome = image::find(source, open_as, limits, aside, &mut |event| {
            match event {
                Event::Progress { done_bytes, total_bytes } => {
                    if is_far(&mut told_bytes, done_bytes) || done_bytes == total_bytes {
                        reply(Reply::Progressed { job, done_bytes, total_bytes });
                    }
                }
                Event::Documents(documents) => archive.set_documents(documents),
                Event::Images(found) => {
                    archive.set_plans(found);
                    for plan in found.iter().flat_map(|image| &image.layers) {
                        plan.key()
                            .into_iter()
                            .for_each(|key| plans.entry(key).or_default().push(plan.clone()));
                    }
                    reply(Reply::ImagesFound { job, images: found.iter().map(ImageReport::new).collect() });
                }
                Event::LayerPassed { key, layer } => {
                    reply(Reply::LayerListed { job, key, report: LayerReport::new(&layer) });
                    archive.keep(key, layer.tree, true);
                    passed.extend(Hashable::new(job, key, plans.remove(&key).unwrap_or_default()));
                }
                Event::Layer { image_idx, layer_idx, layer } => {
                    let report = LayerReport::new(&layer);
                    archive.set_layer((image_idx, layer_idx), *layer);
                    let (image_idx, layer_idx) = (narrow(image_idx), narrow(layer_idx));
                    reply(Reply::LayerRead { job, image_idx, layer_idx, report });
                }
            }
            ControlFlow::Continue(())
        });
        match outcome {
            Ok(is_read) if passed.is_empty() => reply(Reply::Listed { job, is_read }),
            Ok(_) => return Some(Passed { job, layers: passed }),
            Err(error) => {
                self.inspector.close(job);
                reply(Reply::failed(job, &error));
            }
        }
        None
    }
}

/// Far enough from what was told last to be told.
fn is_far(told_bytes: &mut u64, done_bytes: u64) -> bool {
    let is_far = done_bytes >= *told_bytes + PROGRESS_STEP_BYTES || done_bytes < *told_bytes;
    if is_far {
        *told_bytes = done_bytes;
    }
    is_far
}

/// Layers of an archive that is compressed as a whole, which were listed and are hashed aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passed {
    job: JobId,
    /// The layers: each is answered once its digest is known.
    pub layers: Vec<Hashable>,
}

impl Passed {
    /// The last answer, once all of them were given theirs.
    #[must_use]
    pub fn read(&self) -> Reply {
        Reply::Listed { job: self.job, is_read: true }
    }

    /// The answers, where the digests are there already.
    pub fn tell(&self, digests: &BTreeMap<u64, Digest>, reply: &mut dyn FnMut(Reply)) {
        for layer in &self.layers {
            if let Some(digest) = digests.get(&layer.key) {
                reply(layer.hashed(*digest, layer.stored_bytes));
            }
        }
        reply(self.read());
    }
}

/// A layer whose stored bytes can be hashed by whoever is fastest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hashable {
    job: JobId,
    /// Where its bytes begin, which is also what it is known by.
    pub key: u64,
    plans: Vec<LayerPlan>,
    /// How many there are.
    pub stored_bytes: u64,
    told_bytes: u64,
}

impl Hashable {
    /// What a request asks for, if a sha256 of stored bytes answers it.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        let Request::ReadLayer { job, key, plans, wanted: LayerWanted::Digests, .. } = request else {
            return None;
        };
        let plans: Vec<LayerPlan> =
            plans.iter().map(|plan| serde_json::from_str(plan)).collect::<Result<_, _>>().ok()?;
        if !plans.iter().all(LayerPlan::needs_sha256_only) {
            return None;
        }
        Self::new(*job, *key, plans)
    }

    fn new(job: JobId, key: u64, plans: Vec<LayerPlan>) -> Option<Self> {
        let stored_bytes = plans.first()?.stored_bytes;
        Some(Self { job, key, plans, stored_bytes, told_bytes: 0 })
    }

    /// How far it is, where that is to be told.
    pub fn progress(&mut self, done_bytes: u64) -> Option<Reply> {
        let (job, key) = (self.job, self.key);
        is_far(&mut self.told_bytes, done_bytes).then_some(Reply::LayerProgressed { job, key, done_bytes })
    }

    /// The answer, once so many bytes were hashed.
    #[must_use]
    pub fn hashed(&self, digest: Digest, n_bytes: u64) -> Reply {
        let (job, key) = (self.job, self.key);
        match image::hashed_layer(&self.plans, digest, n_bytes) {
            Some((mut layer, problems)) => {
                let reports = reports(&mut layer, problems);
                Reply::LayerHashed { job, key, reports, has_entries: false }
            }
            None => self.failed("nothing names it".to_owned()),
        }
    }

    /// The answer where it cannot be hashed.
    #[must_use]
    pub fn failed(&self, message: String) -> Reply {
        Reply::LayerFailed { job: self.job, key: self.key, message }
    }
}

/// Where the stored bytes of the layer stand that a request asks for, and how many there are.
#[must_use]
pub fn stored_stretch(request: &Request) -> Option<(u64, u64)> {
    let Request::ReadLayer { key, plans, .. } = request else { return None };
    let plan: LayerPlan = serde_json::from_str(plans.first()?).ok()?;
    Some((*key, plan.stored_bytes))
}

/// What is told of a layer to all that name it.
fn reports(layer: &mut Layer, problems: Vec<Vec<Problem>>) -> Vec<LayerReport> {
    let report = |problems| {
        layer.problems = problems;
        LayerReport::new(layer)
    };
    problems.into_iter().map(report).collect()
}

/// Reads one layer.
fn read_layer(
    files: &mut dyn Files,
    plans: &[String],
    wanted: LayerWanted,
    limits: Limits,
    inflated_bytes: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<LayerOutcome, String> {
    let mut source = files.open(0)?;
    let in_all = limits.inflated_bytes_in_all(source.size_bytes());
    let most_bytes = in_all.saturating_sub(inflated_bytes);
    let mut told_bytes = 0;
    let mut on_read = |done_bytes| {
        if is_far(&mut told_bytes, done_bytes) {
            progress(done_bytes);
        }
        ControlFlow::Continue(())
    };
    let plans: Result<Vec<LayerPlan>, _> = plans.iter().map(|plan| serde_json::from_str(plan)).collect();
    let plans = plans.map_err(|error| error.to_string())?;
    image::read_layer(source.as_mut(), &plans, wanted, limits, most_bytes, &mut on_read)
        .map_err(|error| error.to_string())
}

/// Entries that are told at once; a layer may have millions.
const N_ENTRIES_AT_ONCE: usize = 20_000;

/// Tells of a layer that was read, its entries first where they were met.
fn tell_layer(
    job: JobId,
    key: u64,
    wanted: LayerWanted,
    outcome: LayerOutcome,
    reply: &mut dyn FnMut(Reply),
) {
    let mut tell_entries = |tree: LayerTree| {
        for (piece, idx) in tree.into_pieces(N_ENTRIES_AT_ONCE).zip(0..) {
            // Only a length that is not known could not be encoded.
            if let Ok(entries) = postcard::to_stdvec(&piece) {
                reply(Reply::LayerEntries { job, key, is_first: idx == 0, entries: entries.into() });
            }
        }
    };
    match outcome {
        LayerOutcome::Listed(layer) => {
            let report = LayerReport::new(&layer);
            tell_entries(layer.tree);
            reply(Reply::LayerListed { job, key, report });
        }
        LayerOutcome::Read(mut layer, problems) => {
            let has_entries = wanted != LayerWanted::Digests || layer.compression != Compression::None;
            let reports = reports(&mut layer, problems);
            if has_entries {
                tell_entries(layer.tree);
            }
            reply(Reply::LayerHashed { job, key, reports, has_entries });
        }
    }
}

/// A layer that is listed while its bytes come, for whoever gets them without being asked for each.
#[derive(Debug)]
pub struct Listable {
    job: JobId,
    key: u64,
    /// What is fed with its bytes.
    pub listing: Listing,
    told_bytes: u64,
}

impl Listable {
    /// What a request asks for, if it asks for entries, of a file of this length.
    #[must_use]
    pub fn of(request: &Request, file_bytes: u64) -> Option<Self> {
        let Request::ReadLayer { job, key, plans, wanted: LayerWanted::Entries, limits_times, .. } = request
        else {
            return None;
        };
        let plan: LayerPlan = serde_json::from_str(plans.first()?).ok()?;
        let limits = Limits::for_browser().raised(*limits_times);
        let listing = Listing::new(&plan, file_bytes, limits)?;
        Some(Self { job: *job, key: *key, listing, told_bytes: 0 })
    }

    /// How far it is, where that is to be told.
    pub fn progress(&mut self, done_bytes: u64) -> Option<Reply> {
        let (job, key) = (self.job, self.key);
        is_far(&mut self.told_bytes, done_bytes).then_some(Reply::LayerProgressed { job, key, done_bytes })
    }

    /// The answers, once nothing more is needed.
    pub fn tell(self, reply: &mut dyn FnMut(Reply)) {
        let listed = LayerOutcome::Listed(self.listing.finish());
        tell_layer(self.job, self.key, LayerWanted::Entries, listed, reply);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::SliceSource;
    use crate::context::Assumed;
    use crate::context::unpacked::{Archives, Holds};
    use crate::digest::HashHere;
    use crate::protocol::ContextSource;

    /// Files in memory with their times; each that is opened is noted.
    struct Given(Vec<(&'static [u8], i64)>, Vec<usize>);

    impl Files for Given {
        fn open(&mut self, idx: usize) -> Result<Box<dyn ByteSource>, String> {
            self.1.push(idx);
            let (bytes, _) = self.0.get(idx).copied().ok_or("no file came with the request")?;
            Ok(Box::new(SliceSource(bytes)))
        }

        fn facts(&mut self, idx: usize) -> (u64, i64) {
            self.0.get(idx).map_or((0, 0), |(bytes, mtime_secs)| (bytes.len() as u64, *mtime_secs))
        }
    }

    fn run(job: &mut Job, request: Request, files: &mut Given) -> Vec<Reply> {
        let mut replies = Vec::new();
        assert_eq!(job.run(request, files, &mut HashHere::default(), &mut |reply| replies.push(reply)), None);
        replies
    }

    fn open(job: u32) -> Request {
        Request::Open { job: JobId(job), open_as: OpenAs::Image, limits_times: 1 }
    }

    #[test]
    fn a_failure_is_a_sentence() {
        let mut files = Given(vec![(b"\x89PNG0000", 0)], Vec::new());
        let replies = run(&mut Job::default(), open(7), &mut files);
        let message = "this is a PNG picture, not an image tarball".to_owned();
        let failed = |job, message| Reply::Failed { job: JobId(job), message, may_be_layer: false };
        assert_eq!(replies.last(), Some(&failed(7, message)));
        let replies = run(&mut Job::default(), open(8), &mut Given(vec![], vec![]));
        let message = "no file came with the request".to_owned();
        assert_eq!(replies, [failed(8, message)]);
    }

    #[test]
    fn of_a_folder_that_is_read_again_what_changed_is_read() {
        let request = |is_again| {
            let paths = vec!["a".to_owned(), "d/b".to_owned()];
            let source = ContextSource::Folder { paths, folders: vec!["empty".into()] };
            Request::ReadContext { job: JobId(1), source, is_again }
        };
        let mut job = Job::default();
        let mut files = Given(vec![(b"a", 1), (b"b", 1)], Vec::new());
        let replies = run(&mut job, request(false), &mut files);
        let Some(Reply::ContextFiles { files: told, .. }) = replies.iter().rev().nth(1) else { panic!() };
        let paths: Vec<&str> = told.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!((paths, files.1), (vec!["a", "d", "d/b", "empty"], vec![0, 1]));
        assert!(told.iter().all(|(_, entry)| entry.assumed == Assumed::MODE));
        let mut files = Given(vec![(b"a", 1), (b"c", 2)], Vec::new());
        let replies = run(&mut job, request(true), &mut files);
        let Some(Reply::ContextRead { report, .. }) = replies.last() else { panic!() };
        assert_eq!((report.n_reused, report.n_files, files.1), (1, 2, vec![1]));
    }

    #[test]
    fn archives_are_told_by_their_digest_and_in_pieces() {
        let mut builder = tar::Builder::new(Vec::new());
        for idx in 0..1500 {
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            header.set_mode(0o644);
            builder.append_data(&mut header, format!("d/{idx:04}"), &b""[..]).unwrap();
        }
        let archive: &'static [u8] = builder.into_inner().unwrap().leak();
        let paths = vec!["a.tar".to_owned(), "b.tar.xz".to_owned(), "c".to_owned()];
        let source = ContextSource::Folder { paths, folders: Vec::new() };
        let request = Request::ReadContext { job: JobId(1), source, is_again: false };
        let mut files = Given(vec![(archive, 1), (b"\xfd7zXZ\0", 1), (b"c", 1)], Vec::new());
        let replies = run(&mut Job::default(), request, &mut files);
        let mut archives = Archives::default();
        let mut pieces = Vec::new();
        for reply in replies {
            match reply {
                Reply::ArchiveFound { digest, holds, .. } => archives.insert(digest, holds),
                Reply::ArchiveEntries { digest, entries, .. } => {
                    pieces.push(entries.len());
                    archives.extend(digest, entries);
                }
                _ => {}
            }
        }
        assert_eq!((pieces, archives.iter().count()), (vec![1000, 501], 2));
        let n_members = |holds: &Holds| if let Holds::Members(members) = holds { members.len() } else { 0 };
        assert_eq!(archives.iter().map(|(_, holds)| n_members(holds)).sum::<usize>(), 1501);
    }
}
