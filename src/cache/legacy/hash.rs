//! The sum over the files that a copy takes, as it stands in the copy's command.
//!
//! ```text
//! sum    = part | "multi:" sha256(part "," part ...)     parts as given; a wildcard's by name
//! part   = "file:" leaf | "dir:" sha256(leaf "," leaf ...)    leaves sorted
//! leaf   = sha256(header bytes)
//! header = "name" path "mode" n "uid0gid0size" n "typeflag" c "linknameunamegnamedevmajor0devminor0"
//! ```
//!
//! - A folder's path ends with `/`; the mode is decimal and has the bits of the type.
//! - The leaves of a folder are its own and those of all below it. The root of the context has none.
//! - A folder that the client did not pack itself has its path in place of a leaf.
//! - Links are followed, those inside of a folder too: the leaf is that of what they lead to. In a
//!   folder, one that leads nowhere has none.
//!
//! The header is moby's `tarsum` of what a client of version 20.10 sends.
//!
//! The same sum is also made of leaves over digests, which needs no bytes: two of
//! these are equal exactly if the real ones are.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::context::glob::match_path;
use crate::context::ignore::Packed;
use crate::context::select::{follow, has_wildcard};
use crate::context::{Entry, EntryKind, Tree, normal_path};
use crate::digest::{Digest, Hasher};

/// The bytes of files by their digests, as far as they are at hand.
pub type Bytes = BTreeMap<Digest, Rc<[u8]>>;

/// Makes the leaf of a file or folder; `None` where something for it is not known.
pub(super) type Leaf<'a> = &'a dyn Fn(&str, &Entry) -> Option<String>;

/// Why there is no sum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SumError {
    /// A path that is not there.
    Missing {
        /// The path, as the builder names it.
        path: String,
    },
    /// No file at all was found.
    NoSources,
}

/// A sum, and over how many things.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sum {
    /// The sum; `None` where some leaf is not known.
    pub(super) text: Option<String>,
    /// How many files and folders were named or found.
    pub(super) n_parts: usize,
}

/// The sum as the builder stores it; `None` where the bytes of some file are not at hand.
///
/// # Errors
/// A source that is not there.
pub fn real(context: &Packed, sources: &[String], bytes: &Bytes) -> Result<Option<String>, SumError> {
    let leaf = |path: &str, entry: &Entry| real_leaf(path, entry, bytes);
    sum(context, sources, &leaf).map(|sum| sum.text)
}

/// A leaf that is equal exactly where the real one is.
pub(super) fn by_digest(path: &str, entry: &Entry) -> String {
    let mut hasher = Hasher::default();
    hasher.field(path);
    hasher.field(&mode(entry).to_string());
    if let EntryKind::File { digest, size_bytes } = &entry.kind {
        hasher.field(&size_bytes.to_string());
        hasher.update(digest.as_bytes());
    }
    hasher.finish().hex()
}

/// The sum made with the given leaves.
pub(super) fn sum(context: &Packed, sources: &[String], leaf: Leaf<'_>) -> Result<Sum, SumError> {
    let leaf = |path: &str, entry: &Entry| {
        if context.bare_folders.contains(path) { Some(path.to_owned()) } else { leaf(path, entry) }
    };
    let mut parts = Vec::new();
    for path in found(&context.tree, sources) {
        parts.push(part(&context.tree, &path, &leaf)?);
    }
    let text = match parts.as_slice() {
        [] => return Err(SumError::NoSources),
        [one] => one.clone(),
        _ => parts.iter().cloned().collect::<Option<Vec<_>>>().map(|parts| joined("multi", &parts)),
    };
    Ok(Sum { text, n_parts: parts.len() })
}

/// All that a copy takes, by path: where each leads to, and its leaf.
pub(super) fn taken(context: &Tree, sources: &[String]) -> BTreeMap<String, (String, String)> {
    let mut all = BTreeMap::new();
    for path in found(context, sources) {
        for (path, target) in below(context, &path).unwrap_or_default() {
            if let Some(entry) = context.get(&target) {
                let leaf = by_digest(&target, entry);
                all.insert(path, (target, leaf));
            }
        }
    }
    all
}

/// Whether a copy takes a path.
pub(super) fn takes(context: &Tree, sources: &[String], path: &str) -> bool {
    taken(context, sources).values().any(|(target, _)| target == path)
}

/// The sources without wildcards: those that stand for several files are replaced by these.
fn found(context: &Tree, sources: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let path = source_path(source);
        if has_wildcard(path) {
            let matching = context.iter().filter(|(name, _)| match_path(path, name).unwrap_or(false));
            found.extend(matching.map(|(name, _)| name));
        } else {
            found.push(path.to_owned());
        }
    }
    found
}

/// A source as the builder looks for it.
pub(super) fn source_path(source: &str) -> &str {
    let path = source.strip_prefix('/').unwrap_or(source);
    path.strip_prefix("./").unwrap_or(path)
}

/// What stands at a path and below it, each with where it leads to. The root itself is not listed.
fn below(context: &Tree, path: &str) -> Result<Vec<(String, String)>, SumError> {
    let missing = || SumError::Missing { path: path.to_owned() };
    let top = follow(context, path, true).ok_or_else(missing)?;
    let mut all = Vec::new();
    if !top.is_empty() {
        all.push((normal_path(path), top.clone()));
    }
    for (path, entry) in context.below(&top) {
        let target = match entry.kind {
            EntryKind::Symlink { .. } => follow(context, &path, true),
            _ => Some(path.clone()),
        };
        all.extend(target.filter(|target| !target.is_empty()).map(|target| (path, target)));
    }
    Ok(all)
}

fn part(context: &Tree, path: &str, leaf: Leaf<'_>) -> Result<Option<String>, SumError> {
    let all = below(context, path)?;
    let leaves = all.iter().map(|(_, target)| leaf(target, context.get(target)?));
    let leaves: Option<Vec<String>> = leaves.collect();
    let top = follow(context, path, true).and_then(|top| context.get(&top));
    if top.is_some_and(|entry| !entry.is_dir()) {
        return Ok(leaves.map(|leaves| format!("file:{}", leaves.concat())));
    }
    Ok(leaves.map(|mut leaves| {
        leaves.sort();
        joined("dir", &leaves)
    }))
}

pub(super) fn joined(kind: &str, parts: &[String]) -> String {
    format!("{kind}:{}", Digest::of(parts.join(",").as_bytes()).hex())
}

/// The mode with the bits of the type.
fn mode(entry: &Entry) -> u32 {
    let kind = match entry.kind {
        EntryKind::File { .. } | EntryKind::HardLink { .. } => 0o100_000,
        EntryKind::Dir => 0o040_000,
        EntryKind::Symlink { .. } => 0o120_000,
    };
    entry.mode | kind
}

fn real_leaf(path: &str, entry: &Entry, bytes: &Bytes) -> Option<String> {
    let (slash, flag, size_bytes, content) = match &entry.kind {
        EntryKind::File { digest, size_bytes } => ("", '0', *size_bytes, bytes.get(digest)?.as_ref()),
        EntryKind::Dir => ("/", '5', 0, &[][..]),
        EntryKind::Symlink { .. } | EntryKind::HardLink { .. } => return None,
    };
    let mode = mode(entry);
    let header = format!(
        "name{path}{slash}mode{mode}uid0gid0size{size_bytes}typeflag{flag}linknameunamegnamedevmajor0devminor0"
    );
    let mut hasher = Hasher::default();
    hasher.update(header.as_bytes());
    hasher.update(content);
    Some(hasher.finish().hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> (Packed, Bytes) {
        let (mut context, mut bytes) = (Packed::default(), Bytes::new());
        for (path, content) in list {
            let digest = Digest::of(content.as_bytes());
            context.tree.insert(path, Entry::file(digest, content.len() as u64));
            bytes.insert(digest, Rc::from(content.as_bytes()));
        }
        (context, bytes)
    }

    fn check(list: &[(&str, &str)], sources: &[&str], expected: &str) {
        let (tree, bytes) = files(list);
        let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
        assert_eq!(real(&tree, &sources, &bytes), Ok(Some(expected.to_owned())));
        // Without the bytes there is no real sum, but one to compare.
        assert_eq!(real(&tree, &sources, &Bytes::new()), Ok(None));
        let by_digest = |path: &str, entry: &Entry| Some(by_digest(path, entry));
        assert!(sum(&tree, &sources, &by_digest).is_ok_and(|sum| sum.text.is_some()));
    }

    /// As recorded from dockerd 20.10.24.
    #[test]
    fn recorded_sums() {
        let a = "file:7a379d0ef3d363574f9a38cf03a78aa104889c30582434cdb486f5c62436edb0";
        check(&[("a.txt", "a\n")], &["a.txt"], a);
        check(&[("a.txt", "a\n"), ("b", "x")], &["/./a.txt"], a);
        let e = "dir:415c8f52a205c82f295c9aa45945907782dfcdf06b5d714637d0f3f688e9d0a2";
        check(&[("e/f", "1\n"), ("x", "1")], &["e/"], e);
        check(&[("e/f", "1\n")], &["."], e);
    }

    #[test]
    fn a_wildcard_equals_the_names_it_finds() {
        let (tree, bytes) = files(&[("b.js", "2"), ("a.js", "1"), ("c", "3")]);
        let sum = |sources: &[&str]| {
            let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
            real(&tree, &sources, &bytes)
        };
        assert_eq!(sum(&["*.js"]), sum(&["a.js", "b.js"]));
        assert_ne!(sum(&["*.js"]), sum(&["b.js", "a.js"]));
        assert_eq!(sum(&["c*"]), sum(&["c"]));
        assert_eq!(sum(&["*.md"]), Err(SumError::NoSources));
        assert_eq!(sum(&["./d"]), Err(SumError::Missing { path: "d".into() }));
    }

    #[test]
    fn links_are_followed() {
        let (mut context, bytes) = files(&[("r", "1\n"), ("d/x", "2\n")]);
        let link =
            |target: &str| Entry { kind: EntryKind::Symlink { target: target.to_owned() }, ..Entry::dir() };
        context.tree.insert("l", link("r"));
        let sum = |context: &Packed, source: &str| real(context, &[source.to_owned()], &bytes);
        assert_eq!(sum(&context, "l"), sum(&context, "r"));
        let without = sum(&context, "d");
        context.tree.insert("d/nowhere", link("z"));
        assert_eq!(sum(&context, "d"), without);
        context.tree.insert("d/l", link("../r"));
        assert_ne!(sum(&context, "d"), without);
        assert!(takes(&context.tree, &["d".to_owned()], "r"));
    }
}
