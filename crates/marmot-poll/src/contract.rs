//! The contract that every back end fulfils.

use std::io;
use std::time::Duration;

use crate::{Event, Key};

/// What every back end does.
///
/// `init`, `open`, `poll`, `wake` and `is_poll_descriptor` have the names, and about the meaning, that they have in
/// Go's netpoller; `close` is the inverse of `open`. The laws below are all that a caller may rely on, and
/// [`mock`](crate::mock) is their shortest implementation.
///
/// # The laws of readiness
///
/// Readiness is *edge-triggered*: a poll reports that something has changed, not that something is so.
///
/// 1. **First report.** If a descriptor is ready for anything when it is opened, the next poll says so.
/// 2. **Edges.** From then on every change for the better is reported: bytes have arrived (whether or not the earlier
///    ones have been read), the peer has closed its sending side or everything, the descriptor has failed, or there
///    is room again after a write found none or too little.
/// 3. **Once.** What has been reported is not reported again until something changes. A caller that does not use
///    what it was told must remember it.
/// 4. **Together or apart.** Changes between two polls may come as one event. An event may also say what has not
///    changed and still holds; and where the system tells of each direction separately, so do the events.
/// 5. **Never lost.** A change is reported by the poll in progress or by a later one. Those for which a buffer has no
///    room wait for the next poll, and none waits for ever because others are busier.
/// 6. **Sometimes false.** An event may come for no reason, or after its reason has gone. The caller tries, and
///    finds that the try would block.
/// 7. **Sometimes late.** An event that a poll took before its descriptor was closed, or opened again with another
///    key, may still be delivered afterwards, with the old key. Only the caller can tell: a generation in the key
///    makes it harmless.
///
/// # The laws of waking
///
/// 1. **Now or next.** A wake-up ends the poll in progress, or else the next one. It is reported by the return alone,
///    never as an event.
/// 2. **Coalesced.** Any number of wake-ups before a poll takes them are one, and cost at most one system call.
/// 3. **Order.** What a thread did before [`wake`](Contract::wake) is visible after the poll that took the wake-up.
/// 4. **Shared.** Where several threads poll, an event or a wake-up goes to one of them. A thread that polls on
///    behalf of another should therefore call `wake` afterwards: it may have taken what was to wake the other.
///
/// # The law of time
///
/// A poll that reports nothing and was neither woken nor interrupted has waited at least its timeout: timeouts are
/// rounded up.
///
/// # Threads
///
/// Every function may be called by every thread at any time, also while others poll. Only calls of `open` and `close`
/// for one and the same descriptor are for the caller to order. When a back end is dropped its registrations end, and
/// the descriptors stay as they are.
pub trait Contract: Sized + Send + Sync {
    /// A descriptor, lent for the time of a call.
    type Source<'a>: Copy;

    /// The number by which the system knows a descriptor.
    type Number: Copy;

    /// Where a poll puts its events.
    type Events: Buffer;

    /// Makes a poller.
    ///
    /// # Errors
    ///
    /// If the system cannot give the descriptors (two, on Linux) or the memory that it takes; the text says which
    /// limit to raise, and the system's own error is the source.
    fn init() -> io::Result<Self>;

    /// Reports changes of `source` from now on, for both directions, under `key`.
    ///
    /// A descriptor that is open already has its key replaced, and its readiness is reported anew: a second `open`
    /// is as good as the first. The descriptor must be in non-blocking mode to be of any use, but nothing here
    /// depends on that.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` if the system cannot poll such a descriptor, a regular file above all; `StorageFull` if it
    /// polls as many as it may already. The text says what to do.
    fn open(&self, source: Self::Source<'_>, key: Key) -> io::Result<()>;

    /// Ends what [`open`](Contract::open) began, for a descriptor that lives on.
    ///
    /// Changes from now on are not reported; the seventh law tells of earlier ones. A descriptor that is being closed needs no
    /// call: its registration ends with it.
    ///
    /// # Errors
    ///
    /// `NotFound` if the descriptor is not open here.
    ///
    /// # Platform notes
    ///
    /// Linux ends a registration when the last *duplicate* of a descriptor is closed. While there is another, made
    /// by `try_clone` or inherited by a child, events of a closed descriptor go on and can no longer be stopped: call
    /// `close` before closing such a one.
    fn close(&self, source: Self::Source<'_>) -> io::Result<()>;

    /// Waits until something is to be reported, and replaces the contents of `events` with it.
    ///
    /// `None` waits for ever, and so does a timeout too long for the system's clock; `Some(Duration::ZERO)` does not
    /// wait. Returns how many events there are. None means that the time has passed, that somebody called
    /// [`wake`](Contract::wake), that a signal came, or on occasion nothing: the caller looks at its clock and its
    /// queues, and polls again.
    ///
    /// # Errors
    ///
    /// None in normal operation. An error means that the poller itself has been damaged.
    ///
    /// # Blocking
    ///
    /// The calling thread.
    ///
    /// # Platform notes
    ///
    /// Linux before 5.11 waits in whole milliseconds, rounded up, and 24 days at most; after those a poll returns
    /// without a reason.
    fn poll(&self, events: &mut Self::Events, timeout: Option<Duration>) -> io::Result<usize>;

    /// Makes the poll in progress return, or else the next one.
    ///
    /// # Errors
    ///
    /// None in normal operation. An error means that the poller itself has been damaged.
    fn wake(&self) -> io::Result<()>;

    /// Whether `number` is one of the poller's own descriptors, which are nobody else's to close or to read.
    fn is_poll_descriptor(&self, number: Self::Number) -> bool;
}

/// Where a poll puts its events, to be used again and again.
pub trait Buffer: Send {
    /// An empty buffer for `capacity` events a poll. Nothing is allocated later.
    ///
    /// # Panics
    ///
    /// If `capacity` is zero.
    fn with_capacity(capacity: usize) -> Self;

    /// How many events one poll can report at most; not less than was asked for.
    fn capacity(&self) -> usize;

    /// The events of the last poll.
    fn iter(&self) -> impl Iterator<Item = Event> + '_;
}
