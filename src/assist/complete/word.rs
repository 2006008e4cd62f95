//! Arguments of the instructions.

use super::list::List;
use super::{Complete, Completion, CompletionKind, Typed};
use crate::assist::docs::{PLATFORM_NAMES, PROXY_NAMES, predefined};

/// Signals that programs stop at.
const SIGNALS: [(&str, &str); 9] = [
    ("SIGTERM", "the default"),
    ("SIGINT", "as Ctrl+C"),
    ("SIGQUIT", "nginx and PHP-FPM: finish what is under way"),
    ("SIGWINCH", "Apache: finish what is under way"),
    ("SIGHUP", ""),
    ("SIGUSR1", ""),
    ("SIGUSR2", ""),
    ("SIGKILL", "cannot be caught"),
    ("SIGRTMIN+3", "systemd"),
];

/// Shells in exec form.
const SHELLS: [(&str, &str); 5] = [
    ("[\"/bin/sh\", \"-c\"]", "the default"),
    ("[\"/bin/bash\", \"-c\"]", "bash"),
    ("[\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]", "bash; a pipe fails with any of its commands"),
    ("[\"/bin/ash\", \"-eo\", \"pipefail\", \"-c\"]", "Alpine's shell, the same"),
    ("[\"powershell\", \"-Command\"]", "Windows"),
];

/// Labels whose meaning is agreed on.
const LABELS: [(&str, &str); 14] = [
    ("org.opencontainers.image.title", "name for people"),
    ("org.opencontainers.image.description", "what it is"),
    ("org.opencontainers.image.version", "version of the software"),
    ("org.opencontainers.image.revision", "commit"),
    ("org.opencontainers.image.source", "address of the source code"),
    ("org.opencontainers.image.url", "address for more"),
    ("org.opencontainers.image.documentation", "address of the documentation"),
    ("org.opencontainers.image.authors", "who to ask"),
    ("org.opencontainers.image.vendor", "organization"),
    ("org.opencontainers.image.licenses", "SPDX expression"),
    ("org.opencontainers.image.created", "time, RFC 3339"),
    ("org.opencontainers.image.ref.name", "name of the reference"),
    ("org.opencontainers.image.base.name", "the base image"),
    ("org.opencontainers.image.base.digest", "its digest"),
];

impl Complete<'_> {
    /// The argument that is being typed.
    pub(super) fn arguments(&self, typed: &Typed<'_>, list: &mut List) {
        let current = typed.current();
        let n_args = typed.n_args();
        let is_first = n_args == 0;
        list.replace(self.text, typed.line.tail(current.start), |ch| !ch.is_whitespace());
        match typed.keyword.as_str() {
            "FROM" if is_first => self.bases(typed, list),
            "FROM" if n_args == 1 => {
                let is_lower = typed.written.bytes().all(|byte| byte.is_ascii_lowercase());
                let word = if is_lower { "as" } else { "AS" };
                list.add(CompletionKind::Keyword, word, "a name for the stage", format!("{word} "), None);
                list.drop_blank_before_blank(self.text);
            }
            "COPY" | "ADD" => self.copy_paths(typed, list),
            "USER" if is_first => {
                self.users(list);
                list.value("root", "");
                list.value("nobody", "");
                list.value("1000:1000", "by numbers");
            }
            "WORKDIR" if is_first => {
                self.earlier("WORKDIR", typed.line.node, list);
                ["/app", "/src", "/usr/src/app", "/workspace"].iter().for_each(|path| list.value(path, ""));
            }
            "EXPOSE" => expose(current.text, list),
            "STOPSIGNAL" if is_first => {
                SIGNALS.iter().for_each(|(signal, detail)| list.value(signal, detail))
            }
            "SHELL" if is_first => SHELLS.iter().for_each(|(shell, detail)| list.value(shell, detail)),
            "CMD" | "ENTRYPOINT" if is_first && current.text.is_empty() => exec_form(list),
            "HEALTHCHECK" if is_first => {
                list.add(CompletionKind::Keyword, "CMD", "the command that checks", "CMD ", None);
                list.add(CompletionKind::Keyword, "NONE", "no check, not even the base's", "NONE", None);
                list.drop_blank_before_blank(self.text);
            }
            "HEALTHCHECK" if n_args == 1 && current.text.is_empty() => exec_form(list),
            "LABEL" if !current.text.contains('=') => {
                list.replace(self.text, typed.line.tail(current.start), |ch| {
                    !ch.is_whitespace() && ch != '='
                });
                list.swallow(self.text, '=');
                for (label, detail) in LABELS {
                    let is_given = |word: &crate::assist::cursor::Word<'_>| {
                        word.text.trim_matches('"').split('=').next() == Some(label)
                    };
                    if !typed.before().iter().any(is_given) {
                        list.add(CompletionKind::Value, label, detail, format!("{label}="), None);
                    }
                }
            }
            "ARG" if !current.text.contains('=') => self.args(typed, list),
            _ => {}
        }
    }

    /// Names that a stage declares to use them.
    fn args(&self, typed: &Typed<'_>, list: &mut List) {
        list.replace(self.text, typed.line.tail(typed.current().start), |ch| {
            ch.is_ascii_alphanumeric() || ch == '_'
        });
        let stage = typed.line.node.and_then(|node| self.outline.stage_of(node));
        if stage.is_none() && !typed.is_trigger {
            return list.add(
                CompletionKind::Variable,
                "SOURCE_DATE_EPOCH",
                predefined("SOURCE_DATE_EPOCH").map_or("", |doc| doc.summary),
                "SOURCE_DATE_EPOCH",
                predefined("SOURCE_DATE_EPOCH"),
            );
        }
        let first = self.outline.stages.first().map_or(0, |stage| stage.from);
        for node in self.outline.nodes.iter().take(first).filter(|node| node.keyword_upper() == "ARG") {
            for word in &node.args {
                let name = word.value.split('=').next().unwrap_or("");
                let detail = format!("global ARG, line {}", node.lines.first);
                list.add(CompletionKind::Variable, name, detail, name, None);
            }
        }
        for name in PLATFORM_NAMES.iter().chain(&PROXY_NAMES) {
            let doc = predefined(name);
            list.add(CompletionKind::Variable, *name, doc.map_or("", |doc| doc.summary), *name, doc);
        }
    }

    /// Users that the file names.
    pub(super) fn users(&self, list: &mut List) {
        self.earlier("USER", self.outline.node_before(self.offset), list);
        for node in self.outline.nodes.iter() {
            for flag in &node.flags {
                if let Some(owner) = flag.value.strip_prefix("--chown=").filter(|owner| !owner.is_empty()) {
                    list.value(owner, &format!("line {}", node.lines.first));
                }
            }
        }
    }

    /// What instructions of a keyword say elsewhere in the file.
    fn earlier(&self, keyword: &str, except: Option<usize>, list: &mut List) {
        for (idx, node) in self.outline.nodes.iter().enumerate() {
            if Some(idx) != except && node.keyword_upper() == keyword && node.args.len() == 1 {
                let word = node.args.first().map_or("", |word| word.value.as_str());
                list.value(word, &format!("line {}", node.lines.first));
            }
        }
    }
}

/// A port gets its protocol.
fn expose(word: &str, list: &mut List) {
    let port = word.split('/').next().unwrap_or("");
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        for (port, detail) in [("80", "HTTP"), ("443", "HTTPS"), ("3000", ""), ("8080", "")] {
            list.value(port, detail);
        }
        return;
    }
    for (protocol, detail) in [("tcp", "the default"), ("udp", ""), ("sctp", "")] {
        list.value(&format!("{port}/{protocol}"), detail);
    }
}

/// The beginning of an exec form.
fn exec_form(list: &mut List) {
    list.push(Completion {
        label: "[\"…\"]".into(),
        detail: "exec form: without a shell".into(),
        insert: "[\"\"]".into(),
        caret: 2,
        kind: CompletionKind::Value,
        doc: None,
    });
}
