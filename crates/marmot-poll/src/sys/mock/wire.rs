//! Descriptors in memory: the two ends of a wire.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Queue, next_number};
use crate::{Event, Key};

/// Makes a wire, and returns its two ends. Each direction holds up to `capacity` bytes.
///
/// # Panics
///
/// If `capacity` is zero.
#[must_use]
pub fn pair(capacity: usize) -> (Descriptor, Descriptor) {
    assert!(capacity > 0, "a wire needs room for one byte at least");
    let wire = Arc::new(Wire { capacity, ends: Mutex::default() });
    let end = |side| Descriptor { place: Place { wire: Arc::clone(&wire), side }, number: next_number() };
    (end(0), end(1))
}

/// One end of a wire in memory, like a connected stream socket in non-blocking mode.
///
/// It is read and written through a shared reference too. Dropping it closes it: bytes that it has not read are lost,
/// and the other end reads what was sent, then the end of the stream.
pub struct Descriptor {
    place: Place,
    number: i32,
}

impl Descriptor {
    /// The number by which the system would know it.
    #[must_use]
    pub fn number(&self) -> i32 {
        self.number
    }

    /// Closes the sending side: the peer reads what was sent, then the end of the stream.
    pub fn finish(&self) {
        let mut ends = self.place.lock();
        let peer = &mut ends[self.place.peer()];
        peer.ended = true;
        peer.changed(self.place.across());
    }

    pub(super) fn watch(&self, queue: &Arc<Queue>, key: Key) {
        let mut ends = self.place.lock();
        let own = &mut ends[self.place.side];
        own.unwatch(queue);
        own.watches.push(Watch { queue: Arc::downgrade(queue), key });
        // For this one poller, to begin with counts as a change.
        queue.put(self.place.clone());
    }

    pub(super) fn unwatch(&self, queue: &Arc<Queue>) -> io::Result<()> {
        let watched = self.place.lock()[self.place.side].unwatch(queue);
        if watched { Ok(()) } else { Err(ErrorKind::NotFound.into()) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let mut ends = self.place.lock();
        let own = &mut ends[self.place.side];
        own.gone = true;
        own.watches.clear();
        let peer = &mut ends[self.place.peer()];
        peer.ended = true;
        peer.changed(self.place.across());
    }
}

impl Read for &Descriptor {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut ends = self.place.lock();
        let own = &mut ends[self.place.side];
        if own.arrived.is_empty() && !own.ended && !buf.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let was_full = own.arrived.len() == self.place.wire.capacity;
        let count = own.arrived.read(buf)?;
        if was_full && count > 0 {
            ends[self.place.peer()].changed(self.place.across());
        }
        Ok(count)
    }
}

impl Write for &Descriptor {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut ends = self.place.lock();
        let peer = &mut ends[self.place.peer()];
        if peer.ended || peer.gone {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let count = buf.len().min(self.place.wire.capacity - peer.arrived.len());
        if count == 0 && !buf.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        if count > 0 {
            peer.arrived.extend(&buf[..count]);
            peer.changed(self.place.across());
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Descriptor {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl Write for Descriptor {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Wire {
    capacity: usize,
    ends: Mutex<[End; 2]>,
}

/// What one descriptor has on its side of the wire.
#[derive(Default)]
struct End {
    /// What the peer has sent and this side has not read.
    arrived: VecDeque<u8>,
    /// The peer will send no more.
    ended: bool,
    /// This side's descriptor is closed.
    gone: bool,
    watches: Vec<Watch>,
}

/// A poller that wants to know.
struct Watch {
    queue: Weak<Queue>,
    key: Key,
}

impl Watch {
    fn is_of(&self, queue: &Arc<Queue>) -> bool {
        self.queue.as_ptr() == Arc::as_ptr(queue)
    }
}

impl End {
    /// Tells every poller that watches this end, which is at `place`.
    fn changed(&self, place: Place) {
        for queue in self.watches.iter().filter_map(|watch| watch.queue.upgrade()) {
            queue.put(place.clone());
        }
    }

    /// Removes the watch of a poller, and says whether there was one.
    fn unwatch(&mut self, queue: &Arc<Queue>) -> bool {
        let before = self.watches.len();
        self.watches.retain(|watch| !watch.is_of(queue));
        self.watches.len() < before
    }
}

/// Where a descriptor is: a side of a wire.
#[derive(Clone)]
pub(super) struct Place {
    wire: Arc<Wire>,
    side: usize,
}

impl Place {
    /// What is to be reported to the poller that owns `queue`, if anything.
    pub(super) fn look(&self, queue: &Arc<Queue>) -> Option<Event> {
        let ends = self.lock();
        let (own, peer) = (&ends[self.side], &ends[self.peer()]);
        let key = own.watches.iter().find(|watch| watch.is_of(queue))?.key;
        let readable = !own.arrived.is_empty() || own.ended;
        // Where nothing can be sent any more, a write fails at once.
        let writable = peer.arrived.len() < self.wire.capacity || peer.ended || peer.gone;
        (readable || writable).then_some(Event { key, readable, writable, hangup: own.ended })
    }

    fn lock(&self) -> MutexGuard<'_, [End; 2]> {
        self.wire.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn peer(&self) -> usize {
        1 - self.side
    }

    /// The other end.
    fn across(&self) -> Place {
        Place { wire: Arc::clone(&self.wire), side: self.peer() }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.side == other.side && Arc::ptr_eq(&self.wire, &other.wire)
    }
}
