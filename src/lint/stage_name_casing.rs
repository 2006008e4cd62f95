//! # What it does
//! Finds stage names with upper-case letters.
//!
//! # Why it is bad
//! Builders fold stage names to lower case. `COPY --from` finds a stage in any case,
//! but `FROM` does not: `FROM x AS Base` and then `FROM Base` fails.
//!
//! # Example
//! ```dockerfile
//! FROM alpine AS BuildBase
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine AS build-base
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/stage-name-casing/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Fix;
use crate::dockerfile::syntax::Node;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "StageNameCasing",
    description: "Stage names should be lowercase",
    url: "https://docs.docker.com/go/dockerfile/rule/stage-name-casing/",
    is_experimental: false,
};

/// Asked for each FROM, before it is typed.
pub(super) fn check(node: &Node, findings: &mut Findings) {
    let [_, _, name] = node.args.as_slice() else { return };
    let lower = name.value.to_lowercase();
    if name.value != lower {
        let finding = Finding {
            detail: format!("Stage name '{}' should be lowercase", name.value),
            range: name.range,
            fix: Some(Fix::replace(name.range, lower)),
            ..Finding::default()
        };
        findings.report(&RULE, Place::of_node(node), finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn upper_case() {
        check(
            "
FROM alpine AS BuildBase
#              ^^^^^^^^^ warning[StageNameCasing]: Stage name 'BuildBase' should be lowercase
FROM alpine AS build-base
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("FROM alpine AS BuildBase\n", "FROM alpine AS buildbase\n");
    }
}
