//! A tar, plain or within gzip.
//!
//! Hard links become files of their own, as a client sends them. Of a name that
//! stands twice the last entry counts.

use super::{Builder, Content, ImportError, ProblemKind, io_problem};
use crate::archive::Window;
use crate::archive::compression::{Gunzip, Quota};
use crate::archive::tar::{Member, MemberKind, Skip, Streaming, TarError, Walk};
use crate::context::{Assumed, Entry, EntryKind};

/// Reads a plain tar. Where there is none, `looks_like` says what it may be instead.
pub(super) fn read_plain(
    window: Window<'_>,
    builder: &mut Builder,
    looks_like: Option<&'static str>,
) -> Result<(), ImportError> {
    // Bodies are all read, so that reading on is all the skipping there is.
    match members(&mut Streaming::new(window), builder) {
        Ok(()) => Ok(()),
        Err(TarError::NotTar) => Err(ImportError::NotAnArchive { looks_like }),
        Err(error) => note(error, builder),
    }
}

/// Reads a tar within gzip, and the stream to its end, where its checksum stands.
pub(super) fn read_gzip(window: Window<'_>, builder: &mut Builder) -> Result<(), ImportError> {
    let limits = builder.limits;
    let mut reader = Streaming::new(Gunzip::new(window, Quota::new(&limits)));
    match members(&mut reader, builder) {
        Ok(()) => {}
        Err(TarError::NotTar) => {
            // A stream that breaks off is a damaged archive rather than none.
            return match reader.drain() {
                Err(error) if io_problem(&error)? != ProblemKind::InflatedTooLarge => {
                    note(TarError::Io(error), builder)
                }
                _ => Err(ImportError::NotAnArchive { looks_like: Some("a gzip file that holds no tar") }),
            };
        }
        Err(error @ TarError::Io(_)) => return note(error, builder),
        // What follows cannot be understood, the checksum of the whole says nothing new.
        Err(error) => return note(error, builder),
    }
    match reader.drain() {
        Ok(inflated) => {
            if inflated.has_data_after_end() {
                builder.problem("", ProblemKind::DataAfterEnd);
            }
            Ok(())
        }
        Err(error) => note(TarError::Io(error), builder),
    }
}

/// Damage becomes a problem; what ends all goes up.
fn note(error: TarError, builder: &mut Builder) -> Result<(), ImportError> {
    let message = error.to_string();
    let kind = match &error {
        TarError::Io(error) => io_problem(error)?,
        TarError::Truncated { .. } => ProblemKind::Truncated,
        TarError::TooManyEntries => ProblemKind::TooManyEntries,
        TarError::NotTar | TarError::BadHeader { .. } | TarError::NameTooLong { .. } => {
            ProblemKind::BadHeader { message }
        }
    };
    builder.problem("", kind);
    Ok(())
}

fn members(reader: &mut impl Skip, builder: &mut Builder) -> Result<(), TarError> {
    let mut walk = Walk::new(reader, builder.limits);
    while let Some(member) = walk.next_member()? {
        let is_room = match builder.path_of(&member.path) {
            Some(clean) => add(&mut walk, &member, &clean.path, builder)?,
            None => true,
        };
        if !is_room {
            break;
        }
    }
    Ok(())
}

/// Adds a member; `false` if there is no room for more.
fn add<R: Skip>(
    walk: &mut Walk<'_, R>,
    member: &Member,
    path: &str,
    builder: &mut Builder,
) -> Result<bool, TarError> {
    let header = |entry: &mut Entry| {
        entry.mode = member.mode;
        entry.mtime_secs = member.mtime_secs;
    };
    match member.kind {
        MemberKind::File => {
            let mut content = Content::of_file(path);
            let n_stored = walk.body_bytes();
            content.read(&mut walk.body(), &mut builder.lister)?;
            if let Err(error) = walk.end_body() {
                builder.problem(path, ProblemKind::Truncated);
                return Err(error);
            }
            let is_sparse = n_stored != member.size_bytes;
            if is_sparse {
                builder.problem(path, ProblemKind::Sparse);
                (content.kept, content.holds) = (None, None);
            }
            Ok(builder.insert_file(path, content, |entry| {
                header(entry);
                if let EntryKind::File { size_bytes, .. } = &mut entry.kind
                    && is_sparse
                {
                    *size_bytes = member.size_bytes;
                    entry.assumed = Assumed::CONTENT;
                }
            }))
        }
        MemberKind::Dir => {
            let mut entry = Entry::dir();
            header(&mut entry);
            Ok(builder.insert(path, entry))
        }
        MemberKind::Symlink => {
            let mut entry = Entry::dir();
            header(&mut entry);
            entry.kind = EntryKind::Symlink { target: member.link.clone() };
            Ok(builder.insert(path, entry))
        }
        MemberKind::HardLink => {
            let Some(target) = builder.path_of(&member.link) else { return Ok(true) };
            // Both names are one file, header and all.
            match builder.tree.get(&target.path).filter(|entry| !entry.is_dir()).cloned() {
                Some(entry) => {
                    if let Some(text) = builder.texts.get(&target.path).cloned()
                        && super::is_text(path)
                    {
                        builder.texts.insert(path.to_owned(), text);
                    }
                    Ok(builder.insert(path, entry))
                }
                None => {
                    builder.problem(path, ProblemKind::BrokenLink { target: target.path });
                    Ok(true)
                }
            }
        }
        MemberKind::Char | MemberKind::Block | MemberKind::Fifo | MemberKind::Other(_) => {
            builder.problem(path, ProblemKind::UnsupportedKind);
            Ok(true)
        }
    }
}
