//! Keys: how they are written for a reader's system, and which command a key press means.

use super::table::{COMMANDS, Command};

/// Keys pressed together, joined by `+`: modifiers first, then the key by the name that browsers
/// give it. `Mod` is ⌘ on a Mac and Ctrl elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keys(pub &'static str);

/// A key press, as a browser tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pressed<'a> {
    /// The key's name or the character that it makes.
    pub key: &'a str,
    /// With ⌘ on a Mac, with Ctrl elsewhere.
    pub has_mod: bool,
    /// With Shift.
    pub has_shift: bool,
    /// With another modifier than these.
    pub has_other: bool,
    /// The key goes into a text field or a list.
    pub is_typing: bool,
}

impl Keys {
    /// The keys one by one, as this system writes them.
    #[must_use]
    pub fn parts(self, is_mac: bool) -> Vec<&'static str> {
        let name = |part: &'static str| match (part, is_mac) {
            // The editor's folds have other modifiers there.
            ("Fold", true) => "⌘⌥",
            ("Fold", false) => "Ctrl+Shift",
            ("Mod", true) => "⌘",
            ("Mod", false) => "Ctrl",
            ("Ctrl", true) => "⌃",
            ("Alt", true) => "⌥",
            ("Shift", true) => "⇧",
            ("Enter", true) => "↩",
            ("ArrowUp", _) => "↑",
            ("ArrowDown", _) => "↓",
            ("ArrowLeft", _) => "←",
            ("ArrowRight", _) => "→",
            (part, _) => part,
        };
        if self.0 == "+" { vec!["+"] } else { self.0.split('+').map(name).collect() }
    }

    /// All of them in one word: `Ctrl+K`, or `⌘K`.
    #[must_use]
    pub fn label(self, is_mac: bool) -> String {
        self.parts(is_mac).join(if is_mac { "" } else { "+" })
    }

    fn is(self, pressed: &Pressed<'_>, has_single_keys: bool) -> bool {
        let (has_mod, key) = match self.0.split_once("Mod+") {
            Some((_, key)) => (true, key),
            None => (false, self.0),
        };
        let (has_shift, key) = match key.split_once("Shift+") {
            Some((_, key)) => (true, key),
            None => (false, key),
        };
        // What is typed is text first, and a text has its own undo.
        let is_undo = matches!(key, "Z" | "Y");
        let is_left = pressed.is_typing && (!has_mod || is_undo);
        // A single character may take Shift to make.
        let is_shift_right = !has_mod || has_shift == pressed.has_shift;
        let counts = (has_mod || has_single_keys) && !is_left && is_shift_right;
        counts && pressed.has_mod == has_mod && !pressed.has_other && pressed.key.eq_ignore_ascii_case(key)
    }
}

/// The command that a key press means.
#[must_use]
pub fn meant(pressed: &Pressed<'_>, has_single_keys: bool) -> Option<&'static Command> {
    let is_meant = |keys: &Keys| keys.is(pressed, has_single_keys);
    COMMANDS.iter().find(|command| command.does.is_some() && command.keys.iter().any(is_meant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::analysis::Analysis;
    use crate::app::commands::table::Shown;
    use crate::app::commands::{CommandMessage, Dialog};
    use crate::app::disk::DiskMessage;
    use crate::app::history::History;
    use crate::app::share::{LeaveOut, ShareMessage};
    use crate::app::state::{Session, State};
    use crate::app::update::Message;
    use crate::app::view;

    /// What the key means with and without Ctrl, outside of text and within.
    fn check(
        state: &State,
        key: &str,
        outside: Option<Message>,
        typing: Option<Message>,
        with_mod: Option<Message>,
    ) {
        let history =
            History::replay(&state.session.events, state.session.reruns, &state.session.images, None);
        let analysis = Analysis::new(state, &history, None);
        let view = view::simulate(state, &history, &analysis);
        let shown = Shown { state, view: &view };
        let sent = |pressed: &Pressed<'_>| {
            meant(pressed, state.has_single_keys).and_then(|command| (command.does?)(shown))
        };
        let meant = |has_mod, is_typing| {
            sent(&Pressed { key, has_mod, has_shift: false, has_other: false, is_typing })
        };
        assert_eq!(meant(false, false), outside, "{key}");
        assert_eq!(meant(false, true), typing, "{key} while typing");
        assert_eq!(meant(true, true), with_mod, "Ctrl+{key}");
        let with_alt = Pressed { key, has_mod: false, has_shift: false, has_other: true, is_typing: false };
        assert_eq!(sent(&with_alt), None, "Alt+{key}");
    }

    fn opened(dialog: Dialog) -> Option<Message> {
        Some(Message::Command(CommandMessage::DialogOpened(dialog)))
    }

    #[test]
    fn single_keys_never_fire_in_text_and_can_be_switched_off() {
        let mut state = State::new(Session::example(), "test");
        let first = Some(Message::InstructionSelected(0));
        check(&state, "b", Some(Message::BuildRequested), None, None);
        check(&state, "B", Some(Message::BuildRequested), None, None);
        check(&state, "?", opened(Dialog::Shortcuts), None, None);
        check(&state, "j", first, None, None);
        check(&state, "Enter", None, None, Some(Message::BuildRequested));
        // Nothing has changed, so there is no cause to go to.
        check(&state, "c", None, None, None);
        state.selected = Some(0);
        check(&state, "k", None, None, opened(Dialog::Palette));
        // A text has its own undo, and nothing was done yet that could be done again.
        check(
            &state,
            "s",
            Some(Message::Share(ShareMessage::Changed(Some(LeaveOut::default())))),
            None,
            Some(Message::Disk(DiskMessage::SaveAsked)),
        );
        check(&state, "y", None, None, None);
        state.has_single_keys = false;
        check(&state, "b", None, None, None);
        check(&state, "?", None, None, None);
        check(&state, "k", None, None, opened(Dialog::Palette));
    }

    #[test]
    fn keys_are_written_as_the_system_does() {
        let check = |keys: &'static str, elsewhere: &str, mac: &str| {
            assert_eq!(Keys(keys).label(false), elsewhere);
            assert_eq!(Keys(keys).label(true), mac);
        };
        check("Mod+K", "Ctrl+K", "⌘K");
        check("Shift+Alt+F", "Shift+Alt+F", "⇧⌥F");
        check("Mod+Alt+ArrowUp", "Ctrl+Alt+↑", "⌘⌥↑");
        check("+", "+", "+");
    }
}
