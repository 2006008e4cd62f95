//! `shell`: expansion of variables and splitting into words.

use std::collections::BTreeMap;
use std::path::Path;

use layerlab::dockerfile::word::Lex;
use serde_json::{Value, json};

use super::compare::same;
use super::corpus::{string, strings, text_at};
use super::score::{Score, Verdict, judge};

/// Scores the set.
pub(super) fn score(folder: &Path) -> Score {
    let mut score = Score::default();
    score.add_file(folder, "cases.jsonl", |record| vec![("cases", judge(|| case(record)))]);
    score
}

fn case(record: &Value) -> Verdict {
    let options = &record["lex"];
    let escape =
        options["escape"].as_str().and_then(|text| text.chars().next()).ok_or("no escape character")?;
    let lex = Lex {
        escape,
        keeps_quotes: options["raw_quotes"] == true,
        keeps_escapes: options["raw_escapes"] == true,
        ignores_quotes: options["skip_process_quotes"] == true,
        keeps_unset: options["skip_unset_env"] == true,
        is_classic: false,
    };
    let pairs = record["env"].as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str);
    let env: BTreeMap<String, String> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let got = match lex.expand(&text_at(record, "input")?, &env) {
        Ok(expansion) => json!({
            "expected": string(&expansion.text),
            "words": strings(expansion.words.iter().map(String::as_str)),
            "matched": strings(expansion.matched.iter().map(String::as_str)),
            "unmatched": strings(expansion.unset.iter().map(String::as_str)),
        }),
        Err(error) => {
            let message = string(&error.to_string());
            json!({ "error": message, "words_error": message })
        }
    };
    let mut answer = serde_json::Map::new();
    for key in ["expected", "words", "matched", "unmatched", "error", "words_error"] {
        answer.insert(key.to_owned(), record[key].clone());
    }
    same(&Value::Object(answer), &got)
}
