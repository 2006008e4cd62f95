//! Scalars of YAML as Compose takes them.
//!
//! Without quotes a scalar may be a number, and Compose writes numbers anew:
//! `1.10` becomes `1.1` and `0x1F` becomes `31`. This is what the
//! [schema of go-yaml](https://pkg.go.dev/gopkg.in/yaml.v3#section-readme) makes of it.

use super::yaml::{Node, NodeKind};

/// A scalar as a text; `None` for a null. Of a list or map nothing is told.
pub(super) fn text_of(node: &Node) -> Option<String> {
    let NodeKind::Scalar { text, is_plain } = &node.kind else { return None };
    if !is_plain {
        return Some(text.clone());
    }
    if node.is_null() {
        return None;
    }
    Some(match text.as_str() {
        "True" | "TRUE" => "true".to_owned(),
        "False" | "FALSE" => "false".to_owned(),
        _ => number(text).unwrap_or_else(|| text.clone()),
    })
}

/// A switch, in each spelling that Compose takes.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "y" | "yes" | "on" | "1" => Some(true),
        "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A number, written anew.
fn number(text: &str) -> Option<String> {
    let bare = text.replace('_', "");
    let digits = bare.trim_start_matches(['+', '-']);
    if bare.len() - digits.len() > 1 || !digits.starts_with(|ch: char| ch.is_ascii_digit() || ch == '.') {
        return None;
    }
    let is_negative = bare.starts_with('-');
    let radix = |prefixes: [&str; 2], radix: u32| {
        let rest = prefixes.iter().find_map(|prefix| digits.strip_prefix(prefix))?;
        u64::from_str_radix(rest, radix).ok()
    };
    let is_all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let whole = if digits.len() > 1 && digits.starts_with('0') && is_all_digits {
        // A zero in front makes it octal; where it cannot be, it is a fraction without one.
        u64::from_str_radix(digits, 8).ok()
    } else if is_all_digits {
        digits.parse().ok()
    } else {
        radix(["0x", "0X"], 16).or_else(|| radix(["0o", "0O"], 8)).or_else(|| radix(["0b", "0B"], 2))
    };
    if let Some(whole) = whole {
        return Some(if is_negative && whole > 0 { format!("-{whole}") } else { whole.to_string() });
    }
    let is_float = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let value: f64 = bare.parse().ok().filter(|_| is_float)?;
    value.is_finite().then(|| float(value))
}

/// As Go prints a number: the fewest digits that tell it, with an exponent where it is large or small.
fn float(value: f64) -> String {
    const WITHOUT_EXPONENT: std::ops::Range<i32> = -4..6;
    let (digits, point) = digits(value);
    let exponent = point - 1;
    if WITHOUT_EXPONENT.contains(&exponent) || digits == "0" {
        return plain(value);
    }
    let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
    let sign = if value < 0.0 { "-" } else { "" };
    let dot = if rest.is_empty() { "" } else { "." };
    let direction = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{first}{dot}{rest}e{direction}{:02}", exponent.unsigned_abs())
}

/// A number without an exponent.
pub(super) fn plain(value: f64) -> String {
    let (digits, point) = digits(value);
    let sign = if value < 0.0 { "-" } else { "" };
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    let n_digits = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if point <= 0 {
        return format!("{sign}0.{}{digits}", zeros(-point));
    }
    match usize::try_from(point).ok().and_then(|point| digits.split_at_checked(point)) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, rest)) => format!("{sign}{whole}.{rest}"),
        None => format!("{sign}{digits}{}", zeros(point - n_digits)),
    }
}

/// The fewest digits that tell a number, and how many of them stand in front of the point. What prints
/// JSON finds them, so that the program has one such thing.
fn digits(value: f64) -> (String, i32) {
    let text = serde_json::Number::from_f64(value.abs()).map_or_else(String::new, |it| it.to_string());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{rest}");
    let digits = all.trim_start_matches('0');
    let n_zeros = i32::try_from(all.len() - digits.len()).unwrap_or(0);
    let point = i32::try_from(whole.len()).unwrap_or(0) + exponent.parse().unwrap_or(0) - n_zeros;
    match digits.trim_end_matches('0') {
        "" => ("0".to_owned(), 1),
        digits => (digits.to_owned(), point),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buildfile::Place;

    #[test]
    fn numbers_are_written_anew() {
        for (text, wanted) in [
            ("1.10", Some("1.1")),
            ("20", Some("20")),
            ("0x1F", Some("31")),
            ("0777", Some("511")),
            ("0o17", Some("15")),
            ("08", Some("8")),
            ("-1_000", Some("-1000")),
            ("1e3", Some("1000")),
            ("1e21", Some("1e+21")),
            ("1e6", Some("1e+06")),
            ("-1234567.5", Some("-1.2345675e+06")),
            ("99999.5", Some("99999.5")),
            ("1.5e-7", Some("1.5e-07")),
            ("0.00012", Some("0.00012")),
            ("0.0", Some("0")),
            ("0.25", Some("0.25")),
            (".5", Some("0.5")),
            ("1.2.3", Some("1.2.3")),
            ("3.12-slim", Some("3.12-slim")),
            ("0xzz", Some("0xzz")),
            ("+", Some("+")),
            ("TRUE", Some("true")),
            ("yes", Some("yes")),
            ("~", None),
            ("", None),
        ] {
            let node = Node::scalar(Place::START, text.to_owned(), true);
            assert_eq!(text_of(&node).as_deref(), wanted, "{text}");
        }
        let quoted = Node::scalar(Place::START, "1.10".to_owned(), false);
        assert_eq!(text_of(&quoted).as_deref(), Some("1.10"));
    }
}
