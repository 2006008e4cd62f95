//! Dockerfile and options → the steps a builder takes, and the image they end in.
//!
//! A *step* is what BuildKit calls a vertex: an operation with inputs. FROM of
//! an image, RUN, COPY, ADD and WORKDIR make steps; `COPY --link` makes two.
//! All other instructions only edit the configuration of the image, or the
//! environment of later steps. Stages that the target does not need make none.
//!
//! [`convert::build`] follows BuildKit's `dockerfile2llb`: variables are
//! expanded here, base images are looked up here, names with their `[k/n]` are
//! made here. What refuses a build at this point is a [`GraphError`].
//!
//! Not here: which files a COPY takes (module `context`), and whether a step
//! is taken from a cache (module `cache`).

pub mod convert;
mod copy;
mod dispatch;
pub mod env;
pub mod epoch;
mod needs;
mod not_modeled;
pub(crate) mod path;
pub mod platform;
pub mod reference;
mod run;
mod state;
pub(crate) mod value;

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::{ChainId, DiffId};
use crate::dockerfile::mount::{MountKind, Sharing};
use crate::oci::{ImageConfig, Platform};
use crate::text::{Lines, TextRange};

/// A step's place in [`Graph::steps`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StepId(pub usize);

/// A stage's place among the Dockerfile's stages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StageId(pub usize);

/// An image that stages begin with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BaseImage {
    /// Digest of its manifest or index, where known.
    pub digest: Option<String>,
    /// Its configuration; empty where nothing is known of it.
    pub config: ImageConfig,
    /// Its layers by their tars, lowest first.
    pub layers: Vec<DiffId>,
    /// The configuration and the layers are the image's own, and not assumed.
    pub is_known: bool,
}

impl BaseImage {
    /// What the cache knows the image by.
    #[must_use]
    pub fn chain(&self) -> Option<ChainId> {
        self.layers.iter().fold(None, |below, layer| Some(ChainId::push(below, *layer)))
    }
}

/// What a name stands for that the user gave files or an image of their own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NamedContext {
    /// A folder.
    Local,
    /// Another image.
    Image {
        /// Its name.
        reference: String,
    },
}

/// Which steps run even if the cache has them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum NoCache {
    /// None.
    #[default]
    Nothing,
    /// `--no-cache`.
    All,
    /// `--no-cache-filter`: stage names, without regard to case.
    Stages(BTreeSet<String>),
}

/// What is given to a build besides the Dockerfile and the context.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BuildOptions {
    /// `--target`; empty for the last stage.
    pub target: String,
    /// `--build-arg`.
    pub build_args: BTreeMap<String, String>,
    /// `--platform`; empty for the builder's own.
    pub platforms: Vec<Platform>,
    /// `--no-cache` and `--no-cache-filter`.
    pub no_cache: NoCache,
    /// `--build-context`.
    pub named_contexts: BTreeMap<String, NamedContext>,
    /// `--add-host`: name and address.
    pub extra_hosts: Vec<(String, String)>,
    /// `--shm-size` in bytes.
    pub shm_size_bytes: u64,
    /// `--ulimit`, as written.
    pub ulimits: Vec<String>,
    /// `--network`.
    pub network: Option<String>,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
    /// Ids of the secrets given by `--secret`; `None` takes all for given.
    pub secrets: Option<BTreeSet<String>>,
}

/// Why a build is refused once its Dockerfile was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GraphError {
    /// BuildKit's message.
    pub message: String,
    /// The word to point at.
    pub range: TextRange,
    /// The lines that BuildKit names, in order; none where it names none.
    pub lines: Vec<Lines>,
}

impl std::fmt::Display for GraphError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for GraphError {}

/// One operation with its inputs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What it does.
    pub op: Op,
    /// The steps it reads, the root parent first where there is one.
    pub inputs: Vec<StepId>,
    /// As a builder shows it: `[build 2/4] COPY src src`.
    pub name: String,
    /// Its number in its stage and how many there are, where the name has them.
    pub position: Option<(u32, u32)>,
    /// The instruction as shown, expanded, without the `[k/n]`.
    pub text: String,
    /// The stage that it belongs to; none for what a build context gives.
    pub stage: Option<StageId>,
    /// Lines of its instruction; for a trigger those of the FROM.
    pub lines: Option<Lines>,
    /// Where its instruction stands in the Dockerfile.
    pub range: TextRange,
    /// What it runs for; part of the key of a RUN.
    pub platform: Option<Platform>,
    /// It runs even if the cache has it.
    pub ignores_cache: bool,
    /// It comes from a trigger of the base.
    pub is_onbuild: bool,
}

impl Step {
    /// It is one of a builder's own, which no instruction stands for.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.name.starts_with("[internal]")
    }
}

/// What a step does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// An image's file system.
    Image {
        /// The full name, without digest.
        reference: String,
        /// The image.
        base: Box<BaseImage>,
    },
    /// Files of the client: the build context, or a named one.
    Local {
        /// `context`, or the name.
        name: String,
    },
    /// A command.
    Exec(Box<Exec>),
    /// Changes of files, one after the other.
    File(Vec<FileAction>),
    /// Layers put on top of one another without looking into them.
    Merge,
    /// A file of the web.
    Http {
        /// Its address.
        url: String,
    },
    /// A git repository.
    Git {
        /// Its address.
        url: String,
    },
}

/// A command and all that is around it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exec {
    /// Program and arguments, the shell included.
    pub args: Vec<String>,
    /// `NAME=value`, in order.
    pub env: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// User, as written.
    pub user: String,
    /// Root file system first, the others by target.
    pub mounts: Vec<ExecMount>,
    /// `default`, `none` or `host`.
    pub network: String,
    /// `--security=insecure`.
    pub is_insecure: bool,
    /// `--add-host`.
    pub extra_hosts: Vec<(String, String)>,
    /// `--shm-size` in bytes.
    pub shm_size_bytes: u64,
    /// `--ulimit`.
    pub ulimits: Vec<String>,
    /// The sandbox's host name.
    pub hostname: String,
    /// `--device`: name and whether it is required.
    pub devices: Vec<(String, bool)>,
    /// Secrets given as variables: variable, id, required.
    pub secret_env: Vec<(String, String, bool)>,
    /// What BuildKit shows and never hashes: the proxy arguments.
    pub has_proxy: bool,
}

/// Something mounted into a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExecMount {
    /// Path in the step.
    pub dest: String,
    /// Which input; none for scratch, memory, secrets.
    pub input: Option<usize>,
    /// Path in the input; empty for all of it.
    pub selector: String,
    /// Nothing can be written.
    pub is_read_only: bool,
    /// What is written to it is a result of the step.
    pub has_output: bool,
    /// What it is.
    pub kind: MountKind,
    /// A cache's name.
    pub cache_id: String,
    /// Who may use a cache at the same time.
    pub sharing: Option<Sharing>,
    /// Id of a secret or socket.
    pub secret_id: String,
    /// Owner of a secret, and mode.
    pub secret_owner: (u64, u64, u64),
    /// The build fails without it.
    pub is_required: bool,
    /// Size of memory in bytes.
    pub size_limit_bytes: u64,
}

/// Where a file action finds files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileInput {
    /// Nothing.
    Scratch,
    /// An input of the step.
    Input(usize),
    /// An earlier action of the step.
    Action(usize),
}

/// One change of files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileAction {
    /// Copies.
    Copy(Box<CopyAction>),
    /// Makes a folder and those above it.
    Mkdir {
        /// What it is made on.
        on: FileInput,
        /// The folder.
        path: String,
        /// Mode bits.
        mode: u32,
        /// The folders above it are made, too.
        makes_parents: bool,
        /// Owner as written.
        owner: String,
        /// `SOURCE_DATE_EPOCH` in seconds.
        created: Option<i64>,
    },
    /// Writes a file.
    Mkfile {
        /// What it is made on.
        on: FileInput,
        /// The file.
        path: String,
        /// Mode bits.
        mode: u32,
        /// Its content.
        data: String,
    },
}

/// A copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyAction {
    /// What it is copied to.
    pub on: FileInput,
    /// Where it comes from.
    pub from: FileInput,
    /// Path or pattern there, from the root.
    pub source: String,
    /// Path here, from the root; a trailing slash counts.
    pub dest: String,
    /// `--chown` as written, expanded.
    pub chown: String,
    /// `--chmod` as written, expanded.
    pub chmod: String,
    /// A symbolic link named as source is followed, and wildcards work.
    pub is_path: bool,
    /// Local archives are unpacked.
    pub unpacks: bool,
    /// Only what matches is taken: `--parents`.
    pub includes: Vec<String>,
    /// What matches is not taken: `--exclude`.
    pub excludes: Vec<String>,
    /// Must be there.
    pub required: Vec<String>,
    /// `SOURCE_DATE_EPOCH` in seconds.
    pub created: Option<i64>,
}

/// What became of one instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// It makes these steps.
    Steps(Vec<StepId>),
    /// It only edits the configuration or the environment.
    Metadata,
    /// The target does not need its stage.
    Pruned,
    /// It makes no step though its kind does: `WORKDIR /`, `FROM scratch`, `FROM` another stage.
    NoStep,
}

/// One instruction of the Dockerfile and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Its stage; none for a global `ARG`.
    pub stage: Option<StageId>,
    /// The keyword in upper case.
    pub keyword: String,
    /// Where it stands.
    pub range: TextRange,
    /// The same in lines.
    pub lines: Lines,
    /// The logical line.
    pub code: String,
    /// What became of it.
    pub role: Role,
}

/// A stage as the builder sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GraphStage {
    /// Its name, or `stage-N`.
    pub name: String,
    /// The base as written and expanded.
    pub base: String,
    /// The stage that it begins with, if it is one.
    pub parent: Option<StageId>,
    /// Stages that it copies or mounts from.
    pub sources: BTreeSet<StageId>,
    /// The target needs it.
    pub is_reachable: bool,
    /// The step that is its last file system; none for scratch.
    pub result: Option<StepId>,
    /// Lines of its FROM.
    pub lines: Lines,
}

/// A whole build.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Graph {
    /// Steps; inputs stand before what reads them.
    pub steps: Vec<Step>,
    /// The stages in the order of the Dockerfile.
    pub stages: Vec<GraphStage>,
    /// Every instruction in order.
    pub placed: Vec<Placed>,
    /// The stage that is built.
    pub target: Option<StageId>,
    /// The final file system of each platform; none for an empty image.
    pub results: Vec<Option<StepId>>,
    /// The image's configuration, with the base's history in front.
    pub image: ImageConfig,
    /// Ids of the secrets that are given; `None` takes all for given.
    pub secrets: Option<BTreeSet<String>>,
    /// What of the whole build is not modeled: another front end, another operating system.
    pub not_modeled: Option<String>,
}

impl Graph {
    /// The step with this id.
    #[must_use]
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0)
    }
}
