//! What differs between systems: which error numbers mean that something ran out.

#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub(super) use unix::{descriptor_limit, in_progress, shortage};
