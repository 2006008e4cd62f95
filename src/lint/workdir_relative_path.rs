//! # What it does
//! Finds a relative `WORKDIR` where no `WORKDIR` stands before it. Only the first one counts.
//!
//! # Why it is bad
//! It is relative to the folder that the base image ends in, and that may change.
//!
//! # Example
//! ```dockerfile
//! FROM nginx
//! WORKDIR usr/share/nginx/html
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM nginx
//! WORKDIR /usr/share/nginx/html
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Fix;
use crate::dockerfile::syntax::Spanned;
use crate::text::go_quote;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "WorkdirRelativePath",
    description: "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
    url: "https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/",
    is_experimental: false,
};

/// Asked for the first WORKDIR of a stage if it is relative; `absolute` is where it leads, if the base is known.
pub(super) fn check(
    path: &Spanned,
    requested: &str,
    absolute: Option<String>,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let range = path.range;
    // With variables or quotes it is not what is written.
    let fix = absolute.filter(|_| path.value == requested).map(|absolute| Fix::replace(range, absolute));
    let finding = Finding {
        detail: format!(
            "Relative workdir {} can have unexpected results if the base image changes",
            go_quote(requested)
        ),
        range,
        fix,
        ..Finding::default()
    };
    findings.report(&RULE, place, finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn relative() {
        check(
            "
FROM nginx
WORKDIR usr/share
#       ^^^^^^^^^ warning[WorkdirRelativePath]: Relative workdir \"usr/share\" can have unexpected results if the base image changes
WORKDIR nginx
",
        );
        check("\nFROM nginx AS a\nWORKDIR /usr\nFROM a\nWORKDIR share\n");
    }

    #[test]
    fn fixed_where_the_base_is_known() {
        check_fix("FROM nginx\nWORKDIR usr/share\n", "FROM nginx\nWORKDIR /usr/share\n");
        check_no_fix("FROM nginx\nENV D=d\nWORKDIR a/$D\n");
    }
}
