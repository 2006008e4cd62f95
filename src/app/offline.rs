//! Whether the page is kept in the browser, so that it opens without a network, and newer builds of it.
//!
//! The browser keeps a page's files by a service worker (<https://w3c.github.io/ServiceWorker/>).
//! One of a newer build waits until the reader agrees, or until no page of the old build is open.

use super::state::State;
use super::update::Effect;

/// Whether the page's files are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Kept {
    /// Nobody has asked for it yet, or this browser cannot.
    #[default]
    No,
    /// They are being written.
    Coming,
    /// They are there.
    Yes,
    /// They could not be had.
    Failed,
}

/// What is known of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Offline {
    /// Whether this build's files are kept.
    pub kept: Kept,
    /// A newer build is kept, too, and waits.
    pub is_update_ready: bool,
    /// The reader put it off; it comes by itself once the page was closed.
    pub is_put_off: bool,
}

impl Offline {
    /// The reader is to be asked about a newer build.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.is_update_ready && !self.is_put_off
    }

    /// One sentence on what is kept.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        match self.kept {
            Kept::No => "This browser does not keep the page: it needs a network to open again.",
            Kept::Coming => "The page is being kept in this browser.",
            Kept::Yes => "The page is kept in this browser: it opens without a network.",
            Kept::Failed => {
                "The page could not be kept in this browser: it needs a network to open again. Reload it to try again."
            }
        }
    }
}

/// What happened around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OfflineMessage {
    /// The browser tells how it stands, and whether a newer build waits.
    Told(Kept, bool),
    /// The reader wants the newer build.
    UpdateWanted,
    /// The reader wants it later.
    UpdatePutOff,
}

pub(super) fn update(state: &mut State, message: OfflineMessage) -> Vec<Effect> {
    let offline = &mut state.offline;
    match message {
        OfflineMessage::Told(kept, is_update_ready) => {
            offline.kept = kept;
            // Another window may let it take over; this one still shows the old build.
            offline.is_update_ready |= is_update_ready;
            Vec::new()
        }
        OfflineMessage::UpdateWanted => vec![Effect::LoadUpdate],
        OfflineMessage::UpdatePutOff => {
            offline.is_put_off = true;
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::Session;

    #[test]
    fn a_newer_build_asks_once_and_stays_known() {
        let mut state = State::new(Session::example(), "test");
        let mut tell = |message| (update(&mut state, message), state.offline);
        let (_, offline) = tell(OfflineMessage::Told(Kept::Yes, false));
        assert_eq!((offline.kept, offline.asks()), (Kept::Yes, false));
        let (_, offline) = tell(OfflineMessage::Told(Kept::Yes, true));
        assert!(offline.asks());
        // Another window took it over.
        let (_, offline) = tell(OfflineMessage::Told(Kept::Yes, false));
        assert!(offline.asks());
        let (effects, _) = tell(OfflineMessage::UpdateWanted);
        assert_eq!(effects, [Effect::LoadUpdate]);
        let (effects, offline) = tell(OfflineMessage::UpdatePutOff);
        assert_eq!((effects, offline.asks(), offline.is_update_ready), (Vec::new(), false, true));
    }
}
