//! What is handed around of the present version: a report, and a link that opens as the same.
//!
//! A link holds texts, options, builds and the context as a tree of paths, kinds, modes and digests.
//! Contents of files, archives' members, opened images and the reader's own settings stay here.
//! What is left out is told, and whether the link shows the same verdicts is found by opening it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::analysis::Analysis;
use super::history::{Event, History};
use super::import::ImportState;
use super::known::{self, SizeSource};
use super::legacy::{self, LegacyAnalysis};
use super::options::Builder;
use super::rows::{InstructionRow, Summary, instruction_rows};
use super::saved::Part;
use super::state::{EditorTab, Place, Session, State, Theme, Version};
use super::update::Effect;
use super::view::{Mark, Moment};
use crate::cache::Verdict as Outcome;
use crate::context::unpacked::Archives;
use crate::context::{Entry, Tree};
use crate::report::link::{self, LinkError};
use crate::report::pack::{Change, Reader, Writer};
use crate::report::{self, Instruction, Report, Verdict, markdown, secret};

/// What a link is to leave out so that it gets shorter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeaveOut {
    /// Everything that happened before the last build.
    pub builds: bool,
    /// Files that are the same in all versions.
    pub files: bool,
}

/// What happened around what is handed around.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShareMessage {
    /// The dialog was opened, or its link is to leave out something else; none if it was closed.
    Changed(Option<LeaveOut>),
    /// The page is about to be printed, or was.
    PrintingSwitched(bool),
    /// A link was opened: the fragment of an address.
    LinkOpened(String),
    /// That a link could not be opened was read.
    LinkProblemClosed,
    /// The reader's own work is safe, so that what came with a link may take its place.
    OwnWorkKept,
    /// The reader wants the own work back that a link took the place of.
    OwnWorkWanted,
    /// The reader goes on with what came with a link.
    OwnWorkDiscarded,
}

/// What looks like a secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretRow {
    /// In which text, and on which line.
    pub place: String,
    /// What it looks like.
    pub what: String,
}

/// A link, and what there is to say of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkView {
    /// The fragment of the address, without `#`.
    pub fragment: String,
    /// What stays here, one thing an item.
    pub left_out: Vec<String>,
    /// Lines whose verdict or reason is another one once it is opened.
    pub differing_lines: Vec<u32>,
}

/// What the dialog shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareView {
    /// The link, or why there is none.
    pub link: Result<LinkView, String>,
    /// The report in Markdown.
    pub markdown: String,
    /// The report in JSON.
    pub json: String,
    /// What looks like a secret in all of this.
    pub secrets: Vec<SecretRow>,
    /// Events that could be left out.
    pub n_events_to_leave: usize,
    /// Files and folders that could be left out.
    pub n_files_to_leave: usize,
}

/// All versions of a session, the present one first.
fn versions(session: &Session) -> impl Iterator<Item = &Version> {
    std::iter::once(&session.now).chain(builds(session))
}

fn builds(session: &Session) -> impl Iterator<Item = &Version> {
    session.events.iter().filter_map(|event| match event {
        Event::Built(version) => Some(version.as_ref()),
        Event::Pruned | Event::FreshRunner(_) => None,
    })
}

fn builds_mut(session: &mut Session) -> impl Iterator<Item = &mut Version> {
    session.events.iter_mut().filter_map(|event| match event {
        Event::Built(version) => Some(Rc::make_mut(version)),
        Event::Pruned | Event::FreshRunner(_) => None,
    })
}

/// How many events happened before the last build.
fn n_before_last_build(session: &Session) -> usize {
    session.events.iter().rposition(|event| matches!(event, Event::Built(_))).unwrap_or(0)
}

/// The paths where some version differs from the present one.
fn changed_paths(session: &Session) -> BTreeSet<String> {
    let now = &session.now.files;
    builds(session).flat_map(|version| now.differences(&version.files)).map(|it| it.path).collect()
}

/// The session without what is to be left out.
fn reduced(session: &Session, leave_out: LeaveOut) -> Session {
    let mut session = session.clone();
    if leave_out.builds {
        session.events.drain(..n_before_last_build(&session));
    }
    if leave_out.files {
        let paths = changed_paths(&session);
        let keep = |files: &Rc<Tree>| {
            let mut kept = Tree::default();
            for path in &paths {
                if let Some(entry) = files.get(path) {
                    kept.insert(path, entry.clone());
                }
            }
            Rc::new(kept)
        };
        session.now.files = keep(&session.now.files);
        builds_mut(&mut session).for_each(|version| version.files = keep(&version.files));
    }
    session
}

/// What goes into a link of a session, in one place: a new field has to be decided about.
fn handed_out(session: &Session) -> Session {
    let Session {
        now,
        given: _,
        archives: _,
        texts: _,
        images,
        sizes,
        context_name,
        events,
        reruns,
        place: _,
        theme: _,
        tab: _,
        last_image_name: _,
        n_edits,
        others: _,
        tab_idx: _,
        document: _,
        context: _,
        disk: _,
        own: _,
    } = session.clone();
    Session {
        now,
        given: Rc::default(),
        archives: Rc::default(),
        texts: Default::default(),
        images,
        sizes,
        context_name,
        events,
        reruns,
        place: Place::Simulate,
        theme: Theme::System,
        tab: EditorTab::Dockerfile,
        last_image_name: None,
        n_edits,
        others: Vec::new(),
        tab_idx: 0,
        document: 0,
        context: 0,
        disk: BTreeMap::new(),
        own: None,
    }
}

/// The fragment of a link that opens as this session.
///
/// # Errors
/// If it is too long to be read again, or has no JSON form; what, as a sentence without a full stop.
pub fn write(session: &Session) -> Result<String, String> {
    let mut texts = handed_out(session);
    texts.now.files = Rc::default();
    builds_mut(&mut texts).for_each(|version| version.files = Rc::default());
    let json = serde_json::to_string(&texts).map_err(|error| error.to_string())?;
    let mut writer = Writer::default();
    writer.text(&json);
    let now = &session.now.files;
    writer.tree(now);
    for version in builds(session) {
        let changes = now.differences(&version.files).into_iter().map(|it| (it.path, it.after.cloned()));
        writer.changes(&changes.collect::<Vec<Change>>());
    }
    link::write(&writer.bytes).map_err(|error| error.to_string())
}

/// The session that a fragment holds; `None` if it is no link's.
#[must_use]
pub fn read(fragment: &str) -> Option<Result<Session, LinkError>> {
    Some(link::read(fragment)?.and_then(|bytes| session_of(&bytes).ok_or(LinkError::Damaged)))
}

fn session_of(bytes: &[u8]) -> Option<Session> {
    let mut reader = Reader::new(bytes);
    let session: Session = serde_json::from_str(reader.text()?).ok()?;
    // Whatever else a stranger's link holds is not taken.
    let mut session = handed_out(&session);
    let tree = reader.tree()?;
    for version in builds_mut(&mut session) {
        let mut files = tree.clone();
        for (path, entry) in reader.changes()? {
            match entry {
                Some(entry) => files.insert(&path, entry),
                None => files.remove(&path),
            }
        }
        version.files = Rc::new(files);
    }
    session.now.files = Rc::new(tree);
    session.given = Rc::clone(&session.now.files);
    let is_path = |path: &str| crate::context::path::clean(path).is_ok_and(|clean| clean.path == path);
    let are_paths = versions(&session).all(|it| is_path(&it.dockerfile_path) && is_path(&it.ignore_path));
    (are_paths && reader.is_at_end()).then_some(session)
}

/// Nothing was done here that anybody would miss.
pub(super) fn is_untouched(session: &Session) -> bool {
    let example = Session::example();
    session.now == example.now
        && session.events == example.events
        && session.images.is_empty()
        && session.others.is_empty()
}

/// Changes the state.
pub(super) fn update(state: &mut State, message: ShareMessage) -> Vec<Effect> {
    match message {
        ShareMessage::Changed(share) => {
            state.share = share;
            state.view_revision += 1;
            Vec::new()
        }
        ShareMessage::PrintingSwitched(is_on) => {
            state.is_printing = is_on;
            Vec::new()
        }
        ShareMessage::LinkOpened(fragment) => open(state, &fragment),
        ShareMessage::LinkProblemClosed => {
            state.link_problem = None;
            vec![Effect::ForgetLink]
        }
        ShareMessage::OwnWorkKept => {
            let mut effects = Part::ALL.map(Effect::Save).to_vec();
            effects.push(Effect::ForgetLink);
            effects
        }
        ShareMessage::OwnWorkWanted => go_back(state),
        ShareMessage::OwnWorkDiscarded => {
            state.undo.is_replacing();
            state.session.own = None;
            vec![Effect::Save(Part::Own)]
        }
    }
}

/// A link was opened. What was here before becomes the reader's own work, which is kept.
fn open(state: &mut State, fragment: &str) -> Vec<Effect> {
    let mut shared = match read(fragment) {
        None => return Vec::new(),
        Some(Ok(session)) => session,
        Some(Err(error)) => {
            state.link_problem = Some(error.to_string());
            return Vec::new();
        }
    };
    state.link_problem = None;
    state.session.place = Place::Simulate;
    let is_here_already = write(&state.session).is_ok_and(|present| fragment.ends_with(&present));
    if is_here_already {
        return vec![Effect::Save(Part::Texts), Effect::ForgetLink];
    }
    (shared.document, shared.context) = (state.new_id(), state.new_id());
    (shared.theme, shared.last_image_name) = (state.session.theme, state.session.last_image_name.clone());
    shared.disk.clone_from(&state.session.disk);
    if state.session.own.is_some() {
        // What came with an earlier link may have been edited since.
        state.undo.is_replacing();
        shared.own = state.session.own.take();
    } else if !is_untouched(&state.session) {
        shared.own = Some(Rc::new(state.session.clone()));
    }
    put_in_place(state, shared);
    // Nothing else is written before the own work is safe; until then the address has the link.
    vec![Effect::KeepOwn, Effect::ShowTheme, Effect::ShowTexts]
}

/// The reader goes back to the own work; what came with the link can be had back.
fn go_back(state: &mut State) -> Vec<Effect> {
    let Some(own) = state.session.own.take() else { return Vec::new() };
    state.undo.is_replacing();
    let Session { place, theme, .. } = state.session;
    let disk = std::mem::take(&mut state.session.disk);
    put_in_place(state, Session { place, theme, disk, ..Rc::unwrap_or_clone(own) });
    // That there is no own work beside it any more is written last.
    let mut effects = Part::ALL.map(Effect::Save).to_vec();
    effects.push(Effect::ShowTexts);
    effects
}

fn put_in_place(state: &mut State, session: Session) {
    state.session = session;
    state.import = ImportState::Idle;
    state.share = None;
    state.selected = None;
    state.toggled_folders.clear();
    state.revision += 1;
    state.events_revision += 1;
}

/// The rows that a session shows.
fn rows_of(session: Session) -> Vec<InstructionRow> {
    let is_legacy = session.now.options.builder == Builder::Legacy;
    let state = State::new(session, "");
    let session = &state.session;
    let history = History::replay(&session.events, session.reruns, &session.images, None);
    let analysis = Analysis::new(&state, &history, None);
    let mut rows = instruction_rows(&state, &analysis);
    if is_legacy {
        let legacy = LegacyAnalysis::new(&session.now, &analysis.now, history.legacy());
        legacy::put_in_place(&mut rows, &legacy.rows(&analysis));
    }
    rows
}

/// What else the dialog is made of.
pub(super) struct Shown<'a> {
    pub(super) analysis: &'a Analysis,
    pub(super) rows: &'a [InstructionRow],
    pub(super) summary: &'a Summary,
    pub(super) timeline: &'a [Moment],
    /// Where the classic builder is asked.
    pub(super) legacy: Option<&'a LegacyAnalysis>,
}

/// Derives what the dialog shows.
pub(super) fn view(state: &State, leave_out: LeaveOut, shown: &Shown<'_>) -> ShareView {
    let session = reduced(&state.session, leave_out);
    let link = write(&session).map(|fragment| {
        let opened = read(&fragment).and_then(Result::ok).map(rows_of).unwrap_or_default();
        let mut rows = shown.rows.iter().enumerate();
        let same = |(idx, row): &(usize, &InstructionRow)| {
            opened.get(*idx).is_some_and(|it| (it.mark, &it.reason) == (row.mark, &row.reason))
        };
        let differing_lines = rows.by_ref().filter(|it| !same(it)).map(|(_, row)| row.lines.first).collect();
        LinkView { left_out: left_out(state, &session), fragment, differing_lines }
    });
    let report = report(state, shown);
    let all = &state.session;
    let without_files = reduced(all, LeaveOut { builds: leave_out.builds, files: true });
    ShareView {
        link,
        markdown: markdown::write(&report),
        json: report.to_json().unwrap_or_else(|error| error),
        secrets: secrets(&session),
        n_events_to_leave: n_before_last_build(all),
        n_files_to_leave: all.now.files.len().saturating_sub(without_files.now.files.len()),
    }
}

/// What a link does not hold, as far as there is some of it.
fn left_out(state: &State, session: &Session) -> Vec<String> {
    let all = &state.session;
    let is_file = |(_, entry): &(String, &Entry)| !entry.is_dir();
    let mut items = Vec::new();
    let mut item = |is_there: bool, what: String| items.extend(is_there.then_some(what));
    let n_files = session.now.files.iter().filter(is_file).count();
    item(n_files > 0, "contents of files: digests stand in for them".to_owned());
    let others = all.texts.keys().filter(|path| !all.now.is_text(path)).count();
    item(others > 0, format!("{others} more Dockerfiles and ignore files of the context"));
    let n_tabs = all.others.len();
    let tabs = if n_tabs == 1 { "Dockerfile of another tab" } else { "Dockerfiles of other tabs" };
    item(n_tabs > 0, format!("{n_tabs} {tabs}"));
    item(*all.archives != Archives::default(), "what the archives of the context hold".to_owned());
    item(
        !all.images.is_empty(),
        "layers of the images that serve as bases: their configuration is in".to_owned(),
    );
    item(state.archives.image().is_some(), "the image that is open in Inspect".to_owned());
    let n_events = all.events.len().saturating_sub(session.events.len());
    let events = if n_events == 1 { "event" } else { "events" };
    item(n_events > 0, format!("{n_events} {events} before the last build"));
    let n_left = all.now.files.len().saturating_sub(session.now.files.len());
    item(n_left > 0, format!("{n_left} files and folders that are the same in every version"));
    items
}

/// Looks through the texts that go out, each line of an earlier build only where it is another one.
fn secrets(session: &Session) -> Vec<SecretRow> {
    let mut rows: Vec<SecretRow> = Vec::new();
    let mut met: BTreeSet<String> = BTreeSet::new();
    let mut look = |name: &str, text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        for finding in secret::find(text) {
            let line = usize::try_from(finding.line).ok().and_then(|line| lines.get(line - 1)).unwrap_or(&"");
            let what = finding.kind.label();
            if met.insert(format!("{what} {}", line.trim())) {
                rows.push(SecretRow { place: format!("{name}, line {}", finding.line), what });
            }
        }
    };
    let mut look_at = |whose: &str, version: &Version| {
        look(&format!("{whose}Dockerfile"), &version.dockerfile);
        look(&format!("{whose}ignore file"), &version.dockerignore);
        look(&format!("{whose}build arguments"), &version.options.build_args);
    };
    look_at("", &session.now);
    for (version, number) in builds(session).zip(1..) {
        look_at(&format!("build {number}, "), version);
    }
    for (name, known) in &session.images {
        look(&format!("environment of {name}"), &known.config.config.env.join("\n"));
    }
    rows
}

impl Mark {
    fn verdict(self) -> Verdict {
        match self {
            Self::Cached => Verdict::Cached,
            Self::Rebuild => Verdict::Rebuild,
            Self::Conditional => Verdict::Conditional,
            Self::Pruned => Verdict::Pruned,
            Self::Metadata => Verdict::Metadata,
            Self::Unknown => Verdict::Unknown,
            Self::Error => Verdict::Error,
            Self::Blocked => Verdict::Blocked,
        }
    }
}

/// What there is to say of the present version.
fn report(state: &State, shown: &Shown<'_>) -> Report {
    let now = &state.session.now;
    let instruction = |row: &InstructionRow| {
        let size = known::layer_size(state, &row.code).filter(|_| row.makes_layer);
        Instruction {
            line: row.lines.first,
            last_line: row.lines.last,
            code: row.code.clone(),
            verdict: row.mark.verdict(),
            reason: row.reason.clone(),
            is_first_cause: row.is_first_cause,
            first_cause_line: first_cause_line(row, shown),
            layer_bytes: size.map(|(bytes, _)| bytes),
            layer_bytes_from: size.map(|(_, source)| match source {
                SizeSource::Reader => "told by the reader",
                SizeSource::OpenedImage => "a layer of the opened image made by the same words",
            }),
        }
    };
    let moment = |it: &Moment| report::Moment { label: it.label.clone(), note: it.note.clone() };
    let problem = |it: &super::options::OptionProblem| format!("{}: {}", it.field.flag(), it.message);
    Report {
        page: format!("{} ({})", env!("CARGO_PKG_VERSION"), state.build),
        builder: now.options.builder.label().to_owned(),
        command: now.options.command(&now.dockerfile_path),
        summary: shown.summary.sentence.clone(),
        notes: shown.summary.notes.clone(),
        counts: shown.summary.counts.iter().map(|(mark, n)| (mark.verdict(), *n)).collect(),
        compared_with: shown.timeline.iter().map(moment).collect(),
        is_as_built: state.session.last_build() == Some(now),
        instructions: shown.rows.iter().map(instruction).collect(),
        option_problems: shown.analysis.now.option_problems.iter().map(problem).collect(),
    }
}

/// The line of the instruction whose change began what becomes of this one.
fn first_cause_line(row: &InstructionRow, shown: &Shown<'_>) -> Option<u32> {
    let outcome = row.outcome.as_ref().filter(|outcome| outcome.verdict != Outcome::Cached)?;
    let cause = outcome.first_cause?;
    if row.is_first_cause {
        return Some(row.lines.first);
    }
    match shown.legacy {
        Some(legacy) => legacy.chain(row.lines.first).last().map(|(line, _, _)| *line),
        None => shown.rows.iter().find(|row| row.steps.contains(&cause)).map(|row| row.lines.first),
    }
}
