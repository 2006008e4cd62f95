//! Changes put into a tree.
//!
//! Where a diff tells all of a content (new files, links), the tree has it
//! exactly. Else an edited file gets a content that it has never had: its digest
//! is made of the one before and of what the diff changes, context and places
//! aside from the old line, so that one diff makes the same of the same. Where a
//! list tells no more than "edited", the number of the edit stands in for that.

use std::collections::BTreeSet;

use super::hunk::{Hunk, LineKind};
use super::{ChangeKind, ContentChange, FileChange, PatchProblem, PatchProblemKind};
use crate::context::git::{GitMode, blob_digest, is_whole_id, unknown_target};
use crate::context::path::{MAX_ENTRIES, folders_above};
use crate::context::{Assumed, Entry, EntryKind, Tree};
use crate::digest::{Digest, Hasher};
use crate::text::to_bytes;

/// What [`apply()`] did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Applied {
    /// Files with another content, or made another type.
    pub n_edited: usize,
    /// New files and folders, copies among them.
    pub n_added: usize,
    /// Files that are gone.
    pub n_deleted: usize,
    /// Files with another name.
    pub n_renamed: usize,
    /// Files with another mode and the same content.
    pub n_modes: usize,
    /// New files of which a list tells no more, and which are there already.
    pub n_same: usize,
    /// What could not be done, by the lines of the changes.
    pub problems: Vec<PatchProblem>,
}

impl Applied {
    /// How many files of each kind, as people read it; empty for none.
    #[must_use]
    pub fn counts(&self) -> String {
        let counts = [
            (self.n_edited, "edited"),
            (self.n_added, "added"),
            (self.n_deleted, "deleted"),
            (self.n_renamed, "renamed"),
            (self.n_modes, "with another mode"),
            (self.n_same, "there already"),
        ];
        let parts: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        parts.join(", ")
    }
}

/// The file that is there is the old side of a change, as the name of its blob tells.
#[must_use]
pub fn is_old_side(tree: &Tree, change: &FileChange) -> bool {
    let Some((before, _)) = change.blobs.as_ref().filter(|(before, _)| is_whole_id(before)) else {
        return false;
    };
    let path = if let ChangeKind::Renamed { from } = &change.kind { from } else { &change.path };
    let digest = tree.get(path).and_then(|entry| match entry.kind {
        EntryKind::File { digest, .. } => Some(digest),
        _ => None,
    });
    digest == Some(blob_digest(before))
}

/// Makes the changes. What a file was renamed or copied from is looked up in the
/// tree as it was, so that names can be exchanged.
///
/// `n_edit` is another number for each edit: where nobody tells what is new in a
/// content, it makes it another one, and it is what times are made of.
pub fn apply(tree: &mut Tree, changes: &[FileChange], n_edit: u64) -> Applied {
    let before = tree.clone();
    let mut applier = Applier { tree, before, written: BTreeSet::new(), n_edit, applied: Applied::default() };
    for change in changes {
        if let Err(kind) = applier.change(change) {
            applier.applied.problems.push(PatchProblem { line: change.line, kind });
        }
    }
    applier.applied
}

struct Applier<'t> {
    tree: &'t mut Tree,
    before: Tree,
    /// Paths that got something, which must not go with the old name of something else.
    written: BTreeSet<String>,
    n_edit: u64,
    applied: Applied,
}

impl Applier<'_> {
    fn change(&mut self, change: &FileChange) -> Result<(), PatchProblemKind> {
        let path = change.path.as_str();
        match &change.kind {
            ChangeKind::Edited | ChangeKind::TypeChanged | ChangeKind::ModeChanged => {
                let entry = self.known(path)?;
                let entry = self.edited(entry, change);
                self.insert(change, entry)?;
                match change.content {
                    ContentChange::Same => self.applied.n_modes += 1,
                    _ => self.applied.n_edited += 1,
                }
            }
            ChangeKind::Added => {
                let is_told = matches!(change.content, ContentChange::Hunks(_)) || change.blobs.is_some();
                if !is_told && self.tree.get(path).is_some() {
                    self.applied.n_same += 1;
                    return Ok(());
                }
                let entry = self.added(change);
                self.insert(change, entry)?;
                self.applied.n_added += 1;
                if change.mode == Some(GitMode::Submodule) {
                    return Err(PatchProblemKind::Submodule { path: path.to_owned() });
                }
            }
            ChangeKind::AddedFolder => {
                if self.tree.get(path).is_some_and(Entry::is_dir) {
                    self.applied.n_same += 1;
                    return Ok(());
                }
                let assumed = Assumed::MODE.and(Assumed::CONTENT);
                self.insert(change, Entry { assumed, ..Entry::dir() })?;
                self.applied.n_added += 1;
                return Err(PatchProblemKind::FolderWithoutFiles { path: path.to_owned() });
            }
            ChangeKind::Deleted => {
                if self.tree.get(path).is_none() {
                    return Err(PatchProblemKind::UnknownPath { path: path.to_owned() });
                }
                self.remove(path);
                self.applied.n_deleted += 1;
            }
            ChangeKind::Renamed { from } => {
                let entry = self.source(from)?;
                let entry = self.edited(entry, change);
                if !self.written.contains(from) {
                    self.remove(from);
                }
                self.insert(change, entry)?;
                self.applied.n_renamed += 1;
            }
            ChangeKind::Copied { from } => {
                let entry = self.source(from)?;
                let entry = self.edited(entry, change);
                self.insert(change, entry)?;
                self.applied.n_added += 1;
            }
        }
        Ok(())
    }

    /// A file that is there.
    fn known(&self, path: &str) -> Result<Entry, PatchProblemKind> {
        file_of(self.tree.get(path), path)
    }

    /// What something was renamed or copied from.
    fn source(&self, path: &str) -> Result<Entry, PatchProblemKind> {
        file_of(self.before.get(path).or_else(|| self.tree.get(path)), path)
    }

    fn insert(&mut self, change: &FileChange, entry: Entry) -> Result<(), PatchProblemKind> {
        let path = change.path.as_str();
        let missing: Vec<&str> =
            folders_above(path).take_while(|it| !self.tree.get(it).is_some_and(Entry::is_dir)).collect();
        if self.tree.len() + missing.len() + 1 > MAX_ENTRIES + self.before.len() {
            return Err(PatchProblemKind::TooManyEntries);
        }
        let assumed = if change.mode.is_some() { Assumed::NOTHING } else { Assumed::MODE };
        for folder in missing.into_iter().rev() {
            self.tree.insert(folder, Entry { assumed, ..Entry::dir() });
        }
        self.tree.insert(path, entry);
        self.written.insert(path.to_owned());
        Ok(())
    }

    /// Takes a file out, and the folders that it leaves empty, as `git` does.
    fn remove(&mut self, path: &str) {
        self.tree.remove(path);
        for folder in folders_above(path) {
            if self.tree.node(folder).is_none_or(|node| node.n_below() > 0) {
                break;
            }
            self.tree.remove(folder);
        }
    }

    /// Unlike that of any file as it was given, and of any other edit.
    fn mtime_secs(&self) -> i64 {
        i64::try_from(self.n_edit).unwrap_or(i64::MAX / 2).saturating_add(1_000)
    }

    /// A new file.
    fn added(&self, change: &FileChange) -> Entry {
        let mode_assumed = if change.mode.is_some() { Assumed::NOTHING } else { Assumed::MODE };
        let mut entry = match (&change.content, change.mode) {
            (_, Some(GitMode::Submodule | GitMode::Dir)) => {
                return Entry { assumed: Assumed::CONTENT, ..Entry::dir() };
            }
            (ContentChange::Hunks(hunks), Some(GitMode::Symlink)) => {
                let kind = EntryKind::Symlink { target: new_lines(hunks) };
                Entry { kind, ..Entry::dir() }
            }
            (ContentChange::Hunks(hunks), _) => {
                let bytes = to_bytes(&new_lines(hunks));
                Entry::file(Digest::of(&bytes), bytes.len() as u64)
            }
            (_, mode) => {
                let mut entry = Entry::file(Digest::of(change.path.as_bytes()), 0);
                entry.assumed = Assumed::CONTENT;
                if mode == Some(GitMode::Symlink) {
                    entry.kind = EntryKind::Symlink { target: self.target(change).0 };
                } else if let EntryKind::File { digest, .. } = &mut entry.kind {
                    *digest = self.next_digest(*digest, change);
                }
                entry
            }
        };
        entry.mode = change.mode.unwrap_or(GitMode::File).bits();
        entry.assumed = entry.assumed.and(mode_assumed);
        entry.mtime_secs = self.mtime_secs();
        entry
    }

    /// A file with the change made.
    fn edited(&self, mut entry: Entry, change: &FileChange) -> Entry {
        if change.content != ContentChange::Same {
            entry.mtime_secs = self.mtime_secs();
        }
        if change.content == ContentChange::NotTold {
            entry.assumed = entry.assumed.and(Assumed::CONTENT);
        }
        let is_link = matches!(entry.kind, EntryKind::Symlink { .. });
        let becomes_link = match change.mode {
            Some(mode) => mode == GitMode::Symlink,
            None => is_link != (change.kind == ChangeKind::TypeChanged),
        };
        if is_link != becomes_link {
            entry = self.other_type(entry, change);
        } else if matches!(change.content, ContentChange::Changed | ContentChange::Hunks(_)) {
            match &mut entry.kind {
                EntryKind::File { digest, size_bytes } => {
                    *digest = self.next_digest(*digest, change);
                    *size_bytes = next_size(*size_bytes, change.hunks());
                }
                EntryKind::Symlink { target } => {
                    let (next, assumed) = self.target(change);
                    *target = next;
                    entry.assumed = entry.assumed.without(Assumed::CONTENT).and(assumed);
                }
                EntryKind::Dir | EntryKind::HardLink { .. } => {}
            }
        }
        if let Some(mode) = change.mode {
            entry.mode = mode.bits_for(&entry);
            entry.assumed = entry.assumed.without(Assumed::MODE);
        }
        entry
    }

    /// A link in the place of a file, or a file in the place of a link; what is in it is not told.
    fn other_type(&self, entry: Entry, change: &FileChange) -> Entry {
        let (kind, mode, assumed) = match entry.kind {
            EntryKind::Symlink { target } => {
                let digest = self.next_digest(Digest::of(target.as_bytes()), change);
                (EntryKind::File { digest, size_bytes: 0 }, GitMode::File, Assumed::CONTENT)
            }
            _ => {
                let (target, assumed) = self.target(change);
                (EntryKind::Symlink { target }, GitMode::Symlink, assumed)
            }
        };
        Entry { kind, mode: mode.bits(), assumed: assumed.and(Assumed::MODE), ..entry }
    }

    /// The target of a link after a change, or what stands for one that is not told.
    fn target(&self, change: &FileChange) -> (String, Assumed) {
        let told = new_lines(change.hunks());
        if !told.is_empty() {
            return (told, Assumed::NOTHING);
        }
        let unknown = match &change.blobs {
            Some((_, new)) => unknown_target(new),
            None => format!("(edit {})", self.n_edit),
        };
        (unknown, Assumed::CONTENT)
    }

    /// The identity of a content after a change.
    fn next_digest(&self, old: Digest, change: &FileChange) -> Digest {
        if let Some((before, after)) = &change.blobs
            && is_whole_id(after)
            && old == blob_digest(before)
        {
            // The file is known by its blobs before and after.
            return blob_digest(after);
        }
        let mut hasher = Hasher::default();
        hasher.field("edited");
        hasher.update(old.as_bytes());
        match (&change.content, &change.blobs) {
            (ContentChange::Hunks(hunks), _) => {
                hunks.iter().for_each(|hunk| fingerprint(hunk, &mut hasher));
            }
            (_, Some((_, after))) => {
                hasher.field("blob");
                hasher.field(after);
            }
            (_, None) => {
                hasher.field("edit");
                hasher.field(&self.n_edit.to_string());
            }
        }
        hasher.finish()
    }
}

fn file_of(entry: Option<&Entry>, path: &str) -> Result<Entry, PatchProblemKind> {
    match entry {
        Some(entry) if entry.is_dir() => Err(PatchProblemKind::Submodule { path: path.to_owned() }),
        Some(entry) => Ok(entry.clone()),
        None => Err(PatchProblemKind::UnknownPath { path: path.to_owned() }),
    }
}

/// What a hunk changes and where; how much context is around it does not count.
fn fingerprint(hunk: &Hunk, hasher: &mut Hasher) {
    let mut old_line = hunk.old_start;
    // A place without old lines is the line in front of it.
    if hunk.lines.iter().all(|line| line.kind == LineKind::Added) {
        old_line = old_line.saturating_add(1);
    }
    for line in &hunk.lines {
        let mark = match line.kind {
            LineKind::Context => "",
            LineKind::Removed => "-",
            LineKind::Added => "+",
        };
        if !mark.is_empty() {
            hasher.field(&format!("{mark}{old_line} {}", line.has_newline));
            hasher.field(&line.text);
        }
        if line.kind != LineKind::Added {
            old_line = old_line.saturating_add(1);
        }
    }
}

/// All lines that come, as one text.
fn new_lines(hunks: &[Hunk]) -> String {
    let mut text = String::new();
    for line in hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.kind == LineKind::Added) {
        text.push_str(&line.text);
        if line.has_newline {
            text.push('\n');
        }
    }
    text
}

fn next_size(size_bytes: u64, hunks: &[Hunk]) -> u64 {
    let of_kind = |kind: LineKind| -> u64 {
        let lines = hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.kind == kind);
        lines.map(|line| to_bytes(&line.text).len() as u64 + u64::from(line.has_newline)).sum()
    };
    size_bytes.saturating_add(of_kind(LineKind::Added)).saturating_sub(of_kind(LineKind::Removed))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};

    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.insert(path, Entry::file(Digest::of(text.as_bytes()), text.len() as u64));
        }
        tree
    }

    fn sample() -> Tree {
        tree(&[("Dockerfile", "FROM a\n"), ("src/a", "1\n"), ("src/b", "22\n"), ("old/only", "x")])
    }

    fn applied(tree: &Tree, text: &str, n_edit: u64) -> (Tree, Applied) {
        let patch = crate::context::patch::parse(text);
        assert_eq!(patch.problems, []);
        let mut tree = tree.clone();
        let applied = apply(&mut tree, &patch.changes, n_edit);
        (tree, applied)
    }

    /// What differs afterwards, and what is told.
    fn check(text: &str, expected: &Expect) {
        let before = sample();
        let (after, applied) = applied(&before, text, 7);
        let mut out = String::new();
        for difference in before.differences(&after) {
            let Some(entry) = difference.after else {
                writeln!(out, "{} gone", difference.path).unwrap();
                continue;
            };
            let what = match &entry.kind {
                EntryKind::File { digest, size_bytes } => {
                    let is_of = |text: &str| Digest::of(text.as_bytes()) == *digest;
                    let known =
                        ["FROM a\n", "1\n", "22\n", "x", "new\n", ""].into_iter().find(|text| is_of(text));
                    known.map_or(format!("{size_bytes} other"), |text| format!("{size_bytes} {text:?}"))
                }
                EntryKind::Dir => "folder".to_owned(),
                EntryKind::Symlink { target } | EntryKind::HardLink { target } => format!("-> {target}"),
            };
            let letters = [(Assumed::MODE, "m"), (Assumed::CONTENT, "c")];
            let assumed =
                letters.map(|(it, letter)| if entry.assumed.includes(it) { letter } else { "" }).concat();
            let line = format!("{} {:o} {what} @{} {assumed}", difference.path, entry.mode, entry.mtime_secs);
            writeln!(out, "{}", line.trim_end()).unwrap();
        }
        for problem in &applied.problems {
            writeln!(out, "! {problem}").unwrap();
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn a_diff() {
        check(
            "diff --git a/Dockerfile b/Dockerfile\nindex 1111111..2222222 100644\n--- a/Dockerfile\n\
             +++ b/Dockerfile\n@@ -1 +1,2 @@\n FROM a\n+RUN b\n\
             diff --git a/src/a b/src/a\nold mode 100644\nnew mode 100755\n\
             diff --git a/old/only b/new/name\nsimilarity index 100%\nrename from old/only\nrename to new/name\n\
             diff --git a/src/b b/src/b\ndeleted file mode 100644\nindex 1111111..0000000\n--- a/src/b\n\
             +++ /dev/null\n@@ -1 +0,0 @@\n-22\n\
             diff --git a/n b/n\nnew file mode 100755\nindex 0000000..1111111\n--- /dev/null\n+++ b/n\n\
             @@ -0,0 +1 @@\n+new\n\
             diff --git a/empty b/empty\nnew file mode 100644\nindex 0000000..e69de29\n\
             diff --git a/link b/link\nnew file mode 120000\nindex 0000000..1111111\n--- /dev/null\n+++ b/link\n\
             @@ -0,0 +1 @@\n+src/a\n\\ No newline at end of file\n\
             diff --git a/nowhere b/nowhere\nindex 1111111..2222222 100644\nBinary files a/nowhere and b/nowhere differ\n",
            &expect![[r#"
                Dockerfile 644 13 other @1007
                empty 644 0 "" @1007
                link 777 -> src/a @1007
                n 755 4 "new\n" @1007
                new 755 folder @0 m
                new/name 644 1 "x" @0
                old gone
                old/only gone
                src/a 755 2 "1\n" @0
                src/b gone
                ! line 40: nowhere is not in the context
            "#]],
        );
    }

    #[test]
    fn a_status() {
        check(
            " M Dockerfile\nR  src/a -> src/c\n D src/b\n?? new\n?? folder/\n?? old/only\n T old/only\n M gone\n",
            &expect![[r#"
                Dockerfile 644 7 other @1007
                folder 755 folder @0 mc
                new 644 0 other @1007 mc
                old/only 777 -> (edit 7) @1007 mc
                src/a gone
                src/b gone
                src/c 644 2 "1\n" @1007 c
                ! line 5: folder is a new folder; its files are not told
                ! line 8: gone is not in the context
            "#]],
        );
    }

    #[test]
    fn names_are_exchanged() {
        check(
            "R100\tsrc/a\tsrc/b\nR100\tsrc/b\tsrc/a\nC100\tDockerfile\td\n",
            &expect![[r#"
            d 644 7 "FROM a\n" @0
            src/a 644 3 "22\n" @0
            src/b 644 2 "1\n" @0
        "#]],
        );
    }

    #[test]
    fn the_same_diff_makes_the_same() {
        let text = |context: &str| format!("diff --git a/src/a b/src/a\n--- a/src/a\n+++ b/src/a\n{context}");
        let wide = text("@@ -1 +1,2 @@\n 1\n+2\n");
        let digest = |tree: &Tree| match tree.get("src/a").unwrap().kind {
            EntryKind::File { digest, .. } => digest,
            _ => panic!(),
        };
        let (one, _) = applied(&sample(), &wide, 1);
        assert_eq!(applied(&sample(), &wide, 1).0, one);
        // Another amount of context, or another time, is the same change.
        assert_eq!(digest(&applied(&sample(), &text("@@ -1,0 +2 @@\n+2\n"), 2).0), digest(&one));
        assert_ne!(digest(&applied(&sample(), &text("@@ -1,0 +2 @@\n+3\n"), 1).0), digest(&one));
        // Twice is another content again.
        assert_ne!(digest(&applied(&one, &wide, 1).0), digest(&one));
        // A list tells nothing of the content: each paste is an edit of its own.
        let edit = |n_edit: u64| digest(&applied(&sample(), "M\tsrc/a\n", n_edit).0);
        assert!(edit(1) == edit(1) && edit(1) != edit(2));
    }

    #[test]
    fn blobs_lead_from_one_listing_to_the_next() {
        let (old, new) = ("1".repeat(40), "2".repeat(40));
        let listed = |blob: &str| crate::context::listing::parse(&format!("100644 {blob} 0\tf\n")).tree().0;
        let diff =
            format!("diff --git a/f b/f\nindex {old}..{new} 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n");
        let (after, _) = applied(&listed(&old), &diff, 1);
        assert_eq!(after.get("f").unwrap().header_digest(), listed(&new).get("f").unwrap().header_digest());
    }
}
