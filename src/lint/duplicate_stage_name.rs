//! # What it does
//! Finds stages that are called like an earlier one.
//!
//! # Why it is bad
//! A later `COPY --from` of that name takes the last of them, whatever was meant.
//!
//! # Example
//! ```dockerfile
//! FROM alpine AS base
//! FROM debian AS base
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine AS alpine-base
//! FROM debian AS debian-base
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/duplicate-stage-name/)

use std::collections::BTreeMap;

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Label;
use crate::dockerfile::stage::Dockerfile;
use crate::text::{TextRange, go_quote};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "DuplicateStageName",
    description: "Stage names should be unique",
    url: "https://docs.docker.com/go/dockerfile/rule/duplicate-stage-name/",
    is_experimental: false,
};

/// Asked once for the file.
pub(super) fn check(file: &Dockerfile, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, TextRange> = BTreeMap::new();
    for stage in &file.stages {
        let Some(name) = &stage.from.name else { continue };
        let Some(first) = seen.get(name.value.as_str()) else {
            seen.insert(&name.value, name.range);
            continue;
        };
        let finding = Finding {
            detail: format!("Duplicate stage name {}, stage names should be unique", go_quote(&name.value)),
            range: name.range,
            label: Some(Label { range: *first, message: "first used here".to_owned() }),
            ..Finding::default()
        };
        findings.report(&RULE, Place::of_lines(stage.instruction.lines), finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn twice() {
        check(
            "
FROM alpine AS base
FROM debian AS base
#              ^^^^ warning[DuplicateStageName]: Duplicate stage name \"base\", stage names should be unique
",
        );
    }
}
