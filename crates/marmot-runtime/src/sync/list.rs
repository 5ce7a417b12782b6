//! Who waits, in order: a list through records on the stacks of those who wait.
//!
//! A record stays where it is while its owner is parked, and a parked goroutine is never unwound or freed: so waiting
//! needs no allocation, and there is no limit. The list is linked both ways, so that somebody in the middle can leave
//! it at no cost, as one must whose wait is ended by something else.

use std::cell::Cell;
use std::ptr::NonNull;

use crate::sched::G;

/// Somebody who waits. All but `gp` and `more` is touched by its owner while it is in no list, and else by who has the list locked.
pub(crate) struct Waiter<X = ()> {
    pub(crate) gp: NonNull<G>,
    /// When it began to wait, by the scheduler's clock. It may have been woken in vain since.
    pub(crate) since: Cell<u64>,
    /// When it came into the list.
    pub(crate) queued: Cell<u64>,
    /// Whether it was given what it waits for, and was not only woken to try again.
    pub(crate) was_given: Cell<bool>,
    /// It is in a list.
    is_listed: Cell<bool>,
    links: Cell<Links<X>>,
    /// What else those want to know who take it out.
    pub(crate) more: X,
}

struct Links<X> {
    before: Option<NonNull<Waiter<X>>>,
    after: Option<NonNull<Waiter<X>>>,
}

impl<X> Clone for Links<X> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<X> Copy for Links<X> {}

impl<X> Default for Links<X> {
    fn default() -> Self {
        Links { before: None, after: None }
    }
}

impl Waiter {
    pub(crate) fn new(gp: NonNull<G>) -> Waiter {
        Waiter::with(gp, ())
    }
}

impl<X> Waiter<X> {
    pub(crate) fn with(gp: NonNull<G>, more: X) -> Waiter<X> {
        Waiter {
            gp,
            since: Cell::new(0),
            queued: Cell::new(0),
            was_given: Cell::new(false),
            is_listed: Cell::new(false),
            links: Cell::default(),
            more,
        }
    }
}

/// Those who wait, the oldest first.
pub(crate) struct List<X = ()> {
    first: Option<NonNull<Waiter<X>>>,
    last: Option<NonNull<Waiter<X>>>,
}

// SAFETY: the records are touched only by who has the list, and Gs may be readied from any thread; what else is in a record is
// shared with who takes it out.
unsafe impl<X: Sync> Send for List<X> {}

impl<X> List<X> {
    pub(crate) const fn new() -> List<X> {
        List { first: None, last: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Puts `waiter` behind all others.
    ///
    /// # Safety
    ///
    /// It is in no list, and stays where it is until it has been taken out.
    pub(crate) unsafe fn push_back(&mut self, waiter: &Waiter<X>) {
        // SAFETY: the caller's word; what is in the list is alive.
        unsafe { self.insert(waiter, Links { before: self.last, after: None }) };
    }

    /// Puts `waiter` before all others.
    ///
    /// # Safety
    ///
    /// As for `push_back`.
    pub(crate) unsafe fn push_front(&mut self, waiter: &Waiter<X>) {
        // SAFETY: as in `push_back`.
        unsafe { self.insert(waiter, Links { before: None, after: self.first }) };
    }

    /// Takes the first out. It stays alive until it is readied.
    fn pop_front(&mut self) -> Option<NonNull<Waiter<X>>> {
        let first = self.first?;
        // SAFETY: it is in this list, and alive.
        unsafe { self.remove(first.as_ref()) };
        Some(first)
    }

    /// Takes out the first for which `passes` is not true, and those before it, which nobody readies any more.
    pub(crate) fn pop_while(&mut self, passes: impl Fn(NonNull<G>) -> bool) -> Option<NonNull<Waiter<X>>> {
        loop {
            let first = self.pop_front()?;
            // SAFETY: it was in this list until now, and is alive until it is readied.
            if !passes(unsafe { first.as_ref() }.gp) {
                return Some(first);
            }
        }
    }

    /// Takes `waiter` out, wherever in the list it is; false if it is in none.
    ///
    /// # Safety
    ///
    /// It is in no other list.
    pub(crate) unsafe fn leave(&mut self, waiter: &Waiter<X>) -> bool {
        let was_listed = waiter.is_listed.get();
        if was_listed {
            // SAFETY: the caller's word.
            unsafe { self.remove(waiter) };
        }
        was_listed
    }

    /// # Safety
    ///
    /// `waiter` is as `push_back` demands, and `links` are neighbours in this list, or its ends.
    unsafe fn insert(&mut self, waiter: &Waiter<X>, links: Links<X>) {
        waiter.links.set(links);
        waiter.is_listed.set(true);
        self.join(links.before, Some(waiter.into()));
        self.join(Some(waiter.into()), links.after);
    }

    /// # Safety
    ///
    /// `waiter` is in this list.
    unsafe fn remove(&mut self, waiter: &Waiter<X>) {
        let Links { before, after } = waiter.links.take();
        waiter.is_listed.set(false);
        self.join(before, after);
    }

    /// Makes two neighbours, or one the end of the list.
    fn join(&mut self, before: Option<NonNull<Waiter<X>>>, after: Option<NonNull<Waiter<X>>>) {
        // SAFETY: all that are in the list are alive, and touched by nobody else.
        let links = |waiter: NonNull<Waiter<X>>| unsafe { &(*waiter.as_ptr()).links };
        match before.map(links) {
            Some(cell) => cell.set(Links { after, ..cell.get() }),
            None => self.first = after,
        }
        match after.map(links) {
            Some(cell) => cell.set(Links { before, ..cell.get() }),
            None => self.last = before,
        }
    }
}
