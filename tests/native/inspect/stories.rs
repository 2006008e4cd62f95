//! A story for each question.

use std::collections::BTreeSet;

use layerlab::digest::Digest;
use layerlab::protocol::inspect::contents::{ContentsReport, Looks, TextEncoding};
use layerlab::protocol::inspect::map::{MapKind, MapReport};
use layerlab::protocol::inspect::rows::{
    ChangeClass, RowAspect, RowChange, RowFilter, RowPlace, SortBy, TreeOf, TreeQuery,
};
use layerlab::protocol::inspect::waste::{Advice, DiveReport, DiveThresholds, FindingKind, Visibility};
use layerlab::protocol::inspect::{
    Answer, ImageAt, ListingFormat, MAX_PIECE_BYTES, Question, SavedForm, SettleScope,
};
use layerlab::protocol::{Request, RowKind};

use super::{Desk, archive_of, corpus};

const LAYERS: [(&str, &[&str]); 3] = [
    (
        "FROM base",
        &[
            "etc/",
            "etc/passwd=root",
            "usr/",
            "usr/lib/",
            "usr/lib/a.so=aaaa",
            "usr/lib/b.so=bb",
            "usr/share/doc/x=12345678",
        ],
    ),
    ("COPY . /srv # buildkit", &["srv/", "srv/.env=SECRET", "srv/link->../usr/lib/a.so", "etc/passwd=rood"]),
    ("RUN rm", &["usr/.wh.share", "srv/.wh..env", "usr/lib/b.so=bb", "var/lib/apt/lists/deb=0123456789"]),
];

fn made() -> (Desk, ImageAt) {
    let mut desk = Desk::default();
    let (archive, _) = desk.open(&archive_of(&LAYERS));
    (desk, ImageAt { archive, image_idx: 0 })
}

/// The rows as lines, indented by their depth.
fn lines(desk: &mut Desk, query: &TreeQuery) -> Vec<String> {
    let line = |row: &layerlab::protocol::inspect::rows::TreeRow| {
        let mark = match &row.change {
            RowChange::None => ' ',
            RowChange::Added => '+',
            RowChange::Modified { .. } => '~',
            RowChange::Again { .. } => '=',
            RowChange::Removed { .. } => '-',
        };
        let fold = match row.is_unfolded {
            None => "",
            Some(true) => " v",
            Some(false) => " >",
        };
        let indent = "  ".repeat(row.depth as usize);
        format!("{mark}{indent} {} {} {}/{}{fold}", row.name, row.total_bytes, row.pos_in_set, row.set_size)
    };
    desk.rows(query).iter().map(line).collect()
}

#[test]
fn rows_of_a_layer_and_of_the_stack() {
    let (mut desk, image) = made();
    let layer = TreeQuery { image, layer_idx: 2, is_all_unfolded: true, ..TreeQuery::default() };
    let expected = [
        "  srv 0 1/3 v",
        "-   .env 6 1/1",
        "  usr 2 2/3 v",
        "    lib 2 1/2 v",
        "=     b.so 2 1/1",
        "-   share 8 2/2 v",
        "-     doc 8 1/1 v",
        "-       x 8 1/1",
        "+ var 10 3/3 v",
        "+   lib 10 1/1 v",
        "+     apt 10 1/1 v",
        "+       lists 10 1/1 v",
        "+         deb 10 1/1",
    ];
    assert_eq!(lines(&mut desk, &layer), expected);
    let stack = TreeQuery { of: TreeOf::Stack, is_all_unfolded: false, ..layer };
    assert_eq!(
        lines(&mut desk, &stack),
        ["  etc 4 1/4 >", "  srv 0 2/4 >", "  usr 6 3/4 >", "+ var 10 4/4 >"]
    );
    let unfolded = BTreeSet::from(["usr".to_owned(), "usr/lib".to_owned()]);
    let by_size = TreeQuery { unfolded, sort: SortBy::Size, is_descending: true, ..stack };
    let expected = [
        "+ var 10 1/4 >",
        "  usr 6 2/4 v",
        "-   share 8 1/2 >",
        "    lib 6 2/2 v",
        "      a.so 4 1/2",
        "=     b.so 2 2/2",
        "  etc 4 3/4 >",
        "  srv 0 4/4 >",
    ];
    assert_eq!(lines(&mut desk, &by_size), expected);
}

#[test]
fn a_change_is_told_by_what_differs() {
    let (mut desk, image) = made();
    let row = |desk: &mut Desk, layer_idx, path: &str| {
        let query = TreeQuery { image, layer_idx, is_all_unfolded: true, ..TreeQuery::default() };
        desk.rows(&query).into_iter().find(|row| row.path == path).unwrap().change
    };
    let undecided = RowChange::Again { is_content_undecided: true };
    assert_eq!(row(&mut desk, 1, "etc/passwd"), undecided);
    assert_eq!(row(&mut desk, 2, "usr/lib/b.so"), undecided);
    assert_eq!(desk.settle(image, SettleScope::Rewrites), 4);
    let aspects = vec![RowAspect::Content];
    assert_eq!(row(&mut desk, 1, "etc/passwd"), RowChange::Modified { aspects, is_content_undecided: false });
    assert_eq!(row(&mut desk, 2, "usr/lib/b.so"), RowChange::Again { is_content_undecided: false });
    assert_eq!(row(&mut desk, 2, "usr/share"), RowChange::Removed { n_entries: 3, bytes: 8 });
}

#[test]
fn filters_show_what_is_met_and_the_folders_above() {
    let (mut desk, image) = made();
    let query = TreeQuery { image, layer_idx: 1, of: TreeOf::Stack, ..TreeQuery::default() };
    let filtered = |filter: RowFilter| TreeQuery { filter, ..query.clone() };
    let pattern = |pattern: &str| filtered(RowFilter { pattern: pattern.into(), ..RowFilter::default() });
    let expected = ["  usr 14 1/1 v", "    lib 6 1/1 v", "      a.so 4 1/2", "      b.so 2 2/2"];
    assert_eq!(lines(&mut desk, &pattern("*.so")), expected);
    let folded = TreeQuery { folded: BTreeSet::from(["usr/lib".to_owned()]), ..pattern("*.so") };
    assert_eq!(lines(&mut desk, &folded), ["  usr 14 1/1 v", "    lib 6 1/1 >"]);
    // What is in a folder that is met can be unfolded.
    assert_eq!(
        lines(&mut desk, &pattern("doc")),
        ["  usr 14 1/1 v", "    share 8 1/1 v", "      doc 8 1/1 >"]
    );
    let report = desk.window(&pattern("doc"), 0, 9);
    assert_eq!((report.n_rows, report.n_matching), (3, 2));
    let least = filtered(RowFilter { min_bytes: 8, ..RowFilter::default() });
    assert_eq!(lines(&mut desk, &least).len(), 4);
    let kinds = BTreeSet::from([ChangeClass::Added]);
    let added = filtered(RowFilter { kinds, ..RowFilter::default() });
    // A filter by kind alone leaves folders as they are.
    assert_eq!(lines(&mut desk, &added), ["+ srv 6 1/1 >"]);
    let regex = filtered(RowFilter { pattern: "/b\\.so$".into(), is_regex: true, ..RowFilter::default() });
    assert_eq!(lines(&mut desk, &regex).last().unwrap(), "      b.so 2 1/1");
    let bad = filtered(RowFilter { pattern: "ab(".into(), is_regex: true, ..RowFilter::default() });
    let report = desk.window(&bad, 0, 9);
    let place = report.bad_pattern.and_then(|bad| bad.at);
    assert_eq!((report.n_rows, place), (0, Some(2)));
}

#[test]
fn rows_are_found_by_path_and_by_name() {
    let (mut desk, image) = made();
    let query = TreeQuery { image, layer_idx: 1, of: TreeOf::Stack, ..TreeQuery::default() };
    let path = || "usr/lib/b.so".to_owned();
    let Answer::RowAt(Some(place)) = desk.ask(Question::RowAt { query: query.clone(), path: path() }) else {
        panic!()
    };
    assert_eq!(place, RowPlace { row_idx: 5, path: path(), unfold: vec!["usr".into(), "usr/lib".into()] });
    let query = TreeQuery { unfolded: place.unfold.into_iter().collect(), ..query };
    assert_eq!(desk.window(&query, 5, 1).rows[0].path, path());
    let none = desk.ask(Question::RowAt { query: query.clone(), path: "usr/lib/none".into() });
    assert_eq!(none, Answer::RowAt(None));
    let named = |desk: &mut Desk, from, typed: &str, is_next, is_backward| {
        let typed = typed.to_owned();
        let question = Question::RowNamed { query: query.clone(), from, typed, is_next, is_backward };
        let Answer::RowAt(place) = desk.ask(question) else { panic!() };
        place.map(|place| place.path)
    };
    // etc, srv, usr, usr/lib, usr/lib/a.so, usr/lib/b.so, usr/share
    assert_eq!(named(&mut desk, 0, "S", false, false).as_deref(), Some("srv"));
    assert_eq!(named(&mut desk, 1, "s", false, false).as_deref(), Some("srv"));
    assert_eq!(named(&mut desk, 1, "s", true, false).as_deref(), Some("usr/share"));
    assert_eq!(named(&mut desk, 6, "s", true, false).as_deref(), Some("srv"));
    assert_eq!(named(&mut desk, 1, "s", true, true).as_deref(), Some("usr/share"));
    assert_eq!(named(&mut desk, 0, "q", false, false), None);
    let changed = |desk: &mut Desk, from, is_backward| {
        let Answer::RowAt(place) = desk.ask(Question::RowChanged { query: query.clone(), from, is_backward })
        else {
            panic!()
        };
        place.map(|place| place.path)
    };
    assert_eq!(changed(&mut desk, 0, false).as_deref(), Some("srv"));
    assert_eq!(changed(&mut desk, 1, true).as_deref(), Some("srv"));
}

fn contents(desk: &mut Desk, image: ImageAt, layer_idx: u32, path: &str) -> ContentsReport {
    let (path, from_bytes, max_bytes) = (path.to_owned(), 0, MAX_PIECE_BYTES);
    let question = Question::Contents { image, layer_idx, path, from_bytes, max_bytes };
    let Answer::Contents(report) = desk.ask(question) else { panic!() };
    *report
}

#[test]
fn a_file_is_looked_at_as_a_layer_has_it() {
    let (mut desk, image) = made();
    let text = |report: &ContentsReport| String::from_utf8(report.bytes.to_vec()).unwrap();
    let report = contents(&mut desk, image, 0, "etc/passwd");
    assert_eq!((text(&report).as_str(), report.size_bytes, report.written_by), ("root", Some(4), 0));
    assert_eq!(report.looks, Looks::Text { encoding: TextEncoding::Utf8 });
    assert_eq!(text(&contents(&mut desk, image, 2, "etc/passwd")), "rood");
    // Removed by this layer: as it was.
    assert_eq!(text(&contents(&mut desk, image, 2, "srv/.env")), "SECRET");
    let link = contents(&mut desk, image, 1, "srv/link");
    assert_eq!((link.kind, link.link.as_str()), (RowKind::Symlink, "../usr/lib/a.so"));
    assert_eq!(link.target.as_deref(), Some("usr/lib/a.so"));
    let part =
        Question::Contents { image, layer_idx: 2, path: "etc/passwd".into(), from_bytes: 1, max_bytes: 2 };
    let Answer::Contents(part) = desk.ask(part) else { panic!() };
    assert_eq!((text(&part).as_str(), part.size_bytes, part.looks.clone()), ("oo", Some(4), Looks::Unknown));
    let folder = Question::Contents { image, layer_idx: 0, path: "etc".into(), from_bytes: 0, max_bytes: 1 };
    assert!(desk.ask_all(folder).unwrap_err().contains("folder"));
    let none = Question::Contents { image, layer_idx: 0, path: "none".into(), from_bytes: 0, max_bytes: 1 };
    assert!(desk.ask_all(none).is_err());
}

#[test]
fn files_and_layers_are_saved_as_they_are() {
    for name in ["docker20-sample.tar", "buildkit-oci-zstd.tar", "docker20-two.tar.gz"] {
        let mut desk = Desk::default();
        let bytes = corpus(name);
        let (archive, images) = desk.open(&bytes);
        let image = ImageAt { archive, image_idx: 0 };
        desk.settle(image, SettleScope::Copies);
        let n_opened = desk.n_opened;
        let last = u32::try_from(images[0].layers.len() - 1).unwrap();
        let biggest = Question::Biggest { image, layer_idx: last, of: TreeOf::Stack, n: 3 };
        let Answer::Biggest { files, folders } = desk.ask(biggest) else { panic!() };
        assert!(files.windows(2).all(|pair| pair[0].total_bytes >= pair[1].total_bytes), "{name}");
        assert!(folders.windows(2).all(|pair| pair[0].total_bytes >= pair[1].total_bytes), "{name}");
        for row in &files {
            let life = desk.ask(Question::Life { image, path: row.path.clone() });
            let Answer::Life(steps) = life else { panic!() };
            let saved =
                desk.ask_all(Question::Save { image, layer_idx: last, path: row.path.clone() }).unwrap();
            let saved = joined(&saved);
            assert_eq!(saved.len() as u64, row.own_bytes, "{name} {}", row.path);
            if let Some(digest) = &steps.last().unwrap().digest {
                assert_eq!(digest, &Digest::of(&saved).to_string(), "{name} {}", row.path);
            }
        }
        for (layer_idx, layer) in images[0].layers.iter().enumerate() {
            let layer_idx = u32::try_from(layer_idx).unwrap();
            let tar = desk.ask_all(Question::SaveLayer { image, layer_idx, form: SavedForm::Tar }).unwrap();
            let diff_id = images[0].config.rootfs.diff_ids[layer_idx as usize].clone();
            assert_eq!(Digest::of(&joined(&tar)).to_string(), diff_id, "{name} {layer_idx}");
            let stored =
                desk.ask_all(Question::SaveLayer { image, layer_idx, form: SavedForm::Stored }).unwrap();
            match stored.as_slice() {
                [Answer::Slice { from_bytes, size_bytes }] => {
                    assert_eq!(*size_bytes, layer.stored_bytes);
                    assert!(from_bytes + size_bytes <= bytes.len() as u64);
                }
                pieces => assert_eq!(joined(pieces).len() as u64, layer.stored_bytes),
            }
        }
        // The reader keeps the archive open.
        assert!(desk.n_opened <= n_opened + 1, "{name} {n_opened} {}", desk.n_opened);
    }
}

/// Pieces put together.
fn joined(answers: &[Answer]) -> Vec<u8> {
    let mut all = Vec::new();
    for (idx, answer) in answers.iter().enumerate() {
        let Answer::Piece { bytes, is_last, problem } = answer else { panic!("{answer:?}") };
        assert_eq!((*is_last, problem), (idx + 1 == answers.len(), &None));
        assert!(bytes.len() as u64 <= MAX_PIECE_BYTES);
        all.extend_from_slice(bytes);
    }
    all
}

#[test]
fn a_path_has_a_life() {
    let (mut desk, image) = made();
    let mut life = |path: &str| -> Vec<(u32, String, u64)> {
        let Answer::Life(steps) = desk.ask(Question::Life { image, path: path.into() }) else { panic!() };
        steps
            .into_iter()
            .map(|step| (step.layer_idx, step.instruction.unwrap(), step.row.total_bytes))
            .collect()
    };
    let expected = vec![(1, "COPY . /srv".to_owned(), 6), (2, "RUN rm".to_owned(), 6)];
    assert_eq!(life("srv/.env"), expected);
    assert_eq!(life("none"), []);
}

#[test]
fn a_treemap_adds_up() {
    let mut desk = Desk::default();
    let (archive, images) = desk.open(&corpus("docker20-sample.tar"));
    let image = ImageAt { archive, image_idx: 0 };
    desk.settle(image, SettleScope::Copies);
    let last = u32::try_from(images[0].layers.len() - 1).unwrap();
    let waste = desk.waste(image);
    let mut map = |of, layer_idx, folder: &str, n_nodes| -> MapReport {
        let question = Question::Map { image, layer_idx, of, folder: folder.into(), n_nodes };
        let Answer::Map(map) = desk.ask(question) else { panic!() };
        *map
    };
    for n_nodes in [2, 10, 50, 1000] {
        let report = map(TreeOf::Stack, last, "", n_nodes);
        assert!(report.nodes.len() <= n_nodes as usize);
        assert_eq!(report.nodes[0].bytes, waste.totals.tree_bytes);
        assert_eq!(report.nodes[0].hidden_bytes, waste.totals.hidden_bytes);
        for (idx, node) in report.nodes.iter().enumerate().filter(|(_, node)| node.is_open) {
            let children =
                report.nodes.iter().filter(|child| child.parent == Some(u32::try_from(idx).unwrap()));
            let sums =
                children.fold((0, 0), |sums, child| (sums.0 + child.bytes, sums.1 + child.duplicate_bytes));
            assert_eq!(sums, (node.bytes, node.duplicate_bytes), "{node:?}");
        }
    }
    let folder = map(TreeOf::Stack, last, "srv", 50);
    assert!(folder.nodes[0].path == "srv" && folder.nodes.iter().all(|node| node.path.starts_with("srv")));
    let stored: u64 = waste
        .layers
        .iter()
        .enumerate()
        .map(|(layer_idx, row)| {
            let report = map(TreeOf::Layer, u32::try_from(layer_idx).unwrap(), "", 10);
            assert_eq!(report.nodes[0].hidden_bytes, row.stores_bytes);
            assert!(report.nodes.iter().all(|node| node.kind != MapKind::Rest || node.n_below > 0));
            report.nodes[0].bytes
        })
        .sum();
    assert_eq!(stored, waste.totals.content_bytes);
    let none = Question::Map { image, layer_idx: 0, of: TreeOf::Stack, folder: "none".into(), n_nodes: 9 };
    assert!(desk.ask_all(none).is_err());
}

#[test]
fn leftovers_and_secrets_name_their_instruction() {
    let (mut desk, image) = made();
    let report = desk.waste(image);
    let rows: Vec<_> = report
        .findings
        .rows
        .iter()
        .map(|row| (row.kind, row.advice, row.path.as_str(), row.layer_idx, row.visibility, row.hidden_by))
        .collect();
    let expected = [
        (FindingKind::EnvFile, Advice::Ignore, "srv/.env", 1, Visibility::Hidden, Some(2)),
        (FindingKind::AptLists, Advice::CacheMount, "var/lib/apt/lists", 2, Visibility::Shown, None),
    ];
    assert_eq!(rows, expected);
    assert_eq!(report.findings.rows[1].instruction.as_deref(), Some("RUN rm"));
    let short = desk.ask(Question::Waste { image, n_base_layers: 1, n_rows: 1 });
    let Answer::Waste(short) = short else { panic!() };
    assert_eq!((short.findings.rows.len(), short.findings.n_more, short.findings.more_bytes), (1, 1, 10));
    // What the base stores is somebody else's.
    assert_eq!((short.hidden_bytes, report.hidden_bytes), (6, 6 + 8 + 4 + 2));
}

#[test]
fn dive_says_no_above_its_thresholds() {
    let report = DiveReport {
        smallest_bytes: 90,
        discovered_bytes: 100,
        wasted_bytes: 20,
        user_bytes: 200,
        ..DiveReport::default()
    };
    let thresholds = |least, most_bytes, most| DiveThresholds {
        lowest_efficiency: Some(least),
        highest_wasted_bytes: Some(most_bytes),
        highest_user_wasted: Some(most),
    };
    let said = |report: &DiveReport, thresholds: DiveThresholds| {
        let verdict = report.verdict(&thresholds);
        [verdict.is_efficient, verdict.is_wasted_few, verdict.is_user_wasted_few]
    };
    assert_eq!(said(&report, thresholds(0.9, 20, 0.1)), [Some(true); 3]);
    assert_eq!(said(&report, thresholds(0.91, 19, 0.09)), [Some(false); 3]);
    assert_eq!(said(&report, DiveThresholds::default()), [Some(true), None, Some(true)]);
    let base_only = DiveReport { user_bytes: 0, ..report };
    assert_eq!((base_only.user_wasted(), said(&base_only, thresholds(0.0, 99, 1.0))[2]), (None, Some(false)));
    assert_eq!(said(&DiveReport::default(), thresholds(1.0, 0, 0.0)), [Some(true); 3]);
}

#[test]
fn rows_are_saved_as_text() {
    let (mut desk, image) = made();
    let query = TreeQuery { image, layer_idx: 1, is_all_unfolded: true, ..TreeQuery::default() };
    let mut listing = |format| {
        let (mut all, mut from_row) = (String::new(), 0);
        loop {
            let question = Question::Listing { query: query.clone(), format, from_row };
            let Answer::Listing { text, next_row, .. } = desk.ask(question) else { panic!() };
            all += &text;
            let Some(next) = next_row else { return all };
            from_row = next;
        }
    };
    let csv = listing(ListingFormat::Csv);
    let rows: Vec<&str> = csv.split("\r\n").collect();
    assert!(rows[0].starts_with("path,type,change,"));
    assert_eq!(rows[1], "/etc,directory,,,0,4,1,0644,0,0,1970-01-01T00:00:00Z,,0");
    assert_eq!(rows[2], "/etc/passwd,file,unchanged,,4,4,0,0644,0,0,1970-01-01T00:00:00Z,,1");
    let json: serde_json::Value = serde_json::from_str(&listing(ListingFormat::Json)).unwrap();
    let paths: Vec<&str> = json.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/etc", "/etc/passwd", "/srv", "/srv/.env", "/srv/link"]);
    assert_eq!(rows.len(), paths.len() + 2);
}

#[test]
fn the_history_has_its_layers_and_a_dockerfile() {
    let (mut desk, image) = made();
    let Answer::History(report) = desk.ask(Question::History { image }) else { panic!() };
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| (step.instruction.as_str(), step.layer_idx, step.content_bytes))
        .collect();
    assert_eq!(
        steps,
        [("FROM base", Some(0), Some(18)), ("COPY . /srv", Some(1), Some(10)), ("RUN rm", Some(2), Some(12))]
    );
    assert!(report.dockerfile.contains("RUN rm\n") && !report.is_mismatched);
    assert_eq!(report.builder, "BuildKit");
}

#[test]
fn several_archives_are_open_until_each_is_closed() {
    let mut desk = Desk::default();
    let (first, _) = desk.open(&archive_of(&LAYERS));
    let (second, _) = desk.open(&corpus("docker20-sample.tar"));
    let n_paths = |desk: &mut Desk, archive| {
        let image = ImageAt { archive, image_idx: 0 };
        match desk.ask_all(Question::Layers { image })?.remove(0) {
            Answer::Layers(layers) => Ok(layers.last().unwrap().n_paths),
            other => Err(format!("{other:?}")),
        }
    };
    assert_eq!(n_paths(&mut desk, first), Ok(13));
    assert_eq!(n_paths(&mut desk, second), Ok(316));
    assert_eq!(desk.keep(Request::Close { archive: first }, None), []);
    assert!(n_paths(&mut desk, first).unwrap_err().contains("not open"));
    assert_eq!(n_paths(&mut desk, second), Ok(316));
}

#[test]
fn the_first_layers_are_there_while_others_are_read() {
    let mut desk = Desk::default();
    let (archive, _) = desk.open_some(&archive_of(&LAYERS), |layer_idx| layer_idx != 1);
    let image = ImageAt { archive, image_idx: 0 };
    let query = |layer_idx| TreeQuery { image, layer_idx, of: TreeOf::Stack, ..TreeQuery::default() };
    assert!(desk.window(&query(0), 0, 9).missing_layers.is_empty());
    let report = desk.window(&query(2), 0, 9);
    assert_eq!((report.missing_layers, report.rows.len()), (vec![1], 3));
    let Answer::Layers(layers) = desk.ask(Question::Layers { image }) else { panic!() };
    assert_eq!(layers.iter().map(|layer| layer.is_missing).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(desk.waste(image).missing_layers, [1]);
}
