//! RUN: the command, what is mounted into it, what is around it.

use std::collections::BTreeSet;

use super::convert::add_step;
use super::dispatch::{Walk, input_index, upper_keyword};
use super::env::EnvList;
use super::path::{clean, clean_relative, join_abs};
use super::{Exec, ExecMount, FileAction, FileInput, GraphError, Op, Role, Step, StepId};
use crate::dockerfile::heredoc;
use crate::dockerfile::instruction::Run;
use crate::dockerfile::mount::{Mount, MountKind};
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::word::{Env, Lex};
use crate::text::{TextRange, go_quote};

impl Walk<'_, '_> {
    pub(super) fn run(&mut self, run: &Run) -> Result<Role, GraphError> {
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
        let inputs = in_builders_order(&mut mounts, root, &inputs);
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
        let shown_env = EnvMasked { env: &self.state.env, secrets: &secrets };
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
        let id = if mount.id.is_empty() { clean_relative(&mount.target) } else { mount.id.clone() };
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
            // Not joined with the working directory: the sandbox resolves it from the root.
            (false, _) => mount.target.clone(),
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

/// Puts mounts in order: the root, the others by target, secrets, sockets.
/// Inputs come in the order in which the mounts read them.
fn in_builders_order(mounts: &mut Vec<ExecMount>, root: ExecMount, inputs: &[StepId]) -> Vec<StepId> {
    let rank = |mount: &ExecMount| match mount.kind {
        MountKind::Bind | MountKind::Cache | MountKind::Tmpfs => 0,
        MountKind::Secret => 1,
        MountKind::Ssh => 2,
    };
    mounts.sort_by(|a, b| match (rank(a), rank(b)) {
        (0, 0) => a.dest.cmp(&b.dest),
        (a, b) => a.cmp(&b),
    });
    mounts.insert(0, root);
    let mut ordered = Vec::new();
    for mount in mounts {
        let step = mount.input.and_then(|input| inputs.get(input).copied());
        mount.input = input_index(&mut ordered, step);
    }
    ordered
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

/// The environment as names show it: with stars where a secret fills a variable.
struct EnvMasked<'a> {
    env: &'a EnvList,
    secrets: &'a BTreeSet<&'a str>,
}

impl Env for EnvMasked<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        if self.secrets.contains(name) { Some("****") } else { self.env.get(name) }
    }
}

fn is_proxy(name: &str) -> bool {
    ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// The first line of a heredoc, with dots if there are more.
fn summary(data: &str) -> String {
    let data = data.trim().replace("\r\n", "\n");
    match data.split_once('\n') {
        Some((first, _)) => format!("{first}..."),
        None => data,
    }
}
