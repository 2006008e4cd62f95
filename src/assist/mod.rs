//! What an editor can offer at a place in a Dockerfile.
//!
//! - [`complete::completions`]: what could stand there.
//! - [`hover::hover`]: what stands there, in a few sentences of our own.
//! - [`names::definition`], [`names::references`], [`rename::rename`]: stages and variables.
//! - [`fold::folds`]: what can be folded.
//! - [`format::format`]: the file in one style, with the same meaning.
//!
//! Words: a *place* is a byte offset; a *spot* is what stands around a place;
//! what is *known* is all that does not stand in the file.
//!
//! All of these are functions of the text and of the [`Dockerfile`] that was
//! read from it. They take any text: completion looks only at what stands before
//! the place, so that an instruction can be refused while it is typed; stages
//! and variables come from the nodes of the parse, which are there whether or
//! not they are refused.
//!
//! Ranges are bytes of the text. An editor that counts otherwise converts them
//! by [`utf16_offset`]. Nothing is looked up elsewhere: no registry is asked for
//! tags, and the files of other images are not known.
//!
//! What each part means is the
//! [reference](https://docs.docker.com/reference/dockerfile/)'s to say; each
//! text links to its place there.
//!
//! [`Dockerfile`]: crate::dockerfile::stage::Dockerfile
//! [`utf16_offset`]: crate::text::utf16_offset

pub mod complete;
mod cursor;
pub mod docs;
pub mod fold;
pub mod format;
pub mod hover;
mod logical;
pub mod names;
mod outline;
mod path;
pub mod rename;
mod scope;
#[cfg(test)]
mod testing;

use std::collections::BTreeMap;

pub use scope::VariableKind;

/// What is known besides the text.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Paths of the context as a build sees it, what the ignore file hides left
    /// out; sorted by bytes. A path that ends with `/` is a folder, needed for empty ones only.
    pub paths: &'a [String],
    /// Names given by `--build-context`.
    pub contexts: &'a [String],
    /// What `--build-arg` gives.
    pub build_args: &'a BTreeMap<String, String>,
    /// Of each stage, by its number, the variables that its base image sets;
    /// empty, or left out at the end, where they are not known.
    pub base_env: &'a [Vec<(String, String)>],
}
