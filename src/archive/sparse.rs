//! Files with holes: the digest of a content of which only some stretches are stored.
//!
//! GNU tar stores a sparse file as a list of stretches (offset and length) and
//! their bytes; all else reads as zeros. The list stands in the header (the old
//! form), in PAX records (0.0 and 0.1) or in front of the body (1.0). See the
//! [GNU tar manual](https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html).
//!
//! A hole costs nothing to store and much to hash, so that the caller names how
//! many bytes of holes it can bear. Beyond that, and where the list is damaged,
//! there is no digest. [`Extents`] tell what any place of a content lies in.

use std::io::{self, Read};

use crate::digest::{Digest, Hasher};

/// Where the list of stretches stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SparseMap {
    /// It is known: offset and length of each stretch.
    Listed(Vec<(u64, u64)>),
    /// In front of the body, as decimal lines.
    InBody,
}

/// More numbers are taken for damage: a list of this length is 16 MiB long.
const MAX_NUMBERS: usize = 1 << 21;

/// Hashes a file's content while its stored body passes.
pub struct ContentHasher<'b> {
    hasher: Hasher,
    /// `None` for a file without holes.
    holes: Option<Holes<'b>>,
}

/// What is known of a file's holes while it is read.
struct Holes<'b> {
    /// The list that stands in the body, as far as it is read.
    list: Option<ListReader>,
    /// Stretches that are still to come, the next one last.
    stretches: Vec<(u64, u64)>,
    size_bytes: u64,
    /// How far the content is hashed.
    pos: u64,
    budget_bytes: &'b mut u64,
    is_damaged: bool,
}

impl<'b> ContentHasher<'b> {
    /// For a content of `size_bytes`; `budget_bytes` goes down by the holes that are hashed.
    pub fn new(map: Option<&SparseMap>, size_bytes: u64, budget_bytes: &'b mut u64) -> Self {
        let holes = map.map(|map| {
            let (list, mut stretches) = match map {
                SparseMap::Listed(list) => (None, list.clone()),
                SparseMap::InBody => (Some(ListReader::default()), Vec::new()),
            };
            stretches.reverse();
            Holes { list, stretches, size_bytes, pos: 0, budget_bytes, is_damaged: false }
        });
        Self { hasher: Hasher::default(), holes }
    }

    /// Takes the next bytes of the stored body.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.holes {
            None => self.hasher.update(piece),
            Some(holes) => holes.update(piece, &mut self.hasher),
        }
    }

    /// The digest of the content; none where the holes cannot be filled.
    #[must_use]
    pub fn finish(mut self) -> Option<Digest> {
        if let Some(holes) = &mut self.holes {
            let is_whole = holes.list.is_none() && holes.stretches.is_empty();
            let end = holes.size_bytes;
            holes.fill(end, &mut self.hasher);
            if !is_whole || holes.is_damaged {
                return None;
            }
        }
        Some(self.hasher.finish())
    }
}

impl Holes<'_> {
    fn update(&mut self, mut piece: &[u8], hasher: &mut Hasher) {
        if let Some(list) = &mut self.list {
            piece = list.read(piece);
            if list.is_damaged {
                self.is_damaged = true;
                return;
            }
            if !list.is_done() {
                return;
            }
            let list = self.list.take().unwrap_or_default();
            self.stretches = list.stretches();
            self.stretches.reverse();
        }
        while !piece.is_empty() && !self.is_damaged {
            let Some((offset, n_bytes)) = self.stretches.pop() else { return };
            self.fill(offset, hasher);
            let n = usize::try_from(n_bytes).unwrap_or(usize::MAX).min(piece.len());
            let (now, later) = piece.split_at_checked(n).unwrap_or((piece, &[]));
            hasher.update(now);
            piece = later;
            self.pos = self.pos.saturating_add(now.len() as u64);
            let left = n_bytes - (now.len() as u64).min(n_bytes);
            if left > 0 {
                self.stretches.push((self.pos, left));
            }
        }
    }

    /// Hashes zeros up to `end`.
    fn fill(&mut self, end: u64, hasher: &mut Hasher) {
        let Some(mut n_zeros) = end.checked_sub(self.pos).filter(|n_zeros| *n_zeros <= *self.budget_bytes)
        else {
            self.is_damaged = true;
            return;
        };
        if self.is_damaged {
            return;
        }
        *self.budget_bytes -= n_zeros;
        self.pos = end;
        let zeros = [0; 4096];
        while n_zeros > 0 {
            let n = usize::try_from(n_zeros).unwrap_or(usize::MAX).min(zeros.len());
            hasher.update(zeros.get(..n).unwrap_or(&zeros));
            n_zeros -= n as u64;
        }
    }
}

/// Reads the list in front of a body: how many, then offset and length of each, a line each.
#[derive(Default)]
struct ListReader {
    numbers: Vec<u64>,
    current: u64,
    n_read: u64,
    is_damaged: bool,
}

impl ListReader {
    fn has_all(&self) -> bool {
        let n_wanted = self.numbers.first().map(|n| n.saturating_mul(2).saturating_add(1));
        n_wanted.is_some_and(|n_wanted| self.numbers.len() as u64 >= n_wanted)
    }

    /// The list and the padding after it are read.
    fn is_done(&self) -> bool {
        self.has_all() && self.n_read.is_multiple_of(512)
    }

    /// Gives back what follows the list.
    fn read<'p>(&mut self, piece: &'p [u8]) -> &'p [u8] {
        for (idx, byte) in piece.iter().enumerate() {
            if self.is_done() {
                return piece.get(idx..).unwrap_or(&[]);
            }
            self.n_read += 1;
            if self.has_all() {
                continue;
            }
            match byte {
                b'0'..=b'9' => {
                    let next = self.current.checked_mul(10).map(|n| n.saturating_add(u64::from(byte - b'0')));
                    self.is_damaged |= next.is_none();
                    self.current = next.unwrap_or(0);
                }
                b'\n' => self.numbers.push(std::mem::take(&mut self.current)),
                _ => self.is_damaged = true,
            }
            self.is_damaged |= self.numbers.len() > MAX_NUMBERS;
            if self.is_damaged {
                return &[];
            }
        }
        &[]
    }

    /// The stretches, empty ones left out: they only mark the end.
    fn stretches(self) -> Vec<(u64, u64)> {
        let pairs = self.numbers.get(1..).unwrap_or(&[]).chunks_exact(2);
        let stretch = |pair: &[u64]| match pair {
            [offset, n_bytes] if *n_bytes > 0 => Some((*offset, *n_bytes)),
            _ => None,
        };
        pairs.filter_map(stretch).collect()
    }
}

/// Which bytes of a content are stored, and where in its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extents {
    stretches: Vec<Stretch>,
    size_bytes: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Stretch {
    /// Where it begins in the content.
    start: u64,
    n_bytes: u64,
    /// Where it begins in the body.
    stored_at: u64,
}

/// What a place of a content lies in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Bytes that are stored.
    Stored {
        /// Where in the body.
        body_offset: u64,
        /// How many follow from the place on.
        n_bytes: u64,
    },
    /// Zeros that are not.
    Hole {
        /// How many follow from the place on.
        n_bytes: u64,
    },
}

impl Extents {
    /// Those of a content without holes.
    #[must_use]
    pub fn whole(size_bytes: u64) -> Self {
        Self { stretches: vec![Stretch { start: 0, n_bytes: size_bytes, stored_at: 0 }], size_bytes }
    }

    /// Those of a list of stretches, whose bytes stand in the body behind `list_bytes`; `None` where
    /// the list is not in order or does not fit the content and its body.
    #[must_use]
    pub fn of(list: &[(u64, u64)], size_bytes: u64, list_bytes: u64, body_bytes: u64) -> Option<Self> {
        let (mut end, mut stored_at) = (0, list_bytes);
        let mut stretches = Vec::with_capacity(list.len());
        for &(start, n_bytes) in list {
            if start < end {
                return None;
            }
            stretches.push(Stretch { start, n_bytes, stored_at });
            end = start.checked_add(n_bytes)?;
            stored_at = stored_at.checked_add(n_bytes)?;
        }
        (end <= size_bytes && stored_at <= body_bytes).then_some(Self { stretches, size_bytes })
    }

    /// Those of the list that stands in front of the body which `reader` begins; `None` where the
    /// list is damaged or does not fit.
    ///
    /// # Errors
    /// Where reading fails.
    pub fn read(reader: &mut impl Read, size_bytes: u64, body_bytes: u64) -> io::Result<Option<Self>> {
        let mut reader = reader.take(body_bytes);
        let mut list = ListReader::default();
        let mut block = [0; 512];
        while !list.is_done() {
            match reader.read_exact(&mut block) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error),
            }
            list.read(&block);
            if list.is_damaged {
                return Ok(None);
            }
        }
        let list_bytes = list.n_read;
        Ok(Self::of(&list.stretches(), size_bytes, list_bytes, body_bytes))
    }

    /// How many bytes of the content are not stored.
    #[must_use]
    pub fn holes_bytes(&self) -> u64 {
        let stored: u64 = self.stretches.iter().map(|stretch| stretch.n_bytes).sum();
        self.size_bytes.saturating_sub(stored)
    }

    /// What lies at a place of the content; `None` at its end.
    #[must_use]
    pub fn at(&self, pos: u64) -> Option<Extent> {
        if pos >= self.size_bytes {
            return None;
        }
        let next = self.stretches.partition_point(|stretch| stretch.start + stretch.n_bytes <= pos);
        Some(match self.stretches.get(next) {
            Some(stretch) if stretch.start <= pos => {
                let n_passed = pos - stretch.start;
                let body_offset = stretch.stored_at + n_passed;
                Extent::Stored { body_offset, n_bytes: stretch.n_bytes - n_passed }
            }
            Some(stretch) => Extent::Hole { n_bytes: stretch.start - pos },
            None => Extent::Hole { n_bytes: self.size_bytes - pos },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(map: &SparseMap, size_bytes: u64, body: &[u8], mut budget_bytes: u64) -> Option<Digest> {
        let mut hasher = ContentHasher::new(Some(map), size_bytes, &mut budget_bytes);
        // Pieces of any length do.
        body.chunks(7).for_each(|piece| hasher.update(piece));
        hasher.finish()
    }

    #[test]
    fn holes_are_zeros() {
        let mut content = vec![0; 5000];
        content[100..110].copy_from_slice(b"0123456789");
        content[3000..3003].copy_from_slice(b"abc");
        let expected = Some(Digest::of(&content));
        let listed = SparseMap::Listed(vec![(100, 10), (3000, 3)]);
        assert_eq!(digest(&listed, 5000, b"0123456789abc", 5000), expected);
        let mut body = b"3\n100\n10\n3000\n3\n5000\n0\n".to_vec();
        body.resize(512, 0);
        body.extend(b"0123456789abc");
        assert_eq!(digest(&SparseMap::InBody, 5000, &body, 5000), expected);
    }

    #[test]
    fn any_place_of_a_content() {
        let extents = Extents::of(&[(100, 10), (110, 5), (3000, 3)], 5000, 512, 530).unwrap();
        let stored = |body_offset, n_bytes| Some(Extent::Stored { body_offset, n_bytes });
        let hole = |n_bytes| Some(Extent::Hole { n_bytes });
        assert_eq!([extents.at(0), extents.at(99), extents.at(115)], [hole(100), hole(1), hole(2885)]);
        assert_eq!([extents.at(104), extents.at(110)], [stored(516, 6), stored(522, 5)]);
        assert_eq!(
            [extents.at(3002), extents.at(3003), extents.at(5000)],
            [stored(529, 1), hole(1997), None]
        );
        assert_eq!(extents.holes_bytes(), 5000 - 18);
        assert_eq!(Extents::whole(5).at(2), stored(2, 3));
        assert_eq!((Extents::whole(0).at(0), Extents::whole(5).holes_bytes()), (None, 0));
        for list in [&[(100, 10), (105, 1)][..], &[(4999, 2)], &[(0, 19)], &[(u64::MAX, 2)]] {
            assert_eq!(Extents::of(list, 5000, 512, 530), None, "{list:?}");
        }
    }

    #[test]
    fn lists_of_a_body() {
        let read = |mut bytes: &[u8]| Extents::read(&mut bytes, 5000, 522).unwrap();
        let mut body = b"2\n100\n10\n5000\n0\n".to_vec();
        body.resize(522, 7);
        body[16..512].fill(0);
        assert_eq!(read(&body), Extents::of(&[(100, 10)], 5000, 512, 522));
        assert_eq!((read(&body[..511]), Extents::read(&mut &body[..], 5000, 521).unwrap()), (None, None));
        body[0] = b'x';
        assert_eq!(read(&body), None);
    }

    #[test]
    fn what_cannot_be_filled_has_no_digest() {
        let listed = SparseMap::Listed(vec![(100, 10)]);
        assert_eq!(digest(&listed, 1 << 60, b"0123456789", 1000), None);
        assert_eq!(digest(&listed, 50, b"0123456789", 1000), None);
        assert_eq!(digest(&listed, 500, b"01234", 1000), None);
        assert_eq!(digest(&SparseMap::InBody, 500, b"x\n", 1000), None);
    }
}
