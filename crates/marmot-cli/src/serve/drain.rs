//! Ending in good order: which connections there are, and which of them are in the middle of a request.
//!
//! Each connection has one word of state. Its own goroutine and the drain change it by compare-and-swap, so a
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
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const IDLE: u8 = 0;
const BUSY: u8 = 1;
const LAST: u8 = 2;
const ENDED: u8 = 3;

/// The connections of a server, and whether it is ending.
#[derive(Debug, Default)]
pub struct Drain {
    begun: AtomicBool,
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    open: HashMap<u64, Arc<Connection>>,
    next: u64,
    /// Who waits for the last connection to go.
    waiter: Option<Goroutine>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    state: AtomicU8,
}

/// A connection as its goroutine holds it; dropping it takes the connection off the list and closes it.
#[derive(Debug)]
pub struct Session {
    drain: Arc<Drain>,
    key: u64,
    connection: Arc<Connection>,
}

impl Drain {
    /// Puts a connection on the list, as idle; `None` if the server is ending.
    pub fn admit(drain: &Arc<Drain>, stream: TcpStream) -> Option<Session> {
        let connection = Arc::new(Connection { stream, state: AtomicU8::new(IDLE) });
        let mut sessions = drain.lock();
        // Read under the lock under which `begin` writes it: a connection is either refused here or found there.
        if drain.has_begun() {
            return None;
        }
        let key = sessions.next;
        sessions.next += 1;
        sessions.open.insert(key, Arc::clone(&connection));
        drop(sessions);
        Some(Session { drain: Arc::clone(drain), key, connection })
    }

    /// Whether the server is ending.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Relaxed)
    }

    /// Begins the end: calls `stop_accepting`, closes the idle connections, and lets each of the others finish its request.
    pub fn begin(&self, stop_accepting: impl FnOnce()) {
        let connections: Vec<Arc<Connection>> = {
            let sessions = self.lock();
            self.begun.store(true, Relaxed);
            sessions.open.values().cloned().collect()
        };
        stop_accepting();
        for connection in connections {
            let step = |state| match state {
                IDLE => Some(ENDED),
                BUSY => Some(LAST),
                _ => None,
            };
            if connection.state.fetch_update(Relaxed, Relaxed, step) == Ok(IDLE) {
                // Its goroutine wakes with an error. A connection that the peer has closed already is as good.
                let _ = connection.stream.close();
            }
        }
    }

    /// Parks the goroutine until no connection is left, or for so long; says how many are left.
    pub fn wait(&self, grace: Duration) -> usize {
        let deadline = Instant::now() + grace;
        loop {
            let mut sessions = self.lock();
            let left = sessions.open.len();
            let rest = deadline.saturating_duration_since(Instant::now());
            if left == 0 || rest.is_zero() {
                return left;
            }
            sessions.waiter = Some(marmot::current());
            drop(sessions);
            marmot::park_timeout(rest);
        }
    }

    /// The list. A panic under the lock cannot leave it inconsistent: every change is a single insertion or removal.
    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// The connection.
    pub fn stream(&self) -> &TcpStream {
        &self.connection.stream
    }

    /// Another handle to the connection; it costs no descriptor.
    ///
    /// # Errors
    ///
    /// As [`TcpStream::try_clone`].
    pub fn try_clone_stream(&self) -> io::Result<TcpStream> {
        self.connection.stream.try_clone()
    }

    /// Begins a request; `false` if the connection was closed instead.
    #[must_use]
    pub fn begin(&self) -> bool {
        self.connection.state.compare_exchange(IDLE, BUSY, Relaxed, Relaxed).is_ok()
    }

    /// Ends a request; `false` if it was the last one.
    #[must_use]
    pub fn end(&self) -> bool {
        self.connection.state.compare_exchange(BUSY, IDLE, Relaxed, Relaxed).is_ok()
    }

    /// Whether the request under way is the last one, because the server is ending.
    pub fn is_last(&self) -> bool {
        self.drain.has_begun()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut sessions = self.drain.lock();
        let removed = sessions.open.remove(&self.key);
        let waiter = if sessions.open.is_empty() { sessions.waiter.take() } else { None };
        drop(sessions);
        // Closing the descriptor is a system call, so it comes after the lock.
        drop(removed);
        if let Some(waiter) = waiter {
            waiter.unpark();
        }
    }
}
