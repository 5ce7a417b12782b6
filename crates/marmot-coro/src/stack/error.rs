//! Why a stack could not be had.

use std::{error, fmt, io};

use super::MAX_STACK_SIZE;
use super::sys::Advice;

/// Why a stack could not be had. Its text says what ran out and what to do about it.
///
/// It converts into an [`io::Error`] of kind `OutOfMemory`, or `InvalidInput` for a size that no
/// class has.
#[derive(Debug)]
pub struct StackError(Cause);

#[derive(Debug)]
enum Cause {
    TooLarge { size: usize },
    Reserve { bytes: usize, source: io::Error },
    Guard { source: io::Error },
    Mappings { spent: usize },
}

impl StackError {
    pub(super) fn too_large(size: usize) -> Self {
        Self(Cause::TooLarge { size })
    }

    /// Not even one stack, of `bytes` with its guard, could be mapped.
    pub(super) fn reserve(bytes: usize, source: io::Error) -> Self {
        Self(Cause::Reserve { bytes, source })
    }

    pub(super) fn guard(source: io::Error) -> Self {
        Self(Cause::Guard { source })
    }

    /// The guards have added `spent` mappings and may add no more.
    pub(super) fn mappings(spent: usize) -> Self {
        Self(Cause::Mappings { spent })
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::TooLarge { size } => {
                write!(f, "a stack of {size} bytes is too large: ask for at most {MAX_STACK_SIZE}")
            }
            Cause::Reserve { bytes, source } => {
                write!(f, "no address space for a stack of {} KiB ({source}): {}", bytes / 1024, Advice::AddressSpace)
            }
            Cause::Guard { source } => write!(f, "no memory for the guard of a stack ({source}): {}", Advice::Memory),
            Cause::Mappings { spent } => {
                write!(f, "no memory map left for the guard of a stack ({spent} used for guards): {}", Advice::Mappings)
            }
        }
    }
}

impl error::Error for StackError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.0 {
            Cause::Reserve { source, .. } | Cause::Guard { source } => Some(source),
            Cause::TooLarge { .. } | Cause::Mappings { .. } => None,
        }
    }
}

impl From<StackError> for io::Error {
    fn from(error: StackError) -> Self {
        let kind = match error.0 {
            Cause::TooLarge { .. } => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::OutOfMemory,
        };
        Self::new(kind, error)
    }
}
