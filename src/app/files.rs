//! The build context as rows: a tree that folds, what happened to each file, who takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::analysis::Analysis;
use super::state::State;
use crate::cache::impact::{FileImpacts, Impact};
use crate::context::{Assumed, Entry, EntryKind, Node, Tree};
use crate::graph::{Graph, StepId};

/// What happened to a file since the last build.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FileStatus {
    /// Nothing.
    Same,
    /// Its bytes.
    Edited,
    /// Its mode or owner, and not its bytes.
    Mode,
    /// Its time only.
    Touched,
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Nobody gave it: a COPY names it.
    Inferred,
}

/// A file or folder of the context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRow {
    /// Its path.
    pub path: String,
    /// How many folders it is in.
    pub depth: usize,
    /// For a folder: whether it is unfolded, and how many files are below it.
    pub folder: Option<Folder>,
    /// What happened to it.
    pub status: FileStatus,
    /// The pattern that hides it, and its line.
    pub ignored_by: Option<(String, u32)>,
    /// It is one of the two texts that are edited elsewhere.
    pub is_text: bool,
    /// Its mode, as `ls` numbers it.
    pub mode: u32,
    /// Mode and owner are assumed.
    pub is_assumed: bool,
    /// Length of a file in bytes.
    pub size_bytes: u64,
    /// Where a link leads.
    pub target: Option<String>,
    /// The lines of the instructions that take it.
    pub taken_by: Vec<u32>,
    /// The lines of the instructions that an edit of it would rebuild, and of those that it may.
    pub rebuilds: Vec<u32>,
    /// Rebuilt if reruns write other bytes.
    pub may_rebuild: Vec<u32>,
}

/// What there is to say of a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Folder {
    /// What is in it is shown.
    pub is_open: bool,
    /// Entries below it.
    pub n_below: usize,
    /// Of those, how many differ from the last build.
    pub n_changed: usize,
}

/// The context panel.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FilesView {
    /// What is shown of the tree.
    pub rows: Vec<FileRow>,
    /// Files and folders in all.
    pub n_entries: usize,
    /// Of those, how many are sent.
    pub n_sent: usize,
    /// How many differ from the last build.
    pub n_changed: usize,
    /// There would be more rows.
    pub is_cut: bool,
    /// Some modes and owners are assumed.
    pub is_assumed: bool,
}

/// Of larger trees rows are shown once their folders are unfolded.
const MAX_UNFOLDED: usize = 60;

/// More rows than this are not shown at once.
const MAX_ROWS: usize = 400;

pub(super) fn files(state: &State, analysis: &Analysis) -> FilesView {
    let old = analysis.last.as_ref().map_or_else(Rc::default, |last| Rc::clone(&last.all));
    let now = &analysis.now.all;
    let mut changed: BTreeMap<String, usize> = BTreeMap::new();
    let mut n_changed = 0;
    if analysis.last.is_some() {
        for path in changed_files(&old, now) {
            n_changed += 1;
            let ends = path.match_indices('/').filter_map(|(idx, _)| path.get(..idx));
            ends.for_each(|folder| *changed.entry(folder.to_owned()).or_default() += 1);
            changed.insert(path, 0);
        }
    }
    let inputs = analysis.now.inputs();
    let graph = analysis.now.shown_graph();
    let mut list = Lister {
        state,
        analysis,
        impacts: graph.map(|graph| (graph, FileImpacts::new(graph, &inputs, analysis.built(), "context"))),
        changed: &changed,
        view: FilesView {
            n_entries: now.len(),
            n_sent: analysis.now.sent.len(),
            n_changed,
            ..FilesView::default()
        },
    };
    let filter = state.file_filter.trim();
    if filter.is_empty() {
        list.folder("", 0, Some(old.root()), Some(now.root()));
    } else {
        for (path, entry) in now.iter().filter(|(path, entry)| !entry.is_dir() && path.contains(filter)) {
            if !list.push(&path, 0, old.get(&path), Some(entry), None) {
                break;
            }
        }
    }
    list.view
}

/// Paths of files and links that differ between two trees, their times included.
pub(super) fn changed_files(old: &Tree, now: &Tree) -> Vec<String> {
    let is_file = |entry: Option<&Entry>| entry.is_some_and(|entry| !entry.is_dir());
    let found = old.differences(now).into_iter();
    found.filter(|it| is_file(it.before) || is_file(it.after)).map(|it| it.path).collect()
}

struct Lister<'a> {
    state: &'a State,
    analysis: &'a Analysis,
    impacts: Option<(&'a Graph, FileImpacts<'a>)>,
    changed: &'a BTreeMap<String, usize>,
    view: FilesView,
}

impl Lister<'_> {
    fn folder(&mut self, path: &str, depth: usize, old: Option<&Rc<Node>>, now: Option<&Rc<Node>>) -> bool {
        let mut names: BTreeSet<&str> =
            now.into_iter().flat_map(|node| node.iter()).map(|(name, _)| name).collect();
        // Of what is gone only what differs is of interest, which keeps large folders cheap.
        if self.changed.contains_key(path) || path.is_empty() {
            names.extend(old.into_iter().flat_map(|node| node.iter()).map(|(name, _)| name));
        }
        let is_large = self.view.n_entries > MAX_UNFOLDED;
        for name in names {
            let full = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            let (then, node) = (old.and_then(|node| node.child(name)), now.and_then(|node| node.child(name)));
            let shown = node.or(then);
            let is_folder = shown.is_some_and(|node| node.entry().is_dir());
            let is_open = is_folder && (is_large == self.state.toggled_folders.contains(&full));
            let folder = shown.filter(|_| is_folder).map(|node| Folder {
                is_open,
                n_below: node.n_below(),
                n_changed: self.changed.get(&full).copied().unwrap_or(0),
            });
            let entries = (then.map(|node| node.entry()), node.map(|node| node.entry()));
            if !self.push(&full, depth, entries.0, entries.1, folder) {
                return false;
            }
            if is_open && !self.folder(&full, depth + 1, then, node) {
                return false;
            }
        }
        true
    }

    /// Adds a row; `false` if there is no room for another.
    fn push(
        &mut self,
        path: &str,
        depth: usize,
        old: Option<&Entry>,
        now: Option<&Entry>,
        folder: Option<Folder>,
    ) -> bool {
        if self.view.rows.len() >= MAX_ROWS {
            self.view.is_cut = true;
            return false;
        }
        let Some(entry) = now.or(old) else { return true };
        let judged = &self.analysis.now;
        let is_inferred = judged.inferred.iter().any(|it| {
            let rest = path.strip_prefix(it.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let status = match (old, now) {
            (_, None) => FileStatus::Deleted,
            (_, Some(_)) if is_inferred => FileStatus::Inferred,
            (None, Some(_)) if self.analysis.last.is_none() => FileStatus::Same,
            (None, Some(_)) => FileStatus::Added,
            (Some(old), Some(now)) if old.kind != now.kind => FileStatus::Edited,
            (Some(old), Some(now)) if old.header_digest() != now.header_digest() => FileStatus::Mode,
            (Some(old), Some(now)) if old.mtime_secs != now.mtime_secs && !now.is_dir() => {
                FileStatus::Touched
            }
            _ => FileStatus::Same,
        };
        let rule = judged.ignore.as_ref().ok().and_then(|list| list.hidden_by(path));
        let mut row = FileRow {
            path: path.to_owned(),
            depth,
            folder,
            status,
            ignored_by: rule.map(|rule| (rule.text.clone(), rule.line)),
            is_text: self.state.session.now.is_text(path),
            mode: entry.mode,
            is_assumed: entry.assumed != Assumed::NOTHING && !is_inferred,
            size_bytes: if let EntryKind::File { size_bytes, .. } = entry.kind { size_bytes } else { 0 },
            target: if let EntryKind::Symlink { target } = &entry.kind { Some(target.clone()) } else { None },
            taken_by: Vec::new(),
            rebuilds: Vec::new(),
            may_rebuild: Vec::new(),
        };
        if let Some((graph, impacts)) = self.impacts.as_ref().filter(|_| now.is_some()) {
            let impact: Rc<Impact> = impacts.of(path);
            row.taken_by = lines(graph, &impacts.takers(path));
            row.rebuilds = lines(graph, &impact.rebuilds);
            row.may_rebuild = lines(graph, &impact.conditional);
        }
        self.view.is_assumed |= row.is_assumed;
        self.view.rows.push(row);
        true
    }
}

/// The lines of the instructions that steps come from, each once.
pub(super) fn lines(graph: &Graph, steps: &BTreeSet<StepId>) -> Vec<u32> {
    let lines = steps.iter().filter_map(|id| graph.step(*id)?.lines).map(|lines| lines.first);
    lines.collect::<BTreeSet<u32>>().into_iter().collect()
}
