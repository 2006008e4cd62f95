//! An archive that is open: its plans, its documents, the entries of its layers, and their stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::digest::{DiffId, Digest};
use crate::image::compare::LayerIds;
use crate::image::documents::Documents;
use crate::image::history::instruction_of;
use crate::image::{ImagePlan, Layer, LayerPlan};
use crate::layer::stack::Stack;
use crate::layer::waste::Waste;
use crate::layer::{LayerEntry, LayerTree};

/// What is kept of a layer.
#[derive(Default)]
struct Kept {
    tree: LayerTree,
    /// Another one each time that the tree changes.
    version: u64,
    /// Its entries came, or some of them.
    has_tree: bool,
    blob_digest: Option<Digest>,
    diff_id: Option<DiffId>,
}

/// Layers on top of each other, and which they were.
struct Made {
    stack: Rc<Stack>,
    of: Vec<(Option<u64>, u64)>,
}

/// What is wasted in an image, while its stack is that one.
struct Judged {
    of: Vec<(Option<u64>, u64)>,
    n_base_layers: usize,
    waste: Rc<Waste>,
}

/// An archive that is open.
#[derive(Default)]
pub(in crate::job) struct Archive {
    pub(super) plans: Vec<ImagePlan>,
    pub(super) documents: Documents,
    layers: BTreeMap<u64, Kept>,
    stacks: BTreeMap<u32, Made>,
    judged: BTreeMap<u32, Judged>,
    /// Grows with each change.
    revision: u64,
}

/// A stack as far as its layers are known.
pub(super) struct Known {
    pub(super) stack: Rc<Stack>,
    /// Layers whose entries are not known.
    pub(super) missing: Vec<u32>,
}

impl Archive {
    /// The images are known.
    pub(in crate::job) fn set_plans(&mut self, plans: &[ImagePlan]) {
        self.plans = plans.to_vec();
        self.revision += 1;
    }

    /// What it is beside images is known.
    pub(in crate::job) fn set_documents(&mut self, documents: &Documents) {
        self.documents = documents.clone();
    }

    /// A layer was read at once.
    pub(in crate::job) fn set_layer(&mut self, place: (usize, usize), layer: Layer) {
        let plan = self.plans.get(place.0).and_then(|plan| plan.layers.get(place.1));
        let Some(key) = plan.and_then(LayerPlan::key) else { return };
        let (blob_digest, diff_id) = (layer.blob_digest, layer.diff_id);
        self.keep(key, layer.tree, true);
        let kept = self.layers.entry(key).or_default();
        (kept.blob_digest, kept.diff_id) = (blob_digest, diff_id);
    }

    /// Entries of a layer came.
    pub(in crate::job) fn keep(&mut self, key: u64, piece: LayerTree, is_first: bool) {
        self.revision += 1;
        let kept = self.layers.entry(key).or_default();
        (kept.version, kept.has_tree) = (self.revision, true);
        if is_first {
            kept.tree = piece;
        } else {
            kept.tree.append(piece);
        }
    }

    /// A layer was hashed elsewhere.
    pub(in crate::job) fn keep_report(&mut self, key: u64, blob_digest: Option<&str>, diff_id: Option<&str>) {
        self.revision += 1;
        let kept = self.layers.entry(key).or_default();
        kept.blob_digest = blob_digest.and_then(Digest::parse).or(kept.blob_digest);
        kept.diff_id = diff_id.and_then(Digest::parse).map(DiffId).or(kept.diff_id);
    }

    /// Contents of a layer were hashed elsewhere; tells how many.
    pub(super) fn keep_digests(&mut self, key: u64, digests: Vec<(String, Digest)>) -> usize {
        let Some(kept) = self.layers.get_mut(&key) else { return 0 };
        self.revision += 1;
        kept.version = self.revision;
        let n_files = digests.len();
        kept.tree.set_digests(digests);
        n_files
    }

    /// Another one after each change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn plan(&self, image_idx: u32) -> Result<&ImagePlan, String> {
        self.plans.get(image_idx as usize).ok_or_else(|| "there is no such image".to_owned())
    }

    pub(super) fn layer_plan(&self, image_idx: u32, layer_idx: u32) -> Result<&LayerPlan, String> {
        let layers = &self.plan(image_idx)?.layers;
        layers.get(layer_idx as usize).ok_or_else(|| "there is no such layer".to_owned())
    }

    pub(in crate::job) fn tree(&self, image_idx: u32, layer_idx: u32) -> Option<&LayerTree> {
        let key = self.layer_plan(image_idx, layer_idx).ok()?.key()?;
        self.layers.get(&key).filter(|kept| kept.has_tree).map(|kept| &kept.tree)
    }

    /// The entries of all layers, lowest first; of those that are not known none.
    pub(super) fn trees(&self, image_idx: u32) -> Result<Vec<Option<&LayerTree>>, String> {
        let layers = self.plan(image_idx)?.layers.iter().zip(0..);
        Ok(layers.map(|(_, layer_idx)| self.tree(image_idx, layer_idx)).collect())
    }

    /// The layers of an image on top of each other, up to one of them. Layers that came since the last
    /// time are put on top; the rest stays as it is.
    pub(super) fn stack(&mut self, image_idx: u32, last_idx: u32) -> Result<Known, String> {
        let n_layers = self.plan(image_idx)?.layers.len();
        let n_wanted = (last_idx as usize).saturating_add(1).min(n_layers);
        if n_wanted == 0 {
            return Err("this image has no layers".to_owned());
        }
        let keys: Vec<Option<u64>> = self.plan(image_idx)?.layers.iter().map(LayerPlan::key).collect();
        let state = |key: &Option<u64>| {
            (*key, key.and_then(|key| self.layers.get(&key)).map_or(0, |kept| kept.version))
        };
        let now: Vec<(Option<u64>, u64)> = keys.iter().map(state).collect();
        let mut made = self.stacks.remove(&image_idx);
        made = made.filter(|made| now.get(..made.of.len()) == Some(made.of.as_slice()));
        let Made { mut stack, mut of } =
            made.unwrap_or_else(|| Made { stack: Rc::default(), of: Vec::new() });
        let empty = LayerTree::default();
        while let Some(state) = now.get(of.len()).filter(|_| of.len() < n_wanted) {
            let kept = state.0.and_then(|key| self.layers.get(&key));
            Rc::make_mut(&mut stack).push(kept.map_or(&empty, |kept| &kept.tree));
            of.push(*state);
        }
        let is_missing = |layer_idx: &u32| self.tree(image_idx, *layer_idx).is_none();
        let missing = (0..).take(n_wanted).filter(is_missing).collect();
        self.stacks.insert(image_idx, Made { stack: Rc::clone(&stack), of });
        Ok(Known { stack, missing })
    }

    /// The same with all layers.
    pub(super) fn whole_stack(&mut self, image_idx: u32) -> Result<Known, String> {
        self.stack(image_idx, u32::MAX)
    }

    /// What is wasted in an image.
    pub(super) fn waste(&mut self, image_idx: u32, n_base_layers: usize) -> Result<Rc<Waste>, String> {
        let Known { stack, .. } = self.whole_stack(image_idx)?;
        let of = self.stacks.get(&image_idx).map_or(Vec::new(), |made| made.of.clone());
        let known = self.judged.get(&image_idx);
        if let Some(known) = known.filter(|known| known.of == of && known.n_base_layers == n_base_layers) {
            return Ok(Rc::clone(&known.waste));
        }
        let waste = Rc::new(Waste::of(&stack, n_base_layers));
        self.judged.insert(image_idx, Judged { of, n_base_layers, waste: Rc::clone(&waste) });
        Ok(waste)
    }

    /// What a layer is known by: its digests as computed, else as the image names them. Tells
    /// whether they were computed.
    pub(super) fn layer_ids(&self, plan: &LayerPlan) -> (LayerIds, bool) {
        let kept = plan.key().and_then(|key| self.layers.get(&key));
        let computed = kept.and_then(|kept| kept.blob_digest).zip(kept.and_then(|kept| kept.diff_id));
        let named = plan.descriptor.as_ref().and_then(|(digest, _)| Digest::parse(digest));
        let named_diff_id = plan.expected_diff_id.as_deref().and_then(Digest::parse).map(DiffId);
        let ids = LayerIds {
            blob_digest: computed.map(|(digest, _)| digest).or(named),
            diff_id: computed.map(|(_, diff_id)| diff_id).or(named_diff_id),
            stored_bytes: plan.stored_bytes,
            created_by: plan.history.as_ref().map(|entry| entry.created_by.clone()),
        };
        (ids, computed.is_some())
    }

    /// The history's line of a layer, and its instruction.
    pub(super) fn instruction(&self, image_idx: u32, layer_idx: usize) -> (Option<u32>, Option<String>) {
        let plan = self.plans.get(image_idx as usize).and_then(|plan| plan.layers.get(layer_idx));
        let Some(plan) = plan else { return (None, None) };
        let instruction = plan.history.as_ref().map(|entry| instruction_of(&entry.created_by));
        (plan.history_idx.and_then(|idx| u32::try_from(idx).ok()), instruction)
    }

    /// The files of the archive that a path names after a layer, or before it where it removes the
    /// path: the layer that wrote it, and its entry.
    pub(super) fn file(
        &mut self,
        image_idx: u32,
        layer_idx: u32,
        path: &str,
    ) -> Result<(u32, Rc<LayerEntry>), String> {
        self.layer_plan(image_idx, layer_idx)?;
        let Known { stack, .. } = self.stack(image_idx, layer_idx)?;
        let none = || format!("there is no {path:?} in this layer or below");
        let row = stack.find(path).and_then(|node| stack.row(node, layer_idx as usize)).ok_or_else(none)?;
        let entry = row.entry.ok_or_else(|| format!("{path:?} is a folder without an entry of its own"))?;
        Ok((narrow(row.written_by), entry))
    }

    /// The keys of all layers that several of its images name, each once.
    pub(super) fn keys(&self, image_idx: u32) -> Vec<Option<u64>> {
        let layers = self.plans.get(image_idx as usize).map_or(&[][..], |plan| &plan.layers);
        let mut seen = BTreeSet::new();
        layers.iter().map(|plan| plan.key().filter(|key| seen.insert(*key))).collect()
    }
}

/// Indexes travel as 32 bits; no image has so many layers.
pub(super) fn narrow(idx: usize) -> u32 {
    u32::try_from(idx).unwrap_or(u32::MAX)
}
