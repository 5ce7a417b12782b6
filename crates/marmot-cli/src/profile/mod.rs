//! `marmot profile`: what profiles say.
//!
//! `advise` reads a profile of allocations, from a file or from the debug endpoints of a program that runs, and says which lines
//! are worth a pool. It reads Go's profiles, too.

mod fetch;
mod json;
mod kind;
mod show;

use crate::args::whole;
use crate::terminal;
use clap::Subcommand;
use marmot::pprof::advise;
use marmot::pprof::proto::{MAX_DECODED, Profile};
use std::fs::File;
use std::io::{self, Read, Write};

/// The options of `marmot profile`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    question: Question,
}

/// What is asked of a profile.
#[derive(Debug, Subcommand)]
enum Question {
    /// Say which allocations are worth a pool, and what that would save.
    ///
    /// The profile is one of allocations, `heap` or `allocs`, Marmot's or Go's.
    Advise {
        /// A file, or the address of a running program: http://HOST:PORT, or with the path of the profile.
        #[arg(value_name = "FILE|URL")]
        source: String,
        /// Of a running program: what it allocates within so many seconds from now, which also tells the rates.
        #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u32>(1..=86400))]
        seconds: Option<u32>,
        /// How many lines are shown.
        #[arg(long, value_name = "N", default_value_t = 10, allow_negative_numbers = true,
            value_parser = whole::<usize>(0..=u32::MAX.into()))]
        top: usize,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
}

/// Answers the question.
///
/// # Errors
///
/// When there is no such profile, or it is not one of allocations, or standard output is closed.
pub fn run(args: &Args) -> io::Result<()> {
    let Question::Advise { source, seconds, top, json } = &args.question;
    let about = |e: io::Error| io::Error::new(e.kind(), format!("{source}: {e}"));
    let profile = read(source, *seconds).map_err(about)?;
    let mut report = advise::advise(&profile).map_err(about)?;
    let rest = report.sites.split_off(report.sites.len().min(*top));
    let mut out = io::stdout().lock();
    if *json {
        serde_json::to_writer_pretty(&mut out, &json::Report::of(&report))?;
        writeln!(out)
    } else {
        out.write_all(show::render(&report, &rest, terminal::width()).as_bytes())
    }
}

fn read(source: &str, seconds: Option<u32>) -> io::Result<Profile> {
    if let Some(url) = fetch::Url::parse(source)? {
        return decode(&fetch::fetch(&url, seconds)?);
    }
    if seconds.is_some() {
        let text = "--seconds is for a running program: a file is about the time that it is about";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let file = File::open(source)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "this is a folder: give a file in it"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_DECODED as u64 + 1).read_to_end(&mut bytes)?;
    decode(&bytes)
}

fn decode(bytes: &[u8]) -> io::Result<Profile> {
    Profile::from_bytes(bytes).map_err(|error| match error.kind() {
        // What is too large is not looked at, and says so.
        io::ErrorKind::InvalidData if bytes.len() <= MAX_DECODED => {
            let text = match kind::looks_like(bytes) {
                Some(kind) => format!("this is not a pprof profile: it looks like {kind}"),
                None => format!("this is not a pprof profile, and its format is not recognised ({error})"),
            };
            io::Error::new(error.kind(), text)
        }
        _ => error,
    })
}
