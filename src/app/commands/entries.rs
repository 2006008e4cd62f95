//! What the palette finds: commands, instructions, stages, files and examples.

use super::CommandMessage;
use super::keys::Keys;
use super::table::{COMMANDS, Shown};
use crate::app::example::EXAMPLES;
use crate::app::files::FileStatus;
use crate::app::update::Message;

/// One thing to find.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name, which is what is searched.
    pub label: String,
    /// What kind of thing it is.
    pub kind: &'static str,
    /// The keys that do the same.
    pub keys: Option<Keys>,
    /// What choosing it sends.
    pub message: Message,
}

/// Everything that can be found now, commands first.
#[must_use]
pub fn entries(shown: Shown<'_>) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut add = |label: String, kind, keys, message| found.push(Entry { label, kind, keys, message });
    for command in COMMANDS {
        let message = command.does.and_then(|does| does(shown));
        // The palette itself is open already.
        if let Some(message) = message.filter(|message| !is_palette(message)) {
            add(command.name.to_owned(), command.group.label(), command.keys.first().copied(), message);
        }
    }
    for row in &shown.view.rows {
        let message = Message::Command(CommandMessage::InstructionEntered(row.idx));
        add(format!("{} {}", row.lines.first, row.code), "Instruction", None, message);
    }
    for (stage, column) in shown.view.columns.iter().enumerate() {
        let from = shown.view.rows.iter().find(|row| row.is_from && row.stage == Some(stage));
        if let Some(from) = from {
            let message = Message::Command(CommandMessage::InstructionEntered(from.idx));
            add(column.name.clone(), "Stage", None, message);
        }
    }
    for (idx, example) in EXAMPLES.iter().enumerate() {
        add(example.title.to_owned(), "Example", None, Message::ExampleChosen(idx));
    }
    let mut file = |path: String| {
        let message = Message::Command(CommandMessage::FileEntered(path.clone()));
        add(path, "File", None, message);
    };
    for (path, _) in shown.state.session.now.files.iter().filter(|(_, entry)| !entry.is_dir()) {
        file(path);
    }
    let inferred =
        shown.view.files.rows.iter().filter(|row| row.status == FileStatus::Inferred && row.folder.is_none());
    inferred.for_each(|row| file(row.path.clone()));
    found
}

fn is_palette(message: &Message) -> bool {
    *message == Message::Command(CommandMessage::DialogOpened(super::Dialog::Palette))
}
