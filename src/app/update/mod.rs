//! The reducer: a message changes the state and asks for effects.

use std::rc::Rc;

use super::build_file::{self, BuildFileMessage};
use super::commands::{self, CommandMessage};
use super::disk::{self, DiskMessage, DiskRequest};
use super::document::{self, DocumentMessage};
use super::example::EXAMPLES;
use super::history::{Event, Import};
use super::import::{self, ContextMessage};
use super::inspect::{self, InspectEffect, InspectMessage};
use super::known;
use super::offline::{self, OfflineMessage};
use super::opened;
use super::options::{Builder, Field};
use super::saved::Part;
use super::share::{self, ShareMessage};
use super::state::{Comparison, EditorTab, Pane, Place, Session, State, Theme, Version, WorkerState};
use super::undo::{self, Undo, UndoMessage};
use crate::cache::solve::Reruns;
use crate::context::{Assumed, Entry, EntryKind};
use crate::diagnostic::TextEdit;
use crate::digest::{Digest, Hasher};
use crate::protocol::{JobId, OpenAs, Reply, Request};

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// The Dockerfile's text is now this.
    DockerfileEdited(String),
    /// A repair was chosen: these edits, in order, of the Dockerfile as it stands.
    FixApplied(Vec<TextEdit>),
    /// The ignore file's text is now this.
    IgnoreEdited(String),
    /// The reader went to another place.
    PlaceEntered(Place),
    /// Light or dark was chosen.
    ThemeChosen(Theme),
    /// The editor shows another text.
    TabChosen(EditorTab),
    /// The Dockerfile is to be compared with the one that was built last, or no more.
    ComparisonChosen(Option<Comparison>),
    /// The editor is to do something.
    EditorAsked(EditorCommand),
    /// Another pane of the narrow screen was chosen.
    PaneChosen(Pane),
    /// An instruction was chosen to be explained, by its place among all of them.
    InstructionSelected(usize),
    /// The caret was put into an instruction, counted as above.
    CaretMoved(usize),
    /// The present state was recorded as built.
    BuildRequested,
    /// All builds were forgotten, as by `docker builder prune`.
    CachePruned,
    /// The next build runs on a fresh machine.
    RunnerChanged(Import),
    /// The timeline was cut: what happened from this event on is forgotten.
    TimelineCut(usize),
    /// What was built in this event is the present version again.
    VersionRestored(usize),
    /// Something happened to the tabs of Dockerfiles.
    Document(DocumentMessage),
    /// Something happened between documents and files on disk.
    Disk(DiskMessage),
    /// Something was done with the steps that can be taken back.
    Undo(UndoMessage),
    /// The impact map was unfolded or folded.
    ImpactToggled(bool),
    /// The sketch of the image was unfolded or folded.
    ImageSketchToggled(bool),
    /// Both builders' answers were unfolded or folded.
    BuildersToggled(bool),
    /// Something happened around a context that is given.
    Context(ContextMessage),
    /// An option was typed.
    OptionEdited(Field, String),
    /// `--no-cache` was switched.
    NoCacheSwitched(bool),
    /// `--pull` was switched.
    PullSwitched(bool),
    /// A builder was chosen.
    BuilderChosen(Builder),
    /// The tag of a base image moved, to other layers or only to another configuration.
    BaseMoved {
        /// Its full name.
        reference: String,
        /// To other layers.
        has_new_layers: bool,
    },
    /// An image of the opened archive is the base of this name.
    BaseTaken {
        /// The base's full name.
        reference: String,
        /// Names the archive's file.
        file: JobId,
        /// The image's place in the archive.
        image_idx: u32,
    },
    /// What is known of the base of this name was forgotten.
    BaseForgotten(String),
    /// The reader told how long the layer of an instruction is.
    LayerSizeTold {
        /// The instruction in one line.
        code: String,
        /// What was typed.
        text: String,
    },
    /// What reruns are taken to write was chosen.
    RerunsChosen(Reruns),
    /// Whether the Dockerfile lies in the context was switched.
    DockerfileInContextSwitched(bool),
    /// A file was given other bytes.
    FileEdited(String),
    /// A file was given another time, and nothing else.
    FileTouched(String),
    /// A file was taken out of the context.
    FileDeleted(String),
    /// A file was put into the context.
    FileAdded(String),
    /// A file was set back to what was built last.
    FileReverted(String),
    /// A file was given another mode: executable or not.
    FileModeSwitched(String),
    /// A folder of the context was unfolded or folded.
    ContextFolderToggled(String),
    /// Only files with this in their path are to be shown.
    FilesFiltered(String),
    /// A file was dropped or chosen to be inspected.
    ImageChosen {
        /// Its name.
        name: String,
        /// Its length.
        size_bytes: u64,
    },
    /// Reading was cancelled by the reader.
    OpeningCancelled,
    /// Layers that were left when reading was cancelled are to be read after all.
    OpeningResumed,
    /// The file is to be opened once more, taken for something else or with other limits.
    OpenedAgain {
        /// What it is taken for.
        open_as: OpenAs,
        /// The usual limits, so many times.
        limits_times: u32,
    },
    /// A layer that reached a limit is to be read on with higher ones.
    LayerReadOn(u32),
    /// One of the workers that read layers crashed.
    ReaderFailed {
        /// Which one.
        reader: u32,
        /// What is known, as a sentence.
        message: String,
    },
    /// Something happened in Inspect.
    Inspect(InspectMessage),
    /// The worker said something.
    WorkerReplied(Reply),
    /// An example was chosen, by its place in the menu.
    ExampleChosen(usize),
    /// Something was done with a Compose or bake file.
    BuildFile(BuildFileMessage),
    /// The worker crashed.
    WorkerFailed(String),
    /// The worker's code cannot be had; no other worker can be started either.
    WorkerMissing(String),
    /// A saved session was found.
    Restored(Box<Session>),
    /// Nothing was saved here yet.
    NothingRestored,
    /// Something could not be saved or restored.
    StorageFailed(String),
    /// Something happened around what is handed around.
    Share(ShareMessage),
    /// Something happened around commands and the dialogs that have them.
    Command(CommandMessage),
    /// Something happened around keeping the page in the browser.
    Offline(OfflineMessage),
    /// "Start over" was pressed; nothing is lost yet.
    ResetAsked,
    /// Starting over was called off.
    ResetDeclined,
    /// Starting over was confirmed.
    ResetConfirmed,
}

/// What the editor does by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EditorCommand {
    /// Brings the text into style.
    Format,
    /// Goes to the next change since the last build.
    NextChange,
    /// Goes to the one before.
    PreviousChange,
}

/// What the browser is asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Write a part of the session.
    Save(Part),
    /// Forget everything that was written.
    ClearStorage,
    /// Keep the file that was chosen last under this name.
    KeepFile(JobId),
    /// Let go of a file.
    DropFile(JobId),
    /// Hand a file to the worker, with this request.
    SendFile {
        /// The file.
        file: JobId,
        /// What is asked.
        request: Request,
    },
    /// Something of Inspect.
    Inspect(InspectEffect),
    /// Send a request to the worker.
    Send(Request),
    /// Hand what was chosen last as a context to the worker that reads contexts, with this request.
    SendContext(Request),
    /// Find the files of the context once more and read them again.
    RereadContext,
    /// Hand a file to one of the workers that read layers.
    SendLayer {
        /// Which one.
        reader: u32,
        /// The file.
        file: JobId,
        /// What it is asked.
        request: Request,
    },
    /// Replace one of them by a fresh one.
    RestartReader(u32),
    /// Replace all of them.
    RestartReaders,
    /// Replace the worker by a fresh one.
    RestartWorker,
    /// The same for the one that reads contexts.
    RestartContextWorker,
    /// Read or write a file on disk.
    Disk(DiskRequest),
    /// Put the theme on the page.
    ShowTheme,
    /// Put the place into the address.
    ShowPlace,
    /// Write all documents, and these parts once they are safe.
    KeepDocuments(Vec<Part>),
    /// Write the reader's own work, and tell once it is safe.
    KeepOwn,
    /// Take the link out of the address, once what it held was written.
    ForgetLink,
    /// Remember whether single keys are commands.
    SaveSingleKeys,
    /// Put the focus into the text or form that is shown, at the selected instruction.
    EnterTab,
    /// Put the focus on the first file that is shown.
    EnterFiles,
    /// Print the page.
    Print,
    /// Let a newer build of the page take over, once everything was written.
    LoadUpdate,
    /// Put the texts into the editor: they changed without it.
    ShowTexts,
    /// Have the editor do something.
    Command(EditorCommand),
    /// Bring the line of the selected instruction into view.
    ShowSelected,
}

/// Changes the state.
#[must_use]
pub fn update(state: &mut State, message: Message) -> Vec<Effect> {
    if let Message::DockerfileEdited(text) = &message
        && let Some(effects) = undo::by_editor(state, text)
    {
        return effects;
    }
    let step = undo::begin(state, &message);
    let effects = carry_out(state, message);
    undo::end(state, step);
    effects
}

fn carry_out(state: &mut State, message: Message) -> Vec<Effect> {
    match message {
        Message::DockerfileEdited(text) => {
            if state.session.now.dockerfile == text {
                return Vec::new();
            }
            state.session.now.dockerfile = text;
            changed(state, Part::Texts)
        }
        Message::FixApplied(edits) => {
            let mut text = state.session.now.dockerfile.clone();
            // From the back, so that earlier places stay where they are.
            for edit in edits.iter().rev() {
                if text.get(edit.range.start()..edit.range.end()).is_some() {
                    text.replace_range(edit.range.start()..edit.range.end(), &edit.insert);
                }
            }
            state.session.now.dockerfile = text;
            let mut effects = changed(state, Part::Texts);
            effects.push(Effect::ShowTexts);
            effects
        }
        Message::IgnoreEdited(text) => {
            if state.session.now.dockerignore == text {
                return Vec::new();
            }
            state.session.now.dockerignore = text;
            changed(state, Part::Texts)
        }
        Message::PlaceEntered(place) => {
            state.session.place = place;
            let mut effects = vec![Effect::Save(Part::Texts), Effect::ShowPlace];
            effects.extend(inspect::sync(state));
            effects
        }
        Message::ThemeChosen(theme) => {
            state.session.theme = theme;
            vec![Effect::Save(Part::Texts), Effect::ShowTheme]
        }
        Message::TabChosen(tab) => {
            state.session.tab = tab;
            vec![Effect::Save(Part::Texts), Effect::ShowTexts]
        }
        Message::ComparisonChosen(comparison) => {
            state.comparison = comparison;
            Vec::new()
        }
        Message::EditorAsked(command) => vec![Effect::Command(command)],
        Message::PaneChosen(pane) => {
            state.pane = pane;
            Vec::new()
        }
        Message::InstructionSelected(idx) => {
            state.selected = Some(idx);
            vec![Effect::ShowSelected]
        }
        Message::CaretMoved(idx) => {
            // The editor keeps its caret in view.
            state.selected = Some(idx);
            Vec::new()
        }
        Message::BuildRequested => {
            let built = Event::Built(Rc::new(state.session.now.clone()));
            happened(state, built)
        }
        Message::CachePruned => happened(state, Event::Pruned),
        Message::RunnerChanged(import) => happened(state, Event::FreshRunner(import)),
        Message::TimelineCut(idx) => {
            state.session.events.truncate(idx);
            state.events_revision += 1;
            changed(state, Part::Files)
        }
        Message::VersionRestored(idx) => {
            let Some(Event::Built(version)) = state.session.events.get(idx) else { return Vec::new() };
            // Where tags point is not the version's to say.
            let bases = state.session.now.bases.clone();
            replace(state, Version { bases, ..version.as_ref().clone() })
        }
        Message::Document(message) => document::update(state, message),
        Message::Disk(message) => disk::update(state, message),
        Message::Undo(message) => undo::update(state, message),
        Message::ImpactToggled(is_open) => {
            state.is_impact_open = is_open;
            state.view_revision += 1;
            Vec::new()
        }
        Message::ImageSketchToggled(is_open) => {
            state.is_image_open = is_open;
            state.view_revision += 1;
            Vec::new()
        }
        Message::BuildersToggled(is_open) => {
            state.is_builders_open = is_open;
            state.view_revision += 1;
            Vec::new()
        }
        Message::Context(message) => import::update(state, message),
        Message::OptionEdited(field, text) => {
            *state.session.now.options.field_mut(field) = text;
            changed(state, Part::Texts)
        }
        Message::NoCacheSwitched(is_on) => {
            state.session.now.options.no_cache = is_on;
            changed(state, Part::Texts)
        }
        Message::PullSwitched(is_on) => {
            state.session.now.options.pulls = is_on;
            changed(state, Part::Texts)
        }
        Message::BuilderChosen(builder) => {
            state.session.now.options.builder = builder;
            changed(state, Part::Texts)
        }
        Message::BaseMoved { reference, has_new_layers } => {
            let base = state.session.now.bases.entry(reference).or_default();
            if has_new_layers {
                base.n_layers += 1;
            } else {
                base.n_configs += 1;
            }
            changed(state, Part::Texts)
        }
        Message::BaseTaken { reference, file, image_idx } => known::take(state, reference, file, image_idx),
        Message::BaseForgotten(reference) => {
            state.session.images.remove(&reference);
            state.events_revision += 1;
            changed(state, Part::Texts)
        }
        Message::LayerSizeTold { code, text } => known::tell_size(state, code, &text),
        Message::RerunsChosen(reruns) => {
            state.session.reruns = reruns;
            changed(state, Part::Texts)
        }
        Message::DockerfileInContextSwitched(is_on) => {
            state.session.now.has_dockerfile_in_context = is_on;
            changed(state, Part::Texts)
        }
        Message::FileEdited(path) => file_changed(state, &path, true),
        Message::FileTouched(path) => file_changed(state, &path, false),
        Message::FileModeSwitched(path) => {
            let files = Rc::make_mut(&mut state.session.now.files);
            if files.get(&path).is_none() {
                super::placeholder::insert(files, &path);
            }
            // `chmod` changes neither bytes nor the time that a transfer looks at.
            files.change(&path, |entry| {
                let executable =
                    if entry.mode & 0o111 == 0 { entry.mode | 0o111 } else { entry.mode & !0o111 };
                entry.mode = executable;
                entry.assumed = entry.assumed.without(Assumed::MODE);
            });
            changed(state, Part::Files)
        }
        Message::ContextFolderToggled(path) => {
            if !state.toggled_folders.remove(&path) {
                state.toggled_folders.insert(path);
            }
            state.view_revision += 1;
            Vec::new()
        }
        Message::FilesFiltered(text) => {
            state.file_filter = text;
            state.view_revision += 1;
            Vec::new()
        }
        Message::FileDeleted(path) => {
            Rc::make_mut(&mut state.session.now.files).remove(&path);
            changed(state, Part::Files)
        }
        Message::FileAdded(path) => {
            let path = crate::context::normal_path(&path);
            if path.is_empty() || state.session.now.files.get(&path).is_some() {
                return Vec::new();
            }
            state.session.n_edits += 1;
            let mut entry = Entry::file(edited_digest(&path, state.session.n_edits), 0);
            entry.mtime_secs = mtime_of_edit(state.session.n_edits);
            Rc::make_mut(&mut state.session.now.files).insert(&path, entry);
            changed(state, Part::Files)
        }
        Message::FileReverted(path) => {
            let built = state.session.last_build().map(|build| Rc::clone(&build.files)).unwrap_or_default();
            let files = Rc::make_mut(&mut state.session.now.files);
            match built.get(&path) {
                Some(entry) => files.insert(&path, entry.clone()),
                None => {
                    files.remove(&path);
                    // Folders that came with it go with it.
                    let folders = path.rmatch_indices('/').filter_map(|(idx, _)| path.get(..idx));
                    for folder in folders {
                        if built.get(folder).is_some() || files.below(folder).next().is_some() {
                            break;
                        }
                        files.remove(folder);
                    }
                }
            }
            changed(state, Part::Files)
        }
        Message::ImageChosen { name, size_bytes } => opened::choose(state, name, size_bytes),
        Message::OpeningCancelled => opened::cancel(state),
        Message::OpeningResumed => opened::resume(state),
        Message::OpenedAgain { open_as, limits_times } => opened::again(state, open_as, limits_times),
        Message::LayerReadOn(idx) => opened::read_on(state, idx),
        Message::ReaderFailed { reader, message } => opened::reader_failed(state, reader, message),
        Message::Inspect(message) => inspect::update(state, message),
        Message::WorkerReplied(reply) if build_file::replied(state, &reply) => Vec::new(),
        Message::WorkerReplied(reply) => opened::replied(state, reply),
        Message::BuildFile(message) => build_file::update(state, message),
        Message::ExampleChosen(idx) => {
            let Some(example) = EXAMPLES.get(idx) else { return Vec::new() };
            state.undo.is_replacing();
            let fresh = Session { place: Place::Simulate, ..example.session(&state.session) };
            let mut effects = document::put_in_place(state, fresh);
            effects.push(Effect::ShowPlace);
            effects
        }
        Message::WorkerMissing(message) => {
            let _ = opened::fail(state, &message, true);
            let effects = import::update(state, ContextMessage::WorkerFailed(message.clone()));
            state.worker = WorkerState::Broken { message };
            effects
        }
        Message::WorkerFailed(message) => {
            let effects = opened::fail(state, &message, false);
            if effects.is_empty() {
                state.worker = WorkerState::Broken { message };
            }
            // Otherwise the worker worked until this file: a fresh one may read another.
            effects
        }
        Message::Restored(session) => {
            state.session = *session;
            state.undo = Undo::default();
            state.revision += 1;
            state.events_revision += 1;
            vec![Effect::ShowTheme, Effect::ShowPlace, Effect::ShowTexts]
        }
        Message::NothingRestored => vec![Effect::ShowPlace],
        Message::StorageFailed(message) => {
            state.storage_problem = Some(message);
            Vec::new()
        }
        Message::Share(message) => share::update(state, message),
        Message::Offline(message) => offline::update(state, message),
        Message::Command(message) => commands::update(state, message),
        Message::ResetAsked => {
            state.is_resetting = true;
            Vec::new()
        }
        Message::ResetDeclined => {
            state.is_resetting = false;
            Vec::new()
        }
        Message::ResetConfirmed => {
            let mut fresh = State::new(Session::example(), &state.build);
            fresh.session.theme = state.session.theme;
            // Whoever looks at a link starts over with that, not with what is kept beside it.
            fresh.session.own = state.session.own.take();
            fresh.worker = state.worker.clone();
            fresh.offline = state.offline;
            (fresh.has_single_keys, fresh.is_mac) = (state.has_single_keys, state.is_mac);
            if state.session.now != fresh.session.now || !state.session.others.is_empty() {
                (fresh.session.document, fresh.session.context) = (state.new_id(), state.new_id());
                fresh.n_ids = state.n_ids;
            }
            fresh.undo = std::mem::take(&mut state.undo);
            fresh.n_jobs = state.n_jobs + 1;
            fresh.revision = state.revision + 1;
            fresh.events_revision = state.events_revision + 1;
            *state = fresh;
            vec![
                Effect::ClearStorage,
                Effect::Save(Part::Texts),
                Effect::Save(Part::Files),
                Effect::Save(Part::Given),
                Effect::Save(Part::Archives),
                Effect::Save(Part::Others),
                Effect::Save(Part::Own),
                Effect::ShowPlace,
                Effect::ShowTexts,
            ]
        }
    }
}

/// Another version takes the place of the present one, which can be had back.
fn replace(state: &mut State, version: Version) -> Vec<Effect> {
    state.undo.is_replacing();
    state.session.now = version;
    let mut effects = changed(state, Part::Files);
    effects.push(Effect::ShowTexts);
    effects
}

/// Something happened to the cache.
fn happened(state: &mut State, event: Event) -> Vec<Effect> {
    state.session.events.push(event);
    state.events_revision += 1;
    changed(state, Part::Files)
}

/// Something that the engine looks at has changed.
pub(super) fn changed(state: &mut State, part: Part) -> Vec<Effect> {
    state.revision += 1;
    match part {
        Part::Texts => vec![Effect::Save(Part::Texts)],
        // The count of edits stands with the texts.
        Part::Files => vec![Effect::Save(Part::Texts), Effect::Save(Part::Files)],
        Part::Given | Part::Archives | Part::Others | Part::Own => Part::ALL.map(Effect::Save).to_vec(),
    }
}

fn edited_digest(path: &str, n_edits: u64) -> Digest {
    let mut hasher = Hasher::default();
    hasher.field(path);
    hasher.field(&n_edits.to_string());
    hasher.finish()
}

/// Any time later than that of the files as they were given.
fn mtime_of_edit(n_edits: u64) -> i64 {
    i64::try_from(n_edits).unwrap_or(i64::MAX / 2).saturating_add(1_000)
}

fn file_changed(state: &mut State, path: &str, has_new_bytes: bool) -> Vec<Effect> {
    state.session.n_edits += 1;
    let n_edits = state.session.n_edits;
    // A file that was only inferred so far becomes one of the context.
    let files = Rc::make_mut(&mut state.session.now.files);
    if files.get(path).is_none() {
        super::placeholder::insert(files, path);
    }
    files.change(path, |entry| {
        entry.mtime_secs = mtime_of_edit(n_edits);
        if has_new_bytes && let EntryKind::File { digest, .. } = &mut entry.kind {
            *digest = edited_digest(path, n_edits);
        }
    });
    changed(state, Part::Files)
}

#[cfg(test)]
mod tests;
