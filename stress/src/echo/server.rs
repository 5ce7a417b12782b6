//! The echo server: its listeners, and the count of those who came and went.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use marmot::net::TcpListener;
use marmot::{JoinHandle, go};

use super::serve;
use crate::chance::Chance;

/// Connections that ended hold their pair of ports for a minute. Each address has its own twenty-eight thousand.
const ADDRESSES: u8 = 8;

/// How many goroutines accept from one listener, in turns.
const ACCEPTORS: usize = 2;

pub struct Server {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    acceptors: Mutex<Vec<JoinHandle<()>>>,
    came: AtomicU64,
    went: AtomicU64,
}

/// A connection that the server serves; counts when it ends.
pub struct Guest(Arc<Server>);

impl Drop for Guest {
    fn drop(&mut self) {
        // Release pairs with the Acquire in `close`: the connection's end is seen with the count.
        self.0.went.fetch_add(1, Release);
    }
}

impl Server {
    /// Listens, and starts to accept.
    pub fn open() -> io::Result<Arc<Server>> {
        let bind = |i| TcpListener::bind((format!("127.0.0.{}", i + 1), 0));
        let listeners = (0..ADDRESSES).map(bind).collect::<io::Result<Vec<_>>>()?;
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        let server = Arc::new(Server {
            listeners,
            addresses,
            acceptors: Mutex::default(),
            came: AtomicU64::new(0),
            went: AtomicU64::new(0),
        });
        let acceptors = (0..server.listeners.len() * ACCEPTORS).map(|i| {
            let server = Arc::clone(&server);
            go(move || server.accept(i / ACCEPTORS))
        });
        let acceptors = acceptors.collect();
        *server.acceptors.lock().unwrap_or_else(|e| e.into_inner()) = acceptors;
        Ok(server)
    }

    /// One of its addresses.
    pub fn address(&self, chance: &mut Chance) -> SocketAddr {
        chance.pick(&self.addresses)
    }

    fn accept(self: &Arc<Server>, listener: usize) {
        loop {
            let conn = match self.listeners[listener].accept() {
                Ok((conn, _)) => conn,
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::NotConnected, "accepting has failed: {e}");
                    return;
                }
            };
            let guest = Guest(Arc::clone(self));
            // Some are greeted when they speak, and some are waited for.
            if self.came.fetch_add(1, Relaxed).is_multiple_of(2) {
                conn.go_when_readable(|conn| serve::greet(conn, guest));
            } else {
                go(|| serve::greet(conn, guest));
            }
        }
    }

    /// Waits until as many as `made` connections came and went, and closes the listeners.
    ///
    /// # Errors
    ///
    /// When the counts do not come together.
    pub fn close(&self, made: u64, patience: Duration) -> Result<(), String> {
        let begun = Instant::now();
        // Acquire pairs with the Release in the drop of a guest.
        while self.went.load(Acquire) != made {
            if begun.elapsed() > patience {
                return Err(format!("the clients have made {made} connections, but of the server's {self}"));
            }
            marmot::sleep(Duration::from_millis(1));
        }
        if self.came.load(Relaxed) != made {
            return Err(format!("the clients have made {made} connections, but of the server's {self}"));
        }
        for listener in &self.listeners {
            listener.close().map_err(|e| format!("a listener cannot be closed: {e}"))?;
        }
        let acceptors = std::mem::take(&mut *self.acceptors.lock().unwrap_or_else(|e| e.into_inner()));
        acceptors.into_iter().for_each(|acceptor| acceptor.join().expect("an acceptor has not panicked"));
        Ok(())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Who ended first has come before.
        let went = self.went.load(Acquire);
        write!(f, "connections {} have come and {went} have ended", self.came.load(Relaxed))
    }
}
