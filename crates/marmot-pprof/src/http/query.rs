//! What a request says behind the question mark.

use std::time::Duration;

/// The longest time that a request may ask for: a day.
const MAX_SECONDS: u32 = 24 * 60 * 60;

/// Why a request is not answered with what it asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// The text for people.
    pub text: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: u16, text: String) -> Refusal {
        Refusal { status, text }
    }
}

/// The parameters. Others than these are let pass, as in Go, whose `gc=1` is sent by some clients.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Which text is wanted; 0 for none.
    pub debug: u32,
    /// Over which time.
    pub seconds: Option<Duration>,
}

impl Query {
    /// Reads the parameters.
    ///
    /// # Errors
    ///
    /// A refusal, if one is not a number that it could be.
    pub fn parse(text: &str) -> Result<Query, Refusal> {
        let mut query = Query::default();
        for pair in text.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "debug" if !value.is_empty() => {
                    query.debug = value.parse().map_err(|_| {
                        Refusal::new(400, "debug has to be 0 for a file, or 1 or 2 for a text".to_owned())
                    })?;
                }
                "seconds" if !value.is_empty() => {
                    let seconds = value.parse().ok().filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
                    let seconds = seconds.ok_or_else(|| {
                        Refusal::new(400, format!("seconds has to be a whole number from 1 to {MAX_SECONDS}"))
                    })?;
                    query.seconds = Some(Duration::from_secs(seconds.into()));
                }
                _ => {}
            }
        }
        Ok(query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbers_in_their_ranges() {
        let query = |debug, seconds: Option<u64>| Ok(Query { debug, seconds: seconds.map(Duration::from_secs) });
        assert_eq!(Query::parse(""), query(0, None));
        assert_eq!(Query::parse("debug=2"), query(2, None));
        assert_eq!(Query::parse("gc=1&seconds=5&debug="), query(0, Some(5)));
        assert_eq!(Query::parse("debugs=x&&=&seconds"), query(0, None));
        for text in ["debug=x", "debug=-1", "seconds=0", "seconds=-1", "seconds=1.5", "seconds=86401", "seconds=5s"] {
            assert_eq!(Query::parse(text).map_err(|refusal| refusal.status), Err(400), "{text}");
        }
    }
}
