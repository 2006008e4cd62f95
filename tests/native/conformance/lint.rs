//! `lint`: warnings of the builder's checks.
//!
//! This is also the one place that asks the crate for warnings; the sections
//! `lint` and `lint_all` of whole files come here too.

use std::collections::BTreeMap;
use std::path::Path;

use layerlab::diagnostic::Diagnostic;
use layerlab::digest::{DiffId, Digest};
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{BaseImage, BuildOptions, platform, reference};
use layerlab::lint::{self, LintInput, Report, Scope, Stop};
use layerlab::oci::{ImageConfig, Platform};
use layerlab::text::Lines;
use serde_json::{Value, json};

use super::compare::same_as_any;
use super::corpus::{self, string};
use super::score::{NOT_IMPLEMENTED, Score, Section, Verdict, judge};

/// What a check is asked.
#[derive(Debug)]
pub(super) struct Input<'a> {
    /// The Dockerfile.
    pub(super) text: &'a str,
    /// The ignore file beside it.
    pub(super) dockerignore: Option<String>,
    /// Options of the frontend: `target`, `build-arg:NAME`.
    pub(super) attrs: BTreeMap<String, String>,
    /// Platforms that images turn out to have.
    pub(super) base_platforms: BTreeMap<String, String>,
    /// `experimental=all` from outside: every rule is on.
    pub(super) all_rules: bool,
    /// A build of the last stage, which visits only what that stage needs, instead of a check of all stages.
    pub(super) is_build: bool,
}

impl<'a> Input<'a> {
    /// The input fields of a record.
    pub(super) fn new(text: &'a str, record: &Value) -> Self {
        let map = |key: &str| {
            let pairs = record[key].as_object().into_iter().flatten();
            pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
        };
        Self {
            text,
            dockerignore: corpus::text_at(record, "dockerignore").ok(),
            attrs: map("attrs"),
            base_platforms: map("base_platforms"),
            all_rules: false,
            is_build: false,
        }
    }

    /// What the options of the frontend say.
    pub(super) fn options(&self) -> BuildOptions {
        let mut options = BuildOptions::default();
        for (name, value) in &self.attrs {
            match name.as_str() {
                "target" => options.target.clone_from(value),
                "platform" => options.platforms.push(platform::parse(value).unwrap()),
                _ => {
                    let name = name.strip_prefix("build-arg:").unwrap();
                    options.build_args.insert(name.to_owned(), value.clone());
                }
            }
        }
        if self.all_rules {
            options.build_args.insert("BUILDKIT_DOCKERFILE_CHECK".into(), "experimental=all".into());
        }
        options
    }
}

/// One warning.
#[derive(Debug)]
pub(super) struct Warning {
    /// The rule's name.
    pub(super) rule: String,
    /// The rule in one sentence.
    pub(super) description: String,
    /// What it says here.
    pub(super) detail: String,
    /// Where the rule is documented.
    pub(super) url: String,
    /// First and last line of each place.
    pub(super) lines: Vec<[u32; 2]>,
}

/// What a check answers.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Warnings, also those found before an error.
    pub(super) warnings: Vec<Warning>,
    /// What stopped it.
    pub(super) error: Option<String>,
    /// Where.
    pub(super) error_lines: Vec<[u32; 2]>,
}

/// Asks the crate.
pub(super) fn lint(input: &Input<'_>) -> Option<Outcome> {
    let report = report(input);
    let ranges = |lines: &[Lines]| lines.iter().map(|lines| [lines.first, lines.last]).collect();
    let warning = |found: &Diagnostic| Warning {
        rule: found.code.to_owned(),
        description: lint::rule(found.code).unwrap().description.to_owned(),
        detail: found.builder_message.clone().unwrap(),
        url: found.url.unwrap_or("").to_owned(),
        lines: ranges(&[found.lines]),
    };
    let stop = report.stop.unwrap_or_default();
    Some(Outcome {
        warnings: report.warnings.iter().map(warning).collect(),
        error: Some(stop.message).filter(|message| !message.is_empty()),
        error_lines: ranges(&stop.lines),
    })
}

/// Runs the checks.
fn report(input: &Input<'_>) -> Report {
    let options = input.options();
    let find_base = |name: &str, wanted: &Platform| Some(base_image(input, name, wanted));
    let known = LintInput {
        options: &options,
        dockerignore: Some(input.dockerignore.as_deref().unwrap_or("")),
        find_base: &find_base,
        scope: if input.is_build { Scope::Build } else { Scope::Check },
    };
    lint::check(input.text, &Dockerfile::read(input.text), &known)
}

/// What stops the checks.
pub(super) fn stop(input: &Input<'_>) -> Option<Stop> {
    report(input).stop
}

/// The image that the records have for every name: of the platform that is
/// asked for or that they say, with one layer and no configuration.
pub(super) fn base_image(input: &Input<'_>, name: &str, wanted: &Platform) -> BaseImage {
    let recorded =
        input.base_platforms.iter().find(|(known, _)| reference::normalize(known).unwrap() == name);
    let found = recorded.map_or_else(|| wanted.clone(), |(_, text)| platform::parse(text).unwrap());
    let config = ImageConfig {
        architecture: found.architecture,
        os: found.os,
        variant: found.variant,
        ..ImageConfig::default()
    };
    BaseImage { digest: None, config, layers: vec![DiffId(Digest::of(b""))], is_known: true }
}

/// How much of a warning a record shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Rule, detail, lines.
    Short,
    /// Also description and address.
    Full,
}

/// Compares an outcome with a record's `warnings`, `error` and `error_lines`.
pub(super) fn compare(
    expected: &Value,
    alternatives: &Value,
    got: Option<Outcome>,
    detail: Detail,
) -> Verdict {
    let got = got.ok_or(NOT_IMPLEMENTED)?;
    let mut warnings: Vec<Value> = got.warnings.iter().map(|warning| shown(warning, detail)).collect();
    // The order of the records.
    warnings.sort_by_cached_key(|warning| {
        (warning["lines"][0][0].as_u64(), warning["rule"].to_string(), warning["detail"].to_string())
    });
    let error = got.error.map_or(Value::Null, |error| string(&with_sorted_rules(&error)));
    // Records leave the lines out of an error that has none.
    let lines = if got.error_lines.is_empty() { Value::Null } else { json!(got.error_lines) };
    let got = json!({ "warnings": warnings, "error": error, "error_lines": lines });
    same_as_any(expected, alternatives, &got)
}

fn shown(warning: &Warning, detail: Detail) -> Value {
    let mut shown =
        json!({ "rule": warning.rule, "detail": string(&warning.detail), "lines": warning.lines });
    if detail == Detail::Full {
        shown["description"] = json!(warning.description);
        shown["url"] = json!(warning.url);
    }
    shown
}

/// A builder names the violated rules in any order; records sort them.
pub(super) fn with_sorted_rules(error: &str) -> String {
    const HEAD: &str = "lint violation found for rules: ";
    let Some((before, rules)) = error.split_once(HEAD) else {
        return error.to_owned();
    };
    let mut rules: Vec<&str> = rules.split(", ").collect();
    rules.sort_unstable();
    format!("{before}{HEAD}{}", rules.join(", "))
}

/// Scores the set.
pub(super) fn score(folder: &Path) -> Score {
    let mut score = Score::default();
    for file in ["cases.jsonl", "extra.jsonl"] {
        score.add_file(folder, file, case);
        let records = corpus::records(&folder.join(file));
        let n_left = records.iter().flatten().filter(|it| !it["daemon_build_error_regexp"].is_null()).count();
        score.leave_out("daemon_build_error_regexp", n_left);
    }
    score.add_file(folder, "doc-examples.jsonl", doc_example);
    score
}

fn case(record: &Value) -> Vec<Section> {
    let text = match corpus::text_of(record) {
        Ok(text) => text,
        Err(error) => return vec![("record", Err(error))],
    };
    let check = || {
        let expected = pick(record, "warnings", "error");
        compare(&expected, &Value::Null, lint(&Input::new(&text, record)), Detail::Full)
    };
    let build = || {
        let expected = pick(record, "build_warnings", "build_error");
        let input = Input { is_build: true, ..Input::new(&text, record) };
        // These records give no lines for the error.
        let got = lint(&input).map(|outcome| Outcome { error_lines: Vec::new(), ..outcome });
        compare(&expected, &Value::Null, got, Detail::Short)
    };
    vec![("check", judge(check)), ("build", judge(build))]
}

fn doc_example(record: &Value) -> Vec<Section> {
    let text = match corpus::text_of(record) {
        Ok(text) => text,
        Err(error) => return vec![("record", Err(error))],
    };
    let with = |all_rules: bool, warnings: &str| {
        let input = Input { all_rules, ..Input::new(&text, record) };
        compare(&pick(record, warnings, "error"), &Value::Null, lint(&input), Detail::Short)
    };
    vec![
        ("examples", judge(|| with(false, "warnings"))),
        ("examples_all", judge(|| with(true, "warnings_all"))),
    ]
}

/// A record's answer under the names that [`compare`] knows.
fn pick(record: &Value, warnings: &str, error: &str) -> Value {
    json!({ "warnings": record[warnings], "error": record[error], "error_lines": record[format!("{error}_lines")] })
}

/// The rules of the crate are the recorded ones, in their order.
#[test]
fn rules_are_official() {
    let corpus = corpus::Corpus::from_environment();
    let Some(folder) = corpus.folder("lint") else { return };
    let Some(text) = corpus::read_text(&folder.join("rules.json")) else { return };
    let recorded: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let shown = |rule: &&lint::Rule| {
        json!({
            "name": rule.name,
            "description": rule.description,
            "url": rule.url,
            "experimental": rule.is_experimental,
        })
    };
    let own: Vec<Value> = lint::RULES.iter().map(shown).collect();
    let recorded: Vec<Value> = recorded
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            json!({
                "name": rule["name"],
                "description": rule["description"],
                "url": rule["url"],
                "experimental": rule["experimental"],
            })
        })
        .collect();
    assert_eq!(own, recorded);
}
