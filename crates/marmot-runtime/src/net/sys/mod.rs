//! What differs between systems: which error numbers mean that something ran out, and the calls by which bytes move.

#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub(super) use unix::{descriptor_limit, in_progress, receive, send, shortage};
