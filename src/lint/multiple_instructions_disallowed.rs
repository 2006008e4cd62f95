//! # What it does
//! Finds a `CMD`, `ENTRYPOINT` or `HEALTHCHECK` that a later one of its stage replaces.
//!
//! # Why it is bad
//! It has no effect, which whoever changes it finds out late.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! CMD ["a"]
//! CMD ["b"]
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! CMD ["b"]
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/multiple-instructions-disallowed/)

use std::collections::BTreeMap;

use super::Rule;
use super::findings::{Finding, Findings, Place, whole_lines};
use crate::diagnostic::{Fix, TextEdit};
use crate::dockerfile::instruction::{Instruction, Kind};
use crate::text::{LineIndex, Lines, TextRange};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "MultipleInstructionsDisallowed",
    description: "Multiple instructions of the same type should not be used in the same stage",
    url: "https://docs.docker.com/go/dockerfile/rule/multiple-instructions-disallowed/",
    is_experimental: false,
};

/// The last instruction of each kind in a stage.
#[derive(Default)]
pub(super) struct Earlier {
    by_kind: BTreeMap<&'static str, Seen>,
}

struct Seen {
    lines: Lines,
    keyword: TextRange,
    stands_in: Option<TextRange>,
}

/// Asked for each CMD, ENTRYPOINT and HEALTHCHECK.
pub(super) fn check(
    (text, index): (&str, &LineIndex),
    instruction: &Instruction,
    place: Place<'_>,
    earlier: &mut Earlier,
    findings: &mut Findings,
) {
    let kind = match instruction.kind {
        Kind::Cmd(_) => "CMD",
        Kind::Entrypoint(_) => "ENTRYPOINT",
        _ => "HEALTHCHECK",
    };
    let seen = Seen { lines: place.lines, keyword: instruction.keyword.range, stands_in: place.stands_in };
    let Some(seen) = earlier.by_kind.insert(kind, seen) else { return };
    let keyword = &instruction.keyword.value;
    let finding = Finding {
        detail: format!(
            "Multiple {keyword} instructions should not be used in the same stage because only the last one will be used"
        ),
        range: seen.keyword,
        fix: Some(Fix {
            label: format!("delete this {keyword}"),
            edits: vec![TextEdit { range: whole_lines(text, index, seen.lines), insert: String::new() }],
        }),
        ..Finding::default()
    };
    // The comments of the later one decide, the place is that of the one without effect.
    findings.report(&RULE, Place { lines: seen.lines, stands_in: seen.stands_in, ..place }, finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn replaced() {
        check(
            "
FROM alpine
CMD [\"a\"]
#^^ warning[MultipleInstructionsDisallowed]: Multiple CMD instructions should not be used in the same stage because only the last one will be used
CMD [\"b\"]
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("FROM a\nCMD [\"a\", \\\n \"b\"]\nRUN x\nCMD [\"c\"]\n", "FROM a\nRUN x\nCMD [\"c\"]\n");
    }
}
