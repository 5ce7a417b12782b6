//! `Partial`: an error that says how far it got.

use std::error::Error;
use std::fmt;
use std::io;

/// An error, and how many bytes had been moved before it. It turns into the plain [`io::Error`] where `?` asks for one.
#[derive(Debug)]
pub struct Partial {
    /// How many bytes had arrived where they were to go.
    pub moved: u64,
    /// What ended it.
    pub error: io::Error,
}

impl Partial {
    /// The kind of the error.
    pub fn kind(&self) -> io::ErrorKind {
        self.error.kind()
    }
}

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (after {} bytes)", self.error, self.moved)
    }
}

impl Error for Partial {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Partial> for io::Error {
    fn from(partial: Partial) -> io::Error {
        partial.error
    }
}
