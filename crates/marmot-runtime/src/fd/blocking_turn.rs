//! A turn that is held while its operation runs on a spare thread.
//!
//! If the runtime stops meanwhile, the goroutine never goes on, and the turn has to be given up for it: by its will, as in every wait, but
//! not before the spare thread has done with the descriptor. So the will and the thread meet at a flag, and the second of them
//! gives up the turn. In all other cases the will is not carried out, and the goroutine has the turn still.

use std::sync::atomic::{AtomicBool, Ordering::AcqRel};

use crate::blocking::blocking;
use crate::netpoll::turn::Turn;
use crate::sched::{self, Bequest, with_will};

/// Runs `f` as [`blocking`] does, for the holder of `turn`.
pub(super) fn run<T: Send>(turn: &Turn, f: impl FnOnce() -> T + Send) -> T {
    let meeting = Meeting { turn, is_second: AtomicBool::new(false) };
    with_will(sched::waiter(), &meeting, || {
        blocking(|| {
            // Also if `f` panics.
            let _done = Done(&meeting);
            f()
        })
    })
}

/// See the module. It is on the stack of a goroutine that does not end before the second has come.
struct Meeting<'a> {
    turn: &'a Turn,
    /// The other one has come.
    is_second: AtomicBool,
}

impl Meeting<'_> {
    fn arrive(&self) {
        // Release and Acquire pair with each other: whoever has the turn next comes after both.
        if self.is_second.swap(true, AcqRel) {
            self.turn.give();
        }
    }
}

impl Bequest for Meeting<'_> {
    fn pass_on(&self) {
        self.arrive();
    }
}

/// The thread has done with the descriptor.
struct Done<'a>(&'a Meeting<'a>);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.arrive();
    }
}
