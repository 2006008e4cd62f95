//! Dockerfiles on the reader's disk: opened from there, and saved back.
//!
//! What is known of a file stands beside the documents, and is no part of the work: taking a step
//! back changes no file. Whether a text is saved is told by its digest. A file is written only after
//! a look at it: if somebody else wrote it since, the reader says which text stays.

use serde::{Deserialize, Serialize};

use super::document::{self, Document};
use super::history::Event;
use super::import::is_dockerfile;
use super::options::Options;
use super::saved::Part;
use super::share::is_untouched;
use super::state::{Session, State, Version};
use super::update::{Effect, changed};
use crate::digest::Digest;

/// Longer files are no Dockerfiles.
pub const MAX_BYTES: u64 = 1 << 20;

/// A file on disk as it was read or written last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiskFile {
    /// Its name; browsers do not tell the folder.
    pub name: String,
    /// The digest of its text.
    pub digest: Digest,
    /// When it was written, in milliseconds as the browser counts them.
    pub modified_millis: u64,
    /// The name of the browser's handle, where there is one: without it a file can only be saved as
    /// a new one.
    pub handle: Option<String>,
}

/// Which of two texts stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// The one in the editor: the file is written.
    Mine,
    /// The one on disk: it goes into the editor.
    Theirs,
    /// Both, where they are.
    Both,
}

/// What happens between documents and files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskMessage {
    /// A file is to be chosen.
    OpenAsked,
    /// A file was read.
    Opened {
        /// What it holds.
        text: String,
        /// What is known of it.
        file: DiskFile,
    },
    /// The present text is to be saved.
    SaveAsked,
    /// A document's text was saved.
    Saved {
        /// The document's number.
        document: u32,
        /// What is known of the file now.
        file: DiskFile,
    },
    /// A file was not written, since it has another text than the one that was opened.
    ChangedOnDisk {
        /// The document's number.
        document: u32,
        /// What the file holds now.
        text: String,
        /// What is known of it now.
        file: DiskFile,
    },
    /// The reader said which text stays.
    Chosen(Keep),
    /// A file could not be read or written; a sentence without a full stop.
    Failed(String),
    /// What was said was read.
    NoteClosed,
}

/// What the browser is to do with files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskRequest {
    /// Have the reader choose files, and read them.
    Open,
    /// Write a text.
    Save {
        /// The document's number.
        document: u32,
        /// The text.
        text: String,
        /// The file that it goes to, as it was last; for a document without one only its name counts.
        file: DiskFile,
        /// Whatever the file holds now.
        is_forced: bool,
    },
}

/// What there is to say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum DiskNote {
    /// Nothing.
    #[default]
    Nothing,
    /// The file of this name was saved.
    Saved(String),
    /// The file was written by somebody else meanwhile.
    Changed {
        /// The document's number.
        document: u32,
        /// What the file holds now.
        text: String,
        /// What is known of it now.
        file: DiskFile,
    },
    /// A file could not be read or written; a sentence without a full stop.
    Failed(String),
}

/// A document's text differs from its file's.
pub(super) fn is_unsaved(session: &Session, document: u32, text: &str) -> bool {
    session.disk.get(&document).is_some_and(|file| file.digest != Digest::of(text.as_bytes()))
}

/// The text of a file that is a Dockerfile, by its name or by how it begins.
#[must_use]
pub fn recognized(name: &str, bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
    (is_dockerfile(name) || begins_as_dockerfile(text)).then(|| text.to_owned())
}

/// Nothing stands before its first FROM but arguments.
fn begins_as_dockerfile(text: &str) -> bool {
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        let mut words = line.split_whitespace();
        match words.next().unwrap_or("#") {
            word if word.starts_with('#') || word.eq_ignore_ascii_case("ARG") => {}
            word if word.eq_ignore_ascii_case("FROM") => {
                let words: Vec<&str> = words.filter(|word| !word.starts_with("--")).collect();
                return match words.as_slice() {
                    [_] => true,
                    [_, between, _] => between.eq_ignore_ascii_case("AS"),
                    _ => false,
                };
            }
            _ => return false,
        }
    }
    false
}

/// The reducer for these.
pub(super) fn update(state: &mut State, message: DiskMessage) -> Vec<Effect> {
    match message {
        DiskMessage::OpenAsked => vec![Effect::Disk(DiskRequest::Open)],
        DiskMessage::Opened { text, file } => {
            state.disk = DiskNote::Nothing;
            open(state, text, file)
        }
        DiskMessage::SaveAsked => {
            state.disk = DiskNote::Nothing;
            save(state, false)
        }
        DiskMessage::Saved { document, file } => {
            state.disk = DiskNote::Saved(file.name.clone());
            state.session.disk.insert(document, file);
            state.view_revision += 1;
            vec![Effect::Save(Part::Texts)]
        }
        DiskMessage::ChangedOnDisk { document, text, file } => {
            state.disk = DiskNote::Changed { document, text, file };
            Vec::new()
        }
        DiskMessage::Chosen(keep) => {
            let DiskNote::Changed { document, text, file } = std::mem::take(&mut state.disk) else {
                return Vec::new();
            };
            // Another tab may have been chosen meanwhile.
            let mut effects = document::choose(state, document);
            if state.session.document != document {
                return effects;
            }
            match keep {
                Keep::Both => return Vec::new(),
                Keep::Mine => effects.extend(save(state, true)),
                Keep::Theirs => {
                    state.session.disk.insert(document, file);
                    state.session.now.dockerfile = text;
                    effects.extend(changed(state, Part::Texts));
                    effects.push(Effect::ShowTexts);
                }
            }
            effects
        }
        DiskMessage::Failed(message) => {
            state.disk = DiskNote::Failed(message);
            Vec::new()
        }
        DiskMessage::NoteClosed => {
            state.disk = DiskNote::Nothing;
            Vec::new()
        }
    }
}

fn save(state: &State, is_forced: bool) -> Vec<Effect> {
    let session = &state.session;
    let text = session.now.dockerfile.clone();
    let path = &session.now.dockerfile_path;
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    let nowhere = DiskFile { name, digest: Digest::of(b""), modified_millis: 0, handle: None };
    let file = session.disk.get(&session.document).cloned().unwrap_or(nowhere);
    vec![Effect::Disk(DiskRequest::Save { document: session.document, text, file, is_forced })]
}

/// The document of this handle.
fn document_of(session: &Session, file: &DiskFile) -> Option<u32> {
    file.handle.as_ref()?;
    let is_open = |id: u32| id == session.document || session.others.iter().any(|it| it.id == id);
    session.disk.iter().find(|(id, it)| it.handle == file.handle && is_open(**id)).map(|(id, _)| *id)
}

fn open(state: &mut State, text: String, file: DiskFile) -> Vec<Effect> {
    if let Some(id) = document_of(&state.session, &file) {
        let mut effects = document::choose(state, id);
        // What was typed since stays; that the file is another one is told when it is saved.
        if !is_unsaved(&state.session, id, &state.session.now.dockerfile) {
            state.session.disk.insert(id, file);
            state.session.now.dockerfile = text;
            effects.extend(changed(state, Part::Texts));
            effects.push(Effect::ShowTexts);
        }
        return effects;
    }
    let context = state.session.context_name.is_some();
    let mut effects = if !context && is_untouched(&state.session) {
        let fresh = alone(&state.session, &file.name, text);
        document::put_in_place(state, fresh)
    } else if !context {
        let fresh = alone(&state.session, &file.name, text).present();
        let (id, context) = (state.new_id(), state.new_id());
        document::open(state, Document { id, context, ..fresh })
    } else if let Some(path) = same_in_context(&state.session, &file.name, &text) {
        document::open_path(state, &path)
    } else {
        let mut fresh = document::beside(&state.session, &file.name, text);
        fresh.id = state.new_id();
        document::open(state, fresh)
    };
    state.session.disk.insert(state.session.document, file);
    effects.push(Effect::Save(Part::Texts));
    effects
}

/// What the step is called that comes of a message, if one does.
pub(super) fn step_name(state: &State, message: &DiskMessage) -> Option<String> {
    let session = &state.session;
    match message {
        DiskMessage::Opened { text, file } => match document_of(session, file) {
            None => Some(format!("open {}", file.name)),
            Some(id) => {
                let parked = session.others.iter().find(|it| it.id == id);
                let held = parked.map_or(&session.now.dockerfile, |it| &it.now.dockerfile);
                let is_taken = held != text && !is_unsaved(session, id, held);
                is_taken.then(|| format!("read {} again", file.name))
            }
        },
        DiskMessage::Chosen(Keep::Theirs) => match &state.disk {
            DiskNote::Changed { file, .. } => Some(format!("take {} from disk", file.name)),
            _ => None,
        },
        _ => None,
    }
}

/// The one file of the context that has this name and this text, if there is just one.
fn same_in_context(session: &Session, name: &str, text: &str) -> Option<String> {
    let is_same = |(path, it): &(&String, &String)| path.rsplit('/').next() == Some(name) && *it == text;
    let mut found = session.texts.iter().filter(is_same).map(|(path, _)| path.clone());
    found.next().filter(|_| found.next().is_none())
}

/// A session of this file alone. As it was opened, it counts as built.
fn alone(present: &Session, name: &str, text: String) -> Session {
    let options = Options { builder: present.now.options.builder, ..Options::default() };
    let now = Version {
        dockerfile: text,
        dockerfile_path: name.to_owned(),
        dockerignore: String::new(),
        files: Default::default(),
        options,
        bases: present.now.bases.clone(),
        ..Session::example().now
    };
    Session {
        events: vec![Event::Built(now.clone().into())],
        given: Default::default(),
        now,
        place: present.place,
        theme: present.theme,
        reruns: present.reruns,
        last_image_name: present.last_image_name.clone(),
        ..Session::example()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::document::{DocumentMessage, tabs};
    use crate::app::undo::UndoMessage;
    use crate::app::update::{Message, update};

    fn file(name: &str, text: &str, modified_millis: u64) -> DiskFile {
        let (name, digest) = (name.to_owned(), Digest::of(text.as_bytes()));
        DiskFile { handle: Some(format!("handle of {name}")), name, digest, modified_millis }
    }

    fn tell(state: &mut State, message: DiskMessage) -> Vec<Effect> {
        update(state, Message::Disk(message))
    }

    fn opened(state: &mut State, name: &str, text: &str) {
        let message = DiskMessage::Opened { text: text.into(), file: file(name, text, 1) };
        let _ = tell(state, message);
    }

    fn marks(state: &State) -> Vec<(String, bool)> {
        tabs(&state.session).into_iter().map(|tab| (tab.label, tab.is_unsaved)).collect()
    }

    #[test]
    fn dockerfiles_are_recognized() {
        for (name, text, is_dockerfile) in [
            ("Dockerfile", "anything", true),
            ("api.Dockerfile", "", true),
            ("Containerfile", "", true),
            (
                "notes.txt",
                "# syntax=docker/dockerfile:1\nARG A=1\nFROM --platform=linux/arm64 alpine:$A AS base\n",
                true,
            ),
            ("notes.txt", "\u{feff}from scratch\r\n", true),
            ("notes.txt", "From the beginning it was clear.", false),
            ("notes.txt", "FROM a b c\n", false),
            ("notes.txt", "RUN x\nFROM alpine\n", false),
            ("notes.txt", "# only a comment\n", false),
            ("notes.txt", "", false),
        ] {
            assert_eq!(recognized(name, text.as_bytes()).is_some(), is_dockerfile, "{name}: {text}");
        }
        assert_eq!(recognized("Dockerfile", b"FROM \xff"), None);
        assert_eq!(recognized("Dockerfile", b"\0"), None);
    }

    #[test]
    fn a_file_takes_the_place_of_the_untouched_example_alone() {
        let mut state = State::new(Session::example(), "test");
        opened(&mut state, "Dockerfile", "FROM a\nCOPY x /x\n");
        assert_eq!(marks(&state), [("Dockerfile".to_owned(), false)]);
        assert!(state.session.now.files.is_empty(), "the example's files are not its context");
        assert_eq!(state.session.last_build(), Some(&state.session.now));
        let _ = update(&mut state, Message::DockerfileEdited("FROM b\nCOPY x /x\n".into()));
        assert_eq!(marks(&state), [("Dockerfile".to_owned(), true)]);
        // Another one gets a tab; the same one is gone to, and what was typed stays.
        opened(&mut state, "web.Dockerfile", "FROM w\n");
        assert_eq!(marks(&state), [("Dockerfile".to_owned(), true), ("web.Dockerfile".to_owned(), false)]);
        opened(&mut state, "Dockerfile", "FROM a\nCOPY x /x\n");
        assert_eq!(state.session.now.dockerfile, "FROM b\nCOPY x /x\n");
        assert_eq!(state.session.others.len(), 1);
        // An undo leaves what is known of the file alone.
        let _ = update(&mut state, Message::DockerfileEdited("FROM c\nCOPY x /x\n".into()));
        let digest = Digest::of(b"FROM c\nCOPY x /x\n");
        let effects = tell(&mut state, DiskMessage::SaveAsked);
        let [Effect::Disk(DiskRequest::Save { document, file, is_forced: false, .. })] = effects.as_slice()
        else {
            panic!("{effects:?}");
        };
        let (document, file) = (*document, file.clone());
        let _ = tell(&mut state, DiskMessage::Saved { document, file: DiskFile { digest, ..file } });
        assert_eq!(state.disk, DiskNote::Saved("Dockerfile".into()));
        assert_eq!(marks(&state)[0], ("Dockerfile".to_owned(), false));
        let _ = update(&mut state, Message::Undo(UndoMessage::Undone));
        assert_eq!(marks(&state)[0], ("Dockerfile".to_owned(), true));
    }

    #[test]
    fn a_file_of_the_context_is_known_by_its_text() {
        let mut state = State::new(Session::example(), "test");
        let texts = [("api/Dockerfile", "FROM a\n"), ("web/Dockerfile", "FROM w\n")];
        let texts = texts.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let _ = crate::app::import::take(&mut state, "shop".into(), Default::default(), texts, false);
        opened(&mut state, "Dockerfile", "FROM w\n");
        opened(&mut state, "other.Dockerfile", "FROM o\n");
        let labels: Vec<String> = tabs(&state.session).into_iter().map(|tab| tab.label).collect();
        assert_eq!(labels, ["api/Dockerfile", "web/Dockerfile", "other.Dockerfile"]);
        assert!(!state.session.now.has_dockerfile_in_context);
        assert_eq!(state.session.last_build(), Some(&state.session.now));
        assert!(state.session.now.files.get("web/Dockerfile").is_some());
    }

    #[test]
    fn a_file_that_changed_on_disk_is_not_lost() {
        let state = || {
            let mut state = State::new(Session::example(), "test");
            opened(&mut state, "Dockerfile", "FROM a\n");
            let _ = update(&mut state, Message::DockerfileEdited("FROM mine\n".into()));
            let (document, file) = (state.session.document, file("Dockerfile", "FROM theirs\n", 2));
            // A look at another tab does not lead it astray.
            let _ = update(&mut state, Message::Document(DocumentMessage::Added(document::Start::Empty)));
            let _ =
                tell(&mut state, DiskMessage::ChangedOnDisk { document, text: "FROM theirs\n".into(), file });
            state
        };
        let mut mine = state();
        let effects = tell(&mut mine, DiskMessage::Chosen(Keep::Mine));
        assert!(matches!(
            effects.last(),
            Some(Effect::Disk(DiskRequest::Save { text, is_forced: true, .. })) if text == "FROM mine\n"
        ));
        let mut theirs = state();
        let _ = tell(&mut theirs, DiskMessage::Chosen(Keep::Theirs));
        assert_eq!(theirs.session.now.dockerfile, "FROM theirs\n");
        assert_eq!(marks(&theirs)[0], ("Dockerfile".to_owned(), false));
        assert_eq!(theirs.undo.last_done(), Some("take Dockerfile from disk"));
        let mut both = state();
        assert_eq!(tell(&mut both, DiskMessage::Chosen(Keep::Both)), []);
        assert_eq!(both.disk, DiskNote::Nothing);
    }
}
