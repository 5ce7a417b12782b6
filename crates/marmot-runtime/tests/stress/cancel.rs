//! Contexts that end while goroutines wait under them, are readied, make others, and end themselves.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use marmot_runtime::context::{self, Context, Error};
use marmot_runtime::{blocking, go, park, sleep_or_cancelled, yield_now};

use crate::support::{Chance, listener, on_each_size, pair};

const LONG: Duration = Duration::from_secs(3600);

/// Waits, one way or the other, until the context ends. Others may ready it meanwhile.
fn wait_for_the_end(chance: &mut Chance) -> Error {
    loop {
        let ended = match chance.below(6) {
            0 => sleep_or_cancelled(LONG),
            1 => sleep_or_cancelled(chance.micros(50)),
            2 => {
                park();
                context::check()
            }
            3 => context::shield(|| sleep_or_cancelled(chance.micros(20))).and_then(|()| context::check()),
            4 => {
                let (below, cancel) = Context::current().with_cancel();
                if chance.below(2) == 0 {
                    cancel.cancel();
                }
                // It ends with the one around it at the latest.
                below.run(|| sleep_or_cancelled(LONG)).unwrap_err();
                context::check()
            }
            _ => {
                let other = go(|| sleep_or_cancelled(LONG));
                match other.join() {
                    Ok(ended) => ended,
                    Err(payload) => Err(*payload.downcast::<Error>().unwrap()),
                }
            }
        };
        if let Err(error) = ended {
            return error;
        }
    }
}

#[test]
fn no_end_is_lost() {
    const ROUNDS: usize = 100;
    const WAITERS: usize = 16;
    on_each_size("no_end_is_lost", |rt| {
        let ended = Arc::new(AtomicUsize::new(0));
        for round in 0..ROUNDS {
            let mut chance = Chance::new(round);
            let (root, cancel) = match chance.below(3) {
                0 => Context::background().with_timeout(chance.micros(2000)),
                _ => Context::background().with_cancel(),
            };
            let waiters: Vec<_> = (0..WAITERS)
                .map(|i| {
                    let ended = Arc::clone(&ended);
                    root.run(|| {
                        rt.go(move || {
                            wait_for_the_end(&mut Chance::new(round * WAITERS + i));
                            ended.fetch_add(1, Relaxed);
                        })
                    })
                })
                .collect();
            let parked: Vec<_> = waiters.iter().map(|waiter| waiter.goroutine().clone()).collect();
            let canceller = rt.go(move || {
                for _ in 0..chance.below(200) {
                    parked[chance.below(WAITERS as u64) as usize].unpark();
                    yield_now();
                }
                cancel.cancel();
            });
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
            canceller.join().unwrap();
        }
        assert_eq!(ended.load(Relaxed), ROUNDS * WAITERS);
    });
}

#[test]
fn connections_hear_of_the_end_and_lose_nothing() {
    const ROUNDS: usize = 40;
    const BYTES: usize = 2000;
    on_each_size("connections_hear_of_the_end_and_lose_nothing", |rt| {
        let listener = listener();
        let all: Vec<_> = (0..4)
            .map(|i| {
                let (mut near, mut far) = pair(&listener).unwrap();
                let writer = rt.go(move || (0..BYTES).for_each(|n| far.write_all(&[n as u8]).unwrap()));
                let reader = rt.go(move || {
                    let (mut chance, mut got, mut byte) = (Chance::new(i), 0, [0]);
                    for round in 0.. {
                        let (ctx, cancel) = Context::current().with_cancel();
                        let wait = chance.micros(300);
                        let canceller = go(move || {
                            if round < ROUNDS {
                                sleep_or_cancelled(wait).unwrap();
                                cancel.cancel();
                            }
                        });
                        while got < BYTES {
                            match ctx.run(|| near.read(&mut byte)) {
                                Ok(n) => {
                                    assert_eq!((n, byte[0]), (1, got as u8));
                                    got += 1;
                                }
                                Err(error) => {
                                    assert!(Error::of(&error).unwrap().is_cancelled());
                                    break;
                                }
                            }
                        }
                        canceller.join().unwrap();
                        if got == BYTES {
                            return;
                        }
                    }
                });
                (writer, reader)
            })
            .collect();
        for (writer, reader) in all {
            writer.join().unwrap();
            reader.join().unwrap();
        }
    });
}

#[test]
fn plain_threads_hear_of_it() {
    on_each_size("plain_threads_hear_of_it", |rt| {
        for round in 0..50 {
            let (ctx, cancel) = Context::background().with_cancel();
            let waiters: Vec<_> = (0..4)
                .map(|i| {
                    let waits = move || blocking(|| wait_for_the_end(&mut Chance::new(round * 4 + i)));
                    ctx.run(|| rt.go(waits))
                })
                .collect();
            let canceller = rt.go(move || {
                yield_now();
                cancel.cancel();
            });
            for waiter in waiters {
                assert!(waiter.join().unwrap().is_cancelled());
            }
            canceller.join().unwrap();
        }
    });
}
