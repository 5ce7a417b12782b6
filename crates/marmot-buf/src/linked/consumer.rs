//! The reading end.

use std::fmt;
use std::hint::spin_loop;
use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};
use std::mem;
use std::time::Instant;

use super::node::{NodeRef, release_list};
use super::producer::MOST_NODES;
use super::shared::{Outcome, Place, Shared};
use super::state::{END, GONE, PAUSED, READER_WAITS, SEALED, WRITER_WAITS, Word};
use super::{Chunk, LARGEST_NODE};
use crate::primitive::{Arc, yield_now};
use crate::{BadCount, Counted, MOST_RETRIES, Park, Threads};

/// Why there is a place.
const SOMEWHERE: &str = "there is a place whenever bytes are known";
/// Why there is a next node.
const BEHIND: &str = "known bytes that are not in this node are behind it";

/// The reading end of a [linked buffer](super).
///
/// # Errors
///
/// The error that the producer [closed](super::Producer::close) the buffer with comes after all bytes that were
/// written before. It is given out once; later attempts to read fail with an error of the same kind, so that a broken
/// stream never seems to have ended in good order.
///
/// Dropping it takes what is there, and what a producer adds meanwhile on another thread, until that one finds nobody
/// reading.
///
/// # Blocking
///
/// [`wait`](Consumer::wait), `fill_buf` and `read` wait, by `P`, while too little is there. Nothing else does.
pub struct Consumer<P: Park = Threads> {
    shared: Arc<Shared<P>>,
    /// Where the next bytes of the list are; none while none are known.
    place: Option<Place>,
    /// Bytes that were copied together and come before those at `place`: a node of our own, and where they begin.
    gathered: Option<Place>,
    /// How many bytes are known to be there.
    known: usize,
    /// How many bytes have been used and not yet subtracted from the count.
    used: usize,
    /// How many bytes, from the first, are known not to be the delimiter that was looked for last.
    searched: (usize, u8),
}

impl<P: Park> Consumer<P> {
    pub(super) fn new(shared: Arc<Shared<P>>) -> Self {
        Consumer { shared, place: None, gathered: None, known: 0, used: 0, searched: (0, 0) }
    }

    /// How many bytes are there.
    pub fn len(&self) -> usize {
        P::looked();
        self.shared.state.load().len() - self.used
    }

    /// Whether no byte is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the producer ended, if it has and no byte is left: an error is given out once as it is, and later as one of
    /// the same kind.
    pub fn ended(&mut self) -> Option<io::Result<()>> {
        P::looked();
        let word = self.shared.state.load();
        (word.has(END) && word.len() == self.used).then(|| self.outcome())
    }

    /// Whether the producer has ended with an error. Bytes that came before it may be there.
    pub fn has_failed(&self) -> bool {
        // SAFETY: if `END` is set, the cell is the consumer's.
        self.shared.state.load().has(END) && self.shared.outcome.with(|cell| !matches!(unsafe { &*cell }, Outcome::End))
    }

    /// Lets a producer go on that has [paused](super::Producer::pause), and says why it had; none if it has not paused.
    /// Bytes that are still there stay.
    pub fn resume(&mut self) -> Option<io::Error> {
        let mut word = self.shared.state.load();
        if !word.has(PAUSED) {
            return None;
        }
        // SAFETY: `END` is set, as always with `PAUSED`, so the cell is the consumer's.
        let outcome = self.shared.outcome.with_mut(|cell| unsafe { mem::replace(&mut *cell, Outcome::End) });
        while let Err(now) = self.shared.state.change(word, word.without(END.and(PAUSED))) {
            if !now.has(PAUSED) {
                // The producer was dropped meanwhile.
                // SAFETY: as above.
                self.shared.outcome.with_mut(|cell| unsafe { *cell = outcome });
                return None;
            }
            word = now;
        }
        match outcome {
            Outcome::Error(error) => Some(error),
            Outcome::Told(kind) => Some(kind.into()),
            Outcome::End => unreachable!("a producer pauses with an error"),
        }
    }

    /// Takes the outcome. `END` has been seen.
    fn outcome(&mut self) -> io::Result<()> {
        // SAFETY: `END` is set, so the cell is the consumer's.
        self.shared.outcome.with_mut(|cell| match unsafe { &mut *cell } {
            Outcome::End => Ok(()),
            Outcome::Told(kind) => Err((*kind).into()),
            outcome => {
                let Outcome::Error(error) = mem::replace(outcome, Outcome::End) else { unreachable!() };
                *outcome = Outcome::Told(error.kind());
                Err(error)
            }
        })
    }

    /// Waits until at least `bytes` bytes are there, and says how many are: fewer only if the producer has ended. At
    /// the end, or after an error, what is there can be read before [`ended`](Consumer::ended) tells which it was.
    ///
    /// More bytes than the high-water mark can be waited for: the producer goes on beyond it then.
    ///
    /// # Errors
    ///
    /// Those of waiting: [`TimedOut`](ErrorKind::TimedOut) when `until` has come; what `P` says when the caller is to
    /// stop waiting. Nothing is lost then.
    ///
    /// # Blocking
    ///
    /// By `P`.
    pub fn wait_until(&mut self, bytes: usize, until: Option<Instant>) -> io::Result<usize> {
        if self.known >= bytes.max(1) {
            return Ok(self.known);
        }
        self.settle();
        let mut spins = P::SPINS;
        loop {
            let word = self.look();
            if self.known >= bytes || word.has(END) {
                return Ok(self.known);
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                self.make_room(word);
                return Err(ErrorKind::TimedOut.into());
            }
            if spins > 0 {
                spins -= 1;
                spin_loop();
                continue;
            }
            if !self.shared.reader.register(bytes) {
                yield_now();
                continue;
            }
            if self.shared.state.change(word, word.with(READER_WAITS)).is_ok() {
                // We may want more than what it thinks is enough.
                self.make_room(word.with(READER_WAITS));
                let waited = P::park(until);
                // Nobody else may find the flag once this side looks at the word again.
                self.shared.state.clear(READER_WAITS);
                waited?;
            }
        }
    }

    /// As [`wait_until`](Consumer::wait_until), without a limit.
    ///
    /// # Errors
    ///
    /// What `P` says when the caller is to stop waiting.
    ///
    /// # Blocking
    ///
    /// By `P`.
    pub fn wait(&mut self, bytes: usize) -> io::Result<usize> {
        self.wait_until(bytes, None)
    }

    /// Waits until `delimiter` is there, at most for `limit` bytes, and says how many bytes there are up to and with
    /// it; none if the first `limit` bytes, or all that there are at the end, have none. No byte is looked at twice,
    /// however they dribble in.
    ///
    /// # Errors
    ///
    /// As [`wait_until`](Consumer::wait_until).
    ///
    /// # Blocking
    ///
    /// By `P`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// let (mut producer, mut consumer) = marmot_buf::linked::buffer();
    /// producer.write_all(b"one\ntwo")?;
    /// drop(producer);
    /// let line = consumer.find(b'\n', 100, None)?;
    /// assert_eq!(line, Some(4));
    /// assert_eq!(consumer.take_chunk(4).unwrap(), "one\n");
    /// assert_eq!(consumer.find(b'\n', 100, None)?, None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn find(&mut self, delimiter: u8, limit: usize, until: Option<Instant>) -> io::Result<Option<usize>> {
        loop {
            if let Some(found) = self.find_here(delimiter, limit) {
                return Ok(Some(found));
            }
            let known = self.known;
            if known >= limit || self.wait_until(known + 1, until)? == known {
                return Ok(None);
            }
        }
    }

    /// As [`find`](Consumer::find), in what is there.
    pub fn find_here(&mut self, delimiter: u8, limit: usize) -> Option<usize> {
        if self.searched.1 != delimiter {
            self.searched = (0, delimiter);
        }
        let found = self.search(limit);
        if found.is_some() || self.known >= limit {
            return found;
        }
        // Who looks for more, perhaps in vain, must not leave a producer waiting that has room by now.
        self.settle();
        let word = self.look();
        self.make_room(word);
        self.search(limit)
    }

    /// Looks for the delimiter in what is known and was not searched yet.
    fn search(&mut self, limit: usize) -> Option<usize> {
        let ((from, delimiter), to) = (self.searched, self.known.min(limit));
        let mut at = 0;
        let found = self.pieces(to).find_map(|piece| {
            let begin = from.saturating_sub(at).min(piece.len());
            let found = memchr::memchr(delimiter, &piece[begin..]).map(|found| at + begin + found);
            at += piece.len();
            found
        });
        self.searched.0 = found.unwrap_or(from.max(to));
        found.map(|found| found + 1)
    }

    /// The first `bytes` bytes, if so many are there. They are borrowed where they are if they lie in one node, and
    /// copied together if they do not.
    ///
    /// Asking for more than the high-water mark is in vain until somebody [waits](Consumer::wait) for so many.
    pub fn peek(&mut self, bytes: usize) -> Option<&[u8]> {
        if self.known < bytes {
            self.settle();
            let word = self.look();
            if self.known < bytes {
                self.make_room(word);
                return None;
            }
        }
        if self.front().len() < bytes {
            self.gather(bytes);
        }
        Some(&self.front()[..bytes])
    }

    /// Passes over at most `bytes` bytes that are there, and says how many that were.
    pub fn skip(&mut self, bytes: usize) -> usize {
        if self.known < bytes {
            self.look();
        }
        let count = bytes.min(self.known);
        Skip { consumer: self, left: count }.go_on();
        count
    }

    /// Takes out the first `bytes` bytes, if so many are there, without copying them if they lie in one node. (The
    /// name leaves `take` to [`Read::take`].)
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// let (mut producer, mut consumer) = marmot_buf::linked::buffer();
    /// producer.write_all(b"hello world")?;
    /// let hello = consumer.take_chunk(5).unwrap();
    /// drop((producer, consumer));
    /// assert_eq!(hello, "hello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn take_chunk(&mut self, bytes: usize) -> Option<Chunk> {
        if bytes == 0 {
            return Some(Chunk::from(&[][..]));
        }
        self.peek(bytes)?;
        // They lie in one node by now.
        let (node, from) = self.gathered.or(self.place).expect(SOMEWHERE);
        let chunk = Chunk::new(node.share(), from, from + bytes);
        self.step(bytes);
        Some(chunk)
    }

    /// Writes what is there by one `write_vectored`, of up to 16 pieces, and says how many bytes were taken: 0 if none
    /// are there, or the writer took none.
    ///
    /// # Errors
    ///
    /// The writer's; [`BadCount`] if it says that it took more than it was given. Nothing has been taken out then.
    ///
    /// # Blocking
    ///
    /// As the writer.
    pub fn write_to<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<usize> {
        self.look();
        let mut slices = [IoSlice::new(&[]); MOST_NODES];
        let (mut count, mut given) = (0, 0);
        for (slice, piece) in slices.iter_mut().zip(self.pieces(self.known)) {
            *slice = IoSlice::new(piece);
            count += 1;
            given += piece.len();
        }
        let taken = match &slices[..count] {
            [] => 0,
            [one] => writer.write(one)?,
            several => writer.write_vectored(several)?,
        };
        Ok(self.skip(BadCount::check(taken, given)?))
    }

    /// Wakes the producer if it waits and need not, by what `word` says: for a consumer that asks in vain for more, and
    /// may not use anything until there is.
    fn make_room(&self, word: Word) {
        if word.has(WRITER_WAITS) && self.shared.has_room(word) {
            self.shared.wake_writer();
        }
    }

    /// Looks at the count.
    fn look(&mut self) -> Word {
        P::looked();
        let word = self.shared.state.load();
        self.known = word.len() - self.used;
        if self.known > 0 && self.place.is_none() {
            // SAFETY: the count is not 0 and has been since we forgot our place, so the cell is the consumer's.
            self.place = self.shared.anchor.with(|anchor| unsafe { *anchor });
        }
        word
    }

    /// The first bytes that lie together; none if none are known.
    fn front(&self) -> &[u8] {
        if self.known == 0 {
            return &[];
        }
        if let Some((node, from)) = self.gathered {
            // SAFETY: the node is ours, and its bytes below `end` are written.
            return unsafe { node.published(from, node.end()) };
        }
        let (node, from) = self.place.expect(SOMEWHERE);
        let to = node.end().min(from + self.known);
        // SAFETY: `known` bytes from the place on are published, and the node is kept until we move on.
        unsafe { node.published(from, to) }
    }

    /// Gives back the nodes before the one that the next bytes of the list are in. There are some.
    #[inline]
    fn move_on(&mut self) {
        while let Some((node, from)) = self.place
            && from == node.end()
        {
            self.place = Some((node.next().expect(BEHIND), 0));
            // SAFETY: a node before the last one is the consumer's, and nothing in it is left.
            unsafe { node.release() };
        }
    }

    /// The first `bytes` bytes, which are known to be there, piece by piece.
    fn pieces(&self, bytes: usize) -> Pieces<'_> {
        let gathered = self.gathered.map(|(node, from)| {
            // SAFETY: as in `front`.
            unsafe { node.published(from, node.end()) }
        });
        Pieces { gathered, place: self.place, left: bytes, consumer: std::marker::PhantomData }
    }

    /// Copies at least `bytes` bytes together, which are known to be there; more if that costs no further node.
    fn gather(&mut self, bytes: usize) {
        let size = bytes.max(self.shared.node_size);
        let node = NodeRef::new(if size <= LARGEST_NODE { size.next_power_of_two() } else { size });
        // SAFETY: the node is new.
        let room = unsafe { node.room(0) };
        let mut count = 0;
        for piece in self.pieces(self.known.min(room.len())) {
            room[count..count + piece.len()].copy_from_slice(piece);
            count += piece.len();
        }
        node.set_end(count);
        let mut left = count;
        if let Some((node, from)) = self.gathered.replace((node, 0)) {
            left -= node.end() - from;
            // SAFETY: it was ours, and has been copied.
            unsafe { node.release() };
        }
        let (begin, mut from) = self.place.expect(SOMEWHERE);
        let mut node = begin;
        while left > node.end() - from {
            left -= node.end() - from;
            (node, from) = (node.next().expect(BEHIND), 0);
        }
        self.place = Some((node, from + left));
        // SAFETY: nodes before the last one are the consumer's, and nothing in these is left.
        unsafe { release_list(Some(begin), Some(node)) };
        if self.known > count {
            self.move_on();
        }
    }

    /// Uses up `bytes` bytes of those that lie in front.
    #[inline]
    fn step(&mut self, bytes: usize) {
        if let Some((node, from)) = &mut self.gathered {
            *from += bytes;
            if *from == node.end() {
                // SAFETY: it was ours, and nothing in it is left.
                unsafe { node.release() };
                self.gathered = None;
            }
        } else if let Some((_, from)) = &mut self.place {
            *from += bytes;
        }
        self.searched.0 = self.searched.0.saturating_sub(bytes);
        self.known -= bytes;
        self.used += bytes;
        if self.known == 0 {
            // To look costs less than to subtract, and the producer may be ahead.
            self.look();
        }
        if self.known == 0 || self.used >= self.shared.node_size {
            self.settle();
        }
        if self.known > 0 && self.gathered.is_none() {
            self.move_on();
        }
    }

    /// Subtracts what has been used from the count, and learns what is left. If that is nothing, the place is
    /// forgotten: so there is a place whenever bytes are known.
    fn settle(&mut self) {
        if self.used == 0 {
            return;
        }
        let word = self.shared.state.subtract(self.used);
        self.used = 0;
        self.known = word.len();
        let last = if word.is_empty() { self.place.take() } else { None };
        // It is not woken for a few bytes.
        if word.has(WRITER_WAITS) && word.len() <= self.shared.high_water / 2 {
            self.shared.wake_writer();
        }
        if let Some((node, _)) = last
            && word.has(SEALED)
        {
            // SAFETY: the producer left the last node to us, and nothing in it is left.
            unsafe { node.release() };
        }
    }

    /// Leaves nothing behind: `GONE` is set while the count is 0.
    fn leave(&mut self) {
        loop {
            let word = self.look();
            if word.has(GONE) {
                return;
            }
            if self.known > 0 {
                self.skip(self.known);
            } else if self.shared.state.change(word, word.with(GONE)).is_ok() {
                // A producer that waited was woken as the count became 0, and with 0 none begins to.
                return;
            }
        }
    }
}

/// Passes over bytes that are known to be there: all of them also if the owner of some panics.
struct Skip<'a, P: Park> {
    consumer: &'a mut Consumer<P>,
    left: usize,
}

impl<P: Park> Skip<'_, P> {
    fn go_on(&mut self) {
        while self.left > 0 {
            let here = self.left.min(self.consumer.front().len());
            self.left -= here;
            self.consumer.step(here);
        }
    }
}

impl<P: Park> Drop for Skip<'_, P> {
    fn drop(&mut self) {
        self.go_on();
    }
}

/// The bytes of a buffer, piece by piece.
struct Pieces<'a> {
    gathered: Option<&'a [u8]>,
    place: Option<Place>,
    left: usize,
    /// Nothing moves on meanwhile.
    consumer: std::marker::PhantomData<&'a ()>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while self.left > 0 {
            let piece = match self.gathered.take() {
                Some(piece) => &piece[..piece.len().min(self.left)],
                None => {
                    let (node, from) = self.place.expect(SOMEWHERE);
                    let to = node.end().min(from + self.left);
                    if to - from < self.left {
                        self.place = Some((node.next().expect(BEHIND), 0));
                    }
                    // SAFETY: so many bytes from the place on are published, and the consumer, which is borrowed,
                    // keeps their nodes.
                    unsafe { node.published(from, to) }
                }
            };
            self.left -= piece.len();
            if !piece.is_empty() {
                return Some(piece);
            }
        }
        None
    }
}

impl<P: Park> BufRead for Consumer<P> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.wait(1)? == 0
            && let Some(result) = self.ended()
        {
            result?;
        }
        Ok(self.front())
    }

    /// # Panics
    ///
    /// If fewer bytes are there.
    fn consume(&mut self, bytes: usize) {
        assert!(bytes <= self.known, "no more can be consumed than is there");
        self.skip(bytes);
    }
}

impl<P: Park> Read for Consumer<P> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() || self.fill_buf()?.is_empty() {
            return Ok(0);
        }
        let mut count = 0;
        while count < buf.len() && self.known > 0 {
            let front = self.front();
            let here = front.len().min(buf.len() - count);
            buf[count..count + here].copy_from_slice(&front[..here]);
            self.step(here);
            count += here;
        }
        Ok(count)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        let (mut count, mut interrupted) = (0, 0);
        while count < buf.len() {
            match self.read(&mut buf[count..]) {
                Ok(0) => {
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, "the end came before the buffer was full"));
                }
                Ok(here) => count += here,
                // What a stream has ended with comes again and again.
                Err(error) if error.kind() == ErrorKind::Interrupted && interrupted < MOST_RETRIES => interrupted += 1,
                Err(error) => return Err(Counted::tell(error, count as u64)),
            }
        }
        Ok(())
    }
}

impl<P: Park> Drop for Consumer<P> {
    fn drop(&mut self) {
        /// Leaves also if the destructor of somebody's bytes panics: the producer is not to wait for ever.
        struct Leaving<'a, P: Park>(&'a mut Consumer<P>);

        impl<P: Park> Drop for Leaving<'_, P> {
            fn drop(&mut self) {
                self.0.leave();
            }
        }

        Leaving(self).0.leave();
    }
}

impl<P: Park> fmt::Debug for Consumer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("len", &self.len()).finish_non_exhaustive()
    }
}
