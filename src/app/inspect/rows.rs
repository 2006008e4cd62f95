//! What is shown of answers: words for changes and modes, rows of the list of layers.

use super::answers::Topic;
use super::look::{FileLook, HEX_BYTES, ShownAs};
use crate::app::state::{OpenImage, State};
use crate::protocol::inspect::Answer;
use crate::protocol::inspect::contents::{ContentsReport, Looks, TextEncoding};
use crate::protocol::inspect::rows::{
    Attribute, ChangeClass, LayerCounts, LifeStep, RowAspect, RowChange, TreeRow,
};
use crate::protocol::{LayerReport, PlannedLayer, RowKind};

/// What a change is, in a word, with the class of its color.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangeWords {
    /// The class: `added`, `modified`, `removed`, `again` or `none`.
    pub class: &'static str,
    /// A word; empty for no change.
    pub word: &'static str,
    /// What differs, or how much is gone; may be empty.
    pub more: String,
}

/// The name of something that differs.
#[must_use]
pub fn aspect_word(aspect: RowAspect) -> &'static str {
    match aspect {
        RowAspect::Type => "type",
        RowAspect::Content => "content",
        RowAspect::Mode => "mode",
        RowAspect::Owner => "owner",
        RowAspect::LinkTarget => "link",
        RowAspect::Device => "device",
        RowAspect::Xattrs => "attributes",
        RowAspect::OwnEntry => "own entry",
    }
}

/// A change in words.
#[must_use]
pub fn change_words(change: &RowChange) -> ChangeWords {
    let (class, word, more) = match change {
        RowChange::None => ("none", "", String::new()),
        RowChange::Added => ("added", "added", String::new()),
        RowChange::Modified { aspects, is_content_undecided } => {
            let mut words: Vec<&str> = aspects.iter().map(|aspect| aspect_word(*aspect)).collect();
            words.extend(is_content_undecided.then_some("content?"));
            ("modified", "modified", words.join(", "))
        }
        RowChange::Again { is_content_undecided: true } => ("again", "stored again", "content?".to_owned()),
        RowChange::Again { .. } => ("again", "stored again", "unchanged".to_owned()),
        RowChange::Removed { n_entries, .. } if *n_entries > 1 => {
            ("removed", "removed", format!("{n_entries} entries"))
        }
        RowChange::Removed { .. } => ("removed", "removed", String::new()),
    };
    ChangeWords { class, word, more }
}

/// The name of a kind of change, as a filter shows it.
#[must_use]
pub fn class_word(class: ChangeClass) -> &'static str {
    match class {
        ChangeClass::Added => "Added",
        ChangeClass::Content => "Content",
        ChangeClass::Metadata => "Metadata",
        ChangeClass::Again => "Stored again",
        ChangeClass::Removed => "Removed",
        ChangeClass::Untouched => "Unchanged",
    }
}

/// All kinds of change, in the order of the filter.
pub const CLASSES: [ChangeClass; 6] = [
    ChangeClass::Added,
    ChangeClass::Content,
    ChangeClass::Metadata,
    ChangeClass::Again,
    ChangeClass::Removed,
    ChangeClass::Untouched,
];

/// A mode as `ls` writes it: `drwxr-xr-x`.
#[must_use]
pub fn mode_text(kind: RowKind, mode: u32) -> String {
    let mut text = String::with_capacity(10);
    text.push(match kind {
        RowKind::Dir => 'd',
        RowKind::Symlink => 'l',
        RowKind::Special => 's',
        RowKind::File | RowKind::HardLink | RowKind::Whiteout => '-',
    });
    for (shift, special, with, without) in
        [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')]
    {
        let bits = mode >> shift;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => with,
            (false, true) => without,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// A time as `2024-05-01 12:30`, in UTC.
///
/// The days are counted as Howard Hinnant's `civil_from_days` does:
/// <https://howardhinnant.github.io/date_algorithms.html>
#[must_use]
pub fn time_text(secs: i64) -> String {
    let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    // Years that four digits do not hold are no times of files.
    if !(-719_468..2_932_897).contains(&days) {
        return format!("{secs} s");
    }
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", rest / 3600, rest / 60 % 60)
}

/// What there is to say of a row beside its columns, one thing each.
#[must_use]
pub fn remarks(row: &TreeRow) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut say = |is_so: bool, what: String| remarks.extend(is_so.then_some(what));
    say(row.is_opaque, "opaque: hides what lower layers have in it".to_owned());
    say(row.n_times > 1, format!("stands {} times", row.n_times));
    say(row.is_sparse, "sparse".to_owned());
    say(row.kind == RowKind::HardLink, "hard link".to_owned());
    if let Some((major, minor)) = row.device {
        say(true, format!("device {major}:{minor}"));
    } else {
        say(row.kind == RowKind::Special, "special".to_owned());
    }
    for Attribute { name, text } in &row.attributes {
        say(true, format!("{name}={text}"));
    }
    remarks
}

/// A layer as the list shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LayerRow {
    /// Which one, from the lowest, 0.
    pub idx: u32,
    /// What the image tells of it.
    pub planned: PlannedLayer,
    /// What was found, once it was listed.
    pub report: Option<LayerReport>,
    /// What it changes, once that is known.
    pub counts: Option<LayerCounts>,
    /// Bytes stored of it and those below.
    pub stack_bytes: u64,
    /// Bytes of it that were read so far, while it is read.
    pub reading: Option<u64>,
    /// It waits to be read.
    pub is_waiting: bool,
}

/// The layers of the image that is shown, lowest first.
#[must_use]
pub fn layer_rows(state: &State, open: &OpenImage) -> Vec<LayerRow> {
    let Some(image) = usize::try_from(open.image_idx).ok().and_then(|idx| open.images.get(idx)) else {
        return Vec::new();
    };
    let counts = match state.inspect.last(Topic::Layers) {
        Some(Answer::Layers(counts)) => counts.as_slice(),
        _ => &[],
    };
    let mut stack_bytes = 0_u64;
    let mut rows = Vec::new();
    for (planned, idx) in image.layers.iter().zip(0..) {
        stack_bytes = stack_bytes.saturating_add(planned.stored_bytes);
        let report = open.layers.get(&(open.image_idx, idx)).cloned();
        let counts = counts.iter().find(|counts| counts.layer_idx == idx && !counts.is_missing).cloned();
        rows.push(LayerRow {
            idx,
            planned: planned.clone(),
            counts,
            stack_bytes,
            reading: planned.key.and_then(|key| open.reading.get(&key)).map(|layer| layer.done_bytes),
            is_waiting: report.is_none() && planned.key.is_some_and(|key| open.waiting.contains(&key)),
            report,
        });
    }
    rows
}

/// The part of the file that is open, once it came.
#[must_use]
pub fn contents(state: &State, topic: Topic) -> Option<&ContentsReport> {
    match state.inspect.last(topic) {
        Some(Answer::Contents(report)) => Some(report),
        _ => None,
    }
}

/// How a file is shown: as was chosen, or as it looks; none until that is known.
#[must_use]
pub fn shown_as(state: &State, file: &FileLook) -> Option<ShownAs> {
    if file.shown_as.is_some() {
        return file.shown_as;
    }
    let report = contents(state, Topic::Contents).filter(|report| report.path == file.path)?;
    Some(match &report.looks {
        Looks::Empty | Looks::Text { .. } => ShownAs::Text,
        Looks::Image { .. } => ShownAs::Picture,
        Looks::Unknown | Looks::Elf { .. } | Looks::Known { .. } | Looks::Binary => ShownAs::Hex,
    })
}

/// The characters of a text.
#[must_use]
pub fn decode(bytes: &[u8], encoding: TextEncoding) -> String {
    let utf16 = |unit: fn([u8; 2]) -> u16| {
        // The first two bytes are the mark.
        let units = bytes.get(2..).unwrap_or_default().chunks_exact(2);
        let units =
            units.map(|pair| unit([pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0)]));
        char::decode_utf16(units).map(|ch| ch.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match encoding {
        TextEncoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
        TextEncoding::Utf16Le => utf16(u16::from_le_bytes),
        TextEncoding::Utf16Be => utf16(u16::from_be_bytes),
        TextEncoding::Latin1 => bytes.iter().copied().map(char::from).collect(),
    }
}

/// The text of a part of a file.
#[must_use]
pub fn text_of(report: &ContentsReport) -> String {
    match report.looks {
        Looks::Text { encoding } => decode(&report.bytes, encoding),
        _ => decode(&report.bytes, TextEncoding::Utf8),
    }
}

/// Bytes in a line of the hex view.
pub const LINE_BYTES: u64 = 16;

/// The bytes of a line, as far as they came: those of the pages, or of the beginning of the file.
#[must_use]
pub fn line_bytes(state: &State, line: u64) -> Option<&[u8]> {
    let from_bytes = line.checked_mul(LINE_BYTES)?;
    let part = |report: &'_ ContentsReport| -> Option<(usize, usize)> {
        let from = usize::try_from(from_bytes.checked_sub(report.from_bytes)?).ok()?;
        let to = report.bytes.len().min(from.saturating_add(16));
        (from < to).then_some((from, to))
    };
    let page = u32::try_from(from_bytes / HEX_BYTES).ok()?;
    [Topic::Bytes(page), Topic::Contents].into_iter().find_map(|topic| {
        let report = contents(state, topic)?;
        let (from, to) = part(report)?;
        report.bytes.get(from..to)
    })
}

/// The layer below one that had something at the path, as its life tells.
#[must_use]
pub fn before(life: &[LifeStep], layer_idx: u32) -> Option<u32> {
    let written = life.iter().rposition(|step| step.layer_idx <= layer_idx)?;
    let is_there = |step: &&LifeStep| !matches!(step.row.change, RowChange::Removed { .. });
    life.get(..written)?.iter().rev().find(is_there).map(|step| step.layer_idx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_as_ls_writes_them() {
        for (kind, mode, text) in [
            (RowKind::Dir, 0o755, "drwxr-xr-x"),
            (RowKind::File, 0o4755, "-rwsr-xr-x"),
            (RowKind::File, 0o2644, "-rw-r-Sr--"),
            (RowKind::Dir, 0o1777, "drwxrwxrwt"),
            (RowKind::Symlink, 0o1776, "lrwxrwxrwT"),
            (RowKind::File, 0, "----------"),
        ] {
            assert_eq!(mode_text(kind, mode), text);
        }
    }

    #[test]
    fn texts_as_they_are_written() {
        for (bytes, encoding, text) in [
            ("grüße".as_bytes(), TextEncoding::Utf8, "grüße"),
            (b"gr\xfc\xdfe", TextEncoding::Latin1, "grüße"),
            (b"\xff\xfea\0\xfc\0", TextEncoding::Utf16Le, "aü"),
            (b"\xfe\xff\0a\0\xfc", TextEncoding::Utf16Be, "aü"),
            (b"\xff\xfe", TextEncoding::Utf16Le, ""),
        ] {
            assert_eq!(decode(bytes, encoding), text);
        }
    }

    #[test]
    fn times_in_the_calendar() {
        for (secs, text) in [
            (0, "1970-01-01 00:00"),
            (-1, "1969-12-31 23:59"),
            (951_782_400, "2000-02-29 00:00"),
            (1_709_251_199, "2024-02-29 23:59"),
            (1_735_689_600, "2025-01-01 00:00"),
            (i64::MAX, "9223372036854775807 s"),
        ] {
            assert_eq!(time_text(secs), text);
        }
    }
}
