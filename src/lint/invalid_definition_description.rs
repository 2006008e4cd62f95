//! # What it does
//! Finds comments right above an `ARG` or a named `FROM` that do not begin with its name.
//! Only a bare `#` keeps a comment apart, whatever the description says.
//!
//! # Why it is bad
//! Such comments describe arguments and stages in the output of `--call=outline`.
//!
//! # Example
//! ```dockerfile
//! # the version of node
//! ARG VERSION=24
//! ```
//!
//! # Better
//! ```dockerfile
//! # VERSION of node
//! ARG VERSION=24
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/invalid-definition-description/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::{Fix, TextEdit};
use crate::dockerfile::syntax::{Node, Spanned};
use crate::text::TextRange;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "InvalidDefinitionDescription",
    description: "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.",
    url: "https://docs.docker.com/go/dockerfile/rule/invalid-definition-description/",
    is_experimental: true,
};

/// Asked for each instruction once it is known to be valid.
pub(super) fn check(text: &str, node: &Node, findings: &mut Findings) {
    let Some(comment) = node.comments.last() else { return };
    let names: Vec<(&str, TextRange)> = match node.keyword_upper().as_str() {
        "FROM" => node.args.get(2).map(|name| (name.value.as_str(), name.range)).into_iter().collect(),
        "ARG" => {
            let name = |word: &Spanned| word.value.find('=').unwrap_or(word.value.len());
            let named = |word| (word, name(word));
            let words = node.args.iter().map(named);
            words.map(|(word, len)| (word.value.get(..len).unwrap_or(""), word.part(0, len))).collect()
        }
        _ => return,
    };
    let first_word = comment.split(' ').next().unwrap_or("");
    let is_stage = node.keyword_upper() == "FROM";
    // Stage names are compared in lower case.
    let is_name = |name: &str| if is_stage { name.to_lowercase() == first_word } else { name == first_word };
    if names.is_empty() || names.iter().any(|(name, _)| is_name(name)) {
        return;
    }
    let (example, range) = match names.as_slice() {
        [(name, range)] if is_stage => (name.to_lowercase(), *range),
        [(name, range)] => ((*name).to_owned(), *range),
        _ => ("<arg_key>".to_owned(), node.args_range),
    };
    let keyword = if is_stage { "FROM" } else { "ARG" };
    let start = node.keyword.range.start();
    let line_start = text.get(..start).and_then(|head| head.rfind('\n')).map_or(0, |idx| idx + 1);
    let finding = Finding {
        detail: format!("Comment for {keyword} should follow the format: `# {example} <description>`"),
        range,
        fix: Some(Fix {
            label: "keep the comment apart by a bare `#`".to_owned(),
            edits: vec![TextEdit { range: TextRange::new(line_start, line_start), insert: "#\n".to_owned() }],
        }),
        ..Finding::default()
    };
    findings.report(&RULE, Place::of_node(node), finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn other_comment() {
        check(
            "
# check=experimental=all
# the version
ARG VERSION=24
#   ^^^^^^^ warning[InvalidDefinitionDescription]: Comment for ARG should follow the format: `# VERSION <description>`
# base is the base
FROM alpine AS base
",
        );
        // It is off unless asked for.
        check("\n# the version\nARG VERSION=24\nFROM alpine\n");
    }

    #[test]
    fn fixed() {
        check_fix(
            "# check=experimental=all\n# x\nFROM a AS b\n",
            "# check=experimental=all\n# x\n#\nFROM a AS b\n",
        );
    }
}
