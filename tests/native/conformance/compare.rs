//! Comparing an answer with the recorded one.

use serde_json::Value;

use super::score::Verdict;

/// How much of an account is shown, in characters.
const MAX_CHARS: usize = 300;

/// Keys at which a missing value is something else than an empty or false one.
const PRESENCE_COUNTS: [&str; 3] = ["value", "keep_git_dir", "unpack"];

/// Shortens a text for the report.
pub(super) fn cut(text: &str) -> String {
    let line = text.replace('\n', "\\n");
    match line.char_indices().nth(MAX_CHARS) {
        Some((idx, _)) => format!("{}…", &line[..idx]),
        None => line,
    }
}

/// Compares `got` with `expected`, which records often leave out where it is empty or false.
pub(super) fn same(expected: &Value, got: &Value) -> Verdict {
    match difference("", expected, got) {
        Some(account) => Err(account),
        None => Ok(()),
    }
}

/// Compares with the recorded answer and with those that were observed beside it; any is right.
pub(super) fn same_as_any(expected: &Value, alternatives: &Value, got: &Value) -> Verdict {
    let verdict = same(expected, got);
    let others = alternatives.as_array().map_or(&[][..], Vec::as_slice);
    if others.iter().any(|other| same(other, got).is_ok()) { Ok(()) } else { verdict }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Bool(true) | Value::Object(_) => false,
    }
}

/// The first place where the two differ.
fn difference(path: &str, expected: &Value, got: &Value) -> Option<String> {
    match (expected, got) {
        (Value::Object(left), Value::Object(right)) => {
            // A refusal says more than all that is missing because of it.
            let first =
                ["error", "ok"].into_iter().filter(|key| left.contains_key(*key) || right.contains_key(*key));
            let keys = first.chain(left.keys().chain(right.keys()).map(String::as_str));
            for key in keys {
                let path = format!("{path}.{key}");
                match (left.get(key), right.get(key)) {
                    (Some(left), Some(right)) => {
                        if let Some(account) = difference(&path, left, right) {
                            return Some(account);
                        }
                    }
                    (Some(only), None) if !is_empty(only) || PRESENCE_COUNTS.contains(&key) => {
                        return Some(format!("{path} expected {}, got nothing", cut(&only.to_string())));
                    }
                    (None, Some(only)) if !is_empty(only) || PRESENCE_COUNTS.contains(&key) => {
                        return Some(format!("{path} expected nothing, got {}", cut(&only.to_string())));
                    }
                    _ => {}
                }
            }
            None
        }
        (Value::Array(left), Value::Array(right)) => {
            for (idx, pair) in left.iter().zip(right).enumerate() {
                if let Some(account) = difference(&format!("{path}[{idx}]"), pair.0, pair.1) {
                    return Some(account);
                }
            }
            let extra =
                |list: &[Value], from: usize| list.get(from).map_or_else(String::new, Value::to_string);
            (left.len() != right.len()).then(|| {
                let (n_left, n_right) = (left.len(), right.len());
                let (missing, added) = (extra(left, n_right), extra(right, n_left));
                format!("{path} expected {n_left} items, got {n_right}: -{} +{}", cut(&missing), cut(&added))
            })
        }
        (left, right) if left == right => None,
        (Value::String(left), Value::String(right)) => {
            // Long texts are shown from shortly before the point where they part.
            let at = left
                .char_indices()
                .zip(right.chars())
                .find(|((_, a), b)| a != b)
                .map_or(left.len().min(right.len()), |((idx, _), _)| idx);
            let start =
                (0..=at.saturating_sub(40)).rev().find(|idx| left.is_char_boundary(*idx)).unwrap_or(0);
            let window =
                |text: &str| -> String { text.get(start..).unwrap_or("").chars().take(110).collect() };
            Some(format!("{path} at {at}: expected {:?}, got {:?}", window(left), window(right)))
        }
        (left, right) => {
            Some(format!("{path} expected {}, got {}", cut(&left.to_string()), cut(&right.to_string())))
        }
    }
}
