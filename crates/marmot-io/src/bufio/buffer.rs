//! `Buffer`: the bytes between a source and its user, in a lease that is held only while there are any.
//!
//! What lies in the lease is `consumed | bytes | room`, and `consumed` keeps its contents until the next fill: a slice
//! that was taken stays readable, and a byte that was taken can be put back.

use std::io;
use std::ops::Range;

use marmot_buf::Lease;

use crate::checked::checked;

/// The smallest capacity: a line of it shows something, and the longest character fits.
const SMALLEST: usize = 16;

/// A queue of bytes in one leased buffer.
pub(super) struct Buffer {
    lease: Option<Lease>,
    start: usize,
    end: usize,
    capacity: usize,
}

impl Buffer {
    pub fn new(capacity: usize) -> Buffer {
        Buffer { lease: None, start: 0, end: 0, capacity: capacity.max(SMALLEST) }
    }

    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.at(self.start..self.end)
    }

    /// The part of the lease that an earlier [`place_of`](Buffer::place_of) named.
    #[inline]
    pub fn at(&self, place: Range<usize>) -> &[u8] {
        self.lease.as_ref().map_or(&[], |lease| &lease[place])
    }

    /// Where in the lease `part` lies, if it is a part of [`bytes`](Buffer::bytes).
    pub fn place_of(&self, part: &[u8]) -> Option<Range<usize>> {
        let bytes = self.bytes();
        let from = part.as_ptr().addr().checked_sub(bytes.as_ptr().addr())?;
        let is_inside = from.checked_add(part.len())? <= bytes.len();
        is_inside.then(|| self.start + from..self.start + from + part.len())
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub fn is_leased(&self) -> bool {
        self.lease.is_some()
    }

    #[inline]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many bytes it still takes.
    #[inline]
    pub fn room(&self) -> usize {
        self.capacity - self.len()
    }

    /// Forgets the bytes and gives the lease back.
    pub fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
        self.lease = None;
    }

    /// Takes `count` bytes out, which stay where they are until the next fill.
    #[inline]
    pub fn take(&mut self, count: usize) -> &[u8] {
        let at = self.start;
        self.start += count;
        self.at(at..at + count)
    }

    /// Takes `count` bytes out, and gives the lease back if they were the last.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.clear();
        }
    }

    /// How many bytes that were taken out are still there, so that [`rewind`](Buffer::rewind) can go back to them.
    pub fn consumed(&self) -> usize {
        self.start
    }

    /// Goes back over the last `count` bytes that were taken out.
    pub fn rewind(&mut self, count: usize) {
        self.start -= count;
    }

    /// Puts the `last` bytes that were taken out in front again.
    pub fn unread(&mut self, last: &[u8]) {
        if self.start >= last.len() {
            self.rewind(last.len());
        } else {
            // They came past the buffer, or it went back after them.
            debug_assert!(self.is_empty(), "what was filled in since makes the last bytes forgotten");
            self.put(last);
        }
    }

    /// Adds `bytes`, for which there is room.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        match &mut self.lease {
            Some(lease) if end <= self.capacity => lease[self.end..end].copy_from_slice(bytes),
            // They have to be moved, or there is no lease yet.
            _ => self.spare()[..bytes.len()].copy_from_slice(bytes),
        }
        self.end += bytes.len();
    }

    /// Adds what `read` puts into the room that there is, and says how much that was. There is no lease afterwards if
    /// there are no bytes.
    pub fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        let spare = self.spare();
        let room = spare.len();
        let result = read(spare).and_then(|count| checked(count, room));
        if let Ok(count) = result {
            self.end += count;
        }
        if self.is_empty() {
            self.clear();
        }
        result
    }

    /// Changes the capacity, which is not below what it holds. The bytes move if their lease is too small.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(self.len()).max(SMALLEST);
        if self.lease.as_ref().is_some_and(|lease| lease.len() < self.capacity) {
            let mut larger = Lease::new(self.capacity);
            let count = self.len();
            larger[..count].copy_from_slice(self.bytes());
            (self.start, self.end) = (0, count);
            self.lease = Some(larger);
        }
    }

    /// All the room, in one piece: the bytes move to the beginning.
    fn spare(&mut self) -> &mut [u8] {
        let lease = self.lease.get_or_insert_with(|| Lease::new(self.capacity));
        if self.start > 0 {
            lease.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut lease[self.end..self.capacity]
    }
}
