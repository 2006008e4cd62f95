//! JSON arrays, as the exec form of an instruction has them.
//!
//! Grammar: [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259), taken the way
//! Go's decoder does: a lone surrogate and a stray byte become U+FFFD instead
//! of an error, and nesting ends at 10,000 levels. A text that is no array, or
//! not all JSON up to its end, silently means the shell form; an array that
//! holds anything but strings is an error.

use crate::text::stray_byte;

/// A string of the array and where it stands, quotes included, in bytes of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonString {
    /// The decoded text.
    pub value: String,
    /// Offset of the opening quote.
    pub start: usize,
    /// Offset behind the closing quote.
    pub end: usize,
}

/// What a text is when read as the exec form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonForm {
    /// An array of strings.
    Strings(Vec<JsonString>),
    /// A JSON array with an element that is no string; where the first one stands.
    NotStrings {
        /// Offset of the element.
        start: usize,
        /// Offset behind it.
        end: usize,
    },
    /// Something else: the shell form.
    NotJson,
}

/// Reads `text` as an array of strings.
#[must_use]
pub fn parse_array(text: &str) -> JsonForm {
    let mut reader = Reader { text, pos: 0 };
    reader.skip_space_unicode();
    if reader.peek() != Some(b'[') {
        return JsonForm::NotJson;
    }
    let mut strings = Vec::new();
    let mut odd = None;
    if reader
        .array(1, &mut |element| match element {
            Element::String(string) => strings.push(string),
            Element::Other { start, end } => odd = odd.or(Some((start, end))),
        })
        .is_none()
    {
        return JsonForm::NotJson;
    }
    reader.skip_space();
    if reader.pos != text.len() {
        return JsonForm::NotJson;
    }
    match odd {
        Some((start, end)) => JsonForm::NotStrings { start, end },
        None => JsonForm::Strings(strings),
    }
}

/// The member `name` of `text` read as a JSON object, if it is a string; of
/// members with equal names the last one counts.
pub(super) fn string_member(text: &str, name: &str) -> Option<String> {
    let mut reader = Reader { text, pos: 0 };
    let mut found = None;
    reader.skip_space();
    reader.eat(b'{')?;
    reader.skip_space();
    if reader.eat(b'}').is_none() {
        loop {
            reader.skip_space();
            let key = reader.key()?;
            reader.skip_space();
            let value = match reader.peek()? {
                b'"' => Some(reader.string()?),
                _ => reader.value(1).map(|()| None)?,
            };
            if key == name {
                found = value;
            }
            reader.skip_space();
            if reader.eat(b',').is_none() {
                reader.eat(b'}')?;
                break;
            }
        }
    }
    reader.skip_space();
    if reader.pos == text.len() { found } else { None }
}

const MAX_DEPTH: usize = 10_000;

enum Element {
    String(JsonString),
    Other { start: usize, end: usize },
}

struct Reader<'a> {
    text: &'a str,
    pos: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.pos += 1)
    }

    fn skip_space_unicode(&mut self) {
        let rest = self.text.get(self.pos..).unwrap_or("");
        self.pos += rest.len() - rest.trim_start().len();
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.pos += 1;
        }
    }

    fn array(&mut self, depth: usize, sink: &mut dyn FnMut(Element)) -> Option<()> {
        self.eat(b'[')?;
        self.skip_space();
        if self.eat(b']').is_some() {
            return Some(());
        }
        loop {
            self.skip_space();
            let start = self.pos;
            match self.peek()? {
                b'"' => {
                    let value = self.string()?;
                    sink(Element::String(JsonString { value, start, end: self.pos }));
                }
                _ => {
                    self.value(depth)?;
                    sink(Element::Other { start, end: self.pos });
                }
            }
            self.skip_space();
            if self.eat(b',').is_none() {
                return self.eat(b']');
            }
        }
    }

    /// Checks and skips a value of any kind. Nesting is followed with an
    /// explicit stack, so that no input can exhaust ours.
    fn value(&mut self, depth: usize) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.skip_space();
            match self.peek()? {
                bracket @ (b'[' | b'{') => {
                    if depth + open.len() >= MAX_DEPTH {
                        return None;
                    }
                    self.pos += 1;
                    self.skip_space();
                    let close = if bracket == b'[' { b']' } else { b'}' };
                    if self.eat(close).is_none() {
                        open.push(close);
                        if close == b'}' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => drop(self.string()?),
                b't' => self.literal("true")?,
                b'f' => self.literal("false")?,
                b'n' => self.literal("null")?,
                _ => self.number()?,
            }
            // A value is complete: close what it ends, or go on to the next one.
            loop {
                let Some(close) = open.last().copied() else { return Some(()) };
                self.skip_space();
                if self.eat(close).is_some() {
                    open.pop();
                    continue;
                }
                self.eat(b',')?;
                if close == b'}' {
                    self.skip_space();
                    self.key()?;
                }
                break;
            }
        }
    }

    fn key(&mut self) -> Option<String> {
        let key = self.string()?;
        self.skip_space();
        self.eat(b':').map(|()| key)
    }

    fn literal(&mut self, word: &str) -> Option<()> {
        self.text.get(self.pos..)?.starts_with(word).then(|| self.pos += word.len())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.pos;
        let _ = self.eat(b'-');
        if self.eat(b'0').is_none() {
            self.digits()?;
        }
        if self.eat(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.pos += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.pos += 1;
            }
            self.digits()?;
        }
        // Go decodes to a 64-bit float and refuses what does not fit.
        let value: f64 = self.text.get(start..self.pos)?.parse().ok()?;
        value.is_finite().then_some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.pos;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.pos += 1;
        }
        (self.pos > start).then_some(())
    }

    fn string(&mut self) -> Option<String> {
        self.eat(b'"')?;
        let mut out = String::new();
        loop {
            let ch = self.text.get(self.pos..)?.chars().next()?;
            self.pos += ch.len_utf8();
            match ch {
                '"' => return Some(out),
                '\\' => out.push(self.escape()?),
                '\0'..='\x1f' => return None,
                _ if stray_byte(ch).is_some() => out.push(char::REPLACEMENT_CHARACTER),
                _ => out.push(ch),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.pos += 1;
        Some(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex4()?;
                if let Some(ch) = char::from_u32(unit) {
                    return Some(ch);
                }
                // A pair of surrogates makes one character, a lone one is replaced.
                let before = self.pos;
                if self.literal("\\u").is_some() {
                    let low = self.hex4()?;
                    let pair = char::decode_utf16([u16::try_from(unit).ok()?, u16::try_from(low).ok()?]);
                    if let Some(Ok(ch)) = pair.into_iter().next() {
                        return Some(ch);
                    }
                }
                self.pos = before;
                char::REPLACEMENT_CHARACTER
            }
            _ => return None,
        })
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.pos..self.pos + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.pos += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

/// The exec form of a command that needs no shell: words, some of them in quotes.
///
/// None where a shell would do anything to it: variables, patterns, operators,
/// escapes, what only a shell knows as a command. `exec` says what the exec form does anyway.
#[must_use]
pub fn exec_form(command: &str) -> Option<String> {
    const OF_SHELLS: [&str; 14] = [
        "cd", "source", ".", "export", "set", "unset", "ulimit", "umask", "trap", "eval", "alias", "type",
        "command", "builtin",
    ];
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for ch in command.chars() {
        match (ch, quote) {
            (_, Some(mark)) if ch == mark => quote = None,
            // Within single quotes all is plain for a shell; a builder may still take an escape there.
            ('$' | '`' | '\\' | '\n' | '\r', _) => return None,
            (_, Some(_)) => word.get_or_insert_default().push(ch),
            ('"' | '\'', None) => {
                quote = Some(ch);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            _ if ch.is_ascii_alphanumeric() || "./-_:@%+,=".contains(ch) => {
                word.get_or_insert_default().push(ch);
            }
            _ => return None,
        }
    }
    words.extend(word);
    if words.first().is_some_and(|word| word == "exec") {
        words.remove(0);
        // Its options are not a program.
        words.first().filter(|word| !word.starts_with('-'))?;
    }
    let first = words.first()?;
    // `name=value program` sets a variable.
    if quote.is_some() || first.is_empty() || first.contains('=') || OF_SHELLS.contains(&first.as_str()) {
        return None;
    }
    let words: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.replace('"', "\\\""))).collect();
    Some(format!("[{}]", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Option<Vec<String>> {
        match parse_array(text) {
            JsonForm::Strings(strings) => Some(strings.into_iter().map(|string| string.value).collect()),
            _ => None,
        }
    }

    #[test]
    fn strict_arrays_of_strings() {
        assert_eq!(values(r#" ["a", "b\u00e9\ud83d\ude80\n"] "#), Some(vec!["a".into(), "bé🚀\n".into()]));
        assert_eq!(values("[]"), Some(vec![]));
        assert_eq!(values(r#"["\ud800x"]"#), Some(vec!["\u{fffd}x".into()]));
        for shell in
            ["['a']", r#"["a"] && b"#, r#"["a",]"#, r#"["a""#, "", "[", r#"["\x"]"#, "[01]", "[1e999]"]
        {
            assert_eq!(parse_array(shell), JsonForm::NotJson, "{shell}");
        }
        assert_eq!(parse_array(r#"["a", 1]"#), JsonForm::NotStrings { start: 6, end: 7 });
        assert_eq!(
            parse_array(r#"[[{"a":[1,-2.5e3,null]}, true]]"#),
            JsonForm::NotStrings { start: 1, end: 30 }
        );
    }

    #[test]
    fn deep_nesting_ends() {
        assert_eq!(parse_array(&"[".repeat(1_000_000)), JsonForm::NotJson);
        let deep = format!("[{}{}]", "[".repeat(20_000), "]".repeat(20_000));
        assert_eq!(parse_array(&deep), JsonForm::NotJson);
    }

    #[test]
    fn exec_forms() {
        let check = |command: &str, expected: Option<&str>| {
            assert_eq!(exec_form(command).as_deref(), expected, "{command}");
        };
        check("a  -b", Some(r#"["a", "-b"]"#));
        check("a 'b c' \"d'e\" f\"g\"h '' 'i\"j'", Some(r#"["a", "b c", "d'e", "fgh", "", "i\"j"]"#));
        check("exec node a.js", Some(r#"["node", "a.js"]"#));
        for command in [
            "",
            "a $b",
            "a && b",
            "a *.c",
            "A=1 b",
            "cd /a",
            "a 'b",
            "a \\ b",
            "~/a",
            "exec",
            "exec -a b c",
            "a #b",
            "a '$b'",
        ] {
            check(command, None);
        }
    }
}
