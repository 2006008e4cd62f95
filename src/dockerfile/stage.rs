//! A whole Dockerfile: global arguments, stages, and everything refused.

use super::directive;
use super::error::{Problem, Refusal};
use super::instruction::{ArgDefinition, From, Instruction, Kind};
use super::repair;
use super::syntax::{Dialect, Directive, Node, Parse, Spanned, parse_as};
use crate::diagnostic::Diagnostic;
use crate::text::{Lines, TextRange};

/// One stage: its `FROM` and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The `FROM`.
    pub from: From,
    /// The instruction that holds it.
    pub instruction: Instruction,
    /// The instructions below it.
    pub instructions: Vec<Instruction>,
}

impl Stage {
    /// The name, in lower case.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.from.name.as_ref().map(|name| name.value.as_str())
    }
}

/// A file, understood as far as it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// Tokens, nodes, directives.
    pub parse: Parse,
    /// The front end that a client loads for it, where the file names one.
    pub syntax: Option<Directive>,
    /// The `ARG`s before the first `FROM`, each definition with its instruction's lines.
    pub global_args: Vec<Instruction>,
    /// The stages in order.
    pub stages: Vec<Stage>,
    /// All that is refused. The first one is a real builder's answer.
    pub refusals: Vec<Refusal>,
}

impl Dockerfile {
    /// Understands `text`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self::read_as(text, Dialect::BuildKit)
    }

    /// Understands `text` by the rules of a builder.
    #[must_use]
    pub fn read_as(text: &str, dialect: Dialect) -> Self {
        let parse = parse_as(text, dialect);
        let mut file = Self {
            refusals: parse.refusals.clone(),
            parse,
            syntax: directive::syntax(text),
            global_args: Vec::new(),
            stages: Vec::new(),
        };
        for refusal in &mut file.refusals {
            refusal.fix = repair::of_text(text, &refusal.problem, refusal.range);
        }
        let nodes = std::mem::take(&mut file.parse.nodes);
        let refused: Vec<Lines> = file.refusals.iter().filter_map(|refusal| refusal.lines).collect();
        for node in &nodes {
            match Instruction::read_as(node, dialect) {
                Ok(instruction) => file.add(instruction),
                // One message for one mistake: the parser's own is already there.
                Err(_) if refused.contains(&node.lines) => {}
                Err((problem, range)) => file.refuse(text, node, problem, range),
            }
        }
        file.parse.nodes = nodes;
        file
    }

    fn add(&mut self, instruction: Instruction) {
        if let Kind::From(from) = &instruction.kind {
            let from = from.clone();
            self.stages.push(Stage { from, instruction, instructions: Vec::new() });
            return;
        }
        match self.stages.last_mut() {
            Some(stage) => stage.instructions.push(instruction),
            None if matches!(instruction.kind, Kind::Arg(_)) => self.global_args.push(instruction),
            None => self.refusals.push(Refusal {
                problem: Problem::NoStage,
                range: instruction.keyword.range,
                lines: Some(instruction.lines),
                prefix_line: None,
                fix: None,
            }),
        }
    }

    fn refuse(&mut self, text: &str, node: &Node, problem: Problem, range: TextRange) {
        self.refusals.push(Refusal {
            fix: repair::of_node(text, node, &problem, range),
            problem,
            range,
            lines: Some(node.lines),
            prefix_line: Some(node.lines.first),
        });
    }

    /// What a real builder answers to this file before it makes a graph, if it refuses it.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusals.first()
    }

    /// The definitions of global arguments, in order.
    pub fn global_arg_definitions(&self) -> impl Iterator<Item = (&ArgDefinition, &Instruction)> {
        self.global_args.iter().flat_map(|instruction| match &instruction.kind {
            Kind::Arg(args) => args.iter().map(|arg| (arg, instruction)).collect(),
            _ => Vec::new(),
        })
    }

    /// The stage called `name`, without regard to case; of equal names the later one.
    #[must_use]
    pub fn stage_named(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.stages.iter().rposition(|stage| stage.name() == Some(&name))
    }

    /// Every refusal as a diagnostic.
    pub fn diagnostics(&self) -> impl Iterator<Item = Diagnostic> {
        self.refusals.iter().map(Refusal::to_diagnostic)
    }

    /// The value of a parser directive.
    #[must_use]
    pub fn directive(&self, name: &str) -> Option<&Spanned> {
        self.parse
            .directives
            .iter()
            .find(|directive| directive.name == name)
            .map(|directive| &directive.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let file = Dockerfile::read(text);
        let found: Vec<String> = file.refusals.iter().map(Refusal::builder_error).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn refuses_as_a_builder_does_and_goes_on() {
        check("", &["file with no instructions"]);
        check("RUN x\n", &["no build stage in current context"]);
        check(
            "FROM a\nRUNN x\nCOPY a\n",
            &[
                "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)",
                "dockerfile parse error on line 3: COPY requires at least two arguments, but only one was provided. Destination could not be determined",
            ],
        );
    }

    #[test]
    fn some_flags_are_never_looked_at() {
        check("FROM a\nARG --x=1 A\nSTOPSIGNAL --y 9\n", &[]);
        check("FROM a\nUSER --x b\n", &["dockerfile parse error on line 2: unknown flag: --x"]);
    }

    #[test]
    fn the_classic_builder_has_no_heredocs_and_fewer_flags() {
        let file = Dockerfile::read_as("FROM a\nCOPY <<E /x\nhi\nE\nADD --link b c\n", Dialect::Classic);
        let found: Vec<_> = file.refusals.iter().map(|refusal| refusal.problem.code()).collect();
        assert_eq!(found, ["unknown-instruction", "unknown-instruction", "unknown-flag"]);
        assert_eq!(file.stages[0].instructions.len(), 1);
    }

    #[test]
    fn stages_and_global_arguments() {
        let file = Dockerfile::read("ARG V=1 W\nFROM a:$V AS Build\nRUN x\nFROM build\n");
        let names: Vec<_> = file.global_arg_definitions().map(|(arg, _)| arg.name.value.as_str()).collect();
        assert_eq!(names, ["V", "W"]);
        assert_eq!(file.stage_named("BUILD"), Some(0));
        assert_eq!(file.stages[0].instructions.len(), 1);
    }
}
