//! Files as people write them, and broken ones.

mod bake;
mod compose;

use std::fmt::Write as _;

use expect_test::Expect;

use super::*;

fn shown(outcome: &Result<BuildFile, BuildFileError>) -> String {
    let mut out = String::new();
    let file = match outcome {
        Ok(file) => file,
        Err(error) => return format!("error: {error}\n"),
    };
    let opt = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    for build in &file.builds {
        write!(out, "{} @{}: {}", build.name, build.place.line, build.context).unwrap();
        match &build.dockerfile {
            Dockerfile::Path(path) => write!(out, " -f {path}").unwrap(),
            Dockerfile::Inline(text) => write!(out, " -f {text:?}").unwrap(),
        }
        if let Some(target) = &build.target {
            write!(out, " --target {target}").unwrap();
        }
        build.args.iter().for_each(|(name, value)| write!(out, " {name}={}", opt(value)).unwrap());
        build.labels.iter().for_each(|(name, value)| write!(out, " --label {name}={}", opt(value)).unwrap());
        build
            .contexts
            .iter()
            .for_each(|(name, value)| write!(out, " --build-context {name}={value}").unwrap());
        for (name, texts) in [
            ("platform", &build.platforms),
            ("no-cache-filter", &build.no_cache_filter),
            ("cache-from", &build.cache_from),
            ("secret", &build.secrets),
            ("ssh", &build.ssh),
            ("tag", &build.tags),
            ("ignored", &build.ignored),
        ] {
            if !texts.is_empty() {
                write!(out, " --{name} {}", texts.join(" ")).unwrap();
            }
        }
        if let Some(network) = &build.network {
            write!(out, " --network {network}").unwrap();
        }
        for (name, is_on) in [("no-cache", build.no_cache), ("pull", build.pull)] {
            if is_on {
                write!(out, " --{name}").unwrap();
            }
        }
        out.push('\n');
        for note in &build.notes {
            writeln!(out, "  {}:{} {}", note.place.line, note.place.column, note.message).unwrap();
        }
    }
    for group in &file.groups {
        writeln!(out, "group {}: {}", group.name, group.builds.join(" ")).unwrap();
    }
    for note in &file.notes {
        writeln!(out, "! {}:{} {}", note.place.line, note.place.column, note.message).unwrap();
    }
    out
}

fn check_with(name: &str, text: &str, environment: &str, expected: &Expect) {
    expected.assert_eq(&shown(&read(name, text, &env::parse(environment))));
}

#[test]
fn the_text_tells_what_it_is() {
    let kind = |name: &str, text: &str| read(name, text, &[]).map(|file| file.kind);
    let compose = "services: { a: { build: . } }";
    let hcl = "target \"a\" {\n}\n";
    let json = r#"{"target": {"a": {}}}"#;
    for (name, text, wanted) in [
        ("compose.yaml", compose, FileKind::Compose),
        ("", compose, FileKind::Compose),
        ("compose.json", r#"{"services": {"a": {"build": "."}}}"#, FileKind::Compose),
        ("docker-bake.hcl", hcl, FileKind::BakeHcl),
        ("pasted", hcl, FileKind::BakeHcl),
        ("docker-bake.json", json, FileKind::BakeJson),
        ("pasted", json, FileKind::BakeJson),
        ("Docker-Compose.YML", "\u{feff}services: {}", FileKind::Compose),
    ] {
        assert_eq!(kind(name, text), Ok(wanted), "{name}: {text}");
    }
    for (name, text) in [("", "hello"), ("x.yaml", "a: 1"), ("x.json", "{}"), ("x.hcl", "a = 1"), ("", "")] {
        let error = kind(name, text).unwrap_err();
        let is_told = matches!(error.kind, BuildFileErrorKind::NoBuilds | BuildFileErrorKind::NotAMap { .. });
        assert!(is_told, "{name}: {error}");
    }
}

#[test]
fn limits() {
    let error = |name: &str, text: &str| read(name, text, &[]).unwrap_err().kind;
    assert_eq!(error("", &"#".repeat(MAX_TEXT_BYTES + 1)), BuildFileErrorKind::TooLong);
    let deep = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(error("a.yaml", &deep), BuildFileErrorKind::TooDeep);
    assert!(matches!(error("a.json", &"[".repeat(1000)), BuildFileErrorKind::Syntax { .. }));
    assert!(matches!(
        error("a.hcl", &format!("a = {}", "[".repeat(1000))),
        BuildFileErrorKind::Syntax { .. }
    ));
    // Each alias stands for all of the line before, and costs nothing.
    let mut bomb = "services: {}\na0: &a0 [x]\n".to_owned();
    for idx in 1..40 {
        let before = idx - 1;
        writeln!(bomb, "a{idx}: &a{idx} [*a{before}, *a{before}]").unwrap();
    }
    assert!(read("a.yaml", &bomb, &[]).is_ok());
    for idx in 40..90 {
        writeln!(bomb, "a{idx}: &a{idx} [*a{}]", idx - 1).unwrap();
    }
    assert_eq!(error("a.yaml", &bomb), BuildFileErrorKind::TooDeep);
    assert_eq!(error("a.yaml", "a: &a [*a]"), BuildFileErrorKind::TooDeep);
    // What is merged is copied, and counted.
    let keys: String = (0..1000).map(|idx| format!("k{idx}: 1, ")).collect();
    let mut merges = format!("m: &m {{{keys}}}\n");
    (0..300).for_each(|idx| writeln!(merges, "n{idx}: {{<<: *m}}").unwrap());
    assert_eq!(error("a.yaml", &merges), BuildFileErrorKind::TooManyValues);
    // A service with many arguments, taken again and again.
    let args: String = (0..3000).map(|idx| format!("        A{idx}: x\n")).collect();
    let mut large = format!("services:\n  base:\n    build:\n      args:\n{args}");
    (0..400).for_each(|idx| writeln!(large, "  s{idx}: {{extends: base}}").unwrap());
    let file = read("a.yaml", &large, &[]).unwrap();
    assert!(file.builds.len() < 100 && file.notes.len() == 1, "{} {:?}", file.builds.len(), file.notes);
}

#[test]
fn bake_files_cannot_keep_the_worker_busy() {
    let mut doubling = "variable \"V0\" { default = \"xxxxxxxxxxxxxxxx\" }\n".to_owned();
    (1..60).for_each(|idx| {
        writeln!(doubling, "variable \"V{idx}\" {{ default = \"${{V{}}}${{V{}}}\" }}", idx - 1, idx - 1)
            .unwrap();
    });
    doubling.push_str("target \"a\" { args = { V = V59 } }");
    let file = read("a.hcl", &doubling, &[]).unwrap();
    assert!(file.builds[0].notes[0].message.contains("too "), "{:?}", file.builds[0].notes);
    let mut functions = "function \"f0\" {\n params = [x]\n result = [x, x]\n}\n".to_owned();
    (1..60).for_each(|idx| {
        let before = idx - 1;
        writeln!(
            functions,
            "function \"f{idx}\" {{\n params = [x]\n result = [f{before}(x), f{before}(x)]\n}}"
        )
        .unwrap();
    });
    functions.push_str("target \"a\" {\n tags = f59(1)\n}\n");
    let file = read("a.hcl", &functions, &[]).unwrap();
    assert_eq!(file.builds[0].notes.len(), 1, "{:?}", file.builds[0].notes);
    let axis = format!("[{}]", "\"x\", ".repeat(99));
    let matrix =
        format!("target \"a\" {{\n name = \"a\"\n matrix = {{ a = {axis}, b = {axis}, c = {axis} }}\n}}\n");
    let file = read("a.hcl", &matrix, &[]).unwrap();
    assert_eq!(file.builds.len(), 1);
    let chain: String =
        (0..300).map(|idx| format!("target \"t{idx}\" {{\n inherits = [\"t{}\"]\n}}\n", idx + 1)).collect();
    let file = read("a.hcl", &chain, &[]).unwrap();
    assert!(file.builds.iter().all(|build| !build.notes.is_empty() || build.name.as_str() > "t26"));
}
