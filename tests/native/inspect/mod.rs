//! Questions to the worker that keeps archives, with what other workers do for it, without a browser.

#![allow(clippy::disallowed_methods, reason = "records are files")]

mod compare;
mod properties;
mod stories;
mod truth;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use layerlab::archive::{ByteSource, SliceSource, SourceError};
use layerlab::digest::HashHere;
use layerlab::job::{Files, Job};
use layerlab::protocol::inspect::rows::{RowsReport, TreeQuery, TreeRow};
use layerlab::protocol::inspect::waste::WasteReport;
use layerlab::protocol::inspect::{Answer, ImageAt, Question, SettleScope};
use layerlab::protocol::{ImageReport, JobId, LayerReport, LayerWanted, OpenAs, Reply, Request};

/// Bytes that several can read.
pub(crate) struct Owned(pub(crate) Rc<[u8]>);

impl ByteSource for Owned {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        SliceSource(&self.0).read_at(offset, buf)
    }
}

/// The file of a request; how often it was opened.
struct One(Option<Rc<[u8]>>, u32);

impl Files for One {
    fn open(&mut self, _: usize) -> Result<Box<dyn ByteSource>, String> {
        self.1 += 1;
        let bytes = self.0.clone().ok_or("no file came with the request")?;
        Ok(Box::new(Owned(bytes)))
    }

    fn facts(&mut self, _: usize) -> (u64, i64) {
        (0, 0)
    }
}

/// A page's workers: the one that keeps the entries, and one that reads.
#[derive(Default)]
struct Desk {
    keeper: Job,
    reader: Job,
    files: BTreeMap<JobId, Rc<[u8]>>,
    n_jobs: u32,
    /// How often the reader opened a file.
    n_opened: u32,
}

impl Desk {
    fn job(&mut self) -> JobId {
        self.n_jobs += 1;
        JobId(self.n_jobs)
    }

    fn keep(&mut self, request: Request, file: Option<Rc<[u8]>>) -> Vec<Reply> {
        let mut replies = Vec::new();
        let mut aside = HashHere::default();
        let reply = &mut |reply| replies.push(reply);
        if let Some(passed) = self.keeper.run(request, &mut One(file, 0), &mut aside, reply) {
            passed.tell(&aside.digests, reply);
        }
        // What was hashed as it passed comes back as from any other worker.
        for reply in &replies {
            if let Reply::LayerHashed { job, key, reports, .. } = reply {
                let LayerReport { blob_digest, diff_id, .. } = reports[0].clone();
                let keep = Request::KeepReport { job: *job, key: *key, blob_digest, diff_id };
                let kept = self.keeper.run(keep, &mut One(None, 0), &mut aside, &mut |_| {});
                assert_eq!(kept, None);
            }
        }
        replies
    }

    fn read(&mut self, request: Request, file: &Rc<[u8]>) -> Vec<Reply> {
        let mut replies = Vec::new();
        let mut files = One(Some(Rc::clone(file)), 0);
        let mut aside = HashHere::default();
        let passed = self.reader.run(request, &mut files, &mut aside, &mut |reply| replies.push(reply));
        assert_eq!(passed, None);
        self.n_opened += files.1;
        replies
    }

    /// Finds the images of an archive, and lists those of their layers that are wanted.
    fn open_some(&mut self, bytes: &[u8], wanted: impl Fn(usize) -> bool) -> (JobId, Vec<ImageReport>) {
        let file: Rc<[u8]> = bytes.into();
        let archive = self.job();
        self.files.insert(archive, Rc::clone(&file));
        let open = Request::Open { job: archive, open_as: OpenAs::Image, limits_times: 1 };
        let mut found = Vec::new();
        let mut is_listed_at_once = false;
        for reply in self.keep(open, Some(Rc::clone(&file))) {
            match reply {
                Reply::ImagesFound { images, .. } => found = images,
                Reply::Listed { is_read, .. } => is_listed_at_once = is_read,
                Reply::Failed { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
        let mut plans: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for layer in found.iter().flat_map(|image| image.layers.iter().enumerate()) {
            if let (true, Some(key)) = (wanted(layer.0), layer.1.key) {
                plans.entry(key).or_default().push(layer.1.plan.clone());
            }
        }
        for (key, plans) in plans.into_iter().filter(|_| !is_listed_at_once) {
            for wanted in [LayerWanted::Entries, LayerWanted::Digests] {
                let plans = plans.clone();
                let read = Request::ReadLayer {
                    job: archive,
                    key,
                    plans,
                    wanted,
                    inflated_bytes: 0,
                    limits_times: 1,
                };
                for reply in self.read(read, &file) {
                    self.hand_on(reply);
                }
            }
        }
        (archive, found)
    }

    fn open(&mut self, bytes: &[u8]) -> (JobId, Vec<ImageReport>) {
        self.open_some(bytes, |_| true)
    }

    /// What the page hands on to the worker that keeps.
    fn hand_on(&mut self, reply: Reply) {
        match reply {
            Reply::LayerEntries { job, key, is_first, entries } => {
                self.keep(Request::KeepEntries { job, key, is_first, entries }, None);
            }
            Reply::LayerHashed { job, key, reports, .. } => {
                let (blob_digest, diff_id) = (reports[0].blob_digest.clone(), reports[0].diff_id.clone());
                self.keep(Request::KeepReport { job, key, blob_digest, diff_id }, None);
            }
            _ => {}
        }
    }

    /// All answers to a question, a ticket handed to the one that reads.
    fn ask_all(&mut self, question: Question) -> Result<Vec<Answer>, String> {
        let job = self.job();
        // The keeper gets no file, and needs none.
        let replies = self.keep(Request::Inspect { job, question }, None);
        let mut answers = answers(job, replies)?;
        if let [Answer::Ticket { archive, ticket }] = answers.as_slice() {
            let file = Rc::clone(&self.files[archive]);
            let redeem = Request::Redeem { job, ticket: ticket.clone(), limits_times: 1 };
            let replies = self.read(redeem, &file);
            answers = self::answers(job, replies)?;
        }
        Ok(answers)
    }

    fn ask(&mut self, question: Question) -> Answer {
        let mut answers = self.ask_all(question).unwrap();
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }

    /// Hashes what has to be, and tells how many contents.
    fn settle(&mut self, image: ImageAt, scope: SettleScope) -> u32 {
        let mut n_settled = 0;
        let mut answers = self.ask_all(Question::Settle { image, scope }).unwrap();
        while !answers.is_empty() {
            n_settled += match answers.remove(0) {
                Answer::Digests { archive, digests, .. } => {
                    answers.push(self.ask(Question::KeepDigests { archive, digests }));
                    0
                }
                Answer::Settled { n_files } => n_files,
                other => panic!("{other:?}"),
            };
        }
        n_settled
    }

    fn window(&mut self, query: &TreeQuery, first: u32, n_rows: u32) -> RowsReport {
        match self.ask(Question::Rows { query: query.clone(), first, n_rows }) {
            Answer::Rows(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    fn rows(&mut self, query: &TreeQuery) -> Vec<TreeRow> {
        let mut rows = Vec::new();
        loop {
            let first = u32::try_from(rows.len()).unwrap();
            let report = self.window(query, first, u32::MAX);
            rows.extend(report.rows);
            if rows.len() >= report.n_rows as usize {
                return rows;
            }
        }
    }

    fn waste(&mut self, image: ImageAt) -> WasteReport {
        match self.ask(Question::Waste { image, n_base_layers: 0, n_rows: u32::MAX }) {
            Answer::Waste(report) => *report,
            other => panic!("{other:?}"),
        }
    }
}

fn answers(job: JobId, replies: Vec<Reply>) -> Result<Vec<Answer>, String> {
    let mut answers = Vec::new();
    for reply in replies {
        assert_eq!(reply.job(), Some(job));
        match reply {
            Reply::Inspected { answer, .. } => answers.push(answer),
            Reply::InspectProgressed { done_bytes, total_bytes, .. } => assert!(done_bytes <= total_bytes),
            Reply::InspectFailed { message, .. } => return Err(message),
            other => panic!("{other:?}"),
        }
    }
    Ok(answers)
}

fn corpus(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/images");
    std::fs::read(folder.join(name)).unwrap()
}

/// A docker-archive of layers: each a list of `PATH=CONTENT`, `PATH/` and whiteouts, with the
/// instruction that made it.
fn archive_of(layers: &[(&str, &[&str])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes).unwrap();
    };
    let (mut names, mut history, mut diff_ids) = (Vec::new(), Vec::new(), Vec::new());
    for (idx, (created_by, entries)) in layers.iter().enumerate() {
        let tar = layer_of(entries);
        diff_ids.push(layerlab::digest::Digest::of(&tar).to_string());
        names.push(format!("{idx}/layer.tar"));
        history.push(serde_json::json!({ "created_by": created_by }));
        add(&names[idx], &tar);
    }
    let config = serde_json::json!({
        "os": "linux", "architecture": "amd64", "history": history,
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    add("config.json", config.to_string().as_bytes());
    let manifest = serde_json::json!([{ "Config": "config.json", "RepoTags": ["made:1"], "Layers": names }]);
    add("manifest.json", manifest.to_string().as_bytes());
    archive.into_inner().unwrap()
}

fn layer_of(entries: &[&str]) -> Vec<u8> {
    let mut layer = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        if let Some((path, content)) = entry.split_once('=') {
            header.set_size(content.len() as u64);
            layer.append_data(&mut header, path, content.as_bytes()).unwrap();
        } else if let Some((path, target)) = entry.split_once("->") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            layer.append_link(&mut header, path, target).unwrap();
        } else {
            let is_dir = entry.ends_with('/');
            header.set_entry_type(if is_dir { tar::EntryType::Directory } else { tar::EntryType::Regular });
            header.set_size(0);
            layer.append_data(&mut header, entry, &b""[..]).unwrap();
        }
    }
    layer.into_inner().unwrap()
}
