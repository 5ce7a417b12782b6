//! What the two ends of a pipe share: two lines of callers, and the bytes of one write in between.
//!
//! # The protocol
//!
//! Everything is under one lock, which is never held while anybody parks, unparks or is unparked, nor while anything is
//! dropped that comes from outside: an error or a handle may own an end of this pipe, whose drop takes the lock.
//!
//! Each end has a line. Whoever cannot go on at once joins it, and only the one at its head acts: the reader at the head
//! takes bytes, the writer at the head puts them in place, a chunk at a time, and stays at the head until all of
//! its bytes are gone. So a write's bytes are contiguous, and both ends are served in the order of arrival.
//!
//! | what happens | who is unparked |
//! |---|---|
//! | a writer puts bytes in place | the head of the readers' line |
//! | a reader takes the last byte in place | the head of the writers' line |
//! | a caller leaves the head of its line, for whatever reason | the new head |
//! | an end is closed | everybody, on both lines |
//! | an end gets another deadline | everybody on that end's line |
//!
//! No wake-up is lost. A caller joins the line under the lock under which it found that it could not go on; then it parks,
//! and whenever it returns from there, looks again. It can go on only through one of the changes above; each of them is
//! made under the lock, and unparks whom it concerns after the caller has joined. An unpark that comes before the park ends
//! it at once (see [`Park`]), so the time in between is no gap. A caller that leaves without having acted, because its
//! deadline has passed or it has been cancelled, takes nothing with it: the new head is unparked, and finds the bytes that
//! the old one was unparked for. Nobody but a head is waited for, so those are all cases.
//!
//! # The bytes in between
//!
//! Go copies from the writer's slice to the reader's. In safe Rust no thread can look into the slice of another that may
//! stop waiting at any time, so the bytes take a [`Lease`]: the writer borrows one, fills it, and gives it back when it
//! leaves, all on its own thread. Nothing is allocated for a write, and a pipe where nobody writes holds no buffer.
//!
//! Rejected: a slice of the writer's behind a lifetime (both ends would have to live in one scope), and a ring of fixed
//! size (a write could return before it was read, and an idle pipe would hold the ring).

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::mem;
use std::time::Instant;

use marmot_buf::{Lease, Park};

use super::reason::Reason;
use crate::primitive::Mutex;

/// One of the two ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// Where bytes come out.
    Read,
    /// Where bytes go in.
    Write,
}

/// A pipe, whose callers wait by `P`.
pub struct Shared<P: Park> {
    state: Mutex<State<P::Handle>>,
    /// How many bytes are in place at most.
    chunk: usize,
}

struct State<H> {
    /// What the writer at the head has put in place: the bytes from `start` to `stop`. If there are none, `start` and
    /// `stop` are the same.
    bytes: Option<Lease>,
    start: usize,
    stop: usize,
    readers: Line<H>,
    writers: Line<H>,
}

/// What concerns one end.
struct Line<H> {
    /// Who waits there, with the numbers of their tickets.
    callers: VecDeque<(u64, H)>,
    /// The number of the next ticket.
    next: u64,
    deadline: Option<Instant>,
    closed: Option<Reason>,
}

/// What a caller does once the lock is free.
enum Step {
    Return(io::Result<usize>),
    Park(Option<Instant>),
}

impl<H: Clone> Line<H> {
    fn new() -> Line<H> {
        Line { callers: VecDeque::new(), next: 0, deadline: None, closed: None }
    }

    fn head(&self) -> Option<H> {
        self.callers.front().map(|(_, handle)| handle.clone())
    }

    fn all(&self) -> impl Iterator<Item = H> {
        self.callers.iter().map(|(_, handle)| handle.clone())
    }

    /// Whether it is the turn of the caller with this ticket, or of one who has none yet.
    fn is_turn_of(&self, ticket: Option<u64>) -> bool {
        self.callers.front().map(|(number, _)| *number) == ticket
    }

    /// Joins the line, unless that has been done. The caller parks after this.
    fn wait<P: Park<Handle = H>>(&mut self, ticket: &mut Option<u64>) -> Step {
        if ticket.is_none() {
            *ticket = Some(self.next);
            self.callers.push_back((self.next, P::current()));
            self.next += 1;
        }
        Step::Park(self.deadline)
    }

    /// Leaves the line. Returns the caller's own handle, to be dropped once the lock is free, and who is to be unparked for
    /// having become the head.
    fn leave(&mut self, ticket: Option<u64>) -> (Option<H>, Option<H>) {
        let Some(at) = self.callers.iter().position(|(number, _)| Some(*number) == ticket) else {
            return (None, None);
        };
        let own = self.callers.remove(at).map(|(_, handle)| handle);
        (own, if at == 0 { self.head() } else { None })
    }
}

impl<H: Clone> State<H> {
    fn line(&mut self, end: End) -> &mut Line<H> {
        match end {
            End::Read => &mut self.readers,
            End::Write => &mut self.writers,
        }
    }

    /// How many bytes are in place.
    fn len(&self) -> usize {
        self.stop - self.start
    }

    /// What a call at this end returns without moving anything: how the pipe was closed, or that the deadline has passed.
    fn verdict(&self, end: End) -> Option<io::Result<usize>> {
        let (own, other) = match end {
            End::Read => (&self.readers, &self.writers),
            End::Write => (&self.writers, &self.readers),
        };
        if own.closed.is_some() {
            return Some(Err(io::Error::new(ErrorKind::BrokenPipe, "this end of the pipe has been closed")));
        }
        if let Some(reason) = &other.closed {
            return Some(match (reason.error(), end) {
                (Some(error), _) => Err(error),
                (None, End::Read) => Ok(0),
                (None, End::Write) => Err(ErrorKind::BrokenPipe.into()),
            });
        }
        let has_passed = own.deadline.is_some_and(|deadline| deadline <= Instant::now());
        has_passed.then(|| Err(ErrorKind::TimedOut.into()))
    }

    /// Takes bytes out.
    fn take(&mut self, buf: &mut [u8]) -> usize {
        let Some(bytes) = &self.bytes else { return 0 };
        let count = self.len().min(buf.len());
        buf[..count].copy_from_slice(&bytes[self.start..self.start + count]);
        self.start += count;
        count
    }

    /// Puts bytes in place, where there are none, and says how many.
    fn put(&mut self, mut lease: Lease, buf: &[u8], chunk: usize) -> usize {
        let count = buf.len().min(chunk).min(lease.len());
        lease[..count].copy_from_slice(&buf[..count]);
        (self.bytes, self.start, self.stop) = (Some(lease), 0, count);
        count
    }

    /// Clears the place, and returns the lease and how many bytes had been taken out of it.
    fn clear(&mut self) -> (Option<Lease>, usize) {
        let taken = self.start;
        (self.start, self.stop) = (0, 0);
        (self.bytes.take(), taken)
    }
}

impl<P: Park> Shared<P> {
    /// A pipe where at most `chunk` bytes are in place.
    pub fn new(chunk: usize) -> Shared<P> {
        let (readers, writers) = (Line::new(), Line::new());
        Shared { state: Mutex::new(State { bytes: None, start: 0, stop: 0, readers, writers }), chunk }
    }

    fn with<T>(&self, look: impl FnOnce(&mut State<P::Handle>) -> T) -> T {
        // Nothing that may panic leaves the state half changed.
        look(&mut self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Takes bytes out, as soon as some are in place and it is the caller's turn; none at the end.
    pub fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        P::check()?;
        if buf.is_empty() {
            return self.with(|state| state.verdict(End::Read)).unwrap_or(Ok(0));
        }
        self.when_readable(|state| state.take(buf))
    }

    /// Waits until bytes are in place, or none will come any more.
    pub fn wait_readable(&self) -> io::Result<()> {
        P::check()?;
        self.when_readable(|state| state.len()).map(drop)
    }

    fn when_readable(&self, mut take: impl FnMut(&mut State<P::Handle>) -> usize) -> io::Result<usize> {
        let (mut ticket, mut parked) = (None, Ok(()));
        loop {
            let failed = mem::replace(&mut parked, Ok(())).err();
            let (step, _own, ready) = self.with(|state| {
                let verdict = failed.map(Err).or_else(|| state.verdict(End::Read));
                let (result, writer) = match verdict {
                    Some(result) => (result, None),
                    None if state.len() > 0 && state.readers.is_turn_of(ticket) => {
                        let count = take(state);
                        (Ok(count), if state.len() == 0 { state.writers.head() } else { None })
                    }
                    None => return (state.readers.wait::<P>(&mut ticket), None, [None, None]),
                };
                let (own, head) = state.readers.leave(ticket);
                (Step::Return(result), own, [head, writer])
            });
            ready.iter().flatten().for_each(P::unpark);
            match step {
                Step::Return(result) => return result,
                Step::Park(until) => parked = P::park(until),
            }
        }
    }

    /// Puts the bytes in place, chunk by chunk, and waits until all have been taken out. If that ends early, the result is
    /// how many were taken, or the reason if there were none.
    pub fn write(&self, buf: &[u8]) -> io::Result<usize> {
        P::check()?;
        if buf.is_empty() {
            return self.with(|state| state.verdict(End::Write)).unwrap_or(Ok(0));
        }
        let (mut ticket, mut parked) = (None, Ok(()));
        // How many bytes have been taken out, without those of the chunk that is in place; and how long that is.
        let (mut gone, mut placed) = (0, 0);
        loop {
            let mut failed = mem::replace(&mut parked, Ok(())).err();
            let (step, _own, ready) = self.with(|state| {
                let mut lease = None;
                if placed > 0 && state.len() == 0 {
                    (lease, _) = state.clear();
                    gone += mem::take(&mut placed);
                }
                let verdict = if gone == buf.len() {
                    Some(Ok(gone))
                } else {
                    failed.take().map(Err).or_else(|| state.verdict(End::Write))
                };
                if let Some(result) = verdict {
                    if placed > 0 {
                        gone += state.clear().1;
                    }
                    let (own, head) = state.writers.leave(ticket);
                    return (Step::Return(result), own, head);
                }
                let mut reader = None;
                if placed == 0 && state.writers.is_turn_of(ticket) {
                    let rest = &buf[gone..];
                    let lease = lease.unwrap_or_else(|| Lease::new(rest.len().min(self.chunk)));
                    placed = state.put(lease, rest, self.chunk);
                    reader = state.readers.head();
                }
                (state.writers.wait::<P>(&mut ticket), None, reader)
            });
            ready.iter().for_each(P::unpark);
            match step {
                Step::Return(Err(_)) if gone > 0 => return Ok(gone),
                Step::Return(result) => return result,
                Step::Park(until) => parked = P::park(until),
            }
        }
    }

    /// Closes an end, with an error for the other or without, unless it has been closed before.
    pub fn close(&self, end: End, error: Option<io::Error>) {
        let mut reason = Some(Reason::new(error));
        let everybody: Vec<P::Handle> = self.with(|state| {
            let closed = &mut state.line(end).closed;
            if closed.is_none() {
                *closed = reason.take();
            }
            state.readers.all().chain(state.writers.all()).collect()
        });
        everybody.iter().for_each(P::unpark);
    }

    /// Sets when calls at an end fail, also those that wait already.
    pub fn set_deadline(&self, end: End, deadline: Option<Instant>) {
        let concerned: Vec<P::Handle> = self.with(|state| {
            let line = state.line(end);
            line.deadline = deadline;
            line.all().collect()
        });
        concerned.iter().for_each(P::unpark);
    }
}
