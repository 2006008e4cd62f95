//! The sources of COPY and ADD, and the flags that depend on them.

use super::copy_ignored_file;
use super::dispatch::Dispatch;
use super::walk::Stopped;
use crate::dockerfile::instruction::Copy;
use crate::dockerfile::value::{SourceKind, check_chmod, check_digest};
use crate::text::TextRange;

/// Flags of a copy once they are expanded; empty where not given.
pub(super) struct Flags<'a> {
    pub(super) chmod: &'a str,
    pub(super) checksum: &'a str,
}

/// Checks a copy whose words are expanded: `paths` are its sources with their places.
pub(super) fn check(
    dispatch: &mut Dispatch<'_, '_>,
    copy: &Copy,
    is_add: bool,
    flags: &Flags<'_>,
    paths: &[(String, TextRange)],
) -> Result<(), Stopped> {
    if let Some(word) = copy.chmod.as_ref().filter(|_| !flags.chmod.is_empty()) {
        check_chmod(flags.chmod).map_err(|message| dispatch.fail(message, word.range))?;
    }
    let checksum = copy.checksum.as_ref().filter(|_| !flags.checksum.is_empty());
    if let Some(word) = checksum {
        let [(source, _)] = paths else {
            return Err(dispatch.fail("checksum can't be specified for multiple sources", word.range));
        };
        if SourceKind::of(source) == Ok(SourceKind::Local) {
            return Err(dispatch.fail("checksum requires HTTP(S) or Git sources", word.range));
        }
    }
    for (source, range) in paths {
        match SourceKind::of(source).map_err(|message| dispatch.fail(message, *range))? {
            SourceKind::Git if !is_add => {
                return Err(dispatch.fail("source can't be a git ref for COPY", *range));
            }
            SourceKind::Http if !is_add => {
                return Err(dispatch.fail("source can't be a URL for COPY", *range));
            }
            SourceKind::Http => {
                if let Some(word) = checksum {
                    check_digest(flags.checksum).map_err(|message| dispatch.fail(message, word.range))?;
                }
            }
            SourceKind::Git => {}
            SourceKind::Local if copy.from.is_none() => {
                let (ignored, place) = (dispatch.ignored, dispatch.state.place(dispatch.command));
                copy_ignored_file::check(ignored, is_add, source, *range, place, dispatch.findings);
            }
            SourceKind::Local => {}
        }
    }
    Ok(())
}
