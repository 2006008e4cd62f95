//! Stages, what they begin with, and what they copy and mount from.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::findings::Place;
use super::scope::Variables;
use super::walk::{Stopped, Walk, stop, stop_at};
use super::{
    Scope, Stop, from_platform_flag_const_disallowed, invalid_base_image_platform, redundant_target_platform,
    undefined_arg_in_from,
};
use crate::diagnostic::nearest;
use crate::dockerfile::instruction::{Instruction, Kind};
use crate::dockerfile::mount::Mount;
use crate::dockerfile::stage::Stage;
use crate::dockerfile::syntax::{self, Spanned};
use crate::dockerfile::word::{Expansion, NoEnv, WordError};
use crate::graph::env::split_pair;
use crate::graph::{platform, reference};
use crate::oci::{Platform, RuntimeConfig};
use crate::text::{Lines, TextRange, go_quote};

/// What a stage begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    Scratch,
    Stage(usize),
    Image,
    /// The user put files of their own in its place.
    Context,
}

/// An instruction of a stage, triggers of its base included.
pub(super) struct Command<'a> {
    pub(super) instruction: Cow<'a, Instruction>,
    /// The states that it copies or mounts from: one of a COPY, one for each mount of a RUN.
    pub(super) sources: Vec<usize>,
    pub(super) is_trigger: bool,
}

/// The word of an instruction that names another state.
#[derive(Clone, Copy)]
pub(super) struct Dependency {
    pub(super) lines: Lines,
    pub(super) range: TextRange,
}

/// What an instruction changes for those after it.
#[derive(Clone, Default)]
pub(super) struct Vars {
    /// What words are expanded with.
    pub(super) env: Variables,
    /// The part of it that the image keeps, and that a stage on top sets again.
    pub(super) config_env: Variables,
    /// Declared arguments, also those without a value.
    pub(super) args: BTreeSet<String>,
    /// Where the last WORKDIR leads, the image's own included.
    pub(super) working_dir: String,
    /// The image says which shell runs the shell form.
    pub(super) has_shell: bool,
    /// Some WORKDIR of the file was passed.
    pub(super) has_workdir: bool,
    /// Why variables of the base are not known, where they are not.
    pub(super) unknown_base: Option<String>,
}

/// A stage, or something else that is copied from.
pub(super) struct State<'a> {
    /// None for what is no stage of the file.
    pub(super) stage: Option<&'a Stage>,
    /// Its name, or `stage-N`; empty in a file of one stage.
    pub(super) name: String,
    /// The base with its variables expanded.
    base: String,
    base_range: TextRange,
    lines: Lines,
    pub(super) origin: Origin,
    pub(super) platform: Option<Platform>,
    pub(super) commands: Vec<Command<'a>>,
    /// By the state that is named; of several instructions that name one the last counts.
    pub(super) dependencies: BTreeMap<usize, Dependency>,
    is_resolved: bool,
    has_triggers: bool,
    /// Later instructions can copy from it.
    pub(super) is_dispatched: bool,
    on_build: Vec<String>,
    pub(super) vars: Vars,
}

impl State<'_> {
    /// The place of a command, which for a trigger is that of the FROM.
    pub(super) fn place<'c>(&self, command: &'c Command<'_>) -> Place<'c> {
        if command.is_trigger {
            return Place { lines: self.lines, comments: &[], stands_in: Some(self.base_range) };
        }
        Place::of(&command.instruction)
    }
}

impl<'a> Walk<'a> {
    /// Reads every FROM.
    pub(super) fn plan_stages(&mut self) -> Result<(), Stopped> {
        for (idx, stage) in self.file.stages.iter().enumerate() {
            let lines = stage.instruction.lines;
            let word = &stage.from.base;
            let expansion = self.expand_in_from(stage, word);
            let base = expansion.map_err(|error| stop_at(error.to_string(), word.range, lines))?.text;
            if base.is_empty() {
                let message = format!("base name ({}) should not be blank", word.value);
                return Err(stop_at(message, word.range, lines));
            }
            let platform = match &stage.from.platform {
                Some(word) if !word.value.is_empty() => Some(self.stage_platform(stage, word)?),
                _ => None,
            };
            let is_replaced = match &stage.from.name {
                Some(name) => self.is_named_context(name)?,
                None => false,
            };
            let origin = if is_replaced {
                Origin::Context
            } else if let Some(parent) = self.stages_by_name.get(base.as_str()) {
                // Among the stages before it, and without folding the case.
                Origin::Stage(*parent)
            } else if base == "scratch" {
                Origin::Scratch
            } else {
                Origin::Image
            };
            self.states.push(State {
                stage: Some(stage),
                name: stage.name().map_or_else(|| format!("stage-{idx}"), str::to_owned),
                base_range: word.range,
                ..new_state(base, lines, origin, platform)
            });
            if let Some(name) = stage.name() {
                self.stages_by_name.insert(name, idx);
            }
        }
        Ok(())
    }

    fn expand_in_from(&mut self, stage: &Stage, word: &Spanned) -> Result<Expansion, WordError> {
        let expansion = self.lex().expand(&word.value, &self.global_env);
        let unset = expansion.as_ref().map_or_else(|error| &error.unset, |done| &done.unset);
        undefined_arg_in_from::check(self, stage, word, unset);
        expansion
    }

    fn stage_platform(&mut self, stage: &Stage, word: &Spanned) -> Result<Platform, Stopped> {
        let lines = stage.instruction.lines;
        let done = self.expand_in_from(stage, word).map_err(|error| {
            stop_at(format!("failed to process arguments for platform : {error}"), word.range, lines)
        })?;
        redundant_target_platform::check(self, stage, word, &done);
        from_platform_flag_const_disallowed::check(stage, word, &done, &mut self.findings);
        let hint = || {
            let found = done.unset.iter().find_map(|name| nearest(name, self.global_env.names(), false));
            found.map_or(String::new(), |name| format!(" (did you mean {name}?)"))
        };
        if done.text.is_empty() {
            let message = format!("empty platform value from expression {}{}", word.value, hint());
            return Err(stop_at(message, word.range, lines));
        }
        platform::parse(&done.text).map_err(|cause| {
            stop_at(format!("failed to parse platform {}: {cause}{}", word.value, hint()), word.range, lines)
        })
    }

    /// Whether the user gave something of their own under the name of a stage.
    /// Every name is looked up, so that one which names no image is refused.
    fn is_named_context(&self, name: &Spanned) -> Result<bool, Stopped> {
        if matches!(name.value.as_str(), "scratch" | "context") {
            return Ok(false);
        }
        let full = reference::normalize(&name.value).map_err(|cause| {
            let mut stopped = stop(format!("invalid context name {}: {cause}", name.value));
            stopped.range = name.range;
            stopped
        })?;
        Ok(self.has_named_context(&name.value, &full))
    }

    fn has_named_context(&self, name: &str, full: &str) -> bool {
        let mut given = self.input.options.named_contexts.keys();
        given.any(|given| given == name || reference::normalize(given).is_ok_and(|given| given == full))
    }

    /// The stage of this name, without regard to case; of equal names the later one.
    fn stage_named(&self, name: &str) -> Option<usize> {
        self.stages_by_name.get(name.to_lowercase().as_str()).copied()
    }

    /// The stage that is built.
    pub(super) fn target(&self) -> Result<usize, Stopped> {
        let wanted = &self.input.options.target;
        if wanted.is_empty() {
            return Ok(self.states.len().saturating_sub(1));
        }
        self.stage_named(wanted).ok_or_else(|| {
            let hint = nearest(wanted, self.states.iter().map(|state| state.name.as_str()), false);
            let hint = hint.map_or(String::new(), |name| format!(" (did you mean {name}?)"));
            stop(format!("target stage {} could not be found{hint}", go_quote(wanted)))
        })
    }

    /// Finds what each instruction copies and mounts from.
    pub(super) fn find_sources(&mut self) -> Result<(), Stopped> {
        for (idx, stage) in self.file.stages.iter().enumerate() {
            for instruction in &stage.instructions {
                self.add_command(idx, Cow::Borrowed(instruction), false)?;
            }
        }
        Ok(())
    }

    fn add_command(
        &mut self,
        idx: usize,
        instruction: Cow<'a, Instruction>,
        is_trigger: bool,
    ) -> Result<bool, Stopped> {
        let lines = match self.states.get(idx) {
            Some(state) if is_trigger => state.lines,
            _ => instruction.lines,
        };
        let mut named: Vec<(Option<usize>, String, TextRange)> = Vec::new();
        match &instruction.kind {
            Kind::Copy(copy) => {
                if let Some(from) = &copy.from {
                    named.push((self.copy_source(from)?, from.value.clone(), from.range));
                }
            }
            Kind::Run(run) => {
                for mount in &run.mounts {
                    // Its type may still be a variable, so any mount without `from` counts as one of scratch.
                    let from = Mount::from_name(&mount.value).filter(|from| !from.is_empty());
                    let from = from.unwrap_or_else(|| "scratch".to_owned());
                    named.push((self.stage_named(&from), from, mount.range));
                }
            }
            _ => {}
        }
        let mut sources = Vec::new();
        for (stage, name, range) in named {
            let source = stage.unwrap_or_else(|| {
                let origin = if name == "scratch" { Origin::Scratch } else { Origin::Image };
                self.states.push(State { base_range: range, ..new_state(name, lines, origin, None) });
                self.states.len() - 1
            });
            sources.push(source);
            if let Some(state) = self.states.get_mut(idx) {
                state.dependencies.insert(source, Dependency { lines, range });
            }
        }
        let has_sources = !sources.is_empty();
        if let Some(state) = self.states.get_mut(idx) {
            state.commands.push(Command { instruction, sources, is_trigger });
        }
        Ok(has_sources)
    }

    fn copy_source(&self, from: &Spanned) -> Result<Option<usize>, Stopped> {
        let stop = |message: String| Box::new(Stop { range: from.range, ..*stop(message) });
        let expansion = self.lex().expand(&from.value, &NoEnv);
        if expansion.map_err(|error| stop(error.to_string()))?.text != from.value {
            let message = "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround";
            return Err(stop(message.to_owned()));
        }
        let Ok(index) = from.value.parse::<i64>() else { return Ok(self.stage_named(&from.value)) };
        // What is no stage but was named before has an index, too.
        match usize::try_from(index) {
            Ok(idx) if idx < self.states.len() => Ok(Some(idx)),
            _ => Err(stop(format!("invalid stage index {index}"))),
        }
    }

    /// Looks at all stages, or only at those that the target needs.
    pub(super) fn visits_all(&self) -> bool {
        self.input.scope == Scope::Check && self.input.options.target.is_empty()
    }

    /// The states that the target needs.
    pub(super) fn reachable(&self, target: usize) -> BTreeSet<usize> {
        let mut reachable = BTreeSet::new();
        let mut open = vec![target];
        while let Some(idx) = open.pop() {
            if !reachable.insert(idx) {
                continue;
            }
            if let Some(state) = self.states.get(idx) {
                open.extend(state.dependencies.keys());
                if let Origin::Stage(parent) = state.origin {
                    open.push(parent);
                }
            }
        }
        reachable
    }

    /// Looks up base images, and reads the triggers of what the target needs.
    /// These may name further images.
    pub(super) fn resolve_bases(&mut self, target: usize) -> Result<(), Stopped> {
        loop {
            let reachable = self.reachable(target);
            for idx in 0..self.states.len() {
                self.resolve(idx, self.visits_all() || reachable.contains(&idx))?;
            }
            let mut has_more = false;
            for idx in reachable {
                has_more |= self.read_triggers(idx)?;
            }
            if !has_more {
                return Ok(());
            }
        }
    }

    fn resolve(&mut self, idx: usize, is_needed: bool) -> Result<(), Stopped> {
        let target_platform = self.target_platform.clone();
        let Some(state) = self.states.get_mut(idx).filter(|state| !state.is_resolved) else { return Ok(()) };
        let is_stage = state.stage.is_some();
        match state.origin {
            Origin::Stage(_) => return Ok(()),
            Origin::Scratch => {
                state.is_resolved = is_needed;
                state.platform = Some(target_platform);
                state.is_dispatched |= !is_stage;
                return Ok(());
            }
            Origin::Image | Origin::Context => {}
        }
        state.is_resolved = is_needed;
        state.is_dispatched |= !is_stage;
        let full = reference::normalize(&state.base).map_err(|cause| {
            let message = format!("failed to parse stage name {}: {cause}", go_quote(&state.base));
            stop_at(message, state.base_range, state.lines)
        })?;
        let platform = state.platform.get_or_insert(target_platform).clone();
        if !is_needed {
            return Ok(());
        }
        if state.origin == Origin::Context {
            state.vars.unknown_base = Some("what the named context gives is not known".to_owned());
            return Ok(());
        }
        let (base, range, lines) = (state.base.clone(), state.base_range, state.lines);
        let place = Place::of_lines(lines);
        let is_replaced = self.has_named_context(&base, &full);
        let found = (self.input.find_base)(&full, &platform).filter(|found| found.is_known && !is_replaced);
        let Some(found) = found else {
            let reason = format!("nothing is known of the image {}", reference::familiar(&full));
            self.findings.skip(&invalid_base_image_platform::RULE, place, range, reason.clone());
            if let Some(state) = self.states.get_mut(idx) {
                state.vars.unknown_base = Some(reason);
            }
            return Ok(());
        };
        if !found.layers.is_empty() {
            invalid_base_image_platform::check(
                &base,
                &platform,
                &found.config,
                place,
                range,
                &mut self.findings,
            );
        }
        if let Some(state) = self.states.get_mut(idx) {
            state.begin_with(found.config.config);
        }
        Ok(())
    }

    /// Reads the triggers of the base, and tells whether they name sources.
    fn read_triggers(&mut self, idx: usize) -> Result<bool, Stopped> {
        let Some(state) = self.states.get_mut(idx).filter(|state| !state.has_triggers) else {
            return Ok(false);
        };
        state.has_triggers = true;
        let mut triggers = std::mem::take(&mut state.on_build);
        let (lines, range, origin) = (state.lines, state.base_range, state.origin);
        if let Origin::Stage(parent) = origin {
            let commands = self.states.get(parent).map_or(&[][..], |parent| &parent.commands);
            triggers.extend(commands.iter().filter_map(|command| match &command.instruction.kind {
                Kind::Onbuild(onbuild) => Some(onbuild.expression.clone()),
                _ => None,
            }));
        }
        if triggers.is_empty() {
            return Ok(false);
        }
        let own = self.states.get_mut(idx).map_or_else(Vec::new, |state| std::mem::take(&mut state.commands));
        let mut has_sources = false;
        for trigger in triggers {
            let instruction = read_trigger(&trigger).map_err(|message| stop_at(message, range, lines))?;
            let added = self.add_command(idx, Cow::Owned(instruction), true);
            has_sources |= added.map_err(|stopped| stop_at(stopped.message, range, lines))?;
        }
        if let Some(state) = self.states.get_mut(idx) {
            state.commands.extend(own);
        }
        Ok(has_sources)
    }
}

impl State<'_> {
    fn begin_with(&mut self, config: RuntimeConfig) {
        for pair in &config.env {
            let (name, value) = split_pair(pair);
            self.vars.config_env.set(name, value);
        }
        self.vars.working_dir = config.working_dir;
        self.vars.has_shell = !config.shell.is_empty();
        self.on_build = config.on_build;
    }
}

fn new_state<'a>(base: String, lines: Lines, origin: Origin, platform: Option<Platform>) -> State<'a> {
    State {
        stage: None,
        name: String::new(),
        base,
        base_range: TextRange::default(),
        lines,
        origin,
        platform,
        commands: Vec::new(),
        dependencies: BTreeMap::new(),
        is_resolved: false,
        has_triggers: false,
        is_dispatched: false,
        on_build: Vec::new(),
        vars: Vars::default(),
    }
}

/// A trigger as an instruction; its message has no `parse error` in front.
fn read_trigger(trigger: &str) -> Result<Instruction, String> {
    let parsed = syntax::parse(trigger);
    if let Some(refusal) = parsed.refusals.first() {
        return Err(refusal.builder_error());
    }
    let [node] = parsed.nodes.as_slice() else {
        return Err("onbuild trigger should be a single expression".to_owned());
    };
    match Instruction::read(node) {
        Ok(Instruction { kind: Kind::From(_), .. }) => {
            Err("*instructions.Stage is not a command type".to_owned())
        }
        Ok(instruction) => Ok(instruction),
        Err((problem, _)) => Err(problem.builder_message()),
    }
}
