//! The variables outside of stages: automatic arguments and global `ARG`s.

use std::collections::BTreeMap;

use super::walk::{Stopped, stop_at};
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::word::{Env, Lex};
use crate::oci::Platform;

/// Variables, and the order in which they were set last.
///
/// The order decides which of two equally near names is suggested.
#[derive(Clone, Default)]
pub(super) struct Variables {
    by_name: BTreeMap<String, (usize, String)>,
    n_set: usize,
}

impl Variables {
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.n_set += 1;
        self.by_name.insert(name.to_owned(), (self.n_set, value.to_owned()));
    }

    /// The names in order.
    pub(super) fn names(&self) -> Vec<&str> {
        self.iter().into_iter().map(|(name, _)| name).collect()
    }

    /// The variables in order.
    pub(super) fn iter(&self) -> Vec<(&str, &str)> {
        let mut all: Vec<_> = self.by_name.iter().collect();
        all.sort_unstable_by_key(|(_, (order, _))| *order);
        all.into_iter().map(|(name, (_, value))| (name.as_str(), value.as_str())).collect()
    }
}

impl Env for Variables {
    fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(|(_, value)| value.as_str())
    }
}

/// The automatic arguments. A build argument of the same name wins.
pub(super) fn automatic(target: &Platform, stage: &str, build_args: &BTreeMap<String, String>) -> Variables {
    let build = Platform::linux_amd64();
    let mut env = Variables::default();
    let mut set = |name: &str, value: &str| {
        env.set(name, build_args.get(name).map_or(value, String::as_str));
    };
    for (prefix, platform) in [("BUILD", &build), ("TARGET", target)] {
        set(&format!("{prefix}PLATFORM"), &platform.to_string());
        set(&format!("{prefix}OS"), &platform.os);
        set(&format!("{prefix}OSVERSION"), platform.os_version.as_deref().unwrap_or(""));
        set(&format!("{prefix}ARCH"), &platform.architecture);
        set(&format!("{prefix}VARIANT"), platform.variant.as_deref().unwrap_or(""));
    }
    set("TARGETSTAGE", if stage.is_empty() { "default" } else { stage });
    env
}

/// Adds the global `ARG`s in order: what is given, else the default, which may
/// use the arguments before it. An argument with neither stays unset.
pub(super) fn with_global_args(
    mut env: Variables,
    file: &Dockerfile,
    build_args: &BTreeMap<String, String>,
) -> Result<Variables, Stopped> {
    let lex = Lex::new(file.parse.escape);
    for (arg, instruction) in file.global_arg_definitions() {
        let value = match (build_args.get(&arg.name.value), &arg.default) {
            (Some(given), _) => given.clone(),
            (None, Some(default)) => {
                let expansion = lex.expand(&default.value, &env);
                expansion.map_err(|error| stop_at(error.to_string(), default.range, instruction.lines))?.text
            }
            (None, None) => continue,
        };
        env.set(&arg.name.value, &value);
    }
    Ok(env)
}
