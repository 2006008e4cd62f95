use super::*;
use crate::app::state::ImageState;
use crate::protocol::{JobId, Request};

fn state() -> State {
    State::new(Session::example(), "b1")
}

#[test]
fn stale_replies_are_dropped() {
    let mut state = state();
    let chosen = |name: &str| Message::ImageChosen { name: name.into(), size_bytes: 10 };
    let _ = update(&mut state, chosen("a.tar"));
    let _ = update(&mut state, chosen("b.tar"));
    let names =
        |state: &State| -> Vec<String> { state.archives.images().map(|image| image.name.clone()).collect() };
    assert_eq!(names(&state), ["a.tar", "b.tar"]);
    let stale = Reply::Failed { job: JobId(99), message: "old".into(), may_be_layer: false };
    let _ = update(&mut state, Message::WorkerReplied(stale));
    assert_eq!(names(&state), ["a.tar", "b.tar"]);
    // The keeper goes with what it was looking through; the other archive is read anew.
    let effects = update(&mut state, Message::OpeningCancelled);
    assert!(effects.contains(&Effect::RestartWorker));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::SendFile { file: JobId(1), .. })));
    let late = Reply::Listed { job: JobId(2), is_read: true };
    let _ = update(&mut state, Message::WorkerReplied(late));
    assert!(matches!(state.archives.shown(), ImageState::Cancelled { name, .. } if name == "b.tar"));
    assert_eq!(names(&state), ["a.tar"]);
}

#[test]
fn a_closed_archive_lets_its_file_go_and_the_next_one_is_shown() {
    let mut state = state();
    for name in ["a.tar", "b.tar"] {
        let _ = update(&mut state, Message::ImageChosen { name: name.into(), size_bytes: 10 });
    }
    for job in [1, 2] {
        let listed = Reply::Listed { job: JobId(job), is_read: true };
        let _ = update(&mut state, Message::WorkerReplied(listed));
    }
    let effects = update(&mut state, Message::Inspect(InspectMessage::ArchiveClosed(JobId(2))));
    assert!(effects.contains(&Effect::DropFile(JobId(2))));
    assert!(effects.contains(&Effect::Send(Request::Close { archive: JobId(2) })));
    assert_eq!(state.archives.shown().name(), "a.tar");
}

#[test]
fn a_worker_of_another_build_asks_for_a_reload() {
    let mut state = state();
    let _ = update(&mut state, Message::WorkerReplied(Reply::Ready { build: "b2".into() }));
    assert!(matches!(state.worker, WorkerState::Broken { .. }));
    let _ = update(&mut state, Message::WorkerReplied(Reply::Ready { build: "b1".into() }));
    assert_eq!(state.worker, WorkerState::Ready);
}

#[test]
fn a_fix_edits_the_text() {
    let mut state = state();
    let edit = |start, end, insert: &str| TextEdit {
        range: crate::text::TextRange::new(start, end),
        insert: insert.to_owned(),
    };
    let effects = update(&mut state, Message::FixApplied(vec![edit(0, 4, "from"), edit(5, 9, "nodes")]));
    assert!(state.session.now.dockerfile.starts_with("from nodes:alpine"));
    assert!(effects.contains(&Effect::ShowTexts));
}

#[test]
fn without_a_worker_a_file_is_not_waited_for() {
    let mut state = state();
    let why = "it did not load".to_owned();
    let _ = update(&mut state, Message::WorkerMissing(why.clone()));
    let effects = update(&mut state, Message::ImageChosen { name: "a.tar".into(), size_bytes: 1 });
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::SendFile { .. })));
    assert!(matches!(state.archives.shown(), ImageState::Failed { message, .. } if *message == why));
}

#[test]
fn a_crash_is_a_message() {
    let mut state = state();
    let _ = update(&mut state, Message::ImageChosen { name: "a.tar".into(), size_bytes: 1 });
    let effects = update(&mut state, Message::WorkerFailed("out of memory".into()));
    assert_eq!(effects, [Effect::RestartWorker, Effect::RestartReaders]);
    assert!(
        matches!(state.archives.shown(), ImageState::Failed { message, .. } if message == "out of memory")
    );
}

#[test]
fn an_edit_undone_is_no_edit() {
    let mut state = state();
    let before = state.session.now.files.clone();
    let _ = update(&mut state, Message::FileEdited("index.js".into()));
    assert_ne!(state.session.now.files, before);
    let _ = update(&mut state, Message::FileReverted("index.js".into()));
    assert_eq!(state.session.now.files, before);
    for path in ["lib/a/b.js", "lib/c.js"] {
        let _ = update(&mut state, Message::FileAdded(path.into()));
    }
    for path in ["lib/a/b.js", "lib/c.js"] {
        let _ = update(&mut state, Message::FileReverted(path.into()));
    }
    assert_eq!(state.session.now.files, before);
}

#[test]
fn starting_over_asks_first() {
    let mut state = state();
    let _ = update(&mut state, Message::DockerfileEdited("FROM x\n".into()));
    let _ = update(&mut state, Message::ResetAsked);
    assert_eq!(state.session.now.dockerfile, "FROM x\n");
    let _ = update(&mut state, Message::ResetConfirmed);
    // Of another text the editor's undo knows nothing.
    let Session { document, context, .. } = state.session;
    assert_eq!(state.session, Session { document, context, ..Session::example() });
    assert_ne!(document, 0);
}

#[test]
fn rows_stay_counted_while_those_in_view_are_on_their_way() {
    use crate::protocol::inspect::Answer;
    use crate::protocol::inspect::rows::{RowsReport, TreeRow};
    use crate::protocol::{ImageReport, LayerReport, PlannedLayer, RowKind};

    let mut state = state();
    let job = JobId(1);
    let _ = update(&mut state, Message::ImageChosen { name: "a.tar".into(), size_bytes: 10 });
    let layers = vec![PlannedLayer { key: Some(5), ..PlannedLayer::default() }];
    let images = vec![ImageReport { layers, ..ImageReport::default() }];
    let _ = update(&mut state, Message::WorkerReplied(Reply::ImagesFound { job, images }));
    let report = LayerReport::default();
    let read = Reply::LayerRead { job, image_idx: 0, layer_idx: 0, report };
    let _ = update(&mut state, Message::WorkerReplied(read));
    let _ = update(&mut state, Message::WorkerReplied(Reply::Listed { job, is_read: true }));
    let row = TreeRow {
        path: "a".into(),
        name: "a".into(),
        depth: 0,
        kind: RowKind::File,
        change: Default::default(),
        has_changes_below: false,
        is_opaque: false,
        is_implicit: false,
        total_bytes: 0,
        own_bytes: 0,
        n_below: 0,
        mode: 0,
        uid: 0,
        gid: 0,
        mtime_secs: 0,
        link: String::new(),
        device: None,
        attributes: Vec::new(),
        is_sparse: false,
        n_times: 1,
        written_by: 0,
        is_matching: true,
        is_unfolded: None,
        pos_in_set: 1,
        set_size: 100_000,
    };
    let answer = |state: &mut State| {
        let asked: Vec<(u32, JobId)> =
            state.inspect.pages.asked.iter().map(|(page, job)| (*page, *job)).collect();
        for (page, job) in asked {
            let rows = vec![row.clone(); 100];
            let report = RowsReport { n_rows: 100_000, first: page * 100, rows, ..RowsReport::default() };
            let answer = Answer::Rows(Box::new(report));
            let _ = update(state, Message::WorkerReplied(Reply::Inspected { job, answer }));
        }
    };
    answer(&mut state);
    assert!(state.inspect.pages.row(0).is_some());
    let _ = update(&mut state, Message::Inspect(InspectMessage::RowsSeen(99_970, 99_999)));
    assert_eq!(state.inspect.pages.n_rows(), 100_000);
    assert_eq!(state.inspect.pages.row(99_999), None);
    answer(&mut state);
    assert!(state.inspect.pages.row(99_999).is_some());
    assert!(state.inspect.pages.came.len() <= 3, "what is out of view is not kept");
    // An answer that nobody waits for any more changes nothing.
    let before = state.clone();
    let stale = Reply::Inspected { job: JobId(9999), answer: Answer::Layers(Vec::new()) };
    let _ = update(&mut state, Message::WorkerReplied(stale));
    assert_eq!(state, before);
}
