//! The stress program: it attacks everything at once, and checks every invariant at the end.
//!
//! A round is a runtime with some number of Ps, an echo server in it, and all [attacks](attacks) at the same time, until
//! enough messages have come back over the server's connections. Then everything must have ended, and the process must
//! hold what it held before. The rounds of one seed on all numbers of Ps are a pass.
//!
//! | module | what it holds |
//! |---|---|
//! | `options` | the command line |
//! | `round` | a runtime from its start to its end, and what must hold then |
//! | `ground` | what the attacks of a round share |
//! | `attacks` | the attacks, one a file |
//! | `echo` | the connections: server, clients, their plans and ends |
//! | `chance`, `contents` | all that is random, and the bytes of every stream, from the seed |
//! | `counts`, `census` | what was done, and what the process holds |
//! | `watch` | the watchdog, and the report of a failure |

#![forbid(unsafe_code)]

mod attacks;
mod census;
mod chance;
mod contents;
mod counts;
mod echo;
mod ground;
mod options;
mod round;
mod watch;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::process::{Resource, getrlimit, setrlimit};

use ground::Orders;
use options::Options;

/// Memory may grow to twice what the first passes needed, and by so much, in MiB: allocators keep what they had, and a
/// sanitizer keeps what was freed.
const GROWTH: u64 = 256;

fn main() -> ExitCode {
    let options = Options::parse();
    raise_limit();
    watch::end_with_the_first_panic();
    watch::start_the_dog();
    match run(&options) {
        Ok(()) => {
            println!("ok");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("stress: FAILED: {what}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let (first, begun) = (options.seed(), Instant::now());
    let attacks = options.attacks();
    let limit = options.seconds.map(Duration::from_secs);
    println!("seed {first}");
    let mut orders = Orders {
        seed: first,
        procs: 2,
        conns: options.conns().min(16),
        round_trips: 500,
        patience: options.patience(),
    };
    // What a process makes once and keeps is made now: it is no leak. The default runtime is the one whose pollers plain
    // threads wait by.
    marmot::go(|| ()).join().map_err(|_| "the default runtime does not work")?;
    round::run(&orders, &attacks).map_err(|what| format!("before the first round: {what}"))?;
    let mut usual = 0;
    for pass in 0.. {
        for &procs in &options.procs {
            orders = Orders {
                seed: first.wrapping_add(pass),
                procs,
                conns: options.conns(),
                round_trips: options.round_trips(),
                ..orders
            };
            let line = round::run(&orders, &attacks)
                .map_err(|what| format!("after the round with --seed {} --procs {procs}: {what}", orders.seed))?;
            println!("{line}");
        }
        let memory = census::memory();
        if pass < 2 {
            usual = memory.max(usual);
        } else if memory > 2 * usual + GROWTH {
            return Err(format!("memory grows: {memory} MiB after pass {pass}, and {usual} MiB after the first ones"));
        }
        if limit.is_none_or(|limit| begun.elapsed() >= limit) {
            break;
        }
    }
    Ok(())
}

/// Raises the soft limit of descriptors: a connection needs one for each end.
fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // A system that refuses leaves it as it was, and whoever runs out of descriptors says so.
    let _ = setrlimit(Resource::Nofile, limit);
}
