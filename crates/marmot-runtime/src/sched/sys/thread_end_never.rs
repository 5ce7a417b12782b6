//! Nothing is called at the end of a thread: what would be freed there is left behind.

/// Does nothing.
///
/// # Safety
///
/// None.
pub(in crate::sched) unsafe fn call_at_thread_end(_f: unsafe fn(*mut ()), _with: *mut ()) {}
