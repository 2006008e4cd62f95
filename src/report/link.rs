//! What a permalink is: bytes in the fragment of an address.
//!
//! ```text
//! fragment = "/simulate?s=" version "." base64url( deflate( bytes ) )
//! ```
//!
//! A fragment is not sent to a server. Its version is raised when bytes of an earlier one would be
//! read wrongly; links of all versions so far are read, those of a later one are named as such.
//! [Base64url](https://www.rfc-editor.org/rfc/rfc4648#section-5) is without padding.

use std::fmt;

use super::deflate::{InflateError, deflate, inflate};

/// What stands in front of the version.
pub const PREFIX: &str = "/simulate?s=";

/// The version that is written.
pub const VERSION: u32 = 1;

/// What a link holds is not longer: whoever opens one must not run out of memory.
const MAX_BYTES: usize = 16 << 20;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Why a link cannot be read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkError {
    /// It is of a later version.
    Newer {
        /// Which.
        version: u32,
    },
    /// Something of it is missing or was changed.
    Damaged,
    /// What it holds is longer than what is read.
    TooLong,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { version } => write!(
                f,
                "this link has format {version}, and this page reads formats up to {VERSION}; \
                 reload the page to get its newest version, then open the link again"
            ),
            Self::Damaged => {
                write!(f, "this link is damaged: a part of it is missing or was changed on the way")
            }
            Self::TooLong => write!(f, "this link holds more than {} MiB", MAX_BYTES >> 20),
        }
    }
}

impl std::error::Error for LinkError {}

/// A length that someone or something does not pass on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// Longer links do not pass.
    pub max_chars: usize,
    /// Who has this limit.
    pub whose: &'static str,
}

/// Known limits, the tightest first.
pub const LIMITS: [Limit; 3] = [
    Limit { max_chars: 2_000, whose: "messages in Discord, and links in Office documents" },
    Limit { max_chars: 8_000, whose: "link shorteners, and mail filters that rewrite links" },
    Limit { max_chars: 64_000, whose: "comments on GitHub, and the address bar of Firefox" },
];

/// The fragment of a link that holds these bytes.
///
/// # Errors
/// If they are too many to be read again.
pub fn write(bytes: &[u8]) -> Result<String, LinkError> {
    if bytes.len() > MAX_BYTES {
        return Err(LinkError::TooLong);
    }
    Ok(format!("{PREFIX}{VERSION}.{}", to_base64url(&deflate(bytes))))
}

/// The bytes that a fragment holds; `None` if it is no link's.
#[must_use]
pub fn read(fragment: &str) -> Option<Result<Vec<u8>, LinkError>> {
    let held = fragment.trim_start_matches('#').strip_prefix(PREFIX)?;
    Some(read_held(held))
}

fn read_held(held: &str) -> Result<Vec<u8>, LinkError> {
    let (version, text) = held.split_once('.').ok_or(LinkError::Damaged)?;
    let version: u32 = version.parse().map_err(|_| LinkError::Damaged)?;
    if version > VERSION {
        return Err(LinkError::Newer { version });
    }
    let deflated = from_base64url(text).filter(|_| version > 0).ok_or(LinkError::Damaged)?;
    inflate(&deflated, MAX_BYTES).map_err(|error| match error {
        InflateError::Damaged => LinkError::Damaged,
        InflateError::TooLong => LinkError::TooLong,
    })
}

fn to_base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut three = [0; 4];
        for (place, byte) in three.iter_mut().skip(1).zip(chunk) {
            *place = *byte;
        }
        let number = u32::from_be_bytes(three);
        for place in 0..=chunk.len() {
            let digit = (number >> (18 - 6 * place)) & 63;
            text.extend(DIGITS.get(digit as usize).map(|byte| char::from(*byte)));
        }
    }
    text
}

fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut number: u32 = 0;
        for place in 0..4 {
            let digit = match chunk.get(place) {
                None => 0,
                Some(byte @ b'A'..=b'Z') => byte - b'A',
                Some(byte @ b'a'..=b'z') => byte - b'a' + 26,
                Some(byte @ b'0'..=b'9') => byte - b'0' + 52,
                Some(b'-') => 62,
                Some(b'_') => 63,
                Some(_) => return None,
            };
            number = number << 6 | u32::from(digit);
        }
        // One digit alone is no byte.
        let n = chunk.len().checked_sub(1).filter(|n| *n > 0)?;
        bytes.extend(number.to_be_bytes().iter().skip(1).take(n));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_as_the_standard_has_it() {
        // From the RFC, without padding, and both digits that are not those of plain base64.
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"foobar", "Zm9vYmFy"),
            (&[0xfb, 0xff, 0xfe], "-__-"),
        ] {
            assert_eq!(to_base64url(bytes), text);
            assert_eq!(from_base64url(text).as_deref(), Some(bytes));
        }
        for text in ["Z", "Zm9vZ", "Zm9+", "Zg==", "Zü"] {
            assert_eq!(from_base64url(text), None, "{text}");
        }
    }

    #[test]
    fn links_hold_bytes() {
        let bytes: Vec<u8> = (0..5_000_u32).flat_map(u32::to_le_bytes).collect();
        for bytes in [&b""[..], b"x", &bytes] {
            let link = write(bytes).unwrap();
            assert!(link.starts_with("/simulate?s=1."));
            assert_eq!(read(&format!("#{link}")), Some(Ok(bytes.to_vec())));
        }
        assert_eq!(read("#/simulate"), None);
        assert_eq!(read("#/inspect"), None);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let whole = write(&[7; 1000]).unwrap();
        let cut = &whole[..whole.len() - 4];
        let check = |held: &str, error: LinkError| {
            assert_eq!(read(&format!("{PREFIX}{held}")), Some(Err(error)), "{held}");
        };
        check(cut.strip_prefix(PREFIX).unwrap(), LinkError::Damaged);
        check("", LinkError::Damaged);
        check("x.abc", LinkError::Damaged);
        check("0.abc", LinkError::Damaged);
        check("1.!", LinkError::Damaged);
        check("2.whatever it is", LinkError::Newer { version: 2 });
        let said = LinkError::Newer { version: 2 }.to_string();
        assert!(said.contains("format 2") && said.contains("reload"), "{said}");
    }

    #[test]
    fn no_link_fills_the_memory() {
        let many = vec![0; MAX_BYTES + 1];
        assert_eq!(write(&many), Err(LinkError::TooLong));
        let bomb = format!("{PREFIX}1.{}", to_base64url(&deflate(&many)));
        assert!(bomb.len() < 200_000);
        assert_eq!(read(&bomb), Some(Err(LinkError::TooLong)));
    }
}
