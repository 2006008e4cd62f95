//! What an image's history tells of the Dockerfile that made it, and of the builder.
//!
//! A *step* is a line of the history. Those that made a layer come in the order
//! of the layers, but only where their numbers fit; a history that is too short
//! or too long says nothing about which is which.

use crate::layer::waste::{LayerWaste, Waste};
use crate::oci::{HistoryEntry, ImageConfig};

/// Who made an image, or a step of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Builder {
    /// BuildKit, behind `docker build` since Docker 23.
    BuildKit,
    /// The builder of Docker before.
    Classic,
    /// Buildah, also behind `podman build`.
    Buildah,
    /// Kaniko.
    Kaniko,
    /// The `dockerTools` of Nix.
    Nix,
    /// Bazel's container rules.
    Bazel,
    /// Apko, which makes the images of Chainguard.
    Apko,
    /// Nothing that is recognized.
    Unknown,
}

impl Builder {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BuildKit => "BuildKit",
            Self::Classic => "Docker's classic builder",
            Self::Buildah => "Buildah",
            Self::Kaniko => "Kaniko",
            Self::Nix => "Nix",
            Self::Bazel => "Bazel",
            Self::Apko => "apko",
            Self::Unknown => "unknown",
        }
    }

    /// The builder of one step, as far as that alone tells.
    #[must_use]
    pub fn of_step(entry: &HistoryEntry) -> Self {
        let created_by = entry.created_by.trim();
        let comment = entry.comment.as_deref().unwrap_or("");
        let author = entry.author.as_deref().unwrap_or("");
        if comment.starts_with("buildkit.") || created_by.ends_with("# buildkit") {
            Self::BuildKit
        } else if author == "kaniko" {
            Self::Kaniko
        } else if comment.starts_with("store paths:") {
            Self::Nix
        } else if author == "Bazel" || created_by.starts_with("bazel build ") {
            Self::Bazel
        } else if author == "apko" || created_by == "apko" || created_by.starts_with("apko ") {
            Self::Apko
        } else if created_by.contains("/bin/sh -c #(nop)") || created_by.starts_with("/bin/sh -c ") {
            Self::Classic
        } else {
            Self::Unknown
        }
    }

    /// The builder of an image: that of its last step that tells. Buildah writes
    /// steps as Docker did, and is known by a label that it leaves.
    #[must_use]
    pub fn of_image(config: &ImageConfig) -> Self {
        let told = config.history.iter().rev().map(Self::of_step).find(|builder| *builder != Self::Unknown);
        let has_label = config.config.labels.contains_key("io.buildah.version");
        match told {
            None | Some(Self::Classic) if has_label => Self::Buildah,
            told => told.unwrap_or(Self::Unknown),
        }
    }
}

/// A line of the history with the layer that it made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The line.
    pub entry: HistoryEntry,
    /// The instruction, as far as the builder kept it.
    pub instruction: String,
    /// Who made it.
    pub builder: Builder,
    /// The layer that it made; none for one that made none, and where the numbers do not fit.
    pub layer_idx: Option<usize>,
}

/// The steps of an image with `n_layers` layers.
#[must_use]
pub fn steps(config: &ImageConfig, n_layers: usize) -> Vec<Step> {
    let n_made = config.history.iter().filter(|entry| !entry.empty_layer).count();
    let mut next_idx = 0;
    let step = |entry: &HistoryEntry| {
        let layer_idx = (!entry.empty_layer && n_made == n_layers).then_some(next_idx);
        next_idx += usize::from(!entry.empty_layer);
        Step {
            instruction: instruction_of(&entry.created_by),
            builder: Builder::of_step(entry),
            layer_idx,
            entry: entry.clone(),
        }
    };
    config.history.iter().map(step).collect()
}

/// What each step has to do with hidden content: that of the layer that it made.
#[must_use]
pub fn waste_by_step(steps: &[Step], waste: &Waste) -> Vec<LayerWaste> {
    let of_step = |step: &Step| step.layer_idx.and_then(|idx| waste.layers.get(idx)).copied();
    steps.iter().map(|step| of_step(step).unwrap_or_default()).collect()
}

/// The instruction behind a line of the history, as it was written, as far as
/// the builder kept it.
///
/// BuildKit writes `RUN /bin/sh -c npm install # buildkit`, the classic builder
/// `/bin/sh -c #(nop) CMD ["node"]` and, for RUN, the bare command; arguments in
/// force stand in front as `|1 NAME=value`.
#[must_use]
pub fn instruction_of(created_by: &str) -> String {
    let text = created_by.trim().trim_end_matches("# buildkit").trim();
    let (keyword, rest) = match text.strip_prefix("RUN ") {
        Some(rest) => ("RUN ", rest),
        None => ("", text),
    };
    let rest = without_arguments(rest);
    if let Some(metadata) = rest.strip_prefix("/bin/sh -c #(nop)") {
        return one_line(metadata.trim());
    }
    if let Some(command) = rest.strip_prefix("/bin/sh -c ") {
        return one_line(&format!("RUN {}", command.trim()));
    }
    one_line(&format!("{keyword}{rest}"))
}

/// Takes `|2 A=1 B=2` off the front.
fn without_arguments(text: &str) -> &str {
    let Some(rest) = text.strip_prefix('|') else { return text };
    let Some((count, mut rest)) = rest.split_once(' ') else { return text };
    let Ok(n_args) = count.parse::<usize>() else { return text };
    // Values may hold blanks; the shell that follows tells where they end.
    if let Some(idx) = rest.find("/bin/sh -c ") {
        return rest.get(idx..).unwrap_or(rest);
    }
    for _ in 0..n_args {
        let Some((_, after)) = rest.split_once(' ') else { return rest };
        rest = after;
    }
    rest
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_builders() {
        for (created_by, instruction) in [
            ("RUN /bin/sh -c npm install # buildkit", "RUN npm install"),
            ("COPY package*.json ./ # buildkit", "COPY package*.json ./"),
            ("/bin/sh -c #(nop)  CMD [\"npm\" \"start\"]", "CMD [\"npm\" \"start\"]"),
            ("/bin/sh -c apk add curl", "RUN apk add curl"),
            ("|1 V=a b /bin/sh -c echo $V", "RUN echo $V"),
            ("RUN |1 V=1 /bin/sh -c echo $V # buildkit", "RUN echo $V"),
            ("RUN /bin/bash -c x # buildkit", "RUN /bin/bash -c x"),
        ] {
            assert_eq!(instruction_of(created_by), instruction);
        }
    }

    fn config(text: &str) -> ImageConfig {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn builders_are_told_apart() {
        for (entry, builder) in [
            (
                r#"{"created_by":"RUN /bin/sh -c x # buildkit","comment":"buildkit.dockerfile.v0"}"#,
                Builder::BuildKit,
            ),
            (r#"{"created_by":"/bin/sh -c #(nop)  CMD [\"sh\"]"}"#, Builder::Classic),
            (r#"{"created_by":"RUN x","author":"kaniko"}"#, Builder::Kaniko),
            (r#"{"comment":"store paths: ['/nix/store/x']"}"#, Builder::Nix),
            (r#"{"created_by":"bazel build ...","author":"Bazel"}"#, Builder::Bazel),
            (r#"{"created_by":"apko","author":"apko"}"#, Builder::Apko),
            (r#"{"created_by":"by hand"}"#, Builder::Unknown),
        ] {
            let image = config(&format!(r#"{{"history":[{entry}]}}"#));
            assert_eq!((Builder::of_step(&image.history[0]), Builder::of_image(&image)), (builder, builder));
        }
        let image = config(
            r#"{"config":{"Labels":{"io.buildah.version":"1"}},"history":[{"created_by":"/bin/sh -c x"}]}"#,
        );
        assert_eq!(Builder::of_image(&image), Builder::Buildah);
    }

    #[test]
    fn steps_have_their_layers() {
        let image = config(
            r#"{"history":[{"created_by":"a"},{"created_by":"ENV A=1","empty_layer":true},{"created_by":"b"}]}"#,
        );
        let layers = |n| -> Vec<_> { steps(&image, n).into_iter().map(|step| step.layer_idx).collect() };
        assert_eq!(layers(2), [Some(0), None, Some(1)]);
        assert_eq!(layers(3), [None; 3]);
        let second = LayerWaste { stores_bytes: 7, hides_bytes: 0 };
        let waste = Waste { layers: vec![LayerWaste::default(), second], ..Waste::default() };
        assert_eq!(waste_by_step(&steps(&image, 2), &waste), [waste.layers[0], waste.layers[0], second]);
    }
}
