//! The build context as rows: what happened to each file, and who takes it.

use std::collections::{BTreeMap, BTreeSet};

use super::analysis::Analysis;
use super::state::{Session, State};
use crate::context::{EntryKind, Tree};
use crate::graph::Op;

/// What happened to a file since the last build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileStatus {
    /// Nothing.
    Same,
    /// Its bytes.
    Edited,
    /// Its time only.
    Touched,
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Nobody gave it: a COPY names it.
    Inferred,
}

/// A file of the context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRow {
    /// Its path.
    pub path: String,
    /// What happened to it.
    pub status: FileStatus,
    /// The pattern that hides it, and its line.
    pub ignored_by: Option<(String, u32)>,
    /// It is the Dockerfile or the ignore file, which the editor holds.
    pub is_text: bool,
    /// Lines of the instructions that take it.
    pub taken_by: Vec<u32>,
}

/// The context's files, with what happened to each since the last build.
pub(super) fn files(state: &State, analysis: &Analysis) -> Vec<FileRow> {
    let Session { now, .. } = &state.session;
    let now_tree = &analysis.now.all;
    let old_tree = analysis.last.as_ref().map(|last| &last.all);
    let mut paths: BTreeSet<String> = file_paths(now_tree).collect();
    if let Some(old) = old_tree {
        paths.extend(file_paths(old));
    }
    let takers = takers(analysis);
    let mut rows = Vec::new();
    for path in &paths {
        let path = path.as_str();
        let (entry, old) = (now_tree.get(path), old_tree.and_then(|tree| tree.get(path)));
        let is_inferred = analysis
            .now
            .inferred
            .iter()
            .any(|inferred| path == inferred || path.starts_with(&format!("{inferred}/")));
        let status = match (old, entry) {
            (None, None) | (Some(_), None) => FileStatus::Deleted,
            (_, Some(_)) if is_inferred => FileStatus::Inferred,
            (None, Some(_)) if old_tree.is_none() => FileStatus::Same,
            (None, Some(_)) => FileStatus::Added,
            (Some(old), Some(entry)) if old.kind != entry.kind || old.mode != entry.mode => {
                FileStatus::Edited
            }
            (Some(old), Some(entry)) if old.mtime_secs != entry.mtime_secs => FileStatus::Touched,
            _ => FileStatus::Same,
        };
        let rule = analysis.now.ignore.as_ref().ok().and_then(|list| list.hidden_by(path));
        let is_text = now.has_dockerfile_in_context && matches!(path, "Dockerfile" | ".dockerignore");
        rows.push(FileRow {
            path: path.to_owned(),
            status,
            ignored_by: rule.map(|rule| (rule.text.clone(), rule.line)),
            is_text,
            taken_by: takers.get(path).cloned().unwrap_or_default(),
        });
    }
    rows
}

fn file_paths(tree: &Tree) -> impl Iterator<Item = String> {
    tree.iter().filter(|(_, entry)| !matches!(entry.kind, EntryKind::Dir)).map(|(path, _)| path)
}

/// For each file the lines of the instructions that take it.
fn takers(analysis: &Analysis) -> BTreeMap<String, Vec<u32>> {
    let mut takers: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let Some(graph) = analysis.now.shown_graph() else { return takers };
    for step in &graph.steps {
        for (idx, dep) in crate::cache::key::deps(step).iter().enumerate().filter(|(_, dep)| dep.by_content) {
            let source = step.inputs.get(idx).and_then(|id| graph.step(*id));
            let Some(lines) =
                step.lines.filter(|_| source.is_some_and(|source| matches!(source.op, Op::Local { .. })))
            else {
                continue;
            };
            let Ok(selection) = crate::context::select::select(&analysis.now.sent, &dep.selectors) else {
                continue;
            };
            for (path, _) in selection.files {
                takers.entry(path).or_default().push(lines.first);
            }
        }
    }
    takers
}
