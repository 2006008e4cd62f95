//! A folder given as one archive, or file by file, read into a [`Tree`].
//!
//! - [`import`] reads a tar, a gzipped tar or a zip; the first bytes say which, never a name.
//! - [`FolderImport`] takes the files of a folder that was dropped, one by one,
//!   and reads again only what changed since an earlier import.
//!
//! Every file is hashed while it streams by; of contents only those few texts
//! are kept that the page shows itself (Dockerfiles and ignore files), and of
//! archives among them the members are listed, since an ADD unpacks them. Names are
//! cleaned and stay within the root, owners are root's, as a client sends them.
//!
//! What is wrong with a part is a [`Problem`], and the rest is read all the
//! same; only a file that is no archive is an error. No announced size or count
//! is believed: entries, path lengths, depth and inflated bytes have limits.
//!
//! Not read: zips over several volumes, encrypted entries, methods other than
//! stored and deflate, files with holes, devices.

mod folder;
mod from_tar;
mod from_zip;
mod inner;
mod salvage;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

pub use self::folder::{FolderImport, FoundFile};
use self::inner::Lister;
use super::path::{self, CleanPath, PathError, folders_above};
use super::unpacked::{Archives, Holds, is_named_like_one};
use super::{Assumed, Entry, EntryKind, Tree};
use crate::archive::compression::{Compression, InflatedTooLarge, known_kind};
use crate::archive::{ByteSource, Limits, SourceError, Window, is_stop};
use crate::digest::{Digest, Hasher};
use crate::text::from_bytes;

/// Where the files come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A tar.
    Tar,
    /// A tar within gzip.
    TarGzip,
    /// A zip.
    Zip,
    /// A folder, file by file.
    Folder,
}

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imported {
    /// Where it comes from.
    pub format: Format,
    /// The files, folders and links.
    pub tree: Tree,
    /// Files and links among them.
    pub n_files: u64,
    /// The files' lengths added up.
    pub content_bytes: u64,
    /// Dockerfiles and ignore files by path; bytes that are no UTF-8 as [`from_bytes`] maps them.
    pub texts: BTreeMap<String, String>,
    /// What the archives among the files hold.
    pub archives: Archives,
    /// The one folder that all lies in, which [`strip_root`] takes away.
    pub single_root: Option<String>,
    /// What is wrong, the first [`MAX_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// How many problems there are beyond those.
    pub n_more_problems: u64,
}

/// So many problems are kept one by one.
pub const MAX_PROBLEMS: usize = 100;

/// How far an import is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes read so far.
    pub done_bytes: u64,
    /// Of how many.
    pub total_bytes: u64,
}

/// Told of progress; answers whether to go on.
pub type OnProgress<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Why nothing can be imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ImportError {
    /// Neither tar nor zip, and what it looks like instead.
    NotAnArchive {
        /// "a PNG picture"; `None` if nothing is recognized.
        looks_like: Option<&'static str>,
    },
    /// Bytes cannot be had.
    Unreadable {
        /// What the source said.
        message: String,
    },
    /// Stopped on request.
    Stopped,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArchive { looks_like: Some(kind) } => {
                write!(f, "this is {kind}; a context is read from a tar, a gzipped tar or a zip")
            }
            Self::NotAnArchive { looks_like: None } => f.write_str("this is neither a tar nor a zip archive"),
            Self::Unreadable { message } => write!(f, "the file cannot be read: {message}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for ImportError {}

/// Something that is wrong with an archive or one of its entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The entry; empty for the archive as a whole.
    pub path: String,
    /// What.
    pub kind: ProblemKind,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// The data ends too early.
    Truncated,
    /// The list of a zip's entries is missing or damaged; entries were looked for one after the other.
    NoDirectory,
    /// Compressed data that is damaged.
    CorruptCompression {
        /// What is said about it.
        message: String,
    },
    /// A header that is wrong.
    BadHeader {
        /// What is said about it.
        message: String,
    },
    /// The content is not the one that the checksum names.
    ChecksumMismatch,
    /// The content has another length than announced.
    SizeMismatch {
        /// As announced, in bytes.
        expected: u64,
        /// As read.
        actual: u64,
    },
    /// An entry that needs a password.
    Encrypted,
    /// A compression that is not read.
    UnsupportedMethod {
        /// Its name or number.
        method: String,
    },
    /// A device, a pipe or something else that is no file, folder or link.
    UnsupportedKind,
    /// A file stored with holes, whose bytes were not put together; its content is assumed.
    Sparse,
    /// A name that leads out of the root; the entry was put within.
    OutsideRoot {
        /// The name as written.
        name: String,
    },
    /// A name that cannot be a path.
    BadPath(PathError),
    /// A hard link to a file that is not there.
    BrokenLink {
        /// The file it names.
        target: String,
    },
    /// More entries than the limit; the others are left out.
    TooManyEntries,
    /// More comes out of compressed data than the limit; what follows is left out.
    InflatedTooLarge,
    /// A file that cannot be read.
    Unreadable {
        /// What is said about it.
        message: String,
    },
    /// Something follows where the compressed stream is over.
    DataAfterEnd,
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the data ends too early"),
            Self::NoDirectory => f.write_str(
                "the list of entries is missing or damaged; what could be found without it was read",
            ),
            Self::CorruptCompression { message } => write!(f, "the compressed data is damaged: {message}"),
            Self::BadHeader { message } => f.write_str(message),
            Self::ChecksumMismatch => f.write_str("the content does not have the checksum that is named"),
            Self::SizeMismatch { expected, actual } => {
                write!(f, "the content has {actual} bytes, {expected} are announced")
            }
            Self::Encrypted => f.write_str("it is encrypted"),
            Self::UnsupportedMethod { method } => {
                write!(f, "it is compressed with {method}, which is not read")
            }
            Self::UnsupportedKind => f.write_str("it is neither a file nor a folder nor a link"),
            Self::Sparse => {
                f.write_str("it is stored with holes, which are not read; its content is assumed")
            }
            Self::OutsideRoot { name } => write!(f, "the name {name:?} leads out of the folder"),
            Self::BadPath(error) => error.fmt(f),
            Self::BrokenLink { target } => write!(f, "it is a link to {target:?}, which is not there"),
            Self::TooManyEntries => f.write_str("there are more entries than the limit"),
            Self::InflatedTooLarge => f.write_str("it inflates beyond the limit"),
            Self::Unreadable { message } => write!(f, "it cannot be read: {message}"),
            Self::DataAfterEnd => f.write_str("something follows the end of the compressed data"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { self.kind.fmt(f) } else { write!(f, "{}: {}", self.path, self.kind) }
    }
}

/// Reads a tar, a gzipped tar or a zip.
///
/// # Errors
/// Where there is no archive to read.
pub fn import(
    source: &mut dyn ByteSource,
    limits: Limits,
    on_progress: &mut OnProgress<'_>,
) -> Result<Imported, ImportError> {
    let total_bytes = source.size_bytes();
    let mut on_read =
        |n_read: u64| on_progress(Progress { done_bytes: n_read.min(total_bytes), total_bytes });
    let mut window = Window::new(source, &mut on_read);
    let mut head = Vec::new();
    (&mut window).take(512).read_to_end(&mut head).map_err(|error| fatal(&error))?;
    window.seek(SeekFrom::Start(0)).map_err(|error| fatal(&error))?;
    match head.as_slice() {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => {
            let mut builder = Builder::new(Format::Zip, limits);
            from_zip::read(window, &mut builder)?;
            Ok(builder.finish())
        }
        _ if Compression::sniff(&head) == Compression::Gzip => {
            let mut builder = Builder::new(Format::TarGzip, limits);
            from_tar::read_gzip(window, &mut builder)?;
            Ok(builder.finish())
        }
        _ => {
            let mut builder = Builder::new(Format::Tar, limits);
            from_tar::read_plain(window, &mut builder, known_kind(&head))?;
            Ok(builder.finish())
        }
    }
}

/// The one folder that everything lies in, as in archives that were made of a folder.
#[must_use]
pub fn single_root(tree: &Tree) -> Option<String> {
    let mut names = tree.root().iter();
    match (names.next(), names.next()) {
        (Some((name, node)), None) if node.entry().is_dir() && node.n_below() > 0 => Some(name.to_owned()),
        _ => None,
    }
}

/// What stands in the one folder that everything lies in; the same tree if there is none.
#[must_use]
pub fn strip_root(tree: &Tree) -> Tree {
    let Some(root) = single_root(tree) else { return tree.clone() };
    let mut stripped = Tree::default();
    for (name, node) in tree.node(&root).into_iter().flat_map(|node| node.iter()) {
        stripped.graft(name, node);
    }
    stripped
}

impl Imported {
    /// The same without the one folder that everything lies in.
    #[must_use]
    pub fn stripped(mut self) -> Self {
        if let Some(root) = self.single_root.take() {
            let inside = |path: &str| {
                path.strip_prefix(root.as_str()).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned)
            };
            self.tree = strip_root(&self.tree);
            self.texts =
                self.texts.into_iter().filter_map(|(path, text)| Some((inside(&path)?, text))).collect();
            for problem in &mut self.problems {
                problem.path = inside(&problem.path).unwrap_or_default();
            }
            self.single_root = single_root(&self.tree);
        }
        self
    }
}

/// Texts beyond this length are not kept.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// So many texts are kept.
const MAX_TEXTS: usize = 64;

/// A file that the page may show as a text: a Dockerfile or an ignore file.
fn is_text(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
    ["dockerfile", "containerfile"].iter().any(|word| {
        name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            || name.strip_suffix(word).is_some_and(|rest| rest.ends_with('.'))
    }) || name.ends_with(".dockerignore")
        || name == ".containerignore"
}

/// A content while it passes.
struct Content {
    hasher: Hasher,
    n_bytes: u64,
    /// Kept up to a limit, for what is needed as a text.
    kept: Option<Vec<u8>>,
    limit_bytes: usize,
    /// The file is named like an archive.
    is_named_archive: bool,
    /// What it holds, if it is one.
    holds: Option<Holds>,
}

impl Content {
    /// Of a file at a path.
    fn of_file(path: &str) -> Self {
        Self {
            hasher: Hasher::default(),
            n_bytes: 0,
            kept: is_text(path).then(Vec::new),
            limit_bytes: MAX_TEXT_BYTES,
            is_named_archive: is_named_like_one(path),
            holds: None,
        }
    }

    /// Of a link, whose text is its target.
    fn of_link() -> Self {
        Self {
            hasher: Hasher::default(),
            n_bytes: 0,
            kept: Some(Vec::new()),
            limit_bytes: path::MAX_PATH_BYTES,
            is_named_archive: false,
            holds: None,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.n_bytes += bytes.len() as u64;
        if let Some(kept) = &mut self.kept {
            if kept.len() + bytes.len() > self.limit_bytes {
                self.kept = None;
            } else {
                kept.extend_from_slice(bytes);
            }
        }
    }

    fn finish(self) -> (Digest, u64, Option<String>) {
        (self.hasher.finish(), self.n_bytes, self.kept.map(|bytes| from_bytes(&bytes)))
    }
}

/// Puts entries into a tree, within the limits.
struct Builder {
    format: Format,
    limits: Limits,
    tree: Tree,
    texts: BTreeMap<String, String>,
    archives: Archives,
    lister: Lister,
    problems: Vec<Problem>,
    n_more_problems: u64,
}

impl Builder {
    fn new(format: Format, limits: Limits) -> Self {
        Self {
            format,
            limits,
            tree: Tree::default(),
            texts: BTreeMap::new(),
            archives: Archives::default(),
            lister: Lister::new(limits),
            problems: Vec::new(),
            n_more_problems: 0,
        }
    }

    fn problem(&mut self, path: &str, kind: ProblemKind) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { path: path.to_owned(), kind });
        } else {
            self.n_more_problems += 1;
        }
    }

    /// The path for a name; `None` for the root itself and for what cannot be one.
    fn path_of(&mut self, name: &str) -> Option<CleanPath> {
        let limit_bytes = usize::try_from(self.limits.path_bytes).unwrap_or(usize::MAX);
        let cleaned = if name.len() > limit_bytes { Err(PathError::TooLong) } else { path::clean(name) };
        match cleaned {
            Ok(cleaned) => {
                if cleaned.is_outside {
                    self.problem(&cleaned.path, ProblemKind::OutsideRoot { name: name.to_owned() });
                }
                Some(cleaned).filter(|cleaned| !cleaned.path.is_empty())
            }
            Err(error) => {
                let shown: String = name.chars().take(100).collect();
                self.problem(&shown, ProblemKind::BadPath(error));
                None
            }
        }
    }

    /// Tells, once, that there is no room for more.
    fn tell_full(&mut self) {
        if self.problems.last().is_none_or(|last| last.kind != ProblemKind::TooManyEntries) {
            self.problem("", ProblemKind::TooManyEntries);
        }
    }

    /// Puts an entry in; `false` if there is no room for more.
    fn insert(&mut self, path: &str, entry: Entry) -> bool {
        let missing: Vec<&str> = folders_above(path)
            .take_while(|folder| !self.tree.get(folder).is_some_and(Entry::is_dir))
            .collect();
        let n_new = 1 + missing.len() as u64;
        if self.tree.len() as u64 + n_new > self.limits.n_entries {
            self.tell_full();
            return false;
        }
        for folder in missing.into_iter().rev() {
            // Nobody told its mode, and nobody may.
            self.tree.insert(folder, Entry { assumed: Assumed::MODE, ..Entry::dir() });
        }
        self.tree.insert(path, entry);
        true
    }

    /// Puts a file in whose content passed.
    fn insert_file(&mut self, path: &str, mut content: Content, header: impl FnOnce(&mut Entry)) -> bool {
        let holds = content.holds.take();
        let (digest, n_bytes, text) = content.finish();
        if let Some(holds) = holds {
            self.archives.insert(digest, holds);
        }
        let mut entry = Entry::file(digest, n_bytes);
        header(&mut entry);
        self.texts.remove(path);
        if let Some(text) = text.filter(|_| self.texts.len() < MAX_TEXTS) {
            self.texts.insert(path.to_owned(), text);
        }
        self.insert(path, entry)
    }

    fn finish(mut self) -> Imported {
        self.archives.is_full = self.lister.is_full;
        let (mut n_files, mut content_bytes) = (0, 0_u64);
        for (_, entry) in self.tree.iter() {
            n_files += u64::from(!entry.is_dir());
            if let EntryKind::File { size_bytes, .. } = entry.kind {
                content_bytes = content_bytes.saturating_add(size_bytes);
            }
        }
        // What was put in the place of a text took it away.
        let is_file = |path: &str| {
            self.tree.get(path).is_some_and(|entry| matches!(entry.kind, EntryKind::File { .. }))
        };
        let texts = self.texts.into_iter().filter(|(path, _)| is_file(path)).collect();
        Imported {
            format: self.format,
            single_root: single_root(&self.tree),
            tree: self.tree,
            n_files,
            content_bytes,
            texts,
            archives: self.archives,
            problems: self.problems,
            n_more_problems: self.n_more_problems,
        }
    }
}

/// A failed read that ends all.
fn fatal(error: &io::Error) -> ImportError {
    if is_stop(error) { ImportError::Stopped } else { ImportError::Unreadable { message: error.to_string() } }
}

/// What a failed read says of the data; what ends all goes up.
fn io_problem(error: &io::Error) -> Result<ProblemKind, ImportError> {
    let inner = error.get_ref();
    if is_stop(error) || inner.is_some_and(|inner| inner.is::<SourceError>()) {
        return Err(fatal(error));
    }
    Ok(if inner.is_some_and(|inner| inner.is::<InflatedTooLarge>()) {
        ProblemKind::InflatedTooLarge
    } else if error.kind() == io::ErrorKind::UnexpectedEof {
        ProblemKind::Truncated
    } else {
        ProblemKind::CorruptCompression { message: error.to_string() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(bytes: &[u8]) -> ImportError {
        let mut source = crate::archive::SliceSource(bytes);
        import(&mut source, Limits::for_browser(), &mut |_| ControlFlow::Continue(())).unwrap_err()
    }

    #[test]
    fn names_what_is_no_archive() {
        let check = |bytes: &[u8], looks_like: Option<&'static str>| {
            assert_eq!(error_of(bytes), ImportError::NotAnArchive { looks_like });
        };
        check(b"\x89PNG\r\n\x1a\n0000", Some("a PNG picture"));
        check(b"FROM alpine\n", Some("a text"));
        check(b"", Some("an empty file"));
        check(b"\x28\xb5\x2f\xfd0000", Some("a Zstandard file"));
        check(&[1, 2, 0], None);
    }

    #[test]
    fn texts_by_their_names() {
        for path in ["Dockerfile", "a/dockerfile.dev", "web.Dockerfile", ".dockerignore", "a/x.dockerignore"]
        {
            assert!(is_text(path), "{path}");
        }
        for path in ["Dockerfiles", "a/Dockerfile/b", "mydockerfile", "dockerignore"] {
            assert!(!is_text(path), "{path}");
        }
    }

    #[test]
    fn one_folder_around_all() {
        let file = || Entry::file(Digest::of(b""), 0);
        let mut tree = Tree::default();
        tree.insert("p/a/b", file());
        assert_eq!(single_root(&tree).as_deref(), Some("p"));
        let stripped = strip_root(&tree);
        assert_eq!(stripped.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["a", "a/b"]);
        tree.insert("c", file());
        assert_eq!((single_root(&tree), strip_root(&tree) == tree), (None, true));
        assert_eq!(single_root(&Tree::default()), None);
    }
}
