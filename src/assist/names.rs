//! Stages and variables: where they are defined, and where they are used.
//!
//! A stage is named by `AS`, by FROM lines below it, and by `--from` and `from=`
//! (see `outline` for who finds which). A variable is
//! one *definition after another*: an ENV that hides an ARG of its name goes on
//! with the same variable, and so does a stage that declares a global ARG, or
//! one that is built on another stage. All ARGs of one name are one variable,
//! since one `--build-arg` sets them all.
//!
//! In commands of RUN, CMD, ENTRYPOINT and HEALTHCHECK it is a shell that reads
//! variables. Those outside of single quotes and escapes count here.

use super::Known;
use super::logical::Logical;
use super::outline::{Outline, sources};
use super::scope::{Def, Scope, VariableKind, Walk};
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::Node;
use crate::dockerfile::word::variables;
use crate::text::TextRange;

/// Somewhere a variable is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) range: TextRange,
    /// The definition that gives it, if one of the file does.
    pub(super) def: Option<usize>,
    pub(super) node: usize,
}

/// Every definition and every use of variables.
pub(super) struct Variables {
    pub(super) defs: Vec<Def>,
    /// Of each definition the first one of its variable.
    pub(super) groups: Vec<usize>,
    pub(super) uses: Vec<Use>,
}

impl Variables {
    pub(super) fn of(text: &str, file: &Dockerfile, outline: &Outline<'_>, known: &Known<'_>) -> Self {
        let mut walk = Walk::new(file, outline, known);
        // Which definition a use has is known by its number, which is given while walking.
        let mut uses = Vec::new();
        walk.run(&mut |idx, _, scope| {
            if let Some(node) = outline.nodes.get(idx) {
                read_uses(text, file, idx, node, scope, &mut uses);
            }
        });
        let groups = (0..walk.defs.len()).map(|def| walk.group(def)).collect();
        let mut all = Self { defs: walk.defs, groups, uses };
        all.later_words(outline);
        all
    }

    /// A word of an ARG sees the words before it, which the walk applies all at once.
    fn later_words(&mut self, outline: &Outline<'_>) {
        for used in &mut self.uses {
            let is_arg = outline.nodes.get(used.node).is_some_and(|node| node.keyword_upper() == "ARG");
            if !is_arg {
                continue;
            }
            let before = |def: &Def| {
                def.node == used.node && def.name == used.name && def.range.end() < used.range.start()
            };
            // The definition that the use stands in the default of does not see itself.
            let own = self
                .defs
                .iter()
                .rposition(|def| def.node == used.node && def.range.end() < used.range.start());
            if let Some(found) = self.defs.iter().rposition(before).filter(|found| Some(*found) != own) {
                used.def = Some(found);
            }
        }
    }

    pub(super) fn group(&self, def: usize) -> Option<usize> {
        self.groups.get(def).copied()
    }
}

/// The variables that an instruction reads.
fn read_uses(text: &str, file: &Dockerfile, idx: usize, node: &Node, scope: &Scope, uses: &mut Vec<Use>) {
    let def_of = |name: &str| scope.0.get(name).and_then(|bound| bound.def);
    let mut add = |name: String, range: TextRange| {
        let def = def_of(&name);
        uses.push(Use { name, range, def, node: idx });
    };
    let end = node.args_range.end().max(node.keyword.range.end());
    let logical = Logical::read(text, &file.parse.tokens, node.keyword.range.end(), end);
    for variable in variables(&logical.text, file.parse.escape) {
        let written = logical.text.get(variable.range.start()..variable.range.end()).unwrap_or("");
        let start = variable.range.start() + written.find(variable.name.as_str()).unwrap_or(0);
        let range = logical.range(start, start + variable.name.len());
        add(variable.name, range);
    }
    let is_run = node.sub.as_deref().unwrap_or(node).keyword_upper() == "RUN";
    for heredoc in &node.heredocs {
        if !heredoc.word.expands && !is_run {
            continue;
        }
        let body = heredoc.range.of(text);
        // The builder takes quotes in a body for plain characters, a shell does not.
        let plain: String = match is_run {
            true => body.to_owned(),
            false => body.replace(['\'', '"'], "."),
        };
        for variable in variables(&plain, '\\') {
            let written = plain.get(variable.range.start()..variable.range.end()).unwrap_or("");
            let at = variable.range.start() + written.find(variable.name.as_str()).unwrap_or(0);
            let start = heredoc.range.start() + at;
            add(variable.name.clone(), TextRange::new(start, start + variable.name.len()));
        }
    }
}

/// A stage or a variable at some place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// A stage of the file.
    Stage {
        idx: usize,
        /// The word at the place.
        range: TextRange,
    },
    /// A variable.
    Variable {
        name: String,
        /// The word at the place.
        range: TextRange,
        /// The definition that gives it there; at a definition, that one.
        def: Option<usize>,
        /// The place is at the definition.
        is_def: bool,
    },
}

fn touches(range: TextRange, offset: usize) -> bool {
    range.start() <= offset && offset <= range.end()
}

/// The stage that a word at `offset` names.
pub(super) fn stage_at(text: &str, outline: &Outline<'_>, offset: usize) -> Option<Name> {
    let idx = outline.node_before(offset)?;
    let node = outline.nodes.get(idx)?;
    let from = outline.stages.iter().position(|stage| stage.from == idx);
    if let Some(own) = from {
        let stage = outline.stages.get(own)?;
        if let Some(name) = stage.name.filter(|name| touches(name.range, offset)) {
            return Some(Name::Stage { idx: own, range: name.range });
        }
        let base = stage.base.filter(|base| touches(base.range, offset))?;
        let above = outline.stage_above(own, &base.value)?;
        return Some(Name::Stage { idx: above, range: base.range });
    }
    let source = sources(text, node).into_iter().find(|source| touches(source.range, offset))?;
    let found =
        if source.is_copy { outline.copy_source(&source.name) } else { outline.stage_named(&source.name) };
    Some(Name::Stage { idx: found?, range: source.range })
}

/// What is named at `offset`.
pub(super) fn name_at(text: &str, outline: &Outline<'_>, all: &Variables, offset: usize) -> Option<Name> {
    if let Some(found) = all.defs.iter().position(|def| touches(def.range, offset)) {
        let def = all.defs.get(found)?;
        return Some(Name::Variable {
            name: def.name.clone(),
            range: def.range,
            def: Some(found),
            is_def: true,
        });
    }
    if let Some(used) = all.uses.iter().find(|used| {
        // The `$` and a brace belong to it, too.
        let front = text.get(..used.range.start()).unwrap_or("");
        let mark = if front.ends_with("${") { 2 } else { 1 };
        touches(TextRange::new(used.range.start().saturating_sub(mark), used.range.end()), offset)
    }) {
        return Some(Name::Variable {
            name: used.name.clone(),
            range: used.range,
            def: used.def,
            is_def: false,
        });
    }
    stage_at(text, outline, offset)
}

/// All places that name a stage: its own name first, if it has one, then the
/// others in the order of the text.
pub(super) fn stage_places(text: &str, outline: &Outline<'_>, idx: usize) -> Vec<TextRange> {
    let mut places: Vec<TextRange> =
        outline.stages.get(idx).and_then(|stage| stage.name).map(|name| name.range).into_iter().collect();
    for (at, stage) in outline.stages.iter().enumerate() {
        let base = stage.base.filter(|base| outline.stage_above(at, &base.value) == Some(idx));
        places.extend(base.map(|base| base.range));
        for node in outline.nodes.get(stage.from + 1..stage.end).unwrap_or(&[]) {
            for source in sources(text, node) {
                let found = match source.is_copy {
                    true => outline.copy_source(&source.name),
                    false => outline.stage_named(&source.name),
                };
                if found == Some(idx) {
                    places.push(source.range);
                }
            }
        }
    }
    places
}

/// What a file and what is known say about names.
pub(super) fn read<'a>(text: &str, file: &'a Dockerfile, known: &Known<'_>) -> (Outline<'a>, Variables) {
    let outline = Outline::of(file);
    let all = Variables::of(text, file, &outline, known);
    (outline, all)
}

/// Where what is named at `offset` is defined: a stage by the name (or, without
/// one, the base) of its FROM, a variable by the ARG or ENV that gives it at that
/// place. From an ARG that declares a global one it goes on to that.
#[must_use]
pub fn definition(text: &str, file: &Dockerfile, offset: usize, known: &Known<'_>) -> Option<TextRange> {
    let (outline, all) = read(text, file, known);
    match name_at(text, &outline, &all, offset)? {
        Name::Stage { idx, .. } => outline.place_of(idx),
        Name::Variable { name, def, is_def, .. } => {
            let def = all.defs.get(def?)?;
            let is_global = |other: &&Def| other.kind == VariableKind::GlobalArg && other.name == name;
            let global = all.defs.iter().rfind(is_global);
            let goes_on = is_def && def.kind == VariableKind::Arg;
            Some(global.filter(|_| goes_on).unwrap_or(def).range)
        }
    }
}

/// Every place that names what is named at `offset`, definitions included, in order.
/// Of a variable that the file does not define these are its uses.
#[must_use]
pub fn references(text: &str, file: &Dockerfile, offset: usize, known: &Known<'_>) -> Vec<TextRange> {
    let (outline, all) = read(text, file, known);
    let mut places = match name_at(text, &outline, &all, offset) {
        None => Vec::new(),
        Some(Name::Stage { idx, .. }) => stage_places(text, &outline, idx),
        Some(Name::Variable { name, def, .. }) => variable_places(&all, &name, def),
    };
    places.sort_unstable();
    places.dedup();
    places
}

/// All places of a variable, given one of its definitions.
pub(super) fn variable_places(all: &Variables, name: &str, def: Option<usize>) -> Vec<TextRange> {
    let group = def.and_then(|def| all.group(def));
    let is_same = |def: Option<usize>| def.and_then(|def| all.group(def)) == group;
    let defs = all.defs.iter().enumerate().filter(|(idx, _)| group.is_some() && is_same(Some(*idx)));
    let uses = all.uses.iter().filter(|used| used.name == name && is_same(used.def));
    defs.map(|(_, def)| def.range).chain(uses.map(|used| used.range)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cursor, known};
    use super::*;

    /// The text with `«»` around the definition and `‹›` around the other places.
    #[track_caller]
    fn check(marked: &str, expected: &str) {
        let (text, offset) = cursor(marked);
        let file = Dockerfile::read(&text);
        let definition = definition(&text, &file, offset, &known());
        let mut shown = text.clone();
        for range in references(&text, &file, offset, &known()).iter().rev() {
            let (open, close) = if Some(*range) == definition { ("«", "»") } else { ("‹", "›") };
            shown.insert_str(range.end(), close);
            shown.insert_str(range.start(), open);
        }
        assert_eq!(shown, expected);
    }

    #[test]
    fn stages() {
        check(
            "FROM x AS Build\nFROM build\nCOPY --from=bu|ild a b\nCOPY --from=0 a b\nRUN --mount=from=BUILD,target=/b c\n",
            "FROM x AS «Build»\nFROM ‹build›\nCOPY --from=‹build› a b\nCOPY --from=‹0› a b\nRUN --mount=from=‹BUILD›,target=/b c\n",
        );
        check("FROM x\nFROM y\nCOPY --from=|0 a b\n", "FROM x\nFROM y\nCOPY --from=‹0› a b\n");
        check("FROM x AS a\nFROM y AS a\nFROM |a\n", "FROM x AS a\nFROM y AS «a»\nFROM ‹a›\n");
        check("FROM x AS a\nFROM |A\n", "FROM x AS a\nFROM A\n");
    }

    #[test]
    fn variables_follow_their_scope() {
        check(
            "ARG V=1\nFROM x:$V\nRUN echo $V\nARG V\nRUN echo \"${|V:-2}\" '$V' \\$V\n",
            "ARG ‹V›=1\nFROM x:$‹V›\nRUN echo $V\nARG «V»\nRUN echo \"${‹V›:-2}\" '$V' \\$V\n",
        );
        check("ARG V=1\nFROM x\nARG |V\n", "ARG «V»=1\nFROM x\nARG ‹V›\n");
        check(
            "FROM x AS a\nENV P=1\nFROM a\nENV P=$P:2\nRUN echo $|P\nFROM y\nENV P=3\n",
            "FROM x AS a\nENV ‹P›=1\nFROM a\nENV «P»=$‹P›:2\nRUN echo $‹P›\nFROM y\nENV P=3\n",
        );
        check("FROM x\nARG A=1 B=$A C=$|B\n", "FROM x\nARG A=1 «B»=$A C=$‹B›\n");
        check("FROM x\nARG A=$|A\n", "FROM x\nARG A=$‹A›\n");
    }

    #[test]
    fn heredocs_and_comments_in_between() {
        check(
            "FROM x\nENV N=1\nRUN a \\\n  # don't\n  $|N\nCOPY <<E /x\n'$N'\nE\nRUN <<E\n'$N' $N\nE\n",
            "FROM x\nENV «N»=1\nRUN a \\\n  # don't\n  $‹N›\nCOPY <<E /x\n'$‹N›'\nE\nRUN <<E\n'$N' $‹N›\nE\n",
        );
    }
}
