//! News for one M: its inbox, whether it sleeps, and the bell of its poller.

use loom::sync::Arc;
use loom::thread;

use crate::idle::{Idle, Sleeper};
use crate::inbox::Inbox;
use crate::support::{Bell, Item, Items, explore};

struct M {
    items: Items,
    inbox: Inbox<Item>,
    sleeper: Sleeper,
    idle: Idle,
    bell: Bell,
}

impl M {
    fn new(items: usize) -> Arc<M> {
        let (inbox, sleeper, idle) = (Inbox::new(), Sleeper::new(), Idle::new(1));
        Arc::new(M { items: Items::new(items), inbox, sleeper, idle, bell: Bell::new() })
    }

    fn ready(&self, i: usize) {
        // SAFETY: the elements live as long as the inbox, and this one is in no queue yet.
        unsafe { self.inbox.push(self.items.make(i)) };
        if self.sleeper.wake() {
            self.bell.ring();
        }
    }

    /// Takes until all has come. Returns how often it slept.
    fn run(&self) -> usize {
        let (mut taken, mut sleeps) = (Vec::new(), 0);
        loop {
            taken.extend(self.inbox.take_all().map(|item| self.items.number(item)));
            if taken.len() == self.items.len() {
                self.items.assert_each_once(taken);
                return sleeps;
            }
            self.sleeper.prepare();
            self.idle.enter(0);
            sleeps += 1;
            if self.inbox.is_empty() {
                self.bell.wait()
            } else {
                self.bell.look()
            }
            self.sleeper.finish();
            assert!(!self.idle.leave(0), "nobody claims");
        }
    }
}

#[test]
fn two_who_ready_wake_one_who_sleeps() {
    explore(3, || {
        let m = M::new(2);
        let others = [0, 1].map(|i| {
            let m = Arc::clone(&m);
            thread::spawn(move || m.ready(i))
        });
        let sleeps = m.run();
        for other in others {
            other.join().unwrap();
        }
        assert!(m.bell.rings() <= sleeps, "a sleep is ended by one ring at most");
    });
}

#[test]
fn one_who_readies_several_times() {
    explore(4, || {
        let m = M::new(3);
        let other = {
            let m = Arc::clone(&m);
            thread::spawn(move || (0..3).for_each(|i| m.ready(i)))
        };
        let sleeps = m.run();
        other.join().unwrap();
        assert!(m.bell.rings() <= sleeps, "a sleep is ended by one ring at most");
    });
}
