//! Build options as people type them, and what a builder makes of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::graph::{BuildOptions, NamedContext, NoCache, platform};

/// Which builder is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Builder {
    /// BuildKit inside the Docker engine, which prefers images that it holds.
    #[default]
    Docker,
    /// BuildKit in a container of its own, which asks the registry at each build.
    Container,
    /// The classic builder, as with `DOCKER_BUILDKIT=0`.
    Legacy,
}

impl Builder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Docker, Self::Container, Self::Legacy];

    /// As people read it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Docker => "BuildKit in Docker",
            Self::Container => "BuildKit in a container",
            Self::Legacy => "legacy builder",
        }
    }
}

/// Options, each as it was typed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// `--target`.
    pub target: String,
    /// `--build-arg`, one `NAME=value` on a line.
    pub build_args: String,
    /// `--platform`, with commas.
    pub platforms: String,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `--no-cache-filter`, with commas.
    pub no_cache_filter: String,
    /// `--build-context`, one `name=value` on a line.
    pub named_contexts: String,
    /// `--pull`.
    pub pulls: bool,
    /// The builder.
    pub builder: Builder,
}

/// One of the options that are typed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Field {
    /// `--target`.
    Target,
    /// `--build-arg`.
    BuildArgs,
    /// `--platform`.
    Platforms,
    /// `--no-cache-filter`.
    NoCacheFilter,
    /// `--build-context`.
    NamedContexts,
}

impl Field {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Target, Self::BuildArgs, Self::Platforms, Self::NoCacheFilter, Self::NamedContexts];

    /// The option's name on a command line.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Target => "--target",
            Self::BuildArgs => "--build-arg",
            Self::Platforms => "--platform",
            Self::NoCacheFilter => "--no-cache-filter",
            Self::NamedContexts => "--build-context",
        }
    }

    /// An example of what is typed here.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Target => "the last stage",
            Self::BuildArgs => "VERSION=1.2",
            Self::Platforms => "linux/amd64",
            Self::NoCacheFilter => "build,test",
            Self::NamedContexts => "assets=../assets",
        }
    }

    /// Several can be given, one on a line.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Self::BuildArgs | Self::NamedContexts)
    }
}

/// An option that cannot be taken as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OptionProblem {
    /// Where.
    pub field: Field,
    /// What, as a sentence without a full stop.
    pub message: String,
}

impl Options {
    /// What is typed in a field.
    #[must_use]
    pub fn field(&self, field: Field) -> &str {
        match field {
            Field::Target => &self.target,
            Field::BuildArgs => &self.build_args,
            Field::Platforms => &self.platforms,
            Field::NoCacheFilter => &self.no_cache_filter,
            Field::NamedContexts => &self.named_contexts,
        }
    }

    /// The same for change.
    pub fn field_mut(&mut self, field: Field) -> &mut String {
        match field {
            Field::Target => &mut self.target,
            Field::BuildArgs => &mut self.build_args,
            Field::Platforms => &mut self.platforms,
            Field::NoCacheFilter => &mut self.no_cache_filter,
            Field::NamedContexts => &mut self.named_contexts,
        }
    }

    /// What a builder is given, and what of it could not be taken.
    #[must_use]
    pub fn read(&self) -> (BuildOptions, Vec<OptionProblem>) {
        let mut problems = Vec::new();
        let mut problem = |field, message| problems.push(OptionProblem { field, message });
        let mut build_args = BTreeMap::new();
        for line in lines(&self.build_args) {
            match line.split_once('=') {
                Some((name, value)) => drop(build_args.insert(name.trim().to_owned(), value.to_owned())),
                // A shell would give its own variable, which is not known here.
                None => problem(
                    Field::BuildArgs,
                    format!("{line} has no value; write {line}=value, as the shell's own is not known here"),
                ),
            }
        }
        let mut platforms = Vec::new();
        for text in words(&self.platforms) {
            match platform::parse(text) {
                Ok(platform) => platforms.push(platform),
                Err(message) => problem(Field::Platforms, message),
            }
        }
        let mut named_contexts = BTreeMap::new();
        for line in lines(&self.named_contexts) {
            let Some((name, value)) = line.split_once('=') else {
                problem(Field::NamedContexts, format!("{line} has no value; write {line}=folder"));
                continue;
            };
            let context = match value.split_once("://") {
                Some(("docker-image", reference)) => NamedContext::Image { reference: reference.to_owned() },
                Some((scheme, _)) => {
                    problem(
                        Field::NamedContexts,
                        format!("{scheme}:// is not modeled; a folder or docker-image:// is"),
                    );
                    continue;
                }
                None => NamedContext::Local,
            };
            named_contexts.insert(name.trim().to_owned(), context);
        }
        let filter: Vec<&str> = words(&self.no_cache_filter).collect();
        let no_cache = match (self.no_cache, filter.is_empty()) {
            (true, _) => NoCache::All,
            (false, false) => NoCache::Stages(filter.into_iter().map(str::to_lowercase).collect()),
            (false, true) => NoCache::Nothing,
        };
        let options = BuildOptions {
            target: self.target.trim().to_owned(),
            build_args,
            platforms,
            no_cache,
            named_contexts,
            ..BuildOptions::default()
        };
        (options, problems)
    }

    /// The command line that says the same.
    #[must_use]
    pub fn command(&self, dockerfile_path: &str) -> String {
        let mut words_said: Vec<String> = Vec::new();
        words_said.push(match self.builder {
            Builder::Docker => "docker build".into(),
            Builder::Container => "docker buildx build".into(),
            Builder::Legacy => "DOCKER_BUILDKIT=0 docker build".into(),
        });
        if dockerfile_path != "Dockerfile" {
            words_said.push(format!("-f {}", quoted(dockerfile_path)));
        }
        for field in Field::ALL {
            let text = self.field(field).trim();
            if field.is_list() {
                words_said.extend(lines(text).map(|line| format!("{} {}", field.flag(), quoted(line))));
            } else if !text.is_empty() {
                words_said.push(format!("{} {}", field.flag(), quoted(text)));
            }
        }
        if self.no_cache {
            words_said.push("--no-cache".into());
        }
        if self.pulls {
            words_said.push("--pull".into());
        }
        words_said.push(".".into());
        words_said.join(" ")
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty())
}

fn quoted(word: &str) -> String {
    let is_plain = |ch: char| ch.is_ascii_alphanumeric() || "-_=./:,@+".contains(ch);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_options_become_a_build() {
        let options = Options {
            target: " app ".into(),
            build_args: "A=1\n\nB=x=y z\nC\n".into(),
            platforms: "arm64,nonsense/x/y/z".into(),
            no_cache_filter: "Build, test".into(),
            named_contexts: "base=docker-image://alpine\nassets=../a\ngit=https://x".into(),
            pulls: true,
            ..Options::default()
        };
        let (build, problems) = options.read();
        assert_eq!(build.target, "app");
        assert_eq!(build.build_args.get("B").map(String::as_str), Some("x=y z"));
        assert_eq!((build.platforms.len(), build.named_contexts.len()), (1, 2));
        assert_eq!(build.no_cache, NoCache::Stages(["build".to_owned(), "test".to_owned()].into()));
        let fields: Vec<Field> = problems.iter().map(|problem| problem.field).collect();
        assert_eq!(fields, [Field::BuildArgs, Field::Platforms, Field::NamedContexts]);
        assert_eq!(
            Options { build_args: "A=1 2".into(), pulls: true, ..Options::default() }.command("Dockerfile"),
            "docker build --build-arg 'A=1 2' --pull ."
        );
    }
}
