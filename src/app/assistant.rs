//! What the editor is told when it asks: [`crate::assist`] with all that the page knows, counted as
//! editors count.
//!
//! Places are UTF-16 units of the text that comes with the question. That is the text of the last
//! analysis, whose parse is used again, or one that is newer.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use serde::Serialize;

use super::analysis::Analysis;
use super::state::Version;
use crate::assist::complete::{CompletionKind, completions};
use crate::assist::fold::folds;
use crate::assist::format::{format, is_clear};
use crate::assist::hover::hover;
use crate::assist::names::{definition, references};
use crate::assist::rename::{RenameProblem, rename, renamed_word};
use crate::assist::{Known, complete};
use crate::context::Tree;
use crate::context::node::Node;
use crate::diagnostic::TextEdit;
use crate::dockerfile::stage::Dockerfile;
use crate::graph::{Graph, Op, Role, StageId};
use crate::text::{TextRange, byte_offset, utf16_offset};

/// Something that could stand at a place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// What is shown.
    pub label: String,
    /// A few words beside it.
    pub detail: String,
    /// What is put in.
    pub insert: String,
    /// Where the cursor goes, from the beginning of `insert`.
    pub caret: usize,
    /// What it means, and where more is to be read.
    pub doc: Option<(&'static str, String)>,
    /// Something always follows, which can be offered at once.
    pub goes_on: bool,
}

/// All that could stand at a place, best first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choices {
    /// What is replaced begins here.
    pub from: usize,
    /// And ends here.
    pub to: usize,
    /// At least one.
    pub items: Vec<Choice>,
    /// There are more; typing on tells.
    pub is_cut: bool,
}

/// What is said about a place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Help {
    /// What it is about begins here.
    pub from: usize,
    /// And ends here.
    pub to: usize,
    /// The thing itself; code.
    pub title: String,
    /// Paragraphs. Words between backticks are code.
    pub body: Vec<String>,
    /// Where more is to be read.
    pub url: Option<String>,
}

/// Where something is defined.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// Its name begins here.
    pub from: usize,
    /// And ends here.
    pub to: usize,
    /// The line, counted from 1.
    pub line: u32,
    /// How many other places name it.
    pub n_others: usize,
}

/// What can be renamed at a place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Named {
    /// The word begins here.
    pub from: usize,
    /// And ends here.
    pub to: usize,
    /// The word.
    pub name: String,
}

/// A replacement of one range.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Edit {
    /// What goes begins here.
    pub from: usize,
    /// And ends here.
    pub to: usize,
    /// What comes.
    pub insert: String,
}

/// Lines that can be folded behind the first of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Fold {
    /// The line that stays, counted from 1.
    pub first: u32,
    /// The last line that goes.
    pub last: u32,
    /// What is shown in their place.
    pub label: String,
}

/// Answers the editor's questions about a Dockerfile.
#[derive(Debug, Default)]
pub struct Assistant {
    text: String,
    analysis: Option<Rc<Analysis>>,
    paths: Paths,
}

/// The paths that COPY can name, and what they were read from.
#[derive(Debug, Default)]
struct Paths {
    files: Rc<Tree>,
    dockerignore: String,
    /// The Dockerfile and the ignore file, where they lie in the context.
    texts: Vec<String>,
    /// Made once something is completed: typing alone does not look at a hundred thousand files.
    listed: OnceCell<Vec<String>>,
}

impl Assistant {
    /// Takes note of the present version, and of how it was judged.
    pub fn learn(&mut self, version: &Version, analysis: &Rc<Analysis>) {
        self.text.clone_from(&version.dockerfile);
        self.analysis = Some(Rc::clone(analysis));
        let mut texts = Vec::new();
        if version.has_dockerfile_in_context {
            texts.push(version.dockerfile_path.clone());
            texts.push(version.ignore_path.clone());
        }
        let paths = &mut self.paths;
        let is_same = Rc::ptr_eq(&paths.files, &version.files)
            && paths.dockerignore == version.dockerignore
            && paths.texts == texts;
        if !is_same {
            let (files, dockerignore) = (Rc::clone(&version.files), version.dockerignore.clone());
            *paths = Paths { files, dockerignore, texts, listed: OnceCell::new() };
        }
    }

    /// What could stand at a place; none where nothing can be said.
    #[must_use]
    pub fn complete(&self, text: &str, at: usize) -> Option<Choices> {
        let paths = self.paths.listed.get_or_init(|| self.paths.list(self.analysis.as_deref()));
        let known = self.known(paths);
        let found = completions(text, &self.file(text), byte_offset(text, at), &known.borrow());
        if found.items.is_empty() {
            return None;
        }
        let choice = |item: complete::Completion| Choice {
            caret: utf16_offset(&item.insert, item.caret),
            goes_on: goes_on(&item),
            detail: detail(&item).to_owned(),
            label: item.label,
            insert: item.insert,
            doc: item.doc.map(|doc| (doc.body, doc.url())),
        };
        let (from, to) = units(text, found.replace);
        Some(Choices { from, to, items: found.items.into_iter().map(choice).collect(), is_cut: found.is_cut })
    }

    /// What stands at a place.
    #[must_use]
    pub fn help(&self, text: &str, at: usize) -> Option<Help> {
        let known = self.known(&[]);
        let found = hover(text, &self.file(text), byte_offset(text, at), &known.borrow())?;
        let (from, to) = units(text, found.range);
        Some(Help { from, to, title: found.title, body: found.body, url: found.url })
    }

    /// Where the stage or variable at a place is defined.
    #[must_use]
    pub fn definition(&self, text: &str, at: usize) -> Option<Definition> {
        let (file, known, at) = (self.file(text), self.known(&[]), byte_offset(text, at));
        let found = definition(text, &file, at, &known.borrow())?;
        let n_others =
            references(text, &file, at, &known.borrow()).into_iter().filter(|place| *place != found).count();
        let (from, to) = units(text, found);
        Some(Definition { from, to, line: file.parse.line_index.line(found.start()), n_others })
    }

    /// What can be renamed at a place.
    ///
    /// # Errors
    /// Why nothing can be, as a sentence.
    pub fn named(&self, text: &str, at: usize) -> Result<Named, String> {
        let file = self.file(text);
        let range =
            renamed_word(text, &file, byte_offset(text, at)).map_err(|problem| sentence(&file, &problem))?;
        let (from, to) = units(text, range);
        Ok(Named { from, to, name: range.of(text).to_owned() })
    }

    /// Renames the stage or variable at a place.
    ///
    /// # Errors
    /// Why it keeps its name, as a sentence.
    pub fn rename(&self, text: &str, at: usize, name: &str) -> Result<Vec<Edit>, String> {
        let file = self.file(text);
        let edits =
            rename(text, &file, byte_offset(text, at), name).map_err(|problem| sentence(&file, &problem))?;
        Ok(in_units(text, &edits))
    }

    /// The edits that bring the text into style; no list where it cannot be told yet what is content.
    #[must_use]
    pub fn format(&self, text: &str) -> Option<Vec<Edit>> {
        let file = self.file(text);
        is_clear(&file).then(|| in_units(text, &format(text, &file).edits))
    }

    /// What can be folded in the text that was learned last.
    #[must_use]
    pub fn folds(&self) -> Vec<Fold> {
        let Some(analysis) = &self.analysis else { return Vec::new() };
        let file = &analysis.now.file;
        let lines = |range: TextRange| file.parse.line_index.lines(range);
        let fold = |fold: crate::assist::fold::Fold| {
            let lines = lines(fold.range);
            Fold { first: lines.first, last: lines.last, label: fold.label }
        };
        folds(&self.text, file).into_iter().map(fold).collect()
    }

    fn file(&self, text: &str) -> Cow<'_, Dockerfile> {
        match &self.analysis {
            Some(analysis) if self.text == text => Cow::Borrowed(&analysis.now.file),
            _ => Cow::Owned(Dockerfile::read(text)),
        }
    }

    fn known<'a>(&'a self, paths: &'a [String]) -> KnownHere<'a> {
        let now = self.analysis.as_deref().map(|analysis| &analysis.now);
        KnownHere {
            paths,
            contexts: now.map_or_else(Vec::new, |now| now.options.named_contexts.keys().cloned().collect()),
            build_args: now.map_or_else(Default::default, |now| Cow::Borrowed(&now.options.build_args)),
            base_env: now.and_then(|now| now.shown_graph()).map_or_else(Vec::new, base_env),
        }
    }
}

/// What [`Known`] borrows.
struct KnownHere<'a> {
    paths: &'a [String],
    contexts: Vec<String>,
    build_args: Cow<'a, std::collections::BTreeMap<String, String>>,
    base_env: Vec<Vec<(String, String)>>,
}

impl KnownHere<'_> {
    fn borrow(&self) -> Known<'_> {
        Known {
            paths: self.paths,
            contexts: &self.contexts,
            build_args: &self.build_args,
            base_env: &self.base_env,
        }
    }
}

impl Paths {
    /// What is sent of the files that were given: one that is only inferred from a COPY is as good as its spelling.
    fn list(&self, analysis: Option<&Analysis>) -> Vec<String> {
        let mut found = Vec::new();
        let Some(analysis) = analysis else { return found };
        list_below(analysis.now.sent.root(), self.files.root(), &mut String::new(), &mut found);
        found.extend(self.texts.iter().filter(|path| analysis.now.sent.get(path).is_some()).cloned());
        // A folder's name sorts before its files, but `a.txt` before `a/b`.
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn list_below(sent: &Node, given: &Node, path: &mut String, found: &mut Vec<String>) {
    for (name, child) in sent.iter() {
        let Some(given) = given.child(name) else { continue };
        let len = path.len();
        path.push_str(name);
        if child.entry().is_dir() {
            path.push('/');
            if child.n_below() == 0 {
                found.push(path.clone());
            }
            list_below(child, given, path, found);
        } else {
            found.push(path.clone());
        }
        path.truncate(len);
    }
}

/// The variables of each stage's base image, where that is known.
fn base_env(graph: &Graph) -> Vec<Vec<(String, String)>> {
    let mut all = vec![Vec::new(); graph.stages.len()];
    for placed in graph.placed.iter().filter(|placed| placed.keyword == "FROM") {
        let (Some(StageId(idx)), Role::Steps(steps)) = (placed.stage, &placed.role) else { continue };
        let ops = steps.iter().filter_map(|id| graph.step(*id)).map(|step| &step.op);
        let mut base = ops.filter_map(|op| match op {
            Op::Image { base, .. } if base.is_known => Some(base),
            _ => None,
        });
        if let (Some(env), Some(base)) = (all.get_mut(idx), base.next_back()) {
            let pair =
                |text: &String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            *env = base.config.config.env.iter().filter_map(pair).collect();
        }
    }
    all
}

/// The form of an instruction, without its keyword: that is the label.
fn detail(item: &complete::Completion) -> &str {
    let len = item.label.len();
    match (item.kind, item.detail.get(..len), item.detail.get(len..)) {
        (CompletionKind::Keyword, Some(head), Some(rest)) if head.eq_ignore_ascii_case(&item.label) => {
            rest.trim_start()
        }
        _ => &item.detail,
    }
}

/// An instruction without words, a flag without its value, and a folder are no end.
fn goes_on(item: &complete::Completion) -> bool {
    item.caret == item.insert.len()
        && match item.kind {
            CompletionKind::Keyword => {
                matches!(item.label.to_ascii_uppercase().as_str(), "FROM" | "COPY" | "ADD")
            }
            CompletionKind::Flag | CompletionKind::Directive => item.insert.ends_with('='),
            CompletionKind::Folder => true,
            _ => false,
        }
}

/// Why nothing was renamed, and which line says so.
fn sentence(file: &Dockerfile, problem: &RenameProblem) -> String {
    let text = problem.to_string();
    let mut chars = text.chars();
    let mut said: String =
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect());
    if let RenameProblem::Taken { range, .. } | RenameProblem::MayMean { range, .. } = problem {
        said.push_str(&format!(" (line {})", file.parse.line_index.line(range.start())));
    }
    said.push('.');
    said
}

fn units(text: &str, range: TextRange) -> (usize, usize) {
    (utf16_offset(text, range.start()), utf16_offset(text, range.end()))
}

fn in_units(text: &str, edits: &[TextEdit]) -> Vec<Edit> {
    let edit = |edit: &TextEdit| {
        let (from, to) = units(text, edit.range);
        Edit { from, to, insert: edit.insert.clone() }
    };
    edits.iter().map(edit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::history::History;
    use crate::app::options::Options;
    use crate::app::state::{Session, State};

    fn assistant(change: impl FnOnce(&mut Version)) -> Assistant {
        let mut session = Session::example();
        change(&mut session.now);
        let mut assistant = Assistant::default();
        learn(&mut assistant, session);
        assistant
    }

    fn learn(assistant: &mut Assistant, session: Session) {
        let state = State::new(session, "b1");
        let history =
            History::replay(&state.session.events, state.session.reruns, &state.session.images, None);
        let analysis = Rc::new(Analysis::new(&state, &history, None));
        assistant.learn(&state.session.now, &analysis);
    }

    #[track_caller]
    fn labels(assistant: &Assistant, text: &str) -> Vec<String> {
        let at = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        let found = assistant.complete(&text, utf16_offset(&text, at));
        found.map_or_else(Vec::new, |found| found.items.into_iter().map(|item| item.label).collect())
    }

    #[test]
    fn paths_are_those_that_are_sent_and_were_given() {
        let assistant = assistant(|now| {
            now.dockerignore = "*.md\n".into();
            now.dockerfile = "FROM x\nCOPY made-up.txt ./\n".into();
        });
        assert_eq!(
            labels(&assistant, "FROM x\nCOPY | ./\n"),
            [
                ".dockerignore",
                "Dockerfile",
                "index.js",
                "node_modules/",
                "package-lock.json",
                "package.json",
                "--chown=",
                "--from=",
                "--chmod=",
                "--link",
                "--parents",
                "--exclude="
            ]
        );
    }

    #[test]
    fn paths_are_listed_once_per_context() {
        let mut session = Session::example();
        let mut assistant = Assistant::default();
        learn(&mut assistant, session.clone());
        let _ = assistant.complete("FROM x\nCOPY ", 12);
        session.now.dockerfile.push_str("RUN x\n");
        learn(&mut assistant, session.clone());
        assert!(assistant.paths.listed.get().is_some());
        session.now.dockerignore.push_str("x\n");
        learn(&mut assistant, session);
        assert!(assistant.paths.listed.get().is_none());
    }

    #[test]
    fn options_are_known() {
        let assistant = assistant(|now| {
            now.options = Options {
                build_args: "V=1\n".into(),
                named_contexts: "assets=../a\n".into(),
                ..Options::default()
            };
        });
        assert!(labels(&assistant, "FROM x\nCOPY --from=as|\n").contains(&"assets".to_owned()));
        let text = "ARG V\nFROM x:$V\n";
        let help = assistant.help(text, text.rfind('V').unwrap()).unwrap();
        assert!(help.body[0].ends_with("Here it is `1`."), "{help:?}");
    }

    #[test]
    fn places_are_counted_as_editors_count() {
        let assistant = assistant(|_| {});
        let text = "# 🚀\nFROM x AS build\nFROM y\nCOPY --from=build a b\n";
        let at = utf16_offset(text, text.rfind("build").unwrap());
        let found = assistant.definition(text, at).unwrap();
        assert_eq!((found.from, found.to, found.line, found.n_others), (15, 20, 2, 1));
        assert_eq!(assistant.named(text, at).unwrap().from, at);
        let edits = assistant.rename(text, at, "made").unwrap();
        assert_eq!(edits.iter().map(|edit| edit.from).collect::<Vec<_>>(), [15, at]);
        assert_eq!(
            assistant.rename("FROM x AS a\nFROM y AS b\n", 10, "b").unwrap_err(),
            "`b` is taken already (line 2)."
        );
        let choices = assistant.complete("# 🚀\nFROM x AS ü\nFROM ü", 23).map(|found| (found.from, found.to));
        assert_eq!(choices, None);
        let choices = assistant.complete("# 🚀\nFR", 7).unwrap();
        assert_eq!((choices.from, choices.to, choices.items[0].caret), (5, 7, 5));
        assert!(choices.items[0].detail.starts_with("[--platform"), "{choices:?}");
        assert!(choices.items[0].goes_on);
    }

    #[test]
    fn folds_are_lines_and_format_is_edits() {
        let assistant = assistant(|now| now.dockerfile = "FROM x\nRUN <<EOF\na\nb\nEOF\n".into());
        let fold = |first, last, label: &str| Fold { first, last, label: label.into() };
        assert_eq!(assistant.folds(), [fold(1, 5, "1 instruction"), fold(2, 5, "2 lines")]);
        let edits = assistant.format("FROM x  \n");
        assert_eq!(edits, Some(vec![Edit { from: 6, to: 8, insert: String::new() }]));
        assert_eq!(assistant.format("FROM x\n"), Some(Vec::new()));
        assert_eq!(assistant.format("FROM x\nRUN <<EOF\n"), None);
    }
}
