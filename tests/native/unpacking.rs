//! Archives among the files of a context: what is listed of them while the context is read, and what
//! an ADD makes of them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::rc::Rc;

use expect_test::{Expect, expect};
use layerlab::archive::{Limits, SliceSource};
use layerlab::cache::layer::{LayerContent, image_steps, layer};
use layerlab::cache::solve::{Built, Inputs};
use layerlab::context::import::{FolderImport, FoundFile, Imported, import};
use layerlab::context::unpacked::{Archives, Holds};
use layerlab::context::{EntryKind, Tree};
use layerlab::digest::Digest;
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{BuildOptions, convert};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// A tar of `NAME=CONTENT` files, `NAME/` folders, `NAME->TARGET` links and `NAME=>FILE` hard links.
fn tar(members: &[&str]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for member in members {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o640);
        header.set_uid(10);
        header.set_gid(20);
        let (name, kind, link, content) = if let Some((name, link)) = member.split_once("=>") {
            (name, tar::EntryType::Link, link, "")
        } else if let Some((name, link)) = member.split_once("->") {
            (name, tar::EntryType::Symlink, link, "")
        } else if let Some((name, content)) = member.split_once('=') {
            (name, tar::EntryType::Regular, "", content)
        } else {
            (*member, tar::EntryType::Directory, "", "")
        };
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        if !link.is_empty() {
            header.set_link_name(link).unwrap();
        }
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// Files of a context: archives of every kind, and what only looks like one.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let whole = tar(&["d/", "d/f=abc", "l->d/f", "h=>d/f", "deep/er/.wh.x="]);
    let mut flipped = tar(&["a=1", "b=2"]);
    flipped[1024 + 3] ^= 1;
    vec![
        ("a.tar", whole.clone()),
        ("cut.tar", whole[..1026].to_vec()),
        ("cut.tgz", gzip(&whole)[..150].to_vec()),
        ("data.json.gz", gzip(b"{}")),
        ("empty.tar", vec![0; 1024]),
        ("flipped.tar", flipped),
        ("long.tar.gz", gzip(&tar(&["a=1", "b=2", "c=3", "d=4", "e=5", "f=6", "g=7", "h=8"]))),
        ("no-ending", gzip(&tar(&["in/side=x"]))),
        ("notes.tar", b"only a text".to_vec()),
        ("out.tar", tar(&["a->b", "a/c=1"])),
        ("plain.txt", b"a text that is longer than a header ".repeat(20)),
        ("short.gz", vec![0x1f, 0x8b]),
        ("x.tar.xz", b"\xfd7zXZ\0 and so on".to_vec()),
        ("x.tbz2", b"BZh9 and so on".to_vec()),
        ("z.tar.zst", zstd(&whole)),
    ]
}

/// As a tar, a zip or a folder; the archive around the files is compressed, or not.
fn contexts(files: &[(&str, Vec<u8>)], limits: Limits) -> Vec<Imported> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let tar = builder.into_inner().unwrap();
    let zip = zip(files);
    let mut go_on = |_| ControlFlow::Continue(());
    let mut read = |bytes: &[u8]| import(&mut SliceSource(bytes), limits, &mut go_on).unwrap();
    // A zip that has lost its list is read from front to end.
    let mut all = vec![read(&tar), read(&gzip(&tar)), read(&zip), read(&zip[..zip.len() - 30])];
    let mut folder = FolderImport::new(limits, Tree::default());
    for (name, bytes) in files {
        let size_bytes = bytes.len() as u64;
        assert!(folder.add_file(FoundFile { path: (*name).to_owned(), size_bytes, mtime_secs: 1 }));
    }
    for (_, bytes) in files {
        folder.read_file(&mut SliceSource(bytes), &mut |_| ControlFlow::Continue(())).unwrap();
    }
    all.push(folder.finish());
    all
}

/// A zip of stored entries.
fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut list) = (Vec::new(), Vec::new());
    for (name, body) in files {
        let size = u32::try_from(body.len()).unwrap().to_le_bytes();
        let mut crc = flate2::Crc::new();
        crc.update(body);
        let at = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let name_size = u16::try_from(name.len()).unwrap().to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc.sum().to_le_bytes().iter().chain(&size).chain(&size).chain(&name_size));
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04".iter().chain(&common).chain(name.as_bytes()).chain(body));
        list.extend(b"PK\x01\x02\x14\x03".iter().chain(&common));
        list.extend([0; 6].iter().chain(&(0o100_644_u32 << 16).to_le_bytes()).chain(&at));
        list.extend(name.as_bytes());
    }
    let n_files = u16::try_from(files.len()).unwrap().to_le_bytes();
    let (start, size) = (u32::try_from(bytes.len()).unwrap(), u32::try_from(list.len()).unwrap());
    bytes.append(&mut list);
    bytes.extend(b"PK\x05\x06\0\0\0\0".iter().chain(&n_files).chain(&n_files));
    bytes.extend(size.to_le_bytes().iter().chain(&start.to_le_bytes()).chain(&[0, 0]));
    bytes
}

fn shown(tree: &Tree, archives: &Archives) -> String {
    let mut text = String::new();
    for (path, entry) in tree.iter() {
        let EntryKind::File { digest, .. } = entry.kind else { panic!("{path} is no file") };
        let holds = match archives.get(&digest) {
            None => "nothing to say".to_owned(),
            Some(Holds::NoTar) => "no tar".to_owned(),
            Some(Holds::Unknown(why)) => why.to_string(),
            Some(Holds::Members(members)) => {
                let paths: Vec<String> = members.tree().iter().map(|(path, _)| path).collect();
                paths.join(" ")
            }
        };
        text.push_str(&format!("{path}: {holds}\n"));
    }
    text
}

fn check(limits: Limits, expected: &Expect) {
    let files = files();
    let mut shown_first = None;
    for context in contexts(&files, limits) {
        assert_eq!(
            context.problems.iter().filter(|it| !it.path.is_empty()).count(),
            0,
            "{:?}",
            context.format
        );
        for (name, bytes) in &files {
            let EntryKind::File { digest, size_bytes } = context.tree.get(name).unwrap().kind else {
                panic!()
            };
            assert_eq!((digest, size_bytes), (Digest::of(bytes), bytes.len() as u64), "{name}");
        }
        shown_first.get_or_insert_with(|| shown(&context.tree, &context.archives));
        assert_eq!(Some(shown(&context.tree, &context.archives)), shown_first, "{:?}", context.format);
    }
    expected.assert_eq(&shown_first.unwrap());
}

#[test]
fn archives_are_listed_wherever_a_context_comes_from() {
    check(
        Limits { n_archive_members: 7, ..Limits::for_browser() },
        &expect![[r#"
        a.tar: d d/f deep deep/er deep/er/.wh.x h l
        cut.tar: it is damaged, so that a build fails: the data ends too early, at byte 1026
        cut.tgz: it is damaged, so that a build fails: the data ends too early
        data.json.gz: no tar
        empty.tar: no tar
        flipped.tar: it is damaged, so that a build fails: the header at byte 1024 is damaged: its checksum is wrong
        long.tar.gz: it has more members than are listed
        no-ending: in in/side
        notes.tar: no tar
        out.tar: builders differ, since a/c in it stands behind a link of the archive
        plain.txt: nothing to say
        short.gz: no tar
        x.tar.xz: it is compressed with xz, which is not read here
        x.tbz2: it is compressed with bzip2, which is not read here
        z.tar.zst: d d/f deep deep/er deep/er/.wh.x h l
    "#]],
    );
}

#[test]
fn lists_have_limits() {
    check(
        Limits { n_archives: 2, ..Limits::for_browser() },
        &expect![[r#"
        a.tar: d d/f deep deep/er deep/er/.wh.x h l
        cut.tar: it is damaged, so that a build fails: the data ends too early, at byte 1026
        cut.tgz: nothing to say
        data.json.gz: nothing to say
        empty.tar: nothing to say
        flipped.tar: nothing to say
        long.tar.gz: nothing to say
        no-ending: nothing to say
        notes.tar: nothing to say
        out.tar: nothing to say
        plain.txt: nothing to say
        short.gz: nothing to say
        x.tar.xz: nothing to say
        x.tbz2: nothing to say
        z.tar.zst: nothing to say
    "#]],
    );
    check(
        Limits { archive_tar_bytes: 2000, ..Limits::for_browser() },
        &expect![[r#"
        a.tar: what is in it is longer than is read
        cut.tar: it is damaged, so that a build fails: the data ends too early, at byte 1026
        cut.tgz: what is in it is longer than is read
        data.json.gz: no tar
        empty.tar: no tar
        flipped.tar: it is damaged, so that a build fails: the header at byte 1024 is damaged: its checksum is wrong
        long.tar.gz: what is in it is longer than is read
        no-ending: what is in it is longer than is read
        notes.tar: no tar
        out.tar: builders differ, since a/c in it stands behind a link of the archive
        plain.txt: nothing to say
        short.gz: no tar
        x.tar.xz: it is compressed with xz, which is not read here
        x.tbz2: it is compressed with bzip2, which is not read here
        z.tar.zst: what is in it is longer than is read
    "#]],
    );
    let limits =
        Limits { n_archive_members_in_all: 8, archive_tar_bytes_in_all: 12_000, ..Limits::for_browser() };
    check(
        limits,
        &expect![[r#"
        a.tar: d d/f deep deep/er deep/er/.wh.x h l
        cut.tar: it has more members than are listed
        cut.tgz: it has more members than are listed
        data.json.gz: no tar
        empty.tar: no tar
        flipped.tar: it is damaged, so that a build fails: the header at byte 1024 is damaged: its checksum is wrong
        long.tar.gz: it has more members than are listed
        no-ending: it has more members than are listed
        notes.tar: no tar
        out.tar: it has more members than are listed
        plain.txt: nothing to say
        short.gz: no tar
        x.tar.xz: it is compressed with xz, which is not read here
        x.tbz2: it is compressed with bzip2, which is not read here
        z.tar.zst: it has more members than are listed
    "#]],
    );
}

/// The layer of the last instruction, on the files of [`files`] read as one tar.
fn layer_of(dockerfile: &str) -> String {
    let context = contexts(&files(), Limits::for_browser()).remove(0);
    let graph =
        convert::build(&Dockerfile::read(dockerfile), &BuildOptions::default(), &|_, _| None).unwrap();
    let locals = BTreeMap::from([("context".to_owned(), Rc::new(context.tree))]);
    let built = Built::new(&graph, &Inputs { locals, ..Inputs::default() });
    let last = image_steps(&graph).pop().unwrap();
    let content = layer(&graph, &built, &context.archives, last).unwrap();
    let size_bytes = content.size_bytes();
    let (tree, unsure) = match content {
        LayerContent::Known(tree) => (tree, format!("{size_bytes:?} bytes")),
        LayerContent::Partly(tree, unsure) => (tree, unsure.to_string()),
        LayerContent::Unknown => panic!("{dockerfile} runs a command"),
    };
    let mut text = String::new();
    for (path, entry) in tree.iter() {
        let what = match &entry.kind {
            EntryKind::File { digest, .. } if *digest == Digest::of(b"abc") => "abc".to_owned(),
            EntryKind::File { size_bytes, .. } => format!("{size_bytes} bytes"),
            EntryKind::Dir => "folder".to_owned(),
            EntryKind::Symlink { target } => format!("-> {target}"),
            EntryKind::HardLink { target } => format!("= {target}"),
        };
        text.push_str(&format!("{path} {:o} {}:{} {what}\n", entry.mode, entry.uid, entry.gid));
    }
    text + &unsure + "\n"
}

#[test]
fn an_add_unpacks_what_is_an_archive() {
    let check = |dockerfile: &str, expected: Expect| expected.assert_eq(&layer_of(dockerfile));
    check(
        "FROM scratch\nADD a.tar /x/y",
        expect![[r#"
        x 755 0:0 folder
        x/y 755 0:0 folder
        x/y/d 640 10:20 folder
        x/y/d/f 640 10:20 abc
        x/y/deep 755 0:0 folder
        x/y/deep/er 755 0:0 folder
        x/y/deep/er/.wh.x 640 10:20 0 bytes
        x/y/h 640 10:20 = x/y/d/f
        x/y/l 777 10:20 -> d/f
        Some(3) bytes
    "#]],
    );
    // The mode is left aside, the owner is not; folders without an entry are root's.
    check(
        "FROM scratch\nADD --chown=1:2 --chmod=600 z.tar.zst no-ending /x/",
        expect![[r#"
        x 755 1:2 folder
        x/d 640 1:2 folder
        x/d/f 640 1:2 abc
        x/deep 755 0:0 folder
        x/deep/er 755 0:0 folder
        x/deep/er/.wh.x 640 1:2 0 bytes
        x/h 640 1:2 = x/d/f
        x/in 755 0:0 folder
        x/in/side 640 1:2 1 bytes
        x/l 777 1:2 -> d/f
        Some(4) bytes
    "#]],
    );
    check(
        "FROM scratch\nADD --link no-ending /",
        expect![[r#"
        in 755 0:0 folder
        in/side 640 10:20 1 bytes
        Some(1) bytes
    "#]],
    );
    check(
        "FROM scratch\nCOPY plain.txt /x/f\nADD no-ending /x/",
        expect![[r#"
        x 755 0:0 folder
        x/in 755 0:0 folder
        x/in/side 640 10:20 1 bytes
        Some(1) bytes
    "#]],
    );
    check(
        "FROM scratch\nADD --unpack=false a.tar /x/",
        expect![[r#"
        x 755 0:0 folder
        x/a.tar 644 0:0 4096 bytes
        Some(4096) bytes
    "#]],
    );
    check(
        "FROM scratch\nCOPY a.tar notes.tar /x/",
        expect![[r#"
        x 755 0:0 folder
        x/a.tar 644 0:0 4096 bytes
        x/notes.tar 644 0:0 11 bytes
        Some(4107) bytes
    "#]],
    );
    // A folder is copied with the archives in it.
    check(
        "FROM scratch\nADD . /x/",
        expect![[r#"
        x 755 0:0 folder
        x/a.tar 644 0:0 4096 bytes
        x/cut.tar 644 0:0 1026 bytes
        x/cut.tgz 644 0:0 150 bytes
        x/data.json.gz 644 0:0 22 bytes
        x/empty.tar 644 0:0 1024 bytes
        x/flipped.tar 644 0:0 3072 bytes
        x/long.tar.gz 644 0:0 249 bytes
        x/no-ending 644 0:0 95 bytes
        x/notes.tar 644 0:0 11 bytes
        x/out.tar 644 0:0 2560 bytes
        x/plain.txt 644 0:0 720 bytes
        x/short.gz 644 0:0 2 bytes
        x/x.tar.xz 644 0:0 16 bytes
        x/x.tbz2 644 0:0 14 bytes
        x/z.tar.zst 644 0:0 258 bytes
        Some(13315) bytes
    "#]],
    );
    check(
        "FROM scratch\nADD notes.tar data.json.gz empty.tar plain.txt /x/",
        expect![[r#"
        x 755 0:0 folder
        x/data.json.gz 644 0:0 22 bytes
        x/empty.tar 644 0:0 1024 bytes
        x/notes.tar 644 0:0 11 bytes
        x/plain.txt 644 0:0 720 bytes
        Some(1777) bytes
    "#]],
    );
    check(
        "FROM scratch\nADD n*s.tar *.zst /x/",
        expect![[r#"
        x 755 0:0 folder
        x/d 640 10:20 folder
        x/d/f 640 10:20 abc
        x/deep 755 0:0 folder
        x/deep/er 755 0:0 folder
        x/deep/er/.wh.x 640 10:20 0 bytes
        x/h 640 10:20 = x/d/f
        x/l 777 10:20 -> d/f
        x/notes.tar 644 0:0 11 bytes
        Some(14) bytes
    "#]],
    );
    check(
        "FROM scratch\nADD nothing*.tar /x/",
        expect![[r#"
        Some(0) bytes
    "#]],
    );
}

#[test]
fn what_is_not_unpacked_says_why() {
    let check = |dockerfile: &str, expected: Expect| expected.assert_eq(&layer_of(dockerfile));
    check(
        "FROM scratch\nADD x.tar.xz /x/",
        expect![[r#"
        x 755 0:0 folder
        x/x.tar.xz 755 0:0 0 bytes
        what comes out of x.tar.xz is not known; it is compressed with xz, which is not read here
    "#]],
    );
    check(
        "FROM scratch\nADD x.tbz2 a.tar /x/",
        expect![[r#"
        x 755 0:0 folder
        x/d 640 10:20 folder
        x/d/f 640 10:20 abc
        x/deep 755 0:0 folder
        x/deep/er 755 0:0 folder
        x/deep/er/.wh.x 640 10:20 0 bytes
        x/h 640 10:20 = x/d/f
        x/l 777 10:20 -> d/f
        x/x.tbz2 755 0:0 0 bytes
        what comes out of x.tbz2 is not known; it is compressed with bzip2, which is not read here
    "#]],
    );
    check(
        "FROM scratch\nADD cut.tar /x/",
        expect![[r#"
        x 755 0:0 folder
        x/cut.tar 755 0:0 0 bytes
        what comes out of cut.tar is not known; it is damaged, so that a build fails: the data ends too early, at byte 1026
    "#]],
    );
    check(
        "FROM scratch\nADD out.tar /x/",
        expect![[r#"
        x 755 0:0 folder
        x/out.tar 755 0:0 0 bytes
        what comes out of out.tar is not known; builders differ, since a/c in it stands behind a link of the archive
    "#]],
    );
    check(
        "FROM scratch\nADD --chown=app:app a.tar /x/",
        expect![[r#"
        x 755 0:0 folder
        x/a.tar 755 0:0 0 bytes
        what comes out of a.tar is given to app:app, whose number only the image knows
    "#]],
    );
    check(
        "FROM scratch\nADD https://example.org/a.tar /x/",
        expect![[r#"
        x 755 0:0 folder
        x/a.tar 755 0:0 0 bytes
        some entries are known only to a real build
    "#]],
    );
    check(
        "FROM scratch\nADD --unpack https://example.org/a.tar /x/",
        expect![[r#"
        x 755 0:0 folder
        x/a.tar 755 0:0 0 bytes
        some entries are known only to a real build
    "#]],
    );
    check(
        "FROM scratch AS s\nCOPY . /\nFROM scratch\nCOPY --from=s /*.tar /x/",
        expect![[r#"
        x 755 0:0 0 bytes
        some entries are known only to a real build
    "#]],
    );
}
