//! # What it does
//! Finds variables that are no `ARG` and no `ENV` where they are used. Commands of `RUN`,
//! `CMD`, `ENTRYPOINT`, `HEALTHCHECK` and `SHELL` are left to the shell.
//!
//! # Why it is bad
//! They are empty; often the name is misspelled.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! ENV DIR=/app
//! COPY . $DRI
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! ENV DIR=/app
//! COPY . $DIR
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/undefined-var/)
//!
//! The base image may set variables of its own. Where it is not known, this is not checked.

use super::Rule;
use super::findings::{Finding, Findings, Place};
use super::stages::Vars;
use crate::diagnostic::Fix;
use crate::dockerfile::word::variables;
use crate::text::TextRange;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "UndefinedVar",
    description: "Variables should be defined before their use",
    url: "https://docs.docker.com/go/dockerfile/rule/undefined-var/",
    is_experimental: false,
};

/// Asked for each variable that has no value and no `ARG`; `range` is the word it stands in.
pub(super) fn check(
    text: &str,
    escape: char,
    name: &str,
    range: TextRange,
    vars: &mut Vars,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let found = if place.stands_in.is_some() { None } else { variable_at(text, range, escape, name) };
    let whole = found.map_or(range, |(whole, _)| whole);
    if let Some(reason) = &vars.unknown_base {
        return findings.skip(&RULE, place, whole, reason.clone());
    }
    let known = vars.env.nearest(name);
    let hint = known.map_or(String::new(), |known| format!(" (did you mean ${known}?)"));
    let finding = Finding {
        detail: format!("Usage of undefined variable '${name}'{hint}"),
        range: whole,
        fix: found.zip(known).map(|((_, name), known)| Fix::replace(name, known)),
        ..Finding::default()
    };
    findings.report(&RULE, place, finding);
}

/// Where the variable `name` stands in the word at `range`: with its `$`, and the name alone.
pub(super) fn variable_at(
    text: &str,
    range: TextRange,
    escape: char,
    name: &str,
) -> Option<(TextRange, TextRange)> {
    let variable = variables(range.of(text), escape).into_iter().find(|variable| variable.name == name)?;
    let start = range.start() + variable.range.start();
    let whole = TextRange::new(start, range.start() + variable.range.end());
    let name_start = start + whole.of(text).find(name)?;
    Some((whole, TextRange::new(name_start, name_start + name.len())))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn undefined() {
        check(
            "
FROM alpine
ENV DIR=/app
COPY . $DRI
#      ^^^^ warning[UndefinedVar]: Usage of undefined variable '$DRI' (did you mean $DIR?)
RUN $DRI
ARG DRI
COPY . $DRI
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("FROM a\nENV DIR=/\nCOPY . ${DRI}/x\n", "FROM a\nENV DIR=/\nCOPY . ${DIR}/x\n");
    }

    #[test]
    fn an_unknown_base_may_define_it() {
        let report = Setup { base: None, ..Setup::default() }.report("FROM a\nCOPY . $DRI\n");
        assert!(report.warnings.is_empty());
        assert!(report.not_checked.iter().any(|skipped| skipped.rule.name == "UndefinedVar"));
    }
}
