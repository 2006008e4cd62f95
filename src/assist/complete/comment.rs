//! Comments: parser directives at the top, options of the checks.

use super::list::List;
use super::{Complete, CompletionKind};
use crate::assist::cursor::Line;
use crate::assist::docs::directive;
use crate::lint::RULES;
use crate::text::TextRange;

impl Complete<'_> {
    /// Inside a comment whose text begins at `start`.
    pub(super) fn comment(&self, start: usize, is_directive: bool, list: &mut List) {
        let typed = self.text.get(start..self.offset).unwrap_or("");
        let name_start = self.offset - typed.trim_start().len();
        let Some((name, value)) = typed.split_once('=') else {
            if is_directive {
                let blank = if name_start == start { " " } else { "" };
                let range = TextRange::new(name_start, self.offset);
                list.replace(self.text, Some(range), |ch| ch.is_ascii_alphabetic());
                list.swallow(self.text, '=');
                self.directives(blank, list);
            }
            return;
        };
        let value_start = self.offset - value.len();
        match name.trim().to_ascii_lowercase().as_str() {
            // Above any instruction a comment can switch checks off for it.
            "check" => self.check(value, list),
            "syntax" if is_directive => {
                list.replace(self.text, Some(TextRange::new(value_start, self.offset)), |_| true);
                list.value("docker/dockerfile:1", "the newest of version 1");
                list.value("docker/dockerfile:1-labs", "with what is not stable yet");
                list.value("docker/dockerfile-upstream:master", "as it is developed");
            }
            "escape" if is_directive => {
                list.replace(self.text, Some(TextRange::new(value_start, self.offset)), |_| true);
                list.value("`", "leaves backslashes of Windows paths alone");
                list.value("\\", "the default");
            }
            _ => {}
        }
    }

    /// Where an instruction could begin and so could a directive.
    pub(super) fn directive_line(&self, line: &Line, list: &mut List) {
        let number = self.file.parse.line_index.line(line.offset);
        let above = self.file.parse.directives.iter().filter(|directive| directive.line < number).count();
        if u32::try_from(above + 1) == Ok(number) && line.node.is_none() {
            self.directives("# ", list);
        }
    }

    fn directives(&self, front: &str, list: &mut List) {
        for name in ["syntax", "check", "escape"] {
            if self.file.directive(name).is_some() {
                continue;
            }
            let doc = directive(name);
            let insert = format!("{front}{name}=");
            list.add(
                CompletionKind::Directive,
                format!("{}{name}=", front.trim_start()),
                doc.map_or("", |doc| doc.summary),
                insert,
                doc,
            );
        }
    }

    /// The options of `check=`, whose value up to the place is `value`.
    fn check(&self, value: &str, list: &mut List) {
        let option = value.rsplit(';').next().unwrap_or("");
        let Some((name, rules)) = option.split_once('=') else {
            let range = TextRange::new(self.offset - option.trim_start().len(), self.offset);
            list.replace(self.text, Some(range), |ch| ch.is_ascii_alphabetic());
            list.swallow(self.text, '=');
            for (option, detail) in [
                ("skip=", "rules that are not checked"),
                ("error=true", "warnings make the build fail"),
                ("experimental=", "experimental rules that are checked"),
            ] {
                list.add(CompletionKind::Directive, option, detail, option, None);
            }
            return;
        };
        let typed = rules.rsplit(',').next().unwrap_or("").trim_start();
        let range = TextRange::new(self.offset - typed.len(), self.offset);
        list.replace(self.text, Some(range), |ch| ch.is_ascii_alphanumeric());
        let is_experimental = match name.trim() {
            "skip" => false,
            "experimental" => true,
            "error" => {
                list.value("true", "");
                return list.value("false", "the default");
            }
            _ => return,
        };
        for rule in RULES.iter().filter(|rule| rule.is_experimental == is_experimental) {
            if !rules.split(',').any(|given| given.trim() == rule.name) {
                list.value(rule.name, rule.description);
            }
        }
        if rules.trim() == typed {
            list.value("all", "all of them");
        }
    }
}
