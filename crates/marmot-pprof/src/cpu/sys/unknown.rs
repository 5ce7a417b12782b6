//! Systems whose timers are not known here.

use std::io;

/// There is none: `install` fails.
pub(in super::super) struct Timers;

impl Timers {
    pub(in super::super) fn new(_period: i64) -> Timers {
        Timers
    }

    pub(in super::super) fn look_for_threads(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in super::super) fn clear(&mut self) {}
}

/// Fails.
pub(in super::super) fn install() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "CPU profiles are taken on Linux only"))
}

/// Does nothing: there is no handler.
pub(in super::super) fn restore() {}
