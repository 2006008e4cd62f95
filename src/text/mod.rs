//! Places in a text: byte offsets, ranges, lines, UTF-16 columns.
//!
//! All analysis works on byte offsets into one UTF-8 string; lines and columns
//! are made at the edge, where something is shown. Input that is not valid
//! UTF-8 is first mapped to a string by [`from_bytes`], which loses nothing.

pub mod align;

use std::fmt::Write as _;

/// A half-open range of bytes in a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TextRange {
    start: u32,
    end: u32,
}

impl TextRange {
    /// The range from `start` to `end`, in bytes. Offsets beyond 4 GiB are
    /// clamped, an end before the start gives an empty range.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let start = clamp(start);
        Self { start, end: clamp(end).max(start) }
    }

    /// The first byte.
    #[must_use]
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// The byte after the last.
    #[must_use]
    pub fn end(self) -> usize {
        self.end as usize
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.end() - self.start()
    }

    /// No bytes at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn cover(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// `other` lies wholly inside.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The text of this range; empty where the range does not fit `text`.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start()..self.end()).unwrap_or("")
    }
}

impl std::fmt::Debug for TextRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// First and last line of something, counted from 1, as builders print them.
///
/// Line 0 occurs: BuildKit reports it for some errors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Lines {
    /// The first line.
    pub first: u32,
    /// The last line, `first` or later.
    pub last: u32,
}

impl Lines {
    /// Lines in order, neighbors joined.
    #[must_use]
    pub fn merged(mut lines: Vec<Self>) -> Vec<Self> {
        lines.sort_unstable();
        let mut out: Vec<Self> = Vec::new();
        for next in lines {
            match out.last_mut() {
                Some(last) if next.first <= last.last + 1 => last.last = last.last.max(next.last),
                _ => out.push(next),
            }
        }
        out
    }
}

/// Where each line of a text begins, for offset ↔ line conversions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Indexes `text`. Lines end with `\n` only, as builders see them.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let after = newlines.filter_map(|(idx, _)| u32::try_from(idx + 1).ok());
        Self { starts: std::iter::once(0).chain(after).collect() }
    }

    /// The line that holds `offset`, counted from 1.
    #[must_use]
    pub fn line(&self, offset: usize) -> u32 {
        let line = self.starts.partition_point(|start| *start as usize <= offset);
        u32::try_from(line).unwrap_or(u32::MAX).max(1)
    }

    /// The lines from the start of `range` to its last byte.
    #[must_use]
    pub fn lines(&self, range: TextRange) -> Lines {
        let first = self.line(range.start());
        let last = self.line(range.end().saturating_sub(1).max(range.start()));
        Lines { first, last }
    }

    /// Where `line` (counted from 1) begins; the text's last line begins the answer for later ones.
    #[must_use]
    pub fn start_of(&self, line: u32) -> usize {
        let idx = (line.max(1) as usize - 1).min(self.starts.len().saturating_sub(1));
        self.starts.get(idx).copied().unwrap_or(0) as usize
    }

    /// How many lines the text has; a text that ends with a newline has an empty last one.
    #[must_use]
    pub fn n_lines(&self) -> usize {
        self.starts.len()
    }
}

/// Converts byte offsets to UTF-16 offsets, the unit of editors in a browser.
///
/// Pure ASCII, the usual case, costs nothing.
#[must_use]
pub fn utf16_offset(text: &str, offset: usize) -> usize {
    let head = text.get(..offset).unwrap_or(text);
    if head.is_ascii() { head.len() } else { head.chars().map(char::len_utf16).sum() }
}

/// Converts a UTF-16 offset, the unit of editors in a browser, to a byte offset.
#[must_use]
pub fn byte_offset(text: &str, utf16: usize) -> usize {
    let mut seen = 0;
    for (idx, ch) in text.char_indices() {
        if seen >= utf16 {
            return idx;
        }
        seen += ch.len_utf16();
    }
    text.len()
}

/// The first of the 128 private-use characters that stand for bytes 0x80 to 0xFF
/// which are no part of valid UTF-8.
const STRAY: u32 = 0x0010_FF00;

/// A string for any bytes, without loss: valid UTF-8 stays as it is, a stray
/// byte becomes one private-use character. [`to_bytes`] is the way back.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let stray = |byte: &u8| char::from_u32(STRAY + u32::from(*byte));
    let mut buf = [0; 4];
    for chunk in bytes.utf8_chunks() {
        if chunk.valid().contains(|ch| stray_byte(ch).is_some()) {
            // These characters are taken: where they really stand, their bytes count as stray.
            for ch in chunk.valid().chars() {
                match stray_byte(ch) {
                    Some(_) => text.extend(ch.encode_utf8(&mut buf).as_bytes().iter().filter_map(stray)),
                    None => text.push(ch),
                }
            }
        } else {
            text.push_str(chunk.valid());
        }
        text.extend(chunk.invalid().iter().filter_map(stray));
    }
    text
}

/// The byte that `ch` stands for, if it came from a stray byte.
#[must_use]
pub fn stray_byte(ch: char) -> Option<u8> {
    u8::try_from(u32::from(ch).checked_sub(STRAY)?).ok().filter(|byte| *byte >= 0x80)
}

/// The bytes that [`from_bytes`] made `text` of.
#[must_use]
pub fn to_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut buf = [0; 4];
    for ch in text.chars() {
        match stray_byte(ch) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(ch.encode_utf8(&mut buf).as_bytes()),
        }
    }
    bytes
}

/// Quotes a text as Go's `%q` does, the way BuildKit's messages show words.
#[must_use]
pub fn go_quote(text: &str) -> String {
    quote(text.chars(), text.len(), '"')
}

/// Quotes a character as Go's `%q` does.
#[must_use]
pub fn go_quote_char(ch: char) -> String {
    quote([ch].into_iter(), ch.len_utf8(), '\'')
}

fn quote(chars: impl Iterator<Item = char>, n_bytes: usize, mark: char) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(n_bytes + 2);
    out.push(mark);
    for ch in chars {
        // Writing to a string cannot fail.
        let _ = match ch {
            '\\' => write!(out, "\\\\"),
            _ if ch == mark => write!(out, "\\{ch}"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\u{7}' => write!(out, "\\a"),
            '\u{8}' => write!(out, "\\b"),
            '\u{c}' => write!(out, "\\f"),
            '\u{b}' => write!(out, "\\v"),
            _ if stray_byte(ch).is_some() => write!(out, "\\x{:02x}", stray_byte(ch).unwrap_or(0)),
            _ if ch.is_ascii_control() => write!(out, "\\x{:02x}", u32::from(ch)),
            _ if !is_go_printable(ch) && u32::from(ch) > 0xFFFF => write!(out, "\\U{:08x}", u32::from(ch)),
            _ if !is_go_printable(ch) => write!(out, "\\u{:04x}", u32::from(ch)),
            _ => write!(out, "{ch}"),
        };
    }
    out.push(mark);
    out
}

/// Go prints letters, marks, numbers, punctuation, symbols and the ASCII space;
/// control, format, private and separator characters are escaped.
fn is_go_printable(ch: char) -> bool {
    let invisible = matches!(u32::from(ch),
        0x80..=0xA0 | 0xAD | 0x0600..=0x0605 | 0x061C | 0x06DD | 0x070F | 0x1680 | 0x180E | 0x2000..=0x200F
        | 0x2028..=0x202F | 0x205F..=0x206F | 0x3000 | 0xE000..=0xF8FF | 0xFEFF | 0xFFF9..=0xFFFB
        | 0xE0001..=0xE007F | 0xF0000..=0x0010_FFFF);
    !invisible
}

/// A name as it can be shown safely: what would not be seen, or would turn the order of what follows
/// around, is named by its number instead.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::new();
    for ch in text.chars() {
        if let Some(byte) = stray_byte(ch) {
            let _ = write!(shown, "⟨byte {byte:02X}⟩");
        } else if is_unseen(ch) {
            let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(ch));
        } else {
            shown.push(ch);
        }
    }
    shown
}

/// Control characters, marks of direction, and what has no width. Joiners are left alone: emoji and
/// several scripts need them.
fn is_unseen(ch: char) -> bool {
    ch.is_control()
        || stray_byte(ch).is_some()
        || matches!(ch, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(ch, '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_named() {
        assert_eq!(visible("invoice\u{202e}fdp.exe"), "invoice⟨U+202E⟩fdp.exe");
        assert_eq!(visible("a\rb\u{1b}[2J"), "a⟨U+000D⟩b⟨U+001B⟩[2J");
        assert_eq!(visible("файл 👩\u{200d}🚀"), "файл 👩\u{200d}🚀");
    }

    #[test]
    fn characters_are_quoted() {
        let quoted = ['\0', '\u{3}', '\n', '\'', '"', 'A'].map(go_quote_char);
        assert_eq!(quoted, [r"'\x00'", r"'\x03'", r"'\n'", r"'\''", "'\"'", "'A'"]);
        assert_eq!(go_quote("a\"'\\"), r#""a\"'\\""#);
    }

    #[test]
    fn any_bytes_survive() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(to_bytes(&from_bytes(&all)), all);
        assert_eq!(from_bytes("grüß".as_bytes()), "grüß");
        let taken = "a\u{10ff8b}b".as_bytes();
        assert_eq!(to_bytes(&from_bytes(taken)), taken);
    }

    #[test]
    fn lines_count_from_one() {
        let index = LineIndex::new("a\nbc\n");
        assert_eq!((index.line(0), index.line(1), index.line(2), index.line(5)), (1, 1, 2, 3));
        assert_eq!(index.lines(TextRange::new(0, 2)), Lines { first: 1, last: 1 });
        assert_eq!(index.start_of(2), 2);
    }

    #[test]
    fn utf16_and_back() {
        let text = "a🚀b";
        assert_eq!(utf16_offset(text, 5), 3);
        assert_eq!(byte_offset(text, 3), 5);
    }

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(go_quote("a\"b\\\n\u{1}é"), "\"a\\\"b\\\\\\n\\x01é\"");
    }
}
