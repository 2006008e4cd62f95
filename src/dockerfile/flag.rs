//! Builder flags: `--name=value` between the keyword and the arguments.

use std::collections::BTreeMap;

use super::error::Problem;
use super::syntax::Spanned;
use crate::diagnostic::nearest;
use crate::text::TextRange;

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagKind {
    /// Nothing, `true` or `false`.
    Bool,
    /// One value.
    Text,
    /// A value each time it is given.
    List,
}

/// A flag that an instruction has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagSpec {
    /// Without the dashes.
    pub name: &'static str,
    /// What it takes.
    pub kind: FlagKind,
}

/// Shorthand for tables of flags.
#[must_use]
pub const fn spec(name: &'static str, kind: FlagKind) -> FlagSpec {
    FlagSpec { name, kind }
}

/// The flags given to one instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    values: BTreeMap<&'static str, Vec<Spanned>>,
}

impl Flags {
    /// Reads `words` against the flags that the instruction has.
    ///
    /// # Errors
    /// The first flag that is unknown, given twice or has no or a bad value.
    pub fn read(words: &[Spanned], specs: &[FlagSpec]) -> Result<Self, (Problem, TextRange)> {
        let mut flags = Self::default();
        for word in words {
            flags.add(word, specs).map_err(|problem| (problem, word.range))?;
        }
        Ok(flags)
    }

    fn add(&mut self, word: &Spanned, specs: &[FlagSpec]) -> Result<(), Problem> {
        let Some(body) = word.value.strip_prefix("--") else {
            return Err(Problem::BadValue(format!("arg should start with -- : {}", word.value)));
        };
        let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
        let Some(spec) = specs.iter().find(|spec| spec.name == name) else {
            let nearest = nearest(name, specs.iter().map(|spec| spec.name), false).map(str::to_owned);
            return Err(Problem::UnknownFlag { name: name.to_owned(), nearest });
        };
        if self.is_used(spec.name) && spec.kind != FlagKind::List {
            return Err(Problem::DuplicateFlag { name: name.to_owned() });
        }
        let end = word.value.len();
        let range = word.part(end - value.map_or(0, str::len), end);
        let missing = || Problem::MissingFlagValue { name: name.to_owned() };
        let value = match (spec.kind, value) {
            (FlagKind::Bool, None) => "true".to_owned(),
            (FlagKind::Bool, Some("")) | (FlagKind::Text | FlagKind::List, None) => return Err(missing()),
            (FlagKind::Bool, Some(value)) => {
                let lower = value.to_lowercase();
                if lower != "true" && lower != "false" {
                    return Err(Problem::NotBoolean { name: name.to_owned(), value: value.to_owned() });
                }
                lower
            }
            (FlagKind::Text | FlagKind::List, Some(value)) => value.to_owned(),
        };
        self.values.entry(spec.name).or_default().push(Spanned { value, range });
        Ok(())
    }

    /// The flag was given.
    #[must_use]
    pub fn is_used(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Names of the flags given, sorted.
    #[must_use]
    pub fn used(&self) -> Vec<&'static str> {
        self.values.keys().copied().collect()
    }

    /// The value of a flag that takes one.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&Spanned> {
        self.values.get(name).and_then(|values| values.first())
    }

    /// The value of a flag that is true or false; `None` if it was not given.
    #[must_use]
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value.value == "true")
    }

    /// All values of a flag that can be given several times.
    #[must_use]
    pub fn list(&self, name: &str) -> &[Spanned] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }
}
