//! The list that is offered, narrowed by what is typed already.

use super::{Completion, CompletionKind, Completions};
use crate::assist::docs::Doc;
use crate::text::TextRange;

/// What is offered so far.
#[derive(Default)]
pub(super) struct List {
    replace: Option<TextRange>,
    items: Vec<Completion>,
    pub(super) is_cut: bool,
    /// How much of what is replaced was typed.
    n_typed: usize,
}

impl List {
    /// Says what is replaced: `typed` and what follows it as far as `goes_on` holds.
    /// Where `typed` is none, nothing is offered.
    pub(super) fn replace(&mut self, text: &str, typed: Option<TextRange>, goes_on: impl Fn(char) -> bool) {
        self.replace = typed.map(|typed| {
            let rest = text.get(typed.end()..).unwrap_or("");
            let len = rest.find(|ch| ch == '\n' || ch == '\r' || !goes_on(ch)).unwrap_or(rest.len());
            TextRange::new(typed.start(), typed.end() + len)
        });
        self.n_typed = typed.map_or(0, TextRange::len);
    }

    /// What is replaced takes a character behind it in, if that stands there.
    pub(super) fn swallow(&mut self, text: &str, ch: char) {
        if let Some(range) = self.replace
            && text.get(range.end()..).is_some_and(|rest| rest.starts_with(ch))
        {
            self.replace = Some(TextRange::new(range.start(), range.end() + ch.len_utf8()));
        }
    }

    /// The text behind what is replaced.
    pub(super) fn rest<'t>(&self, text: &'t str) -> &'t str {
        self.replace.and_then(|range| text.get(range.end()..)).unwrap_or("")
    }

    pub(super) fn push(&mut self, item: Completion) {
        self.items.push(item);
    }

    pub(super) fn add(
        &mut self,
        kind: CompletionKind,
        label: impl Into<String>,
        detail: impl Into<String>,
        insert: impl Into<String>,
        doc: Option<&'static Doc>,
    ) {
        let insert = insert.into();
        let (label, detail) = (label.into(), detail.into());
        self.push(Completion { label, detail, caret: insert.len(), insert, kind, doc });
    }

    pub(super) fn value(&mut self, value: &str, detail: &str) {
        self.add(CompletionKind::Value, value, detail, value, None);
    }

    /// What is put in ends with a blank: not before one that is there already.
    pub(super) fn drop_blank_before_blank(&mut self, text: &str) {
        if !self.rest(text).starts_with([' ', '\t']) {
            return;
        }
        for item in &mut self.items {
            if item.insert.ends_with(' ') {
                item.insert.pop();
                item.caret = item.caret.min(item.insert.len());
            }
        }
    }

    /// The items that fit what is typed, those that begin with it first. Each label once.
    pub(super) fn finish(self, text: &str) -> Completions {
        let Some(replace) = self.replace else { return Completions::default() };
        let typed = text.get(replace.start()..replace.start() + self.n_typed).unwrap_or("").to_lowercase();
        // Of a single letter there are too many.
        let is_long = typed.trim_start_matches(['-', '$', '{', '"', '[']).len() > 1;
        let (mut first, mut others): (Vec<Completion>, Vec<Completion>) = (Vec::new(), Vec::new());
        for item in self.items {
            if first.iter().chain(&others).any(|known| known.label == item.label) {
                continue;
            }
            let label = item.label.to_lowercase();
            let plain = |text: &str| text.trim_start_matches(['-', '$', '{', '"', '[']).to_owned();
            if label.starts_with(&typed) || plain(&label).starts_with(&plain(&typed)) {
                first.push(item);
            } else if is_long && label.contains(&plain(&typed)) {
                others.push(item);
            }
        }
        first.append(&mut others);
        // What stands there already needs no completion.
        if let [item] = first.as_slice()
            && item.insert.trim_end() == replace.of(text)
        {
            first.clear();
        }
        Completions { replace, items: first, is_cut: self.is_cut }
    }
}
