//! The archives that are open side by side, one of which is shown.

use crate::app::state::{ImageState, OpenImage};
use crate::protocol::JobId;

/// OpenArchives in the order in which they were opened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OpenArchives {
    all: Vec<ImageState>,
    shown: usize,
}

/// What is shown where nothing is open.
const EMPTY: &ImageState = &ImageState::Empty;

impl OpenArchives {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[ImageState] {
        &self.all
    }

    /// The same for change. None of them may become empty.
    pub(in crate::app) fn all_mut(&mut self) -> &mut [ImageState] {
        &mut self.all
    }

    /// The one that is shown.
    #[must_use]
    pub fn shown(&self) -> &ImageState {
        self.all.get(self.shown).unwrap_or(EMPTY)
    }

    /// The same for change.
    pub(in crate::app) fn shown_mut(&mut self) -> Option<&mut ImageState> {
        self.all.get_mut(self.shown)
    }

    /// The one that is shown, while it is read or once it was.
    #[must_use]
    pub fn image(&self) -> Option<&OpenImage> {
        self.shown().image()
    }

    /// The same for change.
    pub fn image_mut(&mut self) -> Option<&mut OpenImage> {
        self.all.get_mut(self.shown)?.image_mut()
    }

    /// All that are read or were read.
    pub fn images(&self) -> impl Iterator<Item = &OpenImage> {
        self.all.iter().filter_map(ImageState::image)
    }

    /// The one that a job reads.
    #[must_use]
    pub fn by_job(&self, job: JobId) -> Option<&OpenImage> {
        self.images().find(|image| image.job == job)
    }

    /// The same for change, whatever became of it.
    pub(in crate::app) fn by_job_mut(&mut self, job: JobId) -> Option<&mut ImageState> {
        self.all.iter_mut().find(|archive| archive.image().is_some_and(|image| image.job == job))
    }

    /// Puts one behind the others and shows it.
    pub fn push(&mut self, archive: ImageState) {
        self.shown = self.all.len();
        self.all.push(archive);
    }

    /// Shows the one of a file.
    pub(in crate::app) fn show(&mut self, file: JobId) {
        self.shown = self.all.iter().position(|archive| archive.file() == file).unwrap_or(self.shown);
    }

    /// Takes one out. Its neighbor is shown where it was shown itself.
    pub(in crate::app) fn remove(&mut self, file: JobId) -> Option<ImageState> {
        let idx = self.all.iter().position(|archive| archive.file() == file)?;
        let removed = self.all.remove(idx);
        if idx < self.shown || self.shown == self.all.len() {
            self.shown = self.shown.saturating_sub(1);
        }
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(file: u32) -> ImageState {
        ImageState::Failed {
            file: JobId(file),
            name: file.to_string(),
            message: String::new(),
            size_bytes: 0,
            may_be_layer: false,
        }
    }

    #[test]
    fn a_neighbor_takes_the_place_of_one_that_is_closed() {
        let check = |shown: u32, closed: u32, then: &str| {
            let mut archives = OpenArchives::default();
            (1..=3).for_each(|file| archives.push(failed(file)));
            archives.show(JobId(shown));
            assert!(archives.remove(JobId(closed)).is_some());
            assert_eq!(archives.shown().name(), then, "{shown} shown, {closed} closed");
        };
        check(3, 3, "2");
        check(2, 2, "3");
        check(2, 1, "2");
        check(1, 3, "1");
        let mut archives = OpenArchives::default();
        archives.push(failed(1));
        assert!(archives.remove(JobId(1)).is_some());
        assert_eq!(archives.shown(), &ImageState::Empty);
    }
}
