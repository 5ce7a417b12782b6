//! Why an end was closed: an error that is handed out any number of times.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// What an end was closed with: an error, or nothing in particular.
pub struct Reason(Option<Arc<io::Error>>);

impl Reason {
    pub fn new(error: Option<io::Error>) -> Reason {
        Reason(error.map(Arc::new))
    }

    /// The error, as often as it is asked for.
    pub fn error(&self) -> Option<io::Error> {
        let error = self.0.as_ref()?;
        // The system's errors are copied by their numbers, so that callers find these.
        Some(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), Again(Arc::clone(error))),
        })
    }
}

/// An error once more.
#[derive(Debug)]
struct Again(Arc<io::Error>);

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Again {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.get_ref().map(|inner| inner as &(dyn Error + 'static))
    }
}
