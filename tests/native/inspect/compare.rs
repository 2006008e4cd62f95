//! Two images beside each other.

use std::collections::BTreeSet;

use layerlab::protocol::inspect::compare::{
    CompareFilter, CompareReport, ComparedFile, DifferenceKind, DifferenceSort, LayerFate,
};
use layerlab::protocol::inspect::rows::RowFilter;
use layerlab::protocol::inspect::{Answer, ImageAt, Question, SettleScope};

use super::{Desk, archive_of, corpus};

fn report(desk: &mut Desk, before: ImageAt, after: ImageAt) -> CompareReport {
    match desk.ask(Question::Compare { before, after }) {
        Answer::Compare(report) => *report,
        other => panic!("{other:?}"),
    }
}

fn rows(desk: &mut Desk, before: ImageAt, after: ImageAt, filter: CompareFilter) -> Vec<ComparedFile> {
    match desk.ask(Question::CompareRows { before, after, filter, first: 0, n_rows: u32::MAX }) {
        Answer::CompareRows { rows, .. } => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_image_does_not_differ_from_itself() {
    for name in ["docker20-sample.tar", "buildkit-oci-zstd.tar", "edge-names.tar", "edge-no-layers.tar"] {
        let mut desk = Desk::default();
        let (first, _) = desk.open(&corpus(name));
        let (second, _) = desk.open(&corpus(name));
        let before = ImageAt { archive: first, image_idx: 0 };
        for after in [before, ImageAt { archive: second, image_idx: 0 }] {
            let report = report(&mut desk, before, after);
            assert_eq!(report.files, layerlab::protocol::inspect::compare::FileCounts::default(), "{name}");
            assert!(report.layers.iter().all(|layer| layer.fate == LayerFate::Shared), "{name}");
            assert_eq!((report.pull_bytes, report.pull_back_bytes, report.n_undecided), (0, 0, 0), "{name}");
            assert_eq!((report.config.len(), report.n_unverified_layers), (0, 0), "{name}");
            assert!(rows(&mut desk, before, after, CompareFilter::default()).is_empty(), "{name}");
        }
    }
}

#[test]
fn the_same_image_compressed_otherwise_is_pulled_again() {
    let mut desk = Desk::default();
    let (gzip, images) = desk.open(&corpus("buildkit-oci-gzip.tar"));
    let (zstd, _) = desk.open(&corpus("buildkit-oci-zstd.tar"));
    let (before, after) = (ImageAt { archive: gzip, image_idx: 0 }, ImageAt { archive: zstd, image_idx: 0 });
    let report = report(&mut desk, before, after);
    assert!(report.layers.iter().all(|layer| layer.fate == LayerFate::SameTar), "{:?}", report.layers);
    assert_eq!((report.files.n_content, report.n_undecided), (0, 0));
    assert_eq!(report.pull_bytes, report.after_stored_bytes);
    let stored: u64 = images[0].layers.iter().map(|layer| layer.stored_bytes).sum();
    assert!(report.pull_back_bytes == report.before_stored_bytes && report.before_stored_bytes <= stored);
}

#[test]
fn differences_are_counted_sorted_and_filtered() {
    let base: &[&str] = &["etc/", "etc/same=1", "etc/other=x"];
    let before = [
        ("FROM base", base),
        ("COPY app", &["app/a=1", "app/big=0123456789", "app/gone=12"]),
        ("RUN old", &["old=1"]),
    ];
    let after =
        [("FROM base", base), ("COPY app", &["app/a=2", "app/big=01234", "app/new=123", "app/sub/x.so=1"])];
    let mut desk = Desk::default();
    let (first, _) = desk.open(&archive_of(&before));
    let (second, images) = desk.open(&archive_of(&after));
    let (before, after) =
        (ImageAt { archive: first, image_idx: 0 }, ImageAt { archive: second, image_idx: 0 });
    let told = report(&mut desk, before, after);
    let fates: Vec<_> =
        told.layers.iter().map(|layer| (layer.fate, layer.before_idx, layer.after_idx)).collect();
    let expected = [
        (LayerFate::Shared, Some(0), Some(0)),
        (LayerFate::Replaced, Some(1), Some(1)),
        (LayerFate::Removed, Some(2), None),
    ];
    assert_eq!(fates, expected);
    assert_eq!(told.layers[2].instruction.as_deref(), Some("RUN old"));
    assert_eq!(told.pull_bytes, images[0].layers[1].stored_bytes);
    // `app/a` has the same length, and what is in it was not read.
    assert_eq!((told.n_undecided, told.undecided_bytes, told.files.n_content), (1, 2, 1));
    for (image, other) in [(before, after), (after, before)] {
        assert_eq!(desk.settle(image, SettleScope::Against { other }), 1);
    }
    let told = report(&mut desk, before, after);
    assert_eq!((told.n_undecided, told.files.n_content), (0, 2));
    let files = told.files;
    assert_eq!((files.n_added, files.added_bytes, files.n_removed, files.removed_bytes), (3, 4, 2, 3));
    assert_eq!((files.content_before_bytes, files.content_after_bytes), (11, 6));
    let grown =
        i64::try_from(told.after_tree_bytes).unwrap() - i64::try_from(told.before_tree_bytes).unwrap();
    assert_eq!(grown, 4 + 6 - 3 - 11);
    let mut paths = |filter| -> Vec<String> {
        rows(&mut desk, before, after, filter).into_iter().map(|row| row.path).collect()
    };
    let all = ["app/big", "app/new", "app/gone", "app/sub/x.so", "old", "app/a", "app/sub"];
    assert_eq!(paths(CompareFilter::default()), all);
    let by_path = CompareFilter { sort: DifferenceSort::Path, is_reversed: true, ..CompareFilter::default() };
    assert_eq!(paths(by_path)[0], "old");
    let kinds = BTreeSet::from([DifferenceKind::Removed]);
    assert_eq!(paths(CompareFilter { kinds, ..CompareFilter::default() }), ["app/gone", "old"]);
    let filter = |pattern: &str| CompareFilter {
        rows: RowFilter { pattern: pattern.into(), ..RowFilter::default() },
        ..CompareFilter::default()
    };
    assert_eq!(paths(filter("*.so")), ["app/sub/x.so"]);
    assert_eq!(paths(filter("sub")), ["app/sub/x.so", "app/sub"]);
}
