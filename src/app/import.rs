//! A context that is given: a folder, an archive, a list. What was read, and what takes its place.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::document;
use super::history::Event;
use super::saved::Part;
use super::state::{Session, State, WorkerState};
use super::update::{Effect, changed};
use crate::context::unpacked::Archives;
use crate::context::{Assumed, Entry, EntryKind, Tree};
use crate::protocol::{ContextReport, ContextSource, JobId, Reply, Request};

/// A context on its way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ImportState {
    /// Nothing is read.
    #[default]
    Idle,
    /// The folders are walked through.
    Walking {
        /// The folder's name.
        name: String,
        /// Files found so far.
        n_files: usize,
    },
    /// Files are read.
    Reading {
        /// The folder's or the archive's name.
        name: String,
        /// The job that reads it.
        job: JobId,
        /// What was read so far.
        tree: Box<Tree>,
        /// What the archives among it hold.
        archives: Box<Archives>,
        /// Bytes read.
        done_bytes: u64,
        /// Bytes to be read.
        total_bytes: u64,
    },
    /// It was read, and this is to be said of it.
    Read(Box<ImportNote>),
    /// It cannot be read.
    Failed {
        /// The folder's or the archive's name.
        name: String,
        /// Why, as a sentence.
        message: String,
    },
}

/// What is said of a context that was read, or of changes that were pasted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImportNote {
    /// What was done, as sentences.
    pub done: Vec<String>,
    /// What could not be done or read, as sentences.
    pub problems: Vec<String>,
    /// The one folder that all lies in: it may be the context itself.
    pub single_root: Option<String>,
    /// The Dockerfiles of the context, where there is more than one or none in its usual place.
    pub dockerfiles: Vec<String>,
}

/// What happens around a context that is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContextMessage {
    /// A folder is walked through, and so many files were found.
    FilesFound {
        /// The folder's name.
        name: String,
        /// How many.
        n_files: usize,
    },
    /// What was chosen or dropped is ready to be read.
    Chosen {
        /// Its name.
        name: String,
        /// What it is.
        source: ContextSource,
    },
    /// It cannot be read; a sentence.
    Refused {
        /// Its name.
        name: String,
        /// Why.
        message: String,
    },
    /// The worker that reads contexts crashed, or cannot be had; a sentence.
    WorkerFailed(String),
    /// Reading was cancelled.
    Cancelled,
    /// The files are to be read again.
    RereadAsked,
    /// The one folder that all lies in is the context.
    RootEntered,
    /// A Dockerfile of the context is wanted, in a tab of its own.
    DockerfileChosen(String),
    /// A text was pasted: changes, modes or a list of files.
    Pasted(String),
    /// A diff was pasted that is all of a change: its old side is what was built, its new side the present.
    ChangePasted(String),
    /// The Dockerfile that was built was given beside the present one.
    OldDockerfileGiven(String),
    /// What was said was read.
    NoteClosed,
}

const DOCKERFILE: &str = "Dockerfile";
const IGNORE_FILE: &str = ".dockerignore";

/// The reducer for these.
pub(super) fn update(state: &mut State, message: ContextMessage) -> Vec<Effect> {
    match message {
        ContextMessage::FilesFound { name, n_files } => {
            state.import = ImportState::Walking { name, n_files };
            Vec::new()
        }
        ContextMessage::Chosen { name, source } => {
            if let WorkerState::Broken { message } = &state.worker {
                state.import = ImportState::Failed { name, message: message.clone() };
                return Vec::new();
            }
            let was_busy = matches!(state.import, ImportState::Reading { .. });
            state.n_jobs += 1;
            let job = JobId(state.n_jobs);
            let total_bytes = match &source {
                ContextSource::Archive { size_bytes } => *size_bytes,
                ContextSource::Folder { .. } => 0,
            };
            let is_again = state.session.context_name.as_deref() == Some(name.as_str());
            let (tree, archives) = (Box::default(), Box::default());
            state.import = ImportState::Reading { name, job, tree, archives, done_bytes: 0, total_bytes };
            let mut effects = Vec::new();
            if was_busy {
                effects.push(Effect::RestartContextWorker);
            }
            effects.push(Effect::SendContext(Request::ReadContext { job, source, is_again }));
            effects
        }
        ContextMessage::Refused { name, message } => {
            state.import = ImportState::Failed { name, message };
            Vec::new()
        }
        ContextMessage::WorkerFailed(message) => {
            let ImportState::Reading { name, .. } = &state.import else { return Vec::new() };
            state.import = ImportState::Failed { name: name.clone(), message };
            vec![Effect::RestartContextWorker]
        }
        ContextMessage::Cancelled => {
            let was_reading = matches!(state.import, ImportState::Reading { .. });
            state.import = ImportState::Idle;
            state.n_jobs += 1;
            if was_reading { vec![Effect::RestartContextWorker] } else { Vec::new() }
        }
        ContextMessage::RereadAsked => vec![Effect::RereadContext],
        ContextMessage::RootEntered => {
            let ImportState::Read(note) = &mut state.import else { return Vec::new() };
            let Some(root) = note.single_root.take() else { return Vec::new() };
            let (tree, texts) = inside(&whole(&state.session), &state.session.texts, &root);
            let name = state.session.context_name.clone().unwrap_or_default();
            // What was built so far had all of it one folder deeper.
            take(state, name, tree, texts, false)
        }
        ContextMessage::DockerfileChosen(path) => document::open_path(state, &path),
        ContextMessage::Pasted(text) => super::pasted::apply(state, &text),
        ContextMessage::ChangePasted(diff) => super::pasted::apply_whole(state, &diff),
        ContextMessage::OldDockerfileGiven(text) => super::pasted::old_dockerfile(state, &text),
        ContextMessage::NoteClosed => {
            state.import = ImportState::Idle;
            Vec::new()
        }
    }
}

/// The worker said something of a context.
pub(super) fn replied(state: &mut State, reply: Reply) -> Vec<Effect> {
    let ImportState::Reading { name, job, tree, archives, done_bytes, total_bytes } = &mut state.import
    else {
        return Vec::new();
    };
    if reply.job() != Some(*job) {
        return Vec::new();
    }
    match reply {
        Reply::Progressed { done_bytes: done, total_bytes: total, .. } => {
            (*done_bytes, *total_bytes) = (done, total);
            Vec::new()
        }
        Reply::ContextFiles { files, .. } => {
            for (path, entry) in files {
                tree.insert(&path, entry);
            }
            Vec::new()
        }
        Reply::ArchiveFound { digest, holds, .. } => {
            archives.insert(digest, holds);
            Vec::new()
        }
        Reply::ArchiveEntries { digest, entries, .. } => {
            archives.extend(digest, entries);
            Vec::new()
        }
        Reply::ContextRead { report, .. } => {
            let (name, tree) = (name.clone(), std::mem::take(tree.as_mut()));
            let archives = std::mem::take(archives.as_mut());
            finish(state, name, tree, archives, report)
        }
        Reply::Failed { message, .. } => {
            state.import = ImportState::Failed { name: name.clone(), message };
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// All was read.
fn finish(
    state: &mut State,
    name: String,
    tree: Tree,
    mut archives: Archives,
    report: ContextReport,
) -> Vec<Effect> {
    archives.is_full = report.has_more_archives;
    let ContextReport { n_files, content_bytes, texts, single_root, problems, .. } = report;
    let mut note = ImportNote { problems, ..ImportNote::default() };
    let files = if n_files == 1 { "file" } else { "files" };
    note.done.push(format!("{n_files} {files} of {name} were read, {content_bytes} bytes in all."));
    let (mut tree, mut texts) = (tree, texts);
    if let Some(root) = single_root {
        if texts.contains_key(&format!("{root}/{DOCKERFILE}")) {
            (tree, texts) = inside(&tree, &texts, &root);
            note.done.push(format!("All of it lies in {root}/, which is taken as the context."));
        } else {
            note.single_root = Some(root);
        }
    }
    let dockerfiles: Vec<String> = texts.keys().filter(|path| is_dockerfile(path)).cloned().collect();
    if dockerfiles.iter().any(|path| path != DOCKERFILE) {
        note.dockerfiles = dockerfiles;
    }
    let is_again = state.session.context_name.as_deref() == Some(name.as_str());
    if is_again {
        tree = with_known_modes(&tree, &state.session.given);
        archives = archives.with_earlier(&state.session.archives, &tree);
    }
    let effects = take(state, name, tree, texts, is_again);
    state.session.archives = Rc::new(archives);
    state.import = ImportState::Read(Box::new(note));
    effects
}

/// Modes and links that somebody told of the same files before: a browser never shows them.
fn with_known_modes(tree: &Tree, before: &Tree) -> Tree {
    let mut told = tree.clone();
    for (path, entry) in tree.iter().filter(|(_, entry)| entry.assumed.includes(Assumed::MODE)) {
        match before.get(&path) {
            Some(known) if entry.is_dir() || known.is_dir() || known.assumed.includes(Assumed::MODE) => {}
            Some(known) if matches!(known.kind, EntryKind::Symlink { .. }) => {
                told.insert(&path, known.clone());
            }
            Some(known) => {
                let assumed = entry.assumed.without(Assumed::MODE);
                told.insert(&path, Entry { mode: known.mode, assumed, ..entry.clone() });
            }
            None => {}
        }
    }
    told
}

/// By its name, as builders and editors tell.
pub(super) fn is_dockerfile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !name.ends_with(IGNORE_FILE)
        && (name == DOCKERFILE
            || name == "Containerfile"
            || name.starts_with("Dockerfile.")
            || name.ends_with(".Dockerfile")
            || name.ends_with(".dockerfile"))
}

/// A tree and its texts below a folder.
fn inside(tree: &Tree, texts: &BTreeMap<String, String>, root: &str) -> (Tree, BTreeMap<String, String>) {
    let tree = tree.node(root).map_or_else(Tree::default, |node| Tree::from(Rc::clone(node)));
    let below = |(path, text): (&String, &String)| {
        Some((path.strip_prefix(root)?.strip_prefix('/')?.to_owned(), text.clone()))
    };
    (tree, texts.iter().filter_map(below).collect())
}

/// The files of the present version, with the texts that are edited among them as they were given.
fn whole(session: &Session) -> Tree {
    let mut tree = Tree::clone(&session.now.files);
    for (path, text) in session.texts.iter() {
        if session.now.is_text(path) {
            tree.insert(path, super::analysis::text_entry(text));
        }
    }
    tree
}

/// The ignore file that belongs to a Dockerfile: one of its own name wins.
pub(super) fn ignore_path(dockerfile: &str, texts: &BTreeMap<String, String>) -> String {
    let own = format!("{dockerfile}{IGNORE_FILE}");
    if texts.contains_key(&own) { own } else { IGNORE_FILE.to_owned() }
}

/// A context takes the place of the present one. One of another name begins a timeline of its own,
/// with what was given as its first build; one that is read again is judged against what was built.
pub(super) fn take(
    state: &mut State,
    name: String,
    tree: Tree,
    texts: BTreeMap<String, String>,
    is_again: bool,
) -> Vec<Effect> {
    state.undo.is_replacing();
    let new_id = state.new_id();
    let session = &mut state.session;
    let mut now = session.now.clone();
    let usual = if is_again { now.dockerfile_path.clone() } else { DOCKERFILE.to_owned() };
    let found = texts.get(&usual).map(|text| (usual.clone(), text.clone()));
    let found = found.or_else(|| {
        let first = texts.iter().find(|(path, _)| is_dockerfile(path));
        first.map(|(path, text)| (path.clone(), text.clone()))
    });
    match found {
        Some((path, text)) => {
            if !is_again {
                // Another text, of which the editor's undo knows nothing.
                session.document = new_id;
            }
            (now.dockerfile_path, now.dockerfile) = (path, text);
            now.has_dockerfile_in_context = true;
        }
        // The text in the editor stays; it lies elsewhere, as with `-f`.
        None => {
            DOCKERFILE.clone_into(&mut now.dockerfile_path);
            now.has_dockerfile_in_context = false;
        }
    }
    now.ignore_path = ignore_path(&now.dockerfile_path, &texts);
    now.dockerignore = texts.get(&now.ignore_path).cloned().unwrap_or_default();
    let mut files = tree;
    for path in [&now.dockerfile_path, &now.ignore_path] {
        if texts.contains_key(path) {
            files.remove(path);
        }
    }
    now.files = Rc::new(files);
    session.given = Rc::clone(&now.files);
    if is_again {
        document::reread(session, &texts);
    } else {
        session.context = new_id;
    }
    session.texts = Rc::new(texts);
    session.context_name = Some(name);
    session.now = now;
    if !is_again {
        session.events = vec![Event::Built(Rc::new(session.now.clone()))];
        state.selected = None;
        state.toggled_folders.clear();
    }
    state.events_revision += 1;
    let mut effects = changed(state, Part::Given);
    effects.push(Effect::ShowTexts);
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::analysis::Analysis;
    use crate::app::history::History;
    use crate::app::undo::UndoMessage;
    use crate::app::update::{Message, update};
    use crate::app::view::simulate;
    use crate::context::unpacked::{Holds, Members};
    use crate::digest::Digest;

    fn file(text: &str) -> Entry {
        Entry { assumed: Assumed::MODE, ..Entry::file(Digest::of(text.as_bytes()), text.len() as u64) }
    }

    fn import(state: &mut State, name: &str, files: &[(&str, &str)]) -> Vec<Effect> {
        let source = ContextSource::Archive { size_bytes: 10 };
        let _ = update(state, Message::Context(ContextMessage::Chosen { name: name.into(), source }));
        let job = JobId(state.n_jobs);
        let mut tree = Tree::default();
        files.iter().for_each(|(path, text)| tree.insert(path, file(text)));
        let single_root =
            (tree.root().iter().count() == 1).then(|| tree.root().iter().next().unwrap().0.to_owned());
        let all = tree.iter().map(|(path, entry)| (path, entry.clone())).collect();
        let _ = update(state, Message::WorkerReplied(Reply::ContextFiles { job, files: all }));
        let texts = files.iter().filter(|(path, _)| is_dockerfile(path) || path.ends_with(IGNORE_FILE));
        let report = ContextReport {
            n_files: files.len() as u64,
            texts: texts.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect(),
            single_root: single_root.filter(|root| tree.get(root).is_some_and(Entry::is_dir)),
            ..ContextReport::default()
        };
        update(state, Message::WorkerReplied(Reply::ContextRead { job, report }))
    }

    #[test]
    fn a_context_begins_a_timeline_and_a_second_reading_goes_on() {
        let mut state = State::new(Session::example(), "test");
        let before = state.session.clone();
        let files = [("p/Dockerfile", "FROM a\n"), ("p/.dockerignore", "x\n"), ("p/src/m.c", "1")];
        let effects = import(&mut state, "p.zip", &files);
        assert!(effects.contains(&Effect::Save(Part::Given)) && effects.contains(&Effect::ShowTexts));
        let now = state.session.now.clone();
        assert_eq!((now.dockerfile.as_str(), now.dockerignore.as_str()), ("FROM a\n", "x\n"));
        assert_eq!(now.files.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["src", "src/m.c"]);
        assert_eq!(state.session.events, vec![Event::Built(Rc::new(now))]);
        let files = [("p/Dockerfile", "FROM a\n"), ("p/.dockerignore", "x\n"), ("p/src/m.c", "2")];
        let _ = import(&mut state, "p.zip", &files);
        assert_eq!(state.session.events.len(), 1);
        assert_ne!(state.session.last_build(), Some(&state.session.now));
        // Both can be taken back, the last one first.
        let _ = update(&mut state, Message::Undo(UndoMessage::ReplacementUndone));
        assert_eq!(state.session.last_build(), Some(&state.session.now));
        assert_eq!(before.context_name, None);
    }

    #[test]
    fn what_archives_hold_outlasts_another_reading() {
        let mut state = State::new(Session::example(), "test");
        let dockerfile = ("Dockerfile", "FROM scratch\nADD a.tar b.tar.gz /x/\n");
        let files = [dockerfile, ("a.tar", "tar"), ("b.tar.gz", "gz")];
        let start = |state: &mut State| {
            let source = ContextSource::Folder { paths: Vec::new(), folders: Vec::new() };
            let _ = update(state, Message::Context(ContextMessage::Chosen { name: "p".into(), source }));
            JobId(state.n_jobs)
        };
        let finish = |state: &mut State, job: JobId| {
            let all = files.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect();
            let _ = update(state, Message::WorkerReplied(Reply::ContextFiles { job, files: all }));
            let texts = BTreeMap::from([(dockerfile.0.to_owned(), dockerfile.1.to_owned())]);
            let report = ContextReport { n_files: 3, texts, ..ContextReport::default() };
            update(state, Message::WorkerReplied(Reply::ContextRead { job, report }))
        };
        let job = start(&mut state);
        let (digest, holds) = (Digest::of(b"tar"), Holds::Members(Members::default()));
        let _ = update(&mut state, Message::WorkerReplied(Reply::ArchiveFound { job, digest, holds }));
        let entries = vec![("in".to_owned(), file("in"))];
        let _ = update(&mut state, Message::WorkerReplied(Reply::ArchiveEntries { job, digest, entries }));
        let effects = finish(&mut state, job);
        assert!(effects.contains(&Effect::Save(Part::Archives)));
        let note = |state: &State| {
            let session = &state.session;
            let history = History::replay(&session.events, session.reruns, &session.images, None);
            let view = simulate(state, &history, &Analysis::new(state, &history, None));
            let layer = view.image.unwrap().layers.pop().unwrap();
            (layer.n_entries, layer.note)
        };
        let _ = update(&mut state, Message::ImageSketchToggled(true));
        let told = "what comes out of b.tar.gz is not known; its bytes were not read".to_owned();
        // The folder, what is in it, and one entry that stands for what is not known.
        assert_eq!(note(&state), (Some(3), told.clone()));
        // Of a folder that is read again, files that did not change are not looked into.
        let job = start(&mut state);
        let _ = finish(&mut state, job);
        assert_eq!(note(&state), (Some(3), told));
        let edited = Message::FileEdited("a.tar".into());
        let _ = update(&mut state, edited);
        assert_eq!(note(&state).1, "what comes out of a.tar is not known; its bytes were not read");
    }

    #[test]
    fn modes_that_were_told_outlast_another_reading() {
        let mut state = State::new(Session::example(), "test");
        let files = [("Dockerfile", "FROM a\n"), ("run.sh", "1")];
        let _ = import(&mut state, "p", &files);
        let list = "100755 d95f3ad14dee633a758d2e331151e950dd13e4ed 0\trun.sh\n";
        let _ = update(&mut state, Message::Context(ContextMessage::Pasted(list.into())));
        let _ = import(&mut state, "p", &files);
        assert_eq!(state.session.now.files.get("run.sh").map(|entry| entry.mode), Some(0o755));
        assert_eq!(state.session.last_build(), Some(&state.session.now));
    }

    #[test]
    fn a_root_that_is_entered_begins_anew() {
        let mut state = State::new(Session::example(), "test");
        let _ = import(&mut state, "p", &[("shop/a", "1"), ("shop/b", "2")]);
        let _ = update(&mut state, Message::Context(ContextMessage::RootEntered));
        assert!(state.session.now.files.get("a").is_some());
        assert_eq!(state.session.last_build(), Some(&state.session.now));
    }

    #[test]
    fn other_dockerfiles_and_their_own_ignore_files() {
        let mut state = State::new(Session::example(), "test");
        let files = [
            ("Dockerfile", "FROM a\n"),
            (".dockerignore", "x\n"),
            ("docker/web.Dockerfile", "FROM b\n"),
            ("docker/web.Dockerfile.dockerignore", "y\n"),
        ];
        let _ = import(&mut state, "p", &files);
        let ImportState::Read(note) = &state.import else { panic!("it was read") };
        assert_eq!(note.dockerfiles, ["Dockerfile", "docker/web.Dockerfile"]);
        let _ = update(&mut state, Message::DockerfileEdited("FROM c\n".into()));
        let choose = |path: &str| Message::Context(ContextMessage::DockerfileChosen(path.into()));
        let _ = update(&mut state, choose("docker/web.Dockerfile"));
        let now = &state.session.now;
        assert_eq!((now.dockerfile.as_str(), now.dockerignore.as_str()), ("FROM b\n", "y\n"));
        assert!(now.files.get("Dockerfile").is_some() && now.files.get("docker/web.Dockerfile").is_none());
        let _ = update(&mut state, choose("Dockerfile"));
        assert_eq!(state.session.now.dockerfile, "FROM c\n", "what was typed is kept");
    }

    #[test]
    fn a_list_without_dockerfile_leaves_the_text() {
        let mut state = State::new(Session::example(), "test");
        let text = state.session.now.dockerfile.clone();
        let _ = import(&mut state, "p", &[("a", "1"), ("b", "2")]);
        assert_eq!(state.session.now.dockerfile, text);
        assert!(!state.session.now.has_dockerfile_in_context);
    }
}
