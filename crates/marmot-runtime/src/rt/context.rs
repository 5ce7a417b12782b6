//! What contexts need of the runtime: timers for their deadlines, and goroutines for what is to run after their end.

use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::spawn::{self, go_on};
use crate::context::{AfterFunc, Cancel, Context};
use crate::netpoll;
use crate::sched::cancel::Node;
use crate::sched::{Fire, Timer, clock};
use crate::timer;

impl Context {
    /// A context that ends with this one, or when it is cancelled, or when so much time has passed.
    ///
    /// # Panics
    ///
    /// On a plain thread, if the default runtime has to be started, in which the time is kept, and cannot be.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{ErrorKind, Read};
    /// use std::time::Duration;
    /// use marmot_runtime as marmot;
    /// use marmot::context::{Context, Error};
    /// use marmot::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut conn = TcpStream::connect(listener.local_addr()?)?;
    /// let (ctx, _cancel) = Context::current().with_timeout(Duration::from_millis(10));
    /// let error = ctx.run(|| conn.read(&mut [0; 16])).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::TimedOut);
    /// assert!(Error::of(&error).unwrap().is_deadline_exceeded());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use = "work is done under the new context"]
    pub fn with_timeout(&self, timeout: Duration) -> (Context, Cancel) {
        self.with_deadline_at(clock::after(timeout))
    }

    /// A context that ends with this one, or when it is cancelled, or at `deadline`.
    ///
    /// # Panics
    ///
    /// As [`with_timeout`](Context::with_timeout).
    #[must_use = "work is done under the new context"]
    pub fn with_deadline(&self, deadline: Instant) -> (Context, Cancel) {
        self.with_deadline_at(clock::at(deadline))
    }

    fn with_deadline_at(&self, when: u64) -> (Context, Cancel) {
        self.with_node(Node::with_deadline(self.node(), when, arm))
    }

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
        let Some(node) = self.node() else { return AfterFunc::of_none() };
        let (sched, spec, values) = (spawn::sched_here(), spawn::spec(Location::caller()), self.without_cancel());
        let start = move || {
            values.run(|| drop(go_on(sched, spec, f)));
        };
        match node.call_after(Box::new(start)) {
            Ok(number) => AfterFunc::new(Arc::clone(node), number),
            Err(start) => {
                start();
                AfterFunc::of_none()
            }
        }
    }
}

/// Arms the timer of a context's deadline where it is looked at.
fn arm(timer: &Timer, when: u64, fire: Fire) {
    let mp = netpoll::m_for_timers().unwrap_or_else(|e| panic!("the default runtime cannot be started: {e}"));
    // SAFETY: the timer is disarmed before its node goes, `fire` is for it, and the node's lock keeps others from it.
    unsafe { timer::arm(timer, when, fire, mp) }
}
