//! Compose files: each service with `build:` is a build.
//!
//! | written | what it is |
//! | --- | --- |
//! | `build: dir` | the context |
//! | a value without quotes | a number is written anew, see [`scalar`](super::scalar) |
//! | `NAME` in a list, null in a map | taken from the environment, which is known only as far as it was given |
//! | `extends` | the service of the same file below it; of another file not known |
//! | several documents | later ones go on top |
//! | `x-bake` | on top: bake takes it, Compose does not |
//!
//! What goes on top replaces texts and switches, adds to lists, and replaces
//! arguments, labels and named contexts one by one
//! ([merging](https://github.com/compose-spec/compose-spec/blob/main/13-merge.md)).

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::draft::Draft;
use super::interpolate::{Refusal, interpolate};
use super::scalar::{switch, text_of};
use super::yaml::{Key, Mark, Node, NodeKind};
use super::{
    Build, BuildFile, BuildFileError, BuildFileErrorKind, Environment, FileKind, MAX_TEXT_BYTES, MAX_VALUES,
    Note, Place, Room, push_note,
};

/// Services that extend each other, one after the other.
const MAX_EXTENDS: usize = 32;

/// Keys of a build that Compose knows and that have no place in a [`Build`].
const NOT_MODELED: [&str; 9] = [
    "cache_to",
    "entitlements",
    "extra_hosts",
    "isolation",
    "privileged",
    "provenance",
    "sbom",
    "shm_size",
    "ulimits",
];

/// Reads the documents of a Compose file.
pub(super) fn read(
    documents: &[Rc<Node>],
    environment: &Environment<'_>,
) -> Result<BuildFile, BuildFileError> {
    let mut notes = Vec::new();
    let mut layers: Vec<&Node> = Vec::new();
    for document in documents.iter().filter(|document| !document.is_null()) {
        if !matches!(document.kind, NodeKind::Map(_)) {
            let what = "a Compose file".to_owned();
            return Err(BuildFileError { place: document.place, kind: BuildFileErrorKind::NotAMap { what } });
        }
        for (key, value) in document.entries() {
            match key.text.as_str() {
                "services" if matches!(value.kind, NodeKind::Map(_)) => layers.push(value),
                "services" if value.is_null() => {}
                "services" => {
                    let kind = BuildFileErrorKind::NotAMap { what: "services".to_owned() };
                    return Err(BuildFileError { place: value.place, kind });
                }
                "include" => {
                    let message = "the files that are included are not read".to_owned();
                    push_note(&mut notes, Note { place: key.place, message });
                }
                _ => {}
            }
        }
    }
    let has_services = documents.iter().any(|document| document.get("services").is_some());
    if !has_services && notes.is_empty() {
        let place = documents.first().map_or(Place::START, |document| document.place);
        return Err(BuildFileError { place, kind: BuildFileErrorKind::NoBuilds });
    }
    let reader = Reader {
        layers,
        environment,
        n_bytes_left: Cell::new(4 * MAX_TEXT_BYTES),
        n_steps_left: Cell::new(5 * MAX_VALUES),
    };
    let builds = reader.builds(&mut notes);
    if builds.is_empty() {
        let message = "no service has a build".to_owned();
        push_note(&mut notes, Note { place: Place::START, message });
    }
    Ok(BuildFile { kind: FileKind::Compose, builds, groups: Vec::new(), notes })
}

struct Reader<'a> {
    /// The services of each document.
    layers: Vec<&'a Node>,
    environment: &'a Environment<'a>,
    /// What values may still make of texts.
    n_bytes_left: Cell<usize>,
    /// Entries that may still be looked at.
    n_steps_left: Cell<usize>,
}

/// A service as far as it is put together.
#[derive(Default)]
struct Service {
    draft: Draft,
    has_build: bool,
    image: Option<String>,
    platform: Option<String>,
}

impl Reader<'_> {
    fn builds(&self, notes: &mut Vec<Note>) -> Vec<Build> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut room = Room::default();
        let mut builds = Vec::new();
        for (key, _) in self.layers.iter().flat_map(|layer| layer.entries()) {
            if !seen.insert(key.text.as_str()) {
                continue;
            }
            let mut service = Service::default();
            self.service(&key.text, key.place, &mut Vec::new(), &mut service);
            if !service.has_build {
                continue;
            }
            let build = service.finish(key);
            if !room.takes(&build) || !self.has_steps() {
                push_note(notes, Room::full(key.place));
                break;
            }
            builds.push(build);
        }
        builds
    }

    /// What each document says of a service goes on top of what the one before said.
    fn service(&self, name: &str, place: Place, below: &mut Vec<String>, service: &mut Service) {
        if below.len() >= MAX_EXTENDS || below.iter().any(|it| it == name) {
            service.draft.note("extends", place, format!("{name} extends itself"));
            return;
        }
        below.push(name.to_owned());
        let mut is_known = false;
        for node in self.layers.iter().filter_map(|layer| layer.get(name)) {
            is_known = true;
            if let Some(extends) = node.get("extends") {
                self.extends(extends, below, service);
            }
            for (key, value) in node.entries() {
                match key.text.as_str() {
                    "build" => self.build(value, service),
                    "image" => service.image = self.text("image", value, &mut service.draft),
                    "platform" => service.platform = self.text("platform", value, &mut service.draft),
                    _ => {}
                }
            }
        }
        if !is_known {
            service.draft.note("extends", place, format!("no service is named {name}"));
        }
        below.pop();
    }

    fn extends(&self, node: &Node, below: &mut Vec<String>, service: &mut Service) {
        if let Some(file) = node.get("file").and_then(|file| text_of(file)) {
            let message = format!("what it extends is in {file}, which is not read");
            service.draft.note("extends", node.place, message);
            return;
        }
        let name = node.get("service").map_or_else(|| text_of(node), |name| text_of(name));
        match name {
            Some(name) => self.service(&name, node.place, below, service),
            None => service.draft.note("extends", node.place, "what it extends is not told".to_owned()),
        }
    }

    fn build(&self, node: &Node, service: &mut Service) {
        if matches!(node.mark, Mark::Reset | Mark::Override) {
            service.draft = Draft::default();
            service.has_build = false;
        }
        if node.mark == Mark::Reset || node.is_null() {
            return;
        }
        service.has_build = true;
        let draft = &mut service.draft;
        match &node.kind {
            NodeKind::Map(entries) => {
                let steps = entries.iter().take_while(|_| self.has_steps());
                steps.for_each(|(key, value)| self.key(key, value, draft));
            }
            NodeKind::Scalar { .. } => {
                draft.say("context");
                draft.context = self.text("context", node, draft);
            }
            NodeKind::List(_) => {
                draft.note("context", node.place, "build has to be a folder or a map".to_owned());
            }
        }
    }

    fn key(&self, key: &Key, value: &Node, draft: &mut Draft) {
        let name = key.text.as_str();
        let is_anew = value.mark != Mark::Nothing;
        if value.mark == Mark::Reset {
            clear(name, draft);
            return;
        }
        match name {
            "context" | "dockerfile" | "dockerfile_inline" | "target" | "network" if value.is_null() => {}
            "context" | "dockerfile" | "dockerfile_inline" | "target" | "network" => {
                draft.say(name);
                let text = self.text(name, value, draft);
                *match name {
                    "context" => &mut draft.context,
                    "dockerfile" => &mut draft.dockerfile,
                    "dockerfile_inline" => &mut draft.inline,
                    "target" => &mut draft.target,
                    _ => &mut draft.network,
                } = text;
            }
            "args" | "labels" | "additional_contexts" => {
                if is_anew {
                    clear(name, draft);
                }
                self.pairs(name, value, draft);
            }
            "platforms" | "cache_from" | "tags" | "no_cache_filter" | "ssh" | "secrets" => {
                if is_anew {
                    clear(name, draft);
                }
                let texts = self.texts(name, value, draft);
                match name {
                    "platforms" => draft.platforms.get_or_insert_default().extend(texts),
                    "tags" => draft.tags.get_or_insert_default().extend(texts),
                    "cache_from" => draft.cache_from.extend(texts),
                    "no_cache_filter" => draft.no_cache_filter.extend(texts),
                    // An id may have a path behind it.
                    "ssh" => draft.ssh.extend(texts.into_iter().map(|text| before_equals(&text))),
                    _ => draft.secrets.extend(texts),
                }
            }
            "no_cache" | "pull" => {
                draft.say(name);
                let is_on = self.switch(name, value, draft);
                *(if name == "pull" { &mut draft.pull } else { &mut draft.no_cache }) = is_on;
            }
            "x-bake" => self.bake(key, value, draft),
            _ if name.starts_with("x-") => {}
            _ => {
                if !NOT_MODELED.contains(&name) {
                    draft.note(name, key.place, format!("Compose knows no key {name} of a build"));
                }
                draft.ignored.insert(name.to_owned());
            }
        }
    }

    /// What bake alone takes. It adds to lists, and what Compose says of a named context goes first.
    fn bake(&self, key: &Key, node: &Node, draft: &mut Draft) {
        let mut names = Vec::new();
        for (key, value) in node.entries() {
            names.push(key.text.as_str());
            let name = key.text.as_str();
            match name {
                "tags" | "platforms" | "cache-from" | "no-cache-filter" | "secret" | "ssh" => {
                    let texts = match &value.kind {
                        // One text is several words.
                        NodeKind::Scalar { .. } => {
                            let text = self.text(name, value, draft).unwrap_or_default();
                            text.split_whitespace().map(str::to_owned).collect()
                        }
                        _ => self.texts(name, value, draft),
                    };
                    match name {
                        "tags" => draft.tags.get_or_insert_default().extend(texts),
                        "platforms" => draft.platforms.get_or_insert_default().extend(texts),
                        "cache-from" => draft.cache_from.extend(texts),
                        "no-cache-filter" => draft.no_cache_filter.extend(texts),
                        "secret" => draft.secrets.extend(texts.iter().map(|text| id_of(text))),
                        _ => draft.ssh.extend(texts.iter().map(|text| before_equals(text))),
                    }
                }
                "pull" => draft.pull = self.switch(name, value, draft).or(draft.pull),
                "no-cache" => draft.no_cache = self.switch(name, value, draft).or(draft.no_cache),
                "contexts" => {
                    let known = draft.contexts.clone();
                    self.pairs("additional_contexts", value, draft);
                    draft.contexts.extend(known);
                }
                _ => {
                    draft.ignored.insert(format!("x-bake.{name}"));
                }
            }
        }
        if !names.is_empty() {
            let message =
                format!("x-bake is for docker buildx bake; Compose does not take its {}", names.join(", "));
            draft.note("x-bake", key.place, message);
        }
    }

    /// A text with values in it. `None` for a null, and for what is not known.
    fn text(&self, about: &str, node: &Node, draft: &mut Draft) -> Option<String> {
        if !matches!(node.kind, NodeKind::Scalar { .. }) {
            draft.note(about, node.place, format!("{about} has to be a text"));
            return None;
        }
        let text = text_of(node)?;
        if !text.contains('$') {
            return Some(text);
        }
        let lookup = |name: &str| self.environment.get(name).map(str::to_owned);
        let most = self.n_bytes_left.get();
        match interpolate(&text, most, &lookup) {
            Ok(done) => {
                self.n_bytes_left.set(most.saturating_sub(done.text.len()));
                for name in &done.unset {
                    let message =
                        format!("{about}: {name} is not known here, so that an empty text stands for it");
                    draft.note(about, node.place, message);
                }
                for (name, said) in &done.required {
                    let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
                    let message = format!("{about}: {name} has to be set, and is not known here{said}");
                    draft.note(about, node.place, message);
                }
                done.required.is_empty().then_some(done.text)
            }
            Err(Refusal::Malformed) => {
                let message = format!("{about}: Compose refuses {}; a plain $ is written $$", brief(&text));
                draft.note(about, node.place, message);
                None
            }
            Err(Refusal::TooLong) => {
                draft.note(about, node.place, format!("{about}: the values make it too long"));
                None
            }
        }
    }

    fn switch(&self, about: &str, node: &Node, draft: &mut Draft) -> Option<bool> {
        let text = self.text(about, node, draft)?;
        let is_on = switch(&text);
        if is_on.is_none() {
            draft.note(about, node.place, format!("{about} has to be true or false, not {}", brief(&text)));
        }
        is_on
    }

    /// Texts by name, of a map or of a list.
    fn pairs(&self, about: &str, node: &Node, draft: &mut Draft) {
        let mut pairs: Vec<(String, Option<String>)> = Vec::new();
        match &node.kind {
            NodeKind::Map(entries) => {
                for (key, value) in entries.iter().take_while(|_| self.has_steps()) {
                    let about = format!("{about}.{}", key.text);
                    draft.say(&about);
                    let text = if value.is_null() {
                        self.untold(&about, &key.text, value.place, draft)
                    } else {
                        self.text(&about, value, draft)
                    };
                    pairs.push((key.text.clone(), text));
                }
            }
            NodeKind::List(items) => {
                for item in items.iter().take_while(|_| self.has_steps()) {
                    let Some(text) = self.text(about, item, draft) else { continue };
                    let (name, value) = text
                        .split_once('=')
                        .map_or((text.as_str(), None), |(name, value)| (name, Some(value)));
                    let about = format!("{about}.{name}");
                    draft.say(&about);
                    let value = match value {
                        Some(value) => Some(value.to_owned()),
                        None => self.untold(&about, name, item.place, draft),
                    };
                    pairs.push((name.to_owned(), value));
                }
            }
            NodeKind::Scalar { .. } if node.is_null() => {}
            NodeKind::Scalar { .. } => {
                draft.note(about, node.place, format!("{about} has to be a map or a list"));
            }
        }
        match about {
            "args" => &mut draft.args,
            "labels" => &mut draft.labels,
            _ => &mut draft.contexts,
        }
        .extend(pairs);
    }

    /// What stands for a value that is not told: of an argument the one of the environment.
    fn untold(&self, about: &str, name: &str, place: Place, draft: &mut Draft) -> Option<String> {
        if !about.starts_with("args.") {
            return Some(String::new());
        }
        let known = self.environment.get(name).map(str::to_owned);
        if known.is_none() {
            let message = format!("{about} comes from the environment, which is not known here");
            draft.note(about, place, message);
        }
        known
    }

    /// Counts a step. Services that extend large ones again and again have to end somewhere.
    fn has_steps(&self) -> bool {
        let n_left = self.n_steps_left.get();
        self.n_steps_left.set(n_left.saturating_sub(1));
        n_left > 0
    }

    /// The texts of a list; of an item that is a map its id, of a map its keys.
    fn texts(&self, about: &str, node: &Node, draft: &mut Draft) -> Vec<String> {
        let mut texts = Vec::new();
        match &node.kind {
            NodeKind::List(items) => {
                for item in items.iter().take_while(|_| self.has_steps()) {
                    let id = ["source", "id", "target"].iter().find_map(|key| item.get(key));
                    match (&item.kind, id) {
                        (NodeKind::Map(_), Some(id)) => texts.extend(self.text(about, id, draft)),
                        (NodeKind::Map(entries), None) => {
                            texts.extend(entries.first().map(|(key, _)| key.text.clone()));
                        }
                        _ => texts.extend(self.text(about, item, draft)),
                    }
                }
            }
            NodeKind::Map(entries) => texts.extend(entries.iter().map(|(key, _)| key.text.clone())),
            NodeKind::Scalar { .. } => texts.extend(self.text(about, node, draft)),
        }
        texts
    }
}

/// What was said of a key is gone.
fn clear(name: &str, draft: &mut Draft) {
    draft.notes.retain(|(about, _)| !about.starts_with(name));
    match name {
        "context" => draft.context = None,
        "dockerfile" => draft.dockerfile = None,
        "dockerfile_inline" => draft.inline = None,
        "target" => draft.target = None,
        "network" => draft.network = None,
        "args" => draft.args.clear(),
        "labels" => draft.labels.clear(),
        "additional_contexts" => draft.contexts.clear(),
        "platforms" => draft.platforms = None,
        "tags" => draft.tags = None,
        "cache_from" => draft.cache_from.clear(),
        "no_cache_filter" => draft.no_cache_filter.clear(),
        "ssh" => draft.ssh.clear(),
        "secrets" => draft.secrets.clear(),
        "no_cache" => draft.no_cache = None,
        "pull" => draft.pull = None,
        _ => drop(draft.ignored.remove(name)),
    }
}

impl Service {
    fn finish(self, key: &Key) -> Build {
        let Self { mut draft, image, platform, .. } = self;
        if let Some(platform) = platform.filter(|it| !it.is_empty()) {
            draft.platforms.get_or_insert_default().push(platform);
        }
        if draft.tags.as_ref().is_none_or(Vec::is_empty) {
            draft.tags = image.map(|image| vec![image]);
        }
        if draft.inline.is_some() && draft.dockerfile.is_some() {
            let message =
                "dockerfile and dockerfile_inline exclude each other; Compose refuses both".to_owned();
            draft.note("dockerfile", key.place, message);
        }
        draft.finish(key.text.clone(), key.place)
    }
}

/// The id in the comma-separated form of a secret.
pub(super) fn id_of(text: &str) -> String {
    let field = |name: &str| {
        text.split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    field("id").or_else(|| field("src")).or_else(|| field("source")).unwrap_or_else(|| text.to_owned())
}

/// What stands in front of an equals sign.
pub(super) fn before_equals(text: &str) -> String {
    text.split('=').next().unwrap_or(text).to_owned()
}

/// A text as it is shown in a note.
pub(super) fn brief(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let line = text.lines().next().unwrap_or("");
    let cut: String = line.chars().take(MAX_CHARS).collect();
    if cut.len() < text.trim_end().len() { format!("{cut}…") } else { cut }
}
