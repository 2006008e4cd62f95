//! What takes bytes out of an archive: tickets, and what whoever has the file makes of them.
//!
//! A ticket holds all that the work needs: the layer's plan, and entries with their places. Hence any
//! worker can do it, and the one that keeps the entries never waits for a file.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::archive::{Archive, Known};
use super::looks::looks;
use super::rows::kind_of;
use crate::archive::Limits;
use crate::archive::compression::Compression;
use crate::archive::tar::MemberKind;
use crate::digest::Digest;
use crate::image::LayerPlan;
use crate::image::content::{Contents, Event, KEPT_BYTES, LayerForm, View};
use crate::job::{Files, is_far};
use crate::layer::stack::Stack;
use crate::layer::{LayerEntry, LayerTree, unhashed};
use crate::protocol::inspect::contents::ContentsReport;
use crate::protocol::inspect::{Answer, ImageAt, MAX_PIECE_BYTES, SavedForm, SettleScope};
use crate::protocol::{JobId, Reply, exact};

/// What is to be done.
#[derive(Serialize, Deserialize)]
enum Work {
    /// Look at a part of a file; what is known of it comes along. The plan is JSON.
    View { plan: String, entry: Box<LayerEntry>, max_bytes: u64, report: Box<ContentsReport> },
    /// Save a file.
    Save { plan: String, entry: Box<LayerEntry> },
    /// Save a layer.
    SaveLayer { plan: String, form: SavedForm },
    /// Hash files.
    Hash { layers: Vec<ToHash> },
}

/// Files of a layer.
#[derive(Serialize, Deserialize)]
struct ToHash {
    key: u64,
    plan: String,
    tree: LayerTree,
}

/// Digests of some files of a layer.
#[derive(Serialize, Deserialize)]
struct Hashed {
    key: u64,
    digests: Vec<(String, Digest)>,
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    archive: JobId,
    work: Work,
}

/// So many digests travel together.
const DIGESTS_AT_ONCE: usize = 5_000;

/// So many symbolic links are followed, as Linux does.
const MAX_LINKS: usize = 40;

fn ticket(archive: JobId, work: Work) -> Result<Answer, String> {
    let ticket = postcard::to_stdvec(&Ticket { archive, work }).map_err(|error| error.to_string())?;
    Ok(Answer::Ticket { archive, ticket: ticket.into() })
}

fn plan_text(plan: &LayerPlan) -> Result<String, String> {
    serde_json::to_string(plan).map_err(|error| error.to_string())
}

/// Where a symbolic link leads, if there is something: links on the way are followed.
fn resolve(stack: &Stack, layer_idx: usize, path: &str) -> Option<String> {
    let mut todo: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut done: Vec<String> = Vec::new();
    let mut n_links = 0;
    while let Some(name) = todo.pop() {
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                done.pop();
                continue;
            }
            _ => done.push(name),
        }
        let node = stack.find(&done.join("/"))?;
        let view = stack.view(node, layer_idx)?;
        if let Some(entry) = view.entry.filter(|entry| entry.kind == MemberKind::Symlink) {
            n_links += 1;
            if n_links > MAX_LINKS {
                return None;
            }
            done.pop();
            if entry.link().starts_with('/') {
                done.clear();
            }
            todo.extend(entry.link().split('/').rev().map(str::to_owned));
        }
    }
    Some(done.join("/"))
}

/// A part of a file.
pub(super) fn view(
    archive: &mut Archive,
    image: ImageAt,
    layer_idx: u32,
    path: &str,
    (from_bytes, max_bytes): (u64, u64),
) -> Result<Answer, String> {
    let (written_by, entry) = archive.file(image.image_idx, layer_idx, path)?;
    let is_file = matches!(entry.kind, MemberKind::File | MemberKind::HardLink);
    if !is_file && entry.kind != MemberKind::Symlink {
        let what = if entry.kind == MemberKind::Dir { "a folder" } else { "a device or a pipe" };
        return Err(format!("{path:?} is {what} and has no content"));
    }
    let target = if entry.kind == MemberKind::Symlink {
        let Known { stack, .. } = archive.stack(image.image_idx, layer_idx)?;
        resolve(&stack, layer_idx as usize, path)
    } else {
        let tree = archive.tree(image.image_idx, written_by);
        let named = tree.and_then(|tree| tree.linked(path)).map(|(path, _)| path.to_owned());
        named.filter(|_| entry.kind == MemberKind::HardLink)
    };
    let is_empty = entry.kind == MemberKind::File && entry.size_bytes == 0;
    let mut report = ContentsReport {
        path: path.to_owned(),
        kind: kind_of(Some(&entry)),
        written_by,
        link: entry.link().to_owned(),
        target,
        from_bytes: exact(from_bytes),
        bytes: ByteBuf::new(),
        size_bytes: is_empty.then_some(0),
        is_sparse: entry.is_sparse,
        looks: Default::default(),
        problem: None,
    };
    if !is_file || is_empty {
        if is_empty {
            report.looks = looks(&[], 0);
        }
        return Ok(Answer::Contents(Box::new(report)));
    }
    let plan = plan_text(archive.layer_plan(image.image_idx, written_by)?)?;
    let max_bytes = max_bytes.min(MAX_PIECE_BYTES);
    let entry = Box::new(LayerEntry::clone(&entry));
    ticket(image.archive, Work::View { plan, entry, max_bytes, report: Box::new(report) })
}

/// A whole file.
pub(super) fn save(
    archive: &mut Archive,
    image: ImageAt,
    layer_idx: u32,
    path: &str,
) -> Result<Answer, String> {
    let (written_by, entry) = archive.file(image.image_idx, layer_idx, path)?;
    match entry.kind {
        MemberKind::File if entry.size_bytes == 0 => {
            return Ok(Answer::Piece { bytes: ByteBuf::new(), is_last: true, problem: None });
        }
        MemberKind::File | MemberKind::HardLink => {}
        _ => return Err(format!("{path:?} is no file and has no content")),
    }
    let plan = plan_text(archive.layer_plan(image.image_idx, written_by)?)?;
    ticket(image.archive, Work::Save { plan, entry: Box::new(LayerEntry::clone(&entry)) })
}

/// A whole layer.
pub(super) fn save_layer(
    archive: &Archive,
    image: ImageAt,
    layer_idx: u32,
    form: SavedForm,
) -> Result<Answer, String> {
    let plan = archive.layer_plan(image.image_idx, layer_idx)?;
    let Some(from_bytes) = plan.key() else {
        return Err(format!("the archive has no {}", plan.member));
    };
    // An archive that is not compressed holds it as it is.
    if form == SavedForm::Stored && archive.documents.compression == Compression::None {
        return Ok(Answer::Slice { from_bytes: exact(from_bytes), size_bytes: exact(plan.stored_bytes) });
    }
    ticket(image.archive, Work::SaveLayer { plan: plan_text(plan)?, form })
}

/// Contents that have to be hashed.
pub(super) fn settle(archive: &Archive, image: ImageAt, scope: &Wanted) -> Result<Answer, String> {
    let known = archive.trees(image.image_idx)?;
    let empty = LayerTree::default();
    let trees: Vec<&LayerTree> = known.iter().map(|tree| tree.unwrap_or(&empty)).collect();
    let lists = match scope {
        Wanted::Rewrites => unhashed::rewritten(&trees),
        // What stands at one path with one length has the length of another file, too.
        Wanted::Copies => unhashed::of_same_length(&trees),
        Wanted::These(lists) => lists.clone(),
    };
    let mut layers = Vec::new();
    let keys = archive.keys(image.image_idx);
    for (layer_idx, (paths, key)) in (0..).zip(lists.iter().zip(keys)) {
        let (Some(key), Some(tree)) = (key, known.get(layer_idx as usize).copied().flatten()) else {
            continue;
        };
        if !paths.is_empty() {
            let plan = plan_text(archive.layer_plan(image.image_idx, layer_idx)?)?;
            layers.push(ToHash { key, plan, tree: tree.only(paths) });
        }
    }
    if layers.is_empty() {
        return Ok(Answer::Settled { n_files: 0 });
    }
    ticket(image.archive, Work::Hash { layers })
}

/// Which contents have to be hashed.
pub(super) enum Wanted {
    Rewrites,
    Copies,
    /// By layer.
    These(Vec<Vec<String>>),
}

impl Wanted {
    pub(super) fn of(scope: SettleScope) -> Option<Self> {
        match scope {
            SettleScope::Rewrites => Some(Self::Rewrites),
            SettleScope::Copies => Some(Self::Copies),
            SettleScope::Against { .. } => None,
        }
    }
}

/// Digests that another worker found.
pub(super) fn keep_digests(archive: &mut Archive, digests: &[u8]) -> Result<Answer, String> {
    let hashed: Vec<Hashed> = postcard::from_bytes(digests).map_err(|error| error.to_string())?;
    let kept = hashed.into_iter().map(|one| archive.keep_digests(one.key, one.digests));
    Ok(Answer::Settled { n_files: super::archive::narrow(kept.sum()) })
}

/// An archive that a worker reads out of, open between two tickets.
pub(in crate::job) struct Reader {
    archive: JobId,
    limits_times: u32,
    contents: Contents<'static>,
}

/// Does what a ticket says.
pub(in crate::job) fn redeem(
    reader: &mut Option<Reader>,
    job: JobId,
    (ticket, limits_times): (&[u8], u32),
    files: &mut dyn Files,
    reply: &mut dyn FnMut(Reply),
) {
    if let Err(message) = try_redeem(reader, job, (ticket, limits_times), files, reply) {
        reply(Reply::InspectFailed { job, message });
    }
}

fn try_redeem(
    reader: &mut Option<Reader>,
    job: JobId,
    (ticket, limits_times): (&[u8], u32),
    files: &mut dyn Files,
    reply: &mut dyn FnMut(Reply),
) -> Result<(), String> {
    let Ticket { archive, work } = postcard::from_bytes(ticket).map_err(|error| error.to_string())?;
    let is_open = |reader: &Reader| reader.archive == archive && reader.limits_times == limits_times;
    let open = match reader.take().filter(is_open) {
        Some(open) => open,
        None => {
            let limits = Limits::for_browser().raised(limits_times);
            let contents =
                Contents::new(files.open(0)?, limits, KEPT_BYTES).map_err(|error| error.to_string())?;
            Reader { archive, limits_times, contents }
        }
    };
    let contents = &mut reader.insert(open).contents;
    match work {
        Work::View { plan, entry, max_bytes, mut report } => {
            let plan = parsed(&plan)?;
            let View { bytes, size_bytes, error } =
                contents.read(&plan, &entry, report.from_bytes, max_bytes, &mut progress_of(job, reply));
            if report.from_bytes == 0 {
                report.looks = looks(&bytes, size_bytes.unwrap_or(bytes.len() as u64));
            }
            (report.bytes, report.size_bytes) = (bytes.into(), size_bytes.map(exact));
            report.problem = error.map(|error| error.to_string());
            reply(Reply::Inspected { job, answer: Answer::Contents(report) });
        }
        Work::Save { plan, entry } => {
            let plan = parsed(&plan)?;
            save_pieces(job, reply, |on_event| contents.stream(&plan, &entry, on_event).err());
        }
        Work::SaveLayer { plan, form } => {
            let plan = parsed(&plan)?;
            let form = match form {
                SavedForm::Stored => LayerForm::Stored,
                SavedForm::Tar => LayerForm::Tar,
            };
            save_pieces(job, reply, |on_event| contents.stream_layer(&plan, form, on_event).err());
        }
        Work::Hash { layers } => {
            let hashed = hash(contents, layers, &mut progress_of(job, reply))?;
            tell_digests(job, archive, hashed, reply);
        }
    }
    Ok(())
}

fn parsed(plan: &str) -> Result<LayerPlan, String> {
    serde_json::from_str(plan).map_err(|error| error.to_string())
}

/// Tells progress, each time that some bytes more were gone through.
fn progress_of(job: JobId, reply: &mut dyn FnMut(Reply)) -> impl FnMut(u64, u64) -> ControlFlow<()> {
    let mut told_bytes = 0;
    move |done_bytes, total_bytes| {
        if is_far(&mut told_bytes, done_bytes) {
            let (done_bytes, total_bytes) = (exact(done_bytes), exact(total_bytes));
            reply(Reply::InspectProgressed { job, done_bytes, total_bytes });
        }
        ControlFlow::Continue(())
    }
}

/// Tells a content in pieces; the last one is held back until it is known to be the last.
fn save_pieces<E: std::fmt::Display>(
    job: JobId,
    reply: &mut dyn FnMut(Reply),
    stream: impl FnOnce(&mut crate::image::content::OnEvent<'_>) -> Option<E>,
) {
    let most = usize::try_from(MAX_PIECE_BYTES).unwrap_or(usize::MAX);
    let mut held: Vec<u8> = Vec::new();
    let mut told_bytes = 0;
    let error = stream(&mut |event| {
        match event {
            Event::Begun { .. } => {}
            Event::Progress { done_bytes, total_bytes } => {
                if is_far(&mut told_bytes, done_bytes) {
                    let (done_bytes, total_bytes) = (exact(done_bytes), exact(total_bytes));
                    reply(Reply::InspectProgressed { job, done_bytes, total_bytes });
                }
            }
            Event::Bytes(bytes) => {
                if held.len() + bytes.len() > most {
                    let bytes = std::mem::take(&mut held).into();
                    let answer = Answer::Piece { bytes, is_last: false, problem: None };
                    reply(Reply::Inspected { job, answer });
                }
                held.extend_from_slice(bytes);
            }
        }
        ControlFlow::Continue(())
    });
    let problem = error.map(|error| error.to_string());
    reply(Reply::Inspected { job, answer: Answer::Piece { bytes: held.into(), is_last: true, problem } });
}

/// Hashes files layer by layer. Those that cannot be read in full stay without a digest.
fn hash(
    contents: &mut Contents<'_>,
    layers: Vec<ToHash>,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Vec<Hashed>, String> {
    let bytes = |layer: &ToHash| {
        layer.tree.iter().fold(0_u64, |sum, (_, entry)| sum.saturating_add(entry.size_bytes))
    };
    let total_bytes = layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(bytes(layer)));
    let mut before_bytes = 0_u64;
    let mut hashed = Vec::new();
    for mut layer in layers {
        let own_bytes = bytes(&layer);
        let plan = parsed(&layer.plan)?;
        let paths: Vec<String> = layer.tree.iter().map(|(path, _)| path.to_owned()).collect();
        let mut on_read = |done_bytes: u64, _| progress(before_bytes.saturating_add(done_bytes), total_bytes);
        contents.hash(&plan, &mut layer.tree, &paths, &mut on_read).map_err(|error| error.to_string())?;
        before_bytes = before_bytes.saturating_add(own_bytes);
        let found = layer.tree.iter().filter_map(|(path, entry)| Some((path.to_owned(), entry.digest?)));
        hashed.push(Hashed { key: layer.key, digests: found.collect() });
    }
    Ok(hashed)
}

fn tell_digests(job: JobId, archive: JobId, hashed: Vec<Hashed>, reply: &mut dyn FnMut(Reply)) {
    let mut pieces: Vec<Hashed> = Vec::new();
    for one in hashed {
        pieces.extend(
            one.digests.chunks(DIGESTS_AT_ONCE).map(|some| Hashed { key: one.key, digests: some.to_vec() }),
        );
    }
    let n_pieces = pieces.len().max(1);
    let mut tell = |pieces: Vec<Hashed>, is_last| {
        // Only a length that is not known could not be encoded.
        if let Ok(digests) = postcard::to_stdvec(&pieces) {
            let answer = Answer::Digests { archive, digests: digests.into(), is_last };
            reply(Reply::Inspected { job, answer });
        }
    };
    if pieces.is_empty() {
        tell(Vec::new(), true);
    }
    for (idx, piece) in pieces.into_iter().enumerate() {
        tell(vec![piece], idx + 1 == n_pieces);
    }
}
