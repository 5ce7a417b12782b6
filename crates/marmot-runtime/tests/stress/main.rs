//! Races, run for real and often, through the public API. What must hold is counted; a hang is an
//! abort with the name of the test.

#![cfg(not(loom))]

mod blocking;
mod cancel;
mod connections;
mod handed_back;
mod join;
mod mutex;
mod park;
mod runtimes;
mod spawn;
mod support;
