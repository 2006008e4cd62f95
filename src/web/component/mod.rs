//! Function components, a subject a file. Each draws a row of `app::view` and tells
//! what the reader did; none decides anything.

mod build_file;
pub(super) mod context;
mod disk;
pub(super) mod editor;
mod examples;
pub(super) mod icon;
mod import;
pub(super) mod inspect;
mod modal;
mod options;
pub(super) mod page;
mod palette;
mod picture;
mod print;
mod privacy;
mod share;
mod shortcuts;
pub(super) mod simulate;
pub(super) mod size;
pub(super) mod stack;
mod tabs;
mod timeline;
mod tree;
mod undo;
pub(super) mod why;
