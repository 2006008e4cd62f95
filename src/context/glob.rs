//! Two kinds of patterns over paths.
//!
//! [`match_path`] is Go's `path.Match`, which COPY's wildcards use. [`Pattern`]
//! is the kind of `.dockerignore`, `--exclude` and `--parents`: it adds `**`
//! and is turned into a regular expression by
//! [moby/patternmatcher](https://github.com/moby/patternmatcher); this module
//! matches what that expression would.

/// `path.Match`: `*` and `?` stop at `/`, `[a-z]` and `[^a]` are classes, `\` escapes.
///
/// # Errors
/// A pattern that is malformed where it is looked at.
pub fn match_path(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    check(&pattern)?;
    Ok(match_at(&pattern, &name))
}

/// A class that is not closed, or an escape of nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadPattern;

impl std::fmt::Display for BadPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("syntax error in pattern")
    }
}

impl std::error::Error for BadPattern {}

/// Whether Go's matcher would call the pattern malformed.
///
/// # Errors
/// If so.
pub fn check_path_pattern(pattern: &str) -> Result<(), BadPattern> {
    check(&pattern.chars().collect::<Vec<_>>())
}

fn check(mut pattern: &[char]) -> Result<(), BadPattern> {
    while let [first, rest @ ..] = pattern {
        pattern = match first {
            '\\' => rest.split_first().ok_or(BadPattern)?.1,
            '[' => class(rest).ok_or(BadPattern)?.1,
            _ => rest,
        };
    }
    Ok(())
}

/// A character class: whether it is negated and its ranges.
type Class = (bool, Vec<(char, char)>);

/// Reads a class behind its `[`, and what follows it.
fn class(pattern: &[char]) -> Option<(Class, &[char])> {
    let (is_negated, mut rest) = match pattern {
        ['^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        if let [']', after @ ..] = rest
            && !ranges.is_empty()
        {
            return Some(((is_negated, ranges), after));
        }
        let (low, after) = class_char(rest)?;
        let (high, after) = match after {
            ['-', after @ ..] => class_char(after)?,
            after => (low, after),
        };
        ranges.push((low, high));
        rest = after;
    }
}

fn class_char(pattern: &[char]) -> Option<(char, &[char])> {
    match pattern {
        ['\\', ch, rest @ ..] => (!rest.is_empty()).then_some((*ch, rest)),
        ['-' | ']', ..] | [] => None,
        [ch, rest @ ..] => (!rest.is_empty()).then_some((*ch, rest)),
    }
}

fn match_at(mut pattern: &[char], mut name: &[char]) -> bool {
    // Where to go back to: the pattern behind the last star and the name it was tried at.
    let mut retry: Option<(&[char], &[char])> = None;
    loop {
        let step = match (pattern, name) {
            ([], []) => return true,
            (['*', rest @ ..], _) => {
                retry = Some((rest, name));
                Some((rest, name))
            }
            (['?', rest @ ..], [ch, name @ ..]) if *ch != '/' => Some((rest, name)),
            (['[', rest @ ..], [ch, name @ ..]) if *ch != '/' => {
                class(rest).and_then(|((negated, ranges), rest)| {
                    let is_in = ranges.iter().any(|(low, high)| low <= ch && ch <= high);
                    (is_in != negated).then_some((rest, name))
                })
            }
            (['\\', escaped, rest @ ..], [ch, name @ ..]) if escaped == ch => Some((rest, name)),
            ([plain, rest @ ..], [ch, name @ ..]) if plain == ch && !matches!(plain, '?' | '[' | '\\') => {
                Some((rest, name))
            }
            _ => None,
        };
        match (step, retry) {
            (Some(next), _) => (pattern, name) = next,
            (None, Some((after_star, [ch, shorter @ ..]))) if *ch != '/' => {
                retry = Some((after_star, shorter));
                (pattern, name) = (after_star, shorter);
            }
            (None, _) => return false,
        }
    }
}

/// A pattern with `**`, in one of the four forms that it is turned into.
///
/// What is neither plain nor a mere beginning or end becomes a regular
/// expression, and keeps an expression's ways: after a backslash letters mean
/// what they mean there (`\b` is the edge of a word), and a list of characters
/// that is fine for `path.Match` may be no valid one, which shows at the first match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// The path itself.
    Exact(String),
    /// `a/**`: all that begins so.
    Prefix(String),
    /// `**/a`: all that ends so.
    Suffix(String),
    Expression(Vec<Piece>),
    /// An expression that cannot be read.
    Bad,
}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Exactly(char),
    /// One character of a list.
    One(List),
    /// Any number of them.
    Many(List),
    /// `.*`: anything within a line.
    Rest,
    /// `(.*/)?`: nothing, or anything up to a `/`.
    Folders,
    Start,
    End,
    /// The edge of a word, or no edge.
    Edge(bool),
}

/// A list of characters, or of all others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct List {
    is_negated: bool,
    ranges: Vec<(char, char)>,
}

impl Pattern {
    /// Reads a pattern that was cleaned already.
    ///
    /// # Errors
    /// What `path.Match` would call malformed.
    pub fn new(pattern: &str) -> Result<Self, BadPattern> {
        check_path_pattern(pattern)?;
        Ok(Self { form: Form::of(pattern) })
    }

    /// The whole of `path` matches; never, if the pattern's expression is bad.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.try_matches(path).unwrap_or(false)
    }

    /// The whole of `path` matches.
    ///
    /// # Errors
    /// The pattern's expression is bad.
    pub fn try_matches(&self, path: &str) -> Result<bool, BadPattern> {
        match &self.form {
            Form::Exact(own) => Ok(path == own),
            Form::Prefix(prefix) => Ok(path.starts_with(prefix.as_str())),
            Form::Suffix(suffix) => {
                Ok(path.ends_with(suffix.as_str()) || suffix.strip_prefix('/') == Some(path))
            }
            Form::Expression(pieces) => Ok(is_match(pieces, path)),
            Form::Bad => Err(BadPattern),
        }
    }
}

impl Form {
    fn of(pattern: &str) -> Self {
        #[derive(PartialEq)]
        enum So {
            Exact,
            Prefix,
            Suffix,
            Expression,
        }
        let mut form = So::Exact;
        let mut expression = String::from("^");
        let mut chars = pattern.chars().peekable();
        let mut is_first = true;
        while let Some(ch) = chars.next() {
            match ch {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    chars.next_if_eq(&'/');
                    if chars.peek().is_some() {
                        expression.push_str("(.*/)?");
                        form = So::Expression;
                    } else if form == So::Exact {
                        form = So::Prefix;
                    } else {
                        expression.push_str(".*");
                        form = So::Expression;
                    }
                    if is_first {
                        form = So::Suffix;
                    }
                }
                '*' | '?' => {
                    expression.push_str(if ch == '*' { "[^/]*" } else { "[^/]" });
                    form = So::Expression;
                }
                '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => expression.extend(['\\', ch]),
                '\\' => {
                    expression.push('\\');
                    if let Some(escaped) = chars.next() {
                        expression.push(escaped);
                        form = So::Expression;
                    }
                }
                _ => {
                    if matches!(ch, '[' | ']') {
                        form = So::Expression;
                    }
                    expression.push(ch);
                }
            }
            is_first = false;
        }
        expression.push('$');
        match form {
            So::Exact => Self::Exact(pattern.to_owned()),
            So::Prefix => {
                Self::Prefix(pattern.get(..pattern.len().saturating_sub(2)).unwrap_or("").to_owned())
            }
            So::Suffix => Self::Suffix(pattern.get(2..).unwrap_or("").to_owned()),
            So::Expression => pieces(&expression).map_or(Self::Bad, Self::Expression),
        }
    }
}

/// Reads an expression as [`Form::of`] writes them.
fn pieces(expression: &str) -> Option<Vec<Piece>> {
    let chars: Vec<char> = expression.chars().collect();
    let mut rest = chars.as_slice();
    let mut pieces = Vec::new();
    while let [first, after @ ..] = rest {
        rest = after;
        pieces.push(match (first, after) {
            ('^', _) => Piece::Start,
            ('$', _) => Piece::End,
            ('(', ['.', '*', '/', ')', '?', after @ ..]) => {
                rest = after;
                Piece::Folders
            }
            ('.', ['*', after @ ..]) => {
                rest = after;
                Piece::Rest
            }
            ('[', _) => {
                let (list, after) = list(after)?;
                if let ['*', after @ ..] = after {
                    rest = after;
                    Piece::Many(list)
                } else {
                    rest = after;
                    Piece::One(list)
                }
            }
            ('\\', [escaped, after @ ..]) => {
                rest = after;
                escape(*escaped)?
            }
            (ch, _) => Piece::Exactly(*ch),
        });
    }
    Some(pieces)
}

/// What a character means behind a backslash.
fn escape(ch: char) -> Option<Piece> {
    Some(match ch {
        'b' | 'B' => Piece::Edge(ch == 'b'),
        'A' => Piece::Start,
        'z' => Piece::End,
        _ => match escaped_list(ch) {
            Some(list) => Piece::One(list),
            None => Piece::Exactly(escaped_char(ch)?),
        },
    })
}

fn escaped_list(ch: char) -> Option<List> {
    let ranges = match ch.to_ascii_lowercase() {
        'd' => vec![('0', '9')],
        'w' => vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        's' => vec![('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')],
        _ => return None,
    };
    Some(List { is_negated: ch.is_ascii_uppercase(), ranges })
}

/// A character behind a backslash; letters and digits that have no meaning there are refused.
fn escaped_char(ch: char) -> Option<char> {
    match ch {
        'a' => Some('\u{7}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        _ => (ch.is_ascii() && !ch.is_ascii_alphanumeric()).then_some(ch),
    }
}

/// Reads a list of characters behind its `[`, and what follows it.
fn list(rest: &[char]) -> Option<(List, &[char])> {
    let (is_negated, mut rest) = match rest {
        ['^', after @ ..] => (true, after),
        rest => (false, rest),
    };
    let mut ranges: Vec<(char, char)> = Vec::new();
    let mut is_first = true;
    loop {
        match rest {
            [']', after @ ..] if !is_first => return Some((List { is_negated, ranges }, after)),
            // A hyphen stands for itself at an end only.
            ['-', next, ..] if !is_first && *next != ']' => return None,
            ['\\', ch, after @ ..] if escaped_list(*ch).is_some_and(|list| !list.is_negated) => {
                ranges.extend(escaped_list(*ch)?.ranges);
                rest = after;
            }
            _ => {
                let (low, after) = list_char(rest)?;
                let (high, after) = match after {
                    ['-', next, ..] if *next != ']' => list_char(after.get(1..)?)?,
                    after => (low, after),
                };
                if high < low {
                    return None;
                }
                ranges.push((low, high));
                rest = after;
            }
        }
        is_first = false;
    }
}

fn list_char(rest: &[char]) -> Option<(char, &[char])> {
    match rest {
        ['\\', ch, after @ ..] => Some((escaped_char(*ch)?, after)),
        [ch, after @ ..] => Some((*ch, after)),
        [] => None,
    }
}

impl List {
    fn has(&self, ch: char) -> bool {
        self.ranges.iter().any(|(low, high)| *low <= ch && ch <= *high) != self.is_negated
    }
}

/// Follows all ways through the pieces at once: `open` is the set of places they can have come to.
fn is_match(pieces: &[Piece], path: &str) -> bool {
    let chars: Vec<char> = path.chars().collect();
    let mut open = vec![false; chars.len() + 1];
    open.first_mut().into_iter().for_each(|first| *first = true);
    let is_word = |idx: Option<usize>| {
        idx.and_then(|idx| chars.get(idx)).is_some_and(|ch| ch.is_ascii_alphanumeric() || *ch == '_')
    };
    for piece in pieces {
        match piece {
            Piece::Exactly(own) => step(&mut open, &chars, |ch| ch == *own),
            Piece::One(list) => step(&mut open, &chars, |ch| list.has(ch)),
            Piece::Many(list) => spread(&mut open, &chars, |ch| list.has(ch)),
            Piece::Rest => spread(&mut open, &chars, |ch| ch != '\n'),
            Piece::Folders => {
                let mut is_open = false;
                for idx in 0..open.len() {
                    let behind = idx.checked_sub(1).and_then(|before| chars.get(before));
                    is_open &= behind.is_none_or(|ch| *ch != '\n');
                    let was = open.get(idx).copied().unwrap_or(false);
                    if is_open && behind == Some(&'/') {
                        open.get_mut(idx).into_iter().for_each(|slot| *slot = true);
                    }
                    is_open |= was;
                }
            }
            Piece::Start => open.iter_mut().skip(1).for_each(|slot| *slot = false),
            Piece::End => open.iter_mut().rev().skip(1).for_each(|slot| *slot = false),
            Piece::Edge(wanted) => {
                for (idx, slot) in open.iter_mut().enumerate() {
                    let is_edge = is_word(idx.checked_sub(1)) != is_word(Some(idx));
                    *slot &= is_edge == *wanted;
                }
            }
        }
        if !open.contains(&true) {
            return false;
        }
    }
    open.last().copied().unwrap_or(false)
}

/// One character further, where it is taken.
fn step(open: &mut [bool], chars: &[char], takes: impl Fn(char) -> bool) {
    let mut before = false;
    for (idx, slot) in open.iter_mut().enumerate() {
        let reached =
            before && idx.checked_sub(1).and_then(|idx| chars.get(idx)).is_some_and(|ch| takes(*ch));
        before = std::mem::replace(slot, reached);
    }
}

/// Any number of characters further, as long as they are taken.
fn spread(open: &mut [bool], chars: &[char], takes: impl Fn(char) -> bool) {
    let mut is_open = false;
    for (idx, slot) in open.iter_mut().enumerate() {
        is_open &= idx.checked_sub(1).and_then(|idx| chars.get(idx)).is_some_and(|ch| takes(*ch));
        is_open |= *slot;
        *slot = is_open;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_match() {
        for (pattern, name, expected) in [
            ("package*.json", "package.json", true),
            ("package*.json", "package-lock.json", true),
            ("*", "a/b", false),
            ("*/?", "a/b", true),
            ("a[b-d].txt", "ac.txt", true),
            ("[^a]", "a", false),
            ("\\*", "*", true),
            ("a*b*c", "aXbXbc", true),
        ] {
            assert_eq!(match_path(pattern, name), Ok(expected), "{pattern} {name}");
        }
        assert_eq!(match_path("[a", "a"), Err(BadPattern));
    }

    #[test]
    fn double_star() {
        for (pattern, path, expected) in [
            ("**", "a/b", true),
            ("**/x", "x", true),
            ("**/x", "a/b/x", true),
            ("a/**", "a/b/c", true),
            ("a/**/c", "a/c", true),
            ("a/**/c", "a/b/c", true),
            ("*.md", "a/b.md", false),
            ("**/*.md", "a/b.md", true),
            ("dir?", "dir1", true),
            ("**/**", "a", true),
            ("a**b", "a/xb", false),
            ("a**b", "a/b", true),
            ("\\b.log", "b.log", false),
            ("d\\b.log", "d.log", true),
            ("[[:x]", "[", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).map(|pattern| pattern.matches(path)),
                Ok(expected),
                "{pattern} {path}"
            );
        }
    }
}
