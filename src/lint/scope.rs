//! The variables outside of stages: automatic arguments and global `ARG`s.

use std::collections::BTreeMap;

use super::walk::{Stopped, stop_at};
use crate::diagnostic::nearest;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::word::{Env, Lex};
use crate::oci::Platform;

/// How many names are looked at for suggestions in all. A file that asks for
/// more, thousands of variables and as many misspelled ones, gets no further ones.
const MAX_COMPARED: usize = 5_000_000;

/// Variables, and the order in which they were set last.
///
/// The order decides which of two equally near names is suggested.
#[derive(Clone, Default)]
pub(super) struct Variables {
    by_name: BTreeMap<String, (usize, String)>,
    by_order: BTreeMap<usize, String>,
    n_set: usize,
    /// The nearest name of each that was asked for, among those set so far.
    nearest: BTreeMap<String, Nearest>,
    n_compared: usize,
}

/// A name found near another.
#[derive(Clone, Default)]
struct Nearest {
    /// The order of the last variable that was looked at.
    seen: usize,
    found: Option<(usize, String)>,
}

impl Variables {
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.n_set += 1;
        let slot = self.by_name.entry(name.to_owned()).or_default();
        self.by_order.remove(&slot.0);
        *slot = (self.n_set, value.to_owned());
        self.by_order.insert(self.n_set, name.to_owned());
    }

    /// The names in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_order.values().map(String::as_str)
    }

    /// The variables in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names().filter_map(|name| Some((name, self.get(name)?)))
    }

    /// The name of a variable near `name`, which is none itself.
    pub(super) fn nearest(&mut self, name: &str) -> Option<&str> {
        let mut known = self.nearest.remove(name).unwrap_or_default();
        // A name that was set again stands behind others that are as near.
        if known.found.as_ref().is_some_and(|(order, _)| !self.by_order.contains_key(order)) {
            known = Nearest::default();
        }
        if self.n_compared < MAX_COMPARED {
            let first = known.found.iter().map(|(order, name)| (order, name));
            let later = self.by_order.range(known.seen + 1..);
            self.n_compared += self.by_order.len().min(self.n_set - known.seen);
            let all: Vec<(&usize, &String)> = first.chain(later).collect();
            let found = nearest(name, all.iter().map(|(_, name)| name.as_str()), false);
            let found = all.iter().find(|(_, name)| Some(name.as_str()) == found);
            known.found = found.map(|(order, name)| (**order, (*name).clone()));
            known.seen = self.n_set;
        }
        let known = self.nearest.entry(name.to_owned()).or_insert(known);
        known.found.as_ref().map(|(_, name)| name.as_str())
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
