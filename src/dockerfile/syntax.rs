//! Text → tokens and nodes.
//!
//! ```text
//! file        = [ BOM ] { directive } { blank | comment | instruction }
//! directive   = "#" name "=" value                  first lines only; syntax, escape, check
//! instruction = keyword { flag } arguments          one logical line
//!               { heredoc body }                    RUN, COPY, ADD, also under ONBUILD
//! ```
//!
//! A logical line is a physical line and, while it ends with the escape
//! character, the next ones; comment lines and blank lines in between vanish.
//! See the [reference](https://docs.docker.com/reference/dockerfile/#format)
//! and, for how arguments are cut, BuildKit's `parser` package.
//!
//! Where BuildKit stops at the first error, this parser notes it and goes on.

use super::directive::{self, BOM};
use super::error::{Problem, Refusal};
use super::heredoc;
use super::json::{self, JsonForm};
use super::source::{Logical, Physical, continued, physical_lines};
use crate::text::{self, LineIndex, Lines, TextRange, stray_byte};

/// Whose rules a file is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dialect {
    /// BuildKit's.
    #[default]
    BuildKit,
    /// The classic builder's, as in Docker 20.10: no heredocs, fewer flags.
    Classic,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// The byte-order mark.
    Bom,
    /// A parser directive's line, without its newline.
    Directive,
    /// A comment's line, without its newline.
    Comment,
    /// The keyword of an instruction.
    Keyword,
    /// A builder flag: `--name=value`.
    Flag,
    /// Any other visible text.
    Text,
    /// Blanks.
    Space,
    /// An escape character that continues the line, and blanks behind it.
    Continuation,
    /// The end of a line.
    Newline,
    /// The body of a heredoc, its terminator excluded.
    HeredocBody,
    /// The terminator of a heredoc.
    HeredocEnd,
    /// Text behind a line that is too long to be read.
    Unread,
}

/// A piece of the text; all pieces joined are the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub range: TextRange,
}

/// A text with its place.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Spanned {
    /// The value; quotes and escapes may be gone from it.
    pub value: String,
    /// Where it stands as written.
    pub range: TextRange,
}

impl Spanned {
    /// Where the bytes from `start` to `end` of the value stand. Where the word
    /// is not written like its value, with quotes or over several lines, that
    /// is all of it.
    #[must_use]
    pub fn part(&self, start: usize, end: usize) -> TextRange {
        if self.range.len() != self.value.len() {
            return self.range;
        }
        TextRange::new(self.range.start() + start, self.range.start() + end)
    }
}

/// A parser directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// In lower case: `syntax`, `escape` or `check`.
    pub name: String,
    /// What stands behind the `=`.
    pub value: Spanned,
    /// Its line, counted from 1.
    pub line: u32,
}

/// The body of a heredoc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// As its word announces it.
    pub word: heredoc::HeredocWord,
    /// The lines between, tabs not yet removed.
    pub content: String,
    /// Where they stand.
    pub range: TextRange,
}

/// One instruction, not yet typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The keyword as written.
    pub keyword: Spanned,
    /// The logical line.
    pub original: String,
    /// From the keyword to the last heredoc.
    pub range: TextRange,
    /// The same in lines.
    pub lines: Lines,
    /// The flags; their values without quotes and escapes.
    pub flags: Vec<Spanned>,
    /// The words, by the rules of the keyword. `ENV` and `LABEL`: triples of
    /// name, value and delimiter (`=`, or nothing in the old form).
    pub args: Vec<Spanned>,
    /// The arguments are a JSON array of strings.
    pub is_json: bool,
    /// `ONBUILD` only: the trigger.
    pub sub: Option<Box<Node>>,
    /// The heredocs, in order.
    pub heredocs: Vec<Heredoc>,
    /// Comment lines right above, without `#` and outer blanks.
    pub comments: Vec<String>,
    /// Where the arguments stand, all together.
    pub args_range: TextRange,
}

impl Node {
    /// The keyword in upper case, for comparison.
    ///
    /// Builders compare in lower case, which decides for letters that have only one of the two.
    #[must_use]
    pub fn keyword_upper(&self) -> String {
        self.keyword.value.to_lowercase().to_ascii_uppercase()
    }
}

/// A text, understood as far as it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parse {
    /// All of the text, in pieces.
    pub tokens: Vec<Token>,
    /// The parser directives.
    pub directives: Vec<Directive>,
    /// The escape character.
    pub escape: char,
    /// The instructions.
    pub nodes: Vec<Node>,
    /// Instructions with a blank line inside a continuation; BuildKit warns about these.
    pub blank_continuations: Vec<(Lines, TextRange)>,
    /// What BuildKit's parser refuses, in order; the first one is its answer.
    pub refusals: Vec<Refusal>,
    /// Where lines begin.
    pub line_index: LineIndex,
}

/// Parses a whole file. Takes any text, and keeps all of it in its tokens.
#[must_use]
pub fn parse(text: &str) -> Parse {
    parse_as(text, Dialect::BuildKit)
}

/// The same by the rules of a builder.
#[must_use]
pub fn parse_as(text: &str, dialect: Dialect) -> Parse {
    let mut parser = Parser::new(text, dialect);
    parser.run();
    parser.finish()
}

struct Parser<'a> {
    text: &'a str,
    dialect: Dialect,
    lines: Vec<Physical<'a>>,
    /// The next physical line.
    next: usize,
    directives_done: bool,
    comments: Vec<String>,
    out: Parse,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, dialect: Dialect) -> Self {
        let start = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
        let mut tokens = Vec::new();
        if start > 0 {
            tokens.push(Token { kind: TokenKind::Bom, range: TextRange::new(0, start) });
        }
        let out = Parse {
            tokens,
            directives: Vec::new(),
            escape: '\\',
            nodes: Vec::new(),
            blank_continuations: Vec::new(),
            refusals: Vec::new(),
            line_index: LineIndex::new(text),
        };
        let lines = physical_lines(text, start).collect();
        Self { text, dialect, lines, next: 0, directives_done: false, comments: Vec::new(), out }
    }

    /// The next line, unless the text ends or the line is too long to be read.
    fn advance(&mut self) -> Option<Physical<'a>> {
        let line = *self.lines.get(self.next)?;
        if line.is_too_long() {
            return None;
        }
        self.next += 1;
        Some(line)
    }

    /// How many lines were read.
    fn n_read(&self) -> u32 {
        u32::try_from(self.next).unwrap_or(u32::MAX)
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        if start < end {
            self.out.tokens.push(Token { kind, range: TextRange::new(start, end) });
        }
    }

    /// A parser error: no prefix, and a location only where `lines` is given.
    fn refuse(&mut self, problem: Problem, range: TextRange, lines: Lines) {
        self.out.refusals.push(Refusal { problem, range, lines: Some(lines), prefix_line: None, fix: None });
    }

    fn run(&mut self) {
        while let Some(line) = self.advance() {
            self.line(line);
        }
        let n_read = self.n_read();
        let at_end = Lines { first: n_read, last: n_read };
        if self.out.nodes.is_empty() {
            let end = self.text.trim_end().len();
            self.refuse(Problem::NoInstructions, TextRange::new(end, end), at_end);
        }
        if let Some(line) = self.lines.get(self.next).copied() {
            let range = TextRange::new(line.start, line.start + line.body().len());
            self.refuse(Problem::LineTooLong, range, at_end);
            self.push(TokenKind::Unread, line.start, self.text.len());
        }
    }

    fn finish(self) -> Parse {
        self.out
    }

    /// One line outside of any instruction: blank, comment, or the first line of one.
    fn line(&mut self, line: Physical<'a>) {
        let body = line.body();
        let trimmed = body.trim_start();
        let indent_end = line.start + body.len() - trimmed.len();
        let body_end = line.start + body.len();
        if trimmed.starts_with('#') {
            let is_directive = self.directive(trimmed, indent_end);
            if !is_directive {
                self.comment(line);
            }
            self.push(TokenKind::Space, line.start, indent_end);
            self.push(
                if is_directive { TokenKind::Directive } else { TokenKind::Comment },
                indent_end,
                body_end,
            );
            self.push(TokenKind::Newline, body_end, line.end());
            return;
        }
        self.directives_done = true;
        if trimmed.is_empty() {
            self.push(TokenKind::Space, line.start, body_end);
            self.push(TokenKind::Newline, body_end, line.end());
            return;
        }
        self.push(TokenKind::Space, line.start, indent_end);
        self.instruction(line, trimmed, indent_end);
    }

    /// Keeps a comment for the instruction below. Blank lines in between do not
    /// matter; a bare `#` drops what was kept.
    fn comment(&mut self, line: Physical<'a>) {
        // Exactly one byte is taken off, so that an indented comment keeps its
        // `#` and is never bare.
        let bytes = text::to_bytes(line.full);
        let comment = text::from_bytes(bytes.get(1..).unwrap_or(&[]));
        let comment = comment.trim();
        if comment.is_empty() {
            self.comments.clear();
        } else {
            self.comments.push(comment.to_owned());
        }
    }

    /// Reads a comment as a parser directive, if directives are still looked for.
    fn directive(&mut self, comment: &str, start: usize) -> bool {
        if self.directives_done {
            return false;
        }
        let Some(directive::Found { name, value, value_start }) = directive::split(comment, "#") else {
            self.directives_done = true;
            return false;
        };
        let range = TextRange::new(start + value_start, start + value_start + value.len());
        // BuildKit counts the line of these two errors from 0.
        let zero_based = Lines { first: self.n_read() - 1, last: self.n_read() - 1 };
        if self.out.directives.iter().any(|directive| directive.name == name) {
            let whole = TextRange::new(start, start + comment.trim_end().len());
            self.refuse(Problem::DirectiveTwice { name }, whole, zero_based);
            return true;
        }
        if name == "escape" {
            match value {
                "\\" => self.out.escape = '\\',
                "`" => self.out.escape = '`',
                _ => self.refuse(Problem::BadEscape { value: value.to_owned() }, range, zero_based),
            }
        }
        let value = Spanned { value: value.to_owned(), range };
        self.out.directives.push(Directive { name, value, line: self.n_read() });
        true
    }

    /// An instruction from its first line on.
    fn instruction(&mut self, line: Physical<'a>, trimmed: &'a str, start: usize) {
        let first = self.n_read();
        let mut logical = Logical::default();
        let mut body = trimmed;
        let mut body_start = start;
        let mut line = line;
        let mut has_blank = false;
        // Pieces of the logical line and what stands between them, for the tokens.
        let mut between: Vec<Token> = Vec::new();
        let mut is_continued = true;
        while is_continued {
            let rest = continued(body, self.out.escape);
            is_continued = rest.is_some();
            let text = rest.unwrap_or(body);
            logical.push(text, body_start);
            let mut gap = |kind, start: usize, end: usize| {
                if start < end {
                    between.push(Token { kind, range: TextRange::new(start, end) });
                }
            };
            gap(TokenKind::Continuation, body_start + text.len(), line.start + line.body().len());
            gap(TokenKind::Newline, line.start + line.body().len(), line.end());
            while is_continued {
                let Some(next) = self.advance() else {
                    is_continued = false;
                    break;
                };
                line = next;
                let is_blank = line.body().trim_start().is_empty();
                if !line.is_comment() && !is_blank {
                    body = line.body();
                    body_start = line.start;
                    break;
                }
                has_blank |= is_blank;
                let end = line.start + line.body().len();
                between.push(Token {
                    kind: if is_blank { TokenKind::Space } else { TokenKind::Comment },
                    range: TextRange::new(line.start, end),
                });
                between.push(Token { kind: TokenKind::Newline, range: TextRange::new(end, line.end()) });
            }
        }
        between.retain(|token| !token.range.is_empty());
        let lines = Lines { first, last: self.n_read() };
        let comments = std::mem::take(&mut self.comments);
        let (mut node, problem) = node_from_line(&logical, 0, comments, self.out.escape, 0);
        node.lines = lines;
        node.range = TextRange::new(start, logical.range(0, logical.text.len()).end().max(start));
        if has_blank {
            self.out.blank_continuations.push((lines, node.range));
        }
        self.instruction_tokens(&logical, &node, between);
        let failed = problem.is_some();
        if let Some((problem, range)) = problem {
            self.refuse(problem, range, lines);
        }
        if !failed {
            self.heredocs(&mut node, &logical.text, first);
        }
        self.out.nodes.push(node);
    }

    fn heredocs(&mut self, node: &mut Node, line: &str, first: u32) {
        if self.dialect == Dialect::Classic || !can_have_heredocs(node) || !line.contains("<<") {
            return;
        }
        let words = match heredoc::find(line) {
            Ok(words) => words,
            Err(error) => {
                let lines = Lines { first, last: self.n_read() };
                return self.refuse(Problem::Word(error.to_string()), node.args_range, lines);
            }
        };
        for word in words {
            let body_start = self.lines.get(self.next).map_or(self.text.len(), |line| line.start);
            let resume = self.next;
            let mut content = String::new();
            let end = loop {
                let Some(line) = self.advance() else { break None };
                let body = line.body();
                let candidate = if word.chomps { body.trim_start_matches('\t') } else { body };
                if candidate == word.name {
                    break Some(line);
                }
                content.push_str(line.full);
            };
            let Some(end) = end else {
                let lines = Lines { first, last: self.n_read() };
                self.refuse(Problem::UnterminatedHeredoc { name: word.name.clone() }, node.args_range, lines);
                // While someone types, what follows is more likely code than content.
                self.next = resume;
                node.heredocs.push(Heredoc {
                    word,
                    content: String::new(),
                    range: TextRange::new(body_start, body_start),
                });
                return;
            };
            let end_body = end.start + end.body().len();
            self.push(TokenKind::HeredocBody, body_start, end.start);
            self.push(TokenKind::HeredocEnd, end.start, end_body);
            self.push(TokenKind::Newline, end_body, end.end());
            node.range = node.range.cover(TextRange::new(end.start, end_body));
            node.lines.last = self.n_read();
            let range = TextRange::new(body_start, end.start);
            node.heredocs.push(Heredoc { word, content, range });
        }
        if let Some(sub) = &mut node.sub {
            sub.heredocs.clone_from(&node.heredocs);
        }
    }

    /// Cuts the pieces of a logical line into tokens and weaves in what stood between.
    fn instruction_tokens(&mut self, logical: &Logical, node: &Node, between: Vec<Token>) {
        let mut marks: Vec<Token> = Vec::new();
        let mut mark = |kind, range: TextRange| marks.push(Token { kind, range });
        mark(TokenKind::Keyword, node.keyword.range);
        node.flags.iter().for_each(|flag| mark(TokenKind::Flag, flag.range));
        if let Some(sub) = &node.sub {
            mark(TokenKind::Keyword, sub.keyword.range);
            sub.flags.iter().for_each(|flag| mark(TokenKind::Flag, flag.range));
        }
        let mut pieces = Vec::new();
        for range in logical.piece_ranges() {
            let mut at = range.start();
            for token in &marks {
                // A mark may reach over a continuation; each piece takes its part.
                let (start, end) = (token.range.start().max(at), token.range.end().min(range.end()));
                if start < end && start >= range.start() {
                    self.plain_tokens(&mut pieces, at, start);
                    pieces.push(Token { kind: token.kind, range: TextRange::new(start, end) });
                    at = end;
                }
            }
            self.plain_tokens(&mut pieces, at, range.end());
        }
        pieces.extend(between);
        pieces.sort_by_key(|token| token.range.start());
        self.out.tokens.extend(pieces);
    }

    fn plain_tokens(&self, out: &mut Vec<Token>, start: usize, end: usize) {
        let mut at = start;
        let mut rest = self.text.get(start..end).unwrap_or("");
        while let Some(first) = rest.chars().next() {
            let is_space = first.is_whitespace();
            let len = rest.find(|ch: char| ch.is_whitespace() != is_space).unwrap_or(rest.len());
            let kind = if is_space { TokenKind::Space } else { TokenKind::Text };
            out.push(Token { kind, range: TextRange::new(at, at + len) });
            at += len;
            rest = rest.get(len..).unwrap_or("");
        }
    }
}

fn can_have_heredocs(node: &Node) -> bool {
    let node = node.sub.as_deref().unwrap_or(node);
    !node.is_json && matches!(node.keyword_upper().as_str(), "RUN" | "COPY" | "ADD")
}

/// BuildKit's argument separators: not every Unicode blank.
const BLANKS: [char; 5] = ['\t', '\u{b}', '\u{c}', '\r', ' '];

type Found = (Problem, TextRange);

/// How deep triggers of triggers are read. Builders refuse the second one already.
const MAX_TRIGGERS: usize = 100;

/// Reads the logical line from `offset` on as an instruction. `ONBUILD` calls this
/// again for its trigger, which is `depth` triggers deep.
fn node_from_line(
    logical: &Logical,
    offset: usize,
    comments: Vec<String>,
    escape: char,
    depth: usize,
) -> (Node, Option<Found>) {
    let whole = logical.text.get(offset..).unwrap_or("");
    let line = whole.trim();
    let line_start = offset + whole.len() - whole.trim_start().len();
    let keyword_len = line.find(BLANKS).unwrap_or(line.len());
    let (keyword, rest) = line.split_at(keyword_len);
    let rest_start = line_start + keyword_len;
    let skipped = rest.trim_start_matches(BLANKS);
    let (flags, args_at) = take_flags(skipped, rest_start + rest.len() - skipped.len(), logical);
    let args = logical.text.get(args_at..line_start + line.len()).unwrap_or("");
    let args_start = args_at + args.len() - args.trim_start().len();
    let args = args.trim();
    let mut node = Node {
        keyword: Spanned {
            value: keyword.to_owned(),
            range: logical.range(line_start, line_start + keyword_len),
        },
        original: whole.to_owned(),
        range: logical.range(line_start, line_start + line.len()),
        lines: Lines::default(),
        flags,
        args: Vec::new(),
        is_json: false,
        sub: None,
        heredocs: Vec::new(),
        comments,
        args_range: logical.range(args_start, args_start + args.len()),
    };
    let mut problem = None;
    let arguments = Arguments { text: args, start: args_start, logical, escape };
    match node.keyword_upper().as_str() {
        "ENV" => problem = arguments.pairs(&mut node, "ENV"),
        "LABEL" => problem = arguments.pairs(&mut node, "LABEL"),
        "ARG" => {
            node.args = arguments.words().into_iter().map(|(value, range)| Spanned { value, range }).collect()
        }
        "COPY" | "ADD" | "VOLUME" => problem = arguments.json_or(&mut node, Arguments::split),
        "CMD" | "ENTRYPOINT" | "RUN" | "SHELL" => problem = arguments.json_or(&mut node, Arguments::whole),
        "EXPOSE" | "FROM" => node.args = arguments.split(),
        "MAINTAINER" | "STOPSIGNAL" | "USER" | "WORKDIR" => node.args = arguments.whole(),
        "HEALTHCHECK" => problem = arguments.healthcheck(&mut node),
        "ONBUILD" if !args.is_empty() && depth < MAX_TRIGGERS => {
            let (sub, found) = node_from_line(logical, args_start, Vec::new(), escape, depth + 1);
            problem = found;
            node.sub = Some(Box::new(sub));
        }
        "ONBUILD" => {}
        // The arguments of an unknown instruction count as one empty word.
        _ => node.args = vec![Spanned { value: String::new(), range: node.args_range }],
    }
    (node, problem)
}

/// Takes the words that begin with `--` off the front of `text`, and tells
/// where the rest begins. Quotes and backslashes are removed; both work here
/// whatever the escape directive says.
///
/// BuildKit goes through bytes here and makes a character of each, so that a
/// flag's value beyond ASCII comes out garbled. So it does here.
fn take_flags(text: &str, start: usize, logical: &Logical) -> (Vec<Spanned>, usize) {
    let bytes = text.as_bytes();
    let is_space = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' ' | 0x85 | 0xA0);
    let mut flags = Vec::new();
    let mut pos = 0;
    loop {
        while bytes.get(pos).is_some_and(|byte| is_space(*byte)) {
            pos += 1;
        }
        if bytes.get(pos..pos + 2) != Some(b"--") {
            while !text.is_char_boundary(pos) {
                pos += 1;
            }
            return (flags, start + pos);
        }
        let word_start = pos;
        let mut word = String::new();
        let mut quote = None;
        let mut was_quoted = false;
        while let Some(byte) = bytes.get(pos).copied() {
            match (byte, quote) {
                (_, None) if is_space(byte) => break,
                (b'\'' | b'"', None) => {
                    quote = Some(byte);
                    was_quoted = true;
                }
                (_, Some(mark)) if byte == mark => quote = None,
                (b'\\', _) => {
                    pos += 1;
                    match bytes.get(pos) {
                        Some(escaped) => word.push(char::from(*escaped)),
                        None => break,
                    }
                }
                _ => word.push(char::from(byte)),
            }
            pos += 1;
        }
        let end = pos.min(bytes.len());
        if word == "--" {
            return (flags, start + end);
        }
        if was_quoted || !word.is_empty() {
            // A byte that reads as a blank may stand within a character.
            let mut shown_end = end;
            while !text.is_char_boundary(shown_end) {
                shown_end += 1;
            }
            let range = logical.range(start + word_start, start + shown_end);
            flags.push(Spanned { value: word, range });
        }
    }
}

/// The arguments of an instruction, cut by the rule of its keyword.
struct Arguments<'a> {
    text: &'a str,
    start: usize,
    logical: &'a Logical,
    escape: char,
}

impl Arguments<'_> {
    fn range(&self, start: usize, end: usize) -> TextRange {
        self.logical.range(self.start + start, self.start + end)
    }

    fn spanned(&self, start: usize, end: usize) -> Spanned {
        let value = self.text.get(start..end).unwrap_or("").to_owned();
        Spanned { value, range: self.range(start, end) }
    }

    /// All of it as one argument.
    fn whole(&self) -> Vec<Spanned> {
        if self.text.is_empty() { Vec::new() } else { vec![self.spanned(0, self.text.len())] }
    }

    /// Split at blanks, whatever quotes say.
    fn split(&self) -> Vec<Spanned> {
        let mut out = Vec::new();
        let mut at = 0;
        if self.text.is_empty() {
            return out;
        }
        loop {
            let rest = self.text.get(at..).unwrap_or("");
            let Some(len) = rest.find(BLANKS) else {
                out.push(self.spanned(at, self.text.len()));
                return out;
            };
            out.push(self.spanned(at, at + len));
            at += rest.len() - rest.get(len..).unwrap_or("").trim_start_matches(BLANKS).len();
        }
    }

    fn json_or(&self, node: &mut Node, otherwise: fn(&Self) -> Vec<Spanned>) -> Option<Found> {
        match json::parse_array(self.text) {
            JsonForm::Strings(strings) => {
                node.is_json = true;
                let spanned = |string: json::JsonString| Spanned {
                    range: self.range(string.start, string.end),
                    value: string.value,
                };
                node.args = strings.into_iter().map(spanned).collect();
                None
            }
            JsonForm::NotStrings { start, end } => Some((Problem::NotStrings, self.range(start, end))),
            JsonForm::NotJson => {
                node.args = otherwise(self);
                None
            }
        }
    }

    /// `HEALTHCHECK`: a word, then a command in either form.
    fn healthcheck(&self, node: &mut Node) -> Option<Found> {
        let len = self.text.find(char::is_whitespace).unwrap_or(self.text.len());
        if len == 0 {
            return None;
        }
        let command = self.text.get(len..).unwrap_or("").trim_start();
        let start = self.start + self.text.len() - command.len();
        let rest = Arguments { text: command, start, logical: self.logical, escape: self.escape };
        let problem = rest.json_or(node, Arguments::whole);
        node.args.insert(0, self.spanned(0, len));
        problem
    }

    /// Words split at blanks that neither quotes nor escapes protect; quotes stay.
    fn words(&self) -> Vec<(String, TextRange)> {
        let mut words = Vec::new();
        let mut chars = self.text.char_indices().peekable();
        let mut word = String::new();
        let mut word_start = None;
        let mut quote = None;
        let mut was_quoted = false;
        while let Some((idx, ch)) = chars.next() {
            if ch.is_whitespace() && quote.is_none() {
                if let Some(start) = word_start.take()
                    && (was_quoted || !word.is_empty())
                {
                    words.push((std::mem::take(&mut word), self.range(start, idx)));
                }
                word.clear();
                was_quoted = false;
                continue;
            }
            word_start.get_or_insert(idx);
            if ch == self.escape && quote != Some('\'') {
                let Some((_, escaped)) = chars.next() else {
                    // An escape character at the very end is dropped.
                    break;
                };
                word.push(ch);
                word.push(go_rune(escaped));
                continue;
            }
            if quote == Some(ch) {
                quote = None;
            } else if quote.is_none() && matches!(ch, '\'' | '"') {
                quote = Some(ch);
                was_quoted = true;
            }
            word.push(go_rune(ch));
        }
        if let Some(start) = word_start
            && (was_quoted || !word.is_empty())
        {
            words.push((word, self.range(start, self.text.len())));
        }
        words
    }

    /// `ENV` and `LABEL`: `name=value …`, or the old `name value`.
    fn pairs(&self, node: &mut Node, instruction: &'static str) -> Option<Found> {
        let words = self.words();
        let (first, _) = words.first()?;
        if !first.contains('=') {
            let Some(len) = self.text.find(BLANKS) else {
                return Some((Problem::OneArgumentOfTwo { instruction }, self.range(0, self.text.len())));
            };
            let value_start =
                self.text.len() - self.text.get(len..).unwrap_or("").trim_start_matches(BLANKS).len();
            let end = self.text.len();
            node.args = vec![
                self.spanned(0, len),
                self.spanned(value_start, end),
                Spanned { value: String::new(), range: self.range(len, len) },
            ];
            return None;
        }
        for (value, range) in words {
            let word = Spanned { value, range };
            let Some((name, value)) = word.value.split_once('=') else {
                node.args.clear();
                return Some((Problem::NoEquals { word: word.value }, range));
            };
            let (at, end) = (name.len(), word.value.len());
            let part =
                |value: &str, start, end| Spanned { value: value.to_owned(), range: word.part(start, end) };
            node.args.extend([part(name, 0, at), part(value, at + 1, end), part("=", at, at + 1)]);
        }
        None
    }
}

/// Words are read as characters there, and a stray byte is none.
fn go_rune(ch: char) -> char {
    if stray_byte(ch).is_some() { char::REPLACEMENT_CHARACTER } else { ch }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        parse(text).tokens.iter().map(|token| token.range.of(text)).collect()
    }

    #[test]
    fn tokens_join_to_the_text() {
        for text in [
            "",
            "\u{feff}# escape=`\r\nFROM a AS b\r\n\r\nRUN a `\r\n  # c\r\n\r\n  b\r\n",
            "RUN --mount=type=cache,target=/x \\\n --network=none a \\",
            "COPY <<A <<-B /x\na\nA\n\tb\n\tB\nRUN x",
            "RUN <<EOF\nnever ends\n",
            "  \t \n#\n#x\nFOO bar\\",
            "ONBUILD RUN --mount=type=cache,target=/x <<E\nb\nE\n",
        ] {
            assert_eq!(joined(text), text);
        }
    }

    #[test]
    fn ranges_point_at_words() {
        let text = "FROM a\nCOPY --from=b \\\n  src \\\n  dst\n";
        let parsed = parse(text);
        let copy = &parsed.nodes[1];
        let words: Vec<_> = copy.args.iter().map(|arg| arg.range.of(text)).collect();
        assert_eq!(words, ["src", "dst"]);
        assert_eq!(copy.flags[0].range.of(text), "--from=b");
        assert_eq!(copy.lines, Lines { first: 2, last: 4 });
    }

    #[test]
    fn comments_reach_over_blank_lines() {
        let comments = |text: &str| parse(text).nodes[0].comments.join("|");
        assert_eq!(comments("# syntax=a\n# b\n\n #  c\nFROM x\n"), "b|#  c");
        assert_eq!(comments("# b\n#\n# c\nFROM x\n"), "c");
    }

    #[test]
    fn triggers_of_triggers_are_bounded() {
        let depth = |node: &Node| std::iter::successors(Some(node), |node| node.sub.as_deref()).count();
        assert_eq!(depth(&parse("ONBUILD ONBUILD RUN a").nodes[0]), 3);
        assert_eq!(depth(&parse(&"ONBUILD \\\n".repeat(100_000)).nodes[0]), MAX_TRIGGERS + 1);
    }

    #[test]
    fn a_file_goes_on_behind_an_error() {
        let parsed = parse("FROM a\nENV a\nRUN <<X\nCOPY [1] b\nCMD x\n");
        let problems: Vec<_> = parsed.refusals.iter().map(|refusal| refusal.problem.code()).collect();
        assert_eq!(problems, ["missing-value", "unterminated-heredoc"]);
        assert_eq!(parsed.nodes.len(), 5);
    }
}
