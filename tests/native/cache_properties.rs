//! What holds for every sequence of builds: successful steps, no `--no-cache`, an explicit target,
//! and times that move with contents.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::rc::Rc;

use layerlab::app::analysis::Analysis;
use layerlab::app::history::History;
use layerlab::app::state::{Session, State};
use layerlab::app::update::{Message, update};
use layerlab::app::view;
use layerlab::cache::impact::FileImpacts;
use layerlab::cache::solve::{Built, Inputs, Reruns, record, simulate};
use layerlab::cache::store::CacheStore;
use layerlab::cache::{Simulation, Verdict};
use layerlab::context::{Entry, Tree};
use layerlab::digest::Digest;
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{BuildOptions, Graph, Op, Step, StepId, convert};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::properties::run;

/// Files that contexts have, so that every copy finds something.
const FILES: [&str; 7] = ["a.txt", "b.txt", "src/m.c", "src/n.c", "src/deep/o.c", "conf/x.ini", "conf/y.md"];

/// An instruction that succeeds wherever it stands.
#[derive(Clone, Debug)]
enum Line {
    Run(u8),
    Copy(&'static str, u8),
    CopyFrom(Index, u8),
    CopyLink(&'static str),
    Mount(&'static str, u8),
    MountFrom(Index, u8),
    Env(u8, u8),
    Arg(u8),
    Workdir(u8),
    User(u8),
    Label(u8),
    Cmd(u8),
}

/// A build: stages, each on an image or on a stage before it, and files by their content's number.
#[derive(Clone, Debug)]
struct Build {
    stages: Vec<(Option<Index>, Vec<Line>)>,
    files: BTreeMap<&'static str, u8>,
    args: BTreeMap<String, String>,
}

const SOURCES: [&str; 6] = ["a.txt", "src", "*.txt", "conf/*.ini", ".", "src/deep"];

fn line() -> impl Strategy<Value = Line> {
    let small = 0_u8..3;
    prop_oneof![
        3 => small.clone().prop_map(Line::Run),
        3 => (select(&SOURCES[..]), small.clone()).prop_map(|(source, dest)| Line::Copy(source, dest)),
        2 => (any::<Index>(), small.clone()).prop_map(|(stage, path)| Line::CopyFrom(stage, path)),
        1 => select(&SOURCES[..]).prop_map(Line::CopyLink),
        1 => (select(&["a.txt", "src", "conf"][..]), small.clone()).prop_map(|(path, n)| Line::Mount(path, n)),
        1 => (any::<Index>(), small.clone()).prop_map(|(stage, n)| Line::MountFrom(stage, n)),
        1 => (small.clone(), small.clone()).prop_map(|(name, value)| Line::Env(name, value)),
        1 => small.clone().prop_map(Line::Arg),
        1 => small.clone().prop_map(Line::Workdir),
        1 => small.clone().prop_map(Line::User),
        1 => small.clone().prop_map(Line::Label),
        1 => small.prop_map(Line::Cmd),
    ]
}

fn build() -> impl Strategy<Value = Build> {
    let stage = (proptest::option::weighted(0.3, any::<Index>()), proptest::collection::vec(line(), 0..6));
    let files = proptest::collection::vec(0_u8..3, FILES.len());
    let args = proptest::collection::btree_map("A[0-2]", "[x-z]", 0..3);
    (proptest::collection::vec(stage, 1..5), files, args).prop_map(|(stages, contents, args)| Build {
        stages,
        files: FILES.into_iter().zip(contents).collect(),
        args,
    })
}

/// The text of one stage. Stages before it have the names `s0`, `s1`…
fn stage_text(idx: usize, base: Option<&Index>, lines: &[Line]) -> String {
    let earlier = |stage: &Index| (idx > 0).then(|| format!("s{}", stage.index(idx)));
    let base = base.and_then(earlier).unwrap_or_else(|| "alpine".to_owned());
    let mut text = format!("FROM {base} AS s{idx}\n");
    for line in lines {
        let _ = match line {
            Line::Run(n) => writeln!(text, "RUN make {n}"),
            Line::Copy(source, dest) => writeln!(text, "COPY {source} /d{dest}/"),
            Line::CopyFrom(stage, path) => match earlier(stage) {
                Some(stage) => writeln!(text, "COPY --from={stage} /d{path} /from{path}"),
                None => Ok(()),
            },
            Line::CopyLink(source) => writeln!(text, "COPY --link {source} /linked/"),
            Line::Mount(path, n) => {
                writeln!(text, "RUN --mount=type=bind,source={path},target=/m{n} use {n}")
            }
            Line::MountFrom(stage, n) => match earlier(stage) {
                Some(stage) => {
                    writeln!(text, "RUN --mount=type=bind,from={stage},source=/d{n},target=/m use {n}")
                }
                None => Ok(()),
            },
            Line::Env(name, value) => writeln!(text, "ENV E{name}={value}"),
            Line::Arg(name) => writeln!(text, "ARG A{name}"),
            Line::Workdir(n) => writeln!(text, "WORKDIR /w{n}"),
            Line::User(n) => writeln!(text, "USER {n}"),
            Line::Label(n) => writeln!(text, "LABEL l={n}"),
            Line::Cmd(n) => writeln!(text, "CMD [\"{n}\"]"),
        };
    }
    text
}

impl Build {
    fn stage_texts(&self) -> Vec<String> {
        let stages = self.stages.iter().enumerate();
        stages.map(|(idx, (base, lines))| stage_text(idx, base.as_ref(), lines)).collect()
    }

    fn text(&self) -> String {
        self.stage_texts().concat()
    }

    fn graph_of(&self, text: &str) -> Graph {
        let options = BuildOptions {
            target: format!("s{}", self.stages.len() - 1),
            build_args: self.args.clone(),
            ..BuildOptions::default()
        };
        convert::build(&Dockerfile::read(text), &options, &|_, _| None).unwrap()
    }

    fn graph(&self) -> Graph {
        self.graph_of(&self.text())
    }

    fn inputs(&self) -> Inputs {
        let mut tree = Tree::default();
        for (path, content) in &self.files {
            tree.insert(path, file(*content));
        }
        inputs(tree, &self.args)
    }
}

fn file(content: u8) -> Entry {
    Entry { mtime_secs: i64::from(content), ..Entry::file(Digest::of(&[content]), u64::from(content)) }
}

fn inputs(tree: Tree, args: &BTreeMap<String, String>) -> Inputs {
    let locals = BTreeMap::from([("context".to_owned(), Rc::new(tree))]);
    Inputs { locals, build_args: args.clone(), ..Inputs::default() }
}

/// Builds one after the other; reruns write what they wrote before.
fn built(builds: &[&Build]) -> CacheStore {
    let mut store = CacheStore::default();
    for build in builds {
        record(&build.graph(), &build.inputs(), &mut store, &|_| Reruns::Same, &BTreeSet::new());
    }
    store
}

fn is_loaded(step: &Step) -> bool {
    matches!(step.op, Op::Local { .. })
}

/// Everything but the context, which is loaded in each build, comes from the cache.
fn all_cached(graph: &Graph, simulation: &Simulation) -> bool {
    let steps = graph.steps.iter().zip(&simulation.steps);
    steps.filter(|(step, _)| !is_loaded(step)).all(|(_, outcome)| outcome.verdict == Verdict::Cached)
}

/// The verdict of each step, by stage and words.
fn verdicts(graph: &Graph, simulation: &Simulation) -> BTreeSet<(String, String, Verdict)> {
    let steps = graph.steps.iter().zip(&simulation.steps).filter(|(step, _)| !is_loaded(step));
    let verdict = |(step, outcome): (&Step, &layerlab::cache::StepOutcome)| {
        // Equal steps of a build are one vertex, which has the name of one of them.
        let stage = step.stage.and_then(|stage| graph.stages.get(stage.0)).map(|stage| stage.name.clone());
        (stage.unwrap_or_default(), step.text.clone(), outcome.verdict)
    };
    steps.map(verdict).collect()
}

#[test]
fn unchanged_input_hits_everything() {
    run(&build(), |build| {
        let graph = build.graph();
        assert!(
            all_cached(&graph, &simulate(&graph, &build.inputs(), &built(&[&build]))),
            "{}",
            build.text()
        );
    });
}

#[test]
fn what_was_built_before_hits_again() {
    run(&(build(), build()), |(one, other)| {
        let graph = one.graph();
        let store = built(&[&one, &other]);
        let simulation = simulate(&graph, &one.inputs(), &store);
        assert!(all_cached(&graph, &simulation), "{}\n---\n{}\n{simulation:?}", one.text(), other.text());
    });
}

/// A changed file, argument or instruction touches only what reads it, or stands on what does.
#[test]
fn one_change_touches_only_what_depends_on_it() {
    let edit = prop_oneof![
        select(&FILES[..]).prop_map(|path| (Some(path), 0)),
        (0_usize..40).prop_map(|at| (None, at)),
    ];
    run(&(build(), edit), |(before, (path, at))| {
        let mut now = before.clone();
        let mut edited_stage = None;
        match path {
            Some(path) => drop(now.files.insert(path, 7)),
            None => {
                let idx = at % now.stages.len();
                now.stages[idx].1.push(Line::Run(9));
                edited_stage = Some(format!("s{idx}"));
            }
        }
        let (graph, store) = (now.graph(), built(&[&before]));
        let simulation = simulate(&graph, &now.inputs(), &store);
        // What the change reaches, along all inputs: more than what it rebuilds.
        let mut reached: BTreeSet<StepId> = BTreeSet::new();
        for (idx, (step, outcome)) in graph.steps.iter().zip(&simulation.steps).enumerate() {
            let is_edited = match &edited_stage {
                None => is_loaded(step),
                Some(_) => step.text == "RUN make 9",
            };
            if is_edited || step.inputs.iter().any(|input| reached.contains(input)) {
                reached.insert(StepId(idx));
            } else if !is_loaded(step) {
                let what = format!("{}: {outcome:?}\n{}", step.name, now.text());
                assert_eq!(outcome.verdict, Verdict::Cached, "{what}");
            }
        }
    });
}

#[test]
fn the_order_of_independent_stages_does_not_count() {
    run(&(build(), build(), any::<u64>()), |(before, now, seed)| {
        let texts = now.stage_texts();
        // Stages in another order, each still behind those that it names.
        let mut left: Vec<usize> = (0..texts.len()).collect();
        let (mut order, mut seed): (Vec<usize>, u64) = (Vec::new(), seed);
        while !left.is_empty() {
            let names = |text: &str, other: &usize| {
                let name = format!("s{other}");
                text.contains(&format!("FROM {name} "))
                    || text.contains(&format!("from={name} "))
                    || text.contains(&format!("from={name},"))
            };
            let is_free = |idx: &&usize| !left.iter().any(|other| names(&texts[**idx], other));
            let free: Vec<usize> = left.iter().filter(is_free).copied().collect();
            let next = free[usize::try_from(seed % free.len() as u64).unwrap()];
            seed = seed.rotate_right(7);
            left.retain(|idx| *idx != next);
            order.push(next);
        }
        let shuffled: String = order.iter().map(|idx| texts[*idx].as_str()).collect();
        let store = built(&[&before]);
        let judged = |text: &str| {
            let graph = now.graph_of(text);
            verdicts(&graph, &simulate(&graph, &now.inputs(), &store))
        };
        let straight = now.text();
        assert_eq!(
            judged(&straight),
            judged(&shuffled),
            "{}\n---\n{straight}\n---\n{shuffled}",
            before.text()
        );
    });
}

/// The impact map says of each file what a simulation of its edit says.
#[test]
fn impacts_are_what_a_simulation_says() {
    run(&(build(), select(&FILES[..])), |(build, path)| {
        let (graph, given) = (build.graph(), build.inputs());
        let made = Built::new(&graph, &given);
        let impact = FileImpacts::new(&graph, &given, &made, "context").of(path);
        let mut edited = build.clone();
        edited.files.insert(path, 7);
        let simulation = simulate(&graph, &edited.inputs(), &built(&[&build]));
        for (idx, (step, outcome)) in graph.steps.iter().zip(&simulation.steps).enumerate() {
            let id = StepId(idx);
            let expected = match (impact.rebuilds.contains(&id), impact.conditional.contains(&id)) {
                _ if is_loaded(step) => continue,
                (true, _) => Verdict::Rebuild,
                (_, true) => Verdict::Conditional,
                _ => Verdict::Cached,
            };
            assert_eq!(outcome.verdict, expected, "{path}: {}: {outcome:?}\n{}", step.name, build.text());
        }
    });
}

/// Trees that were changed step by step are those that were made at once.
#[test]
fn contexts_changed_step_by_step() {
    let edits = proptest::collection::vec((select(&FILES[..]), proptest::option::of(0_u8..3)), 0..12);
    run(&(build(), edits), |(build, edits)| {
        let mut tree = Tree::default();
        let mut files = BTreeMap::new();
        for (path, content) in build.files.iter().map(|(path, content)| (*path, Some(*content))).chain(edits)
        {
            // Digests that are known are kept up from here on.
            let _ = tree.root().digest();
            match content {
                Some(content) => {
                    tree.insert(path, file(content));
                    files.insert(path, content);
                }
                None => {
                    tree.remove(path);
                    files.remove(path);
                }
            }
        }
        let mut fresh = Tree::default();
        files.iter().for_each(|(path, content)| fresh.insert(path, file(*content)));
        // Folders stay where their last file goes.
        for (path, entry) in tree.iter().filter(|(_, entry)| entry.is_dir()) {
            if fresh.get(&path).is_none() {
                fresh.insert(&path, entry.clone());
            }
        }
        assert_eq!(
            (tree.root().digest(), tree.root().totals()),
            (fresh.root().digest(), fresh.root().totals())
        );
        assert_eq!(tree, fresh);
        let graph = build.graph();
        let store = built(&[&build]);
        let judged = |tree: Tree| simulate(&graph, &inputs(tree, &build.args), &store);
        assert_eq!(judged(tree), judged(fresh));
    });
}

fn message() -> impl Strategy<Value = Message> {
    let path = select(&["package.json", "index.js", "lib/new.js", "node_modules/x", "README.md"][..]);
    let path = path.prop_map(str::to_owned);
    prop_oneof![
        2 => build().prop_map(|build| Message::DockerfileEdited(build.text())),
        1 => any::<String>().prop_map(Message::DockerfileEdited),
        1 => select(&["*.md", "!*.md\nlib", "**", "", "[", "node_modules"][..])
            .prop_map(|text| Message::IgnoreEdited(text.to_owned())),
        2 => path.clone().prop_map(Message::FileEdited),
        1 => path.clone().prop_map(Message::FileTouched),
        1 => path.clone().prop_map(Message::FileDeleted),
        1 => path.clone().prop_map(Message::FileAdded),
        1 => path.clone().prop_map(Message::FileReverted),
        1 => path.prop_map(Message::FileModeSwitched),
        2 => Just(Message::BuildRequested),
        1 => Just(Message::CachePruned),
        1 => any::<bool>().prop_map(Message::NoCacheSwitched),
        1 => any::<bool>().prop_map(Message::DockerfileInContextSwitched),
        1 => any::<bool>().prop_map(|is_same| {
            Message::RerunsChosen(if is_same { Reruns::Same } else { Reruns::Different })
        }),
    ]
}

/// What the page carries over from one edit to the next saves work and changes nothing: neither
/// verdicts nor what is drawn.
#[test]
fn incremental_equals_from_scratch() {
    run(&proptest::collection::vec(message(), 1..8), |messages| {
        let mut state = State::new(Session::example(), "test");
        let mut history =
            History::replay(&state.session.events, state.session.reruns, &state.session.images, None);
        let mut analysis = Analysis::new(&state, &history, None);
        for message in messages {
            let _ = update(&mut state, message);
            history = History::replay(
                &state.session.events,
                state.session.reruns,
                &state.session.images,
                Some(&history),
            );
            analysis = Analysis::new(&state, &history, Some(&analysis));
            let fresh_history =
                History::replay(&state.session.events, state.session.reruns, &state.session.images, None);
            let fresh = Analysis::new(&state, &fresh_history, None);
            assert_eq!(analysis.simulation, fresh.simulation);
            let drawn = view::simulate(&state, &history, &analysis);
            assert_eq!(drawn, view::simulate(&state, &fresh_history, &fresh));
        }
    });
}
