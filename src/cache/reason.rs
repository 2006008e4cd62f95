//! Why a step runs, or why it does not: typed, with before and after.
//!
//! A step is compared with its counterpart in the last build. Where the last
//! build has none, the step is new.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Verdict;
use super::key::{ActionKey, Dep, ExecKey, OpKey};
use super::solve::{Judged, State, stage_name};
use super::store::{BuildRecord, CacheStore, StepRecord};
use crate::context::Tree;
use crate::context::select::select;
use crate::digest::Digest;
use crate::graph::{Graph, Op, Step, StepId};

/// What happened to a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum FileChangeKind {
    /// It is new, or was ignored before.
    Added,
    /// It is gone, or is ignored now.
    Deleted,
    /// Its bytes differ.
    Content,
    /// Its mode or owner differs, its bytes do not.
    Mode,
}

/// A file that counts, and what happened to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileChange {
    /// Its path in the context.
    pub path: String,
    /// What happened.
    pub kind: FileChangeKind,
}

/// Why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Nothing that counts has changed.
    Unchanged,
    /// Found in the cache though it differs from the last build: an earlier build had it.
    BuiltEarlier,
    /// An equal step of this build runs for this one, too.
    SharedWith {
        /// That step.
        step: StepId,
    },
    /// No build had this step.
    NeverBuilt,
    /// Nothing was built yet.
    FirstBuild,
    /// The instruction's own words.
    InstructionChanged {
        /// Then.
        before: String,
        /// Now.
        after: String,
    },
    /// A variable in the environment of a RUN.
    VariableChanged {
        /// Its name.
        name: String,
        /// Then; `None` if it was not set.
        before: Option<String>,
        /// Now.
        after: Option<String>,
    },
    /// The order of the variables.
    VariableOrderChanged,
    /// Something else around a command or a copy: user, directory, mounts, owner.
    SettingChanged {
        /// What.
        name: String,
        /// Then.
        before: String,
        /// Now.
        after: String,
    },
    /// Files that it takes.
    FilesChanged {
        /// Which, and how.
        changes: Vec<FileChange>,
    },
    /// The layers of the base image.
    BaseChanged {
        /// Then.
        before: String,
        /// Now.
        after: String,
    },
    /// The step that it stands on runs.
    ParentMissed {
        /// That step.
        parent: StepId,
    },
    /// A step that it copies or mounts from runs and its files differ.
    SourceMissed {
        /// That step.
        source: StepId,
    },
    /// The step that it stood on was taken out, or another one was put in its place.
    ParentReplaced {
        /// What it stood on.
        before: String,
        /// What it stands on.
        after: String,
    },
    /// `--no-cache`.
    CacheIgnored,
    /// Decided by bytes that a rerun will write.
    DependsOnReruns,
    /// A source that is not there.
    SourceMissing {
        /// Its path.
        path: String,
    },
    /// It copies a folder to where a file stands.
    TargetIsFile {
        /// Where.
        path: String,
    },
    /// A secret that it must have and that is not given.
    SecretMissing {
        /// Its id.
        id: String,
    },
    /// A step that it needs fails.
    NeedsFailed,
    /// Not modeled, and what.
    NotModeled {
        /// What.
        what: String,
    },
    /// Loaded anew at each build.
    AlwaysLoaded,
}

impl Reason {
    /// One sentence, without a full stop.
    #[must_use]
    pub fn sentence(&self, graph: &Graph) -> String {
        let name =
            |id: &StepId| graph.step(*id).map_or_else(|| "a step".to_owned(), |step| short(&step.text));
        match self {
            Self::Unchanged => "nothing that counts for this step has changed".into(),
            Self::BuiltEarlier => "an earlier build had exactly this".into(),
            Self::SharedWith { step } => format!("“{}” of this build gives the same result", name(step)),
            Self::NeverBuilt => "no build has had this step yet".into(),
            Self::FirstBuild => "nothing has been built yet".into(),
            Self::InstructionChanged { .. } => "the instruction changed".into(),
            Self::VariableChanged { name, before: None, .. } => format!("the variable {name} is new"),
            Self::VariableChanged { name, after: None, .. } => format!("the variable {name} is gone"),
            Self::VariableChanged { name, before: Some(before), after: Some(after) } => {
                format!("the variable {name} changed from “{before}” to “{after}”")
            }
            Self::VariableOrderChanged => "the order of the variables changed".into(),
            Self::SettingChanged { name, before, after } => match (before.is_empty(), after.is_empty()) {
                (true, _) => format!("{name} “{after}” is new"),
                (_, true) => format!("{name} “{before}” is gone"),
                _ => format!("{name} changed from “{before}” to “{after}”"),
            },
            Self::FilesChanged { changes } => files_sentence(changes),
            Self::BaseChanged { before, after } if before == after => {
                format!("the layers of {after} changed")
            }
            Self::BaseChanged { before, after } => format!("the base changed from {before} to {after}"),
            Self::ParentMissed { parent } => format!("it stands on “{}”, which runs again", name(parent)),
            Self::SourceMissed { source } => {
                format!("it takes files from “{}”, which runs again", name(source))
            }
            Self::ParentReplaced { before, after } => {
                format!("it stood on “{}” and now stands on “{}”", short(before), short(after))
            }
            Self::CacheIgnored => "the build was told not to use the cache here".into(),
            Self::DependsOnReruns => {
                "it is cached if the steps that run again write the same bytes as before".into()
            }
            Self::SourceMissing { path } => format!("{path} is not in the build context, or is ignored"),
            Self::TargetIsFile { path } => {
                format!("{path} is a file by then, and a folder cannot be copied to where a file stands")
            }
            Self::SecretMissing { id } => format!("it must have the secret “{id}”, which is not given"),
            Self::NeedsFailed => "a step that it needs fails".into(),
            Self::NotModeled { what } => format!("{what} is not modeled: only a real build can tell"),
            Self::AlwaysLoaded => "it is looked at anew in each build".into(),
        }
    }

    /// BuildKit's message, where the build fails for this reason; what differs
    /// from run to run is written as `<ref>`.
    #[must_use]
    pub fn builder_error(&self) -> Option<String> {
        match self {
            Self::SourceMissing { path } => Some(format!(
                "failed to compute cache key: failed to calculate checksum of ref <ref>: \"{path}\": not found"
            )),
            Self::TargetIsFile { path } => Some(format!("cannot copy to non-directory: <root>{path}")),
            Self::SecretMissing { id } => Some(format!("secret {id}: not found")),
            _ => None,
        }
    }
}

fn files_sentence(changes: &[FileChange]) -> String {
    let verb = |kind: FileChangeKind| match kind {
        FileChangeKind::Added => "was added",
        FileChangeKind::Deleted => "was deleted",
        FileChangeKind::Content => "changed",
        FileChangeKind::Mode => "changed its mode or owner",
    };
    match changes {
        [] => "the files that it takes changed".into(),
        [one] => format!("{} {}", one.path, verb(one.kind)),
        [one, another] if one.kind == another.kind => {
            format!("{} and {} {}", one.path, another.path, verb(one.kind))
        }
        [one, rest @ ..] => {
            let n_files = rest.len();
            let files = if n_files == 1 { "file" } else { "files" };
            format!("{} {}, and {n_files} more {files}", one.path, verb(one.kind))
        }
    }
}

fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() > 48 { line.chars().take(47).chain(['…']).collect() } else { line.to_owned() }
}

/// Explains the steps of one build.
pub(super) struct Explainer<'a> {
    graph: &'a Graph,
    judged: &'a [Judged],
    locals: &'a BTreeMap<String, Rc<Tree>>,
    last: Option<&'a BuildRecord>,
    /// For each step its counterpart in the last build.
    counterparts: Vec<Option<&'a StepRecord>>,
}

impl<'a> Explainer<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        judged: &'a [Judged],
        locals: &'a BTreeMap<String, Rc<Tree>>,
        store: &'a CacheStore,
    ) -> Self {
        let last = store.builds.last();
        let counterparts = match last {
            Some(last) => align(graph, judged, last),
            None => vec![None; graph.steps.len()],
        };
        Self { graph, judged, locals, last, counterparts }
    }

    /// The reason for a step's verdict, and the step that began it.
    ///
    /// `stands_open` says that it is open whether the step below runs; then that is no reason.
    pub(super) fn explain(
        &self,
        id: StepId,
        verdict: Verdict,
        stands_open: bool,
    ) -> (Reason, Option<StepId>) {
        let (Some(step), Some(judged)) = (self.graph.step(id), self.judged.get(id.0)) else {
            return (Reason::Unchanged, None);
        };
        match verdict {
            Verdict::Cached => {
                (if self.is_like_last(id) { Reason::Unchanged } else { Reason::BuiltEarlier }, None)
            }
            Verdict::Blocked => (Reason::NeedsFailed, self.failed_input(step)),
            Verdict::Unknown => {
                let what = match &step.op {
                    Op::Http { url } | Op::Git { url } => url.clone(),
                    _ => "a source on the web".to_owned(),
                };
                (Reason::NotModeled { what }, None)
            }
            Verdict::Conditional => {
                let first = judged.depends_on.first().and_then(|rerun| self.first_cause(*rerun, 0));
                (Reason::DependsOnReruns, first)
            }
            Verdict::Rebuild | Verdict::Error => {
                let reason = self.miss(id, step, judged);
                if stands_open && matches!(reason, Reason::ParentMissed { .. }) {
                    let counterpart = self.counterparts.get(id.0).copied().flatten();
                    let last = counterpart.zip(self.last);
                    if let Some(own) = last.and_then(|(old, last)| self.own_change(step, judged, old, last)) {
                        return (own, Some(id));
                    }
                }
                (reason, self.first_cause(id, 0))
            }
        }
    }

    fn failed_input(&self, step: &Step) -> Option<StepId> {
        let is_failed = |id: &StepId| {
            matches!(
                self.judged.get(id.0),
                Some(Judged { state: State::Refused(_) | State::Blocked | State::Failed, .. })
            )
        };
        step.inputs.iter().copied().find(is_failed)
    }

    fn is_like_last(&self, id: StepId) -> bool {
        let counterpart = self.counterparts.get(id.0).copied().flatten();
        counterpart.is_some_and(|old| self.judged.get(id.0).is_some_and(|now| now.key == old.key))
    }

    /// Follows parents that run to the step that began it.
    fn first_cause(&self, id: StepId, depth: usize) -> Option<StepId> {
        let (step, judged) = (self.graph.step(id)?, self.judged.get(id.0)?);
        if depth > self.graph.steps.len() {
            return Some(id);
        }
        match self.miss(id, step, judged) {
            Reason::ParentMissed { parent } => self.first_cause(parent, depth + 1),
            Reason::SourceMissed { source } => self.first_cause(source, depth + 1),
            Reason::DependsOnReruns => {
                let rerun = judged.depends_on.first().copied().filter(|rerun| *rerun != id)?;
                self.first_cause(rerun, depth + 1)
            }
            _ => Some(id),
        }
    }

    fn runs(&self, id: StepId) -> bool {
        self.judged.get(id.0).is_some_and(|judged| judged.state == State::Ran || judged.twin_of.is_some())
    }

    fn miss(&self, id: StepId, step: &Step, judged: &Judged) -> Reason {
        if matches!(step.op, Op::Local { .. }) {
            return Reason::AlwaysLoaded;
        }
        let Some(last) = self.last else { return Reason::FirstBuild };
        let counterpart = self.counterparts.get(id.0).copied().flatten();
        // The step's own change comes before that of its parents: it would run anyway, and the reader changed it.
        let own = counterpart.and_then(|old| self.own_change(step, judged, old, last));
        let parent =
            step.inputs.first().copied().filter(|_| !judged.deps.first().is_some_and(|dep| dep.by_content));
        let parent_missed = parent.filter(|parent| self.runs(*parent) && !self.is_image_kept(*parent));
        if let Some(parent) = parent_missed {
            return Reason::ParentMissed { parent };
        }
        if step.ignores_cache {
            return Reason::CacheIgnored;
        }
        if let Some(own) = own {
            return own;
        }
        let Some(old) = counterpart else { return Reason::NeverBuilt };
        for (idx, input) in step.inputs.iter().enumerate() {
            let is_content = judged.deps.get(idx).is_some_and(|dep| dep.by_content);
            let is_local = self.graph.step(*input).is_some_and(|step| matches!(step.op, Op::Local { .. }));
            if is_content && !is_local && self.runs(*input) {
                return Reason::SourceMissed { source: *input };
            }
        }
        let below = |inputs: &[StepId], text: &dyn Fn(StepId) -> Option<String>| {
            inputs.first().and_then(|id| text(*id))
        };
        let before = below(&old.inputs, &|id| last.steps.get(id.0).map(|step| step.text.clone()));
        let after = below(&step.inputs, &|id| self.graph.step(id).map(|step| step.text.clone()));
        match (before, after) {
            (Some(before), Some(after)) if before != after => Reason::ParentReplaced { before, after },
            _ => Reason::NeverBuilt,
        }
    }

    fn is_image_kept(&self, id: StepId) -> bool {
        let is_image = self.graph.step(id).is_some_and(|step| matches!(step.op, Op::Image { .. }));
        let same = self.counterparts.get(id.0).copied().flatten();
        is_image && same.is_some_and(|old| self.judged.get(id.0).is_some_and(|now| now.key == old.key))
    }

    /// What changed of the step itself.
    fn own_change(
        &self,
        step: &Step,
        judged: &Judged,
        old: &StepRecord,
        last: &BuildRecord,
    ) -> Option<Reason> {
        let changed = |before: &str, after: &str| Reason::InstructionChanged {
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let is_text_same = old.text == step.text;
        match (&old.key, &judged.key) {
            (
                OpKey::Image { identity, reference },
                OpKey::Image { identity: now, reference: now_reference },
            ) => {
                let reason = Reason::BaseChanged { before: reference.clone(), after: now_reference.clone() };
                return (identity != now).then_some(reason);
            }
            (OpKey::Exec(before), OpKey::Exec(after)) => {
                if let Some(reason) = exec_change(before, after, old, step) {
                    return Some(reason);
                }
            }
            (OpKey::File(before), OpKey::File(after)) => {
                if let Some(reason) = file_change(before, after, old, step) {
                    return Some(reason);
                }
            }
            (before, after) if before == after => {}
            _ => return Some(changed(&old.text, &step.text)),
        }
        let changes = self.file_changes(step, judged, old, last);
        if !changes.is_empty() {
            return Some(Reason::FilesChanged { changes });
        }
        (!is_text_same && old.key != judged.key).then(|| changed(&old.text, &step.text))
    }

    /// Which of the files that it takes from a context changed.
    fn file_changes(
        &self,
        step: &Step,
        judged: &Judged,
        old: &StepRecord,
        last: &BuildRecord,
    ) -> Vec<FileChange> {
        let mut changes = Vec::new();
        for (idx, dep) in judged.deps.iter().enumerate().filter(|(_, dep)| dep.by_content) {
            let local =
                step.inputs.get(idx).and_then(|id| self.graph.step(*id)).and_then(|input| match &input.op {
                    Op::Local { name } => Some(name),
                    _ => None,
                });
            let Some(name) = local else { continue };
            let empty = Rc::default();
            let (now, then) =
                (self.locals.get(name).unwrap_or(&empty), last.locals.get(name).unwrap_or(&empty));
            let old_dep = old.deps.get(idx).unwrap_or(dep);
            changes.extend(tree_changes(then, old_dep, now, dep));
        }
        changes
    }
}

/// How the selected files of two trees differ.
fn tree_changes(then: &Tree, old: &Dep, now: &Tree, new: &Dep) -> Vec<FileChange> {
    let files = |tree: &Tree, dep: &Dep| -> BTreeMap<String, Digest> {
        select(tree, &dep.selectors).map(|found| found.files.into_iter().collect()).unwrap_or_default()
    };
    let (before, after) = (files(then, old), files(now, new));
    let mut changes = Vec::new();
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for path in paths {
        let kind = match (before.get(path), after.get(path)) {
            (None, _) => FileChangeKind::Added,
            (_, None) => FileChangeKind::Deleted,
            (Some(before), Some(after)) if before == after => continue,
            _ => {
                let kinds = (then.get(path).map(|entry| &entry.kind), now.get(path).map(|entry| &entry.kind));
                if kinds.0 == kinds.1 { FileChangeKind::Mode } else { FileChangeKind::Content }
            }
        };
        changes.push(FileChange { path: path.clone(), kind });
    }
    // Folders are named only where nothing below them is.
    let named: Vec<String> = changes.iter().map(|change| change.path.clone()).collect();
    changes.retain(|change| {
        !named
            .iter()
            .any(|path| path.strip_prefix(change.path.as_str()).is_some_and(|rest| rest.starts_with('/')))
    });
    changes
}

fn exec_change(before: &ExecKey, after: &ExecKey, old: &StepRecord, step: &Step) -> Option<Reason> {
    let ExecKey { args, env, cwd, user, mounts, sandbox, platform } = before;
    if *args != after.args {
        if old.text == step.text {
            // The words are the same, so the shell in front of them is not.
            let shell =
                |args: &[String]| args.split_last().map_or(String::new(), |(_, shell)| shell.join(" "));
            return Some(Reason::SettingChanged {
                name: "the shell".into(),
                before: shell(args),
                after: shell(&after.args),
            });
        }
        return Some(Reason::InstructionChanged { before: old.text.clone(), after: step.text.clone() });
    }
    if *env != after.env {
        return Some(env_change(env, &after.env));
    }
    let setting = |name: &str, before: &str, after: &str| {
        let reason = Reason::SettingChanged { name: name.into(), before: before.into(), after: after.into() };
        (before != after).then_some(reason)
    };
    setting("the working directory", cwd, &after.cwd)
        .or_else(|| setting("the user", user, &after.user))
        .or_else(|| setting("the platform", platform, &after.platform))
        .or_else(|| {
            let names: BTreeSet<&&str> = sandbox.keys().chain(after.sandbox.keys()).collect();
            let get =
                |map: &BTreeMap<&'static str, String>, name: &str| map.get(name).cloned().unwrap_or_default();
            names.into_iter().find_map(|name| setting(name, &get(sandbox, name), &get(&after.sandbox, name)))
        })
        .or_else(|| {
            let reason = Reason::InstructionChanged { before: old.text.clone(), after: step.text.clone() };
            (*mounts != after.mounts).then_some(reason)
        })
}

fn env_change(before: &[String], after: &[String]) -> Reason {
    let map = |lines: &[String]| -> BTreeMap<String, String> {
        let pairs = lines.iter().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (old, new) = (map(before), map(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (before, after) = (old.get(name).cloned(), new.get(name).cloned());
        if before != after {
            return Reason::VariableChanged { name: name.clone(), before, after };
        }
    }
    Reason::VariableOrderChanged
}

fn file_change(before: &[ActionKey], after: &[ActionKey], old: &StepRecord, step: &Step) -> Option<Reason> {
    if before == after {
        return None;
    }
    if old.text != step.text {
        return Some(Reason::InstructionChanged { before: old.text.clone(), after: step.text.clone() });
    }
    for (old_action, new_action) in before.iter().zip(after) {
        let ActionKey { kind: _, inputs: _, path, dest, options } = old_action;
        let setting = |name: &str, before: &str, after: &str| Reason::SettingChanged {
            name: name.into(),
            before: before.into(),
            after: after.into(),
        };
        if *dest != new_action.dest || *path != new_action.path {
            let (before, after) =
                if dest.is_empty() { (path, &new_action.path) } else { (dest, &new_action.dest) };
            return Some(setting("the target", before, after));
        }
        for (name, value) in options {
            let now = new_action.options.get(name).map_or("", String::as_str);
            if value != now {
                return Some(setting(if *name == "owner" { "the user" } else { name }, value, now));
            }
        }
    }
    Some(Reason::InstructionChanged { before: old.text.clone(), after: step.text.clone() })
}

/// Finds for each step the one of the last build that it continues.
///
/// Within a stage steps are lined up by their words; what is left over between
/// two that line up is paired in order, if it is of the same kind.
fn align<'a>(graph: &Graph, judged: &[Judged], last: &'a BuildRecord) -> Vec<Option<&'a StepRecord>> {
    let mut counterparts: Vec<Option<&StepRecord>> = vec![None; graph.steps.len()];
    let stage_of = |step: &Step| step.stage.map(|_| stage_name(graph, step));
    let mut stages: BTreeMap<Option<String>, Vec<StepId>> = BTreeMap::new();
    for (idx, step) in graph.steps.iter().enumerate() {
        stages.entry(stage_of(step)).or_default().push(StepId(idx));
    }
    for (stage, now) in &stages {
        let old: Vec<&StepRecord> =
            last.steps.iter().filter(|old| old.stage.map(|_| &old.stage_name) == stage.as_ref()).collect();
        let same = |now: StepId, old: &StepRecord| {
            let step = graph.step(now);
            let is_same_key = judged.get(now.0).is_some_and(|judged| judged.key == old.key);
            step.is_some_and(|step| step.text == old.text)
                && (is_same_key || matches!(old.key, OpKey::Exec(_) | OpKey::File(_)))
                || is_same_key
        };
        let pairs = longest_common(now, &old, &same);
        let mut pairs_then_end = pairs.clone();
        pairs_then_end.push((now.len(), old.len()));
        let (mut i, mut j) = (0, 0);
        for (next_i, next_j) in pairs_then_end {
            // Leftovers between two pairs: in order, of the same kind.
            let mut rest = old.get(j..next_j).unwrap_or(&[]).iter();
            for id in now.get(i..next_i).unwrap_or(&[]) {
                let kind = |text: &str| text.split(' ').next().unwrap_or("").to_owned();
                let step_kind = graph.step(*id).map(|step| kind(&step.text)).unwrap_or_default();
                let n_now = next_i - i;
                let n_old = next_j - j;
                let found =
                    rest.clone().position(|old| kind(&old.text) == step_kind).filter(|_| n_now == n_old);
                if let Some(skip) = found
                    && let (Some(slot), Some(old)) = (counterparts.get_mut(id.0), rest.nth(skip))
                {
                    *slot = Some(old);
                }
            }
            if let (Some(id), Some(old)) = (now.get(next_i), old.get(next_j))
                && let Some(slot) = counterparts.get_mut(id.0)
            {
                *slot = Some(old);
            }
            (i, j) = (next_i + 1, next_j + 1);
        }
    }
    counterparts
}

/// Places of a longest common subsequence.
fn longest_common(
    now: &[StepId],
    old: &[&StepRecord],
    same: &dyn Fn(StepId, &StepRecord) -> bool,
) -> Vec<(usize, usize)> {
    let width = old.len() + 1;
    let mut table = vec![0_usize; (now.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    for (i, id) in now.iter().enumerate().rev() {
        for (j, record) in old.iter().enumerate().rev() {
            let value = if same(*id, record) {
                table.get(at(i + 1, j + 1)).copied().unwrap_or(0) + 1
            } else {
                let down = table.get(at(i + 1, j)).copied().unwrap_or(0);
                down.max(table.get(at(i, j + 1)).copied().unwrap_or(0))
            };
            if let Some(slot) = table.get_mut(at(i, j)) {
                *slot = value;
            }
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while let (Some(id), Some(record)) = (now.get(i), old.get(j)) {
        let here = table.get(at(i, j)).copied().unwrap_or(0);
        if same(*id, record) && here == table.get(at(i + 1, j + 1)).copied().unwrap_or(0) + 1 {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if table.get(at(i + 1, j)).copied().unwrap_or(0)
            >= table.get(at(i, j + 1)).copied().unwrap_or(0)
        {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}
