//! The limit of descriptors.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit as far as it may go, as Go's runtime does: it is low for the sake of programs that use `select(2)`.
pub fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // A system that refuses it leaves the limit as it was, and whoever runs out of descriptors says so.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
