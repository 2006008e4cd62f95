//! Where files come from: stages, images, named contexts, paths of the context.

use super::list::List;
use super::{Complete, Completion, CompletionKind, Typed};
use crate::assist::outline::sources;
use crate::assist::path::children;

/// How a path is written where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A word of the shell form. `is_alone`: it is the only one, and could become the exec form.
    Word { escape: char, is_alone: bool },
    /// Within the quotes of the exec form.
    Json { escape: char },
    /// A value of a mount.
    Mount,
}

impl Complete<'_> {
    /// What FROM can begin with.
    pub(super) fn bases(&self, typed: &Typed<'_>, list: &mut List) {
        let own = typed.stage(self);
        for idx in (0..own).rev() {
            let Some(name) = self.outline.stages.get(idx).and_then(|stage| stage.name) else { continue };
            // FROM compares with names in lower case.
            let name = name.value.to_lowercase();
            if self.outline.stage_above(own, &name) == Some(idx) {
                list.add(CompletionKind::Stage, name.clone(), self.stage_detail(idx), name, None);
            }
        }
        self.images(typed.line.node, list);
        list.add(CompletionKind::Image, "scratch", "nothing", "scratch", None);
    }

    /// What `--from=` or `from=` can name.
    pub(super) fn sources(&self, typed: &Typed<'_>, is_copy: bool, list: &mut List) {
        let own = typed.stage(self);
        for idx in (0..own).rev() {
            let name = self.outline.stages.get(idx).and_then(|stage| stage.name);
            // A name that a later stage has, too, leads there.
            let name = name
                .map(|name| name.value.to_lowercase())
                .filter(|name| self.outline.stage_named(name) == Some(idx));
            let name = name.or_else(|| is_copy.then(|| idx.to_string()));
            if let Some(name) = name {
                list.add(CompletionKind::Stage, name.clone(), self.stage_detail(idx), name, None);
            }
        }
        self.images(typed.line.node, list);
    }

    fn stage_detail(&self, idx: usize) -> String {
        let base = self.outline.stages.get(idx).and_then(|stage| stage.base);
        format!("stage {idx}, {}", base.map_or("", |base| base.value.as_str()))
    }

    /// Named contexts, and the images that the file names elsewhere.
    fn images(&self, except: Option<usize>, list: &mut List) {
        for name in self.known.contexts {
            list.add(CompletionKind::Image, name.as_str(), "named context", name.as_str(), None);
        }
        for (idx, stage) in self.outline.stages.iter().enumerate() {
            let Some(base) = stage.base.filter(|_| Some(stage.from) != except) else { continue };
            let is_image = !base.value.contains(['$', '"', '\''])
                && base.value != "scratch"
                && self.outline.stage_above(idx, &base.value).is_none();
            if is_image {
                self.image(&base.value, stage.from, list);
            }
        }
        for (idx, node) in self.outline.nodes.iter().enumerate() {
            if Some(idx) == except {
                continue;
            }
            for source in sources(self.text, node) {
                let is_stage = match source.is_copy {
                    true => self.outline.copy_source(&source.name).is_some(),
                    false => self.outline.stage_named(&source.name).is_some(),
                };
                if !is_stage && source.name != "scratch" && source.name.parse::<i64>().is_err() {
                    self.image(&source.name, idx, list);
                }
            }
        }
    }

    fn image(&self, name: &str, node: usize, list: &mut List) {
        let line = self.outline.nodes.get(node).map_or(0, |node| node.lines.first);
        list.add(CompletionKind::Image, name, format!("line {line}"), name, None);
    }

    /// Sources of COPY and ADD.
    pub(super) fn copy_paths(&self, typed: &Typed<'_>, list: &mut List) {
        if typed.flag_value("from").is_some() {
            return;
        }
        let escape = self.file.parse.escape;
        let current = typed.current();
        let text = typed.line.text();
        let args = typed.before().iter().find(|word| !super::is_flag(word.text)).unwrap_or(&current);
        let list_text = text.get(args.start..).unwrap_or("");
        if list_text.starts_with('[') {
            // The string at the place begins behind an odd quote.
            let mut start = None;
            let mut chars = list_text.char_indices();
            while let Some((idx, ch)) = chars.next() {
                match (ch, start) {
                    ('\\', Some(_)) => drop(chars.next()),
                    ('"', None) => start = Some(args.start + idx + 1),
                    ('"', Some(_)) => start = None,
                    _ => {}
                }
            }
            if let Some(start) = start {
                let raw = text.get(start..).unwrap_or("");
                list.replace(self.text, typed.line.tail(start), |ch| ch != '"');
                self.paths(raw, Style::Json { escape }, list);
            }
            return;
        }
        // Blanks cut words here whatever quotes say.
        let start = text.rfind([' ', '\t']).map_or(0, |at| at + 1).max(typed.args);
        let raw = text.get(start..).unwrap_or("");
        // The last word is where it goes; that is a path of the image.
        if raw.starts_with("<<") || typed.n_args() > 0 && raw.starts_with('/') {
            return;
        }
        list.replace(self.text, typed.line.tail(start), |ch| !ch.is_whitespace());
        let rest = list.rest(self.text).split('\n').next().unwrap_or("");
        let is_alone = typed.n_args() == 0 && rest.trim().is_empty();
        self.paths(raw, Style::Word { escape, is_alone }, list);
    }

    /// The source of a bind mount.
    pub(super) fn mount_paths(&self, typed: &Typed<'_>, at: usize, raw: &str, list: &mut List) {
        list.replace(self.text, typed.line.tail(at), |ch| !ch.is_whitespace() && ch != ',');
        self.paths(raw, Style::Mount, list);
    }

    /// What of the context begins with what is typed as `raw`.
    fn paths(&self, raw: &str, style: Style, list: &mut List) {
        // A pattern or a variable stands for paths that are not known.
        if raw.contains(['*', '?', '[', '$', '"', '\'']) {
            return;
        }
        let mut path = String::new();
        let mut chars = raw.chars();
        while let Some(ch) = chars.next() {
            let is_escape = match style {
                Style::Word { escape, .. } => ch == escape,
                Style::Json { .. } | Style::Mount => ch == '\\',
            };
            path.extend(if is_escape { chars.next() } else { Some(ch) });
        }
        let rooted = path.strip_prefix("./").map(|rest| ("./", rest));
        let (front, prefix) =
            rooted.or_else(|| path.strip_prefix('/').map(|rest| ("/", rest))).unwrap_or(("", &path));
        if prefix.split('/').any(|part| part == "..") {
            return;
        }
        let (found, is_cut) = children(self.known.paths, prefix);
        list.is_cut |= is_cut;
        for child in found {
            let shown = format!("{front}{}", child.path);
            let Some((insert, caret)) = written(&shown, style, child.is_folder) else { continue };
            let (kind, detail) = if child.is_folder {
                (CompletionKind::Folder, "folder")
            } else {
                (CompletionKind::File, "file")
            };
            // It is typed against as it is written.
            let label = if insert.starts_with("[\"") { shown } else { insert.clone() };
            let item = Completion { label, detail: detail.into(), insert, caret, kind, doc: None };
            list.push(item);
        }
    }
}

/// A path as it has to be written to mean itself, and where the cursor goes.
/// None where that is not possible.
fn written(path: &str, style: Style, is_folder: bool) -> Option<(String, usize)> {
    let escape = match style {
        Style::Word { escape, .. } | Style::Json { escape } => escape,
        Style::Mount => '\\',
    };
    if path.contains(['\\', '\n', '\r']) || path.contains(escape) {
        return None;
    }
    let has_blank = path.contains(char::is_whitespace);
    let mut word = String::new();
    for ch in path.chars() {
        match (ch, style) {
            // A pattern that matches the character alone.
            ('*' | '?' | '[', Style::Word { .. } | Style::Json { .. }) => word.extend(['[', ch, ']']),
            ('$' | '"' | '\'', Style::Word { .. } | Style::Json { .. }) => word.extend([escape, ch]),
            (',' | '"' | '\'' | '$', Style::Mount) => return None,
            (ch, Style::Mount) if ch.is_whitespace() => word.extend(['\\', ch]),
            _ => word.push(ch),
        }
    }
    let json = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    match style {
        Style::Word { is_alone: true, .. } if has_blank && !is_folder => {
            let front = format!("[\"{}\", \"", json(&word));
            let caret = front.len() + "./".len();
            Some((format!("{front}./\"]"), caret))
        }
        Style::Word { is_alone: true, .. } if has_blank => {
            let front = format!("[\"{}", json(&word));
            let caret = front.len();
            Some((format!("{front}\", \"./\"]"), caret))
        }
        // A word of several cannot hold a blank; one that matches a blank can.
        Style::Word { .. } => {
            let word = word.replace(char::is_whitespace, "?");
            let caret = word.len();
            Some((word, caret))
        }
        Style::Json { .. } => {
            let word = json(&word);
            let caret = word.len();
            Some((word, caret))
        }
        Style::Mount => {
            let caret = word.len();
            Some((word, caret))
        }
    }
}
