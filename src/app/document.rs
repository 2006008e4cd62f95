//! Several Dockerfiles side by side, each in a tab of its own.
//!
//! Words: a *document* is a Dockerfile in a tab, with its ignore file, its options and its builds.
//! One is *present*: the session itself. The others are *parked*: kept whole, and not looked at.
//!
//! Documents of one context share its files. Whatever was done to them in one tab is handed to the
//! parked ones when the tab is left ([`settle`]), so that taking one out is all that a change of tabs
//! needs. Each sees the others' texts as files of the context, as they were typed, and its own two
//! as the texts that they are. Base images, sizes of layers and what reruns write belong to all.
//! The cache does not: a build is remembered in its own tab, and is no past of another one.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::analysis::text_entry;
use super::disk;
use super::history::Event;
use super::import::{ignore_path, is_dockerfile};
use super::options::Options;
use super::saved::Part;
use super::state::{EditorTab, Session, State, Version};
use super::update::{Effect, changed};
use crate::context::Tree;
use crate::context::unpacked::Archives;

/// A Dockerfile in a tab.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Document {
    /// Its number; none is given twice.
    pub id: u32,
    /// The number of its context.
    pub context: u32,
    /// Its texts, options and files.
    pub now: Version,
    /// What happened to its cache.
    pub events: Vec<Event>,
    /// The context's files as they were given.
    pub given: Rc<Tree>,
    /// What the archives among them hold.
    pub archives: Rc<Archives>,
    /// The Dockerfiles and ignore files among them.
    pub texts: Rc<BTreeMap<String, String>>,
    /// The context's name.
    pub context_name: Option<String>,
}

/// What a new tab begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// Nothing.
    Empty,
    /// The text, the options and the builds of the present one.
    Copy,
}

/// What happens to tabs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DocumentMessage {
    /// A tab was chosen, by its document's number.
    Chosen(u32),
    /// A new one was asked for.
    Added(Start),
    /// The present one got another path.
    Renamed(String),
    /// A tab was closed, by its document's number.
    Closed(u32),
    /// All documents are written, so that these parts may be those of another one.
    Kept(Vec<Part>),
}

/// A tab as it is drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TabRow {
    /// The document's number.
    pub id: u32,
    /// Its path.
    pub path: String,
    /// That, with a number where a tab before it has the same.
    pub label: String,
    /// Its path and its context.
    pub title: String,
    /// It is the present one.
    pub is_here: bool,
    /// Its text is not the one of its file on disk.
    pub is_unsaved: bool,
}

impl Session {
    /// The present document as a parked one.
    #[must_use]
    pub fn present(&self) -> Document {
        Document {
            id: self.document,
            context: self.context,
            now: self.now.clone(),
            events: self.events.clone(),
            given: Rc::clone(&self.given),
            archives: Rc::clone(&self.archives),
            texts: Rc::clone(&self.texts),
            context_name: self.context_name.clone(),
        }
    }

    /// Takes a document for the present one. Where tags of base images point is true of all.
    pub(super) fn take_out(&mut self, document: Document) {
        let Document { id, context, now, events, given, archives, texts, context_name } = document;
        let bases = std::mem::take(&mut self.now.bases);
        (self.document, self.context, self.context_name) = (id, context, context_name);
        (self.now, self.events) = (Version { bases, ..now }, events);
        (self.given, self.archives, self.texts) = (given, archives, texts);
    }

    /// Of all documents that this session knows of, the highest number, and that of their contexts.
    pub(super) fn highest_id(&self) -> u32 {
        let own = self.own.as_ref().map_or(0, |own| own.highest_id());
        let parked = self.others.iter().map(|it| it.id.max(it.context)).max().unwrap_or(0);
        own.max(parked).max(self.document).max(self.context)
    }
}

/// The tabs in their order.
#[must_use]
pub fn tabs(session: &Session) -> Vec<TabRow> {
    let mut rows: Vec<TabRow> = Vec::new();
    let mut push = |id: u32, now: &Version, context: Option<&String>| {
        let path = &now.dockerfile_path;
        let n_same = rows.iter().filter(|row| row.path == *path).count();
        rows.push(TabRow {
            id,
            path: path.clone(),
            label: if n_same > 0 { format!("{path} ({})", n_same + 1) } else { path.clone() },
            title: context.map_or_else(|| path.clone(), |context| format!("{path} of {context}")),
            is_here: id == session.document,
            is_unsaved: disk::is_unsaved(session, id, &now.dockerfile),
        });
    };
    let (before, after) = session.others.split_at(session.tab_idx.min(session.others.len()));
    before.iter().for_each(|it| push(it.id, &it.now, it.context_name.as_ref()));
    push(session.document, &session.now, session.context_name.as_ref());
    after.iter().for_each(|it| push(it.id, &it.now, it.context_name.as_ref()));
    rows
}

/// Dockerfiles of the context that stand in no tab.
#[must_use]
pub fn closed_dockerfiles(session: &Session) -> Vec<String> {
    let is_open = |path: &str| {
        session.now.dockerfile_path == path || session.others.iter().any(|it| it.is_at(session.context, path))
    };
    session.texts.keys().filter(|path| is_dockerfile(path) && !is_open(path)).cloned().collect()
}

/// Why the present document cannot have this path, as a sentence; none if it can.
#[must_use]
pub fn path_problem(session: &Session, path: &str) -> Option<&'static str> {
    let path = crate::context::normal_path(path);
    if path.is_empty() {
        return Some("A Dockerfile needs a name.");
    }
    if session.others.iter().any(|it| it.is_at(session.context, &path)) {
        return Some("Another tab has this name.");
    }
    let is_own = path == session.now.dockerfile_path;
    let is_taken = session.now.files.get(&path).is_some() || session.texts.contains_key(&path);
    (!is_own && is_taken).then_some("The context has a file of this name.")
}

impl Document {
    fn is_at(&self, context: u32, path: &str) -> bool {
        self.context == context && self.now.dockerfile_path == path
    }

    /// It is this file of this context.
    pub(super) fn is_file(&self, context: u32, path: &str) -> bool {
        self.is_at(context, path) && self.now.has_dockerfile_in_context
    }
}

/// The reducer for these.
pub(super) fn update(state: &mut State, message: DocumentMessage) -> Vec<Effect> {
    match message {
        DocumentMessage::Chosen(id) => choose(state, id),
        DocumentMessage::Added(start) => {
            let id = state.new_id();
            let session = &mut state.session;
            let mut document = Document { id, ..session.present() };
            document.now.dockerfile_path = free_path(session);
            document.now.ignore_path = ignore_path(&document.now.dockerfile_path, &session.texts);
            if document.now.ignore_path != session.now.ignore_path {
                document.now.dockerignore =
                    session.texts.get(&document.now.ignore_path).cloned().unwrap_or_default();
            }
            if start == Start::Empty {
                document.now.dockerfile.clear();
                document.now.options = Options { builder: session.now.options.builder, ..Options::default() };
                document.events.clear();
            }
            open(state, document)
        }
        DocumentMessage::Renamed(path) => {
            if path_problem(&state.session, &path).is_some() {
                return Vec::new();
            }
            let path = crate::context::normal_path(&path);
            let session = &mut state.session;
            let now = &mut session.now;
            // An ignore file of the Dockerfile's own goes with it.
            if now.ignore_path == format!("{}.dockerignore", now.dockerfile_path) {
                now.ignore_path = format!("{path}.dockerignore");
            }
            now.dockerfile_path = path;
            changed(state, Part::Texts)
        }
        DocumentMessage::Closed(id) => close(state, id),
        DocumentMessage::Kept(parts) => parts.into_iter().map(Effect::Save).collect(),
    }
}

/// Hands the context of the present document to the parked ones that lie in it.
fn settle(session: &mut Session) {
    let present = session.present();
    for other in session.others.iter_mut().filter(|it| it.context == present.context) {
        let other = Rc::make_mut(other);
        let (given, archives) = (Rc::clone(&present.given), Rc::clone(&present.archives));
        (other.given, other.archives, other.texts) = (given, archives, Rc::clone(&present.texts));
        other.context_name.clone_from(&present.context_name);
        if other.now.ignore_path == present.now.ignore_path {
            other.now.dockerignore.clone_from(&present.now.dockerignore);
        }
        other.now.files = Rc::new(files_beside(&present.now, &other.now));
    }
}

/// The files of the context were read again: the parked documents that lie in it have their texts
/// as they are on disk now.
pub(super) fn reread(session: &mut Session, texts: &BTreeMap<String, String>) {
    let context = session.context;
    for other in session.others.iter_mut().filter(|it| it.context == context) {
        let now = &mut Rc::make_mut(other).now;
        if let Some(text) = texts.get(&now.dockerfile_path).filter(|_| now.has_dockerfile_in_context) {
            now.dockerfile.clone_from(text);
            now.ignore_path = ignore_path(&now.dockerfile_path, texts);
            now.dockerignore = texts.get(&now.ignore_path).cloned().unwrap_or_default();
        }
    }
}

/// The files that a version sees beside another one of the same context.
fn files_beside(present: &Version, other: &Version) -> Tree {
    let mut files = Tree::clone(&present.files);
    if present.has_dockerfile_in_context {
        files.insert(&present.dockerfile_path, text_entry(&present.dockerfile));
        if !present.dockerignore.is_empty() {
            files.insert(&present.ignore_path, text_entry(&present.dockerignore));
        }
    }
    if other.has_dockerfile_in_context {
        files.remove(&other.dockerfile_path);
        files.remove(&other.ignore_path);
    }
    files
}

/// Parks the present document; its place among the others is its place among the tabs.
fn park(session: &mut Session) {
    settle(session);
    let present = Rc::new(session.present());
    session.others.insert(session.tab_idx.min(session.others.len()), present);
}

/// Takes out the parked document at this place.
fn take_out(session: &mut Session, idx: usize) {
    if idx < session.others.len() {
        let document = session.others.remove(idx);
        session.tab_idx = idx;
        session.take_out(Rc::unwrap_or_clone(document));
    }
}

/// Another document is the present one.
fn shown(state: &mut State, has_other_context: bool) -> Vec<Effect> {
    state.session.tab = EditorTab::Dockerfile;
    state.selected = None;
    state.events_revision += 1;
    state.revision += 1;
    // The text that is written at once must not take the place of one that is written nowhere else.
    let mut parts = vec![Part::Texts, Part::Files];
    if has_other_context {
        parts.extend([Part::Given, Part::Archives]);
    }
    vec![Effect::KeepDocuments(parts), Effect::ShowTexts]
}

pub(super) fn choose(state: &mut State, id: u32) -> Vec<Effect> {
    let session = &mut state.session;
    if session.document == id {
        session.tab = EditorTab::Dockerfile;
        return vec![Effect::Save(Part::Texts), Effect::ShowTexts];
    }
    if !session.others.iter().any(|it| it.id == id) {
        return Vec::new();
    }
    let context = session.context;
    park(session);
    let idx = session.others.iter().position(|it| it.id == id).unwrap_or(0);
    take_out(session, idx);
    let has_other_context = session.context != context;
    shown(state, has_other_context)
}

/// A document gets a tab behind the present one, and is the present one.
pub(super) fn open(state: &mut State, document: Document) -> Vec<Effect> {
    let session = &mut state.session;
    let has_other_context = document.context != session.context;
    let idx = session.tab_idx.min(session.others.len());
    session.others.insert(idx, Rc::new(document));
    park(session);
    take_out(session, idx + 1);
    shown(state, has_other_context)
}

/// A Dockerfile of the context, in its tab or in a new one.
pub(super) fn open_path(state: &mut State, path: &str) -> Vec<Effect> {
    let session = &state.session;
    let is_here = session.now.dockerfile_path == path && session.now.has_dockerfile_in_context;
    let parked = session.others.iter().find(|it| it.is_at(session.context, path)).map(|it| it.id);
    if let Some(id) = parked.or(is_here.then_some(session.document)) {
        return choose(state, id);
    }
    let Some(text) = session.texts.get(path).cloned() else { return Vec::new() };
    let ignore_path = ignore_path(path, &session.texts);
    let now = Version {
        dockerfile: text,
        dockerfile_path: path.to_owned(),
        dockerignore: session.texts.get(&ignore_path).cloned().unwrap_or_default(),
        ignore_path,
        has_dockerfile_in_context: true,
        options: Options { builder: session.now.options.builder, ..Options::default() },
        ..session.now.clone()
    };
    // As it was given, it counts as built.
    let mut built = now.clone();
    let mut files = Tree::clone(&session.given);
    for (path, text) in session.texts.iter().filter(|(path, _)| session.given.get(path).is_none()) {
        files.insert(path, text_entry(text));
    }
    files.remove(&now.dockerfile_path);
    files.remove(&now.ignore_path);
    built.files = Rc::new(files);
    let mut document = Document { now, events: vec![Event::Built(Rc::new(built))], ..session.present() };
    document.id = state.new_id();
    open(state, document)
}

/// A text that lies elsewhere, as with `-f`, with the files of the present document. It counts as built.
pub(super) fn beside(session: &Session, name: &str, text: String) -> Document {
    let ignore_path = ignore_path(name, &session.texts);
    let mut now = Version {
        dockerfile: text,
        dockerfile_path: name.to_owned(),
        ignore_path,
        has_dockerfile_in_context: false,
        options: Options { builder: session.now.options.builder, ..Options::default() },
        ..session.now.clone()
    };
    if now.ignore_path != session.now.ignore_path {
        now.dockerignore = session.texts.get(&now.ignore_path).cloned().unwrap_or_default();
    }
    now.files = Rc::new(files_beside(&session.now, &now));
    Document { events: vec![Event::Built(Rc::new(now.clone()))], now, ..session.present() }
}

fn close(state: &mut State, id: u32) -> Vec<Effect> {
    let session = &mut state.session;
    if session.others.is_empty() {
        return Vec::new();
    }
    if session.document == id {
        // What was given stays in the context as it was given; what was not goes.
        match session.texts.get(&session.now.dockerfile_path) {
            Some(given) => session.now.dockerfile.clone_from(given),
            None => session.now.has_dockerfile_in_context = false,
        }
        settle(session);
        let last = session.others.len() - 1;
        let context = session.context;
        take_out(session, session.tab_idx.min(last));
        let has_other_context = session.context != context;
        return shown(state, has_other_context);
    }
    let Some(idx) = session.others.iter().position(|it| it.id == id) else { return Vec::new() };
    let closed = session.others.remove(idx);
    if idx < session.tab_idx {
        session.tab_idx -= 1;
    }
    if closed.context == session.context && closed.now.has_dockerfile_in_context {
        let files = Rc::make_mut(&mut session.now.files);
        let path = &closed.now.dockerfile_path;
        match session.texts.get(path) {
            Some(given) => files.insert(path, text_entry(given)),
            None => files.remove(path),
        }
    }
    state.revision += 1;
    vec![Effect::KeepDocuments(vec![Part::Texts, Part::Files])]
}

/// Another work takes the place of the present document; the other tabs stay.
pub(super) fn put_in_place(state: &mut State, fresh: Session) -> Vec<Effect> {
    let (document, context) = (state.new_id(), state.new_id());
    settle(&mut state.session);
    let Session { others, tab_idx, images, sizes, disk, n_edits, .. } =
        std::mem::replace(&mut state.session, fresh);
    let session = &mut state.session;
    if !others.is_empty() {
        // They stand on the same bases.
        (session.images, session.sizes) = (images, sizes);
    }
    (session.others, session.tab_idx) = (others, tab_idx);
    (session.disk, session.n_edits) = (disk, n_edits);
    (session.document, session.context) = (document, context);
    shown(state, true)
}

/// A path that neither a tab nor a file has.
fn free_path(session: &Session) -> String {
    let is_taken = |path: &str| {
        let mut all = session.others.iter().map(|it| it.now.dockerfile_path.as_str());
        path == session.now.dockerfile_path
            || all.any(|it| it == path)
            || session.now.files.get(path).is_some()
            || session.texts.contains_key(path)
    };
    let numbered = (2..).map(|n: u32| format!("Dockerfile.{n}"));
    std::iter::once("Dockerfile".to_owned()).chain(numbered).find(|path| !is_taken(path)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::history::Event;
    use crate::app::import::take;
    use crate::app::saved::{self, Stored};
    use crate::app::undo::UndoMessage;
    use crate::app::update::{Message, update};

    /// A monorepo: two Dockerfiles with one ignore file, and one with its own.
    fn shop() -> State {
        let mut state = State::new(Session::example(), "test");
        let texts = [
            ("api/Dockerfile", "FROM a\nCOPY . .\n"),
            ("web/Dockerfile", "FROM w\nCOPY . .\n"),
            ("web/Dockerfile.dockerignore", "api\n"),
            ("Dockerfile", "FROM root\n"),
            (".dockerignore", "*.md\n"),
        ];
        let texts: BTreeMap<_, _> = texts.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let mut tree = Tree::default();
        for path in texts.keys().map(String::as_str).chain(["src/a.js", "README.md"]) {
            tree.insert(path, text_entry(texts.get(path).map_or("x", String::as_str)));
        }
        let _ = take(&mut state, "shop".into(), tree, texts, false);
        state
    }

    fn tell(state: &mut State, message: DocumentMessage) -> Vec<Effect> {
        update(state, Message::Document(message))
    }

    fn open(state: &mut State, path: &str) {
        let path = path.to_owned();
        let _ = update(state, Message::Context(crate::app::import::ContextMessage::DockerfileChosen(path)));
    }

    /// The tabs; the present one in brackets.
    fn shown_tabs(state: &State) -> String {
        let row = |tab: TabRow| if tab.is_here { format!("[{}]", tab.label) } else { tab.label };
        tabs(&state.session).into_iter().map(row).collect::<Vec<_>>().join(" ")
    }

    fn id(state: &State, label: &str) -> u32 {
        tabs(&state.session).into_iter().find(|tab| tab.label == label).unwrap().id
    }

    #[test]
    fn dockerfiles_of_a_context_share_its_files() {
        let mut state = shop();
        assert_eq!(closed_dockerfiles(&state.session), ["api/Dockerfile", "web/Dockerfile"]);
        open(&mut state, "api/Dockerfile");
        open(&mut state, "web/Dockerfile");
        assert_eq!(shown_tabs(&state), "Dockerfile api/Dockerfile [web/Dockerfile]");
        assert_eq!(state.session.now.dockerignore, "api\n", "its own ignore file");
        assert_eq!(state.session.last_build(), Some(&state.session.now), "as it was given, it was built");
        assert_eq!(closed_dockerfiles(&state.session), [""; 0]);
        // A file that is edited in one tab is edited in all; builds are each tab's own.
        let _ = update(&mut state, Message::FileEdited("src/a.js".into()));
        let _ = update(&mut state, Message::BuildRequested);
        let edited = state.session.now.files.get("src/a.js").cloned();
        open(&mut state, "api/Dockerfile");
        assert_eq!(shown_tabs(&state), "Dockerfile [api/Dockerfile] web/Dockerfile");
        assert_eq!(state.session.now.files.get("src/a.js").cloned(), edited);
        assert_eq!(state.session.events.len(), 1);
        assert_ne!(state.session.last_build().unwrap().files.get("src/a.js").cloned(), edited);
        // The ignore file is that of every tab without one of its own.
        let _ = update(&mut state, Message::IgnoreEdited("*.js\n".into()));
        open(&mut state, "web/Dockerfile");
        assert_eq!(state.session.now.dockerignore, "api\n");
        assert_eq!(state.session.now.files.get(".dockerignore"), Some(&text_entry("*.js\n")));
        open(&mut state, "Dockerfile");
        assert_eq!(state.session.now.dockerignore, "*.js\n");
        assert!(
            state.session.now.files.get("Dockerfile").is_none()
                && state.session.now.files.get(".dockerignore").is_none()
        );
    }

    #[test]
    fn what_is_typed_in_a_tab_is_a_file_of_the_others() {
        let mut state = shop();
        open(&mut state, "api/Dockerfile");
        let _ = update(&mut state, Message::DockerfileEdited("FROM typed\n".into()));
        open(&mut state, "Dockerfile");
        assert_eq!(state.session.now.files.get("api/Dockerfile"), Some(&text_entry("FROM typed\n")));
        // It is closed: the file is as it was given.
        let api = id(&state, "api/Dockerfile");
        let _ = tell(&mut state, DocumentMessage::Closed(api));
        assert_eq!(state.session.now.files.get("api/Dockerfile"), Some(&text_entry("FROM a\nCOPY . .\n")));
        assert_eq!(shown_tabs(&state), "[Dockerfile]");
        let only = state.session.document;
        assert_eq!(tell(&mut state, DocumentMessage::Closed(only)), []);
        // And taken back.
        let _ = update(&mut state, Message::Undo(UndoMessage::Undone));
        assert_eq!(shown_tabs(&state), "[Dockerfile] api/Dockerfile");
        open(&mut state, "api/Dockerfile");
        assert_eq!(state.session.now.dockerfile, "FROM typed\n");
    }

    #[test]
    fn a_pasted_diff_changes_the_text_of_another_tab() {
        let mut state = shop();
        open(&mut state, "api/Dockerfile");
        let diff = "diff --git a/Dockerfile b/Dockerfile\n--- a/Dockerfile\n+++ b/Dockerfile\n\
                    @@ -1 +1 @@\n-FROM root\n+FROM patched\n";
        let pasted = crate::app::import::ContextMessage::Pasted(diff.into());
        let _ = update(&mut state, Message::Context(pasted));
        assert_eq!(state.session.now.files.get("Dockerfile"), Some(&text_entry("FROM patched\n")));
        open(&mut state, "Dockerfile");
        assert_eq!(state.session.now.dockerfile, "FROM patched\n");
    }

    #[test]
    fn new_tabs_and_names() {
        let mut state = shop();
        let _ = tell(&mut state, DocumentMessage::Added(Start::Copy));
        assert_eq!(shown_tabs(&state), "Dockerfile [Dockerfile.2]");
        assert_eq!((state.session.now.dockerfile.as_str(), state.session.events.len()), ("FROM root\n", 1));
        let _ = tell(&mut state, DocumentMessage::Added(Start::Empty));
        assert_eq!((state.session.now.dockerfile.as_str(), state.session.events.len()), ("", 0));
        assert_eq!(state.undo.last_done(), Some("open an empty tab"));
        for (path, problem) in [
            ("", Some("A Dockerfile needs a name.")),
            ("./Dockerfile.2", Some("Another tab has this name.")),
            ("src/a.js", Some("The context has a file of this name.")),
            ("web/Dockerfile", Some("The context has a file of this name.")),
            ("Dockerfile.3", None),
            ("jobs/Dockerfile", None),
        ] {
            assert_eq!(path_problem(&state.session, path), problem, "{path}");
            let _ = tell(&mut state, DocumentMessage::Renamed(path.into()));
        }
        assert_eq!(shown_tabs(&state), "Dockerfile Dockerfile.2 [jobs/Dockerfile]");
        // Nobody gave it: with its tab it goes.
        let here = state.session.document;
        let first = id(&state, "Dockerfile");
        let _ = tell(&mut state, DocumentMessage::Chosen(first));
        assert!(state.session.now.files.get("jobs/Dockerfile").is_some());
        let _ = tell(&mut state, DocumentMessage::Closed(here));
        assert!(state.session.now.files.get("jobs/Dockerfile").is_none());
        let _ = tell(&mut state, DocumentMessage::Closed(first));
        assert_eq!(shown_tabs(&state), "[Dockerfile.2]");
        assert!(state.session.now.files.get("Dockerfile").is_some(), "it was given");
    }

    #[test]
    fn another_context_is_that_of_one_tab() {
        let mut state = shop();
        open(&mut state, "api/Dockerfile");
        let mut tree = Tree::default();
        tree.insert("main.go", text_entry("x"));
        let texts = BTreeMap::from([("Dockerfile".to_owned(), "FROM go\n".to_owned())]);
        let _ = take(&mut state, "other".into(), tree, texts, false);
        assert_eq!(shown_tabs(&state), "Dockerfile [Dockerfile (2)]");
        let first = id(&state, "Dockerfile");
        let effects = tell(&mut state, DocumentMessage::Chosen(first));
        let parts = vec![Part::Texts, Part::Files, Part::Given, Part::Archives];
        assert_eq!(effects, [Effect::KeepDocuments(parts), Effect::ShowTexts]);
        assert_eq!(state.session.context_name.as_deref(), Some("shop"));
        assert!(state.session.now.files.get("main.go").is_none());
        // An example takes the place of one tab, too.
        let _ = update(&mut state, Message::ExampleChosen(0));
        assert_eq!(state.session.others.len(), 1);
        assert_eq!(state.session.others[0].now.dockerfile, "FROM go\n");
    }

    #[test]
    fn files_that_are_read_again_are_those_of_every_tab() {
        let mut state = shop();
        open(&mut state, "api/Dockerfile");
        let mut tree = Tree::default();
        tree.insert("src/a.js", text_entry("new"));
        let texts = ["Dockerfile", "api/Dockerfile"].map(|path| (path.to_owned(), format!("FROM {path}\n")));
        let _ = take(&mut state, "shop".into(), tree, texts.into(), true);
        assert_eq!(state.session.now.dockerfile, "FROM api/Dockerfile\n");
        open(&mut state, "Dockerfile");
        assert_eq!(state.session.now.dockerfile, "FROM Dockerfile\n");
        assert_eq!(state.session.now.files.get("src/a.js"), Some(&text_entry("new")));
        assert_eq!(state.session.events.len(), 1, "its builds stay");
    }

    /// Reads what was written, with some parts of another session.
    fn restored(parts: impl Fn(Part) -> String) -> Session {
        let parts = Part::ALL.map(parts);
        let [texts, files, given, archives, others, own] = parts.each_ref().map(|part| Some(part.as_str()));
        saved::read(Stored { texts, files, given, archives, others, own }).unwrap().unwrap()
    }

    #[test]
    fn tabs_survive_a_reload_and_a_crash_in_between() {
        let mut state = shop();
        open(&mut state, "api/Dockerfile");
        let _ = update(&mut state, Message::FileEdited("src/a.js".into()));
        let mut tree = Tree::default();
        tree.insert("main.go", text_entry("x"));
        let _ = take(&mut state, "other".into(), tree, BTreeMap::new(), false);
        let _ = update(&mut state, Message::DockerfileEdited("FROM b\n".into()));
        let _ = update(&mut state, Message::BuildRequested);
        let before = state.session.clone();
        let whole = restored(|part| saved::write(&before, part).unwrap());
        assert_eq!(whole, before);

        let first = id(&state, "Dockerfile");
        let effects = tell(&mut state, DocumentMessage::Chosen(first));
        let Some(Effect::KeepDocuments(parts)) = effects.first() else { panic!("{effects:?}") };
        let after = state.session.clone();
        assert_eq!(restored(|part| saved::write(&after, part).unwrap()), after);
        // All documents are written first; of the rest any beginning may be.
        for n in 0..parts.len() {
            let is_new = |part: &Part| *part == Part::Others || parts[..n].contains(part);
            let session =
                restored(|part| saved::write(if is_new(&part) { &after } else { &before }, part).unwrap());
            let mut names: Vec<&str> = session.others.iter().map(|it| it.now.dockerfile.as_str()).collect();
            names.push(&session.now.dockerfile);
            names.sort_unstable();
            assert_eq!(names, ["FROM b\n", "FROM root\n"], "{n} parts");
            let expected = if n == 0 { &before } else { &after };
            assert_eq!(session.events, expected.events, "{n} parts");
        }
    }

    #[test]
    fn typing_in_two_tabs_is_taken_back_where_it_was_typed() {
        let mut state = shop();
        let _ = update(&mut state, Message::DockerfileEdited("FROM root\n#".into()));
        open(&mut state, "api/Dockerfile");
        let _ = update(&mut state, Message::DockerfileEdited("FROM b\nCOPY . .\n".into()));
        open(&mut state, "Dockerfile");
        let _ = update(&mut state, Message::Undo(UndoMessage::Undone));
        assert_eq!(shown_tabs(&state), "Dockerfile [api/Dockerfile]");
        assert_eq!(state.session.now.dockerfile, "FROM a\nCOPY . .\n");
        let Some(Event::Built(built)) = state.session.events.first() else { panic!("it was built") };
        assert_eq!(built.dockerfile, state.session.now.dockerfile);
    }
}
