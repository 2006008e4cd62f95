//! What a COPY takes: the files, and one digest over what counts of them.
//!
//! | selected | counts | does not |
//! | --- | --- | --- |
//! | a file | bytes, mode, owner | its name and folder |
//! | a folder | all below it with names relative to it, its own mode and owner | its name and folder |
//! | a link, named | what it leads to | its text |
//! | a link, in a folder | its text | what it leads to |
//! | by wildcard | the same, and base names | the folder |
//!
//! BuildKit's own digests are made of tar headers; these are not equal to
//! them, but differ exactly where they differ.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::glob::{Pattern, match_path};
use super::{Entry, EntryKind, Node, Tree, normal_path};
use crate::digest::{Digest, Hasher};

/// What is selected.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default)]
pub struct Selector {
    /// From the root: `/src`, `/package*.json`.
    pub path: String,
    /// The path may be a pattern.
    pub is_wildcard: bool,
    /// A link named by the path is followed.
    pub follows_links: bool,
    /// Only what matches is taken.
    pub includes: Vec<String>,
    /// What matches is not taken.
    pub excludes: Vec<String>,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    /// Over all that counts.
    pub digest: Digest,
    /// The files, folders and links taken: path in the tree and digest of what counts of each.
    pub files: Vec<(String, Digest)>,
}

/// A path that is not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotFound {
    /// The path, from the root.
    pub path: String,
}

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\": not found", self.path)
    }
}

impl std::error::Error for NotFound {}

/// Has an unescaped `*`, `?` or `[`.
#[must_use]
pub fn has_wildcard(path: &str) -> bool {
    let mut chars = path.chars();
    while let Some(ch) = chars.next() {
        match ch {
            '*' | '?' | '[' => return true,
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
    false
}

/// Selects from a tree, and lists what is taken. Each selector is looked up by itself.
///
/// # Errors
/// A path without wildcards that is not there.
pub fn select(tree: &Tree, selectors: &[Selector]) -> Result<Selection, NotFound> {
    let mut files = BTreeMap::new();
    let digest = Finder { tree, files: Some(&mut files) }.all(selectors)?;
    Ok(Selection { digest, files: files.into_iter().collect() })
}

/// The digest of what is selected, without a list of it: of a folder that is
/// taken whole nothing but its own digest is looked at.
///
/// # Errors
/// A path without wildcards that is not there.
pub fn digest(tree: &Tree, selectors: &[Selector]) -> Result<Digest, NotFound> {
    Finder { tree, files: None }.all(selectors)
}

impl Selector {
    /// All of one file or folder is taken, whatever is in it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !(self.is_wildcard && has_wildcard(&self.path))
            && self.includes.is_empty()
            && self.excludes.is_empty()
    }
}

/// Links are followed this often before a chain of them counts as a loop.
const MAX_LINKS: usize = 255;

/// The path that `path` leads to once links are followed, those in its folders included.
#[must_use]
pub fn follow(tree: &Tree, path: &str, follows_last: bool) -> Option<String> {
    let mut done = String::new();
    let mut open: Vec<String> =
        normal_path(path).split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut n_links = 0;
    while let Some(part) = open.pop() {
        let next = if done.is_empty() { part } else { format!("{done}/{part}") };
        let entry = tree.get(&next)?;
        match &entry.kind {
            EntryKind::Symlink { target } if follows_last || !open.is_empty() => {
                n_links += 1;
                if n_links > MAX_LINKS {
                    return None;
                }
                let from = if target.starts_with('/') { String::new() } else { done.clone() };
                let target = normal_path(&format!("{from}/{target}"));
                done = String::new();
                open.extend(target.split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned));
            }
            _ => done = next,
        }
    }
    Some(done)
}

struct Finder<'a> {
    tree: &'a Tree,
    /// What is taken, where a list is wanted.
    files: Option<&'a mut BTreeMap<String, Digest>>,
}

impl Finder<'_> {
    fn all(&mut self, selectors: &[Selector]) -> Result<Digest, NotFound> {
        let mut hasher = Hasher::default();
        for selector in selectors {
            hasher.update(self.one(selector)?.as_bytes());
        }
        Ok(hasher.finish())
    }

    fn one(&mut self, selector: &Selector) -> Result<Digest, NotFound> {
        if selector.is_plain() {
            let not_found = || NotFound { path: selector.path.clone() };
            let path = follow(self.tree, &selector.path, selector.follows_links).ok_or_else(not_found)?;
            self.mention_link(&normal_path(&selector.path), &path);
            return Ok(self.whole(&path));
        }
        let tree = self.tree;
        let node = if selector.is_wildcard && has_wildcard(&selector.path) {
            tree.root()
        } else {
            let not_found = || NotFound { path: selector.path.clone() };
            let path = follow(tree, &selector.path, true).ok_or_else(not_found)?;
            tree.node(&path).ok_or_else(not_found)?
        };
        if self.files.is_some() {
            return self.by_pattern(selector);
        }
        // That the path is there was seen; nothing else refuses.
        let refused = Digest::of(b"");
        Ok(node.selection(selector, || self.by_pattern(selector).unwrap_or(refused)))
    }

    fn by_pattern(&mut self, selector: &Selector) -> Result<Digest, NotFound> {
        let is_pattern = selector.is_wildcard && has_wildcard(&selector.path);
        let found = if is_pattern { self.by_wildcard(selector) } else { self.by_patterns(selector)? };
        if let [(path, digest)] = found.as_slice()
            && base_name(path) == base_name(&selector.path)
        {
            return Ok(*digest);
        }
        let mut hasher = Hasher::default();
        for (path, digest) in &found {
            hasher.field(base_name(path));
            hasher.update(digest.as_bytes());
        }
        Ok(hasher.finish())
    }

    /// A link that led elsewhere is among what was taken, though its text does not count.
    fn mention_link(&mut self, path: &str, led_to: &str) {
        if let Some(link) = self.tree.get(path).filter(|_| path != led_to) {
            self.mention(path, link);
        }
    }

    fn mention(&mut self, path: &str, entry: &Entry) {
        if let Some(files) = &mut self.files {
            files.insert(path.to_owned(), entry.header_digest());
        }
    }

    /// The digest of an entry and all below it.
    fn whole(&mut self, path: &str) -> Digest {
        let tree = self.tree;
        let Some(node) = tree.node(path) else { return Digest::of(b"") };
        if self.files.is_some() {
            tree.get(path).into_iter().for_each(|entry| self.mention(path, entry));
            tree.below(path).for_each(|(path, entry)| self.mention(&path, entry));
        }
        node.digest()
    }

    /// Every match of a wildcard and all below it, folders by their own header.
    fn by_wildcard(&mut self, selector: &Selector) -> Vec<(String, Digest)> {
        let filter = Filter::new(selector);
        let mut found: Vec<(String, Digest)> = Vec::new();
        for path in matches(self.tree, &normal_path(&selector.path)) {
            self.push(&mut found, &path, selector.follows_links);
            let tree = self.tree;
            for (below, _) in tree.below(&path) {
                if filter.takes(below.get(path.len() + 1..).unwrap_or("")) {
                    self.push(&mut found, &below, false);
                }
            }
        }
        found
    }

    /// What the include and exclude patterns leave below a path.
    fn by_patterns(&mut self, selector: &Selector) -> Result<Vec<(String, Digest)>, NotFound> {
        let not_found = || NotFound { path: selector.path.clone() };
        let root = follow(self.tree, &selector.path, true).ok_or_else(not_found)?;
        let filter = Filter::new(selector);
        let mut found: Vec<(String, Digest)> = Vec::new();
        if !root.is_empty() && !self.tree.get(&root).is_some_and(Entry::is_dir) {
            self.push(&mut found, &root, true);
            return Ok(found);
        }
        let strip = if root.is_empty() { 0 } else { root.len() + 1 };
        let tree = self.tree;
        let mut waiting: Vec<String> = Vec::new();
        for (path, entry) in tree.below(&root) {
            let path = path.as_str();
            waiting.retain(|folder| is_below(path, folder));
            let is_taken = filter.takes(path.get(strip..).unwrap_or(""));
            if entry.is_dir() {
                // A folder counts once something below it is taken, or if it is taken itself.
                if is_taken { self.push(&mut found, path, false) } else { waiting.push(path.to_owned()) }
            } else if is_taken {
                for folder in std::mem::take(&mut waiting) {
                    self.push(&mut found, &folder, false);
                }
                self.push(&mut found, path, false);
            }
        }
        Ok(found)
    }

    fn push(&mut self, found: &mut Vec<(String, Digest)>, path: &str, follows_links: bool) {
        let Some(entry) = self.tree.get(path) else { return };
        let digest = match (&entry.kind, follows_links) {
            (EntryKind::Symlink { .. }, true) => match follow(self.tree, path, true) {
                Some(target) => self.whole(&target),
                None => entry.header_digest(),
            },
            _ => entry.header_digest(),
        };
        if let Some(files) = &mut self.files {
            files.insert(path.to_owned(), digest);
        }
        found.push((path.to_owned(), digest));
    }
}

/// `--parents` and `--exclude`.
struct Filter {
    includes: Vec<Pattern>,
    excludes: Vec<(bool, Pattern)>,
}

impl Filter {
    fn new(selector: &Selector) -> Self {
        let exclude = |text: &String| match text.strip_prefix('!') {
            Some(rest) => (true, normal_path(rest)),
            None => (false, normal_path(text)),
        };
        Self {
            includes: selector
                .includes
                .iter()
                .filter_map(|text| Pattern::new(&normal_path(text)).ok())
                .collect(),
            excludes: selector
                .excludes
                .iter()
                .map(exclude)
                .filter_map(|(is_back, text)| Some((is_back, Pattern::new(&text).ok()?)))
                .collect(),
        }
    }

    fn takes(&self, path: &str) -> bool {
        let mut steps: Vec<&str> = path.match_indices('/').filter_map(|(idx, _)| path.get(..idx)).collect();
        steps.push(path);
        let is_match = |pattern: &Pattern| steps.iter().any(|step| pattern.matches(step));
        let is_included = self.includes.is_empty() || self.includes.iter().any(is_match);
        let mut is_excluded = false;
        for (is_back, pattern) in &self.excludes {
            if is_match(pattern) {
                is_excluded = !is_back;
            }
        }
        is_included && !is_excluded
    }
}

/// The paths that a wildcard pattern matches, in order; nothing below a match is looked at.
#[must_use]
pub fn matches(tree: &Tree, pattern: &str) -> Vec<String> {
    if pattern.contains(['[', '\\']) {
        // A class or an escape may hold a slash: such a pattern is not taken apart.
        let mut found: Vec<String> = Vec::new();
        for (path, _) in tree.iter() {
            let is_inside = found.last().is_some_and(|folder| is_below(&path, folder));
            if !is_inside && match_path(pattern, &path).unwrap_or(false) {
                found.push(path);
            }
        }
        return found;
    }
    let mut found: Vec<(String, &Rc<Node>)> = vec![(String::new(), tree.root())];
    for part in pattern.split('/') {
        let literal = part.split(['*', '?']).next().unwrap_or("");
        let mut next = Vec::new();
        for (folder, node) in found {
            let full =
                |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let is_match = |(name, _): &(&str, &Rc<Node>)| match_path(part, name).unwrap_or(false);
            next.extend(node.iter_prefix(literal).filter(is_match).map(|(name, child)| (full(name), child)));
        }
        found = next;
    }
    found.into_iter().map(|(path, _)| path).collect()
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.insert(path, Entry::file(Digest::of(text.as_bytes()), text.len() as u64));
        }
        tree
    }

    fn digest(files: &[(&str, &str)], path: &str) -> Digest {
        let selector =
            Selector { path: path.into(), is_wildcard: true, follows_links: true, ..Selector::default() };
        select(&tree(files), &[selector]).unwrap().digest
    }

    #[test]
    fn folder_of_a_source_does_not_count() {
        assert_eq!(digest(&[("a.txt", "1")], "/a.txt"), digest(&[("x/a.txt", "1")], "/x/a.txt"));
        assert_ne!(digest(&[("a.txt", "1")], "/a.txt"), digest(&[("a.txt", "2")], "/a.txt"));
        assert_eq!(digest(&[("d/e", "1")], "/d"), digest(&[("f/e", "1")], "/f"));
        assert_ne!(digest(&[("d/e", "1")], "/d"), digest(&[("d/g", "1")], "/d"));
    }

    #[test]
    fn names_count_for_wildcards() {
        let one = digest(&[("package.json", "1")], "/package*.json");
        assert_ne!(one, digest(&[("package.json", "1"), ("package-lock.json", "1")], "/package*.json"));
        assert_eq!(one, digest(&[("package.json", "1"), ("index.js", "1")], "/package*.json"));
        let missing = Selector { path: "/nope".into(), ..Selector::default() };
        assert!(select(&tree(&[]), &[missing]).is_err());
    }

    #[test]
    fn links_lead_on() {
        let mut tree = tree(&[("d/f", "1")]);
        let link =
            |target: &str| Entry { kind: EntryKind::Symlink { target: target.into() }, ..Entry::dir() };
        tree.insert("l", link("d"));
        tree.insert("loop", link("loop"));
        assert_eq!(follow(&tree, "/l/f", true).as_deref(), Some("d/f"));
        assert_eq!(follow(&tree, "/l", false).as_deref(), Some("l"));
        assert_eq!(follow(&tree, "/loop", true), None);
    }
}
