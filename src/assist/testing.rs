//! Fixtures: a Dockerfile with a `|` where the cursor stands.

use std::collections::BTreeMap;

use super::Known;

/// The text without the first `|`, and where that stood.
#[track_caller]
pub(super) fn cursor(marked: &str) -> (String, usize) {
    let at = marked.find('|').unwrap();
    (format!("{}{}", &marked[..at], &marked[at + 1..]), at)
}

/// Nothing is known besides the text.
pub(super) fn known() -> Known<'static> {
    static NONE: BTreeMap<String, String> = BTreeMap::new();
    Known { paths: &[], contexts: &[], build_args: &NONE, base_env: &[] }
}
