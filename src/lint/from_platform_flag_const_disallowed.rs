//! # What it does
//! Finds `FROM --platform` with a fixed value, unless the name of the stage has that
//! operating system or architecture in it.
//!
//! # Why it is bad
//! The stage cannot be built for any other platform.
//!
//! # Example
//! ```dockerfile
//! FROM --platform=linux/amd64 alpine AS base
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM --platform=$BUILDPLATFORM alpine AS base
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/from-platform-flag-const-disallowed/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::dockerfile::stage::Stage;
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::word::Expansion;
use crate::graph::platform;
use crate::text::go_quote;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "FromPlatformFlagConstDisallowed",
    description: "FROM --platform flag should not use a constant value",
    url: "https://docs.docker.com/go/dockerfile/rule/from-platform-flag-const-disallowed/",
    is_experimental: false,
};

/// Asked for each `--platform`; `expansion` is what became of it.
pub(super) fn check(stage: &Stage, word: &Spanned, expansion: &Expansion, findings: &mut Findings) {
    if !expansion.matched.is_empty() || !expansion.unset.is_empty() {
        return;
    }
    // A platform that is none is refused a moment later.
    let Ok(platform) = platform::parse(&expansion.text) else { return };
    let name = stage.name().unwrap_or("");
    if name.contains(&platform.os) || name.contains(&platform.architecture) {
        return;
    }
    let finding = Finding {
        detail: format!("FROM --platform flag should not use constant value {}", go_quote(&expansion.text)),
        range: word.range,
        ..Finding::default()
    };
    findings.report(&RULE, Place::of(&stage.instruction), finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn constant() {
        check(
            "
FROM --platform=linux/amd64 alpine
#               ^^^^^^^^^^^ warning[FromPlatformFlagConstDisallowed]: FROM --platform flag should not use constant value \"linux/amd64\"
FROM --platform=linux/amd64 alpine AS build_amd64
",
        );
    }
}
