//! What a builder would print for a build, as data.
//!
//! [`buildkit`] writes what `docker build --progress=plain` shows, [`legacy`] what the classic
//! builder shows. A [`Screen`] is lines, a [`Line`] is spans: what is an id, a time or a size is
//! marked as such, and each line names the step that it belongs to. [`Screen`] displays as text.
//!
//! Nothing is made up:
//!
//! - What a command prints is one line of the kind [`LineKind::Output`], shown as `…`.
//! - Times and sizes that nobody knows are [`Span::Seconds`] and [`Span::Bytes`] of nothing, shown
//!   as `…` too.
//! - What a builder would not print, but has to be said, is of the kind [`LineKind::Aside`] and
//!   begins with `…`: that a step is conditional, or not modeled.
//! - Ids of images and containers are stand-ins, see [`crate::cache::legacy::course`].

pub mod buildkit;
mod excerpt;
pub mod legacy;
mod units;

use std::fmt;

use crate::digest::Digest;
use crate::graph::StepId;

/// What stands for everything that is not known.
const UNKNOWN: &str = "…";

/// All that is printed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Screen {
    /// From top to bottom.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What it tells.
    pub kind: LineKind,
    /// The step that it belongs to, if it is one's.
    pub step: Option<StepId>,
    /// From left to right.
    pub spans: Vec<Span>,
}

/// What a line tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum LineKind {
    /// A step begins.
    Step,
    /// Its result is taken from the cache.
    Cached,
    /// It is done, or the image is there that it led to.
    Done,
    /// What the builder does for it: a transfer, a container that is made or removed.
    Status,
    /// Whatever the step's own program prints. It is not known.
    Output,
    /// A warning.
    Warning,
    /// The build succeeded.
    Success,
    /// Something failed.
    Error,
    /// Lines of the Dockerfile around an error.
    Excerpt,
    /// Not a builder's line.
    Aside,
    /// Nothing.
    Blank,
}

/// A part of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Span {
    /// Plain text.
    Text(String),
    /// What says that the cache is used.
    CacheMark(&'static str),
    /// The short id of an image.
    Image(Digest),
    /// The short id of a container.
    Container(Digest),
    /// The full id of an image.
    FullImage(Digest),
    /// A time in milliseconds; `None` if it is not known.
    Seconds(Option<u64>),
    /// A size as the builder writes it; `None` if it is not known.
    Bytes(Option<String>),
    /// Something else that is not known.
    Unknown,
}

impl Screen {
    fn push(&mut self, kind: LineKind, step: Option<StepId>, spans: Vec<Span>) {
        self.lines.push(Line { kind, step, spans });
    }

    fn text(&mut self, kind: LineKind, step: Option<StepId>, text: impl Into<String>) {
        self.push(kind, step, with_unknown(&text.into()));
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spans.iter().try_for_each(|span| span.fmt(f))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Bytes(Some(text)) => f.write_str(text),
            Self::CacheMark(text) => f.write_str(text),
            Self::Image(id) | Self::Container(id) => f.write_str(&id.short()),
            Self::FullImage(id) => id.fmt(f),
            Self::Seconds(Some(millis)) => {
                // Tenths, rounded as the builders do.
                let tenths = millis.saturating_add(50) / 100;
                write!(f, "{}.{}s", tenths / 10, tenths % 10)
            }
            Self::Seconds(None) => write!(f, "{UNKNOWN}s"),
            Self::Bytes(None) | Self::Unknown => f.write_str(UNKNOWN),
        }
    }
}

/// A builder's message. What differs from run to run stands in it as `<ref>`, `<root>` and the like.
fn with_unknown(message: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut rest = message;
    loop {
        let marks = ["<ref>", "<root>", "<random>"];
        let found = marks.iter().filter_map(|mark| Some((rest.find(mark)?, mark.len()))).min();
        let Some((head, tail)) = found.and_then(|(at, len)| Some((rest.get(..at)?, rest.get(at + len..)?)))
        else {
            break;
        };
        spans.extend([text(head), Span::Unknown]);
        rest = tail;
    }
    spans.push(text(rest));
    spans.retain(|span| *span != Span::Text(String::new()));
    spans
}

fn text(text: impl Into<String>) -> Span {
    Span::Text(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_as_text() {
        let line = |spans: Vec<Span>| Line { kind: LineKind::Status, step: None, spans }.to_string();
        assert_eq!(line(vec![text("DONE "), Span::Seconds(None)]), "DONE …s");
        assert_eq!(line(vec![text("DONE "), Span::Seconds(Some(2_149))]), "DONE 2.1s");
        assert_eq!(line(vec![Span::Bytes(None), Span::Bytes(Some("2B".into()))]), "…2B");
        assert_eq!(line(with_unknown("a <ref>: b<root>")), "a …: b…");
        assert_eq!(with_unknown("a < b"), [text("a < b")]);
    }
}
