//! Two images side by side: which ones, and what there is to say of them.

use std::fmt::Write as _;

use super::answers::Topic;
use super::look::Tab;
use super::{ask, seek, want};
use crate::app::known::read_size;
use crate::app::saved::Part;
use crate::app::state::{Place, State};
use crate::app::update::Effect;
use crate::protocol::JobId;
use crate::protocol::inspect::compare::{
    CompareFilter, CompareReport, ComparedFile, DifferenceKind, DifferenceSort, LayerFate,
};
use crate::protocol::inspect::rows::{BadPattern, RowFilter, TreeOf};
use crate::protocol::inspect::{Answer, ImageAt, Question, SettleScope};
use crate::text::visible;

/// An image by the archive's file and its place in it.
pub type Chosen = (JobId, u32);

/// Rows of differences travel in pages of this many.
pub const PAGE_ROWS: u32 = 100;

/// What is compared, and how it is looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CompareLook {
    /// The image before, if it was chosen.
    pub before: Option<Chosen>,
    /// And after.
    pub after: Option<Chosen>,
    /// The pattern.
    pub pattern: String,
    /// The least size, as people write it.
    pub least: String,
    /// Kinds and order; its pattern and least size are those above.
    pub filter: CompareFilter,
    /// The first and the last row in view.
    pub seen: (u32, u32),
}

/// What happened in Compare.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CompareMessage {
    /// Another image before was chosen.
    BeforeChosen(Chosen),
    /// Another image after was chosen.
    AfterChosen(Chosen),
    /// Both are to change places.
    Swapped,
    /// A kind of difference was let through, or no more.
    KindSwitched(DifferenceKind),
    /// A pattern was typed.
    PatternTyped(String),
    /// A least size was typed.
    LeastTyped(String),
    /// Another order was chosen.
    SortChosen(DifferenceSort),
    /// These rows are in view.
    RowsSeen(u32, u32),
    /// Contents of the same length are to be told apart.
    SettleAsked,
    /// A path is to be shown in Inspect.
    PathShown {
        /// The image.
        image: Chosen,
        /// The layer that wrote it.
        layer_idx: u32,
        /// The path.
        path: String,
    },
}

/// All images of open archives, with names that tell them apart.
#[must_use]
pub fn choices(state: &State) -> Vec<(Chosen, String)> {
    let mut all = Vec::new();
    for open in state.archives.images() {
        for (image, idx) in open.images.iter().zip(0..) {
            let tag = image.tags.first().map_or("untagged", String::as_str);
            all.push(((open.file, idx), visible(&format!("{tag} ({}), {}", image.platform, open.name))));
        }
    }
    all
}

/// The images that are compared: those that were chosen, or else the first two.
#[must_use]
pub fn pair(state: &State) -> Option<(Chosen, Chosen)> {
    let all = choices(state);
    let there = |chosen: Option<Chosen>| chosen.filter(|chosen| all.iter().any(|(one, _)| one == chosen));
    let (before, after) = (there(state.inspect.compare.before), there(state.inspect.compare.after));
    let other = |than: Option<Chosen>| all.iter().map(|(one, _)| *one).find(|one| Some(*one) != than);
    let before = before.or_else(|| other(after))?;
    Some((before, after.or_else(|| other(Some(before)))?))
}

fn at(state: &State, (file, image_idx): Chosen) -> Option<(ImageAt, u32)> {
    let open = state.archives.images().find(|open| open.file == file)?;
    Some((ImageAt { archive: open.job, image_idx }, open.n_changes))
}

/// What the fields have in them, as a question has it.
fn filter(look: &CompareLook) -> CompareFilter {
    let min_bytes = read_size(&look.least).unwrap_or(0);
    let rows = RowFilter { pattern: look.pattern.clone(), min_bytes, ..RowFilter::default() };
    CompareFilter { rows, ..look.filter.clone() }
}

/// Asks for what is on screen.
pub(super) fn sync(state: &mut State) -> Vec<Effect> {
    let Some((before, after)) = pair(state) else { return Vec::new() };
    let (Some((before, n)), Some((after, m))) = (at(state, before), at(state, after)) else {
        return Vec::new();
    };
    let look = &state.inspect.compare;
    let (first, last) = (look.seen.0 / PAGE_ROWS, look.seen.1 / PAGE_ROWS);
    let (filter, pages) = (filter(look), first..=last.min(first.saturating_add(3)));
    state.inspect.kept.retain(|topic, _| match topic {
        Topic::CompareRows(page) => pages.contains(page),
        _ => true,
    });
    let n_changes = n.saturating_add(m);
    let mut effects: Vec<Effect> =
        want(state, Topic::Compare, Question::Compare { before, after }, n_changes).into_iter().collect();
    for page in pages {
        let (filter, first) = (filter.clone(), page.saturating_mul(PAGE_ROWS));
        let question = Question::CompareRows { before, after, filter, first, n_rows: PAGE_ROWS };
        effects.extend(want(state, Topic::CompareRows(page), question, n_changes));
    }
    effects
}

/// Something happened.
pub(super) fn update(state: &mut State, message: CompareMessage) -> Vec<Effect> {
    let both = pair(state);
    let look = &mut state.inspect.compare;
    match message {
        CompareMessage::BeforeChosen(chosen) => look.before = Some(chosen),
        CompareMessage::AfterChosen(chosen) => {
            look.before = both.map(|(before, _)| before);
            look.after = Some(chosen);
        }
        CompareMessage::Swapped => {
            (look.after, look.before) = both.unzip();
        }
        CompareMessage::KindSwitched(kind) => super::switch(&mut look.filter.kinds, kind),
        CompareMessage::PatternTyped(pattern) => look.pattern = pattern,
        CompareMessage::LeastTyped(least) => look.least = least,
        CompareMessage::SortChosen(sort) => look.filter.sort = sort,
        CompareMessage::RowsSeen(first, last) => look.seen = (first, last),
        CompareMessage::SettleAsked => return settle(state),
        CompareMessage::PathShown { image: (file, image_idx), layer_idx, path } => {
            state.archives.show(file);
            state.session.place = Place::Inspect;
            state.view_revision += 1;
            if let Some(open) = state.archives.image_mut() {
                (open.image_idx, open.layer_idx) = (image_idx, layer_idx);
                (open.look.tab, open.look.is_biggest, open.look.of) = (Tab::Files, false, TreeOf::Stack);
                open.look.n_queries += 1;
            }
            let mut effects = vec![Effect::Save(Part::Texts), Effect::ShowPlace];
            effects.extend(seek(state, |query, _| Question::RowAt { query, path }));
            return effects;
        }
    }
    Vec::new()
}

/// Reads what both have of the same length.
fn settle(state: &mut State) -> Vec<Effect> {
    let Some((before, after)) = pair(state) else { return Vec::new() };
    let (Some((before, n)), Some((after, m))) = (at(state, before), at(state, after)) else {
        return Vec::new();
    };
    let mut one = |topic, image, other, n_changes| {
        let scope = SettleScope::Against { other };
        ask(state, topic, Question::Settle { image, scope }, n_changes, None)
    };
    vec![one(Topic::SettleBefore, before, after, n), one(Topic::SettleAfter, after, before, m)]
}

/// How the images differ, once that is known of these two.
#[must_use]
pub fn report(state: &State) -> Option<&CompareReport> {
    let (before, after) = pair(state)?;
    let asked = Question::Compare { before: at(state, before)?.0, after: at(state, after)?.0 };
    let kept = state.inspect.kept.get(&Topic::Compare).filter(|kept| kept.question == asked)?;
    match kept.last()?.as_ref() {
        Answer::Compare(report) => Some(report),
        _ => None,
    }
}

/// A difference, if it came.
#[must_use]
pub fn row(state: &State, idx: u32) -> Option<&ComparedFile> {
    match state.inspect.last(Topic::CompareRows(idx / PAGE_ROWS))? {
        Answer::CompareRows { rows, .. } => rows.get(usize::try_from(idx % PAGE_ROWS).ok()?),
        _ => None,
    }
}

/// How many differences the filter lets through, and what is wrong with its pattern.
#[must_use]
pub fn n_rows(state: &State) -> Option<(u32, Option<&BadPattern>)> {
    state.inspect.kept.iter().find_map(|(topic, kept)| match (topic, kept.last()?.as_ref()) {
        (Topic::CompareRows(_), Answer::CompareRows { n_rows, bad_pattern, .. }) => {
            Some((*n_rows, bad_pattern.as_ref()))
        }
        _ => None,
    })
}

/// What became of a layer, in a word.
#[must_use]
pub fn fate_word(fate: LayerFate) -> &'static str {
    match fate {
        LayerFate::Shared => "shared",
        LayerFate::SameTar => "same files, other blob",
        LayerFate::Replaced => "replaced",
        LayerFate::Added => "added",
        LayerFate::Removed => "removed",
    }
}

/// What a colleague wants to know, in two or three sentences.
#[must_use]
pub fn sentence(report: &CompareReport, before: &str, human: fn(u64) -> String) -> String {
    let n_shared = report.layers.iter().filter(|layer| layer.fate == LayerFate::Shared).count();
    let n_after = report.layers.iter().filter(|layer| layer.after_idx.is_some()).count();
    let files = &report.files;
    let mut told = format!(
        "Shares {n_shared} of {n_after} layers with {before}. A pull for someone who has that one takes {}.",
        human(report.pull_bytes)
    );
    let counts = [
        (files.n_added, "added"),
        (files.n_removed, "removed"),
        (files.n_content, "changed in content"),
        (files.n_metadata, "changed in mode, owner or time"),
    ];
    let mut parts = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).peekable();
    if parts.peek().is_some() {
        let parts: Vec<String> = parts.collect();
        let _ = write!(told, " Paths: {}.", parts.join(", "));
    } else {
        told.push_str(" No path differs.");
    }
    told
}

/// The report as Markdown.
#[must_use]
pub fn markdown(report: &CompareReport, before: &str, after: &str, human: fn(u64) -> String) -> String {
    // A bar would end the cell, and a line end the row.
    let cell = |text: &str| visible(text).replace('|', "\\|").replace(['\n', '\r'], " ");
    let mut out = format!(
        "# {} compared with {}\n\n{}\n\n",
        cell(after),
        cell(before),
        sentence(report, &cell(before), human)
    );
    out.push_str("| Layer | Fate | Before | After |\n|---|---|---:|---:|\n");
    for layer in &report.layers {
        let instruction = cell(layer.instruction.as_deref().unwrap_or("unknown"));
        let bytes = |idx: Option<u32>, bytes: u64| idx.map(|_| human(bytes)).unwrap_or_default();
        let (from, to) =
            (bytes(layer.before_idx, layer.before_bytes), bytes(layer.after_idx, layer.after_bytes));
        let _ = writeln!(out, "| {instruction} | {} | {from} | {to} |", fate_word(layer.fate));
    }
    if !report.config.is_empty() {
        out.push_str("\n| Configuration | Before | After |\n|---|---|---|\n");
        for change in &report.config {
            let value = |value: &Option<String>| cell(value.as_deref().unwrap_or("not set"));
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                cell(&change.field),
                value(&change.before),
                value(&change.after)
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::inspect::compare::{ComparedLayer, ConfigChange, FileCounts};
    use expect_test::expect;

    #[test]
    fn a_report_that_a_colleague_can_read() {
        let layer = |fate, before_idx, after_idx| ComparedLayer {
            fate,
            before_idx,
            after_idx,
            instruction: Some("RUN a | b".into()),
            before_bytes: 3,
            after_bytes: 4,
            digest: None,
        };
        let report = CompareReport {
            layers: vec![layer(LayerFate::Shared, Some(0), Some(0)), layer(LayerFate::Added, None, Some(1))],
            files: FileCounts { n_added: 2, ..FileCounts::default() },
            config: vec![ConfigChange {
                field: "config.User".into(),
                before: None,
                after: Some("app".into()),
            }],
            pull_bytes: 4,
            ..CompareReport::default()
        };
        let human = |bytes: u64| format!("{bytes} B");
        expect![[r"
            # v2 compared with v1

            Shares 1 of 2 layers with v1. A pull for someone who has that one takes 4 B. Paths: 2 added.

            | Layer | Fate | Before | After |
            |---|---|---:|---:|
            | RUN a \| b | shared | 3 B | 4 B |
            | RUN a \| b | added |  | 4 B |

            | Configuration | Before | After |
            |---|---|---|
            | config.User | not set | app |
        "]]
        .assert_eq(&markdown(&report, "v1", "v2", human));
    }
}
