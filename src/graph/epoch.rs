//! `SOURCE_DATE_EPOCH`: seconds, or what the time is taken from.
//!
//! Besides a number it may name the build context, a named context, or a stage
//! that is `FROM scratch` with nothing but `ARG`s and one remote `ADD`. What
//! time such a source has is known to nobody before it is fetched.

use super::convert::error_at;
use super::env::EnvList;
use super::{BuildOptions, GraphError};
use crate::dockerfile::instruction::{ArgDefinition, Copy, Instruction, Kind};
use crate::dockerfile::stage::{Dockerfile, Stage};
use crate::dockerfile::syntax::Spanned;
use crate::dockerfile::value::{SourceKind, check_digest};
use crate::dockerfile::word::{Env as _, Lex};
use crate::text::TextRange;

/// The variable's name.
pub(super) const NAME: &str = "SOURCE_DATE_EPOCH";

/// The time in seconds, if one is given as a number.
///
/// # Errors
/// A value that is neither a number nor the name of something that has a time.
pub fn read(
    file: &Dockerfile,
    options: &BuildOptions,
    global_args: &EnvList,
) -> Result<Option<i64>, GraphError> {
    let given = options.build_args.get(NAME).map(String::as_str);
    let Some(value) = given.or_else(|| global_args.get(NAME)).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    if let Ok(seconds) = value.parse() {
        return Ok(Some(seconds));
    }
    if value == "context" || options.named_contexts.contains_key(value) {
        return Ok(None);
    }
    let has_name = |stage: &&Stage| stage.name().is_some_and(|name| name.eq_ignore_ascii_case(value));
    let Some(stage) = file.stages.iter().find(has_name) else {
        let message = format!("invalid SOURCE_DATE_EPOCH: {value}");
        return Err(GraphError { message, range: TextRange::default(), lines: Vec::new() });
    };
    let mut env = global_args.clone();
    env.remove(NAME);
    let source = Source { lex: Lex::new(file.parse.escape), options, env };
    source.check(stage).map_err(|(message, at)| error_at(message, at.range, stage.instruction.lines))?;
    Ok(None)
}

/// A stage that the time is taken from.
struct Source<'a> {
    lex: Lex,
    options: &'a BuildOptions,
    env: EnvList,
}

type Found<'s> = (String, &'s Instruction);

impl Source<'_> {
    fn expand(&self, word: &Spanned) -> Result<String, String> {
        let expanded = self.lex.expand(&word.value, &self.env);
        expanded.map(|expansion| expansion.text).map_err(|error| error.to_string())
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
            let given = self.options.build_args.get(&arg.name.value).cloned();
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
