//! # What it does
//! Finds protocols in `EXPOSE` with upper-case letters.
//!
//! # Why it is bad
//! Protocols are in lower case everywhere else, which readers and tools expect.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! EXPOSE 80/TCP
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! EXPOSE 80/tcp
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/expose-proto-casing/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Fix;
use crate::dockerfile::value::PortSpec;
use crate::text::TextRange;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "ExposeProtoCasing",
    description: "Protocol in EXPOSE instruction should be lowercase",
    url: "https://docs.docker.com/go/dockerfile/rule/expose-proto-casing/",
    is_experimental: false,
};

/// Asked for each port once it is expanded; `range` is the word it comes from.
pub(super) fn check(
    text: &str,
    port: &str,
    spec: &PortSpec<'_>,
    range: TextRange,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let lower = spec.protocol.to_lowercase();
    if spec.protocol == lower {
        return;
    }
    // Where the word has variables, its end may be something else.
    let protocol =
        (range.of(text) == port).then(|| TextRange::new(range.end() - spec.protocol.len(), range.end()));
    let finding = Finding {
        detail: format!("Defined protocol '{port}' in EXPOSE instruction should be lowercase"),
        range: protocol.unwrap_or(range),
        fix: protocol.map(|range| Fix::replace(range, lower)),
        ..Finding::default()
    };
    findings.report(&RULE, place, finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn upper_case() {
        check(
            "
FROM alpine
EXPOSE 80/TcP 81/tcp
#         ^^^ warning[ExposeProtoCasing]: Defined protocol '80/TcP' in EXPOSE instruction should be lowercase
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("FROM a\nEXPOSE 1 80/UDP\n", "FROM a\nEXPOSE 1 80/udp\n");
    }
}
