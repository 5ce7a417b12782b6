//! What a tree of processes uses: CPU time, threads and memory.
//!
//! CPU time comes from each process's CPU-time clock (`clock_getcpuclockid(3)`): nanoseconds, and with the threads that
//! have ended included, where `/proc/PID/stat` counts in steps of 10 ms and `/proc/PID/schedstat` knows the main thread
//! only. Memory is the proportional set size, so that a page which a thousand processes share is counted once; and of that
//! the anonymous part (with shared memory), since the share of the program's own file changes with who else runs it.
//!
//! A process that ends while it is being looked at is left out: its parent accounts for it once it is reaped.

use std::fs;
use std::io;
use std::time::Duration;

/// How many processes and threads there are in a tree, and what memory they hold.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// The processes, the root included.
    pub processes: u64,
    /// The threads of all of them.
    pub threads: u64,
    /// The sum of the anonymous parts of their proportional set sizes, in bytes.
    pub memory: u64,
}

/// The process `root` and all its descendants, the root first.
pub fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for thread in threads.flatten() {
            let Ok(children) = fs::read_to_string(thread.path().join("children")) else { continue };
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}

/// The user and system time of the tree under `root`, with that of the children that have ended and were reaped.
///
/// # Errors
///
/// When `root` is gone.
pub fn cpu_time(root: u32) -> io::Result<Duration> {
    let mut total = own_cpu_time(root)?;
    for pid in tree(root) {
        if pid != root {
            total += own_cpu_time(pid).unwrap_or_default();
        }
        total += reaped_cpu_time(pid).unwrap_or_default();
    }
    Ok(total)
}

/// Counts the processes and threads under `root`, and their memory.
///
/// # Errors
///
/// When `root` is gone, or the kernel does not tell its memory.
pub fn census(root: u32) -> io::Result<Census> {
    let mut census = Census { processes: 1, threads: threads(root)?, memory: memory(root)? };
    for pid in tree(root).into_iter().skip(1) {
        if let (Ok(threads), Ok(memory)) = (threads(pid), memory(pid)) {
            census.processes += 1;
            census.threads += threads;
            census.memory += memory;
        }
    }
    Ok(census)
}

/// The anonymous part of one process's proportional set size, in bytes.
///
/// # Errors
///
/// When the process is gone, or `smaps_rollup` does not have it (Linux 5.3) or may not be read.
pub fn memory(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib = |name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| unreadable("smaps_rollup"))?;
        line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).ok_or_else(|| unreadable("smaps_rollup"))
    };
    Ok((kib("Pss_Anon:")? + kib("Pss_Shmem:")?) * 1024)
}

fn threads(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    stat_field(&text, 20).ok_or_else(|| unreadable("stat"))
}

/// What a process's children had used when it reaped them, in the 10 ms steps of `/proc/PID/stat`.
fn reaped_cpu_time(pid: u32) -> io::Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let field = |number| stat_field(&text, number).ok_or_else(|| unreadable("stat"));
    let ticks = field(16)? + field(17)?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_nanos(ticks * 1_000_000_000 / per_second))
}

/// A field of `/proc/PID/stat` by its number in proc_pid_stat(5), which counts from 1. The second is the name of the
/// program, in brackets; it may itself contain blanks and brackets.
fn stat_field(stat: &str, number: usize) -> Option<u64> {
    let after_name = stat.get(stat.rfind(')')? + 2..)?;
    after_name.split(' ').nth(number - 3)?.parse().ok()
}

fn own_cpu_time(pid: u32) -> io::Result<Duration> {
    let pid = libc::pid_t::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut clock: libc::clockid_t = 0;
    // SAFETY: the function writes one clock id through the pointer, which is valid for that; it takes any number as pid.
    let error = unsafe { libc::clock_getcpuclockid(pid, &mut clock) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec through the pointer; a clock whose process has ended is refused with an error.
    if unsafe { libc::clock_gettime(clock, &mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

fn unreadable(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/PID/{what} is not in the form that proc(5) describes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_behind_the_name() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 9 0 0 0 11 12 13 14 20 0 3 0 100";
        assert_eq!(stat_field(stat, 4), Some(1));
        assert_eq!(stat_field(stat, 16), Some(13));
        assert_eq!(stat_field(stat, 20), Some(3));
        assert_eq!(stat_field("7 (cut", 4), None);
    }

    #[test]
    fn this_process_is_seen() {
        let own = std::process::id();
        let census = census(own).unwrap();
        assert!(census.processes >= 1 && census.threads >= 1 && census.memory > 4096, "{census:?}");
        assert!(cpu_time(own).unwrap() > Duration::ZERO);
    }

    #[test]
    fn the_time_of_reaped_children_counts() {
        let own = std::process::id();
        assert!(tree(own).contains(&own));
        assert!(reaped_cpu_time(own).is_ok());
    }

    #[test]
    fn a_process_that_does_not_exist_is_an_error() {
        // Linux gives out no number above 2²² (`PID_MAX_LIMIT`).
        let beyond = (1 << 22) + 1;
        assert!(cpu_time(beyond).is_err());
        assert!(census(beyond).is_err());
    }
}
