//! `cache-legacy`: which steps the classic builder took from its cache.
//!
//! A record is a scenario, as in the set `cache`, and is gone through in the
//! same way. Every instruction is a step here, and the image that it led to
//! was recorded with the command that is stored in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use layerlab::cache::legacy::convert::plan;
use layerlab::cache::legacy::files::{BaseFiles, Inputs, commands};
use layerlab::cache::legacy::plan::{Action, Base, DockerfilePlace, Plan, PlanStep};
use layerlab::cache::legacy::solve::{builder_error, record, simulate, simulate_failing};
use layerlab::cache::legacy::store::{ImageName, LegacyStore};
use layerlab::cache::solve::Reruns;
use layerlab::cache::{Simulation, StepOutcome, Verdict as Outcome};
use layerlab::context::ignore::IgnoreList;
use layerlab::digest::Digest;
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::dockerfile::syntax::Dialect;
use layerlab::graph::{BaseImage, BuildOptions, GraphError, NoCache, StepId, reference};
use layerlab::oci::{ImageConfig, RuntimeConfig};
use serde_json::{Value, json};

use super::cache::{Tally, bytes, line_number, list, map, score_scenarios, text, tree};
use super::cause::{self, Judged, Shown};
use super::score::{Score, Verdict};

/// Scores the set.
pub(super) fn score(folder: &Path) -> Score {
    score_scenarios(folder, scenario)
}

fn scenario(record: &Value, tally: &mut Tally) -> Verdict {
    let mut store = LegacyStore::default();
    let mut names = Names::default();
    let mut before: Option<Judged<'_>> = None;
    let mut differences = Vec::new();
    for (idx, build) in list(&record["builds"]).iter().enumerate() {
        let differ = |account: String| format!("build {}: {account}", idx + 1);
        match one_build(build, &record["images"], &mut store, &mut names, before.as_ref(), tally) {
            Ok((judged, accounts)) => {
                differences.extend(accounts.into_iter().map(differ));
                before = judged;
            }
            Err(account) => differences.push(differ(account)),
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) }
}

type Compared<'a> = (Option<Judged<'a>>, Vec<String>);

fn one_build<'a>(
    build: &'a Value,
    images: &'a Value,
    store: &mut LegacyStore,
    names: &mut Names,
    before: Option<&Judged<'_>>,
    tally: &mut Tally,
) -> Result<Compared<'a>, String> {
    let result = &build["result"];
    let file = Dockerfile::read_as(text(&build["dockerfile"]), Dialect::Classic);
    let place = if build["dockerfile_in_context"] == true {
        DockerfilePlace::InContext { path: "Dockerfile".into() }
    } else {
        DockerfilePlace::Outside
    };
    let plan = match plan(&file, &options(build), &place, &|name, _| base(name, build, images)) {
        Ok(plan) => plan,
        Err(error) => {
            let account = refused(&error, result, tally);
            return Ok((None, account.err().into_iter().collect()));
        }
    };
    let inputs = inputs(build, images)?;
    let mut simulation = simulate(&plan, &inputs, store);
    let commands = commands(&plan, &inputs);
    let mut accounts = Vec::new();
    let steps = match_steps(&plan, build, &mut accounts);
    let mut fails: BTreeSet<StepId> = BTreeSet::new();
    for (id, expected) in steps.iter().filter(|(_, expected)| expected["error"].is_string()) {
        let id = failing_part(*id, &plan, &simulation);
        // What is known to fail needs no telling.
        if simulation.step(id).is_some_and(|outcome| outcome.verdict != Outcome::Error) {
            fails.insert(id);
        }
        accounts.extend(error(expected, id, &plan, &simulation, result, tally).err());
    }
    if !fails.is_empty() {
        simulation = simulate_failing(&plan, &inputs, store, &fails);
    }
    if result["ok"] == true && simulation.steps.iter().any(|outcome| outcome.verdict == Outcome::Error) {
        accounts.push("was built, ours fails".into());
    }
    let differ = |expected: &Value, account: &str| format!("{}: {account}", text(&expected["text"]));
    for (id, expected) in &steps {
        let verdict = compare(expected, *id, &plan, &simulation);
        if expected["cached"].is_null() {
            *tally.not_scored.entry("steps (FROM, global ARG)").or_default() += 1;
            accounts.extend(verdict.err().map(|account| differ(expected, &account)));
            continue;
        }
        let verdict = verdict.and_then(|()| command(expected, &plan.steps[id.0], commands[id.0].as_ref()));
        tally.steps.1 += 1;
        tally.steps.0 += usize::from(verdict.is_ok());
        accounts.extend(verdict.err().map(|account| differ(expected, &account)));
    }
    accounts.extend(absent(&plan, &simulation, result).err());
    let judged = judged(build, images, file, &plan);
    if let Some(before) = before {
        let rebuilt: Vec<(StepId, &Value)> =
            steps.iter().filter(|(_, expected)| expected["cached"] == false).copied().collect();
        tally.add_causes(cause::compare(before, &judged, &simulation, &rebuilt));
    }
    let recorded: BTreeMap<StepId, Reruns> = steps
        .iter()
        .map(|(id, it)| (*id, if it["cached"] == true { Reruns::Same } else { Reruns::Different }))
        .collect();
    let reruns = |id: StepId| recorded.get(&id).copied().unwrap_or_default();
    record(&plan, &inputs, store, &reruns, &fails);
    for (id, expected) in &steps {
        let is_open = simulation.step(*id).is_some_and(|outcome| outcome.verdict == Outcome::Conditional);
        if is_open || expected["error"].is_string() {
            continue;
        }
        let (_, end) = triggers(*id, &plan);
        let ours =
            store.builds.last().and_then(|build| build.steps.get(end.0)).and_then(|it| it.image.clone());
        accounts.extend(names.agree(expected, ours, images).err().map(|account| differ(expected, &account)));
    }
    Ok((Some(judged), accounts))
}

/// A build as the comparison of two builds sees it.
fn judged<'a>(record: &'a Value, images: &'a Value, file: Dockerfile, plan: &Plan) -> Judged<'a> {
    let shown = |step: &PlanStep| Shown {
        name: step.text.clone(),
        lines: step.lines,
        is_onbuild: step.is_trigger,
        is_image: matches!(step.action, Action::Base(Base::Image { .. })),
    };
    let steps = plan.steps.iter().map(shown).collect();
    Judged { record, images, file, steps }
}

pub(super) fn options(build: &Value) -> BuildOptions {
    let words: Vec<&str> = list(&build["cli"]).iter().map(text).collect();
    let labels =
        words.windows(2).filter(|pair| pair[0] == "--label").filter_map(|pair| pair[1].split_once('='));
    BuildOptions {
        target: text(&build["target"]).to_owned(),
        build_args: map(&build["build_args"]).map(|(name, it)| (name.clone(), text(it).to_owned())).collect(),
        no_cache: if build["no_cache"] == true { NoCache::All } else { NoCache::Nothing },
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..BuildOptions::default()
    }
}

pub(super) fn base(full: &str, build: &Value, images: &Value) -> Option<BaseImage> {
    let is_named = |name: &str| reference::normalize(name).is_ok_and(|name| name == full);
    let (_, id) = map(&build["images"]).find(|(name, _)| is_named(name))?;
    let image = &images[text(id)];
    let config: RuntimeConfig = serde_json::from_value(image["config"].clone()).unwrap();
    let layers = list(&image["layers"]).iter().map(|layer| Digest::parse(text(layer)).unwrap());
    Some(BaseImage {
        digest: Some(text(&image["id"]).to_owned()),
        config: ImageConfig { config, ..ImageConfig::default() },
        layers: layers.map(layerlab::digest::DiffId).collect(),
        is_known: true,
    })
}

pub(super) fn inputs(build: &Value, images: &Value) -> Result<Inputs, String> {
    let mut files = build["context"].clone();
    if build["dockerfile_in_context"] == true {
        files["Dockerfile"] = json!({ "content": build["dockerfile"], "mode": "0644" });
    }
    let list =
        IgnoreList::parse(text(&files[".dockerignore"]["content"])).map_err(|error| error.to_string())?;
    let mut inputs = Inputs { context: Rc::new(list.pack(&tree(&files)?)), ..Inputs::default() };
    let mut keep = |file: &Value| -> Result<(), String> {
        let bytes = bytes(file)?;
        inputs.bytes.insert(Digest::of(&bytes), Rc::from(bytes));
        Ok(())
    };
    map(&files).try_for_each(|(_, file)| keep(file))?;
    for (name, id) in map(&build["images"]) {
        let image = &images[text(id)];
        let mut files = if image["rootfs"] == "busybox" { userland() } else { json!({}) };
        map(&image["files"]).for_each(|(path, file)| files[path] = file.clone());
        map(&files).try_for_each(|(_, file)| keep(file))?;
        let known = BaseFiles { tree: Rc::new(tree(&files)?), has_all_folders: true };
        inputs.images.insert(reference::normalize(name)?, known);
    }
    Ok(inputs)
}

/// What the records say of the layer with a busybox userland.
fn userland() -> Value {
    let (passwd, group) = ("root:x:0:0:::\napp:x:1000:1000:::\n", "root:x:0:\napp:x:1000:\n");
    let folder = json!({ "dir": true });
    json!({
        "root": folder, "tmp": folder, "home/app": folder, "usr/local/bin": folder,
        "etc/passwd": { "content": passwd }, "etc/group": { "content": group },
    })
}

/// Pairs the printed steps with those of the plan, by number.
fn match_steps<'a>(plan: &Plan, build: &'a Value, accounts: &mut Vec<String>) -> Vec<(StepId, &'a Value)> {
    let result = &build["result"];
    // Where a continuation runs to the end of the file, the records count a line behind it.
    let n_lines = text(&build["dockerfile"]).lines().count();
    let mut pairs = Vec::new();
    for expected in list(&result["steps"]) {
        let number = expected["index"].as_u64().and_then(|index| usize::try_from(index).ok());
        let Some(idx) = plan.steps.iter().position(|step| step.index.is_some() && step.index == number)
        else {
            accounts.push(format!("{}: not among ours", text(&expected["text"])));
            continue;
        };
        let step = &plan.steps[idx];
        let ours = json!([
            plan.total,
            step.text,
            step.keyword,
            step.stage.map(|stage| stage.0),
            step.lines.map(|lines| lines.first),
            step.lines.map(|lines| lines.last),
        ]);
        let mut recorded =
            ["total", "text", "instruction", "stage", "line", "end_line"].map(|key| expected[key].clone());
        if let Some(end) = recorded[5].as_u64() {
            recorded[5] = json!(end.min(n_lines as u64));
        }
        if json!(recorded) != ours {
            accounts.push(format!("expected the step {}, ours {ours}", json!(recorded)));
        }
        pairs.push((StepId(idx), expected));
    }
    pairs
}

/// The triggers that are carried out under a FROM, and the last step that has no line of its own.
fn triggers(id: StepId, plan: &Plan) -> (Vec<StepId>, StepId) {
    let rest = plan.steps.iter().enumerate().skip(id.0 + 1).take_while(|(_, step)| step.is_trigger);
    let ids: Vec<StepId> = rest.map(|(idx, _)| StepId(idx)).collect();
    let end = ids.last().copied().unwrap_or(id);
    (ids, end)
}

/// Of a FROM with triggers the first of these that is not cached; else the step itself.
fn failing_part(id: StepId, plan: &Plan, simulation: &Simulation) -> StepId {
    let is_run = |id: &StepId| simulation.step(*id).is_some_and(|it| it.verdict != Outcome::Cached);
    triggers(id, plan).0.into_iter().find(is_run).unwrap_or(id)
}

fn compare(expected: &Value, id: StepId, plan: &Plan, simulation: &Simulation) -> Verdict {
    let outcome = simulation.step(id).ok_or("a step without an outcome")?;
    if expected["cached"].is_null() {
        let (ids, _) = triggers(id, plan);
        let outcomes: Vec<&StepOutcome> = ids.iter().filter_map(|id| simulation.step(*id)).collect();
        let n_cached = outcomes.iter().take_while(|it| it.verdict == Outcome::Cached).count();
        let ours =
            if ids.is_empty() { Value::Null } else { json!({ "count": ids.len(), "cached": n_cached }) };
        return if expected["triggers"] == ours {
            Ok(())
        } else {
            Err(format!("triggers {}, ours {ours}", expected["triggers"]))
        };
    }
    let wanted = match (expected["depends_on_output"] == true, expected["cached"] == true) {
        (true, _) => Outcome::Conditional,
        (false, true) => Outcome::Cached,
        (false, false) if outcome.verdict == Outcome::Error && expected["error"].is_string() => {
            Outcome::Error
        }
        (false, false) => Outcome::Rebuild,
    };
    if wanted == Outcome::Conditional && outcome.verdict == wanted && outcome.depends_on.is_empty() {
        return Err("conditional, but on nothing".into());
    }
    if outcome.verdict == wanted {
        return Ok(());
    }
    let recorded = if expected["cached"] == true { " (cached)" } else { "" };
    let sentence = outcome.reason.sentence_of(&|id| plan.step(id).map(|step| step.text.as_str()));
    Err(format!("expected {wanted:?}{recorded}, got {:?}: {sentence}", outcome.verdict))
}

/// The command that is stored, but for copies from a stage and for sums over random bytes.
fn command(expected: &Value, step: &PlanStep, ours: Option<&Vec<String>>) -> Verdict {
    let is_from = matches!(&step.action, Action::Copy(copy) if copy.from.is_some());
    if expected["cmd"].is_null() || expected["cmd_varies"] == true || is_from {
        return Ok(());
    }
    let ours = json!(ours);
    if expected["cmd"] == ours { Ok(()) } else { Err(format!("stores {}, ours {ours}", expected["cmd"])) }
}

/// The steps that were never printed.
fn absent(plan: &Plan, simulation: &Simulation, result: &Value) -> Verdict {
    for absent in list(&result["absent"]) {
        let line = line_number(&absent["line"]);
        let is_at = |step: &PlanStep| step.lines.map(|lines| lines.first) == line;
        let mut ours = plan.steps.iter().zip(&simulation.steps).filter(|(step, _)| is_at(step)).peekable();
        let is_there = ours.peek().is_some();
        let agrees = match text(&absent["reason"]) {
            "beyond_target" => !is_there,
            "not_reached" => is_there && ours.all(|(_, outcome)| outcome.verdict == Outcome::Blocked),
            _ => false,
        };
        if !agrees {
            return Err(format!("{}: {}, ours is not", text(&absent["text"]), text(&absent["reason"])));
        }
    }
    Ok(())
}

/// A refusal before any step.
fn refused(error: &GraphError, result: &Value, tally: &mut Tally) -> Verdict {
    tally.errors.1 += 1;
    let expected = &result["error"];
    if result["ok"] == true {
        return Err(format!("was built, ours is refused: {}", error.message));
    }
    let ours = format!("Error response from daemon: {}", error.message);
    if text(&expected["text"]) != ours || text(&expected["kind"]) != "frontend" {
        return Err(format!("error {}, ours {ours:?}", expected["text"]));
    }
    let line = error.lines.first().map(|lines| u64::from(lines.first));
    if expected["line"].as_u64() != line {
        return Err(format!("error at line {}, ours {line:?}: {ours}", expected["line"]));
    }
    let is_rejected = |absent: &Value| absent["reason"] == "rejected";
    if !list(&result["steps"]).is_empty() || !list(&result["absent"]).iter().all(is_rejected) {
        return Err("steps were printed, ours is refused".into());
    }
    tally.errors.0 += 1;
    Ok(())
}

/// A failure of a step, as it was foreseen before it was declared.
fn error(
    expected: &Value,
    id: StepId,
    plan: &Plan,
    simulation: &Simulation,
    result: &Value,
    tally: &mut Tally,
) -> Verdict {
    tally.errors.1 += 1;
    let (recorded, step) = (&result["error"], &plan.steps[id.0]);
    let message = text(&recorded["text"]);
    let outcome = simulation.step(id).ok_or("a step without an outcome")?;
    match text(&recorded["kind"]) {
        "exec" => {
            // That it fails cannot be known; where it is foreseen all the same, it is for the right reason.
            let ours = builder_error(step, &outcome.reason);
            let is_foreseen = outcome.verdict == Outcome::Error;
            if !step.has_container() || (is_foreseen && ours.as_deref() != Some(message)) {
                return Err(format!("{message:?} failed when it ran, ours is {ours:?}"));
            }
        }
        // A name that is no image here. Only a registry could tell.
        "pull" => {
            let base = match &step.action {
                Action::Base(base) => Some(base),
                Action::Copy(copy) => copy.from.as_ref(),
                _ => None,
            };
            if !matches!(base, Some(Base::Image { image, .. }) if !image.is_known) {
                return Err(format!("{message:?}, ours knows {base:?}"));
            }
        }
        _ => {
            let ours = builder_error(step, &outcome.reason).filter(|_| outcome.verdict == Outcome::Error);
            if ours.as_deref() != Some(message) || text(&expected["error"]) != message {
                return Err(format!("error {message:?}, ours {ours:?}"));
            }
        }
    }
    let line = step.lines.map(|lines| u64::from(lines.first));
    if recorded["line"].as_u64() != line {
        return Err(format!("error at line {}, ours {line:?}: {message}", recorded["line"]));
    }
    tally.errors.0 += 1;
    Ok(())
}

/// Which recorded image is which of ours.
#[derive(Debug, Default)]
struct Names {
    ours: BTreeMap<String, ImageName>,
    recorded: BTreeMap<ImageName, String>,
}

impl Names {
    /// Equal images are equal, and others are not.
    fn agree(&mut self, expected: &Value, ours: Option<ImageName>, images: &Value) -> Verdict {
        let name = expected["image"].as_str();
        // Of one base under two names the id tells that they are one.
        let name = name.map(|name| images[name]["id"].as_str().unwrap_or(name).to_owned());
        let (Some(name), Some(ours)) = (name.clone(), ours.clone()) else {
            let is_same = name.is_none() == ours.is_none();
            return if is_same { Ok(()) } else { Err(format!("image {name:?}, ours {ours:?}")) };
        };
        let known = self.ours.entry(name.clone()).or_insert_with(|| ours.clone());
        let known_as = self.recorded.entry(ours.clone()).or_insert_with(|| name.clone());
        if *known == ours && *known_as == name {
            return Ok(());
        }
        Err(format!("image {name}, ours {ours:?}: expected {known:?}, which is {known_as}"))
    }
}
