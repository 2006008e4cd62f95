//! Rows as text, to be kept.
//!
//! A spreadsheet takes a field for a formula that begins with `=`, `+`, `-` or `@`. Paths begin with
//! `/` here; a link that begins so gets a `'` in front, which a spreadsheet hides.

use std::fmt::Write as _;

use serde::Serialize;

use super::archive::narrow;
use super::flat::Flat;
use super::rows::tree_row;
use crate::layer::stack::Stack;
use crate::protocol::RowKind;
use crate::protocol::inspect::rows::{RowAspect, RowChange, TreeRow};
use crate::protocol::inspect::{Answer, ListingFormat, MAX_PIECE_BYTES};

/// So many rows are told at once, unless the text is full before.
const ROWS_AT_ONCE: usize = 10_000;

const HEADER: &str =
    "path,type,change,differs,bytes,total_bytes,entries_below,mode,uid,gid,modified,link,layer\r\n";

/// A row of a JSON listing.
#[derive(Serialize)]
struct Listed<'r> {
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    change: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differs: Vec<&'static str>,
    bytes: u64,
    #[serde(rename = "totalBytes")]
    total_bytes: u64,
    #[serde(rename = "entriesBelow")]
    n_below: u64,
    mode: String,
    uid: u64,
    gid: u64,
    modified: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    link: &'r str,
    layer: u32,
}

/// The next part of the text.
pub(super) fn listing(stack: &Stack, flat: &Flat, format: ListingFormat, from_row: u32) -> Answer {
    let mut text = String::new();
    if from_row == 0 {
        text.push_str(match format {
            ListingFormat::Csv => HEADER,
            ListingFormat::Json => "[",
        });
    }
    let rows = flat.rows.get(from_row as usize..).unwrap_or(&[]);
    let mut n_told = 0;
    for row in rows.iter().take(ROWS_AT_ONCE) {
        if text.len() as u64 >= MAX_PIECE_BYTES / 2 {
            break;
        }
        if let Some(row) = tree_row(stack, &flat.tree, row) {
            match format {
                ListingFormat::Csv => add_csv(&mut text, &listed(&row)),
                ListingFormat::Json => {
                    let is_first = from_row == 0 && n_told == 0;
                    text.push_str(if is_first { "\n" } else { ",\n" });
                    text.push_str(&serde_json::to_string(&listed(&row)).unwrap_or_default());
                }
            }
        }
        n_told += 1;
    }
    let next_row = (n_told < rows.len()).then(|| from_row.saturating_add(narrow(n_told)));
    if next_row.is_none() && format == ListingFormat::Json {
        text.push_str("\n]\n");
    }
    Answer::Listing { text, next_row, n_rows: narrow(flat.rows.len()) }
}

fn listed(row: &TreeRow) -> Listed<'_> {
    let kind = match row.kind {
        RowKind::File => "file",
        RowKind::Dir => "directory",
        RowKind::Symlink => "symlink",
        RowKind::HardLink => "hardlink",
        RowKind::Special => "special",
        RowKind::Whiteout => "whiteout",
    };
    let (change, aspects) = match &row.change {
        RowChange::None => ("", &[][..]),
        RowChange::Added => ("added", &[][..]),
        RowChange::Modified { aspects, .. } => ("modified", aspects.as_slice()),
        RowChange::Again { .. } => ("unchanged", &[][..]),
        RowChange::Removed { .. } => ("removed", &[][..]),
    };
    let aspect = |aspect: &RowAspect| match aspect {
        RowAspect::Type => "type",
        RowAspect::Content => "content",
        RowAspect::Mode => "mode",
        RowAspect::Owner => "owner",
        RowAspect::LinkTarget => "link",
        RowAspect::Device => "device",
        RowAspect::Xattrs => "attributes",
        RowAspect::OwnEntry => "entry",
    };
    Listed {
        path: format!("/{}", row.path),
        kind,
        change,
        differs: aspects.iter().map(aspect).collect(),
        bytes: row.own_bytes,
        total_bytes: row.total_bytes,
        n_below: row.n_below,
        mode: if row.is_implicit { String::new() } else { format!("{:04o}", row.mode) },
        uid: row.uid,
        gid: row.gid,
        modified: if row.is_implicit { String::new() } else { timestamp(row.mtime_secs) },
        link: &row.link,
        layer: row.written_by,
    }
}

fn add_csv(text: &mut String, row: &Listed<'_>) {
    let Listed {
        path,
        kind,
        change,
        differs,
        bytes,
        total_bytes,
        n_below,
        mode,
        uid,
        gid,
        modified,
        link,
        layer,
    } = row;
    add_field(text, path);
    let _ = write!(
        text,
        ",{kind},{change},{},{bytes},{total_bytes},{n_below},{mode},{uid},{gid},{modified},",
        differs.join(" ")
    );
    add_field(text, link);
    let _ = write!(text, ",{layer}\r\n");
}

/// A field that may hold anything.
fn add_field(text: &mut String, field: &str) {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if is_formula { "'" } else { "" };
    if field.contains(['"', ',', '\r', '\n']) {
        let _ = write!(text, "\"{mark}{}\"", field.replace('"', "\"\""));
    } else {
        let _ = write!(text, "{mark}{field}");
    }
}

/// Seconds since 1970 as RFC 3339, by the calendar that is in use today.
fn timestamp(secs: i64) -> String {
    let (days, of_day) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    // Counted from the first of March of the year 0, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_idx = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_idx + 2) / 5 + 1;
    let month = if month_idx < 10 { month_idx + 3 } else { month_idx - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_as_text() {
        for (field, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"\n", "\"say \"\"x\"\"\n\""),
            ("=1+1", "'=1+1"),
            ("@types,x", "\"'@types,x\""),
        ] {
            let mut text = String::new();
            add_field(&mut text, field);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn times_are_told_by_the_calendar() {
        for (secs, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_764_036_813, "2025-11-25T02:13:33Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(timestamp(secs), expected);
        }
    }
}
