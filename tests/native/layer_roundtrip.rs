//! A layer that is written and read back is the same, field by field.
//!
//! The writer is ours and shares nothing with the reader: it knows the forms in
//! which GNU tar, PAX writers and old ones put names and numbers that are too
//! long for a header, and takes any of them. Cases are those of `properties`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write as _};

use layerlab::archive::Limits;
use layerlab::archive::compression::{Compression, Inflate, Quota};
use layerlab::archive::tar::{MemberKind, Streaming};
use layerlab::digest::Digest;
use layerlab::layer::{LayerEntry, LayerTree, Rare, Replaced};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::properties::run;

const BLOCK: usize = 512;

/// What a member is, with what only its kind has.
#[derive(Clone, Debug)]
enum Kind {
    File(Vec<u8>),
    Dir,
    Symlink(String),
    HardLink(String),
    Char(u32, u32),
    Block(u32, u32),
    Fifo,
    Whiteout,
    Opaque,
}

/// How what is too long for a header is put; PAX writers put all they can.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Form {
    Ustar,
    Gnu,
    Pax,
}

#[derive(Clone, Debug)]
struct Written {
    path: String,
    kind: Kind,
    mode: u32,
    uid: u64,
    gid: u64,
    mtime_secs: i64,
    /// The time has half a second more, which only PAX can say.
    has_half: bool,
    xattrs: BTreeMap<String, Vec<u8>>,
    form: Form,
    /// Stands before the path: `./` or `/` or nothing.
    prefix: &'static str,
    /// As old writers do: no type for a file, and none for a folder but its `/`.
    is_old: bool,
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(vec!["a", "b", "a-", "c.txt", "with blank", "...", ".hidden", "wh.not"]).prop_map(str::to_owned),
        2 => select(vec!["é", "日本語", "e\u{301}", "\u{202e}x", "🦀", "line\nbreak", "=", "\\"]).prop_map(str::to_owned),
        // Around the lengths of the two fields of a header.
        1 => select(vec![97_usize, 98, 99, 100, 101, 154, 155, 156, 300]).prop_map(|n| "n".repeat(n)),
    ]
}

fn path() -> impl Strategy<Value = String> {
    vec(name(), 1..4).prop_map(|names| names.join("/"))
}

fn kind() -> impl Strategy<Value = Kind> {
    let number = || prop_oneof![0..300_u32, Just(0o7_777_777)];
    let content = prop_oneof![3 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 511..514)];
    prop_oneof![
        5 => content.prop_map(Kind::File),
        2 => Just(Kind::Dir),
        2 => prop_oneof![path(), path().prop_map(|path| format!("../{path}"))].prop_map(Kind::Symlink),
        2 => path().prop_map(Kind::HardLink),
        1 => (number(), number()).prop_map(|(major, minor)| Kind::Char(major, minor)),
        1 => (number(), number()).prop_map(|(major, minor)| Kind::Block(major, minor)),
        1 => Just(Kind::Fifo),
        1 => Just(Kind::Whiteout),
        1 => Just(Kind::Opaque),
    ]
}

fn written() -> impl Strategy<Value = Written> {
    let owner = || {
        // Up to seven octal digits fit; above them there is base 256, or a record.
        prop_oneof![3 => 0..70_000_u64, 1 => 2_097_150..2_097_154_u64, 1 => Just(4_294_967_294), 1 => Just(1 << 40)]
    };
    let mtime = prop_oneof![
        2 => 0..2_000_000_000_i64,
        1 => -2_000_000_000..2_i64,
        1 => 8_589_934_590..8_589_934_594_i64,
        1 => Just(1 << 40),
    ];
    let xattr_name = select(vec!["user.note", "security.capability", "user.é"]).prop_map(str::to_owned);
    let xattrs = btree_map(xattr_name, vec(any::<u8>(), 0..30), 0..3);
    let mode = prop_oneof![0..0o10_000_u32, select(vec![0o4755, 0o2755, 0o1777, 0o7777, 0])];
    let labels = (mode, owner(), owner(), mtime, any::<bool>(), xattrs);
    let forms = (select(vec![Form::Ustar, Form::Gnu, Form::Pax]), select(vec!["", "./", "/"]), any::<bool>());
    (path(), kind(), labels, forms).prop_map(|(path, kind, labels, (form, prefix, is_old))| {
        let (mode, uid, gid, mtime_secs, has_half, xattrs) = labels;
        Written { path, kind, mode, uid, gid, mtime_secs, has_half, xattrs, form, prefix, is_old }
    })
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (1..20).map(|n_digits| rest + n_digits).find(|n| n.to_string().len() + rest == *n).unwrap();
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Octal digits with a zero at the end, or base 256 where they do not suffice.
fn put_number(block: &mut [u8], at: usize, length: usize, number: i64) {
    if (0..1 << (3 * (length - 1))).contains(&number) {
        put(block, at, format!("{number:0width$o}\0", width = length - 1).as_bytes());
        return;
    }
    let bytes = i128::from(number).to_be_bytes();
    put(block, at, &bytes[bytes.len() - length..]);
    block[at] |= 0x80;
}

fn sum_up(block: &mut [u8]) {
    put(block, 148, b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put(block, 148, format!("{sum:06o}\0 ").as_bytes());
}

fn put_body(out: &mut Vec<u8>, body: &[u8]) {
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

/// A header of another's extension, and that.
fn put_extension(out: &mut Vec<u8>, flag: u8, body: &[u8]) {
    let mut block = [0; BLOCK];
    put(&mut block, 0, b"extension");
    put_number(&mut block, 100, 8, 0o644);
    put_number(&mut block, 124, 12, i64::try_from(body.len()).unwrap());
    block[156] = flag;
    put(&mut block, 257, b"ustar\x0000");
    sum_up(&mut block);
    out.extend(block);
    put_body(out, body);
}

/// Where a path is cut for a header of POSIX: up to 155 bytes, `/`, up to 100.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= 100 {
        return Some(("", path));
    }
    let mut cuts = path.match_indices('/').map(|(at, _)| (&path[..at], &path[at + 1..]));
    cuts.find(|(front, back)| {
        !front.is_empty() && front.len() <= 155 && !back.is_empty() && back.len() <= 100
    })
}

impl Written {
    /// As its kind wants it in the tar.
    fn stored_path(&self) -> String {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let path = match self.kind {
            Kind::Dir => format!("{}/", self.path),
            Kind::Whiteout => format!("{folder}.wh.{name}"),
            Kind::Opaque => format!("{}/.wh..wh..opq", self.path),
            _ => self.path.clone(),
        };
        format!("{}{path}", self.prefix)
    }

    fn put(&self, out: &mut Vec<u8>) {
        let path = self.stored_path();
        let (flag, link, body) = match &self.kind {
            Kind::File(body) => (if self.is_old { 0 } else { b'0' }, "", &body[..]),
            Kind::Dir => (if self.is_old { b'0' } else { b'5' }, "", &[][..]),
            Kind::Symlink(target) => (b'2', target.as_str(), &[][..]),
            Kind::HardLink(target) => (b'1', target.as_str(), &[][..]),
            Kind::Char(..) => (b'3', "", &[][..]),
            Kind::Block(..) => (b'4', "", &[][..]),
            Kind::Fifo => (b'6', "", &[][..]),
            Kind::Whiteout | Kind::Opaque => (b'0', "", &[][..]),
        };
        let link = if flag == b'1' { format!("{}{link}", self.prefix) } else { link.to_owned() };
        let mut records = Vec::new();
        let mut block = [0; BLOCK];
        match (self.form, split(&path)) {
            (Form::Gnu, _) => {
                if path.len() > 100 {
                    put_extension(out, b'L', &[path.as_bytes(), b"\0"].concat());
                }
                put(&mut block, 0, &path.as_bytes()[..path.len().min(100)]);
            }
            (Form::Ustar, Some((front, back))) => {
                put(&mut block, 0, back.as_bytes());
                put(&mut block, 345, front.as_bytes());
            }
            (Form::Ustar | Form::Pax, _) => {
                records.extend(record("path", path.as_bytes()));
                put(&mut block, 0, b"another");
            }
        }
        if self.form == Form::Pax || (self.form == Form::Ustar && link.len() > 100) {
            if !link.is_empty() {
                records.extend(record("linkpath", link.as_bytes()));
            }
        } else {
            if link.len() > 100 {
                put_extension(out, b'K', &[link.as_bytes(), b"\0"].concat());
            }
            put(&mut block, 157, &link.as_bytes()[..link.len().min(100)]);
        }
        put_number(&mut block, 100, 8, i64::from(self.mode));
        if self.form == Form::Pax {
            records.extend(record("uid", self.uid.to_string().as_bytes()));
            records.extend(record("gid", self.gid.to_string().as_bytes()));
            records.extend(record("mtime", self.pax_mtime().as_bytes()));
            records.extend(record("size", body.len().to_string().as_bytes()));
            records.extend(record("comment", b"of no use"));
        } else {
            put_number(&mut block, 108, 8, i64::try_from(self.uid).unwrap());
            put_number(&mut block, 116, 8, i64::try_from(self.gid).unwrap());
            put_number(&mut block, 136, 12, self.mtime_secs);
        }
        put_number(&mut block, 124, 12, i64::try_from(body.len()).unwrap());
        if let Kind::Char(major, minor) | Kind::Block(major, minor) = self.kind {
            put_number(&mut block, 329, 8, i64::from(major));
            put_number(&mut block, 337, 8, i64::from(minor));
        }
        // Readers put them in order.
        for (name, value) in self.xattrs.iter().rev() {
            records.extend(record(&format!("SCHILY.xattr.{name}"), value));
        }
        if !records.is_empty() {
            put_extension(out, b'x', &records);
        }
        block[156] = flag;
        put(&mut block, 257, if self.form == Form::Gnu { b"ustar  \0" } else { b"ustar\x0000" });
        sum_up(&mut block);
        out.extend(block);
        put_body(out, body);
    }

    /// Half a second more than the whole seconds, below zero too.
    fn pax_mtime(&self) -> String {
        match self.mtime_secs {
            secs if !self.has_half => secs.to_string(),
            secs if secs < 0 => format!("-{}.5", -(secs + 1)),
            secs => format!("{secs}.5"),
        }
    }

    /// The entry that it makes, but for what others have to do with it.
    fn entry(&self) -> LayerEntry {
        let (kind, link, device) = match &self.kind {
            Kind::File(_) | Kind::Whiteout | Kind::Opaque => (MemberKind::File, "", None),
            Kind::Dir => (MemberKind::Dir, "", None),
            Kind::Symlink(target) => (MemberKind::Symlink, target.as_str(), None),
            Kind::HardLink(target) => (MemberKind::HardLink, target.as_str(), None),
            Kind::Char(major, minor) => (MemberKind::Char, "", Some((*major, *minor))),
            Kind::Block(major, minor) => (MemberKind::Block, "", Some((*major, *minor))),
            Kind::Fifo => (MemberKind::Fifo, "", None),
        };
        let body = if let Kind::File(body) = &self.kind { Some(body) } else { None };
        LayerEntry {
            kind,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            size_bytes: body.map_or(0, |body| body.len() as u64),
            mtime_secs: self.mtime_secs,
            digest: body.map(|body| Digest::of(body)),
            rare: Rare { link: link.into(), device, xattrs: self.xattrs.clone().into_iter().collect() }
                .boxed(),
            is_sparse: false,
            n_times: 1,
            is_implicit: false,
            offset: 0,
        }
    }
}

/// A folder of which only something below it tells.
fn implicit() -> LayerEntry {
    LayerEntry {
        kind: MemberKind::Dir,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size_bytes: 0,
        mtime_secs: 0,
        digest: None,
        rare: None,
        is_sparse: false,
        n_times: 0,
        is_implicit: true,
        offset: 0,
    }
}

/// All that can be told of a layer.
#[derive(PartialEq, Debug, Default)]
struct Told {
    entries: BTreeMap<String, LayerEntry>,
    whiteouts: BTreeSet<String>,
    opaque: BTreeSet<String>,
    replaced: Vec<Replaced>,
    n_members: u64,
    content_bytes: u64,
}

/// What should be read.
fn expected(layer: &[Written]) -> Told {
    let mut told = Told::default();
    for written in layer {
        told.n_members += 1;
        let path = &written.path;
        match written.kind {
            Kind::Whiteout => drop(told.whiteouts.insert(path.clone())),
            Kind::Opaque => drop(told.opaque.insert(path.clone())),
            _ => {
                for (at, _) in path.match_indices('/') {
                    told.entries.entry(path[..at].to_owned()).or_insert_with(implicit);
                }
                let mut entry = written.entry();
                told.content_bytes += entry.size_bytes;
                if let Some(before) = told.entries.get(path) {
                    entry.n_times += before.n_times;
                    if before.kind == MemberKind::File {
                        told.replaced.push(Replaced { path: path.clone(), size_bytes: before.size_bytes });
                    }
                }
                told.entries.insert(path.clone(), entry);
            }
        }
    }
    let files = told.entries.clone();
    for entry in told.entries.values_mut().filter(|entry| entry.kind == MemberKind::HardLink) {
        // So many steps lead out of any chain that is no circle.
        let mut target = files.get(entry.link());
        for _ in 0..files.len() {
            target = target
                .and_then(|at| if at.kind == MemberKind::HardLink { files.get(at.link()) } else { Some(at) });
        }
        entry.digest = target.and_then(|file| file.digest);
    }
    told
}

fn told(reader: impl Read) -> Told {
    let (tree, error) = LayerTree::read(&mut Streaming::new(reader), Limits::for_browser());
    assert!(error.is_none(), "{error:?}");
    assert!(tree.marks.is_empty() && tree.bad_whiteouts.is_empty() && tree.unsafe_paths.is_empty());
    assert!(!tree.has_lone_zeros);
    // Where an entry stands, `contents` looks at.
    let entry = |entry: &LayerEntry| LayerEntry { offset: 0, ..entry.clone() };
    let entries = tree.iter().map(|(path, found)| (path.to_owned(), entry(found))).collect();
    let LayerTree { whiteouts, opaque, replaced, n_members, content_bytes, .. } = tree;
    Told { entries, whiteouts, opaque, replaced, n_members, content_bytes }
}

#[test]
fn what_is_written_is_read() {
    // Paths are few, so that entries meet: duplicates, links, folders in a file's place.
    let layer = vec(written(), 1..10);
    run(&(layer, 0..3_usize), |(layer, n_zeros)| {
        let mut bytes = Vec::new();
        layer.iter().for_each(|written| written.put(&mut bytes));
        // Some writers leave the zeros at the end away.
        bytes.resize(bytes.len() + n_zeros * BLOCK, 0);
        let expected = expected(&layer);
        assert_eq!(told(&bytes[..]), expected);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).unwrap();
        let stored = encoder.finish().unwrap();
        let quota = Quota::new(&Limits::for_browser());
        let inflate = Inflate::new(Compression::sniff(&stored), &stored[..], quota).unwrap();
        assert_eq!(told(inflate), expected);
    });
}
