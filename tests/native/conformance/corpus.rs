//! Finding and reading records.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use layerlab::text;
use serde_json::{Value, json};

/// Where sets are looked for.
#[derive(Debug)]
pub(crate) struct Corpus {
    /// In order; of equal sets the first one counts.
    pub(super) folders: Vec<PathBuf>,
    /// Not ours: nothing is committed about it.
    pub(super) is_foreign: bool,
}

impl Corpus {
    /// `LAYERLAB_CORPUS` alone if it is set, else the shared records before our own.
    pub(crate) fn from_environment() -> Self {
        if let Some(folder) = std::env::var_os("LAYERLAB_CORPUS").filter(|folder| !folder.is_empty()) {
            return Self { folders: vec![PathBuf::from(folder)], is_foreign: true };
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { folders: vec![root.join("../shared/corpus"), root.join("tests/corpus")], is_foreign: false }
    }

    /// The folder of a set.
    pub(crate) fn folder(&self, set: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join(set)).find(|folder| folder.is_dir())
    }
}

/// The text of a file, which may be stored compressed as `path.gz`; `None` if there is neither.
pub(crate) fn read_text(path: &Path) -> Option<std::io::Result<String>> {
    let compressed = PathBuf::from(format!("{}.gz", path.display()));
    if path.exists() {
        return Some(std::fs::read_to_string(path));
    }
    if !compressed.exists() {
        return None;
    }
    let mut text = String::new();
    let read = std::fs::File::open(&compressed)
        .and_then(|file| flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text));
    Some(read.map(|_| text))
}

/// The records of a file of JSON lines; none if there is no such file.
pub(crate) fn records(path: &Path) -> Vec<Result<Value, String>> {
    match read_text(path) {
        None => Vec::new(),
        Some(Err(error)) => vec![Err(format!("{}: {error}", path.display()))],
        // Strings may hold other line separators; only a newline ends a record.
        Some(Ok(text)) => {
            let lines = text.split('\n').filter(|line| !line.trim().is_empty());
            lines
                .map(|line| serde_json::from_str(line).map_err(|error| format!("not JSON: {error}")))
                .collect()
        }
    }
}

/// The input text of a record, as the crate takes it: `text`, or `text_base64` where it is not UTF-8.
pub(crate) fn text_of(record: &Value) -> Result<String, String> {
    text_at(record, "text")
}

/// The same under another name.
pub(super) fn text_at(record: &Value, key: &str) -> Result<String, String> {
    let value = &record[key];
    let encoded = record[format!("{key}_base64")].as_str().or_else(|| value["base64"].as_str());
    match (value.as_str(), encoded) {
        (Some(text), _) => Ok(text::from_bytes(text.as_bytes())),
        (None, Some(encoded)) => Ok(text::from_bytes(&decode_base64(encoded)?)),
        (None, None) => Err(format!("the record has no {key}")),
    }
}

/// A string as the records write it: plain, or `{"base64": …}` where it is not UTF-8.
pub(super) fn string(text: &str) -> Value {
    String::from_utf8(text::to_bytes(text))
        .map_or_else(|error| json!({ "base64": encode_base64(error.as_bytes()) }), Value::String)
}

/// A list of such strings.
pub(super) fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    texts.into_iter().map(string).collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode_base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_usize, |group, byte| group << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let symbol = ALPHABET[group >> (18 - 6 * digit) & 63];
            out.push(if digit <= chunk.len() { char::from(symbol) } else { '=' });
        }
    }
    out
}

pub(super) fn decode_base64(text: &str) -> Result<Vec<u8>, String> {
    let (mut out, mut group, mut n_bits) = (Vec::new(), 0_usize, 0);
    for symbol in text.trim_end_matches('=').bytes() {
        let digit = ALPHABET.iter().position(|known| *known == symbol).ok_or("not base64")?;
        group = (group << 6 | digit) & 0xFFFF;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            out.push(u8::try_from(group >> n_bits & 0xFF).unwrap());
        }
    }
    Ok(out)
}

#[test]
fn base64_both_ways() {
    for (bytes, text) in
        [(&b""[..], ""), (b"a", "YQ=="), (b"ab", "YWI="), (b"abc", "YWJj"), (b"\xff\xfe\xfd\x00", "//79AA==")]
    {
        assert_eq!(encode_base64(bytes), text);
        assert_eq!(decode_base64(text).unwrap(), bytes);
    }
}
