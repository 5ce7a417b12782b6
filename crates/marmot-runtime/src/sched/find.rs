//! The M's loop: what to run next, and when to sleep.
//!
//! The short way is a row of goroutines out of the settled queue. After eight of them, and whenever that queue is empty,
//! the M looks at all the rest, in order: due timers; every 64th turn, and after 10 ms, what must not wait for an idle moment (the
//! poller, the global queue); the inboxes; the settled queue and, in fair turns with it, the local ring and the
//! global queue; other Ps' rings; and then sleep, in the poller, until a descriptor is ready, a
//! timer is due, or somebody rings. There is no separate non-blocking poll before the sleep: an M
//! that has nothing else to do polls once, and that poll blocks.
//!
//! Turns are counted because the clock is dearer than most of them. Where they are long, because goroutines compute and yield, counting
//! is too slow: a row of eight may last for tens of milliseconds. So the M reads the clock once in a row, as long as there is
//! anything that could wait for it; if the turns of the row were [long](LONG_TURN), the rows that follow are of one turn, until
//! turns are short again. What waits at the poller or in the inboxes is then found after one turn, or after [`LOOK`].

use std::ptr::NonNull;
use std::sync::atomic::{
    Ordering::{Relaxed, SeqCst},
    fence,
};
use std::time::Duration;

use marmot_coro::overflow::AltStack;

use super::g::G;
use super::m::M;
use super::{clock, current, outside, sys};

/// A turn in so many looks at the poller and the global queue.
const TURNS: u32 = 64;

/// At most so many goroutines run in a row between two looks at everything else.
pub(super) const ROW: u32 = 8;

/// After so long an M looks at its poller and the global queue, however few turns there have been.
const LOOK: u64 = 10_000_000;

/// From that on a turn is long, in nanoseconds: a row of such turns takes several milliseconds.
const LONG_TURN: u64 = 500_000;

/// How long an M may leave what placement sent to its P before another takes it: longer than a busy
/// system keeps a thread waiting for a core.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often a claimed M looks through the others' rings before it sleeps again.
const SPINS: usize = 4;

/// At most so many goroutines move from the global queue to a ring at a time: half of the ring, which
/// is empty then, so that it does not overflow into the queue whose lock is held.
const GLOBAL_BATCH: usize = 128;

impl M {
    /// Runs goroutines until the runtime stops.
    pub(super) fn run(&'static self) {
        loop {
            self.turn.store(self.turn.load(Relaxed).wrapping_add(1), Relaxed);
            let left = self.own.row.get();
            let next = if left == 0 { None } else { self.take_settled() };
            let gp = match next {
                Some(gp) => {
                    self.own.row.set(left - 1);
                    gp
                }
                None => {
                    let Some(gp) = self.find_runnable() else { return };
                    // It begins to spin in there only.
                    if self.own.spinning.get() {
                        self.found_work();
                    }
                    gp
                }
            };
            self.execute(gp);
        }
    }

    /// The long way: everything that this M can do, until there is something, or the runtime stops.
    #[cold]
    #[inline(never)]
    fn find_runnable(&'static self) -> Option<NonNull<G>> {
        loop {
            if self.sched.is_stopping() {
                return None;
            }
            let turn = self.turn.load(Relaxed);
            if turn.wrapping_sub(self.own.timed.get()) >= self.own.row_len.get() {
                self.look_at_the_clock(turn);
            }
            // Everybody who waits in the settled queue has a turn between two polls, however many they are: what the kernel
            // touches to report an event is in the processor's cache when its goroutine runs soon after.
            if turn.wrapping_sub(self.own.looked.get()) >= TURNS.max(self.own.round.get()) {
                self.own.looked.set(turn);
                let gp = self.look_around();
                self.own.round.set(self.settled_len());
                if gp.is_some() {
                    return gp;
                }
            }
            self.take_inboxes();
            if self.errands.asked() {
                self.run_errands();
            }
            if let Some(gp) = self.find_here(turn) {
                return Some(gp);
            }
            if let Some(gp) = self.steal() {
                return Some(gp);
            }
            self.sleep();
        }
    }

    /// Makes the next turn one in which this M looks at its poller and its timers.
    pub(super) fn look_next(&self) {
        let turn = self.turn.load(Relaxed);
        self.own.row.set(0);
        self.own.timed.set(turn.wrapping_sub(ROW));
        self.own.looked.set(turn.wrapping_sub(TURNS));
        self.own.round.set(0);
    }

    /// Fires the timers that are due, shortens the rows if turns are long, and lets the M look around if it has not for a while.
    #[inline]
    fn look_at_the_clock(&self, turn: u32) {
        let before = self.own.timed.replace(turn);
        let may_wait = self.registered.load(Relaxed) > 0
            || !self.sched.globq.is_empty()
            || !self.inbox.is_empty()
            || self.errands.asked();
        if may_wait || self.pp().timers.next() != u64::MAX {
            self.time_the_row(turn, turn.wrapping_sub(before));
        } else {
            self.own.row_len.set(ROW);
        }
    }

    #[cold]
    #[inline(never)]
    fn time_the_row(&self, turn: u32, turns: u32) {
        let timers = &self.pp().timers;
        // If this M looked at its poller during the row, perhaps after it had slept, nothing has waited for long.
        if turn.wrapping_sub(self.own.looked.get()) < turns {
            self.own.clock.set(0);
            if timers.next() == u64::MAX {
                return;
            }
        }
        let now = clock::now();
        if timers.next() <= now {
            timers.fire_due(now);
        }
        // What is unknown, because the M has slept or has begun just now, does not count.
        let before = self.own.clock.replace(now);
        let known = before != 0;
        let are_long = known && (now - before) / u64::from(turns.max(1)) >= LONG_TURN;
        self.own.row_len.set(if are_long { 1 } else { ROW });
        if !known || self.own.looked_at.get() == 0 {
            self.own.looked_at.set(now);
        } else if now - self.own.looked_at.get() >= LOOK {
            self.own.looked.set(turn.wrapping_sub(TURNS));
            self.own.round.set(0);
        }
    }

    /// What must not wait until this M has nothing else to do.
    fn look_around(&'static self) -> Option<NonNull<G>> {
        self.own.looked_at.set(0);
        if self.registered.load(Relaxed) > 0 {
            self.poll(Some(Duration::ZERO));
        }
        self.take_global(1)
    }

    /// The ring, and the settled queue: in turns if there is something in both, else several of the settled queue in a
    /// row, which is cheaper.
    #[inline]
    fn find_here(&self, turn: u32) -> Option<NonNull<G>> {
        let local = self.take_local(turn);
        // One of the ring, and then one of the settled queue; else the row begins here.
        self.own.row.set(if local.is_some() { 1 } else { self.own.row_len.get() - 1 });
        local.or_else(|| self.take_settled())
    }

    /// The goroutine that was spawned last, mostly; but goroutines that each spawn the next must
    /// not hold up the ring for ever. When the ring is empty, the global queue refills it.
    #[inline]
    fn take_local(&self, turn: u32) -> Option<NonNull<G>> {
        let pp = self.pp();
        let gp = if turn % TURNS < TURNS / 8 {
            pp.runq.pop().or_else(|| pp.runq.take_next())
        } else {
            pp.runq.take_next().or_else(|| pp.runq.pop())
        };
        gp.and_then(NonNull::new).or_else(|| self.take_global(GLOBAL_BATCH))
    }

    /// Moves what others readied for this M to its settled queue, and what placement sent to its P:
    /// that has not started, but in the ring it would be stolen by the next M that has nothing to
    /// do, and then nothing would be placed at all.
    #[inline]
    fn take_inboxes(&self) {
        if !self.inbox.is_empty() {
            for gp in self.inbox.take_all() {
                self.ready_here(gp);
            }
        }
        let placed = &self.pp().inbox;
        if !placed.is_empty() {
            for gp in placed.take_all() {
                self.start_here(gp);
            }
        }
    }

    /// A share of the global queue: the first of it to run now, the rest to the ring.
    fn take_global(&self, most: usize) -> Option<NonNull<G>> {
        let mut first = None;
        self.sched.globq.pop_share(self.sched.ms().len(), most, |gp| {
            if first.is_none() {
                first = Some(gp);
            } else {
                self.enqueue(gp.as_ptr());
            }
        });
        first
    }

    /// Half of another P's ring. An M that was woken to look for work looks several times, and
    /// takes what was spawned last only at the end: its spawner is likely to park and run it at
    /// once, with warm caches.
    fn steal(&'static self) -> Option<NonNull<G>> {
        let (ps, pp) = (self.sched.ps(), self.pp());
        let rounds = if self.own.spinning.get() { SPINS } else { 1 };
        for round in 1..=rounds {
            // Each thief begins after itself, so that they do not all go for the same victim.
            for victim in ps[self.id + 1..].iter().chain(&ps[..self.id]) {
                let stolen = victim.runq.steal_into(&pp.runq);
                let stolen = match stolen {
                    None if round == rounds => victim.runq.take_next(),
                    stolen => stolen,
                };
                if let Some(gp) = stolen.and_then(NonNull::new) {
                    return Some(gp);
                }
            }
            std::hint::spin_loop();
        }
        None
    }

    /// Sleeps in the poller until there is something to do. The protocol is in [`super::idle`].
    fn sleep(&'static self) {
        let idle = &self.sched.idle;
        if self.own.spinning.replace(false) {
            idle.stop_spinning();
        }
        self.trim_roll();
        self.sleeper.prepare();
        idle.enter(self.id);
        let waiting = self.placed_elsewhere();
        // The timers are looked at after that, too: another thread may arm one.
        let timeout = if self.sees_work() {
            Some(Duration::ZERO)
        } else {
            match self.pp().timers.next() {
                u64::MAX => None,
                due => Some(Duration::from_nanos(due.saturating_sub(clock::now()))),
            }
        };
        let timeout = match waiting {
            Some(_) => Some(timeout.map_or(PATIENCE, |t| t.min(PATIENCE))),
            None => timeout,
        };
        self.poll_and(timeout, || {
            self.sleeper.finish();
            if idle.leave(self.id) {
                self.own.spinning.set(true);
            }
        });
        self.own.looked.set(self.turn.load(Relaxed));
        self.own.round.set(self.settled_len());
        self.fire_timers();
        self.watch(waiting);
    }

    /// An M to whose P placement has sent goroutines that it has not taken yet, and its turn.
    fn placed_elsewhere(&self) -> Option<(&'static M, u32)> {
        let others = self.sched.ms().iter().filter(|mp| mp.id != self.id);
        others.map(|mp| (mp, mp.turn.load(Relaxed))).find(|(mp, _)| !mp.home_p().inbox.is_empty())
    }

    /// Takes what was sent to another M's P, if that M has been awake and in the same turn for so
    /// long that it must be stuck in a goroutine: the connections must not wait for that.
    fn watch(&self, waiting: Option<(&'static M, u32)>) {
        let Some((mp, turn)) = waiting else {
            self.own.watched.set(None);
            return;
        };
        let now = clock::now();
        let since = match self.own.watched.get() {
            Some((id, seen, since)) if (id, seen) == (mp.id, turn) => since,
            _ => now,
        };
        self.own.watched.set(Some((mp.id, turn, since)));
        let stuck = mp.sleeper.is_awake() && mp.turn.load(Relaxed) == turn;
        if stuck && now - since >= PATIENCE.as_nanos() as u64 {
            for gp in mp.home_p().inbox.take_all() {
                self.start_here(gp);
            }
        }
    }

    /// The last look before the sleep.
    fn sees_work(&self) -> bool {
        !self.inbox.is_empty()
            || !self.pp().inbox.is_empty()
            || !self.sched.globq.is_empty()
            || self.sched.ps().iter().any(|pp| !pp.runq.is_empty())
            || self.errands.asked()
            || self.sched.is_stopping()
    }

    fn fire_timers(&self) {
        let timers = &self.pp().timers;
        if timers.next() != u64::MAX {
            timers.fire_due(clock::now());
        }
    }

    fn poll(&'static self, timeout: Option<Duration>) {
        self.poll_and(timeout, || {});
    }

    /// Polls, calls `then`, and hands on what is ready.
    fn poll_and(&'static self, timeout: Option<Duration>, then: impl FnOnce()) {
        let mut events = self.own.events.borrow_mut();
        // The poller is closed after the last turn of the loop.
        let poller = self.own_poller().expect("a running M has its poller");
        let polled = poller.poll(&mut events, timeout);
        then();
        match polled {
            Ok(0) => {}
            Ok(_) => (self.sched.hooks.on_events)(&events),
            Err(e) => super::fatal("a poller cannot be polled", &e),
        }
    }

    /// The thread of this M, from its start to its end.
    pub(super) fn thread(&'static self) {
        // Kept until the thread ends: an overflow is reported from there.
        let _signal_stack = AltStack::new().inspect_err(|e| {
            super::report(format_args!("M {} cannot report a stack overflow: {e}", self.id));
        });
        sys::wake_exactly();
        current::set_mp(self);
        self.own.pp.set(Some(&self.sched.ps()[self.id]));
        self.run();
        self.leave();
    }

    /// The end of the thread, after the runtime has stopped. What has not started never will. If a
    /// goroutine that has settled here is left, so is the thread, because the goroutine's
    /// thread-locals are the thread's.
    fn leave(&'static self) {
        let stopped = || Box::new(super::Stopped);
        // Pairs with the fence in `hand`: either that sees that the runtime has stopped, or this sees
        // what was handed.
        fence(SeqCst);
        for gp in self.sched.globq.close() {
            self.sched.abandon(gp, stopped());
        }
        // Who sent them hears of it when they are dropped.
        drop(self.errands.close());
        self.abandon_unstarted();
        self.pp().timers.give_up(&outside::HEAP);
        outside::serve();
        // Nobody runs here any more.
        self.carry_out_wills();
        self.abandon_unstarted();
        self.own.pp.set(None);
        self.close_poller();
        self.flush_stacks();
        // What thread-local destructors call finds a plain thread.
        current::leave_m();
        while self.settled_here() > 0 {
            std::thread::park();
        }
    }

    /// Ends the goroutines in this M's queues that have not started. All queues are looked at again after each: what is dropped with
    /// a closure may make others, which are queued here.
    fn abandon_unstarted(&'static self) {
        let stopped = || Box::new(super::Stopped);
        loop {
            for gp in self.pp().inbox.take_all() {
                self.sched.abandon(gp, stopped());
            }
            let Some(gp) = self.take_local(0).or_else(|| self.take_settled()) else { return };
            // SAFETY: a G stays until its goroutine has ended.
            if unsafe { gp.as_ref() }.is_unstarted() {
                self.sched.abandon(gp, stopped());
            }
        }
    }
}
