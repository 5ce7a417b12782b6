//! The inside of a server process: hidden subcommands that `marmot eras` runs of its own program.

use super::{Era, epoll, goroutine, process, thread};
use crate::descriptors;
use crate::sys::linux::lineage;
use marmot::Runtime;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

/// The subcommands that are for the program's own use.
#[derive(Debug, clap::Subcommand)]
pub enum Hidden {
    /// The server of an era.
    #[command(hide = true)]
    EraServer { era: EraName, parent: u32 },
    /// The process of one connection in the first era.
    #[command(hide = true)]
    EraConnection { parent: u32 },
}

/// An era on the command line of a server process.
#[derive(Debug, Clone)]
pub struct EraName(Era);

impl std::str::FromStr for EraName {
    type Err = String;

    fn from_str(text: &str) -> Result<EraName, String> {
        let era = Era::ALL.into_iter().find(|era| era.name() == text);
        era.map(EraName).ok_or_else(|| format!("there is no era {text}"))
    }
}

/// Runs a hidden subcommand.
///
/// # Errors
///
/// When the server fails.
pub fn run_hidden(hidden: &Hidden) -> io::Result<()> {
    let (Hidden::EraServer { parent, .. } | Hidden::EraConnection { parent }) = hidden;
    if !lineage::die_with(*parent)? {
        return Ok(());
    }
    match hidden {
        Hidden::EraServer { era, .. } => {
            descriptors::raise_limit();
            // The parent may first attach a tracer, which has to be there before any thread is.
            io::stdin().read_exact(&mut [0])?;
            match era.0 {
                Era::Process => process::serve(announce),
                Era::Thread => thread::serve(announce),
                Era::Epoll => epoll::serve(announce),
                Era::Goroutine => Runtime::new()?.run(|| goroutine::serve(announce)),
            }
        }
        Hidden::EraConnection { .. } => process::connection(),
    }
}

/// Tells the parent where the server listens.
fn announce(addr: SocketAddr) {
    let mut out = io::stdout().lock();
    // A parent that is gone takes this process with it, so there is no one to report a failure to.
    let _ = writeln!(out, "{addr}").and_then(|()| out.flush());
}
