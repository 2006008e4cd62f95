//! A stage or a variable gets another name everywhere, or a reason why not.
//!
//! Nothing is guessed: where something may mean the name without being one of
//! the places that are changed, the rename is refused with that place. So it is
//! where a command mentions a variable without `$` or within single quotes (a
//! nested shell or a program may read it), where a trigger names either, since
//! it runs in other builds, and where a FROM may come to a stage's name by a variable.
//!
//! What is not in the file is not seen: `--target`, `--build-arg` and programs
//! that read their environment by themselves have to be told.

use super::Known;
use super::docs::predefined;
use super::names::{Name, Variables, name_at, read, stage_places, variable_places};
use super::outline::{Outline, sources};
use super::scope::VariableKind;
use crate::diagnostic::TextEdit;
use crate::dockerfile::instruction::is_stage_name;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::{Node, TokenKind};
use crate::dockerfile::word::variables;
use crate::text::TextRange;

/// Why nothing was renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenameProblem {
    /// Neither a stage nor a variable is named there.
    NothingHere,
    /// The stage has no name that could change.
    NoName,
    /// The variable is not defined in the file.
    NotDefined {
        /// Its name.
        name: String,
    },
    /// No stage can be called so.
    StageName {
        /// The new name.
        name: String,
    },
    /// No variable can be called so.
    VariableName {
        /// The new name.
        name: String,
    },
    /// Builders give the name a meaning of its own.
    Reserved {
        /// The name.
        name: String,
    },
    /// Something else in the file is called so.
    Taken {
        /// The new name.
        name: String,
        /// Where it stands.
        range: TextRange,
    },
    /// This may mean it as well, and would be left behind.
    MayMean {
        /// The old name.
        name: String,
        /// Where.
        range: TextRange,
        /// Why it is not certain: a phrase.
        reason: &'static str,
    },
}

impl std::fmt::Display for RenameProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NothingHere => f.write_str("neither a stage nor a variable stands here"),
            Self::NoName => f.write_str("this stage has no name; give it one with AS"),
            Self::NotDefined { name } => write!(f, "`{name}` is not defined in this file"),
            Self::StageName { name } => write!(
                f,
                "`{name}` cannot name a stage: begin with a lower-case letter, go on with such letters, digits, `-`, `_` or `.`"
            ),
            Self::VariableName { name } => write!(
                f,
                "`{name}` cannot name a variable: begin with a letter or _, go on with letters, digits, _"
            ),
            Self::Reserved { name } => write!(f, "`{name}` has a meaning of its own for builders"),
            Self::Taken { name, .. } => write!(f, "`{name}` is taken already"),
            Self::MayMean { name, reason, .. } => write!(f, "not every use of `{name}` is certain: {reason}"),
        }
    }
}

impl std::error::Error for RenameProblem {}

/// Renames what is named at `offset`, or tells why not. The edits are in order.
///
/// # Errors
/// Where the new name cannot be, or a use of the old one is not certain.
pub fn rename(
    text: &str,
    file: &Dockerfile,
    offset: usize,
    new_name: &str,
) -> Result<Vec<TextEdit>, RenameProblem> {
    let nothing = std::collections::BTreeMap::new();
    let known = Known { paths: &[], contexts: &[], build_args: &nothing, base_env: &[] };
    let (outline, all) = read(text, file, &known);
    let rename = Rename { text, file, outline: &outline, all: &all };
    let mut places = match name_at(text, &outline, &all, offset).ok_or(RenameProblem::NothingHere)? {
        Name::Stage { idx, .. } => rename.stage(idx, new_name)?,
        Name::Variable { name, def, .. } => rename.variable(&name, def, new_name)?,
    };
    places.sort_unstable();
    places.dedup();
    places.retain(|range| range.of(text) != new_name);
    Ok(places.into_iter().map(|range| TextEdit { range, insert: new_name.to_owned() }).collect())
}

/// What can be renamed at `offset`: the word there.
///
/// # Errors
/// Where nothing can be.
pub fn renamed_word(text: &str, file: &Dockerfile, offset: usize) -> Result<TextRange, RenameProblem> {
    let nothing = std::collections::BTreeMap::new();
    let known = Known { paths: &[], contexts: &[], build_args: &nothing, base_env: &[] };
    let (outline, all) = read(text, file, &known);
    match name_at(text, &outline, &all, offset).ok_or(RenameProblem::NothingHere)? {
        Name::Stage { idx, range } => match outline.stages.get(idx).and_then(|stage| stage.name) {
            Some(_) if range.of(text).parse::<i64>().is_err() => Ok(range),
            Some(name) => Ok(name.range),
            None => Err(RenameProblem::NoName),
        },
        Name::Variable { range, def: Some(_), .. } => Ok(range),
        Name::Variable { name, .. } => Err(RenameProblem::NotDefined { name }),
    }
}

struct Rename<'a> {
    text: &'a str,
    file: &'a Dockerfile,
    outline: &'a Outline<'a>,
    all: &'a Variables,
}

impl Rename<'_> {
    fn stage(&self, idx: usize, new_name: &str) -> Result<Vec<TextRange>, RenameProblem> {
        let stage = self.outline.stages.get(idx).ok_or(RenameProblem::NothingHere)?;
        let own = stage.name.ok_or(RenameProblem::NoName)?;
        let old = own.value.to_lowercase();
        if !is_stage_name(new_name) || new_name != new_name.to_lowercase() {
            return Err(RenameProblem::StageName { name: new_name.to_owned() });
        }
        if matches!(new_name, "scratch" | "context") {
            return Err(RenameProblem::Reserved { name: new_name.to_owned() });
        }
        let taken = |range| RenameProblem::Taken { name: new_name.to_owned(), range };
        for (at, other) in self.outline.stages.iter().enumerate() {
            if let Some(name) = other.name.filter(|name| at != idx && name.value.to_lowercase() == new_name) {
                return Err(taken(name.range));
            }
            // An image of that name would become the stage.
            if let Some(base) = other.base.filter(|base| old != new_name && base.value == new_name) {
                return Err(taken(base.range));
            }
            if let Some(base) = other.base.filter(|base| at > idx && self.may_come_to(&base.value, &old)) {
                let reason = "a FROM comes to it by a variable";
                return Err(RenameProblem::MayMean { name: old, range: base.range, reason });
            }
        }
        for node in self.outline.nodes {
            let trigger = node.sub.as_deref().into_iter().flat_map(|sub| sources(self.text, sub));
            if let Some(source) = trigger.into_iter().find(|source| source.name.to_lowercase() == old) {
                let reason = "a trigger runs in other builds";
                return Err(RenameProblem::MayMean { name: old, range: source.range, reason });
            }
            let named = |source: &super::outline::SourceName| {
                source.name.to_lowercase() == new_name && old != new_name
            };
            if let Some(source) = sources(self.text, node).into_iter().find(named) {
                return Err(taken(source.range));
            }
        }
        let mut places = stage_places(self.text, self.outline, idx);
        // A number goes on to be right.
        places.retain(|range| range.of(self.text).parse::<i64>().is_err());
        // Where a value has quotes, what is written is more than the name.
        if let Some(range) = places.iter().find(|range| !range.of(self.text).eq_ignore_ascii_case(&old)) {
            let reason = "it is written with quotes";
            return Err(RenameProblem::MayMean { name: old, range: *range, reason });
        }
        places.extend(self.comment_word(stage.from, &own.value));
        Ok(places)
    }

    /// A FROM with variables may come to the name of a stage: by its defaults,
    /// or because what stands around them fits.
    fn may_come_to(&self, base: &str, name: &str) -> bool {
        let found = variables(base, self.file.parse.escape);
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return false };
        let front = base.get(..first.range.start()).unwrap_or("");
        let rest = base.get(last.range.end()..).unwrap_or("");
        // Behind a modifier it ends with the brace.
        let back = rest.rsplit('}').next().unwrap_or("");
        let is_alone = front.is_empty() && back.is_empty();
        if !is_alone {
            return name.len() >= front.len() + back.len() && name.starts_with(front) && name.ends_with(back);
        }
        let default = |word: &str| {
            let (var, value) = word.split_once('=')?;
            (found.iter().any(|used| used.name == var) && value.trim_matches(['"', '\'']) == name)
                .then_some(())
        };
        let first_stage = self.outline.stages.first().map_or(0, |stage| stage.from);
        let mut globals = self.outline.nodes.iter().take(first_stage).flat_map(|node| &node.args);
        globals.any(|word| default(&word.value).is_some()) || base.contains(&format!("-{name}}}"))
    }

    fn variable(
        &self,
        name: &str,
        def: Option<usize>,
        new_name: &str,
    ) -> Result<Vec<TextRange>, RenameProblem> {
        let def = def.ok_or_else(|| RenameProblem::NotDefined { name: name.to_owned() })?;
        if !is_variable_name(new_name) {
            return Err(RenameProblem::VariableName { name: new_name.to_owned() });
        }
        for name in [name, new_name] {
            if is_reserved(name) {
                return Err(RenameProblem::Reserved { name: name.to_owned() });
            }
        }
        if name == new_name {
            return Ok(Vec::new());
        }
        self.free(new_name)?;
        let mut places = variable_places(self.all, name, Some(def));
        // A definition with quotes around its name is more than the name.
        if let Some(range) = places.iter().find(|range| range.of(self.text) != name) {
            let reason = "it is written with quotes";
            return Err(RenameProblem::MayMean { name: name.to_owned(), range: *range, reason });
        }
        let group = self.all.group(def);
        let nodes = self.nodes_in_scope(group);
        for (idx, node) in self.outline.nodes.iter().enumerate() {
            if let Some((range, reason)) = self.uncertain(node, name, &places, nodes.contains(&idx)) {
                return Err(RenameProblem::MayMean { name: name.to_owned(), range, reason });
            }
        }
        let own = self.all.defs.iter().enumerate().filter(|(idx, _)| self.all.group(*idx) == group);
        for (_, def) in own.filter(|(_, def)| def.kind != VariableKind::Env) {
            places.extend(self.comment_word(def.node, name));
        }
        Ok(places)
    }

    /// Nothing in the file is called so, neither with a `$` nor as a word of a command.
    fn free(&self, name: &str) -> Result<(), RenameProblem> {
        let used = self.all.uses.iter().find(|used| used.name == name).map(|used| used.range);
        let defined = self.all.defs.iter().find(|def| def.name == name).map(|def| def.range);
        let mentioned = || {
            let in_commands = |node: &&Node| is_command(node);
            self.outline.nodes.iter().filter(in_commands).find_map(|node| self.mention(node, name, &[]))
        };
        match used.or(defined).or_else(mentioned) {
            Some(range) => Err(RenameProblem::Taken { name: name.to_owned(), range }),
            None => Ok(()),
        }
    }

    /// The instructions that could read the variable: those of stages that define or use it.
    fn nodes_in_scope(&self, group: Option<usize>) -> Vec<usize> {
        let defs = self.all.defs.iter().enumerate().filter(|(idx, _)| self.all.group(*idx) == group);
        let uses = self.all.uses.iter().filter(|used| used.def.and_then(|def| self.all.group(def)) == group);
        let nodes = defs.map(|(_, def)| def.node).chain(uses.map(|used| used.node));
        let mut open: Vec<usize> = nodes.filter_map(|node| self.outline.stage_of(node)).collect();
        let mut stages: Vec<usize> = Vec::new();
        while let Some(stage) = open.pop() {
            if stages.contains(&stage) {
                continue;
            }
            stages.push(stage);
            // What is built on it has the variable as well.
            for (idx, other) in self.outline.stages.iter().enumerate() {
                let parent = other.base.and_then(|base| self.outline.stage_above(idx, &base.value));
                if parent == Some(stage) {
                    open.push(idx);
                }
            }
        }
        let lines = stages.iter().filter_map(|stage| self.outline.stages.get(*stage));
        lines.flat_map(|stage| stage.from..stage.end).collect()
    }

    /// Where an instruction may mean the variable besides the places that are known.
    fn uncertain(
        &self,
        node: &Node,
        name: &str,
        places: &[TextRange],
        is_in_scope: bool,
    ) -> Option<(TextRange, &'static str)> {
        if node.sub.is_some() {
            let range = self.mention(node, name, &[])?;
            return Some((range, "a trigger runs in other builds"));
        }
        if !is_in_scope || !is_command(node) {
            return None;
        }
        if node.is_json && !is_shell_call(node) {
            let range = self.mention(node, name, &[])?;
            return Some((range, "nothing expands variables in an exec form"));
        }
        let range = self.mention(node, name, places)?;
        Some((range, "a command mentions it in another way than by `$`"))
    }

    /// Where an instruction has `name` as a word, outside of `places` and of comments.
    fn mention(&self, node: &Node, name: &str, places: &[TextRange]) -> Option<TextRange> {
        let bodies = node.heredocs.iter().map(|heredoc| heredoc.range);
        let line = TextRange::new(node.keyword.range.end(), node.args_range.end());
        let is_comment = |at: usize| {
            let tokens = &self.file.parse.tokens;
            let idx = tokens.partition_point(|token| token.range.end() <= at);
            tokens.get(idx).is_some_and(|token| token.kind == TokenKind::Comment)
        };
        let is_name = |ch: char| ch.is_alphanumeric() || ch == '_';
        std::iter::once(line).chain(bodies).find_map(|range| {
            let text = range.of(self.text);
            text.match_indices(name).find_map(|(at, _)| {
                let found = TextRange::new(range.start() + at, range.start() + at + name.len());
                let is_whole = !text.get(..at).is_some_and(|before| before.ends_with(is_name))
                    && !text.get(at + name.len()..).is_some_and(|after| after.starts_with(is_name));
                (is_whole && !places.contains(&found) && !is_comment(found.start())).then_some(found)
            })
        })
    }

    /// The word of the comment above a definition that describes it: its first, if it is the name.
    fn comment_word(&self, node: usize, name: &str) -> Option<TextRange> {
        let node = self.outline.nodes.get(node)?;
        let tokens = &self.file.parse.tokens;
        let end = tokens.partition_point(|token| token.range.start() < node.range.start());
        let above = tokens.get(..end)?.iter().rev().take_while(|token| {
            matches!(token.kind, TokenKind::Comment | TokenKind::Space | TokenKind::Newline)
        });
        let mut comments = above.filter(|token| token.kind == TokenKind::Comment);
        comments.find_map(|token| {
            let text = token.range.of(self.text);
            let words = text.strip_prefix('#')?;
            let start = token.range.start() + 1 + words.len() - words.trim_start().len();
            words.trim_start().strip_prefix(name)?.strip_prefix(' ')?;
            Some(TextRange::new(start, start + name.len()))
        })
    }
}

/// Its arguments are for a shell or a program.
fn is_command(node: &Node) -> bool {
    let node = node.sub.as_deref().unwrap_or(node);
    matches!(node.keyword_upper().as_str(), "RUN" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK" | "SHELL")
}

/// An exec form that hands a text to a shell.
fn is_shell_call(node: &Node) -> bool {
    let mut words = node.args.iter().map(|word| word.value.as_str()).skip_while(|word| *word == "CMD");
    words.next().is_some_and(|program| program.ends_with("sh"))
        && words.next().is_some_and(|option| option.starts_with('-') && option.ends_with('c'))
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|ch: char| ch.is_ascii_alphabetic() || ch == '_')
        && name.chars().all(|ch| ch.is_ascii_alphanumeric() || ch == '_')
}

/// What gets its meaning from its name.
fn is_reserved(name: &str) -> bool {
    matches!(name, "PATH" | "HOME" | "USER" | "SHELL" | "TERM" | "LANG" | "TZ" | "DEBIAN_FRONTEND")
        || name.starts_with("LC_")
        || name.starts_with("BUILDKIT_")
        || predefined(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::testing::cursor;
    use super::*;
    use crate::diagnostic::Fix;

    #[track_caller]
    fn check(marked: &str, new_name: &str, expected: &str) {
        let (text, offset) = cursor(marked);
        let edits = rename(&text, &Dockerfile::read(&text), offset, new_name).unwrap();
        assert_eq!(Fix { label: String::new(), edits }.apply(&text), expected);
    }

    #[track_caller]
    fn refused(marked: &str, new_name: &str, expected: &str) {
        let (text, offset) = cursor(marked);
        let problem = rename(&text, &Dockerfile::read(&text), offset, new_name).unwrap_err();
        assert_eq!(problem.to_string(), expected, "{marked}");
    }

    #[test]
    fn stages() {
        check(
            "# build compiles\nFROM x AS bui|ld\nFROM build AS test\nFROM y\nCOPY --from=BUILD a b\nCOPY --from=0 a b\nRUN --mount=type=bind,from=build,target=/b c\n",
            "compile",
            "# compile compiles\nFROM x AS compile\nFROM compile AS test\nFROM y\nCOPY --from=compile a b\nCOPY --from=0 a b\nRUN --mount=type=bind,from=compile,target=/b c\n",
        );
        check("FROM x AS |Build\n", "build", "FROM x AS build\n");
    }

    #[test]
    fn stage_names_that_cannot_be() {
        let file = "FROM x AS |a\nFROM y AS b\nCOPY --from=nginx c d\n";
        let rule = "cannot name a stage: begin with a lower-case letter, go on with such letters, digits, `-`, `_` or `.`";
        for name in ["0a", "A", "a b", "", "ä"] {
            refused(file, name, &format!("`{name}` {rule}"));
        }
        refused(file, "b", "`b` is taken already");
        refused(file, "y", "`y` is taken already");
        refused(file, "nginx", "`nginx` is taken already");
        refused(file, "scratch", "`scratch` has a meaning of its own for builders");
        refused("FROM x\nFROM y\nCOPY --from=|0 a b\n", "a", "this stage has no name; give it one with AS");
        refused("FROM x AS a\nRUN |b\n", "c", "neither a stage nor a variable stands here");
    }

    #[test]
    fn stages_that_are_meant_otherwise() {
        let by_variable = "not every use of `build-dev` is certain: a FROM comes to it by a variable";
        refused("ARG M=prod\nFROM x AS |build-dev\nFROM build-${M}\n", "d", by_variable);
        refused("ARG M=build-dev\nFROM x AS |build-dev\nFROM $M\n", "d", by_variable);
        check("ARG M=alpine\nFROM x AS |a\nFROM ${M}\n", "b", "ARG M=alpine\nFROM x AS b\nFROM ${M}\n");
        refused(
            "FROM x AS |a\nFROM y\nONBUILD COPY --from=a b c\n",
            "d",
            "not every use of `a` is certain: a trigger runs in other builds",
        );
    }

    #[test]
    fn variables() {
        check(
            "# V is the version\nARG |V=1\nFROM x:$V AS a\nARG V\nRUN echo ${V:-0} \"$V\"\nFROM a\nCOPY x$V /y\nFROM z\nRUN echo $V\n",
            "VERSION",
            "# VERSION is the version\nARG VERSION=1\nFROM x:$VERSION AS a\nARG VERSION\nRUN echo ${VERSION:-0} \"$VERSION\"\nFROM a\nCOPY x$VERSION /y\nFROM z\nRUN echo $V\n",
        );
        check(
            "FROM x\nENV D=/d\nWORKDIR $|D\nCMD [\"sh\", \"-c\", \"ls $D\"]\n",
            "E",
            "FROM x\nENV E=/d\nWORKDIR $E\nCMD [\"sh\", \"-c\", \"ls $E\"]\n",
        );
    }

    #[test]
    fn variables_that_are_meant_otherwise() {
        let other = "not every use of `V` is certain: a command mentions it in another way than by `$`";
        for command in ["printenv V", "sh -c 'echo $V'", "V=2 make", "echo ${#V}", "echo \\$V"] {
            refused(&format!("FROM x\nARG |V=1\nRUN {command}\n"), "W", other);
        }
        refused(
            "FROM x\nENV |V=1\nCMD [\"a\", \"$V\"]\n",
            "W",
            "not every use of `V` is certain: nothing expands variables in an exec form",
        );
        refused(
            "FROM x\nARG |V\nONBUILD RUN $V\n",
            "W",
            "not every use of `V` is certain: a trigger runs in other builds",
        );
        refused("FROM x\nARG |V\nENV W=1\n", "W", "`W` is taken already");
        refused("FROM x\nARG |V\nRUN W=1 a\n", "W", "`W` is taken already");
        refused(
            "FROM x\nARG |V\n",
            "1W",
            "`1W` cannot name a variable: begin with a letter or _, go on with letters, digits, _",
        );
        refused("FROM x\nARG |TARGETARCH\n", "W", "`TARGETARCH` has a meaning of its own for builders");
        refused("FROM x\nCOPY $|V /\n", "W", "`V` is not defined in this file");
        check("FROM x\nARG |V\nRUN a \\\n # V\n $V\n", "W", "FROM x\nARG W\nRUN a \\\n # V\n $W\n");
    }

    #[test]
    fn the_word_to_rename() {
        let word = |marked| {
            let (text, offset) = cursor(marked);
            renamed_word(&text, &Dockerfile::read(&text), offset).map(|range| range.of(&text).to_owned())
        };
        assert_eq!(word("FROM x AS a\nFROM y\nCOPY --from=|0 a b\n"), Ok("a".into()));
        assert_eq!(word("FROM x\nARG V\nRUN $|V\n"), Ok("V".into()));
        assert_eq!(word("FROM |x\n"), Err(RenameProblem::NothingHere));
    }
}
