//! The walk through a file, phase by phase, in BuildKit's order.

use std::collections::BTreeMap;

use super::findings::Findings;
use super::scope::Variables;
use super::stages::State;
use super::{
    LintInput, Report, Stop, consistent_instruction_casing, duplicate_stage_name, from_as_casing,
    invalid_default_arg_in_from, invalid_definition_description, maintainer_deprecated,
    no_empty_continuation, reserved_stage_name, scope, stage_name_casing,
};
use crate::dockerfile::directive::{self, CheckOptions};
use crate::dockerfile::error::Refusal;
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::Node;
use crate::dockerfile::word::{Env as _, Lex};
use crate::graph::env::EnvList;
use crate::graph::{GraphError, epoch};
use crate::oci::Platform;
use crate::text::{Lines, TextRange};

/// The walk ends here; boxed, since most of it goes well.
pub(super) type Stopped = Box<Stop>;

/// A stop without a place.
pub(super) fn stop(message: impl Into<String>) -> Stopped {
    Box::new(Stop { message: message.into(), ..Stop::default() })
}

/// A stop at a word of an instruction.
pub(super) fn stop_at(message: impl Into<String>, range: TextRange, lines: Lines) -> Stopped {
    Box::new(Stop { message: message.into(), range, lines: vec![lines], is_refusal: false })
}

/// What the phases share.
pub(super) struct Walk<'a> {
    pub(super) text: &'a str,
    pub(super) file: &'a Dockerfile,
    pub(super) input: &'a LintInput<'a>,
    pub(super) findings: Findings,
    /// Automatic and global arguments.
    pub(super) global_env: Variables,
    /// The same with the arguments that have no value; only the names count.
    pub(super) declared: Variables,
    pub(super) target_platform: Platform,
    /// Stages, and behind them what instructions name that is none.
    pub(super) states: Vec<State<'a>>,
    /// The stages read so far; of equal names the later one.
    pub(super) stages_by_name: BTreeMap<&'a str, usize>,
}

/// See [`super::check`].
pub(super) fn check(text: &str, file: &Dockerfile, input: &LintInput<'_>) -> Report {
    let options = match options(text, input) {
        Ok(options) => options,
        Err(stopped) => return Report { stop: Some(*stopped), ..Report::default() },
    };
    let platform = input.options.platforms.first().cloned();
    let mut walk = Walk {
        text,
        file,
        input,
        findings: Findings::new(options),
        global_env: Variables::default(),
        declared: Variables::default(),
        target_platform: platform.unwrap_or_else(Platform::linux_amd64),
        states: Vec::new(),
        stages_by_name: BTreeMap::new(),
    };
    let stop = walk.run().err().map(|stopped| *stopped);
    Report { warnings: walk.findings.warnings, not_checked: walk.findings.not_checked, stop }
}

/// The options in force: those from outside, else the file's own.
fn options(text: &str, input: &LintInput<'_>) -> Result<CheckOptions, Stopped> {
    const ARGUMENT: &str = "BUILDKIT_DOCKERFILE_CHECK";
    if text.is_empty() {
        return Err(stop("the Dockerfile cannot be empty"));
    }
    if let Some(given) = input.options.build_args.get(ARGUMENT) {
        return CheckOptions::read(given)
            .map_err(|error| stop(format!("failed to parse {ARGUMENT}: {error}")));
    }
    let own = directive::check(text).map_or(String::new(), |directive| directive.value.value);
    CheckOptions::read(&own).map_err(|error| stop(format!("failed to parse check options: {error}")))
}

impl<'a> Walk<'a> {
    fn run(&mut self) -> Result<(), Stopped> {
        if let Some(refusal) = self.file.parse.refusals.first() {
            return Err(refused(refusal));
        }
        no_empty_continuation::check(self.text, self.file, &mut self.findings);
        self.instructions()?;
        if self.file.stages.is_empty() {
            return Err(stop("dockerfile contains no stages to build"));
        }
        for stage in &self.file.stages {
            reserved_stage_name::check(stage, &mut self.findings);
        }
        duplicate_stage_name::check(self.file, &mut self.findings);
        consistent_instruction_casing::check(self.file, &mut self.findings);

        let options = self.input.options;
        let last = self.file.stages.last().and_then(|stage| stage.name()).unwrap_or("");
        let target = if options.target.is_empty() { last } else { &options.target };
        let automatic = scope::automatic(&self.target_platform, target, &options.build_args);
        invalid_default_arg_in_from::check(self.file, &automatic, &mut self.findings);
        self.global_env = scope::with_global_args(automatic, self.file, &options.build_args)?;
        self.declared = self.global_env.clone();
        for (arg, _) in self.file.global_arg_definitions() {
            let name = &arg.name.value;
            if self.declared.get(name).is_none() {
                self.declared.set(name, "");
            }
        }
        let mut global_args = EnvList::default();
        self.global_env.iter().for_each(|(name, value)| global_args.set(name, value));
        epoch::read(self.file, options, &global_args).map_err(|error| {
            let GraphError { message, range, lines } = error;
            Box::new(Stop { message, range, lines, is_refusal: false })
        })?;

        self.plan_stages()?;
        let target = self.target()?;
        self.find_sources()?;
        self.check_cycles()?;
        self.resolve_bases(target)?;
        self.dispatch_stages(target)?;
        match self.findings.violation() {
            Some(message) => Err(stop(message)),
            None => Ok(()),
        }
    }

    /// Each node as it is typed, up to the first that is refused.
    fn instructions(&mut self) -> Result<(), Stopped> {
        let refusal = self.file.refusal();
        for node in &self.file.parse.nodes {
            match node.keyword_upper().as_str() {
                "FROM" => {
                    stage_name_casing::check(node, &mut self.findings);
                    from_as_casing::check(node, &mut self.findings);
                }
                "MAINTAINER" => {
                    maintainer_deprecated::check(node, self.file.parse.escape, &mut self.findings)
                }
                _ => {}
            }
            // Refusals stand in the order of the nodes, and no two nodes share a line.
            if let Some(refusal) = refusal.filter(|refusal| refusal.lines == Some(node.lines)) {
                return Err(refused(refusal));
            }
            invalid_definition_description::check(self.text, node, &mut self.findings);
        }
        Ok(())
    }

    pub(super) fn lex(&self) -> Lex {
        Lex::new(self.file.parse.escape)
    }

    /// The node that begins at `range`.
    pub(super) fn node_at(&self, range: TextRange) -> Option<&'a Node> {
        let nodes = &self.file.parse.nodes;
        let idx = nodes.binary_search_by_key(&range.start(), |node| node.range.start()).ok()?;
        nodes.get(idx)
    }
}

fn refused(refusal: &Refusal) -> Stopped {
    Box::new(Stop {
        message: refusal.builder_error(),
        range: refusal.range,
        lines: refusal.lines.into_iter().collect(),
        is_refusal: true,
    })
}
