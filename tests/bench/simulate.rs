//! Simulates a wide graph: 250 instructions in 60 stages over 100,000 context files, and halves of it.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "measures and tells")]

#[path = "common.rs"]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::rc::Rc;

use common::{Seed, best_of, millis, ratio, sha256_of};
use layerlab::cache::solve::{Inputs, Reruns, record, simulate};
use layerlab::cache::store::CacheStore;
use layerlab::context::{Entry, Tree};
use layerlab::digest::Digest;
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{BuildOptions, Graph, convert};

const SHA256_BYTES: usize = 8 << 20;

fn dockerfile(n_instructions: usize, n_stages: usize) -> String {
    let mut text = String::new();
    let per_stage = n_instructions / n_stages;
    for stage in 0..n_stages {
        let _ = writeln!(text, "FROM debian:12 AS s{stage}");
        for n in 1..per_stage {
            let _ = match n % 3 {
                0 => writeln!(text, "RUN make part{stage}.{n}"),
                1 => writeln!(text, "COPY dir{stage}/ /srv/{stage}/{n}/"),
                _ => writeln!(text, "ENV V{stage}_{n}=x"),
            };
        }
    }
    text.push_str("FROM scratch\n");
    for stage in 0..n_stages {
        let _ = writeln!(text, "COPY --from=s{stage} /srv /srv{stage}");
    }
    text
}

fn context(n_files: usize, n_stages: usize) -> Tree {
    let mut seed = Seed(2);
    let mut tree = Tree::default();
    for n in 0..n_files {
        let folder = n % n_stages;
        let path = format!("dir{folder}/part{}/file{n}.js", seed.below(100));
        tree.insert(&path, Entry::file(Digest::of(path.as_bytes()), seed.below(100_000)));
    }
    tree
}

fn graph(text: &str) -> Graph {
    match convert::build(&Dockerfile::read(text), &BuildOptions::default(), &|_, _| None) {
        Ok(graph) => graph,
        Err(error) => panic!("no graph: {}", error.message),
    }
}

fn main() {
    let hash = sha256_of(SHA256_BYTES);
    println!("simulate: one file of the context changed; beside sha256 of 8 MiB, {}", millis(hash));
    let mut before = None;
    for part in [4, 2, 1] {
        let (n_instructions, n_stages, n_files) = (250 / part, 60 / part, 100_000 / part);
        let text = dockerfile(n_instructions, n_stages);
        let graph = graph(&text);
        let tree = context(n_files, n_stages);
        let with = |tree: Tree| Inputs {
            locals: BTreeMap::from([("context".to_owned(), Rc::new(tree))]),
            ..Inputs::default()
        };
        let mut edited = tree.clone();
        let path = tree.iter().find(|(_, entry)| !entry.is_dir()).map(|(path, _)| path.to_owned());
        edited.insert(&path.unwrap_or_default(), Entry::file(Digest::of(b"edited"), 6));
        let inputs = with(tree);
        let mut store = CacheStore::default();
        record(&graph, &inputs, &mut store, &|_| Reruns::Same, &BTreeSet::new());
        let same = best_of(3, || simulate(&graph, &inputs, &store));
        let edited = with(edited);
        let changed = best_of(3, || simulate(&graph, &edited, &store));
        let growth = before.map_or_else(|| "-".to_owned(), |before| ratio(changed, before));
        println!(
            "simulate: {n_instructions} instructions, {n_stages} stages, {n_files} files: unchanged {} ({}x), changed {} ({}x), growth {growth}",
            millis(same),
            ratio(same, hash),
            millis(changed),
            ratio(changed, hash),
        );
        before = Some(changed);
    }
}
