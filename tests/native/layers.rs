//! The layers that a build would write, beside those that real builders wrote.
//!
//! The images of the corpus tell by their history what made each layer. The context that a COPY
//! took is put together from what its layer holds; where it landed, what stands above it, and what
//! a WORKDIR makes, is ours to say.

#![allow(clippy::disallowed_methods, reason = "records are files")]

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use layerlab::cache::layer::{LayerContent, image_steps, layer};
use layerlab::cache::solve::{Built, Inputs};
use layerlab::context::{Entry, EntryKind, Tree, normal_path};
use layerlab::digest::Digest;
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{BuildOptions, convert};
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
            match layer(&graph, &built, id).unwrap() {
                // Whether a folder was made by a command before is known to a real build only.
                LayerContent::Partly(_) if !instruction.starts_with("WORKDIR ") => {
                    panic!("{name}: {instruction} is known in part only")
                }
                LayerContent::Known(tree) | LayerContent::Partly(tree) => {
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
