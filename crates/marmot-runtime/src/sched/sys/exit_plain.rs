//! `exit` is the C library's: only [`marmot::process::exit`](crate::exit) leaves it to another thread.

/// There is nothing to watch.
pub(in crate::sched) fn watch_exit() {}
