//! `after_func`: a goroutine that starts later.

use std::fmt;
use std::io;
use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Release},
};
use std::time::Duration;

use crate::context::{self, Context};
use crate::netpoll;
use crate::rt::go_under;
use crate::sched::{self, ReportLimit, Sched, Spec, budget, clock, current};
use crate::timer::alarm::{Alarm, Ring};

/// Functions that were not called for want of a runtime.
static UNCALLED: ReportLimit = ReportLimit::new();

/// What is to be called, under what values, and where that was said.
struct Later {
    f: Box<dyn Fn() + Send + Sync>,
    values: Context,
    site: &'static Location<'static>,
    /// The runtime of who has set it last; null if that was a plain thread.
    home: AtomicPtr<Sched>,
}

impl Later {
    /// Where it starts: in the runtime of who has set it, or in the default one.
    fn sched(&self) -> io::Result<&'static Sched> {
        // Acquire pairs with the Release in `reset`. SAFETY: null, or a scheduler, which lives as long as the process.
        match unsafe { self.home.load(Acquire).as_ref() } {
            Some(home) if !home.is_stopping() => Ok(home),
            _ => netpoll::default_sched(),
        }
    }
}

impl Ring for Later {
    fn ring(alarm: Arc<Alarm<Later>>) {
        let sched = match alarm.what.sched() {
            Ok(sched) => sched,
            Err(e) => {
                let site = alarm.what.site;
                UNCALLED.report(format_args!(
                    "the function passed to `after_func` at {site} was not called, because no runtime is available: {e}"
                ));
                return;
            }
        };
        let spec = Spec { name: None, stack_size: None, site: alarm.what.site };
        // The reference goes into the goroutine: if it is the last, what the function has is dropped there.
        let values = alarm.what.values.clone();
        drop(go_under(sched, spec, values, move || sched::in_short_backtrace(&alarm.what.f)));
    }
}

/// Calls `f` after `duration`, in a goroutine of its own; Go's `time.AfterFunc`.
///
/// What is returned may stop it, or set it anew; to drop it changes nothing. The goroutine starts in the runtime of the goroutine that
/// has set it, also from within [`blocking`](crate::blocking). If that has been shut down, or a plain thread has set it, it starts
/// in the default runtime, as by [`go`](crate::go) on a plain thread; and if that has been shut down, `f` is not called. A panic
/// in `f` is the goroutine's.
///
/// `f` works under the values of the caller's context, and without its end, as with [`Context::after_func`]: what is to be done later is
/// as a rule to be done also if the request is over by then in which it was said. (In Go a function has the
/// contexts that it mentions, and no other.) One that is to hear of the end takes the context with it, and calls
/// [`run`](Context::run).
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::time::{self, Duration};
/// use std::sync::mpsc;
///
/// let (tell, told) = mpsc::channel();
/// let later = time::after_func(Duration::from_millis(1), move || tell.send("later").unwrap());
/// assert_eq!(marmot::blocking(move || told.recv()), Ok("later"));
/// assert!(!later.stop(), "it has been called");
/// ```
#[track_caller]
pub fn after_func<F>(duration: Duration, f: F) -> AfterFunc
where
    F: Fn() + Send + Sync + 'static,
{
    let values = context::current().without_cancel();
    let home = AtomicPtr::new(ptr::null_mut());
    let later = AfterFunc { alarm: Alarm::new(Later { f: Box::new(f), values, site: Location::caller(), home }) };
    later.reset(duration);
    later
}

/// A function that is called later, by [`after_func`].
#[derive(Clone)]
pub struct AfterFunc {
    alarm: Arc<Alarm<Later>>,
}

impl AfterFunc {
    /// Keeps the function from being called, until it is set again; true if it was to be called, and is not.
    ///
    /// If not, it was stopped before, or its goroutine has been made. It does not wait for that one's end.
    pub fn stop(&self) -> bool {
        self.alarm.stop()
    }

    /// Calls the function after `duration` from now, and not when it was to be called before; true if it was to be called then.
    ///
    /// If not, and it had been set, its goroutine has been made: the one for this time may run at the same time.
    pub fn reset(&self, duration: Duration) -> bool {
        budget::charge(budget::SPAWN);
        let home = current::sched().map_or(ptr::null_mut(), |home| ptr::from_ref(home).cast_mut());
        self.alarm.set_with(clock::after(duration), |later| later.home.store(home, Release))
    }
}

impl fmt::Debug for AfterFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterFunc").field("site", &format_args!("{}", self.alarm.what.site)).finish_non_exhaustive()
    }
}
