//! The `Date` field's value, formatted once a second on each thread.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The length of a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
const LENGTH: usize = 29;

thread_local! {
    /// The second that the text is for, and the text.
    static LAST: Cell<(u64, [u8; LENGTH])> = const { Cell::new((u64::MAX, [b' '; LENGTH])) };
}

/// The date of now.
pub fn now() -> Date {
    let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (last, text) = LAST.get();
    if last == second {
        return Date(text);
    }
    let text = format(second);
    LAST.set((second, text));
    Date(text)
}

/// A formatted date.
#[derive(Debug, Clone, Copy)]
pub struct Date([u8; LENGTH]);

impl Date {
    /// Its text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("a date is ASCII")
    }
}

fn format(second: u64) -> [u8; LENGTH] {
    let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
    text.as_bytes().try_into().expect("every date until the year 9999 has the same length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_the_second() {
        assert_eq!(&format(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        let parsed = httpdate::parse_http_date(now().as_str()).unwrap();
        assert!(parsed.elapsed().unwrap() < Duration::from_secs(60));
    }
}
