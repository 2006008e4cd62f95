//! Variables in the texts of a Compose file.
//!
//! ```text
//! text   = { "$$" | "$" name | "${" name [ op text ] "}" | other }
//! op     = ":-" | "-" | ":?" | "?" | ":+" | "+"
//! name   = (letter | "_") { letter | digit | "_" }
//! ```
//!
//! With a colon an empty value counts as none. See
//! [the specification](https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md).

/// A text can be within another one so often.
const MAX_NESTED: u32 = 16;

/// What a text became.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Interpolated {
    /// The text with values in it.
    pub(super) text: String,
    /// Variables without a value, for which nothing stands in.
    pub(super) unset: Vec<String>,
    /// Variables that have to have a value, and what is said of those that have none.
    pub(super) required: Vec<(String, String)>,
}

/// Why a text cannot be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// A `$` begins nothing; a plain one is written `$$`.
    Malformed,
    /// The values make the text too long.
    TooLong,
}

/// Puts values in. `max_bytes` is what the text may be long afterwards.
pub(super) fn interpolate(
    text: &str,
    max_bytes: usize,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Interpolated, Refusal> {
    let mut done = Interpolated::default();
    let mut out = String::new();
    put(text, max_bytes, lookup, MAX_NESTED, &mut out, &mut done)?;
    done.text = out;
    Ok(done)
}

fn put(
    text: &str,
    max_bytes: usize,
    lookup: &dyn Fn(&str) -> Option<String>,
    n_nested: u32,
    out: &mut String,
    done: &mut Interpolated,
) -> Result<(), Refusal> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let (inner, after) = braces(after).ok_or(Refusal::Malformed)?;
            let n_nested = n_nested.checked_sub(1).ok_or(Refusal::Malformed)?;
            braced(inner, max_bytes, lookup, n_nested, out, done)?;
            rest = after;
        } else {
            let (name, after) = name_of(after).ok_or(Refusal::Malformed)?;
            plain(name, lookup, out, done);
            rest = after;
        }
        if out.len() > max_bytes {
            return Err(Refusal::TooLong);
        }
    }
    out.push_str(rest);
    Ok(())
}

fn plain(name: &str, lookup: &dyn Fn(&str) -> Option<String>, out: &mut String, done: &mut Interpolated) {
    match lookup(name) {
        Some(value) => out.push_str(&value),
        None => done.unset.push(name.to_owned()),
    }
}

fn braced(
    inner: &str,
    max_bytes: usize,
    lookup: &dyn Fn(&str) -> Option<String>,
    n_nested: u32,
    out: &mut String,
    done: &mut Interpolated,
) -> Result<(), Refusal> {
    let (name, rest) = name_of(inner).ok_or(Refusal::Malformed)?;
    if rest.is_empty() {
        plain(name, lookup, out, done);
        return Ok(());
    }
    let (counts_empty, rest) = rest.strip_prefix(':').map_or((true, rest), |rest| (false, rest));
    let value = lookup(name).filter(|value| counts_empty || !value.is_empty());
    let put = |text: &str, done: &mut Interpolated, out: &mut String| {
        put(text, max_bytes, lookup, n_nested, out, done)
    };
    match (rest.split_at_checked(1), value) {
        (Some(("-" | "?", _)), Some(value)) => out.push_str(&value),
        (Some(("-", instead)), None) => put(instead, done, out)?,
        (Some(("?", message)), None) => {
            let mut said = String::new();
            put(message, done, &mut said)?;
            done.required.push((name.to_owned(), said));
        }
        (Some(("+", instead)), Some(_)) => put(instead, done, out)?,
        (Some(("+", _)), None) => {}
        _ => return Err(Refusal::Malformed),
    }
    Ok(())
}

/// What stands in braces, and what follows them.
fn braces(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_u32;
    let mut before = ' ';
    for (at, ch) in text.char_indices() {
        match ch {
            '{' if before == '$' => depth += 1,
            '}' if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            '}' => depth -= 1,
            _ => {}
        }
        before = ch;
    }
    None
}

/// A name at the beginning, and what follows it.
fn name_of(text: &str) -> Option<(&str, &str)> {
    let is_first = |ch: char| ch.is_ascii_alphabetic() || ch == '_';
    let end = text.find(|ch: char| !is_first(ch) && !ch.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(name, _)| name.starts_with(is_first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &str) -> Result<Interpolated, Refusal> {
        let lookup = |name: &str| match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        interpolate(text, 1000, &lookup)
    }

    #[test]
    fn every_form() {
        for (text, wanted) in [
            ("a$SET-b", "avalue-b"),
            ("${SET}", "value"),
            ("$$SET $${SET}", "$SET ${SET}"),
            ("${NONE:-d} ${EMPTY:-d} ${NONE-d} ${EMPTY-d}", "d d d "),
            ("${SET:-d} ${SET-d}", "value value"),
            ("${SET:+x} ${EMPTY:+x} ${EMPTY+x} ${NONE+x}", "x  x "),
            ("${SET:?no} ${EMPTY?no}", "value "),
            ("${NONE:-${EMPTY:-${SET}}}", "value"),
            ("${NONE:-a:b-c}", "a:b-c"),
        ] {
            assert_eq!(put(text).unwrap().text, wanted, "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_told() {
        let done = put("${NONE} ${OTHER:?say $SET}").unwrap();
        assert_eq!(done.unset, ["NONE"]);
        assert_eq!(done.required, [("OTHER".to_owned(), "say value".to_owned())]);
    }

    #[test]
    fn what_is_refused() {
        for text in ["${", "${}", "$", "a $ b", "$1", "${A!b}", "${A:}", "${A:-${B}"] {
            assert_eq!(put(text), Err(Refusal::Malformed), "{text}");
        }
        assert_eq!(put(&"${SET}".repeat(500)), Err(Refusal::TooLong));
        let deep = format!("{}x{}", "${A:-".repeat(40), "}".repeat(40));
        assert_eq!(put(&deep), Err(Refusal::Malformed));
    }
}
