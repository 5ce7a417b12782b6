//! Pipes and connections in memory whose callers park.

use marmot_io::{duplex_on, pipe_on};

use crate::rt::Goroutines;

/// The end of a [`pipe()`] where bytes come out.
pub type PipeReader = marmot_io::PipeReader<Goroutines>;

/// The end of a [`pipe()`] where bytes go in.
pub type PipeWriter = marmot_io::PipeWriter<Goroutines>;

/// One side of a [`duplex`].
pub type Duplex = marmot_io::Duplex<Goroutines>;

/// Makes a pipe in memory, as Go's `io.Pipe`: [`marmot_io::pipe()`] for goroutines.
///
/// Each write waits until readers have taken all of it.
///
/// # Blocking
///
/// Reading and writing: G (a plain thread blocks).
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use marmot_runtime as marmot;
///
/// let (mut reader, mut writer) = marmot::io::pipe();
/// marmot::go(move || writer.write_all(b"hello"));
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn pipe() -> (PipeReader, PipeWriter) {
    pipe_on()
}

/// Makes a connection in memory, as Go's `net.Pipe`: [`marmot_io::duplex`] for goroutines.
///
/// # Blocking
///
/// Reading and writing: G (a plain thread blocks).
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use marmot_runtime as marmot;
///
/// let (mut client, mut server) = marmot::io::duplex();
/// marmot::go(move || {
///     let mut question = [0; 4];
///     server.read_exact(&mut question)?;
///     server.write_all(b"pong")
/// });
/// client.write_all(b"ping")?;
/// let mut answer = [0; 4];
/// client.read_exact(&mut answer)?;
/// assert_eq!(&answer, b"pong");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn duplex() -> (Duplex, Duplex) {
    duplex_on()
}
