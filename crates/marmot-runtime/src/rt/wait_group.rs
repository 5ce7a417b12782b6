//! `WaitGroup::go`: a goroutine that a group waits for.

use std::panic::Location;

use super::join::JoinHandle;
use super::spawn;
use crate::sched::in_short_backtrace;
use crate::sync::WaitGroup;

impl WaitGroup {
    /// Starts a goroutine, as [`go`](crate::go), for which the group waits: it counts from now on until it has ended, be it by a
    /// panic, or until it is certain that it never starts.
    ///
    /// # Panics
    ///
    /// As [`go`](crate::go).
    ///
    /// # Blocking
    ///
    /// Nothing: it returns at once.
    #[track_caller]
    pub fn go<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.add(1);
        let counted = Counted(self.clone());
        let run = move || {
            let _counted = counted;
            in_short_backtrace(f)
        };
        spawn::go_on(spawn::sched_here(), spawn::spec(Location::caller()), run)
    }
}

/// One that counts until it is dropped.
struct Counted(WaitGroup);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.done();
    }
}
