//! The table of commands.

use super::keys::Keys;
use super::{CommandMessage, Dialog};
use crate::app::disk::DiskMessage;
use crate::app::history::Import;
use crate::app::offline::OfflineMessage;
use crate::app::options::Builder;
use crate::app::share::{LeaveOut, ShareMessage};
use crate::app::state::{Comparison, EditorTab, Place, State, Theme};
use crate::app::undo::UndoMessage;
use crate::app::update::{EditorCommand, Message};
use crate::app::view::SimulateView;

/// What commands look at: the state, and what is derived of it.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The state.
    pub state: &'a State,
    /// What Simulate draws of it.
    pub view: &'a SimulateView,
}

/// Under which heading the sheet has a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// From place to place.
    Go,
    /// Builds and the cache.
    Build,
    /// What is shown.
    Show,
    /// The page as a whole.
    Page,
    /// Keys of the editor.
    Editor,
    /// Keys of the picture.
    Picture,
}

impl Group {
    /// In the order of the sheet.
    pub const ALL: [Self; 6] = [Self::Go, Self::Build, Self::Show, Self::Page, Self::Editor, Self::Picture];

    /// The heading.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Go => "Go to",
            Self::Build => "Build",
            Self::Show => "Show",
            Self::Page => "Page",
            Self::Editor => "In the editor",
            Self::Picture => "In the picture",
        }
    }
}

/// How a command is carried out: a message, or none while there is nothing to do.
pub type Does = fn(Shown<'_>) -> Option<Message>;

/// A command.
#[derive(Clone, Copy)]
pub struct Command {
    /// What it does, as a verb or a place.
    pub name: &'static str,
    /// Its heading.
    pub group: Group,
    /// Its keys, each of them enough.
    pub keys: &'static [Keys],
    /// What it sends. None where a part of the page hears the keys by itself.
    pub does: Option<Does>,
}

const fn command(group: Group, name: &'static str, keys: &'static [Keys], does: Does) -> Command {
    Command { name, group, keys, does: Some(does) }
}

const fn elsewhere(group: Group, name: &'static str, keys: &'static [Keys]) -> Command {
    Command { name, group, keys, does: None }
}

fn dialog(dialog: Dialog) -> Option<Message> {
    Some(Message::Command(CommandMessage::DialogOpened(dialog)))
}

fn tab(tab: EditorTab) -> Option<Message> {
    Some(Message::Command(CommandMessage::TabEntered(tab)))
}

fn theme(it: Shown<'_>, theme: Theme) -> Option<Message> {
    (it.state.session.theme != theme).then_some(Message::ThemeChosen(theme))
}

fn builder(it: Shown<'_>, builder: Builder) -> Option<Message> {
    (it.state.session.now.options.builder != builder).then_some(Message::BuilderChosen(builder))
}

fn comparison(it: Shown<'_>, wanted: Option<Comparison>) -> Option<Message> {
    let is_known = it.view.last_build().is_some();
    (is_known && it.state.comparison != wanted).then_some(Message::ComparisonChosen(wanted))
}

fn change(it: Shown<'_>, command: EditorCommand) -> Option<Message> {
    let wanted = Message::Command(CommandMessage::EditorWanted(command));
    it.state.comparison.is_some().then_some(wanted)
}

/// The instruction so many further on; the first, or the last, if none is chosen.
fn neighbor(it: Shown<'_>, is_forward: bool) -> Option<Message> {
    let last = it.view.rows.len().checked_sub(1)?;
    let next = match it.view.selected {
        None if is_forward => 0,
        None => last,
        Some(idx) if is_forward => idx.checked_add(1).filter(|idx| *idx <= last)?,
        Some(idx) => idx.checked_sub(1)?,
    };
    in_simulate(it, Message::InstructionSelected(next))
}

/// Only where its outcome can be seen.
fn in_simulate(it: Shown<'_>, message: Message) -> Option<Message> {
    (it.state.session.place == Place::Simulate).then_some(message)
}

/// All commands.
pub const COMMANDS: &[Command] = &[
    command(Group::Go, "Find a command, instruction, file or example", &[Keys("Mod+K"), Keys("/")], |_| {
        dialog(Dialog::Palette)
    }),
    command(Group::Go, "Simulate", &[Keys("1")], |_| Some(Message::PlaceEntered(Place::Simulate))),
    command(Group::Go, "Inspect", &[Keys("2")], |_| Some(Message::PlaceEntered(Place::Inspect))),
    command(Group::Go, "Compare", &[Keys("3")], |_| Some(Message::PlaceEntered(Place::Compare))),
    command(Group::Go, "Dockerfile", &[Keys("E")], |_| tab(EditorTab::Dockerfile)),
    command(Group::Go, ".dockerignore", &[], |_| tab(EditorTab::Ignore)),
    command(Group::Go, "Build options", &[], |_| tab(EditorTab::Options)),
    command(Group::Go, "First cause", &[Keys("C")], |it| {
        let cause = it.view.rows.iter().find(|row| row.is_first_cause)?;
        in_simulate(it, Message::InstructionSelected(cause.idx))
    }),
    command(Group::Go, "Next instruction", &[Keys("J")], |it| neighbor(it, true)),
    command(Group::Go, "Previous instruction", &[Keys("K")], |it| neighbor(it, false)),
    command(
        Group::Build,
        "Build: record the present state as built",
        &[Keys("B"), Keys("Mod+Enter")],
        |it| in_simulate(it, Message::BuildRequested),
    ),
    command(Group::Build, "Prune the cache", &[], |it| it.view.has_cache.then_some(Message::CachePruned)),
    command(Group::Build, "Move to a fresh runner with an empty cache", &[], |_| {
        Some(Message::RunnerChanged(Import::Nothing))
    }),
    command(Group::Build, "Move to a fresh runner with cache-from, mode=min", &[], |_| {
        Some(Message::RunnerChanged(Import::Min))
    }),
    command(Group::Build, "Move to a fresh runner with cache-from, mode=max", &[], |_| {
        Some(Message::RunnerChanged(Import::Max))
    }),
    command(Group::Build, "Build with BuildKit in Docker", &[], |it| builder(it, Builder::Docker)),
    command(Group::Build, "Build with BuildKit in a container", &[], |it| builder(it, Builder::Container)),
    command(Group::Build, "Build with the legacy builder", &[], |it| builder(it, Builder::Legacy)),
    command(Group::Build, "Switch --no-cache", &[], |it| {
        Some(Message::NoCacheSwitched(!it.state.session.now.options.no_cache))
    }),
    command(Group::Build, "Switch --pull", &[], |it| {
        Some(Message::PullSwitched(!it.state.session.now.options.pulls))
    }),
    command(Group::Build, "Undo the last step; in a text, what was typed", &[Keys("Mod+Z")], |it| {
        it.state.undo.last_done()?;
        in_simulate(it, Message::Undo(UndoMessage::Undone))
    }),
    command(Group::Build, "Redo what was undone", &[Keys("Mod+Shift+Z"), Keys("Mod+Y")], |it| {
        it.state.undo.last_undone()?;
        in_simulate(it, Message::Undo(UndoMessage::Redone))
    }),
    command(Group::Show, "Compare with the last build", &[], |it| {
        comparison(it, Some(Comparison::Inline)).filter(|_| it.state.comparison.is_none())
    }),
    command(Group::Show, "Compare side by side", &[], |it| comparison(it, Some(Comparison::SideBySide))),
    command(Group::Show, "Stop comparing", &[], |it| comparison(it, None)),
    command(Group::Show, "Next change", &[], |it| change(it, EditorCommand::NextChange)),
    command(Group::Show, "Previous change", &[], |it| change(it, EditorCommand::PreviousChange)),
    command(Group::Show, "Format the Dockerfile", &[], |_| {
        Some(Message::Command(CommandMessage::EditorWanted(EditorCommand::Format)))
    }),
    command(Group::Show, "Impact map, on or off", &[], |it| {
        in_simulate(it, Message::ImpactToggled(!it.state.is_impact_open))
    }),
    command(Group::Show, "BuildKit and the legacy builder side by side, on or off", &[], |it| {
        in_simulate(it, Message::BuildersToggled(!it.state.is_builders_open))
    }),
    command(Group::Show, "Image that this build yields, on or off", &[], |it| {
        in_simulate(it, Message::ImageSketchToggled(!it.state.is_image_open))
    }),
    command(Group::Show, "Theme: light", &[], |it| theme(it, Theme::Light)),
    command(Group::Show, "Theme: dark", &[], |it| theme(it, Theme::Dark)),
    command(Group::Show, "Theme: as the system", &[], |it| theme(it, Theme::System)),
    command(Group::Page, "Open Dockerfiles from disk", &[], |_| Some(Message::Disk(DiskMessage::OpenAsked))),
    command(Group::Page, "Save the Dockerfile to its file on disk", &[Keys("Mod+S")], |it| {
        in_simulate(it, Message::Disk(DiskMessage::SaveAsked))
    }),
    command(Group::Page, "Share: link, Markdown, JSON", &[Keys("S")], |_| {
        Some(Message::Share(ShareMessage::Changed(Some(LeaveOut::default()))))
    }),
    command(Group::Page, "Print", &[], |_| Some(Message::Command(CommandMessage::PrintWanted))),
    command(Group::Page, "Keyboard shortcuts", &[Keys("?")], |_| dialog(Dialog::Shortcuts)),
    command(Group::Page, "Privacy: how to check it", &[], |_| dialog(Dialog::Privacy)),
    command(Group::Page, "Reload into the new version", &[], |it| {
        it.state.offline.is_update_ready.then_some(Message::Offline(OfflineMessage::UpdateWanted))
    }),
    command(Group::Page, "Start over", &[], |it| (!it.state.is_resetting).then_some(Message::ResetAsked)),
    elsewhere(Group::Editor, "Complete; Enter or Tab takes, Escape closes", &[Keys("Ctrl+Space")]),
    elsewhere(Group::Editor, "Explain what the caret is in", &[Keys("F1")]),
    elsewhere(Group::Editor, "Go to where a stage or variable is defined", &[Keys("F12"), Keys("Mod+click")]),
    elsewhere(Group::Editor, "Rename a stage or variable", &[Keys("F2")]),
    elsewhere(
        Group::Editor,
        "Next problem, previous problem; Enter repairs",
        &[Keys("F8"), Keys("Shift+F8")],
    ),
    elsewhere(Group::Editor, "Quick fixes of the line", &[Keys("Mod+.")]),
    elsewhere(Group::Editor, "Format", &[Keys("Shift+Alt+F")]),
    elsewhere(
        Group::Editor,
        "Next change, previous change, while comparing",
        &[Keys("F7"), Keys("Shift+F7")],
    ),
    elsewhere(Group::Editor, "Fold, unfold", &[Keys("Fold+["), Keys("Fold+]")]),
    elsewhere(Group::Editor, "Fold all, unfold all", &[Keys("Ctrl+Alt+["), Keys("Ctrl+Alt+]")]),
    elsewhere(Group::Editor, "Another caret", &[Keys("Alt+click")]),
    elsewhere(Group::Editor, "A caret above, below", &[Keys("Mod+Alt+ArrowUp"), Keys("Mod+Alt+ArrowDown")]),
    elsewhere(Group::Editor, "Select the next occurrence, too", &[Keys("Mod+D")]),
    elsewhere(Group::Editor, "Find and replace", &[Keys("Mod+F")]),
    elsewhere(Group::Editor, "Leave the editor", &[Keys("Tab"), Keys("Shift+Tab")]),
    elsewhere(Group::Picture, "To the step above, below", &[Keys("ArrowUp"), Keys("ArrowDown")]),
    elsewhere(Group::Picture, "To the stage before, after", &[Keys("ArrowLeft"), Keys("ArrowRight")]),
    elsewhere(Group::Picture, "To the first step, the last", &[Keys("Home"), Keys("End")]),
    elsewhere(Group::Picture, "Larger, smaller", &[Keys("+"), Keys("-")]),
    elsewhere(Group::Picture, "All of it, real size", &[Keys("F"), Keys("0")]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_keys_are_told_once() {
        let mut names = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for command in COMMANDS {
            assert!(names.insert((command.group.label(), command.name)), "{} is there twice", command.name);
            assert!(Group::ALL.contains(&command.group));
            for key in command.keys.iter().filter(|_| command.does.is_some()) {
                assert!(keys.insert(key.0), "{} does two things", key.0);
            }
            assert!(command.does.is_some() || !command.keys.is_empty(), "{} does nothing", command.name);
        }
    }
}
