//! What stands around a place in the text: comment, heredoc, or which part of an instruction.
//!
//! Only the text before the place decides, cut into words by blanks, so that it
//! does not matter whether the instruction is whole yet or would be refused.

use super::logical::Logical;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::TokenKind;
use crate::text::TextRange;

/// Where a place is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// Nothing can be said there.
    Nothing,
    /// In a comment, behind its `#`.
    Comment {
        /// Behind the `#`.
        start: usize,
        /// A parser directive could stand there.
        is_directive: bool,
    },
    /// In the body of a heredoc.
    Body {
        /// Its instruction.
        node: usize,
        /// Variables mean something there.
        expands: bool,
    },
    /// In an instruction, or where one may begin.
    Line(Line),
}

/// An instruction up to a place in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From the first visible character to the place, joined.
    pub(super) logical: Logical,
    /// Which node it is, if it has begun.
    pub(super) node: Option<usize>,
    /// The place.
    pub(super) offset: usize,
    /// Where the physical line of the place begins.
    pub(super) line_start: usize,
}

impl Line {
    /// The text up to the place.
    pub(super) fn text(&self) -> &str {
        &self.logical.text
    }

    /// The source range from `at` of the joined text to the place; none if a
    /// continuation stands in between.
    pub(super) fn tail(&self, at: usize) -> Option<TextRange> {
        let start = if at >= self.logical.text.len() { self.offset } else { self.logical.start_of(at) };
        (start >= self.line_start && self.offset - start == self.logical.text.len() - at)
            .then(|| TextRange::new(start, self.offset))
    }
}

/// Tells where `offset` is.
pub(super) fn spot(text: &str, file: &Dockerfile, offset: usize) -> Spot {
    if !text.is_char_boundary(offset) {
        return Spot::Nothing;
    }
    let parse = &file.parse;
    let line = parse.line_index.line(offset);
    let line_start = parse.line_index.start_of(line);
    let touched = parse.tokens.partition_point(|token| token.range.end() < offset);
    let inside = parse
        .tokens
        .get(touched)
        .filter(|token| token.range.start() < offset)
        .or_else(|| parse.tokens.get(touched).filter(|token| token.range.start() == offset));
    let node_idx = parse.nodes.partition_point(|node| node.range.start() <= offset).checked_sub(1);
    let node = node_idx.and_then(|idx| parse.nodes.get(idx));
    // A body begins right behind a newline, which is the token that is met first there.
    let heredoc = node.and_then(|node| {
        let holds = |range: TextRange| range.start() <= offset && offset < range.end();
        node.heredocs.iter().find(|heredoc| holds(heredoc.range))
    });
    if let (Some(heredoc), Some(idx), Some(node)) = (heredoc, node_idx, node) {
        let keyword = node.sub.as_deref().unwrap_or(node).keyword_upper();
        return Spot::Body { node: idx, expands: heredoc.word.expands || keyword == "RUN" };
    }
    let before = text.get(line_start..offset).unwrap_or("");
    let kind = inside.map(|token| token.kind);
    let is_end = parse.tokens.iter().skip(touched).take(2).any(|token| {
        token.kind == TokenKind::HeredocEnd && token.range.start() <= offset && offset <= token.range.end()
    });
    if is_end || kind == Some(TokenKind::Unread) {
        return Spot::Nothing;
    }
    let blank = before.strip_prefix('\u{feff}').unwrap_or(before);
    let visible = blank.trim_start();
    if visible.starts_with('#') {
        let above = parse.directives.iter().filter(|directive| directive.line < line).count();
        let is_inside = node.is_some_and(|node| node.lines.last >= line);
        let is_directive = !is_inside && u32::try_from(above + 1) == Ok(line);
        return Spot::Comment { start: offset - visible.len() + 1, is_directive };
    }
    let node_idx = node_idx.filter(|_| node.is_some_and(|node| node.lines.last >= line));
    let Some(node) = node.filter(|_| node_idx.is_some()) else {
        // Something before the place that is no instruction's cannot be told.
        let is_fresh = visible.is_empty();
        let logical = Logical::default();
        let line = Line { logical, node: None, offset, line_start };
        return if is_fresh { Spot::Line(line) } else { Spot::Nothing };
    };
    let logical = Logical::read(text, &parse.tokens, node.range.start(), offset);
    let is_continuation =
        kind == Some(TokenKind::Continuation) && inside.is_some_and(|token| token.range.start() < offset);
    if is_continuation {
        return Spot::Nothing;
    }
    Spot::Line(Line { logical, node: node_idx, offset, line_start })
}

/// A word before the place, by offsets of the joined text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'t> {
    /// Its first byte.
    pub(super) start: usize,
    /// As written.
    pub(super) text: &'t str,
}

/// The words of `text` from `start` on. The last one is the one at the place; it
/// is empty where a blank stands before the place. Quotes and escapes keep blanks together.
pub(super) fn words(text: &str, start: usize, escape: char) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut quote = None;
    let mut word_start = None;
    let mut chars = text.char_indices().skip_while(|(idx, _)| *idx < start);
    while let Some((idx, ch)) = chars.next() {
        if quote.is_none() && ch.is_whitespace() {
            if let Some(start) = word_start.take() {
                words.push(Word { start, text: text.get(start..idx).unwrap_or("") });
            }
            continue;
        }
        word_start.get_or_insert(idx);
        if ch == escape && quote != Some('\'') {
            chars.next();
        } else if quote == Some(ch) {
            quote = None;
        } else if quote.is_none() && matches!(ch, '"' | '\'') {
            quote = Some(ch);
        }
    }
    let start = word_start.unwrap_or(text.len());
    words.push(Word { start, text: text.get(start..).unwrap_or("") });
    words
}

#[cfg(test)]
mod tests {
    use super::super::testing::cursor;
    use super::*;

    #[track_caller]
    fn check(marked: &str, expected: &str) {
        let (text, offset) = cursor(marked);
        let shown = match spot(&text, &Dockerfile::read(&text), offset) {
            Spot::Nothing => "nothing".to_owned(),
            Spot::Comment { start, is_directive } => {
                format!("comment {:?} {is_directive}", &text[start..offset])
            }
            Spot::Body { node, expands } => format!("body {node} {expands}"),
            Spot::Line(line) => format!("line {:?} {:?}", line.text(), line.node),
        };
        assert_eq!(shown, expected, "{marked}");
    }

    #[test]
    fn tells_where_a_place_is() {
        check("|", "line \"\" None");
        check("fr|", "line \"fr\" Some(0)");
        check("FROM x\n  |", "line \"\" None");
        check("FROM x\nCOPY |\n", "line \"COPY \" Some(1)");
        check("FROM x\nRUN --mount=a \\\n  # no\n  |", "line \"RUN --mount=a   \" Some(1)");
        check("FROM x\nRUN a \\\n  -|\nCMD b\n", "line \"RUN a   -\" Some(1)");
        check("FROM x\nRUN a \\|\n", "nothing");
        check("FROM |x\nRUN a\n", "line \"FROM \" Some(0)");
        check("FROM x\n|RUN a\n", "line \"\" Some(1)");
    }

    #[test]
    fn comments_and_directives() {
        check("# syn|", "comment \" syn\" true");
        check("# syntax=a\n#|\nFROM x\n", "comment \"\" true");
        check("# hello\n#|\nFROM x\n", "comment \"\" false");
        check("FROM x\nRUN a \\\n  # it|\n  b\n", "comment \" it\" false");
    }

    #[test]
    fn bodies() {
        check("FROM x\nRUN <<E\n|a\nE\n", "body 1 true");
        check("FROM x\nCOPY <<'E' /x\na|\nE\n", "body 1 false");
        check("FROM x\nRUN <<E\na\nE|\n", "nothing");
        check("FROM x\nRUN <<E\na\nE\n|", "line \"\" None");
    }

    #[test]
    fn words_keep_quotes_together() {
        let shown = |text| words(text, 0, '\\').iter().map(|word| word.text).collect::<Vec<_>>();
        assert_eq!(shown("a \"b c\" d\\ e f"), ["a", "\"b c\"", "d\\ e", "f"]);
        assert_eq!(shown("a 'b c"), ["a", "'b c"]);
        assert_eq!(shown("a "), ["a", ""]);
    }
}
