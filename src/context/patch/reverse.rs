//! Changes the other way round: what leads from the new side of a diff to the old one.

use super::hunk::{Hunk, LineKind};
use super::{ChangeKind, ContentChange, FileChange};

impl FileChange {
    /// The change that takes this one back. Of several, the last one is taken back first.
    ///
    /// A file that was deleted comes back with the lines that the diff shows of it. Of a folder
    /// nothing is told that could come back, and a copy is a file that is deleted.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let (kind, path) = match &self.kind {
            ChangeKind::Added | ChangeKind::AddedFolder | ChangeKind::Copied { .. } => {
                (ChangeKind::Deleted, self.path.clone())
            }
            ChangeKind::Deleted => (ChangeKind::Added, self.path.clone()),
            ChangeKind::Renamed { from } => (ChangeKind::Renamed { from: self.path.clone() }, from.clone()),
            kind @ (ChangeKind::Edited | ChangeKind::ModeChanged | ChangeKind::TypeChanged) => {
                (kind.clone(), self.path.clone())
            }
        };
        let content = match &self.content {
            // Its lines are told only as far as they differ from the other file's.
            _ if matches!(self.kind, ChangeKind::Copied { .. }) => ContentChange::Same,
            ContentChange::Hunks(hunks) => ContentChange::Hunks(hunks.iter().map(Hunk::reversed).collect()),
            // Nothing is told of what a deleted file had in it.
            ContentChange::Same if kind == ChangeKind::Added => ContentChange::NotTold,
            other => other.clone(),
        };
        Self {
            path,
            kind,
            mode: self.mode_before,
            mode_before: self.mode,
            content,
            blobs: self.blobs.clone().map(|(old, new)| (new, old)),
            line: self.line,
        }
    }
}

impl Hunk {
    /// The hunk that takes this one back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut hunk = self.clone();
        std::mem::swap(&mut hunk.old_start, &mut hunk.new_start);
        for line in &mut hunk.lines {
            line.kind = match line.kind {
                LineKind::Context => LineKind::Context,
                LineKind::Removed => LineKind::Added,
                LineKind::Added => LineKind::Removed,
            };
        }
        hunk
    }
}

#[cfg(test)]
mod tests {
    use super::super::{apply, apply_hunks, parse};
    use crate::context::{Entry, Tree};
    use crate::digest::Digest;

    const DIFF: &str = "diff --git a/gone b/gone\ndeleted file mode 100755\nindex 1111111..0000000\n--- a/gone\n\
        +++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n\
        diff --git a/new b/new\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n+++ b/new\n\
        @@ -0,0 +1 @@\n+new\n\
        diff --git a/from b/to\nsimilarity index 100%\nrename from from\nrename to to\n\
        diff --git a/run b/run\nold mode 100644\nnew mode 100755\n";

    #[test]
    fn a_tree_goes_back() {
        let file = |text: &str| Entry::file(Digest::of(text.as_bytes()), text.len() as u64);
        let mut now = Tree::default();
        now.insert("new", file("new\n"));
        now.insert("to", file("moved"));
        now.insert("run", Entry { mode: 0o755, ..file("run") });
        let back: Vec<_> = parse(DIFF).changes.iter().rev().map(super::FileChange::reversed).collect();
        let mut before = now.clone();
        let applied = apply(&mut before, &back, 1);
        assert!(applied.problems.is_empty(), "{:?}", applied.problems);
        let paths: Vec<String> = before.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["from", "gone", "run"]);
        let gone = before.get("gone").unwrap();
        assert_eq!((gone.mode, &gone.kind), (0o755, &file("one\ntwo\n").kind));
        assert_eq!(before.get("run").unwrap().mode, 0o644);
        assert_eq!(before.get("from").unwrap().kind, file("moved").kind);
    }

    #[test]
    fn twice_is_the_same() {
        let patch = parse(&format!("{DIFF}--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n a\n-b\n+B\n+c\n"));
        for change in &patch.changes {
            assert_eq!(&change.reversed().reversed(), change);
        }
        let hunks: Vec<_> = patch.changes.last().unwrap().reversed().hunks().to_vec();
        assert_eq!(apply_hunks("a\nB\nc\n", &hunks).unwrap(), "a\nb\n");
    }
}
