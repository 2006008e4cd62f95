//! The documents of an archive beside its images: what form it has, and the manifests that are no image.
//!
//! An *attestation* is a manifest about an image, such as where it comes from or
//! what it is made of; BuildKit lists it in the index beside the image, on a
//! platform of its own. An *artifact* is a manifest of something else, such as
//! a Helm chart. Both are told with their text; their layers are no file trees
//! and are not read.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::from_io;
use super::problem::OpenError;
use crate::archive::compression::Compression;
use crate::archive::{ByteSource, OnRead, Window};
use crate::digest::{Digest, HashingReader};
use crate::oci::{Descriptor, Manifest};

/// The form of an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Form {
    /// It has `manifest.json`.
    pub is_docker_archive: bool,
    /// It has `index.json`.
    pub is_oci_layout: bool,
    /// It has neither, but `repositories`, as Docker wrote it before 1.10.
    pub is_docker_v1: bool,
}

impl Form {
    /// `docker-archive`, `oci-layout`, or both with `+` between; `docker-v1` for the old one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self.is_docker_archive, self.is_oci_layout) {
            (true, true) => "docker-archive+oci-layout",
            (true, false) => "docker-archive",
            (false, true) => "oci-layout",
            (false, false) if self.is_docker_v1 => "docker-v1",
            (false, false) => "none",
        }
    }
}

/// A manifest about an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attestation {
    /// As the index lists it.
    pub descriptor: Descriptor,
    /// Digest of the manifest.
    pub manifest_digest: Digest,
    /// Digest of the manifest that it is about.
    pub about: Option<String>,
    /// What is said, by the type of each statement.
    pub predicates: Vec<String>,
    /// What it says, statement by statement.
    pub statements: Vec<Statement>,
    /// The manifest's text.
    pub manifest: String,
}

/// A manifest of something else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Artifact {
    /// As the index lists it.
    pub descriptor: Descriptor,
    /// Digest of the manifest.
    pub manifest_digest: Digest,
    /// What it is: the type that it gives, or that of its configuration.
    pub kind: String,
    /// The manifest's text.
    pub manifest: String,
}

/// A list of the archive, as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List {
    /// The member's name.
    pub name: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Its length.
    pub size_bytes: u64,
    /// Its text; of a long one the beginning.
    pub text: String,
}

impl List {
    /// A document of these bytes.
    pub(super) fn new(name: &str, bytes: &[u8]) -> Self {
        let text = beginning(bytes);
        Self { name: name.to_owned(), digest: Digest::of(bytes), size_bytes: bytes.len() as u64, text }
    }
}

/// What an attestation says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// As the manifest lists it.
    pub descriptor: Descriptor,
    /// What is said, by its type.
    pub predicate: Option<String>,
    /// Whom it speaks of: name and digest.
    pub subjects: Vec<String>,
    /// Its text, where the archive has it; of a long one the beginning.
    pub text: Option<String>,
}

/// More of a document is not kept.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// How many statements of an attestation and how many subjects of a statement are kept.
const MAX_LISTED: usize = 64;

/// The text of a document, as far as it is kept.
fn beginning(bytes: &[u8]) -> String {
    let kept = bytes.get(..MAX_TEXT_BYTES).unwrap_or(bytes);
    String::from_utf8_lossy(kept).into_owned()
}

/// What an archive is, beside its images.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Documents {
    /// Which lists it has.
    pub form: Form,
    /// How it is compressed as a whole.
    pub compression: Compression,
    /// Members of its tar.
    pub n_members: u64,
    /// Its own lists: `index.json` and the indexes that it names, `manifest.json`, `repositories`,
    /// `oci-layout`.
    pub lists: Vec<List>,
    /// Manifests about its images.
    pub attestations: Vec<Attestation>,
    /// Manifests of something else.
    pub artifacts: Vec<Artifact>,
}

impl Default for Documents {
    fn default() -> Self {
        Self {
            form: Form::default(),
            compression: Compression::None,
            n_members: 0,
            lists: Vec::new(),
            attestations: Vec::new(),
            artifacts: Vec::new(),
        }
    }
}

const ABOUT: &str = "vnd.docker.reference.digest";
const KIND: &str = "vnd.docker.reference.type";
const PREDICATE: &str = "in-toto.io/predicate-type";

/// A descriptor of an index leads to an attestation.
pub(super) fn is_attestation(descriptor: &Descriptor) -> bool {
    descriptor.annotations.get(KIND).is_some_and(|kind| kind == "attestation-manifest")
}

/// An attestation from the bytes of its manifest.
pub(super) fn attestation(
    descriptor: &Descriptor,
    digest: Digest,
    bytes: &[u8],
) -> Result<Attestation, serde_json::Error> {
    /// Only what is needed: a builder may leave the rest out.
    #[derive(Deserialize)]
    struct Statements {
        #[serde(default)]
        layers: Vec<Descriptor>,
    }
    let statements: Statements = serde_json::from_slice(bytes)?;
    let predicates = statements.layers.iter().filter_map(|layer| layer.annotations.get(PREDICATE));
    let statement = |layer: &Descriptor| Statement {
        descriptor: layer.clone(),
        predicate: layer.annotations.get(PREDICATE).cloned(),
        subjects: Vec::new(),
        text: None,
    };
    Ok(Attestation {
        statements: statements.layers.iter().take(MAX_LISTED).map(statement).collect(),
        descriptor: descriptor.clone(),
        manifest_digest: digest,
        about: descriptor.annotations.get(ABOUT).cloned(),
        predicates: predicates.cloned().collect(),
        manifest: String::from_utf8_lossy(bytes).into_owned(),
    })
}

impl Statement {
    /// Its bytes were found.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        /// Whom it speaks of; the rest is shown as it stands.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct InToto {
            #[serde(default)]
            predicate_type: Option<String>,
            #[serde(default)]
            subject: Vec<Subject>,
        }
        #[derive(Deserialize)]
        struct Subject {
            #[serde(default)]
            name: String,
            #[serde(default)]
            digest: BTreeMap<String, String>,
        }
        self.text = Some(beginning(bytes));
        let Ok(read) = serde_json::from_slice::<InToto>(bytes) else { return };
        let line = |subject: &Subject| {
            let digests = subject.digest.iter().map(|(algorithm, hex)| format!("{algorithm}:{hex}"));
            let words: Vec<String> = std::iter::once(subject.name.clone()).chain(digests).collect();
            words.join(" ").trim().to_owned()
        };
        self.predicate = self.predicate.take().or(read.predicate_type);
        self.subjects = read.subject.iter().take(MAX_LISTED).map(line).collect();
    }
}

/// An artifact from its manifest.
pub(super) fn artifact(
    descriptor: &Descriptor,
    digest: Digest,
    manifest: &Manifest,
    text: String,
) -> Artifact {
    let kind = manifest.artifact_type.as_ref().unwrap_or(&manifest.config.media_type);
    Artifact { descriptor: descriptor.clone(), manifest_digest: digest, kind: kind.clone(), manifest: text }
}

/// The digest of the whole file. No part of opening an image needs it, and it
/// reads all bytes once more.
///
/// # Errors
/// Where the bytes cannot be had, and where it was stopped.
pub fn digest_of_file(source: &mut dyn ByteSource, on_read: &mut OnRead<'_>) -> Result<Digest, OpenError> {
    let mut reader = HashingReader::new(Window::new(source, on_read));
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| from_io(&error))?;
    Ok(reader.finish().0)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::archive::SliceSource;

    #[test]
    fn attestations_say_what_they_are_about() {
        let descriptor: Descriptor = serde_json::from_str(
            r#"{"digest":"sha256:1","annotations":{"vnd.docker.reference.type":"attestation-manifest",
                "vnd.docker.reference.digest":"sha256:2"}}"#,
        )
        .unwrap();
        assert!(is_attestation(&descriptor));
        let bytes = br#"{"layers":[{"digest":"sha256:3","annotations":{"in-toto.io/predicate-type":"p"}}]}"#;
        let told = attestation(&descriptor, Digest::of(bytes), bytes).unwrap();
        assert_eq!((told.about.as_deref(), told.predicates), (Some("sha256:2"), vec!["p".to_owned()]));
    }

    #[test]
    fn a_file_has_a_digest() {
        let mut go_on = |_| ControlFlow::Continue(());
        let digest = digest_of_file(&mut SliceSource(b"abc"), &mut go_on).unwrap();
        assert_eq!(digest, Digest::of(b"abc"));
        let mut stop = |_| ControlFlow::Break(());
        assert_eq!(digest_of_file(&mut SliceSource(b"abc"), &mut stop), Err(OpenError::Stopped));
    }
}
