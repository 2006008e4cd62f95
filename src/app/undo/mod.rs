//! Undo of everything: each step of the page keeps the session as it was before it.
//!
//! Words: a *step* is one message of the reader that changed the work, with a name for the button
//! that takes it back. A *run* is typing in one place, which counts as one step.
//!
//! Versions, builds and trees are shared between sessions, so that a step costs what it changed.
//! Where the reader is, how the page looks and what is known of files on disk is no work: it stays
//! as it is. What the editor takes back by itself is taken back here as well, so that both agree.
//! Steps are not kept over a reload.

use std::rc::Rc;

use super::build_file::{BuildFileMessage, BuildFileState};
use super::disk;
use super::document::{self, DocumentMessage, Start};
use super::example::EXAMPLES;
use super::history::Event;
use super::import::{ContextMessage, ImportState};
use super::inspect::InspectMessage;
use super::options::Field;
use super::saved::Part;
use super::share::ShareMessage;
use super::state::{Place, Session, State};
use super::update::{Effect, Message};
use crate::protocol::Reply;

/// So many steps are kept.
const MAX_STEPS: usize = 200;

/// A change of more bytes than this is no typing.
const MAX_TYPED_BYTES: usize = 32;

/// What the reader does with steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UndoMessage {
    /// The last step was taken back.
    Undone,
    /// The step that was taken back last was done again.
    Redone,
    /// What an earlier version or other files took the place of is wanted back.
    ReplacementUndone,
    /// What took its place is fine.
    ReplacementKept,
}

/// A step, and the session on its other side.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Step {
    name: String,
    session: Session,
    /// Nothing but the text in the editor changed.
    is_text: bool,
}

/// Typing that may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Run {
    /// In the Dockerfile, with the place in bytes where it stopped.
    Dockerfile(usize),
    /// In the ignore file.
    Ignore(usize),
    /// In an option.
    Option(Field),
}

/// The steps that can be taken back, and those that were.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Undo {
    done: Vec<Rc<Step>>,
    undone: Vec<Rc<Step>>,
    run: Option<Run>,
    /// The step that is being done replaces texts and files.
    is_replacing: bool,
    /// How many steps were done before the one that replaced texts and files last.
    replaced_at: Option<usize>,
    /// What was taken back or done again last, as a sentence.
    told: String,
}

impl Undo {
    /// The name of the step that can be taken back.
    #[must_use]
    pub fn last_done(&self) -> Option<&str> {
        self.done.last().map(|step| step.name.as_str())
    }

    /// The name of the step that can be done again.
    #[must_use]
    pub fn last_undone(&self) -> Option<&str> {
        self.undone.last().map(|step| step.name.as_str())
    }

    /// Texts and files were replaced, and the reader has not said yet that this is fine.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        self.replaced_at.is_some()
    }

    /// What was taken back or done again last, as a sentence; empty at first.
    #[must_use]
    pub fn told(&self) -> &str {
        &self.told
    }

    /// The step that is being done replaces texts and files: that is told, with a way back.
    pub(super) fn is_replacing(&mut self) {
        self.is_replacing = true;
    }

    fn push(&mut self, step: Step) {
        if self.is_replacing {
            self.replaced_at = Some(self.done.len());
        }
        self.done.push(Rc::new(step));
        self.undone.clear();
        let n_over = self.done.len().saturating_sub(MAX_STEPS);
        self.done.drain(..n_over);
        self.replaced_at = self.replaced_at.and_then(|at| at.checked_sub(n_over));
    }
}

/// A step that may come of a message.
pub(super) struct Begun {
    name: String,
    before: Session,
    run: Option<Run>,
    is_text: bool,
}

/// Looks at a message before it is carried out; none if no step comes of it.
pub(super) fn begin(state: &mut State, message: &Message) -> Option<Begun> {
    state.undo.is_replacing = false;
    let is_elsewhere = matches!(
        message,
        Message::TabChosen(_)
            | Message::PlaceEntered(_)
            | Message::Document(_)
            | Message::Disk(_)
            | Message::Context(_)
    );
    if is_elsewhere {
        state.undo.run = None;
    }
    let name = name(state, message)?;
    let run = run(state, message);
    let is_going_on = match (state.undo.run, run) {
        (Some(Run::Dockerfile(at)), Some((Run::Dockerfile(_), change)))
        | (Some(Run::Ignore(at)), Some((Run::Ignore(_), change))) => change.touches(at),
        (Some(Run::Option(before)), Some((Run::Option(field), _))) => before == field,
        _ => false,
    };
    let run = run.filter(|(_, change)| change.is_typing).map(|(run, _)| run);
    if is_going_on && run.is_some() && state.undo.undone.is_empty() {
        state.undo.run = run;
        return None;
    }
    let is_text = matches!(message, Message::DockerfileEdited(_) | Message::FixApplied(_));
    Some(Begun { name, before: state.session.clone(), run, is_text })
}

/// The message was carried out: what it changed becomes a step.
pub(super) fn end(state: &mut State, begun: Option<Begun>) {
    let Some(Begun { name, before, run, is_text }) = begun else { return };
    if !is_same_work(&before, &state.session) {
        state.undo.push(Step { name, session: before, is_text });
        state.undo.run = run;
    }
}

/// The editor has another text. If that is the one before the last step, or behind the one that
/// was taken back last, then the editor has done by itself what the page's own buttons do.
pub(super) fn by_editor(state: &mut State, text: &str) -> Option<Vec<Effect>> {
    let document = state.session.document;
    let leads_there = |step: &&Rc<Step>| {
        step.is_text && step.session.document == document && step.session.now.dockerfile == text
    };
    if state.session.now.dockerfile == text {
        return None;
    }
    let message = if state.undo.done.last().filter(leads_there).is_some() {
        UndoMessage::Undone
    } else if state.undo.undone.last().filter(leads_there).is_some() {
        UndoMessage::Redone
    } else {
        return None;
    };
    let mut effects = update(state, message);
    // The editor shows it already, and tells of it itself.
    effects.retain(|effect| *effect != Effect::ShowTexts);
    state.undo.told.clear();
    Some(effects)
}

/// The reducer for these.
pub(super) fn update(state: &mut State, message: UndoMessage) -> Vec<Effect> {
    if state.session.place != Place::Simulate {
        return Vec::new();
    }
    match message {
        UndoMessage::Undone => {
            let Some(step) = state.undo.done.pop() else { return Vec::new() };
            let effects = cross(state, step, "Undone", |undo| &mut undo.undone);
            let n_done = state.undo.done.len();
            state.undo.replaced_at = state.undo.replaced_at.filter(|at| *at < n_done);
            effects
        }
        UndoMessage::Redone => {
            let Some(step) = state.undo.undone.pop() else { return Vec::new() };
            cross(state, step, "Done again", |undo| &mut undo.done)
        }
        UndoMessage::ReplacementUndone => {
            let Some(at) = state.undo.replaced_at else { return Vec::new() };
            let mut effects = Vec::new();
            for _ in at..state.undo.done.len() {
                for effect in update(state, UndoMessage::Undone) {
                    if !effects.contains(&effect) {
                        effects.push(effect);
                    }
                }
            }
            effects
        }
        UndoMessage::ReplacementKept => {
            state.undo.replaced_at = None;
            Vec::new()
        }
    }
}

/// Goes to the session on the other side of a step, which is kept for the way back.
fn cross(
    state: &mut State,
    step: Rc<Step>,
    done: &str,
    to: fn(&mut Undo) -> &mut Vec<Rc<Step>>,
) -> Vec<Effect> {
    let Step { name, session, is_text } = Rc::unwrap_or_clone(step);
    state.undo.told = format!("{done}: {name}.");
    state.undo.run = None;
    let present = &state.session;
    let session = Session {
        place: present.place,
        theme: present.theme,
        tab: present.tab,
        last_image_name: present.last_image_name.clone(),
        disk: present.disk.clone(),
        // Each edit gives a file other bytes, also one that is made after an undo.
        n_edits: present.n_edits.max(session.n_edits),
        ..session
    };
    let before = std::mem::replace(&mut state.session, session);
    let now = &state.session;
    state.revision += 1;
    if before.events != now.events || before.images != now.images {
        state.events_revision += 1;
    }
    if before.document != now.document {
        state.selected = None;
        state.events_revision += 1;
    }
    if matches!(state.import, ImportState::Read(_)) {
        state.import = ImportState::Idle;
    }
    if let BuildFileState::Read { taken, .. } = &mut state.build_file
        && before.now.options != now.now.options
    {
        *taken = None;
    }
    let parts = changed_parts(&before, now);
    let mut effects = if before.own.is_none() && now.own.is_some() {
        // As when the link was opened: nothing else is written before the own work is safe.
        vec![Effect::KeepOwn]
    } else if before.others != now.others || before.document != now.document {
        vec![Effect::KeepDocuments(parts)]
    } else {
        parts.into_iter().map(Effect::Save).collect()
    };
    effects.push(Effect::ShowTexts);
    to(&mut state.undo).push(Rc::new(Step { name, session: before, is_text }));
    effects
}

/// What has to be written after the work became another.
fn changed_parts(before: &Session, now: &Session) -> Vec<Part> {
    let is_other_context = before.given != now.given || before.archives != now.archives;
    if is_other_context || before.own != now.own {
        return Part::ALL.to_vec();
    }
    let mut parts = vec![Part::Texts];
    if before.events != now.events || before.now.files != now.now.files {
        parts.push(Part::Files);
    }
    parts
}

/// Nothing differs that a step could take back.
fn is_same_work(a: &Session, b: &Session) -> bool {
    let own = |session: &Session| session.own.as_ref().map(Rc::as_ptr);
    a.now == b.now
        && a.events == b.events
        && a.given == b.given
        && a.archives == b.archives
        && a.texts == b.texts
        && (&a.images, &a.sizes) == (&b.images, &b.sizes)
        && (&a.context_name, a.reruns, a.document) == (&b.context_name, b.reruns, b.document)
        && a.others == b.others
        && own(a) == own(b)
}

/// What is different between two texts: bytes from here on, so many before, so many now.
#[derive(Clone, Copy)]
struct Change {
    from: usize,
    n_before: usize,
    is_typing: bool,
}

impl Change {
    const NONE: Self = Self { from: 0, n_before: 0, is_typing: true };

    /// Typing that stopped there goes on here. One byte of leeway: of equal letters in a row nobody
    /// can tell which one was typed.
    fn touches(self, at: usize) -> bool {
        self.from <= at + 1 && at <= self.from + self.n_before + 1
    }
}

fn change(before: &str, now: &str) -> (Change, usize) {
    let same = |a: &mut dyn Iterator<Item = (u8, u8)>| a.take_while(|(a, b)| a == b).count();
    let from = same(&mut before.bytes().zip(now.bytes()));
    let n_rest =
        same(&mut before.bytes().rev().zip(now.bytes().rev())).min(before.len().min(now.len()) - from);
    let (n_before, n_now) = (before.len() - from - n_rest, now.len() - from - n_rest);
    (Change { from, n_before, is_typing: n_before + n_now <= MAX_TYPED_BYTES }, from + n_now)
}

fn run(state: &State, message: &Message) -> Option<(Run, Change)> {
    let now = &state.session.now;
    match message {
        Message::DockerfileEdited(text) => {
            let (change, end) = change(&now.dockerfile, text);
            Some((Run::Dockerfile(end), change))
        }
        Message::IgnoreEdited(text) => {
            let (change, end) = change(&now.dockerignore, text);
            Some((Run::Ignore(end), change))
        }
        Message::OptionEdited(field, _) => Some((Run::Option(*field), Change::NONE)),
        _ => None,
    }
}

/// What a step is called that comes of a message; none if no step can come of it.
fn name(state: &State, message: &Message) -> Option<String> {
    let session = &state.session;
    let now = &session.now;
    let build = |idx: usize| {
        let before = session.events.iter().take(idx);
        before.filter(|event| matches!(event, Event::Built(_))).count() + 1
    };
    Some(match message {
        Message::DockerfileEdited(text) => {
            let (Change { from, .. }, _) = change(&now.dockerfile, text);
            let line = now.dockerfile.bytes().take(from).filter(|byte| *byte == b'\n').count() + 1;
            format!("edit line {line} of {}", now.dockerfile_path)
        }
        Message::FixApplied(_) => format!("repair {}", now.dockerfile_path),
        Message::IgnoreEdited(_) => format!("edit {}", now.ignore_path),
        Message::BuildRequested => format!("build {}", build(usize::MAX)),
        Message::CachePruned => "prune the cache".to_owned(),
        Message::RunnerChanged(_) => "go to a fresh runner".to_owned(),
        Message::TimelineCut(idx) => match session.events.get(*idx)? {
            Event::Built(_) => format!("forget from build {} on", build(*idx)),
            Event::Pruned | Event::FreshRunner(_) => "forget the end of the timeline".to_owned(),
        },
        Message::VersionRestored(idx) => format!("go back to build {}", build(*idx)),
        Message::Context(message) => of_context(state, message)?,
        Message::OptionEdited(field, _) => format!("edit {}", field.flag()),
        Message::NoCacheSwitched(_) => "switch --no-cache".to_owned(),
        Message::PullSwitched(_) => "switch --pull".to_owned(),
        Message::BuilderChosen(builder) => format!("choose {}", builder.label()),
        Message::BaseMoved { reference, .. } => format!("move the tag {reference}"),
        Message::BaseTaken { reference, .. } => format!("take an image as {reference}"),
        Message::BaseForgotten(reference) => format!("forget the image of {reference}"),
        Message::LayerSizeTold { .. } => "tell the size of a layer".to_owned(),
        Message::RerunsChosen(_) => "choose what reruns write".to_owned(),
        Message::DockerfileInContextSwitched(_) => {
            format!("switch whether {} is in the context", now.dockerfile_path)
        }
        Message::FileEdited(path) => format!("edit {path}"),
        Message::FileTouched(path) => format!("touch {path}"),
        Message::FileDeleted(path) => format!("delete {path}"),
        Message::FileAdded(path) => format!("add {}", path.trim()),
        Message::FileReverted(path) => format!("revert {path}"),
        Message::FileModeSwitched(path) => format!("chmod {path}"),
        Message::WorkerReplied(Reply::ContextRead { .. }) => match &state.import {
            ImportState::Reading { name, .. } => format!("read {name}"),
            _ => return None,
        },
        Message::BuildFile(BuildFileMessage::Chosen(_)) => match &state.build_file {
            BuildFileState::Read { name, .. } if !name.is_empty() => format!("take a build of {name}"),
            _ => "take a build of a Compose or bake file".to_owned(),
        },
        Message::ExampleChosen(idx) => format!("open the example {}", EXAMPLES.get(*idx)?.title),
        Message::Document(message) => of_document(session, message)?,
        Message::Disk(message) => disk::step_name(state, message)?,
        Message::Share(ShareMessage::LinkOpened(_)) => "open a link".to_owned(),
        Message::Share(ShareMessage::OwnWorkWanted) => "go back to my work".to_owned(),
        Message::Share(ShareMessage::OwnWorkDiscarded) => "discard my work".to_owned(),
        Message::Inspect(InspectMessage::DockerfileWanted) => "open the Dockerfile of an image".to_owned(),
        Message::ResetConfirmed => "start over".to_owned(),
        _ => return None,
    })
}

fn of_document(session: &Session, message: &DocumentMessage) -> Option<String> {
    Some(match message {
        DocumentMessage::Added(Start::Empty) => "open an empty tab".to_owned(),
        DocumentMessage::Added(Start::Copy) => format!("copy {}", session.now.dockerfile_path),
        DocumentMessage::Renamed(path) => format!("rename {} to {path}", session.now.dockerfile_path),
        DocumentMessage::Closed(id) => {
            let tabs = document::tabs(session);
            format!("close {}", tabs.into_iter().find(|tab| tab.id == *id)?.label)
        }
        DocumentMessage::Chosen(_) | DocumentMessage::Kept(_) => return None,
    })
}

fn of_context(state: &State, message: &ContextMessage) -> Option<String> {
    Some(match message {
        ContextMessage::RootEntered => match &state.import {
            ImportState::Read(note) => format!("take {}/ as the context", note.single_root.as_ref()?),
            _ => return None,
        },
        // Going to a tab is no step.
        ContextMessage::DockerfileChosen(path) => {
            let closed = document::closed_dockerfiles(&state.session);
            closed.contains(path).then(|| format!("open {path}"))?
        }
        ContextMessage::Pasted(_) => "apply what was pasted".to_owned(),
        ContextMessage::ChangePasted(_) => "judge a change".to_owned(),
        ContextMessage::OldDockerfileGiven(_) => "judge against an older Dockerfile".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
