//! Scores the recorded sets: what real builders answered, against what this crate answers.
//!
//! A *set* is a folder of records; `graph` is one section of the records of
//! three. A folder is looked for in `LAYERLAB_CORPUS` alone
//! if that is set, else in `../shared/corpus` and then in `tests/corpus`. A
//! *case* is a record; it has one or more *sections*, such as `parse` or
//! `lint`, and agrees only if all of them do.
//!
//! - `totals.json` holds how much is agreed on; it only rises. The test fails
//!   where a set or one of its sections falls below. `LAYERLAB_UPDATE_TOTALS=1` writes what was
//!   reached. Once a set is marked `complete`, each case that disagrees has to
//!   be listed in `known-differences.json`, with the reason.
//! - `LAYERLAB_VERBOSE=1` lists every case that disagrees, not just the first ones.
//!
//! The code under test is handed the input of a case only, never its answer.

#![allow(clippy::disallowed_methods, reason = "records are files, and the environment says which")]

mod cache;
mod cache_legacy;
mod cause;
mod compare;
pub(crate) mod corpus;
mod dockerfiles;
mod graph;
mod hostile;
mod ignore;
pub(crate) mod images;
mod instructions;
mod lint;
mod parser;
mod render;
mod score;
mod shell;
mod stacked;
mod terminal;
mod totals;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use corpus::Corpus;
use score::Score;

/// Scores a set that stands in the given folder.
type Scorer = fn(&Path) -> Score;

/// Every set that has a scorer, in the order of the report.
const SETS: [(&str, Scorer); 14] = [
    ("parser", parser::score),
    ("shell", shell::score),
    ("ignore", ignore::score),
    ("instructions", instructions::score),
    ("lint", lint::score),
    ("tricky", dockerfiles::score),
    ("real", dockerfiles::score),
    ("buildkit-tests", dockerfiles::score),
    ("graph", graph::score),
    ("cache", cache::score),
    ("cache-legacy", cache_legacy::score),
    ("images", images::score),
    ("images-dive", images::score),
    ("hostile", hostile::score),
];

/// Where the records of `graph` are.
const GRAPH_FOLDERS: [&str; 3] = ["tricky", "real", "buildkit-tests"];

/// Scores a set with what there is of it; none if there is nothing.
fn score_set(corpus: &Corpus, set: &str, scorer: Scorer) -> Option<Score> {
    if set != "graph" {
        return Some(scorer(&corpus.folder(set)?));
    }
    let mut score = Score::default();
    for name in GRAPH_FOLDERS {
        if let Some(folder) = corpus.folder(name) {
            score.absorb(name, scorer(&folder));
        }
    }
    Some(score).filter(|score| score.total > 0)
}

/// How many disagreements of a set are listed without `LAYERLAB_VERBOSE`.
const MAX_LISTED: usize = 40;

fn is_on(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| !value.is_empty() && value != "0")
}

#[test]
fn recorded_sets() {
    let corpus = Corpus::from_environment();
    let found: Vec<(&str, Score)> =
        SETS.iter().filter_map(|(set, scorer)| Some((*set, score_set(&corpus, set, *scorer)?))).collect();
    let mut out = String::new();
    for (name, score) in &found {
        score.report(name, if is_on("LAYERLAB_VERBOSE") { usize::MAX } else { MAX_LISTED }, &mut out);
    }
    let failures = if corpus.is_foreign { Vec::new() } else { totals::check(&found, &mut out) };
    for failure in &failures {
        let _ = writeln!(out, "{failure}");
    }
    // Not by `println!`, which the test harness would swallow.
    std::io::stdout().write_all(out.as_bytes()).unwrap();
    assert!(!found.is_empty(), "no set to score in {:?}", corpus.folders);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Whatever the records hold: the tokens of a text are the text, in order.
#[test]
fn tokens_of_every_text() {
    let corpus = Corpus::from_environment();
    let files = [
        "parser/testfiles.jsonl",
        "parser/testfiles-negative.jsonl",
        "instructions/lines.jsonl",
        "lint/cases.jsonl",
        "lint/extra.jsonl",
        "lint/doc-examples.jsonl",
        "tricky/dockerfiles.jsonl",
        "real/dockerfiles.jsonl",
        "buildkit-tests/dockerfiles.jsonl",
    ];
    for file in files {
        let (set, file) = file.split_once('/').unwrap();
        let records = corpus.folder(set).map_or_else(Vec::new, |folder| corpus::records(&folder.join(file)));
        for text in records.iter().flatten().filter_map(|record| corpus::text_of(record).ok()) {
            let parsed = layerlab::dockerfile::syntax::parse(&text);
            let mut at = 0;
            for token in &parsed.tokens {
                assert_eq!(token.range.start(), at, "{file}: {text}");
                assert!(text.is_char_boundary(token.range.end()), "{file}: {text}");
                at = token.range.end();
            }
            assert_eq!(at, text.len(), "{file}: {text}");
            for node in &parsed.nodes {
                let words = node.args.iter().chain(&node.flags).chain([&node.keyword]);
                let inside =
                    |range| node.range.contains(range) && text.get(range.start()..range.end()).is_some();
                assert!(words.map(|word| word.range).all(inside), "{file}: {node:?}");
            }
        }
    }
}
