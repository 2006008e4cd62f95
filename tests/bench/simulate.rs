//! Simulates a wide graph: 250 instructions in 60 stages over 100,000 context files, and parts of it.
//!
//! First the simulation by itself, then all that the page does from an edit to the rows that it
//! draws: reading the text, the graph, the ignore file, the simulation, the checks, the view.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "measures and tells")]

#[path = "common.rs"]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use common::{Seed, best_of, millis, ratio, sha256_of};
use layerlab::app::analysis::Analysis;
use layerlab::app::history::{Event, History};
use layerlab::app::state::{Session, State, Version};
use layerlab::app::update::{Message, update};
use layerlab::app::view;
use layerlab::cache::solve::{Inputs, Reruns, record, simulate};
use layerlab::cache::store::CacheStore;
use layerlab::context::{Entry, Tree};
use layerlab::digest::Digest;
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{BuildOptions, Graph, convert};

const SHA256_BYTES: usize = 10_000_000;

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
    println!("simulate: one file of the context changed; beside sha256 of 10 MB, {}", millis(hash));
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
    page();
}

/// The page with a context of this size, its files as built.
fn session(text: &str, tree: Tree) -> Session {
    let now = Version {
        dockerfile: text.to_owned(),
        dockerignore: "**/*.log\n.git\n".to_owned(),
        has_dockerfile_in_context: true,
        files: Rc::new(tree),
        ..Session::example().now
    };
    let events = vec![Event::Built(Rc::new(now.clone()))];
    Session { given: Rc::clone(&now.files), now, events, ..Session::example() }
}

fn page() {
    let hash = sha256_of(SHA256_BYTES);
    println!("page: from an edit to the verdicts and rows; beside sha256 of 10 MB, {}", millis(hash));
    let mut before = [None; 2];
    for part in [4, 2, 1] {
        let (n_instructions, n_stages, n_files) = (250 / part, 60 / part, 100_000 / part);
        let text = dockerfile(n_instructions, n_stages);
        let tree = context(n_files, n_stages);
        let path = tree.iter().find(|(_, entry)| !entry.is_dir()).map(|(path, _)| path).unwrap_or_default();
        let mut state = State::new(session(&text, tree), "bench");
        let history =
            History::replay(&state.session.events, state.session.reruns, &state.session.images, None);
        let mut analysis = Analysis::new(&state, &history, None);
        let mut edits: [&mut dyn FnMut(usize) -> Message; 2] =
            [&mut |_| Message::FileEdited(path.clone()), &mut |n| {
                Message::DockerfileEdited(text.replace("RUN make part0.3", &format!("RUN make part0.3 {n}")))
            }];
        for (what, (edit, before)) in
            ["a file", "the Dockerfile"].iter().zip(edits.iter_mut().zip(&mut before))
        {
            let (mut n, mut judging, mut drawing) = (0, Duration::MAX, Duration::MAX);
            for _ in 0..5 {
                n += 1;
                let _ = update(&mut state, edit(n));
                let started = Instant::now();
                analysis = Analysis::new(&state, &history, Some(&analysis));
                judging = judging.min(started.elapsed());
                drawing = drawing.min(best_of(1, || view::simulate(&state, &history, &analysis)));
            }
            println!(
                "page: {n_instructions} instructions, {n_files} files, {what} edited: verdicts {} ({}x), rows {} ({}x), growth {}",
                millis(judging),
                ratio(judging, hash),
                millis(drawing),
                ratio(drawing, hash),
                before.map_or_else(|| "-".to_owned(), |before| ratio(judging, before)),
            );
            *before = Some(judging);
        }
    }
}
