//! What can be folded: stages, heredocs, instructions over several lines, blocks of comments.
//!
//! A fold hides what stands behind its first line, so its range begins at the
//! end of that line and ends at the end of the last one, newline excluded.

use super::outline::Outline;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::{Node, TokenKind};
use crate::text::{Lines, TextRange};

/// What is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoldKind {
    /// A stage, with its FROM left visible.
    Stage,
    /// The body of a heredoc and its end.
    Heredoc,
    /// The lines that continue an instruction.
    Instruction,
    /// Comments in a row.
    Comments,
}

/// Something that can be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// What is hidden.
    pub range: TextRange,
    /// What it is.
    pub kind: FoldKind,
    /// What is shown in its place.
    pub label: String,
}

/// Everything that can be folded, by where it begins; of equal beginnings the larger first.
#[must_use]
pub fn folds(text: &str, file: &Dockerfile) -> Vec<Fold> {
    let outline = Outline::of(file);
    let mut folds = Folds { text, file, found: Vec::new() };
    for stage in &outline.stages {
        folds.stage(outline.nodes.get(stage.from..stage.end).unwrap_or(&[]));
    }
    outline.nodes.iter().for_each(|node| folds.node(node));
    folds.comments();
    let mut found = folds.found;
    found.sort_by_key(|fold| (fold.range.start(), std::cmp::Reverse(fold.range.end())));
    found
}

struct Folds<'a> {
    text: &'a str,
    file: &'a Dockerfile,
    found: Vec<Fold>,
}

impl Folds<'_> {
    fn add(&mut self, kind: FoldKind, lines: Lines, label: String) {
        if lines.first >= lines.last {
            return;
        }
        let range = TextRange::new(self.end_of(lines.first), self.end_of(lines.last));
        self.found.push(Fold { range, kind, label });
    }

    /// Where a line ends, without its newline.
    fn end_of(&self, line: u32) -> usize {
        let start = self.file.parse.line_index.start_of(line);
        let rest = self.text.get(start..).unwrap_or("");
        start + rest.split('\n').next().unwrap_or("").trim_end_matches('\r').len()
    }

    fn stage(&mut self, nodes: &[Node]) {
        let [from, below @ ..] = nodes else { return };
        let Some(last) = below.last() else { return };
        // A FROM over several lines stays visible.
        let lines = Lines { first: from.lines.last, last: self.last_line(last) };
        let label = match below.len() {
            1 => "1 instruction".to_owned(),
            n => format!("{n} instructions"),
        };
        self.add(FoldKind::Stage, lines, label);
    }

    /// The last line with something of an instruction on it.
    fn last_line(&self, node: &Node) -> u32 {
        self.file.parse.line_index.lines(node.range).last
    }

    fn node(&mut self, node: &Node) {
        let index = &self.file.parse.line_index;
        let head =
            index.lines(TextRange::new(node.range.start(), node.args_range.end().max(node.range.start())));
        let n_more = head.last.saturating_sub(head.first);
        let label = if n_more == 1 { "1 more line".to_owned() } else { format!("{n_more} more lines") };
        let mut first = head.last;
        let bodies: Vec<(Lines, usize)> = node
            .heredocs
            .iter()
            .map(|heredoc| {
                let end = index.line(heredoc.range.end());
                let lines = Lines { first, last: end };
                first = end;
                (lines, heredoc.content.lines().count())
            })
            .filter(|(lines, _)| lines.last <= self.last_line(node))
            .collect();
        self.add(FoldKind::Instruction, head, label);
        for (lines, n_lines) in bodies {
            let label = if n_lines == 1 { "1 line".to_owned() } else { format!("{n_lines} lines") };
            self.add(FoldKind::Heredoc, lines, label);
        }
    }

    /// Comments in rows of at least two, outside of instructions and directives.
    fn comments(&mut self) {
        let index = &self.file.parse.line_index;
        let mut blocks: Vec<Lines> = Vec::new();
        for token in self.file.parse.tokens.iter().filter(|token| token.kind == TokenKind::Comment) {
            let line = index.line(token.range.start());
            match blocks.last_mut() {
                Some(block) if block.last + 1 == line => block.last = line,
                _ => blocks.push(Lines { first: line, last: line }),
            }
        }
        for block in blocks {
            let label = format!("{} lines", block.last - block.first + 1);
            let before = self.file.parse.nodes.partition_point(|node| node.lines.first <= block.first);
            let node = before.checked_sub(1).and_then(|idx| self.file.parse.nodes.get(idx));
            if node.is_none_or(|node| node.lines.last < block.first) {
                self.add(FoldKind::Comments, block, label);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, expected: &Expect) {
        let mut shown = String::new();
        for fold in folds(text, &Dockerfile::read(text)) {
            shown += &format!("{:?} {}: {:?}\n", fold.kind, fold.label, fold.range.of(text));
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn all_kinds() {
        check(
            "# a\n# b\nFROM x\nRUN a \\\n  # c\n  # d\n  b\nRUN <<A <<B\n1\nA\n2\n3\nB\n\nFROM y\r\nCMD z\r\n",
            &expect![[r#"
                Comments 2 lines: "\n# b"
                Stage 2 instructions: "\nRUN a \\\n  # c\n  # d\n  b\nRUN <<A <<B\n1\nA\n2\n3\nB"
                Instruction 3 more lines: "\n  # c\n  # d\n  b"
                Heredoc 1 line: "\n1\nA"
                Heredoc 2 lines: "\n2\n3\nB"
                Stage 1 instruction: "\r\nCMD z"
            "#]],
        );
    }

    #[test]
    fn nothing_to_fold() {
        check("FROM x\n", &expect![[""]]);
        check(
            "FROM x\nRUN <<E\nnever ends\n",
            &expect![[r#"
            Stage 2 instructions: "\nRUN <<E\nnever ends"
        "#]],
        );
        check("# escape=`\n# a\nFROM x \\\n\n", &expect![[""]]);
    }
}
