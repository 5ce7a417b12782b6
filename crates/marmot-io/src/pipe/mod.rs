//! `pipe`: what is written at one end is read at the other, without a buffer in between that could fill up.
//!
//! It connects code that writes with code that reads, each in its own goroutine or thread: a compressor with a request, an
//! encoder with a hash. [`duplex`] makes two of them into a connection.
//!
//! What is Go's, and what is `std`'s where Go's cannot be said in its traits:
//!
//! | | Go's `io.Pipe` | here |
//! |---|---|---|
//! | a write returns | when readers have taken all of it | the same |
//! | a write that ends early, by a close or a deadline | the count together with the error | the count; the error comes from the next write. If nothing was taken, the error |
//! | a write of nothing | waits for a reader, whose read returns nothing | returns at once, for a read of nothing means the end |
//! | a read into no room | waits for a writer | returns at once |
//! | reading after the writer has closed | the end, or its error | the same, as often as it is called |
//! | writing after the reader has closed | `ErrClosedPipe`, or its error | [`BrokenPipe`](std::io::ErrorKind::BrokenPipe), or its error |
//! | using an end after closing it | `ErrClosedPipe` | [`BrokenPipe`](std::io::ErrorKind::BrokenPipe) |
//! | closing an end twice | the first error counts | the same |
//! | an end that is dropped | the other waits for ever | closes it |
//! | deadlines | in `net.Pipe` only | yes |
//!
//! How it works is told at the head of `shared.rs`.

mod duplex;
mod ends;
mod reason;
mod shared;

pub use duplex::{Duplex, duplex, duplex_on};
pub use ends::{PipeReader, PipeWriter, pipe, pipe_on};
