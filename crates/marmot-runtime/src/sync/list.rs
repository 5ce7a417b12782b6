//! Who waits, in order: a list through records on the stacks of those who wait.
//!
//! A record stays where it is while its owner is parked, and a parked goroutine is never unwound or freed: so waiting
//! needs no allocation, and there is no limit. The list is linked both ways, so that somebody in the middle can leave
//! it at no cost, as one must whose wait is ended by something else.

use std::cell::Cell;
use std::ptr::NonNull;

use crate::sched::{self, G};

/// Somebody who waits. All but `gp` and `more` is touched by its owner while it is in no list, and else by who has the list locked.
pub(crate) struct Waiter<X = ()> {
    pub(crate) gp: NonNull<G>,
    /// When it began to wait, by the scheduler's clock. It may have been woken in vain since.
    pub(crate) since: Cell<u64>,
    /// When it came into the list.
    pub(crate) queued: Cell<u64>,
    /// What has become of it.
    pub(crate) fate: Cell<Fate>,
    /// How much it waits for, where that differs.
    pub(crate) wants: usize,
    /// It is in a list.
    is_listed: Cell<bool>,
    links: Cell<Links<X>>,
    /// What else those want to know who take it out.
    pub(crate) more: X,
}

/// What has become of somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is in a list, or has been taken out of it for nothing.
    Waits,
    /// It was woken to look again, or to try again.
    Woken,
    /// It was given what it waits for.
    Given,
}

// SAFETY: see the type: the cells have one user at a time, and `gp` may be readied from any thread.
unsafe impl<X: Sync> Sync for Waiter<X> {}

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

    /// One that waits for so much.
    pub(crate) fn wanting(gp: NonNull<G>, wants: usize) -> Waiter {
        Waiter { wants, ..Waiter::with(gp, ()) }
    }
}

impl<X> Waiter<X> {
    pub(crate) fn with(gp: NonNull<G>, more: X) -> Waiter<X> {
        Waiter {
            gp,
            since: Cell::new(0),
            queued: Cell::new(0),
            fate: Cell::new(Fate::Waits),
            wants: 0,
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
    len: usize,
}

// SAFETY: the records are touched only by who has the list, and Gs may be readied from any thread; what else is in a record is
// shared with who takes it out.
unsafe impl<X: Sync> Send for List<X> {}

impl<X> List<X> {
    pub(crate) const fn new() -> List<X> {
        List { first: None, last: None, len: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
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

    /// The first. It is alive as long as it is in the list.
    pub(crate) fn first(&self) -> Option<&Waiter<X>> {
        // SAFETY: it is in this list, and whoever takes it out has the list exclusively.
        self.first.map(|first| unsafe { first.as_ref() })
    }

    /// Takes the first out. It stays alive until it is readied.
    pub(crate) fn pop_front(&mut self) -> Option<NonNull<Waiter<X>>> {
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
        self.len += 1;
        self.join(links.before, Some(waiter.into()));
        self.join(Some(waiter.into()), links.after);
    }

    /// # Safety
    ///
    /// `waiter` is in this list.
    unsafe fn remove(&mut self, waiter: &Waiter<X>) {
        let Links { before, after } = waiter.links.take();
        waiter.is_listed.set(false);
        self.len -= 1;
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

impl List {
    /// Takes all out for which `passes` is not true, says what becomes of them, and hands them over to be readied.
    pub(crate) fn take_all(&mut self, passes: impl Fn(NonNull<G>) -> bool, fate: Fate) -> Taken {
        let mut taken = Taken::new();
        while let Some(waiter) = self.pop_while(&passes) {
            // SAFETY: it was in this list until now, and is alive until it is readied.
            unsafe { taken.push(waiter, fate) };
        }
        taken
    }
}

/// Some who have been taken out of a list, to be readied when it is no longer locked, in order.
#[must_use = "they wait for ever unless they are readied"]
pub(crate) struct Taken {
    first: Option<NonNull<Waiter>>,
    last: Option<NonNull<Waiter>>,
    len: usize,
}

impl Taken {
    pub(crate) const fn new() -> Taken {
        Taken { first: None, last: None, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds one, and says what becomes of it.
    ///
    /// # Safety
    ///
    /// It has just been taken out of a list, which is still locked, and nobody else readies it.
    pub(crate) unsafe fn push(&mut self, waiter: NonNull<Waiter>, fate: Fate) {
        // SAFETY: the caller's word; who has not been readied is alive.
        unsafe { waiter.as_ref() }.fate.set(fate);
        match self.last {
            // SAFETY: as above.
            Some(last) => unsafe { last.as_ref() }.links.set(Links { before: None, after: Some(waiter) }),
            None => self.first = Some(waiter),
        }
        self.last = Some(waiter);
        self.len += 1;
    }

    /// Readies them.
    pub(crate) fn ready(self) {
        let mut next = self.first;
        while let Some(waiter) = next {
            // SAFETY: it is alive until it is readied, below; and it is looked at before that.
            let waiter = unsafe { waiter.as_ref() };
            let gp = waiter.gp;
            next = waiter.links.take().after;
            sched::ready(gp);
        }
    }
}
