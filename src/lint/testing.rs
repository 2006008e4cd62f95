//! Fixtures: a Dockerfile with squiggles under what is found.
//!
//! A squiggle is a comment line below the line it is about:
//!
//! ```dockerfile
//! FROM alpine as build
//! #           ^^ warning[FromAsCasing]: 'as' and 'FROM' keywords' casing do not match
//! #           help: what to do next
//! ```
//!
//! What begins in the first column loses its first `^` to the `#`. Squiggles
//! are taken out before the file is checked, so that they are no comments on
//! the instruction below.

use super::{LintInput, Report, Scope, check as lint};
use crate::diagnostic::Diagnostic;
use crate::digest::{DiffId, Digest};
use crate::dockerfile::stage::Dockerfile;
use crate::graph::{BaseImage, BuildOptions};
use crate::oci::{ImageConfig, Platform};

/// What is known besides the Dockerfile: by default an image without variables
/// of its own for every name, and no ignore file.
pub(super) struct Setup {
    pub(super) options: BuildOptions,
    pub(super) dockerignore: Option<String>,
    pub(super) base: Option<BaseImage>,
}

impl Default for Setup {
    fn default() -> Self {
        let platform = Platform::linux_amd64();
        let config =
            ImageConfig { architecture: platform.architecture, os: platform.os, ..ImageConfig::default() };
        let layers = vec![DiffId(Digest::of(b""))];
        let base = BaseImage { digest: None, config, layers, is_known: true };
        Self { options: BuildOptions::default(), dockerignore: Some(String::new()), base: Some(base) }
    }
}

impl Setup {
    pub(super) fn report(&self, text: &str) -> Report {
        let find_base = |_: &str, _: &Platform| self.base.clone();
        let input = LintInput {
            options: &self.options,
            dockerignore: self.dockerignore.as_deref(),
            find_base: &find_base,
            scope: Scope::Check,
        };
        lint(text, &Dockerfile::read(text), &input)
    }

    /// Checks a fixture, which begins with an empty line.
    pub(super) fn check(&self, fixture: &str) {
        let fixture = fixture.strip_prefix('\n').unwrap();
        let text: String = fixture.split_inclusive('\n').filter(|line| !is_squiggle(line)).collect();
        let report = self.report(&text);
        assert_eq!(report.stop, None);
        assert_eq!(render(&text, &report.warnings), fixture);
    }
}

/// Checks a fixture in the default setup.
pub(super) fn check(fixture: &str) {
    Setup::default().check(fixture);
}

/// Applies the first repair, after which its rule has nothing to say.
pub(super) fn check_fix(before: &str, after: &str) {
    let report = Setup::default().report(before);
    let repaired = report.warnings.iter().find_map(|warning| Some((warning, warning.fix.as_ref()?)));
    let (warning, fix) = repaired.unwrap();
    assert_eq!(fix.apply(before), after);
    let report = Setup::default().report(after);
    assert!(report.warnings.iter().all(|left| left.code != warning.code), "{:?}", report.warnings);
}

/// There is a warning, and no repair for it.
pub(super) fn check_no_fix(text: &str) {
    let report = Setup::default().report(text);
    assert!(!report.warnings.is_empty() && report.warnings.iter().all(|warning| warning.fix.is_none()));
}

fn is_squiggle(line: &str) -> bool {
    let Some(rest) = line.strip_prefix('#') else { return false };
    let rest = rest.trim_start();
    ["^", "warning[", "help: "].iter().any(|begin| rest.starts_with(begin))
}

fn render(text: &str, warnings: &[Diagnostic]) -> String {
    let mut sorted: Vec<&Diagnostic> = warnings.iter().collect();
    sorted.sort_by_key(|warning| warning.range.start());
    let mut out = String::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        out.push_str(line);
        let end = start + line.len();
        for warning in sorted.iter().filter(|warning| (start..end).contains(&warning.range.start())) {
            let column = warning.range.start() - start;
            let width = warning.range.end().min(end - 1).saturating_sub(warning.range.start());
            let mut squiggle = format!("{:column$}{}", "", "^".repeat(width.max(1)));
            squiggle.replace_range(0..1, "#");
            out.push_str(&format!("{squiggle} warning[{}]: {}\n", warning.code, warning.message));
            if let Some(help) = &warning.help {
                out.push_str(&format!("#{:width$}help: {help}\n", "", width = column.max(2) - 1));
            }
        }
        start = end;
    }
    out
}
