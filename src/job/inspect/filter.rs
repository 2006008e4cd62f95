//! Patterns over paths: plain text, globs and regular expressions.

use regex_lite::Regex;

use crate::context::glob::{Pattern, match_path};
use crate::protocol::inspect::rows::{BadPattern, RowChange, RowFilter};

/// A longer pattern is nobody's.
const MAX_PATTERN_CHARS: usize = 1000;

/// What a pattern is, read once for all rows.
enum Text {
    /// Everything.
    All,
    /// A text anywhere in the path; without capitals in any letter case.
    Part { text: String, is_exact: bool },
    /// A glob for the name alone.
    Name(String),
    /// A glob for the whole path.
    Path(Pattern),
    /// A regular expression, looked for anywhere.
    Expression(Box<Regex>),
}

/// A filter that is ready.
pub(super) struct Filter<'f> {
    text: Text,
    rest: &'f RowFilter,
}

impl<'f> Filter<'f> {
    /// Reads the pattern.
    pub(super) fn new(rest: &'f RowFilter) -> Result<Self, BadPattern> {
        Ok(Self { text: text(&rest.pattern, rest.is_regex)?, rest })
    }

    /// Nothing is left out.
    pub(super) fn is_all(&self) -> bool {
        matches!(self.text, Text::All) && self.rest.min_bytes == 0 && self.rest.kinds.is_empty()
    }

    /// It looks for something, so that what is found should be seen without unfolding anything.
    pub(super) fn is_search(&self) -> bool {
        !matches!(self.text, Text::All) || self.rest.min_bytes > 0
    }

    /// What is below a folder that matches is let through, too.
    pub(super) fn is_inherited(&self) -> bool {
        !matches!(self.text, Text::All | Text::Expression(_))
    }

    /// The pattern is met by a path whose name begins at `name_start`.
    pub(super) fn is_match(&self, path: &str, name_start: usize) -> bool {
        let name = path.get(name_start..).unwrap_or("");
        match &self.text {
            Text::All => true,
            Text::Part { text, is_exact } => {
                // What ends with `/` is for folders, and a name is one as far as this can tell.
                let end = if text.ends_with('/') { "/" } else { "" };
                let (mut path, mut name) = (format!("/{path}{end}"), format!("{name}{end}"));
                if !is_exact {
                    (path, name) = (path.to_lowercase(), name.to_lowercase());
                }
                // It has to reach into the name: what only the folder's path holds was met above.
                let start = path.len().saturating_sub(name.len());
                path.rfind(text.as_str()).is_some_and(|at| at + text.len() > start)
            }
            Text::Name(glob) => match_path(glob, name).unwrap_or(false),
            Text::Path(pattern) => pattern.matches(path),
            Text::Expression(regex) => regex.is_match(&format!("/{path}")),
        }
    }

    /// Size and kind of change are let through.
    pub(super) fn lets_through(&self, total_bytes: u64, change: impl FnOnce() -> RowChange) -> bool {
        if total_bytes < self.rest.min_bytes {
            return false;
        }
        if self.rest.kinds.is_empty() {
            return true;
        }
        let change = change();
        self.rest.kinds.iter().any(|class| change.is_of(*class))
    }

    /// A path in a flat list, which has no folders above it.
    pub(super) fn is_match_anywhere(&self, path: &str) -> bool {
        let starts = path.match_indices('/').map(|(idx, _)| idx);
        let mut name_start = 0;
        for end in starts.chain([path.len()]) {
            let is_whole = end == path.len();
            let above = path.get(..end).unwrap_or(path);
            if (is_whole || self.is_inherited()) && self.is_match(above, name_start) {
                return true;
            }
            name_start = end + 1;
        }
        false
    }
}

fn text(pattern: &str, is_regex: bool) -> Result<Text, BadPattern> {
    let pattern = if is_regex { pattern } else { pattern.trim() };
    if pattern.is_empty() {
        return Ok(Text::All);
    }
    if pattern.chars().count() > MAX_PATTERN_CHARS {
        let message = format!("the pattern is longer than {MAX_PATTERN_CHARS} characters");
        return Err(BadPattern { message, at: None });
    }
    if is_regex {
        return match Regex::new(pattern) {
            Ok(regex) => Ok(Text::Expression(Box::new(regex))),
            Err(error) => {
                let at = place(pattern, |front| Regex::new(front).is_ok());
                Err(BadPattern { message: error.to_string(), at })
            }
        };
    }
    if !pattern.contains(['*', '?', '[']) {
        let is_exact = pattern.chars().any(char::is_uppercase);
        return Ok(Text::Part { text: pattern.to_owned(), is_exact });
    }
    let is_fine = |glob: &str| match_path(glob, "").is_ok() && Pattern::new(glob).is_ok();
    if !is_fine(pattern) {
        let message = "this is no pattern: a list in brackets is not closed, or nothing follows a backslash";
        return Err(BadPattern { message: message.to_owned(), at: place(pattern, is_fine) });
    }
    let inner = pattern.trim_end_matches('/');
    if !inner.contains('/') && inner != "**" {
        return Ok(Text::Name(inner.to_owned()));
    }
    let glob = match inner.strip_prefix('/') {
        Some(from_root) => from_root.to_owned(),
        None if inner.starts_with("**/") => inner.to_owned(),
        None => format!("**/{inner}"),
    };
    let bad = |_| BadPattern { message: "this is no pattern".to_owned(), at: None };
    Pattern::new(&glob).map(Text::Path).map_err(bad)
}

/// Where a pattern goes wrong: what stands before is a pattern, and no longer beginning is.
fn place(pattern: &str, is_fine: impl Fn(&str) -> bool) -> Option<u32> {
    let ends = pattern.char_indices().map(|(idx, _)| idx);
    let fronts: Vec<&str> = ends.filter_map(|end| pattern.get(..end)).collect();
    let longest = fronts.iter().rposition(|front| is_fine(front))?;
    u32::try_from(longest).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: [&str; 7] = [
        "usr/lib/libA.so",
        "usr/lib/x/libb.so",
        "usr/share/doc/apt/README",
        "usr/local/share/doc/x",
        "srv/usr/lib/c.so",
        "etc/[x]",
        "DOC",
    ];

    fn matching(pattern: &str, is_regex: bool) -> Vec<usize> {
        let filter = RowFilter { pattern: pattern.to_owned(), is_regex, ..RowFilter::default() };
        let filter = Filter::new(&filter).unwrap();
        PATHS
            .iter()
            .enumerate()
            .filter(|(_, path)| filter.is_match_anywhere(path))
            .map(|(idx, _)| idx)
            .collect()
    }

    #[test]
    fn patterns_mean_what_people_expect() {
        for (pattern, expected) in [
            ("", &[0, 1, 2, 3, 4, 5, 6][..]),
            ("*.so", &[0, 1, 4]),
            ("usr/**/doc", &[2, 3]),
            ("/usr/lib/*.so", &[0]),
            ("usr/lib/*.so", &[0, 4]),
            ("doc", &[2, 3, 6]),
            ("DOC", &[6]),
            ("/usr/lib", &[0, 1, 4]),
            ("lib?.so", &[0, 1]),
            ("lib[a-c].so", &[1]),
            ("share/", &[2, 3]),
            ("**/x", &[1, 3]),
        ] {
            assert_eq!(matching(pattern, false), expected, "{pattern}");
        }
        assert_eq!(matching(r"^/usr/lib/[^/]*\.so$", true), [0]);
        assert_eq!(matching("(?i)liba|readme", true), [0, 2]);
    }

    #[test]
    fn what_is_no_pattern_has_a_place() {
        let place = |pattern: &str, is_regex| {
            let filter = RowFilter { pattern: pattern.to_owned(), is_regex, ..RowFilter::default() };
            Filter::new(&filter).err().map(|bad| (bad.at, bad.message.is_empty()))
        };
        assert_eq!(place("a(b", true), Some((Some(1), false)));
        assert_eq!(place("(a)*)", true), Some((Some(4), false)));
        assert_eq!(place("ab[c", false), Some((Some(2), false)));
        assert_eq!(place("a(b", false), None);
        assert_eq!(place("*[x]", false), None);
    }
}
