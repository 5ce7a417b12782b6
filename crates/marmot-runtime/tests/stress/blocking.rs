//! Closures that block, on spare threads.

use std::panic::{catch_unwind, resume_unwind};

use marmot_runtime::blocking;

use crate::support::{Chance, on_each_size};

#[test]
fn blocking_calls_come_back_to_who_made_them() {
    on_each_size("blocking_calls_come_back_to_who_made_them", |rt| {
        let all: Vec<_> = (0..100)
            .map(|i| {
                rt.go(move || {
                    let (mut chance, mut sum) = (Chance::new(i), 0);
                    for n in 0..20 {
                        if chance.below(8) == 0 {
                            // Not by `panic!`, whose hook would print.
                            let panicked = catch_unwind(|| blocking(|| resume_unwind(Box::new(()))));
                            assert!(panicked.is_err());
                        }
                        blocking(|| {
                            std::thread::yield_now();
                            sum += n;
                        });
                    }
                    assert_eq!(sum, 190);
                })
            })
            .collect();
        all.into_iter().for_each(|handle| handle.join().unwrap());
    });
}
