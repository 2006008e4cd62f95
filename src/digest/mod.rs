//! Digests: three names for three things, and readers that hash while bytes pass.
//!
//! A [`Digest`] names bytes as stored (a blob, a manifest). A [`DiffId`] names a
//! layer's uncompressed tar. A [`ChainId`] names a stack of layers, computed as
//! the [OCI image specification](https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid)
//! says. There is no conversion between them without a layer.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// The sha256 of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// A sha256 that was computed elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads `sha256:` and 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut out = [0; 32];
        read_hex(text.strip_prefix("sha256:")?, &mut out)?;
        Some(Self(out))
    }

    /// The 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// The first 12 hexadecimal digits, as `docker images` shows them.
    #[must_use]
    pub fn short(&self) -> String {
        self.hex().chars().take(12).collect()
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.short())
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("not a sha256 digest: {text}"))
    }
}

/// The sha512 of some bytes, by which some layouts name their blobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sha512([u8; 64]);

impl Sha512 {
    /// Hashes `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha512::digest(bytes).into())
    }

    /// Reads `sha512:` and 128 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut out = [0; 64];
        read_hex(text.strip_prefix("sha512:")?, &mut out)?;
        Some(Self(out))
    }
}

impl fmt::Display for Sha512 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha512:{}", hex(&self.0))
    }
}

/// Fills `out` from twice as many lower-case digits.
fn read_hex(hex: &str, out: &mut [u8]) -> Option<()> {
    if hex.len() != out.len() * 2 {
        return None;
    }
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    for (slot, pair) in out.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *slot = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(())
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|n| char::from_digit(u32::from(n), 16))
        .collect()
}

/// The digest of a layer's uncompressed tar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiffId(pub Digest);

impl fmt::Display for DiffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The digest of a stack of layers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(pub Digest);

impl ChainId {
    /// The chain of one layer put on `below`; a first layer's chainID is its diffID.
    #[must_use]
    pub fn push(below: Option<ChainId>, layer: DiffId) -> Self {
        match below {
            None => Self(layer.0),
            Some(below) => Self(Digest::of(format!("{} {layer}", below.0).as_bytes())),
        }
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A hash being made of several pieces.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds a text with its length, so that neighbors cannot run together.
    pub fn field(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// Hashes stretches of bytes that pass by, one after the other. Whoever is faster than this program,
/// as a browser is, does it beside it and tells the digests later.
pub trait HashAside {
    /// A stretch of so many bytes begins, known by a key.
    fn begin(&mut self, key: u64, n_bytes: u64);

    /// The bytes that come next.
    fn update(&mut self, bytes: &[u8]);

    /// All of it came.
    fn end(&mut self);
}

/// Hashes on the spot.
#[derive(Default)]
pub struct HashHere {
    hasher: Hasher,
    key: u64,
    /// What was hashed, by its key.
    pub digests: BTreeMap<u64, Digest>,
}

impl HashAside for HashHere {
    fn begin(&mut self, key: u64, _: u64) {
        (self.hasher, self.key) = (Hasher::default(), key);
    }

    fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    fn end(&mut self) {
        self.digests.insert(self.key, std::mem::take(&mut self.hasher).finish());
    }
}

/// A reader that hashes and counts what passes through it.
pub struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
    n_bytes: u64,
}

impl<R: Read> HashingReader<R> {
    /// Wraps `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::default(), n_bytes: 0 }
    }

    /// The wrapped reader.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Bytes that passed so far.
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// The digest of what passed, its length in bytes, and the wrapped reader.
    pub fn finish(self) -> (Digest, u64, R) {
        (self.hasher.finish(), self.n_bytes, self.inner)
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hasher.update(buf.get(..n).unwrap_or(&[]));
        self.n_bytes += n as u64;
        Ok(n)
    }
}

/// A reader that makes the sha512 of what passes, if asked for.
pub struct Sha512Reader<R> {
    inner: R,
    hasher: Option<sha2::Sha512>,
}

impl<R: Read> Sha512Reader<R> {
    /// Wraps `inner`.
    pub fn new(inner: R, is_asked_for: bool) -> Self {
        Self { inner, hasher: is_asked_for.then(sha2::Sha512::default) }
    }

    /// The digest of what passed.
    pub fn finish(self) -> Option<Sha512> {
        Some(Sha512(self.hasher?.finalize().into()))
    }
}

impl<R: Read> Read for Sha512Reader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(buf.get(..n).unwrap_or(&[]));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn text_and_back() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(Digest::parse(EMPTY), Some(digest));
        for bad in ["", "sha256:", "sha512:00", &EMPTY.to_uppercase(), &EMPTY[..70]] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn sha512_too() {
        let mut reader = Sha512Reader::new(&b"hello"[..], true);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        let digest = reader.finish().unwrap();
        assert_eq!(digest, Sha512::of(b"hello"));
        assert!(digest.to_string().starts_with("sha512:9b71d224bd62f378"));
        assert_eq!(Sha512::parse(&digest.to_string()), Some(digest));
        assert_eq!(Sha512::parse(EMPTY), None);
        assert_eq!(Sha512Reader::new(&b""[..], false).finish(), None);
    }

    #[test]
    fn chain_of_two() {
        let (a, b) = (DiffId(Digest::of(b"a")), DiffId(Digest::of(b"b")));
        let one = ChainId::push(None, a);
        assert_eq!(one.0, a.0);
        assert_eq!(ChainId::push(Some(one), b).0, Digest::of(format!("{a} {b}").as_bytes()));
    }

    #[test]
    fn hashes_while_reading() {
        let mut reader = HashingReader::new(&b"hello"[..]);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        let (digest, n_bytes, _) = reader.finish();
        assert_eq!((digest, n_bytes), (Digest::of(b"hello"), 5));
    }
}
