//! DEFLATE in little code, for what fits into an address
//! ([RFC 1951](https://www.rfc-editor.org/rfc/rfc1951)).
//!
//! The library that reads archives is made for speed and would be the largest part of what a page
//! carries for its links. Written is one block with the fixed codes; read is everything.

/// Bases and extra bits of the codes 257 to 285: lengths.
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The order in which lengths of code lengths stand.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const END: usize = 256;
const WINDOW: usize = 1 << 15;
const MAX_MATCH: usize = 258;
/// Longer ways back are not tried.
const MAX_TRIES: usize = 48;

/// Base and extra bits of a distance's code.
fn distance(code: u32) -> (u32, u32) {
    let extra = (code / 2).saturating_sub(1);
    if code < 2 { (code + 1, 0) } else { (((2 + code % 2) << extra) + 1, extra) }
}

/// Why something cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InflateError {
    /// It is no such stream, or a part of it is missing.
    Damaged,
    /// More comes out of it than is wanted.
    TooLong,
}

#[derive(Default)]
struct BitWriter {
    out: Vec<u8>,
    bits: u64,
    n_bits: u32,
}

impl BitWriter {
    /// The low `n` bits, the lowest first.
    fn put(&mut self, value: u32, n: u32) {
        self.bits |= u64::from(value) << self.n_bits;
        self.n_bits += n;
        while self.n_bits >= 8 {
            let [low, ..] = self.bits.to_le_bytes();
            self.out.push(low);
            self.bits >>= 8;
            self.n_bits -= 8;
        }
    }

    /// A code, whose highest bit stands first.
    fn code(&mut self, code: u32, n: u32) {
        self.put(code.reverse_bits() >> (32 - n), n);
    }

    /// A literal, the end, or a length's code, as the fixed codes have it.
    fn symbol(&mut self, symbol: u32) {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }

    fn copy(&mut self, length: usize, back: usize) {
        let is_past = |(base, _): &(u16, u8)| usize::from(*base) > length;
        let idx = LENGTHS.iter().position(is_past).unwrap_or(LENGTHS.len()).saturating_sub(1);
        if let Some((base, extra)) = LENGTHS.get(idx) {
            self.symbol(u32::try_from(257 + idx).unwrap_or(0));
            let rest = length.saturating_sub(usize::from(*base));
            self.put(u32::try_from(rest).unwrap_or(0), u32::from(*extra));
        }
        let back = u32::try_from(back).unwrap_or(1);
        let code = (1..30).find(|code| distance(*code).0 > back).unwrap_or(30) - 1;
        let (base, extra) = distance(code);
        self.code(code, 5);
        self.put(back - base, extra);
    }
}

/// Where the same three bytes stood before.
struct Before {
    heads: Vec<usize>,
    previous: Vec<usize>,
}

impl Before {
    fn new() -> Self {
        Self { heads: vec![usize::MAX; WINDOW], previous: vec![usize::MAX; WINDOW] }
    }

    fn slot(bytes: &[u8], at: usize) -> Option<usize> {
        let [a, b, c] = bytes.get(at..at + 3)?.try_into().ok()?;
        let mixed = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1) >> 17;
        usize::try_from(mixed).ok()
    }

    fn add(&mut self, bytes: &[u8], at: usize) {
        let Some(head) = Self::slot(bytes, at).and_then(|slot| self.heads.get_mut(slot)) else { return };
        if let Some(previous) = self.previous.get_mut(at % WINDOW) {
            *previous = std::mem::replace(head, at);
        }
    }

    /// The longest match of what stands at `at`: its length and how far back it is.
    fn longest(&self, bytes: &[u8], at: usize) -> Option<(usize, usize)> {
        let here = bytes.get(at..)?;
        let mut from = *self.heads.get(Self::slot(bytes, at)?)?;
        let mut best: Option<(usize, usize)> = None;
        for _ in 0..MAX_TRIES {
            let back = at.checked_sub(from).filter(|back| (1..=WINDOW).contains(back));
            let Some((back, there)) = back.zip(bytes.get(from..)) else { break };
            let same = here.iter().zip(there).take(MAX_MATCH).take_while(|(a, b)| a == b).count();
            if same >= 3 && best.is_none_or(|(length, _)| same > length) {
                best = Some((same, back));
            }
            match self.previous.get(from % WINDOW) {
                Some(next) if *next < from => from = *next,
                _ => break,
            }
        }
        best
    }
}

/// Compresses.
#[must_use]
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut writer = BitWriter::default();
    // The last block, with fixed codes.
    writer.put(0b011, 3);
    let mut before = Before::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let found = before.longest(bytes, at);
        before.add(bytes, at);
        // A match that begins one byte later may be longer.
        let found = found.filter(|(length, _)| {
            *length > 32 || before.longest(bytes, at + 1).is_none_or(|(next, _)| next <= *length)
        });
        match found {
            Some((length, back)) => {
                writer.copy(length, back);
                (at + 1..at + length).for_each(|at| before.add(bytes, at));
                at += length;
            }
            None => {
                writer.symbol(u32::from(*byte));
                at += 1;
            }
        }
    }
    writer.symbol(256);
    writer.put(0, 7);
    writer.out
}

struct BitReader<'a> {
    rest: &'a [u8],
    bits: u32,
    n_bits: u32,
}

impl BitReader<'_> {
    fn take(&mut self, n: u32) -> Option<u32> {
        while self.n_bits < n {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            self.bits |= u32::from(*byte) << self.n_bits;
            self.n_bits += 8;
        }
        let value = self.bits & ((1 << n) - 1);
        self.bits >>= n;
        self.n_bits -= n;
        Some(value)
    }
}

/// A code: how many there are of each length, and their symbols in order.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    /// `None` if the lengths are those of no code.
    fn new(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0; 16];
        let mut symbols = Vec::with_capacity(lengths.len());
        for length in 1..16_u8 {
            let from = symbols.len();
            let here = lengths.iter().enumerate().filter(|(_, own)| **own == length);
            symbols.extend(here.map(|(symbol, _)| symbol));
            *counts.get_mut(usize::from(length))? = symbols.len() - from;
        }
        let mut left = 1_usize;
        for count in counts.iter().skip(1) {
            left = (left * 2).checked_sub(*count)?;
        }
        Some(Self { counts, symbols })
    }

    fn read(&self, reader: &mut BitReader<'_>) -> Option<usize> {
        let (mut code, mut first, mut idx) = (0_usize, 0_usize, 0_usize);
        for count in self.counts.iter().skip(1) {
            code |= usize::try_from(reader.take(1)?).ok()?;
            if let Some(place) = code.checked_sub(first).filter(|place| place < count) {
                return self.symbols.get(idx + place).copied();
            }
            idx += count;
            first = (first + count) * 2;
            code *= 2;
        }
        None
    }
}

/// Decompresses up to `max_bytes`.
///
/// # Errors
/// If it is damaged or longer. What follows the stream is left alone.
pub fn inflate(bytes: &[u8], max_bytes: usize) -> Result<Vec<u8>, InflateError> {
    let mut reader = BitReader { rest: bytes, bits: 0, n_bits: 0 };
    let mut out = Vec::new();
    loop {
        let is_last = reader.take(1).ok_or(InflateError::Damaged)? == 1;
        let is_whole = match reader.take(2) {
            Some(0) => stored(&mut reader, &mut out, max_bytes),
            Some(1) => {
                fixed().and_then(|(symbols, backs)| block(&mut reader, &symbols, &backs, &mut out, max_bytes))
            }
            Some(2) => dynamic(&mut reader)
                .and_then(|(symbols, backs)| block(&mut reader, &symbols, &backs, &mut out, max_bytes)),
            _ => None,
        };
        if out.len() > max_bytes {
            return Err(InflateError::TooLong);
        }
        match is_whole {
            None => return Err(InflateError::Damaged),
            Some(()) if is_last => return Ok(out),
            Some(()) => {}
        }
    }
}

fn stored(reader: &mut BitReader<'_>, out: &mut Vec<u8>, max_bytes: usize) -> Option<()> {
    // What is left of the byte counts for nothing.
    (reader.bits, reader.n_bits) = (0, 0);
    let (length, inverted) = (reader.take(16)?, reader.take(16)?);
    if length != !inverted & 0xffff {
        return None;
    }
    let (bytes, rest) = reader.rest.split_at_checked(usize::try_from(length).ok()?)?;
    reader.rest = rest;
    out.extend(bytes.iter().take((max_bytes + 1).saturating_sub(out.len())));
    Some(())
}

fn fixed() -> Option<(Code, Code)> {
    let mut lengths = [8; 288];
    lengths.get_mut(144..256)?.fill(9);
    lengths.get_mut(256..280)?.fill(7);
    Some((Code::new(&lengths)?, Code::new(&[5; 30])?))
}

fn dynamic(reader: &mut BitReader<'_>) -> Option<(Code, Code)> {
    let mut count = |bits, least| Some(usize::try_from(reader.take(bits)?).ok()? + least);
    let (n_symbols, n_backs, n_lengths) = (count(5, 257)?, count(5, 1)?, count(4, 4)?);
    let mut lengths = [0_u8; 19];
    for place in ORDER.iter().take(n_lengths) {
        *lengths.get_mut(*place)? = u8::try_from(reader.take(3)?).ok()?;
    }
    let code = Code::new(&lengths)?;
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < n_symbols + n_backs {
        let (length, times) = match code.read(reader)? {
            16 => (*lengths.last()?, 3 + reader.take(2)?),
            17 => (0, 3 + reader.take(3)?),
            18 => (0, 11 + reader.take(7)?),
            length => (u8::try_from(length).ok()?, 1),
        };
        lengths.extend((0..times).map(|_| length));
    }
    if lengths.len() > n_symbols + n_backs {
        return None;
    }
    let (symbols, backs) = lengths.split_at_checked(n_symbols)?;
    Some((Code::new(symbols)?, Code::new(backs)?))
}

/// One block; it ends early once more came out than is wanted.
fn block(
    reader: &mut BitReader<'_>,
    symbols: &Code,
    backs: &Code,
    out: &mut Vec<u8>,
    max_bytes: usize,
) -> Option<()> {
    while out.len() <= max_bytes {
        match symbols.read(reader)? {
            END => return Some(()),
            symbol if symbol < END => out.push(u8::try_from(symbol).ok()?),
            symbol => {
                let (base, extra) = *LENGTHS.get(symbol - 257)?;
                let length = u32::from(base) + reader.take(u32::from(extra))?;
                let code = u32::try_from(backs.read(reader)?).ok().filter(|code| *code < 30)?;
                let (base, extra) = distance(code);
                let back = usize::try_from(base + reader.take(extra)?).ok()?;
                for _ in 0..length {
                    // A match may reach into itself.
                    let byte = *out.get(out.len().checked_sub(back)?)?;
                    out.push(byte);
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use flate2::Compression;
    use flate2::read::DeflateDecoder;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 1 << 20;

    /// Ours is read by theirs and by us, and theirs by us.
    fn check(bytes: &[u8]) {
        let ours = deflate(bytes);
        let mut read = Vec::new();
        DeflateDecoder::new(ours.as_slice()).read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
        assert_eq!(inflate(&ours, MAX).as_deref(), Ok(bytes));
        for level in [0, 1, 6, 9] {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
            encoder.write_all(bytes).unwrap();
            assert_eq!(inflate(&encoder.finish().unwrap(), MAX).as_deref(), Ok(bytes), "level {level}");
        }
    }

    #[test]
    fn both_ways() {
        let far: Vec<u8> =
            (0..90_000_u32).flat_map(|n| (n.wrapping_mul(n) / 7 % 1009).to_le_bytes()).collect();
        let mut repeated = far.clone();
        repeated.extend(&far);
        let text = "COPY package.json ./\nRUN npm ci\n".repeat(40);
        for bytes in [&b""[..], b"a", b"ab", b"aaaaaaaaaaaaaaaaaaaaaa", text.as_bytes(), &far, &repeated] {
            check(bytes);
        }
        check(&vec![0; 70_000]);
        check(&(0..=255).collect::<Vec<u8>>());
        assert!(deflate(text.as_bytes()).len() < 60);
    }

    #[test]
    fn limits_and_damage() {
        let stream = deflate(&[7; 5000]);
        assert_eq!(inflate(&stream, 5000).map(|it| it.len()), Ok(5000));
        assert_eq!(inflate(&stream, 4999), Err(InflateError::TooLong));
        for end in 0..stream.len() {
            assert_eq!(inflate(&stream[..end], MAX), Err(InflateError::Damaged), "cut at {end}");
        }
        // No such block; lengths of no code; a match before the beginning.
        for bytes in [&[7][..], &[5, 0xff, 0xff, 0xff, 0xff], &[0x4b, 0x04, 0x92, 0x00]] {
            assert_eq!(inflate(bytes, MAX), Err(InflateError::Damaged));
        }
    }

    proptest! {
        #[test]
        fn all_bytes(bytes in prop::collection::vec(0..4_u8, 0..600), more in prop::collection::vec(any::<u8>(), 0..600)) {
            check(&bytes);
            check(&more);
            check(&[bytes.clone(), more.clone(), bytes, more].concat());
        }

        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = inflate(&bytes, 10_000);
        }
    }
}
