//! JSON as a tree in which each value has its place.
//!
//! JSON is YAML as well: the strict parser says whether it is JSON and where it
//! is not, and the one that knows places makes the tree.

use std::rc::Rc;

use serde::de::IgnoredAny;

use super::yaml::{self, Node};
use super::{BuildFileError, BuildFileErrorKind, Place};

const LANGUAGE: &str = "JSON";

/// The value of a text. A key may stand in a map more than once.
pub(super) fn read(text: &str) -> Result<Rc<Node>, BuildFileError> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).max(1);
        let place = Place { line: number(error.line()), column: number(error.column()) };
        // The place is told apart from the message.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or("").to_owned();
        let kind = BuildFileErrorKind::Syntax { language: LANGUAGE, message };
        return Err(BuildFileError { place, kind });
    }
    let text = paired(text);
    let documents = yaml::read_as(&text, LANGUAGE, true)?;
    let kind = BuildFileErrorKind::NoBuilds;
    documents.into_iter().next().ok_or(BuildFileError { place: Place::START, kind })
}

/// Escapes of two halves, which JSON has and YAML has not, as the character that they stand for.
fn paired(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let half = |from: usize| {
            let digits = escape.get(from..from + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(digits, 16).ok()
        };
        let ch = match (half(0), half(6)) {
            (Some(high @ 0xD800..0xDC00), Some(low)) => {
                char::decode_utf16([high, low]).next().and_then(Result::ok)
            }
            _ => None,
        };
        match ch {
            Some(ch) => {
                out.push(ch);
                rest = escape.get(12..).unwrap_or("");
            }
            None => {
                let end = escape.char_indices().nth(2).map_or(escape.len(), |(at, _)| at);
                out.push_str(escape.get(..end).unwrap_or(escape));
                rest = escape.get(end..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buildfile::scalar::text_of;

    #[test]
    fn values_and_places() {
        let text = "{\n\t\"a\": {\"b\": [1, \"\\ud83d\\udc33\\/\\u00e9\\\\u\", null]},\n\t\"c\":\"x\",\"<<\":true\n}";
        let root = read(text).unwrap();
        let list = root.get("a").unwrap().get("b").unwrap();
        let yaml::NodeKind::List(items) = &list.kind else { panic!() };
        let texts: Vec<Option<String>> = items.iter().map(|item| text_of(item)).collect();
        assert_eq!(texts, [Some("1".to_owned()), Some("🐳/é\\u".to_owned()), None]);
        assert_eq!(root.get("c").unwrap().place, Place { line: 3, column: 6 });
        assert_eq!(root.get("<<").and_then(|it| text_of(it)).as_deref(), Some("true"));
    }

    #[test]
    fn what_is_no_json() {
        for (text, line, column) in [("{\n  \"a\": 1,\n}", 3, 1), ("{'a': 1}", 1, 2), ("{} x", 1, 4)] {
            let error = read(text).unwrap_err();
            assert_eq!((error.place.line, error.place.column), (line, column), "{error}");
        }
    }
}
