//! Folders given as archives, made by a small writer and opened in odd ways.

use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::ControlFlow;

use expect_test::{Expect, expect};
use layerlab::archive::{ByteSource, Limits, SliceSource, SourceError};
use layerlab::context::import::{self, Format, ImportError, Imported, ProblemKind};
use layerlab::context::{Assumed, EntryKind};

const BLOCK: usize = 512;

/// One member of a tar: name, type, mode, link, body.
type Member<'a> = (&'a str, u8, u32, &'a str, &'a [u8]);

fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, flag, mode, link, body) in members {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(tar::EntryType::new(*flag));
        header.set_mode(*mode);
        header.set_uid(1000);
        header.set_gid(1000);
        header.set_mtime(1_700_000_000);
        header.set_size(body.len() as u64);
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(body);
        out.resize(out.len().div_ceil(BLOCK) * BLOCK, 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One entry of a zip.
#[derive(Clone, Copy)]
struct ZipEntry<'a> {
    name: &'a str,
    /// 3 is unix, 0 is DOS.
    made_by: u8,
    /// The upper half of the external attributes.
    mode: u32,
    method: u16,
    /// Bit 0: encrypted. Bit 3: sizes stand behind the body.
    flags: u16,
    body: &'a [u8],
}

const PLAIN: ZipEntry<'_> =
    ZipEntry { name: "", made_by: 3, mode: 0o100_644, method: 0, flags: 0, body: b"" };

fn zip(entries: &[ZipEntry<'_>], comment: &str) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let stored = if entry.method == 8 {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(entry.body).unwrap();
            encoder.finish().unwrap()
        } else {
            entry.body.to_vec()
        };
        let offset = u32::try_from(out.len()).unwrap();
        let crc = rawzip::crc32(entry.body);
        let sizes = [stored.len(), entry.body.len()].map(|n| u32::try_from(n).unwrap());
        let has_descriptor = entry.flags & 8 != 0;
        let head = |crc: u32, sizes: [u32; 2]| -> Vec<u8> {
            let shorts = |numbers: &[u16]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
            let mut head = shorts(&[entry.flags, entry.method, 0x6000, 0x5821]);
            head.extend([crc, sizes[0], sizes[1]].iter().flat_map(|n| n.to_le_bytes()));
            head.extend(shorts(&[u16::try_from(entry.name.len()).unwrap(), 0]));
            head
        };
        out.extend(b"PK\x03\x04\x14\0");
        out.extend(if has_descriptor { head(0, [0, 0]) } else { head(crc, sizes) });
        out.extend(entry.name.as_bytes());
        out.extend(&stored);
        if has_descriptor {
            out.extend(b"PK\x07\x08");
            out.extend([crc, sizes[0], sizes[1]].iter().flat_map(|n| n.to_le_bytes()));
        }
        directory.extend(b"PK\x01\x02\x14");
        directory.extend([entry.made_by, 0x14, 0]);
        directory.extend(head(crc, sizes));
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let n = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let offset = u32::try_from(out.len()).unwrap();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([n, n].concat());
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
    out.extend(comment.as_bytes());
    out
}

fn browser() -> Limits {
    Limits::for_browser()
}

fn open(source: &mut dyn ByteSource, limits: Limits) -> Result<Imported, ImportError> {
    import::import(source, limits, &mut |progress| {
        assert!(progress.done_bytes <= progress.total_bytes);
        ControlFlow::Continue(())
    })
}

fn open_bytes(bytes: &[u8]) -> Imported {
    open(&mut SliceSource(bytes), browser()).unwrap()
}

/// A line for each entry, then one for each problem.
fn render(imported: &Imported) -> String {
    let mut out = String::new();
    for (path, entry) in imported.tree.iter() {
        assert_eq!((entry.uid, entry.gid), (0, 0));
        let what = match &entry.kind {
            EntryKind::File { digest, size_bytes } => format!("{size_bytes} {}", &digest.short()[..4]),
            EntryKind::Dir => "folder".to_owned(),
            EntryKind::Symlink { target } | EntryKind::HardLink { target } => format!("-> {target}"),
        };
        let mut mark = String::new();
        for (assumed, letter) in [(Assumed::MODE, 'm'), (Assumed::CONTENT, 'c')] {
            if entry.assumed.includes(assumed) {
                mark.push(letter);
            }
        }
        let mark = if mark.is_empty() { mark } else { format!(" assumed:{mark}") };
        writeln!(out, "{path} {:o} {what} @{}{mark}", entry.mode, entry.mtime_secs).unwrap();
    }
    for problem in &imported.problems {
        writeln!(out, "! {problem}").unwrap();
    }
    if let Some(root) = &imported.single_root {
        writeln!(out, "all in {root}").unwrap();
    }
    out
}

fn check(bytes: &[u8], expected: &Expect) {
    let imported = open_bytes(bytes);
    expected.assert_eq(&render(&imported));
    // Read in other pieces it is the same.
    for seed in 0..5 {
        let mut chopped = Chopped { inner: SliceSource(bytes), seed };
        assert_eq!(open(&mut chopped, browser()).unwrap(), imported);
    }
}

/// Gives fewer bytes than asked for.
struct Chopped<'a> {
    inner: SliceSource<'a>,
    seed: u64,
}

impl ByteSource for Chopped<'_> {
    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        self.seed = next(self.seed);
        let most = usize::try_from((self.seed >> 33) % 700 + 1).unwrap().min(buf.len());
        self.inner.read_at(offset, &mut buf[..most])
    }
}

fn next(seed: u64) -> u64 {
    seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}

fn long_body() -> Vec<u8> {
    (0..20_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect()
}

fn sample_tar() -> Vec<u8> {
    tar(&[
        ("project/", b'5', 0o775, "", b""),
        ("project/Dockerfile", b'0', 0o644, "", b"FROM alpine\n"),
        ("project/bin/run", b'0', 0o755, "", &long_body()),
        ("project/bin/again", b'1', 0o644, "project/bin/run", b""),
        ("project/link", b'2', 0o777, "bin/run", b""),
    ])
}

fn sample_zip() -> Vec<u8> {
    let long = long_body();
    zip(
        &[
            ZipEntry { name: "project/", mode: 0o040_775, ..PLAIN },
            ZipEntry { name: "project/Dockerfile", body: b"FROM alpine\n", ..PLAIN },
            ZipEntry { name: "project/run", mode: 0o100_755, method: 8, body: &long, ..PLAIN },
            ZipEntry { name: "project/later", method: 8, flags: 8, body: &long, ..PLAIN },
            ZipEntry { name: "project/link", mode: 0o120_777, body: b"run", ..PLAIN },
        ],
        "",
    )
}

#[test]
fn a_tar_of_a_folder() {
    let expected = expect![[r#"
        project 775 folder @1700000000
        project/Dockerfile 644 12 f04b @1700000000
        project/bin 755 folder @0 assumed:m
        project/bin/again 755 20000 28b4 @1700000000
        project/bin/run 755 20000 28b4 @1700000000
        project/link 777 -> bin/run @1700000000
        all in project
    "#]];
    check(&sample_tar(), &expected);
    check(&gzip(&sample_tar()), &expected);
    let imported = open_bytes(&gzip(&sample_tar()));
    assert_eq!((imported.format, imported.n_files), (Format::TarGzip, 4));
    assert_eq!(imported.content_bytes, 40_012);
    assert_eq!(imported.texts["project/Dockerfile"], "FROM alpine\n");
    let stripped = imported.stripped();
    assert_eq!(stripped.texts["Dockerfile"], "FROM alpine\n");
    assert!(stripped.tree.get("bin/again").is_some() && stripped.tree.get("project").is_none());
}

#[test]
fn odd_members_of_a_tar() {
    let long = "d/".repeat(120) + "f";
    let deep = "d/".repeat(300) + "f";
    let mut records = format!("path={long}\n");
    records = format!("{} {records}", records.len() + 4);
    let bytes = tar(&[
        ("../../etc/passwd", b'0', 0o600, "", b"x"),
        ("/abs", b'0', 0o4755, "", b"x"),
        ("null", b'3', 0o644, "", b""),
        ("gone", b'1', 0o644, "nowhere", b""),
        ("././@PaxHeader", b'x', 0o644, "", records.as_bytes()),
        ("short", b'0', 0o644, "", b"long"),
        ("././@LongLink", b'L', 0o644, "", deep.as_bytes()),
        ("short", b'0', 0o644, "", b"deep"),
        ("twice", b'0', 0o644, "", b"1"),
        ("twice", b'0', 0o644, "", b"2"),
        ("twice/f", b'0', 0o644, "", b"3"),
    ]);
    let imported = open_bytes(&bytes);
    assert!(imported.tree.get(&long).is_some());
    let text = render(&imported);
    let short: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("d")).map(|line| &line[..line.len().min(70)]).collect();
    expect![[r#"
        abs 4755 1 2d71 @1700000000
        etc 755 folder @0 assumed:m
        etc/passwd 600 1 2d71 @1700000000
        twice 755 folder @0 assumed:m
        twice/f 644 1 4e07 @1700000000
        ! etc/passwd: the name "../../etc/passwd" leads out of the folder
        ! null: it is neither a file nor a folder nor a link
        ! gone: it is a link to "nowhere", which is not there
        ! d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/"#]]
    .assert_eq(&short.join("\n"));
}

#[test]
fn a_zip_of_a_folder() {
    check(
        &sample_zip(),
        &expect![[r#"
        project 775 folder @1704110400
        project/Dockerfile 644 12 f04b @1704110400
        project/later 644 20000 28b4 @1704110400
        project/link 777 -> run @1704110400
        project/run 755 20000 28b4 @1704110400
        all in project
    "#]],
    );
}

#[test]
fn odd_entries_of_a_zip() {
    let bytes = zip(
        &[
            ZipEntry { name: r"C:\src\a.txt", made_by: 0, mode: 0, body: b"1", ..PLAIN },
            ZipEntry { name: r"src\b\", made_by: 0, mode: 0, ..PLAIN },
            ZipEntry { name: r"with\backslash", body: b"1", ..PLAIN },
            ZipEntry { name: "no-mode", mode: 0, body: b"1", ..PLAIN },
            ZipEntry { name: "../up", body: b"1", ..PLAIN },
            ZipEntry { name: "secret", flags: 1, body: b"1", ..PLAIN },
            ZipEntry { name: "lzma", method: 14, body: b"1", ..PLAIN },
            ZipEntry { name: "what", method: 77, body: b"1", ..PLAIN },
            ZipEntry { name: "pipe", mode: 0o010_644, ..PLAIN },
            ZipEntry { name: "__MACOSX/._a", body: b"1", ..PLAIN },
        ],
        "",
    );
    check(
        &bytes,
        &expect![[r#"
        no-mode 644 1 6b86 @1704110400 assumed:m
        src 755 folder @0 assumed:m
        src/a.txt 644 1 6b86 @1704110400 assumed:m
        src/b 755 folder @1704110400 assumed:m
        up 644 1 6b86 @1704110400
        with\backslash 644 1 6b86 @1704110400
        ! up: the name "../up" leads out of the folder
        ! secret: it is encrypted
        ! lzma: it is compressed with LZMA, which is not read
        ! what: it is compressed with method 77, which is not read
        ! pipe: it is neither a file nor a folder nor a link
    "#]],
    );
}

#[test]
fn a_zip_made_by_git() {
    let entries = [
        ZipEntry { name: "r-1/", made_by: 0, mode: 0, ..PLAIN },
        ZipEntry { name: "r-1/plain", made_by: 0, mode: 0, body: b"1", ..PLAIN },
        ZipEntry { name: "r-1/run", mode: 0o100_775, body: b"1", ..PLAIN },
    ];
    check(
        &zip(&entries, "0123456789012345678901234567890123456789"),
        &expect![[r#"
        r-1 755 folder @1704110400
        r-1/plain 644 1 6b86 @1704110400
        r-1/run 755 1 6b86 @1704110400
        all in r-1
    "#]],
    );
}

#[test]
fn damaged_entries_of_a_zip() {
    let mut bytes = sample_zip();
    let at = bytes.windows(11).position(|part| part == b"FROM alpine").unwrap();
    bytes[at] ^= 1;
    let imported = open_bytes(&bytes);
    assert!(imported.problems.iter().any(|problem| problem.kind == ProblemKind::ChecksumMismatch));
    assert!(imported.tree.get("project/Dockerfile").is_none() && imported.tree.get("project/run").is_some());
    // Without the list of entries they are found one after the other.
    let bytes = sample_zip();
    let list = bytes.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
    let mut damaged = bytes.clone();
    damaged[list] ^= 1;
    assert_eq!(open_bytes(&damaged), open_bytes(&bytes[..list]));
    check(
        &bytes[..list],
        &expect![[r#"
        project 755 folder @1704110400 assumed:m
        project/Dockerfile 644 12 f04b @1704110400 assumed:m
        project/later 644 20000 28b4 @1704110400 assumed:m
        project/link 644 3 acba @1704110400 assumed:m
        project/run 644 20000 28b4 @1704110400 assumed:m
        ! the list of entries is missing or damaged; what could be found without it was read
        all in project
    "#]],
    );
}

/// A zip within a zip that lost its end has a list of entries, too, and is not taken for the whole.
#[test]
fn the_list_of_another_zip() {
    let inner = zip(&[ZipEntry { name: "inner", body: b"1", ..PLAIN }], "");
    let entries = [
        ZipEntry { name: "first", body: b"1", ..PLAIN },
        ZipEntry { name: "a.zip", body: &inner, ..PLAIN },
        ZipEntry { name: "last", body: &[7; 100], ..PLAIN },
    ];
    let bytes = zip(&entries, "");
    let whole = open_bytes(&bytes);
    assert_eq!((whole.n_files, whole.problems.len()), (3, 0));
    let last = bytes.windows(4).position(|part| part == b"last").unwrap();
    let cut = open_bytes(&bytes[..last + 50]);
    let names: Vec<String> = cut.tree.iter().map(|(path, _)| path).collect();
    assert_eq!(names, ["a.zip", "first"]);
    assert!(cut.problems.iter().any(|problem| problem.path == "last"));
    // Something behind the end is no part of it.
    let followed = [&bytes[..], b"something"].concat();
    assert_eq!(open_bytes(&followed).tree, whole.tree);
}

/// The data ends before it is all there: an error, or a problem.
#[test]
fn cut_at_any_byte() {
    for (bytes, is_tar) in [(sample_tar(), true), (gzip(&sample_tar()), false), (sample_zip(), false)] {
        // The zeros at the end of a tar and the padding before them may be missing, and the
        // archive may end behind any member.
        let content = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let whole = open_bytes(&bytes);
        for end in (0..content).step_by(7).chain(content.saturating_sub(300)..content) {
            if let Ok(imported) = open(&mut SliceSource(&bytes[..end]), browser()) {
                let rest = &bytes[end..(end.div_ceil(BLOCK) * BLOCK).min(bytes.len())];
                let is_between = is_tar && rest.iter().all(|byte| *byte == 0);
                let is_told = !imported.problems.is_empty() || is_between;
                assert!(is_told, "cut at {end} of {}", bytes.len());
                assert!(imported.tree.len() <= whole.tree.len());
            }
        }
    }
}

/// Any byte changed: an answer, whatever it is.
#[test]
fn flipped_bytes_never_panic() {
    let mut seed = 1;
    for bytes in [sample_tar(), gzip(&sample_tar()), sample_zip()] {
        let list = bytes.len() - bytes.len() / 4;
        for turn in 0..400 {
            let mut bytes = bytes.clone();
            seed = next(seed);
            let n = usize::try_from(seed >> 33).unwrap();
            // Half of them where the list of a zip stands.
            let at = if turn % 2 == 0 { n % bytes.len() } else { list + n % (bytes.len() - list) };
            bytes[at] ^= 1 << (n % 8);
            let _ = open(&mut SliceSource(&bytes), browser());
        }
    }
}

#[test]
fn limits_are_kept() {
    let has = |bytes: &[u8], limits: Limits, kind: ProblemKind| {
        let imported = open(&mut SliceSource(bytes), limits).unwrap();
        assert!(imported.problems.iter().any(|problem| problem.kind == kind), "{:?}", imported.problems);
        imported
    };
    let small = Limits { free_inflated_bytes: 15_000, inflate_ratio: 0, ..browser() };
    has(&gzip(&sample_tar()), small, ProblemKind::InflatedTooLarge);
    let imported = has(&sample_zip(), small, ProblemKind::InflatedTooLarge);
    assert!(imported.tree.get("project/Dockerfile").is_some(), "what was read is kept");
    let few = Limits { n_entries: 3, ..browser() };
    for bytes in [sample_tar(), gzip(&sample_tar()), sample_zip()] {
        let imported = has(&bytes, few, ProblemKind::TooManyEntries);
        assert!(imported.tree.len() <= 3);
    }
    let short = Limits { path_bytes: 14, ..browser() };
    let imported = open(&mut SliceSource(&sample_zip()), short).unwrap();
    assert!(imported.problems.iter().any(|problem| matches!(problem.kind, ProblemKind::BadPath(_))));
}

#[test]
fn stops_when_told() {
    for bytes in [sample_tar(), gzip(&sample_tar()), sample_zip()] {
        let mut n_calls = 0;
        let mut chopped = Chopped { inner: SliceSource(&bytes), seed: 1 };
        let outcome = import::import(&mut chopped, browser(), &mut |_| {
            n_calls += 1;
            ControlFlow::Break(())
        });
        assert_eq!((outcome, n_calls), (Err(ImportError::Stopped), 1));
    }
}

/// Fails where it is told to.
struct Failing<'a>(SliceSource<'a>, u64);

impl ByteSource for Failing<'_> {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        let most = usize::try_from(self.1.saturating_sub(offset)).unwrap().min(buf.len());
        if most == 0 {
            return Err(SourceError { offset, message: "gone".to_owned() });
        }
        self.0.read_at(offset, &mut buf[..most])
    }
}

#[test]
fn bytes_that_cannot_be_had() {
    for bytes in [sample_tar(), gzip(&sample_tar()), sample_zip()] {
        let outcome = open(&mut Failing(SliceSource(&bytes), bytes.len() as u64 / 2), browser());
        assert!(matches!(outcome, Err(ImportError::Unreadable { .. })), "{outcome:?}");
    }
}
