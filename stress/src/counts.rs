//! What is counted, for the report and for the watchdog.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Makes the enumeration, the list of all its values and their names from one table.
macro_rules! counted {
    ($($value:ident = $name:literal,)*) => {
        /// Something that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum What {
            $($value,)*
        }

        /// The names, in the order of the values.
        const NAMES: &[&str] = &[$($name),*];
    };
}

counted! {
    RoundTrips = "round trips",
    Connections = "connections",
    Knocks = "knocks",
    Clean = "clean closes",
    HalfCloses = "half-closes",
    ServerHalfCloses = "half-closes by the server",
    Resets = "resets",
    ServerResets = "resets by the server",
    Closes = "closes under a reader",
    ServerCloses = "closes under the server",
    ClosesInWrite = "closes under a writer",
    HandedOver = "drops beside a clone",
    ReadTimeouts = "deadlines of reads",
    WriteTimeouts = "deadlines of writes",
    Outside = "calls from threads",
    Joins = "joins",
    Panics = "panics",
    Unparks = "unparks",
    Sleeps = "sleeps",
    Yields = "yields",
    Borrows = "borrowing goroutines",
    Blocking = "blocking calls",
    Local = "local goroutines",
    Stacks = "stacks of other sizes",
    Crowds = "goroutines in crowds",
    Doors = "listeners",
    Frames = "frames",
    Runtimes = "runtimes",
}

/// A count of each.
#[derive(Debug)]
pub struct Counts([AtomicU64; NAMES.len()]);

impl Counts {
    pub fn new() -> Counts {
        Counts([const { AtomicU64::new(0) }; NAMES.len()])
    }

    pub fn add(&self, what: What, n: u64) {
        self.0[what as usize].fetch_add(n, Relaxed);
    }

    pub fn get(&self, what: What) -> u64 {
        self.0[what as usize].load(Relaxed)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.0.iter().zip(NAMES).map(|(count, name)| (count.load(Relaxed), name));
        for (i, (count, name)) in counted.filter(|(count, _)| *count > 0).enumerate() {
            write!(f, "{}{count} {name}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
