//! Parser directives as a client reads them, and the options of `# check=`.
//!
//! ```text
//! directive = comment [ blanks ] name [ blanks ] "=" [ blanks ] value
//! comment   = "#" | "//"                      the latter for a file's syntax only
//! name      = "syntax" | "escape" | "check"   in any case
//! options   = option { ";" option }           at most three; a further ";" belongs to the last
//! option    = ( "skip" | "experimental" ) "=" ( "all" | rule { "," rule } ) | "error" "=" boolean
//! ```
//!
//! A client looks for these two before it parses, and is stricter and looser
//! than the parser: no blank before the comment sign, but one `#!` line may come
//! first, and the syntax may also stand in a `//` comment or in a JSON object. See
//! [parser directives](https://docs.docker.com/reference/dockerfile/#parser-directives).

use super::error::Problem;
use super::json;
use super::mount::go_bool;
use super::source::physical_lines;
use super::syntax::{Directive, Spanned};
use crate::text::{TextRange, go_quote};

/// A byte-order mark.
pub(super) const BOM: char = '\u{feff}';

/// What `\s` means in Go's regular expressions.
const BLANKS: [char; 5] = [' ', '\t', '\n', '\u{c}', '\r'];

/// A comment read as a directive.
pub(super) struct Found<'a> {
    /// In lower case.
    pub(super) name: String,
    /// What stands behind the `=`.
    pub(super) value: &'a str,
    /// Where the value begins in the comment.
    pub(super) value_start: usize,
}

/// `# name = value`, if the name is that of a directive.
pub(super) fn split<'a>(line: &'a str, comment: &str) -> Option<Found<'a>> {
    let rest = line.strip_prefix(comment)?.trim_start();
    let (name, tail) = rest.split_once('=')?;
    let name = name.trim_end_matches(BLANKS).to_ascii_lowercase();
    if !matches!(name.as_str(), "syntax" | "escape" | "check") {
        return None;
    }
    let from_value = tail.trim_start_matches(BLANKS);
    let value = from_value.trim_end_matches(BLANKS);
    if !value.is_empty() {
        return Some(Found { name, value, value_start: line.len() - from_value.len() });
    }
    // A value is never empty: of nothing but blanks, the last one is the value.
    let (idx, blank) = tail.char_indices().rfind(|(_, ch)| *ch != '\n')?;
    let value = tail.get(idx..idx + blank.len_utf8())?;
    Some(Found { name, value, value_start: line.len() - tail.len() + idx })
}

/// The directives that `text` begins with, and what stopped the search if that
/// was a mistake. The text is taken as it is: a byte-order mark ends the search.
#[must_use]
pub fn leading(text: &str) -> (Vec<Directive>, Option<Problem>) {
    search(text, 0, 0, "#")
}

/// The same from `start` on, behind `n_lines` lines.
fn search(text: &str, start: usize, n_lines: u32, comment: &str) -> (Vec<Directive>, Option<Problem>) {
    let mut directives: Vec<Directive> = Vec::new();
    for (line, number) in physical_lines(text, start).zip(n_lines + 1..) {
        if line.is_too_long() {
            break;
        }
        let Some(found) = split(line.full, comment) else {
            break;
        };
        if directives.iter().any(|directive| directive.name == found.name) {
            return (directives, Some(Problem::DirectiveTwice { name: found.name }));
        }
        let value_start = line.start + found.value_start;
        let range = TextRange::new(value_start, value_start + found.value.len());
        let value = Spanned { value: found.value.to_owned(), range };
        directives.push(Directive { name: found.name, value, line: number });
    }
    (directives, None)
}

/// Where directives may begin, and how many lines stand before that: a
/// byte-order mark and a `#!` line are passed over.
fn search_start(text: &str) -> (usize, u32) {
    let body = text.strip_prefix(BOM).unwrap_or(text);
    let start = text.len() - body.len();
    if !body.starts_with("#!") {
        return (start, 0);
    }
    (start + body.find('\n').map_or(body.len(), |idx| idx + 1), 1)
}

fn find(text: &str, comment: &str, name: &str) -> Option<Directive> {
    let (start, n_lines) = search_start(text);
    let (directives, _) = search(text, start, n_lines, comment);
    directives.into_iter().find(|directive| directive.name == name)
}

/// The frontend that a client loads for this file, with its options. Its line is
/// counted from 0 where a JSON object names it.
#[must_use]
pub fn syntax(text: &str) -> Option<Directive> {
    find(text, "#", "syntax").or_else(|| find(text, "//", "syntax")).or_else(|| {
        let (start, n_lines) = search_start(text);
        let value = json::string_member(text.get(start..)?, "syntax")?;
        let value = Spanned { value, range: TextRange::new(start, text.len()) };
        Some(Directive { name: "syntax".to_owned(), value, line: n_lines })
    })
}

/// The options that the file gives to the checks.
#[must_use]
pub fn check(text: &str) -> Option<Directive> {
    find(text, "#", "check")
}

/// What `# check=` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// `skip=all`.
    pub skips_all: bool,
    /// `skip=A,B`: names of rules, any text.
    pub skips: Option<Vec<String>>,
    /// `experimental=all`.
    pub has_all_experimental: bool,
    /// `experimental=A,B`.
    pub experimental: Option<Vec<String>>,
    /// `error=true`: a warning makes the build fail.
    pub is_error: bool,
}

impl CheckOptions {
    /// Reads the value of `# check=`.
    ///
    /// # Errors
    /// The message of a builder, for an option that it does not know or cannot read.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        let text = text.trim();
        if text.is_empty() {
            return Ok(options);
        }
        for option in text.splitn(3, ';') {
            let unknown = |name: &str| format!("invalid check option {}", go_quote(name));
            let (name, value) = option.split_once('=').ok_or_else(|| unknown(option))?;
            let value = value.trim();
            let rules = || Some(value.split(',').map(|rule| rule.trim().to_owned()).collect());
            match (name.trim(), value) {
                ("skip", "all") => options.skips_all = true,
                ("skip", _) => options.skips = rules(),
                ("experimental", "all") => options.has_all_experimental = true,
                ("experimental", _) => options.experimental = rules(),
                ("error", _) => {
                    options.is_error = go_bool(value).ok_or_else(|| {
                        let (option, value) = (go_quote(option), go_quote(value));
                        format!("failed to parse check option {option}: strconv.ParseBool: parsing {value}: invalid syntax")
                    })?;
                }
                (other, _) => return Err(unknown(other)),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_syntax(text: &str, expected: Option<(&str, u32)>) {
        let found = syntax(text);
        assert_eq!(found.as_ref().map(|found| (found.value.value.as_str(), found.line)), expected, "{text}");
    }

    #[test]
    fn finds_the_syntax() {
        check_syntax("# Syntax = a b \nFROM x\n", Some(("a b", 1)));
        check_syntax("\u{feff}#!/bin/sh\n//syntax=a", Some(("a", 2)));
        check_syntax("{\"check\": [1, {}], \"syntax\": \"a\"}", Some(("a", 0)));
        check_syntax(" # syntax=a\n", None);
        check_syntax("# other=b\n# syntax=a\n", None);
        check_syntax("# syntax=\n", None);
        check_syntax("# syntax=  \n", Some((" ", 1)));
    }

    #[test]
    fn stops_at_a_repetition() {
        let (found, problem) = leading("# syntax=a\n# syntax=b\n");
        assert_eq!((found.len(), problem), (1, Some(Problem::DirectiveTwice { name: "syntax".into() })));
    }

    #[test]
    fn reads_check_options() {
        let options = CheckOptions::read(" skip= A , B ;error=true;experimental=all").unwrap();
        assert_eq!(options.skips, Some(vec!["A".to_owned(), "B".to_owned()]));
        assert!(options.is_error && options.has_all_experimental && !options.skips_all);
        assert_eq!(CheckOptions::read("skip").unwrap_err(), "invalid check option \"skip\"");
    }
}
