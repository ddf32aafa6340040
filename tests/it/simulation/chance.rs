//! Everything a seed decides.

use std::time::Duration;

/// Throws that repeat themselves. Each part of the play has dice of its own, so that one throw more
/// here changes nothing there.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice for one part of the play of this seed.
    pub fn of(seed: u64, part: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ part.rotate_left(32));
        dice.throw();
        dice
    }

    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.throw() % end.max(1) as u64) as usize
    }

    /// So many times in a thousand.
    pub fn comes(&mut self, per_mille: u32) -> bool {
        self.throw() % 1_000 < u64::from(per_mille)
    }

    /// A length between these, in milliseconds.
    pub fn span(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.throw() % (to - from + 1))
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}
