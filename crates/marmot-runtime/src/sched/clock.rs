//! Monotonic time as nanoseconds in a word, for timers and deadlines.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Where the count begins. One second is added to every reading, so that no deadline is zero.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

const SECOND: u64 = 1_000_000_000;

/// Now.
pub(crate) fn now() -> u64 {
    at(Instant::now())
}

/// `t`; times before the first reading count as that one, and the far future (584 years) as the
/// last.
pub(crate) fn at(t: Instant) -> u64 {
    let since = t.saturating_duration_since(origin()).as_nanos();
    u64::try_from(since).unwrap_or(u64::MAX).saturating_add(SECOND).min(u64::MAX - 1)
}

/// `d` from now.
pub(crate) fn after(d: Duration) -> u64 {
    now().saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)).min(u64::MAX - 1)
}

/// The `Instant` of a reading, or one that is a century away where `Instant` cannot hold it.
pub(crate) fn instant(when: u64) -> Instant {
    let since = Duration::from_nanos(when.saturating_sub(SECOND));
    let far = Duration::from_secs(100 * 365 * 24 * 3600);
    origin().checked_add(since).unwrap_or_else(|| Instant::now() + far)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let t = Instant::now() + Duration::from_millis(5);
        assert_eq!(instant(at(t)), t);
        assert!(after(Duration::MAX) > now());
        assert!(instant(u64::MAX) > t);
    }
}
