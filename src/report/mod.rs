//! What is handed around: a report in Markdown or JSON, and a permalink.
//!
//! - [`Report`] is what there is to say of one version, as plain data; module `app` fills it in.
//! - [`markdown`] writes it for a pull request.
//! - [`Report::to_json`] writes it for programs. `www/report.schema.json` is the JSON Schema of that,
//!   and `tests/native/report.rs` holds the two together.
//! - [`link`] is bytes in an address, [`pack`] is trees as bytes, [`deflate`] makes them fewer.
//! - [`secret`] finds what had better not be handed around.
//!
//! # The JSON
//!
//! | field | what it is |
//! | --- | --- |
//! | `format`, `version` | `layerlab-report` and [`VERSION`], raised when a field changes its meaning or goes |
//! | `page` | the build of the page that wrote it |
//! | `builder`, `command` | which builder was asked, and the command line that the options stand for |
//! | `summary`, `notes` | the page's summary line, and changes that rebuild nothing |
//! | `counts` | steps by verdict, as BuildKit counts steps; only verdicts that occur |
//! | `compared_with` | what happened to the cache that the verdicts come from, oldest first |
//! | `is_as_built` | nothing was edited since the last build |
//! | `instructions` | each with its lines, verdict, reason, and the line of its first cause |
//! | `option_problems` | options that could not be taken |
//!
//! Readers skip fields that they do not know. What is not known (`layer_bytes`, `first_cause_line`)
//! is `null`, and nothing is estimated.

pub mod deflate;
pub mod link;
pub mod markdown;
pub mod pack;
pub mod secret;

use std::collections::BTreeMap;

use serde::Serialize;

/// The version of the JSON.
pub const VERSION: u32 = 1;

/// What there is to say of one version of a build.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// The build id of the page.
    pub page: String,
    /// The builder's name.
    pub builder: String,
    /// The command line that the options stand for.
    pub command: String,
    /// The page's summary line.
    pub summary: String,
    /// Changes that rebuild nothing, and why; sentences without a full stop.
    pub notes: Vec<String>,
    /// Steps by verdict.
    pub counts: BTreeMap<Verdict, usize>,
    /// What the verdicts were compared with, oldest first.
    pub compared_with: Vec<Moment>,
    /// Nothing was edited since the last build.
    pub is_as_built: bool,
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
    /// Options that could not be taken, and why.
    pub option_problems: Vec<String>,
}

/// Something that happened to the cache.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Moment {
    /// In a word or two.
    pub label: String,
    /// More of it.
    pub note: String,
}

/// One instruction of the Dockerfile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Instruction {
    /// Its first line, counted from 1.
    pub line: u32,
    /// Its last line.
    pub last_line: u32,
    /// The instruction in one line.
    pub code: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why, as a sentence without a full stop.
    pub reason: String,
    /// It is the change that began a rebuild.
    pub is_first_cause: bool,
    /// The line of the change that it follows.
    pub first_cause_line: Option<u32>,
    /// How long its layer is in bytes, where that is known.
    pub layer_bytes: Option<u64>,
    /// Where that length comes from.
    pub layer_bytes_from: Option<&'static str>,
}

/// The verdicts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// From the cache.
    Cached,
    /// It runs.
    Rebuild,
    /// Decided by bytes that a rerun writes.
    Conditional,
    /// The target does not need it.
    Pruned,
    /// It edits the configuration only.
    Metadata,
    /// Not modeled.
    Unknown,
    /// A builder refuses.
    Error,
    /// Not reached.
    Blocked,
}

impl Verdict {
    /// As people read it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Rebuild => "rebuilds",
            Self::Conditional => "conditional",
            Self::Pruned => "not needed",
            Self::Metadata => "metadata only",
            Self::Unknown => "unknown",
            Self::Error => "error",
            Self::Blocked => "blocked",
        }
    }

    /// A sign that tells it apart where there is no color.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Cached => "✓",
            Self::Rebuild => "↻",
            Self::Conditional => "≈",
            Self::Pruned => "∅",
            Self::Metadata => "·",
            Self::Unknown => "?",
            Self::Error => "✗",
            Self::Blocked => "‖",
        }
    }

    /// A build does something about it, or may.
    #[must_use]
    pub fn is_busy(self) -> bool {
        !matches!(self, Self::Cached | Self::Pruned | Self::Metadata)
    }
}

/// The report with what tells programs how to read it.
#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    #[serde(flatten)]
    report: &'a Report,
}

impl Report {
    /// As JSON, indented, with a line break at its end.
    ///
    /// # Errors
    /// None is known; what the writer of JSON says.
    pub fn to_json(&self) -> Result<String, String> {
        let document = Document { format: "layerlab-report", version: VERSION, report: self };
        let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
        Ok(text + "\n")
    }

    /// The instructions that follow a first cause, but itself.
    pub fn dragged_along(&self, cause: &Instruction) -> impl Iterator<Item = &Instruction> {
        let line = cause.line;
        let follows = move |it: &&Instruction| {
            it.first_cause_line == Some(line) && it.line != line && it.verdict.is_busy()
        };
        self.instructions.iter().filter(follows)
    }
}
