//! The image under inspection: what the worker tells of it, and what it is asked.

use std::rc::Rc;

use super::import;
use super::state::{ImageState, State, WorkerState};
use super::update::Effect;
use crate::protocol::{Reply, Request};

/// Asks for a folder's rows, unless they are there.
pub(super) fn show_folder(state: &mut State, path: &str) -> Vec<Effect> {
    let Some(image) = state.image.image_mut() else { return Vec::new() };
    let (image_idx, layer_idx) = (image.image_idx, image.layer_idx);
    let key = (image_idx, layer_idx, path.to_owned());
    if !image.layers.contains_key(&(image_idx, layer_idx)) || image.folders.contains_key(&key) {
        return Vec::new();
    }
    image.folders.insert(key, None);
    let job = image.job;
    vec![Effect::Send(Request::ListFolder { job, image_idx, layer_idx, path: path.to_owned() })]
}

pub(super) fn replied(state: &mut State, reply: Reply) -> Vec<Effect> {
    if let Reply::Ready { build } = &reply {
        state.worker = if *build == state.build {
            WorkerState::Ready
        } else {
            let message = "the page was updated while it was open; reload it to inspect images".to_owned();
            WorkerState::Broken { message }
        };
        return Vec::new();
    }
    let job = state.image.image().map(|image| image.job);
    if job.is_none() || reply.job() != job {
        return import::replied(state, reply);
    }
    match reply {
        Reply::Ready { .. }
        | Reply::ContextFiles { .. }
        | Reply::ArchiveFound { .. }
        | Reply::ArchiveEntries { .. }
        | Reply::ContextRead { .. } => {}
        Reply::Progressed { done_bytes: now, total_bytes: all, .. } => {
            if let ImageState::Opening { done_bytes, total_bytes, .. } = &mut state.image {
                (*done_bytes, *total_bytes) = (now, all);
            }
        }
        Reply::ImagesFound { images, .. } => {
            if let Some(image) = state.image.image_mut() {
                image.images = images;
                // They may serve as bases.
                state.view_revision += 1;
            }
        }
        Reply::LayerRead { image_idx, layer_idx, report, .. } => {
            if let Some(image) = state.image.image_mut() {
                image.layers.insert((image_idx, layer_idx), report);
                state.view_revision += 1;
            }
        }
        Reply::Finished { .. } => {
            if let ImageState::Opening { image, .. } = &mut state.image {
                state.image = ImageState::Open(image.clone());
            }
            return show_folder(state, "");
        }
        Reply::Failed { message, .. } => {
            let name = state.image.image().map(|image| image.name.clone()).unwrap_or_default();
            state.image = ImageState::Failed { name, message };
        }
        Reply::FolderListed { image_idx, layer_idx, path, rows, .. } => {
            if let Some(image) = state.image.image_mut() {
                image.folders.insert((image_idx, layer_idx, path), Some(Rc::new(rows)));
            }
        }
    }
    Vec::new()
}
