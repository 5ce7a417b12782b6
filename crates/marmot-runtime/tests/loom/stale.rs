//! Descs that get their next owner while an event for the one before is on its way. The steps are those of `netpoll::desc`.

use loom::sync::Arc;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use loom::thread;

use crate::slot::Slot;
use crate::state::State;
use crate::support::explore;

const CLOSED: u8 = 1;
const HANGUP: u8 = 2;
const NONBLOCKING: u8 = 128;

struct Desc {
    state: State,
    slot: Slot,
}

impl Desc {
    fn new() -> Arc<Desc> {
        Arc::new(Desc { state: State::new(), slot: Slot::new() })
    }

    /// A poller reports a hang-up, with the key of this generation.
    fn on_hangup(&self, generation: u32) {
        if self.state.generation() == generation && self.state.set_if_current(HANGUP, generation) {
            // Nobody waits here.
            let _ = self.slot.notify();
        }
    }

    /// The last owner gives it back.
    fn put(&self) {
        self.slot.take_ready();
        self.state.renew();
    }
}

#[test]
fn a_late_hangup_is_not_the_next_owners() {
    explore(3, || {
        let desc = Desc::new();
        let poller = {
            let desc = Arc::clone(&desc);
            thread::spawn(move || desc.on_hangup(0))
        };
        desc.put();
        // The next owner uses it at once.
        desc.state.set(NONBLOCKING, SeqCst);
        poller.join().unwrap();
        assert_eq!(desc.state.flags(SeqCst), NONBLOCKING, "nobody has hung up on it");
        assert_eq!(desc.state.generation(), 1);
    });
}

#[test]
fn a_hangup_of_ones_own_stays_whatever_else_is_set() {
    explore(3, || {
        let desc = Desc::new();
        let pollers = [0, 1].map(|generation| {
            let desc = Arc::clone(&desc);
            thread::spawn(move || desc.on_hangup(generation))
        });
        desc.put();
        desc.state.set(NONBLOCKING, SeqCst);
        desc.state.set(CLOSED, SeqCst);
        desc.state.clear(NONBLOCKING, SeqCst);
        let [late, own] = pollers;
        late.join().unwrap();
        own.join().unwrap();
        // The poller may have looked before the key was given out; one that looks now does not.
        desc.on_hangup(1);
        assert_eq!(desc.state.flags(SeqCst), CLOSED | HANGUP);
    });
}

#[test]
fn who_finds_the_event_sees_the_hangup() {
    explore(3, || {
        let desc = Desc::new();
        let poller = {
            let desc = Arc::clone(&desc);
            thread::spawn(move || desc.on_hangup(0))
        };
        if desc.slot.take_ready() {
            assert_eq!(desc.state.flags(Relaxed), HANGUP);
        }
        poller.join().unwrap();
        assert_eq!(desc.state.flags(Acquire), HANGUP);
    });
}
