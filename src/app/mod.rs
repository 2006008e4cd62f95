//! The page's side without a browser: state, messages, effects, view models.
//!
//! [`state::State`] keeps ground facts only. [`update::update`] is the one
//! reducer: a message in the past tense changes the state and asks for effects.
//! [`history::History`] and [`analysis::Analysis`] are derived: what the engine makes of the state.
//! [`view`], [`rows`], [`stack`], [`why`] and [`files`] turn both into plain rows
//! that components draw; [`share`] into what is handed around. [`assistant`] answers what the
//! editor asks. [`commands`] is the table of all that can be done.

pub mod analysis;
pub mod assistant;
pub mod build_file;
pub mod change;
pub mod commands;
pub mod disk;
pub mod document;
pub mod example;
pub mod files;
pub mod history;
pub mod impact;
pub mod import;
pub mod inspect;
pub mod known;
pub mod legacy;
pub mod offline;
mod opened;
pub mod options;
pub mod pasted;
pub mod picture;
pub mod placeholder;
pub mod rows;
pub mod saved;
pub mod share;
pub mod sketch;
pub mod stack;
pub mod state;
pub mod survival;
pub mod terminal;
pub mod undo;
pub mod update;
pub mod view;
pub mod why;
