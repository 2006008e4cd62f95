//! The inputs of a step's key that stand in its definition.
//!
//! A key is the hash of a plain struct, kept beside it; a miss is explained by
//! comparing two such structs. What is left out of them never counts.

use std::collections::BTreeMap;

use crate::context::select::Selector;
use crate::digest::{Digest, Hasher};
use crate::dockerfile::mount::{MountKind, Sharing};
use crate::graph::{CopyAction, Exec, ExecMount, FileAction, FileInput, Op, Step};

/// What counts of an operation itself, by kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OpKey {
    /// A base image: the chain of its layers, or its name and platform where they are not known.
    Image {
        /// Chain, or name and platform.
        identity: String,
        /// For people.
        reference: String,
    },
    /// Files of the client; never equal from one build to the next.
    Local {
        /// `context`, or the name.
        name: String,
    },
    /// A command.
    Exec(Box<ExecKey>),
    /// File actions.
    File(Vec<ActionKey>),
    /// Layers put on top of one another.
    Merge,
    /// Something on the web.
    Remote {
        /// Its address.
        url: String,
    },
}

/// What counts of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExecKey {
    /// Program and arguments.
    pub args: Vec<String>,
    /// Ordered variables.
    pub env: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// User.
    pub user: String,
    /// Mounts, each as one text; sorted by target.
    pub mounts: Vec<String>,
    /// Network, security, names of hosts, sizes, limits, host name, devices.
    pub sandbox: BTreeMap<&'static str, String>,
    /// Operating system and architecture.
    pub platform: String,
}

/// What counts of a file action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActionKey {
    /// `copy`, `mkdir` or `mkfile`.
    pub kind: &'static str,
    /// Where its files come from among the inputs and actions.
    pub inputs: String,
    /// Base name of the source, or the folder or file made.
    pub path: String,
    /// Where it goes.
    pub dest: String,
    /// Everything else: owner, mode, patterns, unpacking.
    pub options: BTreeMap<&'static str, String>,
}

impl OpKey {
    /// Takes what counts of `step`.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        match &step.op {
            Op::Image { reference, base } => {
                // Where the layers are not known, those of each platform are taken for others.
                let name = || {
                    let platform = step.platform.as_ref().map_or(String::new(), ToString::to_string);
                    format!("name {reference} {platform}")
                };
                let identity = base.chain().map_or_else(name, |chain| chain.to_string());
                Self::Image { identity, reference: reference.clone() }
            }
            Op::Local { name } => Self::Local { name: name.clone() },
            Op::Exec(exec) => Self::Exec(Box::new(ExecKey::of(exec, step))),
            Op::File(actions) => Self::File(actions.iter().map(ActionKey::of).collect()),
            Op::Merge => Self::Merge,
            Op::Http { url } | Op::Git { url } => Self::Remote { url: url.clone() },
        }
    }

    /// The hash of all of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::default();
        match self {
            Self::Image { identity, reference: _ } => {
                hasher.field("image");
                hasher.field(identity);
            }
            Self::Local { name } => {
                hasher.field("local");
                hasher.field(name);
            }
            Self::Exec(key) => {
                let ExecKey { args, env, cwd, user, mounts, sandbox, platform } = key.as_ref();
                hasher.field("exec");
                for list in [args, env, mounts] {
                    hasher.field(&list.len().to_string());
                    list.iter().for_each(|text| hasher.field(text));
                }
                [cwd, user, platform].into_iter().for_each(|text| hasher.field(text));
                hash_map(&mut hasher, sandbox);
            }
            Self::File(actions) => {
                hasher.field("file");
                for ActionKey { kind, inputs, path, dest, options } in actions {
                    hasher.field(kind);
                    [inputs, path, dest].into_iter().for_each(|text| hasher.field(text));
                    hash_map(&mut hasher, options);
                }
            }
            Self::Merge => hasher.field("merge"),
            Self::Remote { url } => {
                hasher.field("remote");
                hasher.field(url);
            }
        }
        hasher.finish()
    }
}

fn hash_map(hasher: &mut Hasher, map: &BTreeMap<&'static str, String>) {
    hasher.field(&map.len().to_string());
    for (name, value) in map {
        hasher.field(name);
        hasher.field(value);
    }
}

impl ExecKey {
    fn of(exec: &Exec, step: &Step) -> Self {
        let mut sandbox = BTreeMap::new();
        let mut set = |name, value: String| {
            if !value.is_empty() {
                sandbox.insert(name, value);
            }
        };
        set("network", if exec.network == "default" { String::new() } else { exec.network.clone() });
        set("security", if exec.is_insecure { "insecure".into() } else { String::new() });
        // Addresses of hosts never count, their names do.
        set("hosts", exec.extra_hosts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" "));
        set(
            "shm-size",
            if exec.shm_size_bytes > 0 { exec.shm_size_bytes.to_string() } else { String::new() },
        );
        set("ulimits", exec.ulimits.join(" "));
        set("hostname", exec.hostname.clone());
        set(
            "devices",
            exec.devices
                .iter()
                .map(|(name, required)| format!("{name} {required}"))
                .collect::<Vec<_>>()
                .join(","),
        );
        let secret = |(name, id, required): &(String, String, bool)| format!("{name} {id} {required}");
        set("secret-env", exec.secret_env.iter().map(secret).collect::<Vec<_>>().join(","));
        // A lone root mount is left out, for compatibility with old caches.
        let mounts = match exec.mounts.as_slice() {
            [_root] => Vec::new(),
            mounts => mounts.iter().map(mount_key).collect(),
        };
        Self {
            args: exec.args.clone(),
            env: exec.env.clone(),
            cwd: exec.cwd.clone(),
            user: exec.user.clone(),
            mounts,
            sandbox,
            platform: step.platform.as_ref().map_or(String::new(), ToString::to_string),
        }
    }
}

/// What counts of a mount. The path in its source does not: content does.
fn mount_key(mount: &ExecMount) -> String {
    let ExecMount {
        dest,
        input,
        selector: _,
        is_read_only,
        has_output,
        kind,
        cache_id,
        sharing,
        secret_id,
        secret_owner,
        is_required,
        size_limit_bytes,
    } = mount;
    let input = input.map_or(-1, |idx| i64::try_from(idx).unwrap_or(i64::MAX));
    let mut text = format!("{dest} {input} {is_read_only} {has_output} {}", kind.name());
    match kind {
        MountKind::Cache => {
            // All caches but the default one fall together.
            let is_default =
                *cache_id == format!("/{dest}") && sharing.is_none_or(|sharing| sharing == Sharing::Shared);
            text.push_str(if is_default { " default" } else { " named" });
        }
        MountKind::Tmpfs => text.push_str(&format!(" {size_limit_bytes}")),
        MountKind::Secret | MountKind::Ssh => {
            text.push_str(&format!(" {secret_id} {secret_owner:?} {is_required}"))
        }
        MountKind::Bind => {}
    }
    text
}

impl ActionKey {
    fn of(action: &FileAction) -> Self {
        let input = |input: &FileInput| match input {
            FileInput::Scratch => "-".to_owned(),
            FileInput::Input(idx) => format!("i{idx}"),
            FileInput::Action(idx) => format!("a{idx}"),
        };
        match action {
            FileAction::Copy(copy) => {
                let CopyAction {
                    on,
                    from,
                    source,
                    dest,
                    chown,
                    chmod,
                    is_path,
                    unpacks,
                    includes,
                    excludes,
                    required,
                    created,
                } = copy.as_ref();
                let mut options = BTreeMap::new();
                options.insert("chown", chown.clone());
                options.insert("chmod", normal_mode(chmod));
                options.insert("follows", is_path.to_string());
                options.insert("unpacks", unpacks.to_string());
                options.insert("includes", includes.join("\n"));
                options.insert("excludes", excludes.join("\n"));
                options.insert("required", required.join("\n"));
                options.insert("created", created.map_or(String::new(), |secs| secs.to_string()));
                let path = source.rsplit('/').next().unwrap_or("").to_owned();
                Self {
                    kind: "copy",
                    inputs: format!("{} {}", input(on), input(from)),
                    path,
                    dest: dest.clone(),
                    options,
                }
            }
            FileAction::Mkdir { on, path, mode, makes_parents, owner, created } => {
                let mut options = BTreeMap::new();
                options.insert("owner", owner.clone());
                options.insert("mode", format!("{mode:o}"));
                options.insert("parents", makes_parents.to_string());
                options.insert("created", created.map_or(String::new(), |secs| secs.to_string()));
                Self { kind: "mkdir", inputs: input(on), path: path.clone(), dest: String::new(), options }
            }
            FileAction::Mkfile { on, path, mode, data } => {
                let mut options = BTreeMap::new();
                options.insert("data", Digest::of(data.as_bytes()).to_string());
                options.insert("mode", format!("{mode:o}"));
                Self { kind: "mkfile", inputs: input(on), path: path.clone(), dest: String::new(), options }
            }
        }
    }
}

/// `0755` is `755`; a symbolic mode stays as written.
fn normal_mode(chmod: &str) -> String {
    u32::from_str_radix(chmod, 8).map_or_else(|_| chmod.to_owned(), |mode| format!("{mode:o}"))
}

/// How a step looks at one of its inputs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dep {
    /// What it takes of it; part of the link by definition.
    pub selectors: Vec<Selector>,
    /// The content of what it takes gives a key of its own.
    pub by_content: bool,
}

impl Dep {
    /// The selectors as one digest; none where all of the input is taken.
    #[must_use]
    pub fn selector_digest(&self) -> Option<Digest> {
        if self.selectors.is_empty() {
            return None;
        }
        let mut hasher = Hasher::default();
        let mut paths: Vec<&str> = self.selectors.iter().map(|selector| selector.path.as_str()).collect();
        paths.sort_unstable();
        paths.iter().for_each(|path| hasher.field(path));
        Some(hasher.finish())
    }
}

/// How a step looks at each of its inputs.
#[must_use]
pub fn deps(step: &Step) -> Vec<Dep> {
    let mut deps = vec![Dep::default(); step.inputs.len()];
    match &step.op {
        Op::Exec(exec) => {
            for dep in &mut deps {
                dep.by_content = true;
            }
            for mount in &exec.mounts {
                let Some(dep) = mount.input.and_then(|idx| deps.get_mut(idx)) else { continue };
                if mount.has_output {
                    // What is written to is built upon, and never compared by content.
                    dep.by_content = false;
                }
                let path = if mount.selector.is_empty() { "/".to_owned() } else { mount.selector.clone() };
                if mount.dest != "/" {
                    dep.selectors.push(Selector { path, follows_links: true, ..Selector::default() });
                }
            }
            for dep in deps.iter_mut().filter(|dep| !dep.by_content) {
                dep.selectors.clear();
            }
        }
        Op::File(actions) => {
            let mut built_upon = vec![false; step.inputs.len()];
            for action in actions {
                let on = match action {
                    FileAction::Copy(copy) => copy.on,
                    FileAction::Mkdir { on, .. } | FileAction::Mkfile { on, .. } => *on,
                };
                if let FileInput::Input(idx) = on
                    && let Some(flag) = built_upon.get_mut(idx)
                {
                    *flag = true;
                }
            }
            for action in actions {
                let FileAction::Copy(copy) = action else { continue };
                let FileInput::Input(idx) = copy.from else { continue };
                if built_upon.get(idx).copied().unwrap_or(true) {
                    continue;
                }
                let Some(dep) = deps.get_mut(idx) else { continue };
                dep.by_content = true;
                dep.selectors.push(Selector {
                    path: copy.source.clone(),
                    is_wildcard: copy.is_path,
                    follows_links: copy.is_path,
                    includes: copy.includes.clone(),
                    excludes: copy.excludes.clone(),
                });
            }
            deps.iter_mut().for_each(|dep| {
                dep.selectors.sort();
                dep.selectors.dedup();
            });
        }
        Op::Image { .. } | Op::Local { .. } | Op::Merge | Op::Http { .. } | Op::Git { .. } => {}
    }
    deps
}
