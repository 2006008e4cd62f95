//! Layers on top of each other, against a map that does the same the plain way.

use std::collections::{BTreeMap, BTreeSet};

use layerlab::archive::Limits;
use layerlab::archive::tar::{MemberKind, Streaming};
use layerlab::digest::Digest;
use layerlab::layer::LayerTree;
use layerlab::layer::dive::Dive;
use layerlab::layer::stack::{ChangeKind, ROOT, Stack};
use layerlab::layer::waste::Waste;
use proptest::collection::vec;
use proptest::prelude::*;

/// One entry of a made-up layer.
#[derive(Clone, Debug)]
enum Entry {
    File(String, String),
    Dir(String),
    Whiteout(String),
    Opaque(String),
}

/// What is at a path: the content of a file, nothing for a folder.
type Tree = BTreeMap<String, Option<String>>;

fn path() -> impl Strategy<Value = String> {
    // Few names, so that layers meet; one of them sorts before `/`.
    vec(prop_oneof!["a", "b", "a-", "c"], 1..4).prop_map(|names| names.join("/"))
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        4 => (path(), "[xy]{0,3}").prop_map(|(path, content)| Entry::File(path, content)),
        2 => path().prop_map(Entry::Dir),
        2 => path().prop_map(Entry::Whiteout),
        1 => path().prop_map(Entry::Opaque),
    ]
}

/// No file of a layer is a folder of the same layer too.
fn layer() -> impl Strategy<Value = Vec<Entry>> {
    vec(entry(), 0..8).prop_map(|entries| {
        let mut kept: Vec<Entry> = Vec::new();
        let mut files: BTreeSet<String> = BTreeSet::new();
        let mut others: BTreeSet<String> = BTreeSet::new();
        for entry in entries {
            let (path, is_file) = match &entry {
                Entry::File(path, _) => (path, true),
                Entry::Dir(path) => (path, false),
                Entry::Whiteout(_) | Entry::Opaque(_) => {
                    kept.push(entry);
                    continue;
                }
            };
            let above: Vec<String> = path.match_indices('/').map(|(idx, _)| path[..idx].to_owned()).collect();
            let is_taken = if is_file { others.contains(path) } else { files.contains(path) };
            if is_taken || above.iter().any(|folder| files.contains(folder)) {
                continue;
            }
            others.extend(above);
            if is_file {
                files.insert(path.clone())
            } else {
                others.insert(path.clone())
            };
            kept.push(entry);
        }
        kept
    })
}

fn tar_of(layer: &[Entry]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |path: &str, kind: tar::EntryType, content: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
    };
    for entry in layer {
        match entry {
            Entry::File(path, content) => add(path, tar::EntryType::Regular, content),
            Entry::Dir(path) => add(&format!("{path}/"), tar::EntryType::Directory, ""),
            Entry::Whiteout(path) => {
                let (folder, name) = path.rsplit_once('/').map_or(("", path.as_str()), |pair| pair);
                let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
                add(&format!("{folder}.wh.{name}"), tar::EntryType::Regular, "");
            }
            Entry::Opaque(path) => add(&format!("{path}/.wh..wh..opq"), tar::EntryType::Regular, ""),
        }
    }
    builder.into_inner().unwrap()
}

fn read(layer: &[Entry]) -> LayerTree {
    let bytes = tar_of(layer);
    let (tree, error) = LayerTree::read(&mut Streaming::new(&bytes[..]), Limits::for_browser());
    assert!(error.is_none(), "{error:?}");
    tree
}

fn remove(tree: &mut Tree, path: &str, with_itself: bool) {
    let prefix = format!("{path}/");
    tree.retain(|at, _| !(at.starts_with(&prefix) || (with_itself && at == path)));
}

/// Puts a layer on a tree the plain way.
fn put(tree: &mut Tree, layer: &[Entry]) {
    for entry in layer {
        match entry {
            Entry::Whiteout(path) => remove(tree, path, true),
            Entry::Opaque(path) => remove(tree, path, false),
            _ => {}
        }
    }
    for entry in layer {
        let (path, content) = match entry {
            Entry::File(path, content) => (path, Some(content.clone())),
            Entry::Dir(path) => (path, None),
            _ => continue,
        };
        for (idx, _) in path.match_indices('/') {
            let folder = &path[..idx];
            if tree.get(folder).is_none_or(Option::is_some) {
                tree.insert(folder.to_owned(), None);
            }
        }
        if content.is_some() {
            remove(tree, path, false);
        }
        tree.insert(path.clone(), content);
    }
}

fn bytes(tree: &Tree) -> u64 {
    tree.values().flatten().map(|content| content.len() as u64).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_stack_is_the_map(layers in vec(layer(), 1..6)) {
        let trees: Vec<LayerTree> = layers.iter().map(|layer| read(layer)).collect();
        let stack = Stack::new(&trees);
        let mut plain = Tree::new();
        for (idx, layer) in layers.iter().enumerate() {
            let before = plain.clone();
            put(&mut plain, layer);
            let found: Tree = stack
                .tree(idx)
                .into_iter()
                .map(|(path, node)| {
                    let entry = stack.view(node, idx).unwrap().entry;
                    let file = entry.filter(|entry| entry.kind == MemberKind::File);
                    let content = plain.get(&path).cloned().flatten();
                    prop_assert_eq!(file.and_then(|file| file.digest), content.as_ref().map(|text| Digest::of(text.as_bytes())));
                    Ok((path, content))
                })
                .collect::<Result<_, TestCaseError>>()?;
            prop_assert_eq!(&found, &plain);
            let root = stack.view(ROOT, idx).unwrap();
            prop_assert_eq!((root.total_bytes, root.n_below), (bytes(&plain), plain.len() as u64));
            let parent = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
            let gone: BTreeSet<&String> = before
                .keys()
                .filter(|path| !plain.contains_key(*path))
                .filter(|path| parent(path).is_none_or(|folder| plain.contains_key(&folder)))
                .collect();
            let mut removed = BTreeSet::new();
            for change in stack.changes(idx) {
                let path = stack.path(change.node);
                match change.kind {
                    ChangeKind::Added => prop_assert!(!before.contains_key(&path)),
                    ChangeKind::Unchanged => prop_assert_eq!(before.get(&path), plain.get(&path)),
                    ChangeKind::Modified(_) => prop_assert!(before.contains_key(&path) && plain.contains_key(&path)),
                    ChangeKind::Removed { n_entries, bytes: n_bytes } => {
                        let mut below = before.clone();
                        let prefix = format!("{path}/");
                        below.retain(|at, _| *at == path || at.starts_with(&prefix));
                        prop_assert_eq!((n_entries, n_bytes), (below.len() as u64, bytes(&below)));
                        removed.insert(path);
                    }
                }
            }
            prop_assert_eq!(removed.iter().collect::<BTreeSet<_>>(), gone);
        }
        // Nothing of what is stored is lost or told twice.
        let waste = Waste::of(&stack, 0);
        let totals = waste.totals;
        prop_assert_eq!(totals.content_bytes, totals.tree_bytes + totals.linked_bytes + totals.hidden_bytes);
        prop_assert_eq!(waste.hidden_bytes(), totals.hidden_bytes);
        let dive = Dive::of(&trees);
        prop_assert!(dive.efficiency <= 1.0 && dive.size_bytes == totals.content_bytes);
    }
}
