//! Worked examples: the one that the page begins with, already built once, and those of the menu,
//! built once and edited since.

mod files;

use std::rc::Rc;

pub use self::files::EXAMPLES;
use super::history::Event;
use super::options::{Builder, Options};
use super::state::{Session, Version};
use crate::context::{Entry, Tree};
use crate::digest::Digest;

/// The classic Node image.
pub const DOCKERFILE: &str = "\
FROM node:alpine
WORKDIR /app
COPY package*.json ./
RUN npm install
COPY ./ ./
CMD [\"npm\", \"start\"]
";

/// What stays out of its context.
pub const DOCKERIGNORE: &str = "node_modules\nDockerfile\n.dockerignore\n";

/// What was changed since the build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edit {
    /// The content of a file.
    File(&'static str),
    /// A part of the Dockerfile, and what stands in its place.
    Dockerfile(&'static str, &'static str),
}

/// An example of the menu.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Example {
    /// Its name.
    pub title: &'static str,
    /// What is to be seen in it, in a sentence.
    pub teaches: &'static str,
    /// Its Dockerfile, as it was built.
    pub dockerfile: &'static str,
    /// What stays out of its context.
    pub dockerignore: &'static str,
    /// Its files and their texts.
    pub files: &'static [(&'static str, &'static str)],
    /// The builder.
    pub builder: Builder,
    /// What was changed since.
    pub edit: Edit,
}

impl Example {
    /// A session with it, built once and edited since; how the page looks stays as it is.
    #[must_use]
    pub fn session(&self, present: &Session) -> Session {
        let options = Options { builder: self.builder, ..Options::default() };
        let built = Version {
            dockerfile: self.dockerfile.to_owned(),
            dockerignore: self.dockerignore.to_owned(),
            files: Rc::new(tree(self.files)),
            options,
            ..Session::example().now
        };
        let mut now = built.clone();
        match self.edit {
            Edit::Dockerfile(old, new) => now.dockerfile = now.dockerfile.replace(old, new),
            Edit::File(path) => {
                let text = self.files.iter().find(|(name, _)| *name == path).map_or("", |(_, text)| text);
                let mut files = Tree::clone(&now.files);
                files.insert(path, entry(&format!("{text}\n")));
                now.files = Rc::new(files);
            }
        }
        let given = Rc::clone(&built.files);
        let events = vec![Event::Built(Rc::new(built))];
        let (theme, place) = (present.theme, present.place);
        Session { now, given, events, theme, place, ..Session::example() }
    }
}

/// The files of the first example. The Dockerfile and the ignore file join them when a build is judged.
#[must_use]
pub fn context() -> Tree {
    tree(&[
        ("package.json", "{ \"name\": \"app\", \"scripts\": { \"start\": \"node index.js\" } }\n"),
        ("package-lock.json", "{ \"name\": \"app\", \"lockfileVersion\": 3 }\n"),
        ("index.js", "require(\"http\").createServer((_, res) => res.end(\"hello\\n\")).listen(3000);\n"),
        ("README.md", "# app\n"),
        ("node_modules/.package-lock.json", "{}\n"),
    ])
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    for (path, text) in files {
        tree.insert(path, entry(text));
    }
    tree
}

fn entry(text: &str) -> Entry {
    let mut entry = Entry::file(Digest::of(text.as_bytes()), text.len() as u64);
    entry.mtime_secs = 1;
    entry
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::app::analysis::Analysis;
    use crate::app::history::History;
    use crate::app::state::State;
    use crate::app::view::{SimulateView, simulate};

    fn view(example: &Example) -> SimulateView {
        let state = State::new(example.session(&Session::example()), "test");
        let session = &state.session;
        let history = History::replay(&session.events, session.reruns, &session.images, None);
        simulate(&state, &history, &Analysis::new(&state, &history, None))
    }

    fn check(title: &str, expected: &Expect) {
        let example = EXAMPLES.iter().find(|example| example.title == title).unwrap();
        let view = view(example);
        let rows =
            view.rows.iter().map(|row| format!("{} {}: {}\n", row.lines.first, row.mark.label(), row.reason));
        expected.assert_eq(&format!("{}\n{}", view.summary.sentence, rows.collect::<String>()));
    }

    #[test]
    fn a_builder_takes_each_and_nothing_is_inferred() {
        for example in &EXAMPLES {
            let view = view(example);
            assert!(view.diagnostics.iter().all(|found| !found.is_error), "{}", example.title);
            assert!(view.option_problems.is_empty() && view.ignore_problem.is_none(), "{}", example.title);
            assert_ne!(view.summary.sentence, "", "{}", example.title);
        }
    }

    #[test]
    fn node() {
        check(
            "Node",
            &expect![[r#"
            2 of 5 steps cached, 3 rebuild. First cause: line 3, package.json changed.
            1 cached: nothing that counts for this step has changed
            2 cached: nothing that counts for this step has changed
            3 rebuilds: package.json changed
            4 rebuilds: it stands on “COPY package*.json ./”, which runs again
            5 rebuilds: it stands on “RUN npm install”, which runs again
            6 metadata only: no step of its own: it edits the image configuration only, and never rebuilds anything
        "#]],
        );
    }

    #[test]
    fn sources_before_dependencies() {
        check(
            "Sources before dependencies",
            &expect![[r#"
            2 of 5 steps cached, 3 rebuild. First cause: line 3, README.md changed.
            1 cached: nothing that counts for this step has changed
            2 cached: nothing that counts for this step has changed
            3 rebuilds: README.md changed
            4 rebuilds: it stands on “COPY . .”, which runs again
            5 rebuilds: it stands on “RUN npm ci”, which runs again
            6 metadata only: no step of its own: it edits the image configuration only, and never rebuilds anything
        "#]],
        );
    }

    #[test]
    fn python() {
        check(
            "Python",
            &expect![[r#"
            4 of 5 steps cached, 1 rebuilds. First cause: line 6, app/main.py changed.
            1 cached: nothing that counts for this step has changed
            2 metadata only: no step of its own: it enters the key of each RUN below it
            3 cached: nothing that counts for this step has changed
            4 cached: nothing that counts for this step has changed
            5 cached: nothing that counts for this step has changed
            6 rebuilds: app/main.py changed
            7 metadata only: no step of its own: it enters the key of the steps that it changes
            8 metadata only: no step of its own: it edits the image configuration only, and never rebuilds anything
            9 metadata only: no step of its own: it edits the image configuration only, and never rebuilds anything
        "#]],
        );
    }

    #[test]
    fn go_two_stages() {
        check(
            "Go, two stages",
            &expect![[r#"
            5 of 8 steps cached, 2 rebuild, 1 conditional. First cause: line 5, internal/store/store.go changed.
            1 cached: nothing that counts for this step has changed
            2 cached: nothing that counts for this step has changed
            3 cached: nothing that counts for this step has changed
            4 cached: nothing that counts for this step has changed
            5 rebuilds: internal/store/store.go changed
            6 rebuilds: it stands on “COPY . .”, which runs again
            8 not needed: the target does not need this stage, so a build never looks at it
            9 not needed: the target does not need this stage, so a build never looks at it
            11 cached: nothing that counts for this step has changed
            12 conditional: it is cached if the steps that run again write the same bytes as before; as assumed now they write others, so it would rebuild
            13 metadata only: no step of its own: it edits the image configuration only, and never rebuilds anything
        "#]],
        );
    }

    #[test]
    fn rust() {
        check(
            "Rust",
            &expect![[r#"
            4 of 11 steps cached, 2 rebuild, 5 conditional. First cause: line 6, src/main.rs changed.
            1 cached: nothing that counts for this step has changed
            2 cached: nothing that counts for this step has changed
            3 cached: nothing that counts for this step has changed
            5 metadata only: it makes no step: the stage goes on from what is there
            6 rebuilds: src/main.rs changed
            7 rebuilds: it stands on “COPY . .”, which runs again
            9 metadata only: it makes no step: the stage goes on from what is there
            10 conditional: it is cached if the steps that run again write the same bytes as before; as assumed now they write others, so it would rebuild
            11 conditional: it is cached if the steps that run again write the same bytes as before; as assumed now they write others, so it would rebuild
            12 conditional: src/main.rs changed; as assumed now they write others, so it would rebuild
            13 conditional: it stands on “COPY . .”, which runs again; as assumed now they write others, so it would rebuild
            15 cached: nothing that counts for this step has changed
            16 conditional: it is cached if the steps that run again write the same bytes as before; as assumed now they write others, so it would rebuild
            17 metadata only: no step of its own: it edits the image configuration only, and never rebuilds anything
        "#]],
        );
    }

    #[test]
    fn java() {
        check(
            "Java",
            &expect![[r#"
            3 of 8 steps cached, 4 rebuild, 1 conditional. First cause: line 3, pom.xml changed.
            1 cached: nothing that counts for this step has changed
            2 cached: nothing that counts for this step has changed
            3 rebuilds: pom.xml changed
            4 rebuilds: it stands on “COPY pom.xml .”, which runs again
            5 rebuilds: it stands on “RUN mvn -B dependency:go-offline”, which runs again
            6 rebuilds: it stands on “COPY src src”, which runs again
            8 cached: nothing that counts for this step has changed
            9 conditional: it is cached if the steps that run again write the same bytes as before; as assumed now they write others, so it would rebuild
            10 metadata only: no step of its own: it edits the image configuration only, and never rebuilds anything
        "#]],
        );
    }

    #[test]
    fn monorepo() {
        check(
            "Monorepo",
            &expect![[r#"
            11 of 15 steps cached, 2 rebuild, 2 conditional. First cause: line 10, packages/web/index.ts changed.
            1 cached: nothing that counts for this step has changed
            2 cached: nothing that counts for this step has changed
            3 cached: nothing that counts for this step has changed
            4 cached: nothing that counts for this step has changed
            5 cached: nothing that counts for this step has changed
            6 cached: nothing that counts for this step has changed
            8 metadata only: it makes no step: the stage goes on from what is there
            9 cached: nothing that counts for this step has changed
            10 rebuilds: packages/web/index.ts changed
            11 rebuilds: it stands on “COPY packages/web packages/web”, which runs again
            13 metadata only: it makes no step: the stage goes on from what is there
            14 cached: nothing that counts for this step has changed
            15 cached: nothing that counts for this step has changed
            16 cached: nothing that counts for this step has changed
            18 cached: nothing that counts for this step has changed
            19 conditional: it is cached if the steps that run again write the same bytes as before; as assumed now they write others, so it would rebuild
            20 conditional: it is cached if the steps that run again write the same bytes as before; as assumed now they write others, so it would rebuild
        "#]],
        );
    }

    #[test]
    fn secrets_and_cache_mounts() {
        check(
            "Secrets and cache mounts",
            &expect![[r#"
            Nothing rebuilds: all 5 steps are cached.
            2 cached: nothing that counts for this step has changed
            3 cached: nothing that counts for this step has changed
            4 cached: nothing that counts for this step has changed
            5 cached: nothing that counts for this step has changed
            8 cached: nothing that counts for this step has changed
            9 metadata only: no step of its own: it edits the image configuration only, and never rebuilds anything
        "#]],
        );
    }

    #[test]
    fn copies_of_their_own_with_link() {
        check(
            "Copies of their own with --link",
            &expect![[r#"
            5 of 8 steps cached, 3 rebuild. First cause: line 7, the instruction changed.
            1 cached: nothing that counts for this step has changed
            2 cached: nothing that counts for this step has changed
            3 cached: nothing that counts for this step has changed
            4 cached: nothing that counts for this step has changed
            6 cached: nothing that counts for this step has changed
            7 rebuilds: the instruction changed
            8 rebuilds: it stands on “RUN apk add --no-cache curl jq”, which runs again
            9 rebuilds: it stands on “LINK COPY --link --from=web /web/dist /usr/shar…”, which runs again
        "#]],
        );
    }

    #[test]
    fn legacy_builder() {
        check(
            "Legacy builder",
            &expect![[r#"
            7 of 9 steps cached, 2 rebuild. First cause: line 6, tests/test_app.py changed.
            1 cached: nothing that counts for this step has changed
            2 cached: nothing that counts for this step has changed
            3 cached: nothing that counts for this step has changed
            5 cached: nothing that counts for this step has changed
            6 rebuilds: tests/test_app.py changed
            7 rebuilds: it stands on “COPY tests tests”, which runs again
            9 cached: nothing that counts for this step has changed
            10 cached: nothing that counts for this step has changed
            11 cached: nothing that counts for this step has changed
        "#]],
        );
    }
}
