//! Behind a `$`: the variables in force.

use super::list::List;
use super::{Complete, Completion, CompletionKind, Typed};
use crate::assist::docs::predefined;
use crate::assist::scope::{self, Value, Variable, VariableKind};
use crate::text::TextRange;

/// What may follow a name in braces, and what it does.
const MODIFIERS: [(&str, &str); 4] = [
    (":-", "this where it is empty or not set"),
    (":+", "this where it is set and not empty"),
    (":?", "refused with this where it is empty or not set"),
    ("-", "this where it is not set"),
];

/// A reference that is being typed.
struct Reference {
    /// Where the `$` stands.
    start: usize,
    is_braced: bool,
    name: String,
}

impl Complete<'_> {
    /// Offers variables if a reference is being typed, and says whether one is.
    pub(super) fn variables(&self, typed: &Typed<'_>, list: &mut List) -> bool {
        let escape = self.file.parse.escape;
        let Some(reference) = reference(typed.line.text(), typed.args, escape) else { return false };
        let word = typed.current();
        let before = typed.line.text().get(word.start..reference.start).unwrap_or("");
        let is_plain = is_single_quoted(before, escape);
        let is_runtime = matches!(typed.keyword.as_str(), "CMD" | "ENTRYPOINT" | "HEALTHCHECK");
        let takes_none = matches!(typed.keyword.as_str(), "MAINTAINER" | "SHELL")
            || word.text.starts_with("--from=")
            || word.text.starts_with("--mount=")
                && before.rsplit(',').next().is_some_and(|field| {
                    field.trim_start_matches("--mount=").to_ascii_lowercase().starts_with("from=")
                });
        if is_plain || takes_none {
            return true;
        }
        let is_meant = |variable: &Variable| {
            // Arguments are gone when a container starts.
            !is_runtime || matches!(variable.kind, VariableKind::Env | VariableKind::Base)
        };
        if let Some(range) = typed.line.tail(reference.start) {
            self.offer(&reference, range, is_meant, list);
        }
        true
    }

    /// In the body of a heredoc.
    pub(super) fn body(&self, expands: bool, list: &mut List) {
        let parse = &self.file.parse;
        let start = parse.line_index.start_of(parse.line_index.line(self.offset));
        let line = self.text.get(start..self.offset).unwrap_or("");
        // Bodies always escape with a backslash.
        let Some(reference) = reference(line, 0, '\\').filter(|_| expands) else { return };
        let range = TextRange::new(start + reference.start, self.offset);
        self.offer(&reference, range, |_| true, list);
    }

    fn offer(
        &self,
        reference: &Reference,
        range: TextRange,
        is_meant: impl Fn(&Variable) -> bool,
        list: &mut List,
    ) {
        list.replace(self.text, Some(range), |ch| ch.is_ascii_alphanumeric() || ch == '_');
        let is_closed = list.rest(self.text).starts_with('}');
        if reference.is_braced {
            list.swallow(self.text, '}');
        }
        let all = scope::at(self.file, self.outline, self.known, self.offset);
        let order = |variable: &Variable| match variable.kind {
            VariableKind::Arg | VariableKind::Env | VariableKind::GlobalArg => 0,
            VariableKind::Automatic => 1,
            VariableKind::Base => 2,
        };
        let mut meant: Vec<&Variable> = all.iter().filter(|variable| is_meant(variable)).collect();
        meant.sort_by_key(|variable| order(variable));
        for variable in meant {
            let name = &variable.name;
            let label = if reference.is_braced { format!("${{{name}}}") } else { format!("${name}") };
            let detail = self.variable_detail(variable);
            let doc = predefined(name);
            list.add(CompletionKind::Variable, label.clone(), detail, label, doc);
            if reference.is_braced && *name == reference.name && !is_closed {
                for (modifier, detail) in MODIFIERS {
                    let insert = format!("${{{name}{modifier}}}");
                    let caret = insert.len() - 1;
                    list.push(Completion {
                        label: insert.clone(),
                        detail: detail.to_owned(),
                        insert,
                        caret,
                        kind: CompletionKind::Variable,
                        doc: None,
                    });
                }
            }
        }
    }

    /// Where it comes from and what it holds.
    fn variable_detail(&self, variable: &Variable) -> String {
        let line = variable.range.map(|range| self.file.parse.line_index.line(range.start()));
        let from = match variable.kind {
            VariableKind::Automatic => "set by the builder".to_owned(),
            VariableKind::Base => "set by the base image".to_owned(),
            VariableKind::Env => format!("ENV, line {}", line.unwrap_or(0)),
            VariableKind::Arg | VariableKind::GlobalArg => format!("ARG, line {}", line.unwrap_or(0)),
        };
        match &variable.value {
            Value::Known(value) => format!("{from}: {value}"),
            Value::Unset => format!("{from}, no value: ${{{}:-…}}", variable.name),
            Value::Unknown => from,
        }
    }
}

/// The reference that ends at the end of `text`, if it begins at or behind `start`.
fn reference(text: &str, start: usize, escape: char) -> Option<Reference> {
    let head = text.trim_end_matches(|ch: char| ch.is_ascii_alphanumeric() || ch == '_');
    let name = text.get(head.len()..)?.to_owned();
    let (front, is_braced) = match head.strip_suffix("${") {
        Some(front) => (front, true),
        None => (head.strip_suffix('$')?, false),
    };
    let n_escapes = front.len() - front.trim_end_matches(escape).len();
    (front.len() >= start && n_escapes % 2 == 0).then_some(Reference { start: front.len(), is_braced, name })
}

/// The end of `word` is within single quotes.
fn is_single_quoted(word: &str, escape: char) -> bool {
    let mut quote = None;
    let mut chars = word.chars();
    while let Some(ch) = chars.next() {
        if ch == escape && quote != Some('\'') {
            chars.next();
        } else if quote == Some(ch) {
            quote = None;
        } else if quote.is_none() && matches!(ch, '"' | '\'') {
            quote = Some(ch);
        }
    }
    quote == Some('\'')
}
