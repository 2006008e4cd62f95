//! # What it does
//! Finds blank lines inside an instruction that goes over several lines.
//!
//! # Why it is bad
//! Builders skip them today and announce to refuse them. A reader takes a blank line
//! for the end of the instruction.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! RUN a \
//!
//!     b
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! RUN a \
//!     b
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/no-empty-continuation/)

use super::Rule;
use super::findings::{Finding, Findings, Place, whole_lines};
use crate::diagnostic::{Fix, TextEdit};
use crate::dockerfile::stage::Dockerfile;
use crate::text::{Lines, TextRange};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "NoEmptyContinuation",
    description: "Empty continuation lines will become errors in a future release",
    url: "https://docs.docker.com/go/dockerfile/rule/no-empty-continuation/",
    is_experimental: false,
};

/// Asked once for the file: the parser has found the instructions.
pub(super) fn check(text: &str, file: &Dockerfile, findings: &mut Findings) {
    for (lines, _) in &file.parse.blank_continuations {
        let index = &file.parse.line_index;
        let line_range = |line| whole_lines(text, index, Lines { first: line, last: line });
        let all = (lines.first..=lines.last).map(line_range);
        let blank: Vec<TextRange> = all.filter(|range| range.of(text).trim().is_empty()).collect();
        let delete = |range: &TextRange| TextEdit { range: *range, insert: String::new() };
        let finding = Finding {
            detail: "Empty continuation line".to_owned(),
            range: blank.first().copied().unwrap_or_default(),
            fix: Some(Fix {
                label: "delete the blank lines".to_owned(),
                edits: blank.iter().map(delete).collect(),
            }),
            ..Finding::default()
        };
        // BuildKit names the last line of the instruction.
        let lines = Lines { first: lines.last, last: lines.last };
        findings.report(&RULE, Place::of_lines(lines), finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn blank_line() {
        check(
            "
FROM alpine
RUN a \\

# warning[NoEmptyContinuation]: Empty continuation line
    b
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("FROM a\nRUN a \\\n\n# why\n  \n  b\n", "FROM a\nRUN a \\\n# why\n  b\n");
    }
}
