//! A bounded queue of chunks between the goroutine that reads a connection and the one that writes to it.
//!
//! Nothing parks while the lock is held, as the documentation of `go` demands.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use marmot::{Goroutine, current, park};

/// The most bytes that are between the two.
const CAPACITY: usize = 32 * 1024;

#[derive(Default)]
struct State {
    chunks: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// No more comes, or nobody takes any more.
    closed: bool,
    waiting: Option<Goroutine>,
}

#[derive(Default)]
pub struct Pipe(Mutex<State>);

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Puts a chunk in, waiting for room; false if nobody will take it.
    pub fn push(&self, chunk: &[u8]) -> bool {
        self.wait(|state| {
            if state.closed {
                return Some(false);
            }
            (state.bytes < CAPACITY).then(|| {
                state.bytes += chunk.len();
                state.chunks.push_back(chunk.into());
                true
            })
        })
    }

    /// Takes the oldest chunk, waiting for one; `None` after the last.
    pub fn pop(&self) -> Option<Box<[u8]>> {
        self.wait(|state| match state.chunks.pop_front() {
            Some(chunk) => {
                state.bytes -= chunk.len();
                Some(Some(chunk))
            }
            None => state.closed.then_some(None),
        })
    }

    pub fn close(&self) {
        self.wait(|state| {
            state.closed = true;
            Some(())
        });
    }

    /// Waits until `f` succeeds, and then unparks the other side, if it waits.
    fn wait<T>(&self, mut f: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let mut state = self.lock();
            if let Some(value) = f(&mut state) {
                let other = state.waiting.take();
                drop(state);
                if let Some(other) = other {
                    other.unpark();
                }
                return value;
            }
            // The two sides never wait at the same time: the pipe is not both full and empty.
            state.waiting = Some(current());
            drop(state);
            park();
        }
    }
}
