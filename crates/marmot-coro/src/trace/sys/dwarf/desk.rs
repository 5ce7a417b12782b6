//! Where a walk works: a cache of what was found out about addresses, and a stack.
//!
//! A desk has one user at a time, who has exchanged its mark. A thread tries the one that it had last first, so that it
//! usually finds its own notes in the cache.

use std::cell::{Cell, UnsafeCell};
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use corosensei::stack::StackPointer;
use framehop::{CacheNative, MustNotAllocateDuringUnwind};

use crate::stack::sys as memory;
use crate::switching;

/// How many walks there can be at a time, at most and at least: a thread that is interrupted keeps its desk.
const COUNT: usize = 64;
const MIN_COUNT: usize = 16;

/// The bytes of a desk's stack: ample, also for code that is not optimised or is instrumented. Only what is touched becomes memory.
const STACK_SIZE: usize = 512 * 1024;

static PLACES: [Place; COUNT] = [const { Place::new() }; COUNT];

thread_local! {
    /// The place that this thread had last.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// A place for a desk.
struct Place {
    is_taken: AtomicBool,
    /// Made once, and never freed.
    desk: AtomicPtr<UnsafeCell<Desk>>,
}

/// See the module.
pub(super) struct Desk {
    pub(super) cache: CacheNative<MustNotAllocateDuringUnwind>,
    stack: DeskStack,
}

/// A desk that is taken. Dropping it gives it back.
pub(super) struct Taken {
    desk: &'static UnsafeCell<Desk>,
    place: &'static Place,
}

#[derive(Clone, Copy)]
struct DeskStack {
    base: StackPointer,
    limit: StackPointer,
}

/// Takes a desk, if one is free.
pub(super) fn take() -> Option<Taken> {
    let last = LAST.get();
    for step in 0..COUNT {
        let index = (last + step) % COUNT;
        if let Some(taken) = PLACES[index].take() {
            LAST.set(index);
            return Some(taken);
        }
    }
    None
}

/// Makes the desks, two for each core. For one thread at a time.
pub(super) fn make_all() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for place in PLACES.iter().take((2 * cores).max(MIN_COUNT)) {
        place.make();
    }
}

impl Place {
    const fn new() -> Place {
        Place { is_taken: AtomicBool::new(false), desk: AtomicPtr::new(ptr::null_mut()) }
    }

    fn take(&'static self) -> Option<Taken> {
        // Acquire pairs with the release in `make`.
        // SAFETY: a desk is never freed.
        let desk = unsafe { self.desk.load(Ordering::Acquire).as_ref() }?;
        // Acquire pairs with the release in `Taken::drop`: what the last user wrote is seen.
        let is_free = !self.is_taken.load(Ordering::Relaxed) && !self.is_taken.swap(true, Ordering::Acquire);
        // Not made in vain: dropping one gives the desk back.
        is_free.then(|| Taken { desk, place: self })
    }

    fn make(&self) {
        if !self.desk.load(Ordering::Relaxed).is_null() {
            return;
        }
        let Ok(stack) = DeskStack::map() else { return };
        let desk = Box::into_raw(Box::new(UnsafeCell::new(Desk { cache: CacheNative::default(), stack })));
        // Release pairs with the acquire in `take`.
        self.desk.store(desk, Ordering::Release);
    }
}

impl Taken {
    /// Calls `f` on the desk's own stack.
    pub(super) fn with<R>(&mut self, f: impl FnOnce(&mut Desk) -> R) -> R {
        let stack = self.stack;
        let on_it = || {
            switching::end();
            let result = f(self);
            switching::begin();
            result
        };
        switching::there_and_back(|| corosensei::on_stack(stack, on_it))
    }
}

impl Deref for Taken {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        // SAFETY: whoever has the mark is alone with the desk.
        unsafe { &*self.desk.get() }
    }
}

impl DerefMut for Taken {
    fn deref_mut(&mut self) -> &mut Desk {
        // SAFETY: as above.
        unsafe { &mut *self.desk.get() }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // Release pairs with the acquire in `take`.
        self.place.is_taken.store(false, Ordering::Release);
    }
}

impl DeskStack {
    fn map() -> io::Result<DeskStack> {
        let guard = memory::page_size();
        let start = memory::reserve(guard + STACK_SIZE)?.get();
        // SAFETY: the low page of a mapping that was just made.
        unsafe { memory::protect(start, guard) }?;
        let pointer = |address| StackPointer::new(address).expect("a mapping does not begin at address zero");
        Ok(DeskStack { base: pointer(start + guard + STACK_SIZE), limit: pointer(start) })
    }
}

// SAFETY: the memory is mapped for the life of the process, begins with a guard, and is used by whoever has taken the desk
// alone. It is larger than the trait's minimum, and both addresses are multiples of pages.
unsafe impl corosensei::stack::Stack for DeskStack {
    fn base(&self) -> StackPointer {
        self.base
    }

    fn limit(&self) -> StackPointer {
        self.limit
    }
}
