//! # What it does
//! Finds keywords that are not written in the case of most others. A tie means upper
//! case; global `ARG`s and triggers do not count.
//!
//! # Why it is bad
//! Keywords in one case are easy to tell from their arguments.
//!
//! # Example
//! ```dockerfile
//! FROM alpine
//! Run echo hello
//! RUN echo bye
//! ```
//!
//! # Better
//! ```dockerfile
//! FROM alpine
//! RUN echo hello
//! RUN echo bye
//! ```
//!
//! # Reference
//! [build checks](https://docs.docker.com/go/dockerfile/rule/consistent-instruction-casing/)

use super::Rule;
use super::findings::{Finding, Findings, Place};
use crate::diagnostic::Fix;
use crate::dockerfile::instruction::Instruction;
use crate::dockerfile::stage::Dockerfile;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "ConsistentInstructionCasing",
    description: "All commands within the Dockerfile should use the same casing (either upper or lower)",
    url: "https://docs.docker.com/go/dockerfile/rule/consistent-instruction-casing/",
    is_experimental: false,
};

/// Asked once for the file.
pub(super) fn check(file: &Dockerfile, findings: &mut Findings) {
    let (mut n_lower, mut n_upper) = (0_usize, 0_usize);
    for keyword in all(file).map(|instruction| &instruction.keyword.value) {
        if *keyword == keyword.to_lowercase() {
            n_lower += 1;
        } else if *keyword == keyword.to_uppercase() {
            n_upper += 1;
        }
    }
    let is_lower = n_lower > n_upper;
    for instruction in all(file) {
        let keyword = &instruction.keyword.value;
        let wanted = if is_lower { keyword.to_lowercase() } else { keyword.to_uppercase() };
        if *keyword == wanted {
            continue;
        }
        let case = if is_lower { "lowercase" } else { "uppercase" };
        let range = instruction.keyword.range;
        let finding = Finding {
            detail: format!("Command '{keyword}' should match the case of the command majority ({case})"),
            range,
            fix: Some(Fix::replace(range, wanted)),
            ..Finding::default()
        };
        findings.report(&RULE, Place::of_lines(instruction.lines), finding);
    }
}

/// The instructions of all stages.
fn all(file: &Dockerfile) -> impl Iterator<Item = &Instruction> {
    file.stages.iter().flat_map(|stage| std::iter::once(&stage.instruction).chain(&stage.instructions))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn other_case() {
        check(
            "
FROM alpine
Run echo hello
#^^ warning[ConsistentInstructionCasing]: Command 'Run' should match the case of the command majority (uppercase)
RUN echo bye
",
        );
    }

    #[test]
    fn a_tie_means_upper_case() {
        check_fix("from alpine\nRUN a\n", "FROM alpine\nRUN a\n");
    }
}
