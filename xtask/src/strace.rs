//! What `strace -c` has counted.

use std::io;

/// The names of the calls that read from a connection, and of those that write to one.
pub const READS: [&str; 3] = ["recvfrom", "readv", "recvmsg"];
pub const WRITES: [&str; 3] = ["sendto", "writev", "sendmsg"];

/// The system calls of a process by their names, most of the time first.
#[derive(Debug, PartialEq, Eq)]
pub struct Calls(pub Vec<(String, u64)>);

impl Calls {
    /// Reads the table that `strace -c` writes.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] when there is no such table in the text.
    pub fn parse(text: &str) -> io::Result<Calls> {
        // Between the two rules; before it there may be lines about threads, and below it is the sum.
        let rows = text.split("------\n").nth(1).and_then(|rest| rest.split("\n------").next());
        let calls = rows.and_then(|rows| rows.lines().map(row).collect());
        calls.map(Calls).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "strace -c wrote no table"))
    }

    /// Those with these names.
    pub fn of(&self, names: &[&str]) -> u64 {
        self.0.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, count)| count).sum()
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

/// A row: the share of time, seconds, microseconds a call, calls, then errors if there were any, and the name.
fn row(line: &str) -> Option<(String, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    Some(((*fields.last()?).to_owned(), fields.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_found_among_other_lines() {
        let text = "7 ???( <detached ...>\n\
                    % time     seconds  usecs/call     calls    errors syscall\n\
                    ------ ----------- ----------- --------- --------- ------------------\n\
                    \x2065.45    0.374599      187299         2           futex\n\
                    \x2010.36    0.059293          14      4001         1 recvfrom\n\
                    ------ ----------- ----------- --------- --------- ------------------\n\
                    100.00    0.572309          46      4003         1 total\n";
        let calls = Calls::parse(text).unwrap();
        assert_eq!(calls.0, [("futex".to_owned(), 2), ("recvfrom".to_owned(), 4001)]);
        assert_eq!(calls.total(), 4003);
        assert_eq!(calls.of(&READS), 4001);
    }

    #[test]
    fn no_table_is_an_error() {
        assert!(Calls::parse("").is_err());
        assert!(Calls::parse("strace: attach: Operation not permitted\n").is_err());
    }
}
