//! Documents of an archive, and how an image was made.

use serde::{Deserialize, Serialize};

/// What an archive holds beside layers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DocumentsReport {
    /// Its form: `docker-archive`, `oci-layout`, both with `+` between, `docker-v1` or `none`.
    pub form: String,
    /// How it is compressed as a whole: `none`, `gzip` or `zstd`.
    pub compression: String,
    /// Members of its tar.
    pub n_members: u64,
    /// The documents: lists of the archive, then those of each image, then the others.
    pub documents: Vec<DocumentReport>,
}

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum DocumentRole {
    /// `manifest.json`, Docker's list of images.
    DockerManifest,
    /// `index.json`, the list of an OCI layout, or a further index that it names.
    Index,
    /// `repositories`, Docker's list before 1.10.
    Repositories,
    /// `oci-layout`.
    Layout,
    /// An image's manifest.
    Manifest,
    /// An image's configuration.
    Config,
    /// A manifest about an image.
    Attestation,
    /// What such a manifest says: where the image comes from, or what is in it.
    Statement,
    /// A manifest of something that is no image.
    Artifact,
}

/// A document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DocumentReport {
    /// What it is.
    pub role: DocumentRole,
    /// The image that it is of, or about; none for those of the archive.
    pub image_idx: Option<u32>,
    /// The member's name, or what stands for it.
    pub name: String,
    /// Its media type; empty where nothing says.
    pub media_type: String,
    /// Its digest, as it is named, or else as it is; empty where neither is known.
    pub digest: String,
    /// Its length.
    pub size_bytes: u64,
    /// Its text, as it stands; of a long one the beginning.
    pub text: String,
    /// Not all of it is in `text`.
    pub is_cut: bool,
    /// It is JSON, as far as that is in `text`.
    pub is_json: bool,
    /// Annotations of the list that names it, then its own.
    pub annotations: Vec<(String, String)>,
    /// Digest of the manifest that it is about.
    pub about: Option<String>,
    /// Type of what a statement says, such as `https://slsa.dev/provenance/v1`.
    pub predicate_type: Option<String>,
    /// Whom a statement speaks of: names with digests.
    pub subjects: Vec<String>,
}

/// How an image was made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HistoryReport {
    /// The lines of the history, first to last.
    pub steps: Vec<HistoryStepReport>,
    /// The builder, as people name it.
    pub builder: String,
    /// The name of the base image, where that is recorded.
    pub base_name: Option<String>,
    /// The Dockerfile as far as the image still tells it.
    pub dockerfile: String,
    /// The numbers of lines and layers do not fit: which line made which layer is not known.
    pub is_mismatched: bool,
}

/// A line of the history.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HistoryStepReport {
    /// The instruction, as far as the builder kept it.
    pub instruction: String,
    /// The line as it stands.
    pub created_by: String,
    /// When, in RFC 3339.
    pub created: Option<String>,
    /// Who.
    pub author: Option<String>,
    /// A remark of the builder.
    pub comment: Option<String>,
    /// The builder of this step, as people name it.
    pub builder: String,
    /// It made no layer.
    pub is_empty_layer: bool,
    /// The layer that it made.
    pub layer_idx: Option<u32>,
    /// Bytes of the files of that layer, once they are known.
    pub content_bytes: Option<u64>,
    /// Bytes of that layer as stored.
    pub stored_bytes: Option<u64>,
}
