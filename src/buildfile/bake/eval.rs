//! What the expressions of a bake file make.
//!
//! Nothing fails: what bake would refuse, and what only a real run knows, is a
//! value of its own that goes through whatever is made of it. Work, depth and
//! the size of values are bounded, so that a file cannot keep the worker busy.
//!
//! Followed is the [expression language](https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md).

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::expr::{
    BinaryOperator, Expression, ForExpr, FuncCall, ObjectKey, TraversalOperator, UnaryOperator,
};
use hcl_edit::template::{Directive, Element, Strip, Template};

use super::function;
use super::value::Value;
use crate::buildfile::yaml::{Node, NodeKind};

/// Expressions within each other, functions and variables that stand for some included.
const MAX_DEPTH: u32 = 160;

/// Lists and maps within each other.
const MAX_VALUE_DEPTH: usize = 64;

/// Values that are made or copied, long texts counting as several.
const MAX_WORK: usize = 2_000_000;

/// What is said of all that is left once that much was made.
const TOO_MUCH: &str = "there is too much to evaluate in this file";

/// An expression, as one of the two languages has it.
#[derive(Clone, Copy)]
pub(super) enum Expr<'a> {
    /// Of HCL.
    Hcl(&'a Expression),
    /// Of JSON, whose texts are templates.
    Json(&'a Rc<Node>),
}

/// A function of the file.
pub(super) struct Function<'a> {
    pub(super) params: Vec<String>,
    pub(super) variadic: Option<String>,
    pub(super) result: Expr<'a>,
}

/// Names that stand for values, innermost last.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) names: &'s [(String, Value)],
    pub(super) outer: Option<&'s Scope<'s>>,
}

impl Scope<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.names.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value);
        found.or_else(|| self.outer.and_then(|outer| outer.get(name)))
    }
}

/// An expression with the names that stand for something in it.
pub(super) type Scoped<'a> = (Expr<'a>, Vec<(String, Value)>);

/// What a file defines, for expressions that name it.
pub(super) trait Definitions<'a> {
    /// The expression of a variable or of an attribute outside of blocks, and what the environment
    /// says instead.
    fn variable(&self, name: &str) -> Option<Variable<'a>>;
    /// A function of the file.
    fn function(&self, name: &str) -> Option<&Function<'a>>;
    /// An attribute of a block, with the names that stand for something in it; the inner `None`
    /// is an attribute that is not set.
    fn attribute(&self, block: &str, name: &str, attribute: &str) -> Option<Option<Scoped<'a>>>;
}

/// A variable.
pub(super) struct Variable<'a> {
    /// What it is unless the environment says otherwise.
    pub(super) default: Option<Expr<'a>>,
    /// It has a type, so that it is null without a default.
    pub(super) is_typed: bool,
    /// What the environment says.
    pub(super) given: Option<String>,
}

/// Evaluates expressions of one file.
pub(super) struct Evaluator<'a, 'd> {
    definitions: &'d dyn Definitions<'a>,
    known: BTreeMap<String, Value>,
    /// What is being evaluated: none of it can be part of itself.
    in_progress: Vec<String>,
    depth: u32,
    n_work: usize,
}

impl<'a, 'd> Evaluator<'a, 'd> {
    pub(super) fn new(definitions: &'d dyn Definitions<'a>) -> Self {
        Self { definitions, known: BTreeMap::new(), in_progress: Vec::new(), depth: 0, n_work: 0 }
    }

    /// The value of an expression.
    pub(super) fn eval(&mut self, expr: Expr<'a>, scope: &Scope<'_>) -> Value {
        match expr {
            Expr::Hcl(expression) => self.expression(expression, scope),
            Expr::Json(node) => self.json(node, scope),
        }
    }

    /// Work is counted, and what goes too deep is none.
    fn checked(&mut self, value: Value) -> Value {
        let (size, depth) = value.extent();
        self.n_work = self.n_work.saturating_add(size);
        if self.n_work > MAX_WORK {
            return Value::error(TOO_MUCH);
        }
        if depth > MAX_VALUE_DEPTH {
            return Value::error("lists and maps are too deep in each other");
        }
        value
    }

    fn json(&mut self, node: &Node, scope: &Scope<'_>) -> Value {
        match &node.kind {
            NodeKind::Scalar { text, is_plain: true } => match text.as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                number => number.parse().map_or_else(|_| Value::error("this is no number"), Value::Number),
            },
            NodeKind::Scalar { text, .. } => self.json_text(text, scope),
            NodeKind::List(items) => {
                let items = items.iter().map(|item| self.json(item, scope)).collect();
                self.checked(Value::List(items))
            }
            NodeKind::Map(entries) => {
                let mut map = BTreeMap::new();
                for (key, value) in entries {
                    let value = self.json(value, scope);
                    match self.json_text(&key.text, scope).to_text() {
                        Ok(key) => drop(map.insert(key, value)),
                        Err(unknown) => return unknown,
                    }
                }
                self.checked(Value::Map(map))
            }
        }
    }

    fn json_text(&mut self, text: &str, scope: &Scope<'_>) -> Value {
        if !text.contains("${") && !text.contains("%{") {
            return self.checked(Value::Text(text.to_owned()));
        }
        match hcl_edit::parser::parse_template(text) {
            Ok(template) => self.template(&template, scope, true),
            Err(error) => Value::error(format!("the template cannot be read: {}", error.message())),
        }
    }

    /// The value of an expression of HCL.
    pub(super) fn expression(&mut self, expr: &Expression, scope: &Scope<'_>) -> Value {
        if self.depth >= MAX_DEPTH {
            return Value::error("expressions are too deep in each other");
        }
        if self.n_work > MAX_WORK {
            return Value::error(TOO_MUCH);
        }
        self.depth += 1;
        self.n_work += 1;
        let value = self.deeper(expr, scope);
        self.depth -= 1;
        value
    }

    fn deeper(&mut self, expr: &Expression, scope: &Scope<'_>) -> Value {
        match expr {
            Expression::Null(_) => Value::Null,
            Expression::Bool(value) => Value::Bool(*value.value()),
            Expression::Number(number) => {
                number.value().as_f64().map_or_else(|| Value::error("this is no number"), Value::Number)
            }
            Expression::String(text) => self.checked(Value::Text(text.value().clone())),
            Expression::Array(items) => {
                let items = items.iter().map(|item| self.expression(item, scope)).collect();
                self.checked(Value::List(items))
            }
            Expression::Object(object) => self.object(object, scope),
            Expression::StringTemplate(template) => self.template(template, scope, true),
            Expression::HeredocTemplate(heredoc) => self.template(&heredoc.template, scope, false),
            Expression::Parenthesis(inner) => self.expression(inner.inner(), scope),
            Expression::Variable(name) => self.name(name.value().as_str(), scope),
            Expression::Conditional(it) => match self.expression(&it.cond_expr, scope).to_bool() {
                Ok(true) => self.expression(&it.true_expr, scope),
                Ok(false) => self.expression(&it.false_expr, scope),
                Err(unknown) => unknown,
            },
            Expression::FuncCall(call) => self.call(call, scope),
            Expression::Traversal(it) => {
                let (start, operators) = match self.attribute(&it.expr, &it.operators, scope) {
                    Some((value, n_used)) => (value, it.operators.get(n_used..).unwrap_or(&[])),
                    None => (self.expression(&it.expr, scope), it.operators.as_slice()),
                };
                self.traverse(start, operators, scope)
            }
            Expression::UnaryOp(it) => {
                let value = self.expression(&it.expr, scope);
                let done = match it.operator.value() {
                    UnaryOperator::Neg => value.to_number().map(|number| Value::Number(-number)),
                    UnaryOperator::Not => value.to_bool().map(|it| Value::Bool(!it)),
                };
                done.unwrap_or_else(|unknown| unknown)
            }
            Expression::BinaryOp(it) => {
                let left = self.expression(&it.lhs_expr, scope);
                let right = self.expression(&it.rhs_expr, scope);
                binary(*it.operator.value(), &left, &right).unwrap_or_else(|unknown| unknown)
            }
            Expression::ForExpr(it) => self.for_each(it, scope),
        }
    }

    fn object(&mut self, object: &hcl_edit::expr::Object, scope: &Scope<'_>) -> Value {
        let mut map = BTreeMap::new();
        for (key, value) in object.iter() {
            let key = match key {
                ObjectKey::Ident(name) => Ok(name.value().as_str().to_owned()),
                // A name alone is a text; in parentheses it is a variable.
                ObjectKey::Expression(Expression::Variable(name)) => Ok(name.value().as_str().to_owned()),
                ObjectKey::Expression(key) => self.expression(key, scope).to_text(),
            };
            let value = self.expression(value.expr(), scope);
            match key {
                Ok(key) => drop(map.insert(key, value)),
                Err(unknown) => return unknown,
            }
        }
        self.checked(Value::Map(map))
    }

    /// What a name stands for.
    fn name(&mut self, name: &str, scope: &Scope<'_>) -> Value {
        let found = scope.get(name).or_else(|| self.known.get(name)).cloned();
        if let Some(value) = found {
            return self.checked(value);
        }
        let value = match (self.definitions.variable(name), name) {
            (Some(variable), _) => {
                self.once(format!("the variable {name}"), |it| it.variable(name, &variable))
            }
            // Where bake runs.
            (None, "BAKE_CMD_CONTEXT") => Value::Text("cwd://".to_owned()),
            (None, "BAKE_LOCAL_PLATFORM") => {
                Value::not_here("the platform of the machine that builds is not known here")
            }
            (None, "target" | "group") => {
                Value::error(format!("{name} is no variable; an attribute of one is"))
            }
            (None, _) => Value::error(format!("no variable is named {name}")),
        };
        self.known.insert(name.to_owned(), value.clone());
        value
    }

    /// Evaluates something that cannot be part of itself.
    fn once(&mut self, what: String, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.in_progress.contains(&what) || self.depth >= MAX_DEPTH {
            return Value::error(format!("{what} is made of itself"));
        }
        self.in_progress.push(what);
        self.depth += 1;
        let value = make(self);
        self.depth -= 1;
        self.in_progress.pop();
        value
    }

    fn variable(&mut self, name: &str, variable: &Variable<'a>) -> Value {
        let default = match variable.default {
            Some(expr) => self.eval(expr, &Scope { names: &[], outer: None }),
            None if variable.is_typed => Value::Null,
            None => Value::Text(String::new()),
        };
        let Some(given) = &variable.given else { return default };
        // What the environment says is taken for what the default is.
        match default {
            Value::Bool(_) => match given.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
                _ => {
                    Value::error(format!("{name} has to be true or false, and the environment says {given}"))
                }
            },
            Value::Number(_) => Value::Text(given.clone()).to_number().map_or_else(
                |_| Value::error(format!("{name} has to be a number, and the environment says {given}")),
                Value::Number,
            ),
            Value::List(_) | Value::Map(_) => {
                Value::not_here(format!("how {name} is read from the environment is not modeled"))
            }
            Value::Null | Value::Text(_) | Value::Unknown(_) => Value::Text(given.clone()),
        }
    }

    /// The value of `target.NAME.ATTRIBUTE`, and how many operators that takes.
    fn attribute(
        &mut self,
        start: &Expression,
        operators: &[hcl_edit::Decorated<TraversalOperator>],
        scope: &Scope<'_>,
    ) -> Option<(Value, usize)> {
        let Expression::Variable(block) = start else { return None };
        let block = block.value().as_str();
        if !matches!(block, "target" | "group") || scope.get(block).is_some() {
            return None;
        }
        let [first, second, ..] = operators else { return None };
        let TraversalOperator::GetAttr(attribute) = second.value() else { return None };
        let attribute = attribute.value().as_str();
        let name = match first.value() {
            TraversalOperator::GetAttr(name) => name.value().as_str().to_owned(),
            TraversalOperator::Index(name) => self.expression(name, scope).to_text().ok()?,
            _ => return None,
        };
        let found = self.definitions.attribute(block, &name, attribute);
        let value = match found {
            None => Value::error(format!("no {block} is named {name}")),
            Some(None) => Value::Null,
            Some(Some((expr, names))) => self.once(format!("{block}.{name}.{attribute}"), |it| {
                it.eval(expr, &Scope { names: &names, outer: None })
            }),
        };
        Some((value, 2))
    }

    fn traverse(
        &mut self,
        start: Value,
        operators: &[hcl_edit::Decorated<TraversalOperator>],
        scope: &Scope<'_>,
    ) -> Value {
        let mut value = start;
        for (at, operator) in operators.iter().enumerate() {
            if let Value::Unknown(_) = value {
                return value;
            }
            value = match operator.value() {
                TraversalOperator::GetAttr(name) => {
                    get(&value, &Value::Text(name.value().as_str().to_owned()))
                }
                TraversalOperator::Index(index) => {
                    let index = self.expression(index, scope);
                    get(&value, &index)
                }
                TraversalOperator::LegacyIndex(index) => get(&value, &Value::Text(index.value().to_string())),
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                    let items = match value {
                        Value::Null => Vec::new(),
                        Value::List(items) => items,
                        other => vec![other],
                    };
                    let rest = operators.get(at + 1..).unwrap_or(&[]);
                    let items = items.into_iter().map(|item| self.traverse(item, rest, scope)).collect();
                    return self.checked(Value::List(items));
                }
            };
        }
        value
    }

    fn call(&mut self, call: &FuncCall, scope: &Scope<'_>) -> Value {
        let name = call.name.name.value().as_str();
        if call.name.is_namespaced() {
            return Value::error(format!("no function is named {name} in a namespace"));
        }
        let mut args = Vec::new();
        for (idx, arg) in call.args.iter().enumerate() {
            let value = self.expression(arg, scope);
            if call.args.expand_final() && idx + 1 == call.args.len() {
                match value.items() {
                    Ok(items) => args.extend(items),
                    Err(unknown) => return unknown,
                }
            } else {
                args.push(value);
            }
        }
        let value = match self.definitions.function(name) {
            Some(function) => {
                let names = match parameters(name, function, args) {
                    Ok(names) => names,
                    Err(unknown) => return unknown,
                };
                let result = function.result;
                self.once(format!("the function {name}"), |it| {
                    it.eval(result, &Scope { names: &names, outer: None })
                })
            }
            None => function::call(name, &args).unwrap_or_else(|unknown| unknown),
        };
        self.checked(value)
    }

    fn for_each(&mut self, it: &ForExpr, scope: &Scope<'_>) -> Value {
        let collection = self.expression(&it.intro.collection_expr, scope);
        let pairs: Vec<(Value, Value)> = match collection {
            Value::List(items) => (0_u32..).map(|idx| Value::Number(f64::from(idx))).zip(items).collect(),
            Value::Map(entries) => {
                entries.into_iter().map(|(key, value)| (Value::Text(key), value)).collect()
            }
            Value::Unknown(_) => return collection,
            other => return Value::error(format!("{} has nothing to go through", other.kind())),
        };
        let key_name = it.intro.key_var.as_ref().map(|name| name.value().as_str().to_owned());
        let value_name = it.intro.value_var.value().as_str().to_owned();
        let mut list = Vec::new();
        let mut map: BTreeMap<String, Value> = BTreeMap::new();
        for (key, value) in pairs {
            let mut names = vec![(value_name.clone(), value)];
            names.extend(key_name.clone().map(|name| (name, key)));
            let inner = Scope { names: &names, outer: Some(scope) };
            if let Some(cond) = &it.cond {
                match self.expression(&cond.expr, &inner).to_bool() {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(unknown) => return unknown,
                }
            }
            let value = self.expression(&it.value_expr, &inner);
            let Some(key) = &it.key_expr else {
                list.push(value);
                continue;
            };
            let key = match self.expression(key, &inner).to_text() {
                Ok(key) => key,
                Err(unknown) => return unknown,
            };
            if !it.grouping {
                if map.insert(key.clone(), value).is_some() {
                    return Value::error(format!("the key {key} is made twice"));
                }
            } else if let Value::List(items) = map.entry(key).or_insert_with(|| Value::List(Vec::new())) {
                items.push(value);
            }
            if self.n_work > MAX_WORK {
                break;
            }
        }
        self.checked(if it.key_expr.is_some() { Value::Map(map) } else { Value::List(list) })
    }

    /// The value of a template. One that is nothing but a value in a text is that value.
    fn template(&mut self, template: &Template, scope: &Scope<'_>, may_be_value: bool) -> Value {
        if let (true, Some(Element::Interpolation(only))) = (may_be_value, template.as_single_element()) {
            return self.expression(&only.expr, scope);
        }
        let mut out = String::new();
        match self.elements(template, scope, (false, false), &mut out) {
            Ok(()) => self.checked(Value::Text(out)),
            Err(unknown) => unknown,
        }
    }

    /// Appends what a template makes. `strips` says whether blanks go at its beginning and at its end.
    fn elements(
        &mut self,
        template: &Template,
        scope: &Scope<'_>,
        strips: (bool, bool),
        out: &mut String,
    ) -> Result<(), Value> {
        if self.depth >= MAX_DEPTH {
            return Err(Value::error("templates are too deep in each other"));
        }
        self.depth += 1;
        let start = out.len();
        let mut trims_next = strips.0;
        let mut outcome = Ok(());
        for element in template.iter() {
            let (starts, ends) = edges(element);
            if starts {
                trim_end(out, start);
            }
            outcome = self.element(element, trims_next, scope, out);
            trims_next = ends;
            self.n_work = self.n_work.saturating_add(1 + out.len() / 256);
            if outcome.is_err() || self.n_work > MAX_WORK {
                break;
            }
        }
        if strips.1 {
            trim_end(out, start);
        }
        self.depth -= 1;
        outcome
    }

    fn element(
        &mut self,
        element: &Element,
        trims: bool,
        scope: &Scope<'_>,
        out: &mut String,
    ) -> Result<(), Value> {
        match element {
            Element::Literal(text) if trims => out.push_str(text.value().trim_start()),
            Element::Literal(text) => out.push_str(text.value()),
            Element::Interpolation(it) => out.push_str(&self.expression(&it.expr, scope).to_text()?),
            Element::Directive(directive) => match directive.as_ref() {
                Directive::If(it) => {
                    let begin = it.if_expr.strip.strip_end();
                    let end = it.endif_expr.strip.strip_start();
                    let between = it.else_expr.as_ref().map(|other| other.strip);
                    if self.expression(&it.if_expr.cond_expr, scope).to_bool()? {
                        let end = between.map_or(end, Strip::strip_start);
                        self.elements(&it.if_expr.template, scope, (begin, end), out)?;
                    } else if let Some(other) = &it.else_expr {
                        self.elements(&other.template, scope, (other.strip.strip_end(), end), out)?;
                    }
                }
                Directive::For(it) => {
                    let head = &it.for_expr;
                    let collection = self.expression(&head.collection_expr, scope);
                    let keys: Vec<Value> = match &collection {
                        Value::Map(entries) => entries.keys().cloned().map(Value::Text).collect(),
                        _ => (0_u32..)
                            .map(|idx| Value::Number(f64::from(idx)))
                            .take(collection.items()?.len())
                            .collect(),
                    };
                    for (key, value) in keys.into_iter().zip(collection.items()?) {
                        let mut names = vec![(head.value_var.value().as_str().to_owned(), value)];
                        names.extend(
                            head.key_var.as_ref().map(|name| (name.value().as_str().to_owned(), key)),
                        );
                        let strips = (head.strip.strip_end(), it.endfor_expr.strip.strip_start());
                        self.elements(
                            &head.template,
                            &Scope { names: &names, outer: Some(scope) },
                            strips,
                            out,
                        )?;
                    }
                }
            },
        }
        Ok(())
    }
}

/// Whether blanks go in front of an element and behind it.
fn edges(element: &Element) -> (bool, bool) {
    let (first, last) = match element {
        Element::Literal(_) => return (false, false),
        Element::Interpolation(it) => (it.strip, it.strip),
        Element::Directive(directive) => match directive.as_ref() {
            Directive::If(it) => (it.if_expr.strip, it.endif_expr.strip),
            Directive::For(it) => (it.for_expr.strip, it.endfor_expr.strip),
        },
    };
    (first.strip_start(), last.strip_end())
}

/// Takes blanks off the end of a text, as far as they stand behind `start`.
fn trim_end(out: &mut String, start: usize) {
    let end = out.trim_end().len().max(start);
    out.truncate(end);
}

/// The arguments of a function of the file by name.
fn parameters(name: &str, function: &Function<'_>, args: Vec<Value>) -> Result<Vec<(String, Value)>, Value> {
    let n_params = function.params.len();
    let is_fine = args.len() == n_params || (args.len() > n_params && function.variadic.is_some());
    if !is_fine {
        return Err(Value::error(format!("{name} takes {n_params} arguments and is given {}", args.len())));
    }
    let mut args = args.into_iter();
    let mut names: Vec<(String, Value)> =
        function.params.iter().cloned().zip(args.by_ref().take(n_params)).collect();
    if let Some(variadic) = &function.variadic {
        names.push((variadic.clone(), Value::List(args.collect())));
    }
    Ok(names)
}

/// The value at a key or a place.
pub(super) fn get(value: &Value, index: &Value) -> Value {
    let found = match (value, index) {
        (_, Value::Unknown(_)) => return index.clone(),
        (Value::Map(entries), index) => index.to_text().ok().and_then(|key| entries.get(&key)),
        (Value::List(items), index) => {
            index.to_index().ok().and_then(|at| items.get(usize::try_from(at).ok()?))
        }
        (other, _) => return Value::error(format!("{} has nothing in it", other.kind())),
    };
    found.cloned().unwrap_or_else(|| {
        Value::error(format!("there is nothing at {}", index.to_text().unwrap_or_default()))
    })
}

fn binary(operator: BinaryOperator, left: &Value, right: &Value) -> Result<Value, Value> {
    use BinaryOperator as Op;
    let unknown = || left.unknown().or(right.unknown()).map(|why| Value::Unknown(Rc::clone(why)));
    let number = |make: fn(f64, f64) -> f64| -> Result<Value, Value> {
        let made = make(left.to_number()?, right.to_number()?);
        if made.is_finite() {
            Ok(Value::Number(made))
        } else {
            Err(Value::error("nothing can be divided by 0"))
        }
    };
    let compare = |make: fn(&f64, &f64) -> bool| -> Result<Value, Value> {
        Ok(Value::Bool(make(&left.to_number()?, &right.to_number()?)))
    };
    match operator {
        Op::Eq | Op::NotEq => match unknown() {
            Some(unknown) => Err(unknown),
            None => Ok(Value::Bool((left == right) == (operator == Op::Eq))),
        },
        Op::LessEq => compare(f64::le),
        Op::GreaterEq => compare(f64::ge),
        Op::Less => compare(f64::lt),
        Op::Greater => compare(f64::gt),
        Op::Plus => number(|a, b| a + b),
        Op::Minus => number(|a, b| a - b),
        Op::Mul => number(|a, b| a * b),
        Op::Div => number(|a, b| a / b),
        Op::Mod => number(|a, b| a % b),
        // What is decided by one side needs no other.
        Op::And => match (left.to_bool(), right.to_bool()) {
            (Ok(false), _) | (_, Ok(false)) => Ok(Value::Bool(false)),
            (left, right) => Ok(Value::Bool(left? && right?)),
        },
        Op::Or => match (left.to_bool(), right.to_bool()) {
            (Ok(true), _) | (_, Ok(true)) => Ok(Value::Bool(true)),
            (left, right) => Ok(Value::Bool(left? || right?)),
        },
    }
}
