//! Reader and Writer utilities that compose over everything that implements the traits of [`std::io`], usable with and
//! without Marmot's runtime.
//!
//! The traits are `std`'s: [`Read`](std::io::Read), [`Write`](std::io::Write), [`BufRead`](std::io::BufRead) and
//! [`Seek`](std::io::Seek).

#![forbid(unsafe_code)]

pub mod bufio;
mod copy;
mod partial;
mod wait;

pub use copy::{copy, copy_buffer, copy_counted, copy_n};
pub use partial::Partial;
pub use wait::WaitReadable;
