//! A descriptor's slot: one who waits, and who ends the wait: events, deadlines, a close. The steps
//! are those of `netpoll::desc`, whose conditions are Relaxed here, so that only the slot's fences
//! order them.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use loom::thread;

use crate::slot::Slot;
use crate::support::{Bell, explore};

const WAITER: usize = 8;

/// Deadlines, which are past or never come.
const NEVER: usize = usize::MAX;
const LATER: usize = 1;
const PAST: usize = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    TimedOut,
}

enum Published {
    Waits,
    Ready,
}

struct Desc {
    slot: Slot,
    deadline: AtomicUsize,
    closed: AtomicBool,
    /// What events tell of. Relaxed, so that only the slot makes it visible.
    bytes: AtomicUsize,
    waiter: Bell,
}

impl Desc {
    fn new() -> Arc<Desc> {
        Arc::new(Desc {
            slot: Slot::new(),
            deadline: AtomicUsize::new(NEVER),
            closed: AtomicBool::new(false),
            bytes: AtomicUsize::new(0),
            waiter: Bell::new(),
        })
    }

    fn event(&self) {
        self.bytes.fetch_add(1, Relaxed);
        self.ready(self.slot.notify());
    }

    fn close(&self) {
        self.closed.store(true, Relaxed);
        self.ready(self.slot.evict());
    }

    fn set_deadline(&self, deadline: usize) {
        self.deadline.store(deadline, Relaxed);
        self.ready(self.slot.evict());
    }

    fn ready(&self, waiter: Option<usize>) {
        if let Some(waiter) = waiter {
            assert_eq!(waiter, WAITER);
            self.waiter.ready();
        }
    }

    /// As `ready`, for a waiter without a stack: it is put back unless there is a reason to start
    /// it.
    fn set_deadline_of_unstarted(&self, deadline: usize) {
        self.deadline.store(deadline, Relaxed);
        if self.slot.evict().is_some() {
            self.publish_unstarted();
        }
    }

    fn publish_unstarted(&self) {
        match self.publish() {
            Ok(Published::Waits) => return,
            Ok(Published::Ready) => drop(self.slot.notify()),
            Err(_) => {}
        }
        self.waiter.ready();
    }

    fn publish(&self) -> Result<Published, End> {
        loop {
            self.check_closed()?;
            let deadline = self.deadline.load(Relaxed);
            if deadline == PAST {
                return Err(End::TimedOut);
            }
            if !self.slot.publish(WAITER) {
                return Ok(Published::Ready);
            }
            let changed = self.check_closed().is_err() || self.deadline.load(Relaxed) != deadline;
            if !changed || !self.slot.retract(WAITER) {
                return Ok(Published::Waits);
            }
        }
    }

    fn check_closed(&self) -> Result<(), End> {
        if self.closed.load(Relaxed) { Err(End::Closed) } else { Ok(()) }
    }

    fn wait(&self) -> Result<(), End> {
        loop {
            if let Published::Ready = self.publish()? {
                return Ok(());
            }
            self.waiter.wait();
            if self.slot.take_ready() {
                return Ok(());
            }
        }
    }

    /// Waits for bytes, as a read does: try, wait, try again.
    fn read(&self) -> Result<usize, End> {
        loop {
            self.slot.take_ready();
            let n = self.bytes.swap(0, Relaxed);
            if n > 0 {
                return Ok(n);
            }
            self.wait()?;
        }
    }
}

/// Runs `with` while others do their part, each on a thread.
fn model<const N: usize>(desc: &Arc<Desc>, others: [fn(&Desc); N], with: impl FnOnce(&Desc)) {
    let others = others.map(|other| {
        let desc = Arc::clone(desc);
        thread::spawn(move || other(&desc))
    });
    with(desc);
    for other in others {
        other.join().unwrap();
    }
    assert!(!desc.waiter.is_pending(), "nobody is readied who does not wait");
}

#[test]
fn no_event_is_lost() {
    explore(4, || {
        let desc = Desc::new();
        model(&desc, [|d| (0..2).for_each(|_| d.event())], |d| {
            let mut left = 2;
            while left > 0 {
                left -= d.read().unwrap();
            }
        });
    });
}

#[test]
fn no_event_of_two_pollers_is_lost() {
    explore(3, || {
        let desc = Desc::new();
        model(&desc, [Desc::event; 2], |d| {
            let mut left = 2;
            while left > 0 {
                left -= d.read().unwrap();
            }
        });
    });
}

#[test]
fn no_close_is_lost() {
    explore(4, || model(&Desc::new(), [Desc::close], |d| assert_eq!(d.wait(), Err(End::Closed))));
}

#[test]
fn no_deadline_is_lost() {
    explore(4, || {
        let desc = Desc::new();
        model(&desc, [|d| [LATER, PAST].into_iter().for_each(|t| d.set_deadline(t))], |d| {
            assert_eq!(d.wait(), Err(End::TimedOut));
        });
    });
}

#[test]
fn an_event_a_close_and_a_deadline_end_a_wait_once() {
    explore(2, || {
        let desc = Desc::new();
        model(&desc, [Desc::event, Desc::close, |d| d.set_deadline(PAST)], |d| {
            let _ = d.wait();
            let closed = d.wait().and_then(|()| d.wait());
            assert!(closed.is_err(), "one event ends one wait");
        });
    });
}

#[test]
fn a_wait_that_a_deadline_interrupts_loses_no_event() {
    explore(3, || {
        let desc = Desc::new();
        model(&desc, [Desc::event, |d| d.set_deadline(LATER)], |d| assert_eq!(d.read(), Ok(1)));
    });
}

#[test]
fn a_thread_that_gives_up_is_readied_or_not_as_it_sees() {
    explore(4, || {
        let desc = Desc::new();
        model(&desc, [Desc::event], |d| {
            if d.slot.publish(WAITER) && !d.slot.retract(WAITER) {
                d.waiter.wait();
            }
            assert!(matches!(d.read(), Ok(1)));
        });
    });
}

#[test]
fn who_waits_without_a_stack_starts_once_and_only_for_a_reason() {
    explore(3, || {
        let desc = Desc::new();
        model(&desc, [Desc::event, |d| d.set_deadline_of_unstarted(LATER)], |d| {
            d.publish_unstarted();
            d.waiter.wait();
            assert!(d.slot.take_ready(), "it starts for the event");
        });
    });
}

#[test]
fn who_waits_without_a_stack_starts_when_it_is_closed() {
    explore(3, || {
        let desc = Desc::new();
        model(&desc, [Desc::close, |d| d.set_deadline_of_unstarted(LATER)], |d| {
            d.publish_unstarted();
            d.waiter.wait();
            assert_eq!(d.wait(), Err(End::Closed));
        });
    });
}
