//! What the engine makes of the state: Dockerfile → graph → verdicts.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::history::{BaseState, Bases, History};
use super::known::{KnownImage, KnownImages};
use super::options::OptionProblem;
use super::placeholder;
use super::state::{State, Version};
use crate::cache::Simulation;
use crate::cache::solve::{Built, Inputs, simulate};
use crate::context::ignore::IgnoreList;
use crate::context::{Entry, Tree};
use crate::digest::{DiffId, Digest};
use crate::dockerfile::stage::Dockerfile;
use crate::graph::{BaseImage, BuildOptions, Graph, GraphError, NamedContext, convert};
use crate::lint::{self, LintInput, Report, Scope};
use crate::oci::Platform;

/// A version as the builder sees it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The Dockerfile, understood as far as it can be.
    pub file: Dockerfile,
    /// Its options.
    pub options: BuildOptions,
    /// What of the options could not be taken.
    pub option_problems: Vec<OptionProblem>,
    /// The base images that it builds upon, by full name.
    pub bases: Bases,
    /// Where tags point, those that it does not build upon included.
    moved: Bases,
    /// Those of which more is known than the name.
    known: KnownImages,
    /// Its graph, or why there is none.
    pub graph: Result<Graph, GraphError>,
    /// Where the file is refused: the graph that it would have without the refused
    /// instructions, so that the rest keeps its verdicts while someone types.
    rest: Option<Graph>,
    /// The ignore file's text.
    dockerignore: String,
    /// The patterns that hide files, or why they cannot be used.
    pub ignore: Result<IgnoreList, String>,
    /// Every file, the Dockerfile, the ignore file and inferred ones among them.
    pub all: Rc<Tree>,
    /// What is sent.
    pub sent: Rc<Tree>,
    /// Files that nobody gave.
    pub inferred: BTreeSet<String>,
    /// Named contexts that are folders: what is inferred of them.
    named: BTreeMap<String, Rc<Tree>>,
}

impl Judged {
    /// Understands a version. Where it is known how an earlier one was judged, only
    /// files that differ from that one are looked at.
    #[must_use]
    pub fn new(version: &Version, history: &History, before: Option<&Self>) -> Self {
        let file = Dockerfile::read(&version.dockerfile);
        let (options, option_problems) = version.options.read();
        let moved = history.bases(version);
        let used: RefCell<Bases> = RefCell::default();
        let find_base = |reference: &str, platform: &Platform| {
            let state = moved.get(reference).copied().unwrap_or_default();
            used.borrow_mut().insert(reference.to_owned(), state);
            base_image(reference, platform, state, history.known(reference))
        };
        let graph = convert::build(&file, &options, &find_base);
        let ignore = match before.filter(|before| before.dockerignore == version.dockerignore) {
            Some(before) => before.ignore.clone(),
            None => IgnoreList::parse(&version.dockerignore).map_err(|error| error.to_string()),
        };
        let mut all = Tree::clone(&version.files);
        if version.has_dockerfile_in_context {
            all.insert(&version.dockerfile_path, text_entry(&version.dockerfile));
            if !version.dockerignore.is_empty() {
                all.insert(&version.ignore_path, text_entry(&version.dockerignore));
            }
        }
        // The graph of what is left once refused instructions are left out, if that has one.
        let without_refused = || {
            let rest = Dockerfile { refusals: Vec::new(), ..file.clone() };
            convert::build(&rest, &options, &find_base).ok()
        };
        let rest = graph.is_err().then(without_refused).flatten();
        let shown = graph.as_ref().ok().or(rest.as_ref());
        let inferred = shown.map_or_else(BTreeSet::new, |graph| placeholder::missing(graph, "context", &all));
        for path in &inferred {
            placeholder::insert(&mut all, path);
        }
        let sent = match &ignore {
            Ok(list) => {
                let is_same = |before: &&Self| before.dockerignore == version.dockerignore;
                let before = before.filter(is_same).map(|before| (before.all.as_ref(), before.sent.as_ref()));
                list.refilter(&all, before)
            }
            Err(_) => all.clone(),
        };
        let named = |(name, context): (&String, &NamedContext)| {
            let mut tree = Tree::default();
            if let (NamedContext::Local, Some(graph)) = (context, shown) {
                let missing = placeholder::missing(graph, name, &tree);
                missing.iter().for_each(|path| placeholder::insert(&mut tree, path));
            }
            (*context == NamedContext::Local).then(|| (name.clone(), Rc::new(tree)))
        };
        let named = options.named_contexts.iter().filter_map(named).collect();
        let dockerignore = version.dockerignore.clone();
        let bases = used.into_inner();
        let used_names: Vec<String> = bases.keys().cloned().collect();
        Self {
            file,
            options,
            option_problems,
            bases,
            known: used_names
                .iter()
                .filter_map(|name| Some((name.clone(), history.known(name)?.clone())))
                .collect(),
            moved,
            graph,
            rest,
            dockerignore,
            ignore,
            all: Rc::new(all),
            sent: Rc::new(sent),
            inferred,
            named,
        }
    }

    /// The graph, or that of the rest where the file is refused.
    #[must_use]
    pub fn shown_graph(&self) -> Option<&Graph> {
        self.graph.as_ref().ok().or(self.rest.as_ref())
    }

    /// What is known of a base image.
    #[must_use]
    pub fn find_base(&self, reference: &str, platform: &Platform) -> Option<BaseImage> {
        let state = self.moved.get(reference).copied().unwrap_or_default();
        base_image(reference, platform, state, self.known.get(reference))
    }

    /// What the cache is asked with.
    #[must_use]
    pub fn inputs(&self) -> Inputs {
        let mut locals = self.named.clone();
        locals.insert("context".to_owned(), Rc::clone(&self.sent));
        let unfiltered = BTreeMap::from([("context".to_owned(), Rc::clone(&self.all))]);
        Inputs { locals, unfiltered, build_args: self.options.build_args.clone(), ..Inputs::default() }
    }
}

/// A base image as far as it is known. Of one whose tag moved nothing is known but that its layers,
/// or something of its configuration, are others.
fn base_image(
    reference: &str,
    platform: &Platform,
    state: BaseState,
    known: Option<&KnownImage>,
) -> Option<BaseImage> {
    let known = known.and_then(|known| known.base(platform));
    if state == BaseState::default() {
        return known;
    }
    let mut base = known.unwrap_or_default();
    let digest = |what: &str, n: u32| Digest::of(format!("{reference} {platform} {what} {n}").as_bytes());
    let manifest = Digest::of(format!("{} {}", digest("layers", state.n_layers), state.n_configs).as_bytes());
    base.digest = Some(manifest.to_string());
    // Before the first move the name stands for the layers.
    if state.n_layers > 0 {
        base.layers = vec![DiffId(digest("layers", state.n_layers))];
    }
    Some(base)
}

/// A text that the page holds, as a file of the context. Its time moves with its
/// content, as a saved file's does.
pub(super) fn text_entry(text: &str) -> Entry {
    let digest = Digest::of(text.as_bytes());
    let mut entry = Entry::file(digest, text.len() as u64);
    let [a, b, c, d, ..] = digest.as_bytes();
    entry.mtime_secs = i64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    entry
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
    /// The cache holds something.
    pub has_cache: bool,
    /// What BuildKit's checks say of the Dockerfile.
    pub report: Report,
    /// What each step would leave; made once something asks.
    built: OnceCell<Built>,
}

impl Analysis {
    /// Judges the present version against what was built. `before` is how it was
    /// judged before the last change, and saves work only.
    #[must_use]
    pub fn new(state: &State, history: &History, before: Option<&Self>) -> Self {
        let now = Judged::new(&state.session.now, history, before.map(|before| &before.now));
        let simulation = match now.shown_graph() {
            Some(graph) => simulate(graph, &now.inputs(), &history.store),
            None => Simulation::default(),
        };
        let version = &state.session.now;
        let input = LintInput {
            options: &now.options,
            dockerignore: Some(&version.dockerignore),
            find_base: &|_, _| None,
            scope: Scope::Check,
        };
        let report = lint::check(&version.dockerfile, &now.file, &input);
        Self {
            now,
            simulation,
            last: history.last().cloned(),
            has_cache: !history.store.builds.is_empty(),
            report,
            built: OnceCell::new(),
        }
    }

    /// What each step would leave.
    #[must_use]
    pub fn built(&self) -> &Built {
        let build = |graph| Built::new(graph, &self.now.inputs());
        self.built.get_or_init(|| self.now.shown_graph().map(build).unwrap_or_default())
    }
}
