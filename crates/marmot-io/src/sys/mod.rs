//! What differs between systems: files at offsets, and the kinds of sockets that there are.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
