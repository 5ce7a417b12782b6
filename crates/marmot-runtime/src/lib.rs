//! Marmot's runtime: the scheduler, the netpoller, descriptors and network types. Programs use it
//! through the crate `marmot`.
//!
//! | module | what it holds | what it knows of |
//! |---|---|---|
//! | `sched` | goroutines, machines, processors; parking and readying | nothing above it |
//! | `timer` | waiting for a point in time | `sched` |
//! | [`local`] | `thread_local!`, which is sound when its initialisers park | `sched` |
//! | [`context`] | cancellation, deadlines, values | `timer`, `sched` |
//! | `blocking` | closures that block, on spare threads | `sched` |
//! | `netpoll` | what the pollers report, turned into readied goroutines | `timer`, `sched` |
//! | [`profile`] | what goroutines there are, where they wait and for how long; labels | `netpoll` |
//! | `fd` | operations that try, wait and try again | `netpoll` |
//! | [`net`] | TCP, as in `std` | `fd`, `blocking` |
//! | [`buffered`] | connections that are read ahead and written late | `net` |
//! | [`io`] | copying, by the kernel where it can | `net`, `blocking` |
//! | [`sync`] | locks and channels that park the goroutine | `profile`, `sched` |
//! | [`time`] | sleeps, timers, tickers | `rt`, `sync`, `timer` |
//! | `rt` | what programs call: `go`, `scope`, `sleep`, `Runtime` | all of these |

mod blocking;
pub mod buffered;
pub mod context;
mod fd;
pub mod io;
pub mod local;
pub mod net;
mod netpoll;
mod primitive;
pub mod profile;
mod rt;
mod sched;
pub mod sync;
pub mod time;
mod timer;

pub use marmot_coro::StackError;
pub use rt::{
    Builder, Goroutine, GoroutineId, Goroutines, Group, JoinHandle, LocalJoinHandle, Runtime, RuntimeBuilder, Scope,
    ScopedJoinHandle, ShutdownError, blocking, current, exit, go, go_local, group, park, park_timeout, run_main,
    run_test, scope, sleep, sleep_or_cancelled, sleep_until, yield_now,
};
pub use rt::{available_parallelism, panicking};
pub use sched::{Stopped, WaitReason};
