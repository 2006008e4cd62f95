//! Nodes → typed instructions, each word with its place.
//!
//! Variables are not expanded here, and nothing outside the instruction is
//! looked at. What BuildKit refuses when it types an instruction is refused
//! here, with its message; see its `instructions` package.

use super::error::Problem;
use super::flag::{FlagKind, FlagSpec, Flags, spec};
use super::heredoc;
use super::mount::{Device, Mount};
use super::syntax::{Dialect, Node, Spanned};
use crate::diagnostic::nearest;
use crate::text::{Lines, TextRange, go_quote};

/// Every keyword, in the order of BuildKit's reference.
pub const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// A typed instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub kind: Kind,
    /// The keyword as written.
    pub keyword: Spanned,
    /// The logical line without outer blanks; BuildKit shows it in its progress.
    pub code: String,
    /// Where it stands, heredocs included.
    pub range: TextRange,
    /// The same in lines.
    pub lines: Lines,
    /// Comment lines right above.
    pub comments: Vec<String>,
    /// Flags as written, for display and for rules.
    pub flags: Flags,
}

/// What an instruction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Begins a stage.
    From(From),
    /// Runs a command.
    Run(Run),
    /// The default command of a container.
    Cmd(CommandLine),
    /// The program of a container.
    Entrypoint(CommandLine),
    /// The shell of later shell forms.
    Shell(Vec<Spanned>),
    /// Copies files.
    Copy(Copy),
    /// Copies files, unpacks and fetches.
    Add(Copy),
    /// Sets variables.
    Env(Vec<Pair>),
    /// Sets labels.
    Label(Vec<Pair>),
    /// Declares build arguments.
    Arg(Vec<ArgDefinition>),
    /// Names ports. They are sorted, as builders do.
    Expose(Vec<Spanned>),
    /// How to test a container.
    Healthcheck(Healthcheck),
    /// The signal that stops a container.
    StopSignal(Spanned),
    /// Who runs what follows.
    User(Spanned),
    /// Folders kept outside of the container's layer.
    Volume(Vec<Spanned>),
    /// The folder of what follows.
    Workdir(Spanned),
    /// An instruction for the builds on top of this image.
    Onbuild(Onbuild),
    /// The author, in the old way.
    Maintainer(Spanned),
}

/// `FROM base AS name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From {
    /// Image, stage or `scratch`, as written.
    pub base: Spanned,
    /// The stage's name in lower case, where it has one.
    pub name: Option<Spanned>,
    /// The word `AS` as written.
    pub as_keyword: Option<Spanned>,
    /// `--platform`.
    pub platform: Option<Spanned>,
    /// The comment that describes the stage.
    pub doc: String,
}

/// A command in shell or exec form.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// One text in shell form, the list in exec form.
    pub words: Vec<Spanned>,
    /// Shell form: the shell in force is put in front.
    pub is_shell: bool,
    /// Heredocs.
    pub files: Vec<InlineFile>,
}

impl CommandLine {
    /// The words without their places.
    #[must_use]
    pub fn values(&self) -> Vec<String> {
        self.words.iter().map(|word| word.value.clone()).collect()
    }
}

/// A heredoc of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineFile {
    /// The terminator.
    pub name: String,
    /// The lines between.
    pub data: String,
    /// `<<-`.
    pub chomps: bool,
}

/// `RUN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What is run.
    pub command: CommandLine,
    /// `--mount`, not yet expanded.
    pub mounts: Vec<Spanned>,
    /// `--network`: `default`, `none` or `host`.
    pub network: Option<Spanned>,
    /// `--security`: `sandbox` or `insecure`.
    pub security: Option<Spanned>,
    /// `--device`.
    pub devices: Vec<Device>,
}

/// A heredoc that is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineSource {
    /// The name of the file it becomes.
    pub path: Spanned,
    /// Its content, tabs removed where `<<-` asks.
    pub data: String,
    /// Variables in it are expanded.
    pub expands: bool,
}

/// `COPY` or `ADD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Paths, patterns, and for ADD addresses.
    pub sources: Vec<Spanned>,
    /// Heredocs.
    pub inline: Vec<InlineSource>,
    /// Where they go.
    pub dest: Spanned,
    /// `--from`.
    pub from: Option<Spanned>,
    /// `--chown`.
    pub chown: Option<Spanned>,
    /// `--chmod`.
    pub chmod: Option<Spanned>,
    /// `--link`.
    pub is_link: bool,
    /// `--parents`.
    pub keeps_parents: bool,
    /// `--exclude`.
    pub excludes: Vec<Spanned>,
    /// `--checksum`.
    pub checksum: Option<Spanned>,
    /// `--keep-git-dir`.
    pub keeps_git_dir: Option<bool>,
    /// `--unpack`.
    pub unpacks: Option<bool>,
}

/// A name with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: Spanned,
    /// The value.
    pub value: Spanned,
    /// The old form, without `=`.
    pub is_legacy: bool,
}

/// One word of `ARG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgDefinition {
    /// The name.
    pub name: Spanned,
    /// The default.
    pub default: Option<Spanned>,
    /// The comment that describes it.
    pub doc: String,
}

/// `HEALTHCHECK`; times in nanoseconds, 0 where not given.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Healthcheck {
    /// `NONE`, or `CMD` or `CMD-SHELL` and the command.
    pub test: Vec<String>,
    /// `--interval`.
    pub interval_nanos: i64,
    /// `--timeout`.
    pub timeout_nanos: i64,
    /// `--start-period`.
    pub start_period_nanos: i64,
    /// `--start-interval`.
    pub start_interval_nanos: i64,
    /// `--retries`.
    pub retries: i64,
}

/// `ONBUILD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onbuild {
    /// The trigger with its heredocs, as a Dockerfile of one instruction.
    pub expression: String,
    /// The trigger's keyword.
    pub trigger: Spanned,
}

/// What went wrong and the word to point at.
pub type Failure = (Problem, TextRange);

impl Instruction {
    /// Types a node.
    ///
    /// # Errors
    /// The first thing BuildKit refuses.
    pub fn read(node: &Node) -> Result<Self, Failure> {
        Self::read_as(node, Dialect::BuildKit)
    }

    /// Types a node by the rules of a builder.
    ///
    /// # Errors
    /// The first thing that builder refuses.
    pub fn read_as(node: &Node, dialect: Dialect) -> Result<Self, Failure> {
        let reader = Reader { node, dialect };
        let (kind, flags) = reader.kind()?;
        Ok(Self {
            kind,
            keyword: node.keyword.clone(),
            code: node.original.trim().to_owned(),
            range: node.range,
            lines: node.lines,
            comments: node.comments.clone(),
            flags,
        })
    }
}

/// The flags of each instruction that has some.
#[must_use]
pub fn flags_of(keyword: &str) -> &'static [FlagSpec] {
    use FlagKind::{Bool, List, Text};
    const RUN: [FlagSpec; 4] =
        [spec("mount", List), spec("network", Text), spec("security", Text), spec("device", List)];
    const COPY: [FlagSpec; 6] = [
        spec("chown", Text),
        spec("from", Text),
        spec("chmod", Text),
        spec("link", Bool),
        spec("parents", Bool),
        spec("exclude", List),
    ];
    const ADD: [FlagSpec; 7] = [
        spec("chown", Text),
        spec("chmod", Text),
        spec("link", Bool),
        spec("keep-git-dir", Bool),
        spec("checksum", Text),
        spec("unpack", Bool),
        spec("exclude", List),
    ];
    const FROM: [FlagSpec; 1] = [spec("platform", Text)];
    const HEALTHCHECK: [FlagSpec; 5] = [
        spec("interval", Text),
        spec("timeout", Text),
        spec("start-period", Text),
        spec("start-interval", Text),
        spec("retries", Text),
    ];
    match keyword {
        "RUN" => &RUN,
        "COPY" => &COPY,
        "ADD" => &ADD,
        "FROM" => &FROM,
        "HEALTHCHECK" => &HEALTHCHECK,
        _ => &[],
    }
}

/// The flags of each instruction that has some in the classic builder.
fn classic_flags_of(keyword: &str) -> &'static [FlagSpec] {
    use FlagKind::{List, Text};
    const RUN: [FlagSpec; 1] = [spec("mount", List)];
    const COPY: [FlagSpec; 3] = [spec("chown", Text), spec("from", Text), spec("chmod", Text)];
    const ADD: [FlagSpec; 2] = [spec("chown", Text), spec("chmod", Text)];
    const HEALTHCHECK: [FlagSpec; 4] =
        [spec("interval", Text), spec("timeout", Text), spec("start-period", Text), spec("retries", Text)];
    match keyword {
        "RUN" => &RUN,
        "COPY" => &COPY,
        "ADD" => &ADD,
        "HEALTHCHECK" => &HEALTHCHECK,
        _ => flags_of(keyword),
    }
}

struct Reader<'a> {
    node: &'a Node,
    dialect: Dialect,
}

impl Reader<'_> {
    fn kind(&self) -> Result<(Kind, Flags), Failure> {
        let keyword = self.node.keyword_upper();
        match keyword.as_str() {
            "ADD" => self.copy("ADD"),
            "ARG" => self.arg(),
            "CMD" => self.with_flags(Kind::Cmd(self.command())),
            "COPY" => self.copy("COPY"),
            "ENTRYPOINT" => self.with_flags(Kind::Entrypoint(self.command())),
            "ENV" => {
                let flags = self.flags()?;
                Ok((Kind::Env(self.pairs("ENV")?), flags))
            }
            "EXPOSE" => {
                let (mut kind, flags) = self.list("EXPOSE", Kind::Expose)?;
                if let Kind::Expose(ports) = &mut kind {
                    ports.sort_by(|a, b| a.value.cmp(&b.value));
                }
                Ok((kind, flags))
            }
            "FROM" => self.from(),
            "HEALTHCHECK" => self.healthcheck(),
            "LABEL" => {
                let flags = self.flags()?;
                Ok((Kind::Label(self.pairs("LABEL")?), flags))
            }
            "MAINTAINER" => self.one("MAINTAINER", Kind::Maintainer),
            "ONBUILD" => self.onbuild(),
            "RUN" => self.run(),
            "SHELL" => self.shell(),
            "STOPSIGNAL" => Ok((Kind::StopSignal(self.single("STOPSIGNAL")?), Flags::default())),
            "USER" => self.one("USER", Kind::User),
            "VOLUME" => {
                let (kind, flags) = self.list("VOLUME", Kind::Volume)?;
                match &kind {
                    Kind::Volume(paths) if paths.iter().any(|path| path.value.trim().is_empty()) => {
                        Err((Problem::EmptyVolume, self.node.args_range))
                    }
                    _ => Ok((kind, flags)),
                }
            }
            "WORKDIR" => self.one("WORKDIR", Kind::Workdir),
            _ => Err((self.unknown(), self.node.keyword.range)),
        }
    }

    fn unknown(&self) -> Problem {
        let keyword = self.node.keyword.value.clone();
        let nearest = nearest(&keyword, KEYWORDS, true).map(|found| {
            let is_upper = keyword == keyword.to_uppercase();
            if is_upper { found.to_owned() } else { found.to_lowercase() }
        });
        Problem::UnknownInstruction { keyword, nearest }
    }

    fn flags(&self) -> Result<Flags, Failure> {
        let keyword = self.node.keyword_upper();
        let flags = match self.dialect {
            Dialect::BuildKit => flags_of(&keyword),
            Dialect::Classic => classic_flags_of(&keyword),
        };
        Flags::read(&self.node.flags, flags)
    }

    fn with_flags(&self, kind: Kind) -> Result<(Kind, Flags), Failure> {
        Ok((kind, self.flags()?))
    }

    /// The words of a command: in shell form all of it is one.
    fn command(&self) -> CommandLine {
        let node = self.node;
        let file = |heredoc: &super::syntax::Heredoc| InlineFile {
            name: heredoc.word.name.clone(),
            data: heredoc.content.clone(),
            chomps: heredoc.word.chomps,
        };
        CommandLine {
            words: node.args.clone(),
            is_shell: !node.is_json,
            files: node.heredocs.iter().map(file).collect(),
        }
    }

    fn at_least_one(&self, instruction: &'static str) -> Result<(), Failure> {
        if self.node.args.is_empty() {
            return Err((Problem::NeedsArgument { instruction }, self.node.keyword.range));
        }
        Ok(())
    }

    fn one(&self, instruction: &'static str, kind: fn(Spanned) -> Kind) -> Result<(Kind, Flags), Failure> {
        let arg = self.single(instruction)?;
        self.with_flags(kind(arg))
    }

    fn single(&self, instruction: &'static str) -> Result<Spanned, Failure> {
        match self.node.args.as_slice() {
            [arg] => Ok(arg.clone()),
            _ => Err((Problem::NeedsOneArgument { instruction }, self.node.keyword.range)),
        }
    }

    fn list(
        &self,
        instruction: &'static str,
        kind: fn(Vec<Spanned>) -> Kind,
    ) -> Result<(Kind, Flags), Failure> {
        self.at_least_one(instruction)?;
        self.with_flags(kind(self.node.args.clone()))
    }

    fn pairs(&self, instruction: &'static str) -> Result<Vec<Pair>, Failure> {
        self.at_least_one(instruction)?;
        let mut pairs = Vec::new();
        for triple in self.node.args.chunks_exact(3) {
            let [name, value, delimiter] = triple else { continue };
            if name.value.is_empty() {
                return Err((Problem::BlankName { instruction }, name.range.cover(value.range)));
            }
            let is_legacy = delimiter.value.is_empty();
            pairs.push(Pair { name: name.clone(), value: value.clone(), is_legacy });
        }
        Ok(pairs)
    }

    fn arg(&self) -> Result<(Kind, Flags), Failure> {
        self.at_least_one("ARG")?;
        let mut args = Vec::new();
        for word in &self.node.args {
            let (name, default) = match word.value.split_once('=') {
                None => (word.clone(), None),
                Some(("", _)) => return Err((Problem::BlankName { instruction: "ARG" }, word.range)),
                Some((name, value)) => {
                    let (at, end) = (name.len(), word.value.len());
                    let part = |value: &str, start, end| Spanned {
                        value: value.to_owned(),
                        range: word.part(start, end),
                    };
                    (part(name, 0, at), Some(part(value, at + 1, end)))
                }
            };
            let doc = doc_comment(&self.node.comments, &name.value);
            args.push(ArgDefinition { name, default, doc });
        }
        // Builders do not look at the flags of ARG and STOPSIGNAL, whatever they are.
        Ok((Kind::Arg(args), Flags::default()))
    }

    fn from(&self) -> Result<(Kind, Flags), Failure> {
        let (base, as_keyword, name) = match self.node.args.as_slice() {
            [base] => (base, None, None),
            [base, keyword, name] if keyword.value.eq_ignore_ascii_case("as") => {
                if !is_stage_name(&name.value) {
                    return Err((Problem::StageName { name: name.value.clone() }, name.range));
                }
                let name = Spanned { value: name.value.to_lowercase(), range: name.range };
                (base, Some(keyword.clone()), Some(name))
            }
            _ => return Err((Problem::FromArguments, self.node.args_range.cover(self.node.keyword.range))),
        };
        let flags = self.flags()?;
        let doc = name.as_ref().map_or(String::new(), |name| doc_comment(&self.node.comments, &name.value));
        let platform = flags.text("platform").cloned();
        Ok((Kind::From(From { base: base.clone(), name, as_keyword, platform, doc }), flags))
    }

    fn run(&self) -> Result<(Kind, Flags), Failure> {
        let flags = self.flags()?;
        for mount in flags.list("mount") {
            Mount::check(&mount.value).map_err(|problem| (problem, mount.range))?;
        }
        let network = flags.text("network").cloned();
        if let Some(mode) =
            network.as_ref().filter(|mode| !matches!(mode.value.as_str(), "default" | "none" | "host"))
        {
            return Err((Problem::NetworkMode { mode: mode.value.clone() }, mode.range));
        }
        let security = flags.text("security").cloned();
        if let Some(mode) =
            security.as_ref().filter(|mode| !matches!(mode.value.as_str(), "sandbox" | "insecure"))
        {
            return Err((Problem::SecurityMode { mode: mode.value.clone() }, mode.range));
        }
        let mut devices = Vec::new();
        for device in flags.list("device") {
            devices
                .push(Device::read(&device.value).map_err(|cause| (Problem::BadValue(cause), device.range))?);
        }
        let run =
            Run { command: self.command(), mounts: flags.list("mount").to_vec(), network, security, devices };
        Ok((Kind::Run(run), flags))
    }

    fn shell(&self) -> Result<(Kind, Flags), Failure> {
        let flags = self.flags()?;
        self.at_least_one("SHELL")?;
        if !self.node.is_json {
            return Err((Problem::ShellForm, self.node.args_range));
        }
        Ok((Kind::Shell(self.node.args.clone()), flags))
    }

    fn copy(&self, instruction: &'static str) -> Result<(Kind, Flags), Failure> {
        let (Some((dest, sources)), true) = (self.node.args.split_last(), self.node.args.len() >= 2) else {
            return Err((Problem::NoDestination { instruction }, self.node.keyword.range));
        };
        let flags = self.flags()?;
        let has_heredocs = self.dialect == Dialect::BuildKit;
        let heredoc_word =
            |word: &Spanned| heredoc::parse_word(&word.value).ok().flatten().filter(|_| has_heredocs);
        if heredoc_word(dest).is_some() {
            return Err((Problem::HeredocDestination { instruction }, dest.range));
        }
        let mut copy = Copy {
            sources: Vec::new(),
            inline: Vec::new(),
            dest: dest.clone(),
            from: flags.text("from").cloned().filter(|from| !from.value.is_empty()),
            chown: flags.text("chown").cloned().filter(|chown| !chown.value.is_empty()),
            chmod: flags.text("chmod").cloned().filter(|chmod| !chmod.value.is_empty()),
            is_link: flags.bool("link").unwrap_or(false),
            keeps_parents: flags.bool("parents").unwrap_or(false),
            excludes: flags.list("exclude").to_vec(),
            checksum: flags.text("checksum").cloned().filter(|checksum| !checksum.value.is_empty()),
            keeps_git_dir: flags.bool("keep-git-dir"),
            unpacks: flags.bool("unpack"),
        };
        for source in sources {
            let Some(word) = heredoc_word(source) else {
                copy.sources.push(source.clone());
                continue;
            };
            // Of bodies with equal names the last one counts for all.
            let body = self.node.heredocs.iter().rev().find(|heredoc| heredoc.word.name == word.name);
            let data = body.map_or("", |heredoc| &heredoc.content);
            let data = if word.chomps { heredoc::chomp(data) } else { data.to_owned() };
            let path = Spanned { value: word.name, range: source.range };
            copy.inline.push(InlineSource { path, data, expands: word.expands });
        }
        let kind = if instruction == "ADD" { Kind::Add(copy) } else { Kind::Copy(copy) };
        Ok((kind, flags))
    }

    fn healthcheck(&self) -> Result<(Kind, Flags), Failure> {
        let Some((kind_word, args)) = self.node.args.split_first() else {
            return Err((Problem::NeedsArgument { instruction: "HEALTHCHECK" }, self.node.keyword.range));
        };
        let kind = kind_word.value.to_uppercase();
        if kind == "NONE" {
            if !args.is_empty() {
                return Err((Problem::HealthcheckNoneArguments, self.node.args_range));
            }
            let test = vec![kind];
            return Ok((Kind::Healthcheck(Healthcheck { test, ..Healthcheck::default() }), Flags::default()));
        }
        let flags = self.flags()?;
        if kind != "CMD" {
            return Err((Problem::HealthcheckType { kind }, kind_word.range));
        }
        if args.is_empty() {
            return Err((Problem::HealthcheckNoCommand, kind_word.range));
        }
        let form = if self.node.is_json { "CMD" } else { "CMD-SHELL" };
        let test = std::iter::once(form.to_owned()).chain(args.iter().map(|arg| arg.value.clone())).collect();
        let nanos = |name: &'static str| match flags.text(name) {
            Some(value) if !value.value.is_empty() => {
                interval(name, &value.value).map_err(|problem| (problem, value.range))
            }
            _ => Ok(0),
        };
        let check = Healthcheck {
            test,
            interval_nanos: nanos("interval")?,
            timeout_nanos: nanos("timeout")?,
            start_period_nanos: nanos("start-period")?,
            start_interval_nanos: nanos("start-interval")?,
            retries: match flags.text("retries") {
                Some(value) if !value.value.is_empty() => {
                    retries(&value.value).map_err(|problem| (problem, value.range))?
                }
                _ => 0,
            },
        };
        Ok((Kind::Healthcheck(check), flags))
    }

    fn onbuild(&self) -> Result<(Kind, Flags), Failure> {
        let Some(sub) = &self.node.sub else {
            return Err((Problem::NeedsArgument { instruction: "ONBUILD" }, self.node.keyword.range));
        };
        let flags = self.flags()?;
        let trigger = sub.keyword.value.trim().to_uppercase();
        match trigger.as_str() {
            "ONBUILD" => return Err((Problem::OnbuildChain, sub.keyword.range)),
            "MAINTAINER" | "FROM" => return Err((Problem::OnbuildTrigger { trigger }, sub.keyword.range)),
            _ => {}
        }
        let line = self.node.original.trim_start();
        let mut expression = line.get("ONBUILD".len()..).unwrap_or("").trim_start_matches(BLANKS).to_owned();
        for heredoc in &self.node.heredocs {
            expression.push('\n');
            expression.push_str(&heredoc.content);
            expression.push_str(&heredoc.word.name);
        }
        Ok((Kind::Onbuild(Onbuild { expression, trigger: sub.keyword.clone() }), flags))
    }
}

/// What `\s` means in Go's regular expressions.
const BLANKS: [char; 5] = ['\t', '\n', '\u{c}', '\r', ' '];

/// The comment that begins with `name`, without it.
fn doc_comment(comments: &[String], name: &str) -> String {
    let found = comments.iter().find_map(|comment| comment.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or("").to_owned()
}

/// Whether a stage can be called so, in any case.
#[must_use]
pub fn is_stage_name(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.starts_with(|ch: char| ch.is_ascii_lowercase())
        && lower
            .chars()
            .all(|ch| ch.is_ascii_lowercase() || ch.is_ascii_digit() || matches!(ch, '-' | '_' | '.'))
}

fn retries(text: &str) -> Result<i64, Problem> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::BadValue(format!(
            "strconv.ParseInt: parsing {}: invalid syntax",
            go_quote(text)
        )));
    }
    match text.parse::<i32>() {
        Ok(n) if n < 0 => Err(Problem::NegativeRetries(i64::from(n))),
        Ok(n) => Ok(i64::from(n)),
        Err(_) => Err(Problem::BadValue(format!(
            "strconv.ParseInt: parsing {}: value out of range",
            go_quote(text)
        ))),
    }
}

/// A duration of a health check: zero, or at least a millisecond.
fn interval(name: &'static str, text: &str) -> Result<i64, Problem> {
    let nanos = duration(text).map_err(Problem::BadValue)?;
    if nanos != 0 && nanos < 1_000_000 {
        return Err(Problem::IntervalTooShort { name });
    }
    Ok(nanos)
}

/// Go's `time.ParseDuration`: `1h2m3.5s`, in nanoseconds.
fn duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", go_quote(text));
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let whole_len = rest.find(|ch: char| !ch.is_ascii_digit()).unwrap_or(rest.len());
        let (whole, tail) = rest.split_at(whole_len);
        let (fraction, tail) = match tail.strip_prefix('.') {
            Some(tail) => tail.split_at(tail.find(|ch: char| !ch.is_ascii_digit()).unwrap_or(tail.len())),
            None => ("", tail),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_len = tail.find(|ch: char| ch.is_ascii_digit() || ch == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", go_quote(text)));
        }
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(format!("time: unknown unit {} in duration {}", go_quote(unit), go_quote(text))),
        };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        total = whole.checked_mul(scale).and_then(|nanos| total.checked_add(nanos)).ok_or_else(invalid)?;
        let mut digit_scale = scale;
        for digit in fraction.bytes() {
            digit_scale /= 10;
            total += i128::from(digit - b'0') * digit_scale;
        }
        rest = tail;
    }
    let total = if is_negative { -total } else { total };
    i64::try_from(total).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("1h2m3.5s"), Ok(3_723_500_000_000));
        assert_eq!(duration("-1.5ms"), Ok(-1_500_000));
        assert_eq!(duration("5"), Err("time: missing unit in duration \"5\"".into()));
        assert_eq!(duration("x"), Err("time: invalid duration \"x\"".into()));
        assert_eq!(duration("5x"), Err("time: unknown unit \"x\" in duration \"5x\"".into()));
    }
}
