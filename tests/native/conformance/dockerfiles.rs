//! Whole files with their full outcome: `tricky`, `real`, `buildkit-tests`, and the lines of `instructions`.

use std::path::Path;

use serde_json::Value;

use super::compare::{same, same_as_any};
use super::score::{Score, Section, Verdict, judge};
use super::{corpus, lint, render};

/// A set that is one file of whole Dockerfiles.
pub(super) fn score(folder: &Path) -> Score {
    let mut score = Score::default();
    score.add_file(folder, "dockerfiles.jsonl", full_outcome);
    score.leave_out("dump", n_dumps(folder, "dockerfiles.jsonl"));
    score
}

/// How many records show the parser's debugging dump, which is not compared.
pub(super) fn n_dumps(folder: &Path, file: &str) -> usize {
    let records = corpus::records(&folder.join(file));
    let has_dump = |record: &Value| {
        let expected = &record["expected"];
        expected["dump"].is_string() || expected["parse"]["dump"].is_string()
    };
    records.iter().flatten().filter(|record| has_dump(record)).count()
}

/// The sections of a full outcome. The graph is a set of its own.
pub(super) fn full_outcome(record: &Value) -> Vec<Section> {
    let text = match corpus::text_of(record) {
        Ok(text) => text,
        Err(error) => return vec![("record", Err(error))],
    };
    let expected = &record["expected"];
    let alternatives = &expected["alternatives"];
    let lint_with = |all_rules: bool, section: &str| {
        let input = lint::Input { all_rules, ..lint::Input::new(&text, record) };
        lint::compare(&expected[section], &alternatives[section], lint::lint(&input), lint::Detail::Short)
    };
    let mut sections = vec![("parse", judge(|| parse(&text, &expected["parse"], &alternatives["parse"])))];
    let refused_by_parser = expected["parse"]["ok"] == false;
    if !(refused_by_parser && expected["stages"].is_null()) {
        sections.push(("stages", judge(|| stages(&text, &expected["stages"], &alternatives["stages"]))));
    }
    sections.push(("lint", judge(|| lint_with(false, "lint"))));
    sections.push(("lint_all", judge(|| lint_with(true, "lint_all"))));
    sections
}

/// The section `parse`.
pub(super) fn parse(text: &str, expected: &Value, alternatives: &Value) -> Verdict {
    if expected.is_null() {
        return Err("the record has no parse".to_owned());
    }
    let mut expected = expected.clone();
    if let Some(fields) = expected.as_object_mut() {
        fields.remove("dump");
    }
    same_as_any(&expected, alternatives, &render::parse(text))
}

fn stages(text: &str, expected: &Value, alternatives: &Value) -> Verdict {
    match render::stages(text) {
        Some(got) => same_as_any(expected, alternatives, &got),
        None => same(expected, &Value::Null).map_err(|_| "the parser refuses the file".to_owned()),
    }
}
