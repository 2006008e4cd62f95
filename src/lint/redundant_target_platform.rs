//! # What it does
//! Finds `FROM --platform=$TARGETPLATFORM`.
//!
//! # Why it is bad
//! This is what `FROM` does without the flag.
//!
//! # Example
//! ```dockerfile
//! FROM --platform=$TARGETPLATFORM alpine
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/redundant-target-platform/)

use super::Rule;
use super::findings::{Finding, Place};
use super::walk::Walk;
use crate::diagnostic::{Fix, TextEdit};
use crate::dockerfile::stage::Stage;
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::word::{Env as _, Expansion};
use crate::text::TextRange;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "RedundantTargetPlatform",
    description: "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
    url: "https://docs.docker.com/go/dockerfile/rule/redundant-target-platform/",
    is_experimental: false,
};

/// Asked for each `--platform`; `expansion` is what became of it.
pub(super) fn check(walk: &mut Walk<'_>, stage: &Stage, word: &Spanned, expansion: &Expansion) {
    const NAME: &str = "TARGETPLATFORM";
    let is_only_variable = expansion.matched.iter().eq([NAME]) && expansion.unset.is_empty();
    if !is_only_variable || walk.global_env.get(NAME) != Some(&expansion.text) {
        return;
    }
    let node = walk.node_at(stage.instruction.range);
    let flag = node.and_then(|node| node.flags.iter().find(|flag| flag.value.starts_with("--platform")));
    let fix = node.zip(flag).map(|(node, flag)| {
        // With the blanks behind it.
        let next =
            node.flags.iter().map(|other| other.range.start()).find(|start| *start >= flag.range.end());
        let end = next.unwrap_or(node.args_range.start());
        let range = TextRange::new(flag.range.start(), end.max(flag.range.end()));
        Fix { label: "remove the flag".to_owned(), edits: vec![TextEdit { range, insert: String::new() }] }
    });
    let finding = Finding {
        detail: format!(
            "Setting platform to predefined {} in FROM is redundant as this is the default behavior",
            word.value
        ),
        range: flag.map_or(word.range, |flag| flag.range),
        fix,
        ..Finding::default()
    };
    walk.findings.report(&RULE, Place::of(&stage.instruction), finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn redundant() {
        check(
            "
FROM --platform=$TARGETPLATFORM alpine
#    ^^^^^^^^^^^^^^^^^^^^^^^^^^ warning[RedundantTargetPlatform]: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior
FROM --platform=$BUILDPLATFORM alpine
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("FROM --platform=$TARGETPLATFORM alpine AS a\n", "FROM alpine AS a\n");
    }
}
