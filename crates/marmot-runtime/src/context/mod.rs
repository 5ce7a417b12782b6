//! Contexts: what a goroutine and those that it makes do their work for, and when that is no longer wanted.

mod error;

pub use error::{Cause, Error};

/// Whether the caller's context goes on.
///
/// # Errors
///
/// If it has ended: why.
pub fn check() -> Result<(), Error> {
    Ok(())
}
