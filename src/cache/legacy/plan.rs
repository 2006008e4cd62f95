//! The steps that the classic builder prints, as data.
//!
//! Each step carries the command that it stores; of a copy all but the sum over
//! its files. What the builder finds out only when it comes to a step is that
//! step's [`PlanStep::refusal`]. How a plan is made is the subject of the file `convert.rs`.

use crate::digest::{Digest, Hasher};
use crate::graph::{BaseImage, StageId, StepId};
use crate::text::{Lines, TextRange};

/// Where the Dockerfile stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DockerfilePlace {
    /// In the context.
    InContext {
        /// Its path there.
        path: String,
    },
    /// Elsewhere, and given by `-f`. The client sends it along under a random
    /// name, and writes that name into the `.dockerignore` that it sends.
    Outside,
}

impl DockerfilePlace {
    /// The file as the builder's messages name it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::InContext { path } => path,
            Self::Outside => ".dockerfile.<random>",
        }
    }
}

/// What a stage begins with, or a copy takes files from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// A stage above.
    Stage(StageId),
    /// An image.
    Image {
        /// Its full name.
        reference: String,
        /// The image.
        image: Box<BaseImage>,
    },
}

impl Base {
    /// What the builder knows an image by: its id, or the digest that stands for one. Where
    /// neither is known, it is made of configuration and layers, or else of the name.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        let Self::Image { reference, image } = self else { return None };
        Some(match &image.digest {
            Some(digest) => digest.clone(),
            None if image.is_known => {
                let mut hasher = Hasher::default();
                hasher.field(&format!("{:?}", (&image.config, &image.layers)));
                hasher.finish().to_string()
            }
            None => reference.clone(),
        })
    }

    /// A token for the files of an image: its layers where they are known.
    #[must_use]
    pub(super) fn files_token(&self) -> Digest {
        let chain = if let Self::Image { image, .. } = self { image.chain() } else { None };
        let name = chain.map(|chain| chain.to_string()).or_else(|| self.id()).unwrap_or_default();
        Digest::of(name.as_bytes())
    }
}

/// A copy, without its files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyPlan {
    /// It is an ADD.
    pub is_add: bool,
    /// The shell in force, which its command begins with.
    pub shell: Vec<String>,
    /// `--chown`, expanded.
    pub chown: String,
    /// What it copies, expanded.
    pub sources: Vec<String>,
    /// Where to, expanded and else as written.
    pub target: String,
    /// Where from; the context where it is not said.
    pub from: Option<Base>,
}

impl CopyPlan {
    /// The command that is stored, given the sum over the files.
    #[must_use]
    pub fn command(&self, sum: &str) -> Vec<String> {
        let keyword = if self.is_add { "ADD" } else { "COPY" };
        let chown = if self.chown.is_empty() { String::new() } else { format!("--chown={}", self.chown) };
        let comment = format!("#(nop) {keyword} {chown}{sum} in {} ", self.target);
        self.shell.iter().cloned().chain([comment]).collect()
    }
}

/// What a step does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// An `ARG` in front of the first FROM. It makes no image.
    GlobalArg,
    /// Begins a stage; its image is that of the base.
    Base(Base),
    /// Changes the configuration; a container is made for it all the same.
    Metadata {
        /// The shell in force.
        shell: Vec<String>,
        /// What stands behind `#(nop) `.
        comment: String,
    },
    /// Sets the working directory, and makes it.
    Workdir {
        /// The shell in force.
        shell: Vec<String>,
        /// The folder.
        path: String,
    },
    /// Runs a command.
    Run {
        /// Build arguments in force, each `NAME=value`, sorted; `None` if there is none at all.
        args: Option<Vec<String>>,
        /// The shell in front of a shell form.
        shell: Vec<String>,
        /// The command.
        words: Vec<String>,
    },
    /// Copies files.
    Copy(Box<CopyPlan>),
    /// Nothing: the builder refuses it when it comes to it.
    Refused,
}

impl Action {
    /// The command that is stored, where it does not depend on files.
    #[must_use]
    pub fn command(&self) -> Option<Vec<String>> {
        let with = |shell: &[String], words: &[String]| shell.iter().chain(words).cloned().collect();
        match self {
            Self::GlobalArg | Self::Base(_) | Self::Copy(_) | Self::Refused => None,
            Self::Metadata { shell, comment } => Some(with(shell, &["#(nop) ".to_owned(), comment.clone()])),
            Self::Workdir { shell, path } => Some(with(shell, &[format!("#(nop) WORKDIR {path}")])),
            Self::Run { args, shell, words } => {
                let args =
                    args.as_ref().map(|args| [vec![format!("|{}", args.len())], args.clone()].concat());
                Some([args.unwrap_or_default(), with(shell, words)].concat())
            }
        }
    }
}

/// One step as it is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanStep {
    /// Its number from 1; `None` for a trigger, which has no line of its own.
    pub index: Option<usize>,
    /// The instruction as written, its lines joined.
    pub text: String,
    /// Its keyword in upper case.
    pub keyword: String,
    /// Its stage; none for an `ARG` in front of the first FROM.
    pub stage: Option<StageId>,
    /// Lines of its instruction; for a trigger those of the FROM, none for `--label`.
    pub lines: Option<Lines>,
    /// Where its instruction stands.
    pub range: TextRange,
    /// The step whose image it builds upon; none for a FROM.
    pub below: Option<StepId>,
    /// What it does.
    pub action: Action,
    /// The working directory in force once it is done; empty for none.
    pub working_dir: String,
    /// The user in force once it is done, as written; empty for none.
    pub user: String,
    /// Why it fails when the builder comes to it, in the builder's words.
    pub refusal: Option<String>,
    /// It comes from a trigger of the base.
    pub is_trigger: bool,
}

impl PlanStep {
    pub(super) fn refuse(&mut self, message: String) {
        self.refusal.get_or_insert(message);
    }

    /// A container is made for it when it is carried out.
    #[must_use]
    pub fn has_container(&self) -> bool {
        matches!(self.action, Action::Metadata { .. } | Action::Workdir { .. } | Action::Run { .. })
    }
}

/// A stage of a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedStage {
    /// Its name in lower case, or `stage-N`.
    pub name: String,
    /// Lines of its FROM.
    pub lines: Lines,
    /// Its last step.
    pub last: StepId,
}

/// The steps of a build.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// In the order they are carried out.
    pub steps: Vec<PlanStep>,
    /// How many the numbers of the steps count.
    pub total: usize,
    /// The stages down to the target.
    pub stages: Vec<PlannedStage>,
    /// `--no-cache`.
    pub ignores_cache: bool,
    /// Where the Dockerfile stands.
    pub place: DockerfilePlace,
    /// Build arguments given that no line declares; the builder warns about them.
    pub unused_args: Vec<String>,
}

impl Plan {
    /// A step.
    #[must_use]
    pub fn step(&self, id: StepId) -> Option<&PlanStep> {
        self.steps.get(id.0)
    }

    /// The last step of the stage that a base names.
    #[must_use]
    pub fn end_of(&self, base: &Base) -> Option<StepId> {
        let Base::Stage(stage) = base else { return None };
        self.stages.get(stage.0).map(|stage| stage.last)
    }

    /// The step whose image this one stands on: for the FROM of a stage that stage's last one.
    #[must_use]
    pub fn stands_on(&self, id: StepId) -> Option<StepId> {
        let step = self.step(id)?;
        match &step.action {
            Action::Base(base) => self.end_of(base),
            _ => step.below,
        }
    }
}
