//! TCP, with the types and the semantics of [`std::net`].
//!
//! What differs from `std`, in all of these types:
//!
//! * Where `std` blocks the thread, these park the goroutine. On a plain thread they block the thread.
//! * The descriptors are non-blocking underneath. `set_nonblocking` decides what *these* types do: whether an
//!   operation that would block waits, or fails with `WouldBlock`.
//! * A timeout or deadline that passes is [`ErrorKind::TimedOut`](std::io::ErrorKind::TimedOut).
//! * `try_clone` makes a second handle to the same descriptor, which is closed when the last handle goes. `std` duplicates the
//!   descriptor; here a clone costs none. Options, timeouts and deadlines are shared.
//! * Timeouts and deadlines belong to these types and not to the socket: a conversion from or into
//!   `std`'s type drops them.
//! * There are deadlines, as in Go: a point in time after which every operation of that direction fails, also one
//!   that waits already.
//! * A write has its turn until all of its bytes have gone, as in Go: concurrent writes to one connection do not tear each other.
//! * `close` makes every operation of every handle fail, also those that wait, and a second `close`. The descriptor's number is
//!   given back when the last handle goes, so that it cannot become another file under somebody's feet.
//! * Errors of connecting, binding and looking up name the address. Their kind is `std`'s; the system's error, with its number,
//!   is the [source](std::error::Error::source).

mod addr;
mod connect;
mod convert;
mod explain;
mod listener;
mod stream;
mod sys;

pub use addr::ToSocketAddrs;
pub use listener::{Incoming, IntoIncoming, TcpListener, TcpListenerBuilder};
pub use stream::TcpStream;
