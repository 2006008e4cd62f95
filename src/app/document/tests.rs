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
