//! Text that is pasted: changes of files, their true modes, or a list of them.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::analysis::text_entry;
use super::change::{WholeChange, two_versions, whole_change};
use super::history::Event;
use super::import::{ImportNote, ImportState, take};
use super::saved::Part;
use super::state::{State, Version};
use super::update::{Effect, changed};
use crate::context::Tree;
use crate::context::listing::{self, Listing, ListingKind};
use crate::context::patch::apply_hunks;
use crate::context::patch::{self, ChangeKind, ContentChange, FileChange, Patch, PatchKind};

/// What a pasted text is taken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pasted {
    /// Nothing yet.
    Nothing,
    /// Changes.
    Changes(PatchKind),
    /// Files.
    Files(ListingKind),
}

impl Pasted {
    /// As people read it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Changes(PatchKind::Diff) => "a diff: its changes are applied to the texts and files",
            Self::Changes(PatchKind::Status) => "git status: what it lists counts as changed",
            Self::Changes(PatchKind::NameStatus) => "git diff --name-status: what it lists counts as changed",
            Self::Files(ListingKind::Index) => "git ls-files -s: modes and contents as git knows them",
            Self::Files(ListingKind::Commit) => "git ls-tree: modes and contents as git knows them",
            Self::Files(ListingKind::Paths) => "a list of files: they become the context",
        }
    }
}

/// Looks at a text.
#[must_use]
pub fn kind_of(text: &str) -> Pasted {
    if text.trim().is_empty() {
        return Pasted::Nothing;
    }
    // A line of the index could be taken for one of a status, and not the other way round.
    match (listing::parse(text).kind, patch::parse(text).kind) {
        (kind @ (ListingKind::Index | ListingKind::Commit), _) => Pasted::Files(kind),
        (_, Some(kind)) => Pasted::Changes(kind),
        (kind, None) => Pasted::Files(kind),
    }
}

/// What the beginning of a text looks like, for a label beside it while it is typed: a list
/// of 100,000 files is not read with each key. What is done with it, [`kind_of`] says.
#[must_use]
pub fn looks_like(text: &str) -> Pasted {
    const MAX_BYTES: usize = 64 << 10;
    let text = text.trim_start();
    let beginning = text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or(text);
    // A line that is cut in two is no line.
    let is_cut = beginning.len() < text.len();
    let whole_lines = beginning.rfind('\n').filter(|_| is_cut).and_then(|end| beginning.get(..end));
    kind_of(whole_lines.unwrap_or(beginning))
}

/// What is wrong with lines, as sentences; a long list is cut.
fn sentences<T>(problems: &[T], sentence: impl Fn(&T) -> String) -> Vec<String> {
    const MAX: usize = 20;
    let mut all: Vec<String> = problems.iter().take(MAX).map(sentence).collect();
    if problems.len() > MAX {
        all.push(format!("and {} more", problems.len() - MAX));
    }
    all
}

/// Does what a pasted text says.
pub(super) fn apply(state: &mut State, text: &str) -> Vec<Effect> {
    match kind_of(text) {
        Pasted::Nothing => Vec::new(),
        Pasted::Changes(_) => apply_patch(state, patch::parse(text)),
        Pasted::Files(kind) => {
            let listing = listing::parse(text);
            let is_known = |files: &Tree| {
                listing.files.iter().any(|file| files.get(&file.path).is_some_and(|entry| !entry.is_dir()))
            };
            if kind != ListingKind::Paths && is_known(&state.session.now.files) {
                return apply_modes(state, &listing);
            }
            new_context(state, &listing)
        }
    }
}

fn done(state: &mut State, done: Vec<String>, problems: Vec<String>) {
    let note = ImportNote { done, problems, ..ImportNote::default() };
    state.import = ImportState::Read(Box::new(note));
}

fn apply_patch(state: &mut State, patch: Patch) -> Vec<Effect> {
    state.undo.is_replacing();
    state.session.n_edits += 1;
    let n_edit = state.session.n_edits;
    let now = &mut state.session.now;
    let problem = |it: &patch::PatchProblem| format!("line {}: {}", it.line, it.kind);
    let mut problems = sentences(&patch.problems, problem);
    let mut told = Vec::new();
    let (of_texts, of_files): (Vec<FileChange>, Vec<FileChange>) = patch
        .changes
        .into_iter()
        .partition(|change| change.path == now.dockerfile_path || change.path == now.ignore_path);
    for change in &of_texts {
        match change_text(now, change) {
            Ok(()) => told.push(format!("{} was changed in the editor.", change.path)),
            Err(why) => problems.push(format!("{}: {why}", change.path)),
        }
    }
    let applied = patch::apply(Rc::make_mut(&mut now.files), &of_files, n_edit);
    problems.extend(sentences(&applied.problems, problem));
    let counts = applied.counts();
    if !counts.is_empty() {
        told.push(format!("Files: {counts}."));
    }
    // Of a Dockerfile in another tab the text is known, and not only that it changed.
    let context = state.session.context;
    for change in &of_files {
        let mut others = state.session.others.iter_mut();
        let Some(other) = others.find(|it| it.is_file(context, &change.path)) else { continue };
        let other = Rc::make_mut(other);
        match change_text(&mut other.now, change) {
            Ok(()) => {
                told.push(format!("{} was changed in its tab.", change.path));
                let entry = text_entry(&other.now.dockerfile);
                Rc::make_mut(&mut state.session.now.files).insert(&change.path, entry);
            }
            Err(why) => problems.push(format!("{}: {why}", change.path)),
        }
    }
    if told.is_empty() && problems.is_empty() {
        told.push("It changes no file.".to_owned());
    }
    done(state, told, problems);
    let mut effects = changed(state, Part::Files);
    effects.extend([Effect::Save(Part::Others), Effect::ShowTexts]);
    effects
}

/// Takes a diff for all that changed at once: its old side is what was built, its new side the present version.
pub(super) fn apply_whole(state: &mut State, diff: &str) -> Vec<Effect> {
    match whole_change(&state.session.now, diff, state.session.n_edits + 1) {
        Ok(WholeChange { before, after, done: told, notes, .. }) => {
            state.session.n_edits += 1;
            let effects = built_before(state, before, after);
            done(state, told, sentences(&notes, Clone::clone));
            effects
        }
        Err(error) => {
            done(state, Vec::new(), vec![error.to_string()]);
            Vec::new()
        }
    }
}

/// Takes a Dockerfile for the one that was built, with all else as it is.
pub(super) fn old_dockerfile(state: &mut State, text: &str) -> Vec<Effect> {
    let (before, after) = two_versions(&state.session.now, text);
    built_before(state, before, after)
}

/// One version is what was built and another is the present one, as one step that can be undone.
fn built_before(state: &mut State, before: Version, after: Version) -> Vec<Effect> {
    state.undo.is_replacing();
    let is_built = state.session.last_build() == Some(&before);
    // Without a Dockerfile nothing can have been built.
    if !is_built && !before.dockerfile.trim().is_empty() {
        state.session.events.push(Event::Built(Rc::new(before)));
        state.events_revision += 1;
    }
    state.session.now = after;
    let mut effects = changed(state, Part::Files);
    effects.push(Effect::ShowTexts);
    effects
}

/// Changes one of the texts in the editor.
fn change_text(now: &mut Version, change: &FileChange) -> Result<(), String> {
    let is_dockerfile = change.path == now.dockerfile_path;
    let text = if is_dockerfile { &mut now.dockerfile } else { &mut now.dockerignore };
    match (&change.kind, &change.content) {
        (ChangeKind::Deleted, _) if is_dockerfile => Err("a build needs it, so it stays".to_owned()),
        (ChangeKind::Deleted, _) => {
            text.clear();
            Ok(())
        }
        (_, ContentChange::Hunks(hunks)) => {
            let old = if change.kind == ChangeKind::Added { "" } else { text.as_str() };
            *text = apply_hunks(old, hunks).map_err(|error| error.to_string())?;
            Ok(())
        }
        (_, ContentChange::Same) => Ok(()),
        (_, ContentChange::NotTold | ContentChange::Changed) => {
            Err("how it changed is not told; paste git diff, or edit it above".to_owned())
        }
    }
}

/// The modes that files truly have, in the present version and in what was built: they had them then, too.
fn apply_modes(state: &mut State, listing: &Listing) -> Vec<Effect> {
    let mut trees: Vec<&mut Rc<Tree>> = vec![&mut state.session.given];
    trees.extend(state.session.events.iter_mut().filter_map(|event| match event {
        Event::Built(version) => Some(&mut Rc::make_mut(version).files),
        Event::Pruned | Event::FreshRunner(_) => None,
    }));
    for tree in trees {
        let _ = listing.apply_modes(Rc::make_mut(tree));
    }
    let applied = listing.apply_modes(Rc::make_mut(&mut state.session.now.files));
    let mut told =
        vec![format!("Modes are known now: {} as assumed, {} others.", applied.n_same, applied.n_changed)];
    if applied.n_unlisted > 0 {
        told.push(format!(
            "{} files of the context are not in the list; theirs stay assumed.",
            applied.n_unlisted
        ));
    }
    if applied.n_missing > 0 {
        told.push(format!("{} files of the list are not in the context.", applied.n_missing));
    }
    let problems = sentences(&applied.problems, |it| format!("line {}: {}", it.line, it.kind));
    done(state, told, problems);
    state.events_revision += 1;
    changed(state, Part::Given)
}

/// What a context is called that comes from a list.
const NAME: &str = "pasted list";

/// Files of a list become the context. The texts in the editor stay; where the list names them, they lie in it.
fn new_context(state: &mut State, listing: &Listing) -> Vec<Effect> {
    let (tree, too_many) = listing.tree();
    let mut problems = sentences(&listing.problems, |it| format!("line {}: {}", it.line, it.kind));
    problems.extend(too_many.map(|it| format!("line {}: {}", it.line, it.kind)));
    let n_files = tree.iter().filter(|(_, entry)| !entry.is_dir()).count();
    if n_files == 0 {
        problems.insert(0, "this is neither a list of files nor a list of changes".to_owned());
        done(state, Vec::new(), problems);
        return Vec::new();
    }
    let now = &state.session.now;
    let named = [("Dockerfile", &now.dockerfile), (".dockerignore", &now.dockerignore)];
    let texts: BTreeMap<String, String> = named
        .into_iter()
        .filter(|(path, _)| tree.get(path).is_some())
        .map(|(path, text)| (path.to_owned(), text.clone()))
        .collect();
    let is_again = state.session.context_name.as_deref() == Some(NAME);
    let effects = take(state, NAME.to_owned(), tree, texts, is_again);
    // Nobody has read the bytes of these files.
    state.session.archives = Rc::default();
    done(state, vec![format!("{n_files} files of the list are the context now.")], problems);
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::import::ContextMessage;
    use crate::app::state::Session;
    use crate::app::undo::UndoMessage;
    use crate::app::update::{Message, update};
    use crate::context::Assumed;

    fn paste(state: &mut State, text: &str) -> ImportNote {
        let _ = update(state, Message::Context(ContextMessage::Pasted(text.into())));
        match &state.import {
            ImportState::Read(note) => note.as_ref().clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_text_is_taken_for() {
        for (text, kind) in [
            ("", Pasted::Nothing),
            (" M index.js\n?? new.js\n", Pasted::Changes(PatchKind::Status)),
            ("M\tindex.js\nR100\ta\tb\n", Pasted::Changes(PatchKind::NameStatus)),
            ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", Pasted::Changes(PatchKind::Diff)),
            ("100644 d95f3ad14dee633a758d2e331151e950dd13e4ed 0\tx\n", Pasted::Files(ListingKind::Index)),
            ("src/a\nsrc/b\n", Pasted::Files(ListingKind::Paths)),
        ] {
            assert_eq!(kind_of(text), kind, "{text}");
            assert_eq!(looks_like(text), kind, "{text}");
            let long = text.repeat(100_000 / text.len().max(1));
            assert_eq!(looks_like(&long), kind, "{text} again and again");
        }
    }

    #[test]
    fn one_diff_touches_texts_and_files() {
        let mut state = State::new(Session::example(), "test");
        let before = state.session.now.clone();
        let note = paste(
            &mut state,
            "diff --git a/Dockerfile b/Dockerfile\n--- a/Dockerfile\n+++ b/Dockerfile\n\
             @@ -4 +4 @@\n-RUN npm install\n+RUN npm ci\n\
             diff --git a/index.js b/index.js\nindex 1111111..2222222 100644\n--- a/index.js\n+++ b/index.js\n\
             @@ -1 +1 @@\n-a\n+b\n\
             diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n",
        );
        let now = &state.session.now;
        assert_eq!(now.dockerfile, before.dockerfile.replace("npm install", "npm ci"));
        assert_ne!(now.files.get("index.js"), before.files.get("index.js"));
        assert_eq!(note.done, ["Dockerfile was changed in the editor.", "Files: 1 edited."]);
        assert!(note.problems.iter().any(|problem| problem.contains("run.sh")), "{:?}", note.problems);
        let _ = update(&mut state, Message::Undo(UndoMessage::ReplacementUndone));
        assert_eq!(state.session.now, before);
    }

    #[test]
    fn a_whole_change_is_one_step() {
        let mut state = State::new(Session::example(), "test");
        let given = state.session.clone();
        // The example is the new side: `npm install` became it.
        let diff = "diff --git a/Dockerfile b/Dockerfile\n--- a/Dockerfile\n+++ b/Dockerfile\n\
            @@ -4 +4 @@\n-RUN npm ci\n+RUN npm install\n\
            diff --git a/index.js b/index.js\n--- a/index.js\n+++ b/index.js\n@@ -1 +1 @@\n-a\n+b\n";
        let change = |state: &mut State, diff: &str| {
            update(state, Message::Context(ContextMessage::ChangePasted(diff.into())))
        };
        let effects = change(&mut state, diff);
        assert!(effects.contains(&Effect::ShowTexts));
        assert_eq!(state.session.now, given.now);
        let built = state.session.last_build().unwrap();
        assert!(built.dockerfile.contains("RUN npm ci\n"));
        assert_ne!(built.files.get("index.js"), given.now.files.get("index.js"));
        assert_eq!(state.session.events.len(), given.events.len() + 1);
        let _ = update(&mut state, Message::Undo(UndoMessage::ReplacementUndone));
        assert_eq!((&state.session.now, &state.session.events), (&given.now, &given.events));
        // The other way round: what is here was built already.
        let diff =
            diff.replace("npm ci", "npm x").replace("npm install", "npm ci").replace("npm x", "npm install");
        let _ = change(&mut state, &diff);
        assert!(state.session.now.dockerfile.contains("RUN npm ci\n"));
        assert_eq!(state.session.last_build(), Some(&given.now));
        assert_eq!(state.session.events.len(), given.events.len());
        // What does not fit changes nothing.
        let before = state.clone();
        assert!(change(&mut state, "nonsense").is_empty());
        assert_eq!((&state.session, state.revision), (&before.session, before.revision));
        assert!(matches!(&state.import, ImportState::Read(note) if note.problems.len() == 1));
    }

    #[test]
    fn an_old_dockerfile_was_built() {
        let mut state = State::new(Session::example(), "test");
        let given = state.session.clone();
        let message = ContextMessage::OldDockerfileGiven("FROM old\n".into());
        let _ = update(&mut state, Message::Context(message));
        assert_eq!(state.session.last_build().map(|it| it.dockerfile.as_str()), Some("FROM old\n"));
        assert_eq!(state.session.now, given.now);
        let _ = update(&mut state, Message::Undo(UndoMessage::ReplacementUndone));
        assert_eq!(state.session.events, given.events);
    }

    #[test]
    fn modes_are_true_of_earlier_builds_too() {
        let mut state = State::new(Session::example(), "test");
        let _ = update(&mut state, Message::BuildRequested);
        let note = paste(&mut state, "100755 d95f3ad14dee633a758d2e331151e950dd13e4ed 0\tindex.js\n");
        assert_eq!(state.session.now.files.get("index.js").map(|entry| entry.mode), Some(0o755));
        assert_eq!(state.session.last_build(), Some(&state.session.now), "{note:?}");
    }

    #[test]
    fn a_list_is_a_context() {
        let mut state = State::new(Session::example(), "test");
        let note = paste(&mut state, "Dockerfile\npackage.json\nsrc/a.js\n");
        assert_eq!(note.done, ["3 files of the list are the context now."]);
        let now = &state.session.now;
        assert!(now.has_dockerfile_in_context);
        let entry = now.files.get("src/a.js").unwrap();
        assert!(entry.assumed.includes(Assumed::CONTENT));
    }
}
