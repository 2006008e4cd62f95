//! A stretch of an instruction as a builder joins it, and where each part came from.

use crate::dockerfile::syntax::{Token, TokenKind};
use crate::text::TextRange;

/// Joined text: continuations, newlines and comments in between are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Logical {
    /// The joined text.
    pub(super) text: String,
    /// For each piece its offset in `text` and in the source, in order.
    pieces: Vec<(usize, usize)>,
}

impl Logical {
    /// Joins what stands from `start` to `end`, both within one instruction.
    pub(super) fn read(text: &str, tokens: &[Token], start: usize, end: usize) -> Self {
        let mut out = Self::default();
        let first = tokens.partition_point(|token| token.range.end() <= start);
        for token in tokens.get(first..).unwrap_or(&[]) {
            if token.range.start() >= end {
                break;
            }
            let is_part = matches!(
                token.kind,
                TokenKind::Keyword | TokenKind::Flag | TokenKind::Text | TokenKind::Space
            );
            if !is_part {
                continue;
            }
            let from = token.range.start().max(start);
            let piece = text.get(from..token.range.end().min(end)).unwrap_or("");
            out.pieces.push((out.text.len(), from));
            out.text.push_str(piece);
        }
        out
    }

    /// The offset in the source of what stands at `at`. At a seam it is the end
    /// of the part before.
    fn end_of(&self, at: usize) -> usize {
        let idx = self.pieces.partition_point(|(joined, _)| *joined < at);
        let (joined, source) =
            self.pieces.get(idx.saturating_sub(1)).or(self.pieces.first()).copied().unwrap_or_default();
        source + at.saturating_sub(joined)
    }

    /// The offset in the source of what begins at `at`.
    pub(super) fn start_of(&self, at: usize) -> usize {
        let idx = self.pieces.partition_point(|(joined, _)| *joined <= at);
        let (joined, source) = self.pieces.get(idx.saturating_sub(1)).copied().unwrap_or_default();
        source + at.saturating_sub(joined)
    }

    /// The range in the source of what stands from `start` to `end`.
    pub(super) fn range(&self, start: usize, end: usize) -> TextRange {
        if start >= end {
            let at = self.start_of(start);
            return TextRange::new(at, at);
        }
        TextRange::new(self.start_of(start), self.end_of(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::syntax::parse;

    #[test]
    fn joins_and_leads_back() {
        let text = "FROM a\nCOPY x \\\n  # it's\n\n  $y/z\n";
        let logical = Logical::read(text, &parse(text).tokens, 7, text.len());
        assert_eq!(logical.text, "COPY x   $y/z");
        let at = logical.text.find("$y").unwrap();
        assert_eq!(logical.range(at, at + 2).of(text), "$y");
        assert_eq!(logical.range(5, 6).of(text), "x");
        assert_eq!(logical.range(at, at), TextRange::new(28, 28));
    }
}
