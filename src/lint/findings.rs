//! Which findings count, and what they become.

use super::{NotChecked, Rule};
use crate::diagnostic::{Diagnostic, Fix, Label, Severity};
use crate::dockerfile::directive::CheckOptions;
use crate::dockerfile::instruction::Instruction;
use crate::dockerfile::syntax::Node;
use crate::text::{LineIndex, Lines, TextRange};

/// The instruction that a finding is about.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The lines that BuildKit names.
    pub(super) lines: Lines,
    /// The comments above, which may switch rules off.
    pub(super) comments: &'a [String],
    /// For a trigger, the word that stands for it in this file: the base of the stage.
    pub(super) stands_in: Option<TextRange>,
}

impl<'a> Place<'a> {
    /// The place of a node.
    pub(super) fn of_node(node: &'a Node) -> Self {
        Self { lines: node.lines, comments: &node.comments, stands_in: None }
    }

    /// The place of an instruction for a rule that looks at the file as a
    /// whole. BuildKit does not read the comments above for these.
    pub(super) fn of_lines(lines: Lines) -> Self {
        Self { lines, comments: &[], stands_in: None }
    }

    /// The place of an instruction.
    pub(super) fn of(instruction: &'a Instruction) -> Self {
        Self { lines: instruction.lines, comments: &instruction.comments, stands_in: None }
    }
}

/// What a rule has found.
#[derive(Default)]
pub(super) struct Finding {
    /// The official message.
    pub(super) detail: String,
    /// The word it is about.
    pub(super) range: TextRange,
    /// What to do next.
    pub(super) help: Option<String>,
    /// Another word that matters.
    pub(super) label: Option<Label>,
    /// A mechanical repair.
    pub(super) fix: Option<Fix>,
}

/// Everything found so far.
#[derive(Default)]
pub(super) struct Findings {
    options: CheckOptions,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) not_checked: Vec<NotChecked>,
}

impl Findings {
    pub(super) fn new(options: CheckOptions) -> Self {
        Self { options, warnings: Vec::new(), not_checked: Vec::new() }
    }

    /// Notes a finding, unless its rule is off here.
    pub(super) fn report(&mut self, rule: &'static Rule, place: Place<'_>, finding: Finding) {
        if !self.is_on(rule, place.comments) {
            return;
        }
        self.warnings.push(Diagnostic {
            code: rule.name,
            severity: Severity::Warning,
            message: finding.detail.clone(),
            builder_message: Some(finding.detail),
            range: place.stands_in.unwrap_or(finding.range),
            lines: place.lines,
            labels: if place.stands_in.is_some() { Vec::new() } else { finding.label.into_iter().collect() },
            help: finding.help,
            url: Some(rule.url).filter(|url| !url.is_empty()),
            fix: finding.fix.filter(|_| place.stands_in.is_none()),
        });
    }

    /// Notes that a rule could not look at something, unless it is off here.
    pub(super) fn skip(&mut self, rule: &'static Rule, place: Place<'_>, range: TextRange, reason: String) {
        let range = place.stands_in.unwrap_or(range);
        if self.is_on(rule, place.comments) {
            self.not_checked.push(NotChecked { rule, range, lines: place.lines, reason });
        }
    }

    /// What stops a build whose file says `error=true`. BuildKit names the rules in no order.
    pub(super) fn violation(&self) -> Option<String> {
        if !self.options.is_error || self.warnings.is_empty() {
            return None;
        }
        let mut rules: Vec<&str> = self.warnings.iter().map(|warning| warning.code).collect();
        rules.sort_unstable();
        rules.dedup();
        Some(format!("lint violation found for rules: {}", rules.join(", ")))
    }

    fn is_on(&self, rule: &Rule, comments: &[String]) -> bool {
        let mut local = comments.iter().filter_map(|comment| local_options(comment));
        if rule.is_experimental {
            // `skip` does not touch these.
            return asks_for(&self.options, rule) || local.any(|options| asks_for(&options, rule));
        }
        !skips(&self.options, rule) && !local.any(|options| skips(&options, rule))
    }
}

/// Lines with their newlines.
pub(super) fn whole_lines(text: &str, index: &LineIndex, lines: Lines) -> TextRange {
    let is_last = lines.last as usize >= index.n_lines();
    let end = if is_last { text.len() } else { index.start_of(lines.last + 1) };
    TextRange::new(index.start_of(lines.first), end)
}

fn asks_for(options: &CheckOptions, rule: &Rule) -> bool {
    options.has_all_experimental || options.experimental.iter().flatten().any(|name| name == rule.name)
}

fn skips(options: &CheckOptions, rule: &Rule) -> bool {
    options.skips_all || options.skips.iter().flatten().any(|name| name == rule.name)
}

/// `check=…` in a comment above an instruction. A reason may follow behind `//`.
fn local_options(comment: &str) -> Option<CheckOptions> {
    let (name, value) = comment.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("check") {
        return None;
    }
    let value = value.split("//").next().unwrap_or("");
    CheckOptions::read(value).ok()
}
