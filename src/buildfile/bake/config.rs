//! What stands in a bake file: its blocks and attributes, of either language.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block as HclBlock, Body, Structure};

use super::eval::{Definitions, Evaluator, Expr, Function, Scope, Scoped, Variable};
use super::resolve;
use super::value::Value;
use crate::buildfile::yaml::{Node, NodeKind};
use crate::buildfile::{
    BuildFile, BuildFileError, BuildFileErrorKind, Environment, FileKind, MAX_BUILDS, Note, Place, Room,
    push_note,
};
use crate::text::LineIndex;

/// Functions of a file.
const MAX_FUNCTIONS: usize = 500;

/// Places of a text of HCL.
pub(super) struct Places<'t> {
    pub(super) text: &'t str,
    pub(super) lines: LineIndex,
}

impl Places<'_> {
    fn at(&self, offset: usize) -> Place {
        let line = self.lines.line(offset);
        let before = self.text.get(self.lines.start_of(line)..offset).unwrap_or("");
        let column = u32::try_from(before.chars().count()).unwrap_or(u32::MAX);
        Place { line, column: column.saturating_add(1) }
    }

    fn of(&self, it: &impl Span) -> Place {
        it.span().map_or(Place::START, |span| self.at(span.start))
    }
}

/// An attribute of a block.
pub(super) struct Attribute<'a> {
    pub(super) place: Place,
    pub(super) expr: Expr<'a>,
    /// The places of its entries, where it is written as a map.
    pub(super) entries: Vec<(String, Place)>,
}

/// A block.
#[derive(Default)]
pub(super) struct Block<'a> {
    pub(super) label: String,
    pub(super) place: Place,
    pub(super) attributes: BTreeMap<String, Attribute<'a>>,
    /// Conditions of a variable.
    pub(super) validations: Vec<Self>,
}

/// A target as it is named after its matrix.
pub(super) struct Instance {
    pub(super) name: String,
    pub(super) block_idx: usize,
    pub(super) names: Vec<(String, Value)>,
}

/// What stands in a file.
#[derive(Default)]
pub(super) struct Config<'a> {
    pub(super) targets: Vec<Block<'a>>,
    pub(super) groups: Vec<Block<'a>>,
    pub(super) variables: Vec<Block<'a>>,
    functions: Vec<(String, Function<'a>)>,
    globals: BTreeMap<String, Attribute<'a>>,
    notes: Vec<Note>,
    pub(super) instances: Vec<Instance>,
    given: Vec<(String, String)>,
}

impl<'a> Definitions<'a> for Config<'a> {
    fn variable(&self, name: &str) -> Option<Variable<'a>> {
        if let Some(global) = self.globals.get(name) {
            // The environment goes over an attribute only where a variable is declared, too.
            let is_declared = self.variables.iter().any(|block| block.label == name);
            let given = self.given(name).filter(|_| is_declared);
            return Some(Variable { default: Some(global.expr), is_typed: false, given });
        }
        let block = self.variables.iter().rev().find(|block| block.label == name)?;
        Some(Variable {
            default: block.attributes.get("default").map(|attribute| attribute.expr),
            is_typed: block.attributes.contains_key("type"),
            given: self.given(name),
        })
    }

    fn function(&self, name: &str) -> Option<&Function<'a>> {
        self.functions.iter().rev().find(|(known, _)| known == name).map(|(_, function)| function)
    }

    fn attribute(&self, block: &str, name: &str, attribute: &str) -> Option<Option<Scoped<'a>>> {
        if block == "group" {
            let group = self.groups.iter().rev().find(|group| group.label == name)?;
            return Some(group.attributes.get(attribute).map(|it| (it.expr, Vec::new())));
        }
        let mut is_known = false;
        for instance in self.instances.iter().rev().filter(|instance| instance.name == name) {
            is_known = true;
            let found = self.targets.get(instance.block_idx).and_then(|it| it.attributes.get(attribute));
            if let Some(found) = found {
                return Some(Some((found.expr, instance.names.clone())));
            }
        }
        is_known.then_some(None)
    }
}

impl<'a> Config<'a> {
    fn note(&mut self, place: Place, message: String) {
        push_note(&mut self.notes, Note { place, message });
    }

    fn given(&self, name: &str) -> Option<String> {
        self.given.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    pub(super) fn take_body(&mut self, body: &'a Body, places: &Places<'_>) {
        for structure in body.iter() {
            match structure {
                Structure::Attribute(attribute) => {
                    let name = attribute.key.value().as_str().to_owned();
                    self.globals.insert(name, hcl_attribute(attribute, places));
                }
                Structure::Block(block) => {
                    let label = block.labels.first().map_or("", |label| label.as_str());
                    let taken = hcl_block(block, label.to_owned(), places);
                    self.take(block.ident.value().as_str(), block.labels.len(), taken);
                }
            }
        }
    }

    pub(super) fn take_json(&mut self, root: &'a Rc<Node>) {
        for (key, value) in root.entries() {
            let kind = key.text.as_str();
            if !matches!(kind, "target" | "group" | "variable" | "function") {
                if kind != "//" {
                    self.globals.insert(kind.to_owned(), json_attribute(value));
                }
                continue;
            }
            // A list of maps is one map after the other.
            for map in maps_of(value) {
                for (label, body) in map.entries() {
                    for body in maps_of(body) {
                        let mut block =
                            Block { label: label.text.clone(), place: label.place, ..Block::default() };
                        for (key, value) in body.entries() {
                            if key.text == "validation" {
                                let of = |map: &'a Rc<Node>| {
                                    let attributes = map.entries().iter();
                                    let mut block = Block { place: map.place, ..Block::default() };
                                    for (key, it) in attributes {
                                        block.attributes.insert(key.text.clone(), json_attribute(it));
                                    }
                                    block
                                };
                                block.validations.extend(maps_of(value).iter().map(of));
                            } else if key.text != "//" {
                                block.attributes.insert(key.text.clone(), json_attribute(value));
                            }
                        }
                        self.take(kind, 1, block);
                    }
                }
            }
        }
    }

    fn take(&mut self, kind: &str, n_labels: usize, block: Block<'a>) {
        if n_labels != 1 {
            self.note(block.place, format!("a block {kind} has to have one name"));
            return;
        }
        match kind {
            "target" => self.targets.push(block),
            "group" => self.groups.push(block),
            "variable" => self.variables.push(block),
            "function" => self.take_function(block),
            _ => self.note(block.place, format!("bake knows no block {kind}")),
        }
    }

    fn take_function(&mut self, mut block: Block<'a>) {
        let params = block.attributes.get("params").and_then(|it| names_of(it.expr));
        let result = block.attributes.remove("result");
        let (Some(params), Some(result)) = (params, result) else {
            self.note(block.place, format!("the function {} has to have params and a result", block.label));
            return;
        };
        let variadic = block.attributes.get("variadic_params").and_then(|it| name_of(it.expr));
        if self.functions.len() == MAX_FUNCTIONS {
            self.note(block.place, format!("no more than {MAX_FUNCTIONS} functions are taken"));
            return;
        }
        self.functions.push((block.label, Function { params, variadic, result: result.expr }));
    }

    pub(super) fn finish(
        mut self,
        kind: FileKind,
        environment: &Environment<'_>,
    ) -> Result<BuildFile, BuildFileError> {
        let is_empty = self.targets.is_empty() && self.groups.is_empty() && self.variables.is_empty();
        if is_empty && self.functions.is_empty() {
            return Err(BuildFileError { place: Place::START, kind: BuildFileErrorKind::NoBuilds });
        }
        self.given = environment.known.to_vec();
        let renamed = self.expand();
        let (builds, groups, notes) = resolve::resolve(&self, &renamed);
        let mut all = self.notes;
        notes.into_iter().for_each(|note| push_note(&mut all, note));
        Ok(BuildFile { kind, builds, groups, notes: all })
    }

    /// Makes a target of each place of a matrix. Gives the names that labels became.
    fn expand(&mut self) -> Vec<(String, Vec<String>)> {
        let mut notes = Vec::new();
        let mut instances: Vec<Instance> = Vec::new();
        {
            let mut evaluator = Evaluator::new(&*self);
            for (block_idx, block) in self.targets.iter().enumerate() {
                let mut made = expand_one(&mut evaluator, block, block_idx, &mut notes);
                let n_left = MAX_BUILDS.saturating_sub(instances.len());
                if made.len() > n_left {
                    made.truncate(n_left);
                    push_note(&mut notes, Room::full(block.place));
                }
                instances.extend(made);
            }
        }
        notes.into_iter().for_each(|note| self.note(note.place, note.message));
        let mut renamed: Vec<(String, Vec<String>)> = Vec::new();
        for instance in &instances {
            if let Some(block) = self.targets.get(instance.block_idx).filter(|it| it.label != instance.name) {
                match renamed.iter_mut().find(|(label, _)| *label == block.label) {
                    Some((_, names)) if names.contains(&instance.name) => {}
                    Some((_, names)) => names.push(instance.name.clone()),
                    None => renamed.push((block.label.clone(), vec![instance.name.clone()])),
                }
            }
        }
        self.instances = instances;
        renamed
    }
}

fn maps_of(value: &Rc<Node>) -> &[Rc<Node>] {
    if let NodeKind::List(maps) = &value.kind { maps } else { std::slice::from_ref(value) }
}

fn json_attribute(value: &Rc<Node>) -> Attribute<'_> {
    let entries = value.entries().iter().map(|(key, _)| (key.text.clone(), key.place)).collect();
    Attribute { place: value.place, expr: Expr::Json(value), entries }
}

fn hcl_attribute<'a>(attribute: &'a hcl_edit::structure::Attribute, places: &Places<'_>) -> Attribute<'a> {
    let mut entries = Vec::new();
    if let Expression::Object(object) = &attribute.value {
        for (key, _) in object.iter() {
            let found = match key {
                ObjectKey::Ident(name) => Some((name.value().as_str().to_owned(), name.span())),
                ObjectKey::Expression(expr) => expr.as_str().map(|text| (text.to_owned(), expr.span())),
            };
            entries.extend(found.and_then(|(name, span)| Some((name, places.at(span?.start)))));
        }
    }
    Attribute { place: places.of(&attribute.key), expr: Expr::Hcl(&attribute.value), entries }
}

fn hcl_block<'a>(block: &'a HclBlock, label: String, places: &Places<'_>) -> Block<'a> {
    let mut taken = Block { label, place: places.of(&block.ident), ..Block::default() };
    for structure in block.body.iter() {
        match structure {
            Structure::Attribute(attribute) => {
                let name = attribute.key.value().as_str().to_owned();
                taken.attributes.insert(name, hcl_attribute(attribute, places));
            }
            Structure::Block(inner) if inner.ident.value().as_str() == "validation" => {
                taken.validations.push(hcl_block(inner, String::new(), places));
            }
            Structure::Block(_) => {}
        }
    }
    taken
}

/// The name that an expression is.
fn name_of(expr: Expr<'_>) -> Option<String> {
    match expr {
        Expr::Hcl(Expression::Variable(name)) => Some(name.value().as_str().to_owned()),
        Expr::Hcl(_) => None,
        Expr::Json(node) => match &node.kind {
            NodeKind::Scalar { text, is_plain: false } => Some(text.clone()),
            _ => None,
        },
    }
}

/// The names that the items of a list are.
fn names_of(expr: Expr<'_>) -> Option<Vec<String>> {
    match expr {
        Expr::Hcl(Expression::Array(items)) => items.iter().map(|item| name_of(Expr::Hcl(item))).collect(),
        Expr::Json(node) => match &node.kind {
            NodeKind::List(items) => items.iter().map(|item| name_of(Expr::Json(item))).collect(),
            _ => None,
        },
        Expr::Hcl(_) => None,
    }
}

/// The targets that a block is.
fn expand_one<'a>(
    evaluator: &mut Evaluator<'a, '_>,
    block: &Block<'a>,
    block_idx: usize,
    notes: &mut Vec<Note>,
) -> Vec<Instance> {
    const NOTHING: Scope<'static> = Scope { names: &[], outer: None };
    let mut note = |place: Place, message: String| push_note(notes, Note { place, message });
    let alone = || vec![Instance { name: block.label.clone(), block_idx, names: Vec::new() }];
    let Some(matrix) = block.attributes.get("matrix") else {
        if let Some(name) = block.attributes.get("name") {
            note(name.place, "name needs a matrix".to_owned());
        }
        return alone();
    };
    let axes = match evaluator.eval(matrix.expr, &NOTHING) {
        Value::Map(axes) => axes,
        Value::Unknown(why) => {
            note(matrix.place, format!("matrix: {}", why.message));
            return alone();
        }
        other => {
            note(matrix.place, format!("matrix has to be a map, not {}", other.kind()));
            return alone();
        }
    };
    let mut combinations: Vec<Vec<(String, Value)>> = vec![Vec::new()];
    for (axis, values) in &axes {
        let values = match values.items() {
            Ok(values) => values,
            Err(why) => {
                let why = why.unknown().map_or(String::new(), |why| why.message.clone());
                note(matrix.place, format!("matrix.{axis}: {why}"));
                return alone();
            }
        };
        let mut next = Vec::new();
        for combination in &combinations {
            for value in &values {
                let mut names = combination.clone();
                names.push((axis.clone(), value.clone()));
                next.push(names);
                // One more than are taken, so that it is noticed.
                if next.len() > MAX_BUILDS {
                    break;
                }
            }
        }
        combinations = next;
        combinations.truncate(MAX_BUILDS + 1);
    }
    let Some(name) = block.attributes.get("name") else {
        if combinations.len() > 1 {
            note(block.place, format!("the matrix of {} needs a name for each of its targets", block.label));
        }
        let names = combinations.into_iter().next().unwrap_or_default();
        return vec![Instance { name: block.label.clone(), block_idx, names }];
    };
    let mut instances: Vec<Instance> = Vec::new();
    for names in combinations {
        let value = evaluator.eval(name.expr, &Scope { names: &names, outer: None });
        match value.to_text() {
            Ok(text) if instances.iter().any(|instance| instance.name == text) => {
                note(name.place, format!("{text} is the name of two targets"));
            }
            Ok(text) => {
                let is_fine = |ch: char| ch.is_ascii_alphanumeric() || ch == '_' || ch == '-';
                if text.is_empty() || !text.chars().all(is_fine) {
                    note(
                        name.place,
                        format!("{text:?} is no name for a target: letters, digits, - and _ are"),
                    );
                }
                instances.push(Instance { name: text, block_idx, names });
            }
            Err(why) => {
                let why = why.unknown().map_or(String::new(), |why| why.message.clone());
                note(name.place, format!("name: {why}"));
            }
        }
    }
    instances
}
