//! The layers that a build would write, beside those that real builders wrote.
//!
//! The images of the corpus tell by their history what made each layer. The context that a COPY
//! took is put together from what its layer holds; where it landed, what stands above it, and what
//! a WORKDIR makes, is ours to say.
//!
//! No image there was made by an ADD of an archive. But every layer is a tar, and one that is added to
//! nothing makes a layer of the same entries.

#![allow(clippy::disallowed_methods, reason = "records are files")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use layerlab::archive::{Limits, SliceSource};
use layerlab::cache::layer::{LayerContent, image_steps, layer};
use layerlab::cache::solve::{Built, Inputs};
use layerlab::context::import::{FolderImport, FoundFile};
use layerlab::context::unpacked::Archives;
use layerlab::context::{Entry, EntryKind, Tree, normal_path};
use layerlab::digest::Digest;
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{BuildOptions, convert};
use layerlab::text::to_bytes;
use serde_json::Value;

use super::conformance::corpus::{self, Corpus};

/// What counts of an entry: kind, and for files mode, owner, digest and length. Folders that stand
/// above a copy keep the header that they have in a base, which is not told here.
fn told(entry: &Value) -> String {
    let number = |key: &str| entry[key].as_u64().unwrap_or(0);
    match entry["type"].as_str().unwrap() {
        "dir" => "dir".to_owned(),
        "symlink" => format!("link {}", entry["link"].as_str().unwrap()),
        kind => format!(
            "{kind} {:o} {}:{} {} {}",
            number("mode"),
            number("uid"),
            number("gid"),
            entry["sha256"].as_str().unwrap(),
            number("size")
        ),
    }
}

fn ours(entry: &Entry) -> String {
    match &entry.kind {
        EntryKind::Dir => "dir".to_owned(),
        EntryKind::Symlink { target } => format!("link {target}"),
        EntryKind::HardLink { target } => format!("hard link {target}"),
        EntryKind::File { digest, size_bytes } => {
            let digest = digest.to_string();
            let hex = digest.strip_prefix("sha256:").unwrap();
            format!("file {:o} {}:{} {hex} {size_bytes}", entry.mode, entry.uid, entry.gid)
        }
    }
}

fn entry_of(entry: &Value) -> Entry {
    let mode = u32::try_from(entry["mode"].as_u64().unwrap()).unwrap();
    let kind = match entry["type"].as_str().unwrap() {
        "dir" => EntryKind::Dir,
        "symlink" => EntryKind::Symlink { target: entry["link"].as_str().unwrap().to_owned() },
        _ => EntryKind::File {
            digest: Digest::parse(&format!("sha256:{}", entry["sha256"].as_str().unwrap())).unwrap(),
            size_bytes: entry["size"].as_u64().unwrap(),
        },
    };
    Entry { kind, mode, ..Entry::dir() }
}

/// Puts what a layer holds at its target back to where the COPY took it from.
fn fill(context: &mut Tree, instruction: &str, entries: &[&Value]) {
    let words: Vec<&str> = instruction.split(' ').collect();
    let ["COPY", source, target] = words.as_slice() else { return };
    let (source, target) = (normal_path(source), normal_path(target));
    for entry in entries {
        let path = entry["path"].as_str().unwrap();
        let rest = path.strip_prefix(&target).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Some(rest) = rest {
            context.insert(&format!("{source}{rest}"), entry_of(entry));
        }
    }
}

#[test]
fn copies_and_folders_are_those_of_real_images() {
    let corpus = Corpus::from_environment();
    let Some(folder) = corpus.folder("images") else { return };
    let mut n_compared = 0;
    for name in
        ["buildkit-docker", "buildkit-docker-uncompressed", "buildkit-oci-provenance", "buildkit-oci-tags"]
    {
        let text = corpus::read_text(&folder.join(format!("{name}.truth.json"))).unwrap().unwrap();
        let truth: Value = serde_json::from_str(&text).unwrap();
        let layers = truth["images"][0]["layers"].as_array().unwrap();
        let (mut dockerfile, mut context) = ("FROM scratch\n".to_owned(), Tree::default());
        let mut real: Vec<(String, BTreeMap<String, String>)> = Vec::new();
        for recorded in layers {
            let instruction =
                recorded["createdBy"].as_str().unwrap().trim_end_matches(" # buildkit").to_owned();
            let is_there = |entry: &&Value| !matches!(entry["kind"].as_str(), Some("removed"));
            let entries: Vec<&Value> =
                recorded["changes"].as_array().unwrap().iter().filter(is_there).collect();
            fill(&mut context, &instruction, &entries);
            let line = instruction.replace('\n', " ");
            dockerfile.push_str(&format!("{line}\n"));
            let is_run = instruction.starts_with("RUN ");
            let all = entries
                .iter()
                .filter(|_| !is_run)
                .map(|entry| (entry["path"].as_str().unwrap().to_owned(), told(entry)));
            real.push((instruction, all.collect()));
        }
        let graph =
            convert::build(&Dockerfile::read(&dockerfile), &BuildOptions::default(), &|_, _| None).unwrap();
        let locals = BTreeMap::from([("context".to_owned(), Rc::new(context))]);
        let built = Built::new(&graph, &Inputs { locals, ..Inputs::default() });
        let steps = image_steps(&graph);
        assert_eq!(steps.len(), real.len(), "{name}: {dockerfile}");
        for (id, (instruction, real)) in steps.into_iter().zip(&real) {
            match layer(&graph, &built, &Archives::default(), id).unwrap() {
                // Whether a folder was made by a command before is known to a real build only.
                LayerContent::Partly(..) if !instruction.starts_with("WORKDIR ") => {
                    panic!("{name}: {instruction} is known in part only")
                }
                LayerContent::Known(tree) | LayerContent::Partly(tree, _) => {
                    let ours: BTreeMap<String, String> =
                        tree.iter().map(|(path, entry)| (path, ours(entry))).collect();
                    let paths = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<BTreeSet<_>>();
                    assert_eq!(paths(&ours), paths(real), "{name}: {instruction}");
                    assert_eq!(&ours, real, "{name}: {instruction}");
                    n_compared += 1;
                }
                LayerContent::Unknown => assert!(instruction.starts_with("RUN "), "{name}: {instruction}"),
            }
        }
    }
    assert_eq!(n_compared, 14, "layers that are known");
}

/// Everything that counts of an entry, folders included.
fn told_in_full(entry: &Value) -> String {
    let number = |key: &str| entry[key].as_u64().unwrap_or(0);
    let header = format!("{:o} {}:{}", number("mode"), number("uid"), number("gid"));
    let text = |key: &str| entry[key].as_str().unwrap_or("none");
    match text("type") {
        "file" => format!("file {header} {} {}", text("sha256"), number("size")),
        // Of a link no mode is set.
        "symlink" => format!("symlink {}:{} {}", number("uid"), number("gid"), text("link")),
        "hardlink" => format!("hardlink {}", text("link")),
        kind => format!("{kind} {header}"),
    }
}

fn ours_in_full(entry: &Entry) -> String {
    let header = format!("{:o} {}:{}", entry.mode, entry.uid, entry.gid);
    match &entry.kind {
        EntryKind::Dir => format!("dir {header}"),
        EntryKind::Symlink { target } => format!("symlink {}:{} {target}", entry.uid, entry.gid),
        EntryKind::HardLink { target } => format!("hardlink {target}"),
        EntryKind::File { digest, size_bytes } => {
            let digest = digest.to_string();
            format!("file {header} {} {size_bytes}", digest.strip_prefix("sha256:").unwrap())
        }
    }
}

/// The members of an archive that hold layers, by name.
fn blobs(archive: &Path, names: &BTreeSet<&str>) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut archive = tar::Archive::new(std::fs::File::open(archive).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if names.contains(name.as_str()) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            found.insert(name, bytes);
        }
    }
    found
}

/// What an ADD of an archive alone makes of it.
fn added(bytes: &[u8]) -> LayerContent {
    let mut context = FolderImport::new(Limits::for_browser(), Tree::default());
    context.add_file(FoundFile { path: "layer".into(), size_bytes: bytes.len() as u64, mtime_secs: 0 });
    context.read_file(&mut SliceSource(bytes), &mut |_| ControlFlow::Continue(())).unwrap();
    let context = context.finish();
    let file = Dockerfile::read("FROM scratch\nADD layer /\n");
    let graph = convert::build(&file, &BuildOptions::default(), &|_, _| None).unwrap();
    let locals = BTreeMap::from([("context".to_owned(), Rc::new(context.tree))]);
    let built = Built::new(&graph, &Inputs { locals, ..Inputs::default() });
    layer(&graph, &built, &context.archives, image_steps(&graph)[0]).unwrap()
}

#[test]
fn a_layer_that_is_added_is_the_same_layer() {
    let corpus = Corpus::from_environment();
    let Some(folder) = corpus.folder("images") else { return };
    let mut archives: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    archives.retain(|path| path.extension().is_some_and(|ending| ending == "tar"));
    archives.sort();
    let (mut n_equal, mut unsure) = (BTreeMap::<&str, usize>::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    let compressions = ["none", "gzip", "zstd"];
    for archive in archives {
        let text = corpus::read_text(&archive.with_extension("truth.json")).unwrap().unwrap();
        let truth: Value = serde_json::from_str(&text).unwrap();
        let layers: Vec<&Value> = truth["images"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|it| it["layers"].as_array().unwrap())
            .collect();
        let names = layers.iter().filter_map(|layer| layer["blob"].as_str()).collect();
        let blobs = blobs(&archive, &names);
        for recorded in layers {
            let is_empty = |key: &str| recorded[key].as_array().is_none_or(Vec::is_empty);
            let Some(bytes) = recorded["blob"].as_str().and_then(|name| blobs.get(name)) else { continue };
            let changes = recorded["changes"].as_array().unwrap();
            // A whiteout is a plain file for an ADD, and a tar of nothing no archive.
            if !is_empty("whiteouts")
                || !is_empty("opaque")
                || changes.is_empty()
                || !seen.insert(Digest::of(bytes))
            {
                continue;
            }
            let is_there = |entry: &&Value| entry["kind"] != "removed";
            let real: BTreeMap<String, String> = changes
                .iter()
                .filter(is_there)
                .map(|entry| (entry["path"].as_str().unwrap().to_owned(), told_in_full(entry)))
                .collect();
            match added(bytes) {
                LayerContent::Known(tree) => {
                    // Folders without an entry are made all the same.
                    let is_told =
                        |(path, what): &(String, String)| real.contains_key(path) || what != "dir 755 0:0";
                    // The truth has no bytes that are no UTF-8.
                    let name = |path: &str| String::from_utf8_lossy(&to_bytes(path)).into_owned();
                    let ours = tree.iter().map(|(path, entry)| (name(&path), ours_in_full(entry)));
                    let ours: BTreeMap<String, String> = ours.filter(is_told).collect();
                    assert_eq!(ours, real, "{}: {}", archive.display(), recorded["blob"]);
                    let compression = recorded["compression"].as_str().unwrap();
                    let name = compressions.iter().find(|name| **name == compression).unwrap();
                    *n_equal.entry(name).or_default() += 1;
                }
                LayerContent::Partly(_, why) => drop(unsure.insert(why.to_string())),
                LayerContent::Unknown => panic!("an ADD is no command"),
            }
        }
    }
    assert_eq!(n_equal, BTreeMap::from([("gzip", 28), ("none", 44), ("zstd", 17)]));
    let reasons = [
        "what comes out of layer is not known; a build fails, since t/hard-to-nowhere in it links to nothing in front of it",
        "what comes out of layer is not known; builders differ, since srv/data/null in it is a device or a pipe",
    ];
    assert_eq!(unsure, BTreeSet::from(reasons.map(str::to_owned)));
}
