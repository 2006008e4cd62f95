//! A zip.
//!
//! The list of entries at the end says what there is; modes and links are in it
//! where a tool for unix wrote it. Zips that `git` makes say so in their
//! comment, which is the commit: of those a file without attributes is a plain
//! one, not one that nobody knows. Times without a zone are read as UTC.
//!
//! What the Finder of a Mac adds under `__MACOSX/` is no part of the folder and
//! is left out. Format: [APPNOTE](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).

use std::cell::RefCell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::DeflateDecoder;
use rawzip::time::ZipDateTimeKind;
use rawzip::{
    CompressionMethod, CreatorSystem, ErrorKind, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive,
    ZipArchiveEntryWayfinder, ZipFileHeaderRecord, ZipLocator,
};

use super::inner::Lister;
use super::{Builder, Content, ImportError, ProblemKind, io_problem, salvage};
use crate::archive::Window;
use crate::archive::compression::InflatedTooLarge;
use crate::context::{Assumed, Entry, EntryKind};
use crate::text::from_bytes;

/// A window that several readers share.
pub(super) struct Shared<'a>(RefCell<Window<'a>>);

impl Shared<'_> {
    /// The length of the archive.
    pub(super) fn size_bytes(&self) -> u64 {
        self.0.borrow().size_bytes()
    }
}

impl ReaderAt for Shared<'_> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut window = self.0.borrow_mut();
        window.seek(SeekFrom::Start(offset))?;
        window.read(buf)
    }
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    File,
    Dir,
    Symlink,
    Other,
}

/// An entry as it is listed.
struct Listed {
    wayfinder: ZipArchiveEntryWayfinder,
    path: String,
    kind: Kind,
    /// The 12 mode bits, where they are known.
    mode: Option<u32>,
    mtime_secs: i64,
    method: CompressionMethod,
    is_encrypted: bool,
}

/// Reads a zip.
pub(super) fn read(window: Window<'_>, builder: &mut Builder) -> Result<(), ImportError> {
    let shared = Shared(RefCell::new(window));
    let end = shared.size_bytes();
    let mut buf = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = match ZipLocator::new().locate_in_reader(&shared, &mut buf, end) {
        Ok(archive) => archive,
        Err((_, error)) => {
            only_damage(error)?;
            return salvage::read(&shared, builder);
        }
    };
    // The list of a zip that is stored within one that lost its own: it does not
    // begin with this archive, and does not end with it.
    let is_inner = archive.end_offset() < end && first_offset(&archive, &mut buf)? > MAX_MARK_BYTES;
    if is_inner {
        return salvage::read(&shared, builder);
    }
    let (mut listed, is_whole) = list(&archive, &mut buf, builder)?;
    if !is_whole {
        if listed.is_empty() {
            return salvage::read(&shared, builder);
        }
        builder.problem("", ProblemKind::NoDirectory);
    }
    // In the order in which they are stored, so that the archive is read from front to end.
    listed.sort_by_key(|(offset, _)| *offset);
    let mut inflated = Inflated::new(builder, end);
    for (_, entry) in &listed {
        if !add(&archive, entry, builder, &mut inflated)? {
            break;
        }
    }
    Ok(())
}

/// A zip over several volumes that became one begins with a mark of this length.
const MAX_MARK_BYTES: u64 = 4;

/// Where the first entry stands.
fn first_offset(archive: &ZipArchive<&Shared<'_>>, buf: &mut [u8]) -> Result<u64, ImportError> {
    let mut first = u64::MAX;
    let mut entries = archive.entries(buf);
    loop {
        match entries.next_entry() {
            Ok(Some(record)) => first = first.min(record.local_header_offset()),
            Ok(None) => return Ok(first),
            Err(error) => return only_damage(error).map(|()| first),
        }
    }
}

/// The entries with the offsets of their headers, as many as may be, and whether the list is undamaged.
fn list(
    archive: &ZipArchive<&Shared<'_>>,
    buf: &mut [u8],
    builder: &mut Builder,
) -> Result<(Vec<(u64, Listed)>, bool), ImportError> {
    let is_of_git = is_made_by_git(archive)?;
    let mut listed = Vec::new();
    let mut n_entries: u64 = 0;
    let mut entries = archive.entries(buf);
    loop {
        let record = match entries.next_entry() {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(error) => return only_damage(error).map(|()| (listed, false)),
        };
        n_entries += 1;
        if n_entries > builder.limits.n_entries {
            builder.tell_full();
            return Ok((listed, true));
        }
        if let Some(entry) = entry_of(&record, is_of_git, builder) {
            listed.push((record.local_header_offset(), entry));
        }
    }
    // The count that is announced has 16 bits in old archives.
    if archive.entries_hint() & 0xffff != n_entries & 0xffff {
        let message = format!("{} entries are announced, {n_entries} are listed", archive.entries_hint());
        builder.problem("", ProblemKind::BadHeader { message });
    }
    Ok((listed, true))
}

/// The comment of the archive is a commit.
fn is_made_by_git(archive: &ZipArchive<&Shared<'_>>) -> Result<bool, ImportError> {
    let mut comment = Vec::new();
    match archive.comment().take(65).read_to_end(&mut comment) {
        Ok(_) => Ok(matches!(comment.len(), 40 | 64) && comment.iter().all(u8::is_ascii_hexdigit)),
        Err(error) => io_problem(&error).map(|_| false),
    }
}

fn entry_of(record: &ZipFileHeaderRecord<'_>, is_of_git: bool, builder: &mut Builder) -> Option<Listed> {
    const S_IFMT: u32 = 0o170_000;
    let made_by = record.version_made_by().creator_system();
    let attributes = record.external_attributes();
    let name = record.file_path();
    let (path, is_named_dir) = path_of(name.as_bytes(), made_by == CreatorSystem::UNIX, builder)?;
    let unix = matches!(made_by, CreatorSystem::UNIX | CreatorSystem::MACOS)
        .then_some(attributes >> 16)
        .filter(|unix| *unix != 0);
    let kind = match unix.map_or(0, |unix| unix & S_IFMT) {
        _ if is_named_dir => Kind::Dir,
        0o040_000 => Kind::Dir,
        0o120_000 => Kind::Symlink,
        0 if unix.is_none() && attributes & 0x10 != 0 => Kind::Dir,
        0 | 0o100_000 => Kind::File,
        _ => Kind::Other,
    };
    let mode = match (unix, kind) {
        (Some(unix), _) => Some(unix & 0o7777),
        (None, Kind::Dir) => is_of_git.then_some(0o755),
        (None, _) => is_of_git.then_some(0o644),
    };
    let flags = record.flags();
    Some(Listed {
        wayfinder: record.wayfinder(),
        path,
        kind,
        // Of an executable `git` writes what umask left out, too.
        mode: mode.map(|mode| if is_of_git && kind == Kind::File { mode & 0o755 } else { mode }),
        mtime_secs: secs_of(&record.last_modified()),
        method: record.compression_method(),
        is_encrypted: flags.is_encrypted() || flags.has_strong_encryption(),
    })
}

/// The path for a name, and whether the name is a folder's.
pub(super) fn path_of(name: &[u8], is_unix: bool, builder: &mut Builder) -> Option<(String, bool)> {
    let mut name = from_bytes(name);
    if !is_unix {
        // Some tools for Windows write their own separator.
        name = name.replace('\\', "/");
        let mut chars = name.chars();
        if chars.next().is_some_and(|ch| ch.is_ascii_alphabetic())
            && let Some(rest) = chars.as_str().strip_prefix(":/")
        {
            name = rest.to_owned();
        }
    }
    let clean = builder.path_of(&name)?;
    let is_finders = clean.path == "__MACOSX" || clean.path.starts_with("__MACOSX/");
    (!is_finders).then_some((clean.path, clean.is_dir))
}

fn secs_of(time: &ZipDateTimeKind) -> i64 {
    match time {
        ZipDateTimeKind::Utc(time) => time.to_unix(),
        local => {
            let time = [local.hour(), local.minute(), local.second()];
            unix_secs(local.year(), local.month(), local.day(), time)
        }
    }
}

/// Seconds since 1970 of a date and a time of day.
pub(super) fn unix_secs(year: u16, month: u8, day: u8, time: [u8; 3]) -> i64 {
    // Years begin in March, so that a leap day is their last.
    let shifted = (i64::from(month) + 9) % 12;
    let year = i64::from(year) - i64::from(month <= 2);
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    let [hour, minute, second] = time.map(i64::from);
    days * 86_400 + hour * 3_600 + minute * 60 + second
}

/// Counts what comes out of all entries together. Entries may share their
/// stored bytes, so that the length of the archive is what it is measured by.
pub(super) struct Inflated {
    n_out: u64,
    limit_bytes: u64,
}

impl Inflated {
    pub(super) fn new(builder: &Builder, archive_bytes: u64) -> Self {
        let limits = builder.limits;
        let by_ratio = archive_bytes.saturating_mul(limits.inflate_ratio);
        Self { n_out: 0, limit_bytes: limits.free_inflated_bytes.max(by_ratio) }
    }

    /// Passes all that a reader gives on.
    pub(super) fn pass(
        &mut self,
        reader: &mut dyn Read,
        content: &mut Content,
        lister: &mut Lister,
    ) -> io::Result<()> {
        content.read(&mut Counting { inner: reader, inflated: self }, lister)
    }
}

/// Counts what comes out of an entry.
struct Counting<'a> {
    inner: &'a mut dyn Read,
    inflated: &'a mut Inflated,
}

impl Read for Counting<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.inflated.n_out = self.inflated.n_out.saturating_add(n as u64);
        if self.inflated.n_out > self.inflated.limit_bytes {
            return Err(io::Error::other(InflatedTooLarge));
        }
        Ok(n)
    }
}

/// What is said of an entry that is not read, by its method.
pub(super) fn method_problem(method: CompressionMethod) -> Option<ProblemKind> {
    if matches!(method, CompressionMethod::STORE | CompressionMethod::DEFLATE) {
        return None;
    }
    let method = method.name().map_or_else(|| format!("method {}", method.as_u16()), str::to_owned);
    Some(ProblemKind::UnsupportedMethod { method })
}

/// Adds an entry; `false` if there is no room for more.
fn add(
    archive: &ZipArchive<&Shared<'_>>,
    listed: &Listed,
    builder: &mut Builder,
    inflated: &mut Inflated,
) -> Result<bool, ImportError> {
    let path = listed.path.as_str();
    let header = |entry: &mut Entry| {
        entry.mtime_secs = listed.mtime_secs;
        entry.mode = listed.mode.unwrap_or(entry.mode);
        entry.assumed = if listed.mode.is_some() { Assumed::NOTHING } else { Assumed::MODE };
    };
    let unread = match listed.kind {
        Kind::Dir => {
            let mut entry = Entry::dir();
            header(&mut entry);
            return Ok(builder.insert(path, entry));
        }
        Kind::Other => Some(ProblemKind::UnsupportedKind),
        _ if listed.is_encrypted => Some(ProblemKind::Encrypted),
        _ => method_problem(listed.method),
    };
    if let Some(kind) = unread {
        builder.problem(path, kind);
        return Ok(true);
    }
    let is_link = listed.kind == Kind::Symlink;
    let mut content = if is_link { Content::of_link() } else { Content::of_file(path) };
    if let Err(error) = read_body(archive, listed, &mut content, (inflated, &mut builder.lister)) {
        let kind = body_problem(&error)?;
        let is_over = kind == ProblemKind::InflatedTooLarge;
        builder.problem(path, kind);
        return Ok(!is_over);
    }
    if !is_link {
        return Ok(builder.insert_file(path, content, header));
    }
    let (_, _, Some(target)) = content.finish() else {
        builder.problem(
            path,
            ProblemKind::BadHeader { message: "the target of the link is too long".to_owned() },
        );
        return Ok(true);
    };
    let mut entry = Entry::dir();
    header(&mut entry);
    entry.kind = EntryKind::Symlink { target };
    Ok(builder.insert(path, entry))
}

fn read_body(
    archive: &ZipArchive<&Shared<'_>>,
    listed: &Listed,
    content: &mut Content,
    (inflated, lister): (&mut Inflated, &mut Lister),
) -> io::Result<()> {
    let entry = archive.get_entry(listed.wayfinder).map_err(|error| match error.into_kind() {
        ErrorKind::IO(error) => error,
        ErrorKind::Eof => io::ErrorKind::UnexpectedEof.into(),
        kind => io::Error::new(io::ErrorKind::InvalidData, rawzip::Error::from(kind)),
    })?;
    let (start, end) = entry.compressed_data_range();
    if end.max(start) > archive.get_ref().size_bytes() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let stored = BufReader::with_capacity(32 << 10, entry.reader());
    if listed.method == CompressionMethod::DEFLATE {
        inflated.pass(&mut entry.verifying_reader(DeflateDecoder::new(stored)), content, lister)
    } else {
        inflated.pass(&mut entry.verifying_reader(stored), content, lister)
    }
}

/// What a body that cannot be read says of its entry; what ends all goes up.
fn body_problem(error: &io::Error) -> Result<ProblemKind, ImportError> {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rawzip::Error>());
    match inner.map(rawzip::Error::kind) {
        Some(ErrorKind::InvalidChecksum { .. }) => Ok(ProblemKind::ChecksumMismatch),
        Some(ErrorKind::InvalidSize { expected, actual }) => {
            Ok(ProblemKind::SizeMismatch { expected: *expected, actual: *actual })
        }
        Some(_) => Ok(ProblemKind::BadHeader { message: "its header is damaged".to_owned() }),
        None => io_problem(error),
    }
}

/// Damage of the list of entries is no error; what ends all goes up.
fn only_damage(error: rawzip::Error) -> Result<(), ImportError> {
    match error.into_kind() {
        ErrorKind::IO(error) => io_problem(&error).map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(unix_secs(1970, 1, 1, [0; 3]), 0);
        assert_eq!(unix_secs(2000, 2, 29, [12, 0, 1]), 951_825_601);
        assert_eq!(unix_secs(2024, 12, 31, [23, 59, 59]), 1_735_689_599);
    }
}
