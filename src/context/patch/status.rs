//! Lists of changed files: `git status --porcelain` and `git diff --name-status`.
//!
//! A status has two letters, for the index and for the files: what counts is how
//! the files differ from the commit. See the
//! [format](https://git-scm.com/docs/git-status#_porcelain_format_version_1).

use super::{ChangeKind, ContentChange, FileChange, Patch, PatchProblemKind, not_understood};
use crate::context::git::{GitMode, listed_name};
use crate::context::path::unquote;

/// A line before its names are looked at.
pub(super) struct Found {
    what: What,
    mode: Option<GitMode>,
    content: ContentChange,
    name: String,
    from: Option<String>,
}

/// What a line tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Edited,
    Added,
    Deleted,
    Renamed,
    Copied,
    ModeChanged,
    TypeChanged,
    Unmerged,
    /// A header, or a file that is ignored.
    Nothing,
}

/// Reads a list line by line. What stands in front of the first line that is
/// understood, such as a commit's message, is not looked at.
pub(super) fn read(text: &str, read_line: impl Fn(&str) -> Option<Found>, patch: &mut Patch) {
    let mut is_begun = false;
    for (line, number) in text.lines().zip(1..) {
        match read_line(line) {
            Some(found) => {
                is_begun = true;
                add(found, number, patch);
            }
            None if is_begun && !line.trim().is_empty() => patch.problem(number, not_understood(line)),
            None => {}
        }
    }
}

fn add(found: Found, line: u32, patch: &mut Patch) {
    if found.what == What::Nothing {
        return;
    }
    let Some(path) = patch.path_of(&found.name, line) else { return };
    let from = match found.from {
        Some(from) => match patch.path_of(&from, line) {
            Some(from) => from,
            None => return,
        },
        None => String::new(),
    };
    let kind = match found.what {
        What::Edited | What::Nothing => ChangeKind::Edited,
        What::Added if found.name.ends_with('/') => ChangeKind::AddedFolder,
        What::Added => ChangeKind::Added,
        What::Deleted => ChangeKind::Deleted,
        What::Renamed => ChangeKind::Renamed { from },
        What::Copied => ChangeKind::Copied { from },
        What::ModeChanged => ChangeKind::ModeChanged,
        What::TypeChanged => ChangeKind::TypeChanged,
        What::Unmerged => {
            patch.problem(line, PatchProblemKind::Unmerged { path: path.clone() });
            ChangeKind::Edited
        }
    };
    let content = found.content;
    let (mode, mode_before) = (found.mode, None);
    patch.changes.push(FileChange { path, kind, mode, mode_before, content, blobs: None, line });
}

/// `M\tNAME`, `R100\tOLD\tNEW`
pub(super) fn name_status_line(line: &str) -> Option<Found> {
    let (status, names) = line.split_once('\t')?;
    let (letter, score) = status.split_at_checked(1)?;
    if score.len() > 3 || !score.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let edited = if score == "100" { ContentChange::Same } else { ContentChange::Changed };
    let (what, content) = match letter {
        "M" | "X" | "B" => (What::Edited, ContentChange::Changed),
        "A" => (What::Added, ContentChange::Changed),
        "D" => (What::Deleted, ContentChange::Same),
        "T" => (What::TypeChanged, ContentChange::Changed),
        "U" => (What::Unmerged, ContentChange::Changed),
        "R" => (What::Renamed, edited),
        "C" => (What::Copied, edited),
        _ => return None,
    };
    let (from, name) = match what {
        What::Renamed | What::Copied => {
            let (from, name) = names.split_once('\t')?;
            (Some(listed_name(from)), name)
        }
        _ => (None, names),
    };
    (!name.is_empty()).then(|| Found { what, mode: None, content, name: listed_name(name), from })
}

/// What two letters say, and whether the content of a file with another name is known to be the same.
fn meaning(index: char, files: char) -> Option<(What, ContentChange)> {
    let is_edited = files == 'M';
    let content = if is_edited { ContentChange::Changed } else { ContentChange::NotTold };
    Some(match (index, files) {
        ('?', '?') => (What::Added, ContentChange::Changed),
        ('!', '!') => (What::Nothing, ContentChange::Same),
        ('U', _) | (_, 'U') | ('A', 'A') | ('D', 'D') => (What::Unmerged, ContentChange::Changed),
        (' ' | 'M' | 'T' | 'A' | 'R' | 'C', 'D') | ('D', ' ') => (What::Deleted, ContentChange::Same),
        ('R', ' ' | 'M' | 'T') | (' ', 'R') => (What::Renamed, content),
        ('C', ' ' | 'M' | 'T') | (' ', 'C') => (What::Copied, content),
        ('A', ' ' | 'M' | 'T') | (' ', 'A') => (What::Added, ContentChange::Changed),
        ('T', ' ' | 'M' | 'T') | (' ' | 'M', 'T') => (What::TypeChanged, ContentChange::Changed),
        // Out of the index, and there again.
        ('D', 'M' | 'A' | 'T') | ('M', ' ' | 'M') | (' ', 'M') => (What::Edited, ContentChange::Changed),
        _ => return None,
    })
}

/// `XY NAME`, `XY OLD -> NEW`, `## BRANCH`
pub(super) fn first_line(line: &str) -> Option<Found> {
    let nothing = || {
        let (content, name) = (ContentChange::Same, String::new());
        Found { what: What::Nothing, mode: None, content, name, from: None }
    };
    if line.starts_with("## ") {
        return Some(nothing());
    }
    let mut chars = line.chars();
    let (index, files, blank) = (chars.next()?, chars.next()?, chars.next()?);
    // A copied list may have lost its very first blank.
    let (index, files, names) = match (files, blank) {
        (_, ' ') if files != ' ' || chars.as_str().chars().next().is_some_and(|ch| ch != ' ') => {
            (index, files, chars.as_str())
        }
        (' ', _) if matches!(index, 'M' | 'D' | 'T') => (' ', index, line.get(2..)?),
        _ => return None,
    };
    let (what, content) = meaning(index, files)?;
    if what == What::Nothing {
        return Some(nothing());
    }
    let (from, name) = match what {
        What::Renamed | What::Copied => {
            let (from, name) = match unquote(names) {
                Some((from, rest)) => (from, rest.strip_prefix(" -> ")?),
                None => names.split_once(" -> ").map(|(from, name)| (from.to_owned(), name))?,
            };
            (Some(from), name)
        }
        _ => (None, names),
    };
    (!name.is_empty()).then(|| Found { what, mode: None, content, name: listed_name(name), from })
}

/// `1 XY SUB mH mI mW hH hI NAME`, `2 ... SCORE NAME\tOLD`, `u ...`, `? NAME`, `# HEADER`
pub(super) fn second_line(line: &str) -> Option<Found> {
    let nothing = Found {
        what: What::Nothing,
        mode: None,
        content: ContentChange::Same,
        name: String::new(),
        from: None,
    };
    let (form, rest) = line.split_once(' ')?;
    if form == "?" {
        let name = listed_name(rest);
        return Some(Found { what: What::Added, content: ContentChange::Changed, name, ..nothing });
    }
    if form == "!" || (form == "#" && ["branch.", "stash "].iter().any(|it| rest.starts_with(it))) {
        return Some(nothing);
    }
    let n_fields = match form {
        "1" => 7,
        "2" => 8,
        "u" => 9,
        _ => return None,
    };
    let mut fields = rest.splitn(n_fields + 1, ' ');
    let letters = fields.next()?;
    let fields: Vec<&str> = fields.collect();
    let name = *fields.get(n_fields - 1)?;
    if form == "u" {
        let name = listed_name(name);
        return Some(Found { what: What::Unmerged, content: ContentChange::Changed, name, ..nothing });
    }
    let [_, head_mode, index_mode, file_mode, head, index, ..] = fields.as_slice() else { return None };
    let mut letters = letters.chars().map(|ch| if ch == '.' { ' ' } else { ch });
    let (index_letter, file_letter) = (letters.next()?, letters.next()?);
    let (mut what, mut content) = meaning(index_letter, file_letter)?;
    // What is staged is told by blobs; of what is not, only that something is another.
    let is_staged_only = file_letter == ' ';
    if is_staged_only && head == index {
        content = ContentChange::Same;
        if what == What::Edited && head_mode != index_mode {
            what = What::ModeChanged;
        }
    } else if what == What::Renamed || what == What::Copied {
        content = ContentChange::Changed;
    }
    let mode = GitMode::parse(file_mode).filter(|_| what != What::Deleted);
    let (name, from) = match form {
        "2" => {
            let (name, from) = name.split_once('\t')?;
            (listed_name(name), Some(listed_name(from)))
        }
        _ => (listed_name(name), None),
    };
    Some(Found { what, mode, content, name, from })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::context::patch::{PatchKind, parse};

    fn check(text: &str, kind: PatchKind, expected: &Expect) {
        let patch = parse(text);
        assert_eq!(patch.kind, Some(kind));
        let mut out = String::new();
        for change in &patch.changes {
            let mode = change.mode.map_or(String::new(), |mode| format!(" {mode:?}"));
            let (line, kind, content) = (change.line, &change.kind, &change.content);
            out += &format!("{line}: {kind:?} {}{mode}, {content:?}\n", change.path);
        }
        for problem in &patch.problems {
            out += &format!("! {problem}\n");
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn first_version() {
        let text = "## main...origin/main\n M a\nM  b\nMM c\nA  d\n D e\nD  f\nR  g -> h\n\
                    RM \"i j\" -> \"\\303\\244\"\nC  k -> l\n?? m/\n?? n\n!! o\nUU p\n T q\nAD r\nwhat\n";
        check(
            text,
            PatchKind::Status,
            &expect![[r#"
            2: Edited a, Changed
            3: Edited b, Changed
            4: Edited c, Changed
            5: Added d, Changed
            6: Deleted e, Same
            7: Deleted f, Same
            8: Renamed { from: "g" } h, NotTold
            9: Renamed { from: "i j" } ä, Changed
            10: Copied { from: "k" } l, NotTold
            11: AddedFolder m, Changed
            12: Added n, Changed
            14: Edited p, Changed
            15: TypeChanged q, Changed
            16: Deleted r, Same
            ! line 14: p is not merged; it counts as edited
            ! line 17: "what" is not understood
        "#]],
        );
        // The blank in front was lost.
        check(
            "M a\n M b\n",
            PatchKind::Status,
            &expect![[r#"
            1: Edited a, Changed
            2: Edited b, Changed
        "#]],
        );
    }

    #[test]
    fn second_version() {
        let (a, b) = ("1".repeat(40), "2".repeat(40));
        let text = format!(
            "# branch.oid {a}\n# branch.head main\n1 .M N... 100644 100644 100755 {a} {a} x y\n\
             1 M. N... 100644 100644 100644 {a} {b} staged\n1 M. N... 100644 100755 100755 {a} {a} mode\n\
             1 A. N... 000000 100644 100644 {} {a} added\n1 .D N... 100644 100644 000000 {a} {a} gone\n\
             2 R. N... 100644 100644 100644 {a} {a} R100 new\told\n2 R. N... 100644 100644 100644 {a} {b} R75 n\to\n\
             u UU N... 100644 100644 100644 100644 {a} {a} {a} both\n? untracked\n! ignored\n1 what\n",
            "0".repeat(40)
        );
        check(
            &text,
            PatchKind::Status,
            &expect![[r#"
            3: Edited x y Executable, Changed
            4: Edited staged File, Changed
            5: ModeChanged mode Executable, Same
            6: Added added File, Changed
            7: Deleted gone, Same
            8: Renamed { from: "old" } new File, Same
            9: Renamed { from: "o" } n File, Changed
            10: Edited both, Changed
            11: Added untracked, Changed
            ! line 10: both is not merged; it counts as edited
            ! line 13: "1 what" is not understood
        "#]],
        );
    }

    #[test]
    fn name_status() {
        let text = "commit 1234\nAuthor: x\n\n    words\n\nM\ta\nA\tb c\nD\td\nR100\te\tf\nR075\tg\th\n\
                    C100\ti\tj\nT\tk\nU\tl\nR100\tm\nM\t../up\n";
        check(
            text,
            PatchKind::NameStatus,
            &expect![[r#"
            6: Edited a, Changed
            7: Added b c, Changed
            8: Deleted d, Same
            9: Renamed { from: "e" } f, Same
            10: Renamed { from: "g" } h, Changed
            11: Copied { from: "i" } j, Same
            12: TypeChanged k, Changed
            13: Edited l, Changed
            ! line 13: l is not merged; it counts as edited
            ! line 14: "R100\tm" is not understood
            ! line 15: the path leads out of the context
        "#]],
        );
    }

    #[test]
    fn neither() {
        let patch = parse("On branch main\nnothing to commit\n");
        assert_eq!((patch.kind, patch.changes.len(), patch.problems.len()), (None, 0, 1));
        assert_eq!(parse("").problems, []);
    }
}
