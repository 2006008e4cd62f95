//! What the engine makes of the state: Dockerfile → graph → verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::placeholder;
use super::state::{State, Version};
use crate::cache::Simulation;
use crate::cache::solve::{Inputs, Reruns, record, simulate};
use crate::cache::store::CacheStore;
use crate::context::ignore::IgnoreList;
use crate::context::{Entry, Tree};
use crate::digest::Digest;
use crate::dockerfile::stage::Dockerfile;
use crate::graph::{BuildOptions, Graph, GraphError, convert};
use crate::lint::{self, LintInput, Report, Scope};

/// A version as the builder sees it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The Dockerfile, understood as far as it can be.
    pub file: Dockerfile,
    /// Its graph, or why there is none.
    pub graph: Result<Graph, GraphError>,
    /// Where the file is refused: the graph that it would have without the refused
    /// instructions, so that the rest keeps its verdicts while someone types.
    rest: Option<Graph>,
    /// The patterns that hide files, or why they cannot be used.
    pub ignore: Result<IgnoreList, String>,
    /// Every file, the Dockerfile, the ignore file and inferred ones among them.
    pub all: Tree,
    /// What is sent.
    pub sent: Rc<Tree>,
    /// Files that nobody gave.
    pub inferred: BTreeSet<String>,
}

impl Judged {
    /// Understands a version.
    #[must_use]
    pub fn new(version: &Version) -> Self {
        let file = Dockerfile::read(&version.dockerfile);
        let graph = convert::build(&file, &BuildOptions::default(), &|_, _| None);
        let ignore = IgnoreList::parse(&version.dockerignore).map_err(|error| error.to_string());
        let mut all = Tree::clone(&version.files);
        if version.has_dockerfile_in_context {
            all.insert("Dockerfile", text_entry(&version.dockerfile));
            if !version.dockerignore.is_empty() {
                all.insert(".dockerignore", text_entry(&version.dockerignore));
            }
        }
        let rest = graph.is_err().then(|| without_refused(&file)).flatten();
        let shown = graph.as_ref().ok().or(rest.as_ref());
        let inferred = shown.map_or_else(BTreeSet::new, |graph| placeholder::missing(graph, &all));
        for path in &inferred {
            placeholder::insert(&mut all, path);
        }
        let sent = match &ignore {
            Ok(list) => list.filter(&all),
            Err(_) => all.clone(),
        };
        Self { file, graph, rest, ignore, all, sent: Rc::new(sent), inferred }
    }

    /// The graph, or that of the rest where the file is refused.
    #[must_use]
    pub fn shown_graph(&self) -> Option<&Graph> {
        self.graph.as_ref().ok().or(self.rest.as_ref())
    }

    fn inputs(&self) -> Inputs {
        Inputs {
            locals: BTreeMap::from([("context".to_owned(), Rc::clone(&self.sent))]),
            ..Inputs::default()
        }
    }
}

/// The graph of what is left once refused instructions are left out, if that has one.
fn without_refused(file: &Dockerfile) -> Option<Graph> {
    let rest = Dockerfile { refusals: Vec::new(), ..file.clone() };
    convert::build(&rest, &BuildOptions::default(), &|_, _| None).ok()
}

/// A text that the page holds, as a file of the context. Its time moves with its
/// content, as a saved file's does.
fn text_entry(text: &str) -> Entry {
    let digest = Digest::of(text.as_bytes());
    let mut entry = Entry::file(digest, text.len() as u64);
    let [a, b, c, d, ..] = digest.as_bytes();
    entry.mtime_secs = i64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    entry
}

/// What was built, replayed into a cache. Depends on the builds alone.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The cache after all builds.
    pub store: CacheStore,
    /// The last build.
    pub last: Option<Rc<Judged>>,
}

impl History {
    /// Replays the builds of a state.
    #[must_use]
    pub fn replay(builds: &[Version], reruns: Reruns) -> Self {
        let mut history = Self::default();
        for build in builds {
            let judged = Judged::new(build);
            if let Ok(graph) = &judged.graph {
                record(graph, &judged.inputs(), &mut history.store, &|_| reruns, &BTreeSet::new());
            }
            history.last = Some(Rc::new(judged));
        }
        history
    }
}

/// The present version, judged.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// What it is.
    pub now: Judged,
    /// What would become of it; empty where there is no graph.
    pub simulation: Simulation,
    /// The last build.
    pub last: Option<Rc<Judged>>,
    /// What BuildKit's checks say of the Dockerfile.
    pub report: Report,
}

impl Analysis {
    /// Judges the present version against what was built.
    #[must_use]
    pub fn new(state: &State, history: &History) -> Self {
        let now = Judged::new(&state.session.now);
        let simulation = match now.shown_graph() {
            Some(graph) => simulate(graph, &now.inputs(), &history.store),
            None => Simulation::default(),
        };
        let version = &state.session.now;
        let input = LintInput {
            options: &BuildOptions::default(),
            dockerignore: Some(&version.dockerignore),
            find_base: &|_, _| None,
            scope: Scope::Check,
        };
        let report = lint::check(&version.dockerfile, &now.file, &input);
        Self { now, simulation, last: history.last.clone(), report }
    }
}

/// The instruction that stands on a line (counted from 1), by its place among all of them.
#[must_use]
pub fn instruction_at_line(dockerfile: &str, line: u32) -> Option<usize> {
    let parse = crate::dockerfile::syntax::parse(dockerfile);
    parse.nodes.iter().position(|node| node.lines.first <= line && line <= node.lines.last)
}
