//! Saving: a file, a layer or a list goes to the reader's disk, piece by piece.

use crate::app::inspect::{InspectEffect, shown_at};
use crate::app::state::State;
use crate::app::update::Effect;
use crate::protocol::inspect::rows::TreeOf;
use crate::protocol::inspect::{Answer, ListingFormat, Question, SavedForm};
use crate::protocol::{JobId, Reply, Request};

/// What is to be saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SaveWhat {
    /// A file.
    File {
        /// The layer after which it is looked at.
        layer_idx: u32,
        /// Its path.
        path: String,
    },
    /// A layer.
    Layer {
        /// Which one.
        layer_idx: u32,
        /// In which form.
        form: SavedForm,
    },
    /// The rows of the tree as it is shown.
    List(ListingFormat),
}

/// How far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SaveStage {
    /// The reader says where to.
    Asking,
    /// Bytes are written; so many so far, and in all where that is known.
    Writing(u64, Option<u64>),
    /// All of it is written.
    Done,
    /// It could not be.
    Failed(String),
}

/// Something that is saved. There is one at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Saving {
    /// What it was asked under; the last one, where there are several questions.
    pub job: JobId,
    /// Names what is written to.
    pub sink: JobId,
    /// The file that it is taken from.
    pub file: JobId,
    /// What is asked.
    pub question: Question,
    /// The name that is offered for it.
    pub name: String,
    /// How far it is.
    pub stage: SaveStage,
}

/// The last part of a path, fit to be a file's name.
fn file_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_odd = |ch: char| ch.is_control() || matches!(ch, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let name: String = name.chars().map(|ch| if is_odd(ch) { '_' } else { ch }).collect();
    let name = crate::text::visible(&name).trim_matches('.').to_owned();
    if name.is_empty() { "file".to_owned() } else { name }
}

/// Something is to be saved.
pub(super) fn ask(state: &mut State, what: SaveWhat) -> Vec<Effect> {
    let Some((open, at)) = shown_at(state) else { return Vec::new() };
    let stem = open.name.split('.').next().unwrap_or("image").to_owned();
    let file = open.file;
    let (question, name) = match what {
        SaveWhat::File { layer_idx, path } => {
            let name = file_name(&path);
            (Question::Save { image: at, layer_idx, path }, name)
        }
        SaveWhat::Layer { layer_idx, form } => {
            let report = open.layers.get(&(at.image_idx, layer_idx));
            let ending = match (form, report.map(|report| report.compression.as_str())) {
                (SavedForm::Stored, Some("gzip")) => "tar.gz",
                (SavedForm::Stored, Some("zstd")) => "tar.zst",
                _ => "tar",
            };
            let name = format!("{stem}-layer-{}.{ending}", layer_idx + 1);
            (Question::SaveLayer { image: at, layer_idx, form }, name)
        }
        SaveWhat::List(format) => {
            let query = open.query();
            let ending = if format == ListingFormat::Csv { "csv" } else { "json" };
            let of = if query.of == TreeOf::Layer { "layer" } else { "up-to-layer" };
            let name = format!("{stem}-{of}-{}.{ending}", query.layer_idx + 1);
            (Question::Listing { query, format, from_row: 0 }, name)
        }
    };
    let mut effects = cancel(state);
    state.n_jobs += 1;
    let job = JobId(state.n_jobs);
    effects.push(Effect::Inspect(InspectEffect::OpenSink { sink: job, name: name.clone() }));
    state.inspect.saving = Some(Saving { job, sink: job, file, question, name, stage: SaveStage::Asking });
    effects
}

/// The reader said where to; none if they would rather not.
pub(super) fn sink_opened(state: &mut State, sink: JobId, is_open: bool) -> Vec<Effect> {
    let Some(saving) = state.inspect.saving.as_mut().filter(|saving| saving.sink == sink) else {
        return Vec::new();
    };
    if !is_open {
        state.inspect.saving = None;
        return Vec::new();
    }
    saving.stage = SaveStage::Writing(0, None);
    next(state)
}

/// Asks the question, or the next one.
fn next(state: &mut State) -> Vec<Effect> {
    state.n_jobs += 1;
    let job = JobId(state.n_jobs);
    let Some(saving) = &mut state.inspect.saving else { return Vec::new() };
    saving.job = job;
    vec![Effect::Send(Request::Inspect { job, question: saving.question.clone() })]
}

/// Something could not be written.
pub(super) fn sink_failed(state: &mut State, sink: JobId, message: String) -> Vec<Effect> {
    let is_mine = |saving: &&mut Saving| saving.sink == sink;
    if let Some(saving) = state.inspect.saving.as_mut().filter(is_mine) {
        saving.stage = SaveStage::Failed(message);
        saving.job = JobId::default();
    }
    Vec::new()
}

/// The reader does not want it any more, or has read how it went.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    let Some(saving) = state.inspect.saving.take() else { return Vec::new() };
    match saving.stage {
        SaveStage::Done | SaveStage::Failed(_) => Vec::new(),
        SaveStage::Asking => vec![Effect::Inspect(InspectEffect::DropSink(saving.sink))],
        SaveStage::Writing(..) => {
            let mut effects = vec![Effect::Inspect(InspectEffect::DropSink(saving.sink))];
            effects.extend(super::restart_fetcher(state));
            effects
        }
    }
}

/// An answer that may be for what is saved; none if it is not.
pub(super) fn replied(state: &mut State, reply: &Reply) -> Option<Vec<Effect>> {
    let saving = state.inspect.saving.as_mut()?;
    if reply.job() != Some(saving.job) {
        return None;
    }
    let (sink, file) = (saving.sink, saving.file);
    let mut effects = Vec::new();
    let mut write = |bytes| effects.push(Effect::Inspect(InspectEffect::WriteSink { sink, bytes }));
    let done = match &saving.stage {
        SaveStage::Writing(done, _) => *done,
        _ => 0,
    };
    let answer = match reply {
        Reply::Inspected { answer, .. } => answer,
        Reply::InspectFailed { message, .. } => {
            saving.stage = SaveStage::Failed(message.clone());
            return Some(vec![Effect::Inspect(InspectEffect::DropSink(sink))]);
        }
        Reply::InspectProgressed { .. } => return Some(Vec::new()),
        _ => return None,
    };
    let is_last = match answer {
        Answer::Ticket { ticket, .. } => {
            let job = saving.job;
            return Some(vec![super::redeem(file, job, ticket.clone())]);
        }
        Answer::Piece { bytes, is_last, problem } => {
            write(bytes.clone());
            saving.stage = SaveStage::Writing(done + bytes.len() as u64, None);
            if let Some(problem) = problem {
                saving.stage = SaveStage::Failed(problem.clone());
                effects.push(Effect::Inspect(InspectEffect::DropSink(sink)));
                return Some(effects);
            }
            *is_last
        }
        Answer::Slice { from_bytes, size_bytes } => {
            let (from_bytes, size_bytes) = (*from_bytes, *size_bytes);
            saving.stage = SaveStage::Writing(0, Some(size_bytes));
            return Some(vec![Effect::Inspect(InspectEffect::WriteSlice {
                sink,
                file,
                from_bytes,
                size_bytes,
            })]);
        }
        Answer::Listing { text, next_row, n_rows } => {
            write(text.clone().into_bytes().into());
            saving.stage = SaveStage::Writing(next_row.unwrap_or(*n_rows).into(), Some((*n_rows).into()));
            if let (Some(next_row), Question::Listing { from_row, .. }) = (next_row, &mut saving.question) {
                *from_row = *next_row;
                effects.extend(next(state));
                return Some(effects);
            }
            true
        }
        _ => return None,
    };
    if is_last {
        effects.push(Effect::Inspect(InspectEffect::CloseSink(sink)));
    }
    Some(effects)
}

/// All of it is on the disk.
pub(super) fn sink_closed(state: &mut State, sink: JobId) -> Vec<Effect> {
    let is_mine = |saving: &&mut Saving| saving.sink == sink;
    if let Some(saving) = state.inspect.saving.as_mut().filter(is_mine) {
        saving.stage = SaveStage::Done;
        saving.job = JobId::default();
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_disk_takes() {
        for (path, name) in [
            ("etc/passwd", "passwd"),
            ("a/b?c:d", "b_c_d"),
            ("..", "file"),
            ("x/invoice\u{202e}fdp.exe", "invoice⟨U+202E⟩fdp.exe"),
            ("", "file"),
        ] {
            assert_eq!(file_name(path), name);
        }
    }
}
