//! The contract over descriptors in memory.
//!
//! This is the reference: the laws of [`Contract`] in their shortest form, over the [`Descriptor`]s of [`pair`], with
//! no system call and nothing left to chance. Tests of upper layers run on it. What the contract merely allows, this
//! back end does only when told to: see [`Mock::deliver`].
//!
//! ## How it works
//!
//! A descriptor keeps a list of the pollers that watch it. Every change puts the descriptor's *place* into the
//! queues of those pollers, once however many changes there are, and a poll takes places from the front of its
//! queue. What a place is ready for, and under which key, is looked up then, so that an event is as true as it can
//! be. A place with nothing to say is passed over, and so is one that is no longer watched.
//!
//! Locks are taken in one order: a wire's, then a queue's.

mod wire;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, mem};

use self::wire::Place;
use crate::{Buffer, Contract, Event, Key};

pub use self::wire::{Descriptor, pair};

/// A poller of descriptors in memory.
pub struct Mock {
    queue: Arc<Queue>,
    number: i32,
}

impl Mock {
    /// Makes the next poll report `event`, true or not: a false or a late one, which the contract allows and upper
    /// layers must survive.
    pub fn deliver(&self, event: Event) {
        self.queue.lock().news.push_back(News::Told(event));
        self.queue.changed.notify_one();
    }
}

impl Contract for Mock {
    type Source<'a> = &'a Descriptor;
    type Number = i32;
    type Events = Events;

    fn init() -> io::Result<Self> {
        Ok(Mock { queue: Arc::default(), number: next_number() })
    }

    fn open(&self, source: &Descriptor, key: Key) -> io::Result<()> {
        source.watch(&self.queue, key);
        Ok(())
    }

    fn close(&self, source: &Descriptor) -> io::Result<()> {
        source.unwatch(&self.queue)
    }

    fn poll(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        // A time that the clock cannot hold never comes.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        events.list.clear();
        loop {
            let (batch, woken) = self.queue.take(events.capacity, deadline);
            let timed_out = batch.is_empty() && !woken;
            events.list.extend(batch.into_iter().filter_map(|news| match news {
                News::At(place) => place.look(&self.queue),
                News::Told(event) => Some(event),
            }));
            if timed_out || woken || !events.list.is_empty() {
                return Ok(events.list.len());
            }
        }
    }

    fn wake(&self) -> io::Result<()> {
        self.queue.lock().woken = true;
        self.queue.changed.notify_one();
        Ok(())
    }

    fn is_poll_descriptor(&self, number: i32) -> bool {
        number == self.number
    }
}

/// The events of a [`Mock`].
pub struct Events {
    list: Vec<Event>,
    capacity: usize,
}

impl Buffer for Events {
    fn with_capacity(capacity: usize) -> Self {
        assert!(capacity > 0, "a poll needs room for one event at least");
        Events { list: Vec::with_capacity(capacity), capacity }
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.list.iter().copied()
    }
}

/// What a poller has to report.
#[derive(Default)]
struct Queue {
    pending: Mutex<Pending>,
    changed: Condvar,
}

#[derive(Default)]
struct Pending {
    news: VecDeque<News>,
    woken: bool,
}

enum News {
    /// Something has changed there.
    At(Place),
    /// To be reported as it is.
    Told(Event),
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something has changed at `place`.
    fn put(&self, place: Place) {
        let mut pending = self.lock();
        if !pending.news.iter().any(|news| matches!(news, News::At(known) if *known == place)) {
            pending.news.push_back(News::At(place));
            self.changed.notify_one();
        }
    }

    /// Waits for news or a wake-up, and takes both. Neither means that the deadline has passed.
    fn take(&self, limit: usize, deadline: Option<Instant>) -> (Vec<News>, bool) {
        let mut pending = self.lock();
        while pending.news.is_empty() && !pending.woken {
            pending = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(pending).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(left) => self.changed.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        let count = limit.min(pending.news.len());
        (pending.news.drain(..count).collect(), mem::take(&mut pending.woken))
    }
}

/// A number that no descriptor or poller in memory has had yet.
fn next_number() -> i32 {
    static NEXT: AtomicI32 = AtomicI32::new(0);
    NEXT.fetch_add(1, Relaxed)
}
