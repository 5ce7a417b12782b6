//! Chance that comes from a seed: the same seed makes the same plans.
//!
//! Every connection and every attack derives a generator of its own from the seed, its name and its numbers. So what one of
//! them does never depends on the order in which the others got to run. The generator is SplitMix64 (Steele, Lea and Flood,
//! *Fast splittable pseudorandom number generators*, 2014), because a crate's may change with its version, and then an old
//! seed would mean another plan.

use std::time::Duration;

/// A generator.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The generator of whoever has this name and these numbers, under `seed`.
    pub fn of(seed: u64, name: &str, numbers: &[u64]) -> Chance {
        let mut chance = Chance(seed);
        for number in name.bytes().map(u64::from).chain(numbers.iter().copied()) {
            chance.0 = chance.next() ^ number;
        }
        chance
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        // The high half of a product: no number is favoured by more than `n` in 2⁶⁴.
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// A number from 1 to `n`.
    pub fn up_to(&mut self, n: usize) -> usize {
        1 + self.below(n as u64) as usize
    }

    /// True in one case of `n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A time of 1 to `n` microseconds.
    pub fn micros(&mut self, n: u64) -> Duration {
        Duration::from_micros(1 + self.below(n))
    }

    /// Another generator, for somebody who goes on by himself.
    pub fn fork(&mut self) -> Chance {
        Chance(self.next())
    }
}

#[cfg(test)]
mod tests;
