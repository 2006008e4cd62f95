//! What could stand at a place.
//!
//! ```text
//! line start    keywords; parser directives at the top
//! flags         the flags of the instruction that are not given yet, then their values
//! --mount       types, the keys of the type, their values
//! FROM, --from  stages above, named contexts, `scratch`, images that the file names
//! $             variables in force; in `${name` also what may follow
//! COPY, ADD     paths of the context, unless the files come from elsewhere
//! ```
//!
//! Only the text before the place decides. Inside comments there are directives
//! and options of the checks alone, inside heredocs and the commands of RUN variables alone.

mod comment;
mod list;
mod mount;
mod source;
mod variable;
mod word;

use list::List;

use super::Known;
use super::cursor::{Line, Spot, Word, spot, words};
use super::docs::{Doc, FORMS, flag, flag_values, instruction};
use super::outline::Outline;
use crate::dockerfile::flag::FlagKind;
use crate::dockerfile::instruction::flags_of;
use crate::dockerfile::stage::Dockerfile;
use crate::text::TextRange;

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CompletionKind {
    /// An instruction, `AS`, `CMD`, `NONE`.
    Keyword,
    /// A parser directive or an option of one.
    Directive,
    /// A flag, or a key of a mount.
    Flag,
    /// A value.
    Value,
    /// A stage.
    Stage,
    /// An image or a named context.
    Image,
    /// A variable.
    Variable,
    /// A folder of the context.
    Folder,
    /// A file of the context.
    File,
}

/// Something that could stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is shown, and what is typed against.
    pub label: String,
    /// A few words beside it; may be empty.
    pub detail: String,
    /// What is put in.
    pub insert: String,
    /// Where the cursor goes, in bytes of `insert`.
    pub caret: usize,
    /// What it is.
    pub kind: CompletionKind,
    /// What it means.
    pub doc: Option<&'static Doc>,
}

/// All that could stand at a place, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// What is replaced. The place is in it or at its end.
    pub replace: TextRange,
    /// None where nothing can be said.
    pub items: Vec<Completion>,
    /// There are more; typing on tells.
    pub is_cut: bool,
}

/// What could stand at `offset`. `file` was read from `text`.
#[must_use]
pub fn completions(text: &str, file: &Dockerfile, offset: usize, known: &Known<'_>) -> Completions {
    let outline = Outline::of(file);
    let complete = Complete { text, file, outline: &outline, known, offset };
    let mut list = List::default();
    match spot(text, file, offset) {
        Spot::Nothing => {}
        Spot::Comment { start, is_directive } => complete.comment(start, is_directive, &mut list),
        Spot::Body { expands, .. } => complete.body(expands, &mut list),
        Spot::Line(line) => complete.line(&line, &mut list),
    }
    list.finish(text)
}

/// What completion looks at.
struct Complete<'a> {
    text: &'a str,
    file: &'a Dockerfile,
    outline: &'a Outline<'a>,
    known: &'a Known<'a>,
    offset: usize,
}

/// An instruction up to the place.
struct Typed<'l> {
    line: &'l Line,
    /// In upper case.
    keyword: String,
    /// The keyword as written.
    written: &'l str,
    /// Where the keyword ends in the joined text.
    args: usize,
    /// The words behind it; the last one is being typed.
    words: Vec<Word<'l>>,
    /// It is a trigger.
    is_trigger: bool,
}

impl<'l> Typed<'l> {
    /// The word that is being typed.
    fn current(&self) -> Word<'l> {
        self.words.last().copied().unwrap_or(Word { start: self.line.text().len(), text: "" })
    }

    /// The words before it.
    fn before(&self) -> &[Word<'l>] {
        self.words.split_last().map_or(&[], |(_, before)| before)
    }

    /// How many words of the arguments stand before the one being typed.
    fn n_args(&self) -> usize {
        self.before().iter().skip_while(|word| is_flag(word.text)).count()
    }

    /// The value of a flag that is given.
    fn flag_value(&self, name: &str) -> Option<&'l str> {
        let value = |word: &Word<'l>| word.text.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('=');
        self.words.iter().take_while(|word| is_flag(word.text)).find_map(value)
    }

    /// The stage that the instruction is in, or that a FROM begins.
    fn stage(&self, complete: &Complete<'_>) -> usize {
        let idx = self.line.node.and_then(|node| complete.outline.stage_of(node));
        idx.unwrap_or(0)
    }
}

fn is_flag(word: &str) -> bool {
    word.starts_with("--") && word != "--"
}

/// Keywords in the order in which they are offered.
const ORDER: [&str; 18] = [
    "FROM",
    "RUN",
    "COPY",
    "ARG",
    "ENV",
    "WORKDIR",
    "CMD",
    "ENTRYPOINT",
    "USER",
    "EXPOSE",
    "ADD",
    "LABEL",
    "HEALTHCHECK",
    "VOLUME",
    "SHELL",
    "STOPSIGNAL",
    "ONBUILD",
    "MAINTAINER",
];

impl Complete<'_> {
    fn line(&self, line: &Line, list: &mut List) {
        self.instruction(line, 0, false, list);
        if line.text().is_empty() {
            self.directive_line(line, list);
        }
    }

    /// The instruction that begins at `start` of the joined text.
    fn instruction(&self, line: &Line, start: usize, is_trigger: bool, list: &mut List) {
        let text = line.text();
        let rest = text.get(start..).unwrap_or("");
        let Some(len) = rest.find(char::is_whitespace) else {
            return self.keywords(line, start, is_trigger, list);
        };
        let written = rest.get(..len).unwrap_or("");
        let keyword = written.to_ascii_uppercase();
        let args = start + len;
        if keyword == "ONBUILD" && !is_trigger {
            let blanks = text.get(args..).unwrap_or("");
            let begin = args + blanks.len() - blanks.trim_start().len();
            return self.instruction(line, begin, true, list);
        }
        let words = words(text, args, self.file.parse.escape);
        let typed = Typed { line, keyword, written, args, words, is_trigger };
        if self.variables(&typed, list) {
            return;
        }
        let in_flags = typed.before().iter().all(|word| is_flag(word.text));
        let current = typed.current();
        if in_flags && current.text.starts_with('-') {
            return match current.text.split_once('=') {
                Some((name, value)) => {
                    let at = current.start + name.len() + 1;
                    self.flag_value(&typed, name.trim_start_matches('-'), at, value, list);
                }
                None => self.flags(&typed, list),
            };
        }
        self.arguments(&typed, list);
        if in_flags && current.text.is_empty() {
            self.flags(&typed, list);
        }
    }

    fn keywords(&self, line: &Line, start: usize, is_trigger: bool, list: &mut List) {
        let typed = line.text().get(start..).unwrap_or("");
        list.replace(self.text, line.tail(start), |ch| ch.is_ascii_alphabetic());
        let is_lower = self.is_lower(line.node, typed);
        let begun = line.node.or_else(|| self.outline.node_before(self.offset));
        // A FROM that is being typed begins no stage yet.
        let is_first = begun.and_then(|node| self.outline.stage_of(node)).is_none_or(|stage| {
            stage == 0
                && line.node.is_some()
                && line.node == self.outline.stages.first().map(|first| first.from)
        });
        let is_fine = |keyword: &&str| match (is_trigger, is_first) {
            (true, _) => !matches!(*keyword, "FROM" | "ONBUILD" | "MAINTAINER"),
            (false, true) => matches!(*keyword, "FROM" | "ARG"),
            (false, false) => true,
        };
        let mut order: Vec<&'static str> = ORDER.iter().copied().filter(is_fine).collect();
        // Within a stage another one is begun less often than gone on with.
        if !is_first
            && !is_trigger
            && let Some(first) = order.get_mut(..11)
        {
            first.rotate_left(1);
        }
        for keyword in order {
            let doc = instruction(keyword);
            let form = FORMS.iter().find(|(name, _)| *name == keyword).map_or("", |(_, form)| *form);
            let label = if is_lower { keyword.to_lowercase() } else { keyword.to_owned() };
            let insert = format!("{label} ");
            list.add(CompletionKind::Keyword, label, form, insert, doc);
        }
        list.drop_blank_before_blank(self.text);
    }

    /// Keywords are written in lower case here: as most of the file's, else as what is typed.
    fn is_lower(&self, except: Option<usize>, typed: &str) -> bool {
        let (mut n_lower, mut n_upper) = (0_usize, 0_usize);
        for (idx, node) in self.outline.nodes.iter().enumerate() {
            let keyword = &node.keyword.value;
            if Some(idx) == except || flags_or_none(&node.keyword_upper()).is_none() {
                continue;
            }
            n_lower += usize::from(keyword.bytes().all(|byte| byte.is_ascii_lowercase()));
            n_upper += usize::from(keyword.bytes().all(|byte| byte.is_ascii_uppercase()));
        }
        if n_lower == n_upper {
            return !typed.is_empty() && typed.bytes().all(|byte| byte.is_ascii_lowercase());
        }
        n_lower > n_upper
    }

    fn flags(&self, typed: &Typed<'_>, list: &mut List) {
        let current = typed.current();
        list.replace(self.text, typed.line.tail(current.start), |ch| ch.is_ascii_alphanumeric() || ch == '-');
        list.swallow(self.text, '=');
        for spec in flags_of(&typed.keyword) {
            let is_given = |word: &Word<'_>| {
                let body = word.text.strip_prefix("--");
                body.is_some_and(|body| body.split('=').next() == Some(spec.name))
            };
            if spec.kind != FlagKind::List && typed.before().iter().any(is_given) {
                continue;
            }
            let doc = flag(&typed.keyword, spec.name);
            let equals = if spec.kind == FlagKind::Bool { "" } else { "=" };
            let label = format!("--{}{equals}", spec.name);
            let detail = doc.map_or("", |doc| doc.summary);
            list.add(CompletionKind::Flag, label.clone(), detail, label, doc);
        }
    }

    fn flag_value(&self, typed: &Typed<'_>, name: &str, at: usize, value: &str, list: &mut List) {
        if (typed.keyword.as_str(), name) == ("RUN", "mount") {
            return self.mount(typed, at, value, list);
        }
        if !flags_of(&typed.keyword).iter().any(|spec| spec.name == name) {
            return;
        }
        list.replace(self.text, typed.line.tail(at), |ch| !ch.is_whitespace());
        if name == "from" {
            self.sources(typed, true, list);
        }
        for (value, detail) in flag_values(name) {
            list.value(value, detail);
        }
        if name == "chown" {
            self.users(list);
        }
    }
}

/// A known keyword.
fn flags_or_none(keyword: &str) -> Option<()> {
    ORDER.contains(&keyword).then_some(())
}

#[cfg(test)]
mod tests;
