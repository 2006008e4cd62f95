//! The crate's answers in the form of the records.

use layerlab::dockerfile::error::Refusal;
use layerlab::dockerfile::instruction::{CommandLine, Copy, From, Instruction, Kind, Pair};
use layerlab::dockerfile::stage::{Dockerfile, Stage};
use layerlab::dockerfile::syntax::{self, Node, Spanned};
use layerlab::text::Lines;
use serde_json::{Map, Value, json};

use super::corpus::{string, strings};

fn values(words: &[Spanned]) -> Value {
    strings(words.iter().map(|word| word.value.as_str()))
}

/// Lines as records write them.
pub(super) fn ranges(lines: Option<Lines>) -> Value {
    lines.map_or_else(|| json!([]), |lines| json!([[lines.first, lines.last]]))
}

fn refused(refusal: &Refusal) -> Value {
    json!({ "ok": false, "error": string(&refusal.builder_error()), "error_lines": ranges(refusal.lines) })
}

/// The section `parse`.
pub(super) fn parse(text: &str) -> Value {
    let parsed = syntax::parse(text);
    if let Some(refusal) = parsed.refusals.first() {
        return refused(refusal);
    }
    let warning = |(lines, range): &(Lines, _)| {
        let node = parsed.nodes.iter().find(|node| node.range.contains(*range));
        let line = node.map_or("", |node| &node.original);
        json!({ "line": lines.last, "short": string(&format!("Empty continuation line found in: {line}")) })
    };
    json!({
        "ok": true,
        "escape": parsed.escape,
        "instructions": parsed.nodes.iter().map(top_node).collect::<Value>(),
        "warnings": parsed.blank_continuations.iter().map(warning).collect::<Value>(),
    })
}

fn top_node(node: &Node) -> Value {
    let heredoc = |heredoc: &syntax::Heredoc| {
        json!({
            "name": string(&heredoc.word.name),
            "fd": heredoc.word.fd,
            "expand": heredoc.word.expands,
            "chomp": heredoc.word.chomps,
            "content": string(&heredoc.content),
        })
    };
    let mut fields = inner_node(node);
    fields.insert("start".into(), json!(node.lines.first));
    fields.insert("end".into(), json!(node.lines.last));
    fields.insert("heredocs".into(), node.heredocs.iter().map(heredoc).collect());
    fields.insert("comments".into(), strings(node.comments.iter().map(String::as_str)));
    Value::Object(fields)
}

fn inner_node(node: &Node) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("value".into(), string(&node.keyword.value));
    fields.insert("original".into(), string(&node.original));
    fields.insert("flags".into(), values(&node.flags));
    fields.insert("args".into(), values(&node.args));
    fields.insert("json".into(), json!(node.is_json));
    if let Some(sub) = &node.sub {
        fields.insert("sub".into(), Value::Object(inner_node(sub)));
    }
    fields
}

/// The section `stages`; `None` if the parser refuses the file.
pub(super) fn stages(text: &str) -> Option<Value> {
    let file = Dockerfile::read(text);
    if !file.parse.refusals.is_empty() {
        return None;
    }
    if let Some(refusal) = file.refusal() {
        return Some(refused(refusal));
    }
    Some(json!({
        "ok": true,
        "global_args": file.global_args.iter().map(command).collect::<Value>(),
        "list": file.stages.iter().map(stage).collect::<Value>(),
    }))
}

fn stage(stage: &Stage) -> Value {
    let mut fields = from(&stage.from, &stage.instruction);
    fields.insert("start".into(), json!(stage.instruction.lines.first));
    fields.insert("end".into(), json!(stage.instruction.lines.last));
    fields.insert("commands".into(), stage.instructions.iter().map(command).collect());
    Value::Object(fields)
}

fn from(from: &From, instruction: &Instruction) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("name".into(), text_or_empty(from.name.as_ref()));
    fields.insert("base".into(), string(&from.base.value));
    fields.insert("from".into(), string(&instruction.keyword.value));
    fields.insert("platform".into(), text_or_empty(from.platform.as_ref()));
    fields.insert("doc".into(), string(&from.doc));
    fields
}

fn text_or_empty(text: Option<&Spanned>) -> Value {
    string(text.map_or("", |text| &text.value))
}

/// One typed instruction.
pub(super) fn command(instruction: &Instruction) -> Value {
    if let Kind::From(kind) = &instruction.kind {
        return Value::Object(from(kind, instruction));
    }
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    match &instruction.kind {
        Kind::Env(pairs) => set("env", pairs.iter().map(pair).collect()),
        Kind::Label(pairs) => set("labels", pairs.iter().map(pair).collect()),
        Kind::Arg(args) => {
            let arg = |arg: &layerlab::dockerfile::instruction::ArgDefinition| {
                let default = arg.default.as_ref().map_or(Value::Null, |value| string(&value.value));
                json!({ "key": string(&arg.name.value), "value": default, "doc": string(&arg.doc) })
            };
            set("args", args.iter().map(arg).collect());
        }
        Kind::Copy(copy) | Kind::Add(copy) => copy_fields(copy, &mut set),
        Kind::Run(run) => {
            command_line(&run.command, &mut set);
            set("flags_used", strings(instruction.flags.used()));
            let unless = |value: Option<&Spanned>, default: &str| match value {
                Some(value) if value.value != default => string(&value.value),
                _ => Value::Null,
            };
            set("network", unless(run.network.as_ref(), "default"));
            set("security", unless(run.security.as_ref(), "sandbox"));
            let device = |device: &layerlab::dockerfile::mount::Device| json!({ "name": string(&device.name), "required": device.is_required });
            set("devices", run.devices.iter().map(device).collect());
        }
        Kind::Cmd(command) | Kind::Entrypoint(command) => command_line(command, &mut set),
        Kind::Healthcheck(check) => {
            let health = json!({
                "test": strings(check.test.iter().map(String::as_str)),
                "interval_ns": check.interval_nanos,
                "timeout_ns": check.timeout_nanos,
                "start_period_ns": check.start_period_nanos,
                "start_interval_ns": check.start_interval_nanos,
                "retries": check.retries,
            });
            set("health", health);
        }
        Kind::Expose(ports) => set("ports", values(ports)),
        Kind::User(user) => set("user", string(&user.value)),
        Kind::Volume(volumes) => set("volumes", values(volumes)),
        Kind::Workdir(path) => set("path", string(&path.value)),
        Kind::StopSignal(signal) => set("signal", string(&signal.value)),
        Kind::Shell(words) => set("shell", values(words)),
        Kind::Onbuild(onbuild) => set("expression", string(&onbuild.expression)),
        Kind::Maintainer(name) => set("maintainer", string(&name.value)),
        Kind::From(_) => {}
    }
    set("name", string(&instruction.keyword.value));
    set("start", json!(instruction.lines.first));
    set("end", json!(instruction.lines.last));
    Value::Object(fields)
}

fn pair(pair: &Pair) -> Value {
    json!({ "key": string(&pair.name.value), "value": string(&pair.value.value), "legacy": pair.is_legacy })
}

fn command_line(command: &CommandLine, set: &mut dyn FnMut(&str, Value)) {
    set("cmdline", values(&command.words));
    set("shell", json!(command.is_shell));
    let file = |file: &layerlab::dockerfile::instruction::InlineFile| json!({ "name": string(&file.name), "data": string(&file.data), "chomp": file.chomps });
    set("files", command.files.iter().map(file).collect());
}

fn copy_fields(copy: &Copy, set: &mut dyn FnMut(&str, Value)) {
    set("sources", values(&copy.sources));
    set("dest", string(&copy.dest.value));
    let inline = |source: &layerlab::dockerfile::instruction::InlineSource| json!({ "path": string(&source.path.value), "data": string(&source.data), "expand": source.expands });
    set("contents", copy.inline.iter().map(inline).collect());
    set("from", text_or_empty(copy.from.as_ref()));
    set("chown", text_or_empty(copy.chown.as_ref()));
    set("chmod", text_or_empty(copy.chmod.as_ref()));
    set("checksum", text_or_empty(copy.checksum.as_ref()));
    set("link", json!(copy.is_link));
    set("parents", json!(copy.keeps_parents));
    set("exclude", values(&copy.excludes));
    for (key, given) in [("keep_git_dir", copy.keeps_git_dir), ("unpack", copy.unpacks)] {
        if let Some(given) = given {
            set(key, json!(given));
        }
    }
}
