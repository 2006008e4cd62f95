use super::*;
use crate::app::share;
use crate::app::state::{EditorTab, Theme};
use crate::app::update::update;
use crate::context::{Entry, Tree};
use crate::diagnostic::TextEdit;
use crate::digest::Digest;

fn state() -> State {
    State::new(Session::example(), "test")
}

fn undo(state: &mut State) -> Vec<Effect> {
    update(state, Message::Undo(UndoMessage::Undone))
}

fn redo(state: &mut State) -> Vec<Effect> {
    update(state, Message::Undo(UndoMessage::Redone))
}

fn type_on(state: &mut State, typed: &str) {
    for letter in typed.chars() {
        let text = format!("{}{letter}", state.session.now.dockerfile);
        let _ = update(state, Message::DockerfileEdited(text));
    }
}

/// All names on the way back.
fn names(state: &State) -> Vec<&str> {
    state.undo.done.iter().map(|step| step.name.as_str()).collect()
}

/// Carries out a message, and checks that it is one step there and back.
fn check(message: Message, name: &str) {
    let mut state = state();
    let _ = update(&mut state, Message::FileEdited("index.js".into()));
    let before = state.session.clone();
    let n_before = state.undo.done.len();
    let _ = update(&mut state, message.clone());
    assert_eq!(state.undo.last_done(), Some(name), "{message:?}");
    assert_eq!(state.undo.done.len(), n_before + 1, "{message:?}");
    let after = state.session.clone();
    assert!(!is_same_work(&before, &after), "{message:?}");
    let effects = undo(&mut state);
    assert!(is_same_work(&before, &state.session), "{message:?}");
    let is_written =
        effects.iter().any(|it| matches!(it, Effect::Save(Part::Texts) | Effect::KeepDocuments(_)));
    assert!(is_written && effects.contains(&Effect::ShowTexts), "{effects:?}");
    assert_eq!(state.undo.told(), format!("Undone: {name}."));
    let _ = redo(&mut state);
    assert!(is_same_work(&after, &state.session), "{message:?}");
    assert_eq!(state.undo.told(), format!("Done again: {name}."));
}

#[test]
fn every_edit_is_a_step() {
    let path = || "package.json".to_owned();
    let edits = vec![TextEdit { range: crate::text::TextRange::new(0, 4), insert: "from".into() }];
    let diff = "--- a/index.js\n+++ b/index.js\n@@ -1 +1 @@\n-a\n+b\n".to_owned();
    let node = || "docker.io/library/node:alpine".to_owned();
    let base = Message::BaseMoved { reference: node(), has_new_layers: true };
    let size = Message::LayerSizeTold { code: "RUN npm install".into(), text: "2 MB".into() };
    for (message, name) in [
        (Message::DockerfileEdited("FROM x\n".into()), "edit line 1 of Dockerfile"),
        (Message::FixApplied(edits), "repair Dockerfile"),
        (Message::IgnoreEdited("*.md\n".into()), "edit .dockerignore"),
        (Message::FileEdited(path()), "edit package.json"),
        (Message::FileTouched(path()), "touch package.json"),
        (Message::FileDeleted(path()), "delete package.json"),
        (Message::FileAdded("src/a.js".into()), "add src/a.js"),
        (Message::FileModeSwitched(path()), "chmod package.json"),
        (Message::FileReverted("index.js".into()), "revert index.js"),
        (Message::BuildRequested, "build 2"),
        (Message::CachePruned, "prune the cache"),
        (Message::RunnerChanged(crate::app::history::Import::Min), "go to a fresh runner"),
        (Message::TimelineCut(0), "forget from build 1 on"),
        (Message::VersionRestored(0), "go back to build 1"),
        (Message::OptionEdited(Field::Target, "a".into()), "edit --target"),
        (Message::NoCacheSwitched(true), "switch --no-cache"),
        (base, "move the tag docker.io/library/node:alpine"),
        (size, "tell the size of a layer"),
        (Message::DockerfileInContextSwitched(false), "switch whether Dockerfile is in the context"),
        (Message::Context(ContextMessage::Pasted(diff.clone())), "apply what was pasted"),
        (Message::Context(ContextMessage::Pasted("Dockerfile\nb\nc\n".into())), "apply what was pasted"),
        (
            Message::Context(ContextMessage::OldDockerfileGiven("FROM old\n".into())),
            "judge against an older Dockerfile",
        ),
        (Message::ExampleChosen(1), &format!("open the example {}", EXAMPLES[1].title)),
        (Message::ResetConfirmed, "start over"),
    ] {
        check(message, name);
    }
}

#[test]
fn what_changes_nothing_is_no_step() {
    let mut state = state();
    for message in [
        Message::FileDeleted("none".into()),
        Message::FileAdded("index.js".into()),
        Message::TimelineCut(9),
        Message::TabChosen(EditorTab::Options),
        Message::ThemeChosen(Theme::Dark),
        Message::FilesFiltered("x".into()),
        Message::ResetConfirmed,
    ] {
        let _ = update(&mut state, message);
    }
    assert!(names(&state).is_empty(), "{:?}", names(&state));
    assert!(undo(&mut state).is_empty() && redo(&mut state).is_empty());
}

#[test]
fn a_run_of_typing_is_one_step() {
    let mut state = state();
    let before = state.session.now.dockerfile.clone();
    type_on(&mut state, "RUN a\nRUN b");
    assert_eq!(names(&state), ["edit line 7 of Dockerfile"]);
    // Elsewhere it is another one, and so is what is pasted.
    let text = state.session.now.dockerfile.replacen("alpine", "alpines", 1);
    let _ = update(&mut state, Message::DockerfileEdited(text.clone()));
    let _ = update(&mut state, Message::DockerfileEdited(format!("{text}{}", "x".repeat(99))));
    type_on(&mut state, "y");
    assert_eq!(names(&state).len(), 4);
    // A look at another text ends a run.
    let _ = update(&mut state, Message::TabChosen(EditorTab::Ignore));
    type_on(&mut state, "z");
    assert_eq!(names(&state).len(), 5);
    for _ in 0..5 {
        let _ = undo(&mut state);
    }
    assert_eq!(state.session.now.dockerfile, before);
    for ignore in ["node_modules\na", "node_modules\nab"] {
        let _ = update(&mut state, Message::IgnoreEdited(ignore.into()));
    }
    let option = |field, text: &str| Message::OptionEdited(field, text.into());
    for message in [option(Field::Target, "a"), option(Field::Target, "ab"), option(Field::BuildArgs, "A")] {
        let _ = update(&mut state, message);
    }
    assert_eq!(names(&state), ["edit .dockerignore", "edit --target", "edit --build-arg"]);
}

#[test]
fn the_editors_own_undo_is_the_same_step() {
    let mut state = state();
    let before = state.session.now.dockerfile.clone();
    type_on(&mut state, "RUN a");
    let typed = state.session.now.dockerfile.clone();
    let effects = update(&mut state, Message::DockerfileEdited(before.clone()));
    assert_eq!(effects, [Effect::Save(Part::Texts)], "the editor shows it already");
    assert_eq!((names(&state).len(), state.undo.last_undone()), (0, Some("edit line 7 of Dockerfile")));
    let _ = update(&mut state, Message::DockerfileEdited(typed.clone()));
    assert_eq!((state.session.now.dockerfile.as_str(), names(&state).len()), (typed.as_str(), 1));
    // But not where more happened since.
    let _ = update(&mut state, Message::FileEdited("index.js".into()));
    let _ = update(&mut state, Message::DockerfileEdited(before));
    assert_eq!(names(&state).len(), 3);
}

#[test]
fn an_edit_after_an_undo_has_other_bytes() {
    let mut state = state();
    let edit = Message::FileEdited("index.js".into());
    let _ = update(&mut state, edit.clone());
    let first = state.session.now.files.get("index.js").cloned();
    let _ = undo(&mut state);
    let _ = update(&mut state, edit);
    assert_ne!(state.session.now.files.get("index.js").cloned(), first);
    assert_eq!(state.undo.last_undone(), None, "a new step leaves nothing to be done again");
}

#[test]
fn taking_back_a_replacement_takes_back_what_came_after() {
    let mut state = state();
    let before = state.session.clone();
    let _ = update(&mut state, Message::ExampleChosen(0));
    assert!(state.undo.is_replaced());
    let _ = update(&mut state, Message::BuildRequested);
    let _ = update(&mut state, Message::ThemeChosen(Theme::Dark));
    let effects = update(&mut state, Message::Undo(UndoMessage::ReplacementUndone));
    assert_eq!(effects.iter().filter(|effect| **effect == Effect::ShowTexts).count(), 1);
    assert!(is_same_work(&before, &state.session) && !state.undo.is_replaced());
    assert_eq!(state.session.theme, Theme::Dark, "how the page looks is no work");
    for _ in 0..2 {
        let _ = redo(&mut state);
    }
    assert_eq!(state.session.events.len(), 2);
    assert_eq!(redo(&mut state), []);
}

#[test]
fn the_own_work_stays_beside_what_came_by_a_link() {
    let mut state = state();
    let fragment = share::write(&Session::example()).unwrap();
    let _ = update(&mut state, Message::FileDeleted("README.md".into()));
    let mine = state.session.clone();
    let _ = update(&mut state, Message::Share(ShareMessage::LinkOpened(fragment)));
    let _ = update(&mut state, Message::BuildRequested);
    let shared = state.session.clone();
    let _ = undo(&mut state);
    assert_eq!(state.session.own.as_deref(), Some(&mine));
    let effects = undo(&mut state);
    assert!(is_same_work(&mine, &state.session) && state.session.own.is_none());
    let [Effect::KeepDocuments(parts), Effect::ShowTexts] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(parts.last(), Some(&Part::Own), "it is forgotten last");
    // Not before the own work is safe is anything written in its place.
    assert_eq!(redo(&mut state), [Effect::KeepOwn, Effect::ShowTexts]);
    let _ = redo(&mut state);
    assert!(is_same_work(&shared, &state.session));
}

#[test]
fn steps_are_bounded_and_share_their_files() {
    let mut state = state();
    let mut files = Tree::default();
    for n in 0..20_000 {
        let entry = Entry::file(Digest::of(b"x"), 1);
        files.insert(&format!("packages/p{}/src/f{n}.js", n / 100), entry);
    }
    state.session.now.files = Rc::new(files);
    for n in 0..MAX_STEPS + 5 {
        let _ = update(&mut state, Message::FileEdited(format!("packages/p{}/src/f{n}.js", n / 100)));
    }
    assert_eq!(state.undo.done.len(), MAX_STEPS);
    let untouched = "packages/p150";
    let nodes: Vec<_> =
        state.undo.done.iter().filter_map(|step| step.session.now.files.node(untouched)).collect();
    assert_eq!(nodes.len(), MAX_STEPS);
    assert!(nodes.iter().all(|node| Rc::ptr_eq(node, nodes[0])));
    assert!(Rc::strong_count(nodes[0]) < 2 * MAX_STEPS, "one holder for each version of the folder above");
}
