//! Goroutines for Rust: network I/O that reads like blocking code and scales like epoll.
//!
//! ```
//! use std::io::{Read, Write};
//! use marmot::net::{TcpListener, TcpStream};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let addr = listener.local_addr()?;
//! marmot::go(move || {
//!     for conn in listener.incoming().flatten() {
//!         marmot::go(move || {
//!             let mut conn = conn;
//!             let mut buf = [0; 1024];
//!             while let Ok(n @ 1..) = conn.read(&mut buf) {
//!                 if conn.write_all(&buf[..n]).is_err() {
//!                     break;
//!                 }
//!             }
//!         });
//!     }
//! });
//!
//! let mut conn = TcpStream::connect(addr)?;
//! conn.write_all(b"hello")?;
//! let mut word = [0; 5];
//! conn.read_exact(&mut word)?;
//! assert_eq!(&word, b"hello");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Features
//!
//! | feature | what it adds | on by default |
//! |---|---|---|
//! | `pprof` | the module `pprof`: profiles, in files and by HTTP, and the allocator that takes samples. Its dependencies (prost, addr2line, flate2 and others) are not built without it | yes |
//! | `bytes` | conversions between [`buf::Chunk`] and `bytes::Bytes` | no |

pub use marmot_buf as buf;
pub use marmot_buf::{Pool, Pooled, pool};
pub use marmot_macros::{main, test};
pub use marmot_runtime::{
    Builder, Goroutine, GoroutineId, Goroutines, Group, JoinHandle, LocalJoinHandle, Runtime, RuntimeBuilder, Scope,
    ScopedJoinHandle, ShutdownError, StackError, Stopped, WaitReason, blocking, buffered, context, current, go,
    go_local, group, io, net, park, park_timeout, scope, select, sleep, sleep_or_cancelled, sleep_until, sync,
    thread_local, time, yield_now,
};

#[cfg(feature = "pprof")]
pub mod pprof;
pub mod process;
pub mod thread;

/// Guides: how one thing is done from the beginning to the end.
pub mod guide {
    // Its examples take profiles.
    #[cfg(feature = "pprof")]
    #[doc = include_str!("../docs/pooling.md")]
    pub mod pooling {}

    #[doc = include_str!("../docs/sync.md")]
    pub mod sync {}
}

/// What the attributes expand to. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use marmot_runtime::{run_main, run_test};
}
