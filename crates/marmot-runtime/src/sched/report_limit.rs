//! Reports that come in floods: a shortage that every connection meets must not fill the log.
//!
//! Of each kind of report one is written a minute, and it says how many were left out since the last.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a report is enough.
const INTERVAL: Duration = Duration::from_secs(60);

/// The limit of one kind of report: a `static` beside what reports.
pub(crate) struct ReportLimit(Mutex<State>);

struct State {
    last: Option<Instant>,
    left_out: u64,
}

impl ReportLimit {
    /// Nothing has been reported yet.
    pub(crate) const fn new() -> ReportLimit {
        ReportLimit(Mutex::new(State { last: None, left_out: 0 }))
    }

    /// Writes a line to standard error, unless one was written within the last minute.
    pub(crate) fn report(&self, what: fmt::Arguments<'_>) {
        match self.turn(Instant::now()) {
            None => {}
            Some(0) => super::report(what),
            Some(left_out) => super::report(format_args!("{what} ({left_out} similar reports suppressed)")),
        }
    }

    /// Whether a report may be written now: then how many were left out before it.
    fn turn(&self, now: Instant) -> Option<u64> {
        // Nothing that panics runs under the lock.
        let mut state = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            state.left_out += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_minute_is_written_and_the_others_are_counted() {
        let limit = ReportLimit::new();
        let start = Instant::now();
        assert_eq!(limit.turn(start), Some(0));
        for second in 0..59 {
            assert_eq!(limit.turn(start + Duration::from_secs(second)), None);
        }
        assert_eq!(limit.turn(start + INTERVAL), Some(59));
        assert_eq!(limit.turn(start + INTERVAL), None);
        assert_eq!(limit.turn(start + 3 * INTERVAL), Some(1));
        assert_eq!(limit.turn(start + 5 * INTERVAL), Some(0));
    }
}
