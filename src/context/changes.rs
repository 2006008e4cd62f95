//! Which of the files that a step takes differ between two versions of a context, and how.

use std::collections::{BTreeMap, BTreeSet};

use super::select::{self, Selector, follow, select};
use super::{Entry, Tree, normal_path};
use crate::digest::Digest;

/// What happened to a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum FileChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its bytes differ.
    Content,
    /// Its mode or owner differs, its bytes do not.
    Header,
    /// It is there, but a pattern hides it now.
    NowIgnored,
    /// It was there, but a pattern hid it.
    IgnoredBefore,
}

/// A file that counts, and what happened to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileChange {
    /// Its path in the context.
    pub path: String,
    /// What happened.
    pub kind: FileChangeKind,
    /// What was there.
    pub before: Option<Entry>,
    /// What is there.
    pub after: Option<Entry>,
}

impl FileChange {
    /// What happened at a path, by what was and is there.
    #[must_use]
    pub fn new(path: String, before: Option<&Entry>, after: Option<&Entry>) -> Self {
        let kind = match (before, after) {
            (None, _) => FileChangeKind::Added,
            (_, None) => FileChangeKind::Deleted,
            (Some(before), Some(after)) if before.kind == after.kind => FileChangeKind::Header,
            _ => FileChangeKind::Content,
        };
        Self { path, kind, before: before.cloned(), after: after.cloned() }
    }
}

/// The first of the files that are taken, in order; of large folders no more than these are looked at.
#[must_use]
pub fn first_files(tree: &Tree, selectors: &[Selector], n_files: usize) -> Vec<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    for selector in selectors {
        if !selector.is_plain() {
            let files = select(tree, std::slice::from_ref(selector)).map(|found| found.files);
            found.extend(files.unwrap_or_default().into_iter().take(n_files).map(|(path, _)| path));
            continue;
        }
        let Some(path) = follow(tree, &selector.path, selector.follows_links) else { continue };
        if tree.get(&path).is_some_and(|entry| !entry.is_dir()) {
            found.insert(path);
            continue;
        }
        let files = tree.below(&path).filter(|(_, entry)| !entry.is_dir()).take(n_files);
        found.extend(files.map(|(path, _)| path));
    }
    found.into_iter().take(n_files).collect()
}

/// How the selected files of two trees differ.
#[must_use]
pub fn changes(then: &Tree, old: &[Selector], now: &Tree, new: &[Selector]) -> Vec<FileChange> {
    let mut changes = Vec::new();
    let digests = (select::digest(then, old), select::digest(now, new));
    if digests.0.is_ok() && digests.0 == digests.1 {
        return changes;
    }
    if old == new && new.iter().all(Selector::is_plain) {
        // Where the same is taken whole, only what the trees do not share is looked at.
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for selector in new {
            taken.insert(normal_path(&selector.path));
            let trees = [then, now].into_iter();
            taken.extend(trees.filter_map(|tree| follow(tree, &selector.path, selector.follows_links)));
        }
        let is_in = |path: &str, folder: &str| {
            let rest = path.strip_prefix(folder);
            folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_taken = |path: &str| taken.iter().any(|folder| is_in(path, folder));
        let differences = then.differences(now).into_iter();
        for it in differences.filter(|it| is_taken(&it.path)) {
            let header = |entry: Option<&Entry>| entry.map(Entry::header_digest);
            if header(it.before) != header(it.after) {
                changes.push(FileChange::new(it.path, it.before, it.after));
            }
        }
    } else {
        let files = |tree: &Tree, selectors: &[Selector]| -> BTreeMap<String, Digest> {
            select(tree, selectors).map(|found| found.files.into_iter().collect()).unwrap_or_default()
        };
        let (before, after) = (files(then, old), files(now, new));
        let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for path in paths.into_iter().filter(|path| before.get(*path) != after.get(*path)) {
            let (old, new) = (before.get(path).and(then.get(path)), after.get(path).and(now.get(path)));
            changes.push(FileChange::new(path.clone(), old, new));
        }
    }
    without_folders(changes)
}

/// Folders are named only where nothing below them is.
#[must_use]
pub fn without_folders(mut changes: Vec<FileChange>) -> Vec<FileChange> {
    let mut folders: BTreeSet<String> = BTreeSet::new();
    for change in &changes {
        let ends = change.path.match_indices('/').filter_map(|(idx, _)| change.path.get(..idx));
        folders.extend(ends.map(str::to_owned));
    }
    changes.retain(|change| !folders.contains(&change.path));
    changes
}
