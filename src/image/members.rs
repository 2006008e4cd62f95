//! The members of an archive by name, listed in one pass over its headers.
//!
//! Bodies are skipped by seeking. In an archive that is compressed as a whole
//! nothing can be skipped, and the documents that lead to the layers stand
//! anywhere in it, often at the end: there the first pass keeps what may be a
//! document, up to a limit, and a second one reads the layers in the order in
//! which they are stored, unless they could be taken as they passed. Two passes
//! are enough whatever the archive holds, and memory is bounded by the limit,
//! not by the archive.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::passing::Passing;
use super::problem::{Finding, OpenError, Part, Problem};
use super::{Archive, Event, OnEvent, damage_problem, from_io, tar_problem};
use crate::archive::compression::{Compression, known_kind, unread_compression};
use crate::archive::tar::{Member, MemberKind, Seeking, Skip, Streaming, TarError, Walk};
use crate::archive::{Limits, Window};

/// Where the bytes of a document are.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// At its place; they can be read from there at any time.
    InPlace,
    /// Here; fewer than announced if the archive ends within.
    Here(Vec<u8>),
    /// Nowhere, since they do not begin as JSON does.
    NotJson,
    /// Nowhere, since all documents together are beyond the limit.
    BeyondLimit,
}

/// A member of the archive.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) kind: MemberKind,
    pub(super) offset: u64,
    pub(super) size_bytes: u64,
    pub(super) kept: Kept,
    link: String,
}

/// The members of an archive by name, and what was wrong on the way.
#[derive(Default)]
pub(super) struct Members {
    by_name: BTreeMap<String, Place>,
    pub(super) findings: Vec<Finding>,
    /// The zeros at the end were there.
    pub(super) has_end: bool,
    pub(super) n_members: u64,
}

/// How many names that stand twice, or are stored with holes, are told.
const MAX_ODD: usize = 16;

/// A member up to this length is kept even if it does not look like a document.
const SMALL_BYTES: u64 = 4 << 10;

/// How much of a member is looked at to tell whether it may be a document, or a tar: a header's length.
const PEEK_BYTES: u64 = 512;

/// Folders that lie in the root of most Linux systems.
const ROOT_FOLDERS: [&str; 10] = ["bin", "dev", "etc", "home", "lib", "proc", "root", "sys", "usr", "var"];

/// Lists the members.
pub(super) fn index(
    archive: &mut Archive<'_>,
    limits: Limits,
    mut passing: Option<&mut Passing<'_>>,
    on_event: &mut OnEvent<'_>,
) -> Result<Members, OpenError> {
    let mut members = Members::default();
    let flow = archive.flow.clone();
    let n_passes = if passing.is_none() && flow.is_some() { 2 } else { 1 };
    let total_bytes = archive.size_bytes.saturating_mul(n_passes);
    let mut on_read = |_| {
        let done_bytes = flow.as_ref().map_or(0, |flow| flow.n_stored().min(total_bytes));
        on_event(Event::Progress { done_bytes, total_bytes })
    };
    let mut window = Window::new(&mut *archive.source, &mut on_read);
    let mut head = Vec::new();
    (&mut window).take(512).read_to_end(&mut head).map_err(|error| from_io(&error))?;
    io::Seek::rewind(&mut window).map_err(|error| from_io(&error))?;
    let error = if let Some(flow) = &archive.flow {
        let inner = match Compression::sniff(&head) {
            Compression::None => unread_compression(&head),
            compression => Some(compression.name()),
        };
        if let Some(inner) = inner {
            return Err(OpenError::Compressed { compression: format!("{inner}, and once more around it") });
        }
        let mut reader = Streaming::new(window);
        let mut left_bytes = limits.documents_bytes;
        let error = members.list(&mut reader, limits, |walk, member| {
            keep(walk, member, limits.json_bytes, &mut left_bytes, passing.as_deref_mut())
        });
        // At the end of the compressed data stands its checksum.
        reader.read_to_end().map_err(|error| from_io(&error))?;
        if flow.has_data_after_end() {
            members.find(Problem::DataAfterEnd);
        }
        match flow.damage().map(damage_problem) {
            Some(problem) if members.by_name.is_empty() => {
                return Err(OpenError::Damaged(Finding { part: Part::Archive, problem }));
            }
            // That the tar ends too early then follows from it.
            Some(problem) => {
                members.find(problem);
                None
            }
            None => error,
        }
    } else {
        members.list(&mut Seeking(window), limits, |_, _| (Kept::InPlace, None))
    };
    match error {
        None => {}
        Some(TarError::NotTar) => {
            let looks_like = known_kind(&head).map(str::to_owned);
            return Err(OpenError::NotAnArchive { looks_like });
        }
        Some(TarError::Io(error)) => return Err(from_io(&error)),
        // What was found before the damage may be enough.
        Some(error) => members.find(tar_problem(&error)),
    }
    Ok(members)
}

/// Keeps the body of the member that came last, if it may be a document; and shows it to whoever
/// takes layers as they pass.
fn keep<R: Skip>(
    walk: &mut Walk<'_, R>,
    member: &Member,
    json_bytes: u64,
    left_bytes: &mut u64,
    passing: Option<&mut Passing<'_>>,
) -> (Kept, Option<TarError>) {
    if member.kind != MemberKind::File {
        return (Kept::Here(Vec::new()), None);
    }
    let not_kept = if member.size_bytes > json_bytes {
        Some(Kept::NotJson)
    } else {
        (member.size_bytes > *left_bytes).then_some(Kept::BeyondLimit)
    };
    if let Some(not_kept) = not_kept.clone()
        && passing.is_none()
    {
        return (not_kept, None);
    }
    let mut bytes = match walk.read_body(member, PEEK_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => return (Kept::Here(Vec::new()), Some(error)),
    };
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_small = member.size_bytes <= SMALL_BYTES;
    let may_be_json = is_small || matches!(first, None | Some(b'{' | b'['));
    let not_kept = not_kept.or((!may_be_json).then_some(Kept::NotJson));
    let mut passing = passing.filter(|_| member.sparse.is_none());
    if let Some(passing) = &mut passing {
        passing.begin(member.body_offset, member.size_bytes, &bytes);
    }
    let is_kept = not_kept.is_none();
    if is_kept {
        *left_bytes -= member.size_bytes;
    } else if !passing.as_ref().is_some_and(|passing| passing.is_taking()) {
        return (not_kept.unwrap_or(Kept::NotJson), None);
    }
    let error = walk
        .stream_body(&mut |piece| {
            if is_kept {
                bytes.extend_from_slice(piece);
            }
            if let Some(passing) = &mut passing {
                passing.feed(piece);
            }
        })
        .err();
    if error.is_none()
        && let Some(passing) = passing
    {
        passing.end();
    }
    (not_kept.unwrap_or(Kept::Here(bytes)), error)
}

impl Members {
    fn find(&mut self, problem: Problem) {
        self.findings.push(Finding { part: Part::Archive, problem });
    }

    /// Walks to the end; `keep` sees each member while its body can be read.
    fn list<R: Skip>(
        &mut self,
        reader: &mut R,
        limits: Limits,
        mut keep: impl FnMut(&mut Walk<'_, R>, &Member) -> (Kept, Option<TarError>),
    ) -> Option<TarError> {
        let mut walk = Walk::new(reader, limits);
        loop {
            match walk.next_member() {
                Ok(Some(member)) => {
                    self.n_members += 1;
                    let (kept, error) = keep(&mut walk, &member);
                    self.add(member, kept);
                    if error.is_some() {
                        return error;
                    }
                }
                Ok(None) => break,
                Err(error) => return Some(error),
            }
        }
        self.has_end = walk.has_end();
        if walk.n_lone_zeros() > 0 {
            self.find(Problem::LoneZeros);
        }
        None
    }

    fn add(&mut self, member: Member, kept: Kept) {
        let name = member.path.strip_prefix("./").unwrap_or(&member.path).to_owned();
        // What is stored of it is not its content.
        if member.sparse.is_some() {
            if self.findings.len() < MAX_ODD {
                self.find(Problem::SparseMember { name });
            }
            return;
        }
        let Member { kind, body_offset: offset, size_bytes, link, .. } = member;
        let before = self.by_name.insert(name.clone(), Place { kind, offset, size_bytes, kept, link });
        let is_twice = before.is_some_and(|before| before.kind != MemberKind::Dir);
        if is_twice && self.findings.len() < MAX_ODD {
            self.find(Problem::DuplicateMember { name });
        }
    }

    /// Names of all members, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The members look like the files of a container.
    pub(super) fn is_root_fs(&self) -> bool {
        let has = |folder: &&str| {
            let below = self.by_name.range(format!("{folder}/")..).next();
            self.by_name.contains_key(*folder)
                || below.is_some_and(|(name, _)| name.starts_with(&format!("{folder}/")))
        };
        ROOT_FOLDERS.iter().filter(|folder| has(folder)).count() > 2
    }

    /// The member of this name, links followed.
    pub(super) fn resolve(&self, name: &str) -> Option<(String, &Place)> {
        let mut name = name.strip_prefix("./").unwrap_or(name).to_owned();
        for _ in 0..self.by_name.len().min(64) {
            let place = self.by_name.get(&name)?;
            let base = match place.kind {
                MemberKind::Symlink => name.rsplit_once('/').map_or("", |(folder, _)| folder),
                MemberKind::HardLink => "",
                _ => return Some((name, place)),
            };
            name = normal_name(&format!("{base}/{}", place.link));
        }
        None
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

/// The member that holds the blob of a digest.
pub(super) fn blob_name(digest: &str) -> Option<String> {
    let (algorithm, hex) = digest.split_once(':')?;
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain(algorithm) && is_plain(hex)).then(|| format!("blobs/{algorithm}/{hex}"))
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
