//! `parser`: BuildKit's own parser files, and small tables.

use std::path::Path;

use layerlab::dockerfile::directive::{self, CheckOptions};
use layerlab::dockerfile::error::Problem;
use layerlab::dockerfile::syntax::{self, Directive};
use layerlab::dockerfile::{heredoc, json};
use serde_json::{Value, json};

use super::compare::same;
use super::corpus::{self, string, strings, text_at};
use super::dockerfiles;
use super::score::{Score, Section, Verdict, judge};

/// Scores the set.
pub(super) fn score(folder: &Path) -> Score {
    let mut score = Score::default();
    for (file, name) in [("testfiles.jsonl", "testfiles"), ("testfiles-negative.jsonl", "testfiles-negative")]
    {
        score.add_file(folder, file, |record| vec![(name, judge(|| whole_file(record)))]);
    }
    score.add_file(folder, "tables.jsonl", table);
    for file in ["testfiles.jsonl", "testfiles-negative.jsonl", "tables.jsonl"] {
        score.leave_out("dump", dockerfiles::n_dumps(folder, file));
    }
    score
}

fn whole_file(record: &Value) -> Verdict {
    dockerfiles::parse(&corpus::text_of(record)?, &record["expected"], &Value::Null)
}

fn table(record: &Value) -> Vec<Section> {
    let (name, scorer): (&'static str, fn(&str, &Value) -> Value) = match record["table"]
        .as_str()
        .unwrap_or("")
    {
        "json_array" => ("json_array", |input, _| json_array(input)),
        "parse_words" => ("parse_words", |input, _| words(input)),
        "name_val" => ("name_val", |input, record| pairs(input, record["command"].as_str().unwrap_or(""))),
        "parse_heredoc" => ("parse_heredoc", |input, _| heredoc_word(input)),
        "chomp" => ("chomp", |input, _| json!({ "expected": string(&heredoc::chomp(input)) })),
        "directives" => ("directives", |input, _| directives(input)),
        "check_options" => ("check_options", |input, _| check_options(input)),
        "document" => {
            let judged = || dockerfiles::parse(&text_at(record, "input")?, &record["expected"], &Value::Null);
            return vec![("document", judge(judged))];
        }
        other => return vec![("table", Err(format!("unknown table {other}")))],
    };
    vec![(
        name,
        judge(|| {
            let got = scorer(&text_at(record, "input")?, record);
            let mut answer = serde_json::Map::new();
            for key in
                ["expected", "error", "parse_all", "parse_all_error", "detect_syntax", "check_directive"]
            {
                answer.insert(key.to_owned(), record[key].clone());
            }
            same(&Value::Object(answer), &got)
        }),
    )]
}

fn json_array(input: &str) -> Value {
    match json::parse_array(input) {
        json::JsonForm::Strings(found) => {
            json!({ "expected": strings(found.iter().map(|it| it.value.as_str())) })
        }
        // The table's tests see one error for both: a text that is no array takes the shell form.
        json::JsonForm::NotStrings { .. } | json::JsonForm::NotJson => {
            json!({ "error": Problem::NotStrings.builder_message() })
        }
    }
}

/// Words are what `ARG` is cut to.
fn words(input: &str) -> Value {
    let parsed = syntax::parse(&format!("ARG {input}\n"));
    json!({ "expected": parsed.nodes.first().map(|node| strings(node.args.iter().map(|arg| arg.value.as_str()))) })
}

fn pairs(input: &str, command: &str) -> Value {
    let parsed = syntax::parse(&format!("{command} {input}\n"));
    match parsed.refusals.first() {
        Some(refusal) => json!({ "error": string(&refusal.builder_error()) }),
        None => {
            json!({ "expected": parsed.nodes.first().map(|node| strings(node.args.iter().map(|arg| arg.value.as_str()))) })
        }
    }
}

fn heredoc_word(input: &str) -> Value {
    match heredoc::parse_word(input) {
        Ok(None) => json!({ "expected": null }),
        Ok(Some(word)) => json!({ "expected": {
            "name": string(&word.name), "fd": word.fd, "expand": word.expands, "chomp": word.chomps, "content": "",
        } }),
        Err(error) => json!({ "error": string(&error.to_string()) }),
    }
}

fn directives(input: &str) -> Value {
    let (all, problem) = directive::leading(input);
    let shown = |found: &Directive| {
        let (reference, _) = found.value.value.split_once(' ').unwrap_or((&found.value.value, ""));
        json!({ "ref": string(reference), "cmdline": string(&found.value.value), "line": found.line })
    };
    let plain = |found: &Directive| json!({ "name": found.name, "value": string(&found.value.value), "line": found.line });
    json!({
        "parse_all": all.iter().map(plain).collect::<Value>(),
        "parse_all_error": problem.map(|problem| problem.builder_message()),
        "detect_syntax": directive::syntax(input).as_ref().map(shown),
        "check_directive": directive::check(input).as_ref().map(shown),
    })
}

fn check_options(input: &str) -> Value {
    let list =
        |rules: &Option<Vec<String>>| rules.as_ref().map(|rules| strings(rules.iter().map(String::as_str)));
    match CheckOptions::read(input) {
        Ok(options) => json!({ "expected": {
            "skip_all": options.skips_all,
            "skip": list(&options.skips),
            "experimental_all": options.has_all_experimental,
            "experimental": list(&options.experimental),
            "error": options.is_error,
        } }),
        Err(error) => json!({ "error": string(&error) }),
    }
}
