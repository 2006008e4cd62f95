//! # What it does
//! Finds addresses and ports of the host in `EXPOSE`.
//!
//! # Why it is bad
//! They have no effect: `EXPOSE` names ports of the container. Builders announce to refuse them.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! EXPOSE 127.0.0.1:80:80
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! EXPOSE 80
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/expose-invalid-format/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Fix;
use crate::dockerfile::value::PortSpec;
use crate::text::TextRange;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "ExposeInvalidFormat",
    description: "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release",
    url: "https://docs.docker.com/go/dockerfile/rule/expose-invalid-format/",
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
    if spec.address.is_empty() && spec.host.is_empty() {
        return;
    }
    let container = port.rsplit_once(':').map_or(port, |(_, container)| container);
    let finding = Finding {
        detail: format!(
            "EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'"
        ),
        range,
        fix: (range.of(text) == port).then(|| Fix::replace(range, container)),
        ..Finding::default()
    };
    findings.report(&RULE, place, finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn mapping() {
        check(
            "
FROM alpine
EXPOSE 127.0.0.1:80:80 81
#      ^^^^^^^^^^^^^^^ warning[ExposeInvalidFormat]: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("FROM a\nEXPOSE 8080:80/udp\n", "FROM a\nEXPOSE 80/udp\n");
    }
}
