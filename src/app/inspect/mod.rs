//! Inspect: what the reader looks at in archives that are open, and what is asked for it.
//!
//! What is on screen decides what is asked: `sync` runs after each message and each time that more
//! becomes known, and asks for what is wanted and was not asked yet. Answers are kept with their
//! question, one for each [`answers::Topic`]; those that nobody waits for any more are dropped by
//! their job. A new view of the chosen layer or image is a [`look::Tab`] with topics of its own and
//! an arm in `wanted`.
//!
//! A question goes to the worker that keeps the entries. A ticket that comes back goes with the
//! archive's file to the *fetcher*, a worker that does nothing else, so that a file is shown while
//! layers are still being read.

pub mod answers;
pub mod archives;
pub mod compare;
pub mod history;
pub mod look;
pub mod rows;
pub mod save;
pub mod tiles;
pub mod waste;

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_bytes::ByteBuf;

pub use self::answers::Inspect;
use self::answers::{Kept, PAGE_ROWS, Pages, Topic};
use self::look::{Column, FileLook, HEX_BYTES, ShownAs, Tab};
use self::save::SaveWhat;
use self::waste::WasteMessage;
use super::opened;
use super::state::{ImageState, OpenImage, Place, State};
use super::update::Effect;
use crate::protocol::inspect::rows::{ChangeClass, LifeStep, SortBy, TreeOf, TreeQuery};
use crate::protocol::inspect::{Answer, ImageAt, Question, SettleScope};
use crate::protocol::{JobId, Reply, Request};

/// What happened in Inspect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InspectMessage {
    /// Another archive was chosen, by its file.
    ArchiveShown(JobId),
    /// An archive was closed.
    ArchiveClosed(JobId),
    /// Another image of the archive was chosen.
    ImageSelected(u32),
    /// Another layer was chosen.
    LayerSelected(u32),
    /// Another view was chosen.
    TabChosen(Tab),
    /// The layer alone or the layers up to it were chosen.
    TreeChosen(TreeOf),
    /// These rows are in view, the first and the last.
    RowsSeen(u32, u32),
    /// The cursor was put on a row.
    CursorMoved(u32),
    /// A folder was unfolded, or folded.
    FolderToggled {
        /// Its path.
        path: String,
        /// It is unfolded now.
        is_unfolded: bool,
    },
    /// All folders were unfolded, or folded.
    AllToggled(bool),
    /// Another order was chosen; once more for the other way round.
    SortChosen(SortBy),
    /// A pattern was typed.
    PatternTyped(String),
    /// The pattern is a regular expression, or is not.
    RegexSwitched(bool),
    /// A least size was typed.
    LeastTyped(String),
    /// A kind of change was let through, or no more.
    KindSwitched(ChangeClass),
    /// The filter was cleared.
    FilterCleared,
    /// A column was shown or left out.
    ColumnSwitched(Column),
    /// All columns but those for name, change and size were shown or left out.
    AttributesSwitched,
    /// The biggest files and folders are to be listed, or the tree.
    BiggestSwitched(bool),
    /// The beginning of a name was typed.
    NameTyped {
        /// What was typed.
        typed: String,
        /// The same key was pressed again.
        is_next: bool,
    },
    /// The next row that the layer changes is wanted, or the one before.
    ChangeSought {
        /// The one before.
        is_backward: bool,
    },
    /// A path is to be shown in the tree of a layer.
    PathSought {
        /// The layer.
        layer_idx: u32,
        /// The path.
        path: String,
    },
    /// A file was opened.
    FileOpened {
        /// The layer after which it is looked at.
        layer_idx: u32,
        /// Its path.
        path: String,
    },
    /// The file was closed.
    FileClosed,
    /// Another way to show the file was chosen.
    FileShownAs(ShownAs),
    /// These bytes of the file are in view, the first and the last.
    BytesSeen(u64, u64),
    /// Contents of the same length are to be told apart.
    SettleAsked,
    /// Something that takes long was called off.
    FetchCancelled,
    /// Something is to be saved.
    SaveAsked(SaveWhat),
    /// The reader said where to save, or would rather not.
    SinkOpened {
        /// What is written to.
        sink: JobId,
        /// It can be written.
        is_open: bool,
    },
    /// All of it was written.
    SinkClosed(JobId),
    /// It could not be written.
    SinkFailed {
        /// What is written to.
        sink: JobId,
        /// Why, as a sentence.
        message: String,
    },
    /// Saving was called off, or how it went was read.
    SaveCancelled,
    /// Something in the view of waste.
    Waste(WasteMessage),
    /// Another folder is shown in the map.
    MapZoomed(String),
    /// The fetcher crashed.
    FetcherFailed(String),
    /// Something happened in Compare.
    Compare(compare::CompareMessage),
    /// The Dockerfile that the history tells is to be opened in Simulate.
    DockerfileWanted,
}

/// What Inspect asks of the browser.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InspectEffect {
    /// Hand a file to the fetcher, with this request.
    Redeem {
        /// The file.
        file: JobId,
        /// The request.
        request: Request,
    },
    /// Replace the fetcher by a fresh one.
    RestartFetcher,
    /// Ask the reader where to save something.
    OpenSink {
        /// What is written to.
        sink: JobId,
        /// The name that is offered.
        name: String,
    },
    /// Write some bytes behind those that were written.
    WriteSink {
        /// What is written to.
        sink: JobId,
        /// The bytes.
        bytes: ByteBuf,
    },
    /// Write a part of a file as it is, and nothing more.
    WriteSlice {
        /// What is written to.
        sink: JobId,
        /// The file.
        file: JobId,
        /// Where the part begins.
        from_bytes: u64,
        /// Its length.
        size_bytes: u64,
    },
    /// All of it was written.
    CloseSink(JobId),
    /// None of it is wanted any more.
    DropSink(JobId),
}

/// Something happened.
pub(super) fn update(state: &mut State, message: InspectMessage) -> Vec<Effect> {
    let mut effects = match message {
        InspectMessage::ArchiveShown(file) => {
            state.archives.show(file);
            // Sizes of steps are those of the image that is shown.
            state.view_revision += 1;
            Vec::new()
        }
        InspectMessage::ArchiveClosed(file) => opened::close(state, file),
        InspectMessage::SettleAsked => settle(state, SettleScope::Rewrites),
        InspectMessage::Waste(WasteMessage::SettleAsked(scope)) => settle(state, scope),
        InspectMessage::FetchCancelled => restart_fetcher(state),
        InspectMessage::SaveAsked(what) => save::ask(state, what),
        InspectMessage::SinkOpened { sink, is_open } => save::sink_opened(state, sink, is_open),
        InspectMessage::SinkClosed(sink) => save::sink_closed(state, sink),
        InspectMessage::SinkFailed { sink, message } => save::sink_failed(state, sink, message),
        InspectMessage::SaveCancelled => save::cancel(state),
        InspectMessage::FetcherFailed(message) => fetcher_failed(state, &message),
        InspectMessage::Compare(message) => compare::update(state, message),
        InspectMessage::DockerfileWanted => history::open_dockerfile(state),
        InspectMessage::NameTyped { typed, is_next } => seek(state, |query, from| {
            let is_backward = false;
            Question::RowNamed { query, from, typed, is_next, is_backward }
        }),
        InspectMessage::ChangeSought { is_backward } => {
            seek(state, |query, from| Question::RowChanged { query, from, is_backward })
        }
        InspectMessage::PathSought { layer_idx, path } => {
            if let Some(open) = state.archives.image_mut() {
                open.layer_idx = layer_idx;
                open.look.tab = Tab::Files;
                open.look.is_biggest = false;
            }
            seek(state, |query, _| Question::RowAt { query, path })
        }
        message => {
            let pages = &state.inspect.pages;
            let row_path = |idx| pages.row(idx).map(|row| row.path.clone());
            if let Some(open) = state.archives.image_mut() {
                look_at(open, message, &row_path);
            }
            Vec::new()
        }
    };
    effects.extend(sync(state));
    effects
}

/// The reader looks at something else.
fn look_at(open: &mut OpenImage, message: InspectMessage, row_path: &dyn Fn(u32) -> Option<String>) {
    let look = &mut open.look;
    match message {
        InspectMessage::ImageSelected(idx) => {
            open.image_idx = idx;
            open.layer_idx = 0;
            (look.unfolded, look.folded, look.file) = (Rc::default(), Rc::default(), None);
            look.waste.n_base_layers = 0;
            look.map_folder.clear();
            look.tab = if look.tab == Tab::File { Tab::Files } else { look.tab };
            look.cursor = (0, None);
            look.n_jumps += 1;
        }
        InspectMessage::LayerSelected(idx) => {
            open.layer_idx = idx;
            look.cursor = (0, None);
            look.n_jumps += 1;
            look.tab = if look.tab == Tab::File { Tab::Files } else { look.tab };
        }
        InspectMessage::TabChosen(tab) => look.tab = tab,
        InspectMessage::TreeChosen(of) => {
            look.of = of;
            look.cursor = (0, None);
            look.n_jumps += 1;
            look.n_queries += 1;
        }
        InspectMessage::RowsSeen(first, last) => look.seen = (first, last),
        InspectMessage::CursorMoved(row) => look.cursor = (row, row_path(row)),
        InspectMessage::FolderToggled { path, is_unfolded } => look.toggle(path, is_unfolded),
        InspectMessage::AllToggled(is_unfolded) => {
            look.toggle_all(is_unfolded);
            look.cursor = (0, None);
            look.n_jumps += 1;
        }
        InspectMessage::SortChosen(sort) => {
            // Names begin with the first letter; of the others the most comes first.
            look.is_descending = if look.sort == sort { !look.is_descending } else { sort == SortBy::Size };
            look.sort = sort;
            look.n_queries += 1;
        }
        InspectMessage::PatternTyped(pattern) => {
            look.filter.pattern = pattern;
            filtered(open);
        }
        InspectMessage::RegexSwitched(is_regex) => {
            look.filter.is_regex = is_regex;
            filtered(open);
        }
        InspectMessage::LeastTyped(least) => {
            look.filter.least = least;
            filtered(open);
        }
        InspectMessage::KindSwitched(class) => {
            switch(&mut look.filter.kinds, class);
            filtered(open);
        }
        InspectMessage::FilterCleared => {
            look.filter = look::FilterTyped::default();
            filtered(open);
        }
        InspectMessage::ColumnSwitched(column) => switch(&mut look.columns, column),
        InspectMessage::AttributesSwitched => {
            let attributes = [Column::Mode, Column::Owner, Column::Time];
            let has_any = attributes.iter().any(|column| look.columns.contains(column));
            look.columns.retain(|column| !attributes.contains(column));
            look.columns.extend(attributes.into_iter().filter(|_| !has_any));
        }
        InspectMessage::BiggestSwitched(is_on) => look.is_biggest = is_on,
        InspectMessage::FileOpened { layer_idx, path } => {
            look.file = Some(FileLook { layer_idx, path, shown_as: None, seen: (0, 0) });
            look.tab = Tab::File;
        }
        InspectMessage::FileClosed => {
            look.file = None;
            look.tab = Tab::Files;
        }
        InspectMessage::FileShownAs(shown_as) => {
            look.file.iter_mut().for_each(|file| file.shown_as = Some(shown_as));
        }
        InspectMessage::Waste(WasteMessage::BaseChosen(n)) => look.waste.n_base_layers = n,
        InspectMessage::Waste(WasteMessage::ThresholdTyped(rule, typed)) => look.waste.set(rule, typed),
        InspectMessage::MapZoomed(folder) => look.map_folder = folder,
        InspectMessage::BytesSeen(first, last) => {
            look.file.iter_mut().for_each(|file| file.seen = (first, last));
        }
        _ => {}
    }
}

/// Takes out what is in a set, and puts in what is not.
fn switch<T: Ord>(set: &mut BTreeSet<T>, item: T) {
    if !set.remove(&item) {
        set.insert(item);
    }
}

fn filtered(open: &mut OpenImage) {
    open.look.cursor = (0, None);
    open.look.n_jumps += 1;
    open.look.n_queries += 1;
}

impl OpenImage {
    /// The image that is shown, as questions name it.
    #[must_use]
    pub fn at(&self) -> ImageAt {
        ImageAt { archive: self.job, image_idx: self.image_idx }
    }

    /// The tree that is shown.
    #[must_use]
    pub fn query(&self) -> TreeQuery {
        let reports: Vec<_> =
            (0..=self.layer_idx).map(|idx| self.layers.get(&(self.image_idx, idx))).collect();
        self.look.query(self.at(), self.layer_idx, &reports)
    }

    fn rows_key(&self) -> answers::RowsKey {
        // The layers up to it tell whether the tree begins unfolded.
        (self.job, self.image_idx, self.layer_idx, self.look.n_queries, self.n_changes)
    }
}

/// The archive that is shown, and its image as questions name it; once its layers are known.
pub(super) fn shown_at(state: &State) -> Option<(&OpenImage, ImageAt)> {
    let open = state.archives.image()?;
    open.images.get(usize::try_from(open.image_idx).ok()?)?;
    Some((open, open.at()))
}

/// An image with no more entries has its waste worked out at once, for the scores of the overview.
const SMALL_ENTRIES: u64 = 100_000;

/// Nodes of the map.
const MAP_NODES: u32 = 400;

/// What is on screen and has to be asked for, the rows of the tree aside.
fn wanted(state: &State, open: &OpenImage, image: ImageAt) -> Vec<(Topic, Question)> {
    let mut wanted = vec![(Topic::Layers, Question::Layers { image })];
    let look = &open.look;
    // Of a large image it takes seconds, and is worked out only for whoever looks at it.
    let n_entries: u64 = open.layers.values().map(|report| report.n_entries).sum();
    if open.is_all_listed() && (n_entries <= SMALL_ENTRIES || look.tab == Tab::Waste) {
        let n_base_layers = look.waste.n_base_layers;
        wanted.push((Topic::Waste, Question::Waste { image, n_base_layers, n_rows: 100 }));
    }
    match (look.tab, &look.file) {
        (Tab::History, _) => wanted.push((Topic::History, Question::History { image })),
        (Tab::Documents, _) => {
            wanted.push((Topic::Documents, Question::Documents { archive: open.job }));
        }
        (Tab::Files, _) if look.is_biggest => {
            let (layer_idx, of) = (open.layer_idx, look.of);
            wanted.push((Topic::Biggest, Question::Biggest { image, layer_idx, of, n: 200 }));
        }
        (Tab::Map, _) if !open.layers.is_empty() => {
            let (layer_idx, of, folder) = (open.layer_idx, look.of, look.map_folder.clone());
            let n_nodes = MAP_NODES;
            wanted.push((Topic::Map, Question::Map { image, layer_idx, of, folder, n_nodes }));
        }
        (Tab::File, Some(file)) => {
            wanted.push((Topic::Contents, file.beginning(image)));
            wanted.push((Topic::Life, Question::Life { image, path: file.path.clone() }));
            match rows::shown_as(state, file) {
                Some(ShownAs::Hex) => {
                    let page = |byte: u64| u32::try_from(byte / HEX_BYTES).unwrap_or(u32::MAX);
                    let (first, last) = (page(file.seen.0), page(file.seen.1));
                    for page in first..=last.min(first.saturating_add(2)) {
                        wanted.push((Topic::Bytes(page), file.page(image, page)));
                    }
                }
                Some(ShownAs::Difference) => {
                    let before = rows::before(life(state), file.layer_idx);
                    wanted.extend(before.map(|layer_idx| {
                        let before = FileLook { layer_idx, ..file.clone() };
                        (Topic::Before, before.beginning(image))
                    }));
                }
                _ => {}
            }
        }
        _ => {}
    }
    wanted
}

/// What each layer did at the path of the file that is open.
#[must_use]
pub fn life(state: &State) -> &[LifeStep] {
    match state.inspect.last(Topic::Life) {
        Some(Answer::Life(steps)) => steps,
        _ => &[],
    }
}

/// Asks for what is on screen and was not asked for yet.
pub(super) fn sync(state: &mut State) -> Vec<Effect> {
    match state.session.place {
        Place::Inspect => {}
        Place::Compare => return compare::sync(state),
        Place::Simulate => return Vec::new(),
    }
    let Some((open, image)) = shown_at(state) else { return Vec::new() };
    if open.is_listing && open.layers.is_empty() {
        return Vec::new();
    }
    let n_changes = open.n_changes;
    let wanted = wanted(state, open, image);
    let mut effects = Vec::new();
    // Pages of bytes are the only ones of which there are many.
    let is_wanted = |topic: &Topic| wanted.iter().any(|(other, _)| other == topic);
    state.inspect.kept.retain(|topic, _| !matches!(topic, Topic::Bytes(_)) || is_wanted(topic));
    for (topic, question) in wanted {
        effects.extend(want(state, topic, question, n_changes));
    }
    effects.extend(want_rows(state));
    effects
}

/// Asks for something, unless it was asked for already.
fn want(state: &mut State, topic: Topic, question: Question, n_changes: u32) -> Option<Effect> {
    let kept = state.inspect.kept.get(&topic);
    let same = kept.filter(|kept| kept.question == question);
    // What is on its way is waited for, even where it is out of date by then.
    if same.is_some_and(|kept| kept.answer.is_none() || kept.n_changes == n_changes) {
        return None;
    }
    let earlier = same.and_then(|kept| kept.last().cloned());
    Some(ask(state, topic, question, n_changes, earlier))
}

fn ask(
    state: &mut State,
    topic: Topic,
    question: Question,
    n_changes: u32,
    earlier: Option<Rc<Answer>>,
) -> Effect {
    state.n_jobs += 1;
    let job = JobId(state.n_jobs);
    let asked = Effect::Send(Request::Inspect { job, question: question.clone() });
    let kept = Kept { question, n_changes, job, answer: None, earlier, progress: None, is_redeemed: false };
    state.inspect.kept.insert(topic, kept);
    asked
}

/// Asks for the rows that are in view.
fn want_rows(state: &mut State) -> Vec<Effect> {
    let Some(open) = state.archives.image().filter(|open| open.look.tab == Tab::Files) else {
        return Vec::new();
    };
    if open.look.is_biggest || open.images.is_empty() {
        return Vec::new();
    }
    let key = open.rows_key();
    let pages = &mut state.inspect.pages;
    if pages.key != key {
        let is_same_tree = (pages.key.0, pages.key.1) == (key.0, key.1);
        let earlier = std::mem::take(pages);
        let (came, last) = if is_same_tree { (earlier.came, earlier.last) } else { Default::default() };
        *pages = Pages { key, came, last, is_old: true, ..Pages::default() };
    }
    if pages.problem.is_some() {
        return Vec::new();
    }
    let wanted = pages.wanted(open.look.seen);
    pages.asked.retain(|page, _| wanted.contains(page));
    if !pages.is_old {
        pages.came.retain(|page, _| wanted.contains(page));
    }
    let mut effects = Vec::new();
    let mut query = None;
    for page in wanted {
        let is_there = !pages.is_old && pages.came.contains_key(&page);
        if is_there || pages.asked.contains_key(&page) {
            continue;
        }
        state.n_jobs += 1;
        let job = JobId(state.n_jobs);
        let query = query.get_or_insert_with(|| open.query()).clone();
        let question = Question::Rows { query, first: page * PAGE_ROWS, n_rows: PAGE_ROWS };
        effects.push(Effect::Send(Request::Inspect { job, question }));
        pages.asked.insert(page, job);
    }
    effects
}

/// Looks for a row from that of the cursor on.
fn seek(state: &mut State, question: impl FnOnce(TreeQuery, u32) -> Question) -> Vec<Effect> {
    let Some((open, _)) = shown_at(state) else { return Vec::new() };
    let (question, n_changes) = (question(open.query(), open.look.cursor.0), open.n_changes);
    vec![ask(state, Topic::Sought, question, n_changes, None)]
}

/// Tells contents apart.
fn settle(state: &mut State, scope: SettleScope) -> Vec<Effect> {
    let Some((open, image)) = shown_at(state) else { return Vec::new() };
    let n_changes = open.n_changes;
    vec![ask(state, Topic::Settle, Question::Settle { image, scope }, n_changes, None)]
}

/// Hands a ticket on.
fn redeem(file: JobId, job: JobId, ticket: ByteBuf) -> Effect {
    let request = Request::Redeem { job, ticket, limits_times: 1 };
    Effect::Inspect(InspectEffect::Redeem { file, request })
}

/// What the fetcher is at is not wanted any more. What else it was asked is asked again.
pub(super) fn restart_fetcher(state: &mut State) -> Vec<Effect> {
    state.inspect.kept.retain(|_, kept| !(kept.is_redeemed && kept.answer.is_none()));
    vec![Effect::Inspect(InspectEffect::RestartFetcher)]
}

fn fetcher_failed(state: &mut State, message: &str) -> Vec<Effect> {
    for kept in state.inspect.kept.values_mut().filter(|kept| kept.is_redeemed && kept.answer.is_none()) {
        kept.answer = Some(Err(message.to_owned()));
    }
    let sink = state.inspect.saving.as_ref().map(|saving| saving.sink);
    let mut effects = vec![Effect::Inspect(InspectEffect::RestartFetcher)];
    effects.extend(sink.into_iter().flat_map(|sink| save::sink_failed(state, sink, message.to_owned())));
    effects
}

/// It is about a question.
pub(super) fn is_answer(reply: &Reply) -> bool {
    matches!(reply, Reply::Inspected { .. } | Reply::InspectProgressed { .. } | Reply::InspectFailed { .. })
}

/// A worker answered. What nobody waits for any more is dropped.
pub(super) fn replied(state: &mut State, reply: Reply) -> Vec<Effect> {
    if let Some(effects) = save::replied(state, &reply) {
        return effects;
    }
    let Some(job) = reply.job() else { return Vec::new() };
    if let Some(page) =
        state.inspect.pages.asked.iter().find(|(_, asked)| **asked == job).map(|(page, _)| *page)
    {
        return rows_came(state, page, reply);
    }
    let Some(topic) = state.inspect.topic_of(job) else { return Vec::new() };
    let Some(kept) = state.inspect.kept.get_mut(&topic) else { return Vec::new() };
    match reply {
        Reply::InspectProgressed { done_bytes, total_bytes, .. } => {
            kept.progress = Some((done_bytes, total_bytes));
            Vec::new()
        }
        Reply::InspectFailed { message, .. } => {
            kept.answer = Some(Err(message));
            Vec::new()
        }
        Reply::Inspected { answer: Answer::Ticket { archive, ticket }, .. } => {
            kept.is_redeemed = true;
            let file = state.archives.by_job(archive).map(|open| open.file);
            file.map(|file| redeem(file, job, ticket)).into_iter().collect()
        }
        Reply::Inspected { answer: Answer::Digests { archive, digests, is_last }, .. } => {
            state.n_jobs += 1;
            let next = JobId(state.n_jobs);
            if is_last {
                // What is answered to the last of them is the answer.
                kept.job = next;
            }
            let question = Question::KeepDigests { archive, digests };
            vec![Effect::Send(Request::Inspect { job: next, question })]
        }
        Reply::Inspected { answer, .. } => {
            let is_settled = matches!(answer, Answer::Settled { n_files } if n_files > 0);
            let place = if let Answer::RowAt(place) = &answer { place.clone() } else { None };
            kept.answer = Some(Ok(Rc::new(answer)));
            if let Question::Settle { image, .. } = &kept.question
                && is_settled
            {
                let archive = state.archives.by_job_mut(image.archive).and_then(ImageState::image_mut);
                archive.into_iter().for_each(|open| open.n_changes += 1);
            }
            if let (Some(place), Some(open)) = (place, state.archives.image_mut()) {
                for folder in place.unfold {
                    open.look.toggle(folder, true);
                }
                open.look.cursor = (place.row_idx, Some(place.path));
                open.look.n_jumps += 1;
            }
            let mut effects = Vec::new();
            if topic == Topic::Waste {
                effects.extend(settle_little(state));
            }
            effects.extend(sync(state));
            effects
        }
        _ => Vec::new(),
    }
}

/// So much is read without being asked for, so that changes of content are told from others.
const SETTLED_BYTES: u64 = 64 << 20;

/// Tells rewrites apart where that is little to read, once all layers were read.
fn settle_little(state: &mut State) -> Vec<Effect> {
    let Some(Answer::Waste(report)) = state.inspect.last(Topic::Waste) else { return Vec::new() };
    let undecided = report.undecided;
    let Some((_, image)) = shown_at(state) else { return Vec::new() };
    let question = Question::Settle { image, scope: SettleScope::Rewrites };
    let is_asked = state.inspect.kept.get(&Topic::Settle).is_some_and(|kept| kept.question == question);
    if undecided.n_rewrites == 0 || undecided.rewrites_bytes > SETTLED_BYTES || is_asked {
        return Vec::new();
    }
    settle(state, SettleScope::Rewrites)
}

/// A page of rows came, or cannot.
fn rows_came(state: &mut State, page: u32, reply: Reply) -> Vec<Effect> {
    let pages = &mut state.inspect.pages;
    match reply {
        Reply::Inspected { answer: Answer::Rows(report), .. } => {
            pages.asked.remove(&page);
            if pages.is_old {
                pages.came.clear();
                pages.is_old = false;
            }
            pages.problem = None;
            let n_rows = report.n_rows;
            let report = Rc::new(*report);
            pages.last = Some(Rc::clone(&report));
            pages.came.insert(page, report);
            if let Some(open) = state.archives.image_mut() {
                let last = n_rows.saturating_sub(1);
                let look = &mut open.look;
                if look.cursor.0 > last {
                    look.cursor = (last, None);
                }
                look.seen = (look.seen.0.min(last), look.seen.1.min(last));
            }
            want_rows(state)
        }
        Reply::InspectFailed { message, .. } => {
            pages.asked.remove(&page);
            pages.problem = Some(message);
            Vec::new()
        }
        _ => Vec::new(),
    }
}
