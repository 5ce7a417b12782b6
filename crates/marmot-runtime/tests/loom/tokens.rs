//! `park`, `unpark`, and the limit of `park_timeout`.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom::thread;

use crate::support::{Bell, explore};
use crate::token::Token;

struct Goroutine {
    token: Token,
    waiter: Bell,
    /// What is done before `unpark`. Relaxed, so that only the token makes it visible.
    done: [AtomicBool; 2],
}

impl Goroutine {
    fn new() -> Arc<Goroutine> {
        let done = [(); 2].map(|()| AtomicBool::new(false));
        Arc::new(Goroutine { token: Token::new(), waiter: Bell::new(), done })
    }

    fn park(&self) {
        if !self.token.take() && self.token.park() {
            self.waiter.wait();
            assert!(self.token.finish(), "only a notification ends this wait");
        }
    }

    fn unpark(&self, i: usize) {
        self.done[i].store(true, Relaxed);
        if self.token.notify() {
            self.waiter.ready();
        }
    }

    fn time_out(&self) {
        if self.token.time_out() {
            self.waiter.ready();
        }
    }

    fn is_done(&self, i: usize) -> bool {
        self.done[i].load(Relaxed)
    }
}

#[test]
fn what_was_done_before_unpark_is_seen_after_park() {
    explore(4, || {
        let g = Goroutine::new();
        let others = [0, 1].map(|i| {
            let g = Arc::clone(&g);
            thread::spawn(move || g.unpark(i))
        });
        while !(g.is_done(0) && g.is_done(1)) {
            g.park();
        }
        for other in others {
            other.join().unwrap();
        }
        assert!(!g.waiter.is_pending());
    });
}

#[test]
fn a_notification_is_taken_once_whatever_the_timer_does() {
    explore(4, || {
        let g = Goroutine::new();
        let timer = {
            let g = Arc::clone(&g);
            thread::spawn(move || g.time_out())
        };
        let other = {
            let g = Arc::clone(&g);
            thread::spawn(move || g.unpark(0))
        };
        let notified = if g.token.park() {
            // The timer may have come too early: then, as in `park_timeout`, it is armed after the
            // token says so.
            g.time_out();
            g.waiter.wait();
            g.token.finish()
        } else {
            true
        };
        timer.join().unwrap();
        other.join().unwrap();
        assert_eq!(g.token.take(), !notified);
        assert!(!g.waiter.is_pending());
        assert!(g.is_done(0));
    });
}
