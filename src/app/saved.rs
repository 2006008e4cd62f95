//! What survives a reload, as text.
//!
//! The session is written in parts, so that a key press writes little: texts and
//! settings often, what differs from the files as they were given when that
//! changes, and those files themselves, with what the archives among them hold,
//! only when others are given.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::document::Document;
use super::history::Event;
use super::state::{Session, Version};
use crate::context::unpacked::Archives;
use crate::context::{Entry, Tree};

/// A part that is written by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Part {
    /// Texts and settings.
    Texts,
    /// What happened to the context's files, and the remembered builds.
    Files,
    /// The context's files as they were given.
    Given,
    /// What the archives among them hold.
    Archives,
    /// The Dockerfiles of all tabs, the present one among them: whatever of it is written elsewhere
    /// is another one's until all of that is written.
    Others,
    /// The reader's own work, while something is shown that came with a link. It is the last one, so
    /// that it is forgotten only once it is the session again.
    Own,
}

impl Part {
    /// All of them, in the order in which they are restored.
    pub const ALL: [Self; 6] =
        [Self::Texts, Self::Files, Self::Given, Self::Archives, Self::Others, Self::Own];

    /// The name that it is stored under.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Texts => "texts",
            Self::Files => "files",
            Self::Given => "given",
            Self::Archives => "archives",
            Self::Others => "others",
            Self::Own => "own",
        }
    }
}

/// Raised when the shape of what is saved changes. The first one held every tree in full.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u32,
    session: Session,
    /// For the present version and each build: what differs from the files as they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Changes>>,
}

/// What stands at a path, or that nothing does any more.
type Changes = Vec<(String, Option<Entry>)>;

/// Writes one part.
///
/// # Errors
/// If it has no JSON form; what.
pub fn write(session: &Session, part: Part) -> Result<String, String> {
    let whole = match part {
        Part::Given => Some(serde_json::to_string(session.given.as_ref())),
        Part::Archives => Some(serde_json::to_string(session.archives.as_ref())),
        Part::Own => Some(serde_json::to_string(&session.own)),
        Part::Others => Some(serde_json::to_string(&Shelf::of(session))),
        Part::Texts | Part::Files => None,
    };
    if let Some(written) = whole {
        return written.map_err(|error| error.to_string());
    }
    let mut changes = None;
    let mut session = session.clone();
    if part == Part::Files {
        let given = Rc::clone(&session.given);
        session.now.dockerfile.clear();
        session.now.dockerignore.clear();
        changes = Some(
            versions_mut(&mut session.now, &mut session.events).map(|it| take_files(it, &given)).collect(),
        );
    } else {
        session.now.files = Rc::default();
        session.events.clear();
    }
    (session.given, session.archives, session.own) = (Rc::default(), Rc::default(), None);
    session.others.clear();
    serde_json::to_string(&Envelope { version: VERSION, session, changes }).map_err(|error| error.to_string())
}

/// Takes the files out of a version; what differs from the given ones stands for them.
fn take_files(version: &mut Version, given: &Tree) -> Changes {
    let files = std::mem::take(&mut version.files);
    let found = given.differences(&files);
    // What is gone below a folder that is gone needs no mention, but does no harm.
    found.into_iter().map(|it| (it.path, it.after.cloned())).collect()
}

/// Puts them back.
fn put_files(version: &mut Version, given: &Tree, changes: Changes) {
    let mut tree = given.clone();
    for (path, entry) in changes {
        match entry {
            Some(entry) => tree.insert(&path, entry),
            None => tree.remove(&path),
        }
    }
    version.files = Rc::new(tree);
}

/// A version and every build.
fn versions_mut<'a>(now: &'a mut Version, events: &'a mut [Event]) -> impl Iterator<Item = &'a mut Version> {
    let built = events.iter_mut().filter_map(|event| match event {
        Event::Built(version) => Some(Rc::make_mut(version)),
        Event::Pruned | Event::FreshRunner(_) => None,
    });
    std::iter::once(now).chain(built)
}

/// What was stored, part by part.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stored<'a> {
    /// [`Part::Texts`].
    pub texts: Option<&'a str>,
    /// [`Part::Files`].
    pub files: Option<&'a str>,
    /// [`Part::Given`].
    pub given: Option<&'a str>,
    /// [`Part::Archives`].
    pub archives: Option<&'a str>,
    /// [`Part::Others`].
    pub others: Option<&'a str>,
    /// [`Part::Own`].
    pub own: Option<&'a str>,
}

/// Puts the parts together; `None` if nothing was written.
///
/// # Errors
/// If they cannot be read; what.
pub fn read(stored: Stored<'_>) -> Result<Option<Session>, String> {
    let part = |text: &str| -> Result<Envelope, String> {
        let envelope: Envelope = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if (1..=VERSION).contains(&envelope.version) {
            return Ok(envelope);
        }
        Err(format!("it was written by version {}", envelope.version))
    };
    let Some(texts) = stored.texts else { return Ok(None) };
    let mut session = part(texts)?.session;
    let shelf: Option<Shelf> = match stored.others {
        Some(text) => Some(serde_json::from_str(text).map_err(|error| error.to_string())?),
        None => None,
    };
    let told = shelf.as_ref().and_then(|shelf| shelf.contexts.get(&session.context));
    // Files that were never changed were never written: they are still those of the example.
    let given = match (told, stored.given) {
        (Some((given, _, _)), _) => Rc::clone(given),
        (None, Some(text)) => Rc::new(serde_json::from_str::<Tree>(text).map_err(|error| error.to_string())?),
        (None, None) => Session::example().given,
    };
    let mut files = match stored.files {
        Some(text) => part(text)?,
        None => Envelope { version: VERSION, session: Session::example(), changes: None },
    };
    let Session { now, events, .. } = &mut files.session;
    for (version, changes) in versions_mut(now, events).zip(files.changes.into_iter().flatten()) {
        put_files(version, &given, changes);
    }
    session.given = given;
    if let Some((_, archives, _)) = told {
        session.archives = Rc::clone(archives);
    } else if let Some(text) = stored.archives {
        session.archives = Rc::new(serde_json::from_str(text).map_err(|error| error.to_string())?);
    }
    if let Some(text) = stored.own {
        session.own = serde_json::from_str(text).map_err(|error| error.to_string())?;
    }
    session.now.files = files.session.now.files;
    session.events = files.session.events;
    if let Some(shelf) = shelf {
        session.others = shelf.into_documents(&session).into_iter().map(Rc::new).collect();
        let present = session.others.iter().position(|it| it.id == session.document);
        let present = present.map(|idx| session.others.remove(idx));
        // The texts are written at once and the files are not: they may be another one's.
        if let Some(present) = present.filter(|_| files.session.document != session.document) {
            let Document { now, events, .. } = Rc::unwrap_or_clone(present);
            (session.now.files, session.events) = (now.files, events);
        }
        session.tab_idx = session.tab_idx.min(session.others.len());
    }
    Ok(Some(session))
}

/// By path.
type Texts = Rc<BTreeMap<String, String>>;

/// All documents, without what several of them share.
#[derive(Serialize, Deserialize)]
struct Shelf {
    /// Each with what differs from the given files, of its present version and of each build.
    documents: Vec<(Document, Vec<Changes>)>,
    /// Where there are several contexts, each by its number: its files as they were given, what
    /// the archives among them hold, and the texts.
    contexts: BTreeMap<u32, (Rc<Tree>, Rc<Archives>, Texts)>,
}

impl Shelf {
    fn of(session: &Session) -> Self {
        let mut shelf = Self { documents: Vec::new(), contexts: BTreeMap::new() };
        let mut all = session.others.clone();
        all.insert(session.tab_idx.min(all.len()), Rc::new(session.present()));
        // Where there are several, none depends on which of them is written elsewhere by now.
        let is_only_context = all.iter().all(|it| it.context == session.context);
        for document in all {
            let mut document = Rc::unwrap_or_clone(document);
            let given = std::mem::take(&mut document.given);
            let archives = std::mem::take(&mut document.archives);
            let texts = std::mem::take(&mut document.texts);
            let given = if is_only_context {
                Rc::clone(&session.given)
            } else {
                Rc::clone(&shelf.contexts.entry(document.context).or_insert((given, archives, texts)).0)
            };
            let versions = versions_mut(&mut document.now, &mut document.events);
            let changes = versions.map(|version| take_files(version, &given)).collect();
            shelf.documents.push((document, changes));
        }
        shelf
    }

    /// The documents; where no context is told, they lie in that of the session.
    fn into_documents(self, session: &Session) -> Vec<Document> {
        let Self { documents, contexts } = self;
        let whole = |(mut document, changes): (Document, Vec<Changes>)| {
            let shared = || (session.given.clone(), session.archives.clone(), session.texts.clone());
            let (given, archives, texts) = contexts.get(&document.context).cloned().unwrap_or_else(shared);
            let versions = versions_mut(&mut document.now, &mut document.events);
            versions.zip(changes).for_each(|(version, changes)| put_files(version, &given, changes));
            Document { given, archives, texts, ..document }
        };
        documents.into_iter().map(whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn the_parts_make_one() {
        let mut session = Session::example();
        session.now.dockerfile.push_str("# typed\n");
        let files = Rc::make_mut(&mut session.now.files);
        files.remove("index.js");
        files.insert("new/file", Entry::file(Digest::of(b"new"), 3));
        session.events.push(Event::Built(Rc::new(session.now.clone())));
        session.events.push(Event::Pruned);
        let archive = Digest::of(b"archive");
        Rc::make_mut(&mut session.archives).extend(archive, vec![("a".into(), Entry::dir())]);
        session.own = Some(Rc::new(Session { n_edits: 7, ..Session::example() }));
        let parts = Part::ALL.map(|part| write(&session, part).unwrap());
        let [texts, files, given, archives, others, own] = parts.each_ref().map(|part| Some(part.as_str()));
        let restored = read(Stored { texts, files, given, archives, others, own }).unwrap();
        assert_eq!(restored, Some(session));
        assert!(!parts[0].contains(&archive.to_string()), "lists are not written at each key press");
        assert!(!parts[1].contains("README"), "unchanged files are not written again");
        assert_eq!(read(Stored { files, ..Stored::default() }), Ok(None));
        assert!(read(Stored { texts: Some("{"), ..Stored::default() }).is_err());
    }

    #[test]
    fn sessions_of_the_first_version_are_read() {
        let mut session = serde_json::to_value(Session::example()).unwrap();
        let Some(Event::Built(version)) = Session::example().events.pop() else { panic!("it is built") };
        session["builds"] = serde_json::json!([version]);
        session.as_object_mut().unwrap().remove("given");
        let text = serde_json::json!({ "version": 1, "session": session }).to_string();
        let restored = read(Stored { texts: Some(&text), files: Some(&text), ..Stored::default() });
        assert_eq!(restored, Ok(Some(Session::example())));
    }
}
