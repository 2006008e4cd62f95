//! What the parts of a Dockerfile mean, in our own words.
//!
//! Each text says what a part does, and what it means for cache and layers
//! where that matters. All of it is about BuildKit; where the classic builder
//! differs in a way that one runs into, that is said. The link leads to the
//! place of the [reference](https://docs.docker.com/reference/dockerfile/) that
//! defines it.

mod flag;
mod instruction;
mod mount;
mod name;

pub(super) use flag::{flag, flag_values};
pub(super) use instruction::{FORMS, directive, instruction};
pub(super) use mount::{MOUNT_KEYS, mount_key, mount_type, mount_types};
pub(super) use name::{PLATFORM_NAMES, PROXY_NAMES, predefined};

/// A text of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doc {
    /// Half a line, without a full stop.
    pub summary: &'static str,
    /// A few sentences. Words between backticks are code.
    pub body: &'static str,
    /// The place in the reference.
    pub anchor: &'static str,
}

impl Doc {
    /// The address of the place in the reference.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://docs.docker.com/reference/dockerfile/#{}", self.anchor)
    }
}

/// Shorthand for the tables.
const fn doc(summary: &'static str, body: &'static str, anchor: &'static str) -> Doc {
    Doc { summary, body, anchor }
}

#[cfg(test)]
mod tests {
    use super::name::BUILT_IN;
    use super::*;
    use crate::dockerfile::instruction::{KEYWORDS, flags_of};
    use crate::dockerfile::mount::MountKind;

    /// Whole sentences, balanced code marks, an anchor in the form that headings get.
    fn check(what: &str, doc: Option<&Doc>) {
        let doc = doc.unwrap_or_else(|| panic!("{what} has no text"));
        assert!(doc.body.ends_with('.') && !doc.summary.ends_with('.'), "{what}");
        for text in [doc.summary, doc.body] {
            assert!(text.matches('`').count() % 2 == 0 && !text.contains("  "), "{what}: {text}");
        }
        let is_anchor = |ch: char| ch.is_ascii_lowercase() || ch == '-';
        assert!(!doc.anchor.is_empty() && doc.anchor.chars().all(is_anchor), "{what}: {}", doc.anchor);
        assert!(doc.url().ends_with(doc.anchor));
    }

    #[test]
    fn everything_has_a_text() {
        for keyword in KEYWORDS {
            check(keyword, instruction(keyword));
            for spec in flags_of(keyword) {
                check(spec.name, flag(keyword, spec.name));
            }
        }
        for kind in ["bind", "cache", "tmpfs", "secret", "ssh"] {
            check(kind, mount_type(kind));
        }
        for key in MOUNT_KEYS {
            for kind in key.kinds {
                check(key.name, mount_key(key.name, kind.name()));
            }
        }
        for name in PLATFORM_NAMES.iter().chain(&PROXY_NAMES).chain(&BUILT_IN) {
            check(name, predefined(name));
        }
        for name in ["syntax", "escape", "check"] {
            check(name, directive(name));
        }
        for (keyword, _) in FORMS {
            assert!(KEYWORDS.contains(&keyword), "{keyword}");
        }
        assert!(instruction("RUNN").is_none() && flag("RUN", "from").is_none() && predefined("X").is_none());
        assert_eq!(mount_key("size", MountKind::Cache.name()), None);
    }
}
