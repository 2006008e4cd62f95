//! Any bytes are read as the tar of one layer, and put on top of itself.
//!
//! `make fuzz ARGS=layer` runs it for a while. No part of `make test`.

#![no_main]

mod common;

use std::collections::BTreeMap;
use std::io::Cursor;

use common::{Chopped, MAX_BYTES, limits, mutate};
use layerlab::archive::fed::Fed;
use layerlab::archive::tar::{MemberKind, Seeking, Streaming, Walk};
use layerlab::digest::Digest;
use layerlab::layer::dive::Dive;
use layerlab::layer::stack::{ChangeKind, NodeId, ROOT, Stack};
use layerlab::layer::waste::Waste;
use layerlab::layer::{LayerTree, Listing, Row};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > MAX_BYTES {
        return;
    }
    let (tree, error) = LayerTree::read(&mut Streaming::new(bytes), limits());
    let error = error.map(|error| error.to_string());
    let same = |other: LayerTree, other_error: Option<String>| {
        assert_eq!(other, tree);
        assert_eq!(other_error, error);
    };
    let (other, other_error) = LayerTree::read(&mut Streaming::new(Chopped::new(bytes)), limits());
    same(other, other_error.map(|error| error.to_string()));
    let (other, other_error) = LayerTree::read(&mut Seeking(Cursor::new(bytes)), limits());
    same(other, other_error.map(|error| error.to_string()));
    let (listed, listed_error) = LayerTree::list(&mut Streaming::new(bytes), limits());
    let (fed, fed_error) = list_fed(bytes);
    assert_eq!(fed, listed);
    assert_eq!(fed_error, listed_error.map(|error| error.to_string()));
    // What was read counts whether or not the rest is damaged.
    check_tree(&tree, bytes);
    check_rows(&tree, "");
    check_stack(&tree);
});

/// Lists with bytes that come by themselves: each piece is longer than what the one before left open.
fn list_fed(bytes: &[u8]) -> (LayerTree, Option<String>) {
    let mut listing = Listing::new(limits());
    let (mut end, total) = (0, bytes.len());
    loop {
        end = (end * 2 + 100).min(total);
        let start = usize::try_from(listing.place().next_header()).unwrap().min(end);
        let pos = listing.place().pos();
        let mut reader = Fed::new(&bytes[start..end], start as u64, pos, total as u64);
        match listing.go_on(&mut reader) {
            Ok(false) => assert!(end < total),
            Ok(true) => return (listing.finish(), None),
            Err(error) => return (listing.finish(), Some(error.to_string())),
        }
    }
}

fn sum(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}

/// Against the members as they are walked through, their bodies skipped or taken.
fn check_tree(tree: &LayerTree, bytes: &[u8]) {
    let mut reader = Seeking(Cursor::new(bytes));
    let mut skipping = Walk::new(&mut reader, limits());
    let mut reader = Streaming::new(bytes);
    let mut walk = Walk::new(&mut reader, limits());
    let (mut n_members, mut content_bytes) = (0, 0_u64);
    let mut digests = BTreeMap::new();
    while let Ok(Some(member)) = walk.next_member() {
        let skipped = skipping.next_member();
        assert!(matches!(skipped, Ok(Some(skipped)) if skipped == member));
        n_members += 1;
        content_bytes = content_bytes.saturating_add(member.size_bytes);
        assert!(member.path.len().max(member.link.len()) as u64 <= limits().path_bytes);
        assert!(member.mode <= 0o7777);
        let (path, is_plain) = (member.path, member.sparse.is_none());
        let mut body = Vec::new();
        let outcome = walk.stream_body(&mut |piece| body.extend_from_slice(piece));
        if let Ok(n_bytes) = outcome {
            assert_eq!(n_bytes, body.len() as u64);
        }
        if member.kind == MemberKind::File && is_plain {
            let names: Vec<&str> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
            digests.insert(names.join("/"), outcome.is_ok().then(|| Digest::of(&body)));
        }
        if outcome.is_err() {
            break;
        }
    }
    assert!(n_members <= limits().n_entries);
    assert_eq!((tree.n_members, tree.content_bytes), (n_members, content_bytes));
    for (path, entry) in tree.iter() {
        assert!(!path.is_empty() && path.split('/').all(|name| !matches!(name, "" | ".")));
        match entry.kind {
            MemberKind::File if !entry.is_sparse => assert_eq!(entry.digest, digests[path], "{path}"),
            MemberKind::File => {}
            MemberKind::HardLink => {
                let digest = tree.linked(path).and_then(|(_, file)| file.digest);
                assert_eq!(entry.digest, digest);
                assert_eq!(entry.size_bytes, 0);
            }
            _ => assert!(entry.digest.is_none() && entry.size_bytes == 0),
        }
        for (idx, _) in path.match_indices('/') {
            assert!(tree.get(&path[..idx]).is_some());
        }
        assert!(entry.is_implicit == (entry.n_times == 0));
    }
}

/// Totals of each row are those of the rows below it and of itself; gives the sums of the folder.
fn check_rows(tree: &LayerTree, folder: &str) -> (u64, u64) {
    let is_dir =
        |row: &Row| row.n_below > 0 || row.entry.as_ref().is_some_and(|at| at.kind == MemberKind::Dir);
    let rows = tree.rows(folder);
    assert!(rows.is_sorted_by_key(|row| (!is_dir(row), row.name.clone())));
    let mut sums = (0_u64, 0_u64);
    for row in rows {
        let path = if folder.is_empty() { row.name.clone() } else { format!("{folder}/{}", row.name) };
        let own_bytes = row.entry.as_ref().map_or(0, |entry| entry.size_bytes);
        let below = if row.n_below > 0 { check_rows(tree, &path) } else { (0, 0) };
        assert_eq!((row.total_bytes, row.n_below), (own_bytes.saturating_add(below.0), below.1), "{path}");
        let n_own = u64::from(tree.get(&path).is_some()) + u64::from(tree.whiteouts.contains(&path));
        sums = (sums.0.saturating_add(row.total_bytes), sums.1 + below.1 + n_own);
    }
    sums
}

fn check_stack(tree: &LayerTree) {
    let one = Stack::new([tree]);
    let paths: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
    let mut stacked: Vec<(String, NodeId)> = one.tree(0);
    assert!(stacked.iter().map(|(path, _)| path.as_str()).eq(paths));
    check_stack_rows(&one, ROOT, 0);
    assert!(one.changes(0).all(|change| change.kind == ChangeKind::Added));

    // Once more on top of itself it changes nothing, and hides all files below.
    let two = Stack::new([tree, tree]);
    stacked.retain(|(path, node)| two.find(path) == Some(*node) && two.path(*node) == *path);
    assert_eq!(two.tree(1), stacked);
    check_stack_rows(&two, ROOT, 1);
    assert!(two.changes(1).all(|change| change.kind == ChangeKind::Unchanged));
    for (_, node) in &stacked {
        let (before, after) = (one.view(*node, 0).unwrap(), two.view(*node, 1).unwrap());
        assert_eq!((before.total_bytes, before.n_below), (after.total_bytes, after.n_below));
    }
    let (waste, waste_of_two) = (Waste::of(&one, 0), Waste::of(&two, 0));
    let (totals, totals_of_two) = (waste.totals, waste_of_two.totals);
    for totals in [totals, totals_of_two] {
        let told = [totals.tree_bytes, totals.linked_bytes, totals.hidden_bytes, totals.marks_bytes];
        assert!(sum(told.into_iter()) <= totals.content_bytes);
    }
    assert_eq!(totals_of_two.tree_bytes, totals.tree_bytes);
    assert_eq!((totals.n_paths, totals.linked_bytes), (stacked.len() as u64, 0));
    let hidden = [totals.hidden_bytes, totals.hidden_bytes, totals.tree_bytes];
    assert_eq!(totals_of_two.hidden_bytes, sum(hidden.into_iter()));
    assert_eq!(waste_of_two.hidden_bytes(), totals_of_two.hidden_bytes);
    assert_eq!(sum(waste_of_two.by_path().iter().map(|row| row.bytes)), totals_of_two.hidden_bytes);
    assert_eq!(waste_of_two.duplicates.len(), waste.duplicates.len());

    for layers in [vec![tree], vec![tree, tree]] {
        let dive = Dive::of(layers.clone());
        assert!(dive.efficiency <= 1.0);
        assert_eq!(dive.layer_bytes, vec![tree.content_bytes; layers.len()]);
        assert_eq!(dive.size_bytes, sum(dive.layer_bytes.iter().copied()));
        assert_eq!(dive.wasted_bytes, sum(dive.files.iter().map(|file| file.bytes)));
        assert!(dive.files.iter().all(|file| file.n_layers > 1));
    }
}

/// The same of the rows of a stack; those that the layer removed count no more.
fn check_stack_rows(stack: &Stack, folder: NodeId, layer_idx: usize) {
    let rows = stack.rows(folder, layer_idx);
    let mut sums = (0_u64, 0_u64);
    for row in rows.iter().filter(|row| !matches!(row.change, Some(ChangeKind::Removed { .. }))) {
        sums = (sums.0.saturating_add(row.total_bytes), sums.1 + 1 + row.n_below);
        check_stack_rows(stack, row.node, layer_idx);
    }
    let view = stack.view(folder, layer_idx).unwrap();
    let own = view.entry.filter(|entry| entry.kind == MemberKind::File).map_or(0, |entry| entry.size_bytes);
    assert_eq!((view.total_bytes, view.n_below), (own.saturating_add(sums.0), sums.1));
}
