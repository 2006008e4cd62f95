//! One instruction after the other: what it adds to the state of its stage.

use std::collections::BTreeSet;

use super::convert::{Converter, Placement, Source, add_step, error_at};
use super::env::{EnvList, split_pair};
use super::{
    CopyAction, Exec, ExecMount, FileAction, FileInput, Graph, GraphError, Op, Role, StageId, Step, StepId,
    platform,
};
use crate::dockerfile::heredoc;
use crate::dockerfile::instruction::{
    ArgDefinition, CommandLine, Copy, Healthcheck, InlineSource, Instruction, Kind, Pair, Run,
};
use crate::dockerfile::mount::{Mount, MountKind};
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::word::{Env, Lex, NoEnv};
use crate::oci::{Empty, HealthConfig, HistoryEntry, ImageConfig, Platform};
use crate::text::{TextRange, go_quote};

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A stage while it is walked through.
#[derive(Clone, Debug)]
pub(super) struct StageState {
    pub(super) id: StageId,
    /// As names show it; empty where the file has one stage.
    pub(super) name: String,
    pub(super) platform: Platform,
    pub(super) image: ImageConfig,
    /// The file system so far; none for scratch.
    pub(super) output: Option<StepId>,
    env: EnvList,
    cwd: String,
    /// Arguments declared so far, with their values.
    args: Vec<(String, Option<String>)>,
    has_own_cmd: bool,
    /// How many steps the names count, and how many had their number.
    pub(super) total: usize,
    index: u32,
    pub(super) ignores_cache: bool,
    pub(super) hostname: String,
}

impl StageState {
    /// A stage with nothing in it.
    pub(super) fn new(id: StageId, name: String, platform: Platform) -> Self {
        Self {
            id,
            name,
            platform,
            image: ImageConfig::default(),
            output: None,
            env: EnvList::default(),
            cwd: "/".into(),
            args: Vec::new(),
            has_own_cmd: false,
            total: 0,
            index: 0,
            ignores_cache: false,
            hostname: String::new(),
        }
    }

    /// Begins where another stage ended.
    pub(super) fn inherit(&mut self, parent: &Self) {
        self.output = parent.output;
        self.platform.clone_from(&parent.platform);
        self.image.clone_from(&parent.image);
        self.env.clone_from(&parent.env);
        self.cwd.clone_from(&parent.cwd);
        self.args.clone_from(&parent.args);
    }

    /// Takes over what the image's configuration says.
    pub(super) fn begin(&mut self, converter: &Converter<'_>) {
        let env = self.image.config.env.clone();
        if !env.iter().any(|pair| split_pair(pair).0 == "PATH") && self.platform.os != "windows" {
            self.image.config.env.push(format!("PATH={DEFAULT_PATH}"));
        }
        for pair in self.image.config.env.clone() {
            let (name, value) = split_pair(&pair);
            self.env.set(name, value);
        }
        if !self.image.config.working_dir.is_empty() {
            self.cwd = join_workdir("", &self.image.config.working_dir);
            self.image.config.working_dir.clone_from(&self.cwd);
        }
        let hostname = converter.options.build_args.get("BUILDKIT_SANDBOX_HOSTNAME");
        self.hostname = hostname.cloned().unwrap_or_default();
    }

    /// A step's name and its number; each call counts one further.
    pub(super) fn step_name(
        &mut self,
        converter: &Converter<'_>,
        text: &str,
        is_onbuild: bool,
    ) -> (String, Option<(u32, u32)>) {
        if self.total == 0 {
            return (text.to_owned(), None);
        }
        self.index += 1;
        let mut name = String::from("[");
        if converter.is_multi {
            name.push_str(&self.platform.to_string());
            name.push_str(&cross_target(&self.platform, &self.env));
            name.push(' ');
        }
        if !self.name.is_empty() {
            name.push_str(&self.name);
            name.push(' ');
        }
        let width = self.total.to_string().len();
        let trigger = if is_onbuild { "ONBUILD " } else { "" };
        name.push_str(&format!("{:>width$}/{}] {trigger}{text}", self.index, self.total));
        let total = u32::try_from(self.total).unwrap_or(u32::MAX);
        (name, Some((self.index, total)))
    }

    fn commit(&mut self, created_by: String, has_layer: bool) {
        self.image.history.push(HistoryEntry {
            created_by,
            comment: Some("buildkit.dockerfile.v0".into()),
            empty_layer: !has_layer,
            ..HistoryEntry::default()
        });
    }

    fn set_config_env(&mut self, name: &str, value: &str) {
        let line = format!("{name}={value}");
        match self.image.config.env.iter_mut().find(|pair| split_pair(pair).0 == name) {
            Some(pair) => *pair = line,
            None => self.image.config.env.push(line),
        }
    }

    fn with_shell(&self, args: &[String]) -> Vec<String> {
        let shell = &self.image.config.shell;
        let own = ["/bin/sh".to_owned(), "-c".to_owned()];
        let shell = if shell.is_empty() { own.as_slice() } else { shell };
        shell.iter().cloned().chain([args.join(" ")]).collect()
    }
}

/// `->arm64` where a step is built for another platform than it runs on.
fn cross_target(own: &Platform, env: &EnvList) -> String {
    let target = match env.get("TARGETPLATFORM") {
        Some(text) => platform::parse(text).ok(),
        None => env.get("TARGETARCH").map(|arch| Platform {
            architecture: arch.to_owned(),
            os: env.get("TARGETOS").unwrap_or(&own.os).to_owned(),
            variant: env.get("TARGETVARIANT").filter(|variant| !variant.is_empty()).map(str::to_owned),
            os_version: None,
        }),
    };
    match target {
        Some(target) if target.os != own.os => format!("->{target}"),
        Some(target) if target.architecture != own.architecture => {
            let variant = target.variant.map_or(String::new(), |variant| format!("/{variant}"));
            format!("->{}{variant}", target.architecture)
        }
        _ => String::new(),
    }
}

/// Everything an instruction needs while it is walked through.
struct Walk<'w, 'a> {
    converter: &'w mut Converter<'a>,
    graph: &'w mut Graph,
    state: &'w mut StageState,
    placement: &'w Placement<'w>,
    states: &'w [Option<StageState>],
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
    fn at(&self) -> &Instruction {
        self.placement.instruction
    }

    fn fail(&self, message: impl Into<String>, range: TextRange) -> GraphError {
        error_at(message, range, self.at().lines)
    }

    fn expand(&self, word: &Spanned) -> Result<String, GraphError> {
        let expanded = self.converter.lex().expand(&word.value, &self.state.env);
        Ok(expanded.map_err(|error| self.fail(error.to_string(), word.range))?.text)
    }

    fn expand_all(&self, words: &[Spanned]) -> Result<Vec<String>, GraphError> {
        words.iter().map(|word| self.expand(word)).collect()
    }

    fn expand_option(&self, word: Option<&Spanned>) -> Result<String, GraphError> {
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
            let given = self.converter.options.build_args.get(name).cloned();
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
                for port in exposed_ports(&text).map_err(|message| self.fail(message, word.range))? {
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
        if requested.is_empty() {
            return Err(self.fail("normalizing workdir: cannot normalize nothing", path.range));
        }
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
    fn shown_code(&self, keeps_raw: bool) -> String {
        let lex = Lex { keeps_quotes: keeps_raw, keeps_unset: keeps_raw, ..self.converter.lex() };
        let code = &self.at().code;
        let text =
            lex.expand(code, &self.state.env).map_or_else(|_| code.clone(), |expansion| expansion.text);
        upper_keyword(&text)
    }

    fn push(
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
    fn inline_step(&mut self, path: &str, mode: u32, data: &str) -> StepId {
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

    fn source_step(&mut self, source: &Source, range: TextRange) -> Result<Option<StepId>, GraphError> {
        match source {
            Source::Stage(stage) => {
                Ok(self.states.get(stage.0).and_then(Option::as_ref).and_then(|state| state.output))
            }
            Source::Outside(name) => {
                self.converter.outside_step(self.graph, self.state, name, self.placement.instruction, range)
            }
        }
    }

    fn is_walked(&self, source: &Source) -> bool {
        match source {
            Source::Stage(stage) => matches!(self.states.get(stage.0), Some(Some(_))),
            Source::Outside(_) => true,
        }
    }

    fn copy(&mut self, copy: &Copy, is_add: bool) -> Result<Role, GraphError> {
        let chown = self.expand_option(copy.chown.as_ref())?;
        let chmod = self.expand_option(copy.chmod.as_ref())?;
        let checksum = self.expand_option(copy.checksum.as_ref())?;
        let excludes = self.expand_all(&copy.excludes)?;
        let sources = self.expand_all(&copy.sources)?;
        let dest_written = self.expand(&copy.dest)?;
        let inline = self.expand_inline(&copy.inline)?;
        let source_placement = self.placement.sources.first().cloned().flatten();
        if let (Some(source), Some(from)) = (&source_placement, &copy.from)
            && !self.is_walked(source)
        {
            let message = format!(
                "cannot copy from stage {}, it needs to be defined before current stage {}",
                go_quote(&from.value),
                go_quote(&self.stage_label()),
            );
            return Err(self.fail(message, from.range));
        }
        if let Some(word) = copy.chmod.as_ref().filter(|_| !chmod.is_empty()) {
            check_chmod(&chmod).map_err(|message| self.fail(message, word.range))?;
        }
        self.check_checksum(copy, &checksum, &sources)?;
        let dest = dest_path(&self.state.cwd, &dest_written);
        let text = self.shown_code(false);
        let (name, position) = self.state.step_name(self.converter, &text, self.placement.is_onbuild);
        // `--link` with `--chmod` behaves as a plain copy.
        let is_link = copy.is_link && chmod.is_empty();
        let base = if is_link { None } else { self.state.output };
        let mut inputs: Vec<StepId> = base.into_iter().collect();
        let mut actions: Vec<FileAction> = Vec::new();
        let mut on = if base.is_some() { FileInput::Input(0) } else { FileInput::Scratch };
        let keyword = if is_add { "ADD" } else { "COPY" };
        let mut message = String::from(keyword);
        for (flag, value) in [("--chown", &chown), ("--chmod", &chmod)] {
            if flag == "--chown" && copy.keeps_parents {
                message.push_str(" --parents");
            }
            if !value.is_empty() {
                message.push_str(&format!(" {flag}={value}"));
            }
        }
        let mut local = None;
        for (source, word) in sources.iter().zip(&copy.sources) {
            message.push_str(&format!(" {source}"));
            let remote = remote_kind(source);
            if let Some(is_git) = remote {
                if !is_add {
                    let kind = if is_git { "a git ref" } else { "a URL" };
                    return Err(self.fail(format!("source can't be {kind} for COPY"), word.range));
                }
                let op =
                    if is_git { Op::Git { url: source.clone() } } else { Op::Http { url: source.clone() } };
                let id = self.push(op, Vec::new(), name.clone(), position, text.clone(), false);
                inputs.push(id);
                let file = if is_git { "/".to_owned() } else { format!("/{}", url_base(source)) };
                let action = CopyAction {
                    on,
                    from: FileInput::Input(inputs.len() - 1),
                    source: file,
                    dest: dest.clone(),
                    chown: chown.clone(),
                    chmod: chmod.clone(),
                    is_path: false,
                    unpacks: copy.unpacks.unwrap_or(false) && !is_git,
                    includes: Vec::new(),
                    excludes: excludes.clone(),
                    required: Vec::new(),
                    created: self.converter.epoch,
                };
                actions.push(FileAction::Copy(Box::new(action)));
            } else {
                let from = match (local, &source_placement) {
                    (Some(from), _) => from,
                    (None, Some(source)) => {
                        let step = self.source_step(source, word.range)?;
                        input_of(&mut inputs, step)
                    }
                    (None, None) => {
                        let step = self.converter.local_step(self.graph, "context");
                        input_of(&mut inputs, Some(step))
                    }
                };
                local = Some(from);
                let (path, includes, required) = split_parents(source, copy.keeps_parents);
                let action = CopyAction {
                    on,
                    from,
                    source: path,
                    dest: dest.clone(),
                    chown: chown.clone(),
                    chmod: chmod.clone(),
                    is_path: true,
                    unpacks: copy.unpacks.unwrap_or(is_add),
                    includes,
                    excludes: excludes.clone(),
                    required,
                    created: self.converter.epoch,
                };
                actions.push(FileAction::Copy(Box::new(action)));
            }
            on = FileInput::Action(actions.len() - 1);
        }
        for (path, data) in inline {
            message.push_str(&format!(" <<{path}"));
            let step = self.inline_step(&path, 0o644, &data);
            let action = CopyAction {
                on,
                from: input_of(&mut inputs, Some(step)),
                source: join_abs("/", &path),
                dest: dest.clone(),
                chown: chown.clone(),
                chmod: chmod.clone(),
                is_path: false,
                unpacks: false,
                includes: Vec::new(),
                excludes: excludes.clone(),
                required: Vec::new(),
                created: self.converter.epoch,
            };
            actions.push(FileAction::Copy(Box::new(action)));
            on = FileInput::Action(actions.len() - 1);
        }
        message.push_str(&format!(" {dest_written} # buildkit"));
        let ignores_cache = self.state.ignores_cache;
        let copied =
            self.push(Op::File(actions), inputs, name.clone(), position, text.clone(), ignores_cache);
        let mut made = vec![copied];
        match self.state.output.filter(|_| is_link) {
            Some(below) => {
                let link = name.replacen("] ", "] LINK ", 1);
                let inputs = vec![below, copied];
                let id = self.push(Op::Merge, inputs, link, position, format!("LINK {text}"), ignores_cache);
                self.state.output = Some(id);
                made.push(id);
            }
            None => self.state.output = Some(copied),
        }
        self.state.commit(message, true);
        Ok(Role::Steps(made))
    }

    fn stage_label(&self) -> String {
        let stage = self.converter.file.stages.get(self.state.id.0).and_then(|stage| stage.name());
        stage.map_or_else(|| format!("stage-{}", self.state.id.0), str::to_owned)
    }

    fn expand_inline(&self, inline: &[InlineSource]) -> Result<Vec<(String, String)>, GraphError> {
        let lex = Lex { ignores_quotes: true, ..Lex::new('\\') };
        let mut expanded = Vec::new();
        for source in inline {
            let data = if source.expands {
                let data = lex.expand(&source.data, &self.state.env);
                data.map_err(|error| self.fail(error.to_string(), source.path.range))?.text
            } else {
                source.data.clone()
            };
            expanded.push((source.path.value.clone(), data));
        }
        Ok(expanded)
    }

    fn check_checksum(&self, copy: &Copy, checksum: &str, sources: &[String]) -> Result<(), GraphError> {
        let Some(word) = copy.checksum.as_ref().filter(|_| !checksum.is_empty()) else { return Ok(()) };
        let [source] = sources else {
            return Err(self.fail("checksum can't be specified for multiple sources", word.range));
        };
        match remote_kind(source) {
            None => Err(self.fail("checksum requires HTTP(S) or Git sources", word.range)),
            Some(true) => Ok(()),
            Some(false) => check_digest(checksum).map_err(|message| self.fail(message, word.range)),
        }
    }

    fn run(&mut self, run: &Run) -> Result<Role, GraphError> {
        let mut text_code = self.at().code.clone();
        let mut args = run.command.values();
        let mut shebang = None;
        if let Some(file) = run.command.files.first() {
            let is_whole = run
                .command
                .words
                .first()
                .is_some_and(|word| matches!(heredoc::parse_word(&word.value), Ok(Some(_))));
            if is_whole {
                let data = if file.chomps { heredoc::chomp(&file.data) } else { file.data.clone() };
                if data.starts_with("#!") {
                    args = vec![format!("/dev/pipes/{}", file.name)];
                    shebang = Some((file.name.clone(), data));
                } else {
                    args = vec![data];
                }
                text_code.push_str(&format!(" ({})", summary(&file.data)));
            } else {
                let mut whole = args.first().cloned().unwrap_or_default();
                for file in &run.command.files {
                    whole.push('\n');
                    whole.push_str(&file.data);
                    whole.push_str(&file.name);
                }
                args = vec![whole];
            }
        }
        if run.command.is_shell {
            args = self.state.with_shell(&args);
        }
        let mut inputs: Vec<StepId> = self.state.output.into_iter().collect();
        let root = ExecMount { input: self.state.output.map(|_| 0), has_output: true, ..bind_mount("/") };
        let mut mounts = Vec::new();
        if let Some((name, data)) = shebang {
            let step = self.inline_step(&name, 0o755, &data);
            let input = input_index(&mut inputs, Some(step));
            mounts.push(ExecMount {
                input,
                selector: "/".into(),
                is_read_only: true,
                ..bind_mount("/dev/pipes/")
            });
        }
        let mut secret_env = Vec::new();
        for (idx, word) in run.mounts.iter().enumerate() {
            self.mount(idx, word, &mut inputs, &mut mounts, &mut secret_env)?;
        }
        mounts.sort_by(|a, b| a.dest.cmp(&b.dest));
        mounts.insert(0, root);
        let options = self.converter.options;
        let exec = Exec {
            args: args.clone(),
            env: self.state.env.to_lines(),
            cwd: self.state.cwd.clone(),
            user: self.state.image.config.user.clone(),
            mounts,
            network: match (&run.network, &options.network) {
                (Some(mode), _) => mode.value.clone(),
                (None, Some(mode)) => mode.clone(),
                (None, None) => "default".into(),
            },
            is_insecure: run.security.as_ref().is_some_and(|mode| mode.value == "insecure"),
            extra_hosts: options.extra_hosts.clone(),
            shm_size_bytes: options.shm_size_bytes,
            ulimits: options.ulimits.clone(),
            hostname: self.state.hostname.clone(),
            devices: run.devices.iter().map(|device| (device.name.clone(), device.is_required)).collect(),
            has_proxy: options.build_args.keys().any(|name| is_proxy(name)),
            secret_env,
        };
        let secrets: BTreeSet<&str> = exec.secret_env.iter().map(|(name, _, _)| name.as_str()).collect();
        let shown_env = EnvWithout { env: &self.state.env, hidden: &secrets };
        let lex = Lex { keeps_quotes: true, keeps_unset: true, ..self.converter.lex() };
        let text =
            lex.expand(&text_code, &shown_env).map_or_else(|_| text_code.clone(), |expansion| expansion.text);
        let text = upper_keyword(&text);
        let (name, position) = self.state.step_name(self.converter, &text, self.placement.is_onbuild);
        let ignores_cache = self.state.ignores_cache;
        let id = self.push(Op::Exec(Box::new(exec)), inputs, name, position, text, ignores_cache);
        let message = format!("RUN {} # buildkit", self.run_history(&args));
        self.state.commit(message, true);
        self.state.output = Some(id);
        Ok(Role::Steps(vec![id]))
    }

    /// The command with the arguments in force in front, as the history shows it.
    fn run_history(&self, args: &[String]) -> String {
        let mut shown: Vec<(String, String)> = Vec::new();
        for (name, value) in &self.state.args {
            let value =
                self.state.env.get(name).map_or_else(|| value.clone().unwrap_or_default(), str::to_owned);
            match shown.iter_mut().find(|(known, _)| known == name) {
                Some(slot) => slot.1 = value,
                None => shown.push((name.clone(), value)),
            }
        }
        let mut words = Vec::new();
        if !shown.is_empty() {
            words.push(format!("|{}", shown.len()));
            words.extend(shown.into_iter().map(|(name, value)| format!("{name}={value}")));
        }
        words.extend(args.iter().cloned());
        words.join(" ")
    }

    fn mount(
        &mut self,
        idx: usize,
        word: &Spanned,
        inputs: &mut Vec<StepId>,
        mounts: &mut Vec<ExecMount>,
        secret_env: &mut Vec<(String, String, bool)>,
    ) -> Result<(), GraphError> {
        let lex = self.converter.lex();
        let env = &self.state.env;
        let mut expand =
            |value: &str| lex.expand(value, env).map(|done| done.text).map_err(|error| error.to_string());
        let mount =
            Mount::read(&word.value, &mut expand).map_err(|message| self.fail(message, word.range))?;
        if matches!(mount.kind, MountKind::Secret | MountKind::Ssh) {
            self.secret(&mount, mounts, secret_env, word)?;
            return Ok(());
        }
        let source = self.placement.sources.get(idx).cloned().flatten();
        let step = if mount.kind == MountKind::Tmpfs
            || (mount.kind == MountKind::Cache && mount.from.is_empty())
        {
            None
        } else if mount.from.is_empty() {
            Some(self.converter.local_step(self.graph, "context"))
        } else {
            match &source {
                Some(source) => {
                    if !self.is_walked(source) {
                        let message = format!(
                            "cannot mount from stage {} to {}, stage needs to be defined before current command",
                            go_quote(&mount.from),
                            go_quote(&mount.target),
                        );
                        return Err(self.fail(message, word.range));
                    }
                    self.source_step(source, word.range)?
                }
                None => None,
            }
        };
        let target = if mount.target.starts_with('/') {
            mount.target.clone()
        } else {
            clean(&join_abs(&self.state.cwd, &mount.target))
        };
        if target == "/" {
            return Err(self.fail("invalid mount target \"/\"", word.range));
        }
        let mut selector = join_abs("/", &mount.source);
        let mut input = input_index(inputs, step);
        if selector == "/" {
            selector = String::new();
            if mount.kind == MountKind::Cache
                && (mount.uid.is_some() || mount.gid.is_some() || mount.mode.is_some())
            {
                let owned = self.cache_folder(&mount, step);
                input = input_index(inputs, Some(owned));
                "/cache".clone_into(&mut selector);
            }
        }
        let is_cache = mount.kind == MountKind::Cache;
        let namespace = self.converter.options.build_args.get("BUILDKIT_CACHE_MOUNT_NS");
        let namespace = namespace.map_or("", String::as_str);
        let id = if mount.id.is_empty() { clean(&mount.target) } else { mount.id.clone() };
        mounts.push(ExecMount {
            input,
            selector,
            is_read_only: mount.is_read_only,
            kind: mount.kind,
            cache_id: if is_cache { format!("{namespace}/{id}") } else { String::new() },
            sharing: mount.sharing,
            size_limit_bytes: mount.size_limit_bytes,
            ..bind_mount(&target)
        });
        Ok(())
    }

    /// The step that gives a cache mount's folder its owner and mode.
    fn cache_folder(&mut self, mount: &Mount, from: Option<StepId>) -> StepId {
        let owner = format!("{}:{}", mount.uid.unwrap_or(0), mount.gid.unwrap_or(0));
        let mode = u32::try_from(mount.mode.unwrap_or(0o755)).unwrap_or(0o755);
        let on = if from.is_some() { FileInput::Input(0) } else { FileInput::Scratch };
        let action =
            FileAction::Mkdir { on, path: "/cache".into(), mode, makes_parents: false, owner, created: None };
        let name = "[internal] setting cache mount permissions".to_owned();
        let step = Step {
            op: Op::File(vec![action]),
            inputs: from.into_iter().collect(),
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

    fn secret(
        &self,
        mount: &Mount,
        mounts: &mut Vec<ExecMount>,
        secret_env: &mut Vec<(String, String, bool)>,
        word: &Spanned,
    ) -> Result<(), GraphError> {
        let mut id = mount.id.clone();
        if mount.kind == MountKind::Secret && id.is_empty() {
            id.clone_from(if mount.source.is_empty() { &mount.target } else { &mount.source });
            id = id.rsplit('/').next().unwrap_or("").to_owned();
        }
        if mount.kind == MountKind::Secret && id.is_empty() {
            return Err(self.fail("one of source, target required", word.range));
        }
        if let Some(name) = &mount.env {
            secret_env.push((name.clone(), id.clone(), mount.is_required));
            if mount.target.is_empty() {
                return Ok(());
            }
        }
        let default_mode = if mount.kind == MountKind::Secret { 0o400 } else { 0o600 };
        let target = match (mount.target.is_empty(), mount.kind) {
            (true, MountKind::Secret) => format!("/run/secrets/{id}"),
            (true, _) => format!(
                "/run/buildkit/ssh_agent.{}",
                mounts.iter().filter(|m| m.kind == MountKind::Ssh).count()
            ),
            (false, _) => clean(&join_abs(&self.state.cwd, &mount.target)),
        };
        mounts.push(ExecMount {
            kind: mount.kind,
            secret_id: id,
            secret_owner: (
                mount.uid.unwrap_or(0),
                mount.gid.unwrap_or(0),
                mount.mode.unwrap_or(default_mode),
            ),
            is_required: mount.is_required,
            ..bind_mount(&target)
        });
        Ok(())
    }
}

fn bind_mount(dest: &str) -> ExecMount {
    ExecMount {
        dest: dest.to_owned(),
        input: None,
        selector: String::new(),
        is_read_only: false,
        has_output: false,
        kind: MountKind::Bind,
        cache_id: String::new(),
        sharing: None,
        secret_id: String::new(),
        secret_owner: (0, 0, 0),
        is_required: false,
        size_limit_bytes: 0,
    }
}

/// The environment without the variables that a secret fills.
struct EnvWithout<'a> {
    env: &'a EnvList,
    hidden: &'a BTreeSet<&'a str>,
}

impl Env for EnvWithout<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        if self.hidden.contains(name) { NoEnv.get(name) } else { self.env.get(name) }
    }
}

/// The place of `step` among the inputs; it is added where it is not there yet.
fn input_index(inputs: &mut Vec<StepId>, step: Option<StepId>) -> Option<usize> {
    let step = step?;
    if let Some(idx) = inputs.iter().position(|known| *known == step) {
        return Some(idx);
    }
    inputs.push(step);
    Some(inputs.len() - 1)
}

fn input_of(inputs: &mut Vec<StepId>, step: Option<StepId>) -> FileInput {
    input_index(inputs, step).map_or(FileInput::Scratch, FileInput::Input)
}

fn is_proxy(name: &str) -> bool {
    ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

fn upper_keyword(text: &str) -> String {
    match text.split_once(' ') {
        Some((keyword, rest)) => format!("{} {rest}", keyword.to_uppercase()),
        None => text.to_uppercase(),
    }
}

fn quoted(args: &[String]) -> String {
    let words: Vec<String> = args.iter().map(|arg| go_quote(arg)).collect();
    format!("[{}]", words.join(" "))
}

/// The first line of a heredoc, with dots if there are more.
fn summary(data: &str) -> String {
    let data = data.trim().replace("\r\n", "\n");
    match data.split_once('\n') {
        Some((first, _)) => format!("{first}..."),
        None => data,
    }
}

/// Go's `path.Clean` of an absolute path.
#[must_use]
pub(super) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Go's `path.Join` of an absolute path and another.
fn join_abs(base: &str, path: &str) -> String {
    clean(&format!("{base}/{path}"))
}

/// A relative working directory goes on from the one before; an absolute one stays as written.
fn join_workdir(current: &str, requested: &str) -> String {
    if requested.starts_with('/') {
        requested.to_owned()
    } else {
        join_abs(&format!("/{current}"), requested)
    }
}

/// Where a copy goes; a slash or `/.` at the end is kept, it says "into this folder".
fn dest_path(cwd: &str, written: &str) -> String {
    let written = if written.is_empty() || written == "." { "./" } else { written };
    let path = if written.starts_with('/') { clean(written) } else { join_abs(cwd, written) };
    if path == "/" {
        return path;
    }
    if written.ends_with('/') {
        format!("{path}/")
    } else if written.ends_with("/.") {
        format!("{path}/.")
    } else {
        path
    }
}

fn has_wildcard(path: &str) -> bool {
    let mut chars = path.chars();
    while let Some(ch) = chars.next() {
        match ch {
            '*' | '?' | '[' => return true,
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
    false
}

/// What `--parents` makes of a source: where to begin, what to take, what must be there.
fn split_parents(source: &str, keeps_parents: bool) -> (String, Vec<String>, Vec<String>) {
    if !keeps_parents {
        return (join_abs("/", source), Vec::new(), Vec::new());
    }
    let (start, pattern) = source.split_once("/./").unwrap_or(("/", source));
    let pattern = join_abs("/", pattern);
    let is_exact = !has_wildcard(start) && !has_wildcard(&pattern);
    let required = if is_exact { vec![join_abs(&format!("/{start}"), &pattern)] } else { Vec::new() };
    (join_abs("/", start), vec![pattern.trim_start_matches('/').to_owned()], required)
}

/// A source on the web: `Some(true)` for git, `Some(false)` for a file.
fn remote_kind(source: &str) -> Option<bool> {
    let is_http = source.starts_with("http://") || source.starts_with("https://");
    let path = source.split(['#', '?']).next().unwrap_or("");
    let is_git_scheme = source.starts_with("git://") || source.starts_with("ssh://");
    let is_scp = source.starts_with("git@");
    if is_git_scheme || is_scp || (is_http && path.ends_with(".git")) {
        return Some(true);
    }
    is_http.then_some(false)
}

fn url_base(url: &str) -> String {
    let path = url.split(['#', '?']).next().unwrap_or("");
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let name = path
        .split_once('/')
        .map_or("", |(_, path)| path)
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or("");
    if name.is_empty() { "__unnamed__".into() } else { name.to_owned() }
}

fn check_chmod(chmod: &str) -> Result<(), String> {
    let invalid = || {
        Err(format!("invalid chmod parameter: '{chmod}'. it should be octal string and between 0 and 07777"))
    };
    if let Ok(mode) = u32::from_str_radix(chmod, 8) {
        return if mode > 0o7777 { invalid() } else { Ok(()) };
    }
    if chmod.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) {
        return invalid();
    }
    let is_clause = |clause: &str| {
        let who = clause.trim_start_matches(['u', 'g', 'o', 'a']);
        let mut rest = who;
        !rest.is_empty() && rest.starts_with(['+', '-', '=']) && {
            while let Some(after) = rest.strip_prefix(['+', '-', '=']) {
                rest = after.trim_start_matches(['r', 'w', 'x', 'X', 's', 't', 'u', 'g', 'o']);
            }
            rest.is_empty()
        }
    };
    if chmod.split(',').all(is_clause) { Ok(()) } else { Err("invalid syntax".into()) }
}

fn check_digest(text: &str) -> Result<(), String> {
    let Some((algorithm, hex)) = text.split_once(':') else {
        return Err("invalid checksum digest format".into());
    };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ if algorithm.is_empty() || !algorithm.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            return Err("invalid checksum digest format".into());
        }
        _ => return Err("unsupported digest algorithm".into()),
    };
    if hex.len() != length {
        return Err("invalid checksum digest length".into());
    }
    if !hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("invalid checksum digest format".into());
    }
    Ok(())
}

fn is_signal(text: &str) -> bool {
    const NAMES: [&str; 37] = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL",
        "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP",
        "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX", "UNUSED",
    ];
    if let Ok(number) = text.parse::<i64>() {
        // Only zero is refused among the numbers.
        return number != 0;
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let is_real_time = |prefix: &str, most: u32| {
        let offset = name
            .strip_prefix(prefix)
            .and_then(|rest| rest.get(1..))
            .and_then(|digits| digits.parse::<u32>().ok());
        offset.is_some_and(|offset| offset >= 1 && offset <= most)
    };
    NAMES.contains(&name) || is_real_time("RTMIN", 15) || is_real_time("RTMAX", 14)
}

/// `8080`, `80/udp`, `8000-8003/tcp`, `127.0.0.1:80:80` → ports with protocol.
fn exposed_ports(text: &str) -> Result<Vec<String>, String> {
    let (head, protocol) = match text.split_once('/') {
        Some((head, protocol)) => (head, protocol),
        None => (text, ""),
    };
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_lowercase() };
    let (address, port) = match head.rsplit_once(':') {
        Some((front, port)) => (Some(front), port),
        None => (None, head),
    };
    if port.is_empty() {
        return Err(format!("invalid port: {}: no port specified", go_quote(text)));
    }
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("invalid port: {}: invalid proto: {protocol}", go_quote(text)));
    }
    let address = address.map(|front| front.rsplit_once(':').map_or("", |(address, _)| address));
    if let Some(address) = address.filter(|address| !address.is_empty())
        && address.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_err()
    {
        return Err(format!("invalid IP address: {address}"));
    }
    let invalid = || format!("invalid containerPort: {port}");
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| is_number)
    };
    let (first, last) = match port.split_once('-') {
        Some((first, last)) => (number(first).ok_or_else(invalid)?, number(last).ok_or_else(invalid)?),
        None => {
            let port = number(port).ok_or_else(invalid)?;
            (port, port)
        }
    };
    if last < first {
        return Err(invalid());
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

/// Go's `time.Duration.String`.
fn go_duration(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".into();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let fraction = |whole: u64, rest: u64, digits: usize| {
        let rest = format!("{rest:0digits$}");
        let rest = rest.trim_end_matches('0');
        if rest.is_empty() { whole.to_string() } else { format!("{whole}.{rest}") }
    };
    if nanos < 1_000_000_000 {
        return match nanos {
            0..1_000 => format!("{sign}{nanos}ns"),
            1_000..1_000_000 => format!("{sign}{}µs", fraction(nanos / 1_000, nanos % 1_000, 3)),
            _ => format!("{sign}{}ms", fraction(nanos / 1_000_000, nanos % 1_000_000, 6)),
        };
    }
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let tail = format!("{}s", fraction(seconds % 60, nanos % 1_000_000_000, 9));
    match (hours, minutes) {
        (0, 0) => format!("{sign}{tail}"),
        (0, _) => format!("{sign}{minutes}m{tail}"),
        _ => format!("{sign}{hours}h{minutes}m{tail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        for (cwd, written, path) in [
            ("/app", "./", "/app/"),
            ("/app", ".", "/app/"),
            ("/app", "x", "/app/x"),
            ("/app", "/x/../y/", "/y/"),
            ("/", ".", "/"),
            ("/app", "a/.", "/app/a/."),
        ] {
            assert_eq!(dest_path(cwd, written), path);
        }
    }

    #[test]
    fn durations_and_ports() {
        assert_eq!((go_duration(90_000_000_000), go_duration(1_500_000)), ("1m30s".into(), "1.5ms".into()));
        assert_eq!(exposed_ports("8000-8001/udp"), Ok(vec!["8000/udp".into(), "8001/udp".into()]));
        assert_eq!(exposed_ports("80a"), Err("invalid containerPort: 80a".into()));
    }
}
