//! What an edit would rebuild, before anyone makes it.
//!
//! Files that the same copies take, on their whole way through the stages, share
//! one answer: the files of a context fall into few *classes*. Each class is
//! judged once, by following the edit of one of its files from step to step, as
//! it would go after a build of what is there now. That no simulation says
//! otherwise is a test.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::files::{Content, Files};
use super::key::{Dep, deps};
use super::made::files_of;
use super::solve::{Built, Inputs, Reruns};
use crate::context::select::{self, Selector};
use crate::context::{Node, Tree, normal_path};
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
pub struct FileImpacts<'a> {
    graph: &'a Graph,
    context: &'a str,
    tree: Rc<Tree>,
    deps: Vec<Vec<Dep>>,
    /// Files and folders that are taken whole.
    whole: BTreeMap<Taking, Vec<String>>,
    /// What wildcards and patterns take.
    listed: BTreeMap<Taking, BTreeSet<String>>,
    /// What each step leaves without the edit.
    built: &'a Built,
    known: RefCell<BTreeMap<Class, Rc<Impact>>>,
}

impl<'a> FileImpacts<'a> {
    /// Looks at the copies from `context`.
    #[must_use]
    pub fn new(graph: &'a Graph, inputs: &Inputs, built: &'a Built, context: &'a str) -> Self {
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
        Self { graph, context, tree, deps: all_deps, whole, listed, built, known: RefCell::default() }
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

    /// What an edit of a file would rebuild; of a folder, an edit of anything in it.
    #[must_use]
    pub fn of(&self, path: &str) -> Rc<Impact> {
        let Some(node) = self.tree.node(path).filter(|_| !path.is_empty()) else { return Rc::default() };
        if node.entry().is_dir() {
            return Rc::new(self.propagated(path, node));
        }
        let class = self.class(path);
        if class.is_empty() {
            return Rc::default();
        }
        if let Some(known) = self.known.borrow().get(&class) {
            return Rc::clone(known);
        }
        let impact = Rc::new(self.propagated(path, node));
        self.known.borrow_mut().insert(class, Rc::clone(&impact));
        impact
    }

    /// Judged once as if reruns wrote other bytes and once as if they wrote the same, like a simulation.
    fn propagated(&self, path: &str, node: &Rc<Node>) -> Impact {
        let mut tree = Tree::clone(&self.tree);
        tree.graft(path, &Rc::new(Node::edited(node)));
        let edited = Rc::new(Files::Whole(Rc::new(tree)));
        let (different, is_open) = self.ran(&edited, Reruns::Different);
        let same = if is_open { self.ran(&edited, Reruns::Same).0 } else { different.clone() };
        let mut impact = Impact::default();
        for id in different.union(&same) {
            let step = self.graph.step(*id);
            let below = step.and_then(|step| step.inputs.first()).filter(|_| !self.reads_content_first(*id));
            let stands_open = below.is_some_and(|below| impact.conditional.contains(below));
            let is_sure = different.contains(id) && same.contains(id) && !stands_open;
            if is_sure { &mut impact.rebuilds } else { &mut impact.conditional }.insert(*id);
        }
        impact
    }

    fn reads_content_first(&self, id: StepId) -> bool {
        self.deps.get(id.0).and_then(|deps| deps.first()).is_some_and(|dep| dep.by_content)
    }

    /// Follows an edit from step to step: what stands on a step that runs runs, and what reads
    /// from one runs where the content that it takes differs from what the last build left.
    /// Gives what runs, and whether bytes of reruns decided anything.
    fn ran(&self, edited: &Rc<Files>, reruns: Reruns) -> (BTreeSet<StepId>, bool) {
        let (mut ran, mut is_any_open) = (BTreeSet::new(), false);
        // What steps leave that the edit reaches.
        let mut reached: BTreeMap<StepId, Rc<Files>> = BTreeMap::new();
        for (idx, step) in self.graph.steps.iter().enumerate() {
            let id = StepId(idx);
            if matches!(&step.op, Op::Local { name } if name == self.context) {
                reached.insert(id, Rc::clone(edited));
                continue;
            }
            if !step.inputs.iter().any(|input| reached.contains_key(input)) {
                continue;
            }
            let deps = self.deps.get(idx).map_or(&[][..], Vec::as_slice);
            let (mut runs, mut is_open) = (false, false);
            for (input, dep) in step.inputs.iter().zip(deps) {
                let Some(now) = reached.get(input) else { continue };
                let content = dep.by_content.then(|| now.content(&dep.selectors));
                let before = || self.built.step(*input).map(|step| step.settled.content(&dep.selectors));
                match content {
                    Some(Content::Open(_)) => is_open = true,
                    Some(now) if before() == Some(now.clone()) => {}
                    _ => runs = true,
                }
            }
            is_any_open |= is_open;
            runs |= is_open && reruns == Reruns::Different;
            if !runs {
                continue;
            }
            ran.insert(id);
            let inputs: Vec<Rc<Files>> = step
                .inputs
                .iter()
                .filter_map(|input| {
                    let settled = || self.built.step(*input).map(|step| Rc::clone(&step.settled));
                    reached.get(input).map(Rc::clone).or_else(settled)
                })
                .collect();
            if let Ok(files) = files_of(id, &step.op, &inputs) {
                reached.insert(id, files);
            }
        }
        (ran, is_any_open)
    }
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
    use crate::digest::Digest;
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
        let built = Built::new(&graph, &inputs);
        let impacts = FileImpacts::new(&graph, &inputs, &built, "context");
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
