//! Unified diffs, as `git` and `diff -u` write them.
//!
//! ```text
//! diff    = { anything | section | plain }
//! section = "diff --git " names { header } [ "--- " name "+++ " name { hunk } ]
//! plain   = "--- " name "+++ " name hunk { hunk }
//! ```
//!
//! `git` puts letters in front of names, `a/` and `b/` or others, or with
//! `--no-prefix` none: letters are cut off where both names are equal behind
//! them. See the [format](https://git-scm.com/docs/diff-format#_generating_patch_text_with_p).

use super::hunk::{Hunk, HunkLine, LineKind};
use super::{ChangeKind, ContentChange, FileChange, Patch, PatchProblemKind};
use crate::context::git::{GitMode, is_id, listed_name};
use crate::context::path::{MAX_PATH_BYTES, unquote};

/// Reads a diff of any number of files.
pub(super) fn read(text: &str, patch: &mut Patch) {
    // Copied on Windows, all lines end in a carriage return, not only those of the files.
    let is_header = |line: &&str| is_section(line) || line.starts_with("--- ");
    let is_crlf = text.split('\n').find(is_header).is_some_and(|line| line.ends_with('\r'));
    let cut = |line| if is_crlf { str::strip_suffix(line, '\r').unwrap_or(line) } else { line };
    let mut lines: Vec<&str> = text.split('\n').map(cut).collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    let mut reader = Reader { lines, at: 0, patch };
    while let Some(line) = reader.peek() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            reader.section(names);
        } else if line.starts_with("diff --cc ") || line.starts_with("diff --combined ") {
            reader.problem(PatchProblemKind::Combined);
            reader.at += 1;
            while reader.peek().is_some_and(|line| !is_section(line)) {
                reader.at += 1;
            }
        } else if reader.is_plain() {
            reader.plain();
        } else {
            if line.starts_with("@@ -") && range_of(line).is_some() {
                reader.problem(PatchProblemKind::NoFile);
            } else if let Some(name) = line.strip_prefix("* Unmerged path ") {
                let path = name.to_owned();
                reader.problem(PatchProblemKind::Unmerged { path });
            }
            reader.at += 1;
        }
    }
}

/// The text has something of a diff.
pub(super) fn is_diff(text: &str) -> bool {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_plain = line.starts_with("--- ") && lines.peek().is_some_and(|next| next.starts_with("+++ "));
        if is_section(line) || is_plain || range_of(line).is_some() || line.starts_with("@@@ -") {
            return true;
        }
    }
    false
}

fn is_section(line: &str) -> bool {
    ["diff --git ", "diff --cc ", "diff --combined "].iter().any(|start| line.starts_with(start))
}

struct Reader<'a, 'p> {
    lines: Vec<&'a str>,
    at: usize,
    patch: &'p mut Patch,
}

/// What the headers of a section tell.
#[derive(Default)]
struct Headers {
    is_new: bool,
    is_deleted: bool,
    is_binary: bool,
    mode: Option<GitMode>,
    mode_before: Option<GitMode>,
    has_other_mode: bool,
    blobs: Option<(String, String)>,
    renamed_from: Option<String>,
    copied_from: Option<String>,
    to: Option<String>,
    /// The names behind `---` and `+++`.
    names: Option<(String, String)>,
}

impl<'a> Reader<'a, '_> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    /// The number of the line that comes next.
    fn number(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn problem(&mut self, kind: PatchProblemKind) {
        let line = self.number();
        self.patch.problem(line, kind);
    }

    /// A diff without a line of `git` in front of it.
    fn is_plain(&self) -> bool {
        let line = |idx: usize| self.lines.get(self.at + idx).copied().unwrap_or("");
        line(0).starts_with("--- ") && line(1).starts_with("+++ ") && range_of(line(2)).is_some()
    }

    fn section(&mut self, names: &str) {
        let line = self.number();
        self.at += 1;
        let pair = names_of(names);
        let mut headers = Headers::default();
        while let Some(next) = self.peek() {
            if !headers.take(next) {
                break;
            }
            self.at += 1;
        }
        headers.names = self.names();
        let content = self.hunks();
        // Where the first line is not clear, for blanks in the names, others say them again.
        let plain = headers.names.take().map(|(old, new)| plain_names(&old, &new));
        let (old, new) = match (pair, plain) {
            (Some((old, new)), _) => (Some(old), Some(new)),
            (None, Some(names)) => names,
            (None, None) => (None, None),
        };
        let name = headers.to.clone().or(if headers.is_deleted { old.or(new) } else { new.or(old) });
        let Some(name) = name else {
            self.patch.problem(line, PatchProblemKind::NothingTold);
            return;
        };
        let Some(path) = self.patch.path_of(&name, line) else { return };
        let is_told = content.is_some() || headers.is_binary;
        let content = match content {
            Some(content) => content,
            None if headers.is_binary => ContentChange::Changed,
            None if headers.is_new => ContentChange::Hunks(Vec::new()),
            None if headers.blobs.as_ref().is_some_and(|(old, new)| old != new) => ContentChange::Changed,
            None => ContentChange::Same,
        };
        let from = headers.renamed_from.as_ref().or(headers.copied_from.as_ref());
        let from = match from {
            Some(from) => match self.patch.path_of(from, line) {
                Some(from) => Some(from),
                None => return,
            },
            None => None,
        };
        let kind = match from {
            Some(from) if headers.renamed_from.is_some() => ChangeKind::Renamed { from },
            Some(from) => ChangeKind::Copied { from },
            None if headers.is_new => ChangeKind::Added,
            None if headers.is_deleted => ChangeKind::Deleted,
            None if is_told || content != ContentChange::Same => ChangeKind::Edited,
            None if headers.has_other_mode => ChangeKind::ModeChanged,
            None => {
                self.patch.problem(line, PatchProblemKind::NothingTold);
                return;
            }
        };
        let mode = headers.mode.filter(|_| !headers.is_deleted);
        let mode_before = headers.mode_before.or(headers.mode).filter(|_| !headers.is_new);
        let blobs = headers.blobs;
        self.patch.changes.push(FileChange { path, kind, mode, mode_before, content, blobs, line });
    }

    fn plain(&mut self) {
        let line = self.number();
        let Some((old, new)) = self.names() else { return };
        let content = self.hunks().unwrap_or(ContentChange::Changed);
        let (old, new) = plain_names(&old, &new);
        let kind = match (&old, &new) {
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Deleted,
            _ => ChangeKind::Edited,
        };
        if let Some(path) = new.or(old).and_then(|name| self.patch.path_of(&name, line)) {
            let (mode, mode_before) = (None, None);
            self.patch.changes.push(FileChange { path, kind, mode, mode_before, content, blobs: None, line });
        }
    }

    /// The lines with `---` and `+++`.
    fn names(&mut self) -> Option<(String, String)> {
        let old = self.peek()?.strip_prefix("--- ")?;
        let new = self.lines.get(self.at + 1)?.strip_prefix("+++ ")?;
        self.at += 2;
        Some((name_of(old), name_of(new)))
    }

    /// The hunks that follow; `None` if there are none.
    fn hunks(&mut self) -> Option<ContentChange> {
        let mut hunks = Vec::new();
        let mut is_cut = false;
        while let Some(range) = self.peek().and_then(range_of) {
            match self.hunk(range) {
                Some(hunk) => hunks.push(hunk),
                None => is_cut = true,
            }
        }
        match (is_cut, hunks.is_empty()) {
            // Half of the changes would be another file.
            (true, _) => Some(ContentChange::Changed),
            (false, false) => Some(ContentChange::Hunks(hunks)),
            (false, true) => None,
        }
    }

    fn hunk(&mut self, range: Range) -> Option<Hunk> {
        let line = self.number();
        let mut hunk =
            Hunk { old_start: range.old_start, new_start: range.new_start, lines: Vec::new(), line };
        self.at += 1;
        let (mut n_old, mut n_new) = (range.n_old, range.n_new);
        loop {
            let next = self.peek();
            if next.is_some_and(|next| next.starts_with('\\')) {
                if let Some(last) = hunk.lines.last_mut() {
                    last.has_newline = false;
                }
                self.at += 1;
                continue;
            }
            if n_old == 0 && n_new == 0 {
                return Some(hunk);
            }
            let (kind, text) = match next.map(|next| (next.split_at_checked(1), next)) {
                Some((Some((" ", text)), _)) => (LineKind::Context, text),
                Some((Some(("-", text)), _)) => (LineKind::Removed, text),
                Some((Some(("+", text)), _)) => (LineKind::Added, text),
                // Some programs cut blanks off at the end of lines.
                Some((_, text @ ("" | "\r"))) => (LineKind::Context, text),
                _ => {
                    self.patch.problem(line, PatchProblemKind::CutHunk);
                    return None;
                }
            };
            let n_left = |n: u64, is_counted: bool| n.checked_sub(u64::from(is_counted));
            let left = (n_left(n_old, kind != LineKind::Added), n_left(n_new, kind != LineKind::Removed));
            let (Some(old), Some(new)) = left else {
                self.patch.problem(line, PatchProblemKind::CutHunk);
                return None;
            };
            (n_old, n_new) = (old, new);
            hunk.lines.push(HunkLine { kind, text: text.to_owned(), has_newline: true });
            self.at += 1;
        }
    }
}

impl Headers {
    /// Takes a line; `false` if it is no header.
    fn take(&mut self, line: &str) -> bool {
        let behind = |start: &str| line.strip_prefix(start);
        if behind("similarity index ").or(behind("dissimilarity index ")).is_some() {
        } else if let Some(mode) = behind("old mode ") {
            self.mode_before = GitMode::parse(mode);
            self.has_other_mode |= self.mode_before.is_some();
        } else if let Some(mode) = behind("new mode ") {
            self.mode = GitMode::parse(mode);
        } else if let Some(mode) = behind("deleted file mode ") {
            self.is_deleted = true;
            self.mode = GitMode::parse(mode);
        } else if let Some(mode) = behind("new file mode ") {
            self.is_new = true;
            self.mode = GitMode::parse(mode);
        } else if let Some(name) = behind("rename from ") {
            self.renamed_from = Some(listed_name(name));
        } else if let Some(name) = behind("copy from ") {
            self.copied_from = Some(listed_name(name));
        } else if let Some(name) = behind("rename to ").or(behind("copy to ")) {
            self.to = Some(listed_name(name));
        } else if let Some(rest) = behind("index ") {
            let (blobs, mode) = rest.split_once(' ').unwrap_or((rest, ""));
            let blobs = blobs.split_once("..").filter(|(old, new)| is_id(old) && is_id(new));
            self.blobs = blobs.map(|(old, new)| (old.to_owned(), new.to_owned()));
            self.mode = self.mode.or(GitMode::parse(mode));
        } else if line == "GIT binary patch"
            || (line.starts_with("Binary files ") && line.ends_with(" differ"))
        {
            self.is_binary = true;
        } else {
            return false;
        }
        true
    }
}

/// The numbers of a hunk.
#[derive(Clone, Copy)]
struct Range {
    old_start: u64,
    n_old: u64,
    new_start: u64,
    n_new: u64,
}

fn range_of(line: &str) -> Option<Range> {
    let (ranges, _) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let place = |text: &str| -> Option<(u64, u64)> {
        let (start, n) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, n.parse().ok()?))
    };
    let ((old_start, n_old), (new_start, n_new)) = (place(old)?, place(new)?);
    Some(Range { old_start, n_old, new_start, n_new })
}

/// A name behind `---` or `+++`: a time may follow behind a tab.
fn name_of(text: &str) -> String {
    match unquote(text) {
        Some((name, _)) => name,
        None => text.split('\t').next().unwrap_or(text).to_owned(),
    }
}

/// The names of a plain diff, without what is in front of both; `None` for a file that is not there.
fn plain_names(old: &str, new: &str) -> (Option<String>, Option<String>) {
    const NOTHING: &str = "/dev/null";
    let one = |name: &str| {
        let letter = ["a/", "b/", "i/", "w/", "c/", "o/"].iter().find_map(|it| name.strip_prefix(it));
        Some(letter.unwrap_or(name).to_owned())
    };
    match (old == NOTHING, new == NOTHING) {
        (true, true) => (None, None),
        (true, false) => (None, one(new)),
        (false, true) => (one(old), None),
        (false, false) => {
            let (old, new) = without_prefix(old, new).unwrap_or((old, new));
            (Some(old.to_owned()), Some(new.to_owned()))
        }
    }
}

/// Two names that are equal behind their first folders, without these.
fn without_prefix<'n>(old: &'n str, new: &'n str) -> Option<(&'n str, &'n str)> {
    let ((before, old_rest), (after, new_rest)) = (old.split_once('/')?, new.split_once('/')?);
    (before != after && old_rest == new_rest).then_some((old_rest, new_rest))
}

/// The two names of a section; `None` where they differ, or where blanks leave it open.
fn names_of(text: &str) -> Option<(String, String)> {
    let same = |old: &str, new: &str| -> Option<(String, String)> {
        let (old, new) = if old == new { (old, new) } else { without_prefix(old, new)? };
        Some((old.to_owned(), new.to_owned()))
    };
    // Each blank may be the one between them, and looking costs as much as the line is long.
    if text.len() > 4 * MAX_PATH_BYTES {
        return None;
    }
    if let Some((old, rest)) = unquote(text) {
        return same(&old, &listed_name(rest.strip_prefix(' ')?));
    }
    if text.ends_with('"') {
        let (old, new) = text.split_at_checked(text.find(" \"")?)?;
        return same(old, &unquote(new.strip_prefix(' ')?)?.0);
    }
    // The names are equally long, but for prefixes that are not letters.
    text.match_indices(' ').find_map(|(idx, _)| same(text.get(..idx)?, text.get(idx + 1..)?))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::context::patch::{ContentChange, PatchKind, parse};

    fn check(text: &str, expected: &Expect) {
        let patch = parse(text);
        assert_eq!(patch.kind, Some(PatchKind::Diff));
        let mut out = String::new();
        for change in &patch.changes {
            let content = match &change.content {
                ContentChange::Hunks(hunks) => {
                    let n_lines: usize = hunks.iter().map(|hunk| hunk.lines.len()).sum();
                    format!("{} hunks, {n_lines} lines", hunks.len())
                }
                other => format!("{other:?}"),
            };
            let mode = change.mode.map_or(String::new(), |mode| format!(" {mode:?}"));
            out += &format!("{}: {:?} {}{mode}, {content}\n", change.line, change.kind, change.path);
        }
        for problem in &patch.problems {
            out += &format!("! {problem}\n");
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn of_git() {
        check(
            "From 1234 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\n--- a remark\n---\n f | 2 +-\n\n\
             diff --git a/f b/f\nindex 1234567..89abcde 100644\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@ fn x\n a\n-b\n+c\n\
             @@ -9 +9 @@\n-x\n\\ No newline at end of file\n+y\n-- \n2.39.0\n\n\
             diff --git a/with blank b/with blank\nnew file mode 100644\nindex 0000000..1234567\n--- /dev/null\n\
             +++ b/with blank\t\n@@ -0,0 +1 @@\n+a\n\
             diff --git \"a/\\303\\244\" \"b/\\303\\244\"\ndeleted file mode 100755\nindex 1234567..0000000\n\
             diff --git a/one b/two\nsimilarity index 90%\nrename from one\nrename to two\nindex 1234567..89abcde 100644\n\
             --- a/one\n+++ b/two\n@@ -1 +1 @@\n-a\n+b\n\
             diff --git a/one b/three\nsimilarity index 100%\ncopy from one\ncopy to three\n\
             diff --git a/run b/run\nold mode 100644\nnew mode 100755\n\
             diff --git a/p.png b/p.png\nindex 1234567..89abcde 100644\nBinary files a/p.png and b/p.png differ\n\
             diff --git a/q.png b/q.png\nindex 1234567..89abcde 100644\nGIT binary patch\nliteral 4\nLcmZ\n\nliteral 0\nHcmV\n\n",
            &expect![[r#"
                8: Edited f File, 2 hunks, 5 lines
                23: Added with blank File, 1 hunks, 1 lines
                30: Deleted ä, Changed
                33: Renamed { from: "one" } two File, 1 hunks, 2 lines
                43: Copied { from: "one" } three, Same
                47: ModeChanged run Executable, Same
                50: Edited p.png File, Changed
                53: Edited q.png File, Changed
            "#]],
        );
    }

    #[test]
    fn prefixes() {
        check(
            "diff --git a/x a/x\nindex 1234567..89abcde 100644\n--- a/x\n+++ a/x\n@@ -1 +1 @@\n-a\n+b\n\
             diff --git i/y w/y\nindex 1234567..89abcde 100644\n--- i/y\n+++ w/y\n@@ -1 +1 @@\n-a\n+b\n\
             diff --git z z\nnew file mode 100644\nindex 0000000..e69de29\n",
            &expect![[r#"
                1: Edited a/x File, 1 hunks, 2 lines
                8: Edited y File, 1 hunks, 2 lines
                15: Added z File, 0 hunks, 0 lines
            "#]],
        );
    }

    #[test]
    fn without_git() {
        check(
            "--- old/f\t2024-01-01 00:00:00\n+++ new/f\t2024-01-02 00:00:00\n@@ -1 +1 @@\n-a\n+b\n\
             --- /dev/null\n+++ b/g\n@@ -0,0 +1 @@\n+a\n--- Dockerfile.orig\n+++ Dockerfile\n@@ -1 +1 @@\n-a\n+b\n",
            &expect![[r#"
                1: Edited f, 1 hunks, 2 lines
                6: Added g, 1 hunks, 1 lines
                10: Edited Dockerfile, 1 hunks, 2 lines
            "#]],
        );
    }

    #[test]
    fn copied_on_windows() {
        check(
            "diff --git a/f b/f\r\nindex 1234567..89abcde 100644\r\n--- a/f\r\n+++ b/f\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n",
            &expect![[r#"
                1: Edited f File, 1 hunks, 2 lines
            "#]],
        );
    }

    #[test]
    fn what_is_not_understood() {
        check(
            "diff --cc f\nindex 1,2..3\n--- a/f\n+++ b/f\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n\
             @@ -1 +1 @@\ndiff --git a/g b/g\n--- a/g\n+++ b/g\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n\
             diff --git a/h b/h\ndiff --git a/../up b/../up\nold mode 100644\nnew mode 100755\n* Unmerged path m\n\
             @@ -1 +1 @@\n-a\n+b\n",
            &expect![[r#"
                8: Edited g, Changed
                ! line 1: this is the diff of a merge, which has several old sides; use git diff against one
                ! line 11: there are fewer lines than announced; the file counts as edited
                ! line 15: nothing is told of this file
                ! line 16: the path leads out of the context
                ! line 19: m is not merged; it counts as edited
                ! line 20: changed lines without the file they belong to
            "#]],
        );
    }
}
