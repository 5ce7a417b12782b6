//! `WaitReadable`: waiting for something to read, without a buffer to read it into.

use std::io;

/// A source that can be waited for before a buffer is taken.
///
/// Whoever waits inside `read` needs a buffer from the start. Whoever waits here first, and then reads, needs one only
/// once there is something to put into it: a server of many idle connections holds no buffers for them.
///
/// # Examples
///
/// ```
/// use std::io;
/// use marmot_io::WaitReadable;
///
/// // Bytes in memory are always there.
/// struct Memory<'a>(&'a [u8]);
///
/// impl WaitReadable for Memory<'_> {
///     fn wait_readable(&self) -> io::Result<()> {
///         Ok(())
///     }
/// }
///
/// Memory(b"hello").wait_readable()?;
/// # Ok::<(), io::Error>(())
/// ```
pub trait WaitReadable {
    /// Waits until a read would find something: bytes, the end, or an error; holds no buffer meanwhile.
    ///
    /// The read that follows nearly always finds it at once; it may still have to wait, which is harmless.
    ///
    /// # Errors
    ///
    /// When the wait was ended from outside, for example by a deadline: whatever the read would have failed with.
    ///
    /// # Blocking
    ///
    /// As a read of the source.
    fn wait_readable(&self) -> io::Result<()>;
}

impl<T: WaitReadable + ?Sized> WaitReadable for &T {
    fn wait_readable(&self) -> io::Result<()> {
        (**self).wait_readable()
    }
}

impl<T: WaitReadable + ?Sized> WaitReadable for &mut T {
    fn wait_readable(&self) -> io::Result<()> {
        (**self).wait_readable()
    }
}

impl<T: WaitReadable + ?Sized> WaitReadable for Box<T> {
    fn wait_readable(&self) -> io::Result<()> {
        (**self).wait_readable()
    }
}
