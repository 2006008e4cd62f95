//! Variables in force at a place, and what they hold as far as that is known.
//!
//! ```text
//! global    automatic arguments, then each ARG above the first FROM; only FROM lines see it
//! stage     the variables of its base, then each ENV and ARG, in order
//! ARG x     the build argument, else the default, else the global argument of that name
//! ENV x=v   all values of one instruction see what was in force before it
//! base      a stage hands on all it has, its triggers run first; an image its ENV
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::Known;
use super::docs::PLATFORM_NAMES;
use super::outline::Outline;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::{Node, Spanned};
use crate::dockerfile::word::{Env, Lex};
use crate::text::TextRange;

/// Where a variable comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VariableKind {
    /// Set by the builder in the global scope.
    Automatic,
    /// An ARG above the first FROM.
    GlobalArg,
    /// An ARG of a stage.
    Arg,
    /// An ENV.
    Env,
    /// The environment of the base image.
    Base,
}

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// This.
    Known(String),
    /// Nothing: an ARG without a value.
    Unset,
    /// It depends on what is not known.
    Unknown,
}

/// A variable in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) kind: VariableKind,
    /// Which definition gives it, if one of the file does.
    pub(super) def: Option<usize>,
    pub(super) value: Value,
}

/// A name that an ARG or an ENV defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Def {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) range: TextRange,
    pub(super) kind: VariableKind,
    pub(super) node: usize,
    /// An earlier definition of the same variable; itself where it is the first.
    earlier: usize,
}

/// The variables in force at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope(pub(super) BTreeMap<String, Bound>);

impl Env for Scope {
    fn get(&self, name: &str) -> Option<&str> {
        match &self.0.get(name)?.value {
            Value::Known(value) => Some(value),
            Value::Unset | Value::Unknown => None,
        }
    }
}

/// A walk over all instructions with the variables in force before each.
pub(super) struct Walk<'a> {
    outline: &'a Outline<'a>,
    lex: Lex,
    known: &'a Known<'a>,
    global: Scope,
    /// Every definition that was passed.
    pub(super) defs: Vec<Def>,
    /// Of each build argument the first definition.
    args: BTreeMap<String, usize>,
    /// Where the last definition of the text that was passed begins.
    last_start: usize,
}

/// Called for each instruction, with its stage.
pub(super) type Visit<'v> = dyn FnMut(usize, Option<usize>, &Scope) + 'v;

impl<'a> Walk<'a> {
    pub(super) fn new(file: &'a Dockerfile, outline: &'a Outline<'a>, known: &'a Known<'a>) -> Self {
        let mut global = Scope::default();
        for name in PLATFORM_NAMES {
            let given = known.build_args.get(name);
            let value = given.map_or(Value::Unknown, |given| Value::Known(given.clone()));
            let bound = Bound { kind: VariableKind::Automatic, def: None, value };
            global.0.insert(name.to_owned(), bound);
        }
        let lex = Lex::new(file.parse.escape);
        Self { outline, lex, known, global, defs: Vec::new(), args: BTreeMap::new(), last_start: 0 }
    }

    /// Passes all instructions.
    pub(super) fn run(&mut self, visit: &mut Visit<'_>) {
        let outline = self.outline;
        let first = outline.stages.first().map_or(outline.nodes.len(), |stage| stage.from);
        let mut global = std::mem::take(&mut self.global);
        for (idx, node) in outline.nodes.iter().enumerate().take(first) {
            visit(idx, None, &global);
            self.apply(&mut global, idx, node, true);
        }
        self.global = global;
        let parents = self.parents();
        let wanted: BTreeSet<usize> = parents.iter().flatten().copied().collect();
        let mut ends: BTreeMap<usize, Scope> = BTreeMap::new();
        for (stage_idx, stage) in outline.stages.iter().enumerate() {
            visit(stage.from, Some(stage_idx), &self.global);
            let mut scope = Scope::default();
            if let Some(parent) = parents.get(stage_idx).copied().flatten() {
                scope = ends.get(&parent).cloned().unwrap_or_default();
                self.triggers(&mut scope, parent);
            }
            for (name, value) in self.known.base_env.get(stage_idx).into_iter().flatten() {
                let bound = Bound { kind: VariableKind::Base, def: None, value: Value::Known(value.clone()) };
                scope.0.insert(name.clone(), bound);
            }
            for idx in stage.from + 1..stage.end {
                let Some(node) = outline.nodes.get(idx) else { break };
                visit(idx, Some(stage_idx), &scope);
                self.apply(&mut scope, idx, node, false);
            }
            if wanted.contains(&stage_idx) {
                ends.insert(stage_idx, scope);
            }
        }
    }

    /// The stage that each stage begins with.
    fn parents(&self) -> Vec<Option<usize>> {
        let parent = |(idx, base): (usize, Option<&Spanned>)| {
            let base = base?;
            match self.value(&base.value, &self.global) {
                Value::Known(base) => self.outline.stage_above(idx, &base),
                Value::Unset | Value::Unknown => None,
            }
        };
        self.outline.stages.iter().map(|stage| stage.base).enumerate().map(parent).collect()
    }

    /// The triggers of a stage, as they run on top of it.
    fn triggers(&mut self, scope: &mut Scope, parent: usize) {
        let Some(stage) = self.outline.stages.get(parent) else { return };
        for idx in stage.from + 1..stage.end {
            if let Some(trigger) = self.outline.nodes.get(idx).and_then(|node| node.sub.as_deref()) {
                self.apply(scope, idx, trigger, false);
            }
        }
    }

    /// What a word comes to.
    fn value(&self, word: &str, scope: &Scope) -> Value {
        let Ok(done) = self.lex.expand(word, scope) else { return Value::Unknown };
        let is_known = |name: &String| scope.0.get(name).is_some_and(|bound| bound.value == Value::Unset);
        if done.unset.iter().all(is_known) { Value::Known(done.text) } else { Value::Unknown }
    }

    /// What an instruction changes. An ARG is global above the first FROM.
    pub(super) fn apply(&mut self, scope: &mut Scope, idx: usize, node: &Node, is_global: bool) {
        match node.keyword_upper().as_str() {
            "ENV" => {
                let mut values = Vec::new();
                for triple in node.args.chunks_exact(3) {
                    if let [name, value, _] = triple
                        && !name.value.is_empty()
                    {
                        values.push((name, self.value(&value.value, scope)));
                    }
                }
                for (name, value) in values {
                    let def = self.define(scope, name, VariableKind::Env, idx);
                    let bound = Bound { kind: VariableKind::Env, def: Some(def), value };
                    scope.0.insert(name.value.clone(), bound);
                }
            }
            "ARG" => {
                for word in &node.args {
                    self.arg(scope, idx, word, is_global);
                }
            }
            _ => {}
        }
    }

    fn arg(&mut self, scope: &mut Scope, idx: usize, word: &Spanned, is_global: bool) {
        let (name, default) = word
            .value
            .split_once('=')
            .map_or((word.value.as_str(), None), |(name, value)| (name, Some(value)));
        if name.is_empty() {
            return;
        }
        let kind = if is_global { VariableKind::GlobalArg } else { VariableKind::Arg };
        let name = Spanned { value: name.to_owned(), range: word.part(0, name.len()) };
        let value = match (self.known.build_args.get(&name.value), default) {
            (Some(given), _) => Some(Value::Known(given.clone())),
            (None, Some(default)) => Some(self.value(default, scope)),
            (None, None) if is_global => None,
            (None, None) => self
                .global
                .0
                .get(&name.value)
                .map(|bound| bound.value.clone())
                .filter(|value| *value != Value::Unset),
        };
        let def = self.define(scope, &name, kind, idx);
        // Without a value it leaves alone what is there already.
        if value.is_some() || !scope.0.contains_key(&name.value) {
            let bound = Bound { kind, def: Some(def), value: value.unwrap_or(Value::Unset) };
            scope.0.insert(name.value, bound);
        }
    }

    /// Notes a definition, and joins it with those that it goes on from: what it
    /// hides, and as a build argument every ARG of its name.
    fn define(&mut self, scope: &Scope, name: &Spanned, kind: VariableKind, node: usize) -> usize {
        let idx = self.defs.len();
        // A stage's triggers are passed once for each stage on top of it; all else comes in order.
        let is_earlier = name.range.start() <= self.last_start;
        let known = self.defs.iter().rposition(|def| is_earlier && def.range == name.range);
        if let Some(known) = known {
            return known;
        }
        self.last_start = self.last_start.max(name.range.start());
        self.defs.push(Def { name: name.value.clone(), range: name.range, kind, node, earlier: idx });
        if let Some(hidden) = scope.0.get(&name.value).and_then(|bound| bound.def) {
            self.join(hidden, idx);
        }
        if kind != VariableKind::Env {
            let first = *self.args.entry(name.value.clone()).or_insert(idx);
            self.join(first, idx);
        }
        idx
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.group(one), self.group(other));
        if let Some(def) = self.defs.get_mut(one.max(other)) {
            def.earlier = one.min(other);
        }
    }

    /// The first definition of the variable that a definition belongs to.
    pub(super) fn group(&self, mut def: usize) -> usize {
        while let Some(earlier) = self.defs.get(def).map(|def| def.earlier).filter(|earlier| *earlier != def)
        {
            def = earlier;
        }
        def
    }
}

/// A variable as it is at some place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) kind: VariableKind,
    pub(super) value: Value,
    /// Where its definition names it.
    pub(super) range: Option<TextRange>,
}

/// The variables in force at `offset`, by name.
pub(super) fn at(
    file: &Dockerfile,
    outline: &Outline<'_>,
    known: &Known<'_>,
    offset: usize,
) -> Vec<Variable> {
    let Some(idx) = outline.node_before(offset) else { return around(file, outline, known, None, None) };
    let last_line = outline.nodes.get(idx).map_or(0, |node| node.lines.last);
    let is_behind = file.parse.line_index.line(offset) > last_line;
    around(file, outline, known, Some(idx), if is_behind { None } else { Some(offset) })
}

/// The variables in force behind an instruction, or at `offset` in it.
pub(super) fn around(
    file: &Dockerfile,
    outline: &Outline<'_>,
    known: &Known<'_>,
    target: Option<usize>,
    offset: Option<usize>,
) -> Vec<Variable> {
    let mut walk = Walk::new(file, outline, known);
    let mut found = Scope::default();
    walk.run(&mut |idx, _, scope| {
        if Some(idx) == target {
            found = scope.clone();
        }
    });
    let node = target.and_then(|idx| Some((idx, outline.nodes.get(idx)?)));
    if let Some((idx, node)) = node {
        let is_global = outline.stage_of(idx).is_none();
        match offset {
            None => walk.apply(&mut found, idx, node, is_global),
            Some(offset) if node.keyword_upper() == "ARG" => {
                for word in node.args.iter().filter(|word| word.range.end() < offset) {
                    walk.arg(&mut found, idx, word, is_global);
                }
            }
            Some(_) => {}
        }
    }
    let range = |def: usize| walk.defs.get(def).map(|def| def.range);
    let variable = |(name, bound): (String, Bound)| Variable {
        name,
        kind: bound.kind,
        value: bound.value,
        range: bound.def.and_then(range),
    };
    found.0.into_iter().map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cursor, known};
    use super::*;

    #[track_caller]
    fn check(marked: &str, expected: &[&str]) {
        let (text, offset) = cursor(marked);
        let file = Dockerfile::read(&text);
        let outline = Outline::of(&file);
        let build_args = BTreeMap::from([("GIVEN".to_owned(), "9".to_owned())]);
        let known = Known { build_args: &build_args, ..known() };
        let all = at(&file, &outline, &known, offset);
        let shown: Vec<String> = all
            .iter()
            .filter(|variable| variable.kind != VariableKind::Automatic)
            .map(|variable| {
                let value = match &variable.value {
                    Value::Known(value) => format!("={value}"),
                    Value::Unset => String::new(),
                    Value::Unknown => "=?".to_owned(),
                };
                format!("{:?} {}{value}", variable.kind, variable.name)
            })
            .collect();
        assert_eq!(shown, expected, "{marked}");
    }

    #[test]
    fn order_decides() {
        check("ARG A=1\nARG B=$A\nFROM x:|\n", &["GlobalArg A=1", "GlobalArg B=1"]);
        check("ARG A=1\nFROM x\nRUN |\n", &[]);
        check("ARG A=1\nFROM x\nARG A B\nENV C=$A-$B-$U\n|", &["Arg A=1", "Arg B", "Env C=?"]);
        check("FROM x\nENV A=1\nARG A\nENV A=2 B=$A\nRUN |\n", &["Env A=2", "Env B=1"]);
        check("FROM x\nENV A=1\nRUN |\nENV B=1\n", &["Env A=1"]);
        check("FROM x\nARG GIVEN=1 B=$|\n", &["Arg GIVEN=9"]);
    }

    #[test]
    fn a_stage_hands_on_what_it_has() {
        check(
            "FROM x AS a\nARG P=1\nENV Q=2\nONBUILD ENV R=3\nFROM a\nRUN |\n",
            &["Arg P=1", "Env Q=2", "Env R=3"],
        );
        check("FROM x AS a\nENV Q=2\nFROM A\nRUN |\n", &[]);
        check("ARG S=a\nFROM x AS a\nENV Q=2\nFROM $S\nRUN |\n", &["Env Q=2"]);
    }
}
