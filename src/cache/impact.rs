//! What an edit would rebuild, before anyone makes it.
//!
//! Files that the same copies take, on their whole way through the stages, share
//! one answer: the files of a context fall into few *classes*, and each class is
//! judged once, by simulating the edit of one of its files after a build of what
//! is there now.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Verdict;
use super::key::{Dep, deps};
use super::solve::{Inputs, Reruns, record, simulate};
use super::store::CacheStore;
use crate::context::select::{self, Selector};
use crate::context::{EntryKind, Tree, normal_path};
use crate::digest::{Digest, Hasher};
use crate::graph::{CopyAction, FileAction, FileInput, Graph, Op, Step, StepId};

/// The steps that an edit reaches.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Impact {
    /// They run.
    pub rebuilds: BTreeSet<StepId>,
    /// They run unless others that run write the same bytes as before.
    pub conditional: BTreeSet<StepId>,
}

/// What an edit of a step's own definition reaches: all on top of it, and, as far as
/// the bytes that it leaves decide, what takes files from there.
#[must_use]
pub fn of_steps(graph: &Graph, edited: &BTreeSet<StepId>) -> Impact {
    let mut impact = Impact { rebuilds: edited.clone(), ..Impact::default() };
    for (idx, step) in graph.steps.iter().enumerate() {
        let id = StepId(idx);
        let deps = deps(step);
        let mut is_open = false;
        for (input, dep) in step.inputs.iter().zip(&deps) {
            if !dep.by_content && impact.rebuilds.contains(input) {
                impact.rebuilds.insert(id);
            }
            is_open |= impact.conditional.contains(input);
            is_open |= dep.by_content && impact.rebuilds.contains(input);
        }
        if is_open && !impact.rebuilds.contains(&id) {
            impact.conditional.insert(id);
        }
    }
    impact
}

/// A way of a step to files: the step, and the place of the input or action.
type Taking = (StepId, usize);

/// What takes a file, directly and from the stages that it was copied to.
type Class = BTreeSet<Taking>;

/// What edits of the files of one context would rebuild.
#[derive(Debug)]
pub struct FileImpacts<'a> {
    graph: &'a Graph,
    inputs: &'a Inputs,
    context: &'a str,
    tree: Rc<Tree>,
    deps: Vec<Vec<Dep>>,
    /// Files and folders that are taken whole.
    whole: BTreeMap<Taking, Vec<String>>,
    /// What wildcards and patterns take.
    listed: BTreeMap<Taking, BTreeSet<String>>,
    built: OnceCell<CacheStore>,
    known: RefCell<BTreeMap<Class, Rc<Impact>>>,
}

impl<'a> FileImpacts<'a> {
    /// Looks at the copies from `context`.
    #[must_use]
    pub fn new(graph: &'a Graph, inputs: &'a Inputs, context: &'a str) -> Self {
        let tree = inputs.locals.get(context).cloned().unwrap_or_default();
        let all_deps: Vec<Vec<Dep>> = graph.steps.iter().map(deps).collect();
        let (mut whole, mut listed) = (BTreeMap::new(), BTreeMap::new());
        for (idx, (step, deps)) in graph.steps.iter().zip(&all_deps).enumerate() {
            for (input, dep) in deps.iter().enumerate().filter(|(_, dep)| dep.by_content) {
                if !reads_local(graph, step, input, context) {
                    continue;
                }
                let (plain, by_pattern): (Vec<Selector>, Vec<Selector>) =
                    dep.selectors.iter().cloned().partition(Selector::is_plain);
                let led_to = |it: &Selector| select::follow(&tree, &it.path, it.follows_links);
                let taking = (StepId(idx), input);
                whole.insert(taking, plain.iter().filter_map(led_to).collect());
                let found = select::select(&tree, &by_pattern).map(|found| found.files).unwrap_or_default();
                listed.insert(taking, found.into_iter().map(|(path, _)| path).collect());
            }
        }
        Self {
            graph,
            inputs,
            context,
            tree,
            deps: all_deps,
            whole,
            listed,
            built: OnceCell::new(),
            known: RefCell::default(),
        }
    }

    /// The steps that take a file from the context themselves.
    #[must_use]
    pub fn takers(&self, path: &str) -> BTreeSet<StepId> {
        self.listed.keys().filter(|taking| self.takes(**taking, path)).map(|(step, _)| *step).collect()
    }

    fn takes(&self, taking: Taking, path: &str) -> bool {
        let whole = self.whole.get(&taking).map_or(&[][..], Vec::as_slice);
        whole.iter().any(|folder| is_at_or_below(path, folder))
            || self.listed.get(&taking).is_some_and(|listed| listed.contains(path))
    }

    /// Everything that looks at the file, wherever it was copied to.
    fn class(&self, path: &str) -> Class {
        let mut class = Class::new();
        // Where the file stands in the result of each step.
        let mut places: Vec<BTreeSet<String>> = Vec::new();
        for (idx, step) in self.graph.steps.iter().enumerate() {
            let id = StepId(idx);
            let mut here = BTreeSet::new();
            let deps = self.deps.get(idx);
            for (input, from) in step.inputs.iter().enumerate() {
                let dep = deps.and_then(|deps| deps.get(input));
                let there = places.get(from.0).cloned().unwrap_or_default();
                if dep.is_some_and(|dep| dep.by_content) {
                    let selected = |place: &String| {
                        dep.is_some_and(|dep| {
                            dep.selectors.is_empty() || dep.selectors.iter().any(|it| may_select(it, place))
                        })
                    };
                    if self.takes((id, input), path) || there.iter().any(selected) {
                        class.insert((id, input));
                    }
                } else {
                    here.extend(there);
                }
            }
            if let Op::File(actions) = &step.op {
                for action in actions {
                    let FileAction::Copy(copy) = action else { continue };
                    let FileInput::Input(input) = copy.from else { continue };
                    let there = match step.inputs.get(input).and_then(|from| self.graph.step(*from)) {
                        Some(Step { op: Op::Local { name }, .. }) if name == self.context => {
                            BTreeSet::from([path.to_owned()])
                        }
                        _ => step
                            .inputs
                            .get(input)
                            .and_then(|from| places.get(from.0))
                            .cloned()
                            .unwrap_or_default(),
                    };
                    here.extend(there.iter().filter_map(|place| copied_to(copy, place)));
                }
            }
            places.push(here);
        }
        class
    }

    /// What an edit of a file would rebuild.
    #[must_use]
    pub fn of(&self, path: &str) -> Rc<Impact> {
        if self.tree.get(path).is_none() {
            return Rc::default();
        }
        let class = self.class(path);
        if class.is_empty() {
            return Rc::default();
        }
        if let Some(known) = self.known.borrow().get(&class) {
            return Rc::clone(known);
        }
        let impact = Rc::new(self.simulated(path));
        self.known.borrow_mut().insert(class, Rc::clone(&impact));
        impact
    }

    fn simulated(&self, path: &str) -> Impact {
        let built = self.built.get_or_init(|| {
            let mut store = CacheStore::default();
            record(self.graph, self.inputs, &mut store, &|_| Reruns::Same, &BTreeSet::new());
            store
        });
        let mut tree = Tree::clone(&self.tree);
        tree.change(path, |entry| {
            entry.mtime_secs = entry.mtime_secs.wrapping_add(1);
            match &mut entry.kind {
                EntryKind::File { digest, .. } => *digest = other(*digest),
                EntryKind::Symlink { target } => target.push('~'),
                EntryKind::Dir => entry.mode ^= 0o1,
            }
        });
        let mut inputs = self.inputs.clone();
        inputs.locals.insert(self.context.to_owned(), Rc::new(tree));
        let mut impact = Impact::default();
        let simulation = simulate(self.graph, &inputs, built);
        for (idx, outcome) in simulation.steps.iter().enumerate() {
            let is_local = self.graph.steps.get(idx).is_some_and(|step| matches!(step.op, Op::Local { .. }));
            match outcome.verdict {
                Verdict::Rebuild if !is_local => drop(impact.rebuilds.insert(StepId(idx))),
                Verdict::Conditional => drop(impact.conditional.insert(StepId(idx))),
                _ => {}
            }
        }
        impact
    }
}

fn other(digest: Digest) -> Digest {
    let mut hasher = Hasher::default();
    hasher.field("edited");
    hasher.update(digest.as_bytes());
    hasher.finish()
}

fn reads_local(graph: &Graph, step: &Step, input: usize, context: &str) -> bool {
    let source = step.inputs.get(input).and_then(|id| graph.step(*id));
    source.is_some_and(|source| matches!(&source.op, Op::Local { name } if name == context))
}

fn is_at_or_below(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A selector may take what stands at a place; of patterns only the part before the first one counts.
fn may_select(selector: &Selector, place: &str) -> bool {
    let path = normal_path(&selector.path);
    let literal = path.split(['*', '?', '[', '\\']).next().unwrap_or("");
    is_at_or_below(place, &path) || (literal.len() < path.len() && place.starts_with(literal))
}

/// Where a copy puts what stands at a place, as far as it is plain to see: only to tell classes apart.
fn copied_to(copy: &CopyAction, place: &str) -> Option<String> {
    let source = normal_path(&copy.source);
    let dest = normal_path(&copy.dest);
    let name = place.rsplit('/').next().unwrap_or(place);
    if place == source {
        return Some(if copy.dest.ends_with('/') { normal_path(&format!("{dest}/{name}")) } else { dest });
    }
    let selector = Selector { path: copy.source.clone(), ..Selector::default() };
    if !may_select(&selector, place) {
        return None;
    }
    let relative =
        if is_at_or_below(place, &source) { place.get(source.len()..).unwrap_or("") } else { name };
    Some(normal_path(&format!("{dest}/{relative}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Entry;
    use crate::dockerfile::stage::Dockerfile;
    use crate::graph::{BuildOptions, convert};

    const TEXT: &str = "\
FROM alpine AS build
COPY src /src
COPY conf/*.ini /conf/
RUN make
FROM alpine AS lint
COPY src /src
FROM scratch AS files
COPY src /src
FROM alpine
COPY --from=files /src/a /a
COPY --from=build /out /out
RUN true
";

    fn lines(graph: &Graph, steps: &BTreeSet<StepId>) -> Vec<u32> {
        steps.iter().filter_map(|id| graph.step(*id)?.lines).map(|lines| lines.first).collect()
    }

    #[test]
    fn classes_follow_copies_through_stages() {
        let graph = convert::build(&Dockerfile::read(TEXT), &BuildOptions::default(), &|_, _| None).unwrap();
        let mut tree = Tree::default();
        for path in ["src/a", "src/b", "conf/x.ini", "conf/x.txt", "other"] {
            tree.insert(path, Entry::file(Digest::of(path.as_bytes()), 1));
        }
        let locals = BTreeMap::from([("context".to_owned(), Rc::new(tree))]);
        let inputs = Inputs { locals, ..Inputs::default() };
        let impacts = FileImpacts::new(&graph, &inputs, "context");
        let of = |path: &str| {
            let impact = impacts.of(path);
            (lines(&graph, &impact.rebuilds), lines(&graph, &impact.conditional))
        };
        assert_eq!(of("src/a"), (vec![2, 3, 4, 8, 10, 11, 12], vec![]));
        assert_eq!(of("src/b"), (vec![2, 3, 4, 8], vec![11, 12]));
        assert_eq!(of("conf/x.ini"), (vec![3, 4], vec![11, 12]));
        assert_eq!((of("conf/x.txt"), of("other")), ((vec![], vec![]), (vec![], vec![])));
        assert_eq!(lines(&graph, &impacts.takers("src/a")), [2, 8]);
        // The instruction itself: what it writes is open.
        let make = graph.steps.iter().position(|step| step.text.contains("make")).map(StepId);
        let impact = of_steps(&graph, &make.into_iter().collect());
        assert_eq!(lines(&graph, &impact.rebuilds), [4]);
        assert_eq!(lines(&graph, &impact.conditional), [11, 12]);
    }
}
