//! # What it does
//! Finds `CMD` and `ENTRYPOINT` in shell form, unless a `SHELL` says that a shell is wanted.
//!
//! # Why it is bad
//! The shell becomes the first process of the container. It does not pass signals on,
//! so that the program is killed after a time in place of stopping.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! ENTRYPOINT my-program start
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! ENTRYPOINT ["my-program", "start"]
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/json-args-recommended/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Fix;
use crate::dockerfile::instruction::CommandLine;
use crate::dockerfile::json::exec_form;
use crate::dockerfile::syntax::Spanned;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "JSONArgsRecommended",
    description: "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
    url: "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
    is_experimental: false,
};

/// Asked for each CMD and ENTRYPOINT in shell form, where no SHELL is in force.
pub(super) fn check(
    text: &str,
    keyword: &Spanned,
    command: &CommandLine,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let word = command.words.first();
    let range = word.map_or(keyword.range, |word| word.range);
    let finding = Finding {
        detail: format!(
            "JSON arguments recommended for {} to prevent unintended behavior related to OS signals",
            keyword.value
        ),
        range,
        fix: word.and_then(|_| exec_form(range.of(text))).map(|insert| Fix::replace(range, insert)),
        ..Finding::default()
    };
    findings.report(&RULE, place, finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn shell_form() {
        check(
            "
FROM alpine
CMD my-program start
#   ^^^^^^^^^^^^^^^^ warning[JSONArgsRecommended]: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
",
        );
        check("\nFROM alpine\nSHELL [\"/bin/sh\", \"-c\"]\nCMD my-program start\n");
    }

    #[test]
    fn fixed() {
        check_fix("FROM a\nCMD my-program start\n", "FROM a\nCMD [\"my-program\", \"start\"]\n");
        check_fix("FROM a\nCMD echo 'a b'\n", "FROM a\nCMD [\"echo\", \"a b\"]\n");
        check_fix("FROM a\nENTRYPOINT exec b\n", "FROM a\nENTRYPOINT [\"b\"]\n");
        check_no_fix("FROM a\nCMD cd /a\n");
        check_no_fix("FROM a\nCMD a && b\n");
        check_no_fix("FROM a\nCMD A=1 b\n");
    }
}
