//! Opens large images from disk: the tree by headers alone, then everything hashed by two threads,
//! next to native tools in the same run. `LAYERLAB_IMAGES` names the folder that `make-images.sh` filled.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "measures and tells")]

#[allow(dead_code, reason = "each bench takes what it needs")]
#[path = "common.rs"]
mod common;

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use common::{best_of, millis, ratio};
use layerlab::archive::{ByteSource, Limits, SourceError};
use layerlab::digest::HashHere;
use layerlab::image::{self, Event, LayerOutcome, LayerPlan, LayerWanted, OpenAs};
use layerlab::layer::LayerTree;

const N_THREADS: usize = 2;

struct FileSource(File, u64);

impl FileSource {
    fn open(path: &Path) -> Self {
        match File::open(path).and_then(|file| file.metadata().map(|facts| (file, facts.len()))) {
            Ok((file, size_bytes)) => Self(file, size_bytes),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}

impl ByteSource for FileSource {
    fn size_bytes(&self) -> u64 {
        self.1
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        self.0.read_at(buf, offset).map_err(|error| SourceError { offset, message: error.to_string() })
    }
}

/// What is found before a layer is hashed.
#[derive(Default)]
struct Listed {
    /// Layers that are not compressed: they are still to be hashed.
    layers: Vec<LayerPlan>,
    trees: Vec<LayerTree>,
}

/// Lists the layers side by side, as the page does; those that are compressed are hashed on the way.
fn list(path: &Path) -> Listed {
    let mut listed = Listed::default();
    let mut layers = Vec::new();
    let outcome = image::find(
        &mut FileSource::open(path),
        OpenAs::Image,
        Limits::for_browser(),
        &mut HashHere::default(),
        &mut |event| {
            match event {
                Event::Images(images) => {
                    layers = images.iter().flat_map(|image| image.layers.clone()).collect();
                    layers.sort_by_key(LayerPlan::key);
                    layers.dedup_by_key(|plan| plan.key());
                }
                Event::Layer { layer, .. } | Event::LayerPassed { layer, .. } => {
                    listed.trees.push(layer.tree)
                }
                Event::Progress { .. } | Event::Documents(_) => {}
            }
            ControlFlow::Continue(())
        },
    );
    if outcome != Ok(true) {
        for (plan, is_listed, tree) in side_by_side(path, layers, LayerWanted::Entries) {
            listed.trees.push(tree.tree());
            listed.layers.extend(is_listed.then_some(plan));
        }
    }
    listed
}

/// Lists, and then has the layers hashed side by side.
fn read(path: &Path) -> Listed {
    let mut listed = list(path);
    side_by_side(path, std::mem::take(&mut listed.layers), LayerWanted::Digests);
    listed
}

/// Reads layers; tells whether each was only listed, and its entries.
fn side_by_side(
    path: &Path,
    layers: Vec<LayerPlan>,
    wanted: LayerWanted,
) -> Vec<(LayerPlan, bool, Portable)> {
    let waiting = Mutex::new(layers);
    let reader = || {
        let mut done = Vec::new();
        while let Some(plan) = waiting.lock().ok().and_then(|mut waiting| waiting.pop()) {
            let mut source = FileSource::open(path);
            let (limits, plans) = (Limits::for_browser(), std::slice::from_ref(&plan));
            let outcome = image::read_layer(&mut source, plans, wanted, limits, u64::MAX, &mut |_| {
                ControlFlow::Continue(())
            });
            let (is_listed, tree) = match outcome {
                Ok(LayerOutcome::Listed(layer)) => (true, layer.tree),
                Ok(LayerOutcome::Read(layer, _)) => (false, layer.tree),
                Err(error) => panic!("{error}"),
            };
            done.push((plan, is_listed, Portable::of(tree)));
        }
        done
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..N_THREADS).map(|_| scope.spawn(reader)).collect();
        readers.into_iter().filter_map(|reader| reader.join().ok()).flatten().collect()
    })
}

/// Entries as they travel between workers.
struct Portable(Vec<u8>);

impl Portable {
    fn of(tree: LayerTree) -> Self {
        Self(postcard::to_stdvec(&tree).unwrap_or_default())
    }

    fn tree(self) -> LayerTree {
        postcard::from_bytes(&self.0).unwrap_or_default()
    }
}

/// The best time of a shell command; none where its tool is not there.
fn native(tool: &str, command: &str) -> Option<Duration> {
    let run = |command: &str| {
        let mut shell = Command::new("bash");
        shell.args(["-c", command]).env("CI", "true").stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    let is_there = run(&format!("command -v {tool}")).is_ok_and(|status| status.success());
    is_there.then(|| best_of(3, || run(command)))
}

/// A line of this process's status, in KiB: memory now, or the most so far.
fn memory_kib(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
    line.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn memory(path: &Path) {
    let before = memory_kib("VmRSS:");
    let listed = read(path);
    let n_entries: u64 = listed.trees.iter().map(|tree| tree.iter().count() as u64).sum();
    let path_bytes: u64 =
        listed.trees.iter().flat_map(LayerTree::iter).map(|(path, _)| path.len() as u64).sum();
    let held_bytes = memory_kib("VmRSS:").saturating_sub(before) << 10;
    println!(
        "images: {}: {n_entries} entries, {} bytes of index each beyond the path; peak of the process {} MiB",
        path.file_name().unwrap_or_default().to_string_lossy(),
        held_bytes.saturating_sub(path_bytes) / n_entries.max(1),
        memory_kib("VmHWM:") >> 10,
    );
}

fn main() {
    let Some(folder) = std::env::var_os("LAYERLAB_IMAGES").map(PathBuf::from) else {
        println!("images: LAYERLAB_IMAGES names no folder; nothing is measured");
        return;
    };
    // Memory first, while the process is small; the largest last.
    for name in ["medium.docker.tar", "large.docker.tar", "large.oci-gzip.tar"] {
        let path = folder.join(name);
        if path.exists() {
            memory(&path);
        }
    }
    for size in ["medium", "large"] {
        for form in ["docker.tar", "oci-gzip.tar", "oci-zstd.tar", "docker.tar.gz"] {
            let path = folder.join(format!("{size}.{form}"));
            if !path.exists() {
                continue;
            }
            let shown = path.display();
            let (tree, all) = (best_of(3, || list(&path)), best_of(3, || read(&path)));
            println!("images: {size}.{form}: listed {}, all read {}", millis(tree), millis(all));
            let peers = [
                (
                    "diving",
                    "diving",
                    format!("diving file://{shown} -o /dev/null --no-verify-dup --no-ai-history"),
                    tree,
                ),
                ("sha256sum", "sha256sum", format!("sha256sum {shown}"), all),
                ("gzip", "gzip -dc | sha256sum", format!("gzip -dc {shown} | sha256sum"), all),
                ("dive", "dive", format!("dive --ci docker-archive://{shown}"), all),
            ];
            for (tool, name, command, ours) in peers {
                let is_plain = form == "docker.tar";
                let fits = match tool {
                    "sha256sum" => true,
                    "gzip" => form == "docker.tar.gz",
                    _ => is_plain,
                };
                if let Some(time) = fits.then(|| native(tool, &command)).flatten() {
                    println!("  {name} {}: {}x", millis(time), ratio(ours, time));
                }
            }
        }
    }
}
