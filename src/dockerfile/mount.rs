//! `RUN --mount=…` and `RUN --device=…`: comma-separated options.
//!
//! See [the reference](https://docs.docker.com/reference/dockerfile/#run---mount).
//! BuildKit reads a mount twice: when the file is parsed, where values may
//! still hold variables and only `from` is looked at, and again when the graph
//! is made, with the variables known. [`Mount::check`] is the first,
//! [`Mount::read`] the second.

use super::error::Problem;
use crate::diagnostic::nearest;
use crate::text::go_quote;

/// What is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MountKind {
    /// Files of the context, a stage or an image.
    Bind,
    /// A folder that outlives the build.
    Cache,
    /// Memory.
    Tmpfs,
    /// A secret of the client.
    Secret,
    /// The client's SSH agent.
    Ssh,
}

impl MountKind {
    const ALL: [(&'static str, Self); 5] = [
        ("bind", Self::Bind),
        ("cache", Self::Cache),
        ("tmpfs", Self::Tmpfs),
        ("secret", Self::Secret),
        ("ssh", Self::Ssh),
    ];

    /// As written in a Dockerfile.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// Who may use a cache mount at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sharing {
    /// Everyone.
    Shared,
    /// Each its own copy.
    Private,
    /// One after another.
    Locked,
}

/// One `--mount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// Stage, image or named context.
    pub from: String,
    /// Path there.
    pub source: String,
    /// Path in the step.
    pub target: String,
    /// Nothing can be written.
    pub is_read_only: bool,
    /// A tmpfs's size in bytes.
    pub size_limit_bytes: u64,
    /// Name of a cache, secret or socket.
    pub id: String,
    /// For caches.
    pub sharing: Option<Sharing>,
    /// The build fails without it.
    pub is_required: bool,
    /// Mode bits.
    pub mode: Option<u64>,
    /// Owner.
    pub uid: Option<u64>,
    /// Group.
    pub gid: Option<u64>,
    /// Variable for a secret.
    pub env: Option<String>,
}

const KEYS: [&str; 17] = [
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
];

/// Expands the variables of one value.
pub type Expander<'a> = dyn FnMut(&str) -> Result<String, String> + 'a;

impl Mount {
    /// What parsing a file checks: the list's syntax and that `from` has no variable.
    ///
    /// # Errors
    /// The problem, in BuildKit's words.
    pub fn check(value: &str) -> Result<(), Problem> {
        for field in fields(value, "mounts").map_err(Problem::Mount)? {
            let Some((key, value)) = field.split_once('=') else { continue };
            let has_variable =
                value.split_once('$').is_some_and(|(_, rest)| rest.starts_with(|ch| ch != '\n'));
            if key.eq_ignore_ascii_case("from") && has_variable {
                return Err(Problem::FromExpansion);
            }
        }
        Ok(())
    }

    /// The stage, image or context that a mount of known type names, as the
    /// file writes it; needed before variables are known.
    #[must_use]
    pub fn from_name(value: &str) -> Option<String> {
        let fields = fields(value, "mounts").ok()?;
        let pair = |field: &String| {
            field
                .split_once('=')
                .filter(|(key, _)| key.eq_ignore_ascii_case("from"))
                .map(|(_, value)| value.to_owned())
        };
        fields.iter().rev().find_map(pair)
    }

    /// Reads a mount with the variables of its step.
    ///
    /// # Errors
    /// The problem, in BuildKit's words.
    pub fn read(value: &str, expand: &mut Expander<'_>) -> Result<Self, String> {
        let mut mount = Self {
            kind: MountKind::Bind,
            from: String::new(),
            source: String::new(),
            target: String::new(),
            is_read_only: false,
            size_limit_bytes: 0,
            id: String::new(),
            sharing: None,
            is_required: false,
            mode: None,
            uid: None,
            gid: None,
            env: None,
        };
        let mut is_read_only = None;
        for field in fields(value, "mounts")? {
            match field.split_once('=') {
                Some((key, value)) => {
                    let value = expand(value)?;
                    mount.set(&key.to_lowercase(), &value, &field, &mut is_read_only)?;
                }
                None => mount.set_bare(&field, &mut is_read_only)?,
            }
        }
        mount.validate(is_read_only)?;
        Ok(mount)
    }

    fn set_bare(&mut self, field: &str, is_read_only: &mut Option<bool>) -> Result<(), String> {
        match field.to_lowercase().as_str() {
            "readonly" | "ro" => *is_read_only = Some(true),
            "readwrite" | "rw" => *is_read_only = Some(false),
            key @ "required" => {
                self.only_for(key, &[MountKind::Secret, MountKind::Ssh])?;
                self.is_required = true;
            }
            _ => return Err(format!("invalid field '{field}' must be a key=value pair")),
        }
        Ok(())
    }

    fn only_for(&self, key: &str, kinds: &[MountKind]) -> Result<(), String> {
        if kinds.contains(&self.kind) {
            return Ok(());
        }
        Err(format!("unexpected key '{key}' for mount type '{}'", self.kind.name()))
    }

    fn set(
        &mut self,
        key: &str,
        value: &str,
        field: &str,
        is_read_only: &mut Option<bool>,
    ) -> Result<(), String> {
        let invalid = || format!("invalid value for {key}: {value}");
        let number =
            |radix| u32::from_str_radix(value, radix).ok().filter(|_| !value.starts_with('+')).map(u64::from);
        let bad_number = || format!("invalid value {value} for {key}");
        match key {
            "type" => {
                let lower = value.to_lowercase();
                let found = MountKind::ALL.iter().find(|(name, _)| *name == lower);
                let options = MountKind::ALL.map(|(name, _)| name);
                let unknown =
                    || with_hint(format!("unsupported mount type {}", go_quote(value)), value, &options);
                self.kind = found.ok_or_else(unknown)?.1;
            }
            "from" => self.from = value.to_owned(),
            "source" | "src" => self.source = value.to_owned(),
            "target" | "dst" | "destination" => self.target = value.to_owned(),
            "readonly" | "ro" => *is_read_only = Some(go_bool(value).ok_or_else(invalid)?),
            "readwrite" | "rw" => *is_read_only = Some(!go_bool(value).ok_or_else(invalid)?),
            "required" => {
                self.only_for(key, &[MountKind::Secret, MountKind::Ssh])?;
                self.is_required = go_bool(value).ok_or_else(invalid)?;
            }
            "size" => {
                self.only_for(key, &[MountKind::Tmpfs])?;
                self.size_limit_bytes = ram_bytes(value).ok_or_else(invalid)?;
            }
            "id" => self.id = value.to_owned(),
            "sharing" => {
                let options = ["shared", "private", "locked"];
                self.sharing = Some(match value.to_lowercase().as_str() {
                    "shared" => Sharing::Shared,
                    "private" => Sharing::Private,
                    "locked" => Sharing::Locked,
                    _ => {
                        let message = format!("unsupported sharing value {}", go_quote(value));
                        return Err(with_hint(message, value, &options));
                    }
                });
            }
            "mode" => self.mode = Some(number(8).ok_or_else(bad_number)?),
            "uid" => self.uid = Some(number(10).ok_or_else(bad_number)?),
            "gid" => self.gid = Some(number(10).ok_or_else(bad_number)?),
            "env" => {
                self.only_for(key, &[MountKind::Secret])?;
                self.env = Some(value.to_owned());
            }
            _ => return Err(with_hint(format!("unexpected key '{key}' in '{field}'"), key, &KEYS)),
        }
        Ok(())
    }

    fn validate(&mut self, is_read_only: Option<bool>) -> Result<(), String> {
        let kind = self.kind.name();
        let has_owner = matches!(self.kind, MountKind::Secret | MountKind::Ssh | MountKind::Cache);
        for (name, is_set) in
            [("mode", self.mode.is_some()), ("uid", self.uid.is_some()), ("gid", self.gid.is_some())]
        {
            if is_set && !has_owner {
                return Err(format!("{name} not allowed for {} type mounts", go_quote(kind)));
            }
        }
        let is_writable_by_default = matches!(self.kind, MountKind::Cache | MountKind::Tmpfs);
        self.is_read_only = is_read_only.unwrap_or(!is_writable_by_default);
        if self.kind == MountKind::Secret {
            if !self.from.is_empty() {
                return Err("secret mount should not have a from".into());
            }
            if self.sharing.is_some() {
                return Err("secret mount should not define sharing".into());
            }
            if self.source.is_empty() && self.target.is_empty() && self.id.is_empty() {
                return Err("invalid secret mount. one of source, target required".into());
            }
            if !self.source.is_empty() && !self.id.is_empty() {
                return Err("both source and id can't be set".into());
            }
        }
        if self.sharing.is_some() && self.kind != MountKind::Cache {
            return Err(format!("invalid cache sharing set for {kind} mount"));
        }
        Ok(())
    }
}

/// One `--device`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The device's name.
    pub name: String,
    /// The build fails without it.
    pub is_required: bool,
}

impl Device {
    /// Reads a device.
    ///
    /// # Errors
    /// The problem, in BuildKit's words.
    pub fn read(value: &str) -> Result<Self, String> {
        let mut device = Self::default();
        for (idx, field) in fields(value, "devices")?.into_iter().enumerate() {
            let (key, value) =
                field.split_once('=').map_or((field.as_str(), None), |(key, value)| (key, Some(value)));
            match (key.to_lowercase().as_str(), value) {
                ("required", None) => device.is_required = true,
                ("required", Some(value)) => {
                    device.is_required =
                        go_bool(value).ok_or_else(|| format!("invalid value for required: {value}"))?;
                }
                ("name", Some(value)) => device.set_name(value)?,
                // The first field may be the bare name, which has a slash in it.
                (_, _) if idx == 0 && key.contains('/') => device.set_name(&field)?,
                (_, None) if idx == 0 => device.set_name(&field)?,
                (_, None) => return Err(format!("invalid field '{field}' must be a key=value pair")),
                (key, Some(_)) => return Err(format!("unexpected key '{key}' in '{field}'")),
            }
        }
        Ok(device)
    }

    fn set_name(&mut self, name: &str) -> Result<(), String> {
        if !self.name.is_empty() {
            return Err(format!("device name already set to {}", self.name));
        }
        name.clone_into(&mut self.name);
        Ok(())
    }
}

fn with_hint(message: String, word: &str, options: &[&str]) -> String {
    match nearest(word, options.iter().copied(), false) {
        Some(nearest) => format!("{message} (did you mean {nearest}?)"),
        None => message,
    }
}

/// Go's `strconv.ParseBool`.
pub(super) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A size with a binary unit: `64m`, `1.5GiB`.
fn ram_bytes(text: &str) -> Option<u64> {
    let digits = text.find(|ch: char| !ch.is_ascii_digit() && ch != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_lowercase();
    let unit = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit);
    let power = match unit {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let bytes = number * 1024_f64.powi(power);
    // The cast saturates; a size beyond 2^63 is refused as Go does.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (bytes < 9.2e18).then_some(bytes as u64)
}

/// Splits a comma-separated list by the rules of Go's CSV reader.
fn fields(value: &str, what: &str) -> Result<Vec<String>, String> {
    let fail = |cause: &str| format!("failed to parse csv {what}: {cause}");
    let line =
        value.split('\n').find(|line| !line.trim_end_matches('\r').is_empty()).ok_or_else(|| fail("EOF"))?;
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut field = String::new();
            let mut tail = quoted;
            loop {
                let column = line.len() - tail.len() + 1;
                let Some((head, after)) = tail.split_once('"') else {
                    let column = line.len() + 1;
                    return Err(fail(&format!(
                        "parse error on line 1, column {column}: extraneous or missing \" in quoted-field"
                    )));
                };
                field.push_str(head);
                if let Some(after) = after.strip_prefix('"') {
                    field.push('"');
                    tail = after;
                    continue;
                }
                tail = after;
                if !tail.is_empty() && !tail.starts_with(',') {
                    let column = column + head.len();
                    return Err(fail(&format!(
                        "parse error on line 1, column {column}: extraneous or missing \" in quoted-field"
                    )));
                }
                break;
            }
            fields.push(field);
            rest = tail;
        } else {
            let len = rest.find(',').unwrap_or(rest.len());
            let (field, tail) = rest.split_at(len);
            if let Some(quote) = field.find('"') {
                let column = line.len() - rest.len() + quote + 1;
                return Err(fail(&format!(
                    "parse error on line 1, column {column}: bare \" in non-quoted field"
                )));
            }
            fields.push(field.to_owned());
            rest = tail;
        }
        match rest.strip_prefix(',') {
            Some(tail) => rest = tail,
            None => return Ok(fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Mount, String> {
        Mount::read(value, &mut |value| Ok(value.to_owned()))
    }

    #[test]
    fn options() {
        let mount = read("type=cache,\"target=/a,b\",sharing=locked,mode=0700,id=x").unwrap();
        assert_eq!(
            (mount.target.as_str(), mount.sharing, mount.mode),
            ("/a,b", Some(Sharing::Locked), Some(0o700))
        );
        assert!(!mount.is_read_only);
        assert_eq!(read("type=tmpfs,size=64m,target=/x").unwrap().size_limit_bytes, 64 << 20);
        assert_eq!(read("typ=x").unwrap_err(), "unexpected key 'typ' in 'typ=x' (did you mean type?)");
        assert_eq!(read("").unwrap_err(), "failed to parse csv mounts: EOF");
    }
}
