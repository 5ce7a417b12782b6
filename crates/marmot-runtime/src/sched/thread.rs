//! Plain threads as waiters.
//!
//! Every blocking call also works from a thread that is no M: the thread blocks. So that the places
//! where one waits (a descriptor's slot, a join word, a list of turns) know one kind of waiter
//! only, such a thread has a head and a G as a goroutine has, whose readying wakes the thread. It is in
//! no queue and never runs on an M.
//!
//! The head has a parker of its own and not `std::thread::park`'s: that one's token belongs to
//! the user's code.

use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use super::current;
use super::g::{G, GRef, Head, Spec, VTable};
use super::sys;

/// Blocks a thread until it is woken.
pub(crate) struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn new() -> Self {
        Parker { woken: Mutex::new(false), changed: Condvar::new() }
    }

    pub(crate) fn wake(&self) {
        // Under the lock: once it is released, the thread may return, end, and free its head.
        let mut woken = self.lock();
        *woken = true;
        self.changed.notify_one();
    }

    pub(crate) fn wait(&self) {
        let mut woken = self.lock();
        while !*woken {
            woken = self.changed.wait(woken).unwrap_or_else(|e| e.into_inner());
        }
        *woken = false;
    }

    /// False if `until` came first. The caller then makes sure that nobody will wake it, or waits
    /// on.
    pub(crate) fn wait_until(&self, until: Instant) -> bool {
        let mut woken = self.lock();
        while !*woken {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            woken = self.changed.wait_timeout(woken, left).unwrap_or_else(|e| e.into_inner()).0;
        }
        *woken = false;
        true
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        // Nothing that panics runs under the lock.
        self.woken.lock().unwrap_or_else(|e| e.into_inner())
    }
}

static VTABLE: VTable = VTable {
    run: |_| unreachable!("a thread is never run"),
    abandon: |_, _| unreachable!("a thread is never run"),
    take_result: |_, _| unreachable!("a thread has no result"),
    drop_result: |_| unreachable!("a thread has no result"),
    // SAFETY: `make` leaked the box, and the last reference is gone.
    free: |head| drop(unsafe { Box::from_raw(head.as_ptr()) }),
};

/// Makes the calling thread's head, which is freed when the destructors of its thread-locals have run: these may wait, too, or be waited
/// for, as the thread that they belong to.
#[cold]
fn make() -> NonNull<Head> {
    let spec = Spec { name: thread::current().name().map(Box::from), stack_size: None, site: Location::caller() };
    let head = NonNull::from(Box::leak(Box::<Head>::new_uninit())).cast::<Head>();
    // SAFETY: the box is room for it.
    unsafe { Head::make(head, None, super::next_id(), spec, &VTABLE, 1, Some(Box::new(Parker::new()))) };
    current::set_thread(head.as_ptr());
    // SAFETY: it was made with one reference, which is given up there.
    unsafe { sys::call_at_thread_end(release, head.as_ptr().cast()) };
    head
}

/// # Safety
///
/// `head` is the calling thread's, which waits no more.
unsafe fn release(head: *mut ()) {
    current::set_thread(ptr::null_mut());
    if let Some(head) = NonNull::new(head) {
        // SAFETY: the reference that it was made with.
        drop(unsafe { GRef::from_owned(head.cast()) });
    }
}

/// The calling thread's G, which lives until the thread has ended.
#[inline]
pub(crate) fn current() -> NonNull<G> {
    Head::unstarted(current::thread().unwrap_or_else(make))
}
