//! `hostile`: damaged, malicious and wrong files.
//!
//! What is found in a file is told first, without its record; then both are compared.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use layerlab::image::problem::{OpenError, Part, Problem};
use serde_json::Value;

use super::corpus;
use super::images::{self, Told};
use super::score::{Score, Section, Verdict};

/// What the reader makes of a file.
struct Account {
    outcome: &'static str,
    /// Kind and place of everything that it names.
    found: Vec<(&'static str, String)>,
    /// Layers that are readable in whole.
    n_whole: u64,
}

pub(super) fn score(folder: &Path) -> Score {
    let mut score = Score::default();
    let text = corpus::read_text(&folder.join("index.json")).and_then(Result::ok).unwrap_or_default();
    let records: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    for record in &records {
        let file = record["file"].as_str().unwrap_or("");
        score.add(file.to_owned(), sections(&folder.join(file), record));
    }
    if records.is_empty() {
        score.add("index.json".to_owned(), vec![("record", Err("cannot be read".to_owned()))]);
    }
    score
}

fn sections(path: &Path, record: &Value) -> Vec<Section> {
    // A file with limits is opened in a process of its own first, which may be ended.
    let limits = &record["limits"];
    let within = (!limits.is_null()).then(|| within_limits(path, limits));
    if let Some(Err(account)) = &within
        && account.starts_with("took")
    {
        return vec![("limits", Err(account.clone()))];
    }
    let account = std::panic::catch_unwind(|| account_of(path));
    let Ok(account) = account else { return vec![("outcome", Err("panicked".to_owned()))] };
    let mut sections = vec![
        ("outcome", outcome(record, &account)),
        ("kind", kind(record, &account)),
        ("must_open", must_open(record, &account)),
    ];
    sections.extend(within.map(|verdict| ("limits", verdict)));
    sections
}

fn outcome(record: &Value, account: &Account) -> Verdict {
    let accepted = record["accept"].as_array().into_iter().flatten();
    let is_accepted = accepted.clone().any(|accepted| accepted == account.outcome);
    let found = || account.found.iter().map(|(kind, place)| format!("{kind} at {place}")).collect::<Vec<_>>();
    let described = || format!("expected {}, got {} {:?}", record["accept"], account.outcome, found());
    if is_accepted { Ok(()) } else { Err(described()) }
}

fn kind(record: &Value, account: &Account) -> Verdict {
    let kinds: Vec<&str> =
        record["kinds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let places: Vec<&str> = match &record["where"] {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        place => place.as_str().into_iter().collect(),
    };
    let is_named =
        account.found.iter().any(|(kind, place)| kinds.contains(kind) && places.contains(&place.as_str()));
    let is_quiet = kinds.contains(&"harmless") && account.found.is_empty() && account.outcome != "error";
    if is_named || is_quiet {
        return Ok(());
    }
    Err(format!("expected one of {kinds:?} at {places:?}, got {:?}", account.found))
}

fn must_open(record: &Value, account: &Account) -> Verdict {
    match record["must_open"].as_u64() {
        Some(n) if account.outcome != "error" && account.n_whole < n => {
            Err(format!("{} layers readable in whole, {n} are", account.n_whole))
        }
        _ => Ok(()),
    }
}

fn account_of(path: &Path) -> Account {
    match images::open(path) {
        Err(error) => Account { outcome: "error", found: vec![error_kind(&error)], n_whole: 0 },
        Ok(told) => account_of_images(&told),
    }
}

fn account_of_images(told: &Told) -> Account {
    let mut found = Vec::new();
    let (mut n_whole, mut is_partial) = (0, false);
    for (image, layers) in told.images.iter().zip(&told.layers) {
        for finding in &image.problems {
            is_partial |= !finding.problem.is_remark();
            found.push((kind_of(&finding.problem, Some(finding.part)), place(finding.part)));
        }
        for (idx, layer) in layers.iter().enumerate() {
            is_partial |= layer.problems.iter().any(|problem| !problem.is_remark());
            n_whole += u64::from(layer.problems.iter().all(leaves_whole));
            let at_layer = |problem: &Problem| (kind_of(problem, None), format!("layer {idx}"));
            found.extend(layer.problems.iter().map(at_layer));
        }
    }
    Account { outcome: if is_partial { "partial" } else { "opens" }, found, n_whole }
}

/// All entries of a layer with this problem were listed.
fn leaves_whole(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::DigestMismatch { .. }
            | Problem::DiffIdMismatch { .. }
            | Problem::SizeMismatch { .. }
            | Problem::BadDigest { .. }
            | Problem::UnsupportedMediaType { .. }
            | Problem::DataAfterEnd
            | Problem::LoneZeros
            | Problem::UnsafePath { .. }
            | Problem::BadWhiteout { .. }
    )
}

fn error_kind(error: &OpenError) -> (&'static str, String) {
    match error {
        OpenError::NotAnArchive { .. } => ("not-an-archive", place(Part::Archive)),
        OpenError::Compressed { .. } => ("unsupported-compression", place(Part::Archive)),
        OpenError::NotAnImage { .. } => ("not-an-image", place(Part::Archive)),
        OpenError::Damaged(finding) => (kind_of(&finding.problem, Some(finding.part)), place(finding.part)),
        OpenError::NoImages { part } => ("no-image-listed", place(*part)),
        OpenError::Unreadable { .. } | OpenError::Stopped => ("unreadable", place(Part::Archive)),
    }
}

fn place(part: Part) -> String {
    match part {
        Part::Archive => "archive",
        Part::Manifest => "manifest",
        Part::Index => "index",
        Part::Config => "config",
    }
    .to_owned()
}

/// The kind as the set's README names it; `part` is `None` at a layer.
fn kind_of(problem: &Problem, part: Option<Part>) -> &'static str {
    match (problem, part) {
        (Problem::Missing { .. }, Some(Part::Config)) => "missing-config",
        (Problem::Missing { .. }, Some(_)) => "missing-manifest",
        (Problem::Missing { .. }, None) => "missing-blob",
        (Problem::DigestMismatch { .. }, _) => "digest-mismatch",
        (Problem::DiffIdMismatch { .. }, _) => "diffid-mismatch",
        (Problem::SizeMismatch { .. }, _) => "size-mismatch",
        (Problem::BadDigest { .. }, _) => "bad-digest",
        (Problem::BadJson { .. }, _) => "bad-json",
        (Problem::WrongType { .. }, _) => "wrong-type",
        (Problem::JsonTooLarge { .. }, _) => "json-too-large",
        (Problem::JsonTooDeep { .. }, _) => "json-too-deep",
        (Problem::UnsupportedVersion { .. } | Problem::LayoutVersion { .. }, _) => "unsupported-version",
        (Problem::DuplicateMember { .. } | Problem::IndexTwice { .. }, _) => "duplicate-entry",
        (Problem::IndexesTooDeep, _) => "too-deep",
        (Problem::UnsupportedCompression { .. }, _) => "unsupported-compression",
        (Problem::UnsupportedMediaType { .. }, _) => "unsupported-media-type",
        (Problem::Encrypted { .. }, _) => "encrypted-layer",
        (Problem::Foreign { .. }, _) => "foreign-layer",
        (Problem::Truncated { .. }, _) => "truncated",
        (Problem::CorruptCompression { .. }, _) => "corrupt-compression",
        (Problem::BadHeader { .. } | Problem::SparseMember { .. }, _) => "bad-header",
        (Problem::DataAfterEnd | Problem::LoneZeros, _) => "data-after-end",
        (Problem::PathTooLong { .. }, _) => "path-too-long",
        (Problem::TooManyEntries { .. }, _) => "too-many-entries",
        (Problem::InflatedTooLarge, _) => "inflated-too-large",
        (Problem::UnsafePath { .. }, _) => "unsafe-path",
        (Problem::BadWhiteout { .. }, _) => "bad-whiteout",
        (Problem::HistoryMismatch { .. } | Problem::DiffIdCount { .. }, _) => "disagreement",
    }
}

const CHILD_FILE: &str = "LAYERLAB_HOSTILE_FILE";

/// Opens the file in a process of its own and measures it.
fn within_limits(path: &Path, limits: &Value) -> Verdict {
    let max_seconds = limits["max_seconds"].as_u64().unwrap_or(0);
    let started = Instant::now();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "conformance::hostile::opens_one_file", "--nocapture"])
        .env(CHILD_FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    loop {
        if child.try_wait().map_err(|error| error.to_string())?.is_some() {
            break;
        }
        if started.elapsed() > Duration::from_secs(max_seconds) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("took more than {max_seconds} s"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err("the process that opened it did not end well".to_owned());
    }
    // Where the system does not tell, time alone is judged.
    let text = String::from_utf8_lossy(&output.stdout);
    let peak =
        text.split("peak-kib=").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    match (peak, limits["max_mib"].as_u64()) {
        (Some(peak_kib), Some(max_mib)) if peak_kib > max_mib << 10 => {
            Err(format!("took {} MiB at its peak, {max_mib} are allowed", peak_kib >> 10))
        }
        _ => Ok(()),
    }
}

/// The other side of [`within_limits`]; nothing to do in an ordinary run.
#[test]
fn opens_one_file() {
    let Some(path) = std::env::var_os(CHILD_FILE).map(PathBuf::from) else { return };
    let _ = images::open(&path);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("peak-kib={}", peak.unwrap_or("").trim().trim_end_matches("kB"));
}
