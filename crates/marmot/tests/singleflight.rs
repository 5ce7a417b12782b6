//! Calls that are made once for many.

mod common;

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::{io, thread};

use marmot::WaitReason;
use marmot::context::{self, Context};
use marmot::sync::singleflight::{Error, Group};

use common::{Place, Started, alone, bounded, everywhere, runtime, until, with_procs};

type Calls<V> = Arc<Group<String, V>>;

fn calls<V>() -> Calls<V> {
    Arc::new(Group::new())
}

/// A call that is under way until it is told to go on.
struct Under<V> {
    leader: Started<Result<(V, bool), Error>>,
    go_on: Arc<AtomicBool>,
}

impl<V: Clone + Send + Sync + 'static> Under<V> {
    /// Starts one for `key` that ends with `f`.
    fn way(place: Place, calls: &Calls<V>, key: &'static str, f: impl FnOnce() -> V + Send + 'static) -> Under<V> {
        let (calls, go_on, begun) =
            (Arc::clone(calls), Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (goes_on, begins) = (Arc::clone(&go_on), Arc::clone(&begun));
        let leader = place.start(move || {
            calls.run(key, || {
                begins.store(true, Relaxed);
                until(|| goes_on.load(Relaxed));
                f()
            })
        });
        until(|| begun.load(Relaxed));
        Under { leader, go_on }
    }

    fn end(self) -> Result<(V, bool), Error> {
        self.go_on.store(true, Relaxed);
        self.leader.join()
    }
}

/// Joins the call for `key`, of which there is one, as the `n`th of all that have joined one.
fn joined<V: Clone + Send + Sync + 'static>(
    place: Place,
    calls: &Calls<V>,
    key: &'static str,
    n: usize,
) -> Started<Result<(V, bool), Error>> {
    let theirs = Arc::clone(calls);
    let joined = place.start(move || theirs.run(key, || panic!("there is a call already")));
    until(|| format!("{calls:?}").contains(&format!("joined: {n},")));
    joined.until_waiting(WaitReason::Singleflight);
    joined
}

#[test]
fn a_call_alone_returns_what_its_function_does() {
    everywhere(|_| {
        let calls = Group::<String, Result<u32, &str>>::new();
        assert_eq!(calls.run("key", || Ok(1)).unwrap(), (Ok(1), false));
        assert_eq!(calls.run("key", || Err("no")).unwrap(), (Err("no"), false), "the one before is over");
        assert_eq!(format!("{calls:?}"), "Group { calls: 0, joined: 0, .. }");
        // Keys that are their own borrowed form.
        assert_eq!(Group::<u32, u32>::new().run(&3, || 4).unwrap(), (4, false));
    });
}

#[test]
fn many_calls_at_a_time_are_one() {
    everywhere(|place| {
        let (calls, ran) = (calls(), Arc::new(AtomicUsize::new(0)));
        let counts = Arc::clone(&ran);
        let under = Under::way(place, &calls, "key", move || counts.fetch_add(1, Relaxed));
        let joined: Vec<_> = (1..=10).map(|n| joined(place, &calls, "key", n)).collect();
        assert_eq!(calls.run("another", || 9).unwrap(), (9, false));
        assert_eq!(under.end().unwrap(), (0, true));
        for call in joined {
            assert_eq!(call.join().unwrap(), (0, true));
        }
        assert_eq!(ran.load(Relaxed), 1);
        assert_eq!(calls.run("key", || 5).unwrap(), (5, false));
    });
}

#[test]
fn what_is_forgotten_is_called_anew_and_ends_for_those_who_have_joined() {
    everywhere(|place| {
        let calls = calls();
        let first = Under::way(place, &calls, "key", || "first");
        let with_first = joined(place, &calls, "key", 1);
        calls.forget("key");
        calls.forget("what is not there");
        let second = Under::way(place, &calls, "key", || "second");
        let with_second = joined(place, &calls, "key", 1);
        // The end of the first leaves the second in the table.
        assert_eq!(first.end().unwrap(), ("first", true));
        assert_eq!(with_first.join().unwrap(), ("first", true));
        let also_with_second = joined(place, &calls, "key", 2);
        assert_eq!(second.end().unwrap(), ("second", true));
        assert_eq!(with_second.join().unwrap(), ("second", true));
        assert_eq!(also_with_second.join().unwrap(), ("second", true));
    });
}

#[test]
fn a_panic_goes_on_in_the_caller_whose_it_is_and_is_an_error_to_the_others() {
    everywhere(|place| {
        let calls = calls::<u32>();
        let (theirs, go_on) = (Arc::clone(&calls), Arc::new(AtomicBool::new(false)));
        let goes_on = Arc::clone(&go_on);
        let leader = place.start(move || {
            let f = || {
                until(|| goes_on.load(Relaxed));
                resume_unwind(Box::new("it is part of the test"))
            };
            let panicked = catch_unwind(AssertUnwindSafe(|| theirs.run("key", f))).map(drop);
            panicked.unwrap_err().downcast::<&str>().map(|text| *text).ok()
        });
        until(|| format!("{calls:?}").contains("calls: 1,"));
        let joined = [1, 2, 3].map(|n| joined(place, &calls, "key", n));
        go_on.store(true, Relaxed);
        assert_eq!(leader.join(), Some("it is part of the test"), "with its own payload");
        for call in joined {
            let error = call.join().unwrap_err();
            assert!(matches!(&error, Error::Panicked(text) if &**text == "it is part of the test"), "{error:?}");
            assert_eq!(error.to_string(), "the call that was waited for has panicked: it is part of the test");
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Other);
        }
        assert_eq!(calls.run("key", || 1).unwrap(), (1, false), "it is no longer in the way");
    });
}

#[test]
fn who_waits_may_be_cancelled_and_the_call_goes_on() {
    everywhere(|place| {
        let calls = calls();
        let under = Under::way(place, &calls, "key", || 1);
        let (ctx, cancel) = Context::background().with_cancel();
        let theirs = Arc::clone(&calls);
        let impatient = place.start(move || ctx.run(|| theirs.run("key", || panic!("there is a call already"))));
        until(|| format!("{calls:?}").contains("joined: 1,"));
        impatient.until_waiting(WaitReason::Singleflight);
        let patient = joined(place, &calls, "key", 2);
        cancel.cancel_with_cause("no longer wanted");
        match impatient.join().unwrap_err() {
            Error::Cancelled(error) => assert_eq!(error.cause().unwrap().to_string(), "no longer wanted"),
            error => panic!("{error:?}"),
        }
        assert_eq!(under.end().unwrap(), (1, true));
        assert_eq!(patient.join().unwrap(), (1, true));
    });
}

#[test]
fn under_a_context_that_has_ended_nothing_is_called() {
    everywhere(|_| {
        let calls = Group::<u32, u32>::new();
        let (ctx, cancel) = Context::current().with_cancel();
        cancel.cancel();
        let refused = ctx.run(|| calls.run(&1, || unreachable!("it is dropped")));
        let error = io::Error::from(refused.unwrap_err());
        assert!(context::Error::of(&error).unwrap().is_cancelled());
        assert_eq!(ctx.run(|| context::shield(|| calls.run(&1, || 2))).unwrap(), (2, false));
    });
}

#[test]
fn a_call_that_asks_for_its_own_key_says_so() {
    everywhere(|_| {
        let calls = Group::<String, u32>::new();
        let inner = || calls.run("key", || 1).unwrap().0;
        let outer = catch_unwind(AssertUnwindSafe(|| calls.run("key", inner)));
        let text = *outer.map(drop).unwrap_err().downcast::<String>().unwrap();
        assert!(text.contains("a call waits for itself"), "{text}");
        assert_eq!(calls.run("key", || calls.run("other", || 2).unwrap().0).unwrap(), (2, false));
    });
}

/// A key whose comparison panics when it is told to.
#[derive(Clone, Debug)]
struct Fragile(u32);

thread_local! {
    static BREAKS: Cell<bool> = const { Cell::new(false) };
}

impl PartialEq for Fragile {
    fn eq(&self, other: &Fragile) -> bool {
        assert!(!BREAKS.get(), "read this (it is part of the test)");
        self.0 == other.0
    }
}

impl Eq for Fragile {}

impl Hash for Fragile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn a_key_that_panics_holds_nobody_up() {
    bounded(|| {
        let calls = Group::<Fragile, u32>::new();
        let key = Fragile(1);
        let ends = || {
            calls.run(&key, || {
                BREAKS.set(true);
                1
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(ends)).is_err());
        BREAKS.set(false);
        assert_eq!(calls.run(&key, || 2).unwrap(), (2, false));
        assert_eq!(calls.run(&key, || 3).unwrap(), (3, false));
    });
}

/// A value whose clones panic.
struct Unclonable;

impl Clone for Unclonable {
    fn clone(&self) -> Unclonable {
        panic_any("read this (it is part of the test)")
    }
}

#[test]
fn a_result_that_cannot_be_cloned_is_an_error_to_those_who_wait() {
    with_procs(1, || {
        let calls = Arc::new(Group::<String, Unclonable>::new());
        let under = Under::way(Place::Goroutines, &calls, "key", || Unclonable);
        let joined = joined(Place::Goroutines, &calls, "key", 1);
        let led = catch_unwind(AssertUnwindSafe(|| under.end()));
        assert!(led.is_err());
        assert!(matches!(joined.join(), Err(Error::Panicked(_))));
    });
}

/// Goroutines on `procs` Ps, and threads, that call for few keys all the time: no result is given to who came after its call had
/// ended, and each call is made by one.
fn stress(procs: usize) {
    const CALLS: usize = 300;
    bounded(move || {
        let rt = runtime(procs);
        let calls = Arc::new(Group::<usize, (usize, usize)>::new());
        let clocks: Arc<[AtomicUsize; 3]> = Arc::default();
        let running: Arc<[AtomicUsize; 3]> = Arc::default();
        let returned: Arc<[AtomicUsize; 3]> = Arc::default();
        let shared = Arc::new(AtomicUsize::new(0));
        let run = |seed: usize| {
            let (calls, clocks, running) = (Arc::clone(&calls), Arc::clone(&clocks), Arc::clone(&running));
            let (returned, shared) = (Arc::clone(&returned), Arc::clone(&shared));
            move || {
                for i in 0..CALLS {
                    let key = (i + seed) % clocks.len();
                    let before = returned[key].load(SeqCst);
                    let ((at, by), is_shared) = calls
                        .run(&key, || {
                            assert_eq!(running[key].fetch_add(1, Relaxed), 0, "one at a time");
                            marmot::yield_now();
                            running[key].fetch_sub(1, Relaxed);
                            (clocks[key].fetch_add(1, Relaxed), seed)
                        })
                        .unwrap();
                    assert!(at >= before, "a call that had returned already");
                    returned[key].fetch_max(at + 1, SeqCst);
                    assert!(by == seed || is_shared);
                    shared.fetch_add(usize::from(is_shared), Relaxed);
                }
            }
        };
        let goroutines: Vec<_> = (0..8).map(|seed| rt.go(run(seed))).collect();
        let threads: Vec<_> = (8..10).map(|seed| thread::spawn(run(seed))).collect();
        goroutines.into_iter().for_each(|goroutine| goroutine.join().unwrap());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        rt.shutdown(common::LIMIT).unwrap();
        assert!(shared.load(Relaxed) > 0, "goroutines that take turns share");
        assert!(format!("{calls:?}").contains("calls: 0,"), "nothing is left");
    });
}

#[test]
fn many_call_for_few_keys() {
    let _alone = alone();
    for procs in [1, 2, 8] {
        stress(procs);
    }
}
