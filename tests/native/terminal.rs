//! What BuildKit would print, build after build.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use expect_test::{Expect, expect};
use layerlab::cache::course::{self, Course};
use layerlab::cache::solve::{Inputs, Reruns, record, simulate};
use layerlab::cache::store::CacheStore;
use layerlab::context::{Entry, Tree};
use layerlab::digest::{DiffId, Digest};
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{BaseImage, BuildOptions, StepId, convert};
use layerlab::oci::Platform;
use layerlab::terminal::buildkit::{Build, Cli, refused, screen};
use layerlab::terminal::{LineKind, Screen, Span};

/// One cache, and builds one after another.
#[derive(Default)]
struct Builder {
    store: CacheStore,
    options: BuildOptions,
    cli: Cli,
    /// What reruns write.
    reruns: Reruns,
    /// Names of steps that fail, and the exit code.
    fails: BTreeMap<&'static str, u32>,
}

impl Builder {
    /// Builds with files, each `path=content`.
    fn build(&mut self, text: &str, files: &[&str]) -> Screen {
        let mut tree = Tree::default();
        for file in files {
            let (path, content) = file.split_once('=').unwrap();
            let mut entry = Entry::file(Digest::of(content.as_bytes()), content.len() as u64);
            // Its time moves with its content, so that the transfer notices.
            entry.mtime_secs = i64::from(Digest::of(content.as_bytes()).as_bytes()[0]);
            tree.insert(path, entry);
        }
        let locals = BTreeMap::from([("context".to_owned(), Rc::new(tree))]);
        let inputs = Inputs { locals, ..Inputs::default() };
        let find_base = |name: &str, _: &Platform| {
            let layers = vec![DiffId(Digest::of(name.as_bytes()))];
            Some(BaseImage { layers, is_known: true, ..BaseImage::default() })
        };
        let file = Dockerfile::read(text);
        let graph = match convert::build(&file, &self.options, &find_base) {
            Ok(graph) => graph,
            Err(error) => {
                let looked_up = ["docker.io/library/node:alpine".to_owned()];
                return refused(&file, text, &error, &looked_up, &self.cli);
            }
        };
        let named = |name: &str| graph.steps.iter().position(|step| step.name.ends_with(name));
        let fails = self.fails.iter().filter_map(|(name, code)| Some((StepId(named(name)?), *code)));
        let fails: BTreeMap<StepId, u32> = fails.collect();
        let failing: BTreeSet<StepId> = fails.keys().copied().collect();
        let simulation = simulate(&graph, &inputs, &self.store);
        let reruns = self.reruns;
        let course = course::of(&graph, &inputs, &self.store, &|_| reruns, &failing);
        let build = Build {
            file: &file,
            text,
            graph: &graph,
            course: &course,
            simulation: &simulation,
            fails: &fails,
        };
        let shown = screen(&build, &self.cli);
        record(&graph, &inputs, &mut self.store, &|_| reruns, &failing);
        self.check(&shown, &course);
        shown
    }

    /// What holds for every screen.
    fn check(&self, shown: &Screen, course: &[Course]) {
        let mut next = 1;
        for line in &shown.lines {
            let text = line.to_string();
            assert_eq!(line.kind == LineKind::Blank, text.is_empty(), "{shown}");
            if line.kind == LineKind::Step {
                assert!(text.starts_with(&format!("#{next} ")), "{shown}");
                next += 1;
            }
            let has_mark = line.spans.iter().any(|span| matches!(span, Span::CacheMark(_)));
            assert_eq!(has_mark, line.kind == LineKind::Cached);
            if let Some(step) = line.step {
                assert_ne!(course[step.0], Course::Blocked, "{text}");
                assert!(line.kind != LineKind::Cached || course[step.0] == Course::Cached, "{text}");
            }
        }
    }
}

fn check(screen: &Screen, expected: &Expect) {
    expected.assert_eq(&screen.to_string());
}

const NODE: &str = "\
FROM node:alpine
WORKDIR /app
COPY package*.json ./
RUN npm install
COPY ./ ./
CMD [\"node\", \"server.js\"]
";

const FILES: [&str; 2] = ["package.json={}", "server.js=one"];

#[test]
fn first_build() {
    let mut builder = Builder::default();
    builder.cli.tags = vec!["demo".into()];
    check(
        &builder.build(NODE, &FILES),
        &expect![[r##"
        #0 building with "default" instance using docker driver

        #1 [internal] load build definition from Dockerfile
        #1 transferring dockerfile: … done
        #1 DONE …s

        #2 [internal] load metadata for docker.io/library/node:alpine
        #2 DONE …s

        #3 [internal] load .dockerignore
        #3 transferring context: … done
        #3 DONE …s

        #4 [1/5] FROM docker.io/library/node:alpine
        #4 …
        #4 DONE …s

        #5 [internal] load build context
        #5 transferring context: … done
        #5 DONE …s

        #6 [2/5] WORKDIR /app
        #6 DONE …s

        #7 [3/5] COPY package*.json ./
        #7 DONE …s

        #8 [4/5] RUN npm install
        #8 …
        #8 DONE …s

        #9 [5/5] COPY ./ ./
        #9 DONE …s

        #10 exporting to image
        #10 exporting layers done
        #10 writing image sha256:… done
        #10 naming to docker.io/library/demo:latest done
        #10 DONE …s
    "##]],
    );
}

#[test]
fn nothing_changed() {
    let mut builder = Builder::default();
    builder.build(NODE, &FILES);
    check(
        &builder.build(NODE, &FILES),
        &expect![[r##"
        #0 building with "default" instance using docker driver

        #1 [internal] load build definition from Dockerfile
        #1 transferring dockerfile: … done
        #1 DONE …s

        #2 [internal] load metadata for docker.io/library/node:alpine
        #2 DONE …s

        #3 [internal] load .dockerignore
        #3 transferring context: … done
        #3 DONE …s

        #4 [1/5] FROM docker.io/library/node:alpine
        #4 DONE …s

        #5 [internal] load build context
        #5 transferring context: … done
        #5 DONE …s

        #6 [2/5] WORKDIR /app
        #6 CACHED

        #7 [3/5] COPY package*.json ./
        #7 CACHED

        #8 [4/5] RUN npm install
        #8 CACHED

        #9 [5/5] COPY ./ ./
        #9 CACHED

        #10 exporting to image
        #10 exporting layers done
        #10 writing image sha256:… done
        #10 DONE …s
    "##]],
    );
}

#[test]
fn a_file_changed() {
    let mut builder = Builder::default();
    builder.build(NODE, &FILES);
    check(
        &builder.build(NODE, &["package.json={}", "server.js=two"]),
        &expect![[r##"
        #0 building with "default" instance using docker driver

        #1 [internal] load build definition from Dockerfile
        #1 transferring dockerfile: … done
        #1 DONE …s

        #2 [internal] load metadata for docker.io/library/node:alpine
        #2 DONE …s

        #3 [internal] load .dockerignore
        #3 transferring context: … done
        #3 DONE …s

        #4 [1/5] FROM docker.io/library/node:alpine
        #4 DONE …s

        #5 [internal] load build context
        #5 transferring context: … done
        #5 DONE …s

        #6 [2/5] WORKDIR /app
        #6 CACHED

        #7 [3/5] COPY package*.json ./
        #7 CACHED

        #8 [4/5] RUN npm install
        #8 CACHED

        #9 [5/5] COPY ./ ./
        #9 DONE …s

        #10 exporting to image
        #10 exporting layers done
        #10 writing image sha256:… done
        #10 DONE …s
    "##]],
    );
}

#[test]
fn the_first_step_on_the_base_changed() {
    let mut builder = Builder::default();
    builder.build("FROM a\nRUN one\n", &[]);
    let shown = builder.build("FROM a\nRUN two\n", &[]).to_string();
    assert!(shown.contains("#4 [1/2] FROM docker.io/library/a:latest\n#4 CACHED\n"), "{shown}");
    assert!(!shown.contains("load build context"), "{shown}");
}

/// Two stages that do not wait for each other, one that the target does not need, and equal bases.
const STAGES: &str = "\
# syntax=docker/dockerfile:1
FROM golang AS api
WORKDIR /src
COPY api ./
RUN go build -o /api
FROM node:alpine AS web
COPY web ./
RUN npm run build
FROM golang AS lint
RUN go vet
FROM alpine
COPY --from=api /api /api
COPY --from=web /dist /dist
";

#[test]
fn parallel_stages() {
    let mut builder = Builder::default();
    let shown = builder.build(STAGES, &["api/main.go=1", "web/a.js=1"]);
    assert!(!shown.to_string().contains("lint"));
    check(
        &shown,
        &expect![[r##"
        #0 building with "default" instance using docker driver

        #1 [internal] load build definition from Dockerfile
        #1 transferring dockerfile: … done
        #1 DONE …s

        #2 resolve image config for docker-image://docker.io/docker/dockerfile:1
        #2 DONE …s

        #3 docker-image://docker.io/docker/dockerfile:1@sha256:…
        #3 CACHED

        #4 [internal] load metadata for docker.io/library/golang:latest
        #4 DONE …s

        #5 [internal] load metadata for docker.io/library/node:alpine
        #5 DONE …s

        #6 [internal] load metadata for docker.io/library/alpine:latest
        #6 DONE …s

        #7 [internal] load .dockerignore
        #7 transferring context: … done
        #7 DONE …s

        #8 [api 1/4] FROM docker.io/library/golang:latest
        #8 …
        #8 DONE …s

        #9 [web 1/3] FROM docker.io/library/node:alpine
        #9 …
        #9 DONE …s

        #10 [stage-3 1/3] FROM docker.io/library/alpine:latest
        #10 …
        #10 DONE …s

        #11 [internal] load build context
        #11 transferring context: … done
        #11 DONE …s

        #12 [api 2/4] WORKDIR /src
        #12 DONE …s

        #13 [web 2/3] COPY web ./
        #13 DONE …s

        #14 [api 3/4] COPY api ./
        #14 DONE …s

        #15 [web 3/3] RUN npm run build
        #15 …
        #15 DONE …s

        #16 [api 4/4] RUN go build -o /api
        #16 …
        #16 DONE …s

        #17 [stage-3 2/3] COPY --from=api /api /api
        #17 DONE …s

        #18 [stage-3 3/3] COPY --from=web /dist /dist
        #18 DONE …s

        #19 exporting to image
        #19 exporting layers done
        #19 writing image sha256:… done
        #19 DONE …s
    "##]],
    );
}

#[test]
fn what_turns_on_a_rerun() {
    let mut builder = Builder::default();
    builder.build(STAGES, &["api/main.go=1", "web/a.js=1"]);
    builder.reruns = Reruns::Same;
    check(
        &builder.build(STAGES, &["api/main.go=2", "web/a.js=1"]),
        &expect![[r##"
        #0 building with "default" instance using docker driver

        #1 [internal] load build definition from Dockerfile
        #1 transferring dockerfile: … done
        #1 DONE …s

        #2 resolve image config for docker-image://docker.io/docker/dockerfile:1
        #2 DONE …s

        #3 docker-image://docker.io/docker/dockerfile:1@sha256:…
        #3 CACHED

        #4 [internal] load metadata for docker.io/library/golang:latest
        #4 DONE …s

        #5 [internal] load metadata for docker.io/library/node:alpine
        #5 DONE …s

        #6 [internal] load metadata for docker.io/library/alpine:latest
        #6 DONE …s

        #7 [internal] load .dockerignore
        #7 transferring context: … done
        #7 DONE …s

        #8 [api 1/4] FROM docker.io/library/golang:latest
        #8 DONE …s

        #9 [web 1/3] FROM docker.io/library/node:alpine
        #9 DONE …s

        #10 [stage-3 1/3] FROM docker.io/library/alpine:latest
        #10 DONE …s

        #11 [internal] load build context
        #11 transferring context: … done
        #11 DONE …s

        #12 [api 2/4] WORKDIR /src
        #12 CACHED

        #13 [web 2/3] COPY web ./
        #13 CACHED

        #14 [api 3/4] COPY api ./
        #14 DONE …s

        #15 [web 3/3] RUN npm run build
        #15 CACHED

        #16 [api 4/4] RUN go build -o /api
        #16 …
        #16 DONE …s

        #17 [stage-3 2/3] COPY --from=api /api /api
        … turns on whether steps that run again write the same bytes as before; shown as if they did
        #17 CACHED

        #18 [stage-3 3/3] COPY --from=web /dist /dist
        … turns on whether steps that run again write the same bytes as before; shown as if they did
        #18 CACHED

        #19 exporting to image
        #19 exporting layers done
        #19 writing image sha256:… done
        #19 DONE …s
    "##]],
    );
    builder.reruns = Reruns::Different;
    let shown = builder.build(STAGES, &["api/main.go=3", "web/a.js=1"]).to_string();
    assert!(shown.contains("shown as if they did not\n"), "{shown}");
    let asides = shown.lines().filter(|line| line.starts_with('…')).count();
    assert_eq!(asides, 2, "{shown}");
}

#[test]
fn a_refused_instruction() {
    let mut builder = Builder::default();
    builder.cli.warnings = vec!["StageNameCasing: Stage name 'A' should be lowercase (line 1)".into()];
    let text = NODE.replace("RUN npm", "RUM npm");
    check(
        &builder.build(&text, &FILES),
        &expect![[r##"
            #0 building with "default" instance using docker driver

            #1 [internal] load build definition from Dockerfile
            #1 transferring dockerfile: … done
            #1 WARN: StageNameCasing: Stage name 'A' should be lowercase (line 1)
            #1 DONE …s

             1 warning found (use docker --debug to expand):
             - StageNameCasing: Stage name 'A' should be lowercase (line 1)
            Dockerfile:4
            --------------------
               2 |     WORKDIR /app
               3 |     COPY package*.json ./
               4 | >>> RUM npm install
               5 |     COPY ./ ./
               6 |     CMD ["node", "server.js"]
            --------------------
            ERROR: failed to build: failed to solve: dockerfile parse error on line 4: unknown instruction: RUM (did you mean RUN?)
        "##]],
    );
}

#[test]
fn a_graph_that_is_refused() {
    let text = NODE.replace("CMD [\"node\", \"server.js\"]", "STOPSIGNAL FOO");
    check(
        &Builder::default().build(&text, &FILES),
        &expect![[r##"
        #0 building with "default" instance using docker driver

        #1 [internal] load build definition from Dockerfile
        #1 transferring dockerfile: … done
        #1 DONE …s

        #2 [internal] load metadata for docker.io/library/node:alpine
        #2 DONE …s

        #3 [internal] load .dockerignore
        #3 transferring context: … done
        #3 DONE …s
        Dockerfile:6
        --------------------
           4 |     RUN npm install
           5 |     COPY ./ ./
           6 | >>> STOPSIGNAL FOO
           7 |     
        --------------------
        ERROR: failed to build: failed to solve: invalid signal: FOO
    "##]],
    );
}

#[test]
fn a_missing_file() {
    let text = "FROM alpine AS a\nRUN true\nFROM alpine\nCOPY nope.txt \\\n  /\nRUN x\n";
    check(
        &Builder::default().build(text, &FILES),
        &expect![[r##"
        #0 building with "default" instance using docker driver

        #1 [internal] load build definition from Dockerfile
        #1 transferring dockerfile: … done
        #1 DONE …s

        #2 [internal] load metadata for docker.io/library/alpine:latest
        #2 DONE …s

        #3 [internal] load .dockerignore
        #3 transferring context: … done
        #3 DONE …s

        #4 [stage-1 1/3] FROM docker.io/library/alpine:latest
        #4 …
        #4 DONE …s

        #5 [internal] load build context
        #5 transferring context: … done
        #5 DONE …s

        #6 [stage-1 2/3] COPY nope.txt   /
        #6 ERROR: failed to calculate checksum of ref …: "/nope.txt": not found
        ------
         > [stage-1 2/3] COPY nope.txt   /:
        ------
        Dockerfile:4
        --------------------
           3 |     FROM alpine
           4 | >>> COPY nope.txt \
           5 | >>>   /
           6 |     RUN x
        --------------------
        ERROR: failed to build: failed to solve: failed to compute cache key: failed to calculate checksum of ref …: "/nope.txt": not found
    "##]],
    );
}

#[test]
fn a_command_that_fails() {
    let mut builder = Builder::default();
    builder.fails.insert("RUN npm install", 127);
    check(
        &builder.build(NODE, &FILES),
        &expect![[r##"
        #0 building with "default" instance using docker driver

        #1 [internal] load build definition from Dockerfile
        #1 transferring dockerfile: … done
        #1 DONE …s

        #2 [internal] load metadata for docker.io/library/node:alpine
        #2 DONE …s

        #3 [internal] load .dockerignore
        #3 transferring context: … done
        #3 DONE …s

        #4 [1/5] FROM docker.io/library/node:alpine
        #4 …
        #4 DONE …s

        #5 [internal] load build context
        #5 transferring context: … done
        #5 DONE …s

        #6 [2/5] WORKDIR /app
        #6 DONE …s

        #7 [3/5] COPY package*.json ./
        #7 DONE …s

        #8 [4/5] RUN npm install
        #8 …
        #8 ERROR: process "/bin/sh -c npm install" did not complete successfully: exit code: 127
        ------
         > [4/5] RUN npm install:
        …
        ------
        Dockerfile:4
        --------------------
           2 |     WORKDIR /app
           3 |     COPY package*.json ./
           4 | >>> RUN npm install
           5 |     COPY ./ ./
           6 |     CMD ["node", "server.js"]
        --------------------
        ERROR: failed to build: failed to solve: process "/bin/sh -c npm install" did not complete successfully: exit code: 127
    "##]],
    );
    // What stands above it is kept.
    let again = builder.build(NODE, &FILES).to_string();
    assert!(again.contains("[3/5] COPY package*.json ./\n#7 CACHED\n"), "{again}");
}

#[test]
fn several_platforms() {
    let mut builder = Builder::default();
    builder.options.platforms =
        ["linux/amd64", "linux/arm64"].map(|name| layerlab::graph::platform::parse(name).unwrap()).to_vec();
    let shown = builder.build("FROM alpine\nADD https://example.com/a.tgz /\nRUN x\n", &[]);
    check(
        &shown,
        &expect![[r##"
            #0 building with "default" instance using docker driver

            #1 [internal] load build definition from Dockerfile
            #1 transferring dockerfile: … done
            #1 DONE …s

            #2 [linux/amd64 internal] load metadata for docker.io/library/alpine:latest
            #2 DONE …s

            #3 [linux/arm64 internal] load metadata for docker.io/library/alpine:latest
            #3 DONE …s

            #4 [internal] load .dockerignore
            #4 transferring context: … done
            #4 DONE …s

            #5 [linux/amd64 1/3] FROM docker.io/library/alpine:latest
            #5 …
            #5 DONE …s

            #6 [linux/arm64 1/3] FROM docker.io/library/alpine:latest
            #6 …
            #6 DONE …s

            #7 [linux/amd64 2/3] ADD https://example.com/a.tgz /
            … not modeled: only a real build can tell

            #8 [linux/arm64 2/3] ADD https://example.com/a.tgz /
            … not modeled: only a real build can tell

            #9 [linux/amd64 3/3] RUN x
            … not modeled: only a real build can tell

            #10 [linux/arm64 3/3] RUN x
            … not modeled: only a real build can tell

            #11 exporting to image
            #11 exporting layers done
            #11 …
            #11 DONE …s
        "##]],
    );
}

#[test]
fn what_is_known_is_filled_in() {
    let mut builder = Builder::default();
    builder.cli.millis = BTreeMap::from([(StepId(1), 62), (StepId(4), 12_340)]);
    builder.cli.context_bytes = Some(1_234);
    let shown = builder.build(NODE, &FILES).to_string();
    assert!(shown.contains("[2/5] WORKDIR /app\n#6 DONE 0.1s\n"), "{shown}");
    assert!(shown.contains("#5 transferring context: 1.23kB done\n"), "{shown}");
    assert!(shown.contains("#8 DONE 12.3s\n"), "{shown}");
}
