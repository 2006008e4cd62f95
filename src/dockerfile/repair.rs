//! Mechanical repairs of what is refused, where one is certain enough to offer.

use super::error::Problem;
use super::instruction::is_stage_name;
use super::json::exec_form;
use super::syntax::Node;
use crate::diagnostic::{Fix, TextEdit, nearest};
use crate::text::TextRange;

fn delete(label: &str, range: TextRange) -> Fix {
    Fix { label: label.to_owned(), edits: vec![TextEdit { range, insert: String::new() }] }
}

/// The repair of a mistake of the parser, which has no instruction.
pub(super) fn of_text(text: &str, problem: &Problem, range: TextRange) -> Option<Fix> {
    match problem {
        Problem::DirectiveTwice { .. } => {
            let rest = text.get(range.end()..).unwrap_or("");
            let len = rest.find('\n').map_or(rest.len(), |at| at + 1);
            let end = range.end() + len;
            Some(delete("delete the second one", TextRange::new(range.start(), end)))
        }
        _ => None,
    }
}

/// The repair of a mistake in an instruction.
pub(super) fn of_node(text: &str, node: &Node, problem: &Problem, range: TextRange) -> Option<Fix> {
    let written = range.of(text);
    // A word may be written with quotes, or over two lines.
    let replace = |word: &str, insert: &str| (written == word).then(|| Fix::replace(range, insert));
    match problem {
        Problem::UnknownInstruction { nearest: Some(nearest), .. } => {
            Some(Fix::replace(range, nearest.clone()))
        }
        Problem::UnknownFlag { name, nearest: Some(nearest) } => {
            let start = range.start() + "--".len();
            let written = TextRange::new(start, start + name.len());
            (written.of(text) == name).then(|| Fix::replace(written, nearest.clone()))
        }
        Problem::DuplicateFlag { name } => {
            let value =
                |word: &str| word.trim_start_matches('-').split_once('=').map(|(_, value)| value.to_owned());
            let is_it = |word: &&super::syntax::Spanned| {
                word.value.trim_start_matches('-').split('=').next() == Some(name)
            };
            let mut given = node.flags.iter().filter(is_it);
            let (first, second) = (given.next()?, given.next()?);
            if value(&first.value) != value(&second.value) {
                return None;
            }
            let before = text.get(..second.range.start())?;
            let start = before.trim_end_matches([' ', '\t']).len();
            Some(delete("delete the second one", TextRange::new(start, second.range.end())))
        }
        Problem::NotBoolean { value, .. } => {
            let wanted = match value.to_ascii_lowercase().as_str() {
                "1" | "t" | "y" | "yes" | "on" => "true",
                "0" | "f" | "n" | "no" | "off" => "false",
                _ => nearest(value, ["true", "false"], true)?,
            };
            let end = range.end();
            let range = TextRange::new(end.saturating_sub(value.len()), end);
            (range.of(text) == value && !value.is_empty()).then(|| Fix::replace(range, wanted))
        }
        Problem::NetworkMode { mode } => replace(mode, nearest(mode, ["default", "none", "host"], true)?),
        Problem::SecurityMode { mode } => replace(mode, nearest(mode, ["sandbox", "insecure"], true)?),
        Problem::HealthcheckType { kind } if written.eq_ignore_ascii_case(kind) => {
            Some(Fix::replace(range, nearest(kind, ["CMD", "NONE"], true)?))
        }
        Problem::HealthcheckNoneArguments => {
            let start = range.start() + "NONE".len();
            Some(delete("delete what follows NONE", TextRange::new(start, range.end())))
        }
        Problem::BadValue(_) if written.bytes().all(|byte| byte.is_ascii_digit()) => {
            let is_duration = node.keyword_upper() == "HEALTHCHECK"
                && node
                    .flags
                    .iter()
                    .any(|flag| !flag.value.starts_with("--retries=") && flag.range.contains(range));
            (is_duration && !written.is_empty()).then(|| Fix::replace(range, format!("{written}s")))
        }
        Problem::ShellForm => Some(Fix::replace(range, exec_form(written)?)),
        Problem::FromArguments => {
            let is_lower = node.keyword.value.bytes().all(|byte| byte.is_ascii_lowercase());
            let word = if is_lower { "as" } else { "AS" };
            match node.args.as_slice() {
                [_, name] if is_stage_name(&name.value) && !name.value.eq_ignore_ascii_case("as") => {
                    let at = TextRange::new(name.range.start(), name.range.start());
                    let edits = vec![TextEdit { range: at, insert: format!("{word} ") }];
                    Some(Fix { label: format!("name the stage by `{word}`"), edits })
                }
                [_, middle, name] if is_stage_name(&name.value) => {
                    let range = Some(middle.range).filter(|range| range.of(text) == middle.value)?;
                    nearest(&middle.value, ["as"], true).map(|_| Fix::replace(range, word))
                }
                _ => None,
            }
        }
        Problem::OnbuildChain => {
            let inner = node.sub.as_deref()?.sub.as_deref()?;
            let range = TextRange::new(range.start(), inner.keyword.range.start());
            Some(delete("delete the second ONBUILD", range))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::dockerfile::stage::Dockerfile;

    /// The repair, after which nothing is refused.
    #[track_caller]
    fn check(before: &str, after: &str) {
        let file = Dockerfile::read(before);
        let fix = file.refusals[0].fix.as_ref().unwrap();
        assert_eq!(fix.apply(before), after);
        assert_eq!(Dockerfile::read(after).refusals, [], "{after}");
    }

    #[track_caller]
    fn check_none(text: &str) {
        let file = Dockerfile::read(text);
        assert!(
            !file.refusals.is_empty() && file.refusals.iter().all(|refusal| refusal.fix.is_none()),
            "{text}"
        );
    }

    #[test]
    fn words_that_are_nearly_right() {
        check("FORM a\n", "FROM a\n");
        check("FROM a\nCOPY --form=b c d\n", "FROM a\nCOPY --from=b c d\n");
        check("FROM a\nRUN --network=nonee b\n", "FROM a\nRUN --network=none b\n");
        check("FROM a\nRUN --security=Insecur b\n", "FROM a\nRUN --security=insecure b\n");
        check("FROM a\nHEALTHCHECK CDM b\n", "FROM a\nHEALTHCHECK CMD b\n");
        check("FROM a\nCOPY --link=yes b c\n", "FROM a\nCOPY --link=true b c\n");
        check("FROM a\nCOPY --link=flase b c\n", "FROM a\nCOPY --link=false b c\n");
        check("FROM a SA b\n", "FROM a AS b\n");
        check_none("FROM a\nRUN --network=bridge b\n");
        check_none("FROM a\nCOPY --link=maybe b c\n");
    }

    #[test]
    fn what_is_too_much_or_missing() {
        check("# syntax=a\n# syntax=b\nFROM c\n", "# syntax=a\nFROM c\n");
        check("FROM a\nCOPY --link --link b c\n", "FROM a\nCOPY --link b c\n");
        check("FROM a\nHEALTHCHECK NONE b\n", "FROM a\nHEALTHCHECK NONE\n");
        check("FROM a\nHEALTHCHECK --interval=30 CMD b\n", "FROM a\nHEALTHCHECK --interval=30s CMD b\n");
        check("FROM a\nSHELL /bin/bash -c\n", "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\n");
        check("FROM a build\n", "FROM a AS build\n");
        check("from a build\n", "from a as build\n");
        check("FROM a\nONBUILD ONBUILD RUN b\n", "FROM a\nONBUILD RUN b\n");
        check_none("FROM a\nCOPY --chmod=1 --chmod=2 b c\n");
        check_none("FROM a AS\n");
        check_none("FROM a\nSHELL /bin/bash -c $x\n");
    }
}
