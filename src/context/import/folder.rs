//! A folder that was dropped: files are found first, and then read one by one.
//!
//! A browser tells names, sizes and times, never modes or links: a mode is
//! assumed, unless an earlier import of the same folder knows better. A file
//! whose size and time are those of an earlier import is not read again.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::{Builder, Content, Format, ImportError, Imported, OnProgress, ProblemKind, Progress, fatal};
use crate::archive::{ByteSource, Limits, Window};
use crate::context::{Assumed, Entry, EntryKind, Tree};
use crate::digest::Digest;

/// A file as it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundFile {
    /// Its path, relative to the folder.
    pub path: String,
    /// Its length.
    pub size_bytes: u64,
    /// When it was changed, in seconds since 1970.
    pub mtime_secs: i64,
}

/// An import of a folder on its way.
pub struct FolderImport {
    builder: Builder,
    earlier: Tree,
    open: VecDeque<FoundFile>,
    n_reused: u64,
    done_bytes: u64,
    total_bytes: u64,
}

impl FolderImport {
    /// Begins. `earlier` is what an earlier import of the same folder gave, or an empty tree.
    #[must_use]
    pub fn new(limits: Limits, earlier: Tree) -> Self {
        Self {
            builder: Builder::new(Format::Folder, limits),
            earlier,
            open: VecDeque::new(),
            n_reused: 0,
            done_bytes: 0,
            total_bytes: 0,
        }
    }

    /// Takes a file that was found; it is to be read later unless it is known.
    /// Gives whether it is.
    pub fn add_file(&mut self, found: FoundFile) -> bool {
        let Some(clean) = self.builder.path_of(&found.path) else { return false };
        if (self.builder.tree.len() + self.open.len()) as u64 >= self.builder.limits.n_entries {
            self.builder.tell_full();
            return false;
        }
        let known = self.earlier.get(&clean.path).filter(|known| match &known.kind {
            EntryKind::File { size_bytes, .. } => {
                let is_read = !known.assumed.includes(Assumed::CONTENT);
                is_read && *size_bytes == found.size_bytes && known.mtime_secs == found.mtime_secs
            }
            // A browser shows what a link leads to; that it is one, was told by somebody else.
            EntryKind::Symlink { .. } => true,
            EntryKind::Dir | EntryKind::HardLink { .. } => false,
        });
        // A text is read again, since a tree does not hold it.
        match known.filter(|_| !super::is_text(&clean.path)) {
            Some(known) => {
                let known = known.clone();
                self.n_reused += 1;
                self.builder.insert(&clean.path, known);
                false
            }
            None => {
                self.total_bytes = self.total_bytes.saturating_add(found.size_bytes);
                self.open.push_back(FoundFile { path: clean.path, ..found });
                true
            }
        }
    }

    /// Takes a folder that was found, which counts where it is empty.
    pub fn add_folder(&mut self, path: &str) {
        if let Some(clean) = self.builder.path_of(path) {
            let entry = match self.earlier.get(&clean.path) {
                Some(known) if known.is_dir() => known.clone(),
                _ => Entry { assumed: Assumed::MODE, ..Entry::dir() },
            };
            self.builder.insert(&clean.path, entry);
        }
    }

    /// The file that is to be read next.
    #[must_use]
    pub fn next_file(&self) -> Option<&FoundFile> {
        self.open.front()
    }

    /// How many files are still to be read.
    #[must_use]
    pub fn n_open(&self) -> usize {
        self.open.len()
    }

    /// How many files were taken from the earlier import.
    #[must_use]
    pub fn n_reused(&self) -> u64 {
        self.n_reused
    }

    /// Reads the file that [`Self::next_file`] names. One that cannot be read
    /// stays in the tree with its content assumed.
    ///
    /// # Errors
    /// Where it was stopped; the file is then still to be read.
    pub fn read_file(
        &mut self,
        source: &mut dyn ByteSource,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<(), ImportError> {
        let Some(found) = self.open.front().cloned() else { return Ok(()) };
        let mut content = Content::of_file(&found.path);
        let outcome = {
            let (done_bytes, total_bytes) = (self.done_bytes, self.total_bytes);
            let mut on_read = |n_read: u64| -> ControlFlow<()> {
                let done_bytes = done_bytes.saturating_add(n_read).min(total_bytes);
                on_progress(Progress { done_bytes, total_bytes })
            };
            content.read(&mut Window::new(source, &mut on_read), &mut self.builder.lister)
        };
        match outcome.map_err(|error| fatal(&error)) {
            Ok(()) => {
                let n_bytes = content.n_bytes;
                if n_bytes != found.size_bytes {
                    let kind = ProblemKind::SizeMismatch { expected: found.size_bytes, actual: n_bytes };
                    self.builder.problem(&found.path, kind);
                }
                let header = self.header(&found);
                self.builder.insert_file(&found.path, content, header);
            }
            Err(ImportError::Stopped) => return Err(ImportError::Stopped),
            Err(error) => {
                self.skip_file(&error.to_string());
                return Ok(());
            }
        }
        self.done_bytes = self.done_bytes.saturating_add(found.size_bytes);
        self.open.pop_front();
        Ok(())
    }

    /// Goes on without reading the file that [`Self::next_file`] names.
    pub fn skip_file(&mut self, why: &str) {
        let Some(found) = self.open.pop_front() else { return };
        self.done_bytes = self.done_bytes.saturating_add(found.size_bytes);
        self.builder.problem(&found.path, ProblemKind::Unreadable { message: why.to_owned() });
        let mut entry = Entry::file(Digest::of(found.path.as_bytes()), found.size_bytes);
        self.header(&found)(&mut entry);
        entry.assumed = entry.assumed.and(Assumed::CONTENT);
        self.builder.insert(&found.path, entry);
    }

    /// What was read; files that are still open are left out.
    #[must_use]
    pub fn finish(self) -> Imported {
        self.builder.finish()
    }

    /// Time as found, and the mode of an earlier import, where there is one.
    fn header(&self, found: &FoundFile) -> impl FnOnce(&mut Entry) + use<> {
        let known = self.earlier.get(&found.path).filter(|known| !known.is_dir());
        let mode = known.map(|known| (known.mode, known.assumed.includes(Assumed::MODE)));
        let mtime_secs = found.mtime_secs;
        move |entry| {
            let (mode, is_assumed) = mode.unwrap_or((entry.mode, true));
            entry.mode = mode;
            entry.assumed = if is_assumed { Assumed::MODE } else { Assumed::NOTHING };
            entry.mtime_secs = mtime_secs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::SliceSource;

    const FILES: [(&str, &[u8]); 3] = [("a/b", b"12"), ("Dockerfile", b"FROM x"), ("c", b"")];

    fn found(path: &str, bytes: &[u8], mtime_secs: i64) -> FoundFile {
        FoundFile { path: path.to_owned(), size_bytes: bytes.len() as u64, mtime_secs }
    }

    fn go_on(progress: Progress) -> ControlFlow<()> {
        assert!(progress.done_bytes <= progress.total_bytes);
        ControlFlow::Continue(())
    }

    fn read_all(import: &mut FolderImport, files: &[(&str, &[u8])]) -> Vec<String> {
        let mut read = Vec::new();
        while let Some(next) = import.next_file().cloned() {
            let (_, bytes) = files.iter().find(|(path, _)| *path == next.path).unwrap();
            import.read_file(&mut SliceSource(bytes), &mut go_on).unwrap();
            read.push(next.path);
        }
        read
    }

    fn first() -> Imported {
        let mut import = FolderImport::new(Limits::for_browser(), Tree::default());
        for (path, bytes) in FILES {
            assert!(import.add_file(found(path, bytes, 7)));
        }
        import.add_folder("empty");
        assert_eq!(read_all(&mut import, &FILES).len(), 3);
        import.finish()
    }

    #[test]
    fn files_one_by_one() {
        let done = first();
        assert_eq!((done.n_files, done.content_bytes, done.problems.len()), (3, 8, 0));
        let entry = done.tree.get("a/b").unwrap();
        let expected = Entry { mtime_secs: 7, assumed: Assumed::MODE, ..Entry::file(Digest::of(b"12"), 2) };
        assert_eq!(entry, &expected);
        assert!(
            done.tree.get("empty").unwrap().is_dir() && done.tree.get("a").unwrap().assumed == Assumed::MODE
        );
        assert_eq!(done.texts["Dockerfile"], "FROM x");
    }

    #[test]
    fn only_what_changed_is_read_again() {
        let mut earlier = first().tree;
        earlier.change("a/b", |entry| (entry.mode, entry.assumed) = (0o755, Assumed::NOTHING));
        let mut import = FolderImport::new(Limits::for_browser(), earlier);
        assert!(import.add_file(found("a/b", b"34", 8)));
        assert!(!import.add_file(found("c", b"", 7)));
        assert_eq!(read_all(&mut import, &[("a/b", b"34")]), ["a/b"]);
        assert_eq!(import.n_reused(), 1);
        let done = import.finish();
        let entry = done.tree.get("a/b").unwrap();
        let expected = Entry { mode: 0o755, mtime_secs: 8, ..Entry::file(Digest::of(b"34"), 2) };
        assert_eq!(entry, &expected);
        assert_eq!(done.tree.len(), 3, "what is gone is gone");
    }

    #[test]
    fn no_more_than_the_limit() {
        let limits = Limits { n_entries: 3, ..Limits::for_browser() };
        let mut import = FolderImport::new(limits, Tree::default());
        let names = ["a", "b", "c", "d", "e"];
        let taken = names.map(|name| import.add_file(found(name, b"1", 7)));
        assert_eq!(taken, [true, true, true, false, false]);
        read_all(&mut import, &[("a", b"1"), ("b", b"1"), ("c", b"1")]);
        let done = import.finish();
        assert_eq!((done.n_files, done.problems.len()), (3, 1));
    }

    #[test]
    fn stopped_and_unreadable() {
        let mut import = FolderImport::new(Limits::for_browser(), Tree::default());
        import.add_file(found("a", b"12", 7));
        import.add_file(found("../b", b"1", 7));
        let stopped = import.read_file(&mut SliceSource(b"12"), &mut |_| ControlFlow::Break(()));
        assert_eq!((stopped, import.n_open()), (Err(ImportError::Stopped), 2));
        import.skip_file("it is gone");
        // Another length than found: it was changed meanwhile.
        import.read_file(&mut SliceSource(b"123"), &mut go_on).unwrap();
        let done = import.finish();
        assert!(done.tree.get("a").unwrap().assumed.includes(Assumed::CONTENT));
        let problems: Vec<String> = done.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "b: the name \"../b\" leads out of the folder",
                "a: it cannot be read: it is gone",
                "b: the content has 3 bytes, 1 are announced",
            ]
        );
    }
}
