//! Goroutines with stacks of other sizes, which use half of them.

use std::hint::black_box;
use std::sync::Arc;

use marmot::{Builder, yield_now};
use marmot_coro::MIN_STACK_SIZE;

use crate::counts::What;
use crate::ground::Ground;

const GOROUTINES: u64 = 6;

/// The bytes that a call keeps on the stack; with what the compiler and a sanitizer add, about twice as many.
const FRAME: usize = 512;

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "stacks", |chance| {
        let all: Vec<_> = (0..GOROUTINES)
            .map(|i| {
                // Up to 2 MiB. The smallest are for leaf calls only.
                let size = MIN_STACK_SIZE << chance.below(6);
                let calls = size.saturating_sub(MIN_STACK_SIZE) / (8 * FRAME);
                let builder = Builder::new().name(format!("stack {i}")).stack_size(size);
                let one = builder.spawn(move || {
                    assert_eq!(marmot::current().name().map(str::len), Some("stack 0".len()));
                    descend(calls)
                });
                (one.expect("the size is one that there is"), calls)
            })
            .collect();
        for (one, calls) in all {
            assert_eq!(one.join().expect("it has not panicked"), calls as u64, "the calls on a stack of its own size");
        }
        ground.count(What::Stacks, GOROUTINES);
    });
}

/// Calls itself so many times, and finds on the way back what it left on the stack.
fn descend(calls: usize) -> u64 {
    if calls == 0 {
        yield_now();
        return 0;
    }
    let frame = black_box([calls as u8; FRAME]);
    let below = descend(calls - 1);
    assert!(black_box(&frame).iter().all(|&byte| byte == calls as u8), "a stack's contents have changed");
    below + 1
}
