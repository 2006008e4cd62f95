//! Stages as they stand in the text, whatever of their instructions is refused.
//!
//! ```text
//! FROM   finds the last stage of a name above it, spelled exactly in lower case
//! COPY   finds the last stage of a name in the whole file, in any case, or a stage by its number
//! mount  finds the last stage of a name in the whole file, in any case
//! ```
//!
//! That is BuildKit's order: FROM lines are resolved as they come, the others
//! once all stages are known. One that is found below is refused then.

use crate::dockerfile::mount::Mount;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::{Node, Spanned};
use crate::text::TextRange;

/// A stage by its place in the text.
#[derive(Clone, Debug)]
pub(super) struct StageLines<'a> {
    /// Which node its FROM is.
    pub(super) from: usize,
    /// Behind its last node.
    pub(super) end: usize,
    /// The base, as far as there is one yet.
    pub(super) base: Option<&'a Spanned>,
    /// The name as written, where `AS` stands before it.
    pub(super) name: Option<&'a Spanned>,
}

/// The stages of a file.
pub(super) struct Outline<'a> {
    /// All instructions.
    pub(super) nodes: &'a [Node],
    /// In order.
    pub(super) stages: Vec<StageLines<'a>>,
}

impl<'a> Outline<'a> {
    pub(super) fn of(file: &'a Dockerfile) -> Self {
        let nodes = file.parse.nodes.as_slice();
        let mut stages: Vec<StageLines<'a>> = Vec::new();
        for (idx, node) in nodes.iter().enumerate() {
            if let Some(last) = stages.last_mut() {
                last.end = idx + 1;
            }
            if node.keyword_upper() != "FROM" {
                continue;
            }
            if let Some(last) = stages.last_mut() {
                last.end = idx;
            }
            let name = match node.args.as_slice() {
                [_, word, name, ..] if word.value.eq_ignore_ascii_case("as") => Some(name),
                _ => None,
            };
            stages.push(StageLines { from: idx, end: idx + 1, base: node.args.first(), name });
        }
        Self { nodes, stages }
    }

    /// The stage that a node belongs to; none above the first FROM.
    pub(super) fn stage_of(&self, node: usize) -> Option<usize> {
        self.stages.partition_point(|stage| stage.from <= node).checked_sub(1)
    }

    /// The last node that begins at or before `offset`.
    pub(super) fn node_before(&self, offset: usize) -> Option<usize> {
        self.nodes.partition_point(|node| node.range.start() <= offset).checked_sub(1)
    }

    /// The FROM of a stage.
    pub(super) fn opening(&self, stage: usize) -> Option<&'a Node> {
        self.nodes.get(self.stages.get(stage)?.from)
    }

    /// The stage that a FROM finds under a name.
    pub(super) fn stage_above(&self, stage: usize, name: &str) -> Option<usize> {
        self.stages.iter().take(stage).rposition(|above| is_called(above, name))
    }

    /// The stage that COPY and mounts find under a name.
    pub(super) fn stage_named(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.stages.iter().rposition(|stage| is_called(stage, &name))
    }

    /// The stage that `--from` finds.
    pub(super) fn copy_source(&self, word: &str) -> Option<usize> {
        match word.parse::<i64>() {
            Ok(number) => usize::try_from(number).ok().filter(|idx| *idx < self.stages.len()),
            Err(_) => self.stage_named(word),
        }
    }

    /// Where a stage is told apart: its name, else its base, else its keyword.
    pub(super) fn place_of(&self, stage: usize) -> Option<TextRange> {
        let lines = self.stages.get(stage)?;
        let word = lines.name.or(lines.base);
        Some(word.map_or(self.opening(stage)?.keyword.range, |word| word.range))
    }
}

fn is_called(stage: &StageLines<'_>, name: &str) -> bool {
    stage.name.is_some_and(|own| own.value.to_lowercase() == name)
}

/// A word of an instruction that names where files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceName {
    /// The name.
    pub(super) name: String,
    /// Where it stands.
    pub(super) range: TextRange,
    /// In a COPY, where it may be a number.
    pub(super) is_copy: bool,
}

/// What an instruction copies or mounts from. A trigger's words count for it.
pub(super) fn sources(text: &str, node: &Node) -> Vec<SourceName> {
    let keyword = node.keyword_upper();
    let mut found = Vec::new();
    for flag in &node.flags {
        match keyword.as_str() {
            "COPY" => {
                if let Some(name) = flag.value.strip_prefix("--from=").filter(|name| !name.is_empty()) {
                    let range = flag.part(flag.value.len() - name.len(), flag.value.len());
                    found.push(SourceName { name: name.to_owned(), range, is_copy: true });
                }
            }
            "RUN" => {
                let Some(value) = flag.value.strip_prefix("--mount=") else { continue };
                let Some(name) = Mount::from_name(value).filter(|name| !name.is_empty()) else { continue };
                let fields = mount_fields(text, flag.range);
                let written = fields.iter().rev().find(|field| field.key.eq_ignore_ascii_case("from"));
                let range = written.and_then(|field| field.value_range).unwrap_or(flag.range);
                found.push(SourceName { name, range, is_copy: false });
            }
            _ => {}
        }
    }
    found
}

/// One `key=value` of a mount, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MountField<'t> {
    /// The key.
    pub(super) key: &'t str,
    /// Where it stands.
    pub(super) key_range: TextRange,
    /// Where the value stands, if there is a `=`.
    pub(super) value_range: Option<TextRange>,
}

/// The fields of the `--mount=…` at `range`. Quotes around a field are passed over.
pub(super) fn mount_fields(text: &str, range: TextRange) -> Vec<MountField<'_>> {
    let written = range.of(text);
    let Some(list) = written.find('=').map(|at| at + 1) else { return Vec::new() };
    let mut fields = Vec::new();
    let mut at = range.start() + list;
    for field in written.get(list..).unwrap_or("").split(',') {
        let end = at + field.len();
        let bare = field.trim_matches(['"', '\'']);
        let start = at + field.find(bare).unwrap_or(0);
        let (key, value) = bare.split_once('=').map_or((bare, None), |(key, value)| (key, Some(value)));
        fields.push(MountField {
            key,
            key_range: TextRange::new(start, start + key.len()),
            value_range: value.map(|value| {
                let start = start + key.len() + 1;
                TextRange::new(start, start + value.len())
            }),
        });
        at = end + 1;
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_a_builder_finds_them() {
        let text = "FROM x AS a\nFROM a AS B\nFROM y AS a\nFROM b\nFROM ";
        let file = Dockerfile::read(text);
        let outline = Outline::of(&file);
        assert_eq!(outline.stages.len(), 5);
        assert_eq!((outline.stage_above(1, "a"), outline.stage_above(3, "a")), (Some(0), Some(2)));
        assert_eq!((outline.stage_above(3, "b"), outline.stage_above(3, "B")), (Some(1), None));
        assert_eq!((outline.copy_source("A"), outline.copy_source("1")), (Some(2), Some(1)));
        assert_eq!((outline.copy_source("9"), outline.copy_source("x")), (None, None));
        assert_eq!(outline.place_of(4), Some(TextRange::new(43, 47)));
    }

    #[test]
    fn sources_have_places() {
        let text = "FROM x\nCOPY --from=a . .\nRUN --mount=from=b,target=/x --mount=\"type=bind,From=c\" d\n";
        let file = Dockerfile::read(text);
        let nodes = &file.parse.nodes;
        let found: Vec<_> = nodes.iter().flat_map(|node| sources(text, node)).collect();
        let shown: Vec<_> =
            found.iter().map(|source| (source.name.as_str(), source.range.of(text))).collect();
        assert_eq!(shown, [("a", "a"), ("b", "b"), ("c", "c")]);
    }
}
