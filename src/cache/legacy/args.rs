//! Build arguments by the classic builder's rules.
//!
//! A value given on the command line beats the default of the line, which
//! beats the value of an `ARG` in front of the first FROM. The proxy arguments
//! need no line.

use std::collections::{BTreeMap, BTreeSet};

/// Arguments that are in force without an `ARG` line, and then are no part of a command.
const BUILTIN: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Arguments declared so far, with their defaults.
type Declared = BTreeMap<String, Option<String>>;

/// The arguments of a build while its lines are walked through.
#[derive(Clone, Debug, Default)]
pub(super) struct Args<'a> {
    given: BTreeMap<&'a str, &'a str>,
    /// Those in front of the first FROM.
    global: Declared,
    /// Those of the stage.
    local: Declared,
    /// Every name that some line declared.
    seen: BTreeSet<String>,
}

impl<'a> Args<'a> {
    pub(super) fn new(given: &'a BTreeMap<String, String>) -> Self {
        let given = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self { given, ..Self::default() }
    }

    /// A stage begins, with no arguments in force.
    pub(super) fn begin_stage(&mut self) {
        self.local.clear();
    }

    /// Takes an `ARG` of the stage, or one in front of the first FROM.
    pub(super) fn declare(&mut self, name: &str, default: Option<String>, is_global: bool) {
        self.seen.insert(name.to_owned());
        let declared = if is_global { &mut self.global } else { &mut self.local };
        declared.insert(name.to_owned(), default);
    }

    /// What a FROM and the global arguments can expand.
    pub(super) fn of_globals(&self) -> BTreeMap<String, String> {
        self.values(&self.global)
    }

    /// What is in force in the stage, but for names that its environment sets.
    pub(super) fn of_stage(&self, env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut values = self.values(&self.local);
        values.retain(|name, _| !env.contains_key(name));
        values
    }

    /// What a RUN stores in front of its words: `NAME=value`, sorted. `None` if nothing is in force.
    pub(super) fn of_run(&self, env: &BTreeMap<String, String>) -> Option<Vec<String>> {
        let values = self.of_stage(env);
        if values.is_empty() {
            return None;
        }
        let is_stored = |name: &str| self.local.contains_key(name) || !BUILTIN.contains(&name);
        let stored = values.iter().filter(|(name, _)| is_stored(name));
        let mut lines: Vec<String> = stored.map(|(name, value)| format!("{name}={value}")).collect();
        lines.sort();
        Some(lines)
    }

    /// Given, and declared by no line.
    pub(super) fn unused(&self) -> Vec<String> {
        let is_unused = |name: &&&str| !BUILTIN.contains(*name) && !self.seen.contains(**name);
        self.given.keys().filter(is_unused).map(|name| (*name).to_owned()).collect()
    }

    fn values(&self, declared: &Declared) -> BTreeMap<String, String> {
        let names = declared.keys().map(String::as_str).chain(BUILTIN);
        let value = |name: &str| -> Option<String> {
            let default = || declared.get(name).cloned().flatten();
            let given = self.given.get(name).map(|value| (*value).to_owned());
            given.or_else(default).or_else(|| self.global.get(name).cloned().flatten())
        };
        names.filter_map(|name| Some((name.to_owned(), value(name)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_a_run_stores() {
        let given = map(&[("B", "2"), ("HTTP_PROXY", "p")]);
        let mut args = Args::new(&given);
        let none = BTreeMap::new();
        // A proxy is in force without a line, and only its presence is stored.
        assert_eq!(args.of_run(&none), Some(vec![]));
        args.declare("C", Some("3".into()), true);
        args.declare("B", Some("1".into()), false);
        args.declare("C", None, false);
        args.declare("D", None, false);
        assert_eq!(args.of_run(&none), Some(vec!["B=2".into(), "C=3".into()]));
        args.declare("HTTP_PROXY", None, false);
        assert_eq!(args.of_run(&map(&[("B", "x"), ("C", "x")])), Some(vec!["HTTP_PROXY=p".into()]));
        args.begin_stage();
        assert_eq!(args.of_run(&map(&[("HTTP_PROXY", "x")])), None);
        assert!(args.unused().is_empty());
    }
}
