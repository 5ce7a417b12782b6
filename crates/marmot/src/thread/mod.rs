//! `std::thread` for goroutines: a program that uses threads is ported by changing its `use` lines.
//!
//! ```
//! use marmot::thread; // was: use std::thread;
//! use std::time::Duration;
//!
//! let mut numbers = vec![1, 2, 3];
//! thread::scope(|s| {
//!     s.spawn(|| numbers.push(4));
//! });
//! let sum = thread::Builder::new().name("sum".to_owned()).spawn(move || numbers.iter().sum::<i32>())?;
//! thread::sleep(Duration::from_millis(1));
//! assert_eq!(sum.thread().name(), Some("sum"));
//! assert_eq!(sum.join().unwrap(), 10);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! There is nothing of its own here: these are names of what the crate has.
//!
//! **A goroutine that ends runs no destructors of thread-locals.** It shares the thread-locals of its thread with the other
//! goroutines there, and they are destroyed when the thread ends: see [Thread-locals](#thread-locals).
//!
//! | `std::thread` | here | what is different, or the reason |
//! |---|---|---|
//! | `spawn` | [`spawn`], which is [`go`](crate::go) | a goroutine inherits the context and the labels of the goroutine that makes it; when it ends, no thread-local is destroyed |
//! | `Builder` | [`Builder`]; [`marmot::Builder`](crate::Builder) takes a `&str` as a name, too | a stack has 64 KiB at least: smaller ones are rounded up |
//! | `Builder::spawn_unchecked` | none | the caller of `std`'s must keep borrowed values until `join` has returned. Here `join` may return before the goroutine ends, if the context ends. Use [`scope`] for closures that borrow |
//! | `scope`, `Scope`, `ScopedJoinHandle` | [`scope`], [`Scope`], [`ScopedJoinHandle`] | [a panic cancels the others](#panics-in-a-scope) |
//! | `JoinHandle` | [`JoinHandle`] | [`join`](JoinHandle::join) also returns when the caller's context ends. It waits for no destructor of a thread-local |
//! | `JoinHandle::{join, thread, is_finished}` | the same | – |
//! | `Thread` | [`Thread`], which is [`Goroutine`](crate::Goroutine) | it also knows where it was made, and what it waits for |
//! | `Thread::{id, name, unpark}` | the same | – |
//! | `std::os`' `JoinHandleExt` | none | a goroutine has no thread of its own |
//! | `ThreadId` | [`ThreadId`], which is [`GoroutineId`](crate::GoroutineId) | it can be printed and ordered |
//! | `current` | [`current`] | the goroutine; a plain thread has a handle, too |
//! | `park`, `park_timeout`, `yield_now` | [`park`], [`park_timeout`], [`yield_now`] | parking also returns when the context ends: it may return for no reason in `std`, too |
//! | `sleep`, `sleep_until` | [`sleep`], [`sleep_until`] | the end of the context ends them; [`sleep_or_cancelled`](crate::time::sleep_or_cancelled) says so |
//! | `panicking` | [`panicking`] | of the goroutine; `std`'s is the thread's, and is true while another goroutine of it unwinds |
//! | `available_parallelism` | [`available_parallelism`] | the Ps of the runtime |
//! | `Result` | [`Result`] | – |
//! | `thread_local!`, `LocalKey` | [`marmot::thread_local!`](crate::thread_local), [`LocalKey`] | `std`'s is unsound if an initialiser parks; this one panics: [Thread-locals](#thread-locals) |
//! | `AccessError` | `std`'s own | – |
//! | `park_timeout_ms`, `sleep_ms` | the same | `std` has deprecated them |
//! | `Thread::{into_raw, from_raw}`, `ThreadId::as_u64`, `current_id`, `add_spawn_hook`, `Builder::no_hooks` | none | they are not stable |
//!
//! # Panics in a scope
//!
//! When a goroutine of a [`scope`] panics, the scope is cancelled, **also if the panic is joined**: sleeps and parks of the others
//! return, and what they receive or join is an error. In `std` they go on. Those that are to go on with their work whatever becomes of
//! a sibling do it in [`shield`](crate::context::shield):
//!
//! ```
//! use marmot::context;
//! use marmot::sync::mpsc;
//! use marmot::thread;
//!
//! thread::scope(|s| {
//!     let (sender, receiver) = mpsc::channel();
//!     assert!(s.spawn(|| panic!("it is joined, and that is all")).join().is_err());
//!     assert!(matches!(receiver.recv(), Err(mpsc::RecvError::Cancelled)));
//!     s.spawn(move || sender.send(1));
//!     assert_eq!(context::shield(|| receiver.recv()), Ok(1));
//! });
//! ```
//!
//! # Thread-locals
//!
//! A goroutine that has started stays on one thread for life, so thread-locals work: a borrow inside [`LocalKey::with`] may be
//! held across any call, and what a goroutine finds there is what it, **or another goroutine of that thread**, has left. A value
//! that is to belong to one goroutine, and to those that it makes, goes into the context:
//! [`Context::with_value`](crate::context). If something must be done when a goroutine ends, such as flushing a buffer, do it in the
//! destructor of a guard on its stack, or at the end of its closure. A thread-local's destructor runs only when the thread ends, and the
//! threads of the default runtime never end before the process does.
//!
//! **Declare thread-locals by [`marmot::thread_local!`](crate::thread_local)**. It has the syntax of `std`'s macro, and its keys have the
//! methods of `std`'s. With `std`'s own, an initialiser that parks, for example because it locks a mutex of
//! [`sync`](crate::sync), **is undefined behaviour** if another goroutine of the thread uses the thread-local meanwhile. With
//! Marmot's macro, that other goroutine panics. [`go`](crate::go) gives the general rule.
//!
//! ```
//! use marmot::{thread, thread_local};
//! use std::cell::Cell;
//!
//! thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
//!
//! let counted = thread::spawn(|| {
//!     COUNT.set(COUNT.get() + 1);
//!     thread::yield_now();
//!     COUNT.get()
//! });
//! // Others may have counted on that thread, but nobody has moved this one to another.
//! assert!(counted.join().unwrap() >= 1);
//! ```

mod builder;

use std::time::Duration;

pub use builder::Builder;
/// As [`std::thread::spawn`], but it starts a goroutine. **No destructors of thread-locals run** when the goroutine ends, because it
/// shares them with the other goroutines of its thread. See the [module's head](self#thread-locals).
pub use marmot_runtime::go as spawn;
pub use marmot_runtime::local::LocalKey;
pub use marmot_runtime::{
    Goroutine as Thread, GoroutineId as ThreadId, JoinHandle, Scope, ScopedJoinHandle, available_parallelism, current,
    panicking, park, park_timeout, scope, sleep, sleep_until, yield_now,
};
pub use std::thread::{AccessError, Result};

/// As [`sleep`], in milliseconds.
#[deprecated(since = "0.1.0", note = "`std` has deprecated it: use `sleep`")]
pub fn sleep_ms(ms: u32) {
    sleep(Duration::from_millis(ms.into()));
}

/// As [`park_timeout`], in milliseconds.
#[deprecated(since = "0.1.0", note = "`std` has deprecated it: use `park_timeout`")]
pub fn park_timeout_ms(ms: u32) {
    park_timeout(Duration::from_millis(ms.into()));
}
