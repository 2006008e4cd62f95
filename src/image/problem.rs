//! What is wrong with an archive, and with which part of it.

use std::fmt;

/// Which part of an archive something is said about; a layer's problems stand at the layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The file as a whole.
    Archive,
    /// `manifest.json`, or a manifest under `blobs/`.
    Manifest,
    /// `index.json`, or an index under `blobs/`.
    Index,
    /// A configuration.
    Config,
}

/// A problem of a part that is no layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Where.
    pub part: Part,
    /// What.
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Archive => "archive",
            Part::Manifest => "manifest",
            Part::Index => "index",
            Part::Config => "configuration",
        };
        write!(f, "{part}: {}", self.problem)
    }
}

/// Why a file cannot be opened as an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OpenError {
    /// No tar, and what it looks like instead.
    NotAnArchive {
        /// "a PNG picture"; `None` if nothing is recognized.
        looks_like: Option<String>,
    },
    /// The archive is compressed as a whole, in a way that is not read.
    Compressed {
        /// `xz`, `bzip2`, or that it is compressed twice.
        compression: String,
    },
    /// A tar, but of something else.
    NotAnImage {
        /// It looks like the file system of a container, as `docker export`
        /// writes it: what a single layer holds.
        is_root_fs: bool,
    },
    /// The archive is damaged before an image was found in it.
    Damaged(Finding),
    /// It lists no image.
    NoImages {
        /// The list: the index or the manifest.
        part: Part,
    },
    /// Bytes cannot be had.
    Unreadable {
        /// What the source said.
        message: String,
    },
    /// Stopped on request.
    Stopped,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArchive { looks_like: Some(kind) } => {
                write!(f, "this is {kind}, not an image tarball")
            }
            Self::NotAnArchive { looks_like: None } => f.write_str("this is not a tar archive"),
            Self::Compressed { compression } => {
                write!(
                    f,
                    "this archive is compressed with {compression} as a whole; unpack it once and open the .tar"
                )
            }
            Self::NotAnImage { is_root_fs: true } => f.write_str(
                "this tar archive holds the files of a container (docker export), not an image (docker save)",
            ),
            Self::NotAnImage { is_root_fs: false } => {
                f.write_str("this tar archive holds no image: neither manifest.json nor index.json is in it")
            }
            Self::Damaged(finding) => write!(f, "the archive is damaged: {}", finding.problem),
            Self::NoImages { .. } => f.write_str("the archive lists no image"),
            Self::Unreadable { message } => write!(f, "the file cannot be read: {message}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for OpenError {}

/// Something that is wrong with a part of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// A member or blob that is named is not there.
    Missing {
        /// Its name.
        name: String,
    },
    /// The bytes are not those that the digest names.
    DigestMismatch {
        /// As named.
        expected: String,
        /// As hashed.
        actual: String,
    },
    /// The tar is not the one that the configuration names.
    DiffIdMismatch {
        /// As named.
        expected: String,
        /// As hashed.
        actual: String,
    },
    /// The length is not the one that the descriptor names.
    SizeMismatch {
        /// As named, in bytes.
        expected: u64,
        /// As found.
        actual: u64,
    },
    /// A digest that is none, or of an algorithm that is not computed.
    BadDigest {
        /// As written.
        digest: String,
    },
    /// A document that is no JSON.
    BadJson {
        /// Its name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A JSON document of another shape.
    WrongType {
        /// Its name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A JSON document beyond the limit.
    JsonTooLarge {
        /// Its name.
        name: String,
    },
    /// A JSON document that is nested beyond the limit.
    JsonTooDeep {
        /// Its name.
        name: String,
    },
    /// A manifest or index of a version that is not read.
    UnsupportedVersion {
        /// Its name.
        name: String,
        /// The version.
        version: u32,
    },
    /// `oci-layout` names a version that is not known; the rest is read all the same.
    LayoutVersion {
        /// The version.
        version: String,
    },
    /// A name that stands in the archive twice; the last one counts.
    DuplicateMember {
        /// The name.
        name: String,
    },
    /// A member of the archive that is stored with holes, which is read in layers only.
    SparseMember {
        /// The name.
        name: String,
    },
    /// Indexes that lead to further indexes beyond the limit.
    IndexesTooDeep,
    /// An index that leads to one that was read already.
    IndexTwice {
        /// Its digest.
        digest: String,
    },
    /// A compression that is not read.
    UnsupportedCompression {
        /// Its name.
        compression: String,
    },
    /// A media type that is not known.
    UnsupportedMediaType {
        /// The media type.
        media_type: String,
    },
    /// A layer that is encrypted.
    Encrypted {
        /// The media type.
        media_type: String,
    },
    /// A layer that is kept elsewhere by design.
    Foreign {
        /// The media type.
        media_type: String,
    },
    /// The archive, a compressed stream or a layer's tar ends too early.
    Truncated {
        /// What is said about it.
        what: String,
    },
    /// Compressed data that is damaged.
    CorruptCompression {
        /// What is said about it.
        what: String,
    },
    /// A header that is wrong.
    BadHeader {
        /// What is said about it.
        what: String,
    },
    /// Something follows where the compressed stream is over.
    DataAfterEnd,
    /// A single block of zeros stands before a further header, where some readers stop.
    LoneZeros,
    /// A name beyond the limit.
    PathTooLong {
        /// What is said about it.
        what: String,
    },
    /// More entries than the limit.
    TooManyEntries {
        /// What is said about it.
        what: String,
    },
    /// More comes out of compressed data than the limit.
    InflatedTooLarge,
    /// A name that leads out of the image's root.
    UnsafePath {
        /// The name.
        path: String,
    },
    /// A whiteout that names nothing.
    BadWhiteout {
        /// The name.
        path: String,
    },
    /// The history and the layers do not fit.
    HistoryMismatch {
        /// Entries of the history that made a layer.
        n_history: usize,
        /// Layers.
        n_layers: usize,
    },
    /// The configuration names more or fewer diffIDs than there are layers.
    DiffIdCount {
        /// DiffIDs.
        n_diff_ids: usize,
        /// Layers.
        n_layers: usize,
    },
}

impl Problem {
    /// Worth telling, but nothing is lost or wrong by it.
    #[must_use]
    pub fn is_remark(&self) -> bool {
        matches!(
            self,
            Self::DataAfterEnd
                | Self::LoneZeros
                | Self::LayoutVersion { .. }
                | Self::HistoryMismatch { .. }
                | Self::IndexTwice { .. }
        )
    }
}

impl Problem {
    /// A limit was reached, and more can be had by raising it.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::PathTooLong { .. } | Self::TooManyEntries { .. } | Self::InflatedTooLarge)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "{name} is named but is not in the archive"),
            Self::DigestMismatch { expected, actual } => {
                write!(f, "the stored bytes have digest {actual}, the manifest names {expected}")
            }
            Self::DiffIdMismatch { expected, actual } => {
                write!(f, "the layer has diffID {actual}, the configuration names {expected}")
            }
            Self::SizeMismatch { expected, actual } => {
                write!(f, "it has {actual} bytes, the descriptor names {expected}")
            }
            Self::BadDigest { digest } => write!(f, "“{digest}” is no sha256 or sha512 digest"),
            Self::BadJson { name, message } => write!(f, "{name} is no JSON: {message}"),
            Self::WrongType { name, message } => write!(f, "{name} has another shape: {message}"),
            Self::JsonTooLarge { name } => write!(f, "{name} is larger than the limit for one document"),
            Self::JsonTooDeep { name } => write!(f, "{name} is nested beyond the limit"),
            Self::UnsupportedVersion { name, version } => {
                write!(f, "{name} has version {version}, which is not read")
            }
            Self::LayoutVersion { version } => {
                write!(f, "oci-layout names version {version:?}, which is not known")
            }
            Self::DuplicateMember { name } => {
                write!(f, "{name} stands in the archive twice; the last one counts")
            }
            Self::SparseMember { name } => {
                write!(f, "{name} is a sparse file; those are read inside of layers only")
            }
            Self::IndexesTooDeep => f.write_str("indexes lead to further indexes without end"),
            Self::IndexTwice { digest } => write!(f, "the index {digest} is named more than once"),
            Self::UnsupportedCompression { compression } => {
                write!(f, "it is compressed with {compression}, which is not read")
            }
            Self::UnsupportedMediaType { media_type } => write!(f, "its media type {media_type} is not read"),
            Self::Encrypted { media_type } => write!(f, "it is encrypted ({media_type})"),
            Self::Foreign { media_type } => write!(f, "it is kept elsewhere by design ({media_type})"),
            Self::Truncated { what }
            | Self::CorruptCompression { what }
            | Self::BadHeader { what }
            | Self::PathTooLong { what }
            | Self::TooManyEntries { what } => f.write_str(what),
            Self::DataAfterEnd => f.write_str("something follows the end of the compressed data"),
            Self::LoneZeros => f.write_str("a block of zeros stands within the tar, where some readers stop"),
            Self::InflatedTooLarge => f.write_str("it inflates beyond the limit"),
            Self::UnsafePath { path } => write!(f, "the name {path:?} leads out of the image's root"),
            Self::BadWhiteout { path } => write!(f, "the whiteout {path:?} names nothing"),
            Self::HistoryMismatch { n_history, n_layers } => {
                write!(f, "the history tells of {n_history} layers, the image has {n_layers}")
            }
            Self::DiffIdCount { n_diff_ids, n_layers } => {
                write!(f, "the configuration names {n_diff_ids} diffIDs, the image has {n_layers} layers")
            }
        }
    }
}
