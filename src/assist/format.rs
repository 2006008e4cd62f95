//! A file in one style, with the same meaning for a builder.
//!
//! | what | how |
//! | --- | --- |
//! | blanks at the ends of lines | go |
//! | keywords, `AS`, `CMD` and `NONE` of HEALTHCHECK | in the case of most keywords; a tie means upper case |
//! | lines that continue an instruction | begin as most of the file's do; four spaces where there is none |
//! | blank lines | one at most in a row, one before a stage, none at the end |
//! | the end | one newline |
//!
//! What is left alone, and why:
//!
//! - Heredocs: every byte of theirs is content.
//! - An instruction whose words would change by its indentation. A builder joins
//!   the lines of a command with the blanks they begin with, so the lines of
//!   a RUN in shell form are part of its cache key, and of values within quotes
//!   they are part of the value. Such an instruction keeps all its lines as they are.
//! - ONBUILD behind its keyword: the trigger is stored in the image as it is written.
//! - Parser directives, and comments but for blanks at their ends: at the top of a file one blank
//!   decides what is a directive. Blank lines above the first comment are not taken away either.
//! - Blank lines within an instruction: that is a finding of its own, with a repair.
//! - Blanks between words, and the order of anything.
//! - A file with a heredoc that does not end, or a line too long to be read: what is content is not known there.
//!
//! The result is read again and compared with what the file meant; where that
//! would differ nothing is changed.

use crate::diagnostic::{Fix, TextEdit};
use crate::dockerfile::directive;
use crate::dockerfile::error::Problem;
use crate::dockerfile::instruction::KEYWORDS;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::{Node, Parse, Spanned, TokenKind, parse};
use crate::text::TextRange;

/// What is content is certain in the whole file; one where it is not is left as it is.
#[must_use]
pub fn is_clear(file: &Dockerfile) -> bool {
    let is_unclear = |problem: &Problem| {
        matches!(problem, Problem::UnterminatedHeredoc { .. } | Problem::LineTooLong | Problem::Word(_))
    };
    !file.parse.refusals.iter().any(|refusal| is_unclear(&refusal.problem))
}

/// The edits that bring `text` into style; none where it is already, or is not [clear](is_clear).
#[must_use]
pub fn format(text: &str, file: &Dockerfile) -> Fix {
    let parse = &file.parse;
    let mut fix = Fix { label: "format".to_owned(), edits: Vec::new() };
    if !is_clear(file) {
        return fix;
    }
    let mut format = Format { text, parse, edits: Vec::new() };
    format.keywords();
    format.indentation();
    format.lines();
    format.edits.sort_by_key(|edit| (edit.range, edit.insert.is_empty()));
    fix.edits = format.edits;
    if !fix.edits.is_empty() && !is_same(text, parse, &fix.apply(text)) {
        fix.edits.clear();
    }
    fix
}

struct Format<'a> {
    text: &'a str,
    parse: &'a Parse,
    edits: Vec<TextEdit>,
}

impl Format<'_> {
    fn replace(&mut self, range: TextRange, insert: &str) {
        if range.of(self.text) != insert {
            self.edits.push(TextEdit { range, insert: insert.to_owned() });
        }
    }

    fn keywords(&mut self) {
        let is_known = |node: &&Node| KEYWORDS.contains(&node.keyword.value.to_ascii_uppercase().as_str());
        let count = |is_case: fn(&u8) -> bool| {
            // Arguments above the first stage do not count, as for the check of the same name.
            let from_stage = self.parse.nodes.iter().skip_while(|node| node.keyword_upper() != "FROM");
            from_stage
                .filter(is_known)
                .filter(|node| node.keyword.value.bytes().all(|byte| is_case(&byte)))
                .count()
        };
        let is_lower = count(u8::is_ascii_lowercase) > count(u8::is_ascii_uppercase);
        let parse = self.parse;
        for node in parse.nodes.iter().filter(is_known) {
            self.word(&node.keyword, is_lower);
            match (node.keyword_upper().as_str(), node.args.as_slice()) {
                ("FROM", [_, word, _]) if word.value.eq_ignore_ascii_case("as") => self.word(word, is_lower),
                ("HEALTHCHECK", [word, ..])
                    if matches!(word.value.to_ascii_uppercase().as_str(), "CMD" | "NONE") =>
                {
                    self.word(word, is_lower);
                }
                _ => {}
            }
        }
    }

    fn word(&mut self, word: &Spanned, is_lower: bool) {
        // One that is written over two lines stays.
        if word.range.of(self.text) == word.value {
            let wanted =
                if is_lower { word.value.to_ascii_lowercase() } else { word.value.to_ascii_uppercase() };
            self.replace(word.range, &wanted);
        }
    }

    /// The first blanks of each line that continues `node`, by line; blank lines are left out.
    fn continued(&self, node: &Node) -> Vec<TextRange> {
        let index = &self.parse.line_index;
        let last = index.lines(TextRange::new(node.range.start(), node.args_range.end())).last;
        let mut found = Vec::new();
        for line in node.lines.first + 1..=last {
            let start = index.start_of(line);
            let rest = self.text.get(start..).unwrap_or("");
            let rest = rest.split('\n').next().unwrap_or("");
            let len = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            if !rest.trim().is_empty() {
                found.push(TextRange::new(start, start + len));
            }
        }
        found
    }

    fn indentation(&mut self) {
        let is_comment =
            |range: &TextRange| self.text.get(range.end()..).is_some_and(|rest| rest.starts_with('#'));
        let mut styles: Vec<(&str, usize)> = Vec::new();
        for node in &self.parse.nodes {
            let first =
                self.continued(node).into_iter().find(|range| !is_comment(range) && !range.is_empty());
            let Some(style) = first.map(|range| range.of(self.text)) else { continue };
            match styles.iter_mut().find(|(known, _)| *known == style) {
                Some((_, n)) => *n += 1,
                None => styles.push((style, 1)),
            }
        }
        // Of equally many the one that comes first.
        let most = styles.iter().rev().max_by_key(|(_, n)| *n);
        let style = most.map_or("    ", |(style, _)| *style).to_owned();
        let parse = self.parse;
        for node in &parse.nodes {
            let lines = self.continued(node);
            if lines.iter().all(|range| range.of(self.text) == style) || node.sub.is_some() {
                continue;
            }
            let mut alone = Fix { label: String::new(), edits: Vec::new() };
            let start = node.range.start();
            for range in &lines {
                let range = TextRange::new(range.start() - start, range.end() - start);
                alone.edits.push(TextEdit { range, insert: style.clone() });
            }
            let front = if parse.escape == '`' { "# escape=`\n" } else { "" };
            let before = self.text.get(start..node.args_range.end()).unwrap_or("");
            let after = alone.apply(before);
            let read = |text: &str| self::parse(&format!("{front}{text}"));
            let (before, after) = (read(before), read(&after));
            if same_nodes(&before.nodes, &after.nodes) {
                lines.iter().for_each(|range| self.replace(*range, &style));
            }
        }
    }

    fn lines(&mut self) {
        let parse = self.parse;
        let newline = if self.text.split_once('\n').is_some_and(|(line, _)| line.ends_with('\r')) {
            "\r\n"
        } else {
            "\n"
        };
        let n_lines = u32::try_from(parse.line_index.n_lines()).unwrap_or(u32::MAX);
        let stages = self.stage_lines();
        // How many blank lines stand right above, and where they begin.
        let mut blanks: Option<(usize, u32)> = None;
        let mut has_text = false;
        for line in 1..=n_lines {
            let start = parse.line_index.start_of(line);
            let end = if line < n_lines { parse.line_index.start_of(line + 1) } else { self.text.len() };
            let full = self.text.get(start..end).unwrap_or("");
            if full.is_empty() {
                continue;
            }
            let body = full.trim_end_matches(['\n', '\r']);
            let visible = body.trim_end_matches([' ', '\t']);
            let node = parse.nodes.partition_point(|node| node.lines.first <= line);
            let node = node.checked_sub(1).and_then(|idx| parse.nodes.get(idx));
            let node = node.filter(|node| node.lines.last >= line);
            if node.is_none()
                && visible.trim_start_matches('\u{feff}').is_empty()
                && self.is_plain(start, end)
            {
                let (first, n) = blanks.unwrap_or((start, 0));
                blanks = Some((first, n + 1));
                continue;
            }
            match blanks.take() {
                // The mark of the encoding has to stay where it is.
                Some((first, _))
                    if self.text.get(first..).is_some_and(|rest| rest.starts_with('\u{feff}')) => {}
                Some((first, n)) => {
                    let is_wanted = n == 1 && self.text.get(first..start) == Some(newline);
                    if !is_wanted {
                        self.replace(TextRange::new(first, start), newline);
                    }
                }
                None if has_text && stages.contains(&line) => {
                    self.replace(TextRange::new(start, start), newline);
                }
                None => {}
            }
            has_text = true;
            let is_trigger = node.is_some_and(|node| node.sub.is_some());
            if !is_trigger && self.is_plain(start, end) {
                self.replace(TextRange::new(start + visible.len(), start + body.len()), "");
            }
        }
        if !has_text {
            return;
        }
        match blanks {
            Some((first, _)) => self.replace(TextRange::new(first, self.text.len()), ""),
            None if !self.text.ends_with('\n') => {
                let end = TextRange::new(self.text.len(), self.text.len());
                self.replace(end, newline);
            }
            None => {}
        }
    }

    /// Nothing on these lines is content or decides by its blanks.
    fn is_plain(&self, start: usize, end: usize) -> bool {
        let tokens = &self.parse.tokens;
        let first = tokens.partition_point(|token| token.range.end() <= start);
        let touched = tokens.iter().skip(first).take_while(|token| token.range.start() < end);
        touched.into_iter().all(|token| {
            !matches!(
                token.kind,
                TokenKind::HeredocBody | TokenKind::HeredocEnd | TokenKind::Directive | TokenKind::Unread
            )
        })
    }

    /// The lines that stages begin on, the first stage left out: with the
    /// comments right above the FROM.
    fn stage_lines(&self) -> Vec<u32> {
        let index = &self.parse.line_index;
        let is_comment = |line: u32| {
            let start = index.start_of(line);
            let first = self.parse.tokens.partition_point(|token| token.range.end() <= start);
            let visible = self.parse.tokens.iter().skip(first).find(|token| token.kind != TokenKind::Space);
            visible.is_some_and(|token| {
                token.kind == TokenKind::Comment && index.line(token.range.start()) == line
            })
        };
        let mut found = Vec::new();
        let mut last = 0;
        let mut n_stages = 0;
        for node in &self.parse.nodes {
            if node.keyword_upper() == "FROM" {
                n_stages += 1;
                let mut line = node.lines.first;
                while line > last + 1 && is_comment(line - 1) {
                    line -= 1;
                }
                if n_stages > 1 {
                    found.push(line);
                }
            }
            last = node.lines.last;
        }
        found
    }
}

/// Both texts mean the same to a builder.
fn is_same(before_text: &str, before: &Parse, after_text: &str) -> bool {
    let after = parse(after_text);
    let directives = |parse: &Parse| -> Vec<(String, String)> {
        let named = parse.directives.iter();
        named.map(|directive| (directive.name.clone(), directive.value.value.clone())).collect()
    };
    let value = |found: Option<crate::dockerfile::syntax::Directive>| found.map(|found| found.value.value);
    directives(before) == directives(&after)
        && before.escape == after.escape
        && value(directive::syntax(before_text)) == value(directive::syntax(after_text))
        && value(directive::check(before_text)) == value(directive::check(after_text))
        && before.refusals.len() == after.refusals.len()
        && same_nodes(&before.nodes, &after.nodes)
}

fn same_nodes(before: &[Node], after: &[Node]) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|(before, after)| same_node(before, after))
}

/// All that a builder reads of an instruction is equal, keywords in any case.
fn same_node(before: &Node, after: &Node) -> bool {
    let keyword = before.keyword_upper();
    let free = match keyword.as_str() {
        "FROM" => Some(1),
        "HEALTHCHECK" => Some(0),
        _ => None,
    };
    let same_words = |before: &[Spanned], after: &[Spanned]| {
        before.len() == after.len()
            && before.iter().zip(after).enumerate().all(|(idx, (before, after))| {
                before.value == after.value
                    || free == Some(idx) && before.value.eq_ignore_ascii_case(&after.value)
            })
    };
    let behind_keyword = |node: &Node| {
        let line = node.original.trim_start();
        line.get(node.keyword.value.len()..).map(str::to_owned)
    };
    let same_bodies = before.heredocs.len() == after.heredocs.len()
        && before
            .heredocs
            .iter()
            .zip(&after.heredocs)
            .all(|(before, after)| before.word == after.word && before.content == after.content);
    keyword == after.keyword_upper()
        && same_words(&before.flags, &after.flags)
        && same_words(&before.args, &after.args)
        && before.is_json == after.is_json
        && before.comments == after.comments
        && same_bodies
        && before.sub.is_some() == after.sub.is_some()
        && (before.sub.is_none() || behind_keyword(before) == behind_keyword(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str) {
        let once = format(before, &Dockerfile::read(before)).apply(before);
        assert_eq!(once, after);
        assert_eq!(format(&once, &Dockerfile::read(&once)).edits, [], "twice is as once: {once:?}");
    }

    #[test]
    fn keywords_and_blanks() {
        check(
            "from x as a  \nRUN a\t\nRun b\nHEALTHCHECK none",
            "FROM x AS a\nRUN a\nRUN b\nHEALTHCHECK NONE\n",
        );
        check("from x AS a\nrun b\nCMD c\n", "from x as a\nrun b\ncmd c\n");
        check("ARG a\nfrom x\n", "arg a\nfrom x\n");
        check("FROM x \\  \r\n  AS a \r\n", "FROM x \\\r\n  AS a\r\n");
        check("FROMM x\nFROM x\n", "FROMM x\nFROM x\n");
    }

    #[test]
    fn blank_lines() {
        check(
            "FROM x\n\n \n\nRUN a\nFROM y\n# b\n# c\nFROM z\n\n\n",
            "FROM x\n\nRUN a\n\nFROM y\n\n# b\n# c\nFROM z\n",
        );
        check("ARG V\nFROM x\r\nFROM y", "ARG V\nFROM x\r\n\nFROM y\n");
        check("FROM x\r\nFROM y", "FROM x\r\n\r\nFROM y\r\n");
        check("\n\n# syntax=a\nFROM x\n", "\n# syntax=a\nFROM x\n");
        check("", "");
        check(" \n\n", " \n\n");
    }

    #[test]
    fn continued_lines_take_the_style_of_most() {
        check(
            "FROM x\nCOPY a \\\n  b /\nLABEL a=b \\\n      c=d \\\n# e\n      f=g\nRUN a && \\\n  b\n",
            "FROM x\nCOPY a \\\n  b /\nLABEL a=b \\\n  c=d \\\n  # e\n  f=g\nRUN a && \\\n  b\n",
        );
        check("FROM x\nCOPY a \\\nb /\n", "FROM x\nCOPY a \\\n    b /\n");
        check(
            "FROM x\nRUN --network=none \\\n  --mount=target=/x \\\n\ta\nCOPY a \\\n\tb /\n",
            "FROM x\nRUN --network=none \\\n  --mount=target=/x \\\n  a\nCOPY a \\\n  b /\n",
        );
    }

    #[test]
    fn what_a_builder_would_read_otherwise_stays() {
        // The blanks are part of the command, of the value, of the trigger, of the content.
        for text in [
            "FROM x\nCOPY a \\\n    b /\nRUN a && \\\n  b && \\\n      c\n",
            "FROM x\nCOPY a \\\n    b /\nENV A=\"a \\\n  b\" \\\n      C=d\n",
            "FROM x\nCOPY a\\\nb /c \\\n  /d\n",
            "FROM x\nONBUILD run a  \n",
            "FROM x\nRUN <<E  \\\n  a\n  b  \n\n\n\nE\n",
            "# escape=`\nFROM x\nCOPY a `\n    b\\ /\n",
            "# check=skip=all \nFROM x\n",
            "FROM x\nRUN <<E\nnever ends  \n",
        ] {
            check(text, text);
        }
    }
}
