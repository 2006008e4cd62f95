//! Changed lines of a text, put in and taken out again.
//!
//! ```text
//! hunk = "@@ -" place " +" place " @@" { line }     place = start [ "," count ]
//! line = " " context | "-" removed | "+" added | "\ No newline at end of file"
//! ```
//!
//! A hunk goes where its old lines stand: at the place it names, or else at the
//! nearest one. Lines are compared exactly first. A copy through a terminal or a
//! browser changes line endings; where the exact lines are found nowhere, they
//! are compared without their endings, and what is added gets those of the text.

use std::fmt;

/// What a line of a hunk is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineKind {
    /// It stays.
    Context,
    /// It goes.
    Removed,
    /// It comes.
    Added,
}

/// A line of a hunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HunkLine {
    /// What it is.
    pub kind: LineKind,
    /// Without the mark and the line feed.
    pub text: String,
    /// A line feed follows; only the last line of a text may have none.
    pub has_newline: bool,
}

/// Changed lines that stand together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunk {
    /// The first old line, counted from 1; where there is none, the line it comes behind.
    pub old_start: u64,
    /// The first new line, counted in the same way.
    pub new_start: u64,
    /// Its lines.
    pub lines: Vec<HunkLine>,
    /// The line of the diff that it begins on, counted from 1.
    pub line: u32,
}

/// A hunk that cannot be put in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HunkError {
    /// The lines that it changes are not in the text.
    NotFound {
        /// The line of the diff that the hunk begins on.
        line: u32,
    },
    /// What it does is in the text already.
    AlreadyThere {
        /// The line of the diff that the hunk begins on.
        line: u32,
    },
    /// A line without a line feed would stand in the middle of the text.
    NotAtEnd {
        /// The line of the diff that the hunk begins on.
        line: u32,
    },
}

impl fmt::Display for HunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { line } => write!(f, "line {line}: the lines that change are not in the text"),
            Self::AlreadyThere { line } => write!(f, "line {line}: the change is in the text already"),
            Self::NotAtEnd { line } => {
                write!(f, "line {line}: a line without a line feed would not be the last one")
            }
        }
    }
}

impl std::error::Error for HunkError {}

/// The text after the changes.
///
/// # Errors
/// The first hunk that does not fit.
pub fn apply_hunks(old: &str, hunks: &[Hunk]) -> Result<String, HunkError> {
    change(old, hunks, LineKind::Removed)
}

/// The text before the changes: what [`apply_hunks`] made it of.
///
/// # Errors
/// The first hunk that does not fit.
pub fn revert_hunks(new: &str, hunks: &[Hunk]) -> Result<String, HunkError> {
    change(new, hunks, LineKind::Added)
}

/// Where a hunk should go, and what stands there instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misfit {
    /// The line of the diff that the hunk begins on, counted from 1.
    pub hunk_line: u32,
    /// The line of the text that it names, counted from 1.
    pub text_line: u64,
    /// The lines that should stand there.
    pub expected: Vec<String>,
    /// The lines that do.
    pub found: Vec<String>,
}

/// What a hunk would change, and what stands in its place: for one that was refused.
/// Long hunks are cut behind the first line that differs.
#[must_use]
pub fn misfit(text: &str, hunk: &Hunk) -> Misfit {
    const MAX_LINES: usize = 8;
    let side = hunk.side(LineKind::Removed);
    let place = hunk.place(LineKind::Removed, side.is_empty());
    let there: Vec<&str> = text.lines().skip(place).take(side.len().max(1)).collect();
    let is_same = |idx: usize| side.get(idx).map(|line| line.text.as_str()) == there.get(idx).copied();
    let n_same = (0..side.len()).take_while(|idx| is_same(*idx)).count();
    let first = n_same.saturating_sub(MAX_LINES / 2);
    let shown = |texts: Vec<&str>| -> Vec<String> {
        texts.into_iter().skip(first).take(MAX_LINES).map(str::to_owned).collect()
    };
    Misfit {
        hunk_line: hunk.line,
        text_line: (place as u64).saturating_add(first as u64).saturating_add(1),
        expected: shown(side.iter().map(|line| line.text.as_str()).collect()),
        found: shown(there),
    }
}

impl Hunk {
    /// The lines of the side that loses lines of the kind `gone`.
    fn side(&self, gone: LineKind) -> Vec<&HunkLine> {
        self.lines.iter().filter(|line| line.kind == LineKind::Context || line.kind == gone).collect()
    }

    /// Where that side begins, as an index of lines.
    fn place(&self, gone: LineKind, is_empty: bool) -> usize {
        let start = if gone == LineKind::Removed { self.old_start } else { self.new_start };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        if is_empty { start } else { start.saturating_sub(1) }
    }
}

impl HunkLine {
    fn is_exactly(&self, line: &str) -> bool {
        match line.strip_suffix('\n') {
            Some(text) => self.has_newline && text == self.text,
            None => !self.has_newline && line == self.text,
        }
    }

    fn is_like(&self, line: &str) -> bool {
        without_ending(line) == self.text.strip_suffix('\r').unwrap_or(&self.text)
    }
}

fn without_ending(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// Where lines stand in a text, and whether they are exactly these.
fn find(lines: &[&str], side: &[&HunkLine], guess: usize, first: usize) -> Option<(usize, bool)> {
    let fits = |at: usize, is_exact: bool| {
        let Some(there) = lines.get(at..at.saturating_add(side.len())) else { return false };
        at >= first
            && side
                .iter()
                .zip(there)
                .all(|(wanted, line)| if is_exact { wanted.is_exactly(line) } else { wanted.is_like(line) })
    };
    if side.is_empty() {
        return Some((guess, true)).filter(|_| guess >= first && guess <= lines.len());
    }
    for is_exact in [true, false] {
        if fits(guess, is_exact) {
            return Some((guess, is_exact));
        }
    }
    let last = lines.len().saturating_sub(side.len());
    let nearest = |is_exact: bool| {
        let farthest = guess.saturating_sub(first).max(last.saturating_sub(guess));
        (1..=farthest.min(lines.len()))
            .flat_map(|far| [guess.checked_sub(far), guess.checked_add(far)])
            .flatten()
            .find(|at| fits(*at, is_exact))
    };
    // A place beyond the end is as far as the end.
    let guess_end = (guess > last).then_some(last);
    for is_exact in [true, false] {
        if let Some(at) = guess_end.filter(|at| fits(*at, is_exact)).or_else(|| nearest(is_exact)) {
            return Some((at, is_exact));
        }
    }
    None
}

fn change(text: &str, hunks: &[Hunk], gone: LineKind) -> Result<String, HunkError> {
    let came = if gone == LineKind::Removed { LineKind::Added } else { LineKind::Removed };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::with_capacity(text.len());
    let mut first = 0;
    // How far the hunk before was from where it should have been.
    let mut drift: isize = 0;
    for hunk in hunks {
        let side = hunk.side(gone);
        let place = hunk.place(gone, side.is_empty());
        let guess = place.saturating_add_signed(drift);
        let Some((at, is_exact)) = find(&lines, &side, guess, first) else {
            let other = hunk.side(came);
            let is_there = !other.is_empty() && find(&lines, &other, hunk.place(came, false), 0).is_some();
            let line = hunk.line;
            return Err(if is_there {
                HunkError::AlreadyThere { line }
            } else {
                HunkError::NotFound { line }
            });
        };
        drift = isize::try_from(at).unwrap_or(0).saturating_sub(isize::try_from(place).unwrap_or(0));
        let mut push = |line: &str| {
            if !out.is_empty() && !out.ends_with('\n') {
                if is_exact {
                    return Err(HunkError::NotAtEnd { line: hunk.line });
                }
                out.push('\n');
            }
            out.push_str(line);
            Ok(())
        };
        lines.get(first..at).unwrap_or(&[]).iter().try_for_each(|line| push(line))?;
        let mut next = at;
        for line in &hunk.lines {
            if line.kind == came {
                let is_crlf = || lines.get(next.saturating_sub(1)).is_some_and(|line| line.ends_with("\r\n"));
                let end = if line.has_newline { "\n" } else { "" };
                if is_exact {
                    push(&format!("{}{end}", line.text))?;
                } else {
                    let text = line.text.strip_suffix('\r').unwrap_or(&line.text);
                    push(&format!("{text}{}{end}", if is_crlf() && !end.is_empty() { "\r" } else { "" }))?;
                }
                continue;
            }
            if line.kind == LineKind::Context {
                push(lines.get(next).copied().unwrap_or(""))?;
            }
            next += 1;
        }
        first = next;
    }
    let rest = lines.get(first..).unwrap_or(&[]);
    if !rest.is_empty() && !out.is_empty() && !out.ends_with('\n') {
        let line = hunks.last().map_or(0, |hunk| hunk.line);
        return Err(HunkError::NotAtEnd { line });
    }
    rest.iter().for_each(|line| out.push_str(line));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunks(diff: &str) -> Vec<Hunk> {
        let patch = super::super::parse(&format!("diff --git a/f b/f\n--- a/f\n+++ b/f\n{diff}"));
        assert!(patch.problems.is_empty(), "{:?}", patch.problems);
        patch.changes[0].hunks().to_vec()
    }

    fn check(old: &str, diff: &str, new: &str) {
        let hunks = hunks(diff);
        assert_eq!(apply_hunks(old, &hunks).as_deref(), Ok(new));
        assert_eq!(revert_hunks(new, &hunks).as_deref(), Ok(old));
    }

    #[test]
    fn there_and_back() {
        check("a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n");
        check("a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n", "a\nb\n");
        check("", "@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n", "a\nb");
        check("a\n", "@@ -1 +0,0 @@\n-a\n", "");
        // Without context.
        check("a\nb\nc\n", "@@ -1,0 +2 @@ a\n+x\n@@ -3 +3,0 @@ b\n-c\n", "a\nx\nb\n");
        // Only line endings change.
        check("a\r\nb\n", "@@ -1,2 +1,2 @@\n-a\r\n+a\n b\n", "a\nb\n");
        // A blank line that lost its mark.
        check("a\n\nb\n", "@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n", "a\n\nc\n");
    }

    #[test]
    fn at_the_nearest_place() {
        let text = "x\ny\na\nb\nz\na\nb\n";
        let moved = hunks("@@ -1,2 +1,2 @@\n a\n-b\n+B\n");
        assert_eq!(apply_hunks(text, &moved).unwrap(), "x\ny\na\nB\nz\na\nb\n");
        let far = hunks("@@ -90,2 +90,2 @@\n a\n-b\n+B\n");
        assert_eq!(apply_hunks(text, &far).unwrap(), "x\ny\na\nb\nz\na\nB\n");
    }

    #[test]
    fn line_endings_of_the_text_are_kept() {
        let diff = hunks("@@ -1,2 +1,3 @@\n a\n-b\n+B\n+c\n");
        assert_eq!(apply_hunks("a\r\nb\r\nd\r\n", &diff).unwrap(), "a\r\nB\r\nc\r\nd\r\n");
        // The last line may have lost its end.
        assert_eq!(apply_hunks("a\nb", &diff).unwrap(), "a\nB\nc\n");
    }

    #[test]
    fn what_stands_there_instead() {
        let diff = hunks("@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n");
        let told = misfit("a\nb\nx\nd\n", &diff[0]);
        assert_eq!((told.hunk_line, told.text_line), (4, 2));
        assert_eq!((told.expected.join(""), told.found.join("")), ("bcd".to_owned(), "bxd".to_owned()));
        assert!(misfit("", &diff[0]).found.is_empty());
    }

    #[test]
    fn what_does_not_fit() {
        let diff = hunks("@@ -1,2 +1,2 @@\n a\n-b\n+B\n");
        assert_eq!(apply_hunks("q\n", &diff), Err(HunkError::NotFound { line: 4 }));
        assert_eq!(apply_hunks("a\nB\n", &diff), Err(HunkError::AlreadyThere { line: 4 }));
        let diff = hunks("@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n");
        assert_eq!(apply_hunks("a\nc\n", &diff), Err(HunkError::NotAtEnd { line: 4 }));
    }
}
