//! What a diff makes of the Dockerfile and the ignore file, and which of its sides they are.

use super::{ChangeError, Side, old_path};
use crate::app::state::Version;
use crate::context::patch::{
    ChangeKind, ContentChange, FileChange, Hunk, HunkError, LineKind, apply_hunks, misfit,
};

/// The side that the texts are. `None` where the diff changes none of them, or where they are both sides.
pub(super) fn sided(version: &Version, changes: &[FileChange]) -> Result<Option<Side>, ChangeError> {
    let reversed: Vec<FileChange> = changes.iter().rev().map(FileChange::reversed).collect();
    match (texts_after(version, changes), texts_after(version, &reversed)) {
        (Ok(forward), Ok(backward)) => Ok(match (forward.is_touched(), backward.is_touched()) {
            (true, false) => Some(Side::Old),
            (false, true) => Some(Side::New),
            // Lines that are only added stand around nothing on the old side, which so is found in the
            // new one, too. Where both fit, the one is meant of which more lines are there.
            (true, true) if forward.n_lines > backward.n_lines => Some(Side::Old),
            (true, true) if forward.n_lines < backward.n_lines => Some(Side::New),
            (true, true) | (false, false) => None,
        }),
        (Ok(forward), Err(_)) if forward.is_touched() => Ok(Some(Side::Old)),
        (Err(_), Ok(backward)) if backward.is_touched() => Ok(Some(Side::New)),
        (Ok(_), Err(stuck)) | (Err(stuck), Ok(_)) => Err(stuck.why),
        (Err(forward), Err(backward)) => {
            let alone = |path: &str| {
                let of_it: Vec<FileChange> = changes.iter().filter(|it| it.path == path).cloned().collect();
                if of_it.len() == changes.len() { None } else { sided(version, &of_it).ok().flatten() }
            };
            let (dockerfile, ignore) = (version.dockerfile_path.clone(), version.ignore_path.clone());
            Err(match (alone(&dockerfile), alone(&ignore)) {
                (Some(Side::Old), Some(Side::New)) => ChangeError::BothSides { old: dockerfile, new: ignore },
                (Some(Side::New), Some(Side::Old)) => ChangeError::BothSides { old: ignore, new: dockerfile },
                // The side of which more fits is the one that is meant.
                _ if backward.hunk_line > forward.hunk_line => backward.why,
                _ => forward.why,
            })
        }
    }
}

/// The two texts after changes, and where they are.
pub(super) struct Texts {
    pub(super) dockerfile: String,
    pub(super) dockerfile_path: String,
    pub(super) dockerignore: String,
    pub(super) ignore_path: String,
    /// The changes that are of texts, by their places.
    pub(super) touched: Vec<usize>,
    /// The lines of them that had to be there.
    n_lines: usize,
    /// The Dockerfile is deleted.
    pub(super) is_without_dockerfile: bool,
}

impl Texts {
    pub(super) fn is_touched(&self) -> bool {
        !self.touched.is_empty()
    }
}

/// A change of a text that cannot be made.
pub(super) struct Stuck {
    /// The hunk that does not fit; 0 for none.
    hunk_line: u32,
    pub(super) why: ChangeError,
}

/// What changes make of the texts; files are not looked at.
pub(super) fn texts_after(version: &Version, changes: &[FileChange]) -> Result<Texts, Stuck> {
    let mut texts = Texts {
        dockerfile: version.dockerfile.clone(),
        dockerfile_path: version.dockerfile_path.clone(),
        dockerignore: version.dockerignore.clone(),
        ignore_path: version.ignore_path.clone(),
        touched: Vec::new(),
        n_lines: 0,
        is_without_dockerfile: false,
    };
    for (idx, change) in changes.iter().enumerate() {
        let path = old_path(change);
        let is_dockerfile = path == texts.dockerfile_path;
        if !is_dockerfile && path != texts.ignore_path {
            continue;
        }
        texts.touched.push(idx);
        let lines = change.hunks().iter().flat_map(|hunk| &hunk.lines);
        texts.n_lines += lines.filter(|line| line.kind != LineKind::Added).count();
        let (text, place) = if is_dockerfile {
            (&mut texts.dockerfile, &mut texts.dockerfile_path)
        } else {
            (&mut texts.dockerignore, &mut texts.ignore_path)
        };
        *text = changed_text(text, path, change)?;
        if matches!(change.kind, ChangeKind::Renamed { .. }) {
            place.clone_from(&change.path);
        }
        if is_dockerfile {
            texts.is_without_dockerfile = change.kind == ChangeKind::Deleted;
        }
    }
    Ok(texts)
}

/// A text after a change of it.
fn changed_text(text: &str, path: &str, change: &FileChange) -> Result<String, Stuck> {
    let hunks = change.hunks();
    let misfits = |hunk: Option<&Hunk>| match hunk {
        Some(hunk) => {
            let (path, misfit) = (path.to_owned(), misfit(text, hunk));
            Stuck { hunk_line: hunk.line, why: ChangeError::NoSide { path, misfit } }
        }
        None => Stuck { hunk_line: 0, why: ChangeError::NotTold { path: path.to_owned() } },
    };
    let is_made = matches!(change.kind, ChangeKind::Added | ChangeKind::Copied { .. });
    let is_fine = match &change.content {
        ContentChange::Hunks(_) => true,
        // Of a file that is deleted, git can be told to print no lines.
        ContentChange::Same => change.kind != ChangeKind::Deleted || !text.is_empty(),
        ContentChange::NotTold | ContentChange::Changed => false,
    };
    // What is made was not there before.
    if !is_fine || (is_made && !text.trim().is_empty()) {
        return Err(misfits(hunks.first()));
    }
    let after = apply_hunks(text, hunks).map_err(|error| {
        let (HunkError::NotFound { line } | HunkError::AlreadyThere { line } | HunkError::NotAtEnd { line }) =
            error;
        misfits(hunks.iter().find(|hunk| hunk.line == line))
    })?;
    if change.kind != ChangeKind::Deleted {
        return Ok(after);
    }
    // What is deleted is all there was.
    if hunks.is_empty() || after.is_empty() { Ok(String::new()) } else { Err(misfits(hunks.first())) }
}
