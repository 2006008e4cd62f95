//! The pairs of an `.env` file.
//!
//! ```text
//! line  = [ "export " ] name ( "=" | ":" ) value
//! value = "'" text "'" | '"' text '"' | text [ " #" comment ]
//! ```
//!
//! Within single quotes a value stands as it is; else variables of lines above
//! are put in, and within double quotes a backslash begins an escape. A name
//! without a value is the shell's own, which is not known here.
//! See [the syntax](https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax).

use super::MAX_TEXT_BYTES;
use super::interpolate::interpolate;

/// Reads pairs; lines that are none are left out. The last one of a name counts.
#[must_use]
pub fn parse(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut n_bytes = 0_usize;
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let line = rest.trim_start();
        if line.is_empty() {
            break;
        }
        let (pair, after) = pair_of(line, &pairs);
        rest = after;
        let Some((name, value)) = pair else { continue };
        n_bytes = n_bytes.saturating_add(value.len());
        // Values that double themselves in each line have to end somewhere.
        if n_bytes > MAX_TEXT_BYTES || pairs.len() > MAX_PAIRS {
            break;
        }
        pairs.retain(|(known, _)| *known != name);
        pairs.push((name, value));
    }
    pairs
}

/// More pairs than this are not taken.
const MAX_PAIRS: usize = 1_000;

/// The pair of the first line, and what follows it.
fn pair_of<'t>(line: &'t str, pairs: &[(String, String)]) -> (Option<(String, String)>, &'t str) {
    let next_line = |text: &'t str| text.split_once('\n').map_or("", |(_, after)| after);
    let bare = line.strip_prefix("export ").map_or(line, str::trim_start);
    let end = bare.find(|ch: char| !ch.is_ascii_alphanumeric() && !"_.-".contains(ch)).unwrap_or(bare.len());
    let Some((name, after)) = bare.split_at_checked(end).filter(|(name, _)| !name.is_empty()) else {
        return (None, next_line(line));
    };
    let after = after.trim_start_matches([' ', '\t']);
    let Some(value) = after.strip_prefix(['=', ':']) else { return (None, next_line(line)) };
    let value = value.trim_start_matches([' ', '\t']);
    let quote = value.chars().next().filter(|ch| matches!(ch, '\'' | '"'));
    let quoted = quote.and_then(|quote| {
        let inner = value.get(1..)?;
        let end = closing(inner, quote)?;
        Some((quote, inner.get(..end)?, inner.get(end + 1..)?))
    });
    let (value, after) = match quoted {
        Some(('\'', text, after)) => (text.to_owned(), after),
        Some((_, text, after)) => (with_values(&unescaped(text), pairs), after),
        None => {
            let line = value.split('\n').next().unwrap_or("").trim_end_matches('\r');
            let end = line.find(" #").or_else(|| line.find("\t#")).unwrap_or(line.len());
            let end = if line.starts_with('#') { 0 } else { end };
            (with_values(line.get(..end).unwrap_or(line).trim_end(), pairs), value)
        }
    };
    (Some((name.to_owned(), value)), next_line(after))
}

/// Where a quote ends.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, ch) in text.char_indices() {
        if ch == quote && !is_escaped {
            return Some(at);
        }
        is_escaped = ch == '\\' && !is_escaped && quote == '"';
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(ch) = chars.next() {
        if ch != '\\' {
            out.push(ch);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('$') => out.push_str("$$"),
            Some(other @ ('"' | '\\')) => out.push(other),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

fn with_values(text: &str, pairs: &[(String, String)]) -> String {
    let lookup = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    interpolate(text, MAX_TEXT_BYTES, &lookup).map_or_else(|_| text.to_owned(), |done| done.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        let text = "# a comment\nA=1\nexport B = two words # said\nC='$A #'\nD=\"x\\n${A}\"\n\nNAME\nE: y\n\
                    F=\nA=2\nG=\"over\ntwo\"\nH=#x\nbad line\r\nI=i\r\n";
        let pairs = parse(text);
        let found = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, it)| it.as_str());
        for (name, value) in [
            ("A", Some("2")),
            ("B", Some("two words")),
            ("C", Some("$A #")),
            ("D", Some("x\n1")),
            ("NAME", None),
            ("E", Some("y")),
            ("F", Some("")),
            ("G", Some("over\ntwo")),
            ("H", Some("")),
            ("I", Some("i")),
            ("bad", None),
        ] {
            assert_eq!(found(name), value, "{name}");
        }
    }

    #[test]
    fn values_that_double_end() {
        let mut text = "A=0123456789\n".to_owned();
        (0..60).for_each(|_| text.push_str("A=$A$A\n"));
        assert!(parse(&text).iter().all(|(_, value)| value.len() <= MAX_TEXT_BYTES));
    }
}
