//! What the page and its worker say to each other.
//!
//! Plain data with named fields, carried by structured clone. A file handle
//! travels beside a request, since it is no data. Numbers of bytes stay below
//! 2^53, the last whole number that JavaScript counts exactly; no file reaches it.
//!
//! Every reply names the job it belongs to; the page drops those of jobs that
//! it gave up. A cancelled job ends with its worker: while one inflates it could
//! not hear the message.

pub mod build_file;
pub mod inspect;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use self::build_file::BuildFileReport;
use self::inspect::{Answer, Question};
use crate::archive::tar::MemberKind;
use crate::context::Entry;
use crate::context::unpacked::Holds;
use crate::digest::Digest;
pub use crate::image::history::instruction_of;
use crate::image::problem::{OpenError, Problem};
use crate::image::{ImagePlan, Layer, history};
pub use crate::image::{LayerWanted, OpenAs};
use crate::layer::Row;
use crate::oci::ImageConfig;

/// A piece of work, counted by the page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u32);

/// What the page asks for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Find the images of the file that travels with this message.
    Open {
        /// The job.
        job: JobId,
        /// What it is taken for.
        open_as: OpenAs,
        /// The usual limits, so many times.
        limits_times: u32,
    },
    /// Read one layer of the file that travels with this message.
    ReadLayer {
        /// The job.
        job: JobId,
        /// Which layer: [`LayerPlan::key`](crate::image::LayerPlan::key).
        key: u64,
        /// All that name it: [`PlannedLayer::plan`].
        plans: Vec<String>,
        /// What is wanted of it.
        wanted: LayerWanted,
        /// What the layers that were read before inflated to, all together.
        inflated_bytes: u64,
        /// The usual limits, so many times.
        limits_times: u32,
    },
    /// Entries of a layer, from the worker that read it to the one that keeps them.
    KeepEntries {
        /// The job.
        job: JobId,
        /// Which layer.
        key: u64,
        /// They are the first ones of the layer.
        is_first: bool,
        /// As the other worker sent them. Between workers they travel beside the message, as files do:
        /// the page hands them on and does not look at them.
        entries: ByteBuf,
    },
    /// Read a build context; its files travel with this message, in the order in which they are named.
    ReadContext {
        /// The job.
        job: JobId,
        /// What it is.
        source: ContextSource,
        /// It is the folder that was read before: only what changed is read.
        is_again: bool,
    },
    /// What was computed of a layer elsewhere, for the worker that keeps the entries.
    KeepReport {
        /// The job that opened the archive.
        job: JobId,
        /// Which layer.
        key: u64,
        /// Digest of the stored bytes.
        blob_digest: Option<String>,
        /// Digest of the tar inside.
        diff_id: Option<String>,
    },
    /// Forget an archive: its file is closed.
    Close {
        /// The job that opened it.
        archive: JobId,
    },
    /// Answer a question about archives that are open.
    Inspect {
        /// The job of the question.
        job: JobId,
        /// What is asked.
        question: Question,
    },
    /// Do what a ticket says with the archive's file, which travels with this message.
    Redeem {
        /// The job of the question that the ticket answers.
        job: JobId,
        /// The ticket, from [`Answer::Ticket`].
        ticket: ByteBuf,
        /// The usual limits, so many times.
        limits_times: u32,
    },
    /// List a folder of a layer.
    ListFolder {
        /// The job that opened the archive.
        job: JobId,
        /// Which image of the archive.
        image_idx: u32,
        /// Which layer, 0 is the lowest.
        layer_idx: u32,
        /// The folder; empty for the root.
        path: String,
    },
    /// Read a Compose file or a bake file.
    ReadBuildFile {
        /// The job.
        job: JobId,
        /// The file's name, which tells what it is; empty for a text that was pasted.
        name: String,
        /// What is in it.
        text: String,
        /// What is in the `.env` file beside it; empty for none.
        environment: String,
    },
}

/// What a build context is read from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ContextSource {
    /// A tar or a zip.
    Archive {
        /// Its length.
        size_bytes: u64,
    },
    /// A folder of the reader's machine. How long its files are is the worker's to ask: a browser
    /// looks at the disk for each.
    Folder {
        /// Paths of its files.
        paths: Vec<String>,
        /// Its folders, as far as they are found by themselves.
        folders: Vec<String>,
    },
}

/// What the worker answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// The worker has started.
    Ready {
        /// The build that it comes from; a page of another build asks to be reloaded.
        build: String,
    },
    /// Bytes read so far.
    Progressed {
        /// The job.
        job: JobId,
        /// So far.
        done_bytes: u64,
        /// In all, as far as known yet.
        total_bytes: u64,
    },
    /// The images of the archive; their layers are still to be read.
    ImagesFound {
        /// The job.
        job: JobId,
        /// The images.
        images: Vec<ImageReport>,
    },
    /// The archive's own members are known. Layers are read on request now, unless all were read on
    /// the way.
    Listed {
        /// The job.
        job: JobId,
        /// The archive is compressed as a whole: all of it was read.
        is_read: bool,
    },
    /// Bytes of one layer that were read so far.
    LayerProgressed {
        /// The job.
        job: JobId,
        /// Which layer.
        key: u64,
        /// So far.
        done_bytes: u64,
    },
    /// One layer, which is not compressed, was listed; its digests are still to come.
    LayerListed {
        /// The job.
        job: JobId,
        /// Which layer.
        key: u64,
        /// What it is.
        report: LayerReport,
    },
    /// Entries of a layer that is being read, for the worker that keeps them.
    LayerEntries {
        /// The job.
        job: JobId,
        /// Which layer.
        key: u64,
        /// They are the first ones of the layer.
        is_first: bool,
        /// The entries.
        entries: ByteBuf,
    },
    /// One layer was read for its digests.
    LayerHashed {
        /// The job.
        job: JobId,
        /// Which layer.
        key: u64,
        /// What it is, for each of the plans that name it.
        reports: Vec<LayerReport>,
        /// Its entries were met on the way, and told before.
        has_entries: bool,
    },
    /// One layer could not be read; the others can.
    LayerFailed {
        /// The job.
        job: JobId,
        /// Which layer.
        key: u64,
        /// Why, as a sentence.
        message: String,
    },
    /// A layer was read in full.
    LayerRead {
        /// The job.
        job: JobId,
        /// Which image.
        image_idx: u32,
        /// Which layer.
        layer_idx: u32,
        /// What it is.
        report: LayerReport,
    },
    /// Some more entries of a context, folders in front of what is in them.
    ContextFiles {
        /// The job.
        job: JobId,
        /// Paths and entries.
        files: Vec<(String, Entry)>,
    },
    /// What an archive among the files of a context holds.
    ArchiveFound {
        /// The job.
        job: JobId,
        /// The digest of its bytes.
        digest: Digest,
        /// What it holds; members follow by themselves.
        holds: Holds,
    },
    /// Some more of what comes out of an archive, folders in front of what is in them.
    ArchiveEntries {
        /// The job.
        job: JobId,
        /// The digest of its bytes.
        digest: Digest,
        /// Paths and entries.
        entries: Vec<(String, Entry)>,
    },
    /// All of a context was read.
    ContextRead {
        /// The job.
        job: JobId,
        /// What is to be said of it.
        report: ContextReport,
    },
    /// It cannot be opened.
    Failed {
        /// The job.
        job: JobId,
        /// Why, as a sentence.
        message: String,
        /// It is a tar without an image: it could be opened as one layer.
        may_be_layer: bool,
    },
    /// The answer to a question, or a part of it.
    Inspected {
        /// The job of the question.
        job: JobId,
        /// What is answered.
        answer: Answer,
    },
    /// Bytes gone through for an answer.
    InspectProgressed {
        /// The job of the question.
        job: JobId,
        /// So far.
        done_bytes: u64,
        /// In all, as far as known yet.
        total_bytes: u64,
    },
    /// A question cannot be answered.
    InspectFailed {
        /// The job of the question.
        job: JobId,
        /// Why, as a sentence.
        message: String,
    },
    /// A folder's rows.
    FolderListed {
        /// The job.
        job: JobId,
        /// Which image.
        image_idx: u32,
        /// Which layer.
        layer_idx: u32,
        /// The folder.
        path: String,
        /// What it has.
        rows: Vec<FolderRow>,
    },
    /// The builds of a Compose file or a bake file.
    BuildFileRead {
        /// The job.
        job: JobId,
        /// The builds.
        report: BuildFileReport,
    },
    /// It is no such file.
    BuildFileFailed {
        /// The job.
        job: JobId,
        /// Why, as a sentence.
        message: String,
        /// The line, counted from 1.
        line: u32,
        /// The character in it, counted from 1.
        column: u32,
    },
}

/// A context that was read.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ContextReport {
    /// Files and links.
    pub n_files: u64,
    /// Their lengths added up.
    pub content_bytes: u64,
    /// Files that were not read again, since neither their size nor their time changed.
    pub n_reused: u64,
    /// Dockerfiles and ignore files by path.
    pub texts: BTreeMap<String, String>,
    /// There are more archives than were looked into.
    pub has_more_archives: bool,
    /// The one folder that all lies in.
    pub single_root: Option<String>,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// One image.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ImageReport {
    /// Its names.
    pub tags: Vec<String>,
    /// What it runs on: `linux/arm64`.
    pub platform: String,
    /// When it was made, as the configuration says.
    pub created: String,
    /// Digest of its manifest, where there is one.
    pub manifest_digest: Option<String>,
    /// Digest of its configuration.
    pub config_digest: String,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its layers, lowest first, as far as the manifest tells.
    pub layers: Vec<PlannedLayer>,
    /// What is wrong with it as a whole.
    pub problems: Vec<String>,
}

/// A layer before it is read.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PlannedLayer {
    /// The instruction that made it, as the history tells.
    pub instruction: Option<String>,
    /// The line of the history, as it stands.
    pub created_by: Option<String>,
    /// Bytes stored in the archive.
    pub stored_bytes: u64,
    /// Tells it apart from others, where it is in the archive: [`LayerPlan::key`](crate::image::LayerPlan::key).
    pub key: Option<u64>,
    /// What it takes to read it, as JSON: numbers in it may be beyond what JavaScript counts.
    pub plan: String,
}

/// A layer that was listed or read.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LayerReport {
    /// `none`, `gzip` or `zstd`; empty where its bytes could not be had.
    pub compression: String,
    /// Digest of the stored bytes.
    pub blob_digest: Option<String>,
    /// Digest of the tar inside.
    pub diff_id: Option<String>,
    /// Digest of the stack up to it.
    pub chain_id: Option<String>,
    /// Nothing is wrong with it, as far as it was read.
    pub is_sound: bool,
    /// A limit was reached: what follows was not read.
    pub is_limited: bool,
    /// Length of the tar.
    pub tar_bytes: u64,
    /// Sum of the sizes of its files.
    pub content_bytes: u64,
    /// Members of the tar.
    pub n_entries: u64,
    /// Paths of lower layers that it removes.
    pub n_whiteouts: u64,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// A row of a folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FolderRow {
    /// Name within the folder.
    pub name: String,
    /// What it is.
    pub kind: RowKind,
    /// The 12 mode bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of it and all below.
    pub total_bytes: u64,
    /// Entries below it.
    pub n_below: u64,
    /// What a link leads to.
    pub link: String,
    /// The folder hides what lower layers have in it.
    pub is_opaque: bool,
    /// How often its path stands in the layer; the last one counts.
    pub n_times: u32,
}

/// What a row is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RowKind {
    /// A file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink,
    /// Another name of a file.
    HardLink,
    /// A device, a pipe, or something unknown.
    Special,
    /// A path of a lower layer that this layer removes.
    Whiteout,
}

/// The largest number that JavaScript counts exactly. Headers may announce more, which no file reaches.
const MAX_EXACT: u64 = (1 << 53) - 1;

/// The number, or the largest that travels.
pub(crate) fn exact(announced: u64) -> u64 {
    announced.min(MAX_EXACT)
}

impl ImageReport {
    /// The report of an image.
    #[must_use]
    pub fn new(plan: &ImagePlan) -> Self {
        let layer = |layer: &crate::image::LayerPlan| {
            let created_by = layer.history.as_ref().map(|entry| entry.created_by.clone());
            PlannedLayer {
                instruction: created_by.as_deref().map(history::instruction_of),
                created_by,
                stored_bytes: exact(layer.stored_bytes),
                key: layer.key(),
                plan: serde_json::to_string(layer).unwrap_or_default(),
            }
        };
        Self {
            tags: plan.tags.clone(),
            platform: plan.platform_name().unwrap_or_default(),
            created: plan.config.created.clone().unwrap_or_default(),
            manifest_digest: plan.manifest_digest.map(|digest| digest.to_string()),
            config_digest: plan.config_digest.map_or(String::new(), |digest| digest.to_string()),
            config: plan.config.clone(),
            layers: plan.layers.iter().map(layer).collect(),
            problems: plan.problems.iter().map(ToString::to_string).collect(),
        }
    }
}

impl LayerReport {
    /// The report of a layer.
    #[must_use]
    pub fn new(layer: &Layer) -> Self {
        Self {
            compression: layer.compression.name().to_owned(),
            blob_digest: layer.blob_digest.map(|digest| digest.to_string()),
            diff_id: layer.diff_id.map(|diff_id| diff_id.to_string()),
            chain_id: layer.chain_id.map(|chain_id| chain_id.to_string()),
            is_sound: layer.problems.iter().all(Problem::is_remark),
            is_limited: layer.problems.iter().any(Problem::is_limit),
            tar_bytes: exact(layer.tar_bytes),
            content_bytes: exact(layer.tree.content_bytes),
            n_entries: layer.tree.n_members,
            n_whiteouts: layer.tree.whiteouts.len() as u64,
            problems: layer.problems.iter().map(ToString::to_string).collect(),
        }
    }
}

impl LayerReport {
    /// Its bytes are compressed, as far as that is known.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        !matches!(self.compression.as_str(), "" | "none")
    }

    /// It was hashed, and is what the image names.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.diff_id.is_some() && self.is_sound
    }

    /// What was said of the layer when it was listed goes before what hashing it told.
    #[must_use]
    pub fn after(self, listed: &Self) -> Self {
        Self {
            compression: listed.compression.clone(),
            tar_bytes: listed.tar_bytes,
            content_bytes: listed.content_bytes,
            n_entries: listed.n_entries,
            n_whiteouts: listed.n_whiteouts,
            is_sound: listed.is_sound && self.is_sound,
            is_limited: listed.is_limited || self.is_limited,
            problems: listed.problems.iter().cloned().chain(self.problems).collect(),
            ..self
        }
    }
}

impl FolderRow {
    /// The report of a row.
    #[must_use]
    pub fn new(row: &Row) -> Self {
        let kind = match row.entry.as_ref().map(|entry| entry.kind) {
            Some(MemberKind::File) => RowKind::File,
            Some(MemberKind::Dir) => RowKind::Dir,
            Some(MemberKind::Symlink) => RowKind::Symlink,
            Some(MemberKind::HardLink) => RowKind::HardLink,
            Some(MemberKind::Char | MemberKind::Block | MemberKind::Fifo | MemberKind::Other(_)) => {
                RowKind::Special
            }
            // A folder that only stands above a whiteout has no entry either.
            None if row.n_below > 0 => RowKind::Dir,
            None => RowKind::Whiteout,
        };
        let entry = row.entry.as_ref();
        Self {
            name: row.name.clone(),
            kind,
            mode: entry.map_or(0, |entry| entry.mode),
            uid: entry.map_or(0, |entry| exact(entry.uid)),
            gid: entry.map_or(0, |entry| exact(entry.gid)),
            total_bytes: exact(row.total_bytes),
            n_below: row.n_below,
            link: entry.map_or(String::new(), |entry| entry.link().to_owned()),
            is_opaque: row.is_opaque,
            n_times: entry.map_or(1, |entry| entry.n_times.max(1)),
        }
    }
}

impl Request {
    /// The job that a request belongs to.
    #[must_use]
    pub fn job(&self) -> JobId {
        match self {
            Self::Open { job, .. }
            | Self::ReadLayer { job, .. }
            | Self::KeepEntries { job, .. }
            | Self::ReadContext { job, .. }
            | Self::KeepReport { job, .. }
            | Self::Close { archive: job }
            | Self::Inspect { job, .. }
            | Self::Redeem { job, .. }
            | Self::ListFolder { job, .. }
            | Self::ReadBuildFile { job, .. } => *job,
        }
    }
}

impl Reply {
    /// Takes the entries out, which travel beside the message.
    pub fn take_entries(&mut self) -> Option<ByteBuf> {
        if let Self::LayerEntries { entries, .. } = self { Some(std::mem::take(entries)) } else { None }
    }

    /// The reply that tells why a file cannot be opened.
    #[must_use]
    pub fn failed(job: JobId, error: &OpenError) -> Self {
        let may_be_layer = matches!(error, OpenError::NotAnImage { .. });
        Self::Failed { job, message: error.to_string(), may_be_layer }
    }

    /// The job that a reply belongs to.
    #[must_use]
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Ready { .. } => None,
            Self::Progressed { job, .. }
            | Self::ImagesFound { job, .. }
            | Self::LayerListed { job, .. }
            | Self::LayerEntries { job, .. }
            | Self::Listed { job, .. }
            | Self::LayerProgressed { job, .. }
            | Self::LayerHashed { job, .. }
            | Self::LayerFailed { job, .. }
            | Self::LayerRead { job, .. }
            | Self::ContextFiles { job, .. }
            | Self::ArchiveFound { job, .. }
            | Self::ArchiveEntries { job, .. }
            | Self::ContextRead { job, .. }
            | Self::Failed { job, .. }
            | Self::Inspected { job, .. }
            | Self::InspectProgressed { job, .. }
            | Self::InspectFailed { job, .. }
            | Self::FolderListed { job, .. }
            | Self::BuildFileRead { job, .. }
            | Self::BuildFileFailed { job, .. } => Some(*job),
        }
    }
}
