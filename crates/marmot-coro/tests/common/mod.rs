//! What several test files use.

#![allow(dead_code, reason = "each test file uses a part")]

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::{env, hint};

use marmot_coro::{GuardPolicy, StackPool};

/// Names the test that a re-executed test binary is to play the child of.
const CHILD: &str = "MARMOT_CORO_TEST_CHILD";

/// A pool of a test's own.
pub fn pool(policy: GuardPolicy) -> &'static StackPool {
    Box::leak(Box::new(StackPool::new(policy)))
}

/// Whether this process is the child of the test `name`.
pub fn is_child(name: &str) -> bool {
    env::var(CHILD).is_ok_and(|child| child == name)
}

/// What became of a child.
pub struct Outcome {
    pub success: bool,
    pub signal: Option<i32>,
    pub stderr: String,
}

/// Runs the test `name` of this binary in a process of its own, in which [`is_child`] holds.
pub fn run_child(name: &str) -> Outcome {
    let output = Command::new(env::current_exe().expect("a test binary has a path"))
        .args(["--exact", name, "--nocapture", "--include-ignored", "--test-threads=1"])
        .env(CHILD, name)
        .output()
        .expect("the test binary runs again");
    Outcome {
        success: output.status.success(),
        signal: output.status.signal(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Recurses until the address of a local is below `until`, with frames of about 1 KiB; returns the
/// depth.
#[inline(never)]
pub fn recurse(until: usize, depth: usize) -> usize {
    let frame = [depth as u8; 1024];
    let frame = hint::black_box(&frame);
    if frame.as_ptr().addr() < until {
        return depth;
    }
    recurse(until, depth + 1) + usize::from(hint::black_box(frame[0]) ^ depth as u8)
}

/// Writes `value` to the byte at `address`.
///
/// # Safety
///
/// The address is in memory that the caller owns, or the caller wants the fault.
pub unsafe fn write(address: usize, value: u8) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(value) }
}

/// Reads the byte at `address`.
///
/// # Safety
///
/// As `write`.
pub unsafe fn read(address: usize) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::with_exposed_provenance::<u8>(address).read_volatile() }
}
