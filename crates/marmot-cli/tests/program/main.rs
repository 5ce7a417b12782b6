//! The program, end to end: each subcommand as its users run it, one module for each.

mod bench;
mod common;
mod echo;
mod frames;
mod http;
mod profile;
mod proxy;
mod sys;
