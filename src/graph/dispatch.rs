//! One instruction after the other: what it adds to the state of its stage.

use super::convert::{Converter, Placement, Source, add_step, error_at};
use super::path::{clean, join_abs, join_workdir};
use super::state::StageState;
use super::value::go_duration;
use super::{FileAction, FileInput, Graph, GraphError, Op, Role, Step, StepId};
use crate::dockerfile::instruction::{ArgDefinition, CommandLine, Healthcheck, Instruction, Kind, Pair};
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::value::{PortSpec, is_signal};
use crate::dockerfile::word::{Env as _, Lex};
use crate::oci::{Empty, HealthConfig};
use crate::text::{TextRange, go_quote};

/// Everything an instruction needs while it is walked through.
pub(super) struct Walk<'w, 'a> {
    pub(super) converter: &'w mut Converter<'a>,
    pub(super) graph: &'w mut Graph,
    pub(super) state: &'w mut StageState,
    pub(super) placement: &'w Placement<'w>,
    pub(super) states: &'w [Option<StageState>],
}

/// Walks through one instruction.
pub(super) fn instruction(
    converter: &mut Converter<'_>,
    graph: &mut Graph,
    state: &mut StageState,
    placement: &Placement<'_>,
    states: &[Option<StageState>],
) -> Result<Role, GraphError> {
    let mut walk = Walk { converter, graph, state, placement, states };
    walk.dispatch()
}

impl Walk<'_, '_> {
    pub(super) fn at(&self) -> &Instruction {
        self.placement.instruction
    }

    pub(super) fn fail(&self, message: impl Into<String>, range: TextRange) -> GraphError {
        error_at(message, range, self.at().lines)
    }

    pub(super) fn expand(&self, word: &Spanned) -> Result<String, GraphError> {
        let expanded = self.converter.lex().expand(&word.value, &self.state.env);
        Ok(expanded.map_err(|error| self.fail(error.to_string(), word.range))?.text)
    }

    pub(super) fn expand_all(&self, words: &[Spanned]) -> Result<Vec<String>, GraphError> {
        words.iter().map(|word| self.expand(word)).collect()
    }

    pub(super) fn expand_option(&self, word: Option<&Spanned>) -> Result<String, GraphError> {
        word.map_or(Ok(String::new()), |word| self.expand(word))
    }

    fn dispatch(&mut self) -> Result<Role, GraphError> {
        let kind = self.at().kind.clone();
        match &kind {
            Kind::From(_) => return Ok(Role::NoStep),
            Kind::Run(run) => return self.run(run),
            Kind::Copy(copy) => return self.copy(copy, false),
            Kind::Add(copy) => return self.copy(copy, true),
            Kind::Workdir(path) => return self.workdir(path),
            Kind::Env(pairs) => self.env(pairs)?,
            Kind::Label(pairs) => self.label(pairs)?,
            Kind::Arg(args) => self.arg(args)?,
            Kind::Cmd(command) => {
                let args = self.command_args(command);
                self.state.commit(format!("CMD {}", quoted(&args)), false);
                self.state.image.config.cmd = Some(args);
                self.state.image.config.args_escaped = true;
                self.state.has_own_cmd = true;
            }
            Kind::Entrypoint(command) => {
                let args = self.command_args(command);
                self.state.commit(format!("ENTRYPOINT {}", quoted(&args)), false);
                self.state.image.config.entrypoint = Some(args);
                // The program's default arguments were meant for another program.
                if !self.state.has_own_cmd {
                    self.state.image.config.cmd = None;
                }
            }
            Kind::Shell(words) => {
                let shell: Vec<String> = words.iter().map(|word| word.value.clone()).collect();
                self.state.commit(format!("SHELL [{}]", shell.join(" ")), false);
                self.state.image.config.shell = shell;
            }
            Kind::Healthcheck(check) => self.healthcheck(check),
            Kind::Expose(ports) => self.expose(ports)?,
            Kind::User(user) => {
                let user = self.expand(user)?;
                self.state.commit(format!("USER {user}"), false);
                self.state.image.config.user = user;
            }
            Kind::Volume(paths) => {
                let volumes = self.expand_all(paths)?;
                if volumes.iter().any(String::is_empty) {
                    return Err(self.fail("VOLUME specified can not be an empty string", self.at().range));
                }
                self.state.commit(format!("VOLUME [{}]", volumes.join(" ")), false);
                self.state.image.config.volumes.extend(volumes.into_iter().map(|path| (path, Empty {})));
            }
            Kind::StopSignal(signal) => {
                let value = self.expand(signal)?;
                if !is_signal(&value) {
                    return Err(self.fail(format!("invalid signal: {value}"), signal.range));
                }
                self.state.commit(format!("STOPSIGNAL {value}"), false);
                self.state.image.config.stop_signal = value;
            }
            Kind::Onbuild(onbuild) => self.state.image.config.on_build.push(onbuild.expression.clone()),
            Kind::Maintainer(author) => {
                self.state.commit(format!("MAINTAINER {}", author.value), false);
                self.state.image.author = Some(author.value.clone());
            }
        }
        Ok(Role::Metadata)
    }

    fn command_args(&self, command: &CommandLine) -> Vec<String> {
        if command.is_shell { self.state.with_shell(&command.values()) } else { command.values() }
    }

    fn env(&mut self, pairs: &[Pair]) -> Result<(), GraphError> {
        // All values see the environment before the instruction.
        let mut expanded = Vec::new();
        for pair in pairs {
            expanded.push((self.expand(&pair.name)?, self.expand(&pair.value)?));
        }
        let mut message = String::from("ENV");
        for (name, value) in &expanded {
            message.push_str(&format!(" {name}={value}"));
            self.state.env.set(name, value);
            self.state.set_config_env(name, value);
        }
        self.state.commit(message, false);
        Ok(())
    }

    fn label(&mut self, pairs: &[Pair]) -> Result<(), GraphError> {
        let mut message = String::from("LABEL");
        for pair in pairs {
            let (name, value) = (self.expand(&pair.name)?, self.expand(&pair.value)?);
            message.push_str(&format!(" {name}={value}"));
            self.state.image.config.labels.insert(name, value);
        }
        self.state.commit(message, false);
        Ok(())
    }

    fn arg(&mut self, args: &[ArgDefinition]) -> Result<(), GraphError> {
        let mut shown = Vec::new();
        for arg in args {
            let name = &arg.name.value;
            let given = self.converter.build_arg(name);
            let value = match (given, &arg.default) {
                (Some(given), _) => Some(given),
                (None, Some(default)) => Some(self.expand(default)?),
                // A global value is expanded once more, in this stage.
                (None, None) => self.converter.global_args.get(name).map(str::to_owned),
            };
            if let Some(value) = &value
                && !matches!(name.as_str(), "BUILDKIT_SBOM_SCAN_CONTEXT" | "BUILDKIT_SBOM_SCAN_STAGE")
            {
                self.state.env.set(name, value);
            }
            shown.push(value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}")));
            self.state.args.push((name.clone(), value));
        }
        self.state.commit(format!("ARG {}", shown.join(" ")), false);
        Ok(())
    }

    fn healthcheck(&mut self, check: &Healthcheck) {
        let config = HealthConfig {
            test: check.test.clone(),
            interval: check.interval_nanos,
            timeout: check.timeout_nanos,
            start_period: check.start_period_nanos,
            start_interval: check.start_interval_nanos,
            retries: check.retries,
        };
        let message = format!(
            "HEALTHCHECK {{Test:[{}] Interval:{} Timeout:{} StartPeriod:{} StartInterval:{} Retries:{}}}",
            config.test.join(" "),
            go_duration(config.interval),
            go_duration(config.timeout),
            go_duration(config.start_period),
            go_duration(config.start_interval),
            config.retries,
        );
        self.state.commit(message, false);
        self.state.image.config.healthcheck = Some(config);
    }

    fn expose(&mut self, words: &[Spanned]) -> Result<(), GraphError> {
        let mut ports = Vec::new();
        for word in words {
            let expanded = self.converter.lex().expand(&word.value, &self.state.env);
            let expanded = expanded.map_err(|error| self.fail(error.to_string(), word.range))?;
            for text in expanded.words {
                for port in PortSpec::read(&text)
                    .and_then(|spec| spec.ports())
                    .map_err(|message| self.fail(message, word.range))?
                {
                    ports.push(port);
                }
            }
        }
        ports.sort();
        self.state.commit(format!("EXPOSE [{}]", ports.join(" ")), false);
        self.state.image.config.exposed_ports.extend(ports.into_iter().map(|port| (port, Empty {})));
        Ok(())
    }

    fn workdir(&mut self, path: &Spanned) -> Result<Role, GraphError> {
        let requested = self.expand(path)?;
        let cwd = join_workdir(&self.state.image.config.working_dir, &requested);
        self.state.image.config.working_dir.clone_from(&cwd);
        self.state.cwd.clone_from(&cwd);
        let folder = clean(&cwd);
        if cwd == "/" {
            self.state.commit("WORKDIR /".into(), false);
            return Ok(Role::NoStep);
        }
        let text = self.shown_code(false);
        let (name, position) = self.state.step_name(self.converter, &text, self.placement.is_onbuild);
        let on = if self.state.output.is_some() { FileInput::Input(0) } else { FileInput::Scratch };
        let action = FileAction::Mkdir {
            on,
            path: folder,
            mode: 0o755,
            makes_parents: true,
            owner: self.state.image.config.user.clone(),
            created: self.converter.epoch,
        };
        let inputs = self.state.output.into_iter().collect();
        // WORKDIR is taken from the cache even with --no-cache.
        let id = self.push(Op::File(vec![action]), inputs, name, position, text, false);
        self.state.commit(format!("WORKDIR {cwd}"), true);
        self.state.output = Some(id);
        Ok(Role::Steps(vec![id]))
    }

    /// The instruction as builders show it: keyword in upper case, variables expanded.
    pub(super) fn shown_code(&self, keeps_raw: bool) -> String {
        let lex = Lex { keeps_quotes: keeps_raw, keeps_unset: keeps_raw, ..self.converter.lex() };
        let code = &self.at().code;
        let text =
            lex.expand(code, &self.state.env).map_or_else(|_| code.clone(), |expansion| expansion.text);
        upper_keyword(&text)
    }

    pub(super) fn push(
        &mut self,
        op: Op,
        inputs: Vec<StepId>,
        name: String,
        position: Option<(u32, u32)>,
        text: String,
        ignores_cache: bool,
    ) -> StepId {
        let lines = if self.placement.is_onbuild {
            self.converter.file.stages.get(self.state.id.0).map(|stage| stage.instruction.lines)
        } else {
            Some(self.at().lines)
        };
        let range = if self.placement.is_onbuild {
            self.converter
                .file
                .stages
                .get(self.state.id.0)
                .map_or(TextRange::default(), |stage| stage.instruction.range)
        } else {
            self.at().range
        };
        let step = Step {
            op,
            inputs,
            name,
            position,
            text,
            stage: Some(self.state.id),
            lines,
            range,
            platform: Some(self.state.platform.clone()),
            ignores_cache,
            is_onbuild: self.placement.is_onbuild,
        };
        add_step(self.graph, step)
    }

    /// A step that writes one file, for a heredoc.
    pub(super) fn inline_step(&mut self, path: &str, mode: u32, data: &str) -> StepId {
        let action = FileAction::Mkfile {
            on: FileInput::Scratch,
            path: join_abs("/", path),
            mode,
            data: data.to_owned(),
        };
        let name = "[internal] preparing inline document".to_owned();
        let step = Step {
            op: Op::File(vec![action]),
            inputs: Vec::new(),
            text: name.clone(),
            name,
            position: None,
            stage: None,
            lines: None,
            range: TextRange::default(),
            platform: Some(self.state.platform.clone()),
            ignores_cache: false,
            is_onbuild: false,
        };
        add_step(self.graph, step)
    }

    pub(super) fn source_step(
        &mut self,
        source: &Source,
        range: TextRange,
    ) -> Result<Option<StepId>, GraphError> {
        match source {
            Source::Stage(stage) => {
                Ok(self.states.get(stage.0).and_then(Option::as_ref).and_then(|state| state.output))
            }
            Source::Outside(name) => {
                self.converter.outside_step(self.graph, self.state, name, self.placement.instruction, range)
            }
        }
    }

    pub(super) fn is_walked(&self, source: &Source) -> bool {
        match source {
            Source::Stage(stage) => matches!(self.states.get(stage.0), Some(Some(_))),
            Source::Outside(_) => true,
        }
    }

    pub(super) fn stage_label(&self) -> String {
        let stage = self.converter.file.stages.get(self.state.id.0).and_then(|stage| stage.name());
        stage.map_or_else(|| format!("stage-{}", self.state.id.0), str::to_owned)
    }
}

/// The place of `step` among the inputs; it is added where it is not there yet.
pub(super) fn input_index(inputs: &mut Vec<StepId>, step: Option<StepId>) -> Option<usize> {
    let step = step?;
    if let Some(idx) = inputs.iter().position(|known| *known == step) {
        return Some(idx);
    }
    inputs.push(step);
    Some(inputs.len() - 1)
}

pub(super) fn input_of(inputs: &mut Vec<StepId>, step: Option<StepId>) -> FileInput {
    input_index(inputs, step).map_or(FileInput::Scratch, FileInput::Input)
}

pub(super) fn upper_keyword(text: &str) -> String {
    match text.split_once(' ') {
        Some((keyword, rest)) => format!("{} {rest}", keyword.to_uppercase()),
        None => text.to_uppercase(),
    }
}

fn quoted(args: &[String]) -> String {
    let words: Vec<String> = args.iter().map(|arg| go_quote(arg)).collect();
    format!("[{}]", words.join(" "))
}
