//! What stands at a place, in a few sentences.
//!
//! Instructions, flags, mounts, parser directives, names of checks and
//! predefined arguments have texts of their own ([`docs`]). Of stages and
//! variables it is said what this file says about them; a value only where
//! it is certain from the file and from what is known.

use super::Known;
use super::cursor::{Spot, spot};
use super::docs::{self, Doc, FORMS, flag, instruction, mount_key, mount_type, predefined};
use super::names::{Name, name_at, read, stage_places};
use super::outline::{Outline, mount_fields};
use super::scope::{self, Value, Variable, VariableKind};
use crate::dockerfile::stage::Dockerfile;
use crate::dockerfile::syntax::{Node, Spanned, TokenKind};
use crate::lint::rule;
use crate::text::TextRange;

/// What is said about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// What it is about.
    pub range: TextRange,
    /// The thing itself; code.
    pub title: String,
    /// Paragraphs. Words between backticks are code.
    pub body: Vec<String>,
    /// Where more is to be read.
    pub url: Option<String>,
}

/// What can be said about `offset`. `file` was read from `text`.
#[must_use]
pub fn hover(text: &str, file: &Dockerfile, offset: usize, known: &Known<'_>) -> Option<Hover> {
    let hover = Hovering { text, file, known, offset };
    match spot(text, file, offset) {
        Spot::Comment { start, .. } => hover.comment(start),
        Spot::Body { .. } => hover.name(),
        Spot::Nothing | Spot::Line(_) => hover.terminator().or_else(|| hover.word()).or_else(|| hover.name()),
    }
}

struct Hovering<'a> {
    text: &'a str,
    file: &'a Dockerfile,
    known: &'a Known<'a>,
    offset: usize,
}

fn from_doc(range: TextRange, title: impl Into<String>, doc: &Doc) -> Hover {
    Hover { range, title: title.into(), body: vec![doc.body.to_owned()], url: Some(doc.url()) }
}

impl Hovering<'_> {
    fn is_at(&self, range: TextRange) -> bool {
        range.start() <= self.offset && self.offset <= range.end()
    }

    /// A parser directive, or a rule that one names.
    fn comment(&self, start: usize) -> Option<Hover> {
        let line_end = self.text.get(start..)?.split(['\n', '\r']).next()?.len() + start;
        let line = self.text.get(start..line_end)?;
        let (name, value) = line.split_once('=')?;
        let word = name.trim();
        let name_start = start + name.find(word)?;
        let name_range = TextRange::new(name_start, name_start + word.len());
        let word = word.to_ascii_lowercase();
        if word == "check" {
            let value_start = line_end - value.len();
            let is_name = |ch: char| ch.is_ascii_alphanumeric();
            let inside = self.offset.checked_sub(value_start)?;
            let front = value.get(..inside).map(|head| head.trim_end_matches(is_name).len());
            if let Some(at) = front {
                let rest = value.get(at..)?;
                let len = rest.find(|ch| !is_name(ch)).unwrap_or(rest.len());
                if let Some(rule) = rest.get(..len).and_then(rule) {
                    let range = TextRange::new(value_start + at, value_start + at + len);
                    let url = Some(rule.url.to_owned()).filter(|url| !url.is_empty());
                    let body = vec![format!("{}.", rule.description)];
                    return Some(Hover { range, title: rule.name.to_owned(), body, url });
                }
            }
        }
        let is_known = self.file.parse.directives.iter().any(|found| {
            found.name == word && found.value.range.end() <= line_end && start <= found.value.range.start()
        });
        let doc = docs::directive(&word).filter(|_| is_known)?;
        Some(from_doc(
            name_range.cover(TextRange::new(name_start, start + line.trim_end().len())),
            format!("# {word}="),
            doc,
        ))
    }

    /// The line that ends a heredoc.
    fn terminator(&self) -> Option<Hover> {
        let tokens = &self.file.parse.tokens;
        let first = tokens.partition_point(|token| token.range.end() < self.offset);
        let at_place = |token: &&crate::dockerfile::syntax::Token| self.is_at(token.range);
        let end = tokens.iter().skip(first).take(2).filter(at_place);
        let end = end.into_iter().find(|token| token.kind == TokenKind::HeredocEnd)?;
        let name = end.range.of(self.text).trim_start_matches('\t');
        let nodes = &self.file.parse.nodes;
        let node =
            nodes.get(nodes.partition_point(|node| node.range.start() <= self.offset).checked_sub(1)?)?;
        let body = vec![format!("Ends the heredoc `{name}` that begins on line {}.", node.lines.first)];
        Some(Hover { range: end.range, title: name.to_owned(), body, url: Some(heredoc_url()) })
    }

    fn word(&self) -> Option<Hover> {
        let nodes = &self.file.parse.nodes;
        let node =
            nodes.get(nodes.partition_point(|node| node.range.start() <= self.offset).checked_sub(1)?)?;
        if !self.is_at(node.range) {
            return None;
        }
        let sub = node.sub.as_deref();
        std::iter::once(node).chain(sub).find_map(|node| self.node(node)).or_else(|| self.heredoc(node))
    }

    fn node(&self, node: &Node) -> Option<Hover> {
        let keyword = node.keyword_upper();
        if self.is_at(node.keyword.range) {
            let doc = instruction(&keyword)?;
            let form = FORMS.iter().find(|(name, _)| *name == keyword).map_or("", |(_, form)| *form);
            return Some(from_doc(node.keyword.range, form, doc));
        }
        if let Some(flag) = node.flags.iter().find(|flag| self.is_at(flag.range)) {
            return self.flag(&keyword, flag);
        }
        match (keyword.as_str(), node.args.as_slice()) {
            ("FROM", [_, word, ..]) if self.is_at(word.range) && word.value.eq_ignore_ascii_case("as") => {
                let body = "Gives the stage a name, which later FROM lines, `--from` and `--target` can use. \
                            Builders fold it to lower case.";
                let url = Some(docs::instruction("FROM")?.url());
                Some(Hover { range: word.range, title: "AS name".into(), body: vec![body.into()], url })
            }
            ("FROM", [base, ..]) if self.is_at(base.range) && base.value == "scratch" => {
                let body = "Nothing: the stage begins without any file. The first RUN, COPY or ADD makes its first layer, \
                            and RUN finds no shell.";
                let url = Some(docs::instruction("FROM")?.url());
                Some(Hover { range: base.range, title: "scratch".into(), body: vec![body.into()], url })
            }
            ("HEALTHCHECK", [word, ..]) if self.is_at(word.range) => {
                let doc = docs::instruction("HEALTHCHECK")?;
                Some(from_doc(word.range, format!("HEALTHCHECK {}", word.value.to_ascii_uppercase()), doc))
            }
            _ => None,
        }
    }

    fn flag(&self, keyword: &str, word: &Spanned) -> Option<Hover> {
        let (name, value) =
            word.value.strip_prefix("--")?.split_once('=').unwrap_or((word.value.get(2..)?, ""));
        let doc = flag(keyword, name)?;
        let value_range = word.part(word.value.len() - value.len(), word.value.len());
        if name == "mount" && !value.is_empty() {
            let fields = mount_fields(self.text, word.range);
            let kind = fields.iter().rev().find(|field| field.key.eq_ignore_ascii_case("type"));
            let kind = kind.and_then(|field| field.value_range).map_or("bind", |range| range.of(self.text));
            let kind = kind.to_ascii_lowercase();
            for field in fields {
                let whole = field.value_range.map_or(field.key_range, |range| field.key_range.cover(range));
                if !self.is_at(whole) || field.key.is_empty() {
                    continue;
                }
                let key = field.key.to_ascii_lowercase();
                if key == "type" {
                    return mount_type(&kind).map(|doc| from_doc(whole, format!("type={kind}"), doc));
                }
                // The value says more where it names something of the file.
                let is_value = field.value_range.is_some_and(|range| self.is_at(range));
                let named = if is_value { self.name() } else { None };
                return named.or_else(|| {
                    let doc = mount_key(&key, &kind)?;
                    let url = mount_type(&kind).unwrap_or(doc).url();
                    Some(Hover { url: Some(url), ..from_doc(whole, format!("{key}="), doc) })
                });
            }
        }
        let is_value = !value.is_empty() && self.is_at(value_range);
        let named = if is_value { self.name() } else { None };
        let equals = if value.is_empty() { "" } else { "=" };
        named.or_else(|| Some(from_doc(word.range, format!("--{name}{equals}"), doc)))
    }

    /// A word that announces a heredoc.
    fn heredoc(&self, node: &Node) -> Option<Hover> {
        let inner = node.sub.as_deref().unwrap_or(node);
        let line = inner.args_range.of(self.text);
        let mut at = 0;
        for heredoc in &node.heredocs {
            let found = line.get(at..)?.find("<<")? + at;
            let rest = line.get(found..)?;
            let name_at = rest.find(heredoc.word.name.as_str())?;
            let len = name_at + heredoc.word.name.len();
            let len = len
                + rest.get(len..).map_or(0, |rest| rest.len() - rest.trim_start_matches(['"', '\'']).len());
            at = found + len;
            let range = TextRange::new(inner.args_range.start() + found, inner.args_range.start() + at);
            if !self.is_at(range) {
                continue;
            }
            let word = &heredoc.word;
            let is_run = inner.keyword_upper() == "RUN";
            let mut body = vec![format!(
                "The lines below are content, up to one that reads `{}`. {}",
                word.name,
                match is_run {
                    true =>
                        "As the whole command they are the script that is run; within a command the shell reads them.",
                    false =>
                        "They become a file of that name at the destination, or of the name that the destination gives.",
                }
            )];
            body.push(match (is_run, word.expands) {
                (true, true) => "The shell expands the variables in them.".into(),
                (true, false) => "Quotes around the name keep a shell from expanding variables in them; as the whole command they \
                                  are run as they are."
                    .into(),
                (false, true) => "The builder expands the variables in them; quotes around the name switch that off.".into(),
                (false, false) => "Quotes around the name switch variables off.".into(),
            });
            if word.chomps {
                body.push("The `-` takes the tabs at the beginning of each line away.".into());
            }
            body.push("Their bytes count for the cache.".into());
            return Some(Hover {
                range,
                title: range.of(self.text).to_owned(),
                body,
                url: Some(heredoc_url()),
            });
        }
        None
    }

    /// A stage or a variable.
    fn name(&self) -> Option<Hover> {
        let (outline, all) = read(self.text, self.file, self.known);
        match name_at(self.text, &outline, &all, self.offset)? {
            Name::Stage { idx, range } => self.stage(&outline, idx, range),
            Name::Variable { name, range, def, is_def } => {
                let node = def.filter(|_| is_def).and_then(|def| all.defs.get(def)).map(|def| def.node);
                let variables = match node {
                    Some(node) => scope::around(self.file, &outline, self.known, Some(node), None),
                    None => scope::at(self.file, &outline, self.known, self.offset),
                };
                let found = variables.into_iter().find(|variable| variable.name == name);
                let doc = predefined(&name);
                if found.is_none() && doc.is_none() {
                    let body = vec![
                        "Neither an ARG nor an ENV of this file sets it here. The base image may.".into(),
                    ];
                    return Some(Hover { range, title: format!("${name}"), body, url: Some(variable_url()) });
                }
                let mut body: Vec<String> = found.iter().map(|variable| self.variable(variable)).collect();
                body.extend(doc.map(|doc| doc.body.to_owned()));
                let url = doc.map_or_else(variable_url, Doc::url);
                Some(Hover { range, title: format!("${name}"), body, url: Some(url) })
            }
        }
    }

    fn stage(&self, outline: &Outline<'_>, idx: usize, range: TextRange) -> Option<Hover> {
        let stage = outline.stages.get(idx)?;
        let node = outline.opening(idx)?;
        let base = stage.base.map_or("", |base| base.value.as_str());
        let n = stage.end.saturating_sub(stage.from + 1);
        let instructions = if n == 1 { "1 instruction".to_owned() } else { format!("{n} instructions") };
        let mut body = vec![format!(
            "Stage {idx}, on line {}: begins with `{base}`, then {instructions}.",
            node.lines.first
        )];
        let own = stage.name.map(|name| name.range);
        let mut lines: Vec<u32> = stage_places(self.text, outline, idx)
            .into_iter()
            .filter(|range| Some(*range) != own)
            .map(|range| self.file.parse.line_index.line(range.start()))
            .collect();
        lines.sort_unstable();
        lines.dedup();
        let shown: Vec<String> = lines.iter().map(u32::to_string).collect();
        body.push(match shown.as_slice() {
            [] => "No other stage uses it.".into(),
            [line] => format!("Used on line {line}."),
            _ => format!("Used on lines {}.", shown.join(", ")),
        });
        let title = stage.name.map_or_else(|| format!("stage {idx}"), |name| name.value.to_lowercase());
        Some(Hover { range, title, body, url: Some(docs::instruction("FROM")?.url()) })
    }

    /// Where a variable comes from and what it holds.
    fn variable(&self, variable: &Variable) -> String {
        let line = variable.range.map_or(0, |range| self.file.parse.line_index.line(range.start()));
        let from = match variable.kind {
            VariableKind::Automatic => "Set by the builder".to_owned(),
            VariableKind::Base => "Set by the base image".to_owned(),
            VariableKind::Env => format!("Set by ENV on line {line}"),
            VariableKind::Arg => format!("A build argument, declared by ARG on line {line}"),
            VariableKind::GlobalArg => {
                format!("A global build argument, from line {line}; only FROM lines see it")
            }
        };
        match &variable.value {
            Value::Known(value) if value.is_empty() => format!("{from}. Here it is empty."),
            Value::Known(value) => format!("{from}. Here it is `{}`.", value.replace('`', "'")),
            Value::Unset => format!("{from}. It has no value unless `--build-arg` gives it one."),
            Value::Unknown => format!("{from}. What it holds is not known here."),
        }
    }
}

fn heredoc_url() -> String {
    "https://docs.docker.com/reference/dockerfile/#here-documents".to_owned()
}

fn variable_url() -> String {
    "https://docs.docker.com/reference/dockerfile/#environment-replacement".to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cursor, known};
    use super::*;
    use expect_test::{Expect, expect};

    #[track_caller]
    fn check(marked: &str, expected: &Expect) {
        let (text, offset) = cursor(marked);
        let shown = hover(&text, &Dockerfile::read(&text), offset, &known()).map(|hover| {
            let Hover { range, title, body, url } = hover;
            let url = url.unwrap_or_default();
            let anchor = url.rsplit(['#', '/']).find(|part| !part.is_empty()).unwrap_or_default();
            format!("{:?} {title} #{anchor}\n{}\n", range.of(&text), body.join("\n"))
        });
        expected.assert_eq(&shown.unwrap_or_default());
    }

    /// Only what it is about, for those whose text stands elsewhere.
    #[track_caller]
    fn about(marked: &str, expected: &str) {
        let (text, offset) = cursor(marked);
        let shown = hover(&text, &Dockerfile::read(&text), offset, &known());
        let shown = shown.map(|hover| format!("{} | {}", hover.range.of(&text), hover.title));
        assert_eq!(shown.unwrap_or_default(), expected, "{marked}");
    }

    #[test]
    fn parts_with_a_text() {
        about("fr|om x\n", "from | FROM [--platform=…] image|stage|scratch [AS name]");
        about("FROM x\nONBUILD RU|N a\n", "RUN | RUN [--flags] command");
        about("FROM x |as a\n", "as | AS name");
        about("FROM scr|atch\n", "scratch | scratch");
        about("FROM x\nCOPY --li|nk a b\n", "--link | --link");
        about("FROM x\nADD --chown=1|:2 a b\n", "--chown=1:2 | --chown=");
        about("FROM x\nRUN --mou|nt=type=cache,target=/x a\n", "--mount=type=cache,target=/x | --mount=");
        about("FROM x\nRUN --mount=type=ca|che,target=/x a\n", "type=cache | type=cache");
        about("FROM x\nRUN --mount=type=secret,i|d=x a\n", "id=x | id=");
        about("FROM x\nRUN --mount=dst=/x|,rw a\n", "dst=/x | dst=");
        about("FROM x\nHEALTHCHECK N|ONE\n", "NONE | HEALTHCHECK NONE");
        about("# syn|tax=a\nFROM x\n", "syntax=a | # syntax=");
        about("# check=skip=JSONArgs|Recommended\nFROM x\n", "JSONArgsRecommended | JSONArgsRecommended");
        about("# check=sk|ip=all\nFROM x\n", "check=skip=all | # check=");
        about("# a\n# syn|tax=a\nFROM x\n", "");
        about("FROM x\nRUN ec|ho\n", "");
        about("RUNN| x\n", "");
    }

    #[test]
    fn stages() {
        check(
            "FROM golang:1 AS Build\nRUN a\nFROM x\nCOPY --from=bu|ild a b\n",
            &expect![[r#"
                "build" build #from
                Stage 0, on line 1: begins with `golang:1`, then 1 instruction.
                Used on line 4.
            "#]],
        );
        check(
            "FROM x AS a|\n",
            &expect![[r#"
                "a" a #from
                Stage 0, on line 1: begins with `x`, then 0 instructions.
                No other stage uses it.
            "#]],
        );
    }

    #[test]
    fn variables() {
        check(
            "ARG V=1\nFROM x:$|V\n",
            &expect![[r#"
                "V" $V #environment-replacement
                A global build argument, from line 1; only FROM lines see it. Here it is `1`.
            "#]],
        );
        check(
            "FROM x\nARG V\nENV W|=$V-2\n",
            &expect![[r#"
                "W" $W #environment-replacement
                Set by ENV on line 3. Here it is `-2`.
            "#]],
        );
        check(
            "FROM x\nARG V\nRUN a ${|V}\n",
            &expect![[r#"
                "V" $V #environment-replacement
                A build argument, declared by ARG on line 2. It has no value unless `--build-arg` gives it one.
            "#]],
        );
        check(
            "FROM x\nWORKDIR $H|OME\n",
            &expect![[r#"
                "HOME" $HOME #environment-replacement
                Neither an ARG nor an ENV of this file sets it here. The base image may.
            "#]],
        );
        check(
            "FROM --platform=$BUILD|PLATFORM x\n",
            &expect![[r#"
                "BUILDPLATFORM" $BUILDPLATFORM #automatic-platform-args-in-the-global-scope
                Set by the builder. What it holds is not known here.
                Set by BuildKit to where the build runs. FROM lines can use it as it is; a stage has to declare it by an ARG without a value. `FROM --platform=$BUILDPLATFORM` runs a stage without emulation.
            "#]],
        );
    }

    #[test]
    fn heredocs() {
        check(
            "FROM x\nCOPY <<-\"E|OF\" /a\nx\nEOF\n",
            &expect![[r#"
                "<<-\"EOF\"" <<-"EOF" #here-documents
                The lines below are content, up to one that reads `EOF`. They become a file of that name at the destination, or of the name that the destination gives.
                Quotes around the name switch variables off.
                The `-` takes the tabs at the beginning of each line away.
                Their bytes count for the cache.
            "#]],
        );
        check(
            "FROM x\nRUN <<A\nx\nA|\n",
            &expect![[r#"
                "A" A #here-documents
                Ends the heredoc `A` that begins on line 2.
            "#]],
        );
    }
}
