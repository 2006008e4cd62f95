//! What a Compose file or a bake file says of its builds, as it travels.
//!
//! Mirrors of what `buildfile` makes, so that its parsers stay out of the page's program.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What kind of file it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum BuildFileKind {
    /// A Compose file.
    #[default]
    Compose,
    /// A bake file in HCL.
    BakeHcl,
    /// A bake file in JSON.
    BakeJson,
}

impl BuildFileKind {
    /// As people read it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Compose => "Compose file",
            Self::BakeHcl => "bake file",
            Self::BakeJson => "bake file in JSON",
        }
    }
}

/// The builds of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BuildFileReport {
    /// What it is.
    pub kind: BuildFileKind,
    /// Its builds, in its order.
    pub builds: Vec<BuildReport>,
    /// Groups of builds: a name, and the names of builds.
    pub groups: Vec<(String, Vec<String>)>,
    /// What is to be said of it as a whole.
    pub notes: Vec<BuildNote>,
}

/// One build.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BuildReport {
    /// The service or the target.
    pub name: String,
    /// The line it begins on, counted from 1.
    pub line: u32,
    /// The context: a folder or an address.
    pub context: String,
    /// Path of the Dockerfile within the context; empty where it stands in the file itself.
    pub dockerfile: String,
    /// The Dockerfile that stands in the file itself.
    pub dockerfile_inline: Option<String>,
    /// The stage that is built.
    pub target: Option<String>,
    /// Build arguments; `None` for a value that is not known.
    pub args: BTreeMap<String, Option<String>>,
    /// Platforms.
    pub platforms: Vec<String>,
    /// Named contexts and where they are.
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
    /// Labels of the image; `None` for a value that is not known.
    pub labels: BTreeMap<String, Option<String>>,
    /// Names of the image.
    pub tags: Vec<String>,
    /// Keys that have no place in here.
    pub ignored: Vec<String>,
    /// What could not be told of it.
    pub notes: Vec<BuildNote>,
}

/// Something to be said of a place.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BuildNote {
    /// The line, counted from 1.
    pub line: u32,
    /// The character in it, counted from 1.
    pub column: u32,
    /// What, as a sentence without a full stop.
    pub message: String,
}
