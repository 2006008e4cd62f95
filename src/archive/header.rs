//! What single fields of a tar header mean.

use std::io;

use tar::{EntryType, Header};

use super::tar::MemberKind;

/// The sum of the header's bytes, its own field read as blanks. Old writers summed signed bytes.
pub(super) fn is_checksum_right(header: &Header) -> bool {
    let Ok(stored) = header.cksum() else { return false };
    let field = 148..156;
    let bytes = || {
        header
            .as_bytes()
            .iter()
            .enumerate()
            .map(|(idx, byte)| if field.contains(&idx) { b' ' } else { *byte })
    };
    let unsigned: u32 = bytes().map(u32::from).sum();
    let signed: i64 = bytes().map(|byte| i64::from(i8::from_ne_bytes([byte]))).sum();
    stored == unsigned || i64::from(stored) == signed
}

pub(super) fn kind_of(header: &Header) -> MemberKind {
    match header.entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => MemberKind::File,
        EntryType::Link => MemberKind::HardLink,
        EntryType::Symlink => MemberKind::Symlink,
        EntryType::Char => MemberKind::Char,
        EntryType::Block => MemberKind::Block,
        EntryType::Directory => MemberKind::Dir,
        EntryType::Fifo => MemberKind::Fifo,
        other => MemberKind::Other(other.as_byte()),
    }
}

pub(super) fn mtime(header: &Header) -> i64 {
    // A base-256 number may be negative; the crate reads it as a large one.
    header.mtime().map_or(0, |secs| i64::from_ne_bytes(secs.to_ne_bytes()))
}

pub(super) fn device(header: &Header) -> Option<(u32, u32)> {
    let number = |value: io::Result<Option<u32>>| value.ok().flatten();
    Some((number(header.device_major())?, number(header.device_minor())?))
}

/// A number of a header; zero where it is none.
pub(super) fn number(value: io::Result<u64>) -> u64 {
    value.unwrap_or(0)
}

pub(super) fn mode_bits(mode: u64) -> u32 {
    u32::try_from(mode & 0o7777).unwrap_or(0)
}
