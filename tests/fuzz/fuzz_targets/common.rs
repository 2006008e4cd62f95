//! What the targets for tars share: small limits, odd pieces, headers that are mended.

use std::io::Read;

use layerlab::archive::{ByteSource, Limits, SliceSource, SourceError};
use libfuzzer_sys::fuzzer_mutate;

const BLOCK: usize = 512;

/// Longer inputs are left out: they are slower and find no more.
pub const MAX_BYTES: usize = 64 << 10;

/// So small that each is met within an input. Documents beyond `json_bytes`
/// are refused alike whether or not the archive is compressed, and what all
/// layers inflate to is left free, since its order differs between the two.
pub fn limits() -> Limits {
    Limits {
        json_bytes: 4 << 10,
        json_depth: 32,
        index_depth: 3,
        documents_bytes: 4 << 20,
        n_entries: 100,
        path_bytes: 256,
        pax_bytes: 2 << 10,
        n_sparse_pieces: 30,
        free_inflated_bytes: 2 * MAX_BYTES as u64,
        free_inflated_bytes_in_all: 1 << 40,
        inflate_ratio: 2,
        zstd_window_bytes: 1 << 20,
        ..Limits::for_browser()
    }
}

/// Gives fewer bytes than asked for.
pub struct Chopped<'a> {
    bytes: &'a [u8],
    pos: usize,
    seed: u64,
}

impl<'a> Chopped<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0, seed: bytes.len() as u64 }
    }

    fn most(&mut self) -> usize {
        self.seed = step(self.seed);
        (self.seed >> 33) as usize % 700 + 1
    }
}

impl ByteSource for Chopped<'_> {
    fn size_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, SourceError> {
        let most = self.most().min(buf.len());
        SliceSource(self.bytes).read_at(offset, &mut buf[..most])
    }
}

impl Read for Chopped<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.most().min(buf.len()).min(self.bytes.len() - self.pos);
        buf[..n].copy_from_slice(&self.bytes[self.pos..self.pos + n]);
        self.pos += n;
        Ok(n)
    }
}

fn step(seed: u64) -> u64 {
    seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}

/// Changes a tar as a tar: mostly within one block or by whole blocks, so that
/// the rest stays in place, and with checksums made right again. Without that
/// nearly every change would end the walk at once.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut state = step(u64::from(seed));
    let mut below = |n: usize| {
        state = step(state);
        (state >> 33) as usize % n.max(1)
    };
    let n_blocks = size / BLOCK;
    let (from, to) = (below(n_blocks) * BLOCK, below(n_blocks) * BLOCK);
    let size = match below(8) {
        0 if n_blocks > 0 => {
            data.copy_within(from..from + BLOCK, to);
            size
        }
        1 if n_blocks > 0 && size + BLOCK <= max_size => {
            data.copy_within(to..size, to + BLOCK);
            let from = if from >= to { from + BLOCK } else { from };
            data.copy_within(from..from + BLOCK, to);
            size + BLOCK
        }
        2 if n_blocks > 1 => {
            data.copy_within(to + BLOCK..size, to);
            size - BLOCK
        }
        3..7 if n_blocks > 0 => {
            // One field of a header, or a stretch as long.
            let (start, length) = FIELDS[below(FIELDS.len())];
            let field = &mut data[to + start..to + start + length];
            let n = fuzzer_mutate(field, length, length);
            field[n..].fill(0);
            size
        }
        _ => fuzzer_mutate(data, size, max_size),
    };
    data[..size].chunks_exact_mut(BLOCK).for_each(mend);
    size
}

/// Name, mode, owner, group, size, time, type, link, device, prefix or GNU's
/// stretches, and the front of a body.
const FIELDS: [(usize, usize); 12] = [
    (0, 100),
    (100, 8),
    (108, 8),
    (116, 8),
    (124, 12),
    (136, 12),
    (156, 1),
    (157, 100),
    (329, 16),
    (345, 155),
    (386, 126),
    (0, 512),
];

/// Makes the checksum right of a block that looks like a header.
fn mend(block: &mut [u8]) {
    if &block[257..262] != b"ustar" {
        return;
    }
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
