//! What holds for every text: the front end and its checks take anything.
//!
//! The cases are generated from a fixed seed. `LAYERLAB_PROPERTY_SEED` and
//! `LAYERLAB_PROPERTY_CASES` ask for others. A text that was found to break
//! something becomes a file of the corpus.

#![allow(clippy::disallowed_methods, reason = "records are files, and the environment says which cases")]

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;

use layerlab::cache::Verdict;
use layerlab::cache::legacy::convert::plan;
use layerlab::cache::legacy::files::Inputs;
use layerlab::cache::legacy::plan::DockerfilePlace;
use layerlab::cache::legacy::solve::{record, simulate};
use layerlab::cache::legacy::store::LegacyStore;
use layerlab::cache::solve::Reruns;
use layerlab::context::ignore::IgnoreList;
use layerlab::context::{Entry, Tree};
use layerlab::diagnostic::Diagnostic;
use layerlab::digest::{DiffId, Digest};
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::dockerfile::syntax::Dialect;
use layerlab::graph::{BaseImage, BuildOptions};
use layerlab::lint::{self, LintInput, Report, Scope};
use layerlab::oci::{ImageConfig, Platform, RuntimeConfig};
use layerlab::text::{TextRange, from_bytes, to_bytes};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::conformance::corpus::{self, Corpus};

/// Runs a property on generated cases.
fn run<S: Strategy>(strategy: &S, property: impl Fn(S::Value)) {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().map_or(default, |value| value.parse::<u64>().unwrap())
    };
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number("LAYERLAB_PROPERTY_SEED", 0).to_le_bytes());
    let cases = u32::try_from(number("LAYERLAB_PROPERTY_CASES", 400)).unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let result = runner.run(strategy, |value| {
        property(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Words that mean something in a Dockerfile, between any others.
fn dockerfile() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => prop::sample::select(vec![
            "FROM", "RUN", "COPY", "ADD", "ENV", "ARG", "LABEL", "CMD", "ENTRYPOINT", "EXPOSE", "WORKDIR",
            "ONBUILD", "HEALTHCHECK", "SHELL", "USER", "VOLUME", "STOPSIGNAL", "MAINTAINER", "as", "AS",
            "from", "Run", "a", "scratch", "--from=a", "--platform=$TARGETPLATFORM", "--mount=type=cache,target=/x",
            "--chmod=9", "$x", "${x:-y}", "${x/a/b}", "x=y", "<<EOF", "EOF", "[\"a\"]", "80/TCP", "1:2", "\\", "`",
            "# check=skip=all;experimental=all", "# escape=`", "#", "\"", "'", "https://a/b.git?x", "PASSWORD",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let blank = prop::sample::select(vec![" ", " ", " ", "\n", "\n", "\t", "", "\\\n", "\\\n\n", "\r\n"]);
    prop::collection::vec((word, blank), 0..40)
        .prop_map(|words| words.into_iter().flat_map(|(word, blank)| [word, blank.to_owned()]).collect())
}

fn check(text: &str, file: &Dockerfile) -> Report {
    let platform = Platform::linux_amd64();
    let config =
        ImageConfig { architecture: platform.architecture, os: platform.os, ..ImageConfig::default() };
    let base = BaseImage { digest: None, config, layers: vec![DiffId(Digest::of(b""))], is_known: true };
    let find_base = |_: &str, _: &Platform| Some(base.clone());
    let mut options = BuildOptions::default();
    options.build_args.insert("BUILDKIT_DOCKERFILE_CHECK".into(), "experimental=all".into());
    let input = LintInput {
        options: &options,
        dockerignore: Some("b\n*.md\n"),
        find_base: &find_base,
        scope: Scope::Check,
    };
    lint::check(text, file, &input)
}

/// What holds whatever the text is. Gives the findings.
fn understands(text: &str) -> Report {
    let file = Dockerfile::read(text);
    let mut at = 0;
    for token in &file.parse.tokens {
        assert_eq!(token.range.start(), at, "tokens leave nothing out: {text:?}");
        at = token.range.end();
        assert!(text.is_char_boundary(at), "{text:?}");
    }
    assert_eq!(at, text.len(), "tokens go to the end: {text:?}");
    let is_range = |range: TextRange| text.get(range.start()..range.end()).is_some();
    for node in &file.parse.nodes {
        let words = node.args.iter().chain(&node.flags).chain([&node.keyword]);
        for range in words.map(|word| word.range).chain([node.args_range]) {
            assert!(node.range.contains(range) && is_range(range), "{range:?} in {:?}: {text:?}", node.range);
        }
    }
    let report = check(text, &file);
    let found: Vec<Diagnostic> = file.diagnostics().chain(report.warnings.iter().cloned()).collect();
    for diagnostic in &found {
        assert!(is_range(diagnostic.range), "{diagnostic:?}: {text:?}");
        assert!(diagnostic.labels.iter().all(|label| is_range(label.range)), "{diagnostic:?}: {text:?}");
    }
    assert!(report.not_checked.iter().all(|skipped| is_range(skipped.range)), "{text:?}");
    assert!(report.stop.iter().all(|stop| is_range(stop.range)), "{:?}: {text:?}", report.stop);
    // A refusal of the file stops the check, too.
    assert!(file.refusals.is_empty() || report.stop.is_some(), "{text:?}");
    assert_eq!(Dockerfile::read(text), file, "{text:?}");
    assert_eq!(check(text, &file), report, "{text:?}");
    report
}

/// Every repair leaves a text that is understood no worse, and silences what it is for.
fn repairs_help(text: &str, report: &Report) {
    let n_refusals = Dockerfile::read(text).refusals.len();
    for warning in &report.warnings {
        let Some(fix) = &warning.fix else { continue };
        let ends = fix.edits.iter().map(|edit| edit.range.end());
        let starts = fix.edits.iter().map(|edit| edit.range.start()).skip(1);
        assert!(ends.zip(starts).all(|(end, start)| end <= start), "edits in order: {fix:?}");
        let repaired = fix.apply(text);
        let file = Dockerfile::read(&repaired);
        assert!(
            file.refusals.len() <= n_refusals,
            "{fix:?}: {text:?} became {repaired:?}: {:?}",
            file.refusals
        );
        let count = |report: &Report| report.warnings.iter().filter(|left| left.code == warning.code).count();
        let after = check(&repaired, &file);
        // A check that stops earlier has seen less; one that goes on may see more.
        let is_silent = count(&after) < count(report) || after.stop != report.stop;
        assert!(is_silent, "{fix:?} of {}: {text:?} became {repaired:?}", warning.code);
    }
}

/// The classic builder: a build that is repeated finds all that the first one made.
fn repeats_from_cache(text: &str) {
    let file = Dockerfile::read_as(text, Dialect::Classic);
    let place = DockerfilePlace::InContext { path: "Dockerfile".into() };
    let config =
        RuntimeConfig { on_build: vec![text.to_owned(), "RUN a".into()], ..RuntimeConfig::default() };
    let config = ImageConfig { config, ..ImageConfig::default() };
    let base = BaseImage { config, is_known: true, ..BaseImage::default() };
    let find = |name: &str, _: &Platform| name.contains('x').then(|| base.clone());
    let Ok(plan) = plan(&file, &BuildOptions::default(), &place, &find) else { return };
    assert!(
        plan.steps.iter().all(|step| text.get(step.range.start()..step.range.end()).is_some()),
        "{text:?}"
    );
    let mut inputs = Inputs::default();
    let mut tree = Tree::default();
    tree.insert("a/x=y", Entry::file(Digest::of(b"a"), 1));
    inputs.context = Rc::new(IgnoreList::default().pack(&tree));
    let mut store = LegacyStore::default();
    let first = simulate(&plan, &inputs, &store);
    assert_eq!(first.steps.len(), plan.steps.len(), "{text:?}");
    record(&plan, &inputs, &mut store, &|_| Reruns::Different, &BTreeSet::new());
    let again = simulate(&plan, &inputs, &store);
    for (before, now) in first.steps.iter().zip(&again.steps) {
        let is_kept = match before.verdict {
            Verdict::Rebuild | Verdict::Cached => now.verdict == Verdict::Cached,
            verdict => verdict == now.verdict,
        };
        assert!(is_kept, "{before:?} became {now:?}: {text:?}");
    }
    assert_eq!(simulate(&plan, &inputs, &store), again, "{text:?}");
}

#[test]
fn any_classic_build() {
    run(&dockerfile(), |text| repeats_from_cache(&text));
    let below = |text: &str| format!("FROM x AS a\n{text}\nFROM a\nCOPY --from=a a b\n");
    run(&dockerfile(), |text| repeats_from_cache(&below(&text)));
    recorded().iter().for_each(|text| repeats_from_cache(text));
}

#[test]
fn any_text() {
    run(&any::<String>(), |text| {
        understands(&text);
    });
}

#[test]
fn any_bytes() {
    run(&prop::collection::vec(any::<u8>(), 0..200), |bytes| {
        assert_eq!(to_bytes(&from_bytes(&bytes)), bytes);
        understands(&from_bytes(&bytes));
    });
}

#[test]
fn anything_like_a_dockerfile() {
    run(&dockerfile(), |text| {
        let report = understands(&text);
        repairs_help(&text, &report);
    });
}

/// What broke something once.
#[test]
fn found_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/found");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for bytes in files.iter().map(|file| std::fs::read(file).unwrap()) {
        let text = from_bytes(&bytes);
        assert_eq!(to_bytes(&text), bytes);
        let report = understands(&text);
        repairs_help(&text, &report);
    }
}

#[test]
fn repairs_of_every_recorded_file() {
    for text in recorded() {
        let report = understands(&text);
        repairs_help(&text, &report);
    }
}

/// While someone types, the rest of a file is not there yet. Long texts are cut at some of their bytes.
#[test]
fn every_recorded_file_cut_anywhere() {
    for text in recorded() {
        let step = 1 + text.len() / 24;
        for end in (0..text.len()).step_by(step).filter(|end| text.is_char_boundary(*end)) {
            understands(&text[..end]);
        }
    }
}

/// Cut at every byte, in the short files that were written to be hard.
#[test]
fn hard_files_cut_at_every_byte() {
    let files = ["tricky/dockerfiles.jsonl", "parser/testfiles.jsonl"];
    for text in texts(&files).into_iter().filter(|text| text.len() < 600) {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            understands(&text[..end]);
        }
    }
}

fn recorded() -> Vec<String> {
    texts(&[
        "parser/testfiles.jsonl",
        "parser/testfiles-negative.jsonl",
        "instructions/lines.jsonl",
        "lint/cases.jsonl",
        "lint/extra.jsonl",
        "lint/doc-examples.jsonl",
        "tricky/dockerfiles.jsonl",
        "real/dockerfiles.jsonl",
        "buildkit-tests/dockerfiles.jsonl",
    ])
}

fn texts(files: &[&str]) -> Vec<String> {
    let corpus = Corpus::from_environment();
    let mut texts = Vec::new();
    for file in files {
        let (set, file) = file.split_once('/').unwrap();
        let Some(folder) = corpus.folder(set) else { continue };
        let records = corpus::records(&folder.join(file));
        texts.extend(records.iter().flatten().filter_map(|record| corpus::text_of(record).ok()));
    }
    texts
}
