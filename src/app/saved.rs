//! What survives a reload, as text.
//!
//! The session is written in parts, so that a key press writes little: texts and
//! settings often, what differs from the files as they were given when that
//! changes, and those files themselves, with what the archives among them hold,
//! only when others are given.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::history::Event;
use super::state::{Session, Version};
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
    /// The reader's own work, while something is shown that came with a link. It is the last one, so
    /// that it is forgotten only once it is the session again.
    Own,
}

impl Part {
    /// All of them, in the order in which they are restored.
    pub const ALL: [Self; 5] = [Self::Texts, Self::Files, Self::Given, Self::Archives, Self::Own];

    /// The name that it is stored under.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Texts => "texts",
            Self::Files => "files",
            Self::Given => "given",
            Self::Archives => "archives",
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
        Part::Texts | Part::Files => None,
    };
    if let Some(written) = whole {
        return written.map_err(|error| error.to_string());
    }
    let mut changes = None;
    let mut session = session.clone();
    if part == Part::Files {
        let given = Rc::clone(&session.given);
        let differences = |version: &mut Version| -> Changes {
            let files = std::mem::take(&mut version.files);
            let found = given.differences(&files);
            // What is gone below a folder that is gone needs no mention, but does no harm.
            found.into_iter().map(|it| (it.path, it.after.cloned())).collect()
        };
        session.now.dockerfile.clear();
        session.now.dockerignore.clear();
        changes = Some(versions_mut(&mut session).map(differences).collect());
    } else {
        session.now.files = Rc::default();
        session.events.clear();
    }
    (session.given, session.archives, session.own) = (Rc::default(), Rc::default(), None);
    serde_json::to_string(&Envelope { version: VERSION, session, changes }).map_err(|error| error.to_string())
}

/// The present version and every build.
fn versions_mut(session: &mut Session) -> impl Iterator<Item = &mut Version> {
    let built = session.events.iter_mut().filter_map(|event| match event {
        Event::Built(version) => Some(version.as_mut()),
        Event::Pruned | Event::FreshRunner(_) => None,
    });
    std::iter::once(&mut session.now).chain(built)
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
    // Files that were never changed were never written: they are still those of the example.
    let given = match stored.given {
        Some(text) => Rc::new(serde_json::from_str::<Tree>(text).map_err(|error| error.to_string())?),
        None => Session::example().given,
    };
    let mut files = match stored.files {
        Some(text) => part(text)?,
        None => Envelope { version: VERSION, session: Session::example(), changes: None },
    };
    for (version, changes) in versions_mut(&mut files.session).zip(files.changes.into_iter().flatten()) {
        let mut tree = Tree::clone(&given);
        for (path, entry) in changes {
            match entry {
                Some(entry) => tree.insert(&path, entry),
                None => tree.remove(&path),
            }
        }
        version.files = Rc::new(tree);
    }
    session.given = given;
    if let Some(text) = stored.archives {
        session.archives = Rc::new(serde_json::from_str(text).map_err(|error| error.to_string())?);
    }
    if let Some(text) = stored.own {
        session.own = serde_json::from_str(text).map_err(|error| error.to_string())?;
    }
    session.now.files = files.session.now.files;
    session.events = files.session.events;
    Ok(Some(session))
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
        session.events.push(Event::Built(Box::new(session.now.clone())));
        session.events.push(Event::Pruned);
        let archive = Digest::of(b"archive");
        Rc::make_mut(&mut session.archives).extend(archive, vec![("a".into(), Entry::dir())]);
        session.own = Some(Box::new(Session { n_edits: 7, ..Session::example() }));
        let parts = Part::ALL.map(|part| write(&session, part).unwrap());
        let [texts, files, given, archives, own] = parts.each_ref().map(|part| Some(part.as_str()));
        let restored = read(Stored { texts, files, given, archives, own }).unwrap();
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
