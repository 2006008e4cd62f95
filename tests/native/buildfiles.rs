//! Build files of any kind: a value or an error with its place, and never a panic.

use layerlab::buildfile::{Dockerfile, MAX_BUILDS, MAX_NOTES, env, read};
use proptest::prelude::*;

/// Pieces that such files are made of, so that texts of them get somewhere.
const PIECES: [&str; 58] = [
    "services:",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "a:",
    "b:",
    "build:",
    "context:",
    " .",
    "args:",
    "- ",
    "A=1",
    "<<: *a",
    "&a ",
    "*a",
    "extends:",
    "!reset ",
    "${",
    "}",
    "$A",
    "$$",
    ":-",
    "[",
    "]",
    "{",
    "\"",
    "'",
    "|\n",
    "# c",
    "---\n",
    "target \"a\" {\n",
    "target \"b\" {\n",
    "group \"g\" {\n",
    "variable \"A\" {\n",
    "function \"f\" {\n",
    "}\n",
    "args = ",
    "inherits = ",
    "[\"a\", \"b\"]\n",
    "matrix = {",
    "name = ",
    "tags = ",
    "default = ",
    "params = [x]\n",
    "result = ",
    "f(1)",
    "A",
    " + ",
    " == ",
    "? 1 : 2",
    "\"x${A}y\"",
    "<<EOT\n",
    "EOT\n",
    "[for x in A : x]",
    "target.a.args",
    "null",
    "\u{feff}é\r\t",
];

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => any::<String>(),
        4 => proptest::collection::vec(0..PIECES.len(), 0..60)
            .prop_map(|idxs| idxs.into_iter().map(|idx| PIECES[idx]).collect()),
    ]
}

/// A file that is fine.
fn fine() -> impl Strategy<Value = (&'static str, String)> {
    let compose = "services:\n  a: &a\n    build: {context: ., args: {A: $A, B: ${B:-x}}}\n  b:\n    <<: *a\n\
                   \x20   extends: a\n";
    let hcl = "variable \"A\" { default = [1, \"2\"] }\nfunction \"f\" {\n  params = [x]\n  result = \"${x}!\"\n}\n\
               target \"a\" {\n  name = \"a-${v}\"\n  matrix = { v = A }\n  args = { V = f(v), W = v == 1 ? v : null }\n}\n\
               target \"b\" {\n  inherits = [\"a-1\"]\n  tags = [for x in A : \"t:${x}\"]\n}\n";
    let json =
        r#"{"variable": {"A": {"default": ["x"]}}, "target": {"a": {"tags": "${A}", "args": {"B": null}}}}"#;
    prop_oneof![Just(("a.yaml", compose)), Just(("a.hcl", hcl)), Just(("a.json", json))]
        .prop_map(|(name, text)| (name, text.to_owned()))
}

fn look_at(name: &str, text: &str, environment: &str) -> Result<(), TestCaseError> {
    let pairs = env::parse(environment);
    let outcome = read(name, text, &pairs);
    prop_assert_eq!(&outcome, &read(name, text, &pairs));
    let last_line = u32::try_from(text.split('\n').count()).unwrap() + 1;
    match outcome {
        Ok(file) => {
            prop_assert!(file.builds.len() <= MAX_BUILDS && file.notes.len() <= MAX_NOTES);
            for build in &file.builds {
                prop_assert!((1..=last_line).contains(&build.place.line), "{build:?}");
                prop_assert!(build.notes.len() <= MAX_NOTES);
                prop_assert!(build.dockerfile != Dockerfile::Path(String::new()));
                for note in &build.notes {
                    prop_assert!((1..=last_line).contains(&note.place.line), "{note:?}");
                }
            }
            let names: Vec<&str> = file.builds.iter().map(|build| build.name.as_str()).collect();
            for group in &file.groups {
                prop_assert!(group.builds.iter().all(|name| names.contains(&name.as_str())), "{group:?}");
            }
        }
        Err(error) => {
            prop_assert!((1..=last_line).contains(&error.place.line) && error.place.column >= 1, "{error:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_gives_a_value_or_an_error(text in texts(), environment in texts(), kind in 0..4_usize) {
        let name = ["", "a.yaml", "a.hcl", "a.json"][kind];
        look_at(name, &text, &environment)?;
    }

    /// A file that is cut, or that something else was put into.
    #[test]
    fn a_fine_file_gone_wrong((name, text) in fine(), at in any::<prop::sample::Index>(), piece in 0..PIECES.len(), cuts in any::<bool>()) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = places[at.index(places.len())];
        let (before, after) = text.split_at(at);
        let changed = if cuts { before.to_owned() } else { format!("{before}{}{after}", PIECES[piece]) };
        look_at(name, &changed, "A=1")?;
    }
}
