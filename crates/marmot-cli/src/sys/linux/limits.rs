//! The limits of a process, checked before they are hit.

use rustix::process::{Resource, getrlimit};
use std::io;

/// Descriptors that a process of ours needs besides its connections, with some to spare.
const OTHER_DESCRIPTORS: u64 = 64;
/// Processes and threads that exist besides those of the connections, with some to spare.
const OTHER_PROCESSES: u64 = 32;

/// Says whether `connections` are possible here: a descriptor for each, and a process for each when `processes` is set.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`], with what can be done about it.
pub fn check(connections: u64, processes: bool) -> io::Result<()> {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let nproc = getrlimit(Resource::Nproc).current.unwrap_or(u64::MAX);
    verdict(connections, processes, descriptors, nproc)
        .map_err(|text| io::Error::new(io::ErrorKind::InvalidInput, text))
}

fn verdict(connections: u64, processes: bool, descriptors: u64, nproc: u64) -> Result<(), String> {
    let needed = connections.saturating_add(OTHER_DESCRIPTORS);
    if needed > descriptors {
        return Err(format!(
            "--conns {connections} needs {needed} file descriptors and the limit is {descriptors}: use --conns {} or less, \
             or raise the limit first with `ulimit -Hn {needed}` (as root; for good in /etc/security/limits.conf)",
            descriptors.saturating_sub(OTHER_DESCRIPTORS)
        ));
    }
    let needed = connections.saturating_add(OTHER_PROCESSES);
    if processes && needed > nproc {
        return Err(format!(
            "--conns {connections} needs {needed} processes in the first two eras and the limit is {nproc}: use --conns {} or less, \
             raise it with `ulimit -Hu {needed}` (as root), or leave those eras out with --era epoll --era goroutine",
            nproc.saturating_sub(OTHER_PROCESSES)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_passes() {
        assert_eq!(verdict(200, true, 1024, 4096), Ok(()));
        assert_eq!(verdict(900, false, 1024, 10), Ok(()));
    }

    #[test]
    fn the_error_says_what_to_do() {
        let descriptors = verdict(30_000, false, 20_000, u64::MAX).unwrap_err();
        assert!(descriptors.contains("needs 30064") && descriptors.contains("--conns 19936"), "{descriptors}");
        let processes = verdict(500, true, 20_000, 400).unwrap_err();
        assert!(processes.contains("--conns 368") && processes.contains("--era"), "{processes}");
        assert!(verdict(u64::MAX, true, 20_000, 400).is_err());
    }
}
