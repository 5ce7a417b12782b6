//! How goroutines wait for the other side of a buffer or a pipe.

use std::io;
use std::time::Instant;

use marmot_buf::Park;

use crate::context;
use crate::sched::{self, Ended, GRef, budget};
use crate::timer::{self, ForBuffers, ForConnections, Tokens};

/// Parks goroutines (and blocks plain threads): for the buffers and pipes of `marmot-buf` and `marmot-io`. A wait ends with the
/// caller's context, by the error of that ([`context::Error`]).
///
/// Its tokens are not those of [`park`](super::park) and [`Goroutine::unpark`](super::Goroutine::unpark), so that
/// neither uses up the other's.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use marmot_buf::linked::Options;
/// use marmot_runtime as marmot;
///
/// let (mut producer, mut consumer) = Options::new().build::<marmot::Goroutines>();
/// marmot::go(move || producer.write_all(b"hello"));
/// let mut text = String::new();
/// consumer.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Goroutines;

/// Names a goroutine, or a plain thread, that waits for the other side of a buffer or a pipe.
#[derive(Clone)]
pub struct Waiter(GRef);

impl Park for Goroutines {
    type Handle = Waiter;

    fn current() -> Waiter {
        // SAFETY: the caller's own G.
        Waiter(GRef::of(unsafe { sched::waiter().as_ref() }.head()))
    }

    fn park(until: Option<Instant>) -> io::Result<()> {
        park_for::<ForBuffers>(until)
    }

    fn check() -> io::Result<()> {
        Ok(context::check_to_wait()?)
    }

    #[inline]
    fn looked() {
        budget::charge(budget::CHECK);
    }

    fn unpark(handle: &Waiter) {
        timer::notify::<ForBuffers>(&handle.0);
    }
}

/// As [`Goroutines`], where the other side of the buffer is a connection: whoever waits there waits for the peer, and not for
/// another goroutine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Connections;

impl Park for Connections {
    type Handle = Waiter;

    fn current() -> Waiter {
        Goroutines::current()
    }

    fn park(until: Option<Instant>) -> io::Result<()> {
        park_for::<ForConnections>(until)
    }

    fn check() -> io::Result<()> {
        Ok(context::check_to_wait()?)
    }

    #[inline]
    fn looked() {
        budget::charge(budget::CHECK);
    }

    fn unpark(handle: &Waiter) {
        timer::notify::<ForConnections>(&handle.0);
    }
}

fn park_for<T: Tokens>(until: Option<Instant>) -> io::Result<()> {
    match timer::park_token_within::<T>(until) {
        Ended::Cancelled => Err(context::why().into()),
        Ended::Readied | Ended::TimedOut => Ok(()),
    }
}
