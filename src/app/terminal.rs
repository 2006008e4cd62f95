//! What both builders would print for a build of the present version.

use std::collections::{BTreeMap, BTreeSet};

use super::analysis::Analysis;
use super::history::History;
use super::legacy::LegacyAnalysis;
use super::state::State;
use crate::cache::course;
use crate::terminal::buildkit::{Build, Cli, refused, screen};
use crate::terminal::{LineKind, Screen};

/// A line of a terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Printed {
    /// What it tells, as the style sheets name it.
    pub class: &'static str,
    /// Its text.
    pub text: String,
}

/// Both builders' screens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terminals {
    /// `docker build --progress=plain`.
    pub buildkit: Vec<Printed>,
    /// `DOCKER_BUILDKIT=0 docker build`.
    pub legacy: Vec<Printed>,
}

/// Has both print.
pub(super) fn terminals(
    state: &State,
    history: &History,
    analysis: &Analysis,
    legacy: &LegacyAnalysis,
) -> Terminals {
    let reruns = state.session.reruns;
    Terminals {
        buildkit: printed(&of_buildkit(state, history, analysis)),
        legacy: printed(&legacy.screen(history.legacy(), reruns)),
    }
}

fn of_buildkit(state: &State, history: &History, analysis: &Analysis) -> Screen {
    let (version, now) = (&state.session.now, &analysis.now);
    let name = version.dockerfile_path.rsplit('/').next().unwrap_or_default();
    let warning = |found: &crate::diagnostic::Diagnostic| {
        let message = found.builder_message.as_ref().unwrap_or(&found.message);
        format!("{}: {message} (line {})", found.code, found.lines.first)
    };
    let cli = Cli {
        dockerfile_name: name.to_owned(),
        warnings: analysis.report.warnings.iter().map(warning).collect(),
        ..Cli::default()
    };
    match &now.graph {
        Ok(graph) => {
            let reruns = |_| state.session.reruns;
            let course = course::of(graph, &now.inputs(), &history.store, &reruns, &BTreeSet::new());
            let build = Build {
                file: &now.file,
                text: &version.dockerfile,
                graph,
                course: &course,
                simulation: &analysis.simulation,
                fails: &BTreeMap::new(),
            };
            screen(&build, &cli)
        }
        Err(error) => {
            let looked_up: Vec<String> = now.bases.keys().cloned().collect();
            refused(&now.file, &version.dockerfile, error, &looked_up, &cli)
        }
    }
}

fn printed(screen: &Screen) -> Vec<Printed> {
    let class = |kind| match kind {
        LineKind::Step => "step",
        LineKind::Cached => "cached",
        LineKind::Error => "error",
        LineKind::Warning => "warning",
        LineKind::Aside | LineKind::Output => "aside",
        LineKind::Done | LineKind::Status | LineKind::Success | LineKind::Excerpt | LineKind::Blank => {
            "plain"
        }
    };
    screen.lines.iter().map(|line| Printed { class: class(line.kind), text: line.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::Session;
    use crate::app::update::{Message, update};

    fn texts(messages: Vec<Message>) -> (String, String) {
        let mut state = State::new(Session::example(), "test");
        for message in messages {
            let _ = update(&mut state, message);
        }
        let session = &state.session;
        let history = History::replay(&session.events, session.reruns, &session.images, None);
        let analysis = Analysis::new(&state, &history, None);
        let legacy = LegacyAnalysis::new(&session.now, &analysis.now, history.legacy());
        let both = terminals(&state, &history, &analysis, &legacy);
        let text = |lines: &[Printed]| lines.iter().map(|line| line.text.clone() + "\n").collect::<String>();
        (text(&both.buildkit), text(&both.legacy))
    }

    #[test]
    fn nothing_changed() {
        let (buildkit, legacy) = texts(vec![]);
        assert_eq!(buildkit.matches("CACHED").count(), 4, "{buildkit}");
        assert_eq!(legacy.matches(" ---> Using cache").count(), 5, "{legacy}");
        assert!(legacy.starts_with("Sending build context to Docker daemon"), "{legacy}");
    }

    #[test]
    fn an_edit_runs_what_stands_below() {
        let text = Session::example().now.dockerfile.replace("npm install", "npm ci");
        let (buildkit, legacy) = texts(vec![Message::DockerfileEdited(text)]);
        assert_eq!(buildkit.matches("CACHED").count(), 2, "{buildkit}");
        assert!(legacy.contains(" : RUN npm ci\n ---> Running in "), "{legacy}");
    }

    #[test]
    fn a_refused_file_is_refused() {
        let (buildkit, legacy) = texts(vec![Message::DockerfileEdited("FROM alpine\nRUM x\n".into())]);
        assert!(buildkit.contains("unknown instruction: RUM"), "{buildkit}");
        assert!(legacy.contains("unknown instruction: RUM"), "{legacy}");
    }
}
