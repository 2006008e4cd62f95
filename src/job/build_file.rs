//! Compose and bake files: read, and told as mirrors.

use crate::buildfile::{self, Build, BuildFile, Dockerfile, FileKind, Note, env};
use crate::protocol::build_file::{BuildFileKind, BuildFileReport, BuildNote, BuildReport};
use crate::protocol::{JobId, Reply};

/// Reads a build file.
pub(super) fn read(job: JobId, name: &str, text: &str, environment: &str) -> Reply {
    match buildfile::read(name, text, &env::parse(environment)) {
        Ok(file) => Reply::BuildFileRead { job, report: report(file) },
        Err(error) => {
            let message = error.kind.to_string();
            Reply::BuildFileFailed { job, message, line: error.place.line, column: error.place.column }
        }
    }
}

fn report(file: BuildFile) -> BuildFileReport {
    BuildFileReport {
        kind: match file.kind {
            FileKind::Compose => BuildFileKind::Compose,
            FileKind::BakeHcl => BuildFileKind::BakeHcl,
            FileKind::BakeJson => BuildFileKind::BakeJson,
        },
        builds: file.builds.into_iter().map(build).collect(),
        groups: file.groups.into_iter().map(|group| (group.name, group.builds)).collect(),
        notes: file.notes.into_iter().map(note).collect(),
    }
}

fn build(build: Build) -> BuildReport {
    let (dockerfile, dockerfile_inline) = match build.dockerfile {
        Dockerfile::Path(path) => (path, None),
        Dockerfile::Inline(text) => (String::new(), Some(text)),
    };
    BuildReport {
        name: build.name,
        line: build.place.line,
        context: build.context,
        dockerfile,
        dockerfile_inline,
        target: build.target,
        args: build.args,
        platforms: build.platforms,
        contexts: build.contexts,
        no_cache: build.no_cache,
        no_cache_filter: build.no_cache_filter,
        pull: build.pull,
        cache_from: build.cache_from,
        secrets: build.secrets,
        ssh: build.ssh,
        network: build.network,
        labels: build.labels,
        tags: build.tags,
        ignored: build.ignored,
        notes: build.notes.into_iter().map(note).collect(),
    }
}

fn note(note: Note) -> BuildNote {
    BuildNote { line: note.place.line, column: note.place.column, message: note.message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_its_environment() {
        let text = "services:\n  a:\n    build: {context: ., args: {V: $V, W: }}\n";
        let reply = read(JobId(3), "compose.yaml", text, "V=1\n");
        let Reply::BuildFileRead { job: JobId(3), report } = reply else { panic!("{reply:?}") };
        let [build] = report.builds.as_slice() else { panic!("{report:?}") };
        assert_eq!((build.name.as_str(), build.line, build.dockerfile.as_str()), ("a", 2, "Dockerfile"));
        assert_eq!(build.args["V"].as_deref(), Some("1"));
        assert_eq!((build.args["W"].as_deref(), build.notes.len()), (None, 1));
        let reply = read(JobId(4), "docker-bake.hcl", "target {\n  x\n}", "");
        let Reply::BuildFileFailed { job: JobId(4), line, .. } = reply else { panic!("{reply:?}") };
        assert_eq!(line, 2);
    }
}
