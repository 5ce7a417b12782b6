//! What is done once, by one of several, one of whom may not wait to the end.

use loom::sync::Arc;
use loom::thread;

use crate::once_file::Once;
use crate::sched;
use crate::support::{Bell, Plain, explore};

struct Guarded {
    once: Once,
    done: Plain,
}

fn guarded() -> Arc<Guarded> {
    Arc::new(Guarded { once: Once::new(), done: Plain::new(0) })
}

impl Guarded {
    fn call(&self) {
        self.once.call_once(|| self.done.set(self.done.get() + 1));
        assert_eq!(self.done.get(), 1);
    }
}

#[test]
fn one_does_it_and_all_see_it() {
    explore(3, || {
        let guarded = guarded();
        let calls = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || guarded.call())
        };
        let waits = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || {
                guarded.once.wait();
                assert_eq!(guarded.done.get(), 1);
            })
        };
        guarded.call();
        calls.join().unwrap();
        waits.join().unwrap();
    });
}

#[test]
fn who_is_cancelled_keeps_nobody_waiting() {
    explore(3, || {
        let guarded = guarded();
        let ends = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || {
                if guarded.once.wait_or_cancelled().is_ok() {
                    assert_eq!(guarded.done.get(), 1);
                }
            })
        };
        let waits = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || {
                guarded.once.wait();
                assert_eq!(guarded.done.get(), 1);
            })
        };
        guarded.call();
        ends.join().unwrap();
        waits.join().unwrap();
        assert!(guarded.once.is_completed());
    });
}

#[test]
fn who_does_not_go_on_lets_another_try() {
    explore(3, || {
        let (guarded, gone) = (guarded(), Arc::new(Bell::new()));
        let lost = {
            let (guarded, gone) = (Arc::clone(&guarded), Arc::clone(&gone));
            thread::spawn(move || {
                // It leaves what it has begun, or waits for and leaves that.
                let _none = sched::lost(gone, || guarded.once.call_once_force(|_| unreachable!("it does not go on")));
            })
        };
        guarded.once.call_once_force(|_| guarded.done.set(1));
        guarded.once.wait();
        gone.ring();
        lost.join().unwrap();
        assert_eq!(guarded.done.get(), 1);
    });
}

#[test]
fn who_fails_lets_another_try() {
    explore(3, || {
        let guarded = guarded();
        let fails = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || guarded.once.call_once_force(|state| state.fail()))
        };
        let waits = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || {
                guarded.once.wait_force();
                guarded.done.get()
            })
        };
        fails.join().unwrap();
        guarded.once.call_once_force(|_| guarded.done.set(1));
        // It was done now, or by then.
        assert_eq!(waits.join().unwrap(), guarded.done.get());
    });
}
