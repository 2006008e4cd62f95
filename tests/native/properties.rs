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
use layerlab::context::patch::{self, Hunk};
use layerlab::context::{Entry, Tree, listing};
use layerlab::diagnostic::Diagnostic;
use layerlab::digest::{DiffId, Digest};
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::dockerfile::syntax::Dialect;
use layerlab::graph::{BaseImage, BuildOptions};
use layerlab::lint::{self, LintInput, Report, Scope};
use layerlab::oci::{ImageConfig, Platform, RuntimeConfig};
use layerlab::text::align::line_up;
use layerlab::text::{TextRange, from_bytes, to_bytes};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::conformance::corpus::{self, Corpus};

/// Runs a property on generated cases.
pub(super) fn run<S: Strategy>(strategy: &S, property: impl Fn(S::Value)) {
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
pub(super) fn dockerfile() -> impl Strategy<Value = String> {
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

/// Words that mean something in what `git` prints, between any others.
fn git_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => prop::sample::select(vec![
            "diff --git ", "diff --cc ", "a/", "b/", "--- ", "+++ ", "/dev/null", "@@ -1 +1 @@", "@@ -0,0 +1,2 @@",
            "@@ -9,9 +9,9 @@", "@@ -18446744073709551615,18446744073709551615 +1 @@", "-", "+", " ", "\\",
            "\\ No newline at end of file", "index ", "1111111..2222222", "old mode ", "new mode ", "new file mode ",
            "deleted file mode ", "rename from ", "rename to ", "copy from ", "copy to ", "100644", "100755", "120000",
            "160000", "GIT binary patch", "Binary files a and b differ", "M", "A", "D", "R", "R100", "C075", "T", "U",
            "??", "!!", "->", " -> ", "1 .M N... ", "2 R. N... ", "u UU N... ", "# branch.oid", "## main", "\t", "\"",
            "\\303\\244", "\"\\", "x", "y/z", "Dockerfile", "..", "../..", "/", "./", " 0\t", " 2\t", "blob ", "commit ",
            "78981922613b2afb6025042ff6bd878ac1994e85", "\r",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let end = prop::sample::select(vec!["", "", "\n", "\n", " "]);
    prop::collection::vec((word, end), 0..60)
        .prop_map(|words| words.into_iter().flat_map(|(word, end)| [word, end.to_owned()]).collect())
}

/// Reads a text as a list of files and as changes, and makes them.
fn takes(text: &str) {
    let mut tree = Tree::default();
    for path in ["Dockerfile", "x", "y/z"] {
        tree.insert(path, Entry::file(Digest::of(b"1"), 1));
    }
    let listing = listing::parse(text);
    let n_lines = u32::try_from(text.lines().count()).unwrap();
    assert!(listing.problems.iter().all(|problem| (1..=n_lines).contains(&problem.line)), "{text:?}");
    let (listed, _) = listing.tree();
    assert!(listed.iter().all(|(path, _)| !path.split('/').any(|part| matches!(part, "" | "." | ".."))));
    listing.apply_modes(&mut tree.clone());
    let patch = patch::parse(text);
    let mut once = tree.clone();
    let applied = patch::apply(&mut once, &patch.changes, 1);
    let mut again = tree.clone();
    assert_eq!(patch::apply(&mut again, &patch.changes, 1), applied, "{text:?}");
    assert!(once == again, "{text:?}");
    for change in &patch.changes {
        assert!((1..=n_lines).contains(&change.line), "{text:?}");
        let _ = patch::apply_hunks(text, change.hunks());
        let _ = patch::revert_hunks(text, change.hunks());
    }
}

#[test]
fn any_text_as_files_and_changes() {
    run(&any::<String>(), |text| takes(&text));
    run(&git_text(), |text| takes(&text));
}

/// A diff of two texts, with lines of context around.
fn diff(old: &str, new: &str, n_context: usize) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    // Each line with its mark, the old lines of a change first.
    let mut script: Vec<(char, &str)> = Vec::new();
    let (mut at_new, mut at_old) = (0, 0);
    let ends = [(new.len(), old.len())];
    for (now, then) in line_up(&new, &old, |now, then| now == then).into_iter().chain(ends) {
        script.extend(old[at_old..then].iter().map(|line| ('-', *line)));
        script.extend(new[at_new..now].iter().map(|line| ('+', *line)));
        script.extend(new.get(now).map(|line| (' ', *line)));
        (at_new, at_old) = (now + 1, then + 1);
    }
    let is_near = |idx: usize| {
        let near = idx.saturating_sub(n_context)..(idx + n_context + 1).min(script.len());
        script[near].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut out = "diff --git a/f b/f\n--- a/f\n+++ b/f\n".to_owned();
    let (mut idx, mut n_old, mut n_new) = (0, 0, 0);
    while idx < script.len() {
        let n_lines = (idx..script.len()).take_while(|idx| is_near(*idx)).count();
        let part = &script[idx..idx + n_lines.max(1)];
        let count = |mark: char| part.iter().filter(|line| line.0 == ' ' || line.0 == mark).count();
        let (old_lines, new_lines) = (count('-'), count('+'));
        if n_lines > 0 {
            let start = |before: usize, n: usize| before + usize::from(n > 0);
            let (old_start, new_start) = (start(n_old, old_lines), start(n_new, new_lines));
            out += &format!("@@ -{old_start},{old_lines} +{new_start},{new_lines} @@\n");
            for (mark, line) in part {
                let end = if line.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
                out += &format!("{mark}{line}{end}");
            }
        }
        (idx, n_old, n_new) = (idx + part.len(), n_old + old_lines, n_new + new_lines);
    }
    out
}

/// Lines of which many are alike, and some look like those of a diff.
fn lines() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "a",
        "a",
        "a",
        "b",
        "b",
        "c",
        "",
        " ",
        "a\r",
        "\r",
        "-- a",
        "++ b",
        "@@ -1 +1 @@",
        "\\ No newline",
        "diff --git a/x b/x",
    ]);
    let end = prop::sample::select(vec!["", "\n", "\n"]);
    (prop::collection::vec(line, 0..20), end).prop_map(|(lines, end)| lines.join("\n") + end)
}

#[test]
fn hunks_there_and_back() {
    run(&(lines(), lines(), 0..4_usize), |(old, new, n_context)| {
        let text = diff(&old, &new, n_context);
        let patch = patch::parse(&text);
        // Equal texts have a section that tells nothing.
        assert_eq!(patch.changes.is_empty(), old == new, "{text}");
        assert!(old == new || patch.problems.is_empty(), "{:?}\n{text}", patch.problems);
        let hunks: &[Hunk] = patch.changes.first().map_or(&[], |change| change.hunks());
        assert_eq!(patch::apply_hunks(&old, hunks).as_deref(), Ok(new.as_str()), "{old:?}\n{text}");
        assert_eq!(patch::revert_hunks(&new, hunks).as_deref(), Ok(old.as_str()), "{new:?}\n{text}");
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

pub(super) fn recorded() -> Vec<String> {
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
