//! What the classic builder says where it refuses a Dockerfile.
//!
//! Its parser is an older version of BuildKit's: most messages are the same,
//! some are worded otherwise. What it refuses it refuses as a whole, before any step.

use super::plan::DockerfilePlace;
use crate::dockerfile::error::{Problem, Refusal};
use crate::dockerfile::stage::Dockerfile;
use crate::graph::GraphError;

/// The answer to a file that is refused.
pub(super) fn of(file: &Dockerfile, place: &DockerfilePlace) -> Option<GraphError> {
    if file.parse.tokens.is_empty() {
        let message = format!("the Dockerfile ({}) cannot be empty", place.name());
        return Some(GraphError { message, range: file.refusal()?.range, lines: Vec::new() });
    }
    let Refusal { problem, range, lines, .. } = file.refusal()?;
    let text = message(problem);
    Some(match (phase(problem), lines) {
        (Phase::Typing, Some(lines)) => {
            let message = format!("dockerfile parse error line {}: {text}", lines.first);
            GraphError { message, range: *range, lines: vec![*lines] }
        }
        (Phase::Parsing, _) => {
            let message = format!("failed to parse {}: {text}", place.name());
            GraphError { message, range: *range, lines: Vec::new() }
        }
        _ => GraphError { message: text, range: *range, lines: Vec::new() },
    })
}

/// Where a problem shows.
enum Phase {
    /// The text is cut into instructions.
    Parsing,
    /// An instruction is read.
    Typing,
    /// Instructions are put into stages.
    Staging,
}

fn phase(problem: &Problem) -> Phase {
    match problem {
        Problem::NoInstructions
        | Problem::LineTooLong
        | Problem::DirectiveTwice { .. }
        | Problem::BadEscape { .. }
        | Problem::NotStrings
        | Problem::OneArgumentOfTwo { .. }
        | Problem::NoEquals { .. } => Phase::Parsing,
        Problem::NoStage => Phase::Staging,
        _ => Phase::Typing,
    }
}

/// The words for a problem.
pub(super) fn message(problem: &Problem) -> String {
    match problem {
        Problem::UnknownInstruction { keyword, .. } => {
            format!("unknown instruction: {}", keyword.to_uppercase())
        }
        Problem::UnknownFlag { name, .. } => format!("Unknown flag: {name}"),
        Problem::DuplicateFlag { name } => format!("Duplicate flag specified: {name}"),
        Problem::MissingFlagValue { name } => format!("Missing a value on flag: {name}"),
        Problem::NotBoolean { name, value } => {
            format!("Expecting boolean value for flag {name}, not: {value}")
        }
        Problem::NegativeRetries(n) => format!("--retries must be at least 1 (not {n})"),
        _ => problem.builder_message(),
    }
}

/// The words for a port that cannot be, from those of today's parser of ports.
pub(super) fn port_message(message: &str) -> String {
    if let Some(address) = message.strip_prefix("invalid IP address: ") {
        return format!("Invalid ip address: {address}");
    }
    let mut chars = message.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
