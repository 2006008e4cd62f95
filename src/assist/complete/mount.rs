//! Inside `RUN --mount=…`.

use super::list::List;
use super::{Complete, CompletionKind, Typed};
use crate::assist::docs::{MOUNT_KEYS, mount_types};

/// Folders that tools keep their downloads in.
const CACHES: [(&str, &str); 14] = [
    ("/root/.cache/go-build", "Go, what was compiled"),
    ("/go/pkg/mod", "Go, modules"),
    ("/root/.npm", "npm"),
    ("/usr/local/share/.cache/yarn", "Yarn 1"),
    ("/root/.local/share/pnpm/store", "pnpm"),
    ("/root/.cache/pip", "pip"),
    ("/root/.cache/uv", "uv"),
    ("/root/.cache/pypoetry", "Poetry"),
    ("/usr/local/cargo/registry", "Cargo, downloads"),
    ("/root/.m2", "Maven"),
    ("/root/.gradle", "Gradle"),
    ("/root/.nuget/packages", "NuGet"),
    ("/var/cache/apt", "apt; needs sharing=locked"),
    ("/var/lib/apt", "apt, lists; needs sharing=locked"),
];

impl Complete<'_> {
    /// In the value of a mount, which begins at `at` and is `value` up to the place.
    pub(super) fn mount(&self, typed: &Typed<'_>, at: usize, value: &str, list: &mut List) {
        let last = value.rsplit(',').next().unwrap_or("");
        let start = at + value.len() - last.len();
        let quote = last.len() - last.trim_start_matches(['"', '\'']).len();
        let (last, start) = (last.get(quote..).unwrap_or(""), start + quote);
        // What stands behind the place counts, too: one may go back into a mount.
        let behind = self.text.get(self.offset..).unwrap_or("");
        let behind = behind.split(char::is_whitespace).next().unwrap_or("");
        let before = value.len() - last.len();
        let fields = value.get(..before).unwrap_or("").split(',').chain(behind.split(',').skip(1));
        let given: Vec<(&str, &str)> = fields
            .filter(|field| !field.is_empty())
            .map(|field| field.split_once('=').unwrap_or((field, "")))
            .collect();
        let named = |name: &str| given.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let kind = named("type").map_or("bind", |(_, kind)| *kind);
        let is_part = |ch: char| !ch.is_whitespace() && ch != ',';
        let Some((key, value)) = last.split_once('=') else {
            list.replace(self.text, typed.line.tail(start), |ch| is_part(ch) && ch != '=');
            list.swallow(self.text, '=');
            return self.mount_keys(&given, kind, list);
        };
        list.replace(self.text, typed.line.tail(start + key.len() + 1), is_part);
        match (key.to_ascii_lowercase().as_str(), kind) {
            ("type", _) => {
                for (name, doc) in mount_types() {
                    list.add(CompletionKind::Value, name, doc.summary, name, Some(doc));
                }
            }
            ("sharing", _) => {
                list.value("shared", "all at once, the default");
                list.value("locked", "one after another");
                list.value("private", "each its own");
            }
            ("from", _) => self.sources(typed, false, list),
            ("source" | "src", "bind") if named("from").is_none() => {
                let start = start + key.len() + 1;
                self.mount_paths(typed, start, value, list);
            }
            ("target" | "dst" | "destination", "cache") => {
                for (folder, detail) in CACHES {
                    list.value(folder, detail);
                }
            }
            ("readonly" | "ro" | "readwrite" | "rw" | "required", _) => {
                list.value("true", "");
                list.value("false", "");
            }
            ("mode", _) => ["0755", "0700", "0400", "0600"].iter().for_each(|mode| list.value(mode, "")),
            ("uid" | "gid", _) => {
                list.value("1000", "");
                list.value("0", "the default");
            }
            ("size", _) => ["64m", "256m", "1g"].iter().for_each(|size| list.value(size, "")),
            ("id", "ssh") => list.value("default", ""),
            ("id", _) => self.mount_ids(typed, kind, list),
            _ => {}
        }
    }

    fn mount_keys(&self, given: &[(&str, &str)], kind: &str, list: &mut List) {
        if !given.iter().any(|(key, _)| key.eq_ignore_ascii_case("type")) {
            for (name, doc) in mount_types() {
                let next = match name {
                    "secret" => ",id=",
                    "ssh" => "",
                    _ => ",target=",
                };
                // A key that is there already does not come twice.
                let next = if given.is_empty() { next } else { "" };
                let label = format!("type={name}");
                let insert = format!("{label}{next}");
                list.add(CompletionKind::Flag, label, doc.summary, insert, Some(doc));
            }
        }
        for key in &MOUNT_KEYS {
            let is_given = given.iter().any(|(name, _)| {
                let name = name.to_ascii_lowercase();
                let other = match name.as_str() {
                    "src" => "source",
                    "dst" | "destination" => "target",
                    "ro" => "readonly",
                    "readwrite" => "rw",
                    name => name,
                };
                other == key.name
            });
            if is_given || !key.kinds.iter().any(|known| known.name() == kind) {
                continue;
            }
            let label = if key.is_bare { key.name.to_owned() } else { format!("{}=", key.name) };
            let doc = crate::assist::docs::mount_key(key.name, kind);
            let detail = doc.map_or("", |doc| doc.summary);
            list.add(CompletionKind::Flag, label.clone(), detail, label, doc);
        }
    }

    /// Ids that other mounts of the kind have.
    fn mount_ids(&self, typed: &Typed<'_>, kind: &str, list: &mut List) {
        for (idx, node) in self.outline.nodes.iter().enumerate() {
            if Some(idx) == typed.line.node {
                continue;
            }
            for flag in &node.flags {
                let Some(value) = flag.value.strip_prefix("--mount=") else { continue };
                let mut fields = value.split(',').filter_map(|field| field.split_once('='));
                let has_kind = fields.clone().any(|(key, value)| key == "type" && value == kind);
                let id = fields.find(|(key, _)| *key == "id").filter(|_| has_kind);
                if let Some((_, id)) = id {
                    list.value(id, &format!("line {}", node.lines.first));
                }
            }
        }
    }
}
