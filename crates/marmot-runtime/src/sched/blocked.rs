//! Timing waits, when somebody has asked for it.
//!
//! A goroutine that parks looks at one word that never changes as a rule. Only if it is set are the times taken, and what
//! is above told how long each wait was, by the one who has waited.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::clock;
use super::g::Seat;
use super::status::WaitReason;

/// Is told of a wait, and how many nanoseconds it was. It must not park.
pub(crate) type Hook = fn(WaitReason, u64);

static TIMED: AtomicBool = AtomicBool::new(false);
static HOOK: OnceLock<Hook> = OnceLock::new();

/// Starts or stops the timing of waits. The hook stays the first one.
pub(crate) fn time_waits(on: bool, hook: Hook) {
    HOOK.get_or_init(|| hook);
    // Relaxed: the cell that holds the hook orders itself.
    TIMED.store(on, Relaxed);
}

/// Whether waits are timed.
#[inline]
pub(super) fn timed() -> bool {
    TIMED.load(Relaxed)
}

/// Calls `wait`, in which the calling goroutine, which has that seat, or thread, which has none, waits for `reason`.
#[cold]
#[inline(never)]
pub(super) fn time(seat: Option<&Seat>, reason: WaitReason, wait: impl FnOnce()) {
    let begun = clock::now();
    let since = |time| seat.iter().for_each(|seat| seat.since.set(time));
    since(begun);
    wait();
    since(0);
    if let Some(hook) = HOOK.get() {
        hook(reason, clock::now().saturating_sub(begun));
    }
}
