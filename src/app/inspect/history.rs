//! How the image was made, and its Dockerfile opened in Simulate.

use super::answers::Topic;
use crate::app::saved::Part;
use crate::app::state::{EditorTab, Place, State};
use crate::app::update::{Effect, changed};
use crate::protocol::inspect::documents::{HistoryReport, HistoryStepReport};
use crate::protocol::inspect::{Answer, Question};

/// How the image that is shown was made, once that is known.
#[must_use]
pub fn history(state: &State) -> Option<&HistoryReport> {
    let kept = state.inspect.kept.get(&Topic::History)?;
    let open = state.archives.image()?;
    match (&kept.question, kept.last()?.as_ref()) {
        (Question::History { image }, Answer::History(report)) if *image == open.at() => Some(report),
        _ => None,
    }
}

/// What a step of the image has in common with the Dockerfile that is open in Simulate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InDockerfile {
    /// An instruction of the same words, in this line.
    Same(u32),
    /// None.
    Missing,
}

/// Where the words of a step stand in a Dockerfile. Spaces count as one, and line ends that are
/// escaped as spaces, since a builder keeps neither.
#[must_use]
pub fn in_dockerfile(step: &HistoryStepReport, dockerfile: &str) -> InDockerfile {
    let wanted: Vec<&str> = step.instruction.split_whitespace().collect();
    let mut words: Vec<&str> = Vec::new();
    let mut first = None;
    for (line, number) in dockerfile.lines().zip(1_u32..) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let start = *first.get_or_insert(number);
        let rest = trimmed.strip_suffix('\\');
        words.extend(rest.unwrap_or(trimmed).split_whitespace());
        if rest.is_some() {
            continue;
        }
        if !wanted.is_empty() && words == wanted {
            return InDockerfile::Same(start);
        }
        words.clear();
        first = None;
    }
    InDockerfile::Missing
}

/// The instruction that stands on a line (counted from 1), by its place among all of them.
#[must_use]
pub fn instruction_at_line(dockerfile: &str, line: u32) -> Option<usize> {
    let parse = crate::dockerfile::syntax::parse(dockerfile);
    parse.nodes.iter().position(|node| node.lines.first <= line && line <= node.lines.last)
}

/// Opens the Dockerfile that the history tells. What was there can be had back.
///
/// Lengths of layers need not be written down: those of the image that is shown are found by the
/// words of its instructions, and it is offered as a base as long as it is open.
pub(super) fn open_dockerfile(state: &mut State) -> Vec<Effect> {
    let Some(dockerfile) = history(state).map(|report| report.dockerfile.clone()) else {
        return Vec::new();
    };
    state.undo.is_replacing();
    let session = &mut state.session;
    session.now.dockerfile = dockerfile;
    (session.place, session.tab) = (Place::Simulate, EditorTab::Dockerfile);
    state.selected = None;
    let mut effects = changed(state, Part::Files);
    effects.extend([Effect::ShowPlace, Effect::ShowTexts]);
    effects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_by_its_words() {
        let check = |instruction: &str, found: InDockerfile| {
            let step = HistoryStepReport { instruction: instruction.to_owned(), ..Default::default() };
            let dockerfile = "FROM a\n# RUN commented\nRUN  x && \\\n    y\n\nCOPY . .\n";
            assert_eq!(in_dockerfile(&step, dockerfile), found, "{instruction}");
        };
        check("RUN x && y", InDockerfile::Same(3));
        check("COPY . .", InDockerfile::Same(6));
        check("RUN commented", InDockerfile::Missing);
        check("RUN x", InDockerfile::Missing);
        check("", InDockerfile::Missing);
    }
}
