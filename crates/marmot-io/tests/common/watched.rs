//! Threads of which a test can see that they wait.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread::{self, JoinHandle, Thread};
use std::time::Instant;

use marmot_io::{Park, Threads};

use super::wait_until;

/// Blocks threads, and lets others see it and cancel it.
#[derive(Debug)]
pub struct Watched;

/// A thread.
#[derive(Debug)]
pub struct Seen {
    thread: Thread,
    parks: AtomicUsize,
    is_cancelled: AtomicBool,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Seen>>> = const { RefCell::new(None) };
}

impl Park for Watched {
    type Handle = Arc<Seen>;

    fn current() -> Arc<Seen> {
        let new = || {
            let (thread, parks, is_cancelled) = (thread::current(), AtomicUsize::new(0), AtomicBool::new(false));
            Arc::new(Seen { thread, parks, is_cancelled })
        };
        CURRENT.with_borrow_mut(|current| Arc::clone(current.get_or_insert_with(new)))
    }

    fn park(until: Option<Instant>) -> io::Result<()> {
        let current = Watched::current();
        current.parks.fetch_add(1, SeqCst);
        Threads::park(until)?;
        if current.is_cancelled.load(SeqCst) { Err(io::Error::other("cancelled")) } else { Ok(()) }
    }

    fn unpark(handle: &Arc<Seen>) {
        handle.thread.unpark();
    }
}

/// A thread that does something, and whether it waits.
pub struct Doing<T> {
    seen: Arc<Seen>,
    thread: JoinHandle<T>,
}

/// Does something on another thread.
pub fn doing<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> Doing<T> {
    let (here, there) = mpsc::channel();
    let thread = thread::spawn(move || {
        here.send(Watched::current()).unwrap();
        what()
    });
    Doing { seen: there.recv().unwrap(), thread }
}

impl<T> Doing<T> {
    /// Returns once it has parked for the first time, and so is in line.
    pub fn waits(self) -> Doing<T> {
        self.has_parked(1)
    }

    /// Returns once it has parked so many times.
    pub fn has_parked(self, times: usize) -> Doing<T> {
        wait_until(|| self.seen.parks.load(SeqCst) >= times);
        self
    }

    /// Makes its parks fail from now on, when they end.
    pub fn cancel_next(&self) {
        self.seen.is_cancelled.store(true, SeqCst);
    }

    /// Makes its park fail.
    pub fn cancel(&self) {
        self.cancel_next();
        self.seen.thread.unpark();
    }

    pub fn result(self) -> T {
        self.thread.join().unwrap()
    }
}
