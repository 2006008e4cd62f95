//! Names that come from elsewhere, as paths of a tree: cleaned, bounded, unquoted.
//!
//! A tree is walked by functions that call themselves for each folder, so that
//! what goes into one must not be nested without end.

use std::fmt;

use crate::text::from_bytes;

/// Linux takes no longer path either.
pub const MAX_PATH_BYTES: usize = 4096;

/// Folders within folders.
pub const MAX_DEPTH: usize = 256;

/// How many files and folders one paste may name, folders above them counted.
pub const MAX_ENTRIES: usize = 1_000_000;

/// A name that is no path of a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathError {
    /// Longer than [`MAX_PATH_BYTES`].
    TooLong,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Has a zero byte, which no file's name can have.
    HasNul,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the path is longer than {MAX_PATH_BYTES} bytes"),
            Self::TooDeep => write!(f, "the path is more than {MAX_DEPTH} folders deep"),
            Self::HasNul => f.write_str("the path has a zero byte"),
        }
    }
}

impl std::error::Error for PathError {}

/// A name, cleaned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CleanPath {
    /// Relative, without `.` and `..`; empty for the root itself.
    pub path: String,
    /// It was written as a folder's, with a slash at its end.
    pub is_dir: bool,
    /// A `..` led out of the root; the path stays within.
    pub is_outside: bool,
}

/// Cleans a name with `/` between its parts. Leading slashes and `..` never lead out of the root.
///
/// # Errors
/// A name that cannot be a path here.
pub fn clean(name: &str) -> Result<CleanPath, PathError> {
    if name.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong);
    }
    if name.contains('\0') {
        return Err(PathError::HasNul);
    }
    let mut parts: Vec<&str> = Vec::new();
    let mut is_outside = false;
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => is_outside |= parts.pop().is_none(),
            _ => parts.push(part),
        }
    }
    if parts.len() > MAX_DEPTH {
        return Err(PathError::TooDeep);
    }
    let is_dir = name.ends_with('/') || name.ends_with("/.") || name.ends_with("/..");
    Ok(CleanPath { path: parts.join("/"), is_dir, is_outside })
}

/// The folders above a path, the nearest first.
pub(super) fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').filter_map(|(idx, _)| path.get(..idx))
}

/// Reads a name that `git` quoted as C does, `"\303\244"`, from the front of a
/// text; gives the name and what follows the closing quote. `None` if there is
/// no such name.
#[must_use]
pub fn unquote(text: &str) -> Option<(String, &str)> {
    let rest = text.strip_prefix('"')?;
    let mut bytes: Vec<u8> = Vec::new();
    let mut open = rest.bytes().enumerate();
    while let Some((idx, byte)) = open.next() {
        match byte {
            b'"' => return Some((from_bytes(&bytes), rest.get(idx + 1..)?)),
            b'\\' => {
                let (_, escaped) = open.next()?;
                bytes.push(match escaped {
                    b'a' => 7,
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 11,
                    b'f' => 12,
                    b'r' => b'\r',
                    b'"' | b'\\' => escaped,
                    b'0'..=b'3' => {
                        let digit =
                            |(_, byte): (usize, u8)| (b'0'..=b'7').contains(&byte).then(|| byte - b'0');
                        let (middle, last) = (digit(open.next()?)?, digit(open.next()?)?);
                        (escaped - b'0') << 6 | middle << 3 | last
                    }
                    _ => return None,
                });
            }
            _ => bytes.push(byte),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_the_root() {
        let check = |name: &str, path: &str, is_dir: bool, is_outside: bool| {
            assert_eq!(clean(name), Ok(CleanPath { path: path.to_owned(), is_dir, is_outside }), "{name}");
        };
        check("./a//b/./c", "a/b/c", false, false);
        check("/etc/passwd", "etc/passwd", false, false);
        check("a/../../etc/", "etc", true, true);
        check("a/b/..", "a", true, false);
        check("./", "", true, false);
        check("..", "", false, true);
        assert_eq!(clean(&"a".repeat(MAX_PATH_BYTES + 1)), Err(PathError::TooLong));
        assert_eq!(clean(&"a/".repeat(MAX_DEPTH + 1)), Err(PathError::TooDeep));
        assert_eq!(clean("a\0b"), Err(PathError::HasNul));
    }

    #[test]
    fn quoted_names() {
        assert_eq!(unquote(r#""\303\244\t\"x\\" rest"#), Some(("ä\t\"x\\".to_owned(), " rest")));
        // A byte that is no UTF-8 is kept, too.
        assert_eq!(unquote(r#""\377""#).unwrap().0, from_bytes(&[0xff]));
        for bad in ["", "a", "\"", r#""\"#, r#""\4""#, r#""\30""#, r#""\q""#, r#""\309""#] {
            assert_eq!(unquote(bad), None, "{bad}");
        }
    }
}
