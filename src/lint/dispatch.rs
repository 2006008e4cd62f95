//! The instructions of a stage, with the variables in force.

use std::collections::{BTreeMap, BTreeSet};

use super::copy_ignored_file::Ignored;
use super::findings::{Findings, Place};
use super::multiple_instructions_disallowed::Earlier;
use super::sources::{self, Flags};
use super::stages::{Command, Origin, State, Vars};
use super::walk::{Stopped, Walk, stop, stop_at};
use super::{
    expose_invalid_format, expose_proto_casing, json_args_recommended, legacy_key_value_format,
    multiple_instructions_disallowed, secrets_used_in_arg_or_env, undefined_var, workdir_relative_path,
};
use crate::context::normal_path;
use crate::dockerfile::instruction::{ArgDefinition, Copy, Instruction, Kind, Pair, Run};
use crate::dockerfile::mount::{Mount, MountKind};
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::value::{PortSpec, is_signal};
use crate::dockerfile::word::{Env, Expansion, Lex, WordError};
use crate::text::{TextRange, go_quote};

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Arguments that never become variables.
const NO_VARIABLES: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/// A stage while its instructions are passed.
pub(super) struct Dispatch<'w, 'a> {
    pub(super) text: &'a str,
    pub(super) walk: &'w Walk<'a>,
    pub(super) state: &'w State<'a>,
    pub(super) command: &'w Command<'a>,
    pub(super) findings: &'w mut Findings,
    pub(super) vars: &'w mut Vars,
    earlier: &'w mut Earlier,
    pub(super) ignored: &'w Ignored,
    /// Runs on Windows, where paths have drives.
    is_windows: bool,
}

impl Walk<'_> {
    /// Passes the instructions of all stages, or of those that the target needs.
    pub(super) fn dispatch_stages(&mut self, target: usize) -> Result<(), Stopped> {
        let ignored = Ignored::read(self.input.dockerignore).map_err(stop)?;
        let reachable = self.reachable(target);
        let visits_all = self.visits_all();
        let mut n_children = self.children();
        for idx in 0..self.states.len() {
            let is_visited = visits_all || reachable.contains(&idx);
            let Some(state) = self.states.get(idx).filter(|state| state.stage.is_some() && is_visited) else {
                continue;
            };
            if state.origin == Origin::Context {
                self.mark_dispatched(idx, None);
                continue;
            }
            let mut vars = self.begin(idx, &mut n_children);
            let is_windows = self.is_windows(idx);
            self.mark_dispatched(idx, None);
            // The walk is only read while the instructions of a stage are passed.
            let mut findings = std::mem::take(&mut self.findings);
            let mut earlier = Earlier::default();
            let mut result = Ok(());
            if let Some(state) = self.states.get(idx) {
                for command in &state.commands {
                    let mut dispatch = Dispatch {
                        text: self.text,
                        walk: self,
                        state,
                        command,
                        findings: &mut findings,
                        vars: &mut vars,
                        earlier: &mut earlier,
                        ignored: &ignored,
                        is_windows,
                    };
                    result = dispatch.run();
                    if result.is_err() {
                        break;
                    }
                }
            }
            self.findings = findings;
            result?;
            self.mark_dispatched(idx, Some(vars).filter(|_| n_children.contains_key(&idx)));
        }
        Ok(())
    }

    fn mark_dispatched(&mut self, idx: usize, vars: Option<Vars>) {
        if let Some(state) = self.states.get_mut(idx) {
            state.is_dispatched = true;
            if let Some(vars) = vars {
                state.vars = vars;
            }
        }
    }

    /// How many stages begin with each.
    fn children(&self) -> BTreeMap<usize, usize> {
        let mut n_children = BTreeMap::new();
        for state in &self.states {
            if let Origin::Stage(parent) = state.origin {
                *n_children.entry(parent).or_default() += 1;
            }
        }
        n_children
    }

    /// What a stage begins with. The last stage on top of another takes its
    /// variables over, so that a long chain does not keep them all.
    fn begin(&mut self, idx: usize, n_children: &mut BTreeMap<usize, usize>) -> Vars {
        let Some(origin) = self.states.get(idx).map(|state| state.origin) else { return Vars::default() };
        let mut vars = Vars::default();
        if let Origin::Stage(parent) = origin {
            let n_left = n_children.entry(parent).or_default();
            *n_left = n_left.saturating_sub(1);
            let is_last = *n_left == 0;
            if let Some(parent) = self.states.get_mut(parent) {
                vars = if is_last { std::mem::take(&mut parent.vars) } else { parent.vars.clone() };
                let platform = parent.platform.clone();
                if let Some(state) = self.states.get_mut(idx) {
                    state.platform = platform;
                }
            }
        } else if let Some(state) = self.states.get_mut(idx) {
            vars = std::mem::take(&mut state.vars);
        }
        if vars.config_env.get("PATH").is_none() && !self.is_windows(idx) {
            vars.config_env.set("PATH", DEFAULT_PATH);
        }
        // What the image keeps wins over arguments of the stage below, if it has some.
        if !matches!(origin, Origin::Stage(_)) || !vars.args.is_empty() {
            let Vars { config_env, env, .. } = &mut vars;
            for (name, value) in config_env.iter() {
                env.set(name, value);
            }
        }
        vars
    }

    /// The stage runs on Windows, where paths have drives.
    fn is_windows(&self, idx: usize) -> bool {
        let platform = self.states.get(idx).and_then(|state| state.platform.as_ref());
        platform.unwrap_or(&self.target_platform).os == "windows"
    }
}

impl Dispatch<'_, '_> {
    fn at(&self) -> &Instruction {
        &self.command.instruction
    }

    pub(super) fn place(&self) -> Place<'_> {
        self.state.place(self.command)
    }

    /// A refusal at a word of the instruction.
    pub(super) fn fail(&self, message: impl Into<String>, range: TextRange) -> Stopped {
        let place = self.place();
        stop_at(message, place.stands_in.unwrap_or(range), place.lines)
    }

    fn run(&mut self) -> Result<(), Stopped> {
        let command = self.command;
        let keyword = &command.instruction.keyword;
        match &command.instruction.kind {
            Kind::From(_) | Kind::Onbuild(_) | Kind::Maintainer(_) => {}
            Kind::Run(run) => self.run_command(run)?,
            Kind::Copy(copy) => self.copy(copy, false)?,
            Kind::Add(copy) => self.copy(copy, true)?,
            Kind::Env(pairs) => self.env(pairs)?,
            Kind::Label(pairs) => {
                for pair in pairs {
                    self.expand(&pair.name)?;
                    self.expand(&pair.value)?;
                }
                self.legacy(pairs);
            }
            Kind::Arg(args) => self.arg(args)?,
            Kind::Cmd(line) | Kind::Entrypoint(line) => {
                self.used_once();
                if line.is_shell && !self.vars.has_shell {
                    let place = self.state.place(command);
                    json_args_recommended::check(self.text, keyword, line, place, self.findings);
                }
            }
            Kind::Healthcheck(_) => self.used_once(),
            Kind::Shell(words) => self.vars.has_shell = !words.is_empty(),
            Kind::Expose(ports) => self.expose(ports)?,
            Kind::User(user) => drop(self.expand(user)?),
            Kind::Volume(paths) => {
                let mut is_empty = false;
                for path in paths {
                    is_empty |= self.expand(path)?.is_empty();
                }
                if is_empty {
                    return Err(self.fail("VOLUME specified can not be an empty string", self.at().range));
                }
            }
            Kind::StopSignal(signal) => {
                let value = self.expand(signal)?;
                if !is_signal(&value) {
                    return Err(self.fail(format!("invalid signal: {value}"), signal.range));
                }
            }
            Kind::Workdir(path) => self.workdir(path)?,
        }
        Ok(())
    }

    /// Expands a word of the instruction.
    pub(super) fn expand(&mut self, word: &Spanned) -> Result<String, Stopped> {
        let expansion = self.walk.lex().expand(&word.value, &self.vars.env);
        self.expanded(expansion, word.range)
    }

    fn expanded(
        &mut self,
        expansion: Result<Expansion, WordError>,
        range: TextRange,
    ) -> Result<String, Stopped> {
        let unset = match &expansion {
            Ok(done) => &done.unset,
            Err(error) => &error.unset,
        };
        self.undefined(unset, range);
        expansion.map(|done| done.text).map_err(|error| self.fail(error.to_string(), range))
    }

    fn undefined(&mut self, unset: &BTreeSet<String>, range: TextRange) {
        let place = self.state.place(self.command);
        for name in unset {
            // A declared argument may well have no value.
            let is_declared = self.vars.args.contains(name) || NO_VARIABLES.contains(&name.as_str());
            if !is_declared {
                let escape = self.walk.file.parse.escape;
                undefined_var::check(self.text, escape, name, range, self.vars, place, self.findings);
            }
        }
    }

    fn used_once(&mut self) {
        let place = self.state.place(self.command);
        multiple_instructions_disallowed::check(
            (self.text, &self.walk.file.parse.line_index),
            &self.command.instruction,
            place,
            self.earlier,
            self.findings,
        );
    }

    fn legacy(&mut self, pairs: &[Pair]) {
        let command = self.command;
        for pair in pairs.iter().filter(|pair| pair.is_legacy) {
            let place = self.state.place(command);
            let escape = self.walk.file.parse.escape;
            legacy_key_value_format::check(&command.instruction.keyword, pair, escape, place, self.findings);
        }
    }

    fn env(&mut self, pairs: &[Pair]) -> Result<(), Stopped> {
        // All values see the environment before the instruction.
        let mut expanded = Vec::new();
        for pair in pairs {
            expanded.push((self.expand(&pair.name)?, self.expand(&pair.value)?));
        }
        self.legacy(pairs);
        let place = self.state.place(self.command);
        for (pair, (name, value)) in pairs.iter().zip(expanded) {
            secrets_used_in_arg_or_env::check("ENV", &name, pair.name.range, place, self.findings);
            self.vars.env.set(&name, &value);
            self.vars.config_env.set(&name, &value);
        }
        Ok(())
    }

    fn arg(&mut self, args: &[ArgDefinition]) -> Result<(), Stopped> {
        for arg in args {
            let name = &arg.name.value;
            let place = self.state.place(self.command);
            secrets_used_in_arg_or_env::check("ARG", name, arg.name.range, place, self.findings);
            let given = self.walk.input.options.build_args.get(name);
            let value = match (given, &arg.default) {
                (Some(given), _) => Some(given.clone()),
                (None, Some(default)) => Some(self.expand(default)?),
                (None, None) => self.walk.global_env.get(name).map(str::to_owned),
            };
            if let Some(value) = value
                && !NO_VARIABLES.contains(&name.as_str())
            {
                self.vars.env.set(name, &value);
            }
            self.vars.args.insert(name.clone());
        }
        Ok(())
    }

    fn expose(&mut self, words: &[Spanned]) -> Result<(), Stopped> {
        // Undefined variables are not looked for here.
        let mut ports = Vec::new();
        for word in words {
            let expansion = self.walk.lex().expand(&word.value, &self.vars.env);
            let expansion = expansion.map_err(|error| self.fail(error.to_string(), word.range))?;
            ports.extend(expansion.words.into_iter().map(|text| (text, word.range)));
        }
        for (text, range) in &ports {
            let spec = PortSpec::read(text).map_err(|message| self.fail(message, *range))?;
            let place = self.state.place(self.command);
            expose_proto_casing::check(self.text, text, &spec, *range, place, self.findings);
            expose_invalid_format::check(self.text, text, &spec, *range, place, self.findings);
            spec.ports().map_err(|message| self.fail(message, *range))?;
        }
        Ok(())
    }

    fn workdir(&mut self, path: &Spanned) -> Result<(), Stopped> {
        let requested = self.expand(path)?;
        if !self.vars.has_workdir && !self.is_absolute(&requested) {
            let place = self.state.place(self.command);
            let absolute = format!("/{}", normal_path(&format!("{}/{requested}", self.vars.working_dir)));
            let is_known = self.vars.unknown_base.is_none() && !self.is_windows;
            let absolute = is_known.then_some(absolute);
            workdir_relative_path::check(path, &requested, absolute, place, self.findings);
        }
        self.vars.has_workdir = true;
        self.vars.working_dir = if self.is_absolute(&requested) {
            requested
        } else {
            format!("/{}", normal_path(&format!("{}/{requested}", self.vars.working_dir)))
        };
        Ok(())
    }

    fn is_absolute(&self, path: &str) -> bool {
        if !self.is_windows {
            return path.starts_with('/');
        }
        let path = match path.split_once(':') {
            Some((drive, rest)) if drive.len() == 1 => rest,
            _ => path,
        };
        path.starts_with(['/', '\\'])
    }

    fn copy(&mut self, copy: &Copy, is_add: bool) -> Result<(), Stopped> {
        let mut option = |word: &Option<Spanned>| match word {
            Some(word) => self.expand(word),
            None => Ok(String::new()),
        };
        option(&copy.chown)?;
        let chmod = option(&copy.chmod)?;
        let checksum = option(&copy.checksum)?;
        for exclude in &copy.excludes {
            self.expand(exclude)?;
        }
        let mut paths = Vec::new();
        for source in &copy.sources {
            paths.push((self.expand(source)?, source.range));
        }
        self.expand(&copy.dest)?;
        let lex = Lex { ignores_quotes: true, ..Lex::new('\\') };
        for inline in copy.inline.iter().filter(|inline| inline.expands) {
            let expansion = lex.expand(&inline.data, &self.vars.env);
            let range = self.heredoc_range(&inline.path);
            self.expanded(expansion, range)?;
        }
        if let (Some(source), Some(from)) = (self.command.sources.first(), &copy.from)
            && !self.is_dispatched(*source)
        {
            let (from_name, stage) = (go_quote(&from.value), go_quote(&self.state.name));
            let message = format!(
                "cannot copy from stage {from_name}, it needs to be defined before current stage {stage}"
            );
            return Err(self.fail(message, from.range));
        }
        let flags = Flags { chmod: &chmod, checksum: &checksum };
        sources::check(self, copy, is_add, &flags, &paths)
    }

    /// The body of the heredoc that becomes the file `path`, else the word itself.
    fn heredoc_range(&self, path: &Spanned) -> TextRange {
        let node = if self.command.is_trigger { None } else { self.walk.node_at(self.at().range) };
        let heredocs = node.map_or(&[][..], |node| &node.heredocs);
        let found = heredocs.iter().rev().find(|heredoc| heredoc.word.name == path.value);
        found.map_or(path.range, |heredoc| heredoc.range)
    }

    fn is_dispatched(&self, idx: usize) -> bool {
        self.walk.states.get(idx).is_some_and(|state| state.is_dispatched)
    }

    fn run_command(&mut self, run: &Run) -> Result<(), Stopped> {
        let lex = self.walk.lex();
        let mut mounts = Vec::new();
        for word in &run.mounts {
            let mut unset = BTreeSet::new();
            let env = &self.vars.env;
            let mut expand = |value: &str| match lex.expand(value, env) {
                Ok(done) => {
                    unset.extend(done.unset);
                    Ok(done.text)
                }
                Err(error) => {
                    unset.extend(error.unset.iter().cloned());
                    Err(error.to_string())
                }
            };
            let mount = Mount::read(&word.value, &mut expand);
            self.undefined(&unset, word.range);
            mounts.push((mount.map_err(|message| self.fail(message, word.range))?, word.range));
        }
        let sources = &self.command.sources;
        for (idx, (mount, range)) in mounts.iter().enumerate() {
            let source = sources.get(idx).copied();
            self.mount(mount, *range, source)?;
        }
        if let Some(first) = self.at().flags.list("device").first() {
            let message = "device feature is only supported in Dockerfile frontend 1.14.0-labs or later";
            return Err(self.fail(message, first.range));
        }
        Ok(())
    }

    fn mount(&self, mount: &Mount, range: TextRange, source: Option<usize>) -> Result<(), Stopped> {
        if !mount.from.is_empty() && source.is_some_and(|source| !self.is_dispatched(source)) {
            let (from, target) = (go_quote(&mount.from), go_quote(&mount.target));
            let message = format!(
                "cannot mount from stage {from} to {target}, stage needs to be defined before current command"
            );
            return Err(self.fail(message, range));
        }
        match mount.kind {
            MountKind::Ssh if !mount.source.is_empty() => {
                return Err(self.fail("ssh does not support source", range));
            }
            MountKind::Ssh | MountKind::Secret => return Ok(()),
            MountKind::Bind | MountKind::Cache | MountKind::Tmpfs => {}
        }
        let target = if self.is_absolute(&mount.target) {
            mount.target.clone()
        } else {
            format!("/{}", normal_path(&format!("{}/{}", self.vars.working_dir, mount.target)))
        };
        if target == "/" {
            return Err(self.fail(format!("invalid mount target {}", go_quote(&target)), range));
        }
        Ok(())
    }
}
