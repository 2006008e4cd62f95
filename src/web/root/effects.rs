//! What the reducer asks of the browser, carried out.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::File;
use yew::prelude::*;

use super::{EditorMode, FILES_AT_ONCE, Input, Root};
use crate::app::document::DocumentMessage;
use crate::app::import::ContextMessage;
use crate::app::saved;
use crate::app::share::ShareMessage;
use crate::app::state::{EditorTab, Theme};
use crate::app::update::{Effect, Message};
use crate::protocol::Request;
use crate::web::address::{forget_link, show_place};
use crate::web::bridge::Bridge;
use crate::web::enter;
use crate::web::error::message;
use crate::web::folder::{self, Chosen};
use crate::web::handout;
use crate::web::offline;

impl Root {
    pub(super) fn run(&mut self, ctx: &Context<Self>, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Save(part) => self.save(ctx, part),
                Effect::ClearStorage => {
                    if let Some(storage) = &self.storage
                        && let Err(error) = storage.clear()
                    {
                        self.storage_failed(ctx, &error);
                    }
                }
                Effect::KeepFile(id) => {
                    self.file.take().into_iter().for_each(|file| self.inspecting.keep(id, file));
                }
                Effect::DropFile(id) => self.inspecting.let_go(id),
                Effect::SendFile { file, request } => self.send(&request, self.inspecting.file(file)),
                Effect::Inspect(effect) => self.inspecting.run(ctx.link(), effect),
                Effect::Send(request) => match (&self.bridge, self.entries.take()) {
                    (Some(bridge), Some(entries)) if matches!(request, Request::KeepEntries { .. }) => {
                        bridge.send_entries(&request, &entries);
                    }
                    (_, entries) => {
                        self.entries = entries;
                        self.send(&request, &[]);
                    }
                },
                Effect::SendContext(request) => self.send_context(request),
                Effect::RereadContext => match self.chosen.clone().filter(Chosen::is_dropped_folder) {
                    Some(chosen) => self.find_context(ctx, chosen),
                    None => {
                        let link = ctx.link().clone();
                        folder::ask(move |chosen| link.send_message(Input::ContextChosen(chosen)));
                    }
                },
                Effect::RestartContextWorker => {
                    self.sending.set(self.sending.get() + 1);
                    if let Some(bridge) = &self.context_bridge {
                        bridge.restart();
                    }
                }
                Effect::SendLayer { reader, file, request } => {
                    if let Some(bridge) = self.reader(reader) {
                        bridge.send(&request, self.inspecting.file(file));
                    }
                }
                Effect::RestartReader(reader) => {
                    if let Some(bridge) = self.reader(reader) {
                        bridge.restart();
                    }
                }
                Effect::RestartReaders => self.readers.iter().for_each(Bridge::restart),
                Effect::RestartWorker => {
                    if let Some(bridge) = &self.bridge {
                        bridge.restart();
                    }
                }
                Effect::ShowTheme => show_theme(self.state.session.theme),
                Effect::ShowPlace => show_place(self.state.session.place),
                Effect::KeepOwn => {
                    self.save(ctx, saved::Part::Own);
                    let link = ctx.link().clone();
                    self.once_settled(move || {
                        link.send_message(Input::App(Message::Share(ShareMessage::OwnWorkKept)))
                    });
                }
                Effect::KeepDocuments(parts) => {
                    self.save(ctx, saved::Part::Others);
                    let link = ctx.link().clone();
                    self.once_settled(move || {
                        link.send_message(Input::App(Message::Document(DocumentMessage::Kept(parts))))
                    });
                }
                Effect::Disk(request) => self.disk.run(self.storage.clone(), request),
                Effect::ForgetLink => {
                    let place = self.state.session.place;
                    self.once_settled(move || forget_link(place));
                }
                Effect::SaveSingleKeys => {
                    self.has_single_keys.set(self.state.has_single_keys);
                    enter::save_single_keys(self.state.has_single_keys);
                }
                Effect::EnterTab => match self.state.session.tab {
                    EditorTab::Dockerfile if self.editor_mode != EditorMode::Plain => {
                        self.wants_editor = true;
                    }
                    EditorTab::Dockerfile | EditorTab::Ignore => enter::focus(".plain-editor"),
                    EditorTab::Options => enter::focus(".options select"),
                },
                Effect::EnterFiles => enter::focus(".files > [tabindex]"),
                Effect::Print => handout::print(),
                Effect::LoadUpdate => self.once_settled(offline::take_over),
                Effect::ShowTexts => self.show_texts(),
                Effect::ShowSelected => self.show_selected(),
                Effect::Command(command) => {
                    if let Some(editor) = &self.editor {
                        editor.command(command);
                    }
                }
            }
        }
    }

    pub(super) fn save(&self, ctx: &Context<Self>, part: saved::Part) {
        let Some(storage) = &self.storage else { return };
        let written = match saved::write(&self.state.session, part) {
            Ok(text) => storage.write(part, &text),
            Err(why) => Err(JsValue::from_str(&why)),
        };
        if let Err(error) = written {
            self.storage_failed(ctx, &error);
        }
    }

    /// Does something once all that was asked to be written was taken.
    pub(super) fn once_settled(&self, then: impl FnOnce() + 'static) {
        let storage = self.storage.clone();
        spawn_local(async move {
            if let Some(storage) = storage {
                let _ = storage.settled().await;
            }
            then();
        });
    }

    pub(super) fn storage_failed(&self, ctx: &Context<Self>, error: &JsValue) {
        let why = format!("your last edit could not be saved: {}", message(error));
        ctx.link().send_message(Input::App(Message::StorageFailed(why)));
    }

    pub(super) fn send(&self, request: &Request, files: &[File]) {
        if let Some(bridge) = &self.bridge {
            bridge.send(request, files);
        }
    }

    /// Sends a context to its worker, files ahead in small parts, so that the page stays awake.
    pub(super) fn send_context(&self, request: Request) {
        let Some(bridge) = self.context_bridge.clone() else { return };
        let files = self.context_files.clone();
        let (sending, mine) = (Rc::clone(&self.sending), self.sending.get() + 1);
        sending.set(mine);
        spawn_local(async move {
            // What is sent to a worker that does not listen yet would all be handed over at once.
            while sending.get() == mine && !bridge.is_ready() {
                folder::next_turn().await;
            }
            for part in files.chunks(FILES_AT_ONCE) {
                // Given up, or overtaken by another.
                if sending.get() != mine {
                    return;
                }
                bridge.send_ahead(part);
                folder::next_turn().await;
            }
            if sending.get() == mine {
                bridge.send(&request, &[]);
            }
        });
    }

    /// Walks through a folder, and has its files read.
    pub(super) fn find_context(&mut self, ctx: &Context<Self>, chosen: Chosen) {
        self.chosen = Some(chosen.clone());
        let name = chosen.name();
        let on_found = {
            let (link, name) = (ctx.link().clone(), name.clone());
            Rc::new(move |n_files| {
                let found = ContextMessage::FilesFound { name: name.clone(), n_files };
                link.send_message(Input::App(Message::Context(found)));
            })
        };
        let link = ctx.link().clone();
        folder::find(chosen, on_found, move |found| {
            link.send_message(match found {
                Ok(found) => Input::ContextFound(Box::new(found)),
                Err(error) => {
                    let message = format!("the folder cannot be read: {}", message(&error));
                    Input::App(Message::Context(ContextMessage::Refused { name, message }))
                }
            });
        });
    }
}

fn show_theme(theme: Theme) {
    let Some(root) = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.document_element())
    else {
        return;
    };
    let _ = match theme {
        Theme::System => root.remove_attribute("data-theme"),
        Theme::Light => root.set_attribute("data-theme", "light"),
        Theme::Dark => root.set_attribute("data-theme", "dark"),
    };
}
