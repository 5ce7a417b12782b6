//! Profiles that `go tool pprof` opens, and what they say about object reuse; without a runtime.
//!
//! | item | what it is |
//! |---|---|
//! | [`raw`] | a profile as it is taken: stacks of addresses, values, labels |
//! | [`symbols`] | addresses to functions, files and lines |
//! | [`proto`] | the file format: the messages of `profile.proto`, gzipped |
//!
//! What takes profiles hands over a [`raw::Profile`]; [`raw::Profile::write_to`] makes the file of it. Nothing here knows
//! what a goroutine is: whoever does fills in the plain types.

pub mod proto;
pub mod raw;
pub mod symbols;

mod cut;
mod sys;

pub use cut::Cut;
