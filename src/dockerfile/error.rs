//! Everything the front end refuses, in BuildKit's words and in ours.

use crate::diagnostic::{Diagnostic, Fix, Severity};
use crate::text::{Lines, TextRange, go_quote};

/// Why a file, or one instruction of it, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No instruction at all.
    NoInstructions,
    /// A physical line beyond the limit.
    LineTooLong,
    /// A parser directive stands twice.
    DirectiveTwice {
        /// Its name.
        name: String,
    },
    /// The escape directive names neither `\` nor `` ` ``.
    BadEscape {
        /// What it names.
        value: String,
    },
    /// The exec form has an element that is no string.
    NotStrings,
    /// `ENV` or `LABEL` in its old form has no value.
    OneArgumentOfTwo {
        /// The instruction.
        instruction: &'static str,
    },
    /// A word of `ENV` or `LABEL` without `=`.
    NoEquals {
        /// The word.
        word: String,
    },
    /// A heredoc whose terminator never comes.
    UnterminatedHeredoc {
        /// The terminator.
        name: String,
    },
    /// Unbalanced quotes, a bad substitution.
    Word(
        /// The message of the shell lexer.
        String,
    ),
    /// A keyword that is none.
    UnknownInstruction {
        /// As written.
        keyword: String,
        /// The nearest keyword, in the case of the written one.
        nearest: Option<String>,
    },
    /// An instruction before the first `FROM`.
    NoStage,
    /// A flag the instruction does not have.
    UnknownFlag {
        /// Its name.
        name: String,
        /// The nearest one.
        nearest: Option<String>,
    },
    /// A flag given twice.
    DuplicateFlag {
        /// Its name.
        name: String,
    },
    /// A flag without `=value`.
    MissingFlagValue {
        /// Its name.
        name: String,
    },
    /// A flag that wants true or false.
    NotBoolean {
        /// Its name.
        name: String,
        /// What it was given.
        value: String,
    },
    /// At least one argument is needed.
    NeedsArgument {
        /// The instruction.
        instruction: &'static str,
    },
    /// Exactly one argument is needed.
    NeedsOneArgument {
        /// The instruction.
        instruction: &'static str,
    },
    /// A copy with a source and no destination.
    NoDestination {
        /// The instruction.
        instruction: &'static str,
    },
    /// A heredoc in the place of the destination.
    HeredocDestination {
        /// The instruction.
        instruction: &'static str,
    },
    /// `=value` without a name.
    BlankName {
        /// The instruction.
        instruction: &'static str,
    },
    /// `FROM` with two or more than three words.
    FromArguments,
    /// A stage name with characters that are not allowed.
    StageName {
        /// As written.
        name: String,
    },
    /// `SHELL` in shell form.
    ShellForm,
    /// An empty volume.
    EmptyVolume,
    /// A trigger of a trigger.
    OnbuildChain,
    /// An instruction that cannot be a trigger.
    OnbuildTrigger {
        /// The trigger.
        trigger: String,
    },
    /// `HEALTHCHECK NONE` with more behind it.
    HealthcheckNoneArguments,
    /// `HEALTHCHECK CMD` without a command.
    HealthcheckNoCommand,
    /// `HEALTHCHECK` of another kind.
    HealthcheckType {
        /// As written, in upper case.
        kind: String,
    },
    /// A duration under a millisecond.
    IntervalTooShort {
        /// The flag.
        name: &'static str,
    },
    /// Anything that Go's number and duration parsers refuse, in their words.
    BadValue(
        /// The message.
        String,
    ),
    /// A negative number of retries.
    NegativeRetries(
        /// The number.
        i64,
    ),
    /// `RUN --network` with an unknown mode.
    NetworkMode {
        /// The mode.
        mode: String,
    },
    /// `RUN --security` with an unknown mode.
    SecurityMode {
        /// The mode.
        mode: String,
    },
    /// A mount that cannot be.
    Mount(
        /// The message.
        String,
    ),
    /// `--from` or `from=` with a variable.
    FromExpansion,
}

impl Problem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoInstructions => "no-instructions",
            Self::LineTooLong => "line-too-long",
            Self::DirectiveTwice { .. } => "directive-twice",
            Self::BadEscape { .. } => "bad-escape",
            Self::NotStrings => "not-strings",
            Self::OneArgumentOfTwo { .. } => "missing-value",
            Self::NoEquals { .. } => "no-equals",
            Self::UnterminatedHeredoc { .. } => "unterminated-heredoc",
            Self::Word(_) => "bad-word",
            Self::UnknownInstruction { .. } => "unknown-instruction",
            Self::NoStage => "no-stage",
            Self::UnknownFlag { .. } => "unknown-flag",
            Self::DuplicateFlag { .. } => "duplicate-flag",
            Self::MissingFlagValue { .. } => "missing-flag-value",
            Self::NotBoolean { .. } => "not-boolean",
            Self::NeedsArgument { .. } | Self::NeedsOneArgument { .. } => "argument-count",
            Self::NoDestination { .. } => "no-destination",
            Self::HeredocDestination { .. } => "heredoc-destination",
            Self::BlankName { .. } => "blank-name",
            Self::FromArguments => "from-arguments",
            Self::StageName { .. } => "stage-name",
            Self::ShellForm => "shell-form",
            Self::EmptyVolume => "empty-volume",
            Self::OnbuildChain | Self::OnbuildTrigger { .. } => "onbuild-trigger",
            Self::HealthcheckNoneArguments | Self::HealthcheckNoCommand | Self::HealthcheckType { .. } => {
                "healthcheck"
            }
            Self::IntervalTooShort { .. } | Self::BadValue(_) | Self::NegativeRetries(_) => "bad-value",
            Self::NetworkMode { .. } => "network-mode",
            Self::SecurityMode { .. } => "security-mode",
            Self::Mount(_) => "bad-mount",
            Self::FromExpansion => "from-expansion",
        }
    }

    /// BuildKit's text, without the `dockerfile parse error on line N: ` in front.
    #[must_use]
    pub fn builder_message(&self) -> String {
        let did_you_mean = |text: String, nearest: &Option<String>| match nearest {
            Some(nearest) => format!("{text} (did you mean {nearest}?)"),
            None => text,
        };
        match self {
            Self::NoInstructions => "file with no instructions".into(),
            Self::LineTooLong => "dockerfile line greater than max allowed size of 65535".into(),
            Self::DirectiveTwice { name } => format!("only one {name} parser directive can be used"),
            Self::BadEscape { value } => format!("invalid escape token '{value}' does not match ` or \\"),
            Self::NotStrings => {
                "when using JSON array syntax, arrays must be comprised of strings only".into()
            }
            Self::OneArgumentOfTwo { instruction } => format!("{instruction} must have two arguments"),
            Self::NoEquals { word } => {
                format!("Syntax error - can't find = in {}. Must be of the form: name=value", go_quote(word))
            }
            Self::UnterminatedHeredoc { .. } => "unterminated heredoc".into(),
            Self::Word(message) | Self::BadValue(message) | Self::Mount(message) => message.clone(),
            Self::UnknownInstruction { keyword, nearest } => {
                did_you_mean(format!("unknown instruction: {keyword}"), nearest)
            }
            Self::NoStage => "no build stage in current context".into(),
            Self::UnknownFlag { name, nearest } => did_you_mean(format!("unknown flag: --{name}"), nearest),
            Self::DuplicateFlag { name } => format!("duplicate flag specified: --{name}"),
            Self::MissingFlagValue { name } => format!("missing a value on flag: --{name}"),
            Self::NotBoolean { name, value } => {
                format!("expecting boolean value for flag --{name}, not: {value}")
            }
            Self::NeedsArgument { instruction } => format!("{instruction} requires at least one argument"),
            Self::NeedsOneArgument { instruction } => format!("{instruction} requires exactly one argument"),
            Self::NoDestination { instruction } => format!(
                "{instruction} requires at least two arguments, but only one was provided. Destination could not be determined"
            ),
            Self::HeredocDestination { instruction } => {
                format!("{instruction} cannot accept a heredoc as a destination")
            }
            Self::BlankName { instruction } => format!("{instruction} names can not be blank"),
            Self::FromArguments => "FROM requires either one or three arguments".into(),
            Self::StageName { name } => format!(
                "invalid name for build stage: {}, name can't start with a number or contain symbols",
                go_quote(name)
            ),
            Self::ShellForm => "SHELL requires the arguments to be in JSON form".into(),
            Self::EmptyVolume => "VOLUME specified can not be an empty string".into(),
            Self::OnbuildChain => "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".into(),
            Self::OnbuildTrigger { trigger } => format!("{trigger} isn't allowed as an ONBUILD trigger"),
            Self::HealthcheckNoneArguments => "HEALTHCHECK NONE takes no arguments".into(),
            Self::HealthcheckNoCommand => "Missing command after HEALTHCHECK CMD".into(),
            Self::HealthcheckType { kind } => {
                format!("Unknown type {} in HEALTHCHECK (try CMD)", go_quote(kind))
            }
            Self::IntervalTooShort { name } => format!("Interval \"{name}\" cannot be less than 1ms"),
            Self::NegativeRetries(n) => format!("--retries cannot be negative ({n})"),
            Self::NetworkMode { mode } => format!("invalid network mode {}", go_quote(mode)),
            Self::SecurityMode { mode } => format!("security {} is not valid", go_quote(mode)),
            Self::FromExpansion => {
                "'from' doesn't support variable expansion, define alias stage instead".into()
            }
        }
    }

    /// Our words: one short sentence, lower case, no full stop.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::NoInstructions => "there is no instruction yet".into(),
            Self::LineTooLong => "this line has more than 65,535 bytes, which builders refuse".into(),
            Self::NotStrings => "the exec form takes strings only".into(),
            Self::OneArgumentOfTwo { instruction } => format!("{instruction} needs a name and a value"),
            Self::NoEquals { word } => format!("`{word}` has no `=`; every word here is `name=value`"),
            Self::UnterminatedHeredoc { name } => format!("no line reads `{name}` to end this heredoc"),
            Self::UnknownInstruction { keyword, .. } => format!("`{keyword}` is no Dockerfile instruction"),
            Self::NoStage => "only ARG may stand before the first FROM".into(),
            Self::UnknownFlag { name, .. } => format!("this instruction has no flag `--{name}`"),
            Self::DuplicateFlag { name } => format!("`--{name}` is given twice"),
            Self::MissingFlagValue { name } => format!("`--{name}` needs a value: `--{name}=…`"),
            Self::NotBoolean { name, value } => format!("`--{name}` is true or false, not `{value}`"),
            Self::NoDestination { instruction } => format!("{instruction} needs a source and a destination"),
            Self::FromArguments => "FROM takes an image, or an image, AS and a name".into(),
            Self::StageName { name } => {
                format!(
                    "`{name}` cannot name a stage: begin with a letter, go on with letters, digits, - _ ."
                )
            }
            Self::ShellForm => "SHELL takes the exec form only: [\"/bin/sh\", \"-c\"]".into(),
            Self::OnbuildChain => "ONBUILD cannot trigger another ONBUILD".into(),
            Self::OnbuildTrigger { trigger } => format!("{trigger} cannot be a trigger"),
            Self::IntervalTooShort { name } => format!("`--{name}` is at least 1ms"),
            Self::FromExpansion => "`from` takes no variable; name a stage for it".into(),
            _ => self.builder_message(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownInstruction { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::UnknownFlag { nearest: Some(nearest), .. } => Some(format!("did you mean `--{nearest}`?")),
            Self::NoInstructions => Some("begin with FROM and an image".into()),
            Self::NoStage => Some("move it below a FROM".into()),
            _ => None,
        }
    }
}

/// A problem at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub problem: Problem,
    /// The word to point at.
    pub range: TextRange,
    /// The lines that BuildKit names; `None` where its message has no location.
    pub lines: Option<Lines>,
    /// The line in BuildKit's prefix `dockerfile parse error on line N: `, where its message has one.
    pub prefix_line: Option<u32>,
    /// A mechanical repair.
    pub fix: Option<Fix>,
}

impl Refusal {
    /// BuildKit's whole message.
    #[must_use]
    pub fn builder_error(&self) -> String {
        let message = self.problem.builder_message();
        match self.prefix_line {
            Some(line) => format!("dockerfile parse error on line {line}: {message}"),
            None => message,
        }
    }

    /// The same for an editor.
    #[must_use]
    pub fn to_diagnostic(&self) -> Diagnostic {
        Diagnostic {
            code: self.problem.code(),
            severity: Severity::Error,
            message: self.problem.message(),
            builder_message: Some(self.problem.builder_message()),
            range: self.range,
            lines: self.lines.unwrap_or_default(),
            labels: Vec::new(),
            help: self.problem.help(),
            url: None,
            fix: self.fix.clone(),
        }
    }
}
