//! Linux wakes a thread up to 50 µs late, so as to wake several at a time (`PR_SET_TIMERSLACK` in prctl(2)): a sleep of a microsecond
//! would last for fifty. That saves nothing for a thread that sleeps in a poller until the next timer of many goroutines is due.

use std::num::NonZeroU64;

/// Lets the calling thread be woken as exactly as the system can.
pub(crate) fn wake_exactly() {
    // Where that is refused, sleeps are a little longer.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}
