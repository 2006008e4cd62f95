//! `.dockerignore`: which files of a context are sent.
//!
//! ```text
//! file    = { line }        one pattern a line; "#" begins a comment in the first column
//! pattern = [ "!" ] path    "*", "?", classes, "\" and "**" as in module `glob`
//! ```
//!
//! Of several patterns that match, the last one decides. A folder that is left
//! out takes all below it with it, unless a later `!` pattern brings some back;
//! then the folder is listed, too. See the
//! [reference](https://docs.docker.com/build/concepts/context/#dockerignore-files).

use std::collections::BTreeSet;

use super::glob::{BadPattern, Pattern, check_path_pattern};
use super::{Tree, normal_path};

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As written, without outer blanks.
    pub text: String,
    /// The line it stands on, counted from 1; 0 where it comes from no file.
    pub line: u32,
    is_exclusion: bool,
    /// How many folders deep the pattern reaches.
    depth: usize,
    pattern: Pattern,
}

/// A list of patterns, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreList {
    rules: Vec<Rule>,
}

/// The patterns of a `.dockerignore`, cleaned, with their lines.
#[must_use]
pub fn read_patterns(text: &str) -> Vec<(String, u32)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut patterns = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        // A comment sign counts in the very first column only.
        if line.starts_with('#') {
            continue;
        }
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (mark, path) = match line.strip_prefix('!') {
            Some(path) => ("!", path.trim()),
            None => ("", line),
        };
        let cleaned = if path.is_empty() { String::new() } else { clean_relative(path) };
        // Only the reader of the file drops a leading slash, the matcher does not.
        let cleaned = match cleaned.strip_prefix('/') {
            Some(rest) if cleaned.len() > 1 => rest.to_owned(),
            _ => cleaned,
        };
        let number = u32::try_from(idx + 1).unwrap_or(u32::MAX);
        patterns.push((format!("{mark}{cleaned}"), number));
    }
    patterns
}

/// Go's `filepath.Clean`.
fn clean_relative(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_rooted => {}
            _ => parts.push(part),
        }
    }
    match (is_rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// A list that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IgnoreError {
    /// `!` with nothing behind it.
    BareExclusion,
    /// A malformed pattern.
    Bad(BadPattern),
}

impl std::fmt::Display for IgnoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BareExclusion => f.write_str("illegal exclusion pattern: \"!\""),
            Self::Bad(bad) => bad.fmt(f),
        }
    }
}

impl std::error::Error for IgnoreError {}

impl IgnoreList {
    /// Reads the text of a `.dockerignore`.
    ///
    /// # Errors
    /// The first pattern that cannot be used.
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        Self::from_patterns(read_patterns(text).iter().map(|(pattern, line)| (pattern.as_str(), *line)))
    }

    /// Makes a list of patterns with their lines.
    ///
    /// # Errors
    /// The first pattern that cannot be used.
    pub fn from_patterns<'a>(
        patterns: impl IntoIterator<Item = (&'a str, u32)>,
    ) -> Result<Self, IgnoreError> {
        let mut rules = Vec::new();
        for (written, line) in patterns {
            let text = written.trim();
            if text.is_empty() {
                continue;
            }
            let cleaned = clean_relative(text);
            let (is_exclusion, pattern) = match cleaned.strip_prefix('!') {
                Some("") => return Err(IgnoreError::BareExclusion),
                Some(rest) => (true, rest),
                None => (false, cleaned.as_str()),
            };
            check_path_pattern(pattern).map_err(IgnoreError::Bad)?;
            rules.push(Rule {
                text: text.to_owned(),
                line,
                is_exclusion,
                depth: pattern.split('/').count(),
                pattern: Pattern::new(pattern).map_err(IgnoreError::Bad)?,
            });
        }
        Ok(Self { rules })
    }

    /// Some pattern brings files back.
    #[must_use]
    pub fn has_exclusions(&self) -> bool {
        self.rules.iter().any(|rule| rule.is_exclusion)
    }

    /// The pattern that hides `path`, if it is hidden: the last one that matches
    /// the path or a folder above it decides.
    #[must_use]
    pub fn hidden_by(&self, path: &str) -> Option<&Rule> {
        let path = normal_path(path);
        let above: Vec<&str> = path.match_indices('/').filter_map(|(idx, _)| path.get(..idx)).collect();
        let mut decides: Option<&Rule> = None;
        for rule in &self.rules {
            // A pattern cannot change what is decided already.
            if rule.is_exclusion == decides.is_none() {
                continue;
            }
            let is_match =
                rule.pattern.matches(&path) || above.iter().any(|folder| rule.pattern.matches(folder));
            if is_match {
                decides = if rule.is_exclusion { None } else { Some(rule) };
            }
        }
        decides
    }

    /// Whether a `!` pattern could bring back something below the folder.
    fn may_return_below(&self, folder: &str) -> bool {
        let depth = folder.split('/').count();
        self.rules.iter().any(|rule| rule.is_exclusion && (rule.depth > depth || rule.text.contains("**")))
    }

    /// The files of `tree` that are sent.
    #[must_use]
    pub fn filter(&self, tree: &Tree) -> Tree {
        if self.rules.is_empty() {
            return tree.clone();
        }
        let mut sent = Tree::default();
        let mut hidden_folder: Option<String> = None;
        let mut waiting: BTreeSet<String> = BTreeSet::new();
        for (path, entry) in tree.iter() {
            if hidden_folder.as_ref().is_some_and(|folder| is_below(path, folder)) {
                continue;
            }
            let is_hidden = self.hidden_by(path).is_some();
            if entry.is_dir() && is_hidden {
                // Nothing below can come back: the whole folder is skipped.
                if self.may_return_below(path) {
                    waiting.insert(path.to_owned())
                } else {
                    hidden_folder = Some(path.to_owned());
                    false
                };
                continue;
            }
            if is_hidden {
                continue;
            }
            // Hidden folders are listed if something below them is kept.
            for (idx, _) in path.match_indices('/') {
                if let Some(above) = path.get(..idx).filter(|above| waiting.contains(*above))
                    && let Some(folder) = tree.get(above)
                {
                    sent.insert(above, folder.clone());
                }
            }
            sent.insert(path, entry.clone());
        }
        sent
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::super::Entry;
    use super::*;
    use crate::digest::Digest;

    fn check(ignore: &str, files: &[&str], sent: &[&str]) {
        let mut tree = Tree::default();
        for path in files {
            tree.insert(path, Entry::file(Digest::of(b""), 0));
        }
        let list = IgnoreList::parse(ignore).unwrap();
        let found = list.filter(&tree);
        let found: Vec<&str> =
            found.iter().filter(|(_, entry)| !entry.is_dir()).map(|(path, _)| path).collect();
        assert_eq!(found, sent, "{ignore}");
    }

    #[test]
    fn what_is_sent() {
        let files = ["a.md", "b/c.md", "b/d.txt", "node_modules/x/y.js", "z"];
        check("node_modules\n*.md\n", &files, &["b/c.md", "b/d.txt", "z"]);
        check("**/*.md\n!b/c.md\n", &files, &["b/c.md", "b/d.txt", "node_modules/x/y.js", "z"]);
        check("*\n!b\n", &files, &["b/c.md", "b/d.txt"]);
        check("# comment\n/b/\n", &files, &["a.md", "node_modules/x/y.js", "z"]);
    }

    #[test]
    fn names_the_pattern() {
        let list = IgnoreList::parse("a\n\nnode_modules\n").unwrap();
        assert_eq!(
            list.hidden_by("node_modules/x").map(|rule| (rule.text.as_str(), rule.line)),
            Some(("node_modules", 3))
        );
        assert_eq!(IgnoreList::parse("!\n"), Err(IgnoreError::BareExclusion));
    }
}
