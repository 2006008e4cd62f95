//! Build files: what a Compose file or a bake file says of its builds, as data.
//!
//! ```text
//! text ─► yaml, or JSON, or HCL ─► one draft for each service or target ─► builds
//! ```
//!
//! A *build* is what one `docker build` would be given: context, Dockerfile,
//! target, arguments. Of a Compose file each service with `build:` is one; of a
//! bake file each target is one, each place of a matrix by itself.
//!
//! [`read`] takes the text alone. What a real run takes from elsewhere (the
//! environment, the clock, other files) is not known here: it becomes a
//! [`Note`] at its place, and the rest keeps its values. Only a text that is no
//! YAML, JSON or HCL at all, or that is over a limit, is an error.
//!
//! Followed are the [Compose build specification](https://github.com/compose-spec/compose-spec/blob/main/build.md),
//! its [interpolation](https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md),
//! and the [bake file reference](https://docs.docker.com/build/bake/reference/)
//! with the merging rules of `docker buildx bake`.
//!
//! Not done: files that another file names (`include`, `extends` of a file), the
//! overrides of `--set`, and several files merged into one.

mod bake;
mod compose;
mod draft;
pub mod env;
mod interpolate;
mod json;
mod scalar;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;

/// A text longer than this is not read.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Lists and maps within each other, what aliases stand for included.
pub const MAX_DEPTH: u32 = 64;

/// Values of a file, and entries that merge keys copy.
pub const MAX_VALUES: usize = 200_000;

/// Builds of a file, each place of a matrix counted.
pub const MAX_BUILDS: usize = 500;

/// Notes of a file and of each of its builds.
pub const MAX_NOTES: usize = 100;

/// What kind of file a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A Compose file, in YAML or JSON.
    Compose,
    /// A bake file in HCL.
    BakeHcl,
    /// A bake file in JSON.
    BakeJson,
}

/// What a file says of its builds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildFile {
    /// What it is.
    pub kind: FileKind,
    /// Its builds, in its order.
    pub builds: Vec<Build>,
    /// Groups of builds, of a bake file.
    pub groups: Vec<Group>,
    /// What is to be said of the file as a whole.
    pub notes: Vec<Note>,
}

/// Builds under one name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Its name; what `default` names is built when nothing is asked for.
    pub name: String,
    /// Names of builds, groups within it resolved.
    pub builds: Vec<String>,
}

/// One build.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Build {
    /// The service or the target.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// The context, as it is written: a folder or an address.
    pub context: String,
    /// The Dockerfile.
    pub dockerfile: Dockerfile,
    /// The stage that is built, where one is named.
    pub target: Option<String>,
    /// Build arguments; `None` for a value that is not known here.
    pub args: BTreeMap<String, Option<String>>,
    /// Platforms.
    pub platforms: Vec<String>,
    /// Named contexts and where they are: a folder, `docker-image://`, `target:`, `service:`.
    pub contexts: BTreeMap<String, String>,
    /// Nothing is taken from the cache.
    pub no_cache: bool,
    /// Stages that are not taken from the cache.
    pub no_cache_filter: Vec<String>,
    /// Base images are always asked for.
    pub pull: bool,
    /// Where cache is imported from.
    pub cache_from: Vec<String>,
    /// Ids of secrets.
    pub secrets: Vec<String>,
    /// Ids of SSH agents and keys.
    pub ssh: Vec<String>,
    /// The network of RUN instructions.
    pub network: Option<String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, Option<String>>,
    /// Names of the image.
    pub tags: Vec<String>,
    /// Keys that have no place in here: they do something else than build, or nobody knows them.
    pub ignored: Vec<String>,
    /// What could not be told of it.
    pub notes: Vec<Note>,
}

/// Where the instructions are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Dockerfile {
    /// In a file: its path within the context, unless it begins with a slash.
    Path(String),
    /// In the build file itself.
    Inline(String),
}

/// A place in the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Place {
    /// The line, counted from 1.
    pub line: u32,
    /// The character in it, counted from 1.
    pub column: u32,
}

/// Something to be said of a place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// What, as a sentence without a full stop.
    pub message: String,
}

/// A text that cannot be read as a build file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildFileError {
    /// Where.
    pub place: Place,
    /// Why.
    pub kind: BuildFileErrorKind,
}

/// Why a text cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BuildFileErrorKind {
    /// It is longer than [`MAX_TEXT_BYTES`].
    TooLong,
    /// It has more than [`MAX_VALUES`] values.
    TooManyValues,
    /// Its values are more than [`MAX_DEPTH`] deep.
    TooDeep,
    /// It is not of the language that it should be of.
    Syntax {
        /// The language.
        language: &'static str,
        /// What the parser says.
        message: String,
    },
    /// A key stands twice in a map.
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A list or a map where the name of a key belongs.
    KeyIsNoText,
    /// Something is merged that is no map.
    MergeOfNoMap,
    /// Something else stands where a map belongs.
    NotAMap {
        /// What.
        what: String,
    },
    /// There is nothing to build in it, nor anything that a build file has.
    NoBuilds,
}

impl fmt::Display for BuildFileErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the text is longer than {MAX_TEXT_BYTES} bytes"),
            Self::TooManyValues => write!(f, "there are more than {MAX_VALUES} values, aliases included"),
            Self::TooDeep => write!(f, "values are more than {MAX_DEPTH} deep, aliases included"),
            Self::Syntax { language, message } => write!(f, "this is not {language}: {message}"),
            Self::DuplicateKey { key } => write!(f, "the key {key} stands twice in this map"),
            Self::KeyIsNoText => f.write_str("a key has to be a text"),
            Self::MergeOfNoMap => f.write_str("only a map, or a list of maps, can be merged"),
            Self::NotAMap { what } => write!(f, "{what} has to be a map"),
            Self::NoBuilds => {
                f.write_str("this is neither a Compose file with services nor a bake file with targets")
            }
        }
    }
}

impl fmt::Display for BuildFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.place.line, self.place.column, self.kind)
    }
}

impl std::error::Error for BuildFileError {}

impl Place {
    /// The first character.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// Reads a build file. `name` is the file's name, which tells what it is; a name that tells
/// nothing leaves it to the text. `environment` is what is known of the environment: the pairs
/// of an `.env` file, see [`env::parse`].
///
/// # Errors
/// Why the text is no build file, and where.
pub fn read(name: &str, text: &str, environment: &[(String, String)]) -> Result<BuildFile, BuildFileError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(BuildFileError { place: Place::START, kind: BuildFileErrorKind::TooLong });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let environment = Environment { known: environment };
    let name = name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&[".hcl"]) {
        return bake::read_hcl(text, &environment);
    }
    if ends(&[".json"]) || (!ends(&[".yml", ".yaml"]) && text.trim_start().starts_with('{')) {
        let root = json::read(text)?;
        let is_compose = root.get("services").is_some() && root.get("target").is_none();
        return if is_compose {
            compose::read(std::slice::from_ref(&root), &environment)
        } else {
            bake::read_json(&root, &environment)
        };
    }
    if ends(&[".yml", ".yaml"]) {
        return compose::read(&yaml::read(text)?, &environment);
    }
    // Bake tries Compose first, too.
    match yaml::read(text).and_then(|documents| compose::read(&documents, &environment)) {
        Ok(file) => Ok(file),
        Err(error) if looks_like_hcl(text) => bake::read_hcl(text, &environment)
            .map_err(|hcl| if hcl.kind == BuildFileErrorKind::NoBuilds { error } else { hcl }),
        Err(error) => Err(error),
    }
}

/// Some line begins a block or sets an attribute, as no line of YAML does.
fn looks_like_hcl(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        let is_block = ["target ", "group ", "variable ", "function "].iter().any(|it| line.starts_with(it));
        is_block && line.ends_with('{')
    })
}

/// What is known of the environment.
struct Environment<'a> {
    known: &'a [(String, String)],
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.known.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The room that builds have together.
#[derive(Default)]
struct Room {
    n_builds: usize,
    n_values: usize,
    n_bytes: usize,
}

impl Room {
    /// There is room for a build, too.
    fn takes(&mut self, build: &Build) -> bool {
        let mut count = |text: &str| {
            self.n_values += 1;
            self.n_bytes = self.n_bytes.saturating_add(text.len());
        };
        for (name, value) in build.args.iter().chain(&build.labels) {
            count(name);
            count(value.as_deref().unwrap_or(""));
        }
        for (name, value) in &build.contexts {
            count(name);
            count(value);
        }
        let lists = [&build.platforms, &build.no_cache_filter, &build.cache_from, &build.secrets, &build.ssh];
        lists.into_iter().chain([&build.tags, &build.ignored]).flatten().for_each(|text| count(text));
        build.notes.iter().for_each(|note| count(&note.message));
        if let Dockerfile::Inline(text) = &build.dockerfile {
            count(text);
        }
        self.n_builds += 1;
        self.n_builds <= MAX_BUILDS && self.n_values <= MAX_VALUES && self.n_bytes <= 4 * MAX_TEXT_BYTES
    }

    /// What is said where there is none left.
    fn full(place: Place) -> Note {
        let message = format!(
            "from here on builds are left out: no more than {MAX_BUILDS} are taken, with {MAX_VALUES} values \
             in all"
        );
        Note { place, message }
    }
}

/// Takes a note to its place among the others, unless there are too many or it stands there already.
fn push_note(notes: &mut Vec<Note>, note: Note) {
    if notes.len() < MAX_NOTES && !notes.contains(&note) {
        let at = notes.iter().take_while(|known| **known < note).count();
        notes.insert(at, note);
    }
}

#[cfg(test)]
mod tests;
