//! A plan against the store: which steps are found, which are carried out.
//!
//! Steps are judged in the order they are printed. The sources of a copy are
//! sought before it is looked up, so that a missing one fails it even if the
//! image is there; what only shows while a step is carried out does not fail a hit.
//!
//! What depends on bytes that a rerun writes is judged twice, as if reruns
//! wrote the same as before and as if they wrote something else.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::convert::is_url;
use super::explain::Explainer;
use super::files::{
    IGNORE_FILE, Inputs, Unknown, copy_actions, has_random_ignore_file, image_files, settled, unknown_name,
    unknown_owner,
};
use super::hash::{self, Sum, SumError};
use super::plan::{Action, Base, CopyPlan, Plan, PlanStep};
use super::store::{BuildRecord, Copied, Image, ImageName, LegacyStore, StepRecord};
use crate::cache::files::{Content, Files};
use crate::cache::made::{as_stored, files_of};
use crate::cache::reason::Reason;
use crate::cache::solve::Reruns;
use crate::cache::{Simulation, StepOutcome, Verdict};
use crate::context::assumed::AssumedFiles;
use crate::context::select::Selector;
use crate::context::{Assumed, Entry, normal_path};
use crate::graph::path::clean;
use crate::graph::{Exec, FileAction, FileInput, Op, StepId};

/// Judges a build.
#[must_use]
pub fn simulate(plan: &Plan, inputs: &Inputs, store: &LegacyStore) -> Simulation {
    simulate_failing(plan, inputs, store, &BTreeSet::new())
}

/// Judges a build of which it is known that some steps fail when they are carried out.
#[must_use]
pub fn simulate_failing(
    plan: &Plan,
    inputs: &Inputs,
    store: &LegacyStore,
    fails: &BTreeSet<StepId>,
) -> Simulation {
    let given = Given { plan, inputs, store, fails, sums: RefCell::default() };
    let is_asked = Cell::new(false);
    let different = |_: StepId| {
        is_asked.set(true);
        Reruns::Different
    };
    let different = Solver::run(&given, &different);
    // Where nothing turned on bytes of reruns, both worlds are one.
    let same = is_asked.get().then(|| Solver::run(&given, &|_| Reruns::Same));
    let same = same.as_ref().unwrap_or(&different);
    let explainer = Explainer::new(plan, inputs, &different.steps, store);
    let mut outcomes: Vec<StepOutcome> = Vec::new();
    for (idx, (one, other)) in same.steps.iter().zip(&different.steps).enumerate() {
        let id = StepId(idx);
        let verdict = match (&one.state, &other.state) {
            (State::Refused(_), _) | (_, State::Refused(_)) | (State::Broke(_), State::Broke(_)) => {
                Verdict::Error
            }
            (State::Blocked, _) | (_, State::Blocked) => Verdict::Blocked,
            (State::Unknown, _) | (_, State::Unknown) => Verdict::Unknown,
            (State::Ran | State::Failed, State::Ran | State::Failed) => Verdict::Rebuild,
            (State::Begun | State::Hit { .. }, State::Begun | State::Hit { .. }) => Verdict::Cached,
            _ => Verdict::Conditional,
        };
        // Where it is open what the step below gives, it is open what this one stands on.
        let below = plan.stands_on(id).and_then(|below| outcomes.get(below.0));
        let below = below.filter(|below| below.verdict == Verdict::Conditional);
        let is_conditional = verdict == Verdict::Conditional
            || (below.is_some() && matches!(verdict, Verdict::Rebuild | Verdict::Cached));
        let depends_on = match below {
            _ if !is_conditional => BTreeSet::new(),
            Some(below) => below.depends_on.clone(),
            None => one.depends_on.union(&other.depends_on).copied().collect(),
        };
        let verdict = if is_conditional { Verdict::Conditional } else { verdict };
        let (reason, first_cause) = explainer.explain(id, verdict, &depends_on, &outcomes);
        let assumes = plan.step(id).filter(|_| verdict == Verdict::Cached);
        let assumes = assumes.and_then(|step| assumed(step, inputs));
        outcomes.push(StepOutcome { verdict, reason, first_cause, depends_on, same_as: None, assumes });
    }
    Simulation { steps: outcomes }
}

/// Files that a copy takes of the context and of which something is assumed.
fn assumed(step: &PlanStep, inputs: &Inputs) -> Option<AssumedFiles> {
    let Action::Copy(copy) = &step.action else { return None };
    let tree = &inputs.context.tree;
    if copy.from.is_some() || tree.root().totals().n_assumed == 0 {
        return None;
    }
    let taken = hash::taken(tree, &copy.sources).into_values().filter_map(|(target, _)| {
        let what = tree.get(&target).filter(|entry| !entry.is_dir())?.assumed;
        (what != Assumed::NOTHING).then_some((target, what))
    });
    let all: BTreeMap<String, Assumed> = taken.collect();
    let (first, what) = all.first_key_value().map(|(path, what)| (path.clone(), *what))?;
    Some(AssumedFiles { n_files: all.len(), first, what })
}

/// Records a build as done. `reruns` says for each conditional step what its
/// reruns wrote; `fails` names the steps that failed, so that nothing of them
/// or after them is stored.
pub fn record(
    plan: &Plan,
    inputs: &Inputs,
    store: &mut LegacyStore,
    reruns: &dyn Fn(StepId) -> Reruns,
    fails: &BTreeSet<StepId>,
) {
    let given = Given { plan, inputs, store, fails, sums: RefCell::default() };
    let solver = Solver::run(&given, reruns);
    let n_builds = store.builds.len();
    let settle = |image: Image| Image { files: settled(&image.files, n_builds), ..image };
    let images: Vec<Image> = solver.images.into_iter().map(settle).collect();
    let steps = plan.steps.iter().zip(solver.steps);
    let steps = steps.map(|(step, judged)| StepRecord {
        step: step.clone(),
        command: judged.command,
        image: judged.image,
    });
    let build = BuildRecord {
        steps: steps.collect(),
        stages: plan.stages.clone(),
        context: Rc::new(inputs.context.tree.clone()),
    };
    store.add(images, solver.same_sums, build);
}

/// The builder's words, where a step fails for this reason.
#[must_use]
pub fn builder_error(step: &PlanStep, reason: &Reason) -> Option<String> {
    match reason {
        Reason::StepRefused { message } => Some(message.clone()),
        Reason::SourceMissing { path } => Some(format!(
            "{} failed: file not found in build context or excluded by .dockerignore: stat {path}: file does \
             not exist",
            step.keyword
        )),
        _ => None,
    }
}

/// What became of a step in one of the two worlds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// A FROM or an `ARG` in front of it, which have no cache.
    Begun,
    /// An image was there; where this build made it, by which step.
    Hit { made_by: Option<StepId> },
    /// It is carried out.
    Ran,
    /// It is carried out, and was declared to fail.
    Failed,
    /// It cannot be done, which shows before it is looked up.
    Refused(Reason),
    /// It cannot be done, which shows while it is carried out.
    Broke(Reason),
    /// The build stopped in front of it.
    Blocked,
    /// It takes files from the web, or stands on a step that does.
    Unknown,
}

/// A step as judged in one of the two worlds.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) state: State,
    /// What it stores, with sums made of digests.
    pub(super) command: Option<Vec<String>>,
    /// The image it leads to.
    pub(super) image: Option<ImageName>,
    /// Reruns whose bytes decide about it.
    pub(super) depends_on: BTreeSet<StepId>,
    files: Rc<Files>,
}

/// What a solver is given.
pub(super) struct Given<'a> {
    pub(super) plan: &'a Plan,
    pub(super) inputs: &'a Inputs,
    pub(super) store: &'a LegacyStore,
    pub(super) fails: &'a BTreeSet<StepId>,
    /// Sums over files of the context, by the sources.
    pub(super) sums: RefCell<BTreeMap<Vec<String>, Result<Sum, SumError>>>,
}

/// The sum over the files of a copy.
struct Source {
    /// What is compared.
    sum: String,
    /// The same with a name of its own for whatever a command wrote.
    by_writer: String,
    n_parts: usize,
    /// Reruns that decide it; `sum` is then what it will be called once they are done.
    reruns: BTreeSet<StepId>,
}

pub(super) struct Solver<'a> {
    given: &'a Given<'a>,
    reruns: &'a dyn Fn(StepId) -> Reruns,
    pub(super) steps: Vec<Judged>,
    /// Images made by this build, and by which steps.
    pub(super) images: Vec<Image>,
    made_by: Vec<StepId>,
    same_sums: BTreeMap<String, String>,
    /// Something was not found in the stage, so nothing is looked up any more.
    has_missed: bool,
    is_stopped: bool,
}

impl<'a> Solver<'a> {
    pub(super) fn run(given: &'a Given<'a>, reruns: &'a dyn Fn(StepId) -> Reruns) -> Self {
        let mut solver = Self {
            given,
            reruns,
            steps: Vec::new(),
            images: Vec::new(),
            made_by: Vec::new(),
            same_sums: BTreeMap::new(),
            has_missed: false,
            is_stopped: false,
        };
        for (idx, step) in given.plan.steps.iter().enumerate() {
            let judged = solver.judge(StepId(idx), step);
            let is_end = matches!(judged.state, State::Refused(_) | State::Broke(_) | State::Failed);
            solver.is_stopped |= is_end;
            solver.steps.push(judged);
        }
        solver
    }

    fn judged(&self, id: Option<StepId>) -> Option<&Judged> {
        id.and_then(|id| self.steps.get(id.0))
    }

    /// The last step of a stage above.
    fn end_of(&self, base: &Base) -> Option<&Judged> {
        self.judged(self.given.plan.end_of(base))
    }

    fn judge(&mut self, id: StepId, step: &PlanStep) -> Judged {
        let below = self.judged(step.below);
        let (image, files) = below.map_or_else(
            || (None, Rc::new(Files::Empty)),
            |below| (below.image.clone(), Rc::clone(&below.files)),
        );
        let is_unknown = below.is_some_and(|below| below.state == State::Unknown);
        let command = step.action.command();
        let nothing = BTreeSet::new();
        let judged = Judged { state: State::Blocked, command, image: None, depends_on: nothing, files };
        if self.is_stopped {
            return judged;
        }
        if let Action::Base(base) = &step.action {
            self.has_missed = false;
            let judged = self.begin(base, judged);
            return match &step.refusal {
                Some(message) => Judged { state: refused(message), ..judged },
                None if self.given.fails.contains(&id) => Judged { state: State::Failed, ..judged },
                None => judged,
            };
        }
        if let Some(message) = &step.refusal {
            return Judged { state: refused(message), ..judged };
        }
        if is_unknown {
            return Judged { state: State::Unknown, ..judged };
        }
        match &step.action {
            Action::GlobalArg | Action::Refused | Action::Base(_) => Judged { state: State::Begun, ..judged },
            Action::Copy(copy) => self.copy(id, step, copy, image, judged),
            _ => self.look_up(id, step, image, None, judged),
        }
    }

    /// A stage begins with the image of its base.
    fn begin(&self, base: &Base, judged: Judged) -> Judged {
        let (state, image, files) = match base {
            Base::Scratch => (State::Begun, None, Rc::new(Files::Empty)),
            Base::Stage(_) => match self.end_of(base) {
                Some(end) if end.state == State::Unknown => (State::Unknown, None, Rc::clone(&end.files)),
                Some(end) => (State::Begun, end.image.clone(), Rc::clone(&end.files)),
                None => (State::Begun, None, Rc::new(Files::Empty)),
            },
            Base::Image { .. } => {
                (State::Begun, base.id().map(ImageName::Base), image_files(base, self.given.inputs))
            }
        };
        Judged { state, image, files, ..judged }
    }

    fn copy(
        &mut self,
        id: StepId,
        step: &PlanStep,
        copy: &CopyPlan,
        image: Option<ImageName>,
        judged: Judged,
    ) -> Judged {
        let is_from_unknown = copy.from.as_ref().and_then(|from| self.end_of(from));
        let is_from_unknown = is_from_unknown.is_some_and(|end| end.state == State::Unknown);
        if is_from_unknown || copy.sources.iter().any(|source| is_url(source)) {
            return Judged { state: State::Unknown, ..judged };
        }
        let source = match self.source(copy) {
            Ok(source) => source,
            Err(reason) => return Judged { state: State::Refused(reason), ..judged },
        };
        if source.n_parts > 1 && !copy.target.ends_with('/') {
            let keyword = &step.keyword;
            let message = format!(
                "When using {keyword} with more than one source file, the destination must be a directory and \
                 end with a /"
            );
            return Judged { state: refused(&message), ..judged };
        }
        let Source { mut sum, by_writer, mut reruns, .. } = source;
        let outline = copy.from.is_some().then(|| outline(copy));
        let is_looked_up = !self.has_missed && !self.given.plan.ignores_cache;
        if !reruns.is_empty() && is_looked_up {
            let of_image = |(_, image): (_, &'_ Image)| image.copied.clone();
            let similar = self.children(image.as_ref()).filter_map(of_image);
            let similar: Vec<Copied> = similar.filter(|it| Some(&it.outline) == outline.as_ref()).collect();
            // Bytes that this build copied already are the same, whatever they are. Else, of several
            // earlier copies, the youngest is what the rerun is taken to repeat.
            let twin = similar.iter().find(|copied| copied.by_writer == by_writer);
            match (twin, similar.first()) {
                (Some(twin), _) => {
                    sum.clone_from(&twin.sum);
                    reruns.clear();
                }
                (None, Some(similar)) => match (self.reruns)(id) {
                    Reruns::Same => {
                        let own = std::mem::replace(&mut sum, similar.sum.clone());
                        self.same_sums.insert(own, similar.sum.clone());
                    }
                    Reruns::Different => self.has_missed = true,
                },
                (None, None) => reruns.clear(),
            }
        }
        let depends_on = if is_looked_up { reruns } else { BTreeSet::new() };
        let command = Some(copy.command(&sum));
        let copied = outline.map(|outline| Copied { outline, sum, by_writer });
        self.look_up(id, step, image, copied, Judged { command, depends_on, ..judged })
    }

    /// Images made on `parent`, youngest first, those of this build among them.
    fn children(&self, parent: Option<&ImageName>) -> impl Iterator<Item = (ImageName, &Image)> {
        let n_before = self.given.store.n_images();
        let own = self.images.iter().enumerate().rev();
        let own: Vec<(ImageName, &Image)> = own
            .filter(|(_, image)| image.parent.as_ref() == parent)
            .map(|(idx, image)| (ImageName::Built(n_before + idx), image))
            .collect();
        own.into_iter().chain(self.given.store.children(parent))
    }

    fn source(&self, copy: &CopyPlan) -> Result<Source, Reason> {
        let Some(from) = &copy.from else { return self.source_in_context(copy) };
        let files = self
            .end_of(from)
            .map_or_else(|| image_files(from, self.given.inputs), |end| Rc::clone(&end.files));
        let n_builds = self.given.store.builds.len();
        let mut reruns = BTreeSet::new();
        for source in &copy.sources {
            match files.content(&[selector(source)]) {
                Content::Open(open) => reruns.extend(open),
                Content::Missing(_) => {
                    let path = hash::source_path(source);
                    let message = format!("COPY failed: stat {path}: file does not exist");
                    return Err(Reason::StepRefused { message });
                }
                Content::Exact(_) => {}
            }
        }
        let sum_of = |files: &Files| {
            let part = |source: &String| {
                let Content::Exact(digest) = files.content(&[selector(source)]) else { return None };
                Some(self.same_as(hash::joined("from", &[normal_path(source), digest.to_string()])))
            };
            let parts: Vec<String> = copy.sources.iter().filter_map(part).collect();
            let sum = if let [one] = parts.as_slice() { one.clone() } else { hash::joined("multi", &parts) };
            self.same_as(sum)
        };
        Ok(Source {
            sum: sum_of(&settled(&files, n_builds)),
            by_writer: sum_of(&as_stored(&files, &[], n_builds)),
            n_parts: copy.sources.len(),
            reruns,
        })
    }

    fn same_as(&self, sum: String) -> String {
        let known = self.same_sums.get(&sum).or_else(|| self.given.store.sum(&sum));
        known.cloned().unwrap_or(sum)
    }

    fn source_in_context(&self, copy: &CopyPlan) -> Result<Source, Reason> {
        let inputs = self.given.inputs;
        let is_random = has_random_ignore_file(self.given.plan, inputs);
        let n_builds = self.given.store.builds.len();
        let leaf = |path: &str, entry: &Entry| {
            let is_random = is_random && path == IGNORE_FILE;
            Some(if is_random { format!("random {n_builds}") } else { hash::by_digest(path, entry) })
        };
        // Both worlds ask for the same, and so do equal copies.
        let known = self.given.sums.borrow().get(&copy.sources).cloned();
        let found = known.unwrap_or_else(|| hash::sum(&inputs.context, &copy.sources, &leaf));
        self.given.sums.borrow_mut().insert(copy.sources.clone(), found.clone());
        match found {
            Ok(sum) => {
                let (sum, n_parts) = (sum.text.unwrap_or_default(), sum.n_parts);
                Ok(Source { sum, by_writer: String::new(), n_parts, reruns: BTreeSet::new() })
            }
            Err(SumError::Missing { path }) => Err(Reason::SourceMissing { path }),
            Err(SumError::NoSources) => {
                let keyword = if copy.is_add { "ADD" } else { "COPY" };
                Err(Reason::StepRefused {
                    message: format!("{keyword} failed: no source files were specified"),
                })
            }
        }
    }

    /// Looks a step up, and carries it out where nothing is found.
    fn look_up(
        &mut self,
        id: StepId,
        step: &PlanStep,
        parent: Option<ImageName>,
        copied: Option<Copied>,
        judged: Judged,
    ) -> Judged {
        let command = judged.command.clone().unwrap_or_default();
        if !self.has_missed && !self.given.plan.ignores_cache {
            let found = self.children(parent.as_ref()).find(|(_, image)| image.command == command);
            if let Some((name, image)) = found {
                let files = Rc::clone(&image.files);
                let n_before = self.given.store.n_images();
                let made_by = match name {
                    ImageName::Built(idx) if idx >= n_before => self.made_by.get(idx - n_before).copied(),
                    _ => None,
                };
                return Judged { state: State::Hit { made_by }, image: Some(name), files, ..judged };
            }
        }
        self.has_missed = true;
        if let Some(message) = self.failure(step, &judged.files) {
            return Judged { state: State::Broke(Reason::StepRefused { message }), ..judged };
        }
        if self.given.fails.contains(&id) {
            return Judged { state: State::Failed, ..judged };
        }
        let files = match self.made(id, step, &judged.files) {
            Ok(files) => files,
            Err(reason) => return Judged { state: State::Broke(reason), ..judged },
        };
        let name = ImageName::Built(self.given.store.n_images() + self.images.len());
        self.images.push(Image { parent, command, copied, files: Rc::clone(&files) });
        self.made_by.push(id);
        Judged { state: State::Ran, image: Some(name), files, ..judged }
    }

    /// Why a step fails while it is carried out, as far as that can be seen.
    fn failure(&self, step: &PlanStep, files: &Files) -> Option<String> {
        if let Action::Copy(copy) = &step.action {
            return unknown_owner(&copy.chown, files, &self.given.inputs.bytes);
        }
        let folder = clean(&step.working_dir);
        // A container has its working directory made first.
        if step.has_container() && files.is_known_file(&normal_path(&folder)) {
            return Some(format!("Cannot mkdir: {folder} is not a directory"));
        }
        let is_run = matches!(step.action, Action::Run { .. });
        let what = is_run.then(|| unknown_name(&step.user, files, &self.given.inputs.bytes)).flatten()?;
        Some(match what {
            Unknown::User(name) => format!("unable to find user {name}: no matching entries in passwd file"),
            Unknown::Group(name) => format!("unable to find group {name}: no matching entries in group file"),
        })
    }

    /// The files that a step leaves behind.
    fn made(&self, id: StepId, step: &PlanStep, files: &Rc<Files>) -> Result<Rc<Files>, Reason> {
        let on = FileInput::Input(0);
        let mut inputs = vec![Rc::clone(files)];
        let op = match &step.action {
            Action::Run { shell, words, .. } => {
                let args = [shell.as_slice(), words.as_slice()].concat();
                let cwd = if step.working_dir.is_empty() { "/".to_owned() } else { step.working_dir.clone() };
                Op::Exec(Box::new(Exec { args, cwd, ..Exec::default() }))
            }
            Action::Workdir { path, .. } => Op::File(vec![FileAction::Mkdir {
                on,
                path: path.clone(),
                mode: 0o755,
                makes_parents: true,
                owner: String::new(),
                created: None,
            }]),
            Action::Copy(copy) => {
                inputs.push(match &copy.from {
                    None => Rc::new(Files::Whole(Rc::new(self.given.inputs.context.tree.clone()))),
                    Some(from) => self
                        .end_of(from)
                        .map_or_else(|| image_files(from, self.given.inputs), |end| Rc::clone(&end.files)),
                });
                Op::File(copy_actions(copy, &step.working_dir))
            }
            _ => return Ok(Rc::clone(files)),
        };
        files_of(id, &op, &inputs)
    }
}

/// What a source of a copy from an image selects.
fn selector(source: &str) -> Selector {
    let path = format!("/{}", normal_path(source));
    Selector { path, is_wildcard: true, follows_links: true, ..Selector::default() }
}

/// All that counts of a copy but the content of its files.
fn outline(copy: &CopyPlan) -> Vec<String> {
    let paths = copy.sources.iter().map(|source| normal_path(source));
    copy.command("").into_iter().chain(paths).collect()
}

fn refused(message: &str) -> State {
    State::Refused(Reason::StepRefused { message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::legacy::convert::plan;
    use crate::cache::legacy::plan::DockerfilePlace;
    use crate::context::Tree;
    use crate::context::ignore::IgnoreList;
    use crate::digest::Digest;
    use crate::dockerfile::stage::Dockerfile;
    use crate::dockerfile::syntax::Dialect;
    use crate::graph::{BuildOptions, NoCache};

    /// Builds one after another; each is a Dockerfile and its files, each `path=content`.
    #[derive(Default)]
    struct Builder {
        store: LegacyStore,
        options: BuildOptions,
        is_outside: bool,
    }

    impl Builder {
        fn plan(&self, text: &str) -> Plan {
            let place = match self.is_outside {
                true => DockerfilePlace::Outside,
                false => DockerfilePlace::InContext { path: "Dockerfile".into() },
            };
            plan(&Dockerfile::read_as(text, Dialect::Classic), &self.options, &place, &|_, _| None).unwrap()
        }

        /// The verdicts as letters, the FROMs left out; then the build is recorded.
        fn build(&mut self, text: &str, files: &[&str]) -> String {
            self.build_where(text, files, Reruns::Different)
        }

        fn build_where(&mut self, text: &str, files: &[&str], reruns: Reruns) -> String {
            let mut tree = Tree::default();
            for file in files {
                let (path, content) = file.split_once('=').unwrap();
                tree.insert(path, Entry::file(Digest::of(content.as_bytes()), content.len() as u64));
            }
            let context = Rc::new(IgnoreList::default().pack(&tree));
            let inputs = Inputs { context, ..Inputs::default() };
            let plan = self.plan(text);
            let simulation = simulate(&plan, &inputs, &self.store);
            record(&plan, &inputs, &mut self.store, &|_| reruns, &BTreeSet::new());
            let all = plan.steps.iter().zip(&simulation.steps);
            let all = all.filter(|(step, _)| !matches!(step.action, Action::Base(_)));
            let letter = |outcome: &StepOutcome| match outcome.verdict {
                Verdict::Cached => 'c',
                Verdict::Rebuild => 'R',
                Verdict::Conditional => '?',
                Verdict::Unknown => 'u',
                Verdict::Error => 'E',
                Verdict::Blocked => 'b',
            };
            all.map(|(_, outcome)| letter(outcome)).collect()
        }
    }

    #[test]
    fn nothing_is_looked_up_after_a_miss() {
        let mut builder = Builder::default();
        assert_eq!(builder.build("FROM a\nLABEL a=1\nRUN b\nFROM a\nRUN c\n", &[]), "RRR");
        assert_eq!(builder.build("FROM a\nLABEL a=2\nRUN b\nFROM a\nRUN c\n", &[]), "RRc");
        assert_eq!(builder.build("FROM a\nLABEL a=1\nRUN b\nFROM a\nRUN c\n", &[]), "ccc");
    }

    #[test]
    fn the_youngest_image_wins() {
        let mut builder = Builder::default();
        let text = "FROM a\nRUN b\nRUN c\n";
        builder.build(text, &[]);
        builder.options.no_cache = NoCache::All;
        assert_eq!(builder.build("FROM a\nRUN b\n", &[]), "R");
        builder.options.no_cache = NoCache::Nothing;
        // What stood on the older chain is out of reach.
        assert_eq!(builder.build(text, &[]), "cR");
        assert_eq!(builder.build(text, &[]), "cc");
    }

    #[test]
    fn equal_steps_within_a_build_hit() {
        let mut builder = Builder::default();
        assert_eq!(builder.build("FROM a\nRUN b\nFROM a\nRUN b\nRUN c\n", &[]), "RcR");
        assert_eq!(builder.build("FROM scratch AS s\nCOPY f /\nFROM s\nCOPY f /\n", &["f=1"]), "RR");
        assert_eq!(builder.build("FROM scratch\nCOPY f /\nCOPY f /\n", &["f=1"]), "cc");
    }

    #[test]
    fn a_path_counts_and_so_does_the_target_as_written() {
        let mut builder = Builder::default();
        let files = ["p/f=1", "q/f=1"];
        assert_eq!(builder.build("FROM a\nCOPY p/f /x\n", &files), "R");
        assert_eq!(builder.build("FROM a\nCOPY q/f /x\n", &files), "R");
        assert_eq!(builder.build("FROM a\nCOPY /p/f /x\n", &files), "c");
        assert_eq!(builder.build("FROM a\nCOPY p/f /x/\n", &files), "R");
        assert_eq!(builder.build("FROM a\nCOPY p/f /x\n", &["q/f=1"]), "E");
        assert_eq!(builder.build("FROM a\nCOPY p/f q/f /x\nRUN y\n", &files), "Eb");
        assert_eq!(builder.build("FROM a\nADD https://x/y /\nRUN y\n", &files), "uu");
    }

    #[test]
    fn a_rerun_that_writes_the_same() {
        let mut builder = Builder::default();
        let text = |command: &str| {
            format!("FROM a AS b\nRUN {command}\nFROM a\nCOPY --from=b /f /f\nRUN x\nFROM b\nRUN y\n")
        };
        assert_eq!(builder.build(&text("make"), &[]), "RRRR");
        assert_eq!(builder.build_where(&text("make -j"), &[], Reruns::Same), "R??R");
        assert_eq!(builder.build(&text("make -k"), &[]), "R??R");
        // What was learned is kept: this command writes what the first one wrote.
        assert_eq!(builder.build(&text("make -j"), &[]), "cccc");
        assert_eq!(builder.build(&text("make -k"), &[]), "cccc");
    }

    #[test]
    fn what_a_rerun_writes_is_the_same_within_a_build() {
        let mut builder = Builder::default();
        let text = |command: &str| {
            let copy = "FROM scratch\nCOPY --from=b /f /f\n";
            format!("FROM a AS b\nRUN {command}\n{copy}{copy}")
        };
        assert_eq!(builder.build(&text("make"), &[]), "RRc");
        assert_eq!(builder.build(&text("make -j"), &[]), "R?c");
    }

    #[test]
    fn bytes_of_a_copied_file_are_known_through_a_quiet_command() {
        let mut builder = Builder::default();
        let text = "FROM a AS b\nCOPY f /f\nRUN true\nFROM a\nCOPY --from=b /f /f\n";
        builder.build(text, &["f=1"]);
        let other = "FROM a AS c\nCOPY g /f\nFROM a\nCOPY --from=c /f /f\n";
        assert_eq!(builder.build(other, &["g=1"]), "Rc");
        assert_eq!(builder.build(other, &["g=2"]), "RR");
    }

    #[test]
    fn a_folder_that_is_a_file() {
        let mut builder = Builder::default();
        assert_eq!(builder.build("FROM a\nCOPY f /w\nWORKDIR /w\n", &["f=1"]), "RE");
        assert_eq!(builder.build("FROM a\nWORKDIR /w\nCOPY f .\nRUN x\n", &["f=1"]), "RRR");
    }

    #[test]
    fn an_ignore_file_that_is_never_the_same() {
        let mut builder = Builder { is_outside: true, ..Builder::default() };
        let text = "FROM a\nCOPY . /x\nFROM a\nCOPY . /x\n";
        // Within a build it is.
        assert_eq!(builder.build(text, &[".dockerignore=b", "f=1"]), "Rc");
        assert_eq!(builder.build(text, &[".dockerignore=b", "f=1"]), "Rc");
        assert_eq!(builder.build(text, &["f=1"]), "Rc");
        assert_eq!(builder.build(text, &["f=1"]), "cc");
    }
}
