//! Changes of many files at once, from pasted text.
//!
//! | text | what it tells |
//! | --- | --- |
//! | `git diff`, `git show`, `git format-patch`, `diff -u` | files, modes, and the changed lines as [`Hunk`]s |
//! | `git status --porcelain`, either version | which files are edited, added, deleted, renamed |
//! | `git diff --name-status` | the same |
//!
//! The text itself says what it is. [`apply()`] changes a [`Tree`](super::Tree);
//! [`apply_hunks`] and [`revert_hunks`] change a text that is known, exactly, and
//! [`FileChange::reversed`] leads from the new side to the old one.
//! What stands around a diff (mails, commit messages) is not looked at. What is
//! not understood is a [`PatchProblem`] with its line; no text makes it fail.
//!
//! Not read: diffs of merges, which have several old sides, and the bytes of
//! binary patches.

mod apply;
mod diff;
mod hunk;
mod reverse;
mod status;

use std::fmt;

pub use self::apply::{Applied, apply, is_old_side};
pub use self::hunk::{Hunk, HunkError, HunkLine, LineKind, Misfit, apply_hunks, misfit, revert_hunks};
use super::git::GitMode;
use super::path::{self, MAX_ENTRIES, PathError};

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PatchKind {
    /// A unified diff.
    Diff,
    /// `git status --porcelain`.
    Status,
    /// `git diff --name-status`.
    NameStatus,
}

/// Changes of files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Patch {
    /// What the text is; `None` if it is none of these.
    pub kind: Option<PatchKind>,
    /// The changes, in order.
    pub changes: Vec<FileChange>,
    /// What was not understood, in order.
    pub problems: Vec<PatchProblem>,
}

/// What happened to a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileChange {
    /// Its path afterwards; of a deleted file the one it had.
    pub path: String,
    /// What.
    pub kind: ChangeKind,
    /// The mode that it has afterwards, where it is told.
    pub mode: Option<GitMode>,
    /// The mode that it had, where it is told.
    pub mode_before: Option<GitMode>,
    /// What became of its content.
    pub content: ContentChange,
    /// The blobs before and after, where they are told, maybe abbreviated.
    pub blobs: Option<(String, String)>,
    /// The line it begins on, counted from 1.
    pub line: u32,
}

/// The kind of a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChangeKind {
    /// Its content is another.
    Edited,
    /// It is new.
    Added,
    /// A new folder, whose files are not told.
    AddedFolder,
    /// It is gone.
    Deleted,
    /// It has another name, and maybe another content.
    Renamed {
        /// The name it had.
        from: String,
    },
    /// It was made of another file, which stays.
    Copied {
        /// That file.
        from: String,
    },
    /// Its mode is another and nothing else.
    ModeChanged,
    /// It was a file and is a link, or the other way around.
    TypeChanged,
}

/// What became of a content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContentChange {
    /// Nothing.
    Same,
    /// It may be another.
    NotTold,
    /// It is another, and how is not told.
    Changed,
    /// Lines of it changed.
    Hunks(Vec<Hunk>),
}

impl FileChange {
    /// The changed lines, where they are told.
    #[must_use]
    pub fn hunks(&self) -> &[Hunk] {
        match &self.content {
            ContentChange::Hunks(hunks) => hunks,
            _ => &[],
        }
    }
}

/// Something wrong with a line of a text, or with what it asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatchProblem {
    /// The line, counted from 1.
    pub line: u32,
    /// What.
    pub kind: PatchProblemKind,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PatchProblemKind {
    /// The text is neither a diff nor a list of changes.
    NotAPatch,
    /// Not a line of such a list.
    NotUnderstood {
        /// How it begins.
        text: String,
    },
    /// A diff of a merge, which has several old sides.
    Combined,
    /// A file in the middle of a merge.
    Unmerged {
        /// Its path.
        path: String,
    },
    /// Changed lines without the file they belong to.
    NoFile,
    /// Fewer changed lines than announced; the file counts as edited.
    CutHunk,
    /// A file of a diff of which nothing is told.
    NothingTold,
    /// A name that cannot be a path.
    BadPath(PathError),
    /// A name that leads out of the context.
    OutsideRoot,
    /// A file that is not in the context.
    UnknownPath {
        /// Its path.
        path: String,
    },
    /// A new folder whose files are not told.
    FolderWithoutFiles {
        /// Its path.
        path: String,
    },
    /// A change of the commit of a submodule, whose files are not told.
    Submodule {
        /// Its path.
        path: String,
    },
    /// More files and folders than are taken; this change is left out.
    TooManyEntries,
}

impl fmt::Display for PatchProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPatch => f.write_str(
                "this is neither a diff nor the output of git status --porcelain or git diff --name-status",
            ),
            Self::NotUnderstood { text } => write!(f, "{text:?} is not understood"),
            Self::Combined => f.write_str(
                "this is the diff of a merge, which has several old sides; use git diff against one",
            ),
            Self::Unmerged { path } => write!(f, "{path} is not merged; it counts as edited"),
            Self::NoFile => f.write_str("changed lines without the file they belong to"),
            Self::CutHunk => f.write_str("there are fewer lines than announced; the file counts as edited"),
            Self::NothingTold => f.write_str("nothing is told of this file"),
            Self::BadPath(error) => error.fmt(f),
            Self::OutsideRoot => f.write_str("the path leads out of the context"),
            Self::UnknownPath { path } => write!(f, "{path} is not in the context"),
            Self::FolderWithoutFiles { path } => {
                write!(f, "{path} is a new folder; its files are not told")
            }
            Self::Submodule { path } => write!(f, "{path} is a submodule; its files are not told"),
            Self::TooManyEntries => write!(f, "no more than {MAX_ENTRIES} files and folders are taken"),
        }
    }
}

impl fmt::Display for PatchProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

/// Reads changes. Any text can be read; [`Patch::kind`] says if it was of use.
#[must_use]
pub fn parse(text: &str) -> Patch {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut patch = Patch { kind: None, changes: Vec::new(), problems: Vec::new() };
    if diff::is_diff(text) {
        patch.kind = Some(PatchKind::Diff);
        diff::read(text, &mut patch);
    } else if text.lines().any(|line| status::name_status_line(line).is_some()) {
        patch.kind = Some(PatchKind::NameStatus);
        status::read(text, status::name_status_line, &mut patch);
    } else if text.lines().any(|line| status::second_line(line).is_some()) {
        patch.kind = Some(PatchKind::Status);
        status::read(text, status::second_line, &mut patch);
    } else if text.lines().any(|line| status::first_line(line).is_some()) {
        patch.kind = Some(PatchKind::Status);
        status::read(text, status::first_line, &mut patch);
    } else if !text.trim().is_empty() {
        patch.problem(1, PatchProblemKind::NotAPatch);
    }
    patch
}

impl Patch {
    fn problem(&mut self, line: u32, kind: PatchProblemKind) {
        self.problems.push(PatchProblem { line, kind });
    }

    /// The path for a name; what cannot be one is told.
    fn path_of(&mut self, name: &str, line: u32) -> Option<String> {
        let kind = match path::clean(name) {
            Ok(clean) if clean.is_outside || clean.path.is_empty() => PatchProblemKind::OutsideRoot,
            Ok(clean) => return Some(clean.path),
            Err(error) => PatchProblemKind::BadPath(error),
        };
        self.problem(line, kind);
        None
    }
}

fn not_understood(line: &str) -> PatchProblemKind {
    PatchProblemKind::NotUnderstood { text: line.chars().take(80).collect() }
}
