//! `graph`: steps and image of a build, and what refuses one, from the section `build` of whole files.
//!
//! Both sides are brought to one form before they are compared:
//!
//! - Vertices of equal operation and equal inputs are one in LLB, since its
//!   steps are told apart by the digest of just that. The name is then that of
//!   the vertex which LLB writes last, and the lines are those of all.
//! - Steps are numbered as a walk from the result meets them, inputs first and
//!   in their order. Where the walks give the same list, the graphs are the same.
//! - Lines are compared as sets, since records join neighbors to one range.
//!
//! Left out is what belongs to the protobuf form alone: attributes of sources,
//! the inputs that a merge repeats, the way in which mount stubs are removed.
//! Of a git source only the kind is compared; such steps stay unknown here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use layerlab::dockerfile::mount::{MountKind, Sharing};
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{
    BaseImage, CopyAction, ExecMount, FileAction, FileInput, Graph, GraphError, Op, Step, StepId, convert,
};
use layerlab::oci::Platform;
use layerlab::text;
use serde_json::{Map, Value, json};

use super::compare::{same, same_as_any};
use super::corpus::{self, encode_base64, string, strings};
use super::lint::{self, Input};
use super::score::{Score, Section, Verdict, judge};

/// The digest that every base image of the records has.
const BASE_DIGEST: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";

/// Scores the files of one folder that have a recorded build.
pub(super) fn score(folder: &Path) -> Score {
    let mut score = Score::default();
    score.add_file_where(folder, "dockerfiles.jsonl", |record| record["expected"]["build"].is_object(), case);
    score
}

fn case(record: &Value) -> Vec<Section> {
    let text = match corpus::text_of(record) {
        Ok(text) => text,
        Err(error) => return vec![("record", Err(error))],
    };
    let mut answer = None;
    let asked = judge(|| {
        answer = Some(build(&text, record));
        Ok(())
    });
    let Some(answer) = answer else { return vec![("build", asked)] };
    let expected = &record["expected"]["build"];
    let alternatives = &record["expected"]["alternatives"]["build"];
    let graph = match answer {
        Ok(graph) if expected["ok"] == true => graph,
        answer => return vec![("errors", errors(expected, alternatives, answer))],
    };
    vec![
        ("steps", judge(|| steps(expected, &graph))),
        ("image", judge(|| image(expected, &graph))),
        ("history", judge(|| history(expected, &graph))),
    ]
}

/// Makes the graph. A build is refused by its graph or, where that can be made, by its checks.
fn build(text: &str, record: &Value) -> Result<Graph, GraphError> {
    let input = Input { is_build: true, ..Input::new(text, record) };
    let find_base = |name: &str, wanted: &Platform| {
        // A name that has a digest keeps it.
        let digest = name.split_once('@').map_or(BASE_DIGEST, |(_, digest)| digest);
        Some(BaseImage { digest: Some(digest.to_owned()), ..lint::base_image(&input, name, wanted) })
    };
    let graph = convert::build(&Dockerfile::read(text), &input.options(), &find_base)?;
    match lint::stop(&input) {
        Some(stop) => Err(GraphError { message: stop.message, range: stop.range, lines: stop.lines }),
        None => Ok(graph),
    }
}

fn errors(expected: &Value, alternatives: &Value, answer: Result<Graph, GraphError>) -> Verdict {
    let got = match answer {
        Ok(_) => json!({ "ok": true }),
        Err(error) => {
            let mut got = json!({ "ok": false, "error": string(&lint::with_sorted_rules(&error.message)) });
            if !error.lines.is_empty() {
                got["error_lines"] =
                    error.lines.iter().map(|lines| json!([lines.first, lines.last])).collect();
            }
            got
        }
    };
    // Of an answer that was expected to succeed only this is of interest.
    let expected = if expected["ok"] == true { json!({ "ok": true }) } else { expected.clone() };
    same_as_any(&expected, alternatives, &got)
}

fn image(expected: &Value, graph: &Graph) -> Verdict {
    let platform = Platform {
        architecture: graph.image.architecture.clone(),
        os: graph.image.os.clone(),
        variant: graph.image.variant.clone(),
        os_version: None,
    };
    let got = json!({
        "config": serde_json::to_value(&graph.image.config).unwrap(),
        "platform": platform.to_string(),
        "author": graph.image.author.as_deref().map(string),
    });
    let mut expected = expected["image"].clone();
    expected.as_object_mut().ok_or("the record has no image")?.remove("history");
    same(&expected, &got)
}

fn history(expected: &Value, graph: &Graph) -> Verdict {
    let entry = |entry: &layerlab::oci::HistoryEntry| json!({ "created_by": string(&entry.created_by), "empty": entry.empty_layer });
    let got: Value = graph.image.history.iter().map(entry).collect();
    same(&expected["image"]["history"], &got)
}

fn steps(expected: &Value, graph: &Graph) -> Verdict {
    let recorded: Vec<Node> = expected["steps"].as_array().into_iter().flatten().map(recorded).collect();
    let recorded_result = expected["result"][0].as_u64().map(usize_of);
    let (own, own_result) = merged(graph)?;
    let (recorded, own) = (walked(&recorded, recorded_result)?, walked(&own, own_result)?);
    for (idx, (left, right)) in recorded.iter().zip(&own).enumerate() {
        same(left, right).map_err(|account| format!("[{idx}] {}: {account}", left["name"]))?;
    }
    let names = |steps: &[Value], from: usize| -> Vec<String> {
        steps.iter().skip(from).map(|step| step["name"].to_string()).collect()
    };
    let (missing, extra) = (names(&recorded, own.len()), names(&own, recorded.len()));
    if missing.is_empty() && extra.is_empty() {
        return Ok(());
    }
    Err(format!("missing {}, extra {}", missing.join(", "), extra.join(", ")))
}

fn usize_of(n: u64) -> usize {
    usize::try_from(n).unwrap()
}

/// A step in the form in which both sides are compared, its inputs apart.
struct Node {
    fields: Value,
    inputs: Vec<usize>,
}

/// The nodes reached from `result`, inputs first, with the inputs numbered in this order.
fn walked(nodes: &[Node], result: Option<usize>) -> Result<Vec<Value>, String> {
    let order = inputs_first(result, |node| nodes[node].inputs.clone());
    if order.len() < nodes.len() {
        let is_idle = |idx: &usize| !order.contains(idx);
        let idle: Vec<String> =
            (0..nodes.len()).filter(is_idle).map(|idx| nodes[idx].fields["name"].to_string()).collect();
        return Err(format!("not needed by the result: {}", idle.join(", ")));
    }
    let place: BTreeMap<usize, usize> =
        order.iter().enumerate().map(|(place, node)| (*node, place)).collect();
    let shown = |node: &usize| {
        let mut fields = nodes[*node].fields.clone();
        fields["inputs"] = nodes[*node].inputs.iter().map(|input| place[input]).collect();
        fields
    };
    Ok(order.iter().map(shown).collect())
}

/// Everything that `result` is made of, each once, behind its inputs.
fn inputs_first(result: Option<usize>, inputs_of: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
    let mut path: Vec<(usize, std::vec::IntoIter<usize>)> = Vec::new();
    let mut next = result;
    loop {
        if let Some(node) = next.take().filter(|node| seen.insert(*node)) {
            path.push((node, inputs_of(node).into_iter()));
        }
        let Some((node, rest)) = path.last_mut() else { return order };
        next = rest.next();
        if next.is_none() {
            order.push(*node);
            path.pop();
        }
    }
}

/// A recorded step.
fn recorded(step: &Value) -> Node {
    let inputs = step["inputs"].as_array().into_iter().flatten();
    let mut fields = step.clone();
    let lines: BTreeSet<u64> = step["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|range| range[0].as_u64().unwrap_or(0)..=range[1].as_u64().unwrap_or(0))
        .collect();
    fields["lines"] = json!(lines);
    if let Some(op) = fields["op"].as_object_mut() {
        for key in ["attrs", "inputs"] {
            op.remove(key);
        }
        if let Some(meta) = op.get_mut("meta").and_then(Value::as_object_mut) {
            meta.remove("removeMountStubsRecursive");
        }
        if let Some(identifier) = op.get_mut("identifier").filter(|it| is_git(it)) {
            *identifier = json!("git://");
        }
    }
    Node { fields, inputs: inputs.map(|input| usize_of(input[0].as_u64().unwrap())).collect() }
}

fn is_git(identifier: &Value) -> bool {
    identifier.as_str().is_some_and(|text| text.starts_with("git://"))
}

/// The steps of the graph with equal ones merged, and which of them is the result.
fn merged(graph: &Graph) -> Result<(Vec<Node>, Option<usize>), String> {
    let mut vertices: Vec<(Op, Vec<usize>, Option<Platform>)> = Vec::new();
    let mut vertex_of: Vec<usize> = Vec::new();
    for step in &graph.steps {
        let inputs: Vec<usize> = step.inputs.iter().map(|StepId(input)| vertex_of[*input]).collect();
        let (op, inputs) = with_distinct_inputs(&step.op, inputs);
        let has_platform = matches!(op, Op::Image { .. } | Op::Exec(_));
        let vertex = (op, inputs, step.platform.clone().filter(|_| has_platform));
        let known = vertices.iter().position(|known| *known == vertex);
        vertex_of.push(known.unwrap_or(vertices.len()));
        if known.is_none() {
            vertices.push(vertex);
        }
    }
    let result = *graph.results.first().ok_or("the graph has no result")?;
    let result = result.map(|StepId(result)| result);
    let mut nodes: Vec<Node> = vertices
        .iter()
        .map(|(op, inputs, platform)| Node {
            fields: json!({ "type": kind(op), "op": operation(op, inputs.len()), "lines": [],
                "platform": platform.as_ref().map(Platform::to_string) }),
            inputs: inputs.clone(),
        })
        .collect();
    // The last one written gives the name, all that are written give lines.
    let mut lines: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); nodes.len()];
    let written = inputs_first(result, |step| written_inputs(&graph.steps[step]));
    let idle = (0..graph.steps.len()).filter(|step| !written.contains(step));
    for step in idle.chain(written.iter().copied()) {
        let at = vertex_of[step];
        nodes[at].fields["name"] = string(&graph.steps[step].name);
        if written.contains(&step) {
            lines[at].extend(graph.steps[step].lines.into_iter().flat_map(|it| it.first..=it.last));
        }
    }
    for (node, lines) in nodes.iter_mut().zip(lines) {
        node.fields["lines"] = json!(lines);
    }
    Ok((nodes, result.map(|result| vertex_of[result])))
}

/// In which order LLB writes what a step reads: of a file step the root and then its sources from behind.
fn written_inputs(step: &Step) -> Vec<usize> {
    let mut inputs: Vec<usize> = step.inputs.iter().map(|StepId(input)| *input).collect();
    if let Op::File(actions) = &step.op
        && let Some(FileAction::Copy(first)) = actions.first()
    {
        inputs[usize::from(first.on == FileInput::Input(0))..].reverse();
    }
    inputs
}

/// An operation reads each input once, but for a merge.
fn with_distinct_inputs(op: &Op, inputs: Vec<usize>) -> (Op, Vec<usize>) {
    let mut distinct: Vec<usize> = Vec::new();
    let places: Vec<usize> = inputs
        .iter()
        .map(|input| {
            distinct.iter().position(|known| known == input).unwrap_or_else(|| {
                distinct.push(*input);
                distinct.len() - 1
            })
        })
        .collect();
    let moved = |input: &mut FileInput| {
        if let FileInput::Input(place) = input {
            *place = places[*place];
        }
    };
    let mut op = op.clone();
    match &mut op {
        Op::Merge => return (op, inputs),
        Op::Exec(exec) => {
            for place in exec.mounts.iter_mut().filter_map(|mount| mount.input.as_mut()) {
                *place = places[*place];
            }
        }
        Op::File(actions) => {
            for action in actions {
                match action {
                    FileAction::Copy(copy) => {
                        moved(&mut copy.on);
                        moved(&mut copy.from);
                    }
                    FileAction::Mkdir { on, .. } | FileAction::Mkfile { on, .. } => moved(on),
                }
            }
        }
        Op::Image { .. } | Op::Local { .. } | Op::Http { .. } | Op::Git { .. } => {}
    }
    (op, distinct)
}

fn kind(op: &Op) -> &'static str {
    match op {
        Op::Image { .. } | Op::Local { .. } | Op::Http { .. } | Op::Git { .. } => "source",
        Op::Exec(_) => "exec",
        Op::File(_) => "file",
        Op::Merge => "merge",
    }
}

/// An operation as records write it.
fn operation(op: &Op, n_inputs: usize) -> Value {
    match op {
        Op::Image { reference, base } => {
            let digest = base.digest.as_deref().unwrap_or("");
            json!({ "identifier": format!("docker-image://{reference}@{digest}") })
        }
        Op::Local { name } => json!({ "identifier": format!("local://{name}") }),
        Op::Http { url } => json!({ "identifier": string(url) }),
        Op::Git { .. } => json!({ "identifier": "git://" }),
        Op::Merge => json!({}),
        Op::File(actions) => {
            let last = actions.len().saturating_sub(1);
            let shown = actions.iter().enumerate().map(|(idx, it)| action(it, n_inputs, idx == last));
            json!({ "actions": shown.collect::<Value>() })
        }
        Op::Exec(exec) => {
            let secret = |(name, id, is_required): &(String, String, bool)| json!({ "name": string(name), "ID": string(id), "optional": !is_required });
            let network = match exec.network.as_str() {
                "default" => Value::Null,
                mode => json!(mode.to_uppercase()),
            };
            json!({
                "meta": {
                    "args": strings(exec.args.iter().map(String::as_str)),
                    "cwd": string(&exec.cwd),
                    "user": string(&exec.user),
                    "hostname": string(&exec.hostname),
                },
                "mounts": exec.mounts.iter().map(mount).collect::<Value>(),
                "secretenv": exec.secret_env.iter().map(secret).collect::<Value>(),
                "network": network,
                "security": if exec.is_insecure { json!("INSECURE") } else { Value::Null },
            })
        }
    }
}

/// An index in protobuf's JSON: 64 bits are a string, the default is left out, nothing is -1.
fn index(place: Option<usize>) -> Value {
    match place {
        Some(0) => Value::Null,
        Some(place) => json!(place.to_string()),
        None => json!("-1"),
    }
}

fn mount(mount: &ExecMount) -> Value {
    let is_client = matches!(mount.kind, MountKind::Secret | MountKind::Ssh);
    // Nobody asks for what is written to a secret, so that LLB leaves its output at the default.
    let has_output = mount.has_output || is_client;
    let mut shown = Map::new();
    let mut set = |key: &str, value: Value| drop(shown.insert(key.to_owned(), value));
    set("dest", string(&mount.dest));
    set("input", index(mount.input));
    set("output", index(has_output.then_some(0)));
    set("selector", string(&mount.selector));
    set("readonly", json!(mount.is_read_only));
    let (uid, gid, mode) = mount.secret_owner;
    let client = || json!({ "ID": string(&mount.secret_id), "uid": uid, "gid": gid, "mode": mode, "optional": !mount.is_required });
    match mount.kind {
        MountKind::Bind => {}
        MountKind::Cache => {
            let sharing = match mount.sharing {
                Some(Sharing::Private) => json!("PRIVATE"),
                Some(Sharing::Locked) => json!("LOCKED"),
                Some(Sharing::Shared) | None => Value::Null,
            };
            set("mountType", json!("CACHE"));
            set("cacheOpt", json!({ "ID": string(&mount.cache_id), "sharing": sharing }));
        }
        MountKind::Tmpfs => {
            let size = Some(mount.size_limit_bytes).filter(|size| *size > 0);
            set("mountType", json!("TMPFS"));
            set("TmpfsOpt", json!({ "size": size.map(|size| size.to_string()) }));
        }
        MountKind::Secret => {
            set("mountType", json!("SECRET"));
            set("secretOpt", client());
        }
        MountKind::Ssh => {
            set("mountType", json!("SSH"));
            set("SSHOpt", client());
        }
    }
    Value::Object(shown)
}

/// One change of files. Earlier actions are numbered behind the inputs.
fn action(action: &FileAction, n_inputs: usize, is_last: bool) -> Value {
    let place = |input: FileInput| match input {
        FileInput::Scratch => index(None),
        FileInput::Input(place) => index(Some(place)),
        FileInput::Action(earlier) => index(Some(n_inputs + earlier)),
    };
    let timestamp =
        |created: Option<i64>| created.map_or(-1, |seconds| i128::from(seconds) * 1_000_000_000).to_string();
    let mut shown = match action {
        FileAction::Copy(copy) => json!({
            "input": place(copy.on),
            "secondaryInput": place(copy.from),
            "copy": copied(copy, &timestamp(copy.created)),
        }),
        FileAction::Mkdir { on, path, mode, makes_parents, owner: by, created } => json!({
            "input": place(*on),
            "secondaryInput": "-1",
            "mkdir": { "path": string(path), "mode": mode, "makeParents": makes_parents, "owner": owner(by),
                "timestamp": timestamp(*created) },
        }),
        FileAction::Mkfile { on, path, mode, data } => json!({
            "input": place(*on),
            "secondaryInput": "-1",
            "mkfile": { "path": string(path), "mode": mode, "data": encode_base64(&text::to_bytes(data)),
                "timestamp": timestamp(None) },
        }),
    };
    shown["output"] = index(is_last.then_some(0));
    shown
}

fn copied(copy: &CopyAction, timestamp: &str) -> Value {
    let (mode, symbolic) = match (copy.chmod.as_str(), i64::from_str_radix(&copy.chmod, 8)) {
        ("", _) => (Some(-1), None),
        (_, Ok(mode)) => (Some(mode), None),
        (symbolic, Err(_)) => (None, Some(symbolic)),
    };
    json!({
        "src": string(&copy.source),
        "dest": string(&copy.dest),
        "owner": owner(&copy.chown),
        "mode": mode,
        "modeStr": symbolic,
        "allowWildcard": copy.is_path,
        "allowEmptyWildcard": copy.is_path,
        "followSymlink": copy.is_path,
        "dirCopyContents": copy.is_path,
        "createDestPath": true,
        "attemptUnpackDockerCompatibility": copy.unpacks,
        "include_patterns": strings(copy.includes.iter().map(String::as_str)),
        "exclude_patterns": strings(copy.excludes.iter().map(String::as_str)),
        "required_paths": strings(copy.required.iter().map(String::as_str)),
        "timestamp": timestamp,
    })
}

/// `user:group`, each a number or a name; `root` and no name are 0.
fn owner(written: &str) -> Value {
    let one = |name: &str| match name.parse::<u32>() {
        Ok(id) => json!({ "byID": id }),
        Err(_) if name.is_empty() || name == "root" => json!({ "byID": 0 }),
        Err(_) => json!({ "byName": { "name": string(name) } }),
    };
    let keys = ["user", "group"].into_iter();
    let parts: Map<String, Value> =
        keys.zip(written.splitn(2, ':')).map(|(key, name)| (key.to_owned(), one(name))).collect();
    if written.is_empty() { Value::Null } else { Value::Object(parts) }
}
