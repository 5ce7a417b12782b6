//! Timers, tickers and functions that are called later: nothing is early, nothing is lost, nothing that was stopped comes. The cases are
//! those of Go's `tick_test.go` and `sleep_test.go`, and of `std`'s tests of sleeping. How late something is is not looked at.

mod common;

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use common::{LIMIT, Place, alone, bounded, everywhere, in_child, ms, runtime, until, with_procs};
use marmot::WaitReason;
use marmot::context::{self, Context};
use marmot::sync::chan;
use marmot::time::{self, AfterFunc, Duration, Instant, Ticker, Timer, after, after_func};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// So long that it does not come while a test runs.
const LONG: Duration = Duration::from_secs(3600);

const fn shared<T: Send + Sync + 'static>() {}
const _: () = {
    shared::<Timer>();
    shared::<Ticker>();
    shared::<AfterFunc>();
};

fn count() -> (Arc<AtomicU32>, impl Fn() + Send + Sync + 'static) {
    let count = Arc::new(AtomicU32::new(0));
    let ours = Arc::clone(&count);
    (count, move || {
        ours.fetch_add(1, SeqCst);
    })
}

#[test]
fn sleeping_is_never_too_short() {
    everywhere(|_| {
        for wait in
            [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(1), Duration::from_micros(150), ms(3)]
        {
            let begun = Instant::now();
            time::sleep(wait);
            assert!(begun.elapsed() >= wait);
            let deadline = Instant::now() + wait;
            time::sleep_until(deadline);
            assert!(Instant::now() >= deadline);
            let begun = Instant::now();
            time::sleep_or_cancelled(wait).unwrap();
            assert!(begun.elapsed() >= wait);
        }
        // What is past is not waited for.
        time::sleep_until(Instant::now().checked_sub(ms(10)).unwrap_or_else(Instant::now));
    });
}

/// Go's `TestOverflowSleep`: what no clock can tell does not come, and does not wrap.
#[test]
fn the_far_future_does_not_come() {
    everywhere(|place| {
        for far in [Duration::MAX, Duration::from_nanos(u64::MAX), Duration::from_secs(u64::MAX / 1_000_000_000)] {
            let timer = Timer::new(far);
            let ticker = Ticker::new(far);
            let (count, counts) = count();
            let later = after_func(far, counts);
            time::sleep(ms(2));
            assert_eq!((timer.try_wait(), ticker.try_wait(), count.load(SeqCst)), (None, None, 0));
            assert!(timer.stop() && later.stop());
        }
        if place == Place::Goroutines {
            let sleeper = marmot::go(|| marmot::park_timeout(Duration::MAX));
            until(|| sleeper.goroutine().wait_reason() == Some(WaitReason::Parked));
            sleeper.goroutine().unpark();
            sleeper.join().unwrap();
        }
    });
}

#[test]
fn a_timer_fires_once_and_not_early() {
    everywhere(|place| {
        let begun = Instant::now();
        let timer = Arc::new(Timer::new(ms(3)));
        let theirs = Arc::clone(&timer);
        let tick = place.start(move || theirs.wait().unwrap()).join();
        assert!(tick >= begun + ms(3) && tick <= Instant::now());
        assert_eq!(timer.try_wait(), None);
        assert!(!timer.stop(), "it was received");

        // It has fired when somebody comes.
        let zero = Timer::new(Duration::ZERO);
        until(|| zero.try_wait().is_some());
        let begun = Instant::now();
        assert!(after(ms(2)).wait().unwrap() >= begun + ms(2));
    });
}

/// Go's `TestAfterStop`, `TestReset` and those of Go 1.23 that nothing stale is received.
#[test]
fn no_stale_tick_is_received_after_stop_or_reset() {
    everywhere(|_| {
        let timer = Timer::new(Duration::ZERO);
        for round in 0..200_u64 {
            // It fires about now: before the call, during it, or not at all.
            timer.reset(Duration::from_micros(round % 50));
            (0..round).for_each(|_| std::hint::spin_loop());
            if round % 3 == 0 {
                marmot::yield_now();
            }
            if round % 2 == 0 {
                timer.stop();
                assert_eq!(timer.try_wait(), None);
                assert!(!timer.stop(), "it was stopped");
            } else {
                assert!(timer.reset(LONG), "it was to be received");
                assert_eq!(timer.try_wait(), None);
                assert!(timer.stop());
            }
        }
        // What has fired, and nobody has received, counts as stopped.
        timer.reset(Duration::ZERO);
        time::sleep(ms(5));
        assert!(timer.stop());
        assert_eq!(timer.try_wait(), None);
        let ticker = Ticker::new(Duration::from_micros(50));
        for _ in 0..50 {
            ticker.stop();
            assert_eq!(ticker.try_wait(), None);
            ticker.reset(Duration::from_micros(50));
        }
        ticker.reset(LONG);
        assert_eq!(ticker.try_wait(), None);
    });
}

#[test]
fn who_waits_at_a_stopped_timer_is_served_when_it_is_set_again() {
    everywhere(|place| {
        let timer = Arc::new(Timer::new(LONG));
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let timer = Arc::clone(&timer);
                place.start(move || timer.wait().unwrap())
            })
            .collect();
        waiters.iter().for_each(|waiter| waiter.until_waiting(WaitReason::Receive));
        assert!(timer.stop());
        for served in 1..=waiters.len() {
            assert!(!timer.reset(ms(1)), "it was not set, and nobody has left a tick");
            until(|| waiters.iter().filter(|waiter| waiter.is_finished()).count() == served);
        }
        waiters.into_iter().for_each(|waiter| assert!(waiter.join() <= Instant::now()));
        assert_eq!(timer.try_wait(), None, "each tick served one");
    });
}

/// As an arm of a choice, a timer is a limit for the others, and a ticker one that comes again and again.
#[test]
fn timers_and_tickers_are_arms_of_a_choice() {
    everywhere(|place| {
        let (sender, receiver) = chan::bounded::<u32>(1);
        let begun = Instant::now();
        let is_late = marmot::select! {
            recv(receiver) -> _ => false,
            recv(after(ms(2))) -> tick => tick.unwrap() >= begun + ms(2),
        };
        assert!(is_late);
        let (ticker, limit) = (Ticker::new(Duration::from_micros(300)), Timer::new(LONG));
        let (mut ticks, mut sum) = (0, 0);
        let sending = place.start(move || (1..=10).for_each(|i| sender.send(i).unwrap()));
        while ticks < 3 || sum < 55 {
            marmot::select! {
                recv(ticker) -> tick => {
                    assert!(tick.unwrap() > begun);
                    ticks += 1;
                }
                recv(receiver) -> number => match number {
                    Ok(number) => sum += number,
                    Err(_) => assert_eq!(sum, 55),
                },
                recv(limit) -> _ => panic!("an hour is over"),
            }
        }
        sending.join();
        // What was not chosen was not received.
        limit.reset(Duration::ZERO);
        assert!(limit.wait().unwrap() > begun);
        ticker.stop();
        let is_empty = marmot::select! {
            recv(ticker) -> _ => false,
            recv(limit) -> _ => false,
            default => true,
        };
        assert!(is_empty);
    });
}

#[test]
fn the_end_of_a_context_ends_a_wait_and_takes_no_tick() {
    everywhere(|place| {
        let timer = Arc::new(Timer::new(LONG));
        let (ctx, cancel) = Context::current().with_cancel();
        let theirs = Arc::clone(&timer);
        let waiter = place
            .start(move || ctx.run(|| (theirs.wait().map_err(|e| e.is_cancelled()), Ticker::new(LONG).iter().count())));
        waiter.until_waiting(WaitReason::Receive);
        cancel.cancel();
        assert_eq!(waiter.join(), (Err(true), 0));
        timer.reset(Duration::ZERO);
        timer.wait().unwrap();
        let (ctx, _cancel) = Context::current().with_timeout(ms(2));
        let ended = ctx.run(|| (time::sleep_or_cancelled(LONG), timer.wait()));
        assert!(ended.0.unwrap_err().is_deadline_exceeded() && ended.1.unwrap_err().is_deadline_exceeded());
    });
}

/// Go's `TestAfterQueuing`.
#[test]
fn timers_fire_in_the_order_of_their_times() {
    everywhere(|place| {
        let slots = [5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0_u64];
        // When each is due is known but for the time that it takes to make it.
        let timers = slots.map(|slot| {
            let (wait, earliest) = (ms(2 * slot), Instant::now());
            let timer = Timer::new(wait);
            (earliest + wait, Instant::now() + wait, timer)
        });
        let ends =
            timers.map(|(earliest, latest, timer)| (earliest, latest, place.start(move || timer.wait().unwrap())));
        let ends = ends.map(|(earliest, latest, end)| (earliest, latest, end.join()));
        for (earliest, latest, tick) in ends {
            assert!(tick >= earliest);
            // One heap has them all.
            assert!(ends.iter().all(|&(later, _, theirs)| latest >= later || tick <= theirs), "{ends:?}");
        }
    });
}

#[test]
fn a_ticker_is_never_fast_and_stays_in_step() {
    everywhere(|_| {
        let (begun, period) = (Instant::now(), ms(2));
        let ticker = Ticker::new(period);
        for (i, tick) in (1_u32..).zip(&ticker).take(5) {
            assert!(tick >= begun + period * i, "tick {i}");
        }
        // Who is slow finds one tick, which is old, and the next is in step.
        time::sleep(period * 4);
        let missed = ticker.wait().unwrap();
        assert!(missed <= Instant::now());
        assert!(ticker.wait().unwrap() > missed);
        ticker.reset(LONG);
        assert_eq!(ticker.try_wait(), None);
        let begun = Instant::now();
        ticker.reset(period);
        assert!(ticker.wait().unwrap() >= begun + period);
    });
}

/// Go's `TestTeardown`.
#[test]
fn tickers_come_and_go() {
    everywhere(|_| {
        for _ in 0..3 {
            let ticker = Ticker::new(Duration::from_micros(100));
            ticker.wait().unwrap();
            ticker.stop();
        }
    });
}

/// Go's `TestNewTickerLtZeroDuration` and `TestTickerResetLtZeroDuration`.
#[test]
fn a_period_of_zero_panics() {
    let text = |payload: Box<dyn std::any::Any + Send>| payload.downcast_ref::<&str>().map(|text| text.to_string());
    let expected = Some("a ticker's period must not be zero".to_owned());
    let made = catch_unwind(|| drop(Ticker::new(Duration::ZERO)));
    assert_eq!(made.map_err(text), Err(expected.clone()));
    let ticker = Ticker::new(LONG);
    let reset = catch_unwind(std::panic::AssertUnwindSafe(|| ticker.reset(Duration::ZERO)));
    assert_eq!(reset.map_err(text), Err(expected));
}

/// Go's `TestAfterFunc`: each call makes the next.
#[test]
fn a_function_that_is_called_later_may_set_the_next() {
    fn next(left: u32, tell: std::sync::mpsc::Sender<Instant>) {
        let tell = Mutex::new(Some(tell));
        after_func(Duration::from_micros(100), move || {
            // It is called once.
            let tell = tell.lock().unwrap().take().unwrap();
            if left == 0 {
                tell.send(Instant::now()).unwrap();
            } else {
                next(left - 1, tell);
            }
        });
    }
    everywhere(|_| {
        let (tell, told) = std::sync::mpsc::channel();
        let begun = Instant::now();
        next(20, tell);
        let end = marmot::blocking(move || told.recv_timeout(LIMIT)).unwrap();
        assert!(end >= begun + Duration::from_micros(2100));
    });
}

#[test]
fn a_function_is_called_once_for_each_time_and_not_when_stopped() {
    everywhere(|_| {
        let (calls, counts) = count();
        let later = after_func(LONG, counts);
        assert!(later.reset(LONG));
        assert!(later.stop());
        assert!(!later.stop());
        assert!(!later.reset(ms(1)));
        until(|| calls.load(SeqCst) == 1);
        assert!(!later.stop());
        assert!(!later.reset(Duration::ZERO));
        until(|| calls.load(SeqCst) == 2);
        // To drop it changes nothing.
        later.reset(ms(1));
        drop(later);
        until(|| calls.load(SeqCst) == 3);
        until(|| Arc::strong_count(&calls) == 1);
    });
}

/// Go's `TestIssue5745`: timers can be used by what runs after a panic in such a function.
#[test]
fn a_panic_in_a_function_that_is_called_later_is_its_goroutines() {
    struct Tell(std::sync::mpsc::Sender<bool>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let begun = Instant::now();
            time::sleep(ms(1));
            self.0.send(begun.elapsed() >= ms(1)).unwrap();
        }
    }
    everywhere(|_| {
        let (tell, told) = std::sync::mpsc::channel();
        after_func(ms(1), move || {
            let _tell = Tell(tell.clone());
            panic!("as it is to be");
        });
        assert_eq!(marmot::blocking(move || told.recv_timeout(LIMIT)), Ok(true));
    });
}

/// What the function has is dropped in a goroutine, where destructors may park.
#[test]
fn what_a_function_has_may_park_when_it_is_dropped() {
    struct Sleepy(Arc<AtomicU32>);
    impl Drop for Sleepy {
        fn drop(&mut self) {
            time::sleep(ms(1));
            marmot::yield_now();
            self.0.fetch_add(1, SeqCst);
        }
    }
    everywhere(|_| {
        let drops = Arc::new(AtomicU32::new(0));
        for stops in [false, true] {
            let sleepy = Sleepy(Arc::clone(&drops));
            let later = after_func(ms(1), move || assert!(Arc::strong_count(&sleepy.0) > 1));
            if stops {
                later.stop();
            }
        }
        until(|| drops.load(SeqCst) == 2);
    });
}

/// Go's `TestAfterFuncStarvation`: two goroutines that ready each other all the time hold up no timer.
#[test]
fn goroutines_that_ready_each_other_hold_up_no_timer() {
    let _alone = alone();
    for procs in [1, 2] {
        with_procs(procs, || {
            let (calls, counts) = count();
            after_func(ms(2), counts);
            let begun = Instant::now();
            let busy = |calls: Arc<AtomicU32>| {
                marmot::go(move || {
                    while calls.load(SeqCst) == 0 && begun.elapsed() < LIMIT {
                        marmot::yield_now();
                    }
                })
            };
            let both = [busy(Arc::clone(&calls)), busy(Arc::clone(&calls))];
            both.into_iter().for_each(|one| one.join().unwrap());
            assert_eq!(calls.load(SeqCst), 1);
        });
    }
}

/// Go's `TestLongAdjustTimers` and `TestTimerModifiedEarlier`: among many that are far away, those that are moved to be near come.
#[test]
fn timers_that_are_moved_among_many_come() {
    everywhere(|_| {
        let far: Vec<Timer> = (0..1000).map(|i| Timer::new(LONG + ms(i))).collect();
        let near = Timer::new(LONG);
        for round in 0..20 {
            let begun = Instant::now();
            let wait = Duration::from_micros(50 * round);
            assert!(near.reset(wait) == (round == 0));
            assert!(near.wait().unwrap() >= begun + wait);
        }
        // Each second goes, and each of the others comes.
        let begun = Instant::now();
        let (stay, go): (Vec<_>, Vec<_>) = far.into_iter().enumerate().partition(|(i, _)| i % 2 == 0);
        assert!(go.iter().all(|(_, timer)| timer.stop()));
        assert!(stay.iter().all(|(i, timer)| timer.reset(Duration::from_micros(*i as u64))));
        assert!(stay.iter().all(|(i, timer)| timer.wait().unwrap() >= begun + Duration::from_micros(*i as u64)));
        assert!(go.iter().all(|(_, timer)| timer.try_wait().is_none()));
    });
}

/// A runtime that goes takes no timer with it, and lets none fire early.
#[test]
fn timers_outlive_the_runtime_in_which_they_were_set() {
    let _alone = alone();
    bounded(|| {
        let wait = ms(60);
        let first = runtime(2);
        let (calls, counts) = count();
        let counts = Mutex::new(counts);
        let begun = Instant::now();
        let (timer, ticker, later, stopped) = first.run(move || {
            let later = after_func(wait, move || counts.lock().unwrap()());
            (Timer::new(wait), Ticker::new(wait), later, Timer::new(wait))
        });
        first.shutdown(LIMIT).unwrap();
        let early = (timer.try_wait(), ticker.try_wait(), calls.load(SeqCst));
        assert!(early == (None, None, 0) || begun.elapsed() >= wait);
        let was_stopped = stopped.stop();
        assert!(was_stopped, "it is found where it is now");
        // Received in another runtime, and by a plain thread.
        let second = runtime(1);
        let (tick, timer) = second.run(move || (timer.wait().unwrap(), timer));
        assert!(tick >= begun + wait);
        assert!(ticker.wait().unwrap() >= begun + wait && ticker.wait().unwrap() >= begun + 2 * wait);
        until(|| calls.load(SeqCst) == 1);
        assert!(begun.elapsed() >= wait && stopped.try_wait().is_none());
        // They go on in the runtime where they are set next.
        let begun = Instant::now();
        let timer = second.run(move || {
            timer.reset(ms(1));
            timer
        });
        assert!(timer.wait().unwrap() >= begun + ms(1));
        assert!(!later.reset(ms(1)));
        until(|| calls.load(SeqCst) == 2);
        second.shutdown(LIMIT).unwrap();
    });
}

/// What runs on a spare thread runs for the runtime of who waits for it, and so does what it says is to be called later.
#[test]
fn what_is_set_on_a_spare_thread_is_called_in_the_runtime_that_it_serves() {
    with_procs(1, || {
        let (tell, told) = std::sync::mpsc::channel();
        let later = marmot::blocking(|| after_func(ms(1), move || tell.send(std::thread::current().id()).unwrap()));
        let (called, told) = marmot::blocking(move || (told.recv_timeout(LIMIT).unwrap(), told));
        let own = std::thread::current().id();
        assert_eq!(called, own, "there is one thread");
        // It is set anew elsewhere, and there again.
        later.reset(LONG);
        marmot::blocking(|| later.reset(ms(1)));
        assert_eq!(marmot::blocking(move || told.recv_timeout(LIMIT).unwrap()), own);
    });
}

/// Everything at once, from everywhere: whatever is not stopped comes, once, and not early.
#[test]
fn none_is_lost_and_none_is_early_whoever_sets_and_stops() {
    fn play(seed: u64, rounds: u32) {
        let mut random = StdRng::seed_from_u64(seed);
        let timer = Timer::new(LONG);
        let calls = Arc::new(AtomicUsize::new(0));
        let mut expected = 0;
        for _ in 0..rounds {
            let wait = Duration::from_micros(random.random_range(0..300));
            let begun = Instant::now();
            match random.random_range(0..5) {
                0 => assert!(Timer::new(wait).wait().unwrap() >= begun + wait),
                1 => {
                    timer.reset(wait);
                    if random.random() {
                        assert!(timer.wait().unwrap() >= begun + wait);
                    }
                }
                2 => {
                    timer.stop();
                    assert_eq!(timer.try_wait(), None);
                }
                3 => {
                    let calls = Arc::clone(&calls);
                    let later = after_func(wait, move || {
                        assert!(begun.elapsed() >= wait);
                        calls.fetch_add(1, SeqCst);
                    });
                    expected += 1;
                    if random.random() {
                        expected -= usize::from(later.stop());
                    }
                    if random.random_ratio(1, 4) {
                        expected += usize::from(!later.reset(ms(1)));
                    }
                }
                _ => time::sleep(wait),
            }
        }
        until(|| calls.load(SeqCst) == expected);
    }
    let _alone = alone();
    for procs in [1, 2, 8] {
        with_procs(procs, move || {
            let all: Vec<_> = (0..16).map(|seed| marmot::go(move || play(seed, 40))).collect();
            let threads: Vec<_> = (16..18).map(|seed| std::thread::spawn(move || play(seed, 20))).collect();
            all.into_iter().for_each(|one| one.join().unwrap());
            threads.into_iter().for_each(|one| marmot::blocking(|| one.join().unwrap()));
        });
    }
}

/// Goroutines, on several Ms, and threads set and stop the same timers.
#[test]
fn many_use_the_same_timers() {
    let _alone = alone();
    for procs in [1, 2, 8] {
        with_procs(procs, move || {
            let timers: Arc<Vec<Timer>> = Arc::new((0..4).map(|_| Timer::new(LONG)).collect());
            let ticker = Arc::new(Ticker::new(Duration::from_micros(200)));
            let play = |seed: u64| {
                let (timers, ticker) = (Arc::clone(&timers), Arc::clone(&ticker));
                move || {
                    let mut random = StdRng::seed_from_u64(seed);
                    for _ in 0..100 {
                        let timer = &timers[random.random_range(0..timers.len())];
                        match random.random_range(0..8) {
                            0 => drop(ticker.wait().unwrap()),
                            1 | 2 => drop(timer.stop()),
                            3 => drop(timer.try_wait()),
                            4 => ticker.reset(Duration::from_micros(random.random_range(50..300))),
                            _ => drop(timer.reset(Duration::from_micros(random.random_range(0..200)))),
                        }
                    }
                }
            };
            let all: Vec<_> = (0..8).map(|seed| marmot::go(play(seed))).collect();
            let threads: Vec<_> = (8..10).map(|seed| std::thread::spawn(play(seed))).collect();
            all.into_iter().for_each(|one| one.join().unwrap());
            threads.into_iter().for_each(|one| marmot::blocking(|| one.join().unwrap()));
            // They are as good as new.
            for timer in timers.iter() {
                let begun = Instant::now();
                timer.reset(ms(1));
                assert!(timer.wait().unwrap() >= begun + ms(1));
                assert_eq!(timer.try_wait(), None);
            }
        });
    }
}

/// A timer that is dropped while it fires is gone when it is dropped.
#[test]
fn timers_may_be_dropped_at_any_moment() {
    everywhere(|_| {
        for i in 0..300 {
            let timer = Timer::new(Duration::from_micros(i % 20));
            let ticker = Ticker::new(Duration::from_micros(1 + i % 10));
            if i % 7 == 0 {
                marmot::yield_now();
            }
            drop((timer, ticker));
        }
    });
}

#[test]
fn a_function_that_is_called_later_has_the_values_of_who_said_it_and_not_the_end() {
    everywhere(|_| {
        let (ctx, cancel) = Context::background().with_value(7_u32).with_cancel();
        let (tell, told) = std::sync::mpsc::channel();
        let later = ctx.run(|| {
            time::after_func(ms(1), move || {
                let ctx = context::current();
                tell.send((ctx.value::<u32>().as_deref().copied(), context::check().is_ok())).unwrap();
            })
        });
        cancel.cancel();
        assert_eq!(marmot::blocking(move || told.recv_timeout(LIMIT)), Ok((Some(7), true)));
        assert!(!later.stop());
    });
}

#[test]
fn timers_for_which_no_thread_was_to_be_had_come_when_others_are_set() {
    let child = in_child("timers_for_which_no_thread_was_to_be_had_come_when_others_are_set", || {
        let limit = getrlimit(Resource::As);
        setrlimit(Resource::As, Rlimit { current: Some(0), ..limit }).unwrap();
        let first = Timer::new(ms(1));
        setrlimit(Resource::As, limit).unwrap();
        let later = Timer::new(ms(50));
        first.wait().unwrap();
        later.wait().unwrap();
    });
    if child.stderr.contains("Sanitizer") {
        // It cannot do without memory, and has ended the child.
        return;
    }
    assert!(child.success, "{}", child.stderr);
    assert!(child.stderr.contains("their thread cannot be started"), "{}", child.stderr);
}
