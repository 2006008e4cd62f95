//! Questions and answers, one of each kind.

use std::collections::BTreeSet;

use layerlab::protocol::inspect::compare::{
    CompareFilter, CompareReport, ComparedEntry, ComparedFile, ComparedLayer, ConfigChange, DifferenceKind,
    DifferenceSort, LayerFate,
};
use layerlab::protocol::inspect::contents::{ContentsReport, Looks, TextEncoding};
use layerlab::protocol::inspect::documents::{
    DocumentReport, DocumentRole, DocumentsReport, HistoryReport, HistoryStepReport,
};
use layerlab::protocol::inspect::map::{MapKind, MapNode, MapReport};
use layerlab::protocol::inspect::rows::{
    Attribute, BadPattern, ChangeClass, LayerCounts, LifeStep, RowAspect, RowChange, RowFilter, RowPlace,
    RowsReport, SortBy, TreeOf, TreeQuery, TreeRow,
};
use layerlab::protocol::inspect::waste::{
    Advice, DuplicateRow, FindingKind, FindingRow, HiddenCause, HiddenRow, LayerWasteRow, PathRow, Top,
    Visibility, WasteReport,
};
use layerlab::protocol::inspect::{Answer, ImageAt, ListingFormat, Question, SavedForm, SettleScope};
use layerlab::protocol::{JobId, RowKind};

use super::MAX_BYTES;

/// One of each kind.
pub(super) fn questions() -> Vec<Question> {
    let image = ImageAt { archive: JobId(7), image_idx: u32::MAX };
    let query = TreeQuery {
        image,
        layer_idx: 3,
        of: TreeOf::Stack,
        is_all_unfolded: true,
        unfolded: BTreeSet::from(["usr".into(), "usr/naïve 🐳".into()]),
        folded: BTreeSet::from([String::new()]),
        sort: SortBy::Change,
        is_descending: true,
        filter: RowFilter {
            pattern: "*.so".into(),
            is_regex: true,
            min_bytes: MAX_BYTES,
            kinds: BTreeSet::from([
                ChangeClass::Added,
                ChangeClass::Content,
                ChangeClass::Metadata,
                ChangeClass::Again,
                ChangeClass::Removed,
                ChangeClass::Untouched,
            ]),
        },
    };
    let filter = CompareFilter {
        kinds: BTreeSet::from([
            DifferenceKind::Added,
            DifferenceKind::Removed,
            DifferenceKind::Content,
            DifferenceKind::Metadata,
        ]),
        rows: query.filter.clone(),
        sort: DifferenceSort::Path,
        is_reversed: true,
    };
    let path = || "usr/файл".to_owned();
    let (of, layer_idx) = (TreeOf::Layer, 0);
    let other = image;
    let questions = vec![
        Question::Rows { query: query.clone(), first: 0, n_rows: u32::MAX },
        Question::RowAt { query: query.clone(), path: path() },
        Question::RowNamed {
            query: query.clone(),
            from: 1,
            typed: "é".into(),
            is_next: true,
            is_backward: false,
        },
        Question::RowChanged { query: query.clone(), from: 1, is_backward: true },
        Question::Layers { image },
        Question::Biggest { image, layer_idx, of, n: 1 },
        Question::Map { image, layer_idx, of, folder: path(), n_nodes: 9 },
        Question::Life { image, path: path() },
        Question::Waste { image, n_base_layers: 1, n_rows: 2 },
        Question::Settle { image, scope: SettleScope::Rewrites },
        Question::Settle { image, scope: SettleScope::Copies },
        Question::Settle { image, scope: SettleScope::Against { other } },
        Question::KeepDigests { archive: JobId(7), digests: vec![0, 255].into() },
        Question::Contents { image, layer_idx, path: path(), from_bytes: MAX_BYTES, max_bytes: 1 },
        Question::Save { image, layer_idx, path: path() },
        Question::SaveLayer { image, layer_idx, form: SavedForm::Stored },
        Question::SaveLayer { image, layer_idx, form: SavedForm::Tar },
        Question::Listing { query: query.clone(), format: ListingFormat::Csv, from_row: 1 },
        Question::Listing { query, format: ListingFormat::Json, from_row: 1 },
        Question::Documents { archive: JobId(7) },
        Question::History { image },
        Question::Compare { before: image, after: other },
        Question::CompareRows { before: image, after: other, filter, first: 0, n_rows: 1 },
    ];
    for question in &questions {
        match question {
            // A variant that is added must be added above, too.
            Question::Rows { .. }
            | Question::RowAt { .. }
            | Question::RowNamed { .. }
            | Question::RowChanged { .. }
            | Question::Layers { .. }
            | Question::Biggest { .. }
            | Question::Map { .. }
            | Question::Life { .. }
            | Question::Waste { .. }
            | Question::Settle { .. }
            | Question::KeepDigests { .. }
            | Question::Contents { .. }
            | Question::Save { .. }
            | Question::SaveLayer { .. }
            | Question::Listing { .. }
            | Question::Documents { .. }
            | Question::History { .. }
            | Question::Compare { .. }
            | Question::CompareRows { .. } => {}
        }
    }
    questions
}

/// Rows with every kind of change.
fn tree_rows() -> Vec<TreeRow> {
    let aspects = vec![
        RowAspect::Type,
        RowAspect::Content,
        RowAspect::Mode,
        RowAspect::Owner,
        RowAspect::LinkTarget,
        RowAspect::Device,
        RowAspect::Xattrs,
        RowAspect::OwnEntry,
    ];
    let changes = [
        RowChange::None,
        RowChange::Added,
        RowChange::Modified { aspects, is_content_undecided: true },
        RowChange::Again { is_content_undecided: false },
        RowChange::Removed { n_entries: MAX_BYTES, bytes: MAX_BYTES },
    ];
    let row = |change| TreeRow {
        path: "usr/файл".into(),
        name: "файл".into(),
        depth: 1,
        kind: RowKind::Special,
        change,
        has_changes_below: true,
        is_opaque: true,
        is_implicit: true,
        total_bytes: MAX_BYTES,
        own_bytes: MAX_BYTES,
        n_below: MAX_BYTES,
        mode: 0o7777,
        uid: MAX_BYTES,
        gid: MAX_BYTES,
        mtime_secs: -9_007_199_254_740_991,
        link: "../x".into(),
        device: Some((1, u32::MAX)),
        attributes: vec![Attribute { name: "security.capability".into(), text: "cap_chown=ep".into() }],
        is_sparse: true,
        n_times: u32::MAX,
        written_by: 2,
        is_matching: true,
        is_unfolded: Some(false),
        pos_in_set: 1,
        set_size: u32::MAX,
    };
    changes.map(row).into()
}

/// One of each kind.
pub(super) fn answers() -> Vec<Answer> {
    let rows = tree_rows();
    let bad_pattern = || Some(BadPattern { message: "odd".into(), at: Some(3) });
    let life = LifeStep {
        layer_idx: 1,
        history_idx: Some(2),
        instruction: None,
        row: rows[0].clone(),
        digest: Some("sha256:00".into()),
    };
    let node = |kind| MapNode {
        path: "usr".into(),
        name: "usr".into(),
        kind,
        parent: Some(0),
        depth: 1,
        bytes: MAX_BYTES,
        hidden_bytes: MAX_BYTES,
        duplicate_bytes: MAX_BYTES,
        written_by: 1,
        n_below: MAX_BYTES,
        is_open: true,
    };
    let hidden = |cause| HiddenRow {
        path: "a".into(),
        size_bytes: MAX_BYTES,
        layer_idx: 0,
        hidden_by: 1,
        cause,
        is_undecided: true,
    };
    let causes = [
        HiddenCause::Removed,
        HiddenCause::Overwritten,
        HiddenCause::Metadata(vec![RowAspect::Mode]),
        HiddenCause::Repeated,
        HiddenCause::WithinLayer,
    ];
    let finding = FindingRow {
        kind: FindingKind::AptLists,
        advice: Advice::CacheMount,
        path: "var/lib/apt/lists".into(),
        layer_idx: 1,
        history_idx: Some(1),
        instruction: Some("RUN a".into()),
        bytes: MAX_BYTES,
        n_files: MAX_BYTES,
        visibility: Visibility::Partly,
        hidden_by: Some(2),
    };
    let waste = WasteReport {
        hidden: Top { rows: causes.map(hidden).into(), n_more: MAX_BYTES, more_bytes: MAX_BYTES },
        paths: Top { rows: vec![PathRow::default()], ..Top::default() },
        duplicates: Top { rows: vec![DuplicateRow::default()], ..Top::default() },
        layers: vec![LayerWasteRow { instruction: Some("RUN".into()), ..LayerWasteRow::default() }],
        findings: Top { rows: vec![finding], ..Top::default() },
        missing_layers: vec![3],
        ..WasteReport::default()
    };
    let looks = [
        Looks::Unknown,
        Looks::Empty,
        Looks::Text { encoding: TextEncoding::Utf8 },
        Looks::Text { encoding: TextEncoding::Utf16Le },
        Looks::Text { encoding: TextEncoding::Utf16Be },
        Looks::Text { encoding: TextEncoding::Latin1 },
        Looks::Image { media_type: "image/png".into() },
        Looks::Elf { machine: "x86-64".into(), kind: "program".into() },
        Looks::Known { what: "gzip archive".into() },
        Looks::Binary,
    ];
    let contents = |looks| {
        Answer::Contents(Box::new(ContentsReport {
            path: "a".into(),
            kind: RowKind::File,
            written_by: 0,
            link: String::new(),
            target: Some("b".into()),
            from_bytes: MAX_BYTES,
            bytes: vec![0, 255].into(),
            size_bytes: Some(MAX_BYTES),
            is_sparse: true,
            looks,
            problem: Some("odd".into()),
        }))
    };
    let document = |role| DocumentReport {
        role,
        image_idx: Some(0),
        name: "index.json".into(),
        media_type: String::new(),
        digest: "sha256:00".into(),
        size_bytes: MAX_BYTES,
        text: "{}".into(),
        is_cut: true,
        is_json: true,
        annotations: vec![("a".into(), "b".into())],
        about: Some("sha256:01".into()),
        predicate_type: Some("p".into()),
        subjects: vec!["s".into()],
    };
    let roles = [
        DocumentRole::DockerManifest,
        DocumentRole::Index,
        DocumentRole::Repositories,
        DocumentRole::Layout,
        DocumentRole::Manifest,
        DocumentRole::Config,
        DocumentRole::Attestation,
        DocumentRole::Statement,
        DocumentRole::Artifact,
    ];
    let documents = roles.map(document).into();
    let entry = || ComparedEntry {
        kind: RowKind::File,
        bytes: MAX_BYTES,
        mode: 0o644,
        uid: 0,
        gid: 0,
        link: String::new(),
        written_by: 1,
    };
    let compared = ComparedFile {
        path: "a".into(),
        kind: DifferenceKind::Content,
        aspects: vec![RowAspect::Content],
        before: Some(entry()),
        after: Some(entry()),
    };
    let fates =
        [LayerFate::Shared, LayerFate::SameTar, LayerFate::Replaced, LayerFate::Added, LayerFate::Removed];
    let layer = |fate| ComparedLayer {
        fate,
        before_idx: Some(0),
        after_idx: None,
        instruction: None,
        before_bytes: MAX_BYTES,
        after_bytes: 0,
        digest: None,
    };
    let compare = CompareReport {
        layers: fates.map(layer).into(),
        config: vec![ConfigChange { field: "a".into(), before: None, after: Some("b".into()) }],
        ..CompareReport::default()
    };
    let mut answers = vec![
        Answer::Ticket { archive: JobId(1), ticket: vec![0, 255].into() },
        Answer::Rows(Box::new(RowsReport {
            n_rows: u32::MAX,
            n_matching: 1,
            first: 0,
            rows: rows.clone(),
            bad_pattern: bad_pattern(),
            missing_layers: vec![1],
        })),
        Answer::RowAt(None),
        Answer::RowAt(Some(RowPlace { row_idx: 1, path: "a/b".into(), unfold: vec!["a".into()] })),
        Answer::Layers(vec![LayerCounts { n_added: MAX_BYTES, ..LayerCounts::default() }]),
        Answer::Biggest { files: rows.clone(), folders: rows },
        Answer::Map(Box::new(MapReport {
            nodes: [MapKind::Folder, MapKind::File, MapKind::Rest].map(node).into(),
            missing_layers: vec![0],
        })),
        Answer::Life(vec![life]),
        Answer::Waste(Box::new(waste)),
        Answer::Digests { archive: JobId(1), digests: vec![1].into(), is_last: true },
        Answer::Settled { n_files: 1 },
        Answer::Piece { bytes: vec![0, 255].into(), is_last: true, problem: Some("odd".into()) },
        Answer::Slice { from_bytes: MAX_BYTES, size_bytes: MAX_BYTES },
        Answer::Listing { text: "a\r\n".into(), next_row: Some(1), n_rows: 2 },
        Answer::Documents(Box::new(DocumentsReport { documents, ..DocumentsReport::default() })),
        Answer::History(Box::new(HistoryReport {
            steps: vec![HistoryStepReport { layer_idx: Some(1), ..HistoryStepReport::default() }],
            base_name: Some("alpine".into()),
            ..HistoryReport::default()
        })),
        Answer::Compare(Box::new(compare)),
        Answer::CompareRows { n_rows: 1, rows: vec![compared], bad_pattern: bad_pattern() },
    ];
    answers.extend(looks.map(contents));
    for answer in &answers {
        match answer {
            // A variant that is added must be added above, too.
            Answer::Ticket { .. }
            | Answer::Rows(_)
            | Answer::RowAt(_)
            | Answer::Layers(_)
            | Answer::Biggest { .. }
            | Answer::Map(_)
            | Answer::Life(_)
            | Answer::Waste(_)
            | Answer::Digests { .. }
            | Answer::Settled { .. }
            | Answer::Contents(_)
            | Answer::Piece { .. }
            | Answer::Slice { .. }
            | Answer::Listing { .. }
            | Answer::Documents(_)
            | Answer::History(_)
            | Answer::Compare(_)
            | Answer::CompareRows { .. } => {}
        }
    }
    answers
}
