//! Finds out why a step is carried out, or why it is not.
//!
//! A step is compared with its counterpart in the last build, as in BuildKit's
//! simulation. Since a stage is a chain, what began a run is the first step of
//! the chain that differs: the ones below it only follow.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::convert::is_url;
use super::files::{Inputs, takes_random};
use super::hash;
use super::plan::{Action, Base, CopyPlan, Plan, PlanStep, PlannedStage};
use super::solve::{Judged, State};
use super::store::{BuildRecord, LegacyStore, StepRecord};
use crate::cache::explain::pair_up;
use crate::cache::reason::Reason;
use crate::cache::{StepOutcome, Verdict};
use crate::context::changes::{FileChange, without_folders};
use crate::graph::{StageId, StepId};

/// Explains the steps of one build.
pub(super) struct Explainer<'a> {
    plan: &'a Plan,
    inputs: &'a Inputs,
    judged: &'a [Judged],
    last: Option<&'a BuildRecord>,
    /// For each step its counterpart in the last build, by its place there.
    counterparts: Vec<Option<usize>>,
    /// What changed of each step itself, found when it is asked for.
    changes: Vec<OnceCell<Option<Reason>>>,
}

impl<'a> Explainer<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        inputs: &'a Inputs,
        judged: &'a [Judged],
        store: &'a LegacyStore,
    ) -> Self {
        let last = store.builds.last();
        let counterparts = match last {
            Some(last) => align(plan, last),
            None => vec![None; plan.steps.len()],
        };
        let changes = plan.steps.iter().map(|_| OnceCell::new()).collect();
        Self { plan, inputs, judged, last, counterparts, changes }
    }

    /// The reason for a step's verdict, and the step that began it. `before` are
    /// the outcomes of the steps in front of it.
    pub(super) fn explain(
        &self,
        id: StepId,
        verdict: Verdict,
        depends_on: &BTreeSet<StepId>,
        before: &[StepOutcome],
    ) -> (Reason, Option<StepId>) {
        let (Some(step), Some(judged)) = (self.plan.step(id), self.judged.get(id.0)) else {
            return (Reason::Unchanged, None);
        };
        match (verdict, &judged.state) {
            (Verdict::Conditional, _) => {
                (Reason::DependsOnReruns, depends_on.first().map(|rerun| begun_by(*rerun, before)))
            }
            (_, State::Refused(reason)) => (reason.clone(), Some(id)),
            // It would not have come to this, had the image been there.
            (_, State::Broke(reason)) => (reason.clone(), self.miss(id, step, before).1),
            (Verdict::Unknown, _) => {
                let source = match &step.action {
                    Action::Copy(copy) => copy.sources.iter().find(|source| is_url(source)),
                    _ => None,
                };
                let what = source.cloned().unwrap_or_else(|| "a source on the web".to_owned());
                (Reason::NotModeled { what }, None)
            }
            (Verdict::Blocked, _) => {
                let failed = |judged: &Judged| {
                    matches!(judged.state, State::Refused(_) | State::Broke(_) | State::Failed)
                };
                (Reason::NeedsFailed, self.judged.iter().position(failed).map(StepId))
            }
            (_, State::Begun) => self.begun(id, step, before),
            (_, State::Hit { made_by }) => {
                let reason = match made_by {
                    Some(step) => Reason::SharedWith { step: *step },
                    None if self.counterpart(id).is_some() && self.change_below(id).is_none() => {
                        Reason::Unchanged
                    }
                    None => Reason::BuiltEarlier,
                };
                (reason, None)
            }
            _ => self.miss(id, step, before),
        }
    }

    fn counterpart(&self, id: StepId) -> Option<&'a StepRecord> {
        let place = self.counterparts.get(id.0).copied().flatten()?;
        self.last?.steps.get(place)
    }

    /// A FROM has no cache; it tells whether what it gives is another image than before.
    fn begun(&self, id: StepId, step: &PlanStep, before: &[StepOutcome]) -> (Reason, Option<StepId>) {
        if let Some(change) = self.own_change(id) {
            return (change.clone(), Some(id));
        }
        let end = if let Action::Base(base) = &step.action { self.plan.end_of(base) } else { None };
        match end.and_then(|end| Some((end, before.get(end.0)?.first_cause?))) {
            Some((parent, first)) => (Reason::ParentMissed { parent }, Some(first)),
            None if self.counterpart(id).is_some() => (Reason::Unchanged, None),
            None => (Reason::AlwaysLoaded, None),
        }
    }

    fn miss(&self, id: StepId, step: &PlanStep, before: &[StepOutcome]) -> (Reason, Option<StepId>) {
        let Some(last) = self.last else { return (Reason::FirstBuild, Some(id)) };
        if self.plan.ignores_cache {
            return (Reason::CacheIgnored, Some(id));
        }
        let begun = |step: StepId| Some(begun_by(step, before));
        if let Some(parent) = step.below.filter(|parent| self.is_other(*parent, before)) {
            return (Reason::ParentMissed { parent }, begun(parent));
        }
        if let Some(own) = self.own_change(id) {
            return (own.clone(), Some(id));
        }
        let Some(old) = self.counterpart(id) else { return (Reason::NeverBuilt, Some(id)) };
        if let Action::Copy(copy) = &step.action
            && let Some(source) = copy.from.as_ref().and_then(|from| self.plan.end_of(from))
            && before.get(source.0).is_some_and(|outcome| outcome.first_cause.is_some())
        {
            return (Reason::SourceMissed { source }, begun(source));
        }
        let stood_on = old.step.below.and_then(|below| Some((below, last.steps.get(below.0)?)));
        if let (Some(parent), Some((place, stood_on))) = (step.below, stood_on) {
            if self.counterparts.get(parent.0).copied().flatten() != Some(place.0) {
                let after = self.plan.step(parent).map_or(String::new(), |step| step.text.clone());
                let reason = Reason::ParentReplaced { before: stood_on.step.text.clone(), after };
                return (reason, Some(id));
            }
            if let Some((lowest, change)) = self.change_below(parent) {
                let reason = Reason::ParentDiffers { parent, change: Box::new(change.clone()) };
                return (reason, Some(lowest));
            }
        }
        (Reason::NeverBuilt, Some(id))
    }

    /// A step below gives an image that it did not give before.
    fn is_other(&self, id: StepId, before: &[StepOutcome]) -> bool {
        match self.judged.get(id.0).map(|judged| &judged.state) {
            Some(State::Begun) => before.get(id.0).is_some_and(|outcome| outcome.first_cause.is_some()),
            Some(State::Hit { .. }) | None => false,
            Some(_) => true,
        }
    }

    /// The lowest change at a step or at those that it stands on.
    fn change_below(&self, id: StepId) -> Option<(StepId, &Reason)> {
        let below = std::iter::successors(Some(id), |id| self.plan.stands_on(*id));
        below.filter_map(|id| Some((id, self.own_change(id)?))).last()
    }

    /// What changed of the step itself, if it has a counterpart.
    fn own_change(&self, id: StepId) -> Option<&Reason> {
        let change = self.changes.get(id.0)?.get_or_init(|| {
            let (step, judged) = (self.plan.step(id)?, self.judged.get(id.0)?);
            let (old, last) = (self.counterpart(id)?, self.last?);
            self.compare(step, judged, old, last)
        });
        change.as_ref()
    }

    fn compare(
        &self,
        step: &PlanStep,
        judged: &Judged,
        old: &StepRecord,
        last: &BuildRecord,
    ) -> Option<Reason> {
        let changed =
            || Reason::InstructionChanged { before: old.step.text.clone(), after: step.text.clone() };
        match (&old.step.action, &step.action) {
            (Action::Base(before), Action::Base(after)) => base_change(before, after, &changed),
            (before, after) if before == after && !matches!(after, Action::Copy(_)) => None,
            (Action::Copy(before), Action::Copy(after)) => {
                if judged.command.is_some() && judged.command == old.command {
                    return None;
                }
                if let Some(reason) = copy_change(before, after, &old.step, step) {
                    return Some(reason);
                }
                let from_context = after.from.is_none();
                let changes = if from_context { self.file_changes(before, after, last) } else { Vec::new() };
                if !changes.is_empty() {
                    return Some(Reason::FilesChanged { changes });
                }
                takes_random(self.plan, self.inputs, after).then_some(Reason::RandomIgnoreFile)
            }
            (
                Action::Run { args, shell, words },
                Action::Run { args: new_args, shell: new_shell, words: new },
            ) => {
                if words != new {
                    return Some(changed());
                }
                shell_change(shell, new_shell).or_else(|| args_change(args.as_deref(), new_args.as_deref()))
            }
            (Action::Metadata { shell, comment }, Action::Metadata { shell: new_shell, comment: new }) => {
                let expanded = || Reason::InstructionChanged { before: comment.clone(), after: new.clone() };
                let is_same_text = old.step.text == step.text;
                match comment == new {
                    true => shell_change(shell, new_shell),
                    false if is_same_text => Some(expanded()),
                    false => Some(changed()),
                }
            }
            (Action::Workdir { shell, path }, Action::Workdir { shell: new_shell, path: new }) => {
                if path == new {
                    return shell_change(shell, new_shell);
                }
                let is_same_text = old.step.text == step.text;
                Some(if is_same_text { setting("the working directory", path, new) } else { changed() })
            }
            _ => Some(changed()),
        }
    }

    /// Which of the files that a copy takes from the context changed.
    fn file_changes(&self, before: &CopyPlan, after: &CopyPlan, last: &BuildRecord) -> Vec<FileChange> {
        let (then, now) = (&last.context, &self.inputs.context.tree);
        let (old, new) = (hash::taken(then, &before.sources), hash::taken(now, &after.sources));
        let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let change = |path: &String| match (old.get(path), new.get(path)) {
            (None, None) => None,
            (Some((target, _)), Some((new_target, _))) if target == new_target => {
                let differs = old.get(path) != new.get(path);
                differs.then(|| FileChange::new(target.clone(), then.get(target), now.get(target)))
            }
            // A file that came or went, or a link that leads elsewhere.
            (before, after) => {
                let (before, after) = (before.and(then.get(path)), after.and(now.get(path)));
                Some(FileChange::new(path.clone(), before, after))
            }
        };
        without_folders(paths.into_iter().filter_map(change).collect())
    }
}

/// The step that began the run of this one, as far as it is explained already.
fn begun_by(id: StepId, before: &[StepOutcome]) -> StepId {
    before.get(id.0).and_then(|outcome| outcome.first_cause).unwrap_or(id)
}

fn base_change(before: &Base, after: &Base, changed: &dyn Fn() -> Reason) -> Option<Reason> {
    match (before, after) {
        (Base::Image { reference: old, .. }, Base::Image { reference: new, .. }) => {
            let reason = Reason::BaseImageChanged { before: old.clone(), after: new.clone() };
            (before.id() != after.id()).then_some(reason)
        }
        (Base::Scratch, Base::Scratch) | (Base::Stage(_), Base::Stage(_)) => None,
        _ => Some(changed()),
    }
}

fn setting(name: &str, before: &str, after: &str) -> Reason {
    Reason::SettingChanged { name: name.into(), before: before.into(), after: after.into() }
}

fn shell_change(before: &[String], after: &[String]) -> Option<Reason> {
    (before != after).then(|| setting("the shell", &before.join(" "), &after.join(" ")))
}

/// The first build argument that differs, by name.
fn args_change(before: Option<&[String]>, after: Option<&[String]>) -> Option<Reason> {
    if before == after {
        return None;
    }
    let map = |lines: Option<&[String]>| -> BTreeMap<String, String> {
        let pairs = lines.unwrap_or(&[]).iter().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (old, new) = (map(before), map(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = names.into_iter().find(|name| old.get(*name) != new.get(*name));
    Some(match changed {
        None => Reason::ProxyArgumentsChanged { is_given: after.is_some() },
        Some(name) => Reason::VariableChanged {
            name: name.clone(),
            before: old.get(name).cloned(),
            after: new.get(name).cloned(),
        },
    })
}

/// What changed of a copy but for the content of its files.
fn copy_change(before: &CopyPlan, after: &CopyPlan, old: &PlanStep, step: &PlanStep) -> Option<Reason> {
    let CopyPlan { is_add, shell, chown, sources, target, from } = before;
    let is_from_same = match (from, &after.from) {
        (Some(from @ Base::Image { .. }), Some(now @ Base::Image { .. })) => {
            from.files_token() == now.files_token()
        }
        (from, now) => from.is_some() == now.is_some(),
    };
    let is_same = *is_add == after.is_add
        && *chown == after.chown
        && *sources == after.sources
        && *target == after.target
        && is_from_same;
    if is_same {
        return shell_change(shell, &after.shell);
    }
    if old.text != step.text {
        return Some(Reason::InstructionChanged { before: old.text.clone(), after: step.text.clone() });
    }
    Some(if *target != after.target {
        setting("the target", target, &after.target)
    } else if *chown != after.chown {
        setting("the owner", chown, &after.chown)
    } else {
        setting("the source", &sources.join(" "), &after.sources.join(" "))
    })
}

/// Finds for each step the one of the last build that it continues.
///
/// Stages are paired by name, then those of new names in order; steps within a
/// stage by their words and commands.
fn align(plan: &Plan, last: &BuildRecord) -> Vec<Option<usize>> {
    let mut counterparts = vec![None; plan.steps.len()];
    let names =
        |stages: &[PlannedStage]| -> Vec<String> { stages.iter().map(|stage| stage.name.clone()).collect() };
    let (now, then) = (names(&plan.stages), names(&last.stages));
    let is_new = |name: &&String| !then.contains(name);
    let is_gone = |name: &&String| !now.contains(name);
    let renamed: BTreeMap<&String, &String> =
        now.iter().filter(is_new).zip(then.iter().filter(is_gone)).collect();
    let in_stage = |stage: Option<usize>, of: Option<StageId>| of.map(|of| of.0) == stage;
    let found = now.iter().enumerate().filter_map(|(idx, name)| {
        let name = renamed.get(name).copied().unwrap_or(name);
        Some((Some(idx), Some(then.iter().position(|old| old == name)?)))
    });
    // What stands in front of the first FROM is a stage of its own here.
    for (stage, old_stage) in std::iter::once((None, None)).chain(found) {
        let now: Vec<(usize, &PlanStep)> =
            plan.steps.iter().enumerate().filter(|(_, step)| in_stage(stage, step.stage)).collect();
        let old: Vec<(usize, &StepRecord)> =
            last.steps.iter().enumerate().filter(|(_, old)| in_stage(old_stage, old.step.stage)).collect();
        let is_same = |now: &(usize, &PlanStep), old: &(usize, &StepRecord)| {
            now.1.text == old.1.step.text
                || (now.1.action.command().is_some() && now.1.action == old.1.step.action)
        };
        let is_same_kind =
            |now: &(usize, &PlanStep), old: &(usize, &StepRecord)| now.1.keyword == old.1.step.keyword;
        for (i, j) in pair_up(&now, &old, is_same, is_same_kind) {
            if let (Some((idx, _)), Some((place, _))) = (now.get(i), old.get(j))
                && let Some(slot) = counterparts.get_mut(*idx)
            {
                *slot = Some(*place);
            }
        }
    }
    counterparts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::legacy::convert::plan;
    use crate::cache::legacy::plan::DockerfilePlace;
    use crate::cache::legacy::solve::{record, simulate};
    use crate::cache::solve::Reruns;
    use crate::dockerfile::stage::Dockerfile;
    use crate::dockerfile::syntax::Dialect;
    use crate::graph::{BaseImage, BuildOptions};

    /// A build: a Dockerfile, the id of its base, and `HTTP_PROXY`.
    type Build<'a> = (&'a str, &'a str, Option<&'a str>);

    /// The sentence for the last step of the second build, and the line that began it.
    fn check(first: Build<'_>, second: Build<'_>, sentence: &str, line: Option<u32>) {
        let mut store = LegacyStore::default();
        let mut found = None;
        for (text, id, proxy) in [first, second] {
            let build_args = proxy.map(|proxy| ("HTTP_PROXY".to_owned(), proxy.to_owned()));
            let options = BuildOptions { build_args: build_args.into_iter().collect(), ..Default::default() };
            let base = BaseImage { digest: Some(id.to_owned()), is_known: true, ..BaseImage::default() };
            let file = Dockerfile::read_as(text, Dialect::Classic);
            let plan = plan(&file, &options, &DockerfilePlace::Outside, &|_, _| Some(base.clone())).unwrap();
            let inputs = Inputs::default();
            let last = simulate(&plan, &inputs, &store).steps.pop().unwrap();
            let text_of = |id: StepId| plan.step(id).map(|step| step.text.as_str());
            let lines = last.first_cause.and_then(|id| plan.step(id)).and_then(|step| step.lines);
            found = Some((last.reason.sentence_of(&text_of), lines.map(|lines| lines.first)));
            record(&plan, &inputs, &mut store, &|_| Reruns::Different, &BTreeSet::new());
        }
        assert_eq!(found, Some((sentence.to_owned(), line)));
    }

    #[test]
    fn reasons() {
        let text = "FROM a\nLABEL a=1\nRUN x\n";
        let plain = (text, "1", None);
        check(plain, plain, "nothing that counts for this step has changed", None);
        check(plain, (text, "2", None), "it stands on “LABEL a=1”, which runs again", Some(1));
        check(plain, (text, "1", Some("p")), "a proxy argument is given now", Some(3));
        check((text, "1", Some("p")), plain, "no proxy argument is given any more", Some(3));
        let edited = ("FROM a\nLABEL a=2\nRUN x\n", "1", None);
        check(plain, edited, "it stands on “LABEL a=2”, which runs again", Some(2));
        let shorter = ("FROM a\nRUN x\n", "1", None);
        check(plain, shorter, "it stood on “LABEL a=1” and now stands on “FROM a”", Some(2));
        let twice = ("FROM a\nRUN y\nFROM a\nRUN y\n", "1", None);
        check(plain, twice, "“RUN y” of this build gives the same result", None);
        let moved = ("FROM a\nLABEL a=1\n", "2", None);
        check(("FROM a\nLABEL a=1\n", "1", None), moved, "it stands on “FROM a”, which runs again", Some(1));
        let only_from = |id| ("FROM a\n", id, None);
        let sentence = "docker.io/library/a:latest is another image now, if only by its configuration";
        check(only_from("1"), only_from("2"), sentence, Some(1));
    }
}
