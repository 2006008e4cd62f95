//! Stages, what they need of each other, and the walk through those the target needs.

use std::collections::{BTreeMap, BTreeSet};

use super::dispatch;
use super::env::EnvList;
use super::epoch;
use super::state::StageState;
use super::{
    BaseImage, BuildOptions, Graph, GraphError, GraphStage, NamedContext, NoCache, Op, Placed, Role, StageId,
    Step, StepId, not_modeled, platform, reference,
};
use crate::diagnostic::nearest;
use crate::dockerfile::instruction::{ArgDefinition, Instruction, Kind};
use crate::dockerfile::mount::Mount;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::word::{Env, Lex, NoEnv, WordError};
use crate::oci::{ImageConfig, Platform};
use crate::text::{Lines, TextRange, go_quote};

/// Finds an image by its full name; `None` if nothing is known of it.
pub type FindBase<'a> = dyn Fn(&str, &Platform) -> Option<BaseImage> + 'a;

/// Makes the graph of a build.
///
/// # Errors
/// What a builder refuses before any step runs, the Dockerfile's own refusals included.
pub fn build(
    file: &Dockerfile,
    options: &BuildOptions,
    find_base: &FindBase<'_>,
) -> Result<Graph, GraphError> {
    if file.parse.tokens.is_empty() {
        let message = "the Dockerfile cannot be empty".into();
        return Err(GraphError { message, range: TextRange::default(), lines: Vec::new() });
    }
    if let Some(refusal) = file.refusal() {
        let lines = refusal.lines.into_iter().collect();
        return Err(GraphError { message: refusal.builder_error(), range: refusal.range, lines });
    }
    if file.stages.is_empty() {
        let message = "dockerfile contains no stages to build".into();
        return Err(GraphError { message, range: TextRange::default(), lines: Vec::new() });
    }
    let is_multi = options.platforms.len() > 1;
    let own = [Platform::linux_amd64()];
    let platforms = if options.platforms.is_empty() { own.as_slice() } else { &options.platforms };
    let mut graph = Graph { secrets: options.secrets.clone(), ..Graph::default() };
    for target in platforms {
        let converter = Converter::new(file, options, find_base, target, is_multi)?;
        converter.run(&mut graph)?;
    }
    graph.not_modeled = not_modeled::of(file, options, &graph);
    Ok(graph)
}

/// An error at an instruction.
pub(super) fn error_at(message: impl Into<String>, range: TextRange, lines: Lines) -> GraphError {
    GraphError { message: message.into(), range, lines: vec![lines] }
}

/// The automatic arguments of the global scope. A build argument of the same name wins.
fn automatic_args(target: &Platform, stage: &str, build_args: &BTreeMap<String, String>) -> EnvList {
    let build = Platform::linux_amd64();
    let mut args = EnvList::default();
    let mut set = |name: &str, value: &str| {
        args.set(name, build_args.get(name).map_or(value, String::as_str));
    };
    for (prefix, platform) in [("BUILD", &build), ("TARGET", target)] {
        set(&format!("{prefix}PLATFORM"), &platform.to_string());
        set(&format!("{prefix}OS"), &platform.os);
        set(&format!("{prefix}OSVERSION"), platform.os_version.as_deref().unwrap_or(""));
        set(&format!("{prefix}ARCH"), &platform.architecture);
        set(&format!("{prefix}VARIANT"), platform.variant.as_deref().unwrap_or(""));
    }
    set("TARGETSTAGE", if stage.is_empty() { "default" } else { stage });
    args
}

/// What a stage begins with.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Origin {
    Scratch,
    Stage(StageId),
    Image(String),
    Context(String, NamedContext),
}

/// An instruction of a stage, and the sources that it names.
pub(super) struct Placement<'a> {
    pub(super) instruction: &'a Instruction,
    /// For a COPY its one source, for a RUN one for each mount.
    pub(super) sources: Vec<Option<Source>>,
    pub(super) is_onbuild: bool,
}

/// What `--from` or `from=` names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Stage(StageId),
    /// An image or named context, with no stage of its own in the file.
    Outside(String),
}

/// A stage before it is walked through.
pub(super) struct Plan {
    base: String,
    origin: Origin,
    platform: Option<Platform>,
    /// Stages that it needs, each with the instruction that says so; of several the last one.
    pub(super) deps: BTreeMap<StageId, (Lines, TextRange)>,
    /// Triggers of its base, known once it turned out to be needed.
    triggers: Option<Vec<String>>,
    /// How often its image was looked up before the stage turned out to be
    /// needed. A builder gives the FROM a number each time.
    n_lookups: u32,
}

pub(super) struct Converter<'a> {
    pub(super) file: &'a Dockerfile,
    pub(super) options: &'a BuildOptions,
    find_base: &'a FindBase<'a>,
    pub(super) target_platform: &'a Platform,
    pub(super) is_multi: bool,
    pub(super) global_args: EnvList,
    /// `SOURCE_DATE_EPOCH` in seconds.
    pub(super) epoch: Option<i64>,
    pub(super) plans: Vec<Plan>,
    pub(super) locals: BTreeMap<String, StepId>,
}

impl<'a> Converter<'a> {
    fn new(
        file: &'a Dockerfile,
        options: &'a BuildOptions,
        find_base: &'a FindBase<'a>,
        target_platform: &'a Platform,
        is_multi: bool,
    ) -> Result<Self, GraphError> {
        let last = file.stages.last().and_then(|stage| stage.name()).unwrap_or("");
        let target = if options.target.is_empty() { last } else { &options.target };
        let mut converter = Self {
            file,
            options,
            find_base,
            target_platform,
            is_multi,
            global_args: automatic_args(target_platform, target, &options.build_args),
            epoch: None,
            plans: Vec::new(),
            locals: BTreeMap::new(),
        };
        converter.read_global_args()?;
        converter.read_epoch()?;
        converter.plan_stages()?;
        Ok(converter)
    }

    pub(super) fn lex(&self) -> Lex {
        Lex::new(self.file.parse.escape)
    }

    fn read_global_args(&mut self) -> Result<(), GraphError> {
        let definitions: Vec<(&ArgDefinition, &Instruction)> = self.file.global_arg_definitions().collect();
        for (arg, instruction) in definitions {
            let name = &arg.name.value;
            let value = match (self.options.build_args.get(name), &arg.default) {
                (Some(given), _) => given.clone(),
                (None, Some(default)) => self.expand(default, &self.global_args, instruction)?,
                (None, None) => continue,
            };
            self.global_args.set(name, &value);
        }
        Ok(())
    }

    /// Reads the time; afterwards a number stands for it, or nothing.
    fn read_epoch(&mut self) -> Result<(), GraphError> {
        self.epoch = epoch::read(self.file, self.options, &self.global_args)?;
        let is_given = self.options.build_args.contains_key(epoch::NAME);
        if self.global_args.get(epoch::NAME).is_some_and(|value| is_given || !value.is_empty()) {
            match self.epoch {
                Some(seconds) => self.global_args.set(epoch::NAME, &seconds.to_string()),
                None => self.global_args.remove(epoch::NAME),
            }
        }
        Ok(())
    }

    /// A value that is given to the build for an argument.
    pub(super) fn build_arg(&self, name: &str) -> Option<String> {
        let given = self.options.build_args.get(name)?;
        if name == epoch::NAME { self.epoch.map(|seconds| seconds.to_string()) } else { Some(given.clone()) }
    }

    fn expand(&self, word: &Spanned, env: &dyn Env, at: &Instruction) -> Result<String, GraphError> {
        let fail = |error: WordError| error_at(error.to_string(), word.range, at.lines);
        Ok(self.lex().expand(&word.value, env).map_err(fail)?.text)
    }

    pub(super) fn stage_name(&self, idx: usize) -> String {
        self.file
            .stages
            .get(idx)
            .and_then(|stage| stage.name())
            .map_or_else(|| format!("stage-{idx}"), str::to_owned)
    }

    /// The stage that a FROM means: an exact match among those before it, the later of equal names.
    fn earlier_stage(&self, base: &str, before: usize) -> Option<StageId> {
        let stages = self.file.stages.get(..before)?;
        stages.iter().rposition(|stage| stage.name() == Some(base)).map(StageId)
    }

    fn plan_stages(&mut self) -> Result<(), GraphError> {
        for (idx, stage) in self.file.stages.iter().enumerate() {
            let at = &stage.instruction;
            let base = self.expand(&stage.from.base, &self.global_args, at)?;
            if base.is_empty() {
                let message = format!("base name ({}) should not be blank", stage.from.base.value);
                return Err(error_at(message, stage.from.base.range, at.lines));
            }
            let platform = match &stage.from.platform {
                Some(word) => Some(self.stage_platform(word, at)?),
                None => None,
            };
            let named = stage.name().and_then(|name| self.named_context(name));
            let origin = if let Some((name, context)) = named {
                Origin::Context(name, context)
            } else if let Some(parent) = self.earlier_stage(&base, idx) {
                Origin::Stage(parent)
            } else if base == "scratch" {
                Origin::Scratch
            } else {
                Origin::Image(base.clone())
            };
            let mut deps = BTreeMap::new();
            if let Origin::Stage(parent) = origin {
                deps.insert(parent, (at.lines, at.range));
            }
            self.plans.push(Plan { base, origin, platform, deps, triggers: None, n_lookups: 0 });
        }
        Ok(())
    }

    fn stage_platform(&self, word: &Spanned, at: &Instruction) -> Result<Platform, GraphError> {
        let fail = |error: WordError| error_at(error.to_string(), word.range, at.lines);
        let expansion = self.lex().expand(&word.value, &self.global_args).map_err(fail)?;
        let hint = || {
            let options: Vec<&str> = self.global_args.iter().map(|(name, _)| name).collect();
            let found = expansion.unset.iter().find_map(|name| nearest(name, options.iter().copied(), false));
            found.map_or(String::new(), |name| format!(" (did you mean {name}?)"))
        };
        if expansion.text.is_empty() {
            let message = format!("empty platform value from expression {}{}", word.value, hint());
            return Err(error_at(message, word.range, at.lines));
        }
        platform::parse(&expansion.text).map_err(|cause| {
            error_at(
                format!("failed to parse platform {}: {cause}{}", word.value, hint()),
                word.range,
                at.lines,
            )
        })
    }

    /// A named context of this name; `scratch` and `context` cannot be replaced.
    fn named_context(&self, name: &str) -> Option<(String, NamedContext)> {
        if name.eq_ignore_ascii_case("scratch") || name.eq_ignore_ascii_case("context") {
            return None;
        }
        let full = reference::normalize(name).ok();
        let found = self.options.named_contexts.iter().find(|(given, _)| {
            given.as_str() == name || (full.is_some() && reference::normalize(given).ok() == full)
        });
        found.map(|(given, context)| (given.clone(), context.clone()))
    }

    fn target(&self) -> Result<StageId, GraphError> {
        let wanted = &self.options.target;
        if wanted.is_empty() {
            return Ok(StageId(self.file.stages.len().saturating_sub(1)));
        }
        self.file.stage_named(wanted).map(StageId).ok_or_else(|| {
            let names: Vec<String> = (0..self.file.stages.len()).map(|idx| self.stage_name(idx)).collect();
            let hint = nearest(wanted, names.iter().map(String::as_str), false);
            let hint = hint.map_or(String::new(), |name| format!(" (did you mean {name}?)"));
            let message = format!("target stage {} could not be found{hint}", go_quote(wanted));
            GraphError { message, range: TextRange::default(), lines: Vec::new() }
        })
    }

    /// Finds what the instruction names as sources.
    fn place<'b>(&self, instruction: &'b Instruction, is_onbuild: bool) -> Result<Placement<'b>, GraphError> {
        let mut sources = Vec::new();
        match &instruction.kind {
            Kind::Copy(copy) => {
                if let Some(from) = &copy.from {
                    sources.push(Some(self.copy_source(from)?));
                }
            }
            Kind::Run(run) => {
                for mount in &run.mounts {
                    // Types may still hold variables here, so every mount without a `from` counts as one of scratch.
                    let from = Mount::from_name(&mount.value).filter(|from| !from.is_empty());
                    let from = from.unwrap_or_else(|| "scratch".to_owned());
                    let stage = self.file.stage_named(&from);
                    sources
                        .push(Some(stage.map_or(Source::Outside(from), |idx| Source::Stage(StageId(idx)))));
                }
            }
            _ => {}
        }
        Ok(Placement { instruction, sources, is_onbuild })
    }

    fn copy_source(&self, from: &Spanned) -> Result<Source, GraphError> {
        let expansion = self.lex().expand(&from.value, &NoEnv);
        let text = expansion.map_err(|error| GraphError {
            message: error.to_string(),
            range: from.range,
            lines: Vec::new(),
        })?;
        if text.text != from.value {
            let message = "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround";
            return Err(GraphError { message: message.into(), range: from.range, lines: Vec::new() });
        }
        if let Ok(index) = from.value.parse::<i64>() {
            let idx = usize::try_from(index).ok().filter(|idx| *idx < self.file.stages.len());
            return idx.map(|idx| Source::Stage(StageId(idx))).ok_or_else(|| GraphError {
                message: format!("invalid stage index {index}"),
                range: from.range,
                lines: Vec::new(),
            });
        }
        let stage = self.file.stage_named(&from.value);
        Ok(stage.map_or_else(|| Source::Outside(from.value.clone()), |idx| Source::Stage(StageId(idx))))
    }

    fn run(mut self, graph: &mut Graph) -> Result<(), GraphError> {
        let target = self.target()?;
        let file = self.file;
        let mut placements: Vec<Vec<Placement<'a>>> = Vec::new();
        for (idx, stage) in file.stages.iter().enumerate() {
            let is_replaced = matches!(self.plans.get(idx), Some(Plan { origin: Origin::Context(..), .. }));
            let mut list = Vec::new();
            for instruction in stage.instructions.iter().filter(|_| !is_replaced) {
                let placement = self.place(instruction, false)?;
                self.add_deps(idx, &placement);
                list.push(placement);
            }
            placements.push(list);
        }
        self.check_cycles()?;
        let reachable = self.find_triggers(target)?;
        let first = graph.placed.is_empty();
        if first {
            self.place_all(graph);
        }
        let mut states: Vec<Option<StageState>> = (0..file.stages.len()).map(|_| None).collect();
        for (idx, list) in placements.iter().enumerate() {
            if !reachable.contains(&StageId(idx)) {
                continue;
            }
            let state = self.walk(graph, idx, list, &states)?;
            if let Some(slot) = states.get_mut(idx) {
                *slot = Some(state);
            }
        }
        check_commands(graph)?;
        let Some(state) = states.get_mut(target.0).and_then(Option::take) else { return Ok(()) };
        graph.results.push(state.output);
        if first {
            graph.target = Some(target);
            graph.image = state.image.clone();
            for (name, value) in &self.options.labels {
                graph.image.config.labels.insert(name.clone(), value.clone());
            }
        }
        for (idx, stage) in graph.stages.iter_mut().enumerate() {
            stage.is_reachable = reachable.contains(&StageId(idx));
            let state = if idx == target.0 { Some(&state) } else { states.get(idx).and_then(Option::as_ref) };
            stage.result = state.and_then(|state| state.output);
        }
        Ok(())
    }

    /// Finds what the target needs and the triggers there, which may need further stages.
    fn find_triggers(&mut self, target: StageId) -> Result<BTreeSet<StageId>, GraphError> {
        let file = self.file;
        loop {
            let reachable = self.reachable(target);
            let mut has_sources = false;
            for (idx, stage) in file.stages.iter().enumerate() {
                let is_new = self.plans.get(idx).is_some_and(|plan| plan.triggers.is_none());
                if !is_new || !reachable.contains(&StageId(idx)) {
                    continue;
                }
                let triggers = self.triggers_of(idx);
                for trigger in triggers.iter().map(|trigger| read_trigger(trigger)) {
                    let placement = self.trigger(&trigger, &stage.instruction)?;
                    has_sources |= !placement.sources.is_empty();
                    self.add_deps(idx, &placement);
                }
                self.plans.get_mut(idx).into_iter().for_each(|plan| plan.triggers = Some(triggers.clone()));
            }
            if !has_sources {
                return Ok(reachable);
            }
            for plan in self.plans.iter_mut().filter(|plan| plan.triggers.is_none()) {
                plan.n_lookups += 1;
            }
        }
    }

    /// The triggers that a stage begins with: those of its image or of the stage that it goes on from.
    fn triggers_of(&self, idx: usize) -> Vec<String> {
        let Some(plan) = self.plans.get(idx) else { return Vec::new() };
        match &plan.origin {
            // What takes the place of a whole stage is left as it is.
            Origin::Scratch | Origin::Context(..) => Vec::new(),
            Origin::Stage(parent) => {
                let parent = self.file.stages.get(parent.0);
                let instructions = parent.into_iter().flat_map(|stage| &stage.instructions);
                let trigger = |instruction: &Instruction| match &instruction.kind {
                    Kind::Onbuild(onbuild) => Some(onbuild.expression.clone()),
                    _ => None,
                };
                instructions.filter_map(trigger).collect()
            }
            Origin::Image(base) => {
                let name = match self.named_context(base) {
                    Some((_, NamedContext::Local)) => return Vec::new(),
                    Some((_, NamedContext::Image { reference })) => reference,
                    None => base.clone(),
                };
                let platform = plan.platform.as_ref().unwrap_or(self.target_platform);
                let found =
                    reference::normalize(&name).ok().and_then(|full| (self.find_base)(&full, platform));
                found.map_or_else(Vec::new, |base| base.config.config.on_build)
            }
        }
    }

    /// Lists stages and instructions; whatever is not walked through later stays pruned.
    fn place_all(&self, graph: &mut Graph) {
        for instruction in &self.file.global_args {
            graph.placed.push(placed(None, instruction, Role::Metadata));
        }
        for (idx, stage) in self.file.stages.iter().enumerate() {
            let Some(plan) = self.plans.get(idx) else { continue };
            let parent = if let Origin::Stage(parent) = plan.origin { Some(parent) } else { None };
            graph.stages.push(GraphStage {
                name: self.stage_name(idx),
                base: plan.base.clone(),
                parent,
                sources: plan.deps.keys().copied().filter(|dep| Some(*dep) != parent).collect(),
                is_reachable: false,
                result: None,
                lines: stage.instruction.lines,
            });
            let all = std::iter::once(&stage.instruction).chain(&stage.instructions);
            graph.placed.extend(all.map(|instruction| placed(Some(StageId(idx)), instruction, Role::Pruned)));
        }
    }

    /// Walks through one stage, its base first.
    fn walk(
        &mut self,
        graph: &mut Graph,
        idx: usize,
        list: &[Placement<'a>],
        states: &[Option<StageState>],
    ) -> Result<StageState, GraphError> {
        let Some((plan, stage)) = self.plans.get(idx).zip(self.file.stages.get(idx)) else {
            return Ok(StageState::new(StageId(idx), String::new(), self.target_platform.clone()));
        };
        let at = &stage.instruction;
        let (origin, base_name) = (plan.origin.clone(), plan.base.clone());
        let platform = plan.platform.clone().unwrap_or_else(|| self.target_platform.clone());
        let name = if self.file.stages.len() == 1 && self.outside_count(list) == 0 {
            String::new()
        } else {
            self.stage_name(idx)
        };
        let mut state = StageState::new(StageId(idx), name, platform);
        let steps_per =
            |kind: &Kind| matches!(kind, Kind::Run(_) | Kind::Copy(_) | Kind::Add(_) | Kind::Workdir(_));
        state.total = list.iter().filter(|placement| steps_per(&placement.instruction.kind)).count();
        state.ignores_cache = match &self.options.no_cache {
            NoCache::Nothing => false,
            NoCache::All => true,
            NoCache::Stages(stages) => {
                stages.iter().any(|name| stage.name().is_some_and(|own| own.eq_ignore_ascii_case(name)))
            }
        };
        let triggers = plan.triggers.clone().unwrap_or_default();
        state.skip(plan.n_lookups);
        match &origin {
            Origin::Scratch => state.image = scratch_config(&state.platform),
            Origin::Stage(parent) => {
                let Some(Some(parent_state)) = states.get(parent.0) else { return Ok(state) };
                state.inherit(parent_state);
            }
            Origin::Image(_) | Origin::Context(..) => {
                let full = reference::normalize(&base_name).map_err(|cause| {
                    let message = format!("failed to parse stage name {}: {cause}", go_quote(&base_name));
                    error_at(message, stage.from.base.range, at.lines)
                });
                let (step, image) = match origin {
                    Origin::Context(name, context) => self.context_step(graph, &state, &name, &context),
                    _ => {
                        let full = full?;
                        match self.named_context(&base_name) {
                            Some((name, context)) => self.context_step(graph, &state, &name, &context),
                            None => {
                                state.total += 1;
                                let found = self.image_step(graph, &mut state, &full, Some(at));
                                self.set_role(graph, at, Role::Steps(found.0.into_iter().collect()));
                                found
                            }
                        }
                    }
                };
                state.output = step;
                state.image = image;
            }
        }
        state.image.config.on_build.clear();
        if !matches!(
            graph.placed.iter().find(|placed| placed.range == at.range),
            Some(Placed { role: Role::Steps(_), .. })
        ) {
            self.set_role(graph, at, Role::NoStep);
        }
        let trigger_files: Vec<Dockerfile> = triggers.iter().map(|trigger| read_trigger(trigger)).collect();
        let mut trigger_placements = Vec::new();
        for trigger in &trigger_files {
            trigger_placements.push(self.trigger(trigger, at)?);
        }
        state.total +=
            trigger_placements.iter().filter(|placement| steps_per(&placement.instruction.kind)).count();
        state.begin(self);
        for placement in trigger_placements.iter().chain(list) {
            let made = dispatch::instruction(self, graph, &mut state, placement, states)?;
            if !placement.is_onbuild {
                self.set_role(graph, placement.instruction, made);
            }
        }
        Ok(state)
    }

    /// How many sources outside of the file a stage copies or mounts from; each counts as a stage for names.
    fn outside_count(&self, list: &[Placement<'_>]) -> usize {
        let sources = list.iter().flat_map(|placement| placement.sources.iter().flatten());
        sources.filter(|source| matches!(source, Source::Outside(_))).count()
    }

    fn trigger<'b>(&self, file: &'b Dockerfile, at: &Instruction) -> Result<Placement<'b>, GraphError> {
        if let Some(refusal) = file.refusal() {
            let is_missing_stage = refusal.builder_error() == "no build stage in current context";
            if !is_missing_stage {
                return Err(error_at(refusal.problem.builder_message(), at.range, at.lines));
            }
        }
        let instruction = file.stages.first().and_then(|stage| stage.instructions.first());
        match instruction {
            Some(instruction) => self.place(instruction, true),
            None => Err(error_at("onbuild trigger should be a single expression", at.range, at.lines)),
        }
    }

    fn set_role(&self, graph: &mut Graph, at: &Instruction, role: Role) {
        // Instructions stand in the order of the file.
        let idx = graph.placed.partition_point(|placed| placed.range.start() < at.range.start());
        if let Some(placed) = graph.placed.get_mut(idx).filter(|placed| placed.range == at.range) {
            match (&mut placed.role, role) {
                (Role::Steps(known), Role::Steps(more)) => known.extend(more),
                (slot, role) => *slot = role,
            }
        }
    }

    /// The step of an image and its configuration.
    fn image_step(
        &self,
        graph: &mut Graph,
        state: &mut StageState,
        full: &str,
        at: Option<&Instruction>,
    ) -> (Option<StepId>, ImageConfig) {
        let base = (self.find_base)(full, &state.platform).unwrap_or_default();
        let image = ImageConfig { created: None, ..base.config.clone() };
        if base.is_known && base.layers.is_empty() {
            return (None, image);
        }
        let shown = match &base.digest {
            Some(digest) if !full.contains('@') => format!("{full}@{digest}"),
            _ => full.to_owned(),
        };
        let (name, position) = state.step_name(self, &format!("FROM {shown}"), false);
        let step = Step {
            op: Op::Image { reference: reference::without_digest(full).to_owned(), base: Box::new(base) },
            inputs: Vec::new(),
            name: if at.is_some() { name } else { format!("FROM {shown}") },
            position: if at.is_some() { position } else { None },
            text: format!("FROM {}", reference::without_digest(full)),
            stage: at.map(|_| state.id),
            lines: at.map(|at| at.lines),
            range: at.map_or(TextRange::default(), |at| at.range),
            platform: Some(state.platform.clone()),
            ignores_cache: false,
            is_onbuild: false,
        };
        (Some(add_step(graph, step)), image)
    }

    fn context_step(
        &mut self,
        graph: &mut Graph,
        state: &StageState,
        name: &str,
        context: &NamedContext,
    ) -> (Option<StepId>, ImageConfig) {
        match context {
            NamedContext::Local => (Some(self.local_step(graph, name)), scratch_config(&state.platform)),
            NamedContext::Image { reference } => {
                let full = reference::normalize(reference).unwrap_or_else(|_| reference.clone());
                let base = (self.find_base)(&full, &state.platform).unwrap_or_default();
                let image = ImageConfig { created: None, ..base.config.clone() };
                let shown = match &base.digest {
                    Some(digest) => format!("{full}@{digest}"),
                    None => full.clone(),
                };
                let step = Step {
                    op: Op::Image { reference: full, base: Box::new(base) },
                    inputs: Vec::new(),
                    name: format!("[context {name}] {shown}"),
                    position: None,
                    text: shown,
                    stage: None,
                    lines: None,
                    range: TextRange::default(),
                    platform: Some(state.platform.clone()),
                    ignores_cache: false,
                    is_onbuild: false,
                };
                (Some(add_step(graph, step)), image)
            }
        }
    }

    /// The step of the build context or of a named one; each is loaded once.
    pub(super) fn local_step(&mut self, graph: &mut Graph, name: &str) -> StepId {
        if let Some(known) = self.locals.get(name) {
            return *known;
        }
        let shown = if name == "context" {
            "[internal] load build context".to_owned()
        } else {
            format!("[context {name}] load from client")
        };
        let known = graph.steps.iter().position(|step| step.op == Op::Local { name: name.to_owned() });
        let id = known.map_or_else(
            || {
                let step = Step {
                    op: Op::Local { name: name.to_owned() },
                    inputs: Vec::new(),
                    text: shown.clone(),
                    name: shown,
                    position: None,
                    stage: None,
                    lines: None,
                    range: TextRange::default(),
                    platform: None,
                    ignores_cache: false,
                    is_onbuild: false,
                };
                add_step(graph, step)
            },
            StepId,
        );
        self.locals.insert(name.to_owned(), id);
        id
    }

    /// What a source outside of the file gives: an image's or a named context's
    /// file system. Each instruction has a step of its own; equal ones merge.
    pub(super) fn outside_step(
        &mut self,
        graph: &mut Graph,
        state: &StageState,
        name: &str,
        at: &Instruction,
        range: TextRange,
    ) -> Result<Option<StepId>, GraphError> {
        if name == "scratch" {
            return Ok(None);
        }
        let found = match self.named_context(name) {
            Some((given, context)) => self.context_step(graph, state, &given, &context),
            None => {
                let full = reference::normalize(name).map_err(|cause| {
                    error_at(
                        format!("failed to parse stage name {}: {cause}", go_quote(name)),
                        range,
                        at.lines,
                    )
                })?;
                let mut own = StageState::new(state.id, String::new(), self.target_platform.clone());
                let (step, image) = self.image_step(graph, &mut own, &full, None);
                // A builder knows where a COPY names an image, but not where a mount does.
                if matches!(at.kind, Kind::Copy(_))
                    && let Some(step) = step.and_then(|StepId(idx)| graph.steps.get_mut(idx))
                {
                    step.lines = Some(at.lines);
                }
                (step, image)
            }
        };
        Ok(found.0)
    }
}

/// What is found only once all stages are walked through: a command of no words.
fn check_commands(graph: &Graph) -> Result<(), GraphError> {
    let is_empty = |step: &&Step| matches!(&step.op, Op::Exec(exec) if exec.args.is_empty());
    graph.steps.iter().find(is_empty).map_or(Ok(()), |step| {
        let message = "failed to marshal LLB definition: arguments are required".into();
        Err(GraphError { message, range: step.range, lines: Vec::new() })
    })
}

/// A trigger as a file of its own: one instruction under a stage that does not count.
fn read_trigger(trigger: &str) -> Dockerfile {
    Dockerfile::read(&format!("FROM scratch\n{trigger}\n"))
}

fn placed(stage: Option<StageId>, instruction: &Instruction, role: Role) -> Placed {
    Placed {
        stage,
        keyword: instruction.keyword.value.to_uppercase(),
        range: instruction.range,
        lines: instruction.lines,
        code: instruction.code.clone(),
        role,
    }
}

fn scratch_config(platform: &Platform) -> ImageConfig {
    let mut image = ImageConfig {
        architecture: platform.architecture.clone(),
        os: platform.os.clone(),
        variant: platform.variant.clone(),
        ..ImageConfig::default()
    };
    "/".clone_into(&mut image.config.working_dir);
    image
}

/// Adds a step.
pub(super) fn add_step(graph: &mut Graph, step: Step) -> StepId {
    graph.steps.push(step);
    StepId(graph.steps.len() - 1)
}
