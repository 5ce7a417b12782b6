//! Scripts of calls of both sides of the linked buffer, against a plain queue of bytes: those of the property test, but
//! chosen by what they reach.

#![no_main]

#[path = "../../tests/linked/calls.rs"]
mod calls;

libfuzzer_sys::fuzz_target!(|script: &[u8]| calls::play(script));
