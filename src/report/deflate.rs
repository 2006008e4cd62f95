//! What fits into an address is compressed ([RFC 1951](https://www.rfc-editor.org/rfc/rfc1951)).

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Why something cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InflateError {
    /// It is no such stream, or a part of it is missing.
    Damaged,
    /// More comes out of it than is wanted.
    TooLong,
}

/// Compresses.
#[must_use]
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// Decompresses up to `max_bytes`.
///
/// # Errors
/// If it is damaged or longer. What follows the stream is left alone.
pub fn inflate(bytes: &[u8], max_bytes: usize) -> Result<Vec<u8>, InflateError> {
    let mut read = Vec::new();
    let most = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let outcome = DeflateDecoder::new(bytes).take(most).read_to_end(&mut read);
    match outcome {
        _ if read.len() > max_bytes => Err(InflateError::TooLong),
        Ok(_) => Ok(read),
        Err(_) => Err(InflateError::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 1 << 20;

    fn check(bytes: &[u8]) {
        assert_eq!(inflate(&deflate(bytes), MAX).as_deref(), Ok(bytes));
    }

    #[test]
    fn both_ways() {
        let far: Vec<u8> =
            (0..90_000_u32).flat_map(|n| (n.wrapping_mul(n) / 7 % 1009).to_le_bytes()).collect();
        let mut repeated = far.clone();
        repeated.extend(&far);
        let text = "COPY package.json ./\nRUN npm ci\n".repeat(40);
        for bytes in [&b""[..], b"a", b"ab", b"aaaaaaaaaaaaaaaaaaaaaa", text.as_bytes(), &far, &repeated] {
            check(bytes);
        }
        check(&vec![0; 70_000]);
        check(&(0..=255).collect::<Vec<u8>>());
        assert!(deflate(text.as_bytes()).len() < 60);
    }

    #[test]
    fn limits_and_damage() {
        let stream = deflate(&[7; 5000]);
        assert_eq!(inflate(&stream, 5000).map(|it| it.len()), Ok(5000));
        assert_eq!(inflate(&stream, 4999), Err(InflateError::TooLong));
        for end in 0..stream.len() {
            assert_eq!(inflate(&stream[..end], MAX), Err(InflateError::Damaged), "cut at {end}");
        }
        // No such block; lengths of no code; a match before the beginning.
        for bytes in [&[7][..], &[5, 0xff, 0xff, 0xff, 0xff], &[0x4b, 0x04, 0x92, 0x00]] {
            assert_eq!(inflate(bytes, MAX), Err(InflateError::Damaged));
        }
    }

    proptest! {
        #[test]
        fn all_bytes(bytes in prop::collection::vec(0..4_u8, 0..600), more in prop::collection::vec(any::<u8>(), 0..600)) {
            check(&bytes);
            check(&more);
            check(&[bytes.clone(), more.clone(), bytes, more].concat());
        }

        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = inflate(&bytes, 10_000);
        }
    }
}
