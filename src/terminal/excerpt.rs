//! The lines of a Dockerfile around an error, as BuildKit shows them.
//!
//! See `Source.Print` in BuildKit's `solver/errdefs`.

use crate::text::Lines;

/// How wide the rules above and below are.
const RULE: &str = "--------------------";

/// The excerpt; nothing where no line is named, or one that is not there.
pub(super) fn excerpt(name: &str, text: &str, marked: &[Lines]) -> Vec<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let n_lines = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let bounds = marked.iter().map(|it| it.first).min().zip(marked.iter().map(|it| it.last).max());
    let Some((first, last)) = bounds.filter(|(first, _)| (1..=n_lines).contains(first)) else {
        return Vec::new();
    };
    let (mut start, mut end) = (first, last.clamp(first, n_lines));
    // A single line is shown with two on either side, several with one; what one side
    // lacks the other has more of.
    let n_padding = if start == end { 4 } else { 2 };
    let mut n_added = 0;
    while n_added < n_padding {
        if start > 1 {
            start -= 1;
            n_added += 1;
        }
        if end < n_lines {
            end += 1;
            n_added += 1;
        }
        n_added += 1;
    }
    let mut shown = vec![format!("{name}:{first}"), RULE.to_owned()];
    for (number, line) in (1..=n_lines).zip(&lines).filter(|(number, _)| (start..=end).contains(number)) {
        let is_marked = marked.iter().any(|it| (it.first..=it.last.max(it.first)).contains(&number));
        let mark = if is_marked { ">>>" } else { "   " };
        shown.push(format!(" {number:>3} | {mark} {line}"));
    }
    shown.push(RULE.to_owned());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, marked: &[(u32, u32)]) -> String {
        let marked: Vec<Lines> =
            marked.iter().map(|(first, last)| Lines { first: *first, last: *last }).collect();
        excerpt("Dockerfile", text, &marked).join("\n")
    }

    #[test]
    fn around_lines() {
        let text = "FROM a\nRUN b\nRUN c\nRUN d \\\n  e\nRUN f";
        let rule = RULE;
        let expected = format!(
            "Dockerfile:3\n{rule}\n   1 |     FROM a\n   2 |     RUN b\n   3 | >>> RUN c\n   4 |     RUN d \\\n   5 |       e\n{rule}"
        );
        assert_eq!(shown(text, &[(3, 3)]), expected);
        let expected = format!(
            "Dockerfile:4\n{rule}\n   3 |     RUN c\n   4 | >>> RUN d \\\n   5 | >>>   e\n   6 |     RUN f\n{rule}"
        );
        assert_eq!(shown(text, &[(4, 5)]), expected);
        assert_eq!(
            shown("a\n", &[(1, 1)]),
            format!("Dockerfile:1\n{rule}\n   1 | >>> a\n   2 |     \n{rule}")
        );
        assert_eq!(shown("a", &[(0, 0)]), "");
        assert_eq!(shown("a", &[(3, 3)]), "");
        assert_eq!(shown("a", &[]), "");
    }
}
