//! `cache`: which steps a real builder took from its cache, over builds one after another.
//!
//! A record is a scenario: the builds of one cache that was empty before. Each
//! build is judged by [`solve::simulate`], compared, and then recorded, so that
//! the next one finds what a real builder would.
//!
//! Answers enter at two points only, both after the build was judged: whether a
//! conditional step's reruns wrote the same bytes, and which commands failed.
//! What such a failure stopped is asked for again, with the failure declared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use layerlab::cache::solve::{ImageFiles, Inputs, Reruns, record, simulate, simulate_failing};
use layerlab::cache::store::CacheStore;
use layerlab::cache::{Simulation, StepOutcome, Verdict as Outcome};
use layerlab::context::ignore::IgnoreList;
use layerlab::context::{Entry, EntryKind, Tree};
use layerlab::digest::{DiffId, Digest};
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{
    BaseImage, BuildOptions, Graph, GraphError, NamedContext, NoCache, Op, Role, Step, StepId, convert,
    platform, reference,
};
use layerlab::oci::{ImageConfig, Platform, RuntimeConfig};
use serde_json::{Map, Value};

use super::cause::{self, Judged, Shown};
use super::corpus::{decode_base64, read_text};
use super::score::{Score, Verdict, judge};

/// Scores the set.
pub(super) fn score(folder: &Path) -> Score {
    score_scenarios(folder, scenario)
}

/// Scores a set of scenarios, one in each file.
pub(super) fn score_scenarios(folder: &Path, scenario: fn(&Value, &mut Tally) -> Verdict) -> Score {
    let mut score = Score::default();
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        // A record may be stored compressed.
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            if path.extension().is_some_and(|extension| extension == "gz") {
                path.with_extension("")
            } else {
                path
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let id = path.file_stem().unwrap().to_string_lossy().into_owned();
        if id == "node-output" {
            // What stood on a terminal, and no scenario.
            continue;
        }
        let text = read_text(&path).unwrap().unwrap();
        let mut tally = Tally::default();
        let verdict = judge(|| {
            let record: Value = serde_json::from_str(&text).map_err(|error| format!("not JSON: {error}"))?;
            scenario(&record, &mut tally)
        });
        score.add(id.clone(), vec![("scenarios", verdict)]);
        score.tally("steps", tally.steps);
        score.tally("errors", tally.errors);
        score.tally("first cause", tally.causes);
        for (what, n) in tally.not_scored {
            score.leave_out(what, n);
        }
        for note in tally.notes {
            score.note(format!("{id}: {note}"));
        }
    }
    score
}

/// What is counted below a scenario: agreed, and all.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) steps: (usize, usize),
    pub(super) errors: (usize, usize),
    pub(super) causes: (usize, usize),
    pub(super) not_scored: BTreeMap<&'static str, usize>,
    pub(super) notes: Vec<String>,
}

impl Tally {
    /// Takes in how many steps named the first cause, of how many, and which did not.
    pub(super) fn add_causes(&mut self, (agreed, total, notes): (usize, usize, Vec<String>)) {
        self.causes.0 += agreed;
        self.causes.1 += total;
        self.notes.extend(notes);
    }
}

/// A build as the comparison of two builds sees it.
fn judged<'a>(record: &'a Value, images: &'a Value, file: Dockerfile, graph: &Graph) -> Judged<'a> {
    let shown = |step: &Step| Shown {
        name: step.name.clone(),
        lines: step.lines,
        is_onbuild: step.is_onbuild,
        is_image: matches!(step.op, Op::Image { .. }),
    };
    let steps = graph.steps.iter().map(shown).collect();
    Judged { record, images, file, steps }
}

fn scenario(record: &Value, tally: &mut Tally) -> Verdict {
    let mut store = CacheStore::default();
    let mut before: Option<Judged<'_>> = None;
    let mut differences = Vec::new();
    let mut dockerfile_times = DockerfileTimes::default();
    for (idx, build) in list(&record["builds"]).iter().enumerate() {
        let differ = |account: String| format!("build {}: {account}", idx + 1);
        let mtime = dockerfile_times.of(text(&build["dockerfile"]));
        match one_build(build, &record["images"], mtime, &mut store, before.as_ref(), tally) {
            Ok((judged, accounts)) => {
                differences.extend(accounts.into_iter().map(differ));
                before = judged;
            }
            Err(account) => differences.push(differ(account)),
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) }
}

/// Times for a Dockerfile that is part of the context: a new text has a new one.
#[derive(Debug, Default)]
pub(super) struct DockerfileTimes(Vec<String>);

impl DockerfileTimes {
    pub(super) fn of(&mut self, text: &str) -> i64 {
        if self.0.last().is_none_or(|last| last != text) {
            self.0.push(text.to_owned());
        }
        1_600_000_000 + i64::try_from(self.0.len()).unwrap()
    }
}

type Compared<'a> = (Option<Judged<'a>>, Vec<String>);

fn one_build<'a>(
    build: &'a Value,
    images: &'a Value,
    mtime: i64,
    store: &mut CacheStore,
    before: Option<&Judged<'_>>,
    tally: &mut Tally,
) -> Result<Compared<'a>, String> {
    let result = &build["result"];
    let file = Dockerfile::read(text(&build["dockerfile"]));
    let options = options(build)?;
    let find = |name: &str, platform: &Platform| base(name, platform, build, images);
    let graph = match convert::build(&file, &options, &find) {
        Ok(graph) => graph,
        Err(error) => {
            let account = refused(&error, result, tally);
            return Ok((None, account.err().into_iter().collect()));
        }
    };
    let inputs = inputs(build, images, mtime)?;
    let mut simulation = simulate(&graph, &inputs, store);
    let mut accounts = Vec::new();
    let steps = match_steps(&graph, &simulation, result, &mut accounts);
    let mut fails: BTreeSet<StepId> = BTreeSet::new();
    for (id, expected) in &steps {
        // What is known to fail needs no telling.
        let is_foreseen = simulation.step(*id).is_some_and(|outcome| outcome.verdict == Outcome::Error);
        if failed(expected) && !is_foreseen {
            fails.insert(*id);
        }
    }
    if !fails.is_empty() {
        simulation = simulate_failing(&graph, &inputs, store, &fails);
    }
    for (id, expected) in &steps {
        if !is_scored(expected) || racy(expected) {
            *tally.not_scored.entry("steps (FROM, context, racy, canceled)").or_default() += 1;
            continue;
        }
        let outcome = simulation.step(*id).ok_or("a step without an outcome")?;
        if result["ok"] != true && expected["started"] == false && outcome.verdict != Outcome::Blocked {
            // Another branch, which the failure stopped at some point.
            *tally.not_scored.entry("steps (stopped by a failure elsewhere)").or_default() += 1;
            continue;
        }
        let verdict = compare(expected, outcome, &graph);
        tally.steps.1 += 1;
        tally.steps.0 += usize::from(verdict.is_ok());
        if let Err(account) = verdict {
            accounts.push(format!("{}: {account}", text(&expected["name"])));
        }
    }
    accounts.extend(absent(&graph, &simulation, result).err());
    accounts.extend(error(&graph, &simulation, &steps, result, tally).err());
    let judged = judged(build, images, file, &graph);
    if let Some(before) = before {
        let rebuilt: Vec<(StepId, &Value)> = steps
            .iter()
            .filter(|(_, expected)| is_scored(expected) && !racy(expected))
            .filter(|(_, expected)| expected["started"] == true && expected["cached"] == false)
            .map(|(id, expected)| (*id, *expected))
            .collect();
        tally.add_causes(cause::compare(before, &judged, &simulation, &rebuilt));
    }
    let recorded: BTreeMap<StepId, Reruns> = steps
        .iter()
        .map(|(id, it)| (*id, if it["cached"] == true { Reruns::Same } else { Reruns::Different }))
        .collect();
    let reruns = |id: StepId| recorded.get(&id).copied().unwrap_or_default();
    if result["ok"] != true {
        let stopped = steps
            .iter()
            .filter(|(_, it)| it["started"] == false || it["canceled"] == true)
            .map(|(id, _)| *id);
        fails.extend(stopped);
    }
    record(&graph, &inputs, store, &reruns, &fails);
    Ok((Some(judged), accounts))
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

pub(super) fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&EMPTY).iter()
}

pub(super) fn options(build: &Value) -> Result<BuildOptions, String> {
    let strings =
        |value: &Value| map(value).map(|(name, value)| (name.clone(), text(value).to_owned())).collect();
    let opts: BTreeMap<String, String> = strings(&build["frontend_opts"]);
    let opt = |name: &str| opts.get(name).map_or("", String::as_str);
    let filter = opts.get("no-cache").map(|names| names.split(',').map(str::to_owned).collect());
    let no_cache = match (&build["no_cache"], filter) {
        (Value::Array(names), _) => NoCache::Stages(names.iter().map(|name| text(name).to_owned()).collect()),
        (Value::Bool(true), _) => NoCache::All,
        (_, Some(names)) => NoCache::Stages(names),
        _ => NoCache::Nothing,
    };
    let platforms: Result<Vec<Platform>, String> =
        text(&build["platform"]).split(',').filter(|part| !part.is_empty()).map(platform::parse).collect();
    let named_contexts = map(&build["named_contexts"]).map(|(name, context)| {
        let context = match text(&context["type"]) {
            "local" => NamedContext::Local,
            _ => NamedContext::Image { reference: text(&context["ref"]).to_owned() },
        };
        (name.clone(), context)
    });
    let pairs = |list: &str| -> Vec<(String, String)> {
        let pairs = list.split(',').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    Ok(BuildOptions {
        target: text(&build["target"]).to_owned(),
        build_args: strings(&build["build_args"]),
        platforms: platforms?,
        no_cache,
        named_contexts: named_contexts.collect(),
        extra_hosts: pairs(opt("add-hosts")),
        shm_size_bytes: opt("shm-size").parse().unwrap_or(0),
        ulimits: opt("ulimit").split(',').filter(|limit| !limit.is_empty()).map(str::to_owned).collect(),
        network: opts.get("force-network-mode").cloned(),
        labels: opts
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("label:")?.to_owned(), value.clone())))
            .collect(),
        secrets: Some(map(&build["secrets"]).map(|(id, _)| id.clone()).collect()),
    })
}

pub(super) fn base(full: &str, wanted: &Platform, build: &Value, images: &Value) -> Option<BaseImage> {
    let (_, id) =
        map(&build["images"]).find(|(name, _)| reference::normalize(name).is_ok_and(|name| name == full))?;
    let image = &images[text(id)];
    let platforms = list(&image["platforms"]);
    let has_platform = platforms.iter().any(|it| platform::parse(text(it)).is_ok_and(|it| it == *wanted));
    if !has_platform {
        return None;
    }
    let config: RuntimeConfig = serde_json::from_value(image["config"].clone()).unwrap();
    let layers = list(&image["layers"]).iter().map(|layer| DiffId(Digest::parse(text(layer)).unwrap()));
    Some(BaseImage {
        digest: image["digest"].as_str().map(str::to_owned),
        config: ImageConfig {
            architecture: wanted.architecture.clone(),
            os: wanted.os.clone(),
            variant: wanted.variant.clone(),
            config,
            ..ImageConfig::default()
        },
        layers: layers.collect(),
        is_known: true,
    })
}

/// Context and named contexts as they are sent.
pub(super) fn inputs(build: &Value, images: &Value, dockerfile_mtime: i64) -> Result<Inputs, String> {
    let mut files = build["context"].clone();
    if build["dockerfile_in_context"] == true {
        files["Dockerfile"] = serde_json::json!({
            "content": build["dockerfile"], "mode": "0644", "mtime": dockerfile_mtime,
        });
    }
    let own_list = if build["dockerfile_in_context"] == true { "Dockerfile.dockerignore" } else { "" };
    let mut locals = BTreeMap::from([("context".to_owned(), Rc::new(sent(&files, own_list)?))]);
    for (name, context) in map(&build["named_contexts"]) {
        if context["type"] == "local" {
            locals.insert(name.clone(), Rc::new(sent(&context["files"], "")?));
        }
    }
    let build_args = map(&build["build_args"]).map(|(name, value)| (name.clone(), text(value).to_owned()));
    let mut known = BTreeMap::new();
    for (name, id) in map(&build["images"]) {
        let top_layer = tree(&images[text(id)]["files"])?;
        let full = reference::normalize(name)?;
        known.insert(full, ImageFiles { top_layer: Rc::new(top_layer) });
    }
    Ok(Inputs { locals, build_args: build_args.collect(), images: known, ..Inputs::default() })
}

fn sent(files: &Value, own_list: &str) -> Result<Tree, String> {
    let tree = tree(files)?;
    let name = if files.get(own_list).is_some() { own_list } else { ".dockerignore" };
    let Some(file) = files.get(name) else { return Ok(tree) };
    let list = IgnoreList::parse(text(&file["content"])).map_err(|error| error.to_string())?;
    Ok(list.filter(&tree))
}

pub(super) fn tree(files: &Value) -> Result<Tree, String> {
    let mut tree = Tree::default();
    for (path, file) in map(files) {
        tree.insert(path, entry(file)?);
    }
    Ok(tree)
}

fn entry(file: &Value) -> Result<Entry, String> {
    let mtime_secs = file["mtime"].as_i64().unwrap_or(0);
    let mode = file["mode"].as_str().map(|mode| u32::from_str_radix(mode, 8).unwrap());
    if let Some(target) = file["symlink"].as_str() {
        let kind = EntryKind::Symlink { target: target.to_owned() };
        return Ok(Entry { kind, mode: 0o777, mtime_secs, ..Entry::dir() });
    }
    if file["dir"] == true {
        return Ok(Entry { mode: mode.unwrap_or(0o755), mtime_secs, ..Entry::dir() });
    }
    let bytes = bytes(file)?;
    let entry = Entry::file(Digest::of(&bytes), bytes.len() as u64);
    Ok(Entry { mode: mode.unwrap_or(0o644), mtime_secs, ..entry })
}

/// The content of a file.
pub(super) fn bytes(file: &Value) -> Result<Vec<u8>, String> {
    match file["content_b64"].as_str() {
        Some(encoded) => decode_base64(encoded),
        None => Ok(text(&file["content"]).as_bytes().to_vec()),
    }
}

pub(super) fn line_number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok())
}

/// A name without the digest of an image.
pub(super) fn name_key(name: &str) -> String {
    name.split("@sha256:").next().unwrap_or("").to_owned()
}

pub(super) fn is_scored(expected: &Value) -> bool {
    !text(&expected["text"]).starts_with("FROM ") && !text(&expected["name"]).starts_with("[context ")
}

pub(super) fn racy(expected: &Value) -> bool {
    expected["racy"] == true || expected["canceled"] == true
}

/// The step itself failed.
pub(super) fn failed(expected: &Value) -> bool {
    expected["error"].is_string() && expected["canceled"] == false
}

/// Pairs the reported steps with those of the graph, one to one, by name.
pub(super) fn match_steps<'a>(
    graph: &Graph,
    simulation: &Simulation,
    result: &'a Value,
    accounts: &mut Vec<String>,
) -> Vec<(StepId, &'a Value)> {
    let mut ours: BTreeMap<String, Vec<StepId>> = BTreeMap::new();
    for (idx, step) in graph.steps.iter().enumerate() {
        let is_merged = simulation.step(StepId(idx)).is_some_and(|outcome| outcome.same_as.is_some());
        if step.name.starts_with('[') && !step.is_internal() && !is_merged {
            ours.entry(name_key(&step.name)).or_default().push(StepId(idx));
        }
    }
    let mut pairs = Vec::new();
    for expected in list(&result["steps"]) {
        let name = name_key(text(&expected["name"]));
        if name.starts_with("[context ") && name.ends_with("] load .dockerignore") {
            // Asked for before the graph is made, and no part of it.
            continue;
        }
        let Some(id) = ours.get_mut(&name).filter(|ids| !ids.is_empty()).map(|ids| ids.remove(0)) else {
            accounts.push(format!("{name}: not among ours"));
            continue;
        };
        if let Some(step) = graph.step(id) {
            accounts.extend(shape(step, id, graph, simulation, expected).err());
        }
        pairs.push((id, expected));
    }
    for (name, ids) in ours {
        if !ids.is_empty() {
            accounts.push(format!("{name}: ours, and not reported"));
        }
    }
    pairs
}

/// Numbers, lines, and what was merged into the step.
fn shape(step: &Step, id: StepId, graph: &Graph, simulation: &Simulation, expected: &Value) -> Verdict {
    let number = |key: &str| line_number(&expected[key]);
    let position = number("index").zip(number("total"));
    if position != step.position {
        return Err(format!("{}: number {position:?}, ours {:?}", step.name, step.position));
    }
    if !is_scored(expected) {
        return Ok(());
    }
    // Of several equal steps, which one has the name and which one the line is not told apart.
    let line = |step: &Step| step.lines.map(|lines| lines.first);
    let twins =
        graph.steps.iter().enumerate().filter(|(idx, _)| {
            simulation.step(StepId(*idx)).is_some_and(|outcome| outcome.same_as == Some(id))
        });
    let ours: BTreeSet<u32> = twins.filter_map(|(_, twin)| line(twin)).chain(line(step)).collect();
    let merged = list(&expected["merged_lines"]).iter().filter_map(line_number);
    let wanted: BTreeSet<u32> = merged.chain(number("line")).collect();
    if ours != wanted {
        return Err(format!("{}: lines {wanted:?}, ours {ours:?}", step.name));
    }
    Ok(())
}

fn compare(expected: &Value, outcome: &StepOutcome, graph: &Graph) -> Verdict {
    let is_conditional = expected["depends_on_output"] == true;
    let wanted = match (expected["started"] == true, expected["cached"] == true) {
        (false, _) => Outcome::Blocked,
        _ if is_conditional => Outcome::Conditional,
        (true, true) => Outcome::Cached,
        (true, false) if outcome.verdict == Outcome::Error && expected["error"].is_string() => Outcome::Error,
        (true, false) => Outcome::Rebuild,
    };
    if wanted == Outcome::Conditional && outcome.verdict == wanted && outcome.depends_on.is_empty() {
        return Err("conditional, but on nothing".into());
    }
    if outcome.verdict == wanted {
        return Ok(());
    }
    let recorded = if expected["cached"] == true { " (cached)" } else { "" };
    Err(format!(
        "expected {wanted:?}{recorded}, got {:?}: {}",
        outcome.verdict,
        outcome.reason.sentence(graph)
    ))
}

/// The steps that were never reported.
fn absent(graph: &Graph, simulation: &Simulation, result: &Value) -> Verdict {
    for absent in list(&result["absent"]) {
        let line = line_number(&absent["line"]).unwrap_or(0);
        let placed = graph.placed.iter().find(|placed| placed.lines.first == line);
        let role = placed.map(|placed| &placed.role);
        let agrees = match (text(&absent["reason"]), role) {
            // The step that it is merged into is checked where that one is.
            ("merged", Some(Role::Steps(ids))) => {
                ids.iter().all(|id| simulation.step(*id).is_some_and(|it| it.same_as.is_some()))
            }
            ("not_in_graph", Some(role)) => {
                *role == Role::Pruned || (*role == Role::NoStep && text(&absent["instruction"]) == "FROM")
            }
            ("rejected" | "not_reached", Some(Role::Steps(ids))) => ids.iter().all(|id| {
                simulation.step(*id).is_some_and(|it| matches!(it.verdict, Outcome::Error | Outcome::Blocked))
            }),
            _ => false,
        };
        if !agrees {
            return Err(format!("{}: {}, ours {role:?}", text(&absent["text"]), text(&absent["reason"])));
        }
    }
    Ok(())
}

/// A refusal before any step ran.
fn refused(error: &GraphError, result: &Value, tally: &mut Tally) -> Verdict {
    tally.errors.1 += 1;
    let expected = &result["error"];
    let message = text(&expected["text"]);
    let message = message.strip_prefix("failed to solve: ").unwrap_or(message);
    if result["ok"] == true {
        return Err(format!("was built, ours is refused: {}", error.message));
    }
    if message != error.message {
        return Err(format!("error {message:?}, ours {:?}", error.message));
    }
    // A client shows no line where the first one is said to be 0, nor the way of a circle but where it closes.
    let line = error.lines.last().map(|lines| u64::from(lines.first)).filter(|line| *line > 0);
    if expected["line"].as_u64() != line {
        return Err(format!("error at line {}, ours {line:?}: {message}", expected["line"]));
    }
    if let Some(step) = list(&result["steps"]).first() {
        return Err(format!("{} was reported, ours is refused", step["name"]));
    }
    tally.errors.0 += 1;
    Ok(())
}

/// A failure of a step.
fn error(
    graph: &Graph,
    simulation: &Simulation,
    steps: &[(StepId, &Value)],
    result: &Value,
    tally: &mut Tally,
) -> Verdict {
    let failing = graph.steps.iter().enumerate().find_map(|(idx, step)| {
        let outcome = simulation.step(StepId(idx)).filter(|it| it.verdict == Outcome::Error)?;
        Some((step, outcome))
    });
    if result["ok"] == true {
        return match failing {
            None => Ok(()),
            Some((step, outcome)) => {
                tally.errors.1 += 1;
                Err(format!("was built, ours fails at {}: {:?}", step.name, outcome.reason))
            }
        };
    }
    tally.errors.1 += 1;
    let expected = &result["error"];
    let message = text(&expected["text"]);
    match text(&expected["kind"]) {
        "exec" => {
            if !steps.iter().any(|(_, it)| failed(it)) {
                return Err(format!("no step of ours stands for {message:?}"));
            }
        }
        "solve" => {
            let Some((step, outcome)) = failing else {
                return Err(format!("error {message:?}, ours none"));
            };
            let ours = outcome.reason.builder_error().unwrap_or_default();
            if message.strip_prefix("failed to solve: ") != Some(ours.as_str()) {
                return Err(format!("error {message:?}, ours {ours:?}"));
            }
            let line = step.lines.map(|lines| u64::from(lines.first));
            if expected["line"].as_u64() != line {
                return Err(format!("error at line {}, ours {line:?}: {message}", expected["line"]));
            }
        }
        kind => return Err(format!("a {kind} error {message:?}, ours is not refused")),
    }
    tally.errors.0 += 1;
    Ok(())
}
