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
use std::rc::Rc;

use super::glob::{BadPattern, Pattern, check_path_pattern};
use super::node::{Children, Link, changed_children};
use super::{Node, Tree, normal_path};

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As written, without outer blanks.
    pub text: String,
    /// The line it stands on, counted from 1; 0 where it comes from no file.
    pub line: u32,
    is_exclusion: bool,
    /// Without the mark.
    cleaned: String,
    pattern: Pattern,
}

/// A list of patterns, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreList {
    rules: Vec<Rule>,
}

/// A context as the classic client sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// The files, and the folders above them.
    pub tree: Tree,
    /// Folders that are not packed themselves, only something below them.
    pub bare_folders: BTreeSet<String>,
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

/// Whether a builder can read the text.
///
/// # Errors
/// A line that is too long.
pub fn check_lines(text: &str) -> Result<(), IgnoreError> {
    const MAX_LINE_BYTES: usize = 64 * 1024;
    let is_long = text.split('\n').any(|line| line.len() >= MAX_LINE_BYTES);
    if is_long { Err(IgnoreError::LineTooLong) } else { Ok(()) }
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
    /// A line that is too long to be read.
    LineTooLong,
}

impl IgnoreError {
    /// BuildKit's message where it refuses to send a context.
    #[must_use]
    pub fn transfer_error(&self, patterns: &[String]) -> String {
        format!("invalid excludepatterns: [{}]: {self}", patterns.join(" "))
    }
}

impl std::fmt::Display for IgnoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BareExclusion => f.write_str("illegal exclusion pattern: \"!\""),
            Self::Bad(bad) => bad.fmt(f),
            Self::LineTooLong => f.write_str("bufio.Scanner: token too long"),
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
        check_lines(text)?;
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
                cleaned: pattern.to_owned(),
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
        self.decides(&normal_path(path)).unwrap_or(None)
    }

    /// Whether the path as it is, or a folder above it, is hidden.
    ///
    /// # Errors
    /// A pattern is found to be malformed only now.
    pub fn matches_or_parent(&self, path: &str) -> Result<bool, IgnoreError> {
        Ok(self.decides(path)?.is_some())
    }

    fn decides(&self, path: &str) -> Result<Option<&Rule>, IgnoreError> {
        let above = parents(path);
        let mut decides: Option<&Rule> = None;
        for rule in &self.rules {
            // A pattern cannot change what is decided already.
            if rule.is_exclusion == decides.is_none() {
                continue;
            }
            let is_own = rule.pattern.try_matches(path).map_err(IgnoreError::Bad)?;
            if is_own || above.iter().any(|folder| rule.pattern.matches(folder)) {
                decides = if rule.is_exclusion { None } else { Some(rule) };
            }
        }
        Ok(decides)
    }

    /// The same as a walk asks it, where nothing is known of the folders above.
    ///
    /// # Errors
    /// A pattern is found to be malformed only now.
    pub fn matches_alone(&self, path: &str) -> Result<bool, IgnoreError> {
        Ok(self.matched(path, None)?.is_hidden)
    }

    /// What matches a path, where it is known what matches the folder above.
    ///
    /// A walk differs from [`Self::decides`] in one point: a `!` pattern that had nothing to bring
    /// back at a folder is not asked about that folder again, so `**/*.txt` and `!keep` hide `keep/a.txt`.
    fn matched(&self, path: &str, above: Option<&Matched>) -> Result<Matched, IgnoreError> {
        let mut found = Matched { is_hidden: false, rules: Vec::with_capacity(self.rules.len()) };
        let folders = if above.is_none() { parents(path) } else { Vec::new() };
        for (idx, rule) in self.rules.iter().enumerate() {
            let is_above = above.is_some_and(|above| above.rules.get(idx) == Some(&true));
            let is_match = is_above
                || (rule.is_exclusion == found.is_hidden
                    && (rule.pattern.try_matches(path).map_err(IgnoreError::Bad)?
                        || folders.iter().any(|folder| rule.pattern.matches(folder))));
            found.rules.push(is_match);
            if is_match {
                found.is_hidden = !rule.is_exclusion;
            }
        }
        Ok(found)
    }

    /// The files of `tree` that are sent.
    #[must_use]
    pub fn filter(&self, tree: &Tree) -> Tree {
        self.refilter(tree, None)
    }

    /// The same, where it is known what these patterns left of an earlier tree:
    /// only what differs from that one is looked at.
    #[must_use]
    pub fn refilter(&self, tree: &Tree, before: Option<(&Tree, &Tree)>) -> Tree {
        if self.rules.is_empty() {
            return tree.clone();
        }
        let before = before.map(|(all, sent)| (all.root(), Some(sent.root())));
        let sent = self.children_sent("", None, tree.root(), before);
        Tree::from(sent)
    }

    /// What the classic client packs of `tree`.
    ///
    /// It looks into a hidden folder only where a `!` pattern begins with the folder's very path,
    /// so `!**/a` brings nothing back there. See `TarWithOptions` of moby's `pkg/archive`.
    #[must_use]
    pub fn pack(&self, tree: &Tree) -> Packed {
        let mut packed = Packed::default();
        self.pack_below("", tree.root(), &mut packed);
        packed
    }

    fn pack_below(&self, folder: &str, node: &Node, packed: &mut Packed) {
        for (name, child) in node.iter() {
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let is_hidden = self.matches_or_parent(&path).unwrap_or(false);
            if !is_hidden {
                packed.tree.insert(&path, child.entry().clone());
                self.pack_below(&path, child, packed);
                continue;
            }
            let is_begun = |rule: &Rule| format!("{}/", rule.cleaned).starts_with(&format!("{path}/"));
            if self.rules.iter().any(|rule| rule.is_exclusion && is_begun(rule)) {
                let n_before = packed.tree.len();
                self.pack_below(&path, child, packed);
                if packed.tree.len() > n_before {
                    packed.bare_folders.insert(path);
                }
            }
        }
    }

    /// A folder with those of its children that are sent.
    fn children_sent(
        &self,
        path: &str,
        matched: Option<&Matched>,
        now: &Rc<Node>,
        before: Option<(&Rc<Node>, Option<&Rc<Node>>)>,
    ) -> Rc<Node> {
        let full = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let Some((all, sent)) = before else {
            let sent = |(name, child): (&str, &Rc<Node>)| {
                Some((Rc::from(name), Link(self.sent(&full(name), matched, child, None)?)))
            };
            let children: Children = now.iter().filter_map(sent).collect();
            let is_all = children.len() == now.children().len()
                && children.values().zip(now.children().values()).all(|(sent, child)| sent == child);
            if is_all {
                return Rc::clone(now);
            }
            return Rc::new(Node::with(now.entry().clone(), children));
        };
        let mut is_all = sent.is_some_and(|sent| Rc::ptr_eq(sent, all));
        let children = sent.map_or_else(Children::default, |sent| sent.children().clone());
        let mut result = match sent {
            Some(sent) if sent.entry() == now.entry() => Node::clone(sent),
            _ => Node::with(now.entry().clone(), children),
        };
        for (name, then, child) in changed_children(all, now) {
            let was_sent = result.child(name).cloned();
            let then = then.map(|then| (then, was_sent.as_ref()));
            let is_sent = child.and_then(|child| self.sent(&full(name), matched, child, then));
            is_all &= match (&is_sent, child) {
                (Some(sent), Some(child)) => Rc::ptr_eq(sent, child),
                (sent, child) => sent.is_none() && child.is_none(),
            };
            result.alter(name, |_| is_sent);
        }
        if is_all { Rc::clone(now) } else { Rc::new(result) }
    }

    /// What is sent of a node; `before` is what it was and what of that was sent.
    fn sent(
        &self,
        path: &str,
        above: Option<&Matched>,
        now: &Rc<Node>,
        before: Option<(&Rc<Node>, Option<&Rc<Node>>)>,
    ) -> Option<Rc<Node>> {
        // A pattern that turns out to be malformed matches nothing.
        let matched = self.matched(path, above).unwrap_or_default();
        if !now.entry().is_dir() {
            return (!matched.is_hidden).then(|| Rc::clone(now));
        }
        if matched.is_hidden && !self.may_return_below(path) {
            return None;
        }
        let before = before.filter(|(all, _)| all.entry().is_dir());
        let folder = self.children_sent(path, Some(&matched), now, before);
        // A hidden folder is listed once something below it is kept.
        (!matched.is_hidden || folder.n_below() > 0).then_some(folder)
    }

    /// Whether a `!` pattern could bring back something below a hidden folder.
    fn may_return_below(&self, folder: &str) -> bool {
        let stem = |rule: &Rule| {
            let cleaned = rule.cleaned.as_str();
            let cleaned = cleaned.strip_suffix("/**").unwrap_or(cleaned);
            cleaned.strip_suffix("/*").unwrap_or(cleaned).to_owned()
        };
        let stems: Vec<String> = self.rules.iter().filter(|rule| rule.is_exclusion).map(stem).collect();
        stems.iter().any(|stem| stem.contains(['*', '[', ']', '?', '^', '\\']))
            || stems.iter().any(|stem| format!("{stem}/").starts_with(&format!("{folder}/")))
    }
}

/// Which rules match a path or what is above it, and whether that hides it.
#[derive(Clone, Debug, Default)]
struct Matched {
    is_hidden: bool,
    rules: Vec<bool>,
}

/// The folders above a path, from the top.
fn parents(path: &str) -> Vec<&str> {
    path.match_indices('/').filter_map(|(idx, _)| path.get(..idx)).collect()
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
        let found: Vec<String> =
            found.iter().filter(|(_, entry)| !entry.is_dir()).map(|(path, _)| path).collect();
        assert_eq!(found, sent, "{ignore}");
        // Each file put in by itself ends in the same.
        let (mut all, mut kept) = (Tree::default(), list.filter(&Tree::default()));
        for path in files {
            let before = all.clone();
            all.insert(path, Entry::file(Digest::of(b""), 0));
            kept = list.refilter(&all, Some((&before, &kept)));
        }
        assert_eq!(kept, list.filter(&all), "{ignore}");
        let gone = list.refilter(&Tree::default(), Some((&all, &kept)));
        assert!(gone.is_empty(), "{ignore}");
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
    fn what_the_classic_client_packs() {
        let pack = |ignore: &str| {
            let mut tree = Tree::default();
            for path in ["a", "d/a", "d/e/a", "d/e/b"] {
                tree.insert(path, Entry::file(Digest::of(b""), 0));
            }
            let packed = IgnoreList::parse(ignore).unwrap().pack(&tree);
            let all: Vec<String> = packed.tree.iter().map(|(path, _)| path).collect();
            (all.join(" "), packed.bare_folders.into_iter().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(pack("d/e\n"), ("a d d/a".into(), String::new()));
        assert_eq!(pack("d\n!d/e/a\n"), ("a d d/e d/e/a".into(), "d d/e".into()));
        assert_eq!(pack("*\n!d/e\n"), ("d d/e d/e/a d/e/b".into(), "d".into()));
        // BuildKit's client would bring back all four.
        assert_eq!(pack("*\n!**/a\n"), ("a".into(), String::new()));
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
