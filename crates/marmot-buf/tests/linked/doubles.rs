//! Readers, writers and owners that remember, and a way of waiting that can be watched.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use marmot_buf::{Park, Threads};

/// How long a test waits for what has to happen.
const BOUND: Duration = Duration::from_secs(300);

/// Waits for a condition, with a bound.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < BOUND, "in vain for {what}");
        thread::yield_now();
    }
}

/// How often each [`Watched`] has begun to park.
static PARKS: [AtomicUsize; 16] = [const { AtomicUsize::new(0) }; 16];
/// Whether each [`Watched`] is cancelled.
static CANCELLED: [AtomicBool; 16] = [const { AtomicBool::new(false) }; 16];

/// Blocks threads, and can be watched and cancelled. Each test has a number of its own.
pub struct Watched<const N: usize>;

impl<const N: usize> Watched<N> {
    pub fn parks() -> usize {
        PARKS[N].load(SeqCst)
    }

    pub fn set_cancelled(cancelled: bool) {
        CANCELLED[N].store(cancelled, SeqCst);
    }
}

impl<const N: usize> Park for Watched<N> {
    type Handle = thread::Thread;

    fn current() -> thread::Thread {
        Threads::current()
    }

    fn park(until: Option<Instant>) -> io::Result<()> {
        PARKS[N].fetch_add(1, SeqCst);
        if CANCELLED[N].load(SeqCst) {
            return Err(io::Error::new(ErrorKind::ConnectionAborted, "cancelled by the test"));
        }
        Threads::park(until)
    }

    fn unpark(handle: &thread::Thread) {
        Threads::unpark(handle);
    }
}

/// Bytes that differ from their neighbours, also those a node or two away.
pub fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8).collect()
}

/// Gives as many bytes of `bytes` a call as `counts` says, and remembers the sizes of the slices that it was given.
pub struct Source {
    pub bytes: Vec<u8>,
    pub counts: Vec<usize>,
    pub slices: Vec<Vec<usize>>,
}

impl Source {
    pub fn new(counts: &[usize]) -> Source {
        Source { bytes: bytes(counts.iter().sum()), counts: counts.to_vec(), slices: Vec::new() }
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_vectored(&mut [IoSliceMut::new(buf)])
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.slices.push(bufs.iter().map(|buf| buf.len()).collect());
        let count = self.counts.remove(0);
        let mut part = &self.bytes[..count];
        for buf in bufs {
            part.read(buf)?;
        }
        let left = part.len();
        self.bytes.drain(..count - left);
        Ok(count - left)
    }
}

/// Takes as many bytes a call as `counts` says, or fails where that is none, and remembers the sizes of the slices.
#[derive(Default)]
pub struct Sink {
    pub bytes: Vec<u8>,
    pub counts: Vec<Option<usize>>,
    pub slices: Vec<Vec<usize>>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.slices.push(bufs.iter().map(|buf| buf.len()).collect());
        let Some(mut left) = self.counts.remove(0) else { return Err(ErrorKind::ConnectionRefused.into()) };
        let mut taken = 0;
        for buf in bufs {
            let here = buf.len().min(left);
            self.bytes.extend(&buf[..here]);
            (left, taken) = (left - here, taken + here);
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
