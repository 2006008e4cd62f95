//! What survives a reload, as text.
//!
//! The session is written in two parts, so that a key press writes little:
//! texts and settings often, files and builds when they change.

use serde::{Deserialize, Serialize};

use super::state::Session;

/// A part that is written by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Part {
    /// Texts and settings.
    Texts,
    /// The context's files and the remembered builds.
    Files,
}

impl Part {
    /// Both, in the order in which they are restored.
    pub const ALL: [Self; 2] = [Self::Texts, Self::Files];

    /// The name that it is stored under.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Texts => "texts",
            Self::Files => "files",
        }
    }
}

/// Raised when the shape of what is saved changes.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u32,
    session: Session,
}

/// Writes one part.
///
/// # Errors
/// If it has no JSON form; what.
pub fn write(session: &Session, part: Part) -> Result<String, String> {
    let mut session = session.clone();
    match part {
        Part::Texts => {
            session.now.files = std::rc::Rc::default();
            session.builds.clear();
        }
        Part::Files => {
            session.now.dockerfile.clear();
            session.now.dockerignore.clear();
        }
    }
    serde_json::to_string(&Envelope { version: VERSION, session }).map_err(|error| error.to_string())
}

/// Puts the parts together; `None` if nothing was written.
///
/// # Errors
/// If they cannot be read; what.
pub fn read(texts: Option<&str>, files: Option<&str>) -> Result<Option<Session>, String> {
    let part = |text: &str| -> Result<Session, String> {
        let envelope: Envelope = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if envelope.version == VERSION {
            return Ok(envelope.session);
        }
        Err(format!("it was written by version {}", envelope.version))
    };
    let Some(texts) = texts else { return Ok(None) };
    let mut session = part(texts)?;
    // Files that were never changed were never written: they are still those of the example.
    let files = files.map_or_else(|| Ok(Session::example()), part)?;
    session.now.files = files.now.files;
    session.builds = files.builds;
    Ok(Some(session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parts_make_one() {
        let mut session = Session::example();
        session.now.dockerfile.push_str("# typed\n");
        let parts = Part::ALL.map(|part| write(&session, part).unwrap());
        assert_eq!(read(Some(&parts[0]), Some(&parts[1])), Ok(Some(session)));
        assert_eq!(read(None, Some(&parts[1])), Ok(None));
        assert!(read(Some("{"), Some("{}")).is_err());
    }
}
