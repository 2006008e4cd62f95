//! Carries out what Inspect asks of the browser: files of archives, the fetcher, and what is saved.

use std::collections::BTreeMap;

use wasm_bindgen::JsValue;
use web_sys::File;
use yew::html::Scope;

use super::bridge::Bridge;
use super::root::{Input, Root};
use super::sink::Sink;
use crate::app::inspect::{InspectEffect, InspectMessage};
use crate::app::update::Message;
use crate::protocol::JobId;

/// Files of archives that are open, and what is done with them.
#[derive(Default)]
pub(super) struct Inspecting {
    files: BTreeMap<JobId, File>,
    fetcher: Option<Bridge>,
    sink: Option<Sink>,
}

impl Inspecting {
    pub(super) fn keep(&mut self, id: JobId, file: File) {
        self.files.insert(id, file);
    }

    pub(super) fn let_go(&mut self, id: JobId) {
        self.files.remove(&id);
    }

    /// The file as what travels with a request.
    pub(super) fn file(&self, id: JobId) -> &[File] {
        self.files.get(&id).map_or(&[], std::slice::from_ref)
    }

    pub(super) fn set_fetcher(&mut self, fetcher: Bridge) {
        self.fetcher = Some(fetcher);
    }

    /// The reader said where to save.
    pub(super) fn sink_chosen(&mut self, id: JobId, writable: JsValue) {
        if let Some(sink) = self.sink.as_mut().filter(|sink| sink.is(id)) {
            sink.chosen(writable);
        }
    }

    pub(super) fn run(&mut self, link: &Scope<Root>, effect: InspectEffect) {
        let sink_of =
            |sink: &'_ mut Option<Sink>, id: JobId| -> Option<Sink> { sink.take_if(|sink| sink.is(id)) };
        match effect {
            InspectEffect::Redeem { file, request } => {
                if let Some(fetcher) = &self.fetcher {
                    fetcher.send(&request, self.file(file));
                }
            }
            InspectEffect::RestartFetcher => self.fetcher.iter().for_each(Bridge::restart),
            InspectEffect::OpenSink { sink, name } => {
                let on_message =
                    link.callback(|message: InspectMessage| Input::App(Message::Inspect(message)));
                let link = link.clone();
                let on_file = move |writable| link.send_message(Input::SinkChosen(sink, writable));
                self.sink = Some(Sink::open(sink, name, on_message, on_file));
            }
            InspectEffect::WriteSink { sink, bytes } => {
                if let Some(open) = self.sink.as_mut().filter(|open| open.is(sink)) {
                    open.write(&bytes);
                }
            }
            InspectEffect::WriteSlice { sink, file, from_bytes, size_bytes } => {
                let slice = self.files.get(&file).and_then(|file| {
                    #[allow(clippy::cast_precision_loss, reason = "no file reaches 2^53 bytes")]
                    let (from, to) = (from_bytes as f64, from_bytes.saturating_add(size_bytes) as f64);
                    file.slice_with_f64_and_f64(from, to).ok()
                });
                if let (Some(open), Some(slice)) = (self.sink.as_mut().filter(|open| open.is(sink)), slice) {
                    open.write_slice(&slice);
                }
            }
            InspectEffect::CloseSink(id) => {
                sink_of(&mut self.sink, id).into_iter().for_each(|mut sink| sink.close());
            }
            InspectEffect::DropSink(id) => {
                sink_of(&mut self.sink, id).into_iter().for_each(Sink::drop);
            }
        }
    }
}
