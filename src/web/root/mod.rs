//! The root component: owns the state, hands messages to the reducer, runs effects.

mod effects;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, File};
use yew::prelude::*;

use crate::app::analysis::Analysis;
use crate::app::assistant::Assistant;
use crate::app::commands::table::{Command, Shown};
use crate::app::history::History;
use crate::app::import::ContextMessage;
use crate::app::inspect::InspectMessage;
use crate::app::saved;
use crate::app::share::ShareMessage;
use crate::app::state::{EditorTab, OpenImage, Place, Session, State};
use crate::app::update::{Message, update};
use crate::app::view::{self, SimulateView};
use crate::cache::solve::Reruns;
use crate::protocol::{ContextSource, JobId, Reply};
use crate::web::address::{current_place, linked, named_place};
use crate::web::blob::whole;
use crate::web::bridge::{Bridge, Heard, fetch_sample};
use crate::web::component::page::Page;
use crate::web::disk::{Disk, Handle};
use crate::web::editor::Editor;
use crate::web::enter;
use crate::web::error::message;
use crate::web::folder::Chosen;
use crate::web::hover::mark_slab;
use crate::web::inspecting::Inspecting;
use crate::web::listen::listeners;
use crate::web::offline;
use crate::web::storage::Storage;

/// Puts the page on screen.
pub(in crate::web) fn start(build: &'static str) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let Some(root) = document.get_element_by_id("app") else { return };
    yew::Renderer::<Root>::with_root_and_props(root, RootProps { build }).render();
}

#[derive(Properties, PartialEq)]
pub(in crate::web) struct RootProps {
    build: &'static str,
}

/// What reaches the root.
pub(in crate::web) enum Input {
    /// A message for the reducer.
    App(Message),
    /// A worker that reads layers replied, and the entries that it met.
    LayerReplied(Reply, Option<js_sys::ArrayBuffer>),
    /// A file was chosen or dropped.
    FileChosen(File),
    /// A Dockerfile was dropped, with the browser's handle where there is one.
    DockerfileDropped(File, Option<Handle>),
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
    /// The caret is on this line of the Dockerfile, counted from 1.
    CaretMoved(u32),
    /// The pointer came upon the slab of this instruction, or left it.
    SlabHovered(Option<usize>),
    /// The pointer came upon this line of the Dockerfile, counted from 1; 0 once it left.
    LineHovered(u32),
    /// The keys of a command were pressed.
    Commanded(&'static Command),
    /// The editor is on the page, or cannot be.
    EditorMounted(Result<Editor, String>),
    /// The element that the editor goes into is there.
    EditorHostReady(web_sys::HtmlElement),
}

/// How the text is edited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum EditorMode {
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

pub(in crate::web) struct Root {
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
    disk: Disk,
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
    /// The focus is to go into the editor once it is there.
    wants_editor: bool,
    /// Known to the listener of keys, too.
    has_single_keys: Rc<Cell<bool>>,
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
        let has_single_keys = Rc::new(Cell::new(enter::has_single_keys()));
        let state = State {
            n_readers: n_readers(),
            has_single_keys: has_single_keys.get(),
            is_mac: enter::is_mac(),
            ..State::new(session, ctx.props().build)
        };
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
                        others: text(saved::Part::Others),
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
            disk: Disk::new(ctx.link().callback(|message| Input::App(Message::Disk(message)))),
            file: None,
            sample: None,
            inspecting: Inspecting::default(),
            entries: None,
            editor: None,
            editor_mode: EditorMode::Loading,
            wants_editor: false,
            has_single_keys: Rc::clone(&has_single_keys),
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
            _listeners: listeners(ctx.link(), has_single_keys),
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
            Input::CaretMoved(line) => {
                let idx = self.instruction_at(line);
                // Most keys leave it where it is.
                match idx.filter(|_| idx != self.state.selected) {
                    Some(idx) => Component::update(self, ctx, Input::App(Message::CaretMoved(idx))),
                    None => false,
                }
            }
            Input::SlabHovered(instruction) => {
                let rows = self.view.as_ref().map_or(&[][..], |(_, view)| &view.rows);
                let row = instruction.and_then(|idx| rows.get(idx));
                if let Some(editor) = &self.editor {
                    editor.show_hover(row.map(|row| (row.lines.first, row.lines.last)));
                }
                false
            }
            Input::LineHovered(line) => {
                mark_slab(self.instruction_at(line));
                false
            }
            Input::Commanded(command) => {
                let shown = self.view.as_ref().map(|(_, view)| Shown { state: &self.state, view });
                match shown.and_then(|shown| (command.does?)(shown)) {
                    Some(message) => Component::update(self, ctx, Input::App(message)),
                    None => false,
                }
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
            Input::DockerfileDropped(file, handle) => {
                let (disk, storage) = (self.disk.clone(), self.storage.clone());
                spawn_local(async move { disk.open(storage, file, handle).await });
                false
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
                let (changes, carets, hovers) = (ctx.link().clone(), ctx.link().clone(), ctx.link().clone());
                let assistant = Rc::clone(&self.assistant);
                spawn_local(async move {
                    let on_change =
                        move |text| changes.send_message(Input::App(Message::DockerfileEdited(text)));
                    let on_caret = move |line| carets.send_message(Input::CaretMoved(line));
                    let on_hover = move |line| hovers.send_message(Input::LineHovered(line));
                    let mounted = Editor::mount(host, on_change, on_caret, on_hover, assistant).await;
                    link.send_message(Input::EditorMounted(mounted.map_err(|error| message(&error))));
                });
                false
            }
            Input::EditorMounted(mounted) => {
                self.editor_mode = if mounted.is_ok() { EditorMode::Full } else { EditorMode::Plain };
                self.editor = mounted.ok();
                self.show_texts();
                self.annotate();
                self.enter_editor();
                self.wants_editor = false;
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
        self.enter_editor();
        // The worker's code comes after the first paint.
        if self.is_restored && self.bridge.is_none() {
            let link = ctx.link().clone();
            let is_kept = Cell::new(false);
            let bridge = Bridge::start(Rc::new(move |heard| {
                // Everything that the page needs has been asked for by now.
                if !is_kept.replace(true) {
                    let link = link.clone();
                    offline::start(move |told| link.send_message(Input::App(Message::Offline(told))));
                }
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

    /// The instruction that stands on a line, counted from 1.
    fn instruction_at(&self, line: u32) -> Option<usize> {
        let (_, view) = self.view.as_ref()?;
        view.rows.iter().position(|row| row.lines.first <= line && line <= row.lines.last)
    }

    fn is_all_listed(&self) -> bool {
        self.state.archives.image().is_some_and(OpenImage::is_all_listed)
    }

    fn reader(&self, reader: u32) -> Option<&Bridge> {
        self.readers.get(usize::try_from(reader).ok()?)
    }

    fn show_texts(&mut self) {
        let Some(editor) = &mut self.editor else { return };
        let now = &self.state.session.now;
        match self.state.session.tab {
            EditorTab::Dockerfile => editor.show(self.state.session.document, &now.dockerfile),
            // The ignore file is edited in a plain area: the editor stays with the Dockerfile.
            EditorTab::Ignore | EditorTab::Options => {}
        }
    }

    /// Puts the focus into the editor, once that is on screen.
    fn enter_editor(&mut self) {
        let row = self.view.as_ref().and_then(|(_, view)| view.rows.get(self.state.selected?));
        let line = row.map(|row| row.lines.first);
        if self.wants_editor && self.editor.as_ref().is_some_and(|editor| editor.enter(line)) {
            self.wants_editor = false;
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
