//! A Dockerfile as far as an image still tells it.
//!
//! The history keeps instructions in the words of the builder, not of the
//! author. What can be turned back is: lists as JSON, ports, volumes. What was
//! lost is said in a comment where it stood: the names that the classic builder
//! replaced by a checksum, stages and `--from`, the quotes of values. Commands
//! stand on one line, as [`history`](super::history) gives them. The text is
//! something to read and to start from, and no promise that it builds the same
//! image.

use std::fmt::Write as _;

use super::history::{Builder, Step};

/// The Dockerfile behind the steps. `base` is the name of the base image, where
/// the manifest or an annotation gives it.
#[must_use]
pub fn dockerfile(steps: &[Step], base: Option<&str>) -> String {
    let mut text =
        String::from("# Recovered from the image's history; stages and build arguments are not kept.\n");
    // Buildah notes the base at the first step on top of it.
    let named_at = |step: &Step| step.entry.comment.as_deref()?.strip_prefix("FROM ").map(str::to_owned);
    let noted = steps.iter().enumerate().rev().find_map(|(idx, step)| Some((idx, named_at(step)?)));
    let n_base = noted.as_ref().map_or(0, |(idx, _)| *idx);
    for step in steps.get(..n_base).unwrap_or(&[]) {
        comment(&mut text, &format!("of the base image: {}", step.instruction));
    }
    match noted.as_ref().map(|(_, name)| name.as_str()).or(base) {
        Some(name) if is_one_word(name) => {
            let _ = writeln!(text, "FROM {name}");
            if n_base == 0 {
                comment(&mut text, "which of the steps below are of the base image is not recorded");
            }
        }
        _ => {
            comment(&mut text, "the base image is not recorded; its steps stand here too");
            text.push_str("FROM scratch\n");
        }
    }
    for step in steps.get(n_base..).unwrap_or(&[]) {
        add_step(&mut text, step);
    }
    text
}

fn comment(text: &mut String, what: &str) {
    // A comment ends with its line.
    let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(text, "# {what}");
}

fn is_one_word(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|ch| ch.is_whitespace() || ch.is_control())
}

fn add_step(text: &mut String, step: &Step) {
    if matches!(step.builder, Builder::Nix | Builder::Bazel | Builder::Apko) {
        let what = step.entry.comment.as_deref().unwrap_or(&step.instruction);
        comment(text, &format!("a layer by {}: {what}", step.builder.name()));
        return;
    }
    let (keyword, rest) = step.instruction.split_once(' ').unwrap_or((&step.instruction, ""));
    match keyword {
        "ADD" | "COPY" => match checksum(rest) {
            Some((made_up, target)) => {
                comment(text, "the name of the source is not recorded, only its checksum");
                let _ = writeln!(text, "{keyword} {made_up} {target}");
            }
            None if is_list(rest) || rest.split(' ').count() > 1 => {
                let _ = writeln!(text, "{keyword} {rest}");
            }
            None => comment(text, &step.instruction),
        },
        "CMD" | "ENTRYPOINT" | "VOLUME" | "SHELL" => {
            let _ = writeln!(text, "{keyword} {}", json_list(rest));
        }
        "EXPOSE" => {
            let ports = ports(rest);
            if ports.is_empty() {
                comment(text, &step.instruction);
            } else {
                let _ = writeln!(text, "EXPOSE {ports}");
            }
        }
        "ENV" | "LABEL" if !rest.split(' ').all(|pair| pair.contains('=')) => {
            comment(text, "where values end is not recorded");
            match rest.split_once('=') {
                Some((name, value)) if is_one_word(name) => {
                    let _ = writeln!(text, "{keyword} {name}={}", quoted(value));
                }
                _ => comment(text, &step.instruction),
            }
        }
        "RUN" | "ENV" | "LABEL" | "ARG" | "USER" | "WORKDIR" | "STOPSIGNAL" | "ONBUILD" | "MAINTAINER"
            if !rest.is_empty() =>
        {
            let _ = writeln!(text, "{keyword} {rest}");
        }
        "HEALTHCHECK" if rest == "NONE" || rest.starts_with("CMD") => {
            let _ = writeln!(text, "{keyword} {rest}");
        }
        // The classic builder writes a RUN with another shell as the bare command.
        _ if keyword.starts_with('/') && !step.entry.empty_layer => {
            let _ = writeln!(text, "RUN {}", step.instruction);
        }
        _ => comment(text, &format!("not an instruction: {}", step.instruction)),
    }
}

/// `file:CHECKSUM in TARGET`, as the classic builder writes a COPY: a made-up name, and the target.
fn checksum(rest: &str) -> Option<(String, &str)> {
    let (source, target) = rest.rsplit_once(" in ")?;
    let source = source.rsplit(' ').next()?;
    let (kind, sum) = source.split_once(':').filter(|(kind, _)| matches!(*kind, "file" | "dir" | "multi"))?;
    let sum = sum.get(..12).unwrap_or(sum);
    is_one_word(sum).then(|| (format!("{kind}-{sum}"), target.trim()))
}

fn is_list(text: &str) -> bool {
    text.starts_with('[') && serde_json::from_str::<Vec<String>>(text).is_ok()
}

/// Go prints a list as `["a" "b"]` or `[a b]`; a text that is no list stays.
fn json_list(text: &str) -> String {
    let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
        return text.to_owned();
    };
    if is_list(text) {
        return text.to_owned();
    }
    // Between two quoted words stands a blank instead of a comma.
    let with_commas = format!("[{}]", inner.replace("\" \"", "\", \""));
    if is_list(&with_commas) {
        return with_commas;
    }
    let words: Vec<String> = inner.split(' ').filter(|word| !word.is_empty()).map(quoted).collect();
    format!("[{}]", words.join(", "))
}

/// `80/tcp`, `map[80/tcp:{}]` or `[80/tcp]` as ports.
fn ports(text: &str) -> String {
    let text = text.trim_start_matches("map").trim_matches(['[', ']']);
    let ports = text.split(' ').map(|port| port.trim_end_matches(":{}"));
    let is_port =
        |port: &&str| !port.is_empty() && port.chars().all(|ch| ch.is_alphanumeric() || "/-".contains(ch));
    ports.filter(is_port).collect::<Vec<_>>().join(" ")
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::history::steps;
    use super::*;
    use crate::oci::ImageConfig;

    fn recovered(entries: &[&str]) -> Vec<String> {
        let history: Vec<_> =
            entries.iter().map(|entry| serde_json::json!({ "created_by": entry })).collect();
        let config: ImageConfig = serde_json::from_value(serde_json::json!({ "history": history })).unwrap();
        let text = dockerfile(&steps(&config, entries.len()), Some("base:1"));
        text.lines().skip(3).map(str::to_owned).collect()
    }

    #[test]
    fn instructions_are_turned_back() {
        for (created_by, lines) in [
            ("/bin/sh -c #(nop)  CMD [\"npm\" \"start\"]", &["CMD [\"npm\", \"start\"]"][..]),
            ("ENTRYPOINT [\"a\", \"b c\"]", &["ENTRYPOINT [\"a\", \"b c\"]"]),
            ("/bin/sh -c #(nop)  VOLUME [/data]", &["VOLUME [\"/data\"]"]),
            ("EXPOSE map[80/tcp:{} 53/udp:{}]", &["EXPOSE 80/tcp 53/udp"]),
            ("RUN /bin/sh -c npm ci # buildkit", &["RUN npm ci"]),
            ("/bin/busybox sh -c x", &["RUN /bin/busybox sh -c x"]),
            ("COPY --chown=1:1 a b /c/ # buildkit", &["COPY --chown=1:1 a b /c/"]),
            (
                "/bin/sh -c #(nop) COPY file:7027c77992f5b5a0 in /bin/busybox ",
                &[
                    "# the name of the source is not recorded, only its checksum",
                    "COPY file-7027c77992f5 /bin/busybox",
                ],
            ),
            ("ENV A=b c", &["# where values end is not recorded", "ENV A=\"b c\""]),
            ("step 1", &["# not an instruction: step 1"]),
        ] {
            assert_eq!(recovered(&[created_by]), lines, "{created_by}");
        }
    }

    #[test]
    fn the_base_is_named_where_it_is_known() {
        let config: ImageConfig = serde_json::from_str(
            r#"{"history":[{"created_by":"ADD file:1 in /"},{"created_by":"/bin/sh -c x","comment":"FROM alpine:3"}]}"#,
        )
        .unwrap();
        let text = dockerfile(&steps(&config, 2), None);
        assert!(text.contains("# of the base image: ADD file:1 in /\nFROM alpine:3\nRUN x\n"), "{text}");
        assert!(dockerfile(&[], None).ends_with("FROM scratch\n"));
    }
}
