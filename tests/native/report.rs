//! What is handed around: the JSON is what its schema says, and a link opens as what it was made of.

#![allow(clippy::disallowed_methods, reason = "reads the schema")]

use std::rc::Rc;

use layerlab::app::analysis::Analysis;
use layerlab::app::history::{History, Import};
use layerlab::app::options::{Builder, Field};
use layerlab::app::saved::Part;
use layerlab::app::share::{self, LeaveOut, ShareMessage, ShareView};
use layerlab::app::state::{Session, State};
use layerlab::app::undo::UndoMessage;
use layerlab::app::update::{Effect, Message, update};
use layerlab::app::view::{SimulateView, simulate};
use layerlab::cache::solve::Reruns;
use layerlab::context::{Assumed, Entry, EntryKind};
use layerlab::digest::Digest;
use proptest::prelude::*;
use serde_json::Value;

fn after(messages: Vec<Message>) -> State {
    let mut state = State::new(Session::example(), "test");
    for message in messages {
        let _ = update(&mut state, message);
    }
    state
}

fn view(state: &State) -> SimulateView {
    let session = &state.session;
    let history = History::replay(&session.events, session.reruns, &session.images, None);
    simulate(state, &history, &Analysis::new(state, &history, None))
}

fn shared(state: &mut State, leave_out: LeaveOut) -> ShareView {
    let _ = update(state, Message::Share(ShareMessage::Changed(Some(leave_out))));
    view(state).share.unwrap()
}

/// A page that nobody has used opens the link.
fn opened(fragment: &str) -> State {
    let mut state = State::new(Session::example(), "test");
    let _ = update(&mut state, Message::Share(ShareMessage::LinkOpened(format!("#{fragment}"))));
    assert_eq!(state.link_problem, None);
    state
}

/// Both pages show the same.
fn assert_same(a: &SimulateView, b: &SimulateView) {
    assert_eq!(a.rows, b.rows);
    assert_eq!(a.summary, b.summary);
    assert_eq!(a.timeline, b.timeline);
    assert_eq!(a.columns, b.columns);
    assert_eq!(a.files, b.files);
    assert_eq!(a.bases, b.bases);
    assert_eq!(a.command, b.command);
    assert_eq!(a.is_as_built, b.is_as_built);
}

/// Whether a value is what a schema says, in the words of JSON Schema that ours uses; what is wrong.
fn misfits(schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (word, said) in schema.as_object().unwrap() {
        let is_fine = match word.as_str() {
            "$schema" | "title" | "description" => true,
            "const" => value == said,
            "enum" => said.as_array().unwrap().contains(value),
            "minimum" => value.as_u64().is_none_or(|value| value >= said.as_u64().unwrap()),
            "type" => {
                let kinds: Vec<&str> = match said {
                    Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
                    one => one.as_str().into_iter().collect(),
                };
                kinds.contains(&match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(_) => "integer",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                })
            }
            "required" => {
                said.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "items" => {
                let items = value.as_array().unwrap().iter().enumerate();
                found.extend(items.flat_map(|(idx, item)| misfits(said, item, &format!("{place}/{idx}"))));
                true
            }
            "properties" => {
                for (name, schema) in said.as_object().unwrap() {
                    let below = value.get(name).map(|it| misfits(schema, it, &format!("{place}/{name}")));
                    found.extend(below.unwrap_or_default());
                }
                true
            }
            "additionalProperties" => {
                let known = |name: &String| schema.get("properties").is_some_and(|it| it.get(name).is_some());
                let others = value.as_object().unwrap().iter().filter(|(name, _)| !known(name));
                for (name, other) in others {
                    match said {
                        Value::Bool(false) => found.push(format!("{place}/{name} is not in the schema")),
                        schema => found.extend(misfits(schema, other, &format!("{place}/{name}"))),
                    }
                }
                true
            }
            other => panic!("{place}: {other} is not checked here"),
        };
        if !is_fine {
            found.push(format!("{place}: {word} is {said}, and it is {value}"));
        }
    }
    found
}

#[test]
fn the_json_is_what_its_schema_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/www/report.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let size = Message::LayerSizeTold { code: "RUN npm install".into(), text: "92 MB".into() };
    for messages in [
        vec![],
        vec![Message::FileEdited("package.json".into()), size],
        vec![Message::CachePruned, Message::BuilderChosen(Builder::Legacy)],
        vec![Message::DockerfileEdited("FROM a\nRUNN x\n".into())],
        vec![Message::DockerfileEdited(String::new())],
        vec![Message::OptionEdited(Field::BuildArgs, "A".into()), Message::FileTouched("index.js".into())],
    ] {
        let json: Value =
            serde_json::from_str(&shared(&mut after(messages), LeaveOut::default()).json).unwrap();
        assert_eq!(misfits(&schema, &json, ""), Vec::<String>::new(), "{json}");
    }
    // The check itself finds what is wrong.
    let wrong = serde_json::json!({ "format": "other", "version": 1, "more": 1, "counts": { "cached": -1 } });
    assert!(misfits(&schema, &wrong, "").len() >= 3);
}

#[test]
fn the_report_has_the_rows() {
    let size = Message::LayerSizeTold { code: "RUN npm install".into(), text: "92 MB".into() };
    let mut state = after(vec![Message::FileEdited("package.json".into()), size]);
    let share = shared(&mut state, LeaveOut::default());
    let markdown = &share.markdown;
    assert!(markdown.starts_with("**Docker build:** 2 of 5 steps cached, 3 rebuild. First cause: line 3,"));
    for part in [
        "| 3 | `COPY package*.json ./` | ↻ rebuilds **(first cause)** | package.json changed |  |\n",
        "**First cause:** line 3, package.json changed. It drags along lines 4 and 5.\n",
        "**Known cost:** 92.0 MB of layers are written anew, as far as 1 of 3 tell (told by the reader).\n",
        "<summary>3 more instructions: 2 cached, 1 metadata only</summary>",
        "Command: `docker build .` (BuildKit in Docker)",
        "Compared with Build 1 (",
        "(test), not built.",
    ] {
        assert!(markdown.contains(part), "{part}\n---\n{markdown}");
    }
    let json: Value = serde_json::from_str(&share.json).unwrap();
    assert_eq!(json["instructions"][3]["first_cause_line"], 3);
    assert_eq!(json["instructions"][3]["layer_bytes"], 92_000_000);
    assert_eq!(json["counts"]["rebuild"], 3);
}

#[test]
fn the_classic_builder_is_reported_as_well() {
    let text = Session::example().now.dockerfile.replacen("WORKDIR", "LABEL a=1\nWORKDIR", 1);
    let edits = vec![Message::BuilderChosen(Builder::Legacy), Message::DockerfileEdited(text)];
    let markdown = shared(&mut after(edits), LeaveOut::default()).markdown;
    assert!(markdown.contains("**First cause:** line 2"), "{markdown}");
    assert!(markdown.contains("It drags along lines 3, 4, 5, 6 and 7."), "{markdown}");
    assert!(markdown.contains("Command: `DOCKER_BUILDKIT=0 docker build .` (legacy builder)"), "{markdown}");
}

#[test]
fn what_stays_here_is_told() {
    let text = Session::example().now.dockerfile;
    let mut state = after(vec![
        Message::DockerfileEdited(text.replace("npm install", "npm ci")),
        Message::BuildRequested,
        Message::DockerfileEdited(text),
    ]);
    let link = shared(&mut state, LeaveOut::default()).link.unwrap();
    assert_eq!(link.left_out, ["contents of files: digests stand in for them"]);
    assert_eq!(link.differing_lines, Vec::<u32>::new());
    Rc::make_mut(&mut state.session.texts)
        .insert("docker/other.Dockerfile".into(), "FROM secret-base\n".into());
    let all = LeaveOut { builds: true, files: true };
    let share = shared(&mut state, all);
    assert_eq!((share.n_events_to_leave, share.n_files_to_leave), (1, 6));
    let shorter = share.link.unwrap();
    assert!(shorter.fragment.len() < link.fragment.len());
    assert_eq!(shorter.left_out.len(), 3, "{:?}", shorter.left_out);
    // Without the first build, taking the edit back hits nothing, which is said.
    assert_eq!(shorter.differing_lines, [4, 5]);
    let session = share::read(&shorter.fragment).unwrap().unwrap();
    assert_eq!((session.events.len(), session.texts.len()), (1, 0));
}

#[test]
fn files_that_are_the_same_are_not_missed_where_no_wildcard_asks_for_them() {
    let text = Session::example().now.dockerfile.replace("package*.json", "package.json");
    let edits = vec![
        Message::DockerfileEdited(text),
        Message::BuildRequested,
        Message::FileEdited("index.js".into()),
    ];
    let mut state = after(edits);
    let link = shared(&mut state, LeaveOut { builds: true, files: true }).link.unwrap();
    assert_eq!(link.differing_lines, Vec::<u32>::new());
    let files = &opened(&link.fragment).session.now.files;
    assert_eq!(files.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["index.js"]);
}

#[test]
fn secrets_are_told_with_their_place() {
    let token = ["gh", "p_Ab3Cd5Ef7Gh9Ij1Kl3Mn5Op7Qr9St1Uv3Wx5Yz7"].concat();
    let text = Session::example().now.dockerfile;
    let mut state = after(vec![
        Message::DockerfileEdited(format!("{text}ENV A={token}\n")),
        Message::OptionEdited(Field::BuildArgs, "NPM_TOKEN=abcdef".into()),
        Message::BuildRequested,
        Message::OptionEdited(Field::BuildArgs, String::new()),
        Message::DockerfileEdited(text),
    ]);
    let told = |share: ShareView| -> Vec<(String, String)> {
        share.secrets.into_iter().map(|row| (row.place, row.what)).collect()
    };
    let expected = [
        ("build 2, Dockerfile, line 7", "a token of GitHub"),
        ("build 2, build arguments, line 1", "a value of a name that sounds like a secret"),
    ];
    let expected = expected.map(|(place, what)| (place.to_owned(), what.to_owned()));
    assert_eq!(told(shared(&mut state, LeaveOut::default())), expected);
    let _ = update(&mut state, Message::BuildRequested);
    assert_eq!(told(shared(&mut state, LeaveOut { builds: true, files: false })), []);
}

#[test]
fn a_link_takes_nobodys_work_away() {
    let fragment = {
        let state = after(vec![Message::DockerfileEdited("FROM shared\n".into()), Message::BuildRequested]);
        share::write(&state.session).unwrap()
    };
    let mut state = after(vec![Message::DockerfileEdited("FROM mine\n".into())]);
    let mine = state.session.clone();
    let effects = update(&mut state, Message::Share(ShareMessage::LinkOpened(fragment.clone())));
    assert_eq!(state.session.now.dockerfile, "FROM shared\n");
    assert_eq!(state.session.own.as_deref(), Some(&mine));
    assert_eq!(
        effects,
        [Effect::KeepOwn, Effect::ShowTheme, Effect::ShowTexts],
        "nothing else is written yet"
    );
    let effects = update(&mut state, Message::Share(ShareMessage::OwnWorkKept));
    assert!(effects.contains(&Effect::Save(Part::Texts)) && effects.ends_with(&[Effect::ForgetLink]));
    // A second link over an edited first one: the own work stays the own work, the edit can be had back.
    let _ = update(&mut state, Message::DockerfileEdited("FROM shared:edited\n".into()));
    let other = share::write(&Session::example()).unwrap();
    let _ = update(&mut state, Message::Share(ShareMessage::LinkOpened(other)));
    assert_eq!(state.session.own.as_deref(), Some(&mine));
    let _ = update(&mut state, Message::Undo(UndoMessage::ReplacementUndone));
    assert_eq!(state.session.now.dockerfile, "FROM shared:edited\n");
    let _ = update(&mut state, Message::Share(ShareMessage::OwnWorkWanted));
    assert_eq!(state.session, mine);
    let _ = update(&mut state, Message::Undo(UndoMessage::ReplacementUndone));
    assert_eq!(state.session.now.dockerfile, "FROM shared:edited\n");

    // Discarded work can be had back, too; and starting over leaves it alone.
    let _ = update(&mut state, Message::Share(ShareMessage::LinkOpened(fragment)));
    let _ = update(&mut state, Message::ResetConfirmed);
    assert!(state.session.own.is_some());
    let _ = update(&mut state, Message::Share(ShareMessage::OwnWorkDiscarded));
    assert_eq!(state.session.own, None);
    let _ = update(&mut state, Message::Undo(UndoMessage::ReplacementUndone));
    assert_eq!(state.session.own.as_deref(), Some(&mine));
}

#[test]
fn a_link_to_what_is_here_changes_nothing() {
    let mut state = after(vec![Message::DockerfileEdited("FROM mine\n".into())]);
    let before = state.session.clone();
    let fragment = share::write(&before).unwrap();
    let _ = update(&mut state, Message::Share(ShareMessage::LinkOpened(fragment)));
    assert_eq!((&state.session, state.undo.is_replaced()), (&before, false));
    // Nobody misses the untouched example.
    let mut fresh = after(vec![]);
    let _ = update(&mut fresh, Message::Share(ShareMessage::LinkOpened(share::write(&before).unwrap())));
    assert_eq!((fresh.session.own.is_some(), fresh.session.now.dockerfile.as_str()), (false, "FROM mine\n"));
}

#[test]
fn what_cannot_be_opened_changes_nothing() {
    let whole = share::write(&Session::example()).unwrap();
    for (fragment, said) in [
        (whole[..whole.len() / 2].to_owned(), "damaged"),
        ("/simulate?s=9.abc".to_owned(), "format 9"),
        (layerlab::report::link::write(b"nonsense").unwrap(), "damaged"),
    ] {
        let mut state = after(vec![Message::DockerfileEdited("FROM mine\n".into())]);
        let before = state.session.clone();
        let _ = update(&mut state, Message::Share(ShareMessage::LinkOpened(fragment)));
        assert_eq!(state.session, before);
        assert!(state.link_problem.as_ref().is_some_and(|it| it.contains(said)), "{:?}", state.link_problem);
    }
}

#[test]
fn links_of_earlier_pages_open() {
    // Written by the first page that wrote links. It has to open for good.
    const FIRST: &str = "/simulate?s=\
        1.O8pTrZSXX65kVa2Ukp-cnVqUlpmTqmSl5Bbk76uQl5-SapWYU5CZlxqTF-4f5O3iGaSgn1hQEJPn7B8QqVCQmJydmJ6qpZ\
        dVnJ-noKcfkxcU6qeQV5CrkJlXXJKYkwNVp6cPlnT2dVGIjlECysco6SjEKAGVFJXEKMXG5CnpINkeX5BYkgF0ggvCPTDpzP\
        S8_CKQ80Aui8_NTynNSS2OyUOojMnTQ1YJNhnChJmKIg-UzUgsjkeyOzMvPjk_ryS1okTJqqSoNFVHCSRcDAyfWh2l_IKSzP\
        w8EEcJ6PT0VKAaJaARSaWZOSnxQIFiCL8gJ7EkLb8oF8rNy49PTkzOADo7LTGnOBUhEA80uiS1CKoqMTc1BWY3zKDSnJxiuD\
        awNWDlEPcqAV2UlFgMcRyQnZ5ZlpoHcWhiUXIGkAd2aVJlfEpmempxCUQqszg-DWgs1FSgANQ-sFwuMDah7OLMKhgT6qh4kB\
        OVrPKAuqGOAcpHV4OZJaMJaKgnoFqd0agcLlEZq6NUlFpUCnKeUkpmWlpqUWpeCcQ1yaAgC87MLQU6DOTnkozUXLBQZXFJai\
        5IIDEJPcBzEotL4sGFA0oZkBefmpIJcp9hLSsDZ5Cro4uvq15uiiMTGwNHZl5KagUwLTB6M8gjR5C-HjSh6OYAbQAnFkZmBk\
        FMQQ12VjDD8QK_dbzohPL554yKmK56z__Cyhax48cEVTeR2wtiIm9zn1GrPbzox53Puzre6FSr3VvkoJO-9cbXn5Il_slHLz\
        _I27-2Z8uTU7Zi1qtZgxubitREWDM-7_v-ao1EzevrGRUPttnNc1EO-7EpYp5Qp1rGhcX2s1q235Hexc5pkH910SLNm0HGK_\
        aoHDrVrlPlHWdkXl8mca9ArDC8NInrouqHjmJW7mlzdR4uYGJk4IF6AOJkJusDpaf67Wr6Og78OPblyc83H_afebI-z3bZLk\
        m7d9whLFNKSNcBAA";
    let state = opened(FIRST);
    let view = view(&state);
    assert_eq!(
        view.summary.sentence,
        "2 of 5 steps cached, 3 rebuild. First cause: line 3, package.json changed."
    );
    assert_eq!(view.timeline.len(), 2);
}

#[test]
fn hostile_paths_are_refused() {
    let mut session = Session::example();
    session.now.dockerfile_path = "a/".repeat(100_000);
    assert!(share::read(&share::write(&session).unwrap()).unwrap().is_err());
}

/// Something that happens to a session.
fn anything() -> impl Strategy<Value = Message> {
    let path = || {
        prop::sample::select(vec!["index.js", "package.json", "README.md", "new/ä b.txt", "node_modules/x"])
    };
    let texts = [
        "FROM node:alpine\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"x\"]\n",
        "FROM golang AS b\nRUN --mount=type=bind,target=/s go build\nFROM scratch\nCOPY --from=b /x /x\n",
        "FROM alpine\nCOPY missing/file *.js /x/\nRUN a | b\nRUNN oops\n",
        "FROM alpine\nARG A=1\nRUN echo $A\nADD x.tar /\n",
        "",
    ];
    prop_oneof![
        prop::sample::select(texts.to_vec()).prop_map(|text| Message::DockerfileEdited(text.to_owned())),
        path().prop_map(|path| Message::FileEdited(path.to_owned())),
        path().prop_map(|path| Message::FileTouched(path.to_owned())),
        path().prop_map(|path| Message::FileDeleted(path.to_owned())),
        path().prop_map(|path| Message::FileAdded(path.to_owned())),
        path().prop_map(|path| Message::FileModeSwitched(path.to_owned())),
        prop::sample::select(vec!["*.md\n", "", "!x\nnode_modules\n"])
            .prop_map(|it| Message::IgnoreEdited(it.into())),
        Just(Message::BuildRequested),
        Just(Message::BuildRequested),
        Just(Message::CachePruned),
        Just(Message::RunnerChanged(Import::Max)),
        Just(Message::RerunsChosen(Reruns::Same)),
        Just(Message::NoCacheSwitched(true)),
        prop::sample::select(Builder::ALL.to_vec()).prop_map(Message::BuilderChosen),
        prop::sample::select(vec!["A=2", "A=3", ""])
            .prop_map(|it| Message::OptionEdited(Field::BuildArgs, it.into())),
        any::<bool>().prop_map(Message::DockerfileInContextSwitched),
        any::<bool>().prop_map(|has_new_layers| Message::BaseMoved {
            reference: "docker.io/library/alpine:latest".into(),
            has_new_layers
        }),
        Just(Message::LayerSizeTold { code: "RUN npm ci".into(), text: "5 MB".into() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_link_opens_as_what_it_was_made_of(messages in prop::collection::vec(anything(), 0..14)) {
        let mut state = after(messages);
        // Links, folders and owners come from given contexts only.
        let link = Entry { kind: EntryKind::Symlink { target: "../x".into() }, uid: 7, ..Entry::dir() };
        let files = Rc::make_mut(&mut state.session.now.files);
        files.insert("given/link", link);
        files.insert("given/empty", Entry { mode: 0o700, ..Entry::dir() });
        files.insert("given/file", Entry { assumed: Assumed::MODE, ..Entry::file(Digest::of(b"1"), 1 << 40) });
        let share = shared(&mut state, LeaveOut::default());
        let link = share.link.unwrap();
        prop_assert_eq!(&link.differing_lines, &Vec::<u32>::new());
        let there = opened(&link.fragment);
        let _ = update(&mut state, Message::Share(ShareMessage::Changed(None)));
        assert_same(&view(&there), &view(&state));
        // Going on there is going on here.
        let mut both = [there, state];
        for state in &mut both {
            let _ = update(state, Message::FileEdited("index.js".into()));
            let _ = update(state, Message::BuildRequested);
        }
        assert_same(&view(&both[0]), &view(&both[1]));
        prop_assert_eq!(share::write(&both[0].session), share::write(&both[1].session));
    }

    #[test]
    fn no_link_makes_the_page_fail(text in "[A-Za-z0-9_-]{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let made = layerlab::report::link::write(&bytes).unwrap();
        for fragment in [format!("/simulate?s=1.{text}"), made] {
            let mut state = after(vec![]);
            let _ = update(&mut state, Message::Share(ShareMessage::LinkOpened(fragment)));
            prop_assert!(state.link_problem.is_some());
        }
    }
}
