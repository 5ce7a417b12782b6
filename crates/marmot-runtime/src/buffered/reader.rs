//! The reading side: a goroutine that fills a linked buffer.
//!
//! It exists only while there is something to read. After a read that found less than it had asked for, or nothing, it
//! gives back every node and hands its source over until there is more ([`Source::when_readable`]). When the buffer has
//! reached the high-water mark, it parks until the consumer has used half of it. It ends with the stream, and when the
//! reader is dropped.
//!
//! **It never waits in a read** ([`Source::try_read_vectored`]), for then it has taken room already. There may be nothing
//! to read although it was started: an event is on its way for a moment, and meanwhile the goroutine before may have read
//! what it tells of. And a read that just filled its room does not tell whether there is more.
//!
//! **Errors after which a stream goes on** (a deadline that has passed) pause it: it leaves the source and the
//! producer where the reader finds them. When more is asked for than there is, the goroutine is started again; and if it
//! pauses then, the reader gives its error out. So an error counts only while somebody waits: a deadline that passes
//! between two reads, and is set anew before the second, is none.
//!
//! **The goroutine works under no context**, whoever starts it. It works for the connection: the request for which that was
//! opened, or for which somebody waits while it is started again, may end long before. Under the context of one of them it would
//! break the stream off for all that come later; and it would keep that context's values for as long as the connection lives. What
//! a context ends is the wait of whoever reads from the buffer, and what comes meanwhile is there for the next one.
//! (*Rejected:* the creator's context without its end. Which values a source sees would depend on who went on after a pause.)
//!
//! **A goroutine that does not come to its end**, because its source panics, no stack can be had or the runtime is shut
//! down, breaks the stream off: that is an error, and never the end ([`Filler`]).

use std::io::{self, BufRead, ErrorKind, IoSliceMut, Read};
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};

use marmot_buf::linked::Options;
use marmot_buf::{Chunk, Consumer, Producer};
use marmot_io::{Partial, bufio, read_full};

use super::{HIGH_WATER, MOST_INTERRUPTED};
use crate::context::Context;
use crate::net::TcpStream;
use crate::rt::{self, Connections};

/// Where a [`Reader`]'s bytes come from.
pub trait Source: Read + Send + Sized + 'static {
    /// Runs `f` in a goroutine of its own once a read would find something.
    ///
    /// Unless this is overridden, the goroutine starts at once and its read waits: with a stack, and with a node of the
    /// buffer.
    fn when_readable(self, f: impl FnOnce(Self) + Send + 'static) {
        rt::go(move || f(self));
    }

    /// As `read_vectored`, but says `None` where that would wait. Then [`when_readable`](Source::when_readable) is called
    /// again, which must not start the goroutine at once every time.
    ///
    /// Unless this is overridden, it reads, and waits where it has to: with a stack, and with a node of the buffer.
    ///
    /// # Errors
    ///
    /// Those of reading.
    fn try_read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<Option<usize>> {
        self.read_vectored(bufs).map(Some)
    }

    /// Something that makes a read that waits, or a wait for readability, end soon. It is called when nobody wants to
    /// read any more.
    ///
    /// Unless this is overridden, it does nothing: the source is dropped when its read has returned.
    fn stopper(&self) -> io::Result<impl FnOnce() + Send + 'static> {
        Ok(|| ())
    }
}

impl Source for TcpStream {
    fn when_readable(self, f: impl FnOnce(Self) + Send + 'static) {
        self.go_when_readable(f);
    }

    fn try_read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<Option<usize>> {
        TcpStream::try_read_vectored(self, bufs)
    }

    fn stopper(&self) -> io::Result<impl FnOnce() + Send + 'static> {
        let stream = self.try_clone()?;
        // It may have ended already.
        Ok(move || drop(stream.shutdown(std::net::Shutdown::Read)))
    }
}

/// Starts the reading goroutine again.
type Restart = Box<dyn FnOnce() + Send>;

/// What has become of the reading goroutine.
enum State {
    /// It reads, waits for something to read, or has ended with the stream.
    Running,
    /// It has ended because of an error after which the stream may go on. This starts it again.
    Paused(Restart),
    /// Nobody wants it to go on.
    Unwanted,
}

/// Where a goroutine that has paused leaves what is needed to go on.
type Paused = Arc<Mutex<State>>;

/// Reads ahead, from any [`Source`]. See [the module](super).
///
/// # Errors
///
/// Those of the source, each after all bytes that came before it. After a [`TimedOut`](ErrorKind::TimedOut) reading can
/// go on, as on the source itself; every other error is the end, and is given out again, by its kind, whenever
/// somebody reads on.
///
/// # Blocking
///
/// G (a plain thread blocks), while nothing is there.
///
/// # Cancellation
///
/// What ends a wait of the source ends a wait here, and so does the end of the caller's [context](crate::context). No byte is lost
/// by that: what has come stays, and what comes is there for whoever reads next. What is there is given out in any case. A
/// deadline counts for whoever waits while it passes, as on the source itself. The goroutine that reads ahead works under no
/// context, whoever has made the reader. When the runtime that it was made on is shut down, the stream breaks off with
/// [`ConnectionAborted`](ErrorKind::ConnectionAborted) or the source's error, unless the reading goroutine waits for room
/// at that moment: then a thread outside that reads on waits in vain.
///
/// # Examples
///
/// ```
/// use std::io::BufRead;
/// use marmot_runtime as marmot;
/// use marmot::buffered::{Reader, Source};
///
/// struct Greeting(&'static [u8]);
///
/// impl std::io::Read for Greeting {
///     fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
///         self.0.read(buf)
///     }
/// }
///
/// impl Source for Greeting {}
///
/// let reader = Reader::new(Greeting(b"hello\nworld\n"))?;
/// assert_eq!(reader.lines().collect::<Result<Vec<_>, _>>()?, ["hello", "world"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Reader {
    consumer: Consumer<Connections>,
    paused: Paused,
    /// Starts the reading goroutine again, after an error that has been given out.
    restart: Option<Restart>,
    stop: Option<Box<dyn FnOnce() + Send>>,
}

impl Reader {
    /// Starts reading from `source`.
    ///
    /// # Errors
    ///
    /// When `source` has no [stopper](Source::stopper).
    pub fn new<S: Source>(source: S) -> io::Result<Reader> {
        let stop = source.stopper()?;
        let (producer, consumer) = Options::new().high_water(HIGH_WATER).build();
        let paused = Arc::new(Mutex::new(State::Running));
        start(source, Filler(Some(producer)), Arc::clone(&paused));
        Ok(Reader { consumer, paused, restart: None, stop: Some(Box::new(stop)) })
    }

    /// How many bytes are there.
    pub fn len(&self) -> usize {
        self.consumer.len()
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.consumer.is_empty()
    }

    /// Waits until at least `bytes` bytes are there, and says how many are: fewer only if the stream has ended.
    ///
    /// # Errors
    ///
    /// Those after which the stream goes on: what is there stays there. Any other error comes when the bytes before
    /// it have been read.
    ///
    /// # Blocking
    ///
    /// G.
    pub fn wait(&mut self, bytes: usize) -> io::Result<usize> {
        self.go_on(bytes);
        let count = self.consumer.wait(bytes)?;
        if count < bytes { self.check_paused().map(|()| count) } else { Ok(count) }
    }

    /// The first `bytes` bytes, if so many are there; without waiting.
    pub fn peek(&mut self, bytes: usize) -> Option<&[u8]> {
        self.consumer.peek(bytes)
    }

    /// Passes over at most `bytes` bytes that are there, and says how many that were.
    pub fn skip(&mut self, bytes: usize) -> usize {
        self.consumer.skip(bytes)
    }

    /// Takes out the first `bytes` bytes, if so many are there, without copying them if they lie in one node.
    pub fn take_chunk(&mut self, bytes: usize) -> Option<Chunk> {
        self.consumer.take_chunk(bytes)
    }

    /// Waits until `delimiter` is there, at most for `limit` bytes, and says how many bytes there are up to and with
    /// it; none if the first `limit` bytes, or all up to the end, have none.
    ///
    /// # Errors
    ///
    /// As [`wait`](Reader::wait).
    ///
    /// # Blocking
    ///
    /// G.
    pub fn find(&mut self, delimiter: u8, limit: usize) -> io::Result<Option<usize>> {
        if let Some(found) = self.find_here(delimiter, limit) {
            return Ok(Some(found));
        }
        self.go_on(limit);
        let found = self.consumer.find(delimiter, limit, None)?;
        if found.is_none() && self.consumer.len() < limit {
            self.check_paused()?;
        }
        Ok(found)
    }

    /// As [`find`](Reader::find), in what is there.
    pub(super) fn find_here(&mut self, delimiter: u8, limit: usize) -> Option<usize> {
        self.consumer.find_here(delimiter, limit)
    }

    /// The bytes that are there.
    pub(super) fn input(&mut self) -> &mut Consumer<Connections> {
        &mut self.consumer
    }

    /// Before a wait for `bytes` bytes: lets the stream go on if it has paused.
    fn go_on(&mut self, bytes: usize) {
        if self.consumer.len() >= bytes {
            return;
        }
        if let Some(restart) = self.restart.take() {
            restart();
        } else if self.consumer.has_failed()
            && let Some(restart) = self.paused()
        {
            // Nobody waited when it paused.
            self.consumer.resume();
            restart();
        }
    }

    /// After a wait that found too little: says why, if the stream has paused.
    fn check_paused(&mut self) -> io::Result<()> {
        let Some(restart) = self.paused() else { return Ok(()) };
        let why = self.consumer.resume();
        // It goes on when more is asked for: the deadline may be set anew before that.
        self.restart = Some(restart);
        why.map_or(Ok(()), Err)
    }

    /// What starts the goroutine again, if it has paused.
    fn paused(&mut self) -> Option<Restart> {
        // It is in place when the consumer hears of it: the goroutine has the lock meanwhile.
        let mut state = lock(&self.paused);
        match mem::replace(&mut *state, State::Running) {
            State::Paused(restart) => Some(restart),
            other => {
                *state = other;
                None
            }
        }
    }
}

impl BufRead for Reader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.wait(1)?;
        self.consumer.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.consumer.consume(bytes);
    }
}

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !buf.is_empty() {
            self.wait(1)?;
        }
        self.consumer.read(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        read_full(self, buf).map(drop).map_err(Partial::too_early)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // If it has paused, the source goes with this; else the source's read ends, and what it reads has nobody to go to.
        let state = mem::replace(&mut *lock(&self.paused), State::Unwanted);
        drop(state);
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("len", &self.len()).finish_non_exhaustive()
    }
}

fn lock(paused: &Paused) -> MutexGuard<'_, State> {
    // Nothing that panics runs under the lock.
    paused.lock().unwrap_or_else(|e| e.into_inner())
}

/// The producer, as long as the stream has not come to its end: whoever drops it breaks the stream off.
struct Filler(Option<Producer<Connections>>);

impl Filler {
    fn end(mut self, result: io::Result<()>) {
        if let Some(producer) = self.0.take() {
            producer.close(result);
        }
    }
}

impl Deref for Filler {
    type Target = Producer<Connections>;

    fn deref(&self) -> &Producer<Connections> {
        self.0.as_ref().expect(FILLS)
    }
}

impl DerefMut for Filler {
    fn deref_mut(&mut self) -> &mut Producer<Connections> {
        self.0.as_mut().expect(FILLS)
    }
}

const FILLS: &str = "only its end takes the producer away";

impl Drop for Filler {
    fn drop(&mut self) {
        if let Some(producer) = self.0.take() {
            let text = "the goroutine that reads ahead did not come to the end of the stream";
            producer.close(Err(io::Error::new(ErrorKind::ConnectionAborted, text)));
        }
    }
}

/// Starts the reading goroutine, for whoever has the reader.
fn start<S: Source>(source: S, filler: Filler, paused: Paused) {
    Context::background().run(|| wait(source, filler, paused));
}

/// Lets `fill` go on when there is something to read.
fn wait<S: Source>(source: S, filler: Filler, paused: Paused) {
    source.when_readable(move |source| fill(source, filler, paused));
}

/// The reading goroutine: reads until nothing is left for now.
fn fill<S: Source>(mut source: S, mut filler: Filler, paused: Paused) {
    let mut interrupted = 0;
    loop {
        if filler.wait_room(None).is_err() {
            return;
        }
        let mut trying = Trying { source: &mut source, found_nothing: false };
        let read = filler.read_from(&mut trying);
        if trying.found_nothing || (filler.was_short() && matches!(read, Ok(1..))) {
            filler.let_go();
            return wait(source, filler, paused);
        }
        match read {
            Ok(0) => return filler.end(Ok(())),
            Ok(_) => interrupted = 0,
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {
                    interrupted += 1;
                    if interrupted == MOST_INTERRUPTED {
                        return filler.end(Err(bufio::Error::TooManyInterrupts { calls: interrupted }.into()));
                    }
                }
                ErrorKind::TimedOut | ErrorKind::WouldBlock => return pause(source, filler, &paused, error),
                _ => return filler.end(Err(error)),
            },
        }
    }
}

/// A source that does not wait.
struct Trying<'a, S> {
    source: &'a mut S,
    /// It would have waited. An error of this kind may also be the source's own.
    found_nothing: bool,
}

impl<S: Source> Read for Trying<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_vectored(&mut [IoSliceMut::new(buf)])
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.source.try_read_vectored(bufs)?;
        let room = bufs.iter().map(|buf| buf.len()).sum();
        if let Some(count) = read.filter(|count| *count > room) {
            return Err(bufio::Error::BadCount { count, room }.into());
        }
        self.found_nothing = read.is_none();
        read.ok_or_else(|| ErrorKind::WouldBlock.into())
    }
}

/// Ends for now, because of `error`, and leaves behind what is needed to go on.
fn pause<S: Source>(source: S, mut filler: Filler, place: &Paused, error: io::Error) {
    let mut state = lock(place);
    if let State::Running = *state {
        // The consumer, which may be told before the rest is in place, waits for the lock.
        filler.pause(error);
        let paused = Arc::clone(place);
        *state = State::Paused(Box::new(move || start(source, filler, paused)));
    }
}
