//! How large a runtime is: what its builder and the environment say.

use std::thread::available_parallelism;

use marmot_coro::DEFAULT_STACK_SIZE;

/// The most Ps that a runtime may have.
pub(crate) const MAX_PROCS: usize = 1024;

/// The most threads that a runtime may have for `blocking`.
pub(crate) const MAX_BLOCKING_THREADS: usize = 1 << 20;

/// How many that are if nobody says.
const DEFAULT_BLOCKING_THREADS: usize = 512;

/// The variable that overrides the number of Ps.
const PROCS: &str = "MARMOT_MAXPROCS";

/// The variable that overrides the number of threads for `blocking`.
const BLOCKING_THREADS: &str = "MARMOT_MAX_BLOCKING_THREADS";

/// What a scheduler is started with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) procs: usize,
    /// The usable bytes of a goroutine's stack.
    pub(crate) stack_size: usize,
    /// How many threads run closures that block, at most.
    pub(crate) max_blocking_threads: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            procs: default_procs(),
            stack_size: DEFAULT_STACK_SIZE,
            max_blocking_threads: default_max_blocking_threads(),
        }
    }
}

/// `MARMOT_MAXPROCS`, or the cores that the process may use: `available_parallelism` heeds the
/// affinity mask and the CPU quota of control groups.
pub(crate) fn default_procs() -> usize {
    let cores = available_parallelism().map_or(1, usize::from).min(MAX_PROCS);
    number(PROCS, MAX_PROCS, cores)
}

/// `MARMOT_MAX_BLOCKING_THREADS`, or 512.
pub(crate) fn default_max_blocking_threads() -> usize {
    number(BLOCKING_THREADS, MAX_BLOCKING_THREADS, DEFAULT_BLOCKING_THREADS)
}

/// The number from 1 to `most` that a variable of the environment has, or `default`.
fn number(variable: &str, most: usize, default: usize) -> usize {
    let Ok(value) = std::env::var(variable) else { return default };
    parse(&value, most).unwrap_or_else(|| {
        super::report(format_args!("{variable} is '{value}', which is not a number from 1 to {most}; using {default}"));
        default
    })
}

fn parse(value: &str, most: usize) -> Option<usize> {
    value.trim().parse().ok().filter(|n| (1..=most).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sensible_numbers_count() {
        assert_eq!(parse("3", 1024), Some(3));
        assert_eq!(parse(" 1024 ", 1024), Some(1024));
        for bad in ["", "0", "-1", "1025", "two", "1.5"] {
            assert_eq!(parse(bad, 1024), None, "{bad}");
        }
    }
}
