//! Contexts: cancelling, deadlines, values, and that every call that can park hears of the end.

mod common;

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use common::*;
use marmot::context::{self, Cancel, Context, Error};
use marmot::net::TcpStream;
use marmot::sync::{Barrier, Condvar, Mutex, OnceLock, RwLock, Semaphore, WaitGroup, chan, singleflight};
use marmot::time::Ticker;
use marmot::{JoinHandle, WaitReason};

const LONG: Duration = Duration::from_secs(3600);

/// Starts `f` under `ctx`, and waits until it waits for `reason`.
#[track_caller]
fn waiting<T: Send + 'static>(
    place: Place,
    ctx: &Context,
    reason: WaitReason,
    f: impl FnOnce() -> T + Send + 'static,
) -> Started<T> {
    let ctx = ctx.clone();
    let started = place.start(move || ctx.run(f));
    started.until_waiting(reason);
    started
}

fn cancelled() -> Context {
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel();
    ctx
}

/// How many are to be told of the end of `ctx`, as its text says.
fn told(ctx: &Context) -> usize {
    let text = format!("{ctx:?}");
    let number = text.split("told: ").nth(1).unwrap();
    number.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

#[track_caller]
fn assert_cancelled(error: &Error) {
    assert!(error.is_cancelled() && !error.is_deadline_exceeded(), "{error:?}");
}

#[test]
fn the_background_never_ends() {
    let ctx = Context::background();
    assert!(ctx.err().is_none() && ctx.cause().is_none() && ctx.deadline().is_none());
    assert!(ctx.value::<u32>().is_none());
    assert!(context::check().is_ok());
    assert!(!ctx.after_func(|| ()).stop());
}

#[test]
fn an_end_reaches_all_below_and_none_above() {
    let (root, cancel_root) = Context::background().with_cancel();
    let (middle, cancel_middle) = root.with_value(7_u32).with_cancel();
    let (leaf, _) = middle.with_cancel();
    let valued = leaf.with_value("text");
    let (sibling, _) = root.with_cancel();
    cancel_middle.cancel_with_cause("enough");
    for ctx in [&middle, &leaf, &valued] {
        assert_cancelled(&ctx.err().unwrap());
        assert_eq!(ctx.cause().unwrap().to_string(), "enough");
        assert_eq!(*ctx.value::<u32>().unwrap(), 7);
    }
    assert!(root.err().is_none() && sibling.err().is_none());
    // An end comes once.
    cancel_middle.cancel_with_cause("again");
    cancel_root.cancel();
    assert_eq!(leaf.cause().unwrap().to_string(), "enough");
    assert!(sibling.err().unwrap().cause().is_none());
    // Who is made after the end is born with it.
    let (late, _) = leaf.with_timeout(LONG);
    assert_eq!(late.cause().unwrap().to_string(), "enough");
    assert!(late.without_cancel().err().is_none());
}

#[test]
fn values_are_found_by_their_types() {
    let ctx = Context::background().with_value(1_u32).with_value("text").with_value(2_u32);
    assert_eq!(*ctx.value::<u32>().unwrap(), 2);
    assert_eq!(*ctx.value::<&str>().unwrap(), "text");
    assert!(ctx.value::<u64>().is_none());
    let shielded = ctx.with_cancel().0.run(|| context::shield(context::current));
    assert_eq!(*shielded.value::<u32>().unwrap(), 2);
}

#[test]
fn what_is_spawned_inherits() {
    with_procs(2, || {
        let (ctx, cancel) = Context::background().with_value(7_u32).with_cancel();
        let value = || context::current().value::<u32>().map(|value| *value);
        let inner = ctx.run(|| marmot::go(move || (value(), marmot::go(value).join().unwrap())).join().unwrap());
        assert_eq!(inner, (Some(7), Some(7)));
        assert_eq!(ctx.run(|| marmot::blocking(value)), Some(7));
        assert_eq!(ctx.run(|| marmot::go_local(value).join().unwrap()), Some(7));
        assert_eq!(value(), None);
        cancel.cancel();
        let handle = ctx.run(|| marmot::go(context::check));
        assert_cancelled(&handle.join().unwrap().unwrap_err());
        assert!(ctx.run(|| marmot::blocking(context::check)).is_err());
    });
}

#[test]
fn the_context_from_before_comes_back_after_a_panic() {
    everywhere(|_| {
        let ctx = Context::background().with_value(1_u32);
        let thrown = catch_unwind(AssertUnwindSafe(|| ctx.run(|| panic!("on purpose"))));
        assert!(thrown.is_err());
        assert!(context::current().value::<u32>().is_none());
    });
}

#[test]
fn sleep_park_and_join_hear_of_it() {
    everywhere(|place| {
        let (ctx, cancel) = Context::background().with_cancel();
        let sleeper = waiting(place, &ctx, WaitReason::Sleep, || marmot::sleep_or_cancelled(LONG));
        let silent = waiting(place, &ctx, WaitReason::Sleep, || marmot::sleep(Duration::MAX));
        let parked = waiting(place, &ctx, WaitReason::Parked, || {
            marmot::park();
            context::check()
        });
        let limited = waiting(place, &ctx, WaitReason::Parked, || {
            marmot::park_timeout(LONG);
            context::check()
        });
        let other = marmot::go(marmot::park);
        let joined = other.goroutine().clone();
        let joiner = waiting(place, &ctx, WaitReason::Join, || other.join());
        cancel.cancel_with_cause("enough");
        assert_eq!(sleeper.join().unwrap_err().to_string(), "context cancelled: enough");
        silent.join();
        assert_cancelled(&parked.join().unwrap_err());
        assert_cancelled(&limited.join().unwrap_err());
        let payload = joiner.join().unwrap_err();
        assert_cancelled(payload.downcast_ref::<Error>().unwrap());
        joined.unpark();
        until(|| told(&ctx) == 0);
    });
}

#[test]
fn what_begins_after_the_end_fails_at_once() {
    everywhere(|_| {
        cancelled().run(|| {
            let begun = Instant::now();
            assert!(marmot::sleep_or_cancelled(LONG).is_err());
            marmot::sleep(LONG);
            marmot::park();
            marmot::park_timeout(LONG);
            let unfinished = context::shield(|| marmot::go(marmot::park));
            let other = unfinished.goroutine().clone();
            assert!(unfinished.join().is_err());
            other.unpark();
            assert!(begun.elapsed() < LIMIT);
            // A result that is there is not lost.
            let ended = marmot::go(|| 7);
            until_shielded(|| ended.is_finished());
            assert_eq!(ended.join().unwrap(), 7);
        });
    });
}

fn until_shielded(condition: impl FnMut() -> bool) {
    context::shield(|| until(condition));
}

#[test]
fn who_is_shielded_does_not_hear_of_it() {
    everywhere(|place| {
        let (ctx, cancel) = Context::background().with_cancel();
        let (tell, told) = mpsc::channel();
        let started = ctx.clone();
        let shielded = place.start(move || {
            started.run(|| {
                context::shield(|| {
                    tell.send(()).unwrap();
                    marmot::sleep_or_cancelled(ms(50))
                })
                .and_then(|()| context::check())
            })
        });
        until(|| told.try_recv().is_ok());
        cancel.cancel();
        assert_cancelled(&shielded.join().unwrap_err());
    });
}

#[test]
fn a_loop_that_parks_under_an_ended_context_lets_others_run() {
    with_procs(1, || {
        let flag = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&flag);
        cancelled().run(|| {
            marmot::go(move || theirs.store(true, SeqCst));
            while !flag.load(SeqCst) {
                marmot::park();
            }
        });
    });
}

/// Nor does one that takes the end for a time that has passed, or for nothing, whatever it calls.
#[test]
fn loops_that_try_again_under_an_ended_context_let_others_run() {
    with_procs(1, || {
        let limit = Duration::from_secs(3600);
        let (sender, receiver) = chan::bounded::<u32>(1);
        let (to_nobody, _keep) = chan::rendezvous();
        let (mut reader, _writer) = marmot::io::pipe();
        let listener = marmot::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (none, group, ticker) = (Semaphore::new(0), WaitGroup::new(), Ticker::new(limit));
        group.add(1);
        let (lock, changed, rw) = (Mutex::new(()), Condvar::new(), RwLock::new(()));
        let (barrier, cell, flights) =
            (Barrier::new(2), OnceLock::<u32>::new(), singleflight::Group::<u32, u32>::new());
        let calls: [(&str, &mut dyn FnMut()); 16] = [
            ("recv", &mut || {
                let _ = receiver.recv();
            }),
            ("recv_timeout", &mut || {
                let _ = receiver.recv_timeout(limit);
            }),
            ("send", &mut || {
                let _ = to_nobody.send(1);
            }),
            ("select!", &mut || marmot::select! { recv(receiver) -> _ => (), default(limit) => () }),
            ("Semaphore", &mut || {
                let _ = none.acquire();
            }),
            ("WaitGroup", &mut || {
                let _ = group.wait();
            }),
            ("Ticker", &mut || {
                let _ = ticker.wait();
            }),
            ("Mutex", &mut || {
                let _ = lock.lock_or_cancelled();
            }),
            ("RwLock", &mut || {
                let _ = rw.read_or_cancelled();
            }),
            ("Condvar", &mut || {
                let _ = changed.wait_or_cancelled(lock.lock().unwrap());
            }),
            ("Barrier", &mut || {
                let _ = barrier.wait_or_cancelled();
            }),
            ("OnceLock", &mut || {
                let _ = cell.wait_or_cancelled();
            }),
            ("singleflight", &mut || {
                let _ = flights.run(&1, || 1);
            }),
            ("group", &mut || {
                let _ = marmot::group(|g| g.go_or_cancelled(|| Ok(())));
            }),
            ("pipe", &mut || {
                let _ = reader.read(&mut [0]);
            }),
            ("accept", &mut || {
                let _ = listener.accept();
            }),
        ];
        for (name, call) in calls {
            let flag = Arc::new(AtomicBool::new(false));
            let theirs = Arc::clone(&flag);
            let tries = cancelled().run(|| {
                marmot::go(move || theirs.store(true, SeqCst));
                (0..10_000).take_while(|_| !flag.load(SeqCst)).map(|_| call()).count()
            });
            assert!(tries < 10_000, "{name} keeps the M to itself");
        }
        drop(sender);
    });
}

#[test]
fn deadlines_end_waits() {
    everywhere(|place| {
        let (ctx, _cancel) = Context::background().with_timeout(ms(20));
        let (inner, _) = ctx.with_timeout(LONG);
        assert_eq!(inner.deadline(), ctx.deadline());
        let begun = Instant::now();
        let sleeper = waiting(place, &inner, WaitReason::Sleep, || marmot::sleep_or_cancelled(LONG));
        let error = sleeper.join().unwrap_err();
        assert!(error.is_deadline_exceeded() && !error.is_cancelled());
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < LATE + ms(20));
        assert!(ctx.err().unwrap().is_deadline_exceeded());
    });
}

#[test]
fn a_deadline_in_the_past_has_passed() {
    let (ctx, _) = Context::background().with_deadline(Instant::now());
    assert!(ctx.err().unwrap().is_deadline_exceeded());
    let (ctx, cancel) = Context::background().with_timeout(Duration::MAX);
    assert!(ctx.err().is_none());
    cancel.cancel();
    assert_cancelled(&ctx.err().unwrap());
}

#[test]
fn functions_run_after_the_end_in_goroutines() {
    everywhere(|_| {
        let (ctx, cancel) = Context::background().with_value(7_u32).with_cancel();
        let (tell, told) = mpsc::channel();
        let tell_late = tell.clone();
        let first = ctx.after_func(move || {
            // It may wait: the end is not its own.
            marmot::sleep_or_cancelled(ms(1)).unwrap();
            tell.send(*context::current().value::<u32>().unwrap()).unwrap();
        });
        let stopped = ctx.after_func(|| unreachable!("it was stopped"));
        assert!(stopped.stop() && !stopped.stop());
        cancel.cancel();
        assert!(!first.stop());
        let mut got = None;
        until(|| {
            got = told.try_recv().ok();
            got.is_some()
        });
        assert_eq!(got, Some(7));
        assert!(!ctx.after_func(move || tell_late.send(1).unwrap()).stop());
        until(|| told.try_recv().is_ok());
    });
}

#[test]
fn what_is_over_leaves_nothing_behind() {
    with_procs(2, || {
        let (root, _cancel) = Context::background().with_cancel();
        root.run(|| marmot::sleep(ms(1)));
        assert_eq!(told(&root), 0, "who has left is no longer told");
        for _ in 0..1000 {
            let (request, _cancel) = root.with_timeout(LONG);
            let handle = request.run(|| marmot::go(|| marmot::sleep(Duration::from_micros(1))));
            handle.join().unwrap();
        }
        until(|| told(&root) == 0);
    });
}

#[test]
fn deep_chains_are_dropped_one_after_the_other() {
    with_procs(1, || {
        let mut ctx = Context::background();
        for i in 0..50_000_u32 {
            ctx = ctx.with_value(i).with_cancel().0;
        }
        let (leaf, _) = ctx.with_cancel();
        drop(ctx);
        drop(leaf);
    });
}

#[test]
fn deep_chains_are_cancelled() {
    let (root, cancel) = Context::background().with_cancel();
    let mut all = vec![root];
    for _ in 0..20_000 {
        all.push(all.last().unwrap().with_cancel().0);
    }
    cancel.cancel();
    assert!(all.iter().all(|ctx| ctx.err().is_some()));
}

#[test]
fn many_are_told_at_once() {
    with_procs(2, || {
        const MANY: usize = 10_000;
        let (ctx, cancel) = Context::background().with_cancel();
        let asleep = Arc::new(AtomicUsize::new(0));
        let sleepers: Vec<JoinHandle<_>> = ctx.run(|| {
            let sleeper = |_| {
                let asleep = Arc::clone(&asleep);
                marmot::Builder::new()
                    .stack_size(64 * 1024)
                    .spawn(move || {
                        asleep.fetch_add(1, SeqCst);
                        marmot::sleep_or_cancelled(LONG)
                    })
                    .unwrap()
            };
            (0..MANY).map(sleeper).collect()
        });
        until(|| asleep.load(SeqCst) == MANY && told(&ctx) == MANY);
        let begun = Instant::now();
        cancel.cancel();
        for sleeper in sleepers {
            assert!(sleeper.join().unwrap().is_err());
        }
        assert!(begun.elapsed() < LATE, "{:?}", begun.elapsed());
    });
}

#[test]
fn a_cancel_may_be_sent_and_debugged() {
    fn sent<T: Send + Sync + Clone>() {}
    sent::<Context>();
    sent::<Cancel>();
    let (ctx, cancel) = Context::background().with_cancel();
    assert!(format!("{ctx:?}").contains("err: None"));
    assert!(format!("{cancel:?}").contains("ended: false"));
}

#[test]
fn connections_hear_of_it() {
    everywhere(|place| {
        let (ctx, cancel) = Context::background().with_cancel();
        let (near, far) = pair();
        let listener = Arc::new(listener());
        let (reader, turn, writer) = (near.try_clone().unwrap(), near.try_clone().unwrap(), near.try_clone().unwrap());
        let mut text = [0; 16];
        let reader = waiting(place, &ctx, WaitReason::IoRead, move || (&reader).read_exact(&mut text).unwrap_err());
        let turn = waiting(place, &ctx, WaitReason::IoTurn, move || (&turn).read(&mut [0]).unwrap_err());
        let writer = waiting(place, &ctx, WaitReason::IoWrite, move || write_until_error(&writer));
        let accepting = Arc::clone(&listener);
        let accepter = waiting(place, &ctx, WaitReason::IoRead, move || accepting.accept().unwrap_err());
        cancel.cancel_with_cause("enough");
        for waiting in [reader, turn, writer, accepter] {
            let error = waiting.join();
            assert_eq!(error.kind(), io::ErrorKind::Other);
            assert_cancelled(Error::of(&error).unwrap());
            assert_eq!(error.to_string(), "context cancelled: enough");
        }
        // The connection goes on as before.
        (&far).write_all(b"word").unwrap();
        (&near).read_exact(&mut text[..4]).unwrap();
        assert_eq!(&text[..4], b"word");
        let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop((listener.accept().unwrap(), other));
    });
}

#[test]
fn operations_that_begin_after_the_end_are_not_tried() {
    everywhere(|_| {
        let listener = listener();
        let (near, far) = pair_at(&listener);
        let pending = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (&far).write_all(b"word").unwrap();
        near.wait_readable().unwrap();
        cancelled().run(|| {
            let failed = |result: io::Result<()>| assert_cancelled(Error::of(&result.unwrap_err()).unwrap());
            failed((&near).read(&mut [0; 4]).map(drop));
            failed((&near).write(b"word").map(drop));
            failed(near.peek(&mut [0; 4]).map(drop));
            failed(near.wait_readable());
            failed(listener.accept().map(drop));
            failed(TcpStream::connect(listener.local_addr().unwrap()).map(drop));
            let mut word = [0; 4];
            context::shield(|| (&near).read_exact(&mut word)).unwrap();
            assert_eq!(&word, b"word", "nothing was taken");
        });
        drop((listener.accept().unwrap(), pending));
    });
}

#[test]
fn timeouts_of_a_connection_and_deadlines_of_a_context_differ() {
    everywhere(|_| {
        let (near, _far) = pair();
        near.set_read_timeout(Some(ms(5))).unwrap();
        let (ctx, _cancel) = Context::background().with_timeout(LONG);
        let error = ctx.run(|| (&near).read(&mut [0])).unwrap_err();
        assert!(error.kind() == io::ErrorKind::TimedOut && Error::of(&error).is_none());
        near.set_read_timeout(Some(LONG)).unwrap();
        let (ctx, _cancel) = Context::background().with_timeout(ms(5));
        let error = ctx.run(|| (&near).read(&mut [0])).unwrap_err();
        assert!(error.kind() == io::ErrorKind::TimedOut && Error::of(&error).unwrap().is_deadline_exceeded());
    });
}

#[test]
fn goroutines_that_wait_unstarted_are_started() {
    with_procs(2, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let (near, _far) = pair();
        let handle = ctx.run(|| near.go_when_readable(|mut conn| conn.read(&mut [0]).unwrap_err()));
        assert_eq!(told(&ctx), 1);
        cancel.cancel();
        assert_cancelled(Error::of(&handle.join().unwrap()).unwrap());
        // Born under an ended context.
        let (near, _far) = pair();
        let handle = ctx.run(|| near.go_when_readable(|mut conn| conn.read(&mut [0]).unwrap_err()));
        assert_cancelled(Error::of(&handle.join().unwrap()).unwrap());
        // Who has started, or never will, is not told any more.
        let (ctx, _cancel) = Context::background().with_cancel();
        let (near, far) = pair();
        let handle = ctx.run(|| near.go_when_readable(|mut conn| conn.read(&mut [0]).unwrap()));
        (&far).write_all(b"x").unwrap();
        assert_eq!(handle.join().unwrap(), 1);
        until(|| told(&ctx) == 0);
    });
}

#[test]
fn who_wants_to_wait_unstarted_does_not_wait_for_the_turn() {
    everywhere(|place| {
        let (ctx, cancel) = Context::background().with_cancel();
        let (near, far) = pair();
        let (reading, wants) = (near.try_clone().unwrap(), near.try_clone().unwrap());
        let reader = place.start(move || (&reading).read(&mut [0]).unwrap());
        reader.until_waiting(WaitReason::IoRead);
        let spawner = waiting(place, &ctx, WaitReason::IoTurn, move || {
            wants.go_when_readable(|mut conn| conn.read(&mut [0]).unwrap_err())
        });
        cancel.cancel();
        assert_cancelled(Error::of(&spawner.join().join().unwrap()).unwrap());
        // The turn is the reader's still.
        (&far).write_all(b"x").unwrap();
        assert_eq!(reader.join(), 1);
        (&far).write_all(b"y").unwrap();
        assert_eq!((&near).read(&mut [0]).unwrap(), 1);
    });
}

#[test]
fn no_byte_is_lost_or_counted_twice() {
    const TOTAL: usize = 200_000;
    with_procs(2, || {
        let (near, far) = pair();
        let bytes = noise(TOTAL, 1);
        let sent = bytes.clone();
        let writer = marmot::go(move || {
            for part in sent.chunks(997) {
                (&far).write_all(part).unwrap();
                marmot::yield_now();
            }
        });
        let (mut got, mut ends, mut buf) = (Vec::new(), 0, [0; 512]);
        while got.len() < TOTAL {
            let (ctx, cancel) = Context::background().with_cancel();
            let canceller = marmot::go(move || cancel.cancel());
            let read = ctx.run(|| {
                loop {
                    match (&near).read(&mut buf) {
                        Ok(n) => got.extend_from_slice(&buf[..n]),
                        Err(error) => break error,
                    }
                    if got.len() == TOTAL {
                        context::shield(|| marmot::sleep(ms(1)));
                    }
                }
            });
            assert_cancelled(Error::of(&read).unwrap());
            ends += 1;
            canceller.join().unwrap();
        }
        writer.join().unwrap();
        assert!(ends > 0 && got == bytes);
    });
}

#[test]
fn a_scope_is_cancelled_by_the_first_panic() {
    everywhere(|_| {
        let thrown = catch_unwind(AssertUnwindSafe(|| {
            marmot::scope(|s| {
                let sleeper = s.go(|| marmot::sleep_or_cancelled(LONG));
                s.go(|| panic!("on purpose"));
                // The closure hears of it, too; it still gets what its goroutines return.
                let error = marmot::sleep_or_cancelled(LONG).unwrap_err();
                assert!(error.to_string().contains("panicked"));
                assert_cancelled(&sleeper.join().unwrap().unwrap_err());
            });
        }));
        assert!(thrown.is_err());
        let asleep = AtomicBool::new(true);
        let thrown = catch_unwind(AssertUnwindSafe(|| {
            marmot::scope(|s| {
                s.go(|| asleep.store(marmot::sleep_or_cancelled(LONG).is_ok(), SeqCst));
                panic!("on purpose");
            });
        }));
        assert!(thrown.is_err());
        assert!(!asleep.load(SeqCst));
        assert!(context::check().is_ok());
    });
}

#[test]
fn a_scope_ends_with_the_context_around_it_and_not_before_its_goroutines() {
    everywhere(|place| {
        let (ctx, cancel) = Context::background().with_cancel();
        let opener = waiting(place, &ctx, WaitReason::Scope, || {
            let clean = AtomicBool::new(false);
            marmot::scope(|s| {
                s.go(|| {
                    let error = marmot::sleep_or_cancelled(LONG).unwrap_err();
                    context::shield(|| marmot::sleep(ms(5)));
                    clean.store(true, SeqCst);
                    error
                });
            });
            clean.load(SeqCst)
        });
        cancel.cancel();
        assert!(opener.join(), "it has waited");
        marmot::scope(|s| {
            let child = s.context();
            let first = s.go(|| {
                s.cancel_with_cause("found");
                context::check()
            });
            assert_cancelled(&first.join().unwrap().unwrap_err());
            assert_eq!(child.cause().unwrap().to_string(), "found");
        });
    });
}

#[test]
fn runtimes_shut_down_under_a_context_that_has_ended() {
    bounded(|| {
        cancelled().run(|| {
            let rt = runtime(2);
            let error = rt.run(|| marmot::sleep_or_cancelled(LONG)).unwrap_err();
            assert_cancelled(&error);
            rt.shutdown(LIMIT).unwrap();
        });
    });
}

#[test]
fn a_deadline_outlives_the_runtime_where_it_was_made() {
    bounded(|| {
        let rt = runtime(1);
        let (ctx, _cancel) = rt.run(|| Context::background().with_timeout(ms(100)));
        rt.shutdown(LIMIT).unwrap();
        let begun = Instant::now();
        assert!(ctx.run(|| marmot::sleep_or_cancelled(LONG)).unwrap_err().is_deadline_exceeded());
        assert!(ctx.deadline().unwrap() <= Instant::now() && begun.elapsed() < LIMIT);
    });
}

#[test]
fn a_function_that_was_stopped_is_not_stopped_again_in_the_place_of_another() {
    let (ctx, cancel) = Context::background().with_cancel();
    let (tell, told) = mpsc::channel();
    let stopped = ctx.after_func(|| unreachable!("it was stopped"));
    assert!(stopped.stop());
    // It has the place of the one before.
    ctx.after_func(move || tell.send(()).unwrap());
    assert!(!stopped.stop());
    cancel.cancel();
    told.recv_timeout(LIMIT).unwrap();
    assert!(!stopped.stop());
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("it is part of the test");
    }
}

#[test]
fn what_panics_where_a_function_is_dropped_keeps_no_other_from_running() {
    let _alone = alone();
    let (ctx, cancel) = Context::background().with_cancel();
    let (tell, told) = mpsc::channel();
    for n in 0..3 {
        // What is hung on it there is dropped at its end, for its runtime has stopped by then, and the value with it.
        let (stopped, inner) = (runtime(1), ctx.clone());
        let hangs = stopped.go(move || {
            inner.with_value(Bomb).after_func(|| unreachable!("its runtime has stopped"));
        });
        hangs.join().unwrap();
        stopped.shutdown(LIMIT).unwrap();
        let tell = tell.clone();
        ctx.after_func(move || tell.send(n).unwrap());
    }
    cancel.cancel();
    let mut ran: Vec<_> = (0..3).map(|_| told.recv_timeout(LIMIT).unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, [0, 1, 2]);
}
