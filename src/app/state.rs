//! Ground facts: everything the page knows that cannot be derived.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::build_file::BuildFileState;
use super::commands::Dialog;
use super::disk::{DiskFile, DiskNote};
use super::document::Document;
use super::example;
use super::history::{Bases, Event};
use super::import::ImportState;
use super::inspect::Inspect;
use super::inspect::archives::OpenArchives;
use super::inspect::look::Look;
use super::known::KnownImages;
use super::offline::Offline;
use super::options::Options;
use super::share::LeaveOut;
use super::undo::Undo;
use crate::cache::solve::Reruns;
use crate::context::Tree;
use crate::context::unpacked::Archives;
use crate::protocol::{ImageReport, JobId, LayerReport, OpenAs};

/// Where the reader is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Place {
    /// What will rebuild.
    #[default]
    Simulate,
    /// What is in an image.
    Inspect,
    /// How two images differ.
    Compare,
}

impl Place {
    /// The URL fragment, without `#`.
    #[must_use]
    pub fn fragment(self) -> &'static str {
        match self {
            Self::Simulate => "/simulate",
            Self::Inspect => "/inspect",
            Self::Compare => "/compare",
        }
    }

    /// The place of a fragment; unknown ones lead to the first place.
    #[must_use]
    pub fn from_fragment(fragment: &str) -> Self {
        // What a link holds stands behind a question mark.
        let place = fragment.trim_start_matches('#').split('?').next();
        let is_here = |one: &Self| place == Some(one.fragment());
        [Self::Inspect, Self::Compare].into_iter().find(is_here).unwrap_or_default()
    }
}

/// Light or dark.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Theme {
    /// As the system prefers.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Which text the editor shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum EditorTab {
    /// The Dockerfile.
    #[default]
    Dockerfile,
    /// The ignore file.
    Ignore,
    /// Build options.
    Options,
}

/// On a narrow screen one pane is shown at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Pane {
    /// Texts and files.
    #[default]
    Edit,
    /// The picture.
    Stack,
    /// The explanation.
    Why,
}

/// How the Dockerfile is compared with the one that was built last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// In one text.
    Inline,
    /// In two, where there is room for them.
    SideBySide,
}

/// The texts and files of a build.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Version {
    /// The Dockerfile.
    pub dockerfile: String,
    /// Where it lies in the context.
    #[serde(default = "usual_dockerfile")]
    pub dockerfile_path: String,
    /// The ignore file; empty for none.
    pub dockerignore: String,
    /// Where that lies: `.dockerignore`, or the Dockerfile's own.
    #[serde(default = "usual_ignore_file")]
    pub ignore_path: String,
    /// The Dockerfile and the ignore file lie in the context, as with `docker build .`.
    pub has_dockerfile_in_context: bool,
    /// Every file but those two; shared, since versions differ little.
    pub files: Rc<Tree>,
    /// Build options.
    #[serde(default)]
    pub options: Options,
    /// Base images whose tags moved.
    #[serde(default)]
    pub bases: Bases,
}

fn usual_dockerfile() -> String {
    "Dockerfile".to_owned()
}

fn usual_ignore_file() -> String {
    ".dockerignore".to_owned()
}

impl Version {
    /// The path is one of the two texts that are edited in the editor.
    #[must_use]
    pub fn is_text(&self, path: &str) -> bool {
        self.has_dockerfile_in_context && (path == self.dockerfile_path || path == self.ignore_path)
    }
}

/// Everything that survives a reload.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The present texts and files.
    pub now: Version,
    /// The files of the context as they were given.
    #[serde(default)]
    pub given: Rc<Tree>,
    /// What the archives among the files hold.
    #[serde(default)]
    pub archives: Rc<Archives>,
    /// The Dockerfiles and ignore files of a context that was given, by path.
    #[serde(default)]
    pub texts: Rc<BTreeMap<String, String>>,
    /// Base images that were taken from opened archives.
    #[serde(default)]
    pub images: KnownImages,
    /// Lengths of layers that the reader told, in bytes, by the instruction.
    #[serde(default)]
    pub sizes: BTreeMap<String, u64>,
    /// The name of the folder or archive that the context comes from.
    #[serde(default)]
    pub context_name: Option<String>,
    /// What was built and what else happened to the cache, oldest first.
    #[serde(rename = "builds")]
    pub events: Vec<Event>,
    /// What reruns are taken to write.
    #[serde(with = "reruns_name")]
    pub reruns: Reruns,
    /// Where the reader is.
    pub place: Place,
    /// Light or dark.
    pub theme: Theme,
    /// Which text the editor shows.
    pub tab: EditorTab,
    /// The name of the file that was opened last; its bytes are not kept.
    pub last_image_name: Option<String>,
    /// Edits made to files so far; each gives a file other bytes.
    pub n_edits: u64,
    /// The Dockerfiles of the other tabs, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Rc<Document>>,
    /// The place of the present one among the tabs.
    #[serde(default)]
    pub tab_idx: usize,
    /// The number of the present one.
    #[serde(default)]
    pub document: u32,
    /// The number of its context.
    #[serde(default)]
    pub context: u32,
    /// Files on disk, by the numbers of their documents.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disk: BTreeMap<u32, DiskFile>,
    /// The reader's own work, while something is shown that came with a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Rc<Session>>,
}

/// [`Reruns`] as a word, so that the engine needs no serialization.
mod reruns_name {
    use super::Reruns;
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: Serializer>(reruns: &Reruns, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match reruns {
            Reruns::Different => "different",
            Reruns::Same => "same",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Reruns, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(if name == "same" { Reruns::Same } else { Reruns::Different })
    }
}

impl Session {
    /// What was built last.
    #[must_use]
    pub fn last_build(&self) -> Option<&Version> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Built(version) => Some(version.as_ref()),
            Event::Pruned | Event::FreshRunner(_) => None,
        })
    }

    /// The worked example, built once.
    #[must_use]
    pub fn example() -> Self {
        let now = Version {
            dockerfile: example::DOCKERFILE.to_owned(),
            dockerfile_path: usual_dockerfile(),
            dockerignore: example::DOCKERIGNORE.to_owned(),
            ignore_path: usual_ignore_file(),
            has_dockerfile_in_context: true,
            files: Rc::new(example::context()),
            options: Options::default(),
            bases: Bases::new(),
        };
        Self {
            events: vec![Event::Built(Rc::new(now.clone()))],
            given: Rc::clone(&now.files),
            archives: Rc::default(),
            texts: Rc::default(),
            images: KnownImages::new(),
            sizes: BTreeMap::new(),
            context_name: None,
            now,
            reruns: Reruns::Different,
            place: Place::Simulate,
            theme: Theme::System,
            tab: EditorTab::Dockerfile,
            last_image_name: None,
            n_edits: 0,
            others: Vec::new(),
            tab_idx: 0,
            document: 0,
            context: 0,
            disk: BTreeMap::new(),
            own: None,
        }
    }
}

/// A layer that a worker is reading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadingLayer {
    /// Which of the workers.
    pub reader: u32,
    /// Bytes read so far.
    pub done_bytes: u64,
}

/// An image file as far as it is read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OpenImage {
    /// The file's name.
    pub name: String,
    /// Its length.
    pub size_bytes: u64,
    /// Names the file, and the archive as long as it is open: the first job that read it.
    pub file: JobId,
    /// The job that reads it: another one each time that it is read anew.
    pub job: JobId,
    /// What it is taken for.
    pub open_as: OpenAs,
    /// The usual limits, so many times.
    pub limits_times: u32,
    /// Its images are still being looked for.
    pub is_listing: bool,
    /// Layers that are still to be listed, and behind them those that are still to be hashed, by
    /// their keys.
    pub waiting: VecDeque<u64>,
    /// Layers that are being read.
    pub reading: BTreeMap<u64, ReadingLayer>,
    /// Layers that are read past the usual limits, and how many times those.
    pub raised: BTreeMap<u64, u32>,
    /// The archive is compressed as a whole: one worker read it on the way.
    pub is_read_at_once: bool,
    /// The images that it holds, once known.
    pub images: Vec<ImageReport>,
    /// Where each of their layers stands, by its key.
    pub places: BTreeMap<u64, Vec<(u32, u32)>>,
    /// The layers that were listed or read, by image and place.
    pub layers: BTreeMap<(u32, u32), LayerReport>,
    /// The image that is shown.
    pub image_idx: u32,
    /// The layer that is shown.
    pub layer_idx: u32,
    /// How many times more of its entries became known: what was answered before that may differ.
    pub n_changes: u32,
    /// How its layers are looked at.
    pub look: Look,
}

/// An image, or what there is instead.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ImageState {
    /// Nothing was opened.
    #[default]
    Empty,
    /// It is being read, or waits for others that are.
    Opening {
        /// What is known already.
        image: Box<OpenImage>,
        /// Bytes read.
        done_bytes: u64,
        /// Bytes to be read.
        total_bytes: u64,
    },
    /// It was read.
    Open(Box<OpenImage>),
    /// Reading was cancelled.
    Cancelled {
        /// Names the file.
        file: JobId,
        /// The file's name.
        name: String,
        /// The file's length.
        size_bytes: u64,
        /// What it was taken for.
        open_as: OpenAs,
    },
    /// It cannot be opened.
    Failed {
        /// Names the file.
        file: JobId,
        /// The file's name.
        name: String,
        /// Why, as a sentence.
        message: String,
        /// The file's length.
        size_bytes: u64,
        /// It could be opened as one layer.
        may_be_layer: bool,
    },
}

impl ImageState {
    /// The image, while it is read or once it was.
    #[must_use]
    pub fn image(&self) -> Option<&OpenImage> {
        match self {
            Self::Opening { image, .. } | Self::Open(image) => Some(image),
            Self::Empty | Self::Cancelled { .. } | Self::Failed { .. } => None,
        }
    }

    /// The same for change.
    pub fn image_mut(&mut self) -> Option<&mut OpenImage> {
        match self {
            Self::Opening { image, .. } | Self::Open(image) => Some(image),
            Self::Empty | Self::Cancelled { .. } | Self::Failed { .. } => None,
        }
    }

    /// Names the file.
    #[must_use]
    pub fn file(&self) -> JobId {
        match self {
            Self::Empty => JobId::default(),
            Self::Opening { image, .. } | Self::Open(image) => image.file,
            Self::Cancelled { file, .. } | Self::Failed { file, .. } => *file,
        }
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Empty => "",
            Self::Opening { image, .. } | Self::Open(image) => &image.name,
            Self::Cancelled { name, .. } | Self::Failed { name, .. } => name,
        }
    }
}

/// What the worker is up to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum WorkerState {
    /// Its code is on its way.
    #[default]
    Loading,
    /// It waits or works.
    Ready,
    /// It cannot be started, or is of another build.
    Broken {
        /// What to do, as a sentence.
        message: String,
    },
}

/// Everything the page knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// What survives a reload.
    pub session: Session,
    /// Grows with every change that the engine must look at.
    pub revision: u64,
    /// Grows with every change of what is shown of the same verdicts.
    pub view_revision: u64,
    /// Grows with every change of `events`.
    pub events_revision: u64,
    /// The instruction that is explained: its place among all instructions.
    pub selected: Option<usize>,
    /// Folders of the context that are unfolded; where all of it is shown, those that are folded.
    pub toggled_folders: BTreeSet<String>,
    /// The impact map is unfolded.
    pub is_impact_open: bool,
    /// The sketch of the image is unfolded.
    pub is_image_open: bool,
    /// Both builders' answers are unfolded.
    pub is_builders_open: bool,
    /// The steps that can be taken back.
    pub undo: Undo,
    /// What there is to say of files on disk.
    pub disk: DiskNote,
    /// A Compose or bake file that was given.
    pub build_file: BuildFileState,
    /// A context that is read or was read.
    pub import: ImportState,
    /// Only files whose path has this in it are shown.
    pub file_filter: String,
    /// The Dockerfile is compared with the one that was built last.
    pub comparison: Option<Comparison>,
    /// The pane shown on a narrow screen.
    pub pane: Pane,
    /// The archives under inspection.
    pub archives: OpenArchives,
    /// What is asked and answered of them.
    pub inspect: Inspect,
    /// The worker.
    pub worker: WorkerState,
    /// How many workers read layers side by side.
    pub n_readers: u32,
    /// The build id of this page.
    pub build: String,
    /// Jobs begun so far.
    pub n_jobs: u32,
    /// The highest number that a document or a context got so far.
    pub n_ids: u32,
    /// "Start over" was pressed once and waits for a second word.
    pub is_resetting: bool,
    /// What could not be saved or restored, as a sentence.
    pub storage_problem: Option<String>,
    /// Why a link could not be opened, as a sentence without a full stop.
    pub link_problem: Option<String>,
    /// The dialog to share is open, and what its link is to leave out.
    pub share: Option<LeaveOut>,
    /// The page is about to be printed.
    pub is_printing: bool,
    /// Whether the page is kept in the browser.
    pub offline: Offline,
    /// A dialog over the page.
    pub dialog: Option<Dialog>,
    /// Keys without Ctrl, ⌘ or Alt are commands outside of text fields.
    pub has_single_keys: bool,
    /// The reader's system writes keys as a Mac does.
    pub is_mac: bool,
}

impl State {
    /// A page that has just been opened.
    #[must_use]
    pub fn new(session: Session, build: &str) -> Self {
        Self {
            session,
            revision: 0,
            view_revision: 0,
            events_revision: 0,
            selected: None,
            toggled_folders: BTreeSet::new(),
            is_impact_open: false,
            is_image_open: false,
            is_builders_open: false,
            undo: Undo::default(),
            disk: DiskNote::Nothing,
            build_file: BuildFileState::Nothing,
            import: ImportState::Idle,
            file_filter: String::new(),
            comparison: None,
            pane: Pane::Edit,
            archives: OpenArchives::default(),
            inspect: Inspect::default(),
            worker: WorkerState::Loading,
            n_readers: 1,
            build: build.to_owned(),
            n_jobs: 0,
            n_ids: 0,
            is_resetting: false,
            storage_problem: None,
            link_problem: None,
            share: None,
            is_printing: false,
            offline: Offline::default(),
            dialog: None,
            has_single_keys: true,
            is_mac: false,
        }
    }

    /// A number that no document and no context has or had.
    pub(super) fn new_id(&mut self) -> u32 {
        self.n_ids = self.n_ids.max(self.session.highest_id()) + 1;
        self.n_ids
    }
}
