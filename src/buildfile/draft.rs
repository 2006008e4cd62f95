//! A build while it is put together: what is said of it so far.
//!
//! Notes carry the key that they are about: where a later text says something
//! else of that key, what was to be said of the earlier one is no matter.

use std::collections::{BTreeMap, BTreeSet};

use super::{Build, Dockerfile, MAX_NOTES, Note, Place, push_note};

/// Texts by name; `None` for one that is not known here.
pub(super) type Pairs = BTreeMap<String, Option<String>>;

/// What is said of a build.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) context: Option<String>,
    pub(super) dockerfile: Option<String>,
    pub(super) inline: Option<String>,
    pub(super) target: Option<String>,
    pub(super) args: Pairs,
    pub(super) platforms: Option<Vec<String>>,
    pub(super) contexts: Pairs,
    pub(super) no_cache: Option<bool>,
    pub(super) no_cache_filter: Vec<String>,
    pub(super) pull: Option<bool>,
    pub(super) cache_from: Vec<String>,
    pub(super) secrets: Vec<String>,
    pub(super) ssh: Vec<String>,
    pub(super) network: Option<String>,
    pub(super) labels: Pairs,
    pub(super) tags: Option<Vec<String>>,
    pub(super) ignored: BTreeSet<String>,
    /// Keys that say something, `args.NAME` for one of several.
    pub(super) said: BTreeSet<String>,
    pub(super) notes: Vec<(String, Note)>,
}

impl Draft {
    /// Notes something about a key.
    pub(super) fn note(&mut self, key: &str, place: Place, message: String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push((key.to_owned(), Note { place, message }));
        }
    }

    /// A key is said anew.
    pub(super) fn say(&mut self, key: &str) {
        self.notes.retain(|(about, _)| about != key);
        self.said.insert(key.to_owned());
    }

    /// What comes later goes on top, by the rules of bake: most is replaced; arguments, labels
    /// and named contexts are replaced one by one; some lists grow.
    pub(super) fn merge(&mut self, later: &Self) {
        let replace = |old: &mut Option<String>, new: &Option<String>| {
            if new.is_some() {
                old.clone_from(new);
            }
        };
        replace(&mut self.context, &later.context);
        replace(&mut self.dockerfile, &later.dockerfile);
        replace(&mut self.inline, &later.inline);
        replace(&mut self.target, &later.target);
        replace(&mut self.network, &later.network);
        for (old, new) in [
            (&mut self.args, &later.args),
            (&mut self.contexts, &later.contexts),
            (&mut self.labels, &later.labels),
        ] {
            old.extend(new.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        self.no_cache = later.no_cache.or(self.no_cache);
        self.pull = later.pull.or(self.pull);
        for (old, new) in [(&mut self.platforms, &later.platforms), (&mut self.tags, &later.tags)] {
            if new.is_some() {
                old.clone_from(new);
            }
        }
        for (old, new) in [
            (&mut self.no_cache_filter, &later.no_cache_filter),
            (&mut self.cache_from, &later.cache_from),
            (&mut self.secrets, &later.secrets),
            (&mut self.ssh, &later.ssh),
        ] {
            old.extend(new.iter().cloned());
        }
        self.ignored.extend(later.ignored.iter().cloned());
        self.notes.retain(|(key, _)| !later.said.contains(key));
        let n_left = MAX_NOTES.saturating_sub(self.notes.len());
        self.notes.extend(later.notes.iter().take(n_left).cloned());
        self.said.extend(later.said.iter().cloned());
    }

    /// The build, with what is usual where nothing is said.
    pub(super) fn finish(self, name: String, place: Place) -> Build {
        let mut notes = Vec::new();
        self.notes.into_iter().for_each(|(_, note)| push_note(&mut notes, note));
        let dockerfile = match (self.inline, self.dockerfile) {
            (Some(text), _) => Dockerfile::Inline(text),
            (None, Some(path)) if !path.is_empty() => Dockerfile::Path(path),
            (None, _) => Dockerfile::Path("Dockerfile".to_owned()),
        };
        // An empty place takes a named context out again.
        let mut contexts = BTreeMap::new();
        for (name, place) in self.contexts {
            if let Some(place) = place.filter(|place| !place.is_empty()) {
                contexts.insert(name, place);
            }
        }
        Build {
            name,
            place,
            context: self.context.unwrap_or_else(|| ".".to_owned()),
            dockerfile,
            target: self.target.filter(|target| !target.is_empty()),
            args: self.args,
            platforms: once(self.platforms.unwrap_or_default()),
            contexts,
            no_cache: self.no_cache.unwrap_or(false),
            no_cache_filter: once(self.no_cache_filter),
            pull: self.pull.unwrap_or(false),
            cache_from: once(self.cache_from),
            secrets: once(self.secrets),
            ssh: once(self.ssh),
            network: self.network.filter(|network| !network.is_empty()),
            labels: self.labels,
            tags: once(self.tags.unwrap_or_default()),
            ignored: self.ignored.into_iter().collect(),
            notes,
        }
    }
}

/// Each text once, empty ones left out.
fn once(texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.into_iter().filter(|text| !text.is_empty() && seen.insert(text.clone())).collect()
}
