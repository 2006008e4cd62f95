//! Bake files: each target is a build, each place of its matrix by itself.
//!
//! | in the file | what is made of it |
//! | --- | --- |
//! | `variable` | its default, or what the environment says, in the type of the default |
//! | `function`, attributes outside of blocks | evaluated where they are named |
//! | `matrix`, `name` | one target for each combination; the label is their group |
//! | `inherits` | the targets named lie below, later ones on top, the target itself last |
//! | a target twice | the later one on top |
//! | an attribute that cannot be evaluated | a note at it; the others keep their values |
//!
//! JSON is the same with other signs: each text in it is a template.

mod config;
mod eval;
mod function;
mod resolve;
mod value;

use std::rc::Rc;

use self::config::{Config, Places};
use super::yaml::{Node, NodeKind};
use super::{BuildFile, BuildFileError, BuildFileErrorKind, Environment, FileKind, Place};
use crate::text::LineIndex;

/// Reads a bake file in HCL.
pub(super) fn read_hcl(text: &str, environment: &Environment<'_>) -> Result<BuildFile, BuildFileError> {
    let body = hcl_edit::parser::parse_body(text).map_err(|error| {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).max(1);
        let place =
            Place { line: number(error.location().line()), column: number(error.location().column()) };
        let message = error.message().replace('\n', ", ");
        BuildFileError { place, kind: BuildFileErrorKind::Syntax { language: "HCL", message } }
    })?;
    let places = Places { text, lines: LineIndex::new(text) };
    let mut config = Config::default();
    config.take_body(&body, &places);
    config.finish(FileKind::BakeHcl, environment)
}

/// Reads a bake file in JSON.
pub(super) fn read_json(root: &Rc<Node>, environment: &Environment<'_>) -> Result<BuildFile, BuildFileError> {
    if !matches!(root.kind, NodeKind::Map(_)) {
        let kind = BuildFileErrorKind::NotAMap { what: "a bake file".to_owned() };
        return Err(BuildFileError { place: root.place, kind });
    }
    let mut config = Config::default();
    config.take_json(root);
    config.finish(FileKind::BakeJson, environment)
}
