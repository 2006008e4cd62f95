//! # What it does
//! Finds `ARG`s and `ENV`s whose name sounds like a secret: `password`, `token`, `key` and
//! others as a word of it. Names with `public`, `file` or `version` are fine.
//!
//! # Why it is bad
//! Their values stay in the image or in its history, where everyone can read them.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! ARG AWS_SECRET_ACCESS_KEY
//! RUN upload
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! RUN --mount=type=secret,id=aws_key,env=AWS_SECRET_ACCESS_KEY upload
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::text::{TextRange, go_quote};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "SecretsUsedInArgOrEnv",
    description: "Sensitive data should not be used in the ARG or ENV commands",
    url: "https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/",
    is_experimental: false,
};

/// Asked for each name; `instruction` is ARG or ENV.
pub(super) fn check(
    instruction: &str,
    name: &str,
    range: TextRange,
    place: Place<'_>,
    findings: &mut Findings,
) {
    const SECRET: [&str; 10] = [
        "apikey",
        "auth",
        "credential",
        "credentials",
        "key",
        "password",
        "pword",
        "passwd",
        "secret",
        "token",
    ];
    const FINE: [&str; 3] = ["public", "file", "version"];
    let has =
        |words: &[&str]| name.split('_').any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)));
    if !has(&SECRET) || has(&FINE) {
        return;
    }
    let finding = Finding {
        detail: format!(
            "Do not use ARG or ENV instructions for sensitive data ({instruction} {})",
            go_quote(name)
        ),
        range,
        help: Some("give it to the step that needs it: `RUN --mount=type=secret,…`".to_owned()),
        ..Finding::default()
    };
    findings.report(&RULE, place, finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn secret() {
        check(
            "
FROM alpine
ARG API_TOKEN PUBLIC_KEY
#   ^^^^^^^^^ warning[SecretsUsedInArgOrEnv]: Do not use ARG or ENV instructions for sensitive data (ARG \"API_TOKEN\")
#   help: give it to the step that needs it: `RUN --mount=type=secret,…`
ENV monkey=1
",
        );
    }
}
