//! COPY and ADD: sources, target, options.

use super::dispatch::{Walk, input_of};
use super::path::{clean, join_abs};
use super::{CopyAction, FileAction, FileInput, GraphError, Op, Role, StepId};
use crate::dockerfile::instruction::{Copy, InlineSource};
use crate::dockerfile::value::{SourceKind, check_chmod, check_digest};
use crate::dockerfile::word::Lex;
use crate::text::go_quote;

impl Walk<'_, '_> {
    pub(super) fn copy(&mut self, copy: &Copy, is_add: bool) -> Result<Role, GraphError> {
        let chown = self.expand_option(copy.chown.as_ref())?;
        let chmod = self.expand_option(copy.chmod.as_ref())?;
        let checksum = self.expand_option(copy.checksum.as_ref())?;
        let excludes = self.expand_all(&copy.excludes)?;
        let sources = self.expand_all(&copy.sources)?;
        let dest_written = self.expand(&copy.dest)?;
        let inline = self.expand_inline(&copy.inline)?;
        let source_placement = self.placement.sources.first().cloned().flatten();
        if let (Some(source), Some(from)) = (&source_placement, &copy.from)
            && !self.is_walked(source)
        {
            let message = format!(
                "cannot copy from stage {}, it needs to be defined before current stage {}",
                go_quote(&from.value),
                go_quote(&self.stage_label()),
            );
            return Err(self.fail(message, from.range));
        }
        if let Some(word) = copy.chmod.as_ref().filter(|_| !chmod.is_empty()) {
            check_chmod(&chmod).map_err(|message| self.fail(message, word.range))?;
        }
        self.check_checksum(copy, &checksum, &sources)?;
        let dest = dest_path(&self.state.cwd, &dest_written);
        let text = self.shown_code(false);
        let (name, position) = self.state.step_name(self.converter, &text, self.placement.is_onbuild);
        // `--link` with `--chmod` behaves as a plain copy.
        let is_link = copy.is_link && chmod.is_empty();
        let base = if is_link { None } else { self.state.output };
        let mut inputs: Vec<StepId> = base.into_iter().collect();
        let mut actions: Vec<FileAction> = Vec::new();
        let mut on = if base.is_some() { FileInput::Input(0) } else { FileInput::Scratch };
        let keyword = if is_add { "ADD" } else { "COPY" };
        let mut message = String::from(keyword);
        for (flag, value) in [("--chown", &chown), ("--chmod", &chmod)] {
            if flag == "--chown" && copy.keeps_parents {
                message.push_str(" --parents");
            }
            if !value.is_empty() {
                message.push_str(&format!(" {flag}={value}"));
            }
        }
        let mut local = None;
        for (source, word) in sources.iter().zip(&copy.sources) {
            message.push_str(&format!(" {source}"));
            let kind = SourceKind::of(source).map_err(|message| self.fail(message, word.range))?;
            if kind != SourceKind::Local {
                let is_git = kind == SourceKind::Git;
                if !is_add {
                    let kind = if is_git { "a git ref" } else { "a URL" };
                    return Err(self.fail(format!("source can't be {kind} for COPY"), word.range));
                }
                let op =
                    if is_git { Op::Git { url: source.clone() } } else { Op::Http { url: source.clone() } };
                let id = self.push(op, Vec::new(), name.clone(), position, text.clone(), false);
                // A builder says of the copy alone where it stands in the file.
                self.graph.steps.iter_mut().skip(id.0).for_each(|step| step.lines = None);
                inputs.push(id);
                let file = if is_git { "/".to_owned() } else { format!("/{}", url_base(source)) };
                let action = CopyAction {
                    on,
                    from: FileInput::Input(inputs.len() - 1),
                    source: file,
                    dest: dest.clone(),
                    chown: chown.clone(),
                    chmod: chmod.clone(),
                    is_path: false,
                    unpacks: copy.unpacks.unwrap_or(false) && !is_git,
                    includes: Vec::new(),
                    excludes: excludes.clone(),
                    required: Vec::new(),
                    created: self.converter.epoch,
                };
                actions.push(FileAction::Copy(Box::new(action)));
            } else {
                let from = match (local, &source_placement) {
                    (Some(from), _) => from,
                    (None, Some(source)) => {
                        let step = self.source_step(source, word.range)?;
                        input_of(&mut inputs, step)
                    }
                    (None, None) => {
                        let step = self.converter.local_step(self.graph, "context");
                        input_of(&mut inputs, Some(step))
                    }
                };
                local = Some(from);
                let (path, includes, required) = split_parents(source, copy.keeps_parents);
                let action = CopyAction {
                    on,
                    from,
                    source: path,
                    dest: dest.clone(),
                    chown: chown.clone(),
                    chmod: chmod.clone(),
                    is_path: true,
                    unpacks: copy.unpacks.unwrap_or(is_add),
                    includes,
                    excludes: excludes.clone(),
                    required,
                    created: self.converter.epoch,
                };
                actions.push(FileAction::Copy(Box::new(action)));
            }
            on = FileInput::Action(actions.len() - 1);
        }
        for (path, data) in inline {
            message.push_str(&format!(" <<{path}"));
            let step = self.inline_step(&path, 0o644, &data);
            let action = CopyAction {
                on,
                from: input_of(&mut inputs, Some(step)),
                source: join_abs("/", &path),
                dest: dest.clone(),
                chown: chown.clone(),
                chmod: chmod.clone(),
                is_path: false,
                unpacks: false,
                includes: Vec::new(),
                excludes: excludes.clone(),
                required: Vec::new(),
                created: self.converter.epoch,
            };
            actions.push(FileAction::Copy(Box::new(action)));
            on = FileInput::Action(actions.len() - 1);
        }
        message.push_str(&format!(" {dest_written} # buildkit"));
        let ignores_cache = self.state.ignores_cache;
        let copied =
            self.push(Op::File(actions), inputs, name.clone(), position, text.clone(), ignores_cache);
        let mut made = vec![copied];
        match self.state.output.filter(|_| is_link) {
            Some(below) => {
                let link = name.replacen("] ", "] LINK ", 1);
                let inputs = vec![below, copied];
                let id = self.push(Op::Merge, inputs, link, position, format!("LINK {text}"), ignores_cache);
                self.state.output = Some(id);
                made.push(id);
            }
            None => self.state.output = Some(copied),
        }
        self.state.commit(message, true);
        Ok(Role::Steps(made))
    }

    fn expand_inline(&self, inline: &[InlineSource]) -> Result<Vec<(String, String)>, GraphError> {
        let lex = Lex { ignores_quotes: true, ..Lex::new('\\') };
        let mut expanded = Vec::new();
        for source in inline {
            let data = if source.expands {
                let data = lex.expand(&source.data, &self.state.env);
                data.map_err(|error| self.fail(error.to_string(), source.path.range))?.text
            } else {
                source.data.clone()
            };
            expanded.push((source.path.value.clone(), data));
        }
        Ok(expanded)
    }

    fn check_checksum(&self, copy: &Copy, checksum: &str, sources: &[String]) -> Result<(), GraphError> {
        let Some(word) = copy.checksum.as_ref().filter(|_| !checksum.is_empty()) else { return Ok(()) };
        let [source] = sources else {
            return Err(self.fail("checksum can't be specified for multiple sources", word.range));
        };
        match SourceKind::of(source) {
            Ok(SourceKind::Local) => Err(self.fail("checksum requires HTTP(S) or Git sources", word.range)),
            Ok(SourceKind::Http) => check_digest(checksum).map_err(|message| self.fail(message, word.range)),
            // What is wrong with a repository is said where its step is made.
            Ok(SourceKind::Git) | Err(_) => Ok(()),
        }
    }
}

/// Where a copy goes; a slash or `/.` at the end is kept, it says "into this folder".
fn dest_path(cwd: &str, written: &str) -> String {
    let written = if written.is_empty() || written == "." { "./" } else { written };
    let path = if written.starts_with('/') { clean(written) } else { join_abs(cwd, written) };
    if path == "/" {
        return path;
    }
    if written.ends_with('/') {
        format!("{path}/")
    } else if written.ends_with("/.") {
        format!("{path}/.")
    } else {
        path
    }
}

fn has_wildcard(path: &str) -> bool {
    let mut chars = path.chars();
    while let Some(ch) = chars.next() {
        match ch {
            '*' | '?' | '[' => return true,
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
    false
}

/// What `--parents` makes of a source: where to begin, what to take, what must be there.
fn split_parents(source: &str, keeps_parents: bool) -> (String, Vec<String>, Vec<String>) {
    if !keeps_parents {
        return (join_abs("/", source), Vec::new(), Vec::new());
    }
    let (start, pattern) = source.split_once("/./").unwrap_or(("/", source));
    let pattern = join_abs("/", pattern);
    let is_exact = !has_wildcard(start) && !has_wildcard(&pattern);
    let required = if is_exact { vec![join_abs(&format!("/{start}"), &pattern)] } else { Vec::new() };
    (join_abs("/", start), vec![pattern.trim_start_matches('/').to_owned()], required)
}

fn url_base(url: &str) -> String {
    let path = url.split(['#', '?']).next().unwrap_or("");
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let name = path
        .split_once('/')
        .map_or("", |(_, path)| path)
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or("");
    if name.is_empty() { "__unnamed__".into() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        for (cwd, written, path) in [
            ("/app", "./", "/app/"),
            ("/app", ".", "/app/"),
            ("/app", "x", "/app/x"),
            ("/app", "/x/../y/", "/y/"),
            ("/", ".", "/"),
            ("/app", "a/.", "/app/a/."),
        ] {
            assert_eq!(dest_path(cwd, written), path);
        }
    }
}
