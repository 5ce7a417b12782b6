//! What contexts need of the runtime: goroutines for what is to run after their end.

use std::panic::Location;
use std::sync::Arc;

use super::spawn::{self, go_under};
use crate::context::{AfterFunc, Context};
use crate::sched::budget;

impl Context {
    /// Runs `f` in a goroutine of its own once this context has ended; at once, if it has. `f` works under the
    /// values of this context, without its end.
    ///
    /// Dropping what is returned changes nothing. A context that never ends drops `f` with itself.
    ///
    /// # Panics
    ///
    /// As [`go`](super::go).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use marmot_runtime::context::Context;
    ///
    /// let (ctx, cancel) = Context::background().with_cancel();
    /// let (tell, told) = mpsc::channel();
    /// let never = ctx.after_func(|| unreachable!("it is stopped"));
    /// ctx.after_func(move || tell.send("it has ended").unwrap());
    /// assert!(never.stop());
    /// cancel.cancel();
    /// assert_eq!(told.recv().unwrap(), "it has ended");
    /// ```
    #[track_caller]
    pub fn after_func<F: FnOnce() + Send + 'static>(&self, f: F) -> AfterFunc {
        budget::charge(budget::SPAWN);
        let Some(node) = self.node() else { return AfterFunc::of_none() };
        let (sched, spec, values) = (spawn::sched_here(), spawn::spec(Location::caller()), self.without_cancel());
        let start = move || drop(go_under(sched, spec, values, f));
        match node.call_after(Box::new(start)) {
            Ok(number) => AfterFunc::new(Arc::clone(node), number),
            Err(start) => {
                start();
                AfterFunc::of_none()
            }
        }
    }
}
