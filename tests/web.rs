//! Tests that run in a browser's worker: what crosses the border between page
//! and worker, and the file that is read on its far side.
#![cfg(target_arch = "wasm32")]

#[path = "web/inspect.rs"]
mod inspect;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::ControlFlow;

use layerlab::archive::{ByteSource, Window};
use layerlab::context::unpacked::{Holds, Members, Unlisted};
use layerlab::context::{Assumed, Entry, EntryKind, Tree};
use layerlab::digest::{Digest, HashHere};
use layerlab::image::OpenAs;
use layerlab::job::{Files, Job};
use layerlab::oci::ImageConfig;
use layerlab::protocol::build_file::{BuildFileKind, BuildFileReport, BuildNote, BuildReport};
use layerlab::protocol::{
    ContextReport, ContextSource, FolderRow, ImageReport, JobId, LayerReport, LayerWanted, PlannedLayer,
    Reply, Request, RowKind,
};
use layerlab::web::blob::BlobSource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The largest number of bytes that JavaScript counts exactly.
const MAX_BYTES: u64 = (1 << 53) - 1;

#[wasm_bindgen_test]
fn runs_in_a_worker() {
    assert!(js_sys::global().has_type::<web_sys::DedicatedWorkerGlobalScope>());
}

/// Sends a value as the page and the worker do, structured clone included.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let sent = serde_wasm_bindgen::to_value(value).unwrap();
    let scope = js_sys::global().unchecked_into::<web_sys::DedicatedWorkerGlobalScope>();
    let clone: js_sys::Function =
        js_sys::Reflect::get(&scope, &"structuredClone".into()).unwrap().unchecked_into();
    let received = clone.call1(&JsValue::UNDEFINED, &sent).unwrap();
    assert_eq!(&serde_wasm_bindgen::from_value::<T>(received).unwrap(), value);
}

#[wasm_bindgen_test]
fn requests_arrive_as_they_were_sent() {
    let job = JobId(u32::MAX);
    let requests = [
        Request::Open { job, open_as: OpenAs::Layer, limits_times: u32::MAX },
        Request::ReadLayer {
            job,
            key: MAX_BYTES,
            plans: vec!["{}".into()],
            wanted: LayerWanted::Digests,
            inflated_bytes: MAX_BYTES,
            limits_times: 8,
        },
        Request::KeepEntries { job, key: 0, is_first: true, entries: vec![0, 255].into() },
        Request::ListFolder {
            job, image_idx: 1, layer_idx: u32::MAX, path: "srv/naïve/🐳\u{fffd}".into()
        },
        Request::KeepReport { job, key: MAX_BYTES, blob_digest: Some("sha256:00".into()), diff_id: None },
        Request::Close { archive: job },
        Request::Redeem { job, ticket: vec![0, 255].into(), limits_times: 8 },
        Request::ReadContext {
            job,
            source: ContextSource::Archive { size_bytes: MAX_BYTES },
            is_again: false,
        },
        Request::ReadContext {
            job,
            source: ContextSource::Folder { paths: vec!["src/a.rs".into()], folders: vec!["src".into()] },
            is_again: true,
        },
        Request::ReadBuildFile {
            job,
            name: "compose.yaml".into(),
            text: "services: {}\n".into(),
            environment: "A=naïve\n".into(),
        },
    ];
    let questions = inspect::questions().into_iter().map(|question| Request::Inspect { job, question });
    for request in requests.into_iter().chain(questions).collect::<Vec<_>>().iter() {
        match request {
            // A variant that is added must be added above, too.
            Request::Open { .. }
            | Request::ReadLayer { .. }
            | Request::KeepEntries { .. }
            | Request::KeepReport { .. }
            | Request::Close { .. }
            | Request::Inspect { .. }
            | Request::Redeem { .. }
            | Request::ListFolder { .. }
            | Request::ReadContext { .. }
            | Request::ReadBuildFile { .. } => round_trip(request),
        }
    }
}

#[wasm_bindgen_test]
fn replies_arrive_as_they_were_sent() {
    let job = JobId(7);
    let image = ImageReport {
        tags: vec!["example.org/team/app:1".into(), "app".into()],
        platform: "linux/arm64".into(),
        created: "2026-11-23T18:30:16.330387037Z".into(),
        manifest_digest: Some("sha256:00".into()),
        config_digest: "sha256:01".into(),
        config: ImageConfig { os: "linux".into(), author: Some("me".into()), ..ImageConfig::default() },
        layers: vec![
            PlannedLayer {
                instruction: Some("RUN a".into()),
                created_by: Some("/bin/sh -c a".into()),
                stored_bytes: MAX_BYTES,
                key: Some(MAX_BYTES),
                plan: "{}".into(),
            },
            PlannedLayer::default(),
        ],
        problems: vec!["odd".into()],
    };
    let report = LayerReport {
        compression: "gzip".into(),
        blob_digest: Some("sha256:02".into()),
        diff_id: Some("sha256:03".into()),
        chain_id: None,
        is_sound: true,
        is_limited: true,
        tar_bytes: MAX_BYTES,
        content_bytes: MAX_BYTES,
        n_entries: MAX_BYTES,
        n_whiteouts: 0,
        problems: Vec::new(),
    };
    let kinds = [
        RowKind::File,
        RowKind::Dir,
        RowKind::Symlink,
        RowKind::HardLink,
        RowKind::Special,
        RowKind::Whiteout,
    ];
    let row = |kind| FolderRow {
        name: "файл".into(),
        kind,
        mode: 0o7777,
        uid: MAX_BYTES,
        gid: MAX_BYTES,
        total_bytes: MAX_BYTES,
        n_below: MAX_BYTES,
        link: "../nowhere".into(),
        is_opaque: true,
        n_times: u32::MAX,
    };
    let file = Entry { assumed: Assumed::MODE, mtime_secs: -1, ..Entry::file(Digest::of(b"a"), MAX_BYTES) };
    let link = Entry { kind: EntryKind::Symlink { target: "../a".into() }, ..Entry::dir() };
    let hard_link = Entry { kind: EntryKind::HardLink { target: "d/a".into() }, ..Entry::dir() };
    let mut tree = Tree::default();
    tree.insert("d/a", Entry { uid: u32::MAX, ..Entry::file(Digest::of(b"a"), MAX_BYTES) });
    tree.insert("d/l", hard_link.clone());
    let members = Members::from(tree);
    let context = ContextReport {
        n_files: MAX_BYTES,
        content_bytes: MAX_BYTES,
        n_reused: 1,
        texts: BTreeMap::from([("Dockerfile".into(), "FROM a\n".into())]),
        has_more_archives: true,
        single_root: Some("shop".into()),
        problems: vec!["odd".into()],
    };
    let note = BuildNote { line: 1, column: u32::MAX, message: "odd".into() };
    let some = || vec!["a".to_owned(), "b".to_owned()];
    let pairs = || BTreeMap::from([("A".to_owned(), Some("1".to_owned())), ("B".to_owned(), None)]);
    let build = BuildReport {
        name: "app".into(),
        line: 2,
        context: "./app".into(),
        dockerfile: "Dockerfile".into(),
        dockerfile_inline: Some("FROM a\n".into()),
        target: Some("prod".into()),
        args: pairs(),
        platforms: some(),
        contexts: BTreeMap::from([("base".into(), "docker-image://alpine".into())]),
        no_cache: true,
        no_cache_filter: some(),
        pull: true,
        cache_from: some(),
        secrets: some(),
        ssh: some(),
        network: Some("none".into()),
        labels: pairs(),
        tags: some(),
        ignored: some(),
        notes: vec![note.clone()],
    };
    let build_file = |kind| BuildFileReport {
        kind,
        builds: vec![build.clone(), BuildReport::default()],
        groups: vec![("default".into(), some())],
        notes: vec![note.clone()],
    };
    let replies = [
        Reply::BuildFileRead { job, report: build_file(BuildFileKind::Compose) },
        Reply::BuildFileRead { job, report: build_file(BuildFileKind::BakeHcl) },
        Reply::BuildFileRead { job, report: build_file(BuildFileKind::BakeJson) },
        Reply::BuildFileFailed { job, message: "this is not YAML".into(), line: 1, column: 2 },
        Reply::Ready { build: "b1".into() },
        Reply::Progressed { job, done_bytes: 0, total_bytes: MAX_BYTES },
        Reply::ImagesFound { job, images: vec![image, ImageReport::default()] },
        Reply::LayerRead { job, image_idx: 0, layer_idx: 1, report: report.clone() },
        Reply::LayerListed { job, key: 1, report: report.clone() },
        Reply::LayerEntries { job, key: 1, is_first: true, entries: vec![0, 255].into() },
        Reply::Listed { job, is_read: true },
        Reply::LayerProgressed { job, key: MAX_BYTES, done_bytes: 1 },
        Reply::LayerHashed { job, key: 1, reports: vec![report], has_entries: true },
        Reply::LayerFailed { job, key: 1, message: "odd".into() },
        Reply::ContextFiles {
            job,
            files: vec![("src".into(), Entry::dir()), ("src/a.rs".into(), file), ("l".into(), link)],
        },
        Reply::ArchiveFound { job, digest: Digest::of(b"a"), holds: Holds::Members(members) },
        Reply::ArchiveFound { job, digest: Digest::of(b"b"), holds: Holds::NoTar },
        Reply::ArchiveFound {
            job,
            digest: Digest::of(b"c"),
            holds: Holds::Unknown(Unlisted::Compressed { with: "xz".into() }),
        },
        Reply::ArchiveFound {
            job,
            digest: Digest::of(b"d"),
            holds: Holds::Unknown(Unlisted::TooManyMembers),
        },
        Reply::ArchiveEntries {
            job,
            digest: Digest::of(b"a"),
            entries: vec![("d".into(), Entry::dir()), ("d/l".into(), hard_link)],
        },
        Reply::ContextRead { job, report: context },
        Reply::Failed { job, message: "this is no image".into(), may_be_layer: true },
        Reply::InspectProgressed { job, done_bytes: 0, total_bytes: MAX_BYTES },
        Reply::InspectFailed { job, message: "there is no such layer".into() },
        Reply::FolderListed {
            job,
            image_idx: 0,
            layer_idx: 1,
            path: String::new(),
            rows: kinds.map(row).into(),
        },
    ];
    let answers = inspect::answers().into_iter().map(|answer| Reply::Inspected { job, answer });
    for reply in replies.into_iter().chain(answers).collect::<Vec<_>>().iter() {
        match reply {
            // A variant that is added must be added above, too.
            Reply::Ready { .. }
            | Reply::Progressed { .. }
            | Reply::ImagesFound { .. }
            | Reply::LayerRead { .. }
            | Reply::LayerListed { .. }
            | Reply::LayerEntries { .. }
            | Reply::Listed { .. }
            | Reply::LayerProgressed { .. }
            | Reply::LayerHashed { .. }
            | Reply::LayerFailed { .. }
            | Reply::ContextFiles { .. }
            | Reply::ArchiveFound { .. }
            | Reply::ArchiveEntries { .. }
            | Reply::ContextRead { .. }
            | Reply::Failed { .. }
            | Reply::Inspected { .. }
            | Reply::InspectProgressed { .. }
            | Reply::InspectFailed { .. }
            | Reply::FolderListed { .. }
            | Reply::BuildFileRead { .. }
            | Reply::BuildFileFailed { .. } => round_trip(reply),
        }
    }
}

/// One byte more than JavaScript counts exactly is refused on both sides,
/// instead of arriving as another number.
#[wasm_bindgen_test]
fn a_count_above_the_edge_is_refused() {
    let reply = |total_bytes| Reply::Progressed { job: JobId(1), done_bytes: 0, total_bytes };
    let refusal = serde_wasm_bindgen::to_value(&reply(MAX_BYTES + 1)).unwrap_err();
    assert!(refusal.to_string().contains("9007199254740992"), "{refusal}");

    let sent = serde_wasm_bindgen::to_value(&reply(MAX_BYTES)).unwrap();
    let body = js_sys::Reflect::get(&sent, &"Progressed".into()).unwrap();
    js_sys::Reflect::set(&body, &"total_bytes".into(), &JsValue::from_f64(9_007_199_254_740_992.0)).unwrap();
    assert!(serde_wasm_bindgen::from_value::<Reply>(sent).is_err());
}

/// A blob of these bytes, made of several parts as large files are.
fn blob_of(bytes: &[u8]) -> web_sys::Blob {
    let parts: js_sys::Array = bytes.chunks(1_000_003).map(js_sys::Uint8Array::from).collect();
    web_sys::Blob::new_with_u8_array_sequence(&parts).unwrap()
}

/// More bytes than three windows, no two stretches alike.
fn long_bytes() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..9_500_017).map(|_| next()).collect()
}

#[wasm_bindgen_test]
fn a_blob_is_read_from_any_offset() {
    let bytes = long_bytes();
    let mut source = BlobSource::new(blob_of(&bytes)).unwrap();
    let len = bytes.len();
    assert_eq!(source.size_bytes(), len as u64);
    for (offset, wanted) in [(0, 1), (1, 300_000), (999_990, 40), (4 << 20, 5 << 20), (len - 3, 10)] {
        let mut buf = vec![0; wanted];
        let n = source.read_at(offset as u64, &mut buf).unwrap();
        assert_eq!(n, wanted.min(len - offset), "at {offset}");
        assert!(buf[..n] == bytes[offset..offset + n], "at {offset}");
    }
    for offset in [len as u64, len as u64 + 1, MAX_BYTES, u64::MAX] {
        assert_eq!(source.read_at(offset, &mut [0; 4]), Ok(0), "at {offset}");
    }
    assert_eq!(source.read_at(0, &mut []), Ok(0));
}

#[wasm_bindgen_test]
fn windows_follow_each_other_without_a_seam() {
    use std::io::{Read, Seek, SeekFrom};
    let bytes = long_bytes();
    let mut source = BlobSource::new(blob_of(&bytes)).unwrap();
    let mut n_windows = 0;
    let mut on_read = |_| {
        n_windows += 1;
        ControlFlow::Continue(())
    };
    let mut window = Window::new(&mut source, &mut on_read);
    let mut all = Vec::new();
    window.read_to_end(&mut all).unwrap();
    assert!(all == bytes);
    window.seek(SeekFrom::Start(17)).unwrap();
    let mut some = vec![0; 5_000_000];
    window.read_exact(&mut some).unwrap();
    assert!(some == bytes[17..5_000_017]);
    assert!(n_windows > 3, "{n_windows}");
}

/// One member of a tar: its header and its padded body.
fn member(name: &str, body: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_size(body.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut member = header.as_bytes().to_vec();
    member.extend_from_slice(body);
    member.resize(member.len().next_multiple_of(512), 0);
    member
}

/// A request with one file.
struct One(web_sys::Blob);

impl Files for One {
    fn open(&mut self, _: usize) -> Result<Box<dyn ByteSource>, String> {
        Ok(Box::new(BlobSource::new(self.0.clone()).unwrap()))
    }

    fn facts(&mut self, _: usize) -> (u64, i64) {
        (0, 0)
    }
}

/// The whole of the worker's work but its message loop: an archive in a blob, and its layer's diffID.
#[wasm_bindgen_test]
fn an_archive_is_read_from_a_blob() {
    let mut layer = member("data", &long_bytes());
    layer.resize(layer.len() + 1024, 0);
    let diff_id = Digest::of(&layer).to_string();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}},"history":[{{"created_by":"COPY data /"}}]}}"#
    );
    let manifest = br#"[{"Config":"config.json","RepoTags":["big:1"],"Layers":["layer.tar"]}]"#;
    let mut archive = [
        member("layer.tar", &layer),
        member("config.json", config.as_bytes()),
        member("manifest.json", manifest),
    ]
    .concat();
    archive.resize(archive.len() + 1024, 0);

    let (mut job, id) = (Job::default(), JobId(1));
    let mut ask = |request| {
        let mut replies = Vec::new();
        let (mut file, mut aside) = (One(blob_of(&archive)), HashHere::default());
        let passed = job.run(request, &mut file, &mut aside, &mut |reply| replies.push(reply));
        assert_eq!(passed, None);
        replies
    };
    let replies = ask(Request::Open { job: id, open_as: OpenAs::Image, limits_times: 1 });
    assert_eq!(replies.last(), Some(&Reply::Listed { job: id, is_read: false }));
    let planned = replies.iter().find_map(|reply| match reply {
        Reply::ImagesFound { images, .. } => images[0].layers.first(),
        _ => None,
    });
    let planned = planned.unwrap();
    let replies = ask(Request::ReadLayer {
        job: id,
        key: planned.key.unwrap(),
        plans: vec![planned.plan.clone()],
        wanted: LayerWanted::All,
        inflated_bytes: 0,
        limits_times: 1,
    });
    let Some(Reply::LayerHashed { reports, has_entries: true, .. }) = replies.last() else { panic!() };
    let [report] = reports.as_slice() else { panic!("{replies:?}") };
    assert!(report.is_verified());
    assert_eq!((report.diff_id.as_deref(), report.n_entries), (Some(diff_id.as_str()), 1));
}
