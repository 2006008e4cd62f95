//! `ignore`: what a `.dockerignore` keeps out.
//!
//! The functions at the top are the one place that asks the crate; `None`
//! means that it cannot do this yet.

use std::path::Path;

use layerlab::context::ignore::{self, IgnoreList};
use layerlab::context::{Entry, Tree};
use layerlab::digest::Digest;
use serde_json::{Value, json};

use super::compare::same;
use super::corpus::{self, string, strings, text_at};
use super::score::{NOT_IMPLEMENTED, Score, Verdict, judge};

/// A list of patterns, compiled and matched.
#[derive(Debug)]
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
        /// The same as a walk asks it, without answers of the folders above.
        with_parent_results: bool,
    },
}

/// Files and folders that are sent, each in the order of the walk.
pub(super) type Sent = (Vec<String>, Vec<String>);

/// Matches a path.
fn match_path(patterns: &[&str], path: &str) -> Option<Match> {
    let list = match IgnoreList::from_patterns(patterns.iter().map(|pattern| (*pattern, 0))) {
        Ok(list) => list,
        Err(error) => return Some(Match::Refused(error.to_string())),
    };
    let has_exclusions = list.has_exclusions();
    Some(match (list.matches_or_parent(path), list.matches_alone(path)) {
        (Ok(or_parent), Ok(with_parent_results)) => {
            Match::Matched { has_exclusions, or_parent, with_parent_results }
        }
        (Err(error), _) | (_, Err(error)) => Match::Failed { has_exclusions, error: error.to_string() },
    })
}

/// The patterns of an ignore file.
fn read_file(text: &str) -> Option<Result<Vec<String>, String>> {
    if let Err(error) = ignore::check_lines(text) {
        return Some(Err(error.to_string()));
    }
    let patterns = ignore::read_patterns(text);
    Some(Ok(patterns.into_iter().map(|(pattern, _)| pattern).collect()))
}

/// What is sent of `tree`, a list of file paths.
fn sent(dockerignore: &str, paths: &[&str]) -> Option<Result<Sent, String>> {
    let mut tree = Tree::default();
    for path in paths {
        tree.insert(path, Entry::file(Digest::of(b""), 0));
    }
    let found = match IgnoreList::parse(dockerignore).map(|list| list.filter(&tree)) {
        Ok(found) => found,
        Err(error) => {
            let patterns: Vec<String> =
                ignore::read_patterns(dockerignore).into_iter().map(|(pattern, _)| pattern).collect();
            return Some(Err(error.transfer_error(&patterns)));
        }
    };
    let (dirs, files): (Vec<_>, Vec<_>) = found.iter().partition(|(_, entry)| entry.is_dir());
    let paths = |list: Vec<(String, &Entry)>| list.into_iter().map(|(path, _)| path).collect();
    Some(Ok((paths(files), paths(dirs))))
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
