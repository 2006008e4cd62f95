//! The browser side: components, the worker and its bridge, storage, the editor.
//!
//! Nothing here decides anything: the root component hands messages to
//! [`crate::app::update::update`] and carries out the effects that come back.

mod address;
mod aside;
pub mod blob;
mod bridge;
mod component;
mod disk;
mod editor;
mod enter;
mod error;
mod export;
mod folder;
mod handout;
mod hover;
mod inspecting;
mod layers;
mod listen;
mod offline;
mod root;
mod sink;
mod storage;
mod stream;
mod worker;

/// Starts the page; `build` is the id that its worker must have, too.
pub fn start_app(build: &'static str) {
    root::start(build);
}

/// Starts the worker.
pub fn start_worker(build: &'static str) {
    worker::start(build);
}
