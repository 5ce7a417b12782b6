//! What switching and stacks cost: `cargo run --release -p marmot-coro --example switch`.

use std::hint;
use std::time::{Duration, Instant};

use marmot_coro::{Coroutine, DEFAULT_STACK_SIZE, Progress, StackCache, StackError, StackPool};

/// Each figure is the best of so many runs: what disturbs a run only adds to it.
const RUNS: usize = 5;

/// Prints how long one round of `run` takes, which does `rounds` of them.
fn measure(what: &str, rounds: u32, mut run: impl FnMut(u32)) {
    let best = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run(rounds);
            start.elapsed()
        })
        .min()
        .unwrap_or(Duration::ZERO);
    println!("{what:<44} {:>8.1} ns", best.as_secs_f64() * 1e9 / f64::from(rounds));
}

fn main() -> Result<(), StackError> {
    let pool = StackPool::global();
    let mut cache = StackCache::new(pool);

    let mut coroutine = Coroutine::new(pool.take(DEFAULT_STACK_SIZE)?, |suspender| {
        loop {
            suspender.suspend();
        }
    });
    measure("resume and suspend", 20_000_000, |rounds| {
        for _ in 0..rounds {
            let _ = hint::black_box(coroutine.resume());
        }
    });

    // A cache line or two of each stack: more coroutines than the processor's caches hold show what
    // memory costs.
    let mut coroutines = Vec::new();
    for _ in 0..10_000 {
        coroutines.push(Coroutine::new(cache.take(DEFAULT_STACK_SIZE)?, |suspender| {
            loop {
                suspender.suspend();
            }
        }));
    }
    measure("resume and suspend, 10,000 in turn", 2_000_000, |rounds| {
        for round in 0..rounds as usize {
            let index = round % coroutines.len();
            let _ = hint::black_box(coroutines[index].resume());
        }
    });

    measure("take and put, cache", 20_000_000, |rounds| {
        for _ in 0..rounds {
            if let Ok(stack) = cache.take(DEFAULT_STACK_SIZE) {
                cache.put(hint::black_box(stack));
            }
        }
    });
    measure("take and put, pool", 5_000_000, |rounds| {
        for _ in 0..rounds {
            drop(hint::black_box(pool.take(DEFAULT_STACK_SIZE)));
        }
    });
    measure("take, make, run to the end, put; cache", 10_000_000, |rounds| {
        for _ in 0..rounds {
            let Ok(stack) = cache.take(DEFAULT_STACK_SIZE) else {
                return;
            };
            let mut coroutine = Coroutine::new(stack, |_| ());
            assert_eq!(coroutine.resume(), Progress::Finished);
            cache.put(coroutine.into_stack());
        }
    });

    let mut fresh = Vec::new();
    measure("take a new stack and touch it", 5_000, |rounds| {
        for _ in 0..rounds {
            let Ok(stack) = pool.take(DEFAULT_STACK_SIZE) else {
                return;
            };
            let mut coroutine = Coroutine::new(stack, |suspender| suspender.suspend());
            let _ = coroutine.resume();
            fresh.push(coroutine);
        }
    });
    Ok(())
}
