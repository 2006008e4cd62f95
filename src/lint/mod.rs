//! BuildKit's build checks: what `docker build --check` says about a Dockerfile.
//!
//! Each file named like a rule holds that rule: its official name, description
//! and address, when it fires, and its repair where there is a mechanical one.
//! [`check`] walks the file as BuildKit does and asks the rules on the way:
//!
//! 1. the parser's findings, then each instruction as it is typed;
//! 2. the stages as a whole: names, casing, base images with default arguments;
//! 3. each `FROM` with the arguments given;
//! 4. each instruction of each stage, with the variables in force there.
//!
//! The walk stops where a builder refuses the file; what was found before stays.
//! A check visits *all* stages in order, a build only those that it needs.
//!
//! Words: a *detail* is the official message of one finding. A rule is *not
//! checked* where it needs what is not known: the configuration of a base
//! image, or the ignore file. That is said, and no warning is guessed.
//!
//! See the [build checks](https://docs.docker.com/reference/build-checks/). The
//! walk follows BuildKit's `dockerfile2llb`, without making any step.

mod consistent_instruction_casing;
mod copy_ignored_file;
mod cycles;
mod dispatch;
mod duplicate_stage_name;
mod expose_invalid_format;
mod expose_proto_casing;
mod findings;
mod from_as_casing;
mod from_platform_flag_const_disallowed;
mod invalid_base_image_platform;
mod invalid_default_arg_in_from;
mod invalid_definition_description;
mod json_args_recommended;
mod legacy_key_value_format;
mod maintainer_deprecated;
mod multiple_instructions_disallowed;
mod no_empty_continuation;
mod redundant_target_platform;
mod reserved_stage_name;
mod scope;
mod secrets_used_in_arg_or_env;
mod sources;
mod stage_name_casing;
mod stages;
#[cfg(test)]
mod testing;
mod undefined_arg_in_from;
mod undefined_var;
mod walk;
mod workdir_relative_path;

use crate::diagnostic::{Diagnostic, Severity};
use crate::dockerfile::stage::Dockerfile;
use crate::graph::BuildOptions;
use crate::graph::convert::FindBase;
use crate::text::{Lines, TextRange};

/// What is official about a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as `# check=skip=…` takes it.
    pub name: &'static str,
    /// What it asks for, in one sentence.
    pub description: &'static str,
    /// Where it is documented; empty where it is not.
    pub url: &'static str,
    /// It is off unless asked for.
    pub is_experimental: bool,
}

/// All rules, in BuildKit's order.
pub const RULES: [&Rule; 22] = [
    &stage_name_casing::RULE,
    &from_as_casing::RULE,
    &no_empty_continuation::RULE,
    &consistent_instruction_casing::RULE,
    &duplicate_stage_name::RULE,
    &reserved_stage_name::RULE,
    &json_args_recommended::RULE,
    &maintainer_deprecated::RULE,
    &undefined_arg_in_from::RULE,
    &workdir_relative_path::RULE,
    &undefined_var::RULE,
    &multiple_instructions_disallowed::RULE,
    &legacy_key_value_format::RULE,
    &invalid_base_image_platform::RULE,
    &redundant_target_platform::RULE,
    &secrets_used_in_arg_or_env::RULE,
    &invalid_default_arg_in_from::RULE,
    &from_platform_flag_const_disallowed::RULE,
    &copy_ignored_file::RULE,
    &invalid_definition_description::RULE,
    &expose_proto_casing::RULE,
    &expose_invalid_format::RULE,
];

/// The rule of this name.
#[must_use]
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.name == name)
}

/// Which stages are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scope {
    /// All in order, or those that the target needs where one is given: `docker build --check`.
    #[default]
    Check,
    /// Those that the target needs: `docker build`.
    Build,
}

/// What a check knows besides the Dockerfile.
#[derive(Clone, Copy)]
pub struct LintInput<'a> {
    /// Target, platform, build arguments, named contexts. The build argument
    /// `BUILDKIT_DOCKERFILE_CHECK` replaces the file's `# check=`.
    pub options: &'a BuildOptions,
    /// The text of the ignore file, empty where there is none; `None` if that is not known.
    pub dockerignore: Option<&'a str>,
    /// Finds base images. One that is not known makes rules that need it not checked.
    pub find_base: &'a FindBase<'a>,
    /// Which stages are visited.
    pub scope: Scope,
}

/// A rule that could not look at something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    /// The rule.
    pub rule: &'static Rule,
    /// The word it would have looked at.
    pub range: TextRange,
    /// Lines of its instruction.
    pub lines: Lines,
    /// What is not known: one short sentence, lower case, no full stop.
    pub reason: String,
}

/// Where a builder refuses the file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Stop {
    /// BuildKit's whole message.
    pub message: String,
    /// The word to point at.
    pub range: TextRange,
    /// The lines that BuildKit names, in order; none where it names none.
    pub lines: Vec<Lines>,
    /// It is among the refusals of the [`Dockerfile`] already.
    pub is_refusal: bool,
}

impl Stop {
    /// The same for an editor.
    #[must_use]
    pub fn to_diagnostic(&self) -> Diagnostic {
        Diagnostic {
            code: "build-error",
            severity: Severity::Error,
            message: self.message.clone(),
            builder_message: Some(self.message.clone()),
            range: self.range,
            lines: self.lines.first().copied().unwrap_or_default(),
            labels: Vec::new(),
            help: None,
            url: None,
            fix: None,
        }
    }
}

/// What a check answers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Report {
    /// Warnings in the order of the walk, those before a stop included.
    pub warnings: Vec<Diagnostic>,
    /// Rules that could not look at something.
    pub not_checked: Vec<NotChecked>,
    /// What stopped the walk.
    pub stop: Option<Stop>,
}

/// Checks `file`, which was read from `text`.
#[must_use]
pub fn check(text: &str, file: &Dockerfile, input: &LintInput<'_>) -> Report {
    walk::check(text, file, input)
}
