//! `marmot profile`: what profiles say.
//!
//! `advise` reads a profile of allocations, from a file or from the debug endpoints of a program that runs, and says which lines
//! are worth a pool. It reads Go's profiles, too.

mod fetch;
mod json;
mod show;

use clap::Subcommand;
use marmot::pprof::advise;
use marmot::pprof::proto::Profile;
use std::fs::File;
use std::io::{self, Write};

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
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86400))]
        seconds: Option<u32>,
        /// How many lines are shown.
        #[arg(long, value_name = "N", default_value_t = 10)]
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
        out.write_all(show::render(&report, &rest).as_bytes())
    }
}

fn read(source: &str, seconds: Option<u32>) -> io::Result<Profile> {
    if let Some(url) = fetch::Url::parse(source)? {
        return Profile::from_bytes(&fetch::fetch(&url, seconds)?);
    }
    if seconds.is_some() {
        let text = "--seconds is for a running program: a file is about the time that it is about";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Profile::read_from(File::open(source)?)
}
