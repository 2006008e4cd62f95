//! Changes that one would expect to rebuild something, and why they do not.

use std::collections::BTreeSet;

use super::analysis::{Analysis, Judged};
use super::rows::{InstructionRow, one_line};
use super::state::State;
use crate::context::Entry;
use crate::graph::{Graph, Op, Role, StageId};

/// Why a change leaves steps in the cache.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Survival {
    /// Only a file's time changed.
    Touched {
        /// The file.
        path: String,
    },
    /// A pattern keeps the file out of what is sent.
    Ignored {
        /// The file.
        path: String,
        /// The pattern.
        pattern: String,
        /// Its line in the ignore file.
        line: u32,
    },
    /// No instruction takes the file.
    NotTaken {
        /// The file.
        path: String,
    },
    /// The mode or owner of a folder that was there: a transfer does not notice.
    FolderUnnoticed {
        /// The folder.
        path: String,
    },
    /// An instruction that edits the configuration of the image only.
    Metadata {
        /// Its keyword.
        keyword: String,
        /// Its line; none if it is gone.
        line: Option<u32>,
        /// The stage that it stands in.
        stage: Option<usize>,
    },
    /// A build argument that no instruction declares.
    Undeclared {
        /// Its name.
        name: String,
    },
    /// The tag of a base moved to an image with the same layers.
    SameLayers {
        /// The image's name.
        reference: String,
    },
    /// The tag of a base moved, but the engine takes the image that it holds.
    NotPulled {
        /// The image's name.
        reference: String,
    },
}

impl Survival {
    /// One sentence, without a full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Touched { path } => {
                format!("{path} was touched: only its time changed, and times never count")
            }
            Self::Ignored { path, pattern, line } => format!(
                "{path} is left out by “{pattern}” (.dockerignore line {line}), so its change never counts"
            ),
            Self::NotTaken { path } => format!("no instruction takes {path}, so its change never counts"),
            Self::FolderUnnoticed { path } => {
                format!(
                    "the mode of the folder {path} changed, which the transfer of a context does not notice"
                )
            }
            Self::Metadata { keyword, line: Some(_), .. } => {
                format!("{keyword} changed: that edits the image configuration and makes no step")
            }
            Self::Metadata { keyword, line: None, .. } => {
                format!("{keyword} is gone: that edits the image configuration and makes no step")
            }
            Self::Undeclared { name } => {
                format!("the build argument {name} changed, but no ARG declares it")
            }
            Self::SameLayers { reference } => {
                format!("{reference} has a new digest but the same layers, and only layers count")
            }
            Self::NotPulled { reference } => {
                format!(
                    "{reference} moved at the registry, but without --pull the engine takes the image that it holds"
                )
            }
        }
    }

    /// Someone who looks at this instruction would expect the change to matter for it.
    fn concerns(&self, row: &InstructionRow, graph: &Graph) -> bool {
        let reads_context = || {
            let inputs = row.steps.iter().filter_map(|id| graph.step(*id)).flat_map(|step| &step.inputs);
            inputs.filter_map(|id| graph.step(*id)).any(|input| matches!(input.op, Op::Local { .. }))
        };
        match self {
            Self::Touched { .. }
            | Self::Ignored { .. }
            | Self::NotTaken { .. }
            | Self::FolderUnnoticed { .. } => reads_context(),
            Self::Metadata { line, stage, .. } => {
                *stage == row.stage && line.is_none_or(|line| line <= row.lines.first)
            }
            Self::Undeclared { .. } => row.makes_layer,
            Self::SameLayers { reference } | Self::NotPulled { reference } => {
                let base = row.stage.and_then(|stage| base_of(graph, StageId(stage)));
                base.is_some_and(|base| base == reference)
            }
        }
    }
}

/// The image that a stage begins with, through the stages before it.
fn base_of(graph: &Graph, stage: StageId) -> Option<&str> {
    let mut at = stage;
    for _ in 0..graph.stages.len() {
        match graph.stages.get(at.0)?.parent {
            Some(parent) => at = parent,
            None => break,
        }
    }
    let images = graph.steps.iter().filter(|step| step.stage == Some(at));
    images.into_iter().find_map(|step| match &step.op {
        Op::Image { reference, .. } => Some(reference.as_str()),
        _ => None,
    })
}

/// More of one kind say no more.
const MAX_FILES: usize = 20;

/// Changes since the last build that rebuild nothing by themselves.
pub(super) fn survivals(state: &State, analysis: &Analysis) -> Vec<Survival> {
    let (Some(last), Some(graph)) = (&analysis.last, analysis.now.shown_graph()) else { return Vec::new() };
    let mut found = files(state, analysis, last);
    found.extend(arguments(analysis, last));
    for (reference, now) in &analysis.now.bases {
        let moved = state.session.now.bases.get(reference).copied().unwrap_or_default();
        match last.bases.get(reference) {
            _ if moved != *now => found.push(Survival::NotPulled { reference: reference.clone() }),
            Some(then) if then != now && then.n_layers == now.n_layers => {
                found.push(Survival::SameLayers { reference: reference.clone() });
            }
            _ => {}
        }
    }
    if let Ok(old) = &last.graph {
        found.extend(metadata(old, graph));
    }
    found
}

/// Those that concern an instruction.
pub(super) fn concerning(found: &[Survival], row: &InstructionRow, graph: Option<&Graph>) -> Vec<Survival> {
    let Some(graph) = graph else { return Vec::new() };
    found.iter().filter(|survival| survival.concerns(row, graph)).cloned().collect()
}

fn files(state: &State, analysis: &Analysis, last: &Judged) -> Vec<Survival> {
    let mut found = Vec::new();
    let Some(graph) = analysis.now.shown_graph() else { return found };
    let inputs = analysis.now.inputs();
    let impacts = crate::cache::impact::FileImpacts::new(graph, &inputs, analysis.built(), "context");
    for it in last.all.differences(&analysis.now.all) {
        if found.len() >= MAX_FILES {
            break;
        }
        let path = it.path;
        let header = |entry: Option<&Entry>| entry.map(Entry::header_digest);
        let is_dir = |entry: Option<&Entry>| entry.is_some_and(Entry::is_dir);
        let rule = analysis.now.ignore.as_ref().ok().and_then(|list| list.hidden_by(&path));
        let is_text = state.session.now.is_text(&path);
        let was_sent = last.sent.get(&path).is_some();
        match rule {
            None if is_dir(it.before) && is_dir(it.after) && header(it.before) != header(it.after) => {
                found.push(Survival::FolderUnnoticed { path });
            }
            _ if is_dir(it.before) || is_dir(it.after) => {}
            _ if header(it.before) == header(it.after) => found.push(Survival::Touched { path }),
            Some(rule) if !is_text && !was_sent => {
                found.push(Survival::Ignored { path, pattern: rule.text.clone(), line: rule.line });
            }
            None if !is_text && impacts.takers(&path).is_empty() => found.push(Survival::NotTaken { path }),
            _ => {}
        }
    }
    found
}

fn arguments(analysis: &Analysis, last: &Judged) -> Vec<Survival> {
    let (before, now) = (&last.options.build_args, &analysis.now.options.build_args);
    let declares = |name: &str| {
        let mut args = analysis.now.file.parse.nodes.iter().filter(|node| node.keyword_upper() == "ARG");
        args.any(|node| node.args.iter().any(|arg| arg.value.split('=').next() == Some(name)))
    };
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let is_idle = |name: &&String| before.get(*name) != now.get(*name) && !declares(name);
    names.into_iter().filter(is_idle).map(|name| Survival::Undeclared { name: name.clone() }).collect()
}

fn metadata(old: &Graph, now: &Graph) -> Vec<Survival> {
    let list = |graph: &Graph| -> Vec<(Option<usize>, String, String, u32)> {
        let counts = |keyword: &str| matches!(keyword, "ENV" | "ARG" | "USER" | "SHELL");
        let metadata = graph.placed.iter().filter(|it| it.role == Role::Metadata && !counts(&it.keyword));
        metadata
            .map(|it| (it.stage.map(|stage| stage.0), it.keyword.clone(), one_line(&it.code), it.lines.first))
            .collect()
    };
    let (before, after) = (list(old), list(now));
    let mut found = Vec::new();
    for (stage, keyword, code, line) in &after {
        if !before.iter().any(|(_, _, old, _)| old == code) {
            found.push(Survival::Metadata { keyword: keyword.clone(), line: Some(*line), stage: *stage });
        }
    }
    for (stage, keyword, code, _) in &before {
        let is_there = after.iter().any(|(_, other, now, _)| now == code || other == keyword);
        if !is_there {
            found.push(Survival::Metadata { keyword: keyword.clone(), line: None, stage: *stage });
        }
    }
    found
}
