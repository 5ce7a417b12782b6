//! What differs between systems: how to find the files that the program consists of, and what happens when it forks.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod unknown;

#[cfg(target_os = "linux")]
pub use linux::{around_fork, objects};
#[cfg(not(target_os = "linux"))]
pub use unknown::{around_fork, objects};

use std::path::PathBuf;

/// A file that the program has loaded: the executable or a shared object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What people know it by.
    pub name: String,
    /// Where its contents are.
    pub path: PathBuf,
    /// What is added to the addresses in the file.
    pub bias: usize,
    /// The parts of it that are code.
    pub segments: Vec<Segment>,
    /// What identifies its contents, in hexadecimal digits, or nothing.
    pub build_id: String,
}

/// A part of a file in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins.
    pub start: usize,
    /// Where it has ended.
    pub end: usize,
    /// Where it begins in the file.
    pub offset: usize,
}
