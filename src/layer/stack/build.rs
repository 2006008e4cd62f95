//! Putting a layer on top of a stack.

use std::rc::Rc;

use super::super::LayerTree;
use super::{Delta, Node, NodeId, ROOT, Removal, Stack, State, Version, narrow};
use crate::archive::tar::MemberKind;

impl Stack {
    /// Puts a layer on top.
    pub fn push(&mut self, layer: &LayerTree) {
        let idx = narrow(self.deltas.len());
        let mut delta = Delta {
            replaced: layer.replaced.clone(),
            content_bytes: layer.content_bytes,
            marks_bytes: layer.marks.values().fold(0, |sum, bytes| sum.saturating_add(*bytes)),
            ..Delta::default()
        };
        let mut touched = Vec::new();
        self.touch(ROOT, idx, &mut touched);
        for path in &layer.whiteouts {
            let node = self.find(path).filter(|node| self.was_present(*node, idx));
            delta.whiteouts.push(Removal { path: path.clone(), is_effective: node.is_some() });
            self.remove(node.into_iter().collect(), idx, &mut touched);
        }
        for path in &layer.opaque {
            let hidden = self.find(path).map_or(Vec::new(), |node| self.children(node).to_vec());
            let is_effective = hidden.iter().any(|node| self.was_present(*node, idx));
            delta.opaque.push(Removal { path: path.clone(), is_effective });
            self.remove(hidden, idx, &mut touched);
        }
        // Folders come in front of what is in them.
        for (path, entry) in layer.shared() {
            let node = self.find_or_add(path);
            if entry.kind != MemberKind::Dir {
                let hidden = self.children(node).to_vec();
                self.remove(hidden, idx, &mut touched);
            }
            let Some(version) = self.touch(node, idx, &mut touched) else { continue };
            if !entry.is_implicit {
                version.state = State::Entry(Rc::clone(entry));
                version.written_by = idx;
                delta.written.push(node);
            } else if !version.state.is_dir() {
                version.state = State::Implicit;
                version.written_by = idx;
            }
            if entry.kind == MemberKind::HardLink
                && let Some((target, _)) = layer.linked(path)
            {
                let target = self.find_or_add(target);
                self.links.insert((node, idx), target);
            }
        }
        delta.opaque_nodes = layer.opaque.iter().filter_map(|path| self.find(path)).collect();
        self.add_up(touched, idx, &mut delta);
        self.deltas.push(delta);
    }

    /// Totals of all that was touched and of the folders above, and what is gone.
    fn add_up(&mut self, mut touched: Vec<NodeId>, idx: u32, delta: &mut Delta) {
        let mut at = 0;
        while let Some(node) = touched.get(at).and_then(|id| self.node(*id)) {
            let parent = node.parent;
            self.touch(parent, idx, &mut touched);
            at += 1;
        }
        touched.sort_by_key(|id| std::cmp::Reverse(self.node(*id).map_or(0, |node| node.depth)));
        for id in &touched {
            let Some(node) = self.node(*id) else { continue };
            let (mut total_bytes, mut n_entries) = (0_u64, 0_u64);
            for child in node.children.iter().filter_map(|child| self.node(*child)?.versions.last()) {
                total_bytes = total_bytes.saturating_add(child.total_bytes);
                n_entries = n_entries.saturating_add(child.n_entries);
            }
            let Some(version) = self.node_mut(*id).and_then(|node| node.versions.last_mut()) else {
                continue;
            };
            version.total_bytes = total_bytes.saturating_add(version.state.own_bytes());
            version.n_entries = n_entries + u64::from(version.state != State::Absent);
        }
        for id in touched {
            let is_gone = self.was_present(id, idx) && !self.is_present(id, idx);
            let is_topmost = self.node(id).is_some_and(|node| self.is_present(node.parent, idx));
            if is_gone && is_topmost {
                delta.removed.push(id);
            }
        }
    }

    fn find_or_add(&mut self, path: &str) -> NodeId {
        let mut id = ROOT;
        for name in path.split('/') {
            id = match self.search(id, name) {
                Ok(child) => child,
                Err(at) => {
                    let child = NodeId(narrow(self.nodes.len()));
                    let depth = self.node(id).map_or(0, |node| node.depth).saturating_add(1);
                    let (children, versions) = (Vec::new(), Vec::new());
                    self.nodes.push(Node { name: name.into(), parent: id, depth, children, versions });
                    if let Some(parent) = self.node_mut(id) {
                        parent.children.insert(at.min(parent.children.len()), child);
                    }
                    child
                }
            };
        }
        id
    }

    /// The version of this layer, made from the one before.
    fn touch(&mut self, id: NodeId, layer: u32, touched: &mut Vec<NodeId>) -> Option<&mut Version> {
        let node = self.node_mut(id)?;
        let last = node.versions.last();
        if last.is_none_or(|last| last.layer != layer) {
            let next = match last {
                Some(last) => Version { layer, ..last.clone() },
                None => {
                    let state = if id == ROOT { State::Implicit } else { State::Absent };
                    Version { layer, written_by: layer, state, total_bytes: 0, n_entries: 0 }
                }
            };
            node.versions.push(next);
            touched.push(id);
        }
        self.node_mut(id)?.versions.last_mut()
    }

    /// Removes nodes with all below them; what is not there stays as it is.
    fn remove(&mut self, mut nodes: Vec<NodeId>, layer: u32, touched: &mut Vec<NodeId>) {
        while let Some(id) = nodes.pop() {
            if !self.is_present(id, layer) {
                continue;
            }
            if let Some(version) = self.touch(id, layer, touched) {
                version.state = State::Absent;
                version.written_by = layer;
            }
            nodes.extend(self.children(id));
        }
    }
}
