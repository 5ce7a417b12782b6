//! `marmot eras` where its measuring does not exist.

use std::io;

/// The options of `marmot eras`: none that could be honoured here.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// The hidden subcommands of `marmot eras`: there are none here.
#[derive(Debug, clap::Subcommand)]
pub enum Hidden {}

/// Says that the comparison needs Linux.
///
/// # Errors
///
/// Always.
pub fn run(_: &Args) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "`marmot eras` measures by way of /proc, ptrace and epoll and needs Linux; `marmot serve` and `marmot bench` run here",
    ))
}

/// There is nothing to run.
///
/// # Errors
///
/// None: there is no value to call it with.
pub fn run_hidden(hidden: &Hidden) -> io::Result<()> {
    match *hidden {}
}
