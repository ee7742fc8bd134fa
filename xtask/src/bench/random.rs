//! Pseudo-random numbers: the same on every run and machine.

/// `SplitMix64`: one addition and one mix per number.
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence that belongs to `seed`.
    pub(super) fn seeded(seed: u64) -> Self {
        let mut random = Self(seed ^ 0x5D58_8B65_6C07_8965);
        random.next();
        random
    }

    /// The next number of the sequence.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, which must not be zero.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // The high half of the product: no bias that a benchmark could notice.
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// One of `choices`, which must not be empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
