//! `thread_local!` whose initialisers park, and what goroutines of one thread share.

mod common;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::{bounded, in_child, until, with_procs};
use marmot::sync::Mutex;
use marmot::{LocalJoinHandle, WaitReason, go_local, thread_local};

/// The text of a panic.
fn text(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().expect("a panic has a text").to_string(),
    }
}

/// The text of the panic of `f`.
fn panics<R>(f: impl FnOnce() -> R) -> String {
    text(catch_unwind(AssertUnwindSafe(f)).map(drop).expect_err("it does not panic"))
}

/// Lets the others of this M run until `handle` waits for a lock.
fn until_it_locks<T>(handle: &LocalJoinHandle<T>) {
    until(|| {
        marmot::yield_now();
        handle.goroutine().wait_reason() == Some(WaitReason::Mutex)
    });
}

#[test]
fn what_is_used_while_its_initializer_is_parked_panics() {
    static GATE: Mutex<()> = Mutex::new(());
    static MADE: AtomicUsize = AtomicUsize::new(0);

    thread_local! {
        static WORD: RefCell<String> = {
            MADE.fetch_add(1, Relaxed);
            drop(GATE.lock());
            RefCell::new("word".to_owned())
        };
        static NUMBER: Cell<u32> = {
            drop(GATE.lock());
            Cell::new(7)
        };
    }

    for procs in [1, 2, 8] {
        MADE.store(0, Relaxed);
        with_procs(procs, || {
            let held = GATE.lock().unwrap();
            // Both stay on this M.
            let makes = go_local(|| WORD.with_borrow(String::len));
            let counts = go_local(|| NUMBER.get());
            until_it_locks(&makes);
            until_it_locks(&counts);
            let refusals = [
                panics(|| WORD.with(|_| ())),
                panics(|| WORD.try_with(|_| ())),
                panics(|| WORD.set(String::new())),
                panics(|| WORD.take()),
            ];
            let expected = format!(
                "the thread-local `thread_locals::WORD` is used while goroutine {} of the same thread is parked in its initialiser",
                makes.goroutine().id()
            );
            assert!(refusals.iter().all(|text| text.starts_with(&expected)), "{refusals:#?}");
            for text in [panics(|| NUMBER.set(8)), panics(|| NUMBER.get()), panics(|| NUMBER.replace(8))] {
                assert!(text.contains("thread_locals::NUMBER"), "{text}");
            }
            assert_eq!(MADE.load(Relaxed), 1);
            drop(held);
            assert_eq!((makes.join().unwrap(), counts.join().unwrap()), (4, 7));
            // By now it is there for all of them.
            WORD.with_borrow(|word| assert_eq!(word, "word"));
            NUMBER.set(NUMBER.get() + 1);
            assert_eq!((NUMBER.get(), MADE.load(Relaxed)), (8, 1));
        });
    }
}

#[test]
fn goroutines_of_different_threads_do_not_meet() {
    static GATE: Mutex<()> = Mutex::new(());

    thread_local!(static WORD: String = { drop(GATE.lock()); "word".to_owned() });

    with_procs(1, || {
        let held = GATE.lock().unwrap();
        let makes = go_local(|| WORD.with(String::len));
        until_it_locks(&makes);
        let elsewhere = std::thread::spawn(|| WORD.with(String::len));
        drop(held);
        assert_eq!((makes.join().unwrap(), elsewhere.join().unwrap()), (4, 4));
    });
}

#[test]
fn an_initializer_that_uses_its_own_thread_local_panics() {
    thread_local!(static SELF: Cell<u32> = Cell::new(SELF.get() + 1));
    thread_local!(static SETS: Cell<u32> = { SETS.set(1); Cell::new(2) });

    let refuses = || {
        for _ in 0..2 {
            let text = panics(|| SELF.get());
            assert_eq!(text, "the initialiser of the thread-local `thread_locals::SELF` accesses that thread-local");
            assert!(panics(|| SETS.get()).ends_with("`thread_locals::SETS` accesses that thread-local"));
        }
        // Nobody has made it yet, so it can be set.
        SELF.set(5);
        assert_eq!(SELF.get(), 5);
    };
    bounded(refuses);
    with_procs(1, refuses);
}

#[test]
fn after_an_initializer_has_panicked_the_next_one_makes_the_value() {
    static TRIES: AtomicUsize = AtomicUsize::new(0);

    thread_local!(static THIRD: usize = match TRIES.fetch_add(1, Relaxed) {
        try_ @ 0..2 => panic!("try {try_}"),
        try_ => try_,
    });

    with_procs(1, || {
        for try_ in 0..2 {
            assert_eq!(panics(|| THIRD.with(|_| ())), format!("try {try_}"));
        }
        assert_eq!(THIRD.with(|third| *third), 2);
    });
}

#[test]
fn initializers_may_use_others() {
    thread_local! {
        static INNER: RefCell<Vec<u32>> = RefCell::new(vec![1]);
        static MIDDLE: u32 = INNER.with_borrow_mut(|all| { all.push(2); 3 });
        static OUTER: u32 = MIDDLE.with(|middle| middle + 1);
    }

    with_procs(1, || {
        assert_eq!(OUTER.with(|outer| *outer), 4);
        assert_eq!(INNER.take(), [1, 2]);
    });
}

/// Destructors of thread-locals belong to the thread, not to a goroutine.
#[test]
fn the_end_of_a_goroutine_destroys_no_thread_local() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);

    struct Counted(Cell<u32>);

    impl Drop for Counted {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }

    thread_local!(static OURS: Counted = Counted(Cell::new(0)));
    std::thread_local!(static THEIRS: Counted = const { Counted(Cell::new(0)) });

    let rt = common::runtime(1);
    rt.run(|| {
        let sets = || {
            OURS.with(|value| value.0.set(7));
            THEIRS.with(|value| value.0.set(8));
        };
        marmot::thread::spawn(sets).join().unwrap();
        assert_eq!(DROPPED.load(Relaxed), 0);
        let finds = || (OURS.with(|value| value.0.get()), THEIRS.with(|value| value.0.get()));
        assert_eq!(marmot::thread::spawn(finds).join().unwrap(), (7, 8));
    });
    rt.shutdown(std::time::Duration::from_secs(60)).unwrap();
    // The thread ends now, and with it both.
    until(|| DROPPED.load(Relaxed) == 2);
}

#[test]
fn a_park_inside_an_initializer_is_reported_in_debug_builds() {
    let outcome = in_child("a_park_inside_an_initializer_is_reported_in_debug_builds", || {
        thread_local!(static QUIET: u32 = 7);
        thread_local!(static LOUD: u32 = {
            marmot::yield_now();
            marmot::yield_now();
            QUIET.with(|quiet| quiet + 1)
        });
        with_procs(1, || {
            let loud = marmot::Builder::new().name("loud").spawn(|| LOUD.with(|loud| *loud));
            assert_eq!(loud.unwrap().join().unwrap(), 8);
        });
        // A plain thread has no other goroutines that could come.
        let on_a_thread = std::thread::spawn(|| LOUD.with(|loud| *loud));
        assert_eq!(on_a_thread.join().unwrap(), 8);
    });
    outcome.assert_success();
    let report = "parks inside the initialiser of the thread-local `thread_locals::LOUD`";
    let reports = outcome.stderr.matches("parks inside the initialiser").count();
    if cfg!(debug_assertions) {
        outcome.assert_says(" 'loud' (spawned at ");
        outcome.assert_says(report);
        assert_eq!(reports, 1, "{}", outcome.stderr);
    } else {
        assert_eq!(reports, 0, "{}", outcome.stderr);
    }
}

/// Calls that need not wait yield now and then, but not there, where another goroutine would panic.
#[test]
fn an_initializer_that_need_not_wait_is_not_interrupted() {
    thread_local!(static LONG: usize = {
        let lock = Mutex::new(0);
        (0..100_000).for_each(|_| *lock.lock().unwrap() += 1);
        lock.into_inner().unwrap()
    });
    with_procs(1, || {
        let others: Vec<_> = (0..3).map(|_| marmot::go_local(|| LONG.with(|long| *long))).collect();
        others.into_iter().for_each(|other| assert_eq!(other.join().unwrap(), 100_000));
    });
}

/// Not even by goroutines that it makes, however many.
#[test]
fn an_initializer_that_makes_goroutines_is_not_interrupted() {
    thread_local!(static MAKES: usize = {
        (0..2_000).for_each(|_| drop(marmot::go(|| ())));
        2_000
    });
    with_procs(1, || {
        let others: Vec<_> = (0..3).map(|_| marmot::go_local(|| MAKES.with(|made| *made))).collect();
        others.into_iter().for_each(|other| assert_eq!(other.join().unwrap(), 2_000));
    });
}
