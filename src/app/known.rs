//! What is known of images and layers from somewhere else: an opened image, or the reader.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::saved::Part;
use super::state::{OpenImage, State};
use super::update::{Effect, changed};
use crate::digest::{DiffId, Digest};
use crate::graph::{BaseImage, reference};
use crate::oci::{ImageConfig, Platform};
use crate::protocol::{ImageReport, JobId};

/// A base image as an archive tells it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownImage {
    /// The file that it was read from.
    pub file_name: String,
    /// Digest of its manifest or, where there is none, of its configuration.
    pub digest: String,
    /// Its configuration.
    pub config: ImageConfig,
}

/// Known images by full name.
pub type KnownImages = BTreeMap<String, KnownImage>;

impl KnownImage {
    fn of(file_name: &str, report: &ImageReport) -> Self {
        let digest = report.manifest_digest.clone().unwrap_or_else(|| report.config_digest.clone());
        Self { file_name: file_name.to_owned(), digest, config: report.config.clone() }
    }

    /// As a base, if it runs on the platform.
    #[must_use]
    pub fn base(&self, platform: &Platform) -> Option<BaseImage> {
        let is_same = |own: &str, asked: &str| own.is_empty() || own == asked;
        if !is_same(&self.config.os, &platform.os)
            || !is_same(&self.config.architecture, &platform.architecture)
        {
            return None;
        }
        let layers: Option<Vec<DiffId>> =
            self.config.rootfs.diff_ids.iter().map(|text| Digest::parse(text).map(DiffId)).collect();
        Some(BaseImage {
            digest: Some(self.digest.clone()),
            config: self.config.clone(),
            layers: layers?,
            is_known: true,
        })
    }
}

/// An opened image that could be a base: the archive's file, the image's place in it, and a name.
pub type Candidate = (JobId, u32, String);

/// The opened images that could be the base of this name: those that have the name come first.
#[must_use]
pub fn candidates(state: &State, full_name: &str) -> Vec<Candidate> {
    let named = |report: &ImageReport| {
        report.tags.iter().any(|tag| reference::normalize(tag).is_ok_and(|tag| tag == full_name))
    };
    let label = |report: &ImageReport, image: &OpenImage| match report.tags.first() {
        Some(tag) => format!("{tag} of {}", image.name),
        None => image.name.clone(),
    };
    let all = state
        .archives
        .images()
        .flat_map(|image| image.images.iter().zip(0..).map(move |(report, idx)| (image, report, idx)));
    let mut found: Vec<(bool, JobId, u32, String)> =
        all.map(|(image, report, idx)| (!named(report), image.file, idx, label(report, image))).collect();
    found.sort();
    found.into_iter().map(|(_, file, idx, label)| (file, idx, label)).collect()
}

/// An opened image is the base of this name from now on, and was in every build.
pub(super) fn take(state: &mut State, full_name: String, file: JobId, image_idx: u32) -> Vec<Effect> {
    let image = state.archives.images().find(|image| image.file == file);
    let report = image.and_then(|image| {
        let report = image.images.get(usize::try_from(image_idx).ok()?)?;
        Some(KnownImage::of(&image.name, report))
    });
    let Some(known) = report else { return Vec::new() };
    state.session.images.insert(full_name, known);
    state.events_revision += 1;
    changed(state, Part::Texts)
}

/// Where the length of a layer comes from that only a build could tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SizeSource {
    /// The reader said so.
    Reader,
    /// A layer of the opened image was made by the same words.
    OpenedImage,
}

/// The length of an instruction's layer.
#[must_use]
pub fn layer_size(state: &State, code: &str) -> Option<(u64, SizeSource)> {
    if let Some(size_bytes) = state.session.sizes.get(code) {
        return Some((*size_bytes, SizeSource::Reader));
    }
    // The image that is shown comes first, then the others in their order.
    let shown = state.archives.image();
    let others = state.archives.images().filter(|image| shown.is_none_or(|shown| shown.file != image.file));
    let size_bytes = shown.into_iter().chain(others).find_map(|image| made_by(image, code))?;
    Some((size_bytes, SizeSource::OpenedImage))
}

/// The length of the layer that an instruction made in the chosen image of an archive.
fn made_by(image: &OpenImage, code: &str) -> Option<u64> {
    let report = image.images.get(usize::try_from(image.image_idx).ok()?)?;
    let is_same = |layer: &crate::protocol::PlannedLayer| layer.instruction.as_deref() == Some(code);
    let idx = report.layers.iter().position(is_same)?;
    Some(image.layers.get(&(image.image_idx, u32::try_from(idx).ok()?))?.content_bytes)
}

/// Reads a length as people write it: `92 MB`, `1.5GiB`, `4096`.
#[must_use]
pub fn read_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|ch: char| !ch.is_ascii_digit() && ch != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "byte" | "bytes" => 1,
        "k" | "kb" => 1_000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    };
    // In thousandths, so that no fraction is rounded on the way.
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let part = format!("{part:0<3}");
    let thousandths =
        whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(part.get(..3)?.parse().ok()?)?;
    thousandths.checked_mul(factor).map(|bytes| bytes / 1000)
}

/// The reader says how long an instruction's layer is, or takes that back.
pub(super) fn tell_size(state: &mut State, code: String, text: &str) -> Vec<Effect> {
    match read_size(text) {
        Some(size_bytes) => drop(state.session.sizes.insert(code, size_bytes)),
        None => drop(state.session.sizes.remove(&code)),
    }
    state.view_revision += 1;
    vec![Effect::Save(Part::Texts)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::analysis::Analysis;
    use crate::app::history::History;
    use crate::app::state::{ImageState, Session};
    use crate::app::update::{Message, update};
    use crate::cache::Verdict;
    use crate::oci::{RootFs, RuntimeConfig};

    #[test]
    fn sizes_as_people_write_them() {
        for (text, bytes) in [
            ("92 MB", Some(92_000_000)),
            ("1.5GiB", Some(1_610_612_736)),
            (" 4096 ", Some(4096)),
            ("0.25k", Some(250)),
            ("", None),
            ("much", None),
            ("99999999999999999999 GB", None),
        ] {
            assert_eq!(read_size(text), bytes, "{text}");
        }
    }

    #[test]
    fn an_opened_image_is_the_base_of_every_build() {
        let mut state = State::new(Session::example(), "test");
        let config = ImageConfig {
            architecture: "amd64".into(),
            os: "linux".into(),
            config: RuntimeConfig {
                user: "node".into(),
                on_build: vec!["RUN echo hi".into()],
                ..RuntimeConfig::default()
            },
            rootfs: RootFs { kind: "layers".into(), diff_ids: vec![format!("sha256:{}", "1".repeat(64))] },
            ..ImageConfig::default()
        };
        let report = ImageReport { tags: vec!["node:alpine".into()], config, ..ImageReport::default() };
        state.archives.push(ImageState::Open(Box::new(OpenImage {
            name: "node.tar".into(),
            file: JobId(7),
            images: vec![report],
            ..OpenImage::default()
        })));
        let name = "docker.io/library/node:alpine".to_owned();
        assert_eq!(candidates(&state, &name), [(JobId(7), 0, "node:alpine of node.tar".to_owned())]);
        let _ = update(&mut state, Message::BaseTaken { reference: name, file: JobId(7), image_idx: 0 });
        let session = &state.session;
        let history = History::replay(&session.events, session.reruns, &session.images, None);
        let analysis = Analysis::new(&state, &history, None);
        let graph = analysis.now.graph.as_ref().unwrap();
        assert!(graph.steps.iter().any(|step| step.is_onbuild && step.text == "RUN echo hi"));
        let mut steps = graph.steps.iter().zip(&analysis.simulation.steps);
        assert!(steps.all(|(step, outcome)| step.inputs.is_empty() || outcome.verdict == Verdict::Cached));
    }
}
