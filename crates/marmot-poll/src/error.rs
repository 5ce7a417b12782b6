//! Errors of the system, with what to do about them.

use std::{error, fmt, io};

/// An error of the system together with what failed and what to do about it.
#[derive(Debug)]
struct Explained {
    what: &'static str,
    advice: &'static str,
    source: io::Error,
}

/// Adds what failed, and what to do about it, to `source`. The kind stays, and the error itself is its source.
pub(crate) fn explain(source: io::Error, what: &'static str, advice: &'static str) -> io::Error {
    io::Error::new(source.kind(), Explained { what, advice, source })
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.what, self.source, self.advice)
    }
}

impl error::Error for Explained {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}
