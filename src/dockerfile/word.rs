//! The shell lexer: quotes, escapes and variables within a word.
//!
//! ```text
//! word     = { plain | escape char | "'" … "'" | '"' { plain | escape | variable } '"' | variable }
//! variable = "$" name | "${" name "}" | "${" name [":"] ("-" | "+" | "?") word "}"
//!          | "${" name ("#" | "##" | "%" | "%%") pattern "}" | "${" name "/" ["/"] pattern "/" word "}"
//! name     = letter or "_" { letter, digit or "_" } | digits | one of @ * # ? - $ ! 0
//! ```
//!
//! It follows BuildKit's `shell` package, which mimics a POSIX shell but is
//! none: see [environment replacement](https://docs.docker.com/reference/dockerfile/#environment-replacement).
//! Expansion works on characters; a stray byte comes out as U+FFFD, as there.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::{TextRange, go_quote, stray_byte};

/// Variables by name.
pub trait Env {
    /// The value of `name`, if it is set.
    fn get(&self, name: &str) -> Option<&str>;
}

impl Env for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

/// No variable is set.
pub struct NoEnv;

impl Env for NoEnv {
    fn get(&self, _name: &str) -> Option<&str> {
        None
    }
}

/// How the lexer treats quotes and unset variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Lex {
    /// The escape character of the file.
    pub escape: char,
    /// Quotes stay in the result.
    pub keeps_quotes: bool,
    /// Escapes stay in the result.
    pub keeps_escapes: bool,
    /// Quotes are plain characters: heredoc bodies.
    pub ignores_quotes: bool,
    /// Unset variables stay as written.
    pub keeps_unset: bool,
    /// Of substitutions with a modifier there are `${x:-y}` and `${x:+y}` only, as in the classic builder.
    pub is_classic: bool,
}

impl Lex {
    /// The lexer of instructions: nothing is kept.
    #[must_use]
    pub fn new(escape: char) -> Self {
        Self { escape, ..Self::default() }
    }

    /// Expands `word`.
    ///
    /// # Errors
    /// A [`WordError`] for unbalanced quotes, bad substitutions and variables required by `${x:?}`.
    pub fn expand(self, word: &str, env: &dyn Env) -> Result<Expansion, WordError> {
        let chars: Vec<char> = word
            .chars()
            .map(|ch| if stray_byte(ch).is_some() { char::REPLACEMENT_CHARACTER } else { ch })
            .collect();
        let mut state =
            State { lex: self, env, chars, pos: 0, word: String::new(), expansion: Expansion::default() };
        match state.until(None, self.keeps_escapes) {
            Ok((text, words)) => {
                state.expansion.text = text;
                state.expansion.words = words;
                Ok(state.expansion)
            }
            Err(message) => Err(WordError { word: word.to_owned(), message, unset: state.expansion.unset }),
        }
    }
}

/// What a word became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// As one word.
    pub text: String,
    /// Split at blanks that no quote protects.
    pub words: Vec<String>,
    /// Variables that were read and set.
    pub matched: BTreeSet<String>,
    /// Variables that were read and not set.
    pub unset: BTreeSet<String>,
}

/// A word that cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordError {
    /// The word.
    pub word: String,
    /// What is wrong with it, in BuildKit's words.
    pub message: String,
    /// Variables that were read and not set before it failed.
    pub unset: BTreeSet<String>,
}

impl std::fmt::Display for WordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "failed to process {}: {}", go_quote(&self.word), self.message)
    }
}

impl std::error::Error for WordError {}

/// A variable read by a word, found without expanding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableRef {
    /// Its name.
    pub name: String,
    /// From the `$` to the end of the name (and the closing brace of a plain `${x}`), in bytes of the word.
    pub range: TextRange,
}

/// The variables that `word` reads, in order, outside single quotes and escapes.
#[must_use]
pub fn variables(word: &str, escape: char) -> Vec<VariableRef> {
    let mut found = Vec::new();
    let mut chars = word.char_indices().peekable();
    let (mut in_single, mut in_double) = (false, false);
    while let Some((start, ch)) = chars.next() {
        match ch {
            _ if ch == escape && !in_single => drop(chars.next()),
            '\'' if !in_double => in_single = !in_single,
            '"' if !in_single => in_double = !in_double,
            '$' if !in_single => {
                let braced = chars.next_if(|(_, ch)| *ch == '{').is_some();
                let mut name = String::new();
                while let Some((_, ch)) = chars.next_if(|(_, ch)| ch.is_alphanumeric() || *ch == '_') {
                    name.push(ch);
                }
                if braced {
                    let _ = chars.next_if(|(_, ch)| *ch == '}');
                }
                let end = chars.peek().map_or(word.len(), |(idx, _)| *idx);
                if !name.is_empty() {
                    found.push(VariableRef { name, range: TextRange::new(start, end) });
                }
            }
            _ => {}
        }
    }
    found
}

/// Words as they are put together, split at unprotected blanks.
///
/// The word that is being put together stands in a buffer of the [`State`].
#[derive(Default)]
struct Splitter {
    words: Vec<String>,
    in_word: bool,
}

impl Splitter {
    fn push_char(&mut self, word: &mut String, ch: char) {
        if !ch.is_whitespace() {
            self.push_raw(word, ch);
        } else if self.in_word && !word.is_empty() {
            self.words.push(std::mem::take(word));
            self.in_word = false;
        }
    }

    fn push_raw(&mut self, word: &mut String, ch: char) {
        word.push(ch);
        self.in_word = true;
    }

    fn push_raw_str(&mut self, word: &mut String, text: &str) {
        word.push_str(text);
        self.in_word = true;
    }

    fn finish(mut self, word: &mut String) -> Vec<String> {
        if !word.is_empty() {
            self.words.push(std::mem::take(word));
        }
        self.words
    }
}

struct State<'a> {
    lex: Lex,
    env: &'a dyn Env,
    chars: Vec<char>,
    pos: usize,
    /// The word that is being put together. A substitution with a modifier uses
    /// it too and leaves it empty, so that of `he${X:-llo}` split into words
    /// only `llo` is left. BuildKit shares a buffer in this way.
    word: String,
    expansion: Expansion,
}

type Step<T> = Result<T, String>;

/// Substitutions nest by recursion; a word nested deeper than this is refused.
const MAX_DEPTH: usize = 500;

impl State<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.pos).copied()
    }

    fn next(&mut self) -> Option<char> {
        let ch = self.peek()?;
        self.pos += 1;
        Some(ch)
    }

    fn until(&mut self, stop: Option<char>, keeps_escapes: bool) -> Step<(String, Vec<String>)> {
        self.until_at(stop, keeps_escapes, 0)
    }

    /// Reads up to `stop`, or to the end of the word.
    fn until_at(
        &mut self,
        stop: Option<char>,
        keeps_escapes: bool,
        depth: usize,
    ) -> Step<(String, Vec<String>)> {
        if depth > MAX_DEPTH {
            return Err("substitutions are nested too deeply".to_owned());
        }
        let outer = std::mem::replace(&mut self.lex.keeps_escapes, keeps_escapes);
        let result = self.until_inner(stop, depth);
        self.lex.keeps_escapes = outer;
        result
    }

    fn until_inner(&mut self, stop: Option<char>, depth: usize) -> Step<(String, Vec<String>)> {
        let mut text = String::new();
        let mut words = Splitter::default();
        self.word.clear();
        while let Some(ch) = self.peek() {
            if Some(ch) == stop {
                self.pos += 1;
                return Ok((text, words.finish(&mut self.word)));
            }
            match ch {
                '$' => {
                    let value = self.dollar(depth)?;
                    value.chars().for_each(|ch| words.push_char(&mut self.word, ch));
                    text.push_str(&value);
                }
                '<' => {
                    let value = self.less_than();
                    words.push_raw_str(&mut self.word, &value);
                    text.push_str(&value);
                }
                '\'' | '"' if !self.lex.ignores_quotes => {
                    let value = if ch == '\'' { self.single_quoted()? } else { self.double_quoted(depth)? };
                    words.push_raw_str(&mut self.word, &value);
                    text.push_str(&value);
                }
                _ => {
                    self.pos += 1;
                    if ch != self.lex.escape {
                        words.push_char(&mut self.word, ch);
                        text.push(ch);
                        continue;
                    }
                    if self.lex.keeps_escapes {
                        words.push_raw(&mut self.word, ch);
                        text.push(ch);
                    }
                    let Some(escaped) = self.next() else { break };
                    words.push_raw(&mut self.word, escaped);
                    text.push(escaped);
                }
            }
        }
        match stop {
            Some(stop) => Err(format!("unexpected end of statement while looking for matching {stop}")),
            None => Ok((text, words.finish(&mut self.word))),
        }
    }

    /// `<`, or `<<` with the blanks that follow it: a heredoc's name may stand
    /// apart from its sign and is still one word with it.
    fn less_than(&mut self) -> String {
        self.pos += 1;
        if self.peek() != Some('<') {
            return "<".to_owned();
        }
        self.pos += 1;
        let mut text = "<<".to_owned();
        while let Some(blank) = self.peek().filter(|ch| ch.is_whitespace()) {
            self.pos += 1;
            text.push(blank);
        }
        text
    }

    fn single_quoted(&mut self) -> Step<String> {
        self.pos += 1;
        let mut text = String::new();
        if self.lex.keeps_quotes {
            text.push('\'');
        }
        while let Some(ch) = self.next() {
            if ch != '\'' {
                text.push(ch);
                continue;
            }
            if self.lex.keeps_quotes {
                text.push('\'');
            }
            return Ok(text);
        }
        Err("unexpected end of statement while looking for matching single-quote".to_owned())
    }

    fn double_quoted(&mut self, depth: usize) -> Step<String> {
        self.pos += 1;
        let mut text = String::new();
        if self.lex.keeps_quotes {
            text.push('"');
        }
        while let Some(ch) = self.peek() {
            match ch {
                '"' => {
                    self.pos += 1;
                    if self.lex.keeps_quotes {
                        text.push('"');
                    }
                    return Ok(text);
                }
                '$' => text.push_str(&self.dollar(depth)?),
                _ => {
                    self.pos += 1;
                    if ch != self.lex.escape {
                        text.push(ch);
                        continue;
                    }
                    if self.lex.keeps_escapes {
                        text.push(ch);
                    }
                    match self.peek() {
                        None => {}
                        Some(escaped) if escaped == '"' || escaped == '$' || escaped == self.lex.escape => {
                            self.pos += 1;
                            text.push(escaped);
                        }
                        // Any other escape character is an ordinary one.
                        Some(_) => text.push(ch),
                    }
                }
            }
        }
        Err("unexpected end of statement while looking for matching double-quote".to_owned())
    }

    fn lookup(&mut self, name: &str) -> Option<String> {
        let value = self.env.get(name).map(str::to_owned);
        let seen = if value.is_some() { &mut self.expansion.matched } else { &mut self.expansion.unset };
        seen.insert(name.to_owned());
        value
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(ch) = self.peek() {
            if name.is_empty() && ch.is_numeric() {
                while let Some(digit) = self.peek().filter(|ch| ch.is_numeric()) {
                    self.pos += 1;
                    name.push(digit);
                }
                return name;
            }
            if name.is_empty() && matches!(ch, '@' | '*' | '#' | '?' | '-' | '$' | '!') {
                self.pos += 1;
                return ch.to_string();
            }
            if !ch.is_alphanumeric() && ch != '_' {
                break;
            }
            self.pos += 1;
            name.push(ch);
        }
        name
    }

    fn dollar(&mut self, depth: usize) -> Step<String> {
        self.pos += 1;
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(match self.lookup(&name) {
                None if self.lex.keeps_unset => format!("${name}"),
                value => value.unwrap_or_default(),
            });
        }
        self.pos += 1;
        match self.peek() {
            None => return Err("syntax error: missing '}'".to_owned()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        if self.lex.is_classic && !matches!(self.peek(), Some('}' | ':')) {
            return Err("missing ':' in substitution".to_owned());
        }
        let Some(mut modifier) = self.next() else {
            // The end of the word reads as an unknown character there.
            return Err(format!("unsupported modifier ({}) in substitution", char::REPLACEMENT_CHARACTER));
        };
        let mut written = modifier.to_string();
        let mut empty_is_unset = false;
        match modifier {
            '}' => {
                return Ok(match self.lookup(&name) {
                    None if self.lex.keeps_unset => format!("${{{name}}}"),
                    value => value.unwrap_or_default(),
                });
            }
            '/' => return self.replace(&name, depth),
            ':' => {
                empty_is_unset = true;
                modifier = self.next().unwrap_or(char::REPLACEMENT_CHARACTER);
                written.push(modifier);
            }
            '+' | '-' | '?' | '#' | '%' => {}
            _ => return Err(format!("unsupported modifier ({written}) in substitution")),
        }
        let is_pattern = matches!(modifier, '#' | '%');
        if self.lex.is_classic && !matches!(modifier, '-' | '+') {
            return Err(format!("unsupported modifier ({modifier}) in substitution"));
        }
        if is_pattern && empty_is_unset {
            return Err(format!("unsupported modifier ({written}) in substitution"));
        }
        let (word, _) = self
            .until_at(Some('}'), is_pattern, depth + 1)
            .map_err(|message| self.or_missing(message, "missing '}'"))?;
        let value = self.lookup(&name);
        if value.is_none() && self.lex.keeps_unset {
            return Ok(format!("${{{name}{written}{word}}}"));
        }
        let is_unset = value.as_ref().is_none_or(|value| empty_is_unset && value.is_empty());
        match modifier {
            '-' => Ok(if is_unset { word } else { value.unwrap_or_default() }),
            '+' => Ok(if is_unset { String::new() } else { word }),
            '?' if is_unset => {
                let default =
                    if value.is_none() { "is not allowed to be unset" } else { "is not allowed to be empty" };
                Err(format!("{name}: {}", if word.is_empty() { default } else { &word }))
            }
            '?' => Ok(value.unwrap_or_default()),
            '#' | '%' => trim(&word, &value.unwrap_or_default(), modifier),
            _ => Err(format!("unsupported modifier ({written}) in substitution")),
        }
    }

    /// `${name/pattern/replacement}`, with `//` for all.
    fn replace(&mut self, name: &str, depth: usize) -> Step<String> {
        let all = self.peek() == Some('/');
        if all {
            self.pos += 1;
        }
        let (pattern, _) = self
            .until_at(Some('/'), true, depth + 1)
            .map_err(|message| self.or_missing(message, "missing '/' in ${}"))?;
        let (replacement, _) = self
            .until_at(Some('}'), true, depth + 1)
            .map_err(|message| self.or_missing(message, "missing '}'"))?;
        let value = self.lookup(name);
        if value.is_none() && self.lex.keeps_unset {
            return Ok(format!("${{{name}/{pattern}/{replacement}}}"));
        }
        let glob = Glob::new(&pattern)
            .map_err(|cause| format!("invalid pattern ({pattern}) in substitution: {cause}"))?;
        Ok(glob.replace(&value.unwrap_or_default(), &replacement, all))
    }

    fn or_missing(&self, message: String, missing: &str) -> String {
        if self.pos >= self.chars.len() { format!("syntax error: {missing}") } else { message }
    }
}

/// `${x#p}`, `${x##p}`, `${x%p}`, `${x%%p}`; the second mark, if any, begins `word`.
fn trim(word: &str, value: &str, mark: char) -> Step<String> {
    let (pattern, greedy) = word.strip_prefix(mark).map_or((word, false), |rest| (rest, true));
    let invalid = |cause: String| format!("invalid pattern ({pattern}) in substitution: {cause}");
    if mark == '#' {
        let glob = Glob::new(pattern).map_err(invalid)?;
        let chars: Vec<char> = value.chars().collect();
        let end = glob.match_at(&chars, 0, greedy).unwrap_or(0);
        return Ok(chars.into_iter().skip(end).collect());
    }
    // A suffix is a prefix of the reversed text.
    let mut glob = Glob::new(pattern).map_err(invalid)?;
    glob.0.reverse();
    let chars: Vec<char> = value.chars().rev().collect();
    let end = glob.match_at(&chars, 0, greedy).unwrap_or(0);
    let mut rest: Vec<char> = chars.into_iter().skip(end).collect();
    rest.reverse();
    Ok(rest.into_iter().collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Exactly(char),
}

/// A pattern of `*`, `?` and plain characters. Neither wildcard matches a newline.
struct Glob(Vec<Piece>);

impl Glob {
    fn new(pattern: &str) -> Step<Self> {
        let mut pieces = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(ch) = chars.next() {
            pieces.push(match ch {
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => {
                    // `}` and `/` had to be escaped to stand in `${}` at all.
                    if matches!(chars.peek(), Some('}' | '/')) {
                        continue;
                    }
                    match chars.next() {
                        Some(escaped @ ('*' | '?' | '\\')) => Piece::Exactly(escaped),
                        other => {
                            let shown = other.unwrap_or(char::REPLACEMENT_CHARACTER);
                            return Err(format!("invalid escape '\\{shown}'"));
                        }
                    }
                }
                _ => Piece::Exactly(ch),
            });
        }
        Ok(Self(pieces))
    }

    /// Where a match that begins at `start` ends: the last place if greedy, else the first.
    fn match_at(&self, chars: &[char], start: usize, greedy: bool) -> Option<usize> {
        let mut reachable = BTreeSet::from([start]);
        for piece in &self.0 {
            let mut next = BTreeSet::new();
            for pos in reachable {
                let rest = chars.get(pos..).unwrap_or(&[]);
                match piece {
                    Piece::Any => {
                        let line = rest.iter().position(|ch| *ch == '\n').unwrap_or(rest.len());
                        next.extend(pos..=pos + line);
                    }
                    Piece::One if rest.first().is_some_and(|ch| *ch != '\n') => drop(next.insert(pos + 1)),
                    Piece::Exactly(ch) if rest.first() == Some(ch) => drop(next.insert(pos + 1)),
                    _ => {}
                }
            }
            reachable = next;
        }
        if greedy { reachable.last().copied() } else { reachable.first().copied() }
    }

    fn replace(&self, value: &str, replacement: &str, all: bool) -> String {
        let chars: Vec<char> = value.chars().collect();
        let mut out = String::new();
        let mut pos = 0;
        let mut after_match = false;
        while pos <= chars.len() {
            match self.match_at(&chars, pos, true) {
                // An empty match right behind another match does not count.
                Some(end) if end > pos || !after_match => {
                    let matched: String = chars.get(pos..end).unwrap_or(&[]).iter().collect();
                    // Only `//` reads the replacement as a template, where `$1` and its like are empty.
                    out.push_str(&if all {
                        expand_template(replacement, &matched)
                    } else {
                        replacement.to_owned()
                    });
                    if !all {
                        out.extend(chars.get(end..).unwrap_or(&[]));
                        return out;
                    }
                    if end == pos {
                        out.extend(chars.get(pos));
                        pos += 1;
                    } else {
                        pos = end;
                    }
                    after_match = end > pos.saturating_sub(1);
                }
                _ => {
                    out.extend(chars.get(pos));
                    pos += 1;
                    after_match = false;
                }
            }
        }
        out
    }
}

/// Go's `Regexp.Expand`: `$0` is the match, `$$` a dollar, other groups are empty.
fn expand_template(template: &str, matched: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(idx) = rest.find('$') {
        out.push_str(rest.get(..idx).unwrap_or(""));
        rest = rest.get(idx + 1..).unwrap_or("");
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|ch| ch.is_alphanumeric() || ch == '_');
        let (name, after) = match braced {
            Some((name, after)) if is_name(name) => (name, after),
            _ => {
                let len = rest.find(|ch: char| !ch.is_alphanumeric() && ch != '_').unwrap_or(rest.len());
                rest.split_at(len)
            }
        };
        if name.is_empty() {
            out.push('$');
        } else if name == "0" {
            out.push_str(matched);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: &str) {
        let env: BTreeMap<String, String> =
            [("A", "value"), ("E", ""), ("P", "a/b/c.tar.gz")].map(|(k, v)| (k.into(), v.into())).into();
        let text = match Lex::new('\\').expand(word, &env) {
            Ok(expansion) => expansion.text,
            Err(error) => format!("error: {}", error.message),
        };
        assert_eq!(text, expected, "{word}");
    }

    #[test]
    fn expands() {
        check("$A-${A}x'$A'\"$A\"\\$A", "value-valuex$Avalue$A");
        check("${U:-d}${E:-d}${E-d}${A:+s}${U+s}", "dds");
        check("${A:#v}", "error: unsupported modifier (:#) in substitution");
        check("${U:?why}", "error: U: why");
        check("${P#*/}|${P##*/}|${P%.*}|${P%%.*}", "b/c.tar.gz|c.tar.gz|a/b/c.tar|a/b/c");
        check("${P/\\//-}|${P//\\//-}", "a-b/c.tar.gz|a-b-c.tar.gz");
        check("${A", "error: unsupported modifier (\u{fffd}) in substitution");
        check("\"a", "error: unexpected end of statement while looking for matching double-quote");
    }

    #[test]
    fn the_classic_builder_has_two_modifiers() {
        let lex = Lex { is_classic: true, ..Lex::new('\\') };
        let failed = |word| lex.expand(word, &NoEnv).unwrap_err().message;
        assert_eq!([failed("${A-x}"), failed("${A")], ["missing ':' in substitution"; 2]);
        assert_eq!(failed("${A:?x}"), "unsupported modifier (?) in substitution");
    }

    #[test]
    fn splits_into_words() {
        let words = |word: &str| Lex::new('\\').expand(word, &NoEnv).unwrap().words;
        assert_eq!(words(" a 'b c'\\ d  e"), ["a", "b c d", "e"]);
        assert_eq!(words("<< EOF x"), ["<< EOF", "x"]);
        // Of the word before a substitution with a modifier nothing is left.
        assert_eq!(words("a he${X:-llo}y b"), ["a", "lloy", "b"]);
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = Lex::new('\\').expand(&"${U:-".repeat(100_000), &NoEnv);
        assert!(deep.is_err_and(|error| error.message.contains("nested too deeply")));
    }

    #[test]
    fn finds_variables() {
        let names: Vec<_> =
            variables("a$B/${C:-$D}'$E'\\$F\"$G\"", '\\').into_iter().map(|var| var.name).collect();
        assert_eq!(names, ["B", "C", "D", "G"]);
    }
}
