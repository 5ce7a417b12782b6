//! The memory of this process itself: not measured on this system.

/// What this process holds in memory, in bytes; `None` where the kernel does not tell.
pub fn in_use() -> Option<u64> {
    None
}

/// The memory mappings of this process; `None` where the kernel does not tell.
pub fn mappings() -> Option<u64> {
    None
}

/// What may still be taken; `None` where the kernel does not tell.
pub fn available() -> Option<u64> {
    None
}
