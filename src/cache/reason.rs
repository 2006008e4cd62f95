//! Why a step runs, or why it does not: typed, with before and after.
//!
//! How a reason is found is the subject of the file `explain.rs`.

use crate::context::changes::{FileChange, FileChangeKind};
use crate::graph::{Graph, StepId};

/// Why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Nothing that counts has changed.
    Unchanged,
    /// Found in the cache though it differs from the last build: an earlier build had it.
    BuiltEarlier,
    /// An equal step of this build runs for this one, too.
    SharedWith {
        /// That step.
        step: StepId,
    },
    /// No build had this step.
    NeverBuilt,
    /// Nothing was built yet.
    FirstBuild,
    /// The instruction's own words.
    InstructionChanged {
        /// Then.
        before: String,
        /// Now.
        after: String,
    },
    /// A variable in the environment of a RUN.
    VariableChanged {
        /// Its name.
        name: String,
        /// Then; `None` if it was not set.
        before: Option<String>,
        /// Now.
        after: Option<String>,
    },
    /// The order of the variables.
    VariableOrderChanged,
    /// Something else around a command or a copy: user, directory, mounts, owner.
    SettingChanged {
        /// What.
        name: String,
        /// Then.
        before: String,
        /// Now.
        after: String,
    },
    /// Files that it takes.
    FilesChanged {
        /// Which, and how.
        changes: Vec<FileChange>,
    },
    /// The layers of the base image.
    BaseChanged {
        /// Then.
        before: String,
        /// Now.
        after: String,
    },
    /// The base image, be it only its configuration: the classic builder knows an image by its id.
    BaseImageChanged {
        /// Then.
        before: String,
        /// Now.
        after: String,
    },
    /// Whether any proxy argument is given, which the classic builder stores with a RUN.
    ProxyArgumentsChanged {
        /// Some are given now.
        is_given: bool,
    },
    /// It takes a `.dockerignore` into which the client writes another name at each build.
    RandomIgnoreFile,
    /// The step that it stands on runs.
    ParentMissed {
        /// That step.
        parent: StepId,
    },
    /// A step that it copies or mounts from runs and its files differ.
    SourceMissed {
        /// That step.
        source: StepId,
    },
    /// The step that it stood on was taken out, or another one was put in its place.
    ParentReplaced {
        /// What it stood on.
        before: String,
        /// What it stands on.
        after: String,
    },
    /// The step that it stands on was found in the cache, but is not what it was in the last build.
    ParentDiffers {
        /// That step.
        parent: StepId,
        /// What changed of it, or below it.
        change: Box<Reason>,
    },
    /// `--no-cache`.
    CacheIgnored,
    /// Decided by bytes that a rerun will write.
    DependsOnReruns,
    /// A source that is not there.
    SourceMissing {
        /// Its path.
        path: String,
    },
    /// It copies a folder to where a file stands.
    TargetIsFile {
        /// Where.
        path: String,
    },
    /// A secret that it must have and that is not given.
    SecretMissing {
        /// Its id.
        id: String,
    },
    /// The builder refuses the step when it comes to it.
    StepRefused {
        /// Its words.
        message: String,
    },
    /// A step that it needs fails.
    NeedsFailed,
    /// Not modeled, and what.
    NotModeled {
        /// What.
        what: String,
    },
    /// Loaded anew at each build.
    AlwaysLoaded,
    /// The imported cache knows the step but not its result, and nothing that runs needs that.
    NotExported,
}

impl Reason {
    /// One sentence, without a full stop.
    #[must_use]
    pub fn sentence(&self, graph: &Graph) -> String {
        self.sentence_of(&|id| graph.step(id).map(|step| step.text.as_str()))
    }

    /// The same for steps of another kind; `text_of` gives the instruction of a step.
    #[must_use]
    pub fn sentence_of<'a>(&self, text_of: &dyn Fn(StepId) -> Option<&'a str>) -> String {
        let name = |id: &StepId| text_of(*id).map_or_else(|| "a step".to_owned(), short);
        match self {
            Self::Unchanged => "nothing that counts for this step has changed".into(),
            Self::BuiltEarlier => "an earlier build had exactly this".into(),
            Self::SharedWith { step } => format!("“{}” of this build gives the same result", name(step)),
            Self::NeverBuilt => "no build has had this step yet".into(),
            Self::FirstBuild => "nothing has been built yet".into(),
            Self::InstructionChanged { .. } => "the instruction changed".into(),
            Self::VariableChanged { name, before: None, .. } => format!("the variable {name} is new"),
            Self::VariableChanged { name, after: None, .. } => format!("the variable {name} is gone"),
            Self::VariableChanged { name, before: Some(before), after: Some(after) } => {
                format!("the variable {name} changed from “{before}” to “{after}”")
            }
            Self::VariableOrderChanged => "the order of the variables changed".into(),
            Self::SettingChanged { name, before, after } => match (before.is_empty(), after.is_empty()) {
                (true, _) => format!("{name} “{after}” is new"),
                (_, true) => format!("{name} “{before}” is gone"),
                _ => format!("{name} changed from “{before}” to “{after}”"),
            },
            Self::FilesChanged { changes } => files_sentence(changes),
            Self::BaseChanged { before, after } if before == after => {
                format!("the layers of {after} changed")
            }
            Self::BaseChanged { before, after } => format!("the base changed from {before} to {after}"),
            Self::BaseImageChanged { before, after } if before == after => {
                format!("{after} is another image now, if only by its configuration")
            }
            Self::BaseImageChanged { before, after } => {
                format!("the base changed from {before} to {after}")
            }
            Self::ProxyArgumentsChanged { is_given: true } => "a proxy argument is given now".into(),
            Self::ProxyArgumentsChanged { is_given: false } => "no proxy argument is given any more".into(),
            Self::RandomIgnoreFile => {
                "the .dockerignore that is sent differs at each build: with -f outside of the context the \
                 client writes a random name into it"
                    .into()
            }
            Self::ParentMissed { parent } => format!("it stands on “{}”, which runs again", name(parent)),
            Self::SourceMissed { source } => {
                format!("it takes files from “{}”, which runs again", name(source))
            }
            Self::ParentReplaced { before, after } => {
                format!("it stood on “{}” and now stands on “{}”", short(before), short(after))
            }
            Self::ParentDiffers { parent, .. } => {
                format!("it was never run on “{}” as it is now", name(parent))
            }
            Self::CacheIgnored => "the build was told not to use the cache here".into(),
            Self::DependsOnReruns => {
                "it is cached if the steps that run again write the same bytes as before".into()
            }
            Self::SourceMissing { path } => format!("{path} is not in the build context, or is ignored"),
            Self::TargetIsFile { path } => {
                format!("{path} is a file by then, and a folder cannot be copied to where a file stands")
            }
            Self::SecretMissing { id } => format!("it must have the secret “{id}”, which is not given"),
            Self::StepRefused { message } => format!("the builder refuses it: {message}"),
            Self::NeedsFailed => "a step that it needs fails".into(),
            Self::NotModeled { what } => format!("{what} is not modeled: only a real build can tell"),
            Self::AlwaysLoaded => "it is looked at anew in each build".into(),
            Self::NotExported => {
                "the imported cache does not hold its result, but nothing that runs needs it".into()
            }
        }
    }

    /// BuildKit's message, where the build fails for this reason; what differs
    /// from run to run is written as `<ref>`.
    #[must_use]
    pub fn builder_error(&self) -> Option<String> {
        match self {
            Self::SourceMissing { path } => Some(format!(
                "failed to compute cache key: failed to calculate checksum of ref <ref>: \"{path}\": not found"
            )),
            Self::TargetIsFile { path } => Some(format!("cannot copy to non-directory: <root>{path}")),
            Self::SecretMissing { id } => Some(format!("secret {id}: not found")),
            _ => None,
        }
    }
}

fn files_sentence(changes: &[FileChange]) -> String {
    let verb = |kind: FileChangeKind| match kind {
        FileChangeKind::Added => "was added",
        FileChangeKind::Deleted => "was deleted",
        FileChangeKind::Content => "changed",
        FileChangeKind::Header => "changed its mode or owner",
        FileChangeKind::NowIgnored => "is ignored now",
        FileChangeKind::IgnoredBefore => "is no longer ignored",
    };
    match changes {
        [] => "the files that it takes changed".into(),
        [one] => format!("{} {}", one.path, verb(one.kind)),
        [one, another] if one.kind == another.kind => {
            let verb = match one.kind {
                FileChangeKind::Added => "were added",
                FileChangeKind::Deleted => "were deleted",
                FileChangeKind::Content => "changed",
                FileChangeKind::Header => "changed their modes or owners",
                FileChangeKind::NowIgnored => "are ignored now",
                FileChangeKind::IgnoredBefore => "are no longer ignored",
            };
            format!("{} and {} {verb}", one.path, another.path)
        }
        [one, rest @ ..] => {
            let n_files = rest.len();
            let files = if n_files == 1 { "file" } else { "files" };
            format!("{} {}, and {n_files} more {files}", one.path, verb(one.kind))
        }
    }
}

fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() > 48 { line.chars().take(47).chain(['…']).collect() } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::context::Entry;
    use crate::digest::Digest;

    fn change(path: &str, kind: FileChangeKind) -> FileChange {
        let entry = Entry::file(Digest::of(b""), 0);
        FileChange { path: path.into(), kind, before: Some(entry.clone()), after: Some(entry) }
    }

    /// Every variant, in all its wordings. A new one does not compile until it stands here.
    fn all() -> Vec<Reason> {
        use FileChangeKind::{Added, Content, Deleted, Header, IgnoredBefore, NowIgnored};
        let step = StepId(0);
        let text = |text: &str| text.to_owned();
        let variable = |before: Option<&str>, after: Option<&str>| Reason::VariableChanged {
            name: "MODE".into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let setting = |before: &str, after: &str| Reason::SettingChanged {
            name: "the user".into(),
            before: before.into(),
            after: after.into(),
        };
        let files = |changes: Vec<FileChange>| Reason::FilesChanged { changes };
        let listed = vec![
            Reason::Unchanged,
            Reason::BuiltEarlier,
            Reason::SharedWith { step },
            Reason::NeverBuilt,
            Reason::FirstBuild,
            Reason::InstructionChanged { before: text("RUN a"), after: text("RUN b") },
            variable(None, Some("a")),
            variable(Some("a"), None),
            variable(Some("a"), Some("b")),
            Reason::VariableOrderChanged,
            setting("", "node"),
            setting("node", ""),
            setting("node", "root"),
            files(vec![]),
            files(vec![change("a.js", Content)]),
            files(vec![change("a.js", Added), change("b.js", Added)]),
            files(vec![change("a.js", Deleted), change("b.js", Added)]),
            files(vec![change("run.sh", Header), change("b.js", Added), change("c.js", Added)]),
            files(vec![change("a.md", NowIgnored)]),
            files(vec![change("a.md", IgnoredBefore)]),
            Reason::BaseChanged { before: text("node:22"), after: text("node:22") },
            Reason::BaseChanged { before: text("node:22"), after: text("node:24") },
            Reason::BaseImageChanged { before: text("node:22"), after: text("node:22") },
            Reason::BaseImageChanged { before: text("node:22"), after: text("node:24") },
            Reason::ProxyArgumentsChanged { is_given: true },
            Reason::ProxyArgumentsChanged { is_given: false },
            Reason::RandomIgnoreFile,
            Reason::ParentMissed { parent: step },
            Reason::SourceMissed { source: step },
            Reason::ParentReplaced { before: text("RUN a"), after: text("RUN b") },
            Reason::ParentDiffers { parent: step, change: Box::new(Reason::NeverBuilt) },
            Reason::CacheIgnored,
            Reason::DependsOnReruns,
            Reason::SourceMissing { path: text("/nope") },
            Reason::TargetIsFile { path: text("/app") },
            Reason::SecretMissing { id: text("token") },
            Reason::StepRefused { message: text("the --mount option requires BuildKit") },
            Reason::NeedsFailed,
            Reason::NotModeled { what: text("https://example.com/a.tgz") },
            Reason::AlwaysLoaded,
            Reason::NotExported,
        ];
        for reason in &listed {
            match reason {
                Reason::Unchanged
                | Reason::BuiltEarlier
                | Reason::SharedWith { .. }
                | Reason::NeverBuilt
                | Reason::FirstBuild
                | Reason::InstructionChanged { .. }
                | Reason::VariableChanged { .. }
                | Reason::VariableOrderChanged
                | Reason::SettingChanged { .. }
                | Reason::FilesChanged { .. }
                | Reason::BaseChanged { .. }
                | Reason::BaseImageChanged { .. }
                | Reason::ProxyArgumentsChanged { .. }
                | Reason::RandomIgnoreFile
                | Reason::ParentMissed { .. }
                | Reason::SourceMissed { .. }
                | Reason::ParentReplaced { .. }
                | Reason::ParentDiffers { .. }
                | Reason::CacheIgnored
                | Reason::DependsOnReruns
                | Reason::SourceMissing { .. }
                | Reason::TargetIsFile { .. }
                | Reason::SecretMissing { .. }
                | Reason::StepRefused { .. }
                | Reason::NeedsFailed
                | Reason::NotModeled { .. }
                | Reason::AlwaysLoaded
                | Reason::NotExported => {}
            }
        }
        listed
    }

    #[test]
    fn the_sentence_of_every_reason() {
        let told: Vec<String> =
            all().iter().map(|reason| reason.sentence_of(&|_| Some("RUN npm install"))).collect();
        expect![[r#"
            nothing that counts for this step has changed
            an earlier build had exactly this
            “RUN npm install” of this build gives the same result
            no build has had this step yet
            nothing has been built yet
            the instruction changed
            the variable MODE is new
            the variable MODE is gone
            the variable MODE changed from “a” to “b”
            the order of the variables changed
            the user “node” is new
            the user “node” is gone
            the user changed from “node” to “root”
            the files that it takes changed
            a.js changed
            a.js and b.js were added
            a.js was deleted, and 1 more file
            run.sh changed its mode or owner, and 2 more files
            a.md is ignored now
            a.md is no longer ignored
            the layers of node:22 changed
            the base changed from node:22 to node:24
            node:22 is another image now, if only by its configuration
            the base changed from node:22 to node:24
            a proxy argument is given now
            no proxy argument is given any more
            the .dockerignore that is sent differs at each build: with -f outside of the context the client writes a random name into it
            it stands on “RUN npm install”, which runs again
            it takes files from “RUN npm install”, which runs again
            it stood on “RUN a” and now stands on “RUN b”
            it was never run on “RUN npm install” as it is now
            the build was told not to use the cache here
            it is cached if the steps that run again write the same bytes as before
            /nope is not in the build context, or is ignored
            /app is a file by then, and a folder cannot be copied to where a file stands
            it must have the secret “token”, which is not given
            the builder refuses it: the --mount option requires BuildKit
            a step that it needs fails
            https://example.com/a.tgz is not modeled: only a real build can tell
            it is looked at anew in each build
            the imported cache does not hold its result, but nothing that runs needs it"#]].assert_eq(&told.join("\n"));
    }
}
