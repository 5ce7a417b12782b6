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
//! * As in Go, a write holds its turn until all of its bytes have been sent: concurrent writes to one connection do not interleave.
//! * `close` makes every operation on every handle fail, including operations that are waiting and a second `close`. The descriptor
//!   itself is closed when the last handle is dropped, so that no handle can reach another file that was given the same number.
//! * Errors from connecting, binding and resolving a name contain the address. Their kind is `std`'s; the system's error, with its number,
//!   is the [source](std::error::Error::source).
//!
//! | `std::net` | here | what is different, or the reason |
//! |---|---|---|
//! | `TcpStream`, `TcpListener` | [`TcpStream`], [`TcpListener`] | as above |
//! | `Incoming` | [`Incoming`] | it [ends](TcpListener::incoming) when the listener is closed, or the context has ended |
//! | `ToSocketAddrs` | [`ToSocketAddrs`], for the same types | `std`'s blocks the thread while it asks for a name. Your own types must implement this one |
//! | `IpAddr`, `Ipv4Addr`, `Ipv6Addr`, `SocketAddr`, `SocketAddrV4`, `SocketAddrV6`, `AddrParseError`, `Shutdown` | `std`'s own, re-exported | they never wait |
//! | `UdpSocket` | none yet | `std`'s blocks the thread: use it in [`blocking`](crate::blocking) |
//! | `TcpListener::into_incoming` | [the same](TcpListener::into_incoming) | it is not stable in `std` |
//! | `Ipv6MulticastScope`, `hostname`, `TcpStream::{linger, set_linger}` | none | they are not stable. The crate `socket2` sets the options of any type that has a descriptor |
//! | `std::os::linux::net::TcpStreamExt` | none | it is sealed; `socket2::SockRef` has the same options |
//!
//! `AsFd`, `AsRawFd`, `IntoRawFd`, `FromRawFd` and the conversions from and into `OwnedFd` are there, as for `std`'s types.

mod addr;
mod connect;
mod convert;
mod explain;
mod listener;
mod stream;
mod sys;

/// These never wait. They are `std`'s own types, re-exported so that a program can be ported by changing its `use` lines.
pub use std::net::{AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6};

pub use addr::ToSocketAddrs;
pub use listener::{Incoming, IntoIncoming, TcpListener, TcpListenerBuilder};
pub use stream::TcpStream;
