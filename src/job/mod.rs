//! The worker's side: requests run on the core, replies as they come.
//!
//! Knows nothing of a browser: bytes come from a [`ByteSource`], replies leave
//! through a closure. The entry point in `web` connects both.

use std::ops::ControlFlow;

use crate::archive::{ByteSource, Limits};
use crate::image::{self, Event};
use crate::layer::LayerTree;
use crate::protocol::{FolderRow, ImageReport, JobId, LayerReport, Reply, Request};

/// Progress is told each time this many bytes were read, not by a clock.
const PROGRESS_STEP_BYTES: u64 = 8 << 20;

/// What a worker holds between two requests: the trees of the image opened last.
#[derive(Default)]
pub struct Job {
    /// For each image its layers.
    trees: Vec<Vec<LayerTree>>,
}

impl Job {
    /// Runs a request. `source` is the file that came with it, if one did.
    pub fn run(
        &mut self,
        request: Request,
        source: Option<&mut dyn ByteSource>,
        reply: &mut dyn FnMut(Reply),
    ) {
        match request {
            Request::Open { job } => match source {
                Some(source) => self.open(job, source, reply),
                None => reply(Reply::Failed { job, message: "no file came with the request".to_owned() }),
            },
            Request::ReadContext { job, .. } => {
                reply(Reply::Failed { job, message: String::new() });
            }
            Request::ListFolder { job, image_idx, layer_idx, path } => {
                let tree =
                    self.trees.get(image_idx as usize).and_then(|layers| layers.get(layer_idx as usize));
                let rows =
                    tree.map_or(Vec::new(), |tree| tree.rows(&path).iter().map(FolderRow::new).collect());
                reply(Reply::FolderListed { job, image_idx, layer_idx, path, rows });
            }
        }
    }

    fn open(&mut self, job: JobId, source: &mut dyn ByteSource, reply: &mut dyn FnMut(Reply)) {
        self.trees.clear();
        let mut told_bytes = 0;
        let trees = &mut self.trees;
        let outcome = image::open(source, Limits::for_browser(), &mut |event| {
            match event {
                Event::Progress { done_bytes, total_bytes } => {
                    let is_far = done_bytes >= told_bytes + PROGRESS_STEP_BYTES || done_bytes < told_bytes;
                    if is_far || done_bytes == total_bytes {
                        told_bytes = done_bytes;
                        reply(Reply::Progressed { job, done_bytes, total_bytes });
                    }
                }
                Event::Images(images) => {
                    trees.resize_with(images.len(), Vec::new);
                    let images = images.iter().map(ImageReport::new).collect();
                    reply(Reply::ImagesFound { job, images });
                }
                Event::Layer { image_idx, layer_idx, layer } => {
                    let report = LayerReport::new(&layer);
                    let narrow = |idx: usize| u32::try_from(idx).unwrap_or(u32::MAX);
                    if let Some(layers) = trees.get_mut(image_idx) {
                        layers.push(layer.tree);
                    }
                    let (image_idx, layer_idx) = (narrow(image_idx), narrow(layer_idx));
                    reply(Reply::LayerRead { job, image_idx, layer_idx, report });
                }
            }
            ControlFlow::Continue(())
        });
        reply(match outcome {
            Ok(()) => Reply::Finished { job },
            Err(error) => Reply::failed(job, &error),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::SliceSource;

    #[test]
    fn a_failure_is_a_sentence() {
        let mut replies = Vec::new();
        let request = Request::Open { job: JobId(7) };
        Job::default().run(request, Some(&mut SliceSource(b"\x89PNG0000")), &mut |reply| replies.push(reply));
        let message = "this is a PNG picture, not an image tarball".to_owned();
        assert_eq!(replies.last(), Some(&Reply::Failed { job: JobId(7), message }));
    }
}
