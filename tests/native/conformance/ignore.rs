//! `ignore`: what a `.dockerignore` keeps out.
//!
//! The functions at the top are the one place that asks the crate; `None`
//! means that it cannot do this yet.

use std::path::Path;

use serde_json::{Value, json};

use super::compare::same;
use super::corpus::{self, string, strings, text_at};
use super::score::{NOT_IMPLEMENTED, Score, Verdict, judge};

/// A list of patterns, compiled and matched.
#[derive(Debug)]
#[allow(dead_code, reason = "built once the crate has ignore patterns")]
pub(super) enum Match {
    /// The list is refused.
    Refused(String),
    /// The list compiles and the match fails.
    Failed {
        /// Some pattern starts with `!`.
        has_exclusions: bool,
        /// The message.
        error: String,
    },
    /// The list says something about the path.
    Matched {
        /// Some pattern starts with `!`.
        has_exclusions: bool,
        /// The path or a folder above it matches.
        or_parent: bool,
        /// The same, asked from the top folder down with the answers of the folders above.
        with_parent_results: bool,
    },
}

/// Files and folders that are sent, each in the order of the walk.
pub(super) type Sent = (Vec<String>, Vec<String>);

/// Matches a path.
fn match_path(_patterns: &[&str], _path: &str) -> Option<Match> {
    None
}

/// The patterns of an ignore file.
fn read_file(_text: &str) -> Option<Result<Vec<String>, String>> {
    None
}

/// What is sent of `tree`, a list of file paths.
fn sent(_dockerignore: &str, _tree: &[&str]) -> Option<Result<Sent, String>> {
    None
}

/// Scores the set.
pub(super) fn score(folder: &Path) -> Score {
    let mut score = Score::default();
    score.add_file(folder, "patterns.jsonl", |record| vec![("patterns", judge(|| pattern(record)))]);
    score.add_file(folder, "ignorefile.jsonl", |record| vec![("ignorefile", judge(|| file(record)))]);
    let mut records = corpus::records(&folder.join("context.jsonl")).into_iter();
    if let Some(first) = records.next() {
        let tree = first.map(|first| first["tree"].clone()).unwrap_or_default();
        for (idx, record) in records.enumerate() {
            let verdict = record.and_then(|record| judge(|| context(&record, &tree)));
            score.add(format!("context/{}", idx + 2), vec![("context", verdict)]);
        }
    }
    score.leave_out("compile", corpus::records(&folder.join("compile.jsonl")).len());
    let patterns = corpus::records(&folder.join("patterns.jsonl"));
    score.leave_out(
        "patterns matches",
        patterns.iter().flatten().filter(|it| !it["matches"].is_null()).count(),
    );
    score
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str).collect()
}

fn pattern(record: &Value) -> Verdict {
    let got = match_path(&list(&record["patterns"]), &text_at(record, "path")?).ok_or(NOT_IMPLEMENTED)?;
    let got = match got {
        Match::Refused(error) => json!({ "new_error": string(&error) }),
        Match::Failed { has_exclusions, error } => {
            json!({ "exclusions": has_exclusions, "match_error": string(&error) })
        }
        Match::Matched { has_exclusions, or_parent, with_parent_results } => json!({
            "exclusions": has_exclusions,
            "matches_or_parent": or_parent,
            "matches_using_parent_results": with_parent_results,
        }),
    };
    let mut answer = serde_json::Map::new();
    for key in ["exclusions", "matches_or_parent", "matches_using_parent_results", "new_error", "match_error"]
    {
        answer.insert(key.to_owned(), record[key].clone());
    }
    same(&Value::Object(answer), &got)
}

fn file(record: &Value) -> Verdict {
    let got = match read_file(&corpus::text_of(record)?).ok_or(NOT_IMPLEMENTED)? {
        Ok(patterns) => json!({ "patterns": strings(patterns.iter().map(String::as_str)) }),
        Err(error) => json!({ "error": string(&error) }),
    };
    same(&json!({ "patterns": record["patterns"], "error": record["error"] }), &got)
}

fn context(record: &Value, tree: &Value) -> Verdict {
    let text = text_at(record, "dockerignore")?;
    let patterns = match read_file(&text).ok_or(NOT_IMPLEMENTED)? {
        Ok(patterns) => strings(patterns.iter().map(String::as_str)),
        Err(error) => return Err(format!("the ignore file is refused: {error}")),
    };
    same(&record["patterns"], &patterns)?;
    let got = match sent(&text, &list(tree)).ok_or(NOT_IMPLEMENTED)? {
        Ok((files, dirs)) => {
            let sorted = |mut paths: Vec<String>| {
                paths.sort_unstable();
                strings(paths.iter().map(String::as_str))
            };
            json!({ "files": sorted(files), "dirs": sorted(dirs) })
        }
        Err(error) => json!({ "error": string(&error) }),
    };
    let sorted = |key: &str| {
        let mut paths = list(&record[key]);
        paths.sort_unstable();
        strings(paths)
    };
    same(&json!({ "files": sorted("files"), "dirs": sorted("dirs"), "error": record["error"] }), &got)
}
