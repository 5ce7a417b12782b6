//! The memory of this process itself.

/// What this process holds in memory, in bytes; `None` where the kernel does not tell.
pub fn in_use() -> Option<u64> {
    super::linux::proc::memory(std::process::id()).ok()
}
