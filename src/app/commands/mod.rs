//! Commands: what can be done on the page, in one table with names and keys, and how it is found.
//!
//! *Command*: a thing to do that needs no further word. *Single key*: a key without Ctrl, ⌘ or Alt;
//! it works outside of text fields, and can be switched off
//! (<https://www.w3.org/WAI/WCAG22/Understanding/character-key-shortcuts.html>).
//! The sheet of shortcuts, the palette and the page-wide keys are made of the same table ([`table`]),
//! so that none of them tells what another does not do.

pub mod entries;
pub mod find;
pub mod keys;
pub mod table;

use super::state::{EditorTab, Pane, Place, State};
use super::update::{EditorCommand, Effect};

/// A dialog over the page, besides the one to share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialog {
    /// What the page does with what it is given, and how to check it.
    Privacy,
    /// The sheet of shortcuts.
    Shortcuts,
    /// The palette: everything by its name.
    Palette,
}

/// What happened around commands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommandMessage {
    /// A dialog was opened.
    DialogOpened(Dialog),
    /// This one was closed.
    DialogClosed(Dialog),
    /// Single keys were switched on or off.
    SingleKeysSwitched(bool),
    /// The reader goes to a text or to the options.
    TabEntered(EditorTab),
    /// The reader goes to an instruction in the editor, by its place among all of them.
    InstructionEntered(usize),
    /// The reader goes to a file of the context.
    FileEntered(String),
    /// The editor is to do something, wherever the reader is.
    EditorWanted(EditorCommand),
    /// The present version is to be put on paper.
    PrintWanted,
}

pub(super) fn update(state: &mut State, message: CommandMessage) -> Vec<Effect> {
    match message {
        CommandMessage::DialogOpened(dialog) => {
            state.dialog = Some(dialog);
            Vec::new()
        }
        CommandMessage::DialogClosed(dialog) => {
            // The palette may have opened another one in its place.
            state.dialog = state.dialog.filter(|open| *open != dialog);
            Vec::new()
        }
        CommandMessage::SingleKeysSwitched(is_on) => {
            state.has_single_keys = is_on;
            vec![Effect::SaveSingleKeys]
        }
        CommandMessage::TabEntered(tab) => enter(state, tab, vec![Effect::EnterTab]),
        CommandMessage::InstructionEntered(idx) => {
            state.selected = Some(idx);
            enter(state, EditorTab::Dockerfile, vec![Effect::ShowSelected, Effect::EnterTab])
        }
        CommandMessage::FileEntered(path) => {
            state.file_filter = path;
            state.view_revision += 1;
            let tab = state.session.tab;
            enter(state, tab, vec![Effect::EnterFiles])
        }
        CommandMessage::EditorWanted(command) => {
            enter(state, EditorTab::Dockerfile, vec![Effect::Command(command)])
        }
        CommandMessage::PrintWanted => {
            state.is_printing = true;
            vec![Effect::Print]
        }
    }
}

/// Brings the texts into view, and does what is to be done there.
fn enter(state: &mut State, tab: EditorTab, then: Vec<Effect>) -> Vec<Effect> {
    state.session.place = Place::Simulate;
    state.session.tab = tab;
    state.pane = Pane::Edit;
    let mut effects = vec![Effect::Save(super::saved::Part::Texts), Effect::ShowPlace, Effect::ShowTexts];
    effects.extend(then);
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::Session;

    #[test]
    fn going_somewhere_brings_it_into_view() {
        let mut state = State::new(Session::example(), "test");
        state.session.place = Place::Inspect;
        state.pane = Pane::Why;
        let effects = update(&mut state, CommandMessage::InstructionEntered(3));
        assert_eq!(state.selected, Some(3));
        assert_eq!((state.session.place, state.pane), (Place::Simulate, Pane::Edit));
        assert_eq!(effects.last(), Some(&Effect::EnterTab));
        let effects = update(&mut state, CommandMessage::FileEntered("a/b".into()));
        assert_eq!((state.file_filter.as_str(), effects.last()), ("a/b", Some(&Effect::EnterFiles)));
        let _ = update(&mut state, CommandMessage::TabEntered(EditorTab::Ignore));
        assert_eq!(state.session.tab, EditorTab::Ignore);
    }

    #[test]
    fn a_dialog_that_another_one_replaced_closes_nothing() {
        let mut state = State::new(Session::example(), "test");
        let mut dialog = |message| {
            let _ = update(&mut state, message);
            state.dialog
        };
        assert_eq!(dialog(CommandMessage::DialogOpened(Dialog::Palette)), Some(Dialog::Palette));
        assert_eq!(dialog(CommandMessage::DialogOpened(Dialog::Privacy)), Some(Dialog::Privacy));
        assert_eq!(dialog(CommandMessage::DialogClosed(Dialog::Palette)), Some(Dialog::Privacy));
        assert_eq!(dialog(CommandMessage::DialogClosed(Dialog::Privacy)), None);
    }
}
