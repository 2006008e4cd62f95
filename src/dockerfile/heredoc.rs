//! Heredoc words: `<<EOF`, `<<-"EOF"`, `3<<EOF`.
//!
//! ```text
//! heredoc = [ digits ] "<<" [ "-" ] [ blanks ] name        name: one word, may be quoted
//! ```
//!
//! The lexer here always escapes with a backslash, whatever the file's escape
//! directive says. In a line, blanks may stand behind `<<` but not behind `<<-`,
//! where they end the word. A name with quotes anywhere switches expansion of the body off.

use super::word::{Lex, NoEnv, WordError};

/// A heredoc as its word announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeredocWord {
    /// The terminator, quotes removed.
    pub name: String,
    /// The file descriptor in front, 0 without one.
    pub fd: u64,
    /// Variables in the body are expanded.
    pub expands: bool,
    /// `<<-`: tabs at the start of lines are stripped.
    pub chomps: bool,
}

/// Reads one word; `None` if it is no heredoc.
///
/// # Errors
/// Where the name's quotes are not balanced.
pub fn parse_word(word: &str) -> Result<Option<HeredocWord>, WordError> {
    let n_digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = word.split_at(n_digits);
    let Some(rest) = rest.strip_prefix("<<") else { return Ok(None) };
    let (chomps, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    if rest.is_empty() || rest.contains('<') {
        return Ok(None);
    }
    let plain = Lex { keeps_unset: true, ..Lex::new('\\') };
    let [name] = <[String; 1]>::try_from(plain.expand(rest, &NoEnv)?.words).unwrap_or_default();
    // Lexed again with its quotes kept, the name differs exactly if some part of it is quoted.
    let quoted = Lex { keeps_quotes: true, ..plain };
    let [written] = <[String; 1]>::try_from(quoted.expand(rest, &NoEnv)?.words).unwrap_or_default();
    if name.is_empty() || written.is_empty() {
        return Ok(None);
    }
    Ok(Some(HeredocWord { fd: digits.parse().unwrap_or(0), expands: name == written, chomps, name }))
}

/// The heredocs that a logical line announces, in order.
///
/// # Errors
/// Where a name's quotes are not balanced.
pub fn find(line: &str) -> Result<Vec<HeredocWord>, WordError> {
    let lex = Lex { keeps_quotes: true, keeps_escapes: true, keeps_unset: true, ..Lex::new('\\') };
    // A line whose quotes do not balance has no words, and so no heredocs.
    let words = lex.expand(line, &NoEnv).map(|expansion| expansion.words).unwrap_or_default();
    let mut found = Vec::new();
    for word in words {
        found.extend(parse_word(&word)?);
    }
    Ok(found)
}

/// A body with the tabs at the start of its lines removed, as `<<-` asks.
#[must_use]
pub fn chomp(body: &str) -> String {
    body.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
}
