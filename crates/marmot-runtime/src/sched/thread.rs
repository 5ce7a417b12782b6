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
use std::ptr::NonNull;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use super::g::{G, GRef, Head, Spec, VTable};

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

thread_local! {
    static HEAD: GRef = make();
}

fn make() -> GRef {
    let spec = Spec { name: thread::current().name().map(Box::from), stack_size: None, site: Location::caller() };
    let head = NonNull::from(Box::leak(Box::<Head>::new_uninit())).cast::<Head>();
    // SAFETY: the box is room for it, and it was made with one reference, which is taken over here.
    unsafe {
        Head::make(head, None, super::next_id(), spec, &VTABLE, 1, Some(Box::new(Parker::new())));
        GRef::from_owned(head)
    }
}

/// The calling thread's G, which lives at least as long as the thread runs.
pub(crate) fn current() -> NonNull<G> {
    HEAD.try_with(GRef::unstarted).unwrap_or_else(|_| {
        // The thread is destroying its thread-locals, and one of their destructors waits. Nothing
        // would free a head after that: this one stays.
        let head = make();
        let gp = head.unstarted();
        std::mem::forget(head);
        gp
    })
}
