//! What is known of the files that a step leaves behind when it runs.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::files::{CopyOf, Files, add_copy};
use super::solve::ImageFiles;
use crate::context::select::Selector;
use crate::context::{Entry, Tree, normal_path};
use crate::digest::{ChainId, Digest, Hasher};
use crate::graph::{BaseImage, FileAction, FileInput, Op, Step, StepId};

/// The files of an image: those of its topmost layer where they are known, on what is known by name only.
pub(super) fn image_files(token: Digest, base: &BaseImage, known: Option<&ImageFiles>) -> Files {
    let opaque = |token| Files::Opaque { token, reruns: BTreeSet::new() };
    let (Some(known), Some((_, below))) = (known, base.layers.split_last()) else { return opaque(token) };
    let chain = below.iter().fold(None, |chain, layer| Some(ChainId::push(chain, *layer)));
    let on = chain.map_or(Files::Empty, |chain| opaque(Digest::of(chain.to_string().as_bytes())));
    Files::Overlay { on: Rc::new(on), tree: Rc::clone(&known.top_layer), reruns: BTreeSet::new() }
}

/// The files of a step, from those of its inputs.
pub(super) fn files_of(id: StepId, step: &Step, inputs: &[Rc<Files>]) -> Rc<Files> {
    let input = |idx: usize| inputs.get(idx).map_or_else(|| Rc::new(Files::Empty), Rc::clone);
    match &step.op {
        Op::File(actions) => {
            let mut results: Vec<Rc<Files>> = Vec::new();
            for action in actions {
                let find = |place: &FileInput| match place {
                    FileInput::Scratch => Rc::new(Files::Empty),
                    FileInput::Input(idx) => input(*idx),
                    FileInput::Action(idx) => {
                        results.get(*idx).cloned().unwrap_or_else(|| Rc::new(Files::Empty))
                    }
                };
                let mut tree = Tree::default();
                let mut reruns = BTreeSet::new();
                let on = match action {
                    FileAction::Copy(copy) => {
                        let selector = Selector {
                            path: copy.source.clone(),
                            is_wildcard: copy.is_path,
                            follows_links: copy.is_path,
                            includes: copy.includes.clone(),
                            excludes: copy.excludes.clone(),
                        };
                        let mode = u32::from_str_radix(&copy.chmod, 8).ok();
                        let owner = numeric_owner(&copy.chown);
                        let is_special = (!copy.chmod.is_empty() && mode.is_none())
                            || (!copy.chown.is_empty() && owner.is_none())
                            || (copy.unpacks && copy.source.contains(".t"));
                        let options = if is_special {
                            format!("{} {} {}", copy.chown, copy.chmod, copy.unpacks)
                        } else {
                            String::new()
                        };
                        let made = CopyOf {
                            selector: &selector,
                            dest: &copy.dest,
                            options: &options,
                            mode,
                            owner,
                            is_one_of_many: actions.len() > 1,
                        };
                        add_copy(&mut tree, &mut reruns, &find(&copy.from), made);
                        find(&copy.on)
                    }
                    FileAction::Mkdir { on, path, mode, owner, .. } => {
                        let below = find(on);
                        make_folders(&mut tree, &below, path, *mode, owner);
                        below
                    }
                    FileAction::Mkfile { on, path, mode, data } => {
                        let mut entry = Entry::file(Digest::of(data.as_bytes()), data.len() as u64);
                        entry.mode = *mode;
                        tree.insert(path, entry);
                        find(on)
                    }
                };
                results.push(if tree.is_empty() {
                    on
                } else {
                    Rc::new(Files::Overlay { on, tree: Rc::new(tree), reruns })
                });
            }
            results.pop().unwrap_or_else(|| Rc::new(Files::Empty))
        }
        Op::Merge => match (input(0), input(1).as_ref()) {
            (on, Files::Empty) => on,
            (on, Files::Overlay { on: nothing, tree, reruns }) if matches!(**nothing, Files::Empty) => {
                Rc::new(Files::Overlay { on, tree: Rc::clone(tree), reruns: reruns.clone() })
            }
            // Only a copy of its own is ever put on top of something.
            (on, _) => on,
        },
        // A command may write anything anywhere.
        _ => Rc::new(Files::Opaque { token: Digest::of(b"rerun"), reruns: BTreeSet::from([id]) }),
    }
}

/// Adds the folder and those above it that are not there yet.
fn make_folders(tree: &mut Tree, below: &Files, path: &str, mode: u32, owner: &str) {
    let path = normal_path(path);
    let (uid, gid) = if owner.is_empty() { (0, 0) } else { numeric_owner(owner).unwrap_or_else(|| stand_in(owner)) };
    let ends = path.match_indices('/').map(|(idx, _)| idx).chain([path.len()]);
    for folder in ends.filter_map(|end| path.get(..end)) {
        if !folder.is_empty() && !below.may_have(folder) {
            tree.insert(folder, Entry { mode, uid, gid, ..Entry::dir() });
        }
    }
}

/// Numbers for an owner who is known by name only: equal names have equal ones, and no real owner has them.
fn stand_in(owner: &str) -> (u32, u32) {
    let digest = Digest::of(owner.as_bytes());
    let [a, b, c, d, ..] = digest.as_bytes();
    (u32::from_be_bytes([*a | 0x80, *b, *c, *d]), u32::MAX)
}

/// What a later build finds: bytes that were open are settled now.
pub(super) fn as_stored(files: &Rc<Files>, build: usize, id: StepId) -> Files {
    let settled = |token: &str| {
        let mut hasher = Hasher::default();
        hasher.field(token);
        hasher.field(&format!("{build} {}", id.0));
        hasher.finish()
    };
    match files.as_ref() {
        Files::Opaque { token, reruns } => {
            let token = match reruns.first() {
                None => *token,
                // The token names the step that wrote the bytes, so that a step on top sees the same.
                Some(rerun) => {
                    let mut hasher = Hasher::default();
                    hasher.field(&format!("{build} {}", rerun.0));
                    hasher.finish()
                }
            };
            Files::Opaque { token, reruns: BTreeSet::new() }
        }
        Files::Overlay { on, tree, reruns } => {
            let on = Rc::new(as_stored(on, build, id));
            if reruns.is_empty() {
                return Files::Overlay { on, tree: Rc::clone(tree), reruns: BTreeSet::new() };
            }
            Files::Opaque { token: settled("copied"), reruns: BTreeSet::new() }
        }
        other => other.clone(),
    }
}

fn numeric_owner(chown: &str) -> Option<(u32, u32)> {
    let (user, group) = chown.split_once(':').unwrap_or((chown, chown));
    let user = user.parse().ok()?;
    Some((user, if group.is_empty() { 0 } else { group.parse().ok()? }))
}
