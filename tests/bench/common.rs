//! What the benches share: a seed, time, and what a hash of known bytes costs here.

use std::hint::black_box;
use std::time::{Duration, Instant};

use layerlab::digest::Digest;

/// A pseudorandom sequence: the same on each run.
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// The best of several runs; the others were disturbed.
pub(crate) fn best_of<T>(n_runs: usize, mut run: impl FnMut() -> T) -> Duration {
    (0..n_runs)
        .map(|_| {
            let started = Instant::now();
            black_box(run());
            started.elapsed()
        })
        .min()
        .unwrap_or_default()
}

/// How long the sha256 of as many bytes takes, the measure of this machine.
pub(crate) fn sha256_of(n_bytes: usize) -> Duration {
    let bytes = vec![7_u8; n_bytes];
    best_of(3, || Digest::of(black_box(&bytes)))
}

/// Milliseconds with three digits behind the point.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

/// `a / b`.
pub(crate) fn ratio(a: Duration, b: Duration) -> String {
    format!("{:.2}", a.as_secs_f64() / b.as_secs_f64().max(1e-9))
}
