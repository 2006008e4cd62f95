//! # What it does
//! Finds `ENV` and `LABEL` in the old form, without `=`.
//!
//! # Why it is bad
//! The old form takes the whole rest of the line as one value, and may go one day.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! ENV DIR /my app
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! ENV DIR="/my app"
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Fix;
use crate::dockerfile::instruction::Pair;
use crate::dockerfile::syntax::Spanned;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "LegacyKeyValueFormat",
    description: "Legacy key/value format with whitespace separator should not be used",
    url: "https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/",
    is_experimental: false,
};

/// Asked for each pair in the old form.
pub(super) fn check(keyword: &Spanned, pair: &Pair, escape: char, place: Place<'_>, findings: &mut Findings) {
    let name = &keyword.value;
    let finding = Finding {
        detail: format!("\"{name} key=value\" should be used instead of legacy \"{name} key value\" format"),
        range: pair.name.range.cover(pair.value.range),
        fix: new_form(pair, escape),
        ..Finding::default()
    };
    findings.report(&RULE, place, finding);
}

/// The pair with `=`. A value of several words gets quotes; where it has some, its blanks are escaped.
fn new_form(pair: &Pair, escape: char) -> Option<Fix> {
    let has_quoting = |text: &str| text.contains(['"', '\'', escape]);
    let (name, value) = (&pair.name.value, &pair.value.value);
    let has_blanks = value.contains(char::is_whitespace);
    // Within braces an escape would stay in the value.
    if has_quoting(name) || has_blanks && value.contains("${") {
        return None;
    }
    let value = match (has_blanks, has_quoting(value)) {
        (true, true) => escaped(value, escape)?,
        (true, false) => format!("\"{value}\""),
        (false, _) => value.clone(),
    };
    let range = pair.name.range.cover(pair.value.range);
    Some(Fix::replace(range, format!("{name}={value}")))
}

/// A value whose blanks outside of quotes are escaped; none where a quote is open at the end.
fn escaped(value: &str, escape: char) -> Option<String> {
    let mut out = String::new();
    let mut quote = None;
    let mut chars = value.chars();
    while let Some(ch) = chars.next() {
        if ch == escape && quote != Some('\'') {
            out.push(ch);
            out.push(chars.next()?);
            continue;
        }
        if quote == Some(ch) {
            quote = None;
        } else if quote.is_none() && matches!(ch, '"' | '\'') {
            quote = Some(ch);
        } else if quote.is_none() && ch.is_whitespace() {
            out.push(escape);
        }
        out.push(ch);
    }
    quote.is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn old_form() {
        check(
            "
FROM alpine
ENV DIR /app
#   ^^^^^^^^ warning[LegacyKeyValueFormat]: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format
",
        );
    }

    #[test]
    fn fixed() {
        check_fix("FROM a\nENV DIR /app\n", "FROM a\nENV DIR=/app\n");
        check_fix("FROM a\nLABEL x a  b\n", "FROM a\nLABEL x=\"a  b\"\n");
        check_fix("FROM a\nENV X \"a b\"\n", "FROM a\nENV X=\"a b\"\n");
        check_fix("FROM a\nENV X a 'b c'  d\\ e\n", "FROM a\nENV X=a\\ 'b c'\\ \\ d\\ e\n");
        check_fix("FROM a\nENV DIR it's a's\n", "FROM a\nENV DIR=it's a's\n");
        check_no_fix("FROM a\nENV X ${Y:-a b}\n");
    }
}
