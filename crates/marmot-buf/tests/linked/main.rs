//! The linked buffer, as its users see it.

#![cfg(not(loom))]

mod calls;
mod consuming;
mod doubles;
mod owners;
mod producing;
mod property;
mod stress;
mod waiting;
