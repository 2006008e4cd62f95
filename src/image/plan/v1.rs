//! Archives of Docker before 1.10, which know neither `manifest.json` nor digests.
//!
//! `repositories` gives each tag the identifier of a layer; the folder of that
//! name holds `layer.tar` and `json`, which names the layer below as its
//! parent. The document of the uppermost layer is the configuration, those of
//! all together are the history. Format:
//! [image specification 1.0](https://github.com/moby/docker-image-spec/blob/main/v1.0.md).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Planner, own_platform, plan_layers};
use crate::image::ImagePlan;
use crate::image::problem::{Finding, Part, Problem};
use crate::oci::{HistoryEntry, ImageConfig};

/// The `json` of a layer, as far as it is read here.
#[derive(Deserialize)]
struct LayerDocument {
    #[serde(default)]
    parent: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    container_config: Option<ContainerConfig>,
}

/// What ran to make a layer.
#[derive(Deserialize)]
struct ContainerConfig {
    #[serde(default, rename = "Cmd")]
    cmd: Option<Vec<String>>,
}

impl LayerDocument {
    fn history(&self) -> HistoryEntry {
        let cmd = self.container_config.as_ref().and_then(|config| config.cmd.as_ref());
        HistoryEntry {
            created: self.created.clone(),
            created_by: cmd.map_or(String::new(), |words| words.join(" ")),
            author: self.author.clone(),
            comment: self.comment.clone().filter(|comment| !comment.is_empty()),
            empty_layer: false,
        }
    }
}

impl Planner<'_> {
    /// Adds an image for each identifier of `repositories`.
    pub(super) fn add_v1_images(&mut self) {
        let names = match self.json::<BTreeMap<String, BTreeMap<String, String>>>("repositories") {
            Ok((names, bytes)) => {
                self.keep_list("repositories", &bytes);
                names
            }
            Err(problem) => return self.find(Part::Manifest, problem),
        };
        let mut tags: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, of_name) in names {
            for (tag, id) in of_name {
                tags.entry(id).or_default().push(format!("{name}:{tag}"));
            }
        }
        for (id, tags) in tags {
            self.add_v1_image(&id, tags);
        }
    }

    fn add_v1_image(&mut self, id: &str, tags: Vec<String>) {
        let mut problems = Vec::new();
        let mut config = ImageConfig::default();
        let mut config_text = None;
        let mut ids = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = Some(id.to_owned());
        // Lowest last until all parents are known; a circle ends where it began.
        while let Some(id) = next.filter(|id| seen.insert(id.clone())) {
            let name = format!("{id}/json");
            next = match self.json::<LayerDocument>(&name) {
                Ok((document, bytes)) => {
                    if ids.is_empty() {
                        config = serde_json::from_slice(&bytes).unwrap_or_default();
                        config.history.clear();
                        config_text = String::from_utf8(bytes).ok();
                    }
                    config.history.push(document.history());
                    document.parent.filter(|parent| !parent.is_empty())
                }
                Err(problem @ Problem::Missing { .. }) if ids.is_empty() => {
                    return self.find(Part::Manifest, problem);
                }
                Err(problem) => {
                    problems.push(Finding { part: Part::Config, problem });
                    None
                }
            };
            ids.push(id);
        }
        ids.reverse();
        config.history.reverse();
        let layers = ids.iter().map(|id| (format!("{id}/layer.tar"), None));
        // There are no diffIDs that could be missing.
        let layers = plan_layers(self.members, layers, &config, false, &mut problems);
        self.images.push(ImagePlan {
            tags,
            platform: own_platform(&config),
            manifest_digest: None,
            config_digest: None,
            descriptors: Vec::new(),
            docker: None,
            manifest: None,
            named_config_digest: None,
            config_text,
            config,
            layers,
            problems,
        });
    }
}
