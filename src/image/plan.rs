//! From the members of an archive to its images: documents are read, layers only found.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::documents::{self, Documents, Form};
use super::problem::{Finding, OpenError, Part, Problem};
use super::{Event, ImagePlan, LayerPlan, OnEvent, from_io, tar_problem};
use crate::archive::compression::{Compression, known_kind};
use crate::archive::tar::{MemberKind, Seeking, TarError, Walk};
use crate::archive::{ByteSource, Limits, Window};
use crate::digest::Digest;
use crate::oci::{Descriptor, DockerManifest, HistoryEntry, ImageConfig, Index, Manifest, Platform};

/// A member of the archive.
#[derive(Clone, Debug)]
struct Place {
    kind: MemberKind,
    offset: u64,
    size_bytes: u64,
    link: String,
}

/// The members of an archive by name, and what was wrong on the way.
#[derive(Default)]
pub(super) struct Members {
    by_name: BTreeMap<String, Place>,
    findings: Vec<Finding>,
    n_members: u64,
}

/// How many names that stand twice are told.
const MAX_DUPLICATES: usize = 16;

/// Lists the members; bodies are skipped.
pub(super) fn index(
    source: &mut dyn ByteSource,
    limits: Limits,
    on_event: &mut OnEvent<'_>,
) -> Result<Members, OpenError> {
    let size_bytes = source.size_bytes();
    let mut on_read = |_| on_event(Event::Progress { done_bytes: 0, total_bytes: size_bytes });
    let mut window = Window::new(source, &mut on_read);
    let mut head = Vec::new();
    (&mut window).take(512).read_to_end(&mut head).map_err(|error| from_io(&error))?;
    let compression = Compression::sniff(&head);
    if compression != Compression::None {
        return Err(OpenError::Compressed { compression: compression.name().to_owned() });
    }
    window.seek(SeekFrom::Start(0)).map_err(|error| from_io(&error))?;
    let mut reader = Seeking(window);
    let mut walk = Walk::new(&mut reader, limits);
    let mut members = Members::default();
    loop {
        match walk.next_member() {
            Ok(Some(member)) => {
                members.n_members += 1;
                let name = member.path.strip_prefix("./").unwrap_or(&member.path).to_owned();
                let place = Place {
                    kind: member.kind,
                    offset: member.body_offset,
                    size_bytes: member.size_bytes,
                    link: member.link,
                };
                let before = members.by_name.insert(name.clone(), place);
                let is_twice = before.is_some_and(|before| before.kind != MemberKind::Dir);
                if is_twice && members.findings.len() < MAX_DUPLICATES {
                    let problem = Problem::DuplicateMember { name };
                    members.findings.push(Finding { part: Part::Archive, problem });
                }
            }
            Ok(None) => return Ok(members),
            Err(TarError::NotTar) => {
                let looks_like = known_kind(&head).map(str::to_owned);
                return Err(OpenError::NotAnArchive { looks_like });
            }
            Err(TarError::Io(error)) => return Err(from_io(&error)),
            // What was found before the damage may be enough.
            Err(error) => {
                members.findings.push(Finding { part: Part::Archive, problem: tar_problem(&error) });
                return Ok(members);
            }
        }
    }
}

/// A member's name without leading `/` and `./`, with `..` resolved.
fn normal_name(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// The member of this name, links followed.
fn resolve<'m>(members: &'m Members, name: &str) -> Option<(String, &'m Place)> {
    let mut name = name.strip_prefix("./").unwrap_or(name).to_owned();
    for _ in 0..members.by_name.len().min(64) {
        let place = members.by_name.get(&name)?;
        let base = match place.kind {
            MemberKind::Symlink => name.rsplit_once('/').map_or("", |(folder, _)| folder),
            MemberKind::HardLink => "",
            _ => return Some((name, place)),
        };
        name = normal_name(&format!("{base}/{}", place.link));
    }
    None
}

/// The member that holds the blob of a digest.
fn blob_name(digest: &str) -> Option<String> {
    let (algorithm, hex) = digest.split_once(':')?;
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain(algorithm) && is_plain(hex)).then(|| format!("blobs/{algorithm}/{hex}"))
}

/// Finds the images of an archive.
pub(super) fn plan(
    source: &mut dyn ByteSource,
    members: &Members,
    limits: Limits,
) -> Result<(Vec<ImagePlan>, Documents), OpenError> {
    let has = |name: &str| resolve(members, name).is_some();
    let (has_docker, has_index) = (has("manifest.json"), has("index.json"));
    if !has_docker && !has_index {
        // Cut before its list came, it cannot be told from another tar.
        let damage = members.findings.iter().find(|finding| !is_duplicate(finding));
        if let Some(damage) = damage {
            return Err(OpenError::Damaged(damage.clone()));
        }
        let is_layout = |name: &String| name == "oci-layout" || name.starts_with("blobs/");
        if members.by_name.keys().any(is_layout) {
            let problem = Problem::Missing { name: "index.json".to_owned() };
            return Err(OpenError::Damaged(Finding { part: Part::Archive, problem }));
        }
        return Err(OpenError::NotAnImage);
    }
    let form = Form { is_docker_archive: has_docker, is_oci_layout: has_index };
    let mut planner = Planner {
        source,
        members,
        limits,
        images: Vec::new(),
        documents: Documents { form, n_members: members.n_members, ..Documents::default() },
        findings: Vec::new(),
        seen: BTreeSet::new(),
    };
    if has_index {
        match planner.json::<Index>("index.json") {
            Ok((index, _)) => planner.add_index(&index, 0),
            Err(problem) => planner.find(Part::Index, problem),
        }
    }
    if has_docker {
        match planner.json::<Vec<DockerManifest>>("manifest.json") {
            Ok((list, _)) => list.iter().for_each(|docker| planner.add_docker_image(docker)),
            Err(problem) => planner.find(Part::Manifest, problem),
        }
    }
    let Planner { mut images, documents, findings, .. } = planner;
    if images.is_empty() {
        let part = if has_docker { Part::Manifest } else { Part::Index };
        let first = findings.into_iter().next();
        return Err(first.map_or(OpenError::NoImages { part }, OpenError::Damaged));
    }
    for image in &mut images {
        image.problems.extend(members.findings.iter().chain(&findings).cloned());
    }
    Ok((images, documents))
}

fn is_duplicate(finding: &Finding) -> bool {
    matches!(finding.problem, Problem::DuplicateMember { .. })
}

/// Indexes may lead to further indexes, this deep.
const MAX_INDEX_DEPTH: usize = 16;

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

    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Problem> {
        let missing = || Problem::Missing { name: name.to_owned() };
        let (_, place) = resolve(self.members, name).ok_or_else(missing)?;
        if place.size_bytes > self.limits.json_bytes {
            return Err(Problem::JsonTooLarge { name: name.to_owned() });
        }
        let damaged = |message: String| Problem::BadJson { name: name.to_owned(), message };
        let mut go_on = |_| ControlFlow::Continue(());
        let mut window = Window::new(&mut *self.source, &mut go_on);
        window.seek(SeekFrom::Start(place.offset)).map_err(|error| damaged(error.to_string()))?;
        let mut bytes = Vec::new();
        window.take(place.size_bytes).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        if (bytes.len() as u64) < place.size_bytes {
            return Err(Problem::Truncated { what: format!("the archive ends within {name}") });
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
                    known.tags.extend(tag);
                    known.descriptors.push(descriptor.clone());
                }
                None => self.add_oci_image(descriptor, &manifest, text_of(&bytes), digest, tag),
            }
            return;
        }
        if let Some(problem) = digest_problem(&descriptor.digest, digest) {
            self.find(Part::Index, problem);
        }
        match serde_json::from_slice::<Index>(&bytes) {
            Ok(inner) if inner.schema_version == 1 => {
                self.find(Part::Manifest, Problem::UnsupportedVersion { name, version: 1 });
            }
            Ok(_) if self.seen.contains(&descriptor.digest) => {
                self.find(Part::Index, Problem::IndexTwice { digest: descriptor.digest.clone() });
            }
            Ok(inner) if depth < MAX_INDEX_DEPTH => {
                self.seen.insert(descriptor.digest.clone());
                self.add_index(&inner, depth + 1);
            }
            Ok(_) => self.find(Part::Index, Problem::IndexesTooDeep),
            Err(error) => self.find(Part::Manifest, json_problem(&name, &error)),
        }
    }

    /// A document's text as it stands.
    fn text(&mut self, name: &str) -> Option<String> {
        self.bytes(name).ok().map(|bytes| text_of(&bytes))
    }

    /// A configuration; where it cannot be read, an empty one and the reason.
    fn config(&mut self, name: &str) -> (ImageConfig, Option<Digest>, Option<Finding>) {
        match self.bytes(name) {
            Ok(bytes) => {
                let digest = Some(Digest::of(&bytes));
                match serde_json::from_slice(&bytes) {
                    // An array of fields would be read as well, but is none.
                    Ok(config) if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') => {
                        (config, digest, None)
                    }
                    Ok(_) => {
                        let message = "it is no object".to_owned();
                        let problem = Problem::WrongType { name: name.to_owned(), message };
                        (ImageConfig::default(), digest, Some(Finding { part: Part::Config, problem }))
                    }
                    Err(error) => {
                        let problem = json_problem(name, &error);
                        (ImageConfig::default(), digest, Some(Finding { part: Part::Config, problem }))
                    }
                }
            }
            Err(problem) => (ImageConfig::default(), None, Some(Finding { part: Part::Config, problem })),
        }
    }

    fn add_oci_image(
        &mut self,
        descriptor: &Descriptor,
        manifest: &Manifest,
        text: String,
        digest: Digest,
        tag: Option<String>,
    ) {
        let named = &manifest.config.digest;
        let (config, config_digest, finding) = match blob_name(named) {
            Some(name) => self.config(&name),
            None => {
                let problem = Problem::BadDigest { digest: named.clone() };
                (ImageConfig::default(), None, Some(Finding { part: Part::Config, problem }))
            }
        };
        let is_config_read = finding.is_none();
        let mut problems: Vec<Finding> = finding.into_iter().collect();
        let mut add = |part: Part, problem: Option<Problem>| {
            problems.extend(problem.map(|problem| Finding { part, problem }));
        };
        add(Part::Manifest, digest_problem(&descriptor.digest, digest));
        add(Part::Config, config_digest.and_then(|actual| digest_problem(named, actual)));
        let layers = manifest.layers.iter().map(|layer| {
            let name = blob_name(&layer.digest).unwrap_or_else(|| layer.digest.clone());
            (name, Some(layer))
        });
        let layers = plan_layers(self.members, layers, &config, is_config_read, &mut problems);
        let config_text = blob_name(named).and_then(|name| self.text(&name));
        self.images.push(ImagePlan {
            tags: tag.into_iter().collect(),
            platform: descriptor.platform.clone().or_else(|| own_platform(&config)),
            manifest_digest: Some(digest),
            named_config_digest: Some(named.clone()),
            descriptors: vec![descriptor.clone()],
            docker: None,
            manifest: Some(text),
            config_text,
            config_digest: config_digest.or_else(|| Digest::parse(named)),
            config,
            layers,
            problems,
        });
    }

    fn add_docker_image(&mut self, docker: &DockerManifest) {
        let (config, config_digest, finding) = self.config(&docker.config);
        // The same image may be listed in both forms.
        let known = self.images.iter_mut().find(|image| {
            config_digest.is_some() && image.config_digest == config_digest && image.manifest_digest.is_some()
        });
        if let Some(known) = known {
            for tag in &docker.repo_tags {
                if !known.tags.contains(tag) {
                    known.tags.push(tag.clone());
                }
            }
            known.docker.get_or_insert_with(|| docker.clone());
            known.tags.retain(|tag| docker.repo_tags.is_empty() || docker.repo_tags.contains(tag));
            return;
        }
        let is_config_read = finding.is_none();
        let mut problems: Vec<Finding> = finding.into_iter().collect();
        let file_name = docker.config.rsplit('/').next().unwrap_or("");
        let hex = file_name.strip_suffix(".json").unwrap_or(file_name);
        let named = Digest::parse(&format!("sha256:{hex}"));
        if let (Some(named), Some(actual)) = (named, config_digest)
            && let Some(problem) = digest_problem(&named.to_string(), actual)
        {
            problems.push(Finding { part: Part::Config, problem });
        }
        let layers = docker.layers.iter().map(|name| (name.clone(), None));
        let layers = plan_layers(self.members, layers, &config, is_config_read, &mut problems);
        let config_text = self.text(&docker.config);
        self.images.push(ImagePlan {
            tags: docker.repo_tags.clone(),
            platform: own_platform(&config),
            manifest_digest: None,
            named_config_digest: config_digest.or(named).map(|digest| digest.to_string()),
            descriptors: Vec::new(),
            docker: Some(docker.clone()),
            manifest: None,
            config_text,
            config_digest: config_digest.or(named),
            config,
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

fn digest_problem(named: &str, actual: Digest) -> Option<Problem> {
    let expected = Digest::parse(named).filter(|expected| *expected != actual)?;
    Some(Problem::DigestMismatch { expected: expected.to_string(), actual: actual.to_string() })
}

fn own_platform(config: &ImageConfig) -> Option<Platform> {
    let platform = Platform {
        architecture: config.architecture.clone(),
        os: config.os.clone(),
        // Left to the configuration, as no list names it.
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
            let found = resolve(members, &name);
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
    fn blobs_have_plain_names() {
        assert_eq!(blob_name("sha256:ab"), Some("blobs/sha256/ab".into()));
        assert_eq!(blob_name("sha256:../../x"), None);
        assert_eq!(blob_name("nothing"), None);
    }

    #[test]
    fn links_stay_inside() {
        assert_eq!(normal_name("/../../a/./b/../c"), "a/c");
    }
}
