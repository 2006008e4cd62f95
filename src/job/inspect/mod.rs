//! Questions about archives that are open, answered from memory.
//!
//! [`Inspector`] is what the *keeper* has: the plans, documents and entries of each archive
//! (`archive`), and what was made of them and may be asked for again: stacks, lists of rows (`flat`),
//! the last comparison. All of it is remade when an archive's revision tells that it changed.
//!
//! What takes bytes is prepared here as a ticket and done by whoever has the file (`bytes`): the
//! keeper answers at once even while a layer of some gigabytes is inflated for a file at its end, the
//! worker that does so can be replaced, and none has to be told first what the others know. The price
//! is one more message each time, which is nothing beside the reading.

mod archive;
mod bytes;
mod compare;
mod documents;
mod filter;
mod flat;
mod listing;
mod looks;
mod map;
mod rows;
mod waste;

use std::collections::BTreeMap;

pub(super) use self::archive::Archive;
use self::bytes::Wanted;
pub(super) use self::bytes::{Reader, redeem};
use self::compare::Compared;
use self::rows::Lists;
use crate::protocol::inspect::{Answer, ImageAt, Question, SettleScope};
use crate::protocol::{JobId, Reply};

/// What is kept between questions.
#[derive(Default)]
pub(super) struct Inspector {
    archives: BTreeMap<JobId, Archive>,
    lists: Lists,
    compared: Option<Compared>,
}

/// Why a question about an archive cannot be answered.
fn closed() -> String {
    "this archive is not open any more".to_owned()
}

impl Inspector {
    /// An archive is opened.
    pub(super) fn open(&mut self, archive: JobId) -> &mut Archive {
        self.close(archive);
        self.archives.entry(archive).or_default()
    }

    /// Forgets an archive.
    pub(super) fn close(&mut self, archive: JobId) {
        self.archives.remove(&archive);
        self.lists.forget(archive);
        self.compared = self.compared.take().filter(|compared| !compared.is_of(archive));
    }

    pub(super) fn archive(&mut self, archive: JobId) -> Option<&mut Archive> {
        self.archives.get_mut(&archive)
    }

    /// Answers a question.
    pub(super) fn answer(&mut self, job: JobId, question: Question) -> Reply {
        match self.try_answer(question) {
            Ok(answer) => Reply::Inspected { job, answer },
            Err(message) => Reply::InspectFailed { job, message },
        }
    }

    fn at(&mut self, image: ImageAt) -> Result<&mut Archive, String> {
        self.archives.get_mut(&image.archive).ok_or_else(closed)
    }

    fn try_answer(&mut self, question: Question) -> Result<Answer, String> {
        match question {
            Question::Rows { query, first, n_rows } => {
                let (stack, flat) = self.list(query)?;
                Ok(Answer::Rows(Box::new(rows::window(&stack, flat, first, n_rows))))
            }
            Question::RowAt { query, path } => {
                let archive = self.archives.get_mut(&query.image.archive).ok_or_else(closed)?;
                rows::row_at(&mut self.lists, archive, query, &path)
            }
            Question::RowNamed { query, from, typed, is_next, is_backward } => {
                let (stack, flat) = self.list(query)?;
                let typed = typed.to_lowercase();
                let fits = |row: &flat::FlatRow| stack.name(row.node).to_lowercase().starts_with(&typed);
                let found = flat.search(from, !is_next, is_backward, fits);
                Ok(rows::place(&stack, flat, found))
            }
            Question::RowChanged { query, from, is_backward } => {
                let (stack, flat) = self.list(query)?;
                let found = flat.search(from, false, is_backward, |row| flat.is_worth_a_stop(&stack, row));
                Ok(rows::place(&stack, flat, found))
            }
            Question::Listing { query, format, from_row } => {
                let (stack, flat) = self.list(query)?;
                Ok(listing::listing(&stack, flat, format, from_row))
            }
            Question::Layers { image } => rows::layers(self.at(image)?, image),
            Question::Biggest { image, layer_idx, of, n } => {
                rows::biggest(self.at(image)?, image, layer_idx, of, n)
            }
            Question::Map { image, layer_idx, of, folder, n_nodes } => {
                map::map(self.at(image)?, image, layer_idx, of, &folder, n_nodes)
            }
            Question::Life { image, path } => rows::life(self.at(image)?, image, &path),
            Question::Waste { image, n_base_layers, n_rows } => {
                waste::waste(self.at(image)?, image, n_base_layers, n_rows)
            }
            Question::Settle { image, scope } => self.settle(image, scope),
            Question::KeepDigests { archive, digests } => {
                let archive = self.archives.get_mut(&archive).ok_or_else(closed)?;
                bytes::keep_digests(archive, &digests)
            }
            Question::Contents { image, layer_idx, path, from_bytes, max_bytes } => {
                bytes::view(self.at(image)?, image, layer_idx, &path, (from_bytes, max_bytes))
            }
            Question::Save { image, layer_idx, path } => {
                bytes::save(self.at(image)?, image, layer_idx, &path)
            }
            Question::SaveLayer { image, layer_idx, form } => {
                bytes::save_layer(self.at(image)?, image, layer_idx, form)
            }
            Question::Documents { archive } => {
                Ok(documents::documents(self.archives.get(&archive).ok_or_else(closed)?))
            }
            Question::History { image } => documents::history(self.at(image)?, image.image_idx),
            Question::Compare { before, after } => {
                compare::compared(&mut self.compared, &mut self.archives, before, after)?
                    .report(&self.archives)
            }
            Question::CompareRows { before, after, filter, first, n_rows } => {
                let compared = compare::compared(&mut self.compared, &mut self.archives, before, after)?;
                Ok(compared.rows(filter, first, n_rows))
            }
        }
    }

    fn list(
        &mut self,
        query: crate::protocol::inspect::rows::TreeQuery,
    ) -> Result<(std::rc::Rc<crate::layer::stack::Stack>, &flat::Flat), String> {
        let archive = self.archives.get_mut(&query.image.archive).ok_or_else(closed)?;
        self.lists.get(archive, query)
    }

    fn settle(&mut self, image: ImageAt, scope: SettleScope) -> Result<Answer, String> {
        let wanted = match (Wanted::of(scope), scope) {
            (None, SettleScope::Against { other }) => {
                // Which of both is the one before is of no account here; what was compared last is at hand.
                let is_turned = self.compared.as_ref().is_some_and(|last| last.is_of_pair(other, image));
                let (before, after) = if is_turned { (other, image) } else { (image, other) };
                compare::compared(&mut self.compared, &mut self.archives, before, after)?.wanted(image)
            }
            (wanted, _) => wanted.unwrap_or(Wanted::Rewrites),
        };
        bytes::settle(self.at(image)?, image, &wanted)
    }
}
