//! # What it does
//! Finds stages that are called `scratch` or `context`.
//!
//! # Why it is bad
//! These names stand for the empty image and for the build context.
//!
//! # Example
//! ```dockerfile
//! FROM alpine AS scratch
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine AS builder
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/reserved-stage-name/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::dockerfile::stage::Stage;
use crate::text::go_quote;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "ReservedStageName",
    description: "Reserved words should not be used as stage names",
    url: "https://docs.docker.com/go/dockerfile/rule/reserved-stage-name/",
    is_experimental: false,
};

/// Asked for each stage.
pub(super) fn check(stage: &Stage, findings: &mut Findings) {
    let Some(name) =
        stage.from.name.as_ref().filter(|name| matches!(name.value.as_str(), "scratch" | "context"))
    else {
        return;
    };
    let finding = Finding {
        detail: format!(
            "Stage name should not use the same name as reserved stage {}",
            go_quote(&name.value)
        ),
        range: name.range,
        ..Finding::default()
    };
    findings.report(&RULE, Place::of_lines(stage.instruction.lines), finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn reserved() {
        check(
            "
FROM alpine AS context
#              ^^^^^^^ warning[ReservedStageName]: Stage name should not use the same name as reserved stage \"context\"
",
        );
    }
}
