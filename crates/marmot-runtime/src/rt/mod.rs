//! The face of the runtime: spawning, joining, waiting, and starting and stopping a runtime.

mod builder;
mod context;
mod goroutine;
mod goroutines;
mod group;
mod join;
mod main;
mod process;
mod runtime;
mod scope;
mod spawn;
mod thread;
mod wait;
mod wait_group;

pub use builder::Builder;
pub use goroutine::{Goroutine, GoroutineId, current};
pub(crate) use goroutines::Connections;
pub use goroutines::Goroutines;
pub use group::{Group, group};
pub use join::{JoinHandle, LocalJoinHandle};
pub use main::{run_main, run_test};
pub use process::exit;
pub use runtime::{Runtime, RuntimeBuilder, ShutdownError};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use spawn::{go, go_local};
pub use thread::{available_parallelism, panicking};
pub use wait::{blocking, park, park_timeout, sleep, sleep_or_cancelled, sleep_until, yield_now};

pub(crate) use spawn::{go_after, go_under};
