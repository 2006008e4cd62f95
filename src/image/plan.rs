//! From the members of an archive to its images: documents are read, layers only found.

mod v1;

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};

use serde::de::DeserializeOwned;

use super::documents::{self, Documents, Form, List};
use super::members::{Kept, Members, blob_name};
use super::problem::{Finding, OpenError, Part, Problem};
use super::{ImagePlan, LayerPlan};
use crate::archive::{ByteSource, Limits, Window};
use crate::digest::{Digest, Sha512};
use crate::oci::{Descriptor, DockerManifest, HistoryEntry, ImageConfig, Index, Layout, Manifest, Platform};

/// Finds the images of an archive.
pub(super) fn plan(
    source: &mut dyn ByteSource,
    members: &Members,
    limits: Limits,
) -> Result<(Vec<ImagePlan>, Documents), OpenError> {
    let has = |name: &str| members.resolve(name).is_some();
    let (has_docker, has_index) = (has("manifest.json"), has("index.json"));
    let is_v1 = !has_docker && !has_index && has("repositories");
    if !has_docker && !has_index && !is_v1 {
        // Cut before its list came, it cannot be told from another tar.
        if let Some(damage) = members.findings.iter().find(|finding| is_damage(finding)) {
            return Err(OpenError::Damaged(damage.clone()));
        }
        let problem = if members.names().any(|name| name == "oci-layout" || name.starts_with("blobs/")) {
            Problem::Missing { name: "index.json".to_owned() }
        } else if !members.has_end && members.names().next().is_some() {
            let what = "the archive ends before manifest.json and without the zeros of its end".to_owned();
            Problem::Truncated { what }
        } else {
            return Err(OpenError::NotAnImage { is_root_fs: members.is_root_fs() });
        };
        return Err(OpenError::Damaged(Finding { part: Part::Archive, problem }));
    }
    let form = Form { is_docker_archive: has_docker, is_oci_layout: has_index, is_docker_v1: is_v1 };
    let mut planner = Planner {
        source,
        members,
        limits,
        images: Vec::new(),
        documents: Documents { form, n_members: members.n_members, ..Documents::default() },
        findings: Vec::new(),
        seen: BTreeSet::new(),
    };
    if has("oci-layout") {
        planner.check_layout();
    }
    if has_index {
        match planner.json::<Index>("index.json") {
            Ok((index, bytes)) => {
                planner.keep_list("index.json", &bytes);
                planner.add_index(&index, 0);
            }
            Err(problem) => planner.find(Part::Index, problem),
        }
    }
    if has_docker {
        match planner.json::<Vec<DockerManifest>>("manifest.json") {
            Ok((list, bytes)) => {
                planner.keep_list("manifest.json", &bytes);
                list.iter().for_each(|docker| planner.add_docker_image(docker));
            }
            Err(problem) => planner.find(Part::Manifest, problem),
        }
    }
    if is_v1 {
        planner.add_v1_images();
    }
    let Planner { mut images, documents, findings, .. } = planner;
    if images.is_empty() {
        if is_v1 && !findings.iter().any(is_damage) {
            return Err(OpenError::NotAnImage { is_root_fs: members.is_root_fs() });
        }
        let part = if has_docker { Part::Manifest } else { Part::Index };
        let mut first = findings.into_iter().find(|finding| !finding.problem.is_remark());
        // A document is cut because the archive is.
        if matches!(&first, Some(Finding { problem: Problem::Truncated { .. }, .. })) {
            first = members.findings.iter().find(|finding| is_damage(finding)).cloned().or(first);
        }
        return Err(first.map_or(OpenError::NoImages { part }, OpenError::Damaged));
    }
    for image in &mut images {
        image.problems.extend(members.findings.iter().chain(&findings).cloned());
    }
    Ok((images, documents))
}

fn is_damage(finding: &Finding) -> bool {
    !finding.problem.is_remark() && !matches!(finding.problem, Problem::DuplicateMember { .. })
}

/// A configuration as it was read.
#[derive(Default)]
struct ConfigRead {
    config: ImageConfig,
    text: Option<String>,
    digest: Option<Digest>,
    sha512: Option<Sha512>,
    /// Why it is empty.
    finding: Option<Finding>,
}

/// Collects images, and what is wrong with parts that made none.
struct Planner<'a> {
    source: &'a mut dyn ByteSource,
    members: &'a Members,
    limits: Limits,
    images: Vec<ImagePlan>,
    documents: Documents,
    findings: Vec<Finding>,
    /// Digests of the indexes that were read: each is read once.
    seen: BTreeSet<String>,
}

impl Planner<'_> {
    fn find(&mut self, part: Part, problem: Problem) {
        let finding = Finding { part, problem };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// A list of the archive is shown as it stands.
    fn keep_list(&mut self, name: &str, bytes: &[u8]) {
        self.documents.lists.push(List::new(name, bytes));
    }

    /// `oci-layout` says which version the rest is of.
    fn check_layout(&mut self) {
        let layout = self.json::<Layout>("oci-layout").map(|(layout, bytes)| {
            self.keep_list("oci-layout", &bytes);
            layout
        });
        let layout = layout.unwrap_or_default();
        let version = layout.image_layout_version;
        if !version.starts_with("1.") {
            self.find(Part::Archive, Problem::LayoutVersion { version });
        }
    }

    /// A JSON document, not nested beyond the limit.
    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Problem> {
        let missing = || Problem::Missing { name: name.to_owned() };
        let (_, place) = self.members.resolve(name).ok_or_else(missing)?;
        if place.size_bytes > self.limits.json_bytes {
            return Err(Problem::JsonTooLarge { name: name.to_owned() });
        }
        let damaged = |message: String| Problem::BadJson { name: name.to_owned(), message };
        let mut bytes = Vec::new();
        match &place.kept {
            Kept::Here(kept) => bytes.clone_from(kept),
            Kept::NotJson => return Err(damaged("it does not begin as JSON".to_owned())),
            Kept::BeyondLimit => return Err(Problem::JsonTooLarge { name: name.to_owned() }),
            Kept::InPlace => {
                let mut window = Window::quiet(&mut *self.source);
                window.seek(SeekFrom::Start(place.offset)).map_err(|error| damaged(error.to_string()))?;
                window
                    .take(place.size_bytes)
                    .read_to_end(&mut bytes)
                    .map_err(|error| damaged(error.to_string()))?;
            }
        }
        if (bytes.len() as u64) < place.size_bytes {
            return Err(Problem::Truncated { what: format!("the archive ends within {name}") });
        }
        if json_depth(&bytes) > self.limits.json_depth {
            return Err(Problem::JsonTooDeep { name: name.to_owned() });
        }
        Ok(bytes)
    }

    fn json<T: DeserializeOwned>(&mut self, name: &str) -> Result<(T, Vec<u8>), Problem> {
        let bytes = self.bytes(name)?;
        let read = serde_json::from_slice(&bytes).map_err(|error| json_problem(name, &error))?;
        Ok((read, bytes))
    }

    fn add_index(&mut self, index: &Index, depth: usize) {
        for descriptor in &index.manifests {
            if documents::is_attestation(descriptor) {
                self.add_attestation(descriptor);
            } else {
                self.add_listed(descriptor, depth);
            }
        }
    }

    fn add_attestation(&mut self, descriptor: &Descriptor) {
        let name = blob_name(&descriptor.digest).unwrap_or_else(|| descriptor.digest.clone());
        let told = self.bytes(&name).and_then(|bytes| {
            let told = documents::attestation(descriptor, Digest::of(&bytes), &bytes);
            told.map_err(|error| json_problem(&name, &error))
        });
        let told = told.map(|mut told| {
            for statement in &mut told.statements {
                let name = blob_name(&statement.descriptor.digest);
                // One that is not there is told without a text.
                if let Some(bytes) = name.and_then(|name| self.bytes(&name).ok()) {
                    statement.read(&bytes);
                }
            }
            told
        });
        match told {
            Ok(told) if self.documents.attestations.contains(&told) => {}
            Ok(told) => self.documents.attestations.push(told),
            Err(problem) => self.find(Part::Index, problem),
        }
    }

    fn add_listed(&mut self, descriptor: &Descriptor, depth: usize) {
        let Some(name) = blob_name(&descriptor.digest) else {
            self.find(Part::Index, Problem::BadDigest { digest: descriptor.digest.clone() });
            return;
        };
        let bytes = match self.bytes(&name) {
            Ok(bytes) => bytes,
            Err(problem) => return self.find(Part::Index, problem),
        };
        let digest = Digest::of(&bytes);
        let problem = digest_problem(&descriptor.digest, &bytes).or_else(|| size_problem(descriptor, &bytes));
        if let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) {
            if !is_image_config(&manifest.config.media_type) {
                let artifact = documents::artifact(descriptor, digest, &manifest, text_of(&bytes));
                self.documents.artifacts.push(artifact);
                return;
            }
            let tag = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
            let tag = tag.iter().find_map(|key| descriptor.annotations.get(*key)).cloned();
            let known = self.images.iter_mut().find(|image| image.manifest_digest == Some(digest));
            match known {
                Some(known) => {
                    tag.into_iter().for_each(|tag| add_name(&mut known.tags, tag));
                    known.descriptors.push(descriptor.clone());
                }
                None => self.add_oci_image(descriptor, &manifest, text_of(&bytes), digest, tag, problem),
            }
            return;
        }
        if let Some(problem) = problem {
            self.find(Part::Index, problem);
        }
        match serde_json::from_slice::<Index>(&bytes) {
            Ok(inner) if inner.schema_version == 1 => {
                self.find(Part::Manifest, Problem::UnsupportedVersion { name, version: 1 });
            }
            Ok(_) if self.seen.contains(&descriptor.digest) => {
                self.find(Part::Index, Problem::IndexTwice { digest: descriptor.digest.clone() });
            }
            Ok(inner) if depth < self.limits.index_depth => {
                self.seen.insert(descriptor.digest.clone());
                self.keep_list(&name, &bytes);
                self.add_index(&inner, depth + 1);
            }
            Ok(_) => self.find(Part::Index, Problem::IndexesTooDeep),
            Err(error) => self.find(Part::Manifest, json_problem(&name, &error)),
        }
    }

    /// A configuration; where it cannot be read, an empty one and the reason.
    fn config(&mut self, name: &str) -> ConfigRead {
        let mut read = ConfigRead::default();
        let outcome = self.bytes(name).and_then(|bytes| {
            read.digest = Some(Digest::of(&bytes));
            read.sha512 = name.starts_with("blobs/sha512/").then(|| Sha512::of(&bytes));
            // An array of fields would be read as well, but is none.
            if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
                let message = "it is no object".to_owned();
                return Err(Problem::WrongType { name: name.to_owned(), message });
            }
            read.config = serde_json::from_slice(&bytes).map_err(|error| json_problem(name, &error))?;
            read.text = String::from_utf8(bytes).ok();
            Ok(())
        });
        read.finding = outcome.err().map(|problem| Finding { part: Part::Config, problem });
        read
    }

    fn add_oci_image(
        &mut self,
        descriptor: &Descriptor,
        manifest: &Manifest,
        text: String,
        digest: Digest,
        tag: Option<String>,
        problem: Option<Problem>,
    ) {
        let named = &manifest.config.digest;
        let mut read = match blob_name(named) {
            Some(name) => self.config(&name),
            None => {
                let problem = Problem::BadDigest { digest: named.clone() };
                let finding = Some(Finding { part: Part::Config, problem });
                ConfigRead { finding, ..ConfigRead::default() }
            }
        };
        let is_config_read = read.finding.is_none();
        let mut problems: Vec<Finding> = read.finding.take().into_iter().collect();
        let mut add = |part: Part, problem: Option<Problem>| {
            problems.extend(problem.map(|problem| Finding { part, problem }));
        };
        add(Part::Manifest, problem);
        add(Part::Config, read.digest.and_then(|actual| mismatch(named, actual, read.sha512)));
        let config = read.config;
        let layers = manifest.layers.iter().map(|layer| {
            let name = blob_name(&layer.digest).unwrap_or_else(|| layer.digest.clone());
            (name, Some(layer))
        });
        let layers = plan_layers(self.members, layers, &config, is_config_read, &mut problems);
        self.images.push(ImagePlan {
            tags: tag.into_iter().collect(),
            platform: descriptor.platform.clone().or_else(|| own_platform(&config)),
            manifest_digest: Some(digest),
            config_digest: read.digest.or_else(|| Digest::parse(named)),
            named_config_digest: Some(named.clone()),
            descriptors: vec![descriptor.clone()],
            docker: None,
            manifest: Some(text),
            config,
            config_text: read.text,
            layers,
            problems,
        });
    }

    fn add_docker_image(&mut self, docker: &DockerManifest) {
        let mut read = self.config(&docker.config);
        // The same image may be listed in both forms.
        let known = self.images.iter_mut().find(|image| {
            read.digest.is_some() && image.config_digest == read.digest && image.manifest_digest.is_some()
        });
        if let Some(known) = known {
            known.docker.get_or_insert_with(|| docker.clone());
            let earlier = std::mem::replace(&mut known.tags, docker.repo_tags.clone());
            earlier.into_iter().for_each(|tag| add_name(&mut known.tags, tag));
            return;
        }
        let is_config_read = read.finding.is_none();
        let mut problems: Vec<Finding> = read.finding.take().into_iter().collect();
        let file_name = docker.config.rsplit('/').next().unwrap_or("");
        let hex = file_name.strip_suffix(".json").unwrap_or(file_name);
        let named = Digest::parse(&format!("sha256:{hex}"));
        if let (Some(named), Some(actual)) = (named, read.digest)
            && let Some(problem) = mismatch(&named.to_string(), actual, None)
        {
            problems.push(Finding { part: Part::Config, problem });
        }
        let config = read.config;
        // An image without layers may leave the list out, one with layers may not.
        if docker.layers.is_none() && !config.rootfs.diff_ids.is_empty() {
            let (name, message) = ("manifest.json".to_owned(), "the list `Layers` is missing".to_owned());
            problems.push(Finding { part: Part::Manifest, problem: Problem::WrongType { name, message } });
        }
        let layers = docker.layers.iter().flatten().map(|name| (name.clone(), None));
        let layers = plan_layers(self.members, layers, &config, is_config_read, &mut problems);
        self.images.push(ImagePlan {
            tags: docker.repo_tags.clone(),
            platform: own_platform(&config),
            manifest_digest: None,
            config_digest: read.digest.or(named),
            named_config_digest: read.digest.or(named).map(|digest| digest.to_string()),
            descriptors: Vec::new(),
            docker: Some(docker.clone()),
            manifest: None,
            config,
            config_text: read.text,
            layers,
            problems,
        });
    }
}

/// A document's text, to be shown.
fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A manifest whose configuration is of another type is that of an artifact.
fn is_image_config(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
    )
}

/// What a JSON error is: no JSON, another shape, or nested too deep.
fn json_problem(name: &str, error: &serde_json::Error) -> Problem {
    let (name, message) = (name.to_owned(), error.to_string());
    let is_number = message.starts_with("number out of range");
    let is_twice = message.starts_with("duplicate field");
    if message.starts_with("recursion limit exceeded") {
        Problem::JsonTooDeep { name }
    } else if (error.is_data() || is_number) && !is_twice {
        Problem::WrongType { name, message }
    } else {
        Problem::BadJson { name, message }
    }
}

/// Whether bytes are those that a digest of either algorithm names.
fn digest_problem(named: &str, bytes: &[u8]) -> Option<Problem> {
    mismatch(named, Digest::of(bytes), named.starts_with("sha512:").then(|| Sha512::of(bytes)))
}

fn mismatch(named: &str, sha256: Digest, sha512: Option<Sha512>) -> Option<Problem> {
    let actual = match (Digest::parse(named), Sha512::parse(named), sha512) {
        (Some(named), ..) if named != sha256 => sha256.to_string(),
        (_, Some(named), Some(actual)) if named != actual => actual.to_string(),
        _ => return None,
    };
    Some(Problem::DigestMismatch { expected: named.to_owned(), actual })
}

fn size_problem(descriptor: &Descriptor, bytes: &[u8]) -> Option<Problem> {
    let actual = bytes.len() as u64;
    // Where a descriptor leaves its size out, that is read as 0.
    let is_wrong = descriptor.size != actual && descriptor.size != 0;
    is_wrong.then_some(Problem::SizeMismatch { expected: descriptor.size, actual })
}

/// Adds a name of an image that the index gives. A short one may be the tag of
/// one that is known in full, and one with Docker's own registry in front is
/// the same as the familiar one.
fn add_name(names: &mut Vec<String>, name: String) {
    let familiar = name.strip_prefix("docker.io/").unwrap_or(&name);
    let familiar = familiar.strip_prefix("library/").unwrap_or(familiar);
    let is_tag_of = |known: &String| known.rsplit_once(':').is_some_and(|(_, tag)| tag == familiar);
    if !names.iter().any(|known| known == &name || known == familiar || is_tag_of(known)) {
        names.push(name);
    }
}

/// How deep arrays and objects are nested, whatever else is wrong with the text.
fn json_depth(bytes: &[u8]) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let (mut is_in_string, mut is_escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            _ if is_in_string => {}
            b'[' | b'{' => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// What a configuration says where no descriptor names a platform. A variant is
/// left to the configuration: only descriptors choose by it.
fn own_platform(config: &ImageConfig) -> Option<Platform> {
    let platform = Platform {
        architecture: config.architecture.clone(),
        os: config.os.clone(),
        variant: None,
        os_version: None,
    };
    (!config.os.is_empty()).then_some(platform)
}

fn plan_layers<'d>(
    members: &Members,
    named: impl Iterator<Item = (String, Option<&'d Descriptor>)>,
    config: &ImageConfig,
    is_config_read: bool,
    problems: &mut Vec<Finding>,
) -> Vec<LayerPlan> {
    let mut layers: Vec<LayerPlan> = named
        .enumerate()
        .map(|(idx, (name, descriptor))| {
            let found = members.resolve(&name);
            LayerPlan {
                member: found.as_ref().map_or(name, |(name, _)| name.clone()),
                media_type: descriptor.map(|descriptor| descriptor.media_type.clone()),
                descriptor: descriptor.map(|descriptor| (descriptor.digest.clone(), descriptor.size)),
                expected_diff_id: config.rootfs.diff_ids.get(idx).cloned(),
                stored_bytes: found.as_ref().map_or(0, |(_, place)| place.size_bytes),
                offset: found.map(|(_, place)| place.offset),
                history: None,
                history_idx: None,
            }
        })
        .collect();
    let n_diff_ids = config.rootfs.diff_ids.len();
    if is_config_read && n_diff_ids != layers.len() {
        let problem = Problem::DiffIdCount { n_diff_ids, n_layers: layers.len() };
        problems.push(Finding { part: Part::Config, problem });
    }
    let made: Vec<(usize, &HistoryEntry)> =
        config.history.iter().enumerate().filter(|(_, entry)| !entry.empty_layer).collect();
    if made.len() == layers.len() {
        for (layer, (idx, entry)) in layers.iter_mut().zip(made) {
            layer.history_idx = Some(idx);
            layer.history = Some(entry.clone());
        }
    } else if !config.history.is_empty() {
        let problem = Problem::HistoryMismatch { n_history: made.len(), n_layers: layers.len() };
        problems.push(Finding { part: Part::Config, problem });
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        assert_eq!(json_depth(br#"{"a":["[[[\"[",{}]}"#), 3);
        assert_eq!(json_depth(b"1"), 0);
        assert_eq!(json_depth(b"]]["), 1);
    }

    #[test]
    fn a_short_name_is_the_tag_of_a_full_one() {
        let mut names = vec!["docker.io/library/one:1".to_owned()];
        for name in ["1", "two:2", "docker.io/library/two:2", "docker.io/library/one:1"] {
            add_name(&mut names, name.to_owned());
        }
        assert_eq!(names, ["docker.io/library/one:1", "two:2"]);
    }
}
