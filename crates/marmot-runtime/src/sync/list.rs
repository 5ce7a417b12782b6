//! Who waits, in order: a list through records on the stacks of those who wait.
//!
//! A record stays where it is while its owner is parked, and a parked goroutine is never unwound or freed: so waiting
//! needs no allocation, and there is no limit. The list is linked both ways, so that somebody in the middle can leave
//! it at no cost, as one must whose wait is ended by something else.
//!
//! # Nothing is given to a waiter that does not take it
//!
//! Whoever gives something away takes the first waiter [that goes on](List::next) out of the list. The waiters before it come out, too:
//!
//! | the waiter | because | what becomes of it |
//! |---|---|---|
//! | a goroutine whose runtime has stopped | it never goes on | it is [`PassedOver`](Fate::PassedOver) |
//! | a goroutine whose context has ended, if its wait observes that | its wait is over: it returns the error | it is [`Dismissed`](Fate::Dismissed) |
//!
//! A goroutine is woken for the end of its context by its own M, some time after whoever ended the context has gone on
//! ([`cancel`](crate::sched::cancel)). What is given away in between is for the next waiter. The dismissed one stays parked until
//! its M comes, which takes it out of the list as if it were still there: [`List::leave`] is true then, once. The end of a context
//! always comes to those that wait under it, so a dismissed waiter needs nobody else to wake it. A plain thread is taken out of the
//! list before whoever ends its context goes on.

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
    /// The end of its context ends the wait.
    observes: bool,
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
    /// It was taken out of a list because its context has ended, and is still to be woken for that.
    Dismissed,
    /// It was taken out of a list because its runtime has stopped, and is not woken any more.
    PassedOver,
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
    /// One whose wait is ended by the end of its context, if it `observes` that.
    pub(crate) fn new(gp: NonNull<G>, observes: bool) -> Waiter {
        Waiter { observes, ..Waiter::with(gp, ()) }
    }

    /// The same, for so much.
    pub(crate) fn wanting(gp: NonNull<G>, observes: bool, wants: usize) -> Waiter {
        Waiter { wants, ..Waiter::new(gp, observes) }
    }
}

impl<X> Waiter<X> {
    /// One whose wait is ended by the end of its context.
    pub(crate) fn with(gp: NonNull<G>, more: X) -> Waiter<X> {
        Waiter {
            gp,
            since: Cell::new(0),
            queued: Cell::new(0),
            fate: Cell::new(Fate::Waits),
            wants: 0,
            observes: true,
            is_listed: Cell::new(false),
            links: Cell::default(),
            more,
        }
    }

    /// Whether it is in a list. For who has that locked.
    pub(crate) fn is_listed(&self) -> bool {
        self.is_listed.get()
    }

    /// Whether its wait is over because its context has ended.
    ///
    /// # Safety
    ///
    /// It is in a list, which the caller has locked, or was until now.
    #[inline]
    unsafe fn waits_in_vain(&self) -> bool {
        // SAFETY: the caller's word. A waiter does not go on before it has been taken out of its list, under the lock, or readied; and it is
        // the same goroutine until then, within the same call.
        self.observes && unsafe { sched::has_context_ended(self.gp) }
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

    /// Takes out the first that goes on, and those before it that do not: see [the module](self).
    #[inline]
    pub(crate) fn next(&mut self) -> Option<NonNull<Waiter<X>>> {
        loop {
            let first = self.pop_front()?;
            // SAFETY: it was in this list until now, and is alive until it is readied.
            if unsafe { !pass_over(first.as_ref()) } {
                return Some(first);
            }
        }
    }

    /// Takes out those before the first that goes on, and returns that one.
    pub(crate) fn first_that_goes_on(&mut self) -> Option<&Waiter<X>> {
        loop {
            let first = self.first?;
            // SAFETY: it is in this list, and alive.
            unsafe {
                if !pass_over(first.as_ref()) {
                    return self.first();
                }
                self.remove(first.as_ref());
            }
        }
    }

    /// Takes out those whose wait is over because their context has ended, and says how many they are.
    pub(crate) fn dismiss(&mut self) -> usize {
        let (mut count, mut next) = (0, self.first);
        while let Some(waiter) = next {
            // SAFETY: it is in this list, and alive.
            unsafe {
                let waiter = waiter.as_ref();
                next = waiter.links.get().after;
                if waiter.waits_in_vain() {
                    waiter.fate.set(Fate::Dismissed);
                    self.remove(waiter);
                    count += 1;
                }
            }
        }
        count
    }

    /// Takes `waiter` out, wherever in the list it is, for who ends its wait otherwise; false if somebody has taken it out who
    /// readies it, and for one that was passed over because its runtime has stopped.
    ///
    /// # Safety
    ///
    /// It is in no other list.
    pub(crate) unsafe fn leave(&mut self, waiter: &Waiter<X>) -> bool {
        if waiter.is_listed.get() {
            // SAFETY: the caller's word.
            unsafe { self.remove(waiter) };
            return true;
        }
        let was_dismissed = waiter.fate.get() == Fate::Dismissed;
        if was_dismissed {
            waiter.fate.set(Fate::Waits);
        }
        was_dismissed
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
    /// Takes all out. Says what becomes of those that go on, and hands them over to be readied.
    pub(crate) fn take_all(&mut self, fate: Fate) -> Taken {
        let mut taken = Taken::new();
        while let Some(waiter) = self.next() {
            // SAFETY: it was in this list until now, and is alive until it is readied.
            unsafe { taken.push(waiter, fate) };
        }
        taken
    }

    /// As [`take_all`](List::take_all), also of those whose context has ended since they were looked at by [`dismiss`](List::dismiss).
    pub(crate) fn take_present(&mut self, fate: Fate) -> Taken {
        let mut taken = Taken::new();
        while let Some(waiter) = self.pop_front() {
            // SAFETY: it was in this list until now, and is alive until it is readied.
            unsafe {
                if sched::has_stopped(waiter.as_ref().gp) {
                    waiter.as_ref().fate.set(Fate::PassedOver);
                } else {
                    taken.push(waiter, fate);
                }
            }
        }
        taken
    }
}

/// Whether `waiter` does not go on; if so, that becomes of it. Then it is for the caller to take it out of the list.
///
/// # Safety
///
/// It is in a list, which the caller has locked, or was until now.
#[inline]
pub(crate) unsafe fn pass_over<X>(waiter: &Waiter<X>) -> bool {
    if sched::has_stopped(waiter.gp) {
        waiter.fate.set(Fate::PassedOver);
        return true;
    }
    // SAFETY: the caller's word.
    let in_vain = unsafe { waiter.waits_in_vain() };
    if in_vain {
        waiter.fate.set(Fate::Dismissed);
    }
    in_vain
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
