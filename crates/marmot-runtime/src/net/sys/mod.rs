//! What differs between systems: which error numbers mean that something ran out, and the calls by which bytes move.

#[cfg(all(unix, not(target_vendor = "apple")))]
mod quiet;
#[cfg(target_vendor = "apple")]
#[path = "quiet_apple.rs"]
mod quiet;
#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub(super) use unix::{descriptor_limit, end, in_progress, is_readable, receive, send, shortage};
