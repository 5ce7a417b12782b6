//! The memory of this process itself.

use std::fs::File;
use std::io::{BufRead, BufReader};

/// What this process holds in memory, in bytes; `None` where the kernel does not tell.
pub fn in_use() -> Option<u64> {
    super::linux::proc::memory(std::process::id()).ok()
}

/// The memory mappings of this process; `None` where the kernel does not tell.
pub fn mappings() -> Option<u64> {
    // Line by line: the text of them all can be megabytes, whose memory would be a mapping itself.
    let lines = BufReader::new(File::open("/proc/self/maps").ok()?).lines();
    lines.map(|line| line.ok().map(|_| 1)).sum()
}

/// What may still be taken without others having to give theirs up, in bytes; `None` where the kernel does not tell.
pub fn available() -> Option<u64> {
    let lines = BufReader::new(File::open("/proc/meminfo").ok()?).lines();
    let line = lines.map_while(Result::ok).find_map(|line| Some(line.strip_prefix("MemAvailable:")?.to_owned()))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
