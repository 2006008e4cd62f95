//! What a content looks like, by its first bytes.

use crate::protocol::inspect::contents::{Looks, TextEncoding};

/// Pictures that a browser shows: their first bytes, and the media type.
const IMAGES: [(&[u8], &str); 6] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\0\0\x01\0", "image/x-icon"),
    (b"\0\0\0\x1cftypavif", "image/avif"),
];

/// Other forms that are known.
const KNOWN: [(&[u8], &str); 35] = [
    (b"\x1f\x8b", "gzip archive"),
    (b"\x28\xb5\x2f\xfd", "Zstandard archive"),
    (b"\xfd7zXZ\0", "xz archive"),
    (b"BZh", "bzip2 archive"),
    (b"\x04\x22\x4d\x18", "LZ4 archive"),
    (b"PK\x03\x04", "zip archive"),
    (b"PK\x05\x06", "empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"!<arch>\n", "ar archive"),
    (b"070701", "cpio archive"),
    (b"\xed\xab\xee\xdb", "RPM package"),
    (b"hsqs", "SquashFS image"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"%PDF-", "PDF document"),
    (b"\0asm", "WebAssembly module"),
    (b"\xca\xfe\xba\xbe", "Java class"),
    (b"\xcf\xfa\xed\xfe", "Mach-O program"),
    (b"\xce\xfa\xed\xfe", "Mach-O program"),
    (b"MZ", "Windows program"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"OTTO", "font"),
    (b"\0\x01\0\0\0", "font"),
    (b"\xde\x12\x04\x95", "translations"),
    (b"\x95\x04\x12\xde", "translations"),
    (b"TZif", "time zone"),
    (b"\x1a\x01", "terminal description"),
    (b"\x1e\x02", "terminal description"),
    (b"OggS", "Ogg media"),
    (b"ID3", "MP3 audio"),
    (b"fLaC", "FLAC audio"),
    (b"\x1aE\xdf\xa3", "Matroska video"),
    (b"\x99\x01", "OpenPGP keys"),
    (b"BC\xc0\xde", "LLVM bitcode"),
];

/// So many bytes tell whether something is a text.
const LOOKED_AT: usize = 64 << 10;

/// What a content looks like that begins with these bytes and has this length.
pub(super) fn looks(bytes: &[u8], size_bytes: u64) -> Looks {
    if size_bytes == 0 {
        return Looks::Empty;
    }
    if bytes.is_empty() {
        return Looks::Unknown;
    }
    if let Some(elf) = elf(bytes) {
        return elf;
    }
    let of_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let image = IMAGES.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, media_type)| *media_type);
    if let Some(media_type) = image.or(of_webp.then_some("image/webp")) {
        return Looks::Image { media_type: media_type.to_owned() };
    }
    // A few of the beginnings are letters.
    let encoding = encoding(bytes.get(..LOOKED_AT).unwrap_or(bytes), bytes.len() as u64 >= size_bytes);
    let known = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, what)| *what);
    let is_tar = bytes.get(257..262) == Some(b"ustar");
    let is_certain = encoding.is_none() || encoding == Some(TextEncoding::Latin1);
    if let Some(what) = known.or(is_tar.then_some("tar archive")).filter(|_| is_certain) {
        return Looks::Known { what: what.to_owned() };
    }
    match encoding {
        Some(TextEncoding::Utf8) if is_svg(bytes) => Looks::Image { media_type: "image/svg+xml".to_owned() },
        Some(encoding) => Looks::Text { encoding },
        None => Looks::Binary,
    }
}

fn is_svg(bytes: &[u8]) -> bool {
    let front = bytes.get(..1024).unwrap_or(bytes).trim_ascii_start();
    let front = front.strip_prefix(b"\xef\xbb\xbf").unwrap_or(front);
    let has = |text: &[u8]| front.windows(text.len()).any(|window| window == text);
    front.starts_with(b"<svg") || ((front.starts_with(b"<?xml") || front.starts_with(b"<!")) && has(b"<svg"))
}

/// How the characters are written, if it is a text.
fn encoding(bytes: &[u8], is_whole: bool) -> Option<TextEncoding> {
    if bytes.starts_with(b"\xff\xfe") {
        return Some(TextEncoding::Utf16Le);
    }
    if bytes.starts_with(b"\xfe\xff") {
        return Some(TextEncoding::Utf16Be);
    }
    let is_odd =
        |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x08 | 0x1b);
    if bytes.iter().any(|byte| is_odd(byte) || *byte == 0x7f) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Some(TextEncoding::Utf8),
        // A character may be cut where the part ends.
        Err(error) if error.error_len().is_none() && (!is_whole || bytes.len() >= LOOKED_AT) => {
            Some(TextEncoding::Utf8)
        }
        Err(_) => {
            // Mostly letters of ASCII, and none of the controls above it.
            let n_high = bytes.iter().filter(|byte| **byte >= 0x80).count();
            let is_control = bytes.iter().any(|byte| (0x80..0xa0).contains(byte));
            (n_high * 4 <= bytes.len() && !is_control).then_some(TextEncoding::Latin1)
        }
    }
}

/// Processors by the number in an ELF header.
const MACHINES: [(u16, &str); 13] = [
    (3, "x86"),
    (8, "MIPS"),
    (20, "PowerPC"),
    (21, "PowerPC 64"),
    (22, "s390x"),
    (40, "ARM"),
    (43, "SPARC V9"),
    (62, "x86-64"),
    (183, "AArch64"),
    (243, "RISC-V"),
    (247, "BPF"),
    (258, "LoongArch"),
    (0, "no processor"),
];

fn elf(bytes: &[u8]) -> Option<Looks> {
    bytes.strip_prefix(b"\x7fELF")?;
    let word = |at: usize| {
        let pair: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(if bytes.get(5) == Some(&2) { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    };
    let number = word(18)?;
    let machine = MACHINES.iter().find(|(known, _)| *known == number).map(|(_, name)| (*name).to_owned());
    let kind = match word(16)? {
        1 => "object",
        2 => "program",
        // Programs are built as libraries are, to be loaded anywhere.
        3 => "program or library",
        4 => "core",
        _ => "file",
    };
    let machine = machine.unwrap_or_else(|| format!("processor {number}"));
    Some(Looks::Elf { machine, kind: kind.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let told = match looks(bytes, bytes.len() as u64) {
            Looks::Unknown => "unknown".to_owned(),
            Looks::Empty => "empty".to_owned(),
            Looks::Text { encoding } => format!("{encoding:?}"),
            Looks::Image { media_type } => media_type,
            Looks::Elf { machine, kind } => format!("{machine} {kind}"),
            Looks::Known { what } => what,
            Looks::Binary => "binary".to_owned(),
        };
        assert_eq!(told, expected, "{bytes:?}");
    }

    #[test]
    fn first_bytes_tell() {
        check(b"", "empty");
        check(b"plain\n", "Utf8");
        check("na\u{ef}ve".as_bytes(), "Utf8");
        check(b"na\xefve text, mostly ASCII", "Latin1");
        check(b"\xff\xfea\0", "Utf16Le");
        check(b"a\0b", "binary");
        check(b"\x89PNG\r\n\x1a\n....", "image/png");
        check(b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp");
        check(b"<?xml version=\"1.0\"?>\n<svg xmlns='x'/>", "image/svg+xml");
        check(b"<?xml version=\"1.0\"?>\n<x/>", "Utf8");
        check(b"MZ is how this text begins", "Utf8");
        check(b"MZ\x90\0\x03\0", "Windows program");
        check(b"\x1f\x8b\x08\0", "gzip archive");
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.resize(64, 0);
        (elf[16], elf[18]) = (3, 183);
        check(&elf, "AArch64 program or library");
    }

    #[test]
    fn a_cut_character_is_still_text() {
        assert_eq!(looks(b"na\xc3", 10), Looks::Text { encoding: TextEncoding::Utf8 });
        assert_eq!(looks(b"", 10), Looks::Unknown);
    }
}
