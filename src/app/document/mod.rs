//! Several Dockerfiles side by side, each in a tab of its own.
//!
//! Words: a *document* is a Dockerfile in a tab, with its ignore file, its options and its builds.
//! One is *present*: the session itself. The others are *parked*: kept whole, and not looked at.
//!
//! Documents of one context share its files. Whatever was done to them in one tab is handed to the
//! parked ones when the tab is left (`settle`), so that taking one out is all that a change of tabs
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
use crate::context::unpacked::Archives;
use crate::context::{Entry, Tree};

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

    /// A text as a file of the context: one that is as it was given keeps mode and time.
    fn entry_of(&self, path: &str, text: &str) -> Entry {
        let is_given = self.texts.get(path).is_some_and(|given| given == text);
        let given = self.given.get(path).filter(|_| is_given);
        given.cloned().unwrap_or_else(|| text_entry(text))
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
        other.now.files = Rc::new(files_beside(&present, &other.now));
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
fn files_beside(present: &Document, other: &Version) -> Tree {
    let now = &present.now;
    let mut files = Tree::clone(&now.files);
    if now.has_dockerfile_in_context {
        files.insert(&now.dockerfile_path, present.entry_of(&now.dockerfile_path, &now.dockerfile));
        if !now.dockerignore.is_empty() {
            files.insert(&now.ignore_path, present.entry_of(&now.ignore_path, &now.dockerignore));
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
    let present = session.present();
    now.files = Rc::new(files_beside(&present, &now));
    Document { events: vec![Event::Built(Rc::new(now.clone()))], now, ..present }
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
        let path = &closed.now.dockerfile_path;
        let given = session.texts.get(path).map(|given| session.present().entry_of(path, given));
        let files = Rc::make_mut(&mut session.now.files);
        match given {
            Some(given) => files.insert(path, given),
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
mod tests;
