//! What a build is given, and what can be seen of the files that steps leave behind.
//!
//! The files of an image are [`Files`], as in BuildKit's simulation: copied ones
//! are known, what a command writes is not.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::convert::target_path;
use super::hash::{self, Bytes};
use super::plan::{Action, Base, CopyPlan, DockerfilePlace, Plan, PlanStep};
use crate::cache::files::Files;
use crate::cache::made::as_stored;
use crate::context::ignore::Packed;
use crate::context::{Entry, Tree, normal_path};
use crate::graph::{CopyAction, FileAction, FileInput};

/// What a build is given besides the plan.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The build context as the client packs it.
    pub context: Rc<Packed>,
    /// The bytes of files, as far as they are at hand.
    pub bytes: Bytes,
    /// What is known of the files of images, by full name.
    pub images: BTreeMap<String, BaseFiles>,
}

/// What is known of an image's files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BaseFiles {
    /// Files that it has.
    pub tree: Rc<Tree>,
    /// A folder that is not among them is not there.
    pub has_all_folders: bool,
}

/// The command that each step stores, with the real sums, as far as they are
/// known: not of a copy from an image, nor where bytes of a file are not at hand.
#[must_use]
pub fn commands(plan: &Plan, inputs: &Inputs) -> Vec<Option<Vec<String>>> {
    let of_step = |step: &PlanStep| match &step.action {
        Action::Copy(copy) if copy.from.is_none() => {
            let is_random = has_random_ignore_file(plan, inputs)
                && hash::takes(&inputs.context.tree, &copy.sources, IGNORE_FILE);
            let sum = hash::real(&inputs.context, &copy.sources, &inputs.bytes).ok().flatten();
            sum.filter(|_| !is_random).map(|sum| copy.command(&sum))
        }
        action => action.command(),
    };
    plan.steps.iter().map(of_step).collect()
}

pub(super) const IGNORE_FILE: &str = ".dockerignore";

/// The client writes a random name into the `.dockerignore` that it sends.
pub(super) fn has_random_ignore_file(plan: &Plan, inputs: &Inputs) -> bool {
    plan.place == DockerfilePlace::Outside && inputs.context.tree.get(IGNORE_FILE).is_some()
}

/// The copy takes a `.dockerignore` that is another one at each build.
pub(super) fn takes_random(plan: &Plan, inputs: &Inputs, copy: &CopyPlan) -> bool {
    has_random_ignore_file(plan, inputs)
        && copy.from.is_none()
        && hash::takes(&inputs.context.tree, &copy.sources, IGNORE_FILE)
}

/// The files of an image: what is known of them, on what is known by name only.
pub(super) fn image_files(base: &Base, inputs: &Inputs) -> Rc<Files> {
    let Base::Image { reference, image } = base else { return Rc::new(Files::Empty) };
    let on = Files::Opaque { token: base.files_token(), reruns: BTreeSet::new(), keeps: None };
    let known = inputs.images.get(reference);
    let mut tree = known.map_or_else(Tree::default, |known| known.tree.as_ref().clone());
    // Whoever made an image with a working directory has most likely made the folder, too.
    let folder = normal_path(&image.config.config.working_dir);
    if !known.is_some_and(|known| known.has_all_folders) && !folder.is_empty() {
        tree.insert(&folder, Entry::dir());
    }
    Rc::new(Files::Overlay { on: Rc::new(on), tree: Rc::new(tree), reruns: BTreeSet::new() })
}

/// What a later build finds. Once a command ran that is known to change no files, it is known that
/// what stood there stands there still.
pub(super) fn settled(files: &Rc<Files>, n_builds: usize) -> Rc<Files> {
    fn look_through(files: &Rc<Files>) -> Rc<Files> {
        match files.as_ref() {
            Files::Opaque { keeps: Some(below), .. } => look_through(below),
            Files::Overlay { on, tree, reruns } => Rc::new(Files::Overlay {
                on: look_through(on),
                tree: Rc::clone(tree),
                reruns: reruns.clone(),
            }),
            Files::Opaque { keeps: None, .. } | Files::Empty | Files::Whole(_) => Rc::clone(files),
        }
    }
    as_stored(&look_through(files), &[], n_builds)
}

/// The copies of a step, one on top of the other.
pub(super) fn copy_actions(copy: &CopyPlan, working_dir: &str) -> Vec<FileAction> {
    let dest = target_path(working_dir, &copy.target);
    let action = |(idx, source): (usize, &String)| {
        let on = idx.checked_sub(1).map_or(FileInput::Input(0), FileInput::Action);
        FileAction::Copy(Box::new(CopyAction {
            on,
            from: FileInput::Input(1),
            source: format!("/{}", normal_path(source)),
            dest: dest.clone(),
            chown: copy.chown.clone(),
            chmod: String::new(),
            is_path: true,
            unpacks: copy.is_add,
            includes: Vec::new(),
            excludes: Vec::new(),
            required: Vec::new(),
            created: None,
        }))
    };
    copy.sources.iter().enumerate().map(action).collect()
}

/// A name that an image does not know.
pub(super) enum Unknown {
    User(String),
    Group(String),
}

/// What an image does not know of `user` or `user:group`, where its lists of users and groups are known.
pub(super) fn unknown_name(owner: &str, files: &Files, bytes: &Bytes) -> Option<Unknown> {
    let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
    let is_unknown = |name: &str, list: &str| {
        if name.is_empty() || name.parse::<i64>().is_ok() {
            return false;
        }
        let bytes = files.known_content(list).and_then(|digest| bytes.get(&digest));
        let text = bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        text.is_some_and(|text| !text.lines().any(|line| line.split(':').next() == Some(name)))
    };
    if is_unknown(user, "etc/passwd") {
        return Some(Unknown::User(user.to_owned()));
    }
    is_unknown(group, "etc/group").then(|| Unknown::Group(group.to_owned()))
}

/// The message for an owner that the image does not know.
pub(super) fn unknown_owner(chown: &str, files: &Files, bytes: &Bytes) -> Option<String> {
    // A user alone names a group, too.
    let owner = if chown.contains(':') { chown.to_owned() } else { format!("{chown}:{chown}") };
    let what = match unknown_name(&owner, files, bytes)? {
        Unknown::User(name) => format!("can't find uid for user {name}: no such user: {name}"),
        Unknown::Group(name) => format!("can't find gid for group {name}: no such group: {name}"),
    };
    Some(format!("unable to convert uid/gid chown string to host mapping: {what}"))
}
