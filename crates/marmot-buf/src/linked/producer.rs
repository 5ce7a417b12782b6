//! The writing end.

use std::fmt;
use std::hint::spin_loop;
use std::io::{self, ErrorKind, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::time::Instant;

use super::Chunk;
use super::node::{NodeRef, release_list};
use super::shared::{Outcome, Place, Shared};
use super::state::{END, Flags, GONE, PAUSED, READER_WAITS, SEALED, WRITER_WAITS, Word};
use crate::primitive::{Arc, yield_now};
use crate::{BadCount, Counted, MOST_RETRIES, Park, Threads};

/// How many nodes' room is handed out at most: what one `readv` is given.
pub(super) const MOST_NODES: usize = 16;

/// How many nodes a `write` fills at most.
const AT_ONCE: usize = 4;

/// The writing end of a [linked buffer](super).
///
/// Dropping it closes the buffer in good order, whatever the reason; who has another [closes](Producer::close) it.
///
/// # Blocking
///
/// [`wait_room`](Producer::wait_room) and `write` wait, by `P`, while the high-water mark is reached. Nothing else does.
pub struct Producer<P: Park = Threads> {
    shared: Arc<Shared<P>>,
    /// The node that is being filled, if the list is not empty or there is room left. Further room hangs behind it.
    tail: Option<NodeRef>,
    /// Whether the last node has been left to the consumer.
    sealed: bool,
    /// How many bytes the next `read_from` asks for.
    reach: usize,
    /// Whether the last one found fewer than it had asked for.
    short: bool,
    /// Whether it has paused, and may not have been resumed yet.
    has_paused: bool,
    /// What the word was when the room was made for what is published next.
    seen: Word,
}

impl<P: Park> Producer<P> {
    pub(super) fn new(shared: Arc<Shared<P>>) -> Self {
        let reach = shared.node_size;
        Producer { shared, tail: None, sealed: false, reach, short: false, has_paused: false, seen: Word::default() }
    }

    /// How many bytes the consumer has not used yet. It tells by the node, or when it has used all, so it can be less.
    pub fn len(&self) -> usize {
        P::looked();
        self.shared.state.load().len()
    }

    /// Whether the consumer has used all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nobody will read what is written.
    pub fn is_abandoned(&self) -> bool {
        P::looked();
        self.shared.state.load().has(GONE)
    }

    /// Waits until there are fewer bytes than the high-water mark, or the consumer waits for more than there are. Who
    /// has to wait is woken when half of the mark is left, or when the consumer asks in vain for more.
    ///
    /// # Errors
    ///
    /// [`BrokenPipe`](ErrorKind::BrokenPipe) if nobody will read; [`TimedOut`](ErrorKind::TimedOut) when `until` has
    /// come; what `P` says when the caller is to stop waiting.
    ///
    /// # Blocking
    ///
    /// By `P`.
    pub fn wait_room(&mut self, until: Option<Instant>) -> io::Result<()> {
        self.room_by(until).map(drop)
    }

    /// As `wait_room`, and says what the word was then.
    #[inline]
    fn room_by(&mut self, until: Option<Instant>) -> io::Result<Word> {
        let word = self.shared.state.load();
        if !word.has(GONE) && self.shared.has_room(word) { Ok(word) } else { self.park_for_room(until) }
    }

    #[cold]
    fn park_for_room(&mut self, until: Option<Instant>) -> io::Result<Word> {
        let shared = &*self.shared;
        let mut spins = P::SPINS;
        loop {
            let word = shared.state.load();
            if word.has(GONE) {
                return Err(abandoned());
            }
            if shared.has_room(word) {
                return Ok(word);
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Err(ErrorKind::TimedOut.into());
            }
            if spins > 0 {
                spins -= 1;
                spin_loop();
                continue;
            }
            if !shared.writer.register(0) {
                yield_now();
                continue;
            }
            if shared.state.change(word, word.with(WRITER_WAITS)).is_ok() {
                let waited = P::park(until);
                // Nobody else may find the flag once this side looks at the word again.
                shared.state.clear(WRITER_WAITS);
                waited?;
            }
        }
    }

    /// Room for at least `bytes` bytes, or for as many as fit into 16 nodes, whichever is less: in one piece or
    /// several. What is written there is published by [`Room::commit`].
    ///
    /// It does not wait, whatever the high-water mark.
    pub fn room(&mut self, bytes: usize) -> Room<'_, P> {
        self.room_as_of(self.shared.state.load(), bytes)
    }

    fn room_as_of(&mut self, word: Word, bytes: usize) -> Room<'_, P> {
        let (_, len) = self.reserve(word, bytes);
        Room { producer: self, len, slices: [const { MaybeUninit::uninit() }; MOST_NODES] }
    }

    /// Whether something may be added: not between pausing and being resumed.
    fn check_running(&mut self) -> io::Result<()> {
        if self.has_paused {
            let word = self.shared.state.load();
            if word.has(END) {
                return Err(io::Error::new(ErrorKind::InvalidInput, "the producer has paused and was not resumed"));
            }
            (self.has_paused, self.seen) = (false, word);
        }
        Ok(())
    }

    /// Publishes the first `bytes` bytes, not 0, of the room in the tail and behind it.
    fn commit(&mut self, bytes: usize) -> io::Result<()> {
        self.check_running()?;
        const ROOM: &str = "no more is committed than there was room for";
        let tail = self.tail.expect(ROOM);
        let begin = tail.end();
        let here = bytes.min(tail.capacity() - begin);
        let first = if here > 0 { (tail, begin) } else { (tail.next().expect(ROOM), 0) };
        tail.set_end(begin + here);
        let (mut last, mut left) = (tail, bytes - here);
        while left > 0 {
            last = last.next().expect(ROOM);
            let filled = left.min(last.capacity());
            last.set_end(filled);
            left -= filled;
        }
        self.publish(first, last, bytes)
    }

    /// Reads once into the buffer's room, by one `read` or `read_vectored`, and publishes what came: how many bytes, 0 at the
    /// end. It asks for more the more comes. It does not wait for room.
    ///
    /// # Errors
    ///
    /// The reader's; [`BadCount`] if it says that it read more than there was room for; [`BrokenPipe`](ErrorKind::BrokenPipe) if
    /// nobody will read.
    ///
    /// # Blocking
    ///
    /// As the reader.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::BufRead;
    ///
    /// let (mut producer, mut consumer) = marmot_buf::linked::buffer();
    /// assert_eq!(producer.read_from(&mut &b"hello"[..])?, 5);
    /// assert_eq!(consumer.fill_buf()?, b"hello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_from<R: io::Read + ?Sized>(&mut self, reader: &mut R) -> io::Result<usize> {
        self.check_running()?;
        let reach = self.reach;
        let mut room = self.room(reach);
        let count = match room.slices() {
            [one] => reader.read(one)?,
            several => reader.read_vectored(several)?,
        };
        let count = BadCount::check(count, room.len())?;
        let was_filled = count == room.len();
        room.commit(count)?;
        let (least, most) = (self.shared.node_size, MOST_NODES * self.shared.node_size);
        self.short = !was_filled;
        self.reach = if was_filled { (reach * 2).min(most) } else { (reach / 2).max(least) };
        Ok(count)
    }

    /// Whether the last [`read_from`](Producer::read_from) found fewer bytes than it had room for: a descriptor has
    /// nothing more for now.
    pub fn was_short(&self) -> bool {
        self.short
    }

    /// Adds bytes without copying them: their owner becomes a node of the list. Whoever adds many small pieces is
    /// better off with `write`.
    ///
    /// It does not wait, whatever the high-water mark.
    ///
    /// # Errors
    ///
    /// [`BrokenPipe`](ErrorKind::BrokenPipe) if nobody will read; [`OutOfMemory`](ErrorKind::OutOfMemory) if the bytes
    /// would be too many to be counted, more than 2⁵⁵, as can be where the same memory is added again and again. The
    /// bytes are lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::BufRead;
    ///
    /// let (mut producer, mut consumer) = marmot_buf::linked::buffer();
    /// let page = vec![b'x'; 100_000];
    /// let place = page.as_ptr();
    /// producer.append(page)?;
    /// assert_eq!(consumer.fill_buf()?.as_ptr(), place);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn append(&mut self, chunk: impl Into<Chunk>) -> io::Result<()> {
        let chunk = chunk.into();
        let bytes = chunk.len();
        if bytes == 0 {
            return Ok(());
        }
        self.check_running()?;
        // Nobody else adds to the count.
        let word = self.shared.state.load();
        if bytes > Word::MOST - word.len() {
            return Err(io::Error::new(
                ErrorKind::OutOfMemory,
                "the buffer cannot count so many bytes: read some first",
            ));
        }
        let (tail, _) = self.reserve(word, 0);
        let node = NodeRef::foreign(chunk);
        // What room there is goes on behind it; what is left in the tail is given up.
        node.set_next(tail.next());
        tail.set_next(Some(node));
        self.publish((node, 0), node, bytes)
    }

    /// Gives back every node that holds nothing: before a wait that may be long, such as that for a descriptor.
    /// The last node that holds something is given back as soon as the consumer has used it up.
    pub fn let_go(&mut self) {
        if self.sealed {
            return;
        }
        let Some(tail) = self.trim() else { return };
        let mut word = self.shared.state.load();
        while !word.is_empty() {
            match self.shared.state.change(word, word.with(SEALED)) {
                Ok(()) => {
                    self.sealed = true;
                    return;
                }
                Err(now) => word = now,
            }
        }
        self.tail = None;
        // SAFETY: nothing is published, so the tail was ours alone.
        unsafe { tail.release() };
    }

    /// Ends the buffer: the consumer gets `result` after the bytes that are in it, and nothing can be added.
    pub fn close(mut self, result: io::Result<()>) {
        // One that has paused keeps its error; from here on it cannot be resumed.
        self.shared.state.clear(PAUSED);
        self.end(result.map_or_else(Outcome::Error, |()| Outcome::End), END);
    }

    /// Ends the buffer for now, because of an error after which the stream may go on, such as a deadline: the consumer
    /// gets `error` after the bytes that are in it. Nothing can be added until the consumer has
    /// [resumed](super::Consumer::resume) it; if this producer is closed or dropped before, the buffer ends with `error`.
    pub fn pause(&mut self, error: io::Error) {
        self.has_paused = true;
        self.end(Outcome::Error(error), END.and(PAUSED));
    }

    fn end(&mut self, outcome: Outcome, flags: Flags) {
        if self.shared.state.load().has(END) {
            // One that has paused may have taken room since.
            self.let_go();
            return;
        }
        // SAFETY: `END` is not set, so the cell is the producer's.
        self.shared.outcome.with_mut(|cell| unsafe { *cell = outcome });
        // By one exchange this side adds nothing for now, and leaves the last node to the consumer.
        let tail = if self.sealed { None } else { self.trim() };
        let mut word = self.shared.state.load();
        loop {
            let seals = tail.is_some() && !word.is_empty();
            match self.shared.state.change(word, word.with(if seals { flags.and(SEALED) } else { flags })) {
                Ok(()) => {
                    self.sealed |= seals;
                    break;
                }
                Err(now) => word = now,
            }
        }
        if word.has(READER_WAITS) {
            self.shared.wake_reader();
        }
        if let Some(tail) = tail
            && word.is_empty()
        {
            self.tail = None;
            // SAFETY: nothing was published as we ended, so the tail was ours alone.
            unsafe { tail.release() };
        }
    }

    /// Gives back the room behind the tail, which has not been left to the consumer.
    fn trim(&mut self) -> Option<NodeRef> {
        let tail = self.tail?;
        // SAFETY: what lies behind the tail is the producer's alone.
        unsafe { release_list(tail.next(), None) };
        tail.set_next(None);
        Some(tail)
    }

    /// The tail, with room for `bytes` bytes in it and behind it, or in [`MOST_NODES`] nodes; and how much that is. The
    /// word is what it was at some moment since the last publication.
    fn reserve(&mut self, mut word: Word, bytes: usize) -> (NodeRef, usize) {
        if self.sealed {
            self.sealed = false;
            word = self.shared.state.clear(SEALED);
            if word.is_empty() {
                // The consumer has given it back.
                self.tail = None;
            }
            word = word.without(SEALED);
        }
        self.seen = word;
        if let Some(tail) = self.tail
            && word.is_empty()
        {
            // The list is ours alone, and stays so until we publish.
            if !tail.is_foreign() && tail.is_unshared() {
                tail.set_end(0);
            } else if tail.end() == tail.capacity() {
                self.tail = tail.next();
                // SAFETY: nothing is published, so the tail is ours alone.
                unsafe { tail.release() };
            }
        }
        let tail = *self.tail.get_or_insert_with(|| NodeRef::new(self.shared.node_size));
        let (mut last, mut room) = (tail, tail.capacity() - tail.end());
        let mut nodes = usize::from(room > 0);
        while room < bytes && nodes < MOST_NODES {
            last = last.next().unwrap_or_else(|| {
                let node = NodeRef::new(self.shared.node_size);
                last.set_next(Some(node));
                node
            });
            room += last.capacity();
            nodes += 1;
        }
        (tail, room)
    }

    /// Adds `bytes` to the count. They begin at `first`, in the tail or behind it, and end in `last`, which becomes
    /// the tail.
    fn publish(&mut self, first: Place, last: NodeRef, bytes: usize) -> io::Result<()> {
        let shared = &*self.shared;
        let tail = self.tail.expect("room was made before");
        // What `reserve` saw may be old, but a count of 0 has stayed so since; and the exchange costs no more if it fails
        // than a look before it would.
        let mut word = self.seen;
        loop {
            debug_assert!(!word.has(END), "nothing is added to a buffer that is closed or paused");
            if word.has(GONE) {
                // The count is 0 and stays so: everything is ours.
                self.tail = None;
                // SAFETY: nobody else knows of it.
                unsafe { release_list(Some(tail), None) };
                return Err(abandoned());
            }
            if word.is_empty() {
                // SAFETY: the count is 0, so the cell is the producer's. If it is not 0 any more in the exchange
                // below, that was not the consumer's doing; and if it was not 0 before, this has not been done.
                shared.anchor.with_mut(|anchor| unsafe { *anchor = Some(first) });
            }
            match shared.state.change(word, word.with_more(bytes)) {
                Ok(()) => break,
                Err(now) => word = now,
            }
        }
        self.tail = Some(last);
        if word.has(READER_WAITS) && word.len() + bytes >= shared.reader.want() {
            shared.wake_reader();
        }
        if word.is_empty() && first.0 != tail {
            // The consumer begins behind the old tail, and will not see it.
            // SAFETY: the count was 0, so it was ours alone.
            unsafe { tail.release() };
        }
        Ok(())
    }
}

fn abandoned() -> io::Error {
    io::Error::new(ErrorKind::BrokenPipe, "the buffer's reading end has been dropped")
}

impl<P: Park> Write for Producer<P> {
    /// Copies, after waiting for room, at most as much as fits into four nodes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // Who has to be resumed first would wait in vain.
        self.check_running()?;
        // A large piece goes in several parts, so that the consumer reads the first while the next is copied.
        let bytes = &bytes[..bytes.len().min(AT_ONCE * self.shared.node_size)];
        let word = self.room_by(None)?;
        let (tail, _) = self.reserve(word, bytes.len());
        let begin = tail.end();
        if bytes.len() <= tail.capacity() - begin {
            // SAFETY: this is the producer, and what lies beyond the tail's end is not published.
            let room = unsafe { tail.room(begin) };
            room[..bytes.len()].copy_from_slice(bytes);
            self.commit(bytes.len())?;
            return Ok(bytes.len());
        }
        let mut room = self.room_as_of(self.seen, bytes.len());
        let mut rest = bytes;
        for slice in room.slices() {
            // Reading from memory does not fail.
            rest.read(slice)?;
        }
        let count = bytes.len() - rest.len();
        room.commit(count)?;
        Ok(count)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut count, mut interrupted) = (0, 0);
        while count < bytes.len() {
            match self.write(&bytes[count..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(here) => count += here,
                Err(error) if error.kind() == ErrorKind::Interrupted && interrupted < MOST_RETRIES => interrupted += 1,
                Err(error) => return Err(Counted::tell(error, count as u64)),
            }
        }
        Ok(())
    }

    /// Nothing is held back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<P: Park> Drop for Producer<P> {
    fn drop(&mut self) {
        // One that has paused does not go on any more. Whether or not the consumer has just resumed it, it ends here.
        self.shared.state.clear(PAUSED);
        self.end(Outcome::End, END);
    }
}

impl<P: Park> fmt::Debug for Producer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Room in a buffer, in pieces as `read_vectored` takes them. Nothing is published unless it is
/// [committed](Room::commit).
///
/// # Examples
///
/// ```
/// use std::io::Read;
///
/// let (mut producer, consumer) = marmot_buf::linked::buffer();
/// let mut room = producer.room(5);
/// let count = (&b"hello"[..]).read_vectored(room.slices())?;
/// room.commit(count)?;
/// assert_eq!(consumer.len(), 5);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Room<'a, P: Park = Threads> {
    producer: &'a mut Producer<P>,
    len: usize,
    /// Where `slices` lays out the pieces. They are never read again: whoever got them may have changed them.
    slices: [MaybeUninit<IoSliceMut<'static>>; MOST_NODES],
}

impl<P: Park> Room<'_, P> {
    /// The pieces, in order, and the same ones at every call. They can be used until the commit, and no longer.
    pub fn slices(&mut self) -> &mut [IoSliceMut<'_>] {
        let mut count = 0;
        if let Some(tail) = self.producer.tail {
            let (mut node, mut from, mut left) = (tail, tail.end(), self.len);
            loop {
                let here = node.capacity() - from;
                if here > 0 {
                    // SAFETY: this is the producer; what lies beyond the tail's end is not published, and neither are
                    // the nodes behind it. The pieces are borrowed from `self` below, and no longer than that.
                    self.slices[count].write(IoSliceMut::new(unsafe { node.room(from) }));
                    count += 1;
                    left -= here;
                }
                if left == 0 {
                    break;
                }
                (node, from) = (node.next().expect("there is room for so many bytes"), 0);
            }
        }
        // SAFETY: the first `count` have been written. Whatever is stored through the shorter lifetime is not read again.
        unsafe { std::slice::from_raw_parts_mut(self.slices.as_mut_ptr().cast(), count) }
    }

    /// How many bytes there is room for.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no room.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Publishes the first `bytes` bytes.
    ///
    /// # Errors
    ///
    /// [`BrokenPipe`](ErrorKind::BrokenPipe) if nobody will read; the bytes are lost.
    ///
    /// # Panics
    ///
    /// If there is less room.
    pub fn commit(self, bytes: usize) -> io::Result<()> {
        assert!(bytes <= self.len, "{bytes} bytes are committed to room for {}", self.len);
        if bytes == 0 { Ok(()) } else { self.producer.commit(bytes) }
    }
}

impl<P: Park> fmt::Debug for Room<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

    use super::*;

    #[test]
    fn more_than_can_be_counted_is_not_appended() {
        let (mut producer, mut consumer) = crate::linked::buffer();
        let many = Word::MOST - 5;
        producer.shared.state.change(Word::default(), Word::default().with_more(many)).unwrap();
        assert_eq!(producer.append("123456").unwrap_err().kind(), ErrorKind::OutOfMemory);
        assert_eq!(producer.len(), many);
        producer.shared.state.subtract(many);
        producer.append("123456").unwrap();
        assert_eq!(consumer.fill_buf().unwrap(), b"123456");
    }
}
