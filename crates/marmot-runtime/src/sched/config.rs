//! How many Ps a runtime gets.

use std::thread::available_parallelism;

/// The most Ps that a runtime may have.
pub(crate) const MAX_PROCS: usize = 1024;

/// The variable that overrides the default.
const VARIABLE: &str = "MARMOT_MAXPROCS";

/// `MARMOT_MAXPROCS`, or the cores that the process may use: `available_parallelism` heeds the
/// affinity mask and the CPU quota of control groups.
pub(crate) fn default_procs() -> usize {
    let cores = available_parallelism().map_or(1, usize::from).min(MAX_PROCS);
    let Ok(value) = std::env::var(VARIABLE) else { return cores };
    match parse(&value) {
        Some(n) => n,
        None => {
            super::report(format_args!(
                "{VARIABLE} is '{value}', which is not a number from 1 to {MAX_PROCS}; using {cores}"
            ));
            cores
        }
    }
}

fn parse(value: &str) -> Option<usize> {
    value.trim().parse().ok().filter(|n| (1..=MAX_PROCS).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sensible_numbers_count() {
        assert_eq!(parse("3"), Some(3));
        assert_eq!(parse(" 1024 "), Some(1024));
        for bad in ["", "0", "-1", "1025", "two", "1.5"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
