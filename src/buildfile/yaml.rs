//! YAML as a tree in which each value has its place.
//!
//! The parser gives events; here they become values that aliases share, so that
//! an alias costs nothing however much it stands for. Merge keys (`<<`) copy
//! entries, which are counted. Height is counted through aliases, since dropping
//! and reading go down it.

use std::collections::BTreeSet;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{BuildFileError, BuildFileErrorKind, MAX_DEPTH, MAX_VALUES, Place};

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it begins.
    pub(super) place: Place,
    /// What it is.
    pub(super) kind: NodeKind,
    /// What Compose is told to do with it when files are merged.
    pub(super) mark: Mark,
    /// How deep the values in it go.
    height: u32,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    /// A text; one without quotes may be a number, a boolean or nothing.
    Scalar {
        /// The text.
        text: String,
        /// It has no quotes.
        is_plain: bool,
    },
    /// A list.
    List(Vec<Rc<Node>>),
    /// A map, in its order.
    Map(Vec<(Key, Rc<Node>)>),
}

/// The key of an entry.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its text.
    pub(super) text: String,
    /// Where it is.
    pub(super) place: Place,
}

/// A tag that Compose looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    /// None.
    Nothing,
    /// `!reset`: what was there before is gone.
    Reset,
    /// `!override`: it takes the place of what was there before.
    Override,
}

impl Node {
    pub(super) fn scalar(place: Place, text: String, is_plain: bool) -> Self {
        Self { place, kind: NodeKind::Scalar { text, is_plain }, mark: Mark::Nothing, height: 0 }
    }

    /// The value of a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Rc<Self>> {
        self.entries().iter().find(|(it, _)| it.text == key).map(|(_, value)| value)
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[(Key, Rc<Self>)] {
        if let NodeKind::Map(entries) = &self.kind { entries } else { &[] }
    }

    /// A null, as Compose takes it.
    pub(super) fn is_null(&self) -> bool {
        let NodeKind::Scalar { text, is_plain: true } = &self.kind else { return false };
        matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

/// A list or map whose end has not come.
struct Open {
    place: Place,
    anchor: usize,
    mark: Mark,
    height: u32,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Rc<Node>>),
    Map {
        entries: Vec<(Key, Rc<Node>)>,
        /// A key that waits for its value, and whether it has no quotes.
        key: Option<(Key, bool)>,
        /// What is merged, with its place.
        merged: Vec<(Place, Rc<Node>)>,
    },
}

#[derive(Default)]
struct Reader {
    documents: Vec<Rc<Node>>,
    open: Vec<Open>,
    /// What anchors stand for, by their numbers.
    anchors: Vec<Option<Rc<Node>>>,
    n_values: usize,
    may_repeat_keys: bool,
}

/// The documents of a text.
pub(super) fn read(text: &str) -> Result<Vec<Rc<Node>>, BuildFileError> {
    read_as(text, "YAML", false)
}

/// The same of a language that is written as YAML can be.
pub(super) fn read_as(
    text: &str,
    language: &'static str,
    may_repeat_keys: bool,
) -> Result<Vec<Rc<Node>>, BuildFileError> {
    let mut reader = Reader { may_repeat_keys, ..Reader::default() };
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| BuildFileError {
            place: place_of(error.marker()),
            kind: BuildFileErrorKind::Syntax { language, message: error.info().to_owned() },
        })?;
        reader.event(event, place_of(&span.start))?;
    }
    Ok(reader.documents)
}

fn place_of(marker: &Marker) -> Place {
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Place { line: number(marker.line()).max(1), column: number(marker.col()).saturating_add(1) }
}

fn fail(place: Place, kind: BuildFileErrorKind) -> BuildFileError {
    BuildFileError { place, kind }
}

fn mark_of(tag: Option<&Tag>) -> Mark {
    match tag {
        Some(tag) if tag.handle == "!" && tag.suffix == "reset" => Mark::Reset,
        Some(tag) if tag.handle == "!" && tag.suffix == "override" => Mark::Override,
        _ => Mark::Nothing,
    }
}

impl Reader {
    fn event(&mut self, event: Event<'_>, place: Place) -> Result<(), BuildFileError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref();
                let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let is_plain = style == ScalarStyle::Plain && !is_text;
                let mut node = Node::scalar(place, text.into_owned(), is_plain);
                node.mark = mark_of(tag);
                self.value(Rc::new(node), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(place, anchor, mark_of(tag.as_deref()), OpenKind::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let kind = OpenKind::Map { entries: Vec::new(), key: None, merged: Vec::new() };
                self.begin(place, anchor, mark_of(tag.as_deref()), kind)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => match self.anchors.get(anchor) {
                Some(Some(node)) => {
                    let node = Rc::clone(node);
                    self.value(node, 0)
                }
                // It stands inside of what it names.
                _ => Err(fail(place, BuildFileErrorKind::TooDeep)),
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(
        &mut self,
        place: Place,
        anchor: usize,
        mark: Mark,
        kind: OpenKind,
    ) -> Result<(), BuildFileError> {
        if self.open.len() >= MAX_DEPTH as usize {
            return Err(fail(place, BuildFileErrorKind::TooDeep));
        }
        // Folders of a map as keys of a map would have no name.
        if let Some(Open { kind: OpenKind::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(fail(place, BuildFileErrorKind::KeyIsNoText));
        }
        self.open.push(Open { place, anchor, mark, height: 0, kind });
        Ok(())
    }

    fn end(&mut self) -> Result<(), BuildFileError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let Open { place, anchor, mark, mut height, kind } = open;
        let kind = match kind {
            OpenKind::List(items) => NodeKind::List(items),
            OpenKind::Map { mut entries, merged, .. } => {
                self.refuse_repeated(&entries)?;
                self.merge(&mut entries, &merged, &mut height)?;
                NodeKind::Map(entries)
            }
        };
        self.value(Rc::new(Node { place, kind, mark, height: height + 1 }), anchor)
    }

    fn refuse_repeated(&self, entries: &[(Key, Rc<Node>)]) -> Result<(), BuildFileError> {
        if self.may_repeat_keys {
            return Ok(());
        }
        let mut seen = BTreeSet::new();
        match entries.iter().find(|(key, _)| !seen.insert(key.text.as_str())) {
            Some((key, _)) => {
                Err(fail(key.place, BuildFileErrorKind::DuplicateKey { key: key.text.clone() }))
            }
            None => Ok(()),
        }
    }

    /// Copies entries whose keys are not there yet: what stands in the map goes first, then what is merged first.
    fn merge(
        &mut self,
        entries: &mut Vec<(Key, Rc<Node>)>,
        merged: &[(Place, Rc<Node>)],
        height: &mut u32,
    ) -> Result<(), BuildFileError> {
        if merged.is_empty() {
            return Ok(());
        }
        let mut known: BTreeSet<String> = BTreeSet::new();
        known.extend(entries.iter().map(|(key, _)| key.text.clone()));
        for (place, node) in merged {
            let maps = match &node.kind {
                NodeKind::Map(_) => std::slice::from_ref(node),
                NodeKind::List(maps) => maps.as_slice(),
                NodeKind::Scalar { .. } => return Err(fail(*place, BuildFileErrorKind::MergeOfNoMap)),
            };
            for map in maps {
                let NodeKind::Map(others) = &map.kind else {
                    return Err(fail(*place, BuildFileErrorKind::MergeOfNoMap));
                };
                for (key, value) in others {
                    self.count(*place)?;
                    if known.insert(key.text.clone()) {
                        *height = (*height).max(value.height);
                        entries.push((key.clone(), Rc::clone(value)));
                    }
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, place: Place) -> Result<(), BuildFileError> {
        self.n_values += 1;
        if self.n_values > MAX_VALUES {
            return Err(fail(place, BuildFileErrorKind::TooManyValues));
        }
        Ok(())
    }

    /// A whole value: it goes where one is waited for.
    fn value(&mut self, node: Rc<Node>, anchor: usize) -> Result<(), BuildFileError> {
        self.count(node.place)?;
        if node.height > MAX_DEPTH {
            return Err(fail(node.place, BuildFileErrorKind::TooDeep));
        }
        if anchor > 0 {
            // Anchors are numbered as they come, so that there are no more than values.
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor.saturating_add(1).min(2 * MAX_VALUES), None);
            }
            if let Some(place) = self.anchors.get_mut(anchor) {
                *place = Some(Rc::clone(&node));
            }
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.kind {
            OpenKind::List(items) => {
                open.height = open.height.max(node.height);
                items.push(node);
            }
            OpenKind::Map { entries, key, merged } => match key.take() {
                None => {
                    let NodeKind::Scalar { text, is_plain } = &node.kind else {
                        return Err(fail(node.place, BuildFileErrorKind::KeyIsNoText));
                    };
                    *key = Some((Key { text: text.clone(), place: node.place }, *is_plain));
                }
                Some((key, true)) if key.text == "<<" && !self.may_repeat_keys => {
                    merged.push((key.place, node));
                }
                Some((key, _)) => {
                    open.height = open.height.max(node.height);
                    entries.push((key, node));
                }
            },
        }
        Ok(())
    }
}
