//! Files that a Dockerfile copies and that nobody gave: stand-ins for them.
//!
//! Without a real context a COPY of a named file would be an error, which
//! helps nobody who just pasted a Dockerfile. So the page infers a file or a
//! folder for each plain source that is missing, and marks it as inferred.

use std::collections::BTreeSet;

use crate::context::select::has_wildcard;
use crate::context::{Assumed, Entry, Tree, normal_path};
use crate::digest::Digest;
use crate::graph::{FileAction, FileInput, Graph, Op};

/// Paths that the steps of `graph` take from a context and that its `tree` does not have.
#[must_use]
pub fn missing(graph: &Graph, context: &str, tree: &Tree) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    let is_context = |step: &crate::graph::Step, input: usize| {
        let source = step.inputs.get(input).and_then(|id| graph.step(*id));
        source.is_some_and(|source| matches!(&source.op, Op::Local { name } if name == context))
    };
    let mut want = |path: &str| {
        let path = normal_path(path);
        if !path.is_empty() && !has_wildcard(&path) && tree.get(&path).is_none() {
            missing.insert(path);
        }
    };
    for step in &graph.steps {
        match &step.op {
            Op::File(actions) => {
                for action in actions {
                    if let FileAction::Copy(copy) = action
                        && let FileInput::Input(idx) = copy.from
                        && is_context(step, idx)
                    {
                        want(&copy.source);
                        copy.required.iter().for_each(|path| want(path));
                    }
                }
            }
            Op::Exec(exec) => {
                for mount in &exec.mounts {
                    if mount.input.is_some_and(|idx| is_context(step, idx)) {
                        want(&mount.selector);
                    }
                }
            }
            _ => {}
        }
    }
    missing
}

/// Puts a stand-in for `path` into `tree`: a file if the name looks like one, else a folder with a file in it.
pub fn insert(tree: &mut Tree, path: &str) {
    const KNOWN_FILES: [&str; 8] =
        ["Makefile", "Dockerfile", "LICENSE", "Gemfile", "Rakefile", "Procfile", "Pipfile", "gradlew"];
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_file =
        name.trim_start_matches('.').contains('.') || KNOWN_FILES.contains(&name) || name.starts_with('.');
    let mut entry = Entry::file(Digest::of(path.as_bytes()), 0);
    entry.assumed = Assumed::EVERYTHING;
    entry.mtime_secs = 1;
    if is_file {
        tree.insert(path, entry);
    } else {
        tree.insert(&format!("{path}/file"), entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders() {
        let mut tree = Tree::default();
        ["go.mod", "src", "Makefile", ".npmrc", "cmd/app"].iter().for_each(|path| insert(&mut tree, path));
        let files: Vec<String> =
            tree.iter().filter(|(_, entry)| !entry.is_dir()).map(|(path, _)| path).collect();
        assert_eq!(files, [".npmrc", "Makefile", "cmd/app/file", "go.mod", "src/file"]);
    }
}
