//! # What it does
//! Finds `MAINTAINER`.
//!
//! # Why it is bad
//! The instruction is deprecated. A label says the same, and tools read it.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! MAINTAINER moby@example.com
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! LABEL org.opencontainers.image.authors="moby@example.com"
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Fix;
use crate::dockerfile::syntax::Node;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "MaintainerDeprecated",
    description: "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
    url: "https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/",
    is_experimental: false,
};

/// Asked for each MAINTAINER, before it is typed.
pub(super) fn check(node: &Node, escape: char, findings: &mut Findings) {
    let label = if node.keyword.value == node.keyword.value.to_lowercase() { "label" } else { "LABEL" };
    let fix = match node.args.as_slice() {
        [author] if !author.value.contains('\n') => {
            let insert =
                format!("{label} org.opencontainers.image.authors=\"{}\"", escaped(&author.value, escape));
            Some(Fix::replace(node.keyword.range.cover(author.range), insert))
        }
        _ => None,
    };
    let finding = Finding {
        detail: "Maintainer instruction is deprecated in favor of using label".to_owned(),
        range: node.keyword.range,
        fix,
        ..Finding::default()
    };
    findings.report(&RULE, Place::of_node(node), finding);
}

/// MAINTAINER takes its text as it is; a label's value is a word.
fn escaped(text: &str, escape: char) -> String {
    let mut out = String::new();
    for ch in text.chars() {
        if ch == '"' || ch == '$' || ch == escape {
            out.push(escape);
        }
        out.push(ch);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn deprecated() {
        check(
            "
FROM alpine
MAINTAINER moby@example.com
#^^^^^^^^^ warning[MaintainerDeprecated]: Maintainer instruction is deprecated in favor of using label
",
        );
    }

    #[test]
    fn fixed() {
        check_fix(
            "FROM a\nMAINTAINER A \"B\" <a@b>\n",
            "FROM a\nLABEL org.opencontainers.image.authors=\"A \\\"B\\\" <a@b>\"\n",
        );
    }
}
