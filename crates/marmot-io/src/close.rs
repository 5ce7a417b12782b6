//! `CloseWrite`: connections of which one half can be closed.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};
use std::rc::Rc;
use std::sync::Arc;

/// A connection that can say that it has no more to send, and still receive: Go's `CloseWrite`.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use marmot_io::{CloseWrite, duplex};
///
/// let (mut client, mut server) = duplex();
/// let answer = std::thread::spawn(move || {
///     let question = marmot_io::read_all(&mut server)?;
///     server.write_all(&question.to_ascii_uppercase())
/// });
/// client.write_all(b"to the end")?;
/// client.close_write()?;
/// assert_eq!(marmot_io::read_all(&mut client)?, b"TO THE END");
/// # answer.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait CloseWrite {
    /// Ends what is sent: once the peer has read everything, it finds the end.
    ///
    /// A peer that has gone already is no error.
    ///
    /// # Errors
    ///
    /// The connection's.
    fn close_write(&self) -> io::Result<()>;

    /// Ends both halves, so that reads and writes end that wait at this moment in others' hands.
    ///
    /// A peer that has gone already is no error.
    ///
    /// # Errors
    ///
    /// The connection's.
    fn close_both(&self) -> io::Result<()>;
}

/// The result of shutting down a socket, for which it is all the same if the peer was the first.
pub(crate) fn unless_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}

impl CloseWrite for TcpStream {
    fn close_write(&self) -> io::Result<()> {
        unless_gone(self.shutdown(Shutdown::Write))
    }

    fn close_both(&self) -> io::Result<()> {
        unless_gone(self.shutdown(Shutdown::Both))
    }
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<T: CloseWrite + ?Sized> CloseWrite for $pointer {
            fn close_write(&self) -> io::Result<()> {
                (**self).close_write()
            }

            fn close_both(&self) -> io::Result<()> {
                (**self).close_both()
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);
