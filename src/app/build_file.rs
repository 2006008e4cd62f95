//! A Compose or bake file: the worker tells its builds, and one of them becomes the page's options.

use super::document;
use super::options::Options;
use super::saved::Part;
use super::state::State;
use super::update::{Effect, changed};
use crate::protocol::build_file::{BuildFileReport, BuildReport};
use crate::protocol::{JobId, Reply, Request};

/// Longer files are not sent to the worker: no one writes such by hand.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The file that was given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum BuildFileState {
    /// None.
    #[default]
    Nothing,
    /// The worker reads it.
    Reading {
        /// Its name.
        name: String,
        /// The job.
        job: JobId,
    },
    /// It was read.
    Read {
        /// Its name.
        name: String,
        /// What it holds.
        report: BuildFileReport,
        /// The build that was taken, and what could not be carried over.
        taken: Option<(usize, Vec<String>)>,
    },
    /// It cannot be read.
    Failed {
        /// Its name.
        name: String,
        /// Why, as a sentence with its place.
        message: String,
    },
}

/// What the reader does with such a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BuildFileMessage {
    /// A file was chosen or pasted.
    Given {
        /// Its name; empty for a pasted text.
        name: String,
        /// Its text.
        text: String,
    },
    /// One of its builds was chosen.
    Chosen(usize),
    /// It was put away.
    Closed,
}

/// The reducer for these.
pub(super) fn update(state: &mut State, message: BuildFileMessage) -> Vec<Effect> {
    match message {
        BuildFileMessage::Given { name, text } => {
            if text.len() > MAX_FILE_BYTES {
                let message = "it is longer than a Compose or bake file can be here (1 MB)".to_owned();
                state.build_file = BuildFileState::Failed { name, message };
                return Vec::new();
            }
            state.n_jobs += 1;
            let job = JobId(state.n_jobs);
            state.build_file = BuildFileState::Reading { name: name.clone(), job };
            // Variables of a Compose file are those of a file beside it, if the context has one.
            let environment = state.session.texts.get(".env").cloned().unwrap_or_default();
            vec![Effect::Send(Request::ReadBuildFile { job, name, text, environment })]
        }
        BuildFileMessage::Chosen(idx) => {
            let BuildFileState::Read { report, taken, .. } = &mut state.build_file else { return Vec::new() };
            let Some(build) = report.builds.get(idx) else { return Vec::new() };
            let mut chosen = chosen(build, &state.session.now.options);
            let path = chosen.dockerfile_path.take().unwrap_or_default();
            // The folder that is the context may be the one that the file lies in, or one below it.
            let folder = chosen.context.trim_start_matches("./").trim_end_matches('/');
            let below = if matches!(folder, "" | ".") { path.clone() } else { format!("{folder}/{path}") };
            let texts = &state.session.texts;
            let found = [path.as_str(), below.as_str()].into_iter().find(|path| texts.contains_key(*path));
            let found = found.map(str::to_owned);
            if chosen.inline.is_none() && found.is_none() && path != state.session.now.dockerfile_path {
                chosen.notes.push(format!(
                    "Its Dockerfile, {path}, is not among the files here: the text in the editor stays."
                ));
            }
            *taken = Some((idx, chosen.notes));
            state.undo.is_replacing();
            let mut effects = found.map(|path| document::open_path(state, &path)).unwrap_or_default();
            state.session.now.options = chosen.options;
            if let Some(text) = chosen.inline {
                state.session.now.dockerfile = text;
            }
            effects.extend(changed(state, Part::Texts));
            effects.push(Effect::ShowTexts);
            effects
        }
        BuildFileMessage::Closed => {
            state.build_file = BuildFileState::Nothing;
            Vec::new()
        }
    }
}

/// The worker said something of the file; whether it did.
pub(super) fn replied(state: &mut State, reply: &Reply) -> bool {
    let BuildFileState::Reading { name, job } = &state.build_file else { return false };
    if reply.job() != Some(*job) {
        return false;
    }
    let name = name.clone();
    state.build_file = match reply {
        Reply::BuildFileRead { report, .. } => {
            BuildFileState::Read { name, report: report.clone(), taken: None }
        }
        Reply::BuildFileFailed { message, line, column, .. } => {
            let place = if *line > 0 { format!("line {line}, column {column}: ") } else { String::new() };
            BuildFileState::Failed { name, message: format!("{place}{message}") }
        }
        _ => return false,
    };
    true
}

/// What a chosen build becomes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChosenBuild {
    /// The options, each as one would type it.
    pub options: Options,
    /// The context that it names: a folder or an address.
    pub context: String,
    /// Where its Dockerfile lies in the context; `None` where its text is [`inline`](Self::inline).
    pub dockerfile_path: Option<String>,
    /// The text of its Dockerfile, where the file has it in itself.
    pub inline: Option<String>,
    /// What could not be carried over, as sentences.
    pub notes: Vec<String>,
}

/// Makes options of a build. The builder stays the one of `present`.
///
/// An argument whose value is not known stands there without one, where it can be typed. Tags,
/// labels, secrets and keys have no option: none of them counts for the cache of BuildKit.
#[must_use]
pub fn chosen(build: &BuildReport, present: &Options) -> ChosenBuild {
    let mut notes: Vec<String> =
        build.notes.iter().map(|note| format!("Line {}: {}.", note.line, note.message)).collect();
    let mut build_args = Vec::new();
    for (name, value) in &build.args {
        match value {
            Some(value) if value.contains(['\n', '\r']) => {
                notes.push(format!("The argument {name} has several lines, which cannot be typed here."));
            }
            Some(value) => build_args.push(format!("{name}={value}")),
            None => build_args.push(name.clone()),
        }
    }
    let mut named_contexts = Vec::new();
    for (name, place) in &build.contexts {
        match place.split_once(':') {
            Some(("target" | "service", other)) => {
                notes.push(format!(
                    "The context {name} is what the build {other} makes, which is not known here."
                ));
            }
            _ => named_contexts.push(format!("{name}={place}")),
        }
    }
    let (local, platforms): (Vec<&String>, Vec<&String>) =
        build.platforms.iter().partition(|it| *it == "local");
    if !local.is_empty() {
        notes.push("The platform local is that of the machine that builds; choose one.".to_owned());
    }
    if let Some(network) = build.network.as_deref().filter(|network| *network != "default") {
        notes.push(format!("The network {network} of RUN instructions is not modeled."));
    }
    if !build.cache_from.is_empty() {
        notes.push(format!("What the cache of {} holds is not known here.", build.cache_from.join(", ")));
    }
    let platforms: Vec<&str> = platforms.into_iter().map(String::as_str).collect();
    let options = Options {
        target: build.target.clone().unwrap_or_default(),
        build_args: build_args.join("\n"),
        platforms: platforms.join(","),
        no_cache: build.no_cache,
        no_cache_filter: build.no_cache_filter.join(","),
        named_contexts: named_contexts.join("\n"),
        pulls: build.pull,
        builder: present.builder,
    };
    ChosenBuild {
        options,
        context: build.context.clone(),
        dockerfile_path: Some(build.dockerfile.clone()).filter(|_| build.dockerfile_inline.is_none()),
        inline: build.dockerfile_inline.clone(),
        notes,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::rc::Rc;

    use super::*;
    use crate::app::options::Builder;
    use crate::app::state::Session;
    use crate::app::undo::UndoMessage;
    use crate::app::update::Message;
    use crate::protocol::build_file::BuildNote;

    fn tell(state: &mut State, message: BuildFileMessage) -> Vec<Effect> {
        crate::app::update::update(state, Message::BuildFile(message))
    }

    #[test]
    fn a_build_is_chosen_in_one_step_that_can_be_taken_back() {
        let mut state = State::new(Session::example(), "test");
        Rc::make_mut(&mut state.session.texts).insert("api/api.Dockerfile".into(), "FROM api".into());
        let before = state.session.now.clone();
        let given = BuildFileMessage::Given { name: "compose.yaml".into(), text: "services: {}".into() };
        let effects = tell(&mut state, given);
        let [Effect::Send(Request::ReadBuildFile { job, .. })] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        let builds = vec![
            BuildReport {
                context: "./api".into(),
                dockerfile: "api.Dockerfile".into(),
                target: Some("prod".into()),
                ..BuildReport::default()
            },
            BuildReport { dockerfile: "web.Dockerfile".into(), ..BuildReport::default() },
            BuildReport { dockerfile_inline: Some("FROM inline".into()), ..BuildReport::default() },
        ];
        let report = BuildFileReport { builds, ..BuildFileReport::default() };
        let reply = |job| Reply::BuildFileRead { job, report: report.clone() };
        // One that was given up says nothing any more.
        let _ = crate::app::update::update(&mut state, Message::WorkerReplied(reply(JobId(job.0 + 1))));
        assert!(matches!(state.build_file, BuildFileState::Reading { .. }));
        let _ = crate::app::update::update(&mut state, Message::WorkerReplied(reply(*job)));
        let _ = tell(&mut state, BuildFileMessage::Chosen(0));
        let now = &state.session.now;
        assert_eq!((now.options.target.as_str(), now.dockerfile.as_str()), ("prod", "FROM api"));
        let _ = tell(&mut state, BuildFileMessage::Chosen(1));
        let BuildFileState::Read { taken: Some((1, notes)), .. } = &state.build_file else { panic!() };
        assert!(notes.iter().any(|note| note.contains("web.Dockerfile")), "{notes:?}");
        assert_eq!(state.session.now.dockerfile, "FROM api");
        let _ = crate::app::update::update(&mut state, Message::Undo(UndoMessage::ReplacementUndone));
        assert_eq!(state.session.now.options.target, "prod");
        let _ = tell(&mut state, BuildFileMessage::Chosen(2));
        assert_eq!(state.session.now.dockerfile, "FROM inline");
        assert_ne!(state.session.now, before);
    }

    #[test]
    fn what_is_refused_says_where() {
        let mut state = State::new(Session::example(), "test");
        let given = BuildFileMessage::Given { name: String::new(), text: "\t".into() };
        let effects = tell(&mut state, given);
        let [Effect::Send(Request::ReadBuildFile { job, .. })] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        let reply = Reply::BuildFileFailed { job: *job, message: "a tab".into(), line: 1, column: 2 };
        let _ = crate::app::update::update(&mut state, Message::WorkerReplied(reply));
        let message = "line 1, column 2: a tab".to_owned();
        assert_eq!(state.build_file, BuildFileState::Failed { name: String::new(), message });
        let long = BuildFileMessage::Given { name: "a".into(), text: "x".repeat(MAX_FILE_BYTES + 1) };
        assert!(tell(&mut state, long).is_empty());
        assert!(matches!(state.build_file, BuildFileState::Failed { .. }));
    }

    #[test]
    fn a_build_becomes_options() {
        let text = |text: &str| text.to_owned();
        let build = BuildReport {
            context: text("./api"),
            dockerfile: text("api.Dockerfile"),
            target: Some(text("prod")),
            args: BTreeMap::from([
                (text("A"), Some(text("1=2"))),
                (text("B"), None),
                (text("C"), Some(text("a\nb"))),
            ]),
            platforms: vec![text("linux/amd64"), text("local"), text("linux/arm64")],
            contexts: BTreeMap::from([
                (text("base"), text("docker-image://alpine")),
                (text("lib"), text("../lib")),
                (text("other"), text("target:other")),
            ]),
            no_cache_filter: vec![text("a"), text("b")],
            pull: true,
            cache_from: vec![text("type=gha")],
            network: Some(text("none")),
            notes: vec![BuildNote { line: 3, column: 1, message: text("B is not known") }],
            ..BuildReport::default()
        };
        let present = Options { builder: Builder::Container, target: text("old"), ..Options::default() };
        let chosen = chosen(&build, &present);
        assert_eq!(
            chosen.options,
            Options {
                target: text("prod"),
                build_args: text("A=1=2\nB"),
                platforms: text("linux/amd64,linux/arm64"),
                no_cache: false,
                no_cache_filter: text("a,b"),
                named_contexts: text("base=docker-image://alpine\nlib=../lib"),
                pulls: true,
                builder: Builder::Container,
            }
        );
        let (read, problems) = chosen.options.read();
        assert_eq!((read.platforms.len(), problems.len()), (2, 1), "{problems:?}");
        assert_eq!(chosen.dockerfile_path.as_deref(), Some("api.Dockerfile"));
        assert_eq!(
            chosen.notes,
            [
                "Line 3: B is not known.",
                "The argument C has several lines, which cannot be typed here.",
                "The context other is what the build other makes, which is not known here.",
                "The platform local is that of the machine that builds; choose one.",
                "The network none of RUN instructions is not modeled.",
                "What the cache of type=gha holds is not known here.",
            ]
        );
    }
}
