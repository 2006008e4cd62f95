//! # What it does
//! Finds variables in a `FROM` that no `ARG` before the first `FROM` declares.
//!
//! # Why it is bad
//! They are empty, whatever is given to the build; often the name is misspelled.
//!
//! # Example
//! ```dockerfile
//! FROM node:${VERSOIN}-alpine
//! ```
//!
//! # Better
//! ```dockerfile
//! ARG VERSION=24
//! FROM node:${VERSION}-alpine
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/undefined-arg-in-from/)

use std::collections::BTreeSet;

use super::Rule;
use super::findings::{Finding, Place};
use super::undefined_var::variable_at;
use super::walk::Walk;
use crate::diagnostic::Fix;
use crate::dockerfile::stage::Stage;
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::word::Env as _;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "UndefinedArgInFrom",
    description: "FROM command must use declared ARGs",
    url: "https://docs.docker.com/go/dockerfile/rule/undefined-arg-in-from/",
    is_experimental: false,
};

/// Asked for the base and the platform of each FROM: `unset` are the variables without a value.
pub(super) fn check(walk: &mut Walk<'_>, stage: &Stage, word: &Spanned, unset: &BTreeSet<String>) {
    for name in unset {
        if walk.declared.get(name).is_some() {
            continue;
        }
        let found = walk.declared.nearest(name).map(str::to_owned);
        let hint = found.as_ref().map_or(String::new(), |found| format!(" (did you mean {found}?)"));
        let place = variable_at(walk.text, word.range, walk.file.parse.escape, name);
        let finding = Finding {
            detail: format!("FROM argument '{name}' is not declared{hint}"),
            range: place.map_or(word.range, |(whole, _)| whole),
            fix: place.zip(found).map(|((_, name), found)| Fix::replace(name, found)),
            ..Finding::default()
        };
        walk.findings.report(&RULE, Place::of(&stage.instruction), finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn undeclared() {
        check(
            "
ARG VERSION=24
FROM node:24${VERSOIN}
#           ^^^^^^^^^^ warning[UndefinedArgInFrom]: FROM argument 'VERSOIN' is not declared (did you mean VERSION?)
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("ARG VERSION=24\nFROM node:24$VERSOIN\n", "ARG VERSION=24\nFROM node:24$VERSION\n");
    }
}
