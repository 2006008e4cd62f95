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

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// This character.
    Exactly(char),
    /// `?`: any character but `/`.
    One,
    /// `*`: any number of those.
    Many,
    /// `**` at the end: anything.
    Rest,
    /// `**/`: nothing, or anything up to a `/`.
    Folders,
    /// A class, negated or not.
    Class(bool, Vec<(char, char)>),
}

/// A pattern with `**`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
    /// A pattern that begins with `**` and has no other wildcard: only the end counts.
    suffix: Option<String>,
}

impl Pattern {
    /// Reads a pattern that was cleaned already.
    ///
    /// # Errors
    /// A class that is not closed.
    pub fn new(pattern: &str) -> Result<Self, BadPattern> {
        let chars: Vec<char> = pattern.chars().collect();
        check(&chars)?;
        let mut pieces = Vec::new();
        let mut rest = chars.as_slice();
        let mut is_plain = true;
        let mut begins_with_folders = false;
        while let [first, after @ ..] = rest {
            rest = after;
            match first {
                '*' if rest.first() == Some(&'*') => {
                    rest = rest.get(1..).unwrap_or(&[]);
                    if let ['/', after @ ..] = rest {
                        rest = after;
                    }
                    if pieces.is_empty() {
                        begins_with_folders = true;
                    } else {
                        is_plain &= rest.is_empty();
                    }
                    pieces.push(if rest.is_empty() { Piece::Rest } else { Piece::Folders });
                }
                '*' => {
                    is_plain = false;
                    pieces.push(Piece::Many);
                }
                '?' => {
                    is_plain = false;
                    pieces.push(Piece::One);
                }
                '\\' => {
                    is_plain = false;
                    if let [escaped, after @ ..] = rest {
                        pieces.push(Piece::Exactly(*escaped));
                        rest = after;
                    }
                }
                '[' => {
                    is_plain = false;
                    let ((negated, ranges), after) = class(rest).ok_or(BadPattern)?;
                    pieces.push(Piece::Class(negated, ranges));
                    rest = after;
                }
                ch => pieces.push(Piece::Exactly(*ch)),
            }
        }
        let ends_open = pieces.len() > 1 && pieces.last() == Some(&Piece::Rest);
        let suffix = (begins_with_folders && is_plain && !ends_open)
            .then(|| pattern.get(2..).unwrap_or("").to_owned());
        Ok(Self { pieces, suffix })
    }

    /// The whole of `path` matches.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        if let Some(suffix) = &self.suffix {
            return path.ends_with(suffix.as_str()) || suffix.strip_prefix('/') == Some(path);
        }
        let chars: Vec<char> = path.chars().collect();
        // The set of positions that the pieces so far can end at.
        let mut open = vec![true];
        open.resize(chars.len() + 1, false);
        for piece in &self.pieces {
            let mut next = vec![false; chars.len() + 1];
            match piece {
                Piece::Exactly(_) | Piece::One | Piece::Class(..) => {
                    for ((from, ch), to) in open.iter().zip(&chars).zip(next.iter_mut().skip(1)) {
                        *to = *from && piece.takes(*ch);
                    }
                }
                Piece::Many => {
                    let mut is_open = false;
                    for (idx, (from, to)) in open.iter().zip(next.iter_mut()).enumerate() {
                        is_open |= *from;
                        *to = is_open;
                        is_open &= chars.get(idx).is_some_and(|ch| *ch != '/');
                    }
                }
                Piece::Rest => {
                    let mut is_open = false;
                    for (idx, (from, to)) in open.iter().zip(next.iter_mut()).enumerate() {
                        is_open |= *from;
                        *to = is_open;
                        is_open &= chars.get(idx).is_some_and(|ch| *ch != '\n');
                    }
                }
                Piece::Folders => {
                    let mut is_open = false;
                    for (idx, (from, to)) in open.iter().zip(next.iter_mut()).enumerate() {
                        let behind_slash = idx > 0 && chars.get(idx - 1) == Some(&'/');
                        *to = *from || (is_open && behind_slash);
                        is_open |= *from;
                    }
                }
            }
            open = next;
        }
        open.last().copied().unwrap_or(false)
    }
}

impl Piece {
    fn takes(&self, ch: char) -> bool {
        match self {
            Self::Exactly(own) => *own == ch,
            Self::One => ch != '/',
            Self::Class(negated, ranges) => {
                ranges.iter().any(|(low, high)| *low <= ch && ch <= *high) != *negated
            }
            Self::Many | Self::Rest | Self::Folders => false,
        }
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
        ] {
            assert_eq!(
                Pattern::new(pattern).map(|pattern| pattern.matches(path)),
                Ok(expected),
                "{pattern} {path}"
            );
        }
    }
}
