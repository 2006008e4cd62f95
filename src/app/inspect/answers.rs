//! What was asked of the archive that is shown, and what came back.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::protocol::JobId;
use crate::protocol::inspect::rows::{RowsReport, TreeRow};
use crate::protocol::inspect::{Answer, Question};

/// What an answer is for: a place on the screen, or something to be done with it. Of each there is one
/// at most, so that what is kept is bounded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Topic {
    /// What each layer changes.
    Layers,
    /// The waste, for its scores.
    Waste,
    /// The biggest files and folders.
    Biggest,
    /// Folders by bytes.
    Map,
    /// The beginning of the file that is open.
    Contents,
    /// The same file as an earlier layer had it.
    Before,
    /// A page of its bytes.
    Bytes(u32),
    /// What each layer did at its path.
    Life,
    /// The row that the cursor goes to.
    Sought,
    /// Contents that are told apart.
    Settle,
    /// How the image was made.
    History,
    /// What the archive holds beside layers.
    Documents,
    /// How two images differ.
    Compare,
    /// A page of their differences.
    CompareRows(u32),
    /// Contents of the image before that are read to be compared.
    SettleBefore,
    /// And after.
    SettleAfter,
}

/// A question with its answer, as soon as that came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// What is asked.
    pub question: Question,
    /// How often more had become known of the archive by then.
    pub n_changes: u32,
    /// The job of it.
    pub job: JobId,
    /// The answer, or why there is none.
    pub answer: Option<Result<Rc<Answer>, String>>,
    /// The answer to the same before more had become known; shown until the new one comes.
    pub earlier: Option<Rc<Answer>>,
    /// Bytes that were gone through for it, and in all.
    pub progress: Option<(u64, u64)>,
    /// Another worker has the ticket.
    pub is_redeemed: bool,
}

impl Kept {
    /// The last answer there is.
    #[must_use]
    pub fn last(&self) -> Option<&Rc<Answer>> {
        match &self.answer {
            Some(Ok(answer)) => Some(answer),
            Some(Err(_)) => None,
            None => self.earlier.as_ref(),
        }
    }

    /// Why there is no answer.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.answer.as_ref()?.as_ref().err().map(String::as_str)
    }
}

/// Rows travel in pages of this many.
pub const PAGE_ROWS: u32 = 100;

/// What makes other rows.
pub type RowsKey = (JobId, u32, u32, u32, u32);

/// The rows of a tree that are in view, and those around them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pages {
    /// What they are asked for.
    pub key: RowsKey,
    /// Pages that are on their way.
    pub asked: BTreeMap<u32, JobId>,
    /// Pages that came.
    pub came: BTreeMap<u32, Rc<RowsReport>>,
    /// The one that came last, which tells of the rows in all even where none of those in view came.
    pub last: Option<Rc<RowsReport>>,
    /// Those are of an earlier key: shown until the first one of this key comes.
    pub is_old: bool,
    /// Why none come.
    pub problem: Option<String>,
}

impl Pages {
    /// A page that tells of the rows in all.
    #[must_use]
    pub fn any(&self) -> Option<&RowsReport> {
        self.last.as_deref()
    }

    /// A row, if it came.
    #[must_use]
    pub fn row(&self, idx: u32) -> Option<&TreeRow> {
        let report = self.came.get(&(idx / PAGE_ROWS))?;
        report.rows.get(usize::try_from(idx.checked_sub(report.first)?).ok()?)
    }

    /// Rows in all.
    #[must_use]
    pub fn n_rows(&self) -> u32 {
        self.any().map_or(0, |report| report.n_rows)
    }

    /// Pages that are wanted while these rows are in view: one more on either side.
    #[must_use]
    pub fn wanted(&self, (first, last): (u32, u32)) -> std::ops::RangeInclusive<u32> {
        let last_page = if self.is_old || self.last.is_none() {
            u32::MAX
        } else {
            self.n_rows().saturating_sub(1) / PAGE_ROWS
        };
        let from = (first / PAGE_ROWS).saturating_sub(1).min(last_page);
        // A screen of more than this many pages there is not.
        let to = (last / PAGE_ROWS).saturating_add(1).min(from + 6).min(last_page);
        from..=to
    }
}

/// Everything that was asked and is still of use.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inspect {
    /// By what it is for.
    pub kept: BTreeMap<Topic, Kept>,
    /// The rows of the tree.
    pub pages: Pages,
    /// What is compared.
    pub compare: super::compare::CompareLook,
    /// What is being saved.
    pub saving: Option<super::save::Saving>,
}

impl Inspect {
    /// The last answer of a topic.
    #[must_use]
    pub fn last(&self, topic: Topic) -> Option<&Answer> {
        self.kept.get(&topic)?.last().map(Rc::as_ref)
    }

    /// The topic that a job is for.
    pub(super) fn topic_of(&self, job: JobId) -> Option<Topic> {
        self.kept.iter().find(|(_, kept)| kept.job == job).map(|(topic, _)| *topic)
    }
}
