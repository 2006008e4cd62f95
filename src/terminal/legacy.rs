//! What the classic builder prints, as `DOCKER_BUILDKIT=0 docker build` shows it.
//!
//! It follows Docker 20.10 (moby, `builder/dockerfile`). Every instruction has its line `Step k/n`;
//! a trigger has none, and the image under a FROM with triggers is that after the last of them.
//! ` ---> Running in` stands for a container: a RUN, the folder of a WORKDIR and metadata have one,
//! copies have none. Where a step fails its container stays.
//!
//! Base images are taken to be there already: nothing is told of a pull. `--rm=false`,
//! `--force-rm` and the progress of a download by ADD are not modeled.

use std::collections::BTreeMap;

use super::units::four_digits;
use super::{LineKind, Screen, Span, UNKNOWN, text};
use crate::cache::Simulation;
use crate::cache::Verdict;
use crate::cache::course::Course;
use crate::cache::legacy::course::{self, Carried};
use crate::cache::legacy::files::Inputs;
use crate::cache::legacy::plan::{Action, Base, DockerfilePlace, Plan, PlanStep};
use crate::cache::legacy::solve::builder_error;
use crate::cache::legacy::store::LegacyStore;
use crate::cache::solve::Reruns;
use crate::context::ignore::Packed;
use crate::context::{Entry, EntryKind, Tree};
use crate::digest::{Digest, Hasher};
use crate::dockerfile::stage::Dockerfile;
use crate::graph::{GraphError, StepId, reference};

/// A build that is to be shown.
#[derive(Clone, Copy)]
pub struct Build<'a> {
    /// Its Dockerfile, read in the classic dialect.
    pub file: &'a Dockerfile,
    /// Its steps.
    pub plan: &'a Plan,
    /// What it is given.
    pub inputs: &'a Inputs,
    /// What earlier builds left.
    pub store: &'a LegacyStore,
    /// Its verdicts: a conditional step is shown with an aside. Without them there is none.
    pub simulation: &'a Simulation,
    /// For each conditional step, what its reruns are taken to write.
    pub reruns: &'a dyn Fn(StepId) -> Reruns,
    /// Steps that fail when they run, and the exit code of their command.
    pub fails: &'a BTreeMap<StepId, u32>,
}

/// What the command line says besides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cli {
    /// The size of what is sent, see [`sent_bytes`]; `None` if it is not known.
    pub context_bytes: Option<u64>,
    /// `--tag`, as written.
    pub tags: Vec<String>,
    /// `--quiet`: all but the id is printed only where the build fails.
    pub is_quiet: bool,
}

/// What is printed for a build.
#[must_use]
pub fn screen(build: &Build<'_>, cli: &Cli) -> Screen {
    let fails = build.fails.keys().copied().collect();
    let carried = course::of(build.plan, build.inputs, build.store, build.reruns, &fails);
    let mut writer = Writer { build, carried, screen: Screen::default() };
    writer.screen.sending(cli);
    writer.blank_continuations();
    if writer.steps() {
        writer.success(cli);
    }
    writer.screen
}

/// What is printed where a Dockerfile is refused before any step.
#[must_use]
pub fn refused(error: &GraphError, cli: &Cli) -> Screen {
    let mut screen = Screen::default();
    screen.sending(cli);
    screen.text(LineKind::Error, None, format!("Error response from daemon: {}", error.message));
    screen
}

/// The bytes of the tar that the client sends, of which `packed` are the files that patterns leave.
///
/// `Dockerfile` and `.dockerignore` are sent even where a pattern hides them; the daemon takes them
/// out again. A Dockerfile from elsewhere is sent under a random name, which the client also
/// writes into the `.dockerignore` that it sends.
#[must_use]
pub fn sent_bytes(all: &Tree, packed: &Packed, place: &DockerfilePlace, dockerfile_bytes: u64) -> u64 {
    const IGNORE_FILE: &str = ".dockerignore";
    /// A newline, `.dockerfile.`, twenty digits, a newline.
    const RANDOM_LINE_BYTES: u64 = 34;
    let entries = packed.tree.iter().filter(|(path, _)| !packed.bare_folders.contains(path));
    let mut n_bytes: u64 = entries.map(|(path, entry)| tar_bytes(&path, entry)).sum();
    let hidden = |path: &str| {
        let entry = all.get(path).filter(|_| packed.tree.get(path).is_none());
        entry.map_or(0, |entry| tar_bytes(path, entry))
    };
    n_bytes += hidden(IGNORE_FILE);
    match place {
        DockerfilePlace::InContext { path } => n_bytes += hidden(path),
        DockerfilePlace::Outside => {
            let size = |entry: &Entry| match entry.kind {
                EntryKind::File { size_bytes, .. } => size_bytes,
                EntryKind::Dir | EntryKind::Symlink { .. } | EntryKind::HardLink { .. } => 0,
            };
            let is_there = all.get(IGNORE_FILE).map(size);
            n_bytes += BLOCK_BYTES + padded(dockerfile_bytes);
            // Where there is none, one is made that names itself.
            n_bytes += match is_there {
                Some(size) => padded(size.saturating_add(RANDOM_LINE_BYTES)) - padded(size),
                None => BLOCK_BYTES + padded(IGNORE_FILE.len() as u64 + RANDOM_LINE_BYTES),
            };
        }
    }
    // Two blocks end a tar.
    n_bytes + 2 * BLOCK_BYTES
}

const BLOCK_BYTES: u64 = 512;

fn padded(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES)
}

/// A header, what a plain one cannot hold in a header of its own, and the content.
fn tar_bytes(path: &str, entry: &Entry) -> u64 {
    const MAX_NAME_BYTES: usize = 100;
    const MAX_SIZE_BYTES: u64 = 0o77_777_777_777;
    let slash = usize::from(entry.is_dir());
    let mut extended = 0;
    let mut name = |key: &str, name: &str, n_more: usize| {
        if name.len() + n_more > MAX_NAME_BYTES || !name.is_ascii() {
            extended += record_bytes(key.len() + name.len() + n_more);
        }
    };
    name("path", path, slash);
    let mut size = 0;
    match &entry.kind {
        EntryKind::File { size_bytes, .. } => size = *size_bytes,
        EntryKind::Symlink { target } => name("linkpath", target, 0),
        // Every name of a file is sent as one of its own.
        EntryKind::Dir | EntryKind::HardLink { .. } => {}
    }
    if size > MAX_SIZE_BYTES {
        extended += record_bytes("size".len() + size.to_string().len());
    }
    let extended = if extended > 0 { BLOCK_BYTES + padded(extended) } else { 0 };
    extended + BLOCK_BYTES + padded(size)
}

/// `length key=value` and a newline; the length counts its own digits.
fn record_bytes(n_key_and_value: usize) -> u64 {
    let without = n_key_and_value + 3;
    let with = |n_digits: usize| without + n_digits;
    let n_digits = (1..).find(|n_digits| with(*n_digits).to_string().len() <= *n_digits).unwrap_or(1);
    with(n_digits) as u64
}

impl Screen {
    fn sending(&mut self, cli: &Cli) {
        let size = cli.context_bytes.map(|bytes| format!("{:>8}", four_digits(bytes)));
        let spans = vec![text("Sending build context to Docker daemon "), Span::Bytes(size)];
        self.push(LineKind::Status, None, spans);
    }

    fn image(&mut self, step: StepId, image: Option<Digest>) {
        let spans = [Some(text(" ---> ")), image.map(Span::Image)];
        self.push(LineKind::Done, Some(step), spans.into_iter().flatten().collect());
    }
}

struct Writer<'a> {
    build: &'a Build<'a>,
    carried: Vec<Carried>,
    screen: Screen,
}

impl Writer<'_> {
    fn blank_continuations(&mut self) {
        let parse = &self.build.file.parse;
        for (lines, _) in &parse.blank_continuations {
            let found = parse.nodes.iter().find(|node| node.lines == *lines);
            let lines = ["[WARNING]: Empty continuation line found in:".to_owned()].into_iter();
            let lines = lines.chain(found.map(|node| format!("    {}", node.original)));
            lines.for_each(|line| self.screen.push(LineKind::Warning, None, vec![text(line)]));
        }
        if !parse.blank_continuations.is_empty() {
            let line = "[WARNING]: Empty continuation lines will become errors in a future release.";
            self.screen.text(LineKind::Warning, None, line);
        }
    }

    /// Writes the steps; `false` where the build fails.
    fn steps(&mut self) -> bool {
        let plan = self.build.plan;
        let mut steps = plan.steps.iter().zip(self.carried.clone()).enumerate().peekable();
        while let Some((idx, (step, carried))) = steps.next() {
            let id = StepId(idx);
            // A stage's name is looked at before its line is printed.
            let is_name_taken =
                matches!(&step.refusal, Some(message) if message.ends_with(" stage name already used"));
            if let Some(number) = step.index.filter(|_| !is_name_taken) {
                let line = format!("Step {number}/{} : {}", plan.total, step.text);
                self.screen.push(LineKind::Step, Some(id), vec![text(line)]);
            }
            if !self.step(id, step, &carried) {
                return false;
            }
            let triggers = plan.steps.iter().skip(idx + 1).take_while(|step| step.is_trigger);
            if !step.is_trigger && matches!(step.action, Action::Base(_)) {
                let n_triggers = triggers.count();
                let plural = if n_triggers == 1 { "" } else { "s" };
                if n_triggers > 0 {
                    let line = format!("# Executing {n_triggers} build trigger{plural}");
                    self.screen.text(LineKind::Status, Some(id), line);
                }
            }
            let is_in_front = matches!(step.action, Action::GlobalArg);
            let has_more = steps.peek().is_some_and(|(_, (next, _))| next.is_trigger);
            if !is_in_front && !has_more && carried.course != Course::Unknown {
                self.screen.image(id, carried.image);
            }
        }
        true
    }

    /// What stands between the line of a step and its image; `false` where it fails.
    fn step(&mut self, id: StepId, step: &PlanStep, carried: &Carried) -> bool {
        let is_open = self.build.simulation.step(id).is_some_and(|it| it.verdict == Verdict::Conditional);
        if is_open {
            let shown = if carried.course == Course::Cached { "did" } else { "did not" };
            let line = format!(
                "{UNKNOWN} turns on whether steps that run again write the same bytes as before; shown as if they {shown}"
            );
            self.screen.text(LineKind::Aside, Some(id), line);
        }
        match &carried.course {
            Course::Cached => {
                let spans = vec![text(" ---> "), Span::CacheMark("Using cache")];
                self.screen.push(LineKind::Cached, Some(id), spans);
            }
            Course::Runs => self.container(id, step, carried, true),
            Course::Fails => {
                self.container(id, step, carried, false);
                let line = match (&step.action, self.build.fails.get(&id)) {
                    (Action::Run { shell, words, .. }, Some(code)) => {
                        let command = [shell.as_slice(), words.as_slice()].concat().join(" ");
                        format!("The command '{command}' returned a non-zero code: {code}")
                    }
                    // Why anything else fails is not known.
                    _ => UNKNOWN.to_owned(),
                };
                self.screen.text(LineKind::Error, Some(id), line);
                return false;
            }
            Course::Refused(reason) => {
                let message = builder_error(step, reason).unwrap_or_else(|| UNKNOWN.to_owned());
                // That no user has this name shows only when the container is started.
                if message.starts_with("unable to find ") {
                    self.running(id, carried);
                }
                if matches!(step.action, Action::Base(Base::Scratch)) {
                    self.screen.image(id, None);
                }
                self.screen.text(LineKind::Error, Some(id), message);
                return false;
            }
            Course::Unknown => {
                let line = format!("{UNKNOWN} not modeled: only a real build can tell");
                self.screen.text(LineKind::Aside, Some(id), line);
            }
            Course::Blocked => return false,
        }
        true
    }

    fn container(&mut self, id: StepId, step: &PlanStep, carried: &Carried, is_removed: bool) {
        if !step.has_container() {
            return;
        }
        self.running(id, carried);
        if matches!(step.action, Action::Run { .. }) {
            self.screen.push(LineKind::Output, Some(id), vec![Span::Unknown]);
        }
        if is_removed {
            let spans = vec![text("Removing intermediate container "), self.container_id(id, carried)];
            self.screen.push(LineKind::Status, Some(id), spans);
        }
    }

    fn running(&mut self, id: StepId, carried: &Carried) {
        let spans = vec![text(" ---> Running in "), self.container_id(id, carried)];
        self.screen.push(LineKind::Status, Some(id), spans);
    }

    /// Each container is another one, in each build.
    fn container_id(&self, id: StepId, carried: &Carried) -> Span {
        let mut hasher = Hasher::default();
        hasher.field("container");
        hasher.field(&format!("{} {} {:?}", self.build.store.builds.len(), id.0, carried.image));
        Span::Container(hasher.finish())
    }

    fn success(&mut self, cli: &Cli) {
        let last = self.carried.last();
        let image = last.filter(|last| last.course != Course::Unknown).and_then(|last| last.image);
        if cli.is_quiet {
            self.screen.lines.clear();
            let id = image.map_or(Span::Unknown, Span::FullImage);
            self.screen.push(LineKind::Success, None, vec![id]);
            return;
        }
        let unused = &self.build.plan.unused_args;
        if !unused.is_empty() {
            let line = format!("[Warning] One or more build-args [{}] were not consumed", unused.join(" "));
            self.screen.push(LineKind::Warning, None, vec![text(line)]);
        }
        let id = image.map_or(Span::Unknown, Span::Image);
        self.screen.push(LineKind::Success, None, vec![text("Successfully built "), id]);
        for tag in &cli.tags {
            let full = reference::normalize(tag).unwrap_or_else(|_| tag.clone());
            let line = format!("Successfully tagged {}", reference::familiar(&full));
            self.screen.push(LineKind::Success, None, vec![text(line)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::cache::legacy::convert::plan;
    use crate::cache::legacy::solve::{record, simulate};
    use crate::context::ignore::IgnoreList;
    use crate::dockerfile::syntax::Dialect;
    use crate::graph::BuildOptions;

    /// Builds one text after another, and compares what is shown of the last one.
    fn check(texts: &[&str], expected: &Expect) {
        let mut store = LegacyStore::default();
        let mut shown = String::new();
        let place = DockerfilePlace::InContext { path: "Dockerfile".into() };
        for text in texts {
            let file = Dockerfile::read_as(text, Dialect::Classic);
            let plan = plan(&file, &BuildOptions::default(), &place, &|_, _| None).unwrap();
            let inputs = Inputs::default();
            let simulation = simulate(&plan, &inputs, &store);
            let (reruns, fails) = (|_: StepId| Reruns::Same, BTreeMap::new());
            let build = Build {
                file: &file,
                plan: &plan,
                inputs: &inputs,
                store: &store,
                simulation: &simulation,
                reruns: &reruns,
                fails: &fails,
            };
            shown = screen(&build, &Cli { tags: vec!["a/b".into()], ..Cli::default() }).to_string();
            record(&plan, &inputs, &mut store, &reruns, &[].into());
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn what_turns_on_a_rerun() {
        let text = |command: &str| format!("FROM a AS b\nRUN {command}\nFROM a\nCOPY --from=b /f /f\n");
        check(
            &[&text("one"), &text("two")],
            &expect![[r#"
            Sending build context to Docker daemon …
            Step 1/4 : FROM a AS b
             ---> eb796b0eb885
            Step 2/4 : RUN two
             ---> Running in d1c352c980b8
            …
            Removing intermediate container d1c352c980b8
             ---> a5cf529ce039
            Step 3/4 : FROM a
             ---> eb796b0eb885
            Step 4/4 : COPY --from=b /f /f
            … turns on whether steps that run again write the same bytes as before; shown as if they did
             ---> Using cache
             ---> dccd0156ddee
            Successfully built dccd0156ddee
            Successfully tagged a/b:latest
        "#]],
        );
    }

    #[test]
    fn what_stops_a_build() {
        // The second stage's name is looked at before its line is printed.
        check(
            &["FROM a AS b\nFROM c AS b\n"],
            &expect![[r#"
            Sending build context to Docker daemon …
            Step 1/2 : FROM a AS b
             ---> eb796b0eb885
            b stage name already used
        "#]],
        );
        check(
            &["FROM scratch\n"],
            &expect![[r#"
            Sending build context to Docker daemon …
            Step 1/1 : FROM scratch
             ---> 
            No image was generated. Is your Dockerfile empty?
        "#]],
        );
        check(
            &["FROM a\nADD https://x/y /y\nRUN z\n"],
            &expect![[r#"
            Sending build context to Docker daemon …
            Step 1/3 : FROM a
             ---> eb796b0eb885
            Step 2/3 : ADD https://x/y /y
            … not modeled: only a real build can tell
            Step 3/3 : RUN z
            … not modeled: only a real build can tell
            Successfully built …
            Successfully tagged a/b:latest
        "#]],
        );
    }

    #[test]
    fn bytes_of_a_tar() {
        let file = |size_bytes: u64| Entry::file(Digest::of(b""), size_bytes);
        let mut all = Tree::default();
        for (path, entry) in [("Dockerfile", file(10)), (".dockerignore", file(500)), ("d/f", file(513))] {
            all.insert(path, entry);
        }
        let within = DockerfilePlace::InContext { path: "Dockerfile".into() };
        let sent = |patterns: &str, place: &DockerfilePlace| {
            let packed = IgnoreList::parse(patterns).unwrap().pack(&all);
            sent_bytes(&all, &packed, place, 10) / BLOCK_BYTES
        };
        // Headers, content, the end: two files of one block, a folder, a file of two.
        assert_eq!(sent("", &within), 2 + 2 + 1 + 3 + 2);
        assert_eq!(sent("*", &within), 2 + 2 + 2);
        assert_eq!(sent("d\n!d/f\n", &within), 2 + 2 + 3 + 2);
        // The line that is added does not fit into the last block.
        assert_eq!(sent("*\n", &DockerfilePlace::Outside), 3 + 2 + 2);
        assert_eq!(sent_bytes(&Tree::default(), &Packed::default(), &DockerfilePlace::Outside, 0), 2_560);
        // A long name, or one that is not plain, has a header and a block of its own.
        for (path, is_long) in [("a".repeat(100), false), ("a".repeat(101), true), ("é".to_owned(), true)] {
            assert_eq!(tar_bytes(&path, &file(0)), if is_long { 3 * BLOCK_BYTES } else { BLOCK_BYTES });
        }
        // A length counts its own digits: `11 path=é` and a newline.
        assert_eq!(record_bytes("path".len() + "é".len()), 11);
        assert_eq!(record_bytes(96), 102);
    }
}
