//! Plain threads, to which the same interface is open: they call the server, block in reads, join goroutines, unpark them
//! and are unparked by them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use marmot::{Runtime, current, park, park_timeout, sleep};

use crate::chance::Chance;
use crate::counts::What;
use crate::echo::{self, Place};
use crate::ground::Ground;

const THREADS: u64 = 3;
const SIGNALS: u64 = 20;

pub fn run(ground: &Arc<Ground>, runtime: &Runtime) {
    thread::scope(|s| {
        for i in 0..THREADS {
            s.spawn(move || {
                let mut chance = ground.chance("outsiders", &[i]);
                while !ground.is_over() {
                    match chance.below(4) {
                        0 => start_and_join(runtime, &mut chance),
                        1 => signal_each_other(runtime, &mut chance),
                        2 => assert_eq!(runtime.run(|| marmot::go(|| 42).join().expect("it has not panicked")), 42),
                        _ => echo::call(ground, Place::Outside(runtime), chance.fork(), None),
                    }
                    ground.count(What::Outside, 1);
                    ground.rest(&mut chance);
                }
            });
        }
    });
}

fn start_and_join(runtime: &Runtime, chance: &mut Chance) {
    let all: Vec<_> = (0..50)
        .map(|i| {
            let delay = chance.micros(300);
            runtime.go(move || {
                sleep(delay);
                i
            })
        })
        .collect();
    let sum: u64 = all.into_iter().map(|one| one.join().expect("a sleeper has not panicked")).sum();
    assert_eq!(sum, 49 * 50 / 2);
}

/// A goroutine and this thread count up in turns.
fn signal_each_other(runtime: &Runtime, chance: &mut Chance) {
    let turn = Arc::new(AtomicU64::new(0));
    let (me, theirs) = (current(), Arc::clone(&turn));
    let other = runtime.go(move || {
        for i in 0..SIGNALS {
            while theirs.load(Relaxed) != 2 * i + 1 {
                park();
            }
            // Relaxed: `unpark` and `park` order what was done before and after them.
            theirs.store(2 * i + 2, Relaxed);
            me.unpark();
        }
    });
    for i in 0..SIGNALS {
        turn.store(2 * i + 1, Relaxed);
        other.goroutine().unpark();
        while turn.load(Relaxed) != 2 * i + 2 {
            if chance.one_in(2) {
                park();
            } else {
                park_timeout(chance.micros(100));
            }
        }
    }
    other.join().expect("the other has not panicked");
}
