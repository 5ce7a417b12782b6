//! The writing side: small writes are gathered, and sent together.
//!
//! What is written goes into a linked buffer, both ends of which belong to the writer. It is sent by one `writev`
//!
//! - when the turn of the goroutine that wrote is over, because it waits for anything or ends: its M sends it
//!   ([`sched::leave`]);
//! - when [`HIGH_WATER`] bytes have gathered: the writing goroutine sends them and waits for room if there is none;
//! - by `flush`.
//!
//! The M does not wait. If the sink has no room, it starts a goroutine that does, and from then on whoever writes
//! waits for it to have finished: a peer that does not read holds up its own writer, as without a buffer.
//!
//! Neither the M nor that goroutine works under a context: what has been written is to be sent, whatever becomes of whoever wrote
//! it. A context ends the waits of its own goroutine: those for the turn and those for room. A goroutine that drops the writer and
//! may not wait any more starts one that sends the rest.
//!
//! Writer, M and goroutine take [turns](Turn). The M only tries; if the turn is taken, the goroutine that it starts
//! waits for it. Why nothing stays behind is argued in [`left`](super::left). If the runtime of the one that sends stops, it gives its turn up
//! (its [will](sched::with_will)): the writer may have moved to another runtime. What had been taken is not known then, and the
//! writer says so, as after a panic of the sink.

use std::cell::UnsafeCell;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::mem;
use std::sync::Arc;

use marmot_buf::linked::Options;
use marmot_buf::{Chunk, Consumer, Producer};
use marmot_io::{bufio, write_full};

use super::left::Left;
use super::{HIGH_WATER, MOST_INTERRUPTED};
use crate::context::{self, Context};
use crate::net::TcpStream;
use crate::netpoll::turn::Turn;
use crate::rt::{self, Goroutines};
use crate::sched::{self, Bequest, Leftover, with_will};

/// A write of so many bytes is not copied, but sent at once, after what has gathered.
const LARGE: usize = 16 * 1024;

/// Where a [`Writer`]'s bytes go.
///
/// `try_write_vectored` is called by an M, between two goroutines, as are the destructors of what was
/// [appended](Writer::append) and sent by it: what blocks there holds up all goroutines of that M. So may the sink's own
/// destructor be, if the [`Writer`] is dropped in the turn in which it was written to: the M has a share in it until that
/// turn is over. A descriptor is closed then, and no sooner.
pub trait Sink: Write + Send + Sized + 'static {
    /// As `write_vectored`, but fails with [`WouldBlock`](ErrorKind::WouldBlock) where that would wait.
    ///
    /// Unless this is overridden, it always does: a goroutine is started then to send what has gathered.
    ///
    /// # Errors
    ///
    /// Those of writing.
    fn try_write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let _ = bufs;
        Err(ErrorKind::WouldBlock.into())
    }

    /// Calls `send` with what writes to the sink, and lets nothing come in between that others write to the same place: what a
    /// `flush` sends stays together.
    ///
    /// Unless this is overridden, it is the sink itself that `send` is called with.
    ///
    /// # Errors
    ///
    /// Those of `send`, and of whatever is waited for before.
    fn write_together<T>(&mut self, send: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
        send(self)
    }
}

impl Sink for TcpStream {
    fn try_write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        TcpStream::try_write_vectored(self, bufs)
    }

    fn write_together<T>(&mut self, send: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
        TcpStream::write_together(self, send)
    }
}

/// A sink that is marked while it is called, so that it is known if it has panicked; or lied.
struct Marked<'a, W>(W, &'a mut bool);

impl<W> Marked<'_, W> {
    fn call<T>(&mut self, f: impl FnOnce(&mut W) -> T) -> T {
        *self.1 = true;
        let result = f(&mut self.0);
        *self.1 = false;
        result
    }

    /// What the sink says that it has taken of the `given` bytes. One that claims more than these stays marked: nobody knows
    /// what it has.
    fn believed(&mut self, given: usize, write: impl FnOnce(&mut W) -> io::Result<usize>) -> io::Result<usize> {
        let count = self.call(write)?;
        if count > given {
            *self.1 = true;
            return Err(bufio::Error::BadCount { count, room: given }.into());
        }
        Ok(count)
    }
}

impl<W: Write> Write for Marked<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.believed(bytes.len(), |sink| sink.write(bytes))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let given = bufs.iter().fold(0, |sum: usize, buf| sum.saturating_add(buf.len()));
        self.believed(given, |sink| sink.write_vectored(bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.call(W::flush)
    }
}

/// A sink that does not wait.
struct Unwaiting<'a, W>(&'a mut W);

impl<W: Sink> Write for Unwaiting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What has been gathered, and where it goes.
struct Gathered<W> {
    producer: Producer<Goroutines>,
    consumer: Consumer<Goroutines>,
    sink: W,
    /// Why the M, or the goroutine that it had started, could not send; nobody has been told yet.
    failed: Option<io::Error>,
    /// Whether the sink is being called; if it is not, that it has panicked or lied, and is not called again.
    is_called: bool,
    /// Whether the M, or the goroutine that it had started, is sending; if it is not, that an owner's destructor has
    /// panicked, and nobody has been told yet.
    is_unseen: bool,
}

impl<W: Sink> Gathered<W> {
    /// For whoever writes, flushes or waits: what has gone wrong meanwhile.
    fn check(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.is_called {
            let text = "an earlier write to the sink panicked, reported more bytes than it was given, or was made by a runtime that has \
                        stopped, so it is unknown how much was written";
            return Err(io::Error::other(text));
        }
        if mem::take(&mut self.is_unseen) {
            return Err(io::Error::other(
                "an owner of appended bytes has panicked; what was behind them is not sent yet",
            ));
        }
        Ok(())
    }

    /// Sends all, waiting where it has to.
    fn send(&mut self) -> io::Result<()> {
        self.check()?;
        self.send_checked()
    }

    /// As `send`, when nothing has gone wrong.
    fn send_checked(&mut self) -> io::Result<()> {
        if self.consumer.is_empty() {
            return Ok(());
        }
        self.call(|consumer, Marked(sink, is_called)| {
            sink.write_together(|sink| drain(consumer, &mut Marked(sink, is_called)))
        })
    }

    /// As `send`, for nobody who would be told.
    fn send_unseen(&mut self) {
        let sent = self.check().and_then(|()| {
            self.is_unseen = true;
            let sent = self.send_checked();
            self.is_unseen = false;
            sent
        });
        if let Err(error) = sent {
            self.failed.get_or_insert(error);
        }
    }

    /// Sends all and flushes the sink, for a writer that is dropped. A sink that has panicked is not called.
    fn send_last(&mut self) -> io::Result<()> {
        (self.failed, self.is_unseen) = (None, false);
        self.send()?;
        self.call(|_, mut sink| sink.flush())
    }

    /// As `send_unseen`, but sends what can be sent without waiting. False if something is left that could be sent later.
    fn try_send(&mut self) -> bool {
        // Whoever writes, flushes or waits next is told first.
        if self.is_called || self.is_unseen || self.failed.is_some() {
            return true;
        }
        self.is_unseen = true;
        let sent =
            self.call(|consumer, Marked(sink, is_called)| drain(consumer, &mut Marked(Unwaiting(sink), is_called)));
        self.is_unseen = false;
        match sent {
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            result => {
                self.failed = result.err();
                true
            }
        }
    }

    /// Lets `f` call the sink.
    fn call<T>(&mut self, f: impl FnOnce(&mut Consumer<Goroutines>, Marked<'_, &mut W>) -> T) -> T {
        let Gathered { producer, consumer, sink, is_called, .. } = self;
        let _letting_go = LetGo(producer);
        f(consumer, Marked(sink, is_called))
    }
}

/// Lets go of what room there is, also if the call panics meanwhile.
struct LetGo<'a>(&'a mut Producer<Goroutines>);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

/// Sends all that there is to `sink`.
fn drain(consumer: &mut Consumer<Goroutines>, sink: &mut impl Write) -> io::Result<()> {
    let mut interrupted = 0;
    while !consumer.is_empty() {
        match consumer.write_to(sink) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(_) => interrupted = 0,
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                interrupted += 1;
                if interrupted == MOST_INTERRUPTED {
                    return Err(bufio::Error::TooManyInterrupts { calls: interrupted }.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What the writer shares with the M.
struct Shared<W> {
    turn: Turn,
    /// Used by whoever has the turn.
    gathered: UnsafeCell<Gathered<W>>,
    left: Left,
}

// SAFETY: `gathered` is used by whoever has the turn; the sink and the ends of the buffer may be sent.
unsafe impl<W: Send> Sync for Shared<W> {}
// SAFETY: as above.
unsafe impl<W: Send> Send for Shared<W> {}

/// The turn, and with it what has been gathered.
struct Held<'a, W>(&'a Shared<W>);

impl<W> Held<'_, W> {
    fn gathered(&mut self) -> &mut Gathered<W> {
        // SAFETY: we have the turn.
        unsafe { &mut *self.0.gathered.get() }
    }

    /// Lets `f` send what has been gathered, and wait. Should the caller never go on, the turn is given up.
    fn send_by<T>(&mut self, f: impl FnOnce(&mut Gathered<W>) -> T) -> T {
        let shared = self.0;
        with_will(sched::waiter(), &Abandoned(&shared.turn), || f(self.gathered()))
    }
}

/// The turn of one that never goes on.
struct Abandoned<'a>(&'a Turn);

impl Bequest for Abandoned<'_> {
    fn pass_on(&self) {
        self.0.give();
    }
}

impl<W> Drop for Held<'_, W> {
    fn drop(&mut self) {
        self.0.turn.give();
    }
}

impl<W: Sink> Shared<W> {
    fn hold(&self) -> Held<'_, W> {
        self.turn.take();
        Held(self)
    }

    /// As [`hold`](Shared::hold), until the caller's context ends.
    fn hold_or_cancelled(&self) -> io::Result<Held<'_, W>> {
        // Nobody evicts those who wait for this turn.
        self.turn.take_or_cancelled().map(|()| Held(self)).map_err(|_| context::why().into())
    }

    fn try_hold(&self) -> Option<Held<'_, W>> {
        self.turn.try_take().then(|| Held(self))
    }
}

impl<W: Sink> Leftover for Shared<W> {
    fn finish(self: Arc<Self>) {
        self.left.begin();
        if self.try_hold().is_some_and(|mut held| held.gathered().try_send()) {
            return;
        }
        rt::go(move || {
            self.hold().send_by(Gathered::send_unseen);
        });
    }
}

/// Gathers small writes and sends them together, to any [`Sink`]. See [the module](super).
///
/// Dropping it sends what has gathered, and waits for that if need be; an error is lost then, so whoever has to know
/// calls `flush` before. If the caller's [context](crate::context) has ended, it does not wait: a goroutine sends the rest, and the
/// sink is dropped after that.
///
/// On a plain thread there is no M that would send when the thread waits: there it is `flush`, or the
/// [connection](super::Conn) when its reading side has to wait.
///
/// # Errors
///
/// Those of the sink. If it was the M that could not send, the next `write` or `flush` tells, and so does a wait of the
/// [connection](super::Conn)'s reading side. What has gathered stays there after an error, and is sent by the next `flush`
/// if the sink recovers. Whoever has to know that it was sent calls `flush`.
///
/// # Blocking
///
/// G (a plain thread blocks), where the sink waits, in `flush`, and in `write` after [`HIGH_WATER`] bytes.
///
/// # Cancellation
///
/// What ends a wait of the sink ends a wait here, and so does the end of the caller's [context](crate::context). What has gathered
/// by then is sent all the same, as after any other write: the M does not work under the context of whoever wrote. While there is
/// room, a write succeeds in any case.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use marmot_runtime as marmot;
/// use marmot::buffered::Writer;
/// use marmot::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut writer = Writer::new(TcpStream::connect(listener.local_addr()?)?);
/// writer.write_all(b"hello ")?;
/// writer.write_all(b"world")?;
/// drop(writer);
/// let mut text = String::new();
/// listener.accept()?.0.read_to_string(&mut text)?;
/// assert_eq!(text, "hello world");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Writer<W: Sink> {
    shared: Arc<Shared<W>>,
}

impl<W: Sink> Writer<W> {
    /// Gathers what goes to `sink`.
    pub fn new(sink: W) -> Writer<W> {
        // The mark is looked at here, because both ends belong to whoever writes.
        let (producer, consumer) = Options::new().high_water(usize::MAX).build();
        Writer {
            shared: Arc::new(Shared {
                turn: Turn::new(),
                gathered: UnsafeCell::new(Gathered {
                    producer,
                    consumer,
                    sink,
                    failed: None,
                    is_called: false,
                    is_unseen: false,
                }),
                left: Left::new(),
            }),
        }
    }

    /// Adds bytes without copying them.
    ///
    /// # Errors
    ///
    /// As `write`.
    ///
    /// # Blocking
    ///
    /// As `write`. The destructor of the chunk's owner must not wait, nor use the writer or the connection that it writes to, also
    /// through another handle: it is called by what sends the bytes, whose turn to write it is
    /// ([`Chunk::from_owner`]).
    pub fn append(&mut self, chunk: impl Into<Chunk>) -> io::Result<()> {
        self.gather(|producer| producer.append(chunk))
    }

    /// Whether nothing waits to be sent.
    ///
    /// # Blocking
    ///
    /// G, while it is being sent; nothing else ends that.
    pub fn is_empty(&self) -> bool {
        self.shared.hold().gathered().consumer.is_empty()
    }

    /// Fails if what was gathered could not be sent and nobody has been told. It does not wait.
    pub(super) fn check(&self) -> io::Result<()> {
        self.shared.try_hold().map_or(Ok(()), |mut held| held.gathered().check())
    }

    /// Lets `f` write what is to be gathered.
    pub(super) fn gather<T>(&mut self, f: impl FnOnce(&mut Producer<Goroutines>) -> io::Result<T>) -> io::Result<T> {
        let result = {
            let mut held = self.shared.hold_or_cancelled()?;
            let gathered = held.gathered();
            gathered.check()?;
            if gathered.consumer.len() >= HIGH_WATER {
                held.send_by(Gathered::send)?;
            }
            f(&mut held.gathered().producer)
        };
        if let Some(here) = sched::here()
            && self.shared.left.claim(here)
        {
            sched::leave(self.shared.clone());
        }
        result
    }
}

impl<W: Sink> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() >= LARGE {
            return self.shared.hold_or_cancelled()?.send_by(|gathered| {
                gathered.send()?;
                gathered.call(|_, mut sink| sink.write(bytes))
            });
        }
        self.gather(|producer| producer.write(bytes))
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        Ok(write_full(self, buf).map(drop)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.shared.hold_or_cancelled()?.send_by(|gathered| {
            gathered.send()?;
            gathered.call(|_, mut sink| sink.flush())
        })
    }
}

impl<W: Sink> Drop for Writer<W> {
    fn drop(&mut self) {
        let sent = self.shared.hold_or_cancelled().and_then(|mut held| held.send_by(Gathered::send_last));
        // There is nobody to tell.
        if sent.is_err_and(|error| context::Error::of(&error).is_some()) {
            // What was written is sent all the same; but not by who may not wait for that.
            let shared = Arc::clone(&self.shared);
            Context::background().run(|| rt::go(move || shared.hold().send_by(Gathered::send_last)));
        }
    }
}

impl<W: Sink> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
