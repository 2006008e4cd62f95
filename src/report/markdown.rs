//! A report as Markdown for a pull request, as
//! [GitHub](https://github.github.com/gfm/) reads it.
//!
//! Whatever comes from a user's text shows as itself: nothing in it makes a column, a tag, a
//! mention, a reference to an issue or a formula.

use super::{Instruction, Report, Verdict};

/// Longer instructions are cut.
const MAX_CODE_CHARS: usize = 120;

/// Longer reasons are cut.
const MAX_REASON_CHARS: usize = 240;

/// GitHub takes 65,536 characters in a comment, and somebody may want to add some.
const MAX_CHARS: usize = 60_000;

/// Writes it.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut out = format!("**Docker build:** {}\n", plain(&report.summary, usize::MAX));
    for note in &report.notes {
        out.push_str(&format!("\n- {}.\n", plain(note, MAX_REASON_CHARS)));
    }
    let (busy, rest): (Vec<&Instruction>, Vec<&Instruction>) =
        report.instructions.iter().partition(|it| it.verdict.is_busy());
    if !busy.is_empty() {
        out.push('\n');
        table(&busy, &mut out);
    }
    causes(report, &mut out);
    costs(&busy, &mut out);
    if !rest.is_empty() {
        out.push_str(&format!(
            "\n<details>\n<summary>{}</summary>\n\n",
            rest_in_words(&rest, !busy.is_empty())
        ));
        table(&rest, &mut out);
        out.push_str("\n</details>\n");
    }
    for problem in &report.option_problems {
        out.push_str(&format!("\n{}.\n", plain(problem, MAX_REASON_CHARS)));
    }
    out.push_str(&format!(
        "\nCommand: {} ({})\n",
        code(&report.command, usize::MAX),
        plain(&report.builder, 80)
    ));
    out.push_str(&format!(
        "\n<sub>{} Predicted by Layerlab {}, not built.</sub>\n",
        compared(report),
        plain(&report.page, 80)
    ));
    out
}

fn table(rows: &[&Instruction], out: &mut String) {
    let has_bytes = rows.iter().any(|row| row.layer_bytes.is_some());
    out.push_str("| Line | Instruction | Verdict | Reason |");
    out.push_str(if has_bytes {
        " Layer |\n| ---: | --- | --- | --- | ---: |\n"
    } else {
        "\n| ---: | --- | --- | --- |\n"
    });
    for (idx, row) in rows.iter().enumerate() {
        if out.chars().count() > MAX_CHARS {
            out.push_str(&format!(
                "\n{} more are left out, since a comment takes no more text.\n",
                rows.len() - idx
            ));
            return;
        }
        let cause = if row.is_first_cause { " **(first cause)**" } else { "" };
        out.push_str(&format!(
            "| {} | {} | {} {}{cause} | {} |",
            row.line,
            code(&row.code, MAX_CODE_CHARS),
            row.verdict.sign(),
            row.verdict.label(),
            plain(&row.reason, MAX_REASON_CHARS),
        ));
        if has_bytes {
            let bytes = row.layer_bytes.map_or(String::new(), size);
            out.push_str(&format!(" {bytes} |"));
        }
        out.push('\n');
    }
}

/// First causes and what they drag along.
fn causes(report: &Report, out: &mut String) {
    for cause in report.instructions.iter().filter(|it| it.is_first_cause) {
        let lines_of = |verdict: fn(Verdict) -> bool| -> Vec<u32> {
            report.dragged_along(cause).filter(|it| verdict(it.verdict)).map(|it| it.line).collect()
        };
        let surely = lines_of(|verdict| verdict != Verdict::Conditional);
        let perhaps = lines_of(|verdict| verdict == Verdict::Conditional);
        let said = format!("line {}, {}", cause.line, plain(&cause.reason, MAX_REASON_CHARS));
        out.push_str(&format!("\n**First cause:** {said}."));
        match (surely.is_empty(), perhaps.is_empty()) {
            (true, true) => out.push_str(" Nothing else follows it."),
            (false, _) => out.push_str(&format!(" It drags along {}.", in_words(&surely))),
            (true, false) => {}
        }
        if !perhaps.is_empty() {
            let verb = if perhaps.len() == 1 { "follows" } else { "follow" };
            out.push_str(&format!(
                " Whether {} {verb}, the bytes that reruns write decide.",
                in_words(&perhaps)
            ));
        }
        out.push('\n');
    }
}

/// `line 3`, `lines 3, 4 and 7`.
fn in_words(lines: &[u32]) -> String {
    let label = if lines.len() == 1 { "line" } else { "lines" };
    let all: Vec<String> = lines.iter().map(u32::to_string).collect();
    match all.split_last() {
        Some((last, [])) => format!("{label} {last}"),
        Some((last, rest)) => format!("{label} {} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What is known of the layers that are made anew.
fn costs(busy: &[&Instruction], out: &mut String) {
    let known: Vec<(u64, &str)> = busy
        .iter()
        .filter(|row| row.verdict == Verdict::Rebuild)
        .filter_map(|row| Some((row.layer_bytes?, row.layer_bytes_from.unwrap_or("not said where"))))
        .collect();
    if known.is_empty() {
        return;
    }
    let total = known.iter().fold(0_u64, |total, (bytes, _)| total.saturating_add(*bytes));
    let mut sources: Vec<&str> = known.iter().map(|(_, source)| *source).collect();
    sources.sort_unstable();
    sources.dedup();
    let n_rebuilt = busy.iter().filter(|row| row.verdict == Verdict::Rebuild).count();
    out.push_str(&format!(
        "\n**Known cost:** {} of layers are written anew, as far as {} of {n_rebuilt} tell ({}).\n",
        size(total),
        known.len(),
        sources.join(", ")
    ));
}

fn rest_in_words(rest: &[&Instruction], is_besides: bool) -> String {
    let mut parts = Vec::new();
    for verdict in [Verdict::Cached, Verdict::Metadata, Verdict::Pruned] {
        let n = rest.iter().filter(|it| it.verdict == verdict).count();
        if n > 0 {
            parts.push(format!("{n} {}", verdict.label()));
        }
    }
    let label = if rest.len() == 1 { "instruction" } else { "instructions" };
    let more = if is_besides { "more " } else { "" };
    format!("{} {more}{label}: {}", rest.len(), parts.join(", "))
}

/// What the verdicts were compared with.
fn compared(report: &Report) -> String {
    match report.compared_with.as_slice() {
        [] => "Compared with an empty cache: nothing was built before.".to_owned(),
        [only] => {
            format!("Compared with {} ({}).", plain(&only.label, 80), plain(&only.note, MAX_REASON_CHARS))
        }
        [.., last] => {
            let n = report.compared_with.len();
            let (label, note) = (plain(&last.label, 80), plain(&last.note, MAX_REASON_CHARS));
            format!("Compared with what {n} events left in the cache, the last of them {label} ({note}).")
        }
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    let mut whole = bytes;
    let mut part = 0;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if whole < 1000 || unit == "TB" {
            return if unit == "B" { format!("{whole} B") } else { format!("{whole}.{part} {unit}") };
        }
        part = whole % 1000 / 100;
        whole /= 1000;
    }
    String::new()
}

/// Shortened at its end, without what would break a line or turn it around.
fn one_line(text: &str, max_chars: usize) -> String {
    let tame = |ch: char| match ch {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        ch if ch.is_control() || ch.is_whitespace() => ' ',
        ch => ch,
    };
    let mut chars = text.chars().map(tame);
    let mut short: String = chars.by_ref().take(max_chars).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short.trim().to_owned()
}

/// A code span. In a table a bar ends the cell even there, so that it is escaped as GitHub asks.
fn code(text: &str, max_chars: usize) -> String {
    let text = one_line(text, max_chars);
    // The fence is longer than every run of backticks within.
    let (mut longest, mut run) = (0, 0);
    for ch in text.chars() {
        run = if ch == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// Text that shows as itself.
fn plain(text: &str, max_chars: usize) -> String {
    let text = one_line(text, max_chars);
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(ch) = chars.next() {
        let is_before_word = chars.peek().is_some_and(|next| next.is_alphanumeric());
        match ch {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A formula begins with it, whether escaped or not.
            '$' => out.push_str("<span>$</span>"),
            // Nobody is called, and no issue is referred to: something without width stands between.
            '@' | '#' if is_before_word => {
                out.push(ch);
                out.push_str("&#8203;");
            }
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(ch);
            }
            _ => out.push(ch),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::Moment;
    use super::*;

    fn row(line: u32, text: &str, verdict: Verdict, reason: &str) -> Instruction {
        Instruction {
            line,
            last_line: line,
            code: text.to_owned(),
            verdict,
            reason: reason.to_owned(),
            is_first_cause: false,
            first_cause_line: None,
            layer_bytes: None,
            layer_bytes_from: None,
        }
    }

    fn report(instructions: Vec<Instruction>) -> Report {
        Report {
            page: "abc123".into(),
            builder: "BuildKit in Docker".into(),
            command: "docker build .".into(),
            summary: "2 of 5 steps cached, 3 rebuild. First cause: line 3, package.json changed.".into(),
            compared_with: vec![Moment {
                label: "Build 1".into(),
                note: "docker build .: 0 cached, 5 run".into(),
            }],
            instructions,
            ..Report::default()
        }
    }

    fn check(report: &Report, expected: Expect) {
        expected.assert_eq(&write(report));
    }

    #[test]
    fn a_rebuild() {
        let cause = Instruction {
            is_first_cause: true,
            first_cause_line: Some(3),
            ..row(3, "COPY package*.json ./", Verdict::Rebuild, "package.json changed")
        };
        let follows = |row| Instruction { first_cause_line: Some(3), ..row };
        check(
            &report(vec![
                row(1, "FROM node:alpine", Verdict::Cached, "nothing changed"),
                row(2, "WORKDIR /app", Verdict::Cached, "nothing changed"),
                cause,
                Instruction {
                    layer_bytes: Some(92_345_678),
                    layer_bytes_from: Some("told by the reader"),
                    ..follows(row(4, "RUN npm install", Verdict::Rebuild, "it stands on line 3"))
                },
                follows(row(5, "COPY --from=a /x /x", Verdict::Conditional, "it depends")),
                row(6, "CMD [\"npm\"]", Verdict::Metadata, "no step"),
            ]),
            expect![[r#"
                **Docker build:** 2 of 5 steps cached, 3 rebuild. First cause: line 3, package.json changed.

                | Line | Instruction | Verdict | Reason | Layer |
                | ---: | --- | --- | --- | ---: |
                | 3 | `COPY package*.json ./` | ↻ rebuilds **(first cause)** | package.json changed |  |
                | 4 | `RUN npm install` | ↻ rebuilds | it stands on line 3 | 92.3 MB |
                | 5 | `COPY --from=a /x /x` | ≈ conditional | it depends |  |

                **First cause:** line 3, package.json changed. It drags along line 4. Whether line 5 follows, the bytes that reruns write decide.

                **Known cost:** 92.3 MB of layers are written anew, as far as 1 of 2 tell (told by the reader).

                <details>
                <summary>3 more instructions: 2 cached, 1 metadata only</summary>

                | Line | Instruction | Verdict | Reason |
                | ---: | --- | --- | --- |
                | 1 | `FROM node:alpine` | ✓ cached | nothing changed |
                | 2 | `WORKDIR /app` | ✓ cached | nothing changed |
                | 6 | `CMD ["npm"]` | · metadata only | no step |

                </details>

                Command: `docker build .` (BuildKit in Docker)

                <sub>Compared with Build 1 (docker build .: 0 cached, 5 run). Predicted by Layerlab abc123, not built.</sub>
            "#]],
        );
    }

    #[test]
    fn nothing_to_do() {
        let report = Report {
            summary: "Nothing rebuilds: all 1 steps are cached.".into(),
            notes: vec!["a_b was touched".into()],
            compared_with: Vec::new(),
            ..report(vec![row(1, "FROM a", Verdict::Cached, "same")])
        };
        check(
            &report,
            expect![[r#"
            **Docker build:** Nothing rebuilds: all 1 steps are cached.

            - a\_b was touched.

            <details>
            <summary>1 instruction: 1 cached</summary>

            | Line | Instruction | Verdict | Reason |
            | ---: | --- | --- | --- |
            | 1 | `FROM a` | ✓ cached | same |

            </details>

            Command: `docker build .` (BuildKit in Docker)

            <sub>Compared with an empty cache: nothing was built before. Predicted by Layerlab abc123, not built.</sub>
        "#]],
        );
    }

    #[test]
    fn text_shows_as_itself() {
        for (text, expected) in [
            ("a|b", r"a\|b"),
            ("<b>&amp;</b>", "&lt;b&gt;&amp;amp;&lt;/b&gt;"),
            ("@team #12 a#b", "@&#8203;team #&#8203;12 a#&#8203;b"),
            ("*a* _b_ `c` ~d~", r"\*a\* \_b\_ \`c\` \~d\~"),
            ("$HOME$", "<span>$</span>HOME<span>$</span>"),
            ("![x](y)", r"\!\[x\](y)"),
            ("a\r\n\tb\u{202e}c", "a   b\u{fffd}c"),
        ] {
            assert_eq!(plain(text, 100), expected);
        }
        assert_eq!(plain("äöüß", 3), "äöü…");
    }

    #[test]
    fn code_shows_as_itself() {
        for (text, expected) in [
            ("RUN a | b", r"`RUN a \| b`"),
            (r"sed s/a\|b/c/", r"`sed s/a\\|b/c/`"),
            ("RUN `x` ``y``", "``` RUN `x` ``y`` ```"),
            ("`", "`` ` ``"),
            ("@team <b> $x", "`@team <b> $x`"),
            ("", "`  `"),
        ] {
            assert_eq!(code(text, 100), expected);
        }
        assert_eq!(code(&"x".repeat(200), 10), format!("`{}…`", "x".repeat(10)));
    }

    #[test]
    fn a_comment_takes_it() {
        let rows = (1..2_000).map(|line| row(line, &"RUN |".repeat(40), Verdict::Rebuild, &"`".repeat(300)));
        let text = write(&report(rows.collect()));
        assert!(text.chars().count() < 65_000 && text.contains("more are left out"));
    }

    #[test]
    fn sizes() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (92_345_678, "92.3 MB"), (1_000, "1.0 kB")] {
            assert_eq!(size(bytes), text);
        }
        assert!(size(u64::MAX).ends_with(" TB"));
    }
}
