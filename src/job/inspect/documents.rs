//! Documents and history, as they travel.

use super::archive::{Archive, narrow};
use crate::image::documents::{Attestation, Statement};
use crate::image::history::{self, Builder};
use crate::image::{ImagePlan, recovered};
use crate::oci::{Descriptor, Manifest};
use crate::protocol::exact;
use crate::protocol::inspect::documents::{
    DocumentReport, DocumentRole, DocumentsReport, HistoryReport, HistoryStepReport,
};
use crate::protocol::inspect::{Answer, MAX_PIECE_BYTES};

/// All texts of an answer together are no longer.
const MAX_TEXTS_BYTES: usize = 4 << 20;

/// Collects documents while there is room for their texts.
struct Collected {
    documents: Vec<DocumentReport>,
    room_bytes: usize,
}

impl Collected {
    /// Adds a document of which this text is known, of a length of its own if that is longer.
    fn add(
        &mut self,
        role: DocumentRole,
        name: String,
        text: &str,
        size_bytes: u64,
    ) -> Option<&mut DocumentReport> {
        let most = usize::try_from(MAX_PIECE_BYTES).unwrap_or(usize::MAX).min(self.room_bytes);
        let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let shown = text.get(..end).unwrap_or("");
        self.room_bytes -= shown.len();
        let size_bytes = size_bytes.max(text.len() as u64);
        let is_cut = (shown.len() as u64) < size_bytes;
        self.documents.push(DocumentReport {
            role,
            image_idx: None,
            name,
            media_type: String::new(),
            digest: String::new(),
            size_bytes: exact(size_bytes),
            is_json: text.trim_start().starts_with(['{', '['])
                && (is_cut || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()),
            text: shown.to_owned(),
            is_cut,
            annotations: Vec::new(),
            about: None,
            predicate_type: None,
            subjects: Vec::new(),
        });
        self.documents.last_mut()
    }
}

fn describe(document: &mut DocumentReport, descriptor: &Descriptor) {
    document.media_type.clone_from(&descriptor.media_type);
    document.digest.clone_from(&descriptor.digest);
    document.annotations.extend(pairs(&descriptor.annotations));
}

fn pairs(annotations: &std::collections::BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    annotations.iter().map(|(name, value)| (name.clone(), value.clone()))
}

/// What an archive holds beside layers.
pub(super) fn documents(archive: &Archive) -> Answer {
    let documents = &archive.documents;
    let mut collected = Collected { documents: Vec::new(), room_bytes: MAX_TEXTS_BYTES };
    for list in &documents.lists {
        let role = match list.name.as_str() {
            "manifest.json" => DocumentRole::DockerManifest,
            "repositories" => DocumentRole::Repositories,
            "oci-layout" => DocumentRole::Layout,
            _ => DocumentRole::Index,
        };
        if let Some(document) = collected.add(role, list.name.clone(), &list.text, list.size_bytes) {
            document.digest = list.digest.to_string();
            document.annotations = annotations_in(&list.text);
        }
    }
    for (plan, image_idx) in archive.plans.iter().zip(0..) {
        add_image(&mut collected, plan, image_idx);
    }
    for attestation in &documents.attestations {
        add_attestation(&mut collected, attestation, image_about(archive, attestation));
    }
    for artifact in &documents.artifacts {
        let name = artifact.kind.clone();
        if let Some(document) = collected.add(DocumentRole::Artifact, name, &artifact.manifest, 0) {
            describe(document, &artifact.descriptor);
            document.annotations.extend(annotations_in(&artifact.manifest));
        }
    }
    Answer::Documents(Box::new(DocumentsReport {
        form: documents.form.name().to_owned(),
        compression: documents.compression.name().to_owned(),
        n_members: documents.n_members,
        documents: collected.documents,
    }))
}

/// Annotations of a list or a manifest itself.
fn annotations_in(text: &str) -> Vec<(String, String)> {
    #[derive(serde::Deserialize)]
    struct Annotated {
        #[serde(default)]
        annotations: std::collections::BTreeMap<String, String>,
    }
    serde_json::from_str::<Annotated>(text).map_or(Vec::new(), |read| pairs(&read.annotations).collect())
}

fn add_image(collected: &mut Collected, plan: &ImagePlan, image_idx: u32) {
    let image_idx = Some(image_idx);
    let mut config = None;
    if let Some(text) = &plan.manifest {
        let digest = plan.manifest_digest.map_or(String::new(), |digest| digest.to_string());
        if let Some(document) = collected.add(DocumentRole::Manifest, "manifest".to_owned(), text, 0) {
            document.image_idx = image_idx;
            for descriptor in &plan.descriptors {
                describe(document, descriptor);
            }
            document.digest = digest;
            document.annotations.extend(annotations_in(text));
        }
        config = serde_json::from_str::<Manifest>(text).ok().map(|manifest| manifest.config);
    }
    let name = plan.docker.as_ref().map_or("config".to_owned(), |docker| docker.config.clone());
    if let Some(text) = &plan.config_text
        && let Some(document) = collected.add(DocumentRole::Config, name, text, 0)
    {
        if let Some(descriptor) = &config {
            describe(document, descriptor);
        }
        document.image_idx = image_idx;
        let digest = plan.named_config_digest.clone();
        document.digest = digest.or(plan.config_digest.map(|digest| digest.to_string())).unwrap_or_default();
    }
}

/// The image that an attestation is about.
fn image_about(archive: &Archive, attestation: &Attestation) -> Option<u32> {
    let about = attestation.about.as_deref()?;
    let is_it = |plan: &ImagePlan| plan.manifest_digest.is_some_and(|digest| digest.to_string() == about);
    archive.plans.iter().position(is_it).map(narrow)
}

fn add_attestation(collected: &mut Collected, attestation: &Attestation, image_idx: Option<u32>) {
    let name = "attestation manifest".to_owned();
    if let Some(document) = collected.add(DocumentRole::Attestation, name, &attestation.manifest, 0) {
        describe(document, &attestation.descriptor);
        document.annotations.extend(annotations_in(&attestation.manifest));
        (document.image_idx, document.about) = (image_idx, attestation.about.clone());
    }
    for statement in &attestation.statements {
        let Statement { descriptor, predicate, subjects, text } = statement;
        let name = predicate.clone().unwrap_or_else(|| "statement".to_owned());
        let text = text.as_deref().unwrap_or("");
        if let Some(document) = collected.add(DocumentRole::Statement, name, text, descriptor.size) {
            describe(document, descriptor);
            (document.image_idx, document.about) = (image_idx, attestation.about.clone());
            (document.predicate_type, document.subjects) = (predicate.clone(), subjects.clone());
        }
    }
}

/// How an image was made.
pub(super) fn history(archive: &Archive, image_idx: u32) -> Result<Answer, String> {
    let plan = archive.plan(image_idx)?;
    let steps = history::steps(&plan.config, plan.layers.len());
    let base_name = plan.base_name();
    let dockerfile = recovered::dockerfile(&steps, base_name.as_deref());
    let is_mismatched = !plan.layers.is_empty() && !steps.iter().any(|step| step.layer_idx.is_some());
    let step = |step: history::Step| {
        let layer_idx = step.layer_idx.map(narrow);
        let tree = layer_idx.and_then(|layer_idx| archive.tree(image_idx, layer_idx));
        let stored = step.layer_idx.and_then(|idx| plan.layers.get(idx));
        HistoryStepReport {
            instruction: step.instruction,
            created_by: step.entry.created_by,
            created: step.entry.created,
            author: step.entry.author,
            comment: step.entry.comment,
            builder: step.builder.name().to_owned(),
            is_empty_layer: step.entry.empty_layer,
            layer_idx,
            content_bytes: tree.map(|tree| exact(tree.content_bytes)),
            stored_bytes: stored.map(|layer| exact(layer.stored_bytes)),
        }
    };
    Ok(Answer::History(Box::new(HistoryReport {
        steps: steps.into_iter().map(step).collect(),
        builder: Builder::of_image(&plan.config).name().to_owned(),
        base_name,
        dockerfile,
        is_mismatched,
    })))
}
