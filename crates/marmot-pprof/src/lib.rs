//! Profiles that `go tool pprof` opens, and what they say about object reuse; without a runtime.
//!
//! | item | what it is |
//! |---|---|
//! | [`alloc`] | where memory is allocated: the sampling allocator, and the profiles `heap` and `allocs` |
//! | [`cpu`] | which code runs: the CPU profiler |
//! | [`raw`] | a profile as it is taken: stacks of addresses, values, labels |
//! | [`Cut`] | which frames of a stack are shown |
//! | [`symbols`] | addresses to functions, files and lines |
//! | [`proto`] | the file format: the messages of `profile.proto`, gzipped |
//! | [`text`] | profiles as text: Go's `debug=1` and `debug=2` |
//! | [`http`] | the debug endpoints, under `/debug/pprof/` |
//! | [`advise`] | which allocations are worth a pool |
//!
//! What takes profiles hands over a [`raw::Profile`], and [`raw::Profile::write_to`] makes the file of it. Nothing here knows
//! what a goroutine is: whoever does fills in plain types, and says how to wait.
//!
//! # Platform notes
//!
//! Linux. Elsewhere profiles have addresses only, for what the program has loaded is not known there.
//!
//! # Examples
//!
//! A profile of a mutex, written into a file:
//!
//! ```
//! use marmot_pprof::raw::{Label, Profile, Sample, ValueType};
//!
//! fn holds_the_lock() {}
//!
//! let mut profile = Profile::new(vec![ValueType::new("contentions", "count"), ValueType::new("delay", "nanoseconds")]);
//! profile.samples.push(Sample {
//!     stack: vec![holds_the_lock as fn() as usize],
//!     values: vec![3, 1_500_000],
//!     labels: vec![("user".to_owned(), Label::Text("anna".to_owned()))],
//! });
//! # let folder = std::env::temp_dir();
//! # let path = folder.join(format!("marmot-pprof-example-{}.pb.gz", std::process::id()));
//! # let remove = path.clone();
//! profile.write_to(std::fs::File::create(path)?)?;
//! # std::fs::remove_file(remove)?;
//! // go tool pprof -top -lines mutex.pb.gz
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod advise;
pub mod alloc;
pub mod cpu;
pub mod http;
pub mod proto;
pub mod raw;
pub mod symbols;
pub mod text;

mod checked;
mod cut;
mod stack;
mod sys;

pub use alloc::Allocator;
pub use cut::Cut;
