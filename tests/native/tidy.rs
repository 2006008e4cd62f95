//! Order in the repository: which module may use which, and what must not creep in.
//!
//! Every check is a function from text to findings, tried on something bad, and
//! then applied to all files that git knows.

#![allow(clippy::disallowed_methods, reason = "looks at the files of the repository")]

use std::path::Path;
use std::process::Command;

/// What each module may use: arrows only point up this table.
const MODULES: [(&str, &[&str]); 20] = [
    ("text", &[]),
    ("digest", &[]),
    ("diagnostic", &["text"]),
    ("dockerfile", &["text", "diagnostic"]),
    ("oci", &["digest"]),
    ("archive", &["text", "digest"]),
    ("layer", &["text", "digest", "archive"]),
    ("context", &["text", "diagnostic", "digest", "archive"]),
    ("graph", &["text", "diagnostic", "digest", "dockerfile", "oci"]),
    ("image", &["digest", "oci", "archive", "layer"]),
    ("cache", &["text", "digest", "dockerfile", "oci", "context", "graph"]),
    ("terminal", &["text", "digest", "dockerfile", "context", "graph", "cache"]),
    ("lint", &["text", "diagnostic", "digest", "dockerfile", "oci", "context", "graph"]),
    ("assist", &["text", "diagnostic", "dockerfile", "lint"]),
    ("buildfile", &["text", "digest"]),
    ("report", &["digest", "context"]),
    ("protocol", &["digest", "oci", "archive", "layer", "context", "image"]),
    ("job", &["digest", "oci", "archive", "layer", "context", "image", "buildfile", "protocol"]),
    (
        "app",
        &[
            "text",
            "diagnostic",
            "digest",
            "dockerfile",
            "oci",
            "context",
            "graph",
            "cache",
            "terminal",
            "lint",
            "assist",
            "report",
            "protocol",
        ],
    ),
    (
        "web",
        &[
            "text",
            "diagnostic",
            "digest",
            "dockerfile",
            "oci",
            "archive",
            "layer",
            "context",
            "graph",
            "image",
            "cache",
            "terminal",
            "lint",
            "assist",
            "report",
            "protocol",
            "job",
            "app",
        ],
    ),
];

/// Crates that exist in a browser only.
const BROWSER_CRATES: [&str; 7] =
    ["yew", "web-sys", "js-sys", "wasm-bindgen", "wasm-bindgen-futures", "serde-wasm-bindgen", "gloo"];

/// No file is longer, but for those listed.
const MAX_LINES: usize = 700;

/// Longer files, each with a limit of its own and the reason.
const LONG_FILES: [(&str, usize, &str); 4] = [
    ("src/dockerfile/syntax.rs", 900, "one state machine over the lines of a file"),
    ("src/dockerfile/instruction.rs", 800, "one function for each instruction"),
    ("src/graph/convert.rs", 800, "one pass over stages and instructions"),
    ("src/app/view.rs", 1000, "one function for each part of the page"),
];

/// The module that a file of `src` belongs to; `bin` for entry points, none for `lib.rs`.
fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let (module, _) = inside.split_once('/')?;
    Some(module)
}

/// Each module named by a `crate::` path, those in braces included, with its line.
fn named_modules(text: &str) -> Vec<(usize, String)> {
    // Comments become blank, so that places stay.
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
    let code = code.join("\n");
    let name_at = |at: usize| -> String {
        code[at..].chars().take_while(|ch| ch.is_ascii_alphanumeric() || *ch == '_').collect()
    };
    let line_at = |at: usize| code[..at].matches('\n').count() + 1;
    let mut found = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        // `mycrate` is something else.
        if code[..at].ends_with(|ch: char| ch.is_alphanumeric() || ch == '_') {
            continue;
        }
        let start = at + prefix.len();
        let Some(list) = code[start..].strip_prefix('{') else {
            found.push((line_at(start), name_at(start)));
            continue;
        };
        let (mut depth, mut is_start) = (0, true);
        for (idx, ch) in list.char_indices() {
            let here = start + 1 + idx;
            match ch {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => is_start = true,
                _ if is_start && !ch.is_whitespace() => {
                    found.push((line_at(here), name_at(here)));
                    is_start = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// Arrows of a file that its module must not have.
fn forbidden_arrows(path: &str, text: &str) -> Vec<String> {
    let Some(module) = module_of(path) else { return Vec::new() };
    let allowed = match MODULES.iter().find(|(name, _)| *name == module) {
        Some((_, allowed)) => *allowed,
        None if module == "bin" => &["web"],
        None => return vec![format!("{path}: module {module} is not in the table")],
    };
    let mut found = Vec::new();
    for (line, name) in named_modules(text) {
        if name != module && !allowed.contains(&name.as_str()) && !name.is_empty() {
            found.push(format!("{path}:{line}: {module} must not use {name}"));
        }
    }
    found
}

/// Code for one target outside of `lib.rs`, `bin` and `web`.
fn stray_targets(path: &str, text: &str) -> Vec<String> {
    let may = path == "src/lib.rs" || path.starts_with("src/bin/") || path.starts_with("src/web/");
    let is_stray = |line: &str| line.split("//").next().unwrap_or("").contains("target_arch");
    lines_with(path, text, "target_arch is for lib.rs, bin and web", |line| !may && is_stray(line))
}

fn lines_with(path: &str, text: &str, message: &str, is_bad: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = text.lines().enumerate().filter(|(_, line)| is_bad(line));
    lines.map(|(idx, _)| format!("{path}:{}: {message}", idx + 1)).collect()
}

/// Browser crates under any table but that of the wasm target.
fn stray_browser_crates(manifest: &str) -> Vec<String> {
    let mut table = String::new();
    let mut found = Vec::new();
    for (idx, line) in manifest.lines().enumerate() {
        let mut name = line.split(['=', '.', ' ']).next().unwrap_or("").trim().to_owned();
        if line.starts_with('[') {
            table = line.trim_matches(['[', ']']).to_owned();
            name = table.rsplit('.').next().unwrap_or("").to_owned();
        }
        let is_wasm = table.starts_with("target.'cfg(target_arch = \"wasm32\")'.");
        if table.contains("dependencies") && !is_wasm && BROWSER_CRATES.contains(&name.as_str()) {
            found.push(format!("Cargo.toml:{}: {name} belongs under the wasm target table", idx + 1));
        }
    }
    found
}

/// Notes of work that is left, which belong into issues.
fn unfinished(path: &str, text: &str) -> Vec<String> {
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    lines_with(path, text, "work that is left belongs into an issue", |line| {
        marks.iter().any(|mark| line.contains(mark.as_str()))
    })
}

/// Colors that are written out instead of named.
fn color_literals(path: &str, text: &str) -> Vec<String> {
    let is_hex = |line: &str| {
        line.match_indices('#').any(|(at, _)| {
            let digits = line[at + 1..].bytes().take_while(u8::is_ascii_hexdigit).count();
            let ends =
                line[at + 1 + digits..].chars().next().is_none_or(|ch| !ch.is_alphanumeric() && ch != '-');
            // A selector of an element stands before its brace, a color in a value.
            matches!(digits, 3 | 4 | 6 | 8) && ends && line[..at].contains(':')
        })
    };
    let functions = ["rgb(", "rgba(", "hsl(", "hsla(", "oklch(", "oklab(", "lab(", "lch(", "hwb("];
    lines_with(path, text, "colors have names in tokens.css", |line| {
        is_hex(line) || functions.iter().any(|function| has_word(line, function))
    })
}

/// The function is called here, not another one whose name ends like it.
fn has_word(line: &str, word: &str) -> bool {
    let is_start = |at: usize| !line[..at].ends_with(|ch: char| ch.is_alphanumeric() || ch == '-');
    line.match_indices(word).any(|(at, _)| is_start(at))
}

fn too_long(path: &str, text: &str) -> Vec<String> {
    let own = LONG_FILES.iter().find(|(long, _, _)| *long == path);
    let most = own.map_or(MAX_LINES, |(_, most, _)| *most);
    let n_lines = text.lines().count();
    if n_lines > most { vec![format!("{path}: {n_lines} lines, more than {most}")] } else { Vec::new() }
}

/// A module without a page of its own.
fn undocumented(path: &str, text: &str) -> Vec<String> {
    let is_module = path.starts_with("src/") && path.ends_with("/mod.rs");
    let has_docs =
        text.starts_with("//!") && text.lines().take_while(|line| line.starts_with("//!")).count() >= 1;
    if is_module && !has_docs { vec![format!("{path}: says nothing about its module")] } else { Vec::new() }
}

/// Addresses of downloads in a lock file, which hold only where they were made.
fn resolved_addresses(path: &str, text: &str) -> Vec<String> {
    lines_with(path, text, "no download addresses in the lock file", |line| line.contains("\"resolved\""))
}

/// Registries and their mirrors: addresses that only some machines reach.
fn registry_hosts(path: &str, text: &str) -> Vec<String> {
    let hosts = [
        ["registry.", "npmjs.org"],
        ["registry.", "yarnpkg.com"],
        ["static.", "crates.io"],
        ["index.", "crates.io"],
        ["files.", "pythonhosted.org"],
        ["proxy.", "golang.org"],
        ["deb.", "debian.org"],
    ]
    .map(|parts| parts.concat());
    let private = ["artifactory", "nexus3", "verdaccio"].map(|name| format!("{name}."));
    lines_with(path, text, "no registry's address", |line| {
        hosts.iter().chain(&private).any(|host| line.contains(host.as_str()))
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files that git knows; those of a folder that is no repository are walked.
fn files() -> Vec<String> {
    let listed = Command::new("git").arg("-C").arg(root()).args(["ls-files", "-z"]).output();
    let listed = listed.ok().filter(|output| output.status.success() && !output.stdout.is_empty());
    let mut files: Vec<String> = match listed {
        Some(output) => String::from_utf8_lossy(&output.stdout).split('\0').map(str::to_owned).collect(),
        None => walk(root(), ""),
    };
    files.retain(|path| !path.is_empty() && root().join(path).is_file());
    files.sort();
    files
}

fn walk(folder: &Path, prefix: &str) -> Vec<String> {
    let built = ["target", "dist", "node_modules", "test-results", "screenshots", ".git"];
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            if !built.contains(&name.as_str()) {
                found.extend(walk(&entry.path(), &format!("{path}/")));
            }
        } else {
            found.push(path);
        }
    }
    found
}

/// The text files, records left out: they say what others wrote.
fn texts() -> Vec<(String, String)> {
    let is_ours = |path: &String| !path.starts_with("tests/corpus/");
    let read = |path: String| {
        let text = std::fs::read_to_string(root().join(&path)).ok()?;
        Some((path, text))
    };
    files().into_iter().filter(is_ours).filter_map(read).collect()
}

/// What a check finds in the files that `is_meant` picks; some file must be meant.
fn apply(is_meant: impl Fn(&str) -> bool, check: impl Fn(&str, &str) -> Vec<String>) {
    let meant: Vec<_> = texts().into_iter().filter(|(path, _)| is_meant(path)).collect();
    assert!(!meant.is_empty(), "no file to look at");
    let found: Vec<String> = meant.iter().flat_map(|(path, text)| check(path, text)).take(50).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn is_source(path: &str) -> bool {
    path.starts_with("src/") && path.ends_with(".rs")
}

#[test]
fn arrows_point_up() {
    for (idx, (module, allowed)) in MODULES.iter().enumerate() {
        let above = |name: &&str| MODULES[..idx].iter().any(|(known, _)| known == name);
        assert!(allowed.iter().all(above), "{module} uses what stands below it");
    }
    let bad = "use crate::app::State;\nuse crate::{text,\n web::{a, b}};\n// crate::app\n";
    assert_eq!(
        forbidden_arrows("src/digest/mod.rs", bad),
        [
            "src/digest/mod.rs:1: digest must not use app",
            "src/digest/mod.rs:2: digest must not use text",
            "src/digest/mod.rs:3: digest must not use web",
        ]
    );
    assert!(forbidden_arrows("src/layer/mod.rs", "use crate::archive::Limits;").is_empty());
    assert_eq!(forbidden_arrows("src/new/mod.rs", "").len(), 1);
    apply(is_source, forbidden_arrows);
}

#[test]
fn browser_stays_behind_the_wall() {
    let bad = "#[cfg(target_arch = \"wasm32\")]";
    assert_eq!(stray_targets("src/app/mod.rs", bad).len(), 1);
    assert!(stray_targets("src/web/mod.rs", bad).is_empty());
    apply(is_source, stray_targets);
    let bad = "[dependencies]\nyew = \"1\"\n[dependencies.web-sys]\nversion = \"1\"\n\
               [target.'cfg(target_arch = \"wasm32\")'.dependencies]\njs-sys = \"1\"\n";
    assert_eq!(stray_browser_crates(bad).len(), 2);
    apply(|path| path == "Cargo.toml", |_, text| stray_browser_crates(text));
}

#[test]
fn nothing_is_left_unsaid() {
    let mark = ["TO", "DO"].concat();
    assert_eq!(unfinished("a.rs", &format!("fine\n// {mark}: later")).len(), 1);
    apply(|path| !path.ends_with("lock.json"), unfinished);
    assert_eq!(undocumented("src/a/mod.rs", "use x;").len(), 1);
    assert!(undocumented("src/a/mod.rs", "//! A.").is_empty());
    apply(is_source, undocumented);
}

#[test]
fn colors_have_names() {
    let bad = "a { color: #fff; }\n#abc { margin: 0 }\nb { background: rgb(1 2 3); }\n";
    assert_eq!(color_literals("x.css", bad).len(), 2);
    assert!(color_literals("x.css", "a { color: var(--ink); mask: url(#cut-out); }").is_empty());
    let is_meant = |path: &str| path.starts_with("www/styles/") && !path.ends_with("/tokens.css");
    apply(is_meant, color_literals);
}

#[test]
fn files_are_short() {
    assert_eq!(too_long("a.rs", &"x\n".repeat(MAX_LINES + 1)).len(), 1);
    assert!(LONG_FILES.iter().all(|(_, most, reason)| *most > MAX_LINES && !reason.is_empty()));
    let is_code = |path: &str| [".rs", ".ts", ".mjs", ".css", ".sh"].iter().any(|end| path.ends_with(end));
    apply(is_code, too_long);
}

#[test]
fn locks_hold_everywhere() {
    assert_eq!(resolved_addresses("package-lock.json", "\"resolved\": \"x\"").len(), 1);
    apply(|path| path == "package-lock.json", resolved_addresses);
    let host = ["registry.", "npmjs.org"].concat();
    assert_eq!(registry_hosts("a", &format!("https://{host}/x")).len(), 1);
    apply(|_| true, registry_hosts);
    assert!(files().iter().any(|path| path == "Cargo.lock"), "Cargo.lock is not there");
}
