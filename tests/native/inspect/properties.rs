//! What holds for any tree, however it is folded, sorted and filtered.

use std::collections::BTreeSet;

use layerlab::protocol::inspect::rows::{
    ChangeClass, RowChange, RowFilter, SortBy, TreeOf, TreeQuery, TreeRow,
};
use layerlab::protocol::inspect::{Answer, ImageAt, Question};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::{Desk, archive_of};

fn path() -> impl Strategy<Value = String> {
    // Few names, so that layers meet; one of them sorts before `/`.
    vec(prop_oneof![Just("a"), Just("b"), Just("a-"), Just("C.so")], 1..4).prop_map(|names| names.join("/"))
}

/// Layers of files and whiteouts; no file of a layer is a folder of it, too.
fn layer() -> impl Strategy<Value = Vec<String>> {
    vec((path(), prop_oneof![4 => "[xy]{0,4}".prop_map(Some), 1 => Just(None)]), 0..10).prop_map(|entries| {
        let mut kept: Vec<String> = Vec::new();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for (path, content) in entries {
            let below = format!("{path}/");
            let is_taken = names.iter().any(|name| {
                *name == path || name.starts_with(&below) || path.starts_with(&format!("{name}/"))
            });
            if is_taken {
                continue;
            }
            names.insert(path.clone());
            kept.push(match content {
                Some(content) => format!("{path}={content}"),
                None => {
                    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
                    if folder.is_empty() { format!(".wh.{name}") } else { format!("{folder}/.wh.{name}") }
                }
            });
        }
        kept
    })
}

fn query() -> impl Strategy<Value = TreeQuery> {
    let classes = prop_oneof![
        Just(ChangeClass::Added),
        Just(ChangeClass::Content),
        Just(ChangeClass::Again),
        Just(ChangeClass::Removed),
        Just(ChangeClass::Untouched),
    ];
    let filter = (
        prop_oneof![2 => Just(""), 1 => Just("*.so"), 1 => Just("b"), 1 => Just("a/*")],
        0..3_u64,
        btree_set(classes, 0..3),
    );
    let filter = filter.prop_map(|(pattern, min_bytes, kinds)| RowFilter {
        pattern: pattern.to_owned(),
        is_regex: false,
        min_bytes,
        kinds,
    });
    let sort = prop_oneof![Just(SortBy::Name), Just(SortBy::Size), Just(SortBy::Change)];
    let of = prop_oneof![Just(TreeOf::Layer), Just(TreeOf::Stack)];
    let folds = (any::<bool>(), btree_set(path(), 0..5), btree_set(path(), 0..3));
    (0..3_u32, of, folds, sort, any::<bool>(), filter).prop_map(
        |(layer_idx, of, (is_all_unfolded, unfolded, folded), sort, is_descending, filter)| TreeQuery {
            image: ImageAt::default(),
            layer_idx,
            of,
            is_all_unfolded,
            unfolded,
            folded,
            sort,
            is_descending,
            filter,
        },
    )
}

fn open(layers: &[Vec<String>]) -> (Desk, ImageAt) {
    let layers: Vec<Vec<&str>> =
        layers.iter().map(|layer| layer.iter().map(String::as_str).collect()).collect();
    let layers: Vec<(&str, &[&str])> = layers.iter().map(|layer| ("RUN x", layer.as_slice())).collect();
    let mut desk = Desk::default();
    let (archive, _) = desk.open(&archive_of(&layers));
    (desk, ImageAt { archive, image_idx: 0 })
}

/// The pattern is met by the path or by a folder above it, told the plain way.
fn is_match(pattern: &str, path: &str) -> bool {
    let above = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    above.map(|end| &path[..end]).any(|path| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        match pattern {
            "" => true,
            "*.so" => name.ends_with(".so"),
            "b" => name.to_lowercase().contains('b'),
            _ => folder == "a" || folder.ends_with("/a"),
        }
    })
}

fn is_of(change: &RowChange, class: ChangeClass) -> bool {
    change.is_of(class)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_windows_are_the_whole_list(layers in vec(layer(), 3), query in query(), n_rows in 1..7_u32) {
        let (mut desk, image) = open(&layers);
        let query = TreeQuery { image, ..query };
        let whole = desk.window(&query, 0, u32::MAX);
        let mut parts: Vec<TreeRow> = Vec::new();
        // The other way round, as someone scrolls up.
        for first in (0..whole.n_rows).step_by(n_rows as usize).collect::<Vec<_>>().into_iter().rev() {
            let report = desk.window(&query, first, n_rows);
            prop_assert_eq!(report.n_rows, whole.n_rows);
            parts.splice(0..0, report.rows);
        }
        prop_assert_eq!(&parts, &whole.rows);
        for (idx, row) in parts.iter().enumerate() {
            let below = parts[idx + 1..].iter().take_while(|below| below.depth > row.depth);
            let n_children = below.filter(|below| below.depth == row.depth + 1).count();
            prop_assert_eq!(n_children > 0, row.is_unfolded == Some(true));
            let path = row.path.clone();
            let answer = desk.ask(Question::RowAt { query: query.clone(), path });
            let Answer::RowAt(Some(place)) = answer else { panic!("{answer:?}") };
            prop_assert_eq!((place.row_idx as usize, place.unfold.len()), (idx, 0));
        }
    }

    #[test]
    fn filters_lose_nothing(layers in vec(layer(), 3), query in query()) {
        let (mut desk, image) = open(&layers);
        let everything = TreeQuery {
            image,
            is_all_unfolded: true,
            folded: BTreeSet::new(),
            filter: RowFilter::default(),
            ..query.clone()
        };
        let filter = query.filter.clone();
        let expected: BTreeSet<String> = desk
            .rows(&everything)
            .into_iter()
            .filter(|row| is_match(&filter.pattern, &row.path) && row.total_bytes >= filter.min_bytes)
            .filter(|row| filter.kinds.is_empty() || filter.kinds.iter().any(|class| is_of(&row.change, *class)))
            .map(|row| row.path)
            .collect();
        let filtered = TreeQuery { filter, ..everything };
        let rows = desk.rows(&filtered);
        let found: BTreeSet<String> = rows.iter().filter(|row| row.is_matching).map(|row| row.path.clone()).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(desk.window(&filtered, 0, 0).n_matching as usize, expected.len());
        // What else is there stands above it.
        let is_above = |row: &TreeRow| expected.iter().any(|path| path.starts_with(&format!("{}/", row.path)));
        prop_assert!(rows.iter().all(|row| row.is_matching || is_above(row)));
    }
}
