//! What holds for every text and every place in it: help never fails, and a
//! formatted file means the same.

use std::collections::BTreeMap;

use layerlab::assist::Known;
use layerlab::assist::complete::completions;
use layerlab::assist::fold::folds;
use layerlab::assist::format::format;
use layerlab::assist::hover::hover;
use layerlab::assist::names::{definition, references};
use layerlab::assist::rename::{rename, renamed_word};
use layerlab::diagnostic::Fix;
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::convert::build;
use layerlab::graph::{BaseImage, BuildOptions, Graph};
use layerlab::oci::{ImageConfig, Platform, RuntimeConfig};
use layerlab::text::TextRange;
use proptest::prelude::*;

use super::properties::{dockerfile, recorded, run};

fn with_known(check: impl FnOnce(&Known<'_>)) {
    let paths = ["a b", "a/x", "b.md"].map(str::to_owned);
    let build_args = BTreeMap::from([("x".to_owned(), "given".to_owned())]);
    let base_env = [vec![("PATH".to_owned(), "/bin".to_owned())]];
    check(&Known {
        paths: &paths,
        contexts: &["context".to_owned()],
        build_args: &build_args,
        base_env: &base_env,
    });
}

/// Whatever is asked at any place has an answer whose ranges fit the text.
fn helps_everywhere(text: &str, places: impl Iterator<Item = usize>) {
    let file = Dockerfile::read(text);
    let fits = |range: TextRange| text.get(range.start()..range.end()).is_some();
    for fold in folds(text, &file) {
        assert!(fits(fold.range) && !fold.range.is_empty(), "{fold:?}: {text:?}");
    }
    with_known(|known| {
        for offset in places.filter(|offset| text.is_char_boundary(*offset)) {
            let found = completions(text, &file, offset, known);
            let is_here = found.replace.start() <= offset && offset <= found.replace.end();
            assert!(found.items.is_empty() || is_here && fits(found.replace), "{offset}: {text:?}");
            for item in &found.items {
                assert!(item.insert.is_char_boundary(item.caret) && !item.label.is_empty(), "{item:?}");
            }
            let about = hover(text, &file, offset, known);
            assert!(
                about.iter().all(|about| fits(about.range) && !about.body.is_empty()),
                "{offset}: {text:?}"
            );
            let places = references(text, &file, offset, known);
            assert!(places.iter().all(|range| fits(*range)), "{offset}: {text:?}");
            assert!(definition(text, &file, offset, known).is_none_or(fits), "{offset}: {text:?}");
            assert!(
                renamed_word(text, &file, offset).is_ok_and(fits)
                    || renamed_word(text, &file, offset).is_err()
            );
            if let Ok(edits) = rename(text, &file, offset, "renamed_thing") {
                renames_well(text, &file, edits);
            }
        }
    });
}

/// A renamed file is refused no more than before, and the name can be given back.
fn renames_well(text: &str, file: &Dockerfile, edits: Vec<layerlab::diagnostic::TextEdit>) {
    let Some(first) = edits.first().cloned() else { return };
    let old = first.range.of(text).to_owned();
    let is_alike = edits.iter().all(|edit| edit.range.of(text) == old);
    let renamed = Fix { label: String::new(), edits }.apply(text);
    let after = Dockerfile::read(&renamed);
    // A name that cannot be may have been among those that are refused.
    assert!(after.refusals.len() <= file.refusals.len(), "{text:?} became {renamed:?}");
    let back = rename(&renamed, &after, first.range.start(), &old);
    if let (true, Ok(edits)) = (is_alike, back) {
        assert_eq!(Fix { label: String::new(), edits }.apply(&renamed), text);
    }
}

/// What a builder would do: everything but names, lines and texts to show.
fn work(text: &str) -> Result<Graph, String> {
    let find_base = |_: &str, _: &Platform| {
        let config = RuntimeConfig { env: vec!["PATH=/bin".into()], ..RuntimeConfig::default() };
        Some(BaseImage {
            config: ImageConfig { config, ..ImageConfig::default() },
            is_known: true,
            ..BaseImage::default()
        })
    };
    let mut graph = build(&Dockerfile::read(text), &BuildOptions::default(), &find_base)
        .map_err(|error| error.message)?;
    for step in &mut graph.steps {
        (step.name, step.text, step.lines, step.range) =
            (String::new(), String::new(), None, TextRange::default());
    }
    for stage in &mut graph.stages {
        stage.lines = layerlab::text::Lines::default();
    }
    graph.placed.clear();
    Ok(graph)
}

/// Formatting changes nothing that a builder does, and nothing the second time. Says whether it changed something.
fn formats_well(text: &str) -> bool {
    let file = Dockerfile::read(text);
    let fix = format(text, &file);
    let ends = fix.edits.iter().map(|edit| edit.range.end());
    let starts = fix.edits.iter().map(|edit| edit.range.start()).skip(1);
    assert!(ends.zip(starts).all(|(end, start)| end <= start), "edits in order: {fix:?}");
    let once = fix.apply(text);
    let after = Dockerfile::read(&once);
    assert_eq!(format(&once, &after).edits, [], "twice is as once: {text:?} became {once:?}");
    assert_eq!(after.refusals.len(), file.refusals.len(), "{text:?} became {once:?}");
    assert!(file.parse.nodes.len() == after.parse.nodes.len(), "{text:?} became {once:?}");
    for (before, after) in file.parse.nodes.iter().zip(&after.parse.nodes) {
        let values = |node: &layerlab::dockerfile::syntax::Node| -> Vec<String> {
            let is_word = |value: &str| ["as", "cmd", "none"].contains(&value.to_ascii_lowercase().as_str());
            let words = node.flags.iter().chain(&node.args).map(|word| word.value.clone());
            words.map(|value| if is_word(&value) { value.to_lowercase() } else { value }).collect()
        };
        assert_eq!(values(before), values(after), "{text:?} became {once:?}");
        let bodies = |node: &layerlab::dockerfile::syntax::Node| -> Vec<String> {
            node.heredocs.iter().map(|heredoc| heredoc.content.clone()).collect()
        };
        assert_eq!(bodies(before), bodies(after), "{text:?} became {once:?}");
    }
    assert_eq!(work(text).ok(), work(&once).ok(), "{text:?} became {once:?}");
    once != text
}

#[test]
fn any_place() {
    run(&dockerfile(), |text| helps_everywhere(&text, 0..=text.len()));
    run(&any::<String>(), |text| helps_everywhere(&text, 0..=text.len()));
    for text in recorded() {
        // Of a long file some places, a different one on every line.
        let step = (text.len() / 40).max(1);
        helps_everywhere(&text, (0..=text.len()).step_by(step));
    }
}

#[test]
fn any_format() {
    run(&dockerfile(), |text| {
        formats_well(&text);
    });
    let n_changed = recorded().iter().filter(|text| formats_well(text)).count();
    assert!(n_changed > 0, "some record is not in style yet");
}
