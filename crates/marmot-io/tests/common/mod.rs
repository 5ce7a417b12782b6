//! Readers and writers that behave as badly as they may.

#![allow(dead_code)] // Each test file uses some of it.

pub mod watched;

use std::collections::VecDeque;
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Moves so many bytes at most, and one at least.
    Move(usize),
    /// Moves nothing and says so: the end of a reader, no progress of a writer.
    Nothing,
    Fail(ErrorKind),
}

/// Does a step after the other, and when there are none left, all that it is asked for.
#[derive(Clone, Debug)]
pub struct Stepwise {
    /// What is read, or what has been written.
    pub bytes: Vec<u8>,
    pub read: usize,
    pub steps: VecDeque<Step>,
    pub calls: usize,
}

impl Stepwise {
    pub fn new(bytes: &[u8], steps: impl IntoIterator<Item = Step>) -> Stepwise {
        Stepwise { bytes: bytes.to_vec(), read: 0, steps: steps.into_iter().collect(), calls: 0 }
    }

    /// A writer.
    pub fn sink(steps: impl IntoIterator<Item = Step>) -> Stepwise {
        Stepwise::new(b"", steps)
    }

    /// What has not been read.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.read..]
    }

    /// How many of `asked` bytes the call moves.
    fn step(&mut self, asked: usize) -> io::Result<usize> {
        self.calls += 1;
        if asked == 0 {
            return Ok(0);
        }
        match self.steps.pop_front() {
            None => Ok(asked),
            Some(Step::Move(most)) => Ok(asked.min(most.max(1))),
            Some(Step::Nothing) => Ok(0),
            Some(Step::Fail(kind)) => Err(kind.into()),
        }
    }
}

impl Read for Stepwise {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.step(buf.len())?.min(self.rest().len());
        buf[..count].copy_from_slice(&self.bytes[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Stepwise {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = self.step(buf.len())?;
        self.bytes.extend_from_slice(&buf[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A buffered reader whose buffer is filled stepwise.
pub struct Chunked {
    pub source: Stepwise,
    buffer: Vec<u8>,
}

impl Chunked {
    pub fn new(bytes: &[u8], steps: impl IntoIterator<Item = Step>) -> Chunked {
        Chunked { source: Stepwise::new(bytes, steps), buffer: Vec::new() }
    }
}

impl Read for Chunked {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buf)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Chunked {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.buffer.is_empty() {
            let mut chunk = [0; 64];
            let count = self.source.read(&mut chunk)?;
            self.buffer.extend_from_slice(&chunk[..count]);
        }
        Ok(&self.buffer)
    }

    fn consume(&mut self, count: usize) {
        self.buffer.drain(..count);
    }
}

/// What may happen to a reader or writer without anybody noticing: short counts, and calls to be made again.
pub fn harmless() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![4 => (1usize..9).prop_map(Step::Move), 1 => Just(Step::Fail(ErrorKind::Interrupted))];
    prop::collection::vec(step, 0..40)
}

/// The same, with errors in between.
pub fn harmful() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (1usize..9).prop_map(Step::Move),
        4 => Just(Step::Fail(ErrorKind::Interrupted)),
        1 => Just(Step::Fail(ErrorKind::TimedOut)),
        1 => Just(Step::Fail(ErrorKind::ConnectionReset)),
    ];
    prop::collection::vec(step, 0..40)
}

pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

/// The kind of a result's error.
#[track_caller]
pub fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> ErrorKind {
    result.expect_err("it fails").kind()
}

/// How long a test waits for what has to happen.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Runs a test of things that wait for each other, and fails when they wait for ever.
#[track_caller]
pub fn within_bound<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    let running = thread::spawn(move || {
        let _ = done.send(test());
    });
    match result.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Disconnected) => match running.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("it would have sent its result"),
        },
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it still waits after {PATIENCE:?}"),
    }
}

/// Lets others run until the condition holds.
#[track_caller]
pub fn wait_until(condition: impl Fn() -> bool) {
    let bound = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < bound, "it does not happen");
        thread::yield_now();
    }
}
