//! Contexts: read from an archive or a folder, told in pieces.

use std::ops::ControlFlow;

use super::{Files, PROGRESS_STEP_BYTES};
use crate::archive::Limits;
use crate::context::import::{FolderImport, FoundFile, Imported, Progress, import};
use crate::context::unpacked::{Holds, Members};
use crate::context::{Entry, Tree};
use crate::protocol::{ContextReport, ContextSource, JobId, Reply};

/// So many entries travel together: a page that takes them in is busy for a frame or two.
const ENTRIES_AT_ONCE: usize = 1000;

/// More problems are counted, not told one by one.
const MAX_PROBLEMS: usize = 50;

/// Reads a context and tells it. Gives the files, so that reading the same folder again costs what changed.
pub(super) fn read(
    job: JobId,
    source: ContextSource,
    earlier: Tree,
    files: &mut dyn Files,
    reply: &mut dyn FnMut(Reply),
) -> Tree {
    let outcome = match source {
        ContextSource::Archive { .. } => match files.open(0) {
            Ok(mut source) => import(source.as_mut(), Limits::for_browser(), &mut progress_of(job, reply))
                .map(|imported| (imported, 0))
                .map_err(|error| error.to_string()),
            Err(message) => Err(message),
        },
        ContextSource::Folder { paths, folders } => {
            let mut folder = FolderImport::new(Limits::for_browser(), earlier);
            folders.iter().for_each(|path| folder.add_folder(path));
            let mut open = Vec::new();
            let mut total_bytes = 0;
            for (idx, path) in paths.into_iter().enumerate() {
                let (size_bytes, mtime_secs) = files.facts(idx);
                if folder.add_file(FoundFile { path, size_bytes, mtime_secs }) {
                    open.push(idx);
                    total_bytes += size_bytes;
                }
                // Asking so many files takes its time, too.
                if idx % ENTRIES_AT_ONCE == 0 {
                    reply(Reply::Progressed { job, done_bytes: 0, total_bytes });
                }
            }
            let mut on_progress = progress_of(job, reply);
            let mut outcome = Ok(());
            for idx in open {
                match files.open(idx) {
                    Ok(mut source) => outcome = folder.read_file(source.as_mut(), &mut on_progress),
                    Err(message) => folder.skip_file(&message),
                }
                if outcome.is_err() {
                    break;
                }
            }
            let n_reused = folder.n_reused();
            outcome.map(|()| (folder.finish(), n_reused)).map_err(|error| error.to_string())
        }
    };
    match outcome {
        Ok((imported, n_reused)) => tell(job, imported, n_reused, reply),
        Err(message) => {
            reply(Reply::Failed { job, message, may_be_layer: false });
            Tree::default()
        }
    }
}

/// Tells progress, each time that some bytes more were read.
fn progress_of(job: JobId, reply: &mut dyn FnMut(Reply)) -> impl FnMut(Progress) -> ControlFlow<()> {
    let mut told_bytes = 0;
    move |progress: Progress| {
        let Progress { done_bytes, total_bytes } = progress;
        if done_bytes >= told_bytes + PROGRESS_STEP_BYTES || done_bytes == total_bytes {
            told_bytes = done_bytes;
            reply(Reply::Progressed { job, done_bytes, total_bytes });
        }
        ControlFlow::Continue(())
    }
}

fn tell(job: JobId, imported: Imported, n_reused: u64, reply: &mut dyn FnMut(Reply)) -> Tree {
    let Imported { tree, n_files, content_bytes, texts, archives, single_root, problems, .. } = imported;
    in_pieces(&tree, &mut |files| reply(Reply::ContextFiles { job, files }));
    for (digest, holds) in archives.iter() {
        let digest = *digest;
        if let Holds::Members(members) = holds {
            reply(Reply::ArchiveFound { job, digest, holds: Holds::Members(Members::default()) });
            in_pieces(members.tree(), &mut |entries| reply(Reply::ArchiveEntries { job, digest, entries }));
        } else {
            reply(Reply::ArchiveFound { job, digest, holds: holds.clone() });
        }
    }
    let n_more = problems.len().saturating_sub(MAX_PROBLEMS);
    let mut told: Vec<String> = problems.iter().take(MAX_PROBLEMS).map(ToString::to_string).collect();
    if n_more > 0 {
        told.push(format!("{n_more} more problems of this kind"));
    }
    let report = ContextReport {
        n_files,
        content_bytes,
        n_reused,
        texts,
        has_more_archives: archives.is_full,
        single_root,
        problems: told,
    };
    reply(Reply::ContextRead { job, report });
    tree
}

/// Hands out entries in their order; the last piece may be empty.
fn in_pieces(tree: &Tree, take: &mut dyn FnMut(Vec<(String, Entry)>)) {
    let mut piece = Vec::new();
    for (path, entry) in tree.iter() {
        piece.push((path, entry.clone()));
        if piece.len() == ENTRIES_AT_ONCE {
            take(std::mem::take(&mut piece));
        }
    }
    take(piece);
}
