//! What is said about a user's text: code, severity, place, words, and a repair.
//!
//! A diagnostic is a value, never a failure: the rest of the text stays
//! understood. Wording lives with the code's variant in the module that raises
//! it; this module only carries it.

use std::borrow::Cow;

use crate::text::{Lines, TextRange};

/// How much a diagnostic matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Severity {
    /// A real builder refuses the file.
    Error,
    /// A real builder accepts the file and warns.
    Warning,
    /// Neither; worth knowing.
    Note,
}

/// A replacement of one range of text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextEdit {
    /// What goes; empty to insert.
    pub range: TextRange,
    /// What comes.
    pub insert: String,
}

/// A mechanical repair.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// What it does, as a verb phrase: "replace `biuld` by `build`".
    pub label: String,
    /// Edits that do not overlap, in order.
    pub edits: Vec<TextEdit>,
}

impl Fix {
    /// Replaces one range.
    #[must_use]
    pub fn replace(range: TextRange, insert: impl Into<String>) -> Self {
        let insert = insert.into();
        Self { label: format!("replace by `{insert}`"), edits: vec![TextEdit { range, insert }] }
    }

    /// `text` with all edits made.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for edit in &self.edits {
            out.push_str(text.get(at..edit.range.start()).unwrap_or(""));
            out.push_str(&edit.insert);
            at = edit.range.end();
        }
        out.push_str(text.get(at..).unwrap_or(""));
        out
    }
}

/// A second place that matters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// Where.
    pub range: TextRange,
    /// What is there.
    pub message: String,
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Stable name: kebab-case for errors, the official rule name for builder checks.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// One short sentence, lower case, no full stop.
    pub message: String,
    /// BuildKit's own words, without the location prefix, where it has some.
    pub builder_message: Option<String>,
    /// The word it is about.
    pub range: TextRange,
    /// The lines that BuildKit names for it.
    pub lines: Lines,
    /// Further places.
    pub labels: Vec<Label>,
    /// What to do next.
    pub help: Option<String>,
    /// Documentation of the rule.
    pub url: Option<&'static str>,
    /// A mechanical repair, where one exists.
    pub fix: Option<Fix>,
}

/// The option nearest to `word`, at an edit distance of at most two, the way
/// BuildKit picks its "did you mean". `None` if `word` is itself an option.
#[must_use]
pub fn nearest<'a>(
    word: &str,
    options: impl IntoIterator<Item = &'a str>,
    ignore_case: bool,
) -> Option<&'a str> {
    let fold =
        |text: &'a str| if ignore_case { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) };
    let word = if ignore_case { word.to_lowercase() } else { word.to_owned() };
    let n_chars = word.chars().count();
    let mut best: Option<(usize, &str)> = None;
    for option in options {
        let folded = fold(option);
        if folded == word {
            return None;
        }
        // Cheap bounds first: the distance is at least the difference in length,
        // and a character has at most four bytes.
        if folded.len().abs_diff(word.len()) > 8 || folded.chars().count().abs_diff(n_chars) > 2 {
            continue;
        }
        let distance = edit_distance(&word, &folded);
        if distance <= 2 && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, option));
        }
    }
    best.map(|(_, option)| option)
}

/// Levenshtein distance, counted in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    // What both begin and end with costs nothing; of names it is often most.
    let head: usize = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(ch, _)| ch.len_utf8()).sum();
    let (a, b) = (a.get(head..).unwrap_or(""), b.get(head..).unwrap_or(""));
    let shared = a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b);
    let tail: usize = shared.map(|(ch, _)| ch.len_utf8()).sum();
    let (a, b) = (a.get(..a.len() - tail).unwrap_or(""), b.get(..b.len() - tail).unwrap_or(""));
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ch) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (other, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let substitute = diagonal + usize::from(ch != *other);
            diagonal = *cell;
            left = substitute.min(*cell + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn did_you_mean() {
        assert_eq!(nearest("RUNN", ["from", "run"], true), Some("run"));
        assert_eq!(nearest("biuld", ["build", "test"], false), Some("build"));
        assert_eq!(nearest("run", ["run"], true), None);
        assert_eq!(nearest("INVALID", ["from", "run"], true), None);
        assert_eq!(
            (edit_distance("kitten", "sitting"), edit_distance("", "abc"), edit_distance("abc", "")),
            (3, 3, 3)
        );
    }
}
