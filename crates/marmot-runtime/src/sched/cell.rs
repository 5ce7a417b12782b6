//! The generic cell around a goroutine's head: the closure before it runs, the result after it
//! has.

use std::any::Any;
use std::cell::UnsafeCell;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::thread;

use super::Sched;
use super::caught::caught;
use super::g::{G, Head, Spec, VTable};
use super::join::Ended;
use super::park;
use super::short_backtrace::__rust_begin_short_backtrace;

enum Stage<F, T> {
    Closure(F),
    Running,
    Result(thread::Result<T>),
    Gone,
}

/// A head and what it runs. The head comes first, so that a pointer to it is a pointer to the cell.
#[repr(C)]
struct Cell<F, T> {
    head: Head,
    stage: UnsafeCell<Stage<F, T>>,
}

impl<F: FnOnce() -> T, T> Cell<F, T> {
    const VTABLE: VTable = VTable {
        run: Self::run,
        abandon: Self::abandon,
        take_result: Self::take_result,
        drop_result: Self::drop_result,
        free: Self::free,
    };

    /// The cell's stage.
    ///
    /// # Safety
    ///
    /// `head` is one that `new` made for these types, and the caller alone uses its stage: it is
    /// the goroutine itself, or has ended it, or owns its result.
    unsafe fn stage<'a>(head: NonNull<Head>) -> &'a mut Stage<F, T> {
        // SAFETY: `repr(C)` puts the head at the cell's own address; the rest is the caller's
        // word.
        unsafe { &mut *head.cast::<Self>().as_ref().stage.get() }
    }

    /// # Safety
    ///
    /// As `VTable::run`: the goroutine itself calls, once.
    unsafe fn run(head: NonNull<Head>) {
        // SAFETY: called once, by the goroutine itself; nobody reads the stage before it has ended.
        let stage = unsafe { Self::stage(head) };
        let Stage::Closure(f) = std::mem::replace(stage, Stage::Running) else {
            unreachable!("a goroutine runs once");
        };
        // The closure's captures are gone or poisoned by their own types after a panic, as with
        // `std::thread`.
        let result = catch_unwind(AssertUnwindSafe(|| __rust_begin_short_backtrace(f)));
        if let Err(payload) = &result {
            report_panic(&**payload);
        }
        *stage = Stage::Result(result);
        // SAFETY: the result is in place, and not touched below unless it is ours.
        unsafe { end(head) };
    }

    /// # Safety
    ///
    /// As `VTable::abandon`: who took the unstarted goroutine from its queue calls, once, and nobody
    /// runs it.
    unsafe fn abandon(head: NonNull<Head>, why: Box<dyn Any + Send>) {
        // SAFETY: called instead of `run`, by the one who took the goroutine from its queue.
        let stage = unsafe { Self::stage(head) };
        let unrun = std::mem::replace(stage, Stage::Result(Err(why)));
        // A capture's destructor may panic; the goroutine that it would belong to does not exist.
        drop_caught(unrun);
        // SAFETY: as above.
        unsafe { end(head) };
    }

    /// # Safety
    ///
    /// As `VTable::take_result`: the owner of the result calls, once, and `out` is room for it.
    unsafe fn take_result(head: NonNull<Head>, out: *mut ()) {
        // SAFETY: called once, by the one who owns the result.
        match std::mem::replace(unsafe { Self::stage(head) }, Stage::Gone) {
            // SAFETY: the caller's `out` is room for just this type.
            Stage::Result(result) => unsafe { out.cast::<thread::Result<T>>().write(result) },
            _ => unreachable!("a result is taken once, after the end"),
        }
    }

    /// # Safety
    ///
    /// As `VTable::drop_result`: the owner of the result calls.
    unsafe fn drop_result(head: NonNull<Head>) {
        // SAFETY: called by the one who owns the result.
        let result = std::mem::replace(unsafe { Self::stage(head) }, Stage::Gone);
        drop_caught(result);
    }

    /// # Safety
    ///
    /// As `VTable::free`: the last reference is gone.
    unsafe fn free(head: NonNull<Head>) {
        // SAFETY: `new` leaked the box, and the last reference is gone.
        drop(unsafe { Box::from_raw(head.cast::<Self>().as_ptr()) });
    }
}

/// Says that the result is in place. It belongs to the handle from now on; if there is none, it is
/// dropped, on the goroutine's own stack, where its destructor may park.
///
/// # Safety
///
/// The caller keeps no reference to the result, and has a reference to the head.
unsafe fn end(head: NonNull<Head>) {
    // SAFETY: the caller's reference.
    let h = unsafe { head.as_ref() };
    // Before its joiner goes on: nothing is left behind then.
    // SAFETY: its seat, which is still its own; or it has not started, and is the caller's.
    let g = unsafe { h.started().as_ref() };
    if !g.context.is_empty() {
        leave_context(g);
    }
    match h.join.end() {
        Ended::Quietly => {}
        Ended::Wake(waiter) => park::ready(waiter),
        // SAFETY: the handle gave the result up, so it is ours.
        Ended::DropResult => unsafe { (h.vtable().drop_result)(head) },
    }
}

/// Gives up the context of a goroutine that ends. Its values may be dropped with it, which are the program's.
#[cold]
#[inline(never)]
fn leave_context(g: &G) {
    caught(|| g.leave_context());
}

/// Makes a goroutine with `refs` references for `f`.
pub(crate) fn new<F: FnOnce() -> T, T>(sched: &'static Sched, id: u64, spec: Spec, refs: u32, f: F) -> NonNull<Head> {
    let place = NonNull::from(Box::leak(Box::<Cell<F, T>>::new_uninit())).cast::<Cell<F, T>>();
    let head = place.cast::<Head>();
    // SAFETY: the box is room for the cell, whose head comes first. It is freed as a cell, by the vtable.
    unsafe {
        (&raw mut (*place.as_ptr()).stage).write(UnsafeCell::new(Stage::Closure(f)));
        Head::make(head, Some(sched), id, spec, &Cell::<F, T>::VTABLE, refs, None);
    }
    head
}

/// Drops what the user's code left. Its destructor may panic: nobody is left to tell, and the M must live on.
fn drop_caught<T>(value: T) {
    caught(|| drop(value));
}

/// One line after what the panic hook printed (which names the thread): whose panic it was. For the
/// goroutine that panicked.
pub(crate) fn report_panic(payload: &(dyn Any + Send)) {
    let text = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a payload that is not text");
    // SAFETY: the caller's own G.
    let g = unsafe { park::waiter().as_ref() };
    // A closed standard error is no reason to panic again.
    let _ = writeln!(io::stderr(), "{} panicked: {text}", g.head());
}
