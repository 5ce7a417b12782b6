//! Connections that are read ahead and written late, by far fewer system calls.
//!
//! A [`Conn`] is a connection with a [linked buffer](marmot_buf::linked) on either side. While the goroutine that does
//! the business works, another one reads: it starts when bytes arrive, fills the buffer with all that there is, and
//! ends. Between arrivals it is a closure without a stack, and the buffer holds no node: an idle buffered connection
//! costs a few hundred bytes more than an unbuffered one. What the business writes is gathered and sent by one system
//! call: when its goroutine waits for anything or ends, when [`HIGH_WATER`] bytes have gathered, or by `flush`.
//!
//! ```
//! use std::io::{BufRead, Write};
//! use marmot_runtime as marmot;
//! use marmot::buffered::Conn;
//! use marmot::net::{TcpListener, TcpStream};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let addr = listener.local_addr()?;
//! marmot::go(move || {
//!     for stream in listener.incoming().flatten() {
//!         marmot::go(move || -> std::io::Result<()> {
//!             let mut conn = Conn::new(stream)?;
//!             let mut line = String::new();
//!             while conn.read_line(&mut line)? > 0 {
//!                 conn.write_all(line.to_uppercase().as_bytes())?;
//!                 line.clear();
//!             }
//!             Ok(())
//!         });
//!     }
//! });
//!
//! let mut conn = Conn::new(TcpStream::connect(addr)?)?;
//! conn.write_all(b"one\ntwo\n")?;
//! let mut answer = String::new();
//! conn.read_line(&mut answer)?;
//! conn.read_line(&mut answer)?;
//! assert_eq!(answer, "ONE\nTWO\n");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | | |
//! |---|---|
//! | [`Reader`] | the reading side over any [`Source`] |
//! | [`Writer`] | the writing side over any [`Sink`] |
//! | [`Conn`] | both, over a [`Connection`] |
//! | [`Framed`] | frames instead of bytes, over a `Conn`; its codecs are in [`codec`] |

mod conn;
mod framed;
mod left;
mod reader;
mod writer;

pub use conn::{Conn, Connection};
pub use framed::Framed;
pub use marmot_buf::codec;
pub use reader::{Reader, Source};
pub use writer::{Sink, Writer};

/// How many bytes are read ahead, or gathered, before one side waits for the other or sends.
pub const HIGH_WATER: usize = marmot_buf::linked::HIGH_WATER;

/// How many calls in a row may be interrupted.
const MOST_INTERRUPTED: usize = 1000;
