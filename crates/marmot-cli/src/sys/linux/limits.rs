//! The limits of a process, checked before they are hit.

use rustix::process::{Resource, geteuid, getrlimit};
use std::fs;
use std::io;
use std::thread::available_parallelism;

/// Descriptors that a process of ours needs besides its connections, with some to spare; and those for each processor, where a
/// runtime polls.
const OTHER_DESCRIPTORS: u64 = 24;
const DESCRIPTORS_PER_CPU: u64 = 3;
/// Processes and threads that exist besides those of the connections, with some to spare.
const OTHER_PROCESSES: u64 = 32;

/// What there is of what connections need.
#[derive(Debug, Clone, Copy)]
struct Limits {
    descriptors: u64,
    /// Descriptors that are not for connections.
    other_descriptors: u64,
    /// What the limit can be raised to.
    most_descriptors: u64,
    /// Processes and threads; `None` if no era that was asked for has them for each connection.
    processes: Option<u64>,
}

/// Says whether `connections` are possible here: a descriptor for each, and a process for each when `processes` is set.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`], with what can be done about it.
pub fn check(connections: u64, processes: bool) -> io::Result<()> {
    let limit = |resource| getrlimit(resource).current.unwrap_or(u64::MAX);
    let cpus = available_parallelism().map_or(1, |cpus| cpus.get() as u64);
    let limits = Limits {
        descriptors: limit(Resource::Nofile),
        other_descriptors: OTHER_DESCRIPTORS + DESCRIPTORS_PER_CPU * cpus,
        most_descriptors: read_number("/proc/sys/fs/nr_open").unwrap_or(u64::MAX),
        // The kernel does not hold root to it.
        processes: (processes && !geteuid().is_root()).then(|| limit(Resource::Nproc)),
    };
    verdict(connections, limits).map_err(|text| io::Error::new(io::ErrorKind::InvalidInput, text))
}

fn verdict(connections: u64, limits: Limits) -> Result<(), String> {
    let Limits { descriptors, other_descriptors, most_descriptors, processes } = limits;
    // What is advised passes: so many satisfy all limits.
    let by_descriptors = descriptors.saturating_sub(other_descriptors);
    let by_processes = processes.map_or(u64::MAX, |processes| processes.saturating_sub(OTHER_PROCESSES));
    let most = by_descriptors.min(by_processes);
    let fewer = if most == 0 { None } else { Some(format!("use --conns {most} or less")) };
    let needed = connections.saturating_add(other_descriptors);
    if needed > descriptors {
        let more = (needed <= most_descriptors).then(|| {
            format!("raise the limit as root with `ulimit -Hn {needed}` (for good in /etc/security/limits.conf)")
        });
        return Err(format!(
            "--conns {connections} needs {needed} file descriptors and the limit is {descriptors}: {}",
            one_of([fewer, more]),
        ));
    }
    let needed = connections.saturating_add(OTHER_PROCESSES);
    if let Some(processes) = processes
        && needed > processes
    {
        let more = Some(format!("raise it with `ulimit -u {needed}` (as root, if it is above the hard limit)"));
        let others = Some("leave those eras out with --era epoll --era goroutine".to_owned());
        return Err(format!(
            "--conns {connections} needs {needed} processes in the first two eras and the limit is {processes}: {}",
            one_of([fewer, more, others]),
        ));
    }
    Ok(())
}

/// What can be done, as a list.
fn one_of<const N: usize>(advice: [Option<String>; N]) -> String {
    let advice: Vec<String> = advice.into_iter().flatten().collect();
    match advice.split_last() {
        None => "this system allows no more".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{}, or {last}", others.join(", ")),
    }
}

fn read_number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(descriptors: u64, processes: impl Into<Option<u64>>) -> Limits {
        Limits { descriptors, other_descriptors: 30, most_descriptors: 1 << 20, processes: processes.into() }
    }

    #[test]
    fn what_fits_passes() {
        assert_eq!(verdict(200, limits(1024, 4096)), Ok(()));
        assert_eq!(verdict(900, limits(1024, None)), Ok(()));
    }

    #[test]
    fn the_error_says_what_to_do() {
        let descriptors = verdict(30_000, limits(20_000, None)).unwrap_err();
        assert!(descriptors.contains("needs 30030") && descriptors.contains("--conns 19970 or less"), "{descriptors}");
        let processes = verdict(500, limits(20_000, 400)).unwrap_err();
        assert!(processes.contains("--conns 368") && processes.contains("--era"), "{processes}");
        // No limit can be raised so far.
        let endless = verdict(u64::MAX, limits(20_000, 400)).unwrap_err();
        assert!(endless.ends_with("the limit is 20000: use --conns 368 or less"), "{endless}");
        let nothing = verdict(u64::MAX, limits(20, None)).unwrap_err();
        assert!(nothing.ends_with("this system allows no more"), "{nothing}");
    }

    #[test]
    fn what_is_advised_passes() {
        for descriptors in [0, 10, 30, 31, 64, 1024] {
            for processes in [0, 10, 32, 33, 64, 4096] {
                let limits = limits(descriptors, processes);
                let Err(text) = verdict(5000, limits) else { panic!("{limits:?}") };
                match text.split_once("--conns ").unwrap().1.split_once("use --conns ") {
                    Some((_, rest)) => {
                        let most = rest.split(' ').next().unwrap().parse().unwrap();
                        assert!(most > 0 && verdict(most, limits) == Ok(()), "{text}");
                        assert!(verdict(most + 1, limits).is_err(), "{text}");
                    }
                    None => assert!(verdict(1, limits).is_err(), "{text}"),
                }
            }
        }
    }
}
