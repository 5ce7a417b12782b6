//! Chance, where fairness needs no more than that nobody can count on an order.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static SEEDS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
}

/// A number below `n`, which is not 0.
pub(crate) fn below(n: u32) -> u32 {
    STATE.with(|state| {
        let mut x = state.get();
        if x == 0 {
            // Every thread has a sequence of its own; zero would stay zero.
            x = SEEDS.fetch_add(1, Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        }
        // Marsaglia, "Xorshift RNGs" (2003), multiplied as Vigna proposes; the upper half is the better one.
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        state.set(x);
        let upper = x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        // Lemire's reduction, with a bias of 2^-32 at most for what is small.
        ((upper * u64::from(n)) >> 32) as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_come_about_as_often() {
        let mut counts = [0; 7];
        for _ in 0..70_000 {
            counts[below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (9_000..11_000).contains(&count)), "{counts:?}");
    }
}
