//! Copying between two connections, in both directions at the same time.
//!
//! [`copy_bidirectional_by`] is the logic, and knows neither how two things are done at the same time nor how one
//! direction is copied: threads and a buffer, or goroutines and the kernel. [`copy_bidirectional`] is the one with threads.
//!
//! What happens at the end of a direction, whichever comes first:
//!
//! | a direction ends by | then |
//! |---|---|
//! | the end of what it reads | the half-close is passed on to where it writes; the other direction goes on |
//! | an error, or a panic | both connections are closed in both directions, so that the other direction ends as well; but not one to which the other direction has brought everything |
//!
//! So an answer that is complete arrives, also if the rest of the question is refused; one that is still under way is cut
//! off. To let it go on was rejected: nothing tells a connection that has failed for good from one that only does not take
//! any more, and a direction that waits for the former has nobody to end it. Whoever wants that gives
//! [`copy_bidirectional_by`] a direction that reads the rest and drops it when it cannot be written.

use std::io::{self, Read, Write};
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::thread;

use crate::{CloseWrite, Partial, copy_counted};

/// How one direction of [`copy_bidirectional`] went.
///
/// # Examples
///
/// ```
/// use marmot_io::{CloseWrite, copy_bidirectional, duplex};
///
/// let (client, inside) = duplex();
/// let (outside, server) = duplex();
/// client.writer().close_with_error(std::io::ErrorKind::InvalidData.into());
/// server.close_write()?;
/// let both = copy_bidirectional(&inside, &outside)?;
/// assert_eq!(both.a_to_b.bytes, 0);
/// assert_eq!(both.a_to_b.result.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Transfer {
    /// How many bytes had been written when it ended.
    pub bytes: u64,
    /// How it ended: the reader's end, passed on to the writer, or an error.
    pub result: io::Result<()>,
}

/// How both directions of [`copy_bidirectional`] went; see there for an example.
#[derive(Debug)]
pub struct BothWays {
    /// From the first connection to the second.
    pub a_to_b: Transfer,
    /// From the second connection to the first.
    pub b_to_a: Transfer,
}

/// Copies everything from `a` to `b` and from `b` to `a`, until both directions have ended.
///
/// When one side has ended what it sends, the other is told by [`CloseWrite::close_write`], and the opposite direction
/// goes on. When a direction fails, both connections are closed ([`CloseWrite::close_both`]): the opposite direction then
/// ends, too, with an error or as if its reader had ended, and its bytes are those that arrived: an answer that was under
/// way is cut off. If it had brought everything before, the connection that it wrote to stays as it is, and a complete answer
/// arrives.
///
/// # Errors
///
/// If there is no thread to be had; nothing has been copied then. How each direction ended is in the result.
///
/// # Panics
///
/// If reading, writing or closing panics; both connections are closed before, and the opposite direction has ended.
///
/// # Blocking
///
/// M: it takes a second thread, and both block. The runtime has one of the same name that parks goroutines.
///
/// # Examples
///
/// A proxy of one connection:
///
/// ```
/// use std::io::Write;
/// use marmot_io::{CloseWrite, copy_bidirectional, duplex};
///
/// let (mut client, inside) = duplex();
/// let (outside, mut server) = duplex();
/// let proxy = std::thread::spawn(move || copy_bidirectional(&inside, &outside));
/// let echo = std::thread::spawn(move || {
///     let all = marmot_io::read_all(&mut server)?;
///     server.write_all(&all)
/// });
///
/// client.write_all(b"there and back")?;
/// client.close_write()?;
/// assert_eq!(marmot_io::read_all(&mut client)?, b"there and back");
/// echo.join().unwrap()?;
/// let both = proxy.join().unwrap()?;
/// assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (14, 14));
/// assert!(both.a_to_b.result.is_ok() && both.b_to_a.result.is_ok());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy_bidirectional<A, B>(a: &A, b: &B) -> io::Result<BothWays>
where
    A: CloseWrite + Sync + ?Sized,
    B: CloseWrite + Sync + ?Sized,
    for<'a> &'a A: Read + Write,
    for<'b> &'b B: Read + Write,
{
    let on_threads = |first: Half<'_>, second: Half<'_>| {
        thread::scope(|scope| {
            thread::Builder::new().spawn_scoped(scope, first)?;
            second();
            Ok(())
        })
    };
    let a_to_b = |mut a: &A, mut b: &B| copy_counted(&mut a, &mut b);
    let b_to_a = |mut b: &B, mut a: &A| copy_counted(&mut b, &mut a);
    copy_bidirectional_by(a, b, on_threads, a_to_b, b_to_a)
}

/// One of the two directions, to be run once.
pub type Half<'a> = &'a mut (dyn FnMut() + Send);

/// As [`copy_bidirectional`], by other means: `run_both` runs two closures at the same time and returns when both have
/// returned, and the others copy one direction until its reader ends.
///
/// # Errors
///
/// That of `run_both`, which then has run neither closure.
///
/// # Panics
///
/// If `run_both` says that it has run the closures and has not. A direction that panics closes both connections first, and
/// the panic is `run_both`'s to pass on.
///
/// # Blocking
///
/// As the closures.
///
/// # Examples
///
/// Directions that say what they move:
///
/// ```
/// use std::io::Write;
/// use marmot_io::{CloseWrite, Duplex, Half, Partial, copy_bidirectional_by, copy_counted, duplex};
///
/// let (mut client, inside) = duplex();
/// let (outside, mut server) = duplex();
/// let client = std::thread::spawn(move || {
///     client.write_all(b"question")?;
///     client.close_write()?;
///     marmot_io::read_all(&mut client).map_err(std::io::Error::from)
/// });
/// let server = std::thread::spawn(move || {
///     let question = marmot_io::read_all(&mut server)?;
///     server.write_all(b"answer to ")?;
///     server.write_all(&question)
/// });
/// let by_threads = |first: Half<'_>, second: Half<'_>| {
///     std::thread::scope(|s| { s.spawn(first); second(); });
///     Ok(())
/// };
/// let copy = |mut from: &Duplex, mut to: &Duplex| {
///     let result = copy_counted(&mut from, &mut to);
///     println!("a direction has ended: {result:?}");
///     result
/// };
/// let both = copy_bidirectional_by(&inside, &outside, by_threads, copy, copy)?;
/// assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (8, 18));
/// assert_eq!(client.join().unwrap()?, b"answer to question");
/// # server.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy_bidirectional_by<A, B>(
    a: &A,
    b: &B,
    run_both: impl FnOnce(Half<'_>, Half<'_>) -> io::Result<()>,
    mut a_to_b: impl FnMut(&A, &B) -> Result<u64, Partial> + Send,
    mut b_to_a: impl FnMut(&B, &A) -> Result<u64, Partial> + Send,
) -> io::Result<BothWays>
where
    A: CloseWrite + Sync + ?Sized,
    B: CloseWrite + Sync + ?Sized,
{
    let (mut there, mut back) = (None, None);
    let [first, second] = [const { AtomicBool::new(false) }; 2];
    run_both(&mut || there = Some(transfer(a, b, &mut a_to_b, [&first, &second])), &mut || {
        back = Some(transfer(b, a, &mut b_to_a, [&second, &first]));
    })?;
    let run = "`run_both` runs both directions";
    Ok(BothWays { a_to_b: there.expect(run), b_to_a: back.expect(run) })
}

/// Copies one direction to its end, and passes the end on. The flags say that this direction, and the opposite one, have
/// brought everything, but perhaps for the end.
fn transfer<F, T>(
    from: &F,
    to: &T,
    copy: &mut impl FnMut(&F, &T) -> Result<u64, Partial>,
    [own, opposite]: [&AtomicBool; 2],
) -> Transfer
where
    F: CloseWrite + ?Sized,
    T: CloseWrite + ?Sized,
{
    let mut closing = CloseUnlessEnded { from, to, opposite, has_ended: false };
    let (bytes, result) = match copy(from, to) {
        Ok(bytes) => {
            // Before the half-close, which may wait: if the opposite direction fails meanwhile, it shall not cut off what
            // has been brought. If the half-close fails, it is this direction that closes both. Release pairs with the
            // Acquire of the opposite direction.
            own.store(true, Release);
            (bytes, to.close_write())
        }
        Err(partial) => (partial.moved, Err(partial.into())),
    };
    closing.has_ended = result.is_ok();
    Transfer { bytes, result }
}

/// Closes both connections when a direction fails, also by a panic: the opposite one would wait for ever. If that has
/// brought everything, it waits no more, and what it has given to its writer is complete and shall arrive.
struct CloseUnlessEnded<'a, F: CloseWrite + ?Sized, T: CloseWrite + ?Sized> {
    from: &'a F,
    to: &'a T,
    opposite: &'a AtomicBool,
    has_ended: bool,
}

impl<F: CloseWrite + ?Sized, T: CloseWrite + ?Sized> Drop for CloseUnlessEnded<'_, F, T> {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        // There is a first error already; these ends are only to be told.
        let _ = self.to.close_both();
        // Acquire pairs with the Release of the opposite direction: what it has brought was written before.
        if !self.opposite.load(Acquire) {
            let _ = self.from.close_both();
        }
    }
}
