//! The functions that bake files can call, as far as their results can be told here.
//!
//! What they do is what the [functions of bake](https://docs.docker.com/build/bake/stdlib/)
//! do. Not here: those of time and chance, whose results only a real run knows,
//! and regular expressions, networks and some codings, which few files call.

use std::collections::{BTreeMap, BTreeSet};

use super::eval::get;
use super::value::Value;
use crate::buildfile::scalar::plain;
use crate::digest::Digest;

/// Lists that a function makes are not longer.
const MAX_ITEMS: usize = 10_000;

/// Texts that a function makes are not longer.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Functions that bake has and that are not evaluated here.
const NOT_HERE: [&str; 29] = [
    "base64decode",
    "base64encode",
    "bcrypt",
    "bytesslice",
    "cidrhost",
    "cidrnetmask",
    "cidrsubnet",
    "cidrsubnets",
    "csvdecode",
    "formatdate",
    "formatlist",
    "homedir",
    "md5",
    "regex",
    "regex_replace",
    "regexall",
    "rsadecrypt",
    "semvercmp",
    "setproduct",
    "setsymmetricdifference",
    "sha1",
    "sha512",
    "timeadd",
    "timestamp",
    "unixtimestampparse",
    "urlencode",
    "uuidv4",
    "uuidv5",
    "log",
];

type Outcome = Result<Value, Value>;

/// Calls a function; what cannot be told is the error.
pub(super) fn call(name: &str, args: &[Value]) -> Outcome {
    // These look at arguments that cannot be told.
    match name {
        "try" => {
            let is_error = |value: &Value| value.unknown().is_some_and(|why| why.is_error);
            let found = args.iter().find(|arg| !is_error(arg));
            return found.cloned().ok_or_else(|| Value::error("nothing that is tried has a value"));
        }
        "can" => {
            return match args {
                [value] => Ok(Value::Bool(!value.unknown().is_some_and(|why| why.is_error))),
                _ => Err(wrong_number(name)),
            };
        }
        _ => {}
    }
    if NOT_HERE.contains(&name) {
        return Err(Value::not_here(format!("what {name}() gives is not known here")));
    }
    // Lists and maps are looked into by what takes them.
    if let Some(unknown) = args.iter().find(|arg| matches!(arg, Value::Unknown(_))) {
        return Err(unknown.clone());
    }
    if let Some(outcome) = of_texts(name, args) {
        return outcome;
    }
    if let Some(outcome) = of_numbers(name, args) {
        return outcome;
    }
    if let Some(outcome) = of_lists(name, args) {
        return outcome;
    }
    match (name, args) {
        ("equal", [a, b]) => Ok(Value::Bool(a == b)),
        ("notequal", [a, b]) => Ok(Value::Bool(a != b)),
        ("not", [it]) => Ok(Value::Bool(!it.to_bool()?)),
        ("and", [a, b]) => Ok(Value::Bool(a.to_bool()? && b.to_bool()?)),
        ("or", [a, b]) => Ok(Value::Bool(a.to_bool()? || b.to_bool()?)),
        ("coalesce", args) => {
            let is_some = |value: &&Value| **value != Value::Null && **value != Value::Text(String::new());
            args.iter()
                .find(is_some)
                .cloned()
                .ok_or_else(|| Value::error("all that is given to coalesce is null"))
        }
        // A type is no value; texts and numbers become each other where they are taken.
        ("convert", [value, _]) => Ok(value.clone()),
        ("jsonencode", [value]) => Ok(Value::Text(to_json(value)?.to_string())),
        ("jsondecode", [text]) => match serde_json::from_str(&text.to_text()?) {
            Ok(json) => Ok(from_json(json)),
            Err(error) => Err(Value::error(format!("this is no JSON: {error}"))),
        },
        _ => Err(Value::error(format!("{name} is no function, or takes other arguments"))),
    }
}

fn wrong_number(name: &str) -> Value {
    Value::error(format!("{name} takes other arguments"))
}

fn text(value: impl Into<String>) -> Outcome {
    let text = value.into();
    if text.len() > MAX_TEXT_BYTES {
        Err(Value::error("the text gets too long"))
    } else {
        Ok(Value::Text(text))
    }
}

fn list(items: Vec<Value>) -> Outcome {
    if items.len() > MAX_ITEMS { Err(Value::error("the list gets too long")) } else { Ok(Value::List(items)) }
}

fn number(number: f64) -> Outcome {
    if number.is_finite() { Ok(Value::Number(number)) } else { Err(Value::error("this is no number")) }
}

fn count(n: usize) -> Outcome {
    Ok(Value::Number(u32::try_from(n).map_or(f64::MAX, f64::from)))
}

fn texts(value: &Value) -> Result<Vec<String>, Value> {
    value.items()?.iter().map(Value::to_text).collect()
}

fn of_texts(name: &str, args: &[Value]) -> Option<Outcome> {
    let one = |make: &dyn Fn(&str) -> String| match args {
        [it] => it.to_text().and_then(|it| text(make(&it))),
        _ => Err(wrong_number(name)),
    };
    let two = |make: &dyn Fn(&str, &str) -> String| match args {
        [it, other] => it.to_text().and_then(|it| text(make(&it, &other.to_text()?))),
        _ => Err(wrong_number(name)),
    };
    Some(match name {
        // The letters of other alphabets would cost more than they are worth.
        "upper" | "lower" | "title" if args.iter().any(is_foreign) => {
            Err(Value::not_here(format!("{name}() of other letters than a to z is not modeled")))
        }
        "upper" => one(&|it| it.to_ascii_uppercase()),
        "lower" => one(&|it| it.to_ascii_lowercase()),
        "title" => one(&title),
        "trimspace" => one(&|it| it.trim().to_owned()),
        "chomp" => one(&|it| it.trim_end_matches(['\n', '\r']).to_owned()),
        "reverse" => one(&|it| it.chars().rev().collect()),
        "basename" => one(&|it| match it.trim_end_matches('/') {
            "" if it.is_empty() => ".".to_owned(),
            "" => "/".to_owned(),
            path => path.rsplit('/').next().unwrap_or(path).to_owned(),
        }),
        "dirname" => one(&|it| match it.rsplit_once('/') {
            None => ".".to_owned(),
            Some((folder, _)) if folder.trim_end_matches('/').is_empty() => "/".to_owned(),
            Some((folder, _)) => folder.trim_end_matches('/').to_owned(),
        }),
        "sanitize" => one(&|it| {
            let is_kept = |ch: char| ch.is_ascii_alphanumeric() || ch == '_' || ch == '-';
            it.chars().map(|ch| if is_kept(ch) { ch } else { '_' }).collect()
        }),
        "sha256" => one(&|it| {
            let digest = Digest::of(it.as_bytes()).to_string();
            digest.strip_prefix("sha256:").unwrap_or(&digest).to_owned()
        }),
        "trim" => two(&|it, chars| it.trim_matches(|ch| chars.contains(ch)).to_owned()),
        "trimprefix" => two(&|it, prefix| it.strip_prefix(prefix).unwrap_or(it).to_owned()),
        "trimsuffix" => two(&|it, suffix| it.strip_suffix(suffix).unwrap_or(it).to_owned()),
        "strlen" | "byteslen" => match args {
            [it] => it
                .to_text()
                .and_then(|it| count(if name == "strlen" { it.chars().count() } else { it.len() })),
            _ => Err(wrong_number(name)),
        },
        "indent" => match args {
            [n, it] => indent(n, it),
            _ => Err(wrong_number(name)),
        },
        "replace" => match args {
            [it, from, to] => replace(it, from, to),
            _ => Err(wrong_number(name)),
        },
        "substr" => match args {
            [it, offset, length] => substr(it, offset, length),
            _ => Err(wrong_number(name)),
        },
        "split" => match args {
            [separator, it] => split(separator, it),
            _ => Err(wrong_number(name)),
        },
        "join" => match args {
            [separator, lists @ ..] if !lists.is_empty() => join(separator, lists),
            _ => Err(wrong_number(name)),
        },
        "format" => match args {
            [pattern, values @ ..] => pattern.to_text().and_then(|pattern| format(&pattern, values)),
            [] => Err(wrong_number(name)),
        },
        _ => return None,
    })
}

fn is_foreign(value: &Value) -> bool {
    matches!(value, Value::Text(text) if !text.is_ascii())
}

fn title(text: &str) -> String {
    let mut is_start = true;
    let mut out = String::new();
    for ch in text.chars() {
        if is_start {
            out.extend(ch.to_uppercase())
        } else {
            out.push(ch)
        }
        is_start = !ch.is_alphanumeric() && ch != '_' && ch != '\'';
    }
    out
}

fn indent(n: &Value, it: &Value) -> Outcome {
    let blanks = " ".repeat(usize::try_from(n.to_index()?.clamp(0, 1000)).unwrap_or(0));
    let it = it.to_text()?;
    if it.matches('\n').count().saturating_mul(blanks.len()) > MAX_TEXT_BYTES {
        return Err(Value::error("the text gets too long"));
    }
    text(it.replace('\n', &format!("\n{blanks}")))
}

fn replace(it: &Value, from: &Value, to: &Value) -> Outcome {
    let (it, from, to) = (it.to_text()?, from.to_text()?, to.to_text()?);
    if it.len().saturating_mul(to.len().saturating_add(1)) > MAX_TEXT_BYTES.saturating_mul(16) {
        return Err(Value::error("the text gets too long"));
    }
    text(it.replace(&from, &to))
}

fn substr(it: &Value, offset: &Value, length: &Value) -> Outcome {
    let chars: Vec<char> = it.to_text()?.chars().collect();
    let (offset, length) = (offset.to_index()?, length.to_index()?);
    let n = i64::try_from(chars.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 { n.saturating_add(offset) } else { offset }.clamp(0, n);
    let end = if length < 0 { n } else { start.saturating_add(length).min(n) };
    let place = |at: i64| usize::try_from(at).unwrap_or(0);
    text(chars.get(place(start)..place(end)).unwrap_or(&[]).iter().collect::<String>())
}

fn split(separator: &Value, it: &Value) -> Outcome {
    let (separator, it) = (separator.to_text()?, it.to_text()?);
    if separator.is_empty() {
        return list(it.chars().map(|ch| Value::Text(ch.to_string())).collect());
    }
    list(it.split(&separator).map(|part| Value::Text(part.to_owned())).collect())
}

fn join(separator: &Value, lists: &[Value]) -> Outcome {
    let separator = separator.to_text()?;
    let mut parts = Vec::new();
    for list in lists {
        parts.extend(texts(list)?);
    }
    if parts.len().saturating_mul(separator.len()) > MAX_TEXT_BYTES {
        return Err(Value::error("the text gets too long"));
    }
    text(parts.join(&separator))
}

/// The verbs of `format` that people use: `%s`, `%v`, `%q`, `%d`, `%t`, `%x`, with widths.
fn format(pattern: &str, values: &[Value]) -> Outcome {
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let end = after.find(|ch: char| ch.is_ascii_alphabetic()).unwrap_or(after.len());
        let (flags, after) = after.split_at(end);
        let verb = after.chars().next().ok_or_else(|| Value::error("the format ends in %"))?;
        let value = values.next().ok_or_else(|| Value::error("the format has more verbs than values"))?;
        let (width, precision) = flags.split_once('.').map_or((flags, None), |(a, b)| (a, Some(b)));
        let (is_left, width) = width.strip_prefix('-').map_or((false, width), |width| (true, width));
        let has_zeros = width.starts_with('0');
        let n_digits = |text: &str| -> Result<usize, Value> {
            let n = if text.is_empty() { 0 } else { text.parse().unwrap_or(usize::MAX) };
            if n > 1000 { Err(Value::error(format!("%{flags}{verb} is not modeled"))) } else { Ok(n) }
        };
        let (width, precision) = (n_digits(width)?, precision.map(n_digits).transpose()?);
        let shown = match verb {
            's' => match precision {
                Some(most) => value.to_text()?.chars().take(most).collect(),
                None => value.to_text()?,
            },
            'v' => match value {
                Value::List(_) | Value::Map(_) | Value::Null => to_json(value)?.to_string(),
                _ => value.to_text()?,
            },
            'q' => serde_json::Value::String(value.to_text()?).to_string(),
            'd' => value.to_index()?.to_string(),
            't' => value.to_bool()?.to_string(),
            'x' => format!("{:x}", value.to_index()?),
            _ => return Err(Value::not_here(format!("%{verb} of format() is not modeled"))),
        };
        let n_missing = width.saturating_sub(shown.chars().count());
        match (is_left, has_zeros && verb != 's') {
            (true, _) => out.push_str(&format!("{shown}{}", " ".repeat(n_missing))),
            (false, true) => {
                let (sign, digits) = shown.strip_prefix('-').map_or(("", shown.as_str()), |it| ("-", it));
                out.push_str(&format!("{sign}{}{digits}", "0".repeat(n_missing)));
            }
            (false, false) => out.push_str(&format!("{}{shown}", " ".repeat(n_missing))),
        }
        rest = after.get(1..).unwrap_or("");
    }
    out.push_str(rest);
    if values.next().is_some() {
        return Err(Value::error("the format has fewer verbs than values"));
    }
    text(out)
}

fn of_numbers(name: &str, args: &[Value]) -> Option<Outcome> {
    let one = |make: fn(f64) -> f64| match args {
        [it] => it.to_number().and_then(|it| number(make(it))),
        _ => Err(wrong_number(name)),
    };
    let two = |make: fn(f64, f64) -> f64| match args {
        [a, b] => a.to_number().and_then(|a| number(make(a, b.to_number()?))),
        _ => Err(wrong_number(name)),
    };
    let compare = |make: fn(&f64, &f64) -> bool| match args {
        [a, b] => a.to_number().and_then(|a| Ok(Value::Bool(make(&a, &b.to_number()?)))),
        _ => Err(wrong_number(name)),
    };
    let fold = |make: fn(f64, f64) -> f64| -> Outcome {
        let numbers: Vec<f64> = args.iter().map(Value::to_number).collect::<Result<_, _>>()?;
        numbers.into_iter().reduce(make).map_or_else(|| Err(wrong_number(name)), number)
    };
    Some(match name {
        "absolute" => one(f64::abs),
        "ceil" => one(f64::ceil),
        "floor" => one(f64::floor),
        "int" => one(f64::trunc),
        "negate" => one(|it| -it),
        "signum" => one(|it| if it == 0.0 { 0.0 } else { it.signum() }),
        "add" => two(|a, b| a + b),
        "subtract" => two(|a, b| a - b),
        "multiply" => two(|a, b| a * b),
        "divide" => two(|a, b| a / b),
        "modulo" => two(|a, b| a % b),
        "pow" => match args {
            [base, power] => base.to_number().and_then(|base| {
                let power = i32::try_from(power.to_index()?).unwrap_or(i32::MAX);
                number(base.powi(power))
            }),
            _ => Err(wrong_number(name)),
        },
        "lessthan" => compare(f64::lt),
        "lessthanorequalto" => compare(f64::le),
        "greaterthan" => compare(f64::gt),
        "greaterthanorequalto" => compare(f64::ge),
        "max" => fold(f64::max),
        "min" => fold(f64::min),
        "parseint" => match args {
            [it, base] => parse_int(it, base),
            _ => Err(wrong_number(name)),
        },
        _ => return None,
    })
}

fn parse_int(it: &Value, base: &Value) -> Outcome {
    let it = it.to_text()?;
    let base = u32::try_from(base.to_index()?).ok().filter(|base| (2..=36).contains(base));
    let parsed = base.and_then(|base| i32::from_str_radix(&it, base).ok());
    parsed.map_or_else(
        || Err(Value::error(format!("{it} is no number of this base"))),
        |it| number(f64::from(it)),
    )
}

fn of_lists(name: &str, args: &[Value]) -> Option<Outcome> {
    Some(match (name, args) {
        ("length", [Value::Map(entries)]) => count(entries.len()),
        ("length", [it]) => it.items().and_then(|items| count(items.len())),
        ("concat", lists) => lists
            .iter()
            .map(Value::items)
            .collect::<Result<Vec<_>, _>>()
            .and_then(|lists| list(lists.concat())),
        ("contains" | "sethaselement", [it, value]) => {
            it.items().map(|items| Value::Bool(items.contains(value)))
        }
        ("distinct", [it]) => it.items().and_then(|items| list(unique(items))),
        ("compact", [it]) => it.items().and_then(|items| {
            let is_full = |it: &Value| *it != Value::Null && *it != Value::Text(String::new());
            list(items.into_iter().filter(is_full).collect())
        }),
        ("flatten", [it]) => {
            let mut out = Vec::new();
            flatten(it, &mut out);
            list(out)
        }
        ("coalescelist", lists) => {
            let found = lists.iter().find(|it| it.items().is_ok_and(|items| !items.is_empty()));
            found.cloned().ok_or_else(|| Value::error("all that is given to coalescelist is empty"))
        }
        ("element", [it, at]) => element(it, at),
        ("index", [it, at]) => Ok(get(it, at)),
        ("indexof", [it, value]) => it.items().and_then(|items| {
            let found = items.iter().position(|item| item == value);
            found.map_or_else(|| Err(Value::error("the list does not have it")), count)
        }),
        ("hasindex", [it, at]) => Ok(Value::Bool(get(it, at).unknown().is_none())),
        ("keys", [Value::Map(entries)]) => list(entries.keys().cloned().map(Value::Text).collect()),
        ("values", [Value::Map(entries)]) => list(entries.values().cloned().collect()),
        ("lookup", [Value::Map(entries), key]) => key.to_text().and_then(|key| {
            entries.get(&key).cloned().ok_or_else(|| Value::error(format!("the map has no {key}")))
        }),
        ("lookup", [Value::Map(entries), key, other]) => {
            key.to_text().map(|key| entries.get(&key).unwrap_or(other).clone())
        }
        ("merge", maps) => {
            let mut merged = BTreeMap::new();
            for map in maps {
                match map {
                    Value::Map(entries) => merged.extend(entries.clone()),
                    Value::Null => {}
                    other => return Some(Err(Value::error(format!("{} cannot be merged", other.kind())))),
                }
            }
            Ok(Value::Map(merged))
        }
        ("reverselist", [it]) => it.items().and_then(|items| list(items.into_iter().rev().collect())),
        ("slice", [it, from, to]) => slice(it, from, to),
        ("sort", [it]) => texts(it).and_then(|texts| {
            // Such lists are short, so that the shortest code is the best one.
            let mut sorted: Vec<String> = Vec::with_capacity(texts.len());
            for text in texts {
                sorted.insert(sorted.partition_point(|known| *known <= text), text);
            }
            list(sorted.into_iter().map(Value::Text).collect())
        }),
        ("chunklist", [it, size]) => chunks(it, size),
        ("range", limits @ ([_] | [_, _] | [_, _, _])) => range(limits),
        ("zipmap", [keys, values]) => texts(keys).and_then(|keys| {
            let values = values.items()?;
            if keys.len() == values.len() {
                Ok(Value::Map(map_of(keys.into_iter().zip(values))))
            } else {
                Err(Value::error("there are not as many keys as values"))
            }
        }),
        ("setunion", [a, b]) => both(a, b, |a, b| [a, b].concat()),
        ("setintersection", [a, b]) => both(a, b, |a, b| a.into_iter().filter(|it| b.contains(it)).collect()),
        ("setsubtract", [a, b]) => both(a, b, |a, b| a.into_iter().filter(|it| !b.contains(it)).collect()),
        _ => return None,
    })
}

/// A map, made entry by entry: what makes one of all at once sorts them first, at the price of more code.
fn map_of(entries: impl Iterator<Item = (String, Value)>) -> BTreeMap<String, Value> {
    let mut map = BTreeMap::new();
    map.extend(entries);
    map
}

/// Each value once. Texts and numbers, of which lists are mostly made, are told by their text.
fn unique(items: Vec<Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut others: Vec<Value> = Vec::new();
    let mut is_new = |item: &Value| match item.to_text() {
        Ok(text) => seen.insert(format!("{}:{text}", item.kind())),
        Err(_) if others.contains(item) => false,
        Err(_) => {
            others.push(item.clone());
            true
        }
    };
    items.into_iter().filter(|item| is_new(item)).collect()
}

fn both(a: &Value, b: &Value, make: fn(Vec<Value>, Vec<Value>) -> Vec<Value>) -> Outcome {
    let (a, b) = (a.items()?, b.items()?);
    if a.len().saturating_mul(b.len()) > 100 * MAX_ITEMS {
        return Err(Value::error("the lists are too long"));
    }
    list(unique(make(a, b)))
}

fn flatten(value: &Value, out: &mut Vec<Value>) {
    match value {
        Value::List(items) => items.iter().for_each(|item| flatten(item, out)),
        other => out.push(other.clone()),
    }
}

/// The item at a place; places go on from the beginning behind the end.
fn element(it: &Value, at: &Value) -> Outcome {
    let (items, at) = (it.items()?, at.to_index()?);
    let n = i64::try_from(items.len()).unwrap_or(0);
    let at = at.checked_rem_euclid(n).and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| items.get(at)).cloned().ok_or_else(|| Value::error("the list is empty"))
}

fn slice(it: &Value, from: &Value, to: &Value) -> Outcome {
    let items = it.items()?;
    let place = |at: i64| usize::try_from(at).unwrap_or(usize::MAX);
    let (from, to) = (place(from.to_index()?), place(to.to_index()?));
    items.get(from..to).map_or_else(|| Err(Value::error("the list is not so long")), |it| list(it.to_vec()))
}

fn chunks(it: &Value, size: &Value) -> Outcome {
    let (items, size) = (it.items()?, usize::try_from(size.to_index()?).unwrap_or(0));
    if size == 0 {
        return list(vec![Value::List(items)]);
    }
    list(items.chunks(size).map(|chunk| Value::List(chunk.to_vec())).collect())
}

fn range(limits: &[Value]) -> Outcome {
    let numbers: Vec<f64> = limits.iter().map(Value::to_number).collect::<Result<_, _>>()?;
    let (start, end, step) = match numbers.as_slice() {
        [end] => (0.0, *end, if *end < 0.0 { -1.0 } else { 1.0 }),
        [start, end] => (*start, *end, if end < start { -1.0 } else { 1.0 }),
        [start, end, step] => (*start, *end, *step),
        _ => return Err(wrong_number("range")),
    };
    if step == 0.0 || (end < start && step > 0.0) || (end > start && step < 0.0) {
        return Err(Value::error("this range has no end"));
    }
    let mut items = Vec::new();
    let mut at = start;
    while (step > 0.0 && at < end) || (step < 0.0 && at > end) {
        if items.len() > MAX_ITEMS {
            break;
        }
        items.push(Value::Number(at));
        at += step;
    }
    list(items)
}

fn to_json(value: &Value) -> Result<serde_json::Value, Value> {
    use serde_json::Value as Json;
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(it) => Json::Bool(*it),
        Value::Number(it) => plain(*it).parse().map_or(Json::Null, Json::Number),
        Value::Text(it) => Json::String(it.clone()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Result<_, _>>()?),
        Value::Map(entries) => {
            let mut object = serde_json::Map::new();
            for (key, value) in entries {
                object.insert(key.clone(), to_json(value)?);
            }
            Json::Object(object)
        }
        Value::Unknown(_) => return Err(value.clone()),
    })
}

fn from_json(json: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(it) => Value::Bool(it),
        Json::Number(it) => it.as_f64().map_or(Value::Null, Value::Number),
        Json::String(it) => Value::Text(it),
        Json::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        Json::Object(entries) => {
            Value::Map(map_of(entries.into_iter().map(|(key, it)| (key, from_json(it)))))
        }
    }
}
