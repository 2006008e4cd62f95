//! `images` and `images-dive`: archives with the truth about each.
//!
//! The reader is handed the file alone. What layers are on top of each other is
//! compared in `stacked`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use layerlab::archive::tar::MemberKind;
use layerlab::archive::{ByteSource, Limits, SourceError};
use layerlab::image::documents::{Documents, digest_of_file};
use layerlab::image::problem::OpenError;
use layerlab::image::{self, Event, ImagePlan, Layer};
use layerlab::layer::LayerEntry;
use serde_json::{Map, Value, json};

use super::compare::same;
use super::corpus;
use super::score::{Score, Section, Verdict, judge};
use super::stacked;

/// A file on disk.
pub(super) struct FileSource {
    file: File,
    size_bytes: u64,
}

impl FileSource {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size_bytes = file.metadata()?.len();
        Ok(Self { file, size_bytes })
    }
}

impl ByteSource for FileSource {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read(buf))
            .map_err(|error| SourceError { offset, message: error.to_string() })
    }
}

/// What the reader tells of an archive.
#[derive(Default)]
pub(super) struct Told {
    pub(super) images: Vec<ImagePlan>,
    /// By image, lowest layer first.
    pub(super) layers: Vec<Vec<Layer>>,
    pub(super) documents: Documents,
    pub(super) size_bytes: u64,
    pub(super) digest: String,
}

/// Opens a file with the default limits.
pub(super) fn open(path: &Path) -> Result<Told, OpenError> {
    let mut told = Told::default();
    let mut source =
        FileSource::open(path).map_err(|error| OpenError::Unreadable { message: error.to_string() })?;
    image::open(&mut source, Limits::for_browser(), &mut |event| {
        match event {
            Event::Progress { .. } | Event::LayerPassed { .. } => {}
            Event::Documents(documents) => told.documents = documents.clone(),
            Event::Images(images) => {
                told.images = images.to_vec();
                told.layers.resize_with(images.len(), Vec::new);
            }
            Event::Layer { image_idx, layer, .. } => told.layers[image_idx].push(*layer),
        }
        ControlFlow::Continue(())
    })?;
    told.size_bytes = source.size_bytes();
    told.digest = digest_of_file(&mut source, &mut |_| ControlFlow::Continue(()))?.hex();
    Ok(told)
}

/// The truth files of a folder, in order.
fn truths(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let plain = |path: std::path::PathBuf| match path.to_str().and_then(|text| text.strip_suffix(".gz")) {
        Some(text) if text.ends_with(".truth.json") => text.into(),
        _ => path,
    };
    let mut paths: Vec<_> = entries.map(|entry| plain(entry.path())).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".truth.json"));
    paths.sort();
    paths.dedup();
    paths
}

pub(super) fn score(folder: &Path) -> Score {
    let mut score = Score::default();
    for path in truths(folder) {
        let id = path.file_name().unwrap_or_default().to_string_lossy().replace(".truth.json", "");
        let truth = corpus::read_text(&path)
            .ok_or_else(|| "no truth file".to_owned())
            .and_then(|text| text.map_err(|error| error.to_string()))
            .and_then(|text| serde_json::from_str::<Value>(&text).map_err(|error| error.to_string()));
        match truth {
            Ok(truth) => score.add(id, sections(folder, &truth)),
            Err(error) => score.add(id, vec![("record", Err(error))]),
        }
    }
    score
}

fn sections(folder: &Path, truth: &Value) -> Vec<Section> {
    let path = folder.join(truth["file"].as_str().unwrap_or(""));
    let told = std::panic::catch_unwind(|| open(&path));
    let told = match told {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("panicked".to_owned()),
    };
    let with = |section: &dyn Fn(&Told) -> Verdict| match &told {
        Ok(told) => judge(|| section(told)),
        Err(error) => Err(error.clone()),
    };
    vec![
        ("archive", with(&|told| stacked::archive(truth, told))),
        ("images", with(&|told| images(&truth["images"], told))),
        ("documents", with(&|told| stacked::documents(truth, told))),
        ("layers", with(&|told| layers(&truth["images"], told))),
        ("entries", with(&|told| entries(&truth["images"], told))),
        ("changes", with(&|told| stacked::changes(&truth["images"], told))),
        ("tree", with(&|told| stacked::trees(&truth["images"], told))),
        ("hidden", with(&|told| stacked::hidden(&truth["images"], told))),
        ("dive", with(&|told| stacked::dive(&truth["images"], told))),
    ]
}

/// Names that the truth gives an image in either way.
fn names(image: &Value) -> Vec<String> {
    let of = |value: &Value| value.as_str().map(str::to_owned);
    let mut names: Vec<String> = image["repoTags"].as_array().into_iter().flatten().filter_map(of).collect();
    for descriptor in image["descriptors"].as_array().into_iter().flatten() {
        let annotations = &descriptor["annotations"];
        let tag = of(&annotations["io.containerd.image.name"])
            .or_else(|| of(&annotations["org.opencontainers.image.ref.name"]));
        // A short name of the index is the tag of a full one, and a full one may be the familiar
        // one with Docker's own registry in front; `documents` compares all as they stand.
        let is_known = |tag: &String| {
            let tag = tag.strip_prefix("docker.io/").unwrap_or(tag);
            let tag = tag.strip_prefix("library/").unwrap_or(tag);
            names.iter().any(|name| name == tag || name.rsplit_once(':').is_some_and(|(_, end)| end == tag))
        };
        names.extend(tag.filter(|tag| !is_known(tag)));
    }
    names.sort();
    names
}

fn images(truth: &Value, told: &Told) -> Verdict {
    let truth = truth.as_array().map_or(&[][..], Vec::as_slice);
    let expected: Value = truth
        .iter()
        .map(|image| {
            json!({
                "tags": names(image),
                "configDigest": image["configDigest"],
                "manifestDigest": image["manifestDigest"],
                "platform": image["platform"],
                "config": image["config"],
            })
        })
        .collect();
    let got: Value = told
        .images
        .iter()
        .map(|image| {
            let mut tags = image.tags.clone();
            tags.sort();
            json!({
                "tags": tags,
                "configDigest": image.named_config_digest,
                "manifestDigest": image.manifest_digest.map(|digest| digest.to_string()),
                "platform": image.platform,
                "config": image.config_text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
            })
        })
        .collect();
    same(&expected, &got)
}

/// Only the named fields.
pub(super) fn only(value: &Value, keys: &[&str]) -> Value {
    let field = |key: &&str| Some(((*key).to_owned(), value.get(*key)?.clone()));
    Value::Object(keys.iter().filter_map(field).collect::<Map<_, _>>())
}

/// Compares image by image what `expect` and `got` make of each layer.
pub(super) fn by_layer(
    truth: &Value,
    told: &Told,
    expect: impl Fn(&Value) -> Value,
    got: impl Fn(&ImagePlan, usize, &Layer) -> Value,
) -> Verdict {
    let of_truth = |image: &Value| -> Value {
        image["layers"].as_array().map_or(&[][..], Vec::as_slice).iter().map(&expect).collect()
    };
    let expected: Value = truth.as_array().map_or(&[][..], Vec::as_slice).iter().map(of_truth).collect();
    let of_image = |(plan, layers): (&ImagePlan, &Vec<Layer>)| -> Value {
        layers.iter().enumerate().map(|(idx, layer)| got(plan, idx, layer)).collect()
    };
    let got: Value = told.images.iter().zip(&told.layers).map(of_image).collect();
    same(&expected, &got)
}

const LAYER_FIELDS: [&str; 12] = [
    "index",
    "blob",
    "mediaType",
    "blobDigest",
    "blobSize",
    "compression",
    "diffId",
    "size",
    "diffIdInConfig",
    "createdBy",
    "tarEntries",
    "contentBytes",
];

fn layers(truth: &Value, told: &Told) -> Verdict {
    by_layer(
        truth,
        told,
        |layer| only(layer, &LAYER_FIELDS),
        |plan, idx, layer| {
            let planned = &plan.layers[idx];
            json!({
                "index": idx,
                "blob": planned.member,
                "mediaType": planned.media_type,
                "blobDigest": layer.blob_digest.map(|digest| digest.to_string()),
                "blobSize": planned.stored_bytes,
                "compression": layer.compression.name(),
                "diffId": layer.diff_id.map(|diff_id| diff_id.to_string()),
                "size": layer.tar_bytes,
                "diffIdInConfig": planned.expected_diff_id,
                "createdBy": planned.history.as_ref().map(|entry| entry.created_by.clone()),
                "tarEntries": layer.tree.n_members,
                "contentBytes": layer.tree.content_bytes,
            })
        },
    )
}

const ENTRY_FIELDS: [&str; 8] = ["path", "type", "mode", "uid", "gid", "size", "mtime", "link"];

/// The entries of each layer by path, its whiteouts and its opaque folders.
fn entries(truth: &Value, told: &Told) -> Verdict {
    let by_path = |list: &Value, keys: &[&str]| -> BTreeMap<String, Value> {
        let stands = |entry: &&Value| entry["kind"] != "removed";
        let item = |entry: &Value| (entry["path"].as_str().unwrap_or("").to_owned(), only(entry, keys));
        list.as_array().into_iter().flatten().filter(stands).map(item).collect()
    };
    let paths = |list: &Value| -> Vec<String> {
        let path = |entry: &Value| entry["path"].as_str().or_else(|| entry.as_str()).map(str::to_owned);
        let mut paths: Vec<String> = list.as_array().into_iter().flatten().filter_map(path).collect();
        paths.sort();
        paths.dedup();
        paths
    };
    let expect = |layer: &Value| {
        json!({
            "entries": by_path(&layer["changes"], &ENTRY_FIELDS),
            "whiteouts": paths(&layer["whiteouts"]),
            "opaque": paths(&layer["opaque"]),
        })
    };
    by_layer(truth, told, expect, |_, _, layer| {
        let rows = layer.tree.iter().filter(|(_, entry)| !entry.is_implicit);
        let rows: BTreeMap<String, Value> = rows.map(|(path, row)| (shown(path), entry(path, row))).collect();
        json!({ "entries": rows, "whiteouts": layer.tree.whiteouts, "opaque": layer.tree.opaque })
    })
}

/// A path as the truth files write it: U+FFFD for each byte that is not UTF-8.
pub(crate) fn shown(path: &str) -> String {
    let bytes = layerlab::text::to_bytes(path);
    let mut out = String::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                out.push_str(text);
                break;
            }
            Err(error) => {
                let (good, bad) = rest.split_at(error.valid_up_to());
                out.push_str(std::str::from_utf8(good).unwrap_or(""));
                out.push(char::REPLACEMENT_CHARACTER);
                rest = &bad[1..];
            }
        }
    }
    out
}

pub(super) fn entry(path: &str, entry: &LayerEntry) -> Value {
    let kind = match entry.kind {
        MemberKind::File => "file".to_owned(),
        MemberKind::Dir => "dir".to_owned(),
        MemberKind::Symlink => "symlink".to_owned(),
        MemberKind::HardLink => "hardlink".to_owned(),
        MemberKind::Char => "char".to_owned(),
        MemberKind::Block => "block".to_owned(),
        MemberKind::Fifo => "fifo".to_owned(),
        MemberKind::Other(flag) => format!("other:{}", char::from(flag)),
    };
    json!({
        "path": shown(path),
        "type": kind,
        "mode": entry.mode,
        "uid": entry.uid,
        "gid": entry.gid,
        "size": entry.size_bytes,
        "mtime": entry.mtime_secs,
        "link": shown(entry.link()),
    })
}
