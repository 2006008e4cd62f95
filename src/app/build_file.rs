//! A build of a Compose or bake file as the page's options.

use super::options::Options;
use crate::protocol::build_file::BuildReport;

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

    use super::*;
    use crate::app::options::Builder;
    use crate::protocol::build_file::BuildNote;

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
