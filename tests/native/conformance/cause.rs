//! First causes: where two builds differ in exactly one thing, every step that
//! is rebuilt has to name that thing.

use std::collections::{BTreeMap, BTreeSet};

use layerlab::cache::Simulation;
use layerlab::cache::reason::Reason;
use layerlab::dockerfile::instruction::Instruction;
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::StepId;
use layerlab::text::Lines;
use serde_json::Value;

use super::cache::{map, text};

/// One build that was judged, to compare the next one with.
pub(super) struct Judged<'a> {
    pub(super) record: &'a Value,
    pub(super) images: &'a Value,
    pub(super) file: Dockerfile,
    /// Its steps, by their ids.
    pub(super) steps: Vec<Shown>,
}

/// What a comparison looks at of a step.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) lines: Option<Lines>,
    pub(super) is_onbuild: bool,
    /// Only an image of the outside makes it.
    pub(super) is_image: bool,
}

impl Judged<'_> {
    fn step(&self, id: StepId) -> Option<&Shown> {
        self.steps.get(id.0)
    }

    /// Every instruction in order.
    fn instructions(&self) -> Vec<&Instruction> {
        let stages = self
            .file
            .stages
            .iter()
            .flat_map(|stage| std::iter::once(&stage.instruction).chain(&stage.instructions));
        self.file.global_args.iter().chain(stages).collect()
    }
}

/// What differs between two builds.
#[derive(Debug)]
enum Thing {
    /// An instruction was edited, added or taken out: then and now, with its first line now.
    Instruction { before: Option<String>, after: Option<(String, u32)> },
    /// A file of a context.
    File(String),
    /// A build argument.
    Argument(String),
    /// Any other option.
    Choice(&'static str),
    /// The image behind a name.
    Base(String),
}

/// How many of the rebuilt steps name the one thing that differs, of how many, and which do not.
pub(super) fn compare(
    before: &Judged<'_>,
    now: &Judged<'_>,
    simulation: &Simulation,
    rebuilt: &[(StepId, &Value)],
) -> (usize, usize, Vec<String>) {
    let mut things = differences(before, now);
    let is_fresh = before.record["result"]["ok"] == true;
    let (Some(thing), true, true) = (things.pop(), things.is_empty(), is_fresh) else {
        return (0, 0, Vec::new());
    };
    if now.record["no_cache"] != false && !matches!(thing, Thing::Choice("no_cache")) {
        return (0, 0, Vec::new());
    }
    let mut notes = Vec::new();
    for (id, expected) in rebuilt {
        let outcome = simulation.step(*id);
        let first = outcome.and_then(|outcome| outcome.first_cause);
        let reason = first.and_then(|first| simulation.step(first)).map(|outcome| &outcome.reason);
        let step = first.and_then(|first| now.step(first));
        // What was found in the cache and yet differs is described by what stands on it.
        let described = simulation.steps.iter().find_map(|other| match &other.reason {
            Reason::ParentDiffers { change, .. } if other.first_cause == first => Some(change.as_ref()),
            _ => None,
        });
        let reason = if reason == Some(&Reason::BuiltEarlier) { described } else { reason };
        let is_named = step.zip(reason).is_some_and(|(step, reason)| names(&thing, step, reason, now));
        if !is_named {
            let at = step.map_or("nothing", |step| step.name.as_str());
            notes.push(format!("{}: {thing:?}, ours is {reason:?} of {at}", text(&expected["name"])));
        }
    }
    (rebuilt.len() - notes.len(), rebuilt.len(), notes)
}

fn differences(before: &Judged<'_>, now: &Judged<'_>) -> Vec<Thing> {
    let (old, new) = (before.record, now.record);
    let mut things = Vec::new();
    for name in different_keys(&old["build_args"], &new["build_args"]) {
        things.push(Thing::Argument(name));
    }
    for key in ["target", "no_cache", "platform", "dockerfile_in_context", "cli"] {
        if old[key] != new[key] {
            things.push(Thing::Choice(key));
        }
    }
    for name in different_keys(&old["frontend_opts"], &new["frontend_opts"]) {
        things.push(Thing::Choice(if name == "no-cache" { "no_cache" } else { "frontend_opts" }));
    }
    let image = |judged: &Judged<'_>, name: &str| {
        let image = &judged.images[text(&judged.record["images"][name])];
        ["id", "layers", "config", "platforms"].map(|key| image[key].clone())
    };
    let images: BTreeSet<&String> =
        map(&old["images"]).chain(map(&new["images"])).map(|(name, _)| name).collect();
    for name in images {
        // Where only the name is new, the Dockerfile differs, and that is counted there.
        let is_in_both = old["images"].get(name).is_some() && new["images"].get(name).is_some();
        if is_in_both && image(before, name) != image(now, name) {
            things.push(Thing::Base(name.clone()));
        }
    }
    let mut contexts = vec![(&old["context"], &new["context"])];
    for name in different_keys(&old["named_contexts"], &new["named_contexts"]) {
        let of = |build: &Value| build["named_contexts"][&name]["files"].is_object();
        if of(old) && of(new) {
            contexts.push((&old["named_contexts"][&name]["files"], &new["named_contexts"][&name]["files"]));
        } else {
            things.push(Thing::Choice("named_contexts"));
        }
    }
    for (old, new) in contexts {
        for path in different_keys(old, new) {
            let without_time = |file: &Value| {
                (
                    file["content"].clone(),
                    file["content_b64"].clone(),
                    file["mode"].clone(),
                    file["symlink"].clone(),
                )
            };
            if without_time(&old[&path]) != without_time(&new[&path]) {
                things.push(Thing::File(path));
            }
        }
    }
    if old["dockerfile"] != new["dockerfile"] {
        let instructions = edited(&before.instructions(), &now.instructions());
        if new["dockerfile_in_context"] == true {
            // The file in the context differs, too.
            things.push(Thing::File("Dockerfile".into()));
        }
        things.extend(instructions);
    }
    things
}

fn different_keys(old: &Value, new: &Value) -> BTreeSet<String> {
    let keys = map(old).chain(map(new)).map(|(name, _)| name);
    keys.filter(|name| old.get(name.as_str()) != new.get(name.as_str())).cloned().collect()
}

/// Edits of instructions: what stands between the equal beginning and the equal end.
fn edited(old: &[&Instruction], new: &[&Instruction]) -> Vec<Thing> {
    let same = |(a, b): &(&&Instruction, &&Instruction)| a.code == b.code;
    let start = old.iter().zip(new).take_while(same).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(same).count();
    let (old, new) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let mut things = Vec::new();
    for idx in 0..old.len().max(new.len()) {
        let before = old.get(idx).map(|placed| placed.code.clone());
        let after = new.get(idx).map(|placed| (placed.code.clone(), placed.lines.first));
        if before.as_deref() != after.as_ref().map(|(code, _)| code.as_str()) {
            things.push(Thing::Instruction { before, after });
        }
    }
    things
}

fn names(thing: &Thing, step: &Shown, reason: &Reason, now: &Judged<'_>) -> bool {
    let code = || {
        let mut all = now.instructions().into_iter();
        all.find(|it| Some(it.lines) == step.lines).map_or("", |it| it.code.as_str())
    };
    // A variable that was expanded in the words of the step itself.
    let expands = |name: &str| {
        matches!(reason, Reason::InstructionChanged { .. } | Reason::SettingChanged { .. })
            && (code().contains(&format!("${name}")) || code().contains(&format!("${{{name}")))
    };
    match thing {
        Thing::File(path) => match reason {
            Reason::FilesChanged { changes } => {
                changes.iter().any(|change| change.path == *path || path.ends_with(".dockerignore"))
            }
            Reason::SourceMissing { path: missing } => missing.trim_start_matches('/') == path,
            _ => false,
        },
        Thing::Argument(name) => match reason {
            Reason::VariableChanged { name: changed, .. } => changed == name,
            Reason::ProxyArgumentsChanged { .. } => name.to_lowercase().ends_with("_proxy"),
            Reason::SettingChanged { name: setting, .. } => {
                expands(name)
                    || (name == "SOURCE_DATE_EPOCH" && setting.contains("SOURCE_DATE_EPOCH"))
                    || (name == "BUILDKIT_CACHE_MOUNT_NS" && setting.contains("mounts"))
                    || (name == "BUILDKIT_SANDBOX_HOSTNAME" && setting.contains("host name"))
            }
            Reason::BaseChanged { .. } | Reason::BaseImageChanged { .. } => step.is_image,
            Reason::InstructionChanged { .. } => {
                expands(name) || derived(name, &now.file).iter().any(|it| expands(it))
            }
            _ => false,
        },
        Thing::Base(name) => match reason {
            Reason::BaseChanged { .. } | Reason::BaseImageChanged { .. } => step.is_image,
            Reason::VariableChanged { .. } | Reason::SettingChanged { .. } => true,
            Reason::InstructionChanged { .. } | Reason::ParentReplaced { .. } => {
                step.is_onbuild || !name.is_empty()
            }
            _ => false,
        },
        Thing::Choice(key) => match reason {
            Reason::CacheIgnored => *key == "no_cache",
            Reason::NeverBuilt | Reason::ParentReplaced { .. } => {
                matches!(*key, "target" | "platform" | "named_contexts" | "cli")
            }
            Reason::BaseChanged { .. } => *key == "named_contexts",
            Reason::SettingChanged { .. } => matches!(*key, "platform" | "frontend_opts"),
            Reason::VariableChanged { name, .. } => *key == "platform" && name.starts_with("TARGET"),
            Reason::FilesChanged { changes } => {
                *key == "named_contexts"
                    || (*key == "dockerfile_in_context"
                        && changes.iter().any(|change| change.path == "Dockerfile"))
            }
            Reason::RandomIgnoreFile => *key == "dockerfile_in_context",
            // `--label` makes an instruction of its own.
            Reason::InstructionChanged { .. } if *key == "cli" => step.lines.is_none(),
            Reason::InstructionChanged { .. } => *key == "platform" && code().contains('$'),
            _ => false,
        },
        Thing::Instruction { before, after } => {
            let is_at_line =
                after.as_ref().is_some_and(|(_, line)| step.lines.is_some_and(|it| it.first == *line));
            let words = [before.as_deref(), after.as_ref().map(|(code, _)| code.as_str())];
            let keyword = |code: &str| code.split_whitespace().next().unwrap_or("").to_uppercase();
            let is_kind = |kind: &str| words.iter().flatten().any(|code| keyword(code) == kind);
            let mentions = |name: &str| words.iter().flatten().any(|code| code.contains(name));
            if is_at_line {
                return true;
            }
            match reason {
                Reason::VariableChanged { name, .. } => mentions(name),
                Reason::VariableOrderChanged => is_kind("ENV") || is_kind("ARG"),
                Reason::SettingChanged { name, before, after } => {
                    (is_kind("USER") && name.contains("user"))
                        || (is_kind("FROM") && name.contains("platform"))
                        || (is_kind("WORKDIR") && (name.contains("directory") || name.contains("target")))
                        || (is_kind("SHELL") && name.contains("shell"))
                        || ((is_kind("ENV") || is_kind("ARG")) && (mentions(before) || mentions(after)))
                }
                // The text of a step that holds a variable of the edited line.
                Reason::InstructionChanged { .. } => {
                    (is_kind("ENV") || is_kind("ARG")) && code().contains('$')
                }
                Reason::ParentReplaced { before: gone, .. } => {
                    words[0].is_some_and(|code| same_words(code, gone))
                }
                Reason::BaseChanged { .. } | Reason::BaseImageChanged { .. } => {
                    is_kind("FROM") || is_kind("ARG")
                }
                _ => false,
            }
        }
    }
}

/// The same instruction but for its keyword's case and what was expanded.
fn same_words(code: &str, shown: &str) -> bool {
    let normal = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_lowercase).collect() };
    let (code, shown) = (normal(code), normal(shown));
    code.first() == shown.first()
        && code.len() == shown.len()
        && code.iter().zip(&shown).all(|(a, b)| a == b || a.contains('$'))
}

/// Variables whose default holds the argument.
fn derived(name: &str, file: &Dockerfile) -> Vec<String> {
    let all = file.stages.iter().flat_map(|stage| &stage.instructions).chain(&file.global_args);
    let mut found: BTreeMap<String, ()> = BTreeMap::new();
    for instruction in all {
        let code = &instruction.code;
        let keyword = instruction.keyword.value.to_uppercase();
        if matches!(keyword.as_str(), "ENV" | "ARG")
            && (code.contains(&format!("${name}")) || code.contains(&format!("${{{name}")))
        {
            for word in code.split_whitespace().skip(1) {
                found.insert(word.split('=').next().unwrap_or("").to_owned(), ());
            }
        }
    }
    found.into_keys().collect()
}
