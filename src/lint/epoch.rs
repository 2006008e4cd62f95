//! `SOURCE_DATE_EPOCH`: seconds, or what the time is taken from.
//!
//! Besides a number it may name the build context, a named context, or a stage
//! that is `FROM scratch` with nothing but `ARG`s and one remote `ADD`.

use super::scope::Variables;
use super::walk::{Stopped, Walk, stop, stop_at};
use crate::dockerfile::instruction::{ArgDefinition, Copy, Instruction, Kind};
use crate::dockerfile::stage::Stage;
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::value::{SourceKind, check_digest};
use crate::dockerfile::word::{Env, Lex};

const NAME: &str = "SOURCE_DATE_EPOCH";

/// Checks the value that is in force, if any.
pub(super) fn check(walk: &Walk<'_>) -> Result<(), Stopped> {
    let given = walk.input.options.build_args.get(NAME).map(String::as_str);
    let Some(value) = given.or_else(|| walk.global_env.get(NAME)).filter(|value| !value.is_empty()) else {
        return Ok(());
    };
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && value.parse::<i64>().is_ok();
    if is_number || value == "context" || walk.input.options.named_contexts.contains_key(value) {
        return Ok(());
    }
    let stage = walk
        .file
        .stages
        .iter()
        .find(|stage| stage.name().is_some_and(|name| name.eq_ignore_ascii_case(value)));
    let Some(stage) = stage else {
        return Err(stop(format!("invalid SOURCE_DATE_EPOCH: {value}")));
    };
    let source = Source { walk, env: walk.global_env.clone() };
    source.check(stage).map_err(|(message, at)| stop_at(message, at.range, stage.instruction.lines))
}

/// A stage that the time is taken from.
struct Source<'w, 'a> {
    walk: &'w Walk<'a>,
    env: Variables,
}

type Found<'s> = (String, &'s Instruction);

impl Source<'_, '_> {
    fn expand(&self, word: &Spanned) -> Result<String, String> {
        let lex = Lex::new(self.walk.file.parse.escape);
        lex.expand(&word.value, &self.env).map(|expansion| expansion.text).map_err(|error| error.to_string())
    }

    fn check<'s>(mut self, stage: &'s Stage) -> Result<(), Found<'s>> {
        let at = &stage.instruction;
        if self.expand(&stage.from.base).map_err(|message| (message, at))? != "scratch" {
            return Err((format!("{NAME} stage must use FROM scratch"), at));
        }
        let mut n_sources = 0;
        for instruction in &stage.instructions {
            match &instruction.kind {
                Kind::Arg(args) => self.args(args).map_err(|message| (message, instruction))?,
                Kind::Add(_) if n_sources > 0 => {
                    return Err((format!("{NAME} stage must contain exactly one remote ADD"), instruction));
                }
                Kind::Add(copy) => {
                    n_sources += 1;
                    self.add(copy).map_err(|message| (message, instruction))?;
                }
                _ => {
                    let keyword = &instruction.keyword.value;
                    let message = format!(
                        "{NAME} stage does not meet source-only requirements: unsupported {keyword} instruction"
                    );
                    return Err((message, instruction));
                }
            }
        }
        if n_sources == 0 {
            return Err((format!("{NAME} stage must contain exactly one remote ADD"), at));
        }
        Ok(())
    }

    fn args(&mut self, args: &[ArgDefinition]) -> Result<(), String> {
        for arg in args {
            let given = self.walk.input.options.build_args.get(&arg.name.value).cloned();
            let value = match (given, &arg.default) {
                (Some(given), _) => given,
                (None, Some(default)) => self.expand(default)?,
                (None, None) => continue,
            };
            self.env.set(&arg.name.value, &value);
        }
        Ok(())
    }

    fn add(&self, copy: &Copy) -> Result<(), String> {
        let ([source], []) = (copy.sources.as_slice(), copy.inline.as_slice()) else {
            return Err(format!("{NAME} stage must contain exactly one remote ADD source"));
        };
        match SourceKind::of(&self.expand(source)?)? {
            SourceKind::Git => Ok(()),
            SourceKind::Http => match &copy.checksum {
                Some(checksum) => check_digest(&self.expand(checksum)?),
                None => Ok(()),
            },
            SourceKind::Local => Err(format!("{NAME} stage source must be a single HTTP(S) or Git ADD")),
        }
    }
}
