//! # What it does
//! Finds an `AS` that is not written in the case of its `FROM`. A `FROM` that mixes
//! cases is left to another rule. Whatever stands in the place of `AS` counts.
//!
//! # Why it is bad
//! Keywords in different cases on one line are hard to tell from names.
//!
//! # Example
//! ```dockerfile
//! FROM alpine as build
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine AS build
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/from-as-casing/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Fix;
use crate::dockerfile::syntax::Node;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "FromAsCasing",
    description: "The 'as' keyword should match the case of the 'from' keyword",
    url: "https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
    is_experimental: false,
};

/// Asked for each FROM, before it is typed.
pub(super) fn check(node: &Node, findings: &mut Findings) {
    let [_, word, _, ..] = node.args.as_slice() else { return };
    let from = &node.keyword.value;
    let wanted = if *from == from.to_lowercase() {
        word.value.to_lowercase()
    } else if *from == from.to_uppercase() {
        word.value.to_uppercase()
    } else {
        return;
    };
    if word.value != wanted {
        let finding = Finding {
            detail: format!("'{}' and '{from}' keywords' casing do not match", word.value),
            range: word.range,
            fix: Some(Fix::replace(word.range, wanted)),
            ..Finding::default()
        };
        findings.report(&RULE, Place::of_node(node), finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn other_case() {
        check(
            "
FROM alpine as build
#           ^^ warning[FromAsCasing]: 'as' and 'FROM' keywords' casing do not match
FROM alpine AS test
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("FROM alpine as build\n", "FROM alpine AS build\n");
        check_fix("from alpine AS build\n", "from alpine as build\n");
    }
}
