//! Finds out why a step runs, or why it does not.
//!
//! A step is compared with its counterpart in the last build. Where the last
//! build has none, the step is new. Of several things that differ the step's
//! own comes first, then what it stands on, then what it reads.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::key::{ActionKey, ExecKey, OpKey};
use super::reason::Reason;
use super::solve::{Judged, State, stage_name};
use super::store::{BuildRecord, CacheStore, StepRecord};
use super::{StepOutcome, Verdict};
use crate::context::Tree;
use crate::context::changes::{FileChange, FileChangeKind, changes};
use crate::context::select::Selector;
use crate::graph::{Graph, Op, Step, StepId};
use crate::text::align::line_up;

/// Explains the steps of one build.
pub(super) struct Explainer<'a> {
    graph: &'a Graph,
    judged: &'a [Judged],
    locals: &'a BTreeMap<String, Rc<Tree>>,
    unfiltered: &'a BTreeMap<String, Rc<Tree>>,
    last: Option<&'a BuildRecord>,
    /// For each step its counterpart in the last build.
    counterparts: Vec<Option<&'a StepRecord>>,
    /// What changed of each step itself, found when it is asked for.
    changes: Vec<OnceCell<Option<Reason>>>,
    /// For each step the lowest that changed among those it stands on and itself, as far as asked for.
    lowest: RefCell<Vec<Option<StepId>>>,
    /// Contexts that are the same as in the last build.
    same_locals: BTreeSet<&'a str>,
    /// How selections of contexts changed, by the selectors then and now.
    file_changes: RefCell<BTreeMap<Selected, Vec<FileChange>>>,
}

/// A context, and what was and is selected of it.
type Selected = (String, Vec<Selector>, Vec<Selector>);

impl<'a> Explainer<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        judged: &'a [Judged],
        locals: &'a BTreeMap<String, Rc<Tree>>,
        unfiltered: &'a BTreeMap<String, Rc<Tree>>,
        store: &'a CacheStore,
    ) -> Self {
        let last = store.builds.last();
        let counterparts = match last {
            Some(last) => align(graph, judged, last),
            None => vec![None; graph.steps.len()],
        };
        let changes = graph.steps.iter().map(|_| OnceCell::new()).collect();
        let is_same = |(name, now): &(&String, &Rc<Tree>)| {
            let then = last.and_then(|last| last.locals.get(*name));
            then.is_some_and(|then| Rc::ptr_eq(then, now) || then == *now)
        };
        let same_locals = locals.iter().filter(is_same).map(|(name, _)| name.as_str()).collect();
        let lowest = RefCell::new(Vec::new());
        Self {
            graph,
            judged,
            locals,
            unfiltered,
            last,
            counterparts,
            changes,
            lowest,
            same_locals,
            file_changes: RefCell::default(),
        }
    }

    /// The reason for a step's verdict, and the step that began it. `before` are
    /// the outcomes of the steps in front of it.
    ///
    /// `stands_open` says that it is open whether the step below runs; then that is no reason.
    pub(super) fn explain(
        &self,
        id: StepId,
        verdict: Verdict,
        stands_open: bool,
        before: &[StepOutcome],
    ) -> (Reason, Option<StepId>) {
        let (Some(step), Some(judged)) = (self.graph.step(id), self.judged.get(id.0)) else {
            return (Reason::Unchanged, None);
        };
        match verdict {
            Verdict::Cached => {
                let is_image = matches!(step.op, Op::Image { .. });
                match self.own_change(id).filter(|_| is_image) {
                    Some(base) => (base.clone(), Some(id)),
                    None if self.counterpart(id).is_some() && self.change_below(id).is_none() => {
                        (Reason::Unchanged, None)
                    }
                    None => (Reason::BuiltEarlier, None),
                }
            }
            Verdict::Blocked => (Reason::NeedsFailed, self.failed_input(step)),
            Verdict::Unknown => {
                let what = match &step.op {
                    _ if self.graph.not_modeled.is_some() => {
                        self.graph.not_modeled.clone().unwrap_or_default()
                    }
                    Op::Http { url } | Op::Git { url } => url.clone(),
                    _ => "a source on the web".to_owned(),
                };
                (Reason::NotModeled { what }, None)
            }
            Verdict::Conditional => {
                let first = judged.depends_on.first().map(|rerun| begun_by(*rerun, before));
                (Reason::DependsOnReruns, first)
            }
            Verdict::Rebuild | Verdict::Error => {
                let own = self.own_change(id).filter(|_| stands_open);
                let reason = own.cloned().unwrap_or_else(|| self.miss(id, step, judged));
                let first = self.first_cause(id, &reason, before);
                (reason, Some(first))
            }
        }
    }

    fn failed_input(&self, step: &Step) -> Option<StepId> {
        let is_failed = |id: &StepId| {
            let state = self.judged.get(id.0).map(|judged| &judged.state);
            matches!(state, Some(State::Refused(_) | State::Blocked | State::Failed))
        };
        step.inputs.iter().copied().find(is_failed)
    }

    fn counterpart(&self, id: StepId) -> Option<&'a StepRecord> {
        self.counterparts.get(id.0).copied().flatten()
    }

    /// The step that began it.
    fn first_cause(&self, id: StepId, reason: &Reason, before: &[StepOutcome]) -> StepId {
        match reason {
            Reason::ParentMissed { parent } => begun_by(*parent, before),
            Reason::SourceMissed { source } => begun_by(*source, before),
            Reason::ParentDiffers { parent, .. } => self.change_below(*parent).map_or(*parent, |(id, _)| id),
            Reason::NeverBuilt => self.called_for_by(id).unwrap_or(id),
            // In an empty cache nothing is the cause but that it is empty; the lowest step stands for it.
            Reason::FirstBuild => {
                let below = self.graph.step(id).and_then(|step| step.inputs.first());
                let below = below.and_then(|below| before.get(below.0));
                below.and_then(|below| below.first_cause).unwrap_or(id)
            }
            _ => id,
        }
    }

    /// Where a stage is needed that the last build did without: the step that now asks for it.
    fn called_for_by(&self, id: StepId) -> Option<StepId> {
        let stage = self.graph.step(id)?.stage?;
        let name = &self.graph.stages.get(stage.0)?.name;
        if self.last?.steps.iter().any(|old| old.stage.is_some() && old.stage_name == *name) {
            return None;
        }
        let of_stage = |id: &StepId| self.graph.step(*id).is_some_and(|step| step.stage == Some(stage));
        let asks = |(_, step): &(usize, &Step)| step.stage != Some(stage) && step.inputs.iter().any(of_stage);
        let asking = self.graph.steps.iter().enumerate().filter(asks).map(|(idx, _)| StepId(idx));
        // Where two steps ask, the one that did not say so before.
        asking.into_iter().find(|asking| {
            let words = self.graph.step(*asking).map(|step| step.text.as_str());
            self.counterpart(*asking).is_none_or(|old| Some(old.text.as_str()) != words)
        })
    }

    fn runs(&self, id: StepId) -> bool {
        self.judged.get(id.0).is_some_and(|judged| judged.state == State::Ran || judged.twin_of.is_some())
    }

    fn miss(&self, id: StepId, step: &Step, judged: &Judged) -> Reason {
        if matches!(step.op, Op::Local { .. }) {
            return Reason::AlwaysLoaded;
        }
        let Some(last) = self.last else { return Reason::FirstBuild };
        let reads = |idx: usize| judged.deps.get(idx).is_some_and(|dep| dep.by_content);
        let is_image =
            |id: StepId| self.graph.step(id).is_some_and(|step| matches!(step.op, Op::Image { .. }));
        let parent = step.inputs.first().copied().filter(|_| !reads(0));
        // An image that is the same as before is no reason, however it came here.
        let is_other = |id: StepId| if is_image(id) { self.own_change(id).is_some() } else { self.runs(id) };
        if let Some(parent) = parent.filter(|parent| is_other(*parent)) {
            return Reason::ParentMissed { parent };
        }
        if step.ignores_cache {
            return Reason::CacheIgnored;
        }
        if let Some(own) = self.own_change(id) {
            return own.clone();
        }
        let Some(old) = self.counterpart(id) else { return Reason::NeverBuilt };
        for (idx, input) in step.inputs.iter().enumerate() {
            let is_local = self.graph.step(*input).is_some_and(|step| matches!(step.op, Op::Local { .. }));
            if (idx > 0 || reads(idx)) && !is_local && is_other(*input) {
                if self.graph.step(*input).is_some_and(Step::is_internal) {
                    // A heredoc's file, or the folder of a cache: part of the instruction's own words.
                    let (before, after) = (old.text.clone(), step.text.clone());
                    return Reason::InstructionChanged { before, after };
                }
                return Reason::SourceMissed { source: *input };
            }
        }
        let stood_on = old.inputs.first().and_then(|below| last.steps.get(below.0));
        let scratch = || "FROM scratch".to_owned();
        match (parent, stood_on.filter(|_| !old.deps.first().is_some_and(|dep| dep.by_content))) {
            (Some(parent), None) => {
                let after = self.graph.step(parent).map_or_else(scratch, |step| step.text.clone());
                return Reason::ParentReplaced { before: scratch(), after };
            }
            (None, Some(stood_on)) => {
                return Reason::ParentReplaced { before: stood_on.text.clone(), after: scratch() };
            }
            _ => {}
        }
        if let (Some(parent), Some(stood_on)) = (parent, stood_on) {
            let is_same = self.counterpart(parent).is_some_and(|old| old.id == stood_on.id);
            if !is_same {
                let after = self.graph.step(parent).map_or(String::new(), |step| step.text.clone());
                return Reason::ParentReplaced { before: stood_on.text.clone(), after };
            }
            if let Some((_, change)) = self.change_below(parent) {
                return Reason::ParentDiffers { parent, change: Box::new(change.clone()) };
            }
        }
        Reason::NeverBuilt
    }

    /// The lowest change at a step or at those that it stands on.
    fn change_below(&self, id: StepId) -> Option<(StepId, &Reason)> {
        // Inputs stand in front, so each step is looked at once.
        let mut lowest = self.lowest.borrow_mut();
        while lowest.len() <= id.0 {
            let next = StepId(lowest.len());
            let below = self.graph.step(next).and_then(|step| step.inputs.first());
            let changed = below.and_then(|below| lowest.get(below.0).copied().flatten());
            let changed = changed.or_else(|| self.own_change(next).map(|_| next));
            lowest.push(changed);
        }
        let changed = lowest.get(id.0).copied().flatten()?;
        self.own_change(changed).map(|change| (changed, change))
    }

    /// What changed of the step itself, if it has a counterpart.
    fn own_change(&self, id: StepId) -> Option<&Reason> {
        let change = self.changes.get(id.0)?.get_or_init(|| {
            let (step, judged) = (self.graph.step(id)?, self.judged.get(id.0)?);
            let (old, last) = (self.counterpart(id)?, self.last?);
            self.compare(step, judged, old, last)
        });
        change.as_ref()
    }

    /// What changed of the step itself.
    fn compare(&self, step: &Step, judged: &Judged, old: &StepRecord, last: &BuildRecord) -> Option<Reason> {
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
        let mut all = Vec::new();
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
            if self.same_locals.contains(name.as_str()) && old_dep == dep {
                continue;
            }
            // Steps often take the same: of a large context each selection is compared once.
            let key = (name.clone(), old_dep.selectors.clone(), dep.selectors.clone());
            let mut known = self.file_changes.borrow_mut();
            let found =
                known.entry(key).or_insert_with(|| changes(then, &old_dep.selectors, now, &dep.selectors));
            all.extend(found.iter().cloned());
        }
        // What is still there, or was there already, is hidden or was hidden by a pattern.
        let is_in = |trees: &BTreeMap<String, Rc<Tree>>, path: &str| {
            trees.values().any(|tree| tree.get(path).is_some())
        };
        for change in &mut all {
            match change.kind {
                FileChangeKind::Deleted if is_in(self.unfiltered, &change.path) => {
                    change.kind = FileChangeKind::NowIgnored;
                }
                FileChangeKind::Added if is_in(&last.unfiltered, &change.path) => {
                    change.kind = FileChangeKind::IgnoredBefore;
                }
                _ => {}
            }
        }
        all
    }
}

/// The step that began the run of this one, as far as it is explained already.
fn begun_by(id: StepId, before: &[StepOutcome]) -> StepId {
    before.get(id.0).and_then(|outcome| outcome.first_cause).unwrap_or(id)
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
            names
                .into_iter()
                .find_map(|name| setting(setting_name(name), &get(sandbox, name), &get(&after.sandbox, name)))
        })
        .or_else(|| {
            if old.text == step.text {
                return setting("the mounts", &mounts.join(", "), &after.mounts.join(", "));
            }
            let reason = Reason::InstructionChanged { before: old.text.clone(), after: step.text.clone() };
            (*mounts != after.mounts).then_some(reason)
        })
}

/// What people call a part of a key.
fn setting_name(key: &str) -> &str {
    match key {
        "network" => "the network",
        "security" => "the security mode",
        "hosts" => "the list of extra hosts",
        "shm-size" => "the size of shared memory",
        "ulimits" => "the limits",
        "hostname" => "the host name",
        "devices" => "the devices",
        "secret-env" => "the secrets",
        "owner" => "the user",
        "chown" => "the owner",
        "chmod" | "mode" => "the mode",
        "created" => "SOURCE_DATE_EPOCH",
        "includes" | "excludes" | "required" => "the patterns",
        "unpacks" => "unpacking",
        other => other,
    }
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
                return Some(setting(setting_name(name), value, now));
            }
        }
    }
    // Only what it is made on differs.
    None
}

/// Finds for each step the one of the last build that it continues.
///
/// Stages are paired by name, then those of new names in order. Within a stage
/// steps are lined up by their words; what is left over between two that line
/// up is paired in order, if it is of the same kind.
fn align<'a>(graph: &Graph, judged: &[Judged], last: &'a BuildRecord) -> Vec<Option<&'a StepRecord>> {
    let mut counterparts: Vec<Option<&StepRecord>> = vec![None; graph.steps.len()];
    let stage_of = |step: &Step| step.stage.map(|_| stage_name(graph, step));
    let mut stages: BTreeMap<Option<String>, Vec<StepId>> = BTreeMap::new();
    let mut names: Vec<Option<String>> = Vec::new();
    for (idx, step) in graph.steps.iter().enumerate() {
        let name = stage_of(step);
        if !stages.contains_key(&name) {
            names.push(name.clone());
        }
        stages.entry(name).or_default().push(StepId(idx));
    }
    let mut old_names: Vec<Option<String>> = Vec::new();
    let mut old_stages: BTreeMap<Option<String>, Vec<&StepRecord>> = BTreeMap::new();
    for old in &last.steps {
        let name = old.stage.map(|_| old.stage_name.clone());
        if !old_stages.contains_key(&name) && !stages.contains_key(&name) {
            old_names.push(name.clone());
        }
        old_stages.entry(name).or_default().push(old);
    }
    names.retain(|name| !old_stages.contains_key(name));
    let renamed: BTreeMap<Option<String>, Option<String>> = names.into_iter().zip(old_names).collect();
    for (stage, now) in &stages {
        let old = old_stages.get(renamed.get(stage).unwrap_or(stage)).map_or(&[][..], Vec::as_slice);
        let same = |now: StepId, old: &StepRecord| {
            let is_same_text = graph.step(now).is_some_and(|step| step.text == old.text);
            // Of images and contexts the words alone say little.
            (is_same_text && matches!(old.key, OpKey::Exec(_) | OpKey::File(_)))
                || judged.get(now.0).is_some_and(|judged| judged.op == old.op)
        };
        let kind = |text: &str| text.split(' ').next().unwrap_or("").to_owned();
        let is_same_kind = |now: &StepId, old: &&StepRecord| {
            graph.step(*now).is_some_and(|step| kind(&step.text) == kind(&old.text))
        };
        for (i, j) in pair_up(now, old, |now, old| same(*now, old), is_same_kind) {
            let pair = now.get(i).zip(old.get(j));
            if let Some((slot, old)) = pair.and_then(|(id, old)| Some((counterparts.get_mut(id.0)?, old))) {
                *slot = Some(*old);
            }
        }
    }
    counterparts
}

/// Pairs of places in two lists of steps: of equal ones lined up, and of leftovers between two
/// such pairs, in order, where they are as many and of the same kind.
pub(super) fn pair_up<A, B>(
    now: &[A],
    old: &[B],
    is_same: impl Fn(&A, &B) -> bool,
    is_same_kind: impl Fn(&A, &B) -> bool,
) -> Vec<(usize, usize)> {
    let mut lined_up = line_up(now, old, is_same);
    lined_up.push((now.len(), old.len()));
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    for (next_i, next_j) in lined_up {
        let mut rest = j..next_j;
        for idx in (i..next_i).filter(|_| next_i - i == next_j - j) {
            let is_kind =
                |other: &usize| now.get(idx).zip(old.get(*other)).is_some_and(|(a, b)| is_same_kind(a, b));
            if let Some(other) = rest.clone().find(is_kind) {
                pairs.push((idx, other));
                rest = other + 1..next_j;
            }
        }
        if next_i < now.len() {
            pairs.push((next_i, next_j));
        }
        (i, j) = (next_i + 1, next_j + 1);
    }
    pairs
}
