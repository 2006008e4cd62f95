//! What headers say of a sparse file: which stretches of it are stored, the rest being holes.
//!
//! A list must name stretches in order, none over another, none outside of the
//! file, and all of them together as long as what is stored. It may be as long
//! as the limit; holes are never written out. The lists of GNU tar in headers
//! and in PAX records (forms 0.0 and 0.1) are looked at; that of form 1.0
//! belongs to the body.
//! Format: [GNU tar](https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html).

use tar::GnuSparseHeader;

/// A list while its numbers come in.
#[derive(Default)]
pub(super) struct Stretches {
    /// Offset and length of each.
    list: Vec<(u64, u64)>,
    /// An offset that waits for its length.
    offset: Option<u64>,
}

const NO_NUMBER: &str = "its sparse map has no number";

impl Stretches {
    /// Takes a number of a PAX record: offset and length in turns.
    pub(super) fn add_text(&mut self, text: &str, limit: usize) -> Result<(), &'static str> {
        self.add(text.parse().map_err(|_| NO_NUMBER)?, limit)
    }

    /// Takes the one record of form 0.1.
    pub(super) fn add_record(&mut self, text: &str, limit: usize) -> Result<(), &'static str> {
        text.split(',').filter(|part| !part.is_empty()).try_for_each(|part| self.add_text(part, limit))
    }

    /// Takes those of one block of GNU's own form.
    pub(super) fn add_block(&mut self, slots: &[GnuSparseHeader], limit: usize) -> Result<(), &'static str> {
        for slot in slots.iter().filter(|slot| !slot.is_empty()) {
            self.add(slot.offset().map_err(|_| NO_NUMBER)?, limit)?;
            self.add(slot.length().map_err(|_| NO_NUMBER)?, limit)?;
        }
        Ok(())
    }

    fn add(&mut self, number: u64, limit: usize) -> Result<(), &'static str> {
        match self.offset.take() {
            None => self.offset = Some(number),
            Some(_) if self.list.len() >= limit => {
                return Err("its sparse map is longer than the limit");
            }
            Some(offset) => self.list.push((offset, number)),
        }
        Ok(())
    }

    /// The stretches, empty ones left out: they only mark the end.
    pub(super) fn into_list(self) -> Vec<(u64, u64)> {
        self.list.into_iter().filter(|(_, n_bytes)| *n_bytes > 0).collect()
    }

    /// Looks whether the list can be that of a file of `full_bytes`, of which `stored_bytes` are stored.
    pub(super) fn check(&self, full_bytes: u64, stored_bytes: u64) -> Result<(), &'static str> {
        let (mut end, mut sum) = (0, 0);
        for (offset, n_bytes) in &self.list {
            if *offset < end {
                return Err("stretches of its sparse map lie over each other");
            }
            end = offset.checked_add(*n_bytes).ok_or("a stretch of its sparse map has no end")?;
            if end > full_bytes {
                return Err("a stretch of its sparse map lies outside of the file");
            }
            sum += n_bytes;
        }
        if sum == stored_bytes { Ok(()) } else { Err("its sparse map and its size do not fit") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: &str, full_bytes: u64, stored_bytes: u64) -> Result<(), &'static str> {
        let mut stretches = Stretches::default();
        stretches.add_record(record, 3)?;
        stretches.check(full_bytes, stored_bytes)
    }

    #[test]
    fn in_order_and_inside() {
        assert_eq!(check("0,5,5,5,100,0", 100, 10), Ok(()));
        assert_eq!(check("", 100, 0), Ok(()));
        for (record, full_bytes, stored_bytes) in [
            ("0,6,5,5", 100, 11),
            ("90,11", 100, 11),
            ("-3,9", 100, 9),
            ("18446744073709551615,1", u64::MAX, 1),
            ("0,5", 100, 6),
            ("0,1,1,1,2,1,3,1", 100, 4),
        ] {
            assert!(check(record, full_bytes, stored_bytes).is_err(), "{record}");
        }
    }
}
