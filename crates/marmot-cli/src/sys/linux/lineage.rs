//! Keeping a family of processes together: no child outlives its parent, and no orphan goes unreaped.
//!
//! A child asks the kernel to be killed when its parent ends, however that ends (`PR_SET_PDEATHSIG`). The program at
//! the top becomes the one that orphans are handed to (`PR_SET_CHILD_SUBREAPER`), so it can wait for the grandchildren
//! whose parent it has just killed.

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, getppid, set_child_subreaper, set_parent_process_death_signal, waitpgid,
};
use std::io;

/// Ties the life of this process to that of its parent, which was the process `parent` when this one was started; `false`
/// if that is gone already.
///
/// # Errors
///
/// When the kernel refuses it.
pub fn die_with(parent: u32) -> io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // A parent that ended before the call above is not noticed by it; but then this process has a new one.
    Ok(getppid().map(|pid| pid.as_raw_nonzero().get() as u32) == Some(parent))
}

/// Has this process adopt the orphans among its descendants.
///
/// # Errors
///
/// When the kernel refuses it.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Waits for every child in the process group `group`, adopted ones included. They must be about to end.
pub fn reap(group: u32) {
    let Some(group) = Pid::from_raw(group as i32) else { return };
    while matches!(waitpgid(group, WaitOptions::empty()), Ok(_) | Err(Errno::INTR)) {}
}
