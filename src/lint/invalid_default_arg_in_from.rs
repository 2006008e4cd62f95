//! # What it does
//! Finds base images that are empty or no image name when no build argument is given.
//!
//! # Why it is bad
//! The file cannot be built on its own.
//!
//! # Example
//! ```dockerfile
//! ARG TAG
//! FROM alpine:${TAG}
//! ```
//!
//! # Better
//! ```dockerfile
//! ARG TAG=latest
//! FROM alpine:${TAG}
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/invalid-default-arg-in-from/)

use std::collections::BTreeMap;

use super::Rule;
use super::findings::{Finding, Findings, Place};
use super::scope::{Variables, with_global_args};
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::word::Lex;
use crate::graph::reference;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "InvalidDefaultArgInFrom",
    description: "Default value for global ARG results in an empty or invalid base image name",
    url: "https://docs.docker.com/go/dockerfile/rule/invalid-default-arg-in-from/",
    is_experimental: false,
};

/// Asked once for the file; `automatic` are the arguments that are always there.
pub(super) fn check(file: &Dockerfile, automatic: &Variables, findings: &mut Findings) {
    // Where the defaults cannot be expanded the build is refused a moment later.
    let Ok(env) = with_global_args(automatic.clone(), file, &BTreeMap::new()) else { return };
    let lex = Lex::new(file.parse.escape);
    for stage in &file.stages {
        let base = &stage.from.base;
        let Ok(expansion) = lex.expand(&base.value, &env) else { return };
        if reference::normalize(&expansion.text).is_ok() {
            continue;
        }
        let finding = Finding {
            detail: format!(
                "Default value for ARG {} results in empty or invalid base image name",
                base.value
            ),
            range: base.range,
            ..Finding::default()
        };
        findings.report(&RULE, Place::of_lines(stage.instruction.lines), finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn no_default() {
        let mut setup = Setup::default();
        setup.options.build_args.insert("TAG".into(), "3".into());
        setup.check(
            "
ARG TAG
FROM alpine:${TAG}
#    ^^^^^^^^^^^^^ warning[InvalidDefaultArgInFrom]: Default value for ARG alpine:${TAG} results in empty or invalid base image name
",
        );
    }
}
