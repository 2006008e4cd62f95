//! # What it does
//! Finds base images that are for another platform than the one asked for.
//!
//! # Why it is bad
//! Its programs run under emulation, or not at all.
//!
//! # Example
//! ```dockerfile
//! FROM --platform=linux/arm64 amd64-only/image
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM --platform=linux/amd64 amd64-only/image
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/reference/build-checks/); BuildKit has no page for this rule
//!
//! Where the image is not known, this is not checked.

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::graph::platform;
use crate::oci::{ImageConfig, Platform};
use crate::text::{TextRange, go_quote};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "InvalidBaseImagePlatform",
    description: "Base image platform does not match expected target platform",
    url: "",
    is_experimental: false,
};

/// Asked for each image that a stage begins with or that is copied from.
pub(super) fn check(
    name: &str,
    wanted: &Platform,
    config: &ImageConfig,
    place: Place<'_>,
    range: TextRange,
    findings: &mut Findings,
) {
    if config.os == wanted.os && config.architecture == wanted.architecture {
        return;
    }
    let mut found = config.os.clone();
    for part in [Some(&config.architecture), config.variant.as_ref()].into_iter().flatten() {
        found.push('/');
        found.push_str(part);
    }
    let found = platform::parse(&found).map_or(found, |platform| platform.to_string());
    let finding = Finding {
        detail: format!(
            "Base image {name} was pulled with platform {}, expected {} for current build",
            go_quote(&found),
            go_quote(&wanted.to_string()),
        ),
        range,
        ..Finding::default()
    };
    findings.report(&RULE, place, finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn other_platform() {
        let mut setup = Setup::default();
        if let Some(base) = &mut setup.base {
            base.config.architecture = "arm64".into();
        }
        setup.check(
            "
FROM alpine
#    ^^^^^^ warning[InvalidBaseImagePlatform]: Base image alpine was pulled with platform \"linux/arm64\", expected \"linux/amd64\" for current build
",
        );
    }

    #[test]
    fn an_unknown_base_is_not_checked() {
        let report = Setup { base: None, ..Setup::default() }.report("FROM a\n");
        assert_eq!(report.not_checked[0].rule.name, "InvalidBaseImagePlatform");
    }
}
