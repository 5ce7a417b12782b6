//! Ending in good order: which connections there are, and which of them are in the middle of a request.
//!
//! Each connection has one byte of state. Those of many connections lie together: a server with thousands of them touches
//! few lines of the processor's cache for all. Its own goroutine and the drain change it by compare-and-swap, so a
//! request either begins before the drain, and then finishes, or not at all:
//!
//! | state | meaning | its goroutine | the drain |
//! |---|---|---|---|
//! | `IDLE` | waits for a request | → `BUSY` when bytes arrive | → `ENDED`, and closes the connection |
//! | `BUSY` | is in a request | → `IDLE` when it is answered | → `LAST` |
//! | `LAST` | is in its last request | ends | – |
//! | `ENDED` | was closed while idle | ends | – |
//!
//! The word publishes nothing but itself, so `Relaxed` is enough.

use marmot::Goroutine;
use marmot::net::TcpStream;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const IDLE: u8 = 0;
const BUSY: u8 = 1;
const LAST: u8 = 2;
const ENDED: u8 = 3;

/// How many states lie together.
const CHUNK: usize = 1024;

type States = [AtomicU8; CHUNK];

/// The connections of a server, and whether it is ending.
#[derive(Debug, Default)]
pub struct Drain {
    begun: AtomicBool,
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    /// A handle to each connection, at its index.
    streams: Vec<Option<TcpStream>>,
    /// Indices that are free.
    free: Vec<usize>,
    /// The state of each connection.
    states: Vec<Arc<States>>,
    /// Who waits until fewer connections are open, and how many are few enough. Only the goroutine that accepts waits, first for
    /// room and then for the end.
    waiter: Option<(Goroutine, usize)>,
}

impl Sessions {
    fn open(&self) -> usize {
        self.streams.len() - self.free.len()
    }

    /// Puts a connection on the list, as idle: its index, and where its state is.
    fn insert(&mut self, stream: TcpStream) -> (usize, Arc<States>) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.streams.push(None);
            self.streams.len() - 1
        });
        if self.states.len() <= index / CHUNK {
            self.states.push(Arc::new([const { AtomicU8::new(IDLE) }; CHUNK]));
        }
        let states = &self.states[index / CHUNK];
        states[index % CHUNK].store(IDLE, Relaxed);
        self.streams[index] = Some(stream);
        (index, Arc::clone(states))
    }
}

/// A connection as its goroutine holds it; dropping it takes the connection off the list and closes it.
#[derive(Debug)]
pub struct Session {
    stream: TcpStream,
    states: Arc<States>,
    index: usize,
    drain: Arc<Drain>,
}

impl Drain {
    /// Puts a connection on the list, as idle; `None` if the server is ending.
    pub fn admit(drain: &Arc<Drain>, stream: TcpStream) -> Option<Session> {
        let handle = stream.try_clone().ok()?;
        let mut sessions = drain.lock();
        // Read under the lock under which `begin` writes it: a connection is either refused here or found there.
        if drain.has_begun() {
            return None;
        }
        let (index, states) = sessions.insert(handle);
        drop(sessions);
        Some(Session { stream, states, index, drain: Arc::clone(drain) })
    }

    /// Whether the server is ending.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Relaxed)
    }

    /// Parks the goroutine until fewer than `most` connections are open; `false` if the server is ending instead.
    pub fn wait_for_room(&self, most: usize) -> bool {
        loop {
            let mut sessions = self.lock();
            if self.has_begun() {
                return false;
            }
            if sessions.open() < most {
                return true;
            }
            sessions.waiter = Some((marmot::current(), most - 1));
            drop(sessions);
            marmot::park();
        }
    }

    /// Begins the end: calls `stop_accepting`, closes the idle connections, and lets each of the others finish its request.
    pub fn begin(&self, stop_accepting: impl FnOnce()) {
        let (idle, waiter): (Vec<TcpStream>, _) = {
            let mut sessions = self.lock();
            self.begun.store(true, Relaxed);
            // It may wait for room, of which there is no need now.
            let waiter = sessions.waiter.take();
            let step = |state| match state {
                IDLE => Some(ENDED),
                BUSY => Some(LAST),
                _ => None,
            };
            let is_idle = |&(index, _): &(usize, &TcpStream)| {
                let state = &sessions.states[index / CHUNK][index % CHUNK];
                state.fetch_update(Relaxed, Relaxed, step) == Ok(IDLE)
            };
            let open =
                sessions.streams.iter().enumerate().filter_map(|(index, stream)| Some((index, stream.as_ref()?)));
            (open.filter(is_idle).filter_map(|(_, stream)| stream.try_clone().ok()).collect(), waiter)
        };
        stop_accepting();
        if let Some((waiter, _)) = waiter {
            waiter.unpark();
        }
        for stream in idle {
            // Its goroutine wakes with an error. A connection that the peer has closed already is as good.
            let _ = stream.close();
        }
    }

    /// Parks the goroutine until no connection is left, or for so long; says how many are left.
    pub fn wait(&self, grace: Duration) -> usize {
        let deadline = Instant::now() + grace;
        loop {
            let mut sessions = self.lock();
            let left = sessions.open();
            let rest = deadline.saturating_duration_since(Instant::now());
            if left == 0 || rest.is_zero() {
                return left;
            }
            sessions.waiter = Some((marmot::current(), 0));
            drop(sessions);
            marmot::park_timeout(rest);
        }
    }

    /// The list. Nothing that panics runs under the lock, but for want of memory, which aborts.
    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// The connection.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Another handle to the connection; it costs no descriptor.
    ///
    /// # Errors
    ///
    /// As [`TcpStream::try_clone`].
    pub fn try_clone_stream(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Begins a request; `false` if the connection was closed instead.
    #[must_use]
    pub fn begin(&self) -> bool {
        self.state().compare_exchange(IDLE, BUSY, Relaxed, Relaxed).is_ok()
    }

    /// Ends a request; `false` if it was the last one.
    #[must_use]
    pub fn end(&self) -> bool {
        self.state().compare_exchange(BUSY, IDLE, Relaxed, Relaxed).is_ok()
    }

    fn state(&self) -> &AtomicU8 {
        &self.states[self.index % CHUNK]
    }

    /// Whether the request under way is the last one, because the server is ending.
    pub fn is_last(&self) -> bool {
        self.drain.has_begun()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut sessions = self.drain.lock();
        let removed = sessions.streams[self.index].take();
        sessions.free.push(self.index);
        let open = sessions.open();
        let waiter = sessions.waiter.take_if(|&mut (_, few)| open <= few);
        drop(sessions);
        // The lists are consistent again.
        drop(removed);
        if let Some((waiter, _)) = waiter {
            waiter.unpark();
        }
    }
}
