//! `marmot eras`: the same echo service in the four styles that network servers have been written in, under the same load.
//!
//! Each era is a server in a process of its own ([`child`], [`server`]); the handler files ([`process`], [`thread`],
//! [`epoll`], [`goroutine`]) are what a programmer of that era writes, and their lines are counted from the source. This
//! process is the load ([`measure`]). One era runs after the other, so they do not compete.

mod child;
mod epoll;
mod figures;
mod goroutine;
mod html;
mod lines;
mod measure;
mod plot;
mod process;
mod report_file;
mod server;
mod table;
mod thread;

pub use server::{Hidden, run_hidden};

use crate::args::{seconds, whole};
use crate::descriptors;
use crate::sys::linux::{limits, lineage};
use crate::terminal;
use clap::ValueEnum;
use figures::Report;
use indicatif::{ProgressBar, ProgressStyle};
use report_file::ReportFile;
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;
use std::time::Duration;

/// Where the servers listen: on loopback, at a port that the kernel chooses.
const LOOPBACK: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
/// The size of every handler's buffer, the same in each era.
const BUFFER: usize = 4096;

/// The options of `marmot eras`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Connections, each with one request under way.
    #[arg(long, value_name = "N", default_value_t = 200, allow_negative_numbers = true,
        value_parser = whole::<u32>(1..=u32::MAX.into()))]
    conns: u32,
    /// Bytes of a request and of its answer.
    #[arg(long, value_name = "BYTES", default_value_t = 64, allow_negative_numbers = true,
        value_parser = whole::<u32>(1..=16 << 20))]
    size: u32,
    /// Seconds that each era is measured for.
    #[arg(long, value_name = "SECONDS", default_value = "5", allow_negative_numbers = true,
        value_parser = seconds(0.1..=3600.0))]
    seconds: Duration,
    /// Run this era only; may be given more than once.
    #[arg(long = "era", value_name = "ERA", value_enum)]
    eras: Vec<Era>,
    /// Write the figures to this file as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a page with the table and plots to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// A style of network programming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Era {
    /// A process per connection.
    Process,
    /// A thread per connection.
    Thread,
    /// One thread, an event loop and a callback per connection.
    Epoll,
    /// A goroutine per connection.
    Goroutine,
}

impl Era {
    const ALL: [Era; 4] = [Era::Process, Era::Thread, Era::Epoll, Era::Goroutine];

    /// What the era is called in tables and plots.
    fn title(self) -> &'static str {
        match self {
            Era::Process => "process per connection",
            Era::Thread => "thread per connection",
            Era::Epoll => "epoll and callbacks",
            Era::Goroutine => "goroutine per connection",
        }
    }

    /// The name that the command line and the JSON file use.
    fn name(self) -> &'static str {
        match self {
            Era::Process => "process",
            Era::Thread => "thread",
            Era::Epoll => "epoll",
            Era::Goroutine => "goroutine",
        }
    }

    /// Whether the era needs a process or a thread for each connection.
    fn is_bound_by_processes(self) -> bool {
        matches!(self, Era::Process | Era::Thread)
    }
}

/// Measures every era, prints the table, and writes the files that were asked for.
///
/// # Errors
///
/// When the limits do not allow so many connections, a server fails or answers wrongly, or a file cannot be written; and
/// [`io::ErrorKind::Interrupted`] after a signal. No server is left running in any case.
pub fn run(args: &Args) -> io::Result<()> {
    let eras: Vec<Era> = Era::ALL.into_iter().filter(|era| args.eras.is_empty() || args.eras.contains(era)).collect();
    // Before the measuring: nobody waits for a minute to hear that there is no such folder.
    let json = args.json.as_deref().map(ReportFile::open).transpose()?;
    if let (Some(json), Some(html)) = (&args.json, &args.html)
        && json == html
    {
        let text = format!("{}: --json and --html need a file each", json.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let html = args.html.as_deref().map(ReportFile::open).transpose()?;
    descriptors::raise_limit();
    limits::check(args.conns.into(), eras.iter().any(|era| era.is_bound_by_processes()))?;
    lineage::adopt_orphans()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // In this order, so that the first one sets the flag and a second one ends the program at once.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupted))?;
        flag::register(signal, Arc::clone(&interrupted))?;
    }

    let cpus = available_parallelism().map_or(1, usize::from);
    let mut report = Report::new(args.conns, args.size, args.seconds, cpus);
    for era in eras {
        let bar = progress(era, args.seconds);
        let figures = measure::era(era, args, &bar, &interrupted);
        bar.finish_and_clear();
        report.eras.push(figures.map_err(|error| name_era(error, era))?);
    }
    report.conclude();

    // The files first: whoever reads the table may leave before its end.
    let mut text = table::render(&report, terminal::width());
    if let Some(file) = json {
        let mut json = serde_json::to_string_pretty(&report)?;
        json.push('\n');
        text.push_str(&format!("\nThe figures are in {}.\n", file.path().display()));
        file.write(&json)?;
    }
    if let Some(file) = html {
        text.push_str(&format!("\nThe page with the plots is {}.\n", file.path().display()));
        file.write(&html::render(&report))?;
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A bar on the terminal; where there is none, nothing is drawn.
fn progress(era: Era, length: Duration) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:26} {wide_bar} {msg}").expect("the template is valid");
    let bar = ProgressBar::new(length.as_millis() as u64).with_style(style);
    bar.with_prefix(era.title())
}

fn name_era(error: io::Error, era: Era) -> io::Error {
    if error.kind() == io::ErrorKind::Interrupted {
        return error;
    }
    io::Error::new(error.kind(), format!("{}: {error}", era.title()))
}
