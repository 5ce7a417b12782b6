//! Scopes: goroutines that borrow from their opener's stack, also mutably, and scopes inside of scopes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use marmot::{scope, sleep, yield_now};

use crate::counts::What;
use crate::ground::Ground;

const PARTS: usize = 8;
const NUMBERS: usize = 64;

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "scopes", |chance| {
        let mut numbers = [0_u64; PARTS * NUMBERS];
        let factor = chance.next() >> 32;
        scope(|s| {
            for (i, part) in numbers.chunks_mut(NUMBERS).enumerate() {
                let mut chance = chance.fork();
                // Nobody joins: the scope's end does.
                s.go(move || {
                    for (k, number) in part.iter_mut().enumerate() {
                        *number = factor * (i * NUMBERS + k) as u64;
                    }
                    if chance.one_in(4) {
                        sleep(chance.micros(300));
                    }
                });
            }
        });
        for (i, number) in numbers.iter().enumerate() {
            assert_eq!(*number, factor * i as u64, "what a borrowing goroutine wrote");
        }
        nested(&numbers, factor);
        ground.count(What::Borrows, (PARTS + PARTS + PARTS * PARTS) as u64);
    });
}

fn nested(numbers: &[u64], factor: u64) {
    let total = AtomicU64::new(0);
    scope(|outer| {
        for part in numbers.chunks(NUMBERS) {
            let total = &total;
            outer.go(move || {
                scope(|inner| {
                    let sums: Vec<_> = part
                        .chunks(NUMBERS / PARTS)
                        .map(|few| {
                            inner.go(move || {
                                yield_now();
                                few.iter().sum::<u64>()
                            })
                        })
                        .collect();
                    let sum: u64 = sums.into_iter().map(|sum| sum.join().expect("a sum does not panic")).sum();
                    total.fetch_add(sum, Relaxed);
                });
            });
        }
    });
    let n = numbers.len() as u64;
    assert_eq!(total.into_inner(), factor * (n * (n - 1) / 2), "the scopes' sum");
}
