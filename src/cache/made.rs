//! What is known of the files that a step leaves behind when it runs.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::files::{CopyOf, Files, add_copy};
use super::reason::Reason;
use super::solve::ImageFiles;
use crate::context::node::Change;
use crate::context::select::Selector;
use crate::context::{Entry, EntryKind, Tree, normal_path};
use crate::digest::{ChainId, Digest, Hasher};
use crate::graph::{BaseImage, CopyAction, Exec, FileAction, FileInput, Op, StepId};

/// The files of an image: those of its topmost layer where they are known, on what is known by name only.
pub(super) fn image_files(token: Digest, base: &BaseImage, known: Option<&ImageFiles>) -> Files {
    let opaque = |token| Files::Opaque { token, reruns: BTreeSet::new(), keeps: None };
    let (Some(known), Some((_, below))) = (known, base.layers.split_last()) else { return opaque(token) };
    let chain = below.iter().fold(None, |chain, layer| Some(ChainId::push(chain, *layer)));
    let on = chain.map_or(Files::Empty, |chain| opaque(Digest::of(chain.to_string().as_bytes())));
    Files::Overlay { on: Rc::new(on), tree: Rc::clone(&known.top_layer), reruns: BTreeSet::new() }
}

/// The files that an operation leaves behind, from those of its inputs.
///
/// # Errors
/// A folder would be copied onto a file.
pub(super) fn files_of(id: StepId, op: &Op, inputs: &[Rc<Files>]) -> Result<Rc<Files>, Reason> {
    let input = |idx: usize| inputs.get(idx).map_or_else(|| Rc::new(Files::Empty), Rc::clone);
    Ok(match op {
        Op::File(actions) => {
            each_action(actions, inputs)?.pop().map_or_else(|| Rc::new(Files::Empty), |last| last.files)
        }
        Op::Merge => put_on(&input(0), &input(1)),
        // A command may write anything anywhere; at most it is known where a file of it stands.
        op => {
            let reruns = BTreeSet::from([id]);
            let words = if let Op::Exec(exec) = op { Words::of(exec) } else { None };
            let keeps = words.as_ref().filter(|words| words.keeps_all).map(|_| input(0));
            let all = Rc::new(Files::Opaque { token: Digest::of(b"rerun"), reruns: reruns.clone(), keeps });
            let Some(path) = words.and_then(|words| words.written) else { return Ok(all) };
            let mut tree = Tree::default();
            tree.insert(&path, Entry::file(Digest::of(b"written"), 0));
            Rc::new(Files::Overlay { on: all, tree: Rc::new(tree), reruns })
        }
    })
}

/// What is there before and after an action of a step.
pub(super) struct Action {
    /// What it adds to.
    pub(super) on: Rc<Files>,
    /// What it copies from.
    pub(super) from: Rc<Files>,
    /// What it leaves.
    pub(super) files: Rc<Files>,
}

/// Does the actions of a step, one after the other.
///
/// # Errors
/// A folder would be copied onto a file.
pub(super) fn each_action(actions: &[FileAction], inputs: &[Rc<Files>]) -> Result<Vec<Action>, Reason> {
    let mut done: Vec<Action> = Vec::new();
    for action in actions {
        let find = |place: &FileInput| {
            let found = match place {
                FileInput::Scratch => None,
                FileInput::Input(idx) => inputs.get(*idx).cloned(),
                FileInput::Action(idx) => done.get(*idx).map(|action| Rc::clone(&action.files)),
            };
            found.unwrap_or_else(|| Rc::new(Files::Empty))
        };
        let mut tree = Tree::default();
        let mut reruns = BTreeSet::new();
        let (on, from) = match action {
            FileAction::Copy(copy) => {
                let (on, from) = (find(&copy.on), find(&copy.from));
                copied(copy, &on, &from, actions.len() > 1, &mut tree, &mut reruns)?;
                (on, from)
            }
            FileAction::Mkdir { on, path, mode, owner, .. } => {
                let below = find(on);
                add_folders(&mut tree, &|folder| below.may_have(folder), path, *mode, owner);
                (below, Rc::new(Files::Empty))
            }
            FileAction::Mkfile { on, path, mode, data } => {
                let entry = Entry::file(Digest::of(data.as_bytes()), data.len() as u64);
                tree.insert(path, Entry { mode: *mode, ..entry });
                (find(on), Rc::new(Files::Empty))
            }
        };
        let files = if tree.is_empty() {
            Rc::clone(&on)
        } else {
            Rc::new(Files::Overlay { on: Rc::clone(&on), tree: Rc::new(tree), reruns })
        };
        done.push(Action { on, from, files });
    }
    Ok(done)
}

/// Puts the files of a copy of its own on top of others.
fn put_on(below: &Rc<Files>, top: &Rc<Files>) -> Rc<Files> {
    match top.as_ref() {
        Files::Empty => Rc::clone(below),
        Files::Overlay { on, tree, reruns } => {
            Rc::new(Files::Overlay { on: put_on(below, on), tree: Rc::clone(tree), reruns: reruns.clone() })
        }
        Files::Whole(_) | Files::Opaque { .. } => Rc::clone(top),
    }
}

/// Puts what a copy makes into a tree, and adds the reruns that decide it.
///
/// # Errors
/// A folder would be copied onto a file.
pub(super) fn copied(
    copy: &CopyAction,
    on: &Files,
    from: &Files,
    is_one_of_many: bool,
    tree: &mut Tree,
    reruns: &mut BTreeSet<StepId>,
) -> Result<(), Reason> {
    let selector = Selector {
        path: copy.source.clone(),
        is_wildcard: copy.is_path,
        follows_links: copy.is_path,
        includes: copy.includes.clone(),
        excludes: copy.excludes.clone(),
    };
    let target = normal_path(&copy.dest);
    if from.is_known_folder(&normal_path(&copy.source)) && on.is_known_file(&target) {
        return Err(Reason::TargetIsFile { path: format!("/{target}") });
    }
    let mode = u32::from_str_radix(&copy.chmod, 8).ok();
    let owner = numeric_owner(&copy.chown);
    let is_special = (!copy.chmod.is_empty() && mode.is_none())
        || (!copy.chown.is_empty() && owner.is_none())
        || (copy.unpacks && copy.source.contains(".t"));
    let options =
        if is_special { format!("{} {} {}", copy.chown, copy.chmod, copy.unpacks) } else { String::new() };
    let made = CopyOf {
        selector: &selector,
        dest: &copy.dest,
        options: &options,
        change: Change::new(mode, owner),
        is_one_of_many: is_one_of_many || on.is_known_folder(&target),
    };
    add_copy(tree, reruns, from, made);
    Ok(())
}

/// What is plain to see of a command.
struct Words {
    /// It surely leaves a file there once it succeeded: its last part sends its output there.
    written: Option<String>,
    /// It is made of nothing but programs that change no files.
    keeps_all: bool,
}

impl Words {
    /// Only plain words are understood.
    fn of(exec: &Exec) -> Option<Self> {
        const QUIET: [&str; 8] = [":", "cat", "echo", "ls", "pwd", "sleep", "test", "true"];
        let is_quiet =
            |part: &str| part.split(' ').find(|word| !word.is_empty()).is_none_or(|it| QUIET.contains(&it));
        let command = match exec.args.as_slice() {
            [shell, flag, command] if shell.ends_with("sh") && flag == "-c" => command,
            [program, ..] => return Some(Self { written: None, keeps_all: is_quiet(program) }),
            [] => return None,
        };
        let is_plain = |ch: char| ch.is_ascii_alphanumeric() || " \n-_./,:=+@%&>$".contains(ch);
        if !command.chars().all(is_plain) {
            return None;
        }
        let parts: Vec<&str> = command.trim().split('\n').flat_map(|line| line.split("&&")).collect();
        if parts.iter().any(|part| part.contains('&')) {
            return None;
        }
        let (last, before) = parts.split_last()?;
        let keeps_before = before.iter().all(|part| !part.contains('>') && is_quiet(part));
        let Some((words, target)) = last.split_once('>') else {
            return Some(Self { written: None, keeps_all: keeps_before && is_quiet(last) });
        };
        let written = Self::target(exec, words, target);
        Some(Self { keeps_all: keeps_before && is_quiet(words) && written.is_some(), written })
    }

    fn target(exec: &Exec, words: &str, target: &str) -> Option<String> {
        let target = target.strip_prefix('>').unwrap_or(target).trim();
        // A number in front of the sign says which output.
        let is_output = words.ends_with(' ');
        let is_path = !target.is_empty() && !target.contains([' ', '>', '$']) && !target.ends_with('/');
        if !is_output || !is_path {
            return None;
        }
        let path = if target.starts_with('/') { target.to_owned() } else { format!("{}/{target}", exec.cwd) };
        let path = normal_path(&path);
        let is_elsewhere = |folder: &str| path == folder || path.starts_with(&format!("{folder}/"));
        let is_mounted = exec.mounts.iter().skip(1).any(|mount| is_elsewhere(&normal_path(&mount.dest)));
        (!is_mounted && !["dev", "proc", "sys"].into_iter().any(is_elsewhere)).then_some(path)
    }
}

/// Adds the folder and those above it that are not there yet.
pub(super) fn add_folders(
    tree: &mut Tree,
    is_there: &dyn Fn(&str) -> bool,
    path: &str,
    mode: u32,
    owner: &str,
) {
    let path = normal_path(path);
    let (uid, gid) =
        if owner.is_empty() { (0, 0) } else { numeric_owner(owner).unwrap_or_else(|| stand_in(owner)) };
    let ends = path.match_indices('/').map(|(idx, _)| idx).chain([path.len()]);
    for folder in ends.filter_map(|end| path.get(..end)) {
        if !folder.is_empty() && !is_there(folder) {
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

/// What a later build finds: bytes that were open are settled now. `known` is what the inputs'
/// files became, so that only what a step adds is looked at.
pub(super) fn as_stored(files: &Rc<Files>, known: &[(&Rc<Files>, &Rc<Files>)], build: usize) -> Rc<Files> {
    if let Some((_, settled)) = known.iter().find(|(open, _)| Rc::ptr_eq(open, files)) {
        return Rc::clone(settled);
    }
    Rc::new(match files.as_ref() {
        Files::Opaque { token, reruns, keeps } => {
            let token = match reruns.first() {
                None => *token,
                // The token names the step that wrote the bytes, so that a step on top sees the same.
                Some(rerun) => {
                    let mut hasher = Hasher::default();
                    hasher.field(&format!("{build} {}", rerun.0));
                    hasher.finish()
                }
            };
            Files::Opaque { token, reruns: BTreeSet::new(), keeps: keeps.clone() }
        }
        Files::Overlay { on, tree, reruns } => {
            let on = as_stored(on, known, build);
            let tree = match reruns.first() {
                None => Rc::clone(tree),
                Some(rerun) => Rc::new(written(tree, build, *rerun)),
            };
            Files::Overlay { on, tree, reruns: BTreeSet::new() }
        }
        Files::Empty | Files::Whole(_) => return Rc::clone(files),
    })
}

/// Files whose bytes were open, as this build has written them.
fn written(tree: &Tree, build: usize, rerun: StepId) -> Tree {
    let mut settled = Tree::default();
    for (path, entry) in tree.iter() {
        let mut entry = entry.clone();
        if let EntryKind::File { digest, .. } = &mut entry.kind {
            let mut hasher = Hasher::default();
            hasher.update(digest.as_bytes());
            hasher.field(&format!("{build} {}", rerun.0));
            *digest = hasher.finish();
        }
        settled.insert(&path, entry);
    }
    settled
}

/// Owner and group of a `--chown` in numbers.
pub(super) fn numeric_owner(chown: &str) -> Option<(u32, u32)> {
    let (user, group) = chown.split_once(':').unwrap_or((chown, chown));
    let user = user.parse().ok()?;
    Some((user, if group.is_empty() { 0 } else { group.parse().ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Option<(Option<String>, bool)> {
        let args = ["/bin/sh", "-c", command].map(str::to_owned).to_vec();
        let exec = Exec { args, cwd: "/w".into(), ..Exec::default() };
        Words::of(&exec).map(|words| (words.written, words.keeps_all))
    }

    #[test]
    fn what_is_plain_to_see() {
        for (command, written, keeps_all) in [
            ("echo a > /out", Some("out"), true),
            ("echo a && echo b >> f", Some("w/f"), true),
            ("make > /log", Some("log"), false),
            ("echo a > /x && rm /x", None, false),
            ("echo 2> /err", None, false),
            ("echo > /dev/null", None, false),
            ("pwd", None, true),
        ] {
            let expected = Some((written.map(str::to_owned), keeps_all));
            assert_eq!(words(command), expected, "{command}");
        }
        // Whether the last part ran cannot be seen.
        assert_eq!(words("test -f a || echo b > /out"), None);
        assert_eq!(words("echo `id` > /out"), None);
    }
}
