//! The linked buffer, as its users see it.

#![cfg(not(loom))]

mod calls;
mod property;
