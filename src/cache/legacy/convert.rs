//! Dockerfile and options → the steps that the classic builder prints.
//!
//! Every instruction is a step, an `ARG` in front of the first FROM too. A
//! trigger of a base is one that has no number. Stages below the target are
//! left out, stages that nothing uses are not.
//!
//! Variables are expanded when the builder comes to a step, by what the steps
//! above have set: the environment of the image hides arguments of the same name.

use std::collections::BTreeMap;

use super::args::Args;
use super::plan::{Action, Base, CopyPlan, DockerfilePlace, Plan, PlanStep, PlannedStage};
use super::refusal;
use crate::dockerfile::instruction::{
    ArgDefinition, CommandLine, Copy, Healthcheck, Instruction, Kind, Pair, Run,
};
use crate::dockerfile::stage::{Dockerfile, Stage};
use crate::dockerfile::syntax::{Dialect, Spanned};
use crate::dockerfile::value::{PortSpec, is_signal};
use crate::dockerfile::word::Lex;
use crate::graph::env::{DEFAULT_PATH, split_pair};
use crate::graph::path::{clean, join_workdir};
use crate::graph::value::go_duration;
use crate::graph::{BaseImage, BuildOptions, GraphError, NoCache, StageId, StepId, platform, reference};
use crate::oci::{Platform, RuntimeConfig};
use crate::text::{TextRange, go_quote, go_quote_char};

/// Makes the plan of a file that was read in the classic builder's dialect. `find_base` gives the
/// image of a full name, if it is known.
///
/// # Errors
/// What the builder refuses before any step.
pub fn plan(
    file: &Dockerfile,
    options: &BuildOptions,
    place: &DockerfilePlace,
    find_base: &dyn Fn(&str, &Platform) -> Option<BaseImage>,
) -> Result<Plan, GraphError> {
    if let Some(error) = refusal::of(file, place) {
        return Err(error);
    }
    let n_stages = if options.target.is_empty() {
        file.stages.len()
    } else {
        let target = file.stage_named(&options.target);
        let message = || format!("failed to reach build target {} in Dockerfile", options.target);
        let range = TextRange::default();
        target.ok_or_else(|| GraphError { message: message(), range, lines: Vec::new() })? + 1
    };
    let mut planner = Planner {
        lex: Lex { is_classic: true, ..Lex::new(file.parse.escape) },
        find_base,
        args: Args::new(&options.build_args),
        config: RuntimeConfig::default(),
        below: None,
        stage: None,
        finished: Vec::new(),
        steps: Vec::new(),
        total: 0,
    };
    for instruction in &file.global_args {
        planner.global_arg(instruction);
    }
    let stages = file.stages.get(..n_stages).unwrap_or(&[]);
    let mut planned = Vec::new();
    for (idx, stage) in stages.iter().enumerate() {
        planner.begin(StageId(idx), stage);
        for instruction in &stage.instructions {
            planner.instruction(instruction, None);
        }
        if idx + 1 == n_stages {
            options.labels.iter().for_each(|(name, value)| planner.label_option(name, value));
        }
        let last = StepId(planner.steps.len().saturating_sub(1));
        let name = stage.name().map_or_else(|| format!("stage-{idx}"), str::to_owned);
        planned.push(PlannedStage { name, lines: stage.instruction.lines, last });
        planner.finish(stage);
    }
    if let Some(last) = planner.steps.last_mut() {
        // Neither has a message of its own: nothing was made, or dockerd itself stumbles.
        match last.action {
            Action::GlobalArg => last.refuse("unexpected EOF".into()),
            Action::Base(Base::Scratch) => {
                last.refuse("No image was generated. Is your Dockerfile empty?".into());
            }
            _ => {}
        }
    }
    Ok(Plan {
        total: planner.total,
        unused_args: planner.args.unused(),
        steps: planner.steps,
        stages: planned,
        ignores_cache: options.no_cache == NoCache::All,
        place: place.clone(),
    })
}

/// A stage that is done.
struct Finished {
    name: Option<String>,
    config: RuntimeConfig,
}

struct Planner<'a> {
    lex: Lex,
    find_base: &'a dyn Fn(&str, &Platform) -> Option<BaseImage>,
    args: Args<'a>,
    /// The configuration of the image below.
    config: RuntimeConfig,
    below: Option<StepId>,
    stage: Option<StageId>,
    finished: Vec<Finished>,
    steps: Vec<PlanStep>,
    total: usize,
}

impl Planner<'_> {
    fn push(
        &mut self,
        instruction: &Instruction,
        planned: Result<Action, String>,
        trigger_of: Option<&Stage>,
    ) {
        let (action, refusal) = match planned {
            Ok(action) => (action, None),
            Err(message) => (Action::Refused, Some(message)),
        };
        let at = trigger_of.map_or(instruction, |stage| &stage.instruction);
        let mut step = PlanStep {
            index: None,
            text: instruction.code.clone(),
            keyword: instruction.keyword.value.to_uppercase(),
            stage: self.stage,
            lines: Some(at.lines),
            range: at.range,
            below: self.below,
            action,
            working_dir: self.config.working_dir.clone(),
            user: self.config.user.clone(),
            refusal,
            is_trigger: trigger_of.is_some(),
        };
        if !step.is_trigger {
            self.total += 1;
            step.index = Some(self.total);
        }
        if self.stage.is_some() {
            self.below = Some(StepId(self.steps.len()));
        }
        self.steps.push(step);
    }

    /// The environment of the image, which hides arguments of the same name.
    fn env(&self) -> BTreeMap<String, String> {
        let pairs = self.config.env.iter().map(|pair| split_pair(pair));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn scope(&self) -> BTreeMap<String, String> {
        let env = self.env();
        let mut scope = self.args.of_stage(&env);
        scope.extend(env);
        scope
    }

    fn expand(&self, word: &str, scope: &BTreeMap<String, String>) -> Result<String, String> {
        self.lex.expand(word, scope).map(|expansion| expansion.text).map_err(|error| error.to_string())
    }

    fn expand_all(&self, words: &[Spanned]) -> Result<Vec<String>, String> {
        let scope = self.scope();
        words.iter().map(|word| self.expand(&word.value, &scope)).collect()
    }

    fn expand_one(&self, word: &Spanned) -> Result<String, String> {
        self.expand(&word.value, &self.scope())
    }

    fn shell(&self) -> Vec<String> {
        if self.config.shell.is_empty() {
            return ["/bin/sh", "-c"].map(str::to_owned).to_vec();
        }
        self.config.shell.clone()
    }

    fn metadata(&self, comment: String) -> Action {
        Action::Metadata { shell: self.shell(), comment }
    }

    fn global_arg(&mut self, instruction: &Instruction) {
        let Kind::Arg(args) = &instruction.kind else { return };
        let scope = self.args.of_globals();
        let planned = self.declare(args, &scope, true).map(|_| Action::GlobalArg);
        self.push(instruction, planned, None);
    }

    /// Declares arguments and gives them back as they are stored. All see the values before the line.
    fn declare(
        &mut self,
        args: &[ArgDefinition],
        scope: &BTreeMap<String, String>,
        is_global: bool,
    ) -> Result<String, String> {
        let mut expanded = Vec::new();
        for arg in args {
            let name = self.expand(&arg.name.value, scope)?;
            let default = arg.default.as_ref().map(|default| self.expand(&default.value, scope));
            expanded.push((name, default.transpose()?));
        }
        let mut shown = Vec::new();
        for (name, default) in expanded {
            shown.push(default.as_ref().map_or_else(|| name.clone(), |default| format!("{name}={default}")));
            self.args.declare(&name, default, is_global);
        }
        Ok(shown.join(" "))
    }

    /// The FROM of a stage and the triggers of its base.
    fn begin(&mut self, id: StageId, stage: &Stage) {
        self.args.begin_stage();
        self.config = RuntimeConfig::default();
        self.stage = Some(id);
        self.below = None;
        let base = self.base(stage);
        if let Ok(Base::Image { image, .. }) = &base {
            self.config = image.config.config.clone();
        }
        if let Ok(Base::Stage(parent)) = &base
            && let Some(parent) = self.finished.get(parent.0)
        {
            self.config = parent.config.clone();
        }
        if !self.env().contains_key("PATH") {
            self.config.env.push(format!("PATH={DEFAULT_PATH}"));
        }
        self.push(&stage.instruction, base.map(Action::Base), None);
        for trigger in std::mem::take(&mut self.config.on_build) {
            self.trigger(stage, &trigger);
        }
    }

    fn base(&self, stage: &Stage) -> Result<Base, String> {
        if let Some(name) = stage.name()
            && self.finished.iter().any(|finished| finished.name.as_deref() == Some(name))
        {
            return Err(format!("{name} stage name already used"));
        }
        let scope = self.args.of_globals();
        let mut wanted = Platform::linux_amd64();
        if let Some(word) = &stage.from.platform {
            let text = self.expand(&word.value, &scope).map_err(|message| {
                format!("failed to process arguments for platform {}: {message}", word.value)
            })?;
            wanted = platform::parse(&text)
                .map_err(|message| format!("failed to parse platform {text}: {message}"))?;
        }
        let written = &stage.from.base.value;
        let name = self.expand(written, &scope)?;
        if name.is_empty() {
            return Err(format!("base name ({written}) should not be blank"));
        }
        match self.stage_named(&name) {
            Some(parent) => Ok(Base::Stage(parent)),
            None if name == "scratch" => Ok(Base::Scratch),
            None => self.image(&name, &wanted),
        }
    }

    fn image(&self, name: &str, wanted: &Platform) -> Result<Base, String> {
        let reference = reference::normalize(name)?;
        let image = Box::new((self.find_base)(&reference, wanted).unwrap_or_default());
        Ok(Base::Image { reference, image })
    }

    fn stage_named(&self, name: &str) -> Option<StageId> {
        let name = name.to_lowercase();
        self.finished.iter().position(|stage| stage.name.as_ref() == Some(&name)).map(StageId)
    }

    fn trigger(&mut self, stage: &Stage, trigger: &str) {
        let file = Dockerfile::read_as(&format!("FROM scratch\n{trigger}\n"), Dialect::Classic);
        let instructions = file.stages.first().map_or(&[][..], |stage| stage.instructions.as_slice());
        let refused = match (file.refusal(), instructions) {
            (Some(refusal), _) => Some(refusal::message(&refusal.problem)),
            (None, [_]) => None,
            (None, _) => Some("onbuild trigger should be a single expression".to_owned()),
        };
        match (refused, instructions) {
            (None, [instruction]) => self.instruction(instruction, Some(stage)),
            (refused, _) => {
                self.steps
                    .last_mut()
                    .zip(refused)
                    .into_iter()
                    .for_each(|(step, message)| step.refuse(message));
            }
        }
    }

    fn finish(&mut self, stage: &Stage) {
        let name = stage.name().map(str::to_owned);
        self.finished.push(Finished { name, config: std::mem::take(&mut self.config) });
    }

    fn label_option(&mut self, name: &str, value: &str) {
        let comment = format!("LABEL {name}={value}");
        self.total += 1;
        let step = PlanStep {
            index: Some(self.total),
            text: comment.clone(),
            keyword: "LABEL".into(),
            stage: self.stage,
            lines: None,
            range: TextRange::default(),
            below: self.below,
            action: self.metadata(comment),
            working_dir: self.config.working_dir.clone(),
            user: self.config.user.clone(),
            refusal: None,
            is_trigger: false,
        };
        self.below = Some(StepId(self.steps.len()));
        self.steps.push(step);
    }

    fn instruction(&mut self, instruction: &Instruction, trigger_of: Option<&Stage>) {
        let planned = self.dispatch(instruction);
        self.push(instruction, planned, trigger_of);
    }

    fn dispatch(&mut self, instruction: &Instruction) -> Result<Action, String> {
        let comment = match &instruction.kind {
            Kind::From(_) => return Ok(Action::Base(Base::Scratch)),
            Kind::Run(run) => return self.run(run),
            Kind::Copy(copy) => return self.copy(copy, false),
            Kind::Add(copy) => return self.copy(copy, true),
            Kind::Workdir(path) => return self.workdir(path),
            Kind::Env(pairs) => self.env_pairs(pairs)?,
            Kind::Label(pairs) => format!("LABEL{}", self.pairs(pairs)?.0),
            Kind::Arg(args) => {
                let scope = self.scope();
                format!("ARG {}", self.declare(args, &scope, false)?)
            }
            Kind::Cmd(command) => {
                let shell = if command.is_shell { self.shell() } else { Vec::new() };
                format!("CMD {}", quoted(&[shell, command.values()].concat()))
            }
            Kind::Entrypoint(command) => format!("ENTRYPOINT {}", quoted(&self.entrypoint(command))),
            Kind::Shell(words) => {
                self.config.shell = words.iter().map(|word| word.value.clone()).collect();
                format!("SHELL [{}]", self.config.shell.join(" "))
            }
            Kind::Healthcheck(check) => health_comment(check),
            Kind::Expose(ports) => self.expose(ports)?,
            Kind::User(user) => {
                self.config.user = self.expand_one(user)?;
                format!("USER {}", self.config.user)
            }
            Kind::Volume(paths) => {
                let volumes = self.expand_all(paths)?;
                if volumes.iter().any(String::is_empty) {
                    return Err("VOLUME specified can not be an empty string".into());
                }
                format!("VOLUME [{}]", volumes.join(" "))
            }
            Kind::StopSignal(signal) => {
                let value = self.expand_one(signal)?;
                if !is_signal(&value) {
                    return Err(format!("Invalid signal: {value}"));
                }
                format!("STOPSIGNAL {value}")
            }
            Kind::Onbuild(onbuild) => {
                self.config.on_build.push(onbuild.expression.clone());
                format!("ONBUILD {}", onbuild.expression)
            }
            Kind::Maintainer(author) => format!("MAINTAINER {}", author.value),
        };
        Ok(self.metadata(comment))
    }

    fn pairs(&self, pairs: &[Pair]) -> Result<(String, Vec<(String, String)>), String> {
        let scope = self.scope();
        let (mut text, mut expanded) = (String::new(), Vec::new());
        for pair in pairs {
            let (name, value) =
                (self.expand(&pair.name.value, &scope)?, self.expand(&pair.value.value, &scope)?);
            text.push_str(&format!(" {name}={value}"));
            expanded.push((name, value));
        }
        Ok((text, expanded))
    }

    fn env_pairs(&mut self, pairs: &[Pair]) -> Result<String, String> {
        let (text, expanded) = self.pairs(pairs)?;
        for (name, value) in expanded {
            let line = format!("{name}={value}");
            match self.config.env.iter_mut().find(|pair| split_pair(pair).0 == name) {
                Some(pair) => *pair = line,
                None => self.config.env.push(line),
            }
        }
        Ok(format!("ENV{text}"))
    }

    /// An ENTRYPOINT of no words has no shell either.
    fn entrypoint(&self, command: &CommandLine) -> Vec<String> {
        let has_shell = command.is_shell && !command.words.is_empty();
        let shell = if has_shell { self.shell() } else { Vec::new() };
        [shell, command.values()].concat()
    }

    fn expose(&self, words: &[Spanned]) -> Result<String, String> {
        let scope = self.scope();
        let mut ports = Vec::new();
        for word in words {
            let expanded = self.lex.expand(&word.value, &scope).map_err(|error| error.to_string())?;
            ports.extend(expanded.words);
        }
        for port in &ports {
            PortSpec::read(port)
                .and_then(|spec| spec.ports())
                .map_err(|cause| refusal::port_message(&cause))?;
        }
        Ok(format!("EXPOSE {}", ports.join(" ")))
    }

    fn workdir(&mut self, path: &Spanned) -> Result<Action, String> {
        let requested = self.expand_one(path)?;
        if requested.is_empty() {
            return Err("cannot normalize nothing".into());
        }
        let path = join_workdir(&self.config.working_dir, &requested);
        self.config.working_dir.clone_from(&path);
        Ok(Action::Workdir { shell: self.shell(), path })
    }

    fn run(&self, run: &Run) -> Result<Action, String> {
        if !run.mounts.is_empty() {
            return Err(needs_buildkit("mount"));
        }
        let shell = if run.command.is_shell { self.shell() } else { Vec::new() };
        Ok(Action::Run { args: self.args.of_run(&self.env()), shell, words: run.command.values() })
    }

    fn copy(&self, copy: &Copy, is_add: bool) -> Result<Action, String> {
        let option = |word: Option<&Spanned>| word.map_or(Ok(String::new()), |word| self.expand_one(word));
        let chown = option(copy.chown.as_ref())?;
        let sources = self.expand_all(&copy.sources)?;
        let target = self.expand_one(&copy.dest)?;
        if copy.chmod.is_some() {
            return Err(needs_buildkit("chmod"));
        }
        let from = copy.from.as_ref().map(|from| {
            self.source(&from.value)
                .map_err(|message| format!("invalid from flag value {}: {message}", from.value))
        });
        let from = from.transpose()?;
        if !is_add && sources.iter().any(|source| is_url(source)) {
            return Err("COPY failed: source can't be a URL for COPY".into());
        }
        Ok(Action::Copy(Box::new(CopyPlan { is_add, shell: self.shell(), chown, sources, target, from })))
    }

    /// What `--from` names: a stage above by name or number, else an image.
    fn source(&self, name: &str) -> Result<Base, String> {
        if let Some(stage) = self.stage_named(name) {
            return Ok(Base::Stage(stage));
        }
        let Ok(number) = name.parse::<i64>() else { return self.image(name, &Platform::linux_amd64()) };
        match usize::try_from(number) {
            Ok(idx) if idx < self.finished.len() => Ok(Base::Stage(StageId(idx))),
            Ok(idx) if idx == self.finished.len() => Err("refers to current build stage".into()),
            _ => Err("index out of bounds".into()),
        }
    }
}

/// A source that is fetched from the web.
#[must_use]
pub(super) fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// Where a copy goes, from the root; a slash at the end says into that folder.
pub(super) fn target_path(working_dir: &str, target: &str) -> String {
    if target.starts_with('/') {
        return target.to_owned();
    }
    let path = clean(&format!("/{working_dir}/{target}"));
    if target.ends_with('/') { format!("{path}/") } else { path }
}

fn needs_buildkit(flag: &str) -> String {
    format!(
        "the --{flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to \
         build images with BuildKit enabled"
    )
}

/// Go's `%q` of a list.
fn quoted(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| go_quote(word)).collect();
    format!("[{}]", words.join(" "))
}

/// Go's `%q` of the parsed form. Durations are quoted as texts, and the number of retries as a character.
fn health_comment(check: &Healthcheck) -> String {
    let times = [check.interval_nanos, check.timeout_nanos, check.start_period_nanos];
    let times: Vec<String> = times.iter().map(|nanos| go_quote(&go_duration(*nanos))).collect();
    let retries = u32::try_from(check.retries).ok().and_then(char::from_u32);
    let retries = go_quote_char(retries.unwrap_or(char::REPLACEMENT_CHARACTER));
    format!("HEALTHCHECK &{{{} {} {retries}}}", quoted(&check.test), times.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::ImageConfig;

    fn planned(text: &str, options: &BuildOptions) -> Result<Plan, String> {
        let config = RuntimeConfig {
            env: vec!["E=env".into()],
            on_build: vec!["COPY a /a".into(), "ENV T=$E".into()],
            ..RuntimeConfig::default()
        };
        let config = ImageConfig { config, ..ImageConfig::default() };
        let base = BaseImage { config, is_known: true, ..BaseImage::default() };
        let find = |name: &str, _: &Platform| name.ends_with("/ob:latest").then(|| base.clone());
        let file = Dockerfile::read_as(text, Dialect::Classic);
        plan(&file, options, &DockerfilePlace::Outside, &find).map_err(|error| error.message)
    }

    /// The stored commands, or the builder's words.
    fn stored(text: &str, args: &[(&str, &str)]) -> Vec<String> {
        let build_args = args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let options = BuildOptions { build_args: build_args.collect(), ..BuildOptions::default() };
        let shown = |step: &PlanStep| match (&step.refusal, &step.action) {
            (Some(message), _) => Some(format!("! {message}")),
            (None, Action::Copy(copy)) => Some(copy.command("SUM").join(" ")),
            (None, action) => action.command().map(|command| command.join(" ")),
        };
        planned(text, &options).unwrap().steps.iter().filter_map(shown).collect()
    }

    #[test]
    fn only_run_takes_arguments_on() {
        let text = "ARG V=0\nFROM a\nARG V\nARG W=w\nENV E=$V\nRUN echo $V\nFROM a\nRUN x\n";
        let expected = [
            "/bin/sh -c #(nop)  ARG V",
            "/bin/sh -c #(nop)  ARG W=w",
            "/bin/sh -c #(nop)  ENV E=1",
            "|2 V=1 W=w /bin/sh -c echo $V",
            "/bin/sh -c x",
        ];
        assert_eq!(stored(text, &[("V", "1")]), expected);
        assert_eq!(stored("FROM a\nENV V=2\nARG V\nRUN x\n", &[("V", "1")]).last().unwrap(), "/bin/sh -c x");
        assert_eq!(stored("FROM a\nRUN x\n", &[("no_proxy", "1")]), ["|0 /bin/sh -c x"]);
    }

    #[test]
    fn metadata_is_printed_again() {
        let text = concat!(
            "FROM a\nCMD a \"b\"\nENTRYPOINT [\"x\"]\nEXPOSE 81 80\nVOLUME /a /b\nWORKDIR w/\nWORKDIR ./x\n",
            "SHELL [\"/bin/ash\", \"-c\"]\nHEALTHCHECK --retries=3 --interval=1m30s CMD t\nUSER u\nONBUILD   RUN  y\n",
            "COPY --chown=u a b ./c/\nSTOPSIGNAL x\nRUN --mount=type=cache,target=/c y\n",
        );
        let expected = [
            r#"/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "a \"b\""]"#,
            r#"/bin/sh -c #(nop)  ENTRYPOINT ["x"]"#,
            "/bin/sh -c #(nop)  EXPOSE 80 81",
            "/bin/sh -c #(nop)  VOLUME [/a /b]",
            "/bin/sh -c #(nop) WORKDIR /w",
            "/bin/sh -c #(nop) WORKDIR /w/x",
            "/bin/ash -c #(nop)  SHELL [/bin/ash -c]",
            r#"/bin/ash -c #(nop)  HEALTHCHECK &{["CMD-SHELL" "t"] "1m30s" "0s" "0s" '\x03'}"#,
            "/bin/ash -c #(nop)  USER u",
            "/bin/ash -c #(nop)  ONBUILD RUN  y",
            "/bin/ash -c #(nop) COPY --chown=uSUM in ./c/ ",
            "! Invalid signal: x",
        ];
        let found = stored(text, &[]);
        assert_eq!(found.get(..expected.len()).unwrap(), expected);
        assert!(found.last().unwrap().starts_with("! the --mount option requires BuildKit."));
    }

    #[test]
    fn triggers_have_no_number() {
        let options = BuildOptions { labels: [("l".into(), "1".into())].into(), ..BuildOptions::default() };
        let plan = planned("ARG A\nFROM ob AS One\nONBUILD RUN x\nFROM one\n", &options).unwrap();
        let found: Vec<_> = plan.steps.iter().map(|step| (step.index, step.text.as_str())).collect();
        let expected = [
            (Some(1), "ARG A"),
            (Some(2), "FROM ob AS One"),
            (None, "COPY a /a"),
            (None, "ENV T=$E"),
            (Some(3), "ONBUILD RUN x"),
            (Some(4), "FROM one"),
            (None, "RUN x"),
            (Some(5), "LABEL l=1"),
        ];
        assert_eq!((found.as_slice(), plan.total), (expected.as_slice(), 5));
        assert_eq!(plan.steps[3].action.command().unwrap()[3], "ENV T=env");
        assert_eq!(plan.stands_on(StepId(5)), Some(StepId(4)));
        assert!(plan.steps[7].lines.is_none());
    }

    #[test]
    fn targets_and_refusals() {
        let target = |target: &str| BuildOptions { target: target.into(), ..BuildOptions::default() };
        let text = "FROM a AS x\nRUN 1\nFROM a\nRUN 2\n";
        assert_eq!(planned(text, &target("X")).unwrap().total, 2);
        let message = "failed to reach build target 0 in Dockerfile";
        assert_eq!(planned(text, &target("0")), Err(message.into()));
        for (text, message) in [
            ("", "the Dockerfile (.dockerfile.<random>) cannot be empty"),
            ("FROM a\nENV B\n", "failed to parse .dockerfile.<random>: ENV must have two arguments"),
            ("FROM a\nCOPY --link a b\n", "dockerfile parse error line 2: Unknown flag: link"),
            ("FROM a\nrunn x\n", "dockerfile parse error line 2: unknown instruction: RUNN"),
            ("RUN x\n", "no build stage in current context"),
        ] {
            assert_eq!(planned(text, &BuildOptions::default()), Err(message.into()));
        }
        assert_eq!(stored("FROM scratch\n", &[]), ["! No image was generated. Is your Dockerfile empty?"]);
        assert_eq!(
            stored("FROM a\nCOPY --from=0 x y\n", &[]),
            ["! invalid from flag value 0: refers to current build stage"]
        );
        let options = BuildOptions {
            build_args: [("U", "1"), ("HTTP_PROXY", "p")].map(|(k, v)| (k.into(), v.into())).into(),
            ..BuildOptions::default()
        };
        assert_eq!(planned("FROM a\nRUN x\n", &options).unwrap().unused_args, ["U"]);
    }
}
