//! Errands: what other threads ask of an M, to be run on its own thread, between two goroutines.
//!
//! An M alone may look at the goroutines that have settled on it. Who wants to know of them sends it an errand, and the M
//! runs it where it looks at its inbox. The flag is all that it looks at as long as there is none.
//!
//! | step | who sends | the M |
//! |---|---|---|
//! | 1 | puts the errand into the list, sets the flag, under the lock | says that it sleeps |
//! | 2 | fence, in [`Sleeper::wake`](super::idle::Sleeper::wake) | fence, in [`Idle::enter`](super::idle::Idle::enter) |
//! | 3 | wakes the M if it sleeps | looks at the flag once more |
//!
//! So an errand is never left to an M that sleeps; this is what the sleep protocol does for an inbox. An M that leaves
//! [closes](Errands::close) its list: what was in it is dropped, and what comes later is refused. Every errand is
//! taken, dropped or refused, once.

use crate::primitive::atomic::{
    AtomicBool,
    Ordering::{Relaxed, Release},
};
use crate::primitive::{Mutex, MutexGuard};

struct List<T> {
    errands: Vec<T>,
    closed: bool,
}

/// See the module.
pub(crate) struct Errands<T> {
    list: Mutex<List<T>>,
    /// There are some. It is written under the lock.
    asked: AtomicBool,
}

impl<T> Errands<T> {
    pub(crate) fn new() -> Self {
        Errands { list: Mutex::new(List { errands: Vec::new(), closed: false }), asked: AtomicBool::new(false) }
    }

    /// Whether there looked to be some; after a `SeqCst` fence this is what the sleep protocol needs.
    #[inline]
    pub(crate) fn asked(&self) -> bool {
        // Relaxed: what was sent is read under the lock.
        self.asked.load(Relaxed)
    }

    /// Sends one; the caller wakes the M afterwards.
    ///
    /// # Errors
    ///
    /// When the M has left: the errand.
    pub(crate) fn send(&self, errand: T) -> Result<(), T> {
        let mut list = self.lock();
        if list.closed {
            return Err(errand);
        }
        list.errands.push(errand);
        // Release: the fence of the sleep protocol, which comes after, does the rest.
        self.asked.store(true, Release);
        Ok(())
    }

    /// Takes all, oldest first. Only for the M.
    pub(crate) fn take(&self) -> Vec<T> {
        let mut list = self.lock();
        self.asked.store(false, Relaxed);
        std::mem::take(&mut list.errands)
    }

    /// Refuses errands from now on, and returns those that were not taken.
    #[must_use = "who sent them may wait for their end"]
    pub(crate) fn close(&self) -> Vec<T> {
        let mut list = self.lock();
        list.closed = true;
        self.asked.store(false, Relaxed);
        std::mem::take(&mut list.errands)
    }

    fn lock(&self) -> MutexGuard<'_, List<T>> {
        // Nothing that panics runs under the lock.
        self.list.lock().unwrap_or_else(|e| e.into_inner())
    }
}
