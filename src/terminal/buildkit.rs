//! What BuildKit prints, as `docker build --progress=plain` of the Docker Engine shows it.
//!
//! It follows buildx and BuildKit's `util/progress/progressui`. What is shown are *vertices*, each
//! under a number in the order in which they come up, each one in one piece:
//!
//! 1. the Dockerfile, the front end that it names, the metadata of each base, the ignore
//!    files of contexts;
//! 2. the steps that the target needs, under the names that [`crate::graph`] gives them. A step
//!    comes up once its inputs are there, and all are taken to last equally long: first what has no
//!    inputs (bases, then contexts), then in turns what stands on these, in the order of the
//!    Dockerfile. So steps of parallel stages take turns. A real order turns on times, and steps
//!    that print at once are interrupted and taken up again;
//! 3. the export, as the Engine's own image store does it.
//!
//! The image of a front end is taken to be there. Of equal steps one is shown. A FROM is `CACHED`
//! only where something has to run right on top of an image that is there. Where a step fails, what
//! would come up after it is not shown; a real build may have come further in other stages, and says
//! `CANCELED` there.

use std::collections::{BTreeMap, BTreeSet};

use super::excerpt::excerpt;
use super::units::two_decimals;
use super::{LineKind, Screen, Span, UNKNOWN, text, with_unknown};
use crate::cache::course::Course;
use crate::cache::{Simulation, Verdict};
use crate::dockerfile::stage::Dockerfile;
use crate::graph::{Graph, GraphError, Op, Step, StepId, reference};
use crate::text::{Lines, go_quote};

/// A build that is to be shown.
#[derive(Clone, Copy)]
pub struct Build<'a> {
    /// Its Dockerfile.
    pub file: &'a Dockerfile,
    /// The same as text, for excerpts.
    pub text: &'a str,
    /// Its steps.
    pub graph: &'a Graph,
    /// What becomes of each, see [`crate::cache::course::of`].
    pub course: &'a [Course],
    /// Its verdicts: of equal steps one is shown, a conditional one with an aside.
    pub simulation: &'a Simulation,
    /// Steps that were declared to fail, and the exit code of their command.
    pub fails: &'a BTreeMap<StepId, u32>,
}

/// What the command line says besides, and what is known of costs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cli {
    /// The Dockerfile's name, without its folder.
    pub dockerfile_name: String,
    /// `--tag`, as written.
    pub tags: Vec<String>,
    /// What the build checks say: `FromAsCasing: … (line 1)`.
    pub warnings: Vec<String>,
    /// How long steps take, in milliseconds, as far as it is known.
    pub millis: BTreeMap<StepId, u64>,
    /// Bytes of the context that are transferred, if that is known.
    pub context_bytes: Option<u64>,
}

impl Default for Cli {
    fn default() -> Self {
        Self {
            dockerfile_name: "Dockerfile".into(),
            tags: Vec::new(),
            warnings: Vec::new(),
            millis: BTreeMap::new(),
            context_bytes: None,
        }
    }
}

/// What is printed for a build.
#[must_use]
pub fn screen(build: &Build<'_>, cli: &Cli) -> Screen {
    let mut writer = Writer { cli, screen: Screen::default(), n_vertices: 0 };
    writer.definition(build.file);
    writer.metadata(&metadata(build.graph));
    writer.named_contexts(build.graph);
    writer.ignore_file();
    if let Some(what) = &build.graph.not_modeled {
        writer.aside(None, format!("{UNKNOWN} {what} is not modeled: only a real build can tell"));
    }
    let failed = order(build.graph, build.simulation).into_iter().find_map(|id| writer.step(build, id));
    match failed {
        Some(failure) => writer.failure(build, failure),
        None => {
            writer.export(build);
            writer.summary();
        }
    }
    writer.screen
}

/// What is printed where a Dockerfile is refused. `looked_up` are the images that the builder looked
/// at before it came to that, by full name: none where the file cannot be parsed.
#[must_use]
pub fn refused(file: &Dockerfile, text: &str, error: &GraphError, looked_up: &[String], cli: &Cli) -> Screen {
    let mut writer = Writer { cli, screen: Screen::default(), n_vertices: 0 };
    writer.definition(file);
    let names: Vec<String> = looked_up.iter().map(|name| metadata_name("internal", name)).collect();
    if file.refusal().is_none() && !names.is_empty() {
        writer.metadata(&names);
        writer.ignore_file();
    }
    writer.error(text, &error.lines, &error.message);
    writer.screen
}

/// A step that fails, and what the build says of it.
struct Failure {
    id: StepId,
    message: String,
}

struct Writer<'a> {
    cli: &'a Cli,
    screen: Screen,
    n_vertices: u32,
}

impl Writer<'_> {
    /// Begins a vertex under the next number.
    fn vertex(&mut self, id: Option<StepId>, name: &str) {
        self.screen.push(LineKind::Blank, None, Vec::new());
        self.n_vertices += 1;
        let line = format!("#{} {name}", self.n_vertices);
        self.screen.push(LineKind::Step, id, vec![text(line)]);
    }

    /// A line of the present vertex.
    fn line(&mut self, kind: LineKind, id: Option<StepId>, spans: impl IntoIterator<Item = Span>) {
        let number = text(format!("#{} ", self.n_vertices));
        self.screen.push(kind, id, std::iter::once(number).chain(spans).collect());
    }

    fn done(&mut self, id: Option<StepId>) {
        let millis = id.and_then(|id| self.cli.millis.get(&id).copied());
        self.line(LineKind::Done, id, [text("DONE "), Span::Seconds(millis)]);
    }

    fn cached(&mut self, id: Option<StepId>) {
        self.line(LineKind::Cached, id, [Span::CacheMark("CACHED")]);
    }

    fn status(&mut self, id: Option<StepId>, what: &str) {
        self.line(LineKind::Status, id, [text(what)]);
    }

    fn transfer(&mut self, id: Option<StepId>, what: &str, bytes: Option<u64>) {
        let bytes = Span::Bytes(bytes.map(two_decimals));
        self.line(LineKind::Status, id, [text(format!("transferring {what}: ")), bytes, text(" done")]);
    }

    fn aside(&mut self, id: Option<StepId>, what: String) {
        self.screen.push(LineKind::Aside, id, vec![text(what)]);
    }

    fn definition(&mut self, file: &Dockerfile) {
        let line = "#0 building with \"default\" instance using docker driver";
        self.screen.text(LineKind::Status, None, line);
        let name = &self.cli.dockerfile_name;
        self.vertex(None, &format!("[internal] load build definition from {name}"));
        self.transfer(None, "dockerfile", None);
        for warning in &self.cli.warnings {
            self.line(LineKind::Warning, None, [text(format!("WARN: {warning}"))]);
        }
        self.done(None);
        // Options may stand behind the image.
        let front_end = file.syntax.as_ref().and_then(|syntax| syntax.value.value.split_whitespace().next());
        let Some(name) = front_end else { return };
        let image =
            format!("docker-image://{}", reference::normalize(name).unwrap_or_else(|_| name.to_owned()));
        self.vertex(None, &format!("resolve image config for {image}"));
        self.done(None);
        if image.contains('@') {
            self.vertex(None, &image);
        } else {
            self.vertex(None, &format!("{image}@sha256:"));
            let spans = self.screen.lines.last_mut().map(|line| &mut line.spans);
            spans.into_iter().for_each(|spans| spans.push(Span::Unknown));
        }
        self.cached(None);
    }

    fn metadata(&mut self, names: &[String]) {
        for name in names {
            self.vertex(None, name);
            self.done(None);
        }
    }

    /// Of each folder that stands for a name its own ignore file is asked for.
    fn named_contexts(&mut self, graph: &Graph) {
        let names = graph.steps.iter().filter_map(|step| match &step.op {
            Op::Local { name } if name != "context" => Some(name),
            _ => None,
        });
        for name in names {
            self.vertex(None, &format!("[context {name}] load .dockerignore"));
            self.transfer(None, name, None);
            self.done(None);
        }
    }

    fn ignore_file(&mut self) {
        self.vertex(None, "[internal] load .dockerignore");
        self.transfer(None, "context", None);
        self.done(None);
    }

    /// Writes a step, unless nothing comes to it; what it fails of, if it fails.
    fn step(&mut self, build: &Build<'_>, id: StepId) -> Option<Failure> {
        let (step, course) = (build.graph.step(id)?, build.course.get(id.0)?);
        if *course == Course::Blocked {
            return None;
        }
        self.vertex(Some(id), &step.name);
        if build.simulation.step(id).is_some_and(|it| it.verdict == Verdict::Conditional) {
            let shown = if *course == Course::Cached { "did" } else { "did not" };
            let line = format!(
                "{UNKNOWN} turns on whether steps that run again write the same bytes as before; shown as if they {shown}"
            );
            self.aside(Some(id), line);
        }
        let id = Some(id);
        match course {
            Course::Cached if matches!(step.op, Op::Image { .. }) && !is_run_upon(build, id?) => {
                self.done(id)
            }
            Course::Cached => self.cached(id),
            Course::Runs => {
                match &step.op {
                    Op::Local { name } => {
                        let is_main = name == "context";
                        let bytes = self.cli.context_bytes.filter(|_| is_main);
                        let what = if is_main { "context" } else { name.as_str() };
                        self.transfer(id, what, bytes);
                    }
                    // What is pulled of an image, and what a command prints.
                    Op::Image { .. } | Op::Exec(_) => self.line(LineKind::Output, id, [Span::Unknown]),
                    _ => {}
                }
                self.done(id);
            }
            Course::Unknown => {
                self.aside(id, format!("{UNKNOWN} not modeled: only a real build can tell"));
            }
            Course::Fails => {
                if matches!(step.op, Op::Exec(_)) {
                    self.line(LineKind::Output, id, [Span::Unknown]);
                }
                let message = exit_message(step, build.fails.get(&id?).copied());
                return Some(self.fail(id?, &message));
            }
            Course::Refused(reason) => {
                let message = reason.builder_error().unwrap_or_else(|| reason.sentence(build.graph));
                return Some(self.fail(id?, &message));
            }
            Course::Blocked => {}
        }
        None
    }

    fn fail(&mut self, id: StepId, message: &str) -> Failure {
        // What was computed for the lookup in the cache, only the build's own message says.
        let short = message.strip_prefix("failed to compute cache key: ").unwrap_or(message);
        let error = std::iter::once(text("ERROR: ")).chain(with_unknown(short));
        self.line(LineKind::Error, Some(id), error);
        Failure { id, message: message.to_owned() }
    }

    /// What stands below the vertices: the failed one once more, the place, the message.
    fn failure(&mut self, build: &Build<'_>, failure: Failure) {
        let Failure { id, message } = failure;
        let Some(step) = build.graph.step(id) else { return };
        let rule = || "------".to_owned();
        self.screen.push(LineKind::Error, Some(id), vec![text(rule())]);
        self.screen.push(LineKind::Error, Some(id), vec![text(format!(" > {}:", step.name))]);
        if matches!(step.op, Op::Exec(_)) && build.course.get(id.0) == Some(&Course::Fails) {
            self.screen.push(LineKind::Output, Some(id), vec![Span::Unknown]);
        }
        self.screen.push(LineKind::Error, Some(id), vec![text(rule())]);
        let lines: Vec<Lines> = step.lines.into_iter().collect();
        self.error(build.text, &lines, &message);
    }

    fn error(&mut self, text_of_file: &str, lines: &[Lines], message: &str) {
        self.summary();
        for line in excerpt(&self.cli.dockerfile_name, text_of_file, lines) {
            self.screen.push(LineKind::Excerpt, None, vec![text(line)]);
        }
        let prefix = text("ERROR: failed to build: failed to solve: ");
        let spans = std::iter::once(prefix).chain(with_unknown(message)).collect();
        self.screen.push(LineKind::Error, None, spans);
    }

    fn export(&mut self, build: &Build<'_>) {
        self.vertex(None, "exporting to image");
        self.status(None, "exporting layers done");
        // How an image of several platforms is written depends on the store.
        if build.graph.results.len() > 1 {
            self.line(LineKind::Output, None, [Span::Unknown]);
        } else {
            // The id hashes times and the bytes that steps wrote.
            let spans = [text("writing image sha256:"), Span::Unknown, text(" done")];
            self.line(LineKind::Status, None, spans);
        }
        for tag in &self.cli.tags {
            let full = reference::normalize(tag).unwrap_or_else(|_| tag.clone());
            self.status(None, &format!("naming to {full} done"));
        }
        self.done(None);
    }

    /// Warnings once more, below all vertices.
    fn summary(&mut self) {
        let n_warnings = self.cli.warnings.len();
        if n_warnings == 0 {
            return;
        }
        let plural = if n_warnings == 1 { "" } else { "s" };
        let line = format!(" {n_warnings} warning{plural} found (use docker --debug to expand):");
        self.screen.push(LineKind::Blank, None, Vec::new());
        self.screen.text(LineKind::Warning, None, line);
        for warning in &self.cli.warnings {
            self.screen.push(LineKind::Warning, None, vec![text(format!(" - {warning}"))]);
        }
    }
}

fn exit_message(step: &Step, code: Option<u32>) -> String {
    match (&step.op, code) {
        (Op::Exec(exec), Some(code)) => {
            let command = go_quote(&exec.args.join(" "));
            format!("process {command} did not complete successfully: exit code: {code}")
        }
        // Why anything else fails is not known.
        _ => UNKNOWN.to_owned(),
    }
}

/// Something runs right on top of an image.
fn is_run_upon(build: &Build<'_>, image: StepId) -> bool {
    let is_run = |idx: usize| matches!(build.course.get(idx), Some(Course::Runs | Course::Fails));
    let mut steps = build.graph.steps.iter().enumerate();
    steps.any(|(idx, step)| step.inputs.first() == Some(&image) && is_run(idx))
}

/// The vertices for what is asked about images before any step, each name once.
fn metadata(graph: &Graph) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in &graph.steps {
        let Op::Image { reference, .. } = &step.op else { continue };
        let written = step.stage.and_then(|stage| graph.stages.get(stage.0)).map(|stage| stage.base.as_str());
        // A digest that the Dockerfile names is part of the name, one that was found is not.
        let pinned =
            written.filter(|base| base.contains('@')).and_then(|base| reference::normalize(base).ok());
        let image = pinned.unwrap_or_else(|| reference.clone());
        let is_multi = graph.results.len() > 1;
        let place =
            match (step.name.strip_prefix("[context ").and_then(|rest| rest.split_once(']')), &step.platform)
            {
                (Some((name, _)), _) => format!("context {name}"),
                (None, Some(platform)) if is_multi => format!("{platform} internal"),
                _ => "internal".to_owned(),
            };
        let name = metadata_name(&place, &image);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn metadata_name(place: &str, image: &str) -> String {
    format!("[{place}] load metadata for {image}")
}

/// The steps that are shown, in the order in which they come up.
fn order(graph: &Graph, simulation: &Simulation) -> Vec<StepId> {
    let mut needed: BTreeSet<StepId> = graph.results.iter().flatten().copied().collect();
    let mut turns: Vec<usize> = Vec::new();
    for (idx, step) in graph.steps.iter().enumerate().rev() {
        if needed.contains(&StepId(idx)) {
            needed.extend(&step.inputs);
        }
    }
    for step in &graph.steps {
        let below = step.inputs.iter().filter_map(|input| turns.get(input.0)).max();
        turns.push(below.map_or(0, |turn| turn + 1));
    }
    let is_other = |id: &StepId| simulation.step(*id).is_some_and(|outcome| outcome.same_as.is_some());
    // A file of the web is fetched under the name of its ADD, and both are shown as one.
    let is_fetched =
        |id: &StepId| graph.step(*id).is_some_and(|step| matches!(step.op, Op::Http { .. } | Op::Git { .. }));
    let mut shown: Vec<StepId> = needed.into_iter().filter(|id| !is_other(id) && !is_fetched(id)).collect();
    shown.sort_by_key(|id| {
        let is_local = graph.step(*id).is_some_and(|step| matches!(step.op, Op::Local { .. }));
        (turns.get(id.0).copied(), is_local, *id)
    });
    shown
}
