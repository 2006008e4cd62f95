//! The root component: owns the state, hands messages to the reducer, runs effects.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, File};
use yew::prelude::*;

use super::address::{current_place, forget_link, linked, named_place, show_place};
use super::blob::whole;
use super::bridge::{Bridge, Heard, fetch_sample};
use super::component::page::Page;
use super::editor::Editor;
use super::error::message;
use super::folder::{self, Chosen};
use super::inspecting::Inspecting;
use super::listen::listeners;
use super::storage::Storage;
use crate::app::analysis::Analysis;
use crate::app::assistant::Assistant;
use crate::app::history::History;
use crate::app::import::ContextMessage;
use crate::app::inspect::InspectMessage;
use crate::app::saved;
use crate::app::share::ShareMessage;
use crate::app::state::{EditorTab, OpenImage, Place, Session, State, Theme};
use crate::app::update::{Effect, Message, update};
use crate::app::view::{self, SimulateView};
use crate::cache::solve::Reruns;
use crate::protocol::{ContextSource, JobId, Reply, Request};

/// Puts the page on screen.
pub(super) fn start(build: &'static str) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let Some(root) = document.get_element_by_id("app") else { return };
    yew::Renderer::<Root>::with_root_and_props(root, RootProps { build }).render();
}

#[derive(Properties, PartialEq)]
pub(super) struct RootProps {
    build: &'static str,
}

/// What reaches the root.
pub(super) enum Input {
    /// A message for the reducer.
    App(Message),
    /// A worker that reads layers replied, and the entries that it met.
    LayerReplied(Reply, Option<js_sys::ArrayBuffer>),
    /// A file was chosen or dropped.
    FileChosen(File),
    /// The sample image came.
    SampleFetched(File),
    /// The reader wants to look into the sample image.
    SampleWanted,
    /// The reader said where to save, and what to write to.
    SinkChosen(JobId, JsValue),
    /// A context was chosen or dropped.
    ContextChosen(Chosen),
    /// The files of a context were found.
    ContextFound(Box<(ContextSource, Vec<File>)>),
    /// The database is open, and what was in it.
    StorageOpened(Storage),
    /// The editor is on the page, or cannot be.
    EditorMounted(Result<Editor, String>),
    /// The element that the editor goes into is there.
    EditorHostReady(web_sys::HtmlElement),
}

/// How the text is edited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EditorMode {
    /// The editor's code is on its way.
    Loading,
    /// The editor is there.
    Full,
    /// It cannot be had: a plain text area stands in.
    Plain,
}

/// So many files of a context are sent at once: some milliseconds of work.
const FILES_AT_ONCE: usize = 100;

/// What a view is derived from: two revisions and the chosen instruction.
type ViewKey = (u64, u64, Option<usize>);

pub(super) struct Root {
    state: State,
    bridge: Option<Bridge>,
    /// To a worker of its own, so that an image and a context can be read side by side.
    context_bridge: Option<Bridge>,
    /// To the workers that read layers; they start when Inspect is entered.
    readers: Vec<Bridge>,
    /// Those were started ahead.
    is_warm: bool,
    /// What the context was read from last, and its files.
    chosen: Option<Chosen>,
    context_files: Vec<File>,
    /// Counts the contexts that were sent or given up.
    sending: Rc<Cell<u32>>,
    storage: Option<Storage>,
    /// The file that was chosen last, until it has a name.
    file: Option<File>,
    /// The sample image, once it came.
    sample: Option<File>,
    /// Those of archives that are open.
    inspecting: Inspecting,
    /// Entries that came with a reply, until the worker that keeps them gets them.
    entries: Option<js_sys::ArrayBuffer>,
    editor: Option<Editor>,
    editor_mode: EditorMode,
    /// Answers the editor; shared with it, since it asks on its own.
    assistant: Rc<RefCell<Assistant>>,
    /// Derived, with the revision that it was derived from.
    history: Option<((u64, Reruns), Rc<History>)>,
    view: Option<(ViewKey, Rc<SimulateView>)>,
    analysis: Option<(u64, Rc<Analysis>)>,
    /// The first paint waits for what was saved, so that nothing flickers.
    is_restored: bool,
    callbacks: Callbacks,
    _listeners: Vec<Closure<dyn FnMut(Event)>>,
}

/// What components tell. They are made once: a part of the page that gets the same ones as before,
/// and shows the same, is not drawn again.
#[derive(Clone)]
struct Callbacks {
    on_message: Callback<Message>,
    on_file: Callback<File>,
    on_sample: Callback<()>,
    on_context: Callback<Chosen>,
    on_editor_host: Callback<web_sys::HtmlElement>,
}

impl Component for Root {
    type Message = Input;
    type Properties = RootProps;

    fn create(ctx: &Context<Self>) -> Self {
        let mut session = Session::example();
        session.place = current_place();
        let state = State { n_readers: n_readers(), ..State::new(session, ctx.props().build) };
        let link = ctx.link().clone();
        let linked = linked();
        spawn_local(async move {
            let opened = match Storage::open().await {
                Ok(storage) => storage.read().await.map(|parts| (storage, parts)),
                Err(error) => Err(error),
            };
            match opened {
                Ok((storage, parts)) => {
                    link.send_message(Input::StorageOpened(storage));
                    let text = |part| parts.get(&part).map(String::as_str);
                    let stored = saved::Stored {
                        texts: text(saved::Part::Texts),
                        files: text(saved::Part::Files),
                        given: text(saved::Part::Given),
                        archives: text(saved::Part::Archives),
                        own: text(saved::Part::Own),
                    };
                    match saved::read(stored) {
                        Ok(Some(mut session)) => {
                            // A place that the address names wins over the remembered one.
                            session.place = named_place().unwrap_or(session.place);
                            link.send_message(Input::App(Message::Restored(Box::new(session))));
                        }
                        Ok(None) => link.send_message(Input::App(Message::NothingRestored)),
                        Err(why) => link.send_message(Input::App(Message::StorageFailed(format!(
                            "what was saved here cannot be read ({why}); the example is shown instead"
                        )))),
                    }
                }
                Err(error) => link.send_message(Input::App(Message::StorageFailed(format!(
                    "this browser keeps nothing for this page ({}): edits are lost on reload",
                    message(&error)
                )))),
            }
            // What was here before is known by now, and so is kept.
            linked.into_iter().for_each(|hash| {
                link.send_message(Input::App(Message::Share(ShareMessage::LinkOpened(hash))))
            });
        });
        Self {
            state,
            bridge: None,
            context_bridge: None,
            readers: Vec::new(),
            is_warm: false,
            chosen: None,
            context_files: Vec::new(),
            sending: Rc::default(),
            storage: None,
            file: None,
            sample: None,
            inspecting: Inspecting::default(),
            entries: None,
            editor: None,
            editor_mode: EditorMode::Loading,
            assistant: Rc::default(),
            history: None,
            view: None,
            analysis: None,
            is_restored: false,
            callbacks: Callbacks {
                on_message: ctx.link().callback(Input::App),
                on_file: ctx.link().callback(Input::FileChosen),
                on_sample: ctx.link().callback(|()| Input::SampleWanted),
                on_context: ctx.link().callback(Input::ContextChosen),
                on_editor_host: ctx.link().callback(Input::EditorHostReady),
            },
            _listeners: listeners(ctx.link()),
        }
    }

    fn update(&mut self, ctx: &Context<Self>, input: Input) -> bool {
        match input {
            Input::App(message) => {
                self.is_restored = true;
                if matches!(message, Message::WorkerReplied(Reply::ImagesFound { .. })) {
                    mark("images found");
                }
                let was_listed = self.is_all_listed();
                let effects = update(&mut self.state, message);
                // First of all, so that nothing is saved that the engine cannot look at.
                self.derive();
                self.run(ctx, effects);
                if !was_listed && self.is_all_listed() {
                    mark("layers listed");
                }
                self.annotate();
                true
            }
            Input::LayerReplied(reply, entries) => {
                self.entries = entries;
                Component::update(self, ctx, Input::App(Message::WorkerReplied(reply)))
            }
            Input::FileChosen(file) => {
                let chosen = Message::ImageChosen { name: file.name(), size_bytes: whole(file.size()) };
                self.file = Some(file);
                let effects = update(&mut self.state, chosen);
                self.run(ctx, effects);
                true
            }
            Input::SampleFetched(sample) => {
                self.sample = Some(sample);
                true
            }
            Input::SampleWanted => match self.sample.clone() {
                Some(sample) => Component::update(self, ctx, Input::FileChosen(sample)),
                None => false,
            },
            Input::SinkChosen(sink, writable) => {
                self.inspecting.sink_chosen(sink, writable);
                false
            }
            Input::ContextChosen(chosen) => {
                self.find_context(ctx, chosen);
                false
            }
            Input::ContextFound(found) => {
                let (source, files) = *found;
                self.context_files = files;
                let name = self.chosen.as_ref().map(Chosen::name).unwrap_or_default();
                let chosen = Message::Context(ContextMessage::Chosen { name, source });
                let effects = update(&mut self.state, chosen);
                self.run(ctx, effects);
                true
            }
            Input::StorageOpened(storage) => {
                self.storage = Some(storage);
                false
            }
            Input::EditorHostReady(host) => {
                self.editor = None;
                let link = ctx.link().clone();
                let (changes, carets) = (ctx.link().clone(), ctx.link().clone());
                let assistant = Rc::clone(&self.assistant);
                spawn_local(async move {
                    let on_change =
                        move |text| changes.send_message(Input::App(Message::DockerfileEdited(text)));
                    let on_caret = move |line| carets.send_message(Input::App(Message::LineSelected(line)));
                    let mounted = Editor::mount(host, on_change, on_caret, assistant).await;
                    link.send_message(Input::EditorMounted(mounted.map_err(|error| message(&error))));
                });
                false
            }
            Input::EditorMounted(mounted) => {
                self.editor_mode = if mounted.is_ok() { EditorMode::Full } else { EditorMode::Plain };
                self.editor = mounted.ok();
                self.show_texts();
                self.annotate();
                true
            }
        }
    }

    fn view(&self, _: &Context<Self>) -> Html {
        let Some((_, view)) = self.view.as_ref().filter(|_| self.is_restored) else { return Html::default() };
        let Callbacks { on_message, on_file, on_sample, on_context, on_editor_host } = self.callbacks.clone();
        html! {
            <Page
                state={Rc::new(self.state.clone())}
                view={Rc::clone(view)}
                editor_mode={self.editor_mode}
                {on_message}
                {on_file}
                on_sample={self.sample.as_ref().map(|_| on_sample)}
                {on_context}
                {on_editor_host}
            />
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, _first_render: bool) {
        // The worker's code comes after the first paint.
        if self.is_restored && self.bridge.is_none() {
            let link = ctx.link().clone();
            let bridge = Bridge::start(Rc::new(move |heard| {
                link.send_message(Input::App(match heard {
                    Heard::Reply(reply, _) => Message::WorkerReplied(reply),
                    Heard::Failed(why) => Message::WorkerFailed(why),
                    Heard::Missing(why) => Message::WorkerMissing(why),
                }));
            }));
            let link = ctx.link().clone();
            self.context_bridge = Some(bridge.another(Rc::new(move |heard| match heard {
                Heard::Reply(reply, _) => link.send_message(Input::App(Message::WorkerReplied(reply))),
                Heard::Failed(message) | Heard::Missing(message) => {
                    let failed = Message::Context(ContextMessage::WorkerFailed(message));
                    link.send_message(Input::App(failed));
                }
            })));
            let link = ctx.link().clone();
            self.inspecting.set_fetcher(bridge.another(Rc::new(move |heard| {
                link.send_message(Input::App(match heard {
                    Heard::Reply(Reply::Ready { .. }, _) => return,
                    Heard::Reply(reply, _) => Message::WorkerReplied(reply),
                    Heard::Failed(message) | Heard::Missing(message) => {
                        Message::Inspect(InspectMessage::FetcherFailed(message))
                    }
                }));
            })));
            let reader = |reader| {
                let link = ctx.link().clone();
                bridge.another(Rc::new(move |heard| {
                    link.send_message(match heard {
                        // That it has started, the first worker says for all.
                        Heard::Reply(Reply::Ready { .. }, _) => return,
                        Heard::Reply(reply, entries) => Input::LayerReplied(reply, entries),
                        Heard::Failed(message) | Heard::Missing(message) => {
                            Input::App(Message::ReaderFailed { reader, message })
                        }
                    });
                }))
            };
            self.readers = (0..self.state.n_readers).map(reader).collect();
            self.bridge = Some(bridge);
            let link = ctx.link().clone();
            spawn_local(async move {
                fetch_sample().await.into_iter().for_each(|sample| {
                    link.send_message(Input::SampleFetched(sample));
                });
            });
        }
        // Whoever looks for images is about to open one.
        if self.state.session.place != Place::Simulate && !self.is_warm && self.bridge.is_some() {
            self.is_warm = true;
            self.readers.iter().for_each(Bridge::warm_up);
        }
    }
}

/// Notes a moment in the browser's timeline; the bench reads it there.
fn mark(what: &str) {
    let clock = web_sys::window().and_then(|window| window.performance());
    let _ = clock.map(|clock| clock.mark(what));
}

/// As many workers read layers as the machine has cores.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
fn n_readers() -> u32 {
    const MOST: u32 = 8;
    let cores = web_sys::window().map_or(1.0, |window| window.navigator().hardware_concurrency());
    (cores as u32).clamp(1, MOST)
}

impl Root {
    /// Derives what the state implies, where it changed.
    fn derive(&mut self) {
        let history_key = (self.state.events_revision, self.state.session.reruns);
        let is_history_new = self.history.as_ref().is_none_or(|(key, _)| *key != history_key);
        if is_history_new {
            let session = &self.state.session;
            let before = self.history.as_ref().map(|(_, history)| history.as_ref());
            let history = History::replay(&session.events, session.reruns, &session.images, before);
            self.history = Some((history_key, Rc::new(history)));
        }
        let Some((_, history)) = &self.history else { return };
        let revision = self.state.revision;
        if is_history_new || self.analysis.as_ref().is_none_or(|(key, _)| *key != revision) {
            let before = self.analysis.as_ref().map(|(_, analysis)| analysis.as_ref());
            mark("edited");
            let analysis = Analysis::new(&self.state, history, before);
            let clock = web_sys::window().and_then(|window| window.performance());
            if let Some(clock) = clock {
                let _ = clock.measure_with_start_mark("verdicts", "edited");
                // Whoever listens has heard; a long day of edits is not kept.
                clock.clear_marks_with_mark_name("edited");
                clock.clear_measures_with_measure_name("verdicts");
            }
            let analysis = Rc::new(analysis);
            self.assistant.borrow_mut().learn(&self.state.session.now, &analysis);
            self.analysis = Some((revision, analysis));
            self.view = None;
        }
        let view_key = (revision, self.state.view_revision, self.state.selected);
        if self.view.as_ref().is_none_or(|(key, _)| *key != view_key)
            && let Some((_, analysis)) = &self.analysis
        {
            self.view = Some((view_key, Rc::new(view::simulate(&self.state, history, analysis))));
        }
    }

    fn run(&mut self, ctx: &Context<Self>, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Save(part) => self.save(ctx, part),
                Effect::ClearStorage => {
                    if let Some(storage) = &self.storage
                        && let Err(error) = storage.clear()
                    {
                        self.storage_failed(ctx, &error);
                    }
                }
                Effect::KeepFile(id) => {
                    self.file.take().into_iter().for_each(|file| self.inspecting.keep(id, file));
                }
                Effect::DropFile(id) => self.inspecting.let_go(id),
                Effect::SendFile { file, request } => self.send(&request, self.inspecting.file(file)),
                Effect::Inspect(effect) => self.inspecting.run(ctx.link(), effect),
                Effect::Send(request) => match (&self.bridge, self.entries.take()) {
                    (Some(bridge), Some(entries)) if matches!(request, Request::KeepEntries { .. }) => {
                        bridge.send_entries(&request, &entries);
                    }
                    (_, entries) => {
                        self.entries = entries;
                        self.send(&request, &[]);
                    }
                },
                Effect::SendContext(request) => self.send_context(request),
                Effect::RereadContext => match self.chosen.clone().filter(Chosen::is_dropped_folder) {
                    Some(chosen) => self.find_context(ctx, chosen),
                    None => {
                        let link = ctx.link().clone();
                        folder::ask(move |chosen| link.send_message(Input::ContextChosen(chosen)));
                    }
                },
                Effect::RestartContextWorker => {
                    self.sending.set(self.sending.get() + 1);
                    if let Some(bridge) = &self.context_bridge {
                        bridge.restart();
                    }
                }
                Effect::SendLayer { reader, file, request } => {
                    if let Some(bridge) = self.reader(reader) {
                        bridge.send(&request, self.inspecting.file(file));
                    }
                }
                Effect::RestartReader(reader) => {
                    if let Some(bridge) = self.reader(reader) {
                        bridge.restart();
                    }
                }
                Effect::RestartReaders => self.readers.iter().for_each(Bridge::restart),
                Effect::RestartWorker => {
                    if let Some(bridge) = &self.bridge {
                        bridge.restart();
                    }
                }
                Effect::ShowTheme => show_theme(self.state.session.theme),
                Effect::ShowPlace => show_place(self.state.session.place),
                Effect::KeepOwn => {
                    self.save(ctx, saved::Part::Own);
                    let link = ctx.link().clone();
                    self.once_settled(move || {
                        link.send_message(Input::App(Message::Share(ShareMessage::OwnWorkKept)))
                    });
                }
                Effect::ForgetLink => {
                    let place = self.state.session.place;
                    self.once_settled(move || forget_link(place));
                }
                Effect::ShowTexts => self.show_texts(),
                Effect::ShowSelected => self.show_selected(),
                Effect::Command(command) => {
                    if let Some(editor) = &self.editor {
                        editor.command(command);
                    }
                }
            }
        }
    }

    fn is_all_listed(&self) -> bool {
        self.state.archives.image().is_some_and(OpenImage::is_all_listed)
    }

    fn reader(&self, reader: u32) -> Option<&Bridge> {
        self.readers.get(usize::try_from(reader).ok()?)
    }

    fn save(&self, ctx: &Context<Self>, part: saved::Part) {
        let Some(storage) = &self.storage else { return };
        let written = match saved::write(&self.state.session, part) {
            Ok(text) => storage.write(part, &text),
            Err(why) => Err(JsValue::from_str(&why)),
        };
        if let Err(error) = written {
            self.storage_failed(ctx, &error);
        }
    }

    /// Does something once all that was asked to be written was taken.
    fn once_settled(&self, then: impl FnOnce() + 'static) {
        let storage = self.storage.clone();
        spawn_local(async move {
            if let Some(storage) = storage {
                let _ = storage.settled().await;
            }
            then();
        });
    }

    fn storage_failed(&self, ctx: &Context<Self>, error: &JsValue) {
        let why = format!("your last edit could not be saved: {}", message(error));
        ctx.link().send_message(Input::App(Message::StorageFailed(why)));
    }

    fn send(&self, request: &Request, files: &[File]) {
        if let Some(bridge) = &self.bridge {
            bridge.send(request, files);
        }
    }

    /// Sends a context to its worker, files ahead in small parts, so that the page stays awake.
    fn send_context(&self, request: Request) {
        let Some(bridge) = self.context_bridge.clone() else { return };
        let files = self.context_files.clone();
        let (sending, mine) = (Rc::clone(&self.sending), self.sending.get() + 1);
        sending.set(mine);
        spawn_local(async move {
            // What is sent to a worker that does not listen yet would all be handed over at once.
            while sending.get() == mine && !bridge.is_ready() {
                folder::next_turn().await;
            }
            for part in files.chunks(FILES_AT_ONCE) {
                // Given up, or overtaken by another.
                if sending.get() != mine {
                    return;
                }
                bridge.send_ahead(part);
                folder::next_turn().await;
            }
            if sending.get() == mine {
                bridge.send(&request, &[]);
            }
        });
    }

    /// Walks through a folder, and has its files read.
    fn find_context(&mut self, ctx: &Context<Self>, chosen: Chosen) {
        self.chosen = Some(chosen.clone());
        let name = chosen.name();
        let on_found = {
            let (link, name) = (ctx.link().clone(), name.clone());
            Rc::new(move |n_files| {
                let found = ContextMessage::FilesFound { name: name.clone(), n_files };
                link.send_message(Input::App(Message::Context(found)));
            })
        };
        let link = ctx.link().clone();
        folder::find(chosen, on_found, move |found| {
            link.send_message(match found {
                Ok(found) => Input::ContextFound(Box::new(found)),
                Err(error) => {
                    let message = format!("the folder cannot be read: {}", message(&error));
                    Input::App(Message::Context(ContextMessage::Refused { name, message }))
                }
            });
        });
    }

    fn show_texts(&self) {
        let Some(editor) = &self.editor else { return };
        let now = &self.state.session.now;
        match self.state.session.tab {
            EditorTab::Dockerfile => editor.show(&now.dockerfile, "Dockerfile", true),
            // The ignore file is edited in a plain area: the editor stays with the Dockerfile.
            EditorTab::Ignore | EditorTab::Options => {}
        }
    }

    fn annotate(&mut self) {
        let (Some(editor), Some((_, view))) = (&mut self.editor, &self.view) else { return };
        editor.annotate(&view.rows, &view.diagnostics);
        editor.set_folds(self.state.revision, &self.assistant.borrow());
        let comparison = self.state.comparison.zip(view.last_build());
        editor.compare(comparison, self.state.events_revision, &self.state.session);
    }

    fn show_selected(&self) {
        let row = self.view.as_ref().and_then(|(_, view)| view.rows.get(self.state.selected?));
        if let (Some(editor), Some(row)) = (&self.editor, row) {
            editor.show_line(row.lines.first);
        }
    }
}

fn show_theme(theme: Theme) {
    let Some(root) = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.document_element())
    else {
        return;
    };
    let _ = match theme {
        Theme::System => root.remove_attribute("data-theme"),
        Theme::Light => root.set_attribute("data-theme", "light"),
        Theme::Dark => root.set_attribute("data-theme", "dark"),
    };
}
