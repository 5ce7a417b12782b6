//! A goroutine's end, and the handle that waits for it or is dropped.

use std::ptr::NonNull;

use loom::sync::Arc;
use loom::thread;

use crate::join::{Ended, JoinWord};
use crate::support::{Bell, Plain};

const VALUE: usize = 42;
const DROPPED: usize = 43;

struct Goroutine {
    join: JoinWord<Bell>,
    result: Plain,
    /// The handle's waiter.
    waiter: Bell,
}

impl Goroutine {
    fn new() -> Arc<Goroutine> {
        Arc::new(Goroutine { join: JoinWord::new(), result: Plain::new(0), waiter: Bell::new() })
    }

    fn end(&self) {
        self.result.set(VALUE);
        match self.join.end() {
            Ended::Quietly => {}
            Ended::Wake(waiter) => {
                assert_eq!(waiter, NonNull::from(&self.waiter));
                self.waiter.ready();
            }
            Ended::DropResult => self.drop_result(),
        }
    }

    fn drop_result(&self) {
        assert_eq!(self.result.get(), VALUE, "a result is dropped once, and is there");
        self.result.set(DROPPED);
    }

    fn join(&self) {
        if !self.join.is_done() && self.join.publish(NonNull::from(&self.waiter)) {
            self.waiter.wait();
        }
        assert!(self.join.is_done());
        assert_eq!(self.result.get(), VALUE);
    }

    fn detach(&self) {
        if self.join.detach() {
            self.drop_result();
        }
    }
}

fn with_handle(handle: impl Fn(&Goroutine)) -> Arc<Goroutine> {
    let g = Goroutine::new();
    let running = {
        let g = Arc::clone(&g);
        thread::spawn(move || g.end())
    };
    handle(&g);
    running.join().unwrap();
    g
}

#[test]
fn who_joins_sees_the_result() {
    loom::model(|| {
        let g = with_handle(Goroutine::join);
        assert!(!g.waiter.is_pending());
    });
}

#[test]
fn a_detached_result_is_dropped_once() {
    loom::model(|| {
        let g = with_handle(Goroutine::detach);
        assert_eq!(g.result.get(), DROPPED);
    });
}

#[test]
fn who_gives_up_waiting_is_not_readied() {
    loom::model(|| {
        let g = with_handle(|g| {
            let waiter = NonNull::from(&g.waiter);
            if g.join.publish(waiter) {
                if g.join.retract(waiter) {
                    // As a handle that is dropped then.
                    return g.detach();
                }
                g.waiter.wait();
            }
            assert_eq!(g.result.get(), VALUE);
            g.drop_result();
        });
        assert_eq!(g.result.get(), DROPPED);
        assert!(!g.waiter.is_pending());
    });
}
