//! What is left of a zip that has lost its end, where the list of entries stands.
//!
//! Every entry has a header of its own in front of it. Modes and links are not
//! in there, so that modes are assumed. The walk ends at the first entry that
//! does not say, or show, where it ends.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, Crc32, RangeReader};

use super::from_zip::{Inflated, Shared, method_problem, path_of, unix_secs};
use super::inner::Lister;
use super::{Builder, Content, ImportError, ProblemKind, io_problem};
use crate::context::{Assumed, Entry};

type Stored<'s, 'a> = BufReader<RangeReader<&'s Shared<'a>>>;

/// A header in front of an entry.
struct Header {
    flags: u16,
    method: CompressionMethod,
    time: u16,
    date: u16,
    crc: u32,
    stored_bytes: u64,
    full_bytes: u64,
    name: Vec<u8>,
}

/// A reader that hashes as zips do, and counts.
struct Checked<R> {
    inner: R,
    crc: Crc32,
    n_bytes: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.crc.update(buf.get(..n).unwrap_or(&[]));
        self.n_bytes += n as u64;
        Ok(n)
    }
}

/// Reads the entries one after the other. The damage is told first.
pub(super) fn read(shared: &Shared<'_>, builder: &mut Builder) -> Result<(), ImportError> {
    builder.problem("", ProblemKind::NoDirectory);
    let size_bytes = shared.size_bytes();
    let mut stored = BufReader::with_capacity(32 << 10, RangeReader::new(shared, 0..size_bytes));
    let mut inflated = Inflated::new(builder, size_bytes);
    loop {
        let header = match read_header(&mut stored) {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(()),
            Err(error) => {
                let kind = io_problem(&error)?;
                builder.problem("", kind);
                return Ok(());
            }
        };
        if !add(&header, &mut stored, builder, &mut inflated)? {
            return Ok(());
        }
    }
}

/// Adds an entry; `false` where the walk ends.
fn add(
    header: &Header,
    stored: &mut Stored<'_, '_>,
    builder: &mut Builder,
    inflated: &mut Inflated,
) -> Result<bool, ImportError> {
    let Some((path, is_dir)) = path_of(&header.name, false, builder) else {
        return skip(header, stored).map_or_else(|error| io_problem(&error).map(|_| false), Ok);
    };
    let is_encrypted = header.flags & 1 != 0;
    let unread = if is_encrypted { Some(ProblemKind::Encrypted) } else { method_problem(header.method) };
    if let Some(kind) = unread {
        builder.problem(&path, kind);
        return skip(header, stored).map_or_else(|error| io_problem(&error).map(|_| false), Ok);
    }
    let mut content = Content::of_file(&path);
    let (is_right, is_end_known) =
        match read_body(header, stored, &mut content, (inflated, &mut builder.lister)) {
            Ok(found) => found,
            Err(error) => {
                let kind = io_problem(&error)?;
                builder.problem(&path, kind);
                return Ok(false);
            }
        };
    let set = |entry: &mut Entry| {
        entry.assumed = Assumed::MODE;
        entry.mtime_secs = mtime(header.time, header.date);
    };
    let is_room = if !is_right {
        builder.problem(&path, ProblemKind::ChecksumMismatch);
        true
    } else if is_dir {
        let mut entry = Entry::dir();
        set(&mut entry);
        builder.insert(&path, entry)
    } else {
        builder.insert_file(&path, content, set)
    };
    Ok(is_room && is_end_known)
}

/// The next header; `None` where there is none.
fn read_header(stored: &mut Stored<'_, '_>) -> io::Result<Option<Header>> {
    let mut signature = [0; 4];
    let n = read_full(stored, &mut signature)?;
    if n < signature.len() || signature != *b"PK\x03\x04" {
        return Ok(None);
    }
    let mut fixed = [0; 26];
    stored.read_exact(&mut fixed)?;
    let short = |at: usize| match fixed.get(at..at + 2) {
        Some([low, high]) => u16::from_le_bytes([*low, *high]),
        _ => 0,
    };
    let long = |at: usize| u32::from(short(at)) | u32::from(short(at + 2)) << 16;
    let mut name = vec![0; usize::from(short(22))];
    stored.read_exact(&mut name)?;
    let mut extra = vec![0; usize::from(short(24))];
    stored.read_exact(&mut extra)?;
    let mut header = Header {
        flags: short(2),
        method: CompressionMethod::new(short(4)),
        time: short(6),
        date: short(8),
        crc: long(10),
        stored_bytes: u64::from(long(14)),
        full_bytes: u64::from(long(18)),
        name,
    };
    read_zip64(&extra, &mut header);
    Ok(Some(header))
}

/// Sizes that do not fit into 32 bits stand in an extra field.
fn read_zip64(mut extra: &[u8], header: &mut Header) {
    while let [id_low, id_high, low, high, rest @ ..] = extra {
        let n = usize::from(u16::from_le_bytes([*low, *high]));
        let (field, next) = rest.split_at(n.min(rest.len()));
        if u16::from_le_bytes([*id_low, *id_high]) == 1 {
            let mut numbers = field
                .chunks_exact(8)
                .map(|chunk| chunk.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
            for size_bytes in [&mut header.full_bytes, &mut header.stored_bytes] {
                if *size_bytes == u64::from(u32::MAX) {
                    *size_bytes = numbers.next().unwrap_or(*size_bytes);
                }
            }
        }
        extra = next;
    }
}

/// The sizes stand behind the entry.
fn has_descriptor(header: &Header) -> bool {
    header.flags & 8 != 0
}

/// Passes a body on. Gives whether it has its checksum, and whether the next header follows.
fn read_body(
    header: &Header,
    stored: &mut Stored<'_, '_>,
    content: &mut Content,
    (inflated, lister): (&mut Inflated, &mut Lister),
) -> io::Result<(bool, bool)> {
    let is_deflated = header.method == CompressionMethod::DEFLATE;
    if has_descriptor(header) && !is_deflated {
        // A folder may have a descriptor, too; its sizes are zero.
        if header.name.ends_with(b"/") {
            return Ok((true, skip_descriptor(stored)?.is_some()));
        }
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let n_stored = if has_descriptor(header) { u64::MAX } else { header.stored_bytes };
    let mut part = stored.take(n_stored);
    let (crc, n_bytes) = if is_deflated {
        let mut checked = Checked { inner: DeflateDecoder::new(&mut part), crc: Crc32::new(), n_bytes: 0 };
        inflated.pass(&mut checked, content, lister)?;
        (checked.crc.checksum(), checked.n_bytes)
    } else {
        let mut checked = Checked { inner: &mut part, crc: Crc32::new(), n_bytes: 0 };
        inflated.pass(&mut checked, content, lister)?;
        (checked.crc.checksum(), checked.n_bytes)
    };
    if has_descriptor(header) {
        let named = skip_descriptor(stored)?;
        return Ok((named.is_none_or(|named| named == crc), named.is_some()));
    }
    let n_left = part.limit();
    if n_bytes < header.full_bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    io::copy(&mut part, &mut io::sink())?;
    Ok((n_left == 0 && crc == header.crc && n_bytes == header.full_bytes, true))
}

/// Reads what stands behind a body up to the next header; gives the checksum,
/// `None` where no form of a descriptor leads to one.
fn skip_descriptor(stored: &mut Stored<'_, '_>) -> io::Result<Option<u32>> {
    let mut found: Vec<u8> = Vec::new();
    // With or without a signature, with sizes of 32 or 64 bits.
    for n_bytes in [12, 16, 20, 24] {
        let mut more = vec![0; n_bytes - found.len()];
        stored.read_exact(&mut more)?;
        found.append(&mut more);
        let head = stored.fill_buf()?;
        if head.starts_with(b"PK") || head.is_empty() {
            let crc = if n_bytes % 8 == 0 { found.get(4..8) } else { found.get(..4) };
            return Ok(crc.map(|crc| crc.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte))));
        }
    }
    Ok(None)
}

/// Leaves an entry out; `false` where it does not say where it ends.
fn skip(header: &Header, stored: &mut Stored<'_, '_>) -> io::Result<bool> {
    if has_descriptor(header) && header.stored_bytes == 0 {
        return Ok(false);
    }
    let n = io::copy(&mut stored.take(header.stored_bytes), &mut io::sink())?;
    if has_descriptor(header) {
        skip_descriptor(stored)?;
    }
    Ok(n == header.stored_bytes)
}

fn read_full(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut n_filled = 0;
    while let Some(rest) = buf.get_mut(n_filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest)? {
            0 => break,
            n => n_filled += n,
        }
    }
    Ok(n_filled)
}

/// Date and time as DOS keeps them.
fn mtime(time: u16, date: u16) -> i64 {
    let part = |of: u16, shift: u32, mask: u16| u8::try_from(of >> shift & mask).unwrap_or(0);
    let (month, day) = (part(date, 5, 15).clamp(1, 12), part(date, 0, 31).max(1));
    unix_secs(1980 + (date >> 9), month, day, [part(time, 11, 31), part(time, 5, 63), 2 * part(time, 0, 31)])
}
