//! Targets put together: what each says by itself, what it inherits, and the groups that name it.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::config::{Attribute, Block, Config};
use super::eval::{Evaluator, Scope};
use super::value::Value;
use crate::buildfile::compose::{before_equals, id_of};
use crate::buildfile::draft::Draft;
use crate::buildfile::{Build, Group, MAX_BUILDS, Note, Place, Room, push_note};

/// Targets that inherit from each other, one after the other.
const MAX_INHERITS: usize = 32;

/// Targets that are looked at while they are inherited from, for all builds together.
const MAX_MERGES: usize = 20_000;

/// What notes on what a target inherits are about; no attribute says it anew.
const BELOW: &str = "";

/// Where bake itself runs, in front of a path.
const WORKING_FOLDER: &str = "cwd://";

/// Attributes of a target that bake knows and that have no place in a [`Build`].
const NOT_MODELED: [&str; 12] = [
    "annotations",
    "attest",
    "cache-to",
    "call",
    "description",
    "entitlements",
    "extra-hosts",
    "output",
    "policy",
    "shm-size",
    "ulimits",
    "provenance",
];

/// Puts all together. `renamed` has the names that the label of a matrix became.
pub(super) fn resolve(
    config: &Config<'_>,
    renamed: &[(String, Vec<String>)],
) -> (Vec<Build>, Vec<Group>, Vec<Note>) {
    let evaluator = Evaluator::new(config);
    let mut resolver = Resolver { config, evaluator, drafts: Vec::new(), n_merges: 0, notes: Vec::new() };
    resolver.validate();
    let builds = resolver.builds();
    let groups = resolver.groups(renamed);
    (builds, groups, resolver.notes)
}

/// What the blocks of a target say, what it inherits from, and where it begins.
type Own = Rc<(Draft, Vec<String>, Place)>;

struct Resolver<'a, 'c> {
    config: &'c Config<'a>,
    evaluator: Evaluator<'a, 'c>,
    /// What each target says by itself, with what it inherits from.
    drafts: Vec<(String, Own)>,
    n_merges: usize,
    notes: Vec<Note>,
}

impl<'a> Resolver<'a, '_> {
    /// Conditions of variables, as far as they can be told.
    fn validate(&mut self) {
        let config = self.config;
        for validation in config.variables.iter().flat_map(|variable| &variable.validations) {
            let Some(condition) = validation.attributes.get("condition") else { continue };
            let scope = Scope { names: &[], outer: None };
            if self.evaluator.eval(condition.expr, &scope).to_bool() != Ok(false) {
                continue;
            }
            let said = validation.attributes.get("error_message");
            let said = said.and_then(|it| self.evaluator.eval(it.expr, &scope).to_text().ok());
            let message = format!("a variable is refused: {}", said.unwrap_or_default());
            push_note(&mut self.notes, Note { place: condition.place, message });
        }
    }

    fn builds(&mut self) -> Vec<Build> {
        let mut seen = BTreeSet::new();
        let mut room = Room::default();
        let mut builds = Vec::new();
        let config = self.config;
        for instance in &config.instances {
            if !seen.insert(instance.name.as_str()) {
                continue;
            }
            let mut visited = Vec::new();
            let draft = self.resolved(&instance.name, &mut visited, 0).unwrap_or_default();
            let place = self.own(&instance.name).map_or(Place::START, |own| own.2);
            let build = draft.finish(instance.name.clone(), place);
            if !room.takes(&build) || self.n_merges > MAX_MERGES {
                push_note(&mut self.notes, Room::full(place));
                break;
            }
            builds.push(build);
        }
        builds
    }

    /// A target with what it inherits. What is being resolved already is left out, as bake does.
    fn resolved(
        &mut self,
        name: &str,
        visited: &mut Vec<(String, Option<Rc<Draft>>)>,
        depth: usize,
    ) -> Option<Draft> {
        if let Some((_, known)) = visited.iter().rev().find(|(known, _)| known == name) {
            return known.as_ref().map(|draft| draft.as_ref().clone());
        }
        visited.push((name.to_owned(), None));
        let own = self.own(name)?;
        let (own, inherits, place) = own.as_ref();
        let mut draft = Draft::default();
        for from in inherits {
            self.n_merges += 1;
            if depth >= MAX_INHERITS || self.n_merges > MAX_MERGES {
                draft.note(BELOW, *place, "it inherits from more targets than are looked at".to_owned());
                break;
            }
            let is_known = self.config.instances.iter().any(|instance| instance.name == *from);
            if !is_known {
                draft.note(BELOW, *place, format!("no target is named {from}, which it inherits from"));
            } else if let Some(below) = self.resolved(from, visited, depth + 1) {
                draft.merge(&below);
            }
        }
        draft.merge(own);
        visited.push((name.to_owned(), Some(Rc::new(draft.clone()))));
        Some(draft)
    }

    /// What the blocks of a target say, later ones on top.
    fn own(&mut self, name: &str) -> Option<Own> {
        if let Some((_, known)) = self.drafts.iter().find(|(known, _)| known == name) {
            return Some(Rc::clone(known));
        }
        let config = self.config;
        let mut made: Option<(Draft, Vec<String>, Place)> = None;
        for instance in config.instances.iter().filter(|instance| instance.name == name) {
            let Some(block) = config.targets.get(instance.block_idx) else { continue };
            let (draft, inherits) = self.draft(block, &instance.names);
            match &mut made {
                None => made = Some((draft, inherits, block.place)),
                Some((below, all, _)) => {
                    below.merge(&draft);
                    all.extend(inherits);
                }
            }
        }
        let made = Rc::new(made?);
        self.drafts.push((name.to_owned(), Rc::clone(&made)));
        Some(made)
    }

    fn draft(&mut self, block: &Block<'a>, names: &[(String, Value)]) -> (Draft, Vec<String>) {
        let mut draft = Draft::default();
        let mut inherits = Vec::new();
        for (key, attribute) in &block.attributes {
            let key = key.as_str();
            if matches!(key, "matrix" | "name") {
                continue;
            }
            if NOT_MODELED.contains(&key) {
                draft.ignored.insert(key.to_owned());
                continue;
            }
            let value = self.evaluator.eval(attribute.expr, &Scope { names, outer: None });
            draft.say(key);
            match key {
                "context" | "dockerfile" | "dockerfile-inline" | "target" | "network" => {
                    let text = text(key, &value, attribute, &mut draft);
                    let text = if key == "context" { text.map(|it| folder(&it)) } else { text };
                    *match key {
                        "context" => &mut draft.context,
                        "dockerfile" => &mut draft.dockerfile,
                        "dockerfile-inline" => &mut draft.inline,
                        "target" => &mut draft.target,
                        _ => &mut draft.network,
                    } = text;
                }
                "args" | "labels" | "contexts" => pairs(key, &value, attribute, &mut draft),
                "no-cache" | "pull" => match value.to_bool() {
                    Ok(is_on) if key == "pull" => draft.pull = Some(is_on),
                    Ok(is_on) => draft.no_cache = Some(is_on),
                    Err(_) if value == Value::Null => {}
                    Err(why) => refuse(key, &why, attribute.place, &mut draft),
                },
                "inherits" => inherits = texts(key, &value, attribute, &mut draft).unwrap_or_default(),
                "platforms" => draft.platforms = texts(key, &value, attribute, &mut draft),
                "tags" => draft.tags = texts(key, &value, attribute, &mut draft),
                "no-cache-filter" => {
                    draft.no_cache_filter = texts(key, &value, attribute, &mut draft).unwrap_or_default();
                }
                "cache-from" => {
                    draft.cache_from = texts(key, &value, attribute, &mut draft).unwrap_or_default();
                }
                "secret" => {
                    let texts = texts(key, &value, attribute, &mut draft).unwrap_or_default();
                    draft.secrets = texts.iter().map(|text| id_of(text)).collect();
                }
                "ssh" => {
                    let texts = texts(key, &value, attribute, &mut draft).unwrap_or_default();
                    draft.ssh = texts.iter().map(|text| before_equals(text)).collect();
                }
                _ => {
                    draft.note(key, attribute.place, format!("bake knows no attribute {key} of a target"));
                    draft.ignored.insert(key.to_owned());
                }
            }
        }
        (draft, inherits)
    }

    /// Groups, with those in them resolved; the label of a matrix is one, too.
    fn groups(&mut self, renamed: &[(String, Vec<String>)]) -> Vec<Group> {
        let config = self.config;
        let mut members: Vec<(String, Vec<String>)> = Vec::new();
        for group in &config.groups {
            let mut draft = Draft::default();
            let mut targets = Vec::new();
            if let Some(attribute) = group.attributes.get("targets") {
                let value = self.evaluator.eval(attribute.expr, &Scope { names: &[], outer: None });
                targets = texts("targets", &value, attribute, &mut draft).unwrap_or_default();
            }
            draft.notes.into_iter().for_each(|(_, note)| push_note(&mut self.notes, note));
            // The last one of a name counts.
            members.retain(|(name, _)| *name != group.label);
            members.push((group.label.clone(), targets));
        }
        members.extend_from_slice(renamed);
        members.truncate(MAX_BUILDS);
        let mut known: BTreeSet<&str> = BTreeSet::new();
        known.extend(config.instances.iter().map(|instance| instance.name.as_str()));
        let mut groups = Vec::new();
        for (name, _) in &members {
            let mut builds = Vec::new();
            let mut visited = BTreeSet::new();
            let mut waiting = vec![name.as_str()];
            let mut taken = BTreeSet::new();
            while let Some(next) = waiting.pop() {
                match members.iter().find(|(name, _)| name == next) {
                    Some((_, targets)) if visited.insert(next) => {
                        waiting.extend(targets.iter().rev().map(String::as_str));
                    }
                    Some(_) => {}
                    None if !known.contains(next) => {
                        let place = config.groups.iter().find(|it| it.label == *name).map(|it| it.place);
                        let message = format!("the group {name} names {next}, which is no target");
                        push_note(&mut self.notes, Note { place: place.unwrap_or(Place::START), message });
                    }
                    None if taken.insert(next) => builds.push(next.to_owned()),
                    None => {}
                }
            }
            groups.push(Group { name: name.clone(), builds });
        }
        groups
    }
}

fn refuse(key: &str, why: &Value, place: Place, draft: &mut Draft) {
    let why = why.unknown().map_or("it cannot be told", |why| why.message.as_str()).to_owned();
    draft.note(key, place, format!("{key}: {why}"));
}

fn text(key: &str, value: &Value, attribute: &Attribute<'_>, draft: &mut Draft) -> Option<String> {
    if *value == Value::Null {
        return None;
    }
    value.to_text().map_err(|why| refuse(key, &why, attribute.place, draft)).ok()
}

/// A folder as it is from where bake runs.
fn folder(text: &str) -> String {
    match text.strip_prefix(WORKING_FOLDER) {
        Some("") => ".".to_owned(),
        Some(path) => path.to_owned(),
        None => text.to_owned(),
    }
}

/// The texts of a list; maps in it are written as on a command line. What cannot be told is left out.
fn texts(key: &str, value: &Value, attribute: &Attribute<'_>, draft: &mut Draft) -> Option<Vec<String>> {
    if *value == Value::Null {
        return None;
    }
    let items = match value {
        Value::List(items) => items.clone(),
        Value::Unknown(_) => {
            refuse(key, value, attribute.place, draft);
            return None;
        }
        other => {
            draft.note(key, attribute.place, format!("{key} has to be a list, not {}", other.kind()));
            return None;
        }
    };
    let mut texts = Vec::new();
    for item in items {
        let text = match &item {
            Value::Map(fields) => {
                let field = |(name, value): (&String, &Value)| Ok(format!("{name}={}", value.to_text()?));
                let present = fields.iter().filter(|(_, value)| **value != Value::Null);
                match (key, fields.get("id")) {
                    ("ssh", Some(id)) => id.to_text(),
                    _ => present.map(field).collect::<Result<Vec<String>, Value>>().map(|it| it.join(",")),
                }
            }
            other => other.to_text(),
        };
        match text {
            Ok(text) => texts.push(text),
            Err(why) => refuse(key, &why, attribute.place, draft),
        }
    }
    Some(texts)
}

/// Texts by name. A null says nothing, so that what is inherited stays.
fn pairs(key: &str, value: &Value, attribute: &Attribute<'_>, draft: &mut Draft) {
    let entries = match value {
        Value::Map(entries) => entries,
        Value::Null => return,
        Value::Unknown(_) => return refuse(key, value, attribute.place, draft),
        other => {
            return draft.note(key, attribute.place, format!("{key} has to be a map, not {}", other.kind()));
        }
    };
    for (name, value) in entries.iter().filter(|(_, value)| **value != Value::Null) {
        let about = format!("{key}.{name}");
        draft.say(&about);
        let text = value.to_text().map_err(|why| {
            let place = attribute.entries.iter().find(|(known, _)| known == name);
            refuse(&about, &why, place.map_or(attribute.place, |(_, place)| *place), draft);
        });
        let pairs = match key {
            "args" => &mut draft.args,
            "labels" => &mut draft.labels,
            _ => &mut draft.contexts,
        };
        let text = if key == "contexts" { text.map(|it| folder(&it)) } else { text };
        pairs.insert(name.clone(), text.ok());
    }
}
