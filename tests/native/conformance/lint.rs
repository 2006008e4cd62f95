//! `lint`: warnings of the builder's checks.
//!
//! This is also the one place that asks the crate for warnings; the sections
//! `lint` and `lint_all` of whole files come here too.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::compare::same_as_any;
use super::corpus::{self, string};
use super::score::{NOT_IMPLEMENTED, Score, Section, Verdict, judge};

/// What a check is asked.
#[derive(Debug)]
#[allow(dead_code, reason = "read once the crate has checks")]
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

/// Asks the crate. `None`: it cannot do this yet.
pub(super) fn lint(_input: &Input<'_>) -> Option<Outcome> {
    None
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
    let got = json!({ "warnings": warnings, "error": error, "error_lines": got.error_lines });
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
fn with_sorted_rules(error: &str) -> String {
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
