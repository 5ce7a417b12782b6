//! Work for any M: the queues, who sleeps and who looks for work. The steps are those of
//! `sched::find` and `sched::m`.

use std::ptr::NonNull;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use loom::thread;

use crate::idle::{Idle, Sleeper};
use crate::inbox::Inbox;
use crate::queue::GlobalQueue;
use crate::runq::RunQueue;
use crate::support::{Bell, Item, Items, explore};

/// An M and the P that it holds.
struct Machine {
    runq: RunQueue<Item>,
    /// What only this M can do.
    settled: Inbox<Item>,
    /// What was placed here.
    placed: Inbox<Item>,
    sleeper: Sleeper,
    bell: Bell,
}

struct Sched {
    ms: Vec<Machine>,
    globq: GlobalQueue<Item>,
    idle: Idle,
    items: Items,
    runs: Vec<AtomicUsize>,
    /// Rung when a piece of work begins.
    begun: Vec<Bell>,
    left: AtomicUsize,
    stopping: AtomicBool,
    /// What each piece of work does when it runs.
    work: fn(&Sched, me: usize, item: usize),
}

impl Sched {
    fn new(ms: usize, items: usize, work: fn(&Sched, usize, usize)) -> Arc<Sched> {
        let machine = || Machine {
            runq: RunQueue::new(),
            settled: Inbox::new(),
            placed: Inbox::new(),
            sleeper: Sleeper::new(),
            bell: Bell::new(),
        };
        Arc::new(Sched {
            ms: (0..ms).map(|_| machine()).collect(),
            globq: GlobalQueue::new(),
            idle: Idle::new(ms),
            items: Items::new(items),
            runs: (0..items).map(|_| AtomicUsize::new(0)).collect(),
            begun: (0..items).map(|_| Bell::new()).collect(),
            left: AtomicUsize::new(items),
            stopping: AtomicBool::new(false),
            work,
        })
    }

    /// A plain thread queues work.
    fn submit(&self, item: usize) {
        // SAFETY: the elements live as long as the queues, and this one is in none yet.
        let queued = unsafe { self.globq.push_all([self.items.make(item)]) };
        assert!(queued, "the queue is open");
        self.wake_one();
    }

    /// M `me` queues work, to run next.
    fn spawn(&self, me: usize, item: usize) {
        if let Some(displaced) = self.ms[me].runq.put_next(self.items.make(item).as_ptr()) {
            self.enqueue(me, displaced);
        }
        self.wake_one();
    }

    /// Anybody queues work that M `m` should do.
    fn hand(&self, m: usize, item: usize) {
        // SAFETY: as in `submit`.
        unsafe { self.ms[m].placed.push(self.items.make(item)) };
        if let Some(i) = self.idle.claim_one(m) {
            self.nudge(i);
        }
    }

    /// Anybody queues work that only M `m` can do.
    fn ready(&self, m: usize, item: usize) {
        // SAFETY: as in `submit`.
        unsafe { self.ms[m].settled.push(self.items.make(item)) };
        self.nudge(m);
    }

    fn wake_one(&self) {
        if let Some(i) = self.idle.claim() {
            self.nudge(i);
        }
    }

    fn nudge(&self, m: usize) {
        if self.ms[m].sleeper.wake() {
            self.ms[m].bell.ring();
        }
    }

    fn enqueue(&self, me: usize, item: *mut Item) {
        self.ms[me].runq.push(item, |_| unreachable!("there is room"));
    }

    /// The loop of M `me`.
    fn run(&self, me: usize) {
        let mut spinning = false;
        while let Some(item) = self.find_runnable(me, &mut spinning) {
            if std::mem::take(&mut spinning) && self.idle.stop_spinning() {
                self.wake_one();
            }
            let item = self.items.number(item);
            self.runs[item].fetch_add(1, Relaxed);
            self.begun[item].ring();
            (self.work)(self, me, item);
            if self.left.fetch_sub(1, Relaxed) == 1 {
                self.stopping.store(true, Relaxed);
                self.ms.iter().for_each(|m| m.bell.ring());
            }
        }
        if spinning {
            let _ = self.idle.stop_spinning();
        }
    }

    fn find_runnable(&self, me: usize, spinning: &mut bool) -> Option<NonNull<Item>> {
        loop {
            if let Some(item) = self.look(me) {
                return Some(item);
            }
            if self.stopping.load(Relaxed) {
                return None;
            }
            if std::mem::take(spinning) {
                let _ = self.idle.stop_spinning();
            }
            let mp = &self.ms[me];
            mp.sleeper.prepare();
            self.idle.enter(me);
            if self.sees_work(me) {
                mp.bell.look()
            } else {
                mp.bell.wait()
            }
            mp.sleeper.finish();
            *spinning = self.idle.leave(me);
        }
    }

    fn look(&self, me: usize) -> Option<NonNull<Item>> {
        let mp = &self.ms[me];
        for inbox in [&mp.settled, &mp.placed] {
            inbox.take_all().for_each(|item| self.enqueue(me, item.as_ptr()));
        }
        let here = mp.runq.take_next().or_else(|| mp.runq.pop()).and_then(NonNull::new);
        here.or_else(|| self.take_global(me)).or_else(|| self.steal(me))
    }

    fn take_global(&self, me: usize) -> Option<NonNull<Item>> {
        let mut first = None;
        self.globq.pop_share(self.ms.len(), 2, |item| match first {
            None => first = Some(item),
            Some(_) => self.enqueue(me, item.as_ptr()),
        });
        first
    }

    fn steal(&self, me: usize) -> Option<NonNull<Item>> {
        let mut others = self.ms[me + 1..].iter().chain(&self.ms[..me]);
        let stolen =
            others.find_map(|other| other.runq.steal_into(&self.ms[me].runq).or_else(|| other.runq.take_next()));
        stolen.and_then(NonNull::new)
    }

    fn sees_work(&self, me: usize) -> bool {
        !self.ms[me].settled.is_empty()
            || !self.ms[me].placed.is_empty()
            || !self.globq.is_empty()
            || self.ms.iter().any(|m| !m.runq.is_empty())
            || self.stopping.load(Relaxed)
    }
}

/// Starts the Ms and lets `submit` queue work meanwhile. If some is left behind, the Ms sleep for
/// ever, and loom reports it.
fn run(sched: Arc<Sched>, submit: impl FnOnce(&Arc<Sched>)) {
    let ms: Vec<_> = (0..sched.ms.len())
        .map(|me| {
            let sched = Arc::clone(&sched);
            thread::spawn(move || sched.run(me))
        })
        .collect();
    submit(&sched);
    for m in ms {
        m.join().unwrap();
    }
    assert!(sched.runs.iter().all(|runs| runs.load(Relaxed) == 1), "work is done once");
    // The number of those that spin is zero again, else nobody could be claimed.
    sched.idle.enter(0);
    assert_eq!(sched.idle.claim(), Some(0));
}

fn nothing(_: &Sched, _: usize, _: usize) {}

#[test]
fn two_ms_and_a_plain_thread_that_submits() {
    explore(2, || {
        run(Sched::new(2, 2, nothing), |sched| (0..2).for_each(|i| sched.submit(i)));
    });
}

#[test]
fn two_plain_threads_that_submit_to_one_m() {
    explore(3, || {
        run(Sched::new(1, 2, nothing), |sched| {
            let other = {
                let sched = Arc::clone(sched);
                thread::spawn(move || sched.submit(1))
            };
            sched.submit(0);
            other.join().unwrap();
        });
    });
}

#[test]
fn two_plain_threads_and_an_m_that_wakes_by_itself() {
    explore(2, || {
        run(Sched::new(1, 3, nothing), |sched| {
            let other = {
                let sched = Arc::clone(sched);
                thread::spawn(move || sched.submit(1))
            };
            sched.ready(0, 2);
            sched.submit(0);
            other.join().unwrap();
        });
    });
}

#[test]
fn an_m_that_spawns_and_a_plain_thread_that_submits() {
    /// The first piece of work queues the second.
    fn spawn(sched: &Sched, me: usize, item: usize) {
        if item == 0 {
            sched.spawn(me, 1);
        }
    }
    explore(2, || {
        run(Sched::new(2, 3, spawn), |sched| {
            sched.submit(0);
            sched.submit(2);
        });
    });
}

#[test]
fn what_a_blocked_m_has_spawned_is_done_by_another() {
    /// The first piece of work queues the second and blocks its M until that has begun.
    fn spawn_and_block(sched: &Sched, me: usize, item: usize) {
        if item == 0 {
            sched.spawn(me, 1);
            sched.begun[1].wait();
        }
    }
    explore(2, || run(Sched::new(2, 2, spawn_and_block), |sched| sched.submit(0)));
}

#[test]
fn a_burst_wakes_as_many_ms_as_it_needs() {
    /// Each of two pieces of work blocks its M until the other has begun.
    fn meet(sched: &Sched, _: usize, item: usize) {
        sched.begun[1 - item].wait();
    }
    explore(2, || run(Sched::new(2, 2, meet), |sched| (0..2).for_each(|i| sched.submit(i))));
}

#[test]
fn work_that_is_placed_and_work_for_any() {
    explore(2, || {
        run(Sched::new(2, 2, nothing), |sched| {
            sched.hand(0, 0);
            sched.submit(1);
        });
    });
}

#[test]
fn work_that_is_placed_while_another_submits() {
    explore(2, || {
        run(Sched::new(1, 3, nothing), |sched| {
            let other = {
                let sched = Arc::clone(sched);
                thread::spawn(move || sched.submit(1))
            };
            sched.ready(0, 2);
            sched.hand(0, 0);
            other.join().unwrap();
        });
    });
}
