//! Waiting for a point in time: sleeps, timers, tickers, and functions that are called later.
//!
//! [`Duration`], [`Instant`], [`SystemTime`], [`UNIX_EPOCH`] and the errors of the first and the third are `std`'s own: that is all of
//! `std::time`. What waits parks the goroutine, or blocks the plain
//! thread, and nothing here ends early, except that the end of the caller's [context](crate::context) ends a wait.
//!
//! | | fires | is received by | after `stop` or `reset` |
//! |---|---|---|---|
//! | [`sleep`], [`sleep_until`], [`sleep_or_cancelled`] | once | who sleeps | |
//! | [`Timer`], [`after`] | once each time it is set | one who [waits](Timer::wait) | no tick of before is received |
//! | [`Ticker`] | again and again | one who [waits](Ticker::wait), for each tick; ticks that nobody has received in time are dropped | the same |
//! | [`after_func`] | once each time it is set | a goroutine of its own, which calls the function | what has started goes on |
//!
//! A timer belongs to whoever has it, and to no runtime. When the runtime is shut down whose goroutine has set it, it
//! neither fires early nor is it lost: another thread of the process fires it in time. Plain threads may set, stop and receive as goroutines do.
//!
//! Timers are kept in a heap for each P, exact to the nanosecond; how late one who waits runs depends on what else runs on its M.

mod after;
mod bell;
mod ticker;
mod timer;

pub use std::time::{Duration, Instant, SystemTime, SystemTimeError, TryFromFloatSecsError, UNIX_EPOCH};

pub use crate::rt::{sleep, sleep_or_cancelled, sleep_until};
pub use after::{AfterFunc, after_func};
pub use ticker::{Ticker, Ticks};
pub use timer::{Timer, after};
