//! What readers and writers return, before anything relies on it.
//!
//! [`Read`] and [`Write`] are safe to implement, so a count may be larger than the room that there was, and a call may be
//! [`Interrupted`](ErrorKind::Interrupted) for ever. Every count of a reader or writer that is not this crate's own goes
//! through [`checked`], and every loop that calls again after an interruption counts in [`Retries`].

use std::io::{self, ErrorKind, IoSliceMut, Read};

use crate::bufio::Error;

/// How many interrupted calls in a row are made again. Signals interrupt a call now and then, and not a thousand times.
const MOST_RETRIES: usize = 1000;

/// The count that a call returned, if it can be true.
#[inline]
pub(crate) fn checked(count: usize, room: usize) -> io::Result<usize> {
    if count <= room { Ok(count) } else { Err(Error::BadCount { count, room }.into()) }
}

/// How many calls in a row have been interrupted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Retries(usize);

impl Retries {
    /// Whether the call that failed with `error` is to be made again.
    ///
    /// # Errors
    ///
    /// `error`, if it is no interruption; [`Error::TooManyInterrupts`] after too many of them. That is of another kind, so
    /// that a caller that retries does not begin anew.
    #[cold]
    pub(crate) fn again(&mut self, error: io::Error) -> io::Result<()> {
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
        self.0 += 1;
        if self.0 < MOST_RETRIES {
            return Ok(());
        }
        self.0 = 0;
        Err(Error::TooManyInterrupts { calls: MOST_RETRIES }.into())
    }

    /// What a call returned that the caller is to make again if it was interrupted; after too many of them, as
    /// [`again`](Retries::again).
    #[inline]
    pub(crate) fn pass<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        match result {
            Ok(value) => {
                self.reset();
                Ok(value)
            }
            Err(error) => self.again(error).and(Err(ErrorKind::Interrupted.into())),
        }
    }

    /// A call was not interrupted.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.0 = 0;
    }
}

/// A reader whose counts are checked, for the loops of `std`, which would panic at a wrong one.
pub(crate) struct CheckedReader<'a, R: ?Sized> {
    inner: &'a mut R,
    retries: Retries,
}

impl<'a, R: Read + ?Sized> CheckedReader<'a, R> {
    pub(crate) fn new(inner: &'a mut R) -> CheckedReader<'a, R> {
        CheckedReader { inner, retries: Retries::default() }
    }
}

impl<R: Read + ?Sized> Read for CheckedReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buf);
        checked(self.retries.pass(result)?, buf.len())
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let result = self.inner.read_vectored(bufs);
        checked(self.retries.pass(result)?, room_of(bufs))
    }
}

/// How many bytes the buffers hold together.
pub(crate) fn room_of(bufs: &[IoSliceMut<'_>]) -> usize {
    bufs.iter().fold(0, |sum: usize, buf| sum.saturating_add(buf.len()))
}
