//! Verdicts on cases, counted by section.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;

use super::compare::cut;
use super::corpus;

/// Agrees, or a compact account of the first difference.
pub(super) type Verdict = Result<(), String>;

/// The account of a section that the crate has no code for yet.
pub(super) const NOT_IMPLEMENTED: &str = "not implemented";

/// One section of a case with its verdict.
pub(super) type Section = (&'static str, Verdict);

/// A case that disagrees.
#[derive(Debug)]
pub(super) struct Disagreement {
    /// The case within its set.
    pub(super) id: String,
    /// The first difference of each section that has one.
    account: String,
    /// Some section has a wrong answer, not just none.
    is_answered: bool,
}

/// What came out of a set.
#[derive(Debug, Default)]
pub(super) struct Score {
    /// Cases of which all sections agree.
    pub(super) agreed: usize,
    /// All cases.
    pub(super) total: usize,
    /// Sections that agree, and all, by name in the order of their first case.
    pub(super) sections: Vec<(String, usize, usize)>,
    /// What the scoring page leaves out.
    not_scored: BTreeMap<String, usize>,
    /// The cases that disagree.
    pub(super) disagreements: Vec<Disagreement>,
    /// Remarks that are no disagreement of a case; shown with `LAYERLAB_VERBOSE` only.
    notes: Vec<String>,
}

impl Score {
    /// Counts a case.
    pub(super) fn add(&mut self, id: String, sections: Vec<Section>) {
        let mut differences = Vec::new();
        let mut is_answered = sections.is_empty();
        for (name, verdict) in &sections {
            self.count(name, verdict.is_ok());
            if let Err(account) = verdict {
                is_answered |= account != NOT_IMPLEMENTED;
                differences.push(format!("{name}: {account}"));
            }
        }
        if sections.is_empty() {
            differences.push("nothing of it can be scored".to_owned());
        }
        self.total += 1;
        if differences.is_empty() {
            self.agreed += 1;
        } else {
            self.disagreements.push(Disagreement { id, account: differences.join(" | "), is_answered });
        }
    }

    /// Counts things that are not scored.
    pub(super) fn leave_out(&mut self, what: &str, n: usize) {
        if n > 0 {
            *self.not_scored.entry(what.to_owned()).or_default() += n;
        }
    }

    /// Adds to a section what was counted within a case: agreed, and all.
    pub(super) fn tally(&mut self, name: &str, (agreed, total): (usize, usize)) {
        let idx = self.section(name);
        self.sections[idx].1 += agreed;
        self.sections[idx].2 += total;
    }

    /// Adds what came out of another folder of the set; its cases are told apart by the folder's name.
    pub(super) fn absorb(&mut self, folder: &str, other: Self) {
        self.agreed += other.agreed;
        self.total += other.total;
        for (name, agreed, total) in other.sections {
            self.tally(&name, (agreed, total));
        }
        for (what, n) in other.not_scored {
            self.leave_out(&what, n);
        }
        let case = |case: Disagreement| Disagreement { id: format!("{folder}/{}", case.id), ..case };
        self.disagreements.extend(other.disagreements.into_iter().map(case));
        self.notes.extend(other.notes);
    }

    /// Keeps a remark.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn count(&mut self, name: &str, agrees: bool) {
        self.tally(name, (usize::from(agrees), 1));
    }

    fn section(&mut self, name: &str) -> usize {
        self.sections.iter().position(|(known, _, _)| known == name).unwrap_or_else(|| {
            self.sections.push((name.to_owned(), 0, 0));
            self.sections.len() - 1
        })
    }

    /// Scores the records of `folder/file`, if there is such a file. `scorer`
    /// sees one record at a time. A line that cannot be read disagrees.
    pub(super) fn add_file(&mut self, folder: &Path, file: &str, scorer: impl Fn(&Value) -> Vec<Section>) {
        self.add_file_where(folder, file, |_| true, scorer);
    }

    /// The same for the records that are cases of the set.
    pub(super) fn add_file_where(
        &mut self,
        folder: &Path,
        file: &str,
        is_case: impl Fn(&Value) -> bool,
        scorer: impl Fn(&Value) -> Vec<Section>,
    ) {
        let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
        for (idx, record) in corpus::records(&folder.join(file)).into_iter().enumerate() {
            let number = || format!("{stem}/{}", idx + 1);
            match record {
                Ok(record) if !is_case(&record) => {}
                Ok(record) => {
                    let name = record.get("id").or_else(|| record.get("name")).and_then(Value::as_str);
                    let id = name.map_or_else(number, |name| format!("{stem}/{name}"));
                    self.add(id, scorer(&record));
                }
                Err(error) => self.add(number(), vec![("record", Err(error))]),
            }
        }
    }

    /// Appends the set's line and its first `max_listed` disagreements.
    pub(super) fn report(&self, set: &str, max_listed: usize, out: &mut String) {
        let part = |(name, agreed, total): &(String, usize, usize)| format!("{name} {agreed}/{total}");
        let parts: Vec<String> = self.sections.iter().map(part).collect();
        let _ = writeln!(out, "{set}: {}/{} ({})", self.agreed, self.total, parts.join(", "));
        for (what, n) in &self.not_scored {
            let _ = writeln!(out, "{set}/{what}: {n} not scored");
        }
        // Wrong answers first: these are what someone looks for.
        let (wrong, unanswered): (Vec<_>, Vec<_>) =
            self.disagreements.iter().partition(|case| case.is_answered);
        for case in wrong.iter().chain(&unanswered).take(max_listed) {
            let _ = writeln!(out, "  {}: {}", case.id, cut(&case.account));
        }
        if max_listed == usize::MAX {
            for note in &self.notes {
                let _ = writeln!(out, "  note: {}", cut(note));
            }
        }
        let hidden = self.disagreements.len().saturating_sub(max_listed);
        if hidden > 0 {
            let _ = writeln!(out, "  and {hidden} more; LAYERLAB_VERBOSE=1 lists them");
        }
    }
}

/// Judges a section; a panic of the code under test is a disagreement like any other.
pub(super) fn judge(section: impl FnOnce() -> Verdict) -> Verdict {
    catch_unwind(AssertUnwindSafe(section)).unwrap_or_else(|_| Err("panicked".to_owned()))
}
