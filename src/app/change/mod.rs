//! One diff of everything that a build is made of: Dockerfile, ignore file and files at once.
//!
//! A diff has two sides, and what the page has may be either of them. Where its texts are the old
//! side, the diff is made to them; where they are the new side, it is taken back. Both ways it gives
//! two versions, the one before and the one after, each whole.
//!
//! | in the page | `before` | `after` |
//! | --- | --- | --- |
//! | the old side | as it is | with the diff |
//! | the new side | without it | as it is |
//!
//! Where no text tells the side, the files do: a file that the diff adds and that is there is the new
//! side. Files whose bytes nobody gave get stand-ins, see [`patch`]. Paths of a diff begin at the top
//! of the repository; the folder in front of the context is found and cut off.

mod texts;

use std::fmt;
use std::rc::Rc;

use self::texts::{sided, texts_after};
use super::state::Version;
use crate::context::patch::{
    self, ChangeKind, ContentChange, FileChange, Hunk, HunkLine, LineKind, Misfit, PatchKind, apply_hunks,
};

/// What a diff makes of a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WholeChange {
    /// The old side. Its Dockerfile is empty where the diff creates it: then nothing was built.
    pub before: Version,
    /// The new side.
    pub after: Version,
    /// The side that the present version is.
    pub present: Side,
    /// What was done, as sentences.
    pub done: Vec<String>,
    /// What could not be done, as sentences.
    pub notes: Vec<String>,
}

/// A side of a diff.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The one that is changed.
    Old,
    /// What it becomes.
    New,
}

/// Why a diff makes nothing of a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChangeError {
    /// The text is no diff.
    NotADiff,
    /// It changes nothing that the version has.
    NothingHere,
    /// A text is neither the old side nor the new one.
    NoSide {
        /// Its path.
        path: String,
        /// The hunk that does not fit.
        misfit: Misfit,
    },
    /// How a text changes is not told.
    NotTold {
        /// Its path.
        path: String,
    },
    /// One text is the old side and another one the new.
    BothSides {
        /// The path of the one that is the old side.
        old: String,
        /// The path of the other.
        new: String,
    },
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADiff => f.write_str("this is no diff; paste what git diff prints"),
            Self::NothingHere => f.write_str(
                "it changes neither the Dockerfile, nor the ignore file, nor a file of the context",
            ),
            Self::NoSide { path, misfit } => {
                let lines = |lines: &[String]| match lines {
                    [] => "nothing".to_owned(),
                    lines => format!("“{}”", lines.join("⏎")),
                };
                write!(
                    f,
                    "{path}: the hunk on line {} of the diff fits neither before nor after the change; \
                     at line {} it expects {} and finds {}",
                    misfit.hunk_line,
                    misfit.text_line,
                    lines(&misfit.expected),
                    lines(&misfit.found)
                )
            }
            Self::NotTold { path } => {
                write!(f, "{path}: how it changes is not told; paste what git diff prints")
            }
            Self::BothSides { old, new } => {
                write!(
                    f,
                    "{old} is as it was before the change and {new} as it is after it; make one like the other"
                )
            }
        }
    }
}

impl std::error::Error for ChangeError {}

/// The versions before and after a diff. `n_edit` is another number for each edit.
///
/// # Errors
/// Why the diff says nothing of this version, or does not fit it.
pub fn whole_change(version: &Version, diff: &str, n_edit: u64) -> Result<WholeChange, ChangeError> {
    let patch = patch::parse(diff);
    if patch.kind != Some(PatchKind::Diff) {
        return Err(ChangeError::NotADiff);
    }
    let prefix = prefix_of(version, &patch.changes);
    let (changes, n_outside) = below(&patch.changes, &prefix);
    if changes.is_empty() {
        return Err(ChangeError::NothingHere);
    }
    let sided = sided(version, &changes)?;
    let side = sided.unwrap_or_else(|| side_of_files(version, &changes));
    let mut notes: Vec<String> = patch.problems.iter().map(|it| format!("{it}.")).collect();
    let mut done = Vec::new();
    if n_outside > 0 {
        notes.push(format!("{n_outside} changes are outside of {prefix}, where the context is."));
    }
    let directed: Vec<FileChange> = match side {
        Side::Old => changes,
        Side::New => changes.iter().rev().map(FileChange::reversed).collect(),
    };
    let other = made(version, &directed, side, n_edit, &mut done, &mut notes)?;
    if done.is_empty() && sided.is_none() {
        return Err(ChangeError::NothingHere);
    }
    let (before, after) = match side {
        Side::Old => (version.clone(), other),
        Side::New => (other, version.clone()),
    };
    done.insert(
        0,
        match side {
            Side::Old => {
                "The present state was taken as the old side, and the diff applied to it.".to_owned()
            }
            Side::New => {
                "The present state is the new side already; the old side was derived from it.".to_owned()
            }
        },
    );
    Ok(WholeChange { before, after, present: side, done, notes })
}

/// The versions before and after, of two Dockerfiles in two panes: the present one is the new one.
#[must_use]
pub fn two_versions(version: &Version, old_dockerfile: &str) -> (Version, Version) {
    (Version { dockerfile: old_dockerfile.to_owned(), ..version.clone() }, version.clone())
}

/// The path that a file has before a change.
fn old_path(change: &FileChange) -> &str {
    match &change.kind {
        ChangeKind::Renamed { from } => from,
        _ => &change.path,
    }
}

/// The path of what a file is made of.
fn source_of(change: &FileChange) -> &str {
    match &change.kind {
        ChangeKind::Copied { from } | ChangeKind::Renamed { from } => from,
        _ => &change.path,
    }
}

/// The folder of the repository that the context is, with a slash; empty for all of it.
fn prefix_of(version: &Version, changes: &[FileChange]) -> String {
    const MOST_LOOKED_AT: usize = 200;
    let looked_at = || changes.iter().take(MOST_LOOKED_AT);
    let paths = || changes.iter().flat_map(|change| [change.path.as_str(), source_of(change)]);
    // A text is known by its path; of several of that path, the one is meant that fits.
    let mut of_texts: Vec<&str> = Vec::new();
    for path in paths() {
        for text in [&version.dockerfile_path, &version.ignore_path] {
            let prefix = path.strip_suffix(text.as_str());
            if let Some(prefix) = prefix.filter(|it| it.is_empty() || it.ends_with('/'))
                && !of_texts.contains(&prefix)
                && of_texts.len() < MOST_LOOKED_AT
            {
                of_texts.push(prefix);
            }
        }
    }
    let is_of_text = |change: &&FileChange| {
        let texts = [&version.dockerfile_path, &version.ignore_path];
        texts
            .iter()
            .any(|text| change.path.ends_with(text.as_str()) || source_of(change).ends_with(text.as_str()))
    };
    let changes_of_texts: Vec<FileChange> = changes.iter().filter(is_of_text).cloned().collect();
    let fits = |prefix: &&&str| sided(version, &below(&changes_of_texts, prefix).0).is_ok();
    // The shortest first: it is nearest to the top.
    let shortest =
        |fits: &dyn Fn(&&&str) -> bool| of_texts.iter().filter(fits).min_by_key(|prefix| prefix.len());
    if let Some(prefix) = shortest(&fits).or_else(|| shortest(&|_| true)) {
        return (*prefix).to_owned();
    }
    let n_known = |prefix: &str| {
        let known =
            |path: &str| path.strip_prefix(prefix).is_some_and(|rest| version.files.get(rest).is_some());
        looked_at().filter(|change| known(&change.path) || known(old_path(change))).count()
    };
    let mut best = ("", n_known(""));
    for path in looked_at().map(|change| change.path.as_str()) {
        for prefix in path.match_indices('/').filter_map(|(at, _)| path.get(..=at)) {
            let n = n_known(prefix);
            if n > best.1 {
                best = (prefix, n);
            }
        }
    }
    best.0.to_owned()
}

/// The changes below a folder with their paths within it, and how many are elsewhere.
fn below(changes: &[FileChange], prefix: &str) -> (Vec<FileChange>, usize) {
    let mut found = Vec::new();
    for change in changes {
        let inside = change.path.strip_prefix(prefix).map(str::to_owned);
        let from_inside = match &change.kind {
            ChangeKind::Renamed { from } | ChangeKind::Copied { from } => {
                Some(from.strip_prefix(prefix).map(str::to_owned))
            }
            _ => None,
        };
        let is_copy = matches!(change.kind, ChangeKind::Copied { .. });
        let (path, kind, content) = match (inside, from_inside) {
            (Some(path), None) => (path, change.kind.clone(), change.content.clone()),
            (Some(path), Some(Some(from))) if is_copy => {
                (path, ChangeKind::Copied { from }, change.content.clone())
            }
            (Some(path), Some(Some(from))) => (path, ChangeKind::Renamed { from }, change.content.clone()),
            // It comes from elsewhere or goes there: what is in it is not told.
            (Some(path), Some(None)) => (path, ChangeKind::Added, ContentChange::NotTold),
            (None, Some(Some(from))) if !is_copy => (from, ChangeKind::Deleted, ContentChange::Same),
            (None, _) => continue,
        };
        found.push(FileChange { path, kind, content, ..change.clone() });
    }
    let n_outside = changes.len() - found.len();
    (found, n_outside)
}

/// The side that the files are, as far as they tell.
fn side_of_files(version: &Version, changes: &[FileChange]) -> Side {
    let has = |path: &str| version.files.get(path).is_some();
    let (mut n_old, mut n_new) = (0_usize, 0_usize);
    for change in changes {
        let (is_old, is_new) = match &change.kind {
            ChangeKind::Added => (!has(&change.path), has(&change.path)),
            ChangeKind::Deleted => (has(&change.path), !has(&change.path)),
            ChangeKind::Renamed { from } => {
                (has(from) && !has(&change.path), !has(from) && has(&change.path))
            }
            _ => (
                patch::is_old_side(&version.files, change),
                patch::is_old_side(&version.files, &change.reversed()),
            ),
        };
        n_old += usize::from(is_old);
        n_new += usize::from(is_new);
    }
    if n_new > n_old { Side::New } else { Side::Old }
}

/// The version that changes make.
fn made(
    version: &Version,
    changes: &[FileChange],
    side: Side,
    n_edit: u64,
    done: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> Result<Version, ChangeError> {
    let mut texts = texts_after(version, changes).map_err(|stuck| stuck.why)?;
    if texts.is_without_dockerfile {
        notes.push(match side {
            Side::Old => {
                texts.dockerfile.clone_from(&version.dockerfile);
                format!("{} is deleted; a build needs it, so it stays.", version.dockerfile_path)
            }
            Side::New => format!("{} is new: there was nothing to build before.", version.dockerfile_path),
        });
    }
    for change in texts.touched.iter().filter_map(|idx| changes.get(*idx)) {
        let stays = side == Side::Old && change.kind == ChangeKind::Deleted && texts.is_without_dockerfile;
        let told = format!("{} differs between the two sides.", change.path);
        if !stays && !done.contains(&told) {
            done.push(told);
        }
    }
    let of_files = changes.iter().enumerate().filter(|(idx, _)| !texts.touched.contains(idx));
    let of_files: Vec<FileChange> = of_files.map(|(_, change)| copied_text(version, change)).collect();
    let mut files = Rc::clone(&version.files);
    if !of_files.is_empty() {
        let applied = patch::apply(Rc::make_mut(&mut files), &of_files, n_edit);
        notes.extend(applied.problems.iter().map(|problem| format!("{problem}.")));
        let counts = applied.counts();
        if !counts.is_empty() {
            done.push(format!("Files on the other side: {counts}."));
        }
    }
    Ok(Version {
        dockerfile: texts.dockerfile,
        dockerfile_path: texts.dockerfile_path,
        dockerignore: texts.dockerignore,
        ignore_path: texts.ignore_path,
        files,
        ..version.clone()
    })
}

/// A copy of a text, which is not among the files, is a new file whose lines are known.
fn copied_text(version: &Version, change: &FileChange) -> FileChange {
    let text = match &change.kind {
        ChangeKind::Copied { from } if *from == version.dockerfile_path => &version.dockerfile,
        ChangeKind::Copied { from } if *from == version.ignore_path => &version.dockerignore,
        _ => return change.clone(),
    };
    let Ok(text) = apply_hunks(text, change.hunks()) else { return change.clone() };
    let line = |line: &str| HunkLine {
        kind: LineKind::Added,
        text: line.trim_end_matches('\n').to_owned(),
        has_newline: line.ends_with('\n'),
    };
    let lines = text.split_inclusive('\n').map(line).collect();
    let hunk = Hunk { old_start: 0, new_start: 1, lines, line: change.line };
    FileChange { kind: ChangeKind::Added, content: ContentChange::Hunks(vec![hunk]), ..change.clone() }
}

#[cfg(test)]
mod tests;
