//! Physical lines, and the logical line that continuations join them to.

use crate::text::{TextRange, stray_byte};

/// A physical line that is longer than this, its newline included, is refused.
pub(super) const MAX_LINE_BYTES: usize = 65_535;

/// One line of the text as it stands, with where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Physical<'a> {
    /// Offset of the first byte.
    pub(super) start: usize,
    /// The line with its newline, if it has one.
    pub(super) full: &'a str,
}

impl<'a> Physical<'a> {
    /// The line without the newline and the carriage returns before it.
    pub(super) fn body(self) -> &'a str {
        self.full.trim_end_matches(['\r', '\n'])
    }

    /// Where the next line begins.
    pub(super) fn end(self) -> usize {
        self.start + self.full.len()
    }

    /// A comment: `#` is its first visible character.
    pub(super) fn is_comment(self) -> bool {
        self.full.trim_start().starts_with('#')
    }

    /// Longer than BuildKit's scanner takes. A stray byte counts as the one byte it was.
    pub(super) fn is_too_long(self) -> bool {
        if self.full.len() <= MAX_LINE_BYTES {
            return false;
        }
        let n_bytes: usize = self.full.chars().map(|ch| stray_byte(ch).map_or(ch.len_utf8(), |_| 1)).sum();
        n_bytes > MAX_LINE_BYTES
    }
}

/// Cuts a text into physical lines, beginning at `start`.
pub(super) fn physical_lines(text: &str, start: usize) -> impl Iterator<Item = Physical<'_>> {
    let mut at = start;
    text.get(start..).unwrap_or("").split_inclusive('\n').map(move |full| {
        let line = Physical { start: at, full };
        at = line.end();
        line
    })
}

/// What is left of a line once its continuation character is taken off, or
/// `None` if the line is not continued.
///
/// The escape character may be followed by spaces and tabs; two of them in a
/// row continue nothing.
pub(super) fn continued(line: &str, escape: char) -> Option<&str> {
    let body = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!body.ends_with(escape)).then_some(body)
}

/// A logical line: the pieces of its physical lines joined, and where each came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Logical {
    /// The joined text.
    pub(super) text: String,
    /// For each piece its offset in `text` and in the source, in order.
    pieces: Vec<(usize, usize)>,
}

impl Logical {
    /// Appends a piece that stands at `start` in the source.
    pub(super) fn push(&mut self, piece: &str, start: usize) {
        if piece.is_empty() && !self.pieces.is_empty() {
            return;
        }
        self.pieces.push((self.text.len(), start));
        self.text.push_str(piece);
    }

    /// The source offset of the character at `offset`.
    fn start_of(&self, offset: usize) -> usize {
        let idx = self.pieces.partition_point(|(logical, _)| *logical <= offset);
        let piece = self.pieces.get(idx.saturating_sub(1)).copied().unwrap_or((0, 0));
        piece.1 + (offset - piece.0.min(offset))
    }

    /// The source range of `start..end`. It ends right behind its last
    /// character, not behind a continuation that follows.
    pub(super) fn range(&self, start: usize, end: usize) -> TextRange {
        if start >= end {
            let at = self.start_of(start);
            return TextRange::new(at, at);
        }
        TextRange::new(self.start_of(start), self.start_of(end - 1) + 1)
    }

    /// The pieces with their ranges, in order.
    pub(super) fn piece_ranges(&self) -> impl Iterator<Item = TextRange> {
        self.pieces.iter().enumerate().map(|(idx, (logical, source))| {
            let end = self.pieces.get(idx + 1).map_or(self.text.len(), |next| next.0);
            TextRange::new(*source, source + (end - logical))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuation() {
        assert_eq!(continued("a \\", '\\'), Some("a "));
        assert_eq!(continued("a \\ \t", '\\'), Some("a "));
        assert_eq!(continued("\\", '\\'), Some(""));
        for plain in ["a", "a \\\\", "a `", "a \\ b"] {
            assert_eq!(continued(plain, '\\'), None, "{plain}");
        }
    }

    #[test]
    fn ranges_skip_continuations() {
        let mut logical = Logical::default();
        logical.push("RUN a ", 10);
        logical.push("  b", 20);
        assert_eq!(logical.range(4, 5), TextRange::new(14, 15));
        assert_eq!(logical.range(4, 6), TextRange::new(14, 16));
        assert_eq!(logical.range(4, 9), TextRange::new(14, 23));
        assert_eq!(logical.range(8, 9), TextRange::new(22, 23));
    }
}
