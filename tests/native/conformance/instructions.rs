//! `instructions`: single instructions, devices, and short files with their full outcome.

use std::path::Path;

use layerlab::dockerfile::instruction::Instruction;
use layerlab::dockerfile::mount::Device;
use layerlab::dockerfile::syntax;
use serde_json::{Value, json};

use super::compare::same;
use super::corpus::{self, string, text_at};
use super::dockerfiles;
use super::render;
use super::score::{Score, Verdict, judge};

/// Scores the set.
pub(super) fn score(folder: &Path) -> Score {
    let mut score = Score::default();
    score.add_file(folder, "cases.jsonl", |record| vec![("cases", judge(|| case(record)))]);
    score.add_file(folder, "devices.jsonl", |record| vec![("devices", judge(|| device(record)))]);
    score.add_file(folder, "lines.jsonl", dockerfiles::full_outcome);
    score.leave_out("flags", corpus::records(&folder.join("flags.jsonl")).len());
    score
}

fn case(record: &Value) -> Verdict {
    let text = text_at(record, "dockerfile")?;
    if record["mode"] == "file" {
        let got = render::stages(&text).ok_or("the parser refuses the file")?;
        return same(&record["stages"], &got);
    }
    let mut answer = serde_json::Map::new();
    for key in ["ok", "command", "stage", "error", "error_lines"] {
        answer.insert(key.to_owned(), record[key].clone());
    }
    same(&Value::Object(answer), &single(&text))
}

/// Reads the first instruction of a text alone, so that no `FROM` is needed.
fn single(text: &str) -> Value {
    let parsed = syntax::parse(text);
    if let Some(refusal) = parsed.refusals.first() {
        let error = string(&refusal.builder_error());
        return json!({ "ok": false, "stage": "parse", "error": error, "error_lines": render::ranges(refusal.lines) });
    }
    let Some(node) = parsed.nodes.first() else {
        return json!({ "ok": false });
    };
    match Instruction::read(node) {
        Ok(instruction) => json!({ "ok": true, "command": render::command(&instruction) }),
        Err((problem, _)) => json!({
            "ok": false,
            "stage": "instruction",
            "error": string(&problem.builder_message()),
            "error_lines": render::ranges(Some(node.lines)),
        }),
    }
}

fn device(record: &Value) -> Verdict {
    let got = match Device::read(&text_at(record, "input")?) {
        Ok(device) => json!({ "expected": { "name": string(&device.name), "required": device.is_required } }),
        Err(error) => json!({ "error": string(&error) }),
    };
    same(&json!({ "expected": record["expected"], "error": record["error"] }), &got)
}
