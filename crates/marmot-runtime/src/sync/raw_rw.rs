//! The lock of an [`RwLock`](super::RwLock), without what it guards.
//!
//! As in Go's, writers first agree among themselves, by a [mutex](super::raw) of their own. The one that has it deals with the
//! readers, by a word:
//!
//! | part | meaning | set by | cleared by |
//! |---|---|---|---|
//! | `WRITER` | the writer whose turn it is writes, or waits for the last reader | that writer, by one exchange | the same, when it has written or does not want to any more |
//! | `WAITED` | readers may be in the list | who is going to wait, with the list locked | who clears `WRITER`, with the list locked |
//! | the rest | how many read | who begins to read, or lets others | who ends |
//!
//! **A reader** that sees no `WRITER` counts itself. Else it waits in the list, by an exchange that sees `WRITER` and sets
//! `WAITED`: so the writer, when it ends, locks the list and finds it. It then counts all who wait there, and readies them: they
//! have the lock when they run.
//!
//! **A writer** that has the mutex sets `WRITER`. If nobody reads, the lock is its own. Else it puts itself into the list, unless
//! nobody reads by then. The reader that leaves last with `WRITER` set locks the list, looks again whether
//! nobody reads, and hands the lock to the writer that is there. If none is there yet, the writer will see that nobody reads. If there is
//! another writer than the one it has seen, and others read, it lets things be: the last of those others comes by.
//!
//! **Nobody starves.** A writer waits for the readers that were there when it came, and for no others. Readers wait for one writer:
//! all who wait when it ends come before the next one. Among writers, the mutex sees to it. A goroutine that reads again and again
//! meets nobody as long as the writer whose turn it is waits to run on the same M, and would keep it from that; so every read counts
//! as an operation of its turn ([`sched::spend`]).
//!
//! **A wait that ends otherwise.** A reader leaves the list. A writer that waits for the mutex leaves that. One
//! that waits for readers has `WRITER` set: it ends as if it had written. Between its being taken out and
//! that, the lock looks as if it wrote. Who has been handed the lock meanwhile has it. Nothing is handed to one whose context has ended
//! (see [`list`](super::list)): if it is the writer, it ends as above when it is woken for that.
//!
//! **Who does not go on** because its runtime has stopped is passed over: readers do not come in with the others, and in place of a writer
//! the last reader ends as if it had written. The runtime may stop right after that look; so who waits leaves a
//! [will](crate::sched::with_will), and that does the same, or gives up what was handed over.
//!
//! **Orderings.** To begin to read or to write is an Acquire, and to end is a Release. A writer comes after all readers: they leave by
//! read-modify-writes of one word, so that one Acquire of what the last of them left pairs with them all. Where the lock is handed
//! over, readying and parking order what was done before. The model is `tests/loom/rwlock.rs`.
//!
//! # What was rejected
//!
//! * One list for all, in order: a lock that is mostly written would be handed over at each turn. Writers who only want to write
//!   have what the mutex has, the one who runs goes first.
//! * Writers in the word alone, without a mutex. Where nobody competes, that is half of the exchanges; but those who compete would need
//!   a queue of their own here, with all that the mutex does so that nobody starves.
//! * Readers who come before a writer that waits: under steady reading it would wait for ever.

use std::hint::spin_loop;

use super::list::{Fate, List, Waiter, pass_over};
use super::raw::Raw;
use super::wait::{Limit, Queue, wait};
use crate::primitive::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::primitive::{Mutex, MutexGuard, constant};
use crate::sched::{self, Ended, WaitReason};

const WRITER: usize = 1;
const WAITED: usize = 2;
/// What one reader adds.
const READER: usize = 4;
/// No more may read. Guards that are forgotten could get there.
const MOST: usize = usize::MAX / 2;

/// How often one looks before one waits.
const SPINS: u32 = 100;

/// See the module.
pub(crate) struct RawRw {
    word: AtomicUsize,
    /// Whose turn it is to write.
    writers: Raw,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    readers: List,
    /// The one that has set `WRITER`, if it waits for readers.
    writer: List,
}

impl RawRw {
    constant! {
        pub(crate) fn new() -> RawRw {
            RawRw {
                word: AtomicUsize::new(0),
                writers: Raw::new(),
                waiting: Mutex::new(Waiting { readers: List::new(), writer: List::new() }),
            }
        }
    }

    /// Begins to read, if nobody writes or is about to.
    #[inline]
    pub(crate) fn try_read(&self) -> bool {
        let mut word = self.word.load(Relaxed);
        while word & WRITER == 0 {
            assert!(word < MOST, "too many read at the same time");
            // Acquire pairs with the Release of the writer before, here and below.
            match self.word.compare_exchange_weak(word, word + READER, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Begins to read, unless `limit` comes first: `Readied` if so.
    #[inline]
    pub(crate) fn read(&self, limit: Limit) -> Ended {
        sched::spend();
        if self.try_read() { Ended::Readied } else { self.read_slowly(limit) }
    }

    #[cold]
    fn read_slowly(&self, limit: Limit) -> Ended {
        if sched::may_spin() {
            self.spin();
        }
        let waiter = Waiter::new(sched::waiter(), limit.observes());
        if !self.queue_up(&waiter) {
            return Ended::Readied;
        }
        wait(&Readers(self), &waiter, WaitReason::RwLockRead, limit)
    }

    /// Puts a reader into the list; false if it need not wait, and reads.
    fn queue_up(&self, waiter: &Waiter) -> bool {
        let mut waiting = self.waiting();
        loop {
            if self.try_read() {
                return false;
            }
            let word = self.word.load(Relaxed);
            if word & WRITER != 0 && self.word.compare_exchange(word, word | WAITED, Relaxed, Relaxed).is_ok() {
                break;
            }
        }
        // SAFETY: it is in no list, and its owner parks until it has been taken out.
        unsafe { waiting.readers.push_back(waiter) };
        true
    }

    /// Ends to read. Only for who reads.
    #[inline]
    pub(crate) fn unlock_read(&self) {
        // Release pairs with the Acquire of the next writer.
        let word = self.word.fetch_sub(READER, Release) - READER;
        if word & !WAITED == WRITER {
            self.hand_to_writer();
        }
    }

    #[cold]
    fn hand_to_writer(&self) {
        let mut waiting = self.waiting();
        // Acquire pairs with the Release in `unlock_read` of all who have read.
        if self.word.load(Acquire) & !WAITED != WRITER {
            return;
        }
        // SAFETY: who waits is alive until it has been readied.
        let Some(writer) = waiting.writer.pop_front().map(|writer| unsafe { writer.as_ref() }) else { return };
        // SAFETY: it was in the list until now, which is locked.
        if !unsafe { pass_over(writer) } {
            writer.fate.set(Fate::Given);
            let gp = writer.gp;
            drop(waiting);
            sched::ready(gp);
        } else if writer.fate.get() == Fate::PassedOver {
            drop(waiting);
            // In its place, for it does not go on.
            self.unlock_write();
        }
    }

    /// Begins to write, if nobody else does or reads.
    pub(crate) fn try_write(&self) -> bool {
        if !self.writers.try_lock() {
            return false;
        }
        // Acquire pairs with the Release in `unlock_read` and `unlock_write`.
        let has_it = self.word.compare_exchange(0, WRITER, Acquire, Relaxed).is_ok();
        if !has_it {
            self.writers.unlock();
        }
        has_it
    }

    /// Begins to write, unless `limit` comes first: `Readied` if so.
    #[inline]
    pub(crate) fn write(&self, limit: Limit) -> Ended {
        match self.writers.lock_within(limit) {
            Ended::Readied => {}
            ended => return ended,
        }
        // Acquire as in `try_write`.
        match self.word.compare_exchange(0, WRITER, Acquire, Relaxed) {
            Ok(_) => Ended::Readied,
            Err(_) => self.write_slowly(limit),
        }
    }

    #[cold]
    fn write_slowly(&self, limit: Limit) -> Ended {
        // Acquire as in `try_write`. As long as the mutex is ours, nobody else sets or clears it.
        if self.word.fetch_or(WRITER, Acquire) < READER {
            return Ended::Readied;
        }
        let waiter = Waiter::new(sched::waiter(), limit.observes());
        let mut waiting = self.waiting();
        // Acquire as above.
        if self.word.load(Acquire) < READER {
            return Ended::Readied;
        }
        // SAFETY: it is in no list, and its owner parks until it has been taken out.
        unsafe { waiting.writer.push_back(&waiter) };
        drop(waiting);
        let ended = wait(&Writer(self), &waiter, WaitReason::RwLockWrite, limit);
        if ended != Ended::Readied {
            self.unlock_write();
        }
        ended
    }

    /// Ends to write. Only for who writes, or has set `WRITER` to do so.
    #[inline]
    pub(crate) fn unlock_write(&self) {
        // Release pairs with the Acquire of whoever comes next, here and below.
        if self.word.compare_exchange(WRITER, 0, Release, Relaxed).is_err() {
            self.let_readers_in(0);
        }
        self.writers.unlock();
    }

    /// Ends to write and begins to read, without a moment between in which another writes.
    pub(crate) fn downgrade(&self) {
        // Release as above.
        if self.word.compare_exchange(WRITER, READER, Release, Relaxed).is_err() {
            self.let_readers_in(1);
        }
        self.writers.unlock();
    }

    /// Clears `WRITER`, and counts all readers who wait, and `more`.
    #[cold]
    fn let_readers_in(&self, more: usize) {
        let mut waiting = self.waiting();
        let taken = waiting.readers.take_all(Fate::Given);
        // `WRITER` is the caller's, and `WAITED` changes only with the list locked; readers who were here before may leave meanwhile.
        let bits = self.word.load(Relaxed) & (WRITER | WAITED);
        let readers = (taken.len() + more) * READER;
        // Release as above.
        self.word.fetch_add(readers.wrapping_sub(bits), Release);
        drop(waiting);
        taken.ready();
    }

    fn spin(&self) {
        for _ in 0..SPINS {
            if self.word.load(Relaxed) & (WRITER | WAITED) != WRITER {
                return;
            }
            spin_loop();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that panics runs under the lock, but for the count of readers, and then nothing has changed.
        self.waiting.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Where readers wait.
struct Readers<'a>(&'a RawRw);

impl Queue for Readers<'_> {
    fn retract(&self, waiter: &Waiter) -> bool {
        // SAFETY: it waits here and nowhere else. `WAITED` may stay: it goes with `WRITER`.
        unsafe { self.0.waiting().readers.leave(waiter) }
    }

    fn lose(&self, waiter: &Waiter) {
        if !self.retract(waiter) && waiter.fate.get() == Fate::Given {
            self.0.unlock_read();
        }
    }
}

/// Where the writer waits whose turn it is.
struct Writer<'a>(&'a RawRw);

impl Queue for Writer<'_> {
    fn retract(&self, waiter: &Waiter) -> bool {
        // SAFETY: it waits here and nowhere else.
        unsafe { self.0.waiting().writer.leave(waiter) }
    }

    fn lose(&self, waiter: &Waiter) {
        self.retract(waiter);
        // It has the lock, or has set `WRITER`, which it does not clear itself any more; unless somebody has done so in its place.
        if waiter.fate.get() != Fate::PassedOver {
            self.0.unlock_write();
        }
    }
}
