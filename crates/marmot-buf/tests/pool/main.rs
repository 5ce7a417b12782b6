//! Pools: what a user relies on, on one thread and on several.

mod behaviour;
mod counted;
mod failures;
mod property;
mod stress;
mod threads;
