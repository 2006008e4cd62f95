//! Archives among the files of a context: looked into while their bytes are hashed.
//!
//! Compressions are told by their magic, a tar by its first header, as a builder tells them that is
//! to unpack one ([`unpacked`](crate::context::unpacked)). What cannot be told or goes beyond a limit
//! is said so; the file itself is one of the context all the same.

use std::io::{self, Read};

use super::Content;
use crate::archive::Limits;
use crate::archive::compression::{
    Compression, Damage, Inflate, InflatedTooLarge, Quota, unread_compression,
};
use crate::archive::sparse::ContentHasher;
use crate::archive::tar::{self, MemberKind, Streaming, TarError, Walk};
use crate::context::unpacked::{Holds, Members, Unlisted};

/// What may still be looked into.
pub(super) struct Lister {
    limits: Limits,
    n_archives_left: u64,
    n_members_left: u64,
    tar_bytes_left: u64,
    /// There were more archives than are looked into.
    pub(super) is_full: bool,
}

impl Content {
    /// Takes all that a reader gives, and looks into it.
    ///
    /// # Errors
    /// Where the reader fails.
    pub(super) fn read(&mut self, reader: &mut dyn Read, lister: &mut Lister) -> io::Result<()> {
        let mut passing = Passing { inner: reader, content: self, error: None };
        let outcome = passing.look_and_drain(lister);
        // Of a read that failed its own error tells most.
        match passing.error {
            Some(error) => Err(error),
            None => outcome.map(|holds| self.holds = holds),
        }
    }
}

/// As much as a header of a tar.
const HEAD_BYTES: u64 = 512;

/// The rest is read in pieces of this length.
const SCRATCH_BYTES: usize = 64 << 10;

/// Hands the bytes of a file on to its content. Who reads them may take an error for damage of an
/// archive, so that it is kept.
struct Passing<'a> {
    inner: &'a mut dyn Read,
    content: &'a mut Content,
    error: Option<io::Error>,
}

impl Read for Passing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buf) {
            Ok(n) => {
                self.content.take(buf.get(..n).unwrap_or(&[]));
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.error = Some(error);
                Err(kind.into())
            }
        }
    }
}

impl Passing<'_> {
    fn look_and_drain(&mut self, lister: &mut Lister) -> io::Result<Option<Holds>> {
        let mut head = Vec::new();
        (&mut *self).take(HEAD_BYTES).read_to_end(&mut head)?;
        let is_named = self.content.is_named_archive;
        let holds = lister.look(&head, is_named, self);
        // Most files are short, and read by now. An archive may end before its file does, and is left
        // where it cannot be read.
        if head.len() as u64 == HEAD_BYTES {
            let mut scratch = vec![0; SCRATCH_BYTES];
            while self.error.is_none() && self.read(&mut scratch)? > 0 {}
        }
        Ok(holds)
    }
}

/// Ends with an error once more was read than may be.
struct Bounded<'a> {
    inner: &'a mut dyn Read,
    left_bytes: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.left_bytes =
            self.left_bytes.checked_sub(n as u64).ok_or_else(|| io::Error::other(InflatedTooLarge))?;
        Ok(n)
    }
}

impl Lister {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            n_archives_left: limits.n_archives,
            n_members_left: limits.n_archive_members_in_all,
            tar_bytes_left: limits.archive_tar_bytes_in_all,
            is_full: false,
        }
    }

    /// Looks into a file of which `head` was read. Of one that is neither an archive nor named like
    /// one there is nothing to say.
    fn look(&mut self, head: &[u8], is_named: bool, rest: &mut dyn Read) -> Option<Holds> {
        let compression = Compression::sniff(head);
        // Others are none for a builder, which copies such a file.
        let unread = unread_compression(head).filter(|name| matches!(*name, "xz" | "bzip2"));
        let may_be_one = unread.is_some() || compression != Compression::None || tar::is_header(head);
        if !may_be_one && !is_named {
            return None;
        }
        let Some(n_left) = self.n_archives_left.checked_sub(1) else {
            self.is_full = true;
            return None;
        };
        self.n_archives_left = n_left;
        if let Some(name) = unread {
            return Some(Holds::Unknown(Unlisted::Compressed { with: name.to_owned() }));
        }
        if !may_be_one {
            return Some(Holds::NoTar);
        }
        let holds = self.list(compression, &mut head.chain(rest));
        Some(holds).filter(|holds| is_named || *holds != Holds::NoTar)
    }

    fn list(&mut self, compression: Compression, stored: &mut dyn Read) -> Holds {
        let most_bytes = self.limits.archive_tar_bytes.min(self.tar_bytes_left);
        let limits = Limits {
            n_entries: self.limits.n_archive_members.min(self.n_members_left),
            free_inflated_bytes: most_bytes,
            ..self.limits
        };
        let (outcome, left_bytes) = if compression == Compression::None {
            members(stored, most_bytes, limits)
        } else {
            match Inflate::new(compression, stored, Quota::new(&limits)) {
                Some(mut inflate) => members(&mut inflate, most_bytes, limits),
                None => return Holds::NoTar,
            }
        };
        self.tar_bytes_left -= most_bytes - left_bytes;
        match outcome {
            Ok(Some(members)) => {
                self.n_members_left = self.n_members_left.saturating_sub(members.len() as u64);
                Holds::Members(members)
            }
            Ok(None) => Holds::NoTar,
            Err(why) => Holds::Unknown(why),
        }
    }
}

/// The members of a tar, `None` if it is none; and how many bytes might still have been read.
fn members(
    stream: &mut dyn Read,
    most_bytes: u64,
    limits: Limits,
) -> (Result<Option<Members>, Unlisted>, u64) {
    let mut reader = Streaming::new(Bounded { inner: stream, left_bytes: most_bytes });
    let outcome = unpack(&mut reader, limits);
    (outcome, reader.into_inner().left_bytes)
}

fn unpack(reader: &mut Streaming<Bounded<'_>>, limits: Limits) -> Result<Option<Members>, Unlisted> {
    let mut walk = Walk::new(reader, limits);
    let mut members = Members::default();
    let mut holes_bytes = limits.free_inflated_bytes;
    let mut is_first = true;
    loop {
        let member = match walk.next_member() {
            Ok(Some(member)) => member,
            Ok(None) => break,
            Err(error) => match unlisted(&error) {
                // A builder takes for an archive what begins with a header of one.
                Unlisted::Damaged { .. } if is_first => return Ok(None),
                why => return Err(why),
            },
        };
        is_first = false;
        let mut digest = None;
        if member.kind == MemberKind::File {
            let mut hasher = ContentHasher::new(member.sparse.as_ref(), member.size_bytes, &mut holes_bytes);
            walk.stream_body(&mut |piece| hasher.update(piece)).map_err(|error| unlisted(&error))?;
            digest = hasher.finish();
        }
        members.add(&member, digest)?;
        // Folders without an entry count as well.
        if members.len() as u64 > limits.n_entries {
            return Err(Unlisted::TooManyMembers);
        }
    }
    if walk.n_lone_zeros() > 0 {
        return Err(Unlisted::Damaged { message: "zeros stand before one of its members".to_owned() });
    }
    Ok(Some(members).filter(|_| !is_first))
}

/// Why a walk that ends early gives no list.
fn unlisted(error: &TarError) -> Unlisted {
    let message = error.to_string();
    match error {
        TarError::TooManyEntries => Unlisted::TooManyMembers,
        TarError::NameTooLong { .. } => Unlisted::Differs { message },
        TarError::NotTar | TarError::BadHeader { .. } | TarError::Truncated { .. } => {
            Unlisted::Damaged { message }
        }
        TarError::Io(error) => match Damage::of(error) {
            Some(Damage::TooLarge) => Unlisted::TooLong,
            Some(Damage::NotSupported { what }) => Unlisted::Compressed { with: what },
            Some(Damage::Truncated) => Unlisted::Damaged { message: "the data ends too early".to_owned() },
            Some(Damage::Corrupt { .. }) | None => Unlisted::Damaged { message },
        },
    }
}
