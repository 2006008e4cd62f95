//! # What it does
//! Finds sources of `COPY` and `ADD` that the ignore file leaves out of the build context.
//! With a `!` pattern in that file nothing is said: what such a list brings back cannot be
//! told without the files.
//!
//! # Why it is bad
//! The step fails when it runs, as the file is not there.
//!
//! # Example
//! ```dockerfile
//! # .dockerignore: *.md
//! FROM scratch
//! COPY README.md /
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM scratch
//! COPY LICENSE /
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/copy-ignored-file/)
//!
//! Where the ignore file is not known, this is not checked.

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::context::glob::Pattern;
use crate::context::ignore::{IgnoreList, read_patterns};
use crate::text::{TextRange, go_quote};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "CopyIgnoredFile",
    description: "Attempting to Copy file that is excluded by .dockerignore",
    url: "https://docs.docker.com/go/dockerfile/rule/copy-ignored-file/",
    is_experimental: false,
};

/// The ignore file.
pub(super) enum Ignored {
    /// It is not known.
    Unknown,
    /// It leaves out nothing that can be told.
    Nothing,
    /// Its patterns.
    Patterns {
        patterns: Vec<Pattern>,
        /// Some pattern leaves out all of the context.
        hides_root: bool,
    },
}

impl Ignored {
    /// Reads the file's text.
    ///
    /// # Errors
    /// A pattern that cannot be used, in BuildKit's words.
    pub(super) fn read(text: Option<&str>) -> Result<Self, String> {
        let Some(text) = text else { return Ok(Self::Unknown) };
        let list = IgnoreList::parse(text).map_err(|error| error.to_string())?;
        let texts = read_patterns(text);
        if list.has_exclusions() || texts.is_empty() {
            return Ok(Self::Nothing);
        }
        let texts = texts.iter().map(|(text, _)| text.as_str());
        let hides_root = texts.clone().any(|text| matches!(text, "*" | "**" | "**/*"));
        let patterns = texts.filter_map(|text| Pattern::new(text).ok()).collect();
        Ok(Self::Patterns { patterns, hides_root })
    }
}

/// Asked for each source from the build context, once it is expanded.
pub(super) fn check(
    ignored: &Ignored,
    is_add: bool,
    source: &str,
    range: TextRange,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let (patterns, hides_root) = match ignored {
        Ignored::Unknown => {
            return findings.skip(&RULE, place, range, "the ignore file is not known".to_owned());
        }
        Ignored::Nothing => return,
        Ignored::Patterns { patterns, hides_root } => (patterns, *hides_root),
    };
    let source = clean(source);
    // The root is no path that can be left out, unless all in it is.
    let is_root = source == "." || source == "/";
    if is_root && !hides_root || !patterns.iter().any(|pattern| hides(pattern, &source)) {
        return;
    }
    let verb = if is_add { "Add" } else { "Copy" };
    let finding = Finding {
        detail: format!("Attempting to {verb} file {} that is excluded by .dockerignore", go_quote(&source)),
        range,
        ..Finding::default()
    };
    findings.report(&RULE, place, finding);
}

/// The pattern matches the path or a folder above it. The slash in front of an
/// absolute path stays, so that few patterns match one.
fn hides(pattern: &Pattern, path: &str) -> bool {
    if pattern.matches(path) {
        return true;
    }
    let Some((above, _)) = path.rsplit_once('/') else { return false };
    let above = if above.is_empty() { "/" } else { above };
    let mut ends = above.match_indices('/').map(|(idx, _)| idx).chain([above.len()]);
    ends.any(|end| above.get(..end).is_some_and(|folder| pattern.matches(folder)))
}

/// Go's `filepath.Clean`.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if path.starts_with('/') => {}
            _ => parts.push(part),
        }
    }
    match (path.starts_with('/'), parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    fn with(ignore: &str) -> Setup {
        Setup { dockerignore: Some(ignore.to_owned()), ..Setup::default() }
    }

    #[test]
    fn ignored() {
        with("*.md\ndocs\n").check(
            "
FROM scratch
COPY a ./README.md docs/x /
#      ^^^^^^^^^^^ warning[CopyIgnoredFile]: Attempting to Copy file \"README.md\" that is excluded by .dockerignore
#                  ^^^^^^ warning[CopyIgnoredFile]: Attempting to Copy file \"docs/x\" that is excluded by .dockerignore
ADD . /
",
        );
    }

    #[test]
    fn what_comes_back_cannot_be_told() {
        with("*\n!docs\n").check("\nFROM scratch\nCOPY README.md /\n");
    }

    #[test]
    fn without_the_file_nothing_is_checked() {
        let setup = Setup { dockerignore: None, ..Setup::default() };
        let report = setup.report("FROM scratch\nCOPY a /\n");
        assert!(report.warnings.is_empty());
        assert_eq!(report.not_checked[0].rule.name, "CopyIgnoredFile");
    }
}
