//! What is committed about the sets: how much is agreed on, and which differences are known.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::is_on;
use super::score::Score;

/// Compares what was reached with what is committed, and gives what makes the test fail.
pub(super) fn check(found: &[(&str, Score)], out: &mut String) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/native/conformance");
    let read = |file: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
    };
    let committed = read("totals.json");
    let known = read("known-differences.json");
    let mut failures = Vec::new();
    let mut raised = committed.clone();
    for (set, score) in found {
        let before = &committed[*set];
        let entry = raised_entry(set, before, score, &mut failures);
        if entry != *before {
            let _ = writeln!(out, "{set}: totals.json can be raised (LAYERLAB_UPDATE_TOTALS=1)");
            raised[*set] = entry;
            raised[*set]["measured"] = json!(today());
        }
        known_differences(set, before["complete"] == true, score, &known, &mut failures, out);
    }
    for set in committed.as_object().unwrap().keys() {
        if !found.iter().any(|(found, _)| found == set) {
            failures.push(format!("{set}: is committed but was not found"));
        }
    }
    if is_on("LAYERLAB_UPDATE_TOTALS") && failures.is_empty() && raised != committed {
        let text = serde_json::to_string_pretty(&raised).unwrap();
        std::fs::write(folder.join("totals.json"), text + "\n").unwrap();
    }
    failures
}

/// The entry of a set with what was reached; what fell is a failure.
fn raised_entry(set: &str, before: &Value, score: &Score, failures: &mut Vec<String>) -> Value {
    let mut entry = if before.is_null() { json!({}) } else { before.clone() };
    let mut raise = |name: &str, before: &Value, now: usize| {
        let committed = before.as_u64().unwrap_or(0);
        let now = now as u64;
        if now < committed {
            failures.push(format!("{set}{name}: {now} agree, {committed} are committed"));
        }
        json!(now.max(committed))
    };
    entry["agreed"] = raise("", &before["agreed"], score.agreed);
    entry["total"] = json!(score.total);
    for (section, agreed, _) in &score.sections {
        entry["sections"][section] = raise(&format!(" {section}"), &before["sections"][section], *agreed);
    }
    entry
}

/// In a set that is complete, each case that disagrees is listed with its reason.
fn known_differences(
    set: &str,
    is_complete: bool,
    score: &Score,
    known: &Value,
    failures: &mut Vec<String>,
    out: &mut String,
) {
    let listed: Vec<&Value> = known.as_array().unwrap().iter().filter(|entry| entry["set"] == set).collect();
    for case in &score.disagreements {
        if is_complete && !listed.iter().any(|entry| entry["case"] == case.id.as_str()) {
            failures.push(format!("{set}: {} disagrees and is not a known difference", case.id));
        }
    }
    for entry in listed {
        if entry["reason"].as_str().unwrap_or("").is_empty() {
            failures.push(format!("{set}: {} is a known difference without a reason", entry["case"]));
        }
        if !score.disagreements.iter().any(|case| entry["case"] == case.id.as_str()) {
            let _ = writeln!(out, "{set}: {} is a known difference, and agrees", entry["case"]);
        }
    }
}

/// The date in UTC, as `2026-08-21`.
fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut days = since.as_secs() / 86_400;
    let mut year = 1970;
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}
