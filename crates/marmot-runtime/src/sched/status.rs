//! The states of a goroutine, and the only code that moves it between them.
//!
//! | state | in which queue or slot | who moves it on |
//! |---|---|---|
//! | `New` | a run queue, or the slot of a descriptor that it waits for | the M that first runs it (or a plain thread, for `go_local` there) |
//! | `Runnable` | its M's settled queue or inbox | its M |
//! | `Running` | none; its M's `current` | itself |
//! | `Waiting(reason)` | the slot, list or timer that it waits at | whoever takes it out of there, by [`super::ready`] |
//! | `Dead` | none | nobody; the word of its join says so, not this one |
//!
//! ```text
//!   New ──► Running ──► Dead
//!             ▲  │ │
//!             │  │ └──► Waiting ──► Runnable ─┐
//!             │  └───────────────► Runnable ──┤
//!             └───────────────────────────────┘
//! ```
//!
//! The word decides nothing. Whoever takes a goroutine out of the place where it waits owns the
//! right to ready it, and places hand out each goroutine once; this word records the state for
//! reports and debug assertions. Therefore plain stores do: once a goroutine has started, only its
//! own M writes the word. When a poll readies a goroutine, its M does not even do that, for the word may be far from the caches:
//! it says `Waiting` until the goroutine runs, or its M looks for a [snapshot](super::census).
//!
//! Why no `Waiting`-in-progress state, as Go has between `gopark` and the end of the switch: a
//! started goroutine is settled. Another M can only put it into its own M's inbox, and that M looks
//! there after the switch.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Why a goroutine waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum WaitReason {
    /// In `park`, for an `unpark`.
    Parked = 16,
    /// In `sleep`, for a point in time.
    Sleep,
    /// For another goroutine to finish.
    Join,
    /// For the goroutines of a scope to finish.
    Scope,
    /// For a closure that runs on a spare thread.
    Blocking,
    /// For a descriptor to become readable, or for a connection to accept.
    IoRead,
    /// For a descriptor to become writable.
    IoWrite,
    /// For another goroutine to finish its read or write of the same descriptor.
    IoTurn,
    /// For the other side of a buffer or a pipe.
    Buffer,
    /// For bytes of a connection that is read ahead, or for room to read ahead.
    BufferedIo,
    /// For a mutex.
    Mutex,
    /// For the call of another, in `singleflight`.
    Singleflight,
    /// For room in a group that limits how many of its goroutines run.
    Group,
    /// For a message of a channel.
    Receive,
    /// For room in a channel, or for somebody who receives.
    Send,
    /// For the first of several operations with channels.
    Select,
    /// For the Ms to report their goroutines.
    Snapshot,
    /// For a read-write lock, to read.
    RwLockRead,
    /// For a read-write lock, to write.
    RwLockWrite,
    /// For a condition to be notified.
    Condvar,
    /// For what another initialises.
    Once,
    /// For the others at a barrier.
    Barrier,
    /// For permits of a semaphore.
    Semaphore,
    /// For a wait group to be done.
    WaitGroup,
}

impl WaitReason {
    const ALL: [WaitReason; 24] = [
        WaitReason::Parked,
        WaitReason::Sleep,
        WaitReason::Join,
        WaitReason::Scope,
        WaitReason::Blocking,
        WaitReason::IoRead,
        WaitReason::IoWrite,
        WaitReason::IoTurn,
        WaitReason::Buffer,
        WaitReason::BufferedIo,
        WaitReason::Mutex,
        WaitReason::Singleflight,
        WaitReason::Group,
        WaitReason::Receive,
        WaitReason::Send,
        WaitReason::Select,
        WaitReason::Snapshot,
        WaitReason::RwLockRead,
        WaitReason::RwLockWrite,
        WaitReason::Condvar,
        WaitReason::Once,
        WaitReason::Barrier,
        WaitReason::Semaphore,
        WaitReason::WaitGroup,
    ];
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WaitReason::Parked => "park",
            WaitReason::Sleep => "sleep",
            WaitReason::Join => "join",
            WaitReason::Scope => "scope",
            WaitReason::Blocking => "blocking call",
            WaitReason::IoRead => "IO read",
            WaitReason::IoWrite => "IO write",
            WaitReason::IoTurn => "turn at a descriptor",
            WaitReason::Buffer => "buffer",
            WaitReason::BufferedIo => "buffered IO",
            WaitReason::Mutex => "mutex",
            WaitReason::Singleflight => "singleflight",
            WaitReason::Group => "room in a group",
            WaitReason::Receive => "channel receive",
            WaitReason::Send => "channel send",
            WaitReason::Select => "select",
            WaitReason::Snapshot => "snapshot of goroutines",
            WaitReason::RwLockRead => "read lock",
            WaitReason::RwLockWrite => "write lock",
            WaitReason::Condvar => "condition",
            WaitReason::Once => "initialisation",
            WaitReason::Barrier => "barrier",
            WaitReason::Semaphore => "semaphore",
            WaitReason::WaitGroup => "wait group",
        })
    }
}

/// A goroutine's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    New,
    Runnable,
    Running,
    Waiting(WaitReason),
    Dead,
}

const FIRST_REASON: u8 = WaitReason::Parked as u8;
const NEW: u8 = 0;
const RUNNABLE: u8 = 1;
const RUNNING: u8 = 2;

/// The state word of a goroutine.
pub(crate) struct Status(AtomicU8);

impl Status {
    pub(crate) const fn new() -> Self {
        Status(AtomicU8::new(NEW))
    }

    pub(crate) fn get(&self) -> State {
        match self.0.load(Relaxed) {
            NEW => State::New,
            RUNNABLE => State::Runnable,
            RUNNING => State::Running,
            reason => match WaitReason::ALL.get(usize::from(reason.wrapping_sub(FIRST_REASON))) {
                Some(&reason) => State::Waiting(reason),
                // What a seat held that no goroutine has sat in yet.
                None => State::New,
            },
        }
    }

    /// `New` or `Runnable` to `Running`: its M switches to it. Also `Waiting`, if a poll has readied it: its M leaves the word
    /// alone until then.
    pub(crate) fn run(&self) {
        debug_assert_ne!(self.get(), State::Running);
        self.0.store(RUNNING, Relaxed);
    }

    /// `Running` to `Waiting`: it is about to switch away.
    pub(crate) fn wait(&self, reason: WaitReason) {
        debug_assert_eq!(self.get(), State::Running);
        self.0.store(reason as u8, Relaxed);
    }

    /// `Waiting` to `Runnable`, when its M takes it into the settled queue; or `Running` to
    /// `Runnable`, by a yield.
    pub(crate) fn ready(&self) {
        debug_assert!(matches!(self.get(), State::Waiting(_) | State::Running), "{:?}", self.get());
        self.0.store(RUNNABLE, Relaxed);
    }

    /// `Waiting` to `Runnable`, for one that a poll has readied; others that are queued are left as they are.
    pub(crate) fn note_queued(&self) {
        if let State::Waiting(_) = self.get() {
            self.ready();
        }
    }

    /// Back to `New`, for the next goroutine at this place.
    pub(crate) fn reset(&self) {
        self.0.store(NEW, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_word() {
        for reason in WaitReason::ALL {
            let status = Status::new();
            status.run();
            status.wait(reason);
            assert_eq!(status.get(), State::Waiting(reason));
            status.ready();
            assert_eq!(status.get(), State::Runnable);
        }
    }

    #[test]
    fn only_who_waits_is_noted_as_queued() {
        let status = Status::new();
        status.note_queued();
        assert_eq!(status.get(), State::New);
        status.run();
        status.wait(WaitReason::IoRead);
        for _ in 0..2 {
            status.note_queued();
            assert_eq!(status.get(), State::Runnable);
        }
    }
}
