//! Measuring on Linux: the load generator on epoll, figures out of `/proc`, and the counting of system calls by `ptrace`.

pub mod limits;
pub mod lineage;
pub mod load;
pub mod pattern;
pub mod proc;
pub mod trace;
