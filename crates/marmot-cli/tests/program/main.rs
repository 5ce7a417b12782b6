//! The program, end to end: each subcommand as its users run it, one module for each.

mod args;
mod bench;
mod closed;
mod common;
mod echo;
mod frames;
mod http;
mod max_conns;
mod profile;
mod proxy;
mod sys;
