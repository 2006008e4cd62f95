//! The Dockerfile front end: lossless lexer, parser, typed instructions, stages.
//!
//! - [`syntax::parse`] turns a text into tokens and nodes and never fails: each
//!   refusal is a value with its place, and the rest of the file stays
//!   understood. Joining the tokens gives the text back, byte for byte.
//! - [`instruction`] gives a node its type; words keep their ranges.
//! - [`stage::Dockerfile`] is the whole file: global arguments, stages, refusals.
//! - [`word`] is the shell lexer: quotes, escapes, `${x:-y}` and its kin.
//!
//! The authority is BuildKit's front end, see the
//! [reference](https://docs.docker.com/reference/dockerfile/); where its
//! behavior surprises, the line that follows it says so. This module knows
//! nothing of a build: no environment, no base image, no context.

pub mod directive;
pub mod error;
pub mod flag;
pub mod heredoc;
pub mod instruction;
pub mod json;
pub mod mount;
mod repair;
mod source;
pub mod stage;
pub mod syntax;
pub mod value;
pub mod word;
